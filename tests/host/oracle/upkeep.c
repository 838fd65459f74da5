// SPDX-License-Identifier: GPL-2.0-only
/*
 * Upkeep, as the rules of judging tell it: is it of a kind, is it sound, does
 * it speak for its sender only, may the kind pass here.
 */
#include "oracle.h"

#define INVALID	WHY(UPKEEP_INVALID)
#define SPOOF	WHY(UPKEEP_SPOOF)
#define EITHER	WHY(NONE)	/* with INVALID: or SPOOF */


static bool link_local(const u8 *addr)
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

/* fe80:: and the MAC with a bit turned and ff:fe in its middle. */
static bool of_mac(const u8 *mac, const u8 *addr)
{
	return addr[0] == 0xfe && addr[1] == 0x80 && oracle_zero(addr + 2, 6) &&
	       addr[8] == (mac[0] ^ 2) && !memcmp(addr + 9, mac + 1, 2) &&
	       addr[11] == 0xff && addr[12] == 0xfe &&
	       !memcmp(addr + 13, mac + 3, 3);
}

/* Whether the sender may use this address as its own. */
static bool own(const struct facts *x, int family, const u8 *addr)
{
	if (x->device)
		return oracle_bound(x->device, family, addr) ||
		       (family == 6 && of_mac(x->device->mac, addr));
	return !oracle_by_addr(x->policy, x->guard->id, family, addr);
}

static bool on_lan(const struct facts *x, int family, const u8 *addr)
{
	u32 i;

	for (i = 0; i < x->guard->nsubnets; i++)
		if (oracle_in(&x->guard->subnets[i], family, addr))
			return true;
	return false;
}

/* @wrong: set of what is wrong with it, empty: nothing */
static u32 outcome(const struct facts *x, u32 kind, u32 wrong)
{
	if (kind != LENSCAP_UPKEEP_ARP && x->said->trailed)
		wrong |= INVALID;
	if (x->said->astray)
		wrong |= INVALID;
	if (wrong & INVALID)
		return wrong & EITHER ? INVALID | SPOOF : INVALID;
	if (wrong & SPOOF)
		return SPOOF;
	if ((x->guard->upkeep & kind) != kind)
		return WHY(UPKEEP_OFF);
	return WHY(NONE);
}

static u32 arp(const struct facts *x)
{
	static const u8 head[] = { 0, 1, 8, 0, 6, 4, 0 };
	const u8 *p = x->frame->data;
	u32 wrong = 0;

	if (x->frame->len < 28)
		return WHY(TRUNCATED);
	if (x->frame->len > 50 || memcmp(p, head, 7) || p[7] < 1 || p[7] > 2)
		wrong |= INVALID;
	if (x->frame->has_mac && memcmp(p + 8, x->frame->mac, 6))
		wrong |= SPOOF;
	if (!own(x, 4, oracle_zero(p + 14, 4) ? p + 24 : p + 14))
		wrong |= SPOOF;
	return outcome(x, LENSCAP_UPKEEP_ARP, wrong);
}

static u32 nd_options(const struct facts *x, u32 at)
{
	const u8 *p = x->frame->data;
	u32 links = 0, count = 0;
	u32 wrong = 0;

	while (at < x->said->end) {
		u32 left = x->said->end - at;
		u32 size = left < 2 ? 0 : p[at + 1] * 8;

		if (!size || size > left)
			return wrong | INVALID;
		if (p[at] == 1 || p[at] == 2) {
			/* RFC 4861: there is one, and not from nowhere */
			if (links++ || oracle_zero(x->said->src, 16))
				wrong |= INVALID;
			if (x->frame->has_mac &&
			    memcmp(p + at + 2, x->frame->mac, 6))
				wrong |= SPOOF;
		} else if (p[at] != 14) {
			wrong |= INVALID;
		}
		if (size != 8 || ++count > 3)
			wrong |= INVALID;
		at += size;
	}
	return wrong;
}

static u32 nd(const struct facts *x, u8 type)
{
	const struct dissected *d = x->said;
	const u8 *p = x->frame->data;
	const u8 *target = p + d->l4 + 8;
	bool none = oracle_zero(d->src, 16);
	u32 size = type == 133 ? 8 : 24;
	u32 wrong = 0;

	if (type == 134 || type == 137)
		return SPOOF;
	if (p[d->l4 + 1] || d->hops != 255 || d->extended)
		wrong |= INVALID;
	if (d->end - d->l4 < size)
		return wrong | INVALID;
	wrong |= nd_options(x, d->l4 + size);
	if (!(d->dst[0] == 0xff && d->dst[1] == 0x02) &&
	    !link_local(d->dst) && !on_lan(x, 6, d->dst))
		wrong |= INVALID;
	if (none && type == 136)
		wrong |= INVALID;
	else if (!none && !own(x, 6, d->src))
		wrong |= SPOOF;
	if ((type == 136 || (type == 135 && none)) && !own(x, 6, target))
		wrong |= SPOOF;
	/* A hop that sends from a device's address. */
	if (x->guard->identity == LENSCAP_IDENTITY_IP && !own(x, 6, d->src))
		wrong |= SPOOF | EITHER;
	/* One that names somebody elsewhere, who would be told of it. */
	if (x->guard->identity == LENSCAP_IDENTITY_IP && !none &&
	    !link_local(d->src) && !on_lan(x, 6, d->src))
		wrong |= SPOOF | EITHER;
	return outcome(x, LENSCAP_UPKEEP_ND, wrong);
}

