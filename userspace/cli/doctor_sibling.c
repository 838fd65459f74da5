// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: ways in beside a guard, where a camera could be moved to.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/* A tag of 802.1Q that no guard can name: it stands for all others. */
#define VLAN_OTHER	(VLAN_COUNT - 1)

/*
 * VLANs of a trunk that nobody judges, and those that need not be looked at
 * any more: a VLAN device takes its VLAN's frames before what is above it.
 */
struct vlans {
	const struct link *trunk;
	char *names;
	bool bridged;
	bool done[VLAN_TAGS];
};

/* Does it take frames as they are off the interface that it stands on? */
static bool takes_off(const struct link *link)
{
	static const char *const kinds[] = {
		"macvlan", "macvtap", "ipvlan", "ipvtap",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(link->kind, kinds[i]))
			return true;
	}
	return false;
}

/*
 * VLAN devices of @base: the trunk, or what @port of it brings frames to. They
 * stand on it or, like @on, on what takes frames off it.
 */
static void find_devices(const struct doctor *doctor, struct vlans *vlans,
			 const struct link *base, const struct link *port,
			 const struct link *on)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (link->lower != on->index)
			continue;
		/* A trunk and a way are looked at for their own sake. */
		if (takes_off(link) && !link->trunk && !link->way)
			find_devices(doctor, vlans, base, port, link);
		if (!link->vlan)
			continue;
		/* A bridge may keep the VLAN from getting up to the device. */
		if (!doctor_bridge_takes(base, port, link->vlan) ||
		    !doctor_bridge_takes(base, base, link->vlan))
			continue;
		/* What a port brings to a guard above is no way past it. */
		if (!link->port &&
		    !doctor_covered(doctor, vlans->trunk, link->vlan,
				    LINK_DEPTH) &&
		    !doctor_covered(doctor, link, 0, LINK_DEPTH))
			vlans->names = doctor_join(vlans->names, link->name);
		if (on == base && !doctor_is_bridge(base))
			vlans->done[link->vlan] = true;
	}
}

static void add_bridged(struct vlans *vlans, char *text)
{
	vlans->names = doctor_join(vlans->names, text);
	vlans->bridged = true;
	free(text);
}

static void add_range(struct vlans *vlans, const struct link *bridge, int first,
		      int last)
{
	if (first == last)
		add_bridged(vlans, cli_format("VLAN %d of bridge %s", first,
					      bridge->name));
	else
		add_bridged(vlans, cli_format("VLANs %d to %d of bridge %s",
					      first, last, bridge->name));
}

static bool bridged_unjudged(const struct doctor *doctor,
			     const struct vlans *vlans, const struct link *port,
			     int vlan)
{
	return !vlans->done[vlan] && doctor_bridge_passes(doctor, port, vlan) &&
	       !doctor_covered(doctor, vlans->trunk, vlan, LINK_DEPTH);
}

/* What a bridge passes from @port, where the trunk's frames come, to others. */
static void find_bridged(const struct doctor *doctor, struct vlans *vlans,
			 const struct link *bridge, const struct link *port)
{
	int first = 0;

	if (!bridge->bridged.filters) {
		if (bridged_unjudged(doctor, vlans, port, VLAN_OTHER))
			add_bridged(vlans,
				    cli_format("any other VLAN of bridge %s",
					       bridge->name));
		return;
	}
	/* Of what a guard above the bridge judges, guard-on-bridge tells. */
	for (size_t i = 0; i < doctor->guard_count; i++) {
		int vlan;

		if (doctor_stands_on(doctor, &doctor->guards[i], bridge,
				     &vlan) && vlan > 0)
			vlans->done[vlan] = true;
	}
	/* The last has no frames, and ends what is open. */
	for (int vlan = 1; vlan <= VLAN_OTHER; vlan++) {
		if (bridged_unjudged(doctor, vlans, port, vlan)) {
			first = first ? first : vlan;
		} else if (first) {
			add_range(vlans, bridge, first, vlan - 1);
			first = 0;
		}
	}
}

