// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events for syslog, by its local socket.
 *
 * syslog(3) waits when the log's reader is slow, and tells nobody when there
 * is none; here a datagram is sent or counted as lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syslog.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "output.h"

static bool open_socket(struct output *output)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (output->tried)
		return false;
	output->tried = true;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return output_failed(output, "cannot be reached", errno);
	/* The gateway file's reader has made sure that it fits. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		       output->config.path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		output_failed(output, "cannot be reached", errno);
		close(fd);
		return false;
	}
	output->tried = false;
	output->fd = fd;
	return true;
}

/* As syslog(3) writes to this socket: RFC 3164 without a host. */
static char *frame(const struct output *output, bool audited, const char *line,
		   size_t len)
{
	int level = audited ? LOG_INFO : LOG_NOTICE;
	time_t when = time(NULL);
	char stamp[32];
	struct tm tm;

	if (!localtime_r(&when, &tm) ||
	    !strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm))
		stamp[0] = '\0';
	return mem_print("<%u>%s lenscapd[%d]: %.*s",
			 output->config.facility | (unsigned int)level, stamp,
			 (int)getpid(), (int)len - 1, line);
}

/**
 * output_syslog_write() - send a line
 * @output: the socket
 * @audited: it is about what passed
 * @line: it, with its newline, which is not sent
 * @len: bytes
 *
 * A logger that was started again has another socket by the same name: a
 * second attempt finds it.
 */
bool output_syslog_write(struct output *output, bool audited, const char *line,
			 size_t len)
{
	char *text = frame(output, audited, line, len);
	bool done = false;

	for (int attempt = 0; attempt < 2 && !done; attempt++) {
		if (output->fd < 0 && !open_socket(output))
			break;
		done = send(output->fd, text, strlen(text), MSG_NOSIGNAL) >= 0;
		if (done)
			break;
		output_failed(output, errno == EAGAIN ? "is too slow" :
			      "does not take it", errno == EAGAIN ? 0 : errno);
		if (errno == EAGAIN)
			break;
		close(output->fd);
		output->fd = -1;
	}
	free(text);
	return done;
}
