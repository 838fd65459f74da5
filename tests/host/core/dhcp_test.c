// SPDX-License-Identifier: GPL-2.0-only
/* DHCP clients of both families as upkeep. */
#include <arpa/inet.h>

#include "world.h"

#define ALL "255.255.255.255"
#define SERVERS "ff02::1:2"

static u8 judged(struct pkt *p)
{
	struct world w;
	u8 reason;

	world_camera(&w);
	fin(p);
	reason = world_judge(&w, p);
	CHECK_EQ(w.verdict.upkeep, reason == LENSCAP_REASON_NONE);
	world_end(&w);
	return reason;
}

#define DHCP_IS(p, name) CHECK_EQ(judged(p), LENSCAP_REASON_##name)

TEST(dhcp_of_the_camera_passes)
{
	struct pkt p;

	dhcp4(&p, "0.0.0.0", ALL, 60);
	DHCP_IS(&p, NONE);
	dhcp4(&p, CAM4, ALL, 4);
	DHCP_IS(&p, NONE);
}

/* A gateway that translates addresses may take a renewal for an answer. */
TEST(dhcp_to_one_server_has_to_be_permitted)
{
	static const u32 kinds[] = {
		LENSCAP_UPKEEP_DEFAULT,
		LENSCAP_UPKEEP_DEFAULT | LENSCAP_UPKEEP_DHCP_UNICAST,
		LENSCAP_UPKEEP_DHCP_UNICAST,
	};
	struct world w;
	struct pkt p;
	u32 i, at;

	world_camera(&w);
	for (i = 0; i < 3; i++) {
		w.guard.upkeep = kinds[i];
		for (at = 0; at < 3; at++) {
			if (at == 2)
				dhcp6(&p, 5, CAM_LL, "2001:db8:30::1", 40);
			else
				dhcp4(&p, at ? "0.0.0.0" : CAM4,
				      at ? "10.30.0.255" : "10.30.0.1", 60);
			fin(&p);
			CHECK_EQ(world_judge(&w, &p), i == 1 ?
				 LENSCAP_REASON_NONE :
				 LENSCAP_REASON_UPKEEP_OFF);
		}
		/* What is wrong with it is told first. */
		dhcp4(&p, "10.30.0.18", "10.30.0.1", 60);
		fin(&p);
		JUDGED(&w, &p, UPKEEP_SPOOF);
	}
	world_end(&w);
}

TEST(dhcp_has_no_ip_options)
{
	static const u8 nops[4] = { 1, 1, 1, 1 };
	struct pkt q, p;

	dhcp4(&q, "0.0.0.0", ALL, 60);
	ip4(&p, P_UDP, "0.0.0.0", ALL);
	ip4_options(&p, nops, 4);
	raw(&p, q.b + 20, q.len - 20);
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp_source_is_bound_or_nobody)
{
	struct pkt p;

	dhcp4(&p, "10.30.0.18", ALL, 60);
	DHCP_IS(&p, UPKEEP_SPOOF);
	dhcp4(&p, "10.30.0.1", "10.30.0.1", 60);
	DHCP_IS(&p, UPKEEP_SPOOF);
}

TEST(dhcp_hardware_address_is_the_cameras)
{
	struct pkt p;
	u32 i;

	for (i = 0; i < 6; i++) {
		dhcp4(&p, "0.0.0.0", ALL, 60);
		p.b[p.l4 + 8 + 28 + i] ^= 1;
		DHCP_IS(&p, UPKEEP_SPOOF);
	}
}

TEST(dhcp_fields_are_those_of_an_ethernet_client)
{
	static const u32 at[] = { 0, 1, 2, 236, 237, 238, 239 };
	struct pkt p;
	u32 i;

	for (i = 0; i < 7; i++) {
		dhcp4(&p, "0.0.0.0", ALL, 60);
		p.b[p.l4 + 8 + at[i]] ^= 3;
		DHCP_IS(&p, UPKEEP_INVALID);
	}
}

