#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Drop records: what they say, what they add up, what happens when it is full."""

import errno
import os
import subprocess
import time

from lib import frames, net, nl, policy, tap
from lib.policy import connects, serves
from lib.scene import GW_MAC, Scene

PEER4, PEER6 = "10.20.0.10", "2001:db8:20::10"
ELSE4, ELSE6 = "198.51.100.7", "2001:db8:99::7"
MAC, TRIAL, WHO = ("02:00:5e:10:00:17", "02:00:5e:10:00:18",
                   "02:00:5e:10:00:99")
ROUTER = "02:00:5e:ff:00:01"
V4, V6 = "10.30.0.17", "2001:db8:30::17"
FAR4, FAR6 = "10.40.0.5", "2001:db8:40::5"
LOADED = "/sys/module/lenscap"

S = None


def policy_text():
    "A device of each kind."
    return {"profiles": {"p": {"class": 1, "rules": [
                connects(PEER4, "udp", 5000), connects(PEER6, "udp", 5000),
                serves(PEER4, "tcp", 554)]},
                         "trial": {"mode": "audit"}},
            "devices": {
                "cam": {"mac": MAC, "addresses": [V4, V6], "profile": "p"},
                "trial": {"mac": TRIAL, "profile": "trial",
                          "addresses": ["10.30.0.18"]},
                "far": {"addresses": [FAR4, "10.40.0.6", FAR6],
                        "profile": "p"}}}


def build():
    "Three guards, a policy, no records."
    global S
    S = Scene()
    S.guard("cams", vlan=30)
    S.guard("trials", vlan=31, mode="audit")
    S.guard("hop", vlan=40, identity="ip")
    S.load(policy_text())


def wrapped(packet, mac=MAC, vlan=30, **how):
    "A frame around it."
    return frames.eth(GW_MAC, mac, packet, vlans=[vlan], **how)


def udp(dst, port=9, src=None, data=b"lenscap"):
    "A UDP packet."
    return frames.pack_ip(src or (V4 if "." in dst else V6), dst,
                          frames.udp(40000, port, data))


def rotate():
    "Retire the active table; the answer."
    return again(lambda: S.sock.do("record-rotate"))


def retired():
    "The records of the retired table."
    return again(lambda: policy.records(S.sock, "retired"))


def again(func):
    "The result of func(), which may be refused with EAGAIN for a moment."
    box = []

    def attempt():
        try:
            box.append(func())
            return True
        except nl.NlError as err:
            if err.errno != errno.EAGAIN:
                raise
            return False
    net.wait_for(attempt, what="EAGAIN to end")
    return box[0]


def judged():
    "Frames that the guards have judged so far."
    return sum(row["passed_packets"] + sum(
        t["dropped_packets"] + t["would_packets"]
        for t in row["reasons"].values())
        for row in policy.guards(S.sock).values())


def send(*what):
    "Send frames and wait until they were judged."
    want = judged() + len(what)
    S.links["eth0"].send(*what)
    net.wait_for(lambda: judged() >= want, what=f"{len(what)} frames judged")
    tap.equal(judged(), want, "frames judged")


def recorded(*what):
    "The records that frames make, in a table of their own."
    rotate()
    retired()
    send(*what)
    rotate()
    return retired()


def only(rows):
    "The one record that there is."
    tap.equal(len(rows), 1, f"records, {rows}")
    return rows[0]


def check(row, **want):
    "A record says so, and nothing that it can not know (None)."
    start = int(time.time() * 1000)
    for key, value in want.items():
        tap.equal(row.get(key), value, f"{key} of {row}")
    tap.equal(row["revision"], policy.info(S.sock)["revision"], "revision")
    tap.true(0 < row["first"] <= row["last"] <= start + 2000 and
             row["first"] > start - 120000, f"times of {row}")


def test_udp():
    "an IPv4 and an IPv6 datagram"
    for src, dst in ((V4, ELSE4), (V6, ELSE6)):
        frame = wrapped(udp(dst, 4444))
        check(only(recorded(frame)), guard="cams", device="cam",
              mac=frames.mac(MAC), source=src, destination=dst, proto=17,
              ethertype=0x0800 if "." in dst else 0x86dd,
              port=4444, reason="destination", packets=1,
              bytes=len(frame) - 18, audit=None)


def test_protocols():
    "TCP and ICMP have a port or a type, others none"
    for dst, body, proto, port, reason in (
            (PEER4, frames.tcp(554, 9), 6, 9, "direction"),
            (PEER4, frames.tcp(555, 9), 6, 9, "service"),
            (PEER4, frames.icmp(8), 1, 8, "service"),
            (PEER6, frames.icmp6(128), 58, 128, "service"),
            (PEER4, frames.icmp(0), 1, 0, "service"),
            (PEER4, frames.proto(47, bytes(8)), 47, None, "service"),
            (PEER6, frames.hop_by_hop(frames.tcp(1, 443)), 6, 443,
             "service")):
        src = V4 if "." in dst else V6
        row = only(recorded(wrapped(frames.pack_ip(src, dst, body))))
        check(row, proto=proto, port=port, reason=reason, destination=dst,
              source=src, device="cam")


