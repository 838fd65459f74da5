// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control socket: connections, lines in, lines out.
 *
 * Everything is bounded. A connection with an answer outstanding is not read
 * from, so that what a client can make the daemon hold is one request and one
 * answer. Followers do not hold anything up: who cannot keep pace is told so
 * and disconnected.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "daemon.h"
#include "log.h"
#include "mem.h"

#define READ_SIZE	(64U << 10)
#define BACKLOG		16

/**
 * struct connection - one client
 * @control: the socket that it came through
 * @prev: neighbour in the list
 * @next: neighbour in the list
 * @fd: its socket
 * @peer: process and user at the other end, for the log
 * @reader: it has sent something
 * @writer: it can take something
 * @patience: ends it when nothing moves
 * @in: bytes received and not yet handled
 * @in_len: how many
 * @in_cap: room of @in
 * @scanned: of @in, bytes known to hold no newline
 * @out: bytes to be sent
 * @out_len: how many
 * @out_cap: room of @out
 * @out_done: of these, already sent
 * @held: a socket that is closed with it, or NULL
 * @follows: it gets records
 * @ending: nothing more is read; it ends when @out is sent
 * @dead: it is closed as soon as nobody uses it
 */
struct connection {
	struct control *control;
	struct connection *prev, *next;
	int fd;
	char peer[64];
	ev_io reader, writer;
	ev_timer patience;
	char *in;
	size_t in_len, in_cap, scanned;
	char *out;
	size_t out_len, out_cap, out_done;
	struct client *held;
	bool follows, ending, dead;
};

static size_t outstanding(const struct connection *connection)
{
	return connection->out_len - connection->out_done;
}

static void drop_input(struct connection *connection)
{
	connection->control->input -= connection->in_len;
	free(connection->in);
	connection->in = NULL;
	connection->in_len = 0;
	connection->in_cap = 0;
	connection->scanned = 0;
}

static void close_connection(struct connection *connection)
{
	struct control *control = connection->control;

	ev_io_stop(control->loop, &connection->reader);
	ev_io_stop(control->loop, &connection->writer);
	ev_timer_stop(control->loop, &connection->patience);
	close(connection->fd);
	client_close(connection->held);
	drop_input(connection);
	free(connection->out);
	*(connection->prev ? &connection->prev->next :
			     &control->connections) = connection->next;
	if (connection->next)
		connection->next->prev = connection->prev;
	control->count--;
	free(connection);
}

/* Which events a connection waits for follows from its buffers alone. */
static void update_watchers(struct connection *connection)
{
	struct ev_loop *loop = connection->control->loop;
	bool writing = outstanding(connection);
	bool reading = !connection->ending &&
		       (!writing || connection->follows);

	if (writing)
		ev_io_start(loop, &connection->writer);
	else
		ev_io_stop(loop, &connection->writer);
	if (reading)
		ev_io_start(loop, &connection->reader);
	else
		ev_io_stop(loop, &connection->reader);
	if (!writing && !connection->in_len)
		ev_timer_stop(loop, &connection->patience);
	else if (!ev_is_active(&connection->patience))
		ev_timer_again(loop, &connection->patience);
}

static void write_out(struct connection *connection)
{
	while (outstanding(connection)) {
		ssize_t sent = send(connection->fd,
				    connection->out + connection->out_done,
				    outstanding(connection),
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				connection->dead = true;
			return;
		}
		connection->out_done += (size_t)sent;
		ev_timer_again(connection->control->loop,
			       &connection->patience);
	}
	free(connection->out);
	connection->out = NULL;
	connection->out_len = 0;
	connection->out_cap = 0;
	connection->out_done = 0;
	if (connection->ending)
		connection->dead = true;
}

/**
 * connection_send() - queue bytes
 * @connection: where to
 * @text: they
 * @len: how many
 */
