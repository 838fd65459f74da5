// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frame to key: what a frame says, read with bounds.
 *
 * A camera's firmware may send any bytes. The parser therefore trusts no
 * length that it has not compared with the one outside it: every header must
 * end within its packet, every packet within its frame, and everything that
 * is read within the LC_HEADERS bytes that the caller made contiguous. What
 * does not add up gets a reason and is not looked at further; there is no
 * "probably fine". Bytes behind the IP packet are Ethernet padding and
 * ignored, as the IP stack ignores them; but where the size of a packet is
 * bounded, there must not be more of them than Ethernet adds, or a bridge would
 * carry on what the bound is about.
 *
 * The order of the layers is the order of the reasons: a frame that is wrong
 * in two ways is reported for the outer one.
 *
 * Offsets count from the network header. "end" is where the IP packet says
 * that it ends, at most frame->len.
 *
 * Sources: RFC 791 and 1812 (IPv4), RFC 8200 and 8504 (IPv6, limits on extension
 * headers), RFC 1858 and 3128 (fragments that hide ports), RFC 6946 (atomic
 * fragments), net/ipv4/ip_input.c and net/ipv6/ip6_input.c (what Linux would
 * accept behind this hook).
 */
#include "options.h"

#define ETHERTYPE_ARP	0x0806

#define IPV4_MORE	0x2000
#define IPV4_OFFSET	0x1fff
#define IPV6_MORE	0x0001
#define IPV6_OFFSET	0xfff8

#define NEXT_HOP_BY_HOP	0
#define NEXT_ROUTING	43
#define NEXT_FRAGMENT	44
#define NEXT_AH		51
#define NEXT_DSTOPTS	60
#define NEXT_MOBILITY	135
#define NEXT_HIP	139
#define NEXT_SHIM6	140
#define NEXT_TEST1	253
#define NEXT_TEST2	254

#define PROTO_ICMP	1
#define PROTO_DCCP	33
#define PROTO_ICMPV6	58
#define PROTO_SCTP	132
#define PROTO_UDPLITE	136

/* What lies between the IP header and the transport header. */
struct span {
	u32 l4;		/* where the transport header starts */
	u32 end;	/* where the packet ends */
	bool plain;	/* no extension header, no option in between */
	bool alert;	/* asks routers to look, RFC 2113 and 2711 */
};

static bool fail(struct lc_key *key, u8 reason)
{
	key->reason = reason;
	return false;
}

/* May @count bytes at @off be read? What the caller made contiguous beyond
 * the window is not looked at either: a verdict must not depend on how a
 * driver happens to lay out a frame.
 */
static bool readable(const struct lc_frame *frame, u32 off, u32 count)
{
	u32 cap = frame->cap < LC_HEADERS ? frame->cap : LC_HEADERS;

	return off <= cap && count <= cap - off;
}

/* A TCP header length or UDP length that is not between the header's size and
 * what there is. A fragment's UDP length is that of the whole datagram; a
 * super-packet's is that of one segment or zero.
 */
static bool odd_size(const struct lc_frame *frame, u32 size, u32 need,
		     struct lc_key *key)
{
	bool tcp = key->proto == LC_TCP;

	if (!tcp && frame->gso && key->part == LC_PART_WHOLE)
		return true;
	if (size < need)
		return fail(key, LENSCAP_REASON_BAD_HEADER);
	if (key->part == LC_PART_FIRST)
		return !tcp || fail(key, LENSCAP_REASON_TINY_FRAGMENT);
	return fail(key, LENSCAP_REASON_BAD_HEADER);
}

/* Is the transport header there? */
static bool transport_fits(const struct lc_frame *frame,
			   const struct span *span, u32 need, struct lc_key *key)
{
	if (span->end - span->l4 < need)
		return fail(key, key->part == LC_PART_FIRST ?
			    LENSCAP_REASON_TINY_FRAGMENT :
			    LENSCAP_REASON_TRUNCATED);
	if (!readable(frame, span->l4, need))
		return fail(key, LENSCAP_REASON_EXT_HEADER);
	return true;
}

static bool parse_ports(const struct lc_frame *frame, const struct span *span,
			struct lc_key *key)
{
	const u8 *p = frame->data + span->l4;
	bool tcp = key->proto == LC_TCP;
	u32 need = tcp ? 20 : 8;
	u32 room = span->end - span->l4;
	u32 size;

