/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and times for people.
 */
#ifndef LENSCAP_CLI_HUMAN_H
#define LENSCAP_CLI_HUMAN_H

#include <jansson.h>

#define HUMAN_LEN	32

/* A number as text, handed around by value: no buffer to keep. */
struct human {
	char text[HUMAN_LEN];
};

/* Exact up to five digits, then "123 k", "1.23 M". */
struct human human_count(json_int_t count);
/* "512 B", "1.5 KiB". */
struct human human_bytes(json_int_t bytes);
/* "3 s", "5 min", "2 h", "9 d". */
struct human human_span(double seconds);
/* "3 s ago", "just now"; "never" for a time below 0. */
struct human human_ago(double when);
/* "14:03:22", local time. */
struct human human_clock(double when);

#endif /* LENSCAP_CLI_HUMAN_H */
