// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapd: loads policy into the lenscap module and reports what it drops.
 *
 * The daemon is not what enforces. However it ends, the kernel goes on with
 * the guards and the policy that it has.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "lock.h"
#include "log.h"
#include "mem.h"
#include "privileges.h"

#define DEFAULT_CONFIG "/etc/lenscap/gateway.yaml"

/**
 * daemon_error() - log what went wrong, and show it in the status
 * @daemon: the daemon
 * @format: as of printf()
 */
void daemon_error(struct daemon *daemon, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = mem_copy(format);
	va_end(args);
	log_error("%s", text);
	free(daemon->last_error);
	daemon->last_error = text;
	daemon->last_error_at = time(NULL);
}

/**
 * daemon_notify() - tell the service manager how things are
 * @daemon: the daemon
 * @state: "READY=1" and the like, or NULL
 */
void daemon_notify(struct daemon *daemon, const char *state)
{
	const struct held *held = &daemon->held;
	size_t armed = 0, i;
	char policy[64], status[sizeof(daemon->notify.status)];
	const char *copy = daemon->fallback.error ?
			   ", with the last good copy of gateway.yaml" : "";

	for (i = 0; i < daemon->guards.nseen; i++)
		armed += daemon->guards.seen[i].state == LENSCAP_GUARD_ARMED;
	if (held->valid)
		snprintf(policy, sizeof(policy), "revision %llu",
			 (unsigned long long)held->good.revision);
	else
		snprintf(policy, sizeof(policy), "no policy");
	snprintf(status, sizeof(status),
		 "STATUS=%s, %zu of %zu guard(s) armed%s%s", policy, armed,
		 daemon->gateway.nguards,
		 daemon->client ? "" : ", the module is not loaded", copy);
	notify_tell(&daemon->notify, state, status);
}

