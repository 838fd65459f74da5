// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: what Lenscap cannot see on this gateway, or what would
 * defeat it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "doctor.h"
#include "fields.h"
#include "table.h"

static const struct {
	const char *name;
	enum style style;
} severities[SEVERITY_COUNT] = {
	[SEVERITY_PROBLEM] = { "problem", STYLE_BAD },
	[SEVERITY_WARNING] = { "warning", STYLE_WARN },
	[SEVERITY_NOTE] = { "note", STYLE_DIM },
};

void doctor_find(struct doctor *doctor, const struct finding *finding,
		 char *risk, const char *fix)
{
	json_t *object = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:s}",
				   "name", finding->name,
				   "severity",
				   severities[finding->severity].name,
				   "object", "kind", finding->kind,
				   "name", finding->object,
				   "risk", risk, "fix", fix);
	json_t *old;
	size_t i;

	free(risk);
	/* A list that is read anew tells again what it has told. */
	json_array_foreach(doctor->findings, i, old) {
		if (json_equal(old, cli_alloc(object))) {
			json_decref(object);
			return;
		}
	}
	json_array_append_new(doctor->findings, cli_alloc(object));
	doctor->counts[finding->severity]++;
}

void doctor_unchecked(struct doctor *doctor, const char *name,
		      const char *object, char *why)
{
	json_t *item = json_pack("{s:s, s:s, s:s}", "name", name,
				 "object", object, "why", why);

	json_array_append_new(doctor->unchecked, cli_alloc(item));
	free(why);
}

char *doctor_join(char *list, const char *name)
{
	char *longer = cli_format("%s%s%s", list ? list : "",
				  list ? ", " : "", name);

	free(list);
	return longer;
}

int doctor_ask(const struct doctor *doctor, const char *command,
	       json_t **answer)
{
	json_t *request = cli_alloc(json_pack("{s:s}", "command", command));
	struct conn conn;
	int error = conn_open(&conn, doctor->cli->socket);

	*answer = NULL;
	if (!error)
		error = conn_send(&conn, doctor->cli, request);
	if (!error)
		error = conn_receive(&conn, doctor->cli->timeout, NULL, answer);
	conn_close(&conn);
	json_decref(request);
	if (!error && !json_is_true(field(*answer, "ok"))) {
		json_decref(*answer);
		*answer = NULL;
		error = -EPROTO;
	}
	return error;
}