	if (!transport_fits(frame, span, need, key))
		return false;
	key->has_ports = true;
	key->sport = lc_be16(p);
	key->dport = lc_be16(p + 2);
	size = tcp ? p[12] >> 2 & 0x3c : lc_be16(p + 4);
	key->tcp_flags = tcp ? p[13] : 0;
	if ((size < need) | (size > room))
		return odd_size(frame, size, need, key);
	return true;
}

/* TCP, UDP and ICMP, as far as rules look at them. A first fragment must hold
 * the whole header (RFC 1858: what it does not hold would come unjudged).
 */
static bool parse_transport(const struct lc_frame *frame,
			    const struct span *span, struct lc_key *key)
{
	u32 icmp = key->family == LC_FAMILY_IPV4 ? PROTO_ICMP : PROTO_ICMPV6;

	if ((key->proto == LC_TCP) | (key->proto == LC_UDP))
		return parse_ports(frame, span, key);
	if (key->proto != icmp)
		return true;
	if (!transport_fits(frame, span, 8, key))
		return false;
	key->has_ports = true;
	key->dport = frame->data[span->l4];
	return true;
}

static bool is_echo(const struct lc_key *key)
{
	/* And extended echo, RFC 8335. */
	if (key->family == LC_FAMILY_IPV4)
		return key->dport == 0 || key->dport == 8 ||
		       key->dport == 42 || key->dport == 43;
	return key->dport == 128 || key->dport == 129 ||
	       key->dport == 160 || key->dport == 161;
}

/* Is there more behind the packet than Ethernet adds? */
static bool trails(const struct lc_frame *frame, const struct span *span)
{
	u32 end = span->end > LC_ETHERNET_MIN ? span->end : LC_ETHERNET_MIN;

	return frame->len > end + LC_ETHERNET_FCS;
}

/* Types of messages about a packet that did not get on, which they quote: RFC 792,
 * 1475 and 2521. RFC 4443 section 2.1.
 */
static bool is_error(bool v4, u16 type)
{
	const u64 errors = 1ULL << 3 | 1ULL << 4 | 1ULL << 11 | 1ULL << 12 |
			   1ULL << 31 | 1ULL << 40;

	return v4 ? type < 64 && errors >> type & 1 : type < 128;
}

/* Extension headers that others walk past to what is behind. */
static bool extends(u8 next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING ||
	       next == NEXT_FRAGMENT || next == NEXT_AH || next == NEXT_DSTOPTS;
}

/* Protocols of which the end of a connection is told what became of its packet. That of
 * a tunnel tells on whoever sent what is inside, with all that is quoted of it, which
 * may name anybody (ip4ip6_err() and ip6ip6_err() in net/ipv6/ip6_tunnel.c,
 * ip6_err_gen_icmpv6_unreach() in net/ipv6/icmp.c).
 */
static bool connects(u8 proto, bool v4)
{
	return proto == LC_TCP || proto == LC_UDP || proto == PROTO_SCTP ||
	       proto == PROTO_DCCP || proto == PROTO_UDPLITE ||
	       proto == (v4 ? PROTO_ICMP : PROTO_ICMPV6);
}

/* A host complains about packets that it got, to who sent them, with the address that
 * they were sent to (RFC 1122 section 3.2.2, RFC 4443 section 2.2). Is the message of
 * that kind? Any other would tell its receiver lies about a third party, or connection
 * tracking, which believes the quote, would translate its destination as that of the
 * third party's connection. A quoted routing header says another destination than its
 * packet (seg6_icmp_srh() in net/ipv6/seg6.c): there is to be none in sight or behind,
 * nor any other extension header.
 */
static bool quotes_own(const struct lc_frame *frame, const struct span *span,
		       const struct lc_key *key)
{
	bool v4 = key->family == LC_FAMILY_IPV4;
	u32 head = v4 ? LC_IPV4_LEN : LC_IPV6_LEN;
	u32 size = v4 ? 4 : 16, at = span->l4 + 8;
	const u8 *p = frame->data + at;

	if (span->end - at < head || !readable(frame, at, head))
		return false;
	return p[0] >> 4 == (v4 ? 4 : 6) && connects(p[v4 ? 9 : 6], v4) &&
	       !memcmp(p + head - size * 2, key->dst, size) &&
	       !memcmp(p + head - size, key->src, size);
}

