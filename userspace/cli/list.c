// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl devices, profiles and guards: lists and single ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "fields.h"
#include "human.h"
#include "table.h"


static void put_names(const json_t *items)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		cli_put_clean(stdout, field_str(item, "name"));
		putchar('\n');
	}
}

/* Keeps of a list only what is called @name; false if nothing is. */
static bool keep_named(json_t *items, const char *name)
{
	for (size_t i = json_array_size(items); i-- > 0;) {
		if (strcmp(field_str(json_array_get(items, i), "name"), name) != 0)
			json_array_remove(items, i);
	}
	return json_array_size(items) > 0;
}

static int by_name(const void *a, const void *b)
{
	const json_t *const *left = a, *const *right = b;

	return strverscmp(field_str(*left, "name"), field_str(*right, "name"));
}

/* The kernel lists in the order of its hash; people look for cam-2 before
 * cam-10.
 */
static json_t *sorted(const json_t *items)
{
	size_t count = json_array_size(items);
	json_t **list = cli_alloc(calloc(count + 1, sizeof(json_t *)));
	json_t *result = cli_alloc(json_array());

	for (size_t i = 0; i < count; i++)
		list[i] = json_array_get(items, i);
	qsort(list, count, sizeof(json_t *), by_name);
	for (size_t i = 0; i < count; i++)
		json_array_append(result, list[i]);
	free(list);
	return result;
}

/* "a, b" or "a, b and 3 more", shortened to @most entries. */
static void list_text(const json_t *list, size_t most, char *text, size_t size)
{
	size_t count = json_array_size(list), used = 0;
	json_t *entry;
	size_t i;

	*text = '\0';
	json_array_foreach(list, i, entry) {
		const char *word = json_string_value(entry);
		int done;

		if (i == most || !word)
			break;
		done = snprintf(text + used, size - used, "%s%s",
				i ? ", " : "", word);
		if (done < 0 || (size_t)done >= size - used)
			return;
		used += (size_t)done;
	}
	if (count > most)
		snprintf(text + used, size - used, " and %zu more",
			 count - most);
}

/* Kinds of upkeep: "all" for those that a guard passes by itself, if none is missing. */
static void upkeep_text(const json_t *list, char *text, size_t size)
{
	json_t *entry, *shown = json_pack("[s]", "all");
	size_t i;

	json_array_foreach(list, i, entry) {
		const char *word = json_string_value(entry);

		if (word && (!strcmp(word, "client_id") ||
			     !strcmp(word, "dhcp_unicast")))
			json_array_append(shown, entry);
	}
	if (json_array_size(list) - json_array_size(shown) + 1 != 6)
		json_array_clear(shown);
	list_text(json_array_size(shown) ? shown : list, 8, text, size);
	json_decref(shown);
}

static void count_cell(struct table *table, const json_t *item,
		       const char *path, enum style style)
{
	json_int_t count = field_int(item, path);

	table_cell(table, count ? style : STYLE_PLAIN, "%s",
		   human_count(count).text);
}

static const char *or_else(const char *text, const char *other)
{
	return *text ? text : other;
}

static void show_device_table(const struct cli *cli, const json_t *devices)
{
	static const struct table_column columns[] = {
		{ "DEVICE", false, 0 }, { "GUARD", false, 0 },
		{ "MAC", false, 0 }, { "ADDRESSES", false, 0 },
		{ "PROFILE", false, 0 }, { "PASSED PKTS", true, 0 },
		{ "DROPPED PKTS", true, 0 }, { "WOULD-DROP PKTS", true, 0 },
		{ "LAST SEEN", false, 0 },
	};
	struct table table;
	json_t *device;
	size_t i;

	table_init(&table, columns, ARRAY_SIZE(columns), cli->color);
	json_array_foreach(devices, i, device) {
		char addresses[160];

		list_text(field(device, "addresses"), 2, addresses,
			  sizeof(addresses));
		table_cell(&table, STYLE_PLAIN, "%s", field_str(device, "name"));
		table_cell(&table, STYLE_PLAIN, "%s",
			   or_else(field_str(device, "guard"), "any"));
		table_cell(&table, STYLE_PLAIN, "%s",
			   or_else(field_str(device, "mac"), "-"));
		table_cell(&table, STYLE_PLAIN, "%s", or_else(addresses, "-"));
		table_cell(&table, STYLE_PLAIN, "%s",
			   field_str(device, "profile"));
		count_cell(&table, device, "passed.packets", STYLE_PLAIN);
		count_cell(&table, device, "dropped.packets", STYLE_BAD);
		count_cell(&table, device, "would_drop.packets", STYLE_WARN);
		table_cell(&table, STYLE_PLAIN, "%s",
			   human_ago(field_time(device, "last_seen")).text);
	}
	table_flush(&table);
	table_free(&table);
}

