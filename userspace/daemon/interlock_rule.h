/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of the interlock, put together from what nftables' rules consist of.
 */
#ifndef LENSCAPD_INTERLOCK_RULE_H
#define LENSCAPD_INTERLOCK_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <libnftnl/rule.h>

struct nftnl_rule *rule_new(uint16_t family, const char *chain);
struct nftnl_rule *rule_about(uint16_t family, const char *chain, bool v6);
void rule_meta(struct nftnl_rule *rule, uint32_t key);
void rule_meta_set(struct nftnl_rule *rule, uint32_t key);
void rule_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset,
		  uint32_t len);
void rule_mask(struct nftnl_rule *rule, const void *mask, const void *xor,
	       uint32_t len);
void rule_equal(struct nftnl_rule *rule, const void *data, uint32_t len);
void rule_unequal(struct nftnl_rule *rule, const void *data, uint32_t len);
void rule_between(struct nftnl_rule *rule, uint8_t low, uint8_t high);
void rule_from_kind(struct nftnl_rule *rule, uint16_t kind);
void rule_in_set(struct nftnl_rule *rule, const char *set);
void rule_count(struct nftnl_rule *rule, const char *counter);
void rule_accept(struct nftnl_rule *rule);
void rule_drop(struct nftnl_rule *rule);
void rule_no_tag(struct nftnl_rule *rule, uint32_t offset);
void rule_id(struct nftnl_rule *rule, uint32_t offset);
void rule_tag(struct nftnl_rule *rule, uint32_t offset, uint16_t protocol,
	      uint16_t vlan);

#endif /* LENSCAPD_INTERLOCK_RULE_H */
