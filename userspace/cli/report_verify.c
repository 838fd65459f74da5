// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl report --verify and --show: was the history altered?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static bool take_key(struct chain_trust *trust, const char *text)
{
	if (trust->nkeys == CHAIN_KEYS_MAX ||
	    !chain_unhex(text, trust->keys[trust->nkeys].bytes, CHAIN_KEY_LEN))
		return false;
	trust->nkeys++;
	return true;
}

/* One key a line; "#" begins a comment. */
static char *read_keys(const char *path, struct chain_trust *trust)
{
	char *line = NULL, *error = NULL;
	unsigned int number = 0;
	size_t size = 0;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return cli_format("--key %s: %s; it takes a file with public keys, or one as %d hexadecimal digits",
				  path, strerror(errno), 2 * CHAIN_KEY_LEN);
	while (!error && getline(&line, &size, file) > 0) {
		char *start = line + strspn(line, " \t");

		number++;
		start[strcspn(start, " \t\r\n#")] = '\0';
		if (*start && !take_key(trust, start))
			error = cli_format("%s:%u: this is not a public key, which has %d hexadecimal digits%s",
					   path, number, 2 * CHAIN_KEY_LEN,
					   trust->nkeys == CHAIN_KEYS_MAX ?
					   "; or there are too many" : "");
	}
	if (!error && !trust->nkeys)
		error = cli_format("%s: there is no key in it", path);
	free(line);
	fclose(file);
	return error;
}

/**
 * report_trust() - what the command line brings along for a verifier
 * @cli: the command line
 * @trust: result
 * @since: receives the seal that was kept, for @trust to point to
 * @error: receives what is wrong with it, to be freed
 */
bool report_trust(const struct cli *cli, struct chain_trust *trust,
		  struct chain_seal *since, char **error)
{
	json_error_t wrong;
	json_t *json;

	memset(trust, 0, sizeof(*trust));
	*error = NULL;
	if (cli->key && !take_key(trust, cli->key))
		*error = read_keys(cli->key, trust);
	if (*error)
		return false;
	if (!cli->since_seal)
		return true;
	json = json_load_file(cli->since_seal, 0, &wrong);
	if (!json)
		*error = cli_format("--since-seal %s: %s", cli->since_seal,
				    wrong.text);
	else if (!chain_seal_parse(json, since))
		*error = cli_format("--since-seal %s: this is not a seal: keep what \"lenscapctl report --show seal\" prints",
				    cli->since_seal);
	else
		trust->since = since;
	json_decref(json);
	return !*error;
}

char *report_verdict(const struct report *report)
{
	const struct chain_verdict *verdict = &report->verdict;
	char key[CHAIN_HEX(CHAIN_KEY_LEN)] = "";
	unsigned long long unsealed = verdict->last - verdict->sealed;

	if (verdict->faults)
		return cli_format("ALTERED: %s (%llu fault(s) in all)",
				  verdict->fault,
				  (unsigned long long)verdict->faults);
	if (verdict->has_key)
		chain_hex(verdict->key.bytes, CHAIN_KEY_LEN, key);
	/* The seal is a row itself. */
	if (verdict->seals && unsealed)
		unsealed--;
	return cli_format("whole: rows %llu to %llu, %llu seal(s)%s%s%s; %llu row(s) at the end are not sealed yet; %llu row(s) before were let go by retention",
			  (unsigned long long)verdict->first,
			  (unsigned long long)verdict->last,
			  (unsigned long long)verdict->seals,
			  *key ? " by key " : "", key, !*key ? "" :
			  report->trusted ? " (the given one)" :
			  " (as the history itself says: give --key to be sure)",
			  unsealed, (unsigned long long)verdict->removed);
}

json_t *report_number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *report_verdict_json(const struct chain_verdict *verdict)
{
	char key[CHAIN_HEX(CHAIN_KEY_LEN)] = "";

	if (verdict->has_key)
		chain_hex(verdict->key.bytes, CHAIN_KEY_LEN, key);
	return cli_alloc(json_pack("{s:b, s:o, s:o, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}",
		"whole", !verdict->faults, "faults", report_number(verdict->faults),
		"row", verdict->faults ? report_number(verdict->row) : json_null(),
		"fault", verdict->faults ? verdict->fault : NULL,
		"rows", report_number(verdict->rows), "first", report_number(verdict->first),
		"last", report_number(verdict->last), "seals", report_number(verdict->seals),
		"sealed", report_number(verdict->sealed),
		"let_go", report_number(verdict->removed),
		"key", *key ? key : NULL));
}

/**
 * report_verify() - say whether anything was altered or removed
 * @cli: the command line
 * @path: the history
 *
 * Return: %CLI_OK, or %CLI_REFUSED if so, or if it cannot be told.
 */
int report_verify(const struct cli *cli, const char *path)
{
	struct report report = { .path = path };
	struct chain_seal since;
	struct chain_trust trust;
	sqlite3 *db = NULL;
	int failed = -1;
	char *error;

	if (!report_trust(cli, &trust, &since, &error)) {
		cli_fail(cli, CLI_USAGE, "%s", error);
		free(error);
		return CLI_USAGE;
	}
	report.trusted = trust.nkeys;
	db = chain_open(path, &error);
	if (db)
		failed = chain_verify(db, &trust, NULL, NULL, &report.verdict,
				      &error);
	chain_close(db);
	if (failed) {
		cli_fail(cli, CLI_REFUSED, "cannot verify %s: %s", path, error);
		free(error);
		return CLI_REFUSED;
	}
	if (cli->json != CLI_JSON_OFF) {
		json_t *answer = report_verdict_json(&report.verdict);

		json_object_set_new(answer, "ok", json_true());
		cli_print_json(cli, answer);
		json_decref(answer);
	} else {
		char *text = report_verdict(&report);

		cli_put_clean(stdout, path);
		fputs(": ", stdout);
		cli_put_clean(stdout, text);
		putchar('\n');
		free(text);
	}
	return report.verdict.faults ? CLI_REFUSED : CLI_OK;
}

/**
 * report_show() - print the key or the newest seal, to be kept elsewhere
 * @cli: the command line, with --show
 * @path: the history, which is verified first
 */
int report_show(const struct cli *cli, const char *path)
{
	struct chain_trust trust = { 0 };
	struct chain_verdict verdict;
	char key[CHAIN_HEX(CHAIN_KEY_LEN)];
	sqlite3 *db;
	int failed = -1;
	char *error;
	json_t *seal;

	db = chain_open(path, &error);
	if (db)
		failed = chain_verify(db, &trust, NULL, NULL, &verdict, &error);
	chain_close(db);
	if (failed) {
		cli_fail(cli, CLI_REFUSED, "cannot read %s: %s", path, error);
		free(error);
		return CLI_REFUSED;
	}
	if (verdict.faults)
		return cli_fail(cli, CLI_REFUSED,
				"%s was altered, and nothing of it is to be kept as proof: %s",
				path, verdict.fault);
	if (!verdict.seals)
		return cli_fail(cli, CLI_REFUSED,
				"%s has no seal yet: there is one a quarter of an hour after the daemon's start, and at its end",
				path);
	if (!strcmp(cli->show, "key")) {
		chain_hex(verdict.key.bytes, CHAIN_KEY_LEN, key);
		puts(key);
		return CLI_OK;
	}
	seal = cli_alloc(chain_seal_json(&verdict.seal));
	json_dumpf(seal, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(seal);
	return CLI_OK;
}
