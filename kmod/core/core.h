/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pure core: what a frame says, and whether a policy permits it.
 *
 * Nothing here knows sk_buff, netlink, clocks or printk, nor takes a lock. The
 * same files are compiled into the module, the host tests, the fuzzers and the
 * benchmark; the two copies of <lenscap/env.h> are all that differs.
 *
 *   parse.c       frame -> key           (headers, with bounds)
 *   upkeep.c      frame -> key.upkeep    (ARP, ND, DHCP, IGMP, MLD)
 *   ruleset.c     rules -> ruleset       (destinations, services)
 *   exact.c       rules -> table of exact ones
 *   axis.c        services -> axes       (where there are many)
 *   generation.c  devices and profiles -> generation
 *   dir.c         pages by number        (of bins, of slots)
 *   table.c       leaves by hash         (devices, as packets look them up)
 *   trie.c        leaves by hash         (names, as requests look them up)
 *   classify.c    generation, guard, key -> verdict
 *   usual.h       the same, in short, for usual frames
 *
 * Addresses are 16 bytes; IPv4 uses the first four, the rest is zero. Ports
 * and other numbers are in host byte order.
 */
#ifndef _LENSCAP_CORE_H
#define _LENSCAP_CORE_H

#include <lenscap/env.h>

#include "bytes.h"
#include "ruleset.h"
#include "table.h"
#include "trie.h"

/* Bytes from the network header on that a caller makes contiguous for
 * lc_parse(), or the whole frame if it is shorter: the longest DHCP message that
 * is taken for one, 576 bytes, behind UDP and IPv6.
 */
#define LC_WINDOW	624

/* Headers, and reports of group membership, must lie in the first of them: enough
 * for IPv6 with LC_EXT_MAX small extension headers.
 */
#define LC_HEADERS	320

/* Extension headers in one IPv6 packet, fragment header included. RFC 8504
 * section 5.3 lets a node limit them; real camera traffic carries one at most.
 */
#define LC_EXT_MAX	8

/* ICMP that a rule permits must be no larger: an echo message, 64 bytes with what
 * ping sends and 40 with what Windows does, all of it in one packet, options and
 * extension headers included; of others, which quote what they complain about, the
 * packet (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
 */
#define LC_ECHO_MAX	128
#define LC_ICMP4_MAX	576
#define LC_ICMP6_MAX	1280

/* Bytes behind a packet that Ethernet adds: padding up to its shortest frame, and
 * the frame check sequence where a driver leaves it.
 */
#define LC_ETHERNET_MIN	46
#define LC_ETHERNET_FCS	4

#define LC_GUARD_ANY	0	/* lc_device.guard: every guard */

/**
 * struct lc_profile - what the classifier needs of a profile, immutable
 * @ruleset: its rules
 * @class: for the low bits of the tag
 * @mode: enum lenscap_mode
 */
struct lc_profile {
	const struct lc_ruleset *ruleset;
	u32 class;
	u8 mode;
};

/**
 * struct lc_device - what the classifier needs of a device, immutable
 * @profile: slot in the generation's profiles
 * @guard: number of the only guard that it is known on, or %LC_GUARD_ANY
 * @mac: its MAC
 * @naddrs: bound addresses and prefixes
 * @has_mac: recognised by @mac on guards with identity mac; otherwise by its
 *	addresses on guards with identity ip
 * @user: the caller's; the core does not look at it
 * @bound: the addresses, packed: see lc_device_bind()
 */
struct lc_device {
	u32 profile;
	u16 guard;
	u8 mac[6];
	u8 naddrs;
	bool has_mac;
	u8 user;
	u8 bound[];
};

/* Bytes of a device whose addresses take @packed bytes. */
static inline size_t lc_device_bytes(size_t packed)
{
	return offsetof(struct lc_device, bound) + packed;
}

/**
 * struct lc_slot - a place for a profile in a generation
 * @ruleset: of the profile, so that a packet need not read the profile
 * @profile: the profile, or NULL: free
 * @class: of the profile
 * @users: devices that have the profile
 * @mode: of the profile
 */
struct lc_slot {
	const struct lc_ruleset *ruleset;
	const struct lc_profile *profile;
	u32 class;
	u32 users : 30;
	u32 mode : 2;
};

/**
 * struct lc_generation - one complete compiled policy, as packets see it
 * @seed: secret of the hashes; the same in all that share anything
 * @macs: devices that have a MAC, by it
 * @addrs: devices that have none, by each bound address
 * @slots: directory of pages of profiles, by number, or NULL: none
 *
 * Immutable once it is live. The next one shares with it what does not change.
 */
