// SPDX-License-Identifier: GPL-2.0-only
/* Made-up frames: mostly sound, some mutated, near what a policy names. */
#include <arpa/inet.h>

#include "scene.h"

static u16 draw_port(struct source *s, const struct scene *scene, u32 profile)
{
	const struct policy_list *list = &scene->list;

	if (list->nrules[profile] && chance(s, 80)) {
		const struct lc_rule *rule;
		u16 port;

		rule = &list->rules[profile][draw(s, list->nrules[profile])];
		switch (draw(s, 4)) {
		case 0:
			port = rule->peer_low;
			break;
		case 1:
			port = rule->peer_high;
			break;
		case 2:
			port = rule->device_low;
			break;
		default:
			port = rule->device_high;
		}
		return chance(s, 60) ? port : port + draw(s, 3) - 1;
	}
	return draw(s, 65536);
}

static bool sends(const struct lc_device *device, const struct lc_guard *guard)
{
	return oracle_on(device, guard->id) && device->has_mac ==
	       (guard->identity == LENSCAP_IDENTITY_MAC);
}

/* One of the guards, rather one that knows a device. */
const struct lc_guard *scene_guard(struct source *s, const struct scene *scene)
{
	const struct lc_guard *guard;
	u32 tries, i;

	for (tries = 0; tries < 4; tries++) {
		guard = &scene->guards[draw(s, SCENE_GUARDS)];
		for (i = 0; i < scene->list.ndevices; i++)
			if (sends(scene->list.devices[i], guard))
				return guard;
	}
	return guard;
}

/* The sender: a device of the guard most times, with its address. */
static const struct lc_device *draw_sender(struct source *s,
					   const struct scene *scene,
					   const struct lc_guard *guard)
{
	const struct policy_list *list = &scene->list;
	u32 tries;

	for (tries = 0; tries < 12 && list->ndevices; tries++) {
		const struct lc_device *device;

		device = list->devices[draw(s, list->ndevices)];
		if (sends(device, guard))
			return device;
	}
	return NULL;
}

static void draw_source(struct source *s, const struct scene *scene,
			const struct lc_device *sender, u8 family, u8 *addr)
{
	u32 i;

	if (sender && chance(s, 85)) {
		for (i = 0; i < 4; i++) {
			struct lc_prefix bound;

			bound = device_addr(sender, draw(s, sender->naddrs));
			if (bound.family != family)
				continue;
			if (chance(s, 70))
				memcpy(addr, bound.addr, 16);
			else
				draw_near(s, &bound, addr);
			return;
		}
	}
	scene_addr(s, scene, sender ? sender->profile : 0, family, addr);
}

static void draw_transport(struct source *s, const struct scene *scene,
			   u32 profile, struct pkt *p)
{
	static const u8 flags[] = { T_SYN, T_SYN | T_ACK, T_ACK, T_RST, T_FIN,
				    T_SYN | T_FIN, 0xff, 0x42 };
	static const u8 types4[] = { 8, 0, 13, 15, 17, 3, 42, 5, 14, 10 };
	static const u8 types6[] = { 128, 129, 139, 1, 160, 130, 133, 140, 141,
				     255 };
	static const u8 others[] = { 47, 50, 51, 59, 2, 58, 1, 0, 255, 132,
				     136, 4, 41 };
	bool four = p->f.ethertype == 0x0800;

	switch (draw(s, 8)) {
	case 0: case 1: case 2:
		tcp(p, draw_port(s, scene, profile),
		    draw_port(s, scene, profile), flags[draw(s, 8)]);
		if (chance(s, 20)) {
			p->b[p->l4 + 12] = draw(s, 16) << 4;
			zeros(p, draw(s, 48));
		}
		break;
	case 3: case 4:
		udp(p, draw_port(s, scene, profile),
		    draw_port(s, scene, profile), draw(s, 20));
		break;
	case 5:
		if (chance(s, 30)) {
			icmp(p, chance(s, 80) ? (four ? 3 : 1) : draw(s, 64), 0,
			     0);
			quote(p);
			if (chance(s, 40))
				p->b[p->l4 + draw(s, p->len - p->l4)] ^=
					1 + draw(s, 255);
			zeros(p, draw(s, 10));
			break;
		}
		icmp(p, chance(s, 80) ? (four ? types4 : types6)[draw(s, 10)] :
		     draw(s, 256), 0, chance(s, 70) ? draw(s, 10) :
		     chance(s, 50) ? 110 + draw(s, 20) :
		     (four ? 540 : 1220) + draw(s, 60));
		break;
	case 6:
		proto(p, others[draw(s, sizeof(others))]);
		zeros(p, draw(s, 24));
		break;
	default:
		proto(p, chance(s, 50) ? 6 : draw(s, 256));
		zeros(p, draw(s, 24));
	}
}

