// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that change policy: transactions, profiles, devices.
 */
#include <linux/etherdevice.h>
#include <linux/mm.h>

#include "guard.h"
#include "netlink.h"
#include "table.h"
#include "txn.h"

const struct nla_policy lenscap_begin_policy[LENSCAP_TXN_A_BASE + 1] = {
	[LENSCAP_TXN_A_BASE] = NLA_POLICY_MAX(NLA_U8, LENSCAP_BASE_LIVE),
};

const struct nla_policy lenscap_commit_policy[LENSCAP_TXN_A_MAX + 1] = {
	[LENSCAP_TXN_A_GENERATION] = { .type = NLA_U32 },
	[LENSCAP_TXN_A_REVISION] = { .type = NLA_U64 },
	[LENSCAP_TXN_A_DIGEST] = NLA_POLICY_EXACT_LEN(LENSCAP_DIGEST_LEN),
	[LENSCAP_TXN_A_ROLLBACK] = { .type = NLA_FLAG },
};

static const struct nla_policy rule_policy[LENSCAP_RULE_A_MAX + 1] = {
	[LENSCAP_RULE_A_ADDRESS] = NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[LENSCAP_RULE_A_LENGTH] = NLA_POLICY_MAX(NLA_U8, 128),
	[LENSCAP_RULE_A_PROTO] = { .type = NLA_U8 },
	[LENSCAP_RULE_A_INITIATOR] = NLA_POLICY_MAX(NLA_U8,
						    LENSCAP_INITIATOR_PEER),
	[LENSCAP_RULE_A_PEER_PORT_LOW] = { .type = NLA_U16 },
	[LENSCAP_RULE_A_PEER_PORT_HIGH] = { .type = NLA_U16 },
	[LENSCAP_RULE_A_DEVICE_PORT_LOW] = { .type = NLA_U16 },
	[LENSCAP_RULE_A_DEVICE_PORT_HIGH] = { .type = NLA_U16 },
};

const struct nla_policy lenscap_profile_policy[LENSCAP_PROFILE_A_MAX + 1] = {
	[LENSCAP_PROFILE_A_NAME] = { .type = NLA_NUL_STRING,
				     .len = LENSCAP_NAME_LEN },
	[LENSCAP_PROFILE_A_MODE] = NLA_POLICY_MAX(NLA_U8,
						  LENSCAP_MODE_QUARANTINE),
	[LENSCAP_PROFILE_A_CLASS] = { .type = NLA_U32 },
	[LENSCAP_PROFILE_A_RULE] = NLA_POLICY_NESTED(rule_policy),
};

const struct nla_policy lenscap_device_policy[LENSCAP_DEVICE_A_MAX + 1] = {
	[LENSCAP_DEVICE_A_NAME] = { .type = NLA_NUL_STRING,
				    .len = LENSCAP_NAME_LEN },
	[LENSCAP_DEVICE_A_GUARD] = { .type = NLA_NUL_STRING,
				     .len = LENSCAP_NAME_LEN },
	[LENSCAP_DEVICE_A_MAC] = NLA_POLICY_EXACT_LEN(ETH_ALEN),
	[LENSCAP_DEVICE_A_ADDRESS] = NLA_POLICY_NESTED(lenscap_prefix_policy),
	[LENSCAP_DEVICE_A_PROFILE] = { .type = NLA_NUL_STRING,
				       .len = LENSCAP_NAME_LEN },
};

/* An answer that says which generation is live. */
static struct sk_buff *answer_new(struct genl_info *info, u8 cmd,
				  void **header)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*header = genlmsg_put_reply(skb, info, &lenscap_family, 0, cmd);
	return skb;
}

