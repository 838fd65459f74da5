// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fragments: what the first one of a packet said, for the later ones.
 *
 * Problem. Only the first fragment shows the ports that rules ask for, and large
 * datagrams of permitted flows do come in fragments. To know which later ones
 * belong to a first that was permitted takes memory, which the sender fills. It
 * must be bounded, allocated beforehand, written by any processor without waiting;
 * and a camera that floods must not push out what others have there.
 *
 * Structure. A first fragment that a rule permits is remembered: its ports, under
 * device, guard, source, destination, identification and (IPv4) protocol. A later
 * fragment that no rule without ports permits is looked up, and if its first is
 * there, it is judged as if it had those ports, by the policy of that moment. So
 * nothing here decides anything: a policy that is tightened cuts the next fragment,
 * and a first fragment that was refused is not here. What has passed before a change,
 * and waits for the rest where packets are put together, is settle.c's concern.
 *
 * The table is an array of buckets of sixteen places. A device has one bucket, by
 * a seeded hash, whatever it sends: what it can fill is that bucket. Of a place in
 * it, a new packet takes, in this order:
 *
 *   1. the one that the same packet has;
 *   2. one that is free, or older than LIFE;
 *   3. the oldest whose last fragment has passed, of a device that holds no fewer
 *      than the newcomer does: it stays only for those that overtook each other;
 *   4. of the device that holds most places its oldest, if it holds at least two
 *      more than the newcomer does; or else the newcomer's own oldest;
 *   5. none.
 *
 * So a device never loses a place to one that then holds more than it is left
 * with, as in stochastic fairness queueing (McKenney, 1990), where the longest
 * queue drops. A flood takes its own places again and again; who has one packet
 * under way keeps its place, also if its last fragment came early. Steps 4
 * and 5 count in "lost": later fragments that should have passed may then be
 * dropped, as "fragment".
 *
 * Example: camera A floods with first fragments and holds all sixteen places of
 * the bucket that it shares with B. B sends a datagram in three fragments: its
 * first takes A's oldest place, lost grows by one, its others find it. A cannot
 * take it back: it would have to hold less than B.
 *
 * A key is the SipHash of all that makes it, with a secret, so that nobody can
 * make two that are alike. If two were (one chance in 2^60 for a fragment), one
 * fragment would be judged by the ports of another of the same device.
 *
 * A place is written by whoever makes its key BUSY by cmpxchg, and the key comes
 * last, with release. Who reads it takes the key with acquire, then what it says,
 * then the key again: if that is still the same, what was read belongs to it,
 * because only writers of the same key write the same key. A processor that
 * meets BUSY goes on.
 *
 * Of the device nothing is kept but a hash of where its counters are, which no frame
 * follows. When they are freed and their place is another's within LIFE, that one
 * may find what the first left, if it sends from the same address to the same peer;
 * and is judged by what its own profile permits.
 *
 * Limits. A later fragment that comes before its first is dropped. LIFE is what
 * Linux gives a packet to become whole (30 s). Sixteen packets of a device can be
 * under way at once, less if others share its bucket.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "fragment.h"

#define WAYS	16U

/* The clock: in units of 1,024 ns 48 bits of it last nine years. Much finer than a
 * tick, so that the oldest of several that came in one is known.
 */
#define CLOCK_SHIFT	10
#define LIFE		(30 * NSEC_PER_SEC >> CLOCK_SHIFT)

/* How often a processor looks for a place when others take it away. */
#define TRIES	4U

#define KEY_FREE	0ULL
#define KEY_BUSY	1ULL

#define PLACES_MIN	256U
#define PLACES_MAX	1048576U

static unsigned int fragments = 16384;
module_param(fragments, uint, 0444);
MODULE_PARM_DESC(fragments, "packets in fragments that are remembered, 256..1048576, rounded up to a power of two (default 16384)");

/* Bits of place.said: ports from 32 on, protocol from 24 on, TCP flags from 16
 * on, then some bits of the key: two packets that one device sends to one service
 * differ in them.
 */
#define SAID_DONE	BIT_ULL(0)
#define SAID_KEY	GENMASK_ULL(15, 1)

