/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history: who wanted to talk to whom, kept on disk so that it can be
 * proved. docs/history.md describes it.
 */
#ifndef LENSCAPD_HISTORY_H
#define LENSCAPD_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client.h"
#include "gateway.h"
#include "history_store.h"

/* Milliseconds between two writings of what has come in. */
#define HISTORY_INTERVAL	(60 * 1000)
/* After a failure. */
#define HISTORY_RETRY		(10 * 1000)
/* A seal comes after this time, or this many rows. */
#define HISTORY_SEAL_INTERVAL	(15 * 60 * 1000)
#define HISTORY_SEAL_ROWS	5000

/* Drop rows of an interval: of all, of a device, and of strangers on a guard. */
#define HISTORY_DROPS_MAX	2000
#define HISTORY_DEVICE_DROPS	16
#define HISTORY_STRANGER_DROPS	64
/* Devices, and guards with strangers, that are told apart in an interval. */
#define HISTORY_SOURCES_MAX	4000
/* Other rows that wait while nothing can be written. */
#define HISTORY_EVENTS_MAX	256

/* What is kept below max_size, so that an interval always finds room. */
#define HISTORY_FULL(max)	((max) / 4 * 3)

/* Oldest seals with their rows that one new seal may let go for their age. */
#define HISTORY_LET_GO		8

struct history_drop;
struct history_source;

struct history_event {
	int64_t time;
	char *kind;
	char *body;
};

/**
 * struct history - what waits to be written, and how writing goes
 * @config: section "history" of gateway.yaml; a copy but for its path
 * @path: the file; NULL: there is to be none
 * @state: the state directory, where the key is
 * @store: the file
 * @secret: the key
 * @has_key: there is one
 * @key_error: why not, or NULL
 * @drops: records of this interval, added up
 * @ndrops: how many
 * @sources: whose they are, and what had no place among them
 * @nsources: how many
 * @events: other rows
 * @nevents: how many
 * @lost: frames without a record that were not written yet
 * @written: when that was last done, or tried; ms since the epoch
 * @sealed_at: when there was a seal last
 * @last: the end of the chain as it was written last
 * @failing: since when nothing could be written, or 0
 * @tries: how often since then
 * @failures: how often, ever
 * @events_lost: rows that found no place in @events, ever
 * @events_told: of these, how many a row tells of
 * @error: why nothing can be written, or NULL
 * @put_aside: files that were none, ever
 */
struct history {
	struct gateway_history config;
	char *path;
	char *state;
	struct history_store store;
	uint8_t secret[CHAIN_SECRET_LEN];
	bool has_key;
	char *key_error;
	struct history_drop *drops;
	size_t ndrops;
	struct history_source *sources;
	size_t nsources;
	struct history_event events[HISTORY_EVENTS_MAX];
	size_t nevents;
	uint64_t lost;
	int64_t written;
	int64_t sealed_at;
	struct history_tail last;
	int64_t failing;
	uint64_t tries;
	uint64_t failures;
	uint64_t events_lost;
	uint64_t events_told;
	char *error;
	uint64_t put_aside;
};

/* A reader makes it write no more often, ms. */
#define HISTORY_HURRY	1000

/* history.c */
int64_t history_now(void);
void history_start(struct history *history, const struct gateway *gateway,
		   int64_t now);
void history_configure(struct history *history, const struct gateway *gateway,
		       int64_t now);
void history_tick(struct history *history, int64_t now);
void history_write(struct history *history, int64_t now, bool seal);
void history_stop(struct history *history, const char *reason, int64_t now);
json_t *history_show(const struct history *history);

/* history_queue.c */
void history_record(struct history *history,
		    const struct client_record *record);
void history_event(struct history *history, int64_t now, const char *kind,
		   json_t *body);
bool history_waiting(const struct history *history);
bool history_queue_write(struct history *history, int64_t now);
void history_queue_clear(struct history *history);

#endif /* LENSCAPD_HISTORY_H */
