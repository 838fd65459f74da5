// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast path: every frame that enters an interface with a guard.
 *
 *   frame -> VLAN tag -> guard -> lc_judge_usual()
 *         -> count, tag the mark and accept
 *
 * That is lenscap_hook(), for nearly all frames. Those with tags in the payload,
 * whose headers are not in one piece, or that are not usual to the core take
 * judge_slowly(), which does all of it in full. Whatever no rule permits ends in
 * refuse(), which counts and records it, and drops it unless it is only audited.
 *
 * It runs in the netdev ingress hook, before everything but XDP and tc. It
 * allocates nothing, takes no lock (but for frames that somebody captures:
 * capture.c), and does not write to the frame: only to skb->mark. netfilter calls
 * hooks under rcu_read_lock(), which holds the port, the guard and the generation
 * for as long as the packet is here.
 */
#include <linux/if_vlan.h>

#include "capture.h"
#include "droplog.h"
#include "fragment.h"
#include "frame.h"
#include "hits.h"
#include "hook.h"
#include "settle.h"
#include "table.h"
#include "trace.h"

/* Tags that are looked at. More than one is a stack already; the id is wanted
 * of the first that has one, behind priority tags.
 */
#define TAGS_MAX 4U

/**
 * struct tags - the VLAN tags of a frame
 * @count: how many, up to TAGS_MAX
 * @id: the first id that is not 0, or 0
 * @proto: tag protocol of the outermost, big endian
 * @inner: ethertype behind the tags, big endian
 * @payload: a tag is in the payload, so the network header is not where it
 *	should be
 * @broken: a tag that is not all there, or more than are looked at
 */
struct tags {
	u32 count;
	u16 id;
	__be16 proto;
	__be16 inner;
	bool payload;
	bool broken;
};

static void tags_add(struct tags *tags, __be16 proto, u16 tci)
{
	if (!tags->count++)
		tags->proto = proto;
	if (!tags->id)
		tags->id = tci & VLAN_VID_MASK;
}

/* The outermost tag is in the skb's metadata, by hardware or because the
 * receive path has moved it there; further ones are still in the payload. What
 * comes after a priority tag matters: the receive path strips it and looks
 * again (net/core/dev.c, check_vlan_id), behind this hook.
 */
static void tags_read(const struct sk_buff *skb, struct tags *tags)
{
	struct vlan_hdr buffer;
	int offset = 0;

	*tags = (struct tags){ .inner = skb->protocol };
	if (skb_vlan_tag_present(skb))
		tags_add(tags, skb->vlan_proto, skb_vlan_tag_get(skb));
	while (eth_type_vlan(tags->inner) && tags->count < TAGS_MAX) {
		const struct vlan_hdr *tag =
			skb_header_pointer(skb, offset, sizeof(buffer),
					   &buffer);

		if (!tag) {
			tags->broken = true;
			return;
		}
		tags_add(tags, tags->inner, ntohs(tag->h_vlan_TCI));
		tags->payload = true;
		tags->inner = tag->h_vlan_encapsulated_proto;
		offset += VLAN_HLEN;
	}
	tags->broken = eth_type_vlan(tags->inner);
}

/* Does the frame carry more, or other, tags than its guard's own? The receive
 * path has moved the outermost out of the payload, so what is there is a
 * second.
 */
static bool tags_stacked(const struct tags *tags,
			 const struct lenscap_guard *guard)
{
	if (tags->broken || tags->payload || tags->count > 1)
		return true;
	if (!tags->count)
		return false;
	return tags->proto != htons(ETH_P_8021Q) || tags->id != guard->vlan;
}

/* The receive path strips priority tags without limit, so a frame in which no
 * id was found among the tags that are looked at could be anybody's. Any guard
 * of the interface will do to drop it, whatever its mode: see lenscap_hook().
 */
