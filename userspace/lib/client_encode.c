// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards, profiles and devices as netlink attributes.
 *
 * What has the value that the module assumes anyway is left out: a profile
 * may have 16,384 rules, a policy a hundred thousand devices.
 */
#include <string.h>

#include "client_internal.h"

/* Aligned bytes of an attribute with @len bytes of payload. */
#define ROOM(len)	(MNL_ATTR_HDRLEN + MNL_ALIGN(len))

#define PREFIX_ROOM	(ROOM(0) + ROOM(16) + ROOM(1))
#define RULE_ROOM	(ROOM(0) + ROOM(16) + 3 * ROOM(1) + 4 * ROOM(2))

size_t client_name_room(const char *name)
{
	return name ? ROOM(strlen(name) + 1) : 0;
}

static size_t address_len(const struct policy_prefix *prefix)
{
	return prefix->family == 6 ? 16 : 4;
}

static void put_prefix(struct nlmsghdr *nlh, uint16_t type,
		       const struct policy_prefix *prefix)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);
	size_t len = address_len(prefix);

	mnl_attr_put(nlh, LENSCAP_PREFIX_A_ADDRESS, len, prefix->addr);
	if (prefix->len != len * 8)
		mnl_attr_put_u8(nlh, LENSCAP_PREFIX_A_LENGTH, prefix->len);
	mnl_attr_nest_end(nlh, nest);
}

static void put_range(struct nlmsghdr *nlh, uint16_t type_low,
		      uint16_t type_high, uint16_t low, uint16_t high)
{
	if (low == 0 && high == UINT16_MAX)
		return;
	mnl_attr_put_u16(nlh, type_low, low);
	mnl_attr_put_u16(nlh, type_high, high);
}

static void put_rule(struct nlmsghdr *nlh, const struct policy_rule *rule)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, LENSCAP_PROFILE_A_RULE);

	mnl_attr_put(nlh, LENSCAP_RULE_A_ADDRESS, address_len(&rule->peer),
		     rule->peer.addr);
	mnl_attr_put_u8(nlh, LENSCAP_RULE_A_LENGTH, rule->peer.len);
	if (rule->proto >= 0)
		mnl_attr_put_u8(nlh, LENSCAP_RULE_A_PROTO,
				(uint8_t)rule->proto);
	mnl_attr_put_u8(nlh, LENSCAP_RULE_A_INITIATOR,
			rule->peer_initiates ? LENSCAP_INITIATOR_PEER :
					       LENSCAP_INITIATOR_DEVICE);
	put_range(nlh, LENSCAP_RULE_A_PEER_PORT_LOW,
		  LENSCAP_RULE_A_PEER_PORT_HIGH, rule->peer_low,
		  rule->peer_high);
	put_range(nlh, LENSCAP_RULE_A_DEVICE_PORT_LOW,
		  LENSCAP_RULE_A_DEVICE_PORT_HIGH, rule->device_low,
		  rule->device_high);
	mnl_attr_nest_end(nlh, nest);
}

size_t client_guard_room(const struct gateway_guard *guard)
{
	return client_name_room(guard->name) + client_name_room(guard->interface) + ROOM(2) +
	       2 * ROOM(1) + ROOM(4) + guard->nsubnets * PREFIX_ROOM;
}

void client_put_guard(struct nlmsghdr *nlh, const struct gateway_guard *guard)
{
	size_t i;

	mnl_attr_put_strz(nlh, LENSCAP_GUARD_A_NAME, guard->name);
	mnl_attr_put_strz(nlh, LENSCAP_GUARD_A_IFNAME, guard->interface);
	if (guard->vlan)
		mnl_attr_put_u16(nlh, LENSCAP_GUARD_A_VLAN, guard->vlan);
	mnl_attr_put_u8(nlh, LENSCAP_GUARD_A_IDENTITY, guard->identity);
	mnl_attr_put_u8(nlh, LENSCAP_GUARD_A_MODE, guard->mode);
	mnl_attr_put_u32(nlh, LENSCAP_GUARD_A_UPKEEP, guard->upkeep);
	for (i = 0; i < guard->nsubnets; i++)
		put_prefix(nlh, LENSCAP_GUARD_A_SUBNET, &guard->subnets[i]);
}

size_t client_profile_room(const struct policy_profile *profile)
{
	return client_name_room(profile->name) + ROOM(1) + ROOM(4) +
	       profile->nrules * RULE_ROOM;
}

void client_put_profile(struct nlmsghdr *nlh,
			const struct policy_profile *profile)
{
	size_t i;

	mnl_attr_put_strz(nlh, LENSCAP_PROFILE_A_NAME, profile->name);
	mnl_attr_put_u8(nlh, LENSCAP_PROFILE_A_MODE, profile->mode);
	mnl_attr_put_u32(nlh, LENSCAP_PROFILE_A_CLASS, profile->class);
	for (i = 0; i < profile->nrules; i++)
		put_rule(nlh, &profile->rules[i]);
}

size_t client_device_room(const struct policy_device *device)
{
	return client_name_room(device->name) + client_name_room(device->guard) + ROOM(6) +
	       client_name_room(device->profile) + device->naddrs * PREFIX_ROOM;
}

void client_put_device(struct nlmsghdr *nlh,
		       const struct policy_device *device)
{
	size_t i;

	mnl_attr_put_strz(nlh, LENSCAP_DEVICE_A_NAME, device->name);
	if (device->guard)
		mnl_attr_put_strz(nlh, LENSCAP_DEVICE_A_GUARD, device->guard);
	if (device->has_mac)
		mnl_attr_put(nlh, LENSCAP_DEVICE_A_MAC, sizeof(device->mac),
			     device->mac);
	mnl_attr_put_strz(nlh, LENSCAP_DEVICE_A_PROFILE, device->profile);
	for (i = 0; i < device->naddrs; i++)
		put_prefix(nlh, LENSCAP_DEVICE_A_ADDRESS, &device->addrs[i]);
}
