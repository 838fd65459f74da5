// SPDX-License-Identifier: GPL-2.0-only
/*
 * For selftests only: ports of a switch chip that takes over flows.
 *
 *     ip link add NAME type lenscap_hwft
 *
 * The kernels under test have no device that accepts a flowtable with "flags
 * offload", and so nothing shows what such hardware does to a guard. These do,
 * and so do interfaces above them (VLAN devices, bridges), as with the chips
 * whose drivers ask to be told of those.
 *
 * The wire of a port is a loop: what is sent on it, it receives. Unless the
 * chip has a flow for the frame: then it sends it on, and the port never hears
 * of it. There is one chip, and it cares not through which of its ports it was
 * given a flow. It knows UDP over IPv4 without a VLAN tag, rewrites nothing and
 * forgets nothing by itself: enough to be seen.
 */
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/udp.h>
#include <net/flow_offload.h>
#include <net/rtnetlink.h>

/**
 * struct hwft_port - private part of a device
 * @blocks: the flowtables that name it; nf_tables asks one at a time
 */
struct hwft_port {
	struct list_head blocks;
};

/**
 * struct hwft_flow - a flow that the chip forwards
 * @list: in hwft_flows
 * @cookie: the kernel's name for it
 * @owner: the device whose flowtable it came by; only to be compared
 * @net: namespace of its interfaces; only to be compared
 * @in: index of the interface that its frames come in by
 * @out: index of the one that they leave by
 * @saddr: source address
 * @daddr: destination address
 * @source: source port
 * @dest: destination port
 */
struct hwft_flow {
	struct list_head list;
	unsigned long cookie;
	const void *owner;
	const struct net *net;
	int in;
	int out;
	__be32 saddr;
	__be32 daddr;
	__be16 source;
	__be16 dest;
};

/* What the chip looks at in a frame. */
struct hwft_headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __packed;

static LIST_HEAD(hwft_flows);
static DEFINE_SPINLOCK(hwft_lock);	/* hwft_flows */

/* Flowtables that name something above a port. The kernel asks one by one. */
static LIST_HEAD(hwft_indirect);

static const struct net_device_ops hwft_ops;

/* Index of the interface to which the chip sends a frame; 0: it does not. */
static int lookup(const struct sk_buff *skb, const struct net_device *dev)
{
	struct hwft_headers buffer;
	const struct hwft_headers *seen =
		skb_header_pointer(skb, 0, sizeof(buffer), &buffer);
	struct hwft_flow *flow;
	int out = 0;

	if (!seen || seen->eth.h_proto != htons(ETH_P_IP) ||
	    seen->ip.ihl != 5 || seen->ip.protocol != IPPROTO_UDP)
		return 0;
	spin_lock_bh(&hwft_lock);
	list_for_each_entry(flow, &hwft_flows, list) {
		if (flow->in == dev->ifindex && flow->net == dev_net(dev) &&
		    flow->saddr == seen->ip.saddr &&
		    flow->daddr == seen->ip.daddr &&
		    flow->source == seen->udp.source &&
		    flow->dest == seen->udp.dest)
			out = flow->out;
	}
	spin_unlock_bh(&hwft_lock);
	return out;
}

/* Forgets a flow, or with cookie 0 all that came by a device. */
static void forget(const void *owner, unsigned long cookie)
{
	struct hwft_flow *flow, *next;

	spin_lock_bh(&hwft_lock);
	list_for_each_entry_safe(flow, next, &hwft_flows, list) {
		if (flow->owner != owner || (cookie && flow->cookie != cookie))
			continue;
		list_del(&flow->list);
		kfree(flow);
	}
	spin_unlock_bh(&hwft_lock);
}

static int learn(const struct flow_cls_offload *request, const void *owner)
{
	struct flow_rule *rule = request->rule;
	const struct net_device *out = NULL;
	const struct flow_action_entry *entry;
	struct flow_match_ipv4_addrs addrs;
	struct flow_match_basic basic;
	struct flow_match_ports ports;
	struct flow_match_meta meta;
	struct hwft_flow *flow;
	int i;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_META) ||
	    !flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_BASIC) ||
	    !flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV4_ADDRS) ||
	    !flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PORTS) ||
	    flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_VLAN))
		return -EOPNOTSUPP;
	flow_rule_match_basic(rule, &basic);
	if (basic.key->ip_proto != IPPROTO_UDP)
		return -EOPNOTSUPP;
	flow_action_for_each(i, entry, &rule->action) {
		if (entry->id == FLOW_ACTION_REDIRECT)
			out = entry->dev;
	}
	if (!out)
		return -EOPNOTSUPP;

	flow = kzalloc(sizeof(*flow), GFP_KERNEL);
	if (!flow)
		return -ENOMEM;
	flow_rule_match_meta(rule, &meta);
	flow_rule_match_ipv4_addrs(rule, &addrs);
	flow_rule_match_ports(rule, &ports);
	flow->cookie = request->cookie;
	flow->owner = owner;
	flow->net = dev_net(out);
	flow->in = meta.key->ingress_ifindex;
	flow->out = out->ifindex;
	flow->saddr = addrs.key->src;
	flow->daddr = addrs.key->dst;
	flow->source = ports.key->src;
	flow->dest = ports.key->dst;
	spin_lock_bh(&hwft_lock);
	list_add(&flow->list, &hwft_flows);
	spin_unlock_bh(&hwft_lock);
	return 0;
}

