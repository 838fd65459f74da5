/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last good copy of gateway.yaml, for a start at which that is broken.
 */
#ifndef LENSCAPD_FALLBACK_H
#define LENSCAPD_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway.h"

struct daemon;

/**
 * struct fallback - what is known about the copy
 * @dir: state directory to look in, beside the one that the file names
 * @text: of the file in use, until it is kept; without a name: there is none
 * @error: what is wrong with the file, if the copy is in use instead, or NULL
 * @saved: when that copy was made, seconds
 */
struct fallback {
	const char *dir;
	struct policy_file text;
	char *error;
	uint64_t saved;
};

int fallback_read(const char *path, struct policy_file *text,
		  struct gateway *gateway, struct diag *diag);
bool fallback_start(struct daemon *daemon);
void fallback_take(struct daemon *daemon, struct policy_file *text);
void fallback_keep(struct daemon *daemon);
void fallback_free(struct fallback *fallback);

#endif /* LENSCAPD_FALLBACK_H */
