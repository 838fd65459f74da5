// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which policy is to be live, and how it gets there.
 *
 * Revisions only grow, whoever brings a policy: a client, the policy file at a
 * start or reload, or the last-known-good copy. A rollback is asked for, and
 * remembered: the file that was rolled back from does not return by itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "file.h"
#include "index.h"
#include "load.h"
#include "log.h"
#include "mem.h"

/* Another program that changes policy all the time wins after this many. */
#define ATTEMPTS 3

/* Guards that no gateway has may be many; this many are named. */
#define STRANGERS_MAX 20

void outcome_free(struct outcome *outcome)
{
	diag_free(&outcome->diag);
	free(outcome->error);
	memset(outcome, 0, sizeof(*outcome));
}

void held_clear(struct held *held)
{
	if (held->valid)
		policy_free(&held->policy);
	last_good_clear(&held->good);
	memset(held, 0, sizeof(*held));
}

static void fail(struct outcome *outcome, const char *code, const char *format,
		 ...)
	__attribute__((format(printf, 3, 4)));

static void fail(struct outcome *outcome, const char *code, const char *format,
		 ...)
{
	va_list args;

	if (outcome->error)
		return;
	va_start(args, format);
	if (vasprintf(&outcome->error, format, args) < 0)
		outcome->error = mem_copy(format);
	va_end(args);
	outcome->code = code;
}

/* Of a request for info, which fails for these reasons only. */
static void fail_client(struct outcome *outcome, const struct client_error *err)
{
	if (err->fault == CLIENT_NO_MODULE || err->code == ENOENT)
		fail(outcome, "module", "the lenscap module was unloaded");
	else
		fail(outcome, err->fault == CLIENT_PERMISSION ? "permission" :
		     "refused", "%s", err->text);
}

static void fail_text(struct outcome *outcome, const char *what)
{
	fail(outcome, "policy", "%s has %zu error(s): nothing was changed",
	     what, outcome->diag.errors + (outcome->diag.more ? 1 : 0));
}

/*
 * A policy is written for many gateways, so a guard that this one does not
 * have is no error. It may still be a slip of the pen, and its devices cannot
 * speak here.
 */
static void warn_strangers(const struct gateway *gateway,
			   const struct policy *policy, const char *file,
			   struct diag *diag)
{
	struct index known = { 0 };
	unsigned int strangers = 0;
	size_t i;

	for (i = 0; i < gateway->nguards; i++)
		index_add(&known, gateway->guards[i].name,
			  strlen(gateway->guards[i].name), i, NULL);
	for (i = 0; i < policy->ndevices && strangers < STRANGERS_MAX; i++) {
		const struct policy_device *device = &policy->devices[i];

		if (!device->guard || !index_add(&known, device->guard,
						 strlen(device->guard), i,
						 NULL))
			continue;
		strangers++;
		diag_warning(diag, file, 0, 0,
			     "device \"%s\": this gateway has no guard \"%s\": devices bound to it cannot speak here",
			     device->name, device->guard);
	}
	index_free(&known);
}

static bool same_digest(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, POLICY_DIGEST_LEN);
}

/* Whether the kernel's policy is that with the digest. */
static bool kernel_has(const struct client_info *info, const uint8_t *digest)
{
	return info->generation && info->has_digest &&
	       same_digest(info->digest, digest);
}

static bool revision_allows(const struct daemon *daemon,
			    const struct client_info *info,
			    const struct policy *policy, bool rollback,
			    struct outcome *outcome)
{
	const struct held *held = &daemon->held;
	const char *which = "is live";
	uint64_t now = info->revision;

	if (!info->generation) {
		if (!held->valid ||
		    same_digest(held->policy.digest, policy->digest))
			return true;
		which = "was the last that was live";
		now = held->good.revision;
	}
	if (policy->revision < now && !rollback)
		fail(outcome, "refused",
		     "revision %" PRIu64 " is older than %" PRIu64 ", which %s: give the policy a higher revision, or apply it with --rollback if you mean to go back",
		     policy->revision, now, which);
	else if (policy->revision == now)
		fail(outcome, "refused",
		     "revision %" PRIu64 " %s with other content: each change needs a revision of its own: use %" PRIu64 " or higher",
		     now, which, now + 1);
	return !outcome->error;
}

static bool stage(struct daemon *daemon, const struct last_good *good,
		  struct outcome *outcome)
{
	char *error = NULL;

