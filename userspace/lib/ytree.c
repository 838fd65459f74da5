// SPDX-License-Identifier: GPL-2.0-only
/*
 * A YAML document as a tree, from libyaml's events.
 *
 * A policy needs lists, maps and scalars. Anchors, aliases, tags, merge keys
 * and several documents are refused: what a reviewer reads in one place is
 * what it means there.
 */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "file.h"
#include "mem.h"
#include "text.h"
#include "ytree.h"

/* Deeper than any policy, and far from what would be slow. */
#define DEPTH_MAX 16

/* Few system calls for a large document, and what is not used costs nothing. */
#define BLOCK_SIZE (1U << 20)

/* Nodes and texts are given back all at once. */
struct ytree_block {
	struct ytree_block *next;
	size_t used;
	size_t size;
	_Alignas(struct ynode) unsigned char bytes[];
};

/* A list or map that is open. */
struct level {
	struct ynode *node;
	struct ynode *last;	/* the latest node in it */
	bool has_key;		/* map: the next node is a value */
};

struct builder {
	struct ytree *tree;
	yaml_parser_t *parser;
	struct level levels[DEPTH_MAX];	/* around the next node */
	unsigned int depth;
	unsigned int documents;
	bool broken;
};

static void *tree_alloc(struct ytree *tree, size_t size)
{
	struct ytree_block *block = tree->blocks;
	void *bytes;

	size = (size + _Alignof(struct ynode) - 1) &
	       ~(_Alignof(struct ynode) - 1);
	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = mem_alloc(sizeof(*block) + room);
		block->size = room;
		block->next = tree->blocks;
		tree->blocks = block;
	}
	bytes = block->bytes + block->used;
	block->used += size;
	return bytes;
}

static void complain(const struct builder *b, const yaml_mark_t *mark,
		     const char *message)
{
	diag_error(b->tree->diag, b->tree->file,
		   (unsigned int)mark->line + 1, (unsigned int)mark->column + 1,
		   "%s", message);
}

static void attach(struct builder *b, struct ynode *node)
{
	struct level *level = b->depth ? &b->levels[b->depth - 1] : NULL;

	if (!level || !level->node) {
		b->tree->root = node;
		return;
	}
	if (level->last)
		level->last->next = node;
	else
		level->node->first = node;
	level->last = node;
	if (level->node->type == YNODE_MAP)
		level->has_key = !level->has_key;
}

static bool expects_key(const struct builder *b)
{
	const struct level *level = b->depth ? &b->levels[b->depth - 1] : NULL;

	return level && level->node && level->node->type == YNODE_MAP &&
	       !level->has_key;
}

static struct ynode *new_node(struct builder *b, const yaml_event_t *event,
			      enum ynode_type type)
{
	struct ynode *node = tree_alloc(b->tree, sizeof(*node));
	size_t column = event->start_mark.column + 1;

	memset(node, 0, sizeof(*node));
	node->type = (unsigned int)type;
	node->line = (unsigned int)event->start_mark.line + 1;
	node->column = column < YNODE_COLUMN_MAX ? (unsigned int)column :
						   YNODE_COLUMN_MAX;
	return node;
}

static void check_properties(const struct builder *b,
			     const yaml_event_t *event,
			     const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		complain(b, &event->start_mark,
			 "anchors (&) are not supported: write the value where it is used");
	if (tag)
		complain(b, &event->start_mark,
			 "tags (!) are not supported: write the plain value");
}

static void add_scalar(struct builder *b, const yaml_event_t *event)
{
	size_t len = event->data.scalar.length;
	struct ynode *node;
	char *text;

	check_properties(b, event, event->data.scalar.anchor,
			 event->data.scalar.tag);
	if (memchr(event->data.scalar.value, '\0', len))
		complain(b, &event->start_mark,
			 "a text holds a NUL character");
	node = new_node(b, event, YNODE_SCALAR);
	text = tree_alloc(b->tree, len + 1);
	memcpy(text, event->data.scalar.value, len);
	text[len] = '\0';
	attach(b, node);
	node->text = text;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

/* Return: false if parsing has to stop. */
static bool open_node(struct builder *b, const yaml_event_t *event,
		      enum ynode_type type)
{
	struct ynode *node;

	if (type == YNODE_LIST)
		check_properties(b, event, event->data.sequence_start.anchor,
				 event->data.sequence_start.tag);
	else
		check_properties(b, event, event->data.mapping_start.anchor,
				 event->data.mapping_start.tag);
	if (expects_key(b))
		complain(b, &event->start_mark,
			 "a key must be a plain word, not a list or mapping");
	if (b->depth == DEPTH_MAX) {
		complain(b, &event->start_mark,
			 "too deeply nested; later errors of this file are not shown");
		b->broken = true;
		return false;
	}
	node = new_node(b, event, type);
	attach(b, node);
	b->levels[b->depth++] = (struct level) { .node = node };
	return true;
}

static void alias(struct builder *b, const yaml_event_t *event)
{
	complain(b, &event->start_mark,
		 "aliases (*) are not supported: write the value out (a \"*\" at the beginning of a text needs quotes)");
	attach(b, new_node(b, event, YNODE_REFUSED));
}

/* Return: false if parsing has to stop. */
static bool handle(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++) {
			complain(b, &event->start_mark,
				 "a second document begins here: one file holds one document");
			return false;
		}
		return true;
	case YAML_ALIAS_EVENT:
		alias(b, event);
		return true;
	case YAML_SCALAR_EVENT:
		add_scalar(b, event);
		return true;
	case YAML_SEQUENCE_START_EVENT:
		return open_node(b, event, YNODE_LIST);
	case YAML_MAPPING_START_EVENT:
		return open_node(b, event, YNODE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return true;
	case YAML_STREAM_END_EVENT:
		return false;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	}
	return true;
}