/* Bits of place.seen: the clock from 16 on, then the owner. */
#define SEEN_SHIFT	16

/**
 * struct place - a packet whose first fragment was permitted
 * @said: what that said, and whether its last fragment has passed
 * @seen: when it came, and a hash of the device that sent it
 */
struct place {
	u64 said;
	u64 seen;
};

/**
 * struct bucket - the places of a few devices
 * @keys: KEY_FREE, KEY_BUSY or the hash of what tells a packet from others
 * @places: as many
 */
struct bucket {
	u64 keys[WAYS];
	struct place places[WAYS];
} ____cacheline_aligned;

/**
 * struct lenscap_fragments - the table of one namespace
 * @buckets: the buckets
 * @mask: their number minus one
 * @secret: of the hashes
 * @lost: first fragments that pushed another out or found no place, ever
 */
struct lenscap_fragments {
	struct bucket *buckets;
	u32 mask;
	siphash_key_t secret;
	atomic64_t lost;
};

/**
 * struct packet - what tells a packet from others, as it is hashed
 * @sender: hash of the device
 * @src: source address
 * @dst: destination address
 * @ident: identification
 * @guard: number of the guard
 * @family: 4 or 6
 * @proto: IP protocol; 0 for IPv6, where later fragments may say anything
 */
struct packet {
	u64 sender;
	u8 src[16];
	u8 dst[16];
	u32 ident;
	u16 guard;
	u8 family;
	u8 proto;
};

/**
 * lenscap_fragments_create() - make the table of a namespace, once
 * @ln: the namespace
 *
 * Context: process, RTNL held. Return: 0 or -ENOMEM.
 */
int lenscap_fragments_create(struct lenscap_net *ln)
{
	u32 places = roundup_pow_of_two(clamp(fragments, PLACES_MIN, PLACES_MAX));
	struct lenscap_fragments *table;

	BUILD_BUG_ON(sizeof(struct packet) % sizeof(u64));
	/* Keys and words of places are read and written in one piece. */
	BUILD_BUG_ON(BITS_PER_LONG < 64);
	if (ln->fragments)
		return 0;
	table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	table->buckets = kvcalloc(places / WAYS, sizeof(*table->buckets),
				  GFP_KERNEL_ACCOUNT);
	if (!table->buckets) {
		kfree(table);
		return -ENOMEM;
	}
	table->mask = places / WAYS - 1;
	get_random_bytes(&table->secret, sizeof(table->secret));
	/* Pairs with the loads of those who only ask for figures; packets come
	 * by a hook that is registered later.
	 */
	smp_store_release(&ln->fragments, table);
	return 0;
}

/**
 * lenscap_fragments_destroy() - the namespace ends
 * @ln: the namespace
 *
 * 1. No hook of this namespace is registered any more, and a grace period has
 *    passed since the last was (lenscap_guards_exit() waits for it), so no
 *    packet reads or writes.
 * 2. The namespace has no socket any more, so nobody asks for figures.
 *
 * Context: process.
 */
void lenscap_fragments_destroy(struct lenscap_net *ln)
{
	struct lenscap_fragments *table = ln->fragments;

	if (!table)
		return;
	kvfree(table->buckets);
	kfree(table);
	ln->fragments = NULL;
}

static u64 sender_hash(const struct lenscap_fragments *table,
		       const struct lenscap_stats *sender)
{
	return siphash_1u64((unsigned long)sender, &table->secret);
}

static u64 packet_hash(const struct lenscap_fragments *table, u64 sender,
		       const struct lenscap_guard *guard,
		       const struct lc_key *key)
{
	struct packet packet = {
		.sender = sender,
		.ident = key->ident,
		.guard = guard->core.id,
		.family = key->family,
		.proto = key->family == LC_FAMILY_IPV4 ? key->proto : 0,
	};
	u64 hash;

	memcpy(packet.src, key->src, sizeof(packet.src));
	memcpy(packet.dst, key->dst, sizeof(packet.dst));
	hash = siphash(&packet, sizeof(packet), &table->secret);
	return hash > KEY_BUSY ? hash : hash + 2;
}

