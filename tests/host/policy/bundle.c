// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading files that are missing, odd, cut short, or change meanwhile.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "digest.h"
#include "file.h"
#include "gateway.h"
#include "policy.h"
#include "scratch.h"
#include "wrap.h"

#define POLICY								\
	"version: 1\nrevision: 7\n"					\
	"profiles: { cam: { connects: [{ to: 10.0.0.1, tcp: 80 }] } }\n" \
	"inventory: [a.csv, sub/b.csv]\n"
#define HEADER "name,mac,addresses,profile\n"
#define CAMERA_A HEADER "a,02:00:00:00:00:01,10.30.0.1,cam\n"
#define CAMERA_B HEADER "b,02:00:00:00:00:02,10.30.0.2,cam\n"

static void write_site(void)
{
	scratch_text("policy.yaml", POLICY);
	scratch_text("a.csv", CAMERA_A);
	scratch_text("sub/b.csv", CAMERA_B);
}

/* Read and parse; the one line that came of it, to be freed. */
static char *outcome(const char *path, struct policy *policy)
{
	struct policy_bundle bundle;
	struct diag diag = { 0 };
	char *said = NULL;
	size_t len;
	FILE *out = open_memstream(&said, &len);

	(void)policy_read(path, &bundle, policy, &diag);
	diag_print(&diag, out);
	fclose(out);
	policy_bundle_free(&bundle);
	diag_free(&diag);
	return said;
}

static void expect(const char *path, const char *want)
{
	struct policy policy;
	char *said = outcome(path, &policy);

	if (strcmp(said, want) != 0)
		FAIL("\"%s\" is not \"%s\"", said, want);
	CHECK(!*said == !!policy.ndevices);
	policy_free(&policy);
	free(said);
}

TEST(bundle_reads_inventories)
{
	struct policy_bundle bundle;
	struct policy policy;
	struct diag diag = { 0 };

	scratch_enter();
	scratch_text("site/policy.yaml", POLICY);
	scratch_text("site/a.csv", CAMERA_A);
	scratch_text("site/sub/b.csv", CAMERA_B);
	CHECK(!policy_read("site/policy.yaml", &bundle, &policy, &diag));
	CHECK_EQ(bundle.count, 3);
	if (bundle.count == 3) {
		CHECK(!strcmp(bundle.files[0].name, "site/policy.yaml"));
		CHECK(!strcmp(bundle.files[1].name, "site/a.csv"));
		CHECK(!strcmp(bundle.files[2].name, "site/sub/b.csv"));
		CHECK(!strcmp(bundle.files[2].text, CAMERA_B));
		CHECK_EQ(bundle.files[2].len, strlen(CAMERA_B));
	}
	policy_bundle_free(&bundle);
	policy_free(&policy);
	expect("site/policy.yaml", "");
	scratch_leave();
}

TEST(bundle_odd_files)
{
	scratch_enter();
	mkdir("directory", 0755);
	CHECK(!mkfifo("pipe", 0600));
	expect("directory", "directory: is a directory, not a regular file\n");
	/* It must not wait for a writer. */
	expect("pipe", "pipe: is a pipe, not a regular file\n");
	expect("/dev/null", "/dev/null: is a device, not a regular file\n");
	expect("none", "none: cannot be opened: No such file or directory\n");
	scratch_text("empty", "");
	expect("empty", "empty: is empty\n");
	scratch_write("nul", "version: 1\nrevi\0ion: 1\n", 23);
	expect("nul", "nul:2:5: has a NUL byte: is it a text file?\n");
	scratch_text("latin", "version: 1\n# S\xfc" "d\n");
	expect("latin", "latin:2:4: is not UTF-8 (byte 0xfc)\n");
	scratch_text("utf16", "\xff\xfev");
	expect("utf16", "utf16:1:1: is not UTF-8 (byte 0xff)\n");
	scratch_text("surrogate", "# \xc3\xbc \xed\xa0\x80\n");
	expect("surrogate", "surrogate:1:5: is not UTF-8 (byte 0xed)\n");
	scratch_leave();
}

