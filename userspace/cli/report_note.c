// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of a history that are no drops: what changed, what is missing.
 */
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "report.h"
#include "text.h"

/* Beyond, they are counted. */
#define EVENTS_MAX 10000

/* Texts of a foreign history may have been cut within a character. */
static void clean(char *text)
{
	for (size_t len = strlen(text), good; *text; text += good, len -= good) {
		good = text_utf8_length(text, len);
		if (!good) {
			*text = '?';
			good = 1;
		}
	}
}

static void push(struct report_events *events, int64_t when, const char *kind,
		 char *text)
{
	struct report_event *event;

	if (events->count >= EVENTS_MAX) {
		free(text);
		events->more++;
		return;
	}
	if (!(events->count & (events->count - 1))) {
		size_t room = events->count ? 2 * events->count : 1;

		events->items = cli_alloc(realloc(events->items,
						  room * sizeof(*event)));
	}
	event = &events->items[events->count++];
	event->time = when;
	event->kind = cli_alloc(strdup(kind));
	event->text = text;
	clean(text);
}

static bool within(const struct report *report, int64_t when)
{
	return when >= report->from && when < report->to;
}

static char *names(const json_t *list)
{
	char *text = NULL, *grown;
	json_t *name;
	size_t i;

	json_array_foreach(list, i, name) {
		const char *word = json_string_value(name);

		grown = cli_format("%s%s%s", text ? text : "", text ? ", " : "",
				   word ? word : "?");
		free(text);
		text = grown;
	}
	return text ? text : cli_format("none");
}

static void add_gap(struct report *report, int64_t from, int64_t to,
		    const char *reason)
{
	if (from < report->to && to >= report->from)
		push(&report->gaps, from, "gap",
		     cli_format("until %s: %s", report_when(to).text, reason));
}

static void note_start(struct report *report, int64_t when, const json_t *body)
{
	snprintf(report->gateway, sizeof(report->gateway), "%s",
		 field_str(body, "gateway"));
	if (report->stopped)
		add_gap(report, report->stopped, when,
			"the daemon did not run");
	report->stopped = 0;
	if (within(report, when))
		push(&report->events, when, "daemon", cli_format("started"));
}

static void note_stop(struct report *report, int64_t when, const json_t *body)
{
	report->stopped = when;
	if (within(report, when))
		push(&report->events, when, "daemon",
		     cli_format("ended: %s", field_str(body, "reason")));
}

static void note_policy(struct report *report, int64_t when, const json_t *body)
{
	const char *digest = field_str(body, "digest");

	if (!within(report, when))
		return;
	push(&report->policies, when, "policy",
	     json_is_integer(field(body, "revision")) ?
	     cli_format("revision %lld, generation %lld, digest %.12s%s: %lld device(s), %lld profile(s), %lld rule(s); %s",
			(long long)field_int(body, "revision"),
			(long long)field_int(body, "generation"),
			*digest ? digest : "none", *digest ? "..." : "",
			(long long)field_int(body, "devices"),
			(long long)field_int(body, "profiles"),
			(long long)field_int(body, "rules"),
			field_str(body, "by")) :
	     cli_format("no policy: %s", field_str(body, "by")));
}

static void note_guard(struct report *report, int64_t when, const json_t *body)
{
	const char *interface = field_str(body, "interface");

	if (within(report, when))
		push(&report->events, when, "guard",
		     cli_format("%s%s%s: %s", field_str(body, "guard"),
				*interface ? " on " : "", interface,
				field_str(body, "state")));
}

static void note_interlock(struct report *report, int64_t when,
			   const json_t *body)
{
	const json_t *open = field(body, "open");
	const char *by = field_str(body, "changed_by");
	const char *error = field_str(body, "error");
	char *list;

	if (!within(report, when))
		return;
	list = names(open);
	push(&report->events, when, "interlock",
	     cli_format("%s%s%s; changed by others and restored: %lld%s%s%s%s%s",
			field_str(body, "state"),
			json_array_size(open) ? "; lets through: " : "",
			json_array_size(open) ? list : "",
			(long long)field_int(body, "restored"),
			*by ? " (last by " : "", by, *by ? ")" : "",
			*error ? "; " : "", error));
	free(list);
}

static void note_command(struct report *report, int64_t when,
			 const json_t *body)
{
	const json_t *opened = field(body, "opened");
	char *guards, *open;

	if (!within(report, when))
		return;
	guards = names(field(body, "guards"));
	open = names(opened);
	push(&report->events, when, "command",
	     cli_format("%s by %s: %s%s%s", field_str(body, "what"),
			field_str(body, "by"), guards,
			json_array_size(opened) ? "; let through: " : "",
			json_array_size(opened) ? open : ""));
	free(guards);
	free(open);
}

