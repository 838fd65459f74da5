// SPDX-License-Identifier: GPL-2.0-only
/*
 * Columns on a terminal: aligned by the width of characters, not of bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli.h"
#include "table.h"

static const char *const style_codes[] = {
	[STYLE_PLAIN] = "",
	[STYLE_TITLE] = "\033[1m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
	[STYLE_DIM] = "\033[2m",
};

void style_put(bool color, enum style style, const char *text)
{
	bool on = color && style != STYLE_PLAIN;

	if (on)
		fputs(style_codes[style], stdout);
	cli_put_clean(stdout, text);
	if (on)
		fputs("\033[0m", stdout);
}

/* Cells that the text takes; what is not printable is shown as one '?'. */
static unsigned int text_width(const char *text)
{
	size_t len = strlen(text);
	mbstate_t state = { 0 };
	unsigned int width = 0;

	while (len) {
		wchar_t wide;
		size_t used = mbrtowc(&wide, text, len, &state);
		int cells = 1;

		if (used == (size_t)-1 || used == (size_t)-2) {
			state = (mbstate_t){ 0 };
			used = 1;
		} else {
			cells = wcwidth(wide);
		}
		width += cells < 0 ? 1 : (unsigned int)cells;
		text += used;
		len -= used;
	}
	return width;
}

void table_init(struct table *table, const struct table_column *columns,
		size_t count, bool color)
{
	*table = (struct table){
		.columns = columns, .count = count, .color = color,
	};
	for (size_t i = 0; i < count; i++) {
		unsigned int title = 0;

		if (columns[i].title)
			title = text_width(columns[i].title);
		table->width[i] = columns[i].width > title ? columns[i].width :
							     title;
	}
}

void table_cell(struct table *table, enum style style, const char *format, ...)
{
	size_t column = table->used % table->count;
	struct table_cell *cell;
	va_list args;
	char *text;

	va_start(args, format);
	text = cli_vformat(format, args);
	va_end(args);
	/* A row is a line. */
	for (char *c = text; (c = strchr(c, '\n'));)
		*c = ' ';

	if (table->used == table->size) {
		table->size = table->size ? table->size * 2 : 64;
		table->cells = cli_alloc(reallocarray(table->cells, table->size,
						      sizeof(*table->cells)));
	}
	cell = &table->cells[table->used++];
	*cell = (struct table_cell){
		.text = text, .width = text_width(text), .style = style,
	};
	if (cell->width > table->width[column])
		table->width[column] = cell->width;
}

static void put_row(const struct table *table, const struct table_cell *cells)
{
	/* Blanks are owed until something follows: no line ends in them. */
	unsigned int owed = table->indent;

	for (size_t i = 0; i < table->count; i++) {
		unsigned int pad = table->width[i] - cells[i].width;

		if (table->columns[i].right)
			owed += pad;
		if (cells[i].width) {
			printf("%*s", (int)owed, "");
			owed = 0;
			style_put(table->color, cells[i].style, cells[i].text);
		}
		if (!table->columns[i].right)
			owed += pad;
		owed += 2;
	}
	putchar('\n');
}

static void put_header(const struct table *table)
{
	struct table_cell cells[TABLE_COLUMNS] = { 0 };
	bool any = false;

	for (size_t i = 0; i < table->count; i++) {
		const char *title = table->columns[i].title;

		cells[i].style = STYLE_TITLE;
		if (!title)
			continue;
		cells[i].text = (char *)title;
		cells[i].width = text_width(title);
		any = true;
	}
	if (any)
		put_row(table, cells);
}

static void forget_rows(struct table *table)
{
	for (size_t i = 0; i < table->used; i++)
		free(table->cells[i].text);
	table->used = 0;
}

void table_flush(struct table *table)
{
	if (!table->started)
		put_header(table);
	table->started = true;
	for (size_t i = 0; i + table->count <= table->used; i += table->count)
		put_row(table, table->cells + i);
	forget_rows(table);
}

void table_free(struct table *table)
{
	forget_rows(table);
	free(table->cells);
	*table = (struct table){ 0 };
}
