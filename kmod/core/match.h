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
 * @rule: receives the number of a rule that permits it, if one does
 */
struct lc_query {
	u64 point;
	bool opens;
	bool later;
	u32 rule;
};

enum lc_near lc_match_bare(const struct lc_service *service, u32 count,
			   u64 point);
enum lc_near lc_match_long(const struct lc_ruleset *set,
			   const struct lc_long *list, u64 point, bool opens,
			   bool later, u32 *first);
u32 lc_bare_first(const struct lc_service *service, u32 count, u64 point);

/* The marks that permit a frame. */
static inline u32 lc_permit(bool opens)
{
	return LC_MARK_DEVICE | (opens ? 0 : LC_MARK_PEER);
}

static inline enum lc_near lc_near_of(u32 mark, bool opens)
{
	if (mark & LC_MARK_DEVICE || (mark & LC_MARK_PEER && !opens))
		return LC_NEAR_MATCH;
	return mark & LC_MARK_PEER ? LC_NEAR_DIRECTION : LC_NEAR_DESTINATION;
}

/* Where in the list the service is that matches cannot be predicted, so there is
 * no branch on it. @first: receives the number of the first that permits the frame,
 * if one does. @count: at most %LC_SCAN_MAX.
 */
static __always_inline enum lc_near
lc_match_scan(const struct lc_service *service, u32 count, u64 point, bool opens,
	      u32 *first)
{
	u32 mark = 0, permit = lc_permit(opens), found = 0, i;

	for (i = 0; i < count; i++, service++) {
		u32 flags = lc_service_flags(service) &
			    -(u32)lc_in_box(service, point);

		mark |= flags;
		found |= (u32)!!(flags & permit) << i;
	}
	/* Something to find in any case. */
	*first = lc_ctz(found | 1U << LC_SCAN_MAX);
	return lc_near_of(mark, opens);
}

static __always_inline enum lc_near
lc_match_dest(const struct lc_ruleset *set, const struct lc_dest *dest,
	      struct lc_query *query)
{
	const struct lc_service *services = lc_ruleset_at(set, set->services);
	const struct lc_long *longs = lc_ruleset_at(set, set->longs);
	enum lc_near near;
	u32 first = 0;

	if (unlikely(dest->count == LC_DEST_LONG)) {
		near = lc_match_long(set, &longs[dest->first], query->point,
				     query->opens, query->later, &first);
	} else if (unlikely(query->later)) {
		near = lc_match_bare(services + dest->first, dest->count,
				     query->point);
		if (near == LC_NEAR_MATCH)
			first = lc_bare_first(services + dest->first,
					      dest->count, query->point);
	} else {
		near = lc_match_scan(services + dest->first, dest->count,
				     query->point, query->opens, &first);
	}
	query->rule = dest->rule + first;
	return near;
}

static __always_inline enum lc_near
lc_match4(const struct lc_ruleset *set, u32 addr, struct lc_query *query)
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
	  struct lc_query *query)
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
 * above destination port. @place: receives its place in the table.
 */
static __always_inline bool lc_match_exact(const struct lc_ruleset *set,
					   u32 addr, u8 proto, u32 ports,
					   bool opens, u32 *place)
{
	u32 permit = lc_permit(opens);

	return lc_exact_find(set, lc_exact_key(addr, proto, ports, 0), place) &
		permit ||
	       lc_exact_find(set, lc_exact_key(addr, proto, ports >> 16,
					       LC_EXACT_OWN), place) & permit;
}

/* The same for IPv6. */
static __always_inline bool lc_match_exact6(const struct lc_ruleset *set,
					    const struct lc_wide *addr, u8 proto,
					    u32 ports, bool opens, u32 *place)
{
	u32 permit = lc_permit(opens);
	u32 number = lc_exact_fold(addr);

	return lc_exact_find6(set, addr, lc_exact_key(number, proto, ports,
						      LC_EXACT_IPV6), place) &
		permit ||
	       lc_exact_find6(set, addr, lc_exact_key(number, proto, ports >> 16,
						      LC_EXACT_IPV6 |
						      LC_EXACT_OWN), place) & permit;
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
