// SPDX-License-Identifier: GPL-2.0-only
/*
 * Destinations: names for lists of addresses and prefixes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "mem.h"
#include "parse.h"
#include "text.h"

/* Every address is rarely meant, but may be. */
static void warn_if_all(const struct ytree *tree, const struct ynode *node,
			const char *what, const struct policy_prefix *prefix)
{
	if (!prefix->len)
		ynode_warning(tree, node, "%s: %s is every IPv%u address",
			      what, TEXT_CLIP(node->text), prefix->family);
}

static void add_prefix(struct parse *parse, const char *what,
		       const struct ynode *node, struct index *seen,
		       struct destination *destination)
{
	const char *text = ynode_text(&parse->tree, node, what);
	struct policy_prefix prefix;
	char error[ADDRESS_ERROR];

	if (!text)
		return;
	if (!prefix_parse(text, &prefix, error)) {
		ynode_error(&parse->tree, node, "%s: %s", what, error);
		return;
	}
	if (!index_add(seen, &prefix, sizeof(prefix), 0, NULL)) {
		ynode_warning(&parse->tree, node, "%s: %s is listed twice",
			      what, TEXT_CLIP(text));
		return;
	}
	warn_if_all(&parse->tree, node, what, &prefix);
	destination->prefixes = mem_array_room(destination->prefixes,
					       destination->nprefixes, 1,
					       sizeof(prefix));
	destination->prefixes[destination->nprefixes++] = prefix;
}

static void add_destination(struct parse *parse, const struct ynode *key)
{
	const struct ynode *value = key->next, *item;
	const char *bad = text_bad_name(key->text);
	struct destination *destination;
	struct index seen = { 0 };
	char what[WHAT_TEXT];
	size_t first;

	(void)snprintf(what, sizeof(what), "destination \"%s\"",
		       TEXT_CLIP(key->text));
	if (bad)
		ynode_error(&parse->tree, key, "%s: the name %s", what, bad);
	if (!index_add(&parse->destination_names, key->text, strlen(key->text),
		       parse->ndestinations, &first)) {
		ynode_error(&parse->tree, key,
			    "%s is defined twice, first at line %u", what,
			    parse->destinations[first].node->line);
		return;
	}
	parse->destinations = mem_array_room(parse->destinations,
					     parse->ndestinations, 1,
					     sizeof(*destination));
	destination = &parse->destinations[parse->ndestinations++];
	*destination = (struct destination) {
		.name = key->text,
		.node = key,
	};
	if (!ynode_some(&parse->tree, value, what, NULL, &item))
		return;
	for (; item; item = ynode_next(value, item))
		add_prefix(parse, what, item, &seen, destination);
	index_free(&seen);
}

/**
 * destinations_parse() - read "destinations"
 * @parse: where to
 * @node: the map
 */
void destinations_parse(struct parse *parse, const struct ynode *node)
{
	const struct ynode *key;

	if (node->type != YNODE_MAP) {
		ynode_error(&parse->tree, node,
			    "destinations needs a mapping of names to addresses, is %s",
			    ynode_kind(node));
		return;
	}
	for (key = node->first; key; key = key->next->next) {
		if (key->type == YNODE_SCALAR)
			add_destination(parse, key);
	}
}

/**
 * destinations_warn_unused() - say which ones no rule names
 * @parse: after all profiles
 */
void destinations_warn_unused(struct parse *parse)
{
	for (size_t i = 0; i < parse->ndestinations; i++) {
		const struct destination *destination = &parse->destinations[i];

		if (!destination->used)
			ynode_warning(&parse->tree, destination->node,
				      "destination \"%s\" is not used by any rule",
				      TEXT_CLIP(destination->name));
	}
}

static void unknown(struct parse *parse, const char *what,
		    const struct ynode *node)
{
	struct suggest suggest = { .word = node->text };
	char text[SUGGEST_TEXT];

	if (parse_may_guess(parse)) {
		for (size_t i = 0; i < parse->ndestinations; i++)
			suggest_offer(&suggest, parse->destinations[i].name);
	}
	ynode_error(&parse->tree, node, "%s: unknown destination \"%s\"%s",
		    what, TEXT_CLIP(node->text), suggest_text(&suggest, text));
}

/**
 * destination_resolve() - the prefixes that a word in "to" stands for
 * @parse: the parse
 * @what: whose it is, for messages
 * @node: the word: a destination's name, an address or a prefix
 * @prefixes: an array that grows
 * @count: its length
 *
 * Return: true if there is no error. A destination whose addresses were
 * refused is no error here and adds nothing.
 */
bool destination_resolve(struct parse *parse, const char *what,
			 const struct ynode *node,
			 struct policy_prefix **prefixes, size_t *count)
{
	struct destination *destination;
	struct policy_prefix prefix;
	char error[ADDRESS_ERROR];
	size_t number;

	if (node->type != YNODE_SCALAR || ynode_is_null(node)) {
		ynode_error(&parse->tree, node,
			    "%s: to needs a destination or an address, is %s",
			    what, ynode_kind(node));
		return false;
	}
	if (index_find(&parse->destination_names, node->text,
		       strlen(node->text), &number)) {
		destination = &parse->destinations[number];
		destination->used = true;
		if (!destination->nprefixes)
			return true;
		*prefixes = mem_array_room(*prefixes, *count,
					   destination->nprefixes,
					   sizeof(prefix));
		memcpy(*prefixes + *count, destination->prefixes,
		       destination->nprefixes * sizeof(prefix));
		*count += destination->nprefixes;
		return true;
	}
	if (!text_looks_like_address(node->text)) {
		unknown(parse, what, node);
		return false;
	}
	if (!prefix_parse(node->text, &prefix, error)) {
		ynode_error(&parse->tree, node, "%s: %s", what, error);
		return false;
	}
	warn_if_all(&parse->tree, node, what, &prefix);
	*prefixes = mem_array_room(*prefixes, *count, 1, sizeof(prefix));
	(*prefixes)[(*count)++] = prefix;
	return true;
}
