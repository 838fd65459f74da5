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
 * slot of its profile. The rules are found in two steps. The longest prefix that
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
 * log2(n) + c * log2(s) steps, and s at most eight of them for a short list; the
 * number of devices does not matter. Cache lines that are cold when there are
 * many devices, for a frame that passes: one or two of the table's bin, one or
 * two of the device with its counters; with a ruleset of its own for each
 * device, one of its slot and three to five of the ruleset, which lie side by
 * side and are fetched at once. The slot does not wait for the device, nor the
 * parser for either: the sender is looked up before the frame is parsed, so that
 * these misses overlap. An unknown sender costs less; a frame that is denied reads
 * as much as one that passes, and then writes a drop record.
 */
#include "core.h"

#define PROTO_ICMP	1
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

/* There are flags only where there is a TCP header, so that TCP and UDP need not
 * be told apart.
 */
static bool syn(const struct lc_key *key)
{
	return (key->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* Does the frame open an exchange, as far as one frame can tell? TCP: SYN
 * without ACK. ICMP: a request.
 */
static bool initiates(const struct lc_key *key)
{
	if (syn(key))
		return true;
	if (key->proto == PROTO_ICMP)
		return key->has_ports && key->family == LC_FAMILY_IPV4 &&
		       icmp_asks(key->dport);
	if (key->proto == PROTO_ICMPV6)
		return key->has_ports && key->family == LC_FAMILY_IPV6 &&
		       icmpv6_asks(key->dport);
	return false;
}

/* How close a rule came. */
enum closeness {
	NEAR_NOTHING,
	NEAR_DESTINATION,
	NEAR_DIRECTION,
	NEAR_FRAGMENT,
	NEAR_MATCH,
};

static enum closeness closer(enum closeness a, enum closeness b)
{
	return a > b ? a : b;
}

static enum closeness judge_mark(u32 mark, bool opens)
{
	if (mark & LC_MARK_DEVICE || (mark & LC_MARK_PEER && !opens))
		return NEAR_MATCH;
	return mark & LC_MARK_PEER ? NEAR_DIRECTION : NEAR_DESTINATION;
}

/* A frame without ports, which therefore opens nothing. */
static enum closeness judge_bare(u32 mark)
{
	if (mark & LC_MARK_INITIATOR)
		return NEAR_MATCH;
	return mark & LC_MARK_PORTS ? NEAR_FRAGMENT : NEAR_DESTINATION;
}

static noinline enum closeness scan_bare(const struct lc_service *service, u32 count,
				u8 proto)
{
	u32 mark = 0;

	for (; count; count--, service++) {
		u32 flags = lc_service_flags(service);

		if (proto >= lc_box_proto(service->low) &&
		    proto <= lc_box_proto(service->high))
			mark |= flags & LC_SERVICE_PORTS ? LC_MARK_PORTS : flags;
	}
	return judge_bare(mark);
}

/* Where in the list the service is that matches cannot be predicted, so there is
 * no branch on it.
 */
static enum closeness scan(const struct lc_service *service, u32 count,
			   u64 point, bool opens)
{
	u32 mark = 0;

	for (; count; count--, service++)
		mark |= lc_service_flags(service) &
			-(u32)lc_in_box(service, point);
	return judge_mark(mark, opens);
}

static u8 axis_mark(const struct lc_ruleset *set, const struct lc_axis *axis,
		    u32 number)
{
	const u32 *keys = lc_ruleset_at(set, axis->keys);
	const u8 *marks = (const u8 *)(keys + axis->count);

	/* The first interval begins at 0, so there always is one. */
	return marks[lc_search(keys, axis->count, number) - 1];
}

/* Rules for some ports of both sides: see axis.c. */
static enum closeness judge_pairs(const struct lc_ruleset *set,
				  const struct lc_long *list,
				  const struct lc_key *key, bool opens)
{
	const struct lc_service *services = lc_ruleset_at(set, set->services);
	const u32 *reach = lc_ruleset_at(set, list->reach);
	const u16 *numbers = (const u16 *)(reach + list->pairs);
	u64 point = lc_box(key->dport, key->sport, key->proto);
	u32 number = lc_axis_number(key->proto, key->dport);
	enum closeness near = NEAR_DESTINATION;
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
	while (low-- && reach[low] >= number && near != NEAR_MATCH)
		near = closer(near, scan(&services[numbers[low]], 1, point,
					 opens));
	return near;
}

static noinline enum closeness judge_long(const struct lc_ruleset *set,
				 const struct lc_long *list,
				 const struct lc_key *key, bool opens)
{
	enum closeness near;

	if (key->part == LC_PART_LATER)
		return judge_bare(axis_mark(set, &list->bare,
					    lc_axis_number(key->proto, 0)));
	near = judge_mark(axis_mark(set, &list->peer,
				    lc_axis_number(key->proto, key->dport)),
			  opens);
	if (near != NEAR_MATCH && list->device.count > 1)
		near = closer(near, judge_mark(axis_mark(set, &list->device,
				lc_axis_number(key->proto, key->sport)),
					       opens));
	if (near != NEAR_MATCH && list->pairs)
		near = closer(near, judge_pairs(set, list, key, opens));
	return near;
}

static __always_inline enum closeness
judge_dest(const struct lc_ruleset *set, const struct lc_dest *dest,
	   const struct lc_key *key, bool opens)
{
	const struct lc_service *services = lc_ruleset_at(set, set->services);
	const struct lc_long *longs = lc_ruleset_at(set, set->longs);

	if (unlikely(dest->count == LC_DEST_LONG))
		return judge_long(set, &longs[dest->first], key, opens);
	if (unlikely(key->part == LC_PART_LATER))
		return scan_bare(services + dest->first, dest->count,
				 key->proto);
	return scan(services + dest->first, dest->count,
		    lc_box(key->dport, key->sport, key->proto), opens);
}

static __always_inline enum closeness judge4(const struct lc_ruleset *set,
			     const struct lc_key *key, bool opens)
{
	const struct lc_dest *dests = lc_ruleset_at(set, set->dests);
	enum closeness near = NEAR_NOTHING;
	u32 addr = lc_be32(key->dst);
	u32 i = lc_search(set->keys4, set->ndests4, addr);

	for (; i && near != NEAR_MATCH; i = dests[i - 1].parent) {
		const struct lc_dest *dest = &dests[i - 1];

		if (lc_bits_equal32(addr, set->keys4[i - 1], dest->len))
			near = closer(near, judge_dest(set, dest, key, opens));
	}
	return near;
}

static __always_inline enum closeness judge6(const struct lc_ruleset *set,
			     const struct lc_key *key, bool opens)
{
	const struct lc_dest *dests = lc_ruleset_at(set, set->dests);
	const struct lc_wide *keys = lc_ruleset_at(set, set->keys6);
	enum closeness near = NEAR_NOTHING;
	struct lc_wide addr = lc_be128(key->dst);
	u32 i = lc_search_wide(keys, set->ndests6, &addr);

	dests += set->ndests4;
	for (; i && near != NEAR_MATCH; i = dests[i - 1].parent) {
		const struct lc_dest *dest = &dests[i - 1];

		if (lc_bits_equal128(&addr, &keys[i - 1], dest->len))
			near = closer(near, judge_dest(set, dest, key, opens));
	}
	return near;
}

static u8 reason_of(enum closeness near)
{
	static const u8 reasons[] = {
		[NEAR_NOTHING] = LENSCAP_REASON_DESTINATION,
		[NEAR_DESTINATION] = LENSCAP_REASON_SERVICE,
		[NEAR_DIRECTION] = LENSCAP_REASON_DIRECTION,
		[NEAR_FRAGMENT] = LENSCAP_REASON_FRAGMENT,
		[NEAR_MATCH] = LENSCAP_REASON_NONE,
	};

	return reasons[near];
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
	bool opens = initiates(key);

	return reason_of(key->family == LC_FAMILY_IPV4 ?
			 judge4(ruleset, key, opens) :
			 judge6(ruleset, key, opens));
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
	if (key->has_claim && !lc_device_bound(device, key->claim_family, key->claim))
		return LENSCAP_REASON_UPKEEP_SPOOF;
	if (key->family && !provisional(key->family, key->src) &&
	    !lc_device_bound(device, key->family, key->src))
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
				  key->claim, NULL))
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
	if (!lc_device_bound(device, key->family, key->src))
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

/**
 * struct sender - who sent a frame
 * @device: the device, or NULL
 * @profile: its profile
 */
struct sender {
	const struct lc_device *device;
	const struct lc_slot *profile;
};

/* The lines of a ruleset that nearly every lookup reads. */
#define RULESET_LINES	4

static __always_inline void found(const struct lc_generation *gen,
		  const struct lc_device *device, u32 slot,
		  struct sender *sender)
{
	u32 i;

	sender->device = device;
	if (!device)
		return;
	sender->profile = lc_generation_slot(gen, slot);
	for (i = 0; i < RULESET_LINES; i++)
		lc_prefetch((const u8 *)sender->profile->ruleset + i * 64);
}

static __always_inline void find_mac(const struct lc_generation *gen,
		     const struct lc_guard *guard, bool has_mac, const u8 *mac,
		     struct sender *sender)
{
	const struct lc_device *device = NULL;
	u32 slot = 0;

	if (has_mac)
		device = lc_generation_by_mac(gen, guard->id, mac, &slot);
	found(gen, device, slot, sender);
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
					       sender->profile, key,
					       &verdict->upkeep);
	} else {
		verdict->reason = judge_stranger(gen, guard, key,
						 &verdict->upkeep);
	}
	verdict->pass = audit || verdict->reason == LENSCAP_REASON_NONE;
	verdict->upkeep &= verdict->reason == LENSCAP_REASON_NONE;
}

