/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From sk_buff to what the core wants to know of a frame. It is here so that
 * the hook is one function, and for the benchmark, which times its parts.
 */
#ifndef _LENSCAP_FRAME_H
#define _LENSCAP_FRAME_H

#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>

#include "guard.h"

/**
 * lenscap_frame() - describe a frame to the core
 * @skb: the frame; its data begins at the network header
 * @ethertype: behind the VLAN tags, host byte order
 * @stacked: it carries more, or other, tags than its guard's own
 * @frame: result, written whole; to be trusted only as far as it is linear
 *
 * Context: any.
 */
static __always_inline void lenscap_frame(const struct sk_buff *skb,
					  u16 ethertype, bool stacked,
					  struct lc_frame *frame)
{
	frame->data = skb->data;
	frame->cap = min_t(u32, skb->len, LC_WINDOW);
	frame->len = skb->len;
	frame->ethertype = ethertype;
	frame->vlan_stack = stacked;
	frame->gso = skb_is_gso(skb);
	frame->ufo = !!(skb_shinfo(skb)->gso_type & SKB_GSO_UDP);
	frame->gso_size = skb_shinfo(skb)->gso_size;
	frame->sum_open = skb->ip_summed == CHECKSUM_PARTIAL;
	frame->sum_at = skb_checksum_start_offset(skb) + skb->csum_offset;
	frame->has_mac = skb->dev->type == ARPHRD_ETHER &&
			 skb_mac_header_was_set(skb) &&
			 skb_mac_header(skb) + ETH_HLEN <= skb->data;
	if (frame->has_mac)
		ether_addr_copy(frame->mac, eth_hdr(skb)->h_source);
}

/**
 * lenscap_usual_frame() - the same for a frame without a tag in its payload, as
 *	far as it is linear
 * @skb: the frame
 * @frame: result, for lc_judge_usual(), which needs no more than the headers
 *
 * Context: any.
 */
static __always_inline void lenscap_usual_frame(const struct sk_buff *skb,
						struct lc_frame *frame)
{
	lenscap_frame(skb, ntohs(skb->protocol), false, frame);
	frame->cap = skb_headlen(skb);
}

/**
 * lenscap_usual_guard() - the guard of a usual frame
 * @port: the interface's port
 * @skb: the frame
 *
 * A frame with a tag in its payload has the ethertype of one, so that it is not
 * usual, and what is said here of its guard is not to be used.
 *
 * Context: under rcu_read_lock().
 *
 * Return: the guard, or NULL if the frame has none or is not usual: then
 * guard_of() in hook.c has the answer.
 */
static __always_inline const struct lenscap_guard *
lenscap_usual_guard(const struct lenscap_port *port, const struct sk_buff *skb)
{
	u16 id;

	if (likely(!skb_vlan_tag_present(skb)))
		return rcu_dereference(port->untagged);
	id = skb_vlan_tag_get_id(skb);
	if (skb->vlan_proto != htons(ETH_P_8021Q) || !id)
		return NULL;
	return xa_load((struct xarray *)&port->guards, id);
}

#endif /* _LENSCAP_FRAME_H */
