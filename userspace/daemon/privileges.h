/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon may do, before and after it is ready.
 */
#ifndef LENSCAPD_PRIVILEGES_H
#define LENSCAPD_PRIVILEGES_H

#include <stdbool.h>

bool privileges_suffice(void);
bool privileges_drop(void);

#endif /* LENSCAPD_PRIVILEGES_H */