/* One that comes in fragments is too large, and so is one that drags others along. */
static u8 icmp_of(const struct lc_frame *frame, const struct span *span,
		  const struct lc_key *key)
{
	bool v4 = key->family == LC_FAMILY_IPV4;
	bool fits;

	if (key->proto != (v4 ? PROTO_ICMP : PROTO_ICMPV6))
		return LC_ICMP_NONE;
	if (key->part != LC_PART_WHOLE || trails(frame, span))
		return LC_ICMP_LARGE;
	if (is_echo(key))
		fits = span->end - (v4 ? LC_IPV4_LEN : LC_IPV6_LEN) <=
		       LC_ECHO_MAX;
	else
		fits = span->end <= (v4 ? LC_ICMP4_MAX : LC_ICMP6_MAX);
	if (!fits)
		return LC_ICMP_LARGE;
	/* What only routers say. ICMPv6 of the kind is upkeep. */
	if (v4 && (key->dport == 5 || key->dport == 9))
		return LC_ICMP_FOREIGN;
	return is_error(v4, key->dport) && !quotes_own(frame, span, key) ?
	       LC_ICMP_FOREIGN : LC_ICMP_SOUND;
}

/* A super-packet that is a fragment as well: behind this hook it would be cut up,
 * and its parts get offsets and identifications that nobody has judged. No stack
 * makes one; a virtual machine may.
 */
static bool odd_super(const struct lc_frame *frame, u32 fragment)
{
	return frame->gso && fragment;
}

/* A super-packet whose parts will be fragments, and not those of what was judged:
 * offsets count units of 8 bytes, so that there would be holes between others; behind
 * 64 KiB they begin again, with a header that nobody has seen; and extension headers
 * are added to them (inet_gso_segment() and ipv6_gso_segment() reckon with all that
 * there is, whatever the packet says of its length). Of UDP alone, as it should be,
 * they are sound. No stack makes others; a virtual machine may.
 */
static bool odd_ufo(const struct lc_frame *frame, u8 proto, u32 end)
{
	return frame->ufo && (proto != LC_UDP || frame->gso_size & 7 ||
			      end != frame->len);
}

static bool parse_ipv4(const struct lc_frame *frame, struct span *span,
		       struct lc_key *key)
{
	const u8 *p = frame->data;
	u32 header, total, frag, offset;

	if (!readable(frame, 0, LC_IPV4_LEN))
		return fail(key, LENSCAP_REASON_TRUNCATED);
	if (p[0] >> 4 != 4)
		return fail(key, LENSCAP_REASON_BAD_HEADER);

	key->family = LC_FAMILY_IPV4;
	lc_copy4(key->src, p + 12);
	lc_copy4(key->dst, p + 16);

	header = (p[0] & 0xf) * 4;
	total = lc_be16(p + 2);
	if (!total && frame->gso && !frame->ufo)
		total = frame->len;
	if (header < LC_IPV4_LEN || total < header || total > frame->len)
		return fail(key, LENSCAP_REASON_BAD_HEADER);
	if (!readable(frame, 0, header))
		return fail(key, LENSCAP_REASON_TRUNCATED);
	if (!lc_options_ipv4(p + LC_IPV4_LEN, header - LC_IPV4_LEN,
			     &span->alert))
		return fail(key, LENSCAP_REASON_IP_OPTION);

	key->proto = p[9];
	key->has_proto = true;
	frag = lc_be16(p + 6);
	offset = (frag & IPV4_OFFSET) * 8;
	if (offset + (total - header) > 0xffff && offset)
		return fail(key, LENSCAP_REASON_BAD_HEADER);
	if (odd_super(frame, frag & (IPV4_OFFSET | IPV4_MORE)) ||
	    odd_ufo(frame, key->proto, total))
		return fail(key, LENSCAP_REASON_BAD_HEADER);
	/* RFC 3128: a fragment that starts inside the TCP header could
	 * overwrite the ports and flags that were judged. Whatever its protocol:
	 * not all receivers keep those of two protocols apart, and no link is so
	 * narrow that there would have to be one.
	 */
	if (offset && offset < 20)
		return fail(key, LENSCAP_REASON_TINY_FRAGMENT);
	key->ident = lc_be16(p + 4);
	key->more = frag & IPV4_MORE;
	if (offset)
		key->part = LC_PART_LATER;
	else if (key->more)
		key->part = LC_PART_FIRST;

