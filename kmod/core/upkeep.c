// SPDX-License-Identifier: GPL-2.0-only
/*
 * Upkeep: what a host needs to stay on its LAN, and nothing more.
 *
 * A camera that may reach only its recorder still has to resolve addresses,
 * renew its lease and join groups. Each of these protocols could carry
 * something else as well, so each is accepted only in the shape in which a
 * plain host sends it: fixed or bounded length, the few options that hosts
 * use, a hop limit that a router would not have left, and no destination
 * beyond the LAN. Two questions remain that need the device and the guard:
 * whose addresses the message speaks for (key->claim, key->claim_mac), and
 * whether a unicast destination lies on the guard's LAN (key->unicast).
 * classify.c answers them. DHCP is in dhcp.c.
 *
 * Recognising is separate from accepting. What is recognised but malformed
 * gets a reason of its own instead of falling through to the rules: a rule
 * that permits "icmpv6" to a router must not let a router advertisement pass.
 *
 * Sources: RFC 826 and 5227 (ARP), RFC 4861 and 3971 (ND and its nonce), RFC 2236
 * and 3376 (IGMP), RFC 2710 and 3810 (MLD).
 */
#include "upkeep.h"

/* ARP for Ethernet and IPv4. */
#define ARP_LEN		28
#define ARP_MAX		(LC_ETHERNET_MIN + LC_ETHERNET_FCS)

#define PROTO_ICMPV6	58
#define PROTO_IGMP	2
#define PROTO_UDP	17

enum {
	IGMP_QUERY = 0x11,
	IGMP_V1_REPORT = 0x12,
	IGMP_V2_REPORT = 0x16,
	IGMP_V2_LEAVE = 0x17,
	IGMP_V3_REPORT = 0x22,
};

enum {
	MLD_QUERY = 130,
	MLD_REPORT = 131,
	MLD_DONE = 132,
	ND_ROUTER_SOLICIT = 133,
	ND_ROUTER_ADVERT = 134,
	ND_NEIGHBOUR_SOLICIT = 135,
	ND_NEIGHBOUR_ADVERT = 136,
	ND_REDIRECT = 137,
	MLD_V2_REPORT = 143,
};

enum {
	ND_OPT_SOURCE_LINK = 1,
	ND_OPT_TARGET_LINK = 2,
	ND_OPT_NONCE = 14,
};

static const u8 zero[16];

static u32 ports_of(const struct lc_key *key)
{
	return (u32)key->sport << 16 | key->dport;
}

/**
 * lc_upkeep_arp() - read an ARP packet
 * @frame: the frame, of ethertype 0x0806
 * @key: result; claims are set only without a reason
 *
 * Context: any.
 */
void lc_upkeep_arp(const struct lc_frame *frame, struct lc_key *key)
{
	const u8 *p = frame->data;

	key->upkeep = LENSCAP_UPKEEP_ARP;
	if (frame->cap < ARP_LEN) {
		key->reason = LENSCAP_REASON_TRUNCATED;
		return;
	}
	if (frame->len > ARP_MAX || lc_be16(p) != 1 ||
	    lc_be16(p + 2) != 0x0800 || p[4] != 6 || p[5] != 4 ||
	    (lc_be16(p + 6) != 1 && lc_be16(p + 6) != 2)) {
		lc_upkeep_invalid(key);
		return;
	}
	/* Who has no address yet probes for the one that it will take: whoever else
	 * is about to take it gives it up for that. RFC 5227 section 2.1.1.
	 */
	lc_upkeep_claim(key, LC_FAMILY_IPV4,
			memcmp(p + 14, zero, 4) ? p + 14 : p + 24);
	lc_upkeep_claim_mac(key, p + 8);
}

/* The group records of an IGMPv3 or MLDv2 report fill it exactly: a report with
 * room to spare could carry anything. @head is the length of a record without
 * its sources, @addr that of an address. A report that does not fit the window
 * (13 groups of IPv6, 35 of IPv4) cannot be walked and is not accepted.
 */
