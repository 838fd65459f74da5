// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of ports and of ICMP message types.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "ports.h"
#include "text.h"

/* What the numbers are, and between which bounds. */
struct bounds {
	const char *noun;	/* with its article */
	const char *all;	/* the word for "every one" */
	const char *example;
	uint16_t min;
	uint16_t max;
};

static const struct bounds ports = {
	"a port", "any", "80, 8000-8100 or any", 1, UINT16_MAX
};

static const struct bounds types = {
	"an ICMP type", "true", "8, 128-129 or true", 0, UINT8_MAX
};

static void add(struct ranges *ranges, uint16_t low, uint16_t high)
{
	ranges->list = mem_array_room(ranges->list, ranges->count, 1,
				      sizeof(*ranges->list));
	ranges->list[ranges->count++] = (struct range) { low, high };
}

/**
 * ranges_full() - make it permit everything
 * @ranges: empty
 */
void ranges_full(struct ranges *ranges)
{
	add(ranges, 0, UINT16_MAX);
}

/**
 * ports_unprivileged() - make it permit the ports of programs that call on others
 * @ranges: empty
 *
 * Those below are where the usual services listen (RFC 6335: system ports).
 */
void ports_unprivileged(struct ranges *ranges)
{
	add(ranges, 1024, UINT16_MAX);
}

/**
 * ranges_free() - free the list
 * @ranges: empty afterwards
 */
void ranges_free(struct ranges *ranges)
{
	free(ranges->list);
	memset(ranges, 0, sizeof(*ranges));
}

static int compare(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return (a->high > b->high) - (a->high < b->high);
}

/* Sorted, and what overlaps or adjoins made one. */
static void merge(struct ranges *ranges)
{
	size_t last = 0;

	qsort(ranges->list, ranges->count, sizeof(*ranges->list), compare);
	for (size_t i = 1; i < ranges->count; i++) {
		struct range *to = &ranges->list[last];

		if (ranges->list[i].low > (unsigned int)to->high + 1)
			ranges->list[++last] = ranges->list[i];
		else if (ranges->list[i].high > to->high)
			to->high = ranges->list[i].high;
	}
	ranges->count = last + 1;
}

static bool read_range(const char *text, uint64_t *low, uint64_t *high)
{
	const char *dash = strchr(text, '-');
	char first[24];

	if (!dash) {
		if (!text_number(text, low))
			return false;
		*high = *low;
		return true;
	}
	if ((size_t)(dash - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	return text_number(first, low) && text_number(dash + 1, high);
}

static bool add_item(const struct ytree *tree, const struct ynode *node,
		     const char *what, const char *key,
		     const struct bounds *bounds, struct ranges *ranges)
{
	uint64_t low, high;

	if (node->type != YNODE_SCALAR || ynode_is_null(node)) {
		ynode_error(tree, node, "%s: %s: %s is a number, this is %s",
			    what, key, bounds->noun, ynode_kind(node));
		return false;
	}
	if (!read_range(node->text, &low, &high)) {
		ynode_error(tree, node,
			    "%s: %s: \"%s\" is not %s or range: write %s",
			    what, key, TEXT_CLIP(node->text), bounds->noun,
			    bounds->example);
		return false;
	}
	if (low > high) {
		ynode_error(tree, node,
			    "%s: %s: the range \"%s\" ends before it begins",
			    what, key, TEXT_CLIP(node->text));
		return false;
	}
	if (low < bounds->min || high > bounds->max) {
		ynode_error(tree, node, "%s: %s: \"%s\": %s is from %u to %u",
			    what, key, TEXT_CLIP(node->text), bounds->noun,
			    bounds->min, bounds->max);
		return false;
	}
	add(ranges, (uint16_t)low, (uint16_t)high);
	return true;
}

static bool parse(const struct ytree *tree, const struct ynode *node,
		  const char *what, const char *key,
		  const struct bounds *bounds, struct ranges *ranges)
{
	const struct ynode *item;
	bool good = true;

	if (node->type == YNODE_SCALAR && !strcmp(node->text, bounds->all)) {
		ranges_full(ranges);
		return true;
	}
	if (!ynode_some(tree, node, what, key, &item))
		return false;
	for (; item; item = ynode_next(node, item))
		good &= add_item(tree, item, what, key, bounds, ranges);
	if (good)
		merge(ranges);
	return good;
}

/**
 * ports_parse() - read ports: a number, a range, a list of these, or "any"
 * @tree: the document
 * @node: the value
 * @what: whose it is, for messages
 * @key: its key, for messages
 * @ranges: result, sorted and merged; to be freed also after an error
 *
 * Return: true if there is no error.
 */
bool ports_parse(const struct ytree *tree, const struct ynode *node,
		 const char *what, const char *key, struct ranges *ranges)
{
	return parse(tree, node, what, key, &ports, ranges);
}

/**
 * types_parse() - read ICMP types: as ports, or "true" for all
 * @tree: the document
 * @node: the value
 * @what: whose it is, for messages
 * @key: its key, for messages
 * @ranges: result, sorted and merged; to be freed also after an error
 *
 * Return: true if there is no error.
 */
bool types_parse(const struct ytree *tree, const struct ynode *node,
		 const char *what, const char *key, struct ranges *ranges)
{
	return parse(tree, node, what, key, &types, ranges);
}
