// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module as the daemon sees it: found, listened to, lost, found again.
 *
 * Events are hints. Everything that they tell can be read, and is: once a
 * second in any case, at once after an event, and completely after events were
 * lost. The daemon therefore survives a kernel that sends none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "log.h"

/* Seconds between looks at the kernel when nothing happens. */
#define TICK	1.

/* After an event, so that a burst of records is fetched in one. */
#define SOON	0.2

/* While a packet may still write to the retired table. */
#define AGAIN	0.02

/**
 * module_sync_tag() - give the kernel the tag of gateway.yaml
 * @daemon: the daemon
 * @gateway: the file
 * @info: the kernel's state
 * @diag: receives why not
 */
bool module_sync_tag(struct daemon *daemon, const struct gateway *gateway,
		     const struct client_info *info, struct diag *diag)
{
	struct client_error err;

	if (info->tag_value == gateway->tag_value &&
	    info->tag_mask == gateway->tag_mask &&
	    info->class_mask == gateway->class_mask)
		return true;
	if (!client_tag_set(daemon->client, gateway->tag_value,
			    gateway->tag_mask, gateway->class_mask, &err)) {
		log_notice("the tag is 0x%08x, mask 0x%08x, class mask 0x%08x",
			   gateway->tag_value, gateway->tag_mask,
			   gateway->class_mask);
		return true;
	}
	diag_error(diag, NULL, 0, 0, "%s%s", err.text, err.code == EBUSY ?
		   " (\"lenscapctl disarm\", then \"lenscapctl reload\"; cameras are cut off in between)" :
		   "");
	return false;
}

/**
 * module_hold_guards() - let nothing pass where guards are about to change
 * @daemon: the daemon
 * @gateway: the file that they will be of
 * @all: also guards that are disarmed, and about to be armed
 *
 * interlock_release() is to follow, when guards and policy are of one file.
 */
void module_hold_guards(struct daemon *daemon, const struct gateway *gateway,
			bool all)
{
	struct guard_places places = { 0 };

	guards_changing(&daemon->guards, daemon->client, gateway, all, &places);
	interlock_hold(&daemon->interlock, &places);
}

/**
 * module_sync_guards() - make the kernel's guards those of gateway.yaml
 * @daemon: the daemon
 * @diag: receives what did not work
 *
 * interlock_release() is to follow.
 *
 * Return: 0, or -1 with an error in @diag.
 */
int module_sync_guards(struct daemon *daemon, struct diag *diag)
{
	const struct gateway *gateway = &daemon->gateway;
	int result;

	module_hold_guards(daemon, gateway, false);
	result = guards_sync(&daemon->guards, daemon->client, gateway, diag);
	/* What is armed is closed, also if it was opened without a module. */
	for (size_t i = 0; i < gateway->nguards; i++) {
		const char *name = gateway->guards[i].name;

		if (!json_object_get(daemon->guards.disarmed, name))
			interlock_close_guard(&daemon->interlock, name);
	}
	return result;
}

static void on_record(void *arg, const struct client_record *record,
		      const json_t *json)
{
	struct daemon *daemon = arg;

	history_record(&daemon->history, record);
	event_record(daemon, record, json);
}

static void collect(struct daemon *daemon)
{
	enum records_result result;
	struct client_error err;

	if (!daemon->client)
		return;
	result = records_collect(&daemon->records, daemon->client, &err);
	event_admit(daemon);
	ev_timer_stop(daemon->loop, &daemon->soon);
	if (result == RECORDS_AGAIN) {
		ev_timer_set(&daemon->soon, AGAIN, 0.);
		ev_timer_start(daemon->loop, &daemon->soon);
	} else if (result == RECORDS_FAILED && !module_lost(daemon, &err)) {
		daemon_error(daemon, "%s", err.text);
	}
}

static void collect_soon(struct daemon *daemon)
{
	if (ev_is_active(&daemon->soon))
		return;
	ev_timer_set(&daemon->soon, SOON, 0.);
	ev_timer_start(daemon->loop, &daemon->soon);
}

static void on_soon(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)events;
	collect(watcher->data);
}

