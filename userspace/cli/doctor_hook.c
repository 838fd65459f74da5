// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: what netfilter runs before a guard.
 *
 * The guard asks for the first priority, but of two hooks of one priority the
 * later one runs first. The kernel lists hooks in the order in which they run:
 * on the guard's interface all before its own are ahead, and on an interface
 * below it all but Lenscap's.
 *
 * Debian's 6.1 is built without that list. There nftables tells of its chains
 * and flowtables, and no more than that one has the guard's priority.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_hook.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_netlink.h"
#include "fields.h"

#define MODULE	"lenscap"
#define TABLE	"lenscap"	/* the interlock's, family netdev */

/**
 * struct hook - an entry of the kernel's list; what it does not tell is NULL
 * @function: the function that runs
 * @module: its module
 * @table: the table of its chain
 * @chain: its chain of nftables
 * @family: of the table
 */
struct hook {
	const char *function;
	const char *module;
	const char *table;
	const char *chain;
	unsigned int family;
};

/**
 * struct hooks - the list of one interface
 * @ahead: what runs before Lenscap's hook, or anywhere if it has none, as
 *	findings without a guard
 * @behind: what runs after it
 * @own: Lenscap's hook was among them
 * @nameless: the kernel did not name a function
 * @unordered: it is nftables' list, so what is @ahead has the guard's priority
 */
struct hooks {
	json_t *ahead;
	json_t *behind;
	bool own;
	bool nameless;
	bool unordered;
};

/* What nftables lists, and what is looked for in it. */
struct nft_list {
	struct hooks *hooks;
	const struct link *link;
	uint16_t type;
};

static void read_chain(struct hook *hook, const struct nlattr *info)
{
	const struct nlattr *outer, *inner;

	mnl_attr_for_each_nested(outer, info) {
		if (mnl_attr_get_type(outer) != NFNLA_HOOK_INFO_DESC)
			continue;
		mnl_attr_for_each_nested(inner, outer) {
			switch (mnl_attr_get_type(inner)) {
			case NFNLA_CHAIN_TABLE:
				hook->table = mnl_attr_get_str(inner);
				break;
			case NFNLA_CHAIN_NAME:
				hook->chain = mnl_attr_get_str(inner);
				break;
			case NFNLA_CHAIN_FAMILY:
				hook->family = mnl_attr_get_u8(inner);
				break;
			default:
				break;
			}
		}
	}
}

static json_t *put_item(const char *kind, char *object, char *what)
{
	json_t *item = json_pack("{s:s, s:s, s:s}", "kind", kind, "object",
				 object, "what", what);

	free(object);
	free(what);
	return cli_alloc(item);
}

static json_t *put_named(const char *kind, const char *title,
			 const char *table, const char *name)
{
	return put_item(kind, cli_format("%s %s", table, name),
			cli_format("%s \"%s\" of table \"%s\"", title, name,
				   table));
}

/* A chain is known by its table, all else by its function. */
static json_t *describe(const struct hook *hook)
{
	if (hook->table && hook->chain)
		return put_named("chain", "Chain", hook->table, hook->chain);
	return put_item("hook", cli_format("%s", hook->function),
			hook->module ?
			cli_format("A hook of module \"%s\"", hook->module) :
			cli_format("A hook of the kernel"));
}

static bool is_interlock(unsigned int family, const char *table)
{
	return family == NFPROTO_NETDEV && table && !strcmp(table, TABLE);
}

static int read_hook(const struct nlmsghdr *message, void *data)
{
	struct hook hook = { 0 };
	struct hooks *hooks = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case NFNLA_HOOK_FUNCTION_NAME:
			hook.function = mnl_attr_get_str(attr);
			break;
		case NFNLA_HOOK_MODULE_NAME:
			hook.module = mnl_attr_get_str(attr);
			break;
		case NFNLA_HOOK_CHAIN_INFO:
			read_chain(&hook, attr);
			break;
		default:
			break;
		}
	}
	if (!hook.function) {
		hooks->nameless = true;
		hook.function = "unknown";
	}
	if (hook.module && !strcmp(hook.module, MODULE)) {
		hooks->own = true;
		return MNL_CB_OK;
	}
	if (is_interlock(hook.family, hook.table))
		return MNL_CB_OK;
	json_array_append_new(hooks->own ? hooks->behind : hooks->ahead,
			      describe(&hook));
	return MNL_CB_OK;
}

