// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading an NFLOG group: see nflog.h.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cli.h"
#include "nflog.h"

/* Where to look for a group: far from the small numbers that people use. */
#define FREE_FIRST	19456
#define FREE_LAST	20479

/* The kernel puts frames together to messages of up to this size. */
#define BUNDLE		(64U << 10)
/* One whole frame may be as large as that again. */
#define RECEIVE		(4 * BUNDLE)
#define QUEUE		(8 << 20)

/* In hundredths of a second: how long the kernel may hold a frame back. */
#define HOLD		10

static void put_config(struct nlmsghdr *nlh, uint16_t group)
{
	const struct nfulnl_msg_config_cmd bind = {
		.command = NFULNL_CFG_CMD_BIND,
	};
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(UINT16_MAX),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	struct nfgenmsg *header;

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = group;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	header->res_id = htons(group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_NLBUFSIZ, htonl(BUNDLE));
	mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(HOLD));
	mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
}

static int nothing(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	(void)arg;
	return MNL_CB_OK;
}

/* The answer is the first message: before it nothing is sent to this socket. */
static int bind_group(struct nflog *nflog, uint16_t group)
{
	char request[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	ssize_t got;

	put_config(nlh, group);
	if (mnl_socket_sendto(nflog->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(nflog->socket, nflog->buffer, RECEIVE);
	if (got < 0)
		return -errno;
	if (mnl_cb_run(nflog->buffer, (size_t)got, group,
		       mnl_socket_get_portid(nflog->socket), nothing,
		       NULL) < 0)
		/* Who may not configure at all has been told so before. */
		return errno == EPERM ? -EBUSY : -errno;
	nflog->group = group;
	return 0;
}

int nflog_open(struct nflog *nflog, uint16_t group)
{
	int error = -EBUSY, size = QUEUE;

	memset(nflog, 0, sizeof(*nflog));
	nflog->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nflog->socket)
		return -errno;
	nflog->buffer = cli_alloc(malloc(RECEIVE));
	/* Without it, frames are lost sooner, and counted. */
	(void)setsockopt(nflog_fd(nflog), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	if (mnl_socket_bind(nflog->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		error = -errno;
	else if (group)
		error = bind_group(nflog, group);
	else
		for (group = FREE_FIRST;
		     group <= FREE_LAST && error == -EBUSY; group++)
			error = bind_group(nflog, group);
	if (error)
		nflog_close(nflog);
	return error;
}

void nflog_close(struct nflog *nflog)
{
	if (nflog->socket)
		mnl_socket_close(nflog->socket);
	free(nflog->buffer);
	memset(nflog, 0, sizeof(*nflog));
}

int nflog_fd(const struct nflog *nflog)
{
	return mnl_socket_get_fd(nflog->socket);
}

struct reading {
	struct nflog *nflog;
	nflog_fn each;
	void *arg;
	int result;
};

static bool is_of(const struct nlattr *attr, size_t len)
{
	return mnl_attr_get_payload_len(attr) >= len;
}

static void take_tag(const struct nlattr *nest, struct nflog_frame *frame)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		if (!is_of(attr, sizeof(uint16_t)))
			continue;
		frame->tagged = true;
		if (mnl_attr_get_type(attr) == NFULA_VLAN_PROTO)
			frame->tpid = ntohs(mnl_attr_get_u16(attr));
		else if (mnl_attr_get_type(attr) == NFULA_VLAN_TCI)
			frame->tci = ntohs(mnl_attr_get_u16(attr));
	}
}

static void take_time(const struct nlattr *attr, struct nflog_frame *frame)
{
	struct nfulnl_msg_packet_timestamp stamp;

	if (!is_of(attr, sizeof(stamp)))
		return;
	memcpy(&stamp, mnl_attr_get_payload(attr), sizeof(stamp));
	frame->time.tv_sec = (time_t)be64toh(stamp.sec);
	frame->time.tv_nsec = (long)be64toh(stamp.usec) * 1000;
}

/* Numbers count up by one: what is missing was lost. */
static void take_number(const struct nlattr *attr, struct nflog *nflog)
{
	uint32_t number;

	if (!is_of(attr, sizeof(number)))
		return;
	number = ntohl(mnl_attr_get_u32(attr));
	nflog->lost += number - nflog->next;
	nflog->next = number + 1;
}

static void take_attr(const struct nlattr *attr, struct nflog *nflog,
		      struct nflog_frame *frame)
{
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case NFULA_L2HDR:
		frame->link = mnl_attr_get_payload(attr);
		frame->link_len = len;
		break;
	case NFULA_PAYLOAD:
		frame->data = mnl_attr_get_payload(attr);
		frame->len = len;
		break;
	case NFULA_VLAN:
		take_tag(attr, frame);
		break;
	case NFULA_IFINDEX_INDEV:
		if (is_of(attr, sizeof(uint32_t)))
			frame->ifindex = ntohl(mnl_attr_get_u32(attr));
		break;
	case NFULA_TIMESTAMP:
		take_time(attr, frame);
		break;
	case NFULA_PREFIX:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			frame->prefix = mnl_attr_get_str(attr);
		break;
	case NFULA_SEQ:
		take_number(attr, nflog);
		break;
	}
}

static int take_frame(const struct nlmsghdr *nlh, void *arg)
{
	struct reading *reading = arg;
	struct nflog_frame frame = { .prefix = "" };
	const struct nlattr *attr;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		take_attr(attr, reading->nflog, &frame);
	reading->nflog->received++;
	/* The kernel did not stamp it. */
	if (!frame.time.tv_sec)
		clock_gettime(CLOCK_REALTIME, &frame.time);
	reading->result = reading->each(reading->arg, &frame);
	return reading->result ? MNL_CB_STOP : MNL_CB_OK;
}

int nflog_read(struct nflog *nflog, nflog_fn each, void *arg)
{
	struct reading reading = { nflog, each, arg, 0 };
	ssize_t got = recv(nflog_fd(nflog), nflog->buffer, RECEIVE,
			   MSG_DONTWAIT);

	/* The queue overflowed; the numbers of the next frames tell how much. */
	if (got < 0)
		return errno == ENOBUFS || errno == EINTR ? 0 : -errno;
	if (mnl_cb_run(nflog->buffer, (size_t)got, 0, 0, take_frame,
		       &reading) < 0)
		return -errno;
	return reading.result;
}
