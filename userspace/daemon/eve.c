// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drop records as events, in the shape of Suricata's EVE.
 *
 * What was dropped is event_type "drop". What was only audited passed, so it
 * must not be counted by who counts drops: it is event_type "alert" with the
 * action "allowed", which is how Suricata tells what it noticed and let go.
 * Keys that have no value are left out, as Suricata does; docs/events.md has
 * all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "eve.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "names.h"

/* Of an alert: Suricata's own rules have 1, and local ones 1000000 and more. */
#define GENERATOR	19531	/* "LK", so that it meets nobody else's */

/* Of 1 (worst) to 3. */
#define SEVERITY	3

#define ICMP		1
#define TCP		6
#define UDP		17
#define ICMP6		58

/* As Suricata and /etc/protocols spell them. */
static const char *const protocols[256] = {
	[ICMP] = "ICMP", [2] = "IGMP", [4] = "IP-ENCAP", [TCP] = "TCP",
	[UDP] = "UDP", [33] = "DCCP", [41] = "IPv6", [47] = "GRE",
	[50] = "ESP", [51] = "AH", [ICMP6] = "IPv6-ICMP", [103] = "PIM",
	[112] = "VRRP", [115] = "L2TP", [132] = "SCTP", [136] = "UDPLite",
};

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* "2026-11-26T13:05:22.113000+0100": with microseconds, and no colon. */
static json_t *eve_time(uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char whole[32], zone[8];
	json_t *value;
	struct tm tm;
	char *text;

	if (!localtime_r(&seconds, &tm) ||
	    !strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    !strftime(zone, sizeof(zone), "%z", &tm))
		return json_null();
	text = mem_print("%s.%03u000%s", whole, (unsigned int)(ms % 1000),
			 zone);
	value = json_string(text);
	free(text);
	return value;
}

static const struct gateway_guard *find_guard(const struct gateway *gateway,
					      const char *name)
{
	for (size_t i = 0; i < gateway->nguards; i++)
		if (!strcmp(gateway->guards[i].name, name))
			return &gateway->guards[i];
	return NULL;
}

static void index_devices(struct eve *eve)
{
	const struct policy *policy = eve->policy;
	size_t first;

	if (eve->indexed && !memcmp(eve->digest, policy->digest,
				    sizeof(eve->digest)))
		return;
	index_free(&eve->devices);
	memset(&eve->devices, 0, sizeof(eve->devices));
	for (size_t i = 0; i < policy->ndevices; i++)
		index_add(&eve->devices, policy->devices[i].name,
			  strlen(policy->devices[i].name), i, &first);
	memcpy(eve->digest, policy->digest, sizeof(eve->digest));
	eve->indexed = true;
}

/* Of another revision nothing is known any more. */
static const char *profile_of(struct eve *eve,
			      const struct client_record *record)
{
	size_t number;

	if (!eve->policy || !record->device[0] ||
	    record->revision != eve->policy->revision ||
	    !eve->live->has_digest ||
	    memcmp(eve->live->digest, eve->policy->digest,
		   sizeof(eve->digest)) != 0)
		return NULL;
	index_devices(eve);
	if (!index_find(&eve->devices, record->device, strlen(record->device),
			&number))
		return NULL;
	return eve->policy->devices[number].profile;
}

static void put_address(json_t *event, const char *key, const uint8_t *bytes,
			size_t len)
{
	struct policy_prefix prefix;
	char text[PREFIX_TEXT];

	if (prefix_from_bytes(bytes, len, &prefix))
		set(event, key, json_string(prefix_format(&prefix, text)));
}

static void put_service(json_t *event, const struct client_record *record)
{
	char number[8];

	if (record->proto < 0 || record->proto > 255)
		return;
	if (record->port >= 0) {
		if (record->proto == ICMP || record->proto == ICMP6)
			set(event, "icmp_type", json_integer(record->port));
		else
			set(event, "dest_port", json_integer(record->port));
	}
	(void)snprintf(number, sizeof(number), "%03d", record->proto);
	set(event, "proto", json_string(protocols[record->proto] ?
					protocols[record->proto] : number));
}

static json_t *alert(const struct client_record *record, const char *reason)
{
	char *signature = mem_print("Lenscap audit: would be dropped, %s",
				    reason);
	json_t *value;

	value = json_pack("{s:s, s:i, s:i, s:i, s:s, s:s, s:i}",
			  "action", "allowed", "gid", GENERATOR,
			  "signature_id", (int)record->reason, "rev", 1,
			  "signature", signature,
			  "category", "Potential Corporate Privacy Violation",
			  "severity", SEVERITY);
	free(signature);
	return value;
}

