// SPDX-License-Identifier: GPL-2.0-only
/*
 * A persistent set of leaves by hash.
 *
 * Problem. A policy that is live is immutable, and the next one usually differs
 * in a device or two out of 50,000. Finding what has a name, and staging the
 * next policy, must cost what has changed, not what there is. For packets there
 * is table.c.
 *
 * Structure. A hash array mapped trie (Bagwell, "Ideal Hash Trees", 2001): each
 * level looks at four bits of the hash, a node has an entry for each slot in
 * use, packed, and a bitmap says which slots these are. An entry is a leaf if
 * it is alone in its slot, otherwise a node of the next level. Below the last
 * level, where whole hashes are equal, a node is a plain list.
 *
 * Two tries share the nodes in which they do not differ: each node counts who
 * points to it. To change a trie, the nodes on the way to the leaf are copied
 * and everything beside the way is shared. A node that only this trie can reach
 * (one reference to it, and to every node above it) is changed in place, so
 * that filling an empty trie copies nothing. That is safe because such a node
 * was never published, or its last other user has dropped it after a grace
 * period.
 *
 * Example: leaves with the hashes 0x01, 0x11, 0x02 (four bits: slots 1, 1, 2; the
 * next four: slots 0, 1, 0). The root has two entries: slot 1 is a node with
 * the first two leaves at its slots 0 and 1, slot 2 is the third leaf. Removing
 * the second leaves a node with one leaf, which is pulled up into the root.
 *
 * Cost. 50,000 leaves make four levels: 273 nodes that stay in the cache, and 4,096
 * nodes of twelve entries, of which a lookup reads the bitmap and one entry.
 * Insertion and removal copy at most one node a level, 60 entries in all, each of
 * which is counted; levels of six bits would have the same lowest nodes, and more
 * than twice as many entries above them.
 */
#include "trie.h"

/* Leaves of one hash; far below what lc_node.count can hold. */
#define LIST_MAX	255

/* One level for each four bits, and the list. */
#define LEVELS	(DIV_ROUND_UP(LC_HASH_BITS, LC_TRIE_BITS) + 1)

static size_t node_bytes(const struct lc_trie_type *type, u32 room)
{
	return sizeof(struct lc_node) +
	       (size_t)room * type->words * sizeof(uintptr_t);
}

/* Sizes that allocators have: powers of two and three quarters of them. What
 * they would waste is room for more entries.
 */
static u32 room_for(const struct lc_trie_type *type, u32 count)
{
	size_t need = node_bytes(type, count), size = 32;

	while (size < need)
		size *= 2;
	if (size > 64 && size <= 256 && size / 4 * 3 >= need)
		size = size / 4 * 3;
	return (size - sizeof(struct lc_node)) /
	       (type->words * sizeof(uintptr_t));
}

static struct lc_node *node_create(const struct lc_trie_type *type,
				   struct lc_trie *trie, u32 count)
{
	/* All slots are in use: there will not be more, but in a list. */
	u32 room = count == LC_TRIE_SLOTS ? count : room_for(type, count);
	struct lc_node *node = lc_alloc(node_bytes(type, room));

	if (!node)
		return NULL;
	lc_ref_init(&node->refs);
	node->room = room;
	trie->bytes += node_bytes(type, room);
	return node;
}

static uintptr_t *entry_at(const struct lc_trie_type *type,
			   const struct lc_node *node, u32 i)
{
	return (uintptr_t *)node->words + i * type->words;
}

static u32 entry_hash(const struct lc_trie_type *type, const uintptr_t *entry)
{
	if (type->words == 2)
		return (u64)entry[1] >> 32;
	return type->hash((const void *)*entry);
}

static void word_get(const struct lc_trie_type *type, uintptr_t word)
{
	if (lc_is_node(word))
		lc_ref_get(&lc_to_node(word)->refs);
	else if (type->get)
		type->get((const void *)word);
}

/* At most LEVELS deep. */
static void word_put(const struct lc_trie_type *type, uintptr_t word)
{
	struct lc_node *node = lc_to_node(word);
	u32 i;

	if (!lc_is_node(word)) {
		if (type->put)
			type->put((const void *)word);
		return;
	}
	if (!lc_ref_put(&node->refs))
		return;
	for (i = 0; i < node->count; i++)
		word_put(type, *entry_at(type, node, i));
	lc_free(node);
}