static int read_hooks(struct hooks *hooks, const struct link *link)
{
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *body;
	int error = -EAGAIN;

	request->nlmsg_type = NFNL_SUBSYS_HOOK << 8 | NFNL_MSG_HOOK_GET;
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->nfgen_family = NFPROTO_NETDEV;
	body->version = NFNETLINK_V0;
	mnl_attr_put_u32(request, NFNLA_HOOK_HOOKNUM,
			 htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_strz(request, NFNLA_HOOK_DEV, link->name);
	/* What is ahead shows by the order: a new list begins anew. */
	for (int i = 0; i < DOCTOR_TRIES && error == -EAGAIN; i++) {
		json_array_clear(hooks->ahead);
		json_array_clear(hooks->behind);
		hooks->own = false;
		hooks->nameless = false;
		error = doctor_dump_once(NETLINK_NETFILTER, request, read_hook,
					 hooks);
	}
	return error;
}

static bool names_link(const struct nlattr *list, const struct link *link)
{
	const struct nlattr *device;

	mnl_attr_for_each_nested(device, list) {
		if (mnl_attr_get_type(device) == NFTA_DEVICE_NAME &&
		    !strcmp(mnl_attr_get_str(device), link->name))
			return true;
	}
	return false;
}

/* The hooks of chains and of flowtables have the same numbers. */
static_assert((int)NFTA_HOOK_HOOKNUM == (int)NFTA_FLOWTABLE_HOOK_NUM,
	      "one number for the hook");
static_assert((int)NFTA_HOOK_PRIORITY == (int)NFTA_FLOWTABLE_HOOK_PRIORITY,
	      "one number for the priority");

/* Does it hook into ingress of the interface? */
static bool hooks_into(const struct nft_list *list, unsigned int family,
		       const struct nlattr *hook, int *priority)
{
	uint16_t devices = list->type == NFT_MSG_GETCHAIN ?
			   NFTA_HOOK_DEVS : NFTA_FLOWTABLE_HOOK_DEVS;
	uint32_t ingress = family == NFPROTO_INET &&
			   list->type == NFT_MSG_GETCHAIN ?
			   NF_INET_INGRESS : NF_NETDEV_INGRESS;
	uint32_t number = UINT32_MAX;
	const struct nlattr *attr;
	bool named = false;

	mnl_attr_for_each_nested(attr, hook) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == NFTA_HOOK_HOOKNUM)
			number = ntohl(mnl_attr_get_u32(attr));
		else if (type == NFTA_HOOK_PRIORITY)
			*priority = (int)ntohl(mnl_attr_get_u32(attr));
		else if (type == devices)
			named = names_link(attr, list->link);
	}
	return named && number == ingress;
}

static int read_nft(const struct nlmsghdr *message, void *data)
{
	const struct nfgenmsg *body = mnl_nlmsg_get_payload(message);
	const struct nft_list *list = data;
	bool chain = list->type == NFT_MSG_GETCHAIN;
	uint16_t table_type = chain ? NFTA_CHAIN_TABLE : NFTA_FLOWTABLE_TABLE;
	uint16_t name_type = chain ? NFTA_CHAIN_NAME : NFTA_FLOWTABLE_NAME;
	uint16_t hook_type = chain ? NFTA_CHAIN_HOOK : NFTA_FLOWTABLE_HOOK;
	const struct nlattr *attr, *hook = NULL;
	const char *table = "", *name = "";
	int priority = 0;

	mnl_attr_for_each(attr, message, sizeof(*body)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == table_type)
			table = mnl_attr_get_str(attr);
		else if (type == name_type)
			name = mnl_attr_get_str(attr);
		else if (type == hook_type)
			hook = attr;
	}
	if (!hook || is_interlock(body->nfgen_family, table) ||
	    !hooks_into(list, body->nfgen_family, hook, &priority))
		return MNL_CB_OK;
	json_array_append_new(priority == INT_MIN ? list->hooks->ahead :
						    list->hooks->behind,
			      chain ? put_named("chain", "Chain", table, name) :
			      put_named("flowtable", "Flowtable", table, name));
	return MNL_CB_OK;
}

/* Instead of a list of hooks: what nftables has there. */
static int read_nft_lists(struct hooks *hooks, const struct link *link)
{
	static const uint16_t types[] = {
		NFT_MSG_GETCHAIN, NFT_MSG_GETFLOWTABLE,
	};
	int error = 0;

	hooks->unordered = true;
	for (size_t i = 0; i < ARRAY_SIZE(types) && !error; i++) {
		char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct nft_list list = { hooks, link, types[i] };
		struct nfgenmsg *body;

		request->nlmsg_type =
			(uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | types[i]);
		body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
		body->nfgen_family = NFPROTO_UNSPEC;
		body->version = NFNETLINK_V0;
		error = doctor_dump(NETLINK_NETFILTER, request, read_nft,
				    &list);
	}
	/* As for flowtables: there is no nftables in this kernel. */
	return error == -EINVAL || error == -EPROTONOSUPPORT ? 0 : error;
}

/* Where something is that runs before a guard. */
enum place {
	PLACE_FIRST,	/* on its interface */
	PLACE_SAME,	/* there, and perhaps behind it */
	PLACE_BELOW,	/* on an interface below */
};

