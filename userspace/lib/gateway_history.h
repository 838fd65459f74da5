/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gateway.yaml: its section "history".
 */
#ifndef LENSCAP_GATEWAY_HISTORY_H
#define LENSCAP_GATEWAY_HISTORY_H

#include "gateway.h"
#include "ytree.h"

void gateway_parse_history(const struct ytree *tree, const struct ynode *node,
			   struct gateway *gateway);

#endif /* LENSCAP_GATEWAY_HISTORY_H */
