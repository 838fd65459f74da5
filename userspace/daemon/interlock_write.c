// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock: writing what it should be.
 *
 * What differs from what was written last is written, or all of it if that is not
 * known to be there. Each table is one batch, refused if nftables has changed since
 * it was looked at, and then tried again.
 *
 * To write may fail without an effect on the module, which enforces by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "daemon.h"
#include "interlock.h"
#include "interlock_nft.h"
#include "log.h"
#include "mem.h"

/* How often what changes meanwhile is looked at anew. */
#define ATTEMPTS 6

/* Seconds between attempts after a failure, doubled up to the second. */
#define PATIENCE_FIRST	1.
#define PATIENCE_LAST	60.

/* More elements than these would flood our own ear with what we say. */
#define LOUD 500U

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

static bool is_told(const struct interlock_plan *have,
		    const struct plan_port *port)
{
	for (size_t i = 0; i < have->nports; i++)
		if (have->ports[i].ifindex == port->ifindex)
			return have->ports[i].left;
	return false;
}

static void tell_left(const struct interlock_plan *have,
		      const struct interlock_plan *plan)
{
	for (size_t i = 0; i < plan->nports; i++)
		if (plan->ports[i].left && !is_told(have, &plan->ports[i]))
			log_warning("interface %s is under no guard any more: what it takes in by itself is dropped (\"lenscapctl reload\" lets it go)",
				    plan->ports[i].interface);
}

static void remember(struct interlock *lock, struct interlock_plan *plan)
{
	tell_left(&lock->have, plan);
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

/**
 * interlock_write_nothing() - take the tables away
 * @lock: it
 */
void interlock_write_nothing(struct interlock *lock)
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

/**
 * interlock_write() - make the tables say what they should
 * @lock: it; what goes wrong is logged, and kept for interlock_tick() to try again
 * @plan: what they should say, which is kept in @lock->have if it was written
 */
void interlock_write(struct interlock *lock, struct interlock_plan *plan)
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

/**
 * interlock_write_guards() - the same, but only for what comes by guards
 * @lock: it, which is not whole: addresses stay what they are in the tables
 * @plan: what they should say; not kept
 */
void interlock_write_guards(struct interlock *lock,
			    const struct interlock_plan *plan)
{
	struct task guards = { .plan = plan, .what = INTERLOCK_GUARDS };

	if (ready(lock))
		(void)perform(lock, &guards);
}
