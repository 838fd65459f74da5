// SPDX-License-Identifier: GPL-2.0-only
/* Frames put together header by header. */
#include <arpa/inet.h>
#include <stdio.h>

#include "frame.h"

void addr_of(const char *text, u8 *addr, u8 *family)
{
	memset(addr, 0, 16);
	*family = strchr(text, ':') ? LC_FAMILY_IPV6 : LC_FAMILY_IPV4;
	if (inet_pton(*family == LC_FAMILY_IPV6 ? AF_INET6 : AF_INET, text,
		      addr) != 1) {
		fprintf(stderr, "test bug: address \"%s\"\n", text);
		abort();
	}
}

struct lc_prefix prefix_of(const char *text)
{
	struct lc_prefix prefix;
	char host[64];
	const char *slash = strchr(text, '/');

	snprintf(host, sizeof(host), "%.*s",
		 slash ? (int)(slash - text) : (int)strlen(text), text);
	memset(&prefix, 0, sizeof(prefix));
	addr_of(host, prefix.addr, &prefix.family);
	prefix.len = prefix.family == LC_FAMILY_IPV6 ? 128 : 32;
	if (slash)
		prefix.len = (u8)atoi(slash + 1);
	return prefix;
}

static void start(struct pkt *p, u16 ethertype)
{
	memset(p, 0, sizeof(*p));
	p->f.ethertype = ethertype;
	p->f.has_mac = true;
	memcpy(p->f.mac, CAM_MAC, 6);
}

void put16(struct pkt *p, u32 at, u16 value)
{
	p->b[at] = value >> 8;
	p->b[at + 1] = value & 0xff;
}

void raw(struct pkt *p, const void *bytes, u32 len)
{
	if (p->len + len > FRAME_MAX) {
		fprintf(stderr, "test bug: frame too long\n");
		abort();
	}
	memcpy(p->b + p->len, bytes, len);
	p->len += len;
}

void zeros(struct pkt *p, u32 len)
{
	static const u8 none[FRAME_MAX];

	raw(p, none, len);
}

static void raw_addr(struct pkt *p, const char *text, u32 len)
{
	u8 addr[16], family;

	addr_of(text, addr, &family);
	raw(p, addr, len);
}

void ip4(struct pkt *p, u8 number, const char *src, const char *dst)
{
	static const u8 head[] = { 0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64 };

	start(p, 0x0800);
	raw(p, head, sizeof(head));
	p->next = p->len;
	raw(p, &number, 1);
	zeros(p, 2);
	raw_addr(p, src, 4);
	raw_addr(p, dst, 4);
	p->l4 = p->len;
}

/* Right after ip4(); @len a multiple of 4. */
void ip4_options(struct pkt *p, const void *options, u32 len)
{
	raw(p, options, len);
	p->b[0] += len / 4;
	p->l4 = p->len;
}

/* @offset in units of 8 bytes */
void ip4_fragment(struct pkt *p, u32 offset, bool more)
{
	put16(p, 6, (more ? 0x2000 : 0) | offset);
}

void ip6(struct pkt *p, const char *src, const char *dst)
{
	static const u8 head[] = { 0x60, 0, 0, 0, 0, 0, 59, 64 };

	start(p, 0x86dd);
	raw(p, head, sizeof(head));
	p->next = 6;
	raw_addr(p, src, 16);
	raw_addr(p, dst, 16);
	p->l4 = p->len;
}

void proto(struct pkt *p, u8 number)
{
	p->b[p->next] = number;
}

/* An extension header of 8 * (@units + 1) bytes, filled with PadN. */
void ext(struct pkt *p, u8 type, u32 units)
{
	u32 at = p->len, left;
	u8 head[2] = { 59, units };

	proto(p, type);
	p->next = at;
	raw(p, head, 2);
	zeros(p, 8 * (units + 1) - 2);
	for (at += 2, left = p->len - at; left;) {
		u32 n = left > 257 ? 257 : left;

		if (left - n == 1)
			n--;
		p->b[at] = 1;
		p->b[at + 1] = n - 2;
		at += n;
		left -= n;
	}
	p->l4 = p->len;
}

