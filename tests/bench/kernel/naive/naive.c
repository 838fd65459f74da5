// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one would write in an afternoon, as a peer: a hook at ingress, the
 * kernel's own chained hash table by MAC, and the rules of the device's profile
 * one after the other. No counters, no records, and a policy that never changes.
 *
 * A write to /dev/lcnaive is a whole policy (struct naive_head tells its form;
 * peers/naive.py is the other copy of it), which holds until the file is closed.
 * It is for the bench kernel: nothing here may be relied upon elsewhere.
 */
#include <linux/capability.h>
#include <linux/etherdevice.h>
#include <linux/hashtable.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_netdev.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>

#define HASH_BITS_USED	16	/* as many buckets as the largest case has devices */

/**
 * struct naive_head - what a policy begins with; then, for each profile, a u32
 *	and that many struct naive_rule_in; then the struct naive_device_in
 * @ifindex: interface whose frames are judged
 * @vlan: which VLAN of it; 0: what is untagged
 * @family: 4 or 6, of all addresses
 * @profiles: how many
 * @devices: how many
 */
struct naive_head {
	u32 ifindex;
	u16 vlan;
	u16 family;
	u32 profiles;
	u32 devices;
};

/* One port is a range too. */
struct naive_rule_in {
	u8 addr[16];
	u8 plen;
	u8 proto;
	u16 low;
	u16 high;
	u16 unused;
};

struct naive_device_in {
	u8 mac[ETH_ALEN];
	u16 unused;
	u8 addr[16];
	u32 profile;
};

struct naive_rule4 {
	__be32 addr;
	__be32 mask;
	u16 low;
	u16 high;
	u8 proto;
};

struct naive_rule6 {
	struct in6_addr addr;
	struct in6_addr mask;
	u16 low;
	u16 high;
	u8 proto;
};

/**
 * struct naive_profile - what some devices may do
 * @count: how many rules
 * @rules: the rules, of either sort
 * @rules4: the rules, of an IPv4 policy
 * @rules6: the rules, of an IPv6 policy
 */
struct naive_profile {
	u32 count;
	union {
		void *rules;
		struct naive_rule4 *rules4;
		struct naive_rule6 *rules6;
	};
};

/**
 * struct naive_device - one that may talk
 * @node: in the table
 * @mac: its MAC, which is the key
 * @addr4: its address, of an IPv4 policy
 * @addr6: its address, of an IPv6 policy
 * @profile: what it may do
 */
struct naive_device {
	struct hlist_node node;
	u64 mac;
	union {
		__be32 addr4;
		struct in6_addr addr6;
	};
	const struct naive_profile *profile;
};

/**
 * struct naive_policy - what a file holds
 * @ops: the hook; registered if @dev
 * @dev: the interface, held
 * @tracker: of @dev
 * @head: what was written
 * @profiles: as many as @head says
 * @devices: by MAC
 */
struct naive_policy {
	struct nf_hook_ops ops;
	struct net_device *dev;
	netdevice_tracker tracker;
	struct naive_head head;
	struct naive_profile *profiles;
	DECLARE_HASHTABLE(devices, HASH_BITS_USED);
};

static const struct naive_device *find(const struct naive_policy *policy,
				       const struct sk_buff *skb)
{
	u64 mac = ether_addr_to_u64(eth_hdr(skb)->h_source);
	const struct naive_device *device;

	hash_for_each_possible(policy->devices, device, node, mac)
		if (device->mac == mac)
			return device;
	return NULL;
}

/* The destination port, which both protocols have in the same place. */
static bool read_port(struct sk_buff *skb, u32 offset, u8 proto, u16 *port)
{
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return false;
	if (!pskb_may_pull(skb, offset + 4))
		return false;
	*port = ntohs(((const __be16 *)(skb->data + offset))[1]);
	return true;
}

