// SPDX-License-Identifier: GPL-2.0-only
/*
 * What clients of the control socket can ask for; docs/control.md says how.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "daemon.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "suggest.h"

/* A policy with more files than this is no policy. */
#define FILES_MAX 4096

struct command {
	const char *name;
	bool needs_module;
	/* Returns the answer, or NULL if it has sent one. */
	json_t *(*run)(struct daemon *daemon, struct connection *connection,
		       const json_t *request);
};

static json_t *failure(const char *code, const char *error)
{
	return json_pack("{s:b, s:o, s:s}", "ok", 0, "error", json_text(error),
			 "code", code);
}

/* A request to the module failed: perhaps it is gone. */
static json_t *client_failure(struct daemon *daemon,
			      const struct client_error *err)
{
	struct client_error why;
	struct client_info info;

	if (daemon->client && client_info(daemon->client, &info, &why) < 0)
		module_lost(daemon, &why);
	if (!daemon->client)
		return failure("module", "the lenscap module was unloaded");
	return failure(err->fault == CLIENT_PERMISSION ? "permission" :
		       "refused", err->text);
}

static json_t *outcome_answer(const struct outcome *outcome)
{
	json_t *answer;

	if (outcome->error)
		answer = failure(outcome->code, outcome->error);
	else
		answer = json_pack("{s:b, s:I, s:o, s:b}", "ok", 1,
				   "generation",
				   (json_int_t)outcome->generation,
				   "revision", json_number(outcome->revision),
				   "changed", (int)outcome->changed);
	json_object_set_new(answer, "diagnostics", json_diag(&outcome->diag));
	return answer;
}

static const char *state_of(const struct daemon *daemon,
			    const struct client_info *info)
{
	if (!daemon->client)
		return "no-module";
	if (!info->generation)
		return "no-policy";
	if (!daemon->held.valid || !info->has_digest ||
	    memcmp(info->digest, daemon->held.policy.digest,
		   POLICY_DIGEST_LEN))
		return "foreign-policy";
	return "ok";
}

/* What is in effect instead of a broken gateway.yaml, or null. */
static json_t *describe_copy(const struct fallback *fallback)
{
	if (!fallback->error)
		return json_null();
	return json_pack("{s:o, s:o}", "saved",
			 json_time(fallback->saved * 1000), "error",
			 json_text(fallback->error));
}

static json_t *describe_daemon(const struct daemon *daemon,
			       const struct client_info *info)
{
	const struct last_good *good = &daemon->held.good;
	bool held = daemon->held.valid;

	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
		"version", LENSCAP_VERSION,
		"pid", (int)getpid(),
		"started", json_time((uint64_t)daemon->started * 1000),
		"config", json_text(daemon->config),
		"config_last_good", describe_copy(&daemon->fallback),
		"state", state_of(daemon, info),
		"policy_file", json_text(daemon->gateway.policy),
		"last_good", held ? json_number(good->revision) : json_null(),
		"superseded", held && good->superseded ?
			json_number(good->superseded) : json_null(),
		"resyncs", json_number(daemon->resyncs),
		"last_error", json_text(daemon->last_error),
		"last_error_at",
		json_time((uint64_t)daemon->last_error_at * 1000),
		"records_unlogged", json_number(daemon->report.unlogged +
					   outputs_lost(&daemon->outputs)),
		"followers_dropped", json_number(daemon->control.dropped),
		"connections", (json_int_t)daemon->control.count);
}

static json_t *run_status(struct daemon *daemon, struct connection *connection,
			  const json_t *request)
{
	struct client_info info = { 0 };
	json_t *module = json_null(), *guards = json_array();
	json_t *captures = json_array();
	struct client_error err;

	(void)connection;
	(void)request;
	if (daemon->client) {
		if (client_info(daemon->client, &info, &err) < 0) {
			if (!module_lost(daemon, &err))
				goto fail;
		} else {
			module = json_info(&info);
		}
	}
	if (daemon->client) {
		json_decref(guards);
		guards = guards_list(daemon->client, &daemon->gateway, &err);
		if (!guards)
			goto fail;
		json_decref(captures);
		captures = capture_list(daemon->client, &err);
		if (!captures)
			goto fail;
	}
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", 1,
			 "daemon", describe_daemon(daemon, &info),
			 "module", module, "guards", guards,
			 "captures", captures,
			 "outputs", outputs_show(&daemon->outputs),
			 "interlock", interlock_show(&daemon->interlock),
			 "history", history_show(&daemon->history));
