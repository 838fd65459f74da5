// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of the page of a report: text, the timeline, the matrix.
 */
#include <math.h>
#include <string.h>

#include "human.h"
#include "report.h"
#include "report_hints.h"

/*
 * Names come from policies and histories that may be anybody's. Control
 * characters, and those that turn the direction of what follows, would let
 * one name look like another.
 */
static size_t unseemly(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] < ' ' || c[0] == 0x7f)
		return 1;
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
		return 2;
	/* U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF */
	if (c[0] == 0xe2 && c[1] == 0x80 &&
	    ((c[2] >= 0x8b && c[2] <= 0x8f) || (c[2] >= 0xa8 && c[2] <= 0xae)))
		return 3;
	if (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa0 && c[2] <= 0xaf)
		return 3;
	if (c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf)
		return 3;
	return 0;
}

/**
 * report_escape() - text that is nothing but text
 * @out: a page
 * @text: from anywhere; UTF-8
 */
void report_escape(FILE *out, const char *text)
{
	while (*text) {
		size_t skip = unseemly(text);

		if (skip) {
			fputs("\xef\xbf\xbd", out);
			text += skip;
			continue;
		}
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*text, out);
		}
		text++;
	}
}

#define WIDTH	900
#define HEIGHT	130
#define LEFT	56
#define BOTTOM	22
#define TOP	10

static double height_of(uint64_t packets, uint64_t top)
{
	return top ? (double)packets / (double)top * (HEIGHT - BOTTOM - TOP) :
		     0;
}

static struct human number(uint64_t value)
{
	return human_count(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static void put_bar(const struct report *report, int i, FILE *out)
{
	const struct report_sums *sums = &report->buckets[i];
	double width = (double)(WIDTH - LEFT) / REPORT_BUCKETS;
	double x = LEFT + i * width, y = HEIGHT - BOTTOM;
	double dropped = height_of(sums->dropped.packets, report->peak);
	double would = height_of(sums->would.packets, report->peak);
	int64_t from = report->from +
		       (report->to - report->from) * i / REPORT_BUCKETS;

	if (!report_packets(sums))
		return;
	/* Few packets beside many are still to be seen. */
	if (sums->dropped.packets && dropped < 1.5)
		dropped = 1.5;
	if (sums->would.packets && would < 1.5)
		would = 1.5;
	fprintf(out, "<g><title>%s: %llu dropped, %llu audited</title>",
		report_when(from).text,
		(unsigned long long)sums->dropped.packets,
		(unsigned long long)sums->would.packets);
	if (sums->dropped.packets)
		fprintf(out, "<rect class=\"d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
			x + 1, y - dropped, width - 2, dropped);
	if (sums->would.packets)
		fprintf(out, "<rect class=\"w\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
			x + 1, y - dropped - would, width - 2, would);
	fputs("</g>\n", out);
}

/**
 * report_timeline() - packets over time, as a picture
 * @report: it
 * @out: a page
 */
void report_timeline(const struct report *report, FILE *out)
{
	static const char *const anchors[] = { "start", "middle", "end" };
	int base = HEIGHT - BOTTOM;

	fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"packets over time\">\n",
		WIDTH, HEIGHT);
	for (int i = 0; i <= 2; i++) {
		double y = base - (base - TOP) * i / 2.0;

		fprintf(out, "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
			LEFT, WIDTH, y, y);
		/* Half of one packet is none. */
		if (i != 1 || report->peak > 1)
			fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
				LEFT - 6, y + 4,
				number(report->peak * (uint64_t)i / 2).text);
	}
	for (int i = 0; i < REPORT_BUCKETS; i++)
		put_bar(report, i, out);
	for (int i = 0; i <= 4; i++)
		fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
			LEFT + (WIDTH - LEFT) * i / 4, HEIGHT - 6,
			anchors[i == 0 ? 0 : i == 4 ? 2 : 1],
			report_when(report->from + (report->to - report->from) *
				    i / 4).text);
	fputs("</svg>\n", out);
}

static void put_column(const struct report_destination *to,
		       const struct report_hints *hints, FILE *out)
{
	fputs("<th scope=\"col\" class=\"v\"><div>", out);
	report_escape(out, report_destination_name(to));
	if (hints->country && to->country) {
		fputs(" <i>", out);
		report_escape(out, to->country);
		fputs("</i>", out);
	}
	if (hints->network && to->network) {
		fputs(" <i>", out);
		report_escape(out, to->network);
		fputs("</i>", out);
	}
	fputs("</div></th>", out);
}

/* Darker with each power of ten: 0 to 5. */
static int shade(uint64_t packets)
{
	int level = (int)log10((double)packets);

	return level > 5 ? 5 : level;
}

static void put_cell(const struct report *report,
		     const struct report_caller *caller,
		     const struct report_destination *to, FILE *out)
{
	const struct report_cell *cell = report_cell(report, caller, to);

	if (!cell || !report_packets(&cell->sums)) {
		fputs("<td></td>", out);
		return;
	}
	fprintf(out, "<td class=\"n s%d\">",
		shade(report_packets(&cell->sums)));
	if (cell->sums.dropped.packets)
		fputs(number(cell->sums.dropped.packets).text, out);
	if (cell->sums.would.packets)
		fprintf(out, "%s<i>%s</i>",
			cell->sums.dropped.packets ? " " : "",
			number(cell->sums.would.packets).text);
	fputs("</td>", out);
}

/**
 * report_matrix() - who called whom, in packets
 * @report: it
 * @out: a page
 */
void report_matrix(const struct report *report, FILE *out)
{
	const struct report_destination *to;
	const struct report_caller *caller;
	struct report_hints hints;
	unsigned int rows = HASH_COUNT(report->callers);
	unsigned int columns = HASH_COUNT(report->destinations);

	report_hints_see(report, &hints);
	fputs("<table class=\"matrix\"><thead><tr><td></td>", out);
	for (to = report->destinations;
	     to && to->place < REPORT_MATRIX_COLUMNS; to = to->hh.next)
		put_column(to, &hints, out);
	fputs("</tr></thead><tbody>\n", out);
	for (caller = report->callers;
	     caller && caller->place < REPORT_MATRIX_ROWS;
	     caller = caller->hh.next) {
		fprintf(out, "<tr><th scope=\"row\"%s>",
			caller->name ? "" : " class=\"u\"");
		report_escape(out, report_caller_name(caller));
		fputs("</th>", out);
		for (to = report->destinations;
		     to && to->place < REPORT_MATRIX_COLUMNS; to = to->hh.next)
			put_cell(report, caller, to, out);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
	if (rows > REPORT_MATRIX_ROWS)
		fprintf(out, "<p class=\"more\">and %u more callers</p>\n",
			rows - REPORT_MATRIX_ROWS);
	if (columns > REPORT_MATRIX_COLUMNS)
		fprintf(out, "<p class=\"more\">and %u more destinations</p>\n",
			columns - REPORT_MATRIX_COLUMNS);
}
