#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by fragments that came before the policy was tightened.

What puts packets together (here the gateway's connection tracking) keeps a first
fragment that has passed for up to a minute. It is out of the guard's reach, so no
fragment that could complete it may follow once it would be refused.
"""

from lib import evasion, frames, net, path, policy, tap
from lib.evasion import BULK6, PEER4, PEER6, PORT, ip
from lib.path import DENIED, nft

OTHER, IDENT = 5001, 0x4c70
PIECE = DENIED + bytes(16)


def permits(*rules, mode="enforce"):
    "The usual policy, with more rules or in another mode."
    usual = evasion.POLICY["profiles"]["p"]
    return {**evasion.POLICY, "profiles": {"p": {
        **usual, "mode": mode, "rules": usual["rules"] + list(rules)}}}


def head(dst, body):
    "A first fragment: header and 24 bytes."
    if dst == PEER4:
        return ip(dst, body, offset=0, mf=True, ident=IDENT)
    return ip(dst, frames.fragment(body, 0, True, IDENT))


def rest(dst, number=frames.UDP):
    "The last one, right behind it."
    if dst == PEER4:
        return ip(dst, PIECE, offset=4, ident=IDENT, proto=number)
    return ip(dst, frames.fragment(PIECE, 4, False, IDENT, number))


def datagram(port):
    "The beginning of one, whose rest is rest()."
    return frames.udp(40000, port, PIECE, length=8 + 2 * len(PIECE))


def begin(here, before, frame):
    "Send a first fragment while a policy passes it, then tighten that."
    nft(here, """table inet t { chain forward {
        type filter hook forward priority 0; ct state new accept } }""",
        "connection tracking")
    if not here.sock:
        here.links["eth0"].send(frame)
        return
    tap.fragment_wait(0)
    policy.load(here.sock, before)

    def passed():
        row = policy.guards(here.sock)["g"]
        return row["passed_packets"] + sum(
            total["would_packets"] for total in row["reasons"].values())
    start = passed()
    here.links["eth0"].send(frame)
    net.wait_for(lambda: passed() == start + 1, what="the first to pass")
    tap.fragment_wait(60)
    policy.load(here.sock, evasion.POLICY)


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


@path.path("RFC 8200 section 4.5: the first one's next header counts",
           "fragment")
def test_protocol_that_was_permitted(here):
    "a later fragment that a rule without ports permits, of another protocol"
    begin(here, permits(policy.connects(BULK6, "tcp", 80)),
          head(BULK6, frames.tcp(40000, 80, "A", bytes(4) + DENIED)))
    yield [rest(BULK6)]


if __name__ == "__main__":
    evasion.main(globals())
