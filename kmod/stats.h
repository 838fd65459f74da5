/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_STATS_H
#define _LENSCAP_STATS_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/types.h>

enum lenscap_count {
	LENSCAP_PASSED,		/* permitted, upkeep included */
	LENSCAP_DROPPED,
	LENSCAP_WOULD,		/* passed only because of audit */
	LENSCAP_COUNTS,
};

/* ICMP messages that a device may send by its rules: as many a second, and as many
 * at once after a while without. Tools of people send one a second to each of a few
 * peers, and a monitoring system as many.
 */
#define LENSCAP_ICMP_RATE	10
#define LENSCAP_ICMP_BURST	20

/* A count is packets above, bytes below: one atomic addition for both. */
#define LENSCAP_COUNT_SHIFT	40
#define LENSCAP_CARRY_PACKETS	BIT_ULL(63)
#define LENSCAP_CARRY_BYTES	BIT_ULL(LENSCAP_COUNT_SHIFT - 1)

/**
 * struct lenscap_stats - counters of a device: see stats.c
 * @packets: how often %LENSCAP_CARRY_PACKETS was carried from each count
 * @lock: 1: somebody carries or reads
 * @bytes: how often %LENSCAP_CARRY_BYTES was
 * @icmp: see lenscap_stats_icmp()
 * @counts: by enum lenscap_count
 * @seen: when the last frame came, in jiffies; 0: never
 *
 * Frames write to the last 32 bytes only, but for ICMP.
 */
struct lenscap_stats {
	u32 packets[LENSCAP_COUNTS];
	atomic_t lock;
	u16 bytes[LENSCAP_COUNTS];
	u16 icmp;
	atomic64_t counts[LENSCAP_COUNTS];
	u64 seen;
};

void lenscap_stats_carry(struct lenscap_stats *stats, enum lenscap_count which);
void lenscap_stats_read(struct lenscap_stats *stats, enum lenscap_count which,
			u64 *packets, u64 *bytes);
bool lenscap_stats_icmp(struct lenscap_stats *stats);
u64 lenscap_stats_seen(const struct lenscap_stats *stats);

/**
 * lenscap_stats_add() - count a frame
 * @stats: of its device
 * @which: what became of it
 * @bytes: its network-layer bytes
 *
 * Context: any.
 */
static inline void lenscap_stats_add(struct lenscap_stats *stats,
				     enum lenscap_count which, u32 bytes)
{
	u64 now = get_jiffies_64(), count;

	count = atomic64_add_return_relaxed(BIT_ULL(LENSCAP_COUNT_SHIFT) +
					    bytes, &stats->counts[which]);
	if (unlikely(count & (LENSCAP_CARRY_PACKETS | LENSCAP_CARRY_BYTES)))
		lenscap_stats_carry(stats, which);
	if (READ_ONCE(stats->seen) != now)
		WRITE_ONCE(stats->seen, now);
}

#endif /* _LENSCAP_STATS_H */
