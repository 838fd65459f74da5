#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""IPv6 headers and their extensions: what can not be judged is dropped.

Each frame goes to a destination to which everything is permitted, from a
camera in enforce mode and from one that is only audited.
"""

import itertools

from lib import frames, tap
from lib.policy import connects
from lib.scene import Scene, proves

ALL, PORTS = "2001:db8:20::10", "2001:db8:20::11"
UDP, TCP80, ELSE = "2001:db8:20::12", "2001:db8:20::13", "2001:db8:99::7"
CAMERAS = {"enforce": ("02:00:5e:10:00:17", "2001:db8:30::17"),
           "audit": ("02:00:5e:10:00:18", "2001:db8:30::18")}
RULES = [connects(ALL), connects(PORTS, "udp", 5000),
         connects(PORTS, "tcp", 5000), connects(UDP, "udp"),
         connects(TCP80, "tcp", 80)]
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


def chain(*wrappers, inner=None):
    "Extension headers around a datagram, outermost first."
    body = inner or frames.udp(1, 5000, b"lenscap")
    for wrapper in reversed(wrappers):
        body = wrapper(body)
    return body


HOP, DST, FRAG = frames.hop_by_hop, frames.dest_options, frames.fragment


@proves("truncated", "audit truncated")
def test_shorter_than_a_header():
    "a frame that ends within its IPv6 header"
    for size in (0, 1, 2, 7, 23, 24, 39):
        def make(one, n=size):
            return one.udp(ALL, 5000)[:n]
        refused("truncated", make, kind=0x86dd, pad=False, untagged=True)
        if size > 1:    # else the stack drops it where it takes the tag off
            refused("truncated", make, kind=0x86dd, pad=False)


@proves("bad_header", "audit bad_header")
def test_version():
    "a version that is not 6"
    for version in (0, 4, 5, 7, 15):
        refused("bad_header", lambda one, v=version: one.ip(
            ALL, frames.udp(1, 5000), version=v), kind=0x86dd)


@proves("bad_header", "truncated", "none", "audit bad_header")
def test_payload_length():
    "a payload length beyond the frame; less than the frame is padding"
    for length in (16, 100, 1500, 65535):
        refused("bad_header", lambda one, n=length: one.ip(
            ALL, frames.udp(1, 5000, b"lenscap"), length=n), pad=False)
    for length in (0, 1, 7):
        refused("truncated", lambda one, n=length: one.ip(
            ALL, frames.udp(1, 5000, b"lenscap"), length=n))
    one = cam()
    one.passes(one.udp(ALL, 5000))
    one.passes(one.udp(ALL, 5000) + bytes(900))
    one.passes(one.ip(ALL, frames.udp(1, 5000, b"lenscap", length=8),
                      length=8))
    one.passes(one.ip(ALL, frames.proto(47)))


@proves("bad_header", "truncated", "none", "audit bad_header")
def test_transport():
    "UDP and TCP lengths that lie, headers that are not all there"
    for size in (0, 7, 16, 65535):
        refused("bad_header", lambda one, n=size: one.ip(
            ALL, frames.udp(1, 5000, b"lenscap", length=n)))
    for off in (0, 4, 6, 15):
        refused("bad_header", lambda one, n=off: one.ip(
            ALL, frames.tcp(1, 5000, off=n)))
    for body, sizes in ((frames.udp(1, 5000), (0, 7)),
                        (frames.tcp(1, 5000), (0, 13, 19)),
                        (frames.icmp6(128), (0, 1, 7))):
        for size in sizes:
            def make(one, n=size, b=body):
                whole = b.build(frames.ip(one.v6), frames.ip(ALL))
                return one.ip(ALL, whole[:n], nexthdr=b.proto)
            refused("truncated", make, pad=False)
    one = cam()
    one.passes(one.ip(ALL, frames.udp(1, 5000, b"lenscap", length=9)))
    one.passes(one.ip(ALL, frames.tcp(1, 5000, options=bytes(40))))


@proves("none", "service", "destination")
def test_extensions_accepted():
    "hop-by-hop, destination options, fragment: judged by what is inside"
    one = cam()
    for wrappers in ([HOP], [DST], [HOP, DST], [DST, DST],
                     [HOP, DST, DST, DST], [HOP, FRAG], [FRAG, DST],
                     [HOP, DST, FRAG, DST], [HOP] + [DST] * 6 + [FRAG]):
        one.passes(one.ip(PORTS, chain(*wrappers)))
        one.drops(one.ip(ELSE, chain(*wrappers)), "destination")
        one.drops(one.ip(PORTS, chain(*wrappers, inner=frames.udp(1, 5001))),
                  "service")
        one.passes(one.ip(PORTS, chain(*wrappers,
                                       inner=frames.tcp(1, 5000))))
        one.passes(one.ip(ALL, chain(*wrappers, inner=frames.icmp6(128))))
        one.drops(one.ip(PORTS, chain(*wrappers, inner=frames.icmp6(128))),
                  "service")


@proves("ext_header", "audit ext_header")
def test_extensions_refused():
    "routing, mobility, HIP, shim6, a second fragment or late hop-by-hop"
    bodies = [frames.routing(frames.udp(1, 5000), kind=kind)
              for kind in (0, 2, 3, 4)]
    bodies += [frames.extension(n, frames.udp(1, 5000))
               for n in (frames.MOBILITY, frames.HIP, frames.SHIM6)]
    bodies += [HOP(body) for body in bodies] + [DST(body) for body in bodies]
    bodies += [FRAG(body) for body in bodies[:7]]
    bodies += [chain(HOP, HOP), chain(DST, HOP), chain(FRAG, HOP),
               chain(FRAG, FRAG), chain(FRAG, DST, FRAG)]
    # Behind a first fragment's header, the ports could be overwritten.
    bodies += [FRAG(DST(frames.udp(1, 5000, bytes(8))), more=True),
               FRAG(DST(b"", nexthdr=17), more=True)]
    for body in bodies:
        refused("ext_header", lambda one, b=body: one.ip(ALL, b))


@proves("ext_header", "none", "audit ext_header")
def test_too_many_extensions():
    "eight headers are enough, and 320 bytes"
    one = cam()
    one.passes(one.ip(PORTS, chain(*[DST] * 8)))
    for count in (9, 10, 40):
        refused("ext_header", lambda one, n=count: one.ip(
            PORTS, chain(*[DST] * n)))

    def wide(size):
        return lambda body: DST(body, bytes(size - 2))
    # 40 + 272 + 8 bytes: the UDP header ends where the window does.
    for size in (8, 256, 264, 272):
        one.passes(one.ip(PORTS, chain(wide(size))))
    for size in (280, 288, 512, 1024):
        refused("ext_header", lambda one, n=size: one.ip(
            PORTS, chain(wide(n))))


@proves("bad_header", "truncated", "audit bad_header", "audit truncated")
def test_extension_lengths():
    "an extension header that ends beyond the packet"
    for wrapper in (HOP, DST):
        for length in (2, 20, 255):
            refused("bad_header", lambda one, w=wrapper, n=length: one.ip(
                ALL, w(frames.udp(1, 5000), length=n)))
    for number in (frames.HOPOPTS, frames.DSTOPTS, frames.FRAGMENT):
        for size in (0, 1, 7):
            refused("truncated", lambda one, p=number, n=size: one.ip(
                ALL, frames.proto(p, bytes(n))))
    # The header is there, what it announces is not.
    refused("truncated", lambda one: one.ip(
        ALL, DST(frames.proto(17, b"\0\1\0"))))


@proves("none", "service")
def test_ordinary_numbers():
    "AH, ESP and no-next-header are protocols like any other"
    one = cam()
    for body in (frames.authentication(frames.udp(1, 5000)),
                 frames.proto(frames.ESP, bytes(24)),
                 frames.proto(frames.NONEXT),
                 frames.proto(41, bytes(40)), frames.proto(4, bytes(20))):
        one.passes(one.ip(ALL, body))
        one.drops(one.ip(PORTS, body), "service")
        one.drops(one.ip(UDP, body), "service")
        one.passes(one.ip(ALL, HOP(body)))


def later(body=b"lenscap!" * 2, offset=64, more=False, nexthdr=17):
    "A later fragment."
    return FRAG(body, offset, more, nexthdr=nexthdr)


@proves("none", "fragment", "service", "destination", "audit fragment")
def test_later_fragments():
    "they match rules without ports only"
    one = cam()
    for offset, more in ((3, True), (4, False), (64, True), (8000, False)):
        for wrap in (lambda b: b, HOP, DST):
            def part(nexthdr=17, o=offset, m=more, w=wrap):
                return w(later(offset=o, more=m, nexthdr=nexthdr))
            one.passes(one.ip(ALL, part()))
            one.passes(one.ip(ALL, part(47)))
            one.passes(one.ip(UDP, part()))
            one.drops(one.ip(UDP, part(47)), "service")
            one.drops(one.ip(ELSE, part()), "destination")
            refused("fragment", lambda one, p=part(): one.ip(PORTS, p))
    refused("fragment", lambda one: one.ip(
        PORTS, FRAG(frames.udp(1, 5000), 64)))
    one.drops(one.ip(TCP80, later(nexthdr=6)), "fragment")
    one.passes(one.ip(ALL, later(nexthdr=6, offset=3)))


@proves("ext_header", "audit ext_header")
def test_later_fragment_of_extensions():
    "what a later fragment continues must not be a hidden chain"
    for number in (frames.ROUTING, frames.HOPOPTS, frames.DSTOPTS,
                   frames.FRAGMENT, frames.MOBILITY):
        refused("ext_header", lambda one, n=number: one.ip(
            ALL, later(nexthdr=n)))


@proves("none", "service")
def test_first_fragments():
    "first and atomic fragments are judged by their ports"
    one = cam()
    for more in (False, True):
        size = {} if not more else {"length": 2000}
        one.passes(one.ip(PORTS, FRAG(frames.udp(1, 5000, bytes(24), **size),
                                      more=more)))
        one.drops(one.ip(PORTS, FRAG(frames.udp(1, 5001, bytes(24), **size),
                                     more=more)), "service")
        one.passes(one.ip(PORTS, FRAG(frames.tcp(1, 5000, data=bytes(12)),
                                      more=more)))
    one.passes(one.ip(ALL, FRAG(frames.icmp6(128, data=bytes(24)))))
    one.drops(one.ip(ALL, FRAG(frames.icmp6(128, data=bytes(24)), more=True)),
              "icmp_size")


@proves("none", "fragment", "service")
def test_whole_datagram_in_fragments():
    "a large datagram: through whole, or from its first fragment on not at all"
    one = cam()
    for dst, port, fate in ((ALL, 9, "passes"), (UDP, 9, "passes"),
                            (PORTS, 5000, "passes"), (PORTS, 9, "service")):
        parts = frames.fragments6(one.v6, dst, frames.udp(
            1, port, bytes(3000)), 1400, ident=next(IDENT))
        tap.equal(len(parts), 3, "fragments")
        for number, part in enumerate(parts):
            if fate == "passes":
                one.passes(part)
            else:
                one.drops(part, "service" if number == 0 else "fragment")


@proves("tiny_fragment", "audit tiny_fragment")
def test_tiny_fragments():
    "fragments that hide or overwrite what was judged"
    for body, sizes in ((frames.tcp(1, 5000), (8, 16)),):
        for size in sizes:
            def make(one, n=size, b=body, wrap=lambda x: x):
                whole = b.build(frames.ip(one.v6), frames.ip(ALL))
                return one.ip(ALL, wrap(FRAG(whole[:n], more=True,
                                             nexthdr=b.proto)))
            refused("tiny_fragment", make)
            refused("tiny_fragment", lambda one, m=make: m(one, wrap=HOP))
    # What a later one says of its protocol may be a lie.
    for more in (True, False):
        for offset in (1, 2):
            for number in (6, 17, 47, 59):
                refused("tiny_fragment",
                        lambda one, m=more, o=offset, n=number: one.ip(
                            ALL, later(b"overwrit" * 3, o, m, n)))


@proves("bad_header", "none", "audit bad_header")
def test_fragment_sizes():
    "all but the last in units of 8 bytes, none beyond 65,535"
    for size in (1, 7, 17, 23, 1001):
        for offset in (0, 64):
            refused("bad_header", lambda one, n=size, o=offset: one.ip(
                ALL, later(bytes(n), o, True)))
    for offset, size in ((8191, 8), (8191, 1400), (8100, 1400)):
        refused("bad_header", lambda one, o=offset, n=size: one.ip(
            ALL, later(bytes(n), o)))
    one = cam()
    one.passes(one.ip(ALL, later(bytes(7), 8191)))
    one.passes(one.ip(ALL, later(bytes(17), 64)))


@proves("unknown_device", "wrong_source", "ext_header")
def test_order_of_reasons():
    "the sender is asked for first, then the headers, then the source"
    bad = frames.routing(frames.udp(1, 5000))
    who = S.sender("cams", None, mac="02:00:5e:99:00:01", vlan=30,
                   addresses=["2001:db8:30::17"])
    who.drops(who.ip(ALL, bad), "unknown_device")
    one = cam()
    one.drops(one.ip(ALL, bad, src="2001:db8:30::99"), "ext_header")
    one.drops(one.ip(PORTS, later(), src="2001:db8:30::99"), "wrong_source")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
