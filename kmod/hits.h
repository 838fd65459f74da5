/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_HITS_H
#define _LENSCAP_HITS_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/smp.h>

#include "lenscap.h"

struct lc_ruleset *lenscap_hits_attach(const struct lc_ruleset *set);
void lenscap_hits_detach(const struct lc_ruleset *set);
size_t lenscap_hits_bytes(const struct lc_ruleset *set);
u64 lenscap_hits_read(const struct lc_ruleset *set, const struct lc_rule *rule,
		      u32 number);

/* Are there counters? */
static inline bool lenscap_hits_on(const struct lc_ruleset *set)
{
	return set->row != LC_ROW_NONE;
}

static inline u64 *lenscap_hits_row(const struct lc_ruleset *set, u32 row)
{
	return (u64 *)((u8 *)set + set->bytes + (size_t)set->row * row);
}

/**
 * lenscap_hit() - count a frame for the rule that permits it
 * @verdict: on a frame that passes, and not for audit's sake
 *
 * Context: softirq or process with bottom halves off, under rcu_read_lock(), so
 * that nobody else writes to this processor's row.
 */
static __always_inline void lenscap_hit(const struct lc_verdict *verdict)
{
	const struct lc_ruleset *set = verdict->ruleset;
	u64 *count = lenscap_hits_row(set, smp_processor_id()) + verdict->hit;

	if (likely(set->row > LC_ROW_NONE))
		WRITE_ONCE(*count, *count + 1);
	else if (!set->row)
		atomic64_inc((atomic64_t *)count);
}

#endif /* _LENSCAP_HITS_H */
