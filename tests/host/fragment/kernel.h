/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kmod/fragment.c needs of a kernel, in a host process: included before it,
 * in place of the kernel's headers.
 */
#ifndef LENSCAP_FRAGMENT_KERNEL_H
#define LENSCAP_FRAGMENT_KERNEL_H

#include <stdatomic.h>

#include "core.h"

#define ____cacheline_aligned	__attribute__((__aligned__(64)))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define U64_MAX			(~0ULL)
#define BITS_PER_LONG		64
#define NSEC_PER_SEC		1000000000ULL
#define GFP_KERNEL_ACCOUNT	0
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_rmb()		atomic_thread_fence(memory_order_acquire)
#define cmpxchg(p, old, new) ({						\
	typeof(*(p)) was_ = (old);					\
	__atomic_compare_exchange_n(p, &was_, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);	\
	was_;								\
})
#define clamp(x, low, high)	((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
#define BUILD_BUG_ON(x)		_Static_assert(!(x), #x)
#define module_param(...)	extern int nothing_here
#define MODULE_PARM_DESC(...)	extern int nothing_there

struct host_siphash_key {
	u64 key[2];
};

struct host_atomic64 {
	long long value;
};

#define siphash_key_t		struct host_siphash_key
#define atomic64_t		struct host_atomic64

struct lenscap_stats {
	int any;
};

struct lenscap_guard {
	struct lc_guard core;
};

struct lenscap_fragments;

struct lenscap_net {
	struct lenscap_fragments *fragments;
};

extern u64 host_ns;

static inline u64 ktime_get_ns(void)
{
	return __atomic_fetch_add(&host_ns, 1024, __ATOMIC_RELAXED);
}

static inline u32 roundup_pow_of_two(u32 n)
{
	return n < 2 ? 1 : 1U << (32 - __builtin_clz(n - 1));
}

static inline void *kzalloc(size_t size, int flags)
{
	(void)flags;
	return calloc(1, size);
}

static inline void *kvcalloc(size_t n, size_t size, int flags)
{
	void *p = aligned_alloc(64, n * size);

	(void)flags;
	return p ? memset(p, 0, n * size) : NULL;
}

static inline void kvfree(void *p)
{
	free(p);
}

static inline void kfree(void *p)
{
	free(p);
}

static inline void get_random_bytes(void *p, size_t size)
{
	memset(p, 0x5a, size);
}

static inline void atomic64_inc(atomic64_t *v)
{
	__atomic_fetch_add(&v->value, 1, __ATOMIC_RELAXED);
}

static inline u64 atomic64_read(const atomic64_t *v)
{
	return __atomic_load_n(&v->value, __ATOMIC_RELAXED);
}

/* Not SipHash, but spread as evenly: the tests are about places. */
static inline u64 siphash(const void *data, size_t size, const siphash_key_t *key)
{
	u64 hash = key->key[0];
	const u8 *p = data;

	while (size--)
		hash = (hash ^ *p++) * 0x9e3779b97f4a7c15ULL ^ hash >> 29;
	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ULL;
	return hash ^ hash >> 32;
}

static inline u64 siphash_1u64(u64 n, const siphash_key_t *key)
{
	return siphash(&n, sizeof(n), key);
}

#endif /* LENSCAP_FRAGMENT_KERNEL_H */