	span->l4 = header;
	span->end = total;
	span->plain = header == LC_IPV4_LEN;
	return true;
}

/* The fragment header, RFC 8200 section 4.5. An atomic fragment (offset 0, no
 * more to come) is a whole packet, RFC 6946.
 *
 * Reassembly believes the next header of the first fragment alone (RFC 8200), so
 * that of a later one may be a lie, and so may what it says of TCP. Whatever it
 * says, it must not reach into the longest header that is judged, TCP's, which a
 * first fragment holds right behind its fragment header: parse_ipv6_chain().
 */
static bool parse_ipv6_fragment(const struct lc_frame *frame, const u8 *p,
				u32 rest, struct lc_key *key)
{
	u16 frag = lc_be16(p + 2);
	u32 offset = frag & IPV6_OFFSET;

	if (odd_super(frame, frag & (IPV6_OFFSET | IPV6_MORE)))
		return fail(key, LENSCAP_REASON_BAD_HEADER);
	if (frag & IPV6_MORE && (rest & 7 || !rest))
		return fail(key, LENSCAP_REASON_BAD_HEADER);
	if (offset + rest > 0xffff)
		return fail(key, LENSCAP_REASON_BAD_HEADER);
	if (offset && offset < 20)
		return fail(key, LENSCAP_REASON_TINY_FRAGMENT);
	key->ident = lc_be32(p + 4);
	key->more = frag & IPV6_MORE;
	if (offset)
		key->part = LC_PART_LATER;
	else if (key->more)
		key->part = LC_PART_FIRST;
	return true;
}

/* AH is a protocol here, which rules may permit, and what is behind it is not looked
 * at. Connection tracking walks on, and takes a fragment header that it finds for that
 * of the packet (find_prev_fhdr() in net/ipv6/netfilter/nf_conntrack_reasm.c). No host
 * puts one there: it makes fragments of what AH protects, RFC 4302 section 3.3.4. An
 * error that it finds there, it translates and sends on as the connection that the
 * error quotes (nf_conntrack_icmpv6_error()): quotes_own() is to see it.
 */
static bool hides_header(const struct lc_frame *frame, const struct span *span)
{
	if (span->l4 == span->end)
		return false;
	return !readable(frame, span->l4, 1) || extends(frame->data[span->l4]) ||
	       frame->data[span->l4] == PROTO_ICMPV6;
}

/* Walk the extension headers. A later fragment's data is not a header, so the
 * walk ends at it; the protocol that its fragment header names counts only if
 * it is not one more extension header that nobody can see. Nor may a first
 * fragment have extension headers behind its fragment header: they would move
 * the ports to where a later one may lie over them.
 */
static bool parse_ipv6_chain(const struct lc_frame *frame, u8 next,
			     struct span *span, struct lc_key *key)
{
	bool fragmented = false;
	u32 count = 0;

	for (;;) {
		const u8 *p = frame->data + span->l4;
		u32 room = span->end - span->l4;
		u32 size;

		switch (next) {
		case NEXT_HOP_BY_HOP:
			if (count)
				return fail(key, LENSCAP_REASON_EXT_HEADER);
			break;
		case NEXT_DSTOPTS:
			break;
		case NEXT_FRAGMENT:
			if (fragmented)
				return fail(key, LENSCAP_REASON_EXT_HEADER);
			break;
		case NEXT_ROUTING:
		case NEXT_MOBILITY:
		case NEXT_HIP:
		case NEXT_SHIM6:
		case NEXT_TEST1:
		case NEXT_TEST2:
			return fail(key, LENSCAP_REASON_EXT_HEADER);
		case NEXT_AH:
			if (key->part != LC_PART_LATER &&
			    hides_header(frame, span))
				return fail(key, LENSCAP_REASON_EXT_HEADER);
			fallthrough;
		default:
			key->proto = next;
			key->has_proto = true;
			return true;
		}

		if (key->part != LC_PART_WHOLE || ++count > LC_EXT_MAX)
			return fail(key, LENSCAP_REASON_EXT_HEADER);
		if (room < 8)
			return fail(key, LENSCAP_REASON_TRUNCATED);
		if (!readable(frame, span->l4, 8))
			return fail(key, LENSCAP_REASON_EXT_HEADER);

		if (next == NEXT_FRAGMENT) {
			size = 8;
			fragmented = true;
			if (!parse_ipv6_fragment(frame, p, room - size,
						 key))
				return false;
		} else {
			size = (p[1] + 1) * 8;
			if (size > room)
				return fail(key, LENSCAP_REASON_BAD_HEADER);
		}
		if (!readable(frame, span->l4, size))
			return fail(key, LENSCAP_REASON_EXT_HEADER);
		if (next != NEXT_FRAGMENT)
			key->reason = lc_options_ipv6(p, size, &span->alert);
		if (key->reason)
			return false;
		next = p[0];
		span->l4 += size;
		span->plain = false;
	}
}

