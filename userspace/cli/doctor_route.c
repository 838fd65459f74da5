// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: routes by which a camera's upkeep leaves its LAN.
 *
 * Unicast upkeep may go to all addresses of a guard's subnets, in every mode. An
 * address of them that is routed elsewhere, by a more specific route or because none
 * leads to the cameras, takes it there.
 *
 * Routes are looked at as they come: a gateway may have a million of them.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "doctor.h"
#include "doctor_netlink.h"
#include "fields.h"

/**
 * struct subnet - one that unicast upkeep of a guard may go to
 * @guard: the guard
 * @prefix: the subnet
 * @covered: length of the longest route that holds all of it, -1: there is none
 * @covered_own: it leads to the cameras
 * @covered_by: to where it leads
 * @inside: a route to a part of it that leads elsewhere; len 0: none was found
 * @inside_by: to where
 */
struct subnet {
	const struct guarded *guard;
	struct policy_prefix prefix;
	int covered;
	bool covered_own;
	const struct link *covered_by;
	struct policy_prefix inside;
	const struct link *inside_by;
};

struct routes {
	const struct doctor *doctor;
	struct subnet *subnets;
	size_t count;
};

/* Does what leaves by an interface get to where the guard's cameras are? */
static bool leads_to(const struct doctor *doctor, const struct link *link,
		     const struct guarded *guard, int depth)
{
	const struct link *lower;

	if (link == guard->link)
		return true;
	if (!depth || (guard->vlan && link->vlan && link->vlan != guard->vlan))
		return false;
	lower = link->lower ? doctor_link(doctor, link->lower) : NULL;
	if (lower && leads_to(doctor, lower, guard, depth - 1))
		return true;
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *port = &doctor->links[i];

		if (port->master == link->index &&
		    leads_to(doctor, port, guard, depth - 1))
			return true;
	}
	return false;
}

static void see(const struct routes *routes, const struct policy_prefix *to,
		int index)
{
	const struct link *link = doctor_link(routes->doctor, index);

	if (!link)
		return;
	for (size_t i = 0; i < routes->count; i++) {
		struct subnet *subnet = &routes->subnets[i];
		bool own;

		if (to->family != subnet->prefix.family)
			continue;
		own = leads_to(routes->doctor, link, subnet->guard, LINK_DEPTH);
		if (to->len > subnet->prefix.len) {
			if (own || subnet->inside.len ||
			    !prefix_contains(&subnet->prefix, to))
				continue;
			subnet->inside = *to;
			subnet->inside_by = link;
		} else if (to->len >= subnet->covered &&
			   prefix_contains(to, &subnet->prefix)) {
			/* Of several alike, one that is right will do. */
			if (to->len == subnet->covered && subnet->covered_own)
				continue;
			subnet->covered = to->len;
			subnet->covered_own = own;
			subnet->covered_by = link;
		}
	}
}

static void see_hops(const struct routes *routes,
		     const struct policy_prefix *to, const struct nlattr *hops)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(hops);
	size_t rest = mnl_attr_get_payload_len(hops);

	while (rest >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= rest) {
		size_t step = RTNH_ALIGN(hop->rtnh_len);

		see(routes, to, hop->rtnh_ifindex);
		if (step >= rest)
			break;
		rest -= step;
		hop = (const void *)((const char *)hop + step);
	}
}

static int see_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct policy_prefix to = { .len = route->rtm_dst_len };
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    route->rtm_type != RTN_UNICAST || route->rtm_flags & RTM_F_CLONED ||
	    (route->rtm_family != AF_INET && route->rtm_family != AF_INET6))
		return MNL_CB_OK;
	to.family = route->rtm_family == AF_INET ? 4 : 6;
	mnl_attr_for_each(attr, message, sizeof(*route)) {
		if (mnl_attr_get_type(attr) == RTA_DST &&
		    mnl_attr_get_payload_len(attr) == (to.family == 4 ? 4 : 16))
			memcpy(to.addr, mnl_attr_get_payload(attr),
			       mnl_attr_get_payload_len(attr));
	}
	mnl_attr_for_each(attr, message, sizeof(*route)) {
		if (mnl_attr_get_type(attr) == RTA_OIF &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			see(data, &to, (int)mnl_attr_get_u32(attr));
		else if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			see_hops(data, &to, attr);
	}
	return MNL_CB_OK;
}