static void judge_without(const struct lc_guard *guard,
			  struct lc_verdict *verdict)
{
	verdict->reason = LENSCAP_REASON_NO_POLICY;
	verdict->pass = guard->mode == LENSCAP_MODE_AUDIT;
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
		find_mac(gen, guard, key->has_mac, key->mac, &sender);
	else
		find_addr(gen, guard, key, &sender);
	judge(gen, guard, &sender, key, verdict);
}

/* What judge() comes to for a frame that lc_parse_usual() has parsed: it has no
 * fault and is not upkeep.
 */
static __always_inline void judge_usual(const struct lc_guard *guard,
					const struct sender *sender,
					const bool v6, const struct lc_key *key,
					struct lc_verdict *verdict)
{
	bool audit = guard->mode == LENSCAP_MODE_AUDIT;
	u8 reason = LENSCAP_REASON_UNKNOWN_DEVICE;

	*verdict = (struct lc_verdict){ .device = sender->device };
	if (likely(sender->device)) {
		const struct lc_slot *profile = sender->profile;

		verdict->class = profile->class;
		audit |= profile->mode == LENSCAP_MODE_AUDIT;
		if (!lc_device_bound(sender->device, key->family, key->src))
			reason = LENSCAP_REASON_WRONG_SOURCE;
		else if (profile->mode == LENSCAP_MODE_QUARANTINE)
			reason = LENSCAP_REASON_QUARANTINE;
		else
			reason = reason_of(v6 ? judge6(profile->ruleset, key,
						       syn(key)) :
						judge4(profile->ruleset, key,
						       syn(key)));
	}
	verdict->reason = reason;
	verdict->pass = audit || reason == LENSCAP_REASON_NONE;
}

