// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making the kernel's guards those of gateway.yaml, without a hole.
 *
 * A guard that is as it should be is not touched. Guards are set before those
 * that gateway.yaml no longer names are removed, so that frames of an
 * interface that changes hands are judged by one or the other. Where two
 * guards trade the same frames (a guard that got another name), the kernel
 * allows only one at a time: removal and addition then travel in one message
 * batch, and what could not be added is put back.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "guards.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "names.h"

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* The order of subnets means nothing. */
static bool same_subnets(const struct gateway_guard *a,
			 const struct gateway_guard *b)
{
	size_t size = a->nsubnets * sizeof(struct policy_prefix);
	struct policy_prefix *left, *right;
	bool same = true;

	if (a->nsubnets != b->nsubnets)
		return false;
	if (!size)
		return true;
	left = mem_alloc(size);
	right = mem_alloc(size);
	memcpy(left, a->subnets, size);
	memcpy(right, b->subnets, size);
	qsort(left, a->nsubnets, sizeof(*left), compare_prefixes);
	qsort(right, a->nsubnets, sizeof(*right), compare_prefixes);
	for (size_t i = 0; i < a->nsubnets; i++)
		same = same && !prefix_compare(&left[i], &right[i]);
	free(left);
	free(right);
	return same;
}

static bool same_place(const struct gateway_guard *a,
		       const struct gateway_guard *b)
{
	return a->vlan == b->vlan && !strcmp(a->interface, b->interface);
}

static bool same_guard(const struct gateway_guard *a,
		       const struct gateway_guard *b)
{
	return same_place(a, b) && a->identity == b->identity &&
	       a->mode == b->mode && a->upkeep == b->upkeep &&
	       same_subnets(a, b);
}

/**
 * struct plan - how the kernel's guards become those of gateway.yaml
 * @client: to do it with
 * @kernel: the kernel's guards before
 * @there: of these, which are still there
 * @want: guards as they are to be; names and subnets belong to gateway.yaml
 * @pending: of these, which are not set yet
 * @placed: of these, which are in the kernel at the place of @want
 * @nwant: entries
 * @diag: receives what did not work; NULL in a plan that is only looked at
 */
struct plan {
	struct client *client;
	struct client_guards kernel;
	bool *there;
	struct gateway_guard *want;
	bool *pending;
	bool *placed;
	size_t nwant;
	struct diag *diag;
};

static struct gateway_guard *kernel_guard(const struct plan *plan,
					  const char *name)
{
	for (size_t i = 0; i < plan->kernel.count; i++)
		if (plan->there[i] &&
		    !strcmp(plan->kernel.items[i].config.name, name))
			return &plan->kernel.items[i].config;
	return NULL;
}

static size_t wanted_index(const struct plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->nwant; i++)
		if (!strcmp(plan->want[i].name, name))
			break;
	return i;
}

/*
 * Where the guard is to be. The kernel's guard follows its interface when
 * that is renamed; as long as gateway.yaml says what it said when the guard
 * was set, and nothing else has the old name, it stays with its interface.
 */
static void follow_rename(const struct guards *guards, const struct plan *plan,
			  struct gateway_guard *want)
{
	const struct gateway_guard *have = kernel_guard(plan, want->name);
	const char *asked = json_string_value(json_object_get(guards->asked,
							      want->name));

	if (!have || !strcmp(have->interface, want->interface) || !asked ||
	    strcmp(asked, want->interface) || if_nametoindex(want->interface))
		return;
	/* Who only asks has no place for what did not work. */
	if (plan->diag)
		log_warning("guard \"%s\" stays on interface %s, which was called %s when the guard was set: give gateway.yaml the new name",
			    want->name, have->interface, want->interface);
	want->interface = have->interface;
}

