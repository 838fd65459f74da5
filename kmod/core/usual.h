/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Usual frames: nearly all that a camera sends, read and judged in one go.
 *
 * A usual frame is TCP or UDP, whole, with nothing between the IP header and the
 * ports, every length as it should be, the checksum made (or to be made where
 * TCP has it), and not DHCP. Only its headers need be at hand: many drivers, and
 * GRO, leave the rest in pages. A super-packet of GRO is a usual frame as long
 * as its length fields are those of a frame; one that becomes fragments is not.
 * Little can be wrong with a usual frame, and it is never upkeep, so that there is
 * little to ask: who is it, is it his address, does a rule match. All of it is inlined
 * into the hook, where what was read stays in registers: a struct lc_key is not made
 * unless the frame is to be recorded. Whatever is not usual, in any way, goes the long
 * way (parse.c, classify.c), and the tests hold the short one against it, frame by
 * frame.
 *
 * All branches are predicted well; between TCP and UDP there is none.
 */
#ifndef _LENSCAP_CORE_USUAL_H
#define _LENSCAP_CORE_USUAL_H

#include "generation.h"
#include "match.h"

#define LC_ETHERTYPE_IPV4	0x0800
#define LC_ETHERTYPE_IPV6	0x86dd

#define LC_IPV4_LEN		20
#define LC_IPV6_LEN		40
#define LC_IPV4_FRAGMENT	0x3fff	/* more to come, or an offset */

#define LC_TCP			6
#define LC_UDP			17

#define LC_TCP_SYN		0x02
#define LC_TCP_ACK		0x10

/* Where TCP has its checksum: see lc_usual_read(). */
#define LC_TCP_SUM		16

/* The shortest that is looked at here: what is read of TCP. Ethernet pads to
 * more than that.
 */
#define LC_USUAL_L4		14

/* TCP has a size in the upper four bits of byte 12, in words of four bytes, and
 * the flags in byte 13; UDP has one in bytes 4 and 5. A camera sends both, so that
 * a branch between them would often be mispredicted: @tcp is all ones or 0.
 */
static __always_inline u32 lc_ports_size(const u8 *p, u32 tcp, u8 *flags)
{
	u32 udp_size = lc_be16(p + 4), tcp_size = p[12] >> 2 & 0x3c;

	*flags = p[13] & tcp;
	return udp_size ^ ((udp_size ^ tcp_size) & tcp);
}

/* The least that it can be. */
static inline u32 lc_ports_least(u32 tcp)
{
	return 8 + (tcp & 12);
}

/* There are flags only where there is a TCP header, so that TCP and UDP need not
 * be told apart.
 */
static inline bool lc_tcp_opens(u8 flags)
{
	return (flags & (LC_TCP_SYN | LC_TCP_ACK)) == LC_TCP_SYN;
}

/**
 * struct lc_usual - a usual frame
 * @ports: source port above destination port
 * @proto: %LC_TCP or %LC_UDP
 * @flags: of TCP, otherwise 0
 */
struct lc_usual {
	u32 ports;
	u8 proto;
	u8 flags;
};

/**
 * lc_usual_read() - read a frame if it is a usual one
 * @frame: the frame
 * @v6: it is IPv6, by its ethertype, otherwise IPv4
 * @usual: receives what was read, if it is
 *
 * Context: any. Return: is it?
 */
static __always_inline bool lc_usual_read(const struct lc_frame *frame,
					  const bool v6, struct lc_usual *usual)
{
	const u8 *p = frame->data;
	const u32 l4 = v6 ? LC_IPV6_LEN : LC_IPV4_LEN;
	u32 proto, end, size, tcp;
	u64 head;

	/* Super-packets of TCP that GRO has put together, or a stack on this machine,
	 * have checksums that are still to be made. What lies behind TCP's header is
	 * not judged of UDP either, so that the protocol need not be known.
	 */
	if (unlikely(frame->sum_open) &&
	    frame->sum_at != (s32)(l4 + LC_TCP_SUM))
		return false;
	if (frame->cap < l4 + LC_USUAL_L4 || unlikely(frame->ufo))
		return false;
	if (v6) {
		proto = p[6];
		end = LC_IPV6_LEN + lc_be16(p + 4);
		if (p[0] >> 4 != 6)
			return false;
	} else {
		head = lc_be64(p);
		proto = p[9];
		end = (u16)(head >> 32);
		/* No options, no fragment. */
		if ((head & (0xffULL << 56 | LC_IPV4_FRAGMENT)) != 0x45ULL << 56)
			return false;
	}
	if (proto > LC_UDP ||
	    !((1U << LC_TCP | 1U << LC_UDP) >> proto & 1))
		return false;
	tcp = -(u32)(proto == LC_TCP);
	size = lc_ports_size(p + l4, tcp, &usual->flags);
	if (end > frame->len || size < lc_ports_least(tcp) || l4 + size > end)
		return false;
	usual->ports = lc_be32(p + l4);
	usual->proto = proto;
	return !lc_upkeep_ports(v6, proto, usual->ports);
}

/* The lines of a ruleset that nearly every lookup reads. */
#define LC_RULESET_LINES	4

static __always_inline void lc_ruleset_prefetch(const struct lc_ruleset *set)
{
	u32 i;

	for (i = 0; i < LC_RULESET_LINES; i++)
		lc_prefetch((const u8 *)set + i * 64);
}

