// SPDX-License-Identifier: GPL-2.0-only
/* A small policy and a guard. */
#include "world.h"

void parse(const struct pkt *p, struct lc_key *key)
{
	if (!frame_parse(p, key))
		FAIL("the key depends on what is contiguous, or on garbage");
}

u8 parse_reason(const struct pkt *p)
{
	struct lc_key key;

	parse(p, &key);
	return key.reason;
}

struct lc_rule rule(const char *peer, u16 number, u8 initiator, u16 low,
		    u16 high)
{
	struct lc_rule r = {
		.peer = prefix_of(peer),
		.proto = number,
		.initiator = initiator,
		.peer_low = low,
		.peer_high = high,
		.device_high = 65535,
	};

	return r;
}

struct lc_rule rule_any(const char *peer, u16 number, u8 initiator)
{
	return rule(peer, number, initiator, 0, 65535);
}

void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->guard.id = 1;
	w->guard.identity = LENSCAP_IDENTITY_MAC;
	w->guard.mode = LENSCAP_MODE_ENFORCE;
	w->guard.upkeep = LENSCAP_UPKEEP_DEFAULT;
	w->guard.nsubnets = 2;
	w->guard.subnets[0] = prefix_of("10.30.0.0/24");
	w->guard.subnets[1] = prefix_of("2001:db8:30::/64");
}

u32 world_profile(struct world *w, u8 mode, u32 class,
		  const struct lc_rule *rules, u32 count)
{
	struct lc_profile *profile = &w->profiles[w->nprofiles];
	struct lc_ruleset *ruleset = NULL;

	CHECK_EQ(lc_ruleset_create(rules, count, &ruleset), 0);
	profile->ruleset = ruleset;
	profile->mode = mode;
	profile->class = class;
	return w->nprofiles++;
}

struct lc_device *world_device(struct world *w, u16 guard, const char *mac,
			       u32 profile, const char *addrs)
{
	struct lc_prefix list[64];
	struct lc_device *device;
	char text[512], *rest = text, *one;
	u32 count = 0;

	snprintf(text, sizeof(text), "%s", addrs);
	while ((one = strsep(&rest, " ")))
		if (*one)
			list[count++] = prefix_of(one);
	device = device_create(list, count);
	device->guard = guard;
	device->profile = profile;
	device->has_mac = mac;
	if (mac)
		memcpy(device->mac, mac, 6);
	w->devices[w->ndevices++] = device;
	return device;
}

int world_commit(struct world *w)
{
	const struct lc_device *devices[WORLD_MAX];
	const struct lc_profile *profiles[WORLD_MAX];
	struct lc_policy policy = {
		.devices = devices,
		.ndevices = w->ndevices,
		.profiles = profiles,
		.nprofiles = w->nprofiles,
		.seed = { 0x1234, 0x5678 },
	};
	u32 i;

	for (i = 0; i < w->ndevices; i++)
		devices[i] = w->devices[i];
	for (i = 0; i < w->nprofiles; i++)
		profiles[i] = &w->profiles[i];
	lc_generation_destroy(w->gen);
	w->gen = NULL;
	return lc_generation_create(&policy, &w->gen, &w->conflict);
}

void world_end(struct world *w)
{
	u32 i;

	lc_generation_destroy(w->gen);
	for (i = 0; i < w->nprofiles; i++)
		lc_ruleset_destroy(w->profiles[i].ruleset);
	for (i = 0; i < w->ndevices; i++)
		free(w->devices[i]);
	CHECK_EQ(env_live(), 0);
}

u8 world_judge(struct world *w, const struct pkt *p)
{
	struct lc_key key;

	parse(p, &key);
	memset(&w->verdict, 0xa5, sizeof(w->verdict));
	lc_judge(w->gen, &w->guard, &key, &w->verdict);
	return w->verdict.reason;
}

void world_camera(struct world *w)
{
	struct lc_rule rules[] = {
		rule(NVR4, P_TCP, SERVES, 0, 65535),
		rule(NVR4, P_UDP, CONNECTS, 10000, 20000),
		rule(NVR6, P_TCP, SERVES, 0, 65535),
		rule(NVR6, P_UDP, CONNECTS, 10000, 20000),
	};

	rules[0].device_low = 554;
	rules[0].device_high = 554;
	rules[2].device_low = 554;
	rules[2].device_high = 554;
	world_init(w);
	world_profile(w, LENSCAP_MODE_ENFORCE, 5, rules, 4);
	world_device(w, LC_GUARD_ANY, CAM_MAC, 0, CAM4 " " CAM6);
	CHECK_EQ(world_commit(w), 0);
}