/**
 * lc_trie_share() - a trie with the same leaves
 * @to: the other, uninitialised before
 * @from: the one
 *
 * Costs the same whatever is in it.
 */
void lc_trie_share(struct lc_trie *to, const struct lc_trie *from)
{
	*to = *from;
	if (to->root)
		lc_ref_get(&to->root->refs);
}

/**
 * lc_trie_drop() - let go of a trie
 * @type: its type
 * @trie: the trie; empty afterwards
 *
 * Nodes that no other trie has are freed.
 */
void lc_trie_drop(const struct lc_trie_type *type, struct lc_trie *trie)
{
	if (trie->root)
		word_put(type, (uintptr_t)trie->root | LC_NODE);
	memset(trie, 0, sizeof(*trie));
}

/* A copy of @node with @grow more places, or with that of entry @without left
 * out; it takes over the reference that the caller had to @node.
 */
static struct lc_node *node_copy(const struct lc_trie_type *type,
				 struct lc_trie *trie, struct lc_node *node,
				 bool owned, u32 grow)
{
	struct lc_node *copy = node_create(type, trie, node->count + grow);
	u32 i;

	if (!copy)
		return NULL;
	copy->count = node->count;
	copy->map = node->map;
	memcpy(copy->words, node->words,
	       node->count * type->words * sizeof(uintptr_t));
	trie->bytes -= node_bytes(type, node->room);
	if (owned) {
		lc_free(node);
		return copy;
	}
	for (i = 0; i < node->count; i++)
		word_get(type, *entry_at(type, node, i));
	word_put(type, (uintptr_t)node | LC_NODE);
	return copy;
}

/* Make the node at @link one that may be changed, with @grow free places.
 * Whether or not that works, the trie holds what it held.
 */
static struct lc_node *node_own(const struct lc_trie_type *type,
				struct lc_trie *trie, struct lc_node *node,
				bool owned, u32 grow)
{
	if (owned && node->count + grow <= node->room)
		return node;
	return node_copy(type, trie, node, owned, grow);
}

static void entry_put_in(const struct lc_trie_type *type, struct lc_node *node,
			 u32 i, uintptr_t word, u64 beside)
{
	uintptr_t *entry = entry_at(type, node, i);

	memmove(entry + type->words, entry,
		(node->count - i) * type->words * sizeof(*entry));
	node->count++;
	entry[0] = word;
	if (type->words == 2)
		entry[1] = beside;
}

static void entry_take_out(const struct lc_trie_type *type,
			   struct lc_node *node, u32 i)
{
	uintptr_t *entry = entry_at(type, node, i);

	node->count--;
	memmove(entry, entry + type->words,
		(node->count - i) * type->words * sizeof(*entry));
}

static u32 entry_index(const struct lc_node *node, u32 slot)
{
	return lc_popcount(node->map & ((1ULL << slot) - 1));
}

/* Free a chain of nodes with one entry each, not the leaves at its end. */
static void chain_free(const struct lc_trie_type *type, struct lc_trie *trie,
		       struct lc_node *node)
{
	while (node) {
		struct lc_node *next = node->count && lc_is_node(node->words[0]) ?
				       lc_to_node(node->words[0]) : NULL;

		trie->bytes -= node_bytes(type, node->room);
		lc_free(node);
		node = next;
	}
}

/* Nodes from @shift down that hold two leaves whose hashes are equal above. The
 * references to the leaves are the caller's business.
 */
static struct lc_node *chain_create(const struct lc_trie_type *type,
				    struct lc_trie *trie, u32 shift,
				    const uintptr_t *one, u32 one_hash,
				    const uintptr_t *two, u32 two_hash)
{
	struct lc_node *first = NULL, *node;
	uintptr_t *link = NULL;

	for (;; shift += LC_TRIE_BITS) {
		bool list = shift >= LC_HASH_BITS;
		u32 a = list ? 0 : lc_slot_of(one_hash, shift);
		u32 b = list ? 1 : lc_slot_of(two_hash, shift);

		node = node_create(type, trie, a == b ? 1 : 2);
		if (!node) {
			chain_free(type, trie, first);
			return NULL;
		}
		if (link)
			*link = (uintptr_t)node | LC_NODE;
		else
			first = node;
		if (a != b) {
			if (!list)
				node->map = 1ULL << a | 1ULL << b;
			node->count = 2;
			memcpy(entry_at(type, node, a > b), one,
			       type->words * sizeof(*one));
			memcpy(entry_at(type, node, a < b), two,
			       type->words * sizeof(*two));
			return first;
		}
		node->map = 1ULL << a;
		node->count = 1;
		link = node->words;
	}
}

