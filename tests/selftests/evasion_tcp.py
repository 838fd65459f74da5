#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by TCP flags where the peer opens the connection.

The policy says "serves": the recorder connects to port 554 of the camera. A
camera that opens a connection from that port is a direction of its own.
"""

from lib import frames
from lib.evasion import ELSE4, ELSE6, PEER4, PEER6, evasion, ip, main, ok


def segments(*flags, wrap=lambda body: body, sport=554, **fields):
    "Segments from the served port, of either family."
    return [ip(peer, wrap(frames.tcp(sport, 40000, one, **fields)))
            for peer in (PEER4, PEER6) for one in flags]


def permitted(*flags, **fields):
    "The same, and the policy permits them."
    return [ok(frame) for frame in segments(*flags, **fields)]


@evasion("RFC 9293", "direction", "route, bridge")
def test_syn():
    "a SYN from the served port"
    return segments("S")


@evasion("RFC 9293, T/TCP: RFC 1644", "direction", "route, bridge")
def test_syn_with_fin():
    "SYN and FIN: RFC 9293 has a listener take it for a SYN"
    return segments("SF", "SFP", "SFU", "SFPU")


@evasion("RFC 9293 section 3.10.7.2", "direction", "route, bridge")
def test_syn_with_others():
    "SYN with every flag but ACK, and with the bits that were reserved"
    return segments("SR", "SP", "SU", "SRPU", 0x42, 0x82, 0xc2, 0xea)


@evasion("RFC 3168, RFC 9768", "direction", "route, bridge")
def test_syn_with_accurate_ecn():
    "SYN with the bits between data offset and flags"
    return [ip(peer, frames.tcp(554, 40000, "S").build(
        frames.ip("10.30.0.17"), frames.ip(PEER4))[:12] +
        bytes([0x50 | bits]) + b"\x02" + bytes(6), nexthdr=6)
            for peer in (PEER4, PEER6) for bits in (1, 2, 4, 8, 15)]


@evasion("RFC 7413", "direction", "route, bridge")
def test_syn_with_data():
    "a SYN that carries data, and one with a fast-open cookie"
    return segments("S", data=b"evasion!") + \
        segments("S", data=b"evasion!", options=b"\x22\x0a" + bytes(8)) + \
        segments("S", options=b"\x22\x02\x01\x01")


@evasion("RFC 9293", "direction", "route, bridge")
def test_syn_behind_options():
    "a SYN behind IPv4 options and IPv6 headers"
    syn = frames.tcp(554, 40000, "S")
    return [ip(PEER4, syn, options=b"\x01" * 8),
            ip(PEER4, syn, options=b"\x5e\x04\0\0"),
            ip(PEER6, frames.hop_by_hop(syn)),
            ip(PEER6, frames.dest_options(syn)),
            ip(PEER6, frames.fragment(syn))]


@evasion("RFC 1858, RFC 3128", "direction", "route, bridge")
def test_syn_in_first_fragment():
    "a SYN in a first fragment"
    syn = frames.tcp(554, 40000, "S", data=bytes(12))
    return [ip(PEER4, syn, mf=True),
            ip(PEER6, frames.fragment(syn, more=True))]


@evasion("RFC 9293 section 3.5: scans", "", "route, bridge")
def test_fin_null_xmas():
    "FIN, no flags, FIN with PSH and URG: they open nothing, and may pass"
    return permitted("F", "", "FPU", "U", "P")


@evasion("RFC 9293 section 3.5", "", "route, bridge")
def test_answers():
    "the camera's side of a connection that the recorder opened"
    return permitted("SA", "A", "PA", "FA", "R", "RA")


@evasion("split handshake (Beardsley and Qian 2010)", "direction",
         "route, bridge")
def test_split_handshake():
    "the answer to a SYN in two: an ACK passes, the SYN after it does not"
    return permitted("A") + segments("S") + permitted("SA", "A")


@evasion("RFC 9293 section 3.5", "direction", "route, bridge")
def test_simultaneous_open():
    "a SYN that crosses the peer's"
    return segments("S", seq=7, window=1) + segments("S", seq=8, ack=1)


@evasion("RFC 9293", "service", "route, bridge")
def test_other_port():
    "answers and a SYN from a port that is not served"
    return segments("S", "SA", "A", "R", sport=555) + \
        segments("A", sport=40000)


@evasion("RFC 9293", "destination", "route, bridge")
def test_other_peer():
    "answers to somebody who may not connect"
    return [ip(peer, frames.tcp(554, 40000, flags)) for peer in (ELSE4, ELSE6)
            for flags in ("S", "SA", "A", "F", "")]


@evasion("RFC 793 section 3.1", "service", "route, bridge")
def test_tcp_to_udp_rule():
    "TCP to the port that a rule for UDP permits"
    return [ip(peer, frames.tcp(40000, 5000, flags)) for peer in (PEER4, PEER6)
            for flags in ("S", "A")]


if __name__ == "__main__":
    main(globals())
