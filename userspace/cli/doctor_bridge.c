// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: what bridges pass from port to port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_netlink.h"

bool doctor_is_bridge(const struct link *link)
{
	return !strcmp(link->kind, "bridge");
}

static bool has_vlan(const struct link *link, int vlan)
{
	return link->bridged.vlans[vlan / 8] >> (vlan % 8) & 1;
}

static void add_vlans(struct bridged *bridged, int first, int last)
{
	for (int vlan = first; vlan <= last && vlan < VLAN_COUNT; vlan++)
		bridged->vlans[vlan / 8] |= (unsigned char)(1 << (vlan % 8));
}

/* Of what a bridge is: which attributes these are depends on the kind. */
static void read_bridge_data(struct link *link, const struct nlattr *data)
{
	bool filters = false, customer = true;
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_BR_VLAN_FILTERING:
			filters = mnl_attr_get_u8(attr);
			break;
		case IFLA_BR_VLAN_PROTOCOL:
			customer = mnl_attr_get_u16(attr) == htons(ETH_P_8021Q);
			break;
		case IFLA_BR_STP_STATE:
			link->bridged.stp = mnl_attr_get_u32(attr);
			break;
		case IFLA_BR_NF_CALL_IPTABLES:
		case IFLA_BR_NF_CALL_IP6TABLES:
		case IFLA_BR_NF_CALL_ARPTABLES:
			link->bridged.calls |= mnl_attr_get_u8(attr);
			break;
		default:
			break;
		}
	}
	/* If it tells service tags apart, cameras' own tags are content. */
	link->bridged.filters = filters && customer;
}

static int read_bridge(const struct nlmsghdr *message, void *doctor)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link *link = doctor_link(doctor, info->ifi_index);
	const struct nlattr *outer, *inner;

	if (!link || !doctor_is_bridge(link))
		return MNL_CB_OK;
	mnl_attr_for_each(outer, message, sizeof(*info)) {
		if (mnl_attr_get_type(outer) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(inner, outer) {
			if (mnl_attr_get_type(inner) == IFLA_INFO_DATA)
				read_bridge_data(link, inner);
		}
	}
	return MNL_CB_OK;
}

static void read_vlans(struct bridged *bridged, const struct nlattr *list)
{
	const struct nlattr *attr;
	int first = 0;

	mnl_attr_for_each_nested(attr, list) {
		struct bridge_vlan_info info;

		if (mnl_attr_get_type(attr) != IFLA_BRIDGE_VLAN_INFO ||
		    mnl_attr_get_payload_len(attr) < sizeof(info))
			continue;
		memcpy(&info, mnl_attr_get_payload(attr), sizeof(info));
		if (!(info.flags & BRIDGE_VLAN_INFO_RANGE_END))
			first = info.vid;
		add_vlans(bridged, first, info.vid);
		if (info.flags & BRIDGE_VLAN_INFO_PVID)
			bridged->pvid = info.vid;
	}
}

static int read_port(const struct nlmsghdr *message, void *doctor)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link *link = doctor_link(doctor, info->ifi_index);
	const struct nlattr *outer, *inner;

	if (!link)
		return MNL_CB_OK;
	mnl_attr_for_each(outer, message, sizeof(*info)) {
		if (mnl_attr_get_type(outer) == IFLA_AF_SPEC)
			read_vlans(&link->bridged, outer);
		if (mnl_attr_get_type(outer) != IFLA_PROTINFO)
			continue;
		mnl_attr_for_each_nested(inner, outer) {
			if (mnl_attr_get_type(inner) == IFLA_BRPORT_MODE)
				link->bridged.hairpin = mnl_attr_get_u8(inner);
			if (mnl_attr_get_type(inner) == IFLA_BRPORT_ISOLATED)
				link->bridged.isolated = mnl_attr_get_u8(inner);
		}
	}
	return MNL_CB_OK;
}

static int dump(struct doctor *doctor, unsigned char family, mnl_cb_t each)
{
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *body;

	request->nlmsg_type = RTM_GETLINK;
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->ifi_family = family;
	/* Each VLAN by itself would be 4094 of them for each port. */
	if (family == AF_BRIDGE)
		mnl_attr_put_u32(request, IFLA_EXT_MASK,
				 RTEXT_FILTER_BRVLAN_COMPRESSED);
	return doctor_dump(NETLINK_ROUTE, request, each, doctor);
}

/**
 * doctor_read_bridges() - ask which VLANs bridges pass, and between what
 * @doctor: the examination
 *
 * Return: 0, or a negative errno: then they are taken to pass all.
 */
int doctor_read_bridges(struct doctor *doctor)
{
	bool any = false;
	int error;

	for (size_t i = 0; i < doctor->link_count; i++)
		any = any || doctor_is_bridge(&doctor->links[i]);
	if (!any)
		return 0;
	error = dump(doctor, AF_BRIDGE, read_port);
	/* Without the VLANs of its ports, that it tells them apart is no use. */
	return error ? error : dump(doctor, AF_UNSPEC, read_bridge);
}

