// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies and generations: who owns what.
 *
 * Devices and profiles are immutable. To change one is to make another of the
 * same name, so that a generation never changes under a packet's eyes. A policy
 * holds them in tries by name (core/trie.c), and two policies share all nodes in
 * which they do not differ: to begin a transaction from the live policy, and to
 * commit one changed device out of 50,000, costs what has changed. Ownership is
 * a tree of references:
 *
 *   generation or transaction -> policy -> nodes -> device -> older device
 *                                                -> profile -> ruleset
 *
 * What packets see is in policy.core, which owns no device and no profile: each
 * that it points to is in the same policy's tries by name. Profiles are put there
 * while they are staged, devices by the commit, which compares the names that
 * are staged with those that are there: only in the end can be said whether two
 * devices answer to one MAC.
 *
 * A packet holds no reference. It finds a generation through
 * lenscap_net.live under rcu_read_lock() and reaches everything else from it.
 * Lifetime, for each of these objects, nodes included:
 *
 *  1. A packet can reach an object only through a generation that was live
 *     when its read-side section began.
 *  2. A generation that has been live drops its references only after a grace
 *     period that began when it was replaced (lenscap_generation_release()),
 *     so after every such section has ended.
 *  3. So the last reference to an object that a packet can reach is dropped
 *     after that packet is done, and the object may be freed at once.
 *  4. An object that was never live is reachable by no packet at all.
 *  5. A node is changed in place only if no other trie can reach it. It may have
 *     been live once; then, by 2, its packets are gone.
 *
 * Nobody waits for the grace period: queue_rcu_work() runs the free in process
 * context later, where 50,000 objects may take their time.
 */
#include <linux/jhash.h>
#include <linux/net.h>
#include <linux/slab.h>

#include "table.h"

/**
 * lenscap_name_hash() - hash of the name of a device or profile
 * @name: NUL-terminated
 *
 * Seeded at module load, so that nobody can write a policy whose names collide.
 */
u32 lenscap_name_hash(const char *name)
{
	static u32 seed __read_mostly;

	net_get_random_once(&seed, sizeof(seed));
	return jhash(name, strlen(name), seed);
}

/**
 * lenscap_policy_init() - an empty policy
 * @policy: the policy
 * @seed: secret for its hashes, the same for all policies of a namespace
 */
void lenscap_policy_init(struct lenscap_policy *policy, const u64 *seed)
{
	memset(policy, 0, sizeof(*policy));
	lc_generation_init(&policy->core, seed);
}

/**
 * lenscap_policy_copy() - a policy to stage changes in
 * @to: the copy
 * @from: the original, a live policy
 *
 * Costs the same whatever is in it.
 */
void lenscap_policy_copy(struct lenscap_policy *to,
			 const struct lenscap_policy *from)
{
	*to = *from;
	/* Slots that were passed over because an older policy had them may be
	 * free by now.
	 */
	to->hint = 0;
	lc_generation_share(&to->core, &from->core);
	lc_trie_share(&to->devices, &from->devices);
	lc_trie_share(&to->indexed, &from->devices);
	lc_trie_share(&to->profiles, &from->profiles);
	lc_trie_share(&to->rulesets, &from->rulesets);
}

/**
 * lenscap_policy_destroy() - drop all that a policy holds
 * @policy: the policy, zeroed or initialised
 */
void lenscap_policy_destroy(struct lenscap_policy *policy)
{
	lc_generation_drop(&policy->core);
	lc_trie_drop(&lenscap_device_names, &policy->indexed);
	lc_trie_drop(&lenscap_device_names, &policy->devices);
	lc_trie_drop(&lenscap_ruleset_type, &policy->rulesets);
	lc_trie_drop(&lenscap_profile_names, &policy->profiles);
}

static bool match_device(const void *leaf, const void *name)
{
	return !strcmp(lenscap_device_name(leaf), name);
}

static bool match_profile(const void *leaf, const void *name)
{
	return !strcmp(((const struct lenscap_profile *)leaf)->name, name);
}

static bool match_ruleset(const void *leaf, const void *set)
{
	return leaf == set;
}

/**
 * lenscap_policy_device() - look a device up by name
 * @policy: the policy
 * @name: NUL-terminated
 *
 * Return: the device, without a reference of its own, or NULL.
 */
