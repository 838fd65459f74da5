// SPDX-License-Identifier: GPL-2.0-only
/* IPv6 neighbour discovery as upkeep. */
#include "world.h"

#define RS 133
#define RA 134
#define NS 135
#define NA 136
#define REDIRECT 137

#define ROUTER "fe80::1"
#define SOLICITED "ff02::1:ff00:1"
#define NODES "ff02::1"
#define ROUTERS "ff02::2"

#define SLLAO 1
#define TLLAO 2
#define NONCE 14

#define OTHER_MAC "\x02\x00\x5e\x10\x00\x18"

/* fin() and judge by the camera's policy. */
static u8 judged(struct pkt *p, struct lc_verdict *v)
{
	struct world w;
	u8 reason;

	world_camera(&w);
	fin(p);
	reason = world_judge(&w, p);
	CHECK_EQ(w.verdict.upkeep, reason == LENSCAP_REASON_NONE);
	if (v)
		*v = w.verdict;
	world_end(&w);
	return reason;
}

#define ND_IS(p, name) CHECK_EQ(judged(p, NULL), LENSCAP_REASON_##name)

TEST(nd_of_the_camera_passes)
{
	struct lc_verdict v;
	struct pkt p;

	nd(&p, RS, CAM_LL, ROUTERS, NULL);
	nd_option(&p, SLLAO, 1, CAM_MAC);
	ND_IS(&p, NONE);
	nd(&p, NS, CAM6, SOLICITED, "2001:db8:30::1");
	nd_option(&p, SLLAO, 1, CAM_MAC);
	ND_IS(&p, NONE);
	nd(&p, NS, CAM_LL, ROUTER, ROUTER);
	nd_option(&p, SLLAO, 1, CAM_MAC);
	nd_option(&p, NONCE, 1, "abcdef");
	ND_IS(&p, NONE);
	nd(&p, NS, CAM_LL, ROUTER, ROUTER);
	nd_option(&p, NONCE, 1, "abcdef");
	nd_option(&p, SLLAO, 1, CAM_MAC);
	ND_IS(&p, NONE);
	nd(&p, NA, CAM6, ROUTER, CAM6);
	nd_option(&p, TLLAO, 1, CAM_MAC);
	ND_IS(&p, NONE);
	nd(&p, NA, CAM_LL, NODES, CAM_LL);
	CHECK_EQ(judged(&p, &v), LENSCAP_REASON_NONE);
	CHECK_EQ(v.class, 5);
	CHECK(v.pass && v.device);
}

TEST(nd_from_nowhere_passes_where_hosts_do_it)
{
	struct pkt p;

	nd(&p, RS, "::", ROUTERS, NULL);
	ND_IS(&p, NONE);
	nd(&p, NS, "::", "ff02::1:ff00:17", CAM6);
	ND_IS(&p, NONE);
	nd(&p, NS, "::", "ff02::1:ff00:17", CAM_LL);
	nd_option(&p, NONCE, 1, "abcdef");
	ND_IS(&p, NONE);
	nd(&p, NA, "::", NODES, CAM6);
	ND_IS(&p, UPKEEP_INVALID);
	nd(&p, RS, "::", ROUTERS, NULL);
	nd_option(&p, SLLAO, 1, CAM_MAC);
	ND_IS(&p, UPKEEP_INVALID);
}

TEST(nd_of_routers_is_a_spoof)
{
	struct pkt p;

	nd(&p, RA, CAM_LL, NODES, NULL);
	zeros(&p, 8);
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, REDIRECT, CAM_LL, NODES, ABROAD6);
	zeros(&p, 16);
	ND_IS(&p, UPKEEP_SPOOF);
	/* however wrong it is in other ways */
	nd(&p, RA, CAM6, ABROAD6, NULL);
	p.b[7] = 1;
	ND_IS(&p, UPKEEP_SPOOF);
}

TEST(nd_hop_limit_is_255)
{
	struct pkt p;
	u8 type;

	for (type = RS; type <= NA; type++) {
		if (type == RA)
			continue;
		nd(&p, type, CAM_LL, NODES, type == RS ? NULL : CAM6);
		ND_IS(&p, NONE);
		p.b[7] = 254;
		ND_IS(&p, UPKEEP_INVALID);
		p.b[7] = 0;
		ND_IS(&p, UPKEEP_INVALID);
	}
}

TEST(nd_code_is_zero)
{
	struct pkt p;

	nd(&p, NS, CAM_LL, NODES, CAM6);
	p.b[p.l4 + 1] = 1;
	ND_IS(&p, UPKEEP_INVALID);
}

