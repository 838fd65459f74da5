// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl capture: dropped frames, as pcapng or in an NFLOG group.
 *
 * The daemon asks the kernel for them, as long as this program is connected. They
 * come by NFLOG: to this program, which writes a file, or to whatever people
 * have.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "fields.h"
#include "nflog.h"
#include "pcapng_load.h"

#define ADDRESSES	12	/* bytes before the VLAN tag */
#define ETHERNET	14
#define TAG		4
#define SNAPLEN		65535
/* Messages that are read in one go; each holds some frames. */
#define TURN		64
/* The kernel may have cut a longer prefix. */
#define PREFIX_MAX	126U
/* How long frames may be on their way after the last one, in ms. */
#define PATIENCE	1000

/**
 * struct capture - one capture
 * @cli: the command line
 * @mask: signals that are let in while waiting
 * @conn: to the daemon; the capture ends with it
 * @nflog: where frames come from, with --write
 * @writer: what writes them
 * @file: where they go
 * @frame: one, put together
 * @room: bytes at @frame
 * @written: frames in @file
 * @id: the kernel's number of the capture
 * @sent: frames that the kernel handed to NFLOG
 * @suppressed: frames that it did not, because of the rate
 * @error: why nothing more can be written, or NULL
 */
struct capture {
	const struct cli *cli;
	sigset_t mask;
	struct conn conn;
	struct nflog nflog;
	const struct pcapng_writer *writer;
	struct pcapng *file;
	uint8_t *frame;
	size_t room;
	uint64_t written;
	json_int_t id;
	uint64_t sent;
	uint64_t suppressed;
	char *error;
};

/* Written by the handler, read when ppoll() returns. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* Signals are let in only while waiting, so that none is missed. */
static void take_signals(sigset_t *mask)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, mask);
	sigdelset(mask, SIGINT);
	sigdelset(mask, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* A reader that goes away is told by write(). */
	(void)signal(SIGPIPE, SIG_IGN);
}

static void put(struct capture *capture, size_t *used, const void *bytes,
		size_t len)
{
	if (*used + len > capture->room) {
		capture->room = 2 * (*used + len);
		capture->frame = cli_alloc(realloc(capture->frame,
						   capture->room));
	}
	memcpy(capture->frame + *used, bytes, len);
	*used += len;
}

/* The frame as it was on the wire: its outermost tag is not in it any more. */
static size_t join(struct capture *capture, const struct nflog_frame *from,
		   size_t *header)
{
	const uint8_t tag[TAG] = {
		(uint8_t)(from->tpid >> 8), (uint8_t)from->tpid,
		(uint8_t)(from->tci >> 8), (uint8_t)from->tci,
	};
	size_t used = 0;

	if (from->link_len >= ETHERNET) {
		put(capture, &used, from->link, ADDRESSES);
		if (from->tagged)
			put(capture, &used, tag, TAG);
		put(capture, &used, from->link + ADDRESSES,
		    from->link_len - ADDRESSES);
	}
	*header = used;
	put(capture, &used, from->data, from->len);
	return used;
}

/* The kernel's "lenscap dropped REASON rev=N len=N [device=NAME] guard=NAME" as a
 * comment; @whole receives the length. A frame of somebody else has another prefix.
 */
static char *comment_of(const char *prefix, size_t *whole)
{
	char *copy = cli_format("%s", prefix), *rest = copy, *word;
	const char *verdict, *reason, *revision = "", *device = "", *guard = "";
	char *comment;

	word = strsep(&rest, " ");
	verdict = strsep(&rest, " ");
	reason = strsep(&rest, " ");
	if (strcmp(word, "lenscap") != 0 || !verdict || !reason) {
		free(copy);
		return cli_format("%s", prefix);
	}
	while ((word = strsep(&rest, " "))) {
		if (!strncmp(word, "rev=", 4))
			revision = word + 4;
		else if (!strncmp(word, "len=", 4))
			*whole = strtoul(word + 4, NULL, 10);
		else if (!strncmp(word, "device=", 7))
			device = word + 7;
		else if (!strncmp(word, "guard=", 6))
			guard = word + 6;
	}
	comment = cli_format("%s: %s; device %s, guard %s%s, revision %s",
			     verdict, reason, *device ? device : "unknown",
			     guard, strlen(prefix) > PREFIX_MAX ? "..." : "",
			     revision);
	free(copy);
	return comment;
}