static bool records_fit(const struct lc_frame *frame, u32 l4, u32 end,
			u32 head, u32 addr)
{
	u32 records, off;

	if (frame->cap < end || end > LC_HEADERS)
		return false;
	records = lc_be16(frame->data + l4 + 6);
	for (off = l4 + 8; records; records--) {
		if (end - off < head)
			return false;
		/* Auxiliary data: RFC 3376 and 3810 define none. */
		if (frame->data[off + 1])
			return false;
		off += head + lc_be16(frame->data + off + 2) * addr;
		if (off > end)
			return false;
	}
	return off == end;
}

static void igmp(const struct lc_frame *frame, u32 l4, u32 end,
		 struct lc_key *key)
{
	const u8 *p = frame->data;

	key->upkeep = LENSCAP_UPKEEP_IGMP;
	if (key->part != LC_PART_WHOLE || end - l4 < 8 ||
	    frame->cap < l4 + 8 || p[8] != 1 || (key->dst[0] & 0xf0) != 0xe0) {
		lc_upkeep_invalid(key);
		return;
	}
	switch (p[l4]) {
	case IGMP_V1_REPORT:
	case IGMP_V2_REPORT:
	case IGMP_V2_LEAVE:
		if (end - l4 != 8)
			lc_upkeep_invalid(key);
		return;
	case IGMP_V3_REPORT:
		if (!records_fit(frame, l4, end, 8, 4))
			lc_upkeep_invalid(key);
		return;
	case IGMP_QUERY:
		lc_upkeep_spoof(key);
		return;
	default:
		lc_upkeep_invalid(key);
	}
}

/**
 * lc_upkeep_ipv4() - recognise DHCP and IGMP in an IPv4 packet
 * @frame: the frame
 * @l4: offset of the transport header
 * @end: where the packet ends
 * @key: headers so far; receives the result
 *
 * DHCP to a unicast address is marked as such: on the LAN it is a renewal,
 * elsewhere it needs a rule like any other datagram, and must be a client's even so.
 * Fragments are malformed upkeep.
 *
 * Context: any.
 */
void lc_upkeep_ipv4(const struct lc_frame *frame, u32 l4, u32 end,
		    struct lc_key *key)
{
	if (key->proto == PROTO_IGMP)
		igmp(frame, l4, end, key);
	else if (lc_upkeep_ports(false, key->proto, ports_of(key)))
		lc_upkeep_dhcp(frame, l4, end, key);
}

/* Options of a neighbour discovery message: only those that a host sends,
 * each of its one length (a nonce of 6 bytes, RFC 3971 section 5.3.2).
 */
static bool nd_options(const u8 *p, u32 len, struct lc_key *key)
{
	u32 off;

	if (len % 8)
		return false;
	for (off = 0; off < len; off += 8) {
		if (p[off + 1] != 1)
			return false;
		switch (p[off]) {
		case ND_OPT_SOURCE_LINK:
		case ND_OPT_TARGET_LINK:
			if (key->has_claim_mac)
				return false;
			lc_upkeep_claim_mac(key, p + off + 2);
			break;
		case ND_OPT_NONCE:
			break;
		default:
			return false;
		}
	}
	return true;
}

static void nd(const struct lc_frame *frame, u32 l4, u32 end, bool plain,
	       struct lc_key *key)
{
	const u8 *p = frame->data + l4;
	bool unspecified = !memcmp(key->src, zero, 16);
	u32 fixed = p[0] == ND_ROUTER_SOLICIT ? 8 : 24;
	bool link = lc_link_local(key->dst) ||
		    (key->dst[0] == 0xff && key->dst[1] == 0x02);

