// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of a case, and the order in which they are visited: shuffled, so
 * that neighbours in a table are not neighbours in time and the tables are as
 * cold as a case's traffic makes them; from a fixed seed, so that every peer
 * and every run sees the same.
 */
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define SEED	0x4c63		/* any will do, as long as it stays */

static int store_grow(struct bench_store *store)
{
	u32 room = max(store->room * 2, 1024U);
	struct bench_frame **frames;

	frames = kvmalloc_array(room, sizeof(*frames), GFP_KERNEL);
	if (!frames)
		return -ENOMEM;
	if (store->count)
		memcpy(frames, store->frames, store->count * sizeof(*frames));
	kvfree(store->frames);
	store->frames = frames;
	store->room = room;
	return 0;
}

/**
 * bench_store_add() - add a frame
 * @store: to this store
 * @head: its length, which has been checked, and flags
 * @data: its bytes
 *
 * Return: 0 or -ENOMEM.
 */
int bench_store_add(struct bench_store *store, const struct lcbench_head *head,
		    const u8 *data)
{
	struct bench_frame *frame;
	int err;

	if (store->count == store->room) {
		err = store_grow(store);
		if (err)
			return err;
	}
	frame = kmalloc(struct_size(frame, data, head->len), GFP_KERNEL);
	if (!frame)
		return -ENOMEM;
	frame->sent = 0;
	frame->len = head->len;
	frame->flags = head->flags;
	memcpy(frame->data, data, head->len);
	store->frames[store->count++] = frame;
	kvfree(store->order);
	store->order = NULL;
	return 0;
}

/**
 * bench_store_shuffle() - order the frames that are timed, if not yet done
 * @store: the frames
 *
 * Return: 0, -ENOMEM, or -ENODATA if there is nothing to time.
 */
int bench_store_shuffle(struct bench_store *store)
{
	struct rnd_state random;
	u32 i;

	if (store->order)
		return 0;
	store->order = kvmalloc_array(store->count ?: 1, sizeof(u32),
				      GFP_KERNEL);
	if (!store->order)
		return -ENOMEM;
	store->timed = 0;
	store->next = 0;
	for (i = 0; i < store->count; i++)
		if (!(store->frames[i]->flags & LCBENCH_F_PROBE))
			store->order[store->timed++] = i;
	if (!store->timed) {
		kvfree(store->order);
		store->order = NULL;
		return -ENODATA;
	}
	prandom_seed_state(&random, SEED);
	for (i = store->timed - 1; i; i--)
		swap(store->order[i],
		     store->order[prandom_u32_state(&random) % (i + 1)]);
	return 0;
}

/**
 * bench_store_clear() - forget all frames
 * @store: of this store
 */
void bench_store_clear(struct bench_store *store)
{
	u32 i;

	for (i = 0; i < store->count; i++)
		kfree(store->frames[i]);
	kvfree(store->frames);
	kvfree(store->order);
	memset(store, 0, sizeof(*store));
}