struct lenscap_device *lenscap_policy_device(const struct lenscap_policy *policy,
					     const char *name)
{
	return (struct lenscap_device *)
		lc_trie_find(1, &policy->devices, lenscap_name_hash(name),
			     match_device, name, NULL);
}

/**
 * lenscap_policy_profile() - look a profile up by name
 * @policy: the policy
 * @name: NUL-terminated
 *
 * Return: the profile, without a reference of its own, or NULL.
 */
struct lenscap_profile *
lenscap_policy_profile(const struct lenscap_policy *policy, const char *name)
{
	return (struct lenscap_profile *)
		lc_trie_find(1, &policy->profiles, lenscap_name_hash(name),
			     match_profile, name, NULL);
}

/**
 * lenscap_policy_sharers() - how many profiles have a ruleset
 * @policy: the policy
 * @set: the ruleset of a profile of it
 */
u32 lenscap_policy_sharers(const struct lenscap_policy *policy,
			   const struct lenscap_ruleset *set)
{
	u32 users = 0;

	lc_trie_find(2, &policy->rulesets, lenscap_ruleset_hash(set),
		     match_ruleset, set, &users);
	return users;
}

/**
 * lenscap_policy_slot() - the profile in a slot
 * @policy: the policy
 * @slot: number
 * @users: receives how many devices have it, or NULL
 *
 * Return: the profile, without a reference of its own, or NULL.
 */
const struct lenscap_profile *
lenscap_policy_slot(const struct lenscap_policy *policy, u32 slot, u32 *users)
{
	const struct lc_slot *found = lc_generation_slot(&policy->core, slot);

	if (!found || !found->profile)
		return NULL;
	if (users)
		*users = found->users;
	return container_of(found->profile, struct lenscap_profile, core);
}

/* A slot that is free here, and in the live policy: those that keep their name
 * keep their slot, so that devices which do not change can stay as they are. No
 * slot below the hint is free, so that filling a policy costs a step a profile.
 */
static u32 free_slot(struct lenscap_policy *policy,
		     const struct lenscap_policy *live)
{
	while (lenscap_policy_slot(policy, policy->hint, NULL) ||
	       (live && lenscap_policy_slot(live, policy->hint, NULL)))
		policy->hint++;
	return policy->hint;
}

static u32 slot_for(struct lenscap_policy *policy,
		    const struct lenscap_policy *live, const char *name)
{
	const struct lenscap_profile *same;

	same = live ? lenscap_policy_profile(live, name) : NULL;
	if (same && !lenscap_policy_slot(policy, same->slot, NULL))
		return same->slot;
	return free_slot(policy, live);
}

/* One more profile has this ruleset, or, with 0, as many as before: after that,
 * ruleset_unuse() cannot fail, because the way to it is the policy's own.
 */
static int ruleset_use(struct lenscap_policy *policy,
		       struct lenscap_ruleset *set, u32 more)
{
	u32 hash = lenscap_ruleset_hash(set), users;
	int err;

	if (lc_trie_find(2, &policy->rulesets, hash, match_ruleset, set,
			 &users))
		return lc_trie_replace(&lenscap_ruleset_type,
				       &policy->rulesets, hash, set, set,
				       users + more);
	err = lc_trie_insert(&lenscap_ruleset_type, &policy->rulesets, hash,
			     set, more);
	if (err)
		return err;
	policy->ruleset_rules += set->core->count;
	policy->bytes += lenscap_ruleset_bytes(set);
	return 0;
}

static int ruleset_unuse(struct lenscap_policy *policy,
			 struct lenscap_ruleset *set)
{
	u32 hash = lenscap_ruleset_hash(set), users = 0;
	int err;

	lc_trie_find(2, &policy->rulesets, hash, match_ruleset, set, &users);
	if (users > 1)
		return lc_trie_replace(&lenscap_ruleset_type,
				       &policy->rulesets, hash, set, set,
				       users - 1);
	err = lc_trie_remove(&lenscap_ruleset_type, &policy->rulesets, hash,
			     set);
	if (err)
		return err;
	policy->ruleset_rules -= set->core->count;
	policy->bytes -= lenscap_ruleset_bytes(set);
	return 0;
}

