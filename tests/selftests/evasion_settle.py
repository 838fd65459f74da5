#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by fragments that came before the policy was tightened.

What puts packets together (here the gateway's connection tracking) keeps a first
fragment that has passed for up to a minute. It is out of the guard's reach, so no
fragment that could complete it may follow once it would be refused.
"""

import contextlib
import socket

from lib import evasion, frames, io, net, path, policy, tap
from lib.evasion import (BULK6, CAM4, CAM6, CAM_MAC, LAN, OTHER_MAC, PEER4,
                         PEER6, PORT, ip, virtual)
from lib.path import DENIED, nft

OTHER, IDENT = 5001, 0x4c70
PIECE = DENIED + bytes(16)
TRIAL_MAC = "02:00:5e:10:00:19"
TRACK = """table inet t { chain forward {
    type filter hook forward priority 0; ct state new accept } }"""
# What a link behind the gateway carries, and the first piece it makes of a packet.
NARROW, CUT = 596, 576
UFO = 3                         # of a virtio header


def permits(*rules, mode="enforce"):
    "The usual policy, with more rules or in another mode."
    usual = evasion.POLICY["profiles"]["p"]
    return {**evasion.POLICY, "profiles": {"p": {
        **usual, "mode": mode, "rules": usual["rules"] + list(rules)}}}


def on_trial():
    "The usual policy, and one more device, which is audited."
    usual = evasion.POLICY
    return {**usual, "profiles": {
        **usual["profiles"], "trial": {"class": 1, "mode": "audit"}},
            "devices": {**usual["devices"], "trial": {
                "mac": TRIAL_MAC, "profile": "trial", "guard": "g",
                "addresses": ["10.30.0.19", "2001:db8:30::19"]}}}


def renamed():
    "The usual policy, in which the camera has another name."
    devices = dict(evasion.POLICY["devices"])
    devices["cam2"] = devices.pop("cam")
    return {**evasion.POLICY, "devices": devices}


def shared(*rules):
    "The usual policy, in which another device may use the camera's address."
    more = permits(*rules)
    return {**more, "profiles": {
        **more["profiles"], "pool": evasion.POLICY["profiles"]["p"]},
            "devices": {**more["devices"], "other": {
                "mac": OTHER_MAC, "profile": "pool", "addresses": LAN}}}


def head(dst, body, ident=IDENT, **how):
    "A first fragment: header and 24 bytes."
    if dst == PEER4:
        return ip(dst, body, offset=0, mf=True, ident=ident, **how)
    return ip(dst, frames.fragment(body, 0, True, ident), **how)


def rest(dst, number=frames.UDP, **how):
    "The last one, right behind it."
    if dst == PEER4:
        return ip(dst, PIECE, offset=4, ident=IDENT, proto=number, **how)
    return ip(dst, frames.fragment(PIECE, 4, False, IDENT, number), **how)


def datagram(port):
    "The beginning of one, whose rest is rest()."
    return frames.udp(40000, port, PIECE, length=8 + 2 * len(PIECE))


def begin(here, before, frame, track=True, after=evasion.POLICY):
    "Send a first fragment while a policy passes it, then tighten that."
    if track:
        nft(here, TRACK, "connection tracking")
    if not here.sock:
        here.links["eth0"].send(frame)
        return
    policy.load(here.sock, before)
    be_over(here)
    tap.true(passes(here, here.links["eth0"], frame), "the first one passes")
    policy.load(here.sock, after)


def passes(here, link, frame, guard="g"):
    "Send a frame: does it pass, if only by an audit?"
    def judged():
        row = policy.guards(here.sock)[guard]
        return row["passed_packets"] + sum(
            total["would_packets"] for total in row["reasons"].values()), \
            sum(total["dropped_packets"] for total in row["reasons"].values())
    before = judged()
    link.send(frame)
    net.wait_for(lambda: judged() != before, what="a frame to be judged")
    return judged()[0] > before[0]


def be_over(here):
    "Wait until what a guard and a policy begin with is over."
    tap.fragment_wait(1)
    for dst in (PEER4, PEER6):
        for mac in (CAM_MAC, OTHER_MAC):
            src = evasion.POLICY["devices"][
                "cam" if mac == CAM_MAC else "other"]["addresses"][dst == PEER6]
            net.wait_for(lambda: passes(here, here.links["eth0"], head(
                dst, datagram(PORT), IDENT + 1, src=src, mac=mac)), 20,
                what="fragments to pass")
    tap.fragment_wait(60)


@path.path("RFC 791, net/ipv4/inet_fragment.c: the first of two is kept",
           "fragment")
def test_port_that_was_permitted(here):
    "a first fragment, and behind it another to a port that still is permitted"
    for dst in (PEER4, PEER6):
        begin(here, permits(policy.connects(dst, "udp", OTHER)),
              head(dst, datagram(OTHER)))
        yield [head(dst, datagram(PORT)), rest(dst)]


@path.path("RFC 791, net/ipv4/inet_fragment.c", "fragment")
def test_port_that_was_audited(here):
    "the same after an audit, which passes all first fragments"
    for dst in (PEER4, PEER6):
        begin(here, permits(mode="audit"), head(dst, datagram(OTHER)))
        yield [head(dst, datagram(PORT)), rest(dst)]


@path.path("RFC 791, net/ipv4/inet_fragment.c", "fragment")
def test_address_of_another(here):
    "of the address of another, which was audited, and completed by that one"
    for dst, src in ((PEER4, CAM4), (PEER6, CAM6)):
        begin(here, on_trial(),
              head(dst, datagram(OTHER), src=src, mac=TRIAL_MAC))
        yield [head(dst, datagram(PORT)), rest(dst)]


@path.path("RFC 791, RFC 8200: receivers know fragments by address", "fragment")
def test_port_that_another_was_permitted(here):
    "of the address of two devices, begun by the one and completed by the other"
    for dst in (PEER4, PEER6):
        begin(here, shared(policy.connects(dst, "udp", OTHER)),
              head(dst, datagram(OTHER)), after=shared())
        yield [head(dst, datagram(PORT), mac=OTHER_MAC),
               rest(dst, mac=OTHER_MAC)]


@contextlib.contextmanager
def other_link(here):
    "Another link of the camera's to the gateway, and its interface there."
    here.world.veth(here.cam, "eth1", here.gw, "trial", None, evasion.GW_MAC)
    for name in ("rp_filter", "forwarding"):
        here.gw.sysctl(f"ipv4/conf/trial/{name}", int(name != "rp_filter"))
    with io.Link(here.cam, "eth1") as link:
        yield link


@path.path("RFC 791, net/ipv4/inet_fragment.c", "fragment")
def test_guard_that_came_late(here):
    "a guard that is set while its interface is away, to come back"
    nft(here, TRACK, "connection tracking")
    if here.sock:
        be_over(here)
    with other_link(here) as link:
        before = here.gw.link_stats("trial")["rx"]
        link.send(head(PEER4, datagram(OTHER)))
        net.wait_for(lambda: here.gw.link_stats("trial")["rx"] > before,
                     what="the frame to come in")
    here.gw.ip("link del trial")
    if here.sock:
        policy.guard(here.sock, "trial", "trial")
        policy.wait_guard(here.sock, "trial", "waiting")
    with other_link(here):
        if here.sock:
            policy.wait_guard(here.sock, "trial", "armed")
        yield [head(PEER4, datagram(PORT)), rest(PEER4)]


@path.path("RFC 791, net/ipv4/inet_fragment.c", "fragment")
def test_guard_that_was_audited(here):
    "a guard that was audited is removed, also without its interface, or moved"
    nft(here, TRACK, "connection tracking")

    def end_without():
        here.gw.ip("link del trial")
        policy.wait_guard(here.sock, "trial", "waiting")
        policy.unguard(here.sock, "trial")

    ends = (
        end_without,
        lambda: policy.guard(here.sock, "trial", "later"),
        lambda: policy.unguard(here.sock, "trial"))
    for number, end in enumerate(ends):
        with other_link(here) as link:
            if here.sock:
                policy.guard(here.sock, "trial", "trial", mode="audit")
                policy.wait_guard(here.sock, "trial", "armed")
                be_over(here)
            first = ip(PEER4, datagram(OTHER), offset=0, mf=True,
                       ident=IDENT + 2 + number)
            if here.sock:
                tap.true(passes(here, link, first, "trial"), "it is audited")
                end()
            else:
                link.send(first)
            yield [ip(PEER4, datagram(PORT), offset=0, mf=True,
                      ident=IDENT + 2 + number),
                   ip(PEER4, PIECE, offset=4, proto=frames.UDP,
                      ident=IDENT + 2 + number)]
            if here.sock and "trial" in policy.guards(here.sock):
                policy.unguard(here.sock, "trial")
        if here.gw.run(["ip", "link", "show", "trial"],
                       check=False).returncode == 0:
            here.gw.ip("link del trial")


def peer(here):
    "The socket of a peer, at the port of before."
    here.far.addr("eth0", f"{PEER4}/32")
    for name in ("all", "eth0"):
        here.far.sysctl(f"ipv4/conf/{name}/rp_filter", 0)
    here.far.batch(["route add default dev eth0"])
    ends = here.far.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.world.defer(ends.close)
    ends.bind((PEER4, OTHER))
    ends.setblocking(False)
    return ends


def joined(ends):
    "Has it got what no rule permits?"
    with contextlib.suppress(BlockingIOError):
        return DENIED in ends.recv(4096)
    return False


@path.path("RFC 791: who forwards may cut up what has no DF", "fragment")
def test_whole_that_is_cut_up(here):
    "a whole packet that a narrower link cuts up, for the peer to join with it"
    here.gw.ip(f"link set wan mtu {NARROW}")
    ends = peer(here)
    data = bytes(CUT) + DENIED
    rule = policy.connects(PEER4, "udp", OTHER)
    for ident, (before, after, mac) in enumerate((
            (permits(rule), evasion.POLICY, CAM_MAC),
            (permits(rule), renamed(), CAM_MAC),
            (shared(rule), shared(), OTHER_MAC)), IDENT + 2):
        begin(here, before,
              ip(PEER4, frames.udp(40000, OTHER, bytes(CUT - 8), check=0,
                                   length=8 + len(data)), offset=0, mf=True,
                 ident=ident), track=False, after=after)
        yield [ip(PEER4, frames.udp(40000, PORT, data, check=0), ident=ident,
                  mac=mac)]
        tap.equal(joined(ends), not here.sock, "joined to the port of before")


@path.path("virtio_net_hdr: UFO", "fragment", at="tap")
def test_super_packet_that_is_cut_up(here):
    "one of UDP that becomes fragments, of no more bytes than any link carries"
    ends = peer(here)
    data = bytes(16) + DENIED + bytes(16)
    begin(here, permits(policy.connects(PEER4, "udp", OTHER)),
          ip(PEER4, frames.udp(40000, OTHER, bytes(16), check=0,
                               length=8 + len(data)), offset=0, mf=True,
             ident=IDENT), track=False)
    yield [virtual(ip(PEER4, frames.udp(40000, PORT, data, check=0),
                      ident=IDENT, pad=False),
                   io.gso_header(UFO, 24, 42, 34, 6))]
    tap.equal(joined(ends), not here.sock, "joined to the port of before")


@path.path("RFC 8200 section 4.5: the first one's next header counts",
           "fragment")
def test_protocol_that_was_permitted(here):
    "a later fragment that a rule without ports permits, of another protocol"
    begin(here, permits(policy.connects(BULK6, "tcp", 80)),
          head(BULK6, frames.tcp(40000, 80, "A", bytes(4) + DENIED)))
    yield [rest(BULK6)]


@path.path("net/ipv6/netfilter/nf_conntrack_reasm.c: find_prev_fhdr()",
           "ext_header")
def test_later_behind_ah(here):
    "a later fragment behind AH, which a rule permits"
    rule = policy.connects(PEER6, 51)
    begin(here, permits(policy.connects(PEER6, "udp", OTHER), rule),
          head(PEER6, datagram(OTHER)), after=permits(rule))
    yield [ip(PEER6, frames.authentication(frames.fragment(
        PIECE, 4, False, IDENT, frames.UDP)))]


if __name__ == "__main__":
    evasion.main(globals())
