// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which rule a packet was permitted by.
 *
 * Problem. People want to know which rules of a profile are used and which never
 * were, and a packet must not pay for it with cold memory or with an instruction
 * that other processors wait for.
 *
 * Structure. A judged packet already knows where its rule was found: a place of
 * the table of exact rules, or a service of a destination. That number is the
 * number of its counter, so that nothing is translated while a packet waits;
 * which rule a place belongs to is worked out when somebody asks. Counters lie
 * behind the ruleset, in rows of their own cache lines, one for each processor;
 * the core says where they are, and never writes to them.
 *
 * Which rule, if several permit the packet: only one is counted. Its destination is
 * the longest that holds the peer's address and has a rule that permits the packet.
 * Of the rules of that destination it is one in the table of exact rules, the one
 * for the peer's port before the one for the device's, else the first in the order
 * of lc_rules_next(); in a long list (axis.c), rules for some ports of the peer
 * come before those for some of the device's, and both before those for some of
 * both. It is always the same one for the same packet and rules. So a rule that
 * never counts is not used, or all that it permits another rule permits as well.
 *
 * Example: "udp 10000-20000" and "udp 10554" of one recorder, and a packet to port
 * 10554. It finds the exact rule in, say, bucket 3, place 1, and counts in counter
 * 13. Another one to port 10555 finds the other rule, number 0 of that ruleset, and
 * with 4 buckets counts in counter 16 + 0.
 */
#include "core.h"
#include "exact.h"

/**
 * lc_ruleset_counted() - a copy of a ruleset with room for counters
 * @set: a ruleset without
 * @rows: rows of counters, 0: none
 * @apart: each row is for one processor; otherwise there is one row for all
 *
 * Context: process, may sleep. Return: the copy, to be freed with
 * lc_ruleset_destroy(), or NULL.
 */
struct lc_ruleset *lc_ruleset_counted(const struct lc_ruleset *set, u32 rows,
				      bool apart)
{
	size_t row = lc_ruleset_row(set);
	struct lc_ruleset *copy = lc_alloc(set->bytes + array_size(rows, row));

	if (!copy)
		return NULL;
	memcpy(copy, set, set->bytes);
	copy->row = !rows ? LC_ROW_NONE : apart ? row : 0;
	return copy;
}

/* Number of the destination of IPv6, counted from 0. */
static u32 dest6_of(const struct lc_ruleset *set, const struct lc_wide *addr)
{
	const struct lc_wide *keys6 = lc_ruleset_at(set, set->keys6);
	const struct lc_dest *dests = lc_ruleset_at(set, set->dests);
	u32 i = lc_search_wide(keys6, set->ndests6, addr);

	/* Of equal addresses the longest prefix is the last. */
	return i && dests[set->ndests4 + i - 1].len == 128 ? i - 1 : LC_PLACE_NONE;
}

/**
 * lc_rule_place() - the place of a rule in the table of exact rules
 * @set: the ruleset
 * @rule: one of its rules
 *
 * An entry stands for a rule that the device initiates and for the same one that
 * the peer initiates. The first permits whatever the second does, so that all
 * packets of both are its own.
 *
 * Context: any. Return: number of the place, which is that of its counter as well,
 * or LC_PLACE_NONE: it has none.
 */
u32 lc_rule_place(const struct lc_ruleset *set, const struct lc_rule *rule)
{
	const u16 *dests6 = lc_ruleset_at(set, set->exact6);
	u64 entry = lc_exact_entry(rule);
	u64 key = entry & -(u64)LC_EXACT_MARKS;
	struct lc_wide wide;
	u32 place, marks;

	if (!entry)
		return LC_PLACE_NONE;
	marks = lc_exact_find(set, key, &place);
	if (!(marks & entry) ||
	    (marks & LC_MARK_DEVICE && !(entry & LC_MARK_DEVICE)))
		return LC_PLACE_NONE;
	if (rule->peer.family == LC_FAMILY_IPV4)
		return place;
	wide = lc_be128(rule->peer.addr);
	return dests6[place] == dest6_of(set, &wide) ? place : LC_PLACE_NONE;
}
