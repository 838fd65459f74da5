// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl top: answers to rows, with what has changed since the round before.
 */
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "top.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct top_row *)a)->name,
		      ((const struct top_row *)b)->name);
}

const struct top_row *top_rows_find(const struct top_rows *rows,
				    const char *name)
{
	const struct top_row wanted = { .name = (char *)name };

	return rows->count ? bsearch(&wanted, rows->rows, rows->count,
				     sizeof(wanted), by_name) : NULL;
}

static void from_device(struct top_row *row, const json_t *device)
{
	row->name = cli_format("%s", field_str(device, "name"));
	row->total[TOP_DROPPED] = field_int(device, "dropped.packets");
	row->total[TOP_WOULD] = field_int(device, "would_drop.packets");
	row->total[TOP_PASSED] = field_int(device, "passed.packets");
	row->seen = field_time(device, "last_seen");
	row->item = device;
}

static void from_drop(struct top_row *row, const json_t *drop)
{
	const json_t *protocol = field(drop, "protocol");
	const char *name = json_string_value(protocol);
	const json_t *port = field(drop, "port");
	const char *to = field_str(drop, "destination");
	char number[24] = "-", service[24] = "";

	if (json_is_integer(protocol))
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(protocol));
	if (json_is_integer(port))
		snprintf(service, sizeof(service), "/%" JSON_INTEGER_FORMAT,
			 json_integer_value(port));
	row->name = cli_format("%s %s%s", *to ? to : "(not IP)",
			       name ?: number, service);
	row->total[json_is_true(field(drop, "audited")) ? TOP_WOULD :
							  TOP_DROPPED] =
		field_int(drop, "packets");
	row->seen = field_time(drop, "last");
	row->devices = 1;
}

/* Neighbours of one name become one. */
static void merge(struct top_rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct top_row *row = &rows->rows[i];
		struct top_row *last = kept ? &rows->rows[kept - 1] : NULL;

		if (!last || strcmp(last->name, row->name) != 0) {
			rows->rows[kept++] = *row;
			continue;
		}
		for (int c = 0; c < TOP_COUNTS; c++)
			last->total[c] += row->total[c];
		if (row->seen > last->seen)
			last->seen = row->seen;
		last->devices += row->devices;
		free(row->name);
	}
	rows->count = kept;
}

static void add_rates(struct top_rows *rows, const struct top_rows *before,
		      double seconds)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct top_row *row = &rows->rows[i];
		const struct top_row *old = top_rows_find(before, row->name);

		for (int c = 0; c < TOP_COUNTS; c++) {
			json_int_t more = row->total[c] -
					  (old ? old->total[c] : 0);

			/* What began anew has counted this much since then. */
			if (more < 0)
				more = row->total[c];
			row->rate[c] = seconds > 0 ? (double)more / seconds : -1;
		}
	}
}

/**
 * top_rows_make() - the rows of a view
 * @rows: result, nothing shown yet
 * @view: which
 * @answers: must live as long as @rows
 * @before: those of an earlier round, or empty
 * @seconds: since then, 0: there was none
 */
void top_rows_make(struct top_rows *rows, enum top_view view,
		   const struct top_answers *answers,
		   const struct top_rows *before, double seconds)
{
	const json_t *list = view == TOP_DEVICES ? answers->devices :
						   answers->drops;
	json_t *item;
	size_t i;

	memset(rows, 0, sizeof(*rows));
	rows->rows = cli_alloc(calloc(json_array_size(list) + 1,
				      sizeof(*rows->rows)));
	json_array_foreach(list, i, item) {
		struct top_row *row = &rows->rows[rows->count++];

		if (view == TOP_DEVICES)
			from_device(row, item);
		else
			from_drop(row, item);
	}
	qsort(rows->rows, rows->count, sizeof(*rows->rows), by_name);
	merge(rows);
	add_rates(rows, before, seconds);
}

void top_rows_free(struct top_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->rows[i].name);
	free(rows->rows);
	free(rows->shown);
	memset(rows, 0, sizeof(*rows));
}

struct order {
	enum top_sort sort;
	bool reverse;
};

static int compare(double a, double b)
{
	return (a < b) - (a > b);
}

static int in_order(const void *left, const void *right, void *arg)
{
	const struct top_row *a = *(struct top_row *const *)left;
	const struct top_row *b = *(struct top_row *const *)right;
	const struct order *order = arg;
	int result = 0;

	switch (order->sort) {
	case TOP_BY_DROPS:
	case TOP_BY_WOULD:
	case TOP_BY_PASSED: {
		int c = order->sort == TOP_BY_DROPS ? TOP_DROPPED :
			order->sort == TOP_BY_WOULD ? TOP_WOULD : TOP_PASSED;

		result = compare(a->rate[c], b->rate[c]);
		if (!result)
			result = compare((double)a->total[c],
					 (double)b->total[c]);
		break;
	}
	case TOP_BY_TOTAL:
		result = compare((double)a->total[TOP_DROPPED],
				 (double)b->total[TOP_DROPPED]);
		break;
	case TOP_BY_SEEN:
		result = compare(a->seen, b->seen);
		break;
	case TOP_BY_NAME:
	case TOP_SORTS:
		break;
	}
	if (!result)
		result = strverscmp(a->name, b->name);
	return order->reverse ? -result : result;
}

/**
 * top_rows_sort() - choose what is shown, in which order
 * @rows: the rows
 * @sort: by what, the greatest first; names from the first
 * @reverse: the other way round
 * @filter: part of what is shown: of the name, or of a device's profile, guard or
 *	addresses; ""
 */
void top_rows_sort(struct top_rows *rows, enum top_sort sort, bool reverse,
		   const char *filter)
{
	struct order order = { sort, reverse };

	free(rows->shown);
	rows->shown = cli_alloc(calloc(rows->count + 1, sizeof(*rows->shown)));
	rows->nshown = 0;
	for (size_t i = 0; i < rows->count; i++) {
		struct top_row *row = &rows->rows[i];
		bool fits = strcasestr(row->name, filter) ||
			    strcasestr(field_str(row->item, "profile"), filter) ||
			    strcasestr(field_str(row->item, "guard"), filter);
		json_t *address;
		size_t j;

		json_array_foreach(field(row->item, "addresses"), j, address)
			fits |= strcasestr(json_string_value(address) ?: "",
					   filter) != NULL;
		if (fits)
			rows->shown[rows->nshown++] = row;
	}
	qsort_r(rows->shown, rows->nshown, sizeof(*rows->shown), in_order,
		&order);
}
