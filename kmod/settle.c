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
 * Who waits. Several devices may use one address, and a device may be renamed, or
 * taken out and put back: receivers know none of that. So it is by address, or prefix,
 * as it stands in the policy, that what has begun is noted, for each that a device is
 * bound to which is
 *
 *   new, gone, or changed: other addresses, another MAC, profile or guard; or
 *   of a profile with other rules or another mode.
 *
 * A frame waits if any prefix that its source lies in has begun. Prefixes are hashed
 * into 32,768 places by address and length, so a change of a thousand addresses also
 * holds up one in 33 of the others, for each length that is in use. For all is noted
 * when a guard begins to judge an interface, unless it did until that went and it is
 * new again, or when somebody has ended an audit: what came until then, nobody held to
 * any address. What a commit does not change is not noted: to push a policy again in
 * which nothing is new holds nobody up.
 *
 * Example: at 12:00:00 a profile loses port 80. A camera of it had sent a first
 * fragment for port 80 a second earlier. Until 12:01:12 all fragments of the cameras
 * that have it are dropped, as "fragment"; by then the first one has been given up:
 * see spare().
 *
 * A whole IPv4 packet that may be cut up, by a link behind the guard that is too
 * narrow for it, is as good as its fragments: its first piece is taken for a
 * duplicate, its last one completes what waits. There are cameras that send all their
 * video so, and it should not stop for a minute with every change. So it is noted when
 * first fragments pass, by source and identification (the destination may be
 * translated), and of these packets those wait that could complete one: of a camera
 * that never sends fragments, none (unless it has the row of one that does). A bound
 * prefix has 64 places, of which a hash chooses one, in one of 1,024 rows, so that who
 * fills them stops itself, and those that are bound to the same prefix or lie in it.
 * What an audit passes under an address that is not its sender's is noted elsewhere,
 * for all: to stop most packets of others by it, until the wait after the audit is
 * over, takes tens of thousands of fragments, and most super-packets some thousands.
 *
 * Whoever finds that a time was long enough ago writes 0, for good.
 *
 * Limits: docs/architecture.md, "Fragments", lists the gaps.
 */
#include <linux/bitmap.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/vmalloc.h>

#include "settle.h"

#define WAIT_MAX	3600U

/* Rows for bound prefixes, and packets of each; packets of nobody's. */
#define ROWS		1024U
#define PLACES		64U
#define STRAYS		65536U

/* Places for what has begun. */
#define BEGUN		32768U

/* Lengths of prefixes, as devices have them: those of IPv4, and of both families. */
#define IPV4_LENGTHS	33U
#define LENGTHS		(LC_PACKED_IPV6 + 129U)

/* Segments of a super-packet that are looked at: more than there are in 64 KiB, unless
 * they are of less than 512 bytes.
 */
#define SEGMENTS	128U

static unsigned int fragment_wait = 60;
module_param(fragment_wait, uint, 0644);
MODULE_PARM_DESC(fragment_wait, "seconds, and a seventh for timers that are late, that fragments from a device's addresses wait after its policy has changed: no less than one waits for the others of its packet in the gateway and in the peers, 0..3600 (default 60)");

/**
 * struct lenscap_settle - what has begun, and when first fragments passed, of one
 *	namespace
 * @secret: of the hashes
 * @lengths: of prefixes that are in @begun or @own; never cleared
 * @begun: for each bound prefix's place when something of it began
 * @own: for each packet's place when its last first fragment passed
 * @strays: the same of those that did not come from who has the address
 *
 * Times are seconds(), 0: never, or long ago. 640 KiB.
 */
struct lenscap_settle {
	siphash_key_t secret;
	DECLARE_BITMAP(lengths, LENGTHS);
	u32 begun[BEGUN];
	u32 own[ROWS][PLACES];
	u32 strays[STRAYS];
};

