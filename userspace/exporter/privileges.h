/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process that only reads and answers has no use for.
 */
#ifndef LENSCAP_EXPORTER_PRIVILEGES_H
#define LENSCAP_EXPORTER_PRIVILEGES_H

#include <stdbool.h>

bool privileges_drop(const char *socket);

#endif /* LENSCAP_EXPORTER_PRIVILEGES_H */
