#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Frames whose memory is laid out in unusual ways.

Frames larger than a page that come from a packet socket have only their
Ethernet header in linear memory; those with a virtio header are segmentation
packets; a packet socket on the gateway makes all of them shared.
"""

import contextlib
import socket
import struct

from lib import frames, io, net, tap
from lib.policy import connects
from lib.scene import Scene, payload, proves

MAC, TRIAL = "02:00:5e:10:00:17", "02:00:5e:10:00:18"
V4, V6 = "10.30.0.17", "2001:db8:30::17"
PEERS, ELSE = ["10.20.0.10", "2001:db8:20::10"], ["198.51.100.7",
                                                  "2001:db8:99::7"]
ANY = ["10.20.0.11", "2001:db8:20::11"]
BIG = 6000
TCP4, TCP6, CSUM = 1, 4, 1

S = None
VNET = None


def setup():
    "A trunk for jumbo frames."
    global S, VNET
    S = Scene(mtu=9000)
    S.watch()
    S.guard("cams", vlan=30)
    S.guard("bare")
    S.guard("hop", vlan=40, identity="ip")
    rules = [connects(p, proto, 5000) for p in PEERS
             for proto in ("udp", "tcp")] + [connects(p) for p in ANY]
    S.load({"profiles": {"p": {"class": 1, "rules": rules},
                         "trial": {"class": 2, "mode": "audit"}},
            "devices": {"cam": {"mac": MAC, "profile": "p",
                                "addresses": [V4, V6]},
                        "trial": {"mac": TRIAL, "profile": "trial",
                                  "addresses": [V4, V6]},
                        "far": {"profile": "p", "addresses": [
                            "10.40.0.5", "2001:db8:40::5"]}}})
    VNET = io.Link(S.cam, "eth0", vnet=True)
    S.net.defer(VNET.close)


def cameras():
    "The camera by MAC, on a VLAN and without, and by address."
    return [S.sender("cams", "cam", mac=MAC, vlan=30, cls=1,
                     addresses=[V4, V6]),
            S.sender("bare", "cam", mac=MAC, cls=1, addresses=[V4, V6]),
            S.sender("hop", "far", mac=TRIAL, vlan=40, cls=1,
                     addresses=["10.40.0.5", "2001:db8:40::5"])]


@proves("none", "destination", "service", "bad_header")
def test_fragged():
    "headers that are not in linear memory"
    for one in cameras():
        for peer, else_ in zip(PEERS, ELSE):
            for size in (BIG, 8000):
                data = bytes(size)
                one.passes(one.udp(peer, 5000, data=data))
                one.passes(one.tcp(peer, 5000, "PA", data=data))
                one.drops(one.udp(else_, 5000, data=data), "destination")
                one.drops(one.udp(peer, 5001, data=data), "service")
                one.drops(one.tcp(peer, 5001, data=data), "service")
                one.drops(one.ip(peer, frames.udp(1, 5000, data,
                                                  length=9001)), "bad_header")
                one.drops(one.ip(peer, frames.tcp(1, 5000, data=data,
                                                  off=4)), "bad_header")


@proves("none", "ip_option", "ext_header", "fragment", "wrong_source")
def test_fragged_chains():
    "options and extension headers there"
    one, data = cameras()[0], bytes(BIG)
    one.passes(one.ip(PEERS[0], frames.udp(1, 5000, data), options=bytes(8)))
    one.drops(one.ip(PEERS[0], frames.udp(1, 5000, data),
                     options=frames.ROUTER_ALERT4), "ip_option")
    one.drops(one.ip(PEERS[0], frames.udp(1, 5000, data),
                     options=b"\x83\x07\x04" + bytes(5)), "ip_option")
    body = frames.udp(1, 5000, data)
    for _ in range(8):
        body = frames.dest_options(body)
    one.passes(one.ip(PEERS[1], body))
    one.drops(one.ip(PEERS[1], frames.dest_options(body)), "ext_header")
    one.drops(one.ip(PEERS[1], frames.routing(body)), "ext_header")
    one.drops(one.ip(PEERS[0], data, proto=17, offset=9), "fragment")
    one.drops(one.udp(PEERS[0], 5000, data=data, src="10.30.0.99"),
              "wrong_source")
    one.drops(one.udp(PEERS[1], 5000, data=data, src="fe80::1"),
              "wrong_source")


@proves("unknown_device", "ethertype", "vlan_stack", "upkeep_invalid",
        "audit destination")
def test_fragged_others():
    "everything else that is read of a frame"
    one, data = cameras()[0], bytes(BIG)
    who = S.sender("cams", None, mac="02:00:5e:99:00:01", vlan=30,
                   addresses=[V4, V6])
    who.drops(who.udp(PEERS[0], 5000, data=data), "unknown_device")
    one.drops(data, "ethertype", kind=0x88b5)
    frame = one.wrap(one.udp(PEERS[0], 5000, data=data), vlans=[30, 30])
    one.drops(frame, "vlan_stack", raw=True, size=len(payload(frame)))
    one.drops(frames.arp(1, MAC, V4, bytes(6), "10.30.0.1", extra=data),
              "upkeep_invalid")
    one.drops(one.ip("255.255.255.255", frames.udp(68, 67, frames.dhcp4(
        MAC, pad=BIG)), src="0.0.0.0"), "upkeep_invalid")
    one.drops(one.ip("ff02::1", frames.nd_ns("fe80::1", options=data),
                     hop=255), "upkeep_invalid")
    trial = S.sender("cams", "trial", mac=TRIAL, vlan=30, cls=2,
                     addresses=[V4, V6])
    trial.audits(trial.udp(PEERS[0], 5000, data=data), "destination")


def gso(one, peer, size=30000, segment=1400, port=5000):
    "A TCP super-packet and the sender of it."
    packet = one.tcp(peer, port, "PA", sport=5001, data=bytes(size))
    frame = one.wrap(packet)
    l4 = len(frame) - size - 20
    # Only the pseudo header is summed: the rest is for the offload.
    head = frames.pseudo(frames.ip(one.addr(peer)), frames.ip(peer), 6,
                         20 + size)
    value = ~frames.checksum(head) & 0xffff
    frame = (frame[:l4 + 16] + struct.pack("!H", value) + frame[l4 + 18:])
    header = io.gso_header(TCP4 if ":" not in peer else TCP6, segment,
                           l4 + 20, l4, 16)
    return frame, lambda f: VNET.send(f, header=header)


@proves("none", "service", "destination")
def test_super_packets():
    "a TCP super-packet is judged and counted once, as a whole"
    for one in cameras():
        for peer, else_ in zip(PEERS, ELSE):
            for size in (3000, 30000, 60000):
                frame, send = gso(one, peer, size)
                one.passes(frame, raw=True, send=send)
                frame, send = gso(one, peer, size, port=5001)
                one.drops(frame, "service", raw=True, send=send)
                frame, send = gso(one, else_, size)
                one.drops(frame, "destination", raw=True, send=send)


@proves("none", "destination", "bad_header", "unknown_device")
def test_shared():
    "the same with packet sockets on the gateway, which see what is dropped"
    test_sizes = (64, BIG)
    with io.Capture(S.gw, "trunk") as one_tap, \
            io.Capture(S.gw, "trunk") as other_tap:
        one = cameras()[0]
        who = S.sender("cams", None, mac="02:00:5e:99:00:01", vlan=30,
                       addresses=[V4, V6])
        for size in test_sizes:
            data = bytes(size)
            for peer, else_ in zip(PEERS, ELSE):
                one.passes(one.udp(peer, 5000, data=data))
                one.drops(one.udp(else_, 5000, data=data), "destination")
                one.drops(one.ip(peer, frames.udp(1, 5000, data, length=1)),
                          "bad_header")
                who.drops(who.udp(peer, 5000, data=data), "unknown_device")
        frame, send = gso(one, PEERS[0])
        one.passes(frame, raw=True, send=send)
        for capture in (one_tap, other_tap):
            seen = capture.wait(count=17)
            tap.equal(len(seen), 17, "frames that the packet socket saw")
            tap.true(all(f.tci is not None and f.tci & 0xfff == 30
                         for f in seen), "their tags")


def test_own():
    "what the gateway says to all on the LAN comes back for itself, unjudged"
    with contextlib.closing(Scene(quiet=False)) as one:
        one.link("eth1", "routed")
        one.watch("trunk", "routed")
        one.guard("bare")
        one.guard("hop", "routed", identity="ip")
        for number, ifname in enumerate(("trunk", "routed")):
            one.gw.addr(ifname, f"10.{30 + number}.0.1/24",
                        f"2001:db8:{30 + number}::1/64")
            for family, to in ((socket.AF_INET, "255.255.255.255"),
                               (socket.AF_INET, f"10.{30 + number}.0.255"),
                               (socket.AF_INET6, "ff02::1")):
                with one.gw.socket(family, socket.SOCK_DGRAM) as hears, \
                        one.gw.socket(family, socket.SOCK_DGRAM) as says:
                    hears.settimeout(net.TIMEOUT)
                    hears.bind(("", 7000))
                    says.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                    says.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                                    ifname.encode())
                    says.sendto(b"to all", (to, 7000))
                    tap.equal(hears.recv(100), b"to all", f"{ifname}, {to}")
                seen = one.witness.take(1, net.TIMEOUT)
                tap.equal([frame.mark for frame in seen], [one.tagged(0)],
                          f"marks at {ifname}, {to}")
        tap.equal(one.delta(), {}, "frames counted")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