/* Where a server would send its answer to, with what the client has chosen. */
TEST(dhcp_names_no_relay)
{
	struct pkt p;
	u32 i;

	/* hops, yiaddr, siaddr, giaddr, and what is behind the MAC */
	for (i = 3; i < 44; i++) {
		if (i != 3 && i < 34 && (i < 16 || i >= 28))
			continue;
		dhcp4(&p, "0.0.0.0", ALL, 60);
		p.b[p.l4 + 8 + i] = 1;
		DHCP_IS(&p, UPKEEP_INVALID);
	}
}

TEST(dhcp_answer_goes_to_an_address_of_the_camera)
{
	static const struct {
		const char *ciaddr;
		u8 reason;
	} cases[] = {
		{ CAM4, LENSCAP_REASON_NONE },
		{ "0.0.0.0", LENSCAP_REASON_NONE },
		{ ABROAD4, LENSCAP_REASON_UPKEEP_SPOOF },
		{ "10.30.0.18", LENSCAP_REASON_UPKEEP_SPOOF },
		{ "10.30.0.1", LENSCAP_REASON_UPKEEP_SPOOF },
		{ "255.255.255.255", LENSCAP_REASON_UPKEEP_SPOOF },
	};
	struct world w;
	struct pkt p;
	u32 i;

	world_camera(&w);
	for (i = 0; i < 6; i++) {
		dhcp4(&p, i & 1 ? "0.0.0.0" : CAM4, ALL, 60);
		CHECK_EQ(inet_pton(AF_INET, cases[i].ciaddr,
				   p.b + p.l4 + 8 + 12), 1);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), cases[i].reason);
	}
	world_end(&w);
}

static u8 with_option(u8 code, const void *value, u8 len)
{
	struct pkt p;

	dhcp4(&p, "0.0.0.0", ALL, 60);
	dhcp4_option(&p, code, value, len);
	return judged(&p);
}

/* Servers give leases to names, and write who has one into the neighbour table. */
TEST(dhcp_client_goes_by_its_mac)
{
	static const u8 own[] = { 1, 0x02, 0x00, 0x5e, 0x10, 0x00, 0x17 };
	u8 other[8];
	u32 i;

	CHECK_EQ(memcmp(own + 1, CAM_MAC, 6), 0);
	CHECK_EQ(with_option(61, own, 7), LENSCAP_REASON_NONE);
	for (i = 0; i < 7; i++)
		CHECK_EQ(with_option(61, own, i), LENSCAP_REASON_UPKEEP_SPOOF);
	for (i = 0; i < 7; i++) {
		memcpy(other, own, 7);
		other[i] ^= 1;
		CHECK_EQ(with_option(61, other, 7),
			 LENSCAP_REASON_UPKEEP_SPOOF);
	}
}

TEST(dhcp_other_names_pass_where_they_may)
{
	static const u8 names[][10] = {
		{ 0, 'c', 'a', 'm' },
		{ 255, 1, 2, 3, 4, 0, 2, 0, 0, 9 },
		{ 1, 2, 3 },
	};
	static const u8 stolen[] = { 1, 0x02, 0x00, 0x5e, 0x10, 0x00, 0x18 };
	struct world w;
	struct pkt p;
	u32 i;

	world_camera(&w);
	for (i = 0; i < 8; i++) {
		w.guard.upkeep = LENSCAP_UPKEEP_DEFAULT;
		if (i & 1)
			w.guard.upkeep |= LENSCAP_UPKEEP_CLIENT_ID;
		dhcp4(&p, "0.0.0.0", ALL, 60);
		if (i < 6)
			dhcp4_option(&p, 61, names[i / 2], i < 2 ? 4 : i < 4 ? 10 : 3);
		else
			dhcp4_option(&p, 61, stolen, 7);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), i & 1 && i < 6 ?
			 LENSCAP_REASON_NONE : LENSCAP_REASON_UPKEEP_SPOOF);
	}
	world_end(&w);
}

