// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drop records: who tried to call whom, bounded and exact.
 *
 * Problem. Any packet may have to be recorded, on any processor, in softirq,
 * from a sender that picks what is recorded and how often. Nothing may be
 * allocated, no lock waited for, no count lost without saying so; and a reader
 * must get each count exactly once.
 *
 * Structure. Two preallocated tables of the same size. Packets write to the
 * active one. A reader rotates: the other table is emptied and becomes active,
 * and the table that was active is the retired one. After a grace period no
 * packet writes to it any more, and what it says is final. So every frame is in
 * exactly one table, reading takes nothing away from anybody, and a reader that
 * comes late loses nothing as long as the active table has places.
 *
 * A table is an array of tags and one of records. A key's hash gives two runs of
 * eight tags, half a cache line each, and a key that is in neither goes into the
 * one with more free places (Azar and others, "Balanced Allocations", 1994): so
 * a run is full long after the table would be by one choice alone, and sixteen
 * tags are all that a flood makes anybody look at. A tag is the hash of the
 * record's key, or FREE, or BUSY while one processor fills the record in. It
 * goes FREE -> BUSY by cmpxchg, and BUSY -> hash with release, so that whoever
 * sees the hash with acquire sees the key. A tag never changes again until the
 * table is emptied, which happens only when a grace period says that no packet
 * is in it.
 *
 * A processor that meets BUSY does not wait: it goes on to the next tag. If
 * both were about the same key, there are two records of it, each exact; the
 * daemon adds them up as it adds up intervals. If neither run has a place, the
 * frame is counted in "lost", and nowhere else here; the totals of device and
 * guard have it as always.
 *
 * Example: 3 frames to one forbidden address, and a table whose two runs are full.
 * The totals say 3 dropped, no record is made, lost grows by 3.
 *
 * The hash is seeded. A camera that floods with random destinations fills the
 * table (4,096 records by default) and is then counted in "lost"; it cannot
 * push out a record that is there.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "core/hash.h"
#include "droplog.h"
#include "event.h"

#define RUN	8U	/* tags; a table has at least two runs */

#define TAG_FREE	0U
#define TAG_BUSY	1U

#define RECORDS_MIN	16U
#define RECORDS_MAX	65536U

static unsigned int records = 4096;
module_param(records, uint, 0444);
MODULE_PARM_DESC(records, "places in each table of drop records, 16..65536, rounded up to a power of two (default 4096)");

/* Shortest time between two batches of events. */
#define EVENT_INTERVAL	(HZ / 10)

/* Most events of one batch. */
#define EVENT_BATCH	64

/**
 * struct record_table - see the top of this file
 * @tags: TAG_FREE, TAG_BUSY or a hash
 * @records: as many
 * @count: records that were begun
 */
struct record_table {
	u32 *tags;
	struct lenscap_record *records;
	atomic_t count;
};

/**
 * struct lenscap_droplog - the drop records of one namespace
 * @ln: the namespace
 * @lock: of rotation, readers and events
 * @tables: the two tables
 * @active: index of the active one; written under @lock, read by packets
 * @seed: of the hash
 * @mask: places of a table minus one
 * @lost: frames without a place, ever
 * @rotation: how often was rotated; @lock
 * @retired: grace period after which the retired table is final; @lock
 * @read: the retired table was read to its end, or is empty; @lock
 * @fresh: bit 0: a record was begun since the last batch of events
 * @events: sends them
 */
struct lenscap_droplog {
	struct lenscap_net *ln;
	struct mutex lock;
	struct record_table tables[2];
	u32 active;
	u64 seed[2];
	u32 mask;
	atomic64_t lost;
	u32 rotation;
	unsigned long retired;
	bool read;
	unsigned long fresh;
	struct delayed_work events;
};

static void table_free(struct record_table *table)
{
	kvfree(table->tags);
	kvfree(table->records);
}

static int table_alloc(struct record_table *table, u32 size)
{
	table->tags = kvcalloc(size, sizeof(*table->tags), GFP_KERNEL_ACCOUNT);
	table->records = kvcalloc(size, sizeof(*table->records),
				  GFP_KERNEL_ACCOUNT);
	return table->tags && table->records ? 0 : -ENOMEM;
}

static struct record_table *table_of(struct lenscap_droplog *log,
				     enum lenscap_record_table which)
{
	return &log->tables[which == LENSCAP_TABLE_ACTIVE ? log->active :
							    !log->active];
}

