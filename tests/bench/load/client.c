// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's part of a load, and of changing one device: what passes between
 * the first request of a transaction and the answer to its commit, with a
 * policy that was read and checked before.
 *
 *   client load POLICY           the whole policy, into a kernel without one
 *   client change POLICY COUNT   one device at a time, the rest stays: its
 *                                address, and a rule of its profile
 *
 * Prints one JSON object. Guards are not needed for either.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "client.h"
#include "mem.h"

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "client: %s: %s\n", what, why);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_refusal(void *arg, const struct client_error *err)
{
	(void)arg;
	(void)fprintf(stderr, "client: %s\n", err->text);
}

static uint32_t begin(struct client *client, uint8_t base)
{
	struct client_error err;
	uint32_t generation;

	if (client_txn_begin(client, base, on_refusal, NULL, &generation,
			     &err) < 0)
		die("begin", err.text);
	return generation;
}

static void commit(struct client *client, uint32_t generation,
		   uint64_t revision)
{
	struct client_commit commit = {
		.generation = generation,
		.revision = revision,
	};
	struct client_error err;

	if (client_txn_commit(client, &commit, &generation, &err) < 0)
		die("commit", err.text);
}

static void set_device(struct client *client,
		       const struct policy_device *device)
{
	struct client_error err;

	if (client_txn_device_set(client, device, &err) < 0)
		die(device->name, err.text);
}

static void set_profile(struct client *client,
			const struct policy_profile *profile)
{
	struct client_error err;

	if (client_txn_profile_set(client, profile, &err) < 0)
		die(profile->name, err.text);
}

static void load(struct client *client, const struct policy *policy,
		 double parsed)
{
	double start = now(), sent;
	uint32_t generation = begin(client, LENSCAP_BASE_EMPTY);

	for (size_t i = 0; i < policy->nprofiles; i++)
		set_profile(client, &policy->profiles[i]);
	for (size_t i = 0; i < policy->ndevices; i++)
		set_device(client, &policy->devices[i]);
	sent = now();
	commit(client, generation, policy->revision);
	printf("{\"read\": %.6f, \"send\": %.6f, \"commit\": %.6f, ",
	       parsed, sent - start, now() - sent);
}

static void print_times(const char *name, const double *times, size_t count)
{
	printf("\"%s\": [", name);
	for (size_t i = 0; i < count; i++)
		printf("%s%.9f", i ? ", " : "", times[i]);
	printf("], ");
}

/* Devices from all over the policy, each once. */
static void change(struct client *client, struct policy *policy, size_t count)
{
	double *address = mem_alloc(count * sizeof(*address));
	double *rule = mem_alloc(count * sizeof(*rule));
	uint64_t revision = policy->revision;

	for (size_t i = 0; i < count; i++) {
		size_t at = i * policy->ndevices / count;
		struct policy_device *device = &policy->devices[at];
		struct policy_profile *profile = &policy->profiles[at];
		uint32_t generation;
		double start;

		/* 10.64.0.0/16 to 10.65.0.0/16, where nobody is. */
		device->addrs[0].addr[1] ^= 0x20;
		start = now();
		generation = begin(client, LENSCAP_BASE_LIVE);
		set_device(client, device);
		commit(client, generation, ++revision);
		address[i] = now() - start;

		profile->rules[0].peer.addr[1] ^= 0x10;
		start = now();
		generation = begin(client, LENSCAP_BASE_LIVE);
		set_profile(client, profile);
		commit(client, generation, ++revision);
		rule[i] = now() - start;
	}
	printf("{");
	print_times("address", address, count);
	print_times("rule", rule, count);
	free(address);
	free(rule);
}

int main(int argc, char **argv)
{
	struct policy_bundle bundle;
	struct policy policy;
	struct diag diag = { 0 };
	struct client *client;
	struct client_error err;
	struct client_info info;
	struct rusage usage;
	double start = now();

	if (argc < 3)
		die("usage", "client load|change POLICY [COUNT]");
	if (policy_read(argv[2], &bundle, &policy, &diag) < 0) {
		diag_print(&diag, stderr);
		return 1;
	}
	start = now() - start;
	if (client_open(&client, &err) < 0)
		die("netlink", err.text);
	if (!strcmp(argv[1], "load")) {
		load(client, &policy, start);
	} else if (!strcmp(argv[1], "change") && argc == 4 &&
		   strtoul(argv[3], NULL, 10)) {
		if (client_info(client, &info, &err) < 0)
			die("info", err.text);
		policy.revision = info.revision;
		change(client, &policy, strtoul(argv[3], NULL, 10));
	} else {
		die("usage", "client load|change POLICY [COUNT]");
	}
	if (client_info(client, &info, &err) < 0)
		die("info", err.text);
	getrusage(RUSAGE_SELF, &usage);
	printf("\"devices\": %u, \"rules\": %u, \"memory\": %llu, \"peak_kib\": %ld}\n",
	       info.devices, info.rules, (unsigned long long)info.memory,
	       usage.ru_maxrss);
	client_close(client);
	policy_free(&policy);
	policy_bundle_free(&bundle);
	diag_free(&diag);
	return 0;
}
