// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judging: generation, guard and key to verdict.
 *
 * Problem. A frame must be permitted by a rule of the profile of the device
 * that sent it; everything else is dropped, and the reason should tell a
 * person what to look at. It must not matter how many devices there are, nor how
 * many rules, nor what the sender puts into the frame.
 *
 * Structure. The questions are asked from the outside in, and the first "no"
 * is the reason: is there a policy, is the sender known, could the frame be
 * read, is it upkeep (then it is decided here and now), is its source address
 * the sender's, and does a rule match. Audit, of the guard or of the profile,
 * changes what happens to a "no", never how it is found.
 *
 * The sender is found by its MAC in a hash table (table.c), which also tells the
 * slot of its profile. A usual frame (usual.h) first looks for a rule that names
 * just its address and port (exact.c). Otherwise rules are found in two steps. The longest prefix that
 * contains the destination comes from a binary search over all distinct
 * prefixes of the ruleset by address (search.h): prefixes are nested or apart,
 * so the last one that begins at or before the address either contains it, and
 * then no longer one does, or it does not, and then only those around it can:
 * its chain of parents. Then each prefix on that chain is asked for its
 * services: up to eight are scanned, more of them have axes (axis.c). For the
 * reason, what remains is how close the best rule came:
 *
 *   destination < service < fragment or direction < match
 *
 * Example: rules "tcp 80 at 10.20.0.0/16, the device initiates" and "tcp 554 of
 * the device for 10.20.0.10, the peer initiates", and a frame to 10.20.0.10 from
 * port 554 with SYN and without ACK. The keys are 10.20.0.0 and 10.20.0.10; the
 * last that is not above the destination is 10.20.0.10, /32, which contains it
 * (service, at least). Its only service fits protocol and ports (direction, at
 * least), but the camera would be opening the connection. Its parent, the /16,
 * contains the destination as well and offers port 80 only. So the reason stays
 * "direction".
 *
 * Cost, with n destinations in the profile, c prefixes around the destination
 * (mostly one or two, at most 33 or 129) and s services in a list:
 * log2(n) + c * log2(s) steps, and s at most eight of them for a short list, or,
 * for an exact rule, one bucket; the number of devices does not matter. Cache
 * lines that are cold when there are many devices, for a frame that passes: one of
 * the table's bin, one or two of the device with its counters; with a ruleset of
 * its own for each device, one of its slot and two of the ruleset (exact rules;
 * otherwise three to five). The slot does not wait for the device, nor the parser
 * for either: the sender is looked up before the frame is parsed, so that these
 * misses overlap. What is left is two in a row, the bin's line and the device's:
 * the benchmark times a hook that reads two such lines and nothing else (steps). An
 * unknown sender costs less; a frame that is denied reads as much as one that
 * passes, and then writes a drop record.
 */
#include "upkeep.h"

#define PROTO_ICMP	1
#define PROTO_ICMPV6	58

#define DHCP_KINDS	(LENSCAP_UPKEEP_DHCP | LENSCAP_UPKEEP_DHCP6)

static const u8 zero[16];

/* ICMP types that ask for an answer: echo, router solicitation, timestamp,
 * information, mask (RFC 792, 950, 1256), IPv6 where-are-you and mobile registration
 * (RFC 6918), domain name (RFC 1788), extended echo (RFC 8335).
 */
static bool icmp_asks(u16 type)
{
	switch (type) {
	case 8:
	case 10:
	case 13:
	case 15:
	case 17:
	case 33:
	case 35:
	case 37:
	case 42:
		return true;
	default:
		return false;
	}
}

