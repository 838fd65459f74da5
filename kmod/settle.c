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
 * What a device may do hangs on objects that say when they began:
 *
 *   device     new, with other addresses, another MAC, profile or guard
 *   profile    with other rules or another mode
 *   namespace  a guard was set, or armed on an interface that was there before, or
 *              an audit ended: what came until then, nobody held to any address, so
 *              that every device waits
 *
 * Objects that a commit does not change are kept, or get the time of those whose
 * place they take: to push a policy again in which nothing is new holds nobody up.
 *
 * Example: at 12:00:00 a profile loses port 80. A camera of it had sent a first
 * fragment for port 80 a second earlier. Until 12:01:12 all fragments of the cameras
 * that have it are dropped, as "fragment"; by then the first one has been given up:
 * see spare().
 *
 * A whole IPv4 packet that may be cut up, by a link behind the guard that is too
 * narrow for it, is as good as its fragments: its first piece is taken for a
 * duplicate, its last one completes what waits. There are cameras that send all
 * their video so, and it should not stop for a minute with every change. So it is
 * noted when first fragments pass, by destination and identification, and of these
 * packets those wait that could complete one: of a camera that never sends fragments,
 * none (unless it has the row of one that does). A device has 64 places for its own,
 * of which a hash chooses one, in one of 1,024 rows, so that who fills them stops
 * itself. What an audit passes under an address that is not its sender's is noted
 * elsewhere, for all: to stop most packets of others by it, until the wait after the
 * audit is over, takes tens of thousands of fragments, and most super-packets a
 * thousand.
 *
 * A time of an object is 16 bits, since a device has no room for more: seconds,
 * which come round after 18 hours. Whoever finds that it was long enough ago writes
 * 0, for good. A device whose first fragment since its change comes just when they
 * have come round waits in vain, once.
 *
 * Limits: docs/architecture.md, "Fragments", lists the gaps. Most of them are that a
 * row belongs to where a device counts, so that one which is renamed, or shares its
 * address, does not find what was begun.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/ip.h>

#include "settle.h"

/* Times are 1..PERIOD, so that 0 is none of them. */
#define PERIOD		65535U
#define WAIT_MAX	3600U

/* Rows for devices, and packets of each; packets of nobody's. */
#define ROWS		1024U
#define PLACES		64U
#define STRAYS		65536U

/* Segments of a super-packet, more than any stack makes of 64 KiB. */
#define SEGMENTS	128U

/* What every link carries in one piece, RFC 791 section 3.2. */
#define UNCUT		68U

static unsigned int fragment_wait = 60;
module_param(fragment_wait, uint, 0644);
MODULE_PARM_DESC(fragment_wait, "seconds that the fragments of a device wait after its policy has changed: no less than a fragment waits for the others of its packet in the gateway and in the peers, 0..3600 (default 60)");

/**
 * struct lenscap_settle - when first fragments passed, of one namespace
 * @secret: of the hashes
 * @own: for each packet's place the seconds() of its last first fragment; 0: none
 * @strays: the same of those that did not come from who has the address
 */
struct lenscap_settle {
	siphash_key_t secret;
	u32 own[ROWS][PLACES];
	u32 strays[STRAYS];
};

/* Seconds, never 0. */
static u32 seconds(void)
{
	return ktime_get_seconds() + 1;
}

/* The time, for something that begins: in a circle, never 0. */
static u16 circle(void)
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

/* How long all wait; 0: nobody does. */
static u32 whole_wait(void)
{
	u32 wait = min(READ_ONCE(fragment_wait), WAIT_MAX);

	return wait ? wait + spare(wait) : 0;
}

/* Times belong to counters: what else @since is in does not change with it. */
static bool long_ago(const u16 *since)
{
	u32 wait = whole_wait();
	u16 then = READ_ONCE(*since);

	if (!then || !wait)
		return true;
	if ((circle() + PERIOD - then) % PERIOD <= wait)
		return false;
	/* Fails if something began again meanwhile. */
	cmpxchg((u16 *)since, then, 0);
	return true;
}

/**
 * lenscap_settle_create() - make the table of a namespace, once
 * @ln: the namespace
 *
 * Context: process, RTNL held. Return: 0 or -ENOMEM.
 */
