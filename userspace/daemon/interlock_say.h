/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of a batch about the interlock, one for each thing.
 */
#ifndef LENSCAPD_INTERLOCK_SAY_H
#define LENSCAPD_INTERLOCK_SAY_H

#include <libnftnl/rule.h>

#include "interlock_chain.h"
#include "interlock_nft.h"

/**
 * struct writer - what is being written
 * @nft: the socket
 * @batch: the batch
 * @there: what is there
 * @plan: what should be
 */
struct writer {
	struct nft *nft;
	struct nft_batch *batch;
	const struct interlock_there *there;
	const struct interlock_plan *plan;
};

/**
 * struct plan_set_kind - what a set of addresses is in nftables
 * @name: its name
 * @type: of its elements, for the lists of nft(8)
 * @len: bytes of an address
 * @ranges: it has ranges, not single ones
 */
struct plan_set_kind {
	const char *name;
	uint32_t type;
	uint32_t len;
	bool ranges;
};

extern const struct plan_set_kind plan_sets[PLAN_SETS];

void say_table(const struct writer *w, uint16_t type, uint16_t family);
void say_chain(const struct writer *w, const struct base_chain *base);
void say_no_chain(const struct writer *w, uint16_t family, const char *name);
void say_rule(const struct writer *w, uint16_t family, const char *chain,
	      struct nftnl_rule *rule);
void say_no_rules(const struct writer *w, uint16_t family);
void say_counter(const struct writer *w, uint16_t family, const char *name);
void say_no_object(const struct writer *w, uint16_t family, const char *name,
		   uint32_t type);
void say_set(const struct writer *w, uint16_t family, enum plan_set which);
void say_no_set(const struct writer *w, uint16_t family, const char *name);
void say_elements(const struct writer *w, uint16_t type, uint16_t family,
		  enum plan_set which, const struct keys *keys);

#endif /* LENSCAPD_INTERLOCK_SAY_H */