/* Whether the records of a version 2 (MLD) or 3 (IGMP) report, each with a
 * group and sources of @size bytes and no auxiliary data, fill it exactly.
 */
static bool filled(const struct facts *x, u32 size)
{
	const u8 *p = x->frame->data + x->said->l4;
	u32 len = x->said->end - x->said->l4;
	u32 records = p[6] * 256u + p[7];
	u32 at = 8;

	if (x->said->end > LC_HEADERS)
		return false;
	for (; records; records--) {
		if (at + 4 + size > len || p[at + 1])
			return false;
		at += 4 + size + size * (p[at + 2] * 256u + p[at + 3]);
	}
	return at == len;
}

static u32 mld(const struct facts *x, u8 type)
{
	const struct dissected *d = x->said;
	u32 size = type == 143 ? 8 : 24;
	u32 wrong = 0;

	if (d->hops != 1 || !d->alert || d->dst[0] != 0xff ||
	    d->end - d->l4 < size || x->frame->data[d->l4 + 1] ||
	    (type == 143 ? !filled(x, 16) : d->end - d->l4 != size))
		wrong |= INVALID;
	if (type == 130)
		return SPOOF;
	if (!oracle_zero(d->src, 16) && !link_local(d->src))
		wrong |= INVALID | EITHER;
	else if (!oracle_zero(d->src, 16) && !own(x, 6, d->src))
		wrong |= SPOOF;
	return outcome(x, LENSCAP_UPKEEP_MLD, wrong);
}

static u32 igmp(const struct facts *x)
{
	const struct dissected *d = x->said;
	u8 type;
	u32 wrong = 0;

	if (d->part != LC_PART_WHOLE)
		return INVALID;
	if (d->end - d->l4 < 8)
		return INVALID;
	type = x->frame->data[d->l4];
	if (d->hops != 1 || (d->dst[0] & 0xf0) != 0xe0)
		wrong |= INVALID;
	if (type == 0x11)
		return wrong ? wrong : SPOOF;
	if (type == 0x22 ? !filled(x, 4) : d->end - d->l4 != 8)
		wrong |= INVALID;
	if (type != 0x12 && type != 0x16 && type != 0x17 && type != 0x22)
		wrong |= INVALID;
	if (!oracle_zero(d->src, 4) && !own(x, 4, d->src))
		wrong |= SPOOF;
	return outcome(x, LENSCAP_UPKEEP_IGMP, wrong);
}

/* What a DHCP message's options say; each list ends where the message does. */
static u32 options4(const struct facts *x, const u8 *p, u32 len)
{
	bool named = x->guard->identity == LENSCAP_IDENTITY_MAC;
	u32 seen[256] = { 0 };
	const u8 *have = p + 12, *wanted = NULL;
	u32 wrong = 0, at;

	for (at = 240; at < len && p[at] != 255; at++) {
		const u8 *value = p + at + 2;
		u32 size;

		if (!p[at])
			continue;
		if (at + 1 >= len || at + 2 + p[at + 1] > len)
			return INVALID;
		size = p[at + 1];
		seen[p[at]]++;
		if (p[at] == 53 && (size != 1 || !value[0] || value[0] > 8 ||
				    value[0] == 2 || value[0] == 5 ||
				    value[0] == 6))
			wrong |= INVALID;
		if (p[at] == 50 && size != 4)
			wrong |= INVALID;
		else if (p[at] == 50 && !oracle_zero(value, 4))
			wanted = value;
		if (p[at] == 61 && size == 7 && value[0] == 1) {
			if (named && memcmp(value + 1, x->frame->mac, 6))
				wrong |= SPOOF;
		} else if (p[at] == 61 && named && !(x->guard->upkeep & 64)) {
			wrong |= SPOOF;
		}
		at += 1 + size;
	}
	if (at >= len || seen[53] != 1 || seen[50] > 1 || seen[61] > 1 ||
	    seen[52] || seen[82] || seen[118])
		return INVALID;
	if (wanted && !oracle_zero(have, 4) && memcmp(wanted, have, 4))
		wrong |= INVALID;
	if (wanted && !own(x, 4, wanted))
		wrong |= SPOOF;
	return wrong;
}

static u32 options6(const struct facts *x, const u8 *p, u32 len)
{
	u32 at, wrong = 0, ids = 0;

	for (at = 4; at < len;) {
		const u8 *value = p + at + 4;
		u32 size;

		if (at + 4 > len)
			return INVALID;
		size = p[at + 2] * 256u + p[at + 3];
		if (at + 4 + size > len)
			return INVALID;
		if (!p[at] && p[at + 1] == 1) {
			bool lasting = size == 10 && !memcmp(value, "\0\3\0\1", 4);
			bool dated = size == 14 && !memcmp(value, "\0\1\0\1", 4);

			ids++;
			if (!(x->guard->upkeep & 64) &&
			    ((!lasting && !dated) ||
			     memcmp(value + size - 6, x->frame->mac, 6)))
				wrong |= SPOOF;
		}
		at += 4 + size;
	}
	return ids > 1 ? INVALID : wrong;
}