static void on_quit(struct ev_loop *loop, ev_signal *watcher, int events)
{
	(void)watcher;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void on_hangup(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct daemon *daemon = watcher->data;
	struct outcome outcome = { 0 };
	struct timespec now;
	char state[64];

	(void)loop;
	(void)events;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	daemon_notify(daemon, state);
	/* Files were rotated, whatever becomes of the configuration. */
	event_reopen(daemon);
	if (daemon->client)
		reload(daemon, &outcome);
	else
		log_error("cannot reload: the lenscap module is not loaded");
	log_diag(&outcome.diag);
	if (outcome.error)
		daemon_error(daemon, "reload failed: %s", outcome.error);
	else
		history_watch_asked(daemon, "reload", "signal",
				    outcome.generation);
	outcome_free(&outcome);
	daemon_notify(daemon, "READY=1");
}

static void watch_signal(struct daemon *daemon, ev_signal *watcher,
			 void (*call)(struct ev_loop *, ev_signal *, int),
			 int number)
{
	ev_signal_init(watcher, call, number);
	watcher->data = daemon;
	ev_signal_start(daemon->loop, watcher);
}

static enum exit_status status_of(const struct client_error *err)
{
	switch (err->fault) {
	case CLIENT_VERSION:
		return EXIT_STATUS_MODULE;
	case CLIENT_PERMISSION:
		return EXIT_STATUS_PRIVILEGES;
	default:
		return EXIT_STATUS_FAILED;
	}
}

/* Before the kernel is touched: a second daemon must change nothing. */
static enum exit_status claim(struct daemon *daemon)
{
	const struct gateway *gateway = &daemon->gateway;

	switch (lock_take(gateway->state)) {
	case LOCK_TAKEN:
		break;
	case LOCK_BUSY:
		return EXIT_STATUS_BUSY;
	default:
		return EXIT_STATUS_FAILED;
	}
	switch (control_open(&daemon->control, gateway->socket,
			     gateway->group)) {
	case CONTROL_OPEN:
		return EXIT_STATUS_OK;
	case CONTROL_BUSY:
		return EXIT_STATUS_BUSY;
	default:
		return EXIT_STATUS_FAILED;
	}
}

static enum exit_status start(struct daemon *daemon)
{
	enum exit_status status;
	struct client_error err;

	if (!privileges_suffice())
		return EXIT_STATUS_PRIVILEGES;
	if (!fallback_start(daemon))
		return EXIT_STATUS_CONFIG;
	status = claim(daemon);
	if (status != EXIT_STATUS_OK)
		return status;
	if (!privileges_drop())
		return EXIT_STATUS_PRIVILEGES;
	event_configure(daemon);
	history_start(&daemon->history, &daemon->gateway, history_now());
	guards_init(&daemon->guards, daemon->gateway.state);
	interlock_init(&daemon->interlock, daemon);
	module_init(daemon);
	if (module_attach(daemon, true, &err) < 0) {
		daemon_error(daemon, "%s", err.text);
		/* This is what it is for. */
		apply_without_module(daemon);
		/* It may come, and until then the interlock must follow the
		 * interfaces.
		 */
		if (err.fault != CLIENT_NO_MODULE)
			return status_of(&err);
	}
	return EXIT_STATUS_OK;
}

static void run(struct daemon *daemon)
{
	watch_signal(daemon, &daemon->hangup, on_hangup, SIGHUP);
	watch_signal(daemon, &daemon->quit, on_quit, SIGTERM);
	watch_signal(daemon, &daemon->interrupt, on_quit, SIGINT);
	control_start(&daemon->control, daemon, daemon->loop);
	module_start(daemon);
	daemon_notify(daemon, "READY=1");
	log_impatient();
	ev_run(daemon->loop, 0);
	daemon_notify(daemon, "STOPPING=1");
	module_stop(daemon);
	log_notice("ended: the kernel keeps its guards and its policy");
}

static void stop(struct daemon *daemon)
{
	control_close(&daemon->control);
	history_watch_stop(daemon);
	module_detach(daemon);
	interlock_free(&daemon->interlock);
	guards_free(&daemon->guards);
	held_clear(&daemon->held);
	event_free(daemon);
	gateway_free(&daemon->gateway);
	fallback_free(&daemon->fallback);
	free(daemon->last_error);
}

static void usage(FILE *out)
{
	(void)fprintf(out,
		"Usage: lenscapd [--config FILE] [--state DIR]\n"
		"\n"
		"Loads policy into the lenscap module and reports what it drops.\n"
		"Runs in the foreground; SIGHUP reads the configuration again,\n"
		"SIGTERM ends the daemon and leaves the kernel as it is.\n"
		"\n"
		"  -c, --config FILE  the gateway's configuration\n"
		"                     (default: " DEFAULT_CONFIG ")\n"
		"  -s, --state DIR    if FILE is broken, look for its last good copy\n"
		"                     here (default: " GATEWAY_STATE ")\n"
		"  -V, --version      show the version\n"
		"  -h, --help         show this text\n"
		"\n"
		"Exit status: 0 ended as asked, 1 failure, 2 configuration,\n"
		"3 module of another release, 4 another daemon runs, 5 privileges.\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct daemon daemon = {
		.config = DEFAULT_CONFIG,
		.fallback.dir = GATEWAY_STATE,
	};
	enum exit_status status;
	int option;

	daemon.control.fd = -1;
	while ((option = getopt_long(argc, argv, "c:s:Vh", options,
				     NULL)) != -1) {
		switch (option) {
		case 'c':
			daemon.config = optarg;
			break;
		case 's':
			daemon.fallback.dir = optarg;
			break;
		case 'V':
			(void)printf("lenscapd %s\n", LENSCAP_VERSION);
			return EXIT_STATUS_OK;
		case 'h':
			usage(stdout);
			return EXIT_STATUS_OK;
		default:
			usage(stderr);
			return EXIT_STATUS_CONFIG;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return EXIT_STATUS_CONFIG;
	}
	log_init();
	/* A reader of stdout that goes away is no reason to end. */
	(void)signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(mem_alloc, free);
	daemon.started = time(NULL);
	daemon.loop = ev_default_loop(EVFLAG_AUTO);
	if (!daemon.loop) {
		log_error("cannot make an event loop");
		return EXIT_STATUS_FAILED;
	}
	status = start(&daemon);
	if (status == EXIT_STATUS_OK)
		run(&daemon);
	stop(&daemon);
	return status;
}
