// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock: which interfaces are under a guard, and the bridge it is of.
 *
 * A bond, a team or a bridge takes frames over from its ports, and a guard on it
 * judges what it took over. What it leaves on a port passes the guard; so the
 * interlock stands on the ports as well. Interfaces are listed when the kernel
 * has told of a change, not whenever somebody looks at the interlock.
 *
 * A port that leaves, as all do when a bridge is deleted, would route what comes by
 * it, from addresses that no policy names. So it is held on, until something else
 * takes its frames over or gateway.yaml is read again.
 */
#include <arpa/inet.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>

#include "interlock.h"
#include "log.h"
#include "mem.h"

/* As deep as the kernel lets interfaces stand on one another: MAX_NEST_DEV. */
#define DEPTH 8U

/* Others with ports may leave them packets of their own, as batman-adv does. */
static bool takes_over(const char *kind)
{
	return !strcmp(kind, "bridge") || !strcmp(kind, "bond") ||
	       !strcmp(kind, "team");
}

static void take_link(struct interlock_link *link, struct rtnl_link *from)
{
	const char *kind = rtnl_link_get_type(from);
	const char *name = rtnl_link_get_name(from);
	int elsewhere;

	*link = (struct interlock_link){
		.index = (unsigned int)rtnl_link_get_ifindex(from),
		.master = (unsigned int)rtnl_link_get_master(from),
		.ethernet = rtnl_link_get_arptype(from) == ARPHRD_ETHER,
		.bridge = kind && !strcmp(kind, "bridge"),
		.takes_over = kind && takes_over(kind),
	};
	(void)snprintf(link->name, sizeof(link->name), "%s", name ? name : "");
	if (!rtnl_link_is_vlan(from) ||
	    !rtnl_link_get_link_netnsid(from, &elsewhere))
		return;
	link->lower = (unsigned int)rtnl_link_get_link(from);
	link->vlan = (uint16_t)rtnl_link_vlan_get_id(from);
	link->protocol = ntohs((uint16_t)rtnl_link_vlan_get_protocol(from));
}

static void take_links(struct interlock_links *links, struct nl_cache *cache)
{
	links->count = 0;
	for (struct nl_object *object = nl_cache_get_first(cache); object;
	     object = nl_cache_get_next(object)) {
		links->items = mem_array_room(links->items, links->count, 1,
					      sizeof(*links->items));
		take_link(&links->items[links->count++],
			  (struct rtnl_link *)object);
	}
}

/**
 * under_refresh() - list the interfaces, if they may have changed
 * @links: the list; what it was stays if they cannot be listed
 */
void under_refresh(struct interlock_links *links)
{
	struct nl_sock *socket;
	struct nl_cache *cache;
	int error;

	if (links->fresh)
		return;
	socket = nl_socket_alloc();
	if (!socket)
		abort();
	error = nl_connect(socket, NETLINK_ROUTE);
	if (!error)
		error = rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache);
	if (!error) {
		take_links(links, cache);
		nl_cache_free(cache);
	} else if (!links->failed) {
		log_warning("interfaces cannot be listed (%s): the interlock does not follow the ports of guarded bridges and bonds until they can",
			    nl_geterror(error));
	}
	links->fresh = !error;
	links->failed = error;
	nl_socket_free(socket);
}

/**
 * under_free() - free the list
 * @links: it
 */
void under_free(struct interlock_links *links)
{
	free(links->items);
	*links = (struct interlock_links){ 0 };
}

static const struct interlock_link *find(const struct interlock_links *links,
					 unsigned int index)
{
	for (size_t i = 0; index && i < links->count; i++)
		if (links->items[i].index == index)
			return &links->items[i];
	return NULL;
}

/* What reaches a VLAN device came by the ports of what it stands on. */
static void add_under(const struct interlock_links *links,
		      const struct interlock_link *above,
		      struct interlock_plan *plan, unsigned int depth)
{
	const struct interlock_link *lower = find(links, above->lower);

	if (!depth)
		return;
	if (lower)
		add_under(links, lower, plan, depth - 1);
	for (size_t i = 0; i < links->count; i++) {
		const struct interlock_link *link = &links->items[i];

		if (!above->takes_over || link->master != above->index)
			continue;
		if (link->ethernet)
			plan_add_port(plan, link->name, link->index, false);
		add_under(links, link, plan, depth - 1);
	}
}

/* The bridge by whose input chain a guard's frames come, and their VLAN there. */
static void find_bridge(const struct interlock_links *links,
			const struct interlock_link *link,
			struct plan_guard *guard)
{
	uint16_t vlan = guard->vlan, protocol = 0;

	if (!link->bridge && !vlan) {
		vlan = link->vlan;
		protocol = link->protocol;
		link = find(links, link->lower);
	}
	if (!link || !link->bridge)
		return;
	memcpy(guard->bridge, link->name, sizeof(guard->bridge));
	guard->bridge_vlan = vlan;
	guard->bridge_protocol = protocol;
}

/* One that judges what has no tag as well. */
static bool has_guard(const struct interlock_plan *plan, unsigned int ifindex)
{
	for (size_t i = 0; i < plan->nguards; i++)
		if (plan->guards[i].ifindex == ifindex && !plan->guards[i].vlan)
			return true;
	return false;
}

/* Not so by a VRF. */
static bool is_taken(const struct interlock_links *links,
		     const struct interlock_link *link)
{
	const struct interlock_link *master = find(links, link->master);

	return master && master->takes_over;
}

static void add_left(const struct interlock_links *links,
		     const struct interlock_plan *before,
		     struct interlock_plan *plan)
{
	for (size_t i = 0; i < before->nports; i++) {
		const struct interlock_link *link =
			find(links, before->ports[i].ifindex);

		if (link && !is_taken(links, link) &&
		    !has_guard(plan, link->index))
			plan_add_port(plan, link->name, link->index, true);
	}
}

/**
 * under_guards() - complete a plan by the ports and bridges of its guards
 * @links: the interfaces
 * @before: the plan whose ports are held on, or NULL
 * @plan: it has all guards; not finished
 */
void under_guards(const struct interlock_links *links,
		  const struct interlock_plan *before,
		  struct interlock_plan *plan)
{
	for (size_t i = 0; i < plan->nguards; i++) {
		struct plan_guard *guard = &plan->guards[i];
		const struct interlock_link *link = find(links, guard->ifindex);

		if (!link)
			continue;
		find_bridge(links, link, guard);
		if (!guard->open)
			add_under(links, link, plan, DEPTH);
	}
	if (before)
		add_left(links, before, plan);
}