TEST(bundle_too_large)
{
	FILE *out;

	scratch_enter();
	out = fopen("large", "w");
	CHECK(out && !ftruncate(fileno(out), (64 << 20) + 1));
	fclose(out);
	expect("large",
	       "large: has 67108865 bytes, but the limit is 64 MiB: share profiles between devices, or split the inventory\n");
	scratch_leave();
}

/* Wherever a file is cut: it is refused, or the cut was between two lines. */
TEST(bundle_cut_short)
{
	static const char text[] = POLICY;
	char *said;

	scratch_enter();
	write_site();
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct policy policy;

		scratch_write("policy.yaml", text, len);
		said = outcome("policy.yaml", &policy);
		if (len && text[len - 1] != '\n')
			CHECK(strstr(said, "may have been cut short"));
		CHECK(!policy.ndevices);
		policy_free(&policy);
		free(said);
	}
	scratch_text("policy.yaml", POLICY);
	scratch_text("a.csv", HEADER "a,02:00:00:00:00:01,10.30.0.1,cam");
	expect("policy.yaml",
	       "a.csv:2:34: does not end with a newline, so it may have been cut short: complete it, or end its last line\n");
	scratch_leave();
}

/* A file that another process replaces once: the new one is read. */
static void replace_once(unsigned int count)
{
	wrap_on_read = NULL;
	(void)count;
	scratch_text("new.csv", HEADER "c,02:00:00:00:00:03,10.30.0.3,cam\n");
	rename("new.csv", "sub/b.csv");
	wrap_on_read = NULL;
}

static void replace_policy_late(unsigned int count)
{
	/* Reads: policy twice (its bytes, its end), then the inventories. */
	if (count == 4) {
		scratch_text("new", "version: 1\nrevision: 8\n"
			     "profiles: { cam: {} }\ninventory: a.csv\n");
		rename("new", "policy.yaml");
		wrap_on_read = NULL;
	}
}

static void append_always(unsigned int count)
{
	FILE *out;

	(void)count;
	out = fopen("a.csv", "a");
	fputs("#\n", out);
	fclose(out);
}

static void remove_inventory(unsigned int count)
{
	(void)count;
	unlink("a.csv");
}

static void truncate_always(unsigned int count)
{
	CHECK(!truncate("policy.yaml", (off_t)(20 + count)));
}

static void watch(void (*hook)(unsigned int count))
{
	wrap_reads = 0;
	wrap_on_read = hook;
}

TEST(bundle_changed_once)
{
	struct policy policy;
	char *said;

	scratch_enter();
	write_site();
	watch(replace_once);
	said = outcome("policy.yaml", &policy);
	CHECK(!*said);
	CHECK_EQ(policy.ndevices, 2);
	if (policy.ndevices == 2)
		CHECK(!strcmp(policy.devices[1].name, "c"));
	policy_free(&policy);
	free(said);

	/* The policy itself, after it was read: both are of one moment. */
	write_site();
	watch(replace_policy_late);
	said = outcome("policy.yaml", &policy);
	CHECK(!wrap_on_read);
	CHECK(!*said);
	CHECK_EQ(policy.revision, 8);
	CHECK_EQ(policy.ndevices, 1);
	policy_free(&policy);
	free(said);
	watch(NULL);
	scratch_leave();
}

TEST(bundle_changes_always)
{
	static const char changed[] =
		"changed while it was read: write to another name and rename it into place, then try again\n";
	char want[256];

	scratch_enter();
	write_site();
	watch(append_always);
	snprintf(want, sizeof(want), "a.csv: %s", changed);
	expect("policy.yaml", want);
	watch(truncate_always);
	snprintf(want, sizeof(want), "policy.yaml: %s", changed);
	expect("policy.yaml", want);
	write_site();
	watch(remove_inventory);
	expect("policy.yaml",
	       "a.csv: cannot be opened: No such file or directory\n");
	watch(NULL);
	scratch_leave();
}

