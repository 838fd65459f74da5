/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing frames with comments to a pcapng file.
 *
 * By libwiretap, Wireshark's own: libpcap writes no comments. Its interface
 * changes with Wireshark's releases; nothing but pcapng.c knows it. It brings
 * many libraries along, so pcapng.c is a library of its own, lenscap-pcapng.so,
 * which is loaded when a file is to be written.
 */
#ifndef LENSCAP_WIRETAP_PCAPNG_H
#define LENSCAP_WIRETAP_PCAPNG_H

#include <stdbool.h>
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
 * struct pcapng_writer - what lenscap-pcapng.so does
 * @open: begin a file on @fd, which @close closes; @program writes it, and keeps
 *	@snaplen bytes of a frame. Returns NULL with @error; then @fd is still open
 * @write: add a frame
 * @flush: let readers see what was written
 * @close: end the file, and free @file even if that fails
 *
 * The others return 0, or -1 with @error. An error is to be freed.
 */
struct pcapng_writer {
	struct pcapng *(*open)(int fd, const char *program, uint32_t snaplen,
			       char **error);
	int (*write)(struct pcapng *file, const struct pcapng_frame *frame,
		     char **error);
	int (*flush)(struct pcapng *file, char **error);
	int (*close)(struct pcapng *file, char **error);
};

/* Its only symbol. */
#define PCAPNG_WRITER	"lenscap_pcapng_writer"
extern const struct pcapng_writer lenscap_pcapng_writer;

#endif /* LENSCAP_WIRETAP_PCAPNG_H */
