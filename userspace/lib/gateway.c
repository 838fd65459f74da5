// SPDX-License-Identifier: GPL-2.0-only
/*
 * gateway.yaml: the facts of one gateway.
 */
#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <linux/lenscap.h>

#include "address.h"
#include "file.h"
#include "gateway.h"
#include "gateway_history.h"
#include "index.h"
#include "mem.h"
#include "text.h"
#include "ytree.h"

#define VERSION		1
#define WHAT_TEXT	128

#define TAG_VALUE	0x4c000000
#define TAG_MASK	0xff000000
#define CLASS_MASK	0x000000ff

#define POLICY_PATH	"policy.yaml"
#define SOCKET_PATH	"/run/lenscap/lenscapd.sock"
#define SOCKET_GROUP	"lenscap"

/* What a neighbouring router needs, where cameras are behind another hop. */
#define UPKEEP_ROUTED	(LENSCAP_UPKEEP_ARP | LENSCAP_UPKEEP_ND)

enum {
	KEY_VERSION,
	KEY_TAG,
	KEY_GUARDS,
	KEY_POLICY,
	KEY_STATE,
	KEY_CONTROL,
	KEY_LOG,
	KEY_INTERLOCK,
	KEY_EVENTS,
	KEY_ANNOTATIONS,
	KEY_HISTORY,
	KEYS
};

static const struct ykey keys[KEYS] = {
	[KEY_VERSION] = { "version", true },
	[KEY_TAG] = { "tag", false },
	[KEY_GUARDS] = { "guards", true },
	[KEY_POLICY] = { "policy", false },
	[KEY_STATE] = { "state", false },
	[KEY_CONTROL] = { "control", false },
	[KEY_LOG] = { "log", false },
	[KEY_INTERLOCK] = { "interlock", false },
	[KEY_EVENTS] = { "events", false },
	[KEY_ANNOTATIONS] = { "annotations", false },
	[KEY_HISTORY] = { "history", false },
};

enum {
	GUARD_NAME,
	GUARD_INTERFACE,
	GUARD_VLAN,
	GUARD_IDENTITY,
	GUARD_MODE,
	GUARD_UPKEEP,
	GUARD_SUBNETS,
	GUARD_KEYS
};

static const struct ykey guard_keys[GUARD_KEYS] = {
	[GUARD_NAME] = { "name", true },
	[GUARD_INTERFACE] = { "interface", true },
	[GUARD_VLAN] = { "vlan", false },
	[GUARD_IDENTITY] = { "identity", false },
	[GUARD_MODE] = { "mode", false },
	[GUARD_UPKEEP] = { "upkeep", false },
	[GUARD_SUBNETS] = { "subnets", false },
};

static const struct name_entry guard_modes[] = {
	{ "enforce", LENSCAP_MODE_ENFORCE },
	{ "audit", LENSCAP_MODE_AUDIT },
};

static const struct name_table names_guard_mode = { "mode", guard_modes, 2 };

static const struct name_entry logs[] = {
	{ "stdout", GATEWAY_LOG_STDOUT },
	{ "journal", GATEWAY_LOG_JOURNAL },
};

static const struct name_table names_log = { "log", logs, 2 };

static const struct name_entry switches[] = {
	{ "yes", true },
	{ "no", false },
	{ "true", true },
	{ "false", false },
};

static const struct name_table names_switch = { "interlock", switches, 4 };

/* One reading. @nodes keeps the place of each guard. */
struct reader {
	struct ytree tree;
	struct gateway *gateway;
	struct index names;
	struct index links;	/* interface and VLAN */
	const struct ynode **nodes;
};

