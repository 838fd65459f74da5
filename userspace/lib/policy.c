// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy file as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/lenscap.h>

#include "digest.h"
#include "mem.h"
#include "parse.h"
#include "text.h"

#define VERSION 1

enum {
	KEY_VERSION,
	KEY_REVISION,
	KEY_DESTINATIONS,
	KEY_PROFILES,
	KEY_DEVICES,
	KEY_INVENTORY,
	KEYS
};

static const struct ykey keys[KEYS] = {
	[KEY_VERSION] = { "version", true },
	[KEY_REVISION] = { "revision", true },
	[KEY_DESTINATIONS] = { "destinations", false },
	[KEY_PROFILES] = { "profiles", false },
	[KEY_DEVICES] = { "devices", false },
	[KEY_INVENTORY] = { "inventory", false },
};

/* Does a bundle's file have the name that the policy gave it? Where it lies
 * is for whoever read it to say.
 */
static bool is_called(const struct policy_file *file, const char *name)
{
	size_t len = strlen(name), have = strlen(file->name);

	return have >= len && !strcmp(file->name + have - len, name) &&
	       (have == len || file->name[have - len - 1] == '/');
}

static void parse_inventories(struct parse *parse, const struct ynode *node)
{
	const struct policy_bundle *bundle = parse->bundle;
	const struct ynode **names = NULL;
	size_t count = 0;

	if (node)
		count = inventory_names(&parse->tree, node, &names);
	for (size_t i = 0; i < count; i++) {
		if (i + 1 >= bundle->count ||
		    !is_called(&bundle->files[i + 1], names[i]->text)) {
			ynode_error(&parse->tree, names[i],
				    "inventory: \"%s\" did not come with the policy at its place",
				    TEXT_CLIP(names[i]->text));
			break;
		}
		if (bundle->files[i + 1].text)
			inventory_parse(parse, &bundle->files[i + 1]);
	}
	for (size_t i = count + 1; i < bundle->count; i++)
		diag_error(parse->diag, bundle->files[i].name, 0, 0,
			   "came with the policy, but is not named under inventory");
	free(names);
}

static void check_whole(struct parse *parse, const struct ynode *node)
{
	const struct ytree *tree = &parse->tree;
	size_t count = parse->policy->ndevices;

	if (!node)
		node = tree->root;
	if (count > LENSCAP_MAX_DEVICES)
		ynode_error(tree, node,
			    "there are %zu devices, but the limit is %u",
			    count, LENSCAP_MAX_DEVICES);
	/* What nothing uses may only seem so while something is refused. */
	if (parse->diag->errors)
		return;
	if (!count)
		ynode_warning(tree, node,
			      "there are no devices: guards will drop everything");
	destinations_warn_unused(parse);
	profiles_warn_unused(parse);
	overlaps_warn(parse);
}

static void parse_root(struct parse *parse)
{
	const struct ytree *tree = &parse->tree;
	const struct ynode *values[KEYS];
	const struct ynode *node;
	uint64_t version;

	if (tree->root->type != YNODE_MAP) {
		ynode_error(tree, tree->root,
			    "a policy is a mapping that begins with \"version: %u\", this is %s",
			    VERSION, ynode_kind(tree->root));
		return;
	}
	/* Another version may have other keys. */
	node = ynode_find(tree->root, keys[KEY_VERSION].name);
	if (node && !ynode_is_null(node) &&
	    ynode_number(tree, node, "version", 0, UINT64_MAX, &version) &&
	    version != VERSION) {
		ynode_error(tree, node,
			    "version %s is not known: this program reads version %u; nothing else was checked",
			    TEXT_CLIP(node->text), VERSION);
		return;
	}
	ynode_fields(tree, tree->root, NULL, keys, KEYS, values);
	if (values[KEY_REVISION])
		ynode_number(tree, values[KEY_REVISION], "revision", 1,
			     INT64_MAX, &parse->policy->revision);
	if (values[KEY_DESTINATIONS])
		destinations_parse(parse, values[KEY_DESTINATIONS]);
	if (values[KEY_PROFILES])
		profiles_parse(parse, values[KEY_PROFILES]);
	if (values[KEY_DEVICES])
		devices_parse(parse, values[KEY_DEVICES]);
	parse_inventories(parse, values[KEY_INVENTORY]);
	check_whole(parse, values[KEY_DEVICES]);
}

static void parse_free(struct parse *parse)
{
	for (size_t i = 0; i < parse->ndestinations; i++)
		free(parse->destinations[i].prefixes);
	free(parse->destinations);
	free(parse->profiles);
	free(parse->places);
	index_free(&parse->destination_names);
	index_free(&parse->profile_names);
	index_free(&parse->device_names);
	index_free(&parse->identities);
	ytree_free(&parse->tree);
}

/**
 * policy_parse_tree() - as policy_parse(), of a policy that is a tree already
 * @bundle: the texts
 * @tree: the first of them, if it is known to be good YAML, or empty; taken
 *	over
 * @policy: as of policy_parse()
 * @diag: as of policy_parse()
 *
 * Return: as policy_parse().
 */
int policy_parse_tree(const struct policy_bundle *bundle, struct ytree *tree,
		      struct policy *policy, struct diag *diag)
{
	struct parse parse = {
		.bundle = bundle,
		.policy = policy,
		.diag = diag,
		.tree = *tree,
	};
	size_t before = diag->errors;

	memset(policy, 0, sizeof(*policy));
	if (!bundle->count) {
		diag_error(diag, NULL, 0, 0, "there is no policy file");
		return -1;
	}
	*tree = (struct ytree) { 0 };
	parse.tree.diag = diag;
	if (parse.tree.root ||
	    !ytree_parse(&bundle->files[0], &parse.tree, diag))
		parse_root(&parse);
	parse_free(&parse);
	diag_sort(diag);
	if (diag->errors != before) {
		policy_free(policy);
		return -1;
	}
	digest_bundle(bundle, policy->digest);
	return 0;
}

int policy_parse(const struct policy_bundle *bundle, struct policy *policy,
		 struct diag *diag)
{
	struct ytree none = { 0 };

	return policy_parse_tree(bundle, &none, policy, diag);
}

void policy_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->nprofiles; i++) {
		free(policy->profiles[i].name);
		free(policy->profiles[i].rules);
	}
	free(policy->profiles);
	for (size_t i = 0; i < policy->ndevices; i++) {
		free(policy->devices[i].name);
		free(policy->devices[i].guard);
		free(policy->devices[i].addrs);
		free(policy->devices[i].profile);
	}
	free(policy->devices);
	memset(policy, 0, sizeof(*policy));
}
