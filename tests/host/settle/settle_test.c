// SPDX-License-Identifier: GPL-2.0-only
/* How long fragments wait after a change. */
#include "settle.h"
#include "tap.h"

TAP_MAIN

u64 host_seconds;
const struct lc_trie_type lenscap_device_names, lenscap_profile_names;

static struct lenscap_profile profile;
static struct lenscap_policy live, next;
static struct lenscap_generation gen = { .policy = { .profile = &profile } };
static struct lenscap_device device;
static struct lenscap_net net;

/* What a commit adds and takes away. */
static const void *added, *removed;
static const struct lc_trie *tries;

int lc_trie_diff(const struct lc_trie_type *type, const struct lc_trie *from,
		 const struct lc_trie *to, lc_trie_visit visit, void *context)
{
	(void)type;
	(void)from;
	if (to != tries)
		return 0;
	if (removed)
		visit(removed, false, context);
	if (added)
		visit(added, true, context);
	return 0;
}

static bool settled(void)
{
	return lenscap_settled(&net, &gen, &device);
}

/* Seconds after a change until fragments pass; the clock was at @now. */
static u64 held(u16 *since, u64 now, u32 wait)
{
	struct lenscap_net other = { 0 };

	*host_fragment_wait = wait;
	host_seconds = now;
	lenscap_settle_guard(&other);
	*since = other.since;
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
	u16 *const since[] = { &net.since, &device.since, &profile.since };
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

/* A commit in which something of @trie changes: does the whole namespace wait? */
static bool all_wait(const struct lc_trie *trie, const void *old, const void *new)
{
	*host_fragment_wait = 60;
	net = (struct lenscap_net){ 0 };
	tries = trie;
	removed = old;
	added = new;
	lenscap_settle_begin(&net, &live, &next);
	CHECK(net.changed);
	return net.since;
}

TEST(all_wait_when_an_audit_ends)
{
	struct lenscap_profile audit = { .core.mode = LENSCAP_MODE_AUDIT };
	struct lenscap_profile enforce = { .core.mode = LENSCAP_MODE_ENFORCE };
	struct lenscap_device one = { 0 }, two = { 0 };

	/* A profile leaves it, is removed from it, or stays. */
	live.profile = &audit;
	next.profile = &enforce;
	CHECK(all_wait(&next.profiles, &audit, &enforce));
	next.profile = NULL;
	CHECK(all_wait(&next.profiles, &audit, NULL));
	next.profile = &audit;
	CHECK(!all_wait(&next.profiles, &audit, &audit));
	/* So does a device of one. */
	CHECK(all_wait(&next.devices, &one, &two));
	CHECK(all_wait(&next.devices, &one, NULL));
	/* What was enforced was held to its addresses. */
	live.profile = &enforce;
	CHECK(!all_wait(&next.devices, &one, &two));
	CHECK(!all_wait(&next.profiles, &enforce, &audit));
	CHECK(!all_wait(&next.profiles, NULL, NULL));
}

/* A whole IPv4 packet. */
static struct lc_frame whole(struct ip_header *ip, bool df, bool gso)
{
	ip->frag_off = htons(df ? IP_DF : 0);
	ip->protocol = IPPROTO_UDP;
	return (struct lc_frame){
		.data = (const u8 *)ip,
		.cap = sizeof(*ip),
		.len = 1000,
		.ethertype = ETH_P_IP,
		.gso = gso,
	};
}

TEST(packets_that_may_be_cut_up)
{
	struct ip_header ip;
	struct lc_frame frame = whole(&ip, false, false);

	*host_fragment_wait = 60;
	host_seconds = 5000;
	net = (struct lenscap_net){ 0 };
	CHECK(!lenscap_settle_cuts(&net, &frame));
	lenscap_settle_guard(&net);
	CHECK(lenscap_settle_cuts(&net, &frame));
	frame = whole(&ip, true, false);
	CHECK(!lenscap_settle_cuts(&net, &frame));
	/* UDP's super-packets are cut up in any case, TCP's keep what they say. */
	frame = whole(&ip, true, true);
	CHECK(lenscap_settle_cuts(&net, &frame));
	ip.protocol = IPPROTO_TCP;
	CHECK(!lenscap_settle_cuts(&net, &frame));
	frame = whole(&ip, false, false);
	frame.ethertype = 0x86dd;
	CHECK(!lenscap_settle_cuts(&net, &frame));
	frame = whole(&ip, false, false);
	frame.len = 68;
	CHECK(!lenscap_settle_cuts(&net, &frame));
	frame = whole(&ip, false, false);
	frame.cap = sizeof(ip) - 1;
	CHECK(!lenscap_settle_cuts(&net, &frame));
	frame.cap++;
	host_seconds += needed(60) + 8;
	/* Any frame ends the asking. */
	frame = whole(&ip, true, false);
	CHECK(!lenscap_settle_cuts(&net, &frame));
	CHECK(!net.changed);
}

static struct ip_header ip;

/* May a packet of @from with this identification not pass? */
static bool waits_for(struct lenscap_device *from, const struct lc_key *key,
		      u16 ident, bool gso)
{
	struct lc_frame frame = whole(&ip, false, gso);

	ip.id = htons(ident);
	return lenscap_settle_waits(&net, from, &frame, key);
}

static void make(void)
{
	net = (struct lenscap_net){ 0 };
	CHECK(!lenscap_settle_create(&net));
}

static void end(void)
{
	lenscap_settle_destroy(&net);
	CHECK(!net.settle);
}

TEST(wait_with_their_first_fragments)
{
	struct lenscap_device one = { .core.bound = true };
	struct lenscap_device two = { .id = 1, .core.bound = true };
	struct lc_key key = { .family = 4, .src = { 1 }, .dst = { 2 }, .ident = 77 };
	struct lc_key there = key, six = key;
	u32 wait;

	make();
	there.dst[0] = 4;
	six.family = 6;
	six.ident = 99;
	for (wait = 1; wait <= 60; wait += 59) {
		*host_fragment_wait = wait;
		host_seconds += 5000;
		CHECK(!waits_for(&one, &key, 77, false));
		lenscap_settle_first(&net, &one, &key);
		lenscap_settle_first(&net, &one, &six);
		CHECK(waits_for(&one, &key, 77, false));
		/* Another packet, but for chance: one of 64 places is taken. */
		CHECK(!waits_for(&one, &key, 79, false));
		CHECK(!waits_for(&one, &key, 99, false));
		CHECK(!waits_for(&one, &there, 77, false));
		CHECK(!waits_for(&two, &key, 77, false));
		/* Segments have the next ones. */
		CHECK(waits_for(&one, &key, 70, true));
		CHECK(waits_for(&one, &key, 65535 - 20, true));
		CHECK(!waits_for(&two, &key, 70, true));
		host_seconds += needed(wait) - 1;
		CHECK(waits_for(&one, &key, 77, false));
		host_seconds += 8;
		CHECK(!waits_for(&one, &key, 77, false));
	}
	end();
}

TEST(wait_with_what_came_under_their_address)
{
	struct lenscap_device bound = { .core.bound = true }, stranger = { 0 };
	struct lc_key key = { .family = 4, .src = { 1 }, .dst = { 2 }, .ident = 5 };
	struct lenscap_device *from[] = { &stranger, NULL };
	u32 i;

	for (i = 0; i < 2; i++) {
		make();
		*host_fragment_wait = 60;
		lenscap_settle_first(&net, from[i], &key);
		CHECK(waits_for(&bound, &key, 5, false));
		CHECK(!waits_for(&bound, &key, 6, false));
		CHECK(waits_for(&bound, &key, 1, true));
		end();
	}
}

/* How many of 256 packets of a device wait. */
static u32 waiting(struct lenscap_device *from, const struct lc_key *key)
{
	u32 n = 0, i;

	for (i = 0; i < 256; i++)
		n += waits_for(from, key, 0x8000 + i, false);
	return n;
}

TEST(who_floods_stops_itself)
{
	struct lenscap_device one = { .core.bound = true }, other = { .id = 2 };
	struct lenscap_device two = { .id = 1, .core.bound = true };
	struct lc_key key = { .family = 4, .src = { 1 }, .dst = { 2 } };
	struct lc_key six = { .family = 6 };
	u32 i;

	make();
	*host_fragment_wait = 60;
	for (i = 0; i < 4096; i++) {
		key.ident = i;
		lenscap_settle_first(&net, &one, &key);
	}
	CHECK(waiting(&one, &key) == 256);
	CHECK(!waiting(&two, &key));
	/* Under the address of another; and of IPv6, from however many. */
	for (i = 0; i < 600; i++) {
		key.ident = six.ident = i;
		six.src[8] = i;
		lenscap_settle_first(&net, &other, &key);
		lenscap_settle_first(&net, &two, &six);
	}
	if (waiting(&two, &key) > 12)
		FAIL("%u of 256 wait", waiting(&two, &key));
	end();
}
