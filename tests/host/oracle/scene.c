// SPDX-License-Identifier: GPL-2.0-only
/* Made-up policies. */
#include "scene.h"

static void draw_range(struct source *s, u32 max, u16 *low, u16 *high)
{
	static const u16 ports[] = { 0, 1, 53, 67, 80, 123, 554, 1023, 10000,
				     20000, 65534, 65535 };
	u32 a, b;

	*low = 0;
	*high = 65535;
	if (chance(s, 30))
		return;
	a = max == 255 ? draw(s, 256) : ports[draw(s, 12)];
	b = chance(s, 50) ? a : max == 255 ? draw(s, 256) : ports[draw(s, 12)];
	*low = a < b ? a : b;
	*high = a < b ? b : a;
}

static void draw_rule(struct source *s, struct lc_rule *rule)
{
	static const u16 protos[] = { 6, 6, 6, 17, 17, 1, 58, LC_PROTO_ANY, 47,
				      50, 59, 2, 0, 255 };
	u8 family = chance(s, 50) ? LC_FAMILY_IPV4 : LC_FAMILY_IPV6;

	memset(rule, 0, sizeof(*rule));
	draw_prefix(s, family, &rule->peer);
	rule->proto = protos[draw(s, 14)];
	rule->initiator = draw(s, 2);
	rule->peer_high = 65535;
	rule->device_high = 65535;
	if (rule->proto == P_TCP || rule->proto == P_UDP) {
		draw_range(s, 65535, &rule->peer_low, &rule->peer_high);
		draw_range(s, 65535, &rule->device_low, &rule->device_high);
	} else if (rule->proto == (family == LC_FAMILY_IPV4 ? 1 : 58)) {
		draw_range(s, 255, &rule->peer_low, &rule->peer_high);
	}
}

/* Many rules for few peers: long lists of services. */
static void draw_dense(struct source *s, struct lc_rule *rules, u32 count)
{
	struct lc_prefix peers[4];
	u32 i;

	for (i = 0; i < 4; i++)
		draw_prefix(s, i % 2 ? LC_FAMILY_IPV4 : LC_FAMILY_IPV6,
			    &peers[i]);
	for (i = 0; i < count; i++) {
		bool v4 = rules[i].peer.family == LC_FAMILY_IPV4;

		rules[i].peer = peers[draw(s, 2) * 2 + v4];
	}
}

static void draw_bound(struct source *s, bool host, struct lc_prefix *prefix)
{
	static const char *const pool[] = {
		"10.30.0.17", "10.30.0.18", "10.30.0.16/30", "10.30.0.0/23",
		"2001:db8:30::17", "2001:db8:30::14/126", "fe80::17",
		"2001:db8:30::/61", "10.30.0.19", "2001:db8:30::18",
		"fe80::18", "0.0.0.0/0", "::/0", "10.30.1.255",
	};

	*prefix = prefix_of(pool[draw(s, sizeof(pool) / sizeof(*pool))]);
	if (chance(s, 10))
		draw_prefix(s, prefix->family, prefix);
	if (!host)
		return;
	/* nobody's address is nobody's identity */
	if (oracle_zero(prefix->addr, 16))
		prefix->addr[0] = 10;
	prefix->len = prefix->family == LC_FAMILY_IPV4 ? 32 : 128;
}

static struct lc_device *draw_device(struct source *s, u32 nprofiles)
{
	u32 naddrs = 1 + draw(s, 4), i;
	struct lc_prefix addrs[4];
	struct lc_device *device;
	bool has_mac = chance(s, 60);

	for (i = 0; i < naddrs; i++)
		draw_bound(s, !has_mac, &addrs[i]);
	device = device_create(addrs, naddrs);
	device->profile = draw(s, nprofiles);
	device->guard = chance(s, 30) ? LC_GUARD_ANY :
			1 + draw(s, SCENE_GUARDS);
	device->has_mac = has_mac;
	if (has_mac)
		draw_mac(s, device->mac);
	return device;
}

static void draw_guard(struct source *s, u16 id, struct lc_guard *guard)
{
	static const char *const pool[] = { "10.30.0.0/24", "2001:db8:30::/64",
					    "10.30.1.0/25", "10.20.0.0/28" };
	u32 i;

	memset(guard, 0, sizeof(*guard));
	guard->id = id;
	guard->identity = chance(s, 65) ? LENSCAP_IDENTITY_MAC :
			  LENSCAP_IDENTITY_IP;
	guard->mode = chance(s, 90) ? LENSCAP_MODE_ENFORCE :
		      LENSCAP_MODE_AUDIT;
	guard->upkeep = chance(s, 70) ? LENSCAP_UPKEEP_DEFAULT :
			draw(s, 256);
	guard->nsubnets = draw(s, 5);
	for (i = 0; i < guard->nsubnets; i++)
		guard->subnets[i] = prefix_of(pool[i]);
}

