/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kmod/settle.c needs of a kernel, and of the module, in a host process.
 */
#ifndef LENSCAP_SETTLE_KERNEL_H
#define LENSCAP_SETTLE_KERNEL_H

#include "core.h"

#define READ_ONCE(x)		(x)
#define cmpxchg(p, old, new)	(*(p) == (old) ? *(p) = (new) : *(p))
#define module_param(name, ...)	unsigned int *host_##name = &name
#define MODULE_PARM_DESC(...)	extern int nothing_there
#define min(a, b)		((a) < (b) ? (a) : (b))

struct lenscap_guard {
	u16 since;
};

struct lenscap_device {
	u16 since;
	struct {
		u32 profile;
	} core;
};

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
