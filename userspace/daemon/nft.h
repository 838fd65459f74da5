/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Speaking to nf_tables: requests, lists, and batches that take effect as a
 * whole or not at all.
 */
#ifndef LENSCAPD_NFT_H
#define LENSCAPD_NFT_H

#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>

/**
 * struct nft - a socket to nf_tables
 * @socket: it, or NULL
 * @port: by this, the kernel tells what this socket has changed
 * @sequence: of the next message
 * @buffer: for answers
 */
struct nft {
	struct mnl_socket *socket;
	uint32_t port;
	uint32_t sequence;
	char *buffer;
};

/**
 * struct nft_part - a message of a batch, as errors name it
 * @verb: what it does: "add", "delete"
 * @kind: to what kind of thing
 * @family: of the table
 * @name: its name
 */
struct nft_part {
	const char *verb;
	const char *kind;
	uint16_t family;
	char name[128];
};

/**
 * struct nft_batch - changes that are made together
 * @pages: the messages
 * @first: sequence number of the first
 * @parts: what they are, by sequence number
 * @count: how many
 * @failed: memory was short
 */
struct nft_batch {
	struct nftnl_batch *pages;
	uint32_t first;
	struct nft_part *parts;
	size_t count;
	bool failed;
};

/**
 * struct nft_failure - why a batch had no effect
 * @code: an errno
 * @part: the message that failed; NULL: all of it
 */
struct nft_failure {
	int code;
	const struct nft_part *part;
};

int nft_open(struct nft *nft);
void nft_close(struct nft *nft);
int nft_generation(struct nft *nft, uint32_t *generation);
int nft_list(struct nft *nft, uint16_t kind, mnl_cb_t each, void *arg);
int nft_find_chain(struct nft *nft, uint16_t family, const char *table,
		   const char *name, mnl_cb_t each, void *arg);

void nft_batch_begin(struct nft *nft, struct nft_batch *batch,
		     uint32_t generation);
struct nlmsghdr *nft_batch_message(struct nft *nft, struct nft_batch *batch,
				   uint16_t type, uint16_t flags,
				   const struct nft_part *part);
void nft_batch_next(struct nft_batch *batch);
bool nft_batch_commit(struct nft *nft, struct nft_batch *batch,
		      struct nft_failure *failure);
void nft_batch_free(struct nft_batch *batch);
char *nft_failure_text(const struct nft_failure *failure);

#endif /* LENSCAPD_NFT_H */
