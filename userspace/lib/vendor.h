/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * To whom the IEEE gave a MAC address.
 */
#ifndef LENSCAP_VENDOR_H
#define LENSCAP_VENDOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

#define HINT_DATE	11	/* "2026-11-26" and the NUL */

/**
 * struct vendor - one assignment
 * @key: bits of the prefix, then the prefix: what the table is sorted by
 * @name: its place in the pool of names
 * @source: number of its file
 */
struct vendor {
	uint64_t key;
	uint32_t name;
	uint32_t source;
};

/* The day that a file of assignments is of. */
struct vendor_date {
	char text[HINT_DATE];
};

/**
 * struct vendors - all assignments; all zeroes is none
 * @items: sorted by vendors_sort()
 * @count: how many
 * @names: pool, each ending in NUL
 * @used: bytes of it
 * @dates: of each file, in the order in which they were read
 * @ndates: how many
 */
struct vendors {
	struct vendor *items;
	size_t count;
	char *names;
	size_t used;
	struct vendor_date *dates;
	size_t ndates;
};

bool vendors_read(struct vendors *vendors, const char *path, bool named,
		  struct diag *diag);
void vendors_sort(struct vendors *vendors);
const char *vendors_find(const struct vendors *vendors, const uint8_t mac[6],
			 const char **date);
void vendors_free(struct vendors *vendors);

#endif /* LENSCAP_VENDOR_H */