static const u8 all[] = { 255, 255, 255, 255 };

/* What is wrong with a message to a server's port. */
static u32 client4(const struct facts *x)
{
	static const u8 cookie[] = { 99, 130, 83, 99 };
	/* hops, yiaddr, siaddr, giaddr, what is behind the MAC */
	static const u8 servers[] = {
		3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
		34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	};
	const struct dissected *d = x->said;
	const u8 *p = x->frame->data + d->l4 + 8;
	u32 len = d->end - d->l4 - 8;
	u32 wrong = 0;

	if (d->part != LC_PART_WHOLE || x->frame->gso || d->sport != 68 ||
	    d->l4 != 20 || len < 240)
		return INVALID;
	if (p[-4] * 256u + p[-3] != len + 8)
		wrong |= INVALID;
	if (len > 576 || p[0] != 1 || p[1] != 1 || p[2] != 6 ||
	    memcmp(p + 236, cookie, 4))
		wrong |= INVALID;
	for (u32 i = 0; i < sizeof(servers); i++)
		wrong |= p[servers[i]] ? INVALID : 0;
	if (len <= 576)
		wrong |= options4(x, p, len);
	if (!oracle_zero(p + 12, 4) && !own(x, 4, p + 12))
		wrong |= SPOOF;
	if (x->guard->identity == LENSCAP_IDENTITY_MAC &&
	    memcmp(p + 28, x->frame->mac, 6))
		wrong |= SPOOF;
	if (!oracle_zero(d->src, 4) && !own(x, 4, d->src))
		wrong |= SPOOF;
	return wrong;
}

/* The same where a rule permits it: any kind passes. */
u32 oracle_dhcp_by_rule(const struct facts *x)
{
	const struct dissected *d = x->said;

	if (d->family != 4 || d->proto != 17 || d->dport != 67)
		return WHY(NONE);
	return outcome(x, 0, client4(x));
}

static u32 dhcp4(const struct facts *x)
{
	const u8 *dst = x->said->dst;

	if (memcmp(dst, all, 4) && !on_lan(x, 4, dst))
		return 0;
	return outcome(x, memcmp(dst, all, 4) ? 4 + 128 : 4, client4(x));
}

static u32 dhcp6(const struct facts *x)
{
	static const u8 relays[16] = { 0xff, 2, [13] = 1, [15] = 2 };
	static const u8 types[] = { 1, 3, 4, 5, 6, 8, 9, 11 };
	const struct dissected *d = x->said;
	const u8 *p = x->frame->data + d->l4 + 8;
	u32 len = d->end - d->l4 - 8;
	u32 wrong = 0;

	if (memcmp(d->dst, relays, 16) && !on_lan(x, 6, d->dst))
		return 0;
	if (x->frame->gso)
		return 0;
	if (d->part != LC_PART_WHOLE || len < 4)
		return INVALID;
	if (p[-4] * 256u + p[-3] != len + 8)
		wrong |= INVALID;
	if (len > 576 || !memchr(types, p[0], sizeof(types)))
		wrong |= INVALID;
	else
		wrong |= options6(x, p, len);
	if (d->extended)
		wrong |= INVALID;
	if (!link_local(d->src))
		wrong |= INVALID | EITHER;
	else if (!own(x, 6, d->src))
		wrong |= SPOOF;
	return outcome(x, memcmp(d->dst, relays, 16) ? 8 + 128 : 8, wrong);
}

/* Set of reasons, NONE: it passes as upkeep; empty: it is no upkeep. */
u32 oracle_upkeep(const struct facts *x)
{
	const struct dissected *d = x->said;
	bool hop = x->guard->identity == LENSCAP_IDENTITY_IP;

	if (x->frame->ethertype == 0x0806)
		return arp(x);
	if (d->family == 4 && d->proto == 2)
		return igmp(x);
	if (d->family == 6 && d->proto == 58 && d->dport >= 0) {
		switch (d->dport) {
		case 130: case 131: case 132: case 143:
			if (d->part != LC_PART_WHOLE)
				return d->dport == 130 ? SPOOF : INVALID;
			return mld(x, d->dport);
		case 133: case 134: case 135: case 136: case 137:
			if (d->part != LC_PART_WHOLE)
				return d->dport == 134 || d->dport == 137 ?
				       SPOOF : INVALID;
			return nd(x, d->dport);
		}
	}
	if (hop)
		return 0;
	if (d->family == 4 && d->proto == 17 && d->dport == 67)
		return dhcp4(x);
	if (d->family == 6 && d->proto == 17 && d->sport == 546 &&
	    d->dport == 547)
		return dhcp6(x);
	return 0;
}
