// SPDX-License-Identifier: GPL-2.0-only
/* Generations: identities, conflicts, memory. */
#include "world.h"

#define MAC_A "\x02\x00\x00\x00\x00\x0a"
#define MAC_B "\x02\x00\x00\x00\x00\x0b"

/* Two devices with these guards and MACs or addresses. */
static int two(u16 guard_a, const char *mac_a, const char *addrs_a,
	       u16 guard_b, const char *mac_b, const char *addrs_b)
{
	struct world w;
	int err;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 0, NULL, 0);
	world_device(&w, guard_a, mac_a, 0, addrs_a);
	world_device(&w, guard_b, mac_b, 0, addrs_b);
	err = world_commit(&w);
	if (err == -EEXIST) {
		CHECK(w.conflict.first != w.conflict.second);
		CHECK(w.conflict.first == w.devices[0] ||
		      w.conflict.first == w.devices[1]);
		CHECK(w.conflict.second == w.devices[0] ||
		      w.conflict.second == w.devices[1]);
	}
	world_end(&w);
	return err;
}

TEST(generation_refuses_one_mac_twice)
{
	CHECK_EQ(two(1, MAC_A, CAM4, 1, MAC_A, NVR4), -EEXIST);
	CHECK_EQ(two(0, MAC_A, CAM4, 0, MAC_A, NVR4), -EEXIST);
	CHECK_EQ(two(0, MAC_A, CAM4, 7, MAC_A, NVR4), -EEXIST);
	CHECK_EQ(two(7, MAC_A, CAM4, 0, MAC_A, NVR4), -EEXIST);
	CHECK_EQ(two(1, MAC_A, CAM4, 1, MAC_B, NVR4), 0);
}

TEST(generation_takes_one_mac_on_two_guards)
{
	CHECK_EQ(two(1, MAC_A, CAM4, 2, MAC_A, CAM4), 0);
}

TEST(generation_refuses_one_address_identity_twice)
{
	CHECK_EQ(two(1, NULL, CAM4, 1, NULL, CAM4), -EEXIST);
	CHECK_EQ(two(0, NULL, CAM4, 1, NULL, CAM4), -EEXIST);
	CHECK_EQ(two(1, NULL, CAM4, 0, NULL, CAM4), -EEXIST);
	CHECK_EQ(two(1, NULL, CAM4, 2, NULL, CAM4), 0);
	CHECK_EQ(two(1, NULL, CAM6 " " CAM4, 1, NULL, NVR4 " " CAM6), -EEXIST);
	CHECK_EQ(two(1, NULL, CAM4, 1, NULL, CAM6), 0);
}

TEST(generation_keeps_the_identities_apart)
{
	CHECK_EQ(two(1, MAC_A, CAM4, 1, NULL, CAM4), 0);
	/* with a MAC, addresses are no identity */
	CHECK_EQ(two(1, MAC_A, CAM4, 1, MAC_B, CAM4), 0);
	CHECK_EQ(two(1, MAC_A, "0.0.0.0/0", 1, MAC_B, CAM4), 0);
}

TEST(device_may_list_an_address_twice)
{
	struct world w;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 0, NULL, 0);
	world_device(&w, 1, NULL, 0, CAM4 " " CAM6 " " CAM4);
	world_device(&w, 1, MAC_A, 0, CAM4 " " CAM4);
	CHECK_EQ(world_commit(&w), 0);
	world_end(&w);
}

TEST(generation_refuses_a_prefix_as_identity)
{
	CHECK_EQ(two(1, NULL, "10.30.0.0/31", 1, MAC_B, CAM4), -EINVAL);
	CHECK_EQ(two(1, NULL, "2001:db8::/127", 1, MAC_B, CAM4), -EINVAL);
	CHECK_EQ(two(1, NULL, "0.0.0.0/0", 1, MAC_B, CAM4), -EINVAL);
	CHECK_EQ(two(1, MAC_A, "10.30.0.0/31", 1, MAC_B, CAM4), 0);
}

TEST(generation_refuses_malformed_addresses)
{
	CHECK_EQ(two(1, MAC_A, "10.30.0.1/31", 1, MAC_B, CAM4), -EINVAL);
	CHECK_EQ(two(1, MAC_A, CAM4, 1, MAC_B, CAM4 " 2001:db8::1/127"),
		 -EINVAL);
}

