// SPDX-License-Identifier: GPL-2.0-only
/* ICMP that rules permit, and what they do not see of it. */
#include "world.h"

static u8 large(struct world *w, struct pkt *p, const char *src,
		const char *dst, u8 type, u32 size)
{
	if (strchr(src, ':'))
		ip6(p, src, dst);
	else
		ip4(p, 0, src, dst);
	icmp(p, type, 0, 0);
	if (size >= 48)
		quote(p);
	zeros(p, size - (p->len - p->l4));
	fin(p);
	return world_judge(w, p);
}

/* A ping is a tunnel if it may be of any size. */
TEST(judge_bounds_icmp_by_its_size)
{
	struct lc_rule all[] = {
		rule_any(NVR4, LC_PROTO_ANY, CONNECTS),
		rule_any(NVR6, P_ICMP6, CONNECTS),
	};
	struct world w;
	struct pkt p;
	u32 type;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, all, 2);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	for (type = 0; type < 128; type++) {
		bool echo = type == 0 || type == 8 || type == 42 || type == 43;
		u32 most = echo ? 128 : 556;

		CHECK_EQ(large(&w, &p, CAM4, NVR4, type, most),
			 type == 5 || type == 9 ? LENSCAP_REASON_ICMP_QUOTE :
			 LENSCAP_REASON_NONE);
		CHECK_EQ(large(&w, &p, CAM4, NVR4, type, most + 1),
			 LENSCAP_REASON_ICMP_SIZE);
		CHECK(!w.verdict.pass);
		CHECK_EQ(large(&w, &p, CAM4, ABROAD4, type, most + 1),
			 LENSCAP_REASON_DESTINATION);
	}
	for (type = 0; type < 256; type++) {
		bool echo = (type & ~33U) == 128;
		u32 most = echo ? 128 : 1240;

		/* upkeep has other bounds */
		if (type >= 130 && type <= 143)
			continue;
		CHECK_EQ(large(&w, &p, CAM6, NVR6, type, most),
			 LENSCAP_REASON_NONE);
		CHECK_EQ(large(&w, &p, CAM6, NVR6, type, most + 1),
			 LENSCAP_REASON_ICMP_SIZE);
	}
	world_end(&w);
}

/* A tunnel's end would tell whoever is named inside, and a routing header says
 * another destination than the packet.
 */
TEST(judge_believes_errors_about_connections_alone)
{
	static const u8 connections[] = { 6, 17, 33, 132, 136 };
	struct lc_rule all[] = {
		rule_any(NVR4, LC_PROTO_ANY, CONNECTS),
		rule_any(NVR6, LC_PROTO_ANY, CONNECTS),
	};
	struct pkt four, six;
	struct world w;
	u32 quoted;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, all, 2);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	ip4(&four, P_ICMP, CAM4, NVR4);
	icmp(&four, 3, 1, 0);
	quote(&four);
	fin(&four);
	ip6(&six, CAM6, NVR6);
	icmp(&six, 1, 0, 0);
	quote(&six);
	fin(&six);
	for (quoted = 0; quoted < 256; quoted++) {
		bool fine = memchr(connections, quoted, sizeof(connections));

		four.b[28 + 9] = quoted;
		CHECK_EQ(world_judge(&w, &four), fine || quoted == P_ICMP ?
			 LENSCAP_REASON_NONE : LENSCAP_REASON_ICMP_QUOTE);
		six.b[48 + 6] = quoted;
		CHECK_EQ(world_judge(&w, &six), fine || quoted == P_ICMP6 ?
			 LENSCAP_REASON_NONE : LENSCAP_REASON_ICMP_QUOTE);
	}
	world_end(&w);
}

/* Other errors are lies about somebody else's connection. */
TEST(judge_believes_errors_about_packets_to_the_device_alone)
{
	struct lc_rule all[] = {
		rule_any(NVR4, LC_PROTO_ANY, CONNECTS),
		rule_any(NVR6, LC_PROTO_ANY, CONNECTS),
	};
	static const u8 errors[] = { 3, 4, 11, 12, 31, 40 };
	struct world w;
	struct pkt p, q;
	u32 type, at;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, all, 2);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " 10.30.0.18 " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	for (type = 0; type < 256; type++) {
		bool error = memchr(errors, type, sizeof(errors));

		ip4(&q, P_ICMP, CAM4, NVR4);
		icmp(&q, type, 0, 0);
		quote(&q);
		fin(&q);
		CHECK_EQ(world_judge(&w, &q), type == 5 || type == 9 ?
			 LENSCAP_REASON_ICMP_QUOTE : LENSCAP_REASON_NONE);
		/* a router's */
		if (type == 5 || type == 9)
			continue;
		/* version, source and destination of the quote */
		for (at = 28; at < 48; at++) {
			p = q;
			p.b[at] ^= 0x10;
			CHECK_EQ(world_judge(&w, &p),
				 error && (at == 28 || at >= 28 + 12) ?
				 LENSCAP_REASON_ICMP_QUOTE :
				 LENSCAP_REASON_NONE);
		}
		ip4(&p, P_ICMP, CAM4, NVR4);
		icmp(&p, type, 0, 19);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), error ?
			 LENSCAP_REASON_ICMP_QUOTE : LENSCAP_REASON_NONE);
	}
	/* another address of its own is not where this one was sent to */
	ip4(&p, P_ICMP, "10.30.0.18", NVR4);
	icmp(&p, 3, 3, 0);
	quote(&p);
	fin(&p);
	memcpy(p.b + 12, q.b + 12, 4);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_ICMP_QUOTE);
	for (type = 0; type < 256; type++) {
		if (type >= 130 && type <= 143)
			continue;
		ip6(&q, CAM6, NVR6);
		icmp(&q, type, 0, 0);
		quote(&q);
		fin(&q);
		CHECK_EQ(world_judge(&w, &q), LENSCAP_REASON_NONE);
		for (at = 48; at < 88; at++) {
			p = q;
			p.b[at] ^= 0x10;
			CHECK_EQ(world_judge(&w, &p), type < 128 &&
				 (at == 48 || at == 48 + 6 || at >= 48 + 8) ?
				 LENSCAP_REASON_ICMP_QUOTE :
				 LENSCAP_REASON_NONE);
		}
		ip6(&p, CAM6, NVR6);
		icmp(&p, type, 0, 39);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), type < 128 ?
			 LENSCAP_REASON_ICMP_QUOTE : LENSCAP_REASON_NONE);
	}
	/* where the window ends before the quote does, it has not been seen */
	ip6(&p, CAM6, NVR6);
	ext(&p, X_DEST, 29);
	icmp(&p, 1, 0, 0);
	quote(&p);
	fin(&p);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_ICMP_QUOTE);
	world_end(&w);
}

