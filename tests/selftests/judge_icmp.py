#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ICMP that a rule permits is no tunnel: bounds of its size and its rate."""

import time

from lib import frames, net, policy, tap
from lib.policy import connects, serves
from lib.scene import Scene, proves, saw

PEER = {4: "10.20.0.10", 6: "2001:db8:20::10"}
BURST, RATE = 20, 10            # kmod/stats.h
FLOOD = 200
PROFILE = {n: "p" if n < 9 else "answers" if n < 11 else "trial"
           for n in range(1, 13)}

S = None
_unused = list(PROFILE)


def setup():
    "Cameras that may send ICMP of all types, one for each part of a test."
    global S
    S = Scene(mtu=2000)
    S.watch()
    S.guard("cams", vlan=30)
    rules = [connects(PEER[4], "icmp"), connects(PEER[6], "icmpv6"),
             connects(PEER[4], "udp", 5000)]
    answers = [serves(PEER[4], "icmp"), serves(PEER[6], "icmpv6")]
    S.load({"profiles": {"p": {"class": 1, "rules": rules},
                         "trial": {"class": 1, "mode": "audit",
                                   "rules": rules},
                         "answers": {"class": 1, "rules": answers}},
            "devices": {f"cam{n}": {"mac": f"02:00:5e:10:01:{n:02x}",
                                    "addresses": addresses(n),
                                    "profile": PROFILE[n]}
                        for n in PROFILE}})


def addresses(number):
    "Of a camera."
    return [f"10.30.1.{number}", f"2001:db8:30::1:{number:x}"]


def camera(kind="p"):
    "A camera of a profile that has sent no ICMP yet."
    number = next(n for n in _unused if PROFILE[n] == kind)
    _unused.remove(number)
    return S.sender("cams", f"cam{number}", vlan=30, cls=1,
                    mac=f"02:00:5e:10:01:{number:02x}",
                    addresses=addresses(number))


def message(one, family, kind, size, **how):
    "An ICMP message of so many bytes, header included."
    make = frames.icmp if family == 4 else frames.icmp6
    quote = frames.pack_ip(PEER[family], how.get("src") or (
        one.v4 if family == 4 else one.v6), frames.udp(1, 2))
    data = quote if size - 8 >= len(quote) else b""
    return one.ip(PEER[family], make(kind, data=data.ljust(size - 8, b"\0")),
                  **how)


@proves("none", "icmp_size", "icmp_quote")
def test_size():
    "an echo message has 128 bytes at most, others what a router may quote"
    for family, kinds in ((4, {8: 128, 0: 128, 3: 556, 13: 556}),
                          (6, {128: 128, 129: 128, 1: 1240, 139: 1240})):
        one = camera()
        for kind, most in kinds.items():
            error = kind in (1, 3)
            for size in (64 if error else 8, most):
                one.passes(message(one, family, kind, size))
            if error:
                one.drops(message(one, family, kind, 8), "icmp_quote")
            for size in (most + 1, 1400):
                one.drops(message(one, family, kind, size), "icmp_size")


@proves("icmp_size", "audit icmp_size", "icmp_quote", "audit icmp_quote")
def test_fragments():
    "a message in fragments is too large, whichever comes; one about nothing"
    for kind in ("p", "trial"):
        one = camera(kind)
        refuse = one.audits if kind == "trial" else one.drops
        for packet in (
                one.ip(PEER[4], frames.icmp(8, data=bytes(24)), mf=True),
                one.ip(PEER[4], bytes(32), proto=frames.ICMP, offset=4),
                one.ip(PEER[6], frames.fragment(
                    frames.icmp6(128, data=bytes(24)), more=True)),
                one.ip(PEER[6], frames.fragment(
                    bytes(32), 4, nexthdr=frames.ICMP6))):
            refuse(packet, "icmp_size")
        refuse(message(one, 4, 3, 8), "icmp_quote")
        refuse(message(one, 6, 1, 8), "icmp_quote")


def flood(one, packet):
    "Send it many times; (passed, refused for their rate, seconds it took)."
    before = totals()
    frame = one.wrap(packet)
    start = time.monotonic()
    for _ in range(FLOOD):
        S.links["eth0"].send(frame)
    net.wait_for(lambda: sum(totals()) - sum(before) == FLOOD,
                 what="all messages to be judged")
    took = time.monotonic() - start
    S.sync()
    passed, dropped, would = (new - old for new, old in
                              zip(totals(), before))
    tap.equal(len(S.witness.take(passed + would, 10)), passed + would,
              "messages that came out")
    tap.true(BURST <= passed <= BURST + RATE * took + 2,
             f"{passed} of {FLOOD} passed in {took:.2f} s")
    return passed, dropped, would


def totals():
    "What the guard passed, dropped and audited so far."
    row = policy.guards(S.sock)["cams"]
    rate = row["reasons"].get("icmp_rate", {})
    return (row["passed_packets"], rate.get("dropped_packets", 0),
            rate.get("would_packets", 0))


@proves("icmp_rate", "audit icmp_rate")
def test_rate():
    "20 at once, 10 a second; answers too; each camera has its own"
    for kind, family, what in (("p", 4, 8), ("p", 6, 128), ("answers", 4, 0),
                               ("answers", 6, 129)):
        one = camera(kind)
        _, dropped, would = flood(one, message(one, family, what, 64))
        tap.true(dropped and not would, f"{dropped} dropped, {would} audited")
        saw("icmp_rate")
    one = camera("trial")
    _, dropped, would = flood(one, message(one, 4, 8, 64))
    tap.true(would and not dropped, f"{dropped} dropped, {would} audited")
    saw("audit icmp_rate")


@proves("none")
def test_rate_is_of_icmp_alone():
    "who has sent too much of it may send all else, and later more of it"
    one = camera()
    flood(one, message(one, 4, 8, 64))
    for _ in range(2 * BURST):
        one.passes(one.udp(PEER[4], 5000))
    for _ in range(2):
        one.passes(frames.arp(1, one.mac, one.v4, bytes(6), "10.30.0.1"))

    def again():
        before = totals()
        S.links["eth0"].send(one.wrap(message(one, 4, 8, 64)))
        net.wait_for(lambda: sum(totals()) > sum(before),
                     what="the message to be judged")
        S.witness.take(totals()[0] - before[0], 10)
        return totals()[0] > before[0]
    net.wait_for(again, what="a message to pass again")
    S.sync()


@proves("none")
def test_rate_survives_policy():
    "a policy that is applied again gives nobody a new burst"
    one = camera()
    flood(one, message(one, 4, 8, 64))
    start = time.monotonic()
    before = totals()
    S.load({"profiles": {}, "devices": {one.device: {
        "mac": one.mac, "addresses": [one.v4, one.v6, "10.30.9.9"],
        "profile": "p"}}}, base="live")
    for _ in range(FLOOD):
        S.links["eth0"].send(one.wrap(message(one, 4, 8, 64)))
    net.wait_for(lambda: sum(totals()) - sum(before) == FLOOD,
                 what="all messages to be judged")
    took = time.monotonic() - start
    passed = totals()[0] - before[0]
    S.witness.take(passed, 10)
    tap.true(passed <= RATE * took + 2,
             f"{passed} passed in {took:.2f} s after the change")
    S.sync()
    one.passes(one.udp(PEER[4], 5000))


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
