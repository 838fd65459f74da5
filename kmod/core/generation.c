// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generations: one complete compiled policy.
 *
 * A generation is two tables of devices, one by MAC and one by bound address, and
 * the profiles by number, their slot. It is made from another one: shared at
 * first, at a cost that does not depend on its size, then changed device by
 * device and profile by profile, where only what changes is copied. A generation
 * that packets can see is never changed.
 *
 * Slots lie in pages, and pages in a directory (dir.c), like the bins of a table.
 * The directory is the one thing whose copy grows with the policy: by 8 bytes for
 * 128 profiles, as by 8 for 204 devices.
 *
 * A device that names no guard is known on every guard. Its MAC must then be
 * unique; otherwise the pair of guard and MAC. The hash covers the MAC alone,
 * so that one lookup meets both kinds.
 *
 * Bound addresses are packed behind a device, so that a camera with one IPv4
 * address, its counters and its name need 96 bytes.
 */
#include "core.h"

/**
 * lc_device_packed() - bytes that bound addresses take
 * @addrs: valid prefixes
 * @count: how many
 */
size_t lc_device_packed(const struct lc_prefix *addrs, u32 count)
{
	size_t bytes = 0;

	for (; count; count--, addrs++)
		bytes += addrs->family == LC_FAMILY_IPV4 ? 5 : 17;
	return bytes;
}

/**
 * lc_device_bind() - bind a device to its addresses
 * @device: a device with memory for lc_device_packed() bytes behind it
 * @addrs: valid prefixes
 * @count: how many
 */
void lc_device_bind(struct lc_device *device, const struct lc_prefix *addrs,
		    u32 count)
{
	u8 *to = device->bound;

	device->naddrs = count;
	for (; count; count--, addrs++) {
		bool v4 = addrs->family == LC_FAMILY_IPV4;

		*to++ = v4 ? addrs->len : LC_PACKED_IPV6 + addrs->len;
		memcpy(to, addrs->addr, v4 ? 4 : 16);
		to += v4 ? 4 : 16;
	}
}

/**
 * lc_device_addr() - one of a device's bound addresses
 * @device: the device
 * @index: which one, below its @naddrs
 * @addr: result
 */
void lc_device_addr(const struct lc_device *device, u32 index,
		    struct lc_prefix *addr)
{
	const u8 *at = device->bound;

	while (index--)
		at = lc_next_bound(at);
	memset(addr, 0, sizeof(*addr));
	addr->family = *at < LC_PACKED_IPV6 ? LC_FAMILY_IPV4 : LC_FAMILY_IPV6;
	addr->len = *at < LC_PACKED_IPV6 ? *at : *at - LC_PACKED_IPV6;
	memcpy(addr->addr, at + 1, *at < LC_PACKED_IPV6 ? 4 : 16);
}

struct mac_key {
	u64 mac;
	u16 guard;
};

static bool match_mac(const void *leaf, const void *key)
{
	const struct lc_device *device = leaf;
	const struct mac_key *want = key;

	return lc_mac(device->mac) == want->mac &&
	       lc_guards_meet(device->guard, want->guard);
}

/**
 * lc_generation_search_mac() - find a device that is not where it should be
 * @gen: the generation, with at least one device that has a MAC
 * @guard: the guard's number
 * @mac: as lc_mac() has it
 * @hash: of it
 *
 * Context: any. Return: its entry, or NULL: there is none.
 */
noinline const struct lc_entry *
lc_generation_search_mac(const struct lc_generation *gen, u16 guard, u64 mac,
			 u32 hash)
{
	const struct mac_key key = { .mac = mac, .guard = guard };
	const struct lc_bin *bin = lc_bin_of(gen->macs.bins, hash);

	return lc_bin_search(bin, hash, match_mac, &key);
}

static u32 hash_addr(const struct lc_generation *gen, u8 family,
		     const u8 *addr)
{
	if (family == LC_FAMILY_IPV4)
		return lc_hash(gen->seed, lc_be32(addr), LC_FAMILY_IPV4) >> 32;
	return lc_hash(gen->seed, lc_be64(addr), lc_be64(addr + 8)) >> 32;
}

