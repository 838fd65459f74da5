// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: asking the kernel for a list.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "cli.h"
#include "doctor_netlink.h"

#define SEQUENCE	1U
#define ANSWER_SECONDS	10
/* An interface that was asked for its VLANs may have more than libmnl expects:
 * every other of 4094 is 16 KiB. The kernel does not send more than 64 KiB.
 */
#define ANSWER_SIZE	65536

static int receive(struct mnl_socket *socket, mnl_cb_t each, void *data)
{
	size_t size = ANSWER_SIZE;
	char *buffer = cli_alloc(malloc(size));
	unsigned int port = mnl_socket_get_portid(socket);
	int more = MNL_CB_OK;

	while (more > MNL_CB_STOP) {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, size);

		if (got < 0) {
			more = -1;
			break;
		}
		more = mnl_cb_run(buffer, (size_t)got, SEQUENCE, port, each,
				  data);
	}
	free(buffer);
	/* A list that changed while it was read is not a whole one. */
	if (more < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return 0;
}

static int dump(int family, const struct nlmsghdr *request, mnl_cb_t each,
		void *data)
{
	struct mnl_socket *socket = mnl_socket_open2(family, SOCK_CLOEXEC);
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int error = 0;

	if (!socket)
		return -errno;
	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO,
		       &limit, sizeof(limit)) < 0 ||
	    mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		error = -errno;
	else
		error = receive(socket, each, data);
	mnl_socket_close(socket);
	return error;
}

int doctor_dump_once(int family, struct nlmsghdr *request, mnl_cb_t each,
		     void *data)
{
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = SEQUENCE;
	return dump(family, request, each, data);
}

/* What was handed out is handed out again then: no caller minds. */
int doctor_dump(int family, struct nlmsghdr *request, mnl_cb_t each,
		void *data)
{
	int error = -EAGAIN;

	for (int i = 0; i < DOCTOR_TRIES && error == -EAGAIN; i++)
		error = doctor_dump_once(family, request, each, data);
	return error;
}

int doctor_list_nft(uint16_t type, mnl_cb_t each, void *data)
{
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *body;

	request->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->nfgen_family = NFPROTO_UNSPEC;
	body->version = NFNETLINK_V0;
	return doctor_dump(NETLINK_NETFILTER, request, each, data);
}

struct reader {
	void (*each)(struct nftnl_rule *rule, void *data);
	void *data;
};

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = cli_alloc(nftnl_rule_alloc());
	const struct reader *reader = data;

	if (!nftnl_rule_nlmsg_parse(message, rule))
		reader->each(rule, reader->data);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

int doctor_list_rules(void (*each)(struct nftnl_rule *rule, void *data),
		      void *data)
{
	struct reader reader = { each, data };

	return doctor_list_nft(NFT_MSG_GETRULE, read_rule, &reader);
}
