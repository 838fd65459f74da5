#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by what stands before the IP header: tags, SNAP, other ethertypes.

Every place of lib/evasion.py: a tag means something else on a trunk, on a VLAN
device and on a port without VLANs. Frames go to an address that the policy
does not name, or, where the tags themselves are wrong, to a permitted one.
"""

import struct

from lib import frames
from lib.evasion import (ELSE4, ELSE6, PEER4, by, eth, evasion, main, udp)

AD = frames.ETH_QINQ
TAGGED = [30]


def packets():
    "Packets to nobody's addresses, of both families."
    return udp(ELSE4, pad=False)[14:], udp(ELSE6, pad=False)[14:]


def tags(*stacks):
    "The packets behind each of the stacks of tags."
    kinds = (frames.ETH_IPV4, frames.ETH_IPV6)
    return [eth(packet, kind, vlans=stack) for stack in stacks
            for packet, kind in zip(packets(), kinds)]


def snap(length=None, vlans=(), packet=None):
    "A packet in LLC and SNAP, whose length field may lie."
    packet = packets()[0] if packet is None else packet
    kind = frames.ETH_IPV6 if packet[0] >> 4 == 6 else frames.ETH_IPV4
    body = b"\xaa\xaa\x03\0\0\0" + struct.pack("!H", kind) + packet
    return eth(body, len(body) if length is None else length, vlans)


def snap_tag(vid, length=None):
    "A tag inside SNAP."
    body = b"\xaa\xaa\x03\0\0\0\x81\0" + struct.pack("!HH", vid, 0x0800) + \
        packets()[0]
    return eth(body, len(body) if length is None else length)


@evasion("IEEE 802.1Q", "destination", "trunk, device, tags",
         at="trunk, device, tags")
def test_tag_in_payload():
    "a tag in the bytes of the frame"
    return tags([30], [0xe01e], [0x101e])


@evasion("IEEE 802.1Q, net/8021q", "destination", "trunk, device, tags",
         at="trunk, device, tags")
def test_tag_in_metadata():
    "a tag that the sender's interface put into vlan_tci"
    return [by("eth0.30", frame) for frame in tags([])]


@evasion("IEEE 802.1Q", "destination", "route, bridge")
def test_priority_tag():
    "a priority tag (VID 0) on a port without VLANs"
    return tags([0], [0xe000])


@evasion("VU#855201, CVE-2021-27853, net/core/dev.c", "vlan_stack",
         "trunk, tags", at="trunk, tags")
def test_priority_tag_then_vlan():
    "a priority tag before the VLAN's: the stack takes it off and looks again"
    return tags([0, 30], [0, 0, 30])


@evasion("VU#855201, CVE-2021-27853, net/core/dev.c", "vlan_stack",
         "trunk, tags", at="trunk, tags")
def test_many_priority_tags():
    "more priority tags than a filter looks at"
    return tags(*[[0] * count + [30] for count in (3, 4, 5, 8, 16)])


@evasion("VU#855201, CVE-2021-27853", "vlan_stack", "route, bridge")
def test_priority_tags_without_vlan():
    "several priority tags on a port without VLANs"
    return tags([0, 0], [0, 0, 0], [0] * 6)


@evasion("VU#855201, IEEE 802.1ad", "vlan_stack",
         "tags", at="trunk, device, tags")
def test_qinq():
    "802.1Q in 802.1Q"
    return tags([30, 30], [30, 31], [30, 31, 32])


@evasion("VU#855201, CVE-2021-27854", "vlan_stack", "trunk, tags",
         at="trunk, tags")
def test_vlan_then_priority_tag():
    "a priority tag behind the VLAN's"
    return tags([30, 0], [30, 0, 0])


@evasion("VU#855201, CVE-2021-27854", "destination, vlan_stack", "device",
         at="device")
def test_vlan_then_priority_tag_on_device():
    "the same where the guard sees it as a priority tag of its own, or as two"
    return tags([30, 0], [30, 0, 0])


@evasion("IEEE 802.1ad", "vlan_stack", "some trunk, tags", at="trunk, tags")
def test_service_tag():
    "802.1ad of the guard's id, alone, around and inside"
    return tags([(AD, 30)], [(AD, 30), 30], [30, (AD, 30)], [0, (AD, 30)],
                [(AD, 0), 30])


@evasion("IEEE 802.1Q: VLAN hopping", "vlan_stack", "bridge",
         at="route, bridge")
def test_tag_on_port_without_vlans():
    "a tag where none is expected"
    return tags([30], [1], [4095], [30, 31], [(AD, 30)])


@evasion("VU#855201, CVE-2021-27861", "ethertype", "bridge")
def test_snap():
    "IP in LLC and SNAP with a right length"
    return [snap(packet=packet) for packet in packets()]


@evasion("VU#855201, CVE-2021-27861", "ethertype", "bridge")
def test_snap_with_wrong_length():
    "IP in LLC and SNAP with a length that lies"
    return [snap(length) for length in (0, 1, 8, 46, 1500, 1501, 1535)]


@evasion("VU#855201, CVE-2021-27854, CVE-2021-27861", "ethertype",
         "bridge")
def test_snap_with_tag():
    "a tag inside SNAP, with a right and a wrong length"
    return [snap_tag(vid, length) for vid in (0, 30)
            for length in (None, 0, 1535)]


@evasion("VU#855201, CVE-2021-27853, CVE-2021-27862", "ethertype", "tags",
         at="trunk, device, tags")
def test_tag_then_snap():
    "SNAP behind the VLAN's tag"
    return [snap(length, TAGGED) for length in (None, 0, 1500)]


@evasion("VU#855201, CVE-2021-27853, CVE-2021-27862", "vlan_stack",
         "tags", at="trunk, tags")
def test_priority_tag_then_snap():
    "SNAP behind a priority tag and the VLAN's"
    return [snap(length, [0, 30]) for length in (None, 0, 1500)]


@evasion("IEEE 802.2", "ethertype", "bridge")
def test_llc():
    "IP in LLC without SNAP (SAP 06), and Novell's raw form"
    packet = packets()[0]
    return [eth(head + packet, len(head) + len(packet))
            for head in (b"\x06\x06\x03", b"\xff\xff")]


@evasion("RFC 2516", "ethertype", "bridge")
def test_pppoe():
    "IP in PPPoE, session and discovery"
    body = struct.pack("!BBHHH", 0x11, 0, 1, len(packets()[0]) + 2, 0x21) + \
        packets()[0]
    return [eth(body, 0x8864), eth(body, 0x8863)]


@evasion("RFC 3032", "ethertype", "bridge")
def test_mpls():
    "IP in MPLS, unicast and multicast, of one label and of two"
    last, more = struct.pack("!I", 0x10140), struct.pack("!I", 0x10040)
    return [eth(head + packets()[0], kind) for kind in (0x8847, 0x8848)
            for head in (last, more + last)]


@evasion("IEEE 802.1ah, 802.1AE, RFC 7348 and the like", "ethertype",
         "bridge")
def test_other_ethertypes():
    "IP behind ethertypes that mean something else, or an old tag"
    return [eth(b"\0\x1e\x08\0" + packets()[0], kind)
            for kind in (0x88e7, 0x88e5, 0x9100, 0x9200, 0x22f3, 0x6558,
                         0x894f, 0x0600)]


@evasion("IEEE 802.3", "bad_header", "bridge")
def test_wrong_ethertype():
    "IPv6 under IPv4's ethertype, and the other way round"
    four, six = packets()
    return [eth(six, frames.ETH_IPV4), eth(four, frames.ETH_IPV6)]


@evasion("IEEE 802.1Q", "vlan_stack", "tags", at="trunk, tags")
def test_tag_cut_off():
    "a frame that ends inside its second tag"
    return [eth(bytes(size), frames.ETH_VLAN, TAGGED, pad=False)
            for size in (2, 3)]


@evasion("IEEE 802.1Q", "vlan_stack", "tags", at="trunk, tags")
def test_permitted_in_stack():
    "a permitted packet in a stack of tags: no way to another VLAN"
    return [udp(PEER4, vlans=stack) for stack in ([30, 31], [30, 30])]


if __name__ == "__main__":
    main(globals())