static void draw_ipv4(struct source *s, const struct scene *scene,
		      u32 profile, struct pkt *p)
{
	static const u8 kinds[] = { 0, 1, 7, 68, 148, 131, 137, 130, 222 };

	ip4(p, 6, "0.0.0.0", "0.0.0.0");
	if (chance(s, 15)) {
		u8 options[40] = { 0 };
		u32 len = 4 + 4 * draw(s, 10), at = 0, step;

		while (at + 2 <= len) {
			options[at] = kinds[draw(s, sizeof(kinds))];
			step = 2 + draw(s, 10);
			options[at + 1] = chance(s, 90) ? step : draw(s, 42);
			at += options[at] < 2 ? 1 : step;
		}
		ip4_options(p, options, len);
	}
	if (chance(s, 15))
		ip4_fragment(p, chance(s, 50) ? draw(s, 4) : draw(s, 8192),
			     draw(s, 2));
	draw_transport(s, scene, profile, p);
}

static void draw_ipv6(struct source *s, const struct scene *scene,
		      u32 profile, struct pkt *p)
{
	static const u8 kinds[] = { X_DEST, X_DEST, X_FRAGMENT, X_HOP,
				    X_ROUTING, 51, 135, 139, 140 };
	u32 n = chance(s, 60) ? 0 : chance(s, 80) ? draw(s, 4) : draw(s, 11);
	u32 i;

	ip6(p, "::", "::");
	for (i = 0; i < n; i++) {
		u8 kind = kinds[chance(s, 85) ? draw(s, 3) : draw(s, 9)];

		if (i == 0 && chance(s, 50))
			kind = X_HOP;
		if (kind == X_FRAGMENT)
			ext_fragment(p, chance(s, 60) ? 0 : draw(s, 8192),
				     draw(s, 2));
		else
			ext(p, kind, chance(s, 80) ? draw(s, 3) : draw(s, 40));
	}
	draw_transport(s, scene, profile, p);
}

/* One to three, for which there must be room. */
static void draw_options4(struct source *s, struct pkt *p)
{
	static const char *const wanted[] = { "10.30.0.17", "10.30.0.17",
					      "10.30.0.18", "0.0.0.0" };
	static const u8 codes[] = { 12, 52, 53, 55, 60, 82, 118 };
	u8 value[8] = { 1 };
	u32 n;

	for (n = 1 + draw(s, 3); n; n--)
		switch (draw(s, 5)) {
		case 0: case 1:
			memcpy(value + 1, p->f.mac, 6);
			if (chance(s, 20))
				value[draw(s, 7)] ^= 1 + draw(s, 255);
			dhcp4_option(p, 61, value, chance(s, 90) ? 7 :
				     draw(s, 8));
			break;
		case 2: case 3:
			(void)inet_pton(AF_INET, wanted[draw(s, 4)], value);
			dhcp4_option(p, 50, value, chance(s, 95) ? 4 :
				     draw(s, 8));
			break;
		default:
			dhcp4_option(p, chance(s, 80) ? codes[draw(s, 7)] :
				     1 + draw(s, 254), value, draw(s, 8));
		}
}

/* A name of a DHCPv6 client. */
static void draw_duid(struct source *s, struct pkt *p)
{
	u8 duid[14] = { 0 };
	bool dated = chance(s, 50);

	duid[1] = dated ? 1 : 3;
	duid[3] = 1;
	memcpy(duid + (dated ? 8 : 4), p->f.mac, 6);
	if (chance(s, 30))
		duid[draw(s, 14)] ^= 1 + draw(s, 255);
	dhcp6_option(p, chance(s, 90) ? 1 : draw(s, 9), duid,
		     chance(s, 90) ? (dated ? 14 : 10) : draw(s, 15));
}

/* Of an IGMPv3 or MLDv2 report. */
static void draw_records(struct source *s, struct pkt *p, u32 size)
{
	u32 n = draw(s, 4), sources, at;

	put16(p, p->l4 + 6, chance(s, 95) ? n : n + 1);
	for (; n; n--) {
		at = p->len;
		sources = chance(s, 90) ? draw(s, 3) : draw(s, 60);
		zeros(p, 4 + size + size * sources);
		p->b[at] = 4;
		p->b[at + 1] = chance(s, 95) ? 0 : 1;
		put16(p, at + 2, chance(s, 95) ? sources : sources + 1);
	}
}