static bool share_vlan(const struct link *from, const struct link *to, int vlan)
{
	/* These tags are content to it. */
	if (vlan >= VLAN_SERVICE)
		vlan = from->bridged.pvid;
	if (vlan >= 0)
		return has_vlan(from, vlan) && has_vlan(to, vlan);
	for (size_t i = 0; i < ARRAY_SIZE(from->bridged.vlans); i++) {
		if (from->bridged.vlans[i] & to->bridged.vlans[i])
			return true;
	}
	return false;
}

static bool passes(const struct link *bridge, const struct link *from,
		   const struct link *to, int vlan)
{
	if (from == to && !from->bridged.hairpin)
		return false;
	if (from->bridged.isolated && to->bridged.isolated)
		return false;
	return !bridge->bridged.filters || share_vlan(from, to, vlan);
}

/**
 * doctor_bridge_passes() - does a bridge hand on what comes in by a port?
 * @doctor: the examination
 * @port: a port of a bridge
 * @vlan: its VLAN, VLAN_ANY for whatever has one
 *
 * Return: whether there is a port to which it does.
 */
bool doctor_bridge_passes(const struct doctor *doctor, const struct link *port,
			  int vlan)
{
	const struct link *bridge = doctor_link(doctor, port->master);

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *to = &doctor->links[i];

		if (to->master == bridge->index &&
		    passes(bridge, port, to, vlan))
			return true;
	}
	return false;
}

/**
 * doctor_bridge_takes() - does a bridge let frames of a VLAN in by a port?
 * @bridge: the bridge
 * @port: a port of it, or the bridge for what gets up to it
 * @vlan: the VLAN; 0 is: without a tag
 *
 * Return: whether it does.
 */
bool doctor_bridge_takes(const struct link *bridge, const struct link *port,
			 int vlan)
{
	if (!bridge->bridged.filters)
		return true;
	return vlan && vlan < VLAN_SERVICE ? has_vlan(port, vlan) :
					     port->bridged.pvid != 0;
}

/**
 * doctor_open_ports() - ports by which frames come in that no guard there judges
 * @doctor: the examination
 * @bridge: the bridge
 * @vlan: VLAN of the frames; 0 is: without a tag
 * @passes: only those from which frames get on to other ports
 *
 * Return: their names, to be freed, or NULL: there is none.
 */
char *doctor_open_ports(const struct doctor *doctor, const struct link *bridge,
			int vlan, bool passes)
{
	char *names = NULL;

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *port = &doctor->links[i];

		if (port->master == bridge->index &&
		    !doctor_covered(doctor, port, vlan, LINK_DEPTH) &&
		    (!passes || doctor_bridge_passes(doctor, port, vlan)))
			names = doctor_join(names, port->name);
	}
	return names;
}

/* Guards on the bridge, or on what stands on it. */
static bool check_above(struct doctor *doctor, const struct link *bridge)
{
	struct finding finding = {
		"guard-on-bridge", SEVERITY_WARNING, "interface", bridge->name,
	};
	bool found = false;

	for (size_t i = 0; i < doctor->guard_count; i++) {
		const struct guarded *guard = &doctor->guards[i];
		char id[32] = "", *names;
		int vlan;

		if (!doctor_stands_on(doctor, guard, bridge, &vlan))
			continue;
		names = doctor_open_ports(doctor, bridge, vlan, true);
		if (!names)
			continue;
		if (vlan > 0)
			snprintf(id, sizeof(id), " of VLAN %d",
				 vlan % VLAN_COUNT);
		doctor_find(doctor, &finding,
			    cli_format("The bridge passes frames%s between its ports without guard \"%s\" on %s seeing them, and no guard of its own judges what comes in by %s.",
				       id, guard->name, guard->link->name,
				       names),
			    "Put guards on the ports that lead to cameras.");
		free(names);
		found = true;
	}
	return found;
}

static void check_ports(struct doctor *doctor, const struct link *bridge)
{
	struct finding finding = {
		"bridge-port-unguarded", SEVERITY_NOTE, "interface",
		bridge->name,
	};
	bool guarded = false;
	char *names = NULL;

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *port = &doctor->links[i];

		if (port->master != bridge->index)
			continue;
		if (doctor_covered(doctor, port, VLAN_ANY, LINK_DEPTH))
			guarded = true;
		else
			names = doctor_join(names, port->name);
	}
	if (names && guarded)
		doctor_find(doctor, &finding,
			    cli_format("No guard judges what comes in by the ports %s of the bridge, so a camera that is moved there may talk to anyone.",
				       names),
			    "Give each port that a camera could reach a guard in gateway.yaml.");
	free(names);
}

/**
 * doctor_check_bridges() - are all ports of a guarded bridge guarded?
 * @doctor: the examination
 */
void doctor_check_bridges(struct doctor *doctor)
{
	if (doctor->bridges_error) {
		doctor_unchecked(doctor, "guard-on-bridge", "bridges",
				 cli_format("the kernel did not list their VLANs: %s",
					    strerror(-doctor->bridges_error)));
		doctor_unchecked(doctor, "vlan-unguarded", "bridges",
				 cli_format("the kernel did not list their VLANs: %s",
					    strerror(-doctor->bridges_error)));
	}
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *bridge = &doctor->links[i];

		if (doctor_is_bridge(bridge) && !check_above(doctor, bridge))
			check_ports(doctor, bridge);
	}
}
