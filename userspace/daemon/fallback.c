// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last good copy of gateway.yaml, for a start at which that is broken.
 *
 * A reload can refuse a broken file and go on as before. A start cannot: after
 * a boot nothing is guarded, and a typo would leave all cameras to themselves.
 * So what has been put into effect is kept in the state directory, and a start
 * that cannot use the file goes on with that, and says so until it is mended.
 *
 * The file itself names the state directory. If no more can be had of it, the
 * copy is looked for where the command line says.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "fallback.h"
#include "file.h"
#include "log.h"
#include "mem.h"

/* Names the file, whatever the daemon's directory is at the next start. */
static char *full_path(const char *path)
{
	char *here, *full;

	if (path[0] == '/')
		return mem_copy(path);
	here = getcwd(NULL, 0);
	full = mem_print("%s/%s", here ? here : "", path);
	free(here);
	return full;
}

/**
 * fallback_read() - as gateway_read(), but the text is kept
 * @path: of gateway.yaml
 * @text: receives it, also after an error: then perhaps nothing, or what is
 *	broken; to be freed with file_free()
 * @gateway: as of gateway_read()
 * @diag: as of gateway_read()
 *
 * Return: 0, or -1 with at least one error in @diag.
 */
int fallback_read(const char *path, struct policy_file *text,
		  struct gateway *gateway, struct diag *diag)
{
	memset(gateway, 0, sizeof(*gateway));
	memset(text, 0, sizeof(*text));
	if (file_read_settled(path, text, diag)) {
		memset(text, 0, sizeof(*text));
		return -1;
	}
	return gateway_parse(text, gateway, diag);
}

/* The first error, and how many there are, for the status. */
static char *summary(const struct diag *diag)
{
	const struct diag_item *item = diag->items;
	char more[48] = "", place[32] = "";

	/* There is an error, and errors are kept before warnings. */
	while (item->warning)
		item++;
	if (diag->errors > 1)
		(void)snprintf(more, sizeof(more), " (and %zu more error%s)",
			       diag->errors - 1, diag->errors > 2 ? "s" : "");
	if (item->line)
		(void)snprintf(place, sizeof(place), ":%u:%u", item->line,
			       item->column);
	return mem_print("%s%s: %s%s", item->file ? item->file : "", place,
			 item->message, more);
}

/* Its text is as it was, but where that lies is another place. */
static void log_copy(const struct diag *diag, const char *place)
{
	for (size_t i = 0; i < diag->count; i++)
		log_line(diag->items[i].warning ? LOG_LEVEL_WARNING :
						  LOG_LEVEL_ERROR,
			 "%s, line %u of its text: %s%s", place,
			 diag->items[i].line,
			 diag->items[i].warning ? "warning: " : "",
			 diag->items[i].message);
}

/* Good: it is in use from now on. Bad: it was logged why. */
static enum gateway_copy_result use_copy(struct daemon *daemon, const char *dir)
{
	enum gateway_copy_result result;
	char *full = full_path(daemon->config);
	struct policy_file text = { .name = mem_copy(daemon->config) };
	struct diag diag = { 0 };
	char *place = gateway_copy_path(dir);

	result = gateway_copy_load(dir, full, &text, &daemon->fallback.saved);
	/* Its paths mean what they meant, beside the file. */
	if (result == GATEWAY_COPY_GOOD &&
	    gateway_parse(&text, &daemon->gateway, &diag) < 0) {
		log_error("%s is not what this release can use", place);
		result = GATEWAY_COPY_BAD;
	}
	log_copy(&diag, place);
	diag_free(&diag);
	file_free(&text);
	free(place);
	free(full);
	return result;
}

/*
 * Where the file says, if that much can be read of it, and where the command
 * line says: true if there was a copy to use.
 */
static bool find_copy(struct daemon *daemon, const struct policy_file *text)
{
	const char *dir = daemon->fallback.dir;
	char *named = text->name ? gateway_state(text) : NULL;
	enum gateway_copy_result result = GATEWAY_COPY_NONE;
	bool two = named && strcmp(named, dir) != 0;

	if (two)
		result = use_copy(daemon, named);
	/* What is damaged is no reason to take an older one from elsewhere. */
	if (result == GATEWAY_COPY_NONE)
		result = use_copy(daemon, dir);
	if (result == GATEWAY_COPY_NONE)
		log_error("%s cannot be used, and there is no last good copy of it in %s%s%s; nothing was changed",
			  daemon->config, two ? named : "", two ? " or " : "",
			  dir);
	else if (result == GATEWAY_COPY_BAD)
		log_error("%s cannot be used, and neither can its last good copy; nothing was changed",
			  daemon->config);
	free(named);
	return result == GATEWAY_COPY_GOOD;
}

static void warn_place(const struct daemon *daemon)
{
	const struct fallback *fallback = &daemon->fallback;

	if (strcmp(daemon->gateway.state, fallback->dir) != 0)
		log_notice("the last good copy of %s is kept in %s: start lenscapd with \"--state %s\", so that it is found even if nothing can be read of the file",
			   daemon->config, daemon->gateway.state,
			   daemon->gateway.state);
}

/**
 * fallback_start() - read gateway.yaml, or what it was when it was good
 * @daemon: the daemon, which starts
 *
 * Return: true, or false after having logged why not.
 */
bool fallback_start(struct daemon *daemon)
{
	struct fallback *fallback = &daemon->fallback;
	struct policy_file text;
	struct diag diag = { 0 };
	bool usable = !fallback_read(daemon->config, &text, &daemon->gateway,
				     &diag);

	log_diag(&diag);
	if (usable) {
		fallback_take(daemon, &text);
		warn_place(daemon);
	} else if (find_copy(daemon, &text)) {
		usable = true;
		fallback->error = summary(&diag);
		log_error("%s cannot be used: starting with its last good copy, kept in %s; mend the file, then \"lenscapctl reload\"",
			  daemon->config, daemon->gateway.state);
	}
	file_free(&text);
	diag_free(&diag);
	return usable;
}

/**
 * fallback_take() - the file is in use from now on
 * @daemon: the daemon
 * @text: the file's text, which is taken over
 */
void fallback_take(struct daemon *daemon, struct policy_file *text)
{
	struct fallback *fallback = &daemon->fallback;

	if (fallback->error)
		log_notice("%s is in use again, not its last good copy",
			   daemon->config);
	free(fallback->error);
	fallback->error = NULL;
	file_free(&fallback->text);
	fallback->text = *text;
	memset(text, 0, sizeof(*text));
}

/**
 * fallback_keep() - all that the file says is in effect: keep a copy of it
 * @daemon: the daemon
 */
void fallback_keep(struct daemon *daemon)
{
	struct fallback *fallback = &daemon->fallback;
	char *full, *error = NULL;

	if (!fallback->text.name)
		return;
	full = full_path(daemon->config);
	if (!gateway_copy_save(daemon->gateway.state, full, &fallback->text,
			       (uint64_t)time(NULL), &error))
		daemon_error(daemon, "the last good copy of %s was not kept: %s",
			     daemon->config, error);
	free(error);
	free(full);
	file_free(&fallback->text);
}

/**
 * fallback_free() - free what it holds
 * @fallback: it
 */
void fallback_free(struct fallback *fallback)
{
	file_free(&fallback->text);
	free(fallback->error);
	fallback->error = NULL;
}
