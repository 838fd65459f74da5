// SPDX-License-Identifier: GPL-2.0-only
/*
 * "Did you mean ...?", by edit distance.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "suggest.h"

/* Longer words are not compared; names end at 63 bytes. */
#define WORD_MAX 64

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Insertions, deletions, replacements and swaps of neighbours, each one step;
 * case costs nothing. Three rows of the usual table suffice.
 */
static unsigned int distance(const char *a, size_t alen, const char *b,
			     size_t blen)
{
	unsigned int rows[3][WORD_MAX + 1];

	for (unsigned int j = 0; j <= blen; j++)
		rows[0][j] = j;
	for (unsigned int i = 1; i <= alen; i++) {
		unsigned int *row = rows[i % 3];
		const unsigned int *above = rows[(i - 1) % 3];

		row[0] = i;
		for (unsigned int j = 1; j <= blen; j++) {
			unsigned int cost = !same(a[i - 1], b[j - 1]);

			row[j] = least(above[j - 1] + cost,
				       least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				row[j] = least(row[j],
					       rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[alen % 3][blen];
}

/* One slip in three letters is a typo; more is another word. */
static unsigned int tolerance(size_t len)
{
	return len < 6 ? 1 : least((unsigned int)len / 3, 4);
}

/**
 * suggest_offer() - offer a candidate
 * @suggest: begun with @word set and the rest zero
 * @candidate: must live as long as @suggest
 */
void suggest_offer(struct suggest *suggest, const char *candidate)
{
	size_t alen = strlen(suggest->word), blen = strlen(candidate);
	unsigned int steps, limit;

	if (alen > WORD_MAX || blen > WORD_MAX || !alen || !blen ||
	    suggest->offers++ >= SUGGEST_MAX)
		return;
	limit = tolerance(alen > blen ? alen : blen);
	if (alen > blen + limit || blen > alen + limit)
		return;
	steps = distance(suggest->word, alen, candidate, blen);
	/* A replaced letter is no likeness when there is hardly another. */
	if (steps > limit || steps >= alen)
		return;
	if (!suggest->best || steps < suggest->distance) {
		suggest->best = candidate;
		suggest->distance = steps;
	}
}

/**
 * suggest_text() - the suggestion, for the end of a message
 * @suggest: after all offers
 * @text: room for it
 *
 * Return: @text: " (did you mean "nvr"?)", or "" if nothing came near.
 */
const char *suggest_text(const struct suggest *suggest,
			 char text[SUGGEST_TEXT])
{
	if (!suggest->best)
		return "";
	(void)snprintf(text, SUGGEST_TEXT, " (did you mean \"%s\"?)",
		       suggest->best);
	return text;
}

/**
 * suggest_name() - suggest a name of a table, or list them all
 * @table: the names
 * @word: what was written
 * @text: room for it
 *
 * Return: @text: " (did you mean "audit"?)" or ": known are enforce, audit".
 */
const char *suggest_name(const struct name_table *table, const char *word,
			 char text[SUGGEST_TEXT])
{
	struct suggest suggest = { .word = word };
	size_t used = 0;

	for (size_t i = 0; i < table->count; i++)
		suggest_offer(&suggest, table->entries[i].name);
	if (suggest.best)
		return suggest_text(&suggest, text);
	for (size_t i = 0; i < table->count && used < SUGGEST_TEXT; i++)
		used += (size_t)snprintf(text + used, SUGGEST_TEXT - used,
					 "%s%s", i ? ", " : ": known are ",
					 table->entries[i].name);
	return text;
}
