// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl status: is it enforcing, and if not, why not.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "fields.h"
#include "human.h"
#include "table.h"

#define TOP_REASONS	5
#define WORST_GUARDS	8	/* named one by one in warnings */
#define REASONS_MAX	64	/* a newer module may know more of them */

struct total {
	const char *name;
	json_int_t packets;
};

struct totals {
	json_int_t passed, passed_bytes;
	json_int_t dropped, dropped_bytes;
	json_int_t would, would_bytes;
	struct total reasons[REASONS_MAX];
	size_t count;
};

/* How many guards are in which state; audit counts armed ones only. */
struct states {
	size_t all, armed, waiting, failed, disarmed, audit;
};

static void add_reason(struct totals *totals, const char *name,
		       json_int_t packets)
{
	for (size_t i = 0; i < totals->count; i++) {
		if (!strcmp(totals->reasons[i].name, name)) {
			totals->reasons[i].packets += packets;
			return;
		}
	}
	if (packets && totals->count < REASONS_MAX)
		totals->reasons[totals->count++] = (struct total){
			.name = name, .packets = packets,
		};
}

static int by_packets(const void *a, const void *b)
{
	const struct total *left = a, *right = b;

	if (left->packets != right->packets)
		return left->packets < right->packets ? 1 : -1;
	return strcmp(left->name, right->name);
}

static void add_up(const json_t *guards, struct totals *totals,
		   struct states *states)
{
	json_t *guard, *reason;
	size_t i, j;

	json_array_foreach(guards, i, guard) {
		const char *state = field_str(guard, "state");
		bool armed = !strcmp(state, "armed");

		states->all++;
		states->armed += armed;
		states->waiting += !strcmp(state, "waiting");
		states->failed += !strcmp(state, "failed");
		states->disarmed += !strcmp(state, "disarmed");
		states->audit += armed &&
				 !strcmp(field_str(guard, "mode"), "audit");
		totals->passed += field_int(guard, "passed.packets");
		totals->passed_bytes += field_int(guard, "passed.bytes");
		totals->dropped += field_int(guard, "dropped.packets");
		totals->dropped_bytes += field_int(guard, "dropped.bytes");
		totals->would += field_int(guard, "would_drop.packets");
		totals->would_bytes += field_int(guard, "would_drop.bytes");
		json_array_foreach(field(guard, "reasons"), j, reason) {
			add_reason(totals, field_str(reason, "reason"),
				   field_int(reason, "dropped.packets") +
				   field_int(reason, "would_drop.packets"));
		}
	}
	qsort(totals->reasons, totals->count, sizeof(totals->reasons[0]),
	      by_packets);
}

static void headline(const struct cli *cli, const json_t *module,
		     const struct states *states)
{
	char text[160];
	enum style style = STYLE_BAD;

	if (!states->armed) {
		snprintf(text, sizeof(text),
			 "Lenscap is NOT enforcing: no guard is armed");
	} else if (states->audit == states->armed) {
		snprintf(text, sizeof(text),
			 "Lenscap is auditing: it reports, but drops nothing");
		style = STYLE_WARN;
	} else if (!field_int(module, "generation")) {
		snprintf(text, sizeof(text),
			 "Lenscap drops everything: no policy is loaded");
	} else if (states->armed < states->all || states->audit) {
		snprintf(text, sizeof(text),
			 "Lenscap is enforcing in part: %zu of %zu guards drop what is not permitted",
			 states->armed - states->audit, states->all);
		style = STYLE_WARN;
	} else {
		snprintf(text, sizeof(text), "Lenscap is enforcing");
		style = STYLE_GOOD;
	}
	style_put(cli->color, style, text);
	fputs("\n\n", stdout);
}

static void key(struct table *table, const char *name)
{
	table_cell(table, STYLE_TITLE, "%s", name);
}

static const char *plural(json_int_t count)
{
	return count == 1 ? "" : "s";
}