TEST(nd_has_no_extension_headers)
{
	static const u8 types[] = { X_HOP, X_DEST };
	struct pkt p;
	u32 i;

	for (i = 0; i < 2; i++) {
		ip6(&p, CAM_LL, ROUTERS);
		p.b[7] = 255;
		ext(&p, types[i], 0);
		icmp(&p, RS, 0, 0);
		ND_IS(&p, UPKEEP_INVALID);
	}
	ip6(&p, CAM_LL, ROUTERS);
	p.b[7] = 255;
	ext_fragment(&p, 0, false);
	icmp(&p, RS, 0, 0);
	ND_IS(&p, UPKEEP_INVALID);
	ip6(&p, CAM_LL, ROUTERS);
	p.b[7] = 255;
	ext_fragment(&p, 0, true);
	icmp(&p, RS, 0, 0);
	ND_IS(&p, UPKEEP_INVALID);
}

TEST(nd_that_is_too_short_is_invalid)
{
	struct pkt p;
	u32 cut;

	for (cut = 1; cut <= 16; cut++) {
		nd(&p, NS, CAM_LL, NODES, CAM6);
		p.len -= cut;
		ND_IS(&p, UPKEEP_INVALID);
		nd(&p, NA, CAM_LL, NODES, CAM6);
		p.len -= cut;
		ND_IS(&p, UPKEEP_INVALID);
	}
}

TEST(nd_options_of_hosts_only)
{
	struct pkt p;
	u32 type;

	for (type = 0; type < 256; type++) {
		nd(&p, NS, CAM_LL, NODES, "2001:db8:30::1");
		nd_option(&p, type, 1, CAM_MAC);
		if (type == SLLAO || type == TLLAO || type == NONCE)
			ND_IS(&p, NONE);
		else
			ND_IS(&p, UPKEEP_INVALID);
	}
}

TEST(nd_options_of_the_right_length)
{
	static const u8 types[] = { SLLAO, TLLAO, NONCE };
	struct pkt p;
	u32 i, units;

	for (i = 0; i < 3; i++)
		for (units = 0; units < 4; units++) {
			nd(&p, NS, CAM_LL, NODES, "2001:db8:30::1");
			nd_option(&p, types[i], units, CAM_MAC);
			if (units == 1)
				ND_IS(&p, NONE);
			else
				ND_IS(&p, UPKEEP_INVALID);
		}
	nd(&p, NS, CAM_LL, NODES, "2001:db8:30::1");
	nd_option(&p, SLLAO, 255, CAM_MAC);
	p.len -= 200;
	ND_IS(&p, UPKEEP_INVALID);
}

TEST(nd_options_that_are_cut_off_are_invalid)
{
	struct pkt p;
	u32 cut;

	for (cut = 1; cut < 8; cut++) {
		nd(&p, RS, CAM_LL, NODES, NULL);
		nd_option(&p, SLLAO, 1, CAM_MAC);
		p.len -= cut;
		ND_IS(&p, UPKEEP_INVALID);
	}
}

TEST(nd_with_room_to_spare_is_invalid)
{
	struct pkt p;
	u32 i;

	nd(&p, RS, CAM_LL, NODES, NULL);
	for (i = 0; i < 3; i++) {
		nd_option(&p, NONCE, 1, "abcdef");
		ND_IS(&p, NONE);
	}
	for (; i < 60; i++) {
		nd_option(&p, NONCE, 1, "abcdef");
		ND_IS(&p, UPKEEP_INVALID);
	}
	/* padding of the frame is not part of the message */
	nd(&p, RS, CAM_LL, NODES, NULL);
	fin(&p);
	zeros(&p, 4);
	p.b[4] = 0;
	p.b[5] = 8;
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
}

TEST(nd_link_addresses_are_the_cameras)
{
	struct pkt p;

	nd(&p, RS, CAM_LL, ROUTERS, NULL);
	nd_option(&p, SLLAO, 1, OTHER_MAC);
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, NA, CAM6, NODES, CAM6);
	nd_option(&p, TLLAO, 1, OTHER_MAC);
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, RS, CAM_LL, ROUTERS, NULL);
	nd_option(&p, NONCE, 1, CAM_MAC);
	nd_option(&p, SLLAO, 1, OTHER_MAC);
	ND_IS(&p, UPKEEP_SPOOF);
	/* a second one could hide behind a true first one */
	nd(&p, NA, CAM6, NODES, CAM6);
	nd_option(&p, TLLAO, 1, CAM_MAC);
	nd_option(&p, TLLAO, 1, OTHER_MAC);
	ND_IS(&p, UPKEEP_INVALID);
	nd(&p, NA, CAM6, NODES, CAM6);
	nd_option(&p, TLLAO, 1, OTHER_MAC);
	nd_option(&p, TLLAO, 1, CAM_MAC);
	ND_IS(&p, UPKEEP_INVALID);
}

