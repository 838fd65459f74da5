// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl top: rows to lines that fit 80 columns, in ASCII.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fields.h"
#include "human.h"
#include "top.h"

#define DROPS_SHOWN	8	/* of a device */

void top_clean(char *text)
{
	char *to = text;

	/* What follows the first byte of a UTF-8 character is part of it. */
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if ((byte & 0xc0) == 0x80)
			continue;
		*to++ = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
	}
	*to = '\0';
}

static void print(char *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print(char *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(line, TOP_LINE, format, args);
	va_end(args);
	top_clean(line);
}

const char *top_sort_name(enum top_sort sort)
{
	static const char *const names[TOP_SORTS] = {
		[TOP_BY_DROPS] = "drops/s", [TOP_BY_WOULD] = "would-drops/s",
		[TOP_BY_PASSED] = "passed/s", [TOP_BY_TOTAL] = "dropped",
		[TOP_BY_SEEN] = "last seen", [TOP_BY_NAME] = "name",
	};

	return names[sort];
}

void top_title(enum top_view view, char *line)
{
	if (view == TOP_DEVICES)
		print(line, "  %-22s %-14s %7s %7s %7s %9s %-8s", "DEVICE",
		      "PROFILE", "DROP/S", "WOULD/S", "PASS/S", "DROPPED",
		      "SEEN");
	else
		print(line, "  %-42s %7s %7s %9s %-8s", "DENIED DESTINATION",
		      "DROP/S", "WOULD/S", "DROPPED", "SEEN");
}

/* Handed around by value, as other numbers for people are. */
static struct human rate(double rate)
{
	struct human text;

	if (rate < 0)
		snprintf(text.text, sizeof(text.text), "-");
	else if (rate > 0 && rate < 10)
		snprintf(text.text, sizeof(text.text), "%.1f", rate);
	else
		text = human_count((json_int_t)(rate + 0.5));
	return text;
}

/* "3 s" of "3 s ago". */
static struct human seen(double when)
{
	struct human text = human_ago(when);
	char *ago = strstr(text.text, " ago");

	if (ago)
		*ago = '\0';
	return text;
}

void top_row_text(enum top_view view, const struct top_row *row, char *line)
{
	if (view == TOP_DEVICES)
		print(line, "%-22.22s %-14.14s %7s %7s %7s %9s %-8s", row->name,
		      field_str(row->item, "profile"),
		      rate(row->rate[TOP_DROPPED]).text,
		      rate(row->rate[TOP_WOULD]).text,
		      rate(row->rate[TOP_PASSED]).text,
		      human_count(row->total[TOP_DROPPED]).text,
		      seen(row->seen).text);
	else
		print(line, "%-42.42s %7s %7s %9s %-8s", row->name,
		      rate(row->rate[TOP_DROPPED]).text,
		      rate(row->rate[TOP_WOULD]).text,
		      human_count(row->total[TOP_DROPPED]).text,
		      seen(row->seen).text);
}

/**
 * top_summary() - the state of the gateway in a line
 * @answers: what is known, or NULL: nothing yet
 * @line: result
 */
void top_summary(const struct top_answers *answers, char *line)
{
	const json_t *module;

	if (!answers) {
		print(line, "waiting for the daemon");
		return;
	}
	module = field(answers->status, "module");
	if (!answers->status)
		print(line, "NO DAEMON: %s; trying again", answers->error);
	else if (!json_is_object(module))
		print(line, "NO MODULE: nothing is judged; load it with \"modprobe lenscap\"");
	else if (*answers->error)
		print(line, "NOT ALL IS KNOWN: %s; trying again",
		      answers->error);
	else
		print(line, "%s, revision %" JSON_INTEGER_FORMAT
		      ", %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
		      " guards armed, %" JSON_INTEGER_FORMAT " devices",
		      field_str(answers->status, "daemon.state"),
		      field_int(module, "revision"),
		      field_int(module, "guards_armed"),
		      field_int(module, "guards"),
		      field_int(module, "devices"));
}

static void add(struct top_page *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct top_page *page, const char *format, ...)
{
	char line[TOP_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	top_clean(line);
	/* Powers of two: the room is used up when the count is one. */
	if (!(page->count & (page->count - 1)))
		page->lines = cli_alloc(reallocarray(page->lines,
						     page->count * 2 + 1,
						     sizeof(char *)));
	page->lines[page->count++] = cli_format("%s", line);
}

void top_page_free(struct top_page *page)
{
	for (size_t i = 0; i < page->count; i++)
		free(page->lines[i]);
	free(page->lines);
	memset(page, 0, sizeof(*page));
}

static void add_count(struct top_page *page, const char *name,
		      const struct top_row *row, enum top_count which)
{
	add(page, "%-12s %s packets, %s a second", name,
	    human_count(row->total[which]).text, rate(row->rate[which]).text);
}

static void add_addresses(struct top_page *page, const json_t *addresses)
{
	json_t *address;
	size_t i;

	json_array_foreach(addresses, i, address)
		add(page, "%-12s %s", i ? "" : "addresses",
		    json_string_value(address) ?: "?");
}

static void protocol_text(const json_t *item, char *text, size_t size)
{
	const json_t *protocol = field(item, "protocol");

	if (json_is_integer(protocol))
		snprintf(text, size, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(protocol));
	else
		snprintf(text, size, "%s",
			 json_string_value(protocol) ?: "-");
}

/* The newest first: they are last in the answer. */
static void add_drops(struct top_page *page, const json_t *drops,
		      const char *name)
{
	unsigned int shown = 0;

	for (size_t i = json_array_size(drops); i-- > 0;) {
		const json_t *drop = json_array_get(drops, i);
		char protocol[16];

		if (strcmp(field_str(drop, "device"), name) != 0)
			continue;
		if (!shown++)
			add(page, "LAST DROPS");
		if (shown > DROPS_SHOWN)
			return;
		protocol_text(drop, protocol, sizeof(protocol));
		add(page, "  %-9s %-39.39s %6.6s %5" JSON_INTEGER_FORMAT
		    " %s, %s%s", human_clock(field_time(drop, "last")).text,
		    field_str(drop, "destination"), protocol,
		    field_int(drop, "port"), field_str(drop, "reason"),
		    human_count(field_int(drop, "packets")).text,
		    json_is_true(field(drop, "audited")) ? " audited" : "");
	}
	if (!shown)
		add(page, "LAST DROPS: none that the daemon still holds");
}

static void range_text(const json_t *range, char *text, size_t size)
{
	json_int_t low = json_integer_value(json_array_get(range, 0));
	json_int_t high = json_integer_value(json_array_get(range, 1));

	if (!json_array_size(range) || (!low && high >= 255))
		snprintf(text, size, "any");
	else if (low == high)
		snprintf(text, size, "%" JSON_INTEGER_FORMAT, low);
	else
		snprintf(text, size, "%" JSON_INTEGER_FORMAT "-%"
			 JSON_INTEGER_FORMAT, low, high);
}

static void add_rules(struct top_page *page, const json_t *profile)
{
	json_t *rule, *rules = field(profile, "rules");
	json_int_t shared = field_int(profile, "shared");
	size_t i;

	if (!profile) {
		add(page, "RULES: not known yet");
		return;
	}
	add(page, "RULES of %s, mode %s; hits of the last %s%s",
	    field_str(profile, "name"), field_str(profile, "mode"),
	    seen(field_time(profile, "since")).text,
	    shared > 1 ? ", of all profiles with these rules" : "");
	if (!json_array_size(rules))
		add(page, "  none: only upkeep passes");
	else
		add(page, "  %9s %-8s %-30s %6s %-11s %s", "HITS", "CAMERA",
		    "PEER", "PROTO", "PEER PORTS", "CAMERA");
	json_array_foreach(rules, i, rule) {
		json_int_t hits = field_int(rule, "hits");
		char protocol[16], peer[24], own[24];

		protocol_text(rule, protocol, sizeof(protocol));
		range_text(field(rule, "peer_ports"), peer, sizeof(peer));
		range_text(field(rule, "device_ports"), own, sizeof(own));
		add(page, "  %9s %-8s %-30.30s %6.6s %-11s %s",
		    hits ? human_count(hits).text : "never",
		    strcmp(field_str(rule, "initiator"), "peer") ? "connects" :
								   "serves",
		    field_str(rule, "peer"), protocol, peer, own);
	}
}

/**
 * top_page_device() - all about a device
 * @page: result, empty before
 * @row: its row
 * @answers: of the same round
 */
void top_page_device(struct top_page *page, const struct top_row *row,
		     const struct top_answers *answers)
{
	const char *guard = field_str(row->item, "guard");
	const char *mac = field_str(row->item, "mac");
	const json_t *profile = json_array_get(answers->profile, 0);

	add(page, "%-12s %s", "device", row->name);
	add(page, "%-12s %s", "profile", field_str(row->item, "profile"));
	add(page, "%-12s %s", "guard", *guard ? guard : "any");
	add(page, "%-12s %s", "MAC", *mac ? mac : "none");
	add_addresses(page, field(row->item, "addresses"));
	add_count(page, "dropped", row, TOP_DROPPED);
	add_count(page, "would drop", row, TOP_WOULD);
	add_count(page, "passed", row, TOP_PASSED);
	add(page, "%-12s %s", "last seen", human_ago(row->seen).text);
	add(page, "%s", "");
	add_drops(page, answers->drops, row->name);
	add(page, "%s", "");
	add_rules(page, profile);
}

void top_page_help(struct top_page *page)
{
	static const char *const lines[] = {
		"d          devices",
		"t          destinations that were denied, of the drops that the daemon holds",
		"Enter      all about the device under the cursor",
		"Esc, b     back",
		"up, down   move; also k and j, page up and down, home and end",
		"s, S       sort by the next, the previous column; r reverses",
		"/          filter: part of a name, a profile, a guard or an address",
		"p, space   pause: figures stay until the next p",
		"?, h       this help",
		"q          end",
		"",
		"DROP/S     packets a second that were dropped",
		"WOULD/S    would have been, but passed because of audit",
		"PASS/S     were permitted, upkeep included",
		"DROPPED    dropped in all",
		"SEEN       how long ago the last frame came",
		"",
		"Hits: a frame counts for one rule, also where several permit it.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		add(page, "%s", lines[i]);
}
