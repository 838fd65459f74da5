// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the interlock is to say: guards, the tag, and whose addresses.
 *
 * Nothing here knows the kernel, beside the index of an interface.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/lenscap.h>

#include "address.h"
#include "interlock_plan.h"
#include "mem.h"

static const size_t key_sizes[PLAN_SETS] = {
	[PLAN_MACS] = 6,
	[PLAN_HOSTS4] = 4,
	[PLAN_HOSTS6] = 16,
	[PLAN_NETS4] = 8,
	[PLAN_NETS6] = 32,
};

/**
 * plan_init() - a plan of nothing
 * @plan: it
 */
void plan_init(struct interlock_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	for (size_t i = 0; i < PLAN_SETS; i++)
		plan->sets[i].size = key_sizes[i];
}

/**
 * plan_free() - free what a plan holds
 * @plan: it; empty afterwards
 */
void plan_free(struct interlock_plan *plan)
{
	for (size_t i = 0; i < plan->nguards; i++) {
		free(plan->guards[i].name);
		free(plan->guards[i].counter);
	}
	free(plan->guards);
	free(plan->ports);
	for (size_t i = 0; i < PLAN_SETS; i++)
		free(plan->sets[i].data);
	plan_init(plan);
}

static bool stand_on(struct plan_guard *guard, unsigned int ifindex)
{
	char name[IF_NAMESIZE];

	if (!ifindex || !if_indextoname(ifindex, name))
		return false;
	memcpy(guard->interface, name, sizeof(name));
	guard->ifindex = ifindex;
	return true;
}

/*
 * What was written for the guard, unless gateway.yaml has moved it since. A daemon
 * that has just started goes by the name first.
 */
static bool stay(struct plan_guard *guard, const struct interlock_plan *before,
		 bool nameless)
{
	for (size_t i = 0; before && i < before->nguards; i++) {
		const struct plan_guard *old = &before->guards[i];

		if (!strcmp(old->name, guard->name) &&
		    !strcmp(old->asked, guard->asked) &&
		    (nameless || !old->kept))
			return stand_on(guard, old->ifindex);
	}
	return false;
}

/*
 * The interface of a guard is the one that the module judges. When the module
 * lets go of it, frames are held where they were judged: an interface that was
 * renamed keeps its index, and another may have its name by then.
 */
static void find_interface(struct plan_guard *guard,
			   const struct client_guard *kernel,
			   const struct interlock_plan *before)
{
	const char *name = kernel ? kernel->config.interface : guard->asked;

	if (kernel ? stand_on(guard, kernel->ifindex) :
		     stay(guard, before, false))
		return;
	(void)snprintf(guard->interface, sizeof(guard->interface), "%s", name);
	guard->ifindex = if_nametoindex(guard->interface);
	if (!guard->ifindex)
		stay(guard, before, true);
}

static struct plan_guard *add_guard(struct interlock_plan *plan,
				    const char *name, const char *asked)
{
	struct plan_guard *new;

	plan->guards = mem_array_room(plan->guards, plan->nguards, 1,
				      sizeof(*new));
	new = &plan->guards[plan->nguards++];
	memset(new, 0, sizeof(*new));
	new->name = mem_copy(name);
	/* A guard may be called "30" or "ip": nft(8) would not read that again. */
	new->counter = mem_print("of-%s", name);
	strncpy(new->asked, asked, IF_NAMESIZE - 1);
	return new;
}

/**
 * plan_add_guard() - add a guard
 * @plan: where to
 * @guard: of gateway.yaml
 * @kernel: as the module has it, or NULL
 * @open: its frames are let through unjudged
 * @before: what was written last, or NULL
 */
void plan_add_guard(struct interlock_plan *plan,
		    const struct gateway_guard *guard,
		    const struct client_guard *kernel, bool open,
		    const struct interlock_plan *before)
{
	struct plan_guard *new = add_guard(plan, guard->name,
					   guard->interface);

	new->vlan = guard->vlan;
	new->open = open;
	find_interface(new, kernel, before);
	new->absent = !kernel || kernel->state != LENSCAP_GUARD_ARMED ||
		      kernel->ifindex != new->ifindex ||
		      kernel->config.vlan != new->vlan;
}

