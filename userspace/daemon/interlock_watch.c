// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock's ears: who changes nftables, and which interfaces come and go.
 *
 * The kernel tells of each change whose socket made it, and at the end of a
 * batch which process that was. Events are hints for interfaces, as everywhere
 * in the daemon; of tables they are believed, and what was lost is found by
 * the generation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "daemon.h"
#include "interlock.h"
#include "interlock_nft.h"
#include "log.h"

#define BUFFER_SIZE	(64U << 10)
#define RECEIVE_SIZE	(8U << 20)

/* The name of the table that an event is about: the first attribute of all. */
static const char *table_of(const struct nlmsghdr *message)
{
	const struct nlattr *attr =
		mnl_nlmsg_get_payload_offset(message,
					     sizeof(struct nfgenmsg));
	size_t len = mnl_nlmsg_get_payload_len(message);

	if (len < sizeof(struct nfgenmsg) + sizeof(*attr) ||
	    !mnl_attr_ok(attr, (int)(len - sizeof(struct nfgenmsg))) ||
	    mnl_attr_get_type(attr) != NFTA_TABLE_NAME ||
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return "";
	return mnl_attr_get_str(attr);
}

static bool about_us(const struct nlmsghdr *message)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);

	if (head->nfgen_family != NFPROTO_NETDEV &&
	    head->nfgen_family != NFPROTO_INET &&
	    head->nfgen_family != NFPROTO_BRIDGE)
		return false;
	return !strcmp(table_of(message), INTERLOCK_TABLE);
}

/* What is heard late is known already. */
static void advance(struct interlock *lock, uint32_t generation)
{
	if (generation - lock->generation < INT32_MAX)
		lock->generation = generation;
}

static void take_generation(struct interlock *lock,
			    const struct nlmsghdr *message)
{
	struct interlock_gap *gap = &lock->gap;
	bool who = lock->touched && !lock->told;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == NFTA_GEN_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			advance(lock, ntohl(mnl_attr_get_u32(attr)));
		if (who && type == NFTA_GEN_PROC_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			(void)snprintf(gap->name, sizeof(gap->name), "%s",
				       mnl_attr_get_str(attr));
		if (who && type == NFTA_GEN_PROC_PID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			gap->pid = ntohl(mnl_attr_get_u32(attr));
	}
	lock->told = lock->touched;
}

/*
 * Who is 0 is the kernel, which removes a chain together with its interface.
 * That is no other program's doing, and is looked for when links change.
 */
static int take_event(const struct nlmsghdr *message, void *arg)
{
	struct interlock *lock = arg;

	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return MNL_CB_OK;
	if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
		take_generation(lock, message);
	} else if (message->nlmsg_pid &&
		   message->nlmsg_pid != lock->nft.port && !lock->touched &&
		   about_us(message)) {
		lock->touched = true;
		lock->told = false;
		lock->gap.since = interlock_now();
		lock->gap.pid = 0;
		lock->gap.name[0] = '\0';
	}
	return MNL_CB_OK;
}

/* Reads all that has arrived; false: some of it was lost. */
static bool drain(struct mnl_socket *socket, mnl_cb_t each, void *arg)
{
	static char buffer[BUFFER_SIZE] __attribute__((aligned(8)));
	bool whole = true;

	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(socket), buffer,
				   sizeof(buffer), MSG_DONTWAIT);

		if (got < 0 && errno == ENOBUFS)
			whole = false;
		else if (got < 0 && errno != EINTR)
			return whole;
		else if (got > 0)
			(void)mnl_cb_run(buffer, (size_t)got, 0, 0, each, arg);
	}
}

/**
 * interlock_hear() - take in what nf_tables has told
 * @lock: it
 *
 * Return: true if that is all there was, or false if some was lost. Then the
 * tables are not what is remembered, and were written anew.
 */
bool interlock_hear(struct interlock *lock)
{
	if (!lock->events)
		return true;
	if (drain(lock->events, take_event, lock) || lock->touched)
		return true;
	log_info("nf_tables told more than could be heard: the interlock is written anew");
	interlock_forget(lock);
	return false;
}

static void on_events(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct interlock *lock = watcher->data;

	(void)loop;
	(void)events;
	interlock_hear(lock);
	/* Who it was comes last, and at once. */
	if (lock->touched && lock->told)
		interlock_touched(lock);
}

static int take_link(const struct nlmsghdr *message, void *arg)
{
	*(bool *)arg |= message->nlmsg_type == RTM_NEWLINK ||
			message->nlmsg_type == RTM_DELLINK;
	return MNL_CB_OK;
}

static void on_links(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct interlock *lock = watcher->data;
	bool changed = false;

	(void)loop;
	(void)events;
	if (drain(lock->links, take_link, &changed) && !changed)
		return;
	lock->under.fresh = false;
	interlock_tick(lock);
}

static struct mnl_socket *subscribe(int family, int group)
{
	struct mnl_socket *socket = mnl_socket_open2(family, SOCK_CLOEXEC);
	int size = RECEIVE_SIZE;

	if (!socket)
		return NULL;
	(void)setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET,
			 SO_RCVBUFFORCE, &size, sizeof(size));
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0) {
		mnl_socket_close(socket);
		return NULL;
	}
	return socket;
}

static void watch(struct interlock *lock, ev_io *watcher,
		  struct mnl_socket *socket,
		  void (*call)(struct ev_loop *, ev_io *, int))
{
	ev_io_init(watcher, call, mnl_socket_get_fd(socket), EV_READ);
	watcher->data = lock;
	ev_io_start(lock->daemon->loop, watcher);
}

/**
 * interlock_listen() - hear of changes from now on
 * @lock: it
 */
void interlock_listen(struct interlock *lock)
{
	if (lock->events)
		return;
	lock->events = subscribe(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
	if (!lock->events) {
		log_warning("nf_tables cannot be listened to (%s): the interlock is looked at once a second",
			    strerror(errno));
		return;
	}
	watch(lock, &lock->watch_events, lock->events, on_events);
	lock->links = subscribe(NETLINK_ROUTE, RTNLGRP_LINK);
	if (lock->links)
		watch(lock, &lock->watch_links, lock->links, on_links);
	/* What changed before is not told. */
	lock->under.fresh = false;
}

/**
 * interlock_deafen() - do not listen for a while
 * @lock: it
 * @deaf: from now on, or not any more
 */
void interlock_deafen(struct interlock *lock, bool deaf)
{
	int group = NFNLGRP_NFTABLES;

	if (lock->events)
		(void)mnl_socket_setsockopt(lock->events, deaf ?
					    NETLINK_DROP_MEMBERSHIP :
					    NETLINK_ADD_MEMBERSHIP, &group,
					    sizeof(group));
}

/**
 * interlock_unlisten() - stop listening
 * @lock: it
 */
void interlock_unlisten(struct interlock *lock)
{
	if (lock->events) {
		ev_io_stop(lock->daemon->loop, &lock->watch_events);
		mnl_socket_close(lock->events);
	}
	if (lock->links) {
		ev_io_stop(lock->daemon->loop, &lock->watch_links);
		mnl_socket_close(lock->links);
	}
	lock->events = NULL;
	lock->links = NULL;
}
