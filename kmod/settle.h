/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_SETTLE_H
#define _LENSCAP_SETTLE_H

#include "guard.h"
#include "table.h"

int lenscap_settle_create(struct lenscap_net *ln);
void lenscap_settle_destroy(struct lenscap_net *ln);
void lenscap_settle_begin(struct lenscap_net *ln,
			  const struct lenscap_policy *live,
			  const struct lenscap_generation *next);
void lenscap_settle_guard(struct lenscap_net *ln);
bool lenscap_settled(struct lenscap_net *ln, u8 family, const u8 *src);
void lenscap_settle_first(struct lenscap_net *ln,
			  const struct lc_device *device,
			  const struct lc_key *key);
bool lenscap_settle_cuts(struct lenscap_net *ln, const struct lc_frame *frame);
bool lenscap_settle_waits(struct lenscap_net *ln, const struct lc_frame *frame,
			  const struct lc_key *key);

#endif /* _LENSCAP_SETTLE_H */
