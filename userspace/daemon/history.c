// SPDX-License-Identifier: GPL-2.0-only
/*
 * The history: written once a minute, sealed, and kept within its limits.
 *
 * Whatever goes wrong here is counted and shown, and keeps nothing else from
 * going on: the kernel judges, with or without a history.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "history.h"
#include "history_key.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#define MIB (1024 * 1024)

/* A clock that goes back by less is being adjusted, ms. */
#define CLOCK_SLACK 1000

#define DAY_MS (24LL * 60 * 60 * 1000)

/**
 * history_now() - the time, ms since the epoch
 */
int64_t history_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t max_bytes(const struct history *history)
{
	return (uint64_t)history->config.max_size * MIB;
}

/* Printable ASCII: it stands in what is signed. */
static void gateway_name(char *name, size_t size)
{
	if (gethostname(name, size) < 0)
		snprintf(name, size, "unknown");
	name[size - 1] = '\0';
	for (char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '_';
}

static json_t *when(int64_t ms)
{
	return json_time(ms > 0 ? (uint64_t)ms : 0);
}

static json_t *gap_json(int64_t from, int64_t to, const char *reason)
{
	return json_pack("{s:o, s:o, s:o}", "from", when(from), "to", when(to),
			 "reason", json_text(reason));
}

static void add_gap(struct history *history, int64_t from, int64_t now,
		    const char *reason)
{
	history_event(history, now, "gap", gap_json(from, now, reason));
	log_warning("history: %s", reason);
}

/* Said once, shown until it is over, counted each time. Takes over @error. */
static void fail(struct history *history, int64_t now, char *error)
{
	if (!history->failing)
		log_error("history: nothing can be written, which is tried again: %s",
			  error);
	history->failing = history->failing ? history->failing : now;
	history->tries++;
	history->failures++;
	free(history->error);
	history->error = error;
}

/* The last operation on the file failed: it is opened again the next time. */
static void fail_store(struct history *history, int64_t now)
{
	bool broken = history_store_broken(&history->store);
	char *error = history_store_error(&history->store);

	history_store_rollback(&history->store);
	history_store_close(&history->store);
	if (broken && history_store_put_aside(history->path)) {
		history->put_aside++;
		log_error("history: %s was renamed to %s.bad", history->path,
			  history->path);
	}
	fail(history, now, error);
}

/* What is found must be what was left: what is not, the history tells. */
static void compare(struct history *history, enum history_opened how,
		    const char *error, int64_t now)
{
	const struct history_tail *last = &history->last;
	const struct history_tail *tail = &history->store.tail;
	int64_t from = last->seq ? last->time : now;
	char *text;

	if (how == HISTORY_BROKEN) {
		history->put_aside++;
		text = mem_print("%s; it was renamed to %s.bad, and a new history begins",
				 error, history->path);
		add_gap(history, from, now, text);
		free(text);
	} else if (how == HISTORY_MADE && last->seq) {
		add_gap(history, from, now,
			"the file was removed, or was broken and put aside: a new history begins");
	} else if (how == HISTORY_OPENED && !last->seq) {
		if (!history->store.ended)
			add_gap(history, tail->time, now,
				"the daemon, or the machine, ended without saying so: what it had not written yet is missing");
	} else if (tail->seq != last->seq ||
		   memcmp(tail->hash, last->hash, sizeof(tail->hash)) != 0) {
		if (how == HISTORY_MADE)
			return;
		text = mem_print("the file is not as it was left: it ended at row %" PRIu64 ", and now ends at row %" PRIu64,
				 last->seq, tail->seq);
		add_gap(history, from, now, text);
		free(text);
	}
}

static bool open_store(struct history *history, int64_t now)
{
	enum history_opened how;
	char *error;

	how = history_store_open(&history->store, history->path,
				 max_bytes(history), &error);
	if (how == HISTORY_FAILED) {
		fail(history, now, error);
		return false;
	}
	compare(history, how, error, now);
	free(error);
	history->last = history->store.tail;
	return true;
}

static bool append(struct history *history, int64_t now, const char *kind,
		   json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	bool done = history_store_append(&history->store, now, kind, text);

	free(text);
	json_decref(body);
	return done;
}

static bool write_rows(struct history *history, int64_t now)
{
	int64_t before = history->store.tail.time;
	json_t *gap;

	if (history->store.tail.seq && now < before - CLOCK_SLACK &&
	    !append(history, now, "clock",
		    json_pack("{s:o, s:o}", "from", when(before), "to",
			      when(now))))
		return false;
	if (!history_queue_write(history, now))
		return false;
	if (!history->failing)
		return true;
	gap = gap_json(history->failing, now, history->error);
	json_object_set_new(gap, "tries", json_number(history->tries));
	return append(history, now, "gap", gap);
}

static void commit_done(struct history *history)
{
	history->last = history->store.tail;
	if (!history->failing)
		return;
	log_notice("history: it is written again");
	history->failing = 0;
	history->tries = 0;
	free(history->error);
	history->error = NULL;
}

/* A key that could not be had may be had now. */
static bool have_key(struct history *history)
{
	char *error = NULL;
	bool made;

	if (history->has_key)
		return true;
	history->has_key = history_key_load(history->state, history->secret,
					    &made, &error);
	if (error && (!history->key_error ||
		      strcmp(error, history->key_error) != 0))
		log_error("history: it is not sealed: %s", error);
	if (history->has_key && made)
		log_notice("history: a key was made: keep a copy of %s/" CHAIN_PUBLIC_FILE " elsewhere",
			   history->state);
	free(history->key_error);
	history->key_error = error;
	return history->has_key;
}

static void log_seal(const struct chain_seal *seal)
{
	json_t *json = chain_seal_json(seal);
	char *text = json_dumps(json, JSON_COMPACT);

	/* A log that is kept elsewhere then holds what proves an end. */
	log_info("history: seal %s", text);
	free(text);
	json_decref(json);
}

static bool write_seal(struct history *history, int64_t now)
{
	struct history_store *store = &history->store;
	struct chain_seal seal = { 0 };

	gateway_name(seal.mark.gateway, sizeof(seal.mark.gateway));
	seal.mark.seq = store->tail.seq;
	memcpy(seal.mark.hash, store->tail.hash, sizeof(seal.mark.hash));
	seal.mark.time = now;
	chain_sign(CHAIN_SEAL, &seal, history->secret);
	if (!history_store_begin(store) ||
	    !append(history, now, "seal", chain_seal_json(&seal)) ||
	    !history_store_commit(store)) {
		fail_store(history, now);
		return false;
	}
	commit_done(history);
	history->sealed_at = now;
	log_seal(&seal);
	return true;
}

enum let_go {
	LET_GO,
	LET_NOTHING,
	LET_FAILED,
};

/* The oldest rows, up to the first seal of before that time. */
static enum let_go let_go(struct history *history, int64_t now, int64_t before,
			  const char *reason)
{
	struct history_store *store = &history->store;
	struct chain_seal seal = { 0 };
	int64_t rows;
	json_t *body;

	if (!history_store_oldest(store, before, &seal.mark))
		return LET_NOTHING;
	gateway_name(seal.mark.gateway, sizeof(seal.mark.gateway));
	seal.mark.time = now;
	chain_sign(CHAIN_ANCHOR, &seal, history->secret);
	if (!history_store_begin(store))
		goto failed;
	rows = history_store_delete(store, seal.mark.seq);
	if (rows < 0)
		goto failed;
	body = chain_seal_json(&seal);
	json_object_set_new(body, "reason", json_string(reason));
	json_object_set_new(body, "rows", json_integer(rows));
	if (!append(history, now, "anchor", body) ||
	    !history_store_commit(store))
		goto failed;
	commit_done(history);
	return LET_GO;
failed:
	fail_store(history, now);
	return LET_FAILED;
}

/*
 * For their age only a few at a time: a clock that is wrong for an hour must
 * not cost the whole history.
 */
static void keep_within(struct history *history, int64_t now)
{
	int64_t before = now - (int64_t)history->config.days * DAY_MS;
	enum let_go result = LET_GO;

	for (int i = 0; i < HISTORY_LET_GO && result == LET_GO; i++)
		result = let_go(history, now, before, "age");
	while (result != LET_FAILED &&
	       history_store_bytes(&history->store) >
	       HISTORY_FULL(max_bytes(history))) {
		result = let_go(history, now, INT64_MAX, "size");
		if (result == LET_NOTHING)
			break;
	}
	if (result != LET_FAILED)
		history_store_settle(&history->store);
}

static bool seal_due(const struct history *history, int64_t now, bool ending)
{
	const struct history_tail *tail = &history->store.tail;
	uint64_t rows = tail->seq - tail->sealed;

	return rows && (ending || rows >= HISTORY_SEAL_ROWS ||
			now < history->sealed_at ||
			now - history->sealed_at >= HISTORY_SEAL_INTERVAL ||
			history_store_bytes(&history->store) >
			HISTORY_FULL(max_bytes(history)));
}

/**
 * history_write() - write what waits, and a seal if it is time for one
 * @history: it
 * @now: ms since the epoch
 * @seal: it is time for one
 */
void history_write(struct history *history, int64_t now, bool seal)
{
	struct history_store *store = &history->store;

	if (!history->path)
		return;
	history->written = now;
	if (store->db && !history_store_is(store, history->path))
		history_store_close(store);
	if (!store->db && !open_store(history, now))
		return;
	if (history_waiting(history) || history->failing) {
		if (!history_store_begin(store) ||
		    !write_rows(history, now) ||
		    !history_store_commit(store)) {
			fail_store(history, now);
			return;
		}
		history_queue_clear(history);
		commit_done(history);
	}
	if (seal_due(history, now, seal) && have_key(history) &&
	    write_seal(history, now))
		keep_within(history, now);
}

/**
 * history_tick() - called once a second
 * @history: it
 * @now: ms since the epoch
 */
void history_tick(struct history *history, int64_t now)
{
	int64_t interval = history->failing ? HISTORY_RETRY : HISTORY_INTERVAL;

	if (history->path && (now < history->written ||
			      now - history->written >= interval))
		history_write(history, now, false);
}

static void begin(struct history *history, const struct gateway *gateway,
		  int64_t now)
{
	char key[CHAIN_HEX(CHAIN_KEY_LEN)] = "";
	char name[65];

	history->config = gateway->history;
	history->config.path = NULL;
	if (!gateway->history.on)
		return;
	history->path = mem_copy(gateway->history.path);
	history->state = mem_copy(gateway->state);
	if (have_key(history))
		chain_hex(history->secret + CHAIN_SECRET_LEN -
			    CHAIN_KEY_LEN, CHAIN_KEY_LEN, key);
	gateway_name(name, sizeof(name));
	history_event(history, now, "start",
		      json_pack("{s:s, s:i, s:o}", "gateway", name, "pid",
				(int)getpid(), "key",
				*key ? json_string(key) : json_null()));
	history->written = now - HISTORY_INTERVAL;
}

/**
 * history_start() - the daemon starts
 * @history: all zeroes
 * @gateway: says whether there is to be one, and within which limits
 * @now: ms since the epoch
 *
 * The first tick writes: a daemon that ends before, because it finds no
 * module and is started again every few seconds, leaves no rows.
 */
void history_start(struct history *history, const struct gateway *gateway,
		   int64_t now)
{
	begin(history, gateway, now);
}

/**
 * history_stop() - the daemon ends, or writes no history from now on
 * @history: it
 * @reason: which of the two
 * @now: ms since the epoch
 */
void history_stop(struct history *history, const char *reason, int64_t now)
{
	if (!history->path)
		return;
	/* Its start alone, without a module, is not worth a file. */
	if (history->last.seq || history->failing || history->ndrops ||
	    history->nsources || history->nevents > 1) {
		history_event(history, now, "stop",
			      json_pack("{s:s}", "reason", reason));
		history_write(history, now, true);
	}
	if (history->failing)
		log_error("history: what was not written is lost: %s",
			  history->error);
	history_store_close(&history->store);
	history_queue_clear(history);
	sodium_memzero(history->secret, sizeof(history->secret));
	free(history->path);
	free(history->state);
	free(history->error);
	free(history->key_error);
	*history = (struct history) {
		.failures = history->failures,
		.events_lost = history->events_lost,
		.events_told = history->events_told,
		.put_aside = history->put_aside,
	};
}

/**
 * history_configure() - gateway.yaml was read again
 * @history: it
 * @gateway: the new one
 * @now: ms since the epoch
 */
void history_configure(struct history *history, const struct gateway *gateway,
		       int64_t now)
{
	const struct gateway_history *next = &gateway->history;

	if (history->path &&
	    (!next->on || strcmp(history->path, next->path) != 0))
		history_stop(history, next->on ? "another file from now on" :
			     "gateway.yaml turned it off", now);
	if (!history->path) {
		begin(history, gateway, now);
		return;
	}
	/* A smaller file is kept so when it is opened. */
	if (history->config.max_size != next->max_size)
		history_store_close(&history->store);
	history->config = *next;
	history->config.path = NULL;
}

/**
 * history_show() - the history as docs/control.md says
 * @history: it
 */
json_t *history_show(const struct history *history)
{
	const struct history_tail *tail = &history->last;
	const char *error = history->error ? history->error :
					     history->key_error;

	return json_pack("{s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"state", !history->path ? "off" : history->failing ? "failing" :
			 history->has_key ? "ok" : "unsealed",
		"path", json_text(history->path),
		"rows_waiting", (json_int_t)history->ndrops +
				(json_int_t)history->nevents,
		"last_row", json_number(tail->seq),
		"sealed_row", json_number(tail->sealed),
		"bytes", json_number(history->store.db ?
				     history_store_bytes(&history->store) : 0),
		"failures", json_number(history->failures),
		"failing_since", when(history->failing),
		"rows_lost", json_number(history->events_lost),
		"put_aside", json_number(history->put_aside),
		"error", json_text(error));
}
