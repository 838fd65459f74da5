// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events as IPFIX: in a file, or to a collector.
 *
 * Nobody waits for a collector. Over TCP, messages wait in a queue until the
 * other side has acknowledged them, so that what a broken connection took with
 * it is counted; what finds no place there is lost at once. A datagram is sent,
 * and that is all; that nobody listens is heard of with the next one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipfix.h"
#include "mem.h"
#include "output.h"

/* Some thousand messages: a batch of records, and what is on its way. */
#define QUEUE_BYTES	(1U << 20)

/* A collector that acknowledges nothing for so long, in ms, is gone. */
#define PATIENCE	10000

/**
 * struct flow - a stream of messages
 * @ipfix: who makes them
 * @up: the connection is made
 * @again: another one was tried since the last look
 * @fresh: no record was sent of which it is not known whether it was refused
 * @queue: messages that were not acknowledged: from @start to @sent they were
 *	given to the kernel, from there to @end they were not
 */
struct flow {
	struct ipfix *ipfix;
	bool up;
	bool again;
	bool fresh;
	uint8_t *queue;
	size_t start, sent, end;
};

static struct flow *flow_of(struct output *output)
{
	const char *why;
	struct ipfix *ipfix;

	if (output->flow)
		return output->flow;
	ipfix = output->tried ? NULL : ipfix_new(&why);
	if (!ipfix) {
		if (!output->tried)
			output_failed(output, why, 0);
		output->tried = true;
		return NULL;
	}
	output->flow = mem_alloc(sizeof(*output->flow));
	*output->flow = (struct flow) { .ipfix = ipfix, .fresh = true };
	return output->flow;
}

static size_t length_at(const struct flow *flow, size_t at)
{
	const uint8_t *message = flow->queue + at;

	return (size_t)message[IPFIX_LENGTH_AT] << 8 |
	       message[IPFIX_LENGTH_AT + 1];
}

static bool is_record(const struct flow *flow, size_t at)
{
	const uint8_t *set = flow->queue + at + IPFIX_SET_AT;

	return set[0] || set[1] != IPFIX_SET_TEMPLATE;
}

/* Records of which something is behind @from. */
static uint64_t count_from(const struct flow *flow, size_t from)
{
	uint64_t count = 0;
	size_t next;

	for (size_t at = flow->start; at < flow->end; at = next) {
		next = at + length_at(flow, at);
		count += next > from && is_record(flow, at);
	}
	return count;
}

/* All before @to has arrived; a message of which a part has not stays. */
static void acknowledge(struct flow *flow, size_t to)
{
	while (flow->start < to &&
	       flow->start + length_at(flow, flow->start) <= to)
		flow->start += length_at(flow, flow->start);
	if (flow->start == flow->end)
		flow->start = flow->sent = flow->end = 0;
}

/* They were counted as written when they were put into the queue. */
static void count_lost(struct output *output, uint64_t lost)
{
	if (lost > output->written)
		lost = output->written;
	output->written -= lost;
	output->lost += lost;
}

/* @clean: what the kernel has is on its way still. */
static void hang_up(struct output *output, bool clean)
{
	struct flow *flow = output->flow;

	count_lost(output, count_from(flow, clean ? flow->sent : flow->start));
	flow->start = flow->sent = flow->end = 0;
	flow->up = false;
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
}

/* Return: false. */
static bool broken(struct output *output, const char *what, int error)
{
	hang_up(output, false);
	output->tried = true;
	return output_failed(output, what, error);
}

/* Return: false. */
static bool unreachable(struct output *output, int error)
{
	if (error == EAFNOSUPPORT)
		return broken(output, "cannot be reached: the unit of lenscapd permits no such sockets (RestrictAddressFamilies=AF_INET AF_INET6 in a drop-in does)", 0);
	return broken(output, "cannot be reached", error);
}

static socklen_t address_of(const struct gateway_output *config,
			    struct sockaddr_storage *storage)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	memset(storage, 0, sizeof(*storage));
	if (config->family == 4) {
		four.sin_port = htons(config->port);
		memcpy(&four.sin_addr, config->address, 4);
		memcpy(storage, &four, sizeof(four));
		return sizeof(four);
	}
	six.sin6_port = htons(config->port);
	memcpy(&six.sin6_addr, config->address, 16);
	memcpy(storage, &six, sizeof(six));
	return sizeof(six);
}

static bool open_socket(struct output *output)
{
	const struct gateway_output *config = &output->config;
	unsigned int patience = PATIENCE;
	struct sockaddr_storage address;
	socklen_t len = address_of(config, &address);
	const char *why;

	if (output->tried)
		return false;
	output->fd = socket(address.ss_family, SOCK_CLOEXEC | SOCK_NONBLOCK |
			    (config->udp ? SOCK_DGRAM : SOCK_STREAM), 0);
	if (output->fd < 0)
		return unreachable(output, errno);
	if (!config->udp)
		(void)setsockopt(output->fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
				 &patience, sizeof(patience));
	if (connect(output->fd, (const struct sockaddr *)&address, len) &&
	    errno != EINPROGRESS)
		return unreachable(output, errno);
	if (!ipfix_begin(output->flow->ipfix, &why))
		return broken(output, why, 0);
	return true;
}

