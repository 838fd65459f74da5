// SPDX-License-Identifier: GPL-2.0-only
/*
 * A report on a terminal: the short form.
 */
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "report.h"
#include "report_hints.h"
#include "table.h"

#define LINES 20

static json_int_t whole(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (json_int_t)number;
}

static void title(const struct cli *cli, const char *text)
{
	putchar('\n');
	style_put(cli->color, STYLE_TITLE, text);
	putchar('\n');
}

static void more(size_t count, const char *what)
{
	if (count)
		printf("  and %zu more %s: see --html, or --json\n", count,
		       what);
}

static void put_sums(struct table *table, const struct report_sums *sums)
{
	table_cell(table, STYLE_PLAIN, "%s",
		   human_count(whole(sums->dropped.packets)).text);
	table_cell(table, sums->would.packets ? STYLE_WARN : STYLE_DIM, "%s",
		   human_count(whole(sums->would.packets)).text);
}

static void put_callers(const struct cli *cli, const struct report *report)
{
	static const struct table_column columns[] = {
		{ "who", false, 0 }, { "guard", false, 0 },
		{ "dropped", true, 0 }, { "audited", true, 0 },
		{ "whom", true, 0 }, { "last", false, 0 },
		{ "why", false, 0 }, { "vendor", false, 0 },
	};
	const struct report_caller *caller;
	struct report_hints hints;
	struct table table;

	report_hints_see(report, &hints);
	title(cli, "Who called out");
	table_init(&table, columns, ARRAY_SIZE(columns) - !hints.vendor,
		   cli->color);
	for (caller = report->callers; caller && caller->place < LINES;
	     caller = caller->hh.next) {
		table_cell(&table, caller->name ? STYLE_PLAIN : STYLE_BAD,
			   "%s%s", report_caller_name(caller),
			   caller->name ? "" : " (unknown)");
		table_cell(&table, STYLE_PLAIN, "%s",
			   caller->guard ? caller->guard : "-");
		put_sums(&table, &caller->sums);
		table_cell(&table, STYLE_PLAIN, "%llu",
			   (unsigned long long)caller->destinations);
		table_cell(&table, STYLE_PLAIN, "%s",
			   report_when(caller->last).text);
		table_cell(&table, STYLE_DIM, "%s",
			   caller->reasons ? caller->reasons : "-");
		if (hints.vendor)
			table_cell(&table, STYLE_PLAIN, "%s",
				   caller->vendor ? caller->vendor : "-");
	}
	table_flush(&table);
	table_free(&table);
	if (HASH_COUNT(report->callers) > LINES)
		more(HASH_COUNT(report->callers) - LINES, "callers");
}

static void put_destinations(const struct cli *cli, const struct report *report)
{
	struct table_column columns[7] = {
		{ "whom", false, 0 }, { "dropped", true, 0 },
		{ "audited", true, 0 }, { "callers", true, 0 },
		{ "ports", false, 0 },
	};
	const struct report_destination *to;
	struct report_hints hints;
	struct table table;
	size_t count = 5;

	report_hints_see(report, &hints);
	if (hints.country)
		columns[count++].title = "country";
	if (hints.network)
		columns[count++].title = "network";
	title(cli, "Whom they called");
	table_init(&table, columns, count, cli->color);
	for (to = report->destinations; to && to->place < LINES;
	     to = to->hh.next) {
		table_cell(&table, STYLE_PLAIN, "%s",
			   report_destination_name(to));
		put_sums(&table, &to->sums);
		table_cell(&table, STYLE_PLAIN, "%llu",
			   (unsigned long long)to->callers);
		table_cell(&table, STYLE_DIM, "%s", to->ports ? to->ports : "-");
		if (hints.country)
			table_cell(&table, STYLE_PLAIN, "%s",
				   to->country ? to->country : "-");
		if (hints.network)
			table_cell(&table, STYLE_PLAIN, "%s",
				   to->network ? to->network : "-");
	}
	table_flush(&table);
	table_free(&table);
	if (HASH_COUNT(report->destinations) > LINES)
		more(HASH_COUNT(report->destinations) - LINES, "destinations");
}

static void put_events(const struct cli *cli, const char *name,
		       const struct report_events *events)
{
	static const struct table_column columns[2] = { { NULL, false, 0 } };
	size_t skip = events->count > LINES ? events->count - LINES : 0;
	struct table table;

	if (!events->count)
		return;
	title(cli, name);
	more(skip, "before these");
	more(events->more, "after these");
	table_init(&table, columns, 2, cli->color);
	for (size_t i = skip; i < events->count; i++) {
		table_cell(&table, STYLE_PLAIN, "%s",
			   report_when(events->items[i].time).text);
		table_cell(&table, STYLE_PLAIN, "%s: %s",
			   events->items[i].kind, events->items[i].text);
	}
	table_flush(&table);
	table_free(&table);
}

void report_text(const struct cli *cli, const struct report *report)
{
	char *verdict = report_verdict(report);
	char *source = report_hints_source(report);
	size_t strangers = 0;
	const struct report_caller *caller;

	for (caller = report->callers; caller; caller = caller->hh.next)
		strangers += !caller->name;
	fputs("Report of ", stdout);
	cli_put_clean(stdout, *report->gateway ? report->gateway :
						 report->path);
	printf(", %s to %s\n", report_when(report->from).text,
	       report_when(report->to).text);
	printf("dropped  %s packet(s), %s\n",
	       human_count(whole(report->sums.dropped.packets)).text,
	       human_bytes(whole(report->sums.dropped.bytes)).text);
	printf("audited  %s packet(s), %s: these passed\n",
	       human_count(whole(report->sums.would.packets)).text,
	       human_bytes(whole(report->sums.would.bytes)).text);
	printf("callers  %u, of which %zu unknown; %u destination(s)\n",
	       HASH_COUNT(report->callers), strangers,
	       HASH_COUNT(report->destinations));
	if (report->lost_frames)
		printf("lost     %llu dropped packet(s) have no record\n",
		       (unsigned long long)report->lost_frames);
	if (report->lost_rows)
		printf("lost     %llu row(s) could not be written\n",
		       (unsigned long long)report->lost_rows);
	fputs("history  ", stdout);
	style_put(cli->color, report->verdict.faults ? STYLE_BAD : STYLE_GOOD,
		  verdict);
	putchar('\n');
	free(verdict);
	if (report->oldest > report->from)
		printf("         it begins at %s, after the period does\n",
		       report_when(report->oldest).text);
	if (report->callers) {
		put_callers(cli, report);
		put_destinations(cli, report);
	}
	if (source)
		printf("%s\n", source);
	free(source);
	put_events(cli, "Policy", &report->policies);
	put_events(cli, "Events", &report->events);
	put_events(cli, "Not covered", &report->gaps);
}
