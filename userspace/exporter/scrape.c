// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the daemon's state over its control socket.
 *
 * The daemon may be older or newer, so no field is relied on: what is absent
 * or of another kind reads as nothing. But a scrape that fails half-way is no
 * scrape: counters that are only partly there would look like a restart.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drops.h"
#include "mem.h"
#include "names.h"
#include "pool.h"
#include "say.h"
#include "scrape.h"
#include "stream.h"

#define REASONS_MAX	64	/* a newer module may know more than we do */

/* A field of an object in an object, or of @object itself. */
static json_t *field(const json_t *object, const char *outer, const char *name)
{
	return json_object_get(outer ? json_object_get(object, outer) : object,
			       name);
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *outer,
			  const char *name)
{
	json_int_t number = json_integer_value(field(object, outer, name));

	return number > 0 ? (uint64_t)number : 0;
}

/* An ISO-8601 time in milliseconds since the epoch, 0 for none. */
static int64_t time_of(const json_t *object, const char *name)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text_of(object, name), "%Y-%m-%dT%H:%M:%S",
				    &tm);
	int64_t ms = 0, unit = 100;

	if (!rest)
		return 0;
	if (*rest == '.') {
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			ms += unit * (*rest - '0');
	}
	if (strcmp(rest, "Z") != 0)
		return 0;
	return (int64_t)timegm(&tm) * 1000 + ms;
}

static void set(struct snapshot *snapshot, enum figure figure, uint64_t value)
{
	snapshot->has[figure] = true;
	snapshot->figure[figure] = value;
}

static struct item *add_item(struct item_list *list)
{
	struct item *item;

	list->items = mem_array_room(list->items, list->count, 1,
				     sizeof(*list->items));
	item = &list->items[list->count++];
	memset(item, 0, sizeof(*item));
	return item;
}

static void take_counts(struct item *item, const json_t *object)
{
	item->count[PASSED_PACKETS] = number_of(object, "passed", "packets");
	item->count[PASSED_BYTES] = number_of(object, "passed", "bytes");
	item->count[DROPPED_PACKETS] = number_of(object, "dropped", "packets");
	item->count[DROPPED_BYTES] = number_of(object, "dropped", "bytes");
	item->count[WOULD_PACKETS] = number_of(object, "would_drop", "packets");
	item->count[WOULD_BYTES] = number_of(object, "would_drop", "bytes");
}

/*
 * The daemon leaves out reasons without frames. They are counters that stand
 * at 0 all the same: one that appeared with its first frame would hide that
 * frame from rate().
 */
static void take_reasons(struct snapshot *snapshot, size_t guard,
			 const json_t *reasons)
{
	size_t first = snapshot->reasons.count, i;
	json_t *reason;

	for (i = 0; i < names_reason.count; i++) {
		struct item *item = add_item(&snapshot->reasons);

		item->name = guard;
		item->other = pool_add(snapshot, names_reason.entries[i].name);
	}
	json_array_foreach(reasons, i, reason) {
		const char *name = text_of(reason, "reason");
		size_t at = first;

		while (at < snapshot->reasons.count &&
		       strcmp(snapshot_text(snapshot,
					    snapshot->reasons.items[at].other),
			      name) != 0)
			at++;
		if (at == snapshot->reasons.count) {
			struct item *item;

			if (at - first >= REASONS_MAX || !*name)
				continue;
			item = add_item(&snapshot->reasons);
			item->name = guard;
			item->other = pool_add(snapshot, name);
		}
		take_counts(&snapshot->reasons.items[at], reason);
	}
}

