/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The socket that HTTP is served on.
 */
#ifndef LENSCAP_EXPORTER_LISTEN_H
#define LENSCAP_EXPORTER_LISTEN_H

#include <stdbool.h>

int listen_tcp(const char *where, char *name, unsigned int size,
	       bool *loopback);
int listen_unix(const char *path);

#endif /* LENSCAP_EXPORTER_LISTEN_H */