/* The same of ICMPv6: echo (RFC 4443), node information (RFC 4620), inverse
 * neighbour (RFC 3122), home agent and mobile prefix (RFC 6275), certification path
 * (RFC 3971), multicast router (RFC 4286), duplicate address (RFC 6775), extended echo
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
	case 148:
	case 152:
	case 157:
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
	if (lc_tcp_opens(key->tcp_flags))
		return true;
	if (key->proto == PROTO_ICMP)
		return key->has_ports && key->family == LC_FAMILY_IPV4 &&
		       icmp_asks(key->dport);
	if (key->proto == PROTO_ICMPV6)
		return key->has_ports && key->family == LC_FAMILY_IPV6 &&
		       icmpv6_asks(key->dport);
	return false;
}

/* A frame without ports, which therefore opens nothing. */
static enum lc_near judge_bare(u32 mark)
{
	if (mark & LC_MARK_INITIATOR)
		return LC_NEAR_MATCH;
	return mark & LC_MARK_PORTS ? LC_NEAR_FRAGMENT : LC_NEAR_DESTINATION;
}

/**
 * lc_match_bare() - ask a short list of services about a later fragment
 * @service: the first of them
 * @count: how many
 * @point: protocol; the ports do not matter
 *
 * Context: any. Return: how close the best came.
 */
enum lc_near lc_match_bare(const struct lc_service *service, u32 count,
			   u64 point)
{
	u8 proto = lc_box_proto(point);
	u32 mark = 0;

	for (; count; count--, service++) {
		u32 flags = lc_service_flags(service);

		if (proto >= lc_box_proto(service->low) &&
		    proto <= lc_box_proto(service->high))
			mark |= flags & LC_SERVICE_PORTS ? LC_MARK_PORTS : flags;
	}
	return judge_bare(mark);
}

/**
 * lc_bare_first() - the first service that permits a later fragment
 * @service: the first of a short list, of which lc_match_bare() says that one does
 * @count: how many
 * @point: protocol; the ports do not matter
 *
 * Context: any. Return: its number.
 */
u32 lc_bare_first(const struct lc_service *service, u32 count, u64 point)
{
	u8 proto = lc_box_proto(point);
	u32 i;

	for (i = 0; i < count; i++)
		if (proto >= lc_box_proto(service[i].low) &&
		    proto <= lc_box_proto(service[i].high) &&
		    !(lc_service_flags(&service[i]) & LC_SERVICE_PORTS))
			return i;
	return 0;
}

static enum lc_near closer(enum lc_near a, enum lc_near b)
{
	return a > b ? a : b;
}

/* @first: receives the first service that permits the frame, if one does. */
static u8 axis_mark(const struct lc_ruleset *set, const struct lc_axis *axis,
		    u32 number, bool opens, u32 *first)
{
	const u32 *keys = lc_ruleset_at(set, axis->keys);
	const u16 *firsts = lc_axis_firsts(keys, axis->count);
	const u8 *marks = (const u8 *)(keys + axis->count);
	/* The first interval begins at 0, so there always is one. */
	u32 at = lc_search(keys, axis->count, number) - 1;
	u16 device = firsts[2 * at], peer = firsts[2 * at + 1];

	/* What does not exist is higher than all others. */
	*first = opens || device < peer ? device : peer;
	return marks[at];
}

/* Rules for some ports of both sides: see axis.c. */
static enum lc_near match_pairs(const struct lc_ruleset *set,
				const struct lc_long *list, u64 point,
				bool opens, u32 *first)
{
	const struct lc_service *services = lc_ruleset_at(set, set->services);
	const u32 *reach = lc_ruleset_at(set, list->reach);
	const u16 *numbers = (const u16 *)(reach + list->pairs);
	u32 number = lc_axis_number(lc_box_proto(point), lc_box_peer(point));
	enum lc_near near = LC_NEAR_DESTINATION;
	u32 low = 0, high = list->pairs;

	services += list->first;
	while (low < high) {
		u32 middle = (low + high) / 2;
		const struct lc_service *service = &services[numbers[middle]];

		if (lc_axis_number(lc_box_proto(service->low),
				   lc_box_peer(service->low)) <= number)
			low = middle + 1;
		else
			high = middle;
	}
	while (low-- && reach[low] >= number && near != LC_NEAR_MATCH) {
		u32 ignored;

		near = closer(near, lc_match_scan(&services[numbers[low]], 1,
						  point, opens, &ignored));
		*first = numbers[low];
	}
	return near;
}