fail:
	json_decref(module);
	json_decref(guards);
	return client_failure(daemon, &err);
}

/* A reader wants all that is known: write what waits, but not all the time. */
static json_t *run_history(struct daemon *daemon, struct connection *connection,
			   const json_t *request)
{
	int64_t now = history_now();

	(void)connection;
	(void)request;
	if (now < daemon->history.written ||
	    now - daemon->history.written >= HISTORY_HURRY)
		history_write(&daemon->history, now, false);
	return json_pack("{s:b, s:o}", "ok", 1,
			 "history", history_show(&daemon->history));
}

static json_t *run_guards(struct daemon *daemon, struct connection *connection,
			  const json_t *request)
{
	struct client_error err;
	json_t *guards;

	(void)connection;
	(void)request;
	guards = guards_list(daemon->client, &daemon->gateway, &err);
	if (!guards)
		return client_failure(daemon, &err);
	return json_pack("{s:b, s:o}", "ok", 1, "guards", guards);
}

static void send_text(struct connection *connection, const char *text)
{
	connection_send(connection, text, strlen(text));
}

static void send_value(struct connection *connection, json_t *value, bool more)
{
	char *text = json_dumps(value, JSON_COMPACT);

	if (more)
		send_text(connection, ",");
	send_text(connection, text);
	free(text);
	json_decref(value);
}

/* One at a time: 50,000 devices as one tree would take ten times the memory. */
static json_t *run_devices(struct daemon *daemon, struct connection *connection,
			   const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "name"));
	struct client_devices devices;
	struct client_error err;
	int failed;

	if (name)
		failed = client_device(daemon->client, name, &devices, &err);
	else
		failed = client_devices(daemon->client, &devices, &err);
	if (failed)
		return client_failure(daemon, &err);
	send_text(connection, "{\"ok\":true,\"devices\":[");
	for (size_t i = 0; i < devices.count; i++)
		send_value(connection, json_device(&devices.items[i]), i);
	send_text(connection, "]}\n");
	client_devices_free(&devices);
	return NULL;
}

static json_t *run_profiles(struct daemon *daemon,
			    struct connection *connection,
			    const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "name"));
	const json_t *hits = json_object_get(request, "hits");
	struct client_profiles profiles;
	struct client_error err;
	int failed;

	if (hits && !json_is_boolean(hits))
		return failure("refused", "hits: must be true or false");
	if (name && !json_is_true(hits))
		return failure("refused", "name: goes with \"hits\": true only");
	if (json_is_true(hits))
		failed = client_hits(daemon->client, name, &profiles, &err);
	else
		failed = client_profiles(daemon->client, &profiles, &err);
	if (failed)
		return client_failure(daemon, &err);
	send_text(connection, "{\"ok\":true,\"profiles\":[");
	for (size_t i = 0; i < profiles.count; i++)
		send_value(connection, json_profile(&profiles.items[i]), i);
	send_text(connection, "]}\n");
	client_profiles_free(&profiles);
	return NULL;
}

static json_t *run_drops(struct daemon *daemon, struct connection *connection,
			 const json_t *request)
{
	const json_t *limit = json_object_get(request, "limit");
	json_int_t count = RECORDS_MAX;
	struct client_error err;
	struct client_info info;
	uint64_t lost = daemon->records.lost;
	json_t *drops;

	(void)connection;
	if (limit && !json_is_null(limit)) {
		count = json_integer_value(limit);
		if (!json_is_integer(limit) || count < 0)
			return failure("refused",
				       "limit: must be a number, 0 or more");
		if (count > RECORDS_MAX)
			count = RECORDS_MAX;
	}
	/* Losses are known to the kernel before the next rotation tells. */
	if (daemon->client && !client_info(daemon->client, &info, &err))
		lost = info.records_lost;
	drops = records_list(&daemon->records, (size_t)count);
	event_add_hints(daemon, drops);
	return json_pack("{s:b, s:o, s:o, s:o}", "ok", 1, "drops", drops,
			 "records_lost", json_number(lost),
			 "forgotten", json_number(daemon->records.forgotten));
}