/* Since the machine has started, never 0. */
static u32 seconds(void)
{
	return ktime_get_seconds() + 1;
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

/* Is a time no longer ago than that? Another processor may have noted it only just, and
 * this one's clock be behind.
 */
static bool within(u32 then, u32 wait)
{
	return then && (s32)(seconds() - then) <= (s32)wait;
}

/* Never back: a commit and a guard may both be at it, and be interrupted. */
static void note_now(u32 *since)
{
	u32 then = READ_ONCE(*since), now, was;

	for (;;) {
		now = seconds();
		if (then && (s32)(now - then) <= 0)
			return;
		was = cmpxchg(since, then, now);
		if (was == then)
			return;
		then = was;
	}
}

static bool long_ago(u32 *since)
{
	u32 wait = whole_wait();
	u32 then = READ_ONCE(*since);

	if (!then || !wait)
		return true;
	if (within(then, wait))
		return false;
	/* Fails if something began again meanwhile. */
	cmpxchg(since, then, 0);
	return true;
}

/**
 * lenscap_settle_create() - make the tables of a namespace, once
 * @ln: the namespace
 *
 * Context: process, RTNL held. Return: 0 or -ENOMEM.
 */
int lenscap_settle_create(struct lenscap_net *ln)
{
	struct lenscap_settle *settle;

	if (ln->settle)
		return 0;
	settle = __vmalloc(sizeof(*settle), GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!settle)
		return -ENOMEM;
	get_random_bytes(&settle->secret, sizeof(settle->secret));
	/* Packets come by a hook that is registered later; a commit, at any time. */
	smp_store_release(&ln->settle, settle);
	return 0;
}

/**
 * lenscap_settle_destroy() - the namespace ends
 * @ln: the namespace
 *
 * No hook of it is registered any more, and a grace period has passed since the last
 * was, so no packet reads or writes; nor is there a socket that could commit.
 *
 * Context: process.
 */
void lenscap_settle_destroy(struct lenscap_net *ln)
{
	vfree(ln->settle);
	ln->settle = NULL;
}

static u32 first_length(u8 family)
{
	return family == LC_FAMILY_IPV4 ? 0 : LC_PACKED_IPV6;
}

static u32 end_of_lengths(u8 family)
{
	return family == LC_FAMILY_IPV4 ? IPV4_LENGTHS : LENGTHS;
}

/* The upper bits of a word. */
static u64 upper(u64 word, u32 bits)
{
	return bits ? word >> (64 - bits) << (64 - bits) : 0;
}

/* Of the prefix of an address that has a length, as devices have it. */
static u64 prefix_hash(const struct lenscap_settle *settle, u8 length,
		       const u8 *addr)
{
	u64 high, low = 0;

	if (length < LC_PACKED_IPV6) {
		high = upper((u64)lc_be32(addr) << 32, length);
	} else {
		u32 bits = length - LC_PACKED_IPV6;

		high = upper(lc_be64(addr), min(bits, 64U));
		low = upper(lc_be64(addr + 8), bits - min(bits, 64U));
	}
	return siphash_3u64(high, low, length, &settle->secret);
}

static void note_length(struct lenscap_settle *settle, u8 length)
{
	if (!test_bit(length, settle->lengths))
		set_bit(length, settle->lengths);
}

/**
 * struct beginning - a policy that is about to go live
 * @settle: where it is noted
 * @live: the policy that it replaces, or NULL
 * @next: it
 * @number: its generation's
 * @devices: something began of one
 * @profiles: something began of one
 * @audit_ended: something that was audited is not any more
 */
struct beginning {
	struct lenscap_settle *settle;
	const struct lenscap_policy *live;
	const struct lenscap_policy *next;
	u32 number;
	bool devices;
	bool profiles;
	bool audit_ended;
};

static void begin_addresses(struct beginning *beginning,
			    const struct lenscap_device *device)
{
	struct lenscap_settle *settle = beginning->settle;
	const u8 *at = device->core.bound;
	u32 i;

	for (i = 0; i < device->core.naddrs; i++, at = lc_next_bound(at)) {
		u64 hash = prefix_hash(settle, *at, at + 1);

		note_length(settle, *at);
		WRITE_ONCE(settle->begun[hash % BEGUN], seconds());
	}
	beginning->devices = true;
}

/* One that is new, or gone. A device that changes within an audit ends one. */
static int begin_device(const void *leaf, bool added, void *context)
{
	const struct lenscap_device *device = leaf;
	struct beginning *beginning = context;

	cond_resched();
	begin_addresses(beginning, device);
	if (!added &&
	    lenscap_policy_slot(beginning->live, device->core.profile,
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
		return 0;
	/* Of @next alone: no packet sees it yet. */
	profile->began = beginning->number;
	beginning->profiles = true;
	return 0;
}

/* Devices that stay as they are, with a profile that does not. */
static void begin_users(struct beginning *beginning)
{
	const struct lenscap_policy *next = beginning->next;
	const struct lenscap_device *device;
	u64 position = 0;

	while ((device = lc_trie_next(&lenscap_device_names, &next->devices,
				      &position))) {
		if (lenscap_policy_slot(next, device->core.profile,
					NULL)->began == beginning->number)
			begin_addresses(beginning, device);
		cond_resched();
	}
}

/**
 * lenscap_settle_begin() - note what is new in a policy that is about to go live
 * @ln: the namespace
 * @live: the policy that it replaces, or NULL
 * @next: a generation that no packet sees yet, and that cannot fail any more
 *
 * Before the first guard there is nothing to note: it makes all wait.
 *
 * Context: process, lenscap_net.lock held. Costs what has changed, and a look at each
 * device if a profile has.
 */
void lenscap_settle_begin(struct lenscap_net *ln,
			  const struct lenscap_policy *live,
			  const struct lenscap_generation *next)
{
	static const struct lc_trie none;
	struct beginning beginning = {
		/* Pairs with lenscap_settle_create(). */
		.settle = smp_load_acquire(&ln->settle),
		.live = live,
		.next = &next->policy,
		.number = next->number,
	};

	if (!beginning.settle)
		return;
	lc_trie_diff(&lenscap_device_names, live ? &live->devices : &none,
		     &next->policy.devices, begin_device, &beginning);
	lc_trie_diff(&lenscap_profile_names, live ? &live->profiles : &none,
		     &next->policy.profiles, begin_profile, &beginning);
	if (beginning.profiles)
		begin_users(&beginning);
	if (beginning.audit_ended)
		note_now(&ln->since);
	if (beginning.audit_ended || beginning.devices)
		note_now(&ln->changed);
}

/**
 * lenscap_settle_guard() - a guard is about to judge what it did not, or otherwise
 * @ln: the namespace
 *
 * Context: process, RTNL held.
 */
void lenscap_settle_guard(struct lenscap_net *ln)
{
	note_now(&ln->since);
	note_now(&ln->changed);
}

/**
 * lenscap_settled() - may fragments from an address pass?
 * @ln: the namespace
 * @family: of @src
 * @src: their source
 *
 * Context: softirq, under rcu_read_lock(), which the caller has read the policy
 * under before (see policy_of() in hook.c). Return: may they? Not if one that came
 * under another policy may still wait for them.
 */
bool lenscap_settled(struct lenscap_net *ln, u8 family, const u8 *src)
{
	struct lenscap_settle *settle = ln->settle;
	u32 length = first_length(family);
	u32 end = end_of_lengths(family);

	if (!long_ago(&ln->since))
		return false;
	for_each_set_bit_from(length, settle->lengths, end) {
		u64 hash = prefix_hash(settle, length, src);

		if (!long_ago(&settle->begun[hash % BEGUN]))
			return false;
	}
	return true;
}

/* Of what the pieces of one packet share, but the destination, which may be
 * translated, and the protocol, since not every receiver keeps those of two apart.
 */
static u64 packet_hash(const struct lenscap_settle *settle,
		       const struct lc_key *key, u32 ident)
{
	return siphash_2u64(lc_be32(key->src), ident, &settle->secret);
}

static u32 *row_of(struct lenscap_settle *settle, u8 length, const u8 *src)
{
	return settle->own[prefix_hash(settle, length, src) % ROWS];
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
			  const struct lc_device *device,
			  const struct lc_key *key)
{
	struct lenscap_settle *settle = ln->settle;
	const u8 *bound;
	u64 hash;

	if (key->family != LC_FAMILY_IPV4)
		return;
	hash = packet_hash(settle, key, key->ident);
	bound = device ? lc_device_entry(device, key->family, key->src) : NULL;
	if (bound) {
		note_length(settle, *bound);
		WRITE_ONCE(row_of(settle, *bound, key->src)[hash % PLACES],
			   seconds());
	} else {
		WRITE_ONCE(settle->strays[hash % STRAYS], seconds());
	}
}

/**
 * lenscap_settle_asks() - may its sender's fragments not pass?
 * @ln: the namespace, where something has changed
 * @frame: a frame that lenscap_settle_cuts()
 *
 * Context: as lenscap_settled(). Return: they may not, so that it is to be asked
 * whether it lenscap_settle_waits().
 */
bool lenscap_settle_asks(struct lenscap_net *ln, const struct lc_frame *frame)
{
	const struct iphdr *ip = (const struct iphdr *)frame->data;

	/* First, so that frames are no longer asked as soon as it is long ago. */
	if (long_ago(&ln->changed))
		return false;
	return !lenscap_settled(ln, LC_FAMILY_IPV4, (const u8 *)&ip->saddr);
}

/**
 * lenscap_settle_waits() - could it complete what waits in a peer?
 * @ln: the namespace
 * @frame: a frame that lenscap_settle_asks() about
 * @key: what it says
 *
 * The segments of a super-packet have identifications one after the other; the
 * fragments of one of UDP have its own. What SCTP makes is not of one size.
 *
 * Context: softirq, under rcu_read_lock(). Return: could it, or one of the pieces that
 * it is cut into? Of more segments than anybody makes nobody looks: they do.
 */
bool lenscap_settle_waits(struct lenscap_net *ln, const struct lc_frame *frame,
			  const struct lc_key *key)
{
	const struct iphdr *ip = (const struct iphdr *)frame->data;
	u32 wait = whole_wait(), segments = 1, rows = 0, length = 0, i, j;
	struct lenscap_settle *settle = ln->settle;
	const u32 *row[IPV4_LENGTHS];

	if (frame->gso_size && !frame->ufo)
		segments = DIV_ROUND_UP(frame->len, frame->gso_size);
	if (segments > SEGMENTS || frame->gso_size == GSO_BY_FRAGS)
		return true;
	for_each_set_bit_from(length, settle->lengths, IPV4_LENGTHS)
		row[rows++] = row_of(settle, length, key->src);
	for (i = 0; i < segments; i++) {
		u64 hash = packet_hash(settle, key, (u16)(ntohs(ip->id) + i));

		if (within(READ_ONCE(settle->strays[hash % STRAYS]), wait))
			return true;
		for (j = 0; j < rows; j++)
			if (within(READ_ONCE(row[j][hash % PLACES]), wait))
				return true;
	}
	return false;
}
