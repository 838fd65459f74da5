// SPDX-License-Identifier: GPL-2.0-only
/* What is remembered of first fragments, and who may take whose place. */
#include <pthread.h>

#include "fragment.h"
#include "tap.h"

TAP_MAIN

#define WAYS	16	/* places of a bucket, as in kmod/fragment.c */
#define DEVICES	100000	/* to find neighbours among */
#define LIFE	(30 * NSEC_PER_SEC)

u64 host_ns = 1000000;

static struct lenscap_guard guards[2] = { { { .id = 1 } }, { { .id = 2 } } };
/* Of a device only the address of its counters is used: the same in each run, so
 * that all hashes are.
 */
static const struct lenscap_stats *device(u32 number)
{
	return (const struct lenscap_stats *)(0x100000UL + number * 64UL);
}

/* A first fragment of a datagram to port 5000. */
static struct lc_key first_of(u32 ident)
{
	return (struct lc_key){
		.family = LC_FAMILY_IPV4, .part = LC_PART_FIRST, .more = true,
		.ident = ident, .proto = 17, .has_proto = true,
		.has_ports = true, .sport = 40000, .dport = 5000,
		.src = { 10, 30, 0, 17 }, .dst = { 10, 20, 0, 10 },
	};
}

/* A later one. */
static struct lc_key later_of(u32 ident, bool more)
{
	struct lc_key key = first_of(ident);

	key.part = LC_PART_LATER;
	key.more = more;
	key.has_ports = false;
	key.sport = 0;
	key.dport = 0;
	return key;
}

static void add(struct lenscap_net *ln, const struct lenscap_stats *sender,
		const struct lc_key *key)
{
	struct lc_first first;

	if (lc_key_first(key, &first))
		lenscap_fragments_add(ln, &guards[0], sender, key, &first);
	else
		FAIL("no first fragment");
}

static bool find(struct lenscap_net *ln, const struct lenscap_stats *sender,
		 const struct lc_key *key)
{
	struct lc_first first;

	return lenscap_fragments_find(ln, &guards[0], sender, key, &first);
}

static void add_ident(struct lenscap_net *ln,
		      const struct lenscap_stats *sender, u32 ident)
{
	struct lc_key key = first_of(ident);

	add(ln, sender, &key);
}

static bool has(struct lenscap_net *ln, const struct lenscap_stats *sender,
		u32 ident)
{
	struct lc_key key = later_of(ident, true);

	return find(ln, sender, &key);
}

static bool finish(struct lenscap_net *ln, const struct lenscap_stats *sender,
		   u32 ident)
{
	struct lc_key key = later_of(ident, false);

	return find(ln, sender, &key);
}

static void begin(struct lenscap_net *ln)
{
	memset(ln, 0, sizeof(*ln));
	CHECK_EQ(lenscap_fragments_size(ln), 0);
	CHECK_EQ(lenscap_fragments_lost(ln), 0);
	CHECK_EQ(lenscap_fragments_create(ln), 0);
	CHECK_EQ(lenscap_fragments_create(ln), 0);
	CHECK_EQ(lenscap_fragments_size(ln), 16384);
}

/* Others whose bucket is that of the first device: their first fragment costs it a
 * place when it fills the bucket.
 */
static const struct lenscap_stats *neighbour(u32 nth)
{
	static const struct lenscap_stats *found[WAYS];
	static u32 count;
	struct lenscap_net ln;
	u64 before;
	u32 i, j;

	if (count)
		return found[nth];
	begin(&ln);
	for (i = 1; i < DEVICES && count < WAYS; i++) {
		/* Whatever was there is too old. */
		host_ns += LIFE + (1 << 20);
		for (j = 0; j < WAYS; j++)
			add_ident(&ln, device(0), j);
		before = lenscap_fragments_lost(&ln);
		add_ident(&ln, device(i), 0);
		if (lenscap_fragments_lost(&ln) != before)
			found[count++] = device(i);
	}
	lenscap_fragments_destroy(&ln);
	CHECK_EQ(count, WAYS);
	return found[nth];
}

TEST(fragments_find_what_the_first_said)
{
	struct lc_key key = first_of(7), later = later_of(7, true);
	struct lenscap_net ln;
	struct lc_first first;

	begin(&ln);
	key.tcp_flags = 0x12;
	add(&ln, device(0), &key);
	CHECK(lenscap_fragments_find(&ln, &guards[0], device(0), &later,
				     &first));
	CHECK_EQ(first.ports, 40000U << 16 | 5000);
	CHECK_EQ(first.proto, 17);
	CHECK_EQ(first.tcp_flags, 0x12);
	later.icmp = LC_ICMP_LARGE;
	lc_key_resume(&later, &first);
	CHECK_EQ(later.sport, 40000);
	CHECK_EQ(later.dport, 5000);
	CHECK_EQ(later.tcp_flags, 0x12);
	CHECK_EQ(later.icmp, LC_ICMP_NONE);
	CHECK(later.has_ports && later.part != LC_PART_LATER);
	lenscap_fragments_destroy(&ln);
	CHECK_EQ(lenscap_fragments_size(&ln), 0);
}

