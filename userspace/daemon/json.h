/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon knows, as JSON; docs/control.md says how.
 */
#ifndef LENSCAPD_JSON_H
#define LENSCAPD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client.h"
#include "diag.h"

char *json_hex(const uint8_t *bytes, size_t len);
bool json_unhex(const char *text, uint8_t *bytes, size_t len);
json_t *json_text(const char *text);
json_t *json_time(uint64_t ms);
json_t *json_number(uint64_t number);
json_t *json_diag(const struct diag *diag);
json_t *json_info(const struct client_info *info);
json_t *json_guard(const struct client_guard *guard, const char *state);
json_t *json_device(const struct client_device *device);
json_t *json_profile(const struct client_profile *profile);
json_t *json_record(const struct client_record *record);

#endif /* LENSCAPD_JSON_H */
