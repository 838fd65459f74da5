/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drop records as messages of IPFIX (RFC 7011).
 */
#ifndef LENSCAPD_IPFIX_H
#define LENSCAPD_IPFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

/* No message is longer. A datagram must fit where there are tunnels, too. */
#define IPFIX_MESSAGE_MAX	1200

/* Of a message: where its length is, and the kind of its first set. */
#define IPFIX_LENGTH_AT		2
#define IPFIX_SET_AT		16

/* A set of templates, not of data. */
#define IPFIX_SET_TEMPLATE	2

/**
 * struct ipfix_message - a message with a record
 * @bytes: it, and before it one with the template, if that is needed
 * @len: of both
 * @head: of the one with the template, or 0
 */
struct ipfix_message {
	uint8_t bytes[2 * IPFIX_MESSAGE_MAX];
	size_t len;
	size_t head;
};

struct ipfix;

struct ipfix *ipfix_new(const char **why);
bool ipfix_begin(struct ipfix *ipfix, const char **why);
const struct ipfix_message *ipfix_encode(struct ipfix *ipfix,
					 const struct client_record *record,
					 const char *interface, uint16_t vlan,
					 bool alone, const char **why);
void ipfix_free(struct ipfix *ipfix);

#endif /* LENSCAPD_IPFIX_H */
