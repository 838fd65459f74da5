/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A persistent directory of pages: see dir.c.
 */
#ifndef _LENSCAP_CORE_DIR_H
#define _LENSCAP_CORE_DIR_H

#include <lenscap/env.h>

/* Pages that are shared, and copied, by one reference. */
#define LC_GROUP_PAGES	16

/**
 * struct lc_dir_type - what pages a directory has
 * @bytes: of a page
 * @refs: where in a page its struct lc_ref is
 */
struct lc_dir_type {
	u32 bytes;
	u32 refs;
};

/**
 * struct lc_group - some pages of a directory, as several directories have them
 * @refs: directories that have it
 * @pages: NULL: none; the group has a reference to each
 */
struct lc_group {
	struct lc_ref refs;
	void *pages[LC_GROUP_PAGES];
};

/**
 * struct lc_dir - a directory
 * @refs: tables and generations that have it
 * @count: how many pages there may be
 * @used: how many there are
 * @pages: all of them in a row, as packets look them up; behind them, pointers to
 *	the groups that own them
 */
struct lc_dir {
	struct lc_ref refs;
	u32 count;
	u32 used;
	void *pages[];
};

struct lc_dir *lc_dir_create(u32 count);
void lc_dir_put(struct lc_dir *dir, const struct lc_dir_type *type);
int lc_dir_grow(struct lc_dir **dir, const struct lc_dir_type *type, u32 count);
void *lc_dir_own(struct lc_dir **dir, const struct lc_dir_type *type, u32 index);
u64 lc_dir_bytes(const struct lc_dir *dir, const struct lc_dir_type *type);

#endif /* _LENSCAP_CORE_DIR_H */
