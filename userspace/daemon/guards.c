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
#include "state.h"

#define ASKED_FILE "guards.json"

/* A guard as people know it: name, interface, VLAN. */
static char *describe(const struct gateway_guard *guard)
{
	char vlan[16] = "";

	if (guard->vlan)
		snprintf(vlan, sizeof(vlan), " vlan %u", guard->vlan);
	return mem_print("guard \"%s\" (%s%s)", guard->name, guard->interface,
			 vlan);
}

void guards_init(struct guards *guards, const char *state)
{
	memset(guards, 0, sizeof(*guards));
	guards->asked = state_load(state, ASKED_FILE);
	if (!json_is_object(guards->asked)) {
		json_decref(guards->asked);
		guards->asked = json_object();
	}
	guards->disarmed = json_object();
}

static void forget_seen(struct guards *guards)
{
	for (size_t i = 0; i < guards->nseen; i++) {
		free(guards->seen[i].name);
		free(guards->seen[i].interface);
	}
	free(guards->seen);
	guards->seen = NULL;
	guards->nseen = 0;
}

void guards_free(struct guards *guards)
{
	json_decref(guards->asked);
	json_decref(guards->disarmed);
	forget_seen(guards);
	memset(guards, 0, sizeof(*guards));
}

/**
 * guards_find() - the guard of gateway.yaml with a name
 * @gateway: the file
 * @name: the name
 *
 * Return: the guard or NULL.
 */
const struct gateway_guard *guards_find(const struct gateway *gateway,
					const char *name)
{
	for (size_t i = 0; i < gateway->nguards; i++)
		if (!strcmp(gateway->guards[i].name, name))
			return &gateway->guards[i];
	return NULL;
}

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
 * @diag: receives what did not work
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
	log_warning("guard \"%s\" stays on interface %s, which was called %s when the guard was set: give gateway.yaml the new name",
		    want->name, have->interface, want->interface);
	want->interface = have->interface;
}

static void make_plan(struct plan *plan, const struct guards *guards,
		      const struct gateway *gateway)
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
		if (json_object_get(guards->disarmed, want->name))
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
	text = describe(want);
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
	char *text = describe(want);

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
		text = describe(have);
		if (client_guard_del(plan->client, have->name, &err) < 0 &&
		    err.code != ENOENT)
			diag_error(plan->diag, NULL, 0, 0, "%s", err.text);
		else
			log_notice("%s is removed: gateway.yaml does not name it",
				   text);
		free(text);
	}
}

static void remember_asked(struct guards *guards, const struct gateway *gateway)
{
	json_t *asked = json_object();
	char *error = NULL;

	for (size_t i = 0; i < gateway->nguards; i++)
		json_object_set_new(asked, gateway->guards[i].name,
				    json_text(gateway->guards[i].interface));
	if (!json_equal(asked, guards->asked) &&
	    !state_save(gateway->state, ASKED_FILE, asked, &error))
		log_warning("%s: after a restart, guards of renamed interfaces may be set anew",
			    error);
	free(error);
	json_decref(guards->asked);
	guards->asked = asked;
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

	if (client_guards(client, &plan.kernel, &err) < 0) {
		diag_error(diag, NULL, 0, 0, "%s", err.text);
		return -1;
	}
	make_plan(&plan, guards, gateway);
	place_all(&plan);
	remove_rest(&plan);
	free_plan(&plan);
	remember_asked(guards, gateway);
	if (guards_observe(guards, client, gateway, &err) < 0)
		diag_error(diag, NULL, 0, 0, "%s", err.text);
	return diag->errors > errors ? -1 : 0;
}

/**
 * guards_disarm() - take guards out of the kernel
 * @guards: remembers them
 * @client: to do it with
 * @gateway: the file
 * @name: which one, or NULL: all
 * @names: receives the names of those that were in the kernel
 * @err: why not
 *
 * Return: 0, or -1 with @err filled in.
 */