/* Once for each flow of a flowtable, and for each device of it. */
static int hwft_flow_cb(enum tc_setup_type type, void *data, void *owner)
{
	struct flow_cls_offload *request = data;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	switch (request->command) {
	case FLOW_CLS_REPLACE:
		return learn(request, owner);
	case FLOW_CLS_DESTROY:
		forget(owner, request->cookie);
		return 0;
	case FLOW_CLS_STATS:
		flow_stats_update(&request->stats, 0, 0, 0, jiffies,
				  FLOW_ACTION_HW_STATS_DELAYED);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int hwft_setup_tc(struct net_device *dev, enum tc_setup_type type,
			 void *data)
{
	struct hwft_port *port = netdev_priv(dev);
	struct flow_block_offload *block = data;
	int error;

	if (type != TC_SETUP_FT)
		return -EOPNOTSUPP;
	error = flow_block_cb_setup_simple(block, &port->blocks, hwft_flow_cb,
					   dev, dev, true);
	if (!error && block->command == FLOW_BLOCK_UNBIND)
		forget(dev, 0);
	return error;
}

static int is_port(struct net_device *dev, struct netdev_nested_priv *unused)
{
	return dev->netdev_ops == &hwft_ops;
}

static bool above_port(struct net_device *dev)
{
	struct netdev_nested_priv none = { };
	bool above;

	rcu_read_lock();
	above = netdev_walk_all_lower_dev_rcu(dev, is_port, &none);
	rcu_read_unlock();
	return above;
}

/* The flowtable gives it no more flows. */
static void hwft_release(void *owner)
{
	forget(owner, 0);
}

/* Whoever registers is told of all flowtables that there were, and the kernel does
 * not forget each one when its devices go (flow_indr_dev_setup_offload() knows one
 * device of a flowtable): such a device must not be looked at.
 */
static bool hwft_ready;

/* Asked of every device that takes no flowtables itself. */
static int hwft_indirect_cb(struct net_device *dev, struct Qdisc *sch,
			    void *chip, enum tc_setup_type type, void *data,
			    void *flowtable,
			    void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *block = data;
	struct flow_block_cb *block_cb;

	/* Without a device it is about actions. */
	if (!hwft_ready || !dev || type != TC_SETUP_FT)
		return -EOPNOTSUPP;
	switch (block->command) {
	case FLOW_BLOCK_BIND:
		if (!above_port(dev))
			return -EOPNOTSUPP;
		if (flow_block_cb_is_busy(hwft_flow_cb, dev, &hwft_indirect))
			return -EBUSY;
		block_cb = flow_indr_block_cb_alloc(hwft_flow_cb, dev, dev,
						    hwft_release, block, dev,
						    sch, flowtable, chip,
						    cleanup);
		if (IS_ERR(block_cb))
			return PTR_ERR(block_cb);
		flow_block_cb_add(block_cb, block);
		list_add_tail(&block_cb->driver_list, &hwft_indirect);
		return 0;
	case FLOW_BLOCK_UNBIND:
		block_cb = flow_block_cb_lookup(block->block, hwft_flow_cb,
						dev);
		if (!block_cb)
			return -ENOENT;
		flow_indr_block_cb_remove(block_cb, block);
		list_del(&block_cb->driver_list);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static netdev_tx_t hwft_xmit(struct sk_buff *skb, struct net_device *dev)
{
	int index = lookup(skb, dev);
	struct net_device *out =
		index ? dev_get_by_index_rcu(dev_net(dev), index) : NULL;

	if (out) {
		skb->dev = out;
		dev_queue_xmit(skb);
	} else {
		dev_forward_skb(dev, skb);
	}
	return NETDEV_TX_OK;
}

static const struct net_device_ops hwft_ops = {
	.ndo_start_xmit		= hwft_xmit,
	.ndo_setup_tc		= hwft_setup_tc,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

static void hwft_setup(struct net_device *dev)
{
	struct hwft_port *port = netdev_priv(dev);

	ether_setup(dev);
	INIT_LIST_HEAD(&port->blocks);
	dev->netdev_ops = &hwft_ops;
	dev->needs_free_netdev = true;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->hw_features |= NETIF_F_HW_TC;
	eth_hw_addr_random(dev);
}

static struct rtnl_link_ops hwft_link_ops = {
	.kind		= "lenscap_hwft",
	.priv_size	= sizeof(struct hwft_port),
	.setup		= hwft_setup,
};

static int __init hwft_init(void)
{
	int error = flow_indr_dev_register(hwft_indirect_cb, NULL);

	if (error)
		return error;
	hwft_ready = true;
	error = rtnl_link_register(&hwft_link_ops);
	if (error)
		flow_indr_dev_unregister(hwft_indirect_cb, NULL, hwft_release);
	return error;
}

static void __exit hwft_exit(void)
{
	struct hwft_flow *flow, *next;

	/* 1. No ports, so no frames, and no flowtable that names one. */
	rtnl_link_unregister(&hwft_link_ops);
	/* 2. No flowtable that names what was above them: no more flows. */
	flow_indr_dev_unregister(hwft_indirect_cb, NULL, hwft_release);
	/* 3. A flow may have come while its flowtable let go of the port. */
	list_for_each_entry_safe(flow, next, &hwft_flows, list)
		kfree(flow);
}

module_init(hwft_init);
module_exit(hwft_exit);
MODULE_DESCRIPTION("Ports of a switch chip that takes over flows, for selftests");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK("lenscap_hwft");
