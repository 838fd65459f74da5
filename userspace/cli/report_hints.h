/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hints about addresses, as at the time of the report: never in the chain.
 */
#ifndef LENSCAP_CLI_REPORT_HINTS_H
#define LENSCAP_CLI_REPORT_HINTS_H

#include "report.h"

/**
 * struct report_hints - which columns have anything in them
 * @vendor: of a caller's MAC
 * @country: of a destination
 * @network: its autonomous system
 */
struct report_hints {
	bool vendor;
	bool country;
	bool network;
};

void report_hints_fill(struct report *report, const char *gateway);
void report_hints_see(const struct report *report, struct report_hints *hints);

char *report_hints_source(const struct report *report);

#endif /* LENSCAP_CLI_REPORT_HINTS_H */