/* A record that is filled in, or NULL. */
static struct lenscap_record *record_at(struct record_table *table, u32 i)
{
	/* Pairs with the release of the hash in lenscap_droplog_add(). */
	return smp_load_acquire(&table->tags[i]) > TAG_BUSY ?
	       &table->records[i] : NULL;
}

static void announce(struct work_struct *work)
{
	struct lenscap_droplog *log =
		container_of(to_delayed_work(work), struct lenscap_droplog,
			     events);
	u32 budget = EVENT_BATCH;
	u32 t, i;

	/* Cleared before looking: a record begun from here on queues again.
	 * Pairs with test_and_set_bit() in lenscap_droplog_schedule().
	 */
	clear_bit(0, &log->fresh);
	/* The tags are read after that. */
	smp_mb__after_atomic();

	mutex_lock(&log->lock);
	for (t = 0; t < ARRAY_SIZE(log->tables); t++) {
		for (i = 0; i <= log->mask; i++) {
			struct lenscap_record *record =
				record_at(&log->tables[t], i);

			if (!record || record->announced)
				continue;
			record->announced = true;
			if (budget) {
				budget--;
				lenscap_event_record(log->ln, record);
			} else {
				atomic64_inc(&log->ln->events_suppressed);
			}
		}
		cond_resched();
	}
	mutex_unlock(&log->lock);
}

/**
 * lenscap_droplog_create() - make the records of a namespace, once
 * @ln: the namespace
 *
 * Context: process, RTNL held. Return: 0 or -ENOMEM.
 */
int lenscap_droplog_create(struct lenscap_net *ln)
{
	u32 size = roundup_pow_of_two(clamp(records, RECORDS_MIN, RECORDS_MAX));
	struct lenscap_droplog *log;

	if (ln->droplog)
		return 0;
	log = kzalloc(sizeof(*log), GFP_KERNEL_ACCOUNT);
	if (!log)
		return -ENOMEM;
	if (table_alloc(&log->tables[0], size) ||
	    table_alloc(&log->tables[1], size)) {
		table_free(&log->tables[0]);
		table_free(&log->tables[1]);
		kfree(log);
		return -ENOMEM;
	}
	log->ln = ln;
	mutex_init(&log->lock);
	get_random_bytes(log->seed, sizeof(log->seed));
	log->mask = size - 1;
	log->retired = start_poll_synchronize_rcu();
	log->read = true;
	INIT_DELAYED_WORK(&log->events, announce);
	/* Pairs with the loads of those who only ask for figures; packets come
	 * by a hook that is registered later.
	 */
	smp_store_release(&ln->droplog, log);
	return 0;
}

/**
 * lenscap_droplog_destroy() - the namespace ends
 * @ln: the namespace
 *
 * 1. No hook of this namespace is registered any more, and a grace period has
 *    passed since the last was (lenscap_guards_exit() waits for it), so no
 *    packet writes and none queues the work.
 * 2. The namespace has no socket any more, so nobody reads.
 * 3. The work may be queued or running: it is waited for here.
 *
 * Context: process.
 */
void lenscap_droplog_destroy(struct lenscap_net *ln)
{
	struct lenscap_droplog *log = ln->droplog;

	if (!log)
		return;
	cancel_delayed_work_sync(&log->events);
	table_free(&log->tables[0]);
	table_free(&log->tables[1]);
	mutex_destroy(&log->lock);
	kfree(log);
	ln->droplog = NULL;
}

static void fill_key(struct lenscap_record_key *to,
		     const struct lenscap_guard *guard,
		     const struct lenscap_generation *gen,
		     const struct lc_key *key,
		     const struct lc_verdict *verdict)
{
	bool src = guard->core.identity == LENSCAP_IDENTITY_IP;
	u32 port = key->has_ports ? key->dport : 0;
	u32 proto = key->has_proto ? key->proto : 0;
	u32 has = 0;

	has |= verdict->pass ? LENSCAP_RECORD_AUDIT : 0;
	has |= verdict->device ? LENSCAP_RECORD_DEVICE : 0;
	has |= key->has_proto ? LENSCAP_RECORD_PROTO : 0;
	has |= key->has_ports ? LENSCAP_RECORD_PORT : 0;
	has |= key->has_mac ? LENSCAP_RECORD_MAC : 0;
	to->where = (u64)(gen ? gen->number : 0) <<
			LENSCAP_RECORD_GENERATION_SHIFT |
		    (u32)guard->core.id << LENSCAP_RECORD_GUARD_SHIFT | port;
	to->what = (u64)key->ethertype << LENSCAP_RECORD_ETHERTYPE_SHIFT |
		   proto << LENSCAP_RECORD_PROTO_SHIFT |
		   (u32)verdict->reason << LENSCAP_RECORD_REASON_SHIFT |
		   (u32)key->family << LENSCAP_RECORD_FAMILY_SHIFT | has;
	to->mac = key->has_mac ? lc_mac(key->mac) : 0;
	to->dst[0] = lc_get64(key->dst);
	to->dst[1] = lc_get64(key->dst + 8);
	to->src[0] = src ? lc_get64(key->src) : 0;
	to->src[1] = src ? lc_get64(key->src + 8) : 0;
}