static __always_inline u8 lc_usual_reason(const struct lc_frame *frame,
					  const bool v6,
					  const struct lc_usual *usual,
					  const struct lc_device *device,
					  const struct lc_slot *profile,
					  u32 *hit)
{
	const struct lc_ruleset *set = profile->ruleset;
	const u8 *p = frame->data;
	struct lc_query query = { .opens = lc_tcp_opens(usual->flags) };
	enum lc_near near;
	struct lc_wide wide;
	u32 addr;

	if (!(v6 ? lc_device_bound(device, LC_FAMILY_IPV6, p + 8) :
		   lc_device_bound4(device, p + 12)))
		return LENSCAP_REASON_WRONG_SOURCE;
	if (unlikely(profile->mode == LENSCAP_MODE_QUARANTINE))
		return LENSCAP_REASON_QUARANTINE;
	if (!v6) {
		addr = lc_be32(p + 16);
		/* Abroad, mostly: no rule is anywhere near. */
		if (unlikely(!(set->reach4 & lc_part4(addr))))
			return LENSCAP_REASON_DESTINATION;
		if (lc_match_exact(set, addr, usual->proto, usual->ports,
				   query.opens, hit))
			return LENSCAP_REASON_NONE;
		query.point = lc_box(usual->ports, usual->ports >> 16,
				     usual->proto);
		near = lc_match4(set, addr, &query);
	} else {
		wide = lc_be128(p + 24);
		if (lc_match_exact6(set, &wide, usual->proto, usual->ports,
				    query.opens, hit))
			return LENSCAP_REASON_NONE;
		query.point = lc_box(usual->ports, usual->ports >> 16,
				     usual->proto);
		near = lc_match6(set, &wide, &query);
	}
	*hit = lc_ruleset_places(set) + query.rule;
	return lc_near_reason(near);
}

/* What lc_judge_usual() takes for granted. */
static __always_inline bool lc_may_be_usual(const struct lc_generation *gen,
					    const struct lc_guard *guard,
					    const struct lc_frame *frame)
{
	return gen && guard->identity == LENSCAP_IDENTITY_MAC &&
	       frame->has_mac && !frame->vlan_stack;
}

/**
 * lc_judge_usual() - judge a frame if it is a usual one
 * @gen: the live generation
 * @guard: the guard that the frame came in by
 * @frame: the frame, one that lc_may_be_usual()
 * @verdict: written whole, if it is
 *
 * The sender is looked up before the frame is read, so that their cache misses
 * overlap.
 *
 * Context: any; @gen must stay valid while @verdict->device is used.
 *
 * Return: is it?
 */
static __always_inline bool lc_judge_usual(const struct lc_generation *gen,
					   const struct lc_guard *guard,
					   const struct lc_frame *frame,
					   struct lc_verdict *verdict)
{
	const struct lc_slot *profile = NULL;
	const struct lc_device *device;
	struct lc_usual usual;
	bool v6;
	u32 slot;

	device = lc_generation_by_mac(gen, guard->id, frame->mac, &slot);
	if (likely(device)) {
		profile = lc_generation_profile(gen, slot);
		lc_ruleset_prefetch(profile->ruleset);
	}
	v6 = frame->ethertype == LC_ETHERTYPE_IPV6;
	if (v6 ? !lc_usual_read(frame, true, &usual) :
		 frame->ethertype != LC_ETHERTYPE_IPV4 ||
		 !lc_usual_read(frame, false, &usual))
		return false;
	*verdict = (struct lc_verdict){
		.device = device,
		.reason = LENSCAP_REASON_UNKNOWN_DEVICE,
	};
	if (likely(device)) {
		verdict->class = profile->class;
		verdict->ruleset = profile->ruleset;
		verdict->reason = v6 ? lc_usual_reason(frame, true, &usual,
						       device, profile,
						       &verdict->hit) :
				       lc_usual_reason(frame, false, &usual,
						       device, profile,
						       &verdict->hit);
	}
	verdict->audit = guard->mode == LENSCAP_MODE_AUDIT ||
			 (profile && profile->mode == LENSCAP_MODE_AUDIT);
	verdict->pass = likely(verdict->reason == LENSCAP_REASON_NONE) ||
			verdict->audit;
	return true;
}

/**
 * lc_usual_key() - what a usual frame says, as lc_parse() would say it
 * @frame: a frame that lc_judge_usual() has judged
 * @key: written whole
 *
 * For drop records. Context: any.
 */
static __always_inline void lc_usual_key(const struct lc_frame *frame,
					 struct lc_key *key)
{
	const bool v6 = frame->ethertype == LC_ETHERTYPE_IPV6;
	const u8 *p = frame->data;
	struct lc_usual usual = { 0 };

	if (v6)
		lc_usual_read(frame, true, &usual);
	else
		lc_usual_read(frame, false, &usual);
	*key = (struct lc_key){
		.family = v6 ? LC_FAMILY_IPV6 : LC_FAMILY_IPV4,
		.part = LC_PART_WHOLE,
		.proto = usual.proto,
		.has_proto = true,
		.has_ports = true,
		.has_mac = true,
		.tcp_flags = usual.flags,
		.ethertype = frame->ethertype,
		.sport = usual.ports >> 16,
		.dport = usual.ports,
	};
	lc_copy6(key->mac, frame->mac);
	if (v6) {
		lc_copy16(key->src, p + 8);
		lc_copy16(key->dst, p + 24);
	} else {
		lc_copy4_wide(key->src, p + 12);
		lc_copy4_wide(key->dst, p + 16);
	}
}

#endif /* _LENSCAP_CORE_USUAL_H */