static void put_policy(struct table *table, const json_t *module)
{
	json_int_t devices = field_int(module, "devices");
	json_int_t profiles = field_int(module, "profiles");
	json_int_t rules = field_int(module, "rules");
	json_int_t sets = field_int(module, "rulesets");

	key(table, "Policy");
	if (!field_int(module, "generation")) {
		table_cell(table, STYLE_BAD, "none");
		return;
	}
	table_cell(table, STYLE_PLAIN, "revision %" JSON_INTEGER_FORMAT
		   ", generation %" JSON_INTEGER_FORMAT ", live since %s",
		   field_int(module, "revision"),
		   field_int(module, "generation"),
		   human_ago(field_time(module, "committed")).text);
	key(table, "");
	table_cell(table, STYLE_PLAIN,
		   "%s device%s, %s profile%s, %s rule%s in %s distinct list%s, %s of memory",
		   human_count(devices).text, plural(devices),
		   human_count(profiles).text, plural(profiles),
		   human_count(rules).text, plural(rules),
		   human_count(sets).text, plural(sets),
		   human_bytes(field_int(module, "memory")).text);
}

static void put_guards(struct table *table, const struct states *states)
{
	char text[160];
	int used = snprintf(text, sizeof(text), "%zu armed", states->armed);
	const struct {
		size_t count;
		const char *word;
	} rest[] = {
		{ states->audit, "of these in audit mode" },
		{ states->waiting, "waiting" }, { states->failed, "failed" },
		{ states->disarmed, "disarmed" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
		if (rest[i].count)
			used += snprintf(text + used,
					 sizeof(text) - (size_t)used,
					 ", %zu %s", rest[i].count,
					 rest[i].word);
	}
	key(table, "Guards");
	table_cell(table, states->armed == states->all && states->all ?
			  STYLE_GOOD : STYLE_WARN, "%s", text);
}

static const struct {
	const char *state;
	const char *text;
	enum style style;
} interlocks[] = {
	{ "in-place", "in place", STYLE_GOOD },
	{ "missing", "missing", STYLE_BAD },
	{ "off", "off", STYLE_WARN },
	{ "open", "open", STYLE_WARN },
	{ "unavailable", "this kernel has no nf_tables", STYLE_BAD },
};

/* What it dropped: @what is "packets" or "bytes". */
static json_int_t interlock_sum(const json_t *lock, const char *what)
{
	static const char *const parts[] = {
		"prerouting", "forward", "input", "bridge", "ports",
	};
	json_int_t sum = 0;
	json_t *guard;
	size_t i;

	json_array_foreach(field(lock, "guards"), i, guard)
		sum += field_int(field(guard, "dropped"), what);
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		sum += field_int(field(lock, parts[i]), what);
	return sum;
}

static void put_interlock(struct table *table, const json_t *lock)
{
	json_int_t packets = interlock_sum(lock, "packets");
	const char *text = field_str(lock, "state");
	enum style style = STYLE_WARN;

	/* An older daemon has none. */
	if (!*text)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(interlocks); i++) {
		if (!strcmp(text, interlocks[i].state)) {
			text = interlocks[i].text;
			style = interlocks[i].style;
			break;
		}
	}
	key(table, "Interlock");
	table_cell(table, style, "%s, dropped %s packet%s, %s", text,
		   human_count(packets).text, plural(packets),
		   human_bytes(interlock_sum(lock, "bytes")).text);
}

