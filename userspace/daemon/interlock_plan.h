/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the interlock is to say: guards, the tag, and whose addresses.
 */
#ifndef LENSCAPD_INTERLOCK_PLAN_H
#define LENSCAPD_INTERLOCK_PLAN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "gateway.h"
#include "policy.h"

/* Elements of the largest size: two IPv6 addresses. */
#define KEY_MAX 32

/**
 * struct keys - things of one size, sorted and without doubles
 * @data: they, one behind the other
 * @count: how many
 * @size: bytes of each
 */
struct keys {
	uint8_t *data;
	size_t count;
	size_t size;
};

/**
 * enum plan_set - the sets of addresses
 * @PLAN_MACS: of devices that have one
 * @PLAN_HOSTS4: single addresses
 * @PLAN_HOSTS6: the same
 * @PLAN_NETS4: ranges, first and last address, that neither overlap nor touch
 * @PLAN_NETS6: the same
 * @PLAN_SETS: how many sets
 */
enum plan_set {
	PLAN_MACS,
	PLAN_HOSTS4,
	PLAN_HOSTS6,
	PLAN_NETS4,
	PLAN_NETS6,
	PLAN_SETS,
};

/**
 * struct plan_guard - a guard in the interlock
 * @name: its name
 * @counter: the name of its counter
 * @asked: the interface, as gateway.yaml calls it
 * @interface: the interface, as it is called now
 * @ifindex: its index, or 0 while there is none
 * @vlan: VLAN id, or 0
 * @open: its frames are let through unjudged
 * @absent: the module does not judge for it there: a tag is another guard's
 * @kept: it is only known from before a restart where it stood
 * @lost: its chain is not there, see plan_forget_lost()
 * @bridge: the bridge by whose input chain its frames come first, or empty
 * @bridge_vlan: VLAN id that they have there, or 0
 * @bridge_protocol: ETH_P_8021Q or ETH_P_8021AD, or 0: either
 */
struct plan_guard {
	char *name;
	char *counter;
	char asked[IF_NAMESIZE];
	char interface[IF_NAMESIZE];
	unsigned int ifindex;
	uint16_t vlan;
	bool open;
	bool absent;
	bool kept;
	bool lost;
	char bridge[IF_NAMESIZE];
	uint16_t bridge_vlan;
	uint16_t bridge_protocol;
};

/**
 * struct plan_port - an interface from which a guarded one takes frames over, or did
 * @interface: its name
 * @ifindex: its index, or 0: its chain went with it
 * @lost: its chain is not there, see plan_forget_lost()
 * @left: it is under no guard any more, and held until gateway.yaml is read again
 */
struct plan_port {
	char interface[IF_NAMESIZE];
	unsigned int ifindex;
	bool lost;
	bool left;
};

/**
 * struct interlock_plan - all of it
 * @tag_value: what judged frames carry in their mark
 * @tag_mask: in these bits
 * @class_mask: further bits that are part of a tag
 * @guards: by interface's index; of one interface, that without VLAN comes last
 * @nguards: how many
 * @ports: what is under guards, by interface and without doubles
 * @nports: how many
 * @sets: addresses that devices are bound to, and their MACs
 */
struct interlock_plan {
	uint32_t tag_value, tag_mask, class_mask;
	struct plan_guard *guards;
	size_t nguards;
	struct plan_port *ports;
	size_t nports;
	struct keys sets[PLAN_SETS];
};

void plan_init(struct interlock_plan *plan);
void plan_free(struct interlock_plan *plan);
void plan_add_guard(struct interlock_plan *plan,
		    const struct gateway_guard *guard,
		    const struct client_guard *kernel, bool open,
		    const struct interlock_plan *before);
void plan_add_place(struct interlock_plan *plan, const char *name,
		    const char *asked, unsigned int ifindex);
void plan_forget_lost(struct interlock_plan *plan);
void plan_shut(struct interlock_plan *plan, const char *name,
	       unsigned int ifindex, uint16_t vlan);
void plan_shut_free(struct interlock_plan *plan, const char *name,
		    unsigned int ifindex, uint16_t vlan);
void plan_shut_left(struct interlock_plan *plan,
		    const struct interlock_plan *before);
void plan_add_port(struct interlock_plan *plan, const char *interface,
		   unsigned int ifindex, bool left);
bool plan_concerns(const struct gateway *gateway,
		   const struct policy_device *device);
void plan_add_device(struct interlock_plan *plan,
		     const struct policy_device *device);
void plan_finish(struct interlock_plan *plan);
bool plan_same_guards(const struct interlock_plan *a,
		      const struct interlock_plan *b);
bool plan_same_under(const struct interlock_plan *a,
		     const struct interlock_plan *b);
bool plan_same_tag(const struct interlock_plan *a,
		   const struct interlock_plan *b);

bool keys_same(const struct keys *a, const struct keys *b);
void keys_minus(const struct keys *a, const struct keys *b,
		struct keys *result);

#endif /* LENSCAPD_INTERLOCK_PLAN_H */
