/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket, seen from lenscapctl: one JSON object a line.
 */
#ifndef LENSCAP_CLI_CONN_H
#define LENSCAP_CLI_CONN_H

#include <signal.h>

#include "cli.h"

/* The daemon takes no longer line. */
#define CONN_REQUEST_MAX	(64UL << 20)
/* Two million rules as text are some 270 MB; more than this is no answer. */
#define CONN_ANSWER_MAX		(512UL << 20)

/**
 * struct conn - a connection to the daemon
 * @fd: the socket, -1 when closed
 * @buffer: bytes read; the line handed out last is at its start
 * @len: bytes in @buffer
 * @size: bytes allocated
 * @line: bytes of the line handed out last, with its newline
 */
struct conn {
	int fd;
	char *buffer;
	size_t len;
	size_t size;
	size_t line;
};

/* Each returns 0 or a negative errno. */
int conn_open(struct conn *conn, const char *path);
int conn_send(struct conn *conn, const struct cli *cli, const json_t *request);
void conn_close(struct conn *conn);

/**
 * conn_receive() - read one line and parse it
 * @conn: the connection
 * @seconds: how long the daemon may stay silent, 0 for ever
 * @mask: signals let in while waiting, NULL to leave them as they are
 * @answer: result, a new reference
 *
 * Return: 0; -ETIMEDOUT; -ECONNRESET when the daemon closed; -EINTR when a
 * signal came; -EFBIG; -EBADMSG when the line is no JSON object.
 */
int conn_receive(struct conn *conn, unsigned int seconds, const sigset_t *mask,
		 json_t **answer);

/* Reports why the daemon cannot be reached and returns the exit code. */
int conn_explain(const struct cli *cli, int error);

/**
 * conn_judge() - look at an answer's "ok"
 * @cli: the command line
 * @answer: the answer
 *
 * A refusal is reported, with the diagnostics that came with it.
 *
 * Return: 0 or the exit code.
 */
int conn_judge(const struct cli *cli, const json_t *answer);

/**
 * conn_call() - one request, one answer, on a connection of its own
 * @cli: the command line
 * @request: the request; its reference is taken
 * @answer: result, a new reference; NULL unless 0 is returned
 *
 * Return: 0, or the exit code of a failure that has been reported.
 */
int conn_call(const struct cli *cli, json_t *request, json_t **answer);

/* Prints the diagnostics of an answer, those in @known left out. */
void conn_print_diagnostics(const struct cli *cli, const json_t *answer,
			    const json_t *known);

#endif /* LENSCAP_CLI_CONN_H */
