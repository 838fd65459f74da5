// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may read the metrics, if not everybody: the file that htpasswd writes,
 * with hashes that crypt(3) knows. A password in the clear is refused: the file
 * would be one more place that it leaks from.
 */
#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "mem.h"
#include "say.h"

/* Whether crypt(3) knows the method; "$2y$" and the like. */
static bool is_hash(const char *hash)
{
	int known = crypt_checksalt(hash);

	return *hash == '$' && (known == CRYPT_SALT_OK ||
				known == CRYPT_SALT_METHOD_LEGACY);
}

static bool take_line(struct auth *auth, const char *path, unsigned int number,
		      const char *line)
{
	const char *colon = strchr(line, ':');

	if (!*line || *line == '#')
		return true;
	if (!colon || colon == line || !is_hash(colon + 1)) {
		say("%s:%u: must be USER:HASH, with a hash of the password as \"htpasswd -nB USER\" or \"mkpasswd\" prints it",
		    path, number);
		return false;
	}
	auth->users = mem_array_room(auth->users, auth->count, 1,
				     sizeof(*auth->users));
	auth->users[auth->count++] = (struct auth_user){
		.name = mem_copy_len(line, (size_t)(colon - line)),
		.hash = mem_copy(colon + 1),
	};
	return true;
}

/**
 * auth_load() - read the file of users
 * @auth: zeroed, to be filled
 * @path: of the file
 *
 * Return: true, or false after having said why not.
 */
bool auth_load(struct auth *auth, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	bool good = file;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		say("--basic-auth %s: %s", path, strerror(errno));
	while (good && getline(&line, &size, file) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		good = take_line(auth, path, ++number, line);
	}
	if (good && !auth->count) {
		say("--basic-auth %s: names no user, so nobody could read the metrics",
		    path);
		good = false;
	}
	free(line);
	if (file)
		fclose(file);
	return good;
}

/* As long as the texts are, however early they differ. */
static bool same(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned char differ = len != strlen(b);

	for (size_t i = 0; !differ && i < len; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return !differ;
}

/**
 * auth_check() - may this one read?
 * @auth: from auth_load()
 * @name: who it claims to be
 * @password: to prove it
 *
 * A name that is not there costs as much time as a wrong password.
 */
bool auth_check(const struct auth *auth, const char *name, const char *password)
{
	const struct auth_user *user = &auth->users[0];
	struct crypt_data *data;
	bool known = false, good;
	const char *hash;

	for (size_t i = 0; i < auth->count; i++) {
		if (!strcmp(auth->users[i].name, name)) {
			user = &auth->users[i];
			known = true;
			break;
		}
	}
	data = mem_alloc(sizeof(*data));
	memset(data, 0, sizeof(*data));
	hash = crypt_r(password, user->hash, data);
	good = hash && same(hash, user->hash) && known;
	explicit_bzero(data, sizeof(*data));
	free(data);
	return good;
}

/**
 * auth_free() - forget all users
 * @auth: they
 */
void auth_free(struct auth *auth)
{
	for (size_t i = 0; i < auth->count; i++) {
		free(auth->users[i].name);
		free(auth->users[i].hash);
	}
	free(auth->users);
	*auth = (struct auth){ 0 };
}