/**
 * lc_generation_init() - a generation without devices and profiles
 * @gen: the generation
 * @seed: two secret words for its hashes
 */
void lc_generation_init(struct lc_generation *gen, const u64 *seed)
{
	memset(gen, 0, sizeof(*gen));
	memcpy(gen->seed, seed, sizeof(gen->seed));
}

/**
 * lc_generation_share() - a generation that holds the same
 * @to: the other, uninitialised before; to be changed and made live, or dropped
 * @from: the one
 */
void lc_generation_share(struct lc_generation *to,
			 const struct lc_generation *from)
{
	memcpy(to->seed, from->seed, sizeof(to->seed));
	lc_table_share(&to->macs, &from->macs);
	lc_table_share(&to->addrs, &from->addrs);
	to->slots = from->slots;
	if (to->slots)
		lc_ref_get(&to->slots->refs);
}

static const struct lc_dir_type slots_type = {
	.bytes = sizeof(struct lc_page),
	.refs = offsetof(struct lc_page, refs),
};

/**
 * lc_generation_drop() - let go of a generation that no packet can reach
 * @gen: the generation; empty afterwards
 */
void lc_generation_drop(struct lc_generation *gen)
{
	lc_table_drop(&gen->macs);
	lc_table_drop(&gen->addrs);
	lc_dir_put(gen->slots, &slots_type);
	gen->slots = NULL;
}

/**
 * lc_generation_bytes() - memory of a generation's own tables
 * @gen: the generation
 *
 * Return: bytes, shared or not, without the devices, profiles and rulesets that
 * they point to.
 */
u64 lc_generation_bytes(const struct lc_generation *gen)
{
	return lc_table_bytes(&gen->macs) + lc_table_bytes(&gen->addrs) +
	       lc_dir_bytes(gen->slots, &slots_type);
}

static struct lc_slot *own_slot(struct lc_generation *gen, u32 slot)
{
	u32 number = slot >> LC_PAGE_BITS, count;
	struct lc_page *page;

	if (!gen->slots) {
		gen->slots = lc_dir_create(1);
		if (!gen->slots)
			return NULL;
	}
	for (count = gen->slots->count; count <= number;)
		count *= 2;
	if (count > gen->slots->count &&
	    lc_dir_grow(&gen->slots, &slots_type, count))
		return NULL;
	page = lc_dir_own(&gen->slots, &slots_type, number);
	return page ? &page->slots[slot & (LC_PAGE_SLOTS - 1)] : NULL;
}

/**
 * lc_generation_set_profile() - put a profile into a slot, or free the slot
 * @gen: a generation that is not live
 * @slot: number
 * @profile: the profile, which must outlive the generation, or NULL
 *
 * Devices that use the slot then have the new profile.
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM; then nothing has changed.
 */
int lc_generation_set_profile(struct lc_generation *gen, u32 slot,
			      const struct lc_profile *profile)
{
	struct lc_slot *to = own_slot(gen, slot);

	if (!to)
		return -ENOMEM;
	to->profile = profile;
	to->ruleset = profile ? profile->ruleset : NULL;
	to->class = profile ? profile->class : 0;
	to->mode = profile ? profile->mode : 0;
	return 0;
}

/**
 * lc_generation_use() - count the devices that have the profile of a slot
 * @gen: a generation that is not live
 * @slot: number
 * @devices: 1 or -1
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM; then nothing has changed.
 */
int lc_generation_use(struct lc_generation *gen, u32 slot, int devices)
{
	struct lc_slot *to = own_slot(gen, slot);

	if (!to)
		return -ENOMEM;
	to->users += devices;
	return 0;
}

struct addr_key {
	const u8 *addr;
	u16 guard;
	u8 family;
};

static bool match_addr(const void *leaf, const void *key)
{
	const struct lc_device *device = leaf;
	const struct addr_key *want = key;

	return lc_device_bound(device, want->family, want->addr) &&
	       lc_guards_meet(device->guard, want->guard);
}

