// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock: keeping it as it should be.
 *
 * The tables outlive the daemon and the module: nothing here removes them but
 * gateway.yaml and "disarm --open". interlock_want() tells what they should be,
 * and interlock_update() writes what differs from what was written last. All of
 * it is written at a start, and after another program has changed the tables.
 *
 * A policy's new addresses are added before the module is asked to commit it,
 * and those that it no longer has are removed after it did, so that no device
 * is known to the module and unknown here. Guards are the other way round: the
 * module has them first, so that nothing that it judges is cut off.
 *
 * To write may fail without an effect on the module, which enforces by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>
#include <linux/netfilter.h>

#include "daemon.h"
#include "interlock.h"
#include "interlock_nft.h"
#include "log.h"
#include "mem.h"

/* How often what changes meanwhile is looked at anew. */
#define ATTEMPTS 6

/* Another program that undoes each restoration is not met at full speed. */
#define BURST		10U
#define BURST_SECONDS	1.

/* Seconds between attempts after a failure, doubled up to the second. */
#define PATIENCE_FIRST	1.
#define PATIENCE_LAST	60.

/* More elements than these would flood our own ear with what we say. */
#define LOUD 500U

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
	json_decref(lock->hold);
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

static void set_error(struct interlock *lock, char *text)
{
	/* Once, however often it is tried. */
	if (text && (!lock->error || strcmp(lock->error, text) != 0))
		daemon_error(lock->daemon,
			     "the interlock could not be written: %s; the module enforces without it",
			     text);
	else if (!text && lock->error)
		log_notice("the interlock is written");
	free(lock->error);
	lock->error = text;
	if (!text) {
		lock->patience = 0;
		lock->retry = 0;
		return;
	}
	lock->patience *= 2;
	if (lock->patience < PATIENCE_FIRST)
		lock->patience = PATIENCE_FIRST;
	if (lock->patience > PATIENCE_LAST)
		lock->patience = PATIENCE_LAST;
	lock->retry = interlock_now() + lock->patience;
}

static bool is_missing(int code)
{
	return code == EOPNOTSUPP || code == EPROTONOSUPPORT ||
	       code == EAFNOSUPPORT;
}

/* The socket, when it is needed first. Return: 0, or an errno. */
static int reach(struct interlock *lock)
{
	uint32_t generation;
	int code = 0;

	if (!lock->nft.socket)
		code = nft_open(&lock->nft);
	if (!code)
		code = nft_generation(&lock->nft, &generation);
	lock->unavailable = is_missing(code);
	if (code)
		nft_close(&lock->nft);
	else
		interlock_listen(lock);
	return code;
}

/* False with the error set. */
static bool ready(struct interlock *lock)
{
	int code = reach(lock);

	if (code)
		set_error(lock, lock->unavailable ?
			  mem_copy("this kernel has no nf_tables") :
			  mem_print("nf_tables cannot be asked: %s",
				    strerror(code)));
	return !code;
}

/* What a writing consists of. @from is set if only elements differ. */
struct task {
	const struct interlock_plan *plan;
	const struct interlock_plan *from;
	unsigned int what;
};

static size_t loudness(const struct task *task)
{
	size_t count = 0;

	if (!task->plan)
		return 0;
	for (size_t i = 0; i < PLAN_SETS; i++)
		count += task->plan->sets[i].count;
	return task->what & INTERLOCK_ADDRESSES || task->from ? count : 0;
}

static bool lacks_bridge(const struct nft_failure *failure)
{
	return failure->part && failure->part->family == NFPROTO_BRIDGE &&
	       (failure->code == ENOENT || is_missing(failure->code));
}

static void compose(struct interlock *lock, struct nft_batch *batch,
		    const struct interlock_there *there,
		    const struct task *task)
{
	bool bridge = !lock->no_bridge;

	if (task->from)
		interlock_say_changes(&lock->nft, batch, task->from,
				      task->plan, bridge);
	else if (task->plan)
		interlock_say(&lock->nft, batch, there, task->plan,
			      task->what, bridge);
	else
		interlock_say_nothing(&lock->nft, batch, there);
}

/*
 * One attempt. What was looked at must still be so when the batch takes effect,
 * which the generation tells. Return: 0, or an errno with @error.
 */
static int attempt(struct interlock *lock, const struct task *task,
		   uint32_t *generation, char **error)
{
	struct interlock_there there = { 0 };
	struct nft_failure failure;
	struct nft_batch batch;
	int code = nft_generation(&lock->nft, generation);

	if (!code && !task->from)
		code = interlock_look(&lock->nft, &there);
	if (code) {
		*error = mem_print("its tables cannot be listed: %s",
				   strerror(code));
		interlock_there_free(&there);
		return code;
	}
	nft_batch_begin(&lock->nft, &batch, *generation);
	compose(lock, &batch, &there, task);
	interlock_there_free(&there);
	if (!batch.failed && batch.count == 1) {
		/* There is nothing to say. */
		--*generation;
	} else if (!nft_batch_commit(&lock->nft, &batch, &failure)) {
		code = failure.code;
		*error = nft_failure_text(&failure);
		if (lacks_bridge(&failure) && !lock->no_bridge) {
			log_warning("this kernel does not filter on bridges: the interlock does without");
			lock->no_bridge = true;
			code = ERESTART;
		}
	}
	nft_batch_free(&batch);
	return code;
}

/* Since @generation, was ours the only change? It is known up to here then. */
static bool undisturbed(struct interlock *lock, uint32_t generation)
{
	uint32_t seen;

	if (nft_generation(&lock->nft, &seen) || seen != generation + 1)
		return false;
	lock->generation = seen;
	return true;
}

