/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling the service manager how things are, without waiting for it.
 */
#ifndef LENSCAPD_NOTIFY_H
#define LENSCAPD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

/* A reload that has begun, and its end. */
#define NOTIFY_OWED 2U

/**
 * struct notify - what the service manager knows, and is still to hear
 * @owed: states that it did not take, in their order
 * @count: how many
 * @behind: what was told last did not arrive
 * @status: the status that it has
 */
struct notify {
	char owed[NOTIFY_OWED][64];
	size_t count;
	bool behind;
	char status[192];
};

void notify_tell(struct notify *notify, const char *state, const char *status);

#endif /* LENSCAPD_NOTIFY_H */