static bool same_key(const struct lenscap_record_key *a,
		     const struct lenscap_record_key *b)
{
	return !((a->where ^ b->where) | (a->what ^ b->what) |
		 (a->mac ^ b->mac) | (a->dst[0] ^ b->dst[0]) |
		 (a->dst[1] ^ b->dst[1]) | (a->src[0] ^ b->src[0]) |
		 (a->src[1] ^ b->src[1]));
}

static u64 hash_key(const struct lenscap_droplog *log,
		    const struct lenscap_record_key *key)
{
	const u64 *seed = log->seed;
	u64 hash = lc_fold(key->where ^ seed[0],
			   LC_HASH_A ^ seed[1] ^ key->what) ^
		   lc_fold(key->mac ^ seed[1],
			   LC_HASH_B ^ seed[0] ^ key->dst[0]);

	/* Independent of each other, so that they overlap; then all together. */
	if (key->dst[1] | key->src[0] | key->src[1])
		hash ^= lc_fold(key->dst[1] ^ seed[0],
				LC_HASH_A ^ seed[1] ^ key->src[0]) +
			lc_fold(key->src[1] ^ seed[1], LC_HASH_A);
	return lc_fold(hash ^ seed[1], LC_HASH_B ^ seed[0]);
}

/* Two values mean something else. */
static u32 tag_of(u64 hash)
{
	u32 tag = hash >> 32;

	return tag <= TAG_BUSY ? tag + 2 : tag;
}

static void count(struct lenscap_record *record, u32 bytes, u64 now)
{
	atomic64_inc(&record->packets);
	atomic64_add(bytes, &record->bytes);
	if (READ_ONCE(record->last) != now)
		WRITE_ONCE(record->last, now);
}

/**
 * struct place - where in a table a key may be
 * @table: the table
 * @want: the key
 * @hash: of it, as a tag
 * @runs: the first tags of its two runs
 */
struct place {
	struct record_table *table;
	const struct lenscap_record_key *want;
	u32 hash;
	u32 runs[2];
};

/* The runs of a hash differ: by an odd number of runs. */
static void place_runs(struct place *place, u64 hash, u32 mask)
{
	u32 apart = (u32)(hash >> 16) & mask & ~(RUN - 1);

	place->runs[0] = (u32)hash & mask & ~(RUN - 1);
	place->runs[1] = place->runs[0] ^ (apart | RUN);
}

/* The record that is at @i if it is of that key. */
static struct lenscap_record *same_at(const struct place *place, u32 i)
{
	struct lenscap_record *record = record_at(place->table, i);

	return record && READ_ONCE(place->table->tags[i]) == place->hash &&
	       same_key(&record->key, place->want) ? record : NULL;
}

/* Look through a run. Return: the record of the key, or NULL, and how many places
 * are free.
 */
static struct lenscap_record *look(const struct place *place, u32 first,
				   u32 *free)
{
	const u32 *tags = place->table->tags + first;
	struct lenscap_record *record;
	u32 i;

	*free = 0;
	for (i = 0; i < RUN; i++) {
		u32 tag = READ_ONCE(tags[i]);

		*free += tag == TAG_FREE;
		if (likely(tag != place->hash))
			continue;
		record = same_at(place, first + i);
		if (record)
			return record;
	}
	return NULL;
}

/* Take a place in a run. Return: it is @i, BUSY now; or it is full; or, with
 * @record, another has begun the same meanwhile.
 */
static bool take(const struct place *place, u32 first, u32 *i,
		 struct lenscap_record **record)
{
	u32 *tags = place->table->tags;

