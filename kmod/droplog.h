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
 * @where: number of the generation that judged (0: none), number of the guard's
 *	name, destination port or ICMP type: 32, 16 and 16 bits
 * @what: ethertype, IP protocol, enum lenscap_reason, family of @src and @dst
 *	(0, 4 or 6), LENSCAP_RECORD_* bits: 16 bits and 8 of each other
 * @mac: source MAC, as lc_mac() has it
 * @dst: destination address, as bytes in this order
 * @src: source address where it is the identity, otherwise zero
 *
 * Words, and written as words: for each frame that is dropped it is made, hashed
 * and compared, and a word whose bytes have just been written one by one cannot
 * be read before all of them have left the processor.
 */
struct lenscap_record_key {
	u64 where;
	u64 what;
	u64 mac;
	u64 dst[2];
	u64 src[2];
};

#define LENSCAP_RECORD_GUARD_SHIFT	16
#define LENSCAP_RECORD_GENERATION_SHIFT	32

#define LENSCAP_RECORD_FAMILY_SHIFT	8
#define LENSCAP_RECORD_REASON_SHIFT	16
#define LENSCAP_RECORD_PROTO_SHIFT	24
#define LENSCAP_RECORD_ETHERTYPE_SHIFT	32

static inline u16 lenscap_record_port(const struct lenscap_record_key *key)
{
	return (u16)key->where;
}

static inline u8 lenscap_record_has(const struct lenscap_record_key *key)
{
	return (u8)key->what;
}

static inline u8 lenscap_record_family(const struct lenscap_record_key *key)
{
	return (u8)(key->what >> LENSCAP_RECORD_FAMILY_SHIFT);
}

static inline u8 lenscap_record_reason(const struct lenscap_record_key *key)
{
	return (u8)(key->what >> LENSCAP_RECORD_REASON_SHIFT);
}

static inline u8 lenscap_record_proto(const struct lenscap_record_key *key)
{
	return (u8)(key->what >> LENSCAP_RECORD_PROTO_SHIFT);
}

static inline u16 lenscap_record_ethertype(const struct lenscap_record_key *key)
{
	return (u16)(key->what >> LENSCAP_RECORD_ETHERTYPE_SHIFT);
}

/**
 * struct lenscap_record - one drop record
 * @key: see there
 * @packets: frames
 * @bytes: network-layer bytes
 * @last: ms since the epoch
 * @first: ms since the epoch
 * @revision: of the policy that judged
 * @guard: name; interned, lives with the namespace
 * @src: source address of its first frame
 * @announced: an event was sent for it, or counted as suppressed; mutex
 * @device: name, empty if unknown; a copy, since devices come and go
 *
 * What the second frame and all after it touch comes first, on two cache lines.
 */
struct lenscap_record {
	struct lenscap_record_key key;
	atomic64_t packets;
	atomic64_t bytes;
	u64 last;
	u64 first;
	u64 revision;
	const char *guard;
	u8 src[16];
	bool announced;
	char device[LENSCAP_NAME_LEN + 1];
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
