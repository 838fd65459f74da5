// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speaking to nf_tables: requests, lists, and batches.
 *
 * A batch is one datagram. The kernel reads it while it is being sent, and has
 * queued all its answers when that returns: one for each message that it
 * refused, and one for the first, which asks for it. It took effect if that one
 * says so and there is no other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter.h>
#include <libnftnl/common.h>

#include "mem.h"
#include "nft.h"

/* Bytes of one page of a batch, and of the largest message in it. */
#define PAGE_SIZE	(256U << 10)
#define MESSAGE_MAX	(128U << 10)

/* A list that changes while it is read is read again. */
#define LIST_TRIES	8

/* The number of the first message of a batch, behind its beginning. */
#define FIRST		1U

#define BUFFER_SIZE	(64U << 10)
#define RECEIVE_SIZE	(4U << 20)
#define ANSWER_SECONDS	30

/**
 * nft_open() - open the socket
 * @nft: it
 *
 * Return: 0, or an errno.
 */
int nft_open(struct nft *nft)
{
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int size = RECEIVE_SIZE, on = 1, fd, code;

	memset(nft, 0, sizeof(*nft));
	nft->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nft->socket)
		return errno;
	fd = mnl_socket_get_fd(nft->socket);
	/* A refused batch is answered message by message, without the messages. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)mnl_socket_setsockopt(nft->socket, NETLINK_CAP_ACK, &on,
				    sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
		       sizeof(limit)) < 0 ||
	    mnl_socket_bind(nft->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		code = errno;
		nft_close(nft);
		return code;
	}
	nft->port = mnl_socket_get_portid(nft->socket);
	nft->sequence = (uint32_t)time(NULL);
	nft->buffer = mem_alloc(BUFFER_SIZE);
	return 0;
}

/**
 * nft_close() - close the socket
 * @nft: it
 */
void nft_close(struct nft *nft)
{
	if (nft->socket)
		mnl_socket_close(nft->socket);
	free(nft->buffer);
	memset(nft, 0, sizeof(*nft));
}

static int exchange(struct nft *nft, const struct nlmsghdr *request,
		    mnl_cb_t each, void *arg)
{
	uint32_t sequence = request->nlmsg_seq;
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(nft->socket, request, request->nlmsg_len) < 0)
		return errno;
	while (more > MNL_CB_STOP) {
		ssize_t got = mnl_socket_recvfrom(nft->socket, nft->buffer,
						  BUFFER_SIZE);

		if (got < 0)
			return errno;
		/* What an earlier request left behind is not meant. */
		if (((struct nlmsghdr *)(void *)nft->buffer)->nlmsg_seq !=
		    sequence)
			continue;
		more = mnl_cb_run(nft->buffer, (size_t)got, sequence,
				  nft->port, each, arg);
	}
	return more < 0 ? errno : 0;
}

static int ask(struct nft *nft, uint16_t type, uint16_t flags, mnl_cb_t each,
	       void *arg)
{
	char request[MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg)];

	return exchange(nft, nftnl_nlmsg_build_hdr(request, type,
						   NFPROTO_UNSPEC, flags,
						   nft->sequence++),
			each, arg);
}

static int take_generation(const struct nlmsghdr *message, void *arg)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			*(uint32_t *)arg = ntohl(mnl_attr_get_u32(attr));
	}
	return MNL_CB_OK;
}

/**
 * nft_generation() - the number that every change of the rules raises
 * @nft: the socket
 * @generation: result
 *
 * Return: 0, or an errno; EOPNOTSUPP: this kernel has no nf_tables.
 */
int nft_generation(struct nft *nft, uint32_t *generation)
{
	int code;

	*generation = 0;
	code = ask(nft, NFT_MSG_GETGEN, NLM_F_ACK, take_generation,
		   generation);
	/* What nfnetlink says of a subsystem that it cannot find. */
	return code == EINVAL ? EOPNOTSUPP : code;
}

