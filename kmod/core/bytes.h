/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers in network byte order, and bits of addresses.
 */
#ifndef _LENSCAP_BYTES_H
#define _LENSCAP_BYTES_H

#include "search.h"

/* Numbers at any address. A copy of a few bytes is not left to memcpy(): User
 * Mode Linux is compiled with -fno-builtin, and there it is a call.
 */
struct lc_any16 {
	u16 value;
} __packed __attribute__((__may_alias__));

struct lc_any32 {
	u32 value;
} __packed __attribute__((__may_alias__));

struct lc_any64 {
	u64 value;
} __packed __attribute__((__may_alias__));

static inline u16 lc_get16(const void *p)
{
	return ((const struct lc_any16 *)p)->value;
}

static inline u32 lc_get32(const void *p)
{
	return ((const struct lc_any32 *)p)->value;
}

static inline u64 lc_get64(const void *p)
{
	return ((const struct lc_any64 *)p)->value;
}

static inline void lc_copy4(void *to, const void *from)
{
	((struct lc_any32 *)to)->value = lc_get32(from);
}

/* Four bytes and four zeros, as one word: what is written as two cannot be read
 * as one until both have left the processor.
 */
static inline void lc_copy4_wide(void *to, const void *from)
{
	u64 word = lc_get32(from);

	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		word <<= 32;
	((struct lc_any64 *)to)->value = word;
}

static inline void lc_copy6(void *to, const void *from)
{
	lc_copy4(to, from);
	((struct lc_any16 *)((u8 *)to + 4))->value = lc_get16((const u8 *)from + 4);
}

static inline void lc_copy16(void *to, const void *from)
{
	((struct lc_any64 *)to)->value = lc_get64(from);
	((struct lc_any64 *)((u8 *)to + 8))->value = lc_get64((const u8 *)from + 8);
}

/* A MAC as a number, whatever its order. */
static inline u64 lc_mac(const u8 *p)
{
	return lc_get32(p) | (u64)lc_get16(p + 4) << 32;
}

static inline void lc_put_mac(u64 mac, u8 *p)
{
	((struct lc_any32 *)p)->value = (u32)mac;
	((struct lc_any16 *)(p + 4))->value = (u16)(mac >> 32);
}

static inline u16 lc_be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static inline u32 lc_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static inline u64 lc_be64(const u8 *p)
{
	return (u64)lc_be32(p) << 32 | lc_be32(p + 4);
}

static inline struct lc_wide lc_be128(const u8 *p)
{
	return (struct lc_wide){ .high = lc_be64(p), .low = lc_be64(p + 8) };
}

static inline void lc_put_be32(u32 value, u8 *p)
{
	p[0] = value >> 24;
	p[1] = value >> 16;
	p[2] = value >> 8;
	p[3] = value;
}

static inline void lc_put_be128(struct lc_wide value, u8 *p)
{
	lc_put_be32(value.high >> 32, p);
	lc_put_be32(value.high, p + 4);
	lc_put_be32(value.low >> 32, p + 8);
	lc_put_be32(value.low, p + 12);
}

/* Are the first @bits of two numbers equal? */
static inline bool lc_bits_equal32(u32 a, u32 b, u32 bits)
{
	return !bits || !((a ^ b) >> (32 - bits));
}

static inline bool lc_bits_equal64(u64 a, u64 b, u32 bits)
{
	return !bits || !((a ^ b) >> (64 - bits));
}

static inline bool lc_bits_equal128(const struct lc_wide *a,
				    const struct lc_wide *b, u32 bits)
{
	if (bits <= 64)
		return lc_bits_equal64(a->high, b->high, bits);
	return a->high == b->high &&
	       lc_bits_equal64(a->low, b->low, bits - 64);
}

/* Are the first @bits of two addresses equal? */
static inline bool lc_bits_equal(const u8 *a, const u8 *b, u32 bits)
{
	u32 whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole))
		return false;
	return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}

#endif /* _LENSCAP_BYTES_H */