def test_not_ip():
    "ARP and other ethertypes have no addresses"
    row = only(recorded(wrapped(frames.arp(
        1, MAC, "10.30.0.1", bytes(6), "10.30.0.1"))))
    check(row, ethertype=0x0806, source=None, destination=None, proto=None,
          port=None, reason="upkeep_spoof", device="cam",
          mac=frames.mac(MAC))
    row = only(recorded(wrapped(b"lldp" * 12, kind=0x88cc)))
    check(row, ethertype=0x88cc, source=None, destination=None, proto=None,
          port=None, reason="ethertype", device="cam")


def test_unreadable():
    "what was not reached is absent"
    frame = frames.eth(GW_MAC, MAC, udp(ELSE4)[:12], 0x0800, [30], pad=False)
    check(only(recorded(frame)), reason="truncated", source=None, proto=None,
          destination=None, port=None, device="cam")
    frame = wrapped(frames.ipv4(V4, ELSE4, b"lenscap!", proto=17, offset=9))
    check(only(recorded(frame)), reason="destination", source=V4, proto=17,
          destination=ELSE4, port=None)
    frame = wrapped(frames.ipv6(V6, PEER6, frames.routing(
        frames.udp(1, 5000))))
    check(only(recorded(frame)), reason="ext_header", source=V6, port=None,
          destination=PEER6)


def test_unknown():
    "an unknown device has no name but a MAC; behind a hop an address"
    check(only(recorded(wrapped(udp(PEER4, 5000, "10.30.0.77"), WHO))),
          device=None, mac=frames.mac(WHO), source="10.30.0.77",
          destination=PEER4, proto=17, port=5000, guard="cams",
          reason="unknown_device")
    check(only(recorded(wrapped(udp(PEER4, 5000, "10.40.0.77"), ROUTER, 40))),
          device=None, source="10.40.0.77", destination=PEER4, guard="hop",
          mac=frames.mac(ROUTER), reason="unknown_device")


def test_audited():
    "what was only audited says so, by profile or by guard"
    row = only(recorded(wrapped(udp(ELSE4, 9, "10.30.0.18"), TRIAL)))
    check(row, device="trial", guard="cams", reason="destination", audit=True)
    row = only(recorded(wrapped(udp(ELSE4), vlan=31)))
    check(row, device="cam", guard="trials", reason="destination", audit=True)
    row = only(recorded(wrapped(udp(ELSE4), WHO, 31)))
    check(row, device=None, guard="trials", reason="unknown_device",
          audit=True)


def test_same_key_adds_up():
    "one record for all of a kind; the source is the first frame's"
    batch = [wrapped(udp(ELSE4, 9, src=f"10.30.0.{n}", data=bytes(n)))
             for n in range(100, 110)]
    row = only(recorded(*batch * 5))
    check(row, packets=50, bytes=5 * sum(len(f) - 18 for f in batch),
          source="10.30.0.100", reason="wrong_source")
    rows = recorded(*[wrapped(udp(PEER4, 5000), WHO)] * 7)
    check(only(rows), packets=7)


def test_different_keys_do_not():
    "another destination, port, protocol, MAC, guard or reason: its own"
    packets = [udp(ELSE4, 9), udp("198.51.100.8", 9), udp(ELSE4, 10),
               frames.pack_ip(V4, ELSE4, frames.tcp(1, 9)), udp(ELSE6, 9)]
    batch = [wrapped(p, mac, vlan) for p in packets
             for mac in (MAC, WHO) for vlan in (30, 31)]
    batch.append(wrapped(udp(ELSE4, 9, src="10.30.0.99")))
    rows = recorded(*batch * 3)
    tap.equal(len(rows), len(batch), "records")
    tap.equal({row["packets"] for row in rows}, {3}, "packets of each")


def test_sources_behind_a_hop():
    "behind a hop the source is part of the key"
    batch = [wrapped(udp(ELSE4, 9, src), ROUTER, 40)
             for src in (FAR4, "10.40.0.6", "10.40.0.77", "10.40.0.78")]
    rows = recorded(*batch * 2)
    tap.equal(sorted((row["source"], row.get("device"), row["packets"])
                     for row in rows),
              [("10.40.0.5", "far", 2), ("10.40.0.6", "far", 2),
               ("10.40.0.77", None, 2), ("10.40.0.78", None, 2)], "records")


def test_generations():
    "a record belongs to the policy that judged"
    rotate()
    retired()
    old = policy.info(S.sock)["revision"]
    send(wrapped(udp(ELSE4)))
    policy.load(S.sock, policy_text())
    send(wrapped(udp(ELSE4)), wrapped(udp(ELSE4)))
    rotate()
    tap.equal(sorted((row["revision"], row["packets"]) for row in retired()),
              [(old, 1), (old + 1, 2)], "records")


def test_passed_makes_none():
    "what passes is not recorded"
    tap.equal(recorded(wrapped(udp(PEER4, 5000)),
                       wrapped(frames.arp(1, MAC, V4, bytes(6), ELSE4))), [],
              "records")


