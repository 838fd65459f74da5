// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: one camera each. See table.c for who owns what, and for how long.
 */
#include <linux/slab.h>

#include "table.h"

static u32 leaf_hash(const void *leaf)
{
	return lenscap_name_hash(lenscap_device_name(leaf));
}

static void leaf_get(const void *leaf)
{
	lenscap_device_get((struct lenscap_device *)leaf);
}

/* A policy may have 50,000: dropping one is long work. */
static void leaf_put(const void *leaf)
{
	lenscap_device_put((struct lenscap_device *)leaf);
	cond_resched();
}

const struct lc_trie_type lenscap_device_names = {
	.words = 1,
	.hash = leaf_hash,
	.get = leaf_get,
	.put = leaf_put,
};

static size_t name_offset(size_t packed)
{
	return offsetof(struct lenscap_device, core) + lc_device_bytes(packed);
}

/**
 * lenscap_device_create() - a device without MAC, guard or profile
 * @name: its name, at most LENSCAP_NAME_LEN bytes
 * @addrs: its bound addresses
 * @count: how many, at most LENSCAP_MAX_ADDRESSES
 *
 * Context: process. Return: the device with one reference, or NULL.
 */
struct lenscap_device *lenscap_device_create(const char *name,
					     const struct lc_prefix *addrs,
					     u32 count)
{
	size_t offset = name_offset(lc_device_packed(addrs, count));
	struct lenscap_device *device;

	/* Frames write to what lies between: see struct lenscap_device. */
	BUILD_BUG_ON(offsetof(struct lenscap_device, stats.counts) != 32);
	BUILD_BUG_ON(offsetof(struct lenscap_device, core) != 64);
	BUILD_BUG_ON(offsetof(struct lenscap_device, core) -
		     offsetof(struct lenscap_device, stats.counts) !=
		     LC_COUNTERS_BEFORE);
	BUILD_BUG_ON(offsetof(struct lenscap_device, core.bound) + 5 + 12 != 96);

	device = kzalloc(offset + strlen(name) + 1, GFP_KERNEL);
	if (!device)
		return NULL;
	refcount_set(&device->refs, 1);
	device->name = offset;
	strcpy((char *)device + offset, name);
	lc_device_bind(&device->core, addrs, count);
	return device;
}

/**
 * lenscap_device_bytes() - memory that a device takes
 * @device: the device
 */
size_t lenscap_device_bytes(const struct lenscap_device *device)
{
	return device->name + strlen(lenscap_device_name(device)) + 1;
}

/**
 * lenscap_device_get() - take another reference
 * @device: the device
 */
void lenscap_device_get(struct lenscap_device *device)
{
	refcount_inc(&device->refs);
}

/**
 * lenscap_device_put() - drop a reference
 * @device: the device
 */
void lenscap_device_put(struct lenscap_device *device)
{
	if (!refcount_dec_and_test(&device->refs))
		return;
	if (device->core.user)
		lenscap_device_put(device->owner);
	kfree(device);
}

/**
 * lenscap_device_count_in() - go on with the counters of another device
 * @device: a device that no policy holds yet
 * @old: the device of the same name that it is to replace
 *
 * Counters belong to the name: packets that are still with the old device and
 * those that come to the new one count in the same place, which stays for as
 * long as either does.
 */
void lenscap_device_count_in(struct lenscap_device *device,
			     struct lenscap_device *old)
{
	struct lenscap_device *owner = old->core.user ? old->owner : old;

	lenscap_device_get(owner);
	device->owner = owner;
	device->core.user = 1;
}

/**
 * lenscap_device_equal() - whether two devices of one name say the same
 * @a: one
 * @b: the other
 */
bool lenscap_device_equal(const struct lenscap_device *a,
			  const struct lenscap_device *b)
{
	const struct lc_device *x = &a->core, *y = &b->core;

	return a->name == b->name && x->profile == y->profile &&
	       x->guard == y->guard && x->has_mac == y->has_mac &&
	       x->naddrs == y->naddrs &&
	       !memcmp(x->mac, y->mac, sizeof(x->mac)) &&
	       !memcmp(x->bound, y->bound, a->name - name_offset(0));
}