static void take_guards(struct snapshot *snapshot, const json_t *guards)
{
	size_t count = json_array_size(guards), armed = 0, i;
	json_t *object;

	snapshot->guards = mem_alloc((count + 1) * sizeof(*snapshot->guards));
	json_array_foreach(guards, i, object) {
		uint64_t vlan = number_of(object, NULL, "vlan");
		char number[24] = "";
		struct guard *guard;
		struct item *item;

		if (!*text_of(object, "name"))
			continue;
		guard = &snapshot->guards[snapshot->nguards++];
		if (vlan)
			snprintf(number, sizeof(number), "%llu",
				 (unsigned long long)vlan);
		guard->name = pool_add(snapshot, text_of(object, "name"));
		guard->interface = pool_add(snapshot,
					    text_of(object, "interface"));
		guard->vlan = pool_add(snapshot, number);
		guard->identity = pool_add(snapshot,
					   text_of(object, "identity"));
		guard->mode = pool_add(snapshot, text_of(object, "mode"));
		guard->armed = !strcmp(text_of(object, "state"), "armed");
		armed += guard->armed;
		item = add_item(&snapshot->passed);
		item->name = guard->name;
		take_counts(item, object);
		take_reasons(snapshot, guard->name,
			     json_object_get(object, "reasons"));
	}
	set(snapshot, GUARDS, snapshot->nguards);
	set(snapshot, GUARDS_ARMED, armed);
}

static void take_chain(struct snapshot *snapshot, const char *prefix,
		       const char *name, const json_t *count)
{
	struct item *item;
	char *text;

	if (!json_is_object(count))
		return;
	text = mem_print("%s%s", prefix, name);
	item = add_item(&snapshot->chains);
	item->name = pool_add(snapshot, text);
	item->count[DROPPED_PACKETS] = number_of(count, NULL, "packets");
	item->count[DROPPED_BYTES] = number_of(count, NULL, "bytes");
	free(text);
}

static void take_interlock(struct snapshot *snapshot, const json_t *lock)
{
	static const char * const chains[] = {
		"prerouting", "forward", "input", "bridge", "ports",
	};
	const char *state = text_of(lock, "state");
	json_t *guard;
	size_t i;

	/* Where gateway.yaml wants none, nothing is missing. */
	if (strcmp(state, "off") != 0)
		set(snapshot, INTERLOCK_IN_PLACE, !strcmp(state, "in-place"));
	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		take_chain(snapshot, "", chains[i],
			   json_object_get(lock, chains[i]));
	json_array_foreach(json_object_get(lock, "guards"), i, guard)
		take_chain(snapshot, "guard:", text_of(guard, "name"),
			   json_object_get(guard, "dropped"));
}

static void take_module(struct snapshot *snapshot, const json_t *module)
{
	static const struct {
		enum figure figure;
		const char *name;
	} fields[] = {
		{ POLICY_GENERATION, "generation" },
		{ POLICY_REVISION, "revision" },
		{ DEVICES, "devices" },
		{ RECORDS_LOST, "records_lost" },
		{ EVENTS_LOST, "events_suppressed" },
		{ FRAGMENTS_LOST, "fragments_lost" },
	};
	int64_t applied = time_of(module, "committed");

	set(snapshot, MODULE_LOADED, json_is_object(module));
	if (!json_is_object(module))
		return;
	snapshot->module_version = pool_add(snapshot,
					    text_of(module, "version"));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (json_is_integer(json_object_get(module, fields[i].name)))
			set(snapshot, fields[i].figure,
			    number_of(module, NULL, fields[i].name));
	}
	if (applied > 0)
		set(snapshot, POLICY_APPLIED, (uint64_t)applied);
}

/* A daemon of an older release does not tell. */
static void take_daemon(struct snapshot *snapshot, const json_t *daemon)
{
	if (json_is_integer(json_object_get(daemon, "records_unlogged")))
		set(snapshot, RECORDS_UNLOGGED,
		    number_of(daemon, NULL, "records_unlogged"));
	if (json_object_get(daemon, "config_last_good"))
		set(snapshot, CONFIG_LAST_GOOD,
		    json_is_object(json_object_get(daemon,
						   "config_last_good")));
}

static int take_device(void *arg, const json_t *object)
{
	struct snapshot *snapshot = arg;
	const char *profile = text_of(object, "profile");
	size_t before = snapshot->subjects.count;
	struct item *item;

	if (!*text_of(object, "name"))
		return 0;
	item = add_item(&snapshot->subjects);
	item->name = pool_add(snapshot, text_of(object, "name"));
	/* Devices of a profile are often neighbours: one text for them. */
	if (before && !strcmp(snapshot_text(snapshot, item[-1].other), profile))
		item->other = item[-1].other;
	else
		item->other = pool_add(snapshot, profile);
	item->seen = time_of(object, "last_seen");
	item->devices = 1;
	take_counts(item, object);
	return 0;
}

