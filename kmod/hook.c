// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast path: every frame that enters an interface with a guard.
 *
 *   frame -> VLAN tags -> guard -> lc_judge_frame()
 *         -> tag the mark and accept | count, record and drop
 *
 * It runs in the netdev ingress hook, before everything but XDP and tc. It
 * allocates nothing, takes no lock, and does not write to the frame: only to
 * skb->mark. netfilter calls hooks under rcu_read_lock(), which holds the port,
 * the guard and the generation for as long as the packet is here.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>

#include "droplog.h"
#include "guard.h"
#include "hook.h"
#include "table.h"

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

static void describe(const struct sk_buff *skb, const struct tags *tags,
		     const struct lenscap_guard *guard, struct lc_frame *frame)
{
	frame->len = skb->len;
	frame->ethertype = ntohs(tags->inner);
	frame->vlan_stack = tags_stacked(tags, guard);
	frame->gso = skb_is_gso(skb);
	frame->has_mac = skb->dev->type == ARPHRD_ETHER &&
			 skb_mac_header_was_set(skb) &&
			 skb_mac_header(skb) + ETH_HLEN <= skb->data;
	if (frame->has_mac)
		ether_addr_copy(frame->mac, eth_hdr(skb)->h_source);
}

static void count_guard(const struct lenscap_guard *guard,
			const struct lc_verdict *verdict, u32 bytes)
{
	struct lenscap_guard_stats *stats = this_cpu_ptr(guard->stats);
	struct lenscap_guard_total *total = &stats->reasons[verdict->reason];

	u64_stats_update_begin(&stats->syncp);
	if (verdict->reason == LENSCAP_REASON_NONE) {
		u64_stats_inc(&stats->passed_packets);
		u64_stats_add(&stats->passed_bytes, bytes);
	} else if (verdict->pass) {
		u64_stats_inc(&total->would_packets);
		u64_stats_add(&total->would_bytes, bytes);
	} else {
		u64_stats_inc(&total->dropped_packets);
		u64_stats_add(&total->dropped_bytes, bytes);
	}
	u64_stats_update_end(&stats->syncp);
}

static void count_device(const struct lc_verdict *verdict, u32 bytes)
{
	enum lenscap_count which = LENSCAP_DROPPED;

	if (!verdict->device)
		return;
	if (verdict->reason == LENSCAP_REASON_NONE)
		which = LENSCAP_PASSED;
	else if (verdict->pass)
		which = LENSCAP_WOULD;
	lenscap_stats_add(lenscap_device_stats(lenscap_device_of(verdict->device)),
			  which, bytes);
}

/* The verdict on a frame that is described, and what follows from it. */
static unsigned int judge(struct lenscap_port *port, struct sk_buff *skb,
			  const struct tags *tags,
			  const struct lenscap_guard *guard,
			  const struct lc_frame *frame)
{
	const struct lenscap_tag *tag = &port->ln->tag;
	const struct lenscap_generation *gen;
	/* Written whole by lc_judge_frame(). */
	struct lc_verdict verdict __uninitialized;
	struct lc_key key __uninitialized;

	gen = rcu_dereference(port->ln->live);
	lc_judge_frame(gen ? &gen->policy.core : NULL, &guard->core, frame,
		       &key, &verdict);
	/* Audit passes what its own guard would drop. Whose frame this is cannot
	 * be told, so it must not come out tagged on another guard's VLAN.
	 */
	if (tags->broken && !tags->id)
		verdict.pass = false;

	count_guard(guard, &verdict, frame->len);
	count_device(&verdict, frame->len);
	if (verdict.reason != LENSCAP_REASON_NONE)
		lenscap_droplog_add(port->ln, guard, gen, &key, &verdict,
				    frame->len);
	if (!verdict.pass)
		return NF_DROP;

	skb->mark = (skb->mark & ~(tag->mask | tag->class_mask)) |
		    tag->value | verdict.class;
	return NF_ACCEPT;
}

/* A frame whose headers are not all in its linear part: they are put together
 * here, and in a function of its own, so that no other frame pays for the stack
 * that it takes (Debian's kernels clear it).
 */
static noinline unsigned int judge_scattered(struct lenscap_port *port,
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
	const struct lenscap_guard *guard;
	struct lc_frame frame;
	struct tags tags;

	tags_read(skb, &tags);
	guard = guard_of(port, &tags);
	if (!guard)
		return NF_ACCEPT;

	describe(skb, &tags, guard, &frame);
	frame.cap = min_t(u32, skb->len, LC_WINDOW);
	if (unlikely(frame.cap > skb_headlen(skb)))
		return judge_scattered(port, skb, &tags, guard, &frame);
	frame.data = skb->data;
	return judge(port, skb, &tags, guard, &frame);
}
