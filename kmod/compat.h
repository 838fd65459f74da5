/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the supported kernels: Debian's 6.1 and 6.12.
 */
#ifndef _LENSCAP_COMPAT_H
#define _LENSCAP_COMPAT_H

#include <linux/netlink.h>
#include <linux/version.h>
#include <net/genetlink.h>

static inline struct nlattr **lenscap_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* Can all of the payload be read by this processor? */
static inline bool lenscap_readable(const struct sk_buff *skb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return skb_frags_readable(skb);
#else
	return true;
#endif
}

/* In the body of a tracepoint. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define lenscap_assign_str(to, from) __assign_str(to)
#else
#define lenscap_assign_str(to, from) __assign_str(to, from)
#endif

#endif /* _LENSCAP_COMPAT_H */
