// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the daemon knows, as JSON.
 *
 * Everything here returns a new reference. Allocation of a few bytes is
 * taken for granted, as everywhere in the daemon (mem.h): main() gives
 * jansson an allocator that does not return without memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "json.h"
#include "mem.h"
#include "names.h"
#include "text.h"

/**
 * json_hex() - bytes as hexadecimal text
 * @bytes: they
 * @len: how many
 *
 * Return: the text, to be freed.
 */
char *json_hex(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = mem_alloc(2 * len + 1);

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return text;
}

/**
 * json_unhex() - hexadecimal text as bytes
 * @text: it
 * @bytes: result
 * @len: how many there must be
 */
bool json_unhex(const char *text, uint8_t *bytes, size_t len)
{
	if (strlen(text) != 2 * len ||
	    strspn(text, "0123456789abcdefABCDEF") != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

/**
 * json_text() - text that may not be UTF-8
 * @text: such as an interface's name, or a line of a broken file; or NULL
 *
 * Bytes that are not UTF-8 become U+FFFD: JSON has no place for them.
 */
json_t *json_text(const char *text)
{
	size_t len, at = 0, out = 0;
	json_t *value;
	char *clean;

	if (!text)
		return json_null();
	len = strlen(text);
	if (text_utf8_length(text, len) == len)
		return json_stringn(text, len);
	clean = mem_alloc(3 * len + 1);
	while (at < len) {
		size_t good = text_utf8_length(text + at, len - at);

		memcpy(clean + out, text + at, good);
		at += good;
		out += good;
		if (at < len) {
			memcpy(clean + out, "\xef\xbf\xbd", 3);
			out += 3;
			at++;
		}
	}
	value = json_stringn(clean, out);
	free(clean);
	return value;
}

/**
 * json_time() - a moment
 * @ms: since the epoch; 0: never
 */
json_t *json_time(uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[64], whole[48];
	struct tm tm;

	if (!ms || !gmtime_r(&seconds, &tm))
		return json_null();
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", whole,
		 (unsigned int)(ms % 1000));
	return json_string(text);
}

/**
 * json_number() - a count
 * @number: it; JSON's integers end here at 2^63 - 1
 */
json_t *json_number(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX :
			    (json_int_t)number);
}

static json_t *json_name(const struct name_table *table, unsigned int value)
{
	char text[NAME_TEXT];

	return json_string(name_text(table, value, text));
}

static json_t *json_count(const struct client_count *count)
{
	return json_pack("{s:o, s:o}", "packets", json_number(count->packets),
			 "bytes", json_number(count->bytes));
}

static json_t *json_mac(bool has_mac, const uint8_t mac[6])
{
	char text[MAC_TEXT];

	return has_mac ? json_string(mac_format(mac, text)) : json_null();
}

static json_t *json_prefix(const struct policy_prefix *prefix)
{
	char text[PREFIX_TEXT];

	return json_string(prefix_format(prefix, text));
}

static json_t *json_prefixes(const struct policy_prefix *prefixes, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_prefix(&prefixes[i]));
	return list;
}

static json_t *json_address(const uint8_t *bytes, size_t len)
{
	struct policy_prefix prefix;

	if (!prefix_from_bytes(bytes, len, &prefix))
		return json_null();
	return json_prefix(&prefix);
}

/* Only what people know by name gets one; docs/control.md lists them. */
static json_t *json_protocol(int proto)
{
	switch (proto) {
	case 1:
	case 6:
	case 17:
	case 58:
		return json_name(&names_protocol, (unsigned int)proto);
	}
	return proto < 0 ? json_null() : json_integer(proto);
}

/**
 * json_diag() - errors and warnings about text
 * @diag: they
 */
json_t *json_diag(const struct diag *diag)
{
	json_t *list = json_array();

	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_item *item = &diag->items[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:I, s:o}",
			"severity", item->warning ? "warning" : "error",
			"file", json_text(item->file),
			"line", (json_int_t)item->line,
			"column", (json_int_t)item->column,
			"message", json_text(item->message)));
	}
	if (diag->more) {
		char *text = mem_print("%zu more errors and warnings are not shown",
				       diag->more);

		json_array_append_new(list, json_pack("{s:s, s:n, s:i, s:i, s:s}",
			"severity", diag->errors ? "error" : "warning",
			"file", "line", 0, "column", 0, "message", text));
		free(text);
	}
	return list;
}

/**
 * json_info() - state of the module
 * @info: it
 */
json_t *json_info(const struct client_info *info)
{
	char *digest = info->has_digest && info->generation ?
		       json_hex(info->digest, sizeof(info->digest)) : NULL;
	json_t *value;

	value = json_pack("{s:o, s:I, s:o, s:s?, s:o, s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:o, s:o, s:I, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I}}",
		"version", json_text(info->version),
		"generation", (json_int_t)info->generation,
		"revision", json_number(info->revision),
		"digest", digest,
		"committed", json_time(info->committed),
		"tag",
			"value", (json_int_t)info->tag_value,
			"mask", (json_int_t)info->tag_mask,
			"class_mask", (json_int_t)info->class_mask,
		"guards", (json_int_t)info->guards,
		"guards_armed", (json_int_t)info->guards_armed,
		"devices", (json_int_t)info->devices,
		"profiles", (json_int_t)info->profiles,
		"rulesets", (json_int_t)info->rulesets,
		"rules", (json_int_t)info->rules,
		"memory", json_number(info->memory),
		"records", (json_int_t)info->records,
		"records_max", (json_int_t)info->records_max,
		"records_lost", json_number(info->records_lost),
		"events_suppressed", json_number(info->events_suppressed),
		"fragments_max", (json_int_t)info->fragments_max,
		"fragments_lost", json_number(info->fragments_lost),
		"limits",
			"guards", (json_int_t)info->max_guards,
			"devices", (json_int_t)info->max_devices,
			"profiles", (json_int_t)info->max_profiles,
			"rules", (json_int_t)info->max_rules,
			"profile_rules", (json_int_t)info->max_profile_rules,
			"addresses", (json_int_t)info->max_addresses);
	free(digest);
	return value;
}

