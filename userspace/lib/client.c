// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink client's socket: finding the family, sending batches of
 * messages, and matching answers to them.
 *
 * A batch is any number of messages, of which only the last asks for an
 * acknowledgement; the kernel answers each refused one whether asked or not.
 * All of a batch is handled before sendmsg() returns, so its answers are
 * complete when the last one's is there. Sent messages stay in the buffer
 * until then: a refusal is attributed by sequence number, and the offset of
 * the attribute that it blames is looked up in our own copy, so that the
 * kernel need not send a megabyte back (NETLINK_CAP_ACK).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "client_internal.h"

static int ctrl_group(const struct nlattr *nest, struct client *client)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, nest) {
		const char *name = NULL;
		uint32_t id = 0;

		mnl_attr_for_each_nested(attr, group) {
			switch (mnl_attr_get_type(attr)) {
			case CTRL_ATTR_MCAST_GRP_NAME:
				if (mnl_attr_validate(attr,
						      MNL_TYPE_NUL_STRING) < 0)
					return -1;
				name = mnl_attr_get_str(attr);
				break;
			case CTRL_ATTR_MCAST_GRP_ID:
				if (!client_get_u32(attr, &id))
					return -1;
				break;
			}
		}
		if (name && !strcmp(name, LENSCAP_MCGRP_EVENTS))
			client->group = id;
	}
	return 0;
}

static int ctrl_answer(void *arg, const struct nlmsghdr *nlh,
		       struct client_error *err)
{
	struct client *client = arg;
	const struct nlattr *attr;
	uint32_t version = 0;
	uint16_t id;

	client_for_each_attr(attr, nlh) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (!client_get_u16(attr, &id))
				goto malformed;
			client->family = id;
			break;
		case CTRL_ATTR_VERSION:
			if (!client_get_u32(attr, &version))
				goto malformed;
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			if (ctrl_group(attr, client) < 0)
				goto malformed;
			break;
		}
	}
	if (version < LENSCAP_GENL_VERSION) {
		client_fail(err, CLIENT_VERSION, EPROTO,
			    "the lenscap module in the kernel speaks version %u of the protocol, this program needs %u: install the module of the same release and load it",
			    version, LENSCAP_GENL_VERSION);
		return -1;
	}
	return 0;

malformed:
	client_fail(err, CLIENT_SYSTEM, EBADMSG,
		    "the kernel's description of the family \"%s\" is malformed",
		    LENSCAP_GENL_NAME);
	return -1;
}

static int find_family(struct client *client, struct client_error *err)
{
	struct nlmsghdr *nlh;

	client->family = GENL_ID_CTRL;
	nlh = client_message(client, CTRL_CMD_GETFAMILY, 0, 64, err);
	if (!nlh)
		return -1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, LENSCAP_GENL_NAME);
	client_message_end(client, nlh);
	if (!client_exchange(client, ctrl_answer, client, err))
		return 0;
	if (err->fault == CLIENT_REFUSED && err->code == ENOENT)
		client_fail(err, CLIENT_NO_MODULE, ENOENT,
			    "the lenscap module is not loaded: load it with \"modprobe lenscap\" (as root; it must have been built for this kernel)");
	return -1;
}

