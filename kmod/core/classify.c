// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judging: generation, guard and key to verdict.
 *
 * Problem. A frame must be permitted by a rule of the profile of the device
 * that sent it; everything else is dropped, and the reason should tell a
 * person what to look at. Rules only permit, so their order means nothing.
 *
 * Structure. The questions are asked from the outside in, and the first "no"
 * is the reason: is there a policy, is the sender known, could the frame be
 * read, is it upkeep (then it is decided here and now), is its source address
 * the sender's, and does a rule match. Audit, of the guard or of the profile,
 * changes what happens to a "no", never how it is found.
 *
 * Rules are scanned one by one within the frame's address family. For the
 * reason, the scan remembers how close the best rule came:
 *
 *   destination < service < fragment or direction < match
 *
 * Example: a profile that serves tcp 554 to 10.20.0.10 and a frame from port
 * 554 with SYN and without ACK. The prefix contains the destination (service,
 * at least), protocol and ports fit (direction, at least), but the camera
 * would be opening the connection, so the reason stays "direction".
 *
 * Cost is linear in the rules of one profile and family, and independent of
 * everything else; it touches the device, the profile and 32 bytes a rule.
 */
#include "core.h"

#define PROTO_ICMP	1
#define PROTO_TCP	6
#define PROTO_UDP	17
#define PROTO_ICMPV6	58

#define TCP_SYN		0x02
#define TCP_ACK		0x10

static const u8 zero[16];

/* ICMP types that ask for an answer: echo, router solicitation, timestamp,
 * information, mask (RFC 792, 950, 1256), domain name (RFC 1788), extended echo
 * (RFC 8335).
 */
static bool icmp_asks(u16 type)
{
	switch (type) {
	case 8:
	case 10:
	case 13:
	case 15:
	case 17:
	case 37:
	case 42:
		return true;
	default:
		return false;
	}
}

/* The same of ICMPv6: echo (RFC 4443), node information (RFC 4620), inverse
 * neighbour (RFC 3122), home agent and mobile prefix (RFC 6275), extended echo
 * (RFC 8335). Router and neighbour solicitations are upkeep.
 */
static bool icmpv6_asks(u16 type)
{
	switch (type) {
	case 128:
	case 139:
	case 141:
	case 144:
	case 146:
	case 160:
		return true;
	default:
		return false;
	}
}

/* Does the frame open an exchange, as far as one frame can tell? TCP: SYN
 * without ACK. ICMP: a request.
 */
