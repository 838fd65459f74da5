// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rulesets: a list of rules, compiled.
 *
 * Rules only permit, so their order means nothing. They are sorted, doubles are
 * dropped, and what is left is taken apart into destinations, the distinct
 * prefixes, and the services that each of them offers. Destinations with the
 * same services share one list of them. The rules can be put together again
 * from that, so no other copy of them is kept.
 *
 * All of it is one piece of memory, and depends on nothing but the set of rules:
 *
 *   header | exact rules | keys of IPv4 destinations | destinations
 *          | services | keys of IPv6 destinations | long lists | their axes
 *          | destinations of exact IPv6 rules
 *
 * so that two profiles that permit the same have byte-identical rulesets,
 * however they were written, and the caller stores one for both.
 *
 * Prefixes are nested or apart, never half over each other. Sorted by address,
 * and the shorter first where addresses are equal, a prefix comes right behind
 * those that contain it, so that one pass with a stack finds for each the next
 * shorter one around it: its parent.
 *
 * Memory, for each: rule 16 bytes unless its list is shared, exact rule 13 to 26
 * more (exact.c), IPv4 destination 12, IPv6 destination 24; long lists at most 36
 * bytes a rule more.
 */
#include "core.h"

/**
 * struct build - a ruleset in the making
 * @rules: sorted, without doubles
 * @count: how many
 * @runs: destinations in the order of their rules
 * @ndests: of each family, IPv4 first
 * @exact: table of the exact rules
 * @services: lists one after the other
 * @nservices: entries of @services
 * @longs: axes of the long lists
 * @lists: the long lists as they will be stored
 * @nlongs: how many
 * @table: lists by hash: number of a destination that has it, plus one
 * @mask: size of @table minus one
 */
struct build {
	struct lc_rule *rules;
	u32 count;
	struct run *runs;
	u32 ndests[2];
	struct lc_exact_table exact;
	struct lc_service *services;
	u32 nservices;
	struct lc_axes **longs;
	struct lc_long *lists;
	u32 nlongs;
	u32 *table;
	u32 mask;
};

/**
 * struct run - the rules of one destination
 * @start: the first of them
 * @count: how many
 * @parent: number of the parent over both families, counted from 1, or 0
 * @dest: as it will be stored
 */