static void parse_tag(struct reader *r, const struct ynode *node)
{
	enum { VALUE, MASK, CLASS, TAG_KEYS };
	static const struct ykey tag_keys[TAG_KEYS] = {
		[VALUE] = { "value", false },
		[MASK] = { "mask", false },
		[CLASS] = { "class_mask", false },
	};
	const struct ytree *tree = &r->tree;
	const struct ynode *values[TAG_KEYS];
	uint64_t numbers[TAG_KEYS] = { TAG_VALUE, TAG_MASK, CLASS_MASK };
	uint32_t value, mask, class;
	bool good = true;
	char name[32];

	if (!ynode_fields(tree, node, "tag", tag_keys, TAG_KEYS, values))
		return;
	for (size_t i = 0; i < TAG_KEYS; i++) {
		(void)snprintf(name, sizeof(name), "tag: %s", tag_keys[i].name);
		if (values[i])
			good &= ynode_number(tree, values[i], name, 0,
					     UINT32_MAX, &numbers[i]);
	}
	if (!good)
		return;
	value = (uint32_t)numbers[VALUE];
	mask = (uint32_t)numbers[MASK];
	class = (uint32_t)numbers[CLASS];
	if (!value)
		ynode_error(tree, node,
			    "tag: value 0 is what a frame without a tag has: choose another");
	if (value & ~mask)
		ynode_error(tree, node,
			    "tag: value 0x%08x has bits outside mask 0x%08x",
			    value, mask);
	if (class & (class + 1))
		ynode_error(tree, node,
			    "tag: class_mask 0x%08x must be the lowest bits without a gap, such as 0x000000ff",
			    class);
	if (mask & class)
		ynode_error(tree, node,
			    "tag: mask 0x%08x and class_mask 0x%08x overlap",
			    mask, class);
	r->gateway->tag_value = value;
	r->gateway->tag_mask = mask;
	r->gateway->class_mask = class;
}

static const char *bad_interface(const char *name)
{
	if (!*name)
		return "is empty";
	if (strlen(name) >= IFNAMSIZ)
		return "is longer than 15 characters";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "is not an interface name";
	for (const char *c = name; *c; c++) {
		if (*c == '/' || *c == ':' || isspace((unsigned char)*c) ||
		    iscntrl((unsigned char)*c))
			return "may not hold \"/\", \":\", blanks or control characters";
	}
	return NULL;
}

static void parse_upkeep(struct reader *r, const struct ynode *node,
			 const char *what, struct gateway_guard *guard)
{
	const struct ynode *item;
	unsigned int bit;

	guard->upkeep = 0;
	/* None at all is a choice that can be made. */
	if (node->type == YNODE_LIST && !node->first)
		return;
	if (!ynode_some(&r->tree, node, what, "upkeep", &item))
		return;
	for (; item; item = ynode_next(node, item)) {
		if (!ynode_choice(&r->tree, item, what, &names_upkeep, &bit))
			continue;
		if (guard->upkeep & bit)
			ynode_warning(&r->tree, item,
				      "%s: upkeep \"%s\" is listed twice", what,
				      item->text);
		guard->upkeep |= bit;
	}
	if (guard->upkeep & (LENSCAP_UPKEEP_CLIENT_ID |
			     LENSCAP_UPKEEP_DHCP_UNICAST) &&
	    !(guard->upkeep & (LENSCAP_UPKEEP_DHCP | LENSCAP_UPKEEP_DHCP6)))
		ynode_warning(&r->tree, node,
			      "%s: \"client_id\" and \"dhcp_unicast\" are about DHCP: list \"dhcp\" or \"dhcp6\" as well",
			      what);
	if (guard->identity == LENSCAP_IDENTITY_IP &&
	    guard->upkeep & (LENSCAP_UPKEEP_DHCP | LENSCAP_UPKEEP_DHCP6))
		ynode_warning(&r->tree, node,
			      "%s: with identity ip, DHCP is not upkeep: it stays behind the other hop",
			      what);
}

