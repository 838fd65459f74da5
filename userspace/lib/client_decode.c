// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module sends, as structures.
 *
 * Lengths are checked although the kernel is trusted: the module may be of
 * another release. Attributes that are not known are skipped.
 */
#include <stdlib.h>
#include <string.h>

#include "client_internal.h"

bool client_get_u8(const struct nlattr *attr, uint8_t *value)
{
	if (mnl_attr_get_payload_len(attr) < sizeof(*value))
		return false;
	*value = mnl_attr_get_u8(attr);
	return true;
}

bool client_get_u16(const struct nlattr *attr, uint16_t *value)
{
	if (mnl_attr_get_payload_len(attr) < sizeof(*value))
		return false;
	*value = mnl_attr_get_u16(attr);
	return true;
}

bool client_get_u32(const struct nlattr *attr, uint32_t *value)
{
	if (mnl_attr_get_payload_len(attr) < sizeof(*value))
		return false;
	*value = mnl_attr_get_u32(attr);
	return true;
}

bool client_get_u64(const struct nlattr *attr, uint64_t *value)
{
	if (mnl_attr_get_payload_len(attr) < sizeof(*value))
		return false;
	*value = mnl_attr_get_u64(attr);
	return true;
}

static bool get_text(const struct nlattr *attr, char *out, size_t size)
{
	size_t len = mnl_attr_get_payload_len(attr);
	const char *text = mnl_attr_get_payload(attr);

	len = strnlen(text, len);
	if (len >= size)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool get_name(const struct nlattr *attr, char **name)
{
	free(*name);
	*name = strndup(mnl_attr_get_payload(attr),
			mnl_attr_get_payload_len(attr));
	return *name;
}

static bool get_bytes(const struct nlattr *attr, uint8_t *out, size_t len)
{
	if (mnl_attr_get_payload_len(attr) != len)
		return false;
	memcpy(out, mnl_attr_get_payload(attr), len);
	return true;
}

/* 4 or 16 bytes. */
static bool get_address(const struct nlattr *attr, uint8_t *out, uint8_t *len)
{
	*len = (uint8_t)mnl_attr_get_payload_len(attr);
	memset(out, 0, 16);
	return (*len == 4 || *len == 16) && get_bytes(attr, out, *len);
}

static bool get_prefix(const struct nlattr *nest, struct policy_prefix *prefix)
{
	const struct nlattr *attr;
	uint8_t len = 0, bits = 0;
	bool has_bits = false;

	memset(prefix, 0, sizeof(*prefix));
	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_PREFIX_A_ADDRESS:
			if (!get_address(attr, prefix->addr, &len))
				return false;
			break;
		case LENSCAP_PREFIX_A_LENGTH:
			has_bits = client_get_u8(attr, &bits);
			if (!has_bits)
				return false;
			break;
		}
	}
	prefix->family = len == 16 ? 6 : 4;
	prefix->len = has_bits ? bits : len * 8;
	return len && prefix->len <= len * 8;
}