static int answer_send(struct sk_buff *skb, struct genl_info *info,
		       void *header, u32 generation)
{
	if (!header ||
	    nla_put_u32(skb, LENSCAP_TXN_A_GENERATION, generation)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

/**
 * lenscap_nl_txn_begin() - TXN_BEGIN
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_txn_begin(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct lenscap_generation *live;
	struct sk_buff *skb;
	u32 number = 0;
	void *header;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_TXN_A_BASE)) {
		GENL_SET_ERR_MSG(info, "say what to begin from: empty or live");
		return -EINVAL;
	}
	skb = answer_new(info, LENSCAP_CMD_TXN_BEGIN, &header);
	if (!skb)
		return -ENOMEM;

	mutex_lock(&ln->lock);
	err = lenscap_txn_begin(ln, info->snd_portid,
				nla_get_u8(info->attrs[LENSCAP_TXN_A_BASE]),
				info->extack);
	live = lenscap_live(ln);
	if (live)
		number = live->number;
	mutex_unlock(&ln->lock);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	err = answer_send(skb, info, header, number);
	/* Who is told that it failed must not have a transaction open. */
	if (err) {
		mutex_lock(&ln->lock);
		lenscap_txn_abort(ln, info->snd_portid, NULL);
		mutex_unlock(&ln->lock);
	}
	return err;
}

/**
 * lenscap_nl_txn_commit() - TXN_COMMIT
 * @request: unused
 * @info: the request
 *
 * The answer is allocated before the commit, and an answer that cannot be sent
 * is no error: a commit that happened must not be reported as one that failed.
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_txn_commit(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct lenscap_commit commit = {};
	struct nlattr **attrs = info->attrs;
	struct sk_buff *skb;
	u32 number = 0;
	void *header;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_TXN_A_GENERATION) ||
	    GENL_REQ_ATTR_CHECK(info, LENSCAP_TXN_A_REVISION)) {
		GENL_SET_ERR_MSG(info, "the expected generation and the revision are needed");
		return -EINVAL;
	}
	commit.expect = nla_get_u32(attrs[LENSCAP_TXN_A_GENERATION]);
	commit.revision = nla_get_u64(attrs[LENSCAP_TXN_A_REVISION]);
	commit.rollback = nla_get_flag(attrs[LENSCAP_TXN_A_ROLLBACK]);
	if (attrs[LENSCAP_TXN_A_DIGEST])
		commit.digest = nla_data(attrs[LENSCAP_TXN_A_DIGEST]);
	skb = answer_new(info, LENSCAP_CMD_TXN_COMMIT, &header);
	if (!skb)
		return -ENOMEM;

	mutex_lock(&ln->lock);
	err = lenscap_txn_commit(ln, info->snd_portid, &commit, info->extack);
	if (!err)
		number = lenscap_live(ln)->number;
	mutex_unlock(&ln->lock);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	/* Whether or not there is room for the answer: it is committed. */
	answer_send(skb, info, header, number);
	return 0;
}

