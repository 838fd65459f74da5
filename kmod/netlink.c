// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family, and what its requests have in common.
 *
 * Every command is for the host's root: GENL_ADMIN_PERM asks for CAP_NET_ADMIN
 * in the initial user namespace before any of this code runs, for dumps too.
 * Attributes are checked strictly against a policy for each command, and every
 * refusal says in the extack what was wrong, so that a person can mend it.
 *
 * The family runs its requests in parallel; the locks in lenscap.h order them.
 */
#include <linux/ctype.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "capture.h"
#include "droplog.h"
#include "fragment.h"
#include "guard.h"
#include "netlink.h"
#include "table.h"
#include "txn.h"

/**
 * lenscap_get_name() - read a name
 * @attr: attribute of type NLA_NUL_STRING
 * @name: receives it; points into @attr
 * @extack: receives the refusal's text
 *
 * A name is one word: it will stand in tables, logs and metrics.
 *
 * Return: 0 or -EINVAL.
 */
int lenscap_get_name(const struct nlattr *attr, const char **name,
		     struct netlink_ext_ack *extack)
{
	const char *p = nla_data(attr);

	if (!*p || strlen(p) + 1 != nla_len(attr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a name must not be empty or contain NUL");
		return -EINVAL;
	}
	for (*name = p; *p; p++) {
		if (!isgraph(*p) || !isascii(*p)) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "a name must be printable ASCII without spaces");
			return -EINVAL;
		}
	}
	return 0;
}

const struct nla_policy lenscap_prefix_policy[LENSCAP_PREFIX_A_MAX + 1] = {
	[LENSCAP_PREFIX_A_ADDRESS] = NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[LENSCAP_PREFIX_A_LENGTH] = NLA_POLICY_MAX(NLA_U8, 128),
};

/**
 * lenscap_get_prefix() - read an address or prefix
 * @nest: the nest
 * @prefix: receives it
 * @extack: receives the refusal's text
 *
 * Return: 0 or -EINVAL.
 */
int lenscap_get_prefix(const struct nlattr *nest, struct lc_prefix *prefix,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[LENSCAP_PREFIX_A_MAX + 1];
	const struct nlattr *addr;
	int err;

	err = nla_parse_nested(tb, LENSCAP_PREFIX_A_MAX, nest,
			       lenscap_prefix_policy, extack);
	if (err)
		return err;
	addr = tb[LENSCAP_PREFIX_A_ADDRESS];
	if (!addr || (nla_len(addr) != 4 && nla_len(addr) != 16)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "an address of 4 or 16 bytes is needed");
		return -EINVAL;
	}
	memset(prefix, 0, sizeof(*prefix));
	memcpy(prefix->addr, nla_data(addr), nla_len(addr));
	prefix->family = nla_len(addr) == 4 ? LC_FAMILY_IPV4 : LC_FAMILY_IPV6;
	prefix->len = tb[LENSCAP_PREFIX_A_LENGTH] ?
		      nla_get_u8(tb[LENSCAP_PREFIX_A_LENGTH]) :
		      nla_len(addr) * 8;
	if (!lc_prefix_valid(prefix)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "prefix longer than its address, or bits set behind its length");
		return -EINVAL;
	}
	return 0;
}

/**
 * lenscap_put_prefix() - write an address or prefix
 * @skb: message
 * @type: attribute type of the nest
 * @prefix: the prefix
 *
 * Return: 0 or -EMSGSIZE.
 */
int lenscap_put_prefix(struct sk_buff *skb, int type,
		       const struct lc_prefix *prefix)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put(skb, LENSCAP_PREFIX_A_ADDRESS,
		    prefix->family == LC_FAMILY_IPV4 ? 4 : 16, prefix->addr) ||
	    nla_put_u8(skb, LENSCAP_PREFIX_A_LENGTH, prefix->len)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * lenscap_put_generation() - write what identifies a generation
 * @skb: message
 * @gen: the generation, or NULL: no policy
 *
 * Return: 0 or -EMSGSIZE.
 */
