// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket that HTTP is served on. It is made before privileges are dropped,
 * so that any port and any directory will do.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"
#include "say.h"

#define BACKLOG 32

/* "127.0.0.1:9477" or "[::1]:9477", taken apart. */
static bool split(const char *where, char host[64], const char **port)
{
	const char *colon = strrchr(where, ':'), *end = colon;

	if (!colon || colon == where)
		return false;
	if (*where == '[') {
		where++;
		end--;
		if (*end != ']')
			return false;
	} else if (memchr(where, ':', (size_t)(colon - where))) {
		return false;
	}
	if (end <= where || end - where >= 64)
		return false;
	memcpy(host, where, (size_t)(end - where));
	host[end - where] = '\0';
	*port = colon + 1;
	return *colon && colon[1];
}

static struct addrinfo *look_up(const char *where)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	const char *port;
	char host[64];

	if (!split(where, host, &port) ||
	    getaddrinfo(host, port, &hints, &found)) {
		say("--listen %s: must be an address and a port, such as 127.0.0.1:9477, [::1]:9477, or 0.0.0.0:9477 for all addresses",
		    where);
		return NULL;
	}
	return found;
}

/**
 * listen_tcp() - listen at an address
 * @where: address and port; port 0 is any that is free
 * @name: becomes the same with the port that it is
 * @size: of @name
 * @loopback: becomes whether only this machine can connect
 *
 * Return: the socket, or -1 after having said why not.
 */
int listen_tcp(const char *where, char *name, unsigned int size, bool *loopback)
{
	struct addrinfo *address = look_up(where);
	struct sockaddr_storage bound = { 0 };
	socklen_t len = sizeof(bound);
	char host[64] = "", port[8] = "";
	const int one = 1;
	int fd;

	if (!address)
		return -1;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
				 sizeof(one));
	if (fd < 0 || bind(fd, address->ai_addr, address->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		say("--listen %s: %s%s", where, strerror(errno),
		    errno == EADDRINUSE ?
		    "; another program has this port, choose another one" : "");
		if (fd >= 0)
			close(fd);
		freeaddrinfo(address);
		return -1;
	}
	freeaddrinfo(address);
	getsockname(fd, (struct sockaddr *)&bound, &len);
	getnameinfo((struct sockaddr *)&bound, len, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(name, size, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
		 host, port);
	*loopback = !strncmp(host, "127.", 4) || !strcmp(host, "::1");
	return fd;
}

/* What another instance left behind; a socket that somebody serves stays. */
static bool clear_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, error;

	if (lstat(address->sun_path, &st) < 0)
		return true;
	if (!S_ISSOCK(st.st_mode)) {
		say("--unix %s: there is a file of this name that is no socket",
		    address->sun_path);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = connect(fd, (const struct sockaddr *)address,
			sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (error != ECONNREFUSED) {
		say("--unix %s: another program listens there",
		    address->sun_path);
		return false;
	}
	unlink(address->sun_path);
	return true;
}

/**
 * listen_unix() - listen at a path
 * @path: of the socket that is made; its group may connect
 *
 * Return: the socket, or -1 after having said why not.
 */
int listen_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	mode_t mask;
	int fd;

	if (!len || len >= sizeof(address.sun_path)) {
		say("--unix %s: a path of 1 to 107 bytes is possible", path);
		return -1;
	}
	memcpy(address.sun_path, path, len + 1);
	if (!clear_stale(&address))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0117);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address,
			   sizeof(address)) < 0 || listen(fd, BACKLOG) < 0) {
		say("--unix %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	umask(mask);
	return fd;
}
