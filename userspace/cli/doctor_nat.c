// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: are addresses translated towards cameras?
 *
 * A camera answers the address that a connection was translated to, and connection
 * tracking sends that on to whoever is behind it: what the policy permits to that
 * address, and, where the guard passes it ("dhcp_unicast"), a renewal by DHCP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "doctor.h"
#include "doctor_netlink.h"
#include "fields.h"

enum way {
	WAY_ANY,	/* it does not ask, or not in a way that is read here */
	WAY_CAMERAS,	/* out by an interface of a guard */
	WAY_OTHER,
};

/**
 * struct translation - what a rule does
 * @doctor: the examination
 * @key: what the last expression has loaded: NFT_META_OIF, NFT_META_OIFNAME or none
 *	of them
 * @way: for which way out
 * @source: it translates sources
 */
struct translation {
	const struct doctor *doctor;
	uint32_t key;
	enum way way;
	bool source;
};

static bool is_named(const struct link *link, uint32_t key, const void *data,
		     uint32_t len)
{
	/* The beginning alone is a name with an asterisk. */
	if (key == NFT_META_OIFNAME)
		return len <= sizeof(link->name) &&
		       !memcmp(link->name, data, len);
	return len == sizeof(link->index) && !memcmp(&link->index, data, len);
}

static enum way way_of(const struct translation *rule, const void *data,
		       uint32_t len)
{
	const struct doctor *doctor = rule->doctor;

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (is_named(link, rule->key, data, len) &&
		    (link->guard ||
		     doctor_covered(doctor, link, VLAN_ANY, LINK_DEPTH)))
			return WAY_CAMERAS;
	}
	return WAY_OTHER;
}

static void follow_compare(const struct nftnl_expr *expr,
			   struct translation *rule)
{
	uint32_t len = 0;
	const void *data = nftnl_expr_get(expr, NFTNL_EXPR_CMP_DATA, &len);

	if ((rule->key == NFT_META_OIF || rule->key == NFT_META_OIFNAME) &&
	    nftnl_expr_get_u32(expr, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ && data)
		rule->way = way_of(rule, data, len);
}

static int follow(struct nftnl_expr *expr, void *data)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	struct translation *rule = data;
	const char *target;

	if (!strcmp(name, "cmp"))
		follow_compare(expr, rule);
	rule->key = UINT32_MAX;
	if (!strcmp(name, "meta")) {
		rule->key = nftnl_expr_get_u32(expr, NFTNL_EXPR_META_KEY);
	} else if (!strcmp(name, "masq")) {
		rule->source = true;
	} else if (!strcmp(name, "nat")) {
		rule->source |= nftnl_expr_get_u32(expr,
						   NFTNL_EXPR_NAT_TYPE) ==
				NFT_NAT_SNAT;
	} else if (!strcmp(name, "target")) {
		target = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
		rule->source |= target && (!strcmp(target, "MASQUERADE") ||
					   !strcmp(target, "SNAT"));
	}
	return 0;
}

static void judge_rule(struct nftnl_rule *rule, void *doctor)
{
	struct translation seen = { .doctor = doctor, .key = UINT32_MAX };
	struct finding finding = { .name = "nat-to-cameras", .kind = "chain" };
	char *object;

	nftnl_expr_foreach(rule, follow, &seen);
	if (!seen.source || seen.way == WAY_OTHER)
		return;
	object = cli_format("%s %s", nftnl_rule_get_str(rule, NFTNL_RULE_TABLE),
			    nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
	finding.object = object;
	finding.severity = seen.way == WAY_CAMERAS ? SEVERITY_WARNING :
						     SEVERITY_NOTE;
	doctor_find(doctor, &finding,
		    cli_format("A rule translates source addresses of what goes %s: whoever opens a connection to a camera by it gets what the camera may send to that address, and with \"dhcp_unicast\" whatever it likes, without a rule.",
			       seen.way == WAY_CAMERAS ?
			       "out by a guarded interface" :
			       "out by any interface, guarded ones too unless something else in it says otherwise"),
		    "Name the interfaces that it is for (oifname), and give cameras a route back instead.");
	free(object);
}

/**
 * doctor_check_nat() - are source addresses translated towards cameras?
 * @doctor: the examination, which has its links
 *
 * By rules of nftables and of iptables-nft.
 */
void doctor_check_nat(struct doctor *doctor)
{
	int error;

	if (!doctor->guard_count)
		return;
	error = doctor_list_rules(judge_rule, doctor);
	/* As for flowtables: there is no nftables in this kernel. */
	if (error && error != -EINVAL && error != -EPROTONOSUPPORT)
		doctor_unchecked(doctor, "nat-to-cameras", "nftables",
				 cli_format("the kernel did not list rules: %s",
					    strerror(-error)));
}
