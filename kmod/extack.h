/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_EXTACK_H
#define _LENSCAP_EXTACK_H

#include <linux/netlink.h>

const char *lenscap_extack_text(const char *fmt, ...) __printf(1, 2);

/* As NL_SET_ERR_MSG_FMT(), with room for two names. */
#define lenscap_extack_fmt(extack, fmt, args...) do {			\
	struct netlink_ext_ack *__fmt_extack = (extack);		\
									\
	if (__fmt_extack)						\
		__fmt_extack->_msg = lenscap_extack_text(fmt, ##args);	\
} while (0)

#endif /* _LENSCAP_EXTACK_H */
