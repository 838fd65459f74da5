/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way through the parser: parse.c has the long one. It is here so that
 * judging a usual frame is one function.
 */
#ifndef _LENSCAP_USUAL_H
#define _LENSCAP_USUAL_H

#define LC_ETHERTYPE_IPV4	0x0800
#define LC_ETHERTYPE_IPV6	0x86dd

#define LC_IPV4_LEN		20
#define LC_IPV6_LEN		40
#define LC_IPV4_FRAGMENT	0x3fff	/* more to come, or an offset */

#define LC_TCP			6
#define LC_UDP			17

/* A key that says nothing yet but who sent the frame. */
static __always_inline void lc_key_begin(const struct lc_frame *frame,
					 struct lc_key *key)
{
	*key = (struct lc_key){
		.ethertype = frame->ethertype,
		.has_mac = frame->has_mac,
	};
	if (frame->has_mac)
		lc_copy6(key->mac, frame->mac);
}

/* TCP has a size in the upper four bits of bytes 12 and 13, in words of four
 * bytes, and the flags in the lower eight; UDP has one in bytes 4 and 5. A camera
 * sends both, so that a branch between them would often be mispredicted.
 */
static inline u32 lc_ports_size(const u8 *p, u32 tcp, struct lc_key *key)
{
	u32 word = lc_be16(p + 4 + 8 * tcp);

	key->tcp_flags = word & -tcp;
	return word >> 10 * tcp & (0xffff ^ (0xffc3 & -tcp));
}

/* What nearly every frame is: TCP or UDP, whole, with nothing between the IP
 * header and the ports, every length as it should be, and not DHCP. A frame of
 * which it is not true has changed nothing and goes the long way. All branches
 * are predicted well; between TCP and UDP there is none.
 */
static __always_inline bool lc_parse_usual(const struct lc_frame *frame,
					   const bool v6, struct lc_key *key)
{
	const u8 *p = frame->data;
	const u32 l4 = v6 ? LC_IPV6_LEN : LC_IPV4_LEN;
	u32 proto, end, size, tcp, sport, dport;

	if (frame->cap < l4 + 20 || frame->gso)
		return false;
	if (v6) {
		proto = p[6];
		end = LC_IPV6_LEN + lc_be16(p + 4);
		if (p[0] >> 4 != 6)
			return false;
	} else {
		proto = p[9];
		end = lc_be16(p + 2);
		if (p[0] != 0x45 ||
		    lc_be16(p + 6) & (LC_IPV4_FRAGMENT))
			return false;
	}
	if (proto > LC_UDP ||
	    !((1U << LC_TCP | 1U << LC_UDP) >> proto & 1))
		return false;
	tcp = proto == LC_TCP;
	sport = lc_be16(p + l4);
	dport = lc_be16(p + l4 + 2);
	if (lc_upkeep_ports(v6, proto, sport, dport) || end > frame->len ||
	    end < l4 + 8 + 12 * tcp)
		return false;
	size = lc_ports_size(p + l4, tcp, key);
	if (size < 8 + 12 * tcp || l4 + size > end) {
		key->tcp_flags = 0;
		return false;
	}

	if (v6) {
		key->family = LC_FAMILY_IPV6;
		lc_copy16(key->src, p + 8);
		lc_copy16(key->dst, p + 24);
	} else {
		key->family = LC_FAMILY_IPV4;
		lc_copy4(key->src, p + 12);
		lc_copy4(key->dst, p + 16);
	}
	key->proto = proto;
	key->has_proto = true;
	key->has_ports = true;
	key->sport = sport;
	key->dport = dport;
	return true;
}

#endif /* _LENSCAP_USUAL_H */
