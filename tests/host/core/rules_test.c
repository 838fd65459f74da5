// SPDX-License-Identifier: GPL-2.0-only
/* What rules permit, and the reason when none does. */
#include "world.h"

static struct lc_ruleset *compiled(const struct lc_rule *rules, u32 count)
{
	struct lc_ruleset *set = NULL;

	CHECK_EQ(lc_ruleset_create(rules, count, &set), 0);
	return set;
}

/* fin(), parse and ask one rule. */
static u8 one(struct lc_rule r, struct pkt *p)
{
	struct lc_ruleset *set = compiled(&r, 1);
	struct lc_key key;
	u8 reason;

	fin(p);
	parse(p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	reason = lc_ruleset_judge(set, &key);
	lc_ruleset_destroy(set);
	return reason;
}

#define ONE(r, p, name) CHECK_EQ(one(r, p), LENSCAP_REASON_##name)

static void to4(struct pkt *p, const char *dst, u8 number, u16 sport, u16 dport)
{
	ip4(p, number, CAM4, dst);
	if (number == P_TCP)
		tcp(p, sport, dport, T_ACK);
	else
		udp(p, sport, dport, 0);
}

TEST(rules_of_nothing_name_no_destination)
{
	struct lc_ruleset *set = compiled(NULL, 0);
	struct lc_key key;
	struct pkt p;

	to4(&p, NVR4, P_TCP, 1, 2);
	fin(&p);
	parse(&p, &key);
	CHECK_EQ(lc_ruleset_judge(set, &key), LENSCAP_REASON_DESTINATION);
	lc_ruleset_destroy(set);
}

TEST(rule_names_its_destination)
{
	struct pkt p;

	to4(&p, NVR4, P_TCP, 1, 2);
	ONE(rule_any(NVR4, P_TCP, CONNECTS), &p, NONE);
	ONE(rule_any("10.20.0.11", P_TCP, CONNECTS), &p, DESTINATION);
	ONE(rule_any("10.20.0.8/30", P_TCP, CONNECTS), &p, NONE);
	ONE(rule_any("10.20.0.12/30", P_TCP, CONNECTS), &p, DESTINATION);
	ONE(rule_any("0.0.0.0/0", P_TCP, CONNECTS), &p, NONE);
	ONE(rule_any("::/0", P_TCP, CONNECTS), &p, DESTINATION);
	ip6(&p, CAM6, NVR6);
	tcp(&p, 1, 2, T_ACK);
	ONE(rule_any("::/0", P_TCP, CONNECTS), &p, NONE);
	ONE(rule_any("0.0.0.0/0", P_TCP, CONNECTS), &p, DESTINATION);
	ONE(rule_any("2001:db8:20::/48", P_TCP, CONNECTS), &p, NONE);
	ONE(rule_any("2001:db8:21::/48", P_TCP, CONNECTS), &p, DESTINATION);
}

TEST(rule_does_not_match_by_source)
{
	struct pkt p;

	to4(&p, ABROAD4, P_TCP, 1, 2);
	ONE(rule_any(CAM4, P_TCP, CONNECTS), &p, DESTINATION);
}

TEST(rule_names_its_protocol)
{
	struct pkt p;

	to4(&p, NVR4, P_TCP, 1, 2);
	ONE(rule_any(NVR4, P_UDP, CONNECTS), &p, SERVICE);
	to4(&p, NVR4, P_UDP, 1, 2);
	ONE(rule_any(NVR4, P_UDP, CONNECTS), &p, NONE);
	ip4(&p, 47, CAM4, NVR4);
	ONE(rule_any(NVR4, 47, CONNECTS), &p, NONE);
	ONE(rule_any(NVR4, 46, CONNECTS), &p, SERVICE);
	ip4(&p, 0, CAM4, NVR4);
	ONE(rule_any(NVR4, 0, CONNECTS), &p, NONE);
	ip4(&p, 255, CAM4, NVR4);
	ONE(rule_any(NVR4, 255, CONNECTS), &p, NONE);
	ip4(&p, 136, CAM4, NVR4);
	ONE(rule(NVR4, P_UDP, CONNECTS, 0, 100), &p, SERVICE);
}

TEST(rule_for_any_protocol_matches_all)
{
	static const u8 numbers[] = { 0, 1, 4, 6, 17, 41, 47, 50, 51, 58, 59,
				      132, 253, 255 };
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(numbers); i++) {
		ip4(&p, numbers[i], CAM4, NVR4);
		zeros(&p, 20);
		if (numbers[i] == P_TCP)
			p.b[p.l4 + 12] = 0x50;
		if (numbers[i] == P_UDP)
			put16(&p, p.l4 + 4, 20);
		ONE(rule_any(NVR4, LC_PROTO_ANY, CONNECTS), &p, NONE);
		ONE(rule_any(NVR4, LC_PROTO_ANY, SERVES), &p, NONE);
	}
}

