// SPDX-License-Identifier: GPL-2.0-only
/*
 * DHCP and DHCPv6, as clients send them.
 *
 * A server gives an address to a name: the client identifier (option 61, RFC 2131
 * section 2; of DHCPv6 the DUID, RFC 8415 section 11), and only if there is none to
 * the hardware address. It believes what the message says. Who uses another's name
 * gets its lease, or has it released or declined; who makes up names gets all there
 * are. It does not even need the addresses: before a client has one it cannot answer
 * ARP, so servers write what they give, and the MAC of the message, into the neighbour
 * table of their host, and what is meant for the other goes to the liar from then on.
 *
 * So a name must be the device's own, as far as that can be told: its MAC, as most
 * clients say it. Of a name of any other kind nobody but the server can say whose it
 * is; it passes where the guard permits LENSCAP_UPKEEP_CLIENT_ID, but not, even there,
 * if it is the MAC of another. What is asked for (option 50) must be bound to the
 * device, like what it has (ciaddr). DHCPv6 servers know addresses only together with
 * the name, and answer to a link-local address, which is held to the device: what a
 * client says of addresses there is of no use to a liar.
 *
 * A client that renews asks its server alone first, and after a while everybody
 * (RFC 2131 section 4.4.5). The former looks like an answer to whoever has sent from
 * port 67 to the camera's 68, and so it is where a gateway translates addresses towards
 * cameras: it goes on to him, with what the camera wrote into it. Only a guard with
 * LENSCAP_UPKEEP_DHCP_UNICAST passes it.
 *
 * To be sure of the name, all options are walked as servers walk them, so a message
 * must lie in the window; what could hide one (options in other fields) or what relays
 * add is refused. A server beyond the LAN, to which only rules lead, believes it just
 * the same, and so does one that a rule permits for something else: the gateway's, by a
 * rule for all who poll a camera by UDP. So whatever goes to the port of servers, from
 * whatever port, must be a client's message.
 */
#include "upkeep.h"

/* RFC 2131 section 2: fields, with the magic cookie, and the UDP payload. */
#define DHCP_HOPS	3
#define DHCP_CIADDR	12
#define DHCP_YIADDR	16	/* then siaddr, giaddr */
#define DHCP_CHADDR	28
#define DHCP_FIXED	240
#define DHCP_MAX	576
#define DHCP_COOKIE	0x63825363

/* As clients send: their port, and an IPv4 header without options. */
#define DHCP_CLIENT	68
#define IPV4_PLAIN	20

#define DHCP6_FIXED	4
#define DHCP6_CLIENTID	1

/* A hardware address in a name: Ethernet's. RFC 2132 section 9.14. */
#define NAME_ETHERNET	1
#define NAME_LEN	7

/* Options, RFC 2132, 3046, 3011. */
enum {
	DHCP_PAD = 0,
	DHCP_ADDRESS = 50,
	DHCP_OVERLOAD = 52,
	DHCP_TYPE = 53,
	DHCP_CLIENTID = 61,
	DHCP_RELAY = 82,
	DHCP_SUBNET = 118,
	DHCP_END = 255,
};

/* DUIDs that are made of a hardware address, RFC 8415 section 11. */
enum {
	DUID_LLT = 1,
	DUID_LL = 3,
};

static const u8 zero[16];

/* Message types that are a client's, as bits. RFC 2131 table 2: discover, request,
 * decline, release, inform. RFC 8415 section 7.3: solicit, request, confirm, renew,
 * rebind, release, decline, information-request.
 */
static bool of_client(bool v6, u8 type)
{
	const u32 v4_types = 1U << 1 | 1U << 3 | 1U << 4 | 1U << 7 | 1U << 8;
	const u32 v6_types = 1U << 1 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 |
			     1U << 8 | 1U << 9 | 1U << 11;

	return type < 32 && (v6 ? v6_types : v4_types) >> type & 1;
}

/* A server answers to where the message says: to a relay (giaddr), or else to the
 * client's address (ciaddr), with what the client has chosen. RFC 2131 section 4.1.
 * Only relays and servers set these fields (table 5), and nothing is behind the
 * hardware address.
 */
static bool of_no_relay(const u8 *p)
{
	return !p[DHCP_HOPS] &&
	       !memcmp(p + DHCP_YIADDR, zero, DHCP_CHADDR - DHCP_YIADDR) &&
	       !memcmp(p + DHCP_CHADDR + 6, zero, 10);
}

/* The address that it asks for, beside the one that it has; it may say none. */
static bool asks_for(const u8 *addr, u8 len, struct lc_key *key)
{
	if (len != 4)
		return false;
	if (!memcmp(addr, zero, 4))
		return true;
	if (key->has_claim)
		return !memcmp(addr, key->claim, 4);
	lc_upkeep_claim(key, LC_FAMILY_IPV4, addr);
	return true;
}

static void name(const u8 *id, u8 len, struct lc_key *key)
{
	if (len != NAME_LEN || id[0] != NAME_ETHERNET)
		key->foreign_id = true;
	else if (memcmp(id + 1, key->mac, 6))
		lc_upkeep_claim_mac(key, id + 1);
}

