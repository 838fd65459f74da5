// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops of a history, added up: who, whom, when, why.
 */
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "report.h"

/* Ports of a destination that are named. */
#define PORTS_MAX 6

void report_fatal(const char *text)
{
	fprintf(stderr, "lenscapctl: %s\n", text);
	exit(CLI_REFUSED);
}

static char *copy(const char *text)
{
	return text && *text ? cli_alloc(strdup(text)) : NULL;
}

uint64_t report_packets(const struct report_sums *sums)
{
	return sums->dropped.packets + sums->would.packets;
}

static void add(struct report_sums *to, const struct report_sums *sums)
{
	to->dropped.packets += sums->dropped.packets;
	to->dropped.bytes += sums->dropped.bytes;
	to->would.packets += sums->would.packets;
	to->would.bytes += sums->would.bytes;
}

static struct report_count count_of(const json_t *object)
{
	json_int_t packets = field_int(object, "packets");
	json_int_t bytes = field_int(object, "bytes");

	return (struct report_count){
		packets > 0 ? (uint64_t)packets : 0,
		bytes > 0 ? (uint64_t)bytes : 0,
	};
}

/* Adds a word to a list in text, once. Return: true if it is new. */
static bool add_word(char **list, const char *word)
{
	size_t len = strlen(word);
	char *grown;

	for (const char *at = *list; at && *at;) {
		size_t this = strcspn(at, ",");

		if (this == len && !strncmp(at, word, len))
			return false;
		at += this;
		at += strspn(at, ", ");
	}
	grown = *list ? cli_format("%s, %s", *list, word) : copy(word);
	free(*list);
	*list = grown;
	return true;
}

static struct report_caller *caller_of(struct report *report,
				       const json_t *body)
{
	const char *name = field_str(body, "device");
	const char *mac = field_str(body, "mac");
	const char *source = field_str(body, "source");
	const char *guard = field_str(body, "guard");
	struct report_caller *caller;
	char *key;

	/* Where nothing else is known, a stranger is its address. */
	key = *name ? cli_format("d/%s/%s", guard, name) :
	      *mac ? cli_format("m/%s/%s", guard, mac) :
		     cli_format("s/%s/%s", guard, source);
	HASH_FIND_STR(report->callers, key, caller);
	if (caller) {
		free(key);
		return caller;
	}
	caller = cli_alloc(calloc(1, sizeof(*caller)));
	caller->key = key;
	caller->name = copy(name);
	caller->mac = copy(*mac ? mac : source);
	caller->guard = copy(guard);
	HASH_ADD_KEYPTR(hh, report->callers, caller->key, strlen(caller->key),
			caller);
	return caller;
}

static struct report_destination *destination_of(struct report *report,
						 const char *address)
{
	struct report_destination *to;

	HASH_FIND_STR(report->destinations, address, to);
	if (to)
		return to;
	to = cli_alloc(calloc(1, sizeof(*to)));
	to->address = cli_alloc(strdup(address));
	HASH_ADD_KEYPTR(hh, report->destinations, to->address,
			strlen(to->address), to);
	return to;
}

static void add_cell(struct report *report, struct report_caller *caller,
		     struct report_destination *to,
		     const struct report_sums *sums)
{
	struct report_cell *cell;
	struct report_cell_key key;

	memset(&key, 0, sizeof(key));
	key.caller = caller;
	key.destination = to;
	HASH_FIND(hh, report->cells, &key, sizeof(key), cell);
	if (!cell) {
		cell = cli_alloc(calloc(1, sizeof(*cell)));
		cell->key = key;
		HASH_ADD(hh, report->cells, key, sizeof(cell->key), cell);
		caller->destinations++;
		to->callers++;
	}
	add(&cell->sums, sums);
}

static void add_reason(struct report *report, const char *name,
		       const struct report_sums *sums)
{
	struct report_reason *reason;

	HASH_FIND_STR(report->reasons, name, reason);
	if (!reason) {
		reason = cli_alloc(calloc(1, sizeof(*reason)));
		reason->name = cli_alloc(strdup(name));
		HASH_ADD_KEYPTR(hh, report->reasons, reason->name,
				strlen(reason->name), reason);
	}
	add(&reason->sums, sums);
}

static void add_port(struct report_destination *to, const json_t *body)
{
	const json_t *protocol = field(body, "protocol");
	const json_t *port = field(body, "port");
	char *text, *bare;

	if (json_is_string(protocol))
		bare = cli_format("%s", json_string_value(protocol));
	else if (json_is_integer(protocol))
		bare = cli_format("%lld",
				  (long long)json_integer_value(protocol));
	else
		return;
	text = json_is_integer(port) ?
	       cli_format("%s/%lld", bare,
			  (long long)json_integer_value(port)) :
	       cli_format("%s", bare);
	if (to->nports < PORTS_MAX)
		to->nports += add_word(&to->ports, text);
	else if (to->nports == PORTS_MAX)
		to->nports += add_word(&to->ports, "...");
	free(text);
	free(bare);
}

