/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lenscapctl report: what a history tells of a period.
 */
#ifndef LENSCAP_CLI_REPORT_H
#define LENSCAP_CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define uthash_fatal(text) report_fatal(text)
void report_fatal(const char *text) __attribute__((noreturn));
#include <uthash.h>

#include "chain.h"
#include "cli.h"
#include "vendor.h"

/* What is listed of each; the rest is counted. */
#define REPORT_CALLERS		50
#define REPORT_DESTINATIONS	50
#define REPORT_MATRIX_ROWS	24
#define REPORT_MATRIX_COLUMNS	12
#define REPORT_EVENTS		200

#define REPORT_BUCKETS		60

struct report_count {
	uint64_t packets;
	uint64_t bytes;
};

/* Dropped, and what would have been, which are never mixed. */
struct report_sums {
	struct report_count dropped;
	struct report_count would;
};

/**
 * struct report_caller - a device, or a stranger, that called out
 * @key: guard and name, or guard and MAC
 * @name: of the device, or NULL for a stranger
 * @mac: its MAC, or NULL
 * @guard: where
 * @sums: what was dropped of it
 * @destinations: how many different ones
 * @reasons: names, joined
 * @first: when it did first, ms since the epoch
 * @last: and last
 * @place: in the order of packets, from 0
 * @vendor: of its MAC, or NULL: see report_hints.h
 */
struct report_caller {
	UT_hash_handle hh;
	char *key;
	char *name;
	char *mac;
	char *guard;
	struct report_sums sums;
	uint64_t destinations;
	char *reasons;
	int64_t first, last;
	size_t place;
	char *vendor;
};

/**
 * struct report_destination - an address that was called
 * @address: as text; "" for what is not known one by one
 * @sums: what was dropped to it
 * @callers: how many different ones
 * @ports: protocols and ports, joined
 * @nports: how many different ones there are in @ports
 * @place: in the order of packets, from 0
 * @country: or NULL: see report_hints.h
 * @network: its autonomous system, or NULL
 */
struct report_destination {
	UT_hash_handle hh;
	char *address;
	struct report_sums sums;
	uint64_t callers;
	char *ports;
	unsigned int nports;
	size_t place;
	char *country;
	char *network;
};

struct report_cell_key {
	const struct report_caller *caller;
	const struct report_destination *destination;
};

struct report_cell {
	UT_hash_handle hh;
	struct report_cell_key key;
	struct report_sums sums;
};

struct report_reason {
	UT_hash_handle hh;
	char *name;
	struct report_sums sums;
};

/* A change of policy or of a guard, a gap, and what else happened. */
struct report_event {
	int64_t time;
	char *kind;
	char *text;
};

struct report_events {
	struct report_event *items;
	size_t count;
	size_t more;	/* that found no place in @items */
};

/* A guard's own counters, at the beginning and at the end. */
struct report_guard {
	UT_hash_handle hh;
	char *name;
	bool has_first;
	uint64_t last_passed, last_dropped, last_would;
	uint64_t passed, dropped, would;
};

/**
 * struct report - all that is shown
 * @path: of the history
 * @from: the period, ms since the epoch
 * @to: its end, not part of it
 * @made: when the report was
 * @gateway: name of the gateway, or ""
 * @verdict: whether the history is whole
 * @trusted: a key was given
 * @oldest: time of the oldest row that there is, 0: none
 * @rows: rows of the period
 * @sums: of all drops
 * @unlisted: of these, what is not known one by one
 * @lost_frames: dropped frames without a record
 * @lost_rows: rows that were not written
 * @buckets: the same over time
 * @peak: the highest bucket, packets
 * @callers: who called
 * @destinations: whom
 * @cells: who called whom
 * @reasons: why it was dropped
 * @guards: counters of guards
 * @policies: changes of policy
 * @events: changes of guards, commands, starts and ends of the daemon
 * @gaps: when nothing was written
 * @vendors_of: day of the data that vendors are from, or ""
 * @countries_of: countries
 * @networks_of: networks
 */
struct report {
	const char *path;
	int64_t from, to, made;
	char gateway[65];
	struct chain_verdict verdict;
	bool trusted;
	int64_t oldest;
	uint64_t rows;
	struct report_sums sums;
	struct report_sums unlisted;
	uint64_t lost_frames;
	uint64_t lost_rows;
	struct report_sums buckets[REPORT_BUCKETS];
	uint64_t peak;
	struct report_caller *callers;
	struct report_destination *destinations;
	struct report_cell *cells;
	struct report_reason *reasons;
	struct report_guard *guards;
	struct report_events policies;
	struct report_events events;
	struct report_events gaps;
	char vendors_of[HINT_DATE];
	char countries_of[HINT_DATE];
	char networks_of[HINT_DATE];
	/* While it is read. */
	uint64_t kernel_lost;
	int64_t stopped;
};

/* report_time.c */
bool report_time(const char *text, bool end, int64_t now, int64_t *ms);
/* "2026-11-26 14:03", local time; or "-". */
struct report_when {
	char text[32];
};

struct report_when report_when(int64_t ms);

/* report_read.c */
int report_read(struct report *report, sqlite3 *db,
		const struct chain_trust *trust, char **error);
void report_free(struct report *report);

/* report_note.c: rows that are no drops */
void report_note(struct report *report, const char *kind, int64_t when,
		 const json_t *body);
void report_note_end(struct report *report);

/* report_add.c: drops, added up */
void report_add(struct report *report, int64_t when, const json_t *body);
void report_add_more(struct report *report, int64_t when, const json_t *body);
void report_sort(struct report *report);
const struct report_cell *
report_cell(const struct report *report, const struct report_caller *caller,
	    const struct report_destination *destination);
uint64_t report_packets(const struct report_sums *sums);

/* What people call it: a device's name, or a stranger's MAC. */
const char *report_caller_name(const struct report_caller *caller);
const char *report_destination_name(const struct report_destination *to);

/* Is the history whole, in a sentence? To be freed. */
char *report_verdict(const struct report *report);
json_t *report_verdict_json(const struct chain_verdict *verdict);
json_t *report_number(uint64_t value);

/* How it is shown. */
void report_text(const struct cli *cli, const struct report *report);
json_t *report_json(const struct report *report);
void report_html(const struct report *report, FILE *out);

/* report_part.c: parts of the page */
void report_escape(FILE *out, const char *text);
void report_timeline(const struct report *report, FILE *out);
void report_matrix(const struct report *report, FILE *out);

/* report_verify.c */
bool report_trust(const struct cli *cli, struct chain_trust *trust,
		  struct chain_seal *since, char **error);
int report_verify(const struct cli *cli, const char *path);
int report_show(const struct cli *cli, const char *path);

#endif /* LENSCAP_CLI_REPORT_H */