	for (*i = first; *i < first + RUN; ++*i) {
		if (READ_ONCE(tags[*i]) == TAG_FREE &&
		    cmpxchg(&tags[*i], TAG_FREE, TAG_BUSY) == TAG_FREE)
			return true;
		*record = same_at(place, *i);
		if (*record)
			return false;
	}
	return false;
}

/* Make the record that was found free. */
static void begin(struct lenscap_net *ln, const struct place *place, u32 i,
		  const struct lenscap_guard *guard,
		  const struct lenscap_generation *gen,
		  const struct lc_key *key, const struct lc_verdict *verdict,
		  u32 bytes)
{
	struct lenscap_record *record = &place->table->records[i];
	u64 now = lenscap_now();

	record->key = *place->want;
	atomic64_set(&record->packets, 1);
	atomic64_set(&record->bytes, bytes);
	record->first = now;
	record->last = now;
	record->revision = gen ? gen->revision : 0;
	record->guard = guard->name;
	lc_copy16(record->src, key->src);
	record->announced = false;
	strscpy(record->device, verdict->device ?
		lenscap_device_name(lenscap_device_of(verdict->device)) : "",
		sizeof(record->device));
	/* The record is complete before its hash. */
	smp_store_release(&place->table->tags[i], place->hash);
	atomic_inc(&place->table->count);
	lenscap_droplog_schedule(ln);
}

/**
 * lenscap_droplog_add() - record a frame that was dropped or would have been
 * @ln: the namespace
 * @guard: the guard that judged
 * @gen: the generation that judged, or NULL
 * @key: what the frame said
 * @verdict: what was decided
 * @bytes: network-layer bytes of the frame
 *
 * Context: softirq or process with bottom halves off, under rcu_read_lock().
 */
void lenscap_droplog_add(struct lenscap_net *ln,
			 const struct lenscap_guard *guard,
			 const struct lenscap_generation *gen,
			 const struct lc_key *key,
			 const struct lc_verdict *verdict, u32 bytes)
{
	struct lenscap_droplog *log = ln->droplog;
	struct lenscap_record_key want;
	struct place place = {
		.table = &log->tables[READ_ONCE(log->active)],
		.want = &want,
	};
	struct lenscap_record *record;
	u32 free[2], more, i;
	u64 hash;

	fill_key(&want, guard, gen, key, verdict);
	hash = hash_key(log, &want);
	place.hash = tag_of(hash);
	place_runs(&place, hash, log->mask);
	record = look(&place, place.runs[0], &free[0]);
	if (!record)
		record = look(&place, place.runs[1], &free[1]);
	if (record) {
		count(record, bytes, lenscap_now());
		return;
	}
	/* More may be free, or fewer, by the time that a place is taken. */
	more = free[1] > free[0];
	if ((free[more] && take(&place, place.runs[more], &i, &record)) ||
	    (!record && free[!more] &&
	     take(&place, place.runs[!more], &i, &record)))
		begin(ln, &place, i, guard, gen, key, verdict, bytes);
	else if (record)
		count(record, bytes, lenscap_now());
	else
		atomic64_inc(&log->lost);
}

/**
 * lenscap_droplog_schedule() - see to it that new records are announced
 * @ln: the namespace
 *
 * Context: any.
 */
void lenscap_droplog_schedule(struct lenscap_net *ln)
{
	struct lenscap_droplog *log = ln->droplog;

	if (!test_and_set_bit(0, &log->fresh))
		queue_delayed_work(lenscap_wq, &log->events, EVENT_INTERVAL);
}

/**
 * lenscap_droplog_lock() - keep the tables from being rotated
 * @ln: the namespace, which has records
 *
 * Context: process.
 */
void lenscap_droplog_lock(struct lenscap_net *ln)
{
	mutex_lock(&ln->droplog->lock);
}

/**
 * lenscap_droplog_unlock() - the other half
 * @ln: the namespace
 */
void lenscap_droplog_unlock(struct lenscap_net *ln)
{
	mutex_unlock(&ln->droplog->lock);
}

/* Nothing leaves unseen: records that nobody was told of are suppressed events,
 * and records that nobody read are lost frames.
 */
static void table_empty(struct lenscap_droplog *log,
			struct record_table *table)
{
	u32 i;

