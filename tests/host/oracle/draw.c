// SPDX-License-Identifier: GPL-2.0-only
/* Decisions, from a seed or from a fuzzer's bytes. */
#include "scene.h"

/* 0 .. @bound - 1 */
u32 draw(struct source *s, u32 bound)
{
	u32 value = 0;

	if (s->bytes) {
		u32 n = bound > 65536 ? 4 : bound > 256 ? 2 : 1;

		while (n-- && s->left) {
			value = value << 8 | *s->bytes++;
			s->left--;
		}
	} else {
		/* splitmix64 */
		u64 z = s->state += 0x9e3779b97f4a7c15ULL;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
		value = (z ^ z >> 31) & 0xffffffff;
	}
	return bound ? value % bound : 0;
}

bool chance(struct source *s, u32 percent)
{
	return draw(s, 100) < percent;
}

void mask_addr(u8 *addr, u32 len)
{
	u32 i;

	for (i = len; i < 128; i++)
		addr[i / 8] &= ~(0x80 >> i % 8);
}

/* Adds @by, 1 or -1, to an address of @bytes bytes, around the end. */
static void step(u8 *addr, u32 bytes, int by)
{
	while (bytes--) {
		addr[bytes] += by;
		if (addr[bytes] != (by > 0 ? 0 : 255))
			return;
	}
}

/* First, last, one before, one after, one bit off, or just inside. */
void draw_near(struct source *s, const struct lc_prefix *prefix, u8 *addr)
{
	u32 bits = prefix->family == LC_FAMILY_IPV4 ? 32 : 128;
	u32 how = draw(s, 8), i;

	memcpy(addr, prefix->addr, 16);
	if (how == 1 || how == 3 || how == 5)
		for (i = prefix->len; i < bits; i++)
			if (how != 5 || draw(s, 2))
				addr[i / 8] |= 0x80 >> i % 8;
	if (how == 2)
		step(addr, bits / 8, -1);
	if (how == 3)
		step(addr, bits / 8, 1);
	if (how == 4) {
		i = prefix->len + draw(s, 3);
		i = i ? i - 1 : 0;
		if (i < bits)
			addr[i / 8] ^= 0x80 >> i % 8;
	}
}

void draw_prefix(struct source *s, u8 family, struct lc_prefix *prefix)
{
	static const u8 lens4[] = { 0, 1, 8, 13, 16, 23, 24, 25, 28, 31, 32, 32 };
	static const u8 lens6[] = { 0, 3, 32, 47, 48, 63, 64, 65, 112, 127, 128,
				    128 };
	static const u8 base4[4][4] = {
		{ 10, 20, 0, 10 }, { 10, 20, 0, 11 }, { 10, 21, 128, 10 },
		{ 138, 20, 0, 10 },
	};
	static const u8 base6[4][16] = {
		{ 0x20, 1, 0xd, 0xb8, 0, 0x20, [15] = 0x10 },
		{ 0x20, 1, 0xd, 0xb8, 0, 0x20, [15] = 0x11 },
		{ 0x20, 1, 0xd, 0xb8, 0, 0x21, [8] = 0x80, [15] = 0x10 },
		{ 0xa0, 1, 0xd, 0xb8, 0, 0x20, [15] = 0x10 },
	};

	memset(prefix, 0, sizeof(*prefix));
	prefix->family = family;
	if (family == LC_FAMILY_IPV4) {
		memcpy(prefix->addr, base4[draw(s, 4)], 4);
		prefix->len = chance(s, 80) ? lens4[draw(s, sizeof(lens4))] :
			      draw(s, 33);
	} else {
		memcpy(prefix->addr, base6[draw(s, 4)], 16);
		prefix->len = chance(s, 80) ? lens6[draw(s, sizeof(lens6))] :
			      draw(s, 129);
	}
	mask_addr(prefix->addr, prefix->len);
}

/* One of a few that differ in a bit. */
void draw_mac(struct source *s, u8 *mac)
{
	u32 which = draw(s, 10);

	memcpy(mac, CAM_MAC, 6);
	if (which)
		mac[(which * 5) % 6] ^= 1 << which % 8;
}
