/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One daemon in a network namespace, and one with a state directory.
 */
#ifndef LENSCAPD_LOCK_H
#define LENSCAPD_LOCK_H

enum lock_result {
	LOCK_TAKEN,
	LOCK_BUSY,	/* another daemon runs; it was logged which one */
	LOCK_FAILED,	/* it was logged why */
};

enum lock_result lock_take(const char *state);

#endif /* LENSCAPD_LOCK_H */
