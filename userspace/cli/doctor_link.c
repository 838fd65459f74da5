// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: the interfaces, and which of them lead to a guard.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_netlink.h"
#include "fields.h"

/**
 * doctor_link() - find an interface
 * @doctor: the examination
 * @index: its index
 *
 * Return: the interface, NULL if there is none.
 */
struct link *doctor_link(const struct doctor *doctor, int index)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		if (doctor->links[i].index == index)
			return &doctor->links[i];
	}
	return NULL;
}

/* The kernel's word for either of its two kinds. */
bool doctor_is_ring(const struct link *link)
{
	return !strcmp(link->kind, "hsr");
}

/* The peer of a veth is named like a lower interface, but is none. */
static bool stands_on_another(const char *kind)
{
	static const char *const kinds[] = {
		"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kind, kinds[i]))
			return true;
	}
	return false;
}

/* Devices of both protocols may have the same id, and take different frames. */
static int service_bit(struct rtnl_link *vlan)
{
	int protocol = rtnl_link_vlan_get_protocol(vlan);

	return protocol == htons(ETH_P_8021AD) ? VLAN_SERVICE : 0;
}

static void read_link(struct link *link, struct rtnl_link *from)
{
	const char *name = rtnl_link_get_name(from);
	const char *kind = rtnl_link_get_type(from);
	int elsewhere;

	*link = (struct link){
		.index = rtnl_link_get_ifindex(from),
		.master = rtnl_link_get_master(from),
	};
	snprintf(link->name, sizeof(link->name), "%s", name ? name : "");
	snprintf(link->kind, sizeof(link->kind), "%s", kind ? kind : "");
	if (stands_on_another(link->kind) &&
	    rtnl_link_get_link_netnsid(from, &elsewhere) < 0)
		link->lower = rtnl_link_get_link(from);
	if (rtnl_link_is_vlan(from))
		link->vlan = rtnl_link_vlan_get_id(from) | service_bit(from);
}

static int read_links(struct doctor *doctor, struct nl_sock *socket)
{
	struct nl_object *object;
	struct nl_cache *cache;
	size_t size;
	int error = rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache);

	if (error)
		return error;
	size = (size_t)nl_cache_nitems(cache);
	doctor->links = cli_alloc(calloc(size + 1, sizeof(*doctor->links)));
	for (object = nl_cache_get_first(cache);
	     object && doctor->link_count < size;
	     object = nl_cache_get_next(object))
		read_link(&doctor->links[doctor->link_count++],
			  (struct rtnl_link *)object);
	nl_cache_free(cache);
	return 0;
}

static int read_addresses(const struct doctor *doctor, struct nl_sock *socket)
{
	struct nl_object *object;
	struct nl_cache *cache;
	int error = rtnl_addr_alloc_cache(socket, &cache);

	if (error)
		return error;
	for (object = nl_cache_get_first(cache); object;
	     object = nl_cache_get_next(object)) {
		struct rtnl_addr *addr = (struct rtnl_addr *)object;
		struct link *link =
			doctor_link(doctor, rtnl_addr_get_ifindex(addr));

		if (link && rtnl_addr_get_scope(addr) < RT_SCOPE_LINK)
			link->address = true;
	}
	nl_cache_free(cache);
	return 0;
}

static void read_xdp(struct link *link, const struct nlattr *list)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, list) {
		if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED)
			link->xdp = mnl_attr_get_u8(attr) != XDP_ATTACHED_NONE;
	}
}

/* The kernel does not name a ring as the master of its ports. */
static void read_ring(const struct doctor *doctor, struct link *ring,
		      const struct nlattr *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		unsigned int type = mnl_attr_get_type(attr);
		struct link *port;

		/* Parallel redundancy takes frames without its tag, too. */
		if (type == IFLA_HSR_PROTOCOL)
			ring->whole = mnl_attr_get_u8(attr) == HSR_PROTOCOL_PRP;
		if (type != IFLA_HSR_SLAVE1 && type != IFLA_HSR_SLAVE2)
			continue;
		port = doctor_link(doctor, (int)mnl_attr_get_u32(attr));
		if (port && !port->master)
			port->master = ring->index;
	}
}

