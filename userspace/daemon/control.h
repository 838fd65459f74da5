/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: connections, lines in, lines out. What lines mean is
 * the business of command.c.
 */
#ifndef LENSCAPD_CONTROL_H
#define LENSCAPD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ev.h>
#include <jansson.h>

/* A request is one line of at most this many bytes. */
#define CONTROL_REQUEST_MAX	(64U << 20)

/* What all unfinished requests together may take. */
#define CONTROL_INPUT_MAX	(256U << 20)

/* A follower that has more than this outstanding is too slow. */
#define CONTROL_FOLLOW_MAX	(4U << 20)

/* Connections at a time. */
#define CONTROL_CONNECTIONS	64

/* Seconds that half a request, or an answer nobody reads, may stand still. */
#define CONTROL_PATIENCE	60.

struct client;
struct daemon;
struct connection;

/**
 * struct control - the control socket
 * @daemon: for command.c
 * @loop: the event loop
 * @path: the socket; NULL before it exists
 * @fd: the listening socket
 * @accept: I/O on it
 * @connections: list of them
 * @count: how many
 * @input: bytes of unfinished requests
 * @dropped: followers that were too slow, ever
 */
struct control {
	struct daemon *daemon;
	struct ev_loop *loop;
	char *path;
	int fd;
	ev_io accept;
	struct connection *connections;
	unsigned int count;
	size_t input;
	uint64_t dropped;
};

enum control_result {
	CONTROL_OPEN,
	CONTROL_BUSY,	/* somebody listens there already; it was logged */
	CONTROL_FAILED,	/* it was logged why */
};

enum control_result control_open(struct control *control, const char *path,
				 const char *group);
void control_start(struct control *control, struct daemon *daemon,
		   struct ev_loop *loop);
void control_close(struct control *control);
void control_follow(struct connection *connection);
void control_broadcast(struct control *control, const json_t *record);

void connection_send(struct connection *connection, const char *text,
		     size_t len);
void connection_send_json(struct connection *connection, const json_t *value);
bool connection_hold(struct connection *connection, struct client *client);
const char *connection_peer(const struct connection *connection);

#endif /* LENSCAPD_CONTROL_H */