static void draw_upkeep(struct source *s, struct pkt *p)
{
	static const char *const lan4[] = { "255.255.255.255", "10.30.0.1",
					    "10.30.0.255", "10.30.1.1",
					    "10.20.0.10", "192.0.2.1" };
	static const char *const lan6[] = { "ff02::1", "ff02::1:2", "fe80::1",
					    "2001:db8:30::1", "ff05::1:3",
					    "2001:db8:20::10" };
	static const char *const target[] = { "fe80::17", "2001:db8:30::17",
					      "2001:db8:30::18",
					      "2001:db8:30::1", "fe80::18" };
	static const u8 igmps[] = { 0x12, 0x16, 0x17, 0x22, 0x11, 0x13 };
	static const u8 mlds[] = { 131, 132, 143, 130 };
	u8 type = 133 + draw(s, 5);
	u32 n;

	switch (draw(s, 6)) {
	case 0:
		arp(p, 1 + (chance(s, 90) ? draw(s, 2) : draw(s, 9)),
		    "0.0.0.0", chance(s, 50) ? "10.30.0.17" : "10.30.0.1");
		zeros(p, chance(s, 50) ? 18 : draw(s, 30));
		break;
	case 1:
		nd(p, type, "fe80::17", lan6[draw(s, 6)],
		   type == 133 ? NULL : target[draw(s, 5)]);
		for (n = draw(s, 3); n; n--)
			nd_option(p, chance(s, 80) ? 1 + draw(s, 2) :
				  draw(s, 16), chance(s, 90) ? 1 : draw(s, 4),
				  p->f.mac);
		break;
	case 2:
		dhcp4(p, "0.0.0.0", lan4[draw(s, 6)],
		      4 + (chance(s, 80) ? draw(s, 64) : 326 + draw(s, 10)));
		if (chance(s, 60) && p->len > p->l4 + 8 + 240 + 40)
			draw_options4(s, p);
		if (chance(s, 20))
			(void)inet_pton(AF_INET, lan4[draw(s, 6)],
					p->b + p->l4 + 8 + 12);
		if (chance(s, 20))
			p->b[p->l4 + 8 + draw(s, 44)] ^= 1 + draw(s, 255);
		break;
	case 3:
		dhcp6(p, chance(s, 80) ? 1 + draw(s, 11) : draw(s, 256),
		      "fe80::17", lan6[draw(s, 6)],
		      4 + (chance(s, 40) ? 4 * draw(s, 8) : chance(s, 60) ?
			   draw(s, 64) : 568 + draw(s, 10)));
		for (n = chance(s, 50) ? 1 + chance(s, 10) : 0; n; n--)
			draw_duid(s, p);
		break;
	case 4:
		igmp(p, igmps[draw(s, 6)], "0.0.0.0", chance(s, 80) ?
		     "224.0.0.22" : lan4[draw(s, 6)]);
		if (p->b[p->l4] == 0x22)
			draw_records(s, p, 4);
		if (chance(s, 20))
			zeros(p, draw(s, 12));
		break;
	default:
		mld(p, mlds[draw(s, 4)], "fe80::17", chance(s, 80) ?
		    "ff02::16" : lan6[draw(s, 6)]);
		if (p->b[p->l4] == 143)
			draw_records(s, p, 16);
		if (chance(s, 20))
			zeros(p, draw(s, 24));
	}
}

static void mutate(struct source *s, struct pkt *p)
{
	u32 n = 1 + draw(s, 3), at;

	for (; n && p->len; n--) {
		at = draw(s, p->len < 96 ? p->len : 96);
		switch (draw(s, 8)) {
		case 0:
			p->b[at] ^= 1 << draw(s, 8);
			break;
		case 1:
			p->b[at] = draw(s, 256);
			break;
		case 2:
			p->b[at] += draw(s, 2) ? 1 : 255;
			break;
		case 3:
			p->len -= chance(s, 60) && p->len > 8 ? draw(s, 8) :
				  draw(s, p->len + 1);
			break;
		case 4:
			zeros(p, draw(s, 60));
			break;
		case 5:
			/* where lengths are */
			p->b[p->f.ethertype == 0x0800 ? 3 : 5] += draw(s, 9) - 4;
			break;
		case 6:
			p->b[(p->l4 + draw(s, 14)) % FRAME_MAX] = draw(s, 256);
			break;
		default:
			p->b[draw(s, 10)] ^= 1 << draw(s, 8);
		}
	}
}