static json_t *run_follow(struct daemon *daemon, struct connection *connection,
			  const json_t *request)
{
	(void)daemon;
	(void)request;
	control_follow(connection);
	return json_pack("{s:b}", "ok", 1);
}

static bool take_files(const json_t *files, struct policy_bundle *bundle)
{
	json_t *entry;
	size_t i;

	memset(bundle, 0, sizeof(*bundle));
	if (!json_is_array(files) || !json_array_size(files) ||
	    json_array_size(files) > FILES_MAX)
		return false;
	bundle->files = mem_alloc(json_array_size(files) *
				  sizeof(*bundle->files));
	json_array_foreach(files, i, entry) {
		const char *name, *text;
		size_t len;

		if (json_unpack(entry, "{s:s, s:s%}", "name", &name, "text",
				&text, &len) < 0)
			return false;
		bundle->files[i].name = mem_copy(name);
		bundle->files[i].text = mem_copy_len(text, len);
		bundle->files[i].len = len;
		bundle->count = i + 1;
	}
	return true;
}

static void log_outcome(struct daemon *daemon,
			struct connection *connection, const char *what,
			const struct outcome *outcome)
{
	log_diag(&outcome->diag);
	if (outcome->error)
		log_warning("%s (%s) failed: %s", what,
			    connection_peer(connection), outcome->error);
	else
		log_notice("%s (%s): revision %llu, %s", what,
			   connection_peer(connection),
			   (unsigned long long)outcome->revision,
			   outcome->changed ? "changed" :
					      "was live already");
	if (!outcome->error)
		history_watch_asked(daemon, what, connection_peer(connection),
				    outcome->generation);
	daemon_notify(daemon, NULL);
}

static json_t *run_apply(struct daemon *daemon, struct connection *connection,
			 const json_t *request)
{
	const json_t *rollback = json_object_get(request, "rollback");
	struct outcome outcome = { 0 };
	struct policy_bundle bundle;
	json_t *answer;

	if (!take_files(json_object_get(request, "files"), &bundle)) {
		policy_bundle_free(&bundle);
		return failure("refused",
			       "files: must be a list of {\"name\": .., \"text\": ..}, the policy first");
	}
	if (rollback && !json_is_boolean(rollback)) {
		policy_bundle_free(&bundle);
		return failure("refused", "rollback: must be true or false");
	}
	apply_bundle(daemon, &bundle, json_is_true(rollback), &outcome);
	policy_bundle_free(&bundle);
	log_outcome(daemon, connection, json_is_true(rollback) ?
		    "rollback" : "apply", &outcome);
	answer = outcome_answer(&outcome);
	outcome_free(&outcome);
	return answer;
}

static json_t *run_reload(struct daemon *daemon, struct connection *connection,
			  const json_t *request)
{
	struct outcome outcome = { 0 };
	json_t *answer;

	(void)request;
	reload(daemon, &outcome);
	log_outcome(daemon, connection, "reload", &outcome);
	answer = outcome_answer(&outcome);
	outcome_free(&outcome);
	return answer;
}

/* The guard that the request names: false if gateway.yaml has none such. */
static bool wanted_guard(const struct daemon *daemon, const json_t *request,
			 const char **name, char *error, size_t size)
{
	const json_t *guard = json_object_get(request, "guard");
	struct suggest suggest = { 0 };
	char text[SUGGEST_TEXT];

	*name = NULL;
	if (!guard || json_is_null(guard))
		return true;
	*name = json_string_value(guard);
	if (!*name) {
		snprintf(error, size, "guard: must be a name");
		return false;
	}
	if (guards_find(&daemon->gateway, *name))
		return true;
	suggest.word = *name;
	for (size_t i = 0; i < daemon->gateway.nguards; i++)
		suggest_offer(&suggest, daemon->gateway.guards[i].name);
	snprintf(error, size, "%s names no guard \"%s\"%s", daemon->config,
		 *name, suggest_text(&suggest, text));
	return false;
}

