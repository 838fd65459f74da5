#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Events: what the multicast group tells, and what it says it left out."""

import time

from lib import net, policy, tap
from lib.rig import CAM_IP, CAM_MAC, OTHER_IP, Rig, dome


def listener(r):
    """A socket that hears the gateway's events."""
    sock = r.open()
    sock.subscribe()
    return sock


def test_generation():
    "a commit tells generation, revision and digest"
    with Rig(link=False) as r:
        ear = listener(r)
        live = r.load(revision=42, digest=b"\xab" * 32)
        event = ear.event("generation-event")
        tap.equal((event["generation"], event["revision"], event["digest"]),
                  (live, 42, b"\xab" * 32))
        r.load({}, revision=43)
        event = ear.event("generation-event")
        tap.equal((event["revision"], event["devices"]), (43, 0))


def test_no_generation():
    "what changes nothing live tells nothing"
    with Rig(link=False) as r:
        r.load()
        ear = listener(r)
        r.sock.do("txn-begin", base="live")
        r.sock.do("device-del", name="cam")
        r.sock.do("txn-abort")
        r.sock.do("txn-begin", base="empty")
        try:
            r.sock.do("txn-commit", generation=99, revision=99)
        except OSError:
            pass
        r.sock.do("txn-abort")
        policy.guard(r.sock, "end", "nonesuch")     # marks the end
        seen = []
        net.wait_for(lambda: seen.extend(ear.drain()) or
                     any(n == "guard_event" for n, _ in seen),
                     what="the last event")
        tap.equal([n for n, _ in seen], ["guard_event"])
        policy.unguard(r.sock)


def test_guard():
    "a guard waits, is armed, waits again, and is gone"
    with Rig(link=False) as r:
        r.cam = r.net.ns("cam", quiet=True)
        ear = listener(r)
        policy.guard(r.sock, "cams", "trunk", vlan=30, mode="audit")

        def state(name):
            event = ear.event("guard-event",
                              lambda a: a["state"] == name)
            tap.equal((event["name"], event["ifname"], event["vlan"],
                       event["mode"]), ("cams", "trunk", 30, "audit"))
            return event
        tap.true("ifindex" not in state("waiting"), "index while waiting")
        r.connect()
        tap.equal(state("armed")["ifindex"], r.gw.index("trunk"), "ifindex")
        r.gw.ip("link del trunk")
        state("waiting")
        policy.unguard(r.sock, "cams")
        state("gone")


def test_rename():
    "a rename is told with the new name"
    with Rig() as r:
        r.arm()
        ear = listener(r)
        r.gw.ip("link set trunk down")
        r.gw.ip("link set trunk name uplink")
        event = ear.event("guard-event", lambda a: a["ifname"] == "uplink")
        tap.equal((event["name"], event["state"]), ("cams", "armed"))


def test_drop():
    "a drop is told once for its record, not for each frame"
    with Rig() as r:
        r.arm()
        r.load(revision=7)
        ear = listener(r)
        r.bad(1)
        event = ear.event("drop-event")
        tap.equal((event["device"], event["guard"], event["mac"].hex(":"),
                   event["reason"], event["proto"], event["port"],
                   event["ethertype"], event["revision"]),
                  ("cam", "cams", CAM_MAC, "destination", 17, 5000, 0x800, 7))
        tap.equal((event["source"], event["destination"]),
                  (policy.prefix(CAM_IP)["address"],
                   policy.prefix(OTHER_IP)["address"]))
        tap.equal((event["packets"], event["lost"], event["suppressed"]),
                  (1, 0, 0))
        r.bad(50)
        r.wait_dropped(51)
        r.send(r.frame("198.51.100.99"))
        seen = []
        net.wait_for(lambda: seen.extend(ear.drain()) or any(
            a["destination"] == policy.prefix("198.51.100.99")["address"]
            for _, a in seen), what="the drop to another destination")
        tap.equal(len(seen), 1, "events")


def test_unknown():
    "an unknown device is told with its MAC and address"
    with Rig() as r:
        r.arm()
        r.load()
        ear = listener(r)
        r.send(r.frame(mac="02:00:00:00:00:99", src="10.30.0.99"))
        event = ear.event("unknown-event")
        tap.equal((event["mac"].hex(":"), event["guard"], event["reason"]),
                  ("02:00:00:00:00:99", "cams", "unknown_device"))
        tap.equal(event["source"], policy.prefix("10.30.0.99")["address"])
        tap.true("device" not in event, "an unknown device has a name")


def test_audit():
    "a would-drop says that it passed"
    with Rig() as r:
        r.arm(mode="audit")
        r.load()
        ear = listener(r)
        r.bad()
        tap.true(ear.event("drop-event").get("audit"), "no audit flag")
        r.send(r.frame(mac="02:00:00:00:00:99"))
        tap.true(ear.event("unknown-event").get("audit"), "no audit flag")


def test_suppressed():
    "a flood is told in part, the rest is counted"
    count = 3000
    with Rig() as r:
        r.arm()
        r.load()
        ear = listener(r)
        for i in range(count):
            r.send(r.frame(f"198.18.{i >> 8}.{i & 255}"))
        r.wait_dropped(count)
        heard = []

        def accounted():
            heard.extend(ear.drain())
            info = policy.info(r.sock)
            return (len(heard) + info["events_suppressed"] +
                    info["records_lost"] >= count)
        net.wait_for(accounted, what="each record to be told or counted")
        info = policy.info(r.sock)
        tap.diag(f"{len(heard)} told, {info['events_suppressed']} suppressed,"
                 f" {info['records_lost']} lost")
        tap.equal(len(heard) + info["events_suppressed"] +
                  info["records_lost"], count)
        tap.true(heard, "nothing told")
        if not info["events_suppressed"]:
            raise tap.Skip("this machine cannot send fast enough")
        told = {a["destination"] for _, a in heard}
        tap.equal(len(told), len(heard), "told twice")
        # The next one says how much was left out; it needs a place first.
        r.sock.do("record-rotate")
        r.send(r.frame("198.51.100.77"))
        event = ear.event("drop-event")
        tap.equal(event["suppressed"], info["events_suppressed"])


def test_deaf():
    "a listener that does not read holds nobody up"
    with Rig() as r:
        r.arm()
        deaf = r.open(rcvbuf=4096)
        deaf.subscribe()
        text = dome()
        for i in range(300):
            text["profiles"]["dome"]["class"] = i % 256
            r.load(text)
        r.good(5)
        r.wait_passed(5)
        tap.equal(policy.info(r.sock)["devices"], 1)
        begin = time.monotonic()
        try:
            while deaf.events(0):
                tap.true(time.monotonic() - begin < net.TIMEOUT, "endless")
        except OSError as err:
            tap.equal(err.errno, 105, str(err))     # ENOBUFS, as is right


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