static void pair(struct table *table, const char *key, const char *value)
{
	table_cell(table, STYLE_TITLE, "%s", key);
	table_cell(table, STYLE_PLAIN, "%s", value);
}

static void pair_count(struct table *table, const char *key,
		       const json_t *count)
{
	table_cell(table, STYLE_TITLE, "%s", key);
	table_cell(table, STYLE_PLAIN, "%s packets, %s",
		   human_count(field_int(count, "packets")).text,
		   human_bytes(field_int(count, "bytes")).text);
}

static void show_device(const struct cli *cli, const json_t *device)
{
	static const struct table_column columns[2] = { { NULL, false, 0 } };
	char addresses[4096];
	struct table table;

	table_init(&table, columns, ARRAY_SIZE(columns), cli->color);
	list_text(field(device, "addresses"), 64, addresses, sizeof(addresses));
	pair(&table, "Device", field_str(device, "name"));
	pair(&table, "Guard", or_else(field_str(device, "guard"), "any"));
	pair(&table, "MAC", or_else(field_str(device, "mac"),
				    "none: recognised by address"));
	pair(&table, "Addresses", or_else(addresses, "none"));
	pair(&table, "Profile", field_str(device, "profile"));
	pair_count(&table, "Passed", field(device, "passed"));
	pair_count(&table, "Dropped", field(device, "dropped"));
	pair_count(&table, "Would drop", field(device, "would_drop"));
	pair(&table, "Last seen",
	     human_ago(field_time(device, "last_seen")).text);
	table_flush(&table);
	table_free(&table);
}

int cmd_devices(const struct cli *cli)
{
	json_t *request = cli_alloc(json_pack("{s:s}", "command", "devices"));
	const char *name = cli->argc ? cli->argv[0] : NULL;
	json_t *answer, *devices;
	int status;

	if (name)
		json_object_set_new(request, "name", json_string(name));
	status = conn_call(cli, request, &answer);
	if (status)
		return status;
	devices = field(answer, "devices");
	if (cli->json == CLI_JSON_OFF)
		json_object_set_new(answer, "devices", sorted(devices));
	devices = field(answer, "devices");
	if (name && !keep_named(devices, name))
		status = cli_fail(cli, CLI_REFUSED,
				  "the live policy has no device \"%s\"", name);
	else if (cli->json != CLI_JSON_OFF)
		cli_print_json(cli, answer);
	else if (cli->names)
		put_names(devices);
	else if (name)
		show_device(cli, json_array_get(devices, 0));
	else if (!json_array_size(devices))
		printf("no devices: the live policy names none, or no policy is loaded\n");
	else
		show_device_table(cli, devices);
	json_decref(answer);
	return status;
}

