// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices, profiles, rulesets and generations: who owns what.
 *
 * Devices and profiles are immutable. To change one is to make another of the
 * same name, so that a generation never changes under a packet's eyes and two
 * generations can share what is equal in them. Ownership is a tree of
 * references:
 *
 *   generation or transaction -> policy -> device  -> stats
 *                                       -> profile -> ruleset
 *
 * A packet holds no reference. It finds a generation through
 * lenscap_net.live under rcu_read_lock() and reaches everything else from it.
 * Lifetime, for each of these objects:
 *
 *  1. A packet can reach an object only through a generation that was live
 *     when its read-side section began.
 *  2. A generation that has been live drops its references only after a grace
 *     period that began when it was replaced (lenscap_generation_release()),
 *     so after every such section has ended.
 *  3. So the last reference to an object that a packet can reach is dropped
 *     after that packet is done, and the object may be freed at once.
 *  4. An object that was never live is reachable by no packet at all.
 *
 * Nobody waits for the grace period: queue_rcu_work() runs the free in process
 * context later, where 50,000 objects may take their time.
 */
#include <linux/hashtable.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "table.h"

/* All rulesets of all namespaces by hash of their rules. */
static DEFINE_HASHTABLE(rulesets, 12);
static DEFINE_MUTEX(rulesets_lock);

/**
 * lenscap_stats_create() - counters for a new device
 *
 * Context: process. Return: counters with one reference, or NULL.
 */
struct lenscap_stats *lenscap_stats_create(void)
{
	struct lenscap_stats *stats = kzalloc(sizeof(*stats),
					      GFP_KERNEL_ACCOUNT);

	if (stats)
		refcount_set(&stats->refs, 1);
	return stats;
}

/**
 * lenscap_stats_get() - another reference
 * @stats: the counters
 */
struct lenscap_stats *lenscap_stats_get(struct lenscap_stats *stats)
{
	refcount_inc(&stats->refs);
	return stats;
}

/**
 * lenscap_stats_put() - drop a reference; see above for why kfree() is enough
 * @stats: the counters or NULL
 */
void lenscap_stats_put(struct lenscap_stats *stats)
{
	if (stats && refcount_dec_and_test(&stats->refs))
		kfree(stats);
}

static void object_init(struct lenscap_object *object, char *name_buffer,
			const char *name)
{
	strcpy(name_buffer, name);
	refcount_set(&object->refs, 1);
	object->hash = lenscap_names_hash(name);
	object->name = name_buffer;
}

/**
 * lenscap_device_create() - a device without counters or guard
 * @name: its name, at most LENSCAP_NAME_LEN bytes
 * @naddrs: room for so many addresses, to be filled in by the caller
 *
 * Context: process. Return: the device with one reference, or NULL.
 */
struct lenscap_device *lenscap_device_create(const char *name, u32 naddrs)
{
	struct lenscap_device *device;
	size_t addrs = struct_size(device, core.addrs, naddrs);
	size_t bytes = addrs + strlen(name) + 1;

	device = kzalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!device)
		return NULL;
	object_init(&device->object, (char *)device + addrs, name);
	device->bytes = bytes + sizeof(struct lenscap_stats);
	device->core.naddrs = naddrs;
	return device;
}

/**
 * lenscap_device_put() - drop a reference
 * @device: the device
 */
void lenscap_device_put(struct lenscap_device *device)
{
	if (!refcount_dec_and_test(&device->object.refs))
		return;
	lenscap_stats_put(device->stats);
	kfree(device);
}

/* The ruleset with these rules, found or made. */
static struct lenscap_ruleset *ruleset_get(const struct lc_rule *rules,
					   u32 count)
{
	struct lenscap_ruleset *found, *set;
	int err;

	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);
	refcount_set(&set->refs, 1);
	err = lc_ruleset_create(rules, count, &set->core);
	if (err) {
		kfree(set);
		return ERR_PTR(err);
	}

	mutex_lock(&rulesets_lock);
	hash_for_each_possible(rulesets, found, node, set->core->hash) {
		if (!lc_ruleset_equal(found->core, set->core))
			continue;
		refcount_inc(&found->refs);
		mutex_unlock(&rulesets_lock);
		lc_ruleset_destroy(set->core);
		kfree(set);
		return found;
	}
	hash_add(rulesets, &set->node, set->core->hash);
	mutex_unlock(&rulesets_lock);
	return set;
}

