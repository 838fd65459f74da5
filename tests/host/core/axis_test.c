// SPDX-License-Identifier: GPL-2.0-only
/* Long lists of services, against asking rule by rule. */
#include "world.h"

#define MOST 400

static u64 state;

static u32 random_below(u32 bound)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % bound;
}

static void draw_range(u16 *low, u16 *high)
{
	u32 kind = random_below(4);

	*low = 0;
	*high = 65535;
	if (!kind)
		return;
	*low = kind == 1 ? random_below(65536) : random_below(40);
	*high = *low + random_below(kind == 2 ? 3 : 65536 - *low);
	if (kind == 3 && random_below(2))
		*high = 65535;
}

/* Rules for one destination, with pairs only if asked for. */
static void make_rules(struct lc_rule *rules, u32 count, bool pairs)
{
	static const u16 protos[] = { 6, 6, 6, 17, 17, 1, 0, 255, 47,
				      LC_PROTO_ANY };
	u32 i;

	for (i = 0; i < count; i++) {
		rules[i] = rule_any(random_below(8) ? NVR4 : "10.0.0.0/8",
				    protos[random_below(i % 50 ? 9 : 10)],
				    random_below(2));
		if (rules[i].proto != 6 && rules[i].proto != 17)
			continue;
		draw_range(&rules[i].peer_low, &rules[i].peer_high);
		if (pairs || (!rules[i].peer_low &&
			      rules[i].peer_high == 65535))
			draw_range(&rules[i].device_low, &rules[i].device_high);
	}
}

static bool has_ports(const struct lc_rule *r)
{
	return r->peer_low || r->peer_high != 65535 || r->device_low ||
	       r->device_high != 65535;
}

static u8 expected(const struct lc_rule *rules, u32 count,
		   const struct lc_key *key, bool opens)
{
	u8 reason = LENSCAP_REASON_DESTINATION;
	u32 i;

	for (i = 0; i < count; i++) {
		const struct lc_rule *r = &rules[i];

		if (!lc_prefix_has(&r->peer, key->family, key->dst))
			continue;
		if (reason == LENSCAP_REASON_DESTINATION)
			reason = LENSCAP_REASON_SERVICE;
		if (r->proto != LC_PROTO_ANY && r->proto != key->proto)
			continue;
		if (has_ports(r) && key->part == LC_PART_LATER) {
			reason = LENSCAP_REASON_FRAGMENT;
			continue;
		}
		if (key->dport < r->peer_low || key->dport > r->peer_high ||
		    key->sport < r->device_low || key->sport > r->device_high)
			continue;
		if (opens && r->initiator == SERVES)
			reason = LENSCAP_REASON_DIRECTION;
		else
			return LENSCAP_REASON_NONE;
	}
	return reason;
}

/* A port at or next to the edge of a rule. */
static u16 near_edge(u16 low, u16 high)
{
	return (random_below(2) ? low : high) + random_below(3) - 1;
}

static bool draw_key(const struct lc_rule *rules, u32 count,
		     struct lc_key *key)
{
	static const u8 protos[] = { 6, 17, 6, 17, 1, 0, 255, 47, 50 };
	const struct lc_rule *r = &rules[random_below(count)];
	u8 family;

	memset(key, 0, sizeof(*key));
	addr_of(random_below(4) ? NVR4 : "10.255.0.1", key->dst, &family);
	key->family = family;
	key->has_proto = true;
	key->proto = protos[random_below(9)];
	if (!random_below(8))
		key->part = LC_PART_LATER;
	if (key->part == LC_PART_LATER ||
	    (key->proto != 6 && key->proto != 17 && key->proto != 1))
		return false;
	key->has_ports = true;
	key->dport = near_edge(r->peer_low, r->peer_high);
	key->sport = near_edge(r->device_low, r->device_high);
	if (key->proto == 1) {
		key->dport = random_below(256);
		key->sport = 0;
		return key->dport == 8 || key->dport == 10 ||
		       key->dport == 13 || key->dport == 15 ||
		       key->dport == 17 || key->dport == 33 ||
		       key->dport == 35 || key->dport == 37 ||
		       key->dport == 42;
	}
	if (key->proto == 6)
		key->tcp_flags = random_below(2) ? T_SYN : T_ACK;
	return key->proto == 6 && key->tcp_flags == T_SYN;
}

