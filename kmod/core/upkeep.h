/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the readers of upkeep share: upkeep.c and dhcp.c.
 */
#ifndef _LENSCAP_CORE_UPKEEP_H
#define _LENSCAP_CORE_UPKEEP_H

#include "core.h"

static inline bool lc_link_local(const u8 *addr)
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

static inline void lc_upkeep_invalid(struct lc_key *key)
{
	key->reason = LENSCAP_REASON_UPKEEP_INVALID;
}

static inline void lc_upkeep_spoof(struct lc_key *key)
{
	key->reason = LENSCAP_REASON_UPKEEP_SPOOF;
}

/* It speaks for an address. */
static inline void lc_upkeep_claim(struct lc_key *key, u8 family, const u8 *addr)
{
	key->has_claim = true;
	key->claim_family = family;
	memcpy(key->claim, addr, family == LC_FAMILY_IPV4 ? 4 : 16);
}

/* It speaks for a hardware address. */
static inline void lc_upkeep_claim_mac(struct lc_key *key, const u8 *mac)
{
	key->has_claim_mac = true;
	memcpy(key->claim_mac, mac, 6);
}

void lc_upkeep_dhcp(const struct lc_frame *frame, u32 l4, u32 end,
		    struct lc_key *key);
void lc_upkeep_dhcp6(const struct lc_frame *frame, u32 l4, u32 end, bool plain,
		     struct lc_key *key);

#endif /* _LENSCAP_CORE_UPKEEP_H */