static void ruleset_put(struct lenscap_ruleset *set)
{
	if (!refcount_dec_and_mutex_lock(&set->refs, &rulesets_lock))
		return;
	hash_del(&set->node);
	mutex_unlock(&rulesets_lock);
	lc_ruleset_destroy(set->core);
	kfree(set);
}

/**
 * lenscap_profile_create() - a profile that enforces, with class 0
 * @name: its name, at most LENSCAP_NAME_LEN bytes
 * @rules: its rules
 * @count: how many
 *
 * Context: process.
 *
 * Return: the profile with one reference, or ERR_PTR(-ENOMEM), or
 * ERR_PTR(-EINVAL) if a rule is malformed.
 */
struct lenscap_profile *lenscap_profile_create(const char *name,
					       const struct lc_rule *rules,
					       u32 count)
{
	struct lenscap_profile *profile;

	profile = kzalloc(sizeof(*profile) + strlen(name) + 1,
			  GFP_KERNEL_ACCOUNT);
	if (!profile)
		return ERR_PTR(-ENOMEM);
	profile->ruleset = ruleset_get(rules, count);
	if (IS_ERR(profile->ruleset)) {
		int err = PTR_ERR(profile->ruleset);

		kfree(profile);
		return ERR_PTR(err);
	}
	object_init(&profile->object, (char *)(profile + 1), name);
	profile->core.ruleset = profile->ruleset->core;
	return profile;
}

/**
 * lenscap_profile_put() - drop a reference
 * @profile: the profile
 */
void lenscap_profile_put(struct lenscap_profile *profile)
{
	if (!refcount_dec_and_test(&profile->object.refs))
		return;
	ruleset_put(profile->ruleset);
	kfree(profile);
}

/**
 * lenscap_policy_init() - an empty policy
 * @policy: the policy
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int lenscap_policy_init(struct lenscap_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	if (lenscap_names_init(&policy->devices))
		return -ENOMEM;
	if (lenscap_names_init(&policy->profiles)) {
		lenscap_names_free(&policy->devices);
		return -ENOMEM;
	}
	return 0;
}

/**
 * lenscap_policy_copy() - a policy that holds the same objects
 * @to: the copy
 * @from: the original
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int lenscap_policy_copy(struct lenscap_policy *to,
			const struct lenscap_policy *from)
{
	size_t slots = array_size(from->nslots, sizeof(*to->slots));
	size_t users = array_size(from->nslots, sizeof(*to->users));

	memset(to, 0, sizeof(*to));
	if (from->nslots) {
		to->slots = kvmalloc(slots, GFP_KERNEL_ACCOUNT);
		to->users = kvmalloc(users, GFP_KERNEL_ACCOUNT);
		if (!to->slots || !to->users)
			goto fail;
		memcpy(to->slots, from->slots, slots);
		memcpy(to->users, from->users, users);
		to->nslots = from->nslots;
	}
	if (lenscap_names_copy(&to->devices, &from->devices))
		goto fail;
	if (lenscap_names_copy(&to->profiles, &from->profiles))
		goto fail;
	to->hint = from->hint;
	to->rules = from->rules;
	to->bytes = from->bytes;
	return 0;

fail:
	lenscap_policy_destroy(to);
	return -ENOMEM;
}

/**
 * lenscap_policy_destroy() - drop all that a policy holds
 * @policy: the policy, zeroed or initialised
 */
void lenscap_policy_destroy(struct lenscap_policy *policy)
{
	struct lenscap_object *object;
	u32 i;

	if (policy->devices.slots)
		lenscap_names_for_each(&policy->devices, i, object)
			lenscap_device_put((struct lenscap_device *)object);
	if (policy->profiles.slots)
		lenscap_names_for_each(&policy->profiles, i, object)
			lenscap_profile_put((struct lenscap_profile *)object);
	lenscap_names_free(&policy->devices);
	lenscap_names_free(&policy->profiles);
	kvfree(policy->slots);
	kvfree(policy->users);
	policy->slots = NULL;
	policy->users = NULL;
}

/* A free slot, growing the arrays if there is none. No slot below the hint is
 * free, so that filling a policy costs a step a profile.
 */