void connection_send(struct connection *connection, const char *text,
		     size_t len)
{
	size_t need = connection->out_len + len;

	if (connection->out_done) {
		connection->out_len -= connection->out_done;
		need -= connection->out_done;
		memmove(connection->out,
			connection->out + connection->out_done,
			connection->out_len);
		connection->out_done = 0;
	}
	if (need > connection->out_cap) {
		size_t cap = need < 2 * connection->out_cap ?
			     2 * connection->out_cap : need;
		char *out = realloc(connection->out, cap);

		if (!out) {
			connection->dead = true;
			return;
		}
		connection->out = out;
		connection->out_cap = cap;
	}
	memcpy(connection->out + connection->out_len, text, len);
	connection->out_len += len;
}

static int send_piece(const char *text, size_t len, void *arg)
{
	connection_send(arg, text, len);
	return 0;
}

/**
 * connection_send_json() - queue a value as a line
 * @connection: where to
 * @value: it
 */
void connection_send_json(struct connection *connection, const json_t *value)
{
	json_dump_callback(value, send_piece, connection,
			   JSON_COMPACT | JSON_ENCODE_ANY);
	connection_send(connection, "\n", 1);
}

static void send_error(struct connection *connection, const char *error)
{
	json_t *answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", error,
				   "code", "refused");

	connection_send_json(connection, answer);
	json_decref(answer);
}

/**
 * connection_hold() - close a netlink socket when a connection ends
 * @connection: the connection
 * @client: the socket
 *
 * Return: false if it holds one already.
 */
bool connection_hold(struct connection *connection, struct client *client)
{
	if (connection->held)
		return false;
	connection->held = client;
	return true;
}

/**
 * connection_peer() - who is at the other end
 * @connection: of this one
 *
 * Return: "pid 123, uid 0", for the log.
 */
const char *connection_peer(const struct connection *connection)
{
	return connection->peer;
}

/**
 * control_follow() - let a connection have all records from now on
 * @connection: it
 */
void control_follow(struct connection *connection)
{
	connection->follows = true;
}

/* Handles the first complete line, if there is one. */
static bool handle_line(struct connection *connection)
{
	char *end;
	size_t len;

	end = memchr(connection->in + connection->scanned, '\n',
		     connection->in_len - connection->scanned);
	if (!end) {
		connection->scanned = connection->in_len;
		return false;
	}
	len = (size_t)(end - connection->in);
	command_run(connection->control->daemon, connection, connection->in,
		    len);
	len++;
	connection->control->input -= len;
	connection->in_len -= len;
	connection->scanned = 0;
	if (connection->in_len)
		memmove(connection->in, connection->in + len,
			connection->in_len);
	else
		drop_input(connection);
	return true;
}

static void handle_lines(struct connection *connection)
{
	while (!connection->ending && !connection->dead &&
	       !outstanding(connection) && connection->in_len) {
		if (!handle_line(connection))
			break;
		write_out(connection);
	}
}

static void settle(struct connection *connection)
{
	if (connection->dead)
		close_connection(connection);
	else
		update_watchers(connection);
}

static void refuse_input(struct connection *connection, const char *error)
{
	drop_input(connection);
	send_error(connection, error);
	connection->ending = true;
	write_out(connection);
}

