// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy of a case as a tc classifier: device by MAC and address, then
 * profile, destination, protocol and port in one hash table. Compiled for each
 * case with
 *
 *   IPV6	the frames are IPv6
 *   VLAN	they must carry this VLAN id, 0: none
 *   DEVICES	entries of the first map
 *   RULES	entries of the second
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifdef IPV6
#define ADDR_LEN	16
#else
#define ADDR_LEN	4
#endif

/**
 * struct device_key - who
 * @mac: source MAC
 * @zero: 0
 * @addr: source address
 */
struct device_key {
	__u8 mac[6];
	__u16 zero;
	__u8 addr[ADDR_LEN];
};

/**
 * struct rule_key - what it may do
 * @profile: of the device
 * @addr: destination
 * @port: destination port, network byte order
 * @proto: TCP or UDP
 * @zero: 0
 */
struct rule_key {
	__u32 profile;
	__u8 addr[ADDR_LEN];
	__u16 port;
	__u8 proto;
	__u8 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEVICES);
	__type(key, struct device_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} lcb_devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RULES);
	__type(key, struct rule_key);
	__type(value, __u8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} lcb_rules SEC(".maps");

SEC("tc")
int lcb_filter(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct device_key device = {};
	struct rule_key rule = {};
	struct ethhdr *eth = data;
	__u32 *profile;
	__be16 *ports;
#ifdef IPV6
	struct ipv6hdr *ip = (void *)(eth + 1);
#else
	struct iphdr *ip = (void *)(eth + 1);
#endif

	if (VLAN && (!skb->vlan_present || (skb->vlan_tci & 0xfff) != VLAN))
		return TC_ACT_SHOT;
	if ((void *)(ip + 1) > end)
		return TC_ACT_SHOT;
#ifdef IPV6
	if (eth->h_proto != bpf_htons(ETH_P_IPV6))
		return TC_ACT_SHOT;
	ports = (void *)(ip + 1);
	rule.proto = ip->nexthdr;
#else
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl < 5 ||
	    ip->frag_off & bpf_htons(0x1fff))
		return TC_ACT_SHOT;
	ports = (void *)ip + ip->ihl * 4;
	rule.proto = ip->protocol;
#endif
	__builtin_memcpy(device.mac, eth->h_source, sizeof(device.mac));
	__builtin_memcpy(device.addr, &ip->saddr, ADDR_LEN);
	profile = bpf_map_lookup_elem(&lcb_devices, &device);
	if (!profile)
		return TC_ACT_SHOT;

	if (rule.proto != IPPROTO_TCP && rule.proto != IPPROTO_UDP)
		return TC_ACT_SHOT;
	if ((void *)(ports + 2) > end)
		return TC_ACT_SHOT;
	rule.profile = *profile;
	rule.port = ports[1];
	__builtin_memcpy(rule.addr, &ip->daddr, ADDR_LEN);
	return bpf_map_lookup_elem(&lcb_rules, &rule) ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
