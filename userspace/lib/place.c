// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where an address is said to be: databases in MaxMind's format, or libloc's.
 *
 * The libraries map a database into memory, where a file that somebody
 * overwrites or cuts would change or vanish under its reader. They are
 * therefore given a copy of their own, in memory as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"

/* What a gateway can spare; the free databases have 10 to 70. */
#define DB_MAX_MIB	256

/* What tells the formats apart. */
#define HEAD_BYTES	16

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

/* libloc's say what they are at once, MaxMind's only near their end. */
static const struct place_format *recognise(int fd)
{
	char head[HEAD_BYTES];
	ssize_t len = pread(fd, head, sizeof(head), 0);

	return len > 0 && place_loc_is(head, (size_t)len) ? &place_loc :
							    &place_mmdb;
}

static const char *open_copy(struct place_db *place, int fd)
{
	int memory = memfd_create("lenscap-places", MFD_CLOEXEC);
	const struct place_format *format;
	const char *why;

	if (memory < 0)
		return strerror(errno);
	why = copy(fd, memory);
	if (!why) {
		format = recognise(memory);
		why = format->open(place, memory);
		if (!why)
			place->format = format;
	}
	/* The mapping keeps what it maps. */
	close(memory);
	return why;
}

/**
 * place_open() - read a database
 * @place: result, all zeroes before
 * @path: the file, in any of the formats
 * @diag: receives a warning if it cannot be used
 */
bool place_open(struct place_db *place, const char *path, struct diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = fd < 0 ? strerror(errno) : open_copy(place, fd);
	struct tm tm;

	if (fd >= 0)
		close(fd);
	if (why) {
		diag_warning(diag, path, 0, 0,
			     "cannot be used: %s; hints do without it", why);
		return false;
	}
	if (!gmtime_r(&place->made, &tm) ||
	    !strftime(place->date, sizeof(place->date), "%Y-%m-%d", &tm))
		place->date[0] = '\0';
	return true;
}

static bool can_ask(const struct place_db *place, size_t len)
{
	return place->format && (len == 4 || len == 16);
}

/**
 * place_country() - in which country is an address said to be?
 * @place: the database
 * @address: in network order
 * @len: 4 or 16
 * @text: result, a code of two letters; empty if that is not known
 * @size: of it
 */
bool place_country(const struct place_db *place, const uint8_t *address,
		   size_t len, char *text, size_t size)
{
	text[0] = '\0';
	return can_ask(place, len) &&
	       place->format->country(place, address, len, text, size);
}

/**
 * place_network() - to which autonomous system is an address said to belong?
 * @place: the database
 * @address: in network order
 * @len: 4 or 16
 * @asn: result, its number; untouched if that is not known
 * @text: result, who runs it, or empty
 * @size: of @text
 */
bool place_network(const struct place_db *place, const uint8_t *address,
		   size_t len, uint32_t *asn, char *text, size_t size)
{
	text[0] = '\0';
	return can_ask(place, len) &&
	       place->format->network(place, address, len, asn, text, size);
}

/**
 * place_cut() - as much of a text as there is room for
 * @text: result
 * @size: of it
 * @from: the text, which need not end
 * @len: of it
 */
void place_cut(char *text, size_t size, const char *from, size_t len)
{
	size_t keep = len < size ? len : size - 1;

	/* Not in the middle of a character. */
	while (keep < len && keep && (from[keep] & 0xc0) == 0x80)
		keep--;
	memcpy(text, from, keep);
	text[keep] = '\0';
}

void place_close(struct place_db *place)
{
	if (place->format)
		place->format->close(place);
	memset(place, 0, sizeof(*place));
}