static bool judge4(const struct naive_policy *policy, struct sk_buff *skb)
{
	const struct naive_device *device;
	const struct naive_rule4 *rule;
	const struct iphdr *ip;
	u16 port;
	u32 i;

	if (!pskb_may_pull(skb, sizeof(*ip)))
		return false;
	ip = (const struct iphdr *)skb->data;
	if (ip->version != 4 || ip->ihl < 5 || ip_is_fragment(ip) ||
	    !read_port(skb, ip->ihl * 4, ip->protocol, &port))
		return false;
	ip = (const struct iphdr *)skb->data;
	device = find(policy, skb);
	if (!device || device->addr4 != ip->saddr)
		return false;
	rule = device->profile->rules4;
	for (i = 0; i < device->profile->count; i++, rule++)
		if (!((ip->daddr ^ rule->addr) & rule->mask) &&
		    ip->protocol == rule->proto &&
		    port >= rule->low && port <= rule->high)
			return true;
	return false;
}

/* Extension headers are for others: cameras send none. */
static bool judge6(const struct naive_policy *policy, struct sk_buff *skb)
{
	const struct naive_device *device;
	const struct naive_rule6 *rule;
	const struct ipv6hdr *ip;
	u16 port;
	u32 i;

	if (!pskb_may_pull(skb, sizeof(*ip)))
		return false;
	ip = (const struct ipv6hdr *)skb->data;
	if (ip->version != 6 ||
	    !read_port(skb, sizeof(*ip), ip->nexthdr, &port))
		return false;
	ip = (const struct ipv6hdr *)skb->data;
	device = find(policy, skb);
	if (!device || !ipv6_addr_equal(&device->addr6, &ip->saddr))
		return false;
	rule = device->profile->rules6;
	for (i = 0; i < device->profile->count; i++, rule++)
		if (!ipv6_masked_addr_cmp(&ip->daddr, &rule->mask, &rule->addr) &&
		    ip->nexthdr == rule->proto &&
		    port >= rule->low && port <= rule->high)
			return true;
	return false;
}

static unsigned int naive_hook(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const struct naive_policy *policy = priv;
	u16 vlan = skb_vlan_tag_present(skb) ? skb_vlan_tag_get_id(skb) : 0;
	bool pass = false;

	if (vlan != policy->head.vlan)
		return NF_DROP;
	if (skb->protocol == htons(ETH_P_IP))
		pass = policy->head.family == 4 && judge4(policy, skb);
	else if (skb->protocol == htons(ETH_P_IPV6))
		pass = policy->head.family == 6 && judge6(policy, skb);
	else if (skb->protocol == htons(ETH_P_ARP))
		pass = true;
	return pass ? NF_ACCEPT : NF_DROP;
}

/**
 * struct input - what is left of a policy that was written
 * @data: the next byte
 * @size: how many there are
 */
struct input {
	const u8 *data;
	size_t size;
};

static const void *take(struct input *in, u64 size)
{
	const void *data = in->data;

	if (size > in->size)
		return NULL;
	in->data += size;
	in->size -= size;
	return data;
}

static void fill4(struct naive_rule4 *rule, const struct naive_rule_in *from)
{
	rule->mask = inet_make_mask(from->plen);
	memcpy(&rule->addr, from->addr, sizeof(rule->addr));
	rule->low = from->low;
	rule->high = from->high;
	rule->proto = from->proto;
}

static void fill6(struct naive_rule6 *rule, const struct naive_rule_in *from)
{
	static const struct in6_addr ones = {
		.in6_u.u6_addr8 = { [0 ... 15] = 0xff },
	};

	ipv6_addr_prefix(&rule->mask, &ones, from->plen);
	memcpy(&rule->addr, from->addr, sizeof(rule->addr));
	rule->low = from->low;
	rule->high = from->high;
	rule->proto = from->proto;
}

static int read_profile(struct naive_profile *profile, u16 family,
			struct input *in)
{
	size_t size = family == 4 ? sizeof(*profile->rules4) :
				    sizeof(*profile->rules6);
	const struct naive_rule_in *rules;
	const u32 *count = take(in, sizeof(*count));
	u32 i;

	rules = count ? take(in, (u64)*count * sizeof(*rules)) : NULL;
	if (!rules)
		return -EINVAL;
	profile->rules = kvcalloc(*count, size, GFP_KERNEL);
	if (!profile->rules)
		return -ENOMEM;
	profile->count = *count;
	for (i = 0; i < *count; i++) {
		if (rules[i].plen > (family == 4 ? 32 : 128))
			return -EINVAL;
		if (family == 4)
			fill4(&profile->rules4[i], &rules[i]);
		else
			fill6(&profile->rules6[i], &rules[i]);
	}
	return 0;
}

