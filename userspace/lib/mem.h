/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is there, or the program ends.
 *
 * Half a policy must never look like a whole one, and no caller has a better
 * answer to a failed allocation of a few bytes than to stop: the kernel keeps
 * enforcing what it has.
 */
#ifndef LENSCAP_MEM_H
#define LENSCAP_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((returns_nonnull, malloc));
char *mem_copy(const char *text) __attribute__((returns_nonnull, malloc));
char *mem_copy_len(const char *text, size_t len)
	__attribute__((returns_nonnull, malloc));
char *mem_print(const char *format, ...)
	__attribute__((returns_nonnull, malloc, format(printf, 1, 2)));
void *mem_array_room(void *array, size_t count, size_t more, size_t size)
	__attribute__((returns_nonnull));
void *mem_array_done(void *array, size_t count, size_t size);

#endif /* LENSCAP_MEM_H */
