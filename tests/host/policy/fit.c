// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy against the gateway that is to load it.
 */
#include <stdlib.h>

#include "../tap.h"
#include "gateway.h"
#include "scratch.h"

static const char gateway_text[] =
	"version: 1\n"
	"tag: { class_mask: 0x3 }\n"
	"guards:\n"
	"  - { name: lan, interface: eth1 }\n"
	"  - { name: far, interface: eth2, identity: ip }\n";

static const char policy_text[] =
	"version: 1\nrevision: 1\n"
	"profiles: { low: { class: 3 }, high: { class: 4 } }\n"
	"devices:\n"
	"  - { name: a, mac: 02:00:00:00:00:01, addresses: 10.0.0.1, profile: low, guard: lan }\n"
	"  - { name: b, mac: 02:00:00:00:00:02, addresses: 10.0.0.2, profile: high, guard: lann }\n"
	"  - { name: c, mac: 02:00:00:00:00:03, addresses: 10.0.0.3, profile: low, guard: lann }\n"
	"  - { name: d, addresses: 10.0.0.4, profile: low, guard: lan }\n"
	"  - { name: e, mac: 02:00:00:00:00:05, addresses: 10.0.0.5, profile: low, guard: far }\n"
	"  - { name: f, addresses: 10.0.0.6, profile: low }\n";

static void judge(const char *guards, const char *policy, const char *want)
{
	struct policy_file file = { "p", (char *)policy, strlen(policy) };
	struct policy_bundle bundle = { &file, 1 };
	struct gateway gateway;
	struct policy parsed;
	struct diag diag = { 0 };
	char *said = NULL;
	size_t len;
	FILE *out;
	int err;

	scratch_enter();
	scratch_text("gateway.yaml", guards);
	CHECK(!gateway_read("gateway.yaml", &gateway, &diag));
	CHECK(!policy_parse(&bundle, &parsed, &diag));
	diag_free(&diag);
	err = gateway_check_policy(&gateway, &parsed, &diag);
	CHECK(!err == !diag.errors);
	out = open_memstream(&said, &len);
	diag_print(&diag, out);
	fclose(out);
	if (strcmp(said, want) != 0)
		FAIL("said: %s", said);
	free(said);
	diag_free(&diag);
	policy_free(&parsed);
	gateway_free(&gateway);
	scratch_leave();
}

TEST(policy_fits_gateway)
{
	judge(gateway_text, policy_text,
	      "profile \"high\": class 4 does not fit this gateway's class_mask 0x00000003, which allows 0 to 3\n"
	      "warning: device \"b\": this gateway has no guard \"lann\" (did you mean \"lan\"?)\n"
	      "warning: device \"d\" has no MAC, but guard \"lan\" recognises devices by MAC: give its MAC\n"
	      "warning: device \"e\" has a MAC, but guard \"far\" recognises devices by address (identity ip): leave the MAC out\n");
	judge("version: 1\nguards: [{ name: lan, interface: eth1 }]\n",
	      "version: 1\nrevision: 1\nprofiles: { low: {} }\n"
	      "devices: [{ name: f, addresses: 10.0.0.6, profile: low }]\n",
	      "warning: device \"f\" has no MAC, but every guard here recognises devices by MAC\n");
}
