// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the live policy: profiles, devices and their counters.
 *
 * A dump is many messages, between which no lock is held and another generation
 * may become live. Each message is of the generation that is live then; when it
 * is not the one that the message before was of, the reader is told by
 * NLM_F_DUMP_INTR and asks again. A position is a slot of a name table.
 */
#include <net/sock.h>

#include "netlink.h"
#include "table.h"
#include "txn.h"

static void *dump_begin(struct sk_buff *skb, struct netlink_callback *cb,
			u8 cmd)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &lenscap_family,
				   NLM_F_MULTI, cmd);

	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

static int fill_rule(struct sk_buff *skb, const struct lc_rule *rule)
{
	struct nlattr *nest = nla_nest_start(skb, LENSCAP_PROFILE_A_RULE);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put(skb, LENSCAP_RULE_A_ADDRESS,
		    rule->peer.family == LC_FAMILY_IPV4 ? 4 : 16,
		    rule->peer.addr) ||
	    nla_put_u8(skb, LENSCAP_RULE_A_LENGTH, rule->peer.len) ||
	    (rule->proto != LC_PROTO_ANY &&
	     nla_put_u8(skb, LENSCAP_RULE_A_PROTO, rule->proto)) ||
	    nla_put_u8(skb, LENSCAP_RULE_A_INITIATOR, rule->initiator) ||
	    nla_put_u16(skb, LENSCAP_RULE_A_PEER_PORT_LOW, rule->peer_low) ||
	    nla_put_u16(skb, LENSCAP_RULE_A_PEER_PORT_HIGH, rule->peer_high) ||
	    nla_put_u16(skb, LENSCAP_RULE_A_DEVICE_PORT_LOW,
			rule->device_low) ||
	    nla_put_u16(skb, LENSCAP_RULE_A_DEVICE_PORT_HIGH,
			rule->device_high)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* One message of a profile, with as many rules as fit. @first moves behind
 * them.
 */
static int fill_profile(struct sk_buff *skb, struct netlink_callback *cb,
			const struct lenscap_policy *policy,
			const struct lenscap_profile *profile,
			unsigned long *first)
{
	const struct lc_ruleset *set = profile->core.ruleset;
	void *header = dump_begin(skb, cb, LENSCAP_CMD_PROFILE_GET);
	u32 i = *first;

	if (!header)
		return -EMSGSIZE;
	if (nla_put_string(skb, LENSCAP_PROFILE_A_NAME,
			   profile->object.name) ||
	    nla_put_u8(skb, LENSCAP_PROFILE_A_MODE, profile->core.mode) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_CLASS, profile->core.class) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_RULES, set->count) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_DEVICES,
			policy->users[profile->slot]) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_FIRST, i))
		goto full;
	while (i < set->count && !fill_rule(skb, &set->rules[i]))
		i++;
	if (i == *first && set->count)
		goto full;
	genlmsg_end(skb, header);
	*first = i;
	return i < set->count ? -EMSGSIZE : 0;

full:
	genlmsg_cancel(skb, header);
	return -EMSGSIZE;
}

/**
 * lenscap_nl_profile_dump() - PROFILE_GET
 * @skb: message to fill
 * @cb: args[0]: slot of the name table, args[1]: rules of its profile sent
 *
 * Context: process. Return: bytes or a negative error.
 */
int lenscap_nl_profile_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct lenscap_net *ln = lenscap_net(sock_net(cb->skb->sk));
	const struct lenscap_generation *live;
	const struct lenscap_names *names;
	int err = 0;

	mutex_lock(&ln->lock);
	live = lenscap_live(ln);
	cb->seq = live ? live->number : 0;
	if (!live)
		goto out;
	names = &live->policy.profiles;
	for (; cb->args[0] <= names->mask; cb->args[0]++) {
		const struct lenscap_object *object =
			names->slots[cb->args[0]];
		const struct lenscap_profile *profile =
			(const struct lenscap_profile *)object;

		if (!profile)
			continue;
		/* Another generation may have come: see the top. */
		if (cb->args[1] >= profile->core.ruleset->count)
			cb->args[1] = 0;
		err = fill_profile(skb, cb, &live->policy, profile,
				   (unsigned long *)&cb->args[1]);
		if (err)
			break;
		cb->args[1] = 0;
	}
out:
	mutex_unlock(&ln->lock);
	return skb->len ?: err;
}

