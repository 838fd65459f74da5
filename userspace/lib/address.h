/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses, prefixes, MACs and rules: text to structure and back.
 */
#ifndef LENSCAP_ADDRESS_H
#define LENSCAP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

#define PREFIX_TEXT	64	/* longest IPv6 text, "/128" and the NUL */
#define MAC_TEXT	18
#define RULE_TEXT	160

/* Longest explanation that the parsers below give. */
#define ADDRESS_ERROR	256

bool prefix_parse(const char *text, struct policy_prefix *prefix,
		  char error[ADDRESS_ERROR]);
bool mac_parse(const char *text, uint8_t mac[6], char error[ADDRESS_ERROR]);

const char *prefix_format(const struct policy_prefix *prefix,
			  char text[PREFIX_TEXT]);
const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT]);
const char *rule_format(const struct policy_rule *rule, char text[RULE_TEXT]);

bool prefix_from_bytes(const void *bytes, size_t len,
		       struct policy_prefix *prefix);
bool prefix_is_host(const struct policy_prefix *prefix);
int prefix_compare(const struct policy_prefix *a, const struct policy_prefix *b);
bool prefix_contains(const struct policy_prefix *outer,
		     const struct policy_prefix *inner);
const char *prefix_unfit_source(const struct policy_prefix *prefix);
bool text_looks_like_address(const char *text);

#endif /* LENSCAP_ADDRESS_H */
