/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small policy and a guard, for the unit tests.
 *
 * world_init() gives a guard with identity mac, enforcing, all upkeep, on the
 * LAN 10.30.0.0/24 and 2001:db8:30::/64; tests change what they are about.
 */
#ifndef LENSCAP_TEST_WORLD_H
#define LENSCAP_TEST_WORLD_H

#include "frame.h"
#include "tap.h"

#define WORLD_MAX 16

struct world {
	struct lc_guard guard;
	struct lc_profile profiles[WORLD_MAX];
	u32 nprofiles;
	struct lc_device *devices[WORLD_MAX];
	u32 ndevices;
	struct lc_generation *gen;
	struct lc_conflict conflict;
	struct lc_verdict verdict;
};

void world_init(struct world *w);
u32 world_profile(struct world *w, u8 mode, u32 class,
		  const struct lc_rule *rules, u32 count);

/**
 * world_device() - add a device
 * @w: the world
 * @guard: number, or LC_GUARD_ANY
 * @mac: six bytes, or NULL
 * @profile: slot
 * @addrs: addresses and prefixes, separated by blanks
 *
 * Return: the device.
 */
struct lc_device *world_device(struct world *w, u16 guard, const char *mac,
			       u32 profile, const char *addrs);
int world_commit(struct world *w);
void world_end(struct world *w);

/**
 * world_judge() - judge a frame; w->verdict says the rest
 * @w: the world
 * @p: the frame
 *
 * Return: the reason.
 */
u8 world_judge(struct world *w, const struct pkt *p);

/**
 * world_camera() - the policy that most tests use
 * @w: result, committed
 *
 * The camera CAM_MAC with CAM4 and CAM6 and a profile of class 5: serves TCP
 * 554 to the recorder, connects to its UDP ports 10000-20000.
 */
void world_camera(struct world *w);

struct lc_rule rule(const char *peer, u16 proto, u8 initiator, u16 low,
		    u16 high);
struct lc_rule rule_any(const char *peer, u16 proto, u8 initiator);

void parse(const struct pkt *p, struct lc_key *key);
u8 parse_reason(const struct pkt *p);

#define CONNECTS	LENSCAP_INITIATOR_DEVICE
#define SERVES		LENSCAP_INITIATOR_PEER

/* fin() and compare the reason that parsing finds. */
#define PARSES(p, name)							\
	do {								\
		fin(p);							\
		CHECK_EQ(parse_reason(p), LENSCAP_REASON_##name);	\
	} while (0)

/* Compare the reason that judging finds, and that it passes only without. */
#define JUDGED(w, p, name)						\
	do {								\
		CHECK_EQ(world_judge(w, p), LENSCAP_REASON_##name);	\
		CHECK_EQ((w)->verdict.pass,				\
			 LENSCAP_REASON_##name == LENSCAP_REASON_NONE);	\
	} while (0)

#endif /* LENSCAP_TEST_WORLD_H */
