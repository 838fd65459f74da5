// SPDX-License-Identifier: GPL-2.0-only
/* Tries against a plain array: shared, changed, walked, compared. */
#include "world.h"

#define LEAVES		400
#define VERSIONS	6

struct leaf {
	u32 hash;
	int refs;
};

static struct leaf leaves[LEAVES];

static u32 leaf_hash(const void *p)
{
	return ((const struct leaf *)p)->hash;
}

static void leaf_get(const void *p)
{
	((struct leaf *)p)->refs++;
}

static void leaf_put(const void *p)
{
	((struct leaf *)p)->refs--;
}

static const struct lc_trie_type owner = {
	.words = 1, .hash = leaf_hash, .get = leaf_get, .put = leaf_put,
};

static const struct lc_trie_type beside = {
	.words = 2, .get = leaf_get, .put = leaf_put,
};

/**
 * struct version - a trie, and what should be in it
 * @trie: the trie
 * @numbers: by leaf: the number beside it plus one, 0: not in it
 * @count: how many are
 */
struct version {
	struct lc_trie trie;
	u32 numbers[LEAVES];
	u32 count;
};

static u64 state;

static u32 random_below(u32 bound)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % bound;
}

/* Hashes that meet on every level: few values in each six bits. */
static void make_leaves(u64 seed)
{
	u32 i;

	state = seed;
	for (i = 0; i < LEAVES; i++) {
		u32 kind = random_below(4);

		leaves[i].refs = 0;
		leaves[i].hash = random_below(1U << 30) << 2 | random_below(4);
		if (kind == 0)
			leaves[i].hash = random_below(3);
		else if (kind == 1)
			leaves[i].hash &= 0xc0003000;
		else if (kind == 2)
			leaves[i].hash &= 0x0fff0041;
	}
}

static bool match(const void *leaf, const void *key)
{
	return leaf == key;
}

static const void *find(const struct lc_trie_type *type,
			const struct version *v, u32 i, u32 *number)
{
	if (type->words == 1)
		return lc_trie_find(1, &v->trie, leaves[i].hash, match,
				    &leaves[i], number);
	return lc_trie_find(2, &v->trie, leaves[i].hash, match, &leaves[i],
			    number);
}

static void check(const struct lc_trie_type *type, const struct version *v)
{
	u32 i, number, wrong = 0, walked = 0;
	static u8 seen[LEAVES];
	const struct leaf *leaf;
	u64 position = 0;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < LEAVES; i++) {
		number = 0;
		if (find(type, v, i, &number) != (v->numbers[i] ? &leaves[i] :
								  NULL))
			wrong++;
		else if (v->numbers[i] && type->words == 2)
			wrong += number != v->numbers[i] - 1;
	}
	while ((leaf = lc_trie_next(type, &v->trie, &position))) {
		wrong += seen[leaf - leaves]++ || !v->numbers[leaf - leaves];
		walked++;
	}
	CHECK_EQ(wrong, 0);
	CHECK_EQ(walked, v->count);
	CHECK_EQ(v->trie.count, v->count);
	CHECK_EQ(!v->trie.root, !v->count);
}

/* One random change. With allocations that fail, nothing must change. */
static void change(const struct lc_trie_type *type, struct version *v)
{
	u32 i = random_below(LEAVES), number = random_below(1000), other;
	u32 hash = leaves[i].hash;
	int err;

	if (!v->numbers[i]) {
		leaf_get(&leaves[i]);
		err = lc_trie_insert(type, &v->trie, hash, &leaves[i], number);
		if (err) {
			leaf_put(&leaves[i]);
		} else {
			v->numbers[i] = number + 1;
			v->count++;
		}
		CHECK_EQ(lc_trie_remove(type, &v->trie, hash, &state),
			 -ENOENT);
	} else if (random_below(3)) {
		err = lc_trie_remove(type, &v->trie, hash, &leaves[i]);
		if (!err) {
			v->numbers[i] = 0;
			v->count--;
		}
	} else {
		for (other = 0; other < LEAVES; other++)
			if (leaves[other].hash == hash && !v->numbers[other])
				break;
		if (other == LEAVES)
			other = i;
		leaf_get(&leaves[other]);
		err = lc_trie_replace(type, &v->trie, hash, &leaves[i],
				      &leaves[other], number);
		if (err) {
			leaf_put(&leaves[other]);
		} else {
			v->numbers[i] = 0;
			v->numbers[other] = number + 1;
		}
	}
	CHECK(!err || (err == -ENOMEM && env_failed()));
}

struct difference {
	const struct version *from;
	const struct version *to;
	u32 visits;
	u32 wrong;
};

static int visit(const void *leaf, bool added, void *context)
{
	struct difference *d = context;
	u32 i = (const struct leaf *)leaf - leaves;

	d->visits++;
	d->wrong += added ? d->from->numbers[i] || !d->to->numbers[i] :
			    !d->from->numbers[i] || d->to->numbers[i];
	return 0;
}

