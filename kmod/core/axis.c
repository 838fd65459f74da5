// SPDX-License-Identifier: GPL-2.0-only
/*
 * Axes: long lists of services, so that they need not be scanned.
 *
 * Problem. One destination may have thousands of services, with port ranges
 * that overlap. A frame has one protocol and two ports; is there a rule for
 * it, and who may initiate?
 *
 * Structure. Rules only permit, so all that matters about a number on an axis
 * is whether any rule covers it. An axis is the line of all pairs of protocol
 * and port, protocol * 65536 + port, cut wherever a rule begins or ends. Between
 * two cuts every number is covered by the same kinds of rule, which is the
 * interval's mark. It also knows the first rule of either kind, for who counts what
 * rules are used, and is cut where that changes. A rule for every port of a protocol covers 65,536 numbers, one
 * for every protocol the whole line. n rules make at most 2n cuts, and a lookup
 * is one binary search (search.h).
 *
 * There are three such axes: of the peer's port, for rules that leave the
 * device's port open; of the device's port, for those that leave the peer's open;
 * and one without ports for frames that carry none (its mark also says whether
 * there are rules with ports, which is the difference between the reasons
 * "fragment" and "service").
 *
 * A rule may limit both ports. Such pairs are rectangles, which cannot be put
 * on a line. They are sorted by their lowest peer port, and each knows the
 * reach, the highest peer port of itself and all before it: the search starts
 * at the last that begins at or before the frame's port and goes down until
 * nothing reaches it any more. Pairs whose peer ranges are apart cost one or two
 * steps; pairs that all overlap cost a step each. Policy files make pairs by
 * "source", and of all that serves by UDP, whose peer ports begin at 1024: a
 * destination has few of those.
 *
 * Example: tcp 80-90 (the device initiates) and tcp 85-100 (the peer does):
 *
 *   cut   0       6*65536+80   +85            +91     +101
 *   mark  none    device       device, peer   peer    none
 */
#include "ruleset.h"

#define AXES		3
#define NUMBER_END	0x1000000U	/* behind the last protocol */

/* Where a rule of a mark begins (@step 1) or has ended (@step -1). */
struct edge {
	u32 at;
	s16 step;
	u16 mark;
	u32 service;
};

struct cut {
	u32 at;
	u32 mark;
	u16 first[2];
};

#define KINDS		2	/* LC_MARK_DEVICE, LC_MARK_PEER */
#define TOPS		(65536 / 64 / 64)

/**
 * struct active - the services that cover where a sweep is
 * @top: which words are not 0
 * @words: a bit for each service
 */
struct active {
	u64 top[TOPS];
	u64 words[];
};

struct pair {
	u32 low;
	u32 high;
	u32 service;
};

/**
 * struct lc_axes - what a long list is compiled to
 * @count: cuts of each axis
 * @pairs: pairs
 * @cuts: of each axis
 * @pair: sorted
 */
struct lc_axes {
	u32 count[AXES];
	u32 pairs;
	struct cut *cuts[AXES];
	struct pair *pair;
};

static int edge_compare(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;

	return a->at < b->at ? -1 : a->at > b->at;
}

static int pair_compare(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return a->service < b->service ? -1 : a->service > b->service;
}

static void edges_add(struct edge *edges, u32 *n, u32 low, u32 high, u16 mark,
		      u32 service)
{
	edges[*n] = (struct edge){ .at = low, .step = 1, .mark = mark,
				   .service = service };
	edges[*n + 1] = (struct edge){ .at = high + 1, .step = -1,
				       .mark = mark, .service = service };
	*n += 2;
}

static void active_set(struct active *active, u32 service, bool on)
{
	u32 word = service / 64;

	if (on)
		active->words[word] |= 1ULL << service % 64;
	else
		active->words[word] &= ~(1ULL << service % 64);
	if (active->words[word])
		active->top[word / 64] |= 1ULL << word % 64;
	else
		active->top[word / 64] &= ~(1ULL << word % 64);
}

static u16 active_first(const struct active *active)
{
	u32 i, word;

	for (i = 0; i < TOPS; i++) {
		if (!active->top[i])
			continue;
		word = i * 64 + lc_ctz(active->top[i]);
		return word * 64 + lc_ctz(active->words[word]);
	}
	return LC_FIRST_NONE;
}

