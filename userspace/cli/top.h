/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lenscapctl top: what its parts share. top_feed.c asks the daemon, top_rows.c
 * makes rows of answers, top_text.c lines of rows, top.c shows them.
 */
#ifndef LENSCAP_CLI_TOP_H
#define LENSCAP_CLI_TOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

#define TOP_NAME	64	/* a device's name, with its end */
#define TOP_LINE	256	/* bytes of a line of a screen */

/**
 * struct top_answers - what the daemon said in one round; NULL: nothing
 * @when: seconds of the monotonic clock
 * @error: why it did not answer, or empty
 * @status: as docs/control.md has it, like the others
 * @devices: the list
 * @drops: the list
 * @profile: of the device that is looked at, with hits
 */
struct top_answers {
	double when;
	char error[160];
	json_t *status;
	json_t *devices;
	json_t *drops;
	json_t *profile;
};

/* top_feed.c: a thread that asks, so that a daemon that is silent keeps nobody
 * from his keyboard.
 */
int top_feed_start(const struct cli *cli);
/* Readable when a round is over. */
int top_feed_fd(void);
/* Also ask for the profile of this device, "": of none. */
void top_feed_look(const char *device);
/* What came last, to be freed with top_answers_free(); NULL: nothing new. */
struct top_answers *top_feed_take(void);
void top_answers_free(struct top_answers *answers);

enum top_view {
	TOP_DEVICES,
	TOP_DESTINATIONS,
	TOP_VIEWS,
};

enum top_sort {
	TOP_BY_DROPS,		/* a second */
	TOP_BY_WOULD,
	TOP_BY_PASSED,
	TOP_BY_TOTAL,		/* dropped, ever */
	TOP_BY_SEEN,
	TOP_BY_NAME,
	TOP_SORTS,
};

enum top_count {
	TOP_DROPPED,
	TOP_WOULD,
	TOP_PASSED,
	TOP_COUNTS,
};

/**
 * struct top_row - a device, or a destination that was denied
 * @name: its name; of a destination address, protocol and port
 * @total: packets
 * @rate: packets a second, since the round before; negative: not known yet
 * @seen: when a frame came last, seconds since the epoch, negative: never
 * @devices: of a destination: how many drop records
 * @item: of a device: the answer's object, which the answers own
 */
struct top_row {
	char *name;
	json_int_t total[TOP_COUNTS];
	double rate[TOP_COUNTS];
	double seen;
	unsigned int devices;
	const json_t *item;
};

/**
 * struct top_rows - the rows of a view
 * @rows: all, in the order of @name
 * @count: how many
 * @shown: those that the filter lets through, sorted
 * @nshown: how many
 */
struct top_rows {
	struct top_row *rows;
	size_t count;
	struct top_row **shown;
	size_t nshown;
};

void top_rows_make(struct top_rows *rows, enum top_view view,
		   const struct top_answers *answers,
		   const struct top_rows *before, double seconds);
void top_rows_sort(struct top_rows *rows, enum top_sort sort, bool reverse,
		   const char *filter);
void top_rows_free(struct top_rows *rows);
const struct top_row *top_rows_find(const struct top_rows *rows,
				    const char *name);

/**
 * struct top_page - lines of text that are scrolled
 * @lines: each to be freed
 * @count: how many
 */
struct top_page {
	char **lines;
	size_t count;
};

const char *top_sort_name(enum top_sort sort);
void top_title(enum top_view view, char *line);
void top_row_text(enum top_view view, const struct top_row *row, char *line);
void top_summary(const struct top_answers *answers, char *line);
void top_page_device(struct top_page *page, const struct top_row *row,
		     const struct top_answers *answers);
void top_page_help(struct top_page *page);
void top_page_free(struct top_page *page);
/* Bytes that a terminal would obey, or may not know, become '?'. */
void top_clean(char *text);

#endif /* LENSCAP_CLI_TOP_H */
