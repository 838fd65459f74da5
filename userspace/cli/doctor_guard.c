// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: module, guards, policy, and the clock that dates them.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "fields.h"

#define YEAR_2025	1735689600	/* no gateway with this program is older */
#define DAY		86400
#define SKEW		60	/* kernel and daemon round times differently */

/**
 * doctor_check_module() - is the module there?
 * @doctor: the examination
 *
 * Without a daemon, /sys tells; the daemon may also run where /sys is another.
 */
void doctor_check_module(struct doctor *doctor)
{
	static const struct finding finding = {
		"no-module", SEVERITY_PROBLEM, "module", "lenscap",
	};

	if (doctor->status ? json_is_object(field(doctor->status, "module")) :
			     !access(CLI_MODULE, F_OK))
		return;
	doctor_find(doctor, &finding,
		    cli_format("The kernel module is not loaded, so nothing is judged and cameras may talk to anyone."),
		    "Load it with \"modprobe lenscap\".");
}

/* What only the module knows is not checked without it. */
static bool module_there(struct doctor *doctor, const char *name,
			 const char *object)
{
	if (json_is_object(field(doctor->status, "module")))
		return true;
	doctor_unchecked(doctor, name, object,
			 cli_format("the module is not loaded"));
	return false;
}

static const char *arm_hint(const char *state)
{
	if (!strcmp(state, "disarmed"))
		return "Arm it with \"lenscapctl arm\".";
	if (!strcmp(state, "waiting"))
		return "Create the interface, or correct its name in gateway.yaml.";
	return "See the kernel log for the cause, and repair the interface or the guard in gateway.yaml.";
}

static void check_guard(struct doctor *doctor, const json_t *guard)
{
	const char *state = field_str(guard, "state");
	struct finding finding = {
		.kind = "guard", .object = field_str(guard, "name"),
	};

	if (strcmp(state, "armed") != 0) {
		finding.name = "guard-not-armed";
		finding.severity = SEVERITY_PROBLEM;
		doctor_find(doctor, &finding,
			    cli_format("The guard on interface %s is %s, so nothing is judged there.",
				       field_str(guard, "interface"), state),
			    arm_hint(state));
	} else if (!strcmp(field_str(guard, "mode"), "audit")) {
		finding.name = "guard-audit";
		finding.severity = SEVERITY_NOTE;
		doctor_find(doctor, &finding,
			    cli_format("The guard on interface %s is in audit mode, so what it reports passes.",
				       field_str(guard, "interface")),
			    "Remove \"mode: audit\" from the guard in gateway.yaml when only what should be dropped is reported.");
	}
}

/**
 * doctor_check_guards() - are there guards, and are they armed?
 * @doctor: the examination
 */
void doctor_check_guards(struct doctor *doctor)
{
	static const struct finding finding = {
		"no-guard", SEVERITY_PROBLEM, "gateway", "gateway.yaml",
	};
	const json_t *guards = field(doctor->status, "guards");
	json_t *guard;
	size_t i;

	/* Without the module the daemon names none. */
	if (!module_there(doctor, "no-guard", "guards")) {
		module_there(doctor, "guard-not-armed", "guards");
		module_there(doctor, "guard-audit", "guards");
		return;
	}
	if (!json_array_size(guards)) {
		doctor_find(doctor, &finding,
			    cli_format("No guard is configured, so nothing is judged."),
			    "Name the interfaces that lead to cameras under \"guards\" in gateway.yaml.");
		return;
	}
	json_array_foreach(guards, i, guard)
		check_guard(doctor, guard);
}

static void check_name(struct doctor *doctor, const json_t *guard)
{
	const char *now = field_str(guard, "interface");
	const char *before = field_str(guard, "configured");
	int vlan = (int)field_int(guard, "vlan");
	const struct link *other = doctor_named(doctor, before);
	struct finding finding = {
		"guard-renamed", SEVERITY_NOTE, "guard",
		field_str(guard, "name"),
	};

	if (!*before || !strcmp(now, before))
		return;
	if (!other || doctor_covered(doctor, other, vlan, LINK_DEPTH)) {
		doctor_find(doctor, &finding,
			    cli_format("The guard stays on interface %s, which gateway.yaml calls %s, and leaves it when it is set anew.",
				       now, before),
			    "Give gateway.yaml the new name, then run \"lenscapctl reload\".");
		return;
	}
	finding.severity = SEVERITY_WARNING;
	doctor_find(doctor, &finding,
		    cli_format("The guard stays on interface %s, which was called %s, and no guard judges what comes in by the one that has this name now, so a camera there may talk to anyone.",
			       now, before),
		    "Give the interfaces their names back, or gateway.yaml the new ones and each that leads to cameras a guard, then run \"lenscapctl reload\".");
}

