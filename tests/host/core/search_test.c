// SPDX-License-Identifier: GPL-2.0-only
/* Searches, against counting. */
#include "world.h"

#define MOST 200

static void lay_out(u32 *keys, struct lc_wide *wide, u32 count)
{
	u32 n;

	for (n = 1; n <= count; n++) {
		keys[n - 1] = n * 10;
		wide[n - 1].high = n / 3;
		wide[n - 1].low = n;
	}
}

TEST(search_finds_the_last_key_not_above)
{
	struct lc_wide wide[MOST], want;
	u32 keys[MOST], count, value, i;

	for (count = 1; count <= MOST; count++) {
		lay_out(keys, wide, count);
		for (value = 0; value < count * 10 + 25; value++) {
			u32 below = value / 10 < count ? value / 10 : count;

			i = lc_search(keys, count, value);
			CHECK_EQ(i ? keys[i - 1] : 0, below * 10);
		}
		for (value = 0; value <= count + 1; value++) {
			want.high = value / 3;
			want.low = value;
			i = lc_search_wide(wide, count, &want);
			CHECK_EQ(i ? wide[i - 1].low : 0,
				 value < count ? value : count);
			/* between two keys of the same upper half */
			want.low = ~0ULL;
			i = lc_search_wide(wide, count, &want);
			CHECK(!i || wide[i - 1].high <= want.high);
			CHECK(!i || wide[i - 1].low <= value / 3 * 3 + 2);
		}
	}
}

TEST(search_in_nothing)
{
	struct lc_wide value = { 1, 2 };

	CHECK_EQ(lc_search(NULL, 0, 5), 0);
	CHECK_EQ(lc_search_wide(NULL, 0, &value), 0);
}

TEST(search_at_the_ends_of_the_numbers)
{
	u32 keys[1] = { 0 };

	CHECK_EQ(lc_search(keys, 1, 0), 1);
	CHECK_EQ(lc_search(keys, 1, ~0U), 1);
	keys[0] = ~0U;
	CHECK_EQ(lc_search(keys, 1, ~0U - 1), 0);
	CHECK_EQ(lc_search(keys, 1, ~0U), 1);
}
