// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiling: from what a policy says to what the classifier reads.
 *
 * A ruleset is the canonical form of a list of rules: each normalised, the
 * whole sorted, doubles removed. Two profiles that permit the same things
 * therefore have byte-identical rulesets, whatever order they were written
 * in, and the caller stores one for both.
 *
 * A generation holds two hash tables of devices, one by MAC and one by bound
 * address, and the profiles by slot. Both tables are open-addressed with
 * linear probing, at most half full, and never change after they were built:
 * a lookup reads one slot in the common case and a short run of neighbouring
 * slots in the worst. The seed keeps a policy's author from knowing the order;
 * frames cannot add entries at all, so that a camera which picks its MACs can
 * only choose which short run is read.
 *
 * A device that names no guard is known on every guard. Its MAC must then be
 * unique; otherwise the pair of guard and MAC. The hash covers the MAC alone,
 * so that one probe sequence meets both kinds.
 */
#include "core.h"

#define TABLE_MIN	16

struct mac_slot {
	u64 key;			/* MAC << 16 | guard */
	const struct lc_device *device;	/* NULL: free */
};

struct addr_slot {
	const struct lc_device *device;	/* NULL: free */
	u64 index;			/* into device->addrs */
};

/**
 * struct lc_generation - one complete compiled policy, immutable
 * @seed: secret of the hash
 * @bytes: memory that this and its tables take, without what they point to
 * @nprofiles: entries of @profiles
 * @mac_mask: size of @macs minus one
 * @addr_mask: size of @addrs minus one
 * @profiles: by slot
 * @macs: devices that have a MAC
 * @addrs: bound addresses of devices that have none
 */
struct lc_generation {
	u64 seed[2];
	u64 bytes;
	u32 nprofiles;
	u32 mac_mask;
	u32 addr_mask;
	const struct lc_profile **profiles;
	struct mac_slot *macs;
	struct addr_slot *addrs;
};

/* Two rounds of multiply and fold. Not a cryptographic hash: see above for
 * why nobody can aim at it without knowing the seed.
 */
static u64 mix(const u64 *seed, u64 a, u64 b)
{
	a = (a ^ seed[0]) * 0x9e3779b97f4a7c15ULL;
	a ^= a >> 32;
	b = (b ^ seed[1] ^ a) * 0xd6e8feb86659fd93ULL;
	b ^= b >> 32;
	b *= 0x9e3779b97f4a7c15ULL;
	return b ^ b >> 29;
}

static u64 mac_number(const u8 *mac)
{
	return (u64)lc_be16(mac) << 32 | lc_be32(mac + 2);
}

static u32 mac_hash(const struct lc_generation *gen, u64 mac)
{
	return mix(gen->seed, mac, 6) & gen->mac_mask;
}

static u32 addr_hash(const struct lc_generation *gen, u8 family,
		     const u8 *addr)
{
	u64 words[2] = { family, 0 };

	memcpy(words, addr, family == LC_FAMILY_IPV4 ? 4 : 16);
	if (family == LC_FAMILY_IPV4)
		words[1] = LC_FAMILY_IPV4;
	return mix(gen->seed, words[0], words[1]) & gen->addr_mask;
}

/**
 * lc_prefix_has() - whether a prefix contains an address
 * @prefix: a valid prefix
 * @family: of @addr; another family is never contained
 * @addr: network byte order
 *
 * Context: any.
 */
bool lc_prefix_has(const struct lc_prefix *prefix, u8 family, const u8 *addr)
{
	u32 whole = prefix->len / 8;
	u32 rest = prefix->len % 8;

	if (prefix->family != family || memcmp(prefix->addr, addr, whole))
		return false;
	return !rest || !((prefix->addr[whole] ^ addr[whole]) >> (8 - rest));
}

/**
 * lc_prefix_valid() - whether a prefix is well-formed
 * @prefix: the prefix
 *
 * Return: false if the family is unknown, the length is beyond the family's,
 * or a bit behind the length is set.
 */
