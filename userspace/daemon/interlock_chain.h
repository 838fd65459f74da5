/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The base chains of the interlock: where it stands in the packets' way.
 */
#ifndef LENSCAPD_INTERLOCK_CHAIN_H
#define LENSCAPD_INTERLOCK_CHAIN_H

#include "interlock_nft.h"

/**
 * struct base_chain - a chain that packets enter by themselves
 * @counter: what it drops is counted there; guards' chains have one for each
 *	guard
 * @hook: where in the packets' way
 * @priority: how early
 * @ifindex: of the interface of a guard's or port's chain, or 0
 * @family: of its table
 * @name: its name
 */
struct base_chain {
	const char *counter;
	uint32_t hook;
	int32_t priority;
	unsigned int ifindex;
	uint16_t family;
	char name[32];
};

/* Of <linux/netfilter_bridge.h>, which cannot be had beside <net/if.h>. */
#define BRIDGE_PREROUTING	0U
#define BRIDGE_INPUT	1U
#define BRIDGE_FORWARD	2U

/* Chains of the tables inet and bridge, which look at addresses. */
#define CHAIN_ADDRESSES 6U

extern const struct base_chain chains[CHAIN_ADDRESSES];

void chain_of_guard(struct base_chain *chain, const struct plan_guard *guard);
void chain_of_port(struct base_chain *chain, const struct plan_port *port);
bool chain_is(const struct interlock_item *item,
	      const struct base_chain *chain);

#endif /* LENSCAPD_INTERLOCK_CHAIN_H */
