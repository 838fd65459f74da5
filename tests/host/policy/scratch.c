// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory of a test's own, which is gone when it has ended.
 */
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

static char directory[64];
static int before = -1;

/* Make an empty directory and go there. */
void scratch_enter(void)
{
	strcpy(directory, "/tmp/lenscap-policy-XXXXXX");
	before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || !mkdtemp(directory) || chdir(directory))
		err(1, "%s", directory);
}

/* Write a file, and the directory it is in. */
void scratch_write(const char *name, const void *bytes, size_t len)
{
	char path[4096];
	char *slash;
	FILE *out;

	snprintf(path, sizeof(path), "%s", name);
	for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	out = fopen(name, "w");
	if (!out || fwrite(bytes, 1, len, out) != len || fclose(out))
		err(1, "%s", name);
}

void scratch_text(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Go back, and remove it. */
void scratch_leave(void)
{
	if (fchdir(before))
		err(1, "cannot go back");
	close(before);
	if (nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS))
		err(1, "%s", directory);
}

/* Return: a file's text, to be freed. */
char *scratch_slurp(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!in || getdelim(&text, &room, '\0', in) < 0)
		err(1, "%s", path);
	fclose(in);
	return text;
}
