/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_NETLINK_H
#define _LENSCAP_NETLINK_H

#include <net/genetlink.h>

#include "lenscap.h"

struct lenscap_guard;
struct lenscap_record;

extern struct genl_family lenscap_family;
extern const struct nla_policy
	lenscap_prefix_policy[LENSCAP_PREFIX_A_MAX + 1];

int lenscap_netlink_init(void);
void lenscap_netlink_exit(void);

/* netlink.c: helpers of all requests */
int lenscap_get_name(const struct nlattr *attr, const char **name,
		     struct netlink_ext_ack *extack);
int lenscap_get_prefix(const struct nlattr *nest, struct lc_prefix *prefix,
		       struct netlink_ext_ack *extack);
int lenscap_put_prefix(struct sk_buff *skb, int type,
		       const struct lc_prefix *prefix);
int lenscap_put_generation(struct sk_buff *skb,
			   const struct lenscap_generation *gen);

/* netlink_guard.c */
extern const struct nla_policy lenscap_guard_policy[LENSCAP_GUARD_A_MAX + 1];
int lenscap_nl_guard_set(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_guard_del(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_guard_dump(struct sk_buff *skb, struct netlink_callback *cb);
int lenscap_put_guard(struct sk_buff *skb, const struct lenscap_guard *guard,
		      u8 state);

/* netlink_policy.c */
extern const struct nla_policy lenscap_begin_policy[LENSCAP_TXN_A_BASE + 1];
extern const struct nla_policy lenscap_commit_policy[LENSCAP_TXN_A_MAX + 1];
extern const struct nla_policy
	lenscap_profile_policy[LENSCAP_PROFILE_A_MAX + 1];
extern const struct nla_policy lenscap_device_policy[LENSCAP_DEVICE_A_MAX + 1];
int lenscap_nl_txn_begin(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_txn_commit(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_txn_abort(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_profile_set(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_profile_del(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_device_set(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_device_del(struct sk_buff *skb, struct genl_info *info);

/* netlink_dump.c */
extern const struct nla_policy
	lenscap_profile_get_policy[LENSCAP_PROFILE_A_HITS + 1];
int lenscap_nl_profile_dump(struct sk_buff *skb, struct netlink_callback *cb);
int lenscap_nl_device_get(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* netlink_record.c */
extern const struct nla_policy lenscap_record_policy[LENSCAP_RECORD_A_MAX + 1];
int lenscap_nl_record_dump(struct sk_buff *skb, struct netlink_callback *cb);
int lenscap_nl_record_rotate(struct sk_buff *skb, struct genl_info *info);
int lenscap_put_record(struct sk_buff *skb,
		       const struct lenscap_record *record);
int lenscap_put_losses(struct sk_buff *skb, const struct lenscap_net *ln);

/* netlink_capture.c */
extern const struct nla_policy
	lenscap_capture_policy[LENSCAP_CAPTURE_A_LINK + 1];
extern const struct nla_policy
	lenscap_capture_id_policy[LENSCAP_CAPTURE_A_ID + 1];
int lenscap_nl_capture_set(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_capture_del(struct sk_buff *skb, struct genl_info *info);
int lenscap_nl_capture_dump(struct sk_buff *skb, struct netlink_callback *cb);

#endif /* _LENSCAP_NETLINK_H */
