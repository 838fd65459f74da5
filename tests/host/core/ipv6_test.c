// SPDX-License-Identifier: GPL-2.0-only
/* IPv6 headers and the extension chain. */
#include "world.h"

static void datagram(struct pkt *p)
{
	ip6(p, CAM6, NVR6);
	udp(p, 1000, 10000, 4);
	fin(p);
}

TEST(ipv6_key_says_what_the_frame_says)
{
	struct lc_key key;
	struct pkt p;
	u8 addr[16], family;

	datagram(&p);
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.family, LC_FAMILY_IPV6);
	CHECK_EQ(key.part, LC_PART_WHOLE);
	CHECK(key.has_proto && key.has_ports);
	CHECK_EQ(key.proto, 17);
	CHECK_EQ(key.sport, 1000);
	CHECK_EQ(key.dport, 10000);
	CHECK_EQ(key.tcp_flags, 0);
	addr_of(CAM6, addr, &family);
	CHECK(!memcmp(key.src, addr, 16));
	addr_of(NVR6, addr, &family);
	CHECK(!memcmp(key.dst, addr, 16));
}

TEST(ipv6_frame_shorter_than_its_header_is_truncated)
{
	struct pkt p;

	for (datagram(&p), p.len = 0; p.len < 40; p.len++)
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TRUNCATED);
}

TEST(ipv6_wrong_version_is_bad)
{
	struct pkt p;
	u32 version;

	for (version = 0; version < 16; version++) {
		datagram(&p);
		p.b[0] = version << 4;
		CHECK_EQ(parse_reason(&p), version == 6 ?
			 LENSCAP_REASON_NONE : LENSCAP_REASON_BAD_HEADER);
	}
}

TEST(ipv6_payload_length_beyond_the_frame_is_bad)
{
	struct pkt p;

	datagram(&p);
	put16(&p, 4, p.len - 39);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
	put16(&p, 4, 0xffff);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(ipv6_padding_behind_the_packet_is_fine_and_not_read)
{
	struct pkt p;

	datagram(&p);
	zeros(&p, 7);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
	put16(&p, 4, 7);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TRUNCATED);
}

TEST(ipv6_zero_payload_is_no_jumbogram)
{
	struct pkt p;

	datagram(&p);
	put16(&p, 4, 0);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TRUNCATED);
	p.b[6] = 59;
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
}

TEST(ipv6_super_packet_may_have_no_length)
{
	struct lc_frame f = { .ethertype = 0x86dd, .gso = true };
	struct lc_key key;
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	tcp(&p, 554, 40000, T_ACK);
	f.data = p.b;
	f.cap = p.len;
	f.len = 200000;
	lc_parse(&f, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.dport, 40000);
}

TEST(ipv6_accepted_extension_headers)
{
	struct lc_key key;
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext(&p, X_HOP, 0);
	ext(&p, X_DEST, 1);
	ext_fragment(&p, 0, false);
	ext(&p, X_DEST, 0);
	tcp(&p, 554, 40000, T_ACK);
	fin(&p);
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.proto, 6);
	CHECK_EQ(key.sport, 554);
	CHECK_EQ(key.part, LC_PART_WHOLE);
}

TEST(ipv6_refused_extension_headers)
{
	static const u8 types[] = { X_ROUTING, 135, 139, 140, 253, 254 };
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(types); i++) {
		ip6(&p, CAM6, NVR6);
		ext(&p, types[i], 0);
		udp(&p, 1000, 10000, 0);
		PARSES(&p, EXT_HEADER);

		ip6(&p, CAM6, NVR6);
		ext(&p, X_DEST, 0);
		ext(&p, types[i], 0);
		udp(&p, 1000, 10000, 0);
		PARSES(&p, EXT_HEADER);
	}
}

TEST(ipv6_refused_extension_header_without_room_is_still_named)
{
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	proto(&p, X_ROUTING);
	PARSES(&p, EXT_HEADER);
}

TEST(ipv6_hop_by_hop_comes_first_or_not_at_all)
{
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 0);
	ext(&p, X_HOP, 0);
	udp(&p, 1000, 10000, 0);
	PARSES(&p, EXT_HEADER);

	ip6(&p, CAM6, NVR6);
	ext(&p, X_HOP, 0);
	ext(&p, X_HOP, 0);
	udp(&p, 1000, 10000, 0);
	PARSES(&p, EXT_HEADER);
}

/* An extension header of @size bytes with these for its first options. */
static void options(struct pkt *p, u8 type, u32 size, const char *bytes,
		    u32 count)
{
	ip6(p, CAM6, NVR6);
	ext(p, type, size / 8 - 1);
	memcpy(p->b + p->len - size + 2, bytes, count);
	udp(p, 1000, 10000, 0);
}

TEST(ipv6_home_address)
{
	static const u8 types[] = { X_HOP, X_DEST };
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(types); i++) {
		options(&p, types[i], 24, "\x01\2\0\0\xc9\x10", 6);
		PARSES(&p, EXT_HEADER);
		/* Whatever its length, and behind what else there is. */
		options(&p, types[i], 16, "\0\x1e\1\xc9\0\xc9", 6);
		PARSES(&p, EXT_HEADER);
		options(&p, types[i], 16, "\x1e\4\xc9\xc9\xc9\xc9", 6);
		PARSES(&p, NONE);
	}
}