/**
 * lc_match_long() - ask a long list of services
 * @set: the ruleset
 * @list: the list
 * @point: ports and protocol, as lc_box() packs them
 * @opens: the frame opens an exchange
 * @later: it is a later fragment
 * @first: receives the number of a service that permits it, if one does
 *
 * Context: any. Return: how close the best came.
 */
enum lc_near lc_match_long(const struct lc_ruleset *set,
			   const struct lc_long *list, u64 point, bool opens,
			   bool later, u32 *first)
{
	u8 proto = lc_box_proto(point);
	enum lc_near near;

	if (later)
		return judge_bare(axis_mark(set, &list->bare,
					    lc_axis_number(proto, 0), false,
					    first));
	near = lc_near_of(axis_mark(set, &list->peer,
				    lc_axis_number(proto, lc_box_peer(point)),
				    opens, first), opens);
	if (near != LC_NEAR_MATCH && list->device.count > 1)
		near = closer(near, lc_near_of(axis_mark(set, &list->device,
				lc_axis_number(proto, lc_box_device(point)),
							 opens, first), opens));
	if (near != LC_NEAR_MATCH && list->pairs)
		near = closer(near, match_pairs(set, list, point, opens, first));
	return near;
}

/**
 * lc_ruleset_ask() - whether a list of rules permits a frame
 * @ruleset: the rules
 * @key: a frame that was parsed without a reason
 * @hit: if it does, receives the counter of a rule that permits it: see hits.c
 *
 * Context: any.
 *
 * Return: %LENSCAP_REASON_NONE if a rule matches, otherwise
 * %LENSCAP_REASON_DESTINATION, %LENSCAP_REASON_SERVICE,
 * %LENSCAP_REASON_FRAGMENT or %LENSCAP_REASON_DIRECTION.
 */
u8 lc_ruleset_ask(const struct lc_ruleset *ruleset, const struct lc_key *key,
		  u32 *hit)
{
	struct lc_query query = {
		.point = lc_box(key->dport, key->sport, key->proto),
		.opens = initiates(key),
		.later = key->part == LC_PART_LATER,
	};
	u32 ports = (u32)key->sport << 16 | key->dport;
	enum lc_near near;
	struct lc_wide wide;

	/* Exact rules first, as for a usual frame: what it counts for must not
	 * depend on how its sender packs it.
	 */
	if (key->family == LC_FAMILY_IPV4) {
		u32 addr = lc_be32(key->dst);

		if (!query.later && lc_match_exact(ruleset, addr, key->proto,
						   ports, query.opens, hit))
			return LENSCAP_REASON_NONE;
		near = lc_match4(ruleset, addr, &query);
	} else {
		wide = lc_be128(key->dst);
		if (!query.later && lc_match_exact6(ruleset, &wide, key->proto,
						    ports, query.opens, hit))
			return LENSCAP_REASON_NONE;
		near = lc_match6(ruleset, &wide, &query);
	}
	*hit = lc_ruleset_places(ruleset) + query.rule;
	return lc_near_reason(near);
}

static bool on_lan(const struct lc_guard *guard, u8 family, const u8 *addr)
{
	u32 i;

	for (i = 0; i < guard->nsubnets; i++)
		if (lc_prefix_has(&guard->subnets[i], family, addr))
			return true;
	return false;
}

static bool unspecified(u8 family, const u8 *addr)
{
	return !memcmp(addr, zero, family == LC_FAMILY_IPV4 ? 4 : 16);
}

/* The link-local address that a host makes of its MAC: RFC 4291 appendix A. */
static bool made_of_mac(const struct lc_device *device, const u8 *addr)
{
	const u8 *mac = device->mac;
	const u8 made[16] = {
		0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe,
		mac[3], mac[4], mac[5],
	};

	return !memcmp(addr, made, sizeof(made));
}

