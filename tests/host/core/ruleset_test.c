// SPDX-License-Identifier: GPL-2.0-only
/* Rulesets: validation and the canonical form. */
#include "world.h"

#define MANY 300

static int create(const struct lc_rule *r)
{
	struct lc_ruleset *set = NULL;
	int err = lc_ruleset_create(r, 1, &set);

	CHECK_EQ(!err, set != NULL);
	lc_ruleset_destroy(set);
	CHECK_EQ(env_live(), 0);
	return err;
}

TEST(ruleset_of_nothing)
{
	struct lc_ruleset *set = NULL;

	CHECK_EQ(lc_ruleset_create(NULL, 0, &set), 0);
	CHECK_EQ(set->count, 0);
	CHECK_EQ(set->ndests4 + set->ndests6, 0);
	lc_ruleset_destroy(set);
	lc_ruleset_destroy(NULL);
	CHECK_EQ(env_live(), 0);
}

TEST(ruleset_refuses_malformed_prefixes)
{
	struct lc_rule r = rule_any("10.0.0.1/24", P_TCP, CONNECTS);

	CHECK_EQ(create(&r), -EINVAL);
	r = rule_any("10.0.0.0/24", P_TCP, CONNECTS);
	CHECK_EQ(create(&r), 0);
	r.peer.len = 33;
	CHECK_EQ(create(&r), -EINVAL);
	r = rule_any("10.0.0.0/24", P_TCP, CONNECTS);
	r.peer.family = 5;
	CHECK_EQ(create(&r), -EINVAL);
}

TEST(ruleset_refuses_unknown_protocols_and_initiators)
{
	struct lc_rule r = rule_any("10.0.0.0/24", LC_PROTO_ANY, SERVES);

	CHECK_EQ(create(&r), 0);
	r.proto = LC_PROTO_ANY + 1;
	CHECK_EQ(create(&r), -EINVAL);
	r.proto = 255;
	CHECK_EQ(create(&r), 0);
	r.initiator = 2;
	CHECK_EQ(create(&r), -EINVAL);
}

TEST(ruleset_refuses_ranges_upside_down)
{
	struct lc_rule r = rule("10.0.0.0/24", P_TCP, SERVES, 80, 79);

	CHECK_EQ(create(&r), -EINVAL);
	r = rule("10.0.0.0/24", P_TCP, SERVES, 80, 80);
	CHECK_EQ(create(&r), 0);
	r.device_low = 2;
	r.device_high = 1;
	CHECK_EQ(create(&r), -EINVAL);
}

TEST(ruleset_takes_ports_for_tcp_and_udp_and_types_for_icmp)
{
	struct lc_rule r;
	u32 number;

	for (number = 0; number <= LC_PROTO_ANY; number++) {
		bool ports = number == 6 || number == 17;

		r = rule_any("10.0.0.0/24", number, SERVES);
		CHECK_EQ(create(&r), 0);
		r.peer_low = 1;
		CHECK_EQ(create(&r), ports ? 0 : -EINVAL);
		r.peer_high = 255;
		CHECK_EQ(create(&r), ports || number == 1 ? 0 : -EINVAL);
		r.peer_high = 256;
		CHECK_EQ(create(&r), ports ? 0 : -EINVAL);
		r = rule_any("2001:db8::/32", number, SERVES);
		r.peer_high = 65534;
		CHECK_EQ(create(&r), ports ? 0 : -EINVAL);
		r.peer_high = 255;
		CHECK_EQ(create(&r), ports || number == 58 ? 0 : -EINVAL);
		r = rule_any("10.0.0.0/24", number, SERVES);
		r.device_low = 1;
		CHECK_EQ(create(&r), ports ? 0 : -EINVAL);
		r.peer_high = 255;
		CHECK_EQ(create(&r), ports ? 0 : -EINVAL);
		r = rule_any("10.0.0.0/24", number, SERVES);
		r.device_high = 1;
		CHECK_EQ(create(&r), ports ? 0 : -EINVAL);
		r.peer_high = 255;
		CHECK_EQ(create(&r), ports ? 0 : -EINVAL);
	}
}

TEST(ruleset_refuses_a_list_with_one_bad_rule)
{
	struct lc_rule rules[3] = {
		rule_any("10.0.0.0/24", P_TCP, SERVES),
		rule_any("10.0.0.0/24", P_TCP, CONNECTS),
		rule_any("10.0.0.9/24", P_TCP, CONNECTS),
	};
	struct lc_ruleset *set = NULL;

	CHECK_EQ(lc_ruleset_create(rules, 3, &set), -EINVAL);
	CHECK(!set);
	CHECK_EQ(env_live(), 0);
}

