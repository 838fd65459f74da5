#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The interlock while guards change: what is forbidden before and after stays
out in between, while a camera sends all the time."""

import concurrent.futures
import contextlib
import functools
import os
import select
import signal
import socket
import threading

from lib import daemon, frames, io, lock, net, nl, rig, tap
from lib.daemon import guard

NETLINK_NETFILTER = 12
NFNLGRP_NFTABLES = 7


def keep_sending(site, sent, begun, stop):
    "Send frames of each kind until told to stop."
    with contextlib.closing(io.Link(site.rig.cam, "eth0")) as link:
        begun.set()
        while not stop.is_set():
            for frame in sent:
                link.send(frame)


def hear_rules():
    "A socket that hears what changes in nftables, in this namespace."
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    sock.setsockopt(nl.SOL_NETLINK, nl.NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES)
    sock.setblocking(False)
    return sock


def took_step(ear, rules):
    "Wait a while for the module or nftables to tell of a change."
    heard, _, _ = select.select([ear.sock, rules], [], [], 0.1)
    if rules in heard:
        with contextlib.suppress(BlockingIOError):
            while True:
                rules.recv(1 << 16)
    return heard and (rules in heard or ear.drain())


def nothing():
    "Do it."


@contextlib.contextmanager
def one_processor(site):
    "This thread, those who start daemons, and the daemon share a processor."
    before = os.sched_getaffinity(os.getpid())
    who = (0, os.getpid(), site.daemon.process.pid)
    for pid in who:
        os.sched_setaffinity(pid, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(os.getpid(), before)


def send_at_steps(site, sent, begun, stop, first=nothing):
    """Send frames of each kind at each step that the daemon takes.

    The kernel tells of a change before it answers; the daemon, stopped there,
    has not taken its next step: the processor goes to who listens first.
    At the first step, do more.
    """
    ear = site.rig.open()
    ear.subscribe()
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    with contextlib.closing(net.call_in(site.gw, hear_rules)) as rules, \
            contextlib.closing(io.Link(site.rig.cam, "eth0")) as link, \
            one_processor(site):
        begun.set()
        while not stop.is_set():
            if not took_step(ear, rules):
                continue
            process = site.daemon.process
            process.send_signal(signal.SIGSTOP)
            first()
            first = nothing
            for frame in sent:
                link.send(frame)
            process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def none_arrives(site, *sent, how=keep_sending):
    "None of these frames, which a camera sends meanwhile."
    begun, stop = threading.Event(), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sender = pool.submit(how, site, sent, begun, stop)
        try:
            # Who sends at steps would miss the first, or is told why not.
            while not begun.wait(0.1) and not sender.done():
                pass
            if not sender.done():
                yield
        finally:
            stop.set()
        sender.result()
    # What was sent before this one has arrived, if it does.
    for frame in sent:
        tap.true(not site.far.has(site.body(frame)), "a frame was let through")


def reload(site, guards):
    "Another gateway.yaml."
    site.daemon.configure(guards)
    site.daemon.ask("reload")


def test_traded_beside_audited():
    "guards that trade VLANs, go and come open nothing for a guard that audits"
    guards = [guard("cams", vlan=30), guard("more", vlan=40),
              guard("rest", mode="audit")]
    site = lock.behind_trunk(guards, (30, 40))
    sent = [site.frame(vlans=(vlan,), **lock.BEHIND) for vlan in (30, 40)]
    with none_arrives(site, *sent):
        for number in range(10):
            guards[number % 2]["vlan"], guards[1 - number % 2]["vlan"] = 40, 30
            reload(site, guards)
            site.daemon.ask("disarm", guard="cams")
            site.daemon.ask("arm", guard="cams")
        site.passes(site.frame(**lock.BEHIND))
    # They would have arrived.
    guards[0]["mode"] = guards[1]["mode"] = "audit"
    reload(site, guards)
    for frame in sent:
        site.passes(frame)


def test_changes_beside_audited():
    "nor does any other reload that moves guards, or what is beside them"
    rest = [guard("rest", mode="audit"), guard("far", "side", mode="audit")]
    site = lock.behind_trunk([*rest, guard("cams", vlan=30)], (30,))
    sent = site.frame(vlans=(30,), **lock.BEHIND)
    changes = [
        # Across interfaces, to other VLANs, and back.
        [*rest, guard("more", vlan=30), guard("cams", "side", vlan=41)],
        [*rest, guard("cams", vlan=30), guard("more", "side", vlan=40)],
        # One that leaves, and the other that has its frames is tightened.
        [rest[1], guard("cams", vlan=31), guard("rest")],
        # And the other way round.
        [*rest, guard("cams", vlan=30)],
    ]
    with none_arrives(site, sent):
        for number in range(20):
            if number % 3 == 0:
                site.daemon.ask("disarm", guard="cams")
            reload(site, changes[number % 4])
        site.passes(site.frame(**lock.BEHIND))
    reload(site, rest)
    site.passes(sent)


def with_policy():
    """Guards trade VLANs, and a policy brings a camera to one of them.

    Before, nobody knows the camera; after, it belongs in the other VLAN.
    """
    guards = [guard("cams", vlan=30), guard("more", vlan=31)]
    site = lock.behind_trunk(guards, (30, 31))
    new = {"name": "new", "mac": lock.BEHIND["mac"], "profile": "dome",
           "addresses": [lock.BEHIND["src"]], "guard": "cams"}

    def change(number):
        even = number % 2
        site.daemon.configure([guard("cams", vlan=30 + even),
                               guard("more", vlan=31 - even)])
        site.daemon.write_policy(lock.text(number + 1, guard="cams",
                                           more=[new] if even else ()))

    return site, change


def test_traded_with_policy():
    "a policy and guards that one reload brings: a packet meets both, or neither"
    site, change = with_policy()
    sent = site.frame(vlans=(30,), **lock.BEHIND)
    with none_arrives(site, sent, how=send_at_steps):
        for number in range(1, 20):
            change(number)
            site.daemon.ask("reload")
    site.passes(site.frame(vlans=(31,), **lock.BEHIND))


def test_traded_and_renamed():
    "nor does a name help that the interface loses when its guards are held"
    site, change = with_policy()
    sent = site.frame(vlans=(30,), **lock.BEHIND)

    def rename():
        site.gw.batch(["link set trunk down", "link set trunk name lan0",
                       "link set lan0 up"])
        # Only then does the camera's end send again.
        net.wait_for(lambda: "LOWER_UP" in site.rig.cam.ip(
            "link show eth0"), what="the camera's link")

    change(1)
    with none_arrives(site, sent, how=functools.partial(send_at_steps,
                                                        first=rename)):
        site.daemon.ask("reload")
    site.passes(site.frame(vlans=(31,), **lock.BEHIND))


def test_traded_over_a_restart():
    "the same while the daemon is away, and when it comes back"
    site, change = with_policy()
    sent = site.frame(vlans=(30,), **lock.BEHIND)
    with none_arrives(site, sent, how=send_at_steps):
        for number in range(1, 8):
            site.daemon.stop()
            change(number)
            site.daemon.start()
    site.passes(site.frame(vlans=(31,), **lock.BEHIND))


def test_disarmed_with_policy():
    "a guard that is disarmed, and armed elsewhere with a policy, is held there"
    more = guard("more", vlan=30)
    site = lock.behind_trunk([more, guard("cams", "side", vlan=41)], (30,))
    new = {"name": "new", "mac": lock.BEHIND["mac"], "profile": "dome",
           "addresses": [lock.BEHIND["src"]], "guard": "more"}
    sent = site.frame(vlans=(30,), **lock.BEHIND)
    site.daemon.ask("disarm", guard="cams")
    site.daemon.configure([more, guard("cams", "v30")])
    site.daemon.write_policy(lock.text(2, more=[new]))
    with none_arrives(site, sent, how=send_at_steps):
        site.daemon.ask("reload")
    # Two guards judge it, and only one knows it.
    reload(site, [more])
    site.passes(site.frame(vlans=(30,), **lock.BEHIND))


def test_refused_move():
    "where a guard could not be moved, nothing passes, whoever was there before"
    site = lock.behind_trunk([guard("cams")], ())
    tun = io.Tun(site.gw, "tun0")
    site.net.defer(tun.close)
    site.gw.up("tun0")
    site.gw.sysctl("ipv4/conf/tun0/rp_filter", 0)

    def packet():
        return frames.pack_ip("10.50.0.9", rig.PEER_IP, frames.udp(
            40000, rig.PEER_PORT, site.payload()))

    site.passes(packet(), link=tun)
    reload(site, [guard("cams"), guard("routed", "tun0", identity="ip")])
    # It has no Ethernet header: only addresses identify who sends there.
    site.daemon.configure([guard("cams", "tun0")])
    site.daemon.denied("reload")
    site.blocked(packet(), "cams", link=tun)
    site.daemon.kill()
    site.daemon.start()
    site.blocked(packet(), "cams", link=tun)
    site.daemon.denied("arm", guard="routed")
    site.blocked(packet(), "cams", link=tun)
    reload(site, [guard("cams")])
    site.passes(packet(), link=tun)


def trade_modes(names, interfaces, vlans, frame_vlans, prepare):
    "Two guards that judge the same frames: one of them always enforces."
    modes = ["audit", "enforce"]
    site = lock.behind_trunk([guard("rest", "lan", mode="audit")], vlans)
    prepare(site)
    sent = site.frame(vlans=frame_vlans, **lock.BEHIND)
    between = [guard(f"g{i}", vlan=100 + i) for i in range(10)]

    def turn():
        modes.reverse()
        pair = [guard(name, interface, mode=mode) for name, interface, mode
                in zip(names, interfaces, modes)]
        # Others that change as well, so that it takes a while.
        for one in between:
            one["mode"] = modes[0]
        reload(site, [pair[0], *between, pair[1]])

    turn()
    with none_arrives(site, sent, how=send_at_steps):
        for _ in range(20):
            turn()
    reload(site, [guard(name, interface, mode="audit")
                  for name, interface in zip(names, interfaces)])
    site.passes(sent)


def test_modes_of_stacked():
    "a guard on the trunk and one on its VLAN device trade modes: one enforces"
    trade_modes(("below", "above"), ("trunk", "v30"), (30,), (30,),
                lambda site: None)


def slow_trunk(site):
    """Another's chain on the trunk, which takes longer than a reload.

    It is asked 2^20 times whether a packet is one that is not there.
    """
    site.nft("table netdev slow {",
             "chain c0 {", *["meta length 1 drop"] * 64, "}",
             *(line for i in range(1, 15) for line in
               (f"chain c{i} {{", f"jump c{i - 1}", f"jump c{i - 1}", "}")),
             "chain entry {",
             'type filter hook ingress device "trunk" priority 0',
             "jump c14", "}", "}")


def test_modes_under_way():
    "a packet that is on its way all the while meets no mixture of both"
    if os.cpu_count() < 2:
        raise tap.Skip("one processor: nobody reloads while a packet is on its way")
    modes = ["audit", "enforce"]
    site = lock.behind_trunk([guard("below"), guard("above", "v30")], (30,))
    slow_trunk(site)
    sent = site.frame(vlans=(30,), **lock.BEHIND)

    def turn():
        modes.reverse()
        reload(site, [guard("below", mode=modes[0]),
                      guard("above", "v30", mode=modes[1])])

    turn()
    link = io.Link(site.rig.cam, "eth0")
    site.net.defer(link.close)
    for _ in range(10):
        # The packet is with one processor, the daemon with another.
        sender = threading.Thread(target=link.send, args=(sent,))
        sender.start()
        turn()
        sender.join()
    reload(site, [guard("below", mode="audit"),
                  guard("above", "v30", mode="audit")])
    last = site.frame(vlans=(30,), **lock.BEHIND)
    link.send(last)
    net.wait_for(lambda: site.far.has(site.body(last)), what="the last frame")
    tap.true(not site.far.has(site.body(sent)), "a frame was let through")


def test_modes_flushed():
    "another's flush in the middle of a reload: what is held is held anew"
    modes = ["audit", "enforce"]
    site = lock.behind_trunk([guard("below"), guard("above", "v30")], (30,))
    sent = site.frame(vlans=(30,), **lock.BEHIND)
    flush = functools.partial(send_at_steps, first=lambda: site.nft(
        "flush ruleset"))
    for _ in range(6):
        modes.reverse()
        with none_arrives(site, sent, how=flush):
            reload(site, [guard("below", mode=modes[0]),
                          guard("above", "v30", mode=modes[1])])
    reload(site, [guard("below", mode="audit"),
                  guard("above", "v30", mode="audit")])
    site.passes(site.frame(vlans=(30,), **lock.BEHIND))


def test_modes_of_bridged():
    "so do guards on a bridge and on its port"
    def bridge(site):
        site.gw.ip("link add br0 type bridge forward_delay 0")
        site.gw.ip(f"link set br0 address {rig.GW_MAC} up")
        site.gw.ip("link set trunk master br0")
        site.gw.sysctl("ipv4/conf/br0/rp_filter", 0)
        site.gw.addr("br0", "10.31.0.1/24")
    trade_modes(("below", "above"), ("trunk", "br0"), (), (), bridge)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, lock.built, tap.module],
             each=daemon.cleanup)
