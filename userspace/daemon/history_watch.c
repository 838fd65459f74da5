// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the history is to tell besides drops: policy, guards, interlock, sums.
 *
 * Changes are found by comparing what is with what was told, once a second:
 * whoever made them, they are not missed.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "json.h"
#include "mem.h"
#include "names.h"

/* Between two sums, ms. */
#define TOTALS_INTERVAL (60 * 60 * 1000)

static void tell(struct daemon *daemon, const char *kind, json_t *body)
{
	history_event(&daemon->history, history_now(), kind, body);
}

/**
 * history_watch_asked() - somebody's request made a policy live
 * @daemon: the daemon
 * @what: "apply" and the like
 * @by: who
 * @generation: the live one
 */
void history_watch_asked(struct daemon *daemon, const char *what,
			 const char *by, uint32_t generation)
{
	struct history_watch *watch = &daemon->history_watch;

	free(watch->by);
	watch->by = mem_print("%s by %s", what, by);
	watch->by_generation = generation;
}

/**
 * history_watch_command() - guards were disarmed or armed on request
 * @daemon: the daemon
 * @what: "disarm" or "arm"
 * @by: who
 * @guards: names of guards
 * @opened: names of guards that the interlock lets through now, or NULL
 */
void history_watch_command(struct daemon *daemon, const char *what,
			   const char *by, const json_t *guards,
			   const json_t *opened)
{
	tell(daemon, "command",
	     json_pack("{s:s, s:o, s:O, s:O?}", "what", what, "by",
		       json_text(by), "guards", guards, "opened", opened));
}

/**
 * history_watch_policy() - the module was asked how it is
 * @daemon: the daemon
 * @info: its answer
 */
void history_watch_policy(struct daemon *daemon, const struct client_info *info)
{
	struct history_watch *watch = &daemon->history_watch;
	const struct held *held = &daemon->held;
	const char *by = "another program";
	char *digest = NULL;

	if (watch->told && watch->generation == info->generation)
		return;
	if (watch->by && watch->by_generation == info->generation)
		by = watch->by;
	else if (!watch->told)
		by = "found, or restored, at the start";
	else if (held->valid && info->has_digest &&
		 !memcmp(info->digest, held->policy.digest, POLICY_DIGEST_LEN))
		by = "lenscapd";
	if (info->has_digest)
		digest = json_hex(info->digest, sizeof(info->digest));
	tell(daemon, "policy",
	     json_pack("{s:o, s:I, s:s?, s:o, s:s, s:I, s:I, s:I}",
		       "revision", info->generation ?
				   json_number(info->revision) : json_null(),
		       "generation", (json_int_t)info->generation,
		       "digest", digest,
		       "committed", json_time(info->committed), "by", by,
		       "devices", (json_int_t)info->devices,
		       "profiles", (json_int_t)info->profiles,
		       "rules", (json_int_t)info->rules));
	free(digest);
	watch->told = true;
	watch->generation = info->generation;
}

static void look_at_losses(struct daemon *daemon)
{
	struct history_watch *watch = &daemon->history_watch;
	uint64_t lost = daemon->records.lost;

	if (lost == watch->lost)
		return;
	/* The module counts from its loading on, not from the daemon's start. */
	if (lost)
		tell(daemon, "loss",
		     json_pack("{s:o, s:o}", "frames",
			       json_number(lost > watch->lost ?
					   lost - watch->lost : lost),
			       "total", json_number(lost)));
	watch->lost = lost;
}

static void tell_guard(struct daemon *daemon, const char *name,
		       const char *interface, const char *state)
{
	tell(daemon, "guard",
	     json_pack("{s:o, s:o, s:s}", "guard", json_text(name),
		       "interface", json_text(interface), "state", state));
}

