/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_INTERFACE_H
#define _LENSCAP_INTERFACE_H

#include "lenscap.h"

struct net_device;

const char *lenscap_interface_unfit(const struct net_device *dev,
				    const struct lc_guard *core, u16 vlan);
bool lenscap_interface_alone(const struct net_device *dev);

#endif /* _LENSCAP_INTERFACE_H */
