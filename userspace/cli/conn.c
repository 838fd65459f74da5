// SPDX-License-Identifier: GPL-2.0-only
/*
 * Talking to lenscapd, and saying what is wrong when it does not answer.
 */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "fields.h"

#define CONN_CHUNK	65536UL

int conn_open(struct conn *conn, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	*conn = (struct conn){ .fd = -1 };
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);

	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return -errno;
	if (connect(conn->fd, (struct sockaddr *)&address,
		    sizeof(address)) < 0) {
		int error = -errno;

		conn_close(conn);
		return error;
	}
	return 0;
}

void conn_close(struct conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	free(conn->buffer);
	*conn = (struct conn){ .fd = -1 };
}

/*
 * Waits until the socket is ready. The clock starts anew with each call: a
 * daemon that keeps sending is not silent, however long its answer takes.
 */
static int conn_wait(const struct conn *conn, short events,
		     unsigned int seconds, const sigset_t *mask)
{
	struct pollfd fd = { .fd = conn->fd, .events = events };
	struct timespec limit = { .tv_sec = (time_t)seconds };
	int ready = ppoll(&fd, 1, seconds ? &limit : NULL, mask);

	if (ready < 0)
		return -errno;
	return ready ? 0 : -ETIMEDOUT;
}

int conn_send(struct conn *conn, const struct cli *cli, const json_t *request)
{
	char *text = cli_alloc(json_dumps(request, JSON_COMPACT));
	size_t len = strlen(text), sent = 0;
	int error = 0;

	/* The terminating NUL makes room for the newline. */
	text[len++] = '\n';
	if (len > CONN_REQUEST_MAX)
		error = -E2BIG;
	while (!error && sent < len) {
		ssize_t done = send(conn->fd, text + sent, len - sent,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done >= 0)
			sent += (size_t)done;
		else if (errno == EAGAIN)
			error = conn_wait(conn, POLLOUT, cli->timeout, NULL);
		else if (errno != EINTR)
			error = -errno;
	}
	free(text);
	return error == -EPIPE ? -ECONNRESET : error;
}

/* Makes room and reads what is there. */
static int conn_fill(struct conn *conn)
{
	ssize_t got;

	if (conn->len >= CONN_ANSWER_MAX)
		return -EFBIG;
	if (conn->size - conn->len < CONN_CHUNK) {
		conn->size = conn->size ? conn->size * 2 : 2 * CONN_CHUNK;
		conn->buffer = cli_alloc(realloc(conn->buffer, conn->size));
	}
	got = recv(conn->fd, conn->buffer + conn->len, conn->size - conn->len,
		   MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!got)
		return -ECONNRESET;
	conn->len += (size_t)got;
	return 0;
}

int conn_receive(struct conn *conn, unsigned int seconds, const sigset_t *mask,
		 json_t **answer)
{
	size_t seen = 0;
	char *end;

	*answer = NULL;
	if (conn->line) {
		conn->len -= conn->line;
		memmove(conn->buffer, conn->buffer + conn->line, conn->len);
		conn->line = 0;
	}
	while (seen == conn->len ||
	       !(end = memchr(conn->buffer + seen, '\n', conn->len - seen))) {
		int error = conn_wait(conn, POLLIN, seconds, mask);

		seen = conn->len;
		if (!error)
			error = conn_fill(conn);
		if (error)
			return error;
	}
	conn->line = (size_t)(end - conn->buffer) + 1;
	*answer = json_loadb(conn->buffer, conn->line, 0, NULL);
	if (json_is_object(*answer))
		return 0;
	json_decref(*answer);
	*answer = NULL;
	return -EBADMSG;
}

/* The process id of a lenscapd that can be seen from here, 0 for none. */
static long find_daemon(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	long pid = 0;

	while (proc && !pid && (entry = readdir(proc))) {
		char path[sizeof("/proc//comm") + sizeof(entry->d_name)];
		char name[32] = "";
		char *end;
		long number = strtol(entry->d_name, &end, 10);
		FILE *file;

		if (number <= 0 || *end)
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/comm", number);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) &&
		    !strcmp(name, CLI_DAEMON "\n"))
			pid = number;
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return pid;
}

static int explain_absent(const struct cli *cli, int error)
{
	bool loaded = !access(CLI_MODULE, F_OK);
	long pid = find_daemon();
	char *what, *daemon;
	struct stat st;

	if (error != -ECONNREFUSED)
		what = cli_format("there is no socket at %s", cli->socket);
	else if (!stat(cli->socket, &st) && !S_ISSOCK(st.st_mode))
		what = cli_format("%s is not a socket", cli->socket);
	else
		what = cli_format("nobody listens on %s (a daemon that ended left it behind)",
				cli->socket);

	if (pid)
		daemon = cli_format("a " CLI_DAEMON " runs as process %ld: if it uses another socket, name it with --socket",
				    pid);
	else
		daemon = cli_format("no " CLI_DAEMON " process is to be seen: start it with \"systemctl start " CLI_DAEMON "\"");

	cli_fail(cli, CLI_UNREACHABLE,
		 "cannot reach the daemon: %s\n  %s\n  %s", what, daemon,
		 loaded ? "the module is loaded: what it was told to guard stays guarded meanwhile" :
			  "the module is not loaded either, nothing is judged: load it with \"modprobe lenscap\"");
	free(what);
	free(daemon);
	return CLI_UNREACHABLE;
}

