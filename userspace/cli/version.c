// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl version: of this program, the daemon and the module.
 */
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "fields.h"

#ifndef LENSCAP_VERSION
#define LENSCAP_VERSION "0.1.0"
#endif

/* What the daemon says; NULL if there is none, which is no failure here. */
static json_t *ask_quietly(const struct cli *cli)
{
	json_t *request = cli_alloc(json_pack("{s:s}", "command", "status"));
	json_t *answer = NULL;
	struct conn conn;

	if (!conn_open(&conn, cli->socket) && !conn_send(&conn, cli, request))
		conn_receive(&conn, cli->timeout, NULL, &answer);
	conn_close(&conn);
	json_decref(request);
	return answer;
}

int cmd_version(const struct cli *cli)
{
	json_t *answer = ask_quietly(cli);
	const char *daemon = field_str(answer, "daemon.version");
	const char *module = field_str(answer, "module.version");
	char loaded[64] = "";
	FILE *file = NULL;

	if (!*module)
		file = fopen(CLI_MODULE "/version", "re");
	if (file) {
		if (fgets(loaded, sizeof(loaded), file))
			loaded[strcspn(loaded, "\n")] = '\0';
		fclose(file);
		module = loaded;
	}
	if (cli->json != CLI_JSON_OFF) {
		json_t *result = json_pack("{s:b, s:s, s:s?, s:s?}", "ok", 1,
					   "lenscapctl", LENSCAP_VERSION,
					   "lenscapd", *daemon ? daemon : NULL,
					   "module", *module ? module : NULL);

		cli_print_json(cli, cli_alloc(result));
		json_decref(result);
	} else {
		printf("lenscapctl %s\n", LENSCAP_VERSION);
		printf("lenscapd   ");
		cli_put_clean(stdout, *daemon ? daemon : "(not reached)");
		printf("\nmodule     ");
		cli_put_clean(stdout, *module ? module :
				      "(not known, or not loaded)");
		putchar('\n');
	}
	json_decref(answer);
	return CLI_OK;
}
