// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes to values, with errors that teach.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "suggest.h"
#include "text.h"
#include "ytree.h"

static char *format_message(const char *format, va_list args)
	__attribute__((format(printf, 1, 0)));

static char *format_message(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		abort();
	return text;
}

/**
 * ynode_error() - note an error at a node
 * @tree: its document
 * @node: where; nothing is said about a refused one
 * @format: as of printf()
 */
void ynode_error(const struct ytree *tree, const struct ynode *node,
		 const char *format, ...)
{
	va_list args;
	char *text;

	if (node->type == YNODE_REFUSED)
		return;
	va_start(args, format);
	text = format_message(format, args);
	va_end(args);
	diag_error(tree->diag, tree->file, node->line, node->column, "%s",
		   text);
	free(text);
}

/**
 * ynode_warning() - note a warning at a node
 * @tree: its document
 * @node: where
 * @format: as of printf()
 */
void ynode_warning(const struct ytree *tree, const struct ynode *node,
		   const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_message(format, args);
	va_end(args);
	diag_warning(tree->diag, tree->file, node->line, node->column, "%s",
		     text);
	free(text);
}

/**
 * ynode_is_null() - a key without a value, or "null"?
 * @node: the value
 */
bool ynode_is_null(const struct ynode *node)
{
	return node->type == YNODE_SCALAR && !node->quoted &&
	       (!*node->text || !strcmp(node->text, "~") ||
		!strcmp(node->text, "null"));
}

/**
 * ynode_kind() - what a node is, for messages
 * @node: it
 */
const char *ynode_kind(const struct ynode *node)
{
	switch (node->type) {
	case YNODE_LIST:
		return "a list";
	case YNODE_MAP:
		return "a mapping";
	default:
		return ynode_is_null(node) ? "nothing" : "a text";
	}
}

/*
 * What a message is about. It is put together only when there is something to
 * say: a large policy asks a million times.
 */
#define ABOUT_TEXT 192

static const char *before(char text[ABOUT_TEXT], const char *what)
{
	(void)snprintf(text, ABOUT_TEXT, "%s%s", what ? what : "",
		       what ? ": " : "");
	return text;
}

static const char *about(char text[ABOUT_TEXT], const char *what,
			 const char *key)
{
	if (!key)
		return what;
	(void)snprintf(text, ABOUT_TEXT, "%s: %s", what, key);
	return text;
}

/* Return: the number of the key that was probably meant, or @nkeys. */
static size_t unknown_key(const struct ytree *tree, const struct ynode *key,
			  const char *what, const struct ykey *keys,
			  size_t nkeys)
{
	struct suggest suggest = { .word = key->text };
	char text[SUGGEST_TEXT] = "", lead[ABOUT_TEXT];
	size_t used = 0, meant = nkeys;

	for (size_t i = 0; i < nkeys; i++) {
		const char *before = suggest.best;

		suggest_offer(&suggest, keys[i].name);
		if (suggest.best != before)
			meant = i;
	}
	if (suggest.best) {
		suggest_text(&suggest, text);
	} else {
		for (size_t i = 0; i < nkeys && used < sizeof(text); i++)
			used += (size_t)snprintf(text + used,
						 sizeof(text) - used, "%s%s",
						 i ? ", " : ": known are ",
						 keys[i].name);
	}
	ynode_error(tree, key, "%sunknown key \"%s\"%s", before(lead, what),
		    TEXT_CLIP(key->text), text);
	return meant;
}

static size_t key_number(const struct ynode *key, const struct ykey *keys,
			 size_t nkeys)
{
	size_t i;

	for (i = 0; i < nkeys; i++) {
		if (!strcmp(keys[i].name, key->text))
			break;
	}
	return i;
}

/**
 * ynode_find() - look one key up, before anything is said about the others
 * @map: the map; may be any other node
 * @name: the key
 *
 * Return: the value of its first occurrence, or NULL.
 */
const struct ynode *ynode_find(const struct ynode *map, const char *name)
{
	const struct ynode *key;

	if (map->type != YNODE_MAP)
		return NULL;
	for (key = map->first; key; key = key->next->next) {
		if (key->type == YNODE_SCALAR && !strcmp(key->text, name))
			return key->next;
	}
	return NULL;
}

/**
 * ynode_fields() - take a map apart
 * @tree: its document
 * @map: the map
 * @what: what it is, to begin messages, or NULL
 * @keys: the keys that it may have
 * @nkeys: how many, less than 64
 * @values: receives the value of each, or NULL
 *
 * Unknown, repeated and missing keys are noted.
 *
 * Return: true if it is a map and no required key is missing.
 */
