// SPDX-License-Identifier: GPL-2.0-only
/* The order of judgement, identities, modes and tags. */
#include "world.h"

TAP_MAIN

static void allowed(struct pkt *p)
{
	ip4(p, P_TCP, CAM4, NVR4);
	tcp(p, 554, 40000, T_ACK);
	fin(p);
}

static void abroad(struct pkt *p)
{
	ip4(p, P_TCP, CAM4, ABROAD4);
	tcp(p, 5000, 443, T_SYN);
	fin(p);
}

TEST(judge_without_policy)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	allowed(&p);
	JUDGED(&w, &p, NO_POLICY);
	CHECK(!w.verdict.device);
	p.f.vlan_stack = true;
	JUDGED(&w, &p, NO_POLICY);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	JUDGED(&w, &p, NO_POLICY);
	arp(&p, 1, CAM4, "10.30.0.1");
	JUDGED(&w, &p, NO_POLICY);
	w.guard.mode = LENSCAP_MODE_AUDIT;
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_NO_POLICY);
	CHECK(w.verdict.pass);
	CHECK_EQ(w.verdict.class, 0);
	world_end(&w);
}

TEST(judge_permits_what_a_rule_names)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	allowed(&p);
	JUDGED(&w, &p, NONE);
	CHECK(!w.verdict.upkeep);
	CHECK(w.verdict.device == w.devices[0]);
	CHECK_EQ(w.verdict.class, 5);
	ip6(&p, CAM6, NVR6);
	udp(&p, 1, 15000, 100);
	fin(&p);
	JUDGED(&w, &p, NONE);
	abroad(&p);
	JUDGED(&w, &p, DESTINATION);
	CHECK(w.verdict.device == w.devices[0]);
	world_end(&w);
}

TEST(judge_unknown_device_comes_before_the_rest)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	allowed(&p);
	p.f.mac[0] ^= 4;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	CHECK(!w.verdict.device);
	p.f.vlan_stack = true;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	p.f.vlan_stack = false;
	p.f.ethertype = 0x88cc;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	allowed(&p);
	p.f.has_mac = false;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	world_end(&w);
}

TEST(judge_parse_reasons_come_before_the_source)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	ip4(&p, P_TCP, "10.30.0.99", NVR4);
	tcp(&p, 554, 40000, T_ACK);
	fin(&p);
	JUDGED(&w, &p, WRONG_SOURCE);
	p.b[p.l4 + 12] = 0;
	JUDGED(&w, &p, BAD_HEADER);
	CHECK(w.verdict.device == w.devices[0]);
	p.f.vlan_stack = true;
	JUDGED(&w, &p, VLAN_STACK);
	CHECK(w.verdict.device == w.devices[0]);
	world_end(&w);
}

TEST(judge_device_of_one_guard_is_unknown_on_others)
{
	struct lc_rule all = rule_any("0.0.0.0/0", LC_PROTO_ANY, CONNECTS);
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &all, 1);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 2, NULL, 0);
	world_device(&w, 1, CAM_MAC, 0, CAM4);
	world_device(&w, 2, CAM_MAC, 1, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	abroad(&p);
	JUDGED(&w, &p, NONE);
	CHECK_EQ(w.verdict.class, 1);
	w.guard.id = 2;
	JUDGED(&w, &p, DESTINATION);
	CHECK(w.verdict.device == w.devices[1]);
	w.guard.id = 3;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	world_end(&w);
}