static bool worth_another(int code)
{
	/* EINVAL: a chain whose interface went while it was written. */
	return code == ERESTART || code == ENOENT || code == EBUSY ||
	       code == EEXIST || code == EINVAL;
}

/*
 * Brings a task to its end. The kernel tells all listeners of each element, so
 * what is loud is written without listening; another program's change in that
 * time shows in the generation, and then all is written once more.
 */
static bool perform(struct interlock *lock, const struct task *task)
{
	bool deaf = !lock->events || loudness(task) > LOUD;
	char *error = NULL;
	int code = ERESTART;

	for (int i = 0; worth_another(code) && i < ATTEMPTS; i++) {
		uint32_t generation;

		free(error);
		error = NULL;
		if (deaf)
			interlock_deafen(lock, true);
		code = attempt(lock, task, &generation, &error);
		if (deaf)
			interlock_deafen(lock, false);
		if (!code && deaf && !undisturbed(lock, generation)) {
			error = mem_copy("other programs keep changing nftables");
			code = task->from ? ECANCELED : ERESTART;
		}
	}
	/* All of it comes next, and says what is wrong, if it still is. */
	if (code && task->from) {
		log_info("the interlock is written anew: %s", error);
		free(error);
		return false;
	}
	set_error(lock, error);
	return !code;
}

static void remember(struct interlock *lock, struct interlock_plan *plan)
{
	plan_free(&lock->have);
	lock->have = *plan;
	plan_init(plan);
	interlock_keep_places(lock);
	lock->whole = true;
	lock->absent = false;
}

/* Only the elements of sets that can be changed one by one? */
static bool is_small(const struct interlock_plan *have,
		     const struct interlock_plan *want)
{
	return keys_same(&have->sets[PLAN_NETS4], &want->sets[PLAN_NETS4]) &&
	       keys_same(&have->sets[PLAN_NETS6], &want->sets[PLAN_NETS6]);
}

static bool same_sets(const struct interlock_plan *have,
		      const struct interlock_plan *want)
{
	for (size_t i = 0; i < PLAN_SETS; i++)
		if (!keys_same(&have->sets[i], &want->sets[i]))
			return false;
	return true;
}

static bool write_changes(struct interlock *lock, struct interlock_plan *plan)
{
	const struct interlock_plan *have = &lock->have;
	struct task task = { .plan = plan };
	bool tag = plan_same_tag(have, plan);

	if (!tag || !plan_same_guards(have, plan))
		task.what |= INTERLOCK_GUARDS;
	if (!tag || !is_small(have, plan) || !plan_same_under(have, plan))
		task.what |= INTERLOCK_ADDRESSES;
	if (task.what && !perform(lock, &task))
		return false;
	if (task.what & INTERLOCK_ADDRESSES || same_sets(have, plan))
		return true;
	task.what = 0;
	task.from = have;
	return perform(lock, &task);
}

static void remove_tables(struct interlock *lock)
{
	struct task task = { 0 };

	if (lock->absent)
		return;
	/* Without nf_tables there is nothing to remove. */
	if (reach(lock) ? !lock->unavailable : !perform(lock, &task))
		return;
	log_notice("there is no interlock: %s", lock->daemon->gateway.interlock ?
		   "no guard is left to be closed" : "gateway.yaml leaves it off");
	plan_free(&lock->have);
	lock->whole = false;
	lock->absent = true;
	lock->touched = false;
}

static void write_plan(struct interlock *lock, struct interlock_plan *plan)
{
	struct task guards = { .plan = plan, .what = INTERLOCK_GUARDS };
	struct task addresses = { .plan = plan, .what = INTERLOCK_ADDRESSES };
	bool done = false;

	if (!ready(lock)) {
		lock->whole = false;
		return;
	}
	if (lock->whole)
		done = write_changes(lock, plan);
	/* Guards are few: what comes from them waits for no address. */
	if (!done)
		done = perform(lock, &guards) && perform(lock, &addresses);
	if (!done) {
		lock->whole = false;
		return;
	}
	if (!lock->whole)
		log_info("the interlock is in place: %zu guard(s), %zu MAC(s), %zu address(es), %zu range(s)",
			 plan->nguards, plan->sets[PLAN_MACS].count,
			 plan->sets[PLAN_HOSTS4].count +
			 plan->sets[PLAN_HOSTS6].count,
			 plan->sets[PLAN_NETS4].count +
			 plan->sets[PLAN_NETS6].count);
	remember(lock, plan);
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
		remove_tables(lock);
		return;
	}
	if (lock->whole)
		chains_lost(lock);
	interlock_want(lock, &plan, NULL);
	write_plan(lock, &plan);
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
 * @places: array of {"name", "ifindex", "vlan"}, or {"name"}: where it is; kept
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
void interlock_hold(struct interlock *lock, json_t *places)
{
	struct task guards = { .what = INTERLOCK_GUARDS };
	struct interlock_plan plan;

	json_decref(lock->hold);
	lock->hold = json_array_size(places) ? json_incref(places) : NULL;
	if (!lock->hold || !interlock_wanted(lock))
		return;
	/* What another program has taken away would not be written. */
	if (lock->whole && disturbed(lock))
		lock->whole = false;
	interlock_want(lock, &plan, NULL);
	if (lock->whole) {
		write_plan(lock, &plan);
	} else if (ready(lock)) {
		guards.plan = &plan;
		(void)perform(lock, &guards);
	}
	plan_free(&plan);
	let_pass();
}

/**
 * interlock_release() - end what interlock_hold() began, and interlock_update()
 * @lock: it
 */
void interlock_release(struct interlock *lock)
{
	if (lock->hold)
		let_pass();
	json_decref(lock->hold);
	lock->hold = NULL;
	interlock_update(lock);
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
	write_plan(lock, &plan);
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
