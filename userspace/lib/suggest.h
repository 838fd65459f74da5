/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "Did you mean ...?": the candidate nearest to a word that nobody knows.
 */
#ifndef LENSCAP_SUGGEST_H
#define LENSCAP_SUGGEST_H

#include "names.h"

#define SUGGEST_TEXT 128

/* Offers beyond these are not looked at: a guess is worth only so much. */
#define SUGGEST_MAX 10000

struct suggest {
	const char *word;
	const char *best;
	unsigned int distance;
	unsigned int offers;
};

void suggest_offer(struct suggest *suggest, const char *candidate);
const char *suggest_text(const struct suggest *suggest,
			 char text[SUGGEST_TEXT]);
const char *suggest_name(const struct name_table *table, const char *word,
			 char text[SUGGEST_TEXT]);

#endif /* LENSCAP_SUGGEST_H */
