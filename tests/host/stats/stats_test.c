// SPDX-License-Identifier: GPL-2.0-only
/* A device's counters: carries, and adding and reading at once. */
#include <pthread.h>
#include <string.h>

#include "kernel.h"
#include "stats.h"
#include "tap.h"

TAP_MAIN

u64 host_jiffies = 1000;
u64 host_now = 1700000000000ULL;

static u64 packets_of(struct lenscap_stats *stats, enum lenscap_count which)
{
	u64 packets, bytes;

	lenscap_stats_read(stats, which, &packets, &bytes);
	return packets;
}

static u64 bytes_of(struct lenscap_stats *stats, enum lenscap_count which)
{
	u64 packets, bytes;

	lenscap_stats_read(stats, which, &packets, &bytes);
	return bytes;
}

/* As if so many packets and bytes had been counted, without a carry. */
static void preset(struct lenscap_stats *stats, u64 packets, u64 bytes)
{
	memset(stats, 0, sizeof(*stats));
	stats->counts[LENSCAP_PASSED].value =
		packets << LENSCAP_COUNT_SHIFT | bytes;
}

TEST(stats_count_each_kind_apart)
{
	struct lenscap_stats stats = { 0 };

	lenscap_stats_add(&stats, LENSCAP_PASSED, 100);
	lenscap_stats_add(&stats, LENSCAP_PASSED, 23);
	lenscap_stats_add(&stats, LENSCAP_WOULD, 7);
	CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), 2);
	CHECK_EQ(bytes_of(&stats, LENSCAP_PASSED), 123);
	CHECK_EQ(packets_of(&stats, LENSCAP_DROPPED), 0);
	CHECK_EQ(packets_of(&stats, LENSCAP_WOULD), 1);
	CHECK_EQ(bytes_of(&stats, LENSCAP_WOULD), 7);
}

TEST(stats_carry_packets)
{
	struct lenscap_stats stats;
	const u64 half = 1ULL << 23;
	u32 i;

	preset(&stats, half - 2, 4660);
	for (i = 0; i < 5; i++) {
		CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), half - 2 + i);
		CHECK_EQ(bytes_of(&stats, LENSCAP_PASSED), 4660 + i * 100);
		lenscap_stats_add(&stats, LENSCAP_PASSED, 100);
	}
	CHECK_EQ(stats.packets[LENSCAP_PASSED], 1);
	CHECK_EQ(stats.packets[LENSCAP_DROPPED], 0);
}

TEST(stats_carry_bytes)
{
	struct lenscap_stats stats;
	const u64 half = 1ULL << 39;

	preset(&stats, 5, half - 10);
	lenscap_stats_add(&stats, LENSCAP_PASSED, 9);
	CHECK_EQ(stats.bytes[LENSCAP_PASSED], 0);
	lenscap_stats_add(&stats, LENSCAP_PASSED, 65535);
	CHECK_EQ(stats.bytes[LENSCAP_PASSED], 1);
	CHECK_EQ(bytes_of(&stats, LENSCAP_PASSED), half + 65534);
	CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), 7);
}

TEST(stats_carry_both_at_once)
{
	struct lenscap_stats stats;

	preset(&stats, (1ULL << 23) - 1, (1ULL << 39) - 1);
	lenscap_stats_add(&stats, LENSCAP_PASSED, 1);
	CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), 1ULL << 23);
	CHECK_EQ(bytes_of(&stats, LENSCAP_PASSED), 1ULL << 39);
	CHECK_EQ(stats.counts[LENSCAP_PASSED].value, 0);
}

/* Whoever finds the lock taken goes on, and the next frame carries. */
TEST(stats_carry_later_if_somebody_reads)
{
	struct lenscap_stats stats;

	preset(&stats, (1ULL << 23) - 1, 0);
	stats.lock.value = 1;
	lenscap_stats_add(&stats, LENSCAP_PASSED, 1);
	lenscap_stats_add(&stats, LENSCAP_PASSED, 1);
	CHECK_EQ(stats.packets[LENSCAP_PASSED], 0);
	stats.lock.value = 0;
	CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), (1ULL << 23) + 1);
	lenscap_stats_add(&stats, LENSCAP_PASSED, 1);
	CHECK_EQ(stats.packets[LENSCAP_PASSED], 1);
	CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), (1ULL << 23) + 2);
}

#define THREADS		3
#define FRAMES		1500000