/* Return: are they a client's? What a name is becomes part of @key. */
static bool read_options(const u8 *p, u32 len, struct lc_key *key)
{
	bool typed = false, named = false, asked = false;
	u32 off = 0;

	while (off < len) {
		u8 code = p[off++], size;

		if (code == DHCP_PAD)
			continue;
		if (code == DHCP_END)
			return typed;
		if (off == len)
			return false;
		size = p[off++];
		if (size > len - off)
			return false;
		/* Twice: servers take the first, the last, or both as one (RFC 3396). */
		switch (code) {
		case DHCP_TYPE:
			if (typed || size != 1 || !of_client(false, p[off]))
				return false;
			typed = true;
			break;
		case DHCP_ADDRESS:
			if (asked || !asks_for(p + off, size, key))
				return false;
			asked = true;
			break;
		case DHCP_CLIENTID:
			if (named)
				return false;
			name(p + off, size, key);
			named = true;
			break;
		case DHCP_OVERLOAD:
		case DHCP_RELAY:
		case DHCP_SUBNET:
			return false;
		}
		off += size;
	}
	return false;
}

/**
 * lc_upkeep_dhcp() - read a DHCP message of a client
 * @frame: the frame
 * @l4: offset of the UDP header
 * @end: where the datagram ends
 * @key: headers so far; receives the result
 *
 * Context: any. Sources: RFC 2131, 2132, 3046, 3396.
 */
void lc_upkeep_dhcp(const struct lc_frame *frame, u32 l4, u32 end,
		    struct lc_key *key)
{
	const u8 *p = frame->data + l4 + 8;
	u32 len = end - l4 - 8;

	key->upkeep = LENSCAP_UPKEEP_DHCP;
	key->unicast = lc_be32(key->dst) != 0xffffffff;
	if (key->sport != DHCP_CLIENT || key->part != LC_PART_WHOLE ||
	    frame->gso || l4 != IPV4_PLAIN || len < DHCP_FIXED || len > DHCP_MAX ||
	    lc_be16(frame->data + l4 + 4) != end - l4 || frame->cap < end ||
	    p[0] != 1 || p[1] != 1 || p[2] != 6 ||
	    lc_be32(p + 236) != DHCP_COOKIE || !of_no_relay(p)) {
		lc_upkeep_invalid(key);
		return;
	}
	if (memcmp(p + DHCP_CIADDR, zero, 4))
		lc_upkeep_claim(key, LC_FAMILY_IPV4, p + DHCP_CIADDR);
	lc_upkeep_claim_mac(key, p + DHCP_CHADDR);
	if (!read_options(p + DHCP_FIXED, len - DHCP_FIXED, key))
		lc_upkeep_invalid(key);
}

/* Is a DUID made of the frame's MAC? */
static bool is_own(const u8 *duid, u32 len, const struct lc_key *key)
{
	u32 head;

	if (len < 4 || lc_be16(duid + 2) != NAME_ETHERNET)
		return false;
	switch (lc_be16(duid)) {
	case DUID_LLT:
		head = 8;
		break;
	case DUID_LL:
		head = 4;
		break;
	default:
		return false;
	}
	return len == head + 6 && !memcmp(duid + head, key->mac, 6);
}

static bool read_options6(const u8 *p, u32 len, struct lc_key *key)
{
	bool named = false;
	u32 off = 0;

	while (off < len) {
		u32 size;

		if (len - off < 4)
			return false;
		size = lc_be16(p + off + 2);
		if (size > len - off - 4)
			return false;
		if (lc_be16(p + off) == DHCP6_CLIENTID) {
			if (named)
				return false;
			key->foreign_id = !is_own(p + off + 4, size, key);
			named = true;
		}
		off += 4 + size;
	}
	return true;
}

/**
 * lc_upkeep_dhcp6() - read a DHCPv6 message of a client
 * @frame: the frame
 * @l4: offset of the UDP header
 * @end: where the datagram ends
 * @plain: no extension headers in between, so that it is no fragment either
 * @key: headers so far; receives the result
 *
 * Context: any. Sources: RFC 8415.
 */
void lc_upkeep_dhcp6(const struct lc_frame *frame, u32 l4, u32 end, bool plain,
		     struct lc_key *key)
{
	static const u8 servers[16] = {
		0xff, 0x02, [13] = 0x01, [15] = 0x02,
	};
	const u8 *p = frame->data + l4 + 8;
	u32 len = end - l4 - 8;

	key->upkeep = LENSCAP_UPKEEP_DHCP6;
	key->unicast = memcmp(key->dst, servers, 16) != 0;
	if (!plain || len < DHCP6_FIXED || len > DHCP_MAX ||
	    frame->cap < end || lc_be16(frame->data + l4 + 4) != end - l4 ||
	    !lc_link_local(key->src) || !of_client(true, p[0]) ||
	    !read_options6(p + DHCP6_FIXED, len - DHCP6_FIXED, key))
		lc_upkeep_invalid(key);
}