	if (!atomic_read(&table->count))
		return;
	for (i = 0; i <= log->mask; i++) {
		struct lenscap_record *record = record_at(table, i);

		if (!record)
			continue;
		if (!record->announced)
			atomic64_inc(&log->ln->events_suppressed);
		if (!log->read)
			atomic64_add(atomic64_read(&record->packets),
				     &log->lost);
		WRITE_ONCE(table->tags[i], TAG_FREE);
	}
	atomic_set(&table->count, 0);
}

/**
 * lenscap_droplog_rotate() - retire the active table
 * @ln: the namespace
 * @records: receives the number of records in the table that is now retired;
 *	packets that are in the hook may still add some
 *
 * Records of the table that was retired before, if nobody has read them to the
 * end, are counted as lost.
 *
 * Context: process, lenscap_droplog_lock() held. Does not wait.
 *
 * Return: 0, or -EAGAIN for the moment in which a packet may still write to
 * the table that was retired last.
 */
int lenscap_droplog_rotate(struct lenscap_net *ln, u32 *records)
{
	struct lenscap_droplog *log = ln->droplog;

	if (!poll_state_synchronize_rcu(log->retired))
		return -EAGAIN;
	table_empty(log, table_of(log, LENSCAP_TABLE_RETIRED));

	/* Release: a packet that finds the table active finds it empty. */
	smp_store_release(&log->active, !log->active);
	log->retired = start_poll_synchronize_rcu();
	log->rotation++;
	*records = atomic_read(&table_of(log, LENSCAP_TABLE_RETIRED)->count);
	log->read = false;
	return 0;
}

/**
 * lenscap_droplog_readable() - whether a table may be read
 * @ln: the namespace
 * @which: the table
 *
 * Context: process, lenscap_droplog_lock() held.
 *
 * Return: 0, or -EAGAIN if the retired table is not final yet.
 */
int lenscap_droplog_readable(struct lenscap_net *ln,
			     enum lenscap_record_table which)
{
	if (which == LENSCAP_TABLE_RETIRED &&
	    !poll_state_synchronize_rcu(ln->droplog->retired))
		return -EAGAIN;
	return 0;
}

/**
 * lenscap_droplog_next() - walk a table
 * @ln: the namespace
 * @which: the table
 * @position: 0 to begin with; moves behind the result
 *
 * Context: process, lenscap_droplog_lock() held.
 *
 * Return: a record or NULL at the end.
 */
struct lenscap_record *lenscap_droplog_next(struct lenscap_net *ln,
					    enum lenscap_record_table which,
					    unsigned long *position)
{
	struct lenscap_droplog *log = ln->droplog;
	struct record_table *table = table_of(log, which);

	while (*position <= log->mask) {
		struct lenscap_record *record = record_at(table, (*position)++);

		if (record)
			return record;
	}
	return NULL;
}

/**
 * lenscap_droplog_read() - the retired table was read to its end
 * @ln: the namespace
 *
 * Context: process, lenscap_droplog_lock() held.
 */
void lenscap_droplog_read(struct lenscap_net *ln)
{
	ln->droplog->read = true;
}

/**
 * lenscap_droplog_rotation() - how often the tables were rotated
 * @ln: the namespace
 *
 * For dumps that notice that the tables moved under them.
 *
 * Context: process, lenscap_droplog_lock() held.
 */
u32 lenscap_droplog_rotation(const struct lenscap_net *ln)
{
	return ln->droplog->rotation;
}

/**
 * lenscap_droplog_count() - records in the active table
 * @ln: the namespace
 */
u32 lenscap_droplog_count(const struct lenscap_net *ln)
{
	/* Pairs with the release in lenscap_droplog_create(). */
	struct lenscap_droplog *log = smp_load_acquire(&ln->droplog);

	return log ? atomic_read(&log->tables[READ_ONCE(log->active)].count) :
		     0;
}

/**
 * lenscap_droplog_size() - places in a table
 * @ln: the namespace
 *
 * Return: 0 before the first guard.
 */
u32 lenscap_droplog_size(const struct lenscap_net *ln)
{
	/* Pairs with the release in lenscap_droplog_create(). */
	struct lenscap_droplog *log = smp_load_acquire(&ln->droplog);

	return log ? log->mask + 1 : 0;
}

/**
 * lenscap_droplog_lost() - frames that found no place in any table
 * @ln: the namespace
 */
u64 lenscap_droplog_lost(const struct lenscap_net *ln)
{
	/* Pairs with the release in lenscap_droplog_create(). */
	struct lenscap_droplog *log = smp_load_acquire(&ln->droplog);

	return log ? atomic64_read(&log->lost) : 0;
}
