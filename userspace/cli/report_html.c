// SPDX-License-Identifier: GPL-2.0-only
/*
 * A report as a page: one file, nothing from elsewhere, no script.
 */
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "report.h"
#include "report_hints.h"

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	/* A name that got through the escaping would still load nothing. */
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"generator\" content=\"lenscapctl report\">\n"
	"<style>\n"
	"body { font: 14px/1.45 system-ui, 'DejaVu Sans', sans-serif; color: #1b2430; background: #fff; max-width: 1000px; margin: 24px auto; padding: 0 16px; }\n"
	"h1 { font-size: 24px; margin: 0; } h2 { font-size: 17px; margin: 28px 0 8px; border-bottom: 2px solid #1b2430; padding-bottom: 3px; }\n"
	".sub { color: #5a6675; margin: 2px 0 16px; }\n"
	".tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 0 0 12px; padding: 0; list-style: none; }\n"
	".tiles li { flex: 1 1 130px; border: 1px solid #cfd6de; border-radius: 6px; padding: 8px 12px; }\n"
	".tiles b { display: block; font-size: 22px; line-height: 1.2; } .tiles span { color: #5a6675; font-size: 12px; }\n"
	".proof { border-left: 5px solid #2e7d4f; background: #eef7f1; padding: 8px 12px; overflow-wrap: anywhere; }\n"
	".proof.bad { border-color: #b3261e; background: #fdeceb; font-weight: bold; }\n"
	"table { border-collapse: collapse; width: 100%; font-size: 13px; }\n"
	"th, td { text-align: left; padding: 4px 8px; border-bottom: 1px solid #e3e8ed; vertical-align: top; overflow-wrap: anywhere; }\n"
	"td.m { min-width: 9.5em; } td.k { min-width: 3.5em; }\n"
	"thead th { white-space: nowrap; color: #5a6675; font-weight: 600; border-bottom: 1px solid #9aa5b1; }\n"
	"td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; overflow-wrap: normal; }\n"
	"td.t { white-space: nowrap; } .u { color: #b3261e; } .more, .none { color: #5a6675; font-size: 13px; margin: 6px 0; }\n"
	"svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: #5a6675; } .g { stroke: #e3e8ed; }\n"
	".d { fill: #b3261e; } .w { fill: #d9932f; } .key { font-size: 12px; color: #5a6675; margin: 0; }\n"
	".key i { display: inline-block; width: 10px; height: 10px; margin: 0 5px 0 12px; } .key i.d { background: #b3261e; } .key i.w { background: #d9932f; }\n"
	".matrix { width: auto; } .matrix th[scope=row] { font-weight: normal; white-space: nowrap; }\n"
	".matrix td { border: 1px solid #e3e8ed; min-width: 34px; } .matrix td i { color: #8a5200; }\n"
	".matrix thead td { border: 0; } .matrix .v { vertical-align: bottom; padding: 4px; } .matrix .v i { color: #5a6675; font-weight: normal; }\n"
	".matrix .v div { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 190px; overflow: hidden; white-space: nowrap; margin: 0 auto; }\n"
	".s0 { background: #fff5f3; } .s1 { background: #fde3df; } .s2 { background: #fac9c2; } .s3 { background: #f5a89e; } .s4 { background: #ee8578; } .s5 { background: #e46253; }\n"
	"footer { margin: 32px 0; color: #5a6675; font-size: 12px; border-top: 1px solid #cfd6de; padding-top: 8px; overflow-wrap: anywhere; }\n"
	"@page { size: A4; margin: 14mm; }\n"
	"@media print { body { max-width: none; margin: 0; padding: 0; font-size: 10pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }\n"
	" table { font-size: 8pt; } th, td { padding: 3px 5px; } .tiles li { flex-basis: 80px; } .tiles b { font-size: 16pt; } .when td.t { white-space: normal; min-width: 5.2em; }\n"
	" h2 { break-after: avoid; } tr, .tiles, .proof, svg { break-inside: avoid; } thead { display: table-header-group; } }\n"
	"</style>\n";

static json_int_t whole(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (json_int_t)number;
}

static void put_cell(FILE *out, const char *class, const char *text)
{
	fprintf(out, "<td%s%s%s>", *class ? " class=\"" : "", class,
		*class ? "\"" : "");
	report_escape(out, text && *text ? text : "-");
	fputs("</td>", out);
}

static void put_number(FILE *out, uint64_t number)
{
	put_cell(out, "n", human_count(whole(number)).text);
}

static void put_sums(FILE *out, const struct report_sums *sums)
{
	put_number(out, sums->dropped.packets);
	put_number(out, sums->would.packets);
	put_cell(out, "n", human_bytes(whole(sums->dropped.bytes +
					     sums->would.bytes)).text);
}

