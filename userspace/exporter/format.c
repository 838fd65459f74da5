// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two texts that monitoring reads, and which of them a reader wants.
 *
 * They differ in little. A counter "x" has samples "x_total" and an info "x"
 * samples "x_info" in both; OpenMetrics calls the family "x" and tells its
 * unit, Prometheus' text calls it as the samples and knows no info. And
 * OpenMetrics ends with a line that says that nothing was cut off.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format.h"
#include "mem.h"

#define TYPE_OPENMETRICS "application/openmetrics-text"

static void put(struct out *out, const char *text, size_t len)
{
	while (out->size - out->len < len) {
		out->size = out->size ? 2 * out->size : 256;
		out->bytes = mem_array_room(out->bytes, out->size / 2,
					    out->size - out->size / 2, 1);
	}
	memcpy(out->bytes + out->len, text, len);
	out->len += len;
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

/* Within quotes, as labels and OpenMetrics' help texts have it. */
static void put_escaped(struct out *out, const char *text)
{
	for (;;) {
		size_t plain = strcspn(text, "\\\"\n");

		put(out, text, plain);
		text += plain;
		if (!*text)
			return;
		if (*text == '\n')
			put(out, "\\n", 2);
		else
			put(out, *text == '"' ? "\\\"" : "\\\\", 2);
		text++;
	}
}

static const char *suffix(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "_total";
	case METRIC_INFO:
		return "_info";
	default:
		return "";
	}
}

static const char *type_name(enum format format, enum metric_type type)
{
	if (type == METRIC_COUNTER)
		return "counter";
	return type == METRIC_INFO && format == FORMAT_OPENMETRICS ? "info" :
								     "gauge";
}

static void put_about(struct out *out, enum format format, const char *what,
		      const char *family, enum metric_type type,
		      const char *text)
{
	put_text(out, "# ");
	put_text(out, what);
	put_text(out, " ");
	put_text(out, family);
	if (format == FORMAT_PROMETHEUS)
		put_text(out, suffix(type));
	put_text(out, " ");
	put_text(out, text);
	put_text(out, "\n");
}

/**
 * format_header() - what stands before the samples of a family
 * @out: where to
 * @format: which text
 * @family: name without the suffix that follows from @type
 * @type: of all its samples
 * @unit: with which @family ends, or NULL
 * @help: for people; without quotes, backslashes and line ends
 */
void format_header(struct out *out, enum format format, const char *family,
		   enum metric_type type, const char *unit, const char *help)
{
	put_about(out, format, "HELP", family, type, help);
	put_about(out, format, "TYPE", family, type, type_name(format, type));
	if (unit && format == FORMAT_OPENMETRICS)
		put_about(out, format, "UNIT", family, type, unit);
}

/**
 * format_sample() - a sample, up to its value
 * @out: where to
 * @family: as in format_header()
 * @type: as there
 * @labels: names and values
 * @count: of @labels
 */
void format_sample(struct out *out, const char *family, enum metric_type type,
		   const struct label *labels, size_t count)
{
	put_text(out, family);
	put_text(out, suffix(type));
	for (size_t i = 0; i < count; i++) {
		put_text(out, i ? "," : "{");
		put_text(out, labels[i].name);
		put_text(out, "=\"");
		put_escaped(out, labels[i].value);
		put_text(out, "\"");
	}
	put_text(out, count ? "} " : " ");
}

/**
 * format_number() - the value of a sample, exact
 * @out: where to
 * @value: it
 */
void format_number(struct out *out, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	put_text(out, text);
}

/**
 * format_seconds() - a moment as the value of a sample
 * @out: where to
 * @ms: since the epoch, in milliseconds
 */
void format_seconds(struct out *out, uint64_t ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%03u\n", ms / 1000,
		 (unsigned int)(ms % 1000));
	put_text(out, text);
}

/**
 * format_end() - what stands after the last sample
 * @out: where to
 * @format: which text
 */
void format_end(struct out *out, enum format format)
{
	if (format == FORMAT_OPENMETRICS)
		put_text(out, "# EOF\n");
}

/**
 * out_free() - give text back
 * @out: it
 */
void out_free(struct out *out)
{
	free(out->bytes);
	*out = (struct out){ 0 };
}

/**
 * format_type() - the Content-Type of a text
 * @format: which
 */
const char *format_type(enum format format)
{
	if (format == FORMAT_OPENMETRICS)
		return TYPE_OPENMETRICS "; version=1.0.0; charset=utf-8";
	return "text/plain; version=0.0.4; charset=utf-8";
}

/* The parameter @name of a media range, NULL if it has none; not unquoted. */
static const char *parameter(const char *range, const char *name, char *value,
			     size_t size)
{
	size_t len = strlen(name);
	const char *at = range;

	while ((at = strchr(at, ';'))) {
		size_t end;

		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, name, len) != 0 || at[len] != '=')
			continue;
		at += len + 1;
		end = strcspn(at, "; \t");
		snprintf(value, size, "%.*s", (int)end, at);
		return value;
	}
	return NULL;
}

static bool range_is(const char *range, const char *type)
{
	return strcspn(range, "; \t") == strlen(type) &&
	       !strncasecmp(range, type, strlen(type));
}

/**
 * format_choose() - which text a reader wants
 * @accept: the value of the Accept header, or NULL
 *
 * Return: OpenMetrics for who asks for it by name, in the version that is
 * written, and prefers nothing else; Prometheus' text for all others.
 */
enum format format_choose(const char *accept)
{
	double best[2] = { 0, 0 };
	char range[256], value[32];

	while (accept && *accept) {
		size_t len = strcspn(accept, ",");
		const char *text;
		double weight = 1;

		snprintf(range, sizeof(range), "%.*s", (int)len, accept);
		accept += len + (accept[len] == ',');
		accept += strspn(accept, " \t");
		text = parameter(range, "q", value, sizeof(value));
		if (text)
			weight = strtod(text, NULL);
		text = parameter(range, "version", value, sizeof(value));
		if (range_is(range, TYPE_OPENMETRICS)) {
			if ((!text || !strcmp(text, "1.0.0")) &&
			    weight > best[FORMAT_OPENMETRICS])
				best[FORMAT_OPENMETRICS] = weight;
		} else if ((range_is(range, "text/plain") ||
			    range_is(range, "text/*") ||
			    range_is(range, "*/*")) &&
			   weight > best[FORMAT_PROMETHEUS]) {
			best[FORMAT_PROMETHEUS] = weight;
		}
	}
	return best[FORMAT_OPENMETRICS] > 0 &&
	       best[FORMAT_OPENMETRICS] >= best[FORMAT_PROMETHEUS] ?
	       FORMAT_OPENMETRICS : FORMAT_PROMETHEUS;
}
