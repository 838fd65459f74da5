// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl drops: what was dropped, once or as it happens.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conn.h"
#include "fields.h"
#include "human.h"
#include "table.h"

#define RETRY_MS	500

static const struct table_column drop_columns[] = {
	{ "LAST", false, 8 }, { "GUARD", false, 6 }, { "DEVICE", false, 17 },
	{ "DESTINATION", false, 15 }, { "SERVICE", false, 9 },
	{ "REASON", false, 14 }, { "VERDICT", false, 7 },
	{ "PACKETS", true, 7 }, { "BYTES", true, 8 }, { "HINTS", false, 0 },
};

/* Without the last one. */
#define COLUMNS_WITHOUT_HINTS	(ARRAY_SIZE(drop_columns) - 1)

/* Written by the handler, read when ppoll() returns. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* "tcp/443", "icmp type 8", "proto 47", or what is known of the frame. */
static void service_cell(struct table *table, const json_t *drop)
{
	const json_t *protocol = field(drop, "protocol");
	const json_t *port = field(drop, "port");
	const char *name = json_string_value(protocol);
	json_int_t type = field_int(drop, "ethertype");
	const char *joint = name && !strncmp(name, "icmp", 4) ? " type " : "/";

	if (json_is_integer(protocol))
		table_cell(table, STYLE_PLAIN, "proto %" JSON_INTEGER_FORMAT,
			   json_integer_value(protocol));
	else if (name && json_is_integer(port))
		table_cell(table, STYLE_PLAIN, "%s%s%" JSON_INTEGER_FORMAT,
			   name, joint, json_integer_value(port));
	else if (name)
		table_cell(table, STYLE_PLAIN, "%s", name);
	else if (type == 0x0806)
		table_cell(table, STYLE_PLAIN, "arp");
	else if (type == 0x0800)
		table_cell(table, STYLE_PLAIN, "ipv4");
	else if (type == 0x86dd)
		table_cell(table, STYLE_PLAIN, "ipv6");
	else
		table_cell(table, STYLE_PLAIN, "0x%04llx", (long long)type);
}

/* Whose sender was the point tells the source address as well. */
static void reason_cell(struct table *table, const json_t *drop,
			const char *who, enum style style)
{
	const char *reason = field_str(drop, "reason");
	const char *source = field_str(drop, "source");

	if (*source && strcmp(source, who) != 0 &&
	    (!strcmp(reason, "wrong_source") ||
	     !strcmp(reason, "unknown_device") ||
	     !strcmp(reason, "upkeep_spoof")))
		table_cell(table, style, "%s (from %s)", reason, source);
	else
		table_cell(table, style, "%s", reason);
}

/* "Test Cameras Ltd; to CN, AS64500 Example Backbone" */
static void hints_cell(struct table *table, const json_t *drop)
{
	const json_t *mac = field(drop, "hints.mac");
	const json_t *place = field(drop, "hints.destination");
	const char *maker = json_is_true(field(mac, "local")) ?
			    "made-up MAC" : field_str(mac, "vendor");
	const char *country = field_str(place, "country");
	json_int_t asn = field_int(place, "asn");
	char number[32] = "";

	if (asn)
		(void)snprintf(number, sizeof(number),
			       "AS%" JSON_INTEGER_FORMAT " ", asn);
	table_cell(table, STYLE_DIM, "%s%s%s%s%s%s%s", maker,
		   *maker && place ? "; " : "", place ? "to " : "", country,
		   *country && asn ? ", " : "", number,
		   field_str(place, "organization"));
}

static void drop_row(struct table *table, const json_t *drop, bool clock)
{
	bool audited = json_is_true(field(drop, "audited"));
	enum style style = audited ? STYLE_WARN : STYLE_BAD;
	const char *who = field_str(drop, "device");
	const char *destination = field_str(drop, "destination");
	double last = field_time(drop, "last");

	if (!*who)
		who = field_str(drop, "mac");
	if (!*who)
		who = field_str(drop, "source");
	table_cell(table, STYLE_PLAIN, "%s",
		   clock ? human_clock(last).text : human_ago(last).text);
	table_cell(table, STYLE_PLAIN, "%s", field_str(drop, "guard"));
	table_cell(table, STYLE_PLAIN, "%s", *who ? who : "?");
	table_cell(table, STYLE_PLAIN, "%s", *destination ? destination : "-");
	service_cell(table, drop);
	reason_cell(table, drop, who, style);
	table_cell(table, style, "%s", audited ? "audited" : "dropped");
	table_cell(table, STYLE_PLAIN, "%s",
		   human_count(field_int(drop, "packets")).text);
	table_cell(table, STYLE_PLAIN, "%s",
		   human_bytes(field_int(drop, "bytes")).text);
	if (table->count > COLUMNS_WITHOUT_HINTS)
		hints_cell(table, drop);
}

/* The days of the data, of the first record that has them. */
static void show_dates(const json_t *drops)
{
	static const char *const whats[][2] = {
		{ "makers", "hints.mac.vendor_date" },
		{ "countries", "hints.destination.country_date" },
		{ "networks", "hints.destination.asn_date" },
	};
	const char *joint = "hints decide nothing, and white-labelled cameras hide their maker; ";
	const json_t *drop;
	bool said = false;
	size_t i, j;

	for (j = 0; j < ARRAY_SIZE(whats); j++) {
		const char *date = "";

		json_array_foreach(drops, i, drop) {
			if (!*date)
				date = field_str(drop, whats[j][1]);
		}
		if (!*date)
			continue;
		printf("%s%s of %s", joint, whats[j][0], date);
		joint = ", ";
		said = true;
	}
	if (said)
		printf("\n");
}