static void observe_guards(struct daemon *daemon)
{
	struct client_error err;

	if (!daemon->client)
		return;
	if (guards_observe(&daemon->guards, daemon->client, &daemon->gateway,
			   &err) < 0 && !module_lost(daemon, &err))
		daemon_error(daemon, "%s", err.text);
	daemon_notify(daemon, NULL);
}

/* Another program's policy is reported once for each of its generations. */
static void look_at_generation(struct daemon *daemon,
			       const struct client_info *info)
{
	const struct held *held = &daemon->held;

	if (held->valid && info->has_digest &&
	    !memcmp(info->digest, held->policy.digest, POLICY_DIGEST_LEN)) {
		daemon->foreign = info->generation;
		return;
	}
	if (daemon->foreign == info->generation)
		return;
	daemon->foreign = info->generation;
	daemon_error(daemon,
		     "another program has replaced the policy: generation %u, revision %llu, is not one that this daemon has",
		     info->generation, (unsigned long long)info->revision);
	interlock_update(&daemon->interlock);
}

static void return_strays(struct daemon *daemon)
{
	struct diag diag = { 0 };

	if (!guards_stray(&daemon->guards, &daemon->gateway))
		return;
	module_sync_guards(daemon, &diag);
	log_diag(&diag);
	diag_free(&diag);
	interlock_release(&daemon->interlock);
}

static void look(struct daemon *daemon)
{
	struct client_info info;
	struct client_error err;
	size_t armed = 0, i;

	if (client_info(daemon->client, &info, &err) < 0) {
		if (!module_lost(daemon, &err))
			daemon_error(daemon, "%s", err.text);
		return;
	}
	for (i = 0; i < daemon->guards.nseen; i++)
		armed += daemon->guards.seen[i].state == LENSCAP_GUARD_ARMED;
	if (info.guards != daemon->guards.nseen || info.guards_armed != armed)
		observe_guards(daemon);
	look_at_generation(daemon, &info);
	history_watch_policy(daemon, &info);
	if (info.records || daemon->records.unread)
		collect(daemon);
	return_strays(daemon);
	daemon_notify(daemon, NULL);
}

/* What events of one reading call for; acted on when all have been read. */
struct hints {
	bool records;
	bool guards;
	bool generation;
};

static void on_event(void *arg, const struct client_event *event)
{
	struct hints *hints = arg;

	switch (event->command) {
	case LENSCAP_CMD_DROP_EVENT:
	case LENSCAP_CMD_UNKNOWN_EVENT:
		hints->records = true;
		break;
	case LENSCAP_CMD_GUARD_EVENT:
		hints->guards = true;
		break;
	case LENSCAP_CMD_GENERATION_EVENT:
		hints->generation = true;
		break;
	}
}

static void stop_listening(struct daemon *daemon)
{
	if (daemon->events)
		ev_io_stop(daemon->loop, &daemon->watch);
	client_close(daemon->events);
	daemon->events = NULL;
}

static void on_watch(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct daemon *daemon = watcher->data;
	struct hints hints = { 0 };
	struct client_error err;

	(void)loop;
	(void)events;
	if (client_events(daemon->events, on_event, &hints, &err) < 0) {
		if (err.fault == CLIENT_LOST) {
			daemon->resyncs++;
			log_warning("events of the kernel were lost: state is read again (%s)",
				    err.text);
			hints = (struct hints){ true, true, true };
		} else {
			daemon_error(daemon, "%s: continuing without events",
				     err.text);
			stop_listening(daemon);
		}
	}
	if (hints.guards) {
		observe_guards(daemon);
		interlock_tick(&daemon->interlock);
	}
	/* Our own commits are heard of, too: look() knows them. */
	if (hints.generation && daemon->client)
		look(daemon);
	if (hints.records)
		collect_soon(daemon);
}

static void listen_to_events(struct daemon *daemon)
{
	struct client_error err;

	if (client_open(&daemon->events, &err) < 0 ||
	    client_subscribe(daemon->events, &err) < 0) {
		client_close(daemon->events);
		daemon->events = NULL;
		log_warning("%s: the kernel is looked at once a second instead",
			    err.text);
		return;
	}
	ev_io_init(&daemon->watch, on_watch, client_fd(daemon->events),
		   EV_READ);
	daemon->watch.data = daemon;
	ev_io_start(daemon->loop, &daemon->watch);
}

