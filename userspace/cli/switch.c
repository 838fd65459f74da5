// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl disarm and arm: taking guards out and putting them back.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "fields.h"

static json_t *switch_request(const struct cli *cli, const char *command)
{
	json_t *request = cli_alloc(json_pack("{s:s}", "command", command));

	if (cli->argc)
		json_object_set_new(request, "guard",
				    json_string(cli->argv[0]));
	return request;
}

/* True for yes. Who cannot be asked, meant what the script says. */
static bool confirmed(const struct cli *cli)
{
	const char *then = cli->open ? "may then talk to anyone" :
		"are then cut off by the interlock, or may talk to anyone if there is none";
	char line[16];

	if (cli->yes || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	if (cli->argc) {
		fputs("Disarm guard ", stderr);
		cli_put_clean(stderr, cli->argv[0]);
		fprintf(stderr, "? Its cameras %s. [y/N] ", then);
	} else {
		fprintf(stderr, "Disarm all guards? All cameras %s. [y/N] ",
			then);
	}
	return fgets(line, sizeof(line), stdin) &&
	       (*line == 'y' || *line == 'Y');
}

static void put_names(const json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		fputs(i ? ", " : " ", stdout);
		cli_put_clean(stdout, json_string_value(name) ?
				      json_string_value(name) : "?");
	}
	putchar('\n');
}

/* False if there are none. */
static bool put_list(const char *what, const json_t *names)
{
	if (!json_array_size(names))
		return false;
	printf("%s:", what);
	put_names(names);
	return true;
}

#define UNTIL "until \"lenscapctl arm\", a reload or a restart of the daemon"

static void put_disarmed(const struct cli *cli, const json_t *answer)
{
	const char *state = field_str(answer, "interlock.state");
	bool some = put_list("disarmed", field(answer, "disarmed"));

	some |= put_list("opened", field(answer, "opened"));
	if (!some)
		printf("no guard was armed: nothing to disarm\n");
	else if (cli->open)
		printf("Their cameras may talk to anyone " UNTIL ".\n");
	else if (!strcmp(state, "in-place"))
		printf("Nothing is judged there, and the interlock cuts their cameras off, " UNTIL ".\n"
		       "To let them through: lenscapctl disarm --open\n");
	else
		printf("Nothing is judged there " UNTIL ": their cameras may talk to anyone, because no interlock is in place.\n");
}

int cmd_disarm(const struct cli *cli)
{
	json_t *answer, *request;
	int status;

	if (!confirmed(cli))
		return cli_fail(cli, CLI_REFUSED, "nothing was disarmed");
	request = switch_request(cli, "disarm");
	if (cli->open)
		json_object_set_new(request, "open", json_true());
	status = conn_call(cli, request, &answer);
	if (status)
		return status;
	if (cli->json != CLI_JSON_OFF)
		cli_print_json(cli, answer);
	else
		put_disarmed(cli, answer);
	json_decref(answer);
	return CLI_OK;
}

int cmd_arm(const struct cli *cli)
{
	json_t *answer;
	int status = conn_call(cli, switch_request(cli, "arm"), &answer);
	bool some;

	if (status)
		return status;
	if (cli->json != CLI_JSON_OFF) {
		cli_print_json(cli, answer);
	} else {
		some = put_list("armed", field(answer, "armed"));
		some |= put_list("interlock closed", field(answer, "closed"));
		if (!some)
			printf("no guard was disarmed: nothing to arm\n");
	}
	json_decref(answer);
	return CLI_OK;
}
