// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling the service manager how things are, without waiting for it.
 *
 * Not by sd_notify(3), which waits while the service manager has too much to
 * read: meanwhile nobody would restore the interlock, or answer a request. What
 * it does not take is kept instead.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"

/* Return: its length, or 0: there is nobody to be told. */
static socklen_t address_of(struct sockaddr_un *address)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len < 2 || len >= sizeof(address->sun_path) ||
	    (*path != '/' && *path != '@'))
		return 0;
	memcpy(address->sun_path, path, len);
	/* A name without a file: all bytes of it count, and a NUL is one. */
	if (*path == '@')
		address->sun_path[0] = '\0';
	else
		len++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Return: 0, or an errno. */
static int send_text(const char *text, size_t len)
{
	struct sockaddr_un address;
	socklen_t size = address_of(&address);
	int code = 0, fd;

	if (!size)
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (sendto(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&address, size) < 0)
		code = errno;
	close(fd);
	return code;
}

static bool tell(struct notify *notify, const char *state, const char *status)
{
	char text[sizeof(notify->owed[0]) + sizeof(notify->status)];
	int len = snprintf(text, sizeof(text), "%s%s%s", state,
			   *state ? "\n" : "", status);
	int code = send_text(text, (size_t)len);

	if (code && !notify->behind)
		log_warning("the service manager cannot be told how things are (%s): it is tried again once a second",
			    strerror(code));
	notify->behind = code;
	if (code)
		return false;
	(void)snprintf(notify->status, sizeof(notify->status), "%s", status);
	return true;
}

static void owe(struct notify *notify, const char *state)
{
	bool ready = !strcmp(state, "READY=1");

	if (ready && notify->count &&
	    !strcmp(notify->owed[notify->count - 1], state))
		return;
	/* A reload that begins, or the end, makes what was before old news. */
	if (!ready || notify->count == NOTIFY_OWED)
		notify->count = 0;
	(void)snprintf(notify->owed[notify->count++], sizeof(notify->owed[0]),
		       "%s", state);
}

/**
 * notify_tell() - tell the service manager what it does not know
 * @notify: what it knows
 * @state: "READY=1" and the like, or NULL
 * @status: "STATUS=" and a line for people
 *
 * To be called again after a while: what it did not take is told first then.
 */
void notify_tell(struct notify *notify, const char *state, const char *status)
{
	if (state)
		owe(notify, state);
	while (notify->count) {
		if (!tell(notify, notify->owed[0], status))
			return;
		notify->count--;
		memmove(notify->owed[0], notify->owed[1],
			notify->count * sizeof(notify->owed[0]));
	}
	if (strcmp(notify->status, status) != 0)
		tell(notify, "", status);
}
