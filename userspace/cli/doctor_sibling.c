// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: ways in beside a guard, where a camera could be moved to.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/* The interface on which a guard tells VLANs apart; NULL if it does not. */
static struct link *trunk_of(const struct doctor *doctor,
			     const struct guarded *guard)
{
	if (guard->vlan)
		return guard->link;
	if (guard->link->vlan)
		return doctor_link(doctor, guard->link->lower);
	return NULL;
}

/* Does a guard judge frames of this VLAN of a trunk? 0 is: without a tag. */
static bool judged(const struct doctor *doctor, const struct link *trunk,
		   int vlan)
{
	for (size_t i = 0; i < doctor->guard_count; i++) {
		const struct guarded *guard = &doctor->guards[i];

		/* Without a VLAN it judges all that no other guard names. */
		if (guard->link == trunk &&
		    (!guard->vlan || guard->vlan == vlan))
			return true;
		if (vlan && !guard->vlan && guard->link->vlan == vlan &&
		    guard->link->lower == trunk->index)
			return true;
	}
	return false;
}

static void check_vlans(struct doctor *doctor, const struct link *trunk)
{
	struct finding finding = {
		"vlan-unguarded", SEVERITY_WARNING, "interface", trunk->name,
	};
	char *names = NULL;

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (link->vlan && link->lower == trunk->index &&
		    !judged(doctor, trunk, link->vlan))
			names = doctor_join(names, link->name);
	}
	if (names)
		doctor_find(doctor, &finding,
			    cli_format("No guard judges what comes in by %s, so a camera that gets into such a VLAN may talk to anyone.",
				       names),
			    "Give each VLAN that a camera could reach a guard in gateway.yaml.");
	free(names);
}

/* Routed or bridged it is only if somebody set that up: else it is a note. */
static void check_untagged(struct doctor *doctor, const struct link *trunk)
{
	struct finding finding = {
		"untagged-unguarded", SEVERITY_NOTE, "interface", trunk->name,
	};

	if (judged(doctor, trunk, 0))
		return;
	if (trunk->address || trunk->master)
		finding.severity = SEVERITY_WARNING;
	doctor_find(doctor, &finding,
		    cli_format("No guard judges frames without a VLAN tag on %s, so a camera that sends such may talk to anyone that they reach.",
			       trunk->name),
		    "Have the switch refuse frames without a tag, or add a guard without \"vlan\" on the interface, which judges all that no other guard there names.");
}

/**
 * doctor_check_trunks() - is all that comes in by a guard's trunk judged?
 * @doctor: the examination
 */
void doctor_check_trunks(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->guard_count; i++) {
		const struct link *trunk = trunk_of(doctor, &doctor->guards[i]);
		bool seen = !trunk;

		for (size_t j = 0; j < i && !seen; j++)
			seen = trunk == trunk_of(doctor, &doctor->guards[j]);
		if (seen)
			continue;
		check_vlans(doctor, trunk);
		check_untagged(doctor, trunk);
	}
}

static bool guard_on(const struct doctor *doctor, const struct link *link)
{
	for (size_t i = 0; i < doctor->guard_count; i++) {
		if (doctor->guards[i].link == link)
			return true;
	}
	return false;
}

static void check_bridge(struct doctor *doctor, const struct link *bridge,
			 bool port_guarded)
{
	struct finding finding = {
		.kind = "interface", .object = bridge->name,
	};
	char *names = NULL;

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (link->master == bridge->index && !guard_on(doctor, link))
			names = doctor_join(names, link->name);
	}
	if (names && guard_on(doctor, bridge)) {
		finding.name = "guard-on-bridge";
		finding.severity = SEVERITY_WARNING;
		doctor_find(doctor, &finding,
			    cli_format("The bridge passes frames between its ports without the guard seeing them, and %s have no guard of their own.",
				       names),
			    "Put guards on the ports that lead to cameras.");
	} else if (names && port_guarded) {
		finding.name = "bridge-port-unguarded";
		finding.severity = SEVERITY_NOTE;
		doctor_find(doctor, &finding,
			    cli_format("No guard judges what comes in by the ports %s of the bridge, so a camera that is moved there may talk to anyone.",
				       names),
			    "Give each port that a camera could reach a guard in gateway.yaml.");
	}
	free(names);
}

/**
 * doctor_check_bridges() - are all ports of a guarded bridge guarded?
 * @doctor: the examination
 */
void doctor_check_bridges(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *bridge = &doctor->links[i];
		bool guarded = false;

		if (strcmp(bridge->kind, "bridge") != 0)
			continue;
		for (size_t j = 0; j < doctor->guard_count; j++)
			guarded = guarded || doctor->guards[j].link->master ==
						     bridge->index;
		check_bridge(doctor, bridge, guarded);
	}
}
