/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_DROPLOG_H
#define _LENSCAP_DROPLOG_H

#include "guard.h"
#include "lenscap.h"
#include "table.h"

struct lenscap_guard;

/* Bits of lenscap_record_key.has. */
#define LENSCAP_RECORD_AUDIT	(1U << 0)
#define LENSCAP_RECORD_MAC	(1U << 1)
#define LENSCAP_RECORD_PROTO	(1U << 2)
#define LENSCAP_RECORD_PORT	(1U << 3)
#define LENSCAP_RECORD_DEVICE	(1U << 4)

/**
 * struct lenscap_record_key - frames that differ in none of this share a record
 * @generation: number of the generation that judged, 0: none
 * @guard: number of the guard's name
 * @port: destination port or ICMP type
 * @ethertype: of the frame
 * @proto: IP protocol
 * @reason: enum lenscap_reason
 * @family: of @src and @dst: 0, 4 or 6
 * @has: LENSCAP_RECORD_* bits
 * @mac: source MAC
 * @dst: destination address
 * @src: source address where it is the identity, otherwise zero
 * @zero: to a whole number of words
 *
 * No padding: it is hashed as words and compared as bytes.
 */
struct lenscap_record_key {
	u32 generation;
	u16 guard;
	u16 port;
	u16 ethertype;
	u8 proto;
	u8 reason;
	u8 family;
	u8 has;
	u8 mac[6];
	u8 dst[16];
	u8 src[16];
	u8 zero[4];
} __packed __aligned(8);

/**
 * struct lenscap_record - one drop record
 * @key: see there
 * @announced: an event was sent for it, or counted as suppressed; mutex
 * @src: source address of its first frame
 * @guard: name; interned, lives with the namespace
 * @device: name, empty if unknown; a copy, since devices come and go
 * @revision: of the policy that judged
 * @packets: frames
 * @bytes: network-layer bytes
 * @first: ms since the epoch
 * @last: ms since the epoch
 */
struct lenscap_record {
	struct lenscap_record_key key;
	bool announced;
	u8 src[16];
	const char *guard;
	char device[LENSCAP_NAME_LEN + 1];
	u64 revision;
	atomic64_t packets;
	atomic64_t bytes;
	u64 first;
	u64 last;
};

int lenscap_droplog_create(struct lenscap_net *ln);
void lenscap_droplog_destroy(struct lenscap_net *ln);
void lenscap_droplog_add(struct lenscap_net *ln,
			 const struct lenscap_guard *guard,
			 const struct lenscap_generation *gen,
			 const struct lc_key *key,
			 const struct lc_verdict *verdict, u32 bytes);
void lenscap_droplog_lock(struct lenscap_net *ln);
void lenscap_droplog_unlock(struct lenscap_net *ln);
int lenscap_droplog_rotate(struct lenscap_net *ln, u32 *records);
int lenscap_droplog_readable(struct lenscap_net *ln,
			     enum lenscap_record_table which);
struct lenscap_record *lenscap_droplog_next(struct lenscap_net *ln,
					    enum lenscap_record_table which,
					    unsigned long *position);
void lenscap_droplog_read(struct lenscap_net *ln);
u32 lenscap_droplog_rotation(const struct lenscap_net *ln);
u32 lenscap_droplog_count(const struct lenscap_net *ln);
u32 lenscap_droplog_size(const struct lenscap_net *ln);
u64 lenscap_droplog_lost(const struct lenscap_net *ln);
void lenscap_droplog_schedule(struct lenscap_net *ln);

#endif /* _LENSCAP_DROPLOG_H */
