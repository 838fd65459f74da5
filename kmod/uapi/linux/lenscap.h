/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Lenscap: generic netlink interface.
 *
 * Commands, attributes and enumerations shared by the module and userspace.
 * Numbers are stable: new ones are appended, old ones are never reused. The
 * machine-readable description of the same interface is lenscap.yaml.
 */
#ifndef _UAPI_LINUX_LENSCAP_H
#define _UAPI_LINUX_LENSCAP_H

#define LENSCAP_GENL_NAME	"lenscap"
#define LENSCAP_GENL_VERSION	1
#define LENSCAP_MCGRP_EVENTS	"events"

/* Hard limits; a request beyond one is refused and changes nothing. */
#define LENSCAP_NAME_LEN		63	/* bytes, without the NUL */
#define LENSCAP_DIGEST_LEN		32	/* bytes */
#define LENSCAP_MAX_GUARDS		256	/* per network namespace */
#define LENSCAP_MAX_GUARD_NAMES		1024	/* ever named, per namespace */
#define LENSCAP_MAX_SUBNETS		16	/* per guard */
#define LENSCAP_MAX_DEVICES		131072	/* per policy */
#define LENSCAP_MAX_PROFILES		131072	/* per policy */
#define LENSCAP_MAX_RULES		2097152	/* per policy, unshared */
#define LENSCAP_MAX_PROFILE_RULES	16384	/* per profile */
#define LENSCAP_MAX_ADDRESSES		64	/* per device */
#define LENSCAP_MAX_CAPTURES		16	/* per network namespace */

/**
 * enum lenscap_cmd - commands of the family
 *
 * All need CAP_NET_ADMIN in the initial user namespace, dumps included.
 */
enum lenscap_cmd {
	LENSCAP_CMD_UNSPEC,
	LENSCAP_CMD_INFO_GET,		/* do: state and limits */
	LENSCAP_CMD_TAG_SET,		/* do: tag value and masks */
	LENSCAP_CMD_GUARD_SET,		/* do: add or replace a guard */
	LENSCAP_CMD_GUARD_DEL,		/* do: remove a guard (disarm) */
	LENSCAP_CMD_GUARD_GET,		/* dump: guards and their counters */
	LENSCAP_CMD_TXN_BEGIN,		/* do: open a transaction */
	LENSCAP_CMD_TXN_COMMIT,		/* do: compile and publish it */
	LENSCAP_CMD_TXN_ABORT,		/* do: throw it away */
	LENSCAP_CMD_PROFILE_SET,	/* do, in a transaction: add or replace */
	LENSCAP_CMD_PROFILE_DEL,	/* do, in a transaction */
	LENSCAP_CMD_PROFILE_GET,	/* dump: live profiles, rules in chunks */
	LENSCAP_CMD_DEVICE_SET,		/* do, in a transaction: add or replace */
	LENSCAP_CMD_DEVICE_DEL,		/* do, in a transaction */
	LENSCAP_CMD_DEVICE_GET,		/* do (by name) and dump, with counters */
	LENSCAP_CMD_RECORD_GET,		/* dump: drop records */
	LENSCAP_CMD_RECORD_ROTATE,	/* do: retire the active record table */
	LENSCAP_CMD_DROP_EVENT,		/* event: a new drop record (record attrs) */
	LENSCAP_CMD_UNKNOWN_EVENT,	/* event: an unknown device (record attrs) */
	LENSCAP_CMD_GENERATION_EVENT,	/* event: policy changed (info attrs) */
	LENSCAP_CMD_GUARD_EVENT,	/* event: guard changed state (guard attrs) */
	LENSCAP_CMD_CAPTURE_SET,	/* do: refused frames go to NFLOG */
	LENSCAP_CMD_CAPTURE_DEL,	/* do: no longer */
	LENSCAP_CMD_CAPTURE_GET,	/* dump: captures and their counters */

	/* private: */
	__LENSCAP_CMD_MAX,
};
#define LENSCAP_CMD_MAX (__LENSCAP_CMD_MAX - 1)

