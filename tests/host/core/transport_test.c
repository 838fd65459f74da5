// SPDX-License-Identifier: GPL-2.0-only
/* TCP, UDP and ICMP headers. */
#include "world.h"

/* Both families, one after the other. */
static void ip(struct pkt *p, u32 six)
{
	if (six)
		ip6(p, CAM6, NVR6);
	else
		ip4(p, 0, CAM4, NVR4);
}

TEST(tcp_header_that_is_cut_off_is_truncated)
{
	struct pkt p;
	u32 six, cut;

	for (six = 0; six < 2; six++)
		for (cut = 1; cut <= 20; cut++) {
			ip(&p, six);
			tcp(&p, 554, 40000, T_ACK);
			p.len -= cut;
			PARSES(&p, TRUNCATED);
		}
}

TEST(tcp_data_offset_below_five_is_bad)
{
	struct pkt p;
	u32 six, offset;

	for (six = 0; six < 2; six++)
		for (offset = 0; offset < 5; offset++) {
			ip(&p, six);
			tcp(&p, 554, 40000, T_ACK);
			p.b[p.l4 + 12] = offset << 4 | 0xf;
			PARSES(&p, BAD_HEADER);
		}
}

TEST(tcp_data_offset_beyond_the_packet_is_bad)
{
	struct pkt p;
	u32 six, room;

	for (six = 0; six < 2; six++)
		for (room = 0; room <= 40; room++) {
			ip(&p, six);
			tcp(&p, 554, 40000, T_ACK);
			p.b[p.l4 + 12] = 0xf0;
			zeros(&p, room);
			if (room < 40)
				PARSES(&p, BAD_HEADER);
			else
				PARSES(&p, NONE);
		}
}

TEST(tcp_data_offset_does_not_reach_into_padding)
{
	struct pkt p;

	ip(&p, 0);
	tcp(&p, 554, 40000, T_ACK);
	p.b[p.l4 + 12] = 0x60;
	fin(&p);
	zeros(&p, 20);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(udp_header_that_is_cut_off_is_truncated)
{
	struct pkt p;
	u32 six, cut;

	for (six = 0; six < 2; six++)
		for (cut = 1; cut <= 8; cut++) {
			ip(&p, six);
			udp(&p, 1000, 10000, 0);
			p.len -= cut;
			PARSES(&p, TRUNCATED);
		}
}

TEST(udp_length_that_lies_is_bad)
{
	struct pkt p;
	u32 six, len;

	for (six = 0; six < 2; six++)
		for (len = 0; len < 20; len++) {
			ip(&p, six);
			udp(&p, 1000, 10000, 8);
			put16(&p, p.l4 + 4, len);
			if (len < 8 || len > 16)
				PARSES(&p, BAD_HEADER);
			else
				PARSES(&p, NONE);
		}
}

TEST(udp_length_does_not_reach_into_padding)
{
	struct pkt p;

	ip(&p, 0);
	udp(&p, 1000, 10000, 0);
	put16(&p, p.l4 + 4, 9);
	fin(&p);
	zeros(&p, 20);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(udp_super_packet_may_have_any_length)
{
	struct pkt p;

	ip(&p, 0);
	udp(&p, 1000, 10000, 100);
	put16(&p, p.l4 + 4, 0);
	p.f.gso = true;
	PARSES(&p, NONE);
	p.f.gso = false;
	PARSES(&p, BAD_HEADER);
}

TEST(icmp_header_that_is_cut_off_is_truncated)
{
	struct pkt p;
	u32 six, cut;

	for (six = 0; six < 2; six++)
		for (cut = 1; cut <= 8; cut++) {
			ip(&p, six);
			icmp(&p, 3, 0, 0);
			p.len -= cut;
			PARSES(&p, TRUNCATED);
		}
}

TEST(icmp_type_is_the_destination_port)
{
	struct lc_key key;
	struct pkt p;
	u32 six;

	for (six = 0; six < 2; six++) {
		ip(&p, six);
		icmp(&p, 200, 7, 0);
		fin(&p);
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
		CHECK(key.has_ports);
		CHECK_EQ(key.dport, 200);
		CHECK_EQ(key.sport, 0);
	}
}

TEST(icmp_of_the_other_family_is_just_a_protocol)
{
	struct lc_key key;
	struct pkt p;

	ip4(&p, P_ICMP6, CAM4, NVR4);
	zeros(&p, 2);
	fin(&p);
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK(!key.has_ports);
	ip6(&p, CAM6, NVR6);
	proto(&p, P_ICMP);
	fin(&p);
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK(!key.has_ports);
}