static void find_ahead(struct doctor *doctor, const json_t *items,
		       const struct link *link, const char *guard,
		       enum place place)
{
	static const char *const fixes[] = {
		[PLACE_FIRST] = "Give it a higher priority number than -2147483648, or disarm and arm all guards of the interface, which puts them first again.",
		[PLACE_SAME] = "Give it a higher priority number than -2147483648: this kernel does not tell which of the two is first.",
		[PLACE_BELOW] = "Take the interface out of it, or put the guard on this interface with the VLAN's id.",
	};
	struct finding finding = { "hook-ahead", SEVERITY_WARNING, NULL, NULL };
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		finding.kind = field_str(item, "kind");
		finding.object = field_str(item, "object");
		doctor_find(doctor, &finding,
			    cli_format("%s %s on interface %s before guard \"%s\" sees the frame, and may forward it past the guard, copy or change it.",
				       field_str(item, "what"),
				       place == PLACE_SAME ? "may run" : "runs",
				       link->name, guard), fixes[place]);
	}
}

static bool armed(const struct doctor *doctor, const char *name)
{
	const json_t *guards = field(doctor->status, "guards");
	json_t *guard;
	size_t i;

	json_array_foreach(guards, i, guard) {
		if (!strcmp(field_str(guard, "name"), name))
			return !strcmp(field_str(guard, "state"), "armed");
	}
	return false;
}

static void find_missing(struct doctor *doctor, const struct link *link,
			 const char *guard)
{
	struct finding finding = {
		"hook-missing", SEVERITY_PROBLEM, "guard", guard,
	};

	doctor_find(doctor, &finding,
		    cli_format("The guard is armed, but the kernel lists no hook of Lenscap on interface %s, so nothing is judged there.",
			       link->name),
		    "Run this in the network namespace of the daemon; if it was, disarm and arm the guard, and see the kernel log.");
}

/* Do frames of @from come through @link, which is another interface? */
static bool below(const struct doctor *doctor, const struct link *link,
		  const struct link *from, int depth)
{
	if (!from || !depth)
		return false;
	if (from->lower == link->index || link->master == from->index)
		return true;
	if (below(doctor, link, doctor_link(doctor, from->lower), depth - 1))
		return true;
	for (size_t i = 0; i < doctor->link_count; i++) {
		if (doctor->links[i].master == from->index &&
		    below(doctor, link, &doctor->links[i], depth - 1))
			return true;
	}
	return false;
}

static void judge(struct doctor *doctor, const struct hooks *hooks,
		  const struct link *link)
{
	const char *above = NULL, *here = NULL;

	for (size_t i = 0; i < doctor->guard_count; i++) {
		const struct guarded *guard = &doctor->guards[i];

		if (guard->link != link) {
			if (below(doctor, link, guard->link, LINK_DEPTH))
				above = guard->name;
		} else if (armed(doctor, guard->name)) {
			here = guard->name;
			if (!hooks->own && !hooks->unordered)
				find_missing(doctor, link, guard->name);
		}
	}
	if (here && hooks->unordered)
		find_ahead(doctor, hooks->ahead, link, here, PLACE_SAME);
	else if (here && hooks->own)
		find_ahead(doctor, hooks->ahead, link, here, PLACE_FIRST);
	else if (above)
		find_ahead(doctor, hooks->ahead, link, above, PLACE_BELOW);
	if (above)
		find_ahead(doctor, hooks->behind, link, above, PLACE_BELOW);
}

static void skip(struct doctor *doctor, const struct link *link, char *why)
{
	doctor_unchecked(doctor, "hook-ahead", link->name,
			 cli_format("%s", why));
	doctor_unchecked(doctor, "hook-missing", link->name, why);
}

static void check_link(struct doctor *doctor, const struct link *link)
{
	struct hooks hooks = {
		.ahead = cli_alloc(json_array()),
		.behind = cli_alloc(json_array()),
	};
	int error = read_hooks(&hooks, link);

	/* This is how a kernel answers that has no such list. */
	if (error == -EINVAL || error == -EOPNOTSUPP ||
	    error == -EPROTONOSUPPORT)
		error = read_nft_lists(&hooks, link);
	if (error)
		skip(doctor, link,
		     cli_format("the kernel did not list the hooks of the interface: %s",
				strerror(-error)));
	else if (hooks.nameless)
		skip(doctor, link,
		     cli_format("the kernel does not name the functions of hooks"));
	else
		judge(doctor, &hooks, link);
	json_decref(hooks.ahead);
	json_decref(hooks.behind);
}

/**
 * doctor_check_hooks() - does netfilter run anything before a guard?
 * @doctor: the examination
 */
void doctor_check_hooks(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		if (doctor->links[i].guard)
			check_link(doctor, &doctor->links[i]);
	}
}
