#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ethertypes and IPv4 headers: what can not be judged is dropped for that.

Each frame goes to a destination to which everything is permitted, from a
camera in enforce mode and from one that is only audited.
"""

import itertools
import struct

from lib import frames, tap
from lib.policy import connects
from lib.scene import Scene, proves

ALL, PORTS, ELSE = "10.20.0.10", "10.20.0.11", "198.51.100.7"
CAMERAS = {"enforce": ("02:00:5e:10:00:17", "10.30.0.17"),
           "audit": ("02:00:5e:10:00:18", "10.30.0.18")}
RULES = [connects(ALL), connects(PORTS, "udp", 5000),
         connects(PORTS, "tcp", 5000), connects("10.20.0.12", "udp"),
         connects("10.20.0.13", "tcp", None, 40000)]
IDENT = itertools.count(1)      # of datagrams in fragments

S = None


def setup():
    "A guard on a VLAN, one without, two cameras."
    global S
    S = Scene()
    S.watch()
    S.guard("cams", vlan=30)
    S.guard("bare")
    S.load({"profiles": {mode: {"mode": mode, "class": 1, "rules": RULES}
                         for mode in CAMERAS},
            "devices": {mode: {"mac": mac, "addresses": [ip],
                               "profile": mode}
                        for mode, (mac, ip) in CAMERAS.items()}})


def cam(mode="enforce"):
    "A camera."
    mac, ip = CAMERAS[mode]
    return S.sender("cams", mode, mac=mac, vlan=30, cls=1, addresses=[ip])


def refused(reason, make, untagged=False, **how):
    "What make(camera) builds is dropped, or audited, for a reason."
    enforced, audited = cam("enforce"), cam("audit")
    if untagged:
        for one in (enforced, audited):
            one.guard, one.vlan = "bare", None
    enforced.drops(make(enforced), reason, **how)
    audited.audits(make(audited), reason, **how)


@proves("ethertype", "audit ethertype")
def test_ethertypes():
    "neither IPv4, IPv6 nor ARP: dropped"
    for kind in (0x88cc, 0x888e, 0x8863, 0x8864, 0x8847, 0x88e5, 0x0842,
                 0x22f0, 0x8137, 0x0801, 0x0600, 0xffff, 0x88f7,
                 0x9100, 0x894f, 0x86de, 0x6003):
        refused("ethertype", lambda one: bytes(46), kind=kind)
    # The content is no matter.
    refused("ethertype", lambda one: one.udp(ALL, 5000), kind=0x88b5)


@proves("ethertype", "audit ethertype")
def test_802_3():
    "a length instead of a type: LLC, SNAP around IPv4, IPX, an empty frame"
    for body in (b"\x42\x42\x03" + bytes(40), b"\xff\xff" + bytes(40),
                 b"\xaa\xaa\x03\0\0\0\x08\0" + bytes(38), bytes(46)):
        refused("ethertype", lambda one, b=body: b, kind=len(body))
    refused("ethertype", lambda one: bytes(46), kind=0)
    refused("ethertype", lambda one: bytes(46), kind=0x05ff)


@proves("bad_header", "audit bad_header")
def test_wrong_ethertype_for_ip():
    "IPv6 under the type of IPv4, and the other way round"
    refused("bad_header", lambda one: frames.ipv6(
        "2001:db8:30::17", "2001:db8:20::10", frames.udp(1, 5000)),
            kind=0x0800)
    refused("bad_header", lambda one: bytes(
        frames.ipv4(one.v4, ALL, frames.udp(1, 5000, bytes(40)))),
            kind=0x86dd)


@proves("truncated", "audit truncated")
def test_shorter_than_a_header():
    "a frame that ends within its IPv4 header"
    for size in (0, 1, 2, 11, 12, 15, 16, 19):
        def make(one, n=size):
            return one.udp(ALL, 5000)[:n]
        refused("truncated", make, kind=0x0800, pad=False, untagged=True)
        if size > 1:    # else the stack drops it where it takes the tag off
            refused("truncated", make, kind=0x0800, pad=False)


@proves("bad_header", "audit bad_header")
def test_version_and_ihl():
    "a version or header length that can not be"
    for version in (0, 1, 5, 6, 15):
        refused("bad_header", lambda one, v=version: one.ip(
            ALL, frames.udp(1, 5000), version=v), kind=0x0800)
    for ihl in (0, 1, 4):
        refused("bad_header", lambda one, n=ihl: one.ip(
            ALL, frames.udp(1, 5000), ihl=n))
    # Longer than the packet says it is.
    for ihl in (10, 15):
        refused("bad_header", lambda one, n=ihl: one.ip(
            ALL, frames.udp(1, 5000), ihl=n))


@proves("bad_header", "none", "audit bad_header")
def test_total_length():
    "a total length beyond the frame or within the header; padding is fine"
    for total in (0, 1, 19):
        refused("bad_header", lambda one, n=total: one.ip(
            ALL, frames.udp(1, 5000), total=n))
    for total in (36, 47, 1500, 65535):
        refused("bad_header", lambda one, n=total: one.ip(
            ALL, frames.udp(1, 5000, b"lenscap"), total=n), pad=False)
    for total in (21, 27):
        refused("truncated", lambda one, n=total: one.ip(
            ALL, frames.udp(1, 5000), total=n))
    one = cam()
    one.passes(one.udp(ALL, 5000))
    one.passes(one.udp(ALL, 5000, data=b""))
    one.passes(one.udp(ALL, 5000) + bytes(900))
    one.passes(one.ip(ALL, frames.proto(47)))
    # Padding is not looked at, though it would make a longer datagram.
    one.passes(one.ip(ALL, frames.udp(1, 5000, length=8), total=28))


@proves("bad_header", "none", "audit bad_header")
def test_udp_length():
    "a UDP length that is no header, or more than there is"
    for size in (0, 1, 7, 16, 17, 100, 65535):
        refused("bad_header", lambda one, n=size: one.ip(
            ALL, frames.udp(1, 5000, b"lenscap", length=n)))
    one = cam()
    # Less than the packet carries is odd, and judged by the ports.
    one.passes(one.ip(ALL, frames.udp(1, 5000, b"lenscap", length=8)))
    one.passes(one.ip(ALL, frames.udp(1, 5000, b"lenscap", length=14)))


@proves("bad_header", "none", "audit bad_header")
def test_tcp_offset():
    "a TCP data offset within its header or beyond the packet"
    for off in (0, 1, 4, 6, 15):
        refused("bad_header", lambda one, n=off: one.ip(
            ALL, frames.tcp(1, 5000, off=n)))
    one = cam()
    one.passes(one.ip(ALL, frames.tcp(1, 5000)))
    one.passes(one.ip(ALL, frames.tcp(1, 5000, options=bytes(40))))
    one.passes(one.ip(ALL, frames.tcp(1, 5000, data=bytes(40), off=15)))
    one.passes(one.ip(ALL, frames.tcp(
        1, 5000, options=b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + bytes(8) +
        b"\x01\x03\x03\x07")))


@proves("truncated", "audit truncated")
def test_short_transport():
    "a packet that ends within its TCP, UDP or ICMP header"
    for body, sizes in ((frames.udp(1, 5000), (0, 1, 4, 7)),
                        (frames.tcp(1, 5000), (0, 1, 13, 19)),
                        (frames.icmp(8), (0, 1, 7))):
        for size in sizes:
            def make(one, n=size, b=body):
                whole = b.build(frames.ip(one.v4), frames.ip(ALL))
                return one.ip(ALL, whole[:n], proto=b.proto)
            refused("truncated", make)
            refused("truncated", make, pad=False)


@proves("ip_option", "audit ip_option")
def test_options_refused():
    "source routes, strict and loose, anywhere; lists that do not add up"
    route = b"\x07\x04" + frames.ip("198.51.100.7")
    lsrr, ssrr = b"\x83" + route, b"\x89" + route
    for options in (lsrr, ssrr, b"\x01" + lsrr, b"\x01\x01\x01" + ssrr,
                    frames.ROUTER_ALERT4 + lsrr, b"\x83\x03\x04",
                    b"\x89\x27\x04" + bytes(36),
                    b"\x07\x00\x00\x00", b"\x07\x01\x00\x00",
                    b"\x07\x05\x04\x00", b"\x44\x28\x05\x00" + bytes(32),
                    b"\x01\x01\x01\x07", b"\x94\xff\x00\x00",
                    b"\x83\x01\x00\x00", frames.ROUTER_ALERT4,
                    b"\x01\x94\x04\x01\x02", b"\x94\x02\x01\x01"):
        refused("ip_option", lambda one, o=options: one.ip(
            ALL, frames.udp(1, 5000), options=o))


@proves("none", "destination")
def test_options_accepted():
    "timestamp, record route and padding: judged by the rules"
    one = cam()
    for options in (b"\x01\x01\x01\x01",
                    b"\x07\x07\x04" + bytes(4) + b"\0", bytes(40),
                    b"\x07\x27\x04" + bytes(36) + b"\0",
                    b"\x44\x08\x05\x00" + bytes(4), b"\x88\x04\x00\x01",
                    b"\x82\x0b" + bytes(9) + b"\0", b"\x9e\x04\0\0",
                    # Behind the end of the list nothing is an option.
                    b"\x00\x83\x07\x04"):
        one.passes(one.ip(ALL, frames.udp(1, 5000), options=options))
        one.passes(one.ip(PORTS, frames.udp(1, 5000), options=options))
        one.drops(one.ip(ELSE, frames.udp(1, 5000), options=options),
                  "destination")


@proves("none", "fragment", "service", "audit fragment", "destination")
def test_later_fragments():
    "they match rules without ports only"
    one = cam()
    for offset, mf in ((4, True), (3, False), (64, True), (8000, False)):
        how = {"offset": offset, "mf": mf}
        one.passes(one.ip(ALL, b"lenscap!" * 2, proto=17, **how))
        one.passes(one.ip(ALL, b"lenscap!" * 2, proto=47, **how))
        one.passes(one.ip("10.20.0.12", b"lenscap!" * 2, proto=17, **how))
        one.drops(one.ip("10.20.0.12", b"lenscap!" * 2, proto=47, **how),
                  "service")
        one.drops(one.ip(ELSE, b"lenscap!" * 2, proto=17, **how),
                  "destination")
        refused("fragment", lambda one, h=how: one.ip(
            PORTS, b"lenscap!" * 2, proto=17, **h))
        # Its first bytes would be the right ports, if they were ports.
        refused("fragment", lambda one, h=how: one.ip(
            PORTS, frames.udp(1, 5000), **h))
        one.passes(one.ip(ALL, b"lenscap!" * 2, proto=6, **how))
        one.drops(one.ip("10.20.0.13", b"lenscap!" * 2, proto=6, **how),
                  "fragment")
    one.drops(one.ip(PORTS, b"lenscap!", proto=47, offset=9), "service")


@proves("none", "service")
def test_first_fragments():
    "they are judged by their ports"
    one = cam()
    first = {"mf": True}
    one.passes(one.ip(PORTS, frames.udp(1, 5000, bytes(24), length=2000),
                      **first))
    one.drops(one.ip(PORTS, frames.udp(1, 5001, bytes(24), length=2000),
                     **first), "service")
    one.passes(one.ip(PORTS, frames.tcp(1, 5000, data=bytes(12)), **first))
    one.drops(one.ip(PORTS, frames.tcp(1, 5001, data=bytes(12)), **first),
              "service")
    one.drops(one.ip(ALL, frames.icmp(8, data=bytes(24)), **first),
              "icmp_size")


@proves("none", "fragment", "service")
def test_whole_datagram_in_fragments():
    "a large datagram: through whole, or from its first fragment on not at all"
    one = cam()
    for dst, port, fate in ((ALL, 9, "passes"), ("10.20.0.12", 9, "passes"),
                            (PORTS, 5000, "passes"),
                            (PORTS, 9, "service")):
        parts = frames.fragments4(one.v4, dst, frames.udp(
            1, port, bytes(3000)), 1480, ident=next(IDENT))
        tap.equal(len(parts), 3, "fragments")
        for number, part in enumerate(parts):
            if fate == "passes":
                one.passes(part)
            else:
                one.drops(part, "service" if number == 0 else "fragment")


@proves("tiny_fragment", "audit tiny_fragment")
def test_tiny_fragments():
    "fragments that hide or overwrite what was judged"
    for body, sizes in ((frames.udp(1, 5000), (0, 1, 7)),
                        (frames.tcp(1, 5000), (0, 8, 16, 19)),
                        (frames.icmp(8), (0, 1, 7))):
        for size in sizes:
            def make(one, n=size, b=body):
                whole = b.build(frames.ip(one.v4), frames.ip(ALL))
                return one.ip(ALL, whole[:n], proto=b.proto, mf=True)
            refused("tiny_fragment", make)
    for mf, offset, proto in itertools.product((True, False), (1, 2),
                                               (6, 17, 47)):
        refused("tiny_fragment", lambda one, m=mf, o=offset, p=proto: one.ip(
            ALL, b"overwrit" * 3, proto=p, offset=o, mf=m))


@proves("bad_header", "none", "audit bad_header")
def test_fragments_beyond_the_end():
    "offset plus length may not pass 65,535"
    for offset, size in ((8191, 8), (8191, 1400), (8189, 40), (8100, 1400)):
        refused("bad_header", lambda one, o=offset, n=size: one.ip(
            ALL, bytes(n), proto=17, offset=o))
    one = cam()
    one.passes(one.ip(ALL, bytes(7), proto=17, offset=8191))
    one.passes(one.ip(ALL, bytes(735), proto=17, offset=8100))


@proves("unknown_device", "wrong_source", "bad_header")
def test_order_of_reasons():
    "the sender is asked for first, then the headers, then the source"
    who = S.sender("cams", None, mac="02:00:5e:99:00:01", vlan=30,
                   addresses=["10.30.0.17"])
    bad = {"version": 5}
    who.drops(who.ip(ALL, frames.udp(1, 5000), **bad), "unknown_device",
              kind=0x0800)
    who.drops(who.ip(ALL, frames.udp(1, 5000), options=b"\x83\x03\x04"),
              "unknown_device")
    one = cam()
    one.drops(one.ip(ALL, frames.udp(1, 5000, length=1), src="10.9.9.9"),
              "bad_header")
    one.drops(one.ip(ALL, b"lenscap!", src="10.9.9.9", proto=17, offset=9),
              "wrong_source")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
