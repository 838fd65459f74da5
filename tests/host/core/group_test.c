// SPDX-License-Identifier: GPL-2.0-only
/* IGMP and MLD as upkeep. */
#include "world.h"

#define GROUP "239.1.2.3"
#define REPORTS "224.0.0.22"
#define GROUP6 "ff05::17"
#define REPORTS6 "ff02::16"

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

#define GROUP_IS(p, name) CHECK_EQ(judged(p), LENSCAP_REASON_##name)

/* Append a group record: @aux in words, addresses of @size bytes. */
static void record(struct pkt *p, u32 size, u32 aux, u32 sources)
{
	u8 head[4] = { 4, aux, sources >> 8, sources & 0xff };
	u32 at = p->l4 + 6;

	raw(p, head, 4);
	zeros(p, size + size * sources + 4 * aux);
	put16(p, at, lc_be16(p->b + at) + 1);
}

TEST(igmp_of_the_camera_passes)
{
	struct pkt p;

	igmp(&p, 0x12, CAM4, GROUP);
	GROUP_IS(&p, NONE);
	igmp(&p, 0x16, CAM4, GROUP);
	GROUP_IS(&p, NONE);
	igmp(&p, 0x17, CAM4, "224.0.0.2");
	GROUP_IS(&p, NONE);
	igmp(&p, 0x22, "0.0.0.0", REPORTS);
	GROUP_IS(&p, NONE);
	record(&p, 4, 0, 0);
	record(&p, 4, 0, 3);
	GROUP_IS(&p, NONE);
}

TEST(igmp_with_router_alert_passes)
{
	static const u8 alert[] = { 148, 4, 0, 0 };
	struct pkt p;

	ip4(&p, P_IGMP, CAM4, GROUP);
	p.b[8] = 1;
	ip4_options(&p, alert, 4);
	zeros(&p, 8);
	p.b[p.l4] = 0x16;
	GROUP_IS(&p, NONE);
}

TEST(igmp_query_is_a_spoof)
{
	struct pkt p;

	igmp(&p, 0x11, CAM4, "224.0.0.1");
	GROUP_IS(&p, UPKEEP_SPOOF);
	zeros(&p, 4);
	GROUP_IS(&p, UPKEEP_SPOOF);
}

TEST(igmp_other_types_are_invalid)
{
	struct pkt p;
	u32 type;

	for (type = 0; type < 256; type++) {
		igmp(&p, type, CAM4, GROUP);
		if (type == 0x12 || type == 0x16 || type == 0x17 ||
		    type == 0x22)
			GROUP_IS(&p, NONE);
		else if (type == 0x11)
			GROUP_IS(&p, UPKEEP_SPOOF);
		else
			GROUP_IS(&p, UPKEEP_INVALID);
	}
}