/**
 * lc_judge_frame() - parse a frame and decide what is to happen to it
 * @gen: the live generation, or NULL if there is none
 * @guard: the guard that the frame came in by
 * @frame: the frame
 * @key: receives what it says, written whole
 * @verdict: result, written whole
 *
 * The same as lc_parse() and lc_judge(), but sooner: see the top of this file. A
 * usual frame takes a short way, which the oracle's tests hold against the long.
 *
 * Context: any; @gen must stay valid while @verdict->device is used.
 */
void lc_judge_frame(const struct lc_generation *gen,
		    const struct lc_guard *guard, const struct lc_frame *frame,
		    struct lc_key *key, struct lc_verdict *verdict)
{
	struct sender sender;

	if (!gen || guard->identity != LENSCAP_IDENTITY_MAC) {
		lc_parse(frame, key);
		lc_judge(gen, guard, key, verdict);
		return;
	}
	find_mac(gen, guard, frame->has_mac, frame->mac, &sender);
	if (likely(!frame->vlan_stack)) {
		lc_key_begin(frame, key);
		if (frame->ethertype == LC_ETHERTYPE_IPV4 &&
		    lc_parse_usual(frame, false, key)) {
			judge_usual(guard, &sender, false, key, verdict);
			return;
		}
		if (frame->ethertype == LC_ETHERTYPE_IPV6 &&
		    lc_parse_usual(frame, true, key)) {
			judge_usual(guard, &sender, true, key, verdict);
			return;
		}
	}
	lc_parse(frame, key);
	*verdict = (struct lc_verdict){ 0 };
	judge(gen, guard, &sender, key, verdict);
}