static void parse_subnets(struct reader *r, const struct ynode *node,
			  const char *what, struct gateway_guard *guard)
{
	const struct ynode *item;
	char name[WHAT_TEXT + 16];
	size_t count = 0;

	(void)snprintf(name, sizeof(name), "%s: subnets", what);
	if (node->type == YNODE_LIST && !node->first)
		return;
	if (!ynode_some(&r->tree, node, name, NULL, &item))
		return;
	guard->subnets = mem_alloc(LENSCAP_MAX_SUBNETS *
				   sizeof(*guard->subnets));
	for (; item; item = ynode_next(node, item)) {
		const char *text = ynode_text(&r->tree, item, name);
		struct policy_prefix prefix;
		char error[ADDRESS_ERROR];

		if (!text)
			continue;
		if (!prefix_parse(text, &prefix, error))
			ynode_error(&r->tree, item, "%s: %s", name, error);
		else if (++count <= LENSCAP_MAX_SUBNETS)
			guard->subnets[guard->nsubnets++] = prefix;
	}
	if (count > LENSCAP_MAX_SUBNETS)
		ynode_error(&r->tree, node,
			    "%s: there are %zu, but the limit is %u", name,
			    count, LENSCAP_MAX_SUBNETS);
}

static void check_twins(struct reader *r, const struct ynode *node,
			const char *what, const struct gateway_guard *guard,
			bool linked, size_t number)
{
	char link[IFNAMSIZ + 16];
	size_t first;

	if (guard->name && !index_add(&r->names, guard->name,
				      strlen(guard->name), number, &first))
		ynode_error(&r->tree, node,
			    "%s is defined twice, first at line %u", what,
			    r->nodes[first]->line);
	if (!linked)
		return;
	(void)snprintf(link, sizeof(link), "%s/%u", guard->interface,
		       guard->vlan);
	if (index_add(&r->links, link, strlen(link), number, &first))
		return;
	if (guard->vlan)
		ynode_error(&r->tree, node,
			    "%s: interface %s, VLAN %u has a guard already (line %u)",
			    what, guard->interface, guard->vlan,
			    r->nodes[first]->line);
	else
		ynode_error(&r->tree, node,
			    "%s: interface %s, without a VLAN, has a guard already (line %u)",
			    what, guard->interface, r->nodes[first]->line);
}

/* Return: true if interface and VLAN are known. */
static bool parse_link(struct reader *r, const char *what,
		       const struct ynode *const *values,
		       struct gateway_guard *guard)
{
	const struct ytree *tree = &r->tree;
	char name[WHAT_TEXT + 16];
	const char *text, *bad;
	uint64_t vlan = 0;

	(void)snprintf(name, sizeof(name), "%s: interface", what);
	text = values[GUARD_INTERFACE] ?
	       ynode_text(tree, values[GUARD_INTERFACE], name) : NULL;
	bad = text ? bad_interface(text) : NULL;
	if (bad)
		ynode_error(tree, values[GUARD_INTERFACE], "%s \"%s\" %s",
			    name, TEXT_CLIP(text), bad);
	else if (text)
		guard->interface = mem_copy(text);
	(void)snprintf(name, sizeof(name), "%s: vlan", what);
	if (values[GUARD_VLAN] &&
	    !ynode_number(tree, values[GUARD_VLAN], name, 1, 4094, &vlan))
		return false;
	guard->vlan = (uint16_t)vlan;
	return guard->interface;
}