TEST(gateway_changes_always)
{
	struct gateway gateway;
	struct diag diag = { 0 };

	scratch_enter();
	scratch_text("policy.yaml", "version: 1\nguards: []\n");
	watch(truncate_always);
	CHECK(gateway_read("policy.yaml", &gateway, &diag) == -1);
	CHECK_EQ(diag.count, 1);
	CHECK(strstr(diag.items[0].message, "changed while it was read"));
	watch(NULL);
	gateway_free(&gateway);
	diag_free(&diag);
	CHECK(gateway_read("none/gateway.yaml", &gateway, &diag) == -1);
	CHECK(strstr(diag.items[0].message, "cannot be opened"));
	gateway_free(&gateway);
	diag_free(&diag);
	scratch_leave();
}

TEST(gateway_paths_are_beside_it)
{
	struct gateway gateway;
	struct diag diag = { 0 };

	scratch_enter();
	scratch_text("etc/gateway.yaml",
		     "version: 1\nguards: []\nstate: var\n"
		     "control: { socket: /run/x.sock }\n");
	CHECK(!gateway_read("etc/gateway.yaml", &gateway, &diag));
	CHECK(!strcmp(gateway.policy, "etc/policy.yaml"));
	CHECK(!strcmp(gateway.state, "etc/var"));
	CHECK(!strcmp(gateway.socket, "/run/x.sock"));
	gateway_free(&gateway);
	diag_free(&diag);
	scratch_leave();
}

/* Bundles also come over the control socket, with any names and texts. */
TEST(bundle_from_elsewhere)
{
	struct policy_file files[3] = {
		{ "policy.yaml", POLICY, strlen(POLICY) },
		{ "x/a.csv", CAMERA_A, strlen(CAMERA_A) },
		{ "x/sub/b.csv", CAMERA_B, strlen(CAMERA_B) },
	};
	struct policy_bundle bundle = { files, 3 };
	struct policy policy;
	struct diag diag = { 0 };
	uint8_t digest[POLICY_DIGEST_LEN];

	CHECK(!policy_parse(&bundle, &policy, &diag));
	CHECK_EQ(policy.ndevices, 2);
	memcpy(digest, policy.digest, sizeof(digest));
	policy_free(&policy);

	/* Where the policy lay is no part of it, what it says is. */
	files[0].name = "/somewhere/else/policy.yaml";
	CHECK(!policy_parse(&bundle, &policy, &diag));
	CHECK(!memcmp(policy.digest, digest, sizeof(digest)));
	policy_free(&policy);
	files[1].text = HEADER "a,02:00:00:00:00:01,10.30.0.9,cam\n";
	CHECK(!policy_parse(&bundle, &policy, &diag));
	CHECK(memcmp(policy.digest, digest, sizeof(digest)));
	policy_free(&policy);

	bundle.count = 2;
	CHECK(policy_parse(&bundle, &policy, &diag) == -1);
	CHECK_EQ(diag.errors, 1);
	CHECK(strstr(diag.items[0].message, "did not come with the policy"));
	diag_free(&diag);

	bundle.count = 3;
	files[1].name = "x/xa.csv";
	CHECK(policy_parse(&bundle, &policy, &diag) == -1);
	diag_free(&diag);

	bundle.count = 0;
	CHECK(policy_parse(&bundle, &policy, &diag) == -1);
	CHECK(strstr(diag.items[0].message, "no policy file"));
	diag_free(&diag);

	files[0].text = "version: 1\nrevision: 1\ndevices: []\n";
	files[0].len = strlen(files[0].text);
	bundle.count = 2;
	CHECK(policy_parse(&bundle, &policy, &diag) == -1);
	CHECK(strstr(diag.items[diag.count - 1].message,
		     "not named under inventory"));
	diag_free(&diag);
}

/* The digest frames its files: bytes that move from one to the next count. */
TEST(digest_frames_files)
{
	struct policy_file one[2] = { { "a", "xy", 2 }, { "b", "z", 1 } };
	struct policy_file two[2] = { { "a", "x", 1 }, { "b", "yz", 2 } };
	struct policy_bundle a = { one, 2 }, b = { two, 2 };
	uint8_t first[POLICY_DIGEST_LEN], second[POLICY_DIGEST_LEN];

	digest_bundle(&a, first);
	digest_bundle(&b, second);
	CHECK(memcmp(first, second, sizeof(first)));
	digest_bundle(&a, second);
	CHECK(!memcmp(first, second, sizeof(first)));
}
