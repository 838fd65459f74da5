/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading an NFLOG group.
 *
 * libnetfilter_log as Debian 12 has it knows neither the VLAN tag nor the link
 * header of a frame, so this speaks to nfnetlink_log through libmnl.
 */
#ifndef LENSCAP_CLI_NFLOG_H
#define LENSCAP_CLI_NFLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct mnl_socket;

/**
 * struct nflog - a group that this program listens to
 * @socket: it
 * @buffer: for what it receives
 * @group: its number
 * @received: frames, ever
 * @lost: frames that found no room on their way, ever
 * @next: number of the next frame
 */
struct nflog {
	struct mnl_socket *socket;
	char *buffer;
	uint16_t group;
	uint64_t received;
	uint64_t lost;
	uint32_t next;
};

/**
 * struct nflog_frame - a frame, valid during the call that gets it
 * @link: its link header, or NULL
 * @link_len: bytes
 * @data: from the network header on
 * @len: bytes
 * @tagged: the outermost VLAN tag was taken out
 * @tpid: then its type
 * @tci: and what it says
 * @ifindex: of the interface that it came in by
 * @time: when
 * @prefix: what the kernel says of it
 */
struct nflog_frame {
	const uint8_t *link;
	size_t link_len;
	const uint8_t *data;
	size_t len;
	bool tagged;
	uint16_t tpid;
	uint16_t tci;
	uint32_t ifindex;
	struct timespec time;
	const char *prefix;
};

/**
 * nflog_open() - listen to a group
 * @nflog: result
 * @group: its number, or 0 for one that nobody listens to
 *
 * Return: 0 or a negative errno; -EBUSY: another program listens to it.
 */
int nflog_open(struct nflog *nflog, uint16_t group);
void nflog_close(struct nflog *nflog);
int nflog_fd(const struct nflog *nflog);

/* Returns 0, or anything else to have no more frames. */
typedef int (*nflog_fn)(void *arg, const struct nflog_frame *frame);

/**
 * nflog_read() - take what has arrived, without waiting
 * @nflog: the group
 * @each: called for each frame
 * @arg: for @each
 *
 * Return: 0, what @each returned, or a negative errno; -EAGAIN: nothing is there.
 */
int nflog_read(struct nflog *nflog, nflog_fn each, void *arg);

#endif /* LENSCAP_CLI_NFLOG_H */
