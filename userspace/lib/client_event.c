// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink client's events: a socket that joined the multicast group.
 */
#include <errno.h>
#include <string.h>

#include "client_internal.h"

/*
 * What may wait to be read: some thousand events. More would only delay the
 * moment in which a reader that was away reads everything anew.
 */
#define EVENTS_RCVBUF	(1 << 20)

/* Datagrams read in one call of client_events(). */
#define EVENTS_AT_ONCE	256

int client_subscribe(struct client *client, struct client_error *err)
{
	int group = (int)client->group, size = EVENTS_RCVBUF;

	if (!group) {
		client_fail(err, CLIENT_VERSION, EPROTO,
			    "the lenscap module has no multicast group \"%s\": it is of another release",
			    LENSCAP_MCGRP_EVENTS);
		return -1;
	}
	(void)setsockopt(client_fd(client), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	if (mnl_socket_setsockopt(client->nl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0) {
		client_fail(err, errno == EPERM ? CLIENT_PERMISSION :
						  CLIENT_SYSTEM, errno,
			    "cannot listen to the lenscap module's events: %s",
			    strerror(errno));
		return -1;
	}
	return 0;
}

int client_fd(const struct client *client)
{
	return mnl_socket_get_fd(client->nl);
}

/* An event that makes no sense is one that is lost: @err says so. */
static int take_event(const struct client *client, const struct nlmsghdr *nlh,
		      client_event_fn call, void *arg,
		      struct client_error *err)
{
	struct client_event event = { 0 };
	int bad;

	if (nlh->nlmsg_type != client->family ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return 0;
	event.command = client_command(nlh);
	switch (event.command) {
	case LENSCAP_CMD_DROP_EVENT:
	case LENSCAP_CMD_UNKNOWN_EVENT:
		bad = client_decode_record(nlh, &event.record, &event.losses);
		break;
	case LENSCAP_CMD_GENERATION_EVENT:
		bad = client_decode_info(nlh, &event.info);
		break;
	case LENSCAP_CMD_GUARD_EVENT:
		bad = client_decode_guard(nlh, &event.guard);
		break;
	default:
		return 0;
	}
	if (!bad)
		call(arg, &event);
	else
		client_fail(err, CLIENT_LOST, EBADMSG,
			    "a malformed event (%u) of the lenscap module",
			    event.command);
	if (event.command == LENSCAP_CMD_GUARD_EVENT)
		client_guard_free(&event.guard);
	return bad;
}

int client_events(struct client *client, client_event_fn event, void *arg,
		  struct client_error *err)
{
	int left, result = 0;

	for (left = EVENTS_AT_ONCE; left; left--) {
		const struct nlmsghdr *nlh = (void *)client->rx;
		ssize_t received;
		int len;

		received = client_receive(client, MSG_DONTWAIT, err);
		if (received < 0)
			return err->code == EAGAIN ? result : -1;
		len = (int)received;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			if (take_event(client, nlh, event, arg, err) < 0)
				result = -1;
	}
	return result;
}
