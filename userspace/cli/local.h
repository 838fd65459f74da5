/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files judged here, without the daemon.
 */
#ifndef LENSCAP_CLI_LOCAL_H
#define LENSCAP_CLI_LOCAL_H

#include "cli.h"
#include "diag.h"
#include "policy.h"

enum file_kind {
	FILE_POLICY,
	FILE_GATEWAY,
};

/* Tells the two kinds of file apart by their top-level keys. */
enum file_kind file_kind(const char *path);

/* What was found, in the shape that docs/control.md gives to diagnostics. */
json_t *diagnostics_json(const struct diag *diag);

/* Number of rules of all profiles together. */
size_t policy_rules(const struct policy *policy);

#define DIGEST_TEXT (2 * POLICY_DIGEST_LEN + 1)

/* The digest of a policy's files, as status shows it. */
void digest_text(const struct policy *policy, char text[DIGEST_TEXT]);

/* "3 errors, 1 warning" */
void diag_summary(const struct diag *diag, char *text, size_t size);

#endif /* LENSCAP_CLI_LOCAL_H */
