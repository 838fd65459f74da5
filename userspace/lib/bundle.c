// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy file and the inventories it names, read as one.
 */
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "mem.h"
#include "parse.h"
#include "text.h"

/* Enough for one per building, few enough to read all at once. */
#define INVENTORIES_MAX 64

#define ATTEMPTS 2

/* Why a policy may not name this file, or NULL. */
static const char *bad_path(const char *path)
{
	const char *part = path;

	if (!*path)
		return "is empty";
	if (*path == '/')
		return "is absolute: name it relative to the policy file, whose directory it must be in";
	for (const char *c = path; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "holds a control character";
	}
	while (part) {
		const char *slash = strchr(part, '/');
		size_t len = slash ? (size_t)(slash - part) : strlen(part);

		if (!len || (len == 1 && part[0] == '.'))
			return "is not written plainly: leave out \"./\" and doubled slashes";
		if (len == 2 && part[0] == '.' && part[1] == '.')
			return "leaves the policy's directory";
		part = slash ? slash + 1 : NULL;
	}
	return NULL;
}

/**
 * inventory_names() - the inventories that a policy names
 * @tree: its document; receives the errors
 * @node: the value of "inventory"
 * @names: receives the nodes of the valid names, to be freed
 *
 * Return: how many there are.
 */
size_t inventory_names(const struct ytree *tree, const struct ynode *node,
		       const struct ynode ***names)
{
	struct index seen = { 0 };
	const struct ynode *item;
	size_t count = 0;

	*names = NULL;
	if (node->type == YNODE_LIST && !node->first)
		return 0;
	if (!ynode_some(tree, node, "inventory", NULL, &item))
		return 0;
	for (; item; item = ynode_next(node, item)) {
		const char *path = ynode_text(tree, item, "inventory");
		const char *bad = path ? bad_path(path) : NULL;

		if (bad)
			ynode_error(tree, item, "inventory: \"%s\" %s",
				    TEXT_CLIP(path), bad);
		if (!path || bad)
			continue;
		if (!index_add(&seen, path, strlen(path), 0, NULL)) {
			ynode_error(tree, item,
				    "inventory: \"%s\" is named twice",
				    TEXT_CLIP(path));
			continue;
		}
		if (count == INVENTORIES_MAX) {
			ynode_error(tree, item,
				    "inventory: more than %u files are named: merge some",
				    INVENTORIES_MAX);
			break;
		}
		*names = mem_array_room(*names, count, 1, sizeof(void *));
		(*names)[count++] = item;
	}
	index_free(&seen);
	return count;
}

/**
 * struct attempt - to read all files in the state of one moment
 * @bundle: what was read
 * @versions: of its files
 * @tree: the policy file, unless its YAML is bad: it is large, and parsing it
 *	once has to do
 * @changed: a file that did not stand still
 * @failed: one cannot be read
 * @diag: receives why
 */
struct attempt {
	struct policy_bundle *bundle;
	struct file_version *versions;
	struct ytree tree;
	const char *changed;
	bool failed;
	struct diag *diag;
};

/* A file that cannot be read leaves an empty place, so that the rest can
 * still be judged.
 */
static void read_one(struct attempt *attempt, const char *path)
{
	struct policy_bundle *bundle = attempt->bundle;
	struct policy_file *file;
	struct file_version *version;

	bundle->files = mem_array_room(bundle->files, bundle->count, 1,
				       sizeof(*bundle->files));
	attempt->versions = mem_array_room(attempt->versions, bundle->count, 1,
					   sizeof(*attempt->versions));
	file = &bundle->files[bundle->count];
	version = &attempt->versions[bundle->count];
	bundle->count++;
	switch (file_read(path, file, version, attempt->diag)) {
	case FILE_READ:
		return;
	case FILE_FAILED:
		attempt->failed = true;
		break;
	case FILE_CHANGED:
		attempt->changed = path;
		break;
	}
	file->name = mem_copy(path);
}

/* Which files to read besides. What is wrong with the policy is said when it
 * is parsed, not here.
 */
static size_t find_inventories(struct attempt *attempt, char ***paths)
{
	const struct policy_file *file = &attempt->bundle->files[0];
	struct ytree *tree = &attempt->tree;
	const struct ynode **names = NULL;
	const struct ynode *node = NULL;
	struct diag unheard = { 0 };
	size_t count = 0;

	*paths = NULL;
	if (ytree_parse(file, tree, &unheard) < 0 || unheard.count)
		ytree_free(tree);
	else
		node = ynode_find(tree->root, "inventory");
	if (node)
		count = inventory_names(tree, node, &names);
	if (count)
		*paths = mem_alloc(count * sizeof(void *));
	for (size_t i = 0; i < count; i++)
		(*paths)[i] = file_beside(file->name, names[i]->text);
	free(names);
	diag_free(&unheard);
	return count;
}

static void read_inventories(struct attempt *attempt)
{
	char **paths;
	size_t count;

	count = find_inventories(attempt, &paths);
	for (size_t i = 0; i < count; i++) {
		if (!attempt->changed)
			read_one(attempt, paths[i]);
		/* The bundle keeps a copy. */
		if (attempt->changed == paths[i])
			attempt->changed = attempt->bundle->files
				[attempt->bundle->count - 1].name;
		free(paths[i]);
	}
	free(paths);
	/* All of one moment: none may have changed until the last was read. */
	for (size_t i = 0; i < attempt->bundle->count; i++) {
		const struct policy_file *file = &attempt->bundle->files[i];

		if (file->text && !attempt->changed &&
		    !file_is_same(file->name, &attempt->versions[i]))
			attempt->changed = file->name;
	}
}

int policy_read(const char *path, struct policy_bundle *bundle,
		struct policy *policy, struct diag *diag)
{
	struct attempt attempt = { .bundle = bundle, .diag = diag };

	memset(bundle, 0, sizeof(*bundle));
	memset(policy, 0, sizeof(*policy));
	for (int i = 0; i < ATTEMPTS; i++) {
		policy_bundle_free(bundle);
		ytree_free(&attempt.tree);
		attempt.changed = NULL;
		read_one(&attempt, path);
		if (!attempt.failed && !attempt.changed)
			read_inventories(&attempt);
		free(attempt.versions);
		attempt.versions = NULL;
		if (attempt.failed || !attempt.changed)
			break;
	}
	if (!attempt.failed && !attempt.changed)
		return policy_parse_tree(bundle, &attempt.tree, policy, diag);
	if (attempt.failed && bundle->count > 1) {
		/* An inventory is missing: say also what else is wrong. */
		(void)policy_parse_tree(bundle, &attempt.tree, policy, diag);
		policy_free(policy);
	}
	if (!attempt.failed)
		file_changed(attempt.changed, diag);
	ytree_free(&attempt.tree);
	return -1;
}

void policy_bundle_free(struct policy_bundle *bundle)
{
	for (size_t i = 0; i < bundle->count; i++)
		file_free(&bundle->files[i]);
	free(bundle->files);
	memset(bundle, 0, sizeof(*bundle));
}
