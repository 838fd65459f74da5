/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, for perf, bpftrace and /sys/kernel/tracing.
 *
 *   lenscap:verdict  each frame that a guard judges
 *   lenscap:drop     each that no rule permits, with what it said: also if it is
 *                    only audited
 *
 * Addresses are 16 bytes, those of IPv4 mapped (::ffff:10.30.0.17), zeros if the
 * frame was not understood that far. Names are those of the policy; a device is ""
 * if none is known. Disabled, either costs one no-op. An event holds nothing: names
 * are copied while the hook's RCU section has guard and device, and skbaddr only
 * tells frames apart.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM lenscap

#if !defined(_LENSCAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _LENSCAP_TRACE_H

#include <linux/tracepoint.h>

#include "guard.h"
#include "table.h"

#ifndef _LENSCAP_TRACE_ONCE
#define _LENSCAP_TRACE_ONCE
static inline const char *lenscap_trace_device(const struct lc_device *device)
{
	return device ? lenscap_device_name(lenscap_device_of(device)) : "";
}

static inline void lenscap_trace_addr(u8 *to, u8 family, const u8 *addr)
{
	memset(to, 0, 16);
	if (family == LC_FAMILY_IPV6)
		memcpy(to, addr, 16);
	if (family != LC_FAMILY_IPV4)
		return;
	memset(to + 10, 0xff, 2);
	memcpy(to + 12, addr, 4);
}
#endif

/* For those who read the format: the numbers. */
TRACE_DEFINE_ENUM(LENSCAP_REASON_NONE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_NO_POLICY);
TRACE_DEFINE_ENUM(LENSCAP_REASON_UNKNOWN_DEVICE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_WRONG_SOURCE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_VLAN_STACK);
TRACE_DEFINE_ENUM(LENSCAP_REASON_ETHERTYPE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_TRUNCATED);
TRACE_DEFINE_ENUM(LENSCAP_REASON_BAD_HEADER);
TRACE_DEFINE_ENUM(LENSCAP_REASON_IP_OPTION);
TRACE_DEFINE_ENUM(LENSCAP_REASON_EXT_HEADER);
TRACE_DEFINE_ENUM(LENSCAP_REASON_FRAGMENT);
TRACE_DEFINE_ENUM(LENSCAP_REASON_TINY_FRAGMENT);
TRACE_DEFINE_ENUM(LENSCAP_REASON_DESTINATION);
TRACE_DEFINE_ENUM(LENSCAP_REASON_SERVICE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_DIRECTION);
TRACE_DEFINE_ENUM(LENSCAP_REASON_QUARANTINE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_UPKEEP_OFF);
TRACE_DEFINE_ENUM(LENSCAP_REASON_UPKEEP_INVALID);
TRACE_DEFINE_ENUM(LENSCAP_REASON_UPKEEP_SPOOF);
TRACE_DEFINE_ENUM(LENSCAP_REASON_ICMP_SIZE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_ICMP_RATE);
TRACE_DEFINE_ENUM(LENSCAP_REASON_ICMP_QUOTE);

/* The names that reasons have everywhere. */
#define lenscap_trace_reason(reason) __print_symbolic(reason,		\
	{ LENSCAP_REASON_NONE, "none" },				\
	{ LENSCAP_REASON_NO_POLICY, "no_policy" },			\
	{ LENSCAP_REASON_UNKNOWN_DEVICE, "unknown_device" },		\
	{ LENSCAP_REASON_WRONG_SOURCE, "wrong_source" },		\
	{ LENSCAP_REASON_VLAN_STACK, "vlan_stack" },			\
	{ LENSCAP_REASON_ETHERTYPE, "ethertype" },			\
	{ LENSCAP_REASON_TRUNCATED, "truncated" },			\
	{ LENSCAP_REASON_BAD_HEADER, "bad_header" },			\
	{ LENSCAP_REASON_IP_OPTION, "ip_option" },			\
	{ LENSCAP_REASON_EXT_HEADER, "ext_header" },			\
	{ LENSCAP_REASON_FRAGMENT, "fragment" },			\
	{ LENSCAP_REASON_TINY_FRAGMENT, "tiny_fragment" },		\
	{ LENSCAP_REASON_DESTINATION, "destination" },			\
	{ LENSCAP_REASON_SERVICE, "service" },				\
	{ LENSCAP_REASON_DIRECTION, "direction" },			\
	{ LENSCAP_REASON_QUARANTINE, "quarantine" },			\
	{ LENSCAP_REASON_UPKEEP_OFF, "upkeep_off" },			\
	{ LENSCAP_REASON_UPKEEP_INVALID, "upkeep_invalid" },		\
	{ LENSCAP_REASON_UPKEEP_SPOOF, "upkeep_spoof" },		\
	{ LENSCAP_REASON_ICMP_SIZE, "icmp_size" },			\
	{ LENSCAP_REASON_ICMP_RATE, "icmp_rate" },			\
	{ LENSCAP_REASON_ICMP_QUOTE, "icmp_quote" })

