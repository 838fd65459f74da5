#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which rules are used: hits are exact, and survive what leaves rules alone."""

import errno
import os

from lib import frames, io, net, nl, policy, tap
from lib.policy import connects, serves
from lib.scene import GW_MAC, Scene

NVR4, NVR6, LAN = "10.20.0.10", "2001:db8:20::10", "10.20.0.0/24"
V4, V6 = "10.30.0.17", "2001:db8:30::17"
MACS = {"cam": "02:00:5e:10:00:17", "other": "02:00:5e:10:00:18"}
RULES = [connects(NVR4, "udp", 5000),
         connects(NVR4, "udp", (4000, 6000)),
         connects(LAN, "udp"),
         serves(NVR4, "tcp", 554),
         connects(NVR4, "icmp", 8),
         connects(NVR6, "udp", 5000),
         connects(NVR6),
         serves(NVR6, "tcp", 554)]
SWAPS = 60

S = None


def text(**profiles):
    "A policy: cam has profile p, other has q."
    profiles = {"p": RULES, "q": RULES, **profiles}
    return {"profiles": {name: {"class": 1, "rules": rules}
                         for name, rules in profiles.items()},
            "devices": {name: {"mac": MACS[name], "addresses": [V4, V6],
                               "profile": "p" if name == "cam" else "q"}
                        for name in MACS}}


def setup():
    "A guard."
    global S
    S = Scene()
    S.guard("cams", vlan=30)


def key(rule):
    "A rule without its hits."
    return tuple(sorted((name, value) for name, value in rule.items()
                        if name != "hits"))


def profile(name="p"):
    "A profile with hits, in one piece."
    parts = S.sock.dump("profile-get", name=name, hits=True)
    tap.equal({part["name"] for part in parts}, {name}, "what was asked for")
    return dict(parts[0], rule=[rule for part in parts
                                for rule in part.get("rule", [])])


def hits(rules, name="p"):
    "The hits of these rules, in their order."
    found = {key(rule): rule["hits"] for rule in profile(name)["rule"]}
    full = []
    for rule in rules:
        whole = {"peer-port-low": 0, "peer-port-high": 65535,
                 "device-port-low": 0, "device-port-high": 65535}
        whole = {k.replace("-", "_"): v for k, v in whole.items()}
        whole.update({k: v for k, v in rule.items() if v is not None})
        full.append(found[key(whole)])
    return full


def wire(packet, name="cam"):
    "A packet in a frame of a device."
    return frames.eth(GW_MAC, MACS[name], packet, vlans=[30])


def udp(dst, port, name="cam", sport=40000):
    "A UDP frame."
    return wire(frames.pack_ip(V4 if "." in dst else V6, dst,
                               frames.udp(sport, port, b"x" * 8)), name)


def tcp(dst, port, sport, flags="A"):
    "A TCP frame."
    return wire(frames.pack_ip(V4 if "." in dst else V6, dst,
                               frames.tcp(sport, port, flags)))


def send(*batch, name="cam"):
    "Send frames, and wait until all are judged."
    def judged():
        row = policy.device(S.sock, name)
        return row["passed_packets"] + row["dropped_packets"]
    link = io.Link(S.cam, "eth0")
    before = judged()
    link.send(*batch)
    link.close()
    net.wait_for(lambda: judged() >= before + len(batch), what="all frames")


def test_each_rule():
    "each frame counts once, for the rule that permits it; the others never did"
    S.load(text())
    first = profile()
    tap.equal({rule["hits"] for rule in first["rule"]}, {0}, "at the start")
    send(*[udp(NVR4, 5000)] * 7, *[udp(NVR4, 4321)] * 5,
         *[udp("10.20.0.99", 9)] * 3, *[tcp(NVR4, 40000, 554)] * 4,
         *[udp(NVR6, 5000)] * 6)
    # Dropped: a direction, a destination, a service. They count for no rule.
    send(tcp(NVR4, 40000, 554, "S"), udp("198.51.100.1", 5000),
         tcp(NVR4, 80, 40000))
    tap.equal(hits(RULES), [7, 5, 3, 4, 0, 6, 0, 0], "hits")
    tap.equal(profile()["since"], first["since"], "since")


def test_overlap():
    "of overlapping rules one is counted: the longest destination, one port first"
    rules = [connects("10.0.0.0/8"), connects(LAN, "udp", 7),
             connects(NVR4, "udp"), serves(NVR4, "udp", 40000),
             connects(NVR4, "udp", 7)]
    S.load(text(p=rules))
    send(udp(NVR4, 7), udp(NVR4, 7))
    tap.equal(hits(rules), [0, 0, 0, 0, 2], "one port of the peer")
    send(udp(NVR4, 8))
    tap.equal(hits(rules), [0, 0, 0, 1, 2], "one port of the camera")
    send(udp(NVR4, 8, sport=1))
    tap.equal(hits(rules), [0, 0, 1, 1, 2], "all ports of the host")
    send(udp("10.20.0.11", 7), udp("10.20.0.11", 8))
    tap.equal(hits(rules), [1, 1, 1, 1, 2], "shorter destinations")


