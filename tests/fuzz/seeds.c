// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the first inputs for the fuzzers: seeds PARSE_DIR JUDGE_DIR. Made from
 * the test's frames, so that no binary file has to be kept.
 */
#include <stdio.h>

#include "scene.h"

static void save(const char *dir, u32 number, const u8 *head, u32 nhead,
		 const u8 *data, u32 len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%03u", dir, number);
	file = fopen(path, "wb");
	if (!file || fwrite(head, 1, nhead, file) != nhead ||
	    fwrite(data, 1, len, file) != len || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static u32 count;

static void frame(const char *dir, struct pkt *p)
{
	u8 head[4] = { p->f.ethertype >> 8, p->f.ethertype & 0xff, 1, 255 };

	fin(p);
	save(dir, count++, head, 4, p->b, p->len);
}

static void upkeep(const char *dir)
{
	struct pkt p;

	arp(&p, 1, CAM4, "10.30.0.1");
	frame(dir, &p);
	nd(&p, 136, CAM6, "ff02::1", CAM6);
	nd_option(&p, 2, 1, CAM_MAC);
	frame(dir, &p);
	nd(&p, 133, CAM_LL, "ff02::2", NULL);
	nd_option(&p, 1, 1, CAM_MAC);
	frame(dir, &p);
	dhcp4(&p, "0.0.0.0", "255.255.255.255", 8);
	frame(dir, &p);
	dhcp6(&p, 1, CAM_LL, "ff02::1:2", 12);
	frame(dir, &p);
	igmp(&p, 0x22, CAM4, "224.0.0.22");
	zeros(&p, 12);
	p.b[p.l4 + 7] = 1;
	p.b[p.l4 + 11] = 1;
	frame(dir, &p);
	mld(&p, 143, CAM_LL, "ff02::16");
	zeros(&p, 20);
	p.b[p.l4 + 7] = 1;
	frame(dir, &p);
}

static void traffic(const char *dir)
{
	static const u8 alert[] = { 148, 4, 0, 0 };
	struct pkt p;

	ip4(&p, 0, CAM4, NVR4);
	tcp(&p, 554, 40000, T_ACK);
	frame(dir, &p);
	ip4(&p, 0, CAM4, NVR4);
	ip4_options(&p, alert, 4);
	ip4_fragment(&p, 0, true);
	udp(&p, 1000, 10000, 8);
	frame(dir, &p);
	ip4(&p, 0, CAM4, NVR4);
	icmp(&p, 8, 0, 8);
	frame(dir, &p);
	ip6(&p, CAM6, NVR6);
	tcp(&p, 554, 40000, T_SYN);
	frame(dir, &p);
	ip6(&p, CAM6, NVR6);
	ext(&p, X_HOP, 0);
	ext(&p, X_DEST, 1);
	ext_fragment(&p, 0, true);
	ext(&p, X_DEST, 0);
	udp(&p, 1000, 10000, 8);
	frame(dir, &p);
	ip6(&p, CAM6, NVR6);
	ext_fragment(&p, 100, false);
	proto(&p, P_UDP);
	zeros(&p, 16);
	frame(dir, &p);
}

int main(int argc, char **argv)
{
	struct source s = { .state = 1 };
	u8 bytes[1200];
	u32 i, j;

	if (argc != 3) {
		fprintf(stderr, "usage: seeds PARSE_DIR JUDGE_DIR\n");
		return 2;
	}
	upkeep(argv[1]);
	traffic(argv[1]);
	for (i = 0; i < 32; i++) {
		for (j = 0; j < sizeof(bytes); j++)
			bytes[j] = draw(&s, 256);
		save(argv[2], i, bytes, 0, bytes, 100 + i * 35);
	}
	return 0;
}