static void many(struct lc_rule *rules)
{
	char text[64];
	u32 i;

	for (i = 0; i < MANY; i++) {
		if (i % 2)
			snprintf(text, sizeof(text), "10.%u.0.0/16", i % 60);
		else
			snprintf(text, sizeof(text), "2001:db8:%x::/48", i % 60);
		rules[i] = rule(text, i % 3 ? P_TCP : P_UDP, i % 5 == 0,
				i % 7, 100 + i % 11);
		rules[i].device_high = 60000 + i % 2;
	}
}

static void shuffle(struct lc_rule *rules, u32 seed)
{
	u32 i, j;

	for (i = MANY - 1; i; i--) {
		struct lc_rule tmp = rules[i];

		seed = seed * 1664525 + 1013904223;
		j = (seed >> 8) % (i + 1);
		rules[i] = rules[j];
		rules[j] = tmp;
	}
}

TEST(ruleset_is_the_same_whatever_the_order)
{
	struct lc_rule rules[MANY];
	struct lc_ruleset *a = NULL, *b = NULL;
	u32 seed;

	many(rules);
	CHECK_EQ(lc_ruleset_create(rules, MANY, &a), 0);
	for (seed = 1; seed < 20; seed++) {
		shuffle(rules, seed);
		CHECK_EQ(lc_ruleset_create(rules, MANY, &b), 0);
		CHECK(lc_ruleset_equal(a, b));
		CHECK(a->hash == b->hash);
		lc_ruleset_destroy(b);
	}
	lc_ruleset_destroy(a);
	CHECK_EQ(env_live(), 0);
}

TEST(ruleset_is_the_same_whatever_its_padding)
{
	struct lc_rule one, two;
	struct lc_ruleset *a = NULL, *b = NULL;
	struct lc_rule r = rule(NVR4, P_TCP, SERVES, 80, 80);

	memset(&one, 0x00, sizeof(one));
	memset(&two, 0xff, sizeof(two));
#define COPY(f) do { one.f = r.f; two.f = r.f; } while (0)
	COPY(peer);
	COPY(proto);
	COPY(initiator);
	COPY(peer_low);
	COPY(peer_high);
	COPY(device_low);
	COPY(device_high);
#undef COPY
	CHECK_EQ(lc_ruleset_create(&one, 1, &a), 0);
	CHECK_EQ(lc_ruleset_create(&two, 1, &b), 0);
	CHECK(a->hash == b->hash);
	CHECK(lc_ruleset_equal(a, b));
	lc_ruleset_destroy(a);
	lc_ruleset_destroy(b);
}

TEST(ruleset_has_no_doubles)
{
	struct lc_rule rules[MANY];
	struct lc_ruleset *a = NULL, *b = NULL;
	u32 i;

	many(rules);
	for (i = 10; i < MANY; i++)
		rules[i] = rules[i % 10];
	CHECK_EQ(lc_ruleset_create(rules, MANY, &a), 0);
	CHECK_EQ(lc_ruleset_create(rules, 10, &b), 0);
	CHECK_EQ(a->count, 10);
	CHECK(lc_ruleset_equal(a, b));
	lc_ruleset_destroy(a);
	lc_ruleset_destroy(b);
}

static bool listed(const struct lc_rule *rules, const struct lc_rule *one)
{
	u32 i;

	for (i = 0; i < MANY; i++)
		if (!memcmp(&rules[i], one, sizeof(*one)))
			return true;
	return false;
}

