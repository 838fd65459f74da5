// SPDX-License-Identifier: GPL-2.0-only
/* Which counter a frame is counted in, and whose it is. The oracle compares more. */
#include "world.h"

static struct lc_ruleset *compile(const struct lc_rule *rules, u32 count)
{
	struct lc_ruleset *set = NULL;

	CHECK_EQ(lc_ruleset_create(rules, count, &set), 0);
	return set;
}

/* The rule that a frame to a port is counted for, as it was written. */
static struct lc_rule counted(const struct lc_ruleset *set, const char *dst,
			      u16 sport, u16 dport, u8 part)
{
	struct lc_rule to = rule(dst, P_UDP, CONNECTS, 1, 1), at = { 0 };
	struct lc_key key = { .family = to.peer.family, .part = part,
			      .proto = 17, .has_proto = true,
			      .sport = sport, .dport = dport };
	struct lc_rule_walk walk;
	u32 hit = LC_PLACE_NONE, n = 0, found = 0;
	struct lc_rule one;

	memcpy(key.dst, to.peer.addr, sizeof(key.dst));
	CHECK_EQ(lc_ruleset_ask(set, &key, &hit), LENSCAP_REASON_NONE);
	CHECK(hit < lc_ruleset_counters(set));
	lc_rules_begin(set, 0, &walk);
	for (; lc_rules_next(set, &walk, &one); n++) {
		if (hit != lc_ruleset_places(set) + n &&
		    hit != lc_rule_place(set, &one))
			continue;
		at = one;
		found++;
	}
	CHECK_EQ(found, 1);
	return at;
}

TEST(an_exact_rule_has_a_counter_of_its_own)
{
	struct lc_rule rules[] = {
		rule("10.20.0.10/32", P_UDP, CONNECTS, 5000, 5000),
		rule("10.20.0.10/32", P_UDP, CONNECTS, 4000, 6000),
		rule("10.20.0.0/16", P_UDP, CONNECTS, 0, 0xffff),
	};
	struct lc_ruleset *set = compile(rules, 3);
	struct lc_rule at;

	at = counted(set, "10.20.0.10/32", 1, 5000, LC_PART_WHOLE);
	CHECK(!memcmp(&at, &rules[0], sizeof(at)));
	at = counted(set, "10.20.0.10/32", 1, 5001, LC_PART_WHOLE);
	CHECK(!memcmp(&at, &rules[1], sizeof(at)));
	at = counted(set, "10.20.0.10/32", 1, 7000, LC_PART_WHOLE);
	CHECK(!memcmp(&at, &rules[2], sizeof(at)));
	at = counted(set, "10.20.0.10/32", 0, 0, LC_PART_LATER);
	CHECK(!memcmp(&at, &rules[2], sizeof(at)));
	lc_ruleset_destroy(set);
}

/* Ranges that lie in one another, many of them: the first is the lowest. */
TEST(the_first_of_a_long_list)
{
	static struct lc_rule rules[200];
	struct lc_rule_walk walk;
	struct lc_ruleset *set;
	struct lc_rule first, at;
	u32 i, port;

	for (i = 0; i < 200; i++)
		rules[i] = rule("2001:db8::10/128", P_UDP, CONNECTS, 100 + i,
				1000 - i);
	set = compile(rules, 200);
	for (port = 100; port <= 1000; port += 9) {
		lc_rules_begin(set, 0, &walk);
		do {
			CHECK(lc_rules_next(set, &walk, &first));
		} while (port < first.peer_low || port > first.peer_high);
		at = counted(set, "2001:db8::10/128", 1, port, LC_PART_WHOLE);
		CHECK(!memcmp(&at, &first, sizeof(at)));
	}
	lc_ruleset_destroy(set);
}

/* Every rule of full tables is found again, IPv4 and IPv6, in the table or not. */
TEST(no_two_rules_share_a_counter)
{
	static struct lc_rule rules[3000];
	struct lc_ruleset *set;
	struct lc_rule_walk walk;
	struct lc_rule one;
	u32 i, n = 0, place, counters;
	u8 *seen;

	for (i = 0; i < 3000; i++) {
		rules[i] = rule(i % 2 ? "10.20.0.0/32" : "2001:db8::/128",
				P_UDP, i % 3 ? CONNECTS : SERVES, 1 + i / 4,
				1 + i / 4);
		rules[i].peer.addr[3] = i % 4 / 2;
	}
	set = compile(rules, 3000);
	counters = lc_ruleset_counters(set);
	seen = calloc(counters, 1);
	lc_rules_begin(set, 0, &walk);
	for (; lc_rules_next(set, &walk, &one); n++) {
		place = lc_rule_place(set, &one);
		if (place == LC_PLACE_NONE)
			continue;
		CHECK(place < lc_ruleset_places(set));
		CHECK(!seen[place]++);
	}
	CHECK_EQ(n, set->count);
	free(seen);
	lc_ruleset_destroy(set);
}

TEST(counters_are_no_part_of_the_rules)
{
	struct lc_rule rules[] = {
		rule("10.20.0.10/32", P_UDP, CONNECTS, 5000, 5000),
		rule("10.20.0.0/16", P_TCP, CONNECTS, 1, 2),
	};
	struct lc_ruleset *set = compile(rules, 2), *apart, *one;
	u8 *row;

	apart = lc_ruleset_counted(set, 4, true);
	one = lc_ruleset_counted(set, 1, false);
	CHECK(apart && one);
	CHECK_EQ(apart->row % 64, 0);
	CHECK(apart->row >= lc_ruleset_counters(set) * sizeof(u64));
	CHECK_EQ(one->row, 0);
	/* All of what they say is theirs may be written to. */
	row = (u8 *)apart + apart->bytes;
	memset(row, 0xff, 4UL * apart->row);
	CHECK(lc_ruleset_equal(set, apart));
	CHECK(lc_ruleset_equal(apart, one));
	CHECK_EQ(set->bytes % 64, 0);
	lc_ruleset_destroy(one);
	lc_ruleset_destroy(apart);
	lc_ruleset_destroy(set);
}
