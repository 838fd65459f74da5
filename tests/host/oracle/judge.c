// SPDX-License-Identifier: GPL-2.0-only
/* The order of judgement, one step after the other. */
#include "oracle.h"

static bool full(u16 low, u16 high)
{
	return low == 0 && high == 65535;
}

static bool opens(const struct dissected *d)
{
	if (d->proto == 6 && d->dport >= 0)
		return (d->flags & 0x12) == 0x02;
	if (d->proto == 1 && d->family == 4)
		return d->dport == 8 || d->dport == 10 || d->dport == 13 ||
		       d->dport == 15 || d->dport == 17 || d->dport == 33 ||
		       d->dport == 35 || d->dport == 37 || d->dport == 42;
	if (d->proto == 58 && d->family == 6)
		return d->dport == 128 || d->dport == 139 || d->dport == 141 ||
		       d->dport == 144 || d->dport == 146 || d->dport == 148 ||
		       d->dport == 152 || d->dport == 157 || d->dport == 160;
	return false;
}

/* All but direction, and the destination has been seen to be inside. */
static bool permits(const struct lc_rule *rule, const struct dissected *d)
{
	if (rule->proto != LC_PROTO_ANY && rule->proto != d->proto)
		return false;
	if (full(rule->peer_low, rule->peer_high) &&
	    full(rule->device_low, rule->device_high))
		return true;
	if (d->dport < 0 || d->dport < rule->peer_low ||
	    d->dport > rule->peer_high)
		return false;
	if (full(rule->device_low, rule->device_high))
		return true;
	return d->sport >= rule->device_low && d->sport <= rule->device_high;
}

u32 oracle_rules(const struct lc_rule *rules, u32 count,
		 const struct dissected *d)
{
	bool named = false, related = false, reversed = false;
	u32 i;

	for (i = 0; i < count; i++) {
		const struct lc_rule *rule = &rules[i];

		if (!oracle_in(&rule->peer, d->family, d->dst))
			continue;
		named = true;
		related |= rule->proto == LC_PROTO_ANY ||
			   rule->proto == d->proto;
		if (!permits(rule, d))
			continue;
		if (rule->initiator == LENSCAP_INITIATOR_PEER && opens(d))
			reversed = true;
		else
			return WHY(NONE);
	}
	if (!named)
		return WHY(DESTINATION);
	if (d->part == LC_PART_LATER && related)
		return WHY(FRAGMENT);
	return reversed ? WHY(DIRECTION) : WHY(SERVICE);
}

static bool allows(const struct lc_rule *rule, const struct dissected *d)
{
	return oracle_in(&rule->peer, d->family, d->dst) && permits(rule, d) &&
	       !(rule->initiator == LENSCAP_INITIATOR_PEER && opens(d));
}

/* One address and one port of TCP or UDP. */
static bool exact(const struct lc_rule *rule)
{
	bool peer = !full(rule->peer_low, rule->peer_high);
	bool own = !full(rule->device_low, rule->device_high);

	return (rule->proto == 6 || rule->proto == 17) && peer != own &&
	       rule->peer.len == (rule->peer.family == 4 ? 32 : 128) &&
	       (peer ? rule->peer_low == rule->peer_high :
		       rule->device_low == rule->device_high);
}

/* Is this the rule that a frame should be counted for? All rules are asked, in the
 * order of a dump. NULL: it may be; otherwise what is wrong with it.
 */
const char *oracle_counted(const struct lc_rule *rules, u32 count, u32 counted,
			   const struct dissected *d)
{
	const struct lc_rule *rule = &rules[counted];
	u32 beside = 0, first = count, i;

	if (counted >= count || !allows(rule, d))
		return "hit: of a rule that does not permit it";
	for (i = 0; i < count; i++) {
		if (!memcmp(&rules[i].peer, &rule->peer, sizeof(rule->peer)))
			beside++;
		if (!allows(&rules[i], d))
			continue;
		if (rules[i].peer.len > rule->peer.len)
			return "hit: a longer destination has a rule";
		if (first == count && rules[i].peer.len == rule->peer.len)
			first = i;
	}
	/* Long lists have an order of their own. */
	if (counted != first && !exact(rule) && beside <= LC_SCAN_MAX)
		return "hit: not the first rule of its destination";
	return NULL;
}

/* ICMP as no tool or stack sends it. */
static bool too_large(const struct dissected *d)
{
	if (d->family == 4 && d->proto == 1) {
		if (d->part != LC_PART_WHOLE || d->trailed)
			return true;
		if (d->dport == 0 || d->dport == 8 || d->dport == 42 ||
		    d->dport == 43)
			return d->end > 20 + 128;
		return d->end > 576;
	}
	if (d->family == 6 && d->proto == 58) {
		if (d->part != LC_PART_WHOLE || d->trailed)
			return true;
		if (d->dport == 128 || d->dport == 129 || d->dport == 160 ||
		    d->dport == 161)
			return d->end > 40 + 128;
		return d->end > 1280;
	}
	return false;
}

