// SPDX-License-Identifier: GPL-2.0-only
/*
 * The base chains of the interlock: where it stands in the packets' way.
 *
 * Ingress: directly after the module, which judges at the first priority, and
 * before any flowtable. All others: before all rules of the hook, so that none
 * accepts, queues or offloads what is to be dropped, or changes its mark.
 *
 * Prerouting is the one that holds: the kernel answers some packets before they
 * are forwarded or let in (no hops left, no route, a bad option, too big, a
 * fragment that stays alone), and the answer carries what they say to whomever
 * they name as their sender. Forward and input look again, at what has lost its
 * tag since, and at what did not come by there, as some tunnels unpack it.
 *
 * The ports under a guarded bridge or bond have a chain at the same place, for
 * what is left on them.
 *
 * A bridge has the same three, and looks at its sender's MAC in every family.
 * There, too, prerouting comes before what keeps, joins and answers packets:
 * connection tracking, br_netfilter, neighbour suppression. What enters by an
 * unguarded port to be routed is looked at in input again, and only on a bridge
 * that has no guard: see say_bridges().
 */
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "interlock_chain.h"

#define FIRST_PRIORITY	INT_MIN

/* Before the index of the interface, which has 10 digits at most. */
#define ON_GUARD	"on-"
#define ON_PORT		"under-"

_Static_assert(sizeof(ON_PORT) + 10 <=
	       sizeof(((struct base_chain *)0)->name),
	       "the name of a port's chain must fit");

#define CHAIN(table, label, count, where) {				\
	.family = (table), .name = (label), .counter = (count),		\
	.hook = (where), .priority = FIRST_PRIORITY,			\
}

const struct base_chain chains[CHAIN_ADDRESSES] = {
	CHAIN(NFPROTO_INET, "prerouting", INTERLOCK_PREROUTING,
	      NF_INET_PRE_ROUTING),
	CHAIN(NFPROTO_INET, "forward", INTERLOCK_FORWARD, NF_INET_FORWARD),
	CHAIN(NFPROTO_INET, "input", INTERLOCK_INPUT, NF_INET_LOCAL_IN),
	CHAIN(NFPROTO_BRIDGE, "prerouting", INTERLOCK_BRIDGE,
	      BRIDGE_PREROUTING),
	CHAIN(NFPROTO_BRIDGE, "forward", INTERLOCK_BRIDGE, BRIDGE_FORWARD),
	CHAIN(NFPROTO_BRIDGE, "input", INTERLOCK_BRIDGE, BRIDGE_INPUT),
};

/*
 * A chain is called by the index of its interface, which the interface keeps as
 * long as it lives. By name, each renaming would take another chain, and what
 * another processor has in hand would meet neither.
 */
static void at_ingress(struct base_chain *chain, const char *what,
		       unsigned int ifindex)
{
	*chain = (struct base_chain){
		.family = NFPROTO_NETDEV,
		.hook = NF_NETDEV_INGRESS,
		.priority = FIRST_PRIORITY + 1,
		.ifindex = ifindex,
	};
	(void)snprintf(chain->name, sizeof(chain->name), "%s%u", what, ifindex);
}

/**
 * chain_of_guard() - the chain on the interface of a guard
 * @chain: result
 * @guard: a guard whose interface exists
 *
 * An interface has one chain for all its guards.
 */
void chain_of_guard(struct base_chain *chain, const struct plan_guard *guard)
{
	at_ingress(chain, ON_GUARD, guard->ifindex);
}

/**
 * chain_of_port() - the chain on an interface under a guard
 * @chain: result; its counter is that of all ports
 * @port: the interface
 *
 * It may have guards of its own, and their chain.
 */
void chain_of_port(struct base_chain *chain, const struct plan_port *port)
{
	at_ingress(chain, ON_PORT, port->ifindex);
	chain->counter = INTERLOCK_PORTS;
}

/*
 * The kernel tells the name that the interface had when it was asked, and there
 * may be another by now. Only a name that is another's is of another chain.
 */
static bool stands(const struct interlock_item *item,
		   const struct base_chain *chain)
{
	unsigned int ifindex;

	if (!chain->ifindex || !*item->device)
		return !chain->ifindex && !*item->device;
	ifindex = if_nametoindex(item->device);
	return !ifindex || ifindex == chain->ifindex;
}

/**
 * chain_is() - is a chain of the kernel as it should be?
 * @item: the chain
 * @chain: what it should be
 */
bool chain_is(const struct interlock_item *item,
	      const struct base_chain *chain)
{
	return !strcmp(item->type, "filter") && item->hook == chain->hook &&
	       item->priority == chain->priority && item->accepts &&
	       stands(item, chain);
}
