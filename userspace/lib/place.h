/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an address is said to be: databases in MaxMind's format.
 */
#ifndef LENSCAP_PLACE_H
#define LENSCAP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <maxminddb.h>

#include "diag.h"
#include "vendor.h"

/**
 * struct place_db - a database; all zeroes is none
 * @open: it can be asked
 * @db: libmaxminddb's
 * @date: the day it was made
 */
struct place_db {
	bool open;
	MMDB_s db;
	char date[HINT_DATE];
};

bool place_open(struct place_db *place, const char *path, struct diag *diag);
bool place_find(const struct place_db *place, const uint8_t *address,
		size_t len, MMDB_entry_s *entry);
bool place_text(MMDB_entry_s *entry, const char *const *path, char *text,
		size_t size);
bool place_number(MMDB_entry_s *entry, const char *const *path,
		  uint32_t *number);
void place_close(struct place_db *place);

#endif /* LENSCAP_PLACE_H */
