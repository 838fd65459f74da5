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
	char line[16];

	if (cli->yes || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	if (cli->argc) {
		fputs("Disarm guard ", stderr);
		cli_put_clean(stderr, cli->argv[0]);
		fputs("? Its cameras may then talk to anyone. [y/N] ", stderr);
	} else {
		fputs("Disarm all guards? All cameras may then talk to anyone. [y/N] ",
		      stderr);
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

int cmd_disarm(const struct cli *cli)
{
	json_t *answer;
	int status;

	if (!confirmed(cli))
		return cli_fail(cli, CLI_REFUSED, "nothing was disarmed");
	status = conn_call(cli, switch_request(cli, "disarm"), &answer);
	if (status)
		return status;
	if (cli->json != CLI_JSON_OFF) {
		cli_print_json(cli, answer);
	} else if (!json_array_size(field(answer, "disarmed"))) {
		printf("no guard was armed: nothing to disarm\n");
	} else {
		printf("disarmed:");
		put_names(field(answer, "disarmed"));
		printf("Nothing is judged there until \"lenscapctl arm\", a reload or a restart of the daemon.\n");
	}
	json_decref(answer);
	return CLI_OK;
}

int cmd_arm(const struct cli *cli)
{
	json_t *answer;
	int status = conn_call(cli, switch_request(cli, "arm"), &answer);

	if (status)
		return status;
	if (cli->json != CLI_JSON_OFF) {
		cli_print_json(cli, answer);
	} else if (!json_array_size(field(answer, "armed"))) {
		printf("no guard was disarmed: nothing to arm\n");
	} else {
		printf("armed:");
		put_names(field(answer, "armed"));
	}
	json_decref(answer);
	return CLI_OK;
}