static int free_slot(struct lenscap_policy *policy, u32 *slot)
{
	struct lenscap_profile **slots;
	u32 *users;
	u32 more;

	while (policy->hint < policy->nslots && policy->slots[policy->hint])
		policy->hint++;
	if (policy->hint < policy->nslots) {
		*slot = policy->hint;
		return 0;
	}

	more = max(16U, policy->nslots * 2);
	slots = kvcalloc(more, sizeof(*slots), GFP_KERNEL_ACCOUNT);
	users = kvcalloc(more, sizeof(*users), GFP_KERNEL_ACCOUNT);
	if (!slots || !users) {
		kvfree(slots);
		kvfree(users);
		return -ENOMEM;
	}
	if (policy->nslots) {
		memcpy(slots, policy->slots, policy->nslots * sizeof(*slots));
		memcpy(users, policy->users, policy->nslots * sizeof(*users));
	}
	kvfree(policy->slots);
	kvfree(policy->users);
	*slot = policy->nslots;
	policy->slots = slots;
	policy->users = users;
	policy->nslots = more;
	return 0;
}

static u64 profile_bytes(const struct lenscap_profile *profile)
{
	return sizeof(*profile) + strlen(profile->object.name) + 1;
}

/**
 * lenscap_policy_set_profile() - add a profile or replace that of its name
 * @policy: a staged policy
 * @profile: the profile; on success its reference passes to @policy
 *
 * Devices refer to profiles by slot, and a replacement inherits the slot, so
 * that it applies to all who use the profile without touching them.
 *
 * Context: process.
 *
 * Return: 0; -ENOSPC if LENSCAP_MAX_PROFILES or LENSCAP_MAX_RULES would be
 * exceeded; -ENOMEM. On error nothing has changed.
 */
int lenscap_policy_set_profile(struct lenscap_policy *policy,
			       struct lenscap_profile *profile)
{
	struct lenscap_profile *old =
		lenscap_policy_profile(policy, profile->object.name);
	u32 rules = policy->rules + profile->core.ruleset->count -
		    (old ? old->core.ruleset->count : 0);
	u32 slot;

	if (rules > LENSCAP_MAX_RULES)
		return -ENOSPC;
	if (old) {
		slot = old->slot;
	} else {
		if (policy->profiles.count >= LENSCAP_MAX_PROFILES)
			return -ENOSPC;
		if (lenscap_names_reserve(&policy->profiles) ||
		    free_slot(policy, &slot))
			return -ENOMEM;
	}
	profile->slot = slot;
	lenscap_names_put(&policy->profiles, &profile->object);
	policy->slots[slot] = profile;
	policy->rules = rules;
	policy->bytes += profile_bytes(profile);
	if (old) {
		policy->bytes -= profile_bytes(old);
		lenscap_profile_put(old);
	}
	return 0;
}

/**
 * lenscap_policy_del_profile() - remove a profile that no device uses
 * @policy: a staged policy
 * @name: of the profile
 *
 * Return: 0, -ENOENT or -EBUSY.
 */
int lenscap_policy_del_profile(struct lenscap_policy *policy, const char *name)
{
	struct lenscap_profile *profile = lenscap_policy_profile(policy, name);

	if (!profile)
		return -ENOENT;
	if (policy->users[profile->slot])
		return -EBUSY;
	lenscap_names_take(&policy->profiles, name);
	policy->slots[profile->slot] = NULL;
	policy->hint = min(policy->hint, profile->slot);
	policy->rules -= profile->core.ruleset->count;
	policy->bytes -= profile_bytes(profile);
	lenscap_profile_put(profile);
	return 0;
}

/**
 * lenscap_policy_set_device() - add a device or replace that of its name
 * @policy: a staged policy, which holds the device's profile
 * @device: the device; on success its reference passes to @policy
 *
 * Context: process.
 *
 * Return: 0; -ENOSPC if LENSCAP_MAX_DEVICES would be exceeded; -ENOMEM. On
 * error nothing has changed.
 */
int lenscap_policy_set_device(struct lenscap_policy *policy,
			      struct lenscap_device *device)
{
	struct lenscap_device *old;

	if (!lenscap_policy_device(policy, device->object.name) &&
	    policy->devices.count >= LENSCAP_MAX_DEVICES)
		return -ENOSPC;
	if (lenscap_names_reserve(&policy->devices))
		return -ENOMEM;
	old = (struct lenscap_device *)lenscap_names_put(&policy->devices,
							 &device->object);
	policy->users[device->core.profile]++;
	policy->bytes += device->bytes;
	if (old) {
		policy->users[old->core.profile]--;
		policy->bytes -= old->bytes;
		lenscap_device_put(old);
	}
	return 0;
}

