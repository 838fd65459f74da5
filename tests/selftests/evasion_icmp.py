#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by ICMP to a peer to which a rule permits all of it.

An echo message carries what its sender puts into it, and errors quote what they
like: what a rule permits is bounded in size. Its rate, which takes a clock, is in
judge_icmp.py.
"""

from lib import frames
from lib.evasion import (CAM4, CAM6, ELSE4, ELSE6, OTHER4, OTHER6, PING4,
                         PING6, eth, evasion, ip, main, ok)

SECRET = bytes(range(256)) * 6


def echo(dst, size, reply=False, **how):
    "An echo message of so many bytes, header included."
    if ":" in dst:
        body = frames.icmp6(129 if reply else 128, data=SECRET[:size - 8])
    else:
        body = frames.icmp(0 if reply else 8, data=SECRET[:size - 8])
    return ip(dst, body, **how)


@evasion("ptunnel, RFC 792, RFC 4443", "icmp_size", "route, bridge")
def test_data_in_echo():
    "echo messages that carry more than a ping does"
    return [ok(echo(dst, 64, reply)) for dst in (PING4, PING6)
            for reply in (False, True)] + \
           [echo(dst, size, reply) for dst in (PING4, PING6)
            for reply in (False, True) for size in (129, 500, 1400)]


@evasion("RFC 791, RFC 8200: options", "icmp_size", "route, bridge")
def test_data_beside_echo():
    "a small echo message behind options or extension headers that carry more"
    # A stream id, and an option that is to be skipped if it is not known.
    return [ip(PING4, frames.icmp(8, data=SECRET[:81]),
               options=b"\x88\x28" + SECRET[:38]),
            ip(PING6, frames.dest_options(
                frames.icmp6(128, data=bytes(24)),
                b"\x1e\x80" + SECRET[:128]))]


@evasion("ptunnel, RFC 792, RFC 4443", "destination", "route, bridge")
def test_echo_to_nobody():
    "a small echo message to a peer that no rule names"
    return [echo(dst, 64, reply) for dst in (ELSE4, ELSE6)
            for reply in (False, True)]


@evasion("RFC 791, RFC 8200", "icmp_size", "route, bridge")
def test_echo_in_fragments():
    "an echo message in fragments, and fragments that say that they are of one"
    return [ip(PING4, frames.icmp(8, data=bytes(24)), mf=True, ident=77),
            ip(PING4, SECRET[:800], proto=frames.ICMP, offset=4, ident=77),
            ip(PING6, frames.fragment(frames.icmp6(128, data=bytes(24)),
                                      more=True, ident=77)),
            ip(PING6, frames.fragment(SECRET[:800], 4, ident=77,
                                      nexthdr=frames.ICMP6))]


@evasion("RFC 1812 section 4.3.2.3, RFC 4443 section 2.4", "icmp_size",
         "route, bridge")
def test_errors_that_quote_too_much():
    "errors with more payload than a router quotes"
    quote4 = frames.ipv4(PING4, CAM4, frames.udp(1, 2, SECRET[:1000]))
    quote6 = frames.ipv6(PING6, CAM6, frames.udp(1, 2, SECRET[:1300]))
    return [ok(ip(PING4, frames.icmp(3, 3, data=quote4[:548]))),
            ip(PING4, frames.icmp(3, 3, data=quote4[:549])),
            ip(PING4, frames.icmp(12, 0, data=quote4)),
            ok(ip(PING6, frames.icmp6(1, 4, data=quote6[:1232]))),
            ip(PING6, frames.icmp6(1, 4, data=quote6[:1233])),
            ip(PING6, frames.icmp6(4, 0, data=quote6))]


@evasion("RFC 5927: attacks by ICMP, RFC 1122 section 3.2.2, RFC 1256", "icmp_quote",
         "route, bridge")
def test_errors_about_others():
    "errors about connections of others or of nobody, what only routers say"
    def error4(kind, quote, code=1):
        return ip(PING4, frames.icmp(kind, code, frames.ip(CAM4), quote))

    def error6(kind, quote, code=0):
        return ip(PING6, frames.icmp6(kind, code, bytes(4), quote))
    inner = frames.tcp(40000, 554, "A", b"")
    to4 = frames.ipv4(PING4, CAM4, inner)
    to6 = frames.ipv6(PING6, CAM6, inner)
    lies4 = [frames.ipv4(PING4, OTHER4, inner),
             frames.ipv4(PING4, ELSE4, inner),
             frames.ipv4(ELSE4, CAM4, inner),
             frames.ipv4(CAM4, PING4, inner), to4[:19], b"",
             b"\x65" + to4[1:]]
    lies6 = [frames.ipv6(PING6, OTHER6, inner),
             frames.ipv6(PING6, ELSE6, inner),
             frames.ipv6(ELSE6, CAM6, inner),
             frames.ipv6(CAM6, PING6, inner), to6[:39], b"",
             b"\x40" + to6[1:],
             # RFC 8754: its first segment is where that packet went.
             frames.ipv6(PING6, CAM6, frames.routing(
                 inner, 4, 0, bytes(4) + frames.ip(ELSE6)))]
    return [ok(error4(3, to4)), ok(error4(3, to4[:28])), ok(error6(1, to6))] + \
           [error4(3, lie) for lie in lies4] + \
           [error4(kind, lies4[0]) for kind in (4, 5, 11, 12, 31, 40)] + \
           [error4(5, to4), ip(PING4, frames.icmp(9, 0, b"\1\2\1\0",
                                                  frames.ip(CAM4) + bytes(4)))] + \
           [error6(1, lie) for lie in lies6] + \
           [error6(kind, lies6[0]) for kind in (2, 3, 4, 100, 127)]


@evasion("RFC 792, RFC 1256, RFC 950", "icmp_size", "route, bridge")
def test_large_of_other_types():
    "types that nobody needs, as large as the link lets them be"
    return [ip(PING4, frames.icmp(kind, data=SECRET[:1400]))
            for kind in (9, 13, 14, 15, 17, 30, 40, 200)] + \
           [ip(PING6, frames.icmp6(kind, data=SECRET[:1400]))
            for kind in (100, 127, 139, 150, 200, 255)]


@evasion("RFC 894, RFC 1042: padding", "icmp_size", "route, bridge")
def test_data_behind_echo():
    "what a bridge carries on behind an echo message, as if it were padding"
    return [eth(frames.pack_ip(src, dst, body) + SECRET[:size])
            for src, dst, body in (
                (CAM4, PING4, frames.icmp(8, data=bytes(56))),
                (CAM6, PING6, frames.icmp6(128, data=bytes(56))))
            for size in (5, 100, 1300)]


if __name__ == "__main__":
    main(globals())