TEST(dhcp_asks_for_an_address_of_the_camera)
{
	static const u8 own[] = { 10, 30, 0, 17 }, other[] = { 10, 30, 0, 18 };
	struct pkt p;

	CHECK_EQ(with_option(50, own, 4), LENSCAP_REASON_NONE);
	CHECK_EQ(with_option(50, other, 4), LENSCAP_REASON_UPKEEP_SPOOF);
	CHECK_EQ(with_option(50, "\0\0\0", 4), LENSCAP_REASON_NONE);
	CHECK_EQ(with_option(50, own, 3), LENSCAP_REASON_UPKEEP_INVALID);
	CHECK_EQ(with_option(50, "\12\36\0\21\0", 5),
		 LENSCAP_REASON_UPKEEP_INVALID);
	/* beside the one that it has */
	dhcp4(&p, CAM4, ALL, 60);
	memcpy(p.b + p.l4 + 8 + 12, own, 4);
	dhcp4_option(&p, 50, own, 4);
	DHCP_IS(&p, NONE);
	CHECK_EQ(p.b[p.l4 + 8 + 243], 50);
	memcpy(p.b + p.l4 + 8 + 245, other, 4);
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp_options_are_those_of_a_client)
{
	static const u8 own[] = { 1, 0x02, 0x00, 0x5e, 0x10, 0x00, 0x17 };
	static const u8 refused[] = { 52, 82, 118 };
	u8 type, code = 0;
	struct pkt p;
	u32 i;

	for (i = 0; i < 256; i++) {
		bool fine = i == 1 || i == 3 || i == 4 || i == 7 || i == 8;

		type = i;
		dhcp4(&p, "0.0.0.0", ALL, 60);
		p.b[p.l4 + 8 + 242] = type;
		CHECK_EQ(judged(&p), fine ? LENSCAP_REASON_NONE :
			 LENSCAP_REASON_UPKEEP_INVALID);
	}
	for (i = 0; i < 3; i++)
		CHECK_EQ(with_option(refused[i], "\1\1\1\1", 4),
			 LENSCAP_REASON_UPKEEP_INVALID);
	for (i = 1; i < 255; i++) {
		code = i;
		if (code != 50 && code != 53 && code != 61 &&
		    !memchr(refused, code, 3))
			CHECK_EQ(with_option(code, "\1\1\1\1", 4),
				 LENSCAP_REASON_NONE);
	}
	/* twice: who knows which of them counts */
	CHECK_EQ(with_option(53, "\1", 1), LENSCAP_REASON_UPKEEP_INVALID);
	dhcp4(&p, "0.0.0.0", ALL, 60);
	dhcp4_option(&p, 61, own, 7);
	dhcp4_option(&p, 61, own, 7);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp4(&p, "0.0.0.0", ALL, 60);
	dhcp4_option(&p, 50, own + 1, 4);
	dhcp4_option(&p, 50, "\12\36\0\21", 4);
	DHCP_IS(&p, UPKEEP_INVALID);
	/* no type, no end, or an end inside an option */
	dhcp4(&p, "0.0.0.0", ALL, 60);
	memset(p.b + p.l4 + 8 + 240, 0, 3);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp4(&p, "0.0.0.0", ALL, 60);
	p.b[p.len - 1] = 0;
	DHCP_IS(&p, UPKEEP_INVALID);
	p.b[p.len - 1] = 12;
	DHCP_IS(&p, UPKEEP_INVALID);
	p.b[p.len - 2] = 12;
	p.b[p.len - 1] = 1;
	DHCP_IS(&p, UPKEEP_INVALID);
	/* what is behind the end is nothing */
	dhcp4(&p, "0.0.0.0", ALL, 60);
	p.b[p.l4 + 8 + 243] = 255;
	p.b[p.l4 + 8 + 244] = 82;
	DHCP_IS(&p, NONE);
}

/* The last bytes of the longest message that there is are looked at as well. */
TEST(dhcp_options_are_read_to_the_end)
{
	struct pkt p;
	u32 code;

	for (code = 60; code <= 61; code++) {
		dhcp4(&p, "0.0.0.0", ALL, 576 - 240);
		p.b[p.len - 4] = code;
		p.b[p.len - 3] = 1;
		CHECK_EQ(judged(&p), code == 61 ?
			 LENSCAP_REASON_UPKEEP_SPOOF : LENSCAP_REASON_NONE);
	}
}