TEST(nd_source_is_bound_or_of_the_mac)
{
	struct pkt p;

	nd(&p, NS, "2001:db8:30::18", NODES, "2001:db8:30::1");
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, NA, ABROAD6, NODES, CAM6);
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, RS, "febf:ffff::1", NODES, NULL);
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, RS, "fec0::1", NODES, NULL);
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, RS, "fe7f::1", NODES, NULL);
	ND_IS(&p, UPKEEP_SPOOF);
}

TEST(nd_target_that_it_speaks_for_is_bound_or_of_the_mac)
{
	struct pkt p;

	nd(&p, NA, CAM6, NODES, "2001:db8:30::1");
	ND_IS(&p, UPKEEP_SPOOF);
	nd(&p, NA, CAM6, NODES, CAM_LL);
	ND_IS(&p, NONE);
	/* a probe for a duplicate denies the address to its owner */
	nd(&p, NS, "::", "ff02::1:ff00:1", "2001:db8:30::1");
	ND_IS(&p, UPKEEP_SPOOF);
	/* a question speaks for nobody */
	nd(&p, NS, CAM6, "ff02::1:ff00:1", "2001:db8:30::1");
	ND_IS(&p, NONE);
}

/* With a neighbour's it could draw the LAN's IPv6 traffic to itself. */
TEST(nd_link_local_addresses_are_its_own)
{
	static const char *const others[] = {
		"fe80::1", "fe80::5eff:fe10:18", "fe80::5eff:fe10:1",
		"fe80::1:0:5eff:fe10:17", "fe80:1::5eff:fe10:17",
		"fe80::200:5eff:fe10:17", "fe80::5e10:17", "fe90::5eff:fe10:17",
		"fe80::5eff:ff10:17", "fe80::5e00:fe10:17",
	};
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		CASE(others[i]);
		nd(&p, NA, CAM_LL, NODES, others[i]);
		nd_option(&p, TLLAO, 1, CAM_MAC);
		ND_IS(&p, UPKEEP_SPOOF);
		nd(&p, NA, others[i], NODES, CAM_LL);
		ND_IS(&p, UPKEEP_SPOOF);
		nd(&p, NS, others[i], ROUTER, ROUTER);
		nd_option(&p, SLLAO, 1, CAM_MAC);
		ND_IS(&p, UPKEEP_SPOOF);
		nd(&p, RS, others[i], ROUTERS, NULL);
		nd_option(&p, SLLAO, 1, CAM_MAC);
		ND_IS(&p, UPKEEP_SPOOF);
		nd(&p, NS, "::", SOLICITED, others[i]);
		ND_IS(&p, UPKEEP_SPOOF);
		mld(&p, 131, others[i], "ff02::1:3");
		ND_IS(&p, UPKEEP_SPOOF);
		dhcp6(&p, 1, others[i], "ff02::1:2", 40);
		ND_IS(&p, UPKEEP_SPOOF);
	}
}

/* As a host has it that makes its link-local address by RFC 7217. */
TEST(nd_link_local_address_that_is_bound)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 3, NULL, 0);
	world_device(&w, 1, CAM_MAC, 0, CAM6 " fe80::7217");
	CHECK_EQ(world_commit(&w), 0);
	nd(&p, NA, "fe80::7217", NODES, "fe80::7217");
	nd_option(&p, TLLAO, 1, CAM_MAC);
	fin(&p);
	JUDGED(&w, &p, NONE);
	nd(&p, NS, "::", SOLICITED, "fe80::7217");
	fin(&p);
	JUDGED(&w, &p, NONE);
	mld(&p, 131, "fe80::7217", "ff02::1:3");
	fin(&p);
	JUDGED(&w, &p, NONE);
	dhcp6(&p, 1, "fe80::7217", "ff02::1:2", 40);
	fin(&p);
	JUDGED(&w, &p, NONE);
	world_end(&w);
}

