#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by the gateway's errors: they quote a camera to whom it names.

A camera whose cable was moved to a port without a guard sends packets from the
collector's address that the gateway refuses, and so sends on to the collector.
It does so before it asks whether it may forward them. The other way round, a
stranger there has it answer to a camera in the camera's name. What holds them
is the interlock; with it open, all of it arrives.
"""

import functools

from lib import daemon, frames, io, lock, net, rig, tap
from lib.daemon import guard

ANY4, ANY6 = "203.0.113.9", "2001:db8:bad::9"       # there is no route
NEAR4, NEAR6 = "10.20.0.77", "2001:db8:20::77"      # beyond a narrow link
SELF4 = "10.40.0.1"
NARROW = 1280
# Who is neither the collector nor a camera, but their neighbour.
OTHERS = {rig.PEER_IP: "10.20.0.11", lock.PEER6: "2001:db8:20::11",
          rig.CAM_IP: "10.30.0.18", lock.CAM6: "2001:db8:30::18"}


def world():
    "A gateway that answers without delay, and whoever hears its answers."
    site = lock.Site([guard("cams")])
    for key, value in (("ipv4/icmp_ratelimit", 0),
                       ("ipv6/icmp/ratelimit", 0), ("ipv4/ipfrag_time", 1)):
        site.gw.sysctl(key, value)
    site.gw.ip(f"link set lan mtu {NARROW}")
    lines = []
    for address in (*OTHERS, *OTHERS.values()):
        port, netns = ("trunk", site.rig.cam) if "30" in address[:11] else \
            ("lan", site.peer)
        mac = ":".join(f"{b:02x}" for b in netns.mac("eth0"))
        lines.append(f"neigh replace {address} lladdr {mac} dev {port}")
    site.gw.batch(lines)
    site.heard = [io.Capture(netns, "eth0")
                  for netns in (site.peer, site.rig.cam, site.alien)]
    for capture in site.heard:
        site.net.defer(capture.close)
    return site


def answered(site, mark):
    "Frames from the gateway that quote what was sent."
    return [frame.data.hex() for capture in site.heard
            for frame in capture.seen(lambda f: mark in f.data)]


def send(site, src, mac, make):
    "All packets of a test that fit, from the port; their marks."
    marks = []
    for number, (dst, build) in enumerate(make(src)):
        if (":" in src) == (":" in dst):
            marks.append(site.payload())
            site.alien_link.send(frames.eth(
                lock.SIDE_MAC, mac, build(src, dst, marks[-1], number)))
    return marks


def await_answers(site, marks, what):
    "The gateway answers each of them."
    for mark in marks:
        net.wait_for(lambda mark=mark: answered(site, mark),
                     what=f"the gateway to answer {what}")


def unanswered(site, marks):
    "Nothing of it has left the gateway."
    tap.equal([data for mark in marks for data in answered(site, mark)], [],
              "frames that left the gateway")


def answer(source, held=True):
    """A test from a function that returns (destination, packet) for a source.

    source says where it is known from; held is whether the interlock does.
    """
    assert source

    def wrap(func):
        @functools.wraps(func)
        def test():
            site = world()
            senders = [(rig.PEER_IP, rig.CAM_MAC), (lock.PEER6, rig.CAM_MAC),
                       (rig.CAM_IP, lock.ALIEN_MAC),
                       (lock.CAM6, lock.ALIEN_MAC)]

            def attack():
                return [mark for src, mac in senders
                        for mark in send(site, src, mac, func)]
            site.daemon.ask("disarm", open=True)
            await_answers(site, attack(), "without an interlock")
            site.daemon.ask("arm")
            site.wait_state()
            before = site.counts()
            marks = attack()
            if not held:
                await_answers(site, marks, "in spite of the interlock")
                tap.equal(site.counts(), before, "counters")
                # What is to be done about it.
                site.gw.sysctl("ipv6/conf/side/disable_ipv6", 1)
                marks = attack()
                await_answers(site, send(
                    site, OTHERS[rig.PEER_IP], lock.ALIEN_MAC,
                    lambda _: [(ANY4, simple(hop=1))]), "over IPv4")
                unanswered(site, marks)
                return
            # Behind them, as slowly, and of the same way: what is answered.
            await_answers(site, [
                mark for src, _ in senders
                for mark in send(site, OTHERS[src], lock.ALIEN_MAC, func)],
                "somebody else")
            unanswered(site, marks)
            wanted = {**before, "prerouting": len(marks)}
            tap.equal(site.counts(), wanted, "counters of the interlock")
        return test
    return wrap


def udp(mark, size=400):
    "A datagram that says something."
    return frames.udp(40000, 9, mark.ljust(size, b"."))


def simple(size=400, **fields):
    "A packet with such fields."
    return lambda src, dst, mark, _: frames.pack_ip(src, dst, udp(mark, size),
                                                    **fields)


@answer("RFC 792, RFC 4443: time exceeded")
def test_hops(_):
    "a moved camera whose packets have no hops left, sent as the collector"
    return [(NEAR4, simple(hop=1)), (NEAR6, simple(hop=1))]


@answer("RFC 792, RFC 4443: destination unreachable")
def test_no_route(_):
    "the same to where there is no route"
    return [(ANY4, simple()), (ANY6, simple())]


@answer("RFC 792, RFC 8201: fragmentation needed, packet too big")
def test_too_big(_):
    "the same, of more bytes than the next link carries"
    return [(NEAR4, simple(NARROW, df=True)), (NEAR6, simple(NARROW))]


@answer("RFC 792: parameter problem")
def test_option(_):
    "the same with a broken IPv4 option"
    return [(NEAR4, simple(options=b"\x07\x02\0\0")),
            (SELF4, simple(options=b"\x44\x02\0\0"))]


@answer("RFC 792: reassembly time exceeded")
def test_fragment(_):
    "the same, of a first fragment for the gateway, which no other follows"
    def first(src, dst, mark, number):
        return frames.ipv4(src, dst, udp(mark), mf=True, ident=0x4c00 + number)
    return [(SELF4, first)]


@answer("RFC 8200 section 4.2: an option that has to be understood",
        held=False)
def test_hop_by_hop(_):
    "the same with an unknown IPv6 hop-by-hop option, answered before netfilter"
    return [(NEAR6, lambda src, dst, mark, _: frames.ipv6(
        src, dst, frames.hop_by_hop(udp(mark), b"\x9e\x04\0\0\0\0")))]


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, lock.built, tap.module],
             each=daemon.cleanup)
