// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl check: judges files as the daemon would, without it.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "local.h"

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static json_t *policy_json(const struct policy *policy)
{
	char digest[DIGEST_TEXT];

	digest_text(policy, digest);
	return json_pack("{s:I, s:s, s:I, s:I, s:I}",
			 "revision", (json_int_t)policy->revision,
			 "digest", digest,
			 "profiles", (json_int_t)policy->nprofiles,
			 "rules", (json_int_t)policy_rules(policy),
			 "devices", (json_int_t)policy->ndevices);
}

/**
 * struct checker - one run of check
 * @cli: the command line
 * @gateway: the latest good gateway file: policies after it must fit it
 * @have_gateway: there was one
 */
struct checker {
	const struct cli *cli;
	struct gateway gateway;
	bool have_gateway;
};

/* What a good policy holds, as text and as JSON. */
static char *check_policy(const struct checker *checker, const char *path,
			  struct diag *diag, json_t **facts)
{
	struct policy_bundle bundle = { 0 };
	struct policy policy = { 0 };
	char *text = NULL;

	if (!policy_read(path, &bundle, &policy, diag) &&
	    !(checker->have_gateway &&
	      gateway_check_policy(&checker->gateway, &policy, diag))) {
		size_t rules = policy_rules(&policy);

		*facts = cli_alloc(policy_json(&policy));
		text = cli_format("revision %llu, %zu profile%s (%zu rule%s), %zu device%s",
				  (unsigned long long)policy.revision,
				  policy.nprofiles, plural(policy.nprofiles),
				  rules, plural(rules),
				  policy.ndevices, plural(policy.ndevices));
	}
	policy_free(&policy);
	policy_bundle_free(&bundle);
	return text;
}

static char *check_gateway(struct checker *checker, const char *path,
			   struct diag *diag, json_t **facts)
{
	struct gateway gateway = { 0 };

	if (gateway_read(path, &gateway, diag)) {
		gateway_free(&gateway);
		return NULL;
	}
	if (checker->have_gateway)
		gateway_free(&checker->gateway);
	checker->gateway = gateway;
	checker->have_gateway = true;
	*facts = cli_alloc(json_pack("{s:I, s:s}", "guards",
				     (json_int_t)gateway.nguards,
				     "policy", gateway.policy));
	return cli_format("%zu guard%s, policy %s", gateway.nguards,
			  plural(gateway.nguards), gateway.policy);
}

/* Returns the file's part of the JSON result. */
static json_t *check_file(struct checker *checker, const char *path, bool *good)
{
	const struct cli *cli = checker->cli;
	enum file_kind kind = file_kind(path);
	struct diag diag = { 0 };
	json_t *facts = NULL, *result;
	char found[64], *text;

	if (cli->gateway)
		kind = FILE_GATEWAY;
	else if (cli->policy)
		kind = FILE_POLICY;
	text = kind == FILE_GATEWAY ?
	       check_gateway(checker, path, &diag, &facts) :
	       check_policy(checker, path, &diag, &facts);
	*good = text;
	diag_summary(&diag, found, sizeof(found));
	if (cli->json == CLI_JSON_OFF) {
		/* What is wrong comes first, as from a compiler. */
		fflush(stdout);
		diag_print(&diag, stderr);
		fflush(stderr);
		cli_put_clean(text ? stdout : stderr, path);
		if (text)
			printf(": %s: ok%s%s\n", text, *found ? ", " : "",
			       found);
		else
			fprintf(stderr, ": %s: refused\n", found);
	}
	result = json_pack("{s:s, s:s, s:b, s:o}", "file", path,
			   "kind", kind == FILE_GATEWAY ? "gateway" : "policy",
			   "ok", *good, "diagnostics", diagnostics_json(&diag));
	cli_alloc(result);
	if (facts)
		json_object_update(result, facts);
	json_decref(facts);
	free(text);
	diag_free(&diag);
	return result;
}

int cmd_check(const struct cli *cli)
{
	json_t *files = cli_alloc(json_array());
	struct checker checker = { .cli = cli };
	bool all = true;
	json_t *answer;

	for (int i = 0; i < cli->argc; i++) {
		bool good;

		json_array_append_new(files,
				      check_file(&checker, cli->argv[i],
						 &good));
		all = all && good;
	}
	if (checker.have_gateway)
		gateway_free(&checker.gateway);
	answer = cli_alloc(json_pack("{s:b, s:o}", "ok", all, "files", files));
	if (cli->json != CLI_JSON_OFF)
		cli_print_json(cli, answer);
	json_decref(answer);
	return all ? CLI_OK : CLI_REFUSED;
}