static int see_family(struct routes *routes, unsigned char family)
{
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *body;

	request->nlmsg_type = RTM_GETROUTE;
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->rtm_family = family;
	return doctor_dump(NETLINK_ROUTE, request, see_route, routes);
}

static const struct guarded *guarded_of(const struct doctor *doctor,
					const char *name)
{
	for (size_t i = 0; i < doctor->guard_count; i++)
		if (!strcmp(doctor->guards[i].name, name))
			return &doctor->guards[i];
	return NULL;
}

/* Subnets of guards whose interface is here. */
static void collect(struct routes *routes)
{
	char error[ADDRESS_ERROR];
	json_t *guard, *text;
	size_t i, j;

	json_array_foreach(field(routes->doctor->status, "guards"), i, guard) {
		const struct guarded *guarded =
			guarded_of(routes->doctor, field_str(guard, "name"));

		json_array_foreach(field(guard, "subnets"), j, text) {
			struct subnet subnet = { guarded, .covered = -1 };

			if (!guarded ||
			    !prefix_parse(json_string_value(text),
					  &subnet.prefix, error))
				continue;
			routes->subnets = cli_alloc(
				reallocarray(routes->subnets, routes->count + 1,
					     sizeof(subnet)));
			routes->subnets[routes->count++] = subnet;
		}
	}
}

static void judge(struct doctor *doctor, const struct subnet *subnet)
{
	static const char fix[] =
		"Name under \"subnets\" of the guard in gateway.yaml only what is on the cameras' link, or remove the route.";
	const struct finding finding = {
		"subnet-elsewhere", SEVERITY_WARNING, "guard",
		subnet->guard->name,
	};
	char whole[PREFIX_TEXT], part[PREFIX_TEXT];

	prefix_format(&subnet->prefix, whole);
	if (subnet->inside.len)
		doctor_find(doctor, &finding,
			    cli_format("The route to %s, which is inside subnet %s of the guard, leads to %s, so a camera's DHCP and neighbour solicitations to addresses there leave by it, whatever its profile permits.",
				       prefix_format(&subnet->inside, part),
				       whole, subnet->inside_by->name), fix);
	else if (subnet->covered >= 0 && !subnet->covered_own)
		doctor_find(doctor, &finding,
			    cli_format("Subnet %s of the guard is routed to %s, so a camera's DHCP and neighbour solicitations to addresses there leave by it, whatever its profile permits.",
				       whole, subnet->covered_by->name), fix);
}

/* The routes of a family, if what they say is done at all. Were they all seen? */
static bool see_forwarded(struct doctor *doctor, struct routes *routes,
			  int family, const char *path)
{
	int error = doctor_is_on(path);

	if (error < 0)
		doctor_unchecked(doctor, "subnet-elsewhere", "routes",
				 cli_format("%s could not be read: %s", path,
					    strerror(-error)));
	if (error <= 0)
		return !error;
	error = see_family(routes, family);
	if (error)
		doctor_unchecked(doctor, "subnet-elsewhere", "routes",
				 cli_format("the kernel did not list those of %s: %s",
					    family == AF_INET ? "IPv4" : "IPv6",
					    strerror(-error)));
	return !error;
}

/**
 * doctor_check_routes() - are a guard's subnets where its cameras are?
 * @doctor: the examination
 */
void doctor_check_routes(struct doctor *doctor)
{
	struct routes routes = { .doctor = doctor };

	collect(&routes);
	if (routes.count &&
	    see_forwarded(doctor, &routes, AF_INET, DOCTOR_FORWARDING4) &&
	    see_forwarded(doctor, &routes, AF_INET6, DOCTOR_FORWARDING6))
		for (size_t i = 0; i < routes.count; i++)
			judge(doctor, &routes.subnets[i]);
	free(routes.subnets);
}
