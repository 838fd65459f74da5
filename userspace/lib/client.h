/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink client of the lenscap module.
 *
 * A client is one netlink socket. Everything that a call needs lies in it:
 * there is no global state, and two clients never share anything. A client
 * is not safe for use by two threads at once.
 *
 * Calls return 0, or -1 with @err filled in. An open transaction belongs to
 * the client: client_close() aborts it.
 */
#ifndef LENSCAP_CLIENT_H
#define LENSCAP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/lenscap.h>

#include "gateway.h"
#include "policy.h"

struct client;

/**
 * enum client_fault - what kind of thing went wrong
 * @CLIENT_NO_MODULE: the kernel knows no family "lenscap"
 * @CLIENT_PERMISSION: CAP_NET_ADMIN in the initial user namespace is missing
 * @CLIENT_VERSION: the module speaks an older protocol, or the kernel has no
 *	generic netlink
 * @CLIENT_REFUSED: the module refused a request; code says as what
 * @CLIENT_LOST: messages were lost (ENOBUFS): state must be read again
 * @CLIENT_SYSTEM: the socket or memory failed
 */
enum client_fault {
	CLIENT_NO_MODULE = 1,
	CLIENT_PERMISSION,
	CLIENT_VERSION,
	CLIENT_REFUSED,
	CLIENT_LOST,
	CLIENT_SYSTEM,
};

/**
 * struct client_error - why a call failed
 * @fault: the kind
 * @code: errno value, positive
 * @object: what was refused, such as 'device "fence-017"', or empty
 * @attr: the netlink attribute that was refused, such as "mac", or empty
 * @text: the whole sentence, with @object and @attr in it
 */
struct client_error {
	enum client_fault fault;
	int code;
	char object[96];
	char attr[64];
	char text[512];
};

struct client_count {
	uint64_t packets;
	uint64_t bytes;		/* from the network header on */
};

struct client_info {
	char version[64];
	uint32_t generation;	/* 0: no policy */
	uint64_t revision;
	bool has_digest;
	uint8_t digest[LENSCAP_DIGEST_LEN];
	uint64_t committed;	/* ms since the epoch */
	uint32_t tag_value, tag_mask, class_mask;
	uint32_t guards, guards_armed;
	uint32_t devices, profiles, rulesets, rules;
	uint64_t memory;	/* bytes */
	uint32_t records, records_max;
	uint64_t records_lost;
	uint64_t events_suppressed;
	bool txn;
	uint32_t max_guards, max_devices, max_profiles, max_rules;
	uint32_t max_profile_rules, max_addresses;
	uint32_t fragments_max;
	uint64_t fragments_lost;
};

struct client_total {
	uint8_t reason;		/* may be newer than enum lenscap_reason */
	struct client_count dropped;
	struct client_count would;
};

struct client_guard {
	struct gateway_guard config;	/* as the kernel has it */
	uint8_t state;			/* enum lenscap_guard_state */
	uint32_t ifindex;
	struct client_count passed;
	struct client_total *totals;
	size_t ntotals;
};

struct client_guards {
	struct client_guard *items;
	size_t count;
};

struct client_device {
	struct policy_device config;
	struct client_count passed, dropped, would;
	uint64_t last_seen;	/* ms since the epoch, 0: never */
};

struct client_devices {
	struct client_device *items;
	size_t count;
};

struct client_profile {
	struct policy_profile config;
	uint32_t devices;
	uint64_t *hits;		/* of each rule; NULL: not asked for */
	uint64_t since;		/* ms since the epoch: hits were counted from then */
	uint32_t shared;	/* profiles with these rules, which count together */
};

struct client_profiles {
	struct client_profile *items;
	size_t count;
};

struct client_record {
	char guard[LENSCAP_NAME_LEN + 1];
	char device[LENSCAP_NAME_LEN + 1];	/* empty: unknown */
	bool has_mac;
	uint8_t mac[6];
	uint16_t ethertype;
	uint8_t source_len, destination_len;	/* 0, 4 or 16 */
	uint8_t source[16], destination[16];
	int proto;				/* -1: not reached */
	int port;				/* -1: not reached */
	uint8_t reason;
	bool audit;
	struct client_count count;
	uint64_t first, last;			/* ms since the epoch */
	uint64_t revision;
};

struct client_records {
	struct client_record *items;
	size_t count;
};

/* Empty names, and a reason of 0: of any. */
struct client_capture {
	uint32_t id;
	char guard[LENSCAP_NAME_LEN + 1];
	char device[LENSCAP_NAME_LEN + 1];
	bool has_mac;
	uint8_t mac[6];
	uint8_t reason;
	uint16_t group;		/* of NFLOG */
	uint32_t snaplen;	/* bytes from the network header on, 0: all */
	uint32_t rate;		/* frames a second; to be set: 0: the default */
	bool link;		/* frames of the link, not IP packets */
	uint64_t sent;
	uint64_t suppressed;	/* above the rate */
};

struct client_captures {
	struct client_capture items[LENSCAP_MAX_CAPTURES];
	size_t count;
};

/* The answer to a rotation, and what each event tells besides. */
struct client_losses {
	bool known;
	uint64_t lost;		/* frames that found no place, ever */
	uint64_t suppressed;	/* events not sent, ever */
	uint32_t records;	/* in the retired table; rotation only */
};

struct client_event {
	uint8_t command;	/* LENSCAP_CMD_*_EVENT */
	struct client_losses losses;
	union {
		struct client_record record;	/* DROP_, UNKNOWN_EVENT */
		struct client_info info;	/* GENERATION_EVENT, in part */
		struct client_guard guard;	/* GUARD_EVENT */
	};
};

