#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counters are exact: under several processors, and across policies."""

import os
import re
import time

from lib import frames, io, net, nl, policy, tap
from lib.policy import connects
from lib.scene import GW_MAC, Scene

PEER4, PEER6, ELSE4 = "10.20.0.10", "2001:db8:20::10", "198.51.100.7"
V4, V6 = "10.30.0.17", "2001:db8:30::17"
RULES = [connects(PEER4, "udp", 5000), connects(PEER6, "udp", 5000)]
ROUNDS = 1500           # of each sender
FLOOD = 25000           # of each generator
MACS = {"cam": "02:00:5e:10:00:17", "other": "02:00:5e:10:00:18",
        "trial": "02:00:5e:10:00:19", "nobody": "02:00:5e:10:00:99"}

S = None


def policy_text(**changes):
    "Three devices, one of them only audited."
    text = {"profiles": {"p": {"class": 1, "rules": RULES},
                         "trial": {"class": 2, "mode": "audit",
                                   "rules": RULES}},
            "devices": {name: {"mac": MACS[name], "addresses": [V4, V6],
                               "profile": "trial" if name == "trial" else "p"}
                        for name in ("cam", "other", "trial")}}
    text.update(changes)
    return text


def setup():
    "Two guards."
    global S
    S = Scene()
    S.guard("cams", vlan=30)
    S.guard("yard", vlan=31)
    S.load(policy_text())


def frame(name, dst, port=5000, vlan=30, size=8, src=None):
    "A UDP frame of a device."
    return frames.eth(GW_MAC, MACS[name], frames.pack_ip(
        src or (V4 if "." in dst else V6), dst,
        frames.udp(40000, port, bytes(size))), vlans=[vlan])


def size_of(one):
    "Bytes that are counted for it."
    return len(one) - 18


class Sender:
    """A process on one processor that sends when it is told to."""

    def __init__(self, cpu, batch, rounds):
        link = io.Link(S.cam, "eth0")
        self.go, start = os.pipe()
        self.start = start
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.sched_setaffinity(0, {cpu})
                os.close(start)
                os.read(self.go, 1)
                for _ in range(rounds):
                    link.send(*batch)
                os._exit(0)
            except BaseException:
                os._exit(1)
        link.close()
        os.close(self.go)

    def run(self):
        "Go."
        os.write(self.start, b"g")
        os.close(self.start)

    def wait(self):
        "Until it is done."
        _, status = os.waitpid(self.pid, 0)
        tap.equal(status, 0, "status of a sender")


def lost():
    "Frames that the backlog of a processor had no place for."
    with open("/proc/net/softnet_stat", encoding="ascii") as file:
        return sum(int(line.split()[1], 16) for line in file)


def together(batches, rounds=ROUNDS, meanwhile=None):
    "Send each batch from a processor of its own, all at once."
    cpus = sorted(os.sched_getaffinity(0))
    before = lost()
    senders = [Sender(cpus[n % len(cpus)], batch, rounds)
               for n, batch in enumerate(batches)]
    for sender in senders:
        sender.run()
    if meanwhile:
        meanwhile(senders)
    for sender in senders:
        sender.wait()
    tap.equal(lost() - before, 0, "frames lost before they came to a guard")


def expect(want):
    "The counters changed so, and by no more."
    seen = S.await_delta(want)
    S.sync()
    tap.equal(seen, want, "counters")


def test_two_senders():
    "two processors, the same devices, guards and reasons: sums are exact"
    good, bad = frame("cam", PEER4), frame("cam", ELSE4)
    six, port = frame("cam", PEER6, size=100), frame("cam", PEER4, 5001)
    trial, who = frame("trial", ELSE4), frame("nobody", PEER4, size=500)
    yard = frame("other", PEER4, vlan=31)
    batch = [good, bad, six, port, trial, who, yard, good]
    together([batch, batch])
    n = 2 * ROUNDS
    expect({
        "guard cams passed": (3 * n, n * (2 * size_of(good) + size_of(six))),
        "guard cams dropped destination": (n, n * size_of(bad)),
        "guard cams dropped service": (n, n * size_of(port)),
        "guard cams dropped unknown_device": (n, n * size_of(who)),
        "guard cams would destination": (n, n * size_of(trial)),
        "guard yard passed": (n, n * size_of(yard)),
        "device cam passed": (3 * n, n * (2 * size_of(good) + size_of(six))),
        "device cam dropped": (2 * n, n * (size_of(bad) + size_of(port))),
        "device trial would": (n, n * size_of(trial)),
        "device other passed": (n, n * size_of(yard))})


