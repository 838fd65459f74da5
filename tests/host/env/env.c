// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation and sorting for the core, with malice: an allocation fails on
 * request, and equal elements come out of the sort in any order, because the
 * kernel's sort() is not stable while glibc's qsort() usually is.
 */
#include <lenscap/env.h>

static unsigned long live;
static u64 total;
static unsigned long fail_in;
static bool failed;

void *lc_alloc(size_t bytes)
{
	void *p;

	if (fail_in && !--fail_in) {
		failed = true;
		return NULL;
	}
	p = calloc(1, bytes);
	if (p) {
		live++;
		total += bytes;
	}
	return p;
}

void *lc_dup(const void *p, size_t bytes)
{
	void *copy = lc_alloc(bytes);

	return copy ? memcpy(copy, p, bytes) : NULL;
}

void lc_free(const void *p)
{
	if (!p)
		return;
	live--;
	free((void *)p);
}

static void swap(u8 *a, u8 *b, size_t size)
{
	while (size--) {
		u8 byte = a[size];

		a[size] = b[size];
		b[size] = byte;
	}
}

void lc_sort(void *base, size_t count, size_t size,
	     int (*compare)(const void *, const void *))
{
	u64 state = 0x9e3779b97f4a7c15ULL ^ count;
	size_t i;

	for (i = count; i > 1; i--) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		swap((u8 *)base + (i - 1) * size,
		     (u8 *)base + (size_t)((state >> 33) % i) * size, size);
	}
	if (count > 1)
		qsort(base, count, size, compare);
}

void env_fail_alloc(unsigned long nth)
{
	fail_in = nth;
	failed = false;
}

bool env_failed(void)
{
	return failed;
}

unsigned long env_live(void)
{
	return live;
}

u64 env_bytes(void)
{
	return total;
}