/**
 * enum lenscap_info_attr - attributes of INFO_GET and GENERATION_EVENT
 */
enum lenscap_info_attr {
	LENSCAP_INFO_A_UNSPEC,
	LENSCAP_INFO_A_PAD,
	LENSCAP_INFO_A_VERSION,		/* string: module version */
	LENSCAP_INFO_A_GENERATION,	/* u32: live generation, 0 = no policy */
	LENSCAP_INFO_A_REVISION,	/* u64: its revision */
	LENSCAP_INFO_A_DIGEST,		/* binary[32]: what its loader gave */
	LENSCAP_INFO_A_COMMITTED,	/* u64: ms since the epoch */
	LENSCAP_INFO_A_TAG_VALUE,	/* u32 */
	LENSCAP_INFO_A_TAG_MASK,	/* u32 */
	LENSCAP_INFO_A_CLASS_MASK,	/* u32 */
	LENSCAP_INFO_A_GUARDS,		/* u32: guards configured */
	LENSCAP_INFO_A_GUARDS_ARMED,	/* u32: of these, armed */
	LENSCAP_INFO_A_DEVICES,		/* u32: in the live generation */
	LENSCAP_INFO_A_PROFILES,	/* u32 */
	LENSCAP_INFO_A_RULESETS,	/* u32: distinct compiled rule lists */
	LENSCAP_INFO_A_RULES,		/* u32: rules in them */
	LENSCAP_INFO_A_MEMORY,		/* u64: bytes of the live generation */
	LENSCAP_INFO_A_RECORDS,		/* u32: records in the active table */
	LENSCAP_INFO_A_RECORDS_MAX,	/* u32: places in it */
	LENSCAP_INFO_A_RECORDS_LOST,	/* u64: frames that found no place */
	LENSCAP_INFO_A_EVENTS_SUPPRESSED, /* u64: events not sent */
	LENSCAP_INFO_A_TXN,		/* u8: 1 = a transaction is open */
	LENSCAP_INFO_A_MAX_GUARDS,	/* u32: limits, see above */
	LENSCAP_INFO_A_MAX_DEVICES,	/* u32 */
	LENSCAP_INFO_A_MAX_PROFILES,	/* u32 */
	LENSCAP_INFO_A_MAX_RULES,	/* u32 */
	LENSCAP_INFO_A_MAX_PROFILE_RULES, /* u32 */
	LENSCAP_INFO_A_MAX_ADDRESSES,	/* u32 */
	LENSCAP_INFO_A_FRAGMENTS_MAX,	/* u32: packets in fragments that are
					 * remembered at most
					 */
	LENSCAP_INFO_A_FRAGMENTS_LOST,	/* u64: of these, pushed out or without a
					 * place
					 */

	/* private: */
	__LENSCAP_INFO_A_MAX,
};
#define LENSCAP_INFO_A_MAX (__LENSCAP_INFO_A_MAX - 1)

/**
 * enum lenscap_tag_attr - attributes of TAG_SET, all required
 *
 * VALUE must lie within MASK, CLASS_MASK must be contiguous from bit 0, and
 * the two masks must not overlap. Refused while a guard exists: frames in
 * flight would carry two kinds of tag.
 */
enum lenscap_tag_attr {
	LENSCAP_TAG_A_UNSPEC,
	LENSCAP_TAG_A_VALUE,		/* u32 */
	LENSCAP_TAG_A_MASK,		/* u32 */
	LENSCAP_TAG_A_CLASS_MASK,	/* u32 */

	/* private: */
	__LENSCAP_TAG_A_MAX,
};
#define LENSCAP_TAG_A_MAX (__LENSCAP_TAG_A_MAX - 1)

/**
 * enum lenscap_txn_attr - attributes of TXN_BEGIN, TXN_COMMIT and TXN_ABORT
 *
 * BEGIN takes BASE and answers with GENERATION, the live one. COMMIT takes
 * GENERATION (the live one that it expects to replace), REVISION, and
 * optionally DIGEST and ROLLBACK, and answers with the new GENERATION.
 */
