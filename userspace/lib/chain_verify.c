// SPDX-License-Identifier: GPL-2.0-only
/*
 * Was a history altered? docs/history.md, "How to check", step by step.
 *
 * What is wrong is found where it shows: an altered row at itself, a removed
 * one at the row that follows, a cut end at a seal that was kept elsewhere.
 * After a fault the walk goes on from the hash that stands there, so that one
 * fault is not taken for thousands.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "chain.h"
#include "mem.h"

/* One verification. */
struct walk {
	const struct chain_trust *trust;
	struct chain_verdict *verdict;
	chain_row_fn call;
	void *arg;
	uint8_t previous[CHAIN_HASH_LEN];
	struct chain_mark anchor;	/* the one that counts: seq 0: none */
	struct chain_row first;
	char *first_kind, *first_body;	/* its texts */
	bool since_seen;
};

static void fault(struct walk *walk, uint64_t row, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(struct walk *walk, uint64_t row, const char *format, ...)
{
	struct chain_verdict *verdict = walk->verdict;
	va_list args;

	/* What is known of the beginning only at the end still comes first. */
	if (verdict->faults++ && row >= verdict->row)
		return;
	verdict->row = row;
	va_start(args, format);
	(void)vsnprintf(verdict->fault, sizeof(verdict->fault), format, args);
	va_end(args);
}

static bool believed(struct walk *walk, const struct chain_key *key)
{
	const struct chain_trust *trust = walk->trust;
	struct chain_verdict *verdict = walk->verdict;

	if (!trust->nkeys) {
		if (!verdict->has_key)
			verdict->key = *key;
		verdict->has_key = true;
		return !memcmp(&verdict->key, key, sizeof(*key));
	}
	for (size_t i = 0; i < trust->nkeys; i++) {
		if (memcmp(&trust->keys[i], key, sizeof(*key)) != 0)
			continue;
		verdict->key = *key;
		verdict->has_key = true;
		return true;
	}
	return false;
}

/* A row with a signature: is it what it says? */
static bool good_mark(struct walk *walk, const struct chain_row *row,
		      enum chain_mark_kind kind, struct chain_seal *seal,
		      json_t *json)
{
	const char *what = kind == CHAIN_SEAL ? "seal" : "anchor";
	const char *why = NULL;

	if (!chain_seal_parse(json, seal))
		why = "cannot be read";
	else if (!believed(walk, &seal->key))
		why = walk->trust->nkeys ?
			"was signed by another key than the given one" :
			"was signed by another key than the first seal or anchor";
	else if (!chain_signed(kind, seal))
		why = "has a signature that does not fit: it was forged, or altered";
	else if (seal->mark.time != row->time)
		why = "has another time than its row";
	if (why)
		fault(walk, row->seq, "row %" PRIu64 ": the %s %s", row->seq,
		      what, why);
	return !why;
}

static void check_seal(struct walk *walk, const struct chain_row *row,
		       json_t *json)
{
	struct chain_verdict *verdict = walk->verdict;
	struct chain_seal seal;

	if (!good_mark(walk, row, CHAIN_SEAL, &seal, json))
		return;
	if (seal.mark.seq != row->seq - 1 ||
	    memcmp(seal.mark.hash, walk->previous, CHAIN_HASH_LEN) != 0) {
		fault(walk, row->seq,
		      "row %" PRIu64 ": the seal is of another history than the rows before it: they were altered, and hashed again",
		      row->seq);
		return;
	}
	verdict->seals++;
	verdict->sealed = seal.mark.seq;
	verdict->seal = seal;
}

static void check_anchor(struct walk *walk, const struct chain_row *row,
			 json_t *json)
{
	struct chain_seal seal;

	if (!good_mark(walk, row, CHAIN_ANCHOR, &seal, json))
		return;
	if (seal.mark.seq >= walk->first.seq) {
		fault(walk, row->seq,
		      "row %" PRIu64 ": the anchor says that rows up to %" PRIu64 " were let go, but row %" PRIu64 " is there",
		      row->seq, seal.mark.seq, walk->first.seq);
		return;
	}
	if (seal.mark.seq > walk->anchor.seq)
		walk->anchor = seal.mark;
}

static void check_signature(struct walk *walk, const struct chain_row *row,
			    const char *kind)
{
	bool seal = !strcmp(kind, "seal");
	json_t *json;

	if (!seal && strcmp(kind, "anchor") != 0)
		return;
	json = json_loadb(row->body, row->body_len, JSON_REJECT_DUPLICATES,
			  NULL);
	if (seal)
		check_seal(walk, row, json);
	else
		check_anchor(walk, row, json);
	json_decref(json);
}

/* A seal that was kept elsewhere: is its row still the same? */
static void check_since(struct walk *walk, const struct chain_row *row)
{
	const struct chain_seal *since = walk->trust->since;

	if (!since || since->mark.seq != row->seq)
		return;
	walk->since_seen = true;
	if (memcmp(since->mark.hash, row->hash, CHAIN_HASH_LEN) != 0)
		fault(walk, row->seq,
		      "row %" PRIu64 " is not the one that the kept seal is about: the history was written anew",
		      row->seq);
}

/* The first row follows zeroes, or what an anchor further on tells. */
static void begin(struct walk *walk, const struct chain_row *row)
{
	uint8_t hash[CHAIN_HASH_LEN];

	walk->verdict->first = row->seq;
	walk->first = *row;
	walk->first_kind = mem_copy_len(row->kind, row->kind_len);
	walk->first_body = mem_copy_len(row->body, row->body_len);
	walk->first.kind = walk->first_kind;
	walk->first.body = walk->first_body;
	if (row->seq != 1)
		return;
	chain_hash(walk->previous, row, hash);
	if (memcmp(hash, row->hash, sizeof(hash)) != 0)
		fault(walk, row->seq, "row 1 was altered: its hash does not fit");
}

static void on_row(void *arg, const struct chain_row *row)
{
	struct walk *walk = arg;
	struct chain_verdict *verdict = walk->verdict;
	uint8_t hash[CHAIN_HASH_LEN];
	char kind[16] = "";

	if (row->kind_len < sizeof(kind))
		memcpy(kind, row->kind, row->kind_len);
	if (!verdict->rows) {
		begin(walk, row);
		/* What a seal in the first row is about is not here. */
		if (!strcmp(kind, "seal"))
			kind[0] = '\0';
	} else if (row->seq != verdict->last + 1) {
		fault(walk, row->seq,
		      "row %" PRIu64 " follows row %" PRIu64 ": what was between them was removed",
		      row->seq, verdict->last);
	} else {
		chain_hash(walk->previous, row, hash);
		if (memcmp(hash, row->hash, sizeof(hash)) != 0)
			fault(walk, row->seq,
			      "row %" PRIu64 " was altered: its hash does not fit",
			      row->seq);
	}
	verdict->rows++;
	check_signature(walk, row, kind);
	check_since(walk, row);
	verdict->last = row->seq;
	memcpy(walk->previous, row->hash, sizeof(walk->previous));
	if (walk->call)
		walk->call(walk->arg, row);
}

/* Rows before the first one: let go, or removed? */
static void check_beginning(struct walk *walk)
{
	struct chain_verdict *verdict = walk->verdict;
	uint8_t hash[CHAIN_HASH_LEN];

	if (!verdict->rows || verdict->first == 1)
		return;
	if (walk->anchor.seq != verdict->first - 1) {
		fault(walk, verdict->first,
		      "the history begins at row %" PRIu64 ": the rows before it were removed; no anchor says that retention let them go",
		      verdict->first);
		return;
	}
	chain_hash(walk->anchor.hash, &walk->first, hash);
	if (memcmp(hash, walk->first.hash, sizeof(hash)) != 0)
		fault(walk, verdict->first,
		      "row %" PRIu64 " was altered: it does not follow what the anchor says was before it",
		      verdict->first);
	else
		verdict->removed = walk->anchor.seq;
}

static void check_end(struct walk *walk)
{
	const struct chain_seal *since = walk->trust->since;
	struct chain_verdict *verdict = walk->verdict;

	if (!verdict->rows) {
		fault(walk, 0, "there is no row at all: a history begins with the start of the daemon");
	} else if (since && since->mark.seq > verdict->last) {
		fault(walk, verdict->last + 1,
		      "the history ends at row %" PRIu64 ", but the kept seal vouches for row %" PRIu64 ": its end was removed",
		      verdict->last, since->mark.seq);
	} else if (since && !walk->since_seen && since->mark.seq != walk->anchor.seq &&
		   !verdict->removed) {
		fault(walk, verdict->first,
		      "row %" PRIu64 ", which the kept seal is about, was removed",
		      since->mark.seq);
	} else if (since && since->mark.seq == walk->anchor.seq &&
		   memcmp(since->mark.hash, walk->anchor.hash,
			  CHAIN_HASH_LEN) != 0) {
		fault(walk, verdict->first,
		      "row %" PRIu64 ", which was let go, is not the one that the kept seal is about",
		      since->mark.seq);
	}
}

static void check_kept(struct walk *walk)
{
	const struct chain_seal *since = walk->trust->since;

	if (!since)
		return;
	if (!believed(walk, &since->key))
		fault(walk, 0, "the kept seal was signed by another key");
	else if (!chain_signed(CHAIN_SEAL, since))
		fault(walk, 0, "the kept seal itself has a signature that does not fit");
}

/**
 * chain_verify() - check all rows, and hear of them
 * @db: a history
 * @trust: what the caller knows from elsewhere
 * @call: hears of each row, whether good or bad; or NULL
 * @arg: for @call
 * @verdict: what was found
 * @error: receives why the rows could not be read, to be freed
 *
 * Return: 0, also with faults, or -1 if they could not all be read.
 */
int chain_verify(sqlite3 *db, const struct chain_trust *trust,
		   chain_row_fn call, void *arg,
		   struct chain_verdict *verdict, char **error)
{
	struct walk walk = {
		.trust = trust,
		.verdict = verdict,
		.call = call,
		.arg = arg,
	};
	int failed;

	memset(verdict, 0, sizeof(*verdict));
	*error = NULL;
	if (sodium_init() < 0) {
		*error = mem_copy("libsodium cannot be used here");
		return -1;
	}
	check_kept(&walk);
	failed = chain_rows(db, on_row, &walk, error);
	if (!failed) {
		check_beginning(&walk);
		check_end(&walk);
	}
	free(walk.first_kind);
	free(walk.first_body);
	return failed;
}
