// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions: policy is built aside, completely, and published with one
 * pointer.
 *
 * A transaction belongs to a socket. It stages a policy of its own, which no
 * packet can see, and every request on it either succeeds or leaves the staged
 * policy as it was. Commit compiles; if that fails the transaction stays open
 * and the live generation has not been touched. Only the holder of the one
 * transaction can change what is live, so the number of the live generation
 * that a commit expects can go stale only between its "begin" and an earlier
 * look; it is checked nevertheless, because a daemon that was away must not
 * replace what it has not seen.
 *
 * Lifetime of the staged policy: only lenscap_net.txn refers to it, under
 * lenscap_net.lock. It ends by commit (its contents pass to the generation),
 * by abort, by the close of its socket, or with the namespace.
 */
#include <linux/slab.h>

#include "droplog.h"
#include "event.h"
#include "settle.h"
#include "txn.h"

static void txn_free(struct lenscap_net *ln)
{
	lenscap_policy_destroy(&ln->txn->policy);
	kfree(ln->txn);
	ln->txn = NULL;
	WRITE_ONCE(ln->txn_portid, 0);
}

/**
 * lenscap_txn_begin() - open a transaction
 * @ln: the namespace
 * @portid: the socket that it will belong to
 * @base: what it starts from
 * @extack: receives the refusal's text
 *
 * Context: process, lenscap_net.lock held.
 *
 * Return: 0; -EALREADY if this socket has one open; -EBUSY if another has;
 * -ENOMEM.
 */
int lenscap_txn_begin(struct lenscap_net *ln, u32 portid,
		      enum lenscap_base base, struct netlink_ext_ack *extack)
{
	struct lenscap_generation *live = lenscap_live(ln);
	struct lenscap_txn *txn;

	if (ln->txn && ln->txn_portid == portid) {
		NL_SET_ERR_MSG(extack, "a transaction is already open on this socket: commit or abort it");
		return -EALREADY;
	}
	if (ln->txn) {
		NL_SET_ERR_MSG(extack, "another socket has a transaction open: try again later");
		return -EBUSY;
	}
	txn = kzalloc(sizeof(*txn), GFP_KERNEL_ACCOUNT);
	if (!txn)
		return -ENOMEM;
	if (base == LENSCAP_BASE_LIVE && live)
		lenscap_policy_copy(&txn->policy, &live->policy);
	else
		lenscap_policy_init(&txn->policy, ln->seed);
	ln->txn = txn;
	WRITE_ONCE(ln->txn_portid, portid);
	return 0;
}

/**
 * lenscap_txn_find() - the transaction of a socket
 * @ln: the namespace
 * @portid: the socket
 * @extack: receives the refusal's text
 *
 * Context: process, lenscap_net.lock held; valid until it is released.
 *
 * Return: the transaction or ERR_PTR(-ENOENT).
 */
struct lenscap_txn *lenscap_txn_find(struct lenscap_net *ln, u32 portid,
				     struct netlink_ext_ack *extack)
{
	if (ln->txn && ln->txn_portid == portid)
		return ln->txn;
	NL_SET_ERR_MSG(extack, "no transaction is open on this socket: begin one");
	return ERR_PTR(-ENOENT);
}

static const char *conflict_name(const struct lc_device *device)
{
	return device ? lenscap_device_name(lenscap_device_of(device)) : "?";
}

static int refuse_compile(int err, const struct lc_conflict *conflict,
			  struct netlink_ext_ack *extack)
{
	if (err == -EEXIST)
		lenscap_extack_fmt(extack, "devices \"%s\" and \"%s\" answer to the same %s: give one of them another",
				   conflict_name(conflict->first),
				   conflict_name(conflict->second),
				   conflict->first->has_mac ? "MAC" : "address");
	else if (err == -EINVAL)
		lenscap_extack_fmt(extack, "device \"%s\" has no such profile or a malformed address",
				   conflict_name(conflict->first));
	else if (err == -ENOSPC)
		NL_SET_ERR_MSG(extack, "128 devices on different guards have the same MAC or address, which is the limit: leave out their guard, or change some");
	else
		NL_SET_ERR_MSG(extack, "out of memory while compiling: the live policy stays");
	return err;
}