enum lenscap_txn_attr {
	LENSCAP_TXN_A_UNSPEC,
	LENSCAP_TXN_A_PAD,
	LENSCAP_TXN_A_BASE,		/* u8: enum lenscap_base */
	LENSCAP_TXN_A_GENERATION,	/* u32 */
	LENSCAP_TXN_A_REVISION,		/* u64 */
	LENSCAP_TXN_A_DIGEST,		/* binary[32] */
	LENSCAP_TXN_A_ROLLBACK,		/* flag: a lower revision is meant */

	/* private: */
	__LENSCAP_TXN_A_MAX,
};
#define LENSCAP_TXN_A_MAX (__LENSCAP_TXN_A_MAX - 1)

/**
 * enum lenscap_base - what a transaction starts from
 * @LENSCAP_BASE_EMPTY: nothing: what is not added will be gone
 * @LENSCAP_BASE_LIVE: the live generation: what is not touched stays
 */
enum lenscap_base {
	LENSCAP_BASE_EMPTY,
	LENSCAP_BASE_LIVE,
};

/**
 * enum lenscap_prefix_attr - an address or prefix, nested
 */
enum lenscap_prefix_attr {
	LENSCAP_PREFIX_A_UNSPEC,
	LENSCAP_PREFIX_A_ADDRESS,	/* binary: 4 or 16 bytes */
	LENSCAP_PREFIX_A_LENGTH,	/* u8: bits; absent: a host address */

	/* private: */
	__LENSCAP_PREFIX_A_MAX,
};
#define LENSCAP_PREFIX_A_MAX (__LENSCAP_PREFIX_A_MAX - 1)

/**
 * enum lenscap_identity - how a guard recognises devices
 * @LENSCAP_IDENTITY_MAC: by MAC; then the source address must be bound
 * @LENSCAP_IDENTITY_IP: by source address (a routed hop lies in between)
 */
enum lenscap_identity {
	LENSCAP_IDENTITY_MAC,
	LENSCAP_IDENTITY_IP,
};

/**
 * enum lenscap_mode - what happens to what no rule permits
 * @LENSCAP_MODE_ENFORCE: it is dropped
 * @LENSCAP_MODE_AUDIT: it is counted and reported as would-drop, and passes
 * @LENSCAP_MODE_QUARANTINE: rules do not apply, only upkeep passes
 *	(profiles only)
 */
enum lenscap_mode {
	LENSCAP_MODE_ENFORCE,
	LENSCAP_MODE_AUDIT,
	LENSCAP_MODE_QUARANTINE,
};

/* Kinds of upkeep, bits of LENSCAP_GUARD_A_UPKEEP. */
#define LENSCAP_UPKEEP_ARP	(1U << 0)
#define LENSCAP_UPKEEP_ND	(1U << 1)	/* IPv6 RS, NS, NA */
#define LENSCAP_UPKEEP_DHCP	(1U << 2)	/* DHCPv4 client */
#define LENSCAP_UPKEEP_DHCP6	(1U << 3)	/* DHCPv6 client */
#define LENSCAP_UPKEEP_IGMP	(1U << 4)	/* IGMP reports and leaves */
#define LENSCAP_UPKEEP_MLD	(1U << 5)	/* MLD reports and dones */
#define LENSCAP_UPKEEP_CLIENT_ID (1U << 6)	/* DHCP of either family in which a
						 * client goes by another name than
						 * its MAC
						 */
#define LENSCAP_UPKEEP_DHCP_UNICAST (1U << 7)	/* DHCP of either family to a unicast
						 * address of the LAN: a client that
						 * renews asks its server first
						 */
#define LENSCAP_UPKEEP_ALL	0xffU
#define LENSCAP_UPKEEP_DEFAULT	0x3fU

/**
 * enum lenscap_guard_attr - attributes of the GUARD commands
 *
 * SET takes NAME and IFNAME and optionally VLAN, IDENTITY, MODE, UPKEEP
 * (default: all) and SUBNET. A guard without VLAN judges every frame of its
 * interface that no guard with a VLAN id judges. DEL takes NAME.
 */