TEST(dhcp6_client_goes_by_its_mac)
{
	static const u8 lasting[] = { 0, 3, 0, 1, 0x02, 0x00, 0x5e, 0x10, 0x00,
				      0x17 };
	static const u8 dated[] = { 0, 1, 0, 1, 9, 9, 9, 9, 0x02, 0x00, 0x5e,
				    0x10, 0x00, 0x17 };
	static const u8 enterprise[] = { 0, 2, 0, 0, 0, 9, 1, 2, 3, 4 };
	static const struct {
		const u8 *duid;
		u32 len;
	} names[] = { { lasting, 10 }, { dated, 14 }, { enterprise, 10 },
		      { lasting, 0 } };
	struct world w;
	struct pkt p;
	u32 i, at;

	world_camera(&w);
	for (i = 0; i < 4; i++) {
		bool fine = i < 2;

		dhcp6(&p, 1, CAM_LL, SERVERS, 4);
		dhcp6_option(&p, 1, names[i].duid, names[i].len);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), fine ? LENSCAP_REASON_NONE :
			 LENSCAP_REASON_UPKEEP_SPOOF);
		w.guard.upkeep |= LENSCAP_UPKEEP_CLIENT_ID;
		CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_NONE);
		w.guard.upkeep = LENSCAP_UPKEEP_DEFAULT;
		for (at = 0; at < names[i].len; at++) {
			p.b[p.len - names[i].len + at] ^= 1;
			CHECK_EQ(world_judge(&w, &p), i == 1 && at >= 4 &&
				 at < 8 ? LENSCAP_REASON_NONE :
				 LENSCAP_REASON_UPKEEP_SPOOF);
			p.b[p.len - names[i].len + at] ^= 1;
		}
	}
	world_end(&w);
	dhcp6(&p, 1, CAM_LL, SERVERS, 4);
	dhcp6_option(&p, 1, lasting, 10);
	dhcp6_option(&p, 1, lasting, 10);
	DHCP_IS(&p, UPKEEP_INVALID);
	for (i = 1; i < 4; i++) {
		dhcp6(&p, 1, CAM_LL, SERVERS, 4 + i);
		DHCP_IS(&p, UPKEEP_INVALID);
	}
	dhcp6(&p, 1, CAM_LL, SERVERS, 12);
	p.b[p.len - 1] = 1;
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp6(&p, 1, CAM_LL, SERVERS, 576);
	DHCP_IS(&p, NONE);
}

TEST(dhcp_length)
{
	struct pkt p;
	u32 i;

	dhcp4(&p, "0.0.0.0", ALL, 576 - 240);
	DHCP_IS(&p, NONE);
	dhcp4(&p, "0.0.0.0", ALL, 577 - 240);
	DHCP_IS(&p, UPKEEP_INVALID);
	for (i = 0; i <= 244; i++) {
		dhcp4(&p, "0.0.0.0", ALL, 4);
		p.len = p.l4 + 8 + i;
		put16(&p, p.l4 + 4, 8 + i);
		CHECK_EQ(judged(&p), i < 244 ? LENSCAP_REASON_UPKEEP_INVALID :
			 LENSCAP_REASON_NONE);
	}
	ip4(&p, P_UDP, "0.0.0.0", ALL);
	udp(&p, 68, 67, 0);
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp_with_bytes_behind_the_datagram_is_invalid)
{
	struct pkt p;

	dhcp4(&p, "0.0.0.0", ALL, 60);
	zeros(&p, 1);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp4(&p, "0.0.0.0", ALL, 60);
	put16(&p, p.l4 + 4, 8);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp6(&p, 1, CAM_LL, SERVERS, 40);
	zeros(&p, 1);
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp_off)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	w.guard.upkeep &= ~LENSCAP_UPKEEP_DHCP;
	dhcp4(&p, "0.0.0.0", ALL, 60);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_OFF);
	dhcp6(&p, 1, CAM_LL, SERVERS, 40);
	fin(&p);
	JUDGED(&w, &p, NONE);
	w.guard.upkeep = LENSCAP_UPKEEP_DHCP;
	JUDGED(&w, &p, UPKEEP_OFF);
	dhcp4(&p, "0.0.0.0", ALL, 60);
	fin(&p);
	JUDGED(&w, &p, NONE);
	world_end(&w);
}