static const char *compile(struct scene *scene)
{
	const struct lc_profile *profiles[ORACLE_PROFILES];
	struct lc_policy policy = {
		.devices = scene->list.devices,
		.ndevices = scene->list.ndevices,
		.profiles = profiles,
		.nprofiles = scene->list.nprofiles,
		.seed = { 1, 2 },
	};
	struct lc_conflict conflict = { 0 };
	u32 i, j;

	for (i = 0; i < policy.nprofiles; i++)
		profiles[i] = &scene->profiles[i];
	for (i = 0; i < policy.ndevices; i++)
		for (j = 0; j < i; j++)
			if (oracle_conflict(policy.devices[i],
					    policy.devices[j]))
				goto refused;
	return lc_generation_create(&policy, &scene->gen, &conflict) ?
	       "a policy without conflict is refused" : NULL;
refused:
	if (lc_generation_create(&policy, &scene->gen, &conflict) != -EEXIST) {
		lc_generation_destroy(scene->gen);
		scene->gen = NULL;
		return "two devices that one frame could mean are accepted";
	}
	if (!conflict.first || !conflict.second ||
	    conflict.first == conflict.second ||
	    !oracle_conflict(conflict.first, conflict.second))
		return "the conflict names the wrong devices";
	/* Leave out the later device of each pair, then it must work. */
	for (i = 0, policy.ndevices = 0; i < scene->list.ndevices; i++) {
		for (j = 0; j < policy.ndevices; j++)
			if (oracle_conflict(scene->list.devices[i],
					    scene->list.devices[j]))
				break;
		if (j == policy.ndevices)
			scene->list.devices[policy.ndevices++] =
				scene->list.devices[i];
	}
	scene->list.ndevices = policy.ndevices;
	return lc_generation_create(&policy, &scene->gen, &conflict) ?
	       "a policy without conflict is refused" : NULL;
}

const char *scene_make(struct source *s, struct scene *scene)
{
	struct policy_list *list = &scene->list;
	u32 i, j;

	memset(scene, 0, sizeof(*scene));
	for (i = 0; i < SCENE_GUARDS; i++)
		draw_guard(s, i + 1, &scene->guards[i]);
	list->nprofiles = 1 + draw(s, 6);
	for (i = 0; i < list->nprofiles; i++) {
		struct lc_profile *profile = &scene->profiles[i];
		struct lc_ruleset *ruleset;
		u32 mode = draw(s, 8);

		list->nrules[i] = chance(s, 70) ? draw(s, 10) :
				  draw(s, SCENE_RULES);
		for (j = 0; j < list->nrules[i]; j++)
			draw_rule(s, &scene->rules[i][j]);
		if (list->nrules[i] > 10 && chance(s, 60))
			draw_dense(s, scene->rules[i], list->nrules[i]);
		list->rules[i] = scene->rules[i];
		list->modes[i] = mode == 0 ? LENSCAP_MODE_QUARANTINE :
				 mode == 1 ? LENSCAP_MODE_AUDIT :
				 LENSCAP_MODE_ENFORCE;
		list->classes[i] = draw(s, 256);
		if (lc_ruleset_create(scene->rules[i], list->nrules[i],
				      &ruleset))
			return "a list of valid rules is refused";
		profile->ruleset = ruleset;
		profile->mode = list->modes[i];
		profile->class = list->classes[i];
	}
	list->ndevices = chance(s, 80) ? 4 + draw(s, 12) :
			 draw(s, ORACLE_DEVICES);
	for (i = 0; i < list->ndevices; i++) {
		scene->devices[i] = draw_device(s, list->nprofiles);
		list->devices[i] = scene->devices[i];
	}
	return compile(scene);
}

void scene_end(struct scene *scene)
{
	u32 i;

	lc_generation_destroy(scene->gen);
	for (i = 0; i < scene->list.nprofiles; i++)
		lc_ruleset_destroy(scene->profiles[i].ruleset);
	for (i = 0; i < ORACLE_DEVICES; i++)
		free(scene->devices[i]);
}

/* An address that a decision may turn on, in this profile or another. */
void scene_addr(struct source *s, const struct scene *scene, u32 profile,
		u8 family, u8 *addr)
{
	static const char *const four[] = { "0.0.0.0", "255.255.255.255",
					    "224.0.0.1", "239.255.255.250",
					    "10.30.0.255", "127.0.0.1" };
	static const char *const six[] = { "::", "ff02::1", "ff02::1:2",
					   "fe80::17", "ff02::1:ff00:17",
					   "ff05::1" };
	const struct policy_list *list = &scene->list;
	u32 tries, which;
	u8 ignored;

	for (tries = 0; tries < 4; tries++) {
		const struct lc_prefix *near = NULL;
		struct lc_prefix bound;

		if (chance(s, 80) && list->nprofiles) {
			which = chance(s, 80) ? profile :
				draw(s, list->nprofiles);
			if (list->nrules[which])
				near = &list->rules[which][draw(s,
						list->nrules[which])].peer;
		} else if (chance(s, 60) && list->ndevices) {
			which = draw(s, list->ndevices);
			bound = device_addr(list->devices[which], draw(s,
					list->devices[which]->naddrs));
			near = &bound;
		} else {
			break;
		}
		if (near && near->family == family) {
			draw_near(s, near, addr);
			return;
		}
	}
	which = draw(s, 6);
	addr_of(family == LC_FAMILY_IPV4 ? four[which] : six[which], addr,
		&ignored);
}
