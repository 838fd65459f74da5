/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key that seals the history.
 */
#ifndef LENSCAPD_HISTORY_KEY_H
#define LENSCAPD_HISTORY_KEY_H

#include <stdbool.h>

#include "chain.h"

bool history_key_load(const char *dir, uint8_t secret[CHAIN_SECRET_LEN],
		      bool *made, char **error);

#endif /* LENSCAPD_HISTORY_KEY_H */
