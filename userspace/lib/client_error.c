// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink client's errors: what the kernel refused, in a sentence.
 *
 * A refusal carries an errno value, usually a text, and the offset of the
 * attribute to blame or the number of one that is missing. Offsets are turned
 * into names with our own copy of the message.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client_internal.h"

static const char *const guard_attrs[] = {
	[LENSCAP_GUARD_A_NAME] = "name",
	[LENSCAP_GUARD_A_IFNAME] = "interface",
	[LENSCAP_GUARD_A_VLAN] = "vlan",
	[LENSCAP_GUARD_A_IDENTITY] = "identity",
	[LENSCAP_GUARD_A_MODE] = "mode",
	[LENSCAP_GUARD_A_UPKEEP] = "upkeep",
	[LENSCAP_GUARD_A_SUBNET] = "subnet",
};

static const char *const tag_attrs[] = {
	[LENSCAP_TAG_A_VALUE] = "value",
	[LENSCAP_TAG_A_MASK] = "mask",
	[LENSCAP_TAG_A_CLASS_MASK] = "class_mask",
};

static const char *const txn_attrs[] = {
	[LENSCAP_TXN_A_BASE] = "base",
	[LENSCAP_TXN_A_GENERATION] = "generation",
	[LENSCAP_TXN_A_REVISION] = "revision",
	[LENSCAP_TXN_A_DIGEST] = "digest",
	[LENSCAP_TXN_A_ROLLBACK] = "rollback",
};

static const char *const profile_attrs[] = {
	[LENSCAP_PROFILE_A_NAME] = "name",
	[LENSCAP_PROFILE_A_MODE] = "mode",
	[LENSCAP_PROFILE_A_CLASS] = "class",
	[LENSCAP_PROFILE_A_RULE] = "rule",
};

static const char *const device_attrs[] = {
	[LENSCAP_DEVICE_A_NAME] = "name",
	[LENSCAP_DEVICE_A_GUARD] = "guard",
	[LENSCAP_DEVICE_A_MAC] = "mac",
	[LENSCAP_DEVICE_A_ADDRESS] = "address",
	[LENSCAP_DEVICE_A_PROFILE] = "profile",
};

static const char *const record_attrs[] = {
	[LENSCAP_RECORD_A_TABLE] = "table",
};

static const char *const capture_attrs[] = {
	[LENSCAP_CAPTURE_A_ID] = "id",
	[LENSCAP_CAPTURE_A_GUARD] = "guard",
	[LENSCAP_CAPTURE_A_DEVICE] = "device",
	[LENSCAP_CAPTURE_A_MAC] = "mac",
	[LENSCAP_CAPTURE_A_REASON] = "reason",
	[LENSCAP_CAPTURE_A_GROUP] = "group",
	[LENSCAP_CAPTURE_A_SNAPLEN] = "snaplen",
	[LENSCAP_CAPTURE_A_RATE] = "rate",
	[LENSCAP_CAPTURE_A_LINK] = "link",
};

static const char *const prefix_attrs[] = {
	[LENSCAP_PREFIX_A_ADDRESS] = "address",
	[LENSCAP_PREFIX_A_LENGTH] = "length",
};

static const char *const rule_attrs[] = {
	[LENSCAP_RULE_A_ADDRESS] = "address",
	[LENSCAP_RULE_A_LENGTH] = "length",
	[LENSCAP_RULE_A_PROTO] = "protocol",
	[LENSCAP_RULE_A_INITIATOR] = "initiator",
	[LENSCAP_RULE_A_PEER_PORT_LOW] = "peer_port_low",
	[LENSCAP_RULE_A_PEER_PORT_HIGH] = "peer_port_high",
	[LENSCAP_RULE_A_DEVICE_PORT_LOW] = "device_port_low",
	[LENSCAP_RULE_A_DEVICE_PORT_HIGH] = "device_port_high",
};

/**
 * struct attr_names - names of the attributes of a kind of message
 * @names: by number
 * @count: entries of @names
 * @nest: attribute that is a nest, 0 if none is
 * @inner: names inside of it
 * @kind: what such a message is about
 * @name: attribute that says which one, 0 if none does
 */
