// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock: keeping it as it should be.
 *
 * The tables outlive the daemon and the module: nothing here removes them but
 * gateway.yaml and "disarm --open". interlock_want() tells what they should be,
 * and interlock_write() writes what differs from what was written last. All of
 * it is written at a start, and after another program has changed the tables.
 *
 * A policy's new addresses are added before the module is asked to commit it,
 * and those that it no longer has are removed after it did, so that no device
 * is known to the module and unknown here. Guards are the other way round: the
 * module has them first, so that nothing that it judges is cut off.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "daemon.h"
#include "interlock.h"
#include "interlock_nft.h"
#include "log.h"
#include "mem.h"

/* Another program that undoes each restoration is not met at full speed. */
#define BURST		10U
#define BURST_SECONDS	1.

/**
 * interlock_now() - seconds of a clock that nobody sets
 */
double interlock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/**
 * interlock_init() - before anything else here
 * @lock: it
 * @daemon: the daemon, which has read gateway.yaml
 */
void interlock_init(struct interlock *lock, struct daemon *daemon)
{
	memset(lock, 0, sizeof(*lock));
	lock->daemon = daemon;
	lock->open = json_object();
	plan_init(&lock->have);
	interlock_load_places(lock);
}

/**
 * interlock_free() - let go of the tables, which stay
 * @lock: it
 */
void interlock_free(struct interlock *lock)
{
	if (!lock->daemon)
		return;
	interlock_unlisten(lock);
	nft_close(&lock->nft);
	plan_free(&lock->have);
	under_free(&lock->under);
	json_decref(lock->open);
	guard_places_free(&lock->hold);
	json_decref(lock->places);
	free(lock->error);
	memset(lock, 0, sizeof(*lock));
}

/**
 * interlock_is_open() - does the interlock let a guard's frames through?
 * @lock: it
 * @name: the guard
 */
bool interlock_is_open(const struct interlock *lock, const char *name)
{
	return json_object_get(lock->open, name);
}

/**
 * interlock_open_guard() - let frames through unjudged, from the next update
 * @lock: it
 * @name: of the guard
 */
void interlock_open_guard(struct interlock *lock, const char *name)
{
	json_object_set_new(lock->open, name, json_true());
}

/**
 * interlock_close_guard() - cut off what is not judged, from the next update
 * @lock: it
 * @name: of the guard, or NULL: all
 */
void interlock_close_guard(struct interlock *lock, const char *name)
{
	if (name)
		json_object_del(lock->open, name);
	else
		json_object_clear(lock->open);
}

/**
 * interlock_wanted() - should there be an interlock?
 * @lock: it
 *
 * Not if gateway.yaml leaves it off or names no guard, nor if all guards are
 * open.
 */
bool interlock_wanted(const struct interlock *lock)
{
	const struct gateway *gateway = &lock->daemon->gateway;

	if (!gateway->interlock)
		return false;
	for (size_t i = 0; i < gateway->nguards; i++)
		if (!interlock_is_open(lock, gateway->guards[i].name))
			return true;
	return false;
}

/**
 * interlock_cut() - what becomes of frames that nobody judges
 * @lock: it
 *
 * Return: the end of a sentence.
 */
const char *interlock_cut(const struct interlock *lock)
{
	if (interlock_wanted(lock) && lock->whole)
		return "the interlock cuts cameras off meanwhile";
	return "cameras may talk to anyone meanwhile";
}

/* Has a generation of nf_tables been seen of which it has not told yet? */
static bool unheard(const struct interlock *lock, uint32_t seen)
{
	return lock->generation - seen >= INT32_MAX;
}

/*
 * May another program have changed the tables? The kernel counts up before the
 * change can be seen, and tells of it afterwards.
 */
static bool disturbed(struct interlock *lock)
{
	uint32_t seen;

	return nft_generation(&lock->nft, &seen) || !interlock_hear(lock) ||
	       lock->touched || unheard(lock, seen);
}

/*
 * An interface that is back, perhaps with its old index, has no chain. Nor has
 * one from which another program took it: that is restored where it stood, also
 * under another name than gateway.yaml's.
 */
static bool chains_lost(struct interlock *lock)
{
	if (!interlock_lacks(&lock->nft, &lock->have) || disturbed(lock))
		return false;
	plan_forget_lost(&lock->have);
	log_info("the interlock's chain went with its interface: it is written again with it");
	return true;
}

/**
 * interlock_update() - make the tables what they should be
 * @lock: it
 *
 * What goes wrong is logged, and tried again later.
 */
void interlock_update(struct interlock *lock)
{
	struct interlock_plan plan;

	if (!interlock_wanted(lock)) {
		interlock_write_nothing(lock);
		return;
	}
	if (lock->whole)
		chains_lost(lock);
	interlock_want(lock, &plan, NULL);
	interlock_write(lock, &plan);
	plan_free(&plan);
}

/*
 * A packet on its way has met the guard or the chain that was there, and may meet
 * others further on. From an interface to those above it is one RCU read-side
 * section (net/core/dev.c), and this waits for a grace period where there are
 * processors to wait for (kernel/sched/membarrier.c). It refuses where nohz_full=
 * is in use. What lies in a queue in between is not waited for: RPS on a bridge,
 * veth, the gro_cells of tunnels, multicasts that macvlan or ipvlan put aside.
 */
static void let_pass(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		log_info("packets on their way cannot be waited for (%s): one that is slower than a reload may meet guards of before and after",
			 strerror(errno));
}

