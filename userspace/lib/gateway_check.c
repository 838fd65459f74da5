// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the fleet's policy fit this gateway's facts?
 */
#include <stdio.h>
#include <string.h>

#include <linux/lenscap.h>

#include "gateway.h"
#include "index.h"
#include "suggest.h"
#include "text.h"

static const struct gateway_guard *find_guard(const struct gateway *gateway,
					      const char *name)
{
	for (size_t i = 0; i < gateway->nguards; i++) {
		if (!strcmp(gateway->guards[i].name, name))
			return &gateway->guards[i];
	}
	return NULL;
}

static void check_classes(const struct gateway *gateway,
			  const struct policy *policy, struct diag *diag)
{
	for (size_t i = 0; i < policy->nprofiles; i++) {
		const struct policy_profile *profile = &policy->profiles[i];

		if (profile->class & ~gateway->class_mask)
			diag_error(diag, NULL, 0, 0,
				   "profile \"%s\": class %u does not fit this gateway's class_mask 0x%08x, which allows 0 to %u",
				   profile->name, profile->class,
				   gateway->class_mask, gateway->class_mask);
	}
}

static bool has_identity(const struct gateway *gateway, uint8_t identity)
{
	for (size_t i = 0; i < gateway->nguards; i++) {
		if (gateway->guards[i].identity == identity)
			return true;
	}
	return false;
}

/* Policies are for many gateways, so a guard of another one is no error. Each
 * is named once, with the first of its devices.
 */
static void unknown_guard(const struct gateway *gateway,
			  const struct policy_device *device,
			  struct index *seen, struct diag *diag)
{
	struct suggest suggest = { .word = device->guard };
	char text[SUGGEST_TEXT];

	if (!index_add(seen, device->guard, strlen(device->guard), 0, NULL))
		return;
	for (size_t i = 0; i < gateway->nguards; i++)
		suggest_offer(&suggest, gateway->guards[i].name);
	diag_warning(diag, NULL, 0, 0,
		     "device \"%s\": this gateway has no guard \"%s\"%s",
		     device->name, device->guard, suggest_text(&suggest, text));
}

static void check_device(const struct gateway *gateway,
			 const struct policy_device *device,
			 struct index *seen, struct diag *diag)
{
	uint8_t identity = device->has_mac ? LENSCAP_IDENTITY_MAC :
			   LENSCAP_IDENTITY_IP;
	const struct gateway_guard *guard = NULL;

	if (device->guard) {
		guard = find_guard(gateway, device->guard);
		if (!guard) {
			unknown_guard(gateway, device, seen, diag);
			return;
		}
		if (guard->identity == identity)
			return;
		diag_warning(diag, NULL, 0, 0,
			     device->has_mac ?
			     "device \"%s\" has a MAC, but guard \"%s\" recognises devices by address (identity ip): leave the MAC out" :
			     "device \"%s\" has no MAC, but guard \"%s\" recognises devices by MAC: give its MAC",
			     device->name, guard->name);
	} else if (gateway->nguards && !has_identity(gateway, identity)) {
		diag_warning(diag, NULL, 0, 0,
			     device->has_mac ?
			     "device \"%s\" has a MAC, but every guard here recognises devices by address (identity ip)" :
			     "device \"%s\" has no MAC, but every guard here recognises devices by MAC",
			     device->name);
	}
}

int gateway_check_policy(const struct gateway *gateway,
			 const struct policy *policy, struct diag *diag)
{
	struct index seen = { 0 };
	size_t before = diag->errors;

	check_classes(gateway, policy, diag);
	for (size_t i = 0; i < policy->ndevices; i++)
		check_device(gateway, &policy->devices[i], &seen, diag);
	index_free(&seen);
	return diag->errors == before ? 0 : -1;
}