static bool parse_ipv6(const struct lc_frame *frame, struct span *span,
		       struct lc_key *key)
{
	const u8 *p = frame->data;
	u32 payload;

	if (!readable(frame, 0, LC_IPV6_LEN))
		return fail(key, LENSCAP_REASON_TRUNCATED);
	if (p[0] >> 4 != 6)
		return fail(key, LENSCAP_REASON_BAD_HEADER);

	key->family = LC_FAMILY_IPV6;
	lc_copy16(key->src, p + 8);
	lc_copy16(key->dst, p + 24);

	/* Zero would be a jumbogram (RFC 2675): only the stack's own
	 * super-packets are that long.
	 */
	payload = lc_be16(p + 4);
	if (!payload && frame->gso && !frame->ufo)
		payload = frame->len - LC_IPV6_LEN;
	if (payload > frame->len - LC_IPV6_LEN ||
	    odd_ufo(frame, p[6], LC_IPV6_LEN + payload))
		return fail(key, LENSCAP_REASON_BAD_HEADER);

	span->l4 = LC_IPV6_LEN;
	span->end = LC_IPV6_LEN + payload;
	span->plain = true;
	return parse_ipv6_chain(frame, p[6], span, key);
}

/* A checksum that is still to be made is written into the frame when it has been
 * judged, at a place that a virtual machine may choose.
 */
enum sum {
	SUM_MADE,	/* or where its protocol has it */
	SUM_BEHIND,	/* over what is not looked at */
	SUM_OVER,	/* over what is */
};

static enum sum sum_of(const struct lc_frame *frame, u32 l4,
		       const struct lc_key *key)
{
	s32 field = l4 + 2, behind = l4 + 4;

	if (key->proto == LC_TCP) {
		field = l4 + LC_TCP_SUM;
		behind = l4 + 20;
	} else if (key->proto == LC_UDP) {
		field = l4 + 6;
		behind = l4 + 8;
	} else if (key->icmp) {
		/* What it quotes is looked at, too. */
		behind = frame->len;
	}
	if (!frame->sum_open || frame->sum_at == field)
		return SUM_MADE;
	return frame->sum_at < behind ? SUM_OVER : SUM_BEHIND;
}

/* A key that says nothing yet but who sent the frame. */
static void begin(const struct lc_frame *frame, struct lc_key *key)
{
	*key = (struct lc_key){
		.ethertype = frame->ethertype,
		.has_mac = frame->has_mac,
	};
	if (frame->has_mac)
		lc_copy6(key->mac, frame->mac);
}

/* The key of a usual frame. */
static bool parse_usual(const struct lc_frame *frame, const bool v6,
			struct lc_key *key)
{
	struct lc_usual usual;

	if (!lc_usual_read(frame, v6, &usual))
		return false;
	if (v6) {
		key->family = LC_FAMILY_IPV6;
		lc_copy16(key->src, frame->data + 8);
		lc_copy16(key->dst, frame->data + 24);
	} else {
		key->family = LC_FAMILY_IPV4;
		lc_copy4(key->src, frame->data + 12);
		lc_copy4(key->dst, frame->data + 16);
	}
	key->proto = usual.proto;
	key->has_proto = true;
	key->has_ports = true;
	key->sport = usual.ports >> 16;
	key->dport = usual.ports;
	key->tcp_flags = usual.flags;
	return true;
}

