// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options of IPv4 headers, and of IPv6 hop-by-hop and destination options headers.
 *
 * Most of them are harmless. Refused is what makes a packet another one for who
 * gets it than for who judges it, and what is malformed: where such options end,
 * receivers differ.
 *
 * Sources: RFC 791, 1812 and 7126 (IPv4), RFC 8200 section 4.2 (IPv6), RFC 2113 and
 * 2711 (router alert), RFC 6275 section 6.3 (home address), net/ipv4/ip_options.c
 * and net/ipv6/exthdrs.c (what Linux would accept behind this hook).
 */
#include "options.h"

#define OPTION_END	0
#define OPTION_NOP	1
#define OPTION_LSRR	131
#define OPTION_SSRR	137
#define OPTION_ALERT	148

#define OPTION6_PAD1	0
#define OPTION6_ALERT	5
#define OPTION6_HOME	201

/**
 * lc_options_ipv4() - read the options of an IPv4 header
 * @p: the first of them
 * @count: bytes up to the header's end
 * @alert: set if one asks routers to look at the packet; else not changed
 *
 * Options that choose the route would let a frame reach another hop than its
 * destination says.
 *
 * Context: any. Return: can they be accepted?
 */
bool lc_options_ipv4(const u8 *p, u32 count, bool *alert)
{
	u32 off = 0;

	while (off < count) {
		u8 type = p[off];

		if (type == OPTION_END)
			return true;
		if (type == OPTION_NOP) {
			off++;
			continue;
		}
		if (count - off < 2 || p[off + 1] < 2 ||
		    p[off + 1] > count - off)
			return false;
		if (type == OPTION_LSRR || type == OPTION_SSRR)
			return false;
		*alert |= type == OPTION_ALERT;
		off += p[off + 1];
	}
	return true;
}

/**
 * lc_options_ipv6() - read the options of a header of IPv6
 * @p: the header, hop-by-hop or destination options
 * @size: its bytes
 * @alert: set if one asks routers to look at the packet; else not changed
 *
 * The home address says that the packet comes from another address than its own,
 * and who has a binding for it believes that.
 *
 * Context: any. Return: LENSCAP_REASON_NONE, or why they are refused.
 */
u8 lc_options_ipv6(const u8 *p, u32 size, bool *alert)
{
	u32 off = 2;

	while (off < size) {
		if (p[off] == OPTION6_PAD1) {
			off++;
			continue;
		}
		if (size - off < 2 || p[off + 1] > size - off - 2)
			return LENSCAP_REASON_BAD_HEADER;
		if (p[off] == OPTION6_HOME)
			return LENSCAP_REASON_EXT_HEADER;
		*alert |= p[off] == OPTION6_ALERT;
		off += 2 + p[off + 1];
	}
	return LENSCAP_REASON_NONE;
}