static void show_hits_table(const struct cli *cli, const json_t *profiles)
{
	static const struct table_column columns[] = {
		{ "PROFILE", false, 0 }, { "RULES", true, 0 },
		{ "USED", true, 0 }, { "NEVER", true, 0 },
		{ "HITS", true, 0 }, { "COUNTED SINCE", false, 0 },
		{ "SAME RULES", true, 0 },
	};
	json_t *profile, *rule;
	struct table table;
	size_t i, j;

	table_init(&table, columns, ARRAY_SIZE(columns), cli->color);
	json_array_foreach(profiles, i, profile) {
		size_t count = json_array_size(field(profile, "rules"));
		size_t used = 0;
		json_int_t hits = 0;

		json_array_foreach(field(profile, "rules"), j, rule) {
			hits += field_int(rule, "hits");
			used += field_int(rule, "hits") > 0;
		}
		table_cell(&table, STYLE_PLAIN, "%s",
			   field_str(profile, "name"));
		table_cell(&table, STYLE_PLAIN, "%zu", count);
		table_cell(&table, STYLE_PLAIN, "%zu", used);
		table_cell(&table, used < count ? STYLE_WARN : STYLE_PLAIN,
			   "%zu", count - used);
		table_cell(&table, STYLE_PLAIN, "%s", human_count(hits).text);
		table_cell(&table, STYLE_PLAIN, "%s",
			   human_ago(field_time(profile, "since")).text);
		table_cell(&table, STYLE_PLAIN, "%" JSON_INTEGER_FORMAT,
			   field_int(profile, "shared") - 1);
	}
	table_flush(&table);
	table_free(&table);
}

static void show_profile_table(const struct cli *cli, const json_t *profiles)
{
	static const struct table_column columns[] = {
		{ "PROFILE", false, 0 }, { "MODE", false, 0 },
		{ "CLASS", true, 0 }, { "DEVICES", true, 0 },
		{ "RULES", true, 0 },
	};
	struct table table;
	json_t *profile;
	size_t i;

	table_init(&table, columns, ARRAY_SIZE(columns), cli->color);
	json_array_foreach(profiles, i, profile) {
		const char *mode = field_str(profile, "mode");

		table_cell(&table, STYLE_PLAIN, "%s",
			   field_str(profile, "name"));
		table_cell(&table, strcmp(mode, "enforce") ? STYLE_WARN :
							     STYLE_PLAIN,
			   "%s", mode);
		table_cell(&table, STYLE_PLAIN, "%" JSON_INTEGER_FORMAT,
			   field_int(profile, "class"));
		table_cell(&table, STYLE_PLAIN, "%" JSON_INTEGER_FORMAT,
			   field_int(profile, "devices"));
		table_cell(&table, STYLE_PLAIN, "%zu",
			   json_array_size(field(profile, "rules")));
	}
	table_flush(&table);
	table_free(&table);
}

/* "any", "554", "10000-20000", for ICMP "type 8". */
static void range_cell(struct table *table, const json_t *range, bool types)
{
	json_int_t low = json_integer_value(json_array_get(range, 0));
	json_int_t high = json_integer_value(json_array_get(range, 1));
	json_int_t top = types ? 255 : 65535;
	const char *prefix = types ? "type " : "";

	if (!json_array_size(range) || (!low && high >= top))
		table_cell(table, STYLE_PLAIN, "any");
	else if (low == high)
		table_cell(table, STYLE_PLAIN, "%s%" JSON_INTEGER_FORMAT,
			   prefix, low);
	else
		table_cell(table, STYLE_PLAIN,
			   "%s%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT,
			   prefix, low, high);
}

/* A single host is named without its prefix length. */
static void peer_cell(struct table *table, const char *peer)
{
	const char *slash = strchr(peer, '/');
	size_t len = strlen(peer);

	if (slash && !strcmp(slash, strchr(peer, ':') ? "/128" : "/32"))
		len = (size_t)(slash - peer);
	table_cell(table, STYLE_PLAIN, "%.*s", (int)len, peer);
}

