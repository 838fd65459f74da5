// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of numbers, both ways.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <linux/lenscap.h>

#include "names.h"

static const struct name_entry reasons[] = {
	{ "none", LENSCAP_REASON_NONE },
	{ "no_policy", LENSCAP_REASON_NO_POLICY },
	{ "unknown_device", LENSCAP_REASON_UNKNOWN_DEVICE },
	{ "wrong_source", LENSCAP_REASON_WRONG_SOURCE },
	{ "vlan_stack", LENSCAP_REASON_VLAN_STACK },
	{ "ethertype", LENSCAP_REASON_ETHERTYPE },
	{ "truncated", LENSCAP_REASON_TRUNCATED },
	{ "bad_header", LENSCAP_REASON_BAD_HEADER },
	{ "ip_option", LENSCAP_REASON_IP_OPTION },
	{ "ext_header", LENSCAP_REASON_EXT_HEADER },
	{ "fragment", LENSCAP_REASON_FRAGMENT },
	{ "tiny_fragment", LENSCAP_REASON_TINY_FRAGMENT },
	{ "destination", LENSCAP_REASON_DESTINATION },
	{ "service", LENSCAP_REASON_SERVICE },
	{ "direction", LENSCAP_REASON_DIRECTION },
	{ "quarantine", LENSCAP_REASON_QUARANTINE },
	{ "upkeep_off", LENSCAP_REASON_UPKEEP_OFF },
	{ "upkeep_invalid", LENSCAP_REASON_UPKEEP_INVALID },
	{ "upkeep_spoof", LENSCAP_REASON_UPKEEP_SPOOF },
	{ "icmp_size", LENSCAP_REASON_ICMP_SIZE },
	{ "icmp_rate", LENSCAP_REASON_ICMP_RATE },
	{ "icmp_quote", LENSCAP_REASON_ICMP_QUOTE },
};

/* A reason without a name would be a number in every log and metric. */
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == LENSCAP_REASON_MAX + 1,
	       "each reason needs a name");

static const struct name_entry modes[] = {
	{ "enforce", LENSCAP_MODE_ENFORCE },
	{ "audit", LENSCAP_MODE_AUDIT },
	{ "quarantine", LENSCAP_MODE_QUARANTINE },
};

static const struct name_entry identities[] = {
	{ "mac", LENSCAP_IDENTITY_MAC },
	{ "ip", LENSCAP_IDENTITY_IP },
};

static const struct name_entry upkeeps[] = {
	{ "arp", LENSCAP_UPKEEP_ARP },
	{ "nd", LENSCAP_UPKEEP_ND },
	{ "dhcp", LENSCAP_UPKEEP_DHCP },
	{ "dhcp6", LENSCAP_UPKEEP_DHCP6 },
	{ "igmp", LENSCAP_UPKEEP_IGMP },
	{ "mld", LENSCAP_UPKEEP_MLD },
	{ "client_id", LENSCAP_UPKEEP_CLIENT_ID },
	{ "dhcp_unicast", LENSCAP_UPKEEP_DHCP_UNICAST },
};

static const struct name_entry states[] = {
	{ "waiting", LENSCAP_GUARD_WAITING },
	{ "armed", LENSCAP_GUARD_ARMED },
	{ "gone", LENSCAP_GUARD_GONE },
	{ "failed", LENSCAP_GUARD_FAILED },
};

static const struct name_entry initiators[] = {
	{ "device", LENSCAP_INITIATOR_DEVICE },
	{ "peer", LENSCAP_INITIATOR_PEER },
};

/* Own list rather than getprotobyname(): /etc/protocols may be absent, and a
 * policy has to mean the same on every gateway.
 */
static const struct name_entry protocols[] = {
	{ "icmp", IPPROTO_ICMP },
	{ "igmp", IPPROTO_IGMP },
	{ "ipip", IPPROTO_IPIP },
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "dccp", IPPROTO_DCCP },
	{ "ipv6", IPPROTO_IPV6 },
	{ "rsvp", IPPROTO_RSVP },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ "ospf", 89 },
	{ "pim", IPPROTO_PIM },
	{ "vrrp", 112 },
	{ "l2tp", 115 },
	{ "sctp", IPPROTO_SCTP },
	{ "udplite", IPPROTO_UDPLITE },
};

#define TABLE(text, list) { text, list, sizeof(list) / sizeof((list)[0]) }

const struct name_table names_reason = TABLE("reason", reasons);
const struct name_table names_mode = TABLE("mode", modes);
const struct name_table names_identity = TABLE("identity", identities);
const struct name_table names_upkeep = TABLE("kind of upkeep", upkeeps);
const struct name_table names_state = TABLE("state", states);
const struct name_table names_initiator = TABLE("initiator", initiators);
const struct name_table names_protocol = TABLE("protocol", protocols);

/**
 * name_of() - name of a number
 * @table: which kind
 * @value: the number
 *
 * Return: the name, or NULL if this build knows none.
 */
const char *name_of(const struct name_table *table, unsigned int value)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i].value == value)
			return table->entries[i].name;
	}
	return NULL;
}

/**
 * name_text() - name of a number, or the number itself
 * @table: which kind
 * @value: the number; one without a name comes from a newer module
 * @text: room for it
 *
 * Return: @text, or a constant.
 */
const char *name_text(const struct name_table *table, unsigned int value,
		      char text[NAME_TEXT])
{
	const char *name = name_of(table, value);

	if (name)
		return name;
	(void)snprintf(text, NAME_TEXT, "%u", value);
	return text;
}

/**
 * name_find() - number of a name
 * @table: which kind
 * @name: the name; case matters
 * @value: receives the number
 *
 * Return: true if there is such a name.
 */
bool name_find(const struct name_table *table, const char *name,
	       unsigned int *value)
{
	for (size_t i = 0; i < table->count; i++) {
		if (!strcmp(table->entries[i].name, name)) {
			*value = table->entries[i].value;
			return true;
		}
	}
	return false;
}

/**
 * protocol_has_ports() - does a rule for this protocol judge ports?
 * @proto: IP protocol, or -1 for any
 */
bool protocol_has_ports(int proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

/**
 * protocol_is_icmp() - does a rule for this protocol judge message types?
 * @proto: IP protocol, or -1 for any
 */
bool protocol_is_icmp(int proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}
