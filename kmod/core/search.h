/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last of many sorted keys that is not above a value.
 *
 * A binary search whose number of steps depends on nothing but the number of
 * keys: each step halves what is left and moves on by an addition, not by a
 * branch. Which way it goes cannot be predicted, so a branch would be mispredicted
 * every other time, at the price of some four steps; the end of the loop is
 * predicted well.
 *
 * Example: the keys 10 20 30 40 50 and the value 35. Five are left from 10 on; the
 * third of them, 30, is not above, so three are left from 30 on; the second of
 * these, 40, is above, so two are left from 30 on; 40 again, so one is left: 30,
 * number 3.
 */
#ifndef _LENSCAP_SEARCH_H
#define _LENSCAP_SEARCH_H

#include <lenscap/env.h>

/**
 * struct lc_wide - a key of 128 bits
 * @high: the first 64
 * @low: the others
 */
struct lc_wide {
	u64 high;
	u64 low;
};

/**
 * lc_search() - find the last key that is not above a value
 * @keys: in ascending order
 * @count: how many
 * @value: the value
 *
 * Context: any. Return: its number, counted from 1, or 0 if all are above.
 */
static inline u32 lc_search(const u32 *keys, u32 count, u32 value)
{
	u32 at = 0, left, half;

	if (!count)
		return 0;
	for (left = count; left > 1; left -= half) {
		half = left / 2;
		at += half & -(u32)(keys[at + half] <= value);
	}
	return at + (keys[at] <= value);
}

static inline u32 lc_wide_above(const struct lc_wide *a,
				const struct lc_wide *b)
{
	return (a->high > b->high) | ((a->high == b->high) & (a->low > b->low));
}

/**
 * lc_search_wide() - the same for keys of 128 bits
 * @keys: in ascending order
 * @count: how many
 * @value: the value
 *
 * Context: any. Return: its number, counted from 1, or 0 if all are above.
 */
static inline u32 lc_search_wide(const struct lc_wide *keys, u32 count,
				 const struct lc_wide *value)
{
	u32 at = 0, left, half;

	if (!count)
		return 0;
	for (left = count; left > 1; left -= half) {
		half = left / 2;
		at += half & (lc_wide_above(&keys[at + half], value) - 1);
	}
	return at + !lc_wide_above(&keys[at], value);
}

#endif /* _LENSCAP_SEARCH_H */
