// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what happened, told to whoever listens.
 *
 * An event is a hint to look, not the record of what happened: that is in the
 * tables of droplog.c and in the counters. So events may be suppressed, and are
 * then counted.
 *
 * Joining the group needs CAP_NET_ADMIN in the user namespace that owns the
 * network namespace. Where that is not the initial one, it would not be the
 * host's root who listens, and nothing is sent.
 */
#include <linux/user_namespace.h>
#include <net/genetlink.h>

#include "droplog.h"
#include "event.h"
#include "guard.h"
#include "netlink.h"
#include "table.h"

/* The module is being unloaded: the group's number is no longer ours. */
static bool stopped;

/**
 * lenscap_event_stop() - send no event any more
 *
 * Work that announces records may still be queued; what runs is waited for, and
 * what runs later sends nothing.
 *
 * Context: process, module unload, before the family is unregistered.
 */
void lenscap_event_stop(void)
{
	WRITE_ONCE(stopped, true);
	flush_workqueue(lenscap_wq);
}

/* Begin an event, or NULL if nobody would hear it or it cannot be sent. */
static struct sk_buff *event_new(struct lenscap_net *ln, u8 cmd, void **header)
{
	struct sk_buff *skb;

	if (READ_ONCE(stopped) || ln->net->user_ns != &init_user_ns ||
	    !genl_has_listeners(&lenscap_family, ln->net, 0))
		return NULL;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb) {
		atomic64_inc(&ln->events_suppressed);
		return NULL;
	}
	*header = genlmsg_put(skb, 0, 0, &lenscap_family, 0, cmd);
	return skb;
}

static void event_send(struct lenscap_net *ln, struct sk_buff *skb,
		       void *header, bool complete)
{
	int err;

	if (!complete) {
		nlmsg_free(skb);
		atomic64_inc(&ln->events_suppressed);
		return;
	}
	genlmsg_end(skb, header);
	err = genlmsg_multicast_netns(&lenscap_family, ln->net, skb, 0, 0,
				      GFP_KERNEL);
	if (err && err != -ESRCH)
		atomic64_inc(&ln->events_suppressed);
}

/**
 * lenscap_event_record() - a drop record was begun
 * @ln: the namespace
 * @record: the record
 *
 * Context: process, lenscap_droplog_lock() held.
 */
void lenscap_event_record(struct lenscap_net *ln,
			  const struct lenscap_record *record)
{
	bool unknown = lenscap_record_reason(&record->key) ==
		       LENSCAP_REASON_UNKNOWN_DEVICE;
	struct sk_buff *skb;
	void *header;

	skb = event_new(ln, unknown ? LENSCAP_CMD_UNKNOWN_EVENT :
				      LENSCAP_CMD_DROP_EVENT, &header);
	if (skb)
		event_send(ln, skb, header,
			   header && !lenscap_put_record(skb, record) &&
			   !lenscap_put_losses(skb, ln));
}

/**
 * lenscap_event_generation() - another generation is live
 * @ln: the namespace
 * @gen: the generation
 *
 * Context: process, lenscap_net.lock held.
 */
void lenscap_event_generation(struct lenscap_net *ln,
			      const struct lenscap_generation *gen)
{
	struct sk_buff *skb;
	void *header;

	skb = event_new(ln, LENSCAP_CMD_GENERATION_EVENT, &header);
	if (skb)
		event_send(ln, skb, header,
			   header && !lenscap_put_generation(skb, gen));
}

/**
 * lenscap_event_guard() - a guard changed its state or its configuration
 * @ln: the namespace
 * @guard: the guard
 * @state: its state, or %LENSCAP_GUARD_GONE
 *
 * Context: process, RTNL held.
 */
void lenscap_event_guard(struct lenscap_net *ln,
			 const struct lenscap_guard *guard, u8 state)
{
	struct sk_buff *skb;
	void *header;

	skb = event_new(ln, LENSCAP_CMD_GUARD_EVENT, &header);
	if (skb)
		event_send(ln, skb, header,
			   header && !lenscap_put_guard(skb, guard, state));
}
