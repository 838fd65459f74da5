// SPDX-License-Identifier: GPL-2.0-only
/*
 * A persistent hash table for what every packet looks up.
 *
 * Problem. Of 50,000 devices, the one that sent a frame is seldom in the cache,
 * and every pointer that must be followed to find it costs what the rest of the
 * hook costs together. A trie (trie.c) has three of them on the way. But like a
 * trie, the next generation must not cost more than what it changes.
 *
 * Structure. A directory (dir.c) of bins, and bins of 252 entries of 16 bytes: a
 * page each. The upper bits of the hash choose the bin, the lower ones a cache
 * line of four places in it; an entry is put into the first place from there on
 * that is free, in its own line or behind it. An entry carries the whole hash and
 * a number of the caller's, so that what does not match is passed over without
 * being read, and what matches need not be read to know its number. Two tables
 * share the bins in which they do not differ. When bins are four fifths full,
 * everything moves to twice as many; that costs what is in the table, and happens
 * as often as its size doubles.
 *
 * Example: the hash 0x8000_4000 in a table of four bins. 0x80004000 * 4 >> 32 is
 * 2, the bin; 0x4000 * 63 >> 16 is 15, the line, which begins at place 60. If 60
 * is taken by another leaf, 61 is looked at, and so on until one is free.
 *
 * Cost. A lookup reads the directory, 2 KB for 50,000 leaves, and mostly one
 * cache line of a bin. Memory is 20 to 40 bytes a leaf. Frames cannot add entries,
 * and the hash is seeded: a sender who picks its addresses can choose which line
 * is looked at, and how far a search that fails goes on behind it, which it can
 * only aim at if it knows the seed.
 */
#include "table.h"

/* A bin must keep a free place, where searches end. */
#define BIN_FULL	248

/* Leaves that may have one hash: devices of one MAC on different guards. They are
 * in one bin whatever the size of the table, and the others of that bin must find
 * a place as well.
 */
#define ALIKE_MAX	128

/* Leaves for each bin, on average, before there are twice as many bins. */
#define BIN_LOAD	204

/* Twice as many bins do not help where too many leaves have one hash. */
#define SPARSE		16

/**
 * lc_bin_search() - find a leaf in a bin, wherever it is
 * @bin: the bin of @hash
 * @hash: of @key
 * @match: is a leaf with this hash what is looked for?
 * @key: handed to @match
 *
 * Context: any. Return: its entry or NULL.
 */
const struct lc_entry *lc_bin_search(const struct lc_bin *bin, u32 hash,
				     lc_table_match match, const void *key)
{
	u32 i;

	for (i = lc_bin_home(hash); bin->entries[i].leaf; i = lc_bin_next(i))
		if (bin->entries[i].word >> 32 == hash &&
		    match(bin->entries[i].leaf, key))
			return &bin->entries[i];
	return NULL;
}

static const struct lc_dir_type bins_type = {
	.bytes = sizeof(struct lc_bin),
	.refs = offsetof(struct lc_bin, refs),
};

/**
 * lc_table_share() - a table with the same leaves
 * @to: the other, uninitialised before
 * @from: the one
 */
void lc_table_share(struct lc_table *to, const struct lc_table *from)
{
	*to = *from;
	if (to->bins)
		lc_ref_get(&to->bins->refs);
}

/**
 * lc_table_drop() - let go of a table
 * @table: the table; empty afterwards
 */
void lc_table_drop(struct lc_table *table)
{
	lc_dir_put(table->bins, &bins_type);
	memset(table, 0, sizeof(*table));
}

/**
 * lc_table_bytes() - memory of a table
 * @table: the table
 *
 * Return: bytes, shared with other tables or not.
 */
u64 lc_table_bytes(const struct lc_table *table)
{
	return lc_dir_bytes(table->bins, &bins_type);
}

static void bin_add(struct lc_bin *bin, const struct lc_entry *entry)
{
	u32 i = lc_bin_home(entry->word >> 32);

	while (bin->entries[i].leaf)
		i = lc_bin_next(i);
	bin->entries[i] = *entry;
	bin->count++;
}

/* All leaves, in @count bins. NULL: no memory, or still too many in one. */
static struct lc_dir *spread(const struct lc_dir *from, u32 count,
			     bool *crowded)
{
	struct lc_dir *bins = lc_dir_create(count);
	u32 i, j;

	*crowded = false;
	for (i = 0; bins && i < count; i++)
		if (!lc_dir_own(&bins, &bins_type, i))
			goto fail;
	for (i = 0; bins && from && i < from->count; i++) {
		const struct lc_bin *full = from->pages[i];

		for (j = 0; j < LC_BIN_ENTRIES; j++) {
			const struct lc_entry *entry = &full->entries[j];
			struct lc_bin *bin;

			if (!entry->leaf)
				continue;
			bin = bins->pages[lc_bin_index(bins, entry->word >> 32)];
			*crowded = bin->count >= BIN_FULL;
			if (*crowded)
				goto fail;
			bin_add(bin, entry);
		}
	}
	return bins;

fail:
	lc_dir_put(bins, &bins_type);
	return NULL;
}

