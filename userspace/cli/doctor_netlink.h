/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists from the kernel that libnl does not read.
 */
#ifndef LENSCAP_CLI_DOCTOR_NETLINK_H
#define LENSCAP_CLI_DOCTOR_NETLINK_H

#include <libmnl/libmnl.h>
#include <stddef.h>

#define DOCTOR_REQUEST_SIZE	256

/**
 * doctor_dump() - send one request for a list and hand out the answers
 * @family: NETLINK_ROUTE or NETLINK_NETFILTER
 * @request: the request; flags and sequence number are filled in
 * @each: called for each message
 * @data: for @each
 *
 * Return: 0, or a negative errno; -EAGAIN when the list changed meanwhile.
 */
int doctor_dump(int family, struct nlmsghdr *request, mnl_cb_t each,
		void *data);

#endif /* LENSCAP_CLI_DOCTOR_NETLINK_H */
