// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the library and read(): something to happen while a file is read.
 */
#include <unistd.h>

#include "wrap.h"

void (*wrap_on_read)(unsigned int count);
unsigned int wrap_reads;

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	if (wrap_on_read)
		wrap_on_read(wrap_reads++);
	return __real_read(fd, buffer, size);
}
