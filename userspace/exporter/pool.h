/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of a snapshot, one after the other in one piece of memory.
 */
#ifndef LENSCAP_EXPORTER_POOL_H
#define LENSCAP_EXPORTER_POOL_H

#include "scrape.h"

size_t pool_add(struct snapshot *snapshot, const char *text);

#endif /* LENSCAP_EXPORTER_POOL_H */
