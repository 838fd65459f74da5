/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BENCH_H
#define _BENCH_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/version.h>
#include <net/sch_generic.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#include <net/tcx.h>
#endif

#include "lcbench.h"

/**
 * bench_miniq() - what a device's clsact hands to classifiers at ingress
 * @dev: the device
 *
 * All that differs between the kernels: 6.6 put tcx in between.
 *
 * Context: bottom halves off.
 *
 * Return: it, or NULL.
 */
static __always_inline struct mini_Qdisc *
bench_miniq(const struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	struct bpf_mprog_entry *entry = rcu_dereference_bh(dev->tcx_ingress);

	return entry ? rcu_dereference_bh(tcx_entry(entry)->miniq) : NULL;
#else
	return rcu_dereference_bh(dev->miniq_ingress);
#endif
}

/**
 * struct bench_frame - a prepared frame
 * @sent: how often a hook of the counted device got it
 * @len: bytes
 * @flags: LCBENCH_F_*
 * @data: the frame
 */
struct bench_frame {
	u32 sent;
	u16 len;
	u16 flags;
	u8 data[];
};

/**
 * struct bench_store - all prepared frames; bench_lock
 * @frames: in the order in which they were written
 * @count: how many
 * @room: entries that @frames has room for
 * @order: numbers of the frames that are timed, shuffled; NULL: not yet
 * @timed: entries of @order
 * @next: where in @order the next batch begins
 * @counted: the device whose frames are counted, by index
 */
struct bench_store {
	struct bench_frame **frames;
	u32 count;
	u32 room;
	u32 *order;
	u32 timed;
	u32 next;
	u32 counted;
};

/* store.c */
int bench_store_add(struct bench_store *store, const struct lcbench_head *head,
		    const u8 *data);
int bench_store_shuffle(struct bench_store *store);
void bench_store_clear(struct bench_store *store);

/* batch.c */
int bench_check(struct bench_store *store, struct net_device *dev,
		struct lcbench_check *check);
int bench_round(struct bench_store *store, struct net_device *dev,
		struct lcbench_round *round);

/* place.c */
u64 bench_clock(void);
u32 bench_judge(enum lcbench_place place, struct sk_buff *const *skbs,
		u8 *dropped, u32 count);
int bench_empty_set(struct net *net, struct net_device *dev,
		    const struct lcbench_empty *empty);
void bench_empty_clear(void);

#endif /* _BENCH_H */