/* The link-local address that a MAC gives, or nearly. */
static void link_of(struct source *s, const u8 *mac, u8 *addr)
{
	memset(addr, 0, 16);
	addr[0] = 0xfe;
	addr[1] = 0x80;
	addr[8] = mac[0] ^ 2;
	memcpy(addr + 9, mac + 1, 2);
	addr[11] = 0xff;
	addr[12] = 0xfe;
	memcpy(addr + 13, mac + 3, 3);
	if (chance(s, 20))
		addr[draw(s, 16)] ^= 1 << draw(s, 8);
}

/* The addresses and MACs that make it the sender's. */
static void dress(struct source *s, const struct scene *scene,
		  const struct lc_device *sender, bool upkeep, struct pkt *p)
{
	bool four = p->f.ethertype == 0x0800;
	u8 src[16] = { 0 }, dst[16] = { 0 };
	const u8 *mac;

	if (sender && sender->has_mac && chance(s, 95))
		memcpy(p->f.mac, sender->mac, 6);
	else
		draw_mac(s, p->f.mac);
	mac = p->f.mac;
	if (p->f.ethertype == 0x0806) {
		if (chance(s, 95))
			memcpy(p->b + 8, mac, 6);
		if (chance(s, 80))
			draw_source(s, scene, sender, LC_FAMILY_IPV4, src);
		memcpy(p->b + 14, src, 4);
		return;
	}
	draw_source(s, scene, sender, four ? LC_FAMILY_IPV4 : LC_FAMILY_IPV6,
		    src);
	scene_addr(s, scene, sender ? sender->profile : 0,
		   four ? LC_FAMILY_IPV4 : LC_FAMILY_IPV6, dst);
	if (!upkeep || chance(s, 50))
		memcpy(p->b + (four ? 12 : 8), src, four ? 4 : 16);
	if (!upkeep || chance(s, 5))
		memcpy(p->b + (four ? 16 : 24), dst, four ? 4 : 16);
	if (!upkeep || chance(s, 5))
		return;
	if (four && p->b[9] == P_UDP)
		memcpy(p->b + p->l4 + 36, mac, 6);
	if (!four && p->b[8] == 0xfe && chance(s, 70))
		link_of(s, mac, p->b + 8);
	if (!four && p->b[6] == P_ICMP6) {
		u32 at = p->l4 + (p->b[p->l4] == 133 ? 8 : 24);

		for (; at + 8 <= p->len; at += 8)
			if (p->b[at] == 1 || p->b[at] == 2)
				memcpy(p->b + at + 2, mac, 6);
		if (p->b[p->l4] != 133 && chance(s, 50))
			memcpy(p->b + p->l4 + 8, src, 16);
		else if (p->b[p->l4] != 133 && chance(s, 50))
			link_of(s, mac, p->b + p->l4 + 8);
	}
}

void scene_frame(struct source *s, const struct scene *scene,
		 const struct lc_guard *guard, struct pkt *p)
{
	const struct lc_device *sender = draw_sender(s, scene, guard);
	u32 profile = sender ? sender->profile : 0;
	u32 kind = draw(s, 10);

	if (kind < 4)
		draw_ipv4(s, scene, profile, p);
	else if (kind < 7)
		draw_ipv6(s, scene, profile, p);
	else
		draw_upkeep(s, p);
	dress(s, scene, sender, kind >= 7, p);
	fin(p);
	if (chance(s, 25))
		mutate(s, p);
	if (chance(s, 2))
		p->f.vlan_stack = true;
	if (chance(s, 1))
		p->f.has_mac = false;
	if (chance(s, 2))
		p->f.ethertype = draw(s, 65536);
	if (chance(s, 2)) {
		p->f.gso = true;
		p->f.ufo = chance(s, 30);
		p->f.gso_size = chance(s, 50) ? 8 * draw(s, 8192) :
						draw(s, 65536);
	}
	if (chance(s, 10)) {
		static const s32 fields[] = { 2, 6, 16 };

		p->f.sum_open = true;
		p->f.sum_at = chance(s, 60) ?
			      (s32)p->l4 + fields[draw(s, 3)] :
			      (s32)draw(s, 100) - 14;
	}
}
