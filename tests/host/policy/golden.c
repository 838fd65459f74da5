// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases from tests/data/policy: files, and what is said about them.
 *
 * A case is one file. Lines "=== NAME" begin a part; parts are written under
 * their names into an empty directory, policy.yaml is read there as a policy
 * or else gateway.yaml as a gateway, and what comes out has to be the part
 * "=== expected": diagnostics first, then the structure if there were no
 * errors. With UPDATE=1 in the environment that part is rewritten instead.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "scratch.h"
#include "show.h"

#define PARTS 8

struct part {
	char *name;
	const char *text;
	size_t len;
};

static size_t split(char *text, struct part *parts)
{
	size_t count = 0;

	for (char *line = text; line && *line;) {
		char *end = strchr(line, '\n');

		if (!strncmp(line, "=== ", 4) && end && count < PARTS) {
			*end = '\0';
			if (count)
				parts[count - 1].len =
					(size_t)(line - parts[count - 1].text);
			parts[count++] = (struct part) {
				.name = line + 4,
				.text = end + 1,
				.len = strlen(end + 1),
			};
		}
		line = end ? end + 1 : NULL;
	}
	return count;
}

static void judge_policy(FILE *out)
{
	struct policy_bundle bundle;
	struct policy policy;
	struct diag diag = { 0 };
	int err = policy_read("policy.yaml", &bundle, &policy, &diag);

	CHECK(!err == !diag.errors);
	if (err)
		CHECK(!policy.ndevices && !policy.nprofiles);
	diag_print(&diag, out);
	if (!err)
		show_policy(&policy, out);
	policy_free(&policy);
	policy_bundle_free(&bundle);
	diag_free(&diag);
}

static void judge_gateway(FILE *out)
{
	struct gateway gateway;
	struct diag diag = { 0 };
	int err = gateway_read("gateway.yaml", &gateway, &diag);

	CHECK(!err == !diag.errors);
	diag_print(&diag, out);
	if (!err)
		show_gateway(&gateway, out);
	gateway_free(&gateway);
	diag_free(&diag);
}

static void update(const char *path, const struct part *parts, size_t count,
		   const char *said)
{
	FILE *out = fopen(path, "w");

	if (!out) {
		FAIL("%s: %s", path, strerror(errno));
		return;
	}
	fprintf(out, "# SPDX-License-Identifier: GPL-2.0-only\n");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(parts[i].name, "expected") != 0)
			fprintf(out, "=== %s\n%.*s", parts[i].name,
				(int)parts[i].len, parts[i].text);
	}
	fprintf(out, "=== expected\n%s", said);
	fclose(out);
}

static void run_case(const char *path)
{
	struct part parts[PARTS];
	const struct part *expected = NULL;
	char *text = scratch_slurp(path);
	size_t count = split(text, parts), len;
	char *said = NULL;
	bool policy = false;
	FILE *out;

	scratch_enter();
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(parts[i].name, "expected")) {
			expected = &parts[i];
			continue;
		}
		policy |= !strcmp(parts[i].name, "policy.yaml");
		scratch_write(parts[i].name, parts[i].text, parts[i].len);
	}
	out = open_memstream(&said, &len);
	if (policy)
		judge_policy(out);
	else
		judge_gateway(out);
	fclose(out);
	scratch_leave();
	if (getenv("UPDATE")) {
		update(path, parts, count, said);
	} else if (!expected || len != expected->len ||
		   memcmp(said, expected->text, len) != 0) {
		FAIL("%s: said", path);
		for (char *line = strtok(said, "\n"); line;
		     line = strtok(NULL, "\n"))
			printf("#   %s\n", line);
	}
	free(said);
	free(text);
}

static int is_case(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".case");
}

static void run_kind(const char *kind)
{
	struct dirent **names;
	char path[4096];
	int count;

	snprintf(path, sizeof(path), "%s/%s", TEST_DATA, kind);
	count = scandir(path, &names, is_case, alphasort);
	if (count <= 0)
		FAIL("no cases in %s", path);
	for (int i = 0; i < count; i++) {
		CASE(names[i]->d_name);
		snprintf(path, sizeof(path), "%s/%s/%s", TEST_DATA, kind,
			 names[i]->d_name);
		run_case(path);
		CASE(NULL);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

TEST(golden_policies)
{
	run_kind("policy");
}

TEST(golden_inventories)
{
	run_kind("inventory");
}

TEST(golden_yaml)
{
	run_kind("yaml");
}

TEST(golden_gateways)
{
	run_kind("gateway");
}