static int place_profile(struct lenscap_policy *policy,
		       struct lenscap_profile *profile,
		       const struct lenscap_profile *old)
{
	u32 hash = lenscap_name_hash(profile->name);

	if (old)
		return lc_trie_replace(&lenscap_profile_names,
				       &policy->profiles, hash, old, profile,
				       0);
	return lc_trie_insert(&lenscap_profile_names, &policy->profiles, hash,
			      profile, 0);
}

static int add_profile(struct lenscap_policy *policy,
		       struct lenscap_profile *profile,
		       struct lenscap_profile *old)
{
	const struct lc_profile *before = old ? &old->core : NULL;
	int err;

	err = lc_generation_set_profile(&policy->core, profile->slot,
					&profile->core);
	if (err)
		return err;
	err = ruleset_use(policy, profile->ruleset, 1);
	if (err)
		goto slot;
	if (old)
		err = ruleset_use(policy, old->ruleset, 0);
	if (!err)
		err = place_profile(policy, profile, old);
	if (err)
		goto unuse;
	if (old)
		WARN_ON_ONCE(ruleset_unuse(policy, old->ruleset));
	return 0;

	/* What was done, was done to pages and nodes that are now the policy's
	 * own: to undo it needs no memory.
	 */
unuse:
	WARN_ON_ONCE(ruleset_unuse(policy, profile->ruleset));
slot:
	WARN_ON_ONCE(lc_generation_set_profile(&policy->core, profile->slot,
					       before));
	return err;
}

/**
 * lenscap_policy_set_profile() - add a profile or replace that of its name
 * @policy: a staged policy
 * @live: the live one, or NULL
 * @profile: the profile; on success its reference passes to @policy
 *
 * Devices refer to profiles by slot, and a replacement inherits the slot, so
 * that it applies to all who use the profile without touching them.
 *
 * Context: process.
 *
 * Return: 0; -ENOSPC if LENSCAP_MAX_PROFILES or LENSCAP_MAX_RULES would be
 * exceeded; -ENOMEM. On error the policy is as it was.
 */
int lenscap_policy_set_profile(struct lenscap_policy *policy,
			       const struct lenscap_policy *live,
			       struct lenscap_profile *profile)
{
	struct lenscap_profile *old = lenscap_policy_profile(policy,
							     profile->name);
	u32 rules = policy->rules + profile->core.ruleset->count -
		    (old ? old->core.ruleset->count : 0);
	int err;

	if (rules > LENSCAP_MAX_RULES ||
	    (!old && policy->profiles.count >= LENSCAP_MAX_PROFILES))
		return -ENOSPC;
	profile->slot = old ? old->slot :
			      slot_for(policy, live, profile->name);
	/* The old one is needed until all is done. */
	if (old)
		refcount_inc(&old->refs);
	err = add_profile(policy, profile, old);
	if (!err) {
		policy->rules = rules;
		policy->bytes += lenscap_profile_bytes(profile);
		if (old)
			policy->bytes -= lenscap_profile_bytes(old);
	}
	if (old)
		lenscap_profile_put(old);
	return err;
}

/**
 * lenscap_policy_del_profile() - remove a profile that no device uses
 * @policy: a staged policy
 * @name: of the profile
 *
 * Context: process.
 *
 * Return: 0; -ENOENT; -EBUSY if a device uses it; -ENOMEM. On error the policy is
 * as it was.
 */
int lenscap_policy_del_profile(struct lenscap_policy *policy, const char *name)
{
	struct lenscap_profile *profile = lenscap_policy_profile(policy, name);
	u32 users = 0;
	int err;

	if (!profile)
		return -ENOENT;
	lenscap_policy_slot(policy, profile->slot, &users);
	if (users)
		return -EBUSY;
	err = ruleset_use(policy, profile->ruleset, 0);
	if (!err)
		err = lc_generation_set_profile(&policy->core, profile->slot,
						NULL);
	if (err)
		return err;
	refcount_inc(&profile->refs);
	err = lc_trie_remove(&lenscap_profile_names, &policy->profiles,
			     lenscap_name_hash(name), profile);
	if (err) {
		WARN_ON_ONCE(lc_generation_set_profile(&policy->core,
						       profile->slot,
						       &profile->core));
	} else {
		WARN_ON_ONCE(ruleset_unuse(policy, profile->ruleset));
		policy->hint = min(policy->hint, profile->slot);
		policy->rules -= profile->core.ruleset->count;
		policy->bytes -= lenscap_profile_bytes(profile);
	}
	lenscap_profile_put(profile);
	return err;
}

