#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counters belong to the device or guard, and survive every change."""

from lib import frames, policy, tap
from lib.rig import CAM_IP, CAM_MAC, OTHER_IP, Rig, dome

SIZE = 20 + 8 + 100         # network-layer bytes of a test packet
DATA = bytes(100)


def counts(r, name="cam"):
    """Passed, dropped and would-drop packets of a device."""
    row = policy.device(r.sock, name)
    return tuple(row[k + "_packets"] for k in ("passed", "dropped", "would"))


def test_exact():
    "packets and bytes of a device, its guard, and the reason"
    with Rig() as r:
        r.arm()
        r.load()
        r.send(r.frame(data=DATA), count=7)
        r.send(r.frame(OTHER_IP, data=DATA), count=5)
        r.wait_passed(7)
        r.wait_dropped(5)
        row = policy.device(r.sock, "cam")
        tap.equal((row["passed_bytes"], row["dropped_bytes"]),
                  (7 * SIZE, 5 * SIZE))
        tap.equal((row["would_packets"], row["would_bytes"]), (0, 0))
        tap.true(row["last_seen"] > 1_600_000_000_000, "last seen")
        guard = policy.guards(r.sock)["cams"]
        tap.equal((guard["passed_packets"], guard["passed_bytes"]),
                  (7, 7 * SIZE))
        tap.equal(list(guard["reasons"]), ["destination"])
        why = guard["reasons"]["destination"]
        tap.equal((why["dropped_packets"], why["dropped_bytes"],
                   why["would_packets"]), (5, 5 * SIZE, 0))


def test_padding():
    "what Ethernet pads is counted as received, not more"
    with Rig() as r:
        r.arm()
        r.load()
        r.send(r.frame(data=b""))
        r.wait_passed(1)
        tap.equal(policy.device(r.sock, "cam")["passed_bytes"], 60 - 14)


def test_unknown():
    "an unknown device counts at the guard only"
    with Rig() as r:
        r.arm()
        r.load()
        r.send(r.frame(mac="02:00:00:00:00:99"), count=3)
        r.wait_reason("cams", "unknown_device", 3)
        tap.equal(counts(r), (0, 0, 0))


def test_no_policy():
    "without a policy the guard drops and counts"
    with Rig() as r:
        r.arm()
        r.good(4)
        r.wait_reason("cams", "no_policy", 4)
        tap.equal(policy.guards(r.sock)["cams"]["passed_packets"], 0)


def test_audit_apart():
    "what was audited is never mixed with what was dropped"
    with Rig() as r:
        r.arm()
        text = dome()
        r.load(text)
        r.bad(2)
        r.wait_dropped(2)
        text["profiles"]["dome"]["mode"] = "audit"
        r.load(text)
        r.bad(3)
        r.good(1)
        r.wait_counter("would_packets", 3)
        r.wait_passed(1)
        tap.equal(counts(r), (1, 2, 3))
        why = policy.reason(r.sock, "cams", "destination")
        tap.equal((why["dropped_packets"], why["would_packets"]), (2, 3))
        rows = {bool(x.get("audit")): x["packets"]
                for x in policy.records(r.sock)}
        tap.equal(rows, {False: 2, True: 3}, "records")


def test_swap():
    "counters survive commits from nothing and from the live generation"
    with Rig() as r:
        r.arm()
        r.load()
        r.good(3)
        r.bad(2)
        r.wait_passed(3)
        r.wait_dropped(2)
        seen = policy.device(r.sock, "cam")
        r.load()
        tap.equal(policy.device(r.sock, "cam"), seen, "same policy again")
        text = dome()
        text["devices"]["cam"]["addresses"] = [CAM_IP, "10.30.0.0/28"]
        text["devices"]["cam2"] = {"mac": "02:00:00:00:00:02",
                                   "addresses": ["10.30.0.18"],
                                   "profile": "dome"}
        r.load(text, base="live")
        r.good(1)
        r.wait_passed(4)
        tap.equal(counts(r), (4, 2, 0))
        tap.equal(counts(r, "cam2"), (0, 0, 0))
        # An aborted removal is none.
        r.sock.do("txn-begin", base="live")
        r.sock.do("device-del", name="cam")
        r.sock.do("txn-abort")
        tap.equal(counts(r), (4, 2, 0))
        # Another MAC: the same camera with a new network card.
        text["devices"]["cam"]["mac"] = "02:00:00:00:00:03"
        r.load(text)
        tap.equal(counts(r), (4, 2, 0))


def test_removed():
    "a device that was removed starts from zero when it returns"
    with Rig() as r:
        r.arm()
        r.load()
        r.good(3)
        r.wait_passed(3)
        r.load({})
        r.load()
        tap.equal(counts(r), (0, 0, 0))


def test_guard_replaced():
    "a guard's totals survive a change of its settings"
    with Rig() as r:
        r.arm()
        r.load()
        r.good(2)
        r.bad(3)
        r.wait_passed(2)
        r.wait_dropped(3)
        r.arm(mode="audit", subnets=["10.30.0.0/24"])
        guard = policy.guards(r.sock)["cams"]
        tap.equal((guard["mode"], guard["passed_packets"],
                   guard["reasons"]["destination"]["dropped_packets"]),
                  ("audit", 2, 3))


def test_guard_any_two():
    "one device on two guards counts once at each"
    with Rig() as r:
        r.arm("cams", vlan=30)
        r.arm("rest")
        r.load()
        r.send(r.frame(vlans=[30]), count=2)
        r.send(r.frame(), count=3)
        r.wait_passed(5)
        rows = policy.guards(r.sock)
        tap.equal((rows["cams"]["passed_packets"],
                   rows["rest"]["passed_packets"]), (2, 3))


def test_generation_in_records():
    "records of one generation are not those of the next"
    with Rig() as r:
        r.arm()
        r.load(revision=5)
        r.bad(1)
        r.wait_dropped(1)
        r.load(revision=6)
        r.bad(2)
        r.wait_dropped(3)
        tap.equal({x["revision"]: x["packets"]
                   for x in policy.records(r.sock)}, {5: 1, 6: 2})


def test_arp():
    "upkeep counts as passed"
    with Rig() as r:
        r.arm()
        r.load()
        ask = frames.arp(1, CAM_MAC, CAM_IP, bytes(6), "10.30.0.1")
        r.send(frames.eth(frames.BROADCAST, CAM_MAC, ask))
        r.wait_passed(1)
        tap.equal(counts(r), (1, 0, 0))


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
