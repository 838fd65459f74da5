/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_SETTLE_H
#define _LENSCAP_SETTLE_H

#include <net/ip.h>

#include "guard.h"
#include "table.h"

/* What every link carries in one piece, RFC 791 section 3.2. */
#define LENSCAP_UNCUT	68U

/**
 * lenscap_settle_cuts() - may a whole packet be cut up behind the guard?
 * @frame: a frame, of which what @frame->cap says can be read
 *
 * Inline, because in the minute after a change it is asked of each frame.
 *
 * Context: any.
 */
static __always_inline bool lenscap_settle_cuts(const struct lc_frame *frame)
{
	const struct iphdr *ip = (const struct iphdr *)frame->data;

	if (frame->ethertype != ETH_P_IP || frame->cap < sizeof(*ip))
		return false;
	return frame->ufo || (frame->len > LENSCAP_UNCUT &&
			      !(ip->frag_off & htons(IP_DF)));
}

int lenscap_settle_create(struct lenscap_net *ln);
void lenscap_settle_destroy(struct lenscap_net *ln);
void lenscap_settle_begin(struct lenscap_net *ln,
			  const struct lenscap_policy *live,
			  const struct lenscap_generation *next);
void lenscap_settle_guard(struct lenscap_net *ln);
bool lenscap_settled(struct lenscap_net *ln, u8 family, const u8 *src);
void lenscap_settle_first(struct lenscap_net *ln,
			  const struct lc_device *device,
			  const struct lc_key *key);
bool lenscap_settle_asks(struct lenscap_net *ln, const struct lc_frame *frame);
bool lenscap_settle_waits(struct lenscap_net *ln, const struct lc_frame *frame,
			  const struct lc_key *key);

#endif /* _LENSCAP_SETTLE_H */
