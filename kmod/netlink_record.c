// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading drop records.
 */
#include <net/sock.h>

#include "droplog.h"
#include "netlink.h"

const struct nla_policy lenscap_record_policy[LENSCAP_RECORD_A_MAX + 1] = {
	[LENSCAP_RECORD_A_TABLE] = NLA_POLICY_MAX(NLA_U8,
						  LENSCAP_TABLE_RETIRED),
};

/**
 * lenscap_put_losses() - write what was lost and suppressed so far
 * @skb: message
 * @ln: the namespace
 *
 * Return: 0 or -EMSGSIZE.
 */
int lenscap_put_losses(struct sk_buff *skb, const struct lenscap_net *ln)
{
	if (nla_put_u64_64bit(skb, LENSCAP_RECORD_A_LOST,
			      lenscap_droplog_lost(ln),
			      LENSCAP_RECORD_A_PAD) ||
	    nla_put_u64_64bit(skb, LENSCAP_RECORD_A_SUPPRESSED,
			      atomic64_read(&ln->events_suppressed),
			      LENSCAP_RECORD_A_PAD))
		return -EMSGSIZE;
	return 0;
}

static int put_frame(struct sk_buff *skb, const struct lenscap_record *record)
{
	const struct lenscap_record_key *key = &record->key;
	u8 family = lenscap_record_family(key), has = lenscap_record_has(key);
	int len = family == LC_FAMILY_IPV4 ? 4 : 16;
	u8 mac[ETH_ALEN];

	lc_put_mac(key->mac, mac);
	if (((has & LENSCAP_RECORD_MAC) &&
	     nla_put(skb, LENSCAP_RECORD_A_MAC, ETH_ALEN, mac)) ||
	    nla_put_u16(skb, LENSCAP_RECORD_A_ETHERTYPE,
			lenscap_record_ethertype(key)) ||
	    (family &&
	     (nla_put(skb, LENSCAP_RECORD_A_SOURCE, len, record->src) ||
	      nla_put(skb, LENSCAP_RECORD_A_DESTINATION, len, key->dst))) ||
	    ((has & LENSCAP_RECORD_PROTO) &&
	     nla_put_u8(skb, LENSCAP_RECORD_A_PROTO,
			lenscap_record_proto(key))) ||
	    ((has & LENSCAP_RECORD_PORT) &&
	     nla_put_u16(skb, LENSCAP_RECORD_A_PORT, lenscap_record_port(key))))
		return -EMSGSIZE;
	return 0;
}

/**
 * lenscap_put_record() - write a drop record
 * @skb: message
 * @record: the record; its counts may grow meanwhile
 *
 * Context: process, lenscap_droplog_lock() held. Return: 0 or -EMSGSIZE.
 */
int lenscap_put_record(struct sk_buff *skb,
		       const struct lenscap_record *record)
{
	const struct {
		int type;
		u64 value;
	} values[] = {
		{ LENSCAP_RECORD_A_PACKETS, atomic64_read(&record->packets) },
		{ LENSCAP_RECORD_A_BYTES, atomic64_read(&record->bytes) },
		{ LENSCAP_RECORD_A_FIRST, record->first },
		{ LENSCAP_RECORD_A_LAST, READ_ONCE(record->last) },
		{ LENSCAP_RECORD_A_REVISION, record->revision },
	};
	u32 i;

	if (nla_put_string(skb, LENSCAP_RECORD_A_GUARD, record->guard) ||
	    (record->device[0] &&
	     nla_put_string(skb, LENSCAP_RECORD_A_DEVICE, record->device)) ||
	    put_frame(skb, record) ||
	    nla_put_u8(skb, LENSCAP_RECORD_A_REASON, lenscap_record_reason(&record->key)) ||
	    ((lenscap_record_has(&record->key) & LENSCAP_RECORD_AUDIT) &&
	     nla_put_flag(skb, LENSCAP_RECORD_A_AUDIT)))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (nla_put_u64_64bit(skb, values[i].type, values[i].value,
				      LENSCAP_RECORD_A_PAD))
			return -EMSGSIZE;
	return 0;
}

