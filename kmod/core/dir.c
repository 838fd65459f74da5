// SPDX-License-Identifier: GPL-2.0-only
/*
 * A persistent directory of pages.
 *
 * Problem. The next generation shares with the live one all pages that it does
 * not change, so each page counts who has it. With the pages in one row, as
 * packets want them, to begin another generation means to count one more for
 * each of them, and to end one, one less: hundreds for 50,000 devices, to change
 * one.
 *
 * Structure. Packets read one row of pointers to all pages. Behind it is a row of
 * pointers to groups of sixteen, and only those are counted by directories; a
 * group counts its pages. To change a page copies the row, the group and the
 * page, unless nobody else has them.
 *
 * Example: 256 pages, of which number 37 changes. The row is copied, 2 KB at once;
 * 16 groups are counted; group 2 is copied, with its 16 pages counted; page 37 is
 * copied. That is 32 counts instead of 256.
 *
 * Cost, with n pages: 16 + n / 16 counts and 8 n bytes to change something, 16 n
 * bytes of memory beside the pages.
 */
#include "dir.h"

static struct lc_ref *page_refs(const struct lc_dir_type *type, void *page)
{
	return (struct lc_ref *)((u8 *)page + type->refs);
}

static void page_put(const struct lc_dir_type *type, void *page)
{
	if (page && lc_ref_put(page_refs(type, page)))
		lc_free(page);
}

static void group_put(const struct lc_dir_type *type, struct lc_group *group)
{
	u32 i;

	if (!group || !lc_ref_put(&group->refs))
		return;
	for (i = 0; i < LC_GROUP_PAGES; i++)
		page_put(type, group->pages[i]);
	lc_free(group);
}

static u32 ngroups(u32 count)
{
	return DIV_ROUND_UP(count, LC_GROUP_PAGES);
}

static size_t dir_bytes(u32 count)
{
	return sizeof(struct lc_dir) +
	       array_size(count + ngroups(count), sizeof(void *));
}

static struct lc_group **groups_of(struct lc_dir *dir)
{
	return (struct lc_group **)(dir->pages + dir->count);
}

/**
 * lc_dir_create() - a directory without pages
 * @count: how many there may be
 *
 * Context: process, may sleep. Return: it, or NULL: no memory.
 */
struct lc_dir *lc_dir_create(u32 count)
{
	struct lc_dir *dir = lc_alloc(dir_bytes(count));

	if (!dir)
		return NULL;
	lc_ref_init(&dir->refs);
	dir->count = count;
	return dir;
}

/**
 * lc_dir_put() - let go of a directory
 * @dir: the directory, or NULL
 * @type: of its pages
 */
void lc_dir_put(struct lc_dir *dir, const struct lc_dir_type *type)
{
	u32 i;

	if (!dir || !lc_ref_put(&dir->refs))
		return;
	for (i = 0; i < ngroups(dir->count); i++)
		group_put(type, groups_of(dir)[i]);
	lc_free(dir);
}

/* @copy has the pages and groups of @dir, and takes its place. */
static void replace(struct lc_dir **dir, const struct lc_dir_type *type,
		    struct lc_dir *copy)
{
	struct lc_group **groups = groups_of(copy);
	u32 i;

	lc_ref_init(&copy->refs);
	for (i = 0; i < ngroups((*dir)->count); i++)
		if (groups[i])
			lc_ref_get(&groups[i]->refs);
	lc_dir_put(*dir, type);
	*dir = copy;
}

static int own_dir(struct lc_dir **dir, const struct lc_dir_type *type)
{
	struct lc_dir *copy;

	if (lc_ref_single(&(*dir)->refs))
		return 0;
	copy = lc_dup(*dir, dir_bytes((*dir)->count));
	if (!copy)
		return -ENOMEM;
	replace(dir, type, copy);
	return 0;
}

/**
 * lc_dir_grow() - make room for more pages
 * @dir: the directory; one that only the caller has afterwards
 * @type: of its pages
 * @count: how many there may be; more than there may be now
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM; then nothing has changed.
 */
int lc_dir_grow(struct lc_dir **dir, const struct lc_dir_type *type, u32 count)
{
	struct lc_dir *old = *dir, *copy = lc_dir_create(count);

	if (!copy)
		return -ENOMEM;
	copy->used = old->used;
	memcpy(copy->pages, old->pages, old->count * sizeof(old->pages[0]));
	memcpy(groups_of(copy), groups_of(old),
	       ngroups(old->count) * sizeof(struct lc_group *));
	replace(dir, type, copy);
	return 0;
}

/* The group of a page, as one that only this directory has. */
static struct lc_group *own_group(struct lc_dir *dir,
				  const struct lc_dir_type *type, u32 number)
{
	struct lc_group **at = &groups_of(dir)[number], *group = *at;
	u32 i;

	if (group && lc_ref_single(&group->refs))
		return group;
	group = group ? lc_dup(group, sizeof(*group)) : lc_alloc(sizeof(*group));
	if (!group)
		return NULL;
	lc_ref_init(&group->refs);
	for (i = 0; i < LC_GROUP_PAGES; i++)
		if (group->pages[i])
			lc_ref_get(page_refs(type, group->pages[i]));
	group_put(type, *at);
	*at = group;
	return group;
}

/**
 * lc_dir_own() - a page to change
 * @dir: the directory; one that only the caller has afterwards
 * @type: of its pages
 * @index: of the page, below the directory's count
 *
 * What others have of it stays as it is: a page that they have as well is copied,
 * and one that is not there is made, of zeros.
 *
 * Context: process, may sleep.
 *
 * Return: the page, or NULL: no memory; the directory has what it had.
 */
void *lc_dir_own(struct lc_dir **dir, const struct lc_dir_type *type, u32 index)
{
	struct lc_group *group;
	void *page, *copy;

	if (own_dir(dir, type))
		return NULL;
	group = own_group(*dir, type, index / LC_GROUP_PAGES);
	if (!group)
		return NULL;
	page = (*dir)->pages[index];
	if (page && lc_ref_single(page_refs(type, page)))
		return page;
	copy = page ? lc_dup(page, type->bytes) : lc_alloc(type->bytes);
	if (!copy)
		return NULL;
	(*dir)->used += !page;
	lc_ref_init(page_refs(type, copy));
	page_put(type, page);
	group->pages[index % LC_GROUP_PAGES] = copy;
	(*dir)->pages[index] = copy;
	return copy;
}

/**
 * lc_dir_bytes() - memory of a directory
 * @dir: the directory, or NULL
 * @type: of its pages
 *
 * Return: bytes, shared with other directories or not.
 */
u64 lc_dir_bytes(const struct lc_dir *dir, const struct lc_dir_type *type)
{
	if (!dir)
		return 0;
	return dir_bytes(dir->count) +
	       (u64)ngroups(dir->count) * sizeof(struct lc_group) +
	       (u64)dir->used * type->bytes;
}
