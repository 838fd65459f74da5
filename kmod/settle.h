/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_SETTLE_H
#define _LENSCAP_SETTLE_H

#include "guard.h"
#include "table.h"

u16 lenscap_settle_now(void);
void lenscap_settle_begin(const struct lenscap_policy *live,
			  const struct lenscap_policy *next);
bool lenscap_settled(const struct lenscap_guard *guard,
		     const struct lenscap_generation *gen,
		     const struct lenscap_device *device);

#endif /* _LENSCAP_SETTLE_H */
