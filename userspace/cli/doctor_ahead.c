// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: what a bridge does ahead of a guard that stands on it.
 *
 * A guard on a bridge, or on its VLAN device, gets a frame when the bridge has
 * decided that it is for the gateway. What acts on frames as they come in by a port
 * has acted then: it may have answered, kept or joined what nobody judged.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "doctor.h"
#include "doctor_netlink.h"
#include "fields.h"

static int find_tracking(struct nftnl_expr *expr, void *data)
{
	if (!strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), "ct"))
		*(bool *)data = true;
	return 0;
}

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = cli_alloc(nftnl_rule_alloc());

	if (!nftnl_rule_nlmsg_parse(message, rule) &&
	    nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY) == NFPROTO_BRIDGE)
		nftnl_expr_foreach(rule, find_tracking, data);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

/* One rule of a bridge's table that asks for it has it track all connections. */
static bool tracks(struct doctor *doctor)
{
	bool found = false;
	int error = doctor_list_nft(NFT_MSG_GETRULE, read_rule, &found);

	/* As for flowtables: there is no nftables in this kernel. */
	if (error && error != -EINVAL && error != -EPROTONOSUPPORT)
		doctor_unchecked(doctor, "bridge-ahead", "nftables",
				 cli_format("the kernel did not list rules: %s",
					    strerror(-error)));
	return found;
}

static bool calls_netfilter(const struct link *bridge)
{
	static const char *const names[] = {
		"iptables", "ip6tables", "arptables",
	};
	bool on = bridge->bridged.calls;

	for (size_t i = 0; !on && i < ARRAY_SIZE(names); i++) {
		char *path = cli_format("/proc/sys/net/bridge/bridge-nf-call-%s",
					names[i]);

		on = doctor_is_on(path) > 0;
		free(path);
	}
	return on;
}

static char *what_acts(const struct link *bridge, bool tracked)
{
	char *acts = NULL;

	if (tracked)
		acts = doctor_join(acts, "connection tracking (a rule of table bridge has ct in it)");
	if (calls_netfilter(bridge))
		acts = doctor_join(acts, "br_netfilter (net.bridge.bridge-nf-call-*)");
	if (bridge->bridged.stp)
		acts = doctor_join(acts, "the spanning tree protocol");
	return acts;
}

static void examine(struct doctor *doctor, const struct link *bridge,
		    const struct guarded *guard, int vlan, bool tracked)
{
	struct finding finding = {
		"bridge-ahead", SEVERITY_WARNING, "interface", bridge->name,
	};
	char *names = doctor_open_ports(doctor, bridge, vlan, false);
	char *acts = names ? what_acts(bridge, tracked) : NULL;

	if (acts)
		doctor_find(doctor, &finding,
			    cli_format("Guard \"%s\" on %s gets what comes in by %s behind the bridge, where %s may have answered, kept or joined it unjudged.",
				       guard->name, guard->link->name, names,
				       acts),
			    "Put guards on the ports that lead to cameras, or turn that off.");
	free(acts);
	free(names);
}

/**
 * doctor_check_ahead() - does anything act on frames ahead of a bridge's guard?
 * @doctor: the examination
 */
void doctor_check_ahead(struct doctor *doctor)
{
	bool asked = false, tracked = false;
	int vlan;

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *bridge = &doctor->links[i];

		if (!doctor_is_bridge(bridge))
			continue;
		for (size_t g = 0; g < doctor->guard_count; g++) {
			if (!doctor_stands_on(doctor, &doctor->guards[g],
					      bridge, &vlan))
				continue;
			if (!asked)
				tracked = tracks(doctor);
			asked = true;
			examine(doctor, bridge, &doctor->guards[g], vlan,
				tracked);
		}
	}
}
