// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interlock, for people: is it there, and what has it dropped?
 *
 * What is shown was looked for in the kernel, both what is there and where it
 * should be, not in what is remembered.
 */
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "daemon.h"
#include "interlock.h"
#include "interlock_nft.h"
#include "json.h"

static json_t *show_count(const struct interlock_there *there, uint16_t family,
			  const char *name)
{
	const struct interlock_item *item =
		interlock_find(there, NFT_MSG_NEWOBJ, family, name);

	return json_pack("{s:o, s:o}",
			 "packets", json_number(item ? item->packets : 0),
			 "bytes", json_number(item ? item->bytes : 0));
}

static const struct plan_guard *find_guard(const struct interlock_plan *plan,
					   const char *name)
{
	for (size_t i = 0; i < plan->nguards; i++)
		if (!strcmp(plan->guards[i].name, name) &&
		    *plan->guards[i].asked)
			return &plan->guards[i];
	return NULL;
}

static const char *guard_state(const struct interlock *lock,
			       const struct interlock_there *there,
			       const struct plan_guard *guard)
{
	if (!lock->daemon->gateway.interlock)
		return "off";
	if (guard->open)
		return "open";
	if (!guard->ifindex)
		return "waiting";
	return interlock_has_guard(there, guard) ? "in-place" : "missing";
}

/* In the order of gateway.yaml. */
static json_t *show_guards(const struct interlock *lock,
			   const struct interlock_there *there,
			   const struct interlock_plan *want)
{
	const struct gateway *gateway = &lock->daemon->gateway;
	json_t *list = json_array();

	for (size_t i = 0; i < gateway->nguards; i++) {
		const struct plan_guard *guard =
			find_guard(want, gateway->guards[i].name);

		json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:o}",
			"name", json_text(guard->name),
			"interface", json_text(guard->interface),
			"state", guard_state(lock, there, guard),
			"dropped", show_count(there, NFPROTO_NETDEV,
					      guard->counter)));
	}
	return list;
}

static json_t *show_gap(const struct interlock *lock)
{
	const struct interlock_gap *gap = &lock->gap;

	if (!lock->restored || !gap->at)
		return json_null();
	return json_pack("{s:f, s:o, s:o, s:o}",
			 "seconds", gap->seconds,
			 "at", json_time((uint64_t)gap->at * 1000),
			 "pid", gap->pid ? json_number(gap->pid) : json_null(),
			 "process", *gap->name ? json_text(gap->name) :
						 json_null());
}

static const char *state_of(const struct interlock *lock,
			    const struct interlock_there *there,
			    const struct interlock_plan *want, int code)
{
	const struct gateway *gateway = &lock->daemon->gateway;

	if (!gateway->interlock || !gateway->nguards)
		return "off";
	if (!interlock_wanted(lock))
		return "open";
	if (lock->unavailable)
		return "unavailable";
	if (lock->whole && !code &&
	    interlock_has(there, want, !lock->no_bridge))
		return "in-place";
	return "missing";
}

/**
 * interlock_show() - the interlock as docs/control.md says
 * @lock: it
 */
json_t *interlock_show(struct interlock *lock)
{
	struct interlock_there there = { 0 };
	struct interlock_plan want;
	int code = 0;
	json_t *shown;

	interlock_want_guards(lock, &want);
	if (lock->nft.socket)
		code = interlock_look(&lock->nft, &there);
	shown = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"state", state_of(lock, &there, &want, code),
		"guards", show_guards(lock, &there, &want),
		"prerouting", show_count(&there, NFPROTO_INET,
					 INTERLOCK_PREROUTING),
		"forward", show_count(&there, NFPROTO_INET,
				      INTERLOCK_FORWARD),
		"input", show_count(&there, NFPROTO_INET, INTERLOCK_INPUT),
		"bridge", show_count(&there, NFPROTO_BRIDGE,
				     INTERLOCK_BRIDGE),
		"ports", show_count(&there, NFPROTO_NETDEV, INTERLOCK_PORTS),
		"restored", json_number(lock->restored),
		"last_gap", show_gap(lock),
		"error", json_text(lock->error));
	interlock_there_free(&there);
	plan_free(&want);
	return shown;
}
