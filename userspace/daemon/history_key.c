// SPDX-License-Identifier: GPL-2.0-only
/*
 * The key that seals the history: made once, kept in the state directory.
 *
 * A file holds 64 hexadecimal digits and a newline: history.key, which only
 * root may read, the seed of an Ed25519 key; history.pub the public key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "history_key.h"
#include "log.h"
#include "mem.h"

_Static_assert(crypto_sign_SEEDBYTES == CHAIN_KEY_LEN, "one length for both");

#define DIGITS (CHAIN_HEX(CHAIN_KEY_LEN) - 1)

static bool put_file(int fd, const char *text)
{
	size_t len = strlen(text);
	bool done = write(fd, text, len) == (ssize_t)len && !fsync(fd);
	int code = errno;

	close(fd);
	errno = code;
	return done;
}

/* Whole or not at all: a key of which half is on disk signs nothing. */
static bool write_hex(const char *path, const uint8_t bytes[CHAIN_KEY_LEN],
		      mode_t mode, char **error)
{
	char *next = mem_print("%s.new", path);
	char text[DIGITS + 2];
	bool done = false;
	int fd;

	chain_hex(bytes, CHAIN_KEY_LEN, text);
	text[DIGITS] = '\n';
	text[DIGITS + 1] = '\0';
	(void)unlink(next);
	fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  mode);
	if (fd >= 0)
		done = put_file(fd, text) && !rename(next, path);
	if (!done)
		*error = mem_print("cannot write %s: %s", path,
				   strerror(errno));
	if (fd >= 0 && !done)
		(void)unlink(next);
	sodium_memzero(text, sizeof(text));
	free(next);
	return done;
}

enum found {
	FOUND,
	MISSING,
	WRONG,
};

static enum found read_seed(const char *path, uint8_t seed[CHAIN_KEY_LEN],
			    char **error)
{
	char text[DIGITS + 2] = "";
	ssize_t len;
	bool good;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return MISSING;
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len < 0)
		*error = mem_print("cannot read %s: %s", path,
				   strerror(errno));
	if (fd >= 0)
		close(fd);
	if (len < 0)
		return WRONG;
	text[strcspn(text, "\n")] = '\0';
	good = chain_unhex(text, seed, CHAIN_KEY_LEN);
	sodium_memzero(text, sizeof(text));
	if (good)
		return FOUND;
	*error = mem_print("%s is not a key: put the right one there, or remove the file to have a new one made, which older seals do not fit",
			   path);
	return WRONG;
}

/**
 * history_key_load() - the key, made if there is none
 * @dir: the state directory
 * @secret: result
 * @made: receives whether it is new
 * @error: receives why there is none, to be freed
 */
bool history_key_load(const char *dir, uint8_t secret[CHAIN_SECRET_LEN],
		      bool *made, char **error)
{
	char *path = mem_print("%s/" CHAIN_KEY_FILE, dir);
	char *public = mem_print("%s/" CHAIN_PUBLIC_FILE, dir);
	uint8_t seed[CHAIN_KEY_LEN], key[CHAIN_KEY_LEN];
	char *ignored = NULL;
	enum found found;

	*made = false;
	if (sodium_init() < 0) {
		*error = mem_copy("libsodium cannot be used here");
		found = WRONG;
		goto out;
	}
	found = read_seed(path, seed, error);
	if (found == MISSING) {
		randombytes_buf(seed, sizeof(seed));
		*made = write_hex(path, seed, 0600, error);
		found = *made ? FOUND : WRONG;
	}
	if (found == FOUND) {
		crypto_sign_seed_keypair(key, secret, seed);
		if ((*made || access(public, F_OK) < 0) &&
		    !write_hex(public, key, 0644, &ignored))
			log_warning("%s", ignored);
	}
	sodium_memzero(seed, sizeof(seed));
out:
	free(ignored);
	free(path);
	free(public);
	return found == FOUND;
}
