// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is there, or the program ends.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static void *must(void *pointer)
{
	if (!pointer) {
		(void)fputs("lenscap: out of memory\n", stderr);
		abort();
	}
	return pointer;
}

/**
 * mem_alloc() - zeroed memory
 * @size: bytes
 */
void *mem_alloc(size_t size)
{
	return must(calloc(1, size ? size : 1));
}

/**
 * mem_copy() - copy of a string
 * @text: it
 */
char *mem_copy(const char *text)
{
	return must(strdup(text));
}

/**
 * mem_copy_len() - copy of bytes, with a NUL behind
 * @text: they
 * @len: how many
 */
char *mem_copy_len(const char *text, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

/**
 * mem_print() - formatted string
 * @format: as of printf()
 */
char *mem_print(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return must(len < 0 ? NULL : text);
}

static size_t array_size(size_t count)
{
	size_t room = 8;

	while (room < count)
		room *= 2;
	return room;
}

/**
 * mem_array_room() - make room at the end of an array
 * @array: it, NULL if @count is 0
 * @count: elements in use
 * @more: elements that are to be added
 * @size: bytes of one
 *
 * The room is a power of two that follows from @count alone, so that the
 * array needs no separate capacity: it must have grown through this function
 * only, and never shrunk.
 *
 * Return: the array, perhaps moved.
 */
void *mem_array_room(void *array, size_t count, size_t more, size_t size)
{
	size_t room;

	if (more > SIZE_MAX / 4 - count)
		must(NULL);
	room = array_size(count + more);
	if (array && count && room == array_size(count))
		return array;
	return must(reallocarray(array, room, size));
}

/**
 * mem_array_done() - give back the room of an array that will not grow
 * @array: from mem_array_room(), or NULL
 * @count: elements in use
 * @size: bytes of one
 *
 * Return: the array, perhaps moved, or NULL.
 */
void *mem_array_done(void *array, size_t count, size_t size)
{
	return array && count ? must(reallocarray(array, count, size)) : array;
}