static void put_traffic(struct table *table, const struct totals *totals)
{
	const struct {
		const char *name;
		json_int_t packets, bytes;
		enum style style;
	} lines[] = {
		{ "Passed", totals->passed, totals->passed_bytes, STYLE_PLAIN },
		{ "Dropped", totals->dropped, totals->dropped_bytes, STYLE_BAD },
		{ "Would drop", totals->would, totals->would_bytes, STYLE_WARN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		key(table, lines[i].name);
		table_cell(table, lines[i].packets ? lines[i].style : STYLE_PLAIN,
			   "%s packet%s, %s",
			   human_count(lines[i].packets).text,
			   plural(lines[i].packets),
			   human_bytes(lines[i].bytes).text);
	}
	for (size_t i = 0; i < totals->count && i < TOP_REASONS; i++) {
		key(table, i ? "" : "Top reasons");
		table_cell(table, STYLE_PLAIN, "%s: %s packet%s",
			   totals->reasons[i].name,
			   human_count(totals->reasons[i].packets).text,
			   plural(totals->reasons[i].packets));
	}
}

/* One line each: they show what cameras say, so nobody is to forget them. */
static void put_captures(struct table *table, const json_t *captures)
{
	json_t *capture;
	size_t i;

	json_array_foreach(captures, i, capture) {
		const char *guard = field_str(capture, "guard");
		const char *device = field_str(capture, "device");
		const char *mac = field_str(capture, "mac");
		const char *reason = field_str(capture, "reason");

		key(table, i ? "" : "Captures");
		table_cell(table, STYLE_PLAIN,
			   "dropped frames%s%s%s%s%s%s%s%s to NFLOG group %lld: %s sent, %s above %s a second",
			   *guard ? " of guard " : "", guard,
			   *device ? " of device " : "", device,
			   *mac ? " of MAC " : "", mac,
			   *reason ? " for " : "", reason,
			   (long long)field_int(capture, "group"),
			   human_count(field_int(capture, "sent")).text,
			   human_count(field_int(capture, "suppressed")).text,
			   human_count(field_int(capture, "rate")).text);
	}
}

static void put_reporting(struct table *table, const json_t *answer)
{
	const json_t *module = field(answer, "module");
	const json_t *daemon = field(answer, "daemon");

	key(table, "Records");
	table_cell(table, STYLE_PLAIN,
		   "%s of %s in use, %s frames without a place, %s events suppressed",
		   human_count(field_int(module, "records")).text,
		   human_count(field_int(module, "records_max")).text,
		   human_count(field_int(module, "records_lost")).text,
		   human_count(field_int(module, "events_suppressed")).text);
	key(table, "Daemon");
	table_cell(table, STYLE_PLAIN,
		   "lenscapd %s, process %" JSON_INTEGER_FORMAT ", started %s",
		   field_str(daemon, "version"), field_int(daemon, "pid"),
		   human_ago(field_time(daemon, "started")).text);
	key(table, "Files");
	table_cell(table, STYLE_PLAIN, "%s, %s", field_str(daemon, "config"),
		   field_str(daemon, "policy_file"));
	key(table, "Module");
	table_cell(table, STYLE_PLAIN, "lenscap %s",
		   field_str(module, "version"));
}

/* Warnings of one answer; a blank line sets the first apart. */
struct warnings {
	bool color;
	size_t count;
};

static void warn(struct warnings *warnings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void warn(struct warnings *warnings, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = cli_vformat(format, args);
	va_end(args);
	if (!warnings->count++)
		putchar('\n');
	style_put(warnings->color, STYLE_WARN, "! ");
	cli_put_clean(stdout, text);
	putchar('\n');
	free(text);
}

/* What the interlock does with the frames of a guard. */
static const char *interlock_state(const json_t *lock, const char *name)
{
	json_t *guard;
	size_t i;

	json_array_foreach(field(lock, "guards"), i, guard) {
		if (!strcmp(field_str(guard, "name"), name))
			return field_str(guard, "state");
	}
	return "";
}

static void warn_dropped(struct warnings *warnings, const json_t *count,
			 const char *what)
{
	json_int_t packets = field_int(count, "packets");

	if (packets)
		warn(warnings, "the interlock dropped %s packet%s, %s, %s",
		     human_count(packets).text, plural(packets),
		     human_bytes(field_int(count, "bytes")).text, what);
}

static void warn_interlock_guards(struct warnings *warnings, const json_t *lock)
{
	json_t *guard;
	size_t i, named = 0;

	json_array_foreach(field(lock, "guards"), i, guard) {
		char *what;

		if (!field_int(guard, "dropped.packets") ||
		    named++ >= WORST_GUARDS)
			continue;
		what = cli_format("of guard \"%s\" on interface %s: the module had not judged them",
				  field_str(guard, "name"),
				  field_str(guard, "interface"));
		warn_dropped(warnings, field(guard, "dropped"), what);
		free(what);
	}
	if (named > WORST_GUARDS)
		warn(warnings, "it dropped packets of %zu more guards; --json lists them",
		     named - WORST_GUARDS);
}

static void warn_gap(struct warnings *warnings, const json_t *lock)
{
	json_int_t restored = field_int(lock, "restored");
	const json_t *seconds = field(lock, "last_gap.seconds");
	char *who;

	if (!restored)
		return;
	if (field_int(lock, "last_gap.pid"))
		who = cli_format("%s, process %" JSON_INTEGER_FORMAT,
				 field_str(lock, "last_gap.process"),
				 field_int(lock, "last_gap.pid"));
	else
		who = cli_format("it is not known by whom");
	warn(warnings, "the interlock was changed by another program and restored %s time%s, last %s (%s): it was not whole for %.1f ms",
	     human_count(restored).text, plural(restored),
	     human_ago(field_time(lock, "last_gap.at")).text, who,
	     json_number_value(seconds) * 1e3);
	free(who);
}

static void warn_interlock(struct warnings *warnings, const json_t *lock,
			   bool guarded)
{
	const char *state = field_str(lock, "state");
	const char *error = field_str(lock, "error");

	if (!strcmp(state, "off") && guarded)
		warn(warnings, "gateway.yaml leaves the interlock off: where the module does not judge, cameras may talk to anyone");
	else if (!strcmp(state, "unavailable"))
		warn(warnings, "there is no interlock, because this kernel has no nf_tables: where the module does not judge, cameras may talk to anyone");
	else if (!strcmp(state, "missing"))
		warn(warnings, "the interlock is not in place, and the daemon tries again%s%s: where the module does not judge, cameras may talk to anyone",
		     *error ? ": " : "", error);
	else if (!strcmp(state, "open"))
		warn(warnings, "the interlock is open: cameras may talk to anyone; \"lenscapctl arm\" closes it");
	warn_interlock_guards(warnings, lock);
	warn_dropped(warnings, field(lock, "prerouting"),
		     "that came in with the address or MAC of a camera, and did not come from a guard: it was moved, or somebody forges it");
	warn_dropped(warnings, field(lock, "forward"),
		     "that were to be forwarded with the address or MAC of a camera, and not as they came from a guard: another rule rewrote the mark, or they were in a tunnel");
	warn_dropped(warnings, field(lock, "input"),
		     "that were sent to the gateway with the address or MAC of a camera, and not as they came from a guard: another rule rewrote the mark, or they were in a tunnel");
	warn_dropped(warnings, field(lock, "bridge"),
		     "that came to a bridge with the address or MAC of a camera, and did not come from a guard: it was moved, or somebody forges it");
	warn_dropped(warnings, field(lock, "ports"),
		     "that were sent past a guard on a bridge or bond, to a group whose frames stay on the port: no camera does that by mistake");
	warn_gap(warnings, lock);
}

static bool sound(const json_t *guard)
{
	return !strcmp(field_str(guard, "state"), "armed") &&
	       strcmp(field_str(guard, "mode"), "audit") != 0;
}

static void warn_guard(struct warnings *warnings, const json_t *guard,
		       const json_t *lock)
{
	const char *name = field_str(guard, "name");
	const char *interface = field_str(guard, "interface");
	const char *state = field_str(guard, "state");

	if (!strcmp(state, "waiting"))
		warn(warnings, "guard \"%s\" waits for interface %s, which does not exist: it will be armed when that appears",
		     name, interface);
	else if (!strcmp(state, "failed"))
		warn(warnings, "guard \"%s\" could not be armed on interface %s: nothing is judged there; the kernel log says why",
		     name, interface);
	else if (!strcmp(state, "disarmed") &&
		 !strcmp(interlock_state(lock, name), "in-place"))
		warn(warnings, "guard \"%s\" on interface %s is disarmed: the interlock cuts its cameras off; \"lenscapctl arm\" arms it again, \"lenscapctl disarm --open\" lets them through",
		     name, interface);
	else if (!strcmp(state, "disarmed"))
		warn(warnings, "guard \"%s\" on interface %s is disarmed: its cameras may talk to anyone; \"lenscapctl arm\" arms it again",
		     name, interface);
	else if (!strcmp(state, "armed"))
		warn(warnings, "guard \"%s\" on interface %s is in audit mode: nothing is dropped there",
		     name, interface);
	else
		warn(warnings, "guard \"%s\" on interface %s is %s", name,
		     interface, state);
}

/* Returns how many of the records that were not logged this is about. */
static json_int_t warn_outputs(struct warnings *warnings, const json_t *outputs)
{
	json_int_t all = 0;
	json_t *output;
	size_t i;

	json_array_foreach(outputs, i, output) {
		json_int_t lost = field_int(output, "lost");
		const char *error = field_str(output, "error");
		const char *path = field_str(output, "path");

		if (!lost)
			continue;
		all += lost;
		warn(warnings, "%s event%s not written to %s%s%s: it %s",
		     human_count(lost).text, lost == 1 ? " was" : "s were",
		     field_str(output, "to"), *path ? " " : "", path,
		     *error ? error : "takes them again");
	}
	return all;
}

static void warn_history(struct warnings *warnings, const json_t *history)
{
	const char *state = field_str(history, "state");
	json_int_t lost = field_int(history, "rows_lost");

	if (!strcmp(state, "failing"))
		warn(warnings, "the history is not written, since %s, and nothing can be proved later: %s",
		     human_ago(field_time(history, "failing_since")).text,
		     field_str(history, "error"));
	else if (!strcmp(state, "unsealed"))
		warn(warnings, "the history is not sealed: %s",
		     field_str(history, "error"));
	if (lost)
		warn(warnings, "%s row%s of the history were lost while it could not be written",
		     human_count(lost).text, plural(lost));
	if (field_int(history, "put_aside"))
		warn(warnings, "the history was broken and begins anew: what there was is %s.bad",
		     field_str(history, "path"));
}

/* A daemon that is older does not tell. */
static void warn_config(struct warnings *warnings, const json_t *daemon)
{
	const json_t *copy = field(daemon, "config_last_good");

	if (json_is_object(copy))
		warn(warnings, "%s cannot be used: its last good copy, kept %s, is in effect until the file is mended and \"lenscapctl reload\" has read it: %s",
		     field_str(daemon, "config"),
		     human_ago(field_time(copy, "saved")).text,
		     field_str(copy, "error"));
}

static void put_warnings(struct warnings *warnings, const json_t *answer,
			 const struct states *states)
{
	const json_t *module = field(answer, "module");
	json_int_t lost = field_int(module, "records_lost");
	json_int_t cut = field_int(module, "fragments_lost");
	json_int_t unlogged = field_int(answer, "daemon.records_unlogged");
	size_t i, wrong = 0;
	json_t *guard;

	warn_config(warnings, field(answer, "daemon"));
	if (!states->all)
		warn(warnings, "no guard is configured: nothing is judged; name one under \"guards\" in %s",
		     field_str(answer, "daemon.config"));
	if (!field_int(module, "generation"))
		warn(warnings, "no policy is loaded: every frame that an enforcing guard judges is dropped; load one with \"lenscapctl apply FILE\"");
	else if (!field_int(module, "devices"))
		warn(warnings, "the live policy names no device: every camera is unknown and dropped");
	json_array_foreach(field(answer, "guards"), i, guard) {
		if (!sound(guard) && wrong++ < WORST_GUARDS)
			warn_guard(warnings, guard,
				   field(answer, "interlock"));
	}
	if (wrong > WORST_GUARDS)
		warn(warnings, "%zu more guards are not enforcing; \"lenscapctl guards\" lists them",
		     wrong - WORST_GUARDS);
	warn_interlock(warnings, field(answer, "interlock"), states->all);
	if (lost)
		warn(warnings, "%s frame%s found no place in the record table: they are counted, but not listed; the module parameter \"records\" enlarges it",
		     human_count(lost).text, plural(lost));
	if (cut)
		warn(warnings, "%s packet%s in fragments had no place in their table, or lost it: their later fragments were dropped as \"fragment\"; a camera floods, or the module parameter \"fragments\" is too small",
		     human_count(cut).text, plural(cut));
	if (!strcmp(field_str(answer, "daemon.state"), "foreign-policy"))
		warn(warnings, "the live policy was not loaded by this daemon: it stays until a higher revision is applied");
	if (field_int(answer, "daemon.superseded"))
		warn(warnings, "revision %lld was rolled back from: the policy file takes effect again with a higher revision than that",
		     (long long)field_int(answer, "daemon.superseded"));
	unlogged -= warn_outputs(warnings, field(answer, "outputs"));
	if (unlogged > 0)
		warn(warnings, "%s drop record%s could not be logged: the reader of the daemon's log was too slow",
		     human_count(unlogged).text, plural(unlogged));
	warn_history(warnings, field(answer, "history"));
	if (*field_str(answer, "daemon.last_error"))
		warn(warnings, "the daemon's last error, %s: %s",
		     human_ago(field_time(answer, "daemon.last_error_at")).text,
		     field_str(answer, "daemon.last_error"));
}

static void show_status(const struct cli *cli, const json_t *answer)
{
	static const struct table_column columns[2] = { { NULL, false, 0 } };
	const json_t *module = field(answer, "module");
	struct totals totals = { 0 };
	struct states states = { 0 };
	struct warnings warnings = { .color = cli->color };
	struct table table;

	add_up(field(answer, "guards"), &totals, &states);
	headline(cli, module, &states);
	table_init(&table, columns, ARRAY_SIZE(columns), cli->color);
	table.indent = 2;
	put_policy(&table, module);
	put_guards(&table, &states);
	put_interlock(&table, field(answer, "interlock"));
	put_traffic(&table, &totals);
	put_captures(&table, field(answer, "captures"));
	put_reporting(&table, answer);
	table_flush(&table);
	table_free(&table);
	put_warnings(&warnings, answer, &states);
}

/* Without the module, the interlock is all there is. */
static int fail_no_module(const struct cli *cli, const json_t *answer)
{
	const char *state = field_str(answer, "interlock.state");
	const char *what = "there is no interlock: cameras may talk to anyone";

	if (!strcmp(state, "in-place"))
		what = "the interlock cuts cameras off until then; \"lenscapctl disarm --open\" lets them through";
	else if (!strcmp(state, "open"))
		what = "the interlock is open: cameras may talk to anyone; \"lenscapctl arm\" closes it";
	return cli_fail(cli, CLI_NO_MODULE,
			"Lenscap is NOT enforcing: the module is not loaded\n  load it with \"modprobe lenscap\"; the daemon runs and waits for it\n  %s",
			what);
}

int cmd_status(const struct cli *cli)
{
	json_t *answer;
	bool module;
	int status = conn_call(cli, json_pack("{s:s}", "command", "status"),
			       &answer);

	if (status)
		return status;
	module = json_is_object(field(answer, "module"));
	if (cli->json != CLI_JSON_OFF)
		cli_print_json(cli, answer);
	else if (module)
		show_status(cli, answer);
	else
		fail_no_module(cli, answer);
	json_decref(answer);
	return module ? CLI_OK : CLI_NO_MODULE;
}
