// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the daemon says about itself, on stderr.
 *
 * When stderr is the journal's stream, lines begin with the level that
 * sd-daemon(3) describes; a person at a terminal sees the program's name.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* A line of at most this many bytes goes into a pipe in one piece. */
#define LINE_MAX_BYTES	4000

/*
 * Of the process, like stderr itself.
 * @levels: lines begin with their level
 * @impatient: a reader that does not read must not stop the daemon
 * @lost: lines that were dropped because of that, not yet admitted to
 */
static struct {
	bool levels;
	bool impatient;
	unsigned long lost;
} log_state;

/**
 * log_init() - find out who reads stderr
 *
 * $JOURNAL_STREAM names device and inode of the journal's stream; whoever
 * redirected stderr since then has another one.
 */
void log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat stat;

	log_state.levels = stream &&
		sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
		!fstat(STDERR_FILENO, &stat) && stat.st_dev == device &&
		stat.st_ino == inode;
}

/**
 * log_impatient() - never wait for the reader of stderr from now on
 *
 * While starting, all of a long list of errors is to arrive; later, frames
 * and clients are more important than a reader that sleeps.
 */
void log_impatient(void)
{
	log_state.impatient = true;
}

/**
 * log_write() - write a line
 * @fd: where to
 * @line: it, with its newline
 * @len: bytes
 * @patient: wait for the reader
 *
 * A pipe that poll() calls writable takes PIPE_BUF bytes without blocking.
 *
 * Return: false if it was not written.
 */
bool log_write(int fd, const char *line, size_t len, bool patient)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	if (!patient && poll(&ready, 1, 0) != 1)
		return false;
	while (len) {
		ssize_t done = write(fd, line, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		line += done;
		len -= (size_t)done;
	}
	return true;
}

static bool put_line(enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES];
	int len;

	if (log_state.levels)
		len = snprintf(line, sizeof(line), "<%d>%s", (int)level, text);
	else
		len = snprintf(line, sizeof(line), "lenscapd: %s", text);
	if (len < 0)
		return false;
	if ((size_t)len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	/* One message, one line, whatever a file's name contains. */
	for (int i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == '\177')
			line[i] = ' ';
	line[len++] = '\n';
	return log_write(STDERR_FILENO, line, (size_t)len,
			 !log_state.impatient);
}

/**
 * log_line() - say something
 * @level: how bad it is
 * @format: as of printf(), without a newline
 */
void log_line(enum log_level level, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;

	if (log_state.lost) {
		snprintf(text, sizeof(text),
			 "%lu line(s) were not logged: the reader of stderr was too slow",
			 log_state.lost);
		if (put_line(LOG_LEVEL_WARNING, text))
			log_state.lost = 0;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!put_line(level, text))
		log_state.lost++;
}

/**
 * log_diag() - log errors and warnings about text, a line each
 * @diag: they
 */
void log_diag(const struct diag *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_item *item = &diag->items[i];
		enum log_level level = item->warning ? LOG_LEVEL_WARNING :
						       LOG_LEVEL_ERROR;
		const char *kind = item->warning ? "warning: " : "";

		if (!item->file)
			log_line(level, "%s%s", kind, item->message);
		else if (!item->line)
			log_line(level, "%s: %s%s", item->file, kind,
				 item->message);
		else
			log_line(level, "%s:%u:%u: %s%s", item->file,
				 item->line, item->column, kind,
				 item->message);
	}
	if (diag->more)
		log_error("%zu more", diag->more);
}
