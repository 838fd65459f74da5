/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon's list of drops says about devices, as numbers: how many
 * destinations each tried, never which.
 */
#ifndef LENSCAP_EXPORTER_DROPS_H
#define LENSCAP_EXPORTER_DROPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "scrape.h"

/* Two texts that make one thing, such as a device and a destination. */
struct drop_pair {
	char *first, *second;
};

struct drop_pairs {
	struct drop_pair *items;
	size_t count;
};

/**
 * struct drops - what is remembered of drop records
 * @denied: device and destination
 * @unknown: MAC and nothing
 */
struct drops {
	struct drop_pairs denied, unknown;
};

int drops_take(void *drops, const json_t *record);
size_t drops_unknown(struct drops *drops);
void drops_join(struct drops *drops, struct snapshot *snapshot, bool profiles);
void drops_free(struct drops *drops);

#endif /* LENSCAP_EXPORTER_DROPS_H */