TEST(dhcp_beyond_the_lan_is_judged_by_rules)
{
	struct lc_rule rules[] = {
		rule(NVR4, P_UDP, CONNECTS, 67, 67),
		rule(NVR6, P_UDP, CONNECTS, 547, 547),
	};
	struct world w;
	struct pkt p;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, rules, 2);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	dhcp4(&p, CAM4, NVR4, 60);
	fin(&p);
	JUDGED(&w, &p, NONE);
	CHECK(!w.verdict.upkeep);
	dhcp4(&p, CAM4, ABROAD4, 60);
	fin(&p);
	JUDGED(&w, &p, DESTINATION);
	dhcp4(&p, "0.0.0.0", NVR4, 60);
	fin(&p);
	JUDGED(&w, &p, WRONG_SOURCE);
	/* the kind does not matter there */
	w.guard.upkeep = 0;
	dhcp4(&p, CAM4, NVR4, 60);
	fin(&p);
	JUDGED(&w, &p, NONE);
	/* of IPv6 nor does what is wrong with it: a server answers who has asked */
	ip6(&p, CAM6, NVR6);
	udp(&p, 546, 547, 1000);
	fin(&p);
	JUDGED(&w, &p, NONE);
	CHECK(!w.verdict.upkeep);
	ip6(&p, CAM6, ABROAD6);
	udp(&p, 546, 547, 1000);
	fin(&p);
	JUDGED(&w, &p, DESTINATION);
	world_end(&w);
}

/* Whom a rule permits for something else may have a server, which answers to wherever
 * the message says.
 */
TEST(dhcp_by_a_rule_is_a_clients_as_well)
{
	struct lc_rule any = rule_any("0.0.0.0/0", LC_PROTO_ANY, CONNECTS);
	static const u16 ports[] = { 68, 67, 161, 40000 };
	static const u8 abroad[4] = { 203, 0, 113, 66 };
	struct world w;
	struct pkt p;
	u32 i, hop;

	for (hop = 0; hop < 2; hop++) {
		world_init(&w);
		w.guard.identity = hop ? LENSCAP_IDENTITY_IP :
					 LENSCAP_IDENTITY_MAC;
		world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &any, 1);
		world_device(&w, 1, hop ? NULL : CAM_MAC, 0, CAM4);
		CHECK_EQ(world_commit(&w), 0);
		for (i = 0; i < 4; i++) {
			dhcp4(&p, CAM4, NVR4, 60);
			put16(&p, p.l4, ports[i]);
			fin(&p);
			CHECK_EQ(world_judge(&w, &p), i ?
				 LENSCAP_REASON_UPKEEP_INVALID :
				 LENSCAP_REASON_NONE);
			/* giaddr */
			memcpy(p.b + p.l4 + 8 + 24, abroad, 4);
			fin(&p);
			JUDGED(&w, &p, UPKEEP_INVALID);
		}
		/* ciaddr */
		dhcp4(&p, CAM4, NVR4, 60);
		memcpy(p.b + p.l4 + 8 + 12, abroad, 4);
		fin(&p);
		JUDGED(&w, &p, UPKEEP_SPOOF);
		/* Behind a hop the MAC is not known. */
		dhcp4(&p, CAM4, NVR4, 60);
		p.b[p.l4 + 8 + 28] ^= 4;
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), hop ? LENSCAP_REASON_NONE :
						    LENSCAP_REASON_UPKEEP_SPOOF);
		dhcp4(&p, CAM4, NVR4, 60);
		dhcp4_option(&p, 61, "\0cam", 4);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), hop ? LENSCAP_REASON_NONE :
						    LENSCAP_REASON_UPKEEP_SPOOF);
		dhcp4(&p, CAM4, NVR4, 60);
		ip4_fragment(&p, 0, true);
		fin(&p);
		JUDGED(&w, &p, UPKEEP_INVALID);
		world_end(&w);
	}
}