static int read_device(struct naive_policy *policy, struct input *in)
{
	const struct naive_device_in *from = take(in, sizeof(*from));
	struct naive_device *device;

	if (!from || from->profile >= policy->head.profiles)
		return -EINVAL;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->mac = ether_addr_to_u64(from->mac);
	memcpy(&device->addr6, from->addr, sizeof(device->addr6));
	device->profile = &policy->profiles[from->profile];
	hash_add(policy->devices, &device->node, device->mac);
	return 0;
}

static int read_policy(struct naive_policy *policy, struct input *in)
{
	const struct naive_head *head = take(in, sizeof(*head));
	int err = 0;
	u32 i;

	if (!head || (head->family != 4 && head->family != 6) ||
	    head->profiles > in->size)
		return -EINVAL;
	policy->profiles = kvcalloc(head->profiles, sizeof(*policy->profiles),
				    GFP_KERNEL);
	if (!policy->profiles)
		return -ENOMEM;
	policy->head = *head;
	for (i = 0; i < head->profiles && !err; i++)
		err = read_profile(&policy->profiles[i], head->family, in);
	for (i = 0; i < head->devices && !err; i++)
		err = read_device(policy, in);
	return err ?: in->size ? -EINVAL : 0;
}

static int attach(struct naive_policy *policy)
{
	struct net_device *dev = dev_get_by_index(&init_net,
						  policy->head.ifindex);
	int err;

	if (!dev)
		return -ENODEV;
	policy->ops = (struct nf_hook_ops){
		.hook = naive_hook,
		.dev = dev,
		.priv = policy,
		.pf = NFPROTO_NETDEV,
		.hooknum = NF_NETDEV_INGRESS,
	};
	err = nf_register_net_hook(&init_net, &policy->ops);
	if (!err) {
		policy->dev = dev;
		netdev_hold(dev, &policy->tracker, GFP_KERNEL);
	}
	dev_put(dev);
	return err;
}

static void policy_free(struct naive_policy *policy)
{
	struct naive_device *device;
	struct hlist_node *next;
	u32 i;

	if (!policy)
		return;
	if (policy->dev) {
		nf_unregister_net_hook(&init_net, &policy->ops);
		netdev_put(policy->dev, &policy->tracker);
		/* The hook may still be running. */
		synchronize_net();
	}
	hash_for_each_safe(policy->devices, i, next, device, node)
		kfree(device);
	for (i = 0; i < policy->head.profiles; i++)
		kvfree(policy->profiles[i].rules);
	kvfree(policy->profiles);
	kvfree(policy);
}

static DEFINE_MUTEX(naive_lock);

static int install(struct file *file, const u8 *data, size_t size)
{
	struct input in = { .data = data, .size = size };
	struct naive_policy *policy;
	int err;

	if (file->private_data)
		return -EBUSY;
	policy = kvzalloc(sizeof(*policy), GFP_KERNEL);
	if (!policy)
		return -ENOMEM;
	err = read_policy(policy, &in) ?: attach(policy);
	if (err)
		policy_free(policy);
	else
		file->private_data = policy;
	return err;
}

static ssize_t naive_write(struct file *file, const char __user *buffer,
			   size_t size, loff_t *pos)
{
	u8 *data;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	data = vmemdup_user(buffer, size);
	if (IS_ERR(data))
		return PTR_ERR(data);
	mutex_lock(&naive_lock);
	err = install(file, data, size);
	mutex_unlock(&naive_lock);
	kvfree(data);
	return err ?: size;
}

static int naive_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device there. */
	file->private_data = NULL;
	return 0;
}

static int naive_release(struct inode *inode, struct file *file)
{
	policy_free(file->private_data);
	return 0;
}

static const struct file_operations naive_fops = {
	.owner = THIS_MODULE,
	.open = naive_open,
	.release = naive_release,
	.write = naive_write,
	.llseek = noop_llseek,
};

static struct miscdevice naive_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lcnaive",
	.fops = &naive_fops,
	.mode = 0600,
};

module_misc_device(naive_misc);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A simple judge of frames, to compare Lenscap with");