/**
 * plan_add_place() - add where a guard stood, and nothing else of it
 * @plan: where to: what was written last
 * @name: of the guard
 * @asked: its interface, as gateway.yaml called it
 * @ifindex: index of the interface
 */
void plan_add_place(struct interlock_plan *plan, const char *name,
		    const char *asked, unsigned int ifindex)
{
	struct plan_guard *new = add_guard(plan, name, asked);

	new->ifindex = ifindex;
	new->kept = true;
}

/**
 * plan_forget_lost() - what has lost its chain stands nowhere any more
 * @plan: what was written last
 */
void plan_forget_lost(struct interlock_plan *plan)
{
	for (size_t i = 0; i < plan->nguards; i++)
		if (plan->guards[i].lost)
			plan->guards[i].ifindex = 0;
	for (size_t i = 0; i < plan->nports; i++)
		if (plan->ports[i].lost)
			plan->ports[i].ifindex = 0;
}

static struct plan_guard *find_place(struct interlock_plan *plan,
				     unsigned int ifindex, uint16_t vlan)
{
	for (size_t i = 0; i < plan->nguards; i++)
		if (plan->guards[i].ifindex == ifindex &&
		    plan->guards[i].vlan == vlan)
			return &plan->guards[i];
	return NULL;
}

static struct plan_guard *add_place(struct interlock_plan *plan,
				    const char *name, unsigned int ifindex,
				    uint16_t vlan)
{
	struct plan_guard *new = add_guard(plan, name, "");

	new->ifindex = ifindex;
	new->vlan = vlan;
	return new;
}

/**
 * plan_shut() - let nothing pass at a place, whoever judges there
 * @plan: it; not finished
 * @name: of the guard that comes, changes or leaves
 * @ifindex: index of its interface, which may be renamed meanwhile; or 0: wherever
 *	the guard is
 * @vlan: VLAN id, or 0
 */
void plan_shut(struct interlock_plan *plan, const char *name,
	       unsigned int ifindex, uint16_t vlan)
{
	if (ifindex && !find_place(plan, ifindex, vlan))
		add_place(plan, name, ifindex, vlan);
	for (size_t i = 0; i < plan->nguards; i++) {
		struct plan_guard *guard = &plan->guards[i];

		if (ifindex ? guard->ifindex == ifindex && guard->vlan == vlan :
			      !strcmp(guard->name, name))
			guard->absent = true;
	}
}

/**
 * plan_shut_free() - let nothing pass at a place, unless a guard stands there
 * @plan: it; not finished
 * @name: of the guard that is to be there
 * @ifindex: index of the interface; 0: there is none
 * @vlan: VLAN id, or 0
 */
void plan_shut_free(struct interlock_plan *plan, const char *name,
		    unsigned int ifindex, uint16_t vlan)
{
	if (ifindex && !find_place(plan, ifindex, vlan))
		add_place(plan, name, ifindex, vlan)->absent = true;
}

/**
 * plan_shut_left() - let nothing pass where there are no guards any more
 * @plan: it; not finished
 * @before: what was written last, with guards where now are none
 */
void plan_shut_left(struct interlock_plan *plan,
		    const struct interlock_plan *before)
{
	for (size_t i = 0; i < before->nguards; i++) {
		const struct plan_guard *old = &before->guards[i];

		if (!old->kept)
			plan_shut_free(plan, old->name, old->ifindex,
				       old->vlan);
	}
}

/**
 * plan_add_port() - add an interface that is under a guard
 * @plan: where to; nothing is changed if it is there
 * @interface: its name
 * @ifindex: its index
 * @left: it is under none any more
 */
void plan_add_port(struct interlock_plan *plan, const char *interface,
		   unsigned int ifindex, bool left)
{
	struct plan_port *new;

	for (size_t i = 0; i < plan->nports; i++)
		if (plan->ports[i].ifindex == ifindex)
			return;
	plan->ports = mem_array_room(plan->ports, plan->nports, 1,
				     sizeof(*new));
	new = &plan->ports[plan->nports++];
	memset(new, 0, sizeof(*new));
	(void)snprintf(new->interface, sizeof(new->interface), "%s", interface);
	new->ifindex = ifindex;
	new->left = left;
}

