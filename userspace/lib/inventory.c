// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inventory files: devices as CSV (RFC 4180), for sites with thousands.
 *
 * libcsv splits the text. It gives no places, so it is fed a byte at a time:
 * its callback then tells where a field ended, and so where the next begins.
 */
#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "mem.h"
#include "parse.h"
#include "text.h"

enum column {
	COLUMN_NAME,
	COLUMN_MAC,
	COLUMN_ADDRESSES,
	COLUMN_PROFILE,
	COLUMN_GUARD,
	COLUMNS
};

static const struct {
	const char *name;
	bool required;
} columns[COLUMNS] = {
	[COLUMN_NAME] = { "name", true },
	[COLUMN_MAC] = { "mac", false },
	[COLUMN_ADDRESSES] = { "addresses", true },
	[COLUMN_PROFILE] = { "profile", true },
	[COLUMN_GUARD] = { "guard", false },
};

/* A file has at most one field for each column, and one for what is odd. */
#define FIELDS_MAX (COLUMNS + 1)

struct cell {
	char *text;
	unsigned int line;
	unsigned int column;
};

/**
 * struct reader - a file while it is read
 * @parse: where devices go
 * @file: the file
 * @text: its text, without a byte order mark
 * @len: bytes
 * @at: the byte that libcsv looks at
 * @mark: place of the byte at @mark_line and @mark_column
 * @start: first byte behind the latest field's end
 * @cells: the fields of this record, those that fit
 * @ncells: all fields of this record
 * @header: which column each field is, %COLUMNS for an unknown one
 * @nheader: fields of the header, 0: it has not been read
 * @hopeless: the header is wrong: records mean nothing
 */
struct reader {
	struct parse *parse;
	const struct policy_file *file;
	const char *text;
	size_t len;
	size_t at;
	size_t mark;
	unsigned int mark_line;
	unsigned int mark_column;
	size_t start;
	struct cell cells[FIELDS_MAX];
	size_t ncells;
	enum column header[FIELDS_MAX];
	size_t nheader;
	bool hopeless;
};