struct run {
	u32 start;
	u32 count;
	u32 parent;
	struct lc_dest dest;
};

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
	return prefix->family == family &&
	       lc_bits_equal(prefix->addr, addr, prefix->len);
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
	for (bit = prefix->len; bit < 128; bit++) {
		if (!(bit % 8) && !prefix->addr[bit / 8])
			bit += 7;
		else if (prefix->addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	}
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

/* IPv4 first, then by address, the shorter prefix first; then any total order
 * will do that makes equal rules neighbours and equal lists equal.
 */
static int rule_compare(const void *left, const void *right)
{
	const struct lc_rule *a = left;
	const struct lc_rule *b = right;

	if (a->peer.family != b->peer.family)
		return a->peer.family < b->peer.family ? -1 : 1;
	return memcmp(a, b, sizeof(*a));
}

static int sort_rules(struct build *build, const struct lc_rule *rules,
		      u32 count)
{
	u32 i;

	_Static_assert(sizeof(*rules) == sizeof(rules->peer) + 6 * sizeof(u16),
		       "padding in struct lc_rule");
	build->rules = lc_alloc(array_size(count, sizeof(*rules)));
	if (!build->rules)
		return -ENOMEM;
	memcpy(build->rules, rules, array_size(count, sizeof(*rules)));
	lc_sort(build->rules, count, sizeof(*rules), rule_compare);
	for (i = 0; i < count; i++) {
		if (build->count &&
		    !rule_compare(&build->rules[build->count - 1],
				  &build->rules[i]))
			continue;
		build->rules[build->count++] = build->rules[i];
	}
	return 0;
}

static bool same_peer(const struct lc_rule *a, const struct lc_rule *b)
{
	return !memcmp(&a->peer, &b->peer, sizeof(a->peer));
}

static const struct lc_prefix *peer_of(const struct build *build, u32 dest)
{
	return &build->rules[build->runs[dest].start].peer;
}

/* Rules to destinations, with parents. */
static int find_destinations(struct build *build)
{
	u32 n = 0, i;

	build->runs = lc_alloc(array_size(build->count, sizeof(*build->runs)));
	if (!build->runs)
		return -ENOMEM;
	for (i = 0; i < build->count; i++) {
		const struct lc_prefix *peer = &build->rules[i].peer;
		struct run *run = &build->runs[n];
		u32 up, v6;

		if (n && same_peer(&build->rules[i - 1], &build->rules[i])) {
			build->runs[n - 1].count++;
			continue;
		}
		run->start = i;
		run->count = 1;
		run->dest.rule = i;
		run->dest.len = peer->len;
		/* The last destination's chain of parents is the stack. */
		for (up = n; up; up = build->runs[up - 1].parent)
			if (lc_prefix_has(peer_of(build, up - 1), peer->family,
					  peer->addr))
				break;
		run->parent = up;
		/* Destinations are numbered in each family. */
		v6 = peer->family == LC_FAMILY_IPV6;
		run->dest.parent = up && v6 ? up - build->ndests[0] : up;
		build->ndests[v6]++;
		n++;
	}
	return 0;
}

static void to_service(const struct lc_rule *rule, struct lc_service *service)
{
	bool any = rule->proto == LC_PROTO_ANY;
	u64 flags = rule->initiator == LENSCAP_INITIATOR_PEER ?
		    LC_MARK_PEER : LC_MARK_DEVICE;

	if (has_ports(rule))
		flags |= LC_SERVICE_PORTS;
	service->low = lc_box(rule->peer_low, rule->device_low,
			      any ? 0 : rule->proto);
	service->high = lc_box(rule->peer_high, rule->device_high,
			       any ? 0xff : rule->proto) |
			flags << LC_BOX_FLAGS;
}

/* FNV-1a over words: only to find equal things, which are then compared. */
static u64 hash_bytes(const void *data, size_t bytes)
{
	const u8 *p = data;
	u64 hash = 0xcbf29ce484222325ULL, word;

	for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3ULL;
		hash ^= hash >> 32;
		p += sizeof(word);
	}
	while (bytes--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash ^ hash >> 29;
}

static int make_list(struct build *build, struct run *run)
{
	struct lc_long *list = &build->lists[build->nlongs];
	int err;

	run->dest.first = build->nservices;
	if (run->count <= LC_SCAN_MAX) {
		run->dest.count = run->count;
		return 0;
	}
	err = lc_axes_create(build->services + build->nservices, run->count,
			     &build->longs[build->nlongs]);
	if (err)
		return err;
	list->first = build->nservices;
	list->count = run->count;
	run->dest.first = build->nlongs++;
	run->dest.count = LC_DEST_LONG;
	return 0;
}

/* The services of a destination: a list that is there already, or a new one. */
static int find_list(struct build *build, u32 dest)
{
	struct run *run = &build->runs[dest];
	struct lc_service *mine = build->services + build->nservices;
	size_t bytes = run->count * sizeof(*mine);
	u32 i;
	int err;

	for (i = 0; i < run->count; i++)
		to_service(&build->rules[run->start + i], &mine[i]);
	i = hash_bytes(mine, bytes) & build->mask;
	for (; build->table[i]; i = (i + 1) & build->mask) {
		const struct run *other = &build->runs[build->table[i] - 1];
		u32 first = other->dest.count == LC_DEST_LONG ?
			    build->lists[other->dest.first].first :
			    other->dest.first;

		if (other->count != run->count ||
		    memcmp(build->services + first, mine, bytes))
			continue;
		run->dest.first = other->dest.first;
		run->dest.count = other->dest.count;
		return 0;
	}
	err = make_list(build, run);
	if (err)
		return err;
	build->table[i] = dest + 1;
	build->nservices += run->count;
	return 0;
}

static int find_lists(struct build *build)
{
	u32 n = build->ndests[0] + build->ndests[1];
	u32 most = build->count / LC_SCAN_MAX + 1, size = 4, i;
	int err;

	while (size < 2 * n)
		size *= 2;
	build->mask = size - 1;
	build->services = lc_alloc(array_size(build->count,
					      sizeof(*build->services)));
	build->longs = lc_alloc(array_size(most, sizeof(*build->longs)));
	build->lists = lc_alloc(array_size(most, sizeof(*build->lists)));
	build->table = lc_alloc(array_size(size, sizeof(*build->table)));
	if (!build->services || !build->longs || !build->lists || !build->table)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		err = find_list(build, i);
		if (err)
			return err;
	}
	return 0;
}

/* All parts from the first to the last that a prefix reaches. */
static u64 parts4(const struct lc_prefix *prefix)
{
	u32 low = lc_be32(prefix->addr);
	u32 high = prefix->len < 32 ? low | 0xffffffff >> prefix->len : low;

	return (lc_part4(high) - lc_part4(low)) | lc_part4(high);
}