def test_both_directions():
    "a camera that opens counts for the rule that it may open by"
    rules = [connects(NVR4, "tcp", None, 554), serves(NVR4, "tcp", 554)]
    S.load(text(p=rules))
    send(tcp(NVR4, 40000, 554, "S"), tcp(NVR4, 40000, 554))
    tap.equal(hits(rules), [2, 0], "hits")
    S.load(text(p=rules[1:]))
    send(tcp(NVR4, 40000, 554, "S"), tcp(NVR4, 40000, 554))
    tap.equal(hits(rules[1:]), [1], "hits without it")


def test_fragments_count():
    "so do frames of the long way: fragments, options, ICMP"
    rules = [connects(NVR4, "udp", 5000), connects(NVR4, "icmp", 8)]
    S.load(text(p=rules))
    parts = frames.fragments4(V4, NVR4, frames.udp(40000, 5000, b"x" * 100), 64)
    tap.true(len(parts) > 1, "it is in one piece")
    send(*[wire(part) for part in parts])
    send(wire(frames.pack_ip(V4, NVR4, frames.icmp(8))))
    tap.equal(hits(rules), [len(parts), 1], "hits")


def long_list(count):
    "More services of a destination than are scanned."
    return [connects(NVR4, "udp", (100 * n, 100 * n + 150))
            for n in range(1, count + 1)]


def test_long_lists():
    "of a long list of ranges the first that covers the port counts"
    rules = long_list(40)
    S.load(text(p=rules))
    send(*[udp(NVR4, 100 * n + 60) for n in range(1, 41)], udp(NVR4, 1020))
    want = [1] * 40
    # Ports of both this range and the next: whichever is first in the dump.
    seen = hits(rules)
    shared = [sum(seen[8:10])]
    tap.equal(seen[:8] + shared + seen[10:], want[:8] + [3] + want[10:],
              "hits")


def test_shared_rules():
    "profiles with the same rules count together, and say so"
    S.load(text(p=RULES[:2], q=RULES[:2]))
    send(udp(NVR4, 5000))
    send(udp(NVR4, 5000, "other"), name="other")
    for name in ("p", "q"):
        tap.equal(hits(RULES[:2], name), [2, 0], f"hits of {name}")
        tap.equal(profile(name)["shared"], 2, "profiles")


def test_swaps_under_traffic():
    "no hit is lost while policies are exchanged around the profile"
    rules = [connects(NVR4, "udp", 5000), connects(NVR6, "udp"),
             connects(NVR4, "udp", 1)]
    S.load(text(p=rules))
    since = profile()["since"]
    batch = [udp(NVR4, 5000), udp(NVR6, 77)]
    link = io.Link(S.cam, "eth0")
    before = policy.device(S.sock, "cam")["passed_packets"]
    pid = os.fork()
    if pid == 0:
        try:
            for _ in range(1000):
                link.send(*batch)
            os._exit(0)
        except BaseException:
            os._exit(1)
    for n in range(SWAPS):
        policy.load(S.sock, text(p=rules, q=RULES[:1 + n % 3]))
    tap.equal(os.waitpid(pid, 0)[1], 0, "status of the sender")
    link.close()
    net.wait_for(lambda: policy.device(S.sock, "cam")["passed_packets"] >=
                 before + 2000, what="all frames")
    tap.equal(hits(rules), [1000, 1000, 0], "hits")
    tap.equal(profile()["since"], since, "since")


def test_other_rules_begin_anew():
    "a profile whose rules change counts from zero, and says since when"
    S.load(text(p=RULES[:1], q=RULES[:2]))
    send(udp(NVR4, 5000))
    since = profile()["since"]
    S.load(text(p=RULES[:1] + RULES[3:4], q=RULES[:2]))
    tap.equal(hits(RULES[:1] + RULES[3:4]), [0, 0], "hits")
    tap.true(profile()["since"] >= since, "it counts from earlier on")


def test_who_does_not_ask():
    "a dump without the flag tells no hits; a name that is not there gives none"
    S.load(text())
    row = S.sock.dump("profile-get")[0]
    tap.true("since" not in row and "hits" not in row["rule"][0], f"{row}")
    tap.equal(S.sock.dump("profile-get", name="none", hits=True), [], "none")
    nl.fails(errno.EINVAL, S.sock.dump, "profile-get", mode=1)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             teardown=lambda: S.close())
