#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by fragments.

A first fragment shows its ports and passes as the rules say; a later one shows
none, and passes only by rules without ports or behind a first one that passed.
None may reach into a header that was judged: what a receiver puts together must
be what was permitted.
"""

import itertools

from lib import frames
from lib.evasion import (BULK4, BULK6, CAM4, CAM6, ELSE4, ELSE6, OTHER4,
                         OTHER6, OTHER_MAC, PEER4, PEER6, eth, evasion, ip,
                         main, ok)

FRAG, DST = frames.fragment, frames.dest_options
TCP, UDP, GRE = frames.TCP, frames.UDP, 47
# Nobody's first fragment is another test's.
_idents = itertools.count(1000)
# What would be written over ports (offset 0) or flags (offset 1).
SYN = frames.tcp(554, 40000, "S", data=bytes(12))
ACK = frames.tcp(554, 40000, "A", data=bytes(12))


def built(body, dst=PEER4):
    "The bytes of a datagram or segment."
    src = CAM4 if ":" not in dst else CAM6
    return body.build(frames.ip(src), frames.ip(dst))


def four(body, offset=0, more=False, dst=PEER4, number=None, **fields):
    "An IPv4 fragment."
    return ip(dst, body, offset=offset, mf=more, proto=number, **fields)


def fresh():
    "An identification of a packet of which there is nothing yet."
    return next(_idents)


def six(body, offset=0, more=False, dst=PEER6, number=None, wrap=None,
        ident=0x4c63, **fields):
    "An IPv6 fragment."
    part = FRAG(body, offset, more, ident, nexthdr=number)
    return ip(dst, wrap(part) if wrap else part, **fields)


def first(port=5000, size=2000):
    "The beginning of a large datagram."
    return frames.udp(40000, port, bytes(24), length=size)


@evasion("RFC 1858 section 3", "tiny_fragment", "route, bridge")
def test_tiny_first_tcp():
    "a first fragment that ends before TCP's flags, and the rest of it"
    out = []
    for size in (8, 16):
        out += [four(built(SYN)[:size], 0, True, number=TCP),
                four(built(SYN)[size:], size // 8, number=TCP),
                six(built(SYN, PEER6)[:size], 0, True, number=TCP),
                six(built(SYN, PEER6)[size:], size // 8, number=TCP)]
    return out


@evasion("RFC 1858, RFC 7112", "tiny_fragment", "route, bridge")
def test_ports_only_in_the_second():
    "a first fragment without the ports"
    data = built(first())
    return [four(data[:size], 0, True, number=UDP) for size in (0, 1, 4, 7)]


@evasion("RFC 7112, RFC 8200 section 4.5", "ext_header, fragment",
         "route, bridge")
def test_chain_over_fragments():
    "a header chain that goes on in the second fragment"
    return [six(DST(b"", nexthdr=UDP), 0, True),
            six(built(first(), PEER6), 1 + 7, number=UDP),
            six(DST(DST(b"", nexthdr=TCP)), 0, True)]


@evasion("RFC 3128", "tiny_fragment", "route, bridge")
def test_overlap_of_tcp_header():
    "a permitted ACK, then a fragment that makes a SYN of it"
    return [ok(four(ACK, 0, True)),
            four(built(SYN)[8:], 1, number=TCP),
            four(built(SYN)[8:], 1, True, number=TCP),
            ok(six(ACK, 0, True)),
            six(built(SYN, PEER6)[8:], 1, number=TCP),
            six(built(SYN, PEER6)[16:], 2, number=TCP)]


@evasion("RFC 8200 section 4.5, RFC 3128, net/ipv6/reassembly.c",
         "tiny_fragment", "route, bridge")
def test_overlap_with_another_protocol():
    "the same, by a fragment that says that it is of a permitted protocol"
    return [ok(six(ACK, 0, True))] + \
           [six(built(SYN, PEER6)[8 * offset:], offset, number=GRE)
            for offset in (1, 2)] + \
           [six(bytes(16), offset, True, number=GRE) for offset in (1, 2)]


@evasion("RFC 8200 section 4.5, RFC 7112, net/ipv6/reassembly.c",
         "ext_header", "route, bridge")
def test_overlap_behind_extension_headers():
    "permitted ports moved by extension headers to where others lie over them"
    return [six(DST(ACK, bytes(22)), 0, True),
            ok(six(built(SYN, PEER6)[:16], 3, True, number=GRE)),
            six(DST(first()), 0, True),
            six(DST(DST(first())), 0, True, wrap=frames.hop_by_hop)]


@evasion("RFC 5722, RFC 791", "tiny_fragment", "route, bridge")
def test_overlap_of_udp():
    "a permitted first fragment, and others that overlap it: its data, no more"
    return [ok(four(first(), 0, True)), four(bytes(24), 1, number=UDP),
            four(bytes(24), 2, True, number=UDP),
            ok(four(bytes(24), 3, number=UDP)),
            ok(six(first(), 0, True)), six(bytes(24), 1, number=UDP),
            six(bytes(24), 2, True, number=UDP),
            ok(six(bytes(24), 3, number=UDP))]


@evasion("RFC 5722", "tiny_fragment", "route, bridge")
def test_overlap_without_ports():
    "the same where a rule without ports would permit later fragments"
    return [ok(six(first(9), 0, True, dst=BULK6)),
            six(bytes(24), 1, dst=BULK6, number=UDP),
            six(bytes(24), 2, True, dst=BULK6, number=UDP),
            ok(six(bytes(24), 3, dst=BULK6, number=UDP))]


@evasion("RFC 791, RFC 5722", "service", "route, bridge")
def test_two_first_fragments():
    "two first fragments, the second with other ports"
    return [ok(four(first(), 0, True)), four(first(5001), 0, True),
            ok(six(first(), 0, True)), six(first(5001), 0, True)]


@evasion("RFC 6946", "destination", "route, bridge")
def test_atomic():
    "a whole packet with a fragment header"
    return [six(frames.udp(1, 5000, b"evasion!"), dst=ELSE6),
            six(DST(frames.udp(1, 5000)), dst=ELSE6),
            ok(six(frames.udp(1, 5000, b"evasion!"))),
            ok(six(DST(frames.udp(1, 5000, b"evasion!"))))]


@evasion("RFC 6946", "service", "route, bridge")
def test_atomic_ports():
    "an atomic fragment with a port that is not permitted, amid others"
    return [ok(six(first(), 0, True)), six(frames.udp(1, 5001)),
            six(frames.udp(1, 5001), wrap=frames.hop_by_hop)]


@evasion("RFC 791, RFC 8200", "fragment, destination", "route, bridge")
def test_later_without_first():
    "later fragments of nothing"
    ident = fresh()
    return [make(b"evasion!" * 3, offset, more, dst, UDP, ident=ident)
            for make, dsts in ((four, (PEER4, ELSE4)), (six, (PEER6, ELSE6)))
            for dst in dsts for offset in (3, 64, 8000)
            for more in (False, True)]


@evasion("RFC 791: order", "fragment", "route, bridge")
def test_reordered():
    "the later fragment before its first"
    out = []
    for make in (four, six):
        how = {"ident": fresh()}
        later = make(bytes(24), 4, number=UDP, **how)
        out += [later, ok(make(first(), 0, True, **how)), ok(later)]
    return out


@evasion("RFC 791, RFC 8200: large datagrams", "service, fragment",
         "route, bridge")
def test_large_datagram():
    "datagrams in fragments: whole to a permitted port, nothing to another"
    out = []
    for src, peer, bulk, cut in (
            (CAM4, PEER4, BULK4, frames.fragments4),
            (CAM6, PEER6, BULK6, frames.fragments6)):
        for dst, port in ((peer, 5000), (bulk, 5000), (peer, 5001)):
            whole = frames.udp(40000, port, bytes(range(250)) * 20)
            parts = [eth(part) for part in cut(src, dst, whole, 1400,
                                               ident=fresh())]
            out += parts if port == 5001 else [ok(part) for part in parts]
    return out


@evasion("RFC 791, RFC 8200 section 4.5", "fragment, wrong_source",
         "route, bridge")
def test_later_of_another_first():
    "later fragments of other packets than the one whose first was permitted"
    out = []
    for make, peer, else_, src in ((four, PEER4, BULK4, OTHER4),
                                   (six, PEER6, BULK6, OTHER6)):
        ident = fresh()
        data = b"evasion!" * 3
        out += [ok(make(first(), 0, True, ident=ident)),
                make(data, 4, True, number=UDP, ident=ident + 1000),
                make(data, 4, True, number=UDP, ident=ident, mac=OTHER_MAC,
                     src=src),
                make(data, 4, True, number=UDP, ident=ident, src=src),
                ok(make(data, 4, True, number=UDP, ident=ident))]
        # The ident of one peer's is not another's.
        out += [ok(make(first(9), 0, True, dst=else_, ident=ident + 2000)),
                make(data, 4, True, number=UDP, dst=peer, ident=ident + 2000)]
    return out


@evasion("RFC 791, RFC 8200 section 4.5", "service, fragment",
         "route, bridge")
def test_later_of_a_refused_first():
    "later fragments of a first one that was refused, before and after it"
    out = []
    for make in (four, six):
        ident = fresh()
        later = make(b"evasion!" * 3, 4, number=UDP, ident=ident)
        out += [later, make(first(5001), 0, True, ident=ident), later]
    return out


@evasion("RFC 8200 section 4.5, net/ipv6/reassembly.c", "fragment",
         "route, bridge")
def test_later_of_another_protocol():
    "what a later IPv6 fragment says of its protocol does not count; IPv4's does"
    ident = fresh()
    return [ok(four(first(), 0, True, ident=ident)),
            four(bytes(24), 4, number=TCP, ident=ident, dst=PEER4),
            ok(six(first(), 0, True, ident=ident)),
            ok(six(bytes(24), 4, True, number=TCP, ident=ident)),
            ok(six(bytes(24), 7, True, number=58, ident=ident)),
            ok(six(bytes(24), 10, number=50, ident=ident))]


@evasion("RFC 791, net/ipv4/ip_fragment.c", "service", "route, bridge")
def test_protocols_of_one_ident():
    "IPv4 fragments of two protocols: they are not put together"
    return [ok(four(first(), 0, True)), ok(four(bytes(24), 3, number=GRE)),
            four(bytes(24), 3, number=6, dst=BULK4),
            four(bytes(24), 3, number=50)]


@evasion("ping of death: CVE-1999-0128, RFC 791", "bad_header",
         "route, bridge")
def test_beyond_64k():
    "fragments that end beyond 65,535 bytes"
    return [four(bytes(size), offset, number=UDP, dst=BULK4)
            for offset, size in ((8191, 8), (8100, 1400))] + \
           [six(bytes(size), offset, number=UDP, dst=BULK6)
            for offset, size in ((8191, 8), (8100, 1400))]


@evasion("RFC 8200 section 4.5", "bad_header", "route, bridge")
def test_odd_sizes():
    "IPv6 fragments that are not the last and no multiple of 8 bytes"
    return [six(bytes(size), offset, True, number=UDP, dst=BULK6)
            for size in (0, 1, 23, 25) for offset in (0, 64)]


@evasion("RFC 7112, RFC 8200 section 4.5", "ext_header", "route, bridge")
def test_later_of_extension_headers():
    "later fragments whose first next header is an extension header"
    return [six(bytes(24), 64, number=number, dst=BULK6)
            for number in (0, 43, 44, 60, 135, 139, 140, 253, 254)]


@evasion("RFC 791", "service, destination", "route, bridge")
def test_first_to_nobody():
    "first fragments with wrong ports or destinations"
    return [four(first(5001), 0, True), four(first(), 0, True, dst=ELSE4),
            four(first(5001), 0, True, df=True),
            six(first(5001), 0, True), six(first(), 0, True, dst=ELSE6)]


@evasion("RFC 792, RFC 4443", "service, destination", "route, bridge")
def test_icmp():
    "fragments of ICMP, first and later"
    return [four(frames.icmp(data=bytes(24)), 0, True),
            four(bytes(24), 4, number=1),
            six(bytes(24), 4, number=58, ident=fresh()),
            four(bytes(24), 4, number=1, dst=ELSE4),
            six(frames.icmp6(data=bytes(24)), 0, True)]


@evasion("RFC 3376", "upkeep_invalid", "route, bridge")
def test_igmp():
    "fragments of IGMP"
    return [four(frames.igmp(0x16, "239.1.1.1"), 0, True),
            four(bytes(24), 3, number=2)]


if __name__ == "__main__":
    main(globals())
