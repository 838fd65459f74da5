// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known of guards: where they were asked for, which are disarmed, and
 * what became of them in the kernel.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "guards.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "state.h"

#define ASKED_FILE "guards.json"

/**
 * guards_describe() - a guard as people know it: name, interface, VLAN
 * @guard: it
 *
 * Return: text to be freed.
 */
char *guards_describe(const struct gateway_guard *guard)
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

/**
 * guards_remember() - which interfaces gateway.yaml has asked for
 * @guards: remembers it, over a restart as well
 * @gateway: the file
 * @kept: object with the names of those that stand where they stood
 */
void guards_remember(struct guards *guards, const struct gateway *gateway,
		     const json_t *kept)
{
	json_t *asked = json_object();
	char *error = NULL;

	for (size_t i = 0; i < gateway->nguards; i++) {
		const char *name = gateway->guards[i].name;
		json_t *before = json_object_get(guards->asked, name);

		if (!json_object_get(kept, name))
			json_object_set_new(asked, name,
				json_text(gateway->guards[i].interface));
		else if (before)
			json_object_set(asked, name, before);
	}
	if (!json_equal(asked, guards->asked) &&
	    !state_save(gateway->state, ASKED_FILE, asked, &error))
		log_warning("%s: after a restart, guards of renamed interfaces may be set anew",
			    error);
	free(error);
	json_decref(guards->asked);
	guards->asked = asked;
}

/**
 * guards_left() - is a guard of the kernel where gateway.yaml no longer wants it?
 * @guards: what is known
 * @guard: it, in gateway.yaml
 * @there: it, in the kernel
 *
 * The kernel has refused to move it. An interface that was renamed takes its guard
 * along: then gateway.yaml says what it said when the guard was set.
 */
bool guards_left(const struct guards *guards, const struct gateway_guard *guard,
		 const struct gateway_guard *there)
{
	const char *asked = json_string_value(json_object_get(guards->asked,
							      guard->name));

	return strcmp(there->interface, guard->interface) != 0 &&
	       (!asked || strcmp(asked, guard->interface) != 0);
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
	json_t *kept = json_object();
	int result = 0;

	for (size_t i = 0; i < gateway->nguards; i++) {
		const struct gateway_guard *guard = &gateway->guards[i];
		struct client_guards kernel;
		struct client_error err;
		bool there = false;

		json_object_set_new(kept, guard->name, json_true());
		if (name && strcmp(name, guard->name))
			continue;
		if (client_guards(client, &kernel, &err) < 0) {
			diag_error(diag, NULL, 0, 0, "%s", err.text);
			json_decref(kept);
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
		json_object_del(kept, guard->name);
		json_array_append_new(names, json_text(guard->name));
	}
	guards_remember(guards, gateway, kept);
	json_decref(kept);
	return result;
}

static void tell_state(const struct client_guard *guard)
{
	char *text = guards_describe(&guard->config);

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
