// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink client's transactions.
 *
 * Parts are collected to batches of CLIENT_BATCH bytes. What the kernel
 * refuses is told to the caller part by part, so that all mistakes of a
 * policy are known after one attempt; once a part was refused, a commit is
 * not even sent.
 */
#include <errno.h>
#include <string.h>

#include "client_internal.h"

static int txn_answer(void *arg, const struct nlmsghdr *nlh,
		      struct client_error *err)
{
	const struct nlattr *attr;

	client_for_each_attr(attr, nlh) {
		if (mnl_attr_get_type(attr) == LENSCAP_TXN_A_GENERATION &&
		    client_get_u32(attr, arg))
			return 0;
	}
	client_fail(err, CLIENT_SYSTEM, EBADMSG,
		    "the lenscap module's answer names no generation");
	return -1;
}

int client_txn_begin(struct client *client, uint8_t base,
		     client_refusal_fn refusal, void *arg,
		     uint32_t *generation, struct client_error *err)
{
	struct nlmsghdr *nlh;
	uint32_t live;

	client->refusal = NULL;
	nlh = client_message(client, LENSCAP_CMD_TXN_BEGIN, 0, 16, err);
	if (!nlh)
		return -1;
	mnl_attr_put_u8(nlh, LENSCAP_TXN_A_BASE, base);
	client_message_end(client, nlh);
	if (client_exchange(client, txn_answer, &live, err) < 0)
		return -1;
	if (generation)
		*generation = live;
	client->refusal = refusal;
	client->refusal_arg = arg;
	client->refused = 0;
	return 0;
}

/* Sends the batch if another part of @room bytes would make it too large. */
static int make_room(struct client *client, size_t room,
		     struct client_error *err)
{
	if (!client->tx_len || client->tx_len + room <= CLIENT_BATCH)
		return 0;
	return client_exchange(client, NULL, NULL, err);
}

static int put_named(struct client *client, uint8_t command, uint16_t type,
		     const char *name, struct client_error *err)
{
	size_t room = client_name_room(name);
	int result = make_room(client, room, err);
	struct nlmsghdr *nlh;

	nlh = client_message(client, command, 0, room, err);
	if (!nlh)
		return -1;
	mnl_attr_put_strz(nlh, type, name);
	client_message_end(client, nlh);
	return result;
}

int client_txn_profile_set(struct client *client,
			   const struct policy_profile *profile,
			   struct client_error *err)
{
	size_t room = client_profile_room(profile);
	int result = make_room(client, room, err);
	struct nlmsghdr *nlh;

	nlh = client_message(client, LENSCAP_CMD_PROFILE_SET, 0, room, err);
	if (!nlh)
		return -1;
	client_put_profile(nlh, profile);
	client_message_end(client, nlh);
	return result;
}

int client_txn_profile_del(struct client *client, const char *name,
			   struct client_error *err)
{
	return put_named(client, LENSCAP_CMD_PROFILE_DEL,
			 LENSCAP_PROFILE_A_NAME, name, err);
}

int client_txn_device_set(struct client *client,
			  const struct policy_device *device,
			  struct client_error *err)
{
	size_t room = client_device_room(device);
	int result = make_room(client, room, err);
	struct nlmsghdr *nlh;

	nlh = client_message(client, LENSCAP_CMD_DEVICE_SET, 0, room, err);
	if (!nlh)
		return -1;
	client_put_device(nlh, device);
	client_message_end(client, nlh);
	return result;
}

int client_txn_device_del(struct client *client, const char *name,
			  struct client_error *err)
{
	return put_named(client, LENSCAP_CMD_DEVICE_DEL, LENSCAP_DEVICE_A_NAME,
			 name, err);
}

int client_txn_commit(struct client *client, const struct client_commit *commit,
		      uint32_t *generation, struct client_error *err)
{
	struct nlmsghdr *nlh;
	uint32_t live;

	if (client_exchange(client, NULL, NULL, err) < 0)
		return -1;
	if (client->refused) {
		client_fail(err, CLIENT_REFUSED, EINVAL,
			    "the lenscap module refused %zu part(s) of the policy",
			    client->refused);
		return -1;
	}
	nlh = client_message(client, LENSCAP_CMD_TXN_COMMIT, 0, 128, err);
	if (!nlh)
		return -1;
	mnl_attr_put_u32(nlh, LENSCAP_TXN_A_GENERATION, commit->generation);
	mnl_attr_put_u64(nlh, LENSCAP_TXN_A_REVISION, commit->revision);
	if (commit->digest)
		mnl_attr_put(nlh, LENSCAP_TXN_A_DIGEST, LENSCAP_DIGEST_LEN,
			     commit->digest);
	if (commit->rollback)
		mnl_attr_put(nlh, LENSCAP_TXN_A_ROLLBACK, 0, NULL);
	client_message_end(client, nlh);
	client->refusal = NULL;
	if (client_exchange(client, txn_answer, &live, err) < 0)
		return -1;
	*generation = live;
	return 0;
}

int client_txn_abort(struct client *client, struct client_error *err)
{
	const struct nlmsghdr *nlh;

	/* Parts that were not sent yet need not be. */
	client->tx_len = 0;
	client->refusal = NULL;
	nlh = client_message(client, LENSCAP_CMD_TXN_ABORT, 0, 0, err);
	if (!nlh)
		return -1;
	client_message_end(client, nlh);
	return client_exchange(client, NULL, NULL, err);
}
