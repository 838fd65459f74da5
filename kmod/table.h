/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_TABLE_H
#define _LENSCAP_TABLE_H

#include <linux/atomic.h>
#include <linux/refcount.h>

#include "lenscap.h"
#include "names.h"

/**
 * struct lenscap_stats - counters of a device
 * @refs: one for each struct lenscap_device of this name
 * @passed_packets: permitted, upkeep included
 * @passed_bytes: network-layer bytes, as all bytes here
 * @dropped_packets: dropped
 * @dropped_bytes: of these
 * @would_packets: passed only because of audit
 * @would_bytes: of these
 * @last_seen: ms since the epoch, 0: never
 *
 * They belong to the device, not to a generation: every generation's object
 * of the same name points here. One cache line, which the frames of one camera
 * share and those of others do not.
 */
struct lenscap_stats {
	refcount_t refs;
	atomic64_t passed_packets;
	atomic64_t passed_bytes;
	atomic64_t dropped_packets;
	atomic64_t dropped_bytes;
	atomic64_t would_packets;
	atomic64_t would_bytes;
	u64 last_seen;
} ____cacheline_aligned;

/**
 * struct lenscap_device - a device of a policy, immutable
 * @object: reference count and name
 * @guard: name of its only guard or NULL; interned, lives with the namespace
 * @stats: its counters
 * @bytes: memory that it takes
 * @core: what the classifier reads; ends in an array, so it comes last
 */
struct lenscap_device {
	struct lenscap_object object;
	const char *guard;
	struct lenscap_stats *stats;
	u32 bytes;
	struct lc_device core;
};

/**
 * struct lenscap_ruleset - a compiled list of rules, shared by profiles
 * @refs: one for each profile
 * @node: in the table of all rulesets
 * @core: the rules
 */
struct lenscap_ruleset {
	refcount_t refs;
	struct hlist_node node;
	struct lc_ruleset *core;
};

/**
 * struct lenscap_profile - a profile of a policy, immutable
 * @object: reference count and name
 * @slot: its place in every policy that holds it
 * @ruleset: its rules
 * @core: what the classifier reads
 */
struct lenscap_profile {
	struct lenscap_object object;
	u32 slot;
	struct lenscap_ruleset *ruleset;
	struct lc_profile core;
};

/**
 * struct lenscap_policy - devices and profiles, staged or live
 * @devices: by name
 * @profiles: by name
 * @slots: profiles by slot; a free slot is NULL
 * @users: devices that use the profile of a slot
 * @nslots: entries of @slots and @users
 * @hint: no slot below it is free
 * @rules: sum over all profiles, shared or not
 * @bytes: memory of devices and profiles
 */
struct lenscap_policy {
	struct lenscap_names devices;
	struct lenscap_names profiles;
	struct lenscap_profile **slots;
	u32 *users;
	u32 nslots;
	u32 hint;
	u32 rules;
	u64 bytes;
};

/**
 * struct lenscap_generation - one complete compiled policy
 * @core: what the classifier reads
 * @policy: what it was compiled from, and owner of what @core points to
 * @number: grows by one with each commit
 * @revision: as netops gave it
 * @digest: as the loader gave it
 * @committed: ms since the epoch
 * @classes: bits that any profile's class has
 * @rulesets: distinct rulesets in it
 * @ruleset_rules: rules in them
 * @bytes: memory, all told
 * @free: frees it after a grace period, in process context
 */
struct lenscap_generation {
	struct lc_generation *core;
	struct lenscap_policy policy;
	u32 number;
	u64 revision;
	u8 digest[LENSCAP_DIGEST_LEN];
	u64 committed;
	u32 classes;
	u32 rulesets;
	u32 ruleset_rules;
	u64 bytes;
	struct rcu_work free;
};

struct lenscap_stats *lenscap_stats_create(void);
struct lenscap_stats *lenscap_stats_get(struct lenscap_stats *stats);
void lenscap_stats_put(struct lenscap_stats *stats);

struct lenscap_device *lenscap_device_create(const char *name, u32 naddrs);
void lenscap_device_put(struct lenscap_device *device);
struct lenscap_profile *lenscap_profile_create(const char *name,
					       const struct lc_rule *rules,
					       u32 count);
void lenscap_profile_put(struct lenscap_profile *profile);

int lenscap_policy_init(struct lenscap_policy *policy);
int lenscap_policy_copy(struct lenscap_policy *to,
			const struct lenscap_policy *from);
void lenscap_policy_destroy(struct lenscap_policy *policy);
int lenscap_policy_set_profile(struct lenscap_policy *policy,
			       struct lenscap_profile *profile);
int lenscap_policy_del_profile(struct lenscap_policy *policy,
			       const char *name);
int lenscap_policy_set_device(struct lenscap_policy *policy,
			      struct lenscap_device *device);
int lenscap_policy_del_device(struct lenscap_policy *policy,
			      const char *name);

struct lenscap_generation *
lenscap_generation_create(struct lenscap_policy *policy,
			  struct lc_conflict *conflict);
void lenscap_generation_release(struct lenscap_generation *gen);

static inline struct lenscap_device *
lenscap_device_of(const struct lc_device *core)
{
	return container_of(core, struct lenscap_device, core);
}

static inline struct lenscap_device *
lenscap_policy_device(const struct lenscap_policy *policy, const char *name)
{
	return (struct lenscap_device *)lenscap_names_find(&policy->devices,
							   name);
}

static inline struct lenscap_profile *
lenscap_policy_profile(const struct lenscap_policy *policy, const char *name)
{
	return (struct lenscap_profile *)lenscap_names_find(&policy->profiles,
							    name);
}

#endif /* _LENSCAP_TABLE_H */
