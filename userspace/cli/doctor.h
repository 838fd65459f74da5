/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lenscapctl doctor: what its checks share.
 */
#ifndef LENSCAP_CLI_DOCTOR_H
#define LENSCAP_CLI_DOCTOR_H

#include "cli.h"

#define LINK_DEPTH	8	/* interfaces on interfaces, as in the kernel */

enum severity {
	SEVERITY_PROBLEM,
	SEVERITY_WARNING,
	SEVERITY_NOTE,
	SEVERITY_COUNT,
};

#define VLAN_COUNT	4096
#define VLAN_SERVICE	VLAN_COUNT	/* added to the id in a tag of 802.1ad */
#define VLAN_TAGS	(2 * VLAN_COUNT)
#define VLAN_ANY	(-1)	/* whichever tag, or none */

/**
 * struct bridged - an interface as a bridge, or as a port of one
 * @filters: a bridge that tells VLANs of 802.1Q apart
 * @isolated: a port from which nothing gets to others that are isolated
 * @hairpin: a port by which frames go out as they came in
 * @stp: a bridge that takes part in the spanning tree protocol
 * @calls: a bridge that has netfilter's IP hooks look at what it passes
 * @pvid: VLAN of frames without a tag, 0 if they do not get in
 * @vlans: those that get in and out, a bit for each; of a bridge: that get up
 *	to it. They say nothing unless the bridge tells VLANs apart.
 */
struct bridged {
	bool filters;
	bool isolated;
	bool hairpin;
	bool stp;
	bool calls;
	int pvid;
	unsigned char vlans[VLAN_COUNT / 8];
};

/**
 * struct link - an interface of this network namespace
 * @index: its index
 * @name: its name
 * @kind: what it is, "" for hardware
 * @lower: index of the interface that it stands on here, 0 for none
 * @master: index of the bridge, bond, HSR ring or the like that it is a port of,
 *	0 for none
 * @vlan: the tag of a VLAN device, else 0: a VLAN id, with VLAN_SERVICE if it
 *	is one of 802.1ad
 * @whole: it takes all frames that come in below it without a tag
 * @bridged: what a bridge does with it
 * @address: it has an address that is not of the link only
 * @xdp: an XDP program is attached
 * @guard: name of a guard whose frames come through it, NULL for none
 * @trunk: a guard tells VLANs apart on it
 * @way: frames of a guard come by it, and others that the guard does not see
 * @port: a port by which frames come to a guard above its bridge, bond or the like
 */
struct link {
	int index;
	char name[16];
	char kind[16];
	int lower;
	int master;
	int vlan;
	bool whole;
	struct bridged bridged;
	bool address;
	bool xdp;
	const char *guard;
	bool trunk;
	bool way;
	bool port;
};

/**
 * struct guarded - a guard, and the interface that it stands on
 * @name: its name
 * @link: the interface
 * @vlan: its VLAN id, 0 for none: tags of 802.1Q only
 */
struct guarded {
	const char *name;
	struct link *link;
	int vlan;
};

/**
 * struct doctor - one examination
 * @cli: the command line
 * @status: what the daemon answers to "status", NULL if it does not
 * @links: the interfaces
 * @link_count: how many
 * @xdp_known: the kernel told about XDP programs
 * @bridges_error: why it did not tell what bridges pass, 0 if it did
 * @guards: guards whose interface is here
 * @guard_count: how many
 * @findings: an array of what was found
 * @unchecked: an array of what could not be checked
 * @counts: findings of each severity
 */
struct doctor {
	const struct cli *cli;
	json_t *status;
	struct link *links;
	size_t link_count;
	bool xdp_known;
	int bridges_error;
	struct guarded *guards;
	size_t guard_count;
	json_t *findings;
	json_t *unchecked;
	size_t counts[SEVERITY_COUNT];
};

/**
 * struct finding - what is said of one thing
 * @name: short and stable, for programs
 * @severity: how bad it is
 * @kind: what the object is: guard, interface, ...
 * @object: its name
 */
struct finding {
	const char *name;
	enum severity severity;
	const char *kind;
	const char *object;
};

