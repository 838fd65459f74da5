/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interlock in nftables: a plan written as tables, and what is there.
 */
#ifndef LENSCAPD_INTERLOCK_NFT_H
#define LENSCAPD_INTERLOCK_NFT_H

#include <linux/netfilter/nf_tables.h>

#include "interlock_plan.h"
#include "nft.h"

#define INTERLOCK_TABLE "lenscap"

/* The counters beside guards' own. No keyword of nft(8), which would not read
 * a saved ruleset again.
 */
#define INTERLOCK_PREROUTING	"prerouting"
#define INTERLOCK_FORWARD	"forward"
#define INTERLOCK_INPUT		"input"
#define INTERLOCK_BRIDGE	"bridged"
#define INTERLOCK_PORTS		"ports"

/* What can be written anew, each as a whole. */
#define INTERLOCK_GUARDS	1U	/* table netdev */
#define INTERLOCK_ADDRESSES	2U	/* tables inet and bridge */

/**
 * struct interlock_item - something that is in one of the tables
 * @kind: NFT_MSG_NEWTABLE, ..CHAIN, ..SET or ..OBJ
 * @family: of the table
 * @name: its name
 * @type: of a chain: its type, or empty for one without a hook
 * @object: of an object: its NFT_OBJECT_ type
 * @device: of a chain: its interface, or empty
 * @hook: of a chain
 * @priority: of a chain
 * @accepts: of a chain: what ends there passes
 * @packets: of a counter
 * @bytes: of a counter
 */
struct interlock_item {
	uint16_t kind;
	uint16_t family;
	char name[NFT_NAME_MAXLEN];
	char type[16];
	uint32_t object;
	char device[IF_NAMESIZE];
	uint32_t hook;
	int32_t priority;
	bool accepts;
	uint64_t packets;
	uint64_t bytes;
};

/* What is in the tables; items belong to it. */
struct interlock_there {
	struct interlock_item *items;
	size_t count;
};

int interlock_look(struct nft *nft, struct interlock_there *there);
void interlock_there_free(struct interlock_there *there);
const struct interlock_item *
interlock_find(const struct interlock_there *there, uint16_t kind,
	       uint16_t family, const char *name);
bool interlock_has(const struct interlock_there *there,
		   const struct interlock_plan *plan, bool bridge);
bool interlock_has_guard(const struct interlock_there *there,
			 const struct plan_guard *guard);
bool interlock_lacks(struct nft *nft, struct interlock_plan *have);

void interlock_say(struct nft *nft, struct nft_batch *batch,
		   const struct interlock_there *there,
		   const struct interlock_plan *plan, unsigned int what,
		   bool bridge);
void interlock_say_changes(struct nft *nft, struct nft_batch *batch,
			   const struct interlock_plan *from,
			   const struct interlock_plan *to, bool bridge);
void interlock_say_nothing(struct nft *nft, struct nft_batch *batch,
			   const struct interlock_there *there);

#endif /* LENSCAPD_INTERLOCK_NFT_H */
