// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers and times for people.
 */
#include <stdio.h>
#include <time.h>

#include "human.h"

/*
 * Three digits that mean something. The limits keep 999.95 from being
 * rounded to "1000".
 */
static struct human scaled(double value, double step, const char *const *units)
{
	struct human human;
	size_t unit = 0;
	int digits;

	do {
		value /= step;
		unit++;
	} while (value >= step - 0.5 && units[unit + 1]);
	digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	snprintf(human.text, sizeof(human.text), "%.*f %s", digits, value,
		 units[unit]);
	return human;
}

struct human human_count(json_int_t count)
{
	static const char *const units[] = {
		"", "k", "M", "G", "T", "P", "E", NULL
	};
	struct human human;

	if (count >= 100000)
		return scaled((double)count, 1000, units);
	snprintf(human.text, sizeof(human.text), "%lld", (long long)count);
	return human;
}

struct human human_bytes(json_int_t bytes)
{
	static const char *const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL
	};
	struct human human;

	if (bytes >= 1024)
		return scaled((double)bytes, 1024, units);
	snprintf(human.text, sizeof(human.text), "%lld B", (long long)bytes);
	return human;
}

struct human human_span(double seconds)
{
	struct human human;
	long long whole = seconds > 0 ? (long long)seconds : 0;
	const char *unit = "s";

	if (whole >= 2LL * 24 * 3600) {
		whole /= 24LL * 3600;
		unit = "d";
	} else if (whole >= 2LL * 3600) {
		whole /= 3600;
		unit = "h";
	} else if (whole >= 2LL * 60) {
		whole /= 60;
		unit = "min";
	}
	snprintf(human.text, sizeof(human.text), "%lld %s", whole, unit);
	return human;
}

struct human human_ago(double when)
{
	struct human human;
	struct timespec now;
	double age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - when;
	if (when < 0)
		snprintf(human.text, sizeof(human.text), "never");
	else if (age < 1)
		snprintf(human.text, sizeof(human.text), "just now");
	else
		snprintf(human.text, sizeof(human.text), "%.20s ago",
			 human_span(age).text);
	return human;
}

struct human human_clock(double when)
{
	struct human human = { "" };
	time_t seconds = (time_t)when;
	struct tm tm;

	if (when < 0 || !localtime_r(&seconds, &tm) ||
	    !strftime(human.text, sizeof(human.text), "%H:%M:%S", &tm))
		snprintf(human.text, sizeof(human.text), "-");
	return human;
}
