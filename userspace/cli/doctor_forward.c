// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: what is forwarded that no policy speaks of: IPv6, and MPLS.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "fields.h"

int doctor_is_on(const char *path)
{
	FILE *file = fopen(path, "re");
	int first;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	first = fgetc(file);
	fclose(file);
	return first == EOF ? -EIO : first != '0';
}

bool doctor_routes(const struct link *link)
{
	bool routed = false;

	for (int version = 4; version <= 6; version += 2) {
		char *path = cli_format("/proc/sys/net/ipv%d/conf/%s/forwarding",
					version, link->name);

		/* Not to know is no reason to be calm. */
		if (doctor_is_on(path) != 0)
			routed = true;
		free(path);
	}
	return routed;
}

static bool takes_labels(const struct link *link)
{
	char *path = cli_format("/proc/sys/net/mpls/conf/%s/input", link->name);
	int taken = doctor_is_on(path);

	free(path);
	return taken != 0;
}

/**
 * doctor_check_mpls() - is MPLS forwarded that comes in where no guard is?
 * @doctor: the examination
 *
 * A guard drops it; no chain of the interlock sees the packet in it.
 */
void doctor_check_mpls(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];
		struct finding finding = {
			"mpls-unguarded", SEVERITY_WARNING, "interface",
			link->name,
		};

		if (doctor->guard_count && takes_labels(link) &&
		    !doctor_covered(doctor, link, 0, LINK_DEPTH))
			doctor_find(doctor, &finding,
				    cli_format("MPLS that comes in by %s is forwarded, no guard judges it there and the interlock does not see what is in it, so a camera that is moved there may talk to anyone that labels lead to.",
					       link->name),
				    "Turn it off (sysctl net.mpls.conf.INTERFACE.input=0), or give the interface a guard in gateway.yaml, which drops MPLS.");
	}
}

static bool rules_name_ipv6(const json_t *answer)
{
	json_t *profile, *rule;
	size_t i, j;

	json_array_foreach(field(answer, "profiles"), i, profile) {
		json_array_foreach(field(profile, "rules"), j, rule) {
			if (strchr(field_str(rule, "peer"), ':'))
				return true;
		}
	}
	return false;
}

static bool devices_have_ipv6(const json_t *answer)
{
	json_t *device, *address;
	size_t i, j;

	json_array_foreach(field(answer, "devices"), i, device) {
		json_array_foreach(field(device, "addresses"), j, address) {
			const char *text = json_string_value(address);

			if (text && strchr(text, ':'))
				return true;
		}
	}
	return false;
}

/* 1 if the live policy names an IPv6 address, 0 if not, or a negative errno. */
static int policy_names_ipv6(const struct doctor *doctor)
{
	json_t *answer;
	int error = doctor_ask(doctor, "devices", &answer);
	bool named;

	if (error)
		return error;
	named = devices_have_ipv6(answer);
	json_decref(answer);
	if (named)
		return 1;
	error = doctor_ask(doctor, "profiles", &answer);
	if (error)
		return error;
	named = rules_name_ipv6(answer);
	json_decref(answer);
	return named;
}

/**
 * doctor_check_ipv6() - is IPv6 forwarded that the policy does not speak of?
 * @doctor: the examination
 */
void doctor_check_ipv6(struct doctor *doctor)
{
	static const struct finding finding = {
		"ipv6-forwarding", SEVERITY_NOTE, "gateway", "ipv6",
	};
	int forwards = doctor_is_on(DOCTOR_FORWARDING6);
	int named = 0;

	if (forwards && !json_is_object(field(doctor->status, "module"))) {
		doctor_unchecked(doctor, "ipv6-forwarding", "gateway",
				 cli_format("the module is not loaded"));
		return;
	}
	if (!forwards || !field_int(doctor->status, "module.generation"))
		return;
	if (forwards > 0)
		named = policy_names_ipv6(doctor);
	if (forwards < 0 || named < 0) {
		doctor_unchecked(doctor, "ipv6-forwarding", "gateway",
				 cli_format(forwards < 0 ?
					    "%s could not be read" :
					    "%s is on, but the daemon did not list the policy",
					    DOCTOR_FORWARDING6));
		return;
	}
	if (!named)
		doctor_find(doctor, &finding,
			    cli_format("IPv6 is forwarded but the live policy names none, so guards drop that of cameras while other interfaces route it."),
			    "If no IPv6 is needed, turn forwarding off: sysctl net.ipv6.conf.all.forwarding=0.");
}
