// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where an address is said to be: databases in MaxMind's format.
 *
 * The library maps a database into memory, where a file that somebody
 * overwrites or cuts would change or vanish under its reader. It is therefore
 * given a copy of its own, in memory as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "place.h"

/* What a gateway can spare; the free databases have 10 to 70. */
#define DB_MAX_MIB	256

/* At once, so that a signal is not kept waiting. */
#define COPY_BYTES	(8U << 20)

/* Return: NULL, or why not. */
static const char *copy(int from, int to)
{
	struct stat stat;
	off_t left;

	if (fstat(from, &stat))
		return strerror(errno);
	if (!S_ISREG(stat.st_mode))
		return "is not a regular file";
	if (stat.st_size > (off_t)DB_MAX_MIB << 20)
		return "is larger than 256 MiB";
	for (left = stat.st_size; left > 0;) {
		ssize_t done = sendfile(to, from, NULL, COPY_BYTES);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return strerror(errno);
		if (!done)
			return "became shorter while it was read";
		left -= done;
	}
	return NULL;
}

static const char *open_copy(struct place_db *place, int fd)
{
	int memory = memfd_create("lenscap-places", MFD_CLOEXEC);
	const char *why;
	char path[32];
	int status;

	if (memory < 0)
		return strerror(errno);
	why = copy(fd, memory);
	if (!why) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
		status = MMDB_open(path, MMDB_MODE_MMAP, &place->db);
		place->open = status == MMDB_SUCCESS;
		if (!place->open)
			why = MMDB_strerror(status);
	}
	/* The mapping keeps what it maps. */
	close(memory);
	return why;
}

/**
 * place_open() - read a database
 * @place: result, all zeroes before
 * @path: the file
 * @diag: receives a warning if it cannot be used
 */
bool place_open(struct place_db *place, const char *path, struct diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = fd < 0 ? strerror(errno) : open_copy(place, fd);
	struct tm tm;
	time_t when;

	if (fd >= 0)
		close(fd);
	if (why) {
		diag_warning(diag, path, 0, 0,
			     "cannot be used: %s; hints do without it", why);
		return false;
	}
	when = (time_t)place->db.metadata.build_epoch;
	if (!gmtime_r(&when, &tm) ||
	    !strftime(place->date, sizeof(place->date), "%Y-%m-%d", &tm))
		place->date[0] = '\0';
	return true;
}

/**
 * place_find() - look an address up
 * @place: the database
 * @address: in network order
 * @len: 4 or 16
 * @entry: result
 *
 * Return: whether the database knows it.
 */
bool place_find(const struct place_db *place, const uint8_t *address,
		size_t len, MMDB_entry_s *entry)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	const struct sockaddr *sockaddr;
	MMDB_lookup_result_s result;
	int error = MMDB_SUCCESS;

	if (!place->open)
		return false;
	if (len == sizeof(four.sin_addr)) {
		memcpy(&four.sin_addr, address, len);
		sockaddr = (const struct sockaddr *)&four;
	} else if (len == sizeof(six.sin6_addr)) {
		memcpy(&six.sin6_addr, address, len);
		sockaddr = (const struct sockaddr *)&six;
	} else {
		return false;
	}
	result = MMDB_lookup_sockaddr(&place->db, sockaddr, &error);
	if (error != MMDB_SUCCESS || !result.found_entry)
		return false;
	*entry = result.entry;
	return true;
}

/**
 * place_text() - a text of an entry
 * @entry: what place_find() found
 * @path: keys, the last one NULL
 * @text: result, cut to its size, empty if there is none
 * @size: of it
 */
bool place_text(MMDB_entry_s *entry, const char *const *path, char *text,
		size_t size)
{
	MMDB_entry_data_s data;
	size_t len;

	text[0] = '\0';
	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	len = data.data_size;
	if (len >= size)
		len = size - 1;
	while (len < data.data_size && len &&
	       (data.utf8_string[len] & 0xc0) == 0x80)
		len--;
	memcpy(text, data.utf8_string, len);
	text[len] = '\0';
	return len;
}

/**
 * place_number() - a number of an entry
 * @entry: what place_find() found
 * @path: keys, the last one NULL
 * @number: result, untouched if there is none
 */
bool place_number(MMDB_entry_s *entry, const char *const *path,
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

void place_close(struct place_db *place)
{
	if (place->open)
		MMDB_close(&place->db);
	memset(place, 0, sizeof(*place));
}
