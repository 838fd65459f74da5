/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A persistent hash table for what every packet looks up: see table.c.
 */
#ifndef _LENSCAP_CORE_TABLE_H
#define _LENSCAP_CORE_TABLE_H

#include <lenscap/env.h>

#define LC_BIN_ENTRIES	255

/**
 * struct lc_entry - a place in a table
 * @leaf: what is there, or NULL: free
 * @word: its hash above, a number of the caller's below
 */
struct lc_entry {
	const void *leaf;
	u64 word;
};

/**
 * struct lc_bin - a page of places, shared by the tables of several generations
 * @entries: open-addressed, with linear probing around the end
 * @refs: directories that have it
 * @count: entries in use, never all
 */
struct lc_bin {
	struct lc_entry entries[LC_BIN_ENTRIES];
	struct lc_ref refs;
	u32 count;
};

/**
 * struct lc_bins - the directory of a table
 * @refs: tables that have it
 * @count: how many bins, a power of two
 * @bins: by the upper bits of the hash
 */
struct lc_bins {
	struct lc_ref refs;
	u32 count;
	struct lc_bin *bins[];
};

/**
 * struct lc_table - a table
 * @bins: its directory, or NULL if nothing was ever in it
 * @count: leaves
 */
struct lc_table {
	struct lc_bins *bins;
	u32 count;
};

typedef bool (*lc_table_match)(const void *leaf, const void *key);

void lc_table_share(struct lc_table *to, const struct lc_table *from);
void lc_table_drop(struct lc_table *table);
int lc_table_insert(struct lc_table *table, u32 hash, const void *leaf,
		    u32 beside);
int lc_table_remove(struct lc_table *table, u32 hash, const void *leaf);
u64 lc_table_bytes(const struct lc_table *table);

static inline struct lc_bin *lc_bin_of(const struct lc_bins *bins, u32 hash)
{
	return bins->bins[(u64)hash * bins->count >> 32];
}

/* Where a hash begins to look, by its lower bits; and the place after one. */
static inline u32 lc_bin_home(u32 hash)
{
	return (hash & 0xff) * LC_BIN_ENTRIES >> 8;
}

static inline u32 lc_bin_next(u32 i)
{
	return i + 1 == LC_BIN_ENTRIES ? 0 : i + 1;
}

/**
 * lc_table_find() - find a leaf
 * @table: the table
 * @hash: of @key
 * @match: is a leaf with this hash what is looked for?
 * @key: handed to @match
 * @beside: receives the number beside the leaf, or NULL
 *
 * Context: any; the caller sees to it that the table stays.
 *
 * Return: the leaf or NULL.
 */
static __always_inline const void *
lc_table_find(const struct lc_table *table, u32 hash, lc_table_match match,
	      const void *key, u32 *beside)
{
	const struct lc_bins *bins = table->bins;
	const struct lc_entry *entry;
	const struct lc_bin *bin;
	u32 i = lc_bin_home(hash);

	if (!bins)
		return NULL;
	bin = lc_bin_of(bins, hash);
	for (;; i = lc_bin_next(i)) {
		entry = &bin->entries[i];
		if (!entry->leaf)
			return NULL;
		if (entry->word >> 32 == hash && match(entry->leaf, key))
			break;
	}
	if (beside)
		*beside = (u32)entry->word;
	return entry->leaf;
}

#endif /* _LENSCAP_CORE_TABLE_H */
