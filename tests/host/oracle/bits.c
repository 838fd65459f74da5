// SPDX-License-Identifier: GPL-2.0-only
/* Addresses bit by bit and devices one by one. */
#include "oracle.h"

bool oracle_bit(const u8 *bytes, u32 at)
{
	return bytes[at / 8] >> (7 - at % 8) & 1;
}

bool oracle_in(const struct lc_prefix *prefix, int family, const u8 *addr)
{
	u32 i;

	if (prefix->family != family)
		return false;
	for (i = 0; i < prefix->len; i++)
		if (oracle_bit(prefix->addr, i) != oracle_bit(addr, i))
			return false;
	return true;
}

bool oracle_on(const struct lc_device *device, u16 guard)
{
	return device->guard == LC_GUARD_ANY || device->guard == guard;
}

bool oracle_bound(const struct lc_device *device, int family, const u8 *addr)
{
	struct lc_prefix bound;
	u32 i;

	for (i = 0; i < device->naddrs; i++) {
		bound = device_addr(device, i);
		if (oracle_in(&bound, family, addr))
			return true;
	}
	return false;
}

bool oracle_zero(const u8 *bytes, u32 len)
{
	while (len--)
		if (*bytes++)
			return false;
	return true;
}

const struct lc_device *oracle_by_mac(const struct policy_list *policy,
				      u16 guard, const u8 *mac)
{
	u32 i;

	for (i = 0; i < policy->ndevices; i++) {
		const struct lc_device *device = policy->devices[i];

		if (device->has_mac && oracle_on(device, guard) &&
		    !memcmp(device->mac, mac, 6))
			return device;
	}
	return NULL;
}

const struct lc_device *oracle_by_addr(const struct policy_list *policy,
				       u16 guard, int family, const u8 *addr)
{
	u32 i;

	for (i = 0; i < policy->ndevices; i++) {
		const struct lc_device *device = policy->devices[i];

		if (!device->has_mac && oracle_on(device, guard) &&
		    oracle_bound(device, family, addr))
			return device;
	}
	return NULL;
}

/* Whether one frame on one guard could be taken for both. */
bool oracle_conflict(const struct lc_device *a, const struct lc_device *b)
{
	struct lc_prefix addr;
	u32 i;

	if (a->has_mac != b->has_mac)
		return false;
	if (a->guard != LC_GUARD_ANY && b->guard != LC_GUARD_ANY &&
	    a->guard != b->guard)
		return false;
	if (a->has_mac)
		return !memcmp(a->mac, b->mac, 6);
	for (i = 0; i < a->naddrs; i++) {
		addr = device_addr(a, i);
		if (oracle_bound(b, addr.family, addr.addr))
			return true;
	}
	return false;
}