/* What libnl does not know. */
static int read_rest(const struct nlmsghdr *message, void *doctor)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link *link = doctor_link(doctor, info->ifi_index);
	const struct nlattr *outer, *inner;

	if (!link)
		return MNL_CB_OK;
	mnl_attr_for_each(outer, message, sizeof(*info)) {
		if (mnl_attr_get_type(outer) == IFLA_XDP)
			read_xdp(link, outer);
		if (mnl_attr_get_type(outer) != IFLA_LINKINFO ||
		    !doctor_is_ring(link))
			continue;
		mnl_attr_for_each_nested(inner, outer) {
			if (mnl_attr_get_type(inner) == IFLA_INFO_DATA)
				read_ring(doctor, link, inner);
		}
	}
	return MNL_CB_OK;
}

static bool read_all(struct doctor *doctor)
{
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nl_sock *socket = cli_alloc(nl_socket_alloc());
	int error = nl_connect(socket, NETLINK_ROUTE);

	if (!error)
		error = read_links(doctor, socket);
	if (!error)
		error = read_addresses(doctor, socket);
	nl_socket_free(socket);
	if (error)
		return false;

	request->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	doctor->xdp_known = !doctor_dump(NETLINK_ROUTE, request, read_rest,
					 doctor);
	doctor->bridges_error = doctor_read_bridges(doctor);
	return true;
}

/* Frames of @link come through what it stands on, and through its ports. */
static void mark(const struct doctor *doctor, struct link *link,
		 const char *guard, int depth)
{
	if (!link || link->guard || !depth)
		return;
	link->guard = guard;
	mark(doctor, doctor_link(doctor, link->lower), guard, depth - 1);
	for (size_t i = 0; i < doctor->link_count; i++) {
		if (doctor->links[i].master == link->index)
			mark(doctor, &doctor->links[i], guard, depth - 1);
	}
}

struct link *doctor_named(const struct doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		if (!strcmp(doctor->links[i].name, name))
			return &doctor->links[i];
	}
	return NULL;
}

/*
 * The guard's interface, NULL if it is not here. An armed guard knows the index
 * too: if that is another's, the daemon runs in another network namespace.
 */
static struct link *find_link(struct doctor *doctor, const json_t *guard)
{
	const char *name = field_str(guard, "interface");
	const char *state = field_str(guard, "state");
	json_int_t index = field_int(guard, "ifindex");
	struct link *link = doctor_named(doctor, name);

	if (link && (!index || link->index == index))
		return link;
	if (strcmp(state, "waiting") != 0)
		doctor_unchecked(doctor, "interface", field_str(guard, "name"),
				 cli_format("interface %s of the guard is not in this network namespace, so nothing before the guard or beside it was looked at",
					    name));
	return NULL;
}

/**
 * doctor_links() - read the interfaces and find the guards among them
 * @doctor: the examination
 *
 * Return: false if they could not be read.
 */
bool doctor_links(struct doctor *doctor)
{
	const json_t *guards = field(doctor->status, "guards");
	json_t *guard;
	size_t i;

	if (!read_all(doctor))
		return false;
	doctor->guards = cli_alloc(calloc(json_array_size(guards) + 1,
					  sizeof(*doctor->guards)));
	json_array_foreach(guards, i, guard) {
		struct guarded *guarded =
			&doctor->guards[doctor->guard_count];

		guarded->link = find_link(doctor, guard);
		if (!guarded->link)
			continue;
		guarded->name = field_str(guard, "name");
		guarded->vlan = (int)field_int(guard, "vlan");
		doctor->guard_count++;
		mark(doctor, guarded->link, guarded->name, LINK_DEPTH);
	}
	return true;
}

/**
 * doctor_links_free() - forget the interfaces
 * @doctor: the examination
 */
void doctor_links_free(struct doctor *doctor)
{
	free(doctor->links);
	free(doctor->guards);
}
