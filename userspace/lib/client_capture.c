// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink client's captures: refused frames that go to NFLOG.
 */
#include <errno.h>
#include <string.h>

#include "client_internal.h"

/* All attributes of a request, names in full. */
#define ROOM	512

static bool get_name(const struct nlattr *attr,
		     char name[LENSCAP_NAME_LEN + 1])
{
	size_t len = mnl_attr_get_payload_len(attr);
	const char *text = mnl_attr_get_payload(attr);

	len = strnlen(text, len);
	if (len > LENSCAP_NAME_LEN)
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	return true;
}

static bool decode_attr(const struct nlattr *attr,
			struct client_capture *capture)
{
	switch (mnl_attr_get_type(attr)) {
	case LENSCAP_CAPTURE_A_ID:
		return client_get_u32(attr, &capture->id);
	case LENSCAP_CAPTURE_A_GUARD:
		return get_name(attr, capture->guard);
	case LENSCAP_CAPTURE_A_DEVICE:
		return get_name(attr, capture->device);
	case LENSCAP_CAPTURE_A_MAC:
		capture->has_mac = true;
		if (mnl_attr_get_payload_len(attr) != sizeof(capture->mac))
			return false;
		memcpy(capture->mac, mnl_attr_get_payload(attr),
		       sizeof(capture->mac));
		return true;
	case LENSCAP_CAPTURE_A_REASON:
		return client_get_u8(attr, &capture->reason);
	case LENSCAP_CAPTURE_A_GROUP:
		return client_get_u16(attr, &capture->group);
	case LENSCAP_CAPTURE_A_SNAPLEN:
		return client_get_u32(attr, &capture->snaplen);
	case LENSCAP_CAPTURE_A_RATE:
		return client_get_u32(attr, &capture->rate);
	case LENSCAP_CAPTURE_A_LINK:
		capture->link = true;
		return true;
	case LENSCAP_CAPTURE_A_SENT:
		return client_get_u64(attr, &capture->sent);
	case LENSCAP_CAPTURE_A_SUPPRESSED:
		return client_get_u64(attr, &capture->suppressed);
	}
	return true;
}

static int decode(const struct nlmsghdr *nlh, struct client_capture *capture,
		  struct client_error *err)
{
	const struct nlattr *attr;

	memset(capture, 0, sizeof(*capture));
	client_for_each_attr(attr, nlh) {
		if (decode_attr(attr, capture))
			continue;
		client_fail(err, CLIENT_SYSTEM, EBADMSG,
			    "the lenscap module describes a capture in a way that this program does not understand: install both from one release");
		return -1;
	}
	return 0;
}

static int set_answer(void *arg, const struct nlmsghdr *nlh,
		      struct client_error *err)
{
	struct client_capture answer;
	uint32_t *id = arg;

	if (decode(nlh, &answer, err) < 0)
		return -1;
	*id = answer.id;
	return 0;
}

int client_capture_set(struct client *client,
		       const struct client_capture *capture, uint32_t *id,
		       struct client_error *err)
{
	struct nlmsghdr *nlh;

	nlh = client_message(client, LENSCAP_CMD_CAPTURE_SET, 0, ROOM, err);
	if (!nlh)
		return -1;
	if (capture->guard[0])
		mnl_attr_put_strz(nlh, LENSCAP_CAPTURE_A_GUARD,
				  capture->guard);
	if (capture->device[0])
		mnl_attr_put_strz(nlh, LENSCAP_CAPTURE_A_DEVICE,
				  capture->device);
	if (capture->has_mac)
		mnl_attr_put(nlh, LENSCAP_CAPTURE_A_MAC, sizeof(capture->mac),
			     capture->mac);
	if (capture->reason)
		mnl_attr_put_u8(nlh, LENSCAP_CAPTURE_A_REASON,
				capture->reason);
	mnl_attr_put_u16(nlh, LENSCAP_CAPTURE_A_GROUP, capture->group);
	if (capture->snaplen)
		mnl_attr_put_u32(nlh, LENSCAP_CAPTURE_A_SNAPLEN,
				 capture->snaplen);
	if (capture->rate)
		mnl_attr_put_u32(nlh, LENSCAP_CAPTURE_A_RATE, capture->rate);
	if (capture->link)
		mnl_attr_put(nlh, LENSCAP_CAPTURE_A_LINK, 0, NULL);
	client_message_end(client, nlh);
	*id = 0;
	return client_exchange(client, set_answer, id, err);
}

static int dump_answer(void *arg, const struct nlmsghdr *nlh,
		       struct client_error *err)
{
	struct client_captures *captures = arg;

	/* One ended and another began while they were read. */
	if (captures->count == LENSCAP_MAX_CAPTURES)
		return 0;
	return decode(nlh, &captures->items[captures->count++], err);
}

int client_captures(struct client *client, struct client_captures *captures,
		    struct client_error *err)
{
	const struct nlmsghdr *nlh;

	captures->count = 0;
	nlh = client_message(client, LENSCAP_CMD_CAPTURE_GET, NLM_F_DUMP, 0,
			     err);
	if (!nlh)
		return -1;
	client_message_end(client, nlh);
	return client_exchange(client, dump_answer, captures, err);
}
