/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an address is said to be: databases in MaxMind's format, or libloc's.
 */
#ifndef LENSCAP_PLACE_H
#define LENSCAP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "diag.h"
#include "vendor.h"

struct place_db;

/**
 * struct place_format - who reads a kind of database
 * @open: take a file, of which nobody else knows, and which is closed
 *	afterwards; returns why it cannot be used, or NULL
 * @country: of an address in network order, 4 or 16 bytes; cut to its size
 * @network: the same; the organization may stay empty
 * @close: give back what @open took
 */
struct place_format {
	const char *(*open)(struct place_db *place, int fd);
	bool (*country)(const struct place_db *place, const uint8_t *address,
			size_t len, char *text, size_t size);
	bool (*network)(const struct place_db *place, const uint8_t *address,
			size_t len, uint32_t *asn, char *text, size_t size);
	void (*close)(struct place_db *place);
};

/**
 * struct place_db - a database; all zeroes is none
 * @format: who reads it; NULL: it cannot be asked
 * @data: what that needs
 * @made: when it was
 * @date: the same, as a day
 */
struct place_db {
	const struct place_format *format;
	void *data;
	time_t made;
	char date[HINT_DATE];
};

bool place_open(struct place_db *place, const char *path, struct diag *diag);
bool place_country(const struct place_db *place, const uint8_t *address,
		   size_t len, char *text, size_t size);
bool place_network(const struct place_db *place, const uint8_t *address,
		   size_t len, uint32_t *asn, char *text, size_t size);
void place_close(struct place_db *place);

/* For the files below: as much of a text as there is room for. */
void place_cut(char *text, size_t size, const char *from, size_t len);

/* place_mmdb.c */
extern const struct place_format place_mmdb;

/* place_loc.c */
extern const struct place_format place_loc;
bool place_loc_is(const char *head, size_t len);

#endif /* LENSCAP_PLACE_H */
