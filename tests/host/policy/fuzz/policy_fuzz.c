// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as policy, inventories and gateway: no crash, no leak, and what
 * is accepted keeps its promises.
 *
 * Inputs have the form of the cases in tests/data/policy, which are the seeds:
 * lines "=== NAME" begin a file. Without any, the input is a policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/lenscap.h>

#include "address.h"
#include "gateway.h"
#include "names.h"
#include "policy.h"
#include "text.h"

#define FILES 4

#define PROMISE(cond)							\
	do {								\
		if (!(cond)) {						\
			(void)fprintf(stderr, "broken: %s\n", #cond);	\
			abort();					\
		}							\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t split(char *text, size_t size, struct policy_file *files)
{
	size_t count = 0, at = 0;

	while (at < size) {
		char *line = text + at;
		char *end = memchr(line, '\n', size - at);
		size_t next = end ? (size_t)(end - text) + 1 : size;

		if (end && next - at > 5 && !memcmp(line, "=== ", 4)) {
			if (count)
				files[count - 1].len = (size_t)
					(line - files[count - 1].text);
			if (count == FILES || !strncmp(line + 4, "expected", 8))
				break;
			*end = '\0';
			files[count++] = (struct policy_file) {
				.name = line + 4,
				.text = text + next,
				.len = size - next,
			};
		}
		at = next;
	}
	if (!count)
		files[count++] = (struct policy_file) { "policy.yaml", text,
							size };
	return count;
}

static void check_rule(const struct policy_rule *rule)
{
	char text[RULE_TEXT];

	PROMISE(rule->peer_low <= rule->peer_high);
	PROMISE(rule->device_low <= rule->device_high);
	PROMISE(rule->proto >= -1 && rule->proto <= 255);
	PROMISE(prefix_contains(&rule->peer, &rule->peer));
	if (!protocol_has_ports(rule->proto))
		PROMISE(rule->device_low == 0 && rule->device_high == 65535);
	if (!protocol_has_ports(rule->proto) && !protocol_is_icmp(rule->proto))
		PROMISE(rule->peer_low == 0 && rule->peer_high == 65535);
	PROMISE(strlen(rule_format(rule, text)) < RULE_TEXT - 1);
}

static void check_device(const struct policy *policy,
			 const struct policy_device *device)
{
	bool found = false;

	PROMISE(!text_bad_name(device->name));
	PROMISE(!device->guard || !text_bad_name(device->guard));
	PROMISE(device->naddrs && device->naddrs <= LENSCAP_MAX_ADDRESSES);
	PROMISE(!device->has_mac || !(device->mac[0] & 1));
	for (size_t i = 0; i < device->naddrs; i++) {
		PROMISE(!prefix_unfit_source(&device->addrs[i]));
		PROMISE(device->has_mac || prefix_is_host(&device->addrs[i]));
	}
	for (size_t i = 0; i < policy->nprofiles; i++)
		found |= !strcmp(policy->profiles[i].name, device->profile);
	PROMISE(found);
}

static void check_policy(const struct policy *policy)
{
	PROMISE(policy->revision);
	for (size_t i = 0; i < policy->nprofiles; i++) {
		const struct policy_profile *profile = &policy->profiles[i];

		PROMISE(!text_bad_name(profile->name));
		PROMISE(profile->nrules <= LENSCAP_MAX_PROFILE_RULES);
		for (size_t j = 0; j < profile->nrules; j++)
			check_rule(&profile->rules[j]);
	}
	for (size_t i = 0; i < policy->ndevices; i++)
		check_device(policy, &policy->devices[i]);
}

static void check_diag(struct diag *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_item *item = &diag->items[i];
		size_t len = strlen(item->message);

		PROMISE(len);
		/* Nothing that a terminal would obey. */
		for (size_t j = 0; j < len; j++)
			PROMISE((unsigned char)item->message[j] >= 0x20);
		PROMISE(!item->column || item->line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct policy_file files[FILES];
	struct policy_bundle bundle = { .files = files };
	struct policy policy;
	struct gateway gateway;
	struct diag diag = { 0 };
	size_t before;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	bundle.count = split(text, size, files);

	PROMISE(!policy_parse(&bundle, &policy, &diag) == !diag.errors);
	if (diag.errors)
		PROMISE(!policy.ndevices && !policy.nprofiles);
	else
		check_policy(&policy);
	check_diag(&diag);
	before = diag.errors;
	PROMISE(!gateway_parse(&files[0], &gateway, &diag) ==
		(diag.errors == before));
	if (diag.errors == before && !before)
		(void)gateway_check_policy(&gateway, &policy, &diag);
	gateway_free(&gateway);
	policy_free(&policy);
	diag_free(&diag);
	free(text);
	return 0;
}
