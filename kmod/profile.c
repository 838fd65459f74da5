// SPDX-License-Identifier: GPL-2.0-only
/*
 * Profiles and rulesets. Profiles that permit the same share one ruleset, in
 * whatever policy or namespace they are. See table.c for who owns what.
 */
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "hits.h"
#include "table.h"

static u32 leaf_hash(const void *leaf)
{
	const struct lenscap_profile *profile = leaf;

	return lenscap_name_hash(profile->name);
}

static void leaf_get(const void *leaf)
{
	struct lenscap_profile *profile = (struct lenscap_profile *)leaf;

	refcount_inc(&profile->refs);
}

/* A policy may have 50,000: dropping one is long work. */
static void leaf_put(const void *leaf)
{
	lenscap_profile_put((struct lenscap_profile *)leaf);
	cond_resched();
}

const struct lc_trie_type lenscap_profile_names = {
	.words = 1,
	.hash = leaf_hash,
	.get = leaf_get,
	.put = leaf_put,
};

/* Of a policy; the profiles own them. */
const struct lc_trie_type lenscap_ruleset_type = { .words = 2 };

static u32 key_hash(const void *key, u32 len, u32 seed)
{
	const struct lc_ruleset *core = key;

	return core->hash ^ seed;
}

static u32 ruleset_hash(const void *object, u32 len, u32 seed)
{
	const struct lenscap_ruleset *set = object;

	return key_hash(set->core, len, seed);
}

static int ruleset_compare(struct rhashtable_compare_arg *arg,
			   const void *object)
{
	const struct lenscap_ruleset *set = object;

	return !lc_ruleset_equal(arg->key, set->core);
}

static const struct rhashtable_params rulesets_params = {
	.head_offset = offsetof(struct lenscap_ruleset, node),
	.hashfn = key_hash,
	.obj_hashfn = ruleset_hash,
	.obj_cmpfn = ruleset_compare,
	.automatic_shrinking = true,
};

/* All rulesets of all namespaces. The lock is for what is between finding one
 * and having a reference, and between the last reference and its end.
 */
static struct rhashtable rulesets;
static DEFINE_MUTEX(rulesets_lock);

/**
 * lenscap_rulesets_init() - at module load
 *
 * Return: 0 or a negative error.
 */
int lenscap_rulesets_init(void)
{
	return rhashtable_init(&rulesets, &rulesets_params);
}

/**
 * lenscap_rulesets_exit() - at module unload, when no profile is left
 */
void lenscap_rulesets_exit(void)
{
	rhashtable_destroy(&rulesets);
}

/* Rules that nobody has yet get counters. */
static int ruleset_insert(struct lenscap_ruleset *set)
{
	struct lc_ruleset *counted = lenscap_hits_attach(set->core);
	int err;

	if (!counted)
		return -ENOMEM;
	lc_ruleset_destroy(set->core);
	set->core = counted;
	set->since = lenscap_now();
	err = rhashtable_insert_fast(&rulesets, &set->node, rulesets_params);
	if (!err)
		return 0;
	/* The caller frees one without. */
	set->core = NULL;
	lenscap_hits_detach(counted);
	return err;
}

/* The ruleset with these rules, found or made. */
static struct lenscap_ruleset *ruleset_get(const struct lc_rule *rules,
					   u32 count)
{
	struct lenscap_ruleset *found, *set;
	int err;

	set = kzalloc(sizeof(*set), GFP_KERNEL);
	if (!set)
		return ERR_PTR(-ENOMEM);
	refcount_set(&set->refs, 1);
	err = lc_ruleset_create(rules, count, &set->core);
	if (err) {
		kfree(set);
		return ERR_PTR(err);
	}

	mutex_lock(&rulesets_lock);
	found = rhashtable_lookup_fast(&rulesets, set->core, rulesets_params);
	if (found)
		refcount_inc(&found->refs);
	else
		err = ruleset_insert(set);
	mutex_unlock(&rulesets_lock);
	if (!found && !err)
		return set;
	lc_ruleset_destroy(set->core);
	kfree(set);
	return found ?: ERR_PTR(err);
}

static void ruleset_put(struct lenscap_ruleset *set)
{
	if (!refcount_dec_and_mutex_lock(&set->refs, &rulesets_lock))
		return;
	rhashtable_remove_fast(&rulesets, &set->node, rulesets_params);
	mutex_unlock(&rulesets_lock);
	lenscap_hits_detach(set->core);
	kfree(set);
}

/**
 * lenscap_ruleset_hash() - hash of a ruleset, for the table of a policy
 * @set: the ruleset
 */
u32 lenscap_ruleset_hash(const struct lenscap_ruleset *set)
{
	return set->core->hash * 0x9e3779b1U;
}

/**
 * lenscap_ruleset_bytes() - memory that a ruleset takes
 * @set: the ruleset
 */
size_t lenscap_ruleset_bytes(const struct lenscap_ruleset *set)
{
	return sizeof(*set) + set->core->bytes + lenscap_hits_bytes(set->core);
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

	profile = kzalloc(sizeof(*profile) + strlen(name) + 1, GFP_KERNEL);
	if (!profile)
		return ERR_PTR(-ENOMEM);
	profile->ruleset = ruleset_get(rules, count);
	if (IS_ERR(profile->ruleset)) {
		int err = PTR_ERR(profile->ruleset);

		kfree(profile);
		return ERR_PTR(err);
	}
	refcount_set(&profile->refs, 1);
	profile->core.ruleset = profile->ruleset->core;
	strcpy(profile->name, name);
	return profile;
}

/**
 * lenscap_profile_put() - drop a reference
 * @profile: the profile
 */
void lenscap_profile_put(struct lenscap_profile *profile)
{
	if (!refcount_dec_and_test(&profile->refs))
		return;
	ruleset_put(profile->ruleset);
	kfree(profile);
}

/**
 * lenscap_profile_bytes() - memory that a profile takes, without its ruleset
 * @profile: the profile
 */
size_t lenscap_profile_bytes(const struct lenscap_profile *profile)
{
	return sizeof(*profile) + strlen(profile->name) + 1;
}