static void look_at_guards(struct daemon *daemon)
{
	struct history_watch *watch = &daemon->history_watch;
	const struct guards *guards = &daemon->guards;
	json_t *now = json_object(), *value;
	const char *name;

	for (size_t i = 0; daemon->client && i < guards->nseen; i++) {
		const struct guard_seen *seen = &guards->seen[i];
		json_t *text = json_text(seen->name);
		const char *state = seen->state == LENSCAP_GUARD_ARMED ?
				    "armed" : "waiting";
		const char *key = json_string_value(text);
		const char *was = json_string_value(json_object_get(
					watch->guards, key));

		if (!was || strcmp(was, state) != 0)
			tell_guard(daemon, seen->name, seen->interface, state);
		json_object_set_new(now, key, json_string(state));
		json_decref(text);
	}
	json_object_foreach(watch->guards, name, value) {
		if (!json_object_get(now, name))
			tell_guard(daemon, name, NULL, daemon->client ?
				   "removed" : "no module");
	}
	json_decref(watch->guards);
	watch->guards = now;
}

static const char *interlock_state(const struct daemon *daemon)
{
	const struct interlock *lock = &daemon->interlock;

	if (!daemon->gateway.interlock || !daemon->gateway.nguards)
		return "off";
	if (!interlock_wanted(lock))
		return "open";
	if (lock->unavailable)
		return "unavailable";
	return lock->whole ? "in-place" : "missing";
}

static void look_at_interlock(struct daemon *daemon)
{
	struct history_watch *watch = &daemon->history_watch;
	const struct interlock *lock = &daemon->interlock;
	const struct interlock_gap *gap = &lock->gap;
	json_t *now, *open = json_array(), *value;
	const char *name;

	json_object_foreach(lock->open, name, value)
		json_array_append_new(open, json_string(name));
	now = json_pack("{s:s, s:o, s:o, s:o, s:o}",
			"state", interlock_state(daemon), "open", open,
			"restored", json_number(lock->restored),
			"changed_by", lock->restored && *gap->name ?
				      json_text(gap->name) : json_null(),
			"error", json_text(lock->error));
	if (json_equal(now, watch->interlock)) {
		json_decref(now);
		return;
	}
	tell(daemon, "interlock", json_incref(now));
	json_decref(watch->interlock);
	watch->interlock = now;
}

static void tell_totals(struct daemon *daemon, int64_t now)
{
	struct history_watch *watch = &daemon->history_watch;
	json_t *guards, *guard, *list;
	struct client_error err;
	size_t i;

	watch->totals_at = now;
	if (!daemon->client)
		return;
	guards = guards_list(daemon->client, &daemon->gateway, &err);
	if (!guards)
		return;
	list = json_array();
	json_array_foreach(guards, i, guard) {
		json_t *entry = json_object();
		static const char *const keys[] = {
			"name", "state", "passed", "dropped", "would_drop",
		};

		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			json_object_set(entry, keys[k],
					json_object_get(guard, keys[k]));
		json_array_append_new(list, entry);
	}
	json_decref(guards);
	tell(daemon, "totals", json_pack("{s:o}", "guards", list));
}

/**
 * history_watch_tick() - called once a second: what has changed?
 * @daemon: the daemon
 */
void history_watch_tick(struct daemon *daemon)
{
	struct history_watch *watch = &daemon->history_watch;
	int64_t now = history_now();

	if (daemon->history.path) {
		look_at_losses(daemon);
		look_at_guards(daemon);
		look_at_interlock(daemon);
		if (now < watch->totals_at ||
		    now - watch->totals_at >= TOTALS_INTERVAL)
			tell_totals(daemon, now);
	}
	history_tick(&daemon->history, now);
}

/**
 * history_watch_stop() - the daemon ends
 * @daemon: the daemon; the module is still there
 */
void history_watch_stop(struct daemon *daemon)
{
	struct history_watch *watch = &daemon->history_watch;
	int64_t now = history_now();
	struct client_error err;
	struct client_info info;

	if (daemon->history.path && daemon->client) {
		/* What happened since the last tick. */
		if (!client_info(daemon->client, &info, &err))
			history_watch_policy(daemon, &info);
		look_at_losses(daemon);
		look_at_guards(daemon);
		look_at_interlock(daemon);
		tell_totals(daemon, now);
	}
	history_stop(&daemon->history, "the daemon ended", now);
	free(watch->by);
	json_decref(watch->guards);
	json_decref(watch->interlock);
	memset(watch, 0, sizeof(*watch));
}
