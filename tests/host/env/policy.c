// SPDX-License-Identifier: GPL-2.0-only
/* A generation from arrays of devices and profiles. */
#include "policy.h"

struct lc_device *device_create(const struct lc_prefix *addrs, u32 count)
{
	struct lc_device *device;

	device = calloc(1, sizeof(*device) + lc_device_packed(addrs, count));
	if (!device)
		abort();
	lc_device_bind(device, addrs, count);
	return device;
}

struct lc_prefix device_addr(const struct lc_device *device, u32 index)
{
	struct lc_prefix addr;

	lc_device_addr(device, index, &addr);
	return addr;
}

static int fill(struct lc_generation *gen, const struct lc_policy *policy,
		struct lc_conflict *conflict)
{
	int err = 0;
	u32 i;

	for (i = 0; i < policy->nprofiles && !err; i++)
		if (policy->profiles[i])
			err = lc_generation_set_profile(gen, i,
							policy->profiles[i]);
	for (i = 0; i < policy->ndevices && !err; i++) {
		if (!policy->devices[i])
			continue;
		err = lc_generation_add(gen, policy->devices[i], conflict);
		if (err == -EINVAL)
			conflict->first = policy->devices[i];
		if (!err)
			err = lc_generation_use(gen,
						policy->devices[i]->profile, 1);
	}
	return err;
}

int lc_generation_create(const struct lc_policy *policy,
			 struct lc_generation **result,
			 struct lc_conflict *conflict)
{
	struct lc_generation *gen = malloc(sizeof(*gen));
	int err;

	if (!gen)
		abort();
	conflict->first = NULL;
	conflict->second = NULL;
	lc_generation_init(gen, policy->seed);
	err = fill(gen, policy, conflict);
	if (err) {
		lc_generation_destroy(gen);
		return err;
	}
	*result = gen;
	return 0;
}

void lc_generation_destroy(struct lc_generation *gen)
{
	if (!gen)
		return;
	lc_generation_drop(gen);
	free(gen);
}