/* Why the daemon refused, as an errno; 0 if it did not. */
static int judge(const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	return strcmp(text_of(answer, "code"), "module") ? -EPROTO : -ENODEV;
}

static int ask(struct stream *stream, const char *command, stream_fn call,
	       void *arg, json_t **answer)
{
	int error = stream_ask(stream, command, call, arg, answer);

	if (!error)
		error = judge(*answer);
	if (error) {
		json_decref(*answer);
		*answer = NULL;
	}
	return error;
}

static int read_all(struct stream *stream, const struct source *source,
		    struct snapshot *snapshot)
{
	struct drops drops = { 0 };
	json_t *answer;
	int error;

	error = ask(stream, "status", NULL, NULL, &answer);
	if (error)
		return error;
	take_module(snapshot, json_object_get(answer, "module"));
	take_daemon(snapshot, json_object_get(answer, "daemon"));
	take_guards(snapshot, json_object_get(answer, "guards"));
	take_interlock(snapshot, json_object_get(answer, "interlock"));
	json_decref(answer);

	if (snapshot->figure[MODULE_LOADED]) {
		error = ask(stream, "devices", take_device, snapshot, &answer);
		json_decref(answer);
	}
	if (!error) {
		error = ask(stream, "drops", drops_take, &drops, &answer);
		json_decref(answer);
	}
	if (!error) {
		set(snapshot, UNKNOWN_DEVICES, drops_unknown(&drops));
		drops_join(&drops, snapshot, source->profiles);
	}
	drops_free(&drops);
	return error;
}

static const char *explain(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return "there is no socket; is lenscapd started, and does it use another one (see --socket)?";
	case -ECONNREFUSED:
		return "nobody listens: lenscapd ended; start it with \"systemctl start lenscapd\"";
	case -EACCES:
	case -EPERM:
		return "no permission: run in the group that owns the socket (\"group\" in gateway.yaml, normally lenscap)";
	case -ENAMETOOLONG:
		return "the path is too long (107 bytes are possible)";
	case -EAGAIN:
		return "lenscapd accepts no more connections";
	case -ETIMEDOUT:
		return "lenscapd did not answer in time (see --timeout)";
	case -ECONNRESET:
		return "lenscapd closed the connection before it answered; \"journalctl -u lenscapd\" may tell why";
	case -EBADMSG:
	case -EFBIG:
		return "what answered is not lenscapd: its answer is no JSON object of a sensible size";
	case -EPROTO:
		return "lenscapd refused to answer; \"lenscapctl status\" may tell why";
	case -ENODEV:
		return "the module went away meanwhile";
	default:
		return strerror(-error);
	}
}

/* A failure is told once, not with every scrape. */
static void tell(const struct source *source, int error)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int last;

	pthread_mutex_lock(&lock);
	if (error && error != last)
		say("%s: %s", source->socket,
			explain(error));
	else if (!error && last)
		say("%s: lenscapd answers again",
			source->socket);
	last = error;
	pthread_mutex_unlock(&lock);
}

static struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = mem_alloc(sizeof(*snapshot));

	memset(snapshot, 0, sizeof(*snapshot));
	(void)pool_add(snapshot, "");
	return snapshot;
}

/**
 * snapshot_free() - forget a state
 * @snapshot: from scrape(), or NULL
 */
void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	free(snapshot->texts);
	free(snapshot->guards);
	free(snapshot->passed.items);
	free(snapshot->reasons.items);
	free(snapshot->chains.items);
	free(snapshot->subjects.items);
	free(snapshot);
}

/**
 * scrape() - ask the daemon for all that the metrics tell
 * @source: which daemon
 *
 * Return: the state; without a daemon, one that says so.
 */
struct snapshot *scrape(const struct source *source)
{
	struct snapshot *snapshot = snapshot_new();
	struct stream *stream = mem_alloc(sizeof(*stream));
	int error = stream_open(stream, source->socket, source->seconds);

	if (!error)
		error = read_all(stream, source, snapshot);
	stream_close(stream);
	free(stream);
	tell(source, error);
	if (error) {
		snapshot_free(snapshot);
		snapshot = snapshot_new();
	}
	set(snapshot, DAEMON_UP, !error);
	return snapshot;
}
