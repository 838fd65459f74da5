// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files judged here, without the daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "local.h"

static const char *const gateway_keys[] = {
	"guards", "tag", "policy", "state", "control", "log",
	"history",
};

static const char *const policy_keys[] = {
	"revision", "destinations", "profiles", "devices", "inventory",
};

static bool listed(const char *key, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(key, list[i]))
			return true;
	}
	return false;
}

#define LISTED(key, list) \
	listed(key, list, ARRAY_SIZE(list))

/* A lead that ends the count: policies are large, and begin with what they are. */
#define WEIGHT_ENOUGH 2

/*
 * Counts what speaks for a gateway file (positive) or a policy (negative).
 * A file that ends in a syntax error is judged by the keys before it.
 */
static int weigh_keys(FILE *file)
{
	yaml_parser_t parser;
	yaml_event_t event;
	int depth = 0, weight = 0;
	bool key = true, done = false;

	if (!yaml_parser_initialize(&parser))
		return 0;
	yaml_parser_set_input_file(&parser, file);
	while (!done && yaml_parser_parse(&parser, &event)) {
		const char *text;

		switch (event.type) {
		case YAML_MAPPING_START_EVENT:
		case YAML_SEQUENCE_START_EVENT:
			/* A sequence on top has no keys at all. */
			done = !depth && event.type == YAML_SEQUENCE_START_EVENT;
			depth++;
			break;
		case YAML_MAPPING_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
			depth--;
			if (depth == 1)
				key = true;
			done = !depth;
			break;
		case YAML_SCALAR_EVENT:
			text = (const char *)event.data.scalar.value;
			if (depth == 1 && key && LISTED(text, gateway_keys))
				weight++;
			if (depth == 1 && key && LISTED(text, policy_keys))
				weight--;
			if (depth == 1)
				key = !key;
			done = abs(weight) >= WEIGHT_ENOUGH;
			break;
		case YAML_ALIAS_EVENT:
			if (depth == 1)
				key = !key;
			break;
		case YAML_STREAM_END_EVENT:
			done = true;
			break;
		default:
			break;
		}
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return weight;
}

enum file_kind file_kind(const char *path)
{
	struct stat st;
	int weight = 0;
	FILE *file;

	/* A pipe can be read once only: that is left to the real reader. */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return FILE_POLICY;
	file = fopen(path, "re");
	if (file) {
		weight = weigh_keys(file);
		fclose(file);
	}
	return weight > 0 ? FILE_GATEWAY : FILE_POLICY;
}

json_t *diagnostics_json(const struct diag *diag)
{
	json_t *list = cli_alloc(json_array());

	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_item *item = &diag->items[i];
		json_t *entry = json_pack("{s:s, s:s?, s:I, s:I, s:s}",
			"severity", item->warning ? "warning" : "error",
			"file", item->file,
			"line", (json_int_t)item->line,
			"column", (json_int_t)item->column,
			"message", item->message);

		json_array_append_new(list, cli_alloc(entry));
	}
	return list;
}

size_t policy_rules(const struct policy *policy)
{
	size_t rules = 0;

	for (size_t i = 0; i < policy->nprofiles; i++)
		rules += policy->profiles[i].nrules;
	return rules;
}

void digest_text(const struct policy *policy, char text[DIGEST_TEXT])
{
	for (size_t i = 0; i < POLICY_DIGEST_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", policy->digest[i]);
}

void diag_summary(const struct diag *diag, char *text, size_t size)
{
	size_t warnings = 0;
	int used = 0;

	for (size_t i = 0; i < diag->count; i++)
		warnings += diag->items[i].warning;
	*text = '\0';
	if (diag->errors)
		used = snprintf(text, size, "%zu error%s", diag->errors,
				diag->errors == 1 ? "" : "s");
	if (warnings)
		snprintf(text + used, size - (size_t)used, "%s%zu warning%s",
			 used ? ", " : "", warnings, warnings == 1 ? "" : "s");
}