static struct bucket *bucket_of(const struct lenscap_fragments *table,
				u64 sender)
{
	return &table->buckets[sender & table->mask];
}

/* What of a device's hash is kept with its places; no bits that chose the
 * bucket.
 */
static u16 owner_of(u64 sender)
{
	return sender >> 48;
}

static u64 clock(void)
{
	return ktime_get_ns() >> CLOCK_SHIFT;
}

static bool too_old(u64 seen, u64 now)
{
	return now - (seen >> SEEN_SHIFT) > LIFE;
}

static u32 held_by(const struct bucket *bucket, u16 owner)
{
	u32 held = 0, i;

	for (i = 0; i < WAYS; i++)
		held += (u16)READ_ONCE(bucket->places[i].seen) == owner;
	return held;
}

/* May a newcomer take a place of a packet whose last fragment has passed: rule 3. */
static bool yields(const struct bucket *bucket, u16 other, u16 owner)
{
	return other == owner ||
	       held_by(bucket, other) >= held_by(bucket, owner);
}

/* Whose place is to go, if all are of packets under way: rule 4. */
static u16 richest(const struct bucket *bucket, u16 owner)
{
	u32 mine = held_by(bucket, owner);
	u32 most = mine + 1, held, i;
	u16 rich = owner;

	/* A flood: nobody can hold more. */
	if (mine >= WAYS / 2)
		return owner;
	for (i = 0; i < WAYS; i++) {
		u16 other = (u16)READ_ONCE(bucket->places[i].seen);

		held = held_by(bucket, other);
		if (held > most) {
			most = held;
			rich = other;
		}
	}
	return rich;
}

/* The oldest place of a device, WAYS: it has none. */
static u32 oldest_of(const struct bucket *bucket, u16 owner)
{
	u32 oldest = WAYS, i;
	u64 least = U64_MAX;

	for (i = 0; i < WAYS; i++) {
		u64 seen = READ_ONCE(bucket->places[i].seen);

		if ((u16)seen == owner && seen < least) {
			least = seen;
			oldest = i;
		}
	}
	return oldest;
}

/**
 * struct choice - a place for a new packet
 * @place: number of the place; WAYS: there is none
 * @was: key that it had
 * @lost: it is of a packet under way
 */
struct choice {
	u32 place;
	u64 was;
	bool lost;
};

/* Rules 1 to 5. */
static struct choice choose(const struct bucket *bucket, u64 key, u16 owner,
			    u64 now)
{
	struct choice empty = { .place = WAYS }, done = { .place = WAYS };
	struct choice other = { .lost = true };
	u64 oldest = U64_MAX;
	u32 i;

	for (i = 0; i < WAYS; i++) {
		const struct place *place = &bucket->places[i];
		u64 was = READ_ONCE(bucket->keys[i]);
		u64 seen = READ_ONCE(place->seen);

		if (was == key)
			return (struct choice){ .place = i, .was = was };
		if (was == KEY_BUSY)
			continue;
		if (was == KEY_FREE || too_old(seen, now)) {
			empty = (struct choice){ .place = i, .was = was };
		} else if (READ_ONCE(place->said) & SAID_DONE &&
			   seen < oldest && yields(bucket, (u16)seen, owner)) {
			oldest = seen;
			done = (struct choice){ .place = i, .was = was };
		}
	}
	if (empty.place < WAYS)
		return empty;
	if (done.place < WAYS)
		return done;
	other.place = oldest_of(bucket, richest(bucket, owner));
	if (other.place < WAYS)
		other.was = READ_ONCE(bucket->keys[other.place]);
	return other;
}

/* Make a place BUSY; NULL: there is none. Counts what is lost by it. */
static struct place *claim(struct lenscap_fragments *table,
			   struct bucket *bucket, u64 key, u16 owner, u64 now)
{
	struct choice choice;
	u32 tries;

	for (tries = 0; tries < TRIES; tries++) {
		choice = choose(bucket, key, owner, now);
		if (choice.place == WAYS)
			break;
		if (choice.was == KEY_BUSY ||
		    cmpxchg(&bucket->keys[choice.place], choice.was,
			    KEY_BUSY) != choice.was)
			continue;
		if (choice.lost)
			atomic64_inc(&table->lost);
		return &bucket->places[choice.place];
	}
	atomic64_inc(&table->lost);
	return NULL;
}