	if (last_good_stage(daemon->gateway.state, good, &error))
		return true;
	fail(outcome, "refused",
	     "the policy could not be saved, and was not applied: %s", error);
	free(error);
	return false;
}

/* The kernel has accepted it: what the disk says comes second. */
static void promote(struct daemon *daemon)
{
	char *error = NULL;

	if (!last_good_promote(daemon->gateway.state, &error))
		daemon_error(daemon,
			     "the live policy is not saved as last-known-good: %s",
			     error);
	free(error);
}

/* Takes over the contents of both, unless they are held already. */
static void hold(struct daemon *daemon, struct policy *policy,
		 struct last_good *good)
{
	if (policy == &daemon->held.policy)
		return;
	held_clear(&daemon->held);
	daemon->held.valid = true;
	daemon->held.policy = *policy;
	daemon->held.good = *good;
	memset(policy, 0, sizeof(*policy));
	memset(good, 0, sizeof(*good));
	/* To parse it took several times what is held. */
	malloc_trim(0);
}

static uint64_t superseded_by(const struct daemon *daemon, uint64_t live,
			      uint64_t revision)
{
	uint64_t superseded = daemon->held.good.superseded;

	if (revision < live && live > superseded)
		superseded = live;
	return revision < superseded ? superseded : 0;
}

static void describe_live(struct outcome *outcome, uint32_t generation,
			  uint64_t revision, bool changed)
{
	outcome->generation = generation;
	outcome->revision = revision;
	outcome->changed = changed;
}

/* The kernel has it already: only our memory and the disk may lack it. */
static void adopt(struct daemon *daemon, struct policy *policy,
		  struct last_good *good, const struct client_info *info,
		  struct outcome *outcome)
{
	struct outcome ignored = { 0 };

	describe_live(outcome, info->generation, info->revision, false);
	if (daemon->held.valid &&
	    same_digest(daemon->held.policy.digest, policy->digest))
		return;
	if (stage(daemon, good, &ignored))
		promote(daemon);
	else
		daemon_error(daemon, "%s", ignored.error);
	outcome_free(&ignored);
	hold(daemon, policy, good);
}

static void report_load(enum load_result result, struct outcome *outcome)
{
	const struct diag *diag = &outcome->diag;

	switch (result) {
	case LOAD_STALE:
		fail(outcome, "refused",
		     "another program keeps changing the policy in the kernel: nothing was changed");
		break;
	case LOAD_NO_MODULE:
		fail(outcome, "module",
		     "the lenscap module is not loaded any more");
		break;
	default:
		fail(outcome, "refused",
		     "the kernel refused the policy: nothing was changed");
	}
	if (result == LOAD_REFUSED && diag->errors == 1 && diag->count) {
		char *error = mem_print("%s: %s", outcome->error,
					diag->items[diag->count - 1].message);

		free(outcome->error);
		outcome->error = error;
	}
}

/* One attempt; %LOAD_STALE: worth another. */
static enum load_result try_live(struct daemon *daemon, struct policy *policy,
				 struct last_good *good, bool rollback,
				 struct outcome *outcome)
{
	struct load load = { .policy = policy, .rollback = rollback };
	const struct held *held = &daemon->held;
	enum load_result result;
	struct client_error err;
	struct client_info info;
	uint64_t live;

	if (client_info(daemon->client, &info, &err) < 0) {
		fail_client(outcome, &err);
		return LOAD_REFUSED;
	}
	if (kernel_has(&info, policy->digest)) {
		adopt(daemon, policy, good, &info, outcome);
		return LOAD_DONE;
	}
	if (!revision_allows(daemon, &info, policy, rollback, outcome))
		return LOAD_REFUSED;
	live = info.generation ? info.revision :
	       held->valid ? held->good.revision : 0;
	good->revision = policy->revision;
	memcpy(good->digest, policy->digest, sizeof(good->digest));
	good->superseded = superseded_by(daemon, live, policy->revision);
	if (!stage(daemon, good, outcome))
		return LOAD_REFUSED;
	load.generation = info.generation;
	if (held->valid && kernel_has(&info, held->policy.digest))
		load.base = &held->policy;
	/* No device is to be known there before it is known here. */
	interlock_expect(&daemon->interlock, policy);
	result = load_policy(&load, &outcome->generation, &outcome->diag);
	if (result != LOAD_DONE) {
		last_good_unstage(daemon->gateway.state);
		interlock_update(&daemon->interlock);
		return result;
	}
	promote(daemon);
	describe_live(outcome, outcome->generation, policy->revision, true);
	log_notice("policy revision %" PRIu64 " is live: generation %u, %zu device(s), %zu profile(s)",
		   policy->revision, outcome->generation, policy->ndevices,
		   policy->nprofiles);
	hold(daemon, policy, good);
	interlock_update(&daemon->interlock);
	return LOAD_DONE;
}