static int take_frame(void *arg, const struct nflog_frame *from)
{
	struct capture *capture = arg;
	char interface[IF_NAMESIZE];
	size_t header, whole = from->len;
	struct pcapng_frame frame;
	char *comment;
	int failed;

	comment = comment_of(from->prefix, &whole);
	frame.len = join(capture, from, &header);
	frame.data = capture->frame;
	frame.ethernet = header;
	frame.whole = header + (whole > from->len ? whole : from->len);
	frame.time = from->time;
	frame.comment = comment;
	frame.interface = if_indextoname(from->ifindex, interface) ?
			  interface : "gone";
	failed = capture->writer->write(capture->file, &frame,
					&capture->error);
	free(comment);
	if (failed)
		return 1;
	capture->written++;
	return capture->cli->count && capture->written >= capture->cli->count;
}

/* Some of what is there: a flood must not keep the user's signal from being seen.
 *
 * Return: 0; 1: no more frames are wanted, or can be written.
 */
static int take_frames(struct capture *capture)
{
	int result = 0;

	for (int i = 0; i < TURN && !result; i++)
		result = nflog_read(&capture->nflog, take_frame, capture);
	if (result < 0 && result != -EAGAIN) {
		capture->error = cli_format("NFLOG: %s", strerror(-result));
		return 1;
	}
	/* Who reads a pipe wants to see them. */
	if (!capture->error)
		capture->writer->flush(capture->file, &capture->error);
	return result > 0 || capture->error;
}

static json_t *request_of(const struct cli *cli, uint16_t group)
{
	json_t *request = cli_alloc(json_pack("{s:s, s:i, s:b, s:s*, s:s*, s:s*}",
		"command", "capture", "group", (int)group,
		"link", cli->write ? 1 : 0, "guard", cli->guard,
		"device", cli->device, "reason", cli->reason));

	if (cli->snaplen)
		json_object_set_new(request, "snaplen",
				    json_integer(cli->snaplen));
	if (cli->rate)
		json_object_set_new(request, "rate", json_integer(cli->rate));
	return request;
}

/* Return: 0, or the exit code of a failure that has been reported, unless it was a
 * signal.
 */
static int ask(struct capture *capture, json_t *request, json_t **answer)
{
	const struct cli *cli = capture->cli;
	int error = conn_send(&capture->conn, cli, request);

	*answer = NULL;
	if (!error)
		error = conn_receive(&capture->conn, cli->timeout,
				     &capture->mask, answer);
	json_decref(request);
	if (error == -EINTR)
		return CLI_REFUSED;
	if (error)
		return conn_explain(cli, error);
	return conn_judge(cli, *answer);
}

static int begin(struct capture *capture)
{
	const struct cli *cli = capture->cli;
	uint16_t group = cli->write ? capture->nflog.group :
				      (uint16_t)cli->group;
	json_t *answer;
	int status, error = conn_open(&capture->conn, cli->socket);

	if (error)
		return conn_explain(cli, error);
	status = ask(capture, request_of(cli, group), &answer);
	capture->id = field_int(answer, "id");
	json_decref(answer);
	return status;
}

/* What the kernel counted, as long as it has the capture. */
static void count(struct capture *capture)
{
	json_t *answer, *one;
	size_t i;

	if (ask(capture, cli_alloc(json_pack("{s:s}", "command", "captures")),
		&answer))
		return;
	json_array_foreach(field(answer, "captures"), i, one) {
		if (field_int(one, "id") != capture->id)
			continue;
		capture->sent = (uint64_t)field_int(one, "sent");
		capture->suppressed = (uint64_t)field_int(one, "suppressed");
	}
	json_decref(answer);
}

