// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests about captures.
 */
#include <linux/etherdevice.h>
#include <net/sock.h>

#include "capture.h"
#include "netlink.h"

/* A frame that is captured allocates: without a rate, a flood would do so. */
#define RATE_DEFAULT	1000
#define RATE_MAX	1000000
#define SNAPLEN_MAX	65535

/* Not const: 6.1 wants to be able to write here. */
static struct netlink_range_validation snaplen_range = {
	.min = 1,
	.max = SNAPLEN_MAX,
};

static struct netlink_range_validation rate_range = {
	.min = 1,
	.max = RATE_MAX,
};

const struct nla_policy lenscap_capture_policy[LENSCAP_CAPTURE_A_LINK + 1] = {
	[LENSCAP_CAPTURE_A_GUARD] = { .type = NLA_NUL_STRING,
				      .len = LENSCAP_NAME_LEN },
	[LENSCAP_CAPTURE_A_DEVICE] = { .type = NLA_NUL_STRING,
				       .len = LENSCAP_NAME_LEN },
	[LENSCAP_CAPTURE_A_MAC] = NLA_POLICY_EXACT_LEN(ETH_ALEN),
	[LENSCAP_CAPTURE_A_REASON] = NLA_POLICY_RANGE(NLA_U8, 1,
						      LENSCAP_REASON_MAX),
	[LENSCAP_CAPTURE_A_GROUP] = { .type = NLA_U16 },
	[LENSCAP_CAPTURE_A_SNAPLEN] = NLA_POLICY_FULL_RANGE(NLA_U32,
							    &snaplen_range),
	[LENSCAP_CAPTURE_A_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32,
							 &rate_range),
	[LENSCAP_CAPTURE_A_LINK] = { .type = NLA_FLAG },
};

const struct nla_policy lenscap_capture_id_policy[LENSCAP_CAPTURE_A_ID + 1] = {
	[LENSCAP_CAPTURE_A_ID] = { .type = NLA_U32 },
};

static int get_names(struct genl_info *info, struct lenscap_capture *wanted)
{
	static const u8 types[] = {
		LENSCAP_CAPTURE_A_GUARD, LENSCAP_CAPTURE_A_DEVICE,
	};
	char *const to[] = { wanted->guard, wanted->device };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		const struct nlattr *attr = info->attrs[types[i]];
		const char *name;
		int err;

		if (!attr)
			continue;
		err = lenscap_get_name(attr, &name, info->extack);
		if (err)
			return err;
		strscpy(to[i], name, LENSCAP_NAME_LEN + 1);
	}
	return 0;
}

