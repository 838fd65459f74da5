/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a rule match? What every packet needs of it is here, so that judging a
 * usual frame is one function; the rest, and the essay, is in classify.c.
 */
#ifndef _LENSCAP_CORE_MATCH_H
#define _LENSCAP_CORE_MATCH_H

#include "exact.h"
#include "ruleset.h"

/* How close a rule came. */
enum lc_near {
	LC_NEAR_NOTHING,
	LC_NEAR_DESTINATION,
	LC_NEAR_DIRECTION,
	LC_NEAR_FRAGMENT,
	LC_NEAR_MATCH,
};

/**
 * struct lc_query - what a frame asks of a list of rules
 * @point: its ports and protocol, as lc_box() packs them
 * @opens: it opens an exchange, as far as one frame can tell
 * @later: it is a later fragment: it has no ports, and opens nothing
 */
struct lc_query {
	u64 point;
	bool opens;
	bool later;
};

enum lc_near lc_match_bare(const struct lc_service *service, u32 count,
			   u64 point);
enum lc_near lc_match_long(const struct lc_ruleset *set,
			   const struct lc_long *list, u64 point, bool opens,
			   bool later);

static inline enum lc_near lc_near_of(u32 mark, bool opens)
{
	if (mark & LC_MARK_DEVICE || (mark & LC_MARK_PEER && !opens))
		return LC_NEAR_MATCH;
	return mark & LC_MARK_PEER ? LC_NEAR_DIRECTION : LC_NEAR_DESTINATION;
}

/* Where in the list the service is that matches cannot be predicted, so there is
 * no branch on it.
 */
static __always_inline enum lc_near
lc_match_scan(const struct lc_service *service, u32 count, u64 point, bool opens)
{
	u32 mark = 0;

	for (; count; count--, service++)
		mark |= lc_service_flags(service) &
			-(u32)lc_in_box(service, point);
	return lc_near_of(mark, opens);
}

static __always_inline enum lc_near
lc_match_dest(const struct lc_ruleset *set, const struct lc_dest *dest,
	      const struct lc_query *query)
{
	const struct lc_service *services = lc_ruleset_at(set, set->services);
	const struct lc_long *longs = lc_ruleset_at(set, set->longs);

	if (unlikely(dest->count == LC_DEST_LONG))
		return lc_match_long(set, &longs[dest->first], query->point,
				     query->opens, query->later);
	if (unlikely(query->later))
		return lc_match_bare(services + dest->first, dest->count,
				     query->point);
	return lc_match_scan(services + dest->first, dest->count, query->point,
			     query->opens);
}

static __always_inline enum lc_near
lc_match4(const struct lc_ruleset *set, u32 addr, const struct lc_query *query)
{
	const struct lc_dest *dests = lc_ruleset_at(set, set->dests);
	const u32 *keys = lc_ruleset_at(set, set->keys4);
	enum lc_near near = LC_NEAR_NOTHING, other;
	u32 i = lc_search(keys, set->ndests4, addr);

	for (; i && near != LC_NEAR_MATCH; i = dests[i - 1].parent) {
		const struct lc_dest *dest = &dests[i - 1];

		if (!lc_bits_equal32(addr, keys[i - 1], dest->len))
			continue;
		other = lc_match_dest(set, dest, query);
		if (other > near)
			near = other;
	}
	return near;
}

static __always_inline enum lc_near
lc_match6(const struct lc_ruleset *set, const struct lc_wide *addr,
	  const struct lc_query *query)
{
	const struct lc_dest *dests = lc_ruleset_at(set, set->dests);
	const struct lc_wide *keys = lc_ruleset_at(set, set->keys6);
	enum lc_near near = LC_NEAR_NOTHING, other;
	u32 i = lc_search_wide(keys, set->ndests6, addr);

	dests += set->ndests4;
	for (; i && near != LC_NEAR_MATCH; i = dests[i - 1].parent) {
		const struct lc_dest *dest = &dests[i - 1];

		if (!lc_bits_equal128(addr, &keys[i - 1], dest->len))
			continue;
		other = lc_match_dest(set, dest, query);
		if (other > near)
			near = other;
	}
	return near;
}

/* Does an exact rule permit it? If not, another rule may. @ports: source port
 * above destination port.
 */
static __always_inline bool lc_match_exact(const struct lc_ruleset *set,
					   u32 addr, u8 proto, u32 ports,
					   bool opens)
{
	u32 permit = LC_MARK_DEVICE | (opens ? 0 : LC_MARK_PEER);

	return lc_exact_find(set, lc_exact_key(addr, proto, ports, 0)) &
		permit ||
	       lc_exact_find(set, lc_exact_key(addr, proto, ports >> 16,
					       LC_EXACT_OWN)) & permit;
}

/* The same for IPv6. */
static __always_inline bool lc_match_exact6(const struct lc_ruleset *set,
					    const struct lc_wide *addr, u8 proto,
					    u32 ports, bool opens)
{
	u32 permit = LC_MARK_DEVICE | (opens ? 0 : LC_MARK_PEER);
	u32 number = lc_exact_fold(addr);

	return lc_exact_find6(set, addr, lc_exact_key(number, proto, ports,
						      LC_EXACT_IPV6)) & permit ||
	       lc_exact_find6(set, addr, lc_exact_key(number, proto, ports >> 16,
						      LC_EXACT_IPV6 |
						      LC_EXACT_OWN)) & permit;
}

/* The reason, if that is how close the best rule came. */
static __always_inline u8 lc_near_reason(enum lc_near near)
{
	if (likely(near == LC_NEAR_MATCH))
		return LENSCAP_REASON_NONE;
	if (near == LC_NEAR_NOTHING)
		return LENSCAP_REASON_DESTINATION;
	if (near == LC_NEAR_DESTINATION)
		return LENSCAP_REASON_SERVICE;
	return near == LC_NEAR_DIRECTION ? LENSCAP_REASON_DIRECTION :
					   LENSCAP_REASON_FRAGMENT;
}

#endif /* _LENSCAP_CORE_MATCH_H */