/**
 * nft_list() - list what there is of a kind
 * @nft: the socket
 * @kind: NFT_MSG_GETCHAIN and the like
 * @each: called for each
 * @arg: for @each
 *
 * What was told before a list changed is told again.
 *
 * Return: 0, or an errno.
 */
int nft_list(struct nft *nft, uint16_t kind, mnl_cb_t each, void *arg)
{
	int code = EINTR;

	for (int i = 0; code == EINTR && i < LIST_TRIES; i++)
		code = ask(nft, kind, NLM_F_DUMP, each, arg);
	return code;
}

/**
 * nft_find_chain() - look at one chain
 * @nft: the socket
 * @family: of its table
 * @table: name of the table
 * @name: its own
 * @each: called if it is there
 * @arg: for @each
 *
 * Unlike nft_list(), this costs nothing more if there are many others.
 *
 * Return: 0, or an errno; ENOENT: it is not there.
 */
int nft_find_chain(struct nft *nft, uint16_t family, const char *table,
		   const char *name, mnl_cb_t each, void *arg)
{
	/* Room for both names, which the kernel limits to 256 bytes each. */
	char request[1024] __attribute__((aligned(8)));
	struct nlmsghdr *message =
		nftnl_nlmsg_build_hdr(request, NFT_MSG_GETCHAIN, family,
				      NLM_F_ACK, nft->sequence++);

	int code = EINVAL;

	if (mnl_attr_put_strz_check(message, sizeof(request),
				    NFTA_CHAIN_TABLE, table) &&
	    mnl_attr_put_strz_check(message, sizeof(request),
				    NFTA_CHAIN_NAME, name))
		code = exchange(nft, message, each, arg);
	return code;
}

static void advance(struct nft_batch *batch)
{
	if (nftnl_batch_update(batch->pages) < 0)
		batch->failed = true;
}

/**
 * nft_batch_begin() - begin a batch
 * @nft: the socket
 * @batch: it
 * @generation: that the rules must still have when it takes effect, or 0
 */
void nft_batch_begin(struct nft *nft, struct nft_batch *batch,
		     uint32_t generation)
{
	struct nlmsghdr *message;

	memset(batch, 0, sizeof(*batch));
	batch->pages = nftnl_batch_alloc(PAGE_SIZE, MESSAGE_MAX);
	if (!batch->pages) {
		batch->failed = true;
		return;
	}
	batch->first = nft->sequence;
	message = nft_batch_message(nft, batch, NFNL_MSG_BATCH_BEGIN, 0,
				    &(struct nft_part){ .kind = "batch" });
	if (generation)
		mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(generation));
	nft_batch_next(batch);
}

/**
 * nft_batch_message() - begin a message of a batch
 * @nft: the socket
 * @batch: the batch
 * @type: NFT_MSG_*
 * @flags: beside NLM_F_REQUEST
 * @part: what the message is, for errors
 *
 * Return: the message, to be filled; then comes nft_batch_next(). NULL if
 * there is no memory: nft_batch_commit() says so.
 */
struct nlmsghdr *nft_batch_message(struct nft *nft, struct nft_batch *batch,
				   uint16_t type, uint16_t flags,
				   const struct nft_part *part)
{
	uint32_t sequence = nft->sequence++;
	char *at;

	if (batch->failed)
		return NULL;
	at = nftnl_batch_buffer(batch->pages);
	batch->parts = mem_array_room(batch->parts, batch->count, 1,
				      sizeof(*batch->parts));
	batch->parts[batch->count++] = *part;
	if (type == NFNL_MSG_BATCH_BEGIN)
		return nftnl_batch_begin(at, sequence);
	if (type == NFNL_MSG_BATCH_END)
		return nftnl_batch_end(at, sequence);
	if (batch->count == FIRST + 1)
		flags |= NLM_F_ACK;
	return nftnl_nlmsg_build_hdr(at, type, part->family, flags, sequence);
}