	key->upkeep = LENSCAP_UPKEEP_ND;
	key->unicast = !link;
	if (p[0] == ND_ROUTER_ADVERT || p[0] == ND_REDIRECT) {
		lc_upkeep_spoof(key);
		return;
	}
	if (!plain || frame->data[7] != 255 || p[1] || end - l4 < fixed ||
	    end - l4 > fixed + 24 || frame->cap < end ||
	    (key->unicast && key->dst[0] == 0xff) ||
	    !nd_options(p + fixed, end - l4 - fixed, key)) {
		lc_upkeep_invalid(key);
		return;
	}
	/* An unspecified source cannot be answered at a link address. */
	if (unspecified && (key->has_claim_mac ||
			    p[0] == ND_NEIGHBOUR_ADVERT)) {
		lc_upkeep_invalid(key);
		return;
	}
	/* Who solicits only names another; who advertises, or probes for a
	 * duplicate of its own address, speaks for the target.
	 */
	if (p[0] == ND_NEIGHBOUR_ADVERT ||
	    (p[0] == ND_NEIGHBOUR_SOLICIT && unspecified))
		lc_upkeep_claim(key, LC_FAMILY_IPV6, p + 8);
}

static bool is_mld(u16 type)
{
	return type == MLD_QUERY || type == MLD_REPORT || type == MLD_DONE ||
	       type == MLD_V2_REPORT;
}

/**
 * lc_upkeep_group() - is it a message of IGMP or MLD?
 * @key: headers so far, its type included
 *
 * Context: any. Return: it is, whatever it says; it will be judged as upkeep.
 */
bool lc_upkeep_group(const struct lc_key *key)
{
	if (key->family == LC_FAMILY_IPV4)
		return key->proto == PROTO_IGMP;
	return key->proto == PROTO_ICMPV6 && is_mld(key->dport);
}

static void mld(const struct lc_frame *frame, u32 l4, u32 end,
		struct lc_key *key)
{
	const u8 *p = frame->data;
	bool source = lc_link_local(key->src) || !memcmp(key->src, zero, 16);

	key->upkeep = LENSCAP_UPKEEP_MLD;
	if (p[l4] == MLD_QUERY) {
		lc_upkeep_spoof(key);
		return;
	}
	/* Exactly one hop-by-hop header that holds the router alert for MLD
	 * and padding without data, one option or two: RFC 3810 section 5.
	 */
	if (p[7] != 1 || p[l4 + 1] || !source || key->dst[0] != 0xff ||
	    p[6] != 0 || l4 != 48 || p[40] != PROTO_ICMPV6 ||
	    lc_be32(p + 42) != 0x05020000 ||
	    (lc_be16(p + 46) != 0x0100 && lc_be16(p + 46)) ||
	    (p[l4] == MLD_V2_REPORT ? !records_fit(frame, l4, end, 20, 16) :
				      end - l4 != 24))
		lc_upkeep_invalid(key);
}

/**
 * lc_upkeep_ipv6() - recognise ND, MLD and DHCPv6 in an IPv6 packet
 * @frame: the frame
 * @l4: offset of the transport header
 * @end: where the packet ends
 * @plain: no extension headers in between, so that it is no fragment either
 * @key: headers so far; receives the result
 *
 * Context: any.
 */
void lc_upkeep_ipv6(const struct lc_frame *frame, u32 l4, u32 end,
		    bool plain, struct lc_key *key)
{
	if (lc_upkeep_ports(true, key->proto, ports_of(key)) &&
	    !frame->gso) {
		lc_upkeep_dhcp6(frame, l4, end, plain, key);
		return;
	}
	if (key->proto != PROTO_ICMPV6)
		return;

	if (is_mld(key->dport)) {
		mld(frame, l4, end, key);
		return;
	}
	switch (key->dport) {
	case ND_ROUTER_SOLICIT:
	case ND_ROUTER_ADVERT:
	case ND_NEIGHBOUR_SOLICIT:
	case ND_NEIGHBOUR_ADVERT:
	case ND_REDIRECT:
		nd(frame, l4, end, plain, key);
	}
}
