// SPDX-License-Identifier: GPL-2.0-only
/*
 * One daemon in a network namespace, and one with a state directory.
 *
 * Two would undo each other's guards and policy. Locks are flock()s on files:
 * the kernel releases them however the daemon ends. They are held until then,
 * so their descriptors are not kept anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"
#include "log.h"
#include "mem.h"

/* Not configurable: it must be the same for all daemons. */
#define LOCK_DIR "/run/lenscap"

static void read_owner(int fd, char *text, size_t size)
{
	ssize_t len = pread(fd, text, size - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static enum lock_result take(const char *path, const char *what)
{
	char owner[32];
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_error("cannot open the lock file %s: %s", path,
			  strerror(errno));
		return LOCK_FAILED;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int code = errno;

		read_owner(fd, owner, sizeof(owner));
		close(fd);
		if (code != EWOULDBLOCK) {
			log_error("cannot lock %s: %s", path, strerror(code));
			return LOCK_FAILED;
		}
		log_error("another lenscapd%s%s already serves %s (it holds %s); nothing was changed",
			  owner[0] ? ", process " : "", owner, what, path);
		return LOCK_BUSY;
	}
	/* For the message above only. */
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_warning("cannot write to %s: %s", path, strerror(errno));
	return LOCK_TAKEN;
}

static bool make_directory(const char *path, mode_t mode)
{
	if (!mkdir(path, mode) || errno == EEXIST)
		return true;
	log_error("cannot create the directory %s: %s", path, strerror(errno));
	return false;
}

/**
 * lock_take() - take the locks of this network namespace and state directory
 * @state: the directory, which is made if it is missing
 *
 * The namespace's number may be reused after it is gone; then so is whoever
 * held its lock.
 */
enum lock_result lock_take(const char *state)
{
	enum lock_result result;
	struct stat net;
	char *path;

	if (stat("/proc/self/ns/net", &net) < 0) {
		log_error("cannot tell the network namespace: /proc/self/ns/net: %s",
			  strerror(errno));
		return LOCK_FAILED;
	}
	if (!make_directory(LOCK_DIR, 0755) || !make_directory(state, 0700))
		return LOCK_FAILED;
	path = mem_print("%s/netns-%ju.lock", LOCK_DIR, (uintmax_t)net.st_ino);
	result = take(path, "this network namespace");
	free(path);
	if (result != LOCK_TAKEN)
		return result;
	path = mem_print("%s/lenscapd.lock", state);
	result = take(path, "this state directory");
	free(path);
	return result;
}
