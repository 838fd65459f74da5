// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests about guards.
 */
#include <linux/rtnetlink.h>
#include <net/sock.h>

#include "guard.h"
#include "netlink.h"

static int check_ifname(const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	const char *name = nla_data(attr);

	if (strlen(name) + 1 == nla_len(attr) && dev_valid_name(name))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "not a valid interface name");
	return -EINVAL;
}

const struct nla_policy lenscap_guard_policy[LENSCAP_GUARD_A_MAX + 1] = {
	[LENSCAP_GUARD_A_NAME] = { .type = NLA_NUL_STRING,
				   .len = LENSCAP_NAME_LEN },
	[LENSCAP_GUARD_A_IFNAME] = { .type = NLA_NUL_STRING,
				     .len = IFNAMSIZ - 1 },
	[LENSCAP_GUARD_A_VLAN] = NLA_POLICY_RANGE(NLA_U16, 1, 4094),
	[LENSCAP_GUARD_A_IDENTITY] = NLA_POLICY_MAX(NLA_U8,
						    LENSCAP_IDENTITY_IP),
	[LENSCAP_GUARD_A_MODE] = NLA_POLICY_MAX(NLA_U8, LENSCAP_MODE_AUDIT),
	[LENSCAP_GUARD_A_UPKEEP] = NLA_POLICY_MASK(NLA_U32,
						   LENSCAP_UPKEEP_ALL),
	[LENSCAP_GUARD_A_SUBNET] = NLA_POLICY_NESTED(lenscap_prefix_policy),
};

static int get_subnets(struct genl_info *info, struct lc_guard *core)
{
	const struct nlattr *attr;
	int rem, err;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != LENSCAP_GUARD_A_SUBNET)
			continue;
		if (core->nsubnets == LENSCAP_MAX_SUBNETS) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "more subnets than the limit of 16: join some into a shorter prefix");
			return -ENOSPC;
		}
		err = lenscap_get_prefix(attr, &core->subnets[core->nsubnets],
					 info->extack);
		if (err)
			return err;
		core->nsubnets++;
	}
	return 0;
}

/**
 * lenscap_nl_guard_set() - GUARD_SET
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_guard_set(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct lenscap_guard_config config = {};
	struct nlattr **attrs = info->attrs;
	int err;

	BUILD_BUG_ON(LENSCAP_MAX_SUBNETS != 16);
	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_GUARD_A_NAME) ||
	    GENL_REQ_ATTR_CHECK(info, LENSCAP_GUARD_A_IFNAME)) {
		GENL_SET_ERR_MSG(info, "a guard needs a name and an interface name");
		return -EINVAL;
	}
	err = lenscap_get_name(attrs[LENSCAP_GUARD_A_NAME], &config.name,
			       info->extack);
	if (!err)
		err = check_ifname(attrs[LENSCAP_GUARD_A_IFNAME],
				   info->extack);
	if (!err)
		err = get_subnets(info, &config.core);
	if (err)
		return err;

	config.ifname = nla_data(attrs[LENSCAP_GUARD_A_IFNAME]);
	config.core.upkeep = LENSCAP_UPKEEP_DEFAULT;
	if (attrs[LENSCAP_GUARD_A_VLAN])
		config.vlan = nla_get_u16(attrs[LENSCAP_GUARD_A_VLAN]);
	if (attrs[LENSCAP_GUARD_A_IDENTITY])
		config.core.identity =
			nla_get_u8(attrs[LENSCAP_GUARD_A_IDENTITY]);
	if (attrs[LENSCAP_GUARD_A_MODE])
		config.core.mode = nla_get_u8(attrs[LENSCAP_GUARD_A_MODE]);
	if (attrs[LENSCAP_GUARD_A_UPKEEP])
		config.core.upkeep = nla_get_u32(attrs[LENSCAP_GUARD_A_UPKEEP]);

	rtnl_lock();
	err = lenscap_guard_set(ln, &config, info->extack);
	rtnl_unlock();
	return err;
}

/**
 * lenscap_nl_guard_del() - GUARD_DEL
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_guard_del(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	const char *name;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_GUARD_A_NAME)) {
		GENL_SET_ERR_MSG(info, "the guard's name is needed");
		return -EINVAL;
	}
	err = lenscap_get_name(info->attrs[LENSCAP_GUARD_A_NAME], &name,
			       info->extack);
	if (err)
		return err;
	rtnl_lock();
	err = lenscap_guard_del(ln, name, info->extack);
	rtnl_unlock();
	return err;
}

/**
 * lenscap_put_guard() - write what a guard is, without counters
 * @skb: message
 * @guard: the guard
 * @state: its state, or %LENSCAP_GUARD_GONE
 *
 * Context: process, RTNL held. Return: 0 or -EMSGSIZE.
 */
int lenscap_put_guard(struct sk_buff *skb, const struct lenscap_guard *guard,
		      u8 state)
{
	u32 i;

	if (nla_put_string(skb, LENSCAP_GUARD_A_NAME, guard->name) ||
	    nla_put_string(skb, LENSCAP_GUARD_A_IFNAME, guard->ifname) ||
	    (guard->vlan &&
	     nla_put_u16(skb, LENSCAP_GUARD_A_VLAN, guard->vlan)) ||
	    nla_put_u8(skb, LENSCAP_GUARD_A_IDENTITY, guard->core.identity) ||
	    nla_put_u8(skb, LENSCAP_GUARD_A_MODE, guard->core.mode) ||
	    nla_put_u32(skb, LENSCAP_GUARD_A_UPKEEP, guard->core.upkeep) ||
	    nla_put_u8(skb, LENSCAP_GUARD_A_STATE, state) ||
	    (guard->port &&
	     nla_put_u32(skb, LENSCAP_GUARD_A_IFINDEX,
			 guard->port->dev->ifindex)))
		return -EMSGSIZE;
	for (i = 0; i < guard->core.nsubnets; i++)
		if (lenscap_put_prefix(skb, LENSCAP_GUARD_A_SUBNET,
				       &guard->core.subnets[i]))
			return -EMSGSIZE;
	return 0;
}