/* May the device speak of an address as its own, to its LAN? The policy need not
 * name the link-local one that its MAC gives; with any other it could draw a
 * neighbour's traffic to itself.
 */
static bool owns(const struct lc_device *device, u8 family, const u8 *addr)
{
	return lc_device_bound(device, family, addr) ||
	       (family == LC_FAMILY_IPV6 && made_of_mac(device, addr));
}

/* Is the frame upkeep at all on this guard? Not if it is DHCP to a server
 * beyond the LAN, which is judged by the rules, and then by what it says.
 */
static bool is_upkeep(const struct lc_guard *guard, const struct lc_key *key)
{
	if (!key->upkeep)
		return false;
	if (!(key->upkeep & DHCP_KINDS))
		return true;
	if (guard->identity == LENSCAP_IDENTITY_IP)
		return false;
	return !key->unicast || on_lan(guard, key->family, key->dst);
}

/* Upkeep must stay on the LAN, whoever sent it. */
static bool leaves_lan(const struct lc_guard *guard, const struct lc_key *key)
{
	return key->unicast && !on_lan(guard, key->family, key->dst);
}

/* Asked last: what is malformed or a lie is worth knowing also where its kind
 * may not pass.
 */
static u8 judge_kind(const struct lc_guard *guard, const struct lc_key *key)
{
	u32 needed = key->upkeep;

	if (key->unicast && needed & DHCP_KINDS)
		needed |= LENSCAP_UPKEEP_DHCP_UNICAST;
	return (guard->upkeep & needed) == needed ? LENSCAP_REASON_NONE :
						    LENSCAP_REASON_UPKEEP_OFF;
}

/* What a message says of its sender must be true. Behind a routed hop nobody knows
 * the sender's MAC.
 */
static u8 judge_claims(const struct lc_guard *guard,
		       const struct lc_device *device,
		       const struct lc_key *key)
{
	bool known = guard->identity == LENSCAP_IDENTITY_MAC;

	if (known && key->has_claim_mac &&
	    memcmp(key->claim_mac, device->mac, sizeof(device->mac)))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (key->has_claim && !owns(device, key->claim_family, key->claim))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (known && key->foreign_id &&
	    !(guard->upkeep & LENSCAP_UPKEEP_CLIENT_ID))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	return LENSCAP_REASON_NONE;
}

/* Upkeep of a device. Its kind is asked last. */
static u8 judge_upkeep(const struct lc_guard *guard,
		       const struct lc_device *device,
		       const struct lc_key *key)
{
	u8 reason;

	if (leaves_lan(guard, key))
		return LENSCAP_REASON_UPKEEP_INVALID;
	reason = judge_claims(guard, device, key);
	if (reason != LENSCAP_REASON_NONE)
		return reason;
	if (key->family && !unspecified(key->family, key->src) &&
	    !owns(device, key->family, key->src))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	return judge_kind(guard, key);
}

/* Does the frame name somebody beyond the LAN as its sender? He would be answered: by a
 * daemon that advertises routes, to whoever solicits; and by the kernel where such a
 * frame gets on, and no further, with all of it (icmp6_send()).
 */
static bool names_others(const struct lc_guard *guard, const struct lc_key *key)
{
	return key->family == LC_FAMILY_IPV6 &&
	       !unspecified(key->family, key->src) &&
	       !lc_link_local(key->src) &&
	       !on_lan(guard, key->family, key->src);
}

