// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: one camera each, and no two alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/lenscap.h>

#include "address.h"
#include "mem.h"
#include "parse.h"
#include "text.h"

enum {
	KEY_NAME,
	KEY_MAC,
	KEY_ADDRESSES,
	KEY_PROFILE,
	KEY_GUARD,
	KEYS
};

static const struct ykey keys[KEYS] = {
	[KEY_NAME] = { "name", true },
	[KEY_MAC] = { "mac", false },
	[KEY_ADDRESSES] = { "addresses", true },
	[KEY_PROFILE] = { "profile", true },
	[KEY_GUARD] = { "guard", false },
};

/* The words before a message: the device, if it has a name to call it by. */
static const char *describe(const struct device_draft *draft,
			    char what[WHAT_TEXT])
{
	if (draft->name.text)
		(void)snprintf(what, WHAT_TEXT, "device \"%s\"",
			       TEXT_CLIP(draft->name.text));
	else
		(void)snprintf(what, WHAT_TEXT, "device");
	return what;
}

#define draft_error(parse, draft, field, format, ...)			\
	diag_error((parse)->diag, (draft)->file, (field)->line,		\
		   (field)->column, format, ##__VA_ARGS__)

/*
 * Identities: a MAC or host address means one device on each guard; a device
 * without a guard is on all of them. Three kinds of key tell in constant time
 * whether another device stands in the way: who has it at all, who has it on
 * every guard, who has it on this guard.
 */
#define IDENTITY_LEN 17	/* family (0: a MAC), then the address */
#define IDENTITY_KEY (1 + IDENTITY_LEN + LENSCAP_NAME_LEN)

static size_t identity_key(unsigned char key[IDENTITY_KEY], char kind,
			   const unsigned char identity[IDENTITY_LEN],
			   const char *guard)
{
	unsigned char *end = key;

	*end++ = (unsigned char)kind;
	end = mempcpy(end, identity, IDENTITY_LEN);
	/* Longer names have been refused; only their beginning counts here. */
	if (guard)
		end = mempcpy(end, guard, strnlen(guard, LENSCAP_NAME_LEN));
	return (size_t)(end - key);
}

/* Return: true if another device, then in @other, has it too. */
static bool claim(struct parse *parse, uint8_t family, const uint8_t *bytes,
		  size_t len, size_t device, size_t *other)
{
	const char *guard = parse->policy->devices[device].guard;
	unsigned char identity[IDENTITY_LEN] = { family };
	unsigned char key[IDENTITY_KEY];
	bool taken;
	size_t size;

	memcpy(identity + 1, bytes, len);
	if (guard) {
		size = identity_key(key, 'a', identity, NULL);
		taken = index_find(&parse->identities, key, size, other);
		size = identity_key(key, 'g', identity, guard);
		taken = taken ||
			index_find(&parse->identities, key, size, other);
	} else {
		size = identity_key(key, 'f', identity, NULL);
		taken = index_find(&parse->identities, key, size, other);
		size = identity_key(key, 'a', identity, NULL);
	}
	index_add(&parse->identities, key, size, device, NULL);
	size = identity_key(key, 'f', identity, NULL);
	index_add(&parse->identities, key, size, device, NULL);
	return taken;
}

static void check_mac(struct parse *parse, const struct device_draft *draft,
		      const char *what, size_t number)
{
	struct policy_device *device = &parse->policy->devices[number];
	char error[ADDRESS_ERROR], text[MAC_TEXT];
	size_t other;

	if (!mac_parse(draft->mac.text, device->mac, error)) {
		draft_error(parse, draft, &draft->mac, "%s: %s", what, error);
		return;
	}
	device->has_mac = true;
	if (claim(parse, 0, device->mac, sizeof(device->mac), number, &other))
		draft_error(parse, draft, &draft->mac,
			    "%s: MAC %s is also that of device \"%s\" (%s:%u)",
			    what, mac_format(device->mac, text),
			    parse->policy->devices[other].name,
			    parse->places[other].file,
			    parse->places[other].line);
}

static bool listed_before(const struct policy_device *device,
			  const struct policy_prefix *prefix)
{
	for (size_t i = 0; i < device->naddrs; i++) {
		if (!prefix_compare(&device->addrs[i], prefix))
			return true;
	}
	return false;
}

static void check_address(struct parse *parse, const struct device_draft *draft,
			  const char *what, const struct field *field,
			  size_t number)
{
	struct policy_device *device = &parse->policy->devices[number];
	char error[ADDRESS_ERROR], text[PREFIX_TEXT];
	struct policy_prefix prefix;
	const char *unfit;
	size_t other;

	if (!prefix_parse(field->text, &prefix, error)) {
		draft_error(parse, draft, field, "%s: %s", what, error);
		return;
	}
	prefix_format(&prefix, text);
	unfit = prefix_unfit_source(&prefix);
	if (unfit) {
		draft_error(parse, draft, field, "%s: address %s %s", what,
			    text, unfit);
		return;
	}
	if (!draft->has_mac && !prefix_is_host(&prefix)) {
		draft_error(parse, draft, field,
			    "%s: %s is a prefix, but a device without a MAC is recognised by its addresses: list each, or give its MAC",
			    what, text);
		return;
	}
	if (listed_before(device, &prefix)) {
		draft_error(parse, draft, field,
			    "%s: address %s is listed twice", what, text);
		return;
	}
	device->addrs[device->naddrs++] = prefix;
	if (!prefix_is_host(&prefix))
		return;
	if (claim(parse, prefix.family, prefix.addr, sizeof(prefix.addr),
		  number, &other))
		draft_error(parse, draft, field,
			    "%s: address %s is also that of device \"%s\" (%s:%u)",
			    what, text, parse->policy->devices[other].name,
			    parse->places[other].file,
			    parse->places[other].line);
}

static void check_addresses(struct parse *parse,
			    const struct device_draft *draft, const char *what,
			    size_t number)
{
	struct policy_device *device = &parse->policy->devices[number];
	size_t count = draft->naddresses;

	if (count > LENSCAP_MAX_ADDRESSES) {
		draft_error(parse, draft, &draft->addresses[0],
			    "%s has %zu addresses, but the limit is %u: use prefixes",
			    what, count, LENSCAP_MAX_ADDRESSES);
		count = LENSCAP_MAX_ADDRESSES;
	}
	if (!count)
		return;
	device->addrs = mem_alloc(count * sizeof(*device->addrs));
	for (size_t i = 0; i < count; i++)
		check_address(parse, draft, what, &draft->addresses[i], number);
}

static void check_profile(struct parse *parse, const struct device_draft *draft,
			  const char *what)
{
	struct suggest suggest = { .word = draft->profile.text };
	char text[SUGGEST_TEXT];
	size_t number;

	if (index_find(&parse->profile_names, draft->profile.text,
		       strlen(draft->profile.text), &number)) {
		parse->profiles[number].used = true;
		return;
	}
	if (parse_may_guess(parse)) {
		for (size_t i = 0; i < parse->policy->nprofiles; i++)
			suggest_offer(&suggest,
				      parse->policy->profiles[i].name);
	}
	draft_error(parse, draft, &draft->profile, "%s: unknown profile \"%s\"%s",
		    what, TEXT_CLIP(draft->profile.text),
		    suggest_text(&suggest, text));
}

static void check_name(struct parse *parse, const struct device_draft *draft,
		       const char *what, size_t number)
{
	const char *bad = text_bad_name(draft->name.text);
	size_t first;

	if (bad)
		draft_error(parse, draft, &draft->name, "%s: the name %s",
			    what, bad);
	if (!index_add(&parse->device_names, draft->name.text,
		       strlen(draft->name.text), number, &first))
		draft_error(parse, draft, &draft->name,
			    "%s is defined twice, first at %s:%u", what,
			    parse->places[first].file,
			    parse->places[first].line);
}

/**
 * device_add() - check a device and add it to the policy
 * @parse: where to; profiles have been read
 * @draft: the device
 *
 * It is added even if something is wrong with it: the policy is thrown away
 * then, but what follows is still compared with it.
 */
void device_add(struct parse *parse, const struct device_draft *draft)
{
	struct policy *policy = parse->policy;
	struct policy_device *device;
	char what[WHAT_TEXT];
	size_t number = policy->ndevices;
	const char *bad;

	describe(draft, what);
	policy->devices = mem_array_room(policy->devices, number, 1,
					 sizeof(*device));
	parse->places = mem_array_room(parse->places, number, 1,
				       sizeof(*parse->places));
	device = &policy->devices[number];
	policy->ndevices++;
	parse->places[number] = (struct place) {
		.file = draft->file,
		.line = draft->name.line,
	};
	*device = (struct policy_device) {
		.name = mem_copy(draft->name.text ? draft->name.text : "?"),
	};
	if (draft->name.text)
		check_name(parse, draft, what, number);
	if (draft->guard.text) {
		bad = text_bad_name(draft->guard.text);
		if (bad)
			draft_error(parse, draft, &draft->guard,
				    "%s: the guard's name \"%s\" %s", what,
				    TEXT_CLIP(draft->guard.text), bad);
		device->guard = mem_copy(draft->guard.text);
	}
	if (draft->profile.text) {
		check_profile(parse, draft, what);
		device->profile = mem_copy(draft->profile.text);
	}
	if (draft->mac.text)
		check_mac(parse, draft, what, number);
	check_addresses(parse, draft, what, number);
}

static void take_text(const struct ytree *tree, const struct ynode *node,
		      const char *what, unsigned int key, struct field *field)
{
	char name[WHAT_TEXT + 16];

	if (!node)
		return;
	(void)snprintf(name, sizeof(name), "%s: %s", what, keys[key].name);
	field->line = node->line;
	field->column = node->column;
	field->text = ynode_text(tree, node, name);
}

static void take_addresses(const struct ytree *tree, const struct ynode *node,
			   const char *what, struct device_draft *draft)
{
	const struct ynode *item;

	if (!node || !ynode_some(tree, node, what, keys[KEY_ADDRESSES].name,
				 &item))
		return;
	for (; item; item = ynode_next(node, item)) {
		struct field *field;

		draft->addresses = mem_array_room(draft->addresses,
						  draft->naddresses, 1,
						  sizeof(*field));
		field = &draft->addresses[draft->naddresses];
		*field = (struct field) { 0 };
		take_text(tree, item, what, KEY_ADDRESSES, field);
		if (field->text)
			draft->naddresses++;
	}
}

static void parse_device(struct parse *parse, const struct ynode *node)
{
	const struct ytree *tree = &parse->tree;
	struct device_draft draft = { .file = tree->file };
	const struct ynode *values[KEYS] = { NULL };
	const struct ynode *name;
	char what[WHAT_TEXT];

	/* Its name first: it is what messages call it by. */
	name = ynode_find(node, keys[KEY_NAME].name);
	if (name && name->type == YNODE_SCALAR && !ynode_is_null(name))
		draft.name.text = name->text;
	describe(&draft, what);
	if (node->type != YNODE_MAP) {
		ynode_error(tree, node,
			    "a device is a mapping such as { name: .., mac: .., addresses: [..], profile: .. }, this is %s",
			    ynode_kind(node));
		return;
	}
	ynode_fields(tree, node, what, keys, KEYS, values);
	draft.name.line = node->line;
	take_text(tree, values[KEY_NAME], what, KEY_NAME, &draft.name);
	take_text(tree, values[KEY_MAC], what, KEY_MAC, &draft.mac);
	take_text(tree, values[KEY_PROFILE], what, KEY_PROFILE, &draft.profile);
	take_text(tree, values[KEY_GUARD], what, KEY_GUARD, &draft.guard);
	take_addresses(tree, values[KEY_ADDRESSES], what, &draft);
	draft.has_mac = values[KEY_MAC];
	device_add(parse, &draft);
	free(draft.addresses);
}

/**
 * devices_parse() - read "devices"
 * @parse: where to; profiles have been read
 * @node: the list
 */
void devices_parse(struct parse *parse, const struct ynode *node)
{
	const struct ynode *item;

	if (!ynode_list(&parse->tree, node, "devices", NULL, &item))
		return;
	for (; item; item = item->next)
		parse_device(parse, item);
}
