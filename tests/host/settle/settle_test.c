// SPDX-License-Identifier: GPL-2.0-only
/* How long fragments wait after a change, and whose. */
#include "settle.h"
#include "tap.h"

TAP_MAIN

u64 host_seconds;
const struct lc_trie_type lenscap_device_names, lenscap_profile_names;

static struct lenscap_profile profile;
static struct lenscap_policy live = { .profile = &profile };
static struct lenscap_generation next;
static struct lenscap_net net;

/* What a commit adds and takes away, and what it leaves as it is. */
static const void *added, *removed, *kept;
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

const void *lc_trie_next(const struct lc_trie_type *type,
			 const struct lc_trie *trie, u64 *position)
{
	(void)type;
	(void)trie;
	return (*position)++ ? NULL : kept;
}

static void make(void)
{
	lenscap_settle_destroy(&net);
	net = (struct lenscap_net){ 0 };
	CHECK(!lenscap_settle_create(&net));
	*host_fragment_wait = 60;
	host_seconds += 100000;
}

static void end(void)
{
	lenscap_settle_destroy(&net);
	CHECK(!net.settle);
}

/* Commit a change to devices, or to profiles. */
static void commit(const struct lc_trie *trie, const void *old, const void *new)
{
	tries = trie;
	removed = old;
	added = new;
	next.number++;
	lenscap_settle_begin(&net, &live, &next);
}

static struct lenscap_device bound_to(const u8 *packed, size_t size)
{
	struct lenscap_device device = { .core.naddrs = 1 };

	memcpy(device.core.bound, packed, size);
	return device;
}

/* Of 10.0.0.@last, or a prefix of that. */
static struct lenscap_device camera(u8 last, u8 len)
{
	const u8 packed[5] = { len, 10, 0, 0, last };

	return bound_to(packed, sizeof(packed));
}

/* The same of fd00::@last. */
static struct lenscap_device camera6(u8 last, u8 len)
{
	const u8 packed[17] = { LC_PACKED_IPV6 + len, 0xfd, [16] = last };

	return bound_to(packed, sizeof(packed));
}

static bool settled4(u8 last)
{
	const u8 src[16] = { 10, 0, 0, last };

	return lenscap_settled(&net, 4, src);
}

static bool settled6(u8 last)
{
	const u8 src[16] = { 0xfd, [15] = last };

	return lenscap_settled(&net, 6, src);
}

static void change_device(void)
{
	struct lenscap_device one = camera(1, 32);

	commit(&next.policy.devices, NULL, &one);
}

static void change_guard(void)
{
	lenscap_settle_guard(&net);
}

/* Seconds after a change until fragments pass; the clock was at @now. */
static u64 held(void (*change)(void), u64 now, u32 wait)
{
	make();
	*host_fragment_wait = wait;
	host_seconds = now;
	change();
	while (!settled4(1) && host_seconds - now < 10000)
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
	void (*const changes[])(void) = { change_device, change_guard };
	u32 wait, i;

	make();
	for (wait = 1; wait <= 3600; wait++)
		for (i = 0; i < 2; i++) {
			u64 got = held(changes[i], 1000000 + wait, wait);

			if (got < needed(wait) ||
			    got > needed(wait) + wait / 32 + 4)
				FAIL("%u s: held for %llu, needs %llu", wait,
				     (unsigned long long)got,
				     (unsigned long long)needed(wait));
		}
	CHECK(held(change_device, 5, 1000000) == held(change_device, 5, 3600));
	/* For good. */
	*host_fragment_wait = 3600;
	host_seconds++;
	CHECK(settled4(1));
	end();
}

TEST(no_wait)
{
	make();
	CHECK(!held(change_device, 99, 0));
	/* Not forgotten: somebody may want it again. */
	*host_fragment_wait = 60;
	CHECK(!settled4(1));
	host_seconds += needed(60) + 8;
	CHECK(settled4(1));
	end();
}

TEST(whoever_has_the_address)
{
	struct lenscap_device one = camera(17, 32), pool = camera(16, 28);
	struct lenscap_device six = camera6(1, 128), lan = camera6(0, 64);
	const u8 other[16] = { 0xfd, [7] = 1 };
	struct lenscap_device any = camera(0, 0);

	/* Also who has it by another entry, whether one comes or goes. */
	make();
	commit(&next.policy.devices, &one, NULL);
	CHECK(net.changed && !net.since);
	CHECK(!settled4(17));
	CHECK(settled4(18));
	CHECK(settled6(1));
	commit(&next.policy.devices, NULL, &pool);
	CHECK(!settled4(18));
	CHECK(!settled4(31));
	CHECK(settled4(32));
	make();
	commit(&next.policy.devices, NULL, &six);
	CHECK(!settled6(1));
	CHECK(settled6(2));
	CHECK(settled4(1));
	commit(&next.policy.devices, NULL, &lan);
	CHECK(!settled6(2));
	CHECK(lenscap_settled(&net, 6, other));
	commit(&next.policy.devices, NULL, &any);
	CHECK(!settled4(99));
	end();
}