/*
 * Makes a policy live, unless it is. Takes over @policy and @good if that
 * succeeds; the caller frees what is left of both.
 */
static void make_live(struct daemon *daemon, struct policy *policy,
		      struct last_good *good, bool rollback,
		      struct outcome *outcome)
{
	enum load_result result;
	int attempt = 1;

	/* JSON's integers, in files and answers, end there. */
	if (policy->revision > INT64_MAX) {
		fail(outcome, "policy",
		     "revision %" PRIu64 " is higher than %" PRId64 ", the highest there is",
		     policy->revision, INT64_MAX);
		return;
	}
	do {
		result = try_live(daemon, policy, good, rollback, outcome);
		if (result == LOAD_STALE)
			log_warning("another program changed the policy in the kernel meanwhile");
	} while (result == LOAD_STALE && attempt++ < ATTEMPTS);
	if (result != LOAD_DONE)
		report_load(result, outcome);
}

/**
 * apply_bundle() - make a client's policy live
 * @daemon: the daemon
 * @bundle: its text; taken over
 * @rollback: its revision may be lower than the live one
 * @outcome: what came of it
 */
void apply_bundle(struct daemon *daemon, struct policy_bundle *bundle,
		  bool rollback, struct outcome *outcome)
{
	struct last_good good = { .bundle = *bundle };
	struct policy policy;

	memset(bundle, 0, sizeof(*bundle));
	if (policy_parse(&good.bundle, &policy, &outcome->diag) < 0) {
		fail_text(outcome, "the policy");
	} else {
		warn_strangers(&daemon->gateway, &policy,
			       good.bundle.files[0].name, &outcome->diag);
		make_live(daemon, &policy, &good, rollback, outcome);
	}
	policy_free(&policy);
	last_good_clear(&good);
}

/**
 * enum choice - which policy it is to be: that of the file or the held one
 * @CHOICE_FILE: the file's is new, or the same
 * @CHOICE_HELD: the file's is older, or was rolled back from
 * @CHOICE_CONFLICT: the file's has the held one's revision and other content
 */
enum choice {
	CHOICE_FILE,
	CHOICE_HELD,
	CHOICE_CONFLICT,
};

static enum choice choose(const struct daemon *daemon, const char *file,
			  const struct policy *policy, struct diag *diag)
{
	const struct last_good *good = &daemon->held.good;

	if (!daemon->held.valid ||
	    same_digest(good->digest, policy->digest))
		return CHOICE_FILE;
	if (policy->revision == good->revision) {
		diag_error(diag, file, 0, 0,
			   "revision %" PRIu64 " was applied with other content: each change needs a revision of its own: use %" PRIu64 " or higher",
			   policy->revision, good->revision + 1);
		return CHOICE_CONFLICT;
	}
	if (policy->revision < good->revision) {
		diag_warning(diag, file, 0, 0,
			     "revision %" PRIu64 " is older than %" PRIu64 ", which was applied since: the newer one stays",
			     policy->revision, good->revision);
		return CHOICE_HELD;
	}
	if (policy->revision <= good->superseded) {
		diag_warning(diag, file, 0, 0,
			     "revision %" PRIu64 " was rolled back from: revision %" PRIu64 " stays; give the file a revision higher than %" PRIu64 ", or apply it by hand",
			     policy->revision, good->revision,
			     good->superseded);
		return CHOICE_HELD;
	}
	return CHOICE_FILE;
}

/* Sends what is held once more, if the kernel does not have it. */
static void restore_held(struct daemon *daemon, struct outcome *outcome)
{
	if (daemon->held.valid)
		make_live(daemon, &daemon->held.policy, &daemon->held.good,
			  false, outcome);
}

