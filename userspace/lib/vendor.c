// SPDX-License-Identifier: GPL-2.0-only
/*
 * To whom the IEEE gave a MAC address.
 *
 * The registry's lists, as CSV: the columns "Assignment", 6, 7 or 9
 * hexadecimal digits, and "Organization Name". Where a large block was divided
 * the longest prefix counts. The lists have no date of their own: it is that of
 * the file, which Debian's package keeps.
 */
#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "file.h"
#include "mem.h"
#include "vendor.h"

/* Longer names are cut. */
#define NAME_MAX_BYTES	80

/* Whose blocks are divided further: not a maker. */
#define REGISTRY "IEEE Registration Authority"

/* Bits of an assignment, the longest first. */
static const unsigned int lengths[] = { 36, 28, 24 };

#define MAC_BITS 48

enum column {
	COLUMN_ASSIGNMENT,
	COLUMN_NAME,
	COLUMNS,
};

struct reader {
	struct vendors *vendors;
	size_t place[COLUMNS];	/* from 1; 0: not seen */
	char text[COLUMNS][NAME_MAX_BYTES + 1];
	size_t field;		/* from 1 */
	bool headed;
	size_t bad;
};

static void on_field(void *data, size_t len, void *arg)
{
	static const char *const names[COLUMNS] = {
		[COLUMN_ASSIGNMENT] = "Assignment",
		[COLUMN_NAME] = "Organization Name",
	};
	struct reader *reader = arg;

	reader->field++;
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!reader->headed && len == strlen(names[i]) &&
		    !memcmp(data, names[i], len))
			reader->place[i] = reader->field;
		if (reader->headed && reader->place[i] == reader->field) {
			size_t keep = len < NAME_MAX_BYTES ? len :
							     NAME_MAX_BYTES;

			/* Not in the middle of a character. */
			while (keep < len && keep &&
			       (((char *)data)[keep] & 0xc0) == 0x80)
				keep--;
			memcpy(reader->text[i], data, keep);
			reader->text[i][keep] = '\0';
		}
	}
}

static bool make_key(const char *text, uint64_t *key)
{
	size_t digits = strlen(text);
	uint64_t prefix;

	if ((digits != 6 && digits != 7 && digits != 9) ||
	    strspn(text, "0123456789abcdefABCDEF") != digits)
		return false;
	prefix = strtoull(text, NULL, 16) << (MAC_BITS - 4 * digits);
	*key = (uint64_t)(4 * digits) << MAC_BITS | prefix;
	return true;
}

static void add(struct vendors *vendors, uint64_t key, const char *name)
{
	size_t len = strlen(name) + 1;

	vendors->items = mem_array_room(vendors->items, vendors->count, 1,
					sizeof(*vendors->items));
	vendors->names = mem_array_room(vendors->names, vendors->used, len, 1);
	vendors->items[vendors->count++] = (struct vendor) {
		.key = key,
		.name = (uint32_t)vendors->used,
		.source = (uint32_t)vendors->ndates,
	};
	memcpy(vendors->names + vendors->used, name, len);
	vendors->used += len;
}

static void on_record(int end, void *arg)
{
	struct reader *reader = arg;
	uint64_t key;

	(void)end;
	if (!reader->headed)
		reader->headed = true;
	else if (!make_key(reader->text[COLUMN_ASSIGNMENT], &key))
		reader->bad++;
	else if (*reader->text[COLUMN_NAME] &&
		 strcmp(reader->text[COLUMN_NAME], REGISTRY) != 0)
		add(reader->vendors, key, reader->text[COLUMN_NAME]);
	reader->field = 0;
	memset(reader->text, 0, sizeof(reader->text));
}

static bool parse(struct vendors *vendors, const struct policy_file *file,
		  struct diag *diag)
{
	struct reader reader = { .vendors = vendors };
	struct csv_parser csv;
	size_t before = vendors->count;

	if (csv_init(&csv, CSV_APPEND_NULL)) {
		diag_warning(diag, file->name, 0, 0,
			     "cannot be parsed: out of memory");
		return false;
	}
	(void)csv_parse(&csv, file->text, file->len, on_field, on_record,
			&reader);
	(void)csv_fini(&csv, on_field, on_record, &reader);
	csv_free(&csv);
	if (vendors->count == before) {
		diag_warning(diag, file->name, 0, 0,
			     "holds no assignment of MAC addresses: a list of the IEEE in CSV is needed, such as oui.csv of Debian's ieee-data; hints do without it");
		return false;
	}
	if (reader.bad)
		diag_warning(diag, file->name, 0, 0,
			     "%zu line(s) hold no assignment and were passed over",
			     reader.bad);
	return true;
}

/**
 * vendors_read() - add a list of the IEEE
 * @vendors: to this
 * @path: the list
 * @named: somebody named it; else it is no wonder if it is not there
 * @diag: receives a warning about what cannot be used
 *
 * Return: whether there was something in it.
 */
bool vendors_read(struct vendors *vendors, const char *path, bool named,
		  struct diag *diag)
{
	struct diag why = { 0 };
	struct policy_file file;
	struct stat stat_;
	struct tm tm;
	bool done;

	if (!named && stat(path, &stat_))
		return false;
	if (file_read_settled(path, &file, &why)) {
		diag_warning(diag, path, 0, 0, "%s: hints do without it",
			     why.count ? why.items[0].message :
					 "cannot be read");
		diag_free(&why);
		return false;
	}
	diag_free(&why);
	done = parse(vendors, &file, diag);
	file_free(&file);
	if (!done)
		return false;
	vendors->dates = mem_array_room(vendors->dates, vendors->ndates, 1,
					sizeof(*vendors->dates));
	if (stat(path, &stat_) || !gmtime_r(&stat_.st_mtime, &tm) ||
	    !strftime(vendors->dates[vendors->ndates].text, HINT_DATE,
		      "%Y-%m-%d", &tm))
		vendors->dates[vendors->ndates].text[0] = '\0';
	vendors->ndates++;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct vendor *left = a, *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	/* What was read first stays first. */
	return left->name < right->name ? -1 : left->name > right->name;
}

/**
 * vendors_sort() - to be called after the last vendors_read()
 * @vendors: the assignments
 */
void vendors_sort(struct vendors *vendors)
{
	if (vendors->count)
		qsort(vendors->items, vendors->count, sizeof(*vendors->items),
		      compare);
}

/* The first that is not below @key. */
static const struct vendor *lower(const struct vendors *vendors, uint64_t key)
{
	size_t low = 0, high = vendors->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (vendors->items[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < vendors->count ? &vendors->items[low] : NULL;
}

/**
 * vendors_find() - whose is this MAC address?
 * @vendors: the assignments
 * @mac: the address
 * @date: result: the day that the answer is of
 *
 * Return: the name, which lives as long as @vendors; NULL: not known.
 */
const char *vendors_find(const struct vendors *vendors, const uint8_t mac[6],
			 const char **date)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 6; i++)
		number = number << 8 | mac[i];
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		unsigned int rest = MAC_BITS - lengths[i];
		uint64_t key = (uint64_t)lengths[i] << MAC_BITS |
			       number >> rest << rest;
		const struct vendor *vendor = lower(vendors, key);

		if (!vendor || vendor->key != key)
			continue;
		*date = vendors->dates[vendor->source].text;
		return vendors->names + vendor->name;
	}
	return NULL;
}

void vendors_free(struct vendors *vendors)
{
	free(vendors->items);
	free(vendors->names);
	free(vendors->dates);
	memset(vendors, 0, sizeof(*vendors));
}