/* One device more in a slot, one less in another. */
static int move_user(struct lenscap_policy *policy, u32 to,
		     const struct lenscap_device *old)
{
	int err;

	err = lc_generation_use(&policy->core, to, 1);
	if (!err && old) {
		err = lc_generation_use(&policy->core, old->core.profile, -1);
		if (err)
			WARN_ON_ONCE(lc_generation_use(&policy->core, to, -1));
	}
	return err;
}

static int place_device(struct lenscap_policy *policy,
		      struct lenscap_device *device,
		      struct lenscap_device *old)
{
	u32 hash = lenscap_name_hash(lenscap_device_name(device));
	u32 slot = device->core.profile;
	int err;

	err = move_user(policy, slot, old);
	if (err)
		return err;
	if (old)
		err = lc_trie_replace(&lenscap_device_names, &policy->devices,
				      hash, old, device, 0);
	else
		err = lc_trie_insert(&lenscap_device_names, &policy->devices,
				     hash, device, 0);
	if (!err)
		return 0;
	WARN_ON_ONCE(lc_generation_use(&policy->core, slot, -1));
	if (old)
		WARN_ON_ONCE(lc_generation_use(&policy->core,
					       old->core.profile, 1));
	return err;
}

/**
 * lenscap_policy_set_device() - add a device or replace that of its name
 * @policy: a staged policy, which holds the device's profile
 * @live: the live one, or NULL
 * @device: the device, which nobody else has; on success its reference passes to
 *	@policy
 *
 * It goes on with the counters of the device of its name, staged or live; where
 * nothing else has changed either, that one is kept in its place.
 *
 * Context: process.
 *
 * Return: 0; -ENOSPC if LENSCAP_MAX_DEVICES would be exceeded; -ENOMEM. On
 * error the policy is as it was.
 */
int lenscap_policy_set_device(struct lenscap_policy *policy,
			      const struct lenscap_policy *live,
			      struct lenscap_device *device)
{
	const char *name = lenscap_device_name(device);
	struct lenscap_device *old = lenscap_policy_device(policy, name);
	struct lenscap_device *same = old, *put = device;
	size_t bytes = old ? lenscap_device_bytes(old) : 0;
	int err;

	if (!old && policy->devices.count >= LENSCAP_MAX_DEVICES)
		return -ENOSPC;
	if (!same && live)
		same = lenscap_policy_device(live, name);
	if (same && lenscap_device_equal(same, device)) {
		put = same;
		lenscap_device_get(same);
	} else if (same && !device->core.user) {
		lenscap_device_count_in(device, same);
	}
	err = place_device(policy, put, old);
	if (err) {
		if (put != device)
			lenscap_device_put(put);
		return err;
	}
	policy->bytes += lenscap_device_bytes(put) - bytes;
	if (put != device)
		lenscap_device_put(device);
	return 0;
}

/**
 * lenscap_policy_del_device() - remove a device
 * @policy: a staged policy
 * @name: of the device
 *
 * Context: process.
 *
 * Return: 0, -ENOENT or -ENOMEM. On error the policy is as it was.
 */
int lenscap_policy_del_device(struct lenscap_policy *policy, const char *name)
{
	struct lenscap_device *device = lenscap_policy_device(policy, name);
	size_t bytes;
	u32 slot;
	int err;

	if (!device)
		return -ENOENT;
	slot = device->core.profile;
	bytes = lenscap_device_bytes(device);
	err = lc_generation_use(&policy->core, slot, -1);
	if (err)
		return err;
	err = lc_trie_remove(&lenscap_device_names, &policy->devices,
			     lenscap_name_hash(name), device);
	if (err) {
		WARN_ON_ONCE(lc_generation_use(&policy->core, slot, 1));
		return err;
	}
	policy->bytes -= bytes;
	return 0;
}