int lenscap_put_generation(struct sk_buff *skb,
			   const struct lenscap_generation *gen)
{
	if (!gen)
		return nla_put_u32(skb, LENSCAP_INFO_A_GENERATION, 0);
	if (nla_put_u32(skb, LENSCAP_INFO_A_GENERATION, gen->number) ||
	    nla_put_u64_64bit(skb, LENSCAP_INFO_A_REVISION, gen->revision,
			      LENSCAP_INFO_A_PAD) ||
	    nla_put(skb, LENSCAP_INFO_A_DIGEST, sizeof(gen->digest),
		    gen->digest) ||
	    nla_put_u64_64bit(skb, LENSCAP_INFO_A_COMMITTED, gen->committed,
			      LENSCAP_INFO_A_PAD) ||
	    nla_put_u32(skb, LENSCAP_INFO_A_DEVICES,
			gen->policy.devices.count) ||
	    nla_put_u32(skb, LENSCAP_INFO_A_PROFILES,
			gen->policy.profiles.count) ||
	    nla_put_u32(skb, LENSCAP_INFO_A_RULESETS,
			gen->policy.rulesets.count) ||
	    nla_put_u32(skb, LENSCAP_INFO_A_RULES, gen->policy.ruleset_rules) ||
	    nla_put_u64_64bit(skb, LENSCAP_INFO_A_MEMORY,
			      sizeof(*gen) + lenscap_policy_bytes(&gen->policy),
			      LENSCAP_INFO_A_PAD))
		return -EMSGSIZE;
	return 0;
}

static int put_guards(struct sk_buff *skb, struct lenscap_net *ln)
{
	u32 guards, armed;
	struct lenscap_tag tag;

	rtnl_lock();
	guards = ln->nguards;
	armed = lenscap_guards_armed(ln);
	tag = ln->tag;
	rtnl_unlock();

	return nla_put_u32(skb, LENSCAP_INFO_A_GUARDS, guards) ||
	       nla_put_u32(skb, LENSCAP_INFO_A_GUARDS_ARMED, armed) ||
	       nla_put_u32(skb, LENSCAP_INFO_A_TAG_VALUE, tag.value) ||
	       nla_put_u32(skb, LENSCAP_INFO_A_TAG_MASK, tag.mask) ||
	       nla_put_u32(skb, LENSCAP_INFO_A_CLASS_MASK, tag.class_mask) ?
	       -EMSGSIZE : 0;
}

static int put_limits(struct sk_buff *skb)
{
	static const struct {
		int type;
		u32 value;
	} limits[] = {
		{ LENSCAP_INFO_A_MAX_GUARDS, LENSCAP_MAX_GUARDS },
		{ LENSCAP_INFO_A_MAX_DEVICES, LENSCAP_MAX_DEVICES },
		{ LENSCAP_INFO_A_MAX_PROFILES, LENSCAP_MAX_PROFILES },
		{ LENSCAP_INFO_A_MAX_RULES, LENSCAP_MAX_RULES },
		{ LENSCAP_INFO_A_MAX_PROFILE_RULES, LENSCAP_MAX_PROFILE_RULES },
		{ LENSCAP_INFO_A_MAX_ADDRESSES, LENSCAP_MAX_ADDRESSES },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (nla_put_u32(skb, limits[i].type, limits[i].value))
			return -EMSGSIZE;
	return 0;
}

static int put_state(struct sk_buff *skb, struct lenscap_net *ln)
{
	int err;

	mutex_lock(&ln->lock);
	err = lenscap_put_generation(skb, lenscap_live(ln)) ||
	      nla_put_u8(skb, LENSCAP_INFO_A_TXN, !!ln->txn);
	mutex_unlock(&ln->lock);
	if (err)
		return -EMSGSIZE;

	return nla_put_u32(skb, LENSCAP_INFO_A_RECORDS,
			   lenscap_droplog_count(ln)) ||
	       nla_put_u32(skb, LENSCAP_INFO_A_RECORDS_MAX,
			   lenscap_droplog_size(ln)) ||
	       nla_put_u64_64bit(skb, LENSCAP_INFO_A_RECORDS_LOST,
				 lenscap_droplog_lost(ln),
				 LENSCAP_INFO_A_PAD) ||
	       nla_put_u64_64bit(skb, LENSCAP_INFO_A_EVENTS_SUPPRESSED,
				 atomic64_read(&ln->events_suppressed),
				 LENSCAP_INFO_A_PAD) ||
	       nla_put_u32(skb, LENSCAP_INFO_A_FRAGMENTS_MAX,
			   lenscap_fragments_size(ln)) ||
	       nla_put_u64_64bit(skb, LENSCAP_INFO_A_FRAGMENTS_LOST,
				 lenscap_fragments_lost(ln),
				 LENSCAP_INFO_A_PAD) ? -EMSGSIZE : 0;
}

static int info_get(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &lenscap_family, 0,
				   LENSCAP_CMD_INFO_GET);
	if (!header ||
	    nla_put_string(skb, LENSCAP_INFO_A_VERSION, LENSCAP_VERSION) ||
	    put_state(skb, ln) || put_guards(skb, ln) || put_limits(skb)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

static const struct nla_policy tag_policy[LENSCAP_TAG_A_MAX + 1] = {
	[LENSCAP_TAG_A_VALUE] = { .type = NLA_U32 },
	[LENSCAP_TAG_A_MASK] = { .type = NLA_U32 },
	[LENSCAP_TAG_A_CLASS_MASK] = { .type = NLA_U32 },
};

static int tag_check(const struct lenscap_tag *tag, struct genl_info *info)
{
	if (!tag->value || tag->value & ~tag->mask) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[LENSCAP_TAG_A_VALUE],
				    "the tag must not be zero and must lie within its mask");
		return -EINVAL;
	}
	if (tag->class_mask & (tag->class_mask + 1)) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[LENSCAP_TAG_A_CLASS_MASK],
				    "the class mask must be contiguous from bit 0");
		return -EINVAL;
	}
	if (tag->class_mask & tag->mask) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[LENSCAP_TAG_A_CLASS_MASK],
				    "the class mask must not overlap the tag mask");
		return -EINVAL;
	}
	return 0;
}

