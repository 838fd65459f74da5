// SPDX-License-Identifier: GPL-2.0-only
/* Checksums that are still to be made, behind the guard. */
#include "world.h"

static u8 open_at(struct pkt *p, s32 at)
{
	p->f.sum_open = true;
	p->f.sum_at = at;
	return parse_reason(p);
}

static void packet(struct pkt *p, u32 kind)
{
	if (kind & 4)
		ip6(p, CAM6, NVR6);
	else
		ip4(p, kind == 0 ? P_TCP : kind == 1 ? P_UDP : P_ICMP, CAM4,
		    NVR4);
	switch (kind & 3) {
	case 0:
		tcp(p, 1000, 80, 0x10);
		break;
	case 1:
		udp(p, 1000, 10000, 40);
		break;
	default:
		icmp(p, kind & 4 ? 128 : 8, 0, 40);
	}
	fin(p);
}

/* ICMP may quote: all of it counts. */
TEST(sum_is_written_where_its_protocol_has_it_or_behind)
{
	static const s32 fields[] = { 16, 6, 2 }, behind[] = { 20, 8, 48 };
	struct pkt p;
	u32 kind;
	s32 at;

	for (kind = 0; kind < 7; kind++) {
		if (kind == 3)
			continue;
		packet(&p, kind);
		for (at = -14; at < (s32)p.len + 2; at++) {
			s32 in = at - (s32)p.l4;
			bool good = in == fields[kind & 3] ||
				    in >= behind[kind & 3];

			CHECK_EQ(open_at(&p, at), good ?
				 LENSCAP_REASON_NONE :
				 LENSCAP_REASON_BAD_HEADER);
		}
	}
}

TEST(sum_is_looked_for_behind_extension_headers)
{
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, false);
	udp(&p, 1000, 10000, 40);
	fin(&p);
	CHECK_EQ(open_at(&p, 40 + 8 + 6), LENSCAP_REASON_NONE);
	CHECK_EQ(open_at(&p, 40 + 6), LENSCAP_REASON_BAD_HEADER);
	CHECK_EQ(open_at(&p, 40 + 8 + 5), LENSCAP_REASON_BAD_HEADER);
}

/* What is wrong with a datagram as DHCP does not count where it is none, but where
 * its checksum goes does.
 */
TEST(sum_of_what_is_no_dhcp_here)
{
	struct lc_rule all = rule_any(NVR6, LC_PROTO_ANY, CONNECTS);
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &all, 1);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	dhcp6(&p, 2, CAM6, NVR6, 40);
	fin(&p);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_NONE);
	p.f.sum_open = true;
	p.f.sum_at = 40 + 6;
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_NONE);
	p.f.sum_at = 38;
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_BAD_HEADER);
	CHECK(!w.verdict.pass);
	world_end(&w);
}

TEST(sum_of_upkeep_is_nowhere_else)
{
	struct pkt p;

	arp(&p, 1, CAM4, "10.30.0.1");
	fin(&p);
	CHECK_EQ(open_at(&p, 30), LENSCAP_REASON_UPKEEP_INVALID);
	p.f.sum_open = false;
	PARSES(&p, NONE);
	dhcp4(&p, "0.0.0.0", "255.255.255.255", 60);
	fin(&p);
	CHECK_EQ(open_at(&p, 20 + 6), LENSCAP_REASON_NONE);
	CHECK_EQ(open_at(&p, 20 + 8 + 24), LENSCAP_REASON_UPKEEP_INVALID);
	CHECK_EQ(open_at(&p, 20 + 4), LENSCAP_REASON_BAD_HEADER);
}