/**
 * lenscap_nl_txn_abort() - TXN_ABORT
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_txn_abort(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	int err;

	mutex_lock(&ln->lock);
	err = lenscap_txn_abort(ln, info->snd_portid, info->extack);
	mutex_unlock(&ln->lock);
	return err;
}

static u16 get_port(const struct nlattr *attr, u16 absent)
{
	return attr ? nla_get_u16(attr) : absent;
}

static int read_rule(const struct nlattr *nest, struct lc_rule *rule,
		     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[LENSCAP_RULE_A_MAX + 1];
	const struct nlattr *addr;
	int err;

	err = nla_parse_nested(tb, LENSCAP_RULE_A_MAX, nest, rule_policy,
			       extack);
	if (err)
		return err;
	addr = tb[LENSCAP_RULE_A_ADDRESS];
	if (!addr || !tb[LENSCAP_RULE_A_LENGTH] ||
	    !tb[LENSCAP_RULE_A_INITIATOR] ||
	    (nla_len(addr) != 4 && nla_len(addr) != 16)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a rule needs an address of 4 or 16 bytes, a prefix length and an initiator");
		return -EINVAL;
	}
	memcpy(rule->peer.addr, nla_data(addr), nla_len(addr));
	rule->peer.family = nla_len(addr) == 4 ? LC_FAMILY_IPV4 :
						 LC_FAMILY_IPV6;
	rule->peer.len = nla_get_u8(tb[LENSCAP_RULE_A_LENGTH]);
	rule->proto = tb[LENSCAP_RULE_A_PROTO] ?
		      nla_get_u8(tb[LENSCAP_RULE_A_PROTO]) : LC_PROTO_ANY;
	rule->initiator = nla_get_u8(tb[LENSCAP_RULE_A_INITIATOR]);
	rule->peer_low = get_port(tb[LENSCAP_RULE_A_PEER_PORT_LOW], 0);
	rule->peer_high = get_port(tb[LENSCAP_RULE_A_PEER_PORT_HIGH], 0xffff);
	rule->device_low = get_port(tb[LENSCAP_RULE_A_DEVICE_PORT_LOW], 0);
	rule->device_high = get_port(tb[LENSCAP_RULE_A_DEVICE_PORT_HIGH],
				     0xffff);
	if (!lc_prefix_valid(&rule->peer)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "prefix longer than its address, or bits set behind its length");
		return -EINVAL;
	}
	return 0;
}

static u32 count_attrs(const struct genl_info *info, int type)
{
	const struct nlattr *attr;
	u32 count = 0;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		count += nla_type(attr) == type;
	return count;
}

static struct lenscap_profile *read_profile(struct genl_info *info,
					    const char *name)
{
	u32 count = count_attrs(info, LENSCAP_PROFILE_A_RULE);
	struct lenscap_profile *profile;
	const struct nlattr *attr;
	struct lc_rule *rules;
	int rem, err = 0;
	u32 n = 0;

	if (count > LENSCAP_MAX_PROFILE_RULES) {
		lenscap_extack_fmt(info->extack, "profile \"%s\" has %u rules, the limit is %u: split it, or use prefixes and ranges",
				   name, count, LENSCAP_MAX_PROFILE_RULES);
		return ERR_PTR(-ENOSPC);
	}
	rules = kvcalloc(count + 1, sizeof(*rules), GFP_KERNEL);
	if (!rules)
		return ERR_PTR(-ENOMEM);
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != LENSCAP_PROFILE_A_RULE)
			continue;
		err = read_rule(attr, &rules[n++], info->extack);
		if (err)
			break;
	}
	profile = err ? ERR_PTR(err) :
			lenscap_profile_create(name, rules, count);
	kvfree(rules);
	if (!err && profile == ERR_PTR(-EINVAL))
		lenscap_extack_fmt(info->extack, "profile \"%s\": a rule has a range upside down, or ports on a protocol that has none",
				   name);
	return profile;
}

static const struct lenscap_policy *live_policy(const struct lenscap_net *ln)
{
	const struct lenscap_generation *live = lenscap_live(ln);

	return live ? &live->policy : NULL;
}

/**
 * lenscap_nl_profile_set() - PROFILE_SET
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_profile_set(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct nlattr **attrs = info->attrs;
	struct lenscap_profile *profile;
	struct lenscap_txn *txn;
	const char *name;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_PROFILE_A_NAME) ||
	    GENL_REQ_ATTR_CHECK(info, LENSCAP_PROFILE_A_MODE) ||
	    GENL_REQ_ATTR_CHECK(info, LENSCAP_PROFILE_A_CLASS)) {
		GENL_SET_ERR_MSG(info, "a profile needs a name, a mode and a class");
		return -EINVAL;
	}
	err = lenscap_get_name(attrs[LENSCAP_PROFILE_A_NAME], &name,
			       info->extack);
	if (err)
		return err;
	profile = read_profile(info, name);
	if (IS_ERR(profile))
		return PTR_ERR(profile);
	profile->core.mode = nla_get_u8(attrs[LENSCAP_PROFILE_A_MODE]);
	profile->core.class = nla_get_u32(attrs[LENSCAP_PROFILE_A_CLASS]);

	mutex_lock(&ln->lock);
	txn = lenscap_txn_find(ln, info->snd_portid, info->extack);
	if (IS_ERR(txn)) {
		err = PTR_ERR(txn);
	} else if (profile->core.class & ~ln->tag.class_mask) {
		lenscap_extack_fmt(info->extack, "profile \"%s\": class %u does not fit the class mask 0x%08x",
				   name, profile->core.class,
				   ln->tag.class_mask);
		err = -EINVAL;
	} else {
		err = lenscap_policy_set_profile(&txn->policy,
						 live_policy(ln), profile);
		if (err == -ENOSPC)
			lenscap_extack_fmt(info->extack, "profile \"%s\" is beyond the limit of %u profiles or %u rules in all",
					   name, LENSCAP_MAX_PROFILES,
					   LENSCAP_MAX_RULES);
	}
	mutex_unlock(&ln->lock);
	if (err)
		lenscap_profile_put(profile);
	return err;
}

/* A request that names an object to delete from the transaction. */
static int delete(struct genl_info *info, int attr,
		  int (*del)(struct lenscap_policy *, const char *),
		  const char *what)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct lenscap_txn *txn;
	const char *name;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, attr)) {
		GENL_SET_ERR_MSG(info, "the name of what to delete is needed");
		return -EINVAL;
	}
	err = lenscap_get_name(info->attrs[attr], &name, info->extack);
	if (err)
		return err;
	mutex_lock(&ln->lock);
	txn = lenscap_txn_find(ln, info->snd_portid, info->extack);
	err = IS_ERR(txn) ? PTR_ERR(txn) : del(&txn->policy, name);
	mutex_unlock(&ln->lock);
	if (!IS_ERR(txn) && err == -ENOENT)
		lenscap_extack_fmt(info->extack, "there is no %s \"%s\"", what,
				   name);
	else if (err == -EBUSY)
		lenscap_extack_fmt(info->extack, "%s \"%s\" is in use: give its devices another first",
				   what, name);
	return err;
}

