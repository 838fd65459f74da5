/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory of a test's own, which is gone when it has ended.
 */
#ifndef LENSCAP_TEST_SCRATCH_H
#define LENSCAP_TEST_SCRATCH_H

#include <stddef.h>

void scratch_enter(void);
void scratch_write(const char *name, const void *bytes, size_t len);
void scratch_text(const char *name, const char *text);
void scratch_leave(void);
char *scratch_slurp(const char *path);

#endif /* LENSCAP_TEST_SCRATCH_H */