TEST(those_with_a_profile_that_changes)
{
	struct lenscap_profile old = { .ruleset = &old }, same = old;
	struct lenscap_profile other = { .ruleset = &other };
	struct lenscap_device one = camera(1, 32);

	make();
	kept = &one;
	live.profile = &old;
	next.policy.profile = &same;
	commit(&next.policy.profiles, &old, &same);
	CHECK(!net.changed);
	CHECK(settled4(1));
	next.policy.profile = &other;
	commit(&next.policy.profiles, &old, &other);
	CHECK(net.changed && !net.since);
	CHECK(!settled4(1));
	CHECK(settled4(2));
	host_seconds += needed(60) + 8;
	CHECK(settled4(1));
	/* It is kept, while another changes. */
	commit(&next.policy.profiles, NULL, NULL);
	CHECK(settled4(1));
	same.core.mode = LENSCAP_MODE_QUARANTINE;
	next.policy.profile = &same;
	commit(&next.policy.profiles, &old, &same);
	CHECK(!settled4(1));
	kept = NULL;
	end();
}

TEST(nothing_to_note_before_the_first_guard)
{
	lenscap_settle_destroy(&net);
	net = (struct lenscap_net){ 0 };
	change_device();
	CHECK(!net.changed && !net.since);
}

/* A commit in which something of @trie changes: does the whole namespace wait? */
static bool all_wait(const struct lc_trie *trie, const void *old, const void *new)
{
	make();
	commit(trie, old, new);
	CHECK(net.since == 0 || net.changed);
	return net.since;
}

TEST(all_wait_when_an_audit_ends)
{
	struct lenscap_profile audit = { .core.mode = LENSCAP_MODE_AUDIT };
	struct lenscap_profile enforce = { .core.mode = LENSCAP_MODE_ENFORCE };
	struct lenscap_device one = { 0 }, two = { 0 };

	/* A profile leaves it, is removed from it, or stays. */
	live.profile = &audit;
	next.policy.profile = &enforce;
	CHECK(all_wait(&next.policy.profiles, &audit, &enforce));
	next.policy.profile = NULL;
	CHECK(all_wait(&next.policy.profiles, &audit, NULL));
	next.policy.profile = &audit;
	CHECK(!all_wait(&next.policy.profiles, &audit, &audit));
	/* So does a device of one. */
	CHECK(all_wait(&next.policy.devices, &one, &two));
	CHECK(all_wait(&next.policy.devices, &one, NULL));
	/* What was enforced was held to its addresses. */
	live.profile = &enforce;
	CHECK(!all_wait(&next.policy.devices, &one, &two));
	CHECK(!all_wait(&next.policy.profiles, &enforce, &audit));
	CHECK(!all_wait(&next.policy.profiles, NULL, NULL));
	end();
}

static struct ip_header ip;

/* A whole IPv4 packet of 10.0.0.@last, of no more than 1,000 bytes each piece. */
static struct lc_frame whole(u8 last, u16 ident, bool df, u32 len)
{
	ip = (struct ip_header){
		.id = htons(ident),
		.frag_off = htons(df ? IP_DF : 0),
		.protocol = IPPROTO_UDP,
		.saddr = htonl(10U << 24 | last),
	};
	return (struct lc_frame){
		.data = (const u8 *)&ip,
		.cap = sizeof(ip),
		.len = len,
		.ethertype = ETH_P_IP,
		.gso = len > 1000,
		.gso_size = len > 1000 ? 1000 : 0,
	};
}

static bool asks(const struct lc_frame *frame)
{
	return lenscap_settle_cuts(frame) && lenscap_settle_asks(&net, frame);
}

TEST(packets_that_may_be_cut_up)
{
	struct lc_frame frame = whole(1, 0, false, 1000);

	make();
	CHECK(!asks(&frame));
	change_device();
	CHECK(asks(&frame));
	frame = whole(2, 0, false, 1000);
	CHECK(!asks(&frame));
	frame = whole(1, 0, true, 1000);
	CHECK(!asks(&frame));
	/* Segments keep what it says, fragments do not. */
	frame = whole(1, 0, true, 9000);
	CHECK(!asks(&frame));
	frame.ufo = true;
	CHECK(asks(&frame));
	frame.len = 36;
	CHECK(asks(&frame));
	frame = whole(1, 0, false, 1000);
	frame.ethertype = 0x86dd;
	CHECK(!asks(&frame));
	frame = whole(1, 0, false, 68);
	CHECK(!asks(&frame));
	frame = whole(1, 0, false, 1000);
	frame.cap = sizeof(ip) - 1;
	CHECK(!asks(&frame));
	frame.cap++;
	host_seconds += needed(60) + 8;
	/* Any that may be cut up ends the asking. */
	frame = whole(2, 0, false, 1000);
	CHECK(!asks(&frame));
	CHECK(!net.changed);
	end();
}

/* May a packet of 10.0.0.@last not pass? */
static bool waits_for(u8 last, u16 ident, u32 len)
{
	const struct lc_key key = { .family = 4, .src = { 10, 0, 0, last } };
	struct lc_frame frame = whole(last, ident, false, len);

	return lenscap_settle_waits(&net, &frame, &key);
}