static void compare(u32 count, bool pairs)
{
	static struct lc_rule rules[MOST];
	struct lc_ruleset *set = NULL;
	u32 i, wrong = 0, reasons = 0;
	struct lc_key key;

	make_rules(rules, count, pairs);
	CHECK_EQ(lc_ruleset_create(rules, count, &set), 0);
	for (i = 0; i < 4000; i++) {
		bool opens = draw_key(rules, count, &key);
		u8 reason = expected(rules, count, &key, opens);

		wrong += lc_ruleset_judge(set, &key) != reason;
		reasons |= 1U << reason;
	}
	CHECK_EQ(wrong, 0);
	CHECK(reasons & 1U << LENSCAP_REASON_NONE);
	lc_ruleset_destroy(set);
}

TEST(long_lists_say_what_their_rules_say)
{
	u64 seed;

	for (seed = 1; seed <= 60; seed++) {
		state = seed;
		compare(9 + random_below(30), seed % 2);
		compare(MOST, seed % 2);
	}
	CHECK_EQ(env_live(), 0);
}

/* Pairs whose peer ports are apart, and one that reaches over all of them. */
TEST(pairs_are_found_behind_one_that_reaches_far)
{
	struct lc_rule rules[12];
	struct lc_ruleset *set = NULL;
	struct lc_key key = { .family = 4, .has_proto = true, .proto = P_UDP,
			      .has_ports = true };
	u8 family;
	u32 i;

	for (i = 0; i < 12; i++) {
		rules[i] = rule(NVR4, P_UDP, CONNECTS, 100 * i, 100 * i + 9);
		rules[i].device_low = 5000;
		rules[i].device_high = 5000;
	}
	rules[0].peer_high = 60000;
	rules[0].device_low = 7000;
	rules[0].device_high = 7000;
	CHECK_EQ(lc_ruleset_create(rules, 12, &set), 0);
	addr_of(NVR4, key.dst, &family);
	key.sport = 5000;
	for (i = 0; i < 1300; i++) {
		key.dport = i;
		CHECK_EQ(lc_ruleset_judge(set, &key),
			 i / 100 >= 1 && i / 100 < 12 && i % 100 < 10 ?
			 LENSCAP_REASON_NONE : LENSCAP_REASON_SERVICE);
	}
	key.sport = 7000;
	for (i = 0; i < 1300; i++) {
		key.dport = i;
		CHECK_EQ(lc_ruleset_judge(set, &key), LENSCAP_REASON_NONE);
	}
	key.dport = 60001;
	CHECK_EQ(lc_ruleset_judge(set, &key), LENSCAP_REASON_SERVICE);
	lc_ruleset_destroy(set);
}

TEST(long_lists_are_shared)
{
	static struct lc_rule rules[40];
	struct lc_ruleset *one = NULL, *two = NULL;
	u32 i;

	for (i = 0; i < 40; i++) {
		rules[i] = rule(NVR4, P_UDP, CONNECTS, 100 * (i % 20),
				100 * (i % 20) + 1);
		rules[i].peer.addr[3] += i / 20;
	}
	CHECK_EQ(lc_ruleset_create(rules, 20, &one), 0);
	CHECK_EQ(lc_ruleset_create(rules, 40, &two), 0);
	CHECK(two->bytes <= one->bytes + 16);
	lc_ruleset_destroy(one);
	lc_ruleset_destroy(two);
}

TEST(long_lists_without_memory)
{
	static struct lc_rule rules[MOST];
	struct lc_ruleset *set = NULL;
	unsigned long nth;

	state = 99;
	make_rules(rules, MOST, true);
	for (nth = 1;; nth++) {
		env_fail_alloc(nth);
		if (!lc_ruleset_create(rules, MOST, &set))
			break;
		CHECK(env_failed());
		CHECK(!set);
		CHECK_EQ(env_live(), 0);
	}
	env_fail_alloc(0);
	CHECK(nth > 10);
	lc_ruleset_destroy(set);
}

TEST(ruleset_refuses_more_rules_than_it_can_number)
{
	struct lc_ruleset *set = NULL;
	struct lc_rule *rules;
	u32 i;

	rules = calloc(LENSCAP_MAX_PROFILE_RULES + 1, sizeof(*rules));
	if (!rules)
		abort();
	for (i = 0; i <= LENSCAP_MAX_PROFILE_RULES; i++) {
		rules[i] = rule_any("10.0.0.0/32", P_TCP, CONNECTS);
		rules[i].peer.addr[2] = i >> 8;
		rules[i].peer.addr[3] = i & 255;
	}
	CHECK_EQ(lc_ruleset_create(rules, LENSCAP_MAX_PROFILE_RULES + 1, &set),
		 -EINVAL);
	CHECK_EQ(lc_ruleset_create(rules, LENSCAP_MAX_PROFILE_RULES, &set), 0);
	CHECK_EQ(set->ndests4, LENSCAP_MAX_PROFILE_RULES);
	lc_ruleset_destroy(set);
	free(rules);
}
