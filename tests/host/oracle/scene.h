/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Made-up policies and frames, close to where decisions turn: addresses next
 * to the edges of prefixes, ports next to the edges of ranges, one MAC on
 * several guards, prefixes within prefixes.
 */
#ifndef LENSCAP_SCENE_H
#define LENSCAP_SCENE_H

#include "frame.h"
#include "oracle.h"

#define SCENE_GUARDS	4
#define SCENE_RULES	96

/**
 * struct source - where decisions come from
 * @bytes: a fuzzer's input, or NULL: a seeded generator
 * @left: bytes left; when there are none, every draw is 0
 * @state: of the generator
 */
struct source {
	const u8 *bytes;
	size_t left;
	u64 state;
};

/**
 * struct scene - a policy in both forms, and the guards to judge at
 * @list: for the oracle
 * @gen: for the core
 * @guards: with numbers 1, 2, ...
 * @profiles: memory
 * @rules: memory
 * @devices: memory
 */
struct scene {
	struct policy_list list;
	struct lc_generation *gen;
	struct lc_guard guards[SCENE_GUARDS];
	struct lc_profile profiles[ORACLE_PROFILES];
	struct lc_rule rules[ORACLE_PROFILES][SCENE_RULES];
	struct lc_device *devices[ORACLE_DEVICES];
};

/**
 * struct tally - what a run saw
 * @frames: judged
 * @sharp: of these, the oracle left no choice
 * @reasons: by verdict
 * @upkeep: permitted as upkeep
 */
struct tally {
	u64 frames;
	u64 sharp;
	u64 reasons[__LENSCAP_REASON_MAX];
	u64 upkeep;
};

/* draw.c */
u32 draw(struct source *s, u32 bound);
bool chance(struct source *s, u32 percent);
void mask_addr(u8 *addr, u32 len);
void draw_near(struct source *s, const struct lc_prefix *prefix, u8 *addr);
void draw_prefix(struct source *s, u8 family, struct lc_prefix *prefix);
void draw_mac(struct source *s, u8 *mac);

/* scene.c */

/**
 * scene_make() - a policy and guards
 * @s: decisions
 * @scene: result; end with scene_end(), also after failure
 *
 * Return: NULL, or what the core and the oracle disagree on.
 */
const char *scene_make(struct source *s, struct scene *scene);
void scene_end(struct scene *scene);
void scene_addr(struct source *s, const struct scene *scene, u32 profile,
		u8 family, u8 *addr);

/* traffic.c */
const struct lc_guard *scene_guard(struct source *s, const struct scene *scene);
void scene_frame(struct source *s, const struct scene *scene,
		 const struct lc_guard *guard, struct pkt *p);

/* compare.c */

/**
 * compare_key() - what the core read in a frame against what the oracle read
 * @f: the complete frame
 * @key: what the core says
 * @d: what the oracle says
 *
 * Return: NULL, or what they disagree on.
 */
const char *compare_key(const struct lc_frame *f, const struct lc_key *key,
			const struct dissected *d);

/**
 * scene_compare() - judge a frame by the core and by the oracle
 * @scene: the policy
 * @guard: where the frame comes in
 * @p: the frame
 * @tally: counts on
 *
 * Return: NULL, or what they disagree on.
 */
const char *scene_compare(const struct scene *scene,
			  const struct lc_guard *guard, const struct pkt *p,
			  struct tally *tally);
void scene_print_policy(const struct scene *scene);
void scene_print(const struct scene *scene, const struct lc_guard *guard,
		 const struct pkt *p);

#endif /* LENSCAP_SCENE_H */