bool ynode_fields(const struct ytree *tree, const struct ynode *map,
		  const char *what, const struct ykey *keys, size_t nkeys,
		  const struct ynode **values)
{
	const struct ynode *key;
	char lead[ABOUT_TEXT];
	uint64_t misspelt = 0;
	bool whole = true;

	for (size_t i = 0; i < nkeys; i++)
		values[i] = NULL;
	if (map->type != YNODE_MAP) {
		ynode_error(tree, map,
			    "%sneeds a mapping (key: value), is %s",
			    before(lead, what), ynode_kind(map));
		return false;
	}
	for (key = map->first; key; key = key->next->next) {
		size_t i;

		if (key->type != YNODE_SCALAR)
			continue;
		i = key_number(key, keys, nkeys);
		if (i == nkeys)
			misspelt |= 1ULL << unknown_key(tree, key, what, keys,
							nkeys);
		else if (values[i])
			ynode_error(tree, key,
				    "%skey \"%s\" is given twice, first at line %u",
				    before(lead, what), key->text, values[i]->line);
		else
			values[i] = key->next;
	}
	for (size_t i = 0; i < nkeys; i++) {
		if (values[i] && ynode_is_null(values[i])) {
			ynode_error(tree, values[i],
				    "%skey \"%s\" has no value",
				    before(lead, what), keys[i].name);
			values[i] = NULL;
			whole = whole && !keys[i].required;
		} else if (!values[i] && keys[i].required) {
			if (!(misspelt & 1ULL << i))
				ynode_error(tree, map,
					    "%skey \"%s\" is missing",
					    before(lead, what), keys[i].name);
			whole = false;
		}
	}
	return whole;
}

/**
 * ynode_list() - the items of a list
 * @tree: its document
 * @node: the list
 * @what: what it is, or has it, for messages
 * @key: key that it is the value of, for messages, or NULL
 * @first: receives the first item, NULL if there is none
 *
 * Return: true if it is a list.
 */
bool ynode_list(const struct ytree *tree, const struct ynode *node,
		const char *what, const char *key, const struct ynode **first)
{
	char text[ABOUT_TEXT];

	*first = NULL;
	if (node->type != YNODE_LIST) {
		ynode_error(tree, node, "%s needs a list, is %s",
			    about(text, what, key), ynode_kind(node));
		return false;
	}
	*first = node->first;
	return true;
}

/**
 * ynode_some() - one item, or a list of at least one
 * @tree: its document
 * @node: the item or the list
 * @what: as of ynode_list()
 * @key: as of ynode_list()
 * @first: receives the first item; ynode_next() gives the others
 *
 * Return: true if there is an item.
 */
bool ynode_some(const struct ytree *tree, const struct ynode *node,
		const char *what, const char *key, const struct ynode **first)
{
	char text[ABOUT_TEXT];

	*first = NULL;
	if (node->type == YNODE_SCALAR && !ynode_is_null(node)) {
		*first = node;
		return true;
	}
	if (node->type != YNODE_LIST) {
		ynode_error(tree, node, "%s needs a value or a list, is %s",
			    about(text, what, key), ynode_kind(node));
		return false;
	}
	if (!node->first) {
		ynode_error(tree, node, "%s: the list is empty",
			    about(text, what, key));
		return false;
	}
	*first = node->first;
	return true;
}

/**
 * ynode_text() - a text
 * @tree: its document
 * @node: the scalar
 * @what: what it is, for messages
 *
 * Return: the text, or NULL after an error.
 */
const char *ynode_text(const struct ytree *tree, const struct ynode *node,
		       const char *what)
{
	if (node->type != YNODE_SCALAR || ynode_is_null(node)) {
		ynode_error(tree, node, "%s needs a text, is %s", what,
			    ynode_kind(node));
		return NULL;
	}
	return node->text;
}

/**
 * ynode_number() - a number
 * @tree: its document
 * @node: the scalar
 * @what: what it is, for messages
 * @min: least
 * @max: greatest
 * @number: result
 *
 * Return: true if it is one within the bounds.
 */
bool ynode_number(const struct ytree *tree, const struct ynode *node,
		  const char *what, uint64_t min, uint64_t max,
		  uint64_t *number)
{
	if (node->type != YNODE_SCALAR || ynode_is_null(node)) {
		ynode_error(tree, node, "%s needs a number, is %s", what,
			    ynode_kind(node));
		return false;
	}
	if (node->quoted) {
		ynode_error(tree, node,
			    "%s needs a number, is the text \"%s\": leave the quotes out",
			    what, TEXT_CLIP(node->text));
		return false;
	}
	if (!text_number_any(node->text, number) || *number < min ||
	    *number > max) {
		ynode_error(tree, node,
			    "%s: \"%s\" is not a number from %" PRIu64 " to %" PRIu64,
			    what, TEXT_CLIP(node->text), min, max);
		return false;
	}
	return true;
}

/**
 * ynode_choice() - one of a table's names
 * @tree: its document
 * @node: the scalar
 * @what: what it belongs to, for messages
 * @table: the names
 * @value: receives the number of the name
 *
 * Return: true if it is one of them.
 */
bool ynode_choice(const struct ytree *tree, const struct ynode *node,
		  const char *what, const struct name_table *table,
		  unsigned int *value)
{
	char text[SUGGEST_TEXT];

	if (node->type != YNODE_SCALAR || ynode_is_null(node)) {
		ynode_error(tree, node, "%s: %s needs a name, is %s", what,
			    table->what, ynode_kind(node));
		return false;
	}
	if (name_find(table, node->text, value))
		return true;
	ynode_error(tree, node, "%s: unknown %s \"%s\"%s", what, table->what,
		    TEXT_CLIP(node->text),
		    suggest_name(table, node->text, text));
	return false;
}
