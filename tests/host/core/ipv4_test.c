// SPDX-License-Identifier: GPL-2.0-only
/* IPv4 headers and options, and what is no IP at all. */
#include "world.h"

static void segment(struct pkt *p)
{
	ip4(p, P_TCP, CAM4, NVR4);
	tcp(p, 554, 40000, T_ACK);
	fin(p);
}

TEST(ipv4_key_says_what_the_frame_says)
{
	struct lc_key key;
	struct pkt p;
	u8 addr[16], family;

	segment(&p);
	p.b[p.l4 + 13] = 0xc2;
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.family, LC_FAMILY_IPV4);
	CHECK_EQ(key.part, LC_PART_WHOLE);
	CHECK(key.has_proto && key.has_ports && key.has_mac);
	CHECK_EQ(key.proto, 6);
	CHECK_EQ(key.sport, 554);
	CHECK_EQ(key.dport, 40000);
	CHECK_EQ(key.tcp_flags, 0xc2);
	CHECK_EQ(key.ethertype, 0x0800);
	CHECK_EQ(key.upkeep, 0);
	CHECK(!key.has_claim && !key.has_claim_mac && !key.unicast);
	CHECK(!memcmp(key.mac, CAM_MAC, 6));
	addr_of(CAM4, addr, &family);
	CHECK(!memcmp(key.src, addr, 16));
	addr_of(NVR4, addr, &family);
	CHECK(!memcmp(key.dst, addr, 16));
}

TEST(ipv4_frame_shorter_than_its_header_is_truncated)
{
	struct pkt p;

	for (segment(&p), p.len = 0; p.len < 20; p.len++)
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TRUNCATED);
}

TEST(ipv4_wrong_version_is_bad)
{
	struct pkt p;
	u32 version;

	for (version = 0; version < 16; version++) {
		segment(&p);
		p.b[0] = version << 4 | 5;
		CHECK_EQ(parse_reason(&p), version == 4 ?
			 LENSCAP_REASON_NONE : LENSCAP_REASON_BAD_HEADER);
	}
}

TEST(ipv4_header_length_below_five_is_bad)
{
	struct pkt p;
	u32 ihl;

	for (ihl = 0; ihl < 5; ihl++) {
		segment(&p);
		p.b[0] = 0x40 | ihl;
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
	}
}