static int left(const struct timespec *end)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000LL +
	     (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms < 0 ? 0 : (int)ms;
}

static struct timespec in_ms(unsigned int ms)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	return end;
}

/*
 * Until a signal, the end of the time, the last frame that is wanted, or an error.
 *
 * Return: false if the daemon went away: then the capture ended with it.
 */
static bool run(struct capture *capture)
{
	const struct cli *cli = capture->cli;
	struct pollfd fds[] = {
		{ .fd = capture->conn.fd, .events = POLLIN },
		{ .fd = capture->file ? nflog_fd(&capture->nflog) : -1,
		  .events = POLLIN },
	};
	struct timespec end = in_ms(cli->duration * 1000), wait;

	while (!interrupted) {
		int ms = cli->duration ? left(&end) : 0;

		wait = (struct timespec){ ms / 1000, ms % 1000 * 1000000L };
		if (cli->duration && !ms)
			break;
		if (ppoll(fds, ARRAY_SIZE(fds), cli->duration ? &wait : NULL,
			  &capture->mask) < 0 && errno != EINTR)
			break;
		if (fds[1].revents && take_frames(capture))
			break;
		/* It has nothing to say; so this is its end. */
		if (fds[0].revents)
			return false;
		fds[0].revents = 0;
		fds[1].revents = 0;
	}
	return true;
}

/* Frames that the kernel has sent and that are not here yet. */
static void drain(struct capture *capture)
{
	struct pollfd fd = {
		.fd = nflog_fd(&capture->nflog), .events = POLLIN,
	};

	while (!capture->error &&
	       capture->nflog.received + capture->nflog.lost < capture->sent &&
	       poll(&fd, 1, PATIENCE) > 0)
		if (take_frames(capture))
			break;
}

/* Nothing that is done from here on takes a right, and what is read is the
 * camera's.
 */