static bool initiates(const struct lc_key *key)
{
	if (!key->has_ports)
		return false;
	switch (key->proto) {
	case PROTO_TCP:
		return (key->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	case PROTO_ICMP:
		return key->family == LC_FAMILY_IPV4 && icmp_asks(key->dport);
	case PROTO_ICMPV6:
		return key->family == LC_FAMILY_IPV6 &&
		       icmpv6_asks(key->dport);
	default:
		return false;
	}
}

static bool ranges_match(const struct lc_rule *rule, const struct lc_key *key)
{
	return key->dport >= rule->peer_low && key->dport <= rule->peer_high &&
	       key->sport >= rule->device_low && key->sport <= rule->device_high;
}

static bool ranges_full(const struct lc_rule *rule)
{
	return !rule->peer_low && rule->peer_high == 0xffff &&
	       !rule->device_low && rule->device_high == 0xffff;
}

/**
 * lc_ruleset_judge() - whether a list of rules permits a frame
 * @ruleset: the rules
 * @key: a frame that was parsed without a reason
 *
 * Context: any.
 *
 * Return: %LENSCAP_REASON_NONE if a rule matches, otherwise
 * %LENSCAP_REASON_DESTINATION, %LENSCAP_REASON_SERVICE,
 * %LENSCAP_REASON_FRAGMENT or %LENSCAP_REASON_DIRECTION.
 */
u8 lc_ruleset_judge(const struct lc_ruleset *ruleset, const struct lc_key *key)
{
	bool v4 = key->family == LC_FAMILY_IPV4;
	const struct lc_rule *rule = ruleset->rules + (v4 ? 0 : ruleset->ipv4);
	const struct lc_rule *end = ruleset->rules +
				    (v4 ? ruleset->ipv4 : ruleset->count);
	bool opens = initiates(key);
	u8 reason = LENSCAP_REASON_DESTINATION;

	for (; rule < end; rule++) {
		if (!lc_prefix_has(&rule->peer, key->family, key->dst))
			continue;
		if (reason == LENSCAP_REASON_DESTINATION)
			reason = LENSCAP_REASON_SERVICE;
		if (rule->proto != LC_PROTO_ANY && rule->proto != key->proto)
			continue;
		if (!ranges_full(rule)) {
			if (key->part == LC_PART_LATER) {
				reason = LENSCAP_REASON_FRAGMENT;
				continue;
			}
			if (!ranges_match(rule, key))
				continue;
		}
		if (opens && rule->initiator == LENSCAP_INITIATOR_PEER) {
			reason = LENSCAP_REASON_DIRECTION;
			continue;
		}
		return LENSCAP_REASON_NONE;
	}
	return reason;
}

static bool bound(const struct lc_device *device, u8 family, const u8 *addr)
{
	u32 i;

	for (i = 0; i < device->naddrs; i++)
		if (lc_prefix_has(&device->addrs[i], family, addr))
			return true;
	return false;
}

static bool on_lan(const struct lc_guard *guard, const struct lc_key *key)
{
	u32 i;

	for (i = 0; i < guard->nsubnets; i++)
		if (lc_prefix_has(&guard->subnets[i], key->family, key->dst))
			return true;
	return false;
}

/* Source addresses that a host uses before or beside its own: only upkeep may
 * come from them.
 */
static bool provisional(u8 family, const u8 *addr)
{
	if (family == LC_FAMILY_IPV4)
		return !memcmp(addr, zero, 4);
	return !memcmp(addr, zero, 16) ||
	       (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80);
}

/* Is the frame upkeep at all on this guard? Not if it is DHCP to a server
 * beyond the LAN, which is judged by the rules.
 */
static bool is_upkeep(const struct lc_guard *guard, const struct lc_key *key)
{
	const u32 dhcp = LENSCAP_UPKEEP_DHCP | LENSCAP_UPKEEP_DHCP6;

	if (!key->upkeep)
		return false;
	if (!(key->upkeep & dhcp))
		return true;
	if (guard->identity == LENSCAP_IDENTITY_IP)
		return false;
	return !key->unicast || on_lan(guard, key);
}

/* Upkeep must stay on the LAN, whoever sent it. */
static bool leaves_lan(const struct lc_guard *guard, const struct lc_key *key)
{
	return key->unicast && !on_lan(guard, key);
}

/* Asked last: what is malformed or a lie is worth knowing also where its kind
 * may not pass.
 */
static u8 judge_kind(const struct lc_guard *guard, const struct lc_key *key)
{
	return guard->upkeep & key->upkeep ? LENSCAP_REASON_NONE :
					     LENSCAP_REASON_UPKEEP_OFF;
}

/* Upkeep of a device: everything that it says of itself must be true. */
static u8 judge_upkeep(const struct lc_guard *guard,
		       const struct lc_device *device,
		       const struct lc_key *key)
{
	if (leaves_lan(guard, key))
		return LENSCAP_REASON_UPKEEP_INVALID;
	if (key->has_claim_mac &&
	    memcmp(key->claim_mac, device->mac, sizeof(device->mac)))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (key->has_claim && !bound(device, key->claim_family, key->claim))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (key->family && !provisional(key->family, key->src) &&
	    !bound(device, key->family, key->src))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	return judge_kind(guard, key);
}

/* Upkeep of the routed hop on a guard with identity ip: it is no device, so
 * all that can be asked is that it does not speak for one.
 */
static u8 judge_hop(const struct lc_generation *gen,
		    const struct lc_guard *guard, const struct lc_key *key)
{
	if (leaves_lan(guard, key))
		return LENSCAP_REASON_UPKEEP_INVALID;
	if (key->has_claim_mac && key->has_mac &&
	    memcmp(key->claim_mac, key->mac, sizeof(key->mac)))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (key->has_claim &&
	    lc_generation_by_addr(gen, guard->id, key->claim_family,
				  key->claim))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	return judge_kind(guard, key);
}

static bool upkeep_reason(u8 reason)
{
	return reason == LENSCAP_REASON_UPKEEP_INVALID ||
	       reason == LENSCAP_REASON_UPKEEP_SPOOF;
}

static u8 judge_device(const struct lc_guard *guard,
		       const struct lc_device *device,
		       const struct lc_profile *profile,
		       const struct lc_key *key, bool *upkeep)
{
	bool is = is_upkeep(guard, key);

	/* What parsing found wrong with it as upkeep does not count against a
	 * frame that is none here.
	 */
	if (key->reason && (is || !upkeep_reason(key->reason)))
		return key->reason;
	/* Behind a routed hop a device has no business on this link. */
	if (is && guard->identity == LENSCAP_IDENTITY_IP)
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (is) {
		*upkeep = true;
		return judge_upkeep(guard, device, key);
	}
	if (!bound(device, key->family, key->src))
		return LENSCAP_REASON_WRONG_SOURCE;
	if (profile->mode == LENSCAP_MODE_QUARANTINE)
		return LENSCAP_REASON_QUARANTINE;
	return lc_ruleset_judge(profile->ruleset, key);
}

/* A frame that no device sent, or none that can be told. */
static u8 judge_stranger(const struct lc_generation *gen,
			 const struct lc_guard *guard,
			 const struct lc_key *key, bool *upkeep)
{
	if (guard->identity == LENSCAP_IDENTITY_IP) {
		if (is_upkeep(guard, key) && !key->reason) {
			*upkeep = true;
			return judge_hop(gen, guard, key);
		}
		if (key->reason && (is_upkeep(guard, key) || !key->family))
			return key->reason;
	}
	return LENSCAP_REASON_UNKNOWN_DEVICE;
}

static const struct lc_device *identify(const struct lc_generation *gen,
					const struct lc_guard *guard,
					const struct lc_key *key)
{
	if (guard->identity == LENSCAP_IDENTITY_MAC)
		return key->has_mac ?
		       lc_generation_by_mac(gen, guard->id, key->mac) : NULL;
	return key->family ?
	       lc_generation_by_addr(gen, guard->id, key->family, key->src) :
	       NULL;
}

/**
 * lc_judge() - decide what is to happen to a frame
 * @gen: the live generation, or NULL if there is none
 * @guard: the guard that the frame came in by
 * @key: what lc_parse() made of it
 * @verdict: result, written whole
 *
 * Context: any; @gen must stay valid while @verdict->device is used.
 */
void lc_judge(const struct lc_generation *gen, const struct lc_guard *guard,
	      const struct lc_key *key, struct lc_verdict *verdict)
{
	const struct lc_profile *profile = NULL;
	bool audit = guard->mode == LENSCAP_MODE_AUDIT;

	memset(verdict, 0, sizeof(*verdict));
	if (!gen) {
		verdict->reason = LENSCAP_REASON_NO_POLICY;
		verdict->pass = audit;
		return;
	}

	verdict->device = identify(gen, guard, key);
	if (verdict->device) {
		profile = lc_generation_profile(gen, verdict->device->profile);
		verdict->class = profile->class;
		audit |= profile->mode == LENSCAP_MODE_AUDIT;
		verdict->reason = judge_device(guard, verdict->device, profile,
					       key, &verdict->upkeep);
	} else {
		verdict->reason = judge_stranger(gen, guard, key,
						 &verdict->upkeep);
	}
	verdict->pass = audit || verdict->reason == LENSCAP_REASON_NONE;
	verdict->upkeep &= verdict->reason == LENSCAP_REASON_NONE;
}
