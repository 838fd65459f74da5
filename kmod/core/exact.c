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
 * An IPv6 address does not fit into a word. It is folded into 32 bits, and beside
 * the entry is the number of its destination, whose whole address is compared: an
 * entry says nothing of another address that folds into the same.
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
 * ruleset, 26 of a large one; of IPv6, a quarter more.
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

static bool one_host(const struct lc_prefix *peer)
{
	return peer->len == (peer->family == LC_FAMILY_IPV4 ? 32 : 128);
}

/**
 * lc_exact_entry() - the entry of a rule
 * @rule: a valid rule
 *
 * Return: key and mark, 0: it is not an exact rule.
 */
u64 lc_exact_entry(const struct lc_rule *rule)
{
	u32 low = rule->initiator == LENSCAP_INITIATOR_PEER ? LC_MARK_PEER :
							      LC_MARK_DEVICE;
	bool peer = rule->peer_low || rule->peer_high != 0xffff;
	bool own = rule->device_low || rule->device_high != 0xffff;
	u32 addr = lc_be32(rule->peer.addr);
	struct lc_wide wide;

	if (!one_host(&rule->peer) || peer == own ||
	    (rule->proto != LC_TCP && rule->proto != LC_UDP))
		return 0;
	if (rule->peer.family == LC_FAMILY_IPV6) {
		wide = lc_be128(rule->peer.addr);
		addr = lc_exact_fold(&wide);
		low |= LC_EXACT_IPV6;
	}
	if (peer)
		return rule->peer_low != rule->peer_high ? 0 :
		       lc_exact_key(addr, rule->proto, rule->peer_low, low);
	return rule->device_low != rule->device_high ? 0 :
	       lc_exact_key(addr, rule->proto, rule->device_low,
			    low | LC_EXACT_OWN);
}

/* Put an entry into its own place, or a free one. @dest6: number of the
 * destination, if the table holds any of IPv6. Return: was there a place?
 */
static bool put(struct lc_exact_table *table, u64 entry, u32 dest6)
{
	u32 bucket = lc_exact_bucket(entry & -(u64)LC_EXACT_MARKS, table->mix,
				     table->mask);
	u64 *entries = table->buckets[bucket].entries;
	u32 i;

	for (i = 0; i < LC_EXACT_ENTRIES; i++) {
		u32 at = bucket * LC_EXACT_ENTRIES + i;

		if (entries[i] && (entries[i] ^ entry) >= LC_EXACT_MARKS)
			continue;
		/* Another address of the same number: the first one stays. */
		if (entries[i] & LC_EXACT_IPV6 && table->dests6[at] != dest6)
			return true;
		entries[i] |= entry;
		if (table->dests6)
			table->dests6[at] = dest6;
		return true;
	}
	return false;
}

/* Fill a table that is empty. Return: has every rule found room? */
static bool fill(const struct lc_rule *rules, u32 count,
		 struct lc_exact_table *table)
{
	const struct lc_prefix *last = NULL;
	u32 i, dest6 = 0;
	bool all = true;
	u64 entry;

	for (i = 0; i < count; i++) {
		const struct lc_prefix *peer = &rules[i].peer;

		/* Rules are in the order of their destinations. */
		if (peer->family == LC_FAMILY_IPV6) {
			if (last && memcmp(last, peer, sizeof(*peer)))
				dest6++;
			last = peer;
		}
		entry = lc_exact_entry(&rules[i]);
		if (entry && !put(table, entry, dest6))
			all = false;
	}
	return all;
}

static u32 count_exact(const struct lc_rule *rules, u32 count, bool *ipv6)
{
	u32 exact = 0, i;
	u64 entry;

	*ipv6 = false;
	for (i = 0; i < count; i++) {
		entry = lc_exact_entry(&rules[i]);
		exact += !!entry;
		*ipv6 |= entry & LC_EXACT_IPV6;
	}
	return exact;
}

/**
 * lc_exact_create() - make the table of the exact rules
 * @rules: all rules of a ruleset, valid ones, in the order of their destinations
 * @count: how many
 * @table: result, to be freed with lc_free(@table->buckets) and
 *	lc_free(@table->dests6), also on error
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int lc_exact_create(const struct lc_rule *rules, u32 count,
		    struct lc_exact_table *table)
{
	u32 buckets = 1, exact, attempt;
	size_t bytes;
	bool ipv6;

	exact = count_exact(rules, count, &ipv6);
	while (buckets * FILL < exact * 2)
		buckets *= 2;
	/* Twice as many may be needed. */
	bytes = array_size(buckets, sizeof(*table->buckets));
	table->buckets = lc_alloc(2 * bytes);
	if (!table->buckets)
		return -ENOMEM;
	if (ipv6) {
		table->dests6 = lc_alloc(array_size(2 * buckets *
						    LC_EXACT_ENTRIES,
						    sizeof(*table->dests6)));
		if (!table->dests6)
			return -ENOMEM;
	}
	for (attempt = 0; attempt < TRIES; attempt++) {
		table->mix = mix_of(attempt);
		table->mask = buckets - 1;
		if (fill(rules, count, table))
			return 0;
		memset(table->buckets, 0, bytes);
	}
	table->mask = 2 * buckets - 1;
	fill(rules, count, table);
	return 0;
}