TEST(rule_with_peer_ports_matches_the_destination_port)
{
	static const u8 numbers[] = { P_TCP, P_UDP };
	struct pkt p;
	u32 i;

	for (i = 0; i < 2; i++) {
		struct lc_rule r = rule(NVR4, numbers[i], CONNECTS, 100, 200);

		to4(&p, NVR4, numbers[i], 5000, 99);
		ONE(r, &p, SERVICE);
		to4(&p, NVR4, numbers[i], 5000, 100);
		ONE(r, &p, NONE);
		to4(&p, NVR4, numbers[i], 5000, 200);
		ONE(r, &p, NONE);
		to4(&p, NVR4, numbers[i], 5000, 201);
		ONE(r, &p, SERVICE);
		to4(&p, NVR4, numbers[i], 150, 5000);
		ONE(r, &p, SERVICE);
	}
}

TEST(rule_with_device_ports_matches_the_source_port)
{
	struct lc_rule r = rule_any(NVR4, P_TCP, SERVES);
	struct pkt p;

	r.device_low = 554;
	r.device_high = 560;
	to4(&p, NVR4, P_TCP, 553, 5000);
	ONE(r, &p, SERVICE);
	to4(&p, NVR4, P_TCP, 554, 5000);
	ONE(r, &p, NONE);
	to4(&p, NVR4, P_TCP, 560, 5000);
	ONE(r, &p, NONE);
	to4(&p, NVR4, P_TCP, 561, 5000);
	ONE(r, &p, SERVICE);
	to4(&p, NVR4, P_TCP, 5000, 554);
	ONE(r, &p, SERVICE);
	r.device_low = 0;
	to4(&p, NVR4, P_TCP, 560, 5000);
	ONE(r, &p, NONE);
	to4(&p, NVR4, P_TCP, 561, 5000);
	ONE(r, &p, SERVICE);
}

TEST(rule_with_both_ranges_needs_both)
{
	struct lc_rule r = rule(NVR4, P_UDP, CONNECTS, 100, 100);
	struct pkt p;

	r.device_low = 7;
	r.device_high = 7;
	to4(&p, NVR4, P_UDP, 7, 100);
	ONE(r, &p, NONE);
	to4(&p, NVR4, P_UDP, 8, 100);
	ONE(r, &p, SERVICE);
	to4(&p, NVR4, P_UDP, 7, 101);
	ONE(r, &p, SERVICE);
}

TEST(rule_ports_zero_and_65535_are_ports)
{
	struct pkt p;

	to4(&p, NVR4, P_UDP, 0, 0);
	ONE(rule(NVR4, P_UDP, CONNECTS, 0, 0), &p, NONE);
	ONE(rule(NVR4, P_UDP, CONNECTS, 1, 65535), &p, SERVICE);
	to4(&p, NVR4, P_UDP, 65535, 65535);
	ONE(rule(NVR4, P_UDP, CONNECTS, 65535, 65535), &p, NONE);
	ONE(rule(NVR4, P_UDP, CONNECTS, 0, 65534), &p, SERVICE);
}