/* An ICMP error about something else than a packet from its receiver to its sender. */
static bool meddles(const struct dissected *d, const struct lc_frame *frame)
{
	static const u8 errors[] = { 3, 4, 11, 12, 31, 40 };
	const u8 *quote = frame->data + d->l4 + 8;

	if (d->family == 4 && d->proto == 1 && (d->dport == 5 || d->dport == 9))
		return true;
	if (d->family == 4 && d->proto == 1 && memchr(errors, d->dport, 6))
		return d->end < d->l4 + 28 || quote[0] >> 4 != 4 ||
		       !memchr("\x01\x06\x11\x21\x84\x88", quote[9], 6) ||
		       memcmp(quote + 12, d->dst, 4) ||
		       memcmp(quote + 16, d->src, 4);
	if (d->family == 6 && d->proto == 58 && d->dport < 128)
		return d->end < d->l4 + 48 || d->l4 + 48 > LC_HEADERS ||
		       quote[0] >> 4 != 6 ||
		       !memchr("\x3a\x06\x11\x21\x84\x88", quote[6], 6) ||
		       memcmp(quote + 8, d->dst, 16) ||
		       memcmp(quote + 24, d->src, 16);
	return false;
}

/* @x: with its device, however that is known */
static u32 by_profile(const struct facts *x)
{
	const struct policy_list *policy = x->policy;
	const struct dissected *d = x->said;
	u32 slot = x->device->profile;
	u32 why;

	if (!oracle_bound(x->device, d->family, d->src))
		return WHY(WRONG_SOURCE);
	if (policy->modes[slot] == LENSCAP_MODE_QUARANTINE)
		return WHY(QUARANTINE);
	why = oracle_rules(policy->rules[slot], policy->nrules[slot], d);
	if (why == WHY(NONE) && too_large(d))
		return WHY(ICMP_SIZE);
	if (why == WHY(NONE) && meddles(d, x->frame))
		return WHY(ICMP_QUOTE);
	return why == WHY(NONE) ? oracle_dhcp_by_rule(x) : why;
}

static void judge_mac(const struct facts *x, struct opinion *o)
{
	if (!x->device) {
		o->why = WHY(UNKNOWN_DEVICE);
		return;
	}
	o->device = x->device;
	o->why = x->said->why;
	if (o->why & WHY(NONE)) {
		u32 upkeep = oracle_upkeep(x);
		u32 other = o->why & ~WHY(NONE);

		o->upkeep = upkeep;
		o->why = other | (upkeep ? upkeep : by_profile(x));
	}
}

static void judge_ip(const struct facts *x, struct opinion *o)
{
	const struct dissected *d = x->said;
	const struct lc_device *device = NULL;
	u32 upkeep = 0;

	if (d->family)
		device = oracle_by_addr(x->policy, x->guard->id, d->family,
					d->src);
	if (d->why & WHY(NONE))
		upkeep = oracle_upkeep(x);
	if (upkeep) {
		o->why = upkeep | (d->why & ~WHY(NONE));
		o->upkeep = true;
		o->device = device;
		o->any_device = true;
		return;
	}
	if (!d->family) {
		o->why = d->why;
		return;
	}
	if (!device) {
		o->why = WHY(UNKNOWN_DEVICE);
		return;
	}
	o->device = device;
	o->why = d->why;
	if (o->why & WHY(NONE)) {
		struct facts known = *x;

		known.device = device;
		o->why = (o->why & ~WHY(NONE)) | by_profile(&known);
	}
}

void oracle_judge(const struct policy_list *policy,
		  const struct lc_guard *guard, const struct lc_frame *frame,
		  struct dissected *said, struct opinion *o)
{
	struct facts x = {
		.policy = policy, .guard = guard, .frame = frame, .said = said,
	};

	memset(o, 0, sizeof(*o));
	oracle_dissect(frame, said);
	if (!policy) {
		o->why = WHY(NO_POLICY);
	} else if (guard->identity == LENSCAP_IDENTITY_MAC) {
		if (frame->has_mac)
			x.device = oracle_by_mac(policy, guard->id, frame->mac);
		judge_mac(&x, o);
	} else {
		judge_ip(&x, o);
	}
	o->audit = guard->mode == LENSCAP_MODE_AUDIT;
	if (o->device) {
		u32 slot = o->device->profile;

		o->class = policy->classes[slot];
		o->audit |= policy->modes[slot] == LENSCAP_MODE_AUDIT;
	}
}
