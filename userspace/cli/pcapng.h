/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing frames with comments to a pcapng file.
 *
 * By libwiretap, Wireshark's own: libpcap writes no comments. Its interface
 * changes with Wireshark's releases; nothing but pcapng.c knows it.
 */
#ifndef LENSCAP_CLI_PCAPNG_H
#define LENSCAP_CLI_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct pcapng;

/**
 * struct pcapng_frame - one frame to be written
 * @interface: name of the interface that it came in by
 * @ethernet: it begins with an Ethernet header; otherwise with that of IP
 * @data: its bytes
 * @len: of these
 * @whole: its length before it was cut
 * @time: when it came
 * @comment: what is said of it
 */
struct pcapng_frame {
	const char *interface;
	bool ethernet;
	const uint8_t *data;
	size_t len;
	size_t whole;
	struct timespec time;
	const char *comment;
};

/**
 * pcapng_open() - begin a file
 * @fd: an open file, which is closed by pcapng_close()
 * @program: who writes it
 * @snaplen: bytes that are kept of a frame
 * @error: receives why not, to be freed
 *
 * Return: the file, or NULL; then @fd is still open.
 */
struct pcapng *pcapng_open(int fd, const char *program, uint32_t snaplen,
			   char **error);

/* Each returns 0, or -1 with @error, to be freed. */
int pcapng_write(struct pcapng *file, const struct pcapng_frame *frame,
		 char **error);
int pcapng_flush(struct pcapng *file, char **error);
int pcapng_close(struct pcapng *file, char **error);

#endif /* LENSCAP_CLI_PCAPNG_H */
