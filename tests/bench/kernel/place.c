// SPDX-License-Identifier: GPL-2.0-only
/*
 * The places where peers hook in, called as the receive path calls them.
 *
 * bench_judge() is all that is timed. It is one loop for each place, so that
 * the loop itself holds no choice and no indirect call: what is left of it is
 * measured with LCBENCH_NONE.
 */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_netdev.h>
#include <net/net_namespace.h>
#include <net/pkt_cls.h>
#include <net/sch_generic.h>

#include "bench.h"

/**
 * bench_clock() - the clock that batches are timed with
 *
 * The processor's own: that of a UML kernel counts in steps of 256 ns, and
 * costs more to read. The length of a tick is found anew in each round.
 *
 * Return: ticks.
 */
u64 bench_clock(void)
{
#ifdef __x86_64__
	u32 low, high;

	/* Nothing before it is still under way, nothing behind it begins. */
	asm volatile("lfence; rdtsc; lfence"
		     : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
#else
	return ktime_get_ns();
#endif
}

/* Opaque to the compiler, so that the loop around nothing stays. */
static noinline bool judge_none(struct sk_buff *skb)
{
	barrier_data(skb);
	return true;
}

static __always_inline bool judge_netdev(struct sk_buff *skb)
{
	return !nf_hook_ingress_active(skb) || nf_hook_ingress(skb) == 1;
}

/* As sch_handle_ingress(), which is not exported. */
static __always_inline bool judge_tc(struct sk_buff *skb)
{
	struct mini_Qdisc *miniq = bench_miniq(skb->dev);
	struct tcf_result result;

	if (!miniq)
		return true;
	qdisc_skb_cb(skb)->pkt_len = skb->len;
	tc_skb_cb(skb)->mru = 0;
	tc_skb_cb(skb)->post_ct = false;
	skb->tc_at_ingress = 1;
	mini_qdisc_bstats_cpu_update(miniq, skb);
	switch (tcf_classify(skb, miniq->block, miniq->filter_list, &result,
			     false)) {
	case TC_ACT_SHOT:
		mini_qdisc_qstats_cpu_drop(miniq);
		kfree_skb_reason(skb, SKB_DROP_REASON_TC_INGRESS);
		return false;
	case TC_ACT_OK:
	case TC_ACT_RECLASSIFY:
		skb->tc_index = TC_H_MIN(result.classid);
		return true;
	default:
		return true;
	}
}

static __always_inline bool judge_pre(struct sk_buff *skb, u8 family)
{
	struct net *net = dev_net(skb->dev);
	struct nf_hook_entries *entries;
	struct nf_hook_state state;

	if (family == NFPROTO_IPV4)
		entries = rcu_dereference(
				net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]);
	else
		entries = rcu_dereference(
				net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]);
	if (!entries)
		return true;
	nf_hook_state_init(&state, NF_INET_PRE_ROUTING, family, skb->dev, NULL,
			   NULL, net, NULL);
	return nf_hook_slow(skb, &state, entries, 0) == 1;
}

#define JUDGE_ALL(call)						\
	do {							\
		for (i = 0; i < count; i++) {			\
			struct sk_buff *skb = skbs[i];		\
								\
			dropped[i] = !(call);			\
		}						\
	} while (0)

/**
 * bench_judge() - give a batch of frames to a hook
 * @place: which
 * @skbs: the frames, as they are where that hook is; each with a reference
 *	that the hook may drop and one that it may not
 * @dropped: for each frame, whether it was dropped
 * @count: how many
 *
 * Context: bottom halves off, under rcu_read_lock().
 *
 * Return: ticks of bench_clock() that it took.
 */
u32 bench_judge(enum lcbench_place place, struct sk_buff *const *skbs,
		u8 *dropped, u32 count)
{
	u64 begin = bench_clock();
	u32 i;

	switch (place) {
	case LCBENCH_NONE:
		JUDGE_ALL(judge_none(skb));
		break;
	case LCBENCH_NETDEV:
		JUDGE_ALL(judge_netdev(skb));
		break;
	case LCBENCH_TC:
		JUDGE_ALL(judge_tc(skb));
		break;
	case LCBENCH_IPV4:
		JUDGE_ALL(judge_pre(skb, NFPROTO_IPV4));
		break;
	case LCBENCH_IPV6:
		JUDGE_ALL(judge_pre(skb, NFPROTO_IPV6));
		break;
	}
	return min_t(u64, bench_clock() - begin, U32_MAX);
}

static unsigned int empty_accept(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static unsigned int empty_drop(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	return NF_DROP;
}

/* The only one there is; bench_lock. */
static struct nf_hook_ops empty_ops;
static struct net *empty_net;
static struct net_device *empty_dev;
static netdevice_tracker empty_tracker;

/**
 * bench_empty_set() - register or remove the hook that does nothing
 * @net: namespace; must outlive the hook
 * @dev: device
 * @empty: place and verdict
 *
 * Return: 0 or a negative error.
 */
int bench_empty_set(struct net *net, struct net_device *dev,
		    const struct lcbench_empty *empty)
{
	struct nf_hook_ops ops = {
		.hook = empty->verdict ? empty_accept : empty_drop,
		.priority = 0,
	};
	int err;

	bench_empty_clear();
	if (empty->verdict < 0)
		return 0;
	switch (empty->place) {
	case LCBENCH_NETDEV:
		ops.pf = NFPROTO_NETDEV;
		ops.hooknum = NF_NETDEV_INGRESS;
		ops.dev = dev;
		break;
	case LCBENCH_IPV4:
	case LCBENCH_IPV6:
		ops.pf = empty->place == LCBENCH_IPV4 ? NFPROTO_IPV4 :
							NFPROTO_IPV6;
		ops.hooknum = NF_INET_PRE_ROUTING;
		break;
	default:
		return -EOPNOTSUPP;
	}
	empty_ops = ops;
	err = nf_register_net_hook(net, &empty_ops);
	if (err)
		return err;
	empty_net = net;
	empty_dev = dev;
	netdev_hold(dev, &empty_tracker, GFP_KERNEL);
	return 0;
}

/**
 * bench_empty_clear() - remove the hook that does nothing, if it is there
 */
void bench_empty_clear(void)
{
	if (!empty_net)
		return;
	nf_unregister_net_hook(empty_net, &empty_ops);
	empty_net = NULL;
	netdev_put(empty_dev, &empty_tracker);
}