/* client.c */

/**
 * client_open() - open a socket and find the family
 * @client: result
 * @err: why not
 *
 * Needs no privilege itself; the module refuses every command of who has
 * none.
 */
int client_open(struct client **client, struct client_error *err);
/* Also aborts an open transaction. NULL is fine. */
void client_close(struct client *client);

/* client_control.c */
int client_info(struct client *client, struct client_info *info,
		struct client_error *err);
int client_tag_set(struct client *client, uint32_t value, uint32_t mask,
		   uint32_t class_mask, struct client_error *err);
int client_guard_set(struct client *client, const struct gateway_guard *guard,
		     struct client_error *err);
int client_guard_del(struct client *client, const char *name,
		     struct client_error *err);

/**
 * client_guard_swap() - remove a guard and set another in one message batch
 * @client: the client
 * @del: name of the guard to remove
 * @guard: the guard to set
 * @err: why not
 *
 * For a guard that takes over the frames of another: the module handles both
 * requests back to back, so that the gap is as short as it can be.
 */
int client_guard_swap(struct client *client, const char *del,
		      const struct gateway_guard *guard,
		      struct client_error *err);
int client_record_rotate(struct client *client, struct client_losses *losses,
			 struct client_error *err);

/* client_capture.c */

/**
 * client_capture_set() - let refused frames go to an NFLOG group
 * @client: the client; closing it ends the capture
 * @capture: which frames, and where to
 * @id: receives its number
 * @err: why not
 */
int client_capture_set(struct client *client,
		       const struct client_capture *capture, uint32_t *id,
		       struct client_error *err);
int client_captures(struct client *client, struct client_captures *captures,
		    struct client_error *err);

/* client_txn.c */

/**
 * typedef client_refusal_fn - hears about each refused part of a transaction
 * @arg: as given to client_txn_begin()
 * @err: which one and why; valid during the call
 *
 * Parts travel in batches, so a refusal is heard at the latest when
 * client_txn_commit() is called.
 */
typedef void (*client_refusal_fn)(void *arg, const struct client_error *err);

/**
 * client_txn_begin() - open a transaction
 * @client: the client
 * @base: enum lenscap_base
 * @refusal: hears about refused parts, or NULL
 * @arg: for @refusal
 * @generation: receives the live generation's number; may be NULL
 * @err: why not
 */
int client_txn_begin(struct client *client, uint8_t base,
		     client_refusal_fn refusal, void *arg,
		     uint32_t *generation, struct client_error *err);

/*
 * Parts of a transaction. Each may return -1 because of an earlier part of
 * the same batch; going on to collect more refusals is fine, committing after
 * one is refused here, before the kernel is asked.
 */
int client_txn_profile_set(struct client *client,
			   const struct policy_profile *profile,
			   struct client_error *err);
int client_txn_profile_del(struct client *client, const char *name,
			   struct client_error *err);
int client_txn_device_set(struct client *client,
			  const struct policy_device *device,
			  struct client_error *err);
int client_txn_device_del(struct client *client, const char *name,
			  struct client_error *err);

/**
 * struct client_commit - what client_txn_commit() asks for
 * @generation: the live generation that is to be replaced
 * @revision: of the new policy
 * @digest: of the new policy, %LENSCAP_DIGEST_LEN bytes, or NULL
 * @rollback: a revision lower than the live one is meant
 */
struct client_commit {
	uint32_t generation;
	uint64_t revision;
	const uint8_t *digest;
	bool rollback;
};

int client_txn_commit(struct client *client, const struct client_commit *commit,
		      uint32_t *generation, struct client_error *err);
int client_txn_abort(struct client *client, struct client_error *err);

/* client_dump.c: results are to be freed with the functions below */
int client_guards(struct client *client, struct client_guards *guards,
		  struct client_error *err);
int client_devices(struct client *client, struct client_devices *devices,
		   struct client_error *err);
/* One device by name; code ENOENT if there is none. */
int client_device(struct client *client, const char *name,
		  struct client_devices *devices, struct client_error *err);
int client_profiles(struct client *client, struct client_profiles *profiles,
		    struct client_error *err);
/**
 * client_hits() - profiles with the hits of their rules
 * @client: the client
 * @name: of one profile, or NULL: all
 * @profiles: result; empty if there is none of this name
 * @err: why not
 */
int client_hits(struct client *client, const char *name,
		struct client_profiles *profiles, struct client_error *err);
/* @table: enum lenscap_record_table; code EAGAIN: try again in a moment. */
int client_records(struct client *client, uint8_t table,
		   struct client_records *records, struct client_error *err);

void client_guard_free(struct client_guard *guard);
void client_guards_free(struct client_guards *guards);
void client_devices_free(struct client_devices *devices);
void client_profiles_free(struct client_profiles *profiles);
void client_records_free(struct client_records *records);

/* client_event.c */

/**
 * client_subscribe() - make this client hear events
 * @client: a client that is used for nothing else
 * @err: why not
 */
int client_subscribe(struct client *client, struct client_error *err);

/* To poll for events. */
int client_fd(const struct client *client);

typedef void (*client_event_fn)(void *arg, const struct client_event *event);

/**
 * client_events() - read what has arrived, without waiting
 * @client: a client that subscribed
 * @event: called for each event; what it is given is valid during the call
 * @arg: for @event
 * @err: why not; %CLIENT_LOST: some events are gone, the rest can be read
 *
 * At most some hundred events are read in one call: a flood of them must not
 * keep the caller from its other work.
 */
int client_events(struct client *client, client_event_fn event, void *arg,
		  struct client_error *err);

#endif /* LENSCAP_CLIENT_H */