/* With those that are disarmed, if @all. */
static void make_plan(struct plan *plan, const struct guards *guards,
		      const struct gateway *gateway, bool all)
{
	size_t i;

	plan->there = mem_alloc(plan->kernel.count);
	for (i = 0; i < plan->kernel.count; i++)
		plan->there[i] = true;
	plan->want = mem_alloc(gateway->nguards * sizeof(*plan->want));
	plan->pending = mem_alloc(gateway->nguards);
	plan->placed = mem_alloc(gateway->nguards);
	for (i = 0; i < gateway->nguards; i++) {
		struct gateway_guard *want = &plan->want[plan->nwant];
		const struct gateway_guard *have;

		*want = gateway->guards[i];
		if (!all && json_object_get(guards->disarmed, want->name))
			continue;
		follow_rename(guards, plan, want);
		have = kernel_guard(plan, want->name);
		plan->placed[plan->nwant] = have && same_place(have, want);
		plan->pending[plan->nwant] = !have || !same_guard(have, want);
		plan->nwant++;
	}
}

static void free_plan(struct plan *plan)
{
	client_guards_free(&plan->kernel);
	free(plan->there);
	free(plan->want);
	free(plan->pending);
	free(plan->placed);
}

/*
 * Another guard of the kernel that judges the frames @want is to judge: one
 * from before, or one that was set already. NULL: nobody does.
 */
static const struct gateway_guard *blocker(const struct plan *plan,
					   const struct gateway_guard *want)
{
	size_t i;

	for (i = 0; i < plan->kernel.count; i++) {
		const struct gateway_guard *have = &plan->kernel.items[i].config;

		if (plan->there[i] && strcmp(have->name, want->name) &&
		    same_place(have, want))
			return have;
	}
	for (i = 0; i < plan->nwant; i++)
		if (plan->placed[i] && &plan->want[i] != want &&
		    same_place(&plan->want[i], want))
			return &plan->want[i];
	return NULL;
}

static void gone(struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->kernel.count; i++)
		if (!strcmp(plan->kernel.items[i].config.name, name))
			plan->there[i] = false;
}

static void set_guard(struct plan *plan, size_t i)
{
	const struct gateway_guard *want = &plan->want[i];
	struct client_error err;
	char *text;

	plan->pending[i] = false;
	if (client_guard_set(plan->client, want, &err) < 0) {
		diag_error(plan->diag, NULL, 0, 0, "%s", err.text);
		return;
	}
	text = guards_describe(want);
	log_info("%s is set: identity %s, mode %s", text,
		 name_of(&names_identity, want->identity),
		 name_of(&names_mode, want->mode));
	free(text);
	gone(plan, want->name);
	plan->placed[i] = true;
}

/* For guards that trade places: @old makes room for @want in one batch. */
static void swap_guard(struct plan *plan, const struct gateway_guard *old,
		       size_t i)
{
	const struct gateway_guard *want = &plan->want[i];
	struct client_error err, put_back;
	char *text = guards_describe(want);

	plan->pending[i] = false;
	if (!client_guard_swap(plan->client, old->name, want, &err)) {
		log_warning("%s took over from guard \"%s\"; for the instant in between, frames were not judged",
			    text, old->name);
		gone(plan, want->name);
		gone(plan, old->name);
		plan->placed[i] = true;
	} else {
		diag_error(plan->diag, NULL, 0, 0, "%s", err.text);
		if (client_guard_set(plan->client, old, &put_back) < 0)
			diag_error(plan->diag, NULL, 0, 0,
				   "%s: cannot be put back: %s: %s is not guarded now",
				   old->name, put_back.text, old->interface);
	}
	free(text);
}

static bool place_one(struct plan *plan, size_t i, bool force)
{
	const struct gateway_guard *old = blocker(plan, &plan->want[i]);
	size_t other;

	if (!old) {
		set_guard(plan, i);
		return true;
	}
	other = wanted_index(plan, old->name);
	if (other == plan->nwant || (force && plan->pending[other])) {
		swap_guard(plan, old, i);
		return true;
	}
	if (plan->pending[other])
		return false;
	diag_error(plan->diag, NULL, 0, 0,
		   "guard \"%s\": the frames of interface %s are judged by guard \"%s\" already, which followed its interface to that name",
		   plan->want[i].name, plan->want[i].interface, old->name);
	plan->pending[i] = false;
	return true;
}

