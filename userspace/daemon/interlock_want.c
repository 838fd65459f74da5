// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock: what it should be.
 *
 * It follows from gateway.yaml, from the interfaces on which the module has its
 * guards, from the tag in effect and from the policy.
 */
#include <net/if.h>
#include <string.h>

#include "daemon.h"
#include "interlock.h"
#include "log.h"

/* As the module has a guard, or NULL: it has none of that name. */
static const struct client_guard *of_module(const struct client_guards *kernel,
					    const char *name)
{
	for (size_t i = 0; i < kernel->count; i++)
		if (!strcmp(kernel->items[i].config.name, name))
			return &kernel->items[i];
	return NULL;
}

/* Was nobody who judged for it there when it was written last? */
static bool was_absent(const struct interlock *lock, const char *name)
{
	for (size_t i = 0; i < lock->have.nguards; i++)
		if (!strcmp(lock->have.guards[i].name, name) &&
		    *lock->have.guards[i].asked && lock->have.guards[i].absent)
			return true;
	return false;
}

/* What comes where a guard could not be moved is nobody's, or another's. */
static void plan_left(const struct daemon *daemon, struct interlock_plan *plan,
		      const struct client_guards *kernel)
{
	for (size_t i = 0; i < daemon->gateway.nguards; i++) {
		const struct gateway_guard *guard = &daemon->gateway.guards[i];
		const struct client_guard *there = of_module(kernel,
							     guard->name);

		if (there && guards_left(&daemon->guards, guard,
					 &there->config))
			plan_shut_free(plan, guard->name,
				       if_nametoindex(guard->interface),
				       guard->vlan);
	}
}

/* What interlock_hold() holds. */
static void plan_hold(const struct interlock *lock, struct interlock_plan *plan)
{
	if (!lock->hold.count)
		return;
	for (size_t i = 0; i < lock->hold.count; i++) {
		const struct guard_place *place = &lock->hold.items[i];

		plan_shut(plan, place->name, place->ifindex, place->vlan);
	}
	plan_shut_left(plan, &lock->have);
}

/* Has a guard another interface, or none, since it was written last? */
static bool has_moved(const struct interlock *lock,
		      const struct plan_guard *guard)
{
	for (size_t i = 0; i < lock->have.nguards; i++)
		if (!strcmp(lock->have.guards[i].name, guard->name) &&
		    lock->have.guards[i].ifindex == guard->ifindex)
			return false;
	return true;
}

/*
 * The module is asked, since events about interfaces and about guards arrive in
 * any order. If it does not answer, it has the guards that it had; it may have
 * gone, and then it had none. Interfaces are listed after that: an older list would
 * have ports under a bridge whose guard has gone with it.
 */
static void plan_guards(struct interlock *lock, struct interlock_plan *plan)
{
	const struct daemon *daemon = lock->daemon;
	struct client_guards kernel = { 0 };
	struct client_error err;
	bool asked = daemon->client &&
		     !client_guards(daemon->client, &kernel, &err);

	for (size_t i = 0; i < daemon->gateway.nguards; i++) {
		const struct gateway_guard *guard = &daemon->gateway.guards[i];

		plan_add_guard(plan, guard,
			       asked ? of_module(&kernel, guard->name) : NULL,
			       interlock_is_open(lock, guard->name),
			       &lock->have);
		if (daemon->client && !asked)
			plan->guards[plan->nguards - 1].absent =
				was_absent(lock, guard->name);
	}
	if (asked) {
		plan_left(daemon, plan, &kernel);
		client_guards_free(&kernel);
	}
	plan_hold(lock, plan);
	for (size_t i = 0; i < plan->nguards; i++)
		if (has_moved(lock, &plan->guards[i]))
			lock->under.fresh = false;
	under_refresh(&lock->under);
	under_guards(&lock->under, lock->let_go ? NULL : &lock->have, plan);
}

/* Without a module nothing has a tag, and that of gateway.yaml will do. */
static void plan_tag(struct interlock_plan *plan, const struct daemon *daemon,
		     const struct client_info *info)
{
	const struct gateway *gateway = &daemon->gateway;

	plan->tag_value = info ? info->tag_value : gateway->tag_value;
	plan->tag_mask = info ? info->tag_mask : gateway->tag_mask;
	plan->class_mask = info ? info->class_mask : gateway->class_mask;
}

static bool concerns(const struct interlock *lock,
		     const struct policy_device *device)
{
	return plan_concerns(&lock->daemon->gateway, device) ||
	       (lock->next && plan_concerns(lock->next, device));
}

static void plan_policy(struct interlock_plan *plan,
			const struct interlock *lock,
			const struct policy *policy)
{
	for (size_t i = 0; i < policy->ndevices; i++)
		if (concerns(lock, &policy->devices[i]))
			plan_add_device(plan, &policy->devices[i]);
}

/* A policy that another program has made live is known to the kernel only. */
static void plan_foreign(struct interlock_plan *plan,
			 const struct interlock *lock)
{
	struct daemon *daemon = lock->daemon;
	struct client_devices devices;
	struct client_error err;

	if (client_devices(daemon->client, &devices, &err) < 0) {
		log_warning("the devices of the live policy cannot be read for the interlock: %s",
			    err.text);
		return;
	}
	for (size_t i = 0; i < devices.count; i++)
		if (concerns(lock, &devices.items[i].config))
			plan_add_device(plan, &devices.items[i].config);
	client_devices_free(&devices);
}

/**
 * interlock_want_guards() - what the interlock should be, as far as guards go
 * @lock: it
 * @plan: result, to be freed
 */
void interlock_want_guards(struct interlock *lock, struct interlock_plan *plan)
{
	plan_init(plan);
	plan_guards(lock, plan);
	plan_finish(plan);
}

/**
 * interlock_want() - what the interlock should be
 * @lock: it
 * @plan: result, to be freed
 * @next: a policy that is to be covered as well, or NULL
 */
void interlock_want(struct interlock *lock, struct interlock_plan *plan,
		    const struct policy *next)
{
	struct daemon *daemon = lock->daemon;
	const struct held *held = &daemon->held;
	struct client_info info;
	struct client_error err;
	bool asked = daemon->client &&
		     !client_info(daemon->client, &info, &err);

	plan_init(plan);
	plan_tag(plan, daemon, asked ? &info : NULL);
	plan_guards(lock, plan);
	if (held->valid)
		plan_policy(plan, lock, &held->policy);
	if (next && next != &held->policy)
		plan_policy(plan, lock, next);
	if (asked && info.generation &&
	    (!held->valid || !info.has_digest ||
	     memcmp(info.digest, held->policy.digest, POLICY_DIGEST_LEN) != 0))
		plan_foreign(plan, lock);
	plan_finish(plan);
}
