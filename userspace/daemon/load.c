// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing a checked policy into the kernel, in one transaction.
 *
 * When it is known what the live generation consists of, the transaction
 * starts from it and only differences travel: one camera more among 50,000 is
 * one message. The socket is opened for the transaction and closed after it,
 * so that however this ends, nothing stays open in the kernel.
 *
 * Order within a transaction: profiles before the devices that use them,
 * removals of devices before additions (an address may change hands), and
 * profiles that nobody uses any more at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "index.h"
#include "load.h"
#include "log.h"
#include "mem.h"

/**
 * struct transaction - a transaction under way
 * @client: its socket
 * @diag: receives refusals
 * @failed: to send further parts is pointless
 * @sent: parts that were sent
 */
struct transaction {
	struct client *client;
	struct diag *diag;
	bool failed;
	size_t sent;
};

static void refused(void *arg, const struct client_error *err)
{
	struct transaction *txn = arg;

	diag_error(txn->diag, NULL, 0, 0, "%s", err->text);
}

static void note(struct transaction *txn, int result,
		 const struct client_error *err)
{
	txn->sent++;
	if (!result || txn->failed)
		return;
	/* Refusals of parts have been told; going on finds the others. */
	if (err->fault == CLIENT_REFUSED)
		return;
	txn->failed = true;
	if (err->fault != CLIENT_PERMISSION)
		diag_error(txn->diag, NULL, 0, 0, "%s", err->text);
}

static void set_profile(struct transaction *txn,
			const struct policy_profile *profile)
{
	struct client_error err;

	if (!txn->failed)
		note(txn, client_txn_profile_set(txn->client, profile, &err),
		     &err);
}

static void del_profile(struct transaction *txn, const char *name)
{
	struct client_error err;

	if (!txn->failed)
		note(txn, client_txn_profile_del(txn->client, name, &err),
		     &err);
}

static void set_device(struct transaction *txn,
		       const struct policy_device *device)
{
	struct client_error err;

	if (!txn->failed)
		note(txn, client_txn_device_set(txn->client, device, &err),
		     &err);
}

static void del_device(struct transaction *txn, const char *name)
{
	struct client_error err;

	if (!txn->failed)
		note(txn, client_txn_device_del(txn->client, name, &err),
		     &err);
}

static bool same_prefix(const struct policy_prefix *a,
			const struct policy_prefix *b)
{
	return a->family == b->family && a->len == b->len &&
	       !memcmp(a->addr, b->addr, a->family == 6 ? 16 : 4);
}

static bool same_rule(const struct policy_rule *a, const struct policy_rule *b)
{
	return same_prefix(&a->peer, &b->peer) && a->proto == b->proto &&
	       a->peer_initiates == b->peer_initiates &&
	       a->peer_low == b->peer_low && a->peer_high == b->peer_high &&
	       a->device_low == b->device_low &&
	       a->device_high == b->device_high;
}