/**
 * nft_batch_next() - end a message of a batch
 * @batch: the batch
 */
void nft_batch_next(struct nft_batch *batch)
{
	if (!batch->failed)
		advance(batch);
}

static int send_batch(struct nft *nft, const struct nft_batch *batch)
{
	int count = nftnl_batch_iovec_len(batch->pages), code = 0;
	struct iovec *pages = mem_alloc((size_t)count * sizeof(*pages));
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr message = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = pages,
		.msg_iovlen = (size_t)count,
	};
	size_t bytes = 4096;
	int size;

	nftnl_batch_iovec(batch->pages, pages, (uint32_t)count);
	for (int i = 0; i < count; i++)
		bytes += pages[i].iov_len;
	size = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
	(void)setsockopt(mnl_socket_get_fd(nft->socket), SOL_SOCKET,
			 SO_SNDBUFFORCE, &size, sizeof(size));
	if (sendmsg(mnl_socket_get_fd(nft->socket), &message, 0) < 0)
		code = errno;
	free(pages);
	return code;
}

/* One answer; true if it is that to the first message. */
static bool take_answer(const struct nft_batch *batch,
			const struct nlmsghdr *message,
			struct nft_failure *failure)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);
	uint32_t number = message->nlmsg_seq - batch->first;

	if (message->nlmsg_type != NLMSG_ERROR ||
	    number >= batch->count ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*answer))
		return false;
	if (answer->error && !failure->code) {
		failure->code = -answer->error;
		if (number && number < batch->count - 1)
			failure->part = &batch->parts[number];
	}
	return number == FIRST;
}

static bool read_answers(struct nft *nft, const struct nft_batch *batch,
			 struct nft_failure *failure)
{
	bool answered = false;

	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(nft->socket), nft->buffer,
				   BUFFER_SIZE, MSG_DONTWAIT);
		const struct nlmsghdr *message = (void *)nft->buffer;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got < 0) {
			if (!failure->code)
				failure->code = errno;
			return false;
		}
		for (; mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left))
			answered |= take_answer(batch, message, failure);
	}
	if (!answered && !failure->code)
		failure->code = EIO;
	return !failure->code;
}

/**
 * nft_batch_commit() - let a batch take effect
 * @nft: the socket
 * @batch: the batch, with a message at least
 * @failure: why not: ERESTART if the rules have another generation; it refers
 *	to @batch
 *
 * Return: true if it took effect, false if nothing has changed.
 */
bool nft_batch_commit(struct nft *nft, struct nft_batch *batch,
		      struct nft_failure *failure)
{
	*failure = (struct nft_failure){ 0 };
	(void)nft_batch_message(nft, batch, NFNL_MSG_BATCH_END, 0,
				&(struct nft_part){ .kind = "batch" });
	nft_batch_next(batch);
	failure->code = batch->failed ? ENOMEM : send_batch(nft, batch);
	return !failure->code && read_answers(nft, batch, failure);
}

/**
 * nft_batch_free() - free a batch
 * @batch: it
 */
void nft_batch_free(struct nft_batch *batch)
{
	if (batch->pages)
		nftnl_batch_free(batch->pages);
	free(batch->parts);
	memset(batch, 0, sizeof(*batch));
}

/* As nft(8) calls a family of tables. */
static const char *family_name(uint16_t family)
{
	switch (family) {
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_BRIDGE:
		return "bridge";
	default:
		return "other";
	}
}

/**
 * nft_failure_text() - a failure, for people
 * @failure: it
 *
 * Return: the text, to be freed.
 */
char *nft_failure_text(const struct nft_failure *failure)
{
	const struct nft_part *part = failure->part;

	if (!part)
		return mem_copy(strerror(failure->code));
	return mem_print("cannot %s %s%s%s in table %s lenscap: %s",
			 part->verb, part->kind, *part->name ? " " : "",
			 part->name, family_name(part->family),
			 strerror(failure->code));
}