TEST(fragments_of_something_else_are_not_found)
{
	struct lc_key key = first_of(7), later;
	struct lenscap_net ln;
	struct lc_first first;

	begin(&ln);
	add(&ln, device(0), &key);
	CHECK(!has(&ln, device(0), 8));
	CHECK(!has(&ln, device(1), 7));
	later = later_of(7, true);
	later.src[3]++;
	CHECK(!find(&ln, device(0), &later));
	later = later_of(7, true);
	later.dst[0]++;
	CHECK(!find(&ln, device(0), &later));
	later = later_of(7, true);
	later.proto = 6;
	CHECK(!find(&ln, device(0), &later));
	later = later_of(7, true);
	later.family = LC_FAMILY_IPV6;
	CHECK(!find(&ln, device(0), &later));
	later = later_of(7, true);
	CHECK(!lenscap_fragments_find(&ln, &guards[1], device(0), &later,
				      &first));
	CHECK(has(&ln, device(0), 7));
	lenscap_fragments_destroy(&ln);
}

/* RFC 8200: of later fragments the next header does not count. */
TEST(fragments_of_ipv6_may_name_any_protocol)
{
	struct lc_key key = first_of(7), later = later_of(7, true);
	struct lenscap_net ln;
	struct lc_first first;

	begin(&ln);
	key.family = LC_FAMILY_IPV6;
	later.family = LC_FAMILY_IPV6;
	add(&ln, device(0), &key);
	later.proto = 58;
	CHECK(lenscap_fragments_find(&ln, &guards[0], device(0), &later,
				     &first));
	CHECK_EQ(first.proto, 17);
	lenscap_fragments_destroy(&ln);
}

TEST(fragments_without_ports_are_not_remembered)
{
	struct lc_key key = first_of(7);
	struct lc_first first;

	key.has_ports = false;
	CHECK(!lc_key_first(&key, &first));
	key = later_of(7, true);
	key.has_ports = true;
	CHECK(!lc_key_first(&key, &first));
	key = first_of(7);
	key.part = LC_PART_WHOLE;
	CHECK(!lc_key_first(&key, &first));
}

TEST(fragments_grow_too_old)
{
	struct lenscap_net ln;

	begin(&ln);
	add_ident(&ln, device(0), 7);
	host_ns += LIFE - 5000;
	CHECK(has(&ln, device(0), 7));
	host_ns += 5000;
	CHECK(!has(&ln, device(0), 7));
	/* and again, when the clock has gone far */
	host_ns += 1ULL << 54;
	CHECK(!has(&ln, device(0), 7));
	add_ident(&ln, device(0), 7);
	CHECK(has(&ln, device(0), 7));
	lenscap_fragments_destroy(&ln);
}

TEST(fragments_with_the_identification_of_others_say_the_last)
{
	struct lc_key key = first_of(7), later = later_of(7, true);
	struct lenscap_net ln;
	struct lc_first first;
	u32 i;

	begin(&ln);
	for (i = 0; i < 100; i++) {
		key.dport = i;
		add(&ln, device(0), &key);
	}
	CHECK(lenscap_fragments_find(&ln, &guards[0], device(0), &later,
				     &first));
	CHECK_EQ(first.ports & 0xffff, 99);
	CHECK_EQ(lenscap_fragments_lost(&ln), 0);
	lenscap_fragments_destroy(&ln);
}

/* One datagram after the other, each with a last fragment. */
TEST(fragments_that_are_through_make_room_for_nothing_lost)
{
	struct lenscap_net ln;
	u32 i;

	begin(&ln);
	for (i = 0; i < 10000; i++) {
		add_ident(&ln, device(0), i);
		CHECK(has(&ln, device(0), i));
		CHECK(finish(&ln, device(0), i));
		/* one that was overtaken */
		CHECK(has(&ln, device(0), i));
	}
	CHECK_EQ(lenscap_fragments_lost(&ln), 0);
	/* the oldest go first */
	for (i = 0; i < WAYS; i++)
		CHECK(has(&ln, device(0), 9999 - i));
	CHECK(!has(&ln, device(0), 9999 - WAYS));
	lenscap_fragments_destroy(&ln);
}

TEST(fragments_of_a_flood_push_out_their_own)
{
	struct lenscap_net ln;
	u32 i;

	begin(&ln);
	for (i = 0; i < 10000; i++)
		add_ident(&ln, device(0), i);
	CHECK(lenscap_fragments_lost(&ln) == 10000 - WAYS);
	for (i = 0; i < WAYS; i++)
		CHECK(has(&ln, device(0), 9999 - i));
	lenscap_fragments_destroy(&ln);
}