int lenscap_settle_create(struct lenscap_net *ln)
{
	struct lenscap_settle *settle;

	if (ln->settle)
		return 0;
	settle = kvzalloc(sizeof(*settle), GFP_KERNEL_ACCOUNT);
	if (!settle)
		return -ENOMEM;
	get_random_bytes(&settle->secret, sizeof(settle->secret));
	/* Packets come by a hook that is registered later. */
	ln->settle = settle;
	return 0;
}

/**
 * lenscap_settle_destroy() - the namespace ends
 * @ln: the namespace
 *
 * No hook of it is registered any more, and a grace period has passed since the last
 * was, so no packet reads or writes.
 *
 * Context: process.
 */
void lenscap_settle_destroy(struct lenscap_net *ln)
{
	kvfree(ln->settle);
	ln->settle = NULL;
}

/**
 * struct beginning - a policy that is about to go live
 * @live: the one that it replaces, or NULL
 * @next: it
 * @now: the time
 * @audit_ended: something that was audited is not any more
 */
struct beginning {
	const struct lenscap_policy *live;
	const struct lenscap_policy *next;
	u16 now;
	bool audit_ended;
};

/* A device that changes within an audit counts as well. */
static int begin_device(const void *leaf, bool added, void *context)
{
	struct lenscap_device *device = (struct lenscap_device *)leaf;
	struct beginning *beginning = context;

	cond_resched();
	if (added)
		device->since = beginning->now;
	else if (lenscap_policy_slot(beginning->live, device->core.profile,
				     NULL)->core.mode == LENSCAP_MODE_AUDIT)
		beginning->audit_ended = true;
	return 0;
}

static int begin_profile(const void *leaf, bool added, void *context)
{
	struct lenscap_profile *profile = (struct lenscap_profile *)leaf;
	struct beginning *beginning = context;
	const struct lenscap_profile *other = NULL;

	cond_resched();
	if (!added) {
		other = lenscap_policy_profile(beginning->next, profile->name);
		if (profile->core.mode == LENSCAP_MODE_AUDIT &&
		    (!other || other->core.mode != LENSCAP_MODE_AUDIT))
			beginning->audit_ended = true;
		return 0;
	}
	if (beginning->live)
		other = lenscap_policy_profile(beginning->live, profile->name);
	if (other && other->ruleset == profile->ruleset &&
	    other->core.mode == profile->core.mode)
		profile->since = READ_ONCE(other->since);
	else
		profile->since = beginning->now;
	return 0;
}

/**
 * lenscap_settle_begin() - note what is new in a policy that is about to go live
 * @ln: the namespace
 * @live: the policy that it replaces, or NULL
 * @next: the policy, which no packet sees yet, and which cannot fail any more
 *
 * What both have is settled as it is; the others were made for @next.
 *
 * Context: process, lenscap_net.lock held. Costs what has changed.
 */
void lenscap_settle_begin(struct lenscap_net *ln,
			  const struct lenscap_policy *live,
			  const struct lenscap_policy *next)
{
	static const struct lc_trie none;
	struct beginning beginning = {
		.live = live,
		.next = next,
		.now = circle(),
	};

	lc_trie_diff(&lenscap_device_names, live ? &live->devices : &none,
		     &next->devices, begin_device, &beginning);
	lc_trie_diff(&lenscap_profile_names, live ? &live->profiles : &none,
		     &next->profiles, begin_profile, &beginning);
	if (beginning.audit_ended)
		WRITE_ONCE(ln->since, beginning.now);
	WRITE_ONCE(ln->changed, beginning.now);
}

/**
 * lenscap_settle_guard() - a guard is about to judge what it did not, or otherwise
 * @ln: the namespace
 *
 * Context: process, RTNL held.
 */
void lenscap_settle_guard(struct lenscap_net *ln)
{
	u16 now = circle();

	WRITE_ONCE(ln->since, now);
	WRITE_ONCE(ln->changed, now);
}

/**
 * lenscap_settled() - may fragments of a device pass?
 * @ln: the namespace
 * @gen: the policy that judges it
 * @device: whose it is
 *
 * Context: softirq, under rcu_read_lock(). Return: may they? Not if one that came
 * under another policy may still wait for them.
 */
bool lenscap_settled(const struct lenscap_net *ln,
		     const struct lenscap_generation *gen,
		     const struct lenscap_device *device)
{
	const struct lenscap_profile *profile =
		lenscap_policy_slot(&gen->policy, device->core.profile, NULL);

	return long_ago(&ln->since) && long_ago(&device->since) &&
	       long_ago(&profile->since);
}