static json_t *no_module(void)
{
	return failure("module",
		       "the lenscap module is not loaded: load it with \"modprobe lenscap\"; the daemon notices");
}

/*
 * The interlock lets go first, and holds again if the module's guards stay.
 * Receives the names of guards that it now lets through and did not before.
 */
static void open_guards(struct daemon *daemon, const char *name, json_t *opened)
{
	const struct gateway *gateway = &daemon->gateway;

	for (size_t i = 0; i < gateway->nguards; i++) {
		const char *this = gateway->guards[i].name;

		if ((name && strcmp(name, this) != 0) ||
		    interlock_is_open(&daemon->interlock, this))
			continue;
		interlock_open_guard(&daemon->interlock, this);
		json_array_append_new(opened, json_text(this));
	}
	interlock_update(&daemon->interlock);
}

static void close_guards(struct daemon *daemon, const json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		interlock_close_guard(&daemon->interlock,
				      json_string_value(name));
	interlock_update(&daemon->interlock);
}

static void log_disarm(struct daemon *daemon, struct connection *connection,
		       const json_t *names, const json_t *opened)
{
	char *text = json_dumps(names, 0), *more = json_dumps(opened, 0);

	log_warning("disarm (%s): %s: their frames are not judged any more; let through by the interlock from now on: %s",
		    connection_peer(connection), text, more);
	free(text);
	free(more);
	history_watch_command(daemon, "disarm", connection_peer(connection),
			      names, opened);
	daemon_notify(daemon, NULL);
}

/* The interlock drops their frames before the module lets go of them. */
static int disarm_guards(struct daemon *daemon, const char *name, json_t *names,
			 struct client_error *err)
{
	const struct gateway *gateway = &daemon->gateway;
	struct guard_places places = { 0 };

	for (size_t i = 0; i < gateway->nguards; i++)
		if (!name || !strcmp(name, gateway->guards[i].name))
			guard_places_add(&places, gateway->guards[i].name, 0,
					 0);
	interlock_hold(&daemon->interlock, &places);
	return guards_disarm(&daemon->guards, daemon->client, gateway, name,
			     names, err);
}

static json_t *run_disarm(struct daemon *daemon, struct connection *connection,
			  const json_t *request)
{
	const json_t *open = json_object_get(request, "open");
	json_t *names, *opened;
	struct client_error err;
	const char *name;
	char error[512];
	int failed = 0;

	if (open && !json_is_boolean(open))
		return failure("refused", "open: must be true or false");
	/* Cameras that are cut off can be let through in any case. */
	if (!daemon->client && !json_is_true(open))
		return no_module();
	if (!wanted_guard(daemon, request, &name, error, sizeof(error)))
		return failure("refused", error);
	names = json_array();
	opened = json_array();
	if (json_is_true(open))
		open_guards(daemon, name, opened);
	if (daemon->client)
		failed = disarm_guards(daemon, name, names, &err);
	if (failed)
		close_guards(daemon, opened);
	interlock_release(&daemon->interlock);
	log_disarm(daemon, connection, names, opened);
	if (failed) {
		json_decref(names);
		json_decref(opened);
		return client_failure(daemon, &err);
	}
	return json_pack("{s:b, s:o, s:o, s:o}", "ok", 1, "disarmed", names,
			 "opened", opened, "interlock",
			 interlock_show(&daemon->interlock));
}

static json_t *arm_guards(struct daemon *daemon, const char *name, json_t *names,
			  struct diag *diag)
{
	struct client_info info;
	struct client_error err;
	json_t *answer;

	if (client_info(daemon->client, &info, &err) < 0)
		return client_failure(daemon, &err);
	if (module_sync_tag(daemon, &daemon->gateway, &info, diag) &&
	    !guards_arm(&daemon->guards, daemon->client, &daemon->gateway,
			name, names, diag))
		return NULL;
	answer = failure("refused", diag->items[0].message);
	json_object_set_new(answer, "diagnostics", json_diag(diag));
	return answer;
}