/* What the state directory holds, the staged policy first if it is live. */
static void load_held(struct daemon *daemon)
{
	const char *dir = daemon->gateway.state;
	struct client_info info = { 0 };
	struct client_error err;
	struct diag diag = { 0 };
	struct last_good good;
	struct policy policy;

	if (last_good_load(dir, true, &good)) {
		if (daemon->client &&
		    !client_info(daemon->client, &info, &err) &&
		    kernel_has(&info, good.digest)) {
			log_notice("the policy of revision %" PRIu64 " was committed, but not yet saved, when the daemon ended: it is now",
				   good.revision);
			promote(daemon);
		}
		last_good_clear(&good);
	}
	last_good_unstage(dir);
	if (!last_good_load(dir, false, &good))
		return;
	if (policy_parse(&good.bundle, &policy, &diag) < 0 ||
	    !same_digest(policy.digest, good.digest)) {
		daemon_error(daemon,
			     "the last-known-good policy in %s is damaged: it is ignored",
			     dir);
		log_diag(&diag);
		policy_free(&policy);
		last_good_clear(&good);
	} else {
		hold(daemon, &policy, &good);
	}
	diag_free(&diag);
}

/* Reads and checks the policy file; false with errors in @diag. */
static bool read_file(const struct gateway *gateway, struct policy *policy,
		      struct last_good *good, struct diag *diag)
{
	memset(policy, 0, sizeof(*policy));
	memset(good, 0, sizeof(*good));
	if (policy_read(gateway->policy, &good->bundle, policy, diag) < 0)
		return false;
	warn_strangers(gateway, policy, gateway->policy, diag);
	return true;
}

static bool file_is_missing(const char *path)
{
	return access(path, F_OK) < 0 && errno == ENOENT;
}

static bool start_from_file(struct daemon *daemon)
{
	const char *path = daemon->gateway.policy;
	struct outcome outcome = { 0 };
	struct last_good good;
	struct policy policy;
	bool done = false;

	if (file_is_missing(path)) {
		log_line(daemon->held.valid ? LOG_LEVEL_INFO :
					      LOG_LEVEL_WARNING,
			 "there is no policy file %s", path);
		return false;
	}
	if (!read_file(&daemon->gateway, &policy, &good, &outcome.diag)) {
		fail_text(&outcome, path);
	} else if (choose(daemon, path, &policy, &outcome.diag) ==
		   CHOICE_FILE) {
		make_live(daemon, &policy, &good, false, &outcome);
		done = !outcome.error;
	}
	log_diag(&outcome.diag);
	if (outcome.error)
		daemon_error(daemon, "%s", outcome.error);
	else if (outcome.diag.errors)
		daemon_error(daemon, "%s: not applied", path);
	policy_free(&policy);
	last_good_clear(&good);
	outcome_free(&outcome);
	return done;
}

/**
 * apply_at_start() - make the policy live that is to be live
 * @daemon: whose module has just been found
 *
 * That is the policy file's, or the last-known-good one if the file is
 * broken, older or missing. A live generation that has it is not touched.
 */
void apply_at_start(struct daemon *daemon)
{
	struct outcome outcome = { 0 };
	struct client_info info;
	struct client_error err;

	if (!daemon->held.valid)
		load_held(daemon);
	if (!start_from_file(daemon)) {
		restore_held(daemon, &outcome);
		log_diag(&outcome.diag);
		if (outcome.error)
			daemon_error(daemon, "%s", outcome.error);
		else if (daemon->held.valid)
			log_notice("the last-known-good policy, revision %" PRIu64 ", is live",
				   daemon->held.good.revision);
		outcome_free(&outcome);
	}
	if (client_info(daemon->client, &info, &err) < 0)
		return;
	if (!info.generation)
		daemon_error(daemon,
			     "there is no policy: everything that arrives at a guard is dropped until one is applied");
	else if (!daemon->held.valid ||
		 !kernel_has(&info, daemon->held.policy.digest))
		daemon_error(daemon,
			     "the live policy (revision %" PRIu64 ") is not one that this daemon has: it stays until a higher revision is applied",
			     info.revision);
	daemon->foreign = info.generation;
}

/**
 * apply_without_module() - there is no module to give a policy to
 * @daemon: the daemon
 *
 * The interlock can be told whose addresses there are to cut off.
 */
void apply_without_module(struct daemon *daemon)
{
	load_held(daemon);
	interlock_update(&daemon->interlock);
	log_warning("nothing is judged without the module; %s",
		    interlock_cut(&daemon->interlock));
}