enum lenscap_guard_attr {
	LENSCAP_GUARD_A_UNSPEC,
	LENSCAP_GUARD_A_PAD,
	LENSCAP_GUARD_A_NAME,		/* string */
	LENSCAP_GUARD_A_IFNAME,		/* string */
	LENSCAP_GUARD_A_VLAN,		/* u16: 1..4094 */
	LENSCAP_GUARD_A_IDENTITY,	/* u8: enum lenscap_identity */
	LENSCAP_GUARD_A_MODE,		/* u8: ENFORCE or AUDIT */
	LENSCAP_GUARD_A_UPKEEP,		/* u32: LENSCAP_UPKEEP_* */
	LENSCAP_GUARD_A_SUBNET,		/* nest, repeated: prefix on the LAN, to
					 * which upkeep may be unicast
					 */
	LENSCAP_GUARD_A_STATE,		/* u8: enum lenscap_guard_state */
	LENSCAP_GUARD_A_IFINDEX,	/* u32: when armed */
	LENSCAP_GUARD_A_PASSED_PACKETS,	/* u64: passed by a rule or as upkeep */
	LENSCAP_GUARD_A_PASSED_BYTES,	/* u64: network-layer bytes */
	LENSCAP_GUARD_A_REASON,		/* nest, repeated: totals of a reason */

	/* private: */
	__LENSCAP_GUARD_A_MAX,
};
#define LENSCAP_GUARD_A_MAX (__LENSCAP_GUARD_A_MAX - 1)

/**
 * enum lenscap_guard_state - whether a guard judges frames
 * @LENSCAP_GUARD_WAITING: its interface does not exist
 * @LENSCAP_GUARD_ARMED: its hook is in place
 * @LENSCAP_GUARD_GONE: it was removed (events only)
 * @LENSCAP_GUARD_FAILED: its interface exists, but the hook was refused
 */
enum lenscap_guard_state {
	LENSCAP_GUARD_WAITING,
	LENSCAP_GUARD_ARMED,
	LENSCAP_GUARD_GONE,
	LENSCAP_GUARD_FAILED,
};

/**
 * enum lenscap_total_attr - totals of one reason on one guard, nested
 */
enum lenscap_total_attr {
	LENSCAP_TOTAL_A_UNSPEC,
	LENSCAP_TOTAL_A_PAD,
	LENSCAP_TOTAL_A_REASON,		/* u8: enum lenscap_reason */
	LENSCAP_TOTAL_A_DROPPED_PACKETS, /* u64 */
	LENSCAP_TOTAL_A_DROPPED_BYTES,	/* u64 */
	LENSCAP_TOTAL_A_WOULD_PACKETS,	/* u64: passed only because of audit */
	LENSCAP_TOTAL_A_WOULD_BYTES,	/* u64 */

	/* private: */
	__LENSCAP_TOTAL_A_MAX,
};
#define LENSCAP_TOTAL_A_MAX (__LENSCAP_TOTAL_A_MAX - 1)

/**
 * enum lenscap_reason - why a frame was dropped (or would have been)
 *
 * The lower-case rest of each name is its name everywhere: command line,
 * metrics, events. Sources are named in docs/netlink.md.
 */
