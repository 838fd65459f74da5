// SPDX-License-Identifier: GPL-2.0-only
/* Fragments of both families. */
#include "world.h"

/* A fragment with @len bytes after the IP headers, all of them 0x11. */
static void fragment(struct pkt *p, u32 six, u8 number, u32 offset, bool more,
		     u32 len)
{
	u32 at;

	if (six) {
		ip6(p, CAM6, NVR6);
		ext_fragment(p, offset, more);
	} else {
		ip4(p, number, CAM4, NVR4);
		ip4_fragment(p, offset, more);
	}
	proto(p, number);
	at = p->len;
	zeros(p, len);
	memset(p->b + at, 0x11, len);
	if (number == P_TCP && len > 12)
		p->b[at + 12] = 0x50;
	fin(p);
}

TEST(fragment_parts)
{
	struct lc_key key;
	struct pkt p;
	u32 six;

	for (six = 0; six < 2; six++) {
		fragment(&p, six, P_TCP, 0, false, 24);
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
		CHECK_EQ(key.part, LC_PART_WHOLE);
		CHECK(key.has_ports);
		fragment(&p, six, P_TCP, 0, true, 24);
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
		CHECK_EQ(key.part, LC_PART_FIRST);
		CHECK(key.has_ports);
		CHECK_EQ(key.dport, 0x1111);
		fragment(&p, six, P_TCP, 3, true, 24);
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
		CHECK_EQ(key.part, LC_PART_LATER);
		CHECK(key.has_proto && !key.has_ports);
		CHECK_EQ(key.proto, P_TCP);
		fragment(&p, six, P_UDP, 8000, false, 1);
		parse(&p, &key);
		CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
		CHECK_EQ(key.part, LC_PART_LATER);
	}
}

TEST(fragment_flags_other_than_more_do_not_matter)
{
	struct lc_key key;
	struct pkt p;

	fragment(&p, 0, P_UDP, 0, false, 8);
	put16(&p, p.l4 + 4, 8);
	p.b[6] = 0xc0;
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.part, LC_PART_WHOLE);
	fragment(&p, 1, P_UDP, 0, false, 8);
	put16(&p, p.l4 + 4, 8);
	p.b[43] = 6;
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.part, LC_PART_WHOLE);
}

TEST(fragment_without_its_whole_transport_header_is_tiny)
{
	static const struct {
		u8 proto[2];
		u32 size;
	} kinds[] = {
		{ { P_TCP, P_TCP }, 20 },
		{ { P_UDP, P_UDP }, 8 },
		{ { P_ICMP, P_ICMP6 }, 8 },
	};
	struct pkt p;
	u32 i, six, len;

	for (i = 0; i < 3; i++)
		for (six = 0; six < 2; six++)
			for (len = six ? 8 : 0; len <= 32; len += six ? 8 : 1) {
				fragment(&p, six, kinds[i].proto[six], 0, true,
					 len);
				CHECK_EQ(parse_reason(&p), len < kinds[i].size ?
					 LENSCAP_REASON_TINY_FRAGMENT :
					 LENSCAP_REASON_NONE);
			}
}

TEST(fragment_that_ends_inside_tcp_options_is_tiny)
{
	struct pkt p;
	u32 six;

	for (six = 0; six < 2; six++) {
		fragment(&p, six, P_TCP, 0, true, 24);
		p.b[p.len - 24 + 12] = 0x70;
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TINY_FRAGMENT);
		p.b[p.len - 24 + 12] = 0x60;
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
		p.b[p.len - 24 + 12] = 0x40;
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
	}
}

TEST(fragment_that_could_overwrite_a_tcp_header_is_tiny)
{
	struct pkt p;
	u32 six, offset;

	for (six = 0; six < 2; six++)
		for (offset = 1; offset < 5; offset++) {
			fragment(&p, six, P_TCP, offset, false, 24);
			CHECK_EQ(parse_reason(&p), offset < 3 ?
				 LENSCAP_REASON_TINY_FRAGMENT :
				 LENSCAP_REASON_NONE);
			fragment(&p, six, P_UDP, offset, false, 24);
			CHECK_EQ(parse_reason(&p), offset < 3 ?
				 LENSCAP_REASON_TINY_FRAGMENT :
				 LENSCAP_REASON_NONE);
		}
}

/* The first fragment's next header is the one that counts, so no other may
 * claim a protocol that may lie over TCP's flags.
 */
TEST(fragment_of_ipv6_may_lie_about_its_protocol)
{
	static const u8 protos[] = { 1, 4, P_TCP, P_UDP, 41, 47, 50, 51, P_ICMP6,
				     59, 89, 132, 255 };
	struct pkt p;
	u32 i, offset;

	for (i = 0; i < sizeof(protos); i++)
		for (offset = 1; offset < 5; offset++) {
			fragment(&p, 1, protos[i], offset, true, 24);
			CHECK_EQ(parse_reason(&p), offset < 3 ?
				 LENSCAP_REASON_TINY_FRAGMENT :
				 LENSCAP_REASON_NONE);
		}
}

TEST(fragment_reasons_come_before_what_follows)
{
	struct pkt p;

	fragment(&p, 1, P_TCP, 1, false, 8);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TINY_FRAGMENT);
	fragment(&p, 1, P_UDP, 0, true, 1);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(fragment_of_another_protocol_needs_no_header)
{
	struct pkt p;

	fragment(&p, 0, 47, 0, true, 0);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
	fragment(&p, 1, 47, 0, true, 8);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
}

TEST(fragment_udp_length_is_that_of_the_whole)
{
	struct pkt p;
	u32 six;

	for (six = 0; six < 2; six++) {
		fragment(&p, six, P_UDP, 0, true, 16);
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
		put16(&p, p.len - 16 + 4, 7);
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
	}
}

