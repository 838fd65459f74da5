// SPDX-License-Identifier: GPL-2.0-only
/*
 * A caller that makes fewer bytes contiguous than it should: the parser must
 * refuse what it cannot see, and never read it. The sanitizer is the judge.
 */
#include "world.h"

/* Every cap from nothing to the whole; a good frame stays good or fails. */
static void shorten(struct pkt *p)
{
	struct lc_frame f = p->f;
	struct lc_key whole, key;
	u32 cap;

	fin(p);
	parse(p, &whole);
	CHECK_EQ(whole.reason, LENSCAP_REASON_NONE);
	for (cap = 0; cap < p->len; cap++) {
		u8 *block = malloc(cap + 1);

		if (!block)
			abort();
		memcpy(block + 1, p->b, cap);
		f.data = block + 1;
		f.cap = cap;
		f.len = p->len;
		lc_parse(&f, &key);
		if (!key.reason && !key_equal(&key, &whole))
			FAIL("with %u of %u bytes the key differs", cap, p->len);
		free(block);
	}
}

TEST(bounds_of_ip)
{
	static const u8 nops[8] = { 1, 1, 1, 1, 1, 1, 1, 0 };
	struct pkt p;

	ip4(&p, 0, CAM4, NVR4);
	ip4_options(&p, nops, 8);
	tcp(&p, 1, 2, T_ACK);
	shorten(&p);
	ip6(&p, CAM6, NVR6);
	ext(&p, X_HOP, 0);
	ext(&p, X_DEST, 1);
	ext_fragment(&p, 0, false);
	udp(&p, 1, 2, 3);
	shorten(&p);
	ip4(&p, 0, CAM4, NVR4);
	icmp(&p, 8, 0, 3);
	shorten(&p);
	ip6(&p, CAM6, NVR6);
	icmp(&p, 128, 0, 3);
	shorten(&p);
}

TEST(bounds_of_upkeep)
{
	struct pkt p;

	arp(&p, 1, CAM4, NVR4);
	shorten(&p);
	nd(&p, 136, CAM6, "ff02::1", CAM6);
	nd_option(&p, 2, 1, CAM_MAC);
	shorten(&p);
	dhcp4(&p, CAM4, "255.255.255.255", 12);
	shorten(&p);
	dhcp6(&p, 1, CAM_LL, "ff02::1:2", 12);
	shorten(&p);
	igmp(&p, 0x16, CAM4, "224.0.0.251");
	shorten(&p);
	igmp(&p, 0x22, CAM4, "224.0.0.22");
	zeros(&p, 8);
	p.b[p.l4 + 7] = 1;
	shorten(&p);
	mld(&p, 131, CAM_LL, "ff02::fb");
	shorten(&p);
	mld(&p, 143, CAM_LL, "ff02::16");
	zeros(&p, 20);
	p.b[p.l4 + 7] = 1;
	shorten(&p);
}