bool lc_prefix_valid(const struct lc_prefix *prefix)
{
	u32 bits = prefix->family == LC_FAMILY_IPV4 ? 32 : 128;
	u32 bit;

	if (prefix->family != LC_FAMILY_IPV4 &&
	    prefix->family != LC_FAMILY_IPV6)
		return false;
	if (prefix->len > bits)
		return false;
	for (bit = prefix->len; bit < 128; bit++)
		if (prefix->addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static bool has_ports(const struct lc_rule *rule)
{
	return rule->peer_low || rule->peer_high != 0xffff ||
	       rule->device_low || rule->device_high != 0xffff;
}

static bool rule_valid(const struct lc_rule *rule)
{
	bool v4 = rule->peer.family == LC_FAMILY_IPV4;

	if (!lc_prefix_valid(&rule->peer) || rule->proto > LC_PROTO_ANY ||
	    rule->initiator > LENSCAP_INITIATOR_PEER ||
	    rule->peer_low > rule->peer_high ||
	    rule->device_low > rule->device_high)
		return false;
	if (!has_ports(rule))
		return true;
	switch (rule->proto) {
	case 6:
	case 17:
		return true;
	case 1:
	case 58:
		/* Message types are bytes and have no other side. */
		return v4 == (rule->proto == 1) && rule->peer_high <= 0xff &&
		       !rule->device_low && rule->device_high == 0xffff;
	default:
		return false;
	}
}

/* IPv4 first; then any total order will do that makes equal rules neighbours
 * and equal lists equal.
 */
static int rule_compare(const void *left, const void *right)
{
	const struct lc_rule *a = left;
	const struct lc_rule *b = right;

	if (a->peer.family != b->peer.family)
		return a->peer.family < b->peer.family ? -1 : 1;
	return memcmp(a, b, sizeof(*a));
}

/**
 * lc_ruleset_create() - compile a list of rules
 * @rules: the rules, in any order, doubles allowed
 * @count: how many, 0 is a profile that permits nothing
 * @result: receives the ruleset, to be freed with lc_ruleset_destroy()
 *
 * Context: process, may sleep.
 *
 * Return: 0, -EINVAL if a rule is malformed (a prefix with host bits, a range
 * upside down, ports on a protocol that has none), or -ENOMEM.
 */
int lc_ruleset_create(const struct lc_rule *rules, u32 count,
		      struct lc_ruleset **result)
{
	struct lc_ruleset *set;
	const u8 *bytes;
	size_t size, i;
	u32 kept = 0;

	for (i = 0; i < count; i++)
		if (!rule_valid(&rules[i]))
			return -EINVAL;

	size = sizeof(*set) + (size_t)count * sizeof(*rules);
	set = lc_alloc(size);
	if (!set)
		return -ENOMEM;

	_Static_assert(sizeof(*rules) == sizeof(rules->peer) + 6 * sizeof(u16),
		       "padding in struct lc_rule");
	if (count)
		memcpy(set->rules, rules, count * sizeof(*rules));
	lc_sort(set->rules, count, sizeof(*rules), rule_compare);

	for (i = 0; i < count; i++) {
		if (kept && !rule_compare(&set->rules[kept - 1], &set->rules[i]))
			continue;
		set->rules[kept++] = set->rules[i];
	}
	set->count = kept;
	set->bytes = size;
	while (set->ipv4 < kept &&
	       set->rules[set->ipv4].peer.family == LC_FAMILY_IPV4)
		set->ipv4++;

	/* FNV-1a: only to find equal lists, which are then compared whole. */
	bytes = (const u8 *)set->rules;
	set->hash = 0xcbf29ce484222325ULL;
	for (i = 0; i < kept * sizeof(*rules); i++)
		set->hash = (set->hash ^ bytes[i]) * 0x100000001b3ULL;

	*result = set;
	return 0;
}

/**
 * lc_ruleset_destroy() - free a ruleset that no generation refers to
 * @ruleset: the ruleset, or NULL
 */
void lc_ruleset_destroy(const struct lc_ruleset *ruleset)
{
	lc_free(ruleset);
}

/**
 * lc_ruleset_equal() - whether two rulesets permit the same, rule for rule
 * @a: one
 * @b: the other
 */
bool lc_ruleset_equal(const struct lc_ruleset *a, const struct lc_ruleset *b)
{
	return a->hash == b->hash && a->count == b->count &&
	       !memcmp(a->rules, b->rules, a->count * sizeof(a->rules[0]));
}

static u32 table_size(u32 entries)
{
	u32 size = TABLE_MIN;

	while (size / 2 < entries)
		size *= 2;
	return size;
}

/* Would one frame mean both? On one guard it would; and a device without a
 * guard is on each.
 */
static bool guards_meet(u16 a, u16 b)
{
	return a == b || a == LC_GUARD_ANY || b == LC_GUARD_ANY;
}

static int add_mac(struct lc_generation *gen, const struct lc_device *device,
		   struct lc_conflict *conflict)
{
	u64 mac = mac_number(device->mac);
	u32 i = mac_hash(gen, mac);

	for (; gen->macs[i].device; i = (i + 1) & gen->mac_mask) {
		const struct lc_device *other = gen->macs[i].device;

		if (gen->macs[i].key >> 16 == mac &&
		    guards_meet(other->guard, device->guard)) {
			conflict->first = other;
			conflict->second = device;
			return -EEXIST;
		}
	}
	gen->macs[i].key = mac << 16 | device->guard;
	gen->macs[i].device = device;
	return 0;
}

static int add_addr(struct lc_generation *gen, const struct lc_device *device,
		    u32 index, struct lc_conflict *conflict)
{
	const struct lc_prefix *addr = &device->addrs[index];
	u32 i = addr_hash(gen, addr->family, addr->addr);

	for (; gen->addrs[i].device; i = (i + 1) & gen->addr_mask) {
		const struct lc_device *other = gen->addrs[i].device;

		if (lc_prefix_has(&other->addrs[gen->addrs[i].index],
				  addr->family, addr->addr) &&
		    guards_meet(other->guard, device->guard)) {
			/* listed twice is no conflict */
			if (other == device)
				return 0;
			conflict->first = other;
			conflict->second = device;
			return -EEXIST;
		}
	}
	gen->addrs[i].device = device;
	gen->addrs[i].index = index;
	return 0;
}

static int add_device(struct lc_generation *gen,
		      const struct lc_device *device,
		      struct lc_conflict *conflict)
{
	u32 i;
	int err;

	if (device->has_mac)
		return add_mac(gen, device, conflict);
	for (i = 0; i < device->naddrs; i++) {
		err = add_addr(gen, device, i, conflict);
		if (err)
			return err;
	}
	return 0;
}

/* Counts what the tables must hold. A device that is recognised by address
 * has host addresses only: a prefix could not be hashed.
 */
static int survey(const struct lc_policy *policy, u32 *macs, u32 *addrs,
		  struct lc_conflict *conflict)
{
	u32 i, j;

	for (i = 0; i < policy->ndevices; i++) {
		const struct lc_device *device = policy->devices[i];

		if (!device)
			continue;
		conflict->first = device;
		conflict->second = NULL;
		if (device->profile >= policy->nprofiles ||
		    !policy->profiles[device->profile])
			return -EINVAL;
		for (j = 0; j < device->naddrs; j++) {
			const struct lc_prefix *addr = &device->addrs[j];

			if (!lc_prefix_valid(addr))
				return -EINVAL;
			if (!device->has_mac &&
			    addr->len != (addr->family == LC_FAMILY_IPV4 ?
					  32 : 128))
				return -EINVAL;
		}
		if (device->has_mac)
			(*macs)++;
		else
			*addrs += device->naddrs;
	}
	conflict->first = NULL;
	return 0;
}

/**
 * lc_generation_create() - compile a policy
 * @policy: devices and profiles; what it points to must outlive the result,
 *	the arrays themselves need not
 * @result: receives the generation, to be freed with lc_generation_destroy()
 * @conflict: receives the device or devices that an error is about
 *
 * Time and memory grow linearly with devices and profiles.
 *
 * Context: process, may sleep.
 *
 * Return: 0; -EINVAL if a device has no such profile, a malformed address or,
 * without a MAC, a prefix; -EEXIST if two devices would answer to one frame;
 * -ENOMEM.
 */
int lc_generation_create(const struct lc_policy *policy,
			 struct lc_generation **result,
			 struct lc_conflict *conflict)
{
	struct lc_generation *gen;
	u32 macs = 0, addrs = 0, i;
	size_t profiles;
	int err;

	conflict->first = NULL;
	conflict->second = NULL;
	err = survey(policy, &macs, &addrs, conflict);
	if (err)
		return err;

	gen = lc_alloc(sizeof(*gen));
	if (!gen)
		return -ENOMEM;
	gen->seed[0] = policy->seed[0];
	gen->seed[1] = policy->seed[1];
	gen->nprofiles = policy->nprofiles;
	gen->mac_mask = table_size(macs) - 1;
	gen->addr_mask = table_size(addrs) - 1;
	profiles = (size_t)policy->nprofiles * sizeof(*gen->profiles);
	gen->bytes = sizeof(*gen) + profiles +
		     ((u64)gen->mac_mask + 1) * sizeof(*gen->macs) +
		     ((u64)gen->addr_mask + 1) * sizeof(*gen->addrs);

	err = -ENOMEM;
	gen->macs = lc_alloc(((size_t)gen->mac_mask + 1) * sizeof(*gen->macs));
	gen->addrs = lc_alloc(((size_t)gen->addr_mask + 1) *
			      sizeof(*gen->addrs));
	if (profiles)
		gen->profiles = lc_alloc(profiles);
	if (!gen->macs || !gen->addrs || (profiles && !gen->profiles))
		goto fail;

	if (profiles)
		memcpy(gen->profiles, policy->profiles, profiles);
	for (i = 0; i < policy->ndevices; i++) {
		if (!policy->devices[i])
			continue;
		err = add_device(gen, policy->devices[i], conflict);
		if (err)
			goto fail;
	}

	*result = gen;
	return 0;

fail:
	lc_generation_destroy(gen);
	return err;
}

/**
 * lc_generation_destroy() - free a generation
 * @gen: the generation, which no reader can see any more, or NULL
 */
void lc_generation_destroy(struct lc_generation *gen)
{
	if (!gen)
		return;
	lc_free(gen->profiles);
	lc_free(gen->addrs);
	lc_free(gen->macs);
	lc_free(gen);
}

/**
 * lc_generation_bytes() - memory of a generation's own tables
 * @gen: the generation
 *
 * Return: bytes, without the devices, profiles and rulesets it points to.
 */
u64 lc_generation_bytes(const struct lc_generation *gen)
{
	return gen->bytes;
}

/**
 * lc_generation_by_mac() - find a device by guard and MAC
 * @gen: the generation
 * @guard: the guard's number
 * @mac: source MAC of a frame
 *
 * Context: any; the result is valid as long as @gen is.
 */
const struct lc_device *lc_generation_by_mac(const struct lc_generation *gen,
					     u16 guard, const u8 *mac)
{
	u64 number = mac_number(mac);
	u32 i = mac_hash(gen, number);

	for (; gen->macs[i].device; i = (i + 1) & gen->mac_mask) {
		u64 key = gen->macs[i].key;

		if (key >> 16 == number && guards_meet((u16)key, guard))
			return gen->macs[i].device;
	}
	return NULL;
}

/**
 * lc_generation_by_addr() - find a device without a MAC by guard and address
 * @gen: the generation
 * @guard: the guard's number
 * @family: %LC_FAMILY_IPV4 or %LC_FAMILY_IPV6
 * @addr: source address of a frame
 *
 * Context: any; the result is valid as long as @gen is.
 */
const struct lc_device *lc_generation_by_addr(const struct lc_generation *gen,
					      u16 guard, u8 family,
					      const u8 *addr)
{
	u32 i = addr_hash(gen, family, addr);

	for (; gen->addrs[i].device; i = (i + 1) & gen->addr_mask) {
		const struct lc_device *device = gen->addrs[i].device;

		if (lc_prefix_has(&device->addrs[gen->addrs[i].index], family,
				  addr) &&
		    guards_meet(device->guard, guard))
			return device;
	}
	return NULL;
}

/**
 * lc_generation_profile() - the profile in a slot
 * @gen: the generation
 * @slot: as in a device of this generation
 */
const struct lc_profile *lc_generation_profile(const struct lc_generation *gen,
					       u32 slot)
{
	return gen->profiles[slot];
}