/* The character that libyaml stumbled over, if its mark is inside the text. */
static char char_at(const char *text, size_t len, const yaml_mark_t *mark)
{
	size_t line = 0, at = 0;

	while (at < len && line < mark->line) {
		if (text[at++] == '\n')
			line++;
	}
	/* Good enough for a hint: what precedes it is ASCII mostly. */
	at += mark->column;
	return at < len ? text[at] : '\0';
}

static void syntax_error(struct builder *b, const char *text, size_t len)
{
	const yaml_parser_t *parser = b->parser;
	const yaml_mark_t *mark = &parser->problem_mark;
	const char *hint = "";
	char context[128] = "";
	unsigned int line, column;

	b->broken = true;
	if (parser->error == YAML_READER_ERROR) {
		file_place(text, parser->problem_offset, &line, &column);
		diag_error(b->tree->diag, b->tree->file, line, column,
			   "not valid YAML: %s (U+%04X); later errors of this file are not shown",
			   parser->problem, (unsigned int)parser->problem_value);
		return;
	}
	if (parser->error == YAML_MEMORY_ERROR) {
		diag_error(b->tree->diag, b->tree->file, 0, 0,
			   "cannot be parsed: out of memory");
		return;
	}
	if (char_at(text, len, mark) == '\t')
		hint = " (a tab: YAML is indented with spaces)";
	if (parser->context && parser->context_mark.line != mark->line)
		(void)snprintf(context, sizeof(context), " %s from line %zu",
			       parser->context, parser->context_mark.line + 1);
	else if (parser->context)
		(void)snprintf(context, sizeof(context), " %s",
			       parser->context);
	diag_error(b->tree->diag, b->tree->file, (unsigned int)mark->line + 1,
		   (unsigned int)mark->column + 1,
		   "not valid YAML: %s%s%s; later errors of this file are not shown",
		   parser->problem, context, hint);
}

static void build(struct builder *b, const char *text, size_t len)
{
	yaml_event_t event;
	bool more = true;

	while (more) {
		if (!yaml_parser_parse(b->parser, &event)) {
			syntax_error(b, text, len);
			return;
		}
		more = handle(b, &event);
		yaml_event_delete(&event);
	}
}

/**
 * ytree_parse() - parse a YAML file
 * @file: its name and text; the name must outlive @tree
 * @tree: result, to be freed with ytree_free() also after an error
 * @diag: receives every error; libyaml stops at its first
 *
 * Return: 0 if the tree is whole, so that more can be said about it, although
 * something in it may have been refused; -1 if it is not.
 */
int ytree_parse(const struct policy_file *file, struct ytree *tree,
		struct diag *diag)
{
	const char *text = file->text;
	size_t len = file->len;
	struct builder b = { .tree = tree };
	yaml_parser_t parser;

	*tree = (struct ytree) { .file = file->name, .diag = diag };
	if (!file_check_text(file, diag))
		return -1;
	if (!strncmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	if (!yaml_parser_initialize(&parser)) {
		diag_error(diag, file->name, 0, 0,
			   "cannot be parsed: out of memory");
		return -1;
	}
	b.parser = &parser;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	build(&b, text, len);
	yaml_parser_delete(&parser);
	if (b.broken)
		return -1;
	if (!tree->root) {
		diag_error(diag, file->name, 0, 0, "holds nothing but comments");
		return -1;
	}
	return 0;
}

/**
 * ytree_free() - free all nodes
 * @tree: empty afterwards
 */
void ytree_free(struct ytree *tree)
{
	while (tree->blocks) {
		struct ytree_block *block = tree->blocks;

		tree->blocks = block->next;
		free(block);
	}
	tree->root = NULL;
}
