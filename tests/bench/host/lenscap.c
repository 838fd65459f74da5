// SPDX-License-Identifier: GPL-2.0-only
/* The core, called as the module's hook calls it. */
#include <lenscap/env.h>

#include "core.h"
#include "policy.h"

#include "bench.h"

struct lenscap {
	struct lc_guard guard;
	struct lc_profile *profiles;
	u32 nprofiles;
	struct lc_device **devices;
	u32 ndevices;
	struct lc_generation *gen;
};

/* The only place that knows how a device holds its addresses. */
static struct lc_device *make_device(const struct device *d, bool ipv6)
{
	struct lc_prefix addr = {
		.len = ipv6 ? 128 : 32,
		.family = ipv6 ? LC_FAMILY_IPV6 : LC_FAMILY_IPV4,
	};
	struct lc_device *device;

	memcpy(addr.addr, d->addr, sizeof(addr.addr));
	device = device_create(&addr, 1);
	device->guard = LC_GUARD_ANY;
	device->profile = d->profile;
	device->has_mac = true;
	memcpy(device->mac, d->mac, sizeof(device->mac));
	return device;
}

static void make_profile(struct lc_profile *profile, const struct world *w,
			 u32 number)
{
	struct lc_rule *rules = allocate(w->nrules, sizeof(*rules));
	const struct rule *from = w->rules + (size_t)number * w->nrules;
	struct lc_ruleset *ruleset = NULL;
	u32 i;

	for (i = 0; i < w->nrules; i++) {
		struct lc_rule *r = &rules[i];

		memcpy(r->peer.addr, from[i].addr, 16);
		r->peer.len = from[i].len;
		r->peer.family = w->ipv6 ? LC_FAMILY_IPV6 : LC_FAMILY_IPV4;
		r->proto = from[i].proto;
		r->initiator = LENSCAP_INITIATOR_DEVICE;
		r->peer_low = from[i].low;
		r->peer_high = from[i].high;
		r->device_high = 65535;
	}
	if (lc_ruleset_create(rules, w->nrules, &ruleset))
		die("lenscap: profile %u does not compile", number);
	free(rules);
	profile->ruleset = ruleset;
	profile->mode = LENSCAP_MODE_ENFORCE;
}

struct lenscap *lenscap_create(const struct world *w)
{
	struct lenscap *l = allocate(1, sizeof(*l));
	const struct lc_profile **profiles;
	struct lc_conflict conflict;
	struct lc_policy policy = { .seed = { 0x6c656e73, 0x636170 } };
	u32 i;

	l->guard.id = 1;
	l->guard.identity = LENSCAP_IDENTITY_MAC;
	l->guard.mode = LENSCAP_MODE_ENFORCE;
	l->guard.upkeep = LENSCAP_UPKEEP_DEFAULT;
	l->nprofiles = w->nprofiles;
	l->profiles = allocate(w->nprofiles, sizeof(*l->profiles));
	profiles = allocate(w->nprofiles, sizeof(*profiles));
	for (i = 0; i < w->nprofiles; i++) {
		make_profile(&l->profiles[i], w, i);
		profiles[i] = &l->profiles[i];
	}
	l->ndevices = w->ndevices;
	l->devices = allocate(w->ndevices, sizeof(*l->devices));
	for (i = 0; i < w->ndevices; i++)
		l->devices[i] = make_device(&w->devices[i], w->ipv6);
	policy.devices = (const struct lc_device *const *)l->devices;
	policy.ndevices = l->ndevices;
	policy.profiles = profiles;
	policy.nprofiles = l->nprofiles;
	if (lc_generation_create(&policy, &l->gen, &conflict))
		die("lenscap: the policy of case %s does not compile", w->name);
	free(profiles);
	return l;
}

static void judge(void *state, const uint8_t *ring, const uint8_t *lens,
		  uint32_t n, bool *pass)
{
	const struct lenscap *l = state;
	uint32_t i;

	for (i = 0; i < n; i++, ring += SLOT) {
		struct lc_frame frame = {
			.data = ring + ETH_LEN,
			.cap = lens[i] - ETH_LEN,
			.len = lens[i] - ETH_LEN,
			.ethertype = lc_be16(ring + 12),
			.has_mac = true,
		};
		struct lc_verdict verdict;
		struct lc_key key;

		memcpy(frame.mac, ring + 6, sizeof(frame.mac));
		/* As the hook does it. */
		if (!lc_may_be_usual(l->gen, &l->guard, &frame) ||
		    !lc_judge_usual(l->gen, &l->guard, &frame, &verdict)) {
			lc_parse(&frame, &key);
			lc_judge(l->gen, &l->guard, &key, &verdict);
		}
		pass[i] = verdict.pass;
	}
}

uint32_t lenscap_engines(struct lenscap *l, struct engine *engines)
{
	engines[0] = (struct engine){ "lenscap", "one by one", judge, l };
	return 1;
}

void lenscap_destroy(struct lenscap *l)
{
	u32 i;

	lc_generation_destroy(l->gen);
	for (i = 0; i < l->nprofiles; i++)
		lc_ruleset_destroy(l->profiles[i].ruleset);
	for (i = 0; i < l->ndevices; i++)
		free(l->devices[i]);
	free(l->profiles);
	free(l->devices);
	free(l);
	if (env_live())
		die("lenscap: %lu allocations were not freed", env_live());
}