/**
 * lc_trie_insert() - add a leaf
 * @type: of the trie
 * @trie: the trie
 * @hash: of the leaf
 * @leaf: the leaf, at an even address; on success the caller's reference
 *	passes to the trie
 * @beside: number beside it, if the type has one
 *
 * The caller knows that the leaf is not in it.
 *
 * Context: process, may sleep.
 *
 * Return: 0; -ENOSPC if 255 leaves have the same hash; -ENOMEM. On error the
 * trie holds what it held.
 */
int lc_trie_insert(const struct lc_trie_type *type, struct lc_trie *trie,
		   u32 hash, const void *leaf, u32 beside)
{
	const uintptr_t added[2] = { (uintptr_t)leaf, (u64)hash << 32 | beside };
	struct lc_node *node, *chain;
	uintptr_t *link = NULL;
	bool owned = true;
	u32 shift;

	if (!trie->root) {
		trie->root = node_create(type, trie, 1);
		if (!trie->root)
			return -ENOMEM;
	}
	node = trie->root;
	for (shift = 0;; shift += LC_TRIE_BITS) {
		bool list = shift >= LC_HASH_BITS;
		u32 slot = list ? 0 : lc_slot_of(hash, shift);
		bool used = !list && node->map >> slot & 1;
		uintptr_t *entry;
		u32 i;

		if (list && node->count >= LIST_MAX)
			return -ENOSPC;
		owned = owned && lc_ref_single(&node->refs);
		node = node_own(type, trie, node, owned, !used);
		if (!node)
			return -ENOMEM;
		if (link)
			*link = (uintptr_t)node | LC_NODE;
		else
			trie->root = node;
		/* A copy is the trie's own, whatever its children are. */
		owned = true;

		i = list ? node->count : entry_index(node, slot);
		if (!used) {
			entry_put_in(type, node, i, added[0], added[1]);
			if (!list)
				node->map |= 1ULL << slot;
			break;
		}
		entry = entry_at(type, node, i);
		if (!lc_is_node(*entry)) {
			chain = chain_create(type, trie, shift + LC_TRIE_BITS,
					     entry, entry_hash(type, entry),
					     added, hash);
			if (!chain)
				return -ENOMEM;
			entry[0] = (uintptr_t)chain | LC_NODE;
			if (type->words == 2)
				entry[1] = 0;
			break;
		}
		link = entry;
		node = lc_to_node(*entry);
	}
	trie->count++;
	return 0;
}

/* The entry of @leaf in @node, or NULL. */
static uintptr_t *entry_find(const struct lc_trie_type *type,
			     const struct lc_node *node, u32 shift, u32 hash,
			     const void *leaf)
{
	u32 i;

	if (shift < LC_HASH_BITS) {
		u32 slot = lc_slot_of(hash, shift);

		if (!(node->map >> slot & 1))
			return NULL;
		return entry_at(type, node, entry_index(node, slot));
	}
	for (i = 0; i < node->count; i++)
		if (*entry_at(type, node, i) == (uintptr_t)leaf)
			return entry_at(type, node, i);
	return NULL;
}

static bool trie_has(const struct lc_trie_type *type,
		     const struct lc_trie *trie, u32 hash, const void *leaf)
{
	const struct lc_node *node = trie->root;
	u32 shift;

	for (shift = 0; node; shift += LC_TRIE_BITS) {
		uintptr_t *entry = entry_find(type, node, shift, hash, leaf);

		if (!entry || !lc_is_node(*entry))
			return entry && *entry == (uintptr_t)leaf;
		node = lc_to_node(*entry);
	}
	return false;
}