static int reply_id(struct genl_info *info, struct sk_buff *skb, u32 id)
{
	void *header = genlmsg_put_reply(skb, info, &lenscap_family, 0,
					 LENSCAP_CMD_CAPTURE_SET);

	if (!header || nla_put_u32(skb, LENSCAP_CAPTURE_A_ID, id)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

/**
 * lenscap_nl_capture_set() - CAPTURE_SET
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_capture_set(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct lenscap_capture wanted = { .rate = RATE_DEFAULT };
	struct nlattr **attrs = info->attrs;
	struct sk_buff *skb;
	u32 id;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_CAPTURE_A_GROUP)) {
		GENL_SET_ERR_MSG(info, "a capture needs an NFLOG group");
		return -EINVAL;
	}
	err = get_names(info, &wanted);
	if (err)
		return err;
	wanted.owner = info->snd_portid;
	wanted.group = nla_get_u16(attrs[LENSCAP_CAPTURE_A_GROUP]);
	wanted.link = nla_get_flag(attrs[LENSCAP_CAPTURE_A_LINK]);
	if (attrs[LENSCAP_CAPTURE_A_MAC]) {
		wanted.has_mac = true;
		nla_memcpy(wanted.mac, attrs[LENSCAP_CAPTURE_A_MAC], ETH_ALEN);
	}
	if (attrs[LENSCAP_CAPTURE_A_REASON])
		wanted.reason = nla_get_u8(attrs[LENSCAP_CAPTURE_A_REASON]);
	if (attrs[LENSCAP_CAPTURE_A_SNAPLEN])
		wanted.snaplen = nla_get_u32(attrs[LENSCAP_CAPTURE_A_SNAPLEN]);
	if (attrs[LENSCAP_CAPTURE_A_RATE])
		wanted.rate = nla_get_u32(attrs[LENSCAP_CAPTURE_A_RATE]);

	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	err = lenscap_capture_begin(ln, &wanted, &id, info->extack);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	err = reply_id(info, skb, id);
	/* Who does not hear of its capture cannot end it. */
	if (err)
		lenscap_capture_end(ln, id, info->extack);
	return err;
}

/**
 * lenscap_nl_capture_del() - CAPTURE_DEL
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0 or a negative error with an extack.
 */
int lenscap_nl_capture_del(struct sk_buff *request, struct genl_info *info)
{
	if (GENL_REQ_ATTR_CHECK(info, LENSCAP_CAPTURE_A_ID)) {
		GENL_SET_ERR_MSG(info, "the capture's id is needed");
		return -EINVAL;
	}
	return lenscap_capture_end(lenscap_net(genl_info_net(info)),
				   nla_get_u32(info->attrs[LENSCAP_CAPTURE_A_ID]),
				   info->extack);
}

static int put_capture(struct sk_buff *skb,
		       const struct lenscap_capture *capture)
{
	return nla_put_u32(skb, LENSCAP_CAPTURE_A_ID, capture->id) ||
	       nla_put_u32(skb, LENSCAP_CAPTURE_A_OWNER, capture->owner) ||
	       (*capture->guard &&
		nla_put_string(skb, LENSCAP_CAPTURE_A_GUARD,
			       capture->guard)) ||
	       (*capture->device &&
		nla_put_string(skb, LENSCAP_CAPTURE_A_DEVICE,
			       capture->device)) ||
	       (capture->has_mac &&
		nla_put(skb, LENSCAP_CAPTURE_A_MAC, ETH_ALEN,
			capture->mac)) ||
	       (capture->reason &&
		nla_put_u8(skb, LENSCAP_CAPTURE_A_REASON,
			   capture->reason)) ||
	       nla_put_u16(skb, LENSCAP_CAPTURE_A_GROUP, capture->group) ||
	       (capture->snaplen &&
		nla_put_u32(skb, LENSCAP_CAPTURE_A_SNAPLEN,
			    capture->snaplen)) ||
	       nla_put_u32(skb, LENSCAP_CAPTURE_A_RATE, capture->rate) ||
	       (capture->link &&
		nla_put_flag(skb, LENSCAP_CAPTURE_A_LINK)) ||
	       nla_put_u64_64bit(skb, LENSCAP_CAPTURE_A_SENT,
				 atomic64_read(&capture->sent),
				 LENSCAP_CAPTURE_A_PAD) ||
	       nla_put_u64_64bit(skb, LENSCAP_CAPTURE_A_SUPPRESSED,
				 atomic64_read(&capture->suppressed),
				 LENSCAP_CAPTURE_A_PAD) ? -EMSGSIZE : 0;
}

struct dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
};

static int dump_one(const struct lenscap_capture *capture, void *arg)
{
	struct dump *dump = arg;
	void *header = genlmsg_put(dump->skb,
				   NETLINK_CB(dump->cb->skb).portid,
				   dump->cb->nlh->nlmsg_seq, &lenscap_family,
				   NLM_F_MULTI, LENSCAP_CMD_CAPTURE_GET);

	if (!header)
		return -EMSGSIZE;
	if (put_capture(dump->skb, capture)) {
		genlmsg_cancel(dump->skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(dump->skb, header);
	dump->cb->args[0] = capture->id;
	return 0;
}

/**
 * lenscap_nl_capture_dump() - CAPTURE_GET
 * @skb: message to fill
 * @cb: args[0]: number of the capture that was sent last
 *
 * Context: process. Return: bytes or a negative error.
 */
int lenscap_nl_capture_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump dump = { .skb = skb, .cb = cb };
	int err = lenscap_capture_each(lenscap_net(sock_net(cb->skb->sk)),
				       cb->args[0], dump_one, &dump);

	return skb->len ?: err;
}
