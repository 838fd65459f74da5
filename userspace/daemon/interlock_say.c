// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of a batch about the interlock, one for each thing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include "interlock_say.h"

/* What nft(8) calls the types of elements, in its lists. */
#define TYPE_IPV4	7U
#define TYPE_IPV6	8U
#define TYPE_ETHER	9U

const struct plan_set_kind plan_sets[PLAN_SETS] = {
	[PLAN_MACS] = { "macs", TYPE_ETHER, 6, false },
	[PLAN_HOSTS4] = { "hosts4", TYPE_IPV4, 4, false },
	[PLAN_HOSTS6] = { "hosts6", TYPE_IPV6, 16, false },
	[PLAN_NETS4] = { "nets4", TYPE_IPV4, 4, true },
	[PLAN_NETS6] = { "nets6", TYPE_IPV6, 16, true },
};

/* As mem_alloc(): it is there, or the program ends. */
static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct nft_part part_of(const char *verb, const char *kind,
			       uint16_t family, const char *name)
{
	struct nft_part part = {
		.verb = verb, .kind = kind, .family = family,
	};

	(void)snprintf(part.name, sizeof(part.name), "%s", name);
	return part;
}

static struct nlmsghdr *message(const struct writer *w, uint16_t type,
				uint16_t flags, struct nft_part part)
{
	return nft_batch_message(w->nft, w->batch, type, flags, &part);
}

/**
 * say_table() - add the table of a family, or delete it with all in it
 * @w: the writer
 * @type: NFT_MSG_NEWTABLE or NFT_MSG_DELTABLE
 * @family: the family
 */
void say_table(const struct writer *w, uint16_t type, uint16_t family)
{
	struct nlmsghdr *nlh =
		message(w, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0,
			part_of(type == NFT_MSG_NEWTABLE ? "add" : "delete",
				"the table itself", family, ""));
	struct nftnl_table *table = must(nftnl_table_alloc());

	nftnl_table_set_u32(table, NFTNL_TABLE_FAMILY, family);
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, INTERLOCK_TABLE);
	/* Also wakes one that somebody has put to sleep. */
	if (type == NFT_MSG_NEWTABLE)
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, 0);
	if (nlh)
		nftnl_table_nlmsg_build_payload(nlh, table);
	nft_batch_next(w->batch);
	nftnl_table_free(table);
}

/**
 * say_chain() - add a base chain
 * @w: the writer
 * @base: the chain
 */
void say_chain(const struct writer *w, const struct base_chain *base)
{
	char device[IF_NAMESIZE] = "";
	struct nlmsghdr *nlh = message(w, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
				       part_of("add", "chain", base->family,
					       base->name));
	struct nftnl_chain *chain = must(nftnl_chain_alloc());

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, INTERLOCK_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, base->name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, base->hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, base->priority);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	/* Without one the kernel refuses the chain, which is tried again. */
	if (base->ifindex && if_indextoname(base->ifindex, device))
		nftnl_chain_set_str(chain, NFTNL_CHAIN_DEV, device);
	if (nlh)
		nftnl_chain_nlmsg_build_payload(nlh, chain);
	nft_batch_next(w->batch);
	nftnl_chain_free(chain);
}

/**
 * say_no_chain() - delete a chain, whose rules are gone
 * @w: the writer
 * @family: of its table
 * @name: its name
 */
void say_no_chain(const struct writer *w, uint16_t family, const char *name)
{
	struct nlmsghdr *nlh = message(w, NFT_MSG_DELCHAIN, 0,
				       part_of("delete", "chain", family,
					       name));
	struct nftnl_chain *chain = must(nftnl_chain_alloc());

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, INTERLOCK_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	if (nlh)
		nftnl_chain_nlmsg_build_payload(nlh, chain);
	nft_batch_next(w->batch);
	nftnl_chain_free(chain);
}

/**
 * say_rule() - append a rule to a chain
 * @w: the writer
 * @family: of the table
 * @chain: name of the chain
 * @rule: the rule, which is taken over
 */
void say_rule(const struct writer *w, uint16_t family, const char *chain,
	      struct nftnl_rule *rule)
{
	struct nlmsghdr *nlh = message(w, NFT_MSG_NEWRULE,
				       NLM_F_CREATE | NLM_F_APPEND,
				       part_of("add", "a rule to chain",
					       family, chain));

	if (nlh)
		nftnl_rule_nlmsg_build_payload(nlh, rule);
	nft_batch_next(w->batch);
	nftnl_rule_free(rule);
}

/**
 * say_no_rules() - delete the rules of all chains of a table
 * @w: the writer
 * @family: of the table
 */
void say_no_rules(const struct writer *w, uint16_t family)
{
	struct nlmsghdr *nlh = message(w, NFT_MSG_DELRULE, 0,
				       part_of("delete", "the rules", family,
					       ""));
	struct nftnl_rule *rule = must(nftnl_rule_alloc());

	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, INTERLOCK_TABLE);
	if (nlh)
		nftnl_rule_nlmsg_build_payload(nlh, rule);
	nft_batch_next(w->batch);
	nftnl_rule_free(rule);
}

static struct nftnl_obj *object_of(const char *name, uint32_t type)
{
	struct nftnl_obj *object = must(nftnl_obj_alloc());

	nftnl_obj_set_str(object, NFTNL_OBJ_TABLE, INTERLOCK_TABLE);
	nftnl_obj_set_str(object, NFTNL_OBJ_NAME, name);
	nftnl_obj_set_u32(object, NFTNL_OBJ_TYPE, type);
	return object;
}

