/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies and gateways as canonical text, to be compared.
 */
#ifndef LENSCAP_TEST_SHOW_H
#define LENSCAP_TEST_SHOW_H

#include "gateway.h"
#include "policy.h"

void show_policy(const struct policy *policy, FILE *out);
void show_gateway(const struct gateway *gateway, FILE *out);

#endif /* LENSCAP_TEST_SHOW_H */