/* A node that is left with one leaf gives it to the node above it. */
static void pull_up(const struct lc_trie_type *type, struct lc_trie *trie,
		    uintptr_t **links, u32 depth)
{
	while (depth) {
		uintptr_t *link = links[--depth];
		struct lc_node *node = lc_to_node(*link);

		if (node->count != 1 || lc_is_node(node->words[0]))
			return;
		memcpy(link, node->words, type->words * sizeof(*link));
		trie->bytes -= node_bytes(type, node->room);
		lc_free(node);
	}
}

/**
 * struct way - how a leaf was reached, through nodes that may be changed
 * @links: the entries that lead to each node below the root
 * @depth: how many
 * @node: the node that has the leaf
 * @entry: its entry
 * @shift: of the node
 */
struct way {
	uintptr_t *links[LEVELS];
	u32 depth;
	struct lc_node *node;
	uintptr_t *entry;
	u32 shift;
};

static int own_way(const struct lc_trie_type *type, struct lc_trie *trie,
		   u32 hash, const void *leaf, struct way *way)
{
	struct lc_node *node = trie->root;
	bool owned = true;

	if (!trie_has(type, trie, hash, leaf))
		return -ENOENT;
	way->depth = 0;
	for (way->shift = 0;; way->shift += LC_TRIE_BITS) {
		owned = owned && lc_ref_single(&node->refs);
		node = node_own(type, trie, node, owned, 0);
		if (!node)
			return -ENOMEM;
		if (way->depth)
			*way->links[way->depth - 1] = (uintptr_t)node | LC_NODE;
		else
			trie->root = node;
		/* A copy is the trie's own, whatever its children are. */
		owned = true;
		way->entry = entry_find(type, node, way->shift, hash, leaf);
		if (!lc_is_node(*way->entry))
			break;
		way->links[way->depth++] = way->entry;
		node = lc_to_node(*way->entry);
	}
	way->node = node;
	return 0;
}

/**
 * lc_trie_remove() - take a leaf out
 * @type: of the trie
 * @trie: the trie
 * @hash: of the leaf
 * @leaf: the leaf; the trie's reference to it is dropped
 *
 * Allocates nothing if this trie shares nothing with others on the way.
 *
 * Context: process, may sleep.
 *
 * Return: 0; -ENOENT if it is not in it; -ENOMEM. On error the trie holds what
 * it held.
 */
int lc_trie_remove(const struct lc_trie_type *type, struct lc_trie *trie,
		   u32 hash, const void *leaf)
{
	struct way way;
	int err;

	err = own_way(type, trie, hash, leaf, &way);
	if (err)
		return err;
	entry_take_out(type, way.node,
		       (way.entry - way.node->words) / type->words);
	if (way.shift < LC_HASH_BITS)
		way.node->map &= ~(1ULL << lc_slot_of(hash, way.shift));
	if (type->put)
		type->put(leaf);
	pull_up(type, trie, way.links, way.depth);
	if (!trie->root->count) {
		trie->bytes -= node_bytes(type, trie->root->room);
		lc_free(trie->root);
		trie->root = NULL;
	}
	trie->count--;
	return 0;
}

/**
 * lc_trie_replace() - put a leaf in the place of another of the same hash
 * @type: of the trie
 * @trie: the trie
 * @hash: of both
 * @leaf: the leaf that is in it; the trie's reference to it is dropped
 * @other: the leaf that is to be in it; may be the same; on success the
 *	caller's reference passes to the trie
 * @beside: number beside it, if the type has one
 *
 * Allocates nothing if this trie shares nothing with others on the way.
 *
 * Context: process, may sleep.
 *
 * Return: 0; -ENOENT if @leaf is not in it; -ENOMEM. On error the trie holds
 * what it held.
 */
int lc_trie_replace(const struct lc_trie_type *type, struct lc_trie *trie,
		    u32 hash, const void *leaf, const void *other, u32 beside)
{
	struct way way;
	int err;

	err = own_way(type, trie, hash, leaf, &way);
	if (err)
		return err;
	way.entry[0] = (uintptr_t)other;
	if (type->words == 2)
		way.entry[1] = (u64)hash << 32 | beside;
	if (type->put)
		type->put(leaf);
	return 0;
}

/* What an entry covers of the positions. Those of a list are 16 bits below the
 * slots of the levels.
 */
static u32 unit_of(u32 level)
{
	return level == LEVELS - 1 ? 0 :
	       16 + (LEVELS - 2 - level) * LC_TRIE_BITS;
}

