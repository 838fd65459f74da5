/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A deliberately stupid second opinion on what the core does.
 *
 * Written from the rules of judging and the RFCs alone, it reads complete
 * frames and walks plain lists. Where the rules leave the choice between two
 * reasons open (a frame that is wrong in two ways), it answers with the set of
 * reasons that are right; everywhere else the set has one member.
 */
#ifndef LENSCAP_ORACLE_H
#define LENSCAP_ORACLE_H

#include "core.h"
#include "policy.h"

#define WHY(name)	(1U << LENSCAP_REASON_##name)

#define ORACLE_DEVICES	64
#define ORACLE_PROFILES	16

/**
 * struct dissected - what a complete frame says
 * @why: set of reasons of which one must come out; NONE: it can be judged
 * @family: 0, 4 or 6
 * @src: source address
 * @dst: destination address
 * @part: enum lc_part
 * @proto: behind the extension headers; -1: not reached
 * @sport: -1: none
 * @dport: or ICMP type; -1: none
 * @flags: of TCP
 * @hops: TTL or hop limit
 * @l4: offset of the transport header
 * @end: offset where the IP packet ends
 * @trailed: more bytes are behind it than Ethernet adds
 * @fragmented: there was an IPv6 fragment header
 * @extended: there were extension headers
 * @astray: where its checksum is to be written is none of the places where a
 *	protocol has it
 * @alert: all of them are one hop-by-hop header that begins with a router
 *	alert for MLD
 * @alerts: some option is a router alert
 */
struct dissected {
	u32 why;
	int family;
	u8 src[16];
	u8 dst[16];
	enum lc_part part;
	int proto;
	int sport;
	int dport;
	int flags;
	u8 hops;
	u32 l4;
	u32 end;
	bool trailed;
	bool fragmented;
	bool extended;
	bool astray;
	bool alert;
	bool alerts;
};

/**
 * struct opinion - what should become of a frame
 * @why: set of reasons of which one must come out
 * @device: whose it is
 * @any_device: with that reason, @device is left open (NULL is right, too)
 * @class: for the tag
 * @audit: whatever the reason, it passes
 * @upkeep: if it is permitted, then as upkeep
 */
struct opinion {
	u32 why;
	const struct lc_device *device;
	bool any_device;
	u32 class;
	bool audit;
	bool upkeep;
};

/**
 * struct policy_list - a policy as plain lists
 * @devices: all of them
 * @ndevices: how many
 * @modes: by profile
 * @classes: by profile
 * @rules: by profile
 * @nrules: by profile
 * @nprofiles: how many
 */
struct policy_list {
	const struct lc_device *devices[ORACLE_DEVICES];
	u32 ndevices;
	u8 modes[ORACLE_PROFILES];
	u32 classes[ORACLE_PROFILES];
	const struct lc_rule *rules[ORACLE_PROFILES];
	u32 nrules[ORACLE_PROFILES];
	u32 nprofiles;
};

/**
 * struct facts - what the rules of upkeep need to know
 * @policy: the policy
 * @guard: where the frame came in
 * @device: whose MAC it carries; on guards with identity ip whose address, or NULL
 *	while upkeep is in question
 * @frame: the complete frame
 * @said: what it says
 */
struct facts {
	const struct policy_list *policy;
	const struct lc_guard *guard;
	const struct lc_device *device;
	const struct lc_frame *frame;
	const struct dissected *said;
};

/* bits.c */
bool oracle_bit(const u8 *bytes, u32 at);
bool oracle_in(const struct lc_prefix *prefix, int family, const u8 *addr);
bool oracle_on(const struct lc_device *device, u16 guard);
bool oracle_bound(const struct lc_device *device, int family, const u8 *addr);
bool oracle_zero(const u8 *bytes, u32 len);
const struct lc_device *oracle_by_mac(const struct policy_list *policy,
				      u16 guard, const u8 *mac);
const struct lc_device *oracle_by_addr(const struct policy_list *policy,
				       u16 guard, int family, const u8 *addr);
bool oracle_conflict(const struct lc_device *a, const struct lc_device *b);

/* dissect.c */
void oracle_dissect(const struct lc_frame *frame, struct dissected *said);

/* upkeep.c */
u32 oracle_upkeep(const struct facts *facts);
u32 oracle_dhcp_by_rule(const struct facts *x);

/* judge.c */
u32 oracle_rules(const struct lc_rule *rules, u32 count,
		 const struct dissected *said);
const char *oracle_counted(const struct lc_rule *rules, u32 count, u32 counted,
			   const struct dissected *said);
void oracle_judge(const struct policy_list *policy,
		  const struct lc_guard *guard, const struct lc_frame *frame,
		  struct dissected *said, struct opinion *opinion);

#endif /* LENSCAP_ORACLE_H */
