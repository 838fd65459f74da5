/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists from the kernel that libnl does not read.
 */
#ifndef LENSCAP_CLI_DOCTOR_NETLINK_H
#define LENSCAP_CLI_DOCTOR_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdio.h>
#include <libnftnl/rule.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_REQUEST_SIZE	256
#define DOCTOR_TRIES		3	/* of a list that keeps changing */

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

/**
 * doctor_dump_once() - the same, but a list that changed is not read anew
 * @family: as above
 * @request: as above
 * @each: as above
 * @data: as above
 *
 * For callers to whom the order matters: they must begin anew themselves.
 *
 * Return: as above.
 */
int doctor_dump_once(int family, struct nlmsghdr *request, mnl_cb_t each,
		     void *data);

/**
 * doctor_list_nft() - list something of nftables, of all families
 * @type: NFT_MSG_GET*
 * @each: as above
 * @data: as above
 *
 * Return: as above.
 */
int doctor_list_nft(uint16_t type, mnl_cb_t each, void *data);

/**
 * doctor_list_rules() - the rules of nftables, of all families
 * @each: called for each; the rule lives until it returns
 * @data: for @each
 *
 * Return: as above.
 */
int doctor_list_rules(void (*each)(struct nftnl_rule *rule, void *data),
		      void *data);

#endif /* LENSCAP_CLI_DOCTOR_NETLINK_H */
