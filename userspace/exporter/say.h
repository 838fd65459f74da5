/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages on standard error, one line each.
 */
#ifndef LENSCAP_EXPORTER_SAY_H
#define LENSCAP_EXPORTER_SAY_H

#include <stdio.h>

#define say(...) \
	((void)fprintf(stderr, "lenscap-exporter: " __VA_ARGS__), \
	 (void)fputc('\n', stderr))

#endif /* LENSCAP_EXPORTER_SAY_H */
