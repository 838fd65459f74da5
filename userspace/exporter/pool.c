// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts of a snapshot, one after the other in one piece of memory.
 *
 * A name of its own for each of 50,000 devices would cost more in bookkeeping
 * than in text, and stay scattered over the heap after it was freed.
 */
#include <string.h>

#include "mem.h"
#include "pool.h"

/**
 * pool_add() - keep a text
 * @snapshot: whose pool
 * @text: copied
 *
 * Return: its place; pointers into the pool hold only until the next text.
 */
size_t pool_add(struct snapshot *snapshot, const char *text)
{
	size_t len = strlen(text) + 1, place = snapshot->texts_len;

	snapshot->texts = mem_array_room(snapshot->texts, place, len, 1);
	memcpy(snapshot->texts + place, text, len);
	snapshot->texts_len += len;
	return place;
}
