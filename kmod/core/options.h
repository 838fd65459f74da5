/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options of IPv4 headers, and of IPv6 hop-by-hop and destination options headers.
 */
#ifndef _LENSCAP_CORE_OPTIONS_H
#define _LENSCAP_CORE_OPTIONS_H

#include "core.h"

bool lc_options_ipv4(const u8 *p, u32 count, bool *alert);
u8 lc_options_ipv6(const u8 *p, u32 size, bool *alert);

#endif /* _LENSCAP_CORE_OPTIONS_H */
