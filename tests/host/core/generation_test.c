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
	CHECK(!lc_generation_by_mac(gen, 1, mac, NULL));
	CHECK(!lc_generation_by_addr(gen, 1, LC_FAMILY_IPV4, addr, NULL));
	CHECK(!lc_generation_slot(gen, 0));
	CHECK_EQ(lc_generation_bytes(gen), 0);
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
	CHECK(lc_generation_by_mac(w.gen, 1, (const u8 *)MAC_A, NULL) == devices[1]);
	CHECK(lc_generation_slot(w.gen, 2)->profile == &w.profiles[0]);
	CHECK_EQ(lc_generation_slot(w.gen, 2)->users, 1);
	CHECK_EQ(lc_generation_slot(w.gen, 2)->class, 9);
	CHECK(!lc_generation_slot(w.gen, 0)->profile);
	CHECK(!lc_generation_slot(w.gen, 4096));
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
	CHECK(lc_generation_by_mac(w.gen, 1, (const u8 *)MAC_A, NULL) == w.devices[0]);
	CHECK(lc_generation_by_mac(w.gen, 2, (const u8 *)MAC_A, NULL) == w.devices[1]);
	CHECK(!lc_generation_by_mac(w.gen, 3, (const u8 *)MAC_A, NULL));
	CHECK(lc_generation_by_mac(w.gen, 1, (const u8 *)MAC_B, NULL) == w.devices[2]);
	CHECK(lc_generation_by_mac(w.gen, 0xffff, (const u8 *)MAC_B, NULL) ==
	      w.devices[2]);
	CHECK(!lc_generation_by_mac(w.gen, 1, (const u8 *)CAM_MAC, NULL));
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
	CHECK(lc_generation_by_addr(w.gen, 1, 4, four, NULL) == w.devices[0]);
	CHECK(lc_generation_by_addr(w.gen, 2, 4, four, NULL) == w.devices[1]);
	CHECK(!lc_generation_by_addr(w.gen, 3, 4, four, NULL));
	CHECK(lc_generation_by_addr(w.gen, 1, 6, six, NULL) == w.devices[0]);
	CHECK(!lc_generation_by_addr(w.gen, 2, 6, six, NULL));
	/* the same bytes in the other family are another address */
	CHECK(!lc_generation_by_addr(w.gen, 1, 6, four, NULL));
	addr_of(NVR4, four, &family);
	CHECK(lc_generation_by_addr(w.gen, 9, 4, four, NULL) == w.devices[2]);
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

enum { MANY = 3000 };

/* Devices on three guards, every other with a MAC, one address each. */
static struct lc_device *one_of_many(u32 i)
{
	struct lc_prefix addr = prefix_of("10.0.0.0/32");
	struct lc_device *d;

	addr.addr[2] = i >> 8;
	addr.addr[3] = i & 255;
	d = device_create(&addr, 1);
	d->guard = i % 3;
	d->has_mac = i % 2;
	d->profile = i % 300;
	memcpy(d->mac, (u8[]){ 2, 0, 0, 0, i >> 8, i & 255 }, 6);
	return d;
}

/* How many devices the generation does not find as it should. */
static u32 missed(const struct lc_generation *gen,
		  struct lc_device *const *devices)
{
	u32 i, count = 0;

	for (i = 0; i < MANY; i++) {
		const struct lc_device *d = devices[i], *found;
		struct lc_prefix addr = device_addr(d, 0);
		u16 guard = d->guard ? d->guard : 77;
		u32 slot = ~0U;

		found = d->has_mac ?
			lc_generation_by_mac(gen, guard, d->mac, &slot) :
			lc_generation_by_addr(gen, guard, 4, addr.addr, &slot);
		count += found != d || slot != d->profile;
		found = d->has_mac ?
			lc_generation_by_addr(gen, guard, 4, addr.addr, NULL) :
			lc_generation_by_mac(gen, guard, d->mac, NULL);
		count += found != NULL;
		found = lc_generation_by_mac(gen, 78, d->mac, NULL);
		count += found != (d->has_mac && !d->guard ? d : NULL);
	}
	return count;
}

TEST(generation_of_many_devices_finds_each)
{
	static struct lc_device *devices[MANY];
	static struct lc_profile profile;
	static const struct lc_profile *profiles[300];
	struct lc_policy policy = {
		.devices = (const struct lc_device *const *)devices,
		.ndevices = MANY, .profiles = profiles, .nprofiles = 300,
		.seed = { 0xdeadbeef, 42 },
	};
	struct lc_generation *gen = NULL, next;
	struct lc_conflict conflict;
	u64 before = env_bytes();
	u32 i;

	for (i = 0; i < 300; i++)
		profiles[i] = &profile;
	for (i = 0; i < MANY; i++)
		devices[i] = one_of_many(i);
	CHECK_EQ(lc_generation_create(&policy, &gen, &conflict), 0);
	CHECK(lc_generation_bytes(gen) <= env_bytes() - before);
	CHECK_EQ(missed(gen, devices), 0);

	/* The next one shares what it does not change. */
	before = env_bytes();
	lc_generation_share(&next, gen);
	CHECK_EQ(lc_generation_remove(&next, devices[17]), 0);
	CHECK_EQ(lc_generation_remove(&next, devices[18]), 0);
	CHECK_EQ(lc_generation_set_profile(&next, 250, NULL), 0);
	CHECK(env_bytes() - before < lc_generation_bytes(gen) / 4);
	CHECK_EQ(missed(&next, devices), 2);
	CHECK_EQ(missed(gen, devices), 0);
	CHECK(!lc_generation_slot(&next, 250)->profile);
	CHECK(lc_generation_slot(gen, 250)->profile == &profile);
	CHECK_EQ(lc_generation_add(&next, devices[18], &conflict), 0);
	CHECK_EQ(lc_generation_add(&next, devices[18], &conflict), 0);
	CHECK_EQ(lc_generation_add(&next, devices[17], &conflict), 0);
	CHECK_EQ(lc_generation_add(&next, devices[17], &conflict), -EEXIST);
	CHECK_EQ(missed(&next, devices), 0);
	lc_generation_destroy(gen);
	CHECK_EQ(missed(&next, devices), 0);
	lc_generation_drop(&next);
	for (i = 0; i < MANY; i++)
		free(devices[i]);
	CHECK_EQ(env_live(), 0);
}
