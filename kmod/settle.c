// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settling: after a change, fragments wait until those of before it are gone.
 *
 * Problem. A first fragment that has passed waits, for the rest of its packet, in
 * whatever puts it together: the gateway itself, if it tracks connections, or the
 * peer. When the policy is tightened it is out of reach. Its sender can still
 * complete it, if later fragments with its addresses and identification pass: behind
 * another first fragment, to a port that is still permitted, which the receiver takes
 * for a duplicate (net/ipv4/inet_fragment.c keeps what came first), or by a rule
 * without ports. To refuse what contradicts an older first fragment, all that have
 * passed would have to be remembered, and a sender makes as many as it likes.
 *
 * Solution. What waits is only wrong where it would be judged otherwise now. So when
 * what a device may do has changed, none of its fragments passes until all that
 * waited have been given up: IPv4 waits 30 s for the rest of a packet, IPv6 and
 * connection tracking 60 s, from the first fragment on and however many follow
 * (ipfrag_time, ip6frag_time, nf_conntrack_frag6_timeout). Whole packets are not
 * concerned, nor devices for which nothing has changed.
 *
 * What a device may do hangs on three objects, each of which says when it began:
 *
 *   device   new, with other addresses, another MAC, profile or guard
 *   profile  with other rules or another mode
 *   guard    new, changed, or armed again: what came in between nobody judged
 *
 * Objects that a commit does not change are kept, or get the time of those whose
 * place they take: to push a policy again in which nothing is new holds nobody up.
 *
 * Example: at 12:00:00 a profile loses port 80. A camera of it had sent a first
 * fragment for port 80 a second earlier. Until 12:01:12 all fragments of the cameras
 * that have it are dropped, as "fragment"; by then the first one has been given up:
 * see spare().
 *
 * A time is 16 bits, since a device has no room for more: seconds, which come round
 * after 18 hours. Whoever finds that it was long enough ago writes 0, for good. A
 * device whose first fragment since its change comes just when they have come round
 * waits in vain, once.
 *
 * Limits. Where two devices share a bound address (a prefix, say), the one can complete
 * what the other began, when only the other has changed; where the other was only
 * audited, it could use any address. And a whole IPv4 datagram that may be cut up, and
 * is, by a link behind the guard with a smaller MTU (or as a super-packet of UDP),
 * completes what waits in the peer as a fragment would: its first piece is ignored,
 * its last one is not.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>

#include "settle.h"

/* Times are 1..PERIOD, so that 0 is none of them. */
#define PERIOD		65535U
#define WAIT_MAX	3600U

static unsigned int fragment_wait = 60;
module_param(fragment_wait, uint, 0644);
MODULE_PARM_DESC(fragment_wait, "seconds that the fragments of a device wait after its policy has changed: no less than a fragment waits for the others of its packet in the gateway and in the peers, 0..3600 (default 60)");

/**
 * lenscap_settle_now() - the time, for something that begins
 *
 * Context: any. Return: seconds, in a circle, never 0.
 */
u16 lenscap_settle_now(void)
{
	u32 rest;

	div_u64_rem(ktime_get_seconds(), PERIOD, &rest);
	return rest + 1;
}

/* Seconds beyond the wait. The timer wheel fires late, by up to 8/63 of the time
 * (calc_index() in kernel/time/timer.c); times are rounded to seconds; and between
 * the one that is noted and the last packet that the old policy judges, or on the
 * way from here to where it waits, something may pass as well.
 */
static u32 spare(u32 wait)
{
	return wait / 7 + 3;
}

/* Times belong to counters: what else @since is in does not change with it. */
static bool long_ago(const u16 *since)
{
	u32 wait = min(READ_ONCE(fragment_wait), WAIT_MAX);
	u16 then = READ_ONCE(*since);

	if (!then || !wait)
		return true;
	if ((lenscap_settle_now() + PERIOD - then) % PERIOD <= wait + spare(wait))
		return false;
	/* Fails if the guard was armed again meanwhile. */
	cmpxchg((u16 *)since, then, 0);
	return true;
}

/**
 * struct beginning - a policy that is about to go live
 * @live: the one that it replaces, or NULL
 * @now: the time
 */
struct beginning {
	const struct lenscap_policy *live;
	u16 now;
};

static int begin_device(const void *leaf, bool added, void *context)
{
	struct lenscap_device *device = (struct lenscap_device *)leaf;
	const struct beginning *beginning = context;

	if (added)
		device->since = beginning->now;
	cond_resched();
	return 0;
}

static int begin_profile(const void *leaf, bool added, void *context)
{
	struct lenscap_profile *profile = (struct lenscap_profile *)leaf;
	const struct beginning *beginning = context;
	const struct lenscap_profile *old = NULL;

	cond_resched();
	if (!added)
		return 0;
	if (beginning->live)
		old = lenscap_policy_profile(beginning->live, profile->name);
	if (old && old->ruleset == profile->ruleset &&
	    old->core.mode == profile->core.mode)
		profile->since = READ_ONCE(old->since);
	else
		profile->since = beginning->now;
	return 0;
}

/**
 * lenscap_settle_begin() - note what is new in a policy that is about to go live
 * @live: the policy that it replaces, or NULL
 * @next: the policy, which no packet sees yet, and which cannot fail any more
 *
 * What both have is settled as it is; the others were made for @next.
 *
 * Context: process, lenscap_net.lock held. Costs what has changed.
 */
void lenscap_settle_begin(const struct lenscap_policy *live,
			  const struct lenscap_policy *next)
{
	static const struct lc_trie none;
	struct beginning beginning = {
		.live = live,
		.now = lenscap_settle_now(),
	};

	lc_trie_diff(&lenscap_device_names, live ? &live->devices : &none,
		     &next->devices, begin_device, &beginning);
	lc_trie_diff(&lenscap_profile_names, live ? &live->profiles : &none,
		     &next->profiles, begin_profile, &beginning);
}

/**
 * lenscap_settled() - may fragments of a device pass?
 * @guard: where one came in
 * @gen: the policy that judges it
 * @device: whose it is
 *
 * Context: softirq, under rcu_read_lock(). Return: may they? Not if one that came
 * under another policy may still wait for them.
 */
bool lenscap_settled(const struct lenscap_guard *guard,
		     const struct lenscap_generation *gen,
		     const struct lenscap_device *device)
{
	const struct lenscap_profile *profile =
		lenscap_policy_slot(&gen->policy, device->core.profile, NULL);

	return long_ago(&guard->since) && long_ago(&device->since) &&
	       long_ago(&profile->since);
}
