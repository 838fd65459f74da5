/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What packets read of a generation and of a device: see generation.c. It is
 * here so that judging a frame is one function.
 */
#ifndef _LENSCAP_GENERATION_H
#define _LENSCAP_GENERATION_H

#include "hash.h"

#define LC_PAGE_BITS	7
#define LC_PAGE_SLOTS	(1U << LC_PAGE_BITS)

/* Packed addresses: a byte with the length, for IPv6 this more, and the
 * address, 4 or 16 bytes.
 */
#define LC_PACKED_IPV6	64

struct lc_page {
	struct lc_ref refs;
	struct lc_slot slots[LC_PAGE_SLOTS];
};

static inline const u8 *lc_next_bound(const u8 *at)
{
	return at + (*at < LC_PACKED_IPV6 ? 5 : 17);
}

/**
 * lc_device_entry() - the first of a device's bound addresses that covers one
 * @device: the device
 * @family: of @addr
 * @addr: network byte order
 *
 * Context: any. Return: it, packed, or NULL.
 */
static inline const u8 *lc_device_entry(const struct lc_device *device,
					u8 family, const u8 *addr)
{
	const u8 *at = device->bound;
	u32 i;

	for (i = 0; i < device->naddrs; i++, at = lc_next_bound(at)) {
		if (*at < LC_PACKED_IPV6) {
			if (family == LC_FAMILY_IPV4 &&
			    lc_bits_equal32(lc_be32(at + 1), lc_be32(addr),
					    *at))
				return at;
		} else if (family == LC_FAMILY_IPV6 &&
			   lc_bits_equal(at + 1, addr, *at - LC_PACKED_IPV6)) {
			return at;
		}
	}
	return NULL;
}

/* Is a device bound to an address? */
static inline bool lc_device_bound(const struct lc_device *device, u8 family,
				   const u8 *addr)
{
	return !!lc_device_entry(device, family, addr);
}

/* The same for an IPv4 address, soon: most devices have one, and it is that. */
static __always_inline bool lc_device_bound4(const struct lc_device *device,
					     const u8 *addr)
{
	if (likely(device->naddrs && device->bound[0] == 32 &&
		   lc_get32(device->bound + 1) == lc_get32(addr)))
		return true;
	return lc_device_bound(device, LC_FAMILY_IPV4, addr);
}

/**
 * lc_generation_slot() - what is in a slot
 * @gen: the generation
 * @slot: number, of any size
 *
 * Context: any; valid as long as @gen is.
 *
 * Return: the slot, or NULL if none was ever set near there. A free one has no
 * profile.
 */
static inline const struct lc_slot *
lc_generation_slot(const struct lc_generation *gen, u32 slot)
{
	const struct lc_dir *slots = gen->slots;
	u32 number = slot >> LC_PAGE_BITS;
	const struct lc_page *page;

	if (!slots || number >= slots->count || !slots->pages[number])
		return NULL;
	page = slots->pages[number];
	return &page->slots[slot & (LC_PAGE_SLOTS - 1)];
}

/**
 * lc_generation_profile() - the slot of a device's profile
 * @gen: the generation
 * @slot: number that stands beside the device in @gen
 *
 * Context: any; valid as long as @gen is.
 */
static inline const struct lc_slot *
lc_generation_profile(const struct lc_generation *gen, u32 slot)
{
	const struct lc_page *page = gen->slots->pages[slot >> LC_PAGE_BITS];

	return &page->slots[slot & (LC_PAGE_SLOTS - 1)];
}

/* Would one frame mean both? On one guard it would; and a device without a
 * guard is on each.
 */
static inline bool lc_guards_meet(u16 a, u16 b)
{
	return a == b || a == LC_GUARD_ANY || b == LC_GUARD_ANY;
}

/* Is it the device's MAC, and a guard that it is known on? Both are one word in
 * the device, and what is left of it without the MAC is the guard.
 */
static __always_inline bool lc_device_sent(const struct lc_device *device,
					   u16 guard, u64 mac)
{
	const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	u64 word = lc_get64(&device->guard);
	u64 left;

	_Static_assert(offsetof(struct lc_device, mac) ==
		       offsetof(struct lc_device, guard) + sizeof(u16),
		       "guard and MAC are not one word");
	if (big)
		return lc_mac(device->mac) == mac &&
		       (device->guard == guard || device->guard == LC_GUARD_ANY);
	left = word ^ mac << 16;
	return left == guard || left == LC_GUARD_ANY;
}

static inline u32 lc_hash_mac(const struct lc_generation *gen, const u8 *mac)
{
	return lc_hash_one(gen->seed, lc_mac(mac)) >> 32;
}

/* generation.c: wherever it is, if the line where it should be does not tell. */
const struct lc_entry *lc_generation_search_mac(const struct lc_generation *gen,
						u16 guard, u64 mac, u32 hash);

/**
 * lc_generation_by_mac() - find a device by guard and MAC
 * @gen: the generation
 * @guard: the guard's number
 * @mac: source MAC of a frame
 * @slot: receives the slot of its profile without reading the device, or NULL
 *
 * Context: any; the result is valid as long as @gen is.
 */
static __always_inline const struct lc_device *
lc_generation_by_mac(const struct lc_generation *gen, u16 guard, const u8 *mac,
		     u32 *slot)
{
	const struct lc_dir *bins = gen->macs.bins;
	const struct lc_device *device;
	const struct lc_entry *line, *entry;
	u64 want = lc_mac(mac);
	u32 hash;

	if (unlikely(!bins))
		return NULL;
	hash = lc_hash_mac(gen, mac);
	line = &lc_bin_of(bins, hash)->entries[lc_bin_home(hash)];
	entry = lc_line_likely(line, hash);
	device = entry->leaf;
	if (unlikely(entry->word >> 32 != hash || !device))
		goto search;
	lc_prefetch_counters(device);
	if (unlikely(!lc_device_sent(device, guard, want)))
		goto search;
	if (slot)
		*slot = (u32)entry->word;
	return device;

search:
	entry = lc_generation_search_mac(gen, guard, want, hash);
	if (!entry)
		return NULL;
	if (slot)
		*slot = (u32)entry->word;
	return entry->leaf;
}

#endif /* _LENSCAP_GENERATION_H */
