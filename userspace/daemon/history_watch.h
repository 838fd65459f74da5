/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the history is to tell besides drops: policy, guards, interlock, sums.
 */
#ifndef LENSCAPD_HISTORY_WATCH_H
#define LENSCAPD_HISTORY_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "client.h"

struct daemon;

/**
 * struct history_watch - what the history was told last
 * @generation: of the policy
 * @told: @generation is known
 * @by: who asked for @by_generation, or NULL
 * @by_generation: see @by
 * @guards: object: name to state
 * @interlock: its state
 * @totals_at: when sums were told, ms since the epoch
 * @lost: frames without a record, as the kernel counts
 */
struct history_watch {
	uint32_t generation;
	bool told;
	char *by;
	uint32_t by_generation;
	json_t *guards;
	json_t *interlock;
	int64_t totals_at;
	uint64_t lost;
};

void history_watch_asked(struct daemon *daemon, const char *what,
			 const char *by, uint32_t generation);
void history_watch_command(struct daemon *daemon, const char *what,
			   const char *by, const json_t *guards,
			   const json_t *opened);
void history_watch_policy(struct daemon *daemon,
			  const struct client_info *info);
void history_watch_tick(struct daemon *daemon);
void history_watch_stop(struct daemon *daemon);

#endif /* LENSCAPD_HISTORY_WATCH_H */