static const struct lenscap_guard *guard_of(struct lenscap_port *port,
					    const struct tags *tags)
{
	const struct lenscap_guard *guard = NULL;
	unsigned long any = 0;

	if (tags->id)
		guard = xa_load(&port->guards, tags->id);
	else if (tags->broken)
		return xa_find(&port->guards, &any, ULONG_MAX, XA_PRESENT);
	return guard ?: rcu_dereference(port->untagged);
}

static __always_inline const struct lenscap_generation *
policy_of(const struct lenscap_port *port)
{
	const struct lenscap_generation *gen = rcu_dereference(port->ln->live);

	/* Before who waits because of it, or of the guard that was read before, is
	 * read. Pairs with rcu_assign_pointer() in lenscap_txn_commit(), and where
	 * guard.c makes a guard visible.
	 */
	smp_rmb();
	return gen;
}

static __always_inline void count(const struct lenscap_guard *guard,
				  const struct lc_device *device, u32 bytes)
{
	struct lenscap_guard_stats *stats = this_cpu_ptr(guard->stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->passed_packets);
	u64_stats_add(&stats->passed_bytes, bytes);
	u64_stats_update_end(&stats->syncp);
	if (device)
		lenscap_stats_add(lenscap_device_stats(lenscap_device_of(device)),
				  LENSCAP_PASSED, bytes);
}

static void count_refused(const struct lenscap_guard *guard,
			  const struct lc_verdict *verdict, u32 bytes)
{
	struct lenscap_guard_stats *stats = this_cpu_ptr(guard->stats);
	struct lenscap_guard_total *total = &stats->reasons[verdict->reason];

	u64_stats_update_begin(&stats->syncp);
	if (verdict->pass) {
		u64_stats_inc(&total->would_packets);
		u64_stats_add(&total->would_bytes, bytes);
	} else {
		u64_stats_inc(&total->dropped_packets);
		u64_stats_add(&total->dropped_bytes, bytes);
	}
	u64_stats_update_end(&stats->syncp);
	if (verdict->device)
		lenscap_stats_add(lenscap_device_stats(lenscap_device_of(verdict->device)),
				  verdict->pass ? LENSCAP_WOULD :
						  LENSCAP_DROPPED, bytes);
}

static __always_inline unsigned int pass(const struct lenscap_port *port,
					 struct sk_buff *skb, u32 class)
{
	const struct lenscap_tag *tag = &port->ln->tag;

	skb->mark = (skb->mark & ~(tag->mask | tag->class_mask)) |
		    tag->value | class;
	return NF_ACCEPT;
}

/* What the gateway says to a group or to all on the cameras' LAN comes back by this
 * interface, for its own listeners (net/core/dev.c, dev_loopback_xmit()). No device
 * can have sent it: a frame of the wire gets its type from its destination. It is
 * not counted, and tagged, so that it also passes the interlock.
 */
static bool own(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_LOOPBACK;
}

/* A frame that no rule permits. */
static unsigned int refuse(const struct lenscap_port *port, struct sk_buff *skb,
			   const struct lenscap_guard *guard,
			   const struct lenscap_generation *gen,
			   const struct lc_key *key,
			   const struct lc_verdict *verdict)
{
	trace_verdict(skb, guard, verdict);
	trace_drop(skb, guard, key, verdict);
	count_refused(guard, verdict, skb->len);
	lenscap_droplog_add(port->ln, guard, gen, key, verdict, skb->len);
	lenscap_capture(port->ln, skb, guard, gen, key, verdict);
	return verdict->pass ? pass(port, skb, verdict->class) : NF_DROP;
}

/* The same of a usual frame: what it says was never put into memory. */
static noinline unsigned int refuse_usual(const struct lenscap_port *port,
					  struct sk_buff *skb,
					  const struct lenscap_guard *guard,
					  const struct lenscap_generation *gen,
					  struct lc_verdict verdict)
{
	/* Written whole by lc_usual_key(). */
	struct lc_key key __uninitialized;
	struct lc_frame frame;

	if (own(skb))
		return pass(port, skb, 0);
	lenscap_usual_frame(skb, &frame);
	lc_usual_key(&frame, &key);
	return refuse(port, skb, guard, gen, &key, &verdict);
}

