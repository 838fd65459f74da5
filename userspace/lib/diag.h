/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors and warnings with a place, collected so that all are shown at once.
 */
#ifndef LENSCAP_DIAG_H
#define LENSCAP_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct diag_item {
	bool warning;
	char *file;		/* NULL: no place */
	unsigned int line;	/* from 1; 0: the file as a whole */
	unsigned int column;	/* from 1, in characters; 0: the line */
	char *message;
};

/* At most DIAG_MAX items are kept; @more counts the rest. */
#define DIAG_MAX 1000

struct diag {
	struct diag_item *items;
	size_t count;
	size_t errors;
	size_t more;
};

void diag_error(struct diag *diag, const char *file, unsigned int line,
		unsigned int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void diag_warning(struct diag *diag, const char *file, unsigned int line,
		  unsigned int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Into the order of places; the readers of files have done so already. */
void diag_sort(struct diag *diag);
/* "file:line:column: message" a line each, in the order of places. */
void diag_print(struct diag *diag, FILE *out);
void diag_free(struct diag *diag);

#endif /* LENSCAP_DIAG_H */