/**
 * lenscap_policy_del_device() - remove a device
 * @policy: a staged policy
 * @name: of the device
 *
 * Return: 0 or -ENOENT.
 */
int lenscap_policy_del_device(struct lenscap_policy *policy, const char *name)
{
	struct lenscap_device *device = (struct lenscap_device *)
		lenscap_names_take(&policy->devices, name);

	if (!device)
		return -ENOENT;
	policy->users[device->core.profile]--;
	policy->bytes -= device->bytes;
	lenscap_device_put(device);
	return 0;
}

/* Memory and distinct rulesets, for those who ask. Pointers are compared by
 * sorting: a flag in the ruleset would be shared with other namespaces.
 */
static int pointer_compare(const void *a, const void *b)
{
	const void *const *left = a, *const *right = b;

	return *left < *right ? -1 : *left > *right;
}

static int take_stock(struct lenscap_generation *gen)
{
	const struct lenscap_policy *policy = &gen->policy;
	const struct lc_ruleset **sets;
	struct lenscap_object *object;
	u32 n = 0, i;

	sets = kvcalloc(policy->profiles.count + 1, sizeof(*sets), GFP_KERNEL);
	if (!sets)
		return -ENOMEM;
	lenscap_names_for_each(&policy->profiles, i, object) {
		const struct lc_profile *core =
			&((struct lenscap_profile *)object)->core;

		sets[n++] = core->ruleset;
		gen->classes |= core->class;
	}
	sort(sets, n, sizeof(*sets), pointer_compare, NULL);

	gen->bytes = sizeof(*gen) + lc_generation_bytes(gen->core) +
		     policy->bytes +
		     ((u64)policy->devices.mask + 1) * sizeof(void *) +
		     ((u64)policy->profiles.mask + 1) * sizeof(void *) +
		     (u64)policy->nslots * (sizeof(void *) + sizeof(u32));
	for (i = 0; i < n; i++) {
		if (i && sets[i] == sets[i - 1])
			continue;
		gen->rulesets++;
		gen->ruleset_rules += sets[i]->count;
		gen->bytes += sizeof(struct lenscap_ruleset) + sets[i]->bytes;
	}
	kvfree(sets);
	return 0;
}

/**
 * lenscap_generation_create() - compile a staged policy
 * @policy: the policy; on success all that it holds passes to the generation
 * @conflict: receives the devices that an error is about
 *
 * Context: process.
 *
 * Return: the generation, unpublished, or an ERR_PTR() as of
 * lc_generation_create(). On error @policy is as it was.
 */
struct lenscap_generation *
lenscap_generation_create(struct lenscap_policy *policy,
			  struct lc_conflict *conflict)
{
	struct lc_policy compile = { .nprofiles = policy->nslots };
	const struct lc_profile **profiles;
	const struct lc_device **devices;
	struct lenscap_generation *gen;
	struct lenscap_object *object;
	int err = -ENOMEM;
	u32 i;

	gen = kzalloc(sizeof(*gen), GFP_KERNEL_ACCOUNT);
	devices = kvcalloc(policy->devices.count + 1, sizeof(*devices),
			   GFP_KERNEL);
	profiles = kvcalloc(policy->nslots + 1, sizeof(*profiles), GFP_KERNEL);
	if (!gen || !devices || !profiles)
		goto out;

	lenscap_names_for_each(&policy->devices, i, object)
		devices[compile.ndevices++] =
			&((struct lenscap_device *)object)->core;
	for (i = 0; i < policy->nslots; i++)
		if (policy->slots[i])
			profiles[i] = &policy->slots[i]->core;
	compile.devices = devices;
	compile.profiles = profiles;
	get_random_bytes(compile.seed, sizeof(compile.seed));

	err = lc_generation_create(&compile, &gen->core, conflict);
	if (err)
		goto out;
	gen->policy = *policy;
	err = take_stock(gen);
	if (err) {
		lc_generation_destroy(gen->core);
		goto out;
	}
	memset(policy, 0, sizeof(*policy));

out:
	kvfree(profiles);
	kvfree(devices);
	if (err) {
		kfree(gen);
		return ERR_PTR(err);
	}
	return gen;
}

static void generation_free(struct work_struct *work)
{
	struct lenscap_generation *gen =
		container_of(to_rcu_work(work), struct lenscap_generation,
			     free);

	lc_generation_destroy(gen->core);
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
