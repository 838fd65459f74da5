/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guards that gateway.yaml names, and those that the kernel has.
 */
#ifndef LENSCAPD_GUARDS_H
#define LENSCAPD_GUARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client.h"
#include "diag.h"
#include "gateway.h"

/**
 * struct guard_seen - a guard of the kernel, as it was seen last
 * @name: its name
 * @interface: where it stands, or what it waits for
 * @state: enum lenscap_guard_state
 * @tried: while it waits: index of the interface to which guards_stray() last
 *	said that it belongs
 */
struct guard_seen {
	char *name;
	char *interface;
	uint8_t state;
	unsigned int tried;
};

/**
 * struct guards - what is known about guards beside gateway.yaml
 * @asked: object: name of a guard to the interface that it was last set on.
 *	The kernel's guard follows an interface that is renamed, and must not
 *	be moved back to a name that nothing has any more.
 * @disarmed: object: names that were taken out of the kernel on request
 * @seen: guards of the kernel, for noticing changes
 * @nseen: entries of @seen
 */
struct guards {
	json_t *asked;
	json_t *disarmed;
	struct guard_seen *seen;
	size_t nseen;
};

/**
 * struct guard_place - where a guard stands, or is to stand
 * @name: of the guard
 * @ifindex: index of its interface, which may be renamed meanwhile; or 0: wherever
 *	the guard is
 * @vlan: VLAN id, or 0
 */
struct guard_place {
	char *name;
	unsigned int ifindex;
	uint16_t vlan;
};

/**
 * struct guard_places - some of them
 * @items: they
 * @count: how many
 */
struct guard_places {
	struct guard_place *items;
	size_t count;
};

/* guards_place.c */
void guard_places_add(struct guard_places *places, const char *name,
		      unsigned int ifindex, uint16_t vlan);
void guard_places_free(struct guard_places *places);

/* guards_sync.c */
void guards_changing(const struct guards *guards, struct client *client,
		     const struct gateway *gateway, bool all,
		     struct guard_places *places);
int guards_sync(struct guards *guards, struct client *client,
		const struct gateway *gateway, struct diag *diag);

/* guards.c */
void guards_init(struct guards *guards, const char *state);
void guards_free(struct guards *guards);
void guards_remember(struct guards *guards, const struct gateway *gateway,
		     const json_t *kept);
bool guards_left(const struct guards *guards, const struct gateway_guard *guard,
		 const struct gateway_guard *there);
int guards_disarm(struct guards *guards, struct client *client,
		  const struct gateway *gateway, const char *name,
		  json_t *names, struct client_error *err);
int guards_arm(struct guards *guards, struct client *client,
	       const struct gateway *gateway, const char *name,
	       json_t *names, struct diag *diag);
int guards_observe(struct guards *guards, struct client *client,
		   const struct gateway *gateway, struct client_error *err);
bool guards_stray(struct guards *guards, const struct gateway *gateway);
json_t *guards_list(struct client *client, const struct gateway *gateway,
		    struct client_error *err);
const struct gateway_guard *guards_find(const struct gateway *gateway,
					const char *name);
char *guards_describe(const struct gateway_guard *guard);

#endif /* LENSCAPD_GUARDS_H */
