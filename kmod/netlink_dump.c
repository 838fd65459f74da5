// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the live policy: profiles, devices and their counters.
 *
 * A dump is many messages, between which no lock is held and another generation
 * may become live. Each message is of the generation that is live then; when it
 * is not the one that the message before was of, the reader is told by
 * NLM_F_DUMP_INTR and asks again. A position is one of lc_trie_next().
 */
#include <net/sock.h>

#include "guard.h"
#include "hits.h"
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

const struct nla_policy
lenscap_profile_get_policy[LENSCAP_PROFILE_A_HITS + 1] = {
	[LENSCAP_PROFILE_A_NAME] = { .type = NLA_NUL_STRING,
				     .len = LENSCAP_NAME_LEN },
	[LENSCAP_PROFILE_A_HITS] = { .type = NLA_FLAG },
};

/* @hits: how often it permitted a frame, or NULL: nobody asks */
static int fill_rule(struct sk_buff *skb, const struct lc_rule *rule,
		     const u64 *hits)
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
			rule->device_high) ||
	    (hits && nla_put_u64_64bit(skb, LENSCAP_RULE_A_HITS, *hits,
				       LENSCAP_RULE_A_PAD))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_hits(struct sk_buff *skb, const struct lenscap_policy *policy,
		     const struct lenscap_profile *profile)
{
	u32 shared = lenscap_policy_sharers(policy, profile->ruleset);

	return nla_put_u64_64bit(skb, LENSCAP_PROFILE_A_SINCE,
				 profile->ruleset->since,
				 LENSCAP_PROFILE_A_PAD) ?:
	       nla_put_u32(skb, LENSCAP_PROFILE_A_SHARED, shared);
}

/* One message of a profile, with as many rules as fit. @first moves behind
 * them.
 */
static int fill_profile(struct sk_buff *skb, struct netlink_callback *cb,
			const struct lenscap_policy *policy,
			const struct lenscap_profile *profile,
			bool hits, unsigned long *first)
{
	const struct lc_ruleset *set = profile->core.ruleset;
	void *header = dump_begin(skb, cb, LENSCAP_CMD_PROFILE_GET);
	struct lc_rule_walk walk;
	u32 i = *first, users = 0;
	struct lc_rule rule;
	u64 count;

	if (!header)
		return -EMSGSIZE;
	lenscap_policy_slot(policy, profile->slot, &users);
	if (nla_put_string(skb, LENSCAP_PROFILE_A_NAME, profile->name) ||
	    nla_put_u8(skb, LENSCAP_PROFILE_A_MODE, profile->core.mode) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_CLASS, profile->core.class) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_RULES, set->count) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_DEVICES, users) ||
	    nla_put_u32(skb, LENSCAP_PROFILE_A_FIRST, i) ||
	    (hits && fill_hits(skb, policy, profile)))
		goto full;
	lc_rules_begin(set, i, &walk);
	while (lc_rules_next(set, &walk, &rule)) {
		if (hits)
			count = lenscap_hits_read(set, &rule, i);
		if (fill_rule(skb, &rule, hits ? &count : NULL))
			break;
		i++;
	}
	if (i == *first && set->count)
		goto full;
	genlmsg_end(skb, header);
	*first = i;
	return i < set->count ? -EMSGSIZE : 0;

full:
	genlmsg_cancel(skb, header);
	return -EMSGSIZE;
}

/* The profile at a position, or the one that is asked for by name, which is all
 * there is from position 0 on.
 */
static const struct lenscap_profile *
profile_at(const struct lenscap_policy *policy, const char *name, u64 *position)
{
	if (!name)
		return lc_trie_next(&lenscap_profile_names, &policy->profiles,
				    position);
	return (*position)++ ? NULL : lenscap_policy_profile(policy, name);
}

/**
 * lenscap_nl_profile_dump() - PROFILE_GET
 * @skb: message to fill
 * @cb: args[0]: position of a profile, args[1]: rules of it that were sent
 *
 * Context: process. Return: bytes or a negative error.
 */
int lenscap_nl_profile_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **attrs = lenscap_dump_attrs(cb);
	struct lenscap_net *ln = lenscap_net(sock_net(cb->skb->sk));
	const struct lenscap_generation *live;
	const struct lenscap_profile *profile;
	const char *name = NULL;
	int err = 0;

	if (attrs[LENSCAP_PROFILE_A_NAME]) {
		err = lenscap_get_name(attrs[LENSCAP_PROFILE_A_NAME], &name,
				       cb->extack);
		if (err)
			return err;
	}
	mutex_lock(&ln->lock);
	live = lenscap_live(ln);
	cb->seq = live ? live->number : 0;
	if (!live)
		goto out;
	for (;;) {
		u64 position = cb->args[0];

		profile = profile_at(&live->policy, name, &position);
		if (!profile)
			break;
		if (nla_get_flag(attrs[LENSCAP_PROFILE_A_HITS]) &&
		    !lenscap_hits_on(profile->core.ruleset)) {
			NL_SET_ERR_MSG(cb->extack, "hits are not counted: the module was loaded with hits=0");
			err = -EOPNOTSUPP;
			break;
		}
		/* Another generation may have come: see the top. */
		if (cb->args[1] >= profile->core.ruleset->count)
			cb->args[1] = 0;
		err = fill_profile(skb, cb, &live->policy, profile,
				   nla_get_flag(attrs[LENSCAP_PROFILE_A_HITS]),
				   (unsigned long *)&cb->args[1]);
		if (err)
			break;
		cb->args[0] = position;
		cb->args[1] = 0;
	}
