/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_TABLE_H
#define _LENSCAP_TABLE_H

#include <linux/refcount.h>
#include <linux/rhashtable-types.h>

#include "lenscap.h"
#include "stats.h"

/**
 * struct lenscap_device - a device of a policy, immutable but for its counters
 * @refs: one for each trie node that has it, and for each device that counts
 *	here
 * @name: where its name is, in bytes from the beginning
 * @stats: its counters
 * @owner: if @core.user is set: it counts there, in the device of its name that
 *	it replaced, and that never counts elsewhere itself
 * @core: what the classifier reads; addresses and name are behind it
 *
 * 96 bytes with one IPv4 address and a name of up to 11 bytes. Objects of that
 * size share every other cache line, but never the bytes from 32 to 63 of
 * either: there are the counters that frames write, so that cameras on different
 * processors do not slow each other down.
 */
struct lenscap_device {
	refcount_t refs;
	u16 name;
	union {
		struct lenscap_stats stats;
		struct lenscap_device *owner;
	};
	struct lc_device core;
};

/**
 * struct lenscap_ruleset - a compiled list of rules, shared by profiles
 * @refs: one for each profile
 * @node: in the table of all rulesets
 * @core: the rules, with their counters
 * @since: when they began to count, ms since the epoch
 */
struct lenscap_ruleset {
	refcount_t refs;
	struct rhash_head node;
	struct lc_ruleset *core;
	u64 since;
};

/**
 * struct lenscap_profile - a profile of a policy, immutable once it is live
 * @refs: one for each trie node that has it
 * @slot: its place in every policy that holds it
 * @began: number of the generation in which what it says was new, or 0: it took the
 *	place of one that said the same; see settle.c
 * @ruleset: its rules
 * @core: what the classifier reads
 * @name: NUL-terminated
 */
struct lenscap_profile {
	refcount_t refs;
	u32 slot;
	u32 began;
	struct lenscap_ruleset *ruleset;
	struct lc_profile core;
	char name[];
};

/**
 * struct lenscap_policy - devices and profiles, staged or live
 * @core: what packets see. In a staged policy its slots are up to date, its
 *	devices are those of @indexed
 * @devices: by name; owns them
 * @indexed: the devices that @core has; only in a staged policy
 * @profiles: by name; owns them
 * @rulesets: by hash, with the number of profiles that have them
 * @hint: no slot below it is free
 * @rules: sum over all profiles, shared or not
 * @ruleset_rules: sum over all rulesets
 * @bytes: memory of devices, profiles and rulesets
 */
struct lenscap_policy {
	struct lc_generation core;
	struct lc_trie devices;
	struct lc_trie indexed;
	struct lc_trie profiles;
	struct lc_trie rulesets;
	u32 hint;
	u32 rules;
	u32 ruleset_rules;
	u64 bytes;
};

/**
 * struct lenscap_generation - one complete compiled policy
 * @policy: devices and profiles, and what packets see of them
 * @number: grows by one with each commit
 * @revision: as netops gave it
 * @digest: as the loader gave it
 * @committed: ms since the epoch
 * @free: frees it after a grace period, in process context
 */
struct lenscap_generation {
	struct lenscap_policy policy;
	u32 number;
	u64 revision;
	u8 digest[LENSCAP_DIGEST_LEN];
	u64 committed;
	struct rcu_work free;
};

/* device.c */
extern const struct lc_trie_type lenscap_device_names;
struct lenscap_device *lenscap_device_create(const char *name,
					     const struct lc_prefix *addrs,
					     u32 count);
void lenscap_device_get(struct lenscap_device *device);
void lenscap_device_put(struct lenscap_device *device);
void lenscap_device_count_in(struct lenscap_device *device,
			     struct lenscap_device *old);
bool lenscap_device_equal(const struct lenscap_device *a,
			  const struct lenscap_device *b);
size_t lenscap_device_bytes(const struct lenscap_device *device);

/* profile.c */
extern const struct lc_trie_type lenscap_profile_names;
extern const struct lc_trie_type lenscap_ruleset_type;
struct lenscap_profile *lenscap_profile_create(const char *name,
					       const struct lc_rule *rules,
					       u32 count);
void lenscap_profile_put(struct lenscap_profile *profile);
size_t lenscap_profile_bytes(const struct lenscap_profile *profile);
u32 lenscap_ruleset_hash(const struct lenscap_ruleset *set);
size_t lenscap_ruleset_bytes(const struct lenscap_ruleset *set);
int lenscap_rulesets_init(void);
void lenscap_rulesets_exit(void);

/* table.c */
u32 lenscap_name_hash(const char *name);
void lenscap_policy_init(struct lenscap_policy *policy, const u64 *seed);
void lenscap_policy_copy(struct lenscap_policy *to,
			 const struct lenscap_policy *from);
void lenscap_policy_destroy(struct lenscap_policy *policy);
struct lenscap_device *lenscap_policy_device(const struct lenscap_policy *policy,
					     const char *name);
struct lenscap_profile *
lenscap_policy_profile(const struct lenscap_policy *policy, const char *name);
u32 lenscap_policy_sharers(const struct lenscap_policy *policy,
			   const struct lenscap_ruleset *set);
const struct lenscap_profile *
lenscap_policy_slot(const struct lenscap_policy *policy, u32 slot, u32 *users);
int lenscap_policy_set_profile(struct lenscap_policy *policy,
			       const struct lenscap_policy *live,
			       struct lenscap_profile *profile);
int lenscap_policy_del_profile(struct lenscap_policy *policy,
			       const char *name);
int lenscap_policy_set_device(struct lenscap_policy *policy,
			      const struct lenscap_policy *live,
			      struct lenscap_device *device);
int lenscap_policy_del_device(struct lenscap_policy *policy,
			      const char *name);
u32 lenscap_policy_classes(const struct lenscap_policy *policy);
u64 lenscap_policy_bytes(const struct lenscap_policy *policy);

struct lenscap_generation *
lenscap_generation_create(struct lenscap_policy *policy,
			  struct lc_conflict *conflict);
void lenscap_generation_release(struct lenscap_generation *gen);

static inline struct lenscap_device *
lenscap_device_of(const struct lc_device *core)
{
	return container_of(core, struct lenscap_device, core);
}

static inline const char *
lenscap_device_name(const struct lenscap_device *device)
{
	return (const char *)device + device->name;
}

static inline struct lenscap_stats *
lenscap_device_stats(struct lenscap_device *device)
{
	return device->core.user ? &device->owner->stats : &device->stats;
}

#endif /* _LENSCAP_TABLE_H */
