// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl apply and reload: making a policy live.
 */
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "fields.h"
#include "local.h"

/* The request that carries a bundle; NULL if a file is not UTF-8. */
static json_t *apply_request(const struct cli *cli,
			     const struct policy_bundle *bundle)
{
	json_t *files = cli_alloc(json_array());
	json_t *request;

	for (size_t i = 0; i < bundle->count; i++) {
		const struct policy_file *file = &bundle->files[i];
		json_t *entry = json_pack("{s:s, s:s%}", "name", file->name,
					  "text", file->text, file->len);

		if (!entry) {
			json_decref(files);
			return NULL;
		}
		json_array_append_new(files, entry);
	}
	request = json_pack("{s:s, s:o}", "command", "apply", "files", files);
	cli_alloc(request);
	if (cli->rollback)
		json_object_set_new(request, "rollback", json_true());
	return request;
}

static void say_applied(const struct cli *cli, const json_t *answer)
{
	json_int_t revision = field_int(answer, "revision");
	json_int_t generation = field_int(answer, "generation");

	if (cli->json != CLI_JSON_OFF)
		cli_print_json(cli, answer);
	else if (json_is_true(field(answer, "changed")))
		printf("applied: revision %" JSON_INTEGER_FORMAT
		       " is live as generation %" JSON_INTEGER_FORMAT "\n",
		       revision, generation);
	else
		printf("already live: revision %" JSON_INTEGER_FORMAT
		       " as generation %" JSON_INTEGER_FORMAT
		       ", nothing was changed\n", revision, generation);
}

/* Says what apply would do; the daemon is only asked what is live. */
static int dry_run(const struct cli *cli, const struct policy *policy)
{
	char digest[DIGEST_TEXT];
	json_int_t revision = (json_int_t)policy->revision;
	json_int_t live, generation;
	bool same, older;
	json_t *answer;
	int status;

	status = conn_call(cli, json_pack("{s:s}", "command", "status"),
			   &answer);
	if (status)
		return status;
	if (json_is_null(field(answer, "module"))) {
		json_decref(answer);
		return cli_fail(cli, CLI_NO_MODULE,
				"the policy is good, but the module is not loaded: load it with \"modprobe lenscap\"");
	}
	digest_text(policy, digest);
	live = field_int(answer, "module.revision");
	generation = field_int(answer, "module.generation");
	same = generation && !strcmp(digest, field_str(answer, "module.digest"));
	older = generation && revision < live;
	json_decref(answer);

	if (older && !cli->rollback)
		return cli_fail(cli, CLI_REFUSED,
				"revision %lld is older than the live revision %lld and would be refused; to go back on purpose, add --rollback",
				(long long)revision, (long long)live);
	if (generation && revision == live && !same)
		return cli_fail(cli, CLI_REFUSED,
				"revision %lld is live with other content and would be refused: each change needs a revision of its own",
				(long long)revision);
	if (cli->json != CLI_JSON_OFF) {
		answer = json_pack("{s:b, s:b, s:I, s:I, s:I, s:b}", "ok", 1,
				   "dry_run", 1, "revision", revision,
				   "live_revision", live,
				   "live_generation", generation,
				   "changed", !same);
		cli_print_json(cli, cli_alloc(answer));
		json_decref(answer);
	} else if (same) {
		printf("dry run: revision %lld is live already as generation %lld\n",
		       (long long)live, (long long)generation);
	} else if (!generation) {
		printf("dry run: revision %lld would become the first policy\n",
		       (long long)revision);
	} else {
		printf("dry run: revision %lld would replace revision %lld (generation %lld)\n",
		       (long long)revision, (long long)live,
		       (long long)generation);
	}
	return CLI_OK;
}

/* Nothing is sent unless the files are good. */
static int refuse_locally(const struct cli *cli, const struct diag *diag)
{
	char found[64];
	json_t *answer;

	diag_summary(diag, found, sizeof(found));
	if (cli->json == CLI_JSON_OFF)
		return cli_fail(cli, CLI_REFUSED, "%s: %s: nothing was applied",
				cli->argv[0], found);
	answer = json_pack("{s:b, s:s, s:s, s:o}", "ok", 0,
			   "error", "the policy has errors, nothing was applied",
			   "code", "policy",
			   "diagnostics", diagnostics_json(diag));
	cli_print_json(cli, cli_alloc(answer));
	json_decref(answer);
	return CLI_REFUSED;
}

static int send_policy(const struct cli *cli,
		       const struct policy_bundle *bundle,
		       const struct diag *diag)
{
	json_t *request = apply_request(cli, bundle);
	json_t *answer, *known;
	int status;

	if (!request)
		return cli_fail(cli, CLI_REFUSED,
				"%s or an inventory of it is not UTF-8 text",
				cli->argv[0]);
	status = conn_call(cli, request, &answer);
	if (status)
		return status;
	known = diagnostics_json(diag);
	conn_print_diagnostics(cli, answer, known);
	json_decref(known);
	say_applied(cli, answer);
	json_decref(answer);
	return CLI_OK;
}

int cmd_apply(const struct cli *cli)
{
	struct policy_bundle bundle = { 0 };
	struct policy policy = { 0 };
	struct diag diag = { 0 };
	int status;

	if (file_kind(cli->argv[0]) == FILE_GATEWAY)
		return cli_fail(cli, CLI_USAGE,
				"%s is a gateway file: it is not applied but read by the daemon; after a change use \"lenscapctl reload\"",
				cli->argv[0]);

	status = policy_read(cli->argv[0], &bundle, &policy, &diag);
	if (cli->json == CLI_JSON_OFF)
		diag_print(&diag, stderr);
	if (status || diag.errors)
		status = refuse_locally(cli, &diag);
	else if (cli->dry_run)
		status = dry_run(cli, &policy);
	else
		status = send_policy(cli, &bundle, &diag);
	policy_free(&policy);
	policy_bundle_free(&bundle);
	diag_free(&diag);
	return status;
}

int cmd_reload(const struct cli *cli)
{
	json_t *answer;
	int status = conn_call(cli, json_pack("{s:s}", "command", "reload"),
			       &answer);

	if (status)
		return status;
	conn_print_diagnostics(cli, answer, NULL);
	say_applied(cli, answer);
	json_decref(answer);
	return CLI_OK;
}