/**
 * struct packet - what fragments of one packet share, as it is hashed
 * @src: source address
 * @dst: destination address
 * @ident: identification
 *
 * Not the protocol: not every receiver keeps those of two apart.
 */
struct packet {
	u32 src;
	u32 dst;
	u32 ident;
};

static u64 packet_hash(const struct lenscap_settle *settle,
		       const struct lc_key *key, u32 ident)
{
	struct packet packet = { .ident = ident };

	memcpy(&packet.src, key->src, sizeof(packet.src));
	memcpy(&packet.dst, key->dst, sizeof(packet.dst));
	return siphash(&packet, sizeof(packet), &settle->secret);
}

/* The places of a device: by where it counts, which stays when it is replaced. */
static u32 *row_of(struct lenscap_settle *settle, struct lenscap_device *device)
{
	unsigned long counts = (unsigned long)lenscap_device_stats(device);

	return settle->own[siphash_1u64(counts, &settle->secret) % ROWS];
}

/**
 * lenscap_settle_first() - a first fragment passes, by a rule or an audit
 * @ln: the namespace
 * @device: whose MAC (or address) it has, or NULL
 * @key: what it says
 *
 * Of IPv6 nothing is noted: nobody on the way cuts up its packets, and what the gateway
 * makes of a UDP super-packet gets a random identification.
 *
 * Context: softirq, under rcu_read_lock(); does not wait.
 */
void lenscap_settle_first(struct lenscap_net *ln,
			  struct lenscap_device *device,
			  const struct lc_key *key)
{
	struct lenscap_settle *settle = ln->settle;
	u64 hash;

	if (key->family != LC_FAMILY_IPV4)
		return;
	hash = packet_hash(settle, key, key->ident);
	if (device && lc_device_bound(&device->core, key->family, key->src))
		WRITE_ONCE(row_of(settle, device)[hash % PLACES], seconds());
	else
		WRITE_ONCE(settle->strays[hash % STRAYS], seconds());
}

/**
 * lenscap_settle_cuts() - is this a whole packet that could wait as fragments do?
 * @ln: the namespace
 * @frame: a frame, of which what @frame->cap says can be read
 *
 * Context: softirq. Return: it may be cut up behind the guard, and something has
 * changed not long ago.
 */
bool lenscap_settle_cuts(struct lenscap_net *ln, const struct lc_frame *frame)
{
	const struct iphdr *ip = (const struct iphdr *)frame->data;

	/* First, so that frames are no longer asked as soon as it is long ago. */
	if (long_ago(&ln->changed))
		return false;
	if (frame->ethertype != ETH_P_IP || frame->len <= UNCUT ||
	    frame->cap < sizeof(*ip))
		return false;
	/* A super-packet of UDP is cut up whatever it says. */
	return !(ip->frag_off & htons(IP_DF)) ||
	       (frame->gso && ip->protocol == IPPROTO_UDP);
}

static bool waits(const u32 *passed, u32 now, u32 wait)
{
	u32 then = READ_ONCE(*passed);

	return then && now - then <= wait;
}

/**
 * lenscap_settle_waits() - could it complete what waits in a peer?
 * @ln: the namespace
 * @device: whose it is
 * @frame: a frame that lenscap_settle_cuts()
 * @key: what it says
 *
 * Of a super-packet each segment has an identification of its own, one after the
 * other, or all have the same.
 *
 * Context: softirq, under rcu_read_lock(). Return: could it, or one of the pieces that
 * it is cut into?
 */
bool lenscap_settle_waits(struct lenscap_net *ln,
			  struct lenscap_device *device,
			  const struct lc_frame *frame,
			  const struct lc_key *key)
{
	const struct iphdr *ip = (const struct iphdr *)frame->data;
	u32 segments = frame->gso ? SEGMENTS : 1;
	struct lenscap_settle *settle = ln->settle;
	const u32 *row = row_of(settle, device);
	u32 now = seconds(), wait = whole_wait(), i;

	for (i = 0; i < segments; i++) {
		u64 hash = packet_hash(settle, key, (u16)(ntohs(ip->id) + i));

		if (waits(&row[hash % PLACES], now, wait) ||
		    waits(&settle->strays[hash % STRAYS], now, wait))
			return true;
	}
	return false;
}