TEST(judge_identities_do_not_mix)
{
	struct lc_rule all = rule_any("0.0.0.0/0", LC_PROTO_ANY, CONNECTS);
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &all, 1);
	world_device(&w, LC_GUARD_ANY, CAM_MAC, 0, CAM4);
	world_device(&w, LC_GUARD_ANY, NULL, 0, "10.30.0.18");
	CHECK_EQ(world_commit(&w), 0);
	abroad(&p);
	JUDGED(&w, &p, NONE);
	CHECK(w.verdict.device == w.devices[0]);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	ip4(&p, P_TCP, "10.30.0.18", ABROAD4);
	tcp(&p, 1, 2, T_SYN);
	fin(&p);
	JUDGED(&w, &p, NONE);
	CHECK(w.verdict.device == w.devices[1]);
	w.guard.identity = LENSCAP_IDENTITY_MAC;
	JUDGED(&w, &p, WRONG_SOURCE);
	p.f.mac[5] = 9;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	world_end(&w);
}

TEST(judge_identity_ip_needs_no_mac)
{
	struct lc_rule all = rule_any("0.0.0.0/0", LC_PROTO_ANY, CONNECTS);
	struct world w;
	struct pkt p;

	world_init(&w);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &all, 1);
	world_device(&w, LC_GUARD_ANY, NULL, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	abroad(&p);
	p.f.has_mac = false;
	JUDGED(&w, &p, NONE);
	world_end(&w);
}

TEST(judge_identity_ip_without_a_source)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, NULL, 0);
	world_device(&w, LC_GUARD_ANY, NULL, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	allowed(&p);
	p.len = 19;
	JUDGED(&w, &p, TRUNCATED);
	CHECK(!w.verdict.device);
	allowed(&p);
	p.f.ethertype = 0x88cc;
	JUDGED(&w, &p, ETHERTYPE);
	p.f.vlan_stack = true;
	JUDGED(&w, &p, VLAN_STACK);
	/* with one, whose it is comes first */
	allowed(&p);
	p.b[p.l4 + 12] = 0;
	JUDGED(&w, &p, BAD_HEADER);
	CHECK(w.verdict.device == w.devices[0]);
	p.b[15] ^= 1;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	CHECK(!w.verdict.device);
	world_end(&w);
}

TEST(judge_source_address_is_bound)
{
	struct lc_rule all[] = {
		rule_any("0.0.0.0/0", LC_PROTO_ANY, CONNECTS),
		rule_any("::/0", LC_PROTO_ANY, CONNECTS),
	};
	static const struct {
		const char *src;
		u8 reason;
	} cases[] = {
		{ "10.30.0.17", LENSCAP_REASON_NONE },
		{ "10.30.0.18", LENSCAP_REASON_WRONG_SOURCE },
		{ "10.40.0.0", LENSCAP_REASON_NONE },
		{ "10.40.0.7", LENSCAP_REASON_NONE },
		{ "10.40.0.8", LENSCAP_REASON_WRONG_SOURCE },
		{ "10.39.255.255", LENSCAP_REASON_WRONG_SOURCE },
		{ "0.0.0.0", LENSCAP_REASON_WRONG_SOURCE },
		{ "169.254.1.1", LENSCAP_REASON_WRONG_SOURCE },
		{ "2001:db8:30::17", LENSCAP_REASON_NONE },
		{ "2001:db8:30::16", LENSCAP_REASON_WRONG_SOURCE },
		{ "::", LENSCAP_REASON_WRONG_SOURCE },
		{ CAM_LL, LENSCAP_REASON_WRONG_SOURCE },
		{ "fe80::17", LENSCAP_REASON_WRONG_SOURCE },
		{ "fe80::99", LENSCAP_REASON_NONE },
	};
	struct world w;
	struct pkt p;
	u32 i;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, all, 2);
	world_device(&w, 1, CAM_MAC, 0,
		     CAM4 " 10.40.0.0/29 " CAM6 " fe80::99");
	CHECK_EQ(world_commit(&w), 0);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CASE(cases[i].src);
		if (strchr(cases[i].src, ':'))
			ip6(&p, cases[i].src, NVR6);
		else
			ip4(&p, 0, cases[i].src, NVR4);
		udp(&p, 1, 2, 0);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), cases[i].reason);
		CHECK(w.verdict.device == w.devices[0]);
	}
	world_end(&w);
}

