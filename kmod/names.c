// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects by name.
 *
 * An object can be in two tables at once: that of the live generation and
 * that of a transaction that started from it. A node embedded in the object
 * (rhashtable, hlist) could be in only one, so the tables hold pointers. To
 * copy one is then a memcpy and a reference each, which is what makes "start
 * from the live generation" cheap.
 *
 * Open addressing with linear probing; deletion moves later entries of the run
 * back, so that there are no tombstones. Not for the fast path.
 */
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "names.h"

#define NAMES_MIN 16

/**
 * lenscap_names_hash() - hash of a name, as objects carry it
 * @name: NUL-terminated
 */
u32 lenscap_names_hash(const char *name)
{
	return jhash(name, strlen(name), 0);
}

static struct lenscap_object **slots_alloc(u32 count)
{
	return kvcalloc(count, sizeof(struct lenscap_object *),
			GFP_KERNEL_ACCOUNT);
}

/**
 * lenscap_names_init() - make an empty table
 * @names: the table
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int lenscap_names_init(struct lenscap_names *names)
{
	names->slots = slots_alloc(NAMES_MIN);
	if (!names->slots)
		return -ENOMEM;
	names->mask = NAMES_MIN - 1;
	names->count = 0;
	return 0;
}

/**
 * lenscap_names_copy() - copy a table and take a reference to each object
 * @to: the copy, uninitialised before
 * @from: the original
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int lenscap_names_copy(struct lenscap_names *to,
		       const struct lenscap_names *from)
{
	u32 i;

	to->slots = slots_alloc(from->mask + 1);
	if (!to->slots)
		return -ENOMEM;
	to->mask = from->mask;
	to->count = from->count;
	for (i = 0; i <= from->mask; i++) {
		to->slots[i] = from->slots[i];
		if (to->slots[i])
			refcount_inc(&to->slots[i]->refs);
	}
	return 0;
}

/**
 * lenscap_names_free() - free a table, not its objects
 * @names: the table
 */
void lenscap_names_free(struct lenscap_names *names)
{
	kvfree(names->slots);
	names->slots = NULL;
}

/* The slot of @name, or the free one where it would go. */
static u32 slot_of(const struct lenscap_names *names, u32 hash,
		   const char *name)
{
	u32 i = hash & names->mask;

	for (; names->slots[i]; i = (i + 1) & names->mask)
		if (names->slots[i]->hash == hash &&
		    !strcmp(names->slots[i]->name, name))
			break;
	return i;
}

/**
 * lenscap_names_find() - look an object up
 * @names: the table
 * @name: NUL-terminated
 *
 * Return: the object, without a reference of its own, or NULL.
 */
struct lenscap_object *lenscap_names_find(const struct lenscap_names *names,
					  const char *name)
{
	return names->slots[slot_of(names, lenscap_names_hash(name), name)];
}

/**
 * lenscap_names_next() - walk a table
 * @names: the table
 * @slot: 0 to begin with; moves behind the result
 *
 * Return: an object, without a reference of its own, or NULL at the end.
 */
struct lenscap_object *lenscap_names_next(const struct lenscap_names *names,
					  u32 *slot)
{
	while (*slot <= names->mask) {
		struct lenscap_object *object = names->slots[(*slot)++];

		if (object)
			return object;
	}
	return NULL;
}

/**
 * lenscap_names_reserve() - make room for one more object
 * @names: the table
 *
 * So that lenscap_names_put() can not fail.
 *
 * Context: process. Return: 0 or -ENOMEM; then the table is as it was.
 */
int lenscap_names_reserve(struct lenscap_names *names)
{
	struct lenscap_names bigger;
	u32 i;

	if (names->count + 1 <= (names->mask + 1) / 2)
		return 0;
	bigger.mask = names->mask * 2 + 1;
	bigger.slots = slots_alloc(bigger.mask + 1);
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i <= names->mask; i++) {
		struct lenscap_object *object = names->slots[i];

		if (object)
			bigger.slots[slot_of(&bigger, object->hash,
					     object->name)] = object;
	}
	kvfree(names->slots);
	names->slots = bigger.slots;
	names->mask = bigger.mask;
	return 0;
}

/**
 * lenscap_names_put() - add an object, or replace that of the same name
 * @names: the table, with room
 * @object: the object; its reference passes to the table
 *
 * Return: the object that it replaced, whose reference passes to the caller,
 * or NULL.
 */
struct lenscap_object *lenscap_names_put(struct lenscap_names *names,
					 struct lenscap_object *object)
{
	u32 i = slot_of(names, object->hash, object->name);
	struct lenscap_object *old = names->slots[i];

	names->slots[i] = object;
	if (!old)
		names->count++;
	return old;
}

/**
 * lenscap_names_take() - remove an object
 * @names: the table
 * @name: NUL-terminated
 *
 * Return: the object, whose reference passes to the caller, or NULL.
 */
struct lenscap_object *lenscap_names_take(struct lenscap_names *names,
					  const char *name)
{
	u32 hole = slot_of(names, lenscap_names_hash(name), name);
	struct lenscap_object *taken = names->slots[hole];
	u32 i = hole;

	if (!taken)
		return NULL;
	names->slots[hole] = NULL;
	names->count--;
	for (;;) {
		u32 home;

		i = (i + 1) & names->mask;
		if (!names->slots[i])
			return taken;
		home = names->slots[i]->hash & names->mask;
		/* It may fill the hole if its home is not behind the hole. */
		if (((i - home) & names->mask) < ((i - hole) & names->mask))
			continue;
		names->slots[hole] = names->slots[i];
		names->slots[i] = NULL;
		hole = i;
	}
}
