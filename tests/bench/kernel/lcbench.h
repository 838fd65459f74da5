/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bench module and its user share: /dev/lcbench.
 *
 * write()  adds frames: a struct lcbench_head, then the frame, any number of
 *	    them in one call, none split over two calls
 * read()   gives, for each frame, a u32: how often it was given to a hook of
 *	    the device that LCBENCH_COUNT names
 * ioctl()  the rest
 *
 * lcbench.py is the other copy of these layouts.
 */
#ifndef _LCBENCH_H
#define _LCBENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LCBENCH_BATCH		64	/* frames; NAPI's weight */
#define LCBENCH_MAX_FRAME	192	/* bytes; small, as floods are */

#define LCBENCH_F_DROP		1	/* the policy does not permit it */
#define LCBENCH_F_PROBE		2	/* its verdict is checked; never timed */

/**
 * struct lcbench_head - what stands before each frame
 * @len: bytes of the frame, from the destination MAC on
 * @flags: LCBENCH_F_*
 */
struct lcbench_head {
	__u16 len;
	__u16 flags;
};

/**
 * enum lcbench_place - where the hook is that is called
 * @LCBENCH_NONE: nowhere: what the loop itself costs
 * @LCBENCH_NETDEV: netfilter's ingress hook of the device
 * @LCBENCH_TC: the device's clsact, ingress
 * @LCBENCH_IPV4: NF_INET_PRE_ROUTING of IPv4, where iptables' raw table is
 * @LCBENCH_IPV6: the same of IPv6
 */
enum lcbench_place {
	LCBENCH_NONE,
	LCBENCH_NETDEV,
	LCBENCH_TC,
	LCBENCH_IPV4,
	LCBENCH_IPV6,
};

/**
 * struct lcbench_check - give every frame to a hook once, and compare verdicts
 * @ifindex: the device on which the frames arrive
 * @place: enum lcbench_place
 * @passed: out: frames that passed
 * @dropped: out: frames that did not
 * @wrong: out: frames whose verdict was not as expected
 * @first: out: the first of them, by number, if @wrong
 */
struct lcbench_check {
	__u32 ifindex;
	__u32 place;
	__u64 passed;
	__u64 dropped;
	__u64 wrong;
	__u64 first;
};

/**
 * struct lcbench_round - time a hook over shuffled frames
 * @ifindex: the device on which the frames arrive
 * @place: enum lcbench_place
 * @warm: frames that are given to the hook before, untimed
 * @packets: frames that are timed; rounded up to whole batches
 * @ns: out: time of the batches that count
 * @counted: out: frames in them
 * @disturbed: out: batches that do not count, because they took more than
 *	four times the median: something else ran in between
 * @batches: out: all timed batches
 */
struct lcbench_round {
	__u32 ifindex;
	__u32 place;
	__u64 warm;
	__u64 packets;
	__u64 ns;
	__u64 counted;
	__u64 disturbed;
	__u64 batches;
};

/**
 * struct lcbench_empty - the hook that does nothing, which is subtracted
 * @ifindex: the device
 * @place: enum lcbench_place: NETDEV, IPV4 or IPV6
 * @verdict: NF_ACCEPT (1), NF_DROP (0), or -1 to remove it
 */
struct lcbench_empty {
	__u32 ifindex;
	__u32 place;
	__s32 verdict;
};

#define LCBENCH_CLEAR	_IO('L', 0)
#define LCBENCH_CHECK	_IOWR('L', 1, struct lcbench_check)
#define LCBENCH_ROUND	_IOWR('L', 2, struct lcbench_round)
#define LCBENCH_EMPTY	_IOW('L', 3, struct lcbench_empty)
#define LCBENCH_COUNT	_IO('L', 4)	/* argument: an interface's index */

#endif /* _LCBENCH_H */
