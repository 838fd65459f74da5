// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many destinations each device tried, and how many unknown devices there
 * are, from the daemon's list of drops, which is bounded (10,000 records).
 *
 * All is done by sorting: no table to size, and the same work for any site.
 */
#include <stdlib.h>
#include <string.h>

#include "drops.h"
#include "mem.h"

static void add_pair(struct drop_pairs *pairs, const char *first,
		     const char *second)
{
	pairs->items = mem_array_room(pairs->items, pairs->count, 1,
				      sizeof(*pairs->items));
	pairs->items[pairs->count++] = (struct drop_pair){
		.first = mem_copy(first), .second = mem_copy(second),
	};
}

/**
 * drops_take() - remember what counts of a drop record
 * @drops: struct drops, void for stream_ask()
 * @record: as the daemon tells it
 *
 * Return: 0.
 */
int drops_take(void *drops, const json_t *record)
{
	const char *device = json_string_value(json_object_get(record,
							       "device"));
	const char *to = json_string_value(json_object_get(record,
							   "destination"));
	const char *mac = json_string_value(json_object_get(record, "mac"));
	const char *reason = json_string_value(json_object_get(record,
							       "reason"));
	struct drops *all = drops;

	if (device && to)
		add_pair(&all->denied, device, to);
	if (mac && reason && !strcmp(reason, "unknown_device"))
		add_pair(&all->unknown, mac, "");
	return 0;
}

static int by_both(const void *a, const void *b)
{
	const struct drop_pair *left = a, *right = b;
	int order = strcmp(left->first, right->first);

	return order ? order : strcmp(left->second, right->second);
}

/* Sort, and leave each pair once. */
static void settle(struct drop_pairs *pairs)
{
	size_t kept = 0;

	if (!pairs->count)
		return;
	qsort(pairs->items, pairs->count, sizeof(*pairs->items), by_both);
	for (size_t i = 1; i < pairs->count; i++) {
		if (by_both(&pairs->items[kept], &pairs->items[i])) {
			pairs->items[++kept] = pairs->items[i];
		} else {
			free(pairs->items[i].first);
			free(pairs->items[i].second);
		}
	}
	pairs->count = kept + 1;
}

/**
 * drops_unknown() - how many devices that no policy names were seen
 * @drops: all records
 */
size_t drops_unknown(struct drops *drops)
{
	settle(&drops->unknown);
	return drops->unknown.count;
}

/* qsort_r() wants the pool beside the items. */
static int by_name(const void *a, const void *b, void *texts)
{
	const struct item *left = a, *right = b;

	return strcmp((char *)texts + left->name, (char *)texts + right->name);
}

static int by_profile(const void *a, const void *b, void *texts)
{
	const struct item *left = a, *right = b;

	return strcmp((char *)texts + left->other,
		      (char *)texts + right->other);
}

static struct item *find(const struct snapshot *snapshot, const char *name)
{
	size_t low = 0, high = snapshot->subjects.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct item *item = &snapshot->subjects.items[middle];
		int order = strcmp(name, snapshot_text(snapshot, item->name));

		if (!order)
			return item;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Of a device that the policy no longer names, nothing is told. */
static void count_destinations(const struct drop_pairs *pairs,
			       const struct snapshot *snapshot)
{
	for (size_t i = 0; i < pairs->count; i++) {
		struct item *item = find(snapshot, pairs->items[i].first);

		if (item)
			item->destinations++;
	}
}

static void rename_to_profiles(struct drop_pairs *pairs,
			       const struct snapshot *snapshot)
{
	size_t kept = 0;

	for (size_t i = 0; i < pairs->count; i++) {
		struct drop_pair pair = pairs->items[i];
		const struct item *item = find(snapshot, pair.first);

		free(pair.first);
		if (!item) {
			free(pair.second);
			continue;
		}
		pair.first = mem_copy(snapshot_text(snapshot, item->other));
		pairs->items[kept++] = pair;
	}
	pairs->count = kept;
}

/* Devices, in the order of their profiles, become profiles. */
static void add_up_profiles(struct snapshot *snapshot)
{
	struct item_list *list = &snapshot->subjects;
	struct item *sum = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct item item = list->items[i];

		if (!sum || strcmp(snapshot_text(snapshot, sum->name),
				   snapshot_text(snapshot, item.other)) != 0) {
			sum = &list->items[kept++];
			*sum = item;
			sum->name = item.other;
			continue;
		}
		for (size_t c = 0; c < COUNTS; c++)
			sum->count[c] += item.count[c];
		sum->devices += item.devices;
		if (item.seen > sum->seen)
			sum->seen = item.seen;
	}
	list->count = kept;
}

/**
 * drops_join() - give devices, or profiles, their number of destinations
 * @drops: all records
 * @snapshot: all devices; ordered by name afterwards
 * @profiles: whether to make profiles of the devices
 */
void drops_join(struct drops *drops, struct snapshot *snapshot, bool profiles)
{
	struct item_list *list = &snapshot->subjects;

	if (!list->count)
		return;
	qsort_r(list->items, list->count, sizeof(*list->items), by_name,
		snapshot->texts);
	if (profiles) {
		rename_to_profiles(&drops->denied, snapshot);
		qsort_r(list->items, list->count, sizeof(*list->items),
			by_profile, snapshot->texts);
		add_up_profiles(snapshot);
	}
	settle(&drops->denied);
	count_destinations(&drops->denied, snapshot);
}

static void free_pairs(struct drop_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->items[i].first);
		free(pairs->items[i].second);
	}
	free(pairs->items);
}

/**
 * drops_free() - forget all records
 * @drops: they
 */
void drops_free(struct drops *drops)
{
	free_pairs(&drops->denied);
	free_pairs(&drops->unknown);
}
