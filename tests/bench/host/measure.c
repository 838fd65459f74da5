// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop around an engine.
 *
 * Frames arrive by copying: RING of them at a time into a small ring that stays
 * in the first cache, as a network card that writes into the cache would leave
 * them. That is not timed; judging the ring is. So frames are warm, and the
 * engine's tables are as cold as the traffic since their last use makes them.
 *
 * The clock is the processor's counter, read twice for RING frames: a fraction
 * of a nanosecond a frame. Its rate is taken from the wall clock over the run.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"

static int misses_fd = -1;
static int instructions_fd = -1;

static int counter_open(uint64_t config, int group)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = config,
		.disabled = group < 0,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, group, 0);
}

/**
 * measure_start() - look for the processor's counters
 *
 * Return: whether there are any.
 */
bool measure_start(void)
{
	misses_fd = counter_open(PERF_COUNT_HW_CACHE_MISSES, -1);
	if (misses_fd < 0) {
		note("cache misses are not available here: this machine shows no processor counters (%s)",
		     strerror(errno));
		return false;
	}
	instructions_fd = counter_open(PERF_COUNT_HW_INSTRUCTIONS, misses_fd);
	if (instructions_fd >= 0)
		return true;
	note("instructions are not available here: %s", strerror(errno));
	close(misses_fd);
	misses_fd = -1;
	return false;
}

static double counter_value(int fd)
{
	uint64_t value = 0;

	if (fd < 0 || read(fd, &value, sizeof(value)) != sizeof(value))
		return 0;
	return (double)value;
}

static uint64_t ticks(void)
{
	uint64_t now;

	_mm_lfence();
	now = __rdtsc();
	_mm_lfence();
	return now;
}

static double wall(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One round; @counted: switch the counters on around judging, which costs
 * time, so that such a round's time is not looked at.
 */
static void round_once(const struct engine *engine,
		       const struct frame *frames, uint32_t nframes,
		       struct counts *counts, bool counted)
{
	static uint8_t ring[RING * SLOT] __attribute__((aligned(SLOT)));
	static uint8_t lens[RING];
	static bool pass[RING];
	uint64_t begin, from, total = 0;
	double start = wall();
	uint32_t i, k, n;

	begin = ticks();
	counts->wrong = 0;
	for (i = 0; i < nframes; i += n) {
		n = nframes - i < RING ? nframes - i : RING;
		for (k = 0; k < n; k++) {
			memcpy(ring + (size_t)k * SLOT, frames[i + k].data,
			       FRAME_LEN);
			lens[k] = frames[i + k].len;
		}
		if (counted)
			ioctl(misses_fd, PERF_EVENT_IOC_ENABLE,
			      PERF_IOC_FLAG_GROUP);
		from = ticks();
		engine->judge(engine->state, ring, lens, n, pass);
		total += ticks() - from;
		if (counted)
			ioctl(misses_fd, PERF_EVENT_IOC_DISABLE,
			      PERF_IOC_FLAG_GROUP);
		for (k = 0; k < n; k++)
			counts->wrong += pass[k] != frames[i + k].permitted;
	}
	begin = ticks() - begin;
	if (!counted)
		counts->seconds = (wall() - start) * (double)total /
				  (double)begin;
}

/**
 * measure() - judge some frames once
 * @engine: who judges
 * @frames: @nframes of them
 * @nframes: their number
 * @counts: result
 */
void measure(const struct engine *engine, const struct frame *frames,
	     uint32_t nframes, struct counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	round_once(engine, frames, nframes, counts, false);
	if (misses_fd < 0 || counts->wrong)
		return;
	ioctl(misses_fd, PERF_EVENT_IOC_RESET, PERF_IOC_FLAG_GROUP);
	round_once(engine, frames, nframes, counts, true);
	counts->cache_misses = counter_value(misses_fd);
	counts->instructions = counter_value(instructions_fd);
}