TEST(generation_refuses_a_device_without_its_profile)
{
	struct lc_device device = { .guard = 1, .has_mac = true };
	const struct lc_device *devices[] = { NULL, &device };
	const struct lc_profile *profiles[] = { NULL };
	struct lc_policy policy = {
		.devices = devices, .ndevices = 2,
		.profiles = profiles, .nprofiles = 1,
	};
	struct lc_generation *gen = NULL;
	struct lc_conflict conflict;

	CHECK_EQ(lc_generation_create(&policy, &gen, &conflict), -EINVAL);
	CHECK(conflict.first == &device && !conflict.second);
	device.profile = 1;
	CHECK_EQ(lc_generation_create(&policy, &gen, &conflict), -EINVAL);
	policy.nprofiles = 0;
	device.profile = 0;
	CHECK_EQ(lc_generation_create(&policy, &gen, &conflict), -EINVAL);
	CHECK(!gen);
	CHECK_EQ(env_live(), 0);
}

TEST(generation_of_nothing)
{
	static const u8 mac[6];
	struct lc_policy policy = { 0 };
	struct lc_generation *gen = NULL;
	struct lc_conflict conflict;
	u8 addr[16] = { 0 };

	CHECK_EQ(lc_generation_create(&policy, &gen, &conflict), 0);
	CHECK(!lc_generation_by_mac(gen, 1, mac));
	CHECK(!lc_generation_by_addr(gen, 1, LC_FAMILY_IPV4, addr));
	CHECK(lc_generation_bytes(gen) > 0);
	lc_generation_destroy(gen);
	lc_generation_destroy(NULL);
	CHECK_EQ(env_live(), 0);
}

TEST(generation_skips_empty_slots)
{
	struct world w;
	const struct lc_device *devices[3] = { NULL, NULL, NULL };
	const struct lc_profile *profiles[3] = { NULL, NULL, NULL };
	struct lc_policy policy = {
		.devices = devices, .ndevices = 3,
		.profiles = profiles, .nprofiles = 3,
	};

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 9, NULL, 0);
	devices[1] = world_device(&w, 1, MAC_A, 2, CAM4);
	profiles[2] = &w.profiles[0];
	CHECK_EQ(lc_generation_create(&policy, &w.gen, &w.conflict), 0);
	CHECK(lc_generation_by_mac(w.gen, 1, (const u8 *)MAC_A) == devices[1]);
	CHECK(lc_generation_profile(w.gen, 2) == &w.profiles[0]);
	CHECK(!lc_generation_profile(w.gen, 0));
	world_end(&w);
}

TEST(generation_lookup_by_mac)
{
	struct world w;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 0, NULL, 0);
	world_device(&w, 1, MAC_A, 0, CAM4);
	world_device(&w, 2, MAC_A, 0, CAM4);
	world_device(&w, LC_GUARD_ANY, MAC_B, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	CHECK(lc_generation_by_mac(w.gen, 1, (const u8 *)MAC_A) == w.devices[0]);
	CHECK(lc_generation_by_mac(w.gen, 2, (const u8 *)MAC_A) == w.devices[1]);
	CHECK(!lc_generation_by_mac(w.gen, 3, (const u8 *)MAC_A));
	CHECK(lc_generation_by_mac(w.gen, 1, (const u8 *)MAC_B) == w.devices[2]);
	CHECK(lc_generation_by_mac(w.gen, 0xffff, (const u8 *)MAC_B) ==
	      w.devices[2]);
	CHECK(!lc_generation_by_mac(w.gen, 1, (const u8 *)CAM_MAC));
	world_end(&w);
}