int guards_disarm(struct guards *guards, struct client *client,
		  const struct gateway *gateway, const char *name,
		  json_t *names, struct client_error *err)
{
	int result = 0;

	for (size_t i = 0; i < gateway->nguards; i++) {
		const char *this = gateway->guards[i].name;

		if (name && strcmp(name, this))
			continue;
		/* Remembered first: its removal is no surprise then. */
		json_object_set_new(guards->disarmed, this, json_true());
		if (!client_guard_del(client, this, err)) {
			json_array_append_new(names, json_text(this));
		} else if (err->code != ENOENT) {
			json_object_del(guards->disarmed, this);
			result = -1;
			break;
		}
	}
	return result;
}

/**
 * guards_arm() - put guards that were disarmed back into the kernel
 * @guards: forgets that they were
 * @client: to do it with
 * @gateway: the file
 * @name: which one, or NULL: all
 * @names: receives the names of those that were not in the kernel
 * @diag: receives what did not work
 *
 * Return: 0, or -1 with an error in @diag.
 */
int guards_arm(struct guards *guards, struct client *client,
	       const struct gateway *gateway, const char *name,
	       json_t *names, struct diag *diag)
{
	int result = 0;

	for (size_t i = 0; i < gateway->nguards; i++) {
		const struct gateway_guard *guard = &gateway->guards[i];
		struct client_guards kernel;
		struct client_error err;
		bool there = false;

		if (name && strcmp(name, guard->name))
			continue;
		if (client_guards(client, &kernel, &err) < 0) {
			diag_error(diag, NULL, 0, 0, "%s", err.text);
			return -1;
		}
		for (size_t k = 0; k < kernel.count; k++)
			there |= !strcmp(kernel.items[k].config.name,
					 guard->name);
		client_guards_free(&kernel);
		json_object_del(guards->disarmed, guard->name);
		if (there)
			continue;
		if (client_guard_set(client, guard, &err) < 0) {
			diag_error(diag, NULL, 0, 0, "%s", err.text);
			result = -1;
			continue;
		}
		json_array_append_new(names, json_text(guard->name));
	}
	remember_asked(guards, gateway);
	return result;
}

static void tell_state(const struct client_guard *guard)
{
	char *text = describe(&guard->config);

	switch (guard->state) {
	case LENSCAP_GUARD_ARMED:
		log_notice("%s is armed", text);
		break;
	case LENSCAP_GUARD_WAITING:
		log_warning("%s waits for its interface, which does not exist",
			    text);
		break;
	case LENSCAP_GUARD_FAILED:
		log_error("%s is not armed: the kernel refused its hook on this interface; its frames are not judged",
			  text);
		break;
	}
	free(text);
}

static const struct guard_seen *find_seen(const struct guards *guards,
					  const char *name)
{
	for (size_t i = 0; i < guards->nseen; i++)
		if (!strcmp(guards->seen[i].name, name))
			return &guards->seen[i];
	return NULL;
}

static void tell_change(const struct guards *guards,
			const struct client_guard *guard)
{
	const struct guard_seen *seen = find_seen(guards, guard->config.name);

	if (!seen || seen->state != guard->state)
		tell_state(guard);
	else if (strcmp(seen->interface, guard->config.interface))
		log_notice("guard \"%s\" follows its interface, now called %s (before: %s)",
			   seen->name, guard->config.interface,
			   seen->interface);
}

/* What was tried for a guard counts until it is armed. */
static unsigned int still_waits(const struct guards *guards,
				const struct client_guard *guard)
{
	const struct guard_seen *seen = find_seen(guards, guard->config.name);

	return seen && guard->state == LENSCAP_GUARD_WAITING ? seen->tried : 0;
}

/**
 * guards_observe() - log what has changed about the kernel's guards
 * @guards: remembers what was seen
 * @client: to look with
 * @gateway: the file
 * @err: why not
 *
 * Return: 0, or -1 with @err filled in.
 */