static json_t *drops_request(const struct cli *cli)
{
	json_t *request = cli_alloc(json_pack("{s:s}", "command", "drops"));

	if (cli->limit)
		json_object_set_new(request, "limit",
				    json_integer((json_int_t)cli->limit));
	return request;
}

static void show_drops(const struct cli *cli, const json_t *answer)
{
	json_int_t lost = field_int(answer, "records_lost");
	json_int_t forgotten = field_int(answer, "forgotten");
	struct table table;
	bool audited = false, hints = false;
	json_t *drop;
	size_t i;

	json_array_foreach(field(answer, "drops"), i, drop)
		hints = hints || field(drop, "hints");
	table_init(&table, drop_columns, hints ? ARRAY_SIZE(drop_columns) :
		   COLUMNS_WITHOUT_HINTS, cli->color);
	json_array_foreach(field(answer, "drops"), i, drop) {
		drop_row(&table, drop, false);
		audited = audited || json_is_true(field(drop, "audited"));
	}
	if (table.used)
		table_flush(&table);
	else
		printf("no drops since the daemon started\n");
	table_free(&table);
	if (audited)
		printf("audited: the frames passed, because a guard or profile is in audit mode\n");
	if (hints)
		show_dates(field(answer, "drops"));
	if (forgotten)
		printf("%s older record%s no longer held by the daemon; its log has them\n",
		       human_count(forgotten).text,
		       forgotten == 1 ? " is" : "s are");
	if (lost)
		printf("%s frame%s found no place in the kernel's record table; they are counted (\"lenscapctl guards\") but not listed\n",
		       human_count(lost).text, lost == 1 ? "" : "s");
}

static int list_drops(const struct cli *cli)
{
	json_t *answer;
	int status = conn_call(cli, drops_request(cli), &answer);

	if (status)
		return status;
	if (cli->json != CLI_JSON_OFF)
		cli_print_json(cli, answer);
	else
		show_drops(cli, answer);
	json_decref(answer);
	return CLI_OK;
}

/* Returns 0 or -EIO when standard output takes no more. */
static int print_drop(const struct cli *cli, struct table *table,
		      const json_t *drop)
{
	if (cli->json != CLI_JSON_OFF) {
		json_dumpf(drop, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		drop_row(table, drop, true);
		table_flush(table);
	}
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

/*
 * One connection: asks for what was, then for what comes. Both are asked for
 * before the first answer is read, to keep the gap between them small.
 *
 * Return: a negative errno, -EINTR after a signal; or the exit code of a
 * refusal that has been reported.
 */
static int follow_once(const struct cli *cli, struct conn *conn,
		       const sigset_t *mask, struct table *table, bool past)
{
	json_t *request = cli_alloc(json_pack("{s:s}", "command", "follow"));
	json_t *answer = NULL, *drop;
	int error = 0;
	size_t i;

	if (past) {
		json_t *before = drops_request(cli);

		error = conn_send(conn, cli, before);
		json_decref(before);
	}
	if (!error)
		error = conn_send(conn, cli, request);
	json_decref(request);

	for (int expected = past ? 2 : 1; !error && expected; expected--) {
		error = conn_receive(conn, cli->timeout, mask, &answer);
		if (!error)
			error = conn_judge(cli, answer);
		json_array_foreach(field(answer, "drops"), i, drop) {
			if (!error)
				error = print_drop(cli, table, drop);
		}
		json_decref(answer);
		answer = NULL;
	}
	if (!error && cli->json == CLI_JSON_OFF) {
		/* The header, so that it is seen to be listening. */
		table_flush(table);
		fflush(stdout);
	}
	while (!error && !interrupted) {
		error = conn_receive(conn, 0, mask, &answer);
		if (error)
			break;
		drop = field(answer, "drop");
		if (drop)
			error = print_drop(cli, table, drop);
		else if (json_is_false(field(answer, "ok")))
			error = conn_judge(cli, answer);
		json_decref(answer);
		answer = NULL;
	}
	return error;
}

/* Waits for the daemon to come back; false when a signal came first. */
static bool reconnect(const struct cli *cli, struct conn *conn,
		      const sigset_t *mask)
{
	const struct timespec pause = {
		.tv_nsec = RETRY_MS * 1000000L,
	};

	while (!interrupted) {
		ppoll(NULL, 0, &pause, mask);
		if (!interrupted && !conn_open(conn, cli->socket))
			return true;
	}
	return false;
}

static int follow_drops(const struct cli *cli)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t block, mask;
	struct table table;
	struct conn conn;
	bool again = false;
	int error;

	/* Signals are let in only while waiting, so that none is missed. */
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &mask);
	sigdelset(&mask, SIGINT);
	sigdelset(&mask, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);

	error = conn_open(&conn, cli->socket);
	if (error)
		return conn_explain(cli, error);
	table_init(&table, drop_columns, ARRAY_SIZE(drop_columns), cli->color);
	for (;;) {
		error = follow_once(cli, &conn, &mask, &table,
				    !again && cli->limit);
		conn_close(&conn);
		if (interrupted || error != -ECONNRESET)
			break;
		fputs("lenscapctl: the daemon went away, waiting for it to come back (Ctrl-C ends this)\n",
		      stderr);
		again = true;
		if (!reconnect(cli, &conn, &mask))
			break;
		fputs("lenscapctl: the daemon is back; \"lenscapctl drops\" lists what was dropped meanwhile\n",
		      stderr);
	}
	table_free(&table);
	if (interrupted || error == -EIO)
		return CLI_OK;
	return error < 0 ? conn_explain(cli, error) : error;
}

int cmd_drops(const struct cli *cli)
{
	return cli->follow ? follow_drops(cli) : list_drops(cli);
}
