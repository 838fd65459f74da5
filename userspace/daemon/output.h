/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where events are written: files, stdout, the journal, syslog, IPFIX.
 */
#ifndef LENSCAPD_OUTPUT_H
#define LENSCAPD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <jansson.h>

#include "client.h"
#include "gateway_events.h"

/**
 * struct output - one place
 * @config: which
 * @fd: the file, or the socket of syslog; -1: not open
 * @tried: opening it failed since the last outputs_admit()
 * @looked: since then it was made sure that the file still has a name
 * @written: events that it took, ever
 * @lost: events that it did not, ever
 * @admitted: of these, how many were admitted to in the daemon's log
 * @error: why not the last one; NULL while it takes them
 * @said: when that was last logged, in seconds of the monotonic clock
 * @flow: what output_ipfix.c needs, or NULL
 */
struct output {
	struct gateway_output config;
	int fd;
	bool tried;
	bool looked;
	uint64_t written;
	uint64_t lost;
	uint64_t admitted;
	char *error;
	time_t said;
	struct flow *flow;
};

/**
 * struct outputs - all places
 * @items: they
 * @count: how many
 * @lost: events that were lost at places which are no longer written to
 * @rate: how many events a second there may be
 * @second: of the monotonic clock, in which @room was given out
 * @room: how many there may still be in it
 */
struct outputs {
	struct output *items;
	size_t count;
	uint64_t lost;
	uint64_t rate;
	time_t second;
	uint64_t room;
};

/* output.c */
void outputs_configure(struct outputs *outputs,
		       const struct gateway_events *config);
bool outputs_room(struct outputs *outputs);
void outputs_write(struct outputs *outputs, const struct client_record *record,
		   const json_t *event);
void outputs_reopen(struct outputs *outputs);
void outputs_admit(struct outputs *outputs);
uint64_t outputs_lost(const struct outputs *outputs);
json_t *outputs_show(const struct outputs *outputs);
void outputs_free(struct outputs *outputs);

/* For the files below: what went wrong, with errno or without. */
bool output_failed(struct output *output, const char *what, int error);

/* output_file.c */
bool output_file_ready(struct output *output, bool *opened);
bool output_file_write(struct output *output, const void *bytes, size_t len);

/* output_syslog.c */
bool output_syslog_write(struct output *output, bool audited, const char *line,
			 size_t len);

/* output_ipfix.c */
bool output_ipfix_write(struct output *output,
			const struct client_record *record,
			const json_t *event);
void output_ipfix_look(struct output *output);
void output_ipfix_shut(struct output *output);

#endif /* LENSCAPD_OUTPUT_H */