/**
 * lenscap_fragments_add() - remember a first fragment
 * @ln: the namespace
 * @guard: where it came in
 * @sender: counters of the device that sent it; only their address is used
 * @key: what it says; a rule permits it
 * @first: what of it its later fragments are to be judged by
 *
 * Context: softirq; does not wait.
 */
void lenscap_fragments_add(struct lenscap_net *ln,
			   const struct lenscap_guard *guard,
			   const struct lenscap_stats *sender,
			   const struct lc_key *key,
			   const struct lc_first *first)
{
	struct lenscap_fragments *table = ln->fragments;
	u64 hash = sender_hash(table, sender);
	struct bucket *bucket = bucket_of(table, hash);
	u64 mine = packet_hash(table, hash, guard, key);
	u64 now = clock();
	struct place *place;

	place = claim(table, bucket, mine, owner_of(hash), now);
	if (!place)
		return;
	WRITE_ONCE(place->said, (u64)first->ports << 32 |
		   (u64)first->proto << 24 | (u64)first->tcp_flags << 16 |
		   (mine & SAID_KEY));
	WRITE_ONCE(place->seen, now << SEEN_SHIFT | owner_of(hash));
	/* Pairs with the acquire in lenscap_fragments_find(). */
	smp_store_release(&bucket->keys[place - bucket->places], mine);
}

/**
 * lenscap_fragments_find() - whose later fragment is it?
 * @ln: the namespace
 * @guard: where it came in
 * @sender: counters of the device that sent it; only their address is used
 * @key: what it says
 * @first: written if its first fragment was permitted, and is remembered
 *
 * Context: softirq; does not wait. Return: is it?
 */
bool lenscap_fragments_find(struct lenscap_net *ln,
			    const struct lenscap_guard *guard,
			    const struct lenscap_stats *sender,
			    const struct lc_key *key, struct lc_first *first)
{
	struct lenscap_fragments *table = ln->fragments;
	u64 hash = sender_hash(table, sender);
	struct bucket *bucket = bucket_of(table, hash);
	u64 mine = packet_hash(table, hash, guard, key);
	u64 now = clock();
	u64 said, seen;
	u32 i;

	for (i = 0; i < WAYS; i++) {
		struct place *place = &bucket->places[i];

		/* Pairs with the release in lenscap_fragments_add(). */
		if (smp_load_acquire(&bucket->keys[i]) != mine)
			continue;
		said = READ_ONCE(place->said);
		seen = READ_ONCE(place->seen);
		/* Both were read before the key is read again; pairs with the
		 * cmpxchg() in claim(), after which they change.
		 */
		smp_rmb();
		if (READ_ONCE(bucket->keys[i]) != mine || too_old(seen, now))
			continue;
		/* Fails if the place changed hands: @said has bits of the key. */
		if (!key->more && !(said & SAID_DONE))
			cmpxchg(&place->said, said, said | SAID_DONE);
		*first = (struct lc_first){
			.ports = said >> 32,
			.proto = (u8)(said >> 24),
			.tcp_flags = (u8)(said >> 16),
		};
		return true;
	}
	return false;
}

/**
 * lenscap_fragments_size() - places in the table
 * @ln: the namespace
 *
 * Context: any. Return: their number; 0: there was no guard yet.
 */
u32 lenscap_fragments_size(const struct lenscap_net *ln)
{
	/* Pairs with lenscap_fragments_create(). */
	const struct lenscap_fragments *table = smp_load_acquire(&ln->fragments);

	return table ? (table->mask + 1) * WAYS : 0;
}

/**
 * lenscap_fragments_lost() - packets that were pushed out or found no place
 * @ln: the namespace
 *
 * Context: any. Return: their number, ever.
 */
u64 lenscap_fragments_lost(const struct lenscap_net *ln)
{
	/* Pairs with lenscap_fragments_create(). */
	const struct lenscap_fragments *table = smp_load_acquire(&ln->fragments);

	return table ? atomic64_read(&table->lost) : 0;
}
