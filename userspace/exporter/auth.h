/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may read the metrics, if not everybody.
 */
#ifndef LENSCAP_EXPORTER_AUTH_H
#define LENSCAP_EXPORTER_AUTH_H

#include <stdbool.h>
#include <stddef.h>

/* A name, and its password as crypt(5) writes it. */
struct auth_user {
	char *name, *hash;
};

struct auth {
	struct auth_user *users;
	size_t count;
};

bool auth_load(struct auth *auth, const char *path);
bool auth_check(const struct auth *auth, const char *name,
		const char *password);
void auth_free(struct auth *auth);

#endif /* LENSCAP_EXPORTER_AUTH_H */
