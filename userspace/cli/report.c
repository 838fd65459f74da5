// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl report: who called whom in a period, and proof of it.
 *
 * The history is read here, not asked of the daemon: it can be read where no
 * daemon runs, and whoever verifies it need not trust one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway.h"
#include "conn.h"
#include "report.h"
#include "report_hints.h"

#define DEFAULT_PATH "/var/lib/lenscap/" CHAIN_FILE

/* Where gateway.yaml puts it. To be freed. */
static char *find_path(const struct cli *cli)
{
	struct gateway gateway = { 0 };
	struct diag diag = { 0 };
	char *path = NULL;

	if (cli->database)
		return cli_alloc(strdup(cli->database));
	if (!gateway_read(CLI_GATEWAY, &gateway, &diag) &&
	    gateway.history.path)
		path = cli_alloc(strdup(gateway.history.path));
	gateway_free(&gateway);
	diag_free(&diag);
	return path ? path : cli_alloc(strdup(DEFAULT_PATH));
}

/* An exit code, or CLI_OK. */
static int read_period(const struct cli *cli, struct report *report)
{
	static const char wanted[] =
		"it takes 2026-11-26, 2026-11-26T14:00 (with Z or +01:00, or local time), now, today, yesterday, or -7d, -12h, -30min, -2w";
	const char *from = cli->from ? cli->from : "-7d";
	const char *to = cli->to ? cli->to : "now";
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	report->made = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (!report_time(from, false, report->made, &report->from))
		return cli_fail(cli, CLI_USAGE, "--from %s: %s", from, wanted);
	if (!report_time(to, true, report->made, &report->to))
		return cli_fail(cli, CLI_USAGE, "--to %s: %s", to, wanted);
	if (report->from >= report->to)
		return cli_fail(cli, CLI_USAGE,
				"the period ends (%s) before it begins (%s)",
				report_when(report->to).text,
				report_when(report->from).text);
	return CLI_OK;
}

static bool put_page(const struct report *report, FILE *out)
{
	report_html(report, out);
	return !fflush(out) && !ferror(out);
}

/* Whole or not at all: half a page would look like a short one. */
static int write_page(const struct cli *cli, const struct report *report)
{
	char *next;
	FILE *out;
	bool done;

	if (!strcmp(cli->html, "-")) {
		report_html(report, stdout);
		return CLI_OK;
	}
	next = cli_format("%s.new", cli->html);
	out = fopen(next, "wxe");
	if (!out && errno == EEXIST && !unlink(next))
		out = fopen(next, "wxe");
	done = out && put_page(report, out);
	if (out && fclose(out))
		done = false;
	if (done && rename(next, cli->html) < 0)
		done = false;
	if (!done) {
		cli_fail(cli, CLI_REFUSED, "cannot write %s: %s", cli->html,
			 strerror(errno));
		if (out)
			unlink(next);
	}
	free(next);
	return done ? CLI_OK : CLI_REFUSED;
}

static int show(const struct cli *cli, const struct report *report)
{
	int status = CLI_OK;

	if (cli->html)
		status = write_page(cli, report);
	if (status != CLI_OK)
		return status;
	if (cli->json != CLI_JSON_OFF) {
		json_t *json = cli_alloc(report_json(report));

		cli_print_json(cli, json);
		json_decref(json);
	} else if (!cli->html) {
		report_text(cli, report);
	} else if (strcmp(cli->html, "-") != 0) {
		printf("%s written\n", cli->html);
	}
	if (report->verdict.faults)
		cli_note(cli, "%s was altered: %s", report->path,
			 report->verdict.fault);
	return report->verdict.faults ? CLI_REFUSED : CLI_OK;
}

/* What the daemon has not written yet: it does so now, if it is there. */
static void hurry(const struct cli *cli)
{
	json_t *request = json_pack("{s:s}", "command", "history");
	json_t *answer = NULL;
	struct conn conn;

	if (!conn_open(&conn, cli->socket)) {
		if (!conn_send(&conn, cli, request))
			(void)conn_receive(&conn, cli->timeout, NULL, &answer);
		json_decref(answer);
		conn_close(&conn);
	}
	json_decref(request);
}

static int make(const struct cli *cli, const char *path)
{
	struct report report = { .path = path };
	struct chain_trust trust;
	struct chain_seal since;
	int status = read_period(cli, &report), failed = -1;
	sqlite3 *db;
	char *error;

	if (status != CLI_OK)
		return status;
	if (!report_trust(cli, &trust, &since, &error)) {
		cli_fail(cli, CLI_USAGE, "%s", error);
		free(error);
		return CLI_USAGE;
	}
	if (!cli->database)
		hurry(cli);
	db = chain_open(path, &error);
	if (db)
		failed = report_read(&report, db, &trust, &error);
	chain_close(db);
	if (!failed)
		report_hints_fill(&report, CLI_GATEWAY);
	status = failed ? cli_fail(cli, CLI_REFUSED,
				   "cannot report from the history: %s", error) :
			  show(cli, &report);
	free(error);
	report_free(&report);
	return status;
}

int cmd_report(const struct cli *cli)
{
	char *path;
	int status;

	if (cli->verify && (cli->from || cli->to || cli->html))
		return cli_fail(cli, CLI_USAGE,
				"--verify looks at the whole history: --from, --to and --html do not go with it");
	if (cli->show && (cli->verify || cli->html || cli->from || cli->to))
		return cli_fail(cli, CLI_USAGE,
				"--show goes with --database only");
	if (cli->html && !strcmp(cli->html, "-") && cli->json != CLI_JSON_OFF)
		return cli_fail(cli, CLI_USAGE,
				"--html - and --json both write to standard output");
	path = find_path(cli);
	if (access(path, R_OK) < 0 && errno == EACCES)
		status = cli_fail(cli, CLI_PERMISSION,
				  "%s: only root may read the history", path);
	else if (cli->verify)
		status = report_verify(cli, path);
	else if (cli->show)
		status = report_show(cli, path);
	else
		status = make(cli, path);
	free(path);
	return status;
}
