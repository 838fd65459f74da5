// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints about callers and destinations, as at the time of the report: they are
 * never in the chain. Columns without any are not shown.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "annotate.h"
#include "diag.h"
#include "gateway.h"
#include "report_hints.h"

/* The newest of several days, as text: which files they are of is not told. */
static void note_date(char *date, const char *of)
{
	if (strcmp(of, date) > 0)
		snprintf(date, HINT_DATE, "%s", of);
}

static void fill_caller(const struct annotate *annotate,
			struct report *report, struct report_caller *caller)
{
	char error[ADDRESS_ERROR];
	struct mac_hint hint;
	uint8_t mac[6];

	if (!caller->mac || !mac_parse(caller->mac, mac, error) ||
	    !annotate_mac(annotate, mac, &hint))
		return;
	caller->vendor = cli_alloc(strdup(hint.local ? "made up" :
						       hint.vendor));
	if (hint.vendor)
		note_date(report->vendors_of, hint.date);
}

static void fill_destination(struct annotate *annotate, struct report *report,
			     struct report_destination *to)
{
	int family = strchr(to->address, ':') ? AF_INET6 : AF_INET;
	struct address_hint hint;
	uint8_t address[16];

	if (inet_pton(family, to->address, address) != 1 ||
	    !annotate_address(annotate, address, family == AF_INET ? 4 : 16,
			      &hint))
		return;
	if (*hint.country) {
		to->country = cli_alloc(strdup(hint.country));
		note_date(report->countries_of, hint.country_date);
	}
	if (hint.asn) {
		to->network = cli_format("AS%u%s%s", hint.asn,
					 *hint.organization ? " " : "",
					 hint.organization);
		note_date(report->networks_of, hint.asn_date);
	}
}

/**
 * report_hints_fill() - say what is known of callers and destinations
 * @report: as it was read
 * @gateway: gateway.yaml, which names the files
 */
void report_hints_fill(struct report *report, const char *gateway)
{
	struct annotate *annotate = annotate_new();
	struct report_destination *to;
	struct report_caller *caller;
	struct gateway config = { 0 };
	struct diag diag = { 0 };

	/* On another machine there may be none: there are no hints then. */
	if (!gateway_read(gateway, &config, &diag))
		annotate_configure(annotate, &config.annotations);
	gateway_free(&config);
	diag_free(&diag);
	annotate_load(annotate, &diag);
	diag_print(&diag, stderr);
	diag_free(&diag);
	for (caller = report->callers; caller; caller = caller->hh.next)
		fill_caller(annotate, report, caller);
	for (to = report->destinations; to; to = to->hh.next)
		fill_destination(annotate, report, to);
	annotate_free(annotate);
}

/**
 * report_hints_see() - which columns are worth showing?
 * @report: it
 * @hints: result
 */
void report_hints_see(const struct report *report, struct report_hints *hints)
{
	const struct report_destination *to;
	const struct report_caller *caller;

	*hints = (struct report_hints){ 0 };
	for (caller = report->callers; caller; caller = caller->hh.next)
		hints->vendor |= !!caller->vendor;
	for (to = report->destinations; to; to = to->hh.next) {
		hints->country |= !!to->country;
		hints->network |= !!to->network;
	}
}

/**
 * report_hints_source() - where hints are from, and of which day
 * @report: it
 *
 * Return: a sentence, to be freed, or NULL: there are none.
 */
char *report_hints_source(const struct report *report)
{
	const char *vendors = report->vendors_of;
	const char *countries = report->countries_of;
	const char *networks = report->networks_of;

	if (!*vendors && !*countries && !*networks)
		return NULL;
	return cli_format("Hints, which decide nothing:%s%s%s%s%s%s%s",
			  *vendors ? " vendors by the IEEE's list of " : "",
			  vendors,
			  *vendors && (*countries || *networks) ? "," : "",
			  *countries ? " countries of " : "", countries,
			  *networks ? (*countries ? ", networks of " :
						    " networks of ") : "",
			  networks);
}