static void put_more(FILE *out, size_t count, size_t shown, const char *what)
{
	if (count > shown)
		fprintf(out, "<p class=\"more\">and %zu more %s; lenscapctl report --json lists all</p>\n",
			count - shown, what);
}

static void put_tile(FILE *out, const char *number, const char *what)
{
	fputs("<li><b>", out);
	report_escape(out, number);
	fprintf(out, "</b><span>%s</span></li>", what);
}

static size_t strangers(const struct report *report)
{
	const struct report_caller *caller;
	size_t count = 0;

	for (caller = report->callers; caller; caller = caller->hh.next)
		count += !caller->name;
	return count;
}

static void put_totals(FILE *out, const struct report *report)
{
	size_t unknown = strangers(report);

	fputs("<ul class=\"tiles\">", out);
	put_tile(out, human_count(whole(report->sums.dropped.packets)).text,
		 "packets dropped");
	put_tile(out, human_count(whole(report->sums.would.packets)).text,
		 "audited: would be dropped, but passed");
	put_tile(out, human_count((json_int_t)(HASH_COUNT(report->callers) -
					       unknown)).text,
		 "devices called out");
	put_tile(out, human_count((json_int_t)unknown).text,
		 "unknown devices");
	put_tile(out, human_count(HASH_COUNT(report->destinations)).text,
		 "destinations");
	put_tile(out, human_count(whole(report->policies.count)).text,
		 "policy changes");
	fputs("</ul>\n", out);
}

static void put_proof(FILE *out, const struct report *report)
{
	char *text = report_verdict(report);

	fprintf(out, "<p class=\"proof%s\">History ",
		report->verdict.faults ? " bad" : "");
	report_escape(out, text);
	fputs("</p>\n", out);
	free(text);
	if (report->oldest > report->from)
		fprintf(out, "<p class=\"more\">The history begins at %s, after the period does.</p>\n",
			report_when(report->oldest).text);
	if (report->lost_frames)
		fprintf(out, "<p class=\"u\">%llu dropped packet(s) have no record: the kernel's table of records was full.</p>\n",
			(unsigned long long)report->lost_frames);
	if (report->lost_rows)
		fprintf(out, "<p class=\"u\">%llu row(s) were not written: there were too many while nothing could be written.</p>\n",
			(unsigned long long)report->lost_rows);
	if (report_packets(&report->unlisted))
		fprintf(out, "<p class=\"more\">%llu packet(s) of floods are in the sums, but not listed one by one.</p>\n",
			(unsigned long long)report_packets(&report->unlisted));
}

