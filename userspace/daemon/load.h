/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bringing a checked policy into the kernel, in one transaction.
 */
#ifndef LENSCAPD_LOAD_H
#define LENSCAPD_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "policy.h"

/**
 * struct load - what to bring into the kernel
 * @policy: the policy
 * @base: what the live generation consists of, or NULL if that is not known:
 *	then everything is sent
 * @generation: the live generation, which must still be it
 * @rollback: the policy's revision may be lower than the live one
 */
struct load {
	const struct policy *policy;
	const struct policy *base;
	uint32_t generation;
	bool rollback;
};

enum load_result {
	LOAD_DONE,
	LOAD_REFUSED,	/* the diagnostics say what and why */
	LOAD_STALE,	/* another program changed the live generation */
	LOAD_NO_MODULE,
};

enum load_result load_policy(const struct load *load, uint32_t *generation,
			     struct diag *diag);

#endif /* LENSCAPD_LOAD_H */
