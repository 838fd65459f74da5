/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_NAMES_H
#define _LENSCAP_NAMES_H

#include <linux/refcount.h>
#include <linux/types.h>

/**
 * struct lenscap_object - what devices and profiles have in common
 * @refs: one for each table that holds it
 * @hash: of @name
 * @name: NUL-terminated, lives as long as the object
 *
 * Must be the first member.
 */
struct lenscap_object {
	refcount_t refs;
	u32 hash;
	const char *name;
};

/**
 * struct lenscap_names - objects by name, open-addressed, at most half full
 * @slots: NULL where free
 * @mask: number of slots minus one
 * @count: objects in it
 */
struct lenscap_names {
	struct lenscap_object **slots;
	u32 mask;
	u32 count;
};

u32 lenscap_names_hash(const char *name);
int lenscap_names_init(struct lenscap_names *names);
int lenscap_names_copy(struct lenscap_names *to,
		       const struct lenscap_names *from);
void lenscap_names_free(struct lenscap_names *names);
struct lenscap_object *lenscap_names_find(const struct lenscap_names *names,
					  const char *name);
int lenscap_names_reserve(struct lenscap_names *names);
struct lenscap_object *lenscap_names_put(struct lenscap_names *names,
					 struct lenscap_object *object);
struct lenscap_object *lenscap_names_next(const struct lenscap_names *names,
					  u32 *slot);
struct lenscap_object *lenscap_names_take(struct lenscap_names *names,
					  const char *name);

/* Each @object of @names, in the order of slots; @i is a u32 for its use. */
#define lenscap_names_for_each(names, i, object)			\
	for ((i) = 0; ((object) = lenscap_names_next(names, &(i)));)

#endif /* _LENSCAP_NAMES_H */
