// SPDX-License-Identifier: GPL-2.0-only
/*
 * What waits to be written to the history.
 *
 * Records of an interval are added up. A camera that floods gets a few rows
 * of its own, and what had no place in them is one row with the sums: it
 * cannot push the rows of others out of the history. While nothing can be
 * written, all goes on being added up, so that what a full disk costs is
 * the time of day of drops, not the drops.
 */
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(text) history_fatal(text)
static void history_fatal(const char *text) __attribute__((noreturn));
#include <uthash.h>

#include "history.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "records.h"

static void history_fatal(const char *text)
{
	log_error("%s", text);
	abort();
}

struct history_drop {
	UT_hash_handle hh;
	struct record_key key;
	struct client_record record;
};

/* Compared as bytes: always zeroed first. An empty device: all strangers. */
struct source_key {
	char guard[LENSCAP_NAME_LEN + 1];
	char device[LENSCAP_NAME_LEN + 1];
};

/* @dropped, @would, @first and @last: of what found no row of its own. */
struct history_source {
	UT_hash_handle hh;
	struct source_key key;
	unsigned int rows;
	struct client_count dropped, would;
	uint64_t first, last;
};

static struct history_source *find_source(struct history *history,
					  const struct client_record *record)
{
	struct history_source *source;
	struct source_key key = { 0 };

	memcpy(key.guard, record->guard, sizeof(key.guard));
	memcpy(key.device, record->device, sizeof(key.device));
	/* Texts end where they end, whatever is behind. */
	memset(key.guard + strlen(key.guard), 0,
	       sizeof(key.guard) - strlen(key.guard));
	memset(key.device + strlen(key.device), 0,
	       sizeof(key.device) - strlen(key.device));
	HASH_FIND(hh, history->sources, &key, sizeof(key), source);
	if (source)
		return source;
	if (history->nsources >= HISTORY_SOURCES_MAX) {
		/* The last place is for whoever has none. */
		memset(&key, 0, sizeof(key));
		HASH_FIND(hh, history->sources, &key, sizeof(key), source);
		if (source)
			return source;
	}
	source = mem_alloc(sizeof(*source));
	memset(source, 0, sizeof(*source));
	source->key = key;
	HASH_ADD(hh, history->sources, key, sizeof(source->key), source);
	history->nsources++;
	return source;
}

static void add(struct client_count *to, const struct client_count *count)
{
	to->packets += count->packets;
	to->bytes += count->bytes;
}

static void add_more(struct history_source *source,
		     const struct client_record *record)
{
	add(record->audit ? &source->would : &source->dropped, &record->count);
	if (!source->first || record->first < source->first)
		source->first = record->first;
	if (record->last > source->last)
		source->last = record->last;
}

static void add_drop(struct history *history, struct history_source *source,
		     const struct record_key *key,
		     const struct client_record *record)
{
	unsigned int most = record->device[0] ? HISTORY_DEVICE_DROPS :
						HISTORY_STRANGER_DROPS;
	struct history_drop *drop;

	if (!source->key.guard[0] || source->rows >= most ||
	    history->ndrops >= HISTORY_DROPS_MAX) {
		add_more(source, record);
		return;
	}
	drop = mem_alloc(sizeof(*drop));
	drop->key = *key;
	drop->record = *record;
	HASH_ADD(hh, history->drops, key, sizeof(drop->key), drop);
	history->ndrops++;
	source->rows++;
}

/**
 * history_record() - a drop record was fetched
 * @history: is to tell of it
 * @record: the record
 */
void history_record(struct history *history, const struct client_record *record)
{
	struct history_drop *drop;
	struct record_key key;

	if (!history->path)
		return;
	record_key_of(record, &key);
	HASH_FIND(hh, history->drops, &key, sizeof(key), drop);
	if (!drop) {
		add_drop(history, find_source(history, record), &key, record);
		return;
	}
	add(&drop->record.count, &record->count);
	if (record->first < drop->record.first)
		drop->record.first = record->first;
	if (record->last > drop->record.last)
		drop->record.last = record->last;
}

/**
 * history_event() - something else happened
 * @history: is to tell of it
 * @now: when, ms since the epoch
 * @kind: of what kind it is, as docs/history.md lists
 * @body: a JSON object; taken over
 */
void history_event(struct history *history, int64_t now, const char *kind,
		   json_t *body)
{
	struct history_event *event;

	if (history->path && history->nevents < HISTORY_EVENTS_MAX) {
		event = &history->events[history->nevents++];
		event->time = now;
		event->kind = mem_copy(kind);
		event->body = json_dumps(body, JSON_COMPACT);
	} else if (history->path) {
		history->events_lost++;
	}
	json_decref(body);
}

/**
 * history_waiting() - is there anything to be written?
 * @history: it
 */
bool history_waiting(const struct history *history)
{
	return history->ndrops || history->nsources || history->nevents ||
	       history->lost || history->events_lost > history->events_told;
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

static json_t *count_json(const struct client_count *count)
{
	return json_pack("{s:o, s:o}", "packets", json_number(count->packets),
			 "bytes", json_number(count->bytes));
}

static json_t *name_json(const char *name)
{
	return *name ? json_text(name) : json_null();
}

static bool write_more(struct history *history, int64_t now,
		       const struct history_source *source)
{
	if (!source->dropped.packets && !source->would.packets)
		return true;
	return append(history, now, "more",
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}",
			"guard", name_json(source->key.guard),
			"device", name_json(source->key.device),
			"dropped", count_json(&source->dropped),
			"would_drop", count_json(&source->would),
			"first", json_time(source->first),
			"last", json_time(source->last)));
}

/**
 * history_queue_write() - add what waits to the chain
 * @history: its store is in a transaction
 * @now: ms since the epoch
 *
 * What waits goes on to do so: until the transaction has ended well.
 */
bool history_queue_write(struct history *history, int64_t now)
{
	uint64_t missing = history->events_lost - history->events_told;
	const struct history_source *source;
	const struct history_drop *drop;

	for (size_t i = 0; i < history->nevents; i++) {
		const struct history_event *event = &history->events[i];

		if (!history_store_append(&history->store, event->time,
					  event->kind, event->body))
			return false;
	}
	for (drop = history->drops; drop; drop = drop->hh.next)
		if (!append(history, now, "drop", json_record(&drop->record)))
			return false;
	for (source = history->sources; source; source = source->hh.next)
		if (!write_more(history, now, source))
			return false;
	return (!history->lost ||
		append(history, now, "loss",
		       json_pack("{s:o}", "frames",
				 json_number(history->lost)))) &&
	       (!missing ||
		append(history, now, "loss",
		       json_pack("{s:o}", "rows", json_number(missing))));
}

/**
 * history_queue_clear() - what waited was written, or is given up
 * @history: it
 */
void history_queue_clear(struct history *history)
{
	struct history_drop *drop = history->drops, *next_drop;
	struct history_source *source = history->sources, *next_source;

	/* The tables go first; entries stay linked to each other. */
	HASH_CLEAR(hh, history->drops);
	for (; drop; drop = next_drop) {
		next_drop = drop->hh.next;
		free(drop);
	}
	HASH_CLEAR(hh, history->sources);
	for (; source; source = next_source) {
		next_source = source->hh.next;
		free(source);
	}
	for (size_t i = 0; i < history->nevents; i++) {
		free(history->events[i].kind);
		free(history->events[i].body);
	}
	history->ndrops = 0;
	history->nsources = 0;
	history->nevents = 0;
	history->lost = 0;
	history->events_told = history->events_lost;
}