static void parse_guard(struct reader *r, const struct ynode *node)
{
	struct gateway *gateway = r->gateway;
	const struct ytree *tree = &r->tree;
	const struct ynode *values[GUARD_KEYS];
	unsigned int identity = LENSCAP_IDENTITY_MAC;
	unsigned int mode = LENSCAP_MODE_ENFORCE;
	char what[WHAT_TEXT] = "guard";
	struct gateway_guard *guard;
	const struct ynode *name;
	const char *bad;
	size_t number = gateway->nguards;
	bool linked;

	if (node->type != YNODE_MAP) {
		ynode_error(tree, node,
			    "a guard is a mapping such as { name: .., interface: .., vlan: .. }, this is %s",
			    ynode_kind(node));
		return;
	}
	gateway->guards = mem_array_room(gateway->guards, number, 1,
					 sizeof(*guard));
	r->nodes = mem_array_room(r->nodes, number, 1, sizeof(void *));
	r->nodes[number] = node;
	guard = &gateway->guards[gateway->nguards++];
	memset(guard, 0, sizeof(*guard));

	/* A first look for its name, which the messages carry. */
	name = ynode_find(node, guard_keys[GUARD_NAME].name);
	if (name && name->type == YNODE_SCALAR)
		(void)snprintf(what, sizeof(what), "guard \"%s\"",
			       TEXT_CLIP(name->text));
	ynode_fields(tree, node, what, guard_keys, GUARD_KEYS, values);

	if (values[GUARD_NAME] &&
	    ynode_text(tree, values[GUARD_NAME], "guard: name")) {
		bad = text_bad_name(values[GUARD_NAME]->text);
		if (bad)
			ynode_error(tree, values[GUARD_NAME],
				    "%s: the name %s", what, bad);
		guard->name = mem_copy(values[GUARD_NAME]->text);
	}
	linked = parse_link(r, what, values, guard);
	if (values[GUARD_IDENTITY])
		ynode_choice(tree, values[GUARD_IDENTITY], what,
			     &names_identity, &identity);
	if (values[GUARD_MODE])
		ynode_choice(tree, values[GUARD_MODE], what, &names_guard_mode,
			     &mode);
	guard->identity = (uint8_t)identity;
	guard->mode = (uint8_t)mode;
	guard->upkeep = identity == LENSCAP_IDENTITY_IP ? UPKEEP_ROUTED :
			LENSCAP_UPKEEP_DEFAULT;
	if (values[GUARD_UPKEEP])
		parse_upkeep(r, values[GUARD_UPKEEP], what, guard);
	if (values[GUARD_SUBNETS])
		parse_subnets(r, values[GUARD_SUBNETS], what, guard);
	check_twins(r, node, what, guard, linked, number);
}

static void parse_guards(struct reader *r, const struct ynode *node)
{
	const struct ynode *item;

	if (!ynode_list(&r->tree, node, "guards", NULL, &item))
		return;
	if (!item)
		ynode_warning(&r->tree, node,
			      "there are no guards: nothing will be judged");
	for (; item; item = item->next)
		parse_guard(r, item);
	if (r->gateway->nguards > LENSCAP_MAX_GUARDS)
		ynode_error(&r->tree, node,
			    "there are %zu guards, but the limit is %u",
			    r->gateway->nguards, LENSCAP_MAX_GUARDS);
}

/* Return: the path, or the default, resolved; NULL after an error. */
static char *parse_path(struct reader *r, const struct ynode *node,
			const char *what, const char *otherwise)
{
	const char *path = otherwise;

	if (node)
		path = ynode_text(&r->tree, node, what);
	if (!path)
		return NULL;
	if (!*path) {
		ynode_error(&r->tree, node, "%s is empty", what);
		return NULL;
	}
	return file_beside(r->tree.file, path);
}