TEST(igmp_time_to_live_is_one)
{
	struct pkt p;

	igmp(&p, 0x16, CAM4, GROUP);
	p.b[8] = 2;
	GROUP_IS(&p, UPKEEP_INVALID);
	p.b[8] = 0;
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(igmp_destination_is_a_group)
{
	struct pkt p;

	igmp(&p, 0x16, CAM4, "224.0.0.0");
	GROUP_IS(&p, NONE);
	igmp(&p, 0x16, CAM4, "239.255.255.255");
	GROUP_IS(&p, NONE);
	igmp(&p, 0x16, CAM4, "223.255.255.255");
	GROUP_IS(&p, UPKEEP_INVALID);
	igmp(&p, 0x16, CAM4, "240.0.0.0");
	GROUP_IS(&p, UPKEEP_INVALID);
	igmp(&p, 0x16, CAM4, NVR4);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(igmp_source_is_bound_or_nobody)
{
	struct pkt p;

	igmp(&p, 0x16, "0.0.0.0", GROUP);
	GROUP_IS(&p, NONE);
	igmp(&p, 0x16, "10.30.0.18", GROUP);
	GROUP_IS(&p, UPKEEP_SPOOF);
}

TEST(igmp_length)
{
	struct pkt p;

	igmp(&p, 0x16, CAM4, GROUP);
	p.len--;
	GROUP_IS(&p, UPKEEP_INVALID);
	igmp(&p, 0x16, CAM4, GROUP);
	zeros(&p, 1);
	GROUP_IS(&p, UPKEEP_INVALID);
	ip4(&p, P_IGMP, CAM4, GROUP);
	p.b[8] = 1;
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(igmp_padding_of_the_frame_is_fine)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	igmp(&p, 0x16, CAM4, GROUP);
	fin(&p);
	zeros(&p, 18);
	JUDGED(&w, &p, NONE);
	igmp(&p, 0x22, CAM4, REPORTS);
	fin(&p);
	zeros(&p, 18);
	JUDGED(&w, &p, NONE);
	world_end(&w);
}

TEST(igmp_records_fill_the_report)
{
	struct pkt p;
	u32 i;

	igmp(&p, 0x22, CAM4, REPORTS);
	for (i = 0; i < 36; i++) {
		record(&p, 4, 0, 0);
		if (p.len <= LC_HEADERS)
			GROUP_IS(&p, NONE);
		else
			GROUP_IS(&p, UPKEEP_INVALID);
	}
	igmp(&p, 0x22, CAM4, REPORTS);
	record(&p, 4, 0, 1);
	zeros(&p, 1);
	GROUP_IS(&p, UPKEEP_INVALID);
	p.len -= 2;
	GROUP_IS(&p, UPKEEP_INVALID);
	igmp(&p, 0x22, CAM4, REPORTS);
	record(&p, 4, 1, 0);
	GROUP_IS(&p, UPKEEP_INVALID);
	igmp(&p, 0x22, CAM4, REPORTS);
	record(&p, 4, 0, 0);
	p.b[p.l4 + 9] = 1;
	GROUP_IS(&p, UPKEEP_INVALID);
	igmp(&p, 0x22, CAM4, REPORTS);
	record(&p, 4, 0, 0);
	put16(&p, p.l4 + 6, 2);
	GROUP_IS(&p, UPKEEP_INVALID);
	put16(&p, p.l4 + 6, 0);
	GROUP_IS(&p, UPKEEP_INVALID);
	put16(&p, p.l4 + 6, 1);
	put16(&p, p.l4 + 10, 0xffff);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(igmp_fragments_are_invalid)
{
	struct pkt p;

	igmp(&p, 0x16, CAM4, GROUP);
	ip4_fragment(&p, 0, true);
	GROUP_IS(&p, UPKEEP_INVALID);
	ip4_fragment(&p, 3, false);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(igmp_off)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	w.guard.upkeep &= ~LENSCAP_UPKEEP_IGMP;
	igmp(&p, 0x16, CAM4, GROUP);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_OFF);
	world_end(&w);
}

TEST(mld_of_the_camera_passes)
{
	struct pkt p;

	mld(&p, 131, CAM_LL, GROUP6);
	GROUP_IS(&p, NONE);
	mld(&p, 132, CAM_LL, "ff02::2");
	GROUP_IS(&p, NONE);
	mld(&p, 143, "::", REPORTS6);
	GROUP_IS(&p, NONE);
	record(&p, 16, 0, 0);
	record(&p, 16, 0, 2);
	GROUP_IS(&p, NONE);
}

TEST(mld_query_is_a_spoof)
{
	struct pkt p;

	mld(&p, 130, CAM_LL, "ff02::1");
	GROUP_IS(&p, UPKEEP_SPOOF);
	p.b[7] = 64;
	GROUP_IS(&p, UPKEEP_SPOOF);
}

TEST(mld_hop_limit_is_one)
{
	struct pkt p;

	mld(&p, 131, CAM_LL, GROUP6);
	p.b[7] = 2;
	GROUP_IS(&p, UPKEEP_INVALID);
	p.b[7] = 255;
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_code_is_zero)
{
	struct pkt p;

	mld(&p, 131, CAM_LL, GROUP6);
	p.b[p.l4 + 1] = 1;
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_needs_a_router_alert)
{
	struct pkt p;
	u32 at;

	for (at = 42; at < 46; at++) {
		mld(&p, 131, CAM_LL, GROUP6);
		p.b[at] ^= 1;
		GROUP_IS(&p, UPKEEP_INVALID);
	}
	/* Padding: PadN without data, or Pad1 twice. */
	mld(&p, 131, CAM_LL, GROUP6);
	p.b[46] = 0;
	GROUP_IS(&p, NONE);
	p.b[47] = 1;
	GROUP_IS(&p, BAD_HEADER);
	p.b[46] = 1;
	GROUP_IS(&p, BAD_HEADER);
	p.b[46] = 0x3e;
	p.b[47] = 0;
	GROUP_IS(&p, UPKEEP_INVALID);
	ip6(&p, CAM_LL, GROUP6);
	p.b[7] = 1;
	icmp(&p, 131, 0, 16);
	GROUP_IS(&p, UPKEEP_INVALID);
	ip6(&p, CAM_LL, GROUP6);
	p.b[7] = 1;
	ext(&p, X_DEST, 0);
	memcpy(p.b + 42, "\x05\x02\x00\x00\x01\x00", 6);
	icmp(&p, 131, 0, 16);
	GROUP_IS(&p, UPKEEP_INVALID);
	mld(&p, 131, CAM_LL, GROUP6);
	p.len = 48;
	p.next = 40;
	ext(&p, X_DEST, 0);
	icmp(&p, 131, 0, 16);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_source_is_link_local_or_nobody)
{
	struct pkt p;

	mld(&p, 131, CAM6, GROUP6);
	GROUP_IS(&p, UPKEEP_INVALID);
	mld(&p, 143, ABROAD6, REPORTS6);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_destination_is_a_group)
{
	struct pkt p;

	mld(&p, 131, CAM_LL, "fe80::1");
	GROUP_IS(&p, UPKEEP_INVALID);
	mld(&p, 131, CAM_LL, NVR6);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_length)
{
	struct pkt p;

	mld(&p, 131, CAM_LL, GROUP6);
	p.len--;
	GROUP_IS(&p, UPKEEP_INVALID);
	mld(&p, 132, CAM_LL, GROUP6);
	zeros(&p, 1);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_records_fill_the_report)
{
	struct pkt p;
	u32 i;

	mld(&p, 143, CAM_LL, REPORTS6);
	for (i = 0; i < 16; i++) {
		record(&p, 16, 0, 0);
		if (p.len <= LC_HEADERS)
			GROUP_IS(&p, NONE);
		else
			GROUP_IS(&p, UPKEEP_INVALID);
	}
	/* exactly as long as the window, then longer */
	mld(&p, 143, CAM_LL, REPORTS6);
	record(&p, 16, 0, 7);
	record(&p, 16, 0, 7);
	CHECK_EQ(p.len, LC_HEADERS);
	GROUP_IS(&p, NONE);
	mld(&p, 143, CAM_LL, REPORTS6);
	record(&p, 16, 0, 7);
	record(&p, 16, 0, 8);
	GROUP_IS(&p, UPKEEP_INVALID);
	mld(&p, 143, CAM_LL, REPORTS6);
	record(&p, 16, 0, 0);
	zeros(&p, 8);
	GROUP_IS(&p, UPKEEP_INVALID);
	mld(&p, 143, CAM_LL, REPORTS6);
	record(&p, 16, 2, 0);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_fragments_are_invalid)
{
	struct pkt p;

	ip6(&p, CAM_LL, GROUP6);
	p.b[7] = 1;
	ext_fragment(&p, 0, true);
	icmp(&p, 131, 0, 16);
	GROUP_IS(&p, UPKEEP_INVALID);
}

TEST(mld_off)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	w.guard.upkeep &= ~LENSCAP_UPKEEP_MLD;
	mld(&p, 131, CAM_LL, GROUP6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_OFF);
	world_end(&w);
}

TEST(group_reports_of_the_hop)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	world_profile(&w, LENSCAP_MODE_ENFORCE, 3, NULL, 0);
	world_device(&w, 1, NULL, 0, CAM4 " fe80::99");
	CHECK_EQ(world_commit(&w), 0);
	igmp(&p, 0x16, "192.0.2.1", GROUP);
	fin(&p);
	JUDGED(&w, &p, NONE);
	CHECK(w.verdict.upkeep && !w.verdict.device);
	igmp(&p, 0x16, CAM4, GROUP);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	igmp(&p, 0x11, "192.0.2.1", "224.0.0.1");
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	mld(&p, 131, CAM_LL, GROUP6);
	fin(&p);
	JUDGED(&w, &p, NONE);
	mld(&p, 131, "fe80::99", GROUP6);
	fin(&p);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	world_end(&w);
}
