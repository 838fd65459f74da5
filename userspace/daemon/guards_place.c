// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places at which guards stand, or are to stand.
 */
#include <stdlib.h>
#include <string.h>

#include "guards.h"
#include "mem.h"

/**
 * guard_places_add() - add a place
 * @places: where to
 * @name: of the guard
 * @ifindex: index of its interface, or 0: wherever the guard is
 * @vlan: VLAN id, or 0
 */
void guard_places_add(struct guard_places *places, const char *name,
		      unsigned int ifindex, uint16_t vlan)
{
	places->items = mem_array_room(places->items, places->count, 1,
				       sizeof(*places->items));
	places->items[places->count++] = (struct guard_place){
		.name = mem_copy(name),
		.ifindex = ifindex,
		.vlan = vlan,
	};
}

/**
 * guard_places_free() - forget all of them
 * @places: they
 */
void guard_places_free(struct guard_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->items[i].name);
	free(places->items);
	memset(places, 0, sizeof(*places));
}
