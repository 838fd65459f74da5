// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: interfaces on interfaces, and what they leave to those below.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/**
 * doctor_covered() - does a guard judge all that comes in by an interface?
 * @doctor: the examination
 * @link: the interface
 * @vlan: the outermost tag of the frames; 0 is: without one; VLAN_ANY: of
 *	some, and what there is beside them is not asked
 * @depth: interfaces to follow
 *
 * Below it counts, and on a VLAN device of it: what gets on has passed that.
 *
 * Return: whether one does.
 */
bool doctor_covered(const struct doctor *doctor, const struct link *link,
		    int vlan, int depth)
{
	const struct link *lower = doctor_link(doctor, link->lower);
	bool all = false;

	if (!depth)
		return false;
	for (size_t i = 0; i < doctor->guard_count; i++) {
		const struct guarded *guard = &doctor->guards[i];

		/* Without a VLAN it judges all that no other guard names. */
		if (guard->link == link &&
		    (!guard->vlan || vlan == VLAN_ANY || guard->vlan == vlan))
			return true;
		if (vlan > 0 && !guard->vlan && guard->link->vlan == vlan &&
		    guard->link->lower == link->index)
			return true;
	}
	if (lower && doctor_covered(doctor, lower,
				    link->vlan ? link->vlan : vlan, depth - 1))
		return true;
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *port = &doctor->links[i];

		if (port->master != link->index)
			continue;
		all = doctor_covered(doctor, port, vlan, depth - 1);
		if (!all)
			break;
	}
	return all;
}

static bool stands_on(const struct doctor *doctor, const struct link *link,
		      const struct link *on, int *vlan, int depth)
{
	const struct link *lower = doctor_link(doctor, link->lower);
	int above = *vlan;

	if (link == on)
		return true;
	if (!depth)
		return false;
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *port = &doctor->links[i];

		*vlan = above;
		if (port->master == link->index &&
		    stands_on(doctor, port, on, vlan, depth - 1))
			return true;
	}
	*vlan = link->vlan ? link->vlan : above;
	return lower && stands_on(doctor, lower, on, vlan, depth - 1);
}

/**
 * doctor_stands_on() - do frames come to a guard through an interface?
 * @doctor: the examination
 * @guard: the guard
 * @on: the interface
 * @vlan: receives the outermost tag that they have there; VLAN_ANY if that is
 *	not known
 *
 * Return: whether they do.
 */
bool doctor_stands_on(const struct doctor *doctor, const struct guarded *guard,
		      const struct link *on, int *vlan)
{
	*vlan = guard->vlan ? guard->vlan : VLAN_ANY;
	return stands_on(doctor, guard->link, on, vlan, LINK_DEPTH);
}

/* Kinds that leave frames to the interface that they stand on. */
static const struct {
	const char *kind;
	const char *sends;	/* a camera whose frames they leave */
	bool outside;		/* a switch can keep such frames away */
	const char *fix;
} takers[] = {
#define BELOW	"Put the guard on the interface below, which sees all that comes in."
	{ "macvlan", "to another MAC address or a group", false, BELOW },
	{ "macvtap", "to another MAC address or a group", false, BELOW },
	{ "ipvlan", "to another address", false, BELOW },
	{ "ipvtap", "to another address", false, BELOW },
	{ "macsec", "without MACsec", true,
	  "Have the switch refuse frames without MACsec, and neither give the interface below an address nor bridge it or route what comes in by it." },
	{ "hsr", "without an HSR tag", true,
	  "Have nothing in the ring but nodes of it, and neither give its ports an address nor route what comes in by them." },
#undef BELOW
};

/* Do frames that @link leaves to @lower get anywhere from there? */
static bool goes_on(const struct link *link, const struct link *lower)
{
	return lower->address || doctor_routes(lower) ||
	       (lower->master && lower->master != link->index);
}

static void check_below(struct doctor *doctor, const struct guarded *guard,
			const struct link *link, const struct link *lower)
{
	struct finding finding = {
		"lower-unguarded", SEVERITY_WARNING, "interface", lower->name,
	};

	for (size_t i = 0; i < ARRAY_SIZE(takers); i++) {
		if (strcmp(link->kind, takers[i].kind) != 0)
			continue;
		if (takers[i].outside && !goes_on(link, lower))
			finding.severity = SEVERITY_NOTE;
		doctor_find(doctor, &finding,
			    cli_format("Guard \"%s\" sees only what %s takes of the frames that come in by %s, and no guard judges the others, so a camera that sends %s may talk to anyone that they reach.",
				       guard->name, link->name, lower->name,
				       takers[i].sends), takers[i].fix);
	}
}

static void find_below(struct doctor *doctor, const struct guarded *guard,
		       const struct link *link)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *lower = &doctor->links[i];
		bool port = doctor_is_ring(link) &&
			    lower->master == link->index;

		if ((port || lower->index == link->lower) &&
		    !doctor_covered(doctor, lower, 0, LINK_DEPTH))
			check_below(doctor, guard, link, lower);
	}
}

/**
 * doctor_check_below() - do guards' interfaces leave frames to those below?
 * @doctor: the examination
 */
void doctor_check_below(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->guard_count; i++) {
		const struct guarded *guard = &doctor->guards[i];

		for (size_t j = 0; j < doctor->link_count; j++) {
			const struct link *link = &doctor->links[j];
			int vlan;

			if (!link->whole &&
			    doctor_stands_on(doctor, guard, link, &vlan))
				find_below(doctor, guard, link);
		}
	}
}

/* Does a guard stand on a port of a bond, or on what is on the port? */
static bool on_port(const struct doctor *doctor, const struct guarded *guard,
		    const struct link *bond, int *vlan)
{
	const struct link *link = guard->link;

	*vlan = guard->vlan ? guard->vlan : VLAN_ANY;
	for (int depth = LINK_DEPTH; link && depth; depth--) {
		if (link->master == bond->index)
			return true;
		*vlan = link->vlan ? link->vlan : *vlan;
		link = doctor_link(doctor, link->lower);
	}
	return false;
}

static void check_bond(struct doctor *doctor, const struct guarded *guard,
		       const struct link *bond)
{
	struct finding finding = {
		"bond-port-unguarded", SEVERITY_WARNING, "interface",
		bond->name,
	};
	char *names = NULL;
	int vlan;

	if (!on_port(doctor, guard, bond, &vlan) ||
	    doctor_covered(doctor, bond, vlan, LINK_DEPTH))
		return;
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *port = &doctor->links[i];

		if (port->master == bond->index &&
		    !doctor_covered(doctor, port, vlan, LINK_DEPTH))
			names = doctor_join(names, port->name);
	}
	if (names)
		doctor_find(doctor, &finding,
			    cli_format("What guard \"%s\" judges of one port comes in by %s as well, and no guard judges it there, so its cameras may talk to anyone.",
				       guard->name, names),
			    "Put the guard on the bond or team, not on its ports.");
	free(names);
}

/**
 * doctor_check_bonds() - do guards on ports of a bond judge all ports of it?
 * @doctor: the examination
 *
 * What comes in by which port is up to the other end, and changes.
 */
void doctor_check_bonds(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *bond = &doctor->links[i];

		if (strcmp(bond->kind, "bond") != 0 &&
		    strcmp(bond->kind, "team") != 0)
			continue;
		for (size_t j = 0; j < doctor->guard_count; j++)
			check_bond(doctor, &doctor->guards[j], bond);
	}
}