/**
 * say_counter() - add a counter
 * @w: the writer
 * @family: of the table
 * @name: its name
 */
void say_counter(const struct writer *w, uint16_t family, const char *name)
{
	struct nlmsghdr *nlh = message(w, NFT_MSG_NEWOBJ, NLM_F_CREATE,
				       part_of("add", "counter", family,
					       name));
	struct nftnl_obj *object = object_of(name, NFT_OBJECT_COUNTER);

	nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_PKTS, 0);
	nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_BYTES, 0);
	if (nlh)
		nftnl_obj_nlmsg_build_payload(nlh, object);
	nft_batch_next(w->batch);
	nftnl_obj_free(object);
}

/**
 * say_no_object() - delete a counter, or what else has a name and state
 * @w: the writer
 * @family: of its table
 * @name: its name
 * @type: of the object: two of different types may have one name
 */
void say_no_object(const struct writer *w, uint16_t family, const char *name,
		   uint32_t type)
{
	struct nlmsghdr *nlh = message(w, NFT_MSG_DELOBJ, 0,
				       part_of("delete", "object", family,
					       name));
	struct nftnl_obj *object = object_of(name, type);

	if (nlh)
		nftnl_obj_nlmsg_build_payload(nlh, object);
	nft_batch_next(w->batch);
	nftnl_obj_free(object);
}

static void add_element(struct nftnl_set *set, const uint8_t *key, uint32_t len,
			uint32_t flags)
{
	struct nftnl_set_elem *element = must(nftnl_set_elem_alloc());

	nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key, len);
	if (flags)
		nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, flags);
	nftnl_set_elem_add(set, element);
}

/* A range ends before the element behind it, or never. */
static void add_range(struct nftnl_set *set, const uint8_t *range, uint32_t len)
{
	uint8_t next[KEY_MAX / 2];

	add_element(set, range, len, 0);
	memcpy(next, range + len, len);
	for (uint32_t i = len; i-- > 0;) {
		if (++next[i]) {
			add_element(set, next, len, NFT_SET_ELEM_INTERVAL_END);
			return;
		}
	}
}

/**
 * say_elements() - add elements to a set, or delete them
 * @w: the writer
 * @type: NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM
 * @family: of the table
 * @which: the set
 * @keys: they
 *
 * In as many messages as it takes: a list has at most 64 KB.
 */
void say_elements(const struct writer *w, uint16_t type, uint16_t family,
		  enum plan_set which, const struct keys *keys)
{
	struct nftnl_set *set;
	struct nftnl_set_elems_iter *iter;
	int more = 1;

	if (!keys->count)
		return;
	set = must(nftnl_set_alloc());
	nftnl_set_set_str(set, NFTNL_SET_TABLE, INTERLOCK_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, plan_sets[which].name);
	for (size_t i = 0; i < keys->count; i++) {
		const uint8_t *key = keys->data + i * keys->size;

		if (plan_sets[which].ranges)
			add_range(set, key, plan_sets[which].len);
		else
			add_element(set, key, plan_sets[which].len, 0);
	}
	iter = must(nftnl_set_elems_iter_create(set));
	while (more > 0) {
		bool new = type == NFT_MSG_NEWSETELEM;
		struct nlmsghdr *nlh =
			message(w, type, new ? NLM_F_CREATE : 0,
				part_of(new ? "add" : "delete",
					"elements of set", family,
					plan_sets[which].name));

		more = nlh ? nftnl_set_elems_nlmsg_build_payload_iter(nlh,
								      iter) :
			     0;
		nft_batch_next(w->batch);
	}
	nftnl_set_elems_iter_destroy(iter);
	nftnl_set_free(set);
}

/**
 * say_set() - add a set with all elements of the plan
 * @w: the writer
 * @family: of the table
 * @which: the set
 */
void say_set(const struct writer *w, uint16_t family, enum plan_set which)
{
	struct nlmsghdr *nlh = message(w, NFT_MSG_NEWSET, NLM_F_CREATE,
				       part_of("add", "set", family,
					       plan_sets[which].name));
	struct nftnl_set *set = must(nftnl_set_alloc());

	nftnl_set_set_str(set, NFTNL_SET_TABLE, INTERLOCK_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, plan_sets[which].name);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, family);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, plan_sets[which].type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, plan_sets[which].len);
	nftnl_set_set_u32(set, NFTNL_SET_ID, which + 1);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS,
			  plan_sets[which].ranges ? NFT_SET_INTERVAL : 0);
	if (nlh)
		nftnl_set_nlmsg_build_payload(nlh, set);
	nft_batch_next(w->batch);
	nftnl_set_free(set);
	say_elements(w, NFT_MSG_NEWSETELEM, family, which,
		     &w->plan->sets[which]);
}

/**
 * say_no_set() - delete a set
 * @w: the writer
 * @family: of its table
 * @name: its name
 */
void say_no_set(const struct writer *w, uint16_t family, const char *name)
{
	struct nlmsghdr *nlh = message(w, NFT_MSG_DELSET, 0,
				       part_of("delete", "set", family, name));
	struct nftnl_set *set = must(nftnl_set_alloc());

	nftnl_set_set_str(set, NFTNL_SET_TABLE, INTERLOCK_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, name);
	if (nlh)
		nftnl_set_nlmsg_build_payload(nlh, set);
	nft_batch_next(w->batch);
	nftnl_set_free(set);
}