static void write_keys(const struct build *build, struct lc_ruleset *set)
{
	struct lc_wide *keys6 = (struct lc_wide *)lc_ruleset_at(set, set->keys6);
	u32 *keys4 = (u32 *)lc_ruleset_at(set, set->keys4);
	struct lc_dest *dests = (struct lc_dest *)lc_ruleset_at(set, set->dests);
	u32 n4 = build->ndests[0], i;

	for (i = 0; i < n4 + build->ndests[1]; i++) {
		const u8 *addr = peer_of(build, i)->addr;

		if (i < n4) {
			keys4[i] = lc_be32(addr);
			set->reach4 |= parts4(peer_of(build, i));
		} else {
			keys6[i - n4] = lc_be128(addr);
		}
		dests[i] = build->runs[i].dest;
	}
}

/* Everything in one piece, so that a lookup stays on few pages. */
static int assemble(struct build *build, struct lc_ruleset **result)
{
	u32 axes = 0, i, at = sizeof(struct lc_ruleset);
	struct lc_ruleset head = {
		.count = build->count,
		.ndests4 = build->ndests[0],
		.ndests6 = build->ndests[1],
		.mask = build->exact.mask,
		.mix = build->exact.mix,
	};
	u32 buckets = (build->exact.mask + 1) * sizeof(*build->exact.buckets);
	u32 exact6 = !build->exact.dests6 ? 0 : (build->exact.mask + 1) *
		     LC_EXACT_ENTRIES * sizeof(*build->exact.dests6);
	struct lc_ruleset *set;

	at += buckets;
	head.keys4 = at;
	at += build->ndests[0] * sizeof(u32);
	head.dests = at;
	at += (build->ndests[0] + build->ndests[1]) * sizeof(struct lc_dest);
	at = (at + 7) & ~7U;
	head.services = at;
	at += build->nservices * sizeof(struct lc_service);
	head.keys6 = at;
	at += build->ndests[1] * sizeof(struct lc_wide);
	head.longs = at;
	at += build->nlongs * sizeof(struct lc_long);
	for (i = 0; i < build->nlongs; i++)
		axes += lc_axes_bytes(build->longs[i]);
	head.exact6 = at + axes;
	/* Counters of their own cache lines may follow. */
	head.bytes = (head.exact6 + exact6 + 63) & ~63U;

	set = lc_alloc(head.bytes);
	if (!set)
		return -ENOMEM;
	*set = head;
	memcpy(set->exact, build->exact.buckets, buckets);
	if (exact6)
		memcpy((void *)lc_ruleset_at(set, set->exact6),
		       build->exact.dests6, exact6);
	write_keys(build, set);
	if (build->nservices)
		memcpy((void *)lc_ruleset_at(set, set->services),
		       build->services,
		       build->nservices * sizeof(struct lc_service));
	for (i = 0; i < build->nlongs; i++) {
		lc_axes_write(build->longs[i], set, at, &build->lists[i]);
		at += lc_axes_bytes(build->longs[i]);
	}
	if (build->nlongs)
		memcpy((void *)lc_ruleset_at(set, set->longs), build->lists,
		       build->nlongs * sizeof(struct lc_long));
	set->hash = (u32)hash_bytes(&set->count,
			       set->bytes - offsetof(struct lc_ruleset, count));
	*result = set;
	return 0;
}

static void build_end(struct build *build)
{
	u32 i;

	for (i = 0; i < build->nlongs; i++)
		lc_axes_destroy(build->longs[i]);
	lc_free(build->table);
	lc_free(build->lists);
	lc_free(build->longs);
	lc_free(build->services);
	lc_free(build->exact.buckets);
	lc_free(build->exact.dests6);
	lc_free(build->runs);
	lc_free(build->rules);
}

/**
 * lc_ruleset_create() - compile a list of rules
 * @rules: the rules, in any order, doubles allowed
 * @count: how many, at most LENSCAP_MAX_PROFILE_RULES; 0 is a profile that
 *	permits nothing
 * @result: receives the ruleset, to be freed with lc_ruleset_destroy()
 *
 * Time grows with count * log(count).
 *
 * Context: process, may sleep.
 *
 * Return: 0, -EINVAL if there are too many rules or one is malformed (a prefix
 * with host bits, a range upside down, ports on a protocol that has none), or
 * -ENOMEM.
 */
int lc_ruleset_create(const struct lc_rule *rules, u32 count,
		      struct lc_ruleset **result)
{
	struct build build = { 0 };
	u32 i;
	int err = 0;