void ext_fragment(struct pkt *p, u32 offset, bool more)
{
	u8 head[8] = { 59, 0, offset >> 5, (offset << 3 & 0xf8) | more, 1, 2,
		       3, 4 };

	proto(p, X_FRAGMENT);
	p->next = p->len;
	raw(p, head, 8);
	p->l4 = p->len;
}

void tcp(struct pkt *p, u16 sport, u16 dport, u8 flags)
{
	proto(p, P_TCP);
	p->l4 = p->len;
	zeros(p, 20);
	put16(p, p->l4, sport);
	put16(p, p->l4 + 2, dport);
	p->b[p->l4 + 12] = 0x50;
	p->b[p->l4 + 13] = flags;
}

void udp(struct pkt *p, u16 sport, u16 dport, u32 payload)
{
	proto(p, P_UDP);
	p->l4 = p->len;
	zeros(p, 8 + payload);
	put16(p, p->l4, sport);
	put16(p, p->l4 + 2, dport);
	put16(p, p->l4 + 4, 8 + payload);
}

void icmp(struct pkt *p, u8 type, u8 code, u32 payload)
{
	proto(p, p->f.ethertype == 0x0800 ? P_ICMP : P_ICMP6);
	p->l4 = p->len;
	zeros(p, 8 + payload);
	p->b[p->l4] = type;
	p->b[p->l4 + 1] = code;
}

/* As its data, the header of a packet that its receiver has sent to its sender. */
void quote(struct pkt *p)
{
	bool four = p->f.ethertype == 0x0800;
	u32 at = p->len;

	zeros(p, four ? 20 : 40);
	p->b[at] = four ? 0x45 : 0x60;
	p->b[at + (four ? 9 : 6)] = P_UDP;
	if (four) {
		memcpy(p->b + at + 12, p->b + 16, 4);
		memcpy(p->b + at + 16, p->b + 12, 4);
	} else {
		memcpy(p->b + at + 8, p->b + 24, 16);
		memcpy(p->b + at + 24, p->b + 8, 16);
	}
}

void fin(struct pkt *p)
{
	if (p->f.ethertype == 0x0800)
		put16(p, 2, p->len);
	if (p->f.ethertype == 0x86dd)
		put16(p, 4, p->len - 40);
}

void arp(struct pkt *p, u16 op, const char *sender, const char *target)
{
	static const u8 head[] = { 0, 1, 8, 0, 6, 4, 0, 0 };

	start(p, 0x0806);
	raw(p, head, sizeof(head));
	put16(p, 6, op);
	raw(p, CAM_MAC, 6);
	raw_addr(p, sender, 4);
	zeros(p, 6);
	raw_addr(p, target, 4);
}

/* RS has no target: pass NULL. */
void nd(struct pkt *p, u8 type, const char *src, const char *dst,
	const char *target)
{
	ip6(p, src, dst);
	p->b[7] = 255;
	icmp(p, type, 0, 0);
	if (target)
		raw_addr(p, target, 16);
}

void nd_option(struct pkt *p, u8 type, u8 units, const void *mac)
{
	u32 at = p->len;

	zeros(p, units ? 8 * units : 8);
	p->b[at] = type;
	p->b[at + 1] = units;
	memcpy(p->b + at + 2, mac, 6);
}

/* @options: bytes after the magic cookie */
/* @options: bytes of them, at least 4: a discover, and padding */
void dhcp4(struct pkt *p, const char *src, const char *dst, u32 options)
{
	static const u8 cookie[] = { 99, 130, 83, 99 };
	static const u8 discover[] = { 53, 1, 1 };

	ip4(p, P_UDP, src, dst);
	udp(p, 68, 67, 240 + options);
	p->b[p->l4 + 8] = 1;
	p->b[p->l4 + 9] = 1;
	p->b[p->l4 + 10] = 6;
	memcpy(p->b + p->l4 + 8 + 28, CAM_MAC, 6);
	memcpy(p->b + p->l4 + 8 + 236, cookie, 4);
	memcpy(p->b + p->l4 + 8 + 240, discover, 3);
	p->b[p->len - 1] = 255;
}

