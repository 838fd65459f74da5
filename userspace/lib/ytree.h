/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A YAML document as a tree, each node with its place.
 */
#ifndef LENSCAP_YTREE_H
#define LENSCAP_YTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "names.h"
#include "policy.h"

enum ynode_type {
	YNODE_SCALAR,
	YNODE_LIST,
	YNODE_MAP,
	YNODE_REFUSED,	/* an error was noted; nothing more is said */
};

/**
 * struct ynode - a node
 * @next: the next one in the list; in a map, a key's next is its value and a
 *	value's next the following key
 * @first: LIST and MAP: the first node in it
 * @text: SCALAR: its text
 * @line: from 1
 * @column: from 1, in characters, up to YNODE_COLUMN_MAX
 * @type: enum ynode_type
 * @quoted: SCALAR: it was written in quotes, so it is no number and no null
 *
 * A policy of a million rules has seven million of them.
 */
struct ynode {
	struct ynode *next;
	union {
		struct ynode *first;
		const char *text;
	};
	unsigned int line;
	unsigned int column : 24;
	unsigned int type : 7;
	unsigned int quoted : 1;
};

#define YNODE_COLUMN_MAX 0xffffffU

struct ytree_block;

/**
 * struct ytree - a document
 * @file: name of its file, borrowed
 * @diag: where complaints about it go, borrowed
 * @root: its root node
 * @blocks: memory of the nodes
 */
struct ytree {
	const char *file;
	struct diag *diag;
	struct ynode *root;
	struct ytree_block *blocks;
};

/* A key that a map may have. */
struct ykey {
	const char *name;
	bool required;
};

int ytree_parse(const struct policy_file *file, struct ytree *tree,
		struct diag *diag);
void ytree_free(struct ytree *tree);

/* yread.c: nodes to values */
void ynode_error(const struct ytree *tree, const struct ynode *node,
		 const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void ynode_warning(const struct ytree *tree, const struct ynode *node,
		   const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool ynode_is_null(const struct ynode *node);
const struct ynode *ynode_find(const struct ynode *map, const char *name);
bool ynode_fields(const struct ytree *tree, const struct ynode *map,
		  const char *what, const struct ykey *keys, size_t nkeys,
		  const struct ynode **values);
bool ynode_list(const struct ytree *tree, const struct ynode *node,
		const char *what, const char *key, const struct ynode **first);
bool ynode_some(const struct ytree *tree, const struct ynode *node,
		const char *what, const char *key, const struct ynode **first);
const char *ynode_text(const struct ytree *tree, const struct ynode *node,
		       const char *what);
bool ynode_number(const struct ytree *tree, const struct ynode *node,
		  const char *what, uint64_t min, uint64_t max,
		  uint64_t *number);
bool ynode_choice(const struct ytree *tree, const struct ynode *node,
		  const char *what, const struct name_table *table,
		  unsigned int *value);
const char *ynode_kind(const struct ynode *node);

/* Of what ynode_some() took: the value of a key has the next key behind it. */
static inline const struct ynode *ynode_next(const struct ynode *container,
					     const struct ynode *item)
{
	return container->type == YNODE_LIST ? item->next : NULL;
}

#endif /* LENSCAP_YTREE_H */