static const void *next_in(const struct lc_trie_type *type,
			   const struct lc_node *node, u32 level, u64 base,
			   u64 *position)
{
	u32 unit = unit_of(level), i, slot;
	u64 map = node->map;

	for (i = 0; i < node->count; i++, map &= map - 1) {
		uintptr_t word = *entry_at(type, node, i);
		const void *leaf;
		u64 start, end;

		slot = map ? lc_ctz(map) : i;
		start = base + ((u64)slot << unit);
		end = start + (1ULL << unit);
		if (end <= *position)
			continue;
		if (lc_is_node(word)) {
			leaf = next_in(type, lc_to_node(word), level + 1,
				       start, position);
			if (leaf)
				return leaf;
		} else if (start >= *position) {
			*position = end;
			return (const void *)word;
		}
	}
	return NULL;
}

/**
 * lc_trie_next() - walk a trie
 * @type: its type
 * @trie: the trie
 * @position: 0 to begin with; moves behind the result. It makes sense in another
 *	trie too, but what it skips there is not what was seen here.
 *
 * Return: a leaf or NULL at the end.
 */
const void *lc_trie_next(const struct lc_trie_type *type,
			 const struct lc_trie *trie, u64 *position)
{
	return trie->root ? next_in(type, trie->root, 0, 0, position) : NULL;
}

static bool word_has(const struct lc_trie_type *type, uintptr_t word,
		     const void *leaf)
{
	const struct lc_node *node = lc_to_node(word);
	u32 i;

	if (!lc_is_node(word))
		return word == (uintptr_t)leaf;
	for (i = 0; i < node->count; i++)
		if (word_has(type, *entry_at(type, node, i), leaf))
			return true;
	return false;
}

/* Visit the leaves of @word that @other does not have. */
static int visit_rest(const struct lc_trie_type *type, uintptr_t word,
		      uintptr_t other, bool added, lc_trie_visit visit,
		      void *context)
{
	const struct lc_node *node = lc_to_node(word);
	u32 i;
	int err;

	if (!word)
		return 0;
	if (!lc_is_node(word)) {
		if (other && word_has(type, other, (const void *)word))
			return 0;
		return visit((const void *)word, added, context);
	}
	for (i = 0; i < node->count; i++) {
		err = visit_rest(type, *entry_at(type, node, i), other, added,
				 visit, context);
		if (err)
			return err;
	}
	return 0;
}

static uintptr_t word_at(const struct lc_trie_type *type,
			 const struct lc_node *node, u32 slot)
{
	if (!(node->map >> slot & 1))
		return 0;
	return *entry_at(type, node, entry_index(node, slot));
}

static int diff_words(const struct lc_trie_type *type, uintptr_t from,
		      uintptr_t to, lc_trie_visit visit, void *context)
{
	const struct lc_node *a = lc_to_node(from), *b = lc_to_node(to);
	u32 slot;
	int err;

	if (from == to)
		return 0;
	/* Where one side is a leaf or nothing, and in lists, there is no shape
	 * that could be compared.
	 */
	if (!lc_is_node(from) || !lc_is_node(to) || !a->map || !b->map) {
		err = visit_rest(type, from, to, false, visit, context);
		return err ?: visit_rest(type, to, from, true, visit, context);
	}
	for (slot = 0; slot < LC_TRIE_SLOTS; slot++) {
		err = diff_words(type, word_at(type, a, slot),
				 word_at(type, b, slot), visit, context);
		if (err)
			return err;
	}
	return 0;
}

/**
 * lc_trie_diff() - in which leaves two tries differ
 * @type: of both
 * @from: the one
 * @to: the other
 * @visit: called for each leaf that only one has; an error ends the walk
 * @context: handed to @visit
 *
 * What the two share is not walked, so that the cost is that of the changes.
 *
 * Return: 0, or what @visit returned.
 */
int lc_trie_diff(const struct lc_trie_type *type, const struct lc_trie *from,
		 const struct lc_trie *to, lc_trie_visit visit, void *context)
{
	uintptr_t a = from->root ? (uintptr_t)from->root | LC_NODE : 0;
	uintptr_t b = to->root ? (uintptr_t)to->root | LC_NODE : 0;

	return diff_words(type, a, b, visit, context);
}
