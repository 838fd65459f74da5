// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events in a file.
 *
 * A file that was renamed is written to until SIGHUP, as logrotate expects; one
 * that was deleted takes nothing that anybody could read, so that another is
 * made at once. A line is whole or not there: what a full disk took of it is
 * taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

#define FILE_MODE 0640

static void shut(struct output *output)
{
	close(output->fd);
	output->fd = -1;
}

static bool open_file(struct output *output)
{
	struct stat stat;

	if (output->tried)
		return false;
	/* A FIFO without a reader must not keep the daemon. */
	output->fd = open(output->config.path, O_WRONLY | O_APPEND | O_CREAT |
			  O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
	output->tried = output->fd < 0;
	if (output->tried)
		return output_failed(output, "cannot be opened", errno);
	if (!fstat(output->fd, &stat) && S_ISREG(stat.st_mode))
		return true;
	shut(output);
	output->tried = true;
	return output_failed(output, "is not a regular file", 0);
}

/* Once in a batch is often enough. */
static void look(struct output *output)
{
	struct stat stat;

	if (output->fd < 0 || output->looked)
		return;
	output->looked = true;
	if (fstat(output->fd, &stat) || !stat.st_nlink)
		shut(output);
}

static void take_back(int fd, size_t len)
{
	off_t end = lseek(fd, 0, SEEK_CUR);

	if (end < (off_t)len || ftruncate(fd, end - (off_t)len))
		/* The next line begins on one of its own, if it can. */
		(void)!write(fd, "\n", 1);
}

/**
 * output_file_ready() - open a file, unless it is
 * @output: the file
 * @opened: result: it was not
 */
bool output_file_ready(struct output *output, bool *opened)
{
	look(output);
	*opened = output->fd < 0;
	return !*opened || open_file(output);
}

/**
 * output_file_write() - append a line, or a message
 * @output: the file
 * @bytes: it, with its newline if it is a line
 * @len: how many
 *
 * Return: whether all of it is there.
 */
bool output_file_write(struct output *output, const void *bytes, size_t len)
{
	ssize_t done;
	bool opened;

	if (!output_file_ready(output, &opened))
		return false;
	do {
		done = write(output->fd, bytes, len);
	} while (done < 0 && errno == EINTR);
	if (done == (ssize_t)len)
		return true;
	if (done < 0)
		return output_failed(output, "cannot be written to", errno);
	take_back(output->fd, (size_t)done);
	return output_failed(output, "cannot be written to", ENOSPC);
}