static bool drop_rights(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return !capng_apply(CAPNG_SELECT_CAPS) &&
	       !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int open_file(struct capture *capture)
{
	const struct cli *cli = capture->cli;
	bool standard = !strcmp(cli->write, "-");
	char *error = NULL;
	int fd;

	/* What cameras say is nobody else's business. */
	fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) :
	     open(cli->write, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return cli_fail(cli, CLI_REFUSED, "%s: %s", cli->write,
				strerror(errno));
	if (!drop_rights()) {
		close(fd);
		return cli_fail(cli, CLI_REFUSED, "cannot drop capabilities: %s",
				strerror(errno));
	}
	capture->file = capture->writer->open(fd, "lenscapctl",
					      cli->snaplen ?
					      cli->snaplen + ETHERNET + TAG :
					      SNAPLEN, &error);
	if (capture->file)
		return CLI_OK;
	close(fd);
	cli_fail(cli, CLI_REFUSED, "%s: %s", cli->write, error);
	free(error);
	return CLI_REFUSED;
}

static int load_writer(struct capture *capture)
{
	char *error = NULL;

	capture->writer = pcapng_load(&error);
	if (capture->writer)
		return CLI_OK;
	cli_fail(capture->cli, CLI_REFUSED,
		 "cannot write pcapng: %s; it comes with lenscapctl and takes libwiretap, or leave the frames to another program with --group",
		 error);
	free(error);
	return CLI_REFUSED;
}

static int open_group(struct capture *capture)
{
	const struct cli *cli = capture->cli;
	int error;

	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return cli_fail(cli, CLI_PERMISSION,
				"to read frames from NFLOG takes CAP_NET_ADMIN: run it as root");
	error = nflog_open(&capture->nflog, (uint16_t)cli->group);
	if (error == -EBUSY && cli->group)
		return cli_fail(cli, CLI_REFUSED,
				"another program listens to NFLOG group %u: take another one, or leave --group out",
				cli->group);
	if (error)
		return cli_fail(cli, CLI_REFUSED,
				"cannot listen to NFLOG: %s: is nfnetlink_log in the kernel?",
				strerror(-error));
	return CLI_OK;
}

static void summary(const struct capture *capture)
{
	const struct cli *cli = capture->cli;
	uint64_t lost = capture->nflog.lost;

	if (cli->json != CLI_JSON_OFF) {
		json_t *value = cli_alloc(json_pack("{s:b, s:I, s:I, s:I}",
			"ok", 1, "written", (json_int_t)capture->written,
			"suppressed", (json_int_t)capture->suppressed,
			"lost", (json_int_t)lost));

		cli_print_json(cli, value);
		json_decref(value);
		return;
	}
	if (cli->write)
		cli_note(cli, "%llu frame%s written",
			 (unsigned long long)capture->written,
			 capture->written == 1 ? "" : "s");
	if (capture->suppressed)
		cli_note(cli, "%llu not captured: more than %u a second (--rate)",
			 (unsigned long long)capture->suppressed,
			 cli->rate ? cli->rate : 1000);
	if (lost)
		cli_note(cli, "%llu lost on the way: this program, or what it writes to, was too slow",
			 (unsigned long long)lost);
}

static int finish(struct capture *capture, bool alive)
{
	const struct cli *cli = capture->cli;

	if (alive)
		count(capture);
	if (capture->file &&
	    (!cli->count || capture->written < cli->count))
		drain(capture);
	/* The capture ends here. */
	conn_close(&capture->conn);
	if (capture->file) {
		char *error = NULL;

		if (capture->writer->close(capture->file, &error) &&
		    !capture->error)
			capture->error = error;
		else
			free(error);
		capture->file = NULL;
	}
	if (capture->error)
		return cli_fail(cli, CLI_REFUSED, "%s: %s; %llu frames were written",
				cli->write, capture->error,
				(unsigned long long)capture->written);
	if (!alive)
		return cli_fail(cli, CLI_UNREACHABLE,
				"the daemon went away, and the capture with it");
	summary(capture);
	return CLI_OK;
}

static bool wrong(const char *why)
{
	fprintf(stderr, "lenscapctl: capture: %s\n", why);
	return false;
}

static bool fits(const struct cli *cli)
{
	bool standard = cli->write && !strcmp(cli->write, "-");

	if (!cli->write && !cli->group)
		return wrong("where are the frames to go? --write FILE writes them as pcapng, --group N leaves them to tcpdump -n -i nflog:N or ulogd2");
	if (!cli->write && cli->count)
		return wrong("--count goes with --write: frames in a group are not counted here");
	if (standard && cli->json != CLI_JSON_OFF)
		return wrong("--json does not go with --write -: both would be on standard output");
	if (standard && isatty(STDOUT_FILENO))
		return wrong("standard output is a terminal, which cannot show pcapng: pipe it, as in \"| tshark -r -\"");
	return true;
}

static int capture_frames(struct capture *capture)
{
	const struct cli *cli = capture->cli;
	int status;

	take_signals(&capture->mask);
	status = cli->write ? load_writer(capture) : CLI_OK;
	if (!status && cli->write)
		status = open_group(capture);
	if (!status)
		status = begin(capture);
	if (!status && cli->write)
		status = open_file(capture);
	if (status)
		return status;
	if (cli->write)
		cli_note(cli, "capturing to %s, until Ctrl-C", cli->write);
	else
		cli_note(cli, "dropped frames go to NFLOG group %u (tcpdump -n -i nflog:%u), until Ctrl-C",
			 cli->group, cli->group);
	return finish(capture, run(capture));
}

int cmd_capture(const struct cli *cli)
{
	struct capture capture = { .cli = cli, .conn = { .fd = -1 } };
	int status;

	if (!fits(cli))
		return CLI_USAGE;
	status = capture_frames(&capture);
	conn_close(&capture.conn);
	nflog_close(&capture.nflog);
	free(capture.frame);
	free(capture.error);
	return status;
}
