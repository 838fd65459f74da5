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
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "interlock_chain.h"

#define FIRST_PRIORITY	INT_MIN

#define ON_GUARD	"on-"
#define ON_PORT		"under-"

/* The interface and the NUL, each byte of it perhaps as "/40". */
_Static_assert(sizeof(ON_PORT) + 3 * IF_NAMESIZE <=
	       sizeof(((struct base_chain *)0)->name),
	       "the name of a port's chain must fit");

const struct base_chain chains[CHAIN_ADDRESSES] = {
	{ NFPROTO_INET, "prerouting", INTERLOCK_PREROUTING,
	  NF_INET_PRE_ROUTING, FIRST_PRIORITY, "" },
	{ NFPROTO_INET, "forward", INTERLOCK_FORWARD, NF_INET_FORWARD,
	  FIRST_PRIORITY, "" },
	{ NFPROTO_INET, "input", INTERLOCK_INPUT, NF_INET_LOCAL_IN,
	  FIRST_PRIORITY, "" },
	{ NFPROTO_BRIDGE, "prerouting", INTERLOCK_BRIDGE, BRIDGE_PREROUTING,
	  FIRST_PRIORITY, "" },
	{ NFPROTO_BRIDGE, "forward", INTERLOCK_BRIDGE, BRIDGE_FORWARD,
	  FIRST_PRIORITY, "" },
	{ NFPROTO_BRIDGE, "input", INTERLOCK_BRIDGE, BRIDGE_INPUT,
	  FIRST_PRIORITY, "" },
};

/* What nft(8) reads back as the name of a chain. */
static bool plain(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' ||
	       byte == '_';
}

static void at_ingress(struct base_chain *chain, const char *what,
		       const char interface[IF_NAMESIZE])
{
	char *at = chain->name;

	*chain = (struct base_chain){
		.family = NFPROTO_NETDEV,
		.hook = NF_NETDEV_INGRESS,
		.priority = FIRST_PRIORITY + 1,
	};
	at += sprintf(at, "%s", what);
	for (const char *byte = interface; *byte; byte++)
		at += sprintf(at, plain(*byte) ? "%c" : "/%02x",
			      (unsigned char)*byte);
	memcpy(chain->device, interface, sizeof(chain->device));
}

/**
 * chain_of_guard() - the chain on the interface of a guard
 * @chain: result
 * @guard: the guard
 *
 * An interface has one chain for all its guards, called after it.
 */
void chain_of_guard(struct base_chain *chain, const struct plan_guard *guard)
{
	at_ingress(chain, ON_GUARD, guard->interface);
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
	at_ingress(chain, ON_PORT, port->interface);
	chain->counter = INTERLOCK_PORTS;
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
	       !strcmp(item->device, chain->device);
}