TEST(rule_for_icmp_matches_the_type)
{
	struct pkt p;

	ip4(&p, 0, CAM4, NVR4);
	icmp(&p, 8, 0, 0);
	ONE(rule(NVR4, P_ICMP, CONNECTS, 8, 8), &p, NONE);
	ONE(rule(NVR4, P_ICMP, CONNECTS, 0, 7), &p, SERVICE);
	ONE(rule(NVR4, P_ICMP, CONNECTS, 9, 255), &p, SERVICE);
	ONE(rule_any(NVR4, P_ICMP, CONNECTS), &p, NONE);
	ip6(&p, CAM6, NVR6);
	icmp(&p, 128, 0, 0);
	ONE(rule(NVR6, P_ICMP6, CONNECTS, 128, 129), &p, NONE);
	ONE(rule(NVR6, P_ICMP6, CONNECTS, 129, 129), &p, SERVICE);
}

TEST(rule_that_serves_refuses_a_syn_without_ack)
{
	struct lc_rule serves = rule_any(NVR4, P_TCP, SERVES);
	struct lc_rule any = rule_any(NVR4, LC_PROTO_ANY, SERVES);
	struct pkt p;
	u32 flags;

	for (flags = 0; flags < 256; flags++) {
		bool syn = (flags & (T_SYN | T_ACK)) == T_SYN;

		ip4(&p, P_TCP, CAM4, NVR4);
		tcp(&p, 554, 5000, flags);
		CHECK_EQ(one(serves, &p), syn ? LENSCAP_REASON_DIRECTION :
			 LENSCAP_REASON_NONE);
		CHECK_EQ(one(any, &p), syn ? LENSCAP_REASON_DIRECTION :
			 LENSCAP_REASON_NONE);
		ONE(rule_any(NVR4, P_TCP, CONNECTS), &p, NONE);
		ONE(rule_any(NVR4, LC_PROTO_ANY, CONNECTS), &p, NONE);
	}
}

TEST(rule_that_serves_refuses_a_syn_in_a_first_fragment)
{
	struct pkt p;

	ip4(&p, P_TCP, CAM4, NVR4);
	ip4_fragment(&p, 0, true);
	tcp(&p, 554, 5000, T_SYN);
	ONE(rule_any(NVR4, P_TCP, SERVES), &p, DIRECTION);
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, true);
	tcp(&p, 554, 5000, T_SYN);
	zeros(&p, 4);
	ONE(rule_any(NVR6, P_TCP, SERVES), &p, DIRECTION);
}

TEST(rule_that_serves_refuses_icmp_requests)
{
	struct pkt p;
	u32 type;

	for (type = 0; type < 256; type++) {
		bool request = type == 8 || type == 10 || type == 13 ||
			       type == 15 || type == 17 || type == 33 ||
			       type == 35 || type == 37 || type == 42;

		ip4(&p, 0, CAM4, NVR4);
		icmp(&p, type, 0, 0);
		CHECK_EQ(one(rule_any(NVR4, P_ICMP, SERVES), &p), request ?
			 LENSCAP_REASON_DIRECTION : LENSCAP_REASON_NONE);
		CHECK_EQ(one(rule_any(NVR4, LC_PROTO_ANY, SERVES), &p),
			 request ? LENSCAP_REASON_DIRECTION :
			 LENSCAP_REASON_NONE);
		ONE(rule_any(NVR4, P_ICMP, CONNECTS), &p, NONE);
		/* the types of upkeep are no matter for rules */
		if ((type >= 130 && type <= 137) || type == 143)
			continue;
		request = type == 128 || type == 139 || type == 141 ||
			  type == 144 || type == 146 || type == 148 ||
			  type == 152 || type == 157 || type == 160;
		ip6(&p, CAM6, NVR6);
		icmp(&p, type, 0, 0);
		CHECK_EQ(one(rule_any(NVR6, P_ICMP6, SERVES), &p), request ?
			 LENSCAP_REASON_DIRECTION : LENSCAP_REASON_NONE);
	}
}

TEST(rule_that_serves_passes_udp_both_ways)
{
	struct pkt p;

	to4(&p, NVR4, P_UDP, 554, 5000);
	ONE(rule_any(NVR4, P_UDP, SERVES), &p, NONE);
}