static bool add_prefix(const struct nlattr *nest, struct policy_prefix **list,
		       size_t *count)
{
	struct policy_prefix *grown;

	grown = realloc(*list, (*count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	*list = grown;
	return get_prefix(nest, &grown[(*count)++]);
}

int client_decode_info(const struct nlmsghdr *nlh, struct client_info *info)
{
	const struct nlattr *attr;
	uint8_t txn;
	bool ok = true;

	client_for_each_attr(attr, nlh) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_INFO_A_VERSION:
			ok = get_text(attr, info->version,
				      sizeof(info->version));
			break;
		case LENSCAP_INFO_A_GENERATION:
			ok = client_get_u32(attr, &info->generation);
			break;
		case LENSCAP_INFO_A_REVISION:
			ok = client_get_u64(attr, &info->revision);
			break;
		case LENSCAP_INFO_A_DIGEST:
			ok = get_bytes(attr, info->digest,
				       sizeof(info->digest));
			info->has_digest = true;
			break;
		case LENSCAP_INFO_A_COMMITTED:
			ok = client_get_u64(attr, &info->committed);
			break;
		case LENSCAP_INFO_A_TAG_VALUE:
			ok = client_get_u32(attr, &info->tag_value);
			break;
		case LENSCAP_INFO_A_TAG_MASK:
			ok = client_get_u32(attr, &info->tag_mask);
			break;
		case LENSCAP_INFO_A_CLASS_MASK:
			ok = client_get_u32(attr, &info->class_mask);
			break;
		case LENSCAP_INFO_A_GUARDS:
			ok = client_get_u32(attr, &info->guards);
			break;
		case LENSCAP_INFO_A_GUARDS_ARMED:
			ok = client_get_u32(attr, &info->guards_armed);
			break;
		case LENSCAP_INFO_A_DEVICES:
			ok = client_get_u32(attr, &info->devices);
			break;
		case LENSCAP_INFO_A_PROFILES:
			ok = client_get_u32(attr, &info->profiles);
			break;
		case LENSCAP_INFO_A_RULESETS:
			ok = client_get_u32(attr, &info->rulesets);
			break;
		case LENSCAP_INFO_A_RULES:
			ok = client_get_u32(attr, &info->rules);
			break;
		case LENSCAP_INFO_A_MEMORY:
			ok = client_get_u64(attr, &info->memory);
			break;
		case LENSCAP_INFO_A_RECORDS:
			ok = client_get_u32(attr, &info->records);
			break;
		case LENSCAP_INFO_A_RECORDS_MAX:
			ok = client_get_u32(attr, &info->records_max);
			break;
		case LENSCAP_INFO_A_RECORDS_LOST:
			ok = client_get_u64(attr, &info->records_lost);
			break;
		case LENSCAP_INFO_A_EVENTS_SUPPRESSED:
			ok = client_get_u64(attr, &info->events_suppressed);
			break;
		case LENSCAP_INFO_A_TXN:
			ok = client_get_u8(attr, &txn);
			info->txn = ok && txn;
			break;
		case LENSCAP_INFO_A_MAX_GUARDS:
			ok = client_get_u32(attr, &info->max_guards);
			break;
		case LENSCAP_INFO_A_MAX_DEVICES:
			ok = client_get_u32(attr, &info->max_devices);
			break;
		case LENSCAP_INFO_A_MAX_PROFILES:
			ok = client_get_u32(attr, &info->max_profiles);
			break;
		case LENSCAP_INFO_A_MAX_RULES:
			ok = client_get_u32(attr, &info->max_rules);
			break;
		case LENSCAP_INFO_A_MAX_PROFILE_RULES:
			ok = client_get_u32(attr, &info->max_profile_rules);
			break;
		case LENSCAP_INFO_A_MAX_ADDRESSES:
			ok = client_get_u32(attr, &info->max_addresses);
			break;
		case LENSCAP_INFO_A_FRAGMENTS_MAX:
			ok = client_get_u32(attr, &info->fragments_max);
			break;
		case LENSCAP_INFO_A_FRAGMENTS_LOST:
			ok = client_get_u64(attr, &info->fragments_lost);
			break;
		}
		if (!ok)
			return -1;
	}
	return 0;
}

static bool add_total(const struct nlattr *nest, struct client_guard *guard)
{
	struct client_total *grown, *total;
	const struct nlattr *attr;
	bool ok = true;

	grown = realloc(guard->totals, (guard->ntotals + 1) * sizeof(*grown));
	if (!grown)
		return false;
	guard->totals = grown;
	total = &grown[guard->ntotals++];
	memset(total, 0, sizeof(*total));
	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_TOTAL_A_REASON:
			ok = client_get_u8(attr, &total->reason);
			break;
		case LENSCAP_TOTAL_A_DROPPED_PACKETS:
			ok = client_get_u64(attr, &total->dropped.packets);
			break;
		case LENSCAP_TOTAL_A_DROPPED_BYTES:
			ok = client_get_u64(attr, &total->dropped.bytes);
			break;
		case LENSCAP_TOTAL_A_WOULD_PACKETS:
			ok = client_get_u64(attr, &total->would.packets);
			break;
		case LENSCAP_TOTAL_A_WOULD_BYTES:
			ok = client_get_u64(attr, &total->would.bytes);
			break;
		}
		if (!ok)
			return false;
	}
	return true;
}

