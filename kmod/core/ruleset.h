/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a compiled list of rules: see ruleset.c for how it is made, and
 * classify.c for how it is read.
 */
#ifndef _LENSCAP_RULESET_H
#define _LENSCAP_RULESET_H

#include "search.h"

#define LC_FAMILY_IPV4	4
#define LC_FAMILY_IPV6	6

#define LC_PROTO_ANY	256	/* lc_rule.proto: every protocol */

/* Lists of up to so many services are scanned, 16 bytes each: two cache lines.
 * Longer ones have axes.
 */
#define LC_SCAN_MAX	8

/**
 * struct lc_prefix - an address or a prefix
 * @addr: network byte order, host bits zero
 * @len: bits
 * @family: %LC_FAMILY_IPV4 or %LC_FAMILY_IPV6
 */
struct lc_prefix {
	u8 addr[16];
	u8 len;
	u8 family;
};

/**
 * struct lc_rule - one permission
 * @peer: where the peer is
 * @proto: IP protocol, or %LC_PROTO_ANY
 * @initiator: enum lenscap_initiator
 * @peer_low: lowest port at the peer (ICMP: lowest message type)
 * @peer_high: highest
 * @device_low: lowest port at the device
 * @device_high: highest
 *
 * A rule "has ports" unless both ranges are 0..65535. No padding: rules are
 * compared as bytes.
 */
struct lc_rule {
	struct lc_prefix peer;
	u16 proto;
	u16 initiator;
	u16 peer_low;
	u16 peer_high;
	u16 device_low;
	u16 device_high;
};

/* What rules there are, for an interval of an axis or as a service's flags. */
#define LC_MARK_DEVICE	0x01	/* one that the device initiates */
#define LC_MARK_PEER	0x02	/* one that the peer initiates */
#define LC_MARK_PORTS	0x04	/* bare axis: one that has ports */

#define LC_MARK_INITIATOR	(LC_MARK_DEVICE | LC_MARK_PEER)

/* A service is a box: from where to where the peer's port, the device's port
 * and the protocol may go. The three lie side by side in one word, each with a
 * bit above it that stays clear when one such word is taken from another that
 * is not below it anywhere.
 */
#define LC_BOX_DEVICE	20	/* shift of the device's port */
#define LC_BOX_PROTO	40	/* of the protocol */
#define LC_BOX_FLAGS	60	/* of the flags, in the upper bound only */
#define LC_BOX_BORROW	(1ULL << 19 | 1ULL << 39 | 1ULL << 59)

#define LC_SERVICE_PORTS	0x04	/* has ports */

/**
 * struct lc_service - a rule without its destination
 * @low: lower bounds, as lc_box() packs them
 * @high: upper bounds, and above them, from %LC_BOX_FLAGS on, LC_SERVICE_PORTS
 *	and the LC_MARK_* of who initiates
 */
struct lc_service {
	u64 low;
	u64 high;
};

static inline u64 lc_box(u16 peer, u16 device, u8 proto)
{
	return (u64)proto << LC_BOX_PROTO | (u64)device << LC_BOX_DEVICE | peer;
}

/* Is the point in the box? If a part of it is below the lower bound or above
 * the upper one, its subtraction borrows. That may spoil the parts above it, but
 * the answer is no already.
 */
static inline bool lc_in_box(const struct lc_service *service, u64 point)
{
	return !(((point - service->low) | (service->high - point)) &
		 LC_BOX_BORROW);
}

static inline u16 lc_box_peer(u64 box)
{
	return (u16)box;
}

static inline u16 lc_box_device(u64 box)
{
	return (u16)(box >> LC_BOX_DEVICE);
}

static inline u8 lc_box_proto(u64 box)
{
	return (u8)(box >> LC_BOX_PROTO);
}

static inline u32 lc_service_flags(const struct lc_service *service)
{
	return service->high >> LC_BOX_FLAGS;
}

#define LC_DEST_LONG	0xff

/**
 * struct lc_dest - a destination: a prefix that rules name
 * @parent: number of the next shorter one that contains it, 0: none
 * @first: the first of its services, or number of its long list
 * @rule: number of its first rule, in the order of lc_rules_next()
 * @count: how many services, or %LC_DEST_LONG
 * @len: bits of the prefix; its address is its key
 */
struct lc_dest {
	u16 parent;
	u16 first;
	u16 rule;
	u8 count;
	u8 len;
};

/**
 * struct lc_axis - all numbers, cut into intervals: see axis.c
 * @keys: byte offset of the lowest number of each; the marks are behind them,
 *	and the first services behind those, see lc_axis_firsts()
 * @count: how many
 */
struct lc_axis {
	u32 keys;
	u32 count;
};

/**
 * struct lc_long - a list of more than %LC_SCAN_MAX services
 * @first: the first of them
 * @count: how many
 * @peer: protocol and port of the peer, of rules for all ports of the device
 * @device: protocol and port of the device, of rules for some of its ports and
 *	all of the peer
 * @bare: protocol alone: what is left to say about a frame without ports
 * @reach: byte offset of the reach of each rule for some ports of both, as
 *	lc_pair_reach() says; the services' numbers, u16, are behind
 * @pairs: how many
 */
struct lc_long {
	u32 first;
	u32 count;
	struct lc_axis peer;
	struct lc_axis device;
	struct lc_axis bare;
	u32 reach;
	u32 pairs;
};