struct lc_generation {
	u64 seed[2];
	struct lc_table macs;
	struct lc_table addrs;
	struct lc_dir *slots;
};

/**
 * struct lc_guard - what the classifier needs of a guard
 * @id: its number, never %LC_GUARD_ANY
 * @identity: enum lenscap_identity
 * @mode: %LENSCAP_MODE_ENFORCE or %LENSCAP_MODE_AUDIT
 * @upkeep: LENSCAP_UPKEEP_* bits that may pass
 * @nsubnets: entries of @subnets
 * @subnets: the camera LAN: upkeep may be unicast to these addresses
 */
struct lc_guard {
	u16 id;
	u8 identity;
	u8 mode;
	u32 upkeep;
	u32 nsubnets;
	struct lc_prefix subnets[LENSCAP_MAX_SUBNETS];
};

/**
 * struct lc_conflict - two devices that one frame could mean
 * @first: one of them
 * @second: the other
 */
struct lc_conflict {
	const struct lc_device *first;
	const struct lc_device *second;
};

/**
 * struct lc_frame - a frame, as the hook hands it over
 * @data: its first bytes from the network header on
 * @cap: bytes at @data: at least min(@len, %LC_WINDOW); for lc_judge_usual()
 *	whatever is at hand
 * @len: all bytes from the network header on, linear or not
 * @ethertype: after the VLAN tags, host order; below 0x600: not Ethernet II
 * @mac: source MAC, if @has_mac
 * @has_mac: the interface speaks Ethernet
 * @vlan_stack: it carries more tags than its guard's own
 * @gso: it is a segmentation super-packet: @len may exceed what the length
 *	fields can say, which are then zero
 * @ufo: it will be cut up into fragments of one packet, not into packets
 * @gso_size: if @gso: bytes of payload in each piece
 * @sum_open: its checksum is still to be made, behind the caller
 * @sum_at: then where it is to be written, from @data; negative: before
 */
struct lc_frame {
	const u8 *data;
	u32 cap;
	u32 len;
	u16 ethertype;
	u8 mac[6];
	bool has_mac;
	bool vlan_stack;
	bool gso;
	bool ufo;
	u16 gso_size;
	bool sum_open;
	s32 sum_at;
};

/**
 * enum lc_part - which part of a packet a frame is
 * @LC_PART_WHOLE: not a fragment (or an atomic one)
 * @LC_PART_FIRST: a first fragment
 * @LC_PART_LATER: another fragment: no ports
 */
enum lc_part {
	LC_PART_WHOLE,
	LC_PART_FIRST,
	LC_PART_LATER,
};

/**
 * enum lc_icmp - what rules may ask of an ICMP message of its family's
 * @LC_ICMP_NONE: it is none
 * @LC_ICMP_SOUND: neither of the following
 * @LC_ICMP_LARGE: larger than such messages are, or a fragment, which then is as well
 * @LC_ICMP_FOREIGN: an error, but not about a packet from its receiver to its sender;
 *	or a router's
 */
enum lc_icmp {
	LC_ICMP_NONE,
	LC_ICMP_SOUND,
	LC_ICMP_LARGE,
	LC_ICMP_FOREIGN,
};

/**
 * struct lc_key - what a frame says, as far as judging needs it
 * @reason: enum lenscap_reason why it can not be judged, or NONE
 * @family: of @src and @dst: 0 (no IP header understood), 4 or 6
 * @part: enum lc_part
 * @more: more fragments follow
 * @ident: identification that the fragments of a packet share
 * @proto: IP protocol behind the extension headers, if @has_proto
 * @has_proto: @proto was reached
 * @has_ports: @sport and @dport (ICMP: the type in @dport) were reached
 * @has_mac: @mac is known
 * @tcp_flags: byte 13 of the TCP header
 * @icmp: enum lc_icmp
 * @upkeep: the LENSCAP_UPKEEP_* bit that it is well-formed upkeep of, or 0
 * @unicast: as upkeep, it goes to the unicast address @dst, which must be on
 *	the guard's LAN
 * @foreign_id: as DHCP, its sender goes by a name that does not say whose it is
 * @has_claim_mac: as upkeep, it speaks for @claim_mac
 * @has_claim: as upkeep, it speaks for the address @claim of family @claim_family
 * @claim_family: 4 or 6
 * @ethertype: as in the frame
 * @sport: source port
 * @dport: destination port, or ICMP type
 * @mac: source MAC
 * @claim_mac: hardware address inside ARP, ND or DHCP
 * @src: source address
 * @dst: destination address
 * @claim: address inside ARP, ND or DHCP
 */