/* @guard is to be freed with client_guard_free() also after an error. */
int client_decode_guard(const struct nlmsghdr *nlh, struct client_guard *guard)
{
	struct gateway_guard *config = &guard->config;
	const struct nlattr *attr;
	bool ok = true;

	memset(guard, 0, sizeof(*guard));
	client_for_each_attr(attr, nlh) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_GUARD_A_NAME:
			ok = get_name(attr, &config->name);
			break;
		case LENSCAP_GUARD_A_IFNAME:
			ok = get_name(attr, &config->interface);
			break;
		case LENSCAP_GUARD_A_VLAN:
			ok = client_get_u16(attr, &config->vlan);
			break;
		case LENSCAP_GUARD_A_IDENTITY:
			ok = client_get_u8(attr, &config->identity);
			break;
		case LENSCAP_GUARD_A_MODE:
			ok = client_get_u8(attr, &config->mode);
			break;
		case LENSCAP_GUARD_A_UPKEEP:
			ok = client_get_u32(attr, &config->upkeep);
			break;
		case LENSCAP_GUARD_A_SUBNET:
			ok = add_prefix(attr, &config->subnets,
					&config->nsubnets);
			break;
		case LENSCAP_GUARD_A_STATE:
			ok = client_get_u8(attr, &guard->state);
			break;
		case LENSCAP_GUARD_A_IFINDEX:
			ok = client_get_u32(attr, &guard->ifindex);
			break;
		case LENSCAP_GUARD_A_PASSED_PACKETS:
			ok = client_get_u64(attr, &guard->passed.packets);
			break;
		case LENSCAP_GUARD_A_PASSED_BYTES:
			ok = client_get_u64(attr, &guard->passed.bytes);
			break;
		case LENSCAP_GUARD_A_REASON:
			ok = add_total(attr, guard);
			break;
		}
		if (!ok)
			return -1;
	}
	return config->name && config->interface ? 0 : -1;
}

/* @device is to be freed with client_device_free() also after an error. */
int client_decode_device(const struct nlmsghdr *nlh,
			 struct client_device *device)
{
	struct policy_device *config = &device->config;
	const struct nlattr *attr;
	bool ok = true;

	memset(device, 0, sizeof(*device));
	client_for_each_attr(attr, nlh) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_DEVICE_A_NAME:
			ok = get_name(attr, &config->name);
			break;
		case LENSCAP_DEVICE_A_GUARD:
			ok = get_name(attr, &config->guard);
			break;
		case LENSCAP_DEVICE_A_MAC:
			ok = get_bytes(attr, config->mac, sizeof(config->mac));
			config->has_mac = true;
			break;
		case LENSCAP_DEVICE_A_ADDRESS:
			ok = add_prefix(attr, &config->addrs, &config->naddrs);
			break;
		case LENSCAP_DEVICE_A_PROFILE:
			ok = get_name(attr, &config->profile);
			break;
		case LENSCAP_DEVICE_A_PASSED_PACKETS:
			ok = client_get_u64(attr, &device->passed.packets);
			break;
		case LENSCAP_DEVICE_A_PASSED_BYTES:
			ok = client_get_u64(attr, &device->passed.bytes);
			break;
		case LENSCAP_DEVICE_A_DROPPED_PACKETS:
			ok = client_get_u64(attr, &device->dropped.packets);
			break;
		case LENSCAP_DEVICE_A_DROPPED_BYTES:
			ok = client_get_u64(attr, &device->dropped.bytes);
			break;
		case LENSCAP_DEVICE_A_WOULD_PACKETS:
			ok = client_get_u64(attr, &device->would.packets);
			break;
		case LENSCAP_DEVICE_A_WOULD_BYTES:
			ok = client_get_u64(attr, &device->would.bytes);
			break;
		case LENSCAP_DEVICE_A_LAST_SEEN:
			ok = client_get_u64(attr, &device->last_seen);
			break;
		}
		if (!ok)
			return -1;
	}
	return config->name && config->profile ? 0 : -1;
}

