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
#define cmpxchg(p, old, new)	(*(p) == (old) ? *(p) = (new) : *(p))
#define module_param(name, ...)	unsigned int *host_##name = &name
#define MODULE_PARM_DESC(...)	extern int nothing_there
#define BUILD_BUG_ON(x)		_Static_assert(!(x), #x)
#define min(a, b)		((a) < (b) ? (a) : (b))
#define ETH_P_IP		0x0800
#define GFP_KERNEL_ACCOUNT	0
#define ENOMEM			12
#define iphdr			ip_header

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
	u16 changed, since;
	struct lenscap_settle *settle;
};

struct lenscap_device {
	u16 since;
	u16 id;
	struct {
		u32 profile;
		bool bound;
	} core;
};

#define lc_device_bound(device, family, addr)	((device)->bound)

struct lenscap_profile {
	u16 since;
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
};

extern unsigned int *host_fragment_wait;
extern u64 host_seconds;
extern const struct lc_trie_type lenscap_device_names, lenscap_profile_names;

static inline u64 ktime_get_seconds(void)
{
	return host_seconds;
}

static inline u64 div_u64_rem(u64 n, u32 by, u32 *rest)
{
	*rest = n % by;
	return n / by;
}

static inline void *kvzalloc(size_t size, int flags)
{
	(void)flags;
	return calloc(1, size);
}

static inline void kvfree(void *p)
{
	free(p);
}

static inline void get_random_bytes(void *p, size_t size)
{
	memset(p, 0x5a, size);
}

/* Not SipHash, but spread as evenly. */
static inline u64 siphash(const void *data, size_t size, const siphash_key_t *key)
{
	const u8 *p = data;
	u64 hash = *key;

	while (size--)
		hash = (hash ^ *p++) * 0x9e3779b97f4a7c15ULL ^ hash >> 29;
	return hash ^ hash >> 32;
}

static inline u64 siphash_1u64(u64 n, const siphash_key_t *key)
{
	return siphash(&n, sizeof(n), key);
}

static inline const void *lenscap_device_stats(struct lenscap_device *device)
{
	return (const void *)(uintptr_t)(0x1000 + 0x60 * device->id);
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