static bool has_identity(const struct gateway *gateway, uint8_t identity)
{
	for (size_t i = 0; i < gateway->nguards; i++)
		if (gateway->guards[i].identity == identity)
			return true;
	return false;
}

/**
 * plan_concerns() - can a device appear on this gateway?
 * @gateway: the gateway
 * @device: of a policy that many gateways have
 *
 * What passes through this gateway from a camera of another one was judged
 * there, and carries no tag here.
 */
bool plan_concerns(const struct gateway *gateway,
		   const struct policy_device *device)
{
	if (!device->guard)
		return has_identity(gateway, device->has_mac ?
				    LENSCAP_IDENTITY_MAC :
				    LENSCAP_IDENTITY_IP);
	for (size_t i = 0; i < gateway->nguards; i++)
		if (!strcmp(gateway->guards[i].name, device->guard))
			return true;
	return false;
}

static void add_key(struct keys *keys, const uint8_t *key)
{
	keys->data = mem_array_room(keys->data, keys->count, 1, keys->size);
	memcpy(keys->data + keys->count++ * keys->size, key, keys->size);
}

/* The first and the last address of a prefix. */
static void range_of(const struct policy_prefix *prefix, size_t size,
		     uint8_t *range)
{
	memcpy(range, prefix->addr, size);
	memcpy(range + size, prefix->addr, size);
	for (size_t bit = prefix->len; bit < 8 * size; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		range[bit / 8] &= (uint8_t)~mask;
		range[size + bit / 8] |= mask;
	}
}

/**
 * plan_add_device() - add the addresses of a device
 * @plan: where to
 * @device: the device
 */
void plan_add_device(struct interlock_plan *plan,
		     const struct policy_device *device)
{
	if (device->has_mac)
		add_key(&plan->sets[PLAN_MACS], device->mac);
	for (size_t i = 0; i < device->naddrs; i++) {
		const struct policy_prefix *prefix = &device->addrs[i];
		bool v6 = prefix->family == 6;
		uint8_t range[KEY_MAX];

		if (prefix_is_host(prefix)) {
			add_key(&plan->sets[v6 ? PLAN_HOSTS6 : PLAN_HOSTS4],
				prefix->addr);
			continue;
		}
		range_of(prefix, v6 ? 16 : 4, range);
		add_key(&plan->sets[v6 ? PLAN_NETS6 : PLAN_NETS4], range);
	}
}

static int compare_keys(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(size_t *)size);
}

static void sort_keys(struct keys *keys)
{
	size_t kept = 0;

	if (!keys->count)
		return;
	qsort_r(keys->data, keys->count, keys->size, compare_keys,
		&keys->size);
	for (size_t i = 1; i < keys->count; i++) {
		uint8_t *last = keys->data + kept * keys->size;
		const uint8_t *this = keys->data + i * keys->size;

		if (memcmp(last, this, keys->size) != 0)
			memmove(keys->data + ++kept * keys->size, this,
				keys->size);
	}
	keys->count = kept + 1;
}

/* The address behind an address; false: there is none. */
static bool next_address(const uint8_t *address, size_t size, uint8_t *next)
{
	memcpy(next, address, size);
	for (size_t i = size; i-- > 0;)
		if (++next[i])
			return true;
	return false;
}

/* Sorted ranges, into such that neither overlap nor touch. */
static void join_ranges(struct keys *keys)
{
	size_t kept = 0, half = keys->size / 2;
	uint8_t next[KEY_MAX / 2];

	if (!keys->count)
		return;
	for (size_t i = 1; i < keys->count; i++) {
		uint8_t *last = keys->data + kept * keys->size + half;
		const uint8_t *this = keys->data + i * keys->size;

		if (next_address(last, half, next) &&
		    memcmp(this, next, half) > 0)
			memmove(keys->data + ++kept * keys->size, this,
				keys->size);
		else if (memcmp(this + half, last, half) > 0)
			memcpy(last, this + half, half);
	}
	keys->count = kept + 1;
}