static void note_gap(struct report *report, int64_t when, const json_t *body)
{
	double from = field_time(body, "from");
	double to = field_time(body, "to");

	add_gap(report, from > 0 ? (int64_t)(from * 1000) : when,
		to > 0 ? (int64_t)(to * 1000) : when,
		field_str(body, "reason"));
	/* How it ended is told; that it had not is not to be told again. */
	report->stopped = 0;
}

static void note_clock(struct report *report, int64_t when, const json_t *body)
{
	if (within(report, when))
		push(&report->gaps, when, "clock",
		     cli_format("the clock went back from %s to %s (UTC)",
				field_str(body, "from"),
				field_str(body, "to")));
}

/*
 * The module counts since it was loaded. A daemon that starts tells the sum
 * again, which is known from before.
 */
static void note_loss(struct report *report, int64_t when, const json_t *body)
{
	json_int_t frames = field_int(body, "frames");
	json_int_t rows = field_int(body, "rows");
	json_int_t total = field_int(body, "total");

	if (total > 0) {
		frames = (uint64_t)total >= report->kernel_lost ?
			 total - (json_int_t)report->kernel_lost : total;
		report->kernel_lost = (uint64_t)total;
	}
	if (!within(report, when))
		return;
	report->lost_frames += frames > 0 ? (uint64_t)frames : 0;
	report->lost_rows += rows > 0 ? (uint64_t)rows : 0;
}

/* What a counter has grown by; one that shrank began anew. */
static uint64_t growth(uint64_t *last, bool known, const json_t *object,
		       const char *path)
{
	json_int_t value = field_int(object, path);
	uint64_t now = value > 0 ? (uint64_t)value : 0;
	uint64_t grown = !known ? 0 : now >= *last ? now - *last : now;

	*last = now;
	return grown;
}

static void note_totals(struct report *report, int64_t when, const json_t *body)
{
	bool counts = within(report, when);
	json_t *entry;
	size_t i;

	json_array_foreach(field(body, "guards"), i, entry) {
		const char *name = field_str(entry, "name");
		struct report_guard *guard;
		uint64_t passed, dropped, would;
		bool known;

		HASH_FIND_STR(report->guards, name, guard);
		if (!guard) {
			guard = cli_alloc(calloc(1, sizeof(*guard)));
			guard->name = cli_alloc(strdup(name));
			HASH_ADD_KEYPTR(hh, report->guards, guard->name,
					strlen(guard->name), guard);
		}
		known = guard->has_first;
		passed = growth(&guard->last_passed, known, entry,
				"passed.packets");
		dropped = growth(&guard->last_dropped, known, entry,
				 "dropped.packets");
		would = growth(&guard->last_would, known, entry,
			       "would_drop.packets");
		guard->has_first = true;
		guard->passed += counts ? passed : 0;
		guard->dropped += counts ? dropped : 0;
		guard->would += counts ? would : 0;
	}
}

/**
 * report_note() - a row that is no drop
 * @report: rows of before and after its period count, too
 * @kind: of the row; one that is not known is ignored
 * @when: the row's time, ms since the epoch
 * @body: what it tells
 */
void report_note(struct report *report, const char *kind, int64_t when,
		 const json_t *body)
{
	static const struct {
		const char *kind;
		void (*note)(struct report *report, int64_t when,
			     const json_t *body);
	} notes[] = {
		{ "start", note_start },
		{ "stop", note_stop },
		{ "policy", note_policy },
		{ "guard", note_guard },
		{ "interlock", note_interlock },
		{ "command", note_command },
		{ "gap", note_gap },
		{ "clock", note_clock },
		{ "loss", note_loss },
		{ "totals", note_totals },
	};

	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (!strcmp(kind, notes[i].kind))
			notes[i].note(report, when, body);
}

static int earlier(const void *a, const void *b)
{
	const struct report_event *left = a, *right = b;

	return (left->time > right->time) - (left->time < right->time);
}

/**
 * report_note_end() - all rows have been read: what is missing?
 * @report: it
 */
void report_note_end(struct report *report)
{
	int64_t end = report->to < report->made ? report->to : report->made;

	if (!report->oldest)
		return;
	if (report->oldest > report->from)
		add_gap(report, report->from, report->oldest,
			report->verdict.removed ?
			"retention let go of what was before" :
			"the history begins there");
	if (report->stopped && report->stopped < end)
		add_gap(report, report->stopped, end,
			"the daemon did not run");
	if (report->gaps.count)
		qsort(report->gaps.items, report->gaps.count,
		      sizeof(*report->gaps.items), earlier);
}