TEST(judge_quarantine_passes_upkeep_only)
{
	struct lc_rule all = rule_any("0.0.0.0/0", LC_PROTO_ANY, CONNECTS);
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_QUARANTINE, 7, &all, 1);
	world_device(&w, 1, CAM_MAC, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	allowed(&p);
	JUDGED(&w, &p, QUARANTINE);
	arp(&p, 1, CAM4, "10.30.0.1");
	JUDGED(&w, &p, NONE);
	CHECK(w.verdict.upkeep);
	CHECK_EQ(w.verdict.class, 7);
	dhcp4(&p, CAM4, "255.255.255.255", 4);
	fin(&p);
	JUDGED(&w, &p, NONE);
	dhcp4(&p, CAM4, ABROAD4, 4);
	fin(&p);
	JUDGED(&w, &p, QUARANTINE);
	/* the source comes first */
	ip4(&p, P_UDP, ABROAD4, NVR4);
	udp(&p, 1, 2, 0);
	fin(&p);
	JUDGED(&w, &p, WRONG_SOURCE);
	world_end(&w);
}

TEST(judge_audit_of_the_profile_passes_with_the_reason)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_AUDIT, 9, NULL, 0);
	world_device(&w, 1, CAM_MAC, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	abroad(&p);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_DESTINATION);
	CHECK(w.verdict.pass);
	CHECK(!w.verdict.upkeep);
	CHECK_EQ(w.verdict.class, 9);
	p.f.vlan_stack = true;
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_VLAN_STACK);
	CHECK(w.verdict.pass);
	arp(&p, 1, "10.30.0.1", CAM4);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_UPKEEP_SPOOF);
	CHECK(w.verdict.pass);
	CHECK(!w.verdict.upkeep);
	/* but not strangers */
	abroad(&p);
	p.f.mac[5] ^= 1;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	world_end(&w);
}

TEST(judge_audit_of_the_guard_passes_all)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	w.guard.mode = LENSCAP_MODE_AUDIT;
	abroad(&p);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_DESTINATION);
	CHECK(w.verdict.pass);
	CHECK_EQ(w.verdict.class, 5);
	p.f.mac[5] ^= 1;
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_UNKNOWN_DEVICE);
	CHECK(w.verdict.pass);
	CHECK_EQ(w.verdict.class, 0);
	allowed(&p);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_NONE);
	CHECK(w.verdict.pass);
	world_end(&w);
}

TEST(judge_audit_of_the_guard_covers_quarantine)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	w.guard.mode = LENSCAP_MODE_AUDIT;
	world_profile(&w, LENSCAP_MODE_QUARANTINE, 2, NULL, 0);
	world_device(&w, 1, CAM_MAC, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	abroad(&p);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_QUARANTINE);
	CHECK(w.verdict.pass);
	world_end(&w);
}

TEST(upkeep_reasons_come_in_order)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	/* nothing may pass, so the last reason is "off" */
	w.guard.upkeep = 0;
	nd(&p, 135, CAM6, "ff02::1", CAM6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_OFF);
	nd_option(&p, 1, 1, "\x02\x00\x00\x00\x00\x01");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	p.b[7] = 64;
	JUDGED(&w, &p, UPKEEP_INVALID);
	nd(&p, 135, CAM6, ABROAD6, CAM6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_INVALID);
	nd_option(&p, 1, 1, "\x02\x00\x00\x00\x00\x01");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_INVALID);
	/* vlan_stack was asked before */
	p.f.vlan_stack = true;
	JUDGED(&w, &p, VLAN_STACK);
	world_end(&w);
}

TEST(upkeep_without_subnets_stays_on_the_link)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	w.guard.nsubnets = 0;
	nd(&p, 135, CAM6, "2001:db8:30::1", CAM6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_INVALID);
	nd(&p, 135, CAM6, "fe80::1", CAM6);
	fin(&p);
	JUDGED(&w, &p, NONE);
	dhcp4(&p, CAM4, "10.30.0.1", 4);
	fin(&p);
	JUDGED(&w, &p, DESTINATION);
	world_end(&w);
}