static void take_input(struct connection *connection, const char *bytes,
		       size_t len)
{
	struct control *control = connection->control;
	size_t need = connection->in_len + len;

	/* A follower has nothing more to say. */
	if (connection->follows)
		return;
	if (control->input + len > CONTROL_INPUT_MAX) {
		refuse_input(connection,
			     "too many large requests at a time: try again later");
		return;
	}
	if (need > connection->in_cap) {
		size_t cap = need < 2 * connection->in_cap ?
			     2 * connection->in_cap : need;
		char *in = realloc(connection->in, cap);

		if (!in) {
			refuse_input(connection, "out of memory");
			return;
		}
		connection->in = in;
		connection->in_cap = cap;
	}
	memcpy(connection->in + connection->in_len, bytes, len);
	connection->in_len = need;
	control->input += len;
	ev_timer_again(control->loop, &connection->patience);
	handle_lines(connection);
	if (connection->scanned > CONTROL_REQUEST_MAX)
		refuse_input(connection,
			     "a request must be one line of at most 64 MiB");
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *connection = watcher->data;
	char bytes[READ_SIZE];
	ssize_t len;

	(void)loop;
	(void)events;
	len = recv(connection->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (len > 0) {
		take_input(connection, bytes, (size_t)len);
	} else if (!len) {
		if (connection->in_len && !connection->follows)
			send_error(connection,
				   "the request ends without a newline");
		/* Who has closed one direction may still read the other. */
		connection->ending = true;
		connection->dead = connection->follows;
		write_out(connection);
	} else if (errno != EAGAIN && errno != EINTR) {
		connection->dead = true;
	}
	settle(connection);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *connection = watcher->data;

	(void)loop;
	(void)events;
	write_out(connection);
	handle_lines(connection);
	settle(connection);
}

static void on_impatient(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct connection *connection = watcher->data;

	(void)events;
	ev_timer_stop(loop, watcher);
	if (!outstanding(connection) && !connection->in_len)
		return;
	if (connection->follows && !connection->ending)
		connection->control->dropped++;
	log_warning("a client (%s) was disconnected: it %s", connection->peer,
		    outstanding(connection) ? "did not read its answer" :
					      "did not finish its request");
	close_connection(connection);
}

/**
 * control_broadcast() - give a record to all followers
 * @control: the socket
 * @record: the record
 */
void control_broadcast(struct control *control, const json_t *record)
{
	struct connection *connection, *next;
	char *line = NULL;
	size_t len = 0;

	for (connection = control->connections; connection;
	     connection = next) {
		next = connection->next;
		if (!connection->follows || connection->ending)
			continue;
		if (!line) {
			json_t *value = json_pack("{s:O}", "drop", record);

			line = json_dumps(value, JSON_COMPACT);
			len = strlen(line);
			line[len++] = '\n';
			json_decref(value);
		}
		connection_send(connection, line, len);
		if (outstanding(connection) > CONTROL_FOLLOW_MAX) {
			control->dropped++;
			log_warning("a follower of drop records (%s) was disconnected: it did not keep pace",
				    connection->peer);
			send_error(connection,
				   "too slow: further drop records are not sent");
			connection->ending = true;
			ev_timer_again(control->loop, &connection->patience);
		}
		write_out(connection);
		settle(connection);
	}
	free(line);
}

static void identify(struct connection *connection)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		snprintf(connection->peer, sizeof(connection->peer),
			 "an unknown process");
	else
		snprintf(connection->peer, sizeof(connection->peer),
			 "pid %d, uid %u", (int)cred.pid, cred.uid);
}

