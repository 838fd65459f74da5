/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A generation from arrays of devices and profiles, for tests and benchmarks.
 */
#ifndef LENSCAP_TEST_POLICY_H
#define LENSCAP_TEST_POLICY_H

#include "core.h"

/**
 * struct lc_policy - what a generation is compiled from
 * @devices: pointers, NULL entries are skipped
 * @ndevices: entries
 * @profiles: pointers by slot, NULL where no profile is
 * @nprofiles: entries
 * @seed: secret for the hashes
 */
struct lc_policy {
	const struct lc_device *const *devices;
	u32 ndevices;
	const struct lc_profile *const *profiles;
	u32 nprofiles;
	u64 seed[2];
};

/**
 * device_create() - a device with bound addresses, otherwise zero
 * @addrs: the addresses
 * @count: how many
 *
 * Return: the device, to be freed with free().
 */
struct lc_device *device_create(const struct lc_prefix *addrs, u32 count);

/**
 * device_addr() - one of a device's bound addresses
 * @device: the device
 * @index: which one
 */
struct lc_prefix device_addr(const struct lc_device *device, u32 index);

/**
 * lc_generation_create() - compile a policy
 * @policy: what it points to must outlive the result, the arrays need not
 * @result: receives the generation, to be freed with lc_generation_destroy()
 * @conflict: receives the device or devices that an error is about
 *
 * Return: 0 or what the core says.
 */
int lc_generation_create(const struct lc_policy *policy,
			 struct lc_generation **result,
			 struct lc_conflict *conflict);
void lc_generation_destroy(struct lc_generation *gen);

#endif /* LENSCAP_TEST_POLICY_H */