/**
 * module_attach() - find the module and bring it to the wanted state
 * @daemon: the daemon
 * @starting: the daemon is, and has not waited for it
 * @err: why not
 *
 * What is as it should be is not touched. Guards come before policy: should
 * the kernel have neither, everything is dropped until the policy is there.
 *
 * Return: 0, or -1 with @err filled in if there is no module to speak to;
 * everything less is logged.
 */
int module_attach(struct daemon *daemon, bool starting,
		  struct client_error *err)
{
	struct client_info info;
	struct diag diag = { 0 };
	bool whole;

	if (client_open(&daemon->client, err) < 0)
		return -1;
	if (client_info(daemon->client, &info, err) < 0) {
		client_close(daemon->client);
		daemon->client = NULL;
		return -1;
	}
	if (!starting)
		log_notice("the lenscap module is there now");
	log_info("module %s: generation %u, revision %llu, %u guard(s), %u armed",
		 info.version, info.generation,
		 (unsigned long long)info.revision, info.guards,
		 info.guards_armed);
	listen_to_events(daemon);
	records_attach(&daemon->records);
	collect(daemon);
	module_sync_tag(daemon, &daemon->gateway, &info, &diag);
	module_sync_guards(daemon, &diag);
	if (diag.errors)
		daemon_error(daemon,
			     "not all of %s could be put into effect: %s",
			     daemon->config, diag.items[0].message);
	whole = !diag.errors;
	log_diag(&diag);
	diag_free(&diag);
	apply_at_start(daemon);
	interlock_release(&daemon->interlock);
	if (whole)
		fallback_keep(daemon);
	return 0;
}

/**
 * module_detach() - let go of the module
 * @daemon: the daemon
 */
void module_detach(struct daemon *daemon)
{
	stop_listening(daemon);
	client_close(daemon->client);
	daemon->client = NULL;
}

/**
 * module_lost() - was it unloaded?
 * @daemon: the daemon
 * @err: of a request that cannot fail otherwise
 *
 * The family's number is not known any more then; when the module returns,
 * it has another.
 *
 * Return: true if so; it was logged, and is looked for from now on.
 */
bool module_lost(struct daemon *daemon, const struct client_error *err)
{
	if (err->fault != CLIENT_NO_MODULE &&
	    !(err->fault == CLIENT_REFUSED && err->code == ENOENT))
		return false;
	daemon_error(daemon,
		     "the lenscap module was unloaded: nothing is judged until it is loaded again; %s",
		     interlock_cut(&daemon->interlock));
	module_detach(daemon);
	daemon_notify(daemon, NULL);
	return true;
}

static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct daemon *daemon = watcher->data;
	struct client_error err;

	(void)loop;
	(void)events;
	if (daemon->client)
		look(daemon);
	else
		module_attach(daemon, false, &err);
	/* Also what could not be told before. */
	daemon_notify(daemon, NULL);
	interlock_tick(&daemon->interlock);
	history_watch_tick(daemon);
}

/**
 * module_start() - watch the module from now on
 * @daemon: the daemon
 */
void module_start(struct daemon *daemon)
{
	ev_timer_init(&daemon->tick, on_tick, TICK, TICK);
	daemon->tick.data = daemon;
	ev_timer_start(daemon->loop, &daemon->tick);
}

/**
 * module_init() - before anything else here
 * @daemon: the daemon
 */
void module_init(struct daemon *daemon)
{
	ev_init(&daemon->soon, on_soon);
	daemon->soon.data = daemon;
	records_init(&daemon->records, daemon->gateway.state, on_record,
		     daemon);
}

/**
 * module_stop() - fetch what there is to fetch, and leave the rest as it is
 * @daemon: the daemon
 */
void module_stop(struct daemon *daemon)
{
	collect(daemon);
	history_watch_stop(daemon);
	module_detach(daemon);
	records_free(&daemon->records);
}
