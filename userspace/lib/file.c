// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files, read whole, and noticed when they change meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "text.h"

/* How often a file that changes under the reader is read again. */
#define ATTEMPTS 2

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim) &&
	       same_time(&a->st_ctim, &b->st_ctim);
}

/* One byte more than the size is asked for: a file that grew shows. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static enum file_result read_open(int fd, const char *path,
				  struct policy_file *file,
				  struct file_version *version,
				  struct diag *diag)
{
	struct stat after;
	size_t size;
	ssize_t got;

	if (fstat(fd, &version->stat)) {
		diag_error(diag, path, 0, 0, "cannot be read: %s",
			   strerror(errno));
		return FILE_FAILED;
	}
	if (!S_ISREG(version->stat.st_mode)) {
		diag_error(diag, path, 0, 0, "is %s, not a regular file",
			   S_ISDIR(version->stat.st_mode) ? "a directory" :
			   S_ISFIFO(version->stat.st_mode) ? "a pipe" :
			   S_ISSOCK(version->stat.st_mode) ? "a socket" :
			   "a device");
		return FILE_FAILED;
	}
	if (version->stat.st_size > (off_t)FILE_MAX_MIB << 20) {
		diag_error(diag, path, 0, 0,
			   "has %lld bytes, but the limit is %u MiB: share profiles between devices, or split the inventory",
			   (long long)version->stat.st_size, FILE_MAX_MIB);
		return FILE_FAILED;
	}
	size = (size_t)version->stat.st_size;
	file->text = mem_alloc(size + 1);
	got = read_all(fd, file->text, size + 1);
	if (got < 0) {
		diag_error(diag, path, 0, 0, "cannot be read: %s",
			   strerror(errno));
		return FILE_FAILED;
	}
	if ((size_t)got != size || fstat(fd, &after) ||
	    !same_version(&version->stat, &after) ||
	    !file_is_same(path, version))
		return FILE_CHANGED;
	file->len = size;
	file->name = mem_copy(path);
	return FILE_READ;
}

/**
 * file_read() - read a file whole
 * @path: which
 * @file: result, to be freed with file_free() if %FILE_READ
 * @version: receives what it was when it was read
 * @diag: receives the error of %FILE_FAILED
 *
 * The text has a NUL behind it that is not counted.
 *
 * Return: how it went. A file that was written, replaced or removed meanwhile
 * is %FILE_CHANGED.
 */
enum file_result file_read(const char *path, struct policy_file *file,
			   struct file_version *version, struct diag *diag)
{
	enum file_result result;
	int fd;

	memset(file, 0, sizeof(*file));
	/* Not to hang on a pipe, nor to adopt a terminal. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		diag_error(diag, path, 0, 0, "cannot be opened: %s",
			   strerror(errno));
		return FILE_FAILED;
	}
	result = read_open(fd, path, file, version, diag);
	close(fd);
	if (result != FILE_READ)
		file_free(file);
	return result;
}

/**
 * file_is_same() - is it still what was read?
 * @path: which
 * @version: from file_read()
 */
bool file_is_same(const char *path, const struct file_version *version)
{
	struct stat now;

	return !stat(path, &now) && same_version(&version->stat, &now);
}

/**
 * file_changed() - note that a file never stood still
 * @path: which
 * @diag: where
 */
void file_changed(const char *path, struct diag *diag)
{
	diag_error(diag, path, 0, 0,
		   "changed while it was read: write to another name and rename it into place, then try again");
}

/**
 * file_read_settled() - read one file, again if it changed meanwhile
 * @path: which
 * @file: result, to be freed with file_free() if 0 is returned
 * @diag: receives the error
 *
 * Return: 0 or -1.
 */
int file_read_settled(const char *path, struct policy_file *file,
		      struct diag *diag)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		struct file_version version;

		switch (file_read(path, file, &version, diag)) {
		case FILE_READ:
			return 0;
		case FILE_FAILED:
			return -1;
		case FILE_CHANGED:
			break;
		}
	}
	file_changed(path, diag);
	return -1;
}

/**
 * file_free() - free name and text
 * @file: empty afterwards
 */
void file_free(struct policy_file *file)
{
	free(file->name);
	free(file->text);
	memset(file, 0, sizeof(*file));
}

/**
 * file_beside() - path of a file that another file names
 * @path: the file that names it
 * @other: the name, relative to the directory of @path, or absolute
 *
 * Return: the path, to be freed.
 */
char *file_beside(const char *path, const char *other)
{
	const char *slash = strrchr(path, '/');

	if (!slash || other[0] == '/')
		return mem_copy(other);
	return mem_print("%.*s/%s", (int)(slash - path), path, other);
}

/**
 * file_place() - line and column of an offset
 * @text: the file's text, valid UTF-8 up to @offset
 * @offset: in bytes
 * @line: receives the line, from 1
 * @column: receives the column, from 1, in characters
 */
void file_place(const char *text, size_t offset, unsigned int *line,
		unsigned int *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

/**
 * file_check_text() - is it text, and all of it?
 * @file: it
 * @diag: receives the error
 *
 * A file that was cut in the middle of a line is refused here: what is left of
 * "10.20.0.10" may be a valid address of somebody else.
 *
 * Return: true if it is not empty, UTF-8 without NUL, and ends with a newline.
 */
bool file_check_text(const struct policy_file *file, struct diag *diag)
{
	size_t good = text_utf8_length(file->text, file->len);
	unsigned int line, column;

	if (!file->len) {
		diag_error(diag, file->name, 0, 0, "is empty");
		return false;
	}
	if (good == file->len && file->text[good - 1] == '\n')
		return true;
	file_place(file->text, good, &line, &column);
	if (good < file->len && !file->text[good]) {
		diag_error(diag, file->name, line, column,
			   "has a NUL byte: is it a text file?");
		return false;
	}
	if (good < file->len) {
		diag_error(diag, file->name, line, column,
			   "is not UTF-8 (byte 0x%02x)",
			   (unsigned char)file->text[good]);
		return false;
	}
	diag_error(diag, file->name, line, column,
		   "does not end with a newline, so it may have been cut short: complete it, or end its last line");
	return false;
}
