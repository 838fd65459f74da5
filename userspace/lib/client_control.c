// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink client's single requests: info, tag, guards, record rotation.
 */
#include <errno.h>
#include <string.h>

#include "client_internal.h"

static int info_answer(void *arg, const struct nlmsghdr *nlh,
		       struct client_error *err)
{
	if (!client_decode_info(nlh, arg))
		return 0;
	client_fail(err, CLIENT_SYSTEM, EBADMSG,
		    "the lenscap module's answer to info is malformed");
	return -1;
}

int client_info(struct client *client, struct client_info *info,
		struct client_error *err)
{
	const struct nlmsghdr *nlh;

	memset(info, 0, sizeof(*info));
	nlh = client_message(client, LENSCAP_CMD_INFO_GET, 0, 0, err);
	if (!nlh)
		return -1;
	client_message_end(client, nlh);
	return client_exchange(client, info_answer, info, err);
}

int client_tag_set(struct client *client, uint32_t value, uint32_t mask,
		   uint32_t class_mask, struct client_error *err)
{
	struct nlmsghdr *nlh;

	nlh = client_message(client, LENSCAP_CMD_TAG_SET, 0, 64, err);
	if (!nlh)
		return -1;
	mnl_attr_put_u32(nlh, LENSCAP_TAG_A_VALUE, value);
	mnl_attr_put_u32(nlh, LENSCAP_TAG_A_MASK, mask);
	mnl_attr_put_u32(nlh, LENSCAP_TAG_A_CLASS_MASK, class_mask);
	client_message_end(client, nlh);
	return client_exchange(client, NULL, NULL, err);
}

static int queue_guard_set(struct client *client,
			   const struct gateway_guard *guard,
			   struct client_error *err)
{
	struct nlmsghdr *nlh;

	nlh = client_message(client, LENSCAP_CMD_GUARD_SET, 0,
			     client_guard_room(guard), err);
	if (!nlh)
		return -1;
	client_put_guard(nlh, guard);
	client_message_end(client, nlh);
	return 0;
}

static int queue_guard_del(struct client *client, const char *name,
			   struct client_error *err)
{
	struct nlmsghdr *nlh;

	nlh = client_message(client, LENSCAP_CMD_GUARD_DEL, 0,
			     client_name_room(name), err);
	if (!nlh)
		return -1;
	mnl_attr_put_strz(nlh, LENSCAP_GUARD_A_NAME, name);
	client_message_end(client, nlh);
	return 0;
}

int client_guard_set(struct client *client, const struct gateway_guard *guard,
		     struct client_error *err)
{
	if (queue_guard_set(client, guard, err) < 0)
		return -1;
	return client_exchange(client, NULL, NULL, err);
}

int client_guard_del(struct client *client, const char *name,
		     struct client_error *err)
{
	if (queue_guard_del(client, name, err) < 0)
		return -1;
	return client_exchange(client, NULL, NULL, err);
}

int client_guard_swap(struct client *client, const char *del,
		      const struct gateway_guard *guard,
		      struct client_error *err)
{
	if (queue_guard_del(client, del, err) < 0)
		return -1;
	if (queue_guard_set(client, guard, err) < 0) {
		client->tx_len = 0;
		return -1;
	}
	return client_exchange(client, NULL, NULL, err);
}

static int rotate_answer(void *arg, const struct nlmsghdr *nlh,
			 struct client_error *err)
{
	struct client_record record;

	if (!client_decode_record(nlh, &record, arg))
		return 0;
	client_fail(err, CLIENT_SYSTEM, EBADMSG,
		    "the lenscap module's answer to a record rotation is malformed");
	return -1;
}

int client_record_rotate(struct client *client, struct client_losses *losses,
			 struct client_error *err)
{
	const struct nlmsghdr *nlh;

	memset(losses, 0, sizeof(*losses));
	nlh = client_message(client, LENSCAP_CMD_RECORD_ROTATE, 0, 0, err);
	if (!nlh)
		return -1;
	client_message_end(client, nlh);
	return client_exchange(client, rotate_answer, losses, err);
}
