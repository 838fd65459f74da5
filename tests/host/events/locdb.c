// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a database with libloc's own writer, from lines on standard input:
 *
 *	network PREFIX COUNTRY ASN
 *	as ASN NAME
 *
 *	locdb FILE <lines
 *
 * "-" and 0 are no value. The day of the database is today.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libloc/writer.h>

static struct loc_writer *writer;

static int add_network(const char *prefix, const char *country, uint32_t asn)
{
	struct loc_network *network;

	if (loc_writer_add_network(writer, &network, prefix))
		return 1;
	if (strcmp(country, "-") != 0 &&
	    loc_network_set_country_code(network, country))
		return 1;
	if (asn && loc_network_set_asn(network, asn))
		return 1;
	loc_network_unref(network);
	return 0;
}

static int add_as(uint32_t asn, const char *name)
{
	struct loc_as *as;

	if (loc_writer_add_as(writer, &as, asn) || loc_as_set_name(as, name))
		return 1;
	loc_as_unref(as);
	return 0;
}

static int add(const char *line)
{
	char prefix[64], country[8], name[256];
	unsigned int asn;

	if (sscanf(line, "network %63s %7s %u", prefix, country, &asn) == 3)
		return add_network(prefix, country, asn);
	if (sscanf(line, "as %u %255[^\n]", &asn, name) == 2)
		return add_as(asn, name);
	return 1;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "w+") : NULL;
	struct loc_ctx *ctx;
	char line[512];

	if (!file || loc_new(&ctx) || loc_writer_new(ctx, &writer, NULL, NULL)) {
		(void)fprintf(stderr, "usage: locdb FILE, which can be written\n");
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (!add(line))
			continue;
		(void)fprintf(stderr, "locdb: not taken: %s", line);
		return 1;
	}
	if (loc_writer_write(writer, file, LOC_DATABASE_VERSION_LATEST) ||
	    fclose(file)) {
		(void)fprintf(stderr, "locdb: cannot write %s\n", argv[1]);
		return 1;
	}
	loc_writer_unref(writer);
	loc_unref(ctx);
	return 0;
}
