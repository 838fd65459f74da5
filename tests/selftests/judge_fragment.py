#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Later fragments go where their first one was permitted to go.

What a first fragment said is remembered, boundedly; a later one is judged by it,
and by the policy of that moment.
"""

import itertools

from lib import frames, io, net, policy, tap
from lib.policy import connects, serves
from lib.scene import Scene, proves

PEER = {4: "10.20.0.10", 6: "2001:db8:20::10"}
BARE = {4: "10.20.0.20", 6: "2001:db8:20::20"}
MACS = {"cam": "02:00:5e:10:00:17", "other": "02:00:5e:10:00:18",
        "trial": "02:00:5e:10:00:19", "flood": "02:00:5e:10:00:20",
        "whole": "02:00:5e:10:00:21"}
PORT, SERVED = 5000, 554
PIECE = 24                      # bytes of a fragment
PLACES = 16                     # of a device at most: kmod/fragment.c
FLOOD, BATCH = 2000, 200        # frames; so many fit the queues

S = None
_idents = itertools.count(1)


def rules(port=PORT):
    "What all of them may do."
    return [rule for n in (4, 6) for rule in (
        connects(PEER[n], "udp", port), serves(PEER[n], "tcp", SERVED),
        connects(BARE[n], "udp"))]


def load(port=PORT, mode="enforce", more=None, trial="audit", **options):
    "A policy that permits a port; more: {name: another address of it}."
    more = more or {}
    S.load({"profiles": {"p": {"class": 1, "mode": mode, "rules": rules(port)},
                         "trial": {"class": 1, "mode": trial,
                                   "rules": rules(port)}},
            "devices": {name: {"mac": mac, "profile": "trial" if
                               name == "trial" else "p",
                               "addresses": addresses(name) + (
                                   [more[name]] if name in more else [])}
                        for name, mac in MACS.items()}}, **options)


def addresses(name):
    "Of a camera."
    number = MACS[name][-2:]
    return [f"10.30.0.{number}", f"2001:db8:30::{number}"]


def setup():
    "Two guards, each with all cameras."
    global S
    S = Scene()
    S.watch()
    S.guard("cams", vlan=30)
    S.guard("yard", vlan=31)
    load()


def camera(name="cam", guard="cams"):
    "A camera on a guard."
    return S.sender(guard, name, mac=MACS[name], cls=1,
                    vlan=30 if guard == "cams" else 31,
                    addresses=addresses(name))


def first(one, family, ident, body=None, dst=None):
    "A first fragment: of a datagram to PORT, unless told otherwise."
    body = body or frames.udp(40000, PORT, bytes(PIECE), length=4000)
    return piece(one, family, ident, body, 0, True, dst)


def piece(one, family, ident, body=bytes(PIECE), offset=4, more=True, dst=None,
          number=frames.UDP, **fields):
    "A fragment; offset is in units of 8 bytes."
    dst = dst or PEER[family]
    if family == 4:
        number = None if not offset else number
        return one.ip(dst, body, offset=offset, mf=more, ident=ident,
                      proto=number, **fields)
    return one.ip(dst, frames.fragment(body, offset, more, ident,
                                       number if offset else None), **fields)


def lost():
    "Packets in fragments that had no place, or lost it."
    return policy.info(S.sock)["fragments_lost"]


@proves("none", "fragment")
def test_after_their_first():
    "any number of later ones, in any order, the last one twice"
    one = camera()
    for family in (4, 6):
        ident = next(_idents)
        one.drops(piece(one, family, ident), "fragment")
        one.passes(first(one, family, ident))
        for offset, more in ((4, True), (64, True), (8, True), (4, True),
                             (500, False), (500, False), (16, True)):
            one.passes(piece(one, family, ident, offset=offset, more=more))


@proves("fragment")
def test_of_something_else():
    "of another packet, peer, device, guard or (IPv4) protocol"
    one = camera()
    for family in (4, 6):
        ident = next(_idents)
        one.passes(first(one, family, ident))
        one.drops(piece(one, family, ident + 0x100), "fragment")
        other = camera("other")
        other.drops(piece(other, family, ident), "fragment")
        there = camera(guard="yard")
        there.drops(piece(there, family, ident), "fragment")
        one.passes(first(one, family, ident + 0x200, dst=BARE[family]))
        one.drops(piece(one, family, ident + 0x200), "fragment")
        if family == 4:
            one.drops(piece(one, 4, ident, number=frames.TCP), "fragment")
        else:
            # Receivers believe the first one alone.
            one.passes(piece(one, 6, ident, number=frames.TCP))
        one.passes(piece(one, family, ident))


@proves("service", "destination", "fragment")
def test_of_a_refused_first():
    "a first that no rule permits leaves nothing behind"
    one = camera()
    for family in (4, 6):
        ident = next(_idents)
        one.drops(first(one, family, ident, frames.udp(
            40000, PORT + 1, bytes(PIECE), length=4000)), "service")
        one.drops(piece(one, family, ident), "fragment")
        one.drops(first(one, family, ident, dst="198.51.100.7" if family == 4
                        else "2001:db8:99::7"), "destination")
        one.drops(piece(one, family, ident, dst="198.51.100.7" if family == 4
                        else "2001:db8:99::7"), "destination")


@proves("service", "audit fragment", "none")
def test_audit():
    "what would be dropped passes, but permits no later one"
    one = camera("trial")
    for family in (4, 6):
        ident = next(_idents)
        one.audits(first(one, family, ident, frames.udp(
            40000, PORT + 1, bytes(PIECE), length=4000)), "service")
        one.audits(piece(one, family, ident), "fragment")
        one.passes(first(one, family, ident))
        one.passes(piece(one, family, ident))
    one = camera()
    one.drops(one.udp(PEER[4], PORT + 1), "service")


@proves("none", "direction", "fragment", "tiny_fragment")
def test_of_segments():
    "of TCP: direction is the first one's, and no later one touches flags"
    one = camera()
    for family in (4, 6):
        for flags in ("SA", "A", "S"):
            ident = next(_idents)
            body = frames.tcp(SERVED, 40000, flags, bytes(12))
            head = first(one, family, ident, body)
            later = piece(one, family, ident, number=frames.TCP)
            if flags == "S":
                one.drops(head, "direction")
                one.drops(later, "fragment")
            else:
                one.passes(head)
                one.passes(later)
            for offset in (1, 2):
                one.drops(piece(one, family, ident, offset=offset,
                                number=frames.TCP), "tiny_fragment")


@proves("none", "service", "fragment")
def test_policy_that_changes():
    "the policy of the moment judges, also a fragment whose first has passed"
    one = camera()
    for family in (4, 6):
        ident = next(_idents)
        one.passes(first(one, family, ident))
        one.passes(piece(one, family, ident))
        load(PORT + 1)
        one.drops(piece(one, family, ident), "service")
        one.drops(piece(one, family, next(_idents)), "fragment")
        load()
        one.passes(piece(one, family, ident))
    # The record names the port that the fragment itself does not have.
    rows = policy.records(S.sock)
    tap.true([row for row in rows if row["reason"] == "service" and
              row.get("port") == PORT], f"no record of port {PORT}: {rows}")


def through(batch):
    "Send frames at once; all of them pass."
    want = policy.guards(S.sock)["cams"]["passed_packets"] + len(batch)
    for frame in batch:
        S.links["eth0"].send(frame)
    net.wait_for(lambda: policy.guards(S.sock)["cams"]["passed_packets"] ==
                 want, what="all to pass")
    tap.equal(len(S.witness.take(len(batch), 10)), len(batch),
              "frames that came out")
    S.sync()


@proves("none", "fragment")
def test_flood():
    "a flood of first fragments takes its own places; others keep theirs"
    flood, one = camera("flood"), camera()
    for family in (4, 6):
        before, ident = lost(), next(_idents)
        one.passes(first(one, family, ident))
        for start in range(0, FLOOD, BATCH):
            through([flood.wrap(first(flood, family, 0x1000 + number))
                     for number in range(start, start + BATCH)])
            one.passes(piece(one, family, ident))
        one.passes(piece(one, family, ident, more=False))
        # All of the flood but what it can hold at once are lost; one's own place
        # may be in the same bucket.
        gone = lost() - before
        tap.true(FLOOD - PLACES <= gone <= FLOOD, f"{gone} lost")
        flood.drops(piece(flood, family, 0x1000), "fragment")
        flood.passes(piece(flood, family, 0x1000 + FLOOD - 1))


@proves("none")
def test_datagrams_one_after_the_other():
    "thousands of them, each complete: nothing is lost, nothing pushed out"
    one = camera("other")
    before = lost()
    for family in (4, 6):
        for _ in range(3 * PLACES):
            ident = next(_idents)
            one.passes(first(one, family, ident))
            one.passes(piece(one, family, ident))
            one.passes(piece(one, family, ident, offset=7, more=False))
    tap.equal(lost(), before, "lost")


def held(one, family):
    "No fragment passes, however permitted; a whole packet does."
    ident = next(_idents)
    one.drops(first(one, family, ident), "fragment")
    one.drops(piece(one, family, ident), "fragment")
    one.drops(piece(one, family, ident, dst=BARE[family]), "fragment")
    one.passes(one.udp(PEER[family], PORT))


def free(one, family):
    "They pass."
    ident = next(_idents)
    one.passes(first(one, family, ident))
    one.passes(piece(one, family, ident))
    one.passes(piece(one, family, ident, dst=BARE[family]))
    return ident


def whole(one, ident, df=False, size=100):
    "A datagram that is not cut up yet."
    return one.ip(PEER[4], frames.udp(40000, PORT, bytes(size)), ident=ident,
                  df=df)


def settle(one):
    "Wait until its fragments pass."
    def passed(family):
        S.links["eth0"].send(one.wrap(first(one, family, next(_idents))))
        net.wait_for(S.delta, what="the frame to be counted")
        done = "guard cams passed" in S.delta()
        S.sync()
        return done
    tap.fragment_wait(1)
    for family in (4, 6):
        net.wait_for(lambda: passed(family), 20,
                     what="fragments to pass again")
        S.witness.take(1, 10)
    tap.fragment_wait(3600)


@proves("fragment", "audit fragment", "none")
def test_wait_after_a_change():
    "of device, profile or guard: as long as one of before could still wait"
    one, other, trial = camera(), camera("other"), camera("trial")
    still = camera("whole")
    changes = [lambda: load(more={"cam": "10.30.1.17"}),
               lambda: load(mode="quarantine") or load(),
               lambda: load(PORT + 1) or load(),
               lambda: S.guard("cams", vlan=30, subnets=["10.30.0.0/24"]),
               lambda: policy.unguard(S.sock, "cams") or
               S.guard("cams", vlan=30),
               # Nobody was held to any address there.
               lambda: policy.unguard(S.sock, "yard") or
               S.guard("yard", vlan=31),
               lambda: load(trial="enforce") or load()]
    try:
        for family, change in zip(itertools.cycle((4, 6)), changes):
            settle(one)
            ident = free(one, family)
            change()
            held(one, family)
            if family == 4:
                # What may be cut up could complete what its fragments began.
                one.drops(whole(one, ident), "fragment")
                one.passes(whole(one, ident, df=True))
                one.passes(whole(one, ident, size=40))
                still.passes(whole(still, ident))
        trial.audits(first(trial, 4, next(_idents)), "fragment")
        settle(one)
        settle(other)
        # Nothing new for these, in policies that are sent whole.
        load()
        free(one, 4)
        load(more={"other": "10.30.1.18"})
        free(one, 6)
        held(other, 6)
    finally:
        tap.fragment_wait(0)
        load()
    free(other, 4)


@proves("none", "fragment")
def test_interface_that_comes_and_goes():
    "holds nobody up, audited or not, but for the first time"
    one, name = camera(), net.unique("vm")
    try:
        for mode in ("enforce", "audit"):
            S.guard("vm", name, wait=False, mode=mode)
            for number in range(4):
                if not number:
                    settle(one)
                S.gw.ip(f"link add {name}x type veth peer name {name}y")
                S.gw.ip(f"link set {name}x name {name}")
                policy.wait_guard(S.sock, "vm", "armed")
                if not number:
                    held(one, 4)
                    settle(one)
                free(one, 4)
                S.gw.ip(f"link del {name}")
                policy.wait_guard(S.sock, "vm", "waiting")
                free(one, 6)
        # Until somebody says that the audit is over.
        policy.unguard(S.sock, "vm")
        held(one, 4)
    finally:
        tap.fragment_wait(0)


@proves("fragment")
def test_interface_above_others():
    "holds everybody up each time: something came by what is below meanwhile"
    one, name = camera(), net.unique("vm")
    try:
        S.guard("vm", name, wait=False)
        for kind in ("bridge", "link trunk type vlan id 77"):
            line = f"link add name {name} {kind}" if " " in kind else \
                f"link add {name} type {kind}"
            for _ in range(2):
                settle(one)
                S.gw.ip(line)
                policy.wait_guard(S.sock, "vm", "armed")
                held(one, 4)
                S.gw.ip(f"link del {name}")
                policy.wait_guard(S.sock, "vm", "waiting")
    finally:
        tap.fragment_wait(0)
        policy.unguard(S.sock, "vm")


@proves("none", "fragment")
def test_audited_interface_joins():
    "others: what it let through could be completed by who judges there"
    one, name = camera(), net.unique("vm")
    S.gw.batch([f"link add {name} type dummy", f"link add {name}b type bridge"])
    try:
        for mode, then in (("enforce", free), ("audit", held)):
            S.guard("vm", name, mode=mode)
            settle(one)
            S.gw.ip(f"link set {name} master {name}b")
            then(one, 4)
            settle(one)
            S.gw.ip(f"link set {name} nomaster")
            free(one, 4)
        # By what stands between them.
        S.gw.ip(f"link add link {name} name {name}v type vlan id 9")
        settle(one)
        S.gw.ip(f"link set {name}v master {name}b")
        held(one, 4)
    finally:
        tap.fragment_wait(0)
        policy.unguard(S.sock, "vm")
        S.gw.batch([f"link del {name}", f"link del {name}b"])


@proves("fragment")
def test_interface_that_has_carried():
    "under another name, or in another namespace: those wait that it came before"
    one, name = camera(), net.unique("vm")
    away = S.net.ns("away", quiet=True)
    try:
        S.guard("vm", name, wait=False)
        settle(one)
        S.gw.ip(f"link add {name}x type dummy")
        S.gw.ip(f"link set {name}x name {name}")
        policy.wait_guard(S.sock, "vm", "armed")
        held(one, 4)
        S.gw.ip(f"link del {name}")
        policy.wait_guard(S.sock, "vm", "waiting")
        settle(one)
        S.net.veth(away, name, S.cam, f"{name}y")
        with io.Link(S.cam, f"{name}y") as link:
            link.send(one.wrap(one.udp(PEER[4], PORT)))
        net.wait_for(lambda: away.link_stats(name)["rx"],
                     what="the frame to come in there")
        away.ip(f"link set {name} netns {S.gw.name}")
        policy.wait_guard(S.sock, "vm", "armed")
        held(one, 4)
    finally:
        tap.fragment_wait(0)
        policy.unguard(S.sock, "vm")
        S.gw.ip(f"link del {name}")


@proves("none")
def test_guard_that_cannot_stand():
    "where another does holds nobody up, however often it is tried"
    one, name = camera(), net.unique("vm")
    try:
        S.guard("there", f"{name}x", wait=False)
        S.guard("vm", name, wait=False)
        S.guard("gone", net.unique("no"), wait=False)
        S.gw.ip(f"link add {name}x type dummy")
        policy.wait_guard(S.sock, "there", "armed")
        S.gw.ip(f"link set {name}x name {name}")
        policy.wait_guard(S.sock, "vm", "failed")
        settle(one)
        policy.unguard(S.sock, "gone")
        free(one, 4)
    finally:
        tap.fragment_wait(0)
        for guard in ("vm", "there"):
            policy.unguard(S.sock, guard)
        S.gw.ip(f"link del {name}")


@proves("audit wrong_source", "none")
def test_upkeep_does_not_wait():
    "with the source of all zeros, which somebody else used in an audit"
    one, trial = camera(), camera("trial")
    ident, everybody = next(_idents), "255.255.255.255"
    try:
        tap.fragment_wait(3600)
        trial.audits(trial.ip(everybody, frames.udp(68, 9, bytes(PIECE),
                                                    length=4000),
                              src="0.0.0.0", offset=0, mf=True, ident=ident),
                     "wrong_source")
        load(trial="enforce")
        one.passes(one.ip(everybody, frames.udp(68, 67, frames.dhcp4(
            MACS["cam"])), src="0.0.0.0", ident=ident))
    finally:
        tap.fragment_wait(0)
        load()


@proves("none")
def test_size_of_the_table():
    "as the module was loaded"
    tap.equal(policy.info(S.sock)["fragments_max"], 16384, "places")
    camera().passes(camera().udp(PEER[4], PORT))


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
