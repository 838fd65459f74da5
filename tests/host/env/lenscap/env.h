/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's world in a host process. kmod/env holds the kernel's copy.
 */
#ifndef _LENSCAP_ENV_H
#define _LENSCAP_ENV_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;	/* as in the kernel, for printf's sake */
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#include <linux/lenscap.h>

#define struct_size(p, member, n) \
	(sizeof(*(p)) + sizeof((p)->member[0]) * (size_t)(n))
#define array_size(a, b)	((size_t)(a) * (size_t)(b))
#define fallthrough		__attribute__((__fallthrough__))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define __packed		__attribute__((__packed__))
#define noinline		__attribute__((__noinline__))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define lc_popcount(map)	((u32)__builtin_popcountll(map))
#define lc_ctz(map)		((u32)__builtin_ctzll(map))
#define lc_prefetch(p)		__builtin_prefetch(p)
#define lc_prefetch_counters(p)	__builtin_prefetch(p)

/* One thread: no atomics. A reference too many or too few is a bug. */
struct lc_ref {
	u32 count;
};

static inline void lc_ref_init(struct lc_ref *ref)
{
	ref->count = 1;
}

static inline void lc_ref_get(struct lc_ref *ref)
{
	if (!ref->count++)
		abort();
}

static inline bool lc_ref_put(struct lc_ref *ref)
{
	if (!ref->count)
		abort();
	return !--ref->count;
}

static inline bool lc_ref_single(const struct lc_ref *ref)
{
	return ref->count == 1;
}

void *lc_alloc(size_t bytes);
void *lc_dup(const void *p, size_t bytes);
void lc_free(const void *p);
void lc_sort(void *base, size_t count, size_t size,
	     int (*compare)(const void *, const void *));

/* For tests only. */

/**
 * env_fail_alloc() - let one allocation fail
 * @nth: 0: none; 1: the next, 2: the one after it, ...
 */
void env_fail_alloc(unsigned long nth);

/**
 * env_failed() - whether the failure that was asked for has happened
 *
 * Return: true once lc_alloc() has returned NULL on request.
 */
bool env_failed(void);

/**
 * env_live() - allocations that were not freed yet
 *
 * Return: their number.
 */
unsigned long env_live(void);

/**
 * env_bytes() - bytes that were asked for so far, freed or not
 *
 * Return: their number.
 */
u64 env_bytes(void);

#endif /* _LENSCAP_ENV_H */
