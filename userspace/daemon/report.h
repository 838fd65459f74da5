/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drop records, one JSON object a line, to stdout or the journal.
 */
#ifndef LENSCAPD_REPORT_H
#define LENSCAPD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client.h"
#include "gateway.h"

/**
 * struct report - where drop records go
 * @log: the place
 * @unlogged: records that it did not take, ever
 * @admitted: of these, how many have been admitted to in the daemon's log
 */
struct report {
	enum gateway_log log;
	uint64_t unlogged;
	uint64_t admitted;
};

void report_start(struct report *report, enum gateway_log log);
void report_record(struct report *report, const struct client_record *record,
		   const json_t *json);
bool report_to_journal(const struct client_record *record, const char *line,
		       size_t len);
void report_admit(struct report *report);

#endif /* LENSCAPD_REPORT_H */
