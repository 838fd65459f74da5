// SPDX-License-Identifier: GPL-2.0-only
/* Tables against a plain array: shared, changed, grown. */
#include "world.h"

#define LEAVES		1500
#define VERSIONS	4

static u32 hashes[LEAVES];

/**
 * struct version - a table, and what should be in it
 * @table: the table
 * @numbers: by leaf: the number beside it plus one, 0: not in it
 * @count: how many are
 */
struct version {
	struct lc_table table;
	u32 numbers[LEAVES];
	u32 count;
};

static u64 state;

static u32 random_below(u32 bound)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % bound;
}

/* Many meet: equal hashes, neighbours, the end of a bin. */
static void make_leaves(u64 seed)
{
	u32 i;

	state = seed;
	for (i = 0; i < LEAVES; i++) {
		u32 kind = random_below(16);

		hashes[i] = random_below(1U << 30) << 2 | random_below(4);
		if (kind == 0)
			hashes[i] = 0xfffffffe + random_below(2);
		else if (kind == 1)
			hashes[i] |= 0xf8;
	}
}

static bool match(const void *leaf, const void *key)
{
	return leaf == key;
}

static void check(const struct version *v)
{
	u32 i, number, wrong = 0;
	const void *found;

	for (i = 0; i < LEAVES; i++) {
		number = 0;
		found = lc_table_find(&v->table, hashes[i], match, &hashes[i],
				      &number);
		wrong += found != (v->numbers[i] ? &hashes[i] : NULL);
		wrong += v->numbers[i] && number != v->numbers[i] - 1;
	}
	CHECK_EQ(wrong, 0);
	CHECK_EQ(v->table.count, v->count);
}

static void change(struct version *v)
{
	u32 i = random_below(LEAVES), number = random_below(1000);
	int err;

	if (!v->numbers[i]) {
		CHECK_EQ(lc_table_remove(&v->table, hashes[i], &hashes[i]),
			 -ENOENT);
		err = lc_table_insert(&v->table, hashes[i], &hashes[i], number);
		if (!err) {
			v->numbers[i] = number + 1;
			v->count++;
		}
	} else {
		err = lc_table_remove(&v->table, hashes[i], &hashes[i]);
		if (!err) {
			v->numbers[i] = 0;
			v->count--;
		}
	}
	CHECK(!err || (err == -ENOMEM && env_failed()));
}

static void play(u64 seed, bool fail)
{
	static struct version versions[VERSIONS];
	u32 round, i;

	make_leaves(seed);
	memset(versions, 0, sizeof(versions));
	for (round = 0; round < 40; round++) {
		struct version *v = &versions[random_below(VERSIONS)];
		struct version *base = &versions[random_below(VERSIONS)];

		if (v != base && random_below(2)) {
			lc_table_drop(&v->table);
			*v = *base;
			lc_table_share(&v->table, &base->table);
		}
		for (i = random_below(round % 8 ? 200 : 1500); i; i--) {
			env_fail_alloc(fail ? 1 + random_below(5) : 0);
			change(v);
		}
		env_fail_alloc(0);
		for (i = 0; i < VERSIONS; i++)
			check(&versions[i]);
	}
	for (i = 0; i < VERSIONS; i++)
		lc_table_drop(&versions[i].table);
	CHECK_EQ(env_live(), 0);
}

TEST(table_holds_what_was_put_in)
{
	u64 seed;

	for (seed = 1; seed <= 12; seed++)
		play(seed, false);
}

TEST(table_survives_failed_allocations)
{
	u64 seed;

	for (seed = 1; seed <= 12; seed++)
		play(seed + 50, true);
}

TEST(table_grows_with_what_is_in_it)
{
	enum { N = 60000 };
	struct lc_table table = { 0 };
	u32 *leaves = calloc(N, sizeof(*leaves));
	u32 i, wrong = 0;

	if (!leaves)
		abort();
	state = 5;
	for (i = 0; i < N; i++) {
		leaves[i] = random_below(1U << 31) << 1 | random_below(2);
		CHECK_EQ(lc_table_insert(&table, leaves[i], &leaves[i], i), 0);
	}
	for (i = 0; i < N; i++)
		wrong += lc_table_find(&table, leaves[i], match, &leaves[i],
				       NULL) != &leaves[i];
	CHECK_EQ(wrong, 0);
	CHECK(lc_table_bytes(&table) <= N * 45);
	lc_table_drop(&table);
	CHECK_EQ(lc_table_bytes(&table), 0);
	free(leaves);
	CHECK_EQ(env_live(), 0);
}

/* Leaves of one hash are in one bin, and others must find a place there. */
TEST(table_refuses_more_of_one_hash_than_fit)
{
	struct lc_table table = { 0 };
	static u32 leaves[300], others[20000];
	u32 i, wrong = 0;
	int err = 0;

	for (i = 0; i < 300 && !err; i++)
		err = lc_table_insert(&table, 12345, &leaves[i], i);
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(table.count, 128);
	for (i = 0; i < 300; i++)
		wrong += (lc_table_find(&table, 12345, match, &leaves[i],
					NULL) != NULL) != (i < 128);
	CHECK_EQ(wrong, 0);
	for (i = 0, err = 0; i < 20000 && !err; i++)
		err = lc_table_insert(&table, i * 2654435761U + 7,
				      &others[i], i);
	CHECK_EQ(err, 0);
	CHECK(lc_table_bytes(&table) < 20000 * 110);
	lc_table_drop(&table);
	CHECK_EQ(env_live(), 0);
}

TEST(table_shares_what_does_not_change)
{
	struct lc_table table = { 0 }, next;
	static u32 leaves[5000];
	u64 before;
	u32 i;

	state = 6;
	for (i = 0; i < 5000; i++) {
		leaves[i] = random_below(1U << 31) << 1;
		CHECK_EQ(lc_table_insert(&table, leaves[i], &leaves[i], 0), 0);
	}
	before = env_bytes();
	lc_table_share(&next, &table);
	CHECK_EQ(lc_table_remove(&next, leaves[7], &leaves[7]), 0);
	CHECK_EQ(lc_table_insert(&next, leaves[7], &leaves[7], 1), 0);
	CHECK(env_bytes() - before < 5000);
	lc_table_drop(&table);
	lc_table_drop(&next);
	CHECK_EQ(env_live(), 0);
}