	_Static_assert(sizeof(struct lc_ruleset) ==
		       offsetof(struct lc_ruleset, exact),
		       "padding in struct lc_ruleset");
	_Static_assert(sizeof(struct lc_ruleset) == 64,
		       "buckets do not lie in one cache line each");
	_Static_assert(LENSCAP_MAX_PROFILE_RULES < LC_FIRST_NONE &&
		       LC_SCAN_MAX < LC_DEST_LONG,
		       "numbers of services and destinations are 16 bits");
	if (count > LENSCAP_MAX_PROFILE_RULES)
		return -EINVAL;
	for (i = 0; i < count; i++)
		if (!rule_valid(&rules[i]))
			return -EINVAL;

	if (count) {
		err = sort_rules(&build, rules, count);
		if (!err)
			err = find_destinations(&build);
		if (!err)
			err = find_lists(&build);
	}
	if (!err)
		err = lc_exact_create(build.rules, build.count, &build.exact);
	if (!err)
		err = assemble(&build, result);
	build_end(&build);
	return err;
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
	return a->hash == b->hash && a->bytes == b->bytes &&
	       !memcmp(&a->count, &b->count,
		       a->bytes - offsetof(struct lc_ruleset, count));
}

static const struct lc_dest *dest_at(const struct lc_ruleset *set,
				     const struct lc_rule_walk *walk)
{
	const struct lc_dest *dests = lc_ruleset_at(set, set->dests);

	return &dests[(walk->ipv6 ? set->ndests4 : 0) + walk->dest - 1];
}

/* The services of a destination. */
static const struct lc_service *list_of(const struct lc_ruleset *set,
					const struct lc_dest *dest, u32 *count)
{
	const struct lc_service *services = lc_ruleset_at(set, set->services);
	const struct lc_long *longs = lc_ruleset_at(set, set->longs);

	if (dest->count == LC_DEST_LONG) {
		*count = longs[dest->first].count;
		return services + longs[dest->first].first;
	}
	*count = dest->count;
	return services + dest->first;
}

static void next_dest(const struct lc_ruleset *set, struct lc_rule_walk *walk)
{
	walk->service = 0;
	if (walk->dest++ < (walk->ipv6 ? set->ndests6 : set->ndests4))
		return;
	walk->dest = !walk->ipv6 && set->ndests6;
	walk->ipv6 = true;
}

/**
 * lc_rules_begin() - begin to walk the rules of a ruleset
 * @set: the ruleset
 * @skip: rules to leave out at the beginning
 * @walk: result
 *
 * Rules come in the order of their destinations, IPv4 first.
 */
void lc_rules_begin(const struct lc_ruleset *set, u32 skip,
		    struct lc_rule_walk *walk)
{
	u32 count;

	memset(walk, 0, sizeof(*walk));
	walk->ipv6 = !set->ndests4;
	walk->dest = set->ndests4 || set->ndests6;
	while (walk->dest) {
		list_of(set, dest_at(set, walk), &count);
		if (skip < count)
			break;
		skip -= count;
		next_dest(set, walk);
	}
	walk->service = skip;
}

/**
 * lc_rules_next() - the next rule of a walk
 * @set: the ruleset
 * @walk: the walk
 * @rule: result
 *
 * Return: false at the end.
 */
bool lc_rules_next(const struct lc_ruleset *set, struct lc_rule_walk *walk,
		   struct lc_rule *rule)
{
	const struct lc_wide *keys6 = lc_ruleset_at(set, set->keys6);
	const u32 *keys4 = lc_ruleset_at(set, set->keys4);
	const struct lc_service *service;
	const struct lc_dest *dest;
	u32 count;

	if (!walk->dest)
		return false;
	dest = dest_at(set, walk);
	service = list_of(set, dest, &count) + walk->service;
	memset(rule, 0, sizeof(*rule));
	rule->peer.len = dest->len;
	rule->peer.family = walk->ipv6 ? LC_FAMILY_IPV6 : LC_FAMILY_IPV4;
	if (walk->ipv6)
		lc_put_be128(keys6[walk->dest - 1], rule->peer.addr);
	else
		lc_put_be32(keys4[walk->dest - 1], rule->peer.addr);
	rule->proto = lc_box_proto(service->low);
	if (rule->proto != lc_box_proto(service->high))
		rule->proto = LC_PROTO_ANY;
	rule->initiator = lc_service_flags(service) & LC_MARK_PEER ?
			  LENSCAP_INITIATOR_PEER : LENSCAP_INITIATOR_DEVICE;
	rule->peer_low = lc_box_peer(service->low);
	rule->peer_high = lc_box_peer(service->high);
	rule->device_low = lc_box_device(service->low);
	rule->device_high = lc_box_device(service->high);
	if (++walk->service == count)
		next_dest(set, walk);
	return true;
}
