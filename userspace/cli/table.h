/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Columns on a terminal.
 */
#ifndef LENSCAP_CLI_TABLE_H
#define LENSCAP_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS	12

enum style {
	STYLE_PLAIN,
	STYLE_TITLE,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_DIM,
};

struct table_column {
	const char *title;	/* NULL in every column: no header */
	bool right;		/* numbers */
	unsigned int width;	/* at least, in terminal cells */
};

struct table_cell {
	char *text;
	unsigned int width;
	enum style style;
};

/**
 * struct table - rows that are laid out together
 * @columns: the columns, terminated by one of all zeroes but for tables
 *	without titles
 * @count: number of columns
 * @width: width of each, grows with what is added
 * @cells: row by row
 * @used: number of cells
 * @size: cells allocated
 * @indent: blanks before each row
 * @color: use colours
 * @started: the header is out
 */
struct table {
	const struct table_column *columns;
	size_t count;
	unsigned int width[TABLE_COLUMNS];
	struct table_cell *cells;
	size_t used;
	size_t size;
	unsigned int indent;
	bool color;
	bool started;
};

void table_init(struct table *table, const struct table_column *columns,
		size_t count, bool color);

/**
 * table_cell() - add the next cell of the row
 * @table: the table
 * @style: how it is shown
 * @format: its text; characters that a terminal would obey become '?'
 */
void table_cell(struct table *table, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints the rows and forgets them; widths and header are remembered. */
void table_flush(struct table *table);
void table_free(struct table *table);

/* Prints text in a style, and nothing else. */
void style_put(bool color, enum style style, const char *text);

#endif /* LENSCAP_CLI_TABLE_H */