TEST(ruleset_gives_its_rules_back)
{
	struct lc_rule rules[MANY], one, last;
	struct lc_ruleset *set = NULL, *again = NULL;
	struct lc_rule_walk walk, later;
	u32 n, skip;

	many(rules);
	CHECK_EQ(lc_ruleset_create(rules, MANY, &set), 0);
	memset(&last, 0, sizeof(last));
	lc_rules_begin(set, 0, &walk);
	for (n = 0; lc_rules_next(set, &walk, &one); n++) {
		CHECK(listed(rules, &one));
		/* IPv4 first, by address */
		if (n && last.peer.family == one.peer.family)
			CHECK(memcmp(&last.peer, &one.peer,
				     sizeof(one.peer)) <= 0);
		else if (n)
			CHECK(last.peer.family == 4);
		last = one;
	}
	CHECK_EQ(n, set->count);
	CHECK(!lc_rules_next(set, &walk, &one));
	for (skip = 0; skip <= set->count; skip++) {
		lc_rules_begin(set, skip, &later);
		for (n = skip; lc_rules_next(set, &later, &rules[n % MANY]);)
			n++;
		CHECK_EQ(n, set->count);
	}
	lc_rules_begin(set, 0, &walk);
	for (n = 0; lc_rules_next(set, &walk, &one); n++)
		rules[n] = one;
	CHECK_EQ(lc_ruleset_create(rules, n, &again), 0);
	CHECK(lc_ruleset_equal(set, again));
	lc_ruleset_destroy(again);
	lc_ruleset_destroy(set);
	CHECK_EQ(env_live(), 0);
}

TEST(ruleset_differs_when_any_field_does)
{
	struct lc_rule base = rule("10.20.0.0/16", P_TCP, SERVES, 80, 90);
	struct lc_rule others[] = { base, base, base, base, base, base, base,
				    base, base };
	struct lc_ruleset *a = NULL, *b = NULL;
	u32 i;

	others[0].peer.addr[1] = 21;
	others[1].peer.len = 17;
	others[2].peer = prefix_of("a14::/16");
	others[3].proto = P_UDP;
	others[4].initiator = CONNECTS;
	others[5].peer_low = 79;
	others[6].peer_high = 91;
	others[7].device_low = 1;
	others[8].device_high = 65534;
	CHECK_EQ(lc_ruleset_create(&base, 1, &a), 0);
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		CHECK_EQ(lc_ruleset_create(&others[i], 1, &b), 0);
		CHECK(!lc_ruleset_equal(a, b));
		CHECK(a->hash != b->hash);
		lc_ruleset_destroy(b);
	}
	CHECK_EQ(lc_ruleset_create(&base, 0, &b), 0);
	CHECK(!lc_ruleset_equal(a, b));
	lc_ruleset_destroy(b);
	lc_ruleset_destroy(a);
}

TEST(ruleset_with_an_equal_hash_is_still_compared)
{
	struct lc_rule one = rule(NVR4, P_TCP, SERVES, 80, 80);
	struct lc_rule two = rule(NVR4, P_TCP, SERVES, 81, 81);
	struct lc_ruleset *a = NULL, *b = NULL;

	CHECK_EQ(lc_ruleset_create(&one, 1, &a), 0);
	CHECK_EQ(lc_ruleset_create(&two, 1, &b), 0);
	b->hash = a->hash;
	CHECK(!lc_ruleset_equal(a, b));
	lc_ruleset_destroy(a);
	lc_ruleset_destroy(b);
}

TEST(ruleset_without_memory)
{
	struct lc_rule r = rule(NVR4, P_TCP, SERVES, 80, 80);
	struct lc_ruleset *set = NULL;
	unsigned long nth;

	for (nth = 1;; nth++) {
		env_fail_alloc(nth);
		if (!lc_ruleset_create(&r, 1, &set))
			break;
		CHECK(env_failed());
		CHECK(!set);
		CHECK_EQ(env_live(), 0);
	}
	env_fail_alloc(0);
	CHECK(nth > 1);
	lc_ruleset_destroy(set);
}

TEST(ruleset_is_small)
{
	struct lc_rule rules[MANY];
	struct lc_ruleset *set = NULL;
	u32 i;

	for (i = 0; i < 20; i++) {
		rules[i] = rule("10.20.0.0/32", i % 2 ? P_TCP : P_UDP, CONNECTS,
				1000 + i, 1000 + i);
		rules[i].peer.addr[3] = i / 2;
	}
	CHECK_EQ(lc_ruleset_create(rules, 20, &set), 0);
	CHECK(set->bytes <= 20 * 40);
	lc_ruleset_destroy(set);
	/* one list for all that offer the same */
	for (i = 0; i < 20; i++) {
		rules[i] = rules[i % 2];
		rules[i].peer.addr[3] = i / 2;
	}
	CHECK_EQ(lc_ruleset_create(rules, 20, &set), 0);
	CHECK_EQ(set->count, 20);
	CHECK(set->bytes <= 20 * 26);
	lc_ruleset_destroy(set);
}