enum lenscap_reason {
	LENSCAP_REASON_NONE,		/* passed */
	LENSCAP_REASON_NO_POLICY,	/* no generation is live */
	LENSCAP_REASON_UNKNOWN_DEVICE,	/* no device has this MAC (or address) */
	LENSCAP_REASON_WRONG_SOURCE,	/* source address not bound to the device */
	LENSCAP_REASON_VLAN_STACK,	/* more tags than the guard's own */
	LENSCAP_REASON_ETHERTYPE,	/* neither IPv4, IPv6 nor ARP */
	LENSCAP_REASON_TRUNCATED,	/* ends before its headers do */
	LENSCAP_REASON_BAD_HEADER,	/* version, length or field that lies */
	LENSCAP_REASON_IP_OPTION,	/* IPv4 option that reroutes, alerts routers or is malformed */
	LENSCAP_REASON_EXT_HEADER,	/* IPv6 extension header not accepted, or too many */
	LENSCAP_REASON_FRAGMENT,	/* non-first fragment: no portless rule for it,
					 * no first one that was permitted; or any, soon
					 * after the policy of its device changed
					 */
	LENSCAP_REASON_TINY_FRAGMENT,	/* fragments that hide or overwrite ports */
	LENSCAP_REASON_DESTINATION,	/* no rule names this destination */
	LENSCAP_REASON_SERVICE,		/* destination named, protocol or port not */
	LENSCAP_REASON_DIRECTION,	/* the peer initiates, the camera did */
	LENSCAP_REASON_QUARANTINE,	/* profile in quarantine, not upkeep */
	LENSCAP_REASON_UPKEEP_OFF,	/* upkeep of a kind that the guard does not pass */
	LENSCAP_REASON_UPKEEP_INVALID,	/* upkeep that is malformed or oversized */
	LENSCAP_REASON_UPKEEP_SPOOF,	/* upkeep that speaks for somebody else */
	LENSCAP_REASON_ICMP_SIZE,	/* permitted ICMP larger than it has to be */
	LENSCAP_REASON_ICMP_RATE,	/* permitted ICMP more often than it has to be */
	LENSCAP_REASON_ICMP_QUOTE,	/* permitted ICMP error about others' packets,
					 * or a router's
					 */

	/* private: */
	__LENSCAP_REASON_MAX,
};
#define LENSCAP_REASON_MAX (__LENSCAP_REASON_MAX - 1)

/**
 * enum lenscap_rule_attr - one permission, nested
 *
 * Ports are numbers in host byte order, inclusive ranges. For ICMP and
 * ICMPv6 the peer range holds message types. An absent range permits all.
 */
enum lenscap_rule_attr {
	LENSCAP_RULE_A_UNSPEC,
	LENSCAP_RULE_A_ADDRESS,		/* binary: 4 or 16 bytes, the peer's */
	LENSCAP_RULE_A_LENGTH,		/* u8: prefix length */
	LENSCAP_RULE_A_PROTO,		/* u8: IP protocol; absent: any */
	LENSCAP_RULE_A_INITIATOR,	/* u8: enum lenscap_initiator */
	LENSCAP_RULE_A_PEER_PORT_LOW,	/* u16: port at the peer */
	LENSCAP_RULE_A_PEER_PORT_HIGH,	/* u16 */
	LENSCAP_RULE_A_DEVICE_PORT_LOW,	/* u16: port at the camera */
	LENSCAP_RULE_A_DEVICE_PORT_HIGH, /* u16 */
	LENSCAP_RULE_A_PAD,
	LENSCAP_RULE_A_HITS,		/* u64: frames that it permitted, dumps
					 * only
					 */

	/* private: */
	__LENSCAP_RULE_A_MAX,
};
#define LENSCAP_RULE_A_MAX (__LENSCAP_RULE_A_MAX - 1)

/**
 * enum lenscap_initiator - who opens the exchange
 * @LENSCAP_INITIATOR_DEVICE: the camera ("connects")
 * @LENSCAP_INITIATOR_PEER: the peer ("serves"): a TCP SYN without ACK and an
 *	ICMP request from the camera never match
 */
enum lenscap_initiator {
	LENSCAP_INITIATOR_DEVICE,
	LENSCAP_INITIATOR_PEER,
};

/**
 * enum lenscap_profile_attr - attributes of the PROFILE commands
 *
 * SET takes NAME, MODE, CLASS and any number of RULE. DEL takes NAME. A dump
 * sends a profile as one or more messages: NAME, MODE, CLASS and RULES in
 * each, FIRST (the index of its first rule), then the rules. A dump takes HITS,
 * for the hits of each rule, and NAME, for one profile only.
 *
 * A frame that several rules permit is counted for one of them: docs/netlink.md
 * says for which. Profiles with the same rules count together; SHARED says how
 * many. Hits stay when a policy is replaced, unless the rules of the profile
 * change: SINCE says from when on they were counted.
 */