static void place_all(struct plan *plan)
{
	bool force = false;

	for (;;) {
		bool progress = false, left = false;

		for (size_t i = 0; i < plan->nwant; i++) {
			if (!plan->pending[i])
				continue;
			if (place_one(plan, i, force)) {
				progress = true;
				force = false;
			} else {
				left = true;
			}
		}
		if (!left)
			return;
		/* Each waits for another one: break the ring somewhere. */
		force = !progress;
	}
}

static void remove_rest(struct plan *plan)
{
	for (size_t i = 0; i < plan->kernel.count; i++) {
		const struct gateway_guard *have = &plan->kernel.items[i].config;
		struct client_error err;
		char *text;

		if (!plan->there[i] ||
		    wanted_index(plan, have->name) < plan->nwant)
			continue;
		text = guards_describe(have);
		if (client_guard_del(plan->client, have->name, &err) < 0 &&
		    err.code != ENOENT)
			diag_error(plan->diag, NULL, 0, 0, "%s", err.text);
		else
			log_notice("%s is removed: gateway.yaml does not name it",
				   text);
		free(text);
	}
}

/* Those that the kernel has, and not where they should be. */
static json_t *left_behind(const struct plan *plan)
{
	json_t *names = json_object();

	for (size_t i = 0; i < plan->nwant; i++)
		if (!plan->placed[i] && kernel_guard(plan, plan->want[i].name))
			json_object_set_new(names, plan->want[i].name,
					    json_true());
	return names;
}

/**
 * guards_changing() - where guards_sync() is about to set, move or remove guards
 * @guards: what is known about them
 * @client: to look with
 * @gateway: the file
 * @all: also those that are disarmed, and about to be armed
 * @places: receives them, for interlock_hold(); nothing if the kernel cannot be asked
 *
 * Until all are as they are to be, frames there may be those of the interface's
 * guard without a VLAN, or be judged by one above it or below, which may audit.
 */
void guards_changing(const struct guards *guards, struct client *client,
		     const struct gateway *gateway, bool all,
		     struct guard_places *places)
{
	struct plan plan = { .client = client };
	struct client_error err;

	if (client_guards(client, &plan.kernel, &err) < 0)
		return;
	make_plan(&plan, guards, gateway, all);
	for (size_t i = 0; i < plan.nwant; i++) {
		const struct gateway_guard *want = &plan.want[i];
		unsigned int ifindex = if_nametoindex(want->interface);

		if (plan.pending[i])
			guard_places_add(places, want->name, ifindex,
					 want->vlan);
	}
	for (size_t i = 0; i < plan.kernel.count; i++) {
		const struct client_guard *have = &plan.kernel.items[i];
		size_t wanted = wanted_index(&plan, have->config.name);

		if (wanted == plan.nwant || !plan.placed[wanted])
			guard_places_add(places, have->config.name,
					 have->ifindex, have->config.vlan);
	}
	free_plan(&plan);
}

/**
 * guards_sync() - make the kernel's guards those of gateway.yaml
 * @guards: guards that are disarmed stay so
 * @client: to do it with
 * @gateway: the file
 * @diag: receives what did not work; the rest is done nevertheless
 *
 * Return: 0, or -1 with an error in @diag.
 */
int guards_sync(struct guards *guards, struct client *client,
		const struct gateway *gateway, struct diag *diag)
{
	struct plan plan = { .client = client, .diag = diag };
	size_t errors = diag->errors;
	struct client_error err;
	json_t *left;

	if (client_guards(client, &plan.kernel, &err) < 0) {
		diag_error(diag, NULL, 0, 0, "%s", err.text);
		return -1;
	}
	make_plan(&plan, guards, gateway, false);
	place_all(&plan);
	remove_rest(&plan);
	left = left_behind(&plan);
	free_plan(&plan);
	guards_remember(guards, gateway, left);
	json_decref(left);
	if (guards_observe(guards, client, gateway, &err) < 0)
		diag_error(diag, NULL, 0, 0, "%s", err.text);
	return diag->errors > errors ? -1 : 0;
}

