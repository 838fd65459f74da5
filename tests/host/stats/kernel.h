/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kmod/stats.c needs of a kernel, in a host process: included before it, in
 * place of the kernel's headers.
 */
#ifndef LENSCAP_STATS_KERNEL_H
#define LENSCAP_STATS_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sched.h>

typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;

struct host_atomic {
	int value;
};

struct host_atomic64 {
	long long value;
};

#define atomic_t		struct host_atomic
#define atomic64_t		struct host_atomic64

#define BIT_ULL(n)		(1ULL << (n))
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define MSEC_PER_SEC		1000
#define HZ			250
#define div_u64(a, b)		((a) / (b))
#define preempt_disable()	do { } while (0)
#define preempt_enable()	do { } while (0)
#define cpu_relax()		sched_yield()
#define cmpxchg(p, old, new) ({						\
	typeof(*(p)) was_ = (old);					\
	__atomic_compare_exchange_n(p, &was_, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);	\
	was_;								\
})

extern u64 host_jiffies;
extern u64 host_now;

static inline u64 get_jiffies_64(void)
{
	return READ_ONCE(host_jiffies);
}

static inline u64 lenscap_now(void)
{
	return host_now;
}

static inline u64 atomic64_add_return_relaxed(u64 n, atomic64_t *v)
{
	return __atomic_add_fetch(&v->value, n, __ATOMIC_RELAXED);
}

static inline u64 atomic64_read(const atomic64_t *v)
{
	return __atomic_load_n(&v->value, __ATOMIC_RELAXED);
}

static inline void atomic64_sub(u64 n, atomic64_t *v)
{
	__atomic_fetch_sub(&v->value, n, __ATOMIC_RELAXED);
}

static inline int atomic_cmpxchg_acquire(atomic_t *v, int old, int new)
{
	__atomic_compare_exchange_n(&v->value, &old, new, false,
				    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
	return old;
}

static inline void atomic_set_release(atomic_t *v, int n)
{
	__atomic_store_n(&v->value, n, __ATOMIC_RELEASE);
}

#endif /* LENSCAP_STATS_KERNEL_H */