enum lenscap_profile_attr {
	LENSCAP_PROFILE_A_UNSPEC,
	LENSCAP_PROFILE_A_NAME,		/* string */
	LENSCAP_PROFILE_A_MODE,		/* u8: enum lenscap_mode */
	LENSCAP_PROFILE_A_CLASS,	/* u32: must fit the class mask */
	LENSCAP_PROFILE_A_RULE,		/* nest, repeated */
	LENSCAP_PROFILE_A_RULES,	/* u32: number of rules, dumps only */
	LENSCAP_PROFILE_A_FIRST,	/* u32: dumps only */
	LENSCAP_PROFILE_A_DEVICES,	/* u32: devices that use it, dumps only */
	LENSCAP_PROFILE_A_PAD,
	LENSCAP_PROFILE_A_HITS,		/* flag, requests of dumps only */
	LENSCAP_PROFILE_A_SINCE,	/* u64: ms since the epoch, with HITS only */
	LENSCAP_PROFILE_A_SHARED,	/* u32: profiles with these rules, itself
					 * included, with HITS only
					 */

	/* private: */
	__LENSCAP_PROFILE_A_MAX,
};
#define LENSCAP_PROFILE_A_MAX (__LENSCAP_PROFILE_A_MAX - 1)

/**
 * enum lenscap_device_attr - attributes of the DEVICE commands
 *
 * SET takes NAME, PROFILE, at least one ADDRESS, MAC (absent: the device is
 * recognised by its addresses, which must then be host addresses, on guards
 * with identity ip) and GUARD (absent: any guard). DEL takes NAME.
 */
enum lenscap_device_attr {
	LENSCAP_DEVICE_A_UNSPEC,
	LENSCAP_DEVICE_A_PAD,
	LENSCAP_DEVICE_A_NAME,		/* string */
	LENSCAP_DEVICE_A_GUARD,		/* string */
	LENSCAP_DEVICE_A_MAC,		/* binary[6] */
	LENSCAP_DEVICE_A_ADDRESS,	/* nest, repeated: prefix */
	LENSCAP_DEVICE_A_PROFILE,	/* string */
	LENSCAP_DEVICE_A_PASSED_PACKETS, /* u64 */
	LENSCAP_DEVICE_A_PASSED_BYTES,	/* u64: network-layer bytes */
	LENSCAP_DEVICE_A_DROPPED_PACKETS, /* u64 */
	LENSCAP_DEVICE_A_DROPPED_BYTES,	/* u64 */
	LENSCAP_DEVICE_A_WOULD_PACKETS,	/* u64: passed only because of audit */
	LENSCAP_DEVICE_A_WOULD_BYTES,	/* u64 */
	LENSCAP_DEVICE_A_LAST_SEEN,	/* u64: ms since the epoch, 0 = never */

	/* private: */
	__LENSCAP_DEVICE_A_MAX,
};
#define LENSCAP_DEVICE_A_MAX (__LENSCAP_DEVICE_A_MAX - 1)

/**
 * enum lenscap_record_attr - attributes of drop records and drop events
 *
 * RECORD_GET takes TABLE. RECORD_ROTATE takes nothing, makes the active table
 * the retired one and empties the other to be the active one. Reading the
 * retired table is refused with EAGAIN for the moment that a packet may still
 * write to it. LOST and SUPPRESSED come with the answer to RECORD_ROTATE and
 * with each event.
 */
