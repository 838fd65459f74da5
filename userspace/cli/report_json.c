// SPDX-License-Identifier: GPL-2.0-only
/*
 * A report for programs: everything, not only the first of each.
 */
#include <string.h>
#include <time.h>

#include "report.h"

static json_t *moment(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[64], whole[40];
	struct tm tm;

	if (ms <= 0 || !gmtime_r(&seconds, &tm))
		return json_null();
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", whole, (int)(ms % 1000));
	return json_string(text);
}

static json_t *count(const struct report_count *what)
{
	return json_pack("{s:o, s:o}", "packets", report_number(what->packets),
			 "bytes", report_number(what->bytes));
}

static void put_sums(json_t *object, const struct report_sums *sums)
{
	json_object_set_new(object, "dropped", count(&sums->dropped));
	json_object_set_new(object, "would_drop", count(&sums->would));
}

static json_t *callers(const struct report *report)
{
	const struct report_caller *caller;
	json_t *list = json_array(), *entry;

	for (caller = report->callers; caller; caller = caller->hh.next) {
		entry = json_pack("{s:s?, s:s?, s:s?, s:b, s:o, s:s?, s:o, s:o, s:s?}",
			"device", caller->name, "mac", caller->mac,
			"guard", caller->guard, "unknown", !caller->name,
			"destinations", report_number(caller->destinations),
			"reasons", caller->reasons,
			"first", moment(caller->first),
			"last", moment(caller->last), "vendor", caller->vendor);
		put_sums(cli_alloc(entry), &caller->sums);
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *destinations(const struct report *report)
{
	const struct report_destination *to;
	json_t *list = json_array(), *entry;

	for (to = report->destinations; to; to = to->hh.next) {
		entry = json_pack("{s:s?, s:o, s:s?, s:s?, s:s?}",
			"address", *to->address ? to->address : NULL,
			"callers", report_number(to->callers),
			"ports", to->ports, "country", to->country,
			"network", to->network);
		put_sums(cli_alloc(entry), &to->sums);
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *matrix(const struct report *report)
{
	const struct report_cell *cell;
	json_t *list = json_array(), *entry;

	for (cell = report->cells; cell; cell = cell->hh.next) {
		const struct report_caller *caller = cell->key.caller;

		entry = json_pack("{s:s?, s:s?, s:s?, s:s?}",
			"device", caller->name, "mac", caller->mac,
			"guard", caller->guard,
			"destination", *cell->key.destination->address ?
				       cell->key.destination->address : NULL);
		put_sums(cli_alloc(entry), &cell->sums);
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *timeline(const struct report *report)
{
	json_t *list = json_array(), *entry;
	int64_t span = report->to - report->from;

	for (int i = 0; i < REPORT_BUCKETS; i++) {
		entry = json_pack("{s:o}", "from",
			moment(report->from + span * i / REPORT_BUCKETS));
		put_sums(cli_alloc(entry), &report->buckets[i]);
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *events(const struct report_events *events)
{
	json_t *list = json_array();

	for (size_t i = 0; i < events->count; i++)
		json_array_append_new(list, json_pack("{s:o, s:s, s:s}",
			"time", moment(events->items[i].time),
			"kind", events->items[i].kind,
			"text", events->items[i].text));
	return list;
}

static json_t *reasons(const struct report *report)
{
	const struct report_reason *reason;
	json_t *list = json_array(), *entry;

	for (reason = report->reasons; reason; reason = reason->hh.next) {
		entry = json_pack("{s:s}", "reason", reason->name);
		put_sums(cli_alloc(entry), &reason->sums);
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *guards(const struct report *report)
{
	const struct report_guard *guard;
	json_t *list = json_array();

	for (guard = report->guards; guard; guard = guard->hh.next)
		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}",
			"name", guard->name,
			"passed", report_number(guard->passed),
			"dropped", report_number(guard->dropped),
			"would_drop", report_number(guard->would)));
	return list;
}

/* A path need not be UTF-8, and a foreign history not hold what it should. */
static json_t *text(const char *what)
{
	json_t *value = json_string(what);

	return value ? value : json_null();
}

/* Of which day the data is that vendors, countries and networks are from. */
static json_t *hints(const struct report *report)
{
	const char *const days[] = { report->vendors_of, report->countries_of,
				     report->networks_of };

	return json_pack("{s:s?, s:s?, s:s?}",
			 "vendors_of", *days[0] ? days[0] : NULL,
			 "countries_of", *days[1] ? days[1] : NULL,
			 "networks_of", *days[2] ? days[2] : NULL);
}

json_t *report_json(const struct report *report)
{
	json_t *totals = json_object(), *unlisted = json_object();
	json_t *answer = json_object();
	const struct {
		const char *key;
		json_t *value;
	} parts[] = {
		{ "ok", json_true() },
		{ "history", text(report->path) },
		{ "gateway", text(report->gateway) },
		{ "from", moment(report->from) },
		{ "to", moment(report->to) },
		{ "made", moment(report->made) },
		{ "oldest", moment(report->oldest) },
		{ "proof", report_verdict_json(&report->verdict) },
		{ "totals", totals },
		{ "not_listed", unlisted },
		{ "lost_frames", report_number(report->lost_frames) },
		{ "lost_rows", report_number(report->lost_rows) },
		{ "reasons", reasons(report) },
		{ "guards", guards(report) },
		{ "timeline", timeline(report) },
		{ "callers", callers(report) },
		{ "destinations", destinations(report) },
		{ "matrix", matrix(report) },
		{ "policies", events(&report->policies) },
		{ "events", events(&report->events) },
		{ "gaps", events(&report->gaps) },
		{ "hints", hints(report) },
	};

	put_sums(totals, &report->sums);
	put_sums(unlisted, &report->unlisted);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		json_object_set_new(answer, parts[i].key, parts[i].value);
	return answer;
}