static void check_vlans(struct doctor *doctor, const struct link *trunk)
{
	struct finding finding = {
		"vlan-unguarded", SEVERITY_WARNING, "interface", trunk->name,
	};
	struct vlans vlans = { .trunk = trunk };
	const struct link *port = trunk, *base = trunk;

	for (int depth = LINK_DEPTH; base && depth; depth--) {
		if (doctor_is_bridge(base) && port != base)
			find_bridged(doctor, &vlans, base, port);
		/* A bridge to which the trunk is but a way is a trunk itself. */
		if (!doctor_is_bridge(base) || port == base || trunk->trunk)
			find_devices(doctor, &vlans, base, port, base);
		port = base;
		base = trunk->trunk || trunk->way ?
			       doctor_link(doctor, base->master) : NULL;
	}
	if (vlans.names)
		doctor_find(doctor, &finding,
			    cli_format("No guard judges what comes in by %s, so a camera that gets into such a VLAN may talk to anyone.",
				       vlans.names),
			    vlans.bridged ?
			    "Give each VLAN that a camera could reach a guard in gateway.yaml, or keep the bridge from passing it (vlan_filtering, \"bridge vlan del\")." :
			    "Give each VLAN that a camera could reach a guard in gateway.yaml.");
	free(vlans.names);
}

/* Macvlans and the like on the trunk, joined: they are there to be used. */
static char *join_takers(const struct doctor *doctor, const struct link *trunk)
{
	char *names = NULL;

	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (link->lower == trunk->index && takes_off(link) &&
		    !doctor_covered(doctor, link, 0, LINK_DEPTH))
			names = doctor_join(names, link->name);
	}
	return names;
}

/* Routed or bridged it is only if somebody set that up: else it is a note. */
static void check_untagged(struct doctor *doctor, const struct link *trunk)
{
	const struct link *master = doctor_link(doctor, trunk->master);
	struct finding finding = {
		"untagged-unguarded", SEVERITY_NOTE, "interface", trunk->name,
	};
	char *takers;

	if (doctor_covered(doctor, trunk, 0, LINK_DEPTH))
		return;
	takers = join_takers(doctor, trunk);
	if (takers || trunk->address || (!master && doctor_routes(trunk)) ||
	    (master && doctor_bridge_takes(master, trunk, 0)))
		finding.severity = SEVERITY_WARNING;
	doctor_find(doctor, &finding,
		    cli_format("No guard judges frames without a VLAN tag on %s%s%s, so a camera that sends such may talk to anyone that they reach.",
			       trunk->name,
			       takers ? ", nor those that it leaves to " : "",
			       takers ? takers : ""),
		    "Have the switch refuse frames without a tag, or add a guard without \"vlan\" on the interface, which judges all that no other guard there names.");
	free(takers);
}

/*
 * Ports by which frames come to a guard above. A VLAN device on one takes its
 * own before the guard's bridge or bond has them; of a bridge that tells VLANs
 * apart, others may go elsewhere as well.
 */
static void mark_ports(const struct doctor *doctor, const struct link *master,
		       int vlan)
{
	bool apart = doctor_is_bridge(master) && master->bridged.filters &&
		     vlan > 0;

	for (size_t i = 0; i < doctor->link_count; i++) {
		struct link *port = &doctor->links[i];

		if (port->master != master->index ||
		    (apart && !doctor_bridge_takes(master, port, vlan)))
			continue;
		port->port = true;
		port->way = port->way || apart;
	}
}

static void mark_trunks(const struct doctor *doctor,
			const struct guarded *guard)
{
	if (guard->vlan)
		guard->link->trunk = true;
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];
		struct link *lower = doctor_link(doctor, link->lower);
		int vlan;

		if (!doctor_stands_on(doctor, guard, link, &vlan))
			continue;
		if (lower && link->vlan)
			lower->trunk = true;
		else if (lower)
			lower->way = true;
		mark_ports(doctor, link, vlan);
	}
}

/**
 * doctor_check_trunks() - is all that comes in by a guard's trunk judged?
 * @doctor: the examination
 */
void doctor_check_trunks(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->guard_count; i++)
		mark_trunks(doctor, &doctor->guards[i]);
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (link->trunk || link->way || link->port)
			check_vlans(doctor, link);
		if (link->trunk)
			check_untagged(doctor, link);
	}
}