static bool same_profile(const struct policy_profile *a,
			 const struct policy_profile *b)
{
	if (a->mode != b->mode || a->class != b->class ||
	    a->nrules != b->nrules)
		return false;
	for (size_t i = 0; i < a->nrules; i++)
		if (!same_rule(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_device(const struct policy_device *a,
			const struct policy_device *b)
{
	if (a->has_mac != b->has_mac || !same_text(a->guard, b->guard) ||
	    !same_text(a->profile, b->profile) || a->naddrs != b->naddrs ||
	    (a->has_mac && memcmp(a->mac, b->mac, sizeof(a->mac))))
		return false;
	for (size_t i = 0; i < a->naddrs; i++)
		if (!same_prefix(&a->addrs[i], &b->addrs[i]))
			return false;
	return true;
}

/* What a policy has many of, each with a name. */
struct kind {
	size_t (*count)(const struct policy *policy);
	const char *(*name)(const struct policy *policy, size_t number);
};

static size_t profile_count(const struct policy *policy)
{
	return policy->nprofiles;
}

static const char *profile_name(const struct policy *policy, size_t number)
{
	return policy->profiles[number].name;
}

static size_t device_count(const struct policy *policy)
{
	return policy->ndevices;
}

static const char *device_name(const struct policy *policy, size_t number)
{
	return policy->devices[number].name;
}

static const struct kind profiles = { profile_count, profile_name };
static const struct kind devices = { device_count, device_name };

#define NONE SIZE_MAX

/**
 * struct pairs - what has the same name in two policies
 * @old: of each in the new policy: its number in the old one, or %NONE
 * @stays: of each in the old policy: it is in the new one too
 */
struct pairs {
	size_t *old;
	bool *stays;
};

static void enter_names(const struct policy *policy, const struct kind *kind,
			struct index *names)
{
	for (size_t i = 0; i < kind->count(policy); i++)
		index_add(names, kind->name(policy, i),
			  strlen(kind->name(policy, i)), i, NULL);
}

/*
 * Policies are edited, not shuffled: the one behind the latest pair is most
 * often the next, and names are looked up only where that ends.
 */
static void find_pairs(const struct policy *old, const struct policy *new,
		       const struct kind *kind, struct pairs *pairs)
{
	size_t nold = kind->count(old), nnew = kind->count(new), next = 0;
	struct index names = { 0 };
	bool indexed = false;

	pairs->old = mem_alloc(nnew * sizeof(*pairs->old));
	pairs->stays = mem_alloc(nold * sizeof(*pairs->stays));
	for (size_t i = 0; i < nnew; i++) {
		const char *name = kind->name(new, i);
		size_t found = NONE;

		if (next < nold && !strcmp(kind->name(old, next), name)) {
			found = next;
		} else {
			if (!indexed)
				enter_names(old, kind, &names);
			indexed = true;
			index_find(&names, name, strlen(name), &found);
		}
		pairs->old[i] = found;
		if (found == NONE)
			continue;
		pairs->stays[found] = true;
		next = found + 1;
	}
	index_free(&names);
}

static void free_pairs(struct pairs *pairs)
{
	free(pairs->old);
	free(pairs->stays);
}

static void send_profiles(struct transaction *txn, const struct load *load,
			  const struct pairs *pairs)
{
	for (size_t i = 0; i < load->policy->nprofiles; i++) {
		const struct policy_profile *new = &load->policy->profiles[i];
		size_t old = pairs->old[i];

		if (old == NONE || !same_profile(&load->base->profiles[old],
						 new))
			set_profile(txn, new);
	}
}

static void send_devices(struct transaction *txn, const struct load *load,
			 const struct pairs *pairs)
{
	for (size_t i = 0; i < load->policy->ndevices; i++) {
		const struct policy_device *new = &load->policy->devices[i];
		size_t old = pairs->old[i];

		if (old == NONE || !same_device(&load->base->devices[old],
						new))
			set_device(txn, new);
	}
}

static void send_differences(struct transaction *txn, const struct load *load)
{
	const struct policy *base = load->base;
	struct pairs of_profiles, of_devices;

	find_pairs(base, load->policy, &profiles, &of_profiles);
	find_pairs(base, load->policy, &devices, &of_devices);
	send_profiles(txn, load, &of_profiles);
	for (size_t i = 0; i < base->ndevices; i++)
		if (!of_devices.stays[i])
			del_device(txn, base->devices[i].name);
	send_devices(txn, load, &of_devices);
	for (size_t i = 0; i < base->nprofiles; i++)
		if (!of_profiles.stays[i])
			del_profile(txn, base->profiles[i].name);
	free_pairs(&of_profiles);
	free_pairs(&of_devices);
}

static void send_parts(struct transaction *txn, const struct load *load)
{
	const struct policy *policy = load->policy;

	if (load->base) {
		send_differences(txn, load);
		return;
	}
	for (size_t i = 0; i < policy->nprofiles; i++)
		set_profile(txn, &policy->profiles[i]);
	for (size_t i = 0; i < policy->ndevices; i++)
		set_device(txn, &policy->devices[i]);
}

static enum load_result give_up(struct diag *diag,
				const struct client_error *err)
{
	if (err->fault == CLIENT_NO_MODULE)
		return LOAD_NO_MODULE;
	if (err->fault == CLIENT_REFUSED && err->code == ESTALE)
		return LOAD_STALE;
	if (err->fault == CLIENT_REFUSED && err->code == EBUSY)
		diag_error(diag, NULL, 0, 0,
			   "%s (another program is changing the policy: try again when it is done)",
			   err->text);
	else
		diag_error(diag, NULL, 0, 0, "%s", err->text);
	return LOAD_REFUSED;
}

/**
 * load_policy() - bring a policy into the kernel
 * @load: what
 * @generation: receives the number of the new generation
 * @diag: receives refusals
 *
 * Anything but %LOAD_DONE leaves the live generation as it was.
 */
enum load_result load_policy(const struct load *load, uint32_t *generation,
			     struct diag *diag)
{
	struct client_commit commit = {
		.generation = load->generation,
		.revision = load->policy->revision,
		.digest = load->policy->digest,
		.rollback = load->rollback,
	};
	struct transaction txn = { .diag = diag };
	enum load_result result = LOAD_REFUSED;
	struct client_error err;
	size_t errors = diag->errors;
	uint32_t live;

	if (client_open(&txn.client, &err) < 0)
		return give_up(diag, &err);
	if (client_txn_begin(txn.client, load->base ? LENSCAP_BASE_LIVE :
						      LENSCAP_BASE_EMPTY,
			     refused, &txn, &live, &err) < 0) {
		result = give_up(diag, &err);
		goto out;
	}
	if (live != load->generation) {
		result = LOAD_STALE;
		goto out;
	}
	send_parts(&txn, load);
	if (txn.failed)
		goto out;
	if (client_txn_commit(txn.client, &commit, generation, &err) < 0) {
		/* Parts that were refused have been told one by one. */
		if (diag->errors == errors)
			result = give_up(diag, &err);
		goto out;
	}
	log_info("policy sent to the kernel: %zu change(s) from %s",
		 txn.sent, load->base ? "the live generation" : "nothing");
	result = LOAD_DONE;
out:
	client_close(txn.client);
	return result;
}
