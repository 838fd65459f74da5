// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches: frames become socket buffers, untimed, and are then judged, timed.
 *
 * A driver's poll writes buffers just before the stack reads them. So does
 * this: each batch is allocated, filled and taken through the same steps as
 * in the receive path (eth_type_trans(), the VLAN tag into the metadata, the
 * headers set), which leaves it in the processor's cache. Reading the store
 * of frames, allocation and freeing are outside of what is timed. Each buffer
 * has a second reference, so that a hook that drops it does not free it.
 *
 * A batch that takes more than DISTURBED times the median of its round does
 * not count: a timer tick, or on the host that this kernel is a program of,
 * another program. Batches hold the same mix of frames; nothing that a peer
 * does makes one batch in thousands several times slower.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define DISTURBED	4

/**
 * struct batch - some frames on their way
 * @count: how many
 * @skbs: as buffers
 * @frames: as they were prepared
 * @dropped: what the hook said
 */
struct batch {
	u32 count;
	struct sk_buff *skbs[LCBENCH_BATCH];
	struct bench_frame *frames[LCBENCH_BATCH];
	u8 dropped[LCBENCH_BATCH];
};

/* What ip_rcv() and ipv6_rcv() leave to their hooks. */
static bool receive_ip(struct sk_buff *skb, enum lcbench_place place)
{
	u32 length;

	if (place == LCBENCH_IPV4) {
		if (skb->protocol != htons(ETH_P_IP))
			return false;
		length = ip_hdr(skb)->ihl * 4;
	} else {
		if (skb->protocol != htons(ETH_P_IPV6))
			return false;
		length = sizeof(struct ipv6hdr);
	}
	skb_set_transport_header(skb, length);
	return true;
}

/* From the wire to where @place is. */
static struct sk_buff *receive(const struct bench_frame *frame,
			       struct net_device *dev,
			       enum lcbench_place place)
{
	struct sk_buff *skb;

	skb = netdev_alloc_skb_ip_align(dev, LCBENCH_MAX_FRAME);
	if (!skb)
		return NULL;
	skb_put_data(skb, frame->data, frame->len);
	skb->protocol = eth_type_trans(skb, dev);
	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	skb_reset_mac_len(skb);
	skb->skb_iif = dev->ifindex;
	if (eth_type_vlan(skb->protocol)) {
		skb = skb_vlan_untag(skb);
		if (!skb)
			return NULL;
	}
	if ((place == LCBENCH_IPV4 || place == LCBENCH_IPV6) &&
	    !receive_ip(skb, place)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb_get(skb);
}

static void batch_free(struct batch *batch)
{
	u32 i;

	for (i = 0; i < batch->count; i++) {
		if (!batch->dropped[i])
			consume_skb(batch->skbs[i]);
		consume_skb(batch->skbs[i]);
	}
	batch->count = 0;
}

static int batch_add(struct batch *batch, struct bench_frame *frame,
		     struct net_device *dev, enum lcbench_place place)
{
	struct sk_buff *skb = receive(frame, dev, place);

	if (!skb)
		return -ENOBUFS;
	batch->skbs[batch->count] = skb;
	batch->frames[batch->count] = frame;
	batch->dropped[batch->count] = false;
	batch->count++;
	return 0;
}

static u32 batch_judge(struct batch *batch, enum lcbench_place place,
		       bool count)
{
	u32 i, ticks;

	ticks = bench_judge(place, batch->skbs, batch->dropped, batch->count);
	for (i = 0; count && i < batch->count; i++)
		batch->frames[i]->sent++;
	return ticks;
}

/**
 * bench_check() - give every frame to a hook once, and compare verdicts
 * @store: the frames
 * @dev: where they arrive
 * @check: what to do; the results
 *
 * Return: 0 or a negative error.
 */
int bench_check(struct bench_store *store, struct net_device *dev,
		struct lcbench_check *check)
{
	struct batch *batch;
	u32 i, at = 0;
	int err = 0;

