/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kmod/settle.c needs of a kernel, and of the module, in a host process.
 */
#ifndef LENSCAP_SETTLE_KERNEL_H
#define LENSCAP_SETTLE_KERNEL_H

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((x) = (v))
#define smp_load_acquire(p)	(*(p))
#define smp_store_release(p, v)	(*(p) = (v))
#define cmpxchg(p, old, new)	(*(p) == (old) ? *(p) = (new) : *(p))
#define module_param(name, ...)	unsigned int *host_##name = &name
#define MODULE_PARM_DESC(...)	extern int nothing_there
#define min(a, b)		((a) < (b) ? (a) : (b))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define ETH_P_IP		0x0800
#define GSO_BY_FRAGS		0xffff
#define GFP_KERNEL_ACCOUNT	0
#define __GFP_ZERO		0
#define ENOMEM			12
#define iphdr			ip_header

#define DECLARE_BITMAP(name, bits)	u8 name[bits]
#define test_bit(bit, map)		((map)[bit])
#define set_bit(bit, map)		((map)[bit] = 1)
#define for_each_set_bit_from(bit, map, end)			\
	for ((bit) = host_set_bit_from((map), (bit), (end));	\
	     (bit) < (end);					\
	     (bit) = host_set_bit_from((map), (bit) + 1, (end)))

/* As <linux/ip.h> has it, of a little-endian machine. */
struct ip_header {
	u8 ihl : 4, version : 4, tos;
	u16 tot_len, id, frag_off;
	u8 ttl, protocol;
	u16 check;
	u32 saddr, daddr;
};

typedef u64 siphash_key_t;

struct lenscap_settle;

struct lenscap_net {
	u32 changed, since;
	struct lenscap_settle *settle;
};

/* @room: for the addresses of @core */
struct lenscap_device {
	union {
		struct lc_device core;
		u8 room[48];
	};
};

struct lenscap_profile {
	u32 began;
	const void *ruleset;
	struct {
		u8 mode;
	} core;
	const char *name;
};

/* One profile, and no tries. */
struct lenscap_policy {
	struct lenscap_profile *profile;
	struct lc_trie devices, profiles;
};

struct lenscap_generation {
	struct lenscap_policy policy;
	u32 number;
};

extern unsigned int *host_fragment_wait;
extern u64 host_seconds;
extern const struct lc_trie_type lenscap_device_names, lenscap_profile_names;

static inline u32 host_set_bit_from(const u8 *map, u32 bit, u32 end)
{
	while (bit < end && !map[bit])
		bit++;
	return bit;
}

static inline u64 ktime_get_seconds(void)
{
	return host_seconds;
}

static inline void *__vmalloc(size_t size, int flags)
{
	(void)flags;
	return calloc(1, size);
}

static inline void vfree(void *p)
{
	free(p);
}

static inline void get_random_bytes(void *p, size_t size)
{
	memset(p, 0x5a, size);
}

/* Not SipHash, but spread as evenly. */
static inline u64 siphash_3u64(u64 a, u64 b, u64 c, const siphash_key_t *key)
{
	u64 const words[] = { a, b, c };
	u64 hash = *key;
	u32 i;

	for (i = 0; i < 24; i++)
		hash = (hash ^ ((const u8 *)words)[i]) * 0x9e3779b97f4a7c15ULL ^
		       hash >> 29;
	return hash ^ hash >> 32;
}

static inline u64 siphash_2u64(u64 a, u64 b, const siphash_key_t *key)
{
	return siphash_3u64(a, b, 0, key);
}

static inline void cond_resched(void)
{
}

static inline const struct lenscap_profile *
lenscap_policy_profile(const struct lenscap_policy *policy, const char *name)
{
	(void)name;
	return policy->profile;
}

static inline const struct lenscap_profile *
lenscap_policy_slot(const struct lenscap_policy *policy, u32 slot, u32 *users)
{
	(void)slot;
	(void)users;
	return policy->profile;
}

#endif /* LENSCAP_SETTLE_KERNEL_H */
