// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moments as people write them, for the period of a report.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

#define DAY 86400LL

/* The local day that holds @when, and @days after it, at midnight. */
static int64_t midnight(time_t when, int days)
{
	struct tm tm;

	if (!localtime_r(&when, &tm))
		return -1;
	tm.tm_mday += days;
	tm.tm_hour = 0;
	tm.tm_min = 0;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

/* "-7d": so long ago. */
static bool ago(const char *text, time_t now, int64_t *seconds)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {
		{ "s", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 },
		{ "d", DAY }, { "w", 7 * DAY },
	};
	unsigned long long number;
	char *unit;

	if (*text != '-' || !isdigit((unsigned char)text[1]))
		return false;
	errno = 0;
	number = strtoull(text + 1, &unit, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (errno || number > (unsigned long long)now /
					(unsigned long long)units[i].seconds)
			return false;
		*seconds = now - (int64_t)number * units[i].seconds;
		return true;
	}
	return false;
}

/* "Z", "+01:00", "+0100", or nothing: then the time is local. */
static bool zone(const char *text, bool *local, int64_t *offset)
{
	unsigned int hours, minutes;
	int used = 0;

	*local = !*text;
	*offset = 0;
	if (!*text || !strcmp(text, "Z") || !strcmp(text, "z"))
		return true;
	if (*text != '+' && *text != '-')
		return false;
	if ((sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 &&
	     sscanf(text + 1, "%2u%2u%n", &hours, &minutes, &used) != 2) ||
	    text[1 + used] || hours > 14 || minutes > 59)
		return false;
	*offset = (hours * 60LL + minutes) * 60 * (*text == '-' ? -1 : 1);
	return true;
}

/* strptime() would take 31 February for a day in March. */
static bool is_date(const struct tm *tm)
{
	struct tm same = *tm;
	time_t when;

	same.tm_isdst = -1;
	when = timegm(&same);
	return when != -1 && same.tm_mday == tm->tm_mday &&
	       same.tm_mon == tm->tm_mon;
}

static bool iso(const char *text, bool end, int64_t *seconds)
{
	const char *rest = NULL;
	struct tm tm = { .tm_isdst = -1 };
	int64_t offset;
	bool local;

	/* Four digits of the year: strptime() would take fewer. */
	if (strspn(text, "0123456789") != 4)
		return false;
	rest = strptime(text, "%Y-%m-%d", &tm);
	if (!rest || !is_date(&tm))
		return false;
	if (!*rest) {
		tm.tm_mday += end;
		*seconds = (int64_t)mktime(&tm);
		return true;
	}
	if (*rest != 'T' && *rest != 't' && *rest != ' ')
		return false;
	text = rest + 1;
	rest = strptime(text, "%H:%M:%S", &tm);
	if (!rest) {
		tm.tm_sec = 0;
		rest = strptime(text, "%H:%M", &tm);
	}
	if (!rest || !zone(rest, &local, &offset))
		return false;
	*seconds = local ? (int64_t)mktime(&tm) : (int64_t)timegm(&tm) - offset;
	return true;
}

/**
 * report_time() - a moment
 * @text: an ISO-8601 date, or date and time; "now", "today", "yesterday";
 *	"-7d" and the like: so long ago. Without a zone it is local time.
 * @end: a day means its end
 * @now: ms since the epoch
 * @ms: result, ms since the epoch
 */
bool report_time(const char *text, bool end, int64_t now, int64_t *ms)
{
	time_t seconds_now = (time_t)(now / 1000);
	int64_t seconds;

	if (!strcmp(text, "now")) {
		*ms = now;
		return true;
	}
	if (!strcmp(text, "today"))
		seconds = midnight(seconds_now, end);
	else if (!strcmp(text, "yesterday"))
		seconds = midnight(seconds_now, -1 + end);
	else if (!ago(text, seconds_now, &seconds) &&
		 !iso(text, end, &seconds))
		return false;
	*ms = seconds * 1000;
	return seconds >= 0;
}

struct report_when report_when(int64_t ms)
{
	struct report_when when = { "-" };
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (ms > 0 && localtime_r(&seconds, &tm))
		(void)strftime(when.text, sizeof(when.text), "%Y-%m-%d %H:%M",
			       &tm);
	return when;
}