def pktgen(name, *lines):
    "Write lines to a file of the camera's packet generator."
    def write():
        for line in lines:
            with open(f"/proc/thread-self/net/pktgen/{name}", "w",
                      encoding="ascii") as file:
                file.write(line + "\n")
    S.cam.call(write)


def generated(name):
    "Packets that it sent."
    def read():
        with open(f"/proc/thread-self/net/pktgen/{name}",
                  encoding="ascii") as file:
            return file.read()
    text = S.cam.call(read)
    tap.true("Result: OK" in text, text)
    found = re.search(r"pkts-sofar: (\d+)\s+errors: (\d+)", text)
    return int(found[1]) - int(found[2])


def test_generators():
    "the same at the kernel's own pace, a generator on each processor"
    net.run(["modprobe", "-q", "pktgen"], check=False)
    if not os.path.exists("/proc/net/pktgen"):
        raise tap.Skip("no pktgen in this kernel")
    cpus = sorted(os.sched_getaffinity(0))[:2]
    for name, dst, count in (("passed", PEER4, FLOOD),
                             ("dropped", ELSE4, FLOOD // 2)):
        for cpu in cpus:
            pktgen(f"kpktgend_{cpu}", "rem_device_all",
                   f"add_device eth0@{cpu}")
            pktgen(f"eth0@{cpu}", f"count {count}", "delay 0",
                   "clone_skb 0", "pkt_size 60", f"dst_mac {GW_MAC}",
                   f"src_mac {MACS['cam']}", f"src_min {V4}",
                   f"src_max {V4}", f"dst_min {dst}", f"dst_max {dst}",
                   "udp_dst_min 5000", "udp_dst_max 5000", "vlan_id 30")
        before = lost()
        pktgen("pgctrl", "start")
        total = sum(generated(f"eth0@{cpu}") for cpu in cpus)
        tap.equal(total, len(cpus) * count, "frames sent")
        # What a processor has no time for never comes to the guard.
        total -= lost() - before
        tap.true(total > 0, "no frame came to the guard")
        reason = "" if name == "passed" else " destination"
        net.wait_for(lambda t=total, n=name: S.delta().get(
            f"device cam {n}", (0, 0))[0] >= t, what="all frames")
        seen = S.delta()
        size = seen[f"device cam {name}"][1] // total
        expect({f"guard cams {name}{reason}": (total, total * size),
                f"device cam {name}": (total, total * size)})
    rows = [row for row in policy.records(S.sock)
            if row["destination"] == ELSE4 and row["port"] == 5000 and
            row["packets"] >= total // 4]
    tap.true(sum(row["packets"] for row in rows) >= total, f"{rows}")


def test_records_of_two_senders():
    "records are exact too, though both make and count them at once"
    policy.load(S.sock, policy_text())      # a generation of its own
    generation = policy.info(S.sock)["revision"]
    batch = [frame("cam", f"198.51.100.{n}") for n in range(50)]
    together([batch, batch[::-1], batch, batch[::-1]], 40)
    S.sync()
    total = {}
    for row in policy.records(S.sock):
        if row["revision"] == generation:
            key = row["destination"]
            packets, size = total.get(key, (0, 0))
            total[key] = (packets + row["packets"], size + row["bytes"])
    tap.equal(total, {f"198.51.100.{n}": (160, 160 * size_of(batch[n]))
                      for n in range(50)}, "records")
    tap.equal(policy.info(S.sock)["records_lost"], 0, "records lost")


def test_reading_while_counting():
    "what is read meanwhile never goes back, and never beyond the end"
    good, bad = frame("cam", PEER4), frame("cam", ELSE4)
    first = policy.device(S.sock, "cam")
    readings = []

    def read(_senders):
        for _ in range(60):
            readings.append((policy.device(S.sock, "cam"),
                             policy.guards(S.sock)["cams"]))
    together([[good, bad]] * 2, 600, read)
    expect({"guard cams passed": (1200, 1200 * size_of(good)),
            "guard cams dropped destination": (1200, 1200 * size_of(bad)),
            "device cam passed": (1200, 1200 * size_of(good)),
            "device cam dropped": (1200, 1200 * size_of(bad))})
    for key in ("passed_packets", "passed_bytes", "dropped_packets",
                "dropped_bytes"):
        values = [first[key]] + [r[0][key] for r in readings] + [
            policy.device(S.sock, "cam")[key]]
        tap.equal(values, sorted(values), f"readings of {key}")
    for key in ("passed_packets", "passed_bytes"):
        values = [r[1][key] for r in readings]
        tap.equal(values, sorted(values), f"readings of the guard's {key}")


def test_across_policies():
    "a device keeps its counters through every kind of change"
    bad, good = frame("cam", ELSE4), frame("cam", PEER4)
    S.links["eth0"].send(*[bad] * 3, *[good] * 2)
    expect({"guard cams passed": (2, 2 * size_of(good)),
            "guard cams dropped destination": (3, 3 * size_of(bad)),
            "device cam passed": (2, 2 * size_of(good)),
            "device cam dropped": (3, 3 * size_of(bad))})
    before = policy.device(S.sock, "cam")
    numbers = [k for k in before if k.endswith(("_packets", "_bytes"))]

    def same(what):
        now = policy.device(S.sock, "cam")
        for key in numbers:
            tap.equal(now[key], before[key], f"{key} {what}")

    policy.load(S.sock, policy_text())
    same("after the same policy")
    policy.load(S.sock, {"profiles": {"new": {}}}, base="live")
    same("after another profile")
    text = policy_text()
    text["devices"]["cam"].update(addresses=[V4], profile="trial")
    policy.load(S.sock, text)
    same("after other addresses and another profile")
    policy.load(S.sock, {"devices": {"cam": {
        "mac": MACS["cam"], "addresses": [V4, V6], "profile": "p"}}},
                base="live")
    same("after being replaced in the live policy")
    live = S.sock.do("txn-begin", base="live")["generation"]
    S.sock.do("device-del", name="cam")
    S.sock.do("txn-abort")
    same("after an aborted deletion")
    S.sock.do("txn-begin", base="live")
    nl.fails(116, S.sock.do, "txn-commit", generation=live + 7, revision=9999)
    S.sock.do("txn-abort")
    same("after a failed commit")
    S.links["eth0"].send(bad, good)
    S.await_delta({"guard cams passed": (1, size_of(good)),
                   "guard cams dropped destination": (1, size_of(bad)),
                   "device cam passed": (1, size_of(good)),
                   "device cam dropped": (1, size_of(bad))})
    now = policy.device(S.sock, "cam")
    tap.equal(now["passed_packets"], before["passed_packets"] + 1, "passed")
    tap.equal(now["dropped_packets"], before["dropped_packets"] + 1, "drops")
    S.sync()


def test_across_guards():
    "a device is one thing on all its guards; totals are each guard's own"
    first, second = frame("cam", ELSE4), frame("cam", ELSE4, vlan=31)
    S.links["eth0"].send(first, second, second)
    size = size_of(first)
    expect({"guard cams dropped destination": (1, size),
            "guard yard dropped destination": (2, 2 * size),
            "device cam dropped": (3, 3 * size)})


def test_bytes():
    "bytes are those of the network layer, padding included"
    for size in (0, 1, 17, 18, 19, 100, 1472):
        one = frame("cam", PEER4, size=size)
        S.links["eth0"].send(one)
        tap.equal(size_of(one), max(28 + size, 42), "the frame itself")
        expect({"guard cams passed": (1, size_of(one)),
                "device cam passed": (1, size_of(one))})


def test_last_seen():
    "last seen is now after any frame that was the device's"
    for one, late in ((frame("other", PEER4), "passed"),
                      (frame("other", ELSE4), "dropped")):
        start = int(time.time() * 1000)
        size = size_of(one)
        S.links["eth0"].send(one)
        reason = "" if late == "passed" else " destination"
        expect({f"guard cams {late}{reason}": (1, size),
                f"device other {late}": (1, size)})
        seen = policy.device(S.sock, "other")["last_seen"]
        end = int(time.time() * 1000)
        # The kernel may count time in ticks.
        tap.true(start - 1100 <= seen <= end + 1100,
                 f"last seen {seen}, sent between {start} and {end}")
    policy.load(S.sock, {"devices": {"idle": {
        "mac": "02:00:5e:10:00:20", "addresses": ["10.30.0.20"],
        "profile": "p"}}}, base="live")
    S.sync()
    tap.equal(policy.device(S.sock, "idle").get("last_seen", 0), 0, "idle")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             teardown=lambda: S.close())