/**
 * lenscap_policy_classes() - bits that any profile's class has
 * @policy: the policy
 *
 * Context: process; looks at every profile.
 */
u32 lenscap_policy_classes(const struct lenscap_policy *policy)
{
	const struct lenscap_profile *profile;
	u64 position = 0;
	u32 classes = 0;

	while ((profile = lc_trie_next(&lenscap_profile_names,
				       &policy->profiles, &position)))
		classes |= profile->core.class;
	return classes;
}

/**
 * lenscap_policy_bytes() - memory of a policy, all told
 * @policy: the policy
 *
 * Return: bytes that were asked for, without what the allocator adds. What is
 * shared with another policy counts in both.
 */
u64 lenscap_policy_bytes(const struct lenscap_policy *policy)
{
	return policy->bytes + lc_generation_bytes(&policy->core) +
	       policy->devices.bytes + policy->profiles.bytes +
	       policy->rulesets.bytes;
}

/**
 * struct indexing - bringing what packets see up to date
 * @core: what they will see
 * @conflict: receives the devices that an error is about
 * @adding: in the second pass
 */
struct indexing {
	struct lc_generation core;
	struct lc_conflict *conflict;
	bool adding;
};

static int index_device(const void *leaf, bool added, void *context)
{
	const struct lenscap_device *device = leaf;
	struct indexing *indexing = context;
	int err;

	cond_resched();
	if (added != indexing->adding)
		return 0;
	if (!added)
		return lc_generation_remove(&indexing->core, &device->core);
	err = lc_generation_add(&indexing->core, &device->core,
				indexing->conflict);
	if (err == -EINVAL)
		indexing->conflict->first = &device->core;
	return err;
}

/* First all that went, then all that came: two devices may swap their MACs. */
static int index_changes(const struct lenscap_policy *policy,
			 struct indexing *indexing)
{
	int err;

	indexing->adding = false;
	err = lc_trie_diff(&lenscap_device_names, &policy->indexed,
			   &policy->devices, index_device, indexing);
	if (err)
		return err;
	indexing->adding = true;
	return lc_trie_diff(&lenscap_device_names, &policy->indexed,
			    &policy->devices, index_device, indexing);
}

/**
 * lenscap_generation_create() - compile a staged policy
 * @policy: the policy; on success all that it holds passes to the generation
 * @conflict: receives the devices that an error is about
 *
 * Context: process.
 *
 * Return: the generation, unpublished, or an ERR_PTR() as of
 * lc_generation_add(). On error @policy is as it was.
 */
struct lenscap_generation *
lenscap_generation_create(struct lenscap_policy *policy,
			  struct lc_conflict *conflict)
{
	struct indexing indexing = { .conflict = conflict };
	struct lenscap_generation *gen;
	int err;

	memset(conflict, 0, sizeof(*conflict));
	gen = kzalloc(sizeof(*gen), GFP_KERNEL);
	if (!gen)
		return ERR_PTR(-ENOMEM);
	lc_generation_share(&indexing.core, &policy->core);
	err = index_changes(policy, &indexing);
	if (err) {
		lc_generation_drop(&indexing.core);
		kfree(gen);
		return ERR_PTR(err);
	}
	lc_generation_drop(&policy->core);
	policy->core = indexing.core;
	lc_trie_drop(&lenscap_device_names, &policy->indexed);
	gen->policy = *policy;
	memset(policy, 0, sizeof(*policy));
	return gen;
}

static void generation_free(struct work_struct *work)
{
	struct lenscap_generation *gen =
		container_of(to_rcu_work(work), struct lenscap_generation,
			     free);

	lenscap_policy_destroy(&gen->policy);
	kfree(gen);
}

/**
 * lenscap_generation_release() - free a generation that is no longer live
 * @gen: the generation, already replaced in lenscap_net.live, or NULL
 *
 * Does not wait: see the top of this file for the lifetime argument. The work
 * itself is waited for at module exit, after rcu_barrier().
 */
void lenscap_generation_release(struct lenscap_generation *gen)
{
	if (!gen)
		return;
	INIT_RCU_WORK(&gen->free, generation_free);
	queue_rcu_work(lenscap_wq, &gen->free);
}