/* In place of the padding of a DHCP message. */
void dhcp4_option(struct pkt *p, u8 code, const void *value, u8 len)
{
	u32 at = p->l4 + 8 + 240;

	while (p->b[at])
		at += 2 + p->b[at + 1];
	p->b[at] = code;
	p->b[at + 1] = len;
	memcpy(p->b + at + 2, value, len);
}

/* The same of DHCPv6, behind those that are there. */
void dhcp6_option(struct pkt *p, u16 code, const void *value, u16 len)
{
	u32 at = p->len;

	zeros(p, 4 + len);
	put16(p, at, code);
	put16(p, at + 2, len);
	memcpy(p->b + at + 4, value, len);
	put16(p, p->l4 + 4, p->len - p->l4);
}

/* @len: of the message, at least 4 */
void dhcp6(struct pkt *p, u8 type, const char *src, const char *dst, u32 len)
{
	ip6(p, src, dst);
	udp(p, 546, 547, len);
	p->b[p->l4 + 8] = type;
}

void igmp(struct pkt *p, u8 type, const char *src, const char *dst)
{
	ip4(p, P_IGMP, src, dst);
	p->b[8] = 1;
	zeros(p, 8);
	p->b[p->l4] = type;
}

void mld(struct pkt *p, u8 type, const char *src, const char *dst)
{
	static const u8 alert[] = { 5, 2, 0, 0, 1, 0 };

	ip6(p, src, dst);
	p->b[7] = 1;
	ext(p, X_HOP, 0);
	memcpy(p->b + 42, alert, sizeof(alert));
	icmp(p, type, 0, 0);
	if (type != 143)
		zeros(p, 16);
}

bool key_equal(const struct lc_key *a, const struct lc_key *b)
{
	return a->reason == b->reason && a->family == b->family &&
	       a->part == b->part && a->proto == b->proto &&
	       a->has_proto == b->has_proto && a->has_ports == b->has_ports &&
	       a->has_mac == b->has_mac && a->tcp_flags == b->tcp_flags &&
	       a->upkeep == b->upkeep && a->unicast == b->unicast &&
	       a->has_claim_mac == b->has_claim_mac &&
	       a->has_claim == b->has_claim &&
	       a->claim_family == b->claim_family &&
	       a->ethertype == b->ethertype && a->sport == b->sport &&
	       a->dport == b->dport && !memcmp(a->mac, b->mac, 6) &&
	       !memcmp(a->claim_mac, b->claim_mac, 6) &&
	       !memcmp(a->src, b->src, 16) && !memcmp(a->dst, b->dst, 16) &&
	       !memcmp(a->claim, b->claim, 16);
}

static void parse_tight(const struct pkt *p, u32 cap, u8 garbage,
			struct lc_key *key)
{
	struct lc_frame f = p->f;
	u8 *block = malloc(cap + 1);

	if (!block)
		abort();
	memcpy(block + 1, p->b, cap);
	f.data = block + 1;
	f.cap = cap;
	f.len = p->len;
	memset(key, garbage, sizeof(*key));
	lc_parse(&f, key);
	free(block);
}

bool frame_parse(const struct pkt *p, struct lc_key *key)
{
	u32 least = p->len < LC_WINDOW ? p->len : LC_WINDOW;
	u32 caps[] = { p->len, least, least + (p->len - least) / 2 };
	struct lc_key other;
	bool same = true;
	u32 i;

	parse_tight(p, caps[0], 0xaa, key);
	for (i = 1; i < 3 && p->len > least; i++) {
		parse_tight(p, caps[i], 0x55, &other);
		same = same && key_equal(key, &other);
	}
	parse_tight(p, caps[1], 0x55, &other);
	return same && key_equal(key, &other);
}
