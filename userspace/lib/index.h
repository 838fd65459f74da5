/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where was this key seen first? A hash table from bytes to a number.
 */
#ifndef LENSCAP_INDEX_H
#define LENSCAP_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct index_entry;

/* All zero is an empty one. */
struct index {
	struct index_entry *entries;
};

bool index_add(struct index *index, const void *key, size_t len, size_t value,
	       size_t *first);
bool index_find(const struct index *index, const void *key, size_t len,
		size_t *value);
void index_free(struct index *index);

#endif /* LENSCAP_INDEX_H */
