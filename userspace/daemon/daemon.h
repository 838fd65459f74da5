/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon: what there is one of.
 */
#ifndef LENSCAPD_DAEMON_H
#define LENSCAPD_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <ev.h>

#include "annotate.h"
#include "client.h"
#include "control.h"
#include "eve.h"
#include "fallback.h"
#include "gateway.h"
#include "guards.h"
#include "history.h"
#include "history_watch.h"
#include "interlock.h"
#include "notify.h"
#include "output.h"
#include "records.h"
#include "report.h"
#include "state.h"

#ifndef LENSCAP_VERSION
#define LENSCAP_VERSION "0.1.0"
#endif

/* Documented in lenscapd(8). */
enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_FAILED = 1,
	EXIT_STATUS_CONFIG = 2,
	EXIT_STATUS_MODULE = 3,
	EXIT_STATUS_BUSY = 4,
	EXIT_STATUS_PRIVILEGES = 5,
};

/**
 * struct held - a policy that the kernel accepted
 * @valid: there is one
 * @policy: what it says
 * @good: its text, as it is in the state directory
 */
struct held {
	bool valid;
	struct policy policy;
	struct last_good good;
};

/**
 * struct daemon - all there is
 * @loop: the event loop
 * @config: path of gateway.yaml
 * @gateway: what it says
 * @fallback: what it said when it was good
 * @started: when the daemon did
 * @client: to ask the module with; NULL while it is not there
 * @events: to hear it; NULL if it cannot be heard
 * @held: the last-known-good policy
 * @foreign: generation of the kernel that was complained about, because its
 *	policy is not @held
 * @guards: what is known about guards
 * @interlock: the tables that hold when the module does not
 * @records: drop records
 * @report: where they go, if not to @outputs
 * @outputs: where events about them go
 * @eve: what events tell beyond their records
 * @annotate: hints about them
 * @history: what is kept of them
 * @history_watch: what else it was told
 * @control: the control socket
 * @resyncs: how often events were lost and state was read again
 * @last_error: what went wrong last, or NULL
 * @last_error_at: when
 * @notify: what the service manager knows
 * @watch: I/O on @events
 * @tick: once a second: look for records and changes
 * @soon: a short while after an event: fetch records
 * @hangup: SIGHUP: reload
 * @quit: SIGTERM
 * @interrupt: SIGINT
 */
struct daemon {
	struct ev_loop *loop;
	const char *config;
	struct gateway gateway;
	struct fallback fallback;
	time_t started;
	struct client *client;
	struct client *events;
	struct held held;
	uint32_t foreign;
	struct guards guards;
	struct interlock interlock;
	struct records records;
	struct report report;
	struct outputs outputs;
	struct eve eve;
	struct annotate *annotate;
	struct history history;
	struct history_watch history_watch;
	struct control control;
	uint64_t resyncs;
	char *last_error;
	time_t last_error_at;
	struct notify notify;
	ev_io watch;
	ev_timer tick;
	ev_timer soon;
	ev_signal hangup;
	ev_signal quit;
	ev_signal interrupt;
};

/**
 * struct outcome - how a request to change policy ended
 * @diag: errors and warnings about the text, and refusals of the kernel
 * @error: NULL: it went well; to be freed
 * @code: for programs, with @error: "policy", "refused", "module"
 * @changed: there is a new generation
 * @generation: the live one
 * @revision: its revision
 */
struct outcome {
	struct diag diag;
	char *error;
	const char *code;
	bool changed;
	uint32_t generation;
	uint64_t revision;
};

/* apply.c */
void apply_bundle(struct daemon *daemon, struct policy_bundle *bundle,
		  bool rollback, struct outcome *outcome);
void apply_at_start(struct daemon *daemon);
void apply_without_module(struct daemon *daemon);
void reload(struct daemon *daemon, struct outcome *outcome);
void outcome_free(struct outcome *outcome);
void held_clear(struct held *held);

/* module.c */
int module_attach(struct daemon *daemon, bool starting,
		  struct client_error *err);
void module_detach(struct daemon *daemon);
bool module_lost(struct daemon *daemon, const struct client_error *err);
void module_init(struct daemon *daemon);
void module_start(struct daemon *daemon);
void module_stop(struct daemon *daemon);
bool module_sync_tag(struct daemon *daemon, const struct gateway *gateway,
		     const struct client_info *info, struct diag *diag);
void module_hold_guards(struct daemon *daemon, const struct gateway *gateway,
			bool all);
int module_sync_guards(struct daemon *daemon, struct diag *diag);

/* event.c */
void event_configure(struct daemon *daemon);
void event_reopen(struct daemon *daemon);
void event_record(struct daemon *daemon, const struct client_record *record,
		  const json_t *json);
void event_admit(struct daemon *daemon);
void event_add_hints(struct daemon *daemon, json_t *records);
void event_free(struct daemon *daemon);

/* main.c */
void daemon_error(struct daemon *daemon, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void daemon_notify(struct daemon *daemon, const char *state);

/* command.c */
void command_run(struct daemon *daemon, struct connection *connection,
		 char *line, size_t len);

#endif /* LENSCAPD_DAEMON_H */
