// SPDX-License-Identifier: GPL-2.0-only
/*
 * The core against the oracle, on made-up policies and frames.
 *
 * ORACLE_SEED chooses the run, ORACLE_SCENES how many policies it has; each
 * sees 400 frames. A failure prints the seed of its scene, which alone
 * reproduces it: ORACLE_SEED=that ORACLE_SCENES=1.
 */
#include "scene.h"
#include "tap.h"

TAP_MAIN

#define FRAMES	400U

static u64 setting(const char *name, u64 value)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : value;
}

static const char *run_scene(u64 seed, struct tally *tally)
{
	struct source s = { .state = seed };
	static struct scene scene;
	static struct pkt p;
	const char *wrong;
	u32 i;

	wrong = scene_make(&s, &scene);
	for (i = 0; !wrong && i < FRAMES; i++) {
		const struct lc_guard *guard = scene_guard(&s, &scene);
		struct lc_generation *gen = scene.gen;

		scene_frame(&s, &scene, guard, &p);
		if (chance(&s, 1))
			scene.gen = NULL;
		wrong = scene_compare(&scene, guard, &p, tally);
		if (wrong)
			scene_print(&scene, guard, &p);
		scene.gen = gen;
	}
	if (wrong && !i)
		scene_print_policy(&scene);
	scene_end(&scene);
	return wrong;
}

TEST(the_core_agrees_with_the_oracle)
{
	u64 seed = setting("ORACLE_SEED", 20250117);
	u64 scenes = setting("ORACLE_SCENES", 5000), i;
	static struct tally tally;
	const char *wrong;
	u32 bad = 0, reason;

	printf("# seed %llu, %llu scenes of %u frames\n", seed, scenes, FRAMES);
	for (i = 0; i < scenes && bad < 5; i++) {
		wrong = run_scene(seed + i, &tally);
		if (!wrong)
			continue;
		bad++;
		FAIL("ORACLE_SEED=%llu ORACLE_SCENES=1: %s", seed + i, wrong);
	}
	printf("# %llu frames, %llu of them with one right answer, %llu upkeep; by reason:",
	       tally.frames, tally.sharp, tally.upkeep);
	for (reason = 0; reason < __LENSCAP_REASON_MAX; reason++)
		printf(" %u:%llu", reason, tally.reasons[reason]);
	printf("\n");
	CHECK_EQ(env_live(), 0);
	if (bad || scenes < 100)
		return;
	/* A generator that has gone stale proves nothing. */
	CHECK(tally.sharp > tally.frames / 100 * 95);
	CHECK(tally.upkeep > tally.frames / 100);
	for (reason = 0; reason < __LENSCAP_REASON_MAX; reason++)
		/* The core has no clock: the rate of ICMP is the hook's. */
		if (reason != LENSCAP_REASON_ICMP_RATE &&
		    tally.reasons[reason] < scenes / 10)
			FAIL("reason %u came out %llu times only", reason,
			     tally.reasons[reason]);
}
