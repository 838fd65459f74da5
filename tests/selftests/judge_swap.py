#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One packet, one policy: swaps under traffic.

Two policies disagree about everything: which address the camera has, where it
may go, which class it gets. Frames that fit a mixture of the two, and neither
of them, must never pass; frames that fit both must never be dropped. What
came through is counted by nftables, behind the guard.
"""

import json
import os
import signal

from lib import frames, net, policy, tap
from lib.policy import connects
from lib.scene import GW_MAC, Scene

MAC, STEADY, GHOST = ("02:00:5e:10:00:17", "02:00:5e:10:00:18",
                      "02:00:5e:10:00:19")
ONE = ("10.30.0.1", "10.20.0.1", "2001:db8:30::1", "2001:db8:20::1")
TWO = ("10.30.0.2", "10.20.0.2", "2001:db8:30::2", "2001:db8:20::2")
SWAPS = 80

S = None


def side(mine, cls, extra):
    "One of the two policies."
    src4, dst4, src6, dst6 = mine
    text = {"profiles": {
                "p": {"class": cls, "rules": [connects(dst4, "udp", 5000),
                                              connects(dst6, "udp", 5000)]},
                "steady": {"class": 9, "rules": [
                    connects("10.20.0.0/24", "udp", 5000)]}},
            "devices": {
                "cam": {"mac": MAC, "profile": "p",
                        "addresses": [src4, src6]},
                "steady": {"mac": STEADY, "profile": "steady",
                           "addresses": ["10.30.0.9"]}}}
    # Ballast, so that the two generations look different in memory.
    for n in range(extra):
        text["devices"][f"ballast{n}"] = {
            "mac": f"02:00:5e:20:{n >> 8:02x}:{n & 255:02x}",
            "profile": "p", "addresses": [f"10.99.{n >> 8}.{n & 255}"]}
    return text


def setup():
    "A guard, and nftables that counts what comes out by kind and mark."
    global S
    S = Scene()
    S.guard("cams", vlan=30)
    rules = []
    for kind, match in kinds().items():
        for cls in (1, 2, 9):
            rules.append(f"{match} meta mark {0x4c000000 | cls:#x} "
                         f"counter name {kind}_{cls} return")
        rules.append(f"{match} counter name {kind}_other return")
    names = [f"{kind}_{cls}" for kind in kinds()
             for cls in (1, 2, 9, "other")]
    S.gw.nft(["-f", "-"], "table netdev swap {\n" +
             "".join(f"counter {name} {{}}\n" for name in names) +
             "counter rest {}\n"
             "chain c { type filter hook ingress device trunk priority 0\n" +
             "\n".join(rules) + "\ncounter name rest\n}\n}\n")


def kinds():
    "Kinds of frames by what nftables sees of them."
    out = {}
    for name, (src4, dst4, src6, dst6) in {
            "one": ONE, "two": TWO,
            "mix": (ONE[0], TWO[1], ONE[2], TWO[3]),
            "xim": (TWO[0], ONE[1], TWO[2], ONE[3])}.items():
        out[f"{name}4"] = f"ip saddr {src4} ip daddr {dst4}"
        out[f"{name}6"] = f"ip6 saddr {src6} ip6 daddr {dst6}"
    out["steady"] = "ip saddr 10.30.0.9"
    out["ghost"] = "ip saddr 10.30.0.8"
    return out


def counted():
    "{kind_class: packets} that came out; only what did."
    listing = json.loads(S.gw.nft(
        "-j list counters table netdev swap").stdout)
    return {item["counter"]["name"]: item["counter"]["packets"]
            for item in listing["nftables"]
            if item.get("counter", {}).get("packets")}


def frame(mac, src, dst):
    "A datagram."
    return frames.eth(GW_MAC, mac, frames.pack_ip(
        src, dst, frames.udp(40000, 5000, b"lenscap")), vlans=[30])


def batch():
    "One frame of each kind that must, may or must not pass."
    out = []
    for src, dst in ((ONE, ONE), (TWO, TWO), (ONE, TWO), (TWO, ONE)):
        out += [frame(MAC, src[0], dst[1]), frame(MAC, src[2], dst[3])]
    out.append(frame(STEADY, "10.30.0.9", "10.20.0.1"))
    out.append(frame(GHOST, "10.30.0.8", "10.20.0.1"))
    return out


class Traffic:
    """Processes that send the batch until they are told to stop."""

    def __init__(self, count=2):
        self.pids = []
        self.pipes = []
        cpus = sorted(os.sched_getaffinity(0))
        for n in range(count):
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    stop = []
                    signal.signal(signal.SIGUSR1, lambda *_: stop.append(1))
                    os.sched_setaffinity(0, {cpus[n % len(cpus)]})
                    rounds, what = 0, batch()
                    os.write(writer, b"r")
                    while not stop:
                        S.links["eth0"].send(*what)
                        rounds += 1
                    os.write(writer, b"%d" % rounds)
                    os._exit(0)
                except BaseException:
                    os._exit(1)
            os.close(writer)
            os.read(reader, 1)
            self.pids.append(pid)
            self.pipes.append(reader)

    def stop(self):
        "Stop; how often each frame was sent."
        rounds = 0
        for pid in self.pids:
            os.kill(pid, signal.SIGUSR1)
        for pid, pipe in zip(self.pids, self.pipes):
            _, status = os.waitpid(pid, 0)
            tap.equal(status, 0, "status of a sender")
            rounds += int(os.read(pipe, 100))
            os.close(pipe)
        return rounds


def judged():
    "Frames that the guard has judged."
    row = policy.guards(S.sock)["cams"]
    return row["passed_packets"] + sum(r["dropped_packets"]
                                       for r in row["reasons"].values())


def run(swap, extra_frames=0):
    "Traffic while swap(n) is called SWAPS times; (rounds, counters)."
    S.gw.nft("reset counters table netdev swap")
    S.sync()
    before = judged()
    traffic = Traffic()
    try:
        for n in range(SWAPS):
            swap(n)
    finally:
        rounds = traffic.stop()
    want = before + rounds * len(batch()) + extra_frames
    net.wait_for(lambda: judged() >= want, what="all frames to be judged")
    tap.equal(judged(), want, "frames judged")
    tap.diag(f"{rounds} rounds of {len(batch())} frames, {SWAPS} swaps")
    return rounds, counted()


def neither(seen):
    "Nothing that no policy allows came out."
    wrong = {name: count for name, count in seen.items()
             if not name.startswith(("steady_9", "one4_1", "one6_1",
                                     "two4_2", "two6_2"))}
    tap.equal(wrong, {}, "frames that neither policy allows")


def test_whole_policies():
    "two policies in turn: each frame met the one or the other"
    sides = [side(ONE, 1, 0), side(TWO, 2, 40)]
    policy.load(S.sock, sides[1])
    rounds, seen = run(lambda n: policy.load(S.sock, sides[n % 2]))
    neither(seen)
    tap.equal(seen["steady_9"], rounds, "frames that both allow")
    for kind in ("one4_1", "one6_1", "two4_2", "two6_2"):
        tap.true(0 < seen.get(kind, 0) < rounds,
                 f"{kind}: {seen.get(kind, 0)} of {rounds} passed")
    delta = S.delta()
    passed = sum(seen.values())
    tap.equal(delta["guard cams passed"][0], passed, "passed at the guard")
    tap.equal(delta["device cam passed"][0] +
              delta["device steady passed"][0], passed, "of the devices")
    tap.equal(delta["device cam dropped"][0],
              8 * rounds - (passed - seen["steady_9"]), "dropped")
    tap.equal(delta["guard cams dropped unknown_device"][0], rounds,
              "strangers")


def test_single_changes():
    "the same by replacing one profile and one device of the live policy"
    policy.load(S.sock, side(ONE, 1, 40))
    sides = [side(TWO, 2, 0), side(ONE, 1, 0)]
    for one in sides:
        del one["profiles"]["steady"], one["devices"]["steady"]
    rounds, seen = run(lambda n: policy.load(S.sock, sides[n % 2],
                                             base="live"))
    neither(seen)
    tap.equal(seen["steady_9"], rounds, "frames that both allow")
    for kind in ("one4_1", "two6_2"):
        tap.true(0 < seen.get(kind, 0) < rounds, f"{kind}: {seen}")


def test_failed_commits():
    "transactions that are aborted or refused touch no frame"
    policy.load(S.sock, side(ONE, 1, 0))
    other = S.open()
    generation = policy.info(S.sock)["generation"]

    def fail(n):
        other.do("txn-begin", base="live" if n % 2 else "empty")
        other.do_many(policy.requests(side(TWO, 2, 3)))
        if n % 3:
            tap.raises(OSError, other.do, "txn-commit",
                       generation=generation + 1, revision=1 << 40)
        other.do("txn-abort")
    rounds, seen = run(fail)
    neither(seen)
    tap.equal(seen, {"steady_9": rounds, "one4_1": rounds,
                     "one6_1": rounds}, "frames that came out")
    tap.equal(policy.info(S.sock)["generation"], generation, "generation")


def test_devices_come_and_go():
    "a device that is added and deleted again: known or unknown, never else"
    base = side(ONE, 1, 0)
    policy.load(S.sock, base)
    ghost = {"devices": {"ghost": {"mac": GHOST, "profile": "steady",
                                   "addresses": ["10.30.0.8"]}}}

    def turn(n):
        if n % 2:
            policy.load(S.sock, {}, base="live",
                        delete=[("device-del", {"name": "ghost"})])
        else:
            policy.load(S.sock, ghost, base="live")
    rounds, seen = run(turn)
    ghosts = seen.pop("ghost_9", 0)
    tap.true(0 < ghosts < rounds, f"{ghosts} of {rounds} ghosts passed")
    tap.equal(seen, {"steady_9": rounds, "one4_1": rounds,
                     "one6_1": rounds}, "frames that came out")


def test_guard_options_under_traffic():
    "a guard whose mode and upkeep change lets nothing slip meanwhile"
    policy.load(S.sock, side(ONE, 1, 0))

    def turn(n):
        S.sock.do("guard-set", name="cams", ifname="trunk", vlan=30,
                  identity="mac", mode="enforce",
                  upkeep=["arp"] if n % 2 else 0)
    rounds, seen = run(turn)
    neither(seen)
    tap.equal(seen, {"steady_9": rounds, "one4_1": rounds,
                     "one6_1": rounds}, "frames that came out")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             teardown=lambda: S.close())
