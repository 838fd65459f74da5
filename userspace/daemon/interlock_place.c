// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interfaces that the interlock's guards stand on, kept over a restart.
 *
 * While the module has a guard it tells which interface that is. When it has let
 * go, only who wrote the chain knows: the interface may have another name than in
 * gateway.yaml by then, and the name another interface. An index is good as long
 * as the kernel runs, and in one network namespace.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon.h"
#include "interlock.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "state.h"

#define PLACES_FILE "interlock.json"

/* Where an index means what it meant: this boot, and this namespace. */
static json_t *here(void)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	json_t *value = NULL;
	struct stat netns;
	char boot[64];

	if (file && fgets(boot, sizeof(boot), file) &&
	    !stat("/proc/self/ns/net", &netns)) {
		boot[strcspn(boot, "\n")] = '\0';
		value = json_pack("{s:s, s:I}", "boot", boot, "netns",
				  (json_int_t)netns.st_ino);
	}
	if (file)
		(void)fclose(file);
	return value;
}

static json_t *encode(const struct interlock_plan *plan)
{
	json_t *guards = json_object();

	for (size_t i = 0; i < plan->nguards; i++) {
		const struct plan_guard *guard = &plan->guards[i];

		/* Without a name of its own it is only held. */
		if (guard->ifindex && *guard->asked)
			json_object_set_new(guards, guard->name,
				json_pack("{s:s, s:I}", "configured",
					  guard->asked, "ifindex",
					  (json_int_t)guard->ifindex));
	}
	return guards;
}

/**
 * interlock_keep_places() - remember what was written, if it is not what is kept
 * @lock: it; @lock->have was written
 */
void interlock_keep_places(struct interlock *lock)
{
	json_t *value = here();
	char *error = NULL;

	if (!value)
		return;
	json_object_set_new(value, "guards", encode(&lock->have));
	if (!json_equal(value, lock->places) &&
	    !state_save(lock->daemon->gateway.state, PLACES_FILE, value,
			&error))
		log_warning("%s: if lenscapd is started anew while a guard is disarmed, and its interface was renamed, the interlock looks for the name in %s",
			    error, lock->daemon->config);
	free(error);
	json_decref(lock->places);
	lock->places = value;
}

/**
 * interlock_load_places() - where the guards stood when the daemon ended
 * @lock: it; @lock->have receives them, and nothing else
 *
 * What is not of this boot and namespace is not taken.
 */
void interlock_load_places(struct interlock *lock)
{
	json_t *value = state_load(lock->daemon->gateway.state, PLACES_FILE);
	json_t *now = here(), *entry;
	const char *name;

	if (!json_is_object(value) || !now ||
	    !json_equal(json_object_get(value, "boot"),
			json_object_get(now, "boot")) ||
	    !json_equal(json_object_get(value, "netns"),
			json_object_get(now, "netns")))
		goto out;
	json_object_foreach(json_object_get(value, "guards"), name, entry) {
		const char *asked =
			json_string_value(json_object_get(entry, "configured"));
		json_int_t ifindex =
			json_integer_value(json_object_get(entry, "ifindex"));

		if (asked && ifindex > 0 && ifindex <= INT32_MAX)
			plan_add_place(&lock->have, name, asked,
				       (unsigned int)ifindex);
	}
	lock->places = json_incref(value);
out:
	json_decref(value);
	json_decref(now);
}
