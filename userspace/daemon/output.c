// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where events are written: files, stdout, the journal, syslog, IPFIX.
 *
 * Each place gets every event, and none waits for another. What one does not
 * take is not kept for later, since a place that fails may fail for days: it
 * is counted, and said: at once, and then once a minute. So is what is more than
 * people or disks can take: a camera that calls everybody makes ten thousand events
 * a second.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "output.h"
#include "report.h"

/* Seconds between two lines about one failure. */
#define SAY_AGAIN	60

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* "file /var/log/lenscap/events.json" */
static char *describe(const struct output *output)
{
	char kind[NAME_TEXT];

	return mem_print("%s%s%s", name_text(&names_output,
					     output->config.kind, kind),
			 output->config.path ? " " : "",
			 output->config.path ? output->config.path : "");
}

static bool is_same(const struct gateway_output *a,
		    const struct gateway_output *b)
{
	if (a->kind != b->kind || a->facility != b->facility)
		return false;
	return a->path && b->path ? !strcmp(a->path, b->path) :
				    a->path == b->path;
}

static bool is_ipfix(const struct output *output)
{
	return output->config.kind == GATEWAY_OUTPUT_IPFIX;
}

/* What was not sent yet is counted as lost. */
static void shut(struct output *output)
{
	if (is_ipfix(output))
		output_ipfix_shut(output);
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
	output->tried = false;
}

static void drop(struct output *output)
{
	free(output->config.path);
	free(output->error);
}

/**
 * outputs_configure() - decide where events go
 * @outputs: all zeroes at first; places that stay keep their counts
 * @config: what gateway.yaml says
 */
void outputs_configure(struct outputs *outputs,
		       const struct gateway_events *config)
{
	struct output *items = mem_alloc((config->count + 1) * sizeof(*items));

	outputs_reopen(outputs);
	for (size_t i = 0; i < config->count; i++) {
		const struct gateway_output *wanted = &config->outputs[i];

		items[i] = (struct output) { .config = *wanted, .fd = -1 };
		if (wanted->path)
			items[i].config.path = mem_copy(wanted->path);
		for (size_t j = 0; j < outputs->count; j++) {
			struct output *old = &outputs->items[j];

			if (!is_same(&old->config, wanted))
				continue;
			items[i].written = old->written;
			items[i].lost = old->lost;
			items[i].admitted = old->admitted;
			items[i].error = old->error;
			items[i].said = old->said;
			old->error = NULL;
			old->lost = 0;
		}
	}
	for (size_t j = 0; j < outputs->count; j++) {
		outputs->lost += outputs->items[j].lost;
		drop(&outputs->items[j]);
	}
	free(outputs->items);
	outputs->items = items;
	outputs->count = config->count;
	outputs->rate = config->rate;
	outputs->room = config->rate;
}

/**
 * output_failed() - say why an event was not taken
 * @output: by whom
 * @what: what was tried, such as "cannot be opened"
 * @error: of errno, or 0
 *
 * Return: false.
 */
bool output_failed(struct output *output, const char *what, int error)
{
	free(output->error);
	output->error = mem_print("%s%s%s", what, error ? ": " : "",
				  error ? strerror(error) : "");
	return false;
}

static bool write_one(struct output *output, const struct client_record *record,
		      const json_t *event, const char *line, size_t len)
{
	switch (output->config.kind) {
	case GATEWAY_OUTPUT_IPFIX:
		return output_ipfix_write(output, record, event);
	case GATEWAY_OUTPUT_FILE:
		return output_file_write(output, line, len);
	case GATEWAY_OUTPUT_SYSLOG:
		return output_syslog_write(output, record->audit, line, len);
	case GATEWAY_OUTPUT_JOURNAL:
		/* Without a journal, the library would call it a success. */
		return report_to_journal(record, line, len) ||
		       output_failed(output, "there is no journal, or it does not answer", 0);
	default:
		return log_write(STDOUT_FILENO, line, len, false) ||
		       output_failed(output, "its reader is too slow, or gone", 0);
	}
}

/**
 * outputs_room() - may there be one more event in this second?
 * @outputs: the places
 *
 * Return: may there? If not, it was counted as lost.
 */
bool outputs_room(struct outputs *outputs)
{
	time_t second = now();

	if (outputs->second != second) {
		outputs->second = second;
		outputs->room = outputs->rate;
	}
	if (outputs->room) {
		outputs->room--;
		return true;
	}
	for (size_t i = 0; i < outputs->count; i++) {
		struct output *output = &outputs->items[i];

		output->lost++;
		free(output->error);
		output->error = mem_print("gets no more than %llu events a second (\"rate\" of \"events\")",
					  (unsigned long long)outputs->rate);
	}
	return false;
}

/**
 * outputs_write() - write an event to all places
 * @outputs: the places
 * @record: what it is about
 * @event: it
 */
void outputs_write(struct outputs *outputs, const struct client_record *record,
		   const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);
	char *line = mem_print("%s\n", text);
	size_t len = strlen(line);

	for (size_t i = 0; i < outputs->count; i++) {
		struct output *output = &outputs->items[i];

		if (!write_one(output, record, event, line, len)) {
			output->lost++;
			continue;
		}
		output->written++;
		free(output->error);
		output->error = NULL;
	}
	free(line);
	free(text);
}

/**
 * outputs_reopen() - close what is open; the next event opens it again
 * @outputs: the places
 */
void outputs_reopen(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		shut(&outputs->items[i]);
}

static void admit(struct output *output, bool ending)
{
	uint64_t more = output->lost - output->admitted;
	char *name;

	output->tried = false;
	output->looked = false;
	if (!more || (output->said && now() - output->said < SAY_AGAIN &&
		      !ending))
		return;
	name = describe(output);
	log_warning("%llu event(s) were not written to %s: %s%s (\"lenscapctl drops\" has them)",
		    (unsigned long long)more, name,
		    output->error ? "it " : "it did not take them, and does again",
		    output->error ? output->error : "");
	free(name);
	output->admitted = output->lost;
	output->said = now();
}

/**
 * outputs_admit() - say which events were lost, and have another try
 * @outputs: the places
 *
 * To be called after each batch of events.
 */
void outputs_admit(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++) {
		if (is_ipfix(&outputs->items[i]))
			output_ipfix_look(&outputs->items[i]);
		admit(&outputs->items[i], false);
	}
}

/**
 * outputs_lost() - how many were not written
 * @outputs: the places
 */
uint64_t outputs_lost(const struct outputs *outputs)
{
	uint64_t lost = outputs->lost;

	for (size_t i = 0; i < outputs->count; i++)
		lost += outputs->items[i].lost;
	return lost;
}

/**
 * outputs_show() - the places, for people
 * @outputs: they
 *
 * Return: an array.
 */
json_t *outputs_show(const struct outputs *outputs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < outputs->count; i++) {
		const struct output *output = &outputs->items[i];
		char kind[NAME_TEXT];

		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o}",
			"to", name_text(&names_output, output->config.kind,
					kind),
			"path", json_text(output->config.path),
			"written", json_number(output->written),
			"lost", json_number(output->lost),
			"error", json_text(output->error)));
	}
	return list;
}

/**
 * outputs_free() - the end
 * @outputs: the places
 */
void outputs_free(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++) {
		shut(&outputs->items[i]);
		admit(&outputs->items[i], true);
		drop(&outputs->items[i]);
	}
	free(outputs->items);
	memset(outputs, 0, sizeof(*outputs));
}