int client_decode_rule(const struct nlattr *nest, struct policy_rule *rule,
		       uint64_t *hits)
{
	const struct nlattr *attr;
	uint8_t byte, len = 0;
	bool ok = true;

	memset(rule, 0, sizeof(*rule));
	rule->proto = -1;
	rule->peer_high = UINT16_MAX;
	rule->device_high = UINT16_MAX;
	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_RULE_A_ADDRESS:
			ok = get_address(attr, rule->peer.addr, &len);
			break;
		case LENSCAP_RULE_A_LENGTH:
			ok = client_get_u8(attr, &rule->peer.len);
			break;
		case LENSCAP_RULE_A_PROTO:
			ok = client_get_u8(attr, &byte);
			rule->proto = ok ? byte : -1;
			break;
		case LENSCAP_RULE_A_INITIATOR:
			ok = client_get_u8(attr, &byte);
			rule->peer_initiates =
				ok && byte == LENSCAP_INITIATOR_PEER;
			break;
		case LENSCAP_RULE_A_PEER_PORT_LOW:
			ok = client_get_u16(attr, &rule->peer_low);
			break;
		case LENSCAP_RULE_A_PEER_PORT_HIGH:
			ok = client_get_u16(attr, &rule->peer_high);
			break;
		case LENSCAP_RULE_A_DEVICE_PORT_LOW:
			ok = client_get_u16(attr, &rule->device_low);
			break;
		case LENSCAP_RULE_A_DEVICE_PORT_HIGH:
			ok = client_get_u16(attr, &rule->device_high);
			break;
		case LENSCAP_RULE_A_HITS:
			ok = client_get_u64(attr, hits);
			break;
		}
		if (!ok)
			return -1;
	}
	rule->peer.family = len == 16 ? 6 : 4;
	return len ? 0 : -1;
}

int client_decode_record(const struct nlmsghdr *nlh,
			 struct client_record *record,
			 struct client_losses *losses)
{
	const struct nlattr *attr;
	uint16_t port;
	uint8_t byte;
	bool ok = true;

	memset(record, 0, sizeof(*record));
	memset(losses, 0, sizeof(*losses));
	record->proto = -1;
	record->port = -1;
	client_for_each_attr(attr, nlh) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_RECORD_A_GUARD:
			ok = get_text(attr, record->guard,
				      sizeof(record->guard));
			break;
		case LENSCAP_RECORD_A_DEVICE:
			ok = get_text(attr, record->device,
				      sizeof(record->device));
			break;
		case LENSCAP_RECORD_A_MAC:
			ok = get_bytes(attr, record->mac, sizeof(record->mac));
			record->has_mac = true;
			break;
		case LENSCAP_RECORD_A_ETHERTYPE:
			ok = client_get_u16(attr, &record->ethertype);
			break;
		case LENSCAP_RECORD_A_SOURCE:
			ok = get_address(attr, record->source,
					 &record->source_len);
			break;
		case LENSCAP_RECORD_A_DESTINATION:
			ok = get_address(attr, record->destination,
					 &record->destination_len);
			break;
		case LENSCAP_RECORD_A_PROTO:
			ok = client_get_u8(attr, &byte);
			record->proto = ok ? byte : -1;
			break;
		case LENSCAP_RECORD_A_PORT:
			ok = client_get_u16(attr, &port);
			record->port = ok ? port : -1;
			break;
		case LENSCAP_RECORD_A_REASON:
			ok = client_get_u8(attr, &record->reason);
			break;
		case LENSCAP_RECORD_A_AUDIT:
			record->audit = true;
			break;
		case LENSCAP_RECORD_A_PACKETS:
			ok = client_get_u64(attr, &record->count.packets);
			break;
		case LENSCAP_RECORD_A_BYTES:
			ok = client_get_u64(attr, &record->count.bytes);
			break;
		case LENSCAP_RECORD_A_FIRST:
			ok = client_get_u64(attr, &record->first);
			break;
		case LENSCAP_RECORD_A_LAST:
			ok = client_get_u64(attr, &record->last);
			break;
		case LENSCAP_RECORD_A_REVISION:
			ok = client_get_u64(attr, &record->revision);
			break;
		case LENSCAP_RECORD_A_LOST:
			ok = client_get_u64(attr, &losses->lost);
			losses->known = true;
			break;
		case LENSCAP_RECORD_A_SUPPRESSED:
			ok = client_get_u64(attr, &losses->suppressed);
			break;
		case LENSCAP_RECORD_A_RECORDS:
			ok = client_get_u32(attr, &losses->records);
			break;
		}
		if (!ok)
			return -1;
	}
	return 0;
}

void client_guard_free(struct client_guard *guard)
{
	free(guard->config.name);
	free(guard->config.interface);
	free(guard->config.subnets);
	free(guard->totals);
	memset(guard, 0, sizeof(*guard));
}

void client_device_free(struct client_device *device)
{
	free(device->config.name);
	free(device->config.guard);
	free(device->config.addrs);
	free(device->config.profile);
	memset(device, 0, sizeof(*device));
}
