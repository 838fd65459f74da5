// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the daemon does with each drop record of an interval: an event for the
 * outputs, or a line in the older form, and a line for followers. Hints are
 * added where somebody reads them, and are part of no decision.
 */
#include "daemon.h"

/**
 * event_configure() - as gateway.yaml says
 * @daemon: the daemon; its gateway was just read
 */
void event_configure(struct daemon *daemon)
{
	const struct gateway *gateway = &daemon->gateway;

	report_start(&daemon->report, gateway->log);
	outputs_configure(&daemon->outputs, &gateway->events);
	if (!daemon->annotate)
		daemon->annotate = annotate_new();
	annotate_configure(daemon->annotate, &gateway->annotations);
}

/**
 * event_reopen() - after a rotation of files, or with newer ones for hints
 * @daemon: the daemon
 *
 * Also when the rest of a reload fails.
 */
void event_reopen(struct daemon *daemon)
{
	outputs_reopen(&daemon->outputs);
	annotate_reload(daemon->annotate);
}

static void write_event(struct daemon *daemon,
			const struct client_record *record, json_t *hints)
{
	const struct held *held = &daemon->held;
	json_t *event;

	daemon->eve.gateway = &daemon->gateway;
	daemon->eve.policy = held->valid ? &held->policy : NULL;
	daemon->eve.live = &daemon->records.live;
	event = eve_event(&daemon->eve, record, hints);
	outputs_write(&daemon->outputs, record, event);
	json_decref(event);
}

/**
 * event_record() - tell of a record
 * @daemon: the daemon
 * @record: the record
 * @json: the same
 */
void event_record(struct daemon *daemon, const struct client_record *record,
		  const json_t *json)
{
	bool write = daemon->outputs.count && outputs_room(&daemon->outputs);
	bool read = write || daemon->control.count;
	json_t *hints = read ? eve_hints(daemon->annotate, json) : NULL;
	json_t *told;

	report_record(&daemon->report, record, json);
	if (write)
		write_event(daemon, record, hints);
	if (daemon->control.count) {
		told = json_copy((json_t *)json);
		if (hints)
			json_object_set(told, "hints", hints);
		control_broadcast(&daemon->control, told);
		json_decref(told);
	}
	json_decref(hints);
}

/**
 * event_admit() - after each batch: say what was not written, if anything
 * @daemon: the daemon
 */
void event_admit(struct daemon *daemon)
{
	report_admit(&daemon->report);
	outputs_admit(&daemon->outputs);
}

/**
 * event_add_hints() - to records that are shown
 * @daemon: the daemon
 * @records: an array of them; those of which nothing is said stay as they are
 */
void event_add_hints(struct daemon *daemon, json_t *records)
{
	json_t *record;
	size_t i;

	json_array_foreach(records, i, record) {
		json_t *hints = eve_hints(daemon->annotate, record);

		if (hints)
			json_object_set_new(record, "hints", hints);
	}
}

/**
 * event_free() - at the end
 * @daemon: the daemon
 */
void event_free(struct daemon *daemon)
{
	outputs_free(&daemon->outputs);
	eve_free(&daemon->eve);
	annotate_free(daemon->annotate);
	daemon->annotate = NULL;
}
