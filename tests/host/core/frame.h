/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames put together header by header, for the unit tests.
 *
 * A header is appended after the one before it; fin() writes the lengths.
 * Tests that want a field to lie overwrite p.b[] after fin().
 */
#ifndef LENSCAP_TEST_FRAME_H
#define LENSCAP_TEST_FRAME_H

#include "core.h"
#include "policy.h"

#define FRAME_MAX	6144	/* eleven extension headers of 320 bytes, and ICMP */

#define P_ICMP	1
#define P_IGMP	2
#define P_TCP	6
#define P_UDP	17
#define P_ICMP6	58

#define X_HOP	0
#define X_ROUTING 43
#define X_FRAGMENT 44
#define X_DEST	60

#define T_FIN	0x01
#define T_SYN	0x02
#define T_RST	0x04
#define T_ACK	0x10

/* The camera of the tests. */
#define CAM_MAC	"\x02\x00\x5e\x10\x00\x17"
#define CAM4	"10.30.0.17"
#define CAM6	"2001:db8:30::17"
#define CAM_LL	"fe80::5eff:fe10:17"	/* of CAM_MAC */
#define NVR4	"10.20.0.10"
#define NVR6	"2001:db8:20::10"
#define ABROAD4	"203.0.113.7"
#define ABROAD6	"2001:db8:bad::7"

/**
 * struct pkt - a frame from its network header on
 * @b: its bytes
 * @len: how many
 * @l4: offset of the header that was started last
 * @next: offset of the byte that names the next header's protocol
 * @f: what the hook would say about it; fin() fills in the rest
 */
struct pkt {
	u8 b[FRAME_MAX];
	u32 len;
	u32 l4;
	u32 next;
	struct lc_frame f;
};

void addr_of(const char *text, u8 *addr, u8 *family);
struct lc_prefix prefix_of(const char *text);

void ip4(struct pkt *p, u8 proto, const char *src, const char *dst);
void ip4_options(struct pkt *p, const void *options, u32 len);
void ip4_fragment(struct pkt *p, u32 offset, bool more);
void ip6(struct pkt *p, const char *src, const char *dst);
void ext(struct pkt *p, u8 type, u32 units);
void ext_fragment(struct pkt *p, u32 offset, bool more);
void proto(struct pkt *p, u8 number);
void raw(struct pkt *p, const void *bytes, u32 len);
void zeros(struct pkt *p, u32 len);
void tcp(struct pkt *p, u16 sport, u16 dport, u8 flags);
void udp(struct pkt *p, u16 sport, u16 dport, u32 payload);
void icmp(struct pkt *p, u8 type, u8 code, u32 payload);
void quote(struct pkt *p);
void fin(struct pkt *p);
void put16(struct pkt *p, u32 at, u16 value);

void arp(struct pkt *p, u16 op, const char *sender, const char *target);
void nd(struct pkt *p, u8 type, const char *src, const char *dst,
	const char *target);
void nd_option(struct pkt *p, u8 type, u8 units, const void *mac);
void dhcp4(struct pkt *p, const char *src, const char *dst, u32 options);
void dhcp4_option(struct pkt *p, u8 code, const void *value, u8 len);
void dhcp6_option(struct pkt *p, u16 code, const void *value, u16 len);
void dhcp6(struct pkt *p, u8 type, const char *src, const char *dst, u32 len);
void igmp(struct pkt *p, u8 type, const char *src, const char *dst);
void mld(struct pkt *p, u8 type, const char *src, const char *dst);

/**
 * frame_parse() - lc_parse() in every way that the hook may call it
 * @p: the frame
 * @key: result
 *
 * Each copy ends where its block ends, so that a sanitizer sees a byte read
 * too many, and begins at an odd address.
 *
 * Return: false if the result depends on how many bytes were contiguous, or
 * on what was in @key before.
 */
bool frame_parse(const struct pkt *p, struct lc_key *key);

bool key_equal(const struct lc_key *a, const struct lc_key *b);

#endif /* LENSCAP_TEST_FRAME_H */