TEST(dhcp_of_a_server_is_judged_by_rules)
{
	struct pkt p;

	ip4(&p, P_UDP, CAM4, ALL);
	udp(&p, 67, 68, 300);
	DHCP_IS(&p, DESTINATION);
	ip4(&p, P_UDP, CAM4, ALL);
	udp(&p, 67, 67, 300);
	DHCP_IS(&p, UPKEEP_INVALID);
	ip4(&p, P_UDP, CAM4, ALL);
	udp(&p, 68, 68, 300);
	DHCP_IS(&p, DESTINATION);
	ip6(&p, CAM6, SERVERS);
	udp(&p, 546, 546, 300);
	DHCP_IS(&p, DESTINATION);
	ip4(&p, P_TCP, CAM4, ALL);
	tcp(&p, 68, 67, T_ACK);
	DHCP_IS(&p, DESTINATION);
	ip6(&p, CAM6, "ff02::1:2");
	udp(&p, 547, 546, 300);
	DHCP_IS(&p, DESTINATION);
}

TEST(dhcp_comes_in_one_piece)
{
	struct pkt p;

	dhcp4(&p, "0.0.0.0", ALL, 60);
	ip4_fragment(&p, 0, true);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp4(&p, CAM4, ABROAD4, 60);
	ip4_fragment(&p, 0, true);
	DHCP_IS(&p, DESTINATION);
	dhcp4(&p, CAM4, ALL, 60);
	p.f.gso = true;
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp6_super_packet_is_judged_by_rules)
{
	struct pkt p;

	dhcp6(&p, 1, CAM_LL, SERVERS, 40);
	p.f.gso = true;
	DHCP_IS(&p, WRONG_SOURCE);
}

TEST(dhcp6_client_messages_pass)
{
	static const u8 client[] = { 1, 3, 4, 5, 6, 8, 9, 11 };
	struct pkt p;
	u32 type;

	for (type = 0; type < 256; type++) {
		dhcp6(&p, type, CAM_LL, SERVERS, 40);
		if (memchr(client, (int)type, sizeof(client)))
			DHCP_IS(&p, NONE);
		else
			DHCP_IS(&p, UPKEEP_INVALID);
	}
}

TEST(dhcp6_source_is_link_local)
{
	struct pkt p;

	dhcp6(&p, 1, CAM6, SERVERS, 40);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp6(&p, 1, "::", SERVERS, 40);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp6(&p, 1, ABROAD6, "2001:db8:30::1", 40);
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp6_length)
{
	struct pkt p;

	dhcp6(&p, 1, CAM_LL, SERVERS, 576);
	DHCP_IS(&p, NONE);
	dhcp6(&p, 1, CAM_LL, SERVERS, 577);
	DHCP_IS(&p, UPKEEP_INVALID);
	dhcp6(&p, 1, CAM_LL, SERVERS, 4);
	DHCP_IS(&p, NONE);
	dhcp6(&p, 1, CAM_LL, SERVERS, 3);
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp6_has_no_extension_headers)
{
	struct pkt p;

	ip6(&p, CAM_LL, SERVERS);
	ext(&p, X_DEST, 0);
	udp(&p, 546, 547, 40);
	p.b[p.l4 + 8] = 1;
	DHCP_IS(&p, UPKEEP_INVALID);
	ip6(&p, CAM_LL, SERVERS);
	ext_fragment(&p, 0, true);
	udp(&p, 546, 547, 40);
	p.b[p.l4 + 8] = 1;
	DHCP_IS(&p, UPKEEP_INVALID);
}

TEST(dhcp6_to_other_groups_is_judged_by_rules)
{
	struct pkt p;

	dhcp6(&p, 1, CAM_LL, "ff05::1:3", 40);
	DHCP_IS(&p, WRONG_SOURCE);
	dhcp6(&p, 1, CAM6, "ff02::1:3", 40);
	DHCP_IS(&p, DESTINATION);
}

TEST(dhcp_is_no_upkeep_on_identity_ip)
{
	struct lc_rule all = rule_any("0.0.0.0/0", LC_PROTO_ANY, CONNECTS);
	struct world w;
	struct pkt p;

	world_init(&w);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, &all, 1);
	world_device(&w, 1, NULL, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	dhcp4(&p, CAM4, "10.30.0.1", 60);
	fin(&p);
	JUDGED(&w, &p, NONE);
	CHECK(!w.verdict.upkeep && w.verdict.device);
	dhcp4(&p, "0.0.0.0", ALL, 60);
	fin(&p);
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	p.b[p.l4 + 8] = 9;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	dhcp6(&p, 1, CAM_LL, SERVERS, 40);
	fin(&p);
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	world_end(&w);
}