def test_rotation():
    "each frame is in exactly one table; the answer tells how many records"
    rotate()
    retired()
    send(*[wrapped(udp(ELSE4, port)) for port in (1, 2, 3)])
    tap.equal(len(policy.records(S.sock)), 3, "active records")
    tap.equal(policy.info(S.sock)["records"], 3, "records in info")
    answer = rotate()
    tap.equal(answer["records"], 3, "records in the answer")
    tap.equal(policy.records(S.sock), [], "active records")
    tap.equal(policy.info(S.sock)["records"], 0, "records in info")
    send(*[wrapped(udp(ELSE4, port)) for port in (3, 4)])
    tap.equal(sorted(r["port"] for r in retired()), [1, 2, 3], "retired")
    tap.equal(sorted(r["port"] for r in retired()), [1, 2, 3], "read twice")
    tap.equal(rotate()["records"], 2, "records in the answer")
    tap.equal(sorted(r["port"] for r in retired()), [3, 4], "retired")
    tap.equal(rotate()["records"], 0, "records in the answer")
    tap.equal(retired(), [], "retired")


def test_rotation_under_traffic():
    "a reader that rotates all the time gets every frame once"
    rotate()
    retired()
    batch = [wrapped(udp(ELSE4, 1000 + n)) for n in range(20)]
    pid = os.fork()
    if pid == 0:
        try:
            for _ in range(100):
                S.links["eth0"].send(*batch)
            os._exit(0)
        except BaseException:
            os._exit(1)
    total = {}

    def collect():
        rotate()
        for row in retired():
            total[row["port"]] = total.get(row["port"], 0) + row["packets"]
    turns, status = 0, None
    while status is None:
        collect()
        turns += 1
        done, code = os.waitpid(pid, os.WNOHANG)
        status = code if done else None
    tap.equal(status, 0, "the sender")
    collect()
    tap.diag(f"{turns} rotations")
    tap.equal(total, {1000 + n: 100 for n in range(20)}, "frames by port")
    tap.equal(policy.info(S.sock)["records_lost"], 0, "lost")


def small(records):
    "Load the module anew with tables of that size; 0: of the usual one."
    def idle():
        with open(f"{LOADED}/refcnt", encoding="ascii") as file:
            return int(file.read()) == 0
    # Namespaces that were deleted take their guards down a little later.
    try:
        net.wait_for(idle)
    except net.WaitTimeout as err:
        raise tap.Skip("the module is used elsewhere") from err
    path = os.environ.get("LENSCAP_MODULE")
    net.wait_for(lambda: subprocess.run(
        ["rmmod", "lenscap"], stderr=subprocess.DEVNULL,
        check=False).returncode == 0, what="rmmod")
    argv = ["insmod", path] if path else ["modprobe", "lenscap"]
    if records:
        argv.append(f"records={records}")
    net.run(argv)


def test_full():
    "what has no place is counted as lost, exactly, and pushes nothing out"
    global S
    S.close()
    try:
        for asked, size in ((16, 16), (1, 16), (33, 64)):
            small(asked)
            build()
            tap.equal(policy.info(S.sock)["records_max"], size, "places")
            batch = [wrapped(udp(ELSE4, 1000 + n)) for n in range(200)]
            send(*batch)
            first = policy.records(S.sock)
            lost = policy.info(S.sock)["records_lost"]
            tap.true(size // 2 <= len(first) <= size,
                     f"{len(first)} records in {size} places")
            tap.equal({r["packets"] for r in first}, {1}, "packets of each")
            tap.equal(len(first) + lost, 200, "records and lost frames")
            send(*batch, *batch)
            rows = policy.records(S.sock)
            tap.equal(sorted(r["port"] for r in rows),
                      sorted(r["port"] for r in first), "records that stay")
            tap.equal({r["packets"] for r in rows}, {3}, "packets of each")
            lost = policy.info(S.sock)["records_lost"]
            tap.equal(3 * len(rows) + lost, 600, "all frames")
            tap.equal(policy.reason(S.sock, "cams", "destination")
                      ["dropped_packets"], 600, "total of the guard")
            tap.equal(policy.device(S.sock, "cam")["dropped_packets"], 600,
                      "total of the device")
            tap.equal(rotate()["lost"], lost, "lost in the answer")
            tap.equal(len(retired()), len(rows), "retired records")
            send(batch[0])
            tap.equal(len(policy.records(S.sock)), 1, "place again")
            tap.equal(policy.info(S.sock)["records_lost"], lost, "lost")
            S.close()
    finally:
        S.close()
        small(0)
        build()


def test_unread_is_lost():
    "records that are thrown away unread are lost, and counted so"
    rotate()
    retired()
    before = policy.info(S.sock)["records_lost"]
    send(*[wrapped(udp(ELSE4, port)) for port in (1, 2, 2)])
    rotate()
    tap.equal(policy.info(S.sock)["records_lost"], before, "lost")
    tap.equal(rotate()["lost"], before + 3, "lost after another rotation")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=build,
             teardown=lambda: S.close())
