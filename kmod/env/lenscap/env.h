/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's world inside the kernel. tests/host/env holds the host's copy.
 */
#ifndef _LENSCAP_ENV_H
#define _LENSCAP_ENV_H

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/types.h>

#include <linux/lenscap.h>

/* Process context only; zeroed. @bytes may be large: a table of all devices. */
static inline void *lc_alloc(size_t bytes)
{
	return kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
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

#endif /* _LENSCAP_ENV_H */
