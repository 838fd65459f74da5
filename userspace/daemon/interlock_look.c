// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in the interlock's tables: chains, sets and counters by name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include "interlock_chain.h"
#include "interlock_nft.h"
#include "mem.h"

static struct interlock_item *add(struct interlock_there *there, uint16_t kind,
				  uint32_t family, const char *name,
				  uint32_t object)
{
	struct interlock_item *items = there->items, *item;

	/* A list that is read again tells the same again. */
	for (size_t i = 0; i < there->count; i++)
		if (items[i].kind == kind && items[i].family == family &&
		    items[i].object == object && !strcmp(items[i].name, name))
			return &items[i];
	there->items = mem_array_room(items, there->count, 1, sizeof(*item));
	item = &there->items[there->count++];
	memset(item, 0, sizeof(*item));
	item->kind = kind;
	item->family = (uint16_t)family;
	item->object = object;
	snprintf(item->name, sizeof(item->name), "%s", name);
	return item;
}

static bool ours(uint32_t family, const char *table)
{
	return table && !strcmp(table, INTERLOCK_TABLE) &&
	       (family == NFPROTO_NETDEV || family == NFPROTO_INET ||
		family == NFPROTO_BRIDGE);
}

static int take_table(const struct nlmsghdr *message, void *arg)
{
	struct nftnl_table *table = nftnl_table_alloc();

	if (table && !nftnl_table_nlmsg_parse(message, table)) {
		uint32_t family = nftnl_table_get_u32(table,
						      NFTNL_TABLE_FAMILY);
		const char *name = nftnl_table_get_str(table,
						       NFTNL_TABLE_NAME);

		if (ours(family, name))
			add(arg, NFT_MSG_NEWTABLE, family, name, 0);
	}
	if (table)
		nftnl_table_free(table);
	return MNL_CB_OK;
}

static void describe_chain(struct interlock_item *item,
			   const struct nftnl_chain *chain)
{
	const char *const *devices;
	uint32_t ignored;

	item->type[0] = '\0';
	item->device[0] = '\0';
	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
		return;
	snprintf(item->type, sizeof(item->type), "%s",
		 nftnl_chain_is_set(chain, NFTNL_CHAIN_TYPE) ?
		 nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE) : "");
	item->hook = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
	item->priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
	item->accepts = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) ==
			NF_ACCEPT;
	/* On two interfaces it is not as it should be: left empty. */
	if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEVICES)) {
		devices = nftnl_chain_get_data(chain, NFTNL_CHAIN_DEVICES,
					       &ignored);
		if (devices && devices[0] && !devices[1])
			snprintf(item->device, sizeof(item->device), "%s",
				 devices[0]);
	} else if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEV)) {
		snprintf(item->device, sizeof(item->device), "%s",
			 nftnl_chain_get_str(chain, NFTNL_CHAIN_DEV));
	}
}

static int take_chain(const struct nlmsghdr *message, void *arg)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (chain && !nftnl_chain_nlmsg_parse(message, chain)) {
		uint32_t family = nftnl_chain_get_u32(chain,
						      NFTNL_CHAIN_FAMILY);

		/* What belongs to a rule goes with it. */
		if (ours(family, nftnl_chain_get_str(chain,
						     NFTNL_CHAIN_TABLE)) &&
		    !(nftnl_chain_get_u32(chain, NFTNL_CHAIN_FLAGS) &
		      NFT_CHAIN_BINDING))
			describe_chain(add(arg, NFT_MSG_NEWCHAIN, family,
					   nftnl_chain_get_str(chain,
							NFTNL_CHAIN_NAME), 0),
				       chain);
	}
	if (chain)
		nftnl_chain_free(chain);
	return MNL_CB_OK;
}

static int take_set(const struct nlmsghdr *message, void *arg)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (set && !nftnl_set_nlmsg_parse(message, set)) {
		uint32_t family = nftnl_set_get_u32(set, NFTNL_SET_FAMILY);

		if (ours(family, nftnl_set_get_str(set, NFTNL_SET_TABLE)) &&
		    !(nftnl_set_get_u32(set, NFTNL_SET_FLAGS) &
		      NFT_SET_ANONYMOUS))
			add(arg, NFT_MSG_NEWSET, family,
			    nftnl_set_get_str(set, NFTNL_SET_NAME), 0);
	}
	if (set)
		nftnl_set_free(set);
	return MNL_CB_OK;
}

static int take_object(const struct nlmsghdr *message, void *arg)
{
	struct nftnl_obj *object = nftnl_obj_alloc();
	struct interlock_item *item;

	if (object && !nftnl_obj_nlmsg_parse(message, object)) {
		uint32_t family = nftnl_obj_get_u32(object, NFTNL_OBJ_FAMILY);

		if (!ours(family, nftnl_obj_get_str(object, NFTNL_OBJ_TABLE)))
			goto out;
		item = add(arg, NFT_MSG_NEWOBJ, family,
			   nftnl_obj_get_str(object, NFTNL_OBJ_NAME),
			   nftnl_obj_get_u32(object, NFTNL_OBJ_TYPE));
		if (item->object != NFT_OBJECT_COUNTER)
			goto out;
		item->packets = nftnl_obj_get_u64(object, NFTNL_OBJ_CTR_PKTS);
		item->bytes = nftnl_obj_get_u64(object, NFTNL_OBJ_CTR_BYTES);
	}
out:
	if (object)
		nftnl_obj_free(object);
	return MNL_CB_OK;
}

