// SPDX-License-Identifier: GPL-2.0-only
/*
 * Databases in MaxMind's format, by libmaxminddb.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <maxminddb.h>

#include "mem.h"
#include "place.h"

static const char *mmdb_open(struct place_db *place, int fd)
{
	MMDB_s *db = mem_alloc(sizeof(*db));
	char path[32];
	int status;

	/* It opens files by their names alone. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = MMDB_open(path, MMDB_MODE_MMAP, db);
	if (status != MMDB_SUCCESS) {
		free(db);
		return MMDB_strerror(status);
	}
	place->data = db;
	place->made = (time_t)db->metadata.build_epoch;
	return NULL;
}

static bool find(const struct place_db *place, const uint8_t *address,
		 size_t len, MMDB_entry_s *entry)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	const struct sockaddr *sockaddr = (const struct sockaddr *)&six;
	MMDB_lookup_result_s result;
	int error = MMDB_SUCCESS;

	if (len == sizeof(four.sin_addr)) {
		memcpy(&four.sin_addr, address, len);
		sockaddr = (const struct sockaddr *)&four;
	} else {
		memcpy(&six.sin6_addr, address, len);
	}
	result = MMDB_lookup_sockaddr(place->data, sockaddr, &error);
	if (error != MMDB_SUCCESS || !result.found_entry)
		return false;
	*entry = result.entry;
	return true;
}

/* @path: keys, the last one NULL. */
static bool take_text(MMDB_entry_s *entry, const char *const *path, char *text,
		      size_t size)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	place_cut(text, size, data.utf8_string, data.data_size);
	return *text;
}

static bool take_number(MMDB_entry_s *entry, const char *const *path,
			uint32_t *number)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS ||
	    !data.has_data)
		return false;
	if (data.type == MMDB_DATA_TYPE_UINT32)
		*number = data.uint32;
	else if (data.type == MMDB_DATA_TYPE_UINT16)
		*number = data.uint16;
	else
		return false;
	return true;
}

static bool mmdb_country(const struct place_db *place, const uint8_t *address,
			 size_t len, char *text, size_t size)
{
	static const char *const country[] = { "country", "iso_code", NULL };
	static const char *const registered[] = {
		"registered_country", "iso_code", NULL
	};
	MMDB_entry_s entry;

	return find(place, address, len, &entry) &&
	       (take_text(&entry, country, text, size) ||
		take_text(&entry, registered, text, size));
}

static bool mmdb_network(const struct place_db *place, const uint8_t *address,
			 size_t len, uint32_t *asn, char *text, size_t size)
{
	static const char *const number[] = {
		"autonomous_system_number", NULL
	};
	static const char *const organization[] = {
		"autonomous_system_organization", NULL
	};
	MMDB_entry_s entry;

	if (!find(place, address, len, &entry) ||
	    !take_number(&entry, number, asn))
		return false;
	(void)take_text(&entry, organization, text, size);
	return true;
}

static void mmdb_close(struct place_db *place)
{
	MMDB_close(place->data);
	free(place->data);
}

const struct place_format place_mmdb = {
	.open = mmdb_open,
	.country = mmdb_country,
	.network = mmdb_network,
	.close = mmdb_close,
};