struct attr_names {
	const char *const *names;
	size_t count;
	uint16_t nest;
	const struct attr_names *inner;
	const char *kind;
	uint16_t name;
};

#define NAMES(array) .names = (array), .count = MNL_ARRAY_SIZE(array)

static const struct attr_names prefix_names = { NAMES(prefix_attrs) };
static const struct attr_names rule_names = { NAMES(rule_attrs) };
static const struct attr_names guard_names = {
	NAMES(guard_attrs), .nest = LENSCAP_GUARD_A_SUBNET,
	.inner = &prefix_names, .kind = "guard",
	.name = LENSCAP_GUARD_A_NAME,
};

static const struct attr_names profile_names = {
	NAMES(profile_attrs), .nest = LENSCAP_PROFILE_A_RULE,
	.inner = &rule_names, .kind = "profile",
	.name = LENSCAP_PROFILE_A_NAME,
};

static const struct attr_names device_names = {
	NAMES(device_attrs), .nest = LENSCAP_DEVICE_A_ADDRESS,
	.inner = &prefix_names, .kind = "device",
	.name = LENSCAP_DEVICE_A_NAME,
};

static const struct attr_names tag_names = {
	NAMES(tag_attrs), .kind = "tag",
};

static const struct attr_names txn_names = {
	NAMES(txn_attrs), .kind = "policy",
};

static const struct attr_names record_names = {
	NAMES(record_attrs), .kind = "records",
};

static const struct attr_names capture_names = {
	NAMES(capture_attrs), .kind = "capture",
};

static const struct attr_names *names_of(uint8_t command)
{
	switch (command) {
	case LENSCAP_CMD_TAG_SET:
		return &tag_names;
	case LENSCAP_CMD_GUARD_SET:
	case LENSCAP_CMD_GUARD_DEL:
	case LENSCAP_CMD_GUARD_GET:
		return &guard_names;
	case LENSCAP_CMD_TXN_BEGIN:
	case LENSCAP_CMD_TXN_COMMIT:
	case LENSCAP_CMD_TXN_ABORT:
		return &txn_names;
	case LENSCAP_CMD_PROFILE_SET:
	case LENSCAP_CMD_PROFILE_DEL:
	case LENSCAP_CMD_PROFILE_GET:
		return &profile_names;
	case LENSCAP_CMD_DEVICE_SET:
	case LENSCAP_CMD_DEVICE_DEL:
	case LENSCAP_CMD_DEVICE_GET:
		return &device_names;
	case LENSCAP_CMD_RECORD_GET:
	case LENSCAP_CMD_RECORD_ROTATE:
		return &record_names;
	case LENSCAP_CMD_CAPTURE_SET:
	case LENSCAP_CMD_CAPTURE_DEL:
	case LENSCAP_CMD_CAPTURE_GET:
		return &capture_names;
	}
	return NULL;
}

/**
 * client_fail() - fill in an error
 * @err: to be filled in
 * @fault: the kind
 * @code: errno value
 * @format: the sentence
 */
void client_fail(struct client_error *err, enum client_fault fault, int code,
		 const char *format, ...)
{
	va_list args;

	err->fault = fault;
	err->code = code;
	err->object[0] = '\0';
	err->attr[0] = '\0';
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
}

static const char *attr_name(const struct attr_names *names, uint16_t type)
{
	return names && type < names->count && names->names[type] ?
	       names->names[type] : NULL;
}

static void put_name(char *out, size_t size, const char *outer,
		     const struct attr_names *names, uint16_t type)
{
	const char *name = attr_name(names, type);

	if (name)
		snprintf(out, size, "%s%s%s", outer ? outer : "",
			 outer ? "." : "", name);
	else
		snprintf(out, size, "%s%s%u", outer ? outer : "",
			 outer ? "." : "", type);
}

/* The name of the attribute at @offset of @request, with its index if it is
 * one of several: "rule[7].length".
 */
