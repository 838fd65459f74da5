// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: refused frames, handed to NFLOG for who wants to look into them.
 *
 * A capture says of which guard, device or sender, for which reason, and to which
 * group. Whoever listens to the group (tcpdump, ulogd2, lenscapctl) gets the
 * frames, with a prefix that tells whose they were and why they were refused. It
 * changes no verdict, and costs nothing while there is none: a static key is
 * between the hook and this file. It belongs to the netlink socket that asked for
 * it, so that none stays on when a program ends, however it does.
 *
 * Cost of a frame that is captured. nfnetlink_log allocates a message and takes
 * the lock of its group, which only frames of this group and its listener take. So
 * what is captured is bounded by a rate, whose account is one word. A frame beyond
 * it is counted and costs no more than that. Whether anybody listens to a group is
 * known to nfnetlink_log alone; it drops what nobody wants.
 *
 * Lifetime of a capture:
 *
 *  1. It is taken out of the list, so no new packet finds it.
 *  2. A packet that found it before is inside rcu_read_lock().
 *  3. It is freed by kfree_rcu(), so after that packet.
 *  4. While it is there it holds nfnetlink_log in memory. A packet that is still in
 *     there when this is given up is inside rcu_read_lock(), and nfnetlink_log
 *     waits for those before it goes.
 */
#include <linux/etherdevice.h>
#include <linux/kmod.h>
#include <linux/netfilter.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/netfilter/nf_log.h>

#include "capture.h"
#include "guard.h"
#include "table.h"

DEFINE_STATIC_KEY_FALSE(lenscap_capturing);

/* Of all lenscap_net.captures; a leaf. */
static DEFINE_MUTEX(captures_lock);

static const char *const reasons[] = {
	[LENSCAP_REASON_NONE] = "none",
	[LENSCAP_REASON_NO_POLICY] = "no_policy",
	[LENSCAP_REASON_UNKNOWN_DEVICE] = "unknown_device",
	[LENSCAP_REASON_WRONG_SOURCE] = "wrong_source",
	[LENSCAP_REASON_VLAN_STACK] = "vlan_stack",
	[LENSCAP_REASON_ETHERTYPE] = "ethertype",
	[LENSCAP_REASON_TRUNCATED] = "truncated",
	[LENSCAP_REASON_BAD_HEADER] = "bad_header",
	[LENSCAP_REASON_IP_OPTION] = "ip_option",
	[LENSCAP_REASON_EXT_HEADER] = "ext_header",
	[LENSCAP_REASON_FRAGMENT] = "fragment",
	[LENSCAP_REASON_TINY_FRAGMENT] = "tiny_fragment",
	[LENSCAP_REASON_DESTINATION] = "destination",
	[LENSCAP_REASON_SERVICE] = "service",
	[LENSCAP_REASON_DIRECTION] = "direction",
	[LENSCAP_REASON_QUARANTINE] = "quarantine",
	[LENSCAP_REASON_UPKEEP_OFF] = "upkeep_off",
	[LENSCAP_REASON_UPKEEP_INVALID] = "upkeep_invalid",
	[LENSCAP_REASON_UPKEEP_SPOOF] = "upkeep_spoof",
	[LENSCAP_REASON_ICMP_SIZE] = "icmp_size",
	[LENSCAP_REASON_ICMP_RATE] = "icmp_rate",
	[LENSCAP_REASON_ICMP_QUOTE] = "icmp_quote",
};

static const char *device_name(const struct lc_verdict *verdict)
{
	return verdict->device ?
	       lenscap_device_name(lenscap_device_of(verdict->device)) : "";
}

static bool wants(const struct lenscap_capture *capture,
		  const struct lenscap_guard *guard, const struct lc_key *key,
		  const struct lc_verdict *verdict)
{
	if (capture->reason != LENSCAP_REASON_NONE &&
	    capture->reason != verdict->reason)
		return false;
	if (capture->has_mac &&
	    (!key->has_mac || memcmp(capture->mac, key->mac, ETH_ALEN)))
		return false;
	return (!*capture->guard || !strcmp(capture->guard, guard->name)) &&
	       (!*capture->device ||
		!strcmp(capture->device, device_name(verdict)));
}

/* The generic cell rate algorithm: a second's worth of frames at once. Whoever
 * loses the exchange has let another frame out, so this ends.
 */
static bool may_send(struct lenscap_capture *capture)
{
	s64 now = ktime_get_coarse_ns();
	s64 until = atomic64_read(&capture->until);
	s64 next;

	do {
		next = max(until, now) + div_u64(NSEC_PER_SEC, capture->rate);
		if (next - now > NSEC_PER_SEC)
			return false;
	} while (!atomic64_try_cmpxchg(&capture->until, &until, next));
	return true;
}