int guards_observe(struct guards *guards, struct client *client,
		   const struct gateway *gateway, struct client_error *err)
{
	struct client_guards kernel;
	struct guard_seen *now;
	size_t i, k;

	if (client_guards(client, &kernel, err) < 0)
		return -1;
	now = mem_alloc(kernel.count * sizeof(*now));
	for (i = 0; i < kernel.count; i++) {
		tell_change(guards, &kernel.items[i]);
		now[i].name = mem_copy(kernel.items[i].config.name);
		now[i].interface = mem_copy(kernel.items[i].config.interface);
		now[i].state = kernel.items[i].state;
		now[i].tried = still_waits(guards, &kernel.items[i]);
	}
	for (i = 0; i < guards->nseen; i++) {
		const char *name = guards->seen[i].name;

		for (k = 0; k < kernel.count; k++)
			if (!strcmp(now[k].name, name))
				break;
		if (k == kernel.count && guards_find(gateway, name) &&
		    !json_object_get(guards->disarmed, name))
			log_error("guard \"%s\" was removed by another program: the frames of %s are not judged any more; \"lenscapctl arm %s\" sets it again",
				  name, guards->seen[i].interface, name);
	}
	forget_seen(guards);
	guards->seen = now;
	guards->nseen = kernel.count;
	client_guards_free(&kernel);
	return 0;
}

/**
 * guards_stray() - does a guard wait elsewhere than gateway.yaml says?
 * @guards: what was seen of them
 * @gateway: the file
 *
 * A guard that followed its interface to another name, and lost it, waits for
 * that name. If there is an interface now that has the name in the file, that is
 * what is to be guarded.
 *
 * Return: true, once for each interface while a guard waits; guards_sync() is to
 * follow.
 */
bool guards_stray(struct guards *guards, const struct gateway *gateway)
{
	for (size_t i = 0; i < guards->nseen; i++) {
		struct guard_seen *seen = &guards->seen[i];
		const struct gateway_guard *want = guards_find(gateway,
							       seen->name);
		unsigned int index;

		if (!want || seen->state != LENSCAP_GUARD_WAITING ||
		    !strcmp(seen->interface, want->interface))
			continue;
		index = if_nametoindex(want->interface);
		if (!index || index == seen->tried)
			continue;
		seen->tried = index;
		return true;
	}
	return false;
}

/* What gateway.yaml calls the interface: another name, if that was changed since. */
static json_t *configured(const struct gateway *gateway, const char *name)
{
	const struct gateway_guard *guard = guards_find(gateway, name);

	return guard ? json_text(guard->interface) : json_null();
}

/**
 * guards_list() - all guards, for people
 * @client: to look with
 * @gateway: the file: guards of it that the kernel has not are "disarmed"
 * @err: why not
 *
 * Return: an array, or NULL with @err filled in.
 */
json_t *guards_list(struct client *client, const struct gateway *gateway,
		    struct client_error *err)
{
	struct client_guards kernel;
	json_t *list;
	size_t i, k;

	if (client_guards(client, &kernel, err) < 0)
		return NULL;
	list = json_array();
	for (i = 0; i < kernel.count; i++) {
		const struct client_guard *guard = &kernel.items[i];
		char text[NAME_TEXT];
		json_t *row = json_guard(guard, name_text(&names_state,
							  guard->state, text));

		json_object_set_new(row, "configured",
				    configured(gateway, guard->config.name));
		json_array_append_new(list, row);
	}
	for (i = 0; i < gateway->nguards; i++) {
		struct client_guard guard = { .config = gateway->guards[i] };

		for (k = 0; k < kernel.count; k++)
			if (!strcmp(kernel.items[k].config.name,
				    guard.config.name))
				break;
		if (k == kernel.count) {
			json_t *row = json_guard(&guard, "disarmed");

			json_object_set_new(row, "configured",
					    json_text(guard.config.interface));
			json_array_append_new(list, row);
		}
	}
	client_guards_free(&kernel);
	return list;
}