/**
 * lc_generation_by_addr() - find a device without a MAC by guard and address
 * @gen: the generation
 * @guard: the guard's number
 * @family: %LC_FAMILY_IPV4 or %LC_FAMILY_IPV6
 * @addr: source address of a frame
 * @slot: receives the slot of its profile, or NULL
 *
 * Context: any; the result is valid as long as @gen is.
 */
const struct lc_device *lc_generation_by_addr(const struct lc_generation *gen,
					      u16 guard, u8 family,
					      const u8 *addr, u32 *slot)
{
	struct addr_key key = { .addr = addr, .guard = guard,
				.family = family };

	return lc_table_find(&gen->addrs, hash_addr(gen, family, addr),
			    match_addr, &key, slot);
}

static int conflict_with(const struct lc_device *first,
			 const struct lc_device *second,
			 struct lc_conflict *conflict)
{
	conflict->first = first;
	conflict->second = second;
	return -EEXIST;
}

static int add_addr(struct lc_generation *gen, const struct lc_device *device,
		    const struct lc_prefix *addr, struct lc_conflict *conflict)
{
	const struct lc_device *other;

	other = lc_generation_by_addr(gen, device->guard, addr->family,
				      addr->addr, NULL);
	if (other == device)	/* listed twice is no conflict */
		return 0;
	if (other)
		return conflict_with(other, device, conflict);
	return lc_table_insert(&gen->addrs,
			      hash_addr(gen, addr->family, addr->addr),
			      device, device->profile);
}

/**
 * lc_generation_add() - make a device known
 * @gen: a generation that is not live
 * @device: the device, whose addresses are valid; it must outlive the generation
 * @conflict: receives the devices that -EEXIST is about
 *
 * Context: process, may sleep.
 *
 * Return: 0; -EEXIST if another device would answer to the same frame; -EINVAL
 * if there is no profile in its slot, or a prefix among the addresses of a device
 * without a MAC; -ENOSPC if 128 devices on other guards have its MAC or
 * address; -ENOMEM. After an error the generation is
 * good for nothing but lc_generation_drop().
 */
int lc_generation_add(struct lc_generation *gen,
		      const struct lc_device *device,
		      struct lc_conflict *conflict)
{
	const struct lc_slot *slot = lc_generation_slot(gen, device->profile);
	const struct lc_device *other;
	struct lc_prefix addr;
	u32 i;
	int err;

	conflict->first = NULL;
	conflict->second = NULL;
	if (!slot || !slot->profile)
		return -EINVAL;
	if (device->has_mac) {
		other = lc_generation_by_mac(gen, device->guard, device->mac,
					     NULL);
		if (other)
			return conflict_with(other, device, conflict);
		return lc_table_insert(&gen->macs,
				      lc_hash_mac(gen, device->mac), device,
				      device->profile);
	}
	for (i = 0; i < device->naddrs; i++) {
		lc_device_addr(device, i, &addr);
		/* A prefix could not be hashed. */
		if (addr.len != (addr.family == LC_FAMILY_IPV4 ? 32 : 128))
			return -EINVAL;
		err = add_addr(gen, device, &addr, conflict);
		if (err)
			return err;
	}
	return 0;
}

/**
 * lc_generation_remove() - make a device unknown
 * @gen: a generation that is not live
 * @device: the device
 *
 * Context: process, may sleep.
 *
 * Return: 0 or -ENOMEM; then the generation is good for nothing but
 * lc_generation_drop().
 */
int lc_generation_remove(struct lc_generation *gen,
			 const struct lc_device *device)
{
	struct lc_prefix addr;
	u32 i;
	int err;

	if (device->has_mac)
		return lc_table_remove(&gen->macs,
				      lc_hash_mac(gen, device->mac), device);
	for (i = 0; i < device->naddrs; i++) {
		lc_device_addr(device, i, &addr);
		err = lc_table_remove(&gen->addrs,
				     hash_addr(gen, addr.family, addr.addr),
				     device);
		/* It may be listed twice. */
		if (err && err != -ENOENT)
			return err;
	}
	return 0;
}
