/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact rules: one IPv4 address, one protocol, one port. See exact.c.
 */
#ifndef _LENSCAP_CORE_EXACT_H
#define _LENSCAP_CORE_EXACT_H

#include "ruleset.h"

/* A key: address, protocol, port, whose port it is; below it is room for
 * LC_MARK_DEVICE and LC_MARK_PEER, which an entry has there.
 */
#define LC_EXACT_MARKS	4U		/* one more than both */
#define LC_EXACT_OWN	4U		/* the port is the device's */

static inline u64 lc_exact_key(u32 addr, u8 proto, u16 port, u32 own)
{
	return (u64)addr << 32 | (u64)proto << 24 | (u64)port << 8 | own;
}

static inline u32 lc_exact_bucket(u64 key, u64 mix, u32 mask)
{
	return key * mix >> 40 & mask;
}

/* The marks of an entry, if it has this key. */
static inline u32 lc_exact_marks(u64 entry, u64 key)
{
	u64 differ = entry ^ key;

	return differ < LC_EXACT_MARKS ? (u32)differ : 0;
}

/**
 * lc_exact_find() - who may initiate, by the exact rules for a key
 * @set: the rules
 * @key: the key
 *
 * All places of a bucket are looked at, whatever is in them, so that nothing is
 * there to be mispredicted. An entry with this key differs from it in the marks
 * alone.
 *
 * Context: any. Return: LC_MARK_* bits, 0 if there is no such rule in the table.
 */
static __always_inline u32 lc_exact_find(const struct lc_ruleset *set, u64 key)
{
	const u64 *entries =
		set->exact[lc_exact_bucket(key, set->mix, set->mask)].entries;

	return lc_exact_marks(entries[0], key) | lc_exact_marks(entries[1], key) |
	       lc_exact_marks(entries[2], key) | lc_exact_marks(entries[3], key);
}

#endif /* _LENSCAP_CORE_EXACT_H */