/**
 * lenscap_nl_profile_del() - PROFILE_DEL
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_profile_del(struct sk_buff *request, struct genl_info *info)
{
	return delete(info, LENSCAP_PROFILE_A_NAME,
		      lenscap_policy_del_profile, "profile");
}

/**
 * lenscap_nl_device_del() - DEVICE_DEL
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_device_del(struct sk_buff *request, struct genl_info *info)
{
	return delete(info, LENSCAP_DEVICE_A_NAME,
		      lenscap_policy_del_device, "device");
}

/* The part of a device that needs neither lock nor transaction. */
static int read_addresses(struct genl_info *info, struct lc_prefix *addrs)
{
	bool has_mac = info->attrs[LENSCAP_DEVICE_A_MAC];
	const struct nlattr *attr;
	u32 n = 0, i;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		struct lc_prefix *addr = &addrs[n];
		int err;

		if (nla_type(attr) != LENSCAP_DEVICE_A_ADDRESS)
			continue;
		err = lenscap_get_prefix(attr, addr, info->extack);
		if (err)
			return err;
		if (!has_mac &&
		    addr->len != (addr->family == LC_FAMILY_IPV4 ? 32 : 128)) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "a device without a MAC is recognised by its addresses, which cannot be prefixes");
			return -EINVAL;
		}
		for (i = 0; i < n; i++) {
			if (memcmp(&addrs[i], addr, sizeof(*addr)))
				continue;
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "the device has this address twice");
			return -EINVAL;
		}
		n++;
	}
	return 0;
}