/* What only the guards tell where to look for. */
static void skip_links(struct doctor *doctor, const char *why)
{
	static const char *const names[] = {
		"guard-renamed", "guard-on-veth", "nat-to-cameras",
		"xdp", "tc-ingress", "tcx-ingress", "hw-tc-offload",
		"esp-offload", "flow-offload", "flowtable-ahead",
		"flowtable-unguarded", "hook-ahead", "hook-missing",
		"packet-socket",
		"vlan-unguarded", "untagged-unguarded", "lower-unguarded",
		"bond-port-unguarded", "bridge-port-unguarded",
		"guard-on-bridge", "bridge-ahead", "subnet-elsewhere", "mpls-unguarded",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		doctor_unchecked(doctor, names[i], "interfaces",
				 cli_format("%s", why));
}

static void examine_links(struct doctor *doctor)
{
	if (!json_is_object(field(doctor->status, "module"))) {
		skip_links(doctor, "the module is not loaded");
		return;
	}
	if (!doctor_links(doctor)) {
		skip_links(doctor, "the interfaces could not be read");
		return;
	}
	doctor_check_names(doctor);
	doctor_check_senders(doctor);
	doctor_check_nat(doctor);
	doctor_check_xdp(doctor);
	doctor_check_tc(doctor);
	doctor_check_tcx(doctor);
	doctor_check_feature(doctor);
	doctor_check_flowtable(doctor);
	doctor_check_hooks(doctor);
	doctor_check_sockets(doctor);
	doctor_check_trunks(doctor);
	doctor_check_below(doctor);
	doctor_check_bonds(doctor);
	doctor_check_bridges(doctor);
	doctor_check_ahead(doctor);
	doctor_check_routes(doctor);
	doctor_check_mpls(doctor);
}

static void skip_daemon(struct doctor *doctor, int error)
{
	static const struct finding finding = {
		"no-daemon", SEVERITY_WARNING, "daemon", CLI_DAEMON,
	};
	static const char *const names[] = {
		"gateway-last-good", "no-guard", "guard-not-armed",
		"guard-audit", "no-policy", "policy-old", "ipv6-forwarding",
		"interlock-missing", "tag-rewritten",
	};
	char *why = cli_format("the daemon cannot be asked: %s",
			       strerror(-error));

	doctor_find(doctor, &finding,
		    cli_format("The daemon does not answer (%s), so what is guarded is not known and drops may go unreported.",
			       strerror(-error)),
		    error == -EACCES ?
		    "Be root, or in the group \"" CLI_GROUP "\"." :
		    "Start it with \"systemctl start " CLI_DAEMON "\", or name its socket with --socket.");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		doctor_unchecked(doctor, names[i], "daemon",
				 cli_format("%s", why));
	skip_links(doctor, why);
	free(why);
}

static void examine(struct doctor *doctor)
{
	int error = doctor_ask(doctor, "status", &doctor->status);

	doctor_check_module(doctor);
	doctor_check_clock(doctor);
	if (error) {
		skip_daemon(doctor, error);
		return;
	}
	doctor_check_gateway(doctor);
	doctor_check_guards(doctor);
	doctor_check_policy(doctor);
	doctor_check_age(doctor);
	examine_links(doctor);
	doctor_check_ipv6(doctor);
	doctor_check_interlock(doctor);
	doctor_check_tag(doctor);
}

static void put_finding(const struct cli *cli, const json_t *item)
{
	const char *severity = field_str(item, "severity");

	for (size_t i = 0; i < SEVERITY_COUNT; i++) {
		if (!strcmp(severity, severities[i].name))
			style_put(cli->color, severities[i].style, severity);
	}
	printf(": %s: %s ", field_str(item, "name"),
	       field_str(item, "object.kind"));
	cli_put_clean(stdout, field_str(item, "object.name"));
	fputs("\n  ", stdout);
	cli_put_clean(stdout, field_str(item, "risk"));
	fputs("\n  ", stdout);
	cli_put_clean(stdout, field_str(item, "fix"));
	putchar('\n');
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void put_headline(const struct doctor *doctor)
{
	size_t unchecked = json_array_size(doctor->unchecked);
	const size_t *counts = doctor->counts;
	enum style style = STYLE_GOOD;
	char *text;

	if (counts[SEVERITY_PROBLEM])
		style = STYLE_BAD;
	else if (counts[SEVERITY_WARNING] || unchecked)
		style = STYLE_WARN;
	text = cli_format("%zu problem%s, %zu warning%s, %zu note%s, %zu not checked",
			  counts[SEVERITY_PROBLEM],
			  plural(counts[SEVERITY_PROBLEM]),
			  counts[SEVERITY_WARNING],
			  plural(counts[SEVERITY_WARNING]),
			  counts[SEVERITY_NOTE], plural(counts[SEVERITY_NOTE]),
			  unchecked);
	style_put(doctor->cli->color, style, text);
	putchar('\n');
	free(text);
}

static bool same(const json_t *left, const json_t *right, const char *key)
{
	return !strcmp(field_str(left, key), field_str(right, key));
}

/* One line for all that follow one another with one cause: where they end. */
static size_t put_unchecked(const struct doctor *doctor, size_t first)
{
	const json_t *item = json_array_get(doctor->unchecked, first);
	const json_t *next = item;
	size_t i = first;

	style_put(doctor->cli->color, STYLE_WARN, "not checked");
	while (next && same(item, next, "object") && same(item, next, "why")) {
		printf("%s%s", i == first ? ": " : ", ",
		       field_str(next, "name"));
		next = json_array_get(doctor->unchecked, ++i);
	}
	fputs(": ", stdout);
	cli_put_clean(stdout, field_str(item, "object"));
	fputs("\n  ", stdout);
	cli_put_clean(stdout, field_str(item, "why"));
	putchar('\n');
	return i;
}

static void show(const struct doctor *doctor)
{
	const struct cli *cli = doctor->cli;
	json_t *item;
	size_t i, j;

	put_headline(doctor);
	/* The worst first. */
	for (i = 0; i < SEVERITY_COUNT; i++) {
		json_array_foreach(doctor->findings, j, item) {
			if (strcmp(field_str(item, "severity"),
				   severities[i].name) != 0)
				continue;
			putchar('\n');
			put_finding(cli, item);
		}
	}
	if (json_array_size(doctor->unchecked))
		putchar('\n');
	i = 0;
	while (i < json_array_size(doctor->unchecked))
		i = put_unchecked(doctor, i);
}

static void show_json(const struct doctor *doctor)
{
	size_t unchecked = json_array_size(doctor->unchecked);
	json_t *result =
		json_pack("{s:b, s:O, s:O, s:{s:I, s:I, s:I, s:I}}",
			  "ok", !unchecked, "findings", doctor->findings,
			  "unchecked", doctor->unchecked, "summary",
			  "problems",
			  (json_int_t)doctor->counts[SEVERITY_PROBLEM],
			  "warnings",
			  (json_int_t)doctor->counts[SEVERITY_WARNING],
			  "notes", (json_int_t)doctor->counts[SEVERITY_NOTE],
			  "unchecked", (json_int_t)unchecked);

	cli_print_json(doctor->cli, cli_alloc(result));
	json_decref(result);
}

/* A problem is one whatever else could not be checked. */
static int verdict(const struct doctor *doctor)
{
	if (doctor->counts[SEVERITY_PROBLEM])
		return CLI_DOCTOR_PROBLEMS;
	if (json_array_size(doctor->unchecked))
		return CLI_UNCHECKED;
	return doctor->counts[SEVERITY_WARNING] ? CLI_DOCTOR_WARNINGS : CLI_OK;
}

int cmd_doctor(const struct cli *cli)
{
	struct doctor doctor = {
		.cli = cli,
		.findings = cli_alloc(json_array()),
		.unchecked = cli_alloc(json_array()),
	};
	int status;

	examine(&doctor);
	if (cli->json != CLI_JSON_OFF)
		show_json(&doctor);
	else
		show(&doctor);
	status = verdict(&doctor);
	doctor_links_free(&doctor);
	json_decref(doctor.status);
	json_decref(doctor.findings);
	json_decref(doctor.unchecked);
	return status;
}