static void *add(void *p)
{
	u32 i;

	for (i = 0; i < FRAMES; i++)
		lenscap_stats_add(p, LENSCAP_PASSED, 3);
	return NULL;
}

TEST(stats_are_exact_while_many_count_and_one_reads)
{
	static struct lenscap_stats stats;
	u64 start = (1ULL << 23) - FRAMES, before = 0, now = 0;
	u64 end = start + (u64)THREADS * FRAMES;
	pthread_t threads[THREADS];
	u32 i, backwards = 0;

	preset(&stats, start, (1ULL << 39) - 1000);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, add, &stats))
			FAIL("no thread");
	while (now < end) {
		now = packets_of(&stats, LENSCAP_PASSED);
		backwards += now < before;
		before = now;
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(backwards, 0);
	CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), end);
	CHECK_EQ(bytes_of(&stats, LENSCAP_PASSED),
		 (1ULL << 39) - 1000 + 3ULL * THREADS * FRAMES);
	/* If the reader was put aside all the while, the next frame carries. */
	lenscap_stats_add(&stats, LENSCAP_PASSED, 3);
	CHECK_EQ(packets_of(&stats, LENSCAP_PASSED), end + 1);
	CHECK_EQ(stats.packets[LENSCAP_PASSED], 1);
}

TEST(stats_know_when_the_last_frame_came)
{
	struct lenscap_stats stats = { 0 };

	CHECK_EQ(lenscap_stats_seen(&stats), 0);
	lenscap_stats_add(&stats, LENSCAP_DROPPED, 1);
	CHECK_EQ(lenscap_stats_seen(&stats), host_now);
	host_jiffies += 10 * HZ;
	host_now += 10000;
	CHECK_EQ(lenscap_stats_seen(&stats), host_now - 10000);
	/* a look between two ticks */
	host_now += 3;
	CHECK_EQ(lenscap_stats_seen(&stats), host_now - 10003);
	/* somebody sets the clock */
	host_now -= 3600000;
	CHECK_EQ(lenscap_stats_seen(&stats), host_now - 10000);
}

/* Messages that may be sent at once. */
static u32 sent(struct lenscap_stats *stats, u32 tries)
{
	u32 n = 0;

	while (tries--)
		n += lenscap_stats_icmp(stats);
	return n;
}

TEST(stats_bound_icmp)
{
	struct lenscap_stats stats = { 0 };
	u32 i;

	host_jiffies = 1000 * HZ;
	CHECK_EQ(sent(&stats, 100), LENSCAP_ICMP_BURST);
	/* one more for each tenth of a second, whether it was tried before */
	for (i = 0; i < 50; i++) {
		host_jiffies += HZ / LENSCAP_ICMP_RATE;
		CHECK_EQ(sent(&stats, 3), 1);
	}
	host_jiffies += HZ;
	CHECK_EQ(sent(&stats, 100), LENSCAP_ICMP_RATE);
	host_jiffies += 100 * HZ;
	CHECK_EQ(sent(&stats, 100), LENSCAP_ICMP_BURST);
	/* who sends at the rate is never refused */
	host_jiffies += 100 * HZ;
	for (i = 0; i < 200000; i++) {
		host_jiffies += HZ / LENSCAP_ICMP_RATE;
		CHECK_EQ(sent(&stats, 1), 1);
	}
}

/* Wherever the 16 bits of the clock stand, a device gets no more than a burst. */
TEST(stats_bound_icmp_over_the_wrap)
{
	struct lenscap_stats stats = { 0 };
	u32 i, n;

	host_jiffies = 0;
	for (i = 0; i < 3000; i++) {
		host_jiffies += (u64)(HZ / LENSCAP_ICMP_RATE) * (i * 37 + 25);
		n = sent(&stats, 30);
		CHECK(n <= LENSCAP_ICMP_BURST && n > 0);
	}
}

static void *race(void *arg)
{
	return (void *)(unsigned long)sent(arg, 1000);
}

TEST(stats_bound_icmp_on_all_processors)
{
	struct lenscap_stats stats = { 0 };
	pthread_t threads[THREADS];
	unsigned long all = 0;
	void *n;
	u32 i;

	host_jiffies = 1000 * HZ;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, race, &stats))
			FAIL("no thread");
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &n);
		all += (unsigned long)n;
	}
	CHECK_EQ(all, LENSCAP_ICMP_BURST);
}