TEST(rule_with_ports_does_not_match_later_fragments)
{
	struct lc_rule device = rule_any(NVR4, P_UDP, CONNECTS);
	struct pkt p;

	device.device_low = 1;
	to4(&p, NVR4, P_UDP, 0, 0);
	zeros(&p, 8);
	ip4_fragment(&p, 100, true);
	ONE(rule(NVR4, P_UDP, CONNECTS, 0, 65534), &p, FRAGMENT);
	ONE(device, &p, FRAGMENT);
	ONE(rule_any(NVR4, P_UDP, CONNECTS), &p, NONE);
	ONE(rule_any(NVR4, P_UDP, SERVES), &p, NONE);
	ONE(rule_any(NVR4, LC_PROTO_ANY, CONNECTS), &p, NONE);
	ONE(rule_any(NVR4, P_TCP, CONNECTS), &p, SERVICE);
	ONE(rule_any("10.20.0.11", P_UDP, CONNECTS), &p, DESTINATION);
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 100, false);
	proto(&p, P_UDP);
	zeros(&p, 8);
	ONE(rule(NVR6, P_UDP, CONNECTS, 0, 0), &p, FRAGMENT);
	ONE(rule_any(NVR6, P_UDP, CONNECTS), &p, NONE);
}

TEST(rule_with_ports_matches_first_fragments)
{
	struct pkt p;

	to4(&p, NVR4, P_UDP, 1000, 10000);
	ip4_fragment(&p, 0, true);
	ONE(rule(NVR4, P_UDP, CONNECTS, 10000, 10000), &p, NONE);
	ONE(rule(NVR4, P_UDP, CONNECTS, 10001, 10001), &p, SERVICE);
}

TEST(rules_add_up_whatever_their_order)
{
	struct lc_rule rules[] = {
		rule(NVR4, P_TCP, SERVES, 1, 1),
		rule("0.0.0.0/0", P_UDP, CONNECTS, 2, 2),
		rule("10.20.0.0/16", P_TCP, CONNECTS, 3, 3),
		rule(NVR4, P_TCP, CONNECTS, 4, 4),
	};
	struct lc_ruleset *set = compiled(rules, 4);
	static const struct {
		u8 number;
		u16 port;
		u8 flags;
		const char *dst;
		u8 reason;
	} cases[] = {
		{ P_TCP, 1, T_ACK, NVR4, LENSCAP_REASON_NONE },
		{ P_TCP, 1, T_SYN, NVR4, LENSCAP_REASON_DIRECTION },
		{ P_TCP, 3, T_SYN, NVR4, LENSCAP_REASON_NONE },
		{ P_TCP, 4, T_SYN, NVR4, LENSCAP_REASON_NONE },
		{ P_TCP, 4, T_SYN, "10.20.0.11", LENSCAP_REASON_SERVICE },
		{ P_TCP, 3, T_SYN, "10.20.0.11", LENSCAP_REASON_NONE },
		{ P_TCP, 2, T_SYN, NVR4, LENSCAP_REASON_SERVICE },
		{ P_UDP, 2, 0, ABROAD4, LENSCAP_REASON_NONE },
		{ P_UDP, 3, 0, ABROAD4, LENSCAP_REASON_SERVICE },
	};
	struct lc_key key;
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ip4(&p, 0, CAM4, cases[i].dst);
		if (cases[i].number == P_TCP)
			tcp(&p, 9, cases[i].port, cases[i].flags);
		else
			udp(&p, 9, cases[i].port, 0);
		fin(&p);
		parse(&p, &key);
		CHECK_EQ(lc_ruleset_judge(set, &key), cases[i].reason);
	}
	lc_ruleset_destroy(set);
}

TEST(rule_that_connects_wins_over_one_that_serves)
{
	struct lc_rule rules[] = {
		rule_any(NVR4, P_TCP, SERVES),
		rule_any("10.20.0.0/16", LC_PROTO_ANY, CONNECTS),
	};
	struct lc_ruleset *set = compiled(rules, 2);
	struct lc_key key;
	struct pkt p;

	ip4(&p, P_TCP, CAM4, NVR4);
	tcp(&p, 1, 2, T_SYN);
	fin(&p);
	parse(&p, &key);
	CHECK_EQ(lc_ruleset_judge(set, &key), LENSCAP_REASON_NONE);
	lc_ruleset_destroy(set);
}