enum lenscap_record_attr {
	LENSCAP_RECORD_A_UNSPEC,
	LENSCAP_RECORD_A_PAD,
	LENSCAP_RECORD_A_TABLE,		/* u8: enum lenscap_record_table */
	LENSCAP_RECORD_A_GUARD,		/* string */
	LENSCAP_RECORD_A_DEVICE,	/* string; absent: unknown device */
	LENSCAP_RECORD_A_MAC,		/* binary[6]: source MAC, if there is one */
	LENSCAP_RECORD_A_ETHERTYPE,	/* u16 */
	LENSCAP_RECORD_A_SOURCE,	/* binary: 4 or 16 bytes; absent: not IP */
	LENSCAP_RECORD_A_DESTINATION,	/* binary: 4 or 16 bytes; absent: not IP */
	LENSCAP_RECORD_A_PROTO,		/* u8: absent: not reached */
	LENSCAP_RECORD_A_PORT,		/* u16: destination port or ICMP type */
	LENSCAP_RECORD_A_REASON,	/* u8: enum lenscap_reason */
	LENSCAP_RECORD_A_AUDIT,		/* flag: it passed, because of audit */
	LENSCAP_RECORD_A_PACKETS,	/* u64 */
	LENSCAP_RECORD_A_BYTES,		/* u64: network-layer bytes */
	LENSCAP_RECORD_A_FIRST,		/* u64: ms since the epoch */
	LENSCAP_RECORD_A_LAST,		/* u64: ms since the epoch */
	LENSCAP_RECORD_A_REVISION,	/* u64: of the policy that judged */
	LENSCAP_RECORD_A_LOST,		/* u64: frames without a place, ever */
	LENSCAP_RECORD_A_SUPPRESSED,	/* u64: events not sent, ever */
	LENSCAP_RECORD_A_RECORDS,	/* u32: records in the retired table, at
					 * least: read it also when 0
					 */

	/* private: */
	__LENSCAP_RECORD_A_MAX,
};
#define LENSCAP_RECORD_A_MAX (__LENSCAP_RECORD_A_MAX - 1)

/**
 * enum lenscap_record_table - which table of records to dump
 * @LENSCAP_TABLE_ACTIVE: the one that packets write to, as it is now
 * @LENSCAP_TABLE_RETIRED: the one that the last RECORD_ROTATE retired: exact
 */
enum lenscap_record_table {
	LENSCAP_TABLE_ACTIVE,
	LENSCAP_TABLE_RETIRED,
};

/**
 * enum lenscap_capture_attr - attributes of the CAPTURE commands
 *
 * SET takes GROUP and optionally GUARD, DEVICE, MAC and REASON, all of which a
 * frame must match, SNAPLEN (default: all of the frame), RATE (default: 1000) and
 * LINK, and answers with ID. A capture ends with the socket that asked for it, or
 * by DEL, which takes ID.
 */
enum lenscap_capture_attr {
	LENSCAP_CAPTURE_A_UNSPEC,
	LENSCAP_CAPTURE_A_PAD,
	LENSCAP_CAPTURE_A_ID,		/* u32: from 1, never used again */
	LENSCAP_CAPTURE_A_GUARD,	/* string */
	LENSCAP_CAPTURE_A_DEVICE,	/* string */
	LENSCAP_CAPTURE_A_MAC,		/* binary[6]: source MAC */
	LENSCAP_CAPTURE_A_REASON,	/* u8: enum lenscap_reason, not NONE */
	LENSCAP_CAPTURE_A_GROUP,	/* u16: NFLOG group */
	LENSCAP_CAPTURE_A_SNAPLEN,	/* u32: 1..65535 bytes from the network
					 * header on
					 */
	LENSCAP_CAPTURE_A_RATE,		/* u32: 1..1000000 frames a second, and at
					 * once
					 */
	LENSCAP_CAPTURE_A_LINK,		/* flag: as frames of the link, with VLAN
					 * tag; otherwise IPv4 and IPv6 go as such
					 */
	LENSCAP_CAPTURE_A_OWNER,	/* u32: port id of its socket */
	LENSCAP_CAPTURE_A_SENT,		/* u64: frames handed to NFLOG */
	LENSCAP_CAPTURE_A_SUPPRESSED,	/* u64: frames above the rate */

	/* private: */
	__LENSCAP_CAPTURE_A_MAX,
};
#define LENSCAP_CAPTURE_A_MAX (__LENSCAP_CAPTURE_A_MAX - 1)

#endif /* _UAPI_LINUX_LENSCAP_H */
