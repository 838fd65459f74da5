// SPDX-License-Identifier: GPL-2.0-only
/*
 * Databases of libloc, such as that of Debian's package libloc-database: one
 * has countries as well as networks.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <libloc/database.h>
#include <libloc/format.h>
#include <libloc/libloc.h>
#include <libloc/network.h>

#include "mem.h"
#include "place.h"

struct loc {
	struct loc_ctx *ctx;
	struct loc_database *db;
};

/**
 * place_loc_is() - is this the beginning of such a database?
 * @head: the first bytes
 * @len: how many
 */
bool place_loc_is(const char *head, size_t len)
{
	size_t magic = strlen(LOC_DATABASE_MAGIC);

	return len >= magic && !memcmp(head, LOC_DATABASE_MAGIC, magic);
}

/* What is wrong is said by place_open(), once. */
__attribute__((format(printf, 6, 0)))
static void be_silent(struct loc_ctx *ctx, int priority, const char *file,
		      int line, const char *function, const char *format,
		      va_list args)
{
	(void)ctx;
	(void)priority;
	(void)file;
	(void)line;
	(void)function;
	(void)format;
	(void)args;
}

static const char *read_from(struct loc *loc, FILE *file)
{
	if (loc_new(&loc->ctx))
		return "libloc does not start";
	loc_set_log_fn(loc->ctx, be_silent);
	loc_set_log_priority(loc->ctx, LOG_CRIT);
	/* It takes a file that ends within the header for an empty one. */
	if (loc_database_new(loc->ctx, &loc->db, file) ||
	    loc_database_created_at(loc->db) <= 0)
		return "libloc cannot read it: it is damaged, or of another version";
	return NULL;
}

static void loc_free(struct loc *loc)
{
	if (loc->db)
		loc_database_unref(loc->db);
	if (loc->ctx)
		loc_unref(loc->ctx);
	free(loc);
}

static const char *loc_open(struct place_db *place, int fd)
{
	struct loc *loc = mem_alloc(sizeof(*loc));
	int own = dup(fd);
	FILE *file = own < 0 ? NULL : fdopen(own, "r");
	const char *why;

	memset(loc, 0, sizeof(*loc));
	if (!file) {
		why = strerror(errno);
		if (own >= 0)
			close(own);
	} else {
		rewind(file);
		why = read_from(loc, file);
		(void)fclose(file);
	}
	if (why) {
		loc_free(loc);
		return why;
	}
	place->data = loc;
	place->made = loc_database_created_at(loc->db);
	return NULL;
}

/* Return: to be given back with loc_network_unref(), or NULL. */
static struct loc_network *find(const struct loc *loc, const uint8_t *address,
				size_t len)
{
	struct in6_addr six = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	struct loc_network *network = NULL;

	/* It knows IPv4 as mapped addresses. */
	memcpy(six.s6_addr + sizeof(six) - len, address, len);
	if (!loc_database_lookup(loc->db, &six, &network))
		return network;
	/* What it cannot make sense of is left half made. */
	if (network)
		loc_network_unref(network);
	return NULL;
}

static bool loc_country(const struct place_db *place, const uint8_t *address,
			size_t len, char *text, size_t size)
{
	struct loc_network *network = find(place->data, address, len);
	const char *code;

	if (!network)
		return false;
	code = loc_network_get_country_code(network);
	if (code)
		place_cut(text, size, code, strlen(code));
	loc_network_unref(network);
	return *text;
}

static bool loc_asn(const struct place_db *place, const uint8_t *address,
		    size_t len, uint32_t *asn, char *text, size_t size)
{
	const struct loc *loc = place->data;
	struct loc_network *network = find(loc, address, len);
	struct loc_as *as = NULL;
	const char *name;
	uint32_t number;

	if (!network)
		return false;
	number = loc_network_get_asn(network);
	loc_network_unref(network);
	if (!number)
		return false;
	*asn = number;
	if (loc_database_get_as(loc->db, &as, number) || !as)
		return true;
	name = loc_as_get_name(as);
	if (name)
		place_cut(text, size, name, strlen(name));
	loc_as_unref(as);
	return true;
}

static void loc_close(struct place_db *place)
{
	loc_free(place->data);
}

const struct place_format place_loc = {
	.open = loc_open,
	.country = loc_country,
	.network = loc_asn,
	.close = loc_close,
};