static void on_accept(struct ev_loop *loop, ev_io *watcher, int events)
{
	static const char busy[] =
		"{\"ok\":false,\"error\":\"too many connections: try again later\",\"code\":\"refused\"}\n";
	struct control *control = watcher->data;
	struct connection *connection;
	int fd;

	(void)events;
	fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (control->count == CONTROL_CONNECTIONS) {
		(void)send(fd, busy, sizeof(busy) - 1,
			   MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	connection = mem_alloc(sizeof(*connection));
	connection->control = control;
	connection->fd = fd;
	identify(connection);
	connection->next = control->connections;
	if (connection->next)
		connection->next->prev = connection;
	control->connections = connection;
	control->count++;
	ev_io_init(&connection->reader, on_readable, fd, EV_READ);
	ev_io_init(&connection->writer, on_writable, fd, EV_WRITE);
	ev_init(&connection->patience, on_impatient);
	connection->patience.repeat = CONTROL_PATIENCE;
	connection->reader.data = connection;
	connection->writer.data = connection;
	connection->patience.data = connection;
	ev_io_start(loop, &connection->reader);
}

/* Nobody listens on a socket that a killed daemon left behind. */
static enum control_result clear_stale(const struct sockaddr_un *address)
{
	const char *path = address->sun_path;
	struct stat stat;
	int fd, result;

	if (lstat(path, &stat) < 0) {
		if (errno == ENOENT)
			return CONTROL_OPEN;
		log_error("control socket %s: %s", path, strerror(errno));
		return CONTROL_FAILED;
	}
	if (!S_ISSOCK(stat.st_mode)) {
		log_error("control socket %s: something else has this name: remove it, or give gateway.yaml another",
			  path);
		return CONTROL_FAILED;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		log_error("cannot make a UNIX socket: %s", strerror(errno));
		return CONTROL_FAILED;
	}
	result = connect(fd, (const struct sockaddr *)address,
			 sizeof(*address));
	if (result < 0 && errno != ECONNREFUSED) {
		log_error("control socket %s: %s", path, strerror(errno));
		result = CONTROL_FAILED;
	} else if (result < 0) {
		result = unlink(path) < 0 ? CONTROL_FAILED : CONTROL_OPEN;
		if (result == CONTROL_FAILED)
			log_error("cannot remove the stale control socket %s: %s",
				  path, strerror(errno));
	} else {
		log_error("another program listens on the control socket %s; nothing was changed",
			  path);
		result = CONTROL_BUSY;
	}
	close(fd);
	return result;
}

static void give_to_group(const char *path, const char *name)
{
	const struct group *group = getgrnam(name);

	if (!group)
		log_warning("there is no group \"%s\": only root can use the control socket (\"groupadd --system %s\" and a restart change that)",
			    name, name);
	else if (chown(path, (uid_t)-1, group->gr_gid) < 0)
		log_warning("cannot give the control socket to the group \"%s\": %s: only root can use it",
			    name, strerror(errno));
}

/**
 * control_open() - listen
 * @control: to be set up
 * @path: of the socket
 * @group: who may use it, besides root
 */
enum control_result control_open(struct control *control, const char *path,
				 const char *group)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	enum control_result result;
	mode_t mask;
	int failed;

	memset(control, 0, sizeof(*control));
	control->fd = -1;
	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("control socket %s: the path is longer than %zu bytes",
			  path, sizeof(address.sun_path) - 1);
		return CONTROL_FAILED;
	}
	memcpy(address.sun_path, path, strlen(path));
	result = clear_stale(&address);
	if (result != CONTROL_OPEN)
		return result;
	control->fd = socket(AF_UNIX,
			     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody gets in before the group is set. */
	mask = umask(0177);
	failed = control->fd < 0 ||
		 bind(control->fd, (const struct sockaddr *)&address,
		      sizeof(address)) < 0;
	umask(mask);
	if (failed) {
		log_error("cannot listen on the control socket %s: %s", path,
			  strerror(errno));
		goto fail;
	}
	control->path = mem_copy(path);
	give_to_group(path, group);
	if (chmod(path, 0660) < 0 || listen(control->fd, BACKLOG) < 0) {
		log_error("cannot listen on the control socket %s: %s", path,
			  strerror(errno));
		goto fail;
	}
	return CONTROL_OPEN;

fail:
	control_close(control);
	return CONTROL_FAILED;
}

/**
 * control_start() - serve
 * @control: was opened
 * @daemon: whom commands are for
 * @loop: the event loop
 */
void control_start(struct control *control, struct daemon *daemon,
		   struct ev_loop *loop)
{
	control->daemon = daemon;
	control->loop = loop;
	ev_io_init(&control->accept, on_accept, control->fd, EV_READ);
	control->accept.data = control;
	ev_io_start(loop, &control->accept);
}

/**
 * control_close() - disconnect all and remove the socket
 * @control: it; never opened is fine
 */
void control_close(struct control *control)
{
	struct connection *connection, *next;

	for (connection = control->connections; connection;
	     connection = next) {
		next = connection->next;
		write_out(connection);
		close_connection(connection);
	}
	if (control->loop)
		ev_io_stop(control->loop, &control->accept);
	if (control->fd >= 0)
		close(control->fd);
	if (control->path)
		unlink(control->path);
	free(control->path);
	memset(control, 0, sizeof(*control));
	control->fd = -1;
}
