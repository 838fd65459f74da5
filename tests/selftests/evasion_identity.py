#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by who a camera says that it is, and by speaking for others.

Frames that would be permitted if their sender were true, and messages that
would draw the traffic of a LAN to the camera.
"""

from lib import frames
from lib.evasion import (CAM4, CAM6, CAM_MAC, ELSE4, ELSE6, FAR_MAC, GW4, GW6,
                         GW_MAC, OTHER4, OTHER6, OTHER_MAC, PEER4, PEER6, eth,
                         evasion, ip, main, udp)

LINK = "fe80::5eff:fe10:17"
NODES, ROUTERS = "ff02::1", "ff02::2"
STRANGER = "02:00:5e:10:00:99"


def multicast(dst, body, src=LINK, hop=255, **fields):
    "A frame to a group."
    return ip(dst, body, src, to=frames.mapped_mac(dst), hop=hop, **fields)


def arp(op, sender, target, mac=CAM_MAC, to=frames.BROADCAST):
    "An ARP frame from the camera's MAC."
    return eth(frames.arp(op, mac, sender, bytes(6), target), to=to)


@evasion("MAC spoofing", "wrong_source", "route, bridge")
def test_mac_of_another_device():
    "another device's MAC, with addresses of one's own"
    return [udp(PEER4, mac=OTHER_MAC), udp(PEER6, mac=OTHER_MAC)]


@evasion("MAC spoofing", "unknown_device", "route, bridge")
def test_mac_of_nobody():
    "a MAC that no device has: a stranger's, the gateway's, a server's"
    return [udp(peer, mac=mac) for peer in (PEER4, PEER6)
            for mac in (STRANGER, GW_MAC, FAR_MAC)]


@evasion("IEEE 802.3, net/ethernet/eth.c", "unknown_device", "route")
def test_mac_of_group():
    "a group's, the broadcast and the zero MAC as the sender"
    return [udp(PEER4, mac=mac) for mac in (
        "03:00:5e:10:00:17", "01:00:5e:00:00:01", frames.BROADCAST, bytes(6))]


@evasion("RFC 2827 (BCP 38)", "wrong_source", "route, bridge")
def test_address_of_another_device():
    "another device's address"
    return [udp(PEER4, src=OTHER4), udp(PEER6, src=OTHER6)]


@evasion("RFC 2827 (BCP 38)", "wrong_source", "route, bridge")
def test_address_out_of_binding():
    "addresses of the LAN and of elsewhere that nobody gave to the camera"
    return [udp(PEER4, src=src) for src in ("10.30.0.99", ELSE4)] + \
           [udp(PEER6, src=src) for src in ("2001:db8:30::99", ELSE6)]


@evasion("RFC 2827 (BCP 38), LAND (CVE-1999-0016)", "wrong_source",
         "route, bridge")
def test_address_of_the_other_side():
    "the recorder's own address, and the gateway's"
    return [udp(PEER4, src=src) for src in (PEER4, GW4)] + \
           [udp(PEER6, src=src) for src in (PEER6, GW6)]


@evasion("RFC 8981, RFC 4862", "wrong_source", "route, bridge")
def test_privacy_address():
    "IPv6 privacy and EUI-64 addresses that the policy does not know"
    return [udp(PEER6, src="2001:db8:30:0:" + host)
            for host in ("0:5eff:fe10:17", "8d3a:11f0:52c7:9e04")]


@evasion("RFC 4291, RFC 4942 section 2.2", "wrong_source, destination",
         "route, bridge")
def test_v4_mapped():
    "IPv4 in IPv6 addresses: mapped, compatible; as source and destination"
    return [udp(PEER6, src="::ffff:" + CAM4), udp(PEER6, src="::" + CAM4),
            udp("::ffff:" + PEER4), udp("::" + PEER4)]


@evasion("RFC 1122 section 3.2.1.3, RFC 4291", "wrong_source",
         "bridge")
def test_source_unspecified():
    "no source address"
    return [udp(PEER4, src="0.0.0.0"), udp(PEER6, src="::")]


@evasion("RFC 1122 section 3.2.1.3, RFC 4291", "wrong_source",
         "bridge")
def test_source_group():
    "a group or broadcast address as the source"
    return [udp(PEER4, src=src) for src in
            ("224.0.0.1", "239.1.2.3", "255.255.255.255")] + \
           [udp(PEER6, src=src) for src in (NODES, "ff0e::1234")]


@evasion("RFC 1122 section 3.2.1.3, RFC 4291", "wrong_source",
         "some route, bridge")
def test_source_loopback():
    "a loopback address as the source"
    return [udp(PEER4, src="127.0.0.1"), udp(PEER6, src="::1")]


@evasion("RFC 4291, RFC 3927", "wrong_source", "some route, bridge")
def test_source_link_local():
    "a link-local source for other than upkeep"
    return [udp(PEER4, src="169.254.7.7"), udp(PEER6, src=LINK)]


@evasion("RFC 791, RFC 7126", "ip_option", "some route, bridge")
def test_source_route():
    "loose and strict source routes by a permitted destination"
    return [ip(PEER4, frames.udp(1, 5000), options=bytes([kind, 7, 4]) +
               frames.ip(ELSE4)) for kind in (131, 137)]


@evasion("RFC 791, RFC 7126", "ip_option", "some route, bridge")
def test_source_route_that_lies():
    "source routes with lengths and pointers that lie, behind no-ops"
    return [ip(PEER4, frames.udp(1, 5000), options=head + frames.ip(ELSE4))
            for head in (b"\x83\x03\x04", b"\x83\x07\x01", b"\x83\x27\x04",
                         b"\x01\x01\x83\x07\x04", b"\x89\x00\x04",
                         b"\x44\x04\x05\x00\x83\x07\x04")]


@evasion("RFC 5095, CVE-2007-2242", "ext_header", "route, bridge")
def test_routing_header_0():
    "IPv6 source routes (type 0) by a permitted destination"
    return [ip(PEER6, frames.routing(frames.udp(1, 5000), 0, left,
                                     bytes(4) + frames.ip(ELSE6)))
            for left in (0, 1, 2)]


@evasion("RFC 5227, RFC 826", "upkeep_spoof", "bridge")
def test_gratuitous_arp():
    "a gratuitous ARP for an address of another's, or a probe for it"
    return [arp(op, sender, addr) for op in (1, 2)
            for addr in (OTHER4, GW4, PEER4) for sender in (addr, "0.0.0.0")]


@evasion("RFC 826: ARP poisoning", "upkeep_spoof", "bridge")
def test_arp_for_another():
    "ARP answers and questions that speak for the gateway or a device"
    return [arp(op, addr, "10.30.0.2", to=to) for op in (1, 2)
            for addr in (GW4, OTHER4)
            for to in (frames.BROADCAST, OTHER_MAC)]


@evasion("RFC 826: ARP poisoning", "upkeep_spoof", "bridge")
def test_arp_with_another_mac():
    "ARP whose hardware address is not the frame's"
    return [arp(op, CAM4, GW4, mac) for op in (1, 2)
            for mac in (GW_MAC, OTHER_MAC, frames.BROADCAST)]


@evasion("RFC 826, RFC 1868", "upkeep_invalid, truncated", "bridge")
def test_arp_of_other_kinds():
    "reverse and inverse ARP, other hardware, data behind it, cut off"
    good = frames.arp(1, CAM_MAC, CAM4, bytes(6), GW4)
    return [eth(frames.arp(op, CAM_MAC, CAM4, bytes(6), GW4))
            for op in (0, 3, 4, 8, 9)] + \
           [eth(frames.arp(1, CAM_MAC, CAM4, bytes(6), GW4, **field), 0x0806)
            for field in ({"htype": 6}, {"ptype": 0x86dd}, {"hlen": 8},
                          {"plen": 16}, {"extra": bytes(60)})] + \
           [eth(good[:20], 0x0806, pad=False)]


@evasion("RFC 3756, RFC 4861", "upkeep_spoof", "bridge")
def test_nd_for_another():
    "neighbour advertisements for the gateway and another device"
    return [multicast(NODES, frames.nd_na(target, CAM_MAC, 0x20),
                      src=src) for target in (GW6, OTHER6, PEER6)
            for src in (LINK, CAM6)]


@evasion("RFC 3756, RFC 4861 section 7.2.5", "upkeep_spoof", "bridge")
def test_nd_for_a_link_local_address():
    "a neighbour's link-local address claimed, asked with and denied"
    out = []
    for target in ("fe80::1", frames.link_local(OTHER_MAC)):
        out += [multicast(NODES, frames.nd_na(target, CAM_MAC, 0x20)),
                multicast(NODES, frames.nd_na(target, CAM_MAC, 0x20),
                          src=target),
                multicast(ROUTERS, frames.nd_rs(CAM_MAC), src=target),
                multicast(frames.solicited_node(GW6),
                          frames.nd_ns(GW6, CAM_MAC), src=target),
                multicast(frames.solicited_node(target),
                          frames.nd_ns(target), src="::")]
    return out


@evasion("RFC 3756 section 4.1.1", "upkeep_spoof, upkeep_invalid", "bridge")
def test_nd_with_another_mac():
    "neighbour messages with a hardware address of another's"
    return [multicast(NODES, frames.nd_na(CAM6, mac)) for mac in
            (GW_MAC, OTHER_MAC)] + \
           [multicast(frames.solicited_node(GW6), frames.nd_ns(GW6, GW_MAC)),
            multicast(ROUTERS, frames.nd_rs(OTHER_MAC)),
            multicast(ROUTERS, frames.nd_rs(CAM_MAC), src="::")]


@evasion("RFC 3756 section 4.1.3", "upkeep_spoof", "bridge")
def test_nd_denies_addresses():
    "a duplicate address found for an address that another wants"
    return [multicast(frames.solicited_node(target), frames.nd_ns(target),
                      src="::") for target in (OTHER6, GW6)]


@evasion("RFC 4861 section 7.1, RFC 6980", "upkeep_invalid, ext_header",
         "bridge")
def test_nd_malformed():
    "neighbour messages from afar, with odd options, with headers before them"
    good = frames.nd_na(CAM6, CAM_MAC)
    return [multicast(NODES, good, hop=64),
            multicast(NODES, frames.nd_na(CAM6, CAM_MAC, code=1)),
            multicast(NODES, frames.nd_na(CAM6, options=b"\x02\0" + bytes(6))),
            multicast(NODES, frames.nd_na(CAM6, options=bytes(64))),
            multicast(NODES, frames.dest_options(good)),
            multicast(NODES, frames.hop_by_hop(good)),
            multicast(NODES, frames.fragment(good)),
            multicast(NODES, frames.fragment(
                frames.dest_options(good), more=True))]


@evasion("RFC 6104, RFC 6105", "upkeep_spoof", "bridge")
def test_rogue_ra():
    "router advertisements"
    prefix = frames.nd_option(3, bytes([64, 0xc0]) + bytes(12) +
                              frames.ip("2001:db8:666::"))
    return [multicast(NODES, frames.nd_ra(CAM_MAC)),
            multicast(NODES, frames.nd_ra(CAM_MAC, prefix)),
            multicast(NODES, frames.nd_ra(), src=CAM6),
            ip(PEER6, frames.nd_ra(), LINK, hop=255)]


@evasion("RFC 7113, CVE-2021-27853", "upkeep_spoof, ext_header, tiny_fragment",
         "bridge")
def test_rogue_ra_behind_headers():
    "router advertisements behind extension headers and in fragments"
    ra = frames.nd_ra(CAM_MAC)
    body = ra.build(frames.ip(LINK), frames.ip(NODES))
    return [multicast(NODES, wrapped) for wrapped in (
        frames.hop_by_hop(ra), frames.dest_options(ra), frames.fragment(ra),
        frames.fragment(frames.dest_options(ra)),
        frames.fragment(ra, more=True),
        frames.fragment(frames.dest_options(ra), more=True),
        frames.fragment(frames.dest_options(b"", nexthdr=58), more=True),
        frames.fragment(body, offset=1, nexthdr=60))]


@evasion("RFC 4861 section 8, RFC 3756", "upkeep_spoof", "bridge")
def test_rogue_redirect():
    "redirects of ICMPv6, from the gateway's address too"
    return [multicast(NODES, frames.nd_redirect(LINK, ELSE6)),
            multicast(NODES, frames.nd_redirect(LINK, ELSE6), src="fe80::1"),
            ip(PEER6, frames.nd_redirect(LINK, ELSE6), LINK, hop=255)]


@evasion("RFC 792, RFC 1812 section 5.2.7.2", "service, wrong_source",
         "route, bridge")
def test_rogue_redirect4():
    "redirects of ICMP, as oneself and as the gateway"
    redirect = frames.icmp(5, 1, frames.ip(CAM4), bytes(28))
    return [ip(PEER4, redirect), ip(PEER4, redirect, GW4)]


@evasion("RFC 2131: rogue server, CVE-2018-1111", "wrong_source, destination",
         "bridge")
def test_rogue_dhcp_server():
    "answers of a DHCP server to a client, as oneself and as the gateway"
    answer = frames.udp(67, 68, frames.dhcp4(OTHER_MAC, 2, op=2))
    return [ip(dst, answer, src, to=frames.BROADCAST)
            for dst in ("255.255.255.255", "10.30.0.18")
            for src in (CAM4, GW4)]


@evasion("RFC 8415, RFC 7610", "wrong_source, destination", "bridge")
def test_rogue_dhcp6_server():
    "answers of a DHCPv6 server"
    return [ip(dst, frames.udp(547, 546, frames.dhcp6(kind)), src)
            for dst in ("fe80::18", OTHER6) for kind in (2, 7)
            for src in (LINK, CAM6)]


@evasion("RFC 2131, RFC 8415", "upkeep_invalid, upkeep_spoof", "bridge")
def test_dhcp_as_another():
    "requests for a lease of another's, server's messages by the client's port"
    every = "255.255.255.255"
    names4 = [bytes([61, 7, 1]) + frames.mac(OTHER_MAC), b"\x3d\x04\0cam",
              bytes([50, 4]) + frames.ip(OTHER4),
              bytes([50, 4]) + frames.ip(GW4)]
    names6 = [b"\0\1\0\x0a\0\3\0\1" + frames.mac(OTHER_MAC),
              b"\0\1\0\x0a\0\2\0\0\0\x09cam1"]
    return [ip(every, frames.udp(68, 67, frames.dhcp4(
                CAM_MAC, kind, options=name)), "0.0.0.0", to=frames.BROADCAST)
            for name in names4 for kind in (1, 3, 4)] + \
           [multicast("ff02::1:2", frames.udp(546, 547, frames.dhcp6(
               kind, options=name))) for name in names6
            for kind in (1, 3, 8, 9)] + \
           [ip(every, frames.udp(68, 67, frames.dhcp4(OTHER_MAC)), "0.0.0.0",
               to=frames.BROADCAST),
            ip(every, frames.udp(68, 67, frames.dhcp4(CAM_MAC, op=2)),
               "0.0.0.0", to=frames.BROADCAST),
            ip(every, frames.udp(68, 67, frames.dhcp4(CAM_MAC)), OTHER4,
               to=frames.BROADCAST),
            multicast("ff02::1:2", frames.udp(546, 547, frames.dhcp6(2))),
            multicast("ff02::1:2", frames.udp(546, 547, frames.dhcp6(13)))]


@evasion("RFC 2131 section 4.1: where a server answers to",
         "upkeep_invalid, upkeep_spoof", "bridge")
def test_dhcp_of_a_relay():
    "requests whose answer goes abroad, or to another device"
    fields = [{"giaddr": addr} for addr in (ELSE4, OTHER4, GW4, CAM4)] + \
        [{"ciaddr": addr} for addr in (ELSE4, OTHER4, GW4)] + \
        [{"hops": 1}, {"yiaddr": ELSE4}, {"siaddr": ELSE4},
         {"behind": b"evasion!"}]
    return [ip(dst, frames.udp(68, 67, frames.dhcp4(CAM_MAC, kind, **one)),
               src, to=frames.BROADCAST)
            for one in fields for kind in (1, 8)
            for src, dst in (("0.0.0.0", "255.255.255.255"), (CAM4, GW4))]


@evasion("RFC 894: padding", "upkeep_invalid", "bridge")
def test_data_behind_upkeep():
    "what a bridge carries on behind upkeep, as if it were padding"
    secret = b"evasion!" * 160
    igmp = frames.pack_ip(CAM4, "239.1.2.3", frames.igmp(0x16, "239.1.2.3"),
                          hop=1)
    dhcp = frames.pack_ip("0.0.0.0", "255.255.255.255", frames.udp(
        68, 67, frames.dhcp4(CAM_MAC)))
    nd = frames.pack_ip(LINK, NODES, frames.nd_ns(GW6, CAM_MAC), hop=255)
    mld = frames.pack_ip(LINK, "ff02::fb", frames.mld(131, "ff02::fb"), hop=1)
    return [eth(packet + secret[:size], kind, to=frames.BROADCAST)
            for packet, kind in ((igmp, frames.ETH_IPV4),
                                 (dhcp, frames.ETH_IPV4),
                                 (nd, frames.ETH_IPV6), (mld, frames.ETH_IPV6))
            for size in (24, 200, 800)]


@evasion("RFC 3376, RFC 3810", "upkeep_spoof", "bridge")
def test_group_queries():
    "IGMP and MLD queries: the camera as the querier of the LAN"
    return [ip("224.0.0.1", frames.igmp(0x11), to="01:00:5e:00:00:01", hop=1),
            multicast(NODES, frames.mld(130), hop=1)]


if __name__ == "__main__":
    main(globals())