	batch = kzalloc(sizeof(*batch), GFP_KERNEL);
	if (!batch)
		return -ENOMEM;
	check->passed = 0;
	check->dropped = 0;
	check->wrong = 0;
	while (at < store->count && !err) {
		u32 first = at;

		local_bh_disable();
		rcu_read_lock();
		while (!err && at < store->count && at - first < LCBENCH_BATCH)
			err = batch_add(batch, store->frames[at++], dev,
					check->place);
		batch_judge(batch, check->place,
			    dev->ifindex == store->counted);
		for (i = 0; i < batch->count; i++) {
			bool drop = batch->frames[i]->flags & LCBENCH_F_DROP;

			if (batch->dropped[i])
				check->dropped++;
			else
				check->passed++;
			if (batch->dropped[i] != drop && !check->wrong++)
				check->first = first + i;
		}
		batch_free(batch);
		rcu_read_unlock();
		local_bh_enable();
		cond_resched();
	}
	kfree(batch);
	return err;
}

/* One batch from the shuffled frames; its time in ticks. */
static int round_batch(struct bench_store *store, struct net_device *dev,
		       enum lcbench_place place, struct batch *batch, u32 *ticks)
{
	int err = 0;

	local_bh_disable();
	rcu_read_lock();
	while (!err && batch->count < LCBENCH_BATCH) {
		err = batch_add(batch, store->frames[store->order[store->next]],
				dev, place);
		store->next = (store->next + 1) % store->timed;
	}
	*ticks = batch_judge(batch, place, dev->ifindex == store->counted);
	batch_free(batch);
	rcu_read_unlock();
	local_bh_enable();
	cond_resched();
	return err;
}

static int compare_u32(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* @span_ns and @span_ticks are the same time by two clocks. */
static void round_sum(struct lcbench_round *round, u32 *ticks, u64 span_ns,
		      u64 span_ticks)
{
	u64 i, limit, sum = 0;

	sort(ticks, round->batches, sizeof(*ticks), compare_u32, NULL);
	limit = (u64)ticks[round->batches / 2] * DISTURBED;
	round->disturbed = 0;
	for (i = 0; i < round->batches; i++) {
		if (ticks[i] > limit)
			round->disturbed++;
		else
			sum += ticks[i];
	}
	round->ns = mul_u64_u64_div_u64(sum, span_ns, span_ticks);
	round->counted = (round->batches - round->disturbed) * LCBENCH_BATCH;
}

/**
 * bench_round() - time a hook over shuffled frames
 * @store: the frames
 * @dev: where they arrive
 * @round: what to do; the results
 *
 * Each round begins at the same frame, so that all peers see the same.
 *
 * Return: 0 or a negative error.
 */
int bench_round(struct bench_store *store, struct net_device *dev,
		struct lcbench_round *round)
{
	u64 warm = DIV_ROUND_UP_ULL(round->warm, LCBENCH_BATCH);
	struct batch *batch;
	u64 i, span_ns, span_ticks;
	u32 *ticks, unused;
	int err;

	round->batches = DIV_ROUND_UP_ULL(round->packets, LCBENCH_BATCH);
	if (!round->batches || round->batches > INT_MAX / sizeof(*ticks))
		return -EINVAL;
	err = bench_store_shuffle(store);
	if (err)
		return err;
	batch = kzalloc(sizeof(*batch), GFP_KERNEL);
	ticks = kvmalloc_array(round->batches, sizeof(*ticks), GFP_KERNEL);
	if (!batch || !ticks) {
		err = -ENOMEM;
		goto out;
	}
	store->next = 0;
	span_ns = ktime_get_ns();
	span_ticks = bench_clock();
	for (i = 0; i < warm && !err; i++)
		err = round_batch(store, dev, round->place, batch, &unused);
	for (i = 0; i < round->batches && !err; i++)
		err = round_batch(store, dev, round->place, batch, &ticks[i]);
	span_ticks = bench_clock() - span_ticks;
	span_ns = ktime_get_ns() - span_ns;
	if (!err)
		round_sum(round, ticks, span_ns, span_ticks);
out:
	kvfree(ticks);
	kfree(batch);
	return err;
}
