// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of the exact rules of a ruleset.
 *
 * Problem. Nearly all that cameras send matches a rule for one address and one
 * port. To find such a rule by the search for the destination and the scan of
 * its services takes some forty dependent steps, whose number differs from
 * packet to packet, so that the processor guesses wrong; and with a ruleset for
 * each device, four or five cold cache lines.
 *
 * Structure. A hash table of buckets of four words, half a cache line. A word is
 * the whole rule: address, protocol, port, whose port, who initiates. A packet
 * looks at two buckets at most, one for its destination port (rules that name
 * the peer's port) and one for its source port (the device's).
 *
 * The table is a shortcut and no more. A rule that is in it is also among the
 * destinations and services, so that whatever is not found here, or does not
 * permit the packet, is decided there, and what finds no room in its bucket may
 * stay outside.
 *
 * There are as many buckets as make them half full or so, and several
 * multipliers are tried until every rule has found room; if none fits, there are
 * twice as many buckets, and the last multiplier is taken as it is. What is
 * chosen depends on nothing but the rules, as everything in a ruleset.
 *
 * Example: "tcp 554 of the device for 10.20.0.10, the peer initiates" is
 * 0x0a14000a_06_022a_06: address, TCP, 554, the device's port (4), peer (2). A
 * packet from port 554 without SYN finds it by its source port, and passes.
 *
 * Cost: a multiplication, and four comparisons without a branch, on one cache
 * line besides the ruleset's header. Memory: 13 bytes for each rule of a small
 * ruleset, 26 of a large one.
 */
#include "core.h"
#include "exact.h"

/* Rules for each bucket on average, times two. */
#define FILL	5

/* Multipliers to try. */
#define TRIES	16

static u64 mix_of(u32 attempt)
{
	return LC_HASH_A + attempt * 2 * LC_HASH_B;
}

/* The entry of a rule; 0: it is not an exact one. */
static u64 entry_of(const struct lc_rule *rule)
{
	u32 mark = rule->initiator == LENSCAP_INITIATOR_PEER ? LC_MARK_PEER :
							       LC_MARK_DEVICE;
	bool peer = rule->peer_low || rule->peer_high != 0xffff;
	bool own = rule->device_low || rule->device_high != 0xffff;
	u32 addr = lc_be32(rule->peer.addr);

	if (rule->peer.family != LC_FAMILY_IPV4 || rule->peer.len != 32 ||
	    (rule->proto != LC_TCP && rule->proto != LC_UDP) || peer == own)
		return 0;
	if (peer)
		return rule->peer_low != rule->peer_high ? 0 :
		       lc_exact_key(addr, rule->proto, rule->peer_low, 0) | mark;
	return rule->device_low != rule->device_high ? 0 :
	       lc_exact_key(addr, rule->proto, rule->device_low, LC_EXACT_OWN) |
	       mark;
}

/* The place in a bucket for an entry: its own, or a free one, or none. */
static u64 *place_of(struct lc_exact *bucket, u64 entry)
{
	u32 i;

	for (i = 0; i < LC_EXACT_ENTRIES; i++) {
		u64 *place = &bucket->entries[i];

		if (!*place || (*place ^ entry) < LC_EXACT_MARKS)
			return place;
	}
	return NULL;
}

/* Fill a table that is empty. Return: has every rule found room? */
static bool fill(const struct lc_rule *rules, u32 count, u64 mix, u32 mask,
		 struct lc_exact *buckets)
{
	bool all = true;
	u64 entry, *place;
	u32 i;

	for (i = 0; i < count; i++) {
		entry = entry_of(&rules[i]);
		if (!entry)
			continue;
		place = place_of(&buckets[lc_exact_bucket(entry & -(u64)LC_EXACT_MARKS,
							  mix, mask)], entry);
		if (place)
			*place |= entry;
		else
			all = false;
	}
	return all;
}

static u32 count_exact(const struct lc_rule *rules, u32 count)
{
	u32 exact = 0, i;

	for (i = 0; i < count; i++)
		exact += !!entry_of(&rules[i]);
	return exact;
}

/**
 * lc_exact_create() - make the table of the exact rules
 * @rules: all rules of a ruleset, valid ones
 * @count: how many
 * @table: result, to be freed with lc_free(@table->buckets)
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int lc_exact_create(const struct lc_rule *rules, u32 count,
		    struct lc_exact_table *table)
{
	u32 exact = count_exact(rules, count), buckets = 1, attempt;
	size_t bytes;

	while (buckets * FILL < exact * 2)
		buckets *= 2;
	/* Twice as many may be needed. */
	bytes = array_size(buckets, sizeof(*table->buckets));
	table->buckets = lc_alloc(2 * bytes);
	if (!table->buckets)
		return -ENOMEM;
	for (attempt = 0; attempt < TRIES; attempt++) {
		table->mix = mix_of(attempt);
		table->mask = buckets - 1;
		if (fill(rules, count, table->mix, table->mask, table->buckets))
			return 0;
		memset(table->buckets, 0, bytes);
	}
	table->mask = 2 * buckets - 1;
	fill(rules, count, table->mix, table->mask, table->buckets);
	return 0;
}