/**
 * interlock_hold() - drop what comes where guards change in the module
 * @lock: it
 * @places: where; empty afterwards
 *
 * Until the module has all guards and the policy as they should be, frames there
 * may be judged by what was with what will be, or be those of another guard on
 * the interface, which audits: a tag is worth nothing there. Whatever is written
 * until interlock_release() holds these places, and those at which no guard is
 * any more. Called again, it holds what is @places then. What has met the chains
 * of before is through when this returns.
 *
 * A daemon that starts does not know the addresses yet, which stay as they are.
 */
void interlock_hold(struct interlock *lock, struct guard_places *places)
{
	bool waited = lock->hold.count;
	struct interlock_plan plan;

	guard_places_free(&lock->hold);
	lock->hold = *places;
	memset(places, 0, sizeof(*places));
	if (!lock->hold.count || !interlock_wanted(lock))
		return;
	/* What another program has taken away would not be written. */
	if (lock->whole && disturbed(lock))
		lock->whole = false;
	interlock_want(lock, &plan, NULL);
	waited = waited && lock->whole && plan_same_guards(&lock->have, &plan);
	if (lock->whole)
		interlock_write(lock, &plan);
	else
		interlock_write_guards(lock, &plan);
	plan_free(&plan);
	if (!waited)
		let_pass();
}

/**
 * interlock_release() - end what interlock_hold() began, and interlock_update()
 * @lock: it
 */
void interlock_release(struct interlock *lock)
{
	if (lock->hold.count)
		let_pass();
	guard_places_free(&lock->hold);
	interlock_update(lock);
	lock->let_go = false;
}

/**
 * interlock_expect() - cover a policy that the module is about to get
 * @lock: it
 * @next: the policy
 *
 * In addition to what is covered; interlock_update() comes when it is known
 * what became of it.
 */
void interlock_expect(struct interlock *lock, const struct policy *next)
{
	struct interlock_plan plan;

	if (!interlock_wanted(lock))
		return;
	interlock_want(lock, &plan, next);
	interlock_write(lock, &plan);
	plan_free(&plan);
}

/* True for a few restorations in a row, then for one a tick. */
static bool may_restore(struct interlock *lock)
{
	double time = interlock_now();

	if (time - lock->burst > BURST_SECONDS) {
		lock->burst = time;
		lock->in_burst = 0;
	}
	return lock->in_burst++ < BURST;
}

static void tell_gap(const struct interlock_gap *gap)
{
	if (gap->pid)
		log_warning("the interlock was changed by another program (%s, process %u) and is restored: it was not whole for %.1f ms",
			    gap->name, gap->pid, gap->seconds * 1e3);
	else
		log_warning("the interlock was changed by an unknown program and is restored: it was not whole for at least %.1f ms",
			    gap->seconds * 1e3);
}

/**
 * interlock_touched() - another program has changed the tables: restore them
 * @lock: it; its gap says who and since when
 */
void interlock_touched(struct interlock *lock)
{
	lock->whole = false;
	lock->absent = false;
	if (!interlock_wanted(lock)) {
		/* Whoever makes such tables by hand may keep them. */
		lock->touched = false;
		lock->absent = true;
		return;
	}
	if (!may_restore(lock))
		return;
	interlock_update(lock);
	if (!lock->whole)
		return;
	lock->touched = false;
	lock->gap.seconds = interlock_now() - lock->gap.since;
	lock->gap.at = time(NULL);
	lock->restored++;
	tell_gap(&lock->gap);
}

/**
 * interlock_forget() - it is not known what is in the tables: write all
 * @lock: it
 */
void interlock_forget(struct interlock *lock)
{
	lock->whole = false;
	lock->absent = false;
	interlock_update(lock);
}

/*
 * Interfaces of guards that came or went, have another name, or are others.
 * Which they are only the module knows: what was written last is no measure,
 * for it may have been written between two names.
 */
static bool guards_differ(struct interlock *lock)
{
	struct interlock_plan plan;
	bool differ;

	interlock_want_guards(lock, &plan);
	differ = !plan_same_guards(&lock->have, &plan) ||
		 !plan_same_under(&lock->have, &plan);
	plan_free(&plan);
	return differ;
}

/* A change that was not heard of shows in the generation. */
static void check_generation(struct interlock *lock)
{
	uint32_t seen;

	if (nft_generation(&lock->nft, &seen))
		return;
	/* Afterwards, so that what is seen has been heard of. */
	if (!interlock_hear(lock) || !unheard(lock, seen))
		return;
	log_info("nftables has changed unheard: the interlock is written anew");
	lock->generation = seen;
	interlock_forget(lock);
}

/**
 * interlock_tick() - look whether all is as it should be
 * @lock: it
 */
void interlock_tick(struct interlock *lock)
{
	bool wanted = interlock_wanted(lock);

	if (lock->touched && wanted) {
		if (interlock_now() >= lock->retry)
			interlock_touched(lock);
		return;
	}
	if (wanted ? !lock->whole : !lock->absent) {
		if (interlock_now() >= lock->retry)
			interlock_update(lock);
		return;
	}
	if (!wanted)
		return;
	if (guards_differ(lock) || chains_lost(lock))
		interlock_update(lock);
	check_generation(lock);
	/* Heard of meanwhile. */
	if (lock->touched && lock->told)
		interlock_touched(lock);
}
