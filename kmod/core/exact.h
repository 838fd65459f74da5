/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact rules: one address, one protocol, one port. See exact.c.
 */
#ifndef _LENSCAP_CORE_EXACT_H
#define _LENSCAP_CORE_EXACT_H

#include "hash.h"
#include "ruleset.h"

/* A key: address, protocol, port, whose port it is; below it is room for
 * LC_MARK_DEVICE and LC_MARK_PEER, which an entry has there.
 */
#define LC_EXACT_MARKS	4U		/* one more than both */
#define LC_EXACT_OWN	4U		/* the port is the device's */
#define LC_EXACT_IPV6	8U		/* the address is one of IPv6, folded */

static inline u64 lc_exact_key(u32 addr, u8 proto, u16 port, u32 own)
{
	return (u64)addr << 32 | (u64)proto << 24 | (u64)port << 8 | own;
}

static inline u32 lc_exact_bucket(u64 key, u64 mix, u32 mask)
{
	return key * mix >> 40 & mask;
}

/* Many addresses have one number, and whoever likes finds some. */
static inline u32 lc_exact_fold(const struct lc_wide *addr)
{
	return lc_fold(addr->high ^ LC_HASH_A, addr->low ^ LC_HASH_B) >> 32;
}

/* The marks of an entry, if it has this key. */
static inline u32 lc_exact_marks(u64 entry, u64 key)
{
	u64 differ = entry ^ key;

	return differ < LC_EXACT_MARKS ? (u32)differ : 0;
}

/* Where in its bucket a key is, if it is there: once at most, so that a sum says
 * where.
 */
static __always_inline u32 lc_exact_at(const u64 *entries, u64 key)
{
	return (u32)((entries[1] ^ key) < LC_EXACT_MARKS) +
	       (u32)((entries[2] ^ key) < LC_EXACT_MARKS) * 2 +
	       (u32)((entries[3] ^ key) < LC_EXACT_MARKS) * 3;
}

/**
 * lc_exact_find() - who may initiate, by the exact rules for a key
 * @set: the rules
 * @key: the key
 * @place: receives the place of the entry, if there is one
 *
 * All places of a bucket are looked at, whatever is in them, so that nothing is
 * there to be mispredicted. An entry with this key differs from it in the marks
 * alone.
 *
 * Context: any. Return: LC_MARK_* bits, 0 if there is no such rule in the table.
 */
static __always_inline u32 lc_exact_find(const struct lc_ruleset *set, u64 key,
					 u32 *place)
{
	u32 bucket = lc_exact_bucket(key, set->mix, set->mask);
	const u64 *entries = set->exact[bucket].entries;

	*place = bucket * LC_EXACT_ENTRIES + lc_exact_at(entries, key);
	return lc_exact_marks(entries[0], key) | lc_exact_marks(entries[1], key) |
	       lc_exact_marks(entries[2], key) | lc_exact_marks(entries[3], key);
}

/**
 * lc_exact_find6() - the same for an IPv6 address
 * @set: the rules
 * @addr: the address
 * @key: the key, made of its number
 * @place: receives the place of the entry, if there is one
 *
 * Context: any. Return: LC_MARK_* bits, 0 if there is no such rule in the table.
 */
static __always_inline u32 lc_exact_find6(const struct lc_ruleset *set,
					  const struct lc_wide *addr, u64 key,
					  u32 *place)
{
	const struct lc_wide *keys6 = lc_ruleset_at(set, set->keys6);
	const u16 *dests6 = lc_ruleset_at(set, set->exact6);
	u32 bucket = lc_exact_bucket(key, set->mix, set->mask);
	const u64 *entries = set->exact[bucket].entries;
	u32 at = lc_exact_at(entries, key);
	u32 marks = lc_exact_marks(entries[at], key);

	if (!marks)
		return 0;
	*place = bucket * LC_EXACT_ENTRIES + at;
	keys6 += dests6[*place];
	return (keys6->high ^ addr->high) | (keys6->low ^ addr->low) ? 0 : marks;
}

#endif /* _LENSCAP_CORE_EXACT_H */