static struct lenscap_device *read_device(struct genl_info *info,
					  const char *name)
{
	u32 count = count_attrs(info, LENSCAP_DEVICE_A_ADDRESS);
	const struct nlattr *mac = info->attrs[LENSCAP_DEVICE_A_MAC];
	struct lenscap_device *device;
	struct lc_prefix *addrs;
	int err;

	if (!count) {
		GENL_SET_ERR_MSG(info, "a device needs at least one address");
		return ERR_PTR(-EINVAL);
	}
	if (count > LENSCAP_MAX_ADDRESSES) {
		lenscap_extack_fmt(info->extack, "device \"%s\" has %u addresses, the limit is %u: use prefixes",
				   name, count, LENSCAP_MAX_ADDRESSES);
		return ERR_PTR(-ENOSPC);
	}
	if (mac && !is_valid_ether_addr(nla_data(mac))) {
		NL_SET_ERR_MSG_ATTR(info->extack, mac, "not the MAC of one interface: it is zero, multicast or broadcast");
		return ERR_PTR(-EINVAL);
	}
	addrs = kcalloc(count, sizeof(*addrs), GFP_KERNEL);
	if (!addrs)
		return ERR_PTR(-ENOMEM);
	err = read_addresses(info, addrs);
	if (err) {
		kfree(addrs);
		return ERR_PTR(err);
	}
	device = lenscap_device_create(name, addrs, count);
	kfree(addrs);
	if (!device)
		return ERR_PTR(-ENOMEM);
	if (mac) {
		device->core.has_mac = true;
		memcpy(device->core.mac, nla_data(mac), ETH_ALEN);
	}
	return device;
}

/* The number of its guard. Last of what may be refused, for a name stays known
 * from here on.
 */
static int find_guard(struct lenscap_net *ln, struct genl_info *info,
		      struct lenscap_device *device)
{
	const struct nlattr *attr = info->attrs[LENSCAP_DEVICE_A_GUARD];
	const char *name;
	int err;

	if (!attr)
		return 0;
	err = lenscap_guard_name_id(ln, nla_data(attr), &device->core.guard,
				    &name);
	if (err == -ENOSPC)
		lenscap_extack_fmt(info->extack, "device \"%s\": %u different guard names were used in this namespace, which is the limit",
				   lenscap_device_name(device),
				   LENSCAP_MAX_GUARD_NAMES);
	return err;
}

static int stage_device(struct lenscap_net *ln, struct genl_info *info,
			struct lenscap_device *device, const char *profile)
{
	struct lenscap_txn *txn = lenscap_txn_find(ln, info->snd_portid,
						   info->extack);
	struct lenscap_profile *found;
	int err;

	if (IS_ERR(txn))
		return PTR_ERR(txn);
	found = lenscap_policy_profile(&txn->policy, profile);
	if (!found) {
		lenscap_extack_fmt(info->extack, "device \"%s\": there is no profile \"%s\" in this transaction: set it first",
				   lenscap_device_name(device), profile);
		return -ENOENT;
	}
	device->core.profile = found->slot;
	err = find_guard(ln, info, device);
	if (err)
		return err;
	err = lenscap_policy_set_device(&txn->policy, live_policy(ln), device);
	if (err == -ENOSPC)
		lenscap_extack_fmt(info->extack, "device \"%s\" is beyond the limit of %u devices",
				   lenscap_device_name(device), LENSCAP_MAX_DEVICES);
	return err;
}

/**
 * lenscap_nl_device_set() - DEVICE_SET
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_device_set(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	const char *name, *profile, *guard;
	struct nlattr **attrs = info->attrs;
	struct lenscap_device *device;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_DEVICE_A_NAME) ||
	    GENL_REQ_ATTR_CHECK(info, LENSCAP_DEVICE_A_PROFILE)) {
		GENL_SET_ERR_MSG(info, "a device needs a name and a profile");
		return -EINVAL;
	}
	err = lenscap_get_name(attrs[LENSCAP_DEVICE_A_NAME], &name,
			       info->extack);
	if (!err)
		err = lenscap_get_name(attrs[LENSCAP_DEVICE_A_PROFILE],
				       &profile, info->extack);
	if (!err && attrs[LENSCAP_DEVICE_A_GUARD])
		err = lenscap_get_name(attrs[LENSCAP_DEVICE_A_GUARD], &guard,
				       info->extack);
	if (err)
		return err;
	device = read_device(info, name);
	if (IS_ERR(device))
		return PTR_ERR(device);
	mutex_lock(&ln->lock);
	err = stage_device(ln, info, device, profile);
	mutex_unlock(&ln->lock);
	if (err)
		lenscap_device_put(device);
	return err;
}
