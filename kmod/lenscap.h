/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's state, one instance in each network namespace.
 *
 *   main.c     namespaces, module load and unload
 *   guard.c    guards and the interfaces they stand on
 *   hook.c     the fast path
 *   table.c    policies and generations: who owns what
 *   device.c   devices
 *   profile.c  profiles and rulesets
 *   stats.c    counters of a device
 *   extack.c   refusals that name what they refuse
 *   txn.c      transactions
 *   droplog.c  drop records
 *   fragment.c what first fragments said
 *   settle.c   who waits after a change
 *   event.c    the multicast group
 *   capture.c  refused frames to NFLOG
 *   trace.c    tracepoints
 *   netlink*.c requests and dumps
 *
 * Locks, outermost first. lenscap_net.lock protects the live generation's
 * writers and the transaction. RTNL protects guards and ports: interfaces come
 * and go under it anyway. The tag is written under both. lenscap_droplog.lock
 * protects rotation and readers of records. rulesets_lock (profile.c),
 * guard_names_lock (guard.c) and captures_lock (capture.c) are leaves.
 * lenscap_net.lock is never taken under RTNL, because a commit may hold it for as
 * long as compiling takes, and RTNL is the whole host's. The fast path takes none:
 * it reads under RCU.
 */
#ifndef _LENSCAP_H
#define _LENSCAP_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "core/core.h"
#include "compat.h"
#include "extack.h"

#define LENSCAP_VERSION "0.1.0"

struct lenscap_droplog;
struct lenscap_fragments;
struct lenscap_generation;
struct lenscap_settle;
struct lenscap_txn;

/**
 * struct lenscap_tag - the bits of skb->mark that say "judged and passed"
 * @value: what is set under @mask
 * @mask: bits that the tag owns
 * @class_mask: low bits that hold the profile's class
 */
struct lenscap_tag {
	u32 value;
	u32 mask;
	u32 class_mask;
};

/**
 * struct lenscap_net - Lenscap in one network namespace
 * @net: the namespace; this lives exactly as long
 * @seed: secret of the tables that packets look in
 * @lock: see above
 * @live: the live generation, RCU; NULL: no policy
 * @changed: when anything last began for which fragments wait, 0: long ago; see
 *	settle.c
 * @since: when something last began for which those of all wait, the same
 * @number: of the live generation, or of the last one; @lock
 * @txn: the open transaction or NULL; @lock
 * @txn_portid: the socket it belongs to or 0; written under @lock, read by
 *	closing sockets to see whether they need it
 * @tag: @lock and RTNL; changes only while there is no guard, so that the fast
 *	path reads it plainly
 * @guards: list of struct lenscap_guard; RTNL
 * @nguards: entries of @guards
 * @guards_seq: grows with each change of a guard, never 0; RTNL
 * @ports: list of struct lenscap_port; RTNL
 * @notifier: of interfaces
 * @names: numbers of guard names, see lenscap_guard_name_id()
 * @nnames: entries of @names
 * @droplog: drop records; NULL before the first guard, then never again NULL
 * @fragments: first fragments; the same
 * @settle: who waits, and when first fragments passed; the same
 * @events_suppressed: events that were not sent
 * @captures: list of struct lenscap_capture; RCU and captures_lock
 * @capture_id: number of the last one; captures_lock
 */
struct lenscap_net {
	struct net *net;
	u64 seed[2];
	struct mutex lock;
	struct lenscap_generation __rcu *live;
	u32 changed;
	u32 since;
	u32 number;
	struct lenscap_txn *txn;
	u32 txn_portid;
	struct lenscap_tag tag;
	struct list_head guards;
	u32 nguards;
	u32 guards_seq;
	struct list_head ports;
	struct notifier_block notifier;
	struct list_head names;
	u16 nnames;
	struct lenscap_droplog *droplog;
	struct lenscap_fragments *fragments;
	struct lenscap_settle *settle;
	atomic64_t events_suppressed;
	struct list_head captures;
	u32 capture_id;
};

extern struct workqueue_struct *lenscap_wq;

struct lenscap_net *lenscap_net(const struct net *net);

/* Milliseconds since the epoch, to the tick: cheap enough for every packet. */
static inline u64 lenscap_now(void)
{
	return ktime_to_ms(ktime_mono_to_real(ktime_get_coarse()));
}

#endif /* _LENSCAP_H */