static bool same_cut(const struct cut *a, const struct cut *b)
{
	return a->mark == b->mark && a->first[0] == b->first[0] &&
	       a->first[1] == b->first[1];
}

/* Edges to cuts, from 0 on: a cut where the mark or a first service changes. */
static u32 sweep(struct edge *edges, u32 n, struct active *const *active,
		 struct cut *cuts)
{
	u32 cover[3] = { 0 }, count = 1, i = 0, bit;

	lc_sort(edges, n, sizeof(*edges), edge_compare);
	cuts[0] = (struct cut){ .first = { LC_FIRST_NONE, LC_FIRST_NONE } };
	while (i < n) {
		struct cut cut = { .at = edges[i].at };

		for (; i < n && edges[i].at == cut.at; i++)
			for (bit = 0; bit < 3; bit++) {
				if (!(edges[i].mark >> bit & 1))
					continue;
				cover[bit] += edges[i].step;
				if (bit < KINDS)
					active_set(active[bit],
						   edges[i].service,
						   edges[i].step > 0);
			}
		for (bit = 0; bit < 3; bit++)
			cut.mark |= (u32)!!cover[bit] << bit;
		for (bit = 0; bit < KINDS; bit++)
			cut.first[bit] = active_first(active[bit]);
		if (cut.at >= NUMBER_END)
			break;
		if (!cut.at)
			cuts[0] = cut;
		else if (!same_cut(&cut, &cuts[count - 1]))
			cuts[count++] = cut;
	}
	return count;
}

static bool device_full(const struct lc_service *service)
{
	return !lc_box_device(service->low) &&
	       lc_box_device(service->high) == 0xffff;
}

static bool peer_full(const struct lc_service *service)
{
	return !lc_box_peer(service->low) &&
	       lc_box_peer(service->high) == 0xffff;
}

/* Does the service belong on an axis, and from where to where? */
static bool on_axis(u32 axis, const struct lc_service *service, u32 *low,
		    u32 *high, u16 *mark)
{
	u8 first = lc_box_proto(service->low);
	u8 last = lc_box_proto(service->high);

	*mark = lc_service_flags(service) & LC_MARK_INITIATOR;
	switch (axis) {
	case 0:
		*low = lc_axis_number(first, lc_box_peer(service->low));
		*high = lc_axis_number(last, lc_box_peer(service->high));
		return device_full(service);
	case 1:
		*low = lc_axis_number(first, lc_box_device(service->low));
		*high = lc_axis_number(last, lc_box_device(service->high));
		return peer_full(service) && !device_full(service);
	default:
		*low = lc_axis_number(first, 0);
		*high = lc_axis_number(last, 0xffff);
		if (lc_service_flags(service) & LC_SERVICE_PORTS)
			*mark = LC_MARK_PORTS;
		return true;
	}
}

static size_t active_bytes(u32 count)
{
	return sizeof(struct active) + DIV_ROUND_UP(count, 64) * sizeof(u64);
}

static int axis_create(u32 axis, const struct lc_service *services, u32 count,
		       struct edge *edges, struct active *const *active,
		       struct lc_axes *axes)
{
	u32 n = 0, i, low, high;
	u16 mark;

	for (i = 0; i < count; i++)
		if (on_axis(axis, &services[i], &low, &high, &mark))
			edges_add(edges, &n, low, high, mark, i);
	axes->cuts[axis] = lc_alloc(array_size(n + 1, sizeof(struct cut)));
	if (!axes->cuts[axis])
		return -ENOMEM;
	for (i = 0; i < KINDS; i++)
		memset(active[i], 0, active_bytes(count));
	axes->count[axis] = sweep(edges, n, active, axes->cuts[axis]);
	return 0;
}

static void pairs_create(const struct lc_service *services, u32 count,
			 struct lc_axes *axes)
{
	u32 i;

	for (i = 0; i < count; i++) {
		const struct lc_service *service = &services[i];
		struct pair *pair = &axes->pair[axes->pairs];

		if (device_full(service) || peer_full(service))
			continue;
		pair->low = lc_axis_number(lc_box_proto(service->low),
					   lc_box_peer(service->low));
		pair->high = lc_axis_number(lc_box_proto(service->high),
					    lc_box_peer(service->high));
		pair->service = i;
		axes->pairs++;
	}
	lc_sort(axes->pair, axes->pairs, sizeof(*axes->pair), pair_compare);
}