TEST(ipv6_router_alerts_are_refused)
{
	struct pkt p;

	options(&p, X_HOP, 8, "\5\2\0\1", 4);
	PARSES(&p, EXT_HEADER);
	options(&p, X_HOP, 16, "\x1e\4\0\0\0\0\5\2", 8);
	PARSES(&p, EXT_HEADER);
	options(&p, X_DEST, 8, "\0\5\2\0\0", 5);
	PARSES(&p, EXT_HEADER);
	options(&p, X_HOP, 8, "\x1e\4\5\2\0\0", 6);
	PARSES(&p, NONE);
}

TEST(ipv6_options_must_end_within_their_header)
{
	struct pkt p;

	options(&p, X_DEST, 8, "\x1e\4", 2);
	PARSES(&p, NONE);
	options(&p, X_DEST, 8, "\x1e\5", 2);
	PARSES(&p, BAD_HEADER);
	options(&p, X_DEST, 8, "\1\3\0\0\0\1", 6);
	PARSES(&p, BAD_HEADER);
	options(&p, X_HOP, 16, "\1\xff", 2);
	PARSES(&p, BAD_HEADER);
}

TEST(ipv6_ah_esp_and_nothing_are_protocols)
{
	static const u8 types[] = { 50, 51, 59, 4, 41, 47, 1, 132, 255 };
	struct lc_key key;
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(types); i++) {
		ip6(&p, CAM6, NVR6);
		ext(&p, X_DEST, 0);
		proto(&p, types[i]);
		raw(&p, "\x32\0\0", 3);
		fin(&p);
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
		CHECK(key.has_proto && !key.has_ports);
		CHECK_EQ(key.proto, types[i]);
	}
}

/* Connection tracking would find them there. */
TEST(ipv6_extension_headers_behind_ah)
{
	static const u8 hidden[] = { 0, 43, 44, 51, 58, 60 };
	struct pkt p;
	u32 i, more;

	for (i = 0; i < sizeof(hidden); i++)
		for (more = 0; more < 2; more++) {
			ip6(&p, CAM6, NVR6);
			ext_fragment(&p, 0, more);
			proto(&p, 51);
			raw(&p, &hidden[i], 1);
			zeros(&p, 23);
			PARSES(&p, EXT_HEADER);
			p.b[48] = 17;
			PARSES(&p, NONE);
		}
	/* Of a later fragment it is no header. */
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 10, false);
	proto(&p, 51);
	raw(&p, &hidden[2], 1);
	zeros(&p, 23);
	PARSES(&p, NONE);
}

TEST(ipv6_eight_extension_headers_are_the_limit)
{
	struct pkt p;
	u32 n, i;

	for (n = 7; n < 11; n++) {
		ip6(&p, CAM6, NVR6);
		for (i = 0; i < n; i++)
			ext(&p, X_DEST, 0);
		udp(&p, 1000, 10000, 0);
		if (n <= LC_EXT_MAX)
			PARSES(&p, NONE);
		else
			PARSES(&p, EXT_HEADER);
	}
}

TEST(ipv6_fragment_header_counts_as_an_extension_header)
{
	struct pkt p;
	u32 i;

	ip6(&p, CAM6, NVR6);
	for (i = 0; i < LC_EXT_MAX; i++)
		ext(&p, X_DEST, 0);
	ext_fragment(&p, 0, false);
	udp(&p, 1000, 10000, 0);
	PARSES(&p, EXT_HEADER);
}

TEST(ipv6_extension_header_that_is_cut_off)
{
	struct pkt p;
	u32 left;

	for (left = 0; left < 8; left++) {
		ip6(&p, CAM6, NVR6);
		ext(&p, X_DEST, 0);
		p.len -= 8 - left;
		PARSES(&p, TRUNCATED);
	}
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 1);
	p.len -= 1;
	PARSES(&p, BAD_HEADER);
}

TEST(ipv6_chain_beyond_the_window_is_refused_however_linear)
{
	struct pkt p;

	/* parse() compares 320 contiguous bytes with all of them. */
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 255);
	udp(&p, 1000, 10000, 0);
	PARSES(&p, EXT_HEADER);

	/* 40 + 264 + 8 + 8 = 320: the header begins where the window ends */
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 32);
	ext(&p, X_DEST, 0);
	ext(&p, X_DEST, 0);
	udp(&p, 1000, 10000, 0);
	PARSES(&p, EXT_HEADER);
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 32);
	ext(&p, X_DEST, 0);
	ext(&p, X_DEST, 0);
	proto(&p, 50);
	zeros(&p, 8);
	PARSES(&p, NONE);

	/* and no further header does */
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 32);
	ext(&p, X_DEST, 0);
	ext(&p, X_DEST, 0);
	ext(&p, X_DEST, 0);
	proto(&p, 50);
	zeros(&p, 8);
	PARSES(&p, EXT_HEADER);

	/* 312: a UDP header just fits, a TCP header does not */
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 32);
	ext(&p, X_DEST, 0);
	udp(&p, 1000, 10000, 100);
	PARSES(&p, NONE);
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 32);
	ext(&p, X_DEST, 0);
	tcp(&p, 1000, 10000, T_ACK);
	PARSES(&p, EXT_HEADER);

	/* the last header itself crosses the end */
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 33);
	ext(&p, X_DEST, 1);
	zeros(&p, 8);
	PARSES(&p, EXT_HEADER);
}

TEST(ipv6_extension_header_may_end_the_packet)
{
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 2);
	PARSES(&p, NONE);
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, false);
	PARSES(&p, NONE);
}
