// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of rules.
 *
 * A frame that a rule permits counts in the row of its processor, in the counter
 * that the core names (core/hits.c), with one plain addition. Counters lie behind
 * the compiled rules, are there as long as those, and so need no lifetime of their
 * own. Rules that do not change stay what they are when a policy is replaced, and
 * their counters with them; whatever has other rules begins at zero, and so does
 * what left all policies and returns. A ruleset knows since when it counts.
 *
 * Profiles with the same rules share one ruleset, and so count together.
 *
 * Rows for each processor are what makes counting cheap, and large policies
 * expensive: 50,000 profiles of 20 rules each would take 25 MB for each processor.
 * Beyond LENSCAP_HITS_MEMORY a ruleset gets one row that all processors share, with
 * atomic additions. That is as exact, and costs as much as counting for a device
 * does: rulesets that are so many belong to few devices each.
 *
 * With the parameter hits=0 there are no counters, and a frame pays a branch.
 */
#include <linux/cpumask.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>

#include "hits.h"

static bool hits = true;
module_param(hits, bool, 0444);
MODULE_PARM_DESC(hits, "count for each rule how many frames it permits (default: yes)");

/* Bytes of all rows together but for one of each ruleset. */
#define LENSCAP_HITS_MEMORY	SZ_64M

static atomic_long_t taken;

static u32 rows_of(const struct lc_ruleset *set)
{
	if (!lenscap_hits_on(set))
		return 0;
	return set->row ? nr_cpu_ids : 1;
}

/**
 * lenscap_hits_attach() - give a ruleset counters
 * @set: a ruleset without
 *
 * Context: process. Return: a copy of it with counters, to be freed by
 * lenscap_hits_detach(), or NULL.
 */
struct lc_ruleset *lenscap_hits_attach(const struct lc_ruleset *set)
{
	long more = lc_ruleset_row(set) * (nr_cpu_ids - 1);
	struct lc_ruleset *counted;
	bool apart = true;

	if (!hits)
		return lc_ruleset_counted(set, 0, false);
	if (atomic_long_add_return(more, &taken) > LENSCAP_HITS_MEMORY) {
		atomic_long_sub(more, &taken);
		apart = !more;
	}
	counted = lc_ruleset_counted(set, apart ? nr_cpu_ids : 1, apart);
	if (!counted && apart)
		atomic_long_sub(more, &taken);
	return counted;
}

/**
 * lenscap_hits_detach() - free a ruleset with counters
 * @set: the ruleset
 *
 * Context: process, when no frame can see it.
 */
void lenscap_hits_detach(const struct lc_ruleset *set)
{
	if (rows_of(set) > 1)
		atomic_long_sub(lc_ruleset_row(set) * (rows_of(set) - 1),
				&taken);
	lc_ruleset_destroy(set);
}

/**
 * lenscap_hits_bytes() - memory that counters take
 * @set: a ruleset of lenscap_hits_attach()
 */
size_t lenscap_hits_bytes(const struct lc_ruleset *set)
{
	return lc_ruleset_row(set) * rows_of(set);
}

static u64 sum(const struct lc_ruleset *set, u32 counter)
{
	u32 rows = rows_of(set), i;
	u64 total = 0;

	for (i = 0; i < rows; i++)
		total += READ_ONCE(lenscap_hits_row(set, i)[counter]);
	return total;
}

/**
 * lenscap_hits_read() - how often a rule permitted a frame
 * @set: its ruleset
 * @rule: the rule
 * @number: its number, in the order of lc_rules_next()
 *
 * What was counted before the call is in it, and it never gets less.
 *
 * Context: process.
 */
u64 lenscap_hits_read(const struct lc_ruleset *set, const struct lc_rule *rule,
		      u32 number)
{
	u32 place = lc_rule_place(set, rule);

	return sum(set, lc_ruleset_places(set) + number) +
	       (place == LC_PLACE_NONE ? 0 : sum(set, place));
}
