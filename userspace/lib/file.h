/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files, read whole, and noticed when they change meanwhile.
 */
#ifndef LENSCAP_FILE_H
#define LENSCAP_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "diag.h"
#include "policy.h"

/* Largest file that is read, in MiB. */
#define FILE_MAX_MIB	64

/* What tells one version of a file from the next. */
struct file_version {
	struct stat stat;
};

enum file_result {
	FILE_READ,
	FILE_FAILED,	/* an error was noted */
	FILE_CHANGED,	/* nothing was noted: worth another attempt */
};

enum file_result file_read(const char *path, struct policy_file *file,
			   struct file_version *version, struct diag *diag);
bool file_is_same(const char *path, const struct file_version *version);
void file_changed(const char *path, struct diag *diag);
int file_read_settled(const char *path, struct policy_file *file,
		      struct diag *diag);
bool file_check_text(const struct policy_file *file, struct diag *diag);
void file_free(struct policy_file *file);
char *file_beside(const char *path, const char *other);
void file_place(const char *text, size_t offset, unsigned int *line,
		unsigned int *column);

#endif /* LENSCAP_FILE_H */