/**
 * lenscap_txn_commit() - compile a transaction and publish it
 * @ln: the namespace
 * @portid: the socket
 * @commit: what it says
 * @extack: receives the refusal's text
 *
 * Packets in flight finish with the generation that they began with; each
 * packet is judged by exactly one.
 *
 * Context: process, lenscap_net.lock held. Does not wait for a grace period.
 *
 * Return: 0; -ENOENT without a transaction; -ESTALE if another generation is
 * live or the revision went back; -EEXIST if two devices would answer to one
 * frame; -ENOSPC if too many have one MAC on different guards; -ENOMEM. On error
 * nothing has changed and the transaction is open.
 */
int lenscap_txn_commit(struct lenscap_net *ln, u32 portid,
		       const struct lenscap_commit *commit,
		       struct netlink_ext_ack *extack)
{
	struct lenscap_generation *live = lenscap_live(ln);
	struct lenscap_txn *txn = lenscap_txn_find(ln, portid, extack);
	struct lenscap_generation *gen;
	struct lc_conflict conflict;

	if (IS_ERR(txn))
		return PTR_ERR(txn);
	if (commit->expect != (live ? live->number : 0)) {
		lenscap_extack_fmt(extack, "generation %u is live, not %u: begin again from it",
				   live ? live->number : 0, commit->expect);
		return -ESTALE;
	}
	if (live && commit->revision < live->revision && !commit->rollback) {
		lenscap_extack_fmt(extack, "revision %llu is older than the live %llu: say so if a rollback is meant",
				   commit->revision, live->revision);
		return -ESTALE;
	}

	gen = lenscap_generation_create(&txn->policy, &conflict);
	if (IS_ERR(gen))
		return refuse_compile(PTR_ERR(gen), &conflict, extack);
	if (!++ln->number)
		ln->number = 1;
	gen->number = ln->number;
	gen->revision = commit->revision;
	gen->committed = lenscap_now();
	if (commit->digest)
		memcpy(gen->digest, commit->digest, sizeof(gen->digest));

	lenscap_settle_begin(ln, live ? &live->policy : NULL, gen);
	rcu_assign_pointer(ln->live, gen);
	/* 1. From here on no new packet finds the old generation.
	 * 2. Those that did are inside rcu_read_lock() until they are judged.
	 * 3. Dumps that read it hold lenscap_net.lock, as this does.
	 * 4. So after a grace period nobody holds it.
	 */
	lenscap_generation_release(live);
	txn_free(ln);
	lenscap_event_generation(ln, gen);
	return 0;
}

/**
 * lenscap_txn_abort() - throw a transaction away
 * @ln: the namespace
 * @portid: the socket
 * @extack: receives the refusal's text
 *
 * Context: process, lenscap_net.lock held. Return: 0 or -ENOENT.
 */
int lenscap_txn_abort(struct lenscap_net *ln, u32 portid,
		      struct netlink_ext_ack *extack)
{
	struct lenscap_txn *txn = lenscap_txn_find(ln, portid, extack);

	if (IS_ERR(txn))
		return PTR_ERR(txn);
	txn_free(ln);
	return 0;
}

/**
 * lenscap_txn_close() - a socket was closed: abort what it had open
 * @ln: the namespace
 * @portid: the socket
 *
 * Every generic netlink socket comes by here, so the lock, which a commit may
 * hold for long, is taken only by one that seems to own the transaction. Its
 * own "begin" was before its close, so it cannot miss it.
 *
 * Context: process.
 */
void lenscap_txn_close(struct lenscap_net *ln, u32 portid)
{
	if (READ_ONCE(ln->txn_portid) != portid)
		return;
	mutex_lock(&ln->lock);
	if (ln->txn && ln->txn_portid == portid)
		txn_free(ln);
	mutex_unlock(&ln->lock);
}

/**
 * lenscap_txn_exit() - the namespace ends: drop transaction and live policy
 * @ln: the namespace
 *
 * 1. Its interfaces are gone, so no packet can enter the hook any more
 *    (lenscap_guards_exit() came first), and those that had are covered by the
 *    grace period of lenscap_generation_release().
 * 2. Its sockets are gone, so there is no request and no dump.
 *
 * Context: process.
 */
void lenscap_txn_exit(struct lenscap_net *ln)
{
	mutex_lock(&ln->lock);
	if (ln->txn)
		txn_free(ln);
	lenscap_generation_release(lenscap_live(ln));
	RCU_INIT_POINTER(ln->live, NULL);
	mutex_unlock(&ln->lock);
}