TRACE_EVENT(verdict,

	TP_PROTO(const struct sk_buff *skb, const struct lenscap_guard *guard,
		 const struct lc_verdict *verdict),

	TP_ARGS(skb, guard, verdict),

	TP_STRUCT__entry(
		__field(const void *, skbaddr)
		__string(guard, guard->name)
		__string(device, lenscap_trace_device(verdict->device))
		__field(u32, class)
		__field(u32, len)
		__field(u8, reason)
		__field(bool, pass)
	),

	TP_fast_assign(
		__entry->skbaddr = skb;
		lenscap_assign_str(guard, guard->name);
		lenscap_assign_str(device,
				   lenscap_trace_device(verdict->device));
		__entry->class = verdict->class;
		__entry->len = skb->len;
		__entry->reason = verdict->reason;
		__entry->pass = verdict->pass;
	),

	TP_printk("skbaddr=%p guard=%s device=%s reason=%s pass=%d class=%u len=%u",
		  __entry->skbaddr, __get_str(guard), __get_str(device),
		  lenscap_trace_reason(__entry->reason), __entry->pass,
		  __entry->class, __entry->len)
);

TRACE_EVENT(drop,

	TP_PROTO(const struct sk_buff *skb, const struct lenscap_guard *guard,
		 const struct lc_key *key, const struct lc_verdict *verdict),

	TP_ARGS(skb, guard, key, verdict),

	TP_STRUCT__entry(
		__field(const void *, skbaddr)
		__string(guard, guard->name)
		__string(device, lenscap_trace_device(verdict->device))
		__field(u32, len)
		__field(u16, ethertype)
		__field(u16, sport)
		__field(u16, dport)
		__field(u8, proto)
		__field(u8, reason)
		__field(bool, audited)
		__array(u8, mac, 6)
		__array(u8, saddr, 16)
		__array(u8, daddr, 16)
	),

	TP_fast_assign(
		__entry->skbaddr = skb;
		lenscap_assign_str(guard, guard->name);
		lenscap_assign_str(device,
				   lenscap_trace_device(verdict->device));
		__entry->len = skb->len;
		__entry->ethertype = key->ethertype;
		__entry->sport = key->has_ports ? key->sport : 0;
		__entry->dport = key->has_ports ? key->dport : 0;
		__entry->proto = key->has_proto ? key->proto : 0;
		__entry->reason = verdict->reason;
		__entry->audited = verdict->pass;
		memset(__entry->mac, 0, 6);
		if (key->has_mac)
			memcpy(__entry->mac, key->mac, 6);
		lenscap_trace_addr(__entry->saddr, key->family, key->src);
		lenscap_trace_addr(__entry->daddr, key->family, key->dst);
	),

	TP_printk("skbaddr=%p guard=%s device=%s mac=%pM ethertype=0x%04x proto=%u src=[%pI6c]:%u dst=[%pI6c]:%u reason=%s audited=%d len=%u",
		  __entry->skbaddr, __get_str(guard), __get_str(device),
		  __entry->mac, __entry->ethertype, __entry->proto,
		  __entry->saddr, __entry->sport, __entry->daddr,
		  __entry->dport, lenscap_trace_reason(__entry->reason),
		  __entry->audited, __entry->len)
);

#endif /* _LENSCAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