/* Programs that know NFLOG from iptables read the packets of two families; of the
 * others they get the bytes. What a frame begins with decides, not what is behind
 * its tags.
 */
static u8 family(const struct lenscap_capture *capture,
		 const struct sk_buff *skb)
{
	if (!capture->link && skb->protocol == htons(ETH_P_IP))
		return NFPROTO_IPV4;
	if (!capture->link && skb->protocol == htons(ETH_P_IPV6))
		return NFPROTO_IPV6;
	return NFPROTO_NETDEV;
}

static void send(struct lenscap_net *ln, struct lenscap_capture *capture,
		 const struct sk_buff *skb, const struct lenscap_guard *guard,
		 const struct lenscap_generation *gen,
		 const struct lc_verdict *verdict)
{
	const char *device = device_name(verdict);
	struct nf_loginfo info = {
		.type = NF_LOG_TYPE_ULOG,
		.u.ulog.group = capture->group,
	};

	if (capture->snaplen) {
		info.u.ulog.flags = NF_LOG_F_COPY_LEN;
		info.u.ulog.copy_len = capture->snaplen;
	}
	/* nfnetlink_log has a BUG() for bytes that cannot be read. */
	if (!lenscap_readable(skb)) {
		info.u.ulog.flags = NF_LOG_F_COPY_LEN;
		info.u.ulog.copy_len = min_not_zero(capture->snaplen,
						    skb_headlen(skb));
	}
	/* NFLOG does not tell how long a frame was that it cuts. What may not fit
	 * comes last: a prefix ends at 127 bytes.
	 */
	nf_log_packet(ln->net, family(capture, skb), NF_NETDEV_INGRESS, skb,
		      skb->dev, NULL, &info,
		      "lenscap %s %s rev=%llu len=%u%s%s guard=%s",
		      verdict->pass ? "audited" : "dropped",
		      reasons[verdict->reason], gen ? gen->revision : 0,
		      skb->len, *device ? " device=" : "", device, guard->name);
}

/**
 * lenscap_capture_add() - a frame is refused: show it to who wants to see it
 * @ln: the namespace
 * @skb: the frame; it is not changed
 * @guard: whose frame it is
 * @gen: the generation that judged, or NULL: none is live
 * @key: what the frame says
 * @verdict: why it is refused, and whether it passes nevertheless
 *
 * Context: softirq or process with bottom halves off, under rcu_read_lock().
 */
void lenscap_capture_add(struct lenscap_net *ln, const struct sk_buff *skb,
			 const struct lenscap_guard *guard,
			 const struct lenscap_generation *gen,
			 const struct lc_key *key,
			 const struct lc_verdict *verdict)
{
	struct lenscap_capture *capture;

	list_for_each_entry_rcu(capture, &ln->captures, list) {
		if (!wants(capture, guard, key, verdict))
			continue;
		if (may_send(capture)) {
			atomic64_inc(&capture->sent);
			send(ln, capture, skb, guard, gen, verdict);
		} else {
			atomic64_inc(&capture->suppressed);
		}
	}
}

/* Not under captures_lock: loading a module takes its time. */
static int hold_logger(struct netlink_ext_ack *extack)
{
	if (!nf_logger_find_get(NFPROTO_NETDEV, NF_LOG_TYPE_ULOG))
		return 0;
	request_module("nfnetlink_log");
	if (!nf_logger_find_get(NFPROTO_NETDEV, NF_LOG_TYPE_ULOG))
		return 0;
	NL_SET_ERR_MSG(extack, "this kernel has no NFLOG: load nfnetlink_log");
	return -EOPNOTSUPP;
}

static void release_logger(void)
{
	nf_logger_put(NFPROTO_NETDEV, NF_LOG_TYPE_ULOG);
}

static u32 captures_count(const struct lenscap_net *ln)
{
	const struct lenscap_capture *capture;
	u32 count = 0;

	list_for_each_entry(capture, &ln->captures, list)
		count++;
	return count;
}

/**
 * lenscap_capture_begin() - let refused frames go to an NFLOG group
 * @ln: the namespace
 * @wanted: which, where to, how many, and whose; the rest is filled in here
 * @id: receives its number
 * @extack: receives the refusal's text
 *
 * Frames are stamped with the time of their arrival while there is a capture.
 *
 * Context: process; may wait for a module to be loaded.
 *
 * Return: 0; -EPERM where another than the host's root could listen;
 * -EOPNOTSUPP without NFLOG; -ENOSPC at the limit; -ENOMEM.
 */
int lenscap_capture_begin(struct lenscap_net *ln,
			  const struct lenscap_capture *wanted, u32 *id,
			  struct netlink_ext_ack *extack)
{
	struct lenscap_capture *capture;
	int err;