static int compare_guards(const void *a, const void *b)
{
	const struct plan_guard *left = a, *right = b;

	if (left->ifindex != right->ifindex)
		return left->ifindex < right->ifindex ? -1 : 1;
	/* Without a VLAN is 0, and comes last. */
	return (int)right->vlan - (int)left->vlan;
}

static int compare_ports(const void *a, const void *b)
{
	const struct plan_port *left = a, *right = b;

	return left->ifindex < right->ifindex ? -1 : 1;
}

/**
 * plan_finish() - bring a plan into order, after all has been added
 * @plan: it
 */
void plan_finish(struct interlock_plan *plan)
{
	if (plan->nguards)
		qsort(plan->guards, plan->nguards, sizeof(*plan->guards),
		      compare_guards);
	if (plan->nports)
		qsort(plan->ports, plan->nports, sizeof(*plan->ports),
		      compare_ports);
	for (size_t i = 0; i < PLAN_SETS; i++)
		sort_keys(&plan->sets[i]);
	join_ranges(&plan->sets[PLAN_NETS4]);
	join_ranges(&plan->sets[PLAN_NETS6]);
}

static bool same_ports(const struct interlock_plan *a,
		       const struct interlock_plan *b)
{
	if (a->nports != b->nports)
		return false;
	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i].ifindex != b->ports[i].ifindex ||
		    a->ports[i].left != b->ports[i].left ||
		    strcmp(a->ports[i].interface, b->ports[i].interface))
			return false;
	return true;
}

/**
 * plan_same_guards() - are guards and ports those of another plan?
 * @a: a finished plan
 * @b: another
 */
bool plan_same_guards(const struct interlock_plan *a,
		      const struct interlock_plan *b)
{
	if (a->nguards != b->nguards || !same_ports(a, b))
		return false;
	for (size_t i = 0; i < a->nguards; i++) {
		const struct plan_guard *x = &a->guards[i];
		const struct plan_guard *y = &b->guards[i];

		if (x->vlan != y->vlan || x->open != y->open ||
		    x->absent != y->absent || x->ifindex != y->ifindex ||
		    strcmp(x->name, y->name) ||
		    strcmp(x->interface, y->interface))
			return false;
	}
	return true;
}

/**
 * plan_same_under() - is what guards stand on the same as in another plan?
 * @a: a finished plan
 * @b: another
 */
bool plan_same_under(const struct interlock_plan *a,
		     const struct interlock_plan *b)
{
	if (a->nguards != b->nguards || !same_ports(a, b))
		return false;
	for (size_t i = 0; i < a->nguards; i++)
		if (strcmp(a->guards[i].bridge, b->guards[i].bridge) ||
		    a->guards[i].bridge_vlan != b->guards[i].bridge_vlan ||
		    a->guards[i].bridge_protocol !=
		    b->guards[i].bridge_protocol)
			return false;
	return true;
}

/**
 * plan_same_tag() - is the tag that of another plan?
 * @a: a plan
 * @b: another
 */
bool plan_same_tag(const struct interlock_plan *a,
		   const struct interlock_plan *b)
{
	return a->tag_value == b->tag_value && a->tag_mask == b->tag_mask &&
	       a->class_mask == b->class_mask;
}

/**
 * keys_same() - are these the same keys?
 * @a: keys
 * @b: others of the same size
 */
bool keys_same(const struct keys *a, const struct keys *b)
{
	return a->count == b->count &&
	       (!a->count || !memcmp(a->data, b->data, a->count * a->size));
}

/**
 * keys_minus() - what is in one, but not in the other
 * @a: keys
 * @b: others of the same size
 * @result: keys of @a that are not in @b; its data is to be freed
 */
void keys_minus(const struct keys *a, const struct keys *b,
		struct keys *result)
{
	size_t j = 0;

	*result = (struct keys){ .size = a->size };
	for (size_t i = 0; i < a->count; i++) {
		const uint8_t *key = a->data + i * a->size;

		while (j < b->count &&
		       memcmp(b->data + j * b->size, key, a->size) < 0)
			j++;
		if (j == b->count ||
		    memcmp(b->data + j * b->size, key, a->size) != 0)
			add_key(result, key);
	}
}
