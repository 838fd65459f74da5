// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large policies: the sizes that are promised load, larger ones are refused,
 * and a policy full of mistakes is no slower. The test's own time limit is
 * what notices work that grows with the square.
 */
#include <stdlib.h>
#include <time.h>

#include <linux/lenscap.h>

#include "../tap.h"
#include "policy.h"

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

struct text {
	char *text;
	size_t len;
	FILE *out;
};

static FILE *begin(struct text *text)
{
	text->out = open_memstream(&text->text, &text->len);
	return text->out;
}

/* Parse and take the times; the caller frees. */
static int parse(struct text *yaml, struct text *csv, struct policy *policy,
		 struct diag *diag)
{
	struct policy_file files[2];
	struct policy_bundle bundle = { files, csv ? 2 : 1 };
	struct timespec start;
	int err;

	fclose(yaml->out);
	files[0] = (struct policy_file) { "policy.yaml", yaml->text, yaml->len };
	if (csv) {
		fclose(csv->out);
		files[1] = (struct policy_file) { "cameras.csv", csv->text,
						  csv->len };
	}
	memset(diag, 0, sizeof(*diag));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	err = policy_parse(&bundle, policy, diag);
	printf("# %zu MiB in %.2f s of processor time\n",
	       (yaml->len + (csv ? csv->len : 0)) >> 20,
	       seconds_since(&start));
	free(yaml->text);
	if (csv)
		free(csv->text);
	return err;
}

static void write_head(FILE *out, unsigned int profiles)
{
	fprintf(out, "version: 1\nrevision: 7\n"
		"destinations: { nvr: [10.20.0.10, 2001:db8:20::10] }\n"
		"profiles:\n");
	for (unsigned int i = 0; i < profiles; i++)
		fprintf(out, "  p%u: { connects: [{ to: nvr, tcp: %u }] }\n",
			i, i % 60000 + 1);
}

static void write_device(FILE *out, unsigned int i, unsigned int profiles)
{
	fprintf(out,
		"  - { name: cam-%u, mac: \"02:00:00:%02x:%02x:%02x\", addresses: [10.%u.%u.%u, \"2001:db8:30::%x\"], profile: p%u }\n",
		i, i >> 16 & 255, i >> 8 & 255, i & 255, 100 + (i >> 16),
		i >> 8 & 255, i & 255, i + 1, i % profiles);
}

TEST(scale_devices_in_yaml)
{
	struct text yaml;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);

	write_head(out, 100);
	fprintf(out, "devices:\n");
	for (unsigned int i = 0; i < 50000; i++)
		write_device(out, i, 100);
	CHECK(!parse(&yaml, NULL, &policy, &diag));
	CHECK_EQ(policy.ndevices, 50000);
	CHECK_EQ(policy.nprofiles, 100);
	CHECK_EQ(diag.count, 0);
	policy_free(&policy);
	diag_free(&diag);
}

TEST(scale_devices_in_csv)
{
	struct text yaml, csv;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);

	write_head(out, 100);
	fprintf(out, "inventory: cameras.csv\n");
	out = begin(&csv);
	fprintf(out, "name,mac,addresses,profile\n");
	for (unsigned int i = 0; i < LENSCAP_MAX_DEVICES; i++)
		fprintf(out, "cam-%u,02:00:00:%02x:%02x:%02x,10.%u.%u.%u,p%u\n",
			i, i >> 16, i >> 8 & 255, i & 255, 100 + (i >> 16),
			i >> 8 & 255, i & 255, i % 100);
	CHECK(!parse(&yaml, &csv, &policy, &diag));
	CHECK_EQ(policy.ndevices, LENSCAP_MAX_DEVICES);
	policy_free(&policy);
	diag_free(&diag);
}

