// SPDX-License-Identifier: GPL-2.0-only
/*
 * A report is read from the whole history, which is verified on the way.
 */
#include <stdlib.h>
#include <string.h>

#include "report.h"

static bool is_kind(const struct chain_row *row, const char *kind)
{
	return row->kind_len == strlen(kind) &&
	       !memcmp(row->kind, kind, row->kind_len);
}

static void on_row(void *arg, const struct chain_row *row)
{
	struct report *report = arg;
	bool within = row->time >= report->from && row->time < report->to;
	char kind[32] = "";
	json_t *body;

	if (!report->oldest || row->time < report->oldest)
		report->oldest = row->time;
	report->rows += within;
	/* The many of another period are not even parsed. */
	if (!within && (is_kind(row, "drop") || is_kind(row, "more")))
		return;
	body = json_loadb(row->body, row->body_len, JSON_REJECT_DUPLICATES,
			  NULL);
	if (!json_is_object(body)) {
		json_decref(body);
		return;
	}
	if (is_kind(row, "drop")) {
		report_add(report, row->time, body);
	} else if (is_kind(row, "more")) {
		report_add_more(report, row->time, body);
	} else if (row->kind_len < sizeof(kind)) {
		memcpy(kind, row->kind, row->kind_len);
		report_note(report, kind, row->time, body);
	}
	json_decref(body);
}

/**
 * report_read() - read a report of a period
 * @report: its period is set, the rest zeroes
 * @db: the history
 * @trust: for verifying it
 * @error: receives why it cannot be read, to be freed
 *
 * Return: 0, or -1.
 */
int report_read(struct report *report, sqlite3 *db,
		const struct chain_trust *trust, char **error)
{
	report->trusted = trust->nkeys;
	if (chain_verify(db, trust, on_row, report, &report->verdict, error))
		return -1;
	report_note_end(report);
	report_sort(report);
	return 0;
}

static void free_events(struct report_events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		free(events->items[i].kind);
		free(events->items[i].text);
	}
	free(events->items);
}

void report_free(struct report *report)
{
	struct report_caller *caller, *next_caller;
	struct report_destination *to, *next_to;
	struct report_cell *cell, *next_cell;
	struct report_reason *reason, *next_reason;
	struct report_guard *guard, *next_guard;

	/* Tables go first; their entries stay linked to each other. */
	cell = report->cells;
	HASH_CLEAR(hh, report->cells);
	for (; cell; cell = next_cell) {
		next_cell = cell->hh.next;
		free(cell);
	}
	caller = report->callers;
	HASH_CLEAR(hh, report->callers);
	for (; caller; caller = next_caller) {
		next_caller = caller->hh.next;
		free(caller->key);
		free(caller->name);
		free(caller->mac);
		free(caller->guard);
		free(caller->reasons);
		free(caller->vendor);
		free(caller);
	}
	to = report->destinations;
	HASH_CLEAR(hh, report->destinations);
	for (; to; to = next_to) {
		next_to = to->hh.next;
		free(to->address);
		free(to->ports);
		free(to->country);
		free(to->network);
		free(to);
	}
	reason = report->reasons;
	HASH_CLEAR(hh, report->reasons);
	for (; reason; reason = next_reason) {
		next_reason = reason->hh.next;
		free(reason->name);
		free(reason);
	}
	guard = report->guards;
	HASH_CLEAR(hh, report->guards);
	for (; guard; guard = next_guard) {
		next_guard = guard->hh.next;
		free(guard->name);
		free(guard);
	}
	free_events(&report->policies);
	free_events(&report->events);
	free_events(&report->gaps);
}