TEST(nd_destination_is_link_or_lan)
{
	static const struct {
		const char *dst;
		u8 reason;
	} cases[] = {
		{ "ff02::1", LENSCAP_REASON_NONE },
		{ "ff02:ffff::1", LENSCAP_REASON_NONE },
		{ "ff01::1", LENSCAP_REASON_UPKEEP_INVALID },
		{ "ff03::1", LENSCAP_REASON_UPKEEP_INVALID },
		{ "ff05::1", LENSCAP_REASON_UPKEEP_INVALID },
		{ "ff0e::1", LENSCAP_REASON_UPKEEP_INVALID },
		{ "ff12::1", LENSCAP_REASON_UPKEEP_INVALID },
		{ "ff32::1", LENSCAP_REASON_UPKEEP_INVALID },
		{ "fe80::1", LENSCAP_REASON_NONE },
		{ "febf::1", LENSCAP_REASON_NONE },
		{ "fec0::1", LENSCAP_REASON_UPKEEP_INVALID },
		{ "2001:db8:30::1", LENSCAP_REASON_NONE },
		{ "2001:db8:30:0:ffff::", LENSCAP_REASON_NONE },
		{ "2001:db8:30:1::", LENSCAP_REASON_UPKEEP_INVALID },
		{ NVR6, LENSCAP_REASON_UPKEEP_INVALID },
		{ ABROAD6, LENSCAP_REASON_UPKEEP_INVALID },
	};
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CASE(cases[i].dst);
		nd(&p, NS, CAM6, cases[i].dst, "2001:db8:30::1");
		CHECK_EQ(judged(&p, NULL), cases[i].reason);
	}
}

TEST(nd_multicast_inside_a_subnet_is_still_invalid)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	w.guard.subnets[0] = prefix_of("::/0");
	nd(&p, NS, CAM6, "ff05::1", "2001:db8:30::1");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_INVALID);
	world_end(&w);
}

TEST(nd_is_never_judged_by_rules)
{
	struct lc_rule all = rule_any("::/0", LC_PROTO_ANY, CONNECTS);
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &all, 1);
	world_device(&w, 1, CAM_MAC, 0, CAM6);
	CHECK_EQ(world_commit(&w), 0);
	nd(&p, RA, CAM6, NODES, NULL);
	zeros(&p, 8);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	nd(&p, NS, CAM6, ABROAD6, CAM6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_INVALID);
	w.guard.upkeep = 0;
	nd(&p, NS, CAM6, NODES, CAM6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_OFF);
	/* other ICMPv6 is */
	ip6(&p, CAM6, NVR6);
	icmp(&p, 128, 0, 0);
	fin(&p);
	JUDGED(&w, &p, NONE);
	CHECK(!w.verdict.upkeep);
	world_end(&w);
}

TEST(nd_of_the_hop)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	world_profile(&w, LENSCAP_MODE_ENFORCE, 3, NULL, 0);
	world_device(&w, 1, NULL, 0, CAM6);
	CHECK_EQ(world_commit(&w), 0);
	nd(&p, NS, "fe80::1", NODES, "2001:db8:99::2");
	nd_option(&p, SLLAO, 1, CAM_MAC);
	fin(&p);
	JUDGED(&w, &p, NONE);
	CHECK(w.verdict.upkeep && !w.verdict.device);
	nd(&p, NA, "fe80::1", NODES, "2001:db8:99::1");
	fin(&p);
	JUDGED(&w, &p, NONE);
	nd(&p, NA, "fe80::1", NODES, CAM6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	nd(&p, NS, CAM6, NODES, "2001:db8:99::2");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	nd(&p, NS, "fe80::1", NODES, "2001:db8:99::2");
	nd_option(&p, SLLAO, 1, OTHER_MAC);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	nd(&p, NS, "fe80::1", ABROAD6, "2001:db8:99::2");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_INVALID);
	/* who is named would be answered, or told that it did not get on */
	nd(&p, NS, ABROAD6, "fe80::dead", "fe80::dead");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	nd(&p, NS, ABROAD6, NODES, "2001:db8:99::2");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	nd(&p, RS, ABROAD6, "ff02::2", NULL);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	nd(&p, RS, "::", "ff02::2", NULL);
	fin(&p);
	JUDGED(&w, &p, NONE);
	nd(&p, NA, "fe80::1", "fe80::2", "2001:db8:99::1");
	fin(&p);
	JUDGED(&w, &p, NONE);
	w.guard.subnets[0] = prefix_of("2001:db8:99::/64");
	w.guard.nsubnets = 1;
	nd(&p, NA, "2001:db8:99::1", "fe80::2", "2001:db8:99::1");
	fin(&p);
	JUDGED(&w, &p, NONE);
	nd(&p, NS, ABROAD6, "2001:db8:99::dead", "2001:db8:99::dead");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	w.guard.upkeep = 0;
	nd(&p, NS, "fe80::1", NODES, "2001:db8:99::2");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_OFF);
	world_end(&w);
}