/* What is beside a message counts as what is in it. */
TEST(judge_bounds_echo_with_its_options)
{
	static const u8 nops[40] = { [0 ... 39] = 1 };
	struct lc_rule all[] = {
		rule_any(NVR4, LC_PROTO_ANY, CONNECTS),
		rule_any(NVR6, P_ICMP6, CONNECTS),
	};
	struct world w;
	struct pkt p;
	u32 size;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, all, 2);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	for (size = 8; size <= 128; size++) {
		ip4(&p, P_ICMP, CAM4, NVR4);
		ip4_options(&p, nops, sizeof(nops));
		icmp(&p, 8, 0, size - 8);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), size > 128 - 40 ?
			 LENSCAP_REASON_ICMP_SIZE : LENSCAP_REASON_NONE);
		ip6(&p, CAM6, NVR6);
		ext_fragment(&p, 0, false);
		icmp(&p, 128, 0, size - 8);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), size > 128 - 8 ?
			 LENSCAP_REASON_ICMP_SIZE : LENSCAP_REASON_NONE);
	}
	world_end(&w);
}

TEST(judge_takes_fragments_of_icmp_for_large)
{
	struct lc_rule all[] = {
		rule_any(NVR4, LC_PROTO_ANY, CONNECTS),
		rule_any(NVR6, LC_PROTO_ANY, CONNECTS),
	};
	struct world w;
	struct pkt p;
	u32 offset;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_AUDIT, 1, all, 2);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	for (offset = 0; offset < 400; offset += 100) {
		ip4(&p, P_ICMP, CAM4, NVR4);
		ip4_fragment(&p, offset, true);
		icmp(&p, 8, 0, 8);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_ICMP_SIZE);
		CHECK(w.verdict.pass && w.verdict.audit);
		ip6(&p, CAM6, NVR6);
		ext_fragment(&p, offset, true);
		icmp(&p, 128, 0, 8);
		fin(&p);
		CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_ICMP_SIZE);
	}
	/* an atomic one is whole */
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 0, false);
	icmp(&p, 128, 0, 8);
	fin(&p);
	CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_NONE);
	world_end(&w);
}

/* What a bridge would carry on behind a packet whose size is bounded. */
TEST(judge_bounds_what_is_behind_the_packet)
{
	struct lc_rule all[] = {
		rule_any(NVR4, LC_PROTO_ANY, CONNECTS),
		rule_any(NVR6, LC_PROTO_ANY, CONNECTS),
	};
	struct world w;
	struct pkt p;
	u32 more;

	world_init(&w);
	world_profile(&w, LENSCAP_MODE_ENFORCE, 1, all, 2);
	world_device(&w, 1, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(&w), 0);
	for (more = 0; more < 1000; more++) {
		bool fine = more <= 4;

		ip4(&p, P_ICMP, CAM4, NVR4);
		icmp(&p, 8, 0, 56);
		fin(&p);
		zeros(&p, more);
		CHECK_EQ(world_judge(&w, &p), fine ? LENSCAP_REASON_NONE :
			 LENSCAP_REASON_ICMP_SIZE);
		nd(&p, 135, CAM_LL, "ff02::1", CAM6);
		fin(&p);
		zeros(&p, more);
		CHECK_EQ(world_judge(&w, &p), fine ? LENSCAP_REASON_NONE :
			 LENSCAP_REASON_UPKEEP_INVALID);
		dhcp4(&p, "0.0.0.0", "255.255.255.255", 60);
		fin(&p);
		zeros(&p, more);
		CHECK_EQ(world_judge(&w, &p), fine ? LENSCAP_REASON_NONE :
			 LENSCAP_REASON_UPKEEP_INVALID);
		/* 32 bytes, which Ethernet pads to 46 */
		igmp(&p, 0x16, CAM4, "239.1.1.1");
		fin(&p);
		zeros(&p, more);
		CHECK_EQ(world_judge(&w, &p), p.len <= 50 ?
			 LENSCAP_REASON_NONE : LENSCAP_REASON_UPKEEP_INVALID);
		/* the size of others is not bounded */
		ip4(&p, P_UDP, CAM4, NVR4);
		udp(&p, 1, 2, 8);
		fin(&p);
		zeros(&p, more);
		CHECK_EQ(world_judge(&w, &p), LENSCAP_REASON_NONE);
	}
	world_end(&w);
}
