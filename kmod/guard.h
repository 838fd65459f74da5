/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_GUARD_H
#define _LENSCAP_GUARD_H

#include <linux/if.h>
#include <linux/netfilter.h>
#include <linux/u64_stats_sync.h>
#include <linux/xarray.h>

#include "lenscap.h"

/**
 * struct lenscap_guard_total - totals of one reason on one guard
 * @dropped_packets: dropped
 * @dropped_bytes: network-layer bytes of these
 * @would_packets: passed only because of audit
 * @would_bytes: of these
 */
struct lenscap_guard_total {
	u64_stats_t dropped_packets;
	u64_stats_t dropped_bytes;
	u64_stats_t would_packets;
	u64_stats_t would_bytes;
};

/**
 * struct lenscap_guard_stats - counters of a guard on one processor
 * @syncp: for 32-bit readers
 * @passed_packets: permitted by a rule or as upkeep
 * @passed_bytes: of these
 * @reasons: by enum lenscap_reason
 */
struct lenscap_guard_stats {
	struct u64_stats_sync syncp;
	u64_stats_t passed_packets;
	u64_stats_t passed_bytes;
	struct lenscap_guard_total reasons[LENSCAP_REASON_MAX + 1];
};

/**
 * struct lenscap_port - an interface that guards stand on
 * @list: in lenscap_net.ports; RTNL
 * @ln: its namespace
 * @dev: the interface; valid while the hook is registered
 * @guards: by VLAN id, 0: the guard without one; written under RTNL, read by
 *	packets
 * @untagged: the guard without a VLAN id once more, which most packets need;
 *	RCU. It leaves here and @guards together, and is freed a grace period later
 * @ops: the hook
 * @rcu: frees it
 */
struct lenscap_port {
	struct list_head list;
	struct lenscap_net *ln;
	struct net_device *dev;
	struct xarray guards;
	struct lenscap_guard __rcu *untagged;
	struct nf_hook_ops ops;
	struct rcu_head rcu;
};

/**
 * struct lenscap_guard - a guard; what packets read of it never changes
 * @list: in lenscap_net.guards; RTNL
 * @name: interned, lives with the namespace
 * @ifname: of its interface, as it is or was last called; RTNL
 * @vlan: VLAN id or 0
 * @state: enum lenscap_guard_state; RTNL
 * @stayed: it was armed until its interface went, and waits for that; RTNL
 * @port: where it stands, or NULL; RTNL
 * @stats: counters, handed on when the guard is replaced
 * @core: what the classifier reads
 * @rcu: frees it
 */
struct lenscap_guard {
	struct list_head list;
	const char *name;
	char ifname[IFNAMSIZ];
	u16 vlan;
	u8 state;
	bool stayed;
	struct lenscap_port *port;
	struct lenscap_guard_stats __percpu *stats;
	struct lc_guard core;
	struct rcu_head rcu;
};

/**
 * struct lenscap_guard_config - what GUARD_SET says
 * @name: of the guard
 * @ifname: of its interface
 * @vlan: VLAN id or 0
 * @core: identity, mode, upkeep and subnets; the number is filled in
 */
struct lenscap_guard_config {
	const char *name;
	const char *ifname;
	u16 vlan;
	struct lc_guard core;
};

int lenscap_guard_name_id(struct lenscap_net *ln, const char *name, u16 *id,
			  const char **interned);
const char *lenscap_guard_name(struct lenscap_net *ln, u16 id);
int lenscap_guard_set(struct lenscap_net *ln,
		      struct lenscap_guard_config *config,
		      struct netlink_ext_ack *extack);
int lenscap_guard_del(struct lenscap_net *ln, const char *name,
		      struct netlink_ext_ack *extack);
u32 lenscap_guards_armed(const struct lenscap_net *ln);
int lenscap_guards_init(struct lenscap_net *ln);
void lenscap_guards_exit(struct lenscap_net *ln);

#endif /* _LENSCAP_GUARD_H */