/**
 * lc_parse() - read a frame's headers into a key
 * @frame: the frame; @frame->cap must be at least min(@frame->len, LC_WINDOW)
 * @key: result, written whole
 *
 * On failure @key->reason says why and the fields that were reached before
 * are valid, so that a drop can be reported with as much as is known.
 *
 * Context: any; reads only @frame.
 */
void lc_parse(const struct lc_frame *frame, struct lc_key *key)
{
	struct span span = { 0 };
	enum sum sum;
	bool ok;

	begin(frame, key);

	if (frame->vlan_stack) {
		fail(key, LENSCAP_REASON_VLAN_STACK);
		return;
	}

	switch (frame->ethertype) {
	case LC_ETHERTYPE_IPV4:
		if (parse_usual(frame, false, key))
			return;
		ok = parse_ipv4(frame, &span, key);
		break;
	case LC_ETHERTYPE_IPV6:
		if (parse_usual(frame, true, key))
			return;
		ok = parse_ipv6(frame, &span, key);
		break;
	case ETHERTYPE_ARP:
		lc_upkeep_arp(frame, key);
		/* It has none. */
		if (frame->sum_open && !key->reason)
			fail(key, LENSCAP_REASON_UPKEEP_INVALID);
		return;
	default:
		fail(key, LENSCAP_REASON_ETHERTYPE);
		return;
	}
	if (!ok)
		return;
	if (key->part != LC_PART_LATER && !parse_transport(frame, &span, key))
		return;
	key->icmp = icmp_of(frame, &span, key);
	sum = sum_of(frame, span.l4, key);
	if (sum == SUM_OVER) {
		fail(key, LENSCAP_REASON_BAD_HEADER);
		return;
	}
	/* Whoever listens for alerts on the gateway gets such a packet in place of
	 * its destination: ip_call_ra_chain() and ip6_call_ra_chain().
	 */
	if (span.alert && !lc_upkeep_group(key)) {
		fail(key, key->family == LC_FAMILY_IPV4 ?
			  LENSCAP_REASON_IP_OPTION : LENSCAP_REASON_EXT_HEADER);
		return;
	}
	/* Upkeep never comes in fragments (for ND that is a rule, RFC 6980), so
	 * first fragments are looked at as well, and refused. A later fragment
	 * of ICMPv6 could be of anything and is left to the rules: without its
	 * first it is nothing.
	 */
	if (key->family == LC_FAMILY_IPV4)
		lc_upkeep_ipv4(frame, span.l4, span.end, key);
	else if (key->part != LC_PART_LATER)
		lc_upkeep_ipv6(frame, span.l4, span.end, span.plain, key);
	/* Of upkeep all is looked at. */
	if (key->upkeep && !key->reason &&
	    (sum != SUM_MADE || trails(frame, &span)))
		fail(key, LENSCAP_REASON_UPKEEP_INVALID);
}

/**
 * lc_key_first() - what is to be known of a first fragment for its later ones
 * @key: of a frame that is permitted
 * @first: written if it is one with ports
 *
 * Context: any. Return: is it?
 */
bool lc_key_first(const struct lc_key *key, struct lc_first *first)
{
	if (key->part != LC_PART_FIRST || !key->has_ports)
		return false;
	*first = (struct lc_first){
		.ports = (u32)key->sport << 16 | key->dport,
		.proto = key->proto,
		.tcp_flags = key->tcp_flags,
	};
	return true;
}

/**
 * lc_key_resume() - let a later fragment be judged by what its first one said
 * @key: of the later fragment
 * @first: of the first one of the same packet
 *
 * Its own protocol is forgotten: where there is a difference (IPv6), receivers
 * believe the first fragment (RFC 8200 section 4.5).
 *
 * Context: any.
 */
void lc_key_resume(struct lc_key *key, const struct lc_first *first)
{
	key->part = LC_PART_FIRST;
	key->proto = first->proto;
	key->has_proto = true;
	key->has_ports = true;
	key->sport = first->ports >> 16;
	key->dport = (u16)first->ports;
	key->tcp_flags = first->tcp_flags;
	key->icmp = LC_ICMP_NONE;
}
