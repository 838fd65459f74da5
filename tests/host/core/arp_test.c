// SPDX-License-Identifier: GPL-2.0-only
/* ARP as upkeep. */
#include "world.h"

#define GATEWAY "10.30.0.1"

TEST(arp_of_the_camera_passes)
{
	struct world w;
	struct pkt p;
	u16 op;

	world_camera(&w);
	for (op = 1; op <= 2; op++) {
		arp(&p, op, CAM4, GATEWAY);
		JUDGED(&w, &p, NONE);
		CHECK(w.verdict.upkeep);
		CHECK(w.verdict.device == w.devices[0]);
		CHECK_EQ(w.verdict.class, 5);
	}
	world_end(&w);
}

TEST(arp_probe_from_nobody_passes)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	arp(&p, 1, "0.0.0.0", CAM4);
	JUDGED(&w, &p, NONE);
	memset(p.b + 18, 0xff, 6);
	JUDGED(&w, &p, NONE);
	/* for another's address, which would give it up */
	arp(&p, 1, "0.0.0.0", GATEWAY);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	arp(&p, 1, "0.0.0.0", "0.0.0.0");
	JUDGED(&w, &p, UPKEEP_SPOOF);
	world_end(&w);
}

TEST(arp_up_to_fifty_bytes_passes)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	for (arp(&p, 1, CAM4, GATEWAY); p.len < 50; zeros(&p, 1))
		JUDGED(&w, &p, NONE);
	JUDGED(&w, &p, NONE);
	zeros(&p, 1);
	JUDGED(&w, &p, UPKEEP_INVALID);
	zeros(&p, 1000);
	JUDGED(&w, &p, UPKEEP_INVALID);
	world_end(&w);
}

TEST(arp_that_is_cut_off_is_truncated)
{
	struct pkt p;

	for (arp(&p, 1, CAM4, GATEWAY), p.len = 0; p.len < 28; p.len++)
		CHECK_EQ(parse_reason(&p), LENSCAP_REASON_TRUNCATED);
}

TEST(arp_fields_are_those_of_ethernet_and_ipv4)
{
	struct world w;
	struct pkt p;
	u32 at;

	world_camera(&w);
	for (at = 0; at < 7; at++) {
		arp(&p, 1, CAM4, GATEWAY);
		p.b[at] ^= 0x40;
		JUDGED(&w, &p, UPKEEP_INVALID);
	}
	world_end(&w);
}

TEST(arp_operation_is_request_or_reply)
{
	struct world w;
	struct pkt p;
	u16 op;

	world_camera(&w);
	for (op = 0; op < 12; op++) {
		arp(&p, op, CAM4, GATEWAY);
		if (op != 1 && op != 2)
			JUDGED(&w, &p, UPKEEP_INVALID);
	}
	arp(&p, 0x0101, CAM4, GATEWAY);
	JUDGED(&w, &p, UPKEEP_INVALID);
	world_end(&w);
}

TEST(arp_sender_hardware_is_the_camera)
{
	struct world w;
	struct pkt p;
	u32 at;

	world_camera(&w);
	for (at = 8; at < 14; at++) {
		arp(&p, 2, CAM4, GATEWAY);
		p.b[at] ^= 1;
		JUDGED(&w, &p, UPKEEP_SPOOF);
		CHECK(w.verdict.device == w.devices[0]);
		CHECK(!w.verdict.upkeep);
	}
	world_end(&w);
}

TEST(arp_sender_address_is_bound)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	arp(&p, 2, GATEWAY, "10.30.0.9");
	JUDGED(&w, &p, UPKEEP_SPOOF);
	arp(&p, 1, "10.30.0.16", GATEWAY);
	JUDGED(&w, &p, UPKEEP_SPOOF);
	world_end(&w);
}

TEST(arp_off)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	w.guard.upkeep = LENSCAP_UPKEEP_ALL & ~LENSCAP_UPKEEP_ARP;
	arp(&p, 1, CAM4, GATEWAY);
	JUDGED(&w, &p, UPKEEP_OFF);
	w.guard.upkeep = LENSCAP_UPKEEP_ARP;
	JUDGED(&w, &p, NONE);
	world_end(&w);
}

TEST(arp_of_a_stranger_is_unknown)
{
	struct world w;
	struct pkt p;

	world_camera(&w);
	arp(&p, 1, CAM4, GATEWAY);
	p.f.mac[5] ^= 1;
	JUDGED(&w, &p, UNKNOWN_DEVICE);
	CHECK(!w.verdict.device);
	world_end(&w);
}

TEST(arp_of_the_hop_passes_without_a_device)
{
	struct world w;
	struct pkt p;

	world_init(&w);
	w.guard.identity = LENSCAP_IDENTITY_IP;
	world_profile(&w, LENSCAP_MODE_ENFORCE, 3, NULL, 0);
	world_device(&w, 1, NULL, 0, CAM4);
	CHECK_EQ(world_commit(&w), 0);
	arp(&p, 1, "192.0.2.1", "192.0.2.2");
	JUDGED(&w, &p, NONE);
	CHECK(w.verdict.upkeep);
	CHECK(!w.verdict.device);
	CHECK_EQ(w.verdict.class, 0);
	arp(&p, 1, CAM4, "192.0.2.2");
	JUDGED(&w, &p, UPKEEP_SPOOF);
	arp(&p, 1, "192.0.2.1", "192.0.2.2");
	p.b[8] ^= 2;
	JUDGED(&w, &p, UPKEEP_SPOOF);
	p.f.has_mac = false;
	JUDGED(&w, &p, NONE);
	arp(&p, 3, "192.0.2.1", "192.0.2.2");
	JUDGED(&w, &p, UPKEEP_INVALID);
	w.guard.upkeep = 0;
	arp(&p, 1, "192.0.2.1", "192.0.2.2");
	JUDGED(&w, &p, UPKEEP_OFF);
	world_end(&w);
}