static void parse_control(struct reader *r, const struct ynode *node)
{
	enum { SOCKET, GROUP, CONTROL_KEYS };
	static const struct ykey control_keys[CONTROL_KEYS] = {
		[SOCKET] = { "socket", false },
		[GROUP] = { "group", false },
	};
	const struct ynode *values[CONTROL_KEYS] = { NULL };
	struct gateway *gateway = r->gateway;
	const char *group = SOCKET_GROUP;

	if (node)
		ynode_fields(&r->tree, node, "control", control_keys,
			     CONTROL_KEYS, values);
	gateway->socket = parse_path(r, values[SOCKET], "control: socket",
				     SOCKET_PATH);
	if (gateway->socket &&
	    strlen(gateway->socket) >=
	    sizeof(((struct sockaddr_un *)NULL)->sun_path))
		ynode_error(&r->tree, values[SOCKET],
			    "control: socket: the path has %zu bytes, but the limit is %zu",
			    strlen(gateway->socket),
			    sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	if (values[GROUP])
		group = ynode_text(&r->tree, values[GROUP], "control: group");
	if (group && !*group)
		ynode_error(&r->tree, values[GROUP], "control: group is empty");
	if (group)
		gateway->group = mem_copy(group);
}

/* "log" is the older and simpler way, in Lenscap's own form. */
static void parse_events(struct reader *r, const struct ynode *log,
			 const struct ynode *events)
{
	unsigned int choice = GATEWAY_LOG_STDOUT;

	if (log)
		ynode_choice(&r->tree, log, "log", &names_log, &choice);
	r->gateway->log = (enum gateway_log)choice;
	if (!events)
		return;
	if (log)
		ynode_error(&r->tree, log,
			    "log: \"events\" says already where drop records go: remove \"log\"");
	gateway_events_parse(&r->tree, events, &r->gateway->events);
	r->gateway->log = GATEWAY_LOG_EVENTS;
}

static void parse_root(struct reader *r)
{
	const struct ytree *tree = &r->tree;
	const struct ynode *values[KEYS];
	unsigned int interlock = true;
	const struct ynode *node;
	uint64_t version;

	if (tree->root->type != YNODE_MAP) {
		ynode_error(tree, tree->root,
			    "a gateway file is a mapping that begins with \"version: %u\", this is %s",
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
	if (values[KEY_TAG])
		parse_tag(r, values[KEY_TAG]);
	if (values[KEY_GUARDS])
		parse_guards(r, values[KEY_GUARDS]);
	r->gateway->policy = parse_path(r, values[KEY_POLICY], "policy",
					POLICY_PATH);
	r->gateway->state = parse_path(r, values[KEY_STATE], "state",
				       GATEWAY_STATE);
	parse_control(r, values[KEY_CONTROL]);
	parse_events(r, values[KEY_LOG], values[KEY_EVENTS]);
	gateway_annotations_parse(tree, values[KEY_ANNOTATIONS],
				  &r->gateway->annotations);
	if (values[KEY_INTERLOCK])
		ynode_choice(tree, values[KEY_INTERLOCK], "interlock",
			     &names_switch, &interlock);
	r->gateway->interlock = interlock;
	gateway_parse_history(tree, values[KEY_HISTORY], r->gateway);
}

int gateway_parse(const struct policy_file *file, struct gateway *gateway,
		  struct diag *diag)
{
	struct reader reader = { .gateway = gateway };
	size_t before = diag->errors;

	*gateway = (struct gateway) {
		.tag_value = TAG_VALUE,
		.tag_mask = TAG_MASK,
		.class_mask = CLASS_MASK,
		.interlock = true,
	};
	if (!ytree_parse(file, &reader.tree, diag))
		parse_root(&reader);
	ytree_free(&reader.tree);
	index_free(&reader.names);
	index_free(&reader.links);
	free(reader.nodes);
	diag_sort(diag);
	if (diag->errors == before)
		return 0;
	gateway_free(gateway);
	return -1;
}

char *gateway_state(const struct policy_file *file)
{
	const struct ynode *node = NULL;
	struct diag ignored = { 0 };
	struct ytree tree = { 0 };
	char *path = NULL;

	if (!ytree_parse(file, &tree, &ignored) &&
	    tree.root->type == YNODE_MAP)
		node = ynode_find(tree.root, keys[KEY_STATE].name);
	if (node && node->type == YNODE_SCALAR && node->text[0])
		path = file_beside(file->name, node->text);
	ytree_free(&tree);
	diag_free(&ignored);
	return path;
}

int gateway_read(const char *path, struct gateway *gateway, struct diag *diag)
{
	struct policy_file file;
	int err;

	memset(gateway, 0, sizeof(*gateway));
	if (file_read_settled(path, &file, diag))
		return -1;
	err = gateway_parse(&file, gateway, diag);
	file_free(&file);
	return err;
}

void gateway_free(struct gateway *gateway)
{
	for (size_t i = 0; i < gateway->nguards; i++) {
		free(gateway->guards[i].name);
		free(gateway->guards[i].interface);
		free(gateway->guards[i].subnets);
	}
	free(gateway->guards);
	free(gateway->policy);
	free(gateway->state);
	free(gateway->socket);
	free(gateway->group);
	gateway_events_free(&gateway->events);
	gateway_annotations_free(&gateway->annotations);
	free(gateway->history.path);
	memset(gateway, 0, sizeof(*gateway));
}