/* What cannot be judged is cut off: the interlock closes in any case. */
static json_t *run_arm(struct daemon *daemon, struct connection *connection,
		       const json_t *request)
{
	json_t *names, *closed, *answer;
	struct diag diag = { 0 };
	const char *name;
	char error[512];

	if (!wanted_guard(daemon, request, &name, error, sizeof(error)))
		return failure("refused", error);
	names = json_array();
	closed = json_array();
	answer = daemon->client ? arm_guards(daemon, name, names, &diag) :
				  no_module();
	for (size_t i = 0; i < daemon->gateway.nguards; i++) {
		const char *this = daemon->gateway.guards[i].name;

		if ((!name || !strcmp(name, this)) &&
		    interlock_is_open(&daemon->interlock, this))
			json_array_append_new(closed, json_text(this));
	}
	close_guards(daemon, closed);
	if (!answer)
		answer = json_pack("{s:b, s:O, s:O}", "ok", 1, "armed", names,
				   "closed", closed);
	log_diag(&diag);
	log_notice("arm (%s): %s", connection_peer(connection),
		   json_is_true(json_object_get(answer, "ok")) ? "done" :
								 "failed");
	history_watch_command(daemon, "arm", connection_peer(connection), names,
			      NULL);
	diag_free(&diag);
	json_decref(names);
	json_decref(closed);
	daemon_notify(daemon, NULL);
	return answer;
}

static json_t *run_capture(struct daemon *daemon, struct connection *connection,
			   const json_t *request)
{
	struct client_error err;
	const char *name;
	char error[512];
	json_t *answer;

	if (!wanted_guard(daemon, request, &name, error, sizeof(error)))
		return failure("refused", error);
	answer = capture_begin(daemon, connection, request, &err);
	return answer ? answer : client_failure(daemon, &err);
}

static json_t *run_captures(struct daemon *daemon,
			    struct connection *connection,
			    const json_t *request)
{
	struct client_error err;
	json_t *captures = capture_list(daemon->client, &err);

	(void)connection;
	(void)request;
	return captures ? json_pack("{s:b, s:o}", "ok", 1, "captures", captures) :
			  client_failure(daemon, &err);
}

static const struct command commands[] = {
	{ "status", false, run_status },
	{ "guards", true, run_guards },
	{ "devices", true, run_devices },
	{ "profiles", true, run_profiles },
	{ "drops", false, run_drops },
	{ "follow", false, run_follow },
	{ "history", false, run_history },
	{ "apply", true, run_apply },
	{ "reload", true, run_reload },
	{ "disarm", false, run_disarm },
	{ "arm", false, run_arm },
	{ "capture", true, run_capture },
	{ "captures", true, run_captures },
};

static const struct command *find_command(const char *name, char *error,
					  size_t size)
{
	struct suggest suggest = { .word = name };
	char text[SUGGEST_TEXT];
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
		suggest_offer(&suggest, commands[i].name);
	}
	snprintf(error, size, "unknown command \"%.100s\"%s", name,
		 suggest_text(&suggest, text));
	return NULL;
}

static json_t *answer_to(struct daemon *daemon, struct connection *connection,
			 const json_t *request)
{
	const char *name = json_string_value(json_object_get(request,
							     "command"));
	const struct command *command;
	char error[512];

	if (!name)
		return failure("refused",
			       "a request is an object with \"command\": NAME");
	command = find_command(name, error, sizeof(error));
	if (!command)
		return failure("refused", error);
	if (command->needs_module && !daemon->client)
		return no_module();
	return command->run(daemon, connection, request);
}

/**
 * command_run() - handle a request
 * @daemon: the daemon
 * @connection: where the request came from and the answer goes
 * @line: the request, without its newline
 * @len: bytes
 */
void command_run(struct daemon *daemon, struct connection *connection,
		 char *line, size_t len)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES,
				     &error);
	json_t *answer;

	if (request) {
		answer = answer_to(daemon, connection, request);
	} else {
		char *text = mem_print("not a JSON object: %s (at byte %d)",
				       error.text, error.position);

		answer = failure("refused", text);
		free(text);
	}
	if (answer)
		connection_send_json(connection, answer);
	json_decref(answer);
	json_decref(request);
}
