// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a history as the daemon does, by what it reads, with a clock that it
 * is told: lines of words, and a JSON object for what the history shows.
 *
 *   limits DAYS MIB          takes effect with start, or with configure
 *   time MS                  the clock from now on, ms since the epoch
 *   start | configure | tick | write | seal | stop
 *                            start is followed by the first tick
 *   begin                    start without it
 *   drop GUARD DEVICE MAC DESTINATION PORT REASON PACKETS [audit]
 *   event KIND JSON          to the end of the line
 *   lost FRAMES
 *   show                     prints history_show()
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "names.h"

/* What the daemon's own main() does. */
static struct history history;
static struct gateway gateway;
static int64_t now;

static uint8_t reason_of(const char *text)
{
	for (size_t i = 0; i < names_reason.count; i++)
		if (!strcmp(names_reason.entries[i].name, text))
			return (uint8_t)names_reason.entries[i].value;
	fprintf(stderr, "no reason %s\n", text);
	exit(2);
}

static const char *word(char **line)
{
	const char *found = strsep(line, " ");

	if (!found) {
		fputs("a word is missing\n", stderr);
		exit(2);
	}
	return found;
}

static void drop(char *line)
{
	struct client_record record = { .proto = 6, .ethertype = 0x0800 };
	const char *device, *mac, *destination;

	snprintf(record.guard, sizeof(record.guard), "%s", word(&line));
	device = word(&line);
	if (strcmp(device, "-") != 0)
		snprintf(record.device, sizeof(record.device), "%s", device);
	mac = word(&line);
	record.has_mac = sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx",
				&record.mac[0], &record.mac[1], &record.mac[2],
				&record.mac[3], &record.mac[4],
				&record.mac[5]) == 6;
	destination = word(&line);
	if (inet_pton(AF_INET, destination, record.destination) == 1)
		record.destination_len = 4;
	else if (inet_pton(AF_INET6, destination, record.destination) == 1)
		record.destination_len = 16;
	record.port = atoi(word(&line));
	record.reason = reason_of(word(&line));
	record.count.packets = strtoull(word(&line), NULL, 10);
	record.count.bytes = 60 * record.count.packets;
	record.audit = line && !strcmp(line, "audit");
	record.first = (uint64_t)now;
	record.last = (uint64_t)now;
	record.revision = 7;
	history_record(&history, &record);
}

static void event(char *line)
{
	const char *kind = word(&line);
	json_t *body = json_loads(line ? line : "", 0, NULL);

	if (!body) {
		fputs("an event needs a JSON object\n", stderr);
		exit(2);
	}
	history_event(&history, now, kind, body);
}

static void show(void)
{
	json_t *shown = history_show(&history);
	char *text = json_dumps(shown, JSON_COMPACT);

	puts(text);
	(void)fflush(stdout);
	free(text);
	json_decref(shown);
}

static void obey(char *line)
{
	const char *verb = word(&line);

	if (!strcmp(verb, "limits")) {
		gateway.history.days = (unsigned int)atoi(word(&line));
		gateway.history.max_size = (unsigned int)atoi(word(&line));
	} else if (!strcmp(verb, "time")) {
		now = strtoll(word(&line), NULL, 10);
	} else if (!strcmp(verb, "start")) {
		history_start(&history, &gateway, now);
		history_tick(&history, now);
	} else if (!strcmp(verb, "begin")) {
		history_start(&history, &gateway, now);
	} else if (!strcmp(verb, "configure")) {
		history_configure(&history, &gateway, now);
	} else if (!strcmp(verb, "tick")) {
		history_tick(&history, now);
	} else if (!strcmp(verb, "write")) {
		history_write(&history, now, false);
	} else if (!strcmp(verb, "seal")) {
		history_write(&history, now, true);
	} else if (!strcmp(verb, "stop")) {
		history_stop(&history, "the daemon ended", now);
	} else if (!strcmp(verb, "drop")) {
		drop(line);
	} else if (!strcmp(verb, "event")) {
		event(line);
	} else if (!strcmp(verb, "lost")) {
		history.lost += strtoull(word(&line), NULL, 10);
	} else if (!strcmp(verb, "show")) {
		show();
	} else {
		fprintf(stderr, "no verb %s\n", verb);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (argc != 2) {
		fputs("usage: writer DIRECTORY\n", stderr);
		return 2;
	}
	log_init();
	json_set_alloc_funcs(mem_alloc, free);
	gateway.state = argv[1];
	gateway.history = (struct gateway_history) {
		.on = true,
		.path = mem_print("%s/history.db", argv[1]),
		.days = 90,
		.max_size = 256,
	};
	while ((len = getline(&line, &size, stdin)) > 0) {
		line[len - (line[len - 1] == '\n')] = '\0';
		obey(line);
	}
	free(line);
	free(gateway.history.path);
	return 0;
}