/* Counters of one guard, added up over the processors. */
struct sums {
	u64 passed_packets;
	u64 passed_bytes;
	struct {
		u64 dropped_packets;
		u64 dropped_bytes;
		u64 would_packets;
		u64 would_bytes;
	} reasons[LENSCAP_REASON_MAX + 1];
};

static void sum_cpu(const struct lenscap_guard_stats *stats, struct sums *sums)
{
	u32 i;

	sums->passed_packets += u64_stats_read(&stats->passed_packets);
	sums->passed_bytes += u64_stats_read(&stats->passed_bytes);
	for (i = 0; i <= LENSCAP_REASON_MAX; i++) {
		const struct lenscap_guard_total *total = &stats->reasons[i];

		sums->reasons[i].dropped_packets +=
			u64_stats_read(&total->dropped_packets);
		sums->reasons[i].dropped_bytes +=
			u64_stats_read(&total->dropped_bytes);
		sums->reasons[i].would_packets +=
			u64_stats_read(&total->would_packets);
		sums->reasons[i].would_bytes +=
			u64_stats_read(&total->would_bytes);
	}
}

static void sum(const struct lenscap_guard *guard, struct sums *sums)
{
	int cpu;

	memset(sums, 0, sizeof(*sums));
	for_each_possible_cpu(cpu) {
		const struct lenscap_guard_stats *stats =
			per_cpu_ptr(guard->stats, cpu);
		struct sums before = *sums;
		unsigned int start;

		do {
			*sums = before;
			start = u64_stats_fetch_begin(&stats->syncp);
			sum_cpu(stats, sums);
		} while (u64_stats_fetch_retry(&stats->syncp, start));
	}
}

static int put_total(struct sk_buff *skb, u32 reason, const struct sums *sums)
{
	struct nlattr *nest = nla_nest_start(skb, LENSCAP_GUARD_A_REASON);

	if (!nest ||
	    nla_put_u8(skb, LENSCAP_TOTAL_A_REASON, reason) ||
	    nla_put_u64_64bit(skb, LENSCAP_TOTAL_A_DROPPED_PACKETS,
			      sums->reasons[reason].dropped_packets,
			      LENSCAP_TOTAL_A_PAD) ||
	    nla_put_u64_64bit(skb, LENSCAP_TOTAL_A_DROPPED_BYTES,
			      sums->reasons[reason].dropped_bytes,
			      LENSCAP_TOTAL_A_PAD) ||
	    nla_put_u64_64bit(skb, LENSCAP_TOTAL_A_WOULD_PACKETS,
			      sums->reasons[reason].would_packets,
			      LENSCAP_TOTAL_A_PAD) ||
	    nla_put_u64_64bit(skb, LENSCAP_TOTAL_A_WOULD_BYTES,
			      sums->reasons[reason].would_bytes,
			      LENSCAP_TOTAL_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_sums(struct sk_buff *skb, const struct sums *sums)
{
	u32 i;

	if (nla_put_u64_64bit(skb, LENSCAP_GUARD_A_PASSED_PACKETS,
			      sums->passed_packets, LENSCAP_GUARD_A_PAD) ||
	    nla_put_u64_64bit(skb, LENSCAP_GUARD_A_PASSED_BYTES,
			      sums->passed_bytes, LENSCAP_GUARD_A_PAD))
		return -EMSGSIZE;
	for (i = 0; i <= LENSCAP_REASON_MAX; i++)
		if ((sums->reasons[i].dropped_packets ||
		     sums->reasons[i].would_packets) &&
		    put_total(skb, i, sums))
			return -EMSGSIZE;
	return 0;
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct lenscap_guard *guard, struct sums *sums)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &lenscap_family,
				   NLM_F_MULTI, LENSCAP_CMD_GUARD_GET);

	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	sum(guard, sums);
	if (lenscap_put_guard(skb, guard, guard->state) ||
	    put_sums(skb, sums)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/**
 * lenscap_nl_guard_dump() - GUARD_GET
 * @skb: message to fill
 * @cb: args[0]: guards that were sent
 *
 * Context: process. Return: bytes or a negative error.
 */
int lenscap_nl_guard_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct lenscap_net *ln = lenscap_net(sock_net(cb->skb->sk));
	struct lenscap_guard *guard;
	unsigned long i = 0;
	struct sums *sums;
	int err = 0;

	sums = kmalloc(sizeof(*sums), GFP_KERNEL);
	if (!sums)
		return -ENOMEM;
	rtnl_lock();
	cb->seq = ln->guards_seq;
	list_for_each_entry(guard, &ln->guards, list) {
		if (i++ < cb->args[0])
			continue;
		err = dump_one(skb, cb, guard, sums);
		if (err)
			break;
		cb->args[0] = i;
	}
	rtnl_unlock();
	kfree(sums);
	return skb->len ?: err;
}