/* Upkeep of the routed hop on a guard with identity ip: it is no device, so
 * all that can be asked is that it does not speak for one, nor for others.
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
				  key->claim, NULL))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (names_others(guard, key))
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
		       const struct lc_slot *profile,
		       const struct lc_key *key, struct lc_verdict *verdict)
{
	bool is = is_upkeep(guard, key);
	u8 reason;

	/* What parsing found wrong with it as upkeep is no reason, or not the
	 * first one, where it is none.
	 */
	if (key->reason && (is || !upkeep_reason(key->reason)))
		return key->reason;
	/* Behind a routed hop a device has no business on this link. */
	if (is && guard->identity == LENSCAP_IDENTITY_IP)
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (is) {
		verdict->upkeep = true;
		return judge_upkeep(guard, device, key);
	}
	if (!lc_device_bound(device, key->family, key->src))
		return LENSCAP_REASON_WRONG_SOURCE;
	if (profile->mode == LENSCAP_MODE_QUARANTINE)
		return LENSCAP_REASON_QUARANTINE;
	verdict->ruleset = profile->ruleset;
	reason = lc_ruleset_ask(profile->ruleset, key, &verdict->hit);
	if (reason != LENSCAP_REASON_NONE)
		return reason;
	switch (key->icmp) {
	case LC_ICMP_LARGE:
		return LENSCAP_REASON_ICMP_SIZE;
	case LC_ICMP_FOREIGN:
		return LENSCAP_REASON_ICMP_QUOTE;
	}
	/* A server would answer to wherever it says. */
	if (key->upkeep == LENSCAP_UPKEEP_DHCP)
		return key->reason ?: judge_claims(guard, device, key);
	return LENSCAP_REASON_NONE;
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

/**
 * struct sender - who sent a frame
 * @device: the device, or NULL
 * @profile: its profile
 */
struct sender {
	const struct lc_device *device;
	const struct lc_slot *profile;
};

static void found(const struct lc_generation *gen,
		  const struct lc_device *device, u32 slot,
		  struct sender *sender)
{
	sender->device = device;
	sender->profile = device ? lc_generation_profile(gen, slot) : NULL;
}

static void find_addr(const struct lc_generation *gen,
		      const struct lc_guard *guard, const struct lc_key *key,
		      struct sender *sender)
{
	const struct lc_device *device = NULL;
	u32 slot = 0;

	if (key->family)
		device = lc_generation_by_addr(gen, guard->id, key->family,
					       key->src, &slot);
	found(gen, device, slot, sender);
}

static void find_mac(const struct lc_generation *gen,
		     const struct lc_guard *guard, const struct lc_key *key,
		     struct sender *sender)
{
	const struct lc_device *device = NULL;
	u32 slot = 0;

	if (key->has_mac)
		device = lc_generation_by_mac(gen, guard->id, key->mac, &slot);
	found(gen, device, slot, sender);
}

static void judge(const struct lc_generation *gen,
		  const struct lc_guard *guard, const struct sender *sender,
		  const struct lc_key *key, struct lc_verdict *verdict)
{
	bool audit = guard->mode == LENSCAP_MODE_AUDIT;

	verdict->device = sender->device;
	if (sender->device) {
		verdict->class = sender->profile->class;
		audit |= sender->profile->mode == LENSCAP_MODE_AUDIT;
		verdict->reason = judge_device(guard, sender->device,
					       sender->profile, key, verdict);
	} else {
		verdict->reason = judge_stranger(gen, guard, key,
						 &verdict->upkeep);
	}
	verdict->audit = audit;
	verdict->pass = audit || verdict->reason == LENSCAP_REASON_NONE;
	verdict->upkeep &= verdict->reason == LENSCAP_REASON_NONE;
}

static void judge_without(const struct lc_guard *guard,
			  struct lc_verdict *verdict)
{
	verdict->reason = LENSCAP_REASON_NO_POLICY;
	verdict->audit = guard->mode == LENSCAP_MODE_AUDIT;
	verdict->pass = verdict->audit;
}

/**
 * lc_judge() - decide what is to happen to a frame that was parsed
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
	struct sender sender;

	*verdict = (struct lc_verdict){ 0 };
	if (!gen) {
		judge_without(guard, verdict);
		return;
	}
	if (guard->identity == LENSCAP_IDENTITY_MAC)
		find_mac(gen, guard, key, &sender);
	else
		find_addr(gen, guard, key, &sender);
	judge(gen, guard, &sender, key, verdict);
}
