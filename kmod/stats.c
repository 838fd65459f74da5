// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of a device.
 *
 * Problem. Every frame counts a packet and its bytes, exactly, for its device.
 * There may be 50,000 of those, so that counters for each processor would cost
 * more memory than all the rest; and an atomic addition costs as much as finding
 * the device does.
 *
 * Structure. Packets and bytes share a word: packets in its upper 24 bits, bytes
 * in the lower 40, and one atomic addition counts both. When the top bit of
 * either half is set, which is after eight million packets or 512 GB, whoever
 * sees it carries: it takes that bit out and adds one to how often that was
 * done. There is as much room left again until a carry would be too late, so
 * nobody has to wait for one: if another processor is carrying, or somebody
 * reads, the next frame tries again.
 *
 * A reader holds carries off, so that what it adds up is what was counted at one
 * moment, never less than the reader before it saw.
 *
 * Example: the word is 0x7fffff_0000001234, 8,388,607 packets and 4,660 bytes.
 * A frame of 100 bytes makes it 0x800000_0000001298. The carry leaves
 * 0x000000_0000001298 and packets = 1: together 1 << 23 packets, 4,760 bytes.
 *
 * Limits: 2^55 packets; bytes wrap after 36 petabytes, a device that sends at
 * 1 Gbit/s for nine years.
 */
#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/processor.h>

#include "lenscap.h"
#include "stats.h"

static bool try_lock(struct lenscap_stats *stats)
{
	return !atomic_cmpxchg_acquire(&stats->lock, 0, 1);
}

static void unlock(struct lenscap_stats *stats)
{
	atomic_set_release(&stats->lock, 0);
}

/**
 * lenscap_stats_carry() - make room in a count
 * @stats: the counters
 * @which: the count that was seen with a top bit set
 *
 * Context: any; does not wait.
 */
void lenscap_stats_carry(struct lenscap_stats *stats, enum lenscap_count which)
{
	u64 count, carry;

	/* Who holds the lock must not be put aside by somebody who waits for it:
	 * softirqs may be, where PREEMPT_RT runs them in threads.
	 */
	preempt_disable();
	if (!try_lock(stats))
		goto out;
	/* Others may have carried since, and only who has the lock takes out. */
	count = atomic64_read(&stats->counts[which]);
	carry = count & (LENSCAP_CARRY_PACKETS | LENSCAP_CARRY_BYTES);
	atomic64_sub(carry, &stats->counts[which]);
	if (carry & LENSCAP_CARRY_PACKETS)
		stats->packets[which]++;
	if (carry & LENSCAP_CARRY_BYTES)
		stats->bytes[which]++;
	unlock(stats);
out:
	preempt_enable();
}

/**
 * lenscap_stats_read() - read a count
 * @stats: the counters
 * @which: the count
 * @packets: receives packets
 * @bytes: receives network-layer bytes
 *
 * Context: process. Waits for other readers and carries, which are short.
 */
void lenscap_stats_read(struct lenscap_stats *stats, enum lenscap_count which,
			u64 *packets, u64 *bytes)
{
	const u64 mask = BIT_ULL(LENSCAP_COUNT_SHIFT) - 1;
	u64 count;

	preempt_disable();
	while (!try_lock(stats))
		cpu_relax();
	count = atomic64_read(&stats->counts[which]);
	*packets = (count >> LENSCAP_COUNT_SHIFT) +
		   stats->packets[which] *
		   (LENSCAP_CARRY_PACKETS >> LENSCAP_COUNT_SHIFT);
	*bytes = (count & mask) + stats->bytes[which] * LENSCAP_CARRY_BYTES;
	unlock(stats);
	preempt_enable();
}

/**
 * lenscap_stats_icmp() - whether a device may send one more ICMP message now
 * @stats: its counters
 *
 * The generic cell rate algorithm (ITU-T I.371): stats->icmp is when the device
 * will have been silent long enough for all that it has sent, in units of the
 * time that one message takes. That is 16 bits of a clock which wraps after 109
 * minutes: whatever is further ahead than a burst is long past. A device that has
 * sent none for that long may, once in 3,277 times, find a smaller burst, never a
 * larger one.
 *
 * Context: any; does not wait. Return: may it?
 */
bool lenscap_stats_icmp(struct lenscap_stats *stats)
{
	u16 now = (u16)div_u64(get_jiffies_64(), HZ / LENSCAP_ICMP_RATE);
	u16 until = READ_ONCE(stats->icmp);
	u16 ahead, found;

	for (;;) {
		ahead = until - now;
		if (ahead > LENSCAP_ICMP_BURST)
			ahead = 0;
		if (ahead == LENSCAP_ICMP_BURST)
			return false;
		found = cmpxchg(&stats->icmp, until, (u16)(now + ahead + 1));
		if (found == until)
			return true;
		until = found;
	}
}

static u64 jiffies_ms(u64 jiffies)
{
	return div_u64(jiffies * MSEC_PER_SEC, HZ);
}

/* When jiffies were 0, in ms since the epoch. Jiffies and the clock drift apart by
 * and by; what was read must not change with every look, so it is set anew only
 * when it is wrong by a second, which is also what happens when somebody sets the
 * clock.
 */
static u64 epoch(void)
{
	static u64 kept;
	u64 start = lenscap_now() - jiffies_ms(get_jiffies_64());
	u64 last = READ_ONCE(kept);

	if (start - last + MSEC_PER_SEC <= 2 * MSEC_PER_SEC)
		return last;
	WRITE_ONCE(kept, start);
	return start;
}

/**
 * lenscap_stats_seen() - when the last frame came
 * @stats: the counters
 *
 * Context: process. Return: ms since the epoch, within a second, 0: never.
 */
u64 lenscap_stats_seen(const struct lenscap_stats *stats)
{
	u64 seen = READ_ONCE(stats->seen);

	return seen ? epoch() + jiffies_ms(seen) : 0;
}
