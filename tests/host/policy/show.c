// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies and gateways as canonical text, to be compared.
 */
#include <inttypes.h>

#include "address.h"
#include "names.h"
#include "show.h"

static void show_addresses(const struct policy_prefix *list, size_t count,
			   FILE *out)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < count; i++)
		fprintf(out, " %s", prefix_format(&list[i], text));
}

void show_policy(const struct policy *policy, FILE *out)
{
	char text[RULE_TEXT], mac[MAC_TEXT];

	fprintf(out, "revision %" PRIu64 "\n", policy->revision);
	for (size_t i = 0; i < policy->nprofiles; i++) {
		const struct policy_profile *profile = &policy->profiles[i];

		fprintf(out, "profile %s %s class %u\n", profile->name,
			name_of(&names_mode, profile->mode), profile->class);
		for (size_t j = 0; j < profile->nrules; j++)
			fprintf(out, "  %s\n",
				rule_format(&profile->rules[j], text));
	}
	for (size_t i = 0; i < policy->ndevices; i++) {
		const struct policy_device *device = &policy->devices[i];

		fprintf(out, "device %s guard %s mac %s profile %s:",
			device->name, device->guard ? device->guard : "-",
			device->has_mac ? mac_format(device->mac, mac) : "-",
			device->profile);
		show_addresses(device->addrs, device->naddrs, out);
		fprintf(out, "\n");
	}
}

static void show_events(const struct gateway_events *events, FILE *out)
{
	if (events->host)
		fprintf(out, "host %s\n", events->host);
	if (events->count && events->rate != GATEWAY_EVENTS_RATE)
		fprintf(out, "events a second %llu\n",
			(unsigned long long)events->rate);
	for (size_t i = 0; i < events->count; i++) {
		const struct gateway_output *output = &events->outputs[i];

		fprintf(out, "events to %s %s facility %u\n",
			name_of(&names_output, output->kind),
			output->path ? output->path : "-",
			output->facility >> 3);
	}
}

/* What there is without a word is not shown. */
static void show_annotations(const struct gateway_annotations *annotations,
			     FILE *out)
{
	for (size_t i = 0; annotations->named && i < annotations->nvendors;
	     i++)
		fprintf(out, "vendors %s\n", annotations->vendors[i]);
	if (annotations->country)
		fprintf(out, "country %s\n", annotations->country);
	if (annotations->asn)
		fprintf(out, "asn %s\n", annotations->asn);
}

void show_gateway(const struct gateway *gateway, FILE *out)
{
	fprintf(out, "tag 0x%08x/0x%08x class 0x%08x\n", gateway->tag_value,
		gateway->tag_mask, gateway->class_mask);
	for (size_t i = 0; i < gateway->nguards; i++) {
		const struct gateway_guard *guard = &gateway->guards[i];

		fprintf(out, "guard %s %s vlan %u %s %s upkeep", guard->name,
			guard->interface, guard->vlan,
			name_of(&names_identity, guard->identity),
			name_of(&names_mode, guard->mode));
		for (size_t j = 0; j < names_upkeep.count; j++) {
			if (guard->upkeep & names_upkeep.entries[j].value)
				fprintf(out, " %s",
					names_upkeep.entries[j].name);
		}
		fprintf(out, " subnets");
		show_addresses(guard->subnets, guard->nsubnets, out);
		fprintf(out, "\n");
	}
	fprintf(out, "policy %s\nstate %s\nsocket %s\ngroup %s\n",
		gateway->policy, gateway->state, gateway->socket,
		gateway->group);
	if (gateway->log != GATEWAY_LOG_EVENTS)
		fprintf(out, "log %s\n", gateway->log == GATEWAY_LOG_JOURNAL ?
			"journal" : "stdout");
	show_events(&gateway->events, out);
	show_annotations(&gateway->annotations, out);
}