static int set_options(struct client *client, struct client_error *err)
{
	static const struct timeval patience = { .tv_sec = 30 };
	int fd = mnl_socket_get_fd(client->nl);
	int size, on = 1;

	/*
	 * Extended acknowledgements make refusals readable; without them the
	 * errno value is left. The timeout is for a kernel that never answers,
	 * which would be a defect of it: an answer is waiting when sendmsg()
	 * returns, and dumps are made while they are read.
	 */
	mnl_socket_setsockopt(client->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(client->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0) {
		client_fail(err, CLIENT_SYSTEM, errno,
			    "cannot set up a netlink socket: %s",
			    strerror(errno));
		return -1;
	}
	/* Who may not exceed the limits may not configure either. */
	size = CLIENT_SNDBUF;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	size = CLIENT_RCVBUF;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

int client_open(struct client **result, struct client_error *err)
{
	struct client *client = calloc(1, sizeof(*client));

	*result = NULL;
	if (client)
		client->rx = malloc(CLIENT_RX);
	if (!client || !client->rx) {
		free(client);
		client_fail(err, CLIENT_SYSTEM, ENOMEM, "out of memory");
		return -1;
	}
	client->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!client->nl) {
		int code = errno;

		if (code == EPROTONOSUPPORT)
			client_fail(err, CLIENT_VERSION, code,
				    "this kernel has no generic netlink: Lenscap needs Linux 6.1 or later");
		else
			client_fail(err, CLIENT_SYSTEM, code,
				    "cannot open a netlink socket: %s",
				    strerror(code));
		goto fail;
	}
	if (mnl_socket_bind(client->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		client_fail(err, CLIENT_SYSTEM, errno,
			    "cannot bind a netlink socket: %s",
			    strerror(errno));
		goto fail;
	}
	client->portid = mnl_socket_get_portid(client->nl);
	if (set_options(client, err) < 0 || find_family(client, err) < 0)
		goto fail;
	*result = client;
	return 0;

fail:
	client_close(client);
	return -1;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->nl)
		mnl_socket_close(client->nl);
	free(client->tx);
	free(client->rx);
	free(client);
}

/**
 * client_message() - begin a message at the end of the batch
 * @client: the client
 * @command: of the family
 * @flags: NLM_F_*, besides NLM_F_REQUEST
 * @room: upper bound of the bytes that its attributes will take
 * @err: why not
 *
 * Return: the message, to be finished with client_message_end() before the
 * next is begun, or NULL.
 */
struct nlmsghdr *client_message(struct client *client, uint8_t command,
				uint16_t flags, size_t room,
				struct client_error *err)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;
	size_t need;

	need = client->tx_len + MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*genl)) +
	       room;
	if (need > client->tx_cap) {
		size_t cap = need < CLIENT_BATCH ? CLIENT_BATCH : need;
		char *tx = realloc(client->tx, cap);

		if (!tx) {
			client_fail(err, CLIENT_SYSTEM, ENOMEM,
				    "out of memory for a netlink message of %zu bytes",
				    cap);
			return NULL;
		}
		client->tx = tx;
		client->tx_cap = cap;
	}
	nlh = mnl_nlmsg_put_header(client->tx + client->tx_len);
	nlh->nlmsg_type = client->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++client->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = LENSCAP_GENL_VERSION;
	return nlh;
}

/**
 * client_message_end() - add a finished message to the batch
 * @client: the client
 * @nlh: the message
 */
void client_message_end(struct client *client, const struct nlmsghdr *nlh)
{
	client->tx_len += MNL_ALIGN(nlh->nlmsg_len);
}

/**
 * client_find() - the message of the batch with a sequence number
 * @client: the client
 * @seq: the number
 *
 * Return: the message, or NULL if it is not of this batch.
 */
struct nlmsghdr *client_find(const struct client *client, uint32_t seq)
{
	size_t at = 0;

	while (at < client->tx_len) {
		struct nlmsghdr *nlh = (void *)(client->tx + at);

		if (nlh->nlmsg_seq == seq)
			return nlh;
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	return NULL;
}

/**
 * client_receive() - read one datagram into the client's buffer
 * @client: the client
 * @flags: for recvfrom()
 * @err: why not; code EAGAIN if there was none
 *
 * Return: its length, 0 if it is not the kernel's, or -1.
 */
ssize_t client_receive(struct client *client, int flags,
		       struct client_error *err)
{
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	socklen_t from_len = sizeof(from);
	ssize_t len;

