// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: is the interlock there, and does the tag reach it?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "doctor.h"
#include "doctor_netlink.h"
#include "fields.h"

#define TABLE "lenscap"

static void missing(struct doctor *doctor, const json_t *lock)
{
	static const struct finding finding = {
		"interlock-missing", SEVERITY_PROBLEM, "nftables", TABLE,
	};
	const char *error = field_str(lock, "error");

	doctor_find(doctor, &finding,
		    cli_format("The interlock is not in place%s%s, so cameras may talk to anyone where the module does not judge.",
			       *error ? ": " : "", error),
		    !strcmp(field_str(lock, "state"), "unavailable") ?
		    "Use a kernel with nf_tables, or say \"interlock: no\" in gateway.yaml." :
		    "See what the daemon logs about it, and stop the program that removes it; the daemon tries again.");
}

/**
 * doctor_check_interlock() - is the interlock in place?
 * @doctor: the examination
 */
void doctor_check_interlock(struct doctor *doctor)
{
	static const struct finding off = {
		"interlock-off", SEVERITY_NOTE, "gateway", "gateway.yaml",
	};
	const json_t *lock = field(doctor->status, "interlock");
	const char *state = field_str(lock, "state");

	if (!json_is_object(lock))
		doctor_unchecked(doctor, "interlock-missing", "daemon",
				 cli_format("the daemon is older and has none"));
	else if (!strcmp(state, "missing") || !strcmp(state, "unavailable"))
		missing(doctor, lock);
	else if (!strcmp(state, "off") && json_array_size(field(lock, "guards")))
		doctor_find(doctor, &off,
			    cli_format("The interlock is left off, so cameras may talk to anyone while the module is not loaded."),
			    "Remove \"interlock: no\" from gateway.yaml.");
}

/**
 * struct search - rules that write bits of the tag
 * @doctor: the examination
 * @mask: the bits
 * @late: names of chains behind the interlock: family, table, chain
 */
struct search {
	struct doctor *doctor;
	uint32_t mask;
	json_t *late;
};

static char *chain_key(uint32_t family, const char *table, const char *chain)
{
	return cli_format("%u %s %s", family, table, chain);
}

/* A packet on its way out, or one of the gateway's own, is past the interlock. */
static bool is_late(uint32_t family, uint32_t hook)
{
	if (family == NFPROTO_NETDEV)
		return hook != NF_NETDEV_INGRESS;
	return family != NFPROTO_ARP &&
	       (hook == NF_INET_LOCAL_OUT || hook == NF_INET_POST_ROUTING);
}

static int read_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain = cli_alloc(nftnl_chain_alloc());
	struct search *search = data;

	if (!nftnl_chain_nlmsg_parse(message, chain) &&
	    nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM)) {
		uint32_t family = nftnl_chain_get_u32(chain,
						      NFTNL_CHAIN_FAMILY);
		char *key = chain_key(family,
			nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
			nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));

		if (is_late(family, nftnl_chain_get_u32(chain,
							NFTNL_CHAIN_HOOKNUM)))
			json_object_set_new(search->late, key, json_true());
		free(key);
	}
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

/* Of xt_MARK, as iptables-nft writes it: <linux/netfilter/xt_mark.h>. */
struct mark_target {
	uint32_t mark, mask;
};

/**
 * struct written - the bits of the mark that a rule writes
 * @loaded: the register that holds the mark, with bits exchanged, or 0
 * @exchanged: these bits
 * @bits: written to the mark so far
 */
struct written {
	uint32_t loaded;
	uint32_t exchanged;
	uint32_t bits;
};

static void follow_meta(const struct nftnl_expr *expr, struct written *written)
{
	bool mark = nftnl_expr_get_u32(expr, NFTNL_EXPR_META_KEY) ==
		    NFT_META_MARK;

	if (nftnl_expr_is_set(expr, NFTNL_EXPR_META_DREG)) {
		uint32_t into = nftnl_expr_get_u32(expr, NFTNL_EXPR_META_DREG);

		if (mark || into == written->loaded)
			written->loaded = mark ? into : 0;
		if (mark)
			written->exchanged = 0;
	} else if (!mark) {
		return;
	} else if (written->loaded == nftnl_expr_get_u32(expr,
						NFTNL_EXPR_META_SREG)) {
		written->bits |= written->exchanged;
	} else {
		written->bits = UINT32_MAX;
	}
}