static json_t *own_part(struct eve *eve, const struct client_record *record,
			const char *reason, json_t *hints)
{
	const char *profile = profile_of(eve, record);
	bool live = eve->live->generation &&
		    eve->live->revision == record->revision;
	json_t *own = json_object();

	if (record->device[0])
		set(own, "device", json_text(record->device));
	set(own, "guard", json_text(record->guard));
	if (profile)
		set(own, "profile", json_text(profile));
	set(own, "reason", json_string(reason));
	set(own, "audited", json_boolean(record->audit));
	set(own, "ethertype", json_integer(record->ethertype));
	set(own, "packets", json_number(record->count.packets));
	set(own, "bytes", json_number(record->count.bytes));
	set(own, "first", json_time(record->first));
	set(own, "last", json_time(record->last));
	set(own, "revision", json_number(record->revision));
	if (live)
		set(own, "generation", json_integer(eve->live->generation));
	if (hints)
		set(own, "hints", json_incref(hints));
	return own;
}

/**
 * eve_event() - a record as an event
 * @eve: what it does not tell itself
 * @record: the record
 * @hints: what eve_hints() made, or NULL; the caller keeps its reference
 *
 * Return: an object; one is written for each record and interval.
 */
json_t *eve_event(struct eve *eve, const struct client_record *record,
		  json_t *hints)
{
	const struct gateway_guard *guard = find_guard(eve->gateway,
						       record->guard);
	json_t *event = json_object();
	char mac[MAC_TEXT], name[NAME_TEXT];
	const char *reason = name_text(&names_reason, record->reason, name);

	set(event, "timestamp", eve_time(record->last));
	if (eve->gateway->events.host)
		set(event, "host", json_text(eve->gateway->events.host));
	if (guard)
		set(event, "in_iface", json_text(guard->interface));
	set(event, "event_type", json_string(record->audit ? "alert" : "drop"));
	if (guard && guard->vlan)
		set(event, "vlan", json_pack("[i]", (int)guard->vlan));
	put_address(event, "src_ip", record->source, record->source_len);
	put_address(event, "dest_ip", record->destination,
		    record->destination_len);
	put_service(event, record);
	set(event, "pkt_src", json_string("wire/pcap"));
	if (record->has_mac)
		set(event, "ether", json_pack("{s:s}", "src_mac",
					      mac_format(record->mac, mac)));
	if (record->audit)
		set(event, "alert", alert(record, reason));
	else
		set(event, "drop", json_pack("{s:s}", "reason", reason));
	set(event, "lenscap", own_part(eve, record, reason, hints));
	return event;
}

/**
 * eve_free() - forget the policy
 * @eve: what was remembered of it
 */
void eve_free(struct eve *eve)
{
	index_free(&eve->devices);
	memset(eve, 0, sizeof(*eve));
}

static json_t *mac_part(struct annotate *annotate, const char *text)
{
	char error[ADDRESS_ERROR];
	struct mac_hint hint;
	uint8_t mac[6];
	json_t *part;

	if (!text || !mac_parse(text, mac, error) ||
	    !annotate_mac(annotate, mac, &hint))
		return NULL;
	part = json_pack("{s:b}", "local", (int)hint.local);
	if (hint.vendor) {
		set(part, "vendor", json_text(hint.vendor));
		set(part, "vendor_date", json_string(hint.date));
	}
	return part;
}

static json_t *address_part(struct annotate *annotate, const char *text)
{
	struct policy_prefix prefix;
	struct address_hint hint;
	char error[ADDRESS_ERROR];
	json_t *part;

	if (!text || !prefix_parse(text, &prefix, error) ||
	    !annotate_address(annotate, prefix.addr,
			      prefix.family == 4 ? 4 : 16, &hint))
		return NULL;
	part = json_object();
	if (*hint.country) {
		set(part, "country", json_text(hint.country));
		set(part, "country_date", json_string(hint.country_date));
	}
	if (hint.asn) {
		set(part, "asn", json_integer(hint.asn));
		if (*hint.organization)
			set(part, "organization",
			    json_text(hint.organization));
		set(part, "asn_date", json_string(hint.asn_date));
	}
	return part;
}

/**
 * eve_hints() - what is said of a record's MAC and destination
 * @annotate: by whom; its files are read now, unless they were
 * @record: of json_record()
 *
 * Return: an object, or NULL if there is nothing to say.
 */
json_t *eve_hints(struct annotate *annotate, const json_t *record)
{
	json_t *mac, *destination, *hints;
	struct diag diag = { 0 };

	annotate_load(annotate, &diag);
	log_diag(&diag);
	diag_free(&diag);
	mac = mac_part(annotate,
		       json_string_value(json_object_get(record, "mac")));
	destination = address_part(annotate, json_string_value(
				   json_object_get(record, "destination")));
	if (!mac && !destination)
		return NULL;
	hints = json_object();
	if (mac)
		set(hints, "mac", mac);
	if (destination)
		set(hints, "destination", destination);
	return hints;
}