/**
 * doctor_check_names() - are guards on the interfaces that gateway.yaml names?
 * @doctor: the examination
 *
 * A guard follows its interface when that gets another name.
 */
void doctor_check_names(struct doctor *doctor)
{
	json_t *guard;
	size_t i;

	json_array_foreach(field(doctor->status, "guards"), i, guard)
		check_name(doctor, guard);
}

/**
 * doctor_check_senders() - do guards stand where something on this machine sends?
 * @doctor: the examination
 *
 * Who holds the other end of a veth decides what the socket buffers say, not only
 * what is on the wire: with tc_skip_classify the kernel skips ingress
 * (__netif_receive_skb_core(), net/core/dev.c).
 */
void doctor_check_senders(struct doctor *doctor)
{
	json_t *guard;
	size_t i;

	json_array_foreach(field(doctor->status, "guards"), i, guard) {
		const struct link *link =
			doctor_named(doctor, field_str(guard, "interface"));
		struct finding finding = {
			"guard-on-veth", SEVERITY_NOTE, "guard",
			field_str(guard, "name"),
		};

		if (link && !strcmp(link->kind, "veth"))
			doctor_find(doctor, &finding,
				    cli_format("The guard stands on %s, a veth: who sends there is on this machine, and can mark frames so that the kernel skips the guard.",
					       link->name),
				    "Give whoever must not be trusted no network namespace with a guarded veth, or guard a VLAN device above it.");
	}
}

/**
 * doctor_check_gateway() - is gateway.yaml in effect?
 * @doctor: the examination
 */
void doctor_check_gateway(struct doctor *doctor)
{
	static const struct finding finding = {
		"gateway-last-good", SEVERITY_WARNING, "gateway",
		"gateway.yaml",
	};
	const json_t *copy = field(doctor->status, "daemon.config_last_good");

	if (!json_is_object(copy))
		return;
	doctor_find(doctor, &finding,
		    cli_format("The file could not be used when the daemon started (%s), so that its last good copy is in effect, and nothing that was changed since.",
			       field_str(copy, "error")),
		    "Mend it until \"lenscapctl check\" finds nothing, then run \"lenscapctl reload\".");
}

/**
 * doctor_check_policy() - is a policy loaded?
 * @doctor: the examination
 */
void doctor_check_policy(struct doctor *doctor)
{
	static const struct finding finding = {
		"no-policy", SEVERITY_PROBLEM, "module", "lenscap",
	};

	if (!module_there(doctor, "no-policy", "policy") ||
	    field_int(doctor->status, "module.generation"))
		return;
	doctor_find(doctor, &finding,
		    cli_format("No policy is loaded, so guards that enforce drop everything and those in audit mode pass everything."),
		    "Load one with \"lenscapctl apply FILE\".");
}

/**
 * doctor_check_clock() - is the clock set?
 * @doctor: the examination
 */
void doctor_check_clock(struct doctor *doctor)
{
	static const struct finding finding = {
		"clock-unset", SEVERITY_WARNING, "gateway", "clock",
	};

	if (time(NULL) >= YEAR_2025)
		return;
	doctor_find(doctor, &finding,
		    cli_format("The clock shows a time before 2025, so the times of drop records prove nothing."),
		    "Set the clock, and have it kept by a time server.");
}

/**
 * doctor_check_age() - is the live policy older than --max-age?
 * @doctor: the examination
 */
void doctor_check_age(struct doctor *doctor)
{
	static const struct finding finding = {
		"policy-old", SEVERITY_WARNING, "module", "lenscap",
	};
	double since = field_time(doctor->status, "module.committed");
	double now = (double)time(NULL);
	json_int_t revision = field_int(doctor->status, "module.revision");

	if (!module_there(doctor, "policy-old", "policy") ||
	    !field_int(doctor->status, "module.generation"))
		return;
	if (since < 0 || since > now + SKEW || now < YEAR_2025) {
		doctor_unchecked(doctor, "policy-old", "policy",
				 cli_format("the clock and the time since when the policy is live do not agree"));
		return;
	}
	if (now - since <= (double)doctor->cli->max_age * DAY)
		return;
	doctor_find(doctor, &finding,
		    cli_format("Revision %" JSON_INTEGER_FORMAT
			       " of the policy has been live for %.0f days, so it may permit what nobody needs any more.",
			       revision, (now - since) / DAY),
		    "Review the policy, raise its revision and apply it.");
}
