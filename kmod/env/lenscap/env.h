/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's world inside the kernel. tests/host/env holds the host's copy.
 */
#ifndef _LENSCAP_ENV_H
#define _LENSCAP_ENV_H

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/prefetch.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/types.h>

#include <linux/lenscap.h>

/* Process context only; zeroed. Not charged to the loader's memory group: that
 * would cost 8 bytes for each small object, and only root of the host loads.
 */
static inline void *lc_alloc(size_t bytes)
{
	return kvzalloc(bytes, GFP_KERNEL);
}

/* The same, but with what is at @p in it. */
static inline void *lc_dup(const void *p, size_t bytes)
{
	void *copy = kvmalloc(bytes, GFP_KERNEL);

	return copy ? memcpy(copy, p, bytes) : NULL;
}

static inline void lc_free(const void *p)
{
	kvfree(p);
}

static inline void lc_sort(void *base, size_t count, size_t size,
			   int (*compare)(const void *, const void *))
{
	sort(base, count, size, compare, NULL);
}

/* References from generations: a commit takes them while the work that frees
 * the generations before drops others.
 */
struct lc_ref {
	refcount_t count;
};

static inline void lc_ref_init(struct lc_ref *ref)
{
	refcount_set(&ref->count, 1);
}

static inline void lc_ref_get(struct lc_ref *ref)
{
	refcount_inc(&ref->count);
}

/* True if that was the last one. */
static inline bool lc_ref_put(struct lc_ref *ref)
{
	return refcount_dec_and_test(&ref->count);
}

/* Does only the caller have one? Pairs with the release in refcount_dec: what
 * the others read, they have read.
 */
static inline bool lc_ref_single(const struct lc_ref *ref)
{
	return atomic_read_acquire(&ref->count.refs) == 1;
}

#define lc_popcount(map)	((u32)hweight64(map))
#define lc_ctz(map)		__ffs64(map)
#define lc_prefetch(p)		prefetch(p)

/* A device's counters, which a frame that is judged writes to, may begin so many
 * bytes before the device, on another cache line: see struct lenscap_device.
 */
#define LC_COUNTERS_BEFORE	32
#define lc_prefetch_counters(device) \
	prefetchw((const u8 *)(device) - LC_COUNTERS_BEFORE)

#endif /* _LENSCAP_ENV_H */
