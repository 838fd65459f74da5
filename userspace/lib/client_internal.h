/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the netlink client share; not for its users.
 */
#ifndef LENSCAP_CLIENT_INTERNAL_H
#define LENSCAP_CLIENT_INTERNAL_H

#include <sys/types.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "client.h"

/* Messages are sent when this many bytes are waiting. */
#define CLIENT_BATCH	(256U << 10)

/*
 * Room for the largest message, a profile with LENSCAP_MAX_PROFILE_RULES
 * IPv6 rules of 80 bytes each, after almost a whole batch.
 */
#define CLIENT_SNDBUF	(4 << 20)

/* The answers to one batch, should every message of it be refused. */
#define CLIENT_RCVBUF	(8 << 20)

/* The kernel never makes a dump's message larger than 32 KiB. */
#define CLIENT_RX	(64U << 10)

/**
 * struct client - one netlink socket
 * @nl: the socket
 * @portid: its address
 * @seq: of the last message built
 * @family: id of the family
 * @group: id of the multicast group of events
 * @tx: messages being built, kept until their answers are in
 * @tx_len: bytes of complete messages in @tx
 * @tx_cap: size of @tx
 * @refusal: who hears about refused parts of the open transaction
 * @refusal_arg: for @refusal
 * @refused: parts refused since the transaction began
 * @rx: buffer for answers
 */
struct client {
	struct mnl_socket *nl;
	unsigned int portid;
	uint32_t seq;
	uint16_t family;
	uint32_t group;
	char *tx;
	size_t tx_len, tx_cap;
	client_refusal_fn refusal;
	void *refusal_arg;
	size_t refused;
	char *rx;
};

/*
 * Called for each answer that carries data. Returns 0, or -1 with @err
 * filled in (then the rest of the answers are still read, and ignored).
 */
typedef int (*client_answer_fn)(void *arg, const struct nlmsghdr *nlh,
				struct client_error *err);

/* client.c */
struct nlmsghdr *client_message(struct client *client, uint8_t command,
				uint16_t flags, size_t room,
				struct client_error *err);
void client_message_end(struct client *client, const struct nlmsghdr *nlh);
struct nlmsghdr *client_find(const struct client *client, uint32_t seq);
ssize_t client_receive(struct client *client, int flags,
		       struct client_error *err);
int client_exchange(struct client *client, client_answer_fn answer, void *arg,
		    struct client_error *err);

/* client_error.c */
void client_fail(struct client_error *err, enum client_fault fault, int code,
		 const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void client_refused(const struct client *client, const struct nlmsghdr *nlh,
		    struct client_error *err);

/* client_encode.c */
size_t client_name_room(const char *name);
size_t client_guard_room(const struct gateway_guard *guard);
void client_put_guard(struct nlmsghdr *nlh, const struct gateway_guard *guard);
size_t client_profile_room(const struct policy_profile *profile);
void client_put_profile(struct nlmsghdr *nlh,
			const struct policy_profile *profile);
size_t client_device_room(const struct policy_device *device);
void client_put_device(struct nlmsghdr *nlh,
		       const struct policy_device *device);

/* client_decode.c */
bool client_get_u8(const struct nlattr *attr, uint8_t *value);
bool client_get_u16(const struct nlattr *attr, uint16_t *value);
bool client_get_u32(const struct nlattr *attr, uint32_t *value);
bool client_get_u64(const struct nlattr *attr, uint64_t *value);
int client_decode_info(const struct nlmsghdr *nlh, struct client_info *info);
int client_decode_guard(const struct nlmsghdr *nlh, struct client_guard *guard);
int client_decode_device(const struct nlmsghdr *nlh,
			 struct client_device *device);
int client_decode_record(const struct nlmsghdr *nlh,
			 struct client_record *record,
			 struct client_losses *losses);
/* @hits: stays as it is where none are told. */
int client_decode_rule(const struct nlattr *nest, struct policy_rule *rule,
		       uint64_t *hits);
void client_device_free(struct client_device *device);

static inline uint8_t client_command(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	return genl->cmd;
}

#define client_for_each_attr(attr, nlh) \
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))

#endif /* LENSCAP_CLIENT_INTERNAL_H */
