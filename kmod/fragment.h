/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_FRAGMENT_H
#define _LENSCAP_FRAGMENT_H

#include "guard.h"
#include "lenscap.h"
#include "stats.h"

int lenscap_fragments_create(struct lenscap_net *ln);
void lenscap_fragments_destroy(struct lenscap_net *ln);
void lenscap_fragments_add(struct lenscap_net *ln,
			   const struct lenscap_guard *guard,
			   const struct lenscap_stats *sender,
			   const struct lc_key *key,
			   const struct lc_first *first);
bool lenscap_fragments_find(struct lenscap_net *ln,
			    const struct lenscap_guard *guard,
			    const struct lenscap_stats *sender,
			    const struct lc_key *key, struct lc_first *first);
u32 lenscap_fragments_size(const struct lenscap_net *ln);
u64 lenscap_fragments_lost(const struct lenscap_net *ln);

#endif /* _LENSCAP_FRAGMENT_H */
