// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drop records, one JSON object a line, to stdout or the journal.
 *
 * A reader of stdout that does not read costs lines, which are counted, never
 * the daemon. The journal gets the same line as MESSAGE, and what one wants to
 * filter by as fields of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "log.h"
#include "mem.h"
#include "names.h"
#include "report.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/**
 * report_start() - decide where drop records go
 * @report: to be set up, or to be changed: counts stay
 * @log: what gateway.yaml says
 */
void report_start(struct report *report, enum gateway_log log)
{
	report->log = log;
	if (log != GATEWAY_LOG_JOURNAL || !access(JOURNAL_SOCKET, F_OK))
		return;
	log_warning("there is no journal (%s): drop records go to stdout",
		    JOURNAL_SOCKET);
	report->log = GATEWAY_LOG_STDOUT;
}

/**
 * report_to_journal() - a line and its fields
 * @record: what it is about
 * @line: it
 * @len: bytes; a newline at the end is left out
 *
 * The library calls it a success when there is no journal.
 */
bool report_to_journal(const struct client_record *record, const char *line,
		       size_t len)
{
	char reason[NAME_TEXT];

	if (access(JOURNAL_SOCKET, F_OK))
		return false;
	if (len && line[len - 1] == '\n')
		len--;
	return sd_journal_send("MESSAGE=%.*s", (int)len, line,
		"PRIORITY=%i", record->audit ? LOG_INFO : LOG_NOTICE,
		"LENSCAP_DEVICE=%s", record->device,
		"LENSCAP_GUARD=%s", record->guard,
		"LENSCAP_REASON=%s", name_text(&names_reason, record->reason,
					       reason),
		"LENSCAP_AUDITED=%i", (int)record->audit,
		"LENSCAP_PACKETS=%llu",
		(unsigned long long)record->count.packets,
		"LENSCAP_REVISION=%llu", (unsigned long long)record->revision,
		NULL) >= 0;
}

static bool to_stdout(const char *line)
{
	char *text = mem_print("%s\n", line);
	bool done = log_write(STDOUT_FILENO, text, strlen(text), false);

	free(text);
	return done;
}

/**
 * report_record() - log one record
 * @report: where to
 * @record: the record
 * @json: the same
 */
void report_record(struct report *report, const struct client_record *record,
		   const json_t *json)
{
	char *line;
	bool done;

	if (report->log == GATEWAY_LOG_EVENTS)
		return;
	line = json_dumps(json, JSON_COMPACT);
	if (report->log == GATEWAY_LOG_JOURNAL)
		done = report_to_journal(record, line, strlen(line));
	else
		done = to_stdout(line);
	report->unlogged += !done;
	free(line);
}

/**
 * report_admit() - say how many records could not be logged, if any
 * @report: where they were to go
 */
void report_admit(struct report *report)
{
	if (report->unlogged == report->admitted)
		return;
	log_warning("%llu drop record(s) were not logged: the reader of %s was too slow (\"lenscapctl drops\" has them)",
		    (unsigned long long)(report->unlogged - report->admitted),
		    report->log == GATEWAY_LOG_JOURNAL ? "the journal" :
							 "stdout");
	report->admitted = report->unlogged;
}
