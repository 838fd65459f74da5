/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A persistent hash table for what every packet looks up: see table.c.
 */
#ifndef _LENSCAP_CORE_TABLE_H
#define _LENSCAP_CORE_TABLE_H

#include "dir.h"

/* 63 cache lines of four; the rest of the page is the bin's own. */
#define LC_LINE_ENTRIES	4
#define LC_BIN_LINES	63
#define LC_BIN_ENTRIES	(LC_BIN_LINES * LC_LINE_ENTRIES)

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
 * @entries: open-addressed, in cache lines, with linear probing around the end
 * @refs: see dir.c
 * @count: entries in use, never all
 */
struct lc_bin {
	struct lc_entry entries[LC_BIN_ENTRIES];
	struct lc_ref refs;
	u32 count;
};

/**
 * struct lc_table - a table
 * @bins: its directory of bins, a power of two of them, by the upper bits of the
 *	hash; or NULL if nothing was ever in it
 * @count: leaves
 */
struct lc_table {
	struct lc_dir *bins;
	u32 count;
};

typedef bool (*lc_table_match)(const void *leaf, const void *key);

void lc_table_share(struct lc_table *to, const struct lc_table *from);
void lc_table_drop(struct lc_table *table);
int lc_table_insert(struct lc_table *table, u32 hash, const void *leaf,
		    u32 beside);
int lc_table_remove(struct lc_table *table, u32 hash, const void *leaf);
u64 lc_table_bytes(const struct lc_table *table);

static inline u32 lc_bin_index(const struct lc_dir *bins, u32 hash)
{
	return (u64)hash * bins->count >> 32;
}

static inline const struct lc_bin *lc_bin_of(const struct lc_dir *bins, u32 hash)
{
	return bins->pages[lc_bin_index(bins, hash)];
}

/* Where a hash begins to look, by its lower bits: a line; and the place after
 * one.
 */
static inline u32 lc_bin_home(u32 hash)
{
	return ((hash & 0xffff) * LC_BIN_LINES >> 16) * LC_LINE_ENTRIES;
}

static inline u32 lc_bin_next(u32 i)
{
	return i + 1 == LC_BIN_ENTRIES ? 0 : i + 1;
}

const struct lc_entry *lc_bin_search(const struct lc_bin *bin, u32 hash,
				     lc_table_match match, const void *key);

/**
 * lc_line_likely() - the entry of a line that is likely to be the one
 * @line: %LC_LINE_ENTRIES entries
 * @hash: the hash that is looked for
 *
 * Which of its places it is in is not asked by a branch: that would have to wait
 * for the line to come from memory, and be mispredicted as often as not, so that
 * nothing behind it could begin meanwhile. Left to itself the compiler makes
 * branches of conditional expressions; hence the sum. Where several have the
 * hash, it points anywhere in the line.
 *
 * Context: any. Return: an entry of the line; whether it is the one must be asked.
 */
static __always_inline const struct lc_entry *
lc_line_likely(const struct lc_entry *line, u32 hash)
{
	u32 at = (u32)(line[1].word >> 32 == hash) +
		 (u32)(line[2].word >> 32 == hash) * 2 +
		 (u32)(line[3].word >> 32 == hash) * 3;

	return &line[at % LC_LINE_ENTRIES];
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
static inline const void *
lc_table_find(const struct lc_table *table, u32 hash, lc_table_match match,
	      const void *key, u32 *beside)
{
	const struct lc_entry *entry;

	if (!table->bins)
		return NULL;
	entry = lc_bin_search(lc_bin_of(table->bins, hash), hash, match, key);
	if (!entry)
		return NULL;
	if (beside)
		*beside = (u32)entry->word;
	return entry->leaf;
}

#endif /* _LENSCAP_CORE_TABLE_H */
