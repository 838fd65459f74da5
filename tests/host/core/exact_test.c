// SPDX-License-Identifier: GPL-2.0-only
/* The table of exact rules: what is in it, and what is not. */
#include "world.h"

#include "exact.h"

static struct lc_ruleset *compile(const struct lc_rule *rules, u32 count)
{
	struct lc_ruleset *set = NULL;

	CHECK_EQ(lc_ruleset_create(rules, count, &set), 0);
	return set;
}

static u32 find(const struct lc_ruleset *set, const char *addr, u8 proto,
		u16 port, u32 own)
{
	struct lc_rule at = rule(addr, P_TCP, CONNECTS, 1, 1);
	u32 place;

	return lc_exact_find(set, lc_exact_key(lc_be32(at.peer.addr), proto,
					       port, own), &place);
}

TEST(exact_rules_are_in_the_table)
{
	struct lc_rule rules[] = {
		rule("10.20.0.10/32", P_TCP, CONNECTS, 443, 443),
		rule("10.20.0.10/32", P_TCP, SERVES, 554, 554),
		rule("10.20.0.11/32", P_UDP, CONNECTS, 123, 123),
	};
	struct lc_ruleset *set = compile(rules, 3);

	CHECK_EQ(find(set, "10.20.0.10/32", 6, 443, 0), LC_MARK_DEVICE);
	CHECK_EQ(find(set, "10.20.0.11/32", 17, 123, 0), LC_MARK_DEVICE);
	CHECK_EQ(find(set, "10.20.0.10/32", 6, 444, 0), 0);
	CHECK_EQ(find(set, "10.20.0.10/32", 17, 443, 0), 0);
	CHECK_EQ(find(set, "10.20.0.12/32", 6, 443, 0), 0);
	CHECK_EQ(find(set, "10.20.0.10/32", 6, 443, LC_EXACT_OWN), 0);
	lc_ruleset_destroy(set);
}

TEST(what_is_not_exact_is_not_in_the_table)
{
	struct lc_rule rules[] = {
		rule("10.20.0.10/32", P_TCP, CONNECTS, 80, 81),
		rule("10.20.0.0/24", P_TCP, CONNECTS, 443, 443),
		rule("10.20.0.10/32", P_UDP, CONNECTS, 0, 0xffff),
		rule("0.0.0.0/0", P_TCP, CONNECTS, 22, 22),
	};
	struct lc_ruleset *set = compile(rules, 4);
	u32 i, used = 0;

	CHECK_EQ(set->mask, 0);
	for (i = 0; i < LC_EXACT_ENTRIES; i++)
		used += !!set->exact[0].entries[i];
	CHECK_EQ(used, 0);
	lc_ruleset_destroy(set);
}

static u32 find6(const struct lc_ruleset *set, const char *addr, u8 proto,
		 u16 port, u32 own)
{
	struct lc_rule at = rule(addr, P_TCP, CONNECTS, 1, 1);
	struct lc_wide wide = lc_be128(at.peer.addr);
	u32 place;

	return lc_exact_find6(set, &wide,
			      lc_exact_key(lc_exact_fold(&wide), proto, port,
					   LC_EXACT_IPV6 | own), &place);
}