TEST(ipv4_header_length_beyond_the_packet_is_bad)
{
	struct pkt p;

	ip4(&p, 47, CAM4, NVR4);
	zeros(&p, 4);
	fin(&p);
	p.b[0] = 0x46;
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
	p.b[0] = 0x47;
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(ipv4_total_length_below_its_header_is_bad)
{
	struct pkt p;

	segment(&p);
	put16(&p, 2, 19);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
	put16(&p, 2, 0);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(ipv4_total_length_beyond_the_frame_is_bad)
{
	struct pkt p;

	segment(&p);
	put16(&p, 2, p.len + 1);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
	put16(&p, 2, 0xffff);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(ipv4_padding_behind_the_packet_is_fine)
{
	struct pkt p;

	segment(&p);
	zeros(&p, 6);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
}

TEST(ipv4_padding_is_not_read_as_a_header)
{
	struct pkt p;

	segment(&p);
	put16(&p, 2, 39);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TRUNCATED);
	put16(&p, 2, 20);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TRUNCATED);
}

static u8 with_options(const void *options, u32 len)
{
	struct pkt p;

	ip4(&p, P_UDP, CAM4, NVR4);
	ip4_options(&p, options, len);
	udp(&p, 1000, 10000, 0);
	fin(&p);
	return parse_reason(&p);
}

TEST(ipv4_harmless_options_are_fine)
{
	static const u8 stamp[] = { 68, 8, 5, 0, 0, 0, 0, 0 };
	static const u8 record[] = { 7, 7, 4, 0, 0, 0, 0, 0 };
	static const u8 nops[] = { 1, 1, 1, 1 };
	static const u8 unknown[] = { 94, 4, 1, 1 };
	static const u8 bare[] = { 1, 1, 94, 2 };
	u8 most[40];

	CHECK_EQ(with_options(stamp, 8), LENSCAP_REASON_NONE);
	CHECK_EQ(with_options(record, 8), LENSCAP_REASON_NONE);
	CHECK_EQ(with_options(nops, 4), LENSCAP_REASON_NONE);
	CHECK_EQ(with_options(unknown, 4), LENSCAP_REASON_NONE);
	CHECK_EQ(with_options(bare, 4), LENSCAP_REASON_NONE);
	memset(most, 1, sizeof(most));
	CHECK_EQ(with_options(most, 40), LENSCAP_REASON_NONE);
	memset(most, 0, sizeof(most));
	most[0] = 7;
	most[1] = 40;
	CHECK_EQ(with_options(most, 40), LENSCAP_REASON_NONE);
}

TEST(ipv4_ports_are_found_behind_options)
{
	static const u8 nops[] = { 1, 1, 1, 1, 1, 1, 1, 0 };
	struct lc_key key;
	struct pkt p;

	ip4(&p, P_UDP, CAM4, NVR4);
	ip4_options(&p, nops, 8);
	udp(&p, 1000, 10000, 0);
	fin(&p);
	parse(&p, &key);
	CHECK_EQ(key.sport, 1000);
	CHECK_EQ(key.dport, 10000);
}

/* Who listens for it on the gateway would get the packet. */
TEST(ipv4_router_alerts_are_refused)
{
	static const u8 alert[] = { 148, 4, 0, 0 };
	static const u8 later[] = { 1, 7, 3, 4, 148, 4, 1, 2 };
	static const u8 hidden[] = { 0, 148, 4, 0 };

	CHECK_EQ(with_options(alert, 4), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(later, 8), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(hidden, 4), LENSCAP_REASON_NONE);
}

TEST(ipv4_source_routes_are_refused)
{
	u8 route[] = { 131, 7, 4, 10, 0, 0, 1, 0 };
	u8 late[] = { 1, 1, 148, 4, 0, 0, 137, 3, 4, 0, 0, 0 };

	CHECK_EQ(with_options(route, 8), LENSCAP_REASON_IP_OPTION);
	route[0] = 137;
	CHECK_EQ(with_options(route, 8), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(late, 12), LENSCAP_REASON_IP_OPTION);
}

TEST(ipv4_bad_option_comes_before_what_it_precedes)
{
	static const u8 alone[] = { 1, 1, 1, 148 };
	struct pkt p;

	ip4(&p, P_TCP, CAM4, NVR4);
	ip4_options(&p, alone, 4);
	PARSES(&p, IP_OPTION);
}

TEST(ipv4_options_behind_the_end_do_not_count)
{
	static const u8 hidden[] = { 0, 131, 3, 4 };

	CHECK_EQ(with_options(hidden, 4), LENSCAP_REASON_NONE);
}

TEST(ipv4_malformed_options_are_refused)
{
	static const u8 none[] = { 148, 0, 0, 0 };
	static const u8 one[] = { 148, 1, 0, 0 };
	static const u8 beyond[] = { 148, 5, 0, 0 };
	static const u8 alone[] = { 1, 1, 1, 148 };
	static const u8 huge[] = { 7, 255, 4, 0 };
	static const u8 late[] = { 1, 148, 4, 0 };

	CHECK_EQ(with_options(none, 4), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(one, 4), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(beyond, 4), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(alone, 4), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(huge, 4), LENSCAP_REASON_IP_OPTION);
	CHECK_EQ(with_options(late, 4), LENSCAP_REASON_IP_OPTION);
}

TEST(ipv4_other_protocols_have_no_ports)
{
	static const u8 numbers[] = { 0, 41, 47, 50, 51, 58, 59, 132, 136, 255 };
	struct lc_key key;
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(numbers); i++) {
		ip4(&p, numbers[i], CAM4, NVR4);
		fin(&p);
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
		CHECK(key.has_proto && !key.has_ports);
		CHECK_EQ(key.proto, numbers[i]);
	}
}

TEST(ipv4_super_packet_may_have_no_length)
{
	struct lc_frame f = { .ethertype = 0x0800, .gso = true };
	struct lc_key key;
	struct pkt p;

	segment(&p);
	put16(&p, 2, 0);
	f.data = p.b;
	f.cap = p.len;
	f.len = 200000;
	lc_parse(&f, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.dport, 40000);
	f.gso = false;
	lc_parse(&f, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_BAD_HEADER);
}

TEST(ethertypes_other_than_ip_and_arp_are_refused)
{
	static const u16 types[] = { 0, 46, 0x05dc, 0x05ff, 0x0600, 0x0801,
				     0x8035, 0x8100, 0x8137, 0x86dc, 0x86de,
				     0x8847, 0x8863, 0x8864, 0x888e, 0x88a8,
				     0x88cc, 0x88e5, 0xffff };
	struct lc_key key;
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		segment(&p);
		p.f.ethertype = types[i];
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_ETHERTYPE);
		CHECK_EQ(key.ethertype, types[i]);
		CHECK_EQ(key.family, 0);
		CHECK(key.has_mac);
	}
}

TEST(vlan_stack_is_refused_before_all_else)
{
	struct pkt p;

	segment(&p);
	p.f.vlan_stack = true;
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_VLAN_STACK);
	p.f.ethertype = 0x1234;
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_VLAN_STACK);
	p.len = 0;
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_VLAN_STACK);
}