/* Is it connected? Return: false if it never will be. */
static bool look_up(struct output *output)
{
	struct pollfd pollfd = { .fd = output->fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0;

	if (output->flow->up || poll(&pollfd, 1, 0) <= 0)
		return true;
	if (getsockopt(output->fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	if (error)
		return unreachable(output, error);
	output->flow->up = true;
	return true;
}

/* A collector says nothing; but that it closes is not to be overheard. */
static bool listen_to(struct output *output)
{
	char heard[64];
	ssize_t len = recv(output->fd, heard, sizeof(heard), MSG_DONTWAIT);

	if (len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR)))
		return true;
	return broken(output, len ? "is gone" : "has closed the connection",
		      len ? errno : 0);
}

static bool flush_queue(struct output *output)
{
	struct flow *flow = output->flow;
	int left = 0;

	if (!look_up(output))
		return false;
	if (!flow->up)
		return true;
	if (!listen_to(output))
		return false;
	while (flow->sent < flow->end) {
		ssize_t done = send(output->fd, flow->queue + flow->sent,
				    flow->end - flow->sent, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			break;
		if (done < 0)
			return broken(output, "is gone", errno);
		flow->sent += (size_t)done;
	}
	if (!ioctl(output->fd, SIOCOUTQ, &left) && left >= 0 &&
	    (size_t)left <= flow->sent - flow->start)
		acknowledge(flow, flow->sent - (size_t)left);
	return true;
}

static bool make_room(struct flow *flow)
{
	const size_t room = sizeof(((struct ipfix_message *)NULL)->bytes);

	if (!flow->queue)
		flow->queue = mem_alloc(QUEUE_BYTES);
	if (QUEUE_BYTES - flow->end >= room)
		return true;
	memmove(flow->queue, flow->queue + flow->start,
		flow->end - flow->start);
	flow->end -= flow->start;
	flow->sent -= flow->start;
	flow->start = 0;
	return QUEUE_BYTES - flow->end >= room;
}

static bool write_stream(struct output *output,
			 const struct ipfix_message *message)
{
	struct flow *flow = output->flow;

	memcpy(flow->queue + flow->end, message->bytes, message->len);
	flow->end += message->len;
	/* As the others there; but this one is counted by outputs_write(). */
	output->written++;
	if (!flush_queue(output)) {
		output->lost--;
		return false;
	}
	output->written--;
	return true;
}

/* Return: false. */
static bool not_sent(struct output *output)
{
	if (errno == EAGAIN || errno == ENOBUFS)
		return output_failed(output, "cannot be sent to so fast", 0);
	return output_failed(output, "cannot be reached", errno);
}

static bool write_datagram(struct output *output,
			   const struct ipfix_message *message)
{
	const uint8_t *record = message->bytes + message->head;
	struct flow *flow = output->flow;
	bool fresh = flow->fresh;

	flow->fresh = true;
	if (send(output->fd, message->bytes, message->head, MSG_NOSIGNAL) < 0) {
		/* It is about what was sent last. */
		if (errno == ECONNREFUSED && !fresh)
			count_lost(output, 1);
		return not_sent(output);
	}
	if (send(output->fd, record, message->len - message->head,
		 MSG_NOSIGNAL) < 0)
		return not_sent(output);
	flow->fresh = false;
	return true;
}

/* A collector that was started again is there; but only once in a batch. */
static void have_another_try(struct output *output)
{
	output->tried = output->flow->again;
	output->flow->again = true;
}

/* Return: whether a message can be made for it now. */
static bool get_ready(struct output *output)
{
	const struct gateway_output *config = &output->config;
	const char *why;
	bool opened;

	if (!config->family) {
		if (!output_file_ready(output, &opened))
			return false;
		if (opened && !ipfix_begin(output->flow->ipfix, &why))
			return output_failed(output, why, 0);
		return true;
	}
	if (output->fd >= 0 && !config->udp && !flush_queue(output))
		have_another_try(output);
	if (output->fd < 0 && !open_socket(output))
		return false;
	return config->udp || make_room(output->flow) ||
	       output_failed(output, output->flow->up ? "is too slow" :
			     "does not answer", 0);
}

static bool write_file(struct output *output,
		       const struct ipfix_message *message)
{
	const char *why;

	if (output_file_write(output, message->bytes, message->len))
		return true;
	/* It may have brought a template, which the next one brings again. */
	(void)ipfix_begin(output->flow->ipfix, &why);
	return false;
}

/**
 * output_ipfix_write() - write a record
 * @output: the file or collector
 * @record: it
 * @event: the same, with what is known of its guard
 */
bool output_ipfix_write(struct output *output,
			const struct client_record *record,
			const json_t *event)
{
	const struct gateway_output *config = &output->config;
	const struct ipfix_message *message;
	const char *why, *interface;
	json_int_t vlan;

	if (!flow_of(output) || !get_ready(output))
		return false;
	interface = json_string_value(json_object_get(event, "in_iface"));
	vlan = json_integer_value(json_array_get(json_object_get(event, "vlan"),
						 0));
	message = ipfix_encode(output->flow->ipfix, record, interface,
			       (uint16_t)vlan, config->udp, &why);
	if (!message)
		return output_failed(output, why, 0);
	if (!config->family)
		return write_file(output, message);
	if (config->udp)
		return write_datagram(output, message);
	return write_stream(output, message);
}

/**
 * output_ipfix_look() - after each batch: send what waits
 * @output: the file or collector
 */
void output_ipfix_look(struct output *output)
{
	const struct gateway_output *config = &output->config;

	if (!output->flow)
		return;
	output->flow->again = false;
	if (config->family && !config->udp && output->fd >= 0)
		(void)flush_queue(output);
}

/**
 * output_ipfix_shut() - no more is sent; count what was not
 * @output: the file or collector
 */
void output_ipfix_shut(struct output *output)
{
	struct flow *flow = output->flow;

	if (!flow)
		return;
	output_ipfix_look(output);
	if (output->config.family)
		hang_up(output, true);
	ipfix_free(flow->ipfix);
	free(flow->queue);
	free(flow);
	output->flow = NULL;
}