/* Makes each reason come out; NULL: none, the test fails. */
static u8 provoke(u8 reason)
{
	struct lc_rule ping = rule_any(NVR4, P_ICMP, CONNECTS);
	struct world w;
	struct pkt p;
	u8 found;

	world_camera(&w);
	allowed(&p);
	switch (reason) {
	case LENSCAP_REASON_NONE:
		break;
	case LENSCAP_REASON_NO_POLICY:
		lc_generation_destroy(w.gen);
		w.gen = NULL;
		break;
	case LENSCAP_REASON_UNKNOWN_DEVICE:
		p.f.mac[0] ^= 2;
		break;
	case LENSCAP_REASON_WRONG_SOURCE:
		p.b[15]++;
		break;
	case LENSCAP_REASON_VLAN_STACK:
		p.f.vlan_stack = true;
		break;
	case LENSCAP_REASON_ETHERTYPE:
		p.f.ethertype = 0x8863;
		break;
	case LENSCAP_REASON_TRUNCATED:
		p.len = 12;
		break;
	case LENSCAP_REASON_BAD_HEADER:
		p.b[0] = 0x44;
		break;
	case LENSCAP_REASON_IP_OPTION:
		p.b[0] = 0x46;
		p.b[20] = 131;
		break;
	case LENSCAP_REASON_EXT_HEADER:
		ip6(&p, CAM6, NVR6);
		ext(&p, X_ROUTING, 0);
		fin(&p);
		break;
	case LENSCAP_REASON_FRAGMENT:
		ip4_fragment(&p, 100, false);
		break;
	case LENSCAP_REASON_TINY_FRAGMENT:
		ip4_fragment(&p, 1, false);
		break;
	case LENSCAP_REASON_DESTINATION:
		abroad(&p);
		break;
	case LENSCAP_REASON_SERVICE:
		put16(&p, p.l4, 80);
		break;
	case LENSCAP_REASON_DIRECTION:
		p.b[p.l4 + 13] = T_SYN;
		break;
	case LENSCAP_REASON_QUARANTINE:
		w.profiles[0].mode = LENSCAP_MODE_QUARANTINE;
		CHECK_EQ(world_commit(&w), 0);
		break;
	case LENSCAP_REASON_UPKEEP_OFF:
		w.guard.upkeep = 0;
		arp(&p, 1, CAM4, CAM4);
		break;
	case LENSCAP_REASON_UPKEEP_INVALID:
		arp(&p, 9, CAM4, CAM4);
		break;
	case LENSCAP_REASON_UPKEEP_SPOOF:
		arp(&p, 1, "10.30.0.1", CAM4);
		break;
	case LENSCAP_REASON_ICMP_SIZE:
	case LENSCAP_REASON_ICMP_QUOTE:
		world_end(&w);
		world_init(&w);
		world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &ping, 1);
		world_device(&w, 1, CAM_MAC, 0, CAM4);
		CHECK_EQ(world_commit(&w), 0);
		ip4(&p, P_ICMP, CAM4, NVR4);
		icmp(&p, reason == LENSCAP_REASON_ICMP_SIZE ? 8 : 3, 0,
		     reason == LENSCAP_REASON_ICMP_SIZE ? 200 : 28);
		fin(&p);
		break;
	}
	found = world_judge(&w, &p);
	CHECK_EQ(w.verdict.pass, found == LENSCAP_REASON_NONE);
	world_end(&w);
	return found;
}

/* But the rate of ICMP, which takes a clock: stats_test.c. */
TEST(every_reason_comes_out)
{
	u32 reason;

	for (reason = 0; reason < __LENSCAP_REASON_MAX; reason++)
		if (reason != LENSCAP_REASON_ICMP_RATE)
			CHECK_EQ(provoke(reason), reason);
}