TEST(generation_lookup_by_address)
{
	struct world w;
	u8 four[16], six[16], family;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 0, NULL, 0);
	world_device(&w, 1, NULL, 0, CAM4 " " CAM6);
	world_device(&w, 2, NULL, 0, CAM4);
	world_device(&w, LC_GUARD_ANY, NULL, 0, NVR4);
	CHECK_EQ(world_commit(&w), 0);
	addr_of(CAM4, four, &family);
	addr_of(CAM6, six, &family);
	CHECK(lc_generation_by_addr(w.gen, 1, 4, four) == w.devices[0]);
	CHECK(lc_generation_by_addr(w.gen, 2, 4, four) == w.devices[1]);
	CHECK(!lc_generation_by_addr(w.gen, 3, 4, four));
	CHECK(lc_generation_by_addr(w.gen, 1, 6, six) == w.devices[0]);
	CHECK(!lc_generation_by_addr(w.gen, 2, 6, six));
	/* the same bytes in the other family are another address */
	CHECK(!lc_generation_by_addr(w.gen, 1, 6, four));
	addr_of(NVR4, four, &family);
	CHECK(lc_generation_by_addr(w.gen, 9, 4, four) == w.devices[2]);
	world_end(&w);
}

TEST(generation_survives_failed_allocations)
{
	struct world w;
	unsigned long nth, before;
	int err;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 0, NULL, 0);
	world_device(&w, 1, MAC_A, 0, CAM4);
	world_device(&w, 1, NULL, 0, CAM4 " " CAM6);
	before = env_live();
	for (nth = 1;; nth++) {
		env_fail_alloc(nth);
		err = world_commit(&w);
		if (!err)
			break;
		CHECK_EQ(err, -ENOMEM);
		CHECK(env_failed());
		CHECK(!w.gen);
		CHECK(!w.conflict.first && !w.conflict.second);
		CHECK_EQ(env_live(), before);
	}
	CHECK(nth > 3);
	env_fail_alloc(0);
	world_end(&w);
}

TEST(generation_knows_its_memory)
{
	struct world w;
	u64 before;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 0, NULL, 0);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 0, NULL, 0);
	world_device(&w, 1, MAC_A, 0, CAM4);
	world_device(&w, 1, NULL, 0, CAM4 " " CAM6);
	before = env_bytes();
	CHECK_EQ(world_commit(&w), 0);
	CHECK_EQ(lc_generation_bytes(w.gen), env_bytes() - before);
	world_end(&w);
}

TEST(generation_of_many_devices_finds_each)
{
	enum { N = 3000 };
	static struct lc_device *devices[N];
	struct lc_profile profile = { 0 };
	const struct lc_profile *profiles[] = { &profile };
	struct lc_policy policy = {
		.devices = (const struct lc_device *const *)devices,
		.ndevices = N, .profiles = profiles, .nprofiles = 1,
		.seed = { 0xdeadbeef, 42 },
	};
	struct lc_generation *gen = NULL;
	struct lc_conflict conflict;
	u32 i, missed = 0;

	for (i = 0; i < N; i++) {
		struct lc_device *d;

		d = calloc(1, sizeof(*d) + sizeof(*d->addrs));
		if (!d)
			abort();
		d->guard = i % 3;
		d->has_mac = i % 2;
		memcpy(d->mac, (u8[]){ 2, 0, 0, 0, i >> 8, i & 255 }, 6);
		d->naddrs = 1;
		d->addrs[0] = prefix_of("10.0.0.0/32");
		d->addrs[0].addr[2] = i >> 8;
		d->addrs[0].addr[3] = i & 255;
		devices[i] = d;
	}
	CHECK_EQ(lc_generation_create(&policy, &gen, &conflict), 0);
	for (i = 0; i < N && gen; i++) {
		const struct lc_device *d = devices[i], *found;
		u16 guard = d->guard ? d->guard : 77;

		found = d->has_mac ?
			lc_generation_by_mac(gen, guard, d->mac) :
			lc_generation_by_addr(gen, guard, 4, d->addrs[0].addr);
		missed += found != d;
		found = d->has_mac ?
			lc_generation_by_addr(gen, guard, 4, d->addrs[0].addr) :
			lc_generation_by_mac(gen, guard, d->mac);
		missed += found != NULL;
		found = lc_generation_by_mac(gen, 78, d->mac);
		missed += found != (d->has_mac && !d->guard ? d : NULL);
	}
	CHECK_EQ(missed, 0);
	lc_generation_destroy(gen);
	for (i = 0; i < N; i++)
		free(devices[i]);
	CHECK_EQ(env_live(), 0);
}
