// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's events, with a command a line on standard input:
 *
 *	event DEVICE MAC SOURCE DESTINATION PROTOCOL PORT REASON AUDIT PACKETS
 *		[TIMES]
 *	hints MAC DESTINATION
 *	configure FILE, reopen, admit, show
 *
 * "-" is no value. What the answer is goes to descriptor 3, a line each;
 * standard output belongs to events.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "annotate.h"
#include "eve.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "output.h"

#define REVISION	42
#define FIRST		1785000000123ULL
#define LAST		1785000001456ULL

static struct gateway gateway;
static struct outputs outputs;
static struct annotate *annotate;
static struct policy_device devices[] = {
	{ .name = "fence-017", .profile = "fence-dome" },
};
static struct policy policy = {
	.revision = REVISION, .digest = "digest", .devices = devices,
	.ndevices = 1,
};
static struct client_info live = {
	.generation = 7, .revision = REVISION, .has_digest = true,
	.digest = "digest",
};
static struct eve eve = { .gateway = &gateway, .policy = &policy,
			  .live = &live };

static bool given(const char *word)
{
	return strcmp(word, "-") != 0;
}

static uint8_t take_address(const char *word, uint8_t bytes[16])
{
	struct policy_prefix prefix;
	char error[ADDRESS_ERROR];

	if (!given(word) || !prefix_parse(word, &prefix, error))
		return 0;
	memcpy(bytes, prefix.addr, 16);
	return prefix.family == 4 ? 4 : 16;
}

static json_t *configure(const char *path)
{
	struct diag diag = { 0 };

	gateway_free(&gateway);
	if (gateway_read(path, &gateway, &diag)) {
		diag_print(&diag, stderr);
		exit(1);
	}
	log_diag(&diag);
	diag_free(&diag);
	outputs_configure(&outputs, &gateway.events);
	annotate_configure(annotate, &gateway.annotations);
	return json_true();
}

static json_t *event(char *const *word)
{
	struct client_record record = {
		.guard = "cams", .ethertype = 0x800, .first = FIRST,
		.last = LAST, .revision = REVISION,
	};
	long times = word[9] ? atol(word[9]) : 1;
	char error[ADDRESS_ERROR];
	json_t *json, *hints, *made;

	if (given(word[0]))
		snprintf(record.device, sizeof(record.device), "%s", word[0]);
	record.has_mac = given(word[1]) &&
			 mac_parse(word[1], record.mac, error);
	record.source_len = take_address(word[2], record.source);
	record.destination_len = take_address(word[3], record.destination);
	record.proto = given(word[4]) ? atoi(word[4]) : -1;
	record.port = given(word[5]) ? atoi(word[5]) : -1;
	record.reason = (uint8_t)atoi(word[6]);
	record.audit = atoi(word[7]);
	record.count.packets = (uint64_t)atoll(word[8]);
	record.count.bytes = 60 * record.count.packets;
	json = json_record(&record);
	hints = eve_hints(annotate, json);
	made = eve_event(&eve, &record, hints);
	while (times-- && outputs_room(&outputs))
		outputs_write(&outputs, &record, made);
	json_decref(hints);
	json_decref(json);
	return made;
}

static json_t *hints_of(char *const *word)
{
	json_t *record = json_pack("{s:s, s:s}", "mac", word[0],
				   "destination", word[1]);
	json_t *hints = eve_hints(annotate, record);

	json_decref(record);
	return hints ? hints : json_null();
}

static json_t *run(char *const *word)
{
	if (!strcmp(word[0], "configure"))
		return configure(word[1]);
	if (!strcmp(word[0], "event"))
		return event(word + 1);
	if (!strcmp(word[0], "hints"))
		return hints_of(word + 1);
	if (!strcmp(word[0], "reopen")) {
		outputs_reopen(&outputs);
		annotate_reload(annotate);
	} else if (!strcmp(word[0], "admit")) {
		outputs_admit(&outputs);
	} else if (strcmp(word[0], "show") != 0) {
		exit(2);
	}
	return json_pack("{s:o, s:o}", "lost",
			 json_number(outputs_lost(&outputs)),
			 "outputs", outputs_show(&outputs));
}

int main(void)
{
	FILE *answers = fdopen(3, "w");
	char line[4096];

	if (!answers)
		return 2;
	/* A limit on the size of files is a full disk; it is not a signal. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(mem_alloc, free);
	annotate = annotate_new();
	while (fgets(line, sizeof(line), stdin)) {
		char *word[12] = { NULL }, *rest = line;
		json_t *answer;

		for (size_t i = 0; i < 11; i++)
			word[i] = strtok_r(i ? NULL : line, "\n ", &rest);
		answer = run(word);
		json_dumpf(answer, answers, JSON_COMPACT | JSON_ENCODE_ANY);
		(void)fputc('\n', answers);
		(void)fflush(answers);
		json_decref(answer);
	}
	outputs_free(&outputs);
	annotate_free(annotate);
	eve_free(&eve);
	gateway_free(&gateway);
	(void)fclose(answers);
	return 0;
}
