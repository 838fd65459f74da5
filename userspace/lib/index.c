// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where was this key seen first? uthash, kept to one file.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(text) index_fatal(text)
static void index_fatal(const char *text) __attribute__((noreturn));
#include <uthash.h>

#include "index.h"
#include "mem.h"

struct index_entry {
	UT_hash_handle hh;
	size_t value;
	unsigned char key[];
};

static void index_fatal(const char *text)
{
	(void)fprintf(stderr, "lenscap: %s\n", text);
	abort();
}

/**
 * index_add() - enter a key, unless it is there
 * @index: the table
 * @key: bytes
 * @len: how many
 * @value: number to keep with it
 * @first: receives the number of the earlier entry; may be NULL
 *
 * Return: true if it was new; false: the earlier entry stays as it is.
 */
bool index_add(struct index *index, const void *key, size_t len, size_t value,
	       size_t *first)
{
	struct index_entry *entry;
	unsigned int hash;

	HASH_VALUE(key, len, hash);
	HASH_FIND_BYHASHVALUE(hh, index->entries, key, len, hash, entry);
	if (entry) {
		if (first)
			*first = entry->value;
		return false;
	}
	entry = mem_alloc(sizeof(*entry) + len);
	memcpy(entry->key, key, len);
	entry->value = value;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, index->entries, entry->key, len, hash,
				    entry);
	return true;
}

/**
 * index_find() - look a key up
 * @index: the table
 * @key: bytes
 * @len: how many
 * @value: receives its number; may be NULL
 *
 * Return: true if it is there.
 */
bool index_find(const struct index *index, const void *key, size_t len,
		size_t *value)
{
	struct index_entry *entry;

	HASH_FIND(hh, index->entries, key, len, entry);
	if (entry && value)
		*value = entry->value;
	return entry;
}

/**
 * index_free() - empty the table
 * @index: the table
 */
void index_free(struct index *index)
{
	struct index_entry *entry, *next;

	/* The table goes first; its entries stay linked to each other. */
	entry = index->entries;
	HASH_CLEAR(hh, index->entries);
	for (; entry; entry = next) {
		next = entry->hh.next;
		free(entry);
	}
}