static void check_diff(const struct lc_trie_type *type,
		       const struct version *from, const struct version *to)
{
	struct difference d = { .from = from, .to = to };
	u32 i, differ = 0;

	for (i = 0; i < LEAVES; i++)
		differ += !from->numbers[i] != !to->numbers[i];
	CHECK_EQ(lc_trie_diff(type, &from->trie, &to->trie, visit, &d), 0);
	CHECK_EQ(d.wrong, 0);
	CHECK_EQ(d.visits, differ);
}

static void play(const struct lc_trie_type *type, u64 seed, bool fail)
{
	static struct version versions[VERSIONS];
	u32 round, i, j;

	make_leaves(seed);
	memset(versions, 0, sizeof(versions));
	for (round = 0; round < 60; round++) {
		struct version *v = &versions[random_below(VERSIONS)];
		struct version *base = &versions[random_below(VERSIONS)];

		if (v != base && random_below(2)) {
			lc_trie_drop(type, &v->trie);
			*v = *base;
			lc_trie_share(&v->trie, &base->trie);
		}
		for (i = random_below(120); i; i--) {
			env_fail_alloc(fail ? 1 + random_below(4) : 0);
			change(type, v);
		}
		env_fail_alloc(0);
		for (i = 0; i < VERSIONS; i++)
			check(type, &versions[i]);
		check_diff(type, base, v);
	}
	for (i = 0; i < VERSIONS; i++)
		for (j = 0; j < VERSIONS; j++)
			check_diff(type, &versions[i], &versions[j]);
	for (i = 0; i < VERSIONS; i++) {
		lc_trie_drop(type, &versions[i].trie);
		CHECK_EQ(versions[i].trie.bytes, 0);
	}
	for (i = 0; i < LEAVES; i++)
		CHECK_EQ(leaves[i].refs, 0);
	CHECK_EQ(env_live(), 0);
}

TEST(trie_holds_what_was_put_in)
{
	u64 seed;

	for (seed = 1; seed <= 20; seed++) {
		play(&owner, seed, false);
		play(&beside, seed + 100, false);
	}
}

TEST(trie_survives_failed_allocations)
{
	u64 seed;

	for (seed = 1; seed <= 20; seed++) {
		play(&owner, seed, true);
		play(&beside, seed + 100, true);
	}
}

/* Filled and emptied, a trie that shares nothing is back where it was. */
TEST(trie_knows_its_memory)
{
	struct version v = { 0 };
	u32 i;

	make_leaves(7);
	for (i = 0; i < LEAVES; i++) {
		leaf_get(&leaves[i]);
		CHECK_EQ(lc_trie_insert(&beside, &v.trie, leaves[i].hash,
					&leaves[i], i), 0);
	}
	CHECK(v.trie.bytes >= LEAVES * 16);
	for (i = 0; i < LEAVES; i++)
		CHECK_EQ(lc_trie_remove(&beside, &v.trie, leaves[i].hash,
					&leaves[i]), 0);
	CHECK_EQ(v.trie.bytes, 0);
	CHECK(!v.trie.root);
	CHECK_EQ(env_live(), 0);
}

TEST(trie_refuses_more_of_one_hash_than_it_can_count)
{
	struct version v = { 0 };
	u32 i;
	int err = 0;

	for (i = 0; i < LEAVES; i++)
		leaves[i] = (struct leaf){ .hash = 77 };
	for (i = 0; i < LEAVES && !err; i++) {
		err = lc_trie_insert(&owner, &v.trie, 77, &leaves[i], 0);
		if (!err) {
			leaves[i].refs++;
			v.numbers[i] = 1;
			v.count++;
		}
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(v.count, 255);
	check(&owner, &v);
	lc_trie_drop(&owner, &v.trie);
	for (i = 0; i < LEAVES; i++)
		CHECK_EQ(leaves[i].refs, 0);
	CHECK_EQ(env_live(), 0);
}

static int stop(const void *leaf, bool added, void *context)
{
	(void)leaf;
	(void)added;
	return ++*(int *)context == 3 ? -EINVAL : 0;
}

TEST(trie_diff_ends_at_an_error)
{
	struct version v = { 0 }, none = { 0 };
	int calls = 0;
	u32 i;

	make_leaves(8);
	for (i = 0; i < 20; i++) {
		leaf_get(&leaves[i]);
		CHECK_EQ(lc_trie_insert(&owner, &v.trie, leaves[i].hash,
					&leaves[i], 0), 0);
	}
	CHECK_EQ(lc_trie_diff(&owner, &none.trie, &v.trie, stop, &calls),
		 -EINVAL);
	CHECK_EQ(calls, 3);
	lc_trie_drop(&owner, &v.trie);
}