/* As many rules as are promised: each device with a profile of its own. */
TEST(scale_rules)
{
	struct text yaml;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);
	size_t rules = 0;

	fprintf(out, "version: 1\nrevision: 7\nprofiles:\n");
	for (unsigned int i = 0; i < 5000; i++) {
		fprintf(out, "  p%u:\n    connects:\n", i);
		for (unsigned int j = 0; j < 20; j++)
			fprintf(out,
				"      - { to: [10.%u.%u.1, 10.%u.%u.2], tcp: [80, 443, 554, 8000-%u, 9000] }\n",
				j, i % 256, j, i % 256, 8001 + i / 256);
	}
	fprintf(out, "devices:\n");
	for (unsigned int i = 0; i < 50000; i++)
		write_device(out, i, 5000);
	CHECK(!parse(&yaml, NULL, &policy, &diag));
	for (size_t i = 0; i < policy.nprofiles; i++)
		rules += policy.profiles[i].nrules;
	CHECK_EQ(rules, 1000000);
	CHECK_EQ(diag.count, 0);
	policy_free(&policy);
	diag_free(&diag);
}

static void check_refused(struct diag *diag, const char *what)
{
	bool found = false;

	for (size_t i = 0; i < diag->count; i++)
		found |= !!strstr(diag->items[i].message, what);
	if (!found)
		FAIL("nothing says \"%s\"", what);
}

TEST(scale_too_many_devices)
{
	struct text yaml, csv;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);

	write_head(out, 1);
	fprintf(out, "inventory: cameras.csv\n");
	out = begin(&csv);
	fprintf(out, "name,addresses,profile\n");
	for (unsigned int i = 0; i < LENSCAP_MAX_DEVICES + 1; i++)
		fprintf(out, "cam-%u,10.%u.%u.%u,p0\n", i, 100 + (i >> 16),
			i >> 8 & 255, i & 255);
	CHECK(parse(&yaml, &csv, &policy, &diag) == -1);
	CHECK(!policy.ndevices && !policy.devices);
	CHECK_EQ(diag.errors, 1);
	check_refused(&diag, "131073 devices, but the limit is 131072");
	diag_free(&diag);
}

TEST(scale_too_many_profiles)
{
	struct text yaml;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);

	write_head(out, LENSCAP_MAX_PROFILES + 1);
	fprintf(out, "devices: []\n");
	CHECK(parse(&yaml, NULL, &policy, &diag) == -1);
	CHECK_EQ(diag.errors, 1);
	check_refused(&diag, "131073 profiles, but the limit is 131072");
	diag_free(&diag);
}

TEST(scale_too_many_rules)
{
	struct text yaml;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);

	fprintf(out, "version: 1\nrevision: 7\nprofiles:\n");
	for (unsigned int i = 0; i < 129; i++) {
		fprintf(out, "  p%u: { connects: [{ to: [", i);
		for (unsigned int j = 0; j < 128; j++)
			fprintf(out, "%s10.0.0.%u", j ? "," : "", j + 1);
		fprintf(out, "], tcp: [");
		for (unsigned int j = 0; j < 128; j++)
			fprintf(out, "%s%u", j ? "," : "", 2 * j + 1);
		fprintf(out, "] }] }\n");
	}
	fprintf(out, "devices: []\n");
	CHECK(parse(&yaml, NULL, &policy, &diag) == -1);
	CHECK_EQ(diag.errors, 1);
	check_refused(&diag, "2113536 rules together, but the limit is 2097152");
	diag_free(&diag);
}

/* Every device has every mistake, and there are many names to guess from. */
TEST(scale_mistakes)
{
	struct text yaml;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);

	write_head(out, 20000);
	fprintf(out, "devices:\n");
	for (unsigned int i = 0; i < 20000; i++)
		fprintf(out,
			"  - { name: same, mac: \"02:00:00:00:00:01\", addresses: [10.0.0.1, 10.0.0.1], profile: q%u, nmae: x }\n",
			i);
	CHECK(parse(&yaml, NULL, &policy, &diag) == -1);
	CHECK_EQ(diag.count, DIAG_MAX);
	CHECK(diag.errors >= 100000);
	diag_free(&diag);
}

/* libyaml must not be led into work that grows with the square. */
TEST(scale_nesting)
{
	struct text yaml;
	struct policy policy;
	struct diag diag;
	FILE *out = begin(&yaml);

	fprintf(out, "version: 1\nrevision: 7\ndevices: ");
	for (unsigned int i = 0; i < 1000000; i++)
		fputc('[', out);
	fputc('\n', out);
	CHECK(parse(&yaml, NULL, &policy, &diag) == -1);
	diag_free(&diag);
}