/* Guards must not exist, or frames in flight would carry two kinds of tag; and
 * classes that are loaded must fit, or they would set bits outside the masks.
 */
static int tag_change(struct lenscap_net *ln, const struct lenscap_tag *tag,
		      struct netlink_ext_ack *extack)
{
	const struct lenscap_generation *live = lenscap_live(ln);
	u32 classes = live ? lenscap_policy_classes(&live->policy) : 0;
	int err = -EBUSY;

	rtnl_lock();
	if (!memcmp(&ln->tag, tag, sizeof(*tag))) {
		err = 0;
	} else if (ln->nguards) {
		NL_SET_ERR_MSG(extack, "the tag cannot change while there are guards: delete them first");
	} else if (ln->txn) {
		NL_SET_ERR_MSG(extack, "the tag cannot change while a transaction is open: commit or abort it first");
	} else if (classes & ~tag->class_mask) {
		NL_SET_ERR_MSG(extack, "the live policy has a class that does not fit the new class mask");
	} else {
		ln->tag = *tag;
		err = 0;
	}
	rtnl_unlock();
	return err;
}

static int tag_set(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct lenscap_tag tag;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_TAG_A_VALUE) ||
	    GENL_REQ_ATTR_CHECK(info, LENSCAP_TAG_A_MASK) ||
	    GENL_REQ_ATTR_CHECK(info, LENSCAP_TAG_A_CLASS_MASK)) {
		GENL_SET_ERR_MSG(info, "value, mask and class mask are needed");
		return -EINVAL;
	}
	tag.value = nla_get_u32(info->attrs[LENSCAP_TAG_A_VALUE]);
	tag.mask = nla_get_u32(info->attrs[LENSCAP_TAG_A_MASK]);
	tag.class_mask = nla_get_u32(info->attrs[LENSCAP_TAG_A_CLASS_MASK]);
	err = tag_check(&tag, info);
	if (err)
		return err;

	mutex_lock(&ln->lock);
	err = tag_change(ln, &tag, info->extack);
	mutex_unlock(&ln->lock);
	return err;
}

#define ADMIN .flags = GENL_ADMIN_PERM

