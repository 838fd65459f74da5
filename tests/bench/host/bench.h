/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy, frames, and engines that judge them.
 *
 * This header knows neither Lenscap nor DPDK, whose headers do not meet in one
 * file; each engine builds its own tables from the plain policy here.
 *
 *   world.c    cases: policies and frames
 *   lenscap.c  the core, as the module calls it
 *   dpdk.c     rte_hash and rte_acl
 *   measure.c  the loop: copy frames, take the time of judging them
 *   main.c     cases in turn, comparison of verdicts, results as JSON
 */
#ifndef LENSCAP_BENCH_H
#define LENSCAP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETH_LEN		14
#define FRAME_LEN	80	/* the longest frame, IPv6 with UDP; whole */
#define SLOT		128	/* a frame's place in the ring */
#define RING		64	/* frames judged between two looks at the clock */
#define BURST		32	/* what DPDK's programs handle at a time */

/**
 * struct rule - permission for a device to connect
 * @addr: destination prefix; IPv4 in the first four bytes
 * @len: its bits
 * @proto: TCP or UDP
 * @low: lowest destination port
 * @high: highest
 */
struct rule {
	uint8_t addr[16];
	uint8_t len;
	uint8_t proto;
	uint16_t low;
	uint16_t high;
};

/**
 * struct device - one camera
 * @mac: its MAC
 * @addr: its only bound address
 * @profile: its profile's number
 */
struct device {
	uint8_t mac[6];
	uint8_t addr[16];
	uint32_t profile;
};

/**
 * struct frame - one frame as a network card leaves it
 * @data: from the destination MAC on
 * @len: bytes
 * @permitted: what the policy says of it
 */
struct frame {
	uint8_t data[FRAME_LEN];
	uint8_t len;
	bool permitted;
};

/**
 * struct world - one case
 * @name: its stable name
 * @ipv6: addresses, rules and frames are IPv6
 * @devices: @ndevices of them
 * @rules: @nrules for each of @nprofiles profiles, one profile after another
 * @frames: @nframes of them, in the order of their arrival; these are timed
 * @probes: @nprobes near misses and hits; only their verdicts are looked at
 */
struct world {
	const char *name;
	bool ipv6;
	uint32_t ndevices;
	uint32_t nprofiles;
	uint32_t nrules;
	uint32_t nframes;
	uint32_t nprobes;
	struct device *devices;
	struct rule *rules;
	struct frame *frames;
	struct frame *probes;
};

/**
 * struct engine - something that judges
 * @peer: whose it is, as in the results
 * @variant: which of its ways
 * @judge: say of each of @n frames (SLOT bytes apart) whether it may pass
 * @state: for @judge
 */
struct engine {
	const char *peer;
	const char *variant;
	void (*judge)(void *state, const uint8_t *ring, const uint8_t *lens,
		      uint32_t n, bool *pass);
	void *state;
};

#define ENGINES_MAX 8

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *allocate(size_t count, size_t size);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* world.c */
extern const char *const world_names[];
struct world *world_create(const char *name, uint32_t nframes);
void world_destroy(struct world *w);

/* lenscap.c; the engine is valid until destroyed */
struct lenscap;
struct lenscap *lenscap_create(const struct world *w);
uint32_t lenscap_engines(struct lenscap *l, struct engine *engines);
void lenscap_destroy(struct lenscap *l);

/* dpdk.c; dpdk_start() once, before everything */
struct dpdk;
void dpdk_start(const char *program, uint32_t megabytes);
const char *dpdk_version(void);
struct dpdk *dpdk_create(const struct world *w);
uint32_t dpdk_engines(struct dpdk *d, struct engine *engines);
/* Memory of the tables; @one: with one context, 0 if there is none. */
size_t dpdk_bytes(const struct dpdk *d, bool one);
void dpdk_destroy(struct dpdk *d);

/* measure.c */

/**
 * struct counts - what judging all frames of a world took
 * @seconds: wall clock, while judging only
 * @cache_misses: last-level cache, if measure_counters() is true
 * @instructions: the same
 * @wrong: frames whose verdict was not the policy's
 */
struct counts {
	double seconds;
	double cache_misses;
	double instructions;
	uint32_t wrong;
};

bool measure_start(void);
void measure(const struct engine *engine, const struct frame *frames,
	     uint32_t nframes, struct counts *counts);

#endif /* LENSCAP_BENCH_H */
