/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading answers: a field that is absent or of another kind reads as nothing.
 *
 * The daemon may be older or newer than lenscapctl, so no field is relied on.
 * Each @path is a key, or keys joined by dots.
 */
#ifndef LENSCAP_CLI_FIELDS_H
#define LENSCAP_CLI_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

json_t *field(const json_t *object, const char *path);
/* "" if there is none. */
const char *field_str(const json_t *object, const char *path);
/* 0 if there is none. */
json_int_t field_int(const json_t *object, const char *path);
/* Seconds since the epoch of an ISO-8601 time; -1 if there is none. */
double field_time(const json_t *object, const char *path);

#endif /* LENSCAP_CLI_FIELDS_H */