#define reader_error(reader, line, column, format, ...)			\
	diag_error((reader)->parse->diag, (reader)->file->name, line,	\
		   column, format, ##__VA_ARGS__)

/* Lines end as RFC 4180 has it, or with a newline alone; a carriage return
 * alone is not counted, but libcsv ends a record at it.
 */
static void move_mark(struct reader *reader, size_t to)
{
	for (; reader->mark < to; reader->mark++) {
		unsigned char c = (unsigned char)reader->text[reader->mark];

		if (c == '\n') {
			reader->mark_line++;
			reader->mark_column = 1;
		} else if ((c & 0xc0) != 0x80) {
			reader->mark_column++;
		}
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_newline(char c)
{
	return c == '\r' || c == '\n';
}

/* Called when a field has ended, at the byte @at that ended it. */
static void on_field(void *text, size_t len, void *data)
{
	struct reader *reader = data;
	size_t begin = reader->start;

	/* libcsv drops blanks around a field, and empty lines. */
	while (begin < reader->at &&
	       (is_blank(reader->text[begin]) ||
		(!reader->ncells && is_newline(reader->text[begin]))))
		begin++;
	move_mark(reader, begin);
	if (reader->ncells < FIELDS_MAX)
		reader->cells[reader->ncells] = (struct cell) {
			.text = mem_copy_len(text, len),
			.line = reader->mark_line,
			.column = reader->mark_column,
		};
	reader->ncells++;
	reader->start = reader->at + 1;
}

static enum column find_column(const char *name)
{
	enum column column;

	for (column = 0; column < COLUMNS; column++) {
		if (!strcmp(columns[column].name, name))
			break;
	}
	return column;
}

static void unknown_column(struct reader *reader, const struct cell *cell)
{
	struct suggest suggest = { .word = cell->text };
	char text[SUGGEST_TEXT];

	for (size_t i = 0; i < COLUMNS; i++)
		suggest_offer(&suggest, columns[i].name);
	reader_error(reader, cell->line, cell->column,
		     "unknown column \"%s\"%s", TEXT_CLIP(cell->text),
		     suggest.best ? suggest_text(&suggest, text) :
		     ": known are name, mac, addresses, profile, guard");
}

static void read_header(struct reader *reader)
{
	const struct cell *seen[COLUMNS + 1] = { NULL };
	const struct cell *first = &reader->cells[0];

	reader->nheader = reader->ncells;
	if (reader->ncells == 1 && strpbrk(first->text, ";\t")) {
		reader_error(reader, first->line, first->column,
			     "the first line must name the columns, separated by commas");
		reader->hopeless = true;
		return;
	}
	for (size_t i = 0; i < reader->ncells && i < FIELDS_MAX; i++) {
		const struct cell *cell = &reader->cells[i];
		enum column column = find_column(cell->text);

		reader->header[i] = column;
		if (column == COLUMNS) {
			unknown_column(reader, cell);
			reader->hopeless = true;
		} else if (seen[column]) {
			reader_error(reader, cell->line, cell->column,
				     "column \"%s\" is named twice",
				     columns[column].name);
			reader->hopeless = true;
		}
		seen[column] = cell;
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		if (columns[i].required && !seen[i]) {
			reader_error(reader, first->line, first->column,
				     "column \"%s\" is missing: the first line must name the columns",
				     columns[i].name);
			reader->hopeless = true;
		}
	}
}

/* Split in place: addresses are separated by blanks or semicolons. */
static void take_addresses(const struct cell *cell, struct device_draft *draft)
{
	static const char separators[] = " \t\r\n;";
	char *rest = NULL;

	for (char *word = strtok_r(cell->text, separators, &rest); word;
	     word = strtok_r(NULL, separators, &rest)) {
		draft->addresses = mem_array_room(draft->addresses,
						  draft->naddresses, 1,
						  sizeof(*draft->addresses));
		draft->addresses[draft->naddresses++] = (struct field) {
			.text = word,
			.line = cell->line,
			.column = cell->column,
		};
	}
}

static void take_cell(const struct cell *cell, enum column column,
		      struct device_draft *draft)
{
	struct field field = { cell->text, cell->line, cell->column };

	switch (column) {
	case COLUMN_NAME:
		draft->name = field;
		break;
	case COLUMN_MAC:
		draft->mac = field;
		draft->has_mac = true;
		break;
	case COLUMN_ADDRESSES:
		take_addresses(cell, draft);
		break;
	case COLUMN_PROFILE:
		draft->profile = field;
		break;
	case COLUMN_GUARD:
		draft->guard = field;
		break;
	case COLUMNS:
		break;
	}
}

static void read_record(struct reader *reader)
{
	struct device_draft draft = { .file = reader->file->name };
	const struct cell *first = &reader->cells[0];

	if (reader->ncells != reader->nheader) {
		reader_error(reader, first->line, 0,
			     "has %zu field%s, but the header has %zu",
			     reader->ncells, reader->ncells == 1 ? "" : "s",
			     reader->nheader);
		return;
	}
	draft.name.line = first->line;
	for (size_t i = 0; i < reader->ncells; i++) {
		const struct cell *cell = &reader->cells[i];
		enum column column = reader->header[i];

		if (*cell->text)
			take_cell(cell, column, &draft);
		if (column != COLUMNS && columns[column].required &&
		    (!*cell->text ||
		     (column == COLUMN_ADDRESSES && !draft.naddresses)))
			reader_error(reader, cell->line, cell->column,
				     "column \"%s\" is empty",
				     columns[column].name);
	}
	device_add(reader->parse, &draft);
	free(draft.addresses);
}

/* Called when a record has ended, before the byte @at is done with. */
static void on_record(int end, void *data)
{
	struct reader *reader = data;

	(void)end;
	if (!reader->nheader)
		read_header(reader);
	else if (!reader->hopeless)
		read_record(reader);
	for (size_t i = 0; i < reader->ncells && i < FIELDS_MAX; i++)
		free(reader->cells[i].text);
	reader->ncells = 0;
}

static void read_text(struct reader *reader, struct csv_parser *csv)
{
	for (reader->at = 0; reader->at < reader->len; reader->at++) {
		if (csv_parse(csv, reader->text + reader->at, 1, on_field,
			      on_record, reader) == 1)
			continue;
		move_mark(reader, reader->at);
		reader_error(reader, reader->mark_line, reader->mark_column,
			     csv_error(csv) == CSV_EPARSE ?
			     "a quote inside a field, or text behind its closing quote: put the field in quotes and double those inside; later errors of this file are not shown" :
			     "cannot be parsed: out of memory");
		return;
	}
	if (csv_fini(csv, on_field, on_record, reader)) {
		move_mark(reader, reader->start);
		reader_error(reader, reader->mark_line, reader->mark_column,
			     "the field that begins here has no closing quote");
	} else if (!reader->nheader) {
		reader_error(reader, 0, 0,
			     "is empty: the first line must name the columns");
	}
}

/**
 * inventory_parse() - read devices from a CSV file
 * @parse: where to; profiles have been read
 * @file: the file
 */
void inventory_parse(struct parse *parse, const struct policy_file *file)
{
	struct reader reader = {
		.parse = parse,
		.file = file,
		.text = file->text,
		.len = file->len,
		.mark_line = 1,
		.mark_column = 1,
	};
	struct csv_parser csv;

	if (!file_check_text(file, parse->diag))
		return;
	if (!strncmp(reader.text, "\xef\xbb\xbf", 3)) {
		reader.text += 3;
		reader.len -= 3;
	}
	if (csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL)) {
		diag_error(parse->diag, file->name, 0, 0,
			   "cannot be parsed: out of memory");
		return;
	}
	read_text(&reader, &csv);
	csv_free(&csv);
	for (size_t i = 0; i < reader.ncells && i < FIELDS_MAX; i++)
		free(reader.cells[i].text);
}