static const struct genl_ops lenscap_ops[] = {
	{
		.cmd = LENSCAP_CMD_INFO_GET,
		ADMIN,
		.doit = info_get,
	}, {
		.cmd = LENSCAP_CMD_TAG_SET,
		ADMIN,
		.policy = tag_policy,
		.maxattr = LENSCAP_TAG_A_MAX,
		.doit = tag_set,
	}, {
		.cmd = LENSCAP_CMD_GUARD_SET,
		ADMIN,
		.policy = lenscap_guard_policy,
		.maxattr = LENSCAP_GUARD_A_MAX,
		.doit = lenscap_nl_guard_set,
	}, {
		.cmd = LENSCAP_CMD_GUARD_DEL,
		ADMIN,
		.policy = lenscap_guard_policy,
		.maxattr = LENSCAP_GUARD_A_NAME,
		.doit = lenscap_nl_guard_del,
	}, {
		.cmd = LENSCAP_CMD_GUARD_GET,
		ADMIN,
		.dumpit = lenscap_nl_guard_dump,
	}, {
		.cmd = LENSCAP_CMD_TXN_BEGIN,
		ADMIN,
		.policy = lenscap_begin_policy,
		.maxattr = LENSCAP_TXN_A_BASE,
		.doit = lenscap_nl_txn_begin,
	}, {
		.cmd = LENSCAP_CMD_TXN_COMMIT,
		ADMIN,
		.policy = lenscap_commit_policy,
		.maxattr = LENSCAP_TXN_A_MAX,
		.doit = lenscap_nl_txn_commit,
	}, {
		.cmd = LENSCAP_CMD_TXN_ABORT,
		ADMIN,
		.doit = lenscap_nl_txn_abort,
	}, {
		.cmd = LENSCAP_CMD_PROFILE_SET,
		ADMIN,
		.policy = lenscap_profile_policy,
		.maxattr = LENSCAP_PROFILE_A_MAX,
		.doit = lenscap_nl_profile_set,
	}, {
		.cmd = LENSCAP_CMD_PROFILE_DEL,
		ADMIN,
		.policy = lenscap_profile_policy,
		.maxattr = LENSCAP_PROFILE_A_NAME,
		.doit = lenscap_nl_profile_del,
	}, {
		.cmd = LENSCAP_CMD_PROFILE_GET,
		ADMIN,
		.policy = lenscap_profile_get_policy,
		.maxattr = LENSCAP_PROFILE_A_HITS,
		.dumpit = lenscap_nl_profile_dump,
	}, {
		.cmd = LENSCAP_CMD_DEVICE_SET,
		ADMIN,
		.policy = lenscap_device_policy,
		.maxattr = LENSCAP_DEVICE_A_MAX,
		.doit = lenscap_nl_device_set,
	}, {
		.cmd = LENSCAP_CMD_DEVICE_DEL,
		ADMIN,
		.policy = lenscap_device_policy,
		.maxattr = LENSCAP_DEVICE_A_NAME,
		.doit = lenscap_nl_device_del,
	}, {
		.cmd = LENSCAP_CMD_DEVICE_GET,
		ADMIN,
		.policy = lenscap_device_policy,
		.maxattr = LENSCAP_DEVICE_A_NAME,
		.doit = lenscap_nl_device_get,
		.dumpit = lenscap_nl_device_dump,
	}, {
		.cmd = LENSCAP_CMD_RECORD_GET,
		ADMIN,
		.policy = lenscap_record_policy,
		.maxattr = LENSCAP_RECORD_A_MAX,
		.dumpit = lenscap_nl_record_dump,
	}, {
		.cmd = LENSCAP_CMD_RECORD_ROTATE,
		ADMIN,
		.doit = lenscap_nl_record_rotate,
	}, {
		.cmd = LENSCAP_CMD_CAPTURE_SET,
		ADMIN,
		.policy = lenscap_capture_policy,
		.maxattr = LENSCAP_CAPTURE_A_LINK,
		.doit = lenscap_nl_capture_set,
	}, {
		.cmd = LENSCAP_CMD_CAPTURE_DEL,
		ADMIN,
		.policy = lenscap_capture_id_policy,
		.maxattr = LENSCAP_CAPTURE_A_ID,
		.doit = lenscap_nl_capture_del,
	}, {
		.cmd = LENSCAP_CMD_CAPTURE_GET,
		ADMIN,
		.dumpit = lenscap_nl_capture_dump,
	},
};

static const struct genl_multicast_group lenscap_groups[] = {
	{ .name = LENSCAP_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family lenscap_family __ro_after_init = {
	.name = LENSCAP_GENL_NAME,
	.version = LENSCAP_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = lenscap_ops,
	.n_ops = ARRAY_SIZE(lenscap_ops),
	.mcgrps = lenscap_groups,
	.n_mcgrps = ARRAY_SIZE(lenscap_groups),
};

/* Context: process. */
static int socket_notify(struct notifier_block *block, unsigned long event,
			 void *data)
{
	struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC) {
		lenscap_txn_close(lenscap_net(notify->net), notify->portid);
		lenscap_capture_close(lenscap_net(notify->net),
				      notify->portid);
	}
	return NOTIFY_DONE;
}

static struct notifier_block socket_notifier = {
	.notifier_call = socket_notify,
};

/**
 * lenscap_netlink_init() - register the family
 *
 * Context: process, module load. Return: 0 or a negative error.
 */
int __init lenscap_netlink_init(void)
{
	int err = netlink_register_notifier(&socket_notifier);

	if (err)
		return err;
	err = genl_register_family(&lenscap_family);
	if (err)
		netlink_unregister_notifier(&socket_notifier);
	return err;
}

/**
 * lenscap_netlink_exit() - unregister the family
 *
 * 1. Unregistering waits for requests that are being served; dumps hold a
 *    reference to the module, so there is none.
 * 2. The notifier goes after it, so that a transaction which was still open
 *    cannot outlive its socket unseen; lenscap_txn_exit() ends it otherwise.
 *
 * Context: process, module unload.
 */
void lenscap_netlink_exit(void)
{
	genl_unregister_family(&lenscap_family);
	netlink_unregister_notifier(&socket_notifier);
}
