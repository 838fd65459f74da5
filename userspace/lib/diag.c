// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors and warnings with a place.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "mem.h"

/* Warnings leave room: what is refused must say why. */
#define WARNINGS_MAX (DIAG_MAX / 2)

/* What came from a file may hold terminal escapes. They are shown, not obeyed:
 * C0, DEL and, in UTF-8, C1.
 */
static char *printable(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *out = mem_alloc(4 * strlen(text) + 1);
	char *to = out;

	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if (*s < 0x20 || *s == 0x7f ||
		    (*s == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)) {
			if (*s == 0xc2)
				s++;
			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[*s >> 4];
			*to++ = digits[*s & 15];
		} else {
			*to++ = (char)*s;
		}
	}
	return out;
}

/* While there is room, every error so far was kept. */
static bool full(const struct diag *diag, bool warning)
{
	return diag->count >= DIAG_MAX ||
	       (warning && diag->count - diag->errors >= WARNINGS_MAX);
}

static void add(struct diag *diag, bool warning, const char *file,
		unsigned int line, unsigned int column, const char *format,
		va_list args)
	__attribute__((format(printf, 6, 0)));

static void add(struct diag *diag, bool warning, const char *file,
		unsigned int line, unsigned int column, const char *format,
		va_list args)
{
	struct diag_item *item;
	char *message = NULL;
	bool no_room = full(diag, warning);

	if (!warning)
		diag->errors++;
	if (no_room) {
		diag->more++;
		return;
	}
	if (vasprintf(&message, format, args) < 0)
		abort();
	diag->items = mem_array_room(diag->items, diag->count, 1,
				     sizeof(*diag->items));
	item = &diag->items[diag->count++];
	*item = (struct diag_item) {
		.warning = warning,
		.file = file ? printable(file) : NULL,
		.line = line,
		.column = column,
		.message = printable(message),
	};
	free(message);
}

/**
 * diag_error() - note an error
 * @diag: where
 * @file: name of the file, NULL if there is no place
 * @line: from 1; 0: the file as a whole
 * @column: from 1, in characters; 0: the line
 * @format: as of printf(), without a newline
 */
void diag_error(struct diag *diag, const char *file, unsigned int line,
		unsigned int column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(diag, false, file, line, column, format, args);
	va_end(args);
}

/**
 * diag_warning() - note a warning
 * @diag: where
 * @file: as of diag_error()
 * @line: as of diag_error()
 * @column: as of diag_error()
 * @format: as of diag_error()
 */
void diag_warning(struct diag *diag, const char *file, unsigned int line,
		  unsigned int column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(diag, true, file, line, column, format, args);
	va_end(args);
}

struct place {
	struct diag_item item;
	size_t file;	/* position of the first item of the same file */
	size_t at;	/* its own position: equal places keep their order */
};

static int compare(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->item.line != b->item.line)
		return a->item.line < b->item.line ? -1 : 1;
	if (a->item.column != b->item.column)
		return a->item.column < b->item.column ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static bool same_file(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/**
 * diag_sort() - bring the items into the order of places
 * @diag: items; files stay in the order in which they first appeared
 */
void diag_sort(struct diag *diag)
{
	struct place *places = mem_alloc(diag->count * sizeof(*places));

	for (size_t i = 0; i < diag->count; i++) {
		size_t file = i ? places[i - 1].file : 0;

		/* Mostly the same file as the item before. */
		if (!same_file(diag->items[file].file, diag->items[i].file)) {
			for (file = 0; file < i; file++) {
				if (same_file(diag->items[file].file,
					      diag->items[i].file))
					break;
			}
		}
		places[i] = (struct place) { diag->items[i], file, i };
	}
	qsort(places, diag->count, sizeof(*places), compare);
	for (size_t i = 0; i < diag->count; i++)
		diag->items[i] = places[i].item;
	free(places);
}

/**
 * diag_print() - write all items, a line each, in the order of places
 * @diag: they
 * @out: where
 */
void diag_print(struct diag *diag, FILE *out)
{
	diag_sort(diag);
	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_item *item = &diag->items[i];

		if (item->file && item->line && item->column)
			(void)fprintf(out, "%s:%u:%u: ", item->file, item->line,
				      item->column);
		else if (item->file && item->line)
			(void)fprintf(out, "%s:%u: ", item->file, item->line);
		else if (item->file)
			(void)fprintf(out, "%s: ", item->file);
		(void)fprintf(out, "%s%s\n", item->warning ? "warning: " : "",
			      item->message);
	}
	if (diag->more)
		(void)fprintf(out, "%zu more not shown\n", diag->more);
}

/**
 * diag_free() - forget all items
 * @diag: empty afterwards, and ready for use
 */
void diag_free(struct diag *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		free(diag->items[i].file);
		free(diag->items[i].message);
	}
	free(diag->items);
	memset(diag, 0, sizeof(*diag));
}
