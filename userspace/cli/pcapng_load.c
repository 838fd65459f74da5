// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding and loading lenscap-pcapng.so: see pcapng_load.h.
 *
 * It is found from where this program is, and never by a search path: what writes
 * the file runs with this program's rights.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "pcapng_load.h"

/* From the directory of this program: in a build tree, and installed. */
static const char *const places[] = {
	"lenscap-pcapng.so",
	"../lib/lenscap/lenscap-pcapng.so",
};

/* Where this program is, with a slash at the end; to be freed. */
static char *own_directory(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[len < 0 ? 0 : len] = '\0';
	if (!strchr(path, '/'))
		return NULL;
	*(strrchr(path, '/') + 1) = '\0';
	return cli_format("%s", path);
}

static void *open_library(const char *directory, char **error)
{
	void *library = NULL;
	char *path = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		free(path);
		path = cli_format("%s%s", directory, places[i]);
		if (!access(path, F_OK))
			break;
	}
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		*error = cli_format("%s", dlerror());
	free(path);
	return library;
}

const struct pcapng_writer *pcapng_load(char **error)
{
	const struct pcapng_writer *writer = NULL;
	char *directory = own_directory();
	void *library;

	if (!directory) {
		*error = cli_format("/proc/self/exe does not tell where lenscapctl is: is /proc mounted?");
		return NULL;
	}
	library = open_library(directory, error);
	free(directory);
	if (!library)
		return NULL;
	writer = dlsym(library, PCAPNG_WRITER);
	if (!writer)
		*error = cli_format("%s", dlerror());
	return writer;
}
