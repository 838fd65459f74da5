// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diagnostics: order, limits, and what they never print.
 */
#include <stdlib.h>

#include "../tap.h"
#include "diag.h"

static char *printed(struct diag *diag)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	diag_print(diag, out);
	fclose(out);
	return text;
}

TEST(diag_in_order_of_places)
{
	struct diag diag = { 0 };
	char *text;

	diag_error(&diag, "b", 3, 1, "one");
	diag_error(&diag, "a", 1, 1, "two");
	diag_warning(&diag, "b", 2, 7, "three %d", 3);
	diag_error(&diag, "b", 2, 0, "four");
	diag_error(&diag, "b", 0, 0, "five");
	diag_error(&diag, "b", 3, 1, "six");
	diag_error(&diag, NULL, 0, 0, "seven");
	text = printed(&diag);
	CHECK(!strcmp(text, "b: five\nb:2: four\nb:2:7: warning: three 3\n"
		      "b:3:1: one\nb:3:1: six\na:1:1: two\nseven\n"));
	CHECK_EQ(diag.errors, 6);
	CHECK_EQ(diag.count, 7);
	free(text);
	diag_free(&diag);
	CHECK(!diag.count && !diag.items);
	diag_free(&diag);
	text = printed(&diag);
	CHECK(!*text);
	free(text);
}

TEST(diag_bounded)
{
	struct diag diag = { 0 };
	char *text;

	for (unsigned int i = 0; i < 2 * DIAG_MAX; i++)
		diag_warning(&diag, "f", i + 1, 1, "w");
	CHECK(diag.count < DIAG_MAX);
	/* A flood of warnings hides no error. */
	diag_error(&diag, "f", 7, 2, "the error");
	text = printed(&diag);
	CHECK(strstr(text, "f:7:2: the error\n"));
	free(text);
	for (unsigned int i = 0; i < 2 * DIAG_MAX; i++)
		diag_error(&diag, "f", i + 1, 1, "e");
	CHECK_EQ(diag.count, DIAG_MAX);
	CHECK_EQ(diag.errors, 2 * DIAG_MAX + 1);
	CHECK_EQ(diag.count + diag.more, 4 * DIAG_MAX + 1);
	text = printed(&diag);
	CHECK(strstr(text, "3001 more not shown\n"));
	free(text);
	diag_free(&diag);
}

TEST(diag_escapes)
{
	struct diag diag = { 0 };
	char *text;

	diag_error(&diag, "\x1b]0;x\x07", 1, 1, "%s",
		   "a\x1b[2Jb\n\x7f\xc2\x9b\xc3\xbc");
	text = printed(&diag);
	CHECK(!strcmp(text, "\\x1b]0;x\\x07:1:1: a\\x1b[2Jb\\x0a\\x7f\\x9b\xc3\xbc\n"));
	free(text);
	diag_free(&diag);
}