/* ICMP that a rule permits may come at the rate of people's tools, not of a
 * tunnel.
 */
static void bound_icmp(struct lc_verdict *verdict)
{
	struct lenscap_stats *stats;

	if (verdict->reason != LENSCAP_REASON_NONE || verdict->upkeep)
		return;
	stats = lenscap_device_stats(lenscap_device_of(verdict->device));
	if (lenscap_stats_icmp(stats))
		return;
	verdict->reason = LENSCAP_REASON_ICMP_RATE;
	verdict->pass = verdict->audit;
}

/* It would be put together with what came under another policy. */
static void hold_back(struct lc_verdict *verdict)
{
	if (verdict->reason == LENSCAP_REASON_NONE)
		verdict->reason = LENSCAP_REASON_FRAGMENT;
	verdict->pass = verdict->audit;
}

/* The same of a packet that is no fragment yet. Upkeep with a source of all zeros is
 * left alone: it does not leave the LAN, where nothing is cut up, and all cameras have
 * that source.
 */
static noinline void judge_uncut(struct lenscap_net *ln,
				 const struct lc_frame *frame,
				 const struct lc_key *key,
				 struct lc_verdict *verdict)
{
	if (verdict->reason == LENSCAP_REASON_NONE && lc_get32(key->src) &&
	    lenscap_settle_cuts(frame) && lenscap_settle_asks(ln, frame) &&
	    lenscap_settle_waits(ln, frame, key))
		hold_back(verdict);
}

/* A first fragment that a rule permits is remembered, and a later one that no rule
 * without ports permits is judged by what its first one said: also of the protocol,
 * since that of a later IPv6 fragment means nothing. None passes as long as it could
 * be put together with what came under another policy.
 */
static noinline void judge_fragment(struct lenscap_net *ln,
				    const struct lenscap_guard *guard,
				    const struct lenscap_generation *gen,
				    struct lc_key *key,
				    struct lc_verdict *verdict)
{
	const struct lenscap_stats *sender;
	struct lc_first first;

	if (!verdict->device)
		return;
	if (!lenscap_settled(ln, key->family, key->src)) {
		hold_back(verdict);
		return;
	}
	sender = lenscap_device_stats(lenscap_device_of(verdict->device));
	if (verdict->reason == LENSCAP_REASON_NONE) {
		if (lc_key_first(key, &first))
			lenscap_fragments_add(ln, guard, sender, key, &first);
	} else if ((verdict->reason == LENSCAP_REASON_FRAGMENT ||
		    verdict->reason == LENSCAP_REASON_SERVICE) &&
		   key->part == LC_PART_LATER &&
		   lenscap_fragments_find(ln, guard, sender, key, &first)) {
		lc_key_resume(key, &first);
		lc_judge(&gen->policy.core, &guard->core, key, verdict);
	}
}

/* The verdict on a frame that is described, and what follows from it. */
static unsigned int judge(const struct lenscap_port *port, struct sk_buff *skb,
			  const struct tags *tags,
			  const struct lenscap_guard *guard,
			  const struct lc_frame *frame)
{
	const struct lenscap_generation *gen = policy_of(port);
	/* Written whole by lc_parse(). */
	struct lc_key key __uninitialized;
	struct lc_verdict verdict;
	bool first;

	lc_parse(frame, &key);
	first = key.part == LC_PART_FIRST;
	lc_judge(gen ? &gen->policy.core : NULL, &guard->core, &key, &verdict);
	if (unlikely(key.icmp))
		bound_icmp(&verdict);
	if (unlikely(key.part != LC_PART_WHOLE))
		judge_fragment(port->ln, guard, gen, &key, &verdict);
	else if (unlikely(READ_ONCE(port->ln->changed)))
		judge_uncut(port->ln, frame, &key, &verdict);
	/* Audit passes what its own guard would drop. Whose frame this is cannot
	 * be told, so it must not come out tagged on another guard's VLAN.
	 */
	if (tags->broken && !tags->id)
		verdict.pass = false;
	if (unlikely(first) && verdict.pass)
		lenscap_settle_first(port->ln, verdict.device, &key);
	if (verdict.reason != LENSCAP_REASON_NONE)
		return refuse(port, skb, guard, gen, &key, &verdict);
	trace_verdict(skb, guard, &verdict);
	if (verdict.ruleset)
		lenscap_hit(&verdict);
	count(guard, verdict.device, skb->len);
	return pass(port, skb, verdict.class);
}

