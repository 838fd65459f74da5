/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ranges of ports and of ICMP message types.
 */
#ifndef LENSCAP_PORTS_H
#define LENSCAP_PORTS_H

#include "ytree.h"

struct range {
	uint16_t low;
	uint16_t high;
};

struct ranges {
	struct range *list;
	size_t count;
};

bool ports_parse(const struct ytree *tree, const struct ynode *node,
		 const char *what, const char *key, struct ranges *ranges);
bool types_parse(const struct ytree *tree, const struct ynode *node,
		 const char *what, const char *key, struct ranges *ranges);
void ranges_full(struct ranges *ranges);
void ports_unprivileged(struct ranges *ranges);
void ranges_free(struct ranges *ranges);

#endif /* LENSCAP_PORTS_H */
