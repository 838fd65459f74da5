/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon keeps on disk: the last policy that the kernel accepted,
 * the last gateway.yaml that was put into effect, the interfaces that guards
 * were asked for, and which records were reported.
 */
#ifndef LENSCAPD_STATE_H
#define LENSCAPD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "policy.h"

/**
 * struct last_good - the last policy that the kernel accepted
 * @revision: its revision
 * @digest: its digest
 * @superseded: highest revision that was rolled back from, or 0: a policy
 *	file with it does not come back by itself
 * @bundle: its text
 */
struct last_good {
	uint64_t revision;
	uint8_t digest[POLICY_DIGEST_LEN];
	uint64_t superseded;
	struct policy_bundle bundle;
};

bool last_good_stage(const char *dir, const struct last_good *good,
		     char **error);
bool last_good_promote(const char *dir, char **error);
bool last_good_load(const char *dir, bool staged, struct last_good *good);
void last_good_unstage(const char *dir);
void last_good_clear(struct last_good *good);

/* What became of looking for a copy of gateway.yaml. */
enum gateway_copy_result {
	GATEWAY_COPY_GOOD,
	GATEWAY_COPY_NONE,
	GATEWAY_COPY_BAD,	/* it was logged why */
};

char *gateway_copy_path(const char *dir);
bool gateway_copy_save(const char *dir, const char *config,
		       const struct policy_file *file, uint64_t now,
		       char **error);
enum gateway_copy_result gateway_copy_load(const char *dir, const char *config,
					   struct policy_file *file,
					   uint64_t *saved);

json_t *state_load(const char *dir, const char *name);
bool state_save(const char *dir, const char *name, const json_t *value,
		char **error);

#endif /* LENSCAPD_STATE_H */