/* Devices, or strangers. */
static void put_callers(FILE *out, const struct report *report, bool unknown)
{
	const struct report_caller *caller;
	struct report_hints hints;
	size_t count = 0;

	report_hints_see(report, &hints);
	fprintf(out, "<h2>%s</h2>\n", unknown ? "Unknown devices" :
					       "Devices that called out");
	for (caller = report->callers; caller; caller = caller->hh.next)
		count += !caller->name == unknown;
	if (!count) {
		fputs("<p class=\"none\">None.</p>\n", out);
		return;
	}
	fprintf(out, "<table class=\"when\"><thead><tr><th>%s</th>%s<th>guard</th><th class=\"n\">dropped</th><th class=\"n\">audited</th><th class=\"n\">bytes</th><th class=\"n\">destinations</th><th>first</th><th>last</th><th>reasons</th></tr></thead><tbody>\n",
		unknown ? "MAC" : "device",
		hints.vendor ? "<th>vendor</th>" : "");
	count = 0;
	for (caller = report->callers; caller; caller = caller->hh.next) {
		if (!caller->name != unknown || count++ >= REPORT_CALLERS)
			continue;
		fputs("<tr>", out);
		put_cell(out, unknown ? "m u" : "m",
			 report_caller_name(caller));
		if (hints.vendor)
			put_cell(out, "", caller->vendor);
		put_cell(out, "k", caller->guard);
		put_sums(out, &caller->sums);
		put_number(out, caller->destinations);
		put_cell(out, "t", report_when(caller->first).text);
		put_cell(out, "t", report_when(caller->last).text);
		put_cell(out, "m", caller->reasons);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
	put_more(out, count, REPORT_CALLERS, unknown ? "unknown devices" :
						       "devices");
}

static void put_destinations(FILE *out, const struct report *report)
{
	const struct report_destination *to;
	struct report_hints hints;

	report_hints_see(report, &hints);
	fprintf(out, "<h2>Destinations</h2>\n<table><thead><tr><th>address</th>%s%s<th class=\"n\">dropped</th><th class=\"n\">audited</th><th class=\"n\">bytes</th><th class=\"n\">callers</th><th>ports</th></tr></thead><tbody>\n",
		hints.country ? "<th>country</th>" : "",
		hints.network ? "<th>network</th>" : "");
	for (to = report->destinations; to && to->place < REPORT_DESTINATIONS;
	     to = to->hh.next) {
		fputs("<tr>", out);
		put_cell(out, "m", *to->address ? to->address :
			 "others, in floods");
		if (hints.country)
			put_cell(out, "", to->country);
		if (hints.network)
			put_cell(out, "", to->network);
		put_sums(out, &to->sums);
		put_number(out, to->callers);
		put_cell(out, "m", to->ports);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
	put_more(out, HASH_COUNT(report->destinations), REPORT_DESTINATIONS,
		 "destinations");
}

static void put_reasons(FILE *out, const struct report *report)
{
	const struct report_reason *reason;

	fputs("<h2>Reasons</h2>\n<table><thead><tr><th>reason</th><th class=\"n\">dropped</th><th class=\"n\">audited</th><th class=\"n\">bytes</th></tr></thead><tbody>\n",
	      out);
	for (reason = report->reasons; reason; reason = reason->hh.next) {
		fputs("<tr>", out);
		put_cell(out, "", reason->name);
		put_sums(out, &reason->sums);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void put_source(FILE *out, const struct report *report)
{
	char *text = report_hints_source(report);

	if (!text)
		return;
	fputs("<p class=\"more\">", out);
	report_escape(out, text);
	fputs(".</p>\n", out);
	free(text);
}

static void put_guards(FILE *out, const struct report *report)
{
	const struct report_guard *guard;

	if (!report->guards)
		return;
	fputs("<h2>Guards</h2>\n<p class=\"more\">Packets by the module's own counters, between the first and the last of them that the history has of the period.</p>\n<table><thead><tr><th>guard</th><th class=\"n\">passed</th><th class=\"n\">dropped</th><th class=\"n\">audited</th></tr></thead><tbody>\n",
	      out);
	for (guard = report->guards; guard; guard = guard->hh.next) {
		fputs("<tr>", out);
		put_cell(out, "", guard->name);
		put_number(out, guard->passed);
		put_number(out, guard->dropped);
		put_number(out, guard->would);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void put_events(FILE *out, const char *title,
		       const struct report_events *events, const char *none)
{
	size_t skip = events->count > REPORT_EVENTS ?
		      events->count - REPORT_EVENTS : 0;

	fprintf(out, "<h2>%s</h2>\n", title);
	if (!events->count) {
		fprintf(out, "<p class=\"none\">%s</p>\n", none);
		return;
	}
	put_more(out, events->count, REPORT_EVENTS, "before these");
	fputs("<table><tbody>\n", out);
	for (size_t i = skip; i < events->count; i++) {
		fputs("<tr>", out);
		put_cell(out, "t", report_when(events->items[i].time).text);
		put_cell(out, "k", events->items[i].kind);
		put_cell(out, "", events->items[i].text);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
	put_more(out, events->more, 0, "after these");
}

/**
 * report_html() - a report as a page
 * @report: it
 * @out: the page
 */
void report_html(const struct report *report, FILE *out)
{
	const char *name = *report->gateway ? report->gateway : report->path;

	fputs(head, out);
	fputs("<title>Lenscap: ", out);
	report_escape(out, name);
	fputs("</title></head><body>\n<h1>Cameras behind ", out);
	report_escape(out, name);
	fprintf(out, "</h1>\n<p class=\"sub\">%s to %s, local time; written %s</p>\n",
		report_when(report->from).text, report_when(report->to).text,
		report_when(report->made).text);
	put_totals(out, report);
	put_proof(out, report);
	fputs("<h2>Timeline</h2>\n", out);
	report_timeline(report, out);
	fputs("<p class=\"key\"><i class=\"d\"></i>dropped<i class=\"w\"></i>audited; packets</p>\n",
	      out);
	put_callers(out, report, false);
	put_callers(out, report, true);
	if (report->callers) {
		fputs("<h2>Who called whom</h2>\n<p class=\"more\">Packets dropped, and <i>audited</i>.</p>\n",
		      out);
		report_matrix(report, out);
		put_destinations(out, report);
		put_reasons(out, report);
	}
	put_source(out, report);
	put_guards(out, report);
	put_events(out, "Policy changes", &report->policies,
		   "None in this period.");
	put_events(out, "Guards, interlock, commands", &report->events,
		   "Nothing changed in this period.");
	put_events(out, "Not covered", &report->gaps,
		   "No gap: the history was written throughout.");
	fputs("<footer>Made by lenscapctl report from ", out);
	report_escape(out, report->path);
	fputs(". How to check the history without Lenscap: docs/history.md. Lenscap drops what no rule permits; a packet that is listed here did not get through, unless it is called audited.</footer>\n</body></html>\n",
	      out);
}
