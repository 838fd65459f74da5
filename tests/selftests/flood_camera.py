#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A camera that floods: with destinations, MACs, fragments, all at random.

Meanwhile another camera's frames all pass, the daemon answers, and afterwards
the sums are exact: what was sent is what was passed and dropped, and what was
dropped is in a record or in records_lost. Nothing grows: tables are allocated
beforehand, and the daemon keeps as much as it says.
"""

import os
import random

from lib import daemon, frames, io, net, policy, rig, tap

ROUNDS, BATCH = 40, 250         # frames of a flood: ROUNDS * BATCH
GOOD = 400                      # frames of the camera that is well, at least
FLOOD_MAC, FLOOD_IP = "02:01:00:00:00:01", "10.64.0.1"     # daemon.dome()
FLOOD_IP6 = "2001:db8:30::1"


def started():
    "A daemon, a camera that is well (cam), and one that floods."
    r, d = daemon.world()
    d.write_policy(daemon.dome(revision=10, devices=2))
    d.start()
    return r, d


class Flood:
    """A process that sends rounds of frames, as many of each as it is told."""

    def __init__(self, r, make, seed):
        link = io.Link(r.cam, "eth0")
        self.pid = os.fork()
        if self.pid == 0:
            try:
                pick = random.Random(seed)
                for _ in range(ROUNDS):
                    link.send(*[make(pick) for _ in range(BATCH)])
                os._exit(0)
            except BaseException:
                os._exit(1)
        link.close()
        self.ended = False

    def over(self):
        "Has it ended? Well, or the test fails."
        if not self.ended:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.ended = bool(pid)
            tap.equal(status, 0, "status of the flood")
        return self.ended


def lost():
    "Frames that the backlog of a processor had no place for."
    with open("/proc/net/softnet_stat", encoding="ascii") as file:
        return sum(int(line.split()[1], 16) for line in file)


def dropped(r):
    "Frames that the guard dropped, by reason."
    return {reason: total["dropped_packets"] for reason, total in
            policy.guards(r.sock)["cams"]["reasons"].items()
            if total["dropped_packets"]}


def memory(d):
    "Most kilobytes that the daemon ever had."
    with open(f"/proc/{d.process.pid}/status", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file
                        if line.startswith("VmHWM")))


def bounds(r):
    "What must not grow in the kernel."
    info = policy.info(r.sock)
    return {key: info[key] for key in ("memory", "records_max",
                                       "fragments_max", "devices")}


def withstand(make, reasons, passed=0):
    """Flood, twice; passed is the share of the flood that the policy permits.

    The second time the daemon must not need more memory than the first.
    """
    r, d = started()
    total = good = permitted = 0
    peaks, before, backlog = [], bounds(r), lost()
    for seed in (1, 2):
        flood = Flood(r, make, seed)
        sent = 0
        while not flood.over() or sent < GOOD:
            r.good(10)
            sent += 10
            tap.equal(d.ask("status")["daemon"]["state"], "ok", "state")
        good += sent
        total += ROUNDS * BATCH
        net.wait_for(lambda: sum(dropped(r).values()) + r.counter(
            "passed_packets", "more-000001") == total, what="the flood")
        permitted = r.counter("passed_packets", "more-000001")
        net.wait_for(lambda: r.counter("passed_packets") == good,
                     what="all frames of the camera that is well")
        tap.equal(r.counter("dropped_packets"), 0, "frames of it dropped")
        # Each dropped frame is in a record that the daemon wrote, or counted.
        net.wait_for(lambda: sum(x["packets"] for x in d.drops()) +
                     policy.info(r.sock)["records_lost"] ==
                     total - permitted, what="records of all")
        peaks.append(memory(d))
    tap.equal(lost() - backlog, 0, "frames lost before they came to the guard")
    tap.equal(bounds(r), before, "what must not grow")
    tap.equal(set(dropped(r)), set(reasons), "reasons")
    tap.true(permitted if passed else not permitted, f"{permitted} passed")
    tap.true(peaks[1] - peaks[0] < 8 << 10, f"the daemon grew: {peaks} kB")
    answer = d.ask("status")["module"]
    tap.true(answer["records"] <= answer["records_max"], "records")
    tap.equal(answer["records_lost"], policy.info(r.sock)["records_lost"],
              "records_lost of status")
    tap.diag(f"{total} frames, {permitted} passed, {dropped(r)} dropped, "
             f"{answer['records_lost']} without a record, "
             f"{answer['fragments_lost']} packets in fragments lost; "
             f"{good} of the other camera; {peaks} kB")
    return answer


def address(pick):
    "Anybody's."
    return pick.getrandbits(32).to_bytes(4, "big")


def test_destinations():
    "each frame to another destination and port"
    def make(pick):
        return frames.eth(rig.GW_MAC, FLOOD_MAC, frames.ipv4(
            FLOOD_IP, b"\xc6" + address(pick)[1:],
            frames.udp(pick.randrange(65536), pick.randrange(65536))))
    withstand(make, {"destination"})


def test_macs():
    "each frame from another MAC and address"
    def make(pick):
        return frames.eth(rig.GW_MAC, b"\x06" + pick.randbytes(5),
                          frames.ipv4(address(pick), address(pick),
                                      frames.udp(1, 2)))
    withstand(make, {"unknown_device"})


def test_sources():
    "each frame from another address, of both families"
    def make(pick):
        if pick.random() < 0.5:
            packet = frames.ipv4(b"\x0b" + address(pick)[1:], rig.PEER_IP,
                                 frames.udp(1, rig.PEER_PORT))
        else:
            packet = frames.ipv6(b"\x20\x02" + pick.randbytes(14), FLOOD_IP6,
                                 frames.udp(1, rig.PEER_PORT))
        return frames.eth(rig.GW_MAC, FLOOD_MAC, packet)
    withstand(make, {"wrong_source"})


def test_fragments():
    "first fragments that are permitted, and later ones of nothing"
    def make(pick):
        ident = pick.randrange(65536)
        if pick.random() < 0.5:
            packet = frames.ipv4(FLOOD_IP, rig.PEER_IP, frames.udp(
                1, rig.PEER_PORT, bytes(24), length=2000), mf=True, ident=ident)
        else:
            packet = frames.ipv4(FLOOD_IP, rig.PEER_IP, bytes(24),
                                 proto=frames.UDP, ident=ident,
                                 offset=pick.randrange(3, 100), mf=True)
        return frames.eth(rig.GW_MAC, FLOOD_MAC, packet)
    answer = withstand(make, {"fragment"}, passed=0.5)
    tap.true(answer["fragments_lost"] > ROUNDS * BATCH // 4,
             "packets in fragments lost")


def test_noise():
    "frames of random bytes, of its own MAC and others'"
    def make(pick):
        mac = FLOOD_MAC if pick.random() < 0.5 else pick.randbytes(6)
        kind = pick.choice((0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x888e))
        data = pick.randbytes(pick.randrange(46, 200))
        if kind in (0x8100, 0x88a8):
            data = b"\0\x07" + data[2:]
        return frames.eth(rig.GW_MAC, mac, data, kind=kind)
    r, _ = started()
    flood = Flood(r, make, 3)
    sent = 0
    while not flood.over() or sent < GOOD:
        r.good(10)
        sent += 10
    net.wait_for(lambda: r.counter("passed_packets") == sent and
                 sum(dropped(r).values()) == ROUNDS * BATCH,
                 what="all of both")
    tap.diag(f"{dropped(r)}")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built],
             each=daemon.cleanup)