/**
 * lc_axes_create() - compile a long list of services
 * @services: the list
 * @count: how many
 * @result: receives the axes, to be freed with lc_axes_destroy()
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int lc_axes_create(const struct lc_service *services, u32 count,
		   struct lc_axes **result)
{
	struct lc_axes *axes = lc_alloc(sizeof(*axes));
	struct edge *edges = lc_alloc(array_size(2 * count, sizeof(*edges)));
	struct active *active[KINDS] = { lc_alloc(active_bytes(count)),
					 lc_alloc(active_bytes(count)) };
	int err = -ENOMEM;
	u32 axis;

	if (!axes || !edges || !active[0] || !active[1])
		goto out;
	for (axis = 0; axis < AXES; axis++) {
		err = axis_create(axis, services, count, edges, active, axes);
		if (err)
			goto out;
	}
	axes->pair = lc_alloc(array_size(count, sizeof(*axes->pair)));
	if (!axes->pair) {
		err = -ENOMEM;
		goto out;
	}
	pairs_create(services, count, axes);
	*result = axes;
out:
	lc_free(active[1]);
	lc_free(active[0]);
	lc_free(edges);
	if (err)
		lc_axes_destroy(axes);
	return err;
}

/**
 * lc_axes_destroy() - free axes
 * @axes: the axes or NULL
 */
void lc_axes_destroy(struct lc_axes *axes)
{
	u32 axis;

	if (!axes)
		return;
	for (axis = 0; axis < AXES; axis++)
		lc_free(axes->cuts[axis]);
	lc_free(axes->pair);
	lc_free(axes);
}

/* Numbers, marks and first services, so that what follows is aligned for numbers again. */
static u32 axis_bytes(u32 count)
{
	return count * sizeof(u32) +
	       DIV_ROUND_UP(count, sizeof(u32)) * sizeof(u32) +
	       count * KINDS * sizeof(u16);
}

/**
 * lc_axes_bytes() - memory that lc_axes_write() fills
 * @axes: the axes
 *
 * Return: bytes, a multiple of four.
 */
u32 lc_axes_bytes(const struct lc_axes *axes)
{
	u32 bytes = axes->pairs * sizeof(u32) +
		    DIV_ROUND_UP(axes->pairs, 2) * sizeof(u32);
	u32 axis;

	for (axis = 0; axis < AXES; axis++)
		bytes += axis_bytes(axes->count[axis]);
	return bytes;
}

static void axis_write(const struct lc_axes *axes, u32 axis,
		       struct lc_ruleset *set, u32 offset, struct lc_axis *to)
{
	u32 count = axes->count[axis];
	u32 *keys = (u32 *)lc_ruleset_at(set, offset);
	u16 *firsts = (u16 *)lc_axis_firsts(keys, count);
	u8 *marks = (u8 *)(keys + count);
	u32 i;

	to->keys = offset;
	to->count = count;
	for (i = 0; i < count; i++) {
		const struct cut *cut = &axes->cuts[axis][i];

		keys[i] = cut->at;
		marks[i] = cut->mark;
		memcpy(firsts + i * KINDS, cut->first, sizeof(cut->first));
	}
}

/**
 * lc_axes_write() - put axes into a ruleset
 * @axes: the axes
 * @set: the ruleset, which nobody else sees yet
 * @offset: where in it, in bytes, a multiple of four
 * @list: receives where what is; its services are the caller's business
 */
void lc_axes_write(const struct lc_axes *axes, struct lc_ruleset *set,
		   u32 offset, struct lc_long *list)
{
	u32 *reach, highest = 0, i;
	u16 *numbers;

	axis_write(axes, 0, set, offset, &list->peer);
	offset += axis_bytes(list->peer.count);
	axis_write(axes, 1, set, offset, &list->device);
	offset += axis_bytes(list->device.count);
	axis_write(axes, 2, set, offset, &list->bare);
	offset += axis_bytes(list->bare.count);

	list->reach = offset;
	list->pairs = axes->pairs;
	reach = (u32 *)lc_ruleset_at(set, offset);
	numbers = (u16 *)(reach + axes->pairs);
	for (i = 0; i < axes->pairs; i++) {
		if (axes->pair[i].high > highest)
			highest = axes->pair[i].high;
		reach[i] = highest;
		numbers[i] = axes->pair[i].service;
	}
}
