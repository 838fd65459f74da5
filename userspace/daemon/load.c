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

static int compare_profiles(const void *a, const void *b)
{
	const struct policy_profile *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int compare_devices(const void *a, const void *b)
{
	const struct policy_device *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static const struct policy_profile **sort_profiles(const struct policy *policy)
{
	const struct policy_profile **list;

	list = mem_alloc(policy->nprofiles * sizeof(*list));
	for (size_t i = 0; i < policy->nprofiles; i++)
		list[i] = &policy->profiles[i];
	qsort(list, policy->nprofiles, sizeof(*list), compare_profiles);
	return list;
}

static const struct policy_device **sort_devices(const struct policy *policy)
{
	const struct policy_device **list;

	list = mem_alloc(policy->ndevices * sizeof(*list));
	for (size_t i = 0; i < policy->ndevices; i++)
		list[i] = &policy->devices[i];
	qsort(list, policy->ndevices, sizeof(*list), compare_devices);
	return list;
}

/* Where two sorted lists of names are: <0: only in the old one, and so on. */
static int side(size_t o, size_t nold, size_t n, size_t nnew,
		const char *old, const char *new)
{
	if (o == nold)
		return 1;
	if (n == nnew)
		return -1;
	return strcmp(old, new);
}

static void send_profiles(struct transaction *txn, const struct load *load,
			  bool removals)
{
	const struct policy_profile **old = sort_profiles(load->base);
	const struct policy_profile **new = sort_profiles(load->policy);
	size_t nold = load->base->nprofiles, nnew = load->policy->nprofiles;
	size_t o = 0, n = 0;

	while (o < nold || n < nnew) {
		int where = side(o, nold, n, nnew,
				 o < nold ? old[o]->name : NULL,
				 n < nnew ? new[n]->name : NULL);

		if (where < 0 && removals)
			del_profile(txn, old[o]->name);
		else if (where > 0 && !removals)
			set_profile(txn, new[n]);
		else if (!where && !removals && !same_profile(old[o], new[n]))
			set_profile(txn, new[n]);
		o += where <= 0;
		n += where >= 0;
	}
	free(old);
	free(new);
}

static void send_devices(struct transaction *txn, const struct load *load,
			 bool removals)
{
	const struct policy_device **old = sort_devices(load->base);
	const struct policy_device **new = sort_devices(load->policy);
	size_t nold = load->base->ndevices, nnew = load->policy->ndevices;
	size_t o = 0, n = 0;

	while (o < nold || n < nnew) {
		int where = side(o, nold, n, nnew,
				 o < nold ? old[o]->name : NULL,
				 n < nnew ? new[n]->name : NULL);

		if (where < 0 && removals)
			del_device(txn, old[o]->name);
		else if (where > 0 && !removals)
			set_device(txn, new[n]);
		else if (!where && !removals && !same_device(old[o], new[n]))
			set_device(txn, new[n]);
		o += where <= 0;
		n += where >= 0;
	}
	free(old);
	free(new);
}

static void send_parts(struct transaction *txn, const struct load *load)
{
	const struct policy *policy = load->policy;

	if (load->base) {
		send_profiles(txn, load, false);
		send_devices(txn, load, true);
		send_devices(txn, load, false);
		send_profiles(txn, load, true);
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