struct lc_key {
	u8 reason;
	u8 family;
	u8 part;
	bool more;
	u32 ident;
	u8 proto;
	bool has_proto;
	bool has_ports;
	bool has_mac;
	u8 tcp_flags;
	u8 icmp;
	u8 upkeep;
	bool unicast;
	bool foreign_id;
	bool has_claim_mac;
	bool has_claim;
	u8 claim_family;
	u16 ethertype;
	u16 sport;
	u16 dport;
	u8 mac[6];
	u8 claim_mac[6];
	u8 src[16];
	u8 dst[16];
	u8 claim[16];
};

/**
 * struct lc_verdict - what is to happen to a frame
 * @device: whose it is, or NULL
 * @ruleset: if @reason is NONE: the rules one of which permits it, or NULL: upkeep
 * @hit: which of the counters of @ruleset is that rule's: see hits.c
 * @class: for the tag, if @pass
 * @reason: enum lenscap_reason; NONE: permitted
 * @pass: it may go on (permitted, or only audited)
 * @audit: it would whatever the reason
 * @upkeep: it passes as upkeep, not by a rule
 */
struct lc_verdict {
	const struct lc_device *device;
	const struct lc_ruleset *ruleset;
	u32 hit;
	u32 class;
	u8 reason;
	bool pass;
	bool audit;
	bool upkeep;
};

/**
 * struct lc_first - what rules look at in a first fragment, for its later ones
 * @ports: source port above destination port
 * @proto: IP protocol
 * @tcp_flags: of TCP, otherwise 0
 */
struct lc_first {
	u32 ports;
	u8 proto;
	u8 tcp_flags;
};

/* parse.c */
void lc_parse(const struct lc_frame *frame, struct lc_key *key);
bool lc_key_first(const struct lc_key *key, struct lc_first *first);
void lc_key_resume(struct lc_key *key, const struct lc_first *first);

/* upkeep.c; called by lc_parse() only */
void lc_upkeep_arp(const struct lc_frame *frame, struct lc_key *key);
void lc_upkeep_ipv4(const struct lc_frame *frame, u32 l4, u32 end,
		    struct lc_key *key);
void lc_upkeep_ipv6(const struct lc_frame *frame, u32 l4, u32 end,
		    bool plain, struct lc_key *key);
bool lc_upkeep_group(const struct lc_key *key);

/* Could a datagram from and to these ports, the source port above, be upkeep: DHCP
 * of a client? A server of IPv4 answers to where the message says, whoever asks, so
 * that whatever goes to its port is looked at.
 */
static inline bool lc_upkeep_ports(bool v6, u8 proto, u32 ports)
{
	return (v6 ? ports == (546U << 16 | 547) : (u16)ports == 67) &&
	       proto == 17;
}

/* ruleset.c */
bool lc_prefix_valid(const struct lc_prefix *prefix);
bool lc_prefix_has(const struct lc_prefix *prefix, u8 family, const u8 *addr);

/* generation.c */
size_t lc_device_packed(const struct lc_prefix *addrs, u32 count);
void lc_device_bind(struct lc_device *device, const struct lc_prefix *addrs,
		    u32 count);
void lc_device_addr(const struct lc_device *device, u32 index,
		    struct lc_prefix *addr);
void lc_generation_init(struct lc_generation *gen, const u64 *seed);
void lc_generation_share(struct lc_generation *to,
			 const struct lc_generation *from);
void lc_generation_drop(struct lc_generation *gen);
u64 lc_generation_bytes(const struct lc_generation *gen);
int lc_generation_set_profile(struct lc_generation *gen, u32 slot,
			      const struct lc_profile *profile);
int lc_generation_use(struct lc_generation *gen, u32 slot, int devices);
int lc_generation_add(struct lc_generation *gen,
		      const struct lc_device *device,
		      struct lc_conflict *conflict);
int lc_generation_remove(struct lc_generation *gen,
			 const struct lc_device *device);
const struct lc_device *lc_generation_by_addr(const struct lc_generation *gen,
					      u16 guard, u8 family,
					      const u8 *addr, u32 *slot);

/* classify.c */
u8 lc_ruleset_ask(const struct lc_ruleset *ruleset, const struct lc_key *key,
		  u32 *hit);
void lc_judge(const struct lc_generation *gen, const struct lc_guard *guard,
	      const struct lc_key *key, struct lc_verdict *verdict);

/* The same without asking which rule. */
static inline u8 lc_ruleset_judge(const struct lc_ruleset *ruleset,
				  const struct lc_key *key)
{
	u32 hit;

	return lc_ruleset_ask(ruleset, key, &hit);
}

#include "usual.h"

#endif /* _LENSCAP_CORE_H */
