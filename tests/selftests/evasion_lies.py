#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by lengths, ends and checksums that lie.

Frames to a permitted peer whose headers contradict each other, so that a
filter and the stack behind it could read different things; and frames to
nobody that a filter could be made to skip.
"""

from lib import frames
from lib.evasion import (CAM4, CAM6, ELSE4, ELSE6, PEER4, PEER6, eth, evasion,
                         ip, main, ok, udp)

UDP = frames.udp(40000, 5000, b"evasion!")
FOUR, SIX = frames.ETH_IPV4, frames.ETH_IPV6


def cut(peer, sizes, body=UDP):
    "A packet to a peer that ends early, its length as it was."
    src, kind = (CAM4, FOUR) if ":" not in peer else (CAM6, SIX)
    whole = frames.pack_ip(src, peer, body)
    return [eth(whole[:size], kind, pad=False) for size in sizes]


def short(peer, body, sizes):
    "A packet whose IP length ends it early: right for IP, not for the rest."
    src, head = (CAM4, 20) if ":" not in peer else (CAM6, 40)
    field = "total" if head == 20 else "length"
    return [ip(peer, body, src, **{field: size + (20 if head == 20 else 0)})
            for size in sizes]


@evasion("RFC 791, net/ipv4/ip_input.c", "bad_header", "bridge")
def test_ihl_too_small():
    "IPv4 header lengths below 20"
    return [ip(PEER4, UDP, ihl=ihl) for ihl in range(5)]


@evasion("RFC 791, net/ipv4/ip_input.c", "bad_header", "bridge")
def test_ihl_beyond_packet():
    "IPv4 header lengths beyond the packet"
    return [ip(PEER4, UDP, ihl=ihl) for ihl in (10, 12, 15)]


@evasion("RFC 791, RFC 7126", "ip_option, service", "bridge")
def test_ihl_into_datagram():
    "a header length that makes options of the UDP header, and ports of data"
    return [ip(PEER4, frames.udp(40000, 5000, data), ihl=ihl)
            for ihl, data in ((6, b"evasion!"),
                              (7, b"\x9c\x40\x13\x88evasion!"))
            ] + [ip(PEER4, frames.udp(0x0101, 0x0101, b"\x9c\x40\0\x35\0\x0c"
                                      b"\0\0evasion!", length=0x0101,
                                      check=0x0101), ihl=7)]


@evasion("RFC 791", "bad_header", "bridge")
def test_total_length():
    "IPv4 total lengths below the header's and beyond the frame"
    return [ip(PEER4, UDP, total=total)
            for total in (0, 1, 19, 200, 1500, 65535)]


@evasion("RFC 8200", "bad_header", "bridge")
def test_payload_length():
    "IPv6 payload lengths beyond the frame"
    return [ip(PEER6, UDP, length=length) for length in (17, 200, 1460, 65535)]


@evasion("RFC 791, RFC 8200", "truncated", "route, bridge")
def test_length_before_ports():
    "IP lengths that end inside the UDP header"
    return short(PEER4, UDP, (0, 1, 4, 7)) + short(PEER6, UDP, (1, 4, 7))


@evasion("RFC 791, RFC 8200", "truncated", "route, bridge")
def test_length_inside_tcp():
    "IP lengths that end inside the TCP header: ports without flags"
    tcp = frames.tcp(554, 40000, "S")
    return short(PEER4, tcp, (4, 8, 13, 19)) + \
        short(PEER6, tcp, (4, 8, 13, 19))


@evasion("RFC 768, net/ipv4/udp.c", "bad_header", "route, bridge")
def test_udp_length():
    "UDP lengths below the header's and beyond the packet"
    return [ip(peer, frames.udp(40000, 5000, b"evasion!", length=length))
            for peer in (PEER4, PEER6) for length in (1, 7, 17, 1000, 65535)]


@evasion("RFC 2675 section 4", "bad_header", "route, bridge")
def test_udp_length_zero():
    "UDP length 0: in a jumbogram it would be right"
    return [ip(peer, frames.udp(40000, 5000, b"evasion!", length=0))
            for peer in (PEER4, PEER6)]


@evasion("RFC 9293 section 3.1", "bad_header", "route, bridge")
def test_tcp_offset():
    "TCP data offsets below 20 and beyond the segment"
    return [ip(peer, frames.tcp(554, 40000, "A", off=off))
            for peer in (PEER4, PEER6) for off in (0, 1, 4, 6, 15)]


@evasion("RFC 791", "truncated", "bridge")
def test_truncated_ipv4():
    "IPv4 that ends inside its header"
    return cut(PEER4, (0, 1, 9, 19))


@evasion("RFC 791", "bad_header", "bridge")
def test_truncated_behind_ipv4():
    "IPv4 that ends behind its header"
    return cut(PEER4, (20, 23, 27, 28, 35))


@evasion("RFC 8200", "truncated", "bridge")
def test_truncated_ipv6():
    "IPv6 that ends inside its header"
    return cut(PEER6, (0, 1, 7, 23, 39))


@evasion("RFC 8200", "bad_header", "bridge")
def test_truncated_behind_ipv6():
    "IPv6 that ends behind its header"
    return cut(PEER6, (40, 43, 47, 48, 55))


@evasion("RFC 791, RFC 8200", "truncated, bad_header", "bridge")
def test_truncated_everywhere():
    "permitted frames that end at every byte before their end"
    segment = frames.tcp(554, 40000, "A")
    chain = frames.hop_by_hop(frames.dest_options(UDP))
    return cut(PEER4, range(36)) + cut(PEER4, range(40), segment) + \
        cut(PEER6, range(60), segment) + cut(PEER6, range(72), chain)


@evasion("RFC 791, RFC 8200", "bad_header", "bridge")
def test_versions():
    "IP versions that do not go with the ethertype, or do not exist"
    return [ip(PEER4, UDP, version=version) for version in (0, 5, 6, 15)] + \
           [ip(PEER6, UDP, version=version) for version in (0, 4, 5, 15)]


@evasion("RFC 1071, net/ipv4/ip_input.c", "destination", "bridge")
def test_header_checksum():
    "wrong IPv4 header checksums: no reason to look away"
    return [ip(ELSE4, UDP, check=check) for check in (0, 1, 0xffff)]


@evasion("RFC 768, RFC 6935", "destination", "route, bridge")
def test_udp_checksum():
    "no UDP checksum, and a wrong one"
    return [ip(dst, frames.udp(40000, 5000, b"evasion!", check=check))
            for dst in (ELSE4, ELSE6) for check in (0, 1, 0xffff)]


@evasion("RFC 9293: insertion by checksum (Ptacek and Newsham 1998)",
         "direction", "route, bridge")
def test_tcp_checksum():
    "a SYN with a wrong checksum: judged like any other"
    return [ip(peer, frames.tcp(554, 40000, "S", check=check))
            for peer in (PEER4, PEER6) for check in (0, 0xffff)]


@evasion("Ptacek and Newsham 1998", "destination", "some route, bridge")
def test_hop_limit():
    "frames that would not get far, and could fill a gap in a filter's view"
    return [ip(dst, UDP, hop=hop) for dst in (ELSE4, ELSE6)
            for hop in (0, 1, 2, 255)]


@evasion("RFC 894: padding, CVE-2003-0001", "destination", "route, bridge")
def test_padding():
    "a permitted packet in the padding of one that is not"
    inner = udp(PEER4, pad=False)[14:]
    return [udp(ELSE4, data=b"", pad=False) + inner,
            udp(ELSE6, data=b"", pad=False) + inner]


@evasion("RFC 791, RFC 7126", "ip_option", "bridge")
def test_malformed_options():
    "IPv4 options without an end, with length 0 and 1, beyond the header"
    return [ip(PEER4, UDP, options=options) for options in (
        b"\x07\x00\x04\x00", b"\x07\x01\x04\x00", b"\x07\x27\x04\x00",
        b"\x01\x01\x01\x44", b"\x94\x05\x00\x00", b"\x01\x01\x01\x83")]


@evasion("RFC 791, RFC 7126", "destination", "route, bridge")
def test_harmless_options():
    "record route, timestamp, no-ops, an unknown one: no way past the rules"
    return [ip(ELSE4, UDP, options=options) for options in (
        b"\x5e\x04\0\0", b"\x07\x07\x04" + bytes(5),
        b"\x44\x0c\x05\0" + bytes(8), b"\x01" * 40, b"\0\xff\xff\xff")]


@evasion("RFC 2113, RFC 6398, ip_call_ra_chain()", "ip_option",
         "route, bridge")
def test_router_alert():
    "router alert: a listener on the gateway gets what is for a peer"
    return [ip(PEER4, body, options=options) for body in (
        UDP, frames.icmp(data=b"evasion!")) for options in (
        frames.ROUTER_ALERT4, b"\x01\x94\x04\xff\xff", b"\x94\x06" + bytes(4))]


@evasion("RFC 3514, RFC 791", "destination", "route, bridge")
def test_reserved_bits():
    "the reserved bit, type of service and flow label"
    return [ip(ELSE4, UDP, offset=0x8000), ip(ELSE4, UDP, tos=0xff),
            ip(ELSE4, UDP, df=True),
            ip(ELSE6, UDP, tclass=0xff, flow=0xfffff)]


@evasion("RFC 768, RFC 6056", "service", "route, bridge")
def test_ports():
    "the permitted port as the source, port 0, the neighbours of the port"
    return [ip(peer, frames.udp(sport, dport, b"evasion!"))
            for peer in (PEER4, PEER6) for sport, dport in (
                (5000, 40000), (5000, 0), (0, 0), (1, 4999), (1, 5001))]


@evasion("RFC 3828, RFC 4960, RFC 4340", "service", "route, bridge")
def test_other_transports():
    "the permitted port in UDP-Lite, SCTP and DCCP"
    return [ip(peer, frames.udp(40000, 5000, b"evasion!", number=number))
            for peer in (PEER4, PEER6) for number in (136, 132, 33)]


@evasion("RFC 768", "", "route, bridge")
def test_permitted():
    "the permitted datagram itself, which shows that the others could pass"
    return [ok(udp(PEER4)), ok(udp(PEER6))]


if __name__ == "__main__":
    main(globals())
