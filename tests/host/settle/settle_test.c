// SPDX-License-Identifier: GPL-2.0-only
/* How long fragments wait after a change. */
#include "settle.h"
#include "tap.h"

TAP_MAIN

u64 host_seconds;
const struct lc_trie_type lenscap_device_names, lenscap_profile_names;

static struct lenscap_profile profile;
static struct lenscap_generation gen = { .policy = { .profile = &profile } };
static struct lenscap_guard guard;
static struct lenscap_device device;

/* Of what is committed, nothing is asked here. */
int lc_trie_diff(const struct lc_trie_type *type, const struct lc_trie *from,
		 const struct lc_trie *to, lc_trie_visit visit, void *context)
{
	(void)type;
	(void)from;
	(void)to;
	(void)visit;
	(void)context;
	return 0;
}

static bool settled(void)
{
	return lenscap_settled(&guard, &gen, &device);
}

/* Seconds after a change until fragments pass; the clock was at @now. */
static u64 held(u16 *since, u64 now, u32 wait)
{
	*host_fragment_wait = wait;
	host_seconds = now;
	*since = lenscap_settle_now();
	while (!settled() && host_seconds - now < 10000)
		host_seconds++;
	return host_seconds - now;
}

/* The timer wheel fires up to an eighth of 64/63 late (kernel/time/timer.c,
 * calc_index()); the change may come late in a second, and be seen another later.
 */
static u64 needed(u32 wait)
{
	return wait + (wait * 8 + 62) / 63 + 1 + 1;
}

TEST(longer_than_any_fragment_waits)
{
	u32 wait;

	for (wait = 1; wait <= 3600; wait++) {
		u64 got = held(&device.since, 1000000 + wait, wait);

		if (got < needed(wait) || got > needed(wait) + wait / 32 + 4)
			FAIL("%u s: held for %llu, needs %llu", wait,
			     (unsigned long long)got,
			     (unsigned long long)needed(wait));
	}
	CHECK(held(&device.since, 5, 1000000) == held(&device.since, 5, 3600));
}

TEST(each_of_the_three)
{
	u16 *const since[] = { &guard.since, &device.since, &profile.since };
	size_t i;

	for (i = 0; i < 3; i++) {
		CHECK(held(since[i], 777, 60) >= needed(60));
		/* For good: also when the times have come round. */
		host_seconds += 65535;
		CHECK(settled());
		CHECK(!*since[i]);
	}
}

TEST(across_the_end_of_the_circle)
{
	u64 now;

	for (now = 65535 - 70; now < 65535 + 2; now++)
		CHECK(held(&device.since, now, 60) >= needed(60));
}

TEST(no_wait)
{
	CHECK(!held(&device.since, 99, 0));
	/* Not forgotten: somebody may want it again. */
	CHECK(device.since);
	*host_fragment_wait = 60;
	CHECK(!settled());
	host_seconds += needed(60) + 8;
	CHECK(settled());
}