TEST(exact_ipv6_rules_are_in_the_table)
{
	struct lc_rule rules[] = {
		rule("10.20.0.10/32", P_TCP, CONNECTS, 443, 443),
		rule("2001:db8::/64", P_TCP, CONNECTS, 443, 443),
		rule("2001:db8::10/128", P_TCP, CONNECTS, 443, 443),
		rule("2001:db8::10/128", P_UDP, CONNECTS, 123, 123),
		rule("2001:db8::11/128", P_TCP, SERVES, 554, 554),
		rule("2001:db8::12/128", P_TCP, CONNECTS, 80, 81),
	};
	struct lc_ruleset *set = compile(rules, 6);

	CHECK_EQ(find6(set, "2001:db8::10/128", 6, 443, 0), LC_MARK_DEVICE);
	CHECK_EQ(find6(set, "2001:db8::10/128", 17, 123, 0), LC_MARK_DEVICE);
	CHECK_EQ(find6(set, "2001:db8::11/128", 6, 554, 0), LC_MARK_PEER);
	CHECK_EQ(find6(set, "2001:db8::11/128", 6, 554, LC_EXACT_OWN), 0);
	CHECK_EQ(find6(set, "2001:db8::11/128", 6, 443, 0), 0);
	CHECK_EQ(find6(set, "2001:db8::12/128", 6, 80, 0), 0);
	CHECK_EQ(find6(set, "2001:db8::13/128", 6, 443, 0), 0);
	CHECK_EQ(find(set, "10.20.0.10/32", 6, 443, 0), LC_MARK_DEVICE);
	lc_ruleset_destroy(set);
}

/* All addresses of this /64 fold into one number. */
TEST(ipv6_addresses_of_one_number_are_told_apart)
{
	struct lc_rule rules[] = {
		rule("9e37:79b9:7f4a:7c15::1/128", P_TCP, CONNECTS, 443, 443),
		rule("9e37:79b9:7f4a:7c15::2/128", P_TCP, SERVES, 443, 443),
		rule("9e37:79b9:7f4a:7c15::3/128", P_TCP, CONNECTS, 80, 80),
		rule("9e37:79b9:7f4a:7c15::4/128", P_TCP, CONNECTS, 443, 443),
	};
	struct lc_ruleset *set = compile(rules, 4);
	struct lc_key key = { .family = 6, .proto = 6, .has_proto = true,
			      .has_ports = true, .sport = 40000, .dport = 443,
			      .tcp_flags = 2 };
	struct lc_rule at;
	u32 i;

	CHECK_EQ(find6(set, "9e37:79b9:7f4a:7c15::1/128", 6, 443, 0),
		 LC_MARK_DEVICE);
	CHECK_EQ(find6(set, "9e37:79b9:7f4a:7c15::3/128", 6, 443, 0), 0);
	CHECK_EQ(find6(set, "9e37:79b9:7f4a:7c15::5/128", 6, 443, 0), 0);
	for (i = 1; i <= 5; i++) {
		at = rules[0];
		at.peer.addr[15] = i;
		memcpy(key.dst, at.peer.addr, 16);
		CHECK_EQ(lc_ruleset_judge(set, &key),
			 i == 1 || i == 4 ? LENSCAP_REASON_NONE :
			 i == 2 ? LENSCAP_REASON_DIRECTION :
			 i == 3 ? LENSCAP_REASON_SERVICE :
				  LENSCAP_REASON_DESTINATION);
	}
	lc_ruleset_destroy(set);
}

/* Few rules find room all of them; many nearly all. */
TEST(exact_rules_find_room)
{
	static struct lc_rule rules[4000];
	u32 sizes[] = { 1, 2, 4, 5, 10, 20, 21, 100, 4000 };
	u32 n, i, found, place;

	for (i = 0; i < 4000; i++) {
		rules[i] = rule("10.20.0.0/32", i % 2 ? P_TCP : P_UDP, CONNECTS,
				1 + i * 7 % 64000, 1 + i * 7 % 64000);
		rules[i].peer.addr[2] = i >> 8;
		rules[i].peer.addr[3] = i;
	}
	for (n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		struct lc_ruleset *set = compile(rules, sizes[n]);

		for (i = found = 0; i < sizes[n]; i++)
			found += lc_exact_find(set, lc_exact_key(
					lc_be32(rules[i].peer.addr),
					i % 2 ? 6 : 17, rules[i].peer_low, 0),
					       &place) == LC_MARK_DEVICE;
		CHECK(found <= sizes[n]);
		CHECK(sizes[n] > 100 ? found >= sizes[n] * 95 / 100 :
				       found == sizes[n]);
		CHECK(set->mask + 1 <= sizes[n]);
		lc_ruleset_destroy(set);
	}
}
