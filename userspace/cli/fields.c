// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading answers whose shape is not relied on.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fields.h"

json_t *field(const json_t *object, const char *path)
{
	const json_t *value = object;

	while (value && *path) {
		size_t len = strcspn(path, ".");

		value = json_object_getn(value, path, len);
		path += len + (path[len] == '.');
	}
	return (json_t *)value;
}

const char *field_str(const json_t *object, const char *path)
{
	const char *text = json_string_value(field(object, path));

	return text ? text : "";
}

json_int_t field_int(const json_t *object, const char *path)
{
	return json_integer_value(field(object, path));
}

double field_time(const json_t *object, const char *path)
{
	const char *text = field_str(object, path);
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = 0;

	if (!rest)
		return -1;
	if (*rest == '.') {
		char *end;

		fraction = strtod(rest, &end);
		rest = end;
	}
	if (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0)
		return -1;
	return (double)timegm(&tm) + fraction;
}