static void begin_as(const struct lenscap_device *device, u8 last, u16 ident)
{
	const struct lc_key key = {
		.family = 4, .src = { 10, 0, 0, last }, .ident = ident,
	};

	lenscap_settle_first(&net, device ? &device->core : NULL, &key);
}

TEST(wait_with_their_first_fragments)
{
	const struct lc_key six = { .family = 6, .ident = 99 };
	struct lenscap_device one = camera(1, 32);
	u32 wait;

	make();
	for (wait = 1; wait <= 60; wait += 59) {
		*host_fragment_wait = wait;
		host_seconds += 5000;
		CHECK(!waits_for(1, 77, 500));
		begin_as(&one, 1, 77);
		lenscap_settle_first(&net, &one.core, &six);
		CHECK(waits_for(1, 77, 500));
		/* Another packet, but for chance: one of 64 places is taken. */
		CHECK(!waits_for(1, 79, 500));
		CHECK(!waits_for(1, 99, 500));
		CHECK(!waits_for(2, 77, 500));
		host_seconds += needed(wait) - 1;
		CHECK(waits_for(1, 77, 500));
		host_seconds += 8;
		CHECK(!waits_for(1, 77, 500));
	}
	end();
}

/* Segments have identifications one after the other, fragments the same. */
TEST(super_packets_wait_with_any_of_their_pieces)
{
	struct lenscap_device one = camera(1, 32);
	const struct lc_key key = { .family = 4, .src = { 10, 0, 0, 1 } };
	const struct lc_key other = { .family = 4, .src = { 10, 0, 0, 2 } };
	struct lc_frame frame;
	u32 i;

	make();
	begin_as(&one, 1, 3);
	for (i = 0; i < 9; i++)
		CHECK(waits_for(1, 3 - i, 9000));
	CHECK(waits_for(1, 3, 500));
	/* But for chance. */
	CHECK(!waits_for(1, 4, 3000));
	frame = whole(1, 3, false, 9000);
	frame.ufo = true;
	CHECK(lenscap_settle_waits(&net, &frame, &key));
	frame = whole(1, 2, false, 9000);
	CHECK(lenscap_settle_waits(&net, &frame, &key));
	frame.ufo = true;
	CHECK(!lenscap_settle_waits(&net, &frame, &key));
	/* More than are looked at, and of any size. */
	frame = whole(2, 0, false, 128001);
	CHECK(lenscap_settle_waits(&net, &frame, &other));
	frame = whole(2, 0, false, 9000);
	CHECK(!lenscap_settle_waits(&net, &frame, &other));
	frame.gso_size = GSO_BY_FRAGS;
	CHECK(lenscap_settle_waits(&net, &frame, &other));
	end();
}

/* Whatever the device is called, and by which entry it has the address. */
TEST(wait_with_what_others_began_under_their_address)
{
	struct lenscap_device pool = camera(0, 24), gone = camera(1, 32);
	struct lenscap_device stranger = camera(9, 32);
	const struct lenscap_device *from[] = { &pool, &gone, &stranger, NULL };
	u32 i;

	for (i = 0; i < 4; i++) {
		make();
		begin_as(from[i], 1, 5);
		CHECK(waits_for(1, 5, 500));
		CHECK(!waits_for(1, 6, 500));
		CHECK(waits_for(1, 1, 9000));
	}
	end();
}

/* Noted by another processor, whose clock is ahead: not forgotten. */
TEST(clock_that_is_behind)
{
	struct lenscap_device one = camera(1, 32);

	make();
	host_seconds++;
	change_device();
	begin_as(&one, 1, 5);
	host_seconds--;
	CHECK(!settled4(1));
	CHECK(waits_for(1, 5, 500));
	/* And never back. */
	lenscap_settle_guard(&net);
	host_seconds++;
	lenscap_settle_guard(&net);
	host_seconds--;
	lenscap_settle_guard(&net);
	host_seconds += 72;
	CHECK(!settled4(1));
	host_seconds += 8;
	CHECK(settled4(1));
	end();
}

/* How many of 256 packets wait. */
static u32 waiting(u8 last)
{
	u32 n = 0, i;

	for (i = 0; i < 256; i++)
		n += waits_for(last, 0x8000 + i, 500);
	return n;
}

TEST(who_floods_stops_itself)
{
	struct lenscap_device one = camera(1, 32), other = camera(3, 32);
	struct lc_key six = { .family = 6 };
	u32 i;

	make();
	for (i = 0; i < 4096; i++)
		begin_as(&one, 1, i);
	CHECK(waiting(1) == 256);
	CHECK(!waiting(2));
	/* Under the address of another; and of IPv6, from however many. */
	for (i = 0; i < 600; i++) {
		begin_as(&other, 2, i);
		six.ident = i;
		six.src[8] = i;
		lenscap_settle_first(&net, &one.core, &six);
	}
	if (waiting(2) > 12)
		FAIL("%u of 256 wait", waiting(2));
	end();
}