/* "mark & MASK ^ XOR" exchanges what is not in MASK, and what is in XOR. */
static void follow_bitwise(const struct nftnl_expr *expr,
			   struct written *written)
{
	uint32_t len = 0, mask = 0, xor = 0;
	const void *data;

	if (nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_SREG) !=
	    written->loaded) {
		written->loaded = 0;
		return;
	}
	data = nftnl_expr_get(expr, NFTNL_EXPR_BITWISE_MASK, &len);
	if (data && len == sizeof(mask))
		memcpy(&mask, data, sizeof(mask));
	data = nftnl_expr_get(expr, NFTNL_EXPR_BITWISE_XOR, &len);
	if (data && len == sizeof(xor))
		memcpy(&xor, data, sizeof(xor));
	written->exchanged |= ~mask | xor;
	written->loaded = nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_DREG);
}

static void follow_target(const struct nftnl_expr *expr,
			  struct written *written)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
	struct mark_target target = { 0, UINT32_MAX };
	const void *info;
	uint32_t len;

	if (!name || (strcmp(name, "MARK") != 0 &&
		      strcmp(name, "CONNMARK") != 0))
		return;
	info = nftnl_expr_get(expr, NFTNL_EXPR_TG_INFO, &len);
	if (info && len >= sizeof(target) && !strcmp(name, "MARK"))
		memcpy(&target, info, sizeof(target));
	written->bits |= target.mask | target.mark;
}

/* Expressions that write no register. */
static bool only_reads(const char *name)
{
	static const char *const names[] = {
		"cmp", "range", "counter", "limit", "log", "objref", "quota",
		"connlimit", "last", "match",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static int follow(struct nftnl_expr *expr, void *data)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	struct written *written = data;

	if (!strcmp(name, "meta"))
		follow_meta(expr, written);
	else if (!strcmp(name, "bitwise"))
		follow_bitwise(expr, written);
	else if (!strcmp(name, "target"))
		follow_target(expr, written);
	/* Where the mark was there may be something else now. */
	else if (!only_reads(name))
		written->loaded = 0;
	return 0;
}

static void judge_rule(struct nftnl_rule *rule, void *data)
{
	static const char fix[] =
		"Have the rule leave these bits alone (meta mark set meta mark & ~MASK | VALUE), or give gateway.yaml another tag.";
	uint32_t family = nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY);
	const char *table = nftnl_rule_get_str(rule, NFTNL_RULE_TABLE);
	const char *chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	struct finding finding = {
		"tag-rewritten", SEVERITY_WARNING, "chain", NULL,
	};
	struct written written = { 0 };
	struct search *search = data;
	char *key;

	if (!strcmp(table, TABLE) && (family == NFPROTO_NETDEV ||
				      family == NFPROTO_INET ||
				      family == NFPROTO_BRIDGE))
		return;
	key = chain_key(family, table, chain);
	nftnl_expr_foreach(rule, follow, &written);
	if (written.bits & search->mask &&
	    !json_object_get(search->late, key)) {
		char *object = cli_format("%s %s", table, chain);

		finding.object = object;
		doctor_find(search->doctor, &finding,
			    cli_format("A rule of nftables writes bits of the mark that the tag has (0x%08x), so the interlock may drop what was judged, or pass what was not.",
				       written.bits & search->mask), fix);
		free(object);
	}
	free(key);
}

/**
 * doctor_check_tag() - do other rules write the tag's bits of the mark?
 * @doctor: the examination
 *
 * Those in the way from the guards to the interlock: not of chains that hook
 * into output or postrouting.
 */
void doctor_check_tag(struct doctor *doctor)
{
	struct search search = {
		.doctor = doctor,
		.mask = (uint32_t)field_int(doctor->status, "module.tag.mask"),
	};
	int error;

	if (!json_is_object(field(doctor->status, "module"))) {
		doctor_unchecked(doctor, "tag-rewritten", "nftables",
				 cli_format("the module is not loaded"));
		return;
	}
	search.late = cli_alloc(json_object());
	error = doctor_list_nft(NFT_MSG_GETCHAIN, read_chain, &search);
	if (!error)
		error = doctor_list_rules(judge_rule, &search);
	json_decref(search.late);
	/* As for flowtables: there is no nftables in this kernel. */
	if (error && error != -EINVAL && error != -EPROTONOSUPPORT)
		doctor_unchecked(doctor, "tag-rewritten", "nftables",
				 cli_format("the kernel did not list rules: %s",
					    strerror(-error)));
}
