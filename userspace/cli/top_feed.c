// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl top: asking the daemon, round after round, in a thread of its own.
 *
 * Answers belong to whoever takes them; one that nobody took is replaced by the
 * next. A connection is kept as long as it works, and made anew in each round
 * that finds none.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "fields.h"
#include "top.h"

#define PATIENCE	5U	/* seconds that a round waits for an answer */

static struct {
	const struct cli *cli;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fds[2];
	bool again;
	char device[TOP_NAME];
	struct top_answers *latest;
} feed = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER,
};

static double monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void top_answers_free(struct top_answers *answers)
{
	if (!answers)
		return;
	json_decref(answers->status);
	json_decref(answers->devices);
	json_decref(answers->drops);
	json_decref(answers->profile);
	free(answers);
}

static void give_up(struct top_answers *answers, const char *text)
{
	snprintf(answers->error, sizeof(answers->error), "%s", text);
}

/* One question. Takes @request. NULL: it failed, and @answers says why. */
static json_t *ask(struct conn *conn, json_t *request, const char *key,
		   struct top_answers *answers)
{
	unsigned int patience = feed.cli->timeout < PATIENCE ?
				feed.cli->timeout : PATIENCE;
	json_t *answer = NULL, *value;
	int err = 0;

	if (conn->fd < 0)
		err = conn_open(conn, feed.cli->socket);
	if (!err)
		err = conn_send(conn, feed.cli, request);
	if (!err)
		err = conn_receive(conn, patience, NULL, &answer);
	json_decref(request);
	if (err) {
		conn_close(conn);
		give_up(answers, err == -ETIMEDOUT ? "it is silent" :
						     strerror(-err));
		return NULL;
	}
	value = key ? field(answer, key) : answer;
	if (!json_is_true(field(answer, "ok")) || !value) {
		give_up(answers, field_str(answer, "error"));
		json_decref(answer);
		return NULL;
	}
	json_incref(value);
	json_decref(answer);
	return value;
}

static const char *profile_of(const json_t *devices, const char *name)
{
	json_t *device;
	size_t i;

	json_array_foreach(devices, i, device)
		if (!strcmp(field_str(device, "name"), name))
			return field_str(device, "profile");
	return "";
}

static struct top_answers *ask_all(struct conn *conn, const char *device)
{
	struct top_answers *answers = cli_alloc(calloc(1, sizeof(*answers)));
	const char *profile;

	answers->status = ask(conn, json_pack("{s:s}", "command", "status"),
			      NULL, answers);
	/* Without the module it still knows of drops. */
	if (answers->status)
		answers->drops = ask(conn, json_pack("{s:s}", "command",
						     "drops"),
				     "drops", answers);
	if (answers->drops)
		answers->devices = ask(conn, json_pack("{s:s}", "command",
						       "devices"),
				       "devices", answers);
	answers->when = monotonic();
	if (!*device || !answers->devices)
		return answers;
	profile = profile_of(answers->devices, device);
	if (*profile)
		answers->profile = ask(conn, json_pack("{s:s, s:b, s:s}",
						       "command", "profiles",
						       "hits", 1, "name",
						       profile),
				       "profiles", answers);
	return answers;
}

static void rest(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += feed.cli->delay;
	while (!feed.again &&
	       pthread_cond_timedwait(&feed.wake, &feed.lock, &until) !=
	       ETIMEDOUT)
		;
	feed.again = false;
}

static void *run(void *unused)
{
	struct conn conn = { .fd = -1 };

	pthread_mutex_lock(&feed.lock);
	for (;;) {
		struct top_answers *answers;
		char device[TOP_NAME];

		memcpy(device, feed.device, sizeof(device));
		pthread_mutex_unlock(&feed.lock);
		answers = ask_all(&conn, device);
		pthread_mutex_lock(&feed.lock);
		top_answers_free(feed.latest);
		feed.latest = answers;
		/* Full: who reads has enough to wake up for. */
		if (write(feed.fds[1], "", 1) < 0 && errno != EAGAIN)
			break;
		rest();
	}
	pthread_mutex_unlock(&feed.lock);
	return unused;
}

int top_feed_start(const struct cli *cli)
{
	sigset_t all, old;
	pthread_t thread;
	int err;

	feed.cli = cli;
	if (pipe2(feed.fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;
	/* Signals are the screen's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		pthread_detach(thread);
	return -err;
}

int top_feed_fd(void)
{
	return feed.fds[0];
}

void top_feed_look(const char *device)
{
	pthread_mutex_lock(&feed.lock);
	snprintf(feed.device, sizeof(feed.device), "%s", device);
	if (*device) {
		feed.again = true;
		pthread_cond_signal(&feed.wake);
	}
	pthread_mutex_unlock(&feed.lock);
}

struct top_answers *top_feed_take(void)
{
	struct top_answers *answers;
	char bytes[64];

	while (read(feed.fds[0], bytes, sizeof(bytes)) > 0)
		;
	pthread_mutex_lock(&feed.lock);
	answers = feed.latest;
	feed.latest = NULL;
	pthread_mutex_unlock(&feed.lock);
	return answers;
}