/**
 * interlock_look() - list what is in the tables
 * @nft: the socket
 * @there: result, to be freed also after an error
 *
 * Return: 0, or an errno.
 */
int interlock_look(struct nft *nft, struct interlock_there *there)
{
	static const struct {
		uint16_t kind;
		mnl_cb_t take;
	} kinds[] = {
		{ NFT_MSG_GETTABLE, take_table },
		{ NFT_MSG_GETCHAIN, take_chain },
		{ NFT_MSG_GETSET, take_set },
		{ NFT_MSG_GETOBJ, take_object },
	};
	int code = 0;

	memset(there, 0, sizeof(*there));
	for (size_t i = 0; !code && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		code = nft_list(nft, kinds[i].kind, kinds[i].take, there);
	return code;
}

/**
 * interlock_there_free() - free a list
 * @there: it
 */
void interlock_there_free(struct interlock_there *there)
{
	free(there->items);
	memset(there, 0, sizeof(*there));
}

/**
 * interlock_find() - find something in a list
 * @there: the list
 * @kind: NFT_MSG_NEW*; of objects, only counters are found
 * @family: of its table
 * @name: its name
 *
 * Return: it, or NULL.
 */
const struct interlock_item *
interlock_find(const struct interlock_there *there, uint16_t kind,
	       uint16_t family, const char *name)
{
	for (size_t i = 0; i < there->count; i++) {
		const struct interlock_item *item = &there->items[i];

		if (item->kind == kind && item->family == family &&
		    !strcmp(item->name, name) &&
		    (kind != NFT_MSG_NEWOBJ ||
		     item->object == NFT_OBJECT_COUNTER))
			return item;
	}
	return NULL;
}

static bool has_chain(const struct interlock_there *there,
		      const struct base_chain *chain)
{
	const struct interlock_item *item =
		interlock_find(there, NFT_MSG_NEWCHAIN, chain->family,
			       chain->name);

	return item && chain_is(item, chain);
}

/**
 * interlock_has_guard() - is the chain of a guard there?
 * @there: what there is
 * @guard: a guard whose interface exists
 */
bool interlock_has_guard(const struct interlock_there *there,
			 const struct plan_guard *guard)
{
	struct base_chain chain;

	chain_of_guard(&chain, guard);
	return has_chain(there, &chain) &&
	       interlock_find(there, NFT_MSG_NEWOBJ, NFPROTO_NETDEV,
			      guard->counter);
}

/**
 * interlock_has() - is everything there that has a name?
 * @there: what there is
 * @plan: what should be
 * @bridge: this kernel filters on bridges
 */
bool interlock_has(const struct interlock_there *there,
		   const struct interlock_plan *plan, bool bridge)
{
	struct base_chain chain;

	for (size_t i = 0; i < CHAIN_ADDRESSES; i++)
		if ((bridge || chains[i].family != NFPROTO_BRIDGE) &&
		    !has_chain(there, &chains[i]))
			return false;
	for (size_t i = 0; i < plan->nguards; i++)
		if (plan->guards[i].ifindex &&
		    !interlock_has_guard(there, &plan->guards[i]))
			return false;
	for (size_t i = 0; i < plan->nports; i++) {
		chain_of_port(&chain, &plan->ports[i]);
		if (!has_chain(there, &chain))
			return false;
	}
	return true;
}

/*
 * Kernels differ in what becomes of a chain whose interface goes: 6.1 removes
 * it as well, later ones and Debian's 6.12.117 keep it, on no interface.
 */
static bool chain_lost(struct nft *nft, const struct base_chain *chain)
{
	struct interlock_there found = { 0 };
	bool lost;
	int code = nft_find_chain(nft, chain->family, INTERLOCK_TABLE,
				  chain->name, take_chain, &found);

	lost = code == ENOENT ||
	       (!code && found.count && !found.items[0].device[0]);
	interlock_there_free(&found);
	return lost;
}

/**
 * interlock_lacks() - does a chain stand on no interface any more?
 * @nft: the socket
 * @have: what was written last; such guards and ports are marked as lost
 *
 * The kernel takes a chain from an interface that goes, and says so to nobody
 * who could tell it from an interface that is still there: it may be back by
 * then, with the index that it had. The chain is not, and only that is worth
 * asking for.
 *
 * Return: true if there is such a chain.
 */
bool interlock_lacks(struct nft *nft, struct interlock_plan *have)
{
	struct base_chain chain, last = { 0 };
	bool lost = false, any = false;

	for (size_t i = 0; i < have->nguards; i++) {
		struct plan_guard *guard = &have->guards[i];

		if (!guard->ifindex)
			continue;
		chain_of_guard(&chain, guard);
		/* The guards of an interface, one behind the other, share it. */
		if (strcmp(chain.name, last.name) != 0)
			lost = chain_lost(nft, &chain);
		last = chain;
		guard->lost = lost;
		any |= lost;
	}
	for (size_t i = 0; i < have->nports; i++) {
		struct plan_port *port = &have->ports[i];

		chain_of_port(&chain, port);
		port->lost = port->ifindex && chain_lost(nft, &chain);
		any |= port->lost;
	}
	return any;
}
