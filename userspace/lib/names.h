/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one name of everything that has a number: reasons, modes, identities,
 * kinds of upkeep, guard states, IP protocols.
 */
#ifndef LENSCAP_NAMES_H
#define LENSCAP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_entry {
	const char *name;
	unsigned int value;
};

/**
 * struct name_table - names of one kind of number
 * @what: what the names are, for messages: "mode"
 * @entries: names and numbers, in the order in which they are listed to people
 * @count: entries
 */
struct name_table {
	const char *what;
	const struct name_entry *entries;
	size_t count;
};

extern const struct name_table names_reason;	/* enum lenscap_reason */
extern const struct name_table names_mode;	/* enum lenscap_mode */
extern const struct name_table names_identity;	/* enum lenscap_identity */
extern const struct name_table names_upkeep;	/* LENSCAP_UPKEEP_* */
extern const struct name_table names_state;	/* enum lenscap_guard_state */
extern const struct name_table names_initiator;	/* enum lenscap_initiator */
extern const struct name_table names_protocol;	/* IP protocol numbers */

/* Enough for every name and every number. */
#define NAME_TEXT 24

const char *name_of(const struct name_table *table, unsigned int value);
const char *name_text(const struct name_table *table, unsigned int value,
		      char text[NAME_TEXT]);
bool name_find(const struct name_table *table, const char *name,
	       unsigned int *value);
bool protocol_has_ports(int proto);
bool protocol_is_icmp(int proto);

#endif /* LENSCAP_NAMES_H */
