/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hints about MAC addresses and destinations. They never decide anything:
 * white-labelled cameras hide their maker, and addresses move.
 */
#ifndef LENSCAP_ANNOTATE_H
#define LENSCAP_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "gateway_events.h"
#include "vendor.h"

struct annotate;

/**
 * struct mac_hint - what is said of a MAC address
 * @local: it was made up (random, or set by hand): it tells no maker
 * @vendor: whose it is in the lists of the IEEE, or NULL
 * @date: the day of the list, or empty; with @vendor
 *
 * Texts live until the next annotate_load(), annotate_configure() or
 * annotate_free().
 */
struct mac_hint {
	bool local;
	const char *vendor;
	const char *date;
};

/**
 * struct address_hint - what is said of an IP address
 * @country: code of two letters, or empty
 * @organization: who runs the network, or empty
 * @asn: its number, or 0
 * @country_date: the day of the database that says so; with @country
 * @asn_date: the same; with @asn
 */
struct address_hint {
	char country[8];
	char organization[80];
	uint32_t asn;
	char country_date[HINT_DATE];
	char asn_date[HINT_DATE];
};

struct annotate *annotate_new(void);
void annotate_configure(struct annotate *annotate,
			const struct gateway_annotations *config);
void annotate_reload(struct annotate *annotate);
void annotate_load(struct annotate *annotate, struct diag *diag);
bool annotate_mac(const struct annotate *annotate, const uint8_t mac[6],
		  struct mac_hint *hint);
bool annotate_address(struct annotate *annotate, const uint8_t *address,
		      size_t len, struct address_hint *hint);
void annotate_free(struct annotate *annotate);

#endif /* LENSCAP_ANNOTATE_H */