static json_t *json_upkeep(uint32_t bits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names_upkeep.count; i++) {
		const struct name_entry *entry = &names_upkeep.entries[i];

		if (bits & entry->value)
			json_array_append_new(list, json_string(entry->name));
	}
	return list;
}

static void add_count(struct client_count *sum, const struct client_count *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

/**
 * json_guard() - a guard
 * @guard: it
 * @state: its state as people read it
 */
json_t *json_guard(const struct client_guard *guard, const char *state)
{
	const struct gateway_guard *config = &guard->config;
	struct client_count dropped = { 0 }, would = { 0 };
	json_t *reasons = json_array();

	for (size_t i = 0; i < guard->ntotals; i++) {
		const struct client_total *total = &guard->totals[i];

		add_count(&dropped, &total->dropped);
		add_count(&would, &total->would);
		if (!total->dropped.packets && !total->would.packets)
			continue;
		json_array_append_new(reasons, json_pack("{s:o, s:o, s:o}",
			"reason", json_name(&names_reason, total->reason),
			"dropped", json_count(&total->dropped),
			"would_drop", json_count(&total->would)));
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}",
		"name", json_text(config->name),
		"interface", json_text(config->interface),
		"vlan", config->vlan ? json_integer(config->vlan) : json_null(),
		"identity", json_name(&names_identity, config->identity),
		"mode", json_name(&names_mode, config->mode),
		"upkeep", json_upkeep(config->upkeep),
		"subnets", json_prefixes(config->subnets, config->nsubnets),
		"state", state,
		"ifindex", guard->ifindex ? json_integer(guard->ifindex) :
					    json_null(),
		"passed", json_count(&guard->passed),
		"dropped", json_count(&dropped),
		"would_drop", json_count(&would),
		"reasons", reasons);
}

/**
 * json_device() - a device
 * @device: it
 */
json_t *json_device(const struct client_device *device)
{
	const struct policy_device *config = &device->config;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"name", json_text(config->name),
		"guard", json_text(config->guard),
		"mac", json_mac(config->has_mac, config->mac),
		"addresses", json_prefixes(config->addrs, config->naddrs),
		"profile", json_text(config->profile),
		"passed", json_count(&device->passed),
		"dropped", json_count(&device->dropped),
		"would_drop", json_count(&device->would),
		"last_seen", json_time(device->last_seen));
}

static json_t *json_rule(const struct policy_rule *rule)
{
	return json_pack("{s:o, s:o, s:o, s:[i, i], s:[i, i]}",
		"peer", json_prefix(&rule->peer),
		"protocol", rule->proto < 0 ? json_string("any") :
					      json_protocol(rule->proto),
		"initiator", json_name(&names_initiator, rule->peer_initiates ?
				       LENSCAP_INITIATOR_PEER :
				       LENSCAP_INITIATOR_DEVICE),
		"peer_ports", rule->peer_low, rule->peer_high,
		"device_ports", rule->device_low, rule->device_high);
}

/**
 * json_profile() - a profile, with the hits of its rules if they were asked for
 * @profile: it
 */
json_t *json_profile(const struct client_profile *profile)
{
	const struct policy_profile *config = &profile->config;
	json_t *rules = json_array();

	json_t *object;

	for (size_t i = 0; i < config->nrules; i++) {
		json_t *rule = json_rule(&config->rules[i]);

		if (profile->hits)
			json_object_set_new(rule, "hits",
					    json_number(profile->hits[i]));
		json_array_append_new(rules, rule);
	}
	object = json_pack("{s:o, s:o, s:I, s:I, s:o}",
		"name", json_text(config->name),
		"mode", json_name(&names_mode, config->mode),
		"class", (json_int_t)config->class,
		"devices", (json_int_t)profile->devices,
		"rules", rules);
	if (!profile->hits)
		return object;
	json_object_set_new(object, "since", json_time(profile->since));
	json_object_set_new(object, "shared", json_integer(profile->shared));
	return object;
}

/**
 * json_record() - a drop record
 * @record: it
 */
json_t *json_record(const struct client_record *record)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}",
		"device", json_text(record->device[0] ? record->device : NULL),
		"mac", json_mac(record->has_mac, record->mac),
		"guard", json_text(record->guard),
		"source", json_address(record->source, record->source_len),
		"destination", json_address(record->destination,
					    record->destination_len),
		"ethertype", (int)record->ethertype,
		"protocol", json_protocol(record->proto),
		"port", record->port < 0 ? json_null() :
					   json_integer(record->port),
		"reason", json_name(&names_reason, record->reason),
		"audited", (int)record->audit,
		"packets", json_number(record->count.packets),
		"bytes", json_number(record->count.bytes),
		"first", json_time(record->first),
		"last", json_time(record->last),
		"revision", json_number(record->revision));
}