static int dump_table(struct sk_buff *skb, struct netlink_callback *cb,
		      struct lenscap_net *ln, enum lenscap_record_table which)
{
	unsigned long position = cb->args[0];
	struct lenscap_record *record;

	while ((record = lenscap_droplog_next(ln, which, &position))) {
		void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					   cb->nlh->nlmsg_seq,
					   &lenscap_family, NLM_F_MULTI,
					   LENSCAP_CMD_RECORD_GET);

		if (!header)
			return -EMSGSIZE;
		genl_dump_check_consistent(cb, header);
		if (lenscap_put_record(skb, record)) {
			genlmsg_cancel(skb, header);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, header);
		cb->args[0] = position;
	}
	cb->args[0] = position;
	return 0;
}

/**
 * lenscap_nl_record_dump() - RECORD_GET
 * @skb: message to fill
 * @cb: args[0]: position in the table, args[1]: rotation that it began in, plus
 *	one
 *
 * Context: process. Return: bytes or a negative error.
 */
int lenscap_nl_record_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **attrs = lenscap_dump_attrs(cb);
	struct lenscap_net *ln = lenscap_net(sock_net(cb->skb->sk));
	enum lenscap_record_table which;
	int err;

	if (!attrs || !attrs[LENSCAP_RECORD_A_TABLE]) {
		NL_SET_ERR_MSG(cb->extack, "say which table: active or retired");
		return -EINVAL;
	}
	which = nla_get_u8(attrs[LENSCAP_RECORD_A_TABLE]);
	if (!lenscap_droplog_size(ln))
		return 0;

	lenscap_droplog_lock(ln);
	if (!cb->args[0])
		cb->args[1] = lenscap_droplog_rotation(ln) + 1L;
	/* Not 0, which would switch the check off. */
	cb->seq = lenscap_droplog_rotation(ln) | 1U << 31;
	err = lenscap_droplog_readable(ln, which);
	if (err) {
		NL_SET_ERR_MSG(cb->extack, "the retired table is not final yet: try again in a moment");
	} else {
		err = dump_table(skb, cb, ln, which);
		/* Who began in another table has not read this one. */
		if (!err && which == LENSCAP_TABLE_RETIRED &&
		    cb->args[1] == lenscap_droplog_rotation(ln) + 1L)
			lenscap_droplog_read(ln);
	}
	lenscap_droplog_unlock(ln);
	return skb->len ?: err;
}

/**
 * lenscap_nl_record_rotate() - RECORD_ROTATE
 * @request: unused
 * @info: the request
 *
 * Context: process. Return: 0, or -EAGAIN with an extack for the moment in
 * which the table that was retired last may still be written to.
 */
int lenscap_nl_record_rotate(struct sk_buff *request, struct genl_info *info)
{
	struct lenscap_net *ln = lenscap_net(genl_info_net(info));
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	u32 records = 0;
	void *header;
	int err = 0;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &lenscap_family, 0,
				   LENSCAP_CMD_RECORD_ROTATE);
	if (lenscap_droplog_size(ln)) {
		lenscap_droplog_lock(ln);
		err = lenscap_droplog_rotate(ln, &records);
		lenscap_droplog_unlock(ln);
	}
	if (err == -EAGAIN)
		GENL_SET_ERR_MSG(info, "the table that was retired last is not final yet: try again in a moment");
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	/* From here on it is done: an answer that cannot be sent is no error,
	 * or the sender would rotate again and lose a table.
	 */
	if (!header || lenscap_put_losses(skb, ln) ||
	    nla_put_u32(skb, LENSCAP_RECORD_A_RECORDS, records)) {
		nlmsg_free(skb);
		return 0;
	}
	genlmsg_end(skb, header);
	genlmsg_reply(skb, info);
	return 0;
}
