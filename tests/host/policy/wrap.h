/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the library and read(): something to happen while a file is read.
 */
#ifndef LENSCAP_TEST_WRAP_H
#define LENSCAP_TEST_WRAP_H

/* Called before each read, with how many there were; NULL: nothing. */
extern void (*wrap_on_read)(unsigned int count);
extern unsigned int wrap_reads;

#endif /* LENSCAP_TEST_WRAP_H */