	do {
		len = recvfrom(mnl_socket_get_fd(client->nl), client->rx,
			       CLIENT_RX, flags | MSG_TRUNC,
			       (struct sockaddr *)&from, &from_len);
	} while (len < 0 && errno == EINTR);
	if (len > CLIENT_RX) {
		client_fail(err, CLIENT_LOST, ENOBUFS,
			    "an answer of the kernel was too long: %zd bytes",
			    len);
		return -1;
	}
	if (len >= 0)
		return from.nl_pid ? 0 : len;
	if (errno == ENOBUFS)
		client_fail(err, CLIENT_LOST, ENOBUFS,
			    "messages of the kernel were lost: the netlink socket's buffer was full");
	else
		client_fail(err, CLIENT_SYSTEM, errno,
			    "cannot read from the netlink socket: %s",
			    strerror(errno));
	return -1;
}

/**
 * struct exchange - answers to one batch, as they come in
 * @client: the client
 * @answer: called for answers with data, or NULL
 * @arg: for @answer
 * @last: sequence number of the last message
 * @done: its answer has come
 * @interrupted: the dump is inconsistent
 * @failed: something went wrong; @err says what went wrong first
 * @err: of the caller
 */
struct exchange {
	struct client *client;
	client_answer_fn answer;
	void *arg;
	uint32_t last;
	bool done;
	bool interrupted;
	bool failed;
	struct client_error *err;
};

static void note_refusal(struct exchange *x, const struct nlmsghdr *nlh)
{
	struct client *client = x->client;
	struct client_error err;

	client_refused(client, nlh, &err);
	client->refused++;
	if (client->refusal)
		client->refusal(client->refusal_arg, &err);
	if (!x->failed)
		*x->err = err;
	x->failed = true;
}

static void take_answer(struct exchange *x, const struct nlmsghdr *nlh)
{
	const int *error = mnl_nlmsg_get_payload(nlh);

	/* Left over from an exchange that was given up. */
	if (!client_find(x->client, nlh->nlmsg_seq))
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		x->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		return;
	case NLMSG_OVERRUN:
		client_fail(x->err, CLIENT_LOST, ENOBUFS,
			    "answers of the kernel were lost");
		x->failed = true;
		x->done = true;
		return;
	case NLMSG_ERROR:
	case NLMSG_DONE:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*error) && *error)
			note_refusal(x, nlh);
		if (nlh->nlmsg_seq == x->last)
			x->done = true;
		return;
	}
	if (x->failed || !x->answer ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return;
	if (x->answer(x->arg, nlh, x->err) < 0)
		x->failed = true;
}

/**
 * client_exchange() - send the batch and read all answers to it
 * @client: the client
 * @answer: called for answers with data, or NULL
 * @arg: for @answer
 * @err: what went wrong first
 *
 * The batch is empty afterwards.
 *
 * Return: 0, or -1; -1 with code EINTR for a dump that was interrupted by a
 * change and must be started again.
 */
int client_exchange(struct client *client, client_answer_fn answer, void *arg,
		    struct client_error *err)
{
	struct exchange x = {
		.client = client, .answer = answer, .arg = arg,
		.last = client->seq, .err = err,
	};
	struct nlmsghdr *last;
	int result = -1;

	if (!client->tx_len)
		return 0;
	last = client_find(client, client->seq);
	if ((last->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		last->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(client->nl, client->tx, client->tx_len) < 0) {
		client_fail(err, CLIENT_SYSTEM, errno,
			    "cannot send %zu bytes to the lenscap module: %s",
			    client->tx_len, strerror(errno));
		goto out;
	}
	while (!x.done) {
		const struct nlmsghdr *nlh = (void *)client->rx;
		ssize_t received = client_receive(client, 0, err);
		int len = (int)received;

		if (received < 0 && err->code == EAGAIN)
			client_fail(err, CLIENT_SYSTEM, ETIMEDOUT,
				    "the kernel did not answer a netlink request");
		if (received < 0)
			goto out;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			take_answer(&x, nlh);
	}
	if (x.interrupted && !x.failed) {
		client_fail(err, CLIENT_SYSTEM, EINTR,
			    "the kernel's state changed while it was read");
		x.failed = true;
	}
	result = x.failed ? -1 : 0;
out:
	client->tx_len = 0;
	return result;
}