static void add_time(struct report_caller *caller, const json_t *body,
		     int64_t when)
{
	double first = field_time(body, "first");
	double last = field_time(body, "last");
	int64_t from = first > 0 ? (int64_t)(first * 1000) : when;
	int64_t to = last > 0 ? (int64_t)(last * 1000) : when;

	if (!caller->first || from < caller->first)
		caller->first = from;
	if (to > caller->last)
		caller->last = to;
}

static void add_bucket(struct report *report, int64_t when,
		       const struct report_sums *sums)
{
	int64_t span = report->to - report->from;
	size_t bucket;

	bucket = (size_t)((double)(when - report->from) / (double)span *
			  REPORT_BUCKETS);
	if (bucket >= REPORT_BUCKETS)
		bucket = REPORT_BUCKETS - 1;
	add(&report->buckets[bucket], sums);
	if (report_packets(&report->buckets[bucket]) > report->peak)
		report->peak = report_packets(&report->buckets[bucket]);
}

/**
 * report_add() - a row of kind "drop"
 * @report: it is within its period
 * @when: the row's time, ms since the epoch
 * @body: a drop record
 */
void report_add(struct report *report, int64_t when, const json_t *body)
{
	const char *address = field_str(body, "destination");
	const char *reason = field_str(body, "reason");
	struct report_caller *caller = caller_of(report, body);
	struct report_destination *to;
	struct report_sums sums = { 0 };

	if (json_is_true(field(body, "audited")))
		sums.would = count_of(body);
	else
		sums.dropped = count_of(body);
	/* A frame that was not read so far has none. */
	to = destination_of(report, *address ? address : "unreadable");
	add(&report->sums, &sums);
	add(&caller->sums, &sums);
	add(&to->sums, &sums);
	add_cell(report, caller, to, &sums);
	add_reason(report, *reason ? reason : "unknown", &sums);
	add_word(&caller->reasons, *reason ? reason : "unknown");
	add_port(to, body);
	add_time(caller, body, when);
	add_bucket(report, when, &sums);
}

/**
 * report_add_more() - a row of kind "more": sums of a flood
 * @report: it is within its period
 * @when: the row's time, ms since the epoch
 * @body: the sums
 */
void report_add_more(struct report *report, int64_t when, const json_t *body)
{
	struct report_sums sums = {
		.dropped = count_of(field(body, "dropped")),
		.would = count_of(field(body, "would_drop")),
	};
	struct report_destination *to;
	struct report_caller *caller;

	add(&report->sums, &sums);
	add(&report->unlisted, &sums);
	add_bucket(report, when, &sums);
	/* Strangers, together, are nobody. */
	if (!*field_str(body, "device"))
		return;
	caller = caller_of(report, body);
	to = destination_of(report, "");
	add(&caller->sums, &sums);
	add(&to->sums, &sums);
	add_cell(report, caller, to, &sums);
	add_time(caller, body, when);
}

static int more_callers(const struct report_caller *a,
			const struct report_caller *b)
{
	uint64_t left = report_packets(&a->sums);
	uint64_t right = report_packets(&b->sums);

	return left < right ? 1 : left > right ? -1 : strcmp(a->key, b->key);
}

static int more_destinations(const struct report_destination *a,
			     const struct report_destination *b)
{
	uint64_t left = report_packets(&a->sums);
	uint64_t right = report_packets(&b->sums);

	/* What is not known one by one comes last. */
	if (!*a->address != !*b->address)
		return *a->address ? -1 : 1;
	return left < right ? 1 : left > right ? -1 :
	       strcmp(a->address, b->address);
}

static int more_reasons(const struct report_reason *a,
			const struct report_reason *b)
{
	uint64_t left = report_packets(&a->sums);
	uint64_t right = report_packets(&b->sums);

	return left < right ? 1 : left > right ? -1 : strcmp(a->name, b->name);
}

/**
 * report_sort() - those with the most packets first
 * @report: all has been added
 */
void report_sort(struct report *report)
{
	struct report_destination *to;
	struct report_caller *caller;
	size_t place = 0;

	HASH_SORT(report->callers, more_callers);
	HASH_SORT(report->destinations, more_destinations);
	HASH_SORT(report->reasons, more_reasons);
	for (caller = report->callers; caller; caller = caller->hh.next)
		caller->place = place++;
	place = 0;
	for (to = report->destinations; to; to = to->hh.next)
		to->place = place++;
}

const struct report_cell *
report_cell(const struct report *report, const struct report_caller *caller,
	    const struct report_destination *destination)
{
	struct report_cell_key key;
	struct report_cell *cell;

	memset(&key, 0, sizeof(key));
	key.caller = caller;
	key.destination = destination;
	HASH_FIND(hh, report->cells, &key, sizeof(key), cell);
	return cell;
}

const char *report_caller_name(const struct report_caller *caller)
{
	return caller->name ? caller->name : caller->mac ? caller->mac :
							   "unknown";
}

const char *report_destination_name(const struct report_destination *to)
{
	return *to->address ? to->address : "others";
}
