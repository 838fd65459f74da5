// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of the interlock, put together from what nftables' rules consist of.
 *
 * Everything goes through the first register: a value is loaded, perhaps
 * masked, and compared. A comparison that fails ends the rule.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <libnftnl/expr.h>

#include "interlock_nft.h"
#include "interlock_rule.h"

/* As mem_alloc(): it is there, or the program ends. */
static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct nftnl_expr *add(struct nftnl_rule *rule, const char *kind)
{
	struct nftnl_expr *expr = must(nftnl_expr_alloc(kind));

	nftnl_rule_add_expr(rule, expr);
	return expr;
}

/**
 * rule_new() - an empty rule
 * @family: of the table
 * @chain: where it is to be appended
 *
 * Return: the rule; say_rule() takes it over.
 */
struct nftnl_rule *rule_new(uint16_t family, const char *chain)
{
	struct nftnl_rule *rule = must(nftnl_rule_alloc());

	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, family);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, INTERLOCK_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	return rule;
}

/**
 * rule_about() - begin a rule about packets of one protocol
 * @family: of the chain, NFPROTO_INET or one that has frames
 * @chain: its name
 * @v6: IPv6, or IPv4
 *
 * Return: the rule.
 */
struct nftnl_rule *rule_about(uint16_t family, const char *chain, bool v6)
{
	struct nftnl_rule *rule = rule_new(family, chain);
	uint16_t protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);
	uint8_t number = v6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	if (family == NFPROTO_INET) {
		rule_meta(rule, NFT_META_NFPROTO);
		rule_equal(rule, &number, sizeof(number));
	} else {
		rule_meta(rule, NFT_META_PROTOCOL);
		rule_equal(rule, &protocol, sizeof(protocol));
	}
	return rule;
}

/**
 * rule_meta() - load what the kernel knows of a packet
 * @rule: the rule
 * @key: NFT_META_*
 */
void rule_meta(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *expr = add(rule, "meta");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

/**
 * rule_meta_set() - store the loaded value
 * @rule: the rule
 * @key: NFT_META_*
 */
void rule_meta_set(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *expr = add(rule, "meta");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

/**
 * rule_payload() - load bytes of a packet; without them the rule ends
 * @rule: the rule
 * @base: NFT_PAYLOAD_*: which header
 * @offset: from its beginning
 * @len: bytes
 */
void rule_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset,
		  uint32_t len)
{
	struct nftnl_expr *expr = add(rule, "payload");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

/**
 * rule_mask() - change the loaded value to value & mask ^ xor
 * @rule: the rule
 * @mask: bits to be kept
 * @xor: bits to be turned over then
 * @len: bytes of the value
 */
void rule_mask(struct nftnl_rule *rule, const void *mask, const void *xor,
	       uint32_t len)
{
	struct nftnl_expr *expr = add(rule, "bitwise");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void compare(struct nftnl_rule *rule, uint32_t how, const void *data,
		    uint32_t len)
{
	struct nftnl_expr *expr = add(rule, "cmp");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, how);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, len);
}

/**
 * rule_equal() - go on if the loaded value is this
 * @rule: the rule
 * @data: a value
 * @len: bytes
 */
void rule_equal(struct nftnl_rule *rule, const void *data, uint32_t len)
{
	compare(rule, NFT_CMP_EQ, data, len);
}

/**
 * rule_unequal() - go on if the loaded value is another
 * @rule: the rule
 * @data: a value
 * @len: bytes
 */
void rule_unequal(struct nftnl_rule *rule, const void *data, uint32_t len)
{
	compare(rule, NFT_CMP_NEQ, data, len);
}

/**
 * rule_between() - go on if the loaded byte is one of these
 * @rule: the rule
 * @low: the first
 * @high: the last
 */
void rule_between(struct nftnl_rule *rule, uint8_t low, uint8_t high)
{
	compare(rule, NFT_CMP_GTE, &low, sizeof(low));
	compare(rule, NFT_CMP_LTE, &high, sizeof(high));
}

/**
 * rule_from_kind() - go on if the packet came in by an interface of a kind
 * @rule: the rule
 * @kind: ARPHRD_*
 */
void rule_from_kind(struct nftnl_rule *rule, uint16_t kind)
{
	rule_meta(rule, NFT_META_IIFTYPE);
	rule_equal(rule, &kind, sizeof(kind));
}

/**
 * rule_in_set() - go on if the loaded value is in a set
 * @rule: the rule
 * @set: its name
 */
void rule_in_set(struct nftnl_rule *rule, const char *set)
{
	struct nftnl_expr *expr = add(rule, "lookup");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, set);
}

/**
 * rule_count() - count the packet
 * @rule: the rule
 * @counter: name of the counter
 */
void rule_count(struct nftnl_rule *rule, const char *counter)
{
	struct nftnl_expr *expr = add(rule, "objref");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_OBJREF_IMM_TYPE,
			   NFT_OBJECT_COUNTER);
	nftnl_expr_set_str(expr, NFTNL_EXPR_OBJREF_IMM_NAME, counter);
}

static void end(struct nftnl_rule *rule, uint32_t verdict)
{
	struct nftnl_expr *expr = add(rule, "immediate");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, verdict);
}

/**
 * rule_accept() - let the packet go on to the next chain
 * @rule: the rule
 */
void rule_accept(struct nftnl_rule *rule)
{
	end(rule, NF_ACCEPT);
}

/**
 * rule_drop() - drop the packet
 * @rule: the rule
 */
void rule_drop(struct nftnl_rule *rule)
{
	end(rule, NF_DROP);
}

/**
 * rule_no_tag() - compare: there is no VLAN tag
 * @rule: the rule
 * @offset: in the Ethernet header, of the protocol
 */
void rule_no_tag(struct nftnl_rule *rule, uint32_t offset)
{
	uint16_t q = htons(ETH_P_8021Q), ad = htons(ETH_P_8021AD);

	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, offset, sizeof(q));
	rule_unequal(rule, &q, sizeof(q));
	rule_unequal(rule, &ad, sizeof(ad));
}

/**
 * rule_id() - load a VLAN id
 * @rule: the rule
 * @offset: in the Ethernet header, of the tag's last two bytes
 */
void rule_id(struct nftnl_rule *rule, uint32_t offset)
{
	uint16_t mask = htons(0x0fff), none = 0;

	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, offset, sizeof(mask));
	rule_mask(rule, &mask, &none, sizeof(mask));
}

/**
 * rule_tag() - compare: there is this VLAN tag
 * @rule: the rule
 * @offset: in the Ethernet header, of the tag
 * @protocol: ETH_P_8021Q or ETH_P_8021AD
 * @vlan: VLAN id
 */
void rule_tag(struct nftnl_rule *rule, uint32_t offset, uint16_t protocol,
	      uint16_t vlan)
{
	uint16_t tag = htons(protocol), id = htons(vlan);

	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, offset, sizeof(tag));
	rule_equal(rule, &tag, sizeof(tag));
	rule_id(rule, offset + sizeof(tag));
	rule_equal(rule, &id, sizeof(id));
}