/* Room for one more leaf with this hash. */
static int reserve(struct lc_table *table, u32 hash)
{
	struct lc_dir *bins = table->bins, *more;
	u32 count = bins ? bins->count : 1;
	bool crowded;

	if (bins && table->count < count * BIN_LOAD &&
	    lc_bin_of(bins, hash)->count < BIN_FULL)
		return 0;
	if (bins)
		count *= 2;
	if (bins && (u64)count * LC_BIN_ENTRIES > (u64)SPARSE * 256 +
						  (u64)SPARSE * table->count)
		return -ENOSPC;
	more = spread(bins, count, &crowded);
	if (!more)
		return crowded ? -ENOSPC : -ENOMEM;
	lc_dir_put(bins, &bins_type);
	table->bins = more;
	/* The others of its bin may have gone where it goes. */
	return lc_bin_of(more, hash)->count < BIN_FULL ? 0 :
							 reserve(table, hash);
}

/* The bin of a hash, as one that only this table has. */
static struct lc_bin *own_bin(struct lc_table *table, u32 hash)
{
	return lc_dir_own(&table->bins, &bins_type,
			  lc_bin_index(table->bins, hash));
}

/* How many leaves have this hash? */
static u32 alike(const struct lc_table *table, u32 hash)
{
	const struct lc_bin *bin;
	u32 i = lc_bin_home(hash), count = 0;

	if (!table->bins)
		return 0;
	bin = lc_bin_of(table->bins, hash);
	for (; bin->entries[i].leaf; i = lc_bin_next(i))
		count += bin->entries[i].word >> 32 == hash;
	return count;
}

/**
 * lc_table_insert() - add a leaf
 * @table: the table
 * @hash: of the leaf
 * @leaf: the leaf, which is not in it and must outlive it
 * @beside: number beside it
 *
 * Context: process, may sleep.
 *
 * Return: 0; -ENOSPC if 128 leaves have the same hash; -ENOMEM. On error
 * the table holds what it held.
 */
int lc_table_insert(struct lc_table *table, u32 hash, const void *leaf,
		    u32 beside)
{
	const struct lc_entry entry = {
		.leaf = leaf,
		.word = (u64)hash << 32 | beside,
	};
	struct lc_bin *bin;
	int err;

	if (alike(table, hash) >= ALIKE_MAX)
		return -ENOSPC;
	err = reserve(table, hash);
	if (err)
		return err;
	bin = own_bin(table, hash);
	if (!bin)
		return -ENOMEM;
	bin_add(bin, &entry);
	table->count++;
	return 0;
}

/* How far a place is behind another, around the end. */
static u32 behind(u32 i, u32 home)
{
	return i >= home ? i - home : i + LC_BIN_ENTRIES - home;
}

static u32 place_of(const struct lc_bin *bin, u32 hash, const void *leaf)
{
	u32 i = lc_bin_home(hash);

	while (bin->entries[i].leaf && (bin->entries[i].leaf != leaf ||
					bin->entries[i].word >> 32 != hash))
		i = lc_bin_next(i);
	return i;
}

/* Entries behind a hole move up, unless their search begins behind it. */
static void close_hole(struct lc_bin *bin, u32 hole)
{
	u32 i = hole;

	for (;;) {
		bin->entries[hole] = (struct lc_entry){ 0 };
		do {
			i = lc_bin_next(i);
			if (!bin->entries[i].leaf)
				return;
		} while (behind(i, lc_bin_home(bin->entries[i].word >> 32)) <
			 behind(i, hole));
		bin->entries[hole] = bin->entries[i];
		hole = i;
	}
}

/**
 * lc_table_remove() - take a leaf out
 * @table: the table
 * @hash: of the leaf
 * @leaf: the leaf
 *
 * Context: process, may sleep.
 *
 * Return: 0; -ENOENT if it is not in it; -ENOMEM. On error the table holds what
 * it held.
 */
int lc_table_remove(struct lc_table *table, u32 hash, const void *leaf)
{
	const struct lc_bin *there;
	struct lc_bin *bin;
	u32 i;

	if (!table->bins)
		return -ENOENT;
	there = lc_bin_of(table->bins, hash);
	if (!there->entries[place_of(there, hash, leaf)].leaf)
		return -ENOENT;
	bin = own_bin(table, hash);
	if (!bin)
		return -ENOMEM;
	i = place_of(bin, hash, leaf);
	close_hole(bin, i);
	bin->count--;
	table->count--;
	return 0;
}
