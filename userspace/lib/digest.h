/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tells one policy from another.
 */
#ifndef LENSCAP_DIGEST_H
#define LENSCAP_DIGEST_H

#include "policy.h"

void digest_bundle(const struct policy_bundle *bundle,
		   uint8_t digest[POLICY_DIGEST_LEN]);

#endif /* LENSCAP_DIGEST_H */