static void show_profile(const struct cli *cli, const json_t *profile)
{
	static const struct table_column columns[] = {
		{ "CAMERA", false, 0 }, { "PEER", false, 0 },
		{ "PROTOCOL", false, 0 }, { "PEER PORTS", true, 0 },
		{ "CAMERA PORTS", true, 0 }, { "HITS", true, 0 },
	};
	json_int_t shared = field_int(profile, "shared");
	json_int_t devices = field_int(profile, "devices");
	json_t *rule, *rules = field(profile, "rules");
	struct table table;
	size_t i;

	style_put(cli->color, STYLE_TITLE, field_str(profile, "name"));
	printf(": mode %s, class %" JSON_INTEGER_FORMAT ", used by %"
	       JSON_INTEGER_FORMAT " device%s\n", field_str(profile, "mode"),
	       field_int(profile, "class"), devices, devices == 1 ? "" : "s");
	if (!json_array_size(rules)) {
		printf("no rules: only upkeep passes\n");
		return;
	}
	if (cli->hits)
		printf("hits are counted since %s (%s)\n",
		       field_str(profile, "since"),
		       human_ago(field_time(profile, "since")).text);
	if (shared > 1)
		printf("hits are those of %" JSON_INTEGER_FORMAT
		       " profiles with the same rules\n", shared);
	table_init(&table, columns, ARRAY_SIZE(columns) - !cli->hits,
		   cli->color);
	json_array_foreach(rules, i, rule) {
		const json_t *protocol = field(rule, "protocol");
		const char *name = json_string_value(protocol);
		bool icmp = name && !strncmp(name, "icmp", 4);

		table_cell(&table, STYLE_PLAIN, "%s",
			   strcmp(field_str(rule, "initiator"), "peer") ?
			   "connects" : "serves");
		peer_cell(&table, field_str(rule, "peer"));
		if (json_is_integer(protocol))
			table_cell(&table, STYLE_PLAIN,
				   "%" JSON_INTEGER_FORMAT,
				   json_integer_value(protocol));
		else
			table_cell(&table, STYLE_PLAIN, "%s",
				   name ? name : "any");
		range_cell(&table, field(rule, "peer_ports"), icmp);
		range_cell(&table, field(rule, "device_ports"), false);
		if (cli->hits && field_int(rule, "hits"))
			count_cell(&table, rule, "hits", STYLE_PLAIN);
		else if (cli->hits)
			table_cell(&table, STYLE_WARN, "never");
	}
	table_flush(&table);
	table_free(&table);
}

int cmd_profiles(const struct cli *cli)
{
	const char *name = cli->argc ? cli->argv[0] : NULL;
	json_t *request = cli_alloc(json_pack("{s:s}", "command", "profiles"));
	json_t *answer, *profiles;
	int status;

	if (cli->hits)
		json_object_set_new(request, "hits", json_true());
	if (cli->hits && name)
		json_object_set_new(request, "name", json_string(name));
	status = conn_call(cli, request, &answer);
	if (status)
		return status;
	profiles = field(answer, "profiles");
	if (cli->json == CLI_JSON_OFF)
		json_object_set_new(answer, "profiles", sorted(profiles));
	profiles = field(answer, "profiles");
	if (name && !keep_named(profiles, name))
		status = cli_fail(cli, CLI_REFUSED,
				  "the live policy has no profile \"%s\"", name);
	else if (cli->json != CLI_JSON_OFF)
		cli_print_json(cli, answer);
	else if (cli->names)
		put_names(profiles);
	else if (name)
		show_profile(cli, json_array_get(profiles, 0));
	else if (!json_array_size(profiles))
		printf("no profiles: no policy is loaded\n");
	else if (cli->hits)
		show_hits_table(cli, profiles);
	else
		show_profile_table(cli, profiles);
	json_decref(answer);
	return status;
}

static enum style state_style(const char *state)
{
	if (!strcmp(state, "armed"))
		return STYLE_GOOD;
	return strcmp(state, "waiting") ? STYLE_BAD : STYLE_WARN;
}