TEST(fragments_of_others_are_out_of_a_floods_reach)
{
	const struct lenscap_stats *flood = device(0);
	const struct lenscap_stats *quiet = neighbour(0);
	struct lenscap_net ln;
	u32 i;

	begin(&ln);
	/* before the flood, */
	add_ident(&ln, quiet, 1);
	for (i = 0; i < 1000; i++)
		add_ident(&ln, flood, i);
	CHECK(has(&ln, quiet, 1));
	/* in it, */
	CHECK_EQ(lenscap_fragments_lost(&ln), 1000 - (WAYS - 1));
	for (i = 2; i <= WAYS / 2; i++)
		add_ident(&ln, quiet, i);
	for (i = 0; i < 1000; i++)
		add_ident(&ln, flood, 1000 + i);
	for (i = 1; i <= WAYS / 2; i++)
		CHECK(has(&ln, quiet, i));
	/* as many as the flood has and no more: then it takes its own. */
	for (i = 0; i < 100; i++)
		add_ident(&ln, quiet, 100 + i);
	for (i = 0; i < WAYS / 2; i++)
		CHECK(has(&ln, flood, 1999 - i));
	lenscap_fragments_destroy(&ln);
}

/* Nor is what overtook another, for who holds more. */
TEST(fragments_that_are_through_stay_in_a_flood)
{
	const struct lenscap_stats *flood = device(0);
	const struct lenscap_stats *quiet = neighbour(0);
	struct lenscap_net ln;
	u32 i;

	begin(&ln);
	add_ident(&ln, quiet, 1);
	CHECK(finish(&ln, quiet, 1));
	for (i = 0; i < 100; i++) {
		add_ident(&ln, flood, i);
		CHECK(finish(&ln, flood, i));
	}
	CHECK(has(&ln, quiet, 1));
	/* Of its own it costs nothing that is under way. */
	CHECK_EQ(lenscap_fragments_lost(&ln), 0);
	for (i = 0; i < 100; i++)
		add_ident(&ln, flood, 100 + i);
	CHECK(has(&ln, quiet, 1));
	CHECK_EQ(lenscap_fragments_lost(&ln), 100 - (WAYS - 1));
	lenscap_fragments_destroy(&ln);
}

/* Sixteen devices with a place each keep them; the seventeenth finds none. */
TEST(fragments_of_many_devices_in_a_bucket)
{
	const struct lenscap_stats *first = device(0), *late;
	const struct lenscap_stats *others[WAYS];
	struct lenscap_net ln;
	u32 i;

	for (i = 0; i < WAYS; i++)
		others[i] = neighbour(i);
	late = others[WAYS - 1];
	begin(&ln);
	add_ident(&ln, first, 1);
	for (i = 0; i < WAYS - 1; i++)
		add_ident(&ln, others[i], 1);
	CHECK_EQ(lenscap_fragments_lost(&ln), 0);
	add_ident(&ln, late, 1);
	CHECK_EQ(lenscap_fragments_lost(&ln), 1);
	CHECK(!has(&ln, late, 1));
	/* nor does one of them get a second from another */
	add_ident(&ln, first, 2);
	CHECK_EQ(lenscap_fragments_lost(&ln), 2);
	CHECK(has(&ln, first, 2) && !has(&ln, first, 1));
	for (i = 0; i < WAYS - 1; i++)
		CHECK(has(&ln, others[i], 1));
	lenscap_fragments_destroy(&ln);
}

#define THREADS	4
#define ROUNDS	200000

struct racer {
	struct lenscap_net *ln;
	const struct lenscap_stats *sender;
	u32 seed;
	u32 wrong;
};

/* The ports of a packet follow from its identification. */
static void *race(void *arg)
{
	struct racer *racer = arg;
	u32 i, n = racer->seed;

	for (i = 0; i < ROUNDS; i++) {
		struct lc_key key, later;
		struct lc_first first;

		n = n * 1664525 + 1013904223;
		key = first_of(n >> 16 & 63);
		key.dport = key.ident * 7;
		key.sport = key.ident * 11;
		if (n >> 30)
			add(racer->ln, racer->sender, &key);
		n = n * 1664525 + 1013904223;
		later = later_of(n >> 16 & 63, n >> 31);
		if (lenscap_fragments_find(racer->ln, &guards[0],
					   racer->sender, &later, &first))
			racer->wrong += first.ports != (later.ident * 11 << 16 |
							later.ident * 7);
	}
	return NULL;
}

TEST(fragments_race)
{
	const struct lenscap_stats *other = neighbour(0);
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	struct lenscap_net ln;
	u32 i;

	begin(&ln);
	for (i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){
			&ln, i & 1 ? other : device(0), i + 1, 0
		};
		if (pthread_create(&threads[i], NULL, race, &racers[i]))
			FAIL("no thread");
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CHECK_EQ(racers[i].wrong, 0);
	}
	/* and nothing is stuck */
	for (i = 0; i < WAYS; i++) {
		add_ident(&ln, other, 1000 + i);
		CHECK(has(&ln, other, 1000 + i));
	}
	lenscap_fragments_destroy(&ln);
}
