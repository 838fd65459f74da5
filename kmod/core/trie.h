/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A persistent set of leaves by hash: see trie.c.
 */
#ifndef _LENSCAP_TRIE_H
#define _LENSCAP_TRIE_H

#include <lenscap/env.h>

#define LC_TRIE_BITS	4	/* of the hash, for each level */
#define LC_TRIE_SLOTS	(1U << LC_TRIE_BITS)
#define LC_HASH_BITS	32

/**
 * struct lc_node - a node, shared by the tries of several generations
 * @refs: nodes and roots that point to it
 * @count: entries in use
 * @room: entries that there is memory for
 * @map: which of the 16 slots are in use; 0 in a list, below the last level
 * @words: entries in the order of slots. The first word of an entry is a leaf,
 *	or a node with %LC_NODE set; the second, where there is one, is the
 *	leaf's hash above and a number of the caller's below.
 */
struct lc_node {
	struct lc_ref refs;
	u16 count;
	u16 room;
	u64 map;
	uintptr_t words[];
};

#define LC_NODE		((uintptr_t)1)

/**
 * struct lc_trie - a trie
 * @root: node, or NULL if empty
 * @count: leaves
 * @bytes: memory of all nodes, shared ones included
 */
struct lc_trie {
	struct lc_node *root;
	u32 count;
	u64 bytes;
};

/**
 * struct lc_trie_type - what the leaves of a trie are
 * @words: of an entry: 1, or 2 with a number beside each leaf
 * @hash: of a leaf; only where @words is 1
 * @get: take a reference for a node that holds the leaf, or NULL: no owner
 * @put: drop it, or NULL
 */
struct lc_trie_type {
	u32 words;
	u32 (*hash)(const void *leaf);
	void (*get)(const void *leaf);
	void (*put)(const void *leaf);
};

typedef bool (*lc_trie_match)(const void *leaf, const void *key);
typedef int (*lc_trie_visit)(const void *leaf, bool added, void *context);

void lc_trie_share(struct lc_trie *to, const struct lc_trie *from);
void lc_trie_drop(const struct lc_trie_type *type, struct lc_trie *trie);
int lc_trie_insert(const struct lc_trie_type *type, struct lc_trie *trie,
		   u32 hash, const void *leaf, u32 beside);
int lc_trie_remove(const struct lc_trie_type *type, struct lc_trie *trie,
		   u32 hash, const void *leaf);
int lc_trie_replace(const struct lc_trie_type *type, struct lc_trie *trie,
		    u32 hash, const void *leaf, const void *other, u32 beside);
const void *lc_trie_next(const struct lc_trie_type *type,
			 const struct lc_trie *trie, u64 *position);
int lc_trie_diff(const struct lc_trie_type *type, const struct lc_trie *from,
		 const struct lc_trie *to, lc_trie_visit visit, void *context);

static inline bool lc_is_node(uintptr_t word)
{
	return word & LC_NODE;
}

static inline struct lc_node *lc_to_node(uintptr_t word)
{
	return (struct lc_node *)(word & ~LC_NODE);
}

static inline u32 lc_slot_of(u32 hash, u32 shift)
{
	return hash >> shift & (LC_TRIE_SLOTS - 1);
}

/**
 * lc_trie_find() - find a leaf
 * @words: of the trie's type; a constant, so that this folds
 * @trie: the trie
 * @hash: of @key
 * @match: is a leaf what is looked for? Asked only about leaves that agree in
 *	the bits of the hash that were looked at
 * @key: handed to @match
 * @beside: receives the number beside the leaf, or NULL
 *
 * Context: any; the caller sees to it that the trie stays.
 *
 * Return: the leaf or NULL.
 */
static __always_inline const void *
lc_trie_find(u32 words, const struct lc_trie *trie, u32 hash,
	     lc_trie_match match, const void *key, u32 *beside)
{
	const struct lc_node *node = trie->root;
	const uintptr_t *entry;
	u32 shift, i;

	if (!node)
		return NULL;
	for (shift = 0; shift < LC_HASH_BITS; shift += LC_TRIE_BITS) {
		u32 slot = lc_slot_of(hash, shift);

		if (!(node->map >> slot & 1))
			return NULL;
		i = lc_popcount(node->map & ((1ULL << slot) - 1));
		entry = node->words + i * words;
		if (!lc_is_node(*entry)) {
			if (words == 2 && (u32)((u64)entry[1] >> 32) != hash)
				return NULL;
			if (!match((const void *)*entry, key))
				return NULL;
			goto found;
		}
		node = lc_to_node(*entry);
	}
	for (i = 0; i < node->count; i++) {
		entry = node->words + i * words;
		if (match((const void *)*entry, key))
			goto found;
	}
	return NULL;

found:
	if (words == 2 && beside)
		*beside = (u32)entry[1];
	return (const void *)*entry;
}

#endif /* _LENSCAP_TRIE_H */
