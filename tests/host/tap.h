/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small TAP harness: TEST(name) { ... CHECK(...); } and TAP_MAIN in one of
 * the files that are linked together. Each TEST is one line of output; each
 * CHECK that fails adds a comment line and fails its TEST.
 */
#ifndef LENSCAP_TAP_H
#define LENSCAP_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*run)(void);
	struct tap_test *next;
};

/* Defined by TAP_MAIN. */
extern struct tap_test **tap_tail;
extern bool tap_failed;
extern const char *tap_case;

#define TEST(name_)							\
	static void test_##name_(void);					\
	__attribute__((constructor)) static void register_##name_(void)	\
	{								\
		static struct tap_test test = {				\
			.name = #name_, .run = test_##name_,		\
		};							\
		*tap_tail = &test;					\
		tap_tail = &test.next;					\
	}								\
	static void test_##name_(void)

/* What a table-driven test is at, shown with a failure; NULL to end. */
#define CASE(text) (tap_case = (text))

#define FAIL(...)							\
	do {								\
		tap_failed = true;					\
		printf("# %s:%d: ", __FILE__, __LINE__);		\
		if (tap_case)						\
			printf("[%s] ", tap_case);			\
		printf(__VA_ARGS__);					\
		printf("\n");						\
	} while (0)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			FAIL("%s", #cond);				\
	} while (0)

#define CHECK_EQ(a, b)							\
	do {								\
		long long a_ = (long long)(a), b_ = (long long)(b);	\
									\
		if (a_ != b_)						\
			FAIL("%s is %lld, not %lld", #a, a_, b_);	\
	} while (0)

/* With arguments: only tests whose name contains one of them. */
static inline bool tap_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

/* Runs what TEST() registered; the exit status of main(). */
static inline int tap_run(const struct tap_test *t, int argc, char **argv)
{
	unsigned int n = 0, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	for (; t; t = t->next) {
		if (!tap_wanted(t->name, argc, argv))
			continue;
		tap_failed = false;
		tap_case = NULL;
		t->run();
		bad += tap_failed;
		printf("%s %u - %s\n", tap_failed ? "not ok" : "ok", ++n,
		       t->name);
	}
	printf("1..%u\n", n);
	return bad ? 1 : 0;
}

#define TAP_MAIN							\
	static struct tap_test *tap_head;				\
	struct tap_test **tap_tail = &tap_head;				\
	bool tap_failed;						\
	const char *tap_case;						\
	int main(int argc, char **argv)					\
	{								\
		exit(tap_run(tap_head, argc, argv));			\
	}

#endif /* LENSCAP_TAP_H */
