/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the policy parser share. Not for other users.
 */
#ifndef LENSCAP_PARSE_H
#define LENSCAP_PARSE_H

#include "index.h"
#include "policy.h"
#include "suggest.h"
#include "ytree.h"

/* Room for "device \"<63 bytes>\"", also with a long and wrong name. */
#define WHAT_TEXT 128

struct destination {
	const char *name;		/* in the tree */
	const struct ynode *node;	/* its key */
	struct policy_prefix *prefixes;
	size_t nprefixes;
	bool used;
};

struct profile_note {
	const struct ynode *node;	/* its key */
	bool used;
};

struct place {
	const char *file;		/* in the bundle */
	unsigned int line;
};

/* One parse. @policy grows in step with @profiles and @places. */
struct parse {
	const struct policy_bundle *bundle;
	struct policy *policy;
	struct diag *diag;
	struct ytree tree;
	struct destination *destinations;
	size_t ndestinations;
	struct index destination_names;
	struct profile_note *profiles;
	struct index profile_names;
	struct place *places;		/* of the devices */
	struct index device_names;
	struct index identities;	/* MACs and host addresses */
};

/* A word with its place, NULL if there is none. */
struct field {
	const char *text;
	unsigned int line;
	unsigned int column;
};

/**
 * struct device_draft - a device as it was written, in YAML or CSV
 * @file: where, borrowed from the bundle
 * @name: required, as the following unless it says otherwise
 * @profile: its profile
 * @mac: optional
 * @guard: optional
 * @addresses: at least one
 * @naddresses: entries
 * @has_mac: there is a MAC, although it may have been refused
 */
struct device_draft {
	const char *file;
	struct field name;
	struct field profile;
	struct field mac;
	struct field guard;
	struct field *addresses;
	size_t naddresses;
	bool has_mac;
};

/* destination.c */
void destinations_parse(struct parse *parse, const struct ynode *node);
void destinations_warn_unused(struct parse *parse);
bool destination_resolve(struct parse *parse, const char *what,
			 const struct ynode *node,
			 struct policy_prefix **prefixes, size_t *count);

/* profile.c */
void profiles_parse(struct parse *parse, const struct ynode *node);
void profiles_warn_unused(struct parse *parse);

/* rule.c */
size_t rule_parse(struct parse *parse, const char *what,
		  const struct ynode *node, bool peer_initiates,
		  struct policy_profile *profile);

/* device.c */
void devices_parse(struct parse *parse, const struct ynode *node);
void device_add(struct parse *parse, const struct device_draft *draft);

/* overlap.c */
void overlaps_warn(struct parse *parse);

/* inventory.c */
void inventory_parse(struct parse *parse, const struct policy_file *file);

/* policy.c */
int policy_parse_tree(const struct policy_bundle *bundle, struct ytree *tree,
		      struct policy *policy, struct diag *diag);

/* bundle.c */
size_t inventory_names(const struct ytree *tree, const struct ynode *node,
		       const struct ynode ***names);

/* Guesses cost time; nobody reads the thousandth. */
static inline bool parse_may_guess(const struct parse *parse)
{
	return parse->diag->count < DIAG_MAX;
}

#endif /* LENSCAP_PARSE_H */
