/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gateway.yaml: where events go, and what they are annotated from.
 */
#ifndef LENSCAP_GATEWAY_EVENTS_H
#define LENSCAP_GATEWAY_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "ytree.h"

/* More than there are kinds, so that a site can have some files. */
#define GATEWAY_OUTPUTS_MAX	8

enum gateway_output_kind {
	GATEWAY_OUTPUT_STDOUT,
	GATEWAY_OUTPUT_JOURNAL,
	GATEWAY_OUTPUT_SYSLOG,
	GATEWAY_OUTPUT_FILE,
};

/**
 * struct gateway_output - one place that gets every event
 * @kind: enum gateway_output_kind
 * @path: the file, or the socket of syslog; NULL for the others
 * @facility: of syslog, as in <syslog.h>
 */
struct gateway_output {
	unsigned int kind;
	char *path;
	unsigned int facility;
};

/**
 * struct gateway_events - the section "events"
 * @host: what events call this gateway, or NULL
 * @outputs: where they go
 * @count: how many outputs; 0: there is no such section
 */
struct gateway_events {
	char *host;
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