static void locate(const struct nlmsghdr *request, uint32_t offset,
		   const struct attr_names *names, char *out, size_t size)
{
	const struct nlattr *attr, *inner;
	unsigned int index = 0;

	client_for_each_attr(attr, request) {
		uint16_t type = mnl_attr_get_type(attr);
		uint32_t at = (const char *)attr - (const char *)request;
		bool nest = names && names->nest == type;
		char outer[32];

		if (offset >= at + MNL_ALIGN(mnl_attr_get_len(attr))) {
			index += nest;
			continue;
		}
		if (offset < at)
			return;
		if (!nest) {
			put_name(out, size, NULL, names, type);
			return;
		}
		snprintf(outer, sizeof(outer), "%s[%u]",
			 attr_name(names, type), index);
		snprintf(out, size, "%s", outer);
		mnl_attr_for_each_nested(inner, attr) {
			uint32_t place = (const char *)inner -
					 (const char *)request;

			if (place == offset)
				put_name(out, size, outer, names->inner,
					 mnl_attr_get_type(inner));
		}
		return;
	}
}

static void name_object(const struct nlmsghdr *request,
			const struct attr_names *names, char *out, size_t size)
{
	const struct nlattr *attr;

	if (!names || !names->kind)
		return;
	snprintf(out, size, "%s", names->kind);
	if (!names->name)
		return;
	client_for_each_attr(attr, request) {
		if (mnl_attr_get_type(attr) == names->name)
			snprintf(out, size, "%s \"%.*s\"", names->kind,
				 (int)strnlen(mnl_attr_get_payload(attr),
					      mnl_attr_get_payload_len(attr)),
				 (const char *)mnl_attr_get_payload(attr));
	}
}

struct extack {
	const char *text;
	bool has_offset, has_missing;
	uint32_t offset, missing;
};

static void read_extack(const struct nlmsghdr *nlh, struct extack *extack)
{
	const struct nlmsgerr *body = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh), skip = sizeof(int);
	const struct nlattr *attr;

	memset(extack, 0, sizeof(*extack));
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		if (len < sizeof(*body))
			return;
		skip = sizeof(*body);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			skip += mnl_nlmsg_get_payload_len(&body->msg);
	}
	if (skip > len)
		return;
	mnl_attr_for_each(attr, nlh, skip) {
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				extack->text = mnl_attr_get_str(attr);
			break;
		case NLMSGERR_ATTR_OFFS:
			extack->has_offset = client_get_u32(attr,
							    &extack->offset);
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			extack->has_missing = client_get_u32(attr,
							     &extack->missing);
			break;
		}
	}
}

static enum client_fault fault_of(int code)
{
	return code == EPERM ? CLIENT_PERMISSION : CLIENT_REFUSED;
}

static const char *text_of(int code)
{
	if (code == EPERM)
		return "not permitted: the lenscap module obeys root with CAP_NET_ADMIN in the initial user namespace only";
	return strerror(code);
}

/**
 * client_refused() - turn the kernel's refusal into an error
 * @client: whose buffer still holds the refused message
 * @nlh: NLMSG_ERROR or NLMSG_DONE with an error in it
 * @err: result
 */
void client_refused(const struct client *client, const struct nlmsghdr *nlh,
		    struct client_error *err)
{
	const struct nlmsghdr *request = client_find(client, nlh->nlmsg_seq);
	const struct attr_names *names = NULL;
	int code = -*(const int *)mnl_nlmsg_get_payload(nlh);
	struct extack extack;
	const char *text;

	memset(err, 0, sizeof(*err));
	err->fault = fault_of(code);
	err->code = code;
	read_extack(nlh, &extack);
	if (request && request->nlmsg_type != GENL_ID_CTRL) {
		names = names_of(client_command(request));
		name_object(request, names, err->object, sizeof(err->object));
	}
	if (extack.has_offset && request)
		locate(request, extack.offset, names, err->attr,
		       sizeof(err->attr));
	else if (extack.has_missing)
		put_name(err->attr, sizeof(err->attr), NULL, names,
			 (uint16_t)extack.missing);
	text = extack.text ? extack.text : text_of(code);
	snprintf(err->text, sizeof(err->text), "%s%s%s%s%s", err->object,
		 err->object[0] ? ": " : "", err->attr,
		 err->attr[0] ? (extack.has_missing && !extack.has_offset ?
				 " is missing: " : ": ") : "",
		 text);
}
