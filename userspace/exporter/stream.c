// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests to the control socket, and answers of any length in little memory.
 *
 * The list of 50,000 devices takes ten times its text as a tree of JSON values.
 * So the objects of a list are cut out of the answer while it arrives, parsed
 * one by one, and handed on; what remains around them is small, and parsed when
 * the line ends:
 *
 *   {"ok":true,"devices":[{"name":"a"},{"name":"b"}]}
 *                         ^^^^^^^^^^^^ ^^^^^^^^^^^^      elements
 *   {"ok":true,"devices":[]}                             the rest
 *
 * One deadline holds for all requests of a connection, however steadily bytes
 * trickle in: who asked for the metrics does not wait for ever either.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "stream.h"

#define REST_MAX	(16UL << 20)	/* 256 guards take about one of these */
#define ELEMENT_MAX	(1UL << 20)
#define DEPTH_MAX	32
#define LIST_DEPTH	2	/* of what is in a list of the answer */

/* Bytes that are kept until they can be parsed. */
struct piece {
	char *bytes;
	size_t len, size, max;
};

/**
 * struct cutter - where in an answer one is
 * @depth: of brackets
 * @list: whether the bracket at LIST_DEPTH is that of a list
 * @string: within quotes
 * @escape: after a backslash
 * @rest: what is around the elements
 * @element: the one that has begun
 * @call: hears about elements; NULL: all is rest
 * @arg: for @call
 */
struct cutter {
	int depth;
	bool list, string, escape;
	struct piece rest, element;
	stream_fn call;
	void *arg;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/**
 * stream_open() - connect to the daemon
 * @stream: to be set up; stream_close() it in any case
 * @path: of the control socket
 * @seconds: time for all that follows
 *
 * Return: 0 or a negative errno.
 */
int stream_open(struct stream *stream, const char *path, unsigned int seconds)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	stream->fd = -1;
	stream->at = 0;
	stream->len = 0;
	stream->deadline = now_ms() + (int64_t)seconds * 1000;
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);
	/* Nonblocking: a full backlog is answered with EAGAIN, not waited for. */
	stream->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0);
	if (stream->fd < 0 ||
	    connect(stream->fd, (struct sockaddr *)&address,
		    sizeof(address)) < 0)
		return -errno;
	return 0;
}

/**
 * stream_close() - hang up
 * @stream: the connection
 */
void stream_close(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
}

static int wait_for(const struct stream *stream, short events)
{
	struct pollfd fd = { .fd = stream->fd, .events = events };
	int64_t left = stream->deadline - now_ms();
	int ready;

	if (left <= 0)
		return -ETIMEDOUT;
	ready = poll(&fd, 1, (int)left);
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready ? 0 : -ETIMEDOUT;
}

static int send_all(const struct stream *stream, const char *text, size_t len)
{
	int error = 0;

	while (!error && len) {
		ssize_t done = send(stream->fd, text, len, MSG_NOSIGNAL);

		if (done >= 0) {
			text += done;
			len -= (size_t)done;
		} else if (errno == EAGAIN) {
			error = wait_for(stream, POLLOUT);
		} else if (errno != EINTR) {
			error = errno == EPIPE ? -ECONNRESET : -errno;
		}
	}
	return error;
}

static int receive(struct stream *stream)
{
	ssize_t got = -1;

	while (got < 0) {
		int error = wait_for(stream, POLLIN);

		if (error)
			return error;
		got = recv(stream->fd, stream->buffer, sizeof(stream->buffer),
			   0);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	if (!got)
		return -ECONNRESET;
	stream->at = 0;
	stream->len = (size_t)got;
	return 0;
}

static int keep(struct piece *piece, char byte)
{
	if (piece->len == piece->max)
		return -EFBIG;
	if (piece->len == piece->size) {
		piece->bytes = mem_array_room(piece->bytes, piece->len,
					      piece->size ? piece->size : 4096,
					      1);
		piece->size = piece->size ? 2 * piece->size : 4096;
	}
	piece->bytes[piece->len++] = byte;
	return 0;
}

static int finish_element(struct cutter *cutter)
{
	json_t *object = json_loadb(cutter->element.bytes, cutter->element.len,
				    0, NULL);
	int error = -EBADMSG;

	if (json_is_object(object))
		error = cutter->call(cutter->arg, object);
	json_decref(object);
	cutter->element.len = 0;
	return error;
}

/* Follows quotes and brackets; returns how the depth changes. */
static int follow(struct cutter *cutter, char byte)
{
	if (cutter->string) {
		if (cutter->escape)
			cutter->escape = false;
		else if (byte == '\\')
			cutter->escape = true;
		else if (byte == '"')
			cutter->string = false;
		return 0;
	}
	switch (byte) {
	case '"':
		cutter->string = true;
		return 0;
	case '{':
	case '[':
		return 1;
	case '}':
	case ']':
		return -1;
	default:
		return 0;
	}
}

static int cut(struct cutter *cutter, char byte)
{
	bool inside = cutter->call && cutter->depth >= LIST_DEPTH &&
		      cutter->list;
	int before = cutter->depth, error = 0;

	cutter->depth += follow(cutter, byte);
	if (cutter->depth < 0 || cutter->depth > DEPTH_MAX)
		return -EBADMSG;
	if (before < LIST_DEPTH && cutter->depth == LIST_DEPTH)
		cutter->list = byte == '[';

	/* Commas between elements are neither theirs nor the rest's. */
	if (!inside || cutter->depth < LIST_DEPTH)
		error = keep(&cutter->rest, byte);
	else if (before > LIST_DEPTH || cutter->depth > LIST_DEPTH)
		error = keep(&cutter->element, byte);
	if (!error && inside && before > LIST_DEPTH &&
	    cutter->depth == LIST_DEPTH)
		error = finish_element(cutter);
	return error;
}

/* Up to the end of the line. */
static int read_answer(struct stream *stream, struct cutter *cutter)
{
	for (;;) {
		int error = 0;

		if (stream->at == stream->len)
			error = receive(stream);
		while (!error && stream->at < stream->len) {
			char byte = stream->buffer[stream->at++];

			if (byte == '\n')
				return 0;
			error = cut(cutter, byte);
		}
		if (error)
			return error;
	}
}

/**
 * stream_ask() - one request and its answer
 * @stream: the connection
 * @command: what to ask; takes no arguments
 * @call: hears about the objects of lists in the answer; NULL: they stay in it
 * @arg: for @call
 * @answer: the answer without what @call heard about; NULL on failure
 *
 * Return: 0 or a negative errno: EBADMSG for what is no JSON object, EFBIG for
 * more than an answer ever has, ETIMEDOUT, ECONNRESET.
 */
int stream_ask(struct stream *stream, const char *command, stream_fn call,
	       void *arg, json_t **answer)
{
	struct cutter cutter = {
		.call = call, .arg = arg,
		.rest.max = REST_MAX, .element.max = ELEMENT_MAX,
	};
	char *request = mem_print("{\"command\":\"%s\"}\n", command);
	int error = send_all(stream, request, strlen(request));

	*answer = NULL;
	if (!error)
		error = read_answer(stream, &cutter);
	if (!error) {
		*answer = json_loadb(cutter.rest.bytes ? cutter.rest.bytes : "",
				     cutter.rest.len, 0, NULL);
		if (!json_is_object(*answer)) {
			json_decref(*answer);
			*answer = NULL;
			error = -EBADMSG;
		}
	}
	free(request);
	free(cutter.rest.bytes);
	free(cutter.element.bytes);
	return error;
}