TEST(fragment_beyond_64k_is_bad)
{
	struct pkt p;
	u32 six;

	for (six = 0; six < 2; six++) {
		/* 8191 * 8 = 65528 */
		fragment(&p, six, P_UDP, 8191, false, 7);
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_NONE);
		fragment(&p, six, P_UDP, 8191, false, 8);
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
	}
}

TEST(fragment_of_ipv6_that_is_not_the_last_is_a_multiple_of_eight)
{
	struct pkt p;
	u32 offset, len;

	for (offset = 0; offset < 100; offset += 50)
		for (len = 24; len <= 32; len++) {
			fragment(&p, 1, P_UDP, offset, true, len);
			CHECK_EQ(parse_reason(&p), len % 8 ?
				 LENSCAP_REASON_BAD_HEADER :
				 LENSCAP_REASON_NONE);
		}
	fragment(&p, 1, 47, 0, true, 0);
	CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
}

TEST(fragment_later_with_hidden_extension_headers_is_refused)
{
	static const u8 types[] = { X_HOP, X_DEST, X_ROUTING, X_FRAGMENT, 135,
				    139, 140 };
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(types); i++) {
		fragment(&p, 1, types[i], 100, false, 24);
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_EXT_HEADER);
	}
}

TEST(fragment_within_a_fragment_is_refused)
{
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, true);
	ext_fragment(&p, 0, false);
	udp(&p, 1000, 10000, 0);
	PARSES(&p, EXT_HEADER);
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, false);
	ext_fragment(&p, 0, false);
	udp(&p, 1000, 10000, 0);
	PARSES(&p, EXT_HEADER);
}

/* They would move the ports to where a later fragment may lie over them. */
TEST(fragment_first_with_extension_headers_behind_is_refused)
{
	static const u8 types[] = { X_HOP, X_DEST, X_ROUTING, X_FRAGMENT, 135,
				    139, 140, 253, 254 };
	struct pkt p;
	u32 i;

	for (i = 0; i < sizeof(types); i++) {
		ip6(&p, CAM6, NVR6);
		ext_fragment(&p, 0, true);
		ext(&p, types[i], 0);
		udp(&p, 1000, 10000, 8);
		PARSES(&p, EXT_HEADER);
	}
	/* A whole packet in a fragment cannot be overlaid: RFC 6946. */
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, false);
	ext(&p, X_DEST, 0);
	udp(&p, 1000, 10000, 8);
	PARSES(&p, NONE);
}

TEST(fragment_first_with_a_chain_that_goes_on_is_refused)
{
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, true);
	ext(&p, X_DEST, 1);
	p.len -= 8;
	PARSES(&p, EXT_HEADER);
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, true);
	ext(&p, X_DEST, 0);
	proto(&p, X_DEST);
	PARSES(&p, EXT_HEADER);
}

TEST(fragment_first_behind_extension_headers)
{
	struct lc_key key;
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext(&p, X_HOP, 0);
	ext(&p, X_DEST, 0);
	ext_fragment(&p, 0, true);
	udp(&p, 1000, 10000, 8);
	fin(&p);
	parse(&p, &key);
	CHECK_EQ(key.reason, LENSCAP_REASON_NONE);
	CHECK_EQ(key.part, LC_PART_FIRST);
	CHECK_EQ(key.dport, 10000);
}

TEST(fragment_of_udp_may_end_the_datagram)
{
	struct pkt p;

	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, false);
	udp(&p, 1000, 10000, 3);
	PARSES(&p, NONE);
	put16(&p, p.l4 + 4, 12);
	PARSES(&p, BAD_HEADER);
}

/* What is cut up behind the hook gets offsets that nobody has judged. */
TEST(fragment_that_is_a_super_packet_is_bad)
{
	struct pkt p;
	u32 six, offset, more;

	for (six = 0; six < 2; six++)
		for (offset = 0; offset < 200; offset += 100)
			for (more = 0; more < 2; more++) {
				fragment(&p, six, P_UDP, offset, more, 800);
				p.f.gso = true;
				CHECK_EQ(parse_reason(&p), offset || more ?
					 LENSCAP_REASON_BAD_HEADER :
					 LENSCAP_REASON_NONE);
			}
}

static void datagram(struct pkt *p, u32 six, u32 len)
{
	if (six)
		ip6(p, CAM6, NVR6);
	else
		ip4(p, P_UDP, CAM4, NVR4);
	udp(p, 40000, 5000, len);
	fin(p);
	p->f.gso = true;
	p->f.gso_size = 48;
	p->f.ufo = true;
}

/* Those that a super-packet becomes are of what was judged. */
TEST(super_packet_that_becomes_fragments)
{
	struct pkt p;
	u32 six, size;

	for (six = 0; six < 2; six++) {
		for (size = 8; size < 40; size++) {
			datagram(&p, six, 800);
			p.f.gso_size = size;
			CHECK_EQ(parse_reason(&p), size % 8 ?
				 LENSCAP_REASON_BAD_HEADER :
				 LENSCAP_REASON_NONE);
		}
		/* More than it says, or nothing is said. */
		datagram(&p, six, 800);
		zeros(&p, 1);
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
		datagram(&p, six, 800);
		put16(&p, six ? 4 : 2, 0);
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_BAD_HEADER);
		/* Not of UDP, or not at once. */
		datagram(&p, six, 800);
		p.b[six ? 6 : 9] = P_TCP;
		PARSES(&p, BAD_HEADER);
	}
	fragment(&p, 1, P_UDP, 0, false, 800);
	p.f.gso = true;
	p.f.gso_size = 48;
	p.f.ufo = true;
	PARSES(&p, BAD_HEADER);
}