out:
	mutex_unlock(&ln->lock);
	return skb->len ?: err;
}

static int fill_stats(struct sk_buff *skb, struct lenscap_stats *stats)
{
	static const struct {
		int packets;
		int bytes;
	} types[LENSCAP_COUNTS] = {
		[LENSCAP_PASSED] = { LENSCAP_DEVICE_A_PASSED_PACKETS,
				     LENSCAP_DEVICE_A_PASSED_BYTES },
		[LENSCAP_DROPPED] = { LENSCAP_DEVICE_A_DROPPED_PACKETS,
				      LENSCAP_DEVICE_A_DROPPED_BYTES },
		[LENSCAP_WOULD] = { LENSCAP_DEVICE_A_WOULD_PACKETS,
				    LENSCAP_DEVICE_A_WOULD_BYTES },
	};
	enum lenscap_count which;
	u64 packets, bytes;

	for (which = 0; which < LENSCAP_COUNTS; which++) {
		lenscap_stats_read(stats, which, &packets, &bytes);
		if (nla_put_u64_64bit(skb, types[which].packets, packets,
				      LENSCAP_DEVICE_A_PAD) ||
		    nla_put_u64_64bit(skb, types[which].bytes, bytes,
				      LENSCAP_DEVICE_A_PAD))
			return -EMSGSIZE;
	}
	return nla_put_u64_64bit(skb, LENSCAP_DEVICE_A_LAST_SEEN,
				 lenscap_stats_seen(stats),
				 LENSCAP_DEVICE_A_PAD);
}

static int fill_device(struct sk_buff *skb, struct lenscap_net *ln,
		       const struct lenscap_policy *policy,
		       struct lenscap_device *device)
{
	const struct lenscap_profile *profile =
		lenscap_policy_slot(policy, device->core.profile, NULL);
	const char *guard = device->core.guard == LC_GUARD_ANY ? NULL :
			    lenscap_guard_name(ln, device->core.guard);
	struct lc_prefix addr;
	u32 i;

	if (nla_put_string(skb, LENSCAP_DEVICE_A_NAME,
			   lenscap_device_name(device)) ||
	    (guard && nla_put_string(skb, LENSCAP_DEVICE_A_GUARD, guard)) ||
	    (device->core.has_mac &&
	     nla_put(skb, LENSCAP_DEVICE_A_MAC, ETH_ALEN, device->core.mac)) ||
	    nla_put_string(skb, LENSCAP_DEVICE_A_PROFILE,
			   profile->name))
		return -EMSGSIZE;
	for (i = 0; i < device->core.naddrs; i++) {
		lc_device_addr(&device->core, i, &addr);
		if (lenscap_put_prefix(skb, LENSCAP_DEVICE_A_ADDRESS, &addr))
			return -EMSGSIZE;
	}
	return fill_stats(skb, lenscap_device_stats(device));
}

/**
 * lenscap_nl_device_dump() - DEVICE_GET of all
 * @skb: message to fill
 * @cb: args[0]: position of a device
 *
 * Context: process. Return: bytes or a negative error.
 */
int lenscap_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct lenscap_net *ln = lenscap_net(sock_net(cb->skb->sk));
	const struct lenscap_generation *live;
	struct lenscap_device *device;
	int err = 0;

	mutex_lock(&ln->lock);
	live = lenscap_live(ln);
	cb->seq = live ? live->number : 0;
	if (!live)
		goto out;
	for (;;) {
		u64 position = cb->args[0];
		void *header;

		device = (struct lenscap_device *)
			 lc_trie_next(&lenscap_device_names,
				      &live->policy.devices, &position);
		if (!device)
			break;
		err = -EMSGSIZE;
		header = dump_begin(skb, cb, LENSCAP_CMD_DEVICE_GET);
		if (!header)
			break;
		err = fill_device(skb, ln, &live->policy, device);
		if (err) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
		cb->args[0] = position;
	}
out:
	mutex_unlock(&ln->lock);
	return skb->len ?: err;
}

static int get_one(struct lenscap_net *ln, struct sk_buff *skb,
		   const char *name, struct netlink_ext_ack *extack)
{
	const struct lenscap_generation *live = lenscap_live(ln);
	struct lenscap_device *device;

	device = live ? lenscap_policy_device(&live->policy, name) : NULL;
	if (!device) {
		NL_SET_ERR_MSG(extack, "the live policy has no device of this name");
		return -ENOENT;
	}
	return fill_device(skb, ln, &live->policy, device);
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