/* The table of exact rules: see exact.h. */
#define LC_EXACT_ENTRIES	4

struct lc_exact {
	u64 entries[LC_EXACT_ENTRIES];
};

/**
 * struct lc_exact_table - such a table in the making
 * @buckets: as will be copied into the ruleset
 * @dests6: destination of each entry that is one of IPv6, or NULL: none is
 * @mask: how many, minus one
 * @mix: multiplier of their hash
 */
struct lc_exact_table {
	struct lc_exact *buckets;
	u16 *dests6;
	u32 mask;
	u64 mix;
};

/**
 * struct lc_ruleset - a compiled list of rules, immutable
 * @hash: of what follows @row, seedless: equal lists have equal hashes
 * @row: bytes from one row of counters to the next, 0: there is one row,
 *	%LC_ROW_NONE: there is none; says nothing of the rules
 * @count: rules, all families
 * @bytes: memory it takes without counters, which are behind it: see hits.c
 * @dests: byte offset of the destinations, IPv4 first
 * @services: of the services
 * @longs: of the long lists
 * @keys4: of the keys of IPv4 destinations
 * @keys6: of the keys of IPv6 destinations
 * @ndests4: IPv4 destinations
 * @ndests6: IPv6 destinations
 * @mask: buckets of @exact minus one
 * @mix: multiplier of their hash
 * @exact6: byte offset of the numbers of the destinations of exact IPv6 rules, u16,
 *	one for each entry of @exact
 * @reach4: which of the 64 parts of all IPv4 addresses hold destinations
 * @exact: buckets of the exact rules; everything else lies behind
 */
struct lc_ruleset {
	u32 hash;
	u32 row;
	u32 count;
	u32 bytes;
	u32 dests;
	u32 services;
	u32 longs;
	u32 keys4;
	u32 keys6;
	u16 ndests4;
	u16 ndests6;
	u32 mask;
	u32 exact6;
	u64 reach4;
	u64 mix;
	struct lc_exact exact[];
};

/**
 * struct lc_rule_walk - a position in the rules of a ruleset
 * @dest: number of the destination in its family, 0: at the end
 * @service: how many of its services are behind
 * @ipv6: in the IPv6 part
 */
struct lc_rule_walk {
	u32 dest;
	u32 service;
	bool ipv6;
};

/* Counters of a ruleset: one for each place of the table of exact rules, then one
 * for each rule that was found in another way. What a packet is counted for is
 * known as soon as it is judged, and no other memory is read for that.
 */
static inline u32 lc_ruleset_places(const struct lc_ruleset *set)
{
	return (set->mask + 1) * LC_EXACT_ENTRIES;
}

static inline u32 lc_ruleset_counters(const struct lc_ruleset *set)
{
	return lc_ruleset_places(set) + set->count;
}

/* Bytes of a row of them, in cache lines of its own. */
static inline size_t lc_ruleset_row(const struct lc_ruleset *set)
{
	return (lc_ruleset_counters(set) * sizeof(u64) + 63) & ~(size_t)63;
}

/* The first services of the intervals of an axis: of each the lowest number of one
 * that the device initiates, and of one that the peer does.
 */
#define LC_FIRST_NONE	0xffff

static inline const u16 *lc_axis_firsts(const u32 *keys, u32 count)
{
	return (const u16 *)(keys + count + DIV_ROUND_UP(count, 4));
}

/* A number on an axis: the protocol above the port. */
static inline u32 lc_axis_number(u8 proto, u16 port)
{
	return (u32)proto << 16 | port;
}

/* The part of all IPv4 addresses that an address is in. */
static inline u64 lc_part4(u32 addr)
{
	return 1ULL << (addr >> 26);
}

static inline const void *lc_ruleset_at(const struct lc_ruleset *set,
					u32 offset)
{
	return (const u8 *)set + offset;
}

int lc_ruleset_create(const struct lc_rule *rules, u32 count,
		      struct lc_ruleset **result);
void lc_ruleset_destroy(const struct lc_ruleset *ruleset);
bool lc_ruleset_equal(const struct lc_ruleset *a, const struct lc_ruleset *b);
void lc_rules_begin(const struct lc_ruleset *set, u32 skip,
		    struct lc_rule_walk *walk);
bool lc_rules_next(const struct lc_ruleset *set, struct lc_rule_walk *walk,
		   struct lc_rule *rule);

/* hits.c */
#define LC_ROW_NONE	1U	/* lc_ruleset.row: a row is never as short */
#define LC_PLACE_NONE	0xffffffffU

struct lc_ruleset *lc_ruleset_counted(const struct lc_ruleset *set, u32 rows,
				      bool apart);
u32 lc_rule_place(const struct lc_ruleset *set, const struct lc_rule *rule);

/* exact.c; lc_exact_create() is called by lc_ruleset_create() only */
int lc_exact_create(const struct lc_rule *rules, u32 count,
		    struct lc_exact_table *table);
u64 lc_exact_entry(const struct lc_rule *rule);

/* axis.c; called by lc_ruleset_create() only */
struct lc_axes;
int lc_axes_create(const struct lc_service *services, u32 count,
		   struct lc_axes **result);
u32 lc_axes_bytes(const struct lc_axes *axes);
void lc_axes_write(const struct lc_axes *axes, struct lc_ruleset *set,
		   u32 offset, struct lc_long *list);
void lc_axes_destroy(struct lc_axes *axes);

#endif /* _LENSCAP_RULESET_H */
