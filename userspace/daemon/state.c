// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the daemon keeps on disk.
 *
 * The last-known-good policy is one JSON file, written in two steps: it is
 * staged (complete and on disk, under another name) before the kernel is
 * asked to commit, and promoted after it did. A daemon that dies in between
 * finds on its return which of the two the kernel has, by the digest, and
 * never holds a live policy whose text it does not know.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "state.h"

#define LAST_GOOD	"last-good.json"
#define STAGED		"last-good.json.new"
#define GATEWAY		"last-good-gateway.json"
#define FORMAT		1

static char *path_in(const char *dir, const char *name)
{
	return mem_print("%s/%s", dir, name);
}

/* A rename is on disk when its directory is. */
static bool sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return done;
}

/*
 * Buffered: to a descriptor, jansson writes a policy in a call for each line,
 * and from one it reads a byte at a time.
 */
#define BUFFER_SIZE (1U << 20)

static bool write_file(const char *path, const json_t *value, bool sync)
{
	bool done = false;
	FILE *file;
	int fd, code;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return false;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return false;
	}
	(void)setvbuf(file, NULL, _IOFBF, BUFFER_SIZE);
	errno = 0;
	done = !json_dumpf(value, file, JSON_COMPACT) && !fflush(file) &&
	       (!sync || !fsync(fd));
	code = errno;
	(void)fclose(file);
	if (!done)
		unlink(path);
	errno = code ? code : EIO;
	return done;
}

/**
 * state_save() - replace a small file of the state directory
 * @dir: the directory
 * @name: the file
 * @value: its content
 * @error: receives why not, to be freed; may be NULL
 *
 * It is not forced to disk: what is kept this way describes kernel state,
 * which does not survive a crash of the machine either.
 */
bool state_save(const char *dir, const char *name, const json_t *value,
		char **error)
{
	char *path = path_in(dir, name), *next = mem_print("%s.new", path);
	bool done;

	done = write_file(next, value, false) && !rename(next, path);
	if (!done && error)
		*error = mem_print("cannot write %s: %s", path,
				   strerror(errno));
	free(next);
	free(path);
	return done;
}

/**
 * state_load() - read a file of the state directory
 * @dir: the directory
 * @name: the file
 *
 * Return: its content, or NULL if there is none; a defect is logged.
 */
json_t *state_load(const char *dir, const char *name)
{
	char *path = path_in(dir, name);
	json_error_t error;
	json_t *value = NULL;
	FILE *file;

	file = fopen(path, "re");
	if (file) {
		(void)setvbuf(file, NULL, _IOFBF, BUFFER_SIZE);
		value = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
		if (!value)
			log_error("%s:%d:%d: %s: the file is ignored", path,
				  error.line, error.column, error.text);
		(void)fclose(file);
	} else if (errno != ENOENT) {
		log_error("cannot read %s: %s", path, strerror(errno));
	}
	free(path);
	return value;
}

static json_t *encode(const struct last_good *good)
{
	json_t *root, *files = json_array();
	char *digest = json_hex(good->digest, sizeof(good->digest));
	size_t i;

	for (i = 0; i < good->bundle.count; i++) {
		const struct policy_file *file = &good->bundle.files[i];
		json_t *text = json_stringn(file->text, file->len);

		if (!text || json_array_append_new(files,
				json_pack("{s:s?, s:o}", "name", file->name,
					  "text", text)) < 0) {
			json_decref(files);
			free(digest);
			return NULL;
		}
	}
	root = json_pack("{s:i, s:I, s:s, s:I, s:o}", "format", FORMAT,
			 "revision", (json_int_t)good->revision, "digest",
			 digest, "superseded", (json_int_t)good->superseded,
			 "files", files);
	free(digest);
	return root;
}

/**
 * last_good_stage() - write a policy to disk before it is committed
 * @dir: the state directory
 * @good: the policy
 * @error: receives why not, to be freed
 */
bool last_good_stage(const char *dir, const struct last_good *good,
		     char **error)
{
	char *path = path_in(dir, STAGED);
	json_t *value = encode(good);
	bool done;

	if (!value) {
		*error = mem_print("the policy is not UTF-8 text");
		free(path);
		return false;
	}
	done = write_file(path, value, true);
	if (!done)
		*error = mem_print("cannot write %s: %s", path,
				   strerror(errno));
	json_decref(value);
	free(path);
	return done;
}

/* The file is on disk under @next: it takes the place of @path, on disk too. */
static bool replace(const char *dir, const char *next, const char *path,
		    char **error)
{
	bool done = !rename(next, path) && sync_directory(dir);

	if (!done)
		*error = mem_print("cannot replace %s: %s", path,
				   strerror(errno));
	return done;
}

/**
 * last_good_promote() - the staged policy is now the last-known-good one
 * @dir: the state directory
 * @error: receives why not, to be freed
 */
bool last_good_promote(const char *dir, char **error)
{
	char *from = path_in(dir, STAGED), *to = path_in(dir, LAST_GOOD);
	bool done = replace(dir, from, to, error);

	free(from);
	free(to);
	return done;
}

/**
 * last_good_unstage() - forget a staged policy that was not committed
 * @dir: the state directory
 */
void last_good_unstage(const char *dir)
{
	char *path = path_in(dir, STAGED);

	if (unlink(path) < 0 && errno != ENOENT)
		log_warning("cannot remove %s: %s", path, strerror(errno));
	free(path);
}

