// SPDX-License-Identifier: GPL-2.0-only
/*
 * gateway.yaml: its section "history".
 */
#include "file.h"
#include "gateway_history.h"
#include "mem.h"
#include "names.h"

#define HISTORY_NAME	"history.db"
#define DAYS		90
#define DAYS_MAX	3660
#define SIZE		256	/* MiB */
#define SIZE_MIN	16
#define SIZE_MAX_MIB	65536

static const struct name_entry switches[] = {
	{ "yes", true },
	{ "no", false },
	{ "true", true },
	{ "false", false },
};

static const struct name_table names_switch = { "history", switches, 4 };

enum {
	HISTORY_PATH,
	HISTORY_DAYS,
	HISTORY_SIZE,
	HISTORY_KEYS
};

static const struct ykey history_keys[HISTORY_KEYS] = {
	[HISTORY_PATH] = { "path", false },
	[HISTORY_DAYS] = { "days", false },
	[HISTORY_SIZE] = { "max_size", false },
};

static void parse_limits(const struct ytree *tree, const struct ynode *node,
			 struct gateway_history *history)
{
	const struct ynode *values[HISTORY_KEYS];
	uint64_t days = DAYS, size = SIZE;
	const char *path;

	if (!ynode_fields(tree, node, "history", history_keys, HISTORY_KEYS,
			  values))
		return;
	if (values[HISTORY_DAYS])
		ynode_number(tree, values[HISTORY_DAYS], "history: days", 1,
			     DAYS_MAX, &days);
	if (values[HISTORY_SIZE])
		ynode_number(tree, values[HISTORY_SIZE],
			     "history: max_size (MiB)", SIZE_MIN, SIZE_MAX_MIB,
			     &size);
	history->days = (unsigned int)days;
	history->max_size = (unsigned int)size;
	if (!values[HISTORY_PATH])
		return;
	path = ynode_text(tree, values[HISTORY_PATH], "history: path");
	if (path && !*path)
		ynode_error(tree, values[HISTORY_PATH],
			    "history: path is empty");
	else if (path)
		history->path = file_beside(tree->file, path);
}

/**
 * gateway_parse_history() - read the section "history", or take the defaults
 * @tree: the file
 * @node: the section, or NULL
 * @gateway: receives it; its state directory is known
 */
void gateway_parse_history(const struct ytree *tree, const struct ynode *node,
			   struct gateway *gateway)
{
	struct gateway_history *history = &gateway->history;
	unsigned int on = true;

	history->days = DAYS;
	history->max_size = SIZE;
	if (node && node->type == YNODE_SCALAR)
		ynode_choice(tree, node, "history", &names_switch, &on);
	else if (node)
		parse_limits(tree, node, history);
	history->on = on;
	if (!history->path && gateway->state)
		history->path = mem_print("%s/" HISTORY_NAME, gateway->state);
}
