/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gateway.yaml: where events go, and what they are annotated from.
 */
#ifndef LENSCAP_GATEWAY_EVENTS_H
#define LENSCAP_GATEWAY_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ytree.h"

/* More than there are kinds, so that a site can have some files. */
#define GATEWAY_OUTPUTS_MAX	8

/* Events a second, unless told otherwise: a line of each is about half a KiB. */
#define GATEWAY_EVENTS_RATE	1000

enum gateway_output_kind {
	GATEWAY_OUTPUT_STDOUT,
	GATEWAY_OUTPUT_JOURNAL,
	GATEWAY_OUTPUT_SYSLOG,
	GATEWAY_OUTPUT_FILE,
	GATEWAY_OUTPUT_IPFIX,
};

/**
 * struct gateway_output - one place that gets every event
 * @kind: enum gateway_output_kind
 * @path: the file, the socket of syslog, or what people call the collector;
 *	NULL for the others
 * @facility: of syslog, as in <syslog.h>
 * @family: of IPFIX: 4 or 6, of the collector's address; 0: @path is a file
 * @address: of the collector, in network order
 * @port: of the collector
 * @udp: it takes datagrams, not TCP
 */
struct gateway_output {
	unsigned int kind;
	char *path;
	unsigned int facility;
	unsigned int family;
	uint8_t address[16];
	uint16_t port;
	bool udp;
};

/**
 * struct gateway_events - the section "events"
 * @host: what events call this gateway, or NULL
 * @rate: how many a second an output gets at most
 * @outputs: where they go
 * @count: how many outputs; 0: there is no such section
 */
struct gateway_events {
	char *host;
	uint64_t rate;
	struct gateway_output *outputs;
	size_t count;
};

/**
 * struct gateway_annotations - the section "annotations"
 * @vendors: lists of the IEEE registry, in CSV
 * @nvendors: how many
 * @named: somebody named them, so that a missing one is worth a warning
 * @country: a database in a format that place.h knows, or NULL
 * @asn: another, or the same, or NULL
 */
struct gateway_annotations {
	char **vendors;
	size_t nvendors;
	bool named;
	char *country;
	char *asn;
};

extern const struct name_table names_output;

void gateway_events_parse(const struct ytree *tree, const struct ynode *node,
			  struct gateway_events *events);
void gateway_events_free(struct gateway_events *events);
void gateway_annotations_parse(const struct ytree *tree,
			       const struct ynode *node,
			       struct gateway_annotations *annotations);
void gateway_annotations_free(struct gateway_annotations *annotations);

#endif /* LENSCAP_GATEWAY_EVENTS_H */
