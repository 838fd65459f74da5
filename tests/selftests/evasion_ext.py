#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by IPv6 extension headers.

Where a chain can be read to its end, what is inside decides; where it can not
or need not be there, the frame is dropped, to whomever it goes.
"""

from lib import frames
from lib.evasion import (ELSE6, PEER6, evasion, ip, main)

HOP, DST, FRAG = frames.hop_by_hop, frames.dest_options, frames.fragment
UDP = frames.udp(40000, 5000, b"evasion!")


def nested(wrap, count, body=UDP):
    "A header many times over."
    for _ in range(count):
        body = wrap(body)
    return body


@evasion("RFC 8200 section 4.3", "destination", "route, bridge")
def test_hop_by_hop():
    "hop-by-hop options before the datagram"
    return [ip(ELSE6, HOP(UDP)), ip(ELSE6, HOP(UDP, b"\x1e\x04" + bytes(4))),
            ip(ELSE6, HOP(DST(UDP)))]


@evasion("RFC 2711, RFC 6398, ip6_call_ra_chain()", "ext_header",
         "route, bridge")
def test_router_alert():
    "router alert of any value: a listener on the gateway gets the packet"
    return [ip(PEER6, HOP(body, b"\x05\x02" + value))
            for body in (UDP, DST(UDP), frames.icmp6(data=b"evasion!"))
            for value in (b"\0\0", b"\0\1", b"\xff\xff")]


@evasion("RFC 8200 section 4.3", "service", "route, bridge")
def test_wrong_port_behind_headers():
    "a port that is not permitted behind headers"
    other = frames.udp(40000, 5001)
    return [ip(PEER6, body) for body in (
        HOP(other), DST(other), HOP(DST(other)), FRAG(other),
        HOP(DST(FRAG(DST(other)))), nested(DST, 8, other))]


@evasion("RFC 8200 section 4.1", "ext_header", "route, bridge")
def test_hop_by_hop_out_of_place():
    "hop-by-hop options that do not come first, or twice"
    return [ip(PEER6, body) for body in (
        DST(HOP(UDP)), HOP(HOP(UDP)), FRAG(HOP(UDP)))]


@evasion("RFC 8200 section 4.6", "destination", "route, bridge")
def test_destination_options():
    "destination options before the datagram, once and several times"
    return [ip(ELSE6, nested(DST, count)) for count in (1, 2, 8)]


@evasion("RFC 7112, RFC 8504 section 5.3", "ext_header", "route, bridge")
def test_long_chain():
    "more headers than anybody needs"
    return [ip(PEER6, nested(DST, count)) for count in (9, 20, 100)]


@evasion("RFC 8504 section 5.3", "ext_header", "route, bridge")
def test_wide_chain():
    "ports behind headers larger than a filter's window"
    return [ip(PEER6, DST(UDP, bytes(size))) for size in (280, 600, 1200)]


@evasion("RFC 5095, CVE-2007-2242", "ext_header", "route, bridge")
def test_routing_types():
    "routing headers of all types, with and without segments left"
    return [ip(PEER6, frames.routing(UDP, kind, left,
                                     bytes(4) + frames.ip(ELSE6)))
            for kind in (0, 1, 2, 3, 4, 5, 6, 253, 255) for left in (0, 1)]


@evasion("RFC 5095", "ext_header", "route, bridge")
def test_routing_behind_others():
    "routing headers behind other headers"
    route = frames.routing(UDP, 0, 1, bytes(4) + frames.ip(ELSE6))
    return [ip(PEER6, body) for body in (
        HOP(route), DST(route), FRAG(route), HOP(DST(FRAG(route))))]


@evasion("RFC 4302", "service", "route, bridge")
def test_authentication_header():
    "a permitted datagram behind AH: what is behind it does not count"
    return [ip(PEER6, frames.authentication(UDP)),
            ip(PEER6, HOP(frames.authentication(UDP)))]


@evasion("RFC 4303", "service", "route, bridge")
def test_esp():
    "ESP, whose inside nobody sees"
    return [ip(PEER6, frames.proto(frames.ESP, bytes(8) + bytes(40))),
            ip(PEER6, DST(frames.proto(frames.ESP, bytes(48))))]


@evasion("RFC 6275, RFC 7401, RFC 5533, RFC 4727", "ext_header",
         "route, bridge")
def test_mobility_hip_shim6():
    "mobility, HIP, shim6 and experimental headers before the datagram"
    return [ip(PEER6, frames.extension(number, UDP))
            for number in (135, 139, 140, 253, 254)]


@evasion("IANA: IPv6 extension header types", "service", "route, bridge")
def test_unknown_headers():
    "headers that nobody knows, with a permitted datagram behind them"
    return [ip(PEER6, frames.extension(number, UDP))
            for number in (61, 99, 114, 141, 143, 200, 255)]


@evasion("RFC 2473, RFC 4213, RFC 2784", "service", "route, bridge")
def test_tunnels():
    "a packet within a packet: IPv6, IPv4, EtherIP, in UDP it would be UDP"
    inner = frames.ipv6("2001:db8:30::17", ELSE6, UDP)
    inner4 = frames.ipv4("10.30.0.17", "203.0.113.66", UDP)
    return [ip(PEER6, frames.proto(41, inner)),
            ip(PEER6, frames.proto(4, inner4)),
            ip("10.20.0.10", frames.proto(41, inner)),
            ip("10.20.0.10", frames.proto(4, inner4)),
            ip(PEER6, frames.proto(97, b"\x30\0" + inner))]


@evasion("RFC 8200 section 4.7", "service", "route, bridge")
def test_no_next_header():
    "no next header, with data behind it"
    return [ip(PEER6, frames.proto(59, b"evasion!" * 4)),
            ip(PEER6, HOP(frames.proto(59, b"evasion!"))),
            ip(PEER6, DST(frames.proto(59)))]


@evasion("RFC 8200 section 4.2", "bad_header", "some route, bridge")
def test_header_beyond_packet():
    "a header whose length is beyond the packet"
    return [ip(PEER6, wrap(UDP, length=length))
            for wrap in (HOP, DST) for length in (8, 20, 30)]


@evasion("RFC 8200 section 4.2, RFC 8504", "truncated, bad_header",
         "route, bridge")
def test_chain_cut_off():
    "a chain that ends before its last header, or inside one"
    return [ip(PEER6, DST(b"", nexthdr=17)),
            ip(PEER6, DST(b"", nexthdr=60)),
            ip(PEER6, b"\x11\0\0\0", nexthdr=60),
            ip(PEER6, DST(UDP, length=255)),
            ip(PEER6, b"", nexthdr=44), ip(PEER6, b"\x11\0\0\0", nexthdr=44)]


@evasion("RFC 2675, RFC 8200", "truncated", "some route, bridge")
def test_jumbogram():
    "payload length 0: a jumbogram with and without its option"
    option = b"\xc2\x04\0\x01\0\0"
    return [ip(PEER6, HOP(UDP, option), length=0), ip(PEER6, UDP, length=0),
            ip(PEER6, DST(UDP, option), length=0)]


@evasion("RFC 2675", "destination", "bridge")
def test_jumbo_option():
    "a jumbo option in a packet that is none"
    return [ip(ELSE6, HOP(UDP, b"\xc2\x04\0\x01\0\0"))]


@evasion("RFC 6275 section 6.3", "ext_header", "some route, bridge")
def test_home_address():
    "an option that names another sender"
    home = b"\xc9\x10" + frames.ip("2001:db8:30::99")
    return [ip(PEER6, header(UDP, pad + home)) for header in (DST, HOP)
            for pad in (b"", b"\1\2\0\0", b"\1\4\0\0\0\0")]


@evasion("RFC 8200 section 4.2", "bad_header", "some route, bridge")
def test_options_cut_off():
    "an option that is longer than its header"
    return [ip(PEER6, header(UDP, b"\x1e\xff" + bytes(4)))
            for header in (DST, HOP)]


@evasion("RFC 8200 section 4.5", "ext_header", "route, bridge")
def test_two_fragment_headers():
    "a fragment within a fragment"
    return [ip(PEER6, FRAG(FRAG(UDP))), ip(PEER6, FRAG(DST(FRAG(UDP)))),
            ip(PEER6, FRAG(FRAG(UDP, more=True), more=True)),
            ip(PEER6, FRAG(FRAG(UDP, offset=1)))]


if __name__ == "__main__":
    main(globals())