static bool decode(const json_t *root, struct last_good *good)
{
	json_int_t revision, superseded;
	json_t *files, *entry;
	const char *digest;
	size_t i;
	int format;

	if (json_unpack((json_t *)root, "{s:i, s:I, s:s, s:I, s:o}", "format",
			&format, "revision", &revision, "digest", &digest,
			"superseded", &superseded, "files", &files) < 0 ||
	    format != FORMAT || revision < 0 || superseded < 0 ||
	    !json_unhex(digest, good->digest, sizeof(good->digest)) ||
	    !json_is_array(files) || !json_array_size(files))
		return false;
	good->revision = (uint64_t)revision;
	good->superseded = (uint64_t)superseded;
	good->bundle.files = mem_alloc(json_array_size(files) *
				       sizeof(*good->bundle.files));
	json_array_foreach(files, i, entry) {
		struct policy_file *file = &good->bundle.files[i];
		const char *name, *text;
		size_t len;

		if (json_unpack(entry, "{s:s, s:s%}", "name", &name, "text",
				&text, &len) < 0)
			return false;
		file->name = mem_copy(name);
		file->text = mem_copy_len(text, len);
		file->len = len;
		good->bundle.count = i + 1;
	}
	return true;
}

/**
 * last_good_load() - read the last-known-good policy
 * @dir: the state directory
 * @staged: read the one that was staged instead
 * @good: result, to be cleared with last_good_clear()
 *
 * Return: true if there is one; a defect is logged.
 */
bool last_good_load(const char *dir, bool staged, struct last_good *good)
{
	const char *name = staged ? STAGED : LAST_GOOD;
	json_t *root = state_load(dir, name);
	bool done;

	memset(good, 0, sizeof(*good));
	if (!root)
		return false;
	done = decode(root, good);
	json_decref(root);
	if (!done) {
		log_error("%s/%s is not a policy that this release has written: the file is ignored",
			  dir, name);
		last_good_clear(good);
	}
	return done;
}

/**
 * last_good_clear() - free what it holds
 * @good: it; empty afterwards
 */
void last_good_clear(struct last_good *good)
{
	policy_bundle_free(&good->bundle);
	memset(good, 0, sizeof(*good));
}

/**
 * gateway_copy_path() - where the copy of gateway.yaml is
 * @dir: the state directory
 *
 * Return: the path, to be freed.
 */
char *gateway_copy_path(const char *dir)
{
	return path_in(dir, GATEWAY);
}

static void digest_text(const struct policy_file *file,
			uint8_t digest[POLICY_DIGEST_LEN])
{
	struct policy_bundle bundle = {
		.files = (struct policy_file *)file, .count = 1,
	};

	digest_bundle(&bundle, digest);
}

/**
 * gateway_copy_save() - keep a copy of gateway.yaml
 * @dir: the state directory
 * @config: the file's full path
 * @file: its text
 * @now: seconds
 * @error: receives why not, to be freed
 *
 * It is forced to disk: it is for the start after a crash, too.
 */
bool gateway_copy_save(const char *dir, const char *config,
		       const struct policy_file *file, uint64_t now,
		       char **error)
{
	char *path = gateway_copy_path(dir), *next = mem_print("%s.new", path);
	uint8_t digest[POLICY_DIGEST_LEN];
	bool done = false;
	json_t *value;
	char *hex;

	digest_text(file, digest);
	hex = json_hex(digest, sizeof(digest));
	value = json_pack("{s:i, s:s, s:I, s:s, s:s%}", "format", FORMAT,
			  "config", config, "saved", (json_int_t)now,
			  "digest", hex, "text", file->text, file->len);
	if (!value)
		*error = mem_print("the path %s is not UTF-8 text", config);
	else if (!write_file(next, value, true))
		*error = mem_print("cannot write %s: %s", next,
				   strerror(errno));
	else
		done = replace(dir, next, path, error);
	json_decref(value);
	free(hex);
	free(next);
	free(path);
	return done;
}

/* NULL: it is sound; else what is wrong with it. */
static const char *copy_defect(const json_t *root, const char *config,
			       struct policy_file *file, uint64_t *saved)
{
	uint8_t wanted[POLICY_DIGEST_LEN], digest[POLICY_DIGEST_LEN];
	const char *of, *hex, *text;
	json_int_t when;
	int format;

	if (json_unpack((json_t *)root, "{s:i, s:s, s:I, s:s, s:s%}", "format",
			&format, "config", &of, "saved", &when, "digest", &hex,
			"text", &text, &file->len) < 0 ||
	    format != FORMAT || when < 0 ||
	    !json_unhex(hex, wanted, sizeof(wanted)))
		return "is not a copy that this release has written";
	file->text = mem_copy_len(text, file->len);
	*saved = (uint64_t)when;
	digest_text(file, digest);
	if (memcmp(digest, wanted, sizeof(digest)) != 0)
		return "is damaged: its text has another digest";
	/* Not the gateway of another file that this directory is also of. */
	if (strcmp(of, config) != 0)
		return "is a copy of another file";
	return NULL;
}

/**
 * gateway_copy_load() - read the copy of gateway.yaml
 * @dir: the state directory
 * @config: the full path of the file that it must be of
 * @file: receives the text, to be freed with file_free(); its name stays
 * @saved: receives when it was made, seconds
 */
enum gateway_copy_result gateway_copy_load(const char *dir, const char *config,
					   struct policy_file *file,
					   uint64_t *saved)
{
	char *path = gateway_copy_path(dir);
	enum gateway_copy_result result = GATEWAY_COPY_NONE;
	const char *defect = NULL;
	json_t *root = NULL;

	if (!access(path, F_OK) || (errno != ENOENT && errno != ENOTDIR)) {
		root = state_load(dir, GATEWAY);
		if (root)
			defect = copy_defect(root, config, file, saved);
		result = root && !defect ? GATEWAY_COPY_GOOD :
					   GATEWAY_COPY_BAD;
	}
	if (defect)
		log_error("%s %s", path, defect);
	json_decref(root);
	free(path);
	return result;
}
