/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_CAPTURE_H
#define _LENSCAP_CAPTURE_H

#include <linux/if_ether.h>
#include <linux/jump_label.h>

#include "lenscap.h"

struct lenscap_guard;

/**
 * struct lenscap_capture - refused frames that somebody wants to see
 * @list: in lenscap_net.captures; written under the lock of capture.c, read by
 *	packets under RCU
 * @id: from 1, of the namespace, never used twice
 * @owner: port id of the netlink socket that it ends with
 * @guard: only frames of the guard of this name; "": of any
 * @device: only frames of the device of this name; "": of any
 * @mac: only frames from here, if @has_mac
 * @has_mac: see @mac
 * @reason: only frames refused for this reason; %LENSCAP_REASON_NONE: for any
 * @link: they go out as frames of the link, and not as IPv4 and IPv6 packets
 * @group: NFLOG group
 * @snaplen: bytes from the network header on; 0: all
 * @rate: frames a second, and at once; from 1
 * @until: when the frames that were sent will have been paid for, in ns of the
 *	monotonic clock
 * @sent: frames that went out
 * @suppressed: frames that did not, because of @rate
 * @rcu: frees it
 *
 * A capture names what it is of, so that it goes on whatever is exchanged under
 * it: a policy, a guard, an interface. Nothing of that name need be there yet.
 */
struct lenscap_capture {
	struct list_head list;
	u32 id;
	u32 owner;
	char guard[LENSCAP_NAME_LEN + 1];
	char device[LENSCAP_NAME_LEN + 1];
	u8 mac[ETH_ALEN];
	bool has_mac;
	u8 reason;
	bool link;
	u16 group;
	u32 snaplen;
	u32 rate;
	atomic64_t until;
	atomic64_t sent;
	atomic64_t suppressed;
	struct rcu_head rcu;
};

DECLARE_STATIC_KEY_FALSE(lenscap_capturing);

void lenscap_capture_add(struct lenscap_net *ln, const struct sk_buff *skb,
			 const struct lenscap_guard *guard,
			 const struct lenscap_generation *gen,
			 const struct lc_key *key,
			 const struct lc_verdict *verdict);

/* For a frame that is refused: nothing but a no-op while nobody captures. */
static __always_inline void
lenscap_capture(struct lenscap_net *ln, const struct sk_buff *skb,
		const struct lenscap_guard *guard,
		const struct lenscap_generation *gen, const struct lc_key *key,
		const struct lc_verdict *verdict)
{
	if (static_branch_unlikely(&lenscap_capturing))
		lenscap_capture_add(ln, skb, guard, gen, key, verdict);
}

int lenscap_capture_begin(struct lenscap_net *ln,
			  const struct lenscap_capture *wanted, u32 *id,
			  struct netlink_ext_ack *extack);
int lenscap_capture_end(struct lenscap_net *ln, u32 id,
			struct netlink_ext_ack *extack);
void lenscap_capture_close(struct lenscap_net *ln, u32 portid);
int lenscap_capture_each(struct lenscap_net *ln, u32 after,
			 int (*call)(const struct lenscap_capture *capture,
				     void *arg), void *arg);
void lenscap_captures_init(struct lenscap_net *ln);
void lenscap_captures_exit(struct lenscap_net *ln);

#endif /* _LENSCAP_CAPTURE_H */
