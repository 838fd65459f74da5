/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drop records as events, in the shape of Suricata's EVE.
 */
#ifndef LENSCAPD_EVE_H
#define LENSCAPD_EVE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "annotate.h"
#include "client.h"
#include "gateway.h"
#include "index.h"
#include "policy.h"

/**
 * struct eve - what an event tells beyond its record
 * @gateway: for interfaces, VLANs and the name of this host
 * @policy: the last-known-good policy, for profiles; or NULL
 * @live: the kernel's state when the records were fetched
 * @devices: of @policy, by name
 * @digest: which policy @devices is of
 * @indexed: @devices is of one
 */
struct eve {
	const struct gateway *gateway;
	const struct policy *policy;
	const struct client_info *live;
	struct index devices;
	uint8_t digest[POLICY_DIGEST_LEN];
	bool indexed;
};

json_t *eve_event(struct eve *eve, const struct client_record *record,
		  json_t *hints);
void eve_free(struct eve *eve);
json_t *eve_hints(struct annotate *annotate, const json_t *record);

#endif /* LENSCAPD_EVE_H */