static int fill_stats(struct sk_buff *skb, const struct lenscap_stats *stats)
{
	const struct {
		int type;
		u64 value;
	} values[] = {
		{ LENSCAP_DEVICE_A_PASSED_PACKETS,
		  atomic64_read(&stats->passed_packets) },
		{ LENSCAP_DEVICE_A_PASSED_BYTES,
		  atomic64_read(&stats->passed_bytes) },
		{ LENSCAP_DEVICE_A_DROPPED_PACKETS,
		  atomic64_read(&stats->dropped_packets) },
		{ LENSCAP_DEVICE_A_DROPPED_BYTES,
		  atomic64_read(&stats->dropped_bytes) },
		{ LENSCAP_DEVICE_A_WOULD_PACKETS,
		  atomic64_read(&stats->would_packets) },
		{ LENSCAP_DEVICE_A_WOULD_BYTES,
		  atomic64_read(&stats->would_bytes) },
		{ LENSCAP_DEVICE_A_LAST_SEEN, READ_ONCE(stats->last_seen) },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (nla_put_u64_64bit(skb, values[i].type, values[i].value,
				      LENSCAP_DEVICE_A_PAD))
			return -EMSGSIZE;
	return 0;
}

static int fill_device(struct sk_buff *skb,
		       const struct lenscap_policy *policy,
		       const struct lenscap_device *device)
{
	const struct lenscap_profile *profile =
		policy->slots[device->core.profile];
	u32 i;

	if (nla_put_string(skb, LENSCAP_DEVICE_A_NAME, device->object.name) ||
	    (device->guard &&
	     nla_put_string(skb, LENSCAP_DEVICE_A_GUARD, device->guard)) ||
	    (device->core.has_mac &&
	     nla_put(skb, LENSCAP_DEVICE_A_MAC, ETH_ALEN, device->core.mac)) ||
	    nla_put_string(skb, LENSCAP_DEVICE_A_PROFILE,
			   profile->object.name))
		return -EMSGSIZE;
	for (i = 0; i < device->core.naddrs; i++)
		if (lenscap_put_prefix(skb, LENSCAP_DEVICE_A_ADDRESS,
				       &device->core.addrs[i]))
			return -EMSGSIZE;
	return fill_stats(skb, device->stats);
}

/**
 * lenscap_nl_device_dump() - DEVICE_GET of all
 * @skb: message to fill
 * @cb: args[0]: slot of the name table
 *
 * Context: process. Return: bytes or a negative error.
 */
int lenscap_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct lenscap_net *ln = lenscap_net(sock_net(cb->skb->sk));
	const struct lenscap_generation *live;
	const struct lenscap_names *names;
	int err = 0;

	mutex_lock(&ln->lock);
	live = lenscap_live(ln);
	cb->seq = live ? live->number : 0;
	if (!live)
		goto out;
	names = &live->policy.devices;
	for (; cb->args[0] <= names->mask; cb->args[0]++) {
		const struct lenscap_object *object =
			names->slots[cb->args[0]];
		void *header;

		if (!object)
			continue;
		err = -EMSGSIZE;
		header = dump_begin(skb, cb, LENSCAP_CMD_DEVICE_GET);
		if (!header)
			break;
		err = fill_device(skb, &live->policy,
				  (const struct lenscap_device *)object);
		if (err) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
	}
out:
	mutex_unlock(&ln->lock);
	return skb->len ?: err;
}

static int get_one(struct lenscap_net *ln, struct sk_buff *skb,
		   const char *name, struct netlink_ext_ack *extack)
{
	const struct lenscap_generation *live = lenscap_live(ln);
	const struct lenscap_device *device;

	device = live ? lenscap_policy_device(&live->policy, name) : NULL;
	if (!device) {
		NL_SET_ERR_MSG(extack, "the live policy has no device of this name");
		return -ENOENT;
	}
	return fill_device(skb, &live->policy, device);
}

/**
 * lenscap_nl_device_get() - DEVICE_GET of one
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_device_get(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct sk_buff *skb;
	const char *name;
	void *header;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_DEVICE_A_NAME)) {
		GENL_SET_ERR_MSG(info, "the device's name is needed");
		return -EINVAL;
	}
	err = lenscap_get_name(info->attrs[LENSCAP_DEVICE_A_NAME], &name,
			       info->extack);
	if (err)
		return err;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &lenscap_family, 0,
				   LENSCAP_CMD_DEVICE_GET);
	err = -EMSGSIZE;
	if (header) {
		mutex_lock(&ln->lock);
		err = get_one(ln, skb, name, info->extack);
		mutex_unlock(&ln->lock);
	}
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}