/**
 * doctor_find() - note a finding
 * @doctor: the examination
 * @finding: its name, severity and object
 * @risk: one sentence that says the risk; it is freed
 * @fix: one sentence that says what to do
 */
void doctor_find(struct doctor *doctor, const struct finding *finding,
		 char *risk, const char *fix);

/**
 * doctor_unchecked() - note that something could not be checked
 * @doctor: the examination
 * @name: the finding that there might be
 * @object: what was not looked at
 * @why: what stood in the way; it is freed
 */
void doctor_unchecked(struct doctor *doctor, const char *name,
		      const char *object, char *why);

/**
 * doctor_ask() - ask the daemon
 * @doctor: the examination
 * @command: a command that takes nothing
 * @answer: the answer, a new reference; NULL unless 0 is returned
 *
 * Return: 0, or a negative errno.
 */
int doctor_ask(const struct doctor *doctor, const char *command,
	       json_t **answer);

/* Whether the gateway forwards a family: a word of the kernel's. IPv6 is not forwarded
 * by interface: the kernel does it between all, or not at all.
 */
#define DOCTOR_FORWARDING4	"/proc/sys/net/ipv4/ip_forward"
#define DOCTOR_FORWARDING6	"/proc/sys/net/ipv6/conf/all/forwarding"

/**
 * doctor_is_on() - does the gateway forward a family?
 * @path: where the kernel says so
 *
 * Return: 1, 0 (also if the kernel has no such family), or a negative errno.
 */
int doctor_is_on(const char *path);

/**
 * doctor_routes() - is what comes in by an interface routed?
 * @link: the interface, which needs no address for that
 *
 * Return: whether it is, also if that is not known.
 */
bool doctor_routes(const struct link *link);

/* Joins names with ", "; to be freed. */
char *doctor_join(char *list, const char *name);

/* Reads the interfaces and finds the guards' among them. */
bool doctor_links(struct doctor *doctor);
void doctor_links_free(struct doctor *doctor);
struct link *doctor_link(const struct doctor *doctor, int index);
struct link *doctor_named(const struct doctor *doctor, const char *name);
bool doctor_is_ring(const struct link *link);

/* What bridges pass, and to where. */
bool doctor_is_bridge(const struct link *link);
char *doctor_open_ports(const struct doctor *doctor, const struct link *bridge,
			int vlan, bool passes);
int doctor_read_bridges(struct doctor *doctor);
bool doctor_bridge_passes(const struct doctor *doctor, const struct link *port,
			  int vlan);
bool doctor_bridge_takes(const struct link *bridge, const struct link *port,
			 int vlan);

/* How interfaces stand on each other, and where guards are. */
bool doctor_covered(const struct doctor *doctor, const struct link *link,
		    int vlan, int depth);
bool doctor_stands_on(const struct doctor *doctor, const struct guarded *guard,
		      const struct link *on, int *vlan);

/* The checks. */
void doctor_check_module(struct doctor *doctor);
void doctor_check_gateway(struct doctor *doctor);
void doctor_check_guards(struct doctor *doctor);
void doctor_check_names(struct doctor *doctor);
void doctor_check_senders(struct doctor *doctor);
void doctor_check_nat(struct doctor *doctor);
void doctor_check_policy(struct doctor *doctor);
void doctor_check_age(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor);
void doctor_check_xdp(struct doctor *doctor);
void doctor_check_tc(struct doctor *doctor);
void doctor_check_tcx(struct doctor *doctor);
void doctor_check_feature(struct doctor *doctor);
void doctor_check_flowtable(struct doctor *doctor);
void doctor_check_hooks(struct doctor *doctor);
void doctor_check_sockets(struct doctor *doctor);
void doctor_check_trunks(struct doctor *doctor);
void doctor_check_below(struct doctor *doctor);
void doctor_check_bonds(struct doctor *doctor);
void doctor_check_bridges(struct doctor *doctor);
void doctor_check_ahead(struct doctor *doctor);
void doctor_check_routes(struct doctor *doctor);
void doctor_check_mpls(struct doctor *doctor);
void doctor_check_ipv6(struct doctor *doctor);
void doctor_check_interlock(struct doctor *doctor);
void doctor_check_tag(struct doctor *doctor);

#endif /* LENSCAP_CLI_DOCTOR_H */