/* Of gateway.yaml, what cannot change while the daemon runs. */
static void keep_fixed(char **old, char **new, const char *what,
		       const char *file, struct diag *diag)
{
	if (strcmp(*old, *new))
		diag_warning(diag, file, 0, 0,
			     "%s: takes effect when lenscapd is started again",
			     what);
	free(*new);
	*new = *old;
	*old = NULL;
}

static void take_gateway(struct daemon *daemon, struct gateway *next,
			 struct diag *diag)
{
	struct gateway *old = &daemon->gateway;

	/* The state directory's name is also known to daemon->records. */
	keep_fixed(&old->state, &next->state, "state", daemon->config, diag);
	keep_fixed(&old->socket, &next->socket, "socket", daemon->config,
		   diag);
	keep_fixed(&old->group, &next->group, "group", daemon->config, diag);
	gateway_free(old);
	*old = *next;
	memset(next, 0, sizeof(*next));
	event_configure(daemon);
	history_configure(&daemon->history, old, history_now());
	json_object_clear(daemon->guards.disarmed);
	interlock_close_guard(&daemon->interlock, NULL);
}

static bool tag_can_change(const struct gateway *next,
			   const struct client_info *info, const char *file,
			   struct diag *diag)
{
	if (!info->guards || (info->tag_value == next->tag_value &&
			      info->tag_mask == next->tag_mask &&
			      info->class_mask == next->class_mask))
		return true;
	diag_error(diag, file, 0, 0,
		   "tag: it cannot change while guards are armed: \"lenscapctl disarm\" first (cameras are cut off then), and reload again");
	return false;
}

/* Policy first: if the kernel refuses it, nothing has changed. */
static void reload_policy(struct daemon *daemon, const struct gateway *next,
			  struct outcome *outcome)
{
	const char *path = next->policy;
	struct last_good good;
	struct policy policy;

	if (file_is_missing(path)) {
		diag_warning(&outcome->diag, path, 0, 0,
			     "there is no such file: the live policy stays");
		restore_held(daemon, outcome);
		return;
	}
	if (!read_file(next, &policy, &good, &outcome->diag)) {
		fail_text(outcome, path);
	} else {
		switch (choose(daemon, path, &policy, &outcome->diag)) {
		case CHOICE_FILE:
			make_live(daemon, &policy, &good, false, outcome);
			break;
		case CHOICE_HELD:
			restore_held(daemon, outcome);
			break;
		case CHOICE_CONFLICT:
			fail_text(outcome, path);
		}
	}
	policy_free(&policy);
	last_good_clear(&good);
}

/**
 * reload() - read gateway.yaml and the policy file again
 * @daemon: the daemon
 * @outcome: what came of it
 *
 * Everything is checked before anything changes. Guards come last; when the
 * kernel refuses one, the policy is live nevertheless, and the answer says so.
 */
void reload(struct daemon *daemon, struct outcome *outcome)
{
	struct gateway next = { 0 };
	struct policy_file text;
	struct client_error err;
	struct client_info info;

	event_reopen(daemon);
	if (fallback_read(daemon->config, &text, &next, &outcome->diag) < 0) {
		fail_text(outcome, daemon->config);
		goto out;
	}
	if (client_info(daemon->client, &info, &err) < 0) {
		fail_client(outcome, &err);
		goto out;
	}
	if (!tag_can_change(&next, &info, daemon->config, &outcome->diag)) {
		fail_text(outcome, daemon->config);
		goto out;
	}
	describe_live(outcome, info.generation, info.revision, false);
	/* Between the two files, the devices of both are held. */
	daemon->interlock.next = &next;
	module_hold_guards(daemon, &next, true);
	reload_policy(daemon, &next, outcome);
	daemon->interlock.next = NULL;
	if (outcome->error) {
		interlock_release(&daemon->interlock);
		goto out;
	}
	take_gateway(daemon, &next, &outcome->diag);
	fallback_take(daemon, &text);
	if (!module_sync_tag(daemon, &daemon->gateway, &info, &outcome->diag) ||
	    module_sync_guards(daemon, &outcome->diag) < 0)
		fail(outcome, "refused",
		     "the policy (revision %" PRIu64 ") is live, but not all of %s could be put into effect",
		     outcome->revision, daemon->config);
	daemon->interlock.let_go = true;
	interlock_release(&daemon->interlock);
	if (!outcome->error)
		fallback_keep(daemon);
	log_notice("%s and %s were read again", daemon->config,
		   daemon->gateway.policy);
out:
	file_free(&text);
	gateway_free(&next);
}