	BUILD_BUG_ON(ARRAY_SIZE(reasons) != LENSCAP_REASON_MAX + 1);
	if (ln->net->user_ns != &init_user_ns) {
		NL_SET_ERR_MSG(extack, "this network namespace belongs to another user namespace, whose root could listen");
		return -EPERM;
	}
	err = hold_logger(extack);
	if (err)
		return err;
	capture = kmemdup(wanted, sizeof(*wanted), GFP_KERNEL_ACCOUNT);
	if (!capture) {
		err = -ENOMEM;
		goto fail;
	}
	atomic64_set(&capture->until, 0);
	atomic64_set(&capture->sent, 0);
	atomic64_set(&capture->suppressed, 0);

	mutex_lock(&captures_lock);
	if (captures_count(ln) < LENSCAP_MAX_CAPTURES) {
		capture->id = ++ln->capture_id;
		*id = capture->id;
		list_add_tail_rcu(&capture->list, &ln->captures);
		net_enable_timestamp();
		static_branch_inc(&lenscap_capturing);
	} else {
		lenscap_extack_fmt(extack, "%u captures is the limit of a namespace: end one first",
				   LENSCAP_MAX_CAPTURES);
		err = -ENOSPC;
	}
	mutex_unlock(&captures_lock);
	if (!err)
		return 0;
	kfree(capture);
fail:
	release_logger();
	return err;
}

/* Context: process, captures_lock held. */
static void capture_free(struct lenscap_capture *capture)
{
	list_del_rcu(&capture->list);
	static_branch_dec(&lenscap_capturing);
	net_disable_timestamp();
	release_logger();
	kfree_rcu(capture, rcu);
}

/**
 * lenscap_capture_end() - end a capture
 * @ln: the namespace
 * @id: its number
 * @extack: receives the refusal's text
 *
 * Context: process. Return: 0 or -ENOENT.
 */
int lenscap_capture_end(struct lenscap_net *ln, u32 id,
			struct netlink_ext_ack *extack)
{
	struct lenscap_capture *capture;
	int err = -ENOENT;

	mutex_lock(&captures_lock);
	list_for_each_entry(capture, &ln->captures, list) {
		if (capture->id == id) {
			capture_free(capture);
			err = 0;
			break;
		}
	}
	mutex_unlock(&captures_lock);
	if (err)
		NL_SET_ERR_MSG(extack, "there is no capture of this id: its socket may have been closed");
	return err;
}

/**
 * lenscap_capture_close() - a socket was closed: end its captures
 * @ln: the namespace
 * @portid: the socket
 *
 * Every generic netlink socket comes by here. Its own requests were before its
 * close, so that it sees its own captures in the list.
 *
 * Context: process.
 */
void lenscap_capture_close(struct lenscap_net *ln, u32 portid)
{
	struct lenscap_capture *capture, *next;

	if (list_empty_careful(&ln->captures))
		return;
	mutex_lock(&captures_lock);
	list_for_each_entry_safe(capture, next, &ln->captures, list)
		if (capture->owner == portid)
			capture_free(capture);
	mutex_unlock(&captures_lock);
}

/**
 * lenscap_capture_each() - go through the captures, oldest first
 * @ln: the namespace
 * @after: those whose number is above this
 * @call: called for each, until it returns something else than 0
 * @arg: for @call
 *
 * Context: process. Return: 0 or what @call returned.
 */
int lenscap_capture_each(struct lenscap_net *ln, u32 after,
			 int (*call)(const struct lenscap_capture *capture,
				     void *arg), void *arg)
{
	const struct lenscap_capture *capture;
	int err = 0;

	mutex_lock(&captures_lock);
	list_for_each_entry(capture, &ln->captures, list) {
		if (capture->id <= after)
			continue;
		err = call(capture, arg);
		if (err)
			break;
	}
	mutex_unlock(&captures_lock);
	return err;
}

/**
 * lenscap_captures_init() - a namespace begins
 * @ln: the namespace
 */
void lenscap_captures_init(struct lenscap_net *ln)
{
	INIT_LIST_HEAD(&ln->captures);
}

/**
 * lenscap_captures_exit() - the namespace ends, or the module
 * @ln: the namespace
 *
 * No packet comes in any more: lenscap_guards_exit() came first. A namespace that
 * ends has no socket, and so no capture; a module that is unloaded may have some.
 *
 * Context: process.
 */
void lenscap_captures_exit(struct lenscap_net *ln)
{
	struct lenscap_capture *capture, *next;

	mutex_lock(&captures_lock);
	list_for_each_entry_safe(capture, next, &ln->captures, list)
		capture_free(capture);
	mutex_unlock(&captures_lock);
}