static void show_guard_table(const struct cli *cli, const json_t *guards)
{
	static const struct table_column columns[] = {
		{ "GUARD", false, 0 }, { "INTERFACE", false, 0 },
		{ "VLAN", true, 0 }, { "IDENTITY", false, 0 },
		{ "MODE", false, 0 }, { "STATE", false, 0 },
		{ "PASSED PKTS", true, 0 }, { "DROPPED PKTS", true, 0 },
		{ "WOULD-DROP PKTS", true, 0 }, { "UPKEEP", false, 0 },
	};
	struct table table;
	json_t *guard;
	size_t i;

	table_init(&table, columns, ARRAY_SIZE(columns), cli->color);
	json_array_foreach(guards, i, guard) {
		const char *state = field_str(guard, "state");
		const char *mode = field_str(guard, "mode");
		json_int_t vlan = field_int(guard, "vlan");
		char upkeep[80];

		upkeep_text(field(guard, "upkeep"), upkeep, sizeof(upkeep));
		table_cell(&table, STYLE_PLAIN, "%s", field_str(guard, "name"));
		table_cell(&table, STYLE_PLAIN, "%s",
			   field_str(guard, "interface"));
		if (vlan)
			table_cell(&table, STYLE_PLAIN,
				   "%" JSON_INTEGER_FORMAT, vlan);
		else
			table_cell(&table, STYLE_PLAIN, "-");
		table_cell(&table, STYLE_PLAIN, "%s",
			   field_str(guard, "identity"));
		table_cell(&table, strcmp(mode, "audit") ? STYLE_PLAIN :
							   STYLE_WARN,
			   "%s", mode);
		table_cell(&table, state_style(state), "%s", state);
		count_cell(&table, guard, "passed.packets", STYLE_PLAIN);
		count_cell(&table, guard, "dropped.packets", STYLE_BAD);
		count_cell(&table, guard, "would_drop.packets", STYLE_WARN);
		table_cell(&table, STYLE_PLAIN, "%s", or_else(upkeep, "none"));
	}
	table_flush(&table);
	table_free(&table);
}

static void show_reason_table(const struct cli *cli, const json_t *guards)
{
	static const struct table_column columns[] = {
		{ "GUARD", false, 0 }, { "REASON", false, 0 },
		{ "DROPPED PKTS", true, 0 }, { "DROPPED BYTES", true, 0 },
		{ "WOULD-DROP PKTS", true, 0 }, { "WOULD-DROP BYTES", true, 0 },
	};
	json_t *guard, *reason;
	struct table table;
	size_t i, j;

	table_init(&table, columns, ARRAY_SIZE(columns), cli->color);
	json_array_foreach(guards, i, guard) {
		json_array_foreach(field(guard, "reasons"), j, reason) {
			if (!field_int(reason, "dropped.packets") &&
			    !field_int(reason, "would_drop.packets"))
				continue;
			table_cell(&table, STYLE_PLAIN, "%s",
				   field_str(guard, "name"));
			table_cell(&table, STYLE_PLAIN, "%s",
				   field_str(reason, "reason"));
			count_cell(&table, reason, "dropped.packets",
				   STYLE_BAD);
			table_cell(&table, STYLE_PLAIN, "%s",
				   human_bytes(field_int(reason, "dropped.bytes")).text);
			count_cell(&table, reason, "would_drop.packets",
				   STYLE_WARN);
			table_cell(&table, STYLE_PLAIN, "%s",
				   human_bytes(field_int(reason, "would_drop.bytes")).text);
		}
	}
	putchar('\n');
	if (table.used)
		table_flush(&table);
	else
		printf("nothing was dropped\n");
	table_free(&table);
}

int cmd_guards(const struct cli *cli)
{
	json_t *answer, *guards;
	int status = conn_call(cli, json_pack("{s:s}", "command", "guards"),
			       &answer);

	if (status)
		return status;
	guards = field(answer, "guards");
	if (cli->json != CLI_JSON_OFF) {
		cli_print_json(cli, answer);
	} else if (cli->names) {
		put_names(guards);
	} else if (!json_array_size(guards)) {
		printf("no guards: nothing is judged (see \"guards\" in gateway.yaml)\n");
	} else {
		show_guard_table(cli, guards);
		show_reason_table(cli, guards);
	}
	json_decref(answer);
	return CLI_OK;
}
