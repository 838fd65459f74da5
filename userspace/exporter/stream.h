/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests to the control socket, and answers of any length in little memory.
 */
#ifndef LENSCAP_EXPORTER_STREAM_H
#define LENSCAP_EXPORTER_STREAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Hears each object of the lists in an answer; negative errno ends it. */
typedef int (*stream_fn)(void *arg, const json_t *object);

/**
 * struct stream - one connection to the daemon
 * @fd: the socket, -1 for none
 * @deadline: when to give up, milliseconds of the monotonic clock
 * @at: first byte of @buffer that was not looked at
 * @len: bytes in @buffer
 * @buffer: what was received last
 */
struct stream {
	int fd;
	int64_t deadline;
	size_t at, len;
	char buffer[65536];
};

int stream_open(struct stream *stream, const char *path, unsigned int seconds);
void stream_close(struct stream *stream);
int stream_ask(struct stream *stream, const char *command, stream_fn call,
	       void *arg, json_t **answer);

#endif /* LENSCAP_EXPORTER_STREAM_H */