/* Whether @gid is among the groups of this process. */
static bool in_group(gid_t gid)
{
	int count = getgroups(0, NULL);
	bool found = getegid() == gid;
	gid_t *groups;

	if (count <= 0)
		return found;
	groups = cli_alloc(calloc((size_t)count, sizeof(*groups)));
	count = getgroups(count, groups);
	for (int i = 0; i < count; i++)
		found = found || groups[i] == gid;
	free(groups);
	return found;
}

static int explain_denied(const struct cli *cli)
{
	const struct group *group = getgrnam(CLI_GROUP);

	if (group && !in_group(group->gr_gid))
		return cli_fail(cli, CLI_PERMISSION,
				"no permission to open %s: you are not in group " CLI_GROUP
				"\n  be root, or \"adduser USER " CLI_GROUP
				"\" and log in again",
				cli->socket);
	if (!group)
		return cli_fail(cli, CLI_PERMISSION,
				"no permission to open %s: there is no group " CLI_GROUP
				" on this machine, so only root may",
				cli->socket);
	return cli_fail(cli, CLI_PERMISSION,
			"no permission to open %s, though you are in group " CLI_GROUP
			"\n  see \"ls -ld\" of it and of its directory, and \"group\" in gateway.yaml",
			cli->socket);
}

int conn_explain(const struct cli *cli, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
		return explain_absent(cli, error);
	case -EACCES:
	case -EPERM:
		return explain_denied(cli);
	case -ENAMETOOLONG:
		return cli_fail(cli, CLI_USAGE,
				"the socket's path is too long (107 bytes are possible): %s",
				cli->socket);
	case -E2BIG:
		return cli_fail(cli, CLI_REFUSED,
				"the policy and its inventories do not fit into one request (64 MiB)");
	case -ETIMEDOUT:
		return cli_fail(cli, CLI_UNREACHABLE,
				"the daemon did not answer within %u s on %s; a longer time is given with --timeout",
				cli->timeout, cli->socket);
	case -ECONNRESET:
		return cli_fail(cli, CLI_UNREACHABLE,
				"the daemon closed the connection before it answered; \"journalctl -u "
				CLI_DAEMON "\" may tell why");
	case -EFBIG:
		return cli_fail(cli, CLI_UNREACHABLE,
				"the answer is longer than 512 MiB; is %s the socket of " CLI_DAEMON "?",
				cli->socket);
	case -EBADMSG:
		return cli_fail(cli, CLI_UNREACHABLE,
				"the answer is not a JSON object; is %s the socket of " CLI_DAEMON "?",
				cli->socket);
	default:
		return cli_fail(cli, CLI_UNREACHABLE,
				"cannot talk to the daemon on %s: %s",
				cli->socket, strerror(-error));
	}
}

/* The daemon says again what the local check said: the same place and text. */
static bool same_diagnostic(const json_t *a, const json_t *b)
{
	return field_int(a, "line") == field_int(b, "line") &&
	       field_int(a, "column") == field_int(b, "column") &&
	       !strcmp(field_str(a, "file"), field_str(b, "file")) &&
	       !strcmp(field_str(a, "message"), field_str(b, "message"));
}

void conn_print_diagnostics(const struct cli *cli, const json_t *answer,
			    const json_t *known)
{
	const json_t *items = json_object_get(answer, "diagnostics");
	json_t *item;
	size_t i;

	if (cli->json != CLI_JSON_OFF)
		return;
	json_array_foreach(items, i, item) {
		const char *file = field_str(item, "file");
		json_int_t line = field_int(item, "line");
		json_int_t column = field_int(item, "column");
		bool shown = false;
		json_t *old;
		size_t j;

		json_array_foreach(known, j, old) {
			shown = shown || same_diagnostic(old, item);
		}
		if (shown)
			continue;
		if (*file) {
			cli_put_clean(stderr, file);
			if (line)
				fprintf(stderr, ":%" JSON_INTEGER_FORMAT, line);
			if (line && column)
				fprintf(stderr, ":%" JSON_INTEGER_FORMAT,
					column);
			fputs(": ", stderr);
		}
		if (!strcmp(field_str(item, "severity"), "warning"))
			fputs("warning: ", stderr);
		cli_put_clean(stderr, field_str(item, "message"));
		fputc('\n', stderr);
	}
}

int conn_judge(const struct cli *cli, const json_t *answer)
{
	const char *code = field_str(answer, "code");
	const char *text = field_str(answer, "error");
	int status = CLI_REFUSED;

	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	if (!strcmp(code, "module"))
		status = CLI_NO_MODULE;
	else if (!strcmp(code, "permission"))
		status = CLI_PERMISSION;

	if (cli->json != CLI_JSON_OFF) {
		cli_print_json(cli, answer);
		return status;
	}
	conn_print_diagnostics(cli, answer, NULL);
	if (!*text)
		text = "the daemon refused the command and gave no reason";
	return cli_fail(cli, status, "%s%s", text,
			status == CLI_NO_MODULE && access(CLI_MODULE, F_OK) ?
			"\n  the module is not loaded: load it with \"modprobe lenscap\"" : "");
}

int conn_call(const struct cli *cli, json_t *request, json_t **answer)
{
	struct conn conn;
	int error = conn_open(&conn, cli->socket);
	int status;

	*answer = NULL;
	if (!error)
		error = conn_send(&conn, cli, cli_alloc(request));
	if (!error)
		error = conn_receive(&conn, cli->timeout, NULL, answer);
	conn_close(&conn);
	json_decref(request);
	if (error)
		return conn_explain(cli, error);

	status = conn_judge(cli, *answer);
	if (status) {
		json_decref(*answer);
		*answer = NULL;
	}
	return status;
}