/* A frame whose headers are not all in its linear part: they are put together
 * here, and in a function of its own, so that no other frame pays for the stack
 * that it takes (Debian's kernels clear it).
 */
static noinline unsigned int judge_scattered(const struct lenscap_port *port,
					     struct sk_buff *skb,
					     const struct tags *tags,
					     const struct lenscap_guard *guard,
					     struct lc_frame *frame)
{
	u8 window[LC_WINDOW];

	/* NULL: the payload is in memory that this processor cannot read. */
	frame->data = skb_header_pointer(skb, 0, frame->cap, window);
	if (!frame->data)
		frame->cap = 0;
	return judge(port, skb, tags, guard, frame);
}

static noinline unsigned int judge_slowly(struct lenscap_port *port,
					  struct sk_buff *skb)
{
	const struct lenscap_guard *guard;
	struct lc_frame frame;
	struct tags tags;

	tags_read(skb, &tags);
	guard = guard_of(port, &tags);
	if (!guard)
		return NF_ACCEPT;
	if (own(skb))
		return pass(port, skb, 0);
	lenscap_frame(skb, ntohs(tags.inner), tags_stacked(&tags, guard), &frame);
	if (unlikely(frame.cap > skb_headlen(skb)))
		return judge_scattered(port, skb, &tags, guard, &frame);
	return judge(port, skb, &tags, guard, &frame);
}

/* Might it wait, as fragments do? A function of its own, so that the frame of others is
 * never in memory.
 */
static noinline bool asks(const struct lenscap_port *port,
			  const struct sk_buff *skb)
{
	struct lc_frame frame;

	lenscap_usual_frame(skb, &frame);
	return lenscap_settle_asks(port->ln, &frame);
}

/* For somebody who watches; otherwise the verdict stays out of memory. */
static noinline void trace_permitted(const struct sk_buff *skb,
				     const struct lenscap_guard *guard,
				     struct lc_verdict verdict)
{
	trace_verdict(skb, guard, &verdict);
}

/**
 * lenscap_hook() - judge a frame
 * @priv: the struct lenscap_port of the interface
 * @skb: the frame; its data begins at the network header
 * @state: unused
 *
 * Context: softirq or process with bottom halves off, under rcu_read_lock().
 *
 * Return: NF_ACCEPT, with the tag in skb->mark if a guard judged it, or
 * NF_DROP.
 */
unsigned int lenscap_hook(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	struct lenscap_port *port = priv;
	const struct lenscap_guard *guard = lenscap_usual_guard(port, skb);
	const struct lenscap_generation *gen = policy_of(port);
	/* Neither is ever in memory: all that gets them is inlined. */
	struct lc_verdict verdict;
	struct lc_frame frame;

	if (unlikely(!guard || !gen))
		return judge_slowly(port, skb);
	lenscap_usual_frame(skb, &frame);
	if (!lc_may_be_usual(&gen->policy.core, &guard->core, &frame) ||
	    !lc_judge_usual(&gen->policy.core, &guard->core, &frame, &verdict))
		return judge_slowly(port, skb);
	if (unlikely(verdict.reason != LENSCAP_REASON_NONE))
		return refuse_usual(port, skb, guard, gen, verdict);
	if (unlikely(READ_ONCE(port->ln->changed)) &&
	    lenscap_settle_cuts(&frame) && asks(port, skb))
		return judge_slowly(port, skb);
	if (trace_verdict_enabled())
		trace_permitted(skb, guard, verdict);
	lenscap_hit(&verdict);
	count(guard, verdict.device, frame.len);
	return pass(port, skb, verdict.class);
}
