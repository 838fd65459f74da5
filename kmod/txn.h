/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_TXN_H
#define _LENSCAP_TXN_H

#include "lenscap.h"
#include "table.h"

/**
 * struct lenscap_txn - an open transaction; at most one in a namespace
 * @policy: what is staged
 */
struct lenscap_txn {
	struct lenscap_policy policy;
};

/**
 * struct lenscap_commit - what a commit says
 * @expect: number of the live generation that it means to replace, 0: none
 * @revision: of the new policy
 * @rollback: a revision below the live one is meant
 * @digest: LENSCAP_DIGEST_LEN bytes or NULL
 */
struct lenscap_commit {
	u32 expect;
	u64 revision;
	bool rollback;
	const u8 *digest;
};

int lenscap_txn_begin(struct lenscap_net *ln, u32 portid,
		      enum lenscap_base base, struct netlink_ext_ack *extack);
struct lenscap_txn *lenscap_txn_find(struct lenscap_net *ln, u32 portid,
				     struct netlink_ext_ack *extack);
int lenscap_txn_commit(struct lenscap_net *ln, u32 portid,
		       const struct lenscap_commit *commit,
		       struct netlink_ext_ack *extack);
int lenscap_txn_abort(struct lenscap_net *ln, u32 portid,
		      struct netlink_ext_ack *extack);
void lenscap_txn_close(struct lenscap_net *ln, u32 portid);
void lenscap_txn_exit(struct lenscap_net *ln);

static inline struct lenscap_generation *
lenscap_live(const struct lenscap_net *ln)
{
	return rcu_dereference_protected(ln->live, lockdep_is_held(&ln->lock));
}

#endif /* _LENSCAP_TXN_H */
