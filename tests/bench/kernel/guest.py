#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The kernel bench, in the bench kernel: all cases, all peers, one run.

For each case every peer loads its policy on an interface of its own. A pass
over all frames compares each peer's verdicts with the expected ones. Then come
the rounds, peers taking turns, so that a change in the machine's mood hits all
of them. The results are those of tests/bench; see README.md beside this.
"""

import argparse
import datetime
import json
import os
import statistics
import sys
import time
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "../../selftests")]

import lcbench                                              # noqa: E402
import traffic                                              # noqa: E402
from peers import (Peer, Skip, bpf, command, ipset,         # noqa: E402
                   lenscap, naive, nft, steps)

Size = namedtuple("Size", "devices big packets warm rounds")
FULL = Size(devices=50000, big=10000, packets=100000, warm=100000, rounds=11)
QUICK = Size(devices=5000, big=2000, packets=20000, warm=10000, rounds=5)

NOTES = [
    "The kernel is a User Mode Linux build of Debian's 6.1: one processor "
    "(atomic operations without the lock prefix), no jump labels, no popcount "
    "instruction, no BPF JIT, no AVX2.",
    "The kernel's memory is in pages " +
    os.environ.get("LENSCAP_BENCH_PAGES", "of the host's choice") + ".",
    "nftables' interval sets run pipapo's C variant, because there is no AVX2.",
    "tc-BPF runs in the interpreter, because there is no JIT; on hardware it "
    "would be several times faster.",
    "ipset is measured in iptables' raw table, without what it costs to get "
    "there: the IP layer's checks, and for what is bridged the detour.",
    "Lenscap alone counts each packet by device and guard, tags it and records "
    "what it drops; the peers have no counters, but for those that every "
    "iptables rule has.",
    "A peer is measured on frames it judges as expected; batches that took "
    "over four times their round's median are left out as disturbed.",
]


class Nothing(Peer):
    """The loop without a hook."""

    name = "none"
    place = lcbench.NONE

    def variant(self, case):
        return "the loop alone"

    def load(self, case):
        pass


class Empty(Peer):
    """A hook that only says yes, or no where every frame is dropped."""

    name = "empty"
    place = lcbench.NETDEV
    bench = None

    def variant(self, case):
        return "netdev ingress, " + ("drops" if case.drops else "accepts")

    def load(self, case):
        self.bench.empty(self.ifname, self.place, lcbench.REFUSE if case.drops
                         else lcbench.ACCEPT)

    def unload(self):
        self.bench.empty(self.ifname, self.place, lcbench.REMOVE)


def interface(name):
    """An interface that frames can arrive on."""
    command("ip", "link", "add", name, "address",
            traffic.mac_text(traffic.GATEWAY), "type", "dummy")
    command("ip", "link", "set", name, "up")
    return name


class Run:
    """All cases."""

    def __init__(self, options):
        self.options = options
        self.size = QUICK if options.quick else FULL
        self.bench = lcbench.Bench()
        Empty.bench = self.bench
        kinds = [Nothing, Empty, lenscap.Lenscap, nft.Exact, nft.OneSet,
                 nft.Interval, ipset.Ipset, bpf.Bpf, naive.Naive]
        self.peers = [kind(interface(f"lcb{number}"))
                      for number, kind in enumerate(kinds)]
        steps.Steps.like = next(peer.ifname for peer in self.peers
                                if isinstance(peer, lenscap.Lenscap))
        self.peers += [steps.Steps(interface(f"lcs{step}"), step)
                       for step in range(1, len(steps.STEPS) + 1)]
        self.results = []
        self.notes = list(NOTES)
        self.placed = False
        self.skips = {}                 # {who and why: cases}
        self.failures = []
        self.disturbed = self.batches = 0

    def note(self, line):
        """Say it now, and beside the ratios."""
        print(f"  {line}", flush=True)
        if line not in self.notes:
            self.notes.append(line)

    def fail(self, line):
        """Say it now, and at the end."""
        print(f"  FAIL {line}", flush=True)
        self.failures.append(line)

    def places(self, case):
        """What a hook that does nothing costs at the places but ingress."""
        ifname = self.peers[0].ifname
        self.bench.empty(ifname, lcbench.IPV4, lcbench.ACCEPT)
        pre = self.place_median(ifname, lcbench.IPV4)
        self.bench.empty(ifname, lcbench.IPV4, lcbench.REMOVE)
        command("tc", "qdisc", "add", "dev", ifname, "clsact")
        tc = self.place_median(ifname, lcbench.TC)
        command("tc", "qdisc", "del", "dev", ifname, "clsact")
        self.note(f"An empty hook in PRE_ROUTING, where ipset is, costs "
                  f"{pre:.1f} ns/packet; clsact without a filter, where tc-BPF "
                  f"is, {tc:.1f}. What the peers add is reckoned against the "
                  "empty hook at ingress.")

    def place_median(self, ifname, place):
        """The median over the rounds."""
        return statistics.median(
            self.bench.round(ifname, place, self.size.packets,
                             self.size.packets // 10)[0]
            for _ in range(self.size.rounds))

    def load(self, case):
        """The peers that can do the case, loaded."""
        ready = []
        for peer in self.peers:
            begin = time.monotonic()
            try:
                peer.load(case)
            except Skip as err:
                print(f"  {peer.name} {peer.variant(case)} skipped: {err}",
                      flush=True)
                if isinstance(peer, steps.Steps):
                    continue
                self.skips.setdefault(
                    f"{peer.name} {peer.variant(case)}: {err}", []).append(
                        f"{case.name} {case.variant}".strip())
                continue
            except (OSError, RuntimeError) as err:
                self.fail(f"{case.name}: {peer.name} {peer.variant(case)}: "
                          f"cannot load: {err}")
                continue
            spent = time.monotonic() - begin
            if isinstance(peer, lenscap.Lenscap) and peer.memory:
                self.note(f"{case.name}: {peer.memory}")
            if spent > 3:
                print(f"  {peer.variant(case) or peer.name}: loaded in "
                      f"{spent:.0f} s", flush=True)
            ready.append(peer)
        return ready

    def check(self, case, peer):
        """Compare the verdicts on all frames."""
        if peer.name in ("none", "empty"):
            return
        # The others cannot tell all probes from what is permitted.
        if isinstance(peer, steps.Steps) and peer.step != steps.WHOLE:
            return
        passed, dropped, wrong, first = self.bench.check(peer.ifname,
                                                         peer.place)
        if wrong:
            frame = case.frames[first]
            about = ", a probe" if frame.flags & traffic.PROBE else ""
            self.fail(
                f"{case.name}: {peer.name} {peer.variant(case)}: {wrong:,} of "
                f"{len(case.frames):,} verdicts are wrong ({passed:,} passed, "
                f"{dropped:,} dropped); the first is frame {first}{about}, "
                f"which must be "
                f"{'dropped' if frame.flags & traffic.DROP else 'passed'}: "
                f"{frame.data.hex()}")

    def rounds(self, ready, timed):
        """The peers' figures of each round, over so many frames."""
        figures = {peer: [] for peer in ready}
        # Once through, so that the cache holds what it can of the tables.
        warm = min(self.size.warm, max(timed, self.size.warm // 5))
        for number in range(self.size.rounds):
            # Whose tables were in the cache before is different each time.
            first = number % len(ready)
            for peer in ready[first:] + ready[:first]:
                spent, disturbed, batches = self.bench.round(
                    peer.ifname, peer.place, self.size.packets, warm)
                figures[peer].append(spent)
                self.disturbed += disturbed
                self.batches += batches
        return figures

    def case(self, name):
        """Run one case."""
        begin = time.monotonic()
        case = traffic.CASES[name](self.size)
        case.probes(max(100, len(case.frames) // 100))
        print(f"{case.name}{' ' + case.variant if case.variant else ''}: "
              f"{len(case.devices):,} devices, {len(case.profiles):,} "
              f"profiles, {case.rules():,} rules, {len(case.frames):,} frames",
              flush=True)
        self.bench.frames((f.flags, f.data) for f in case.frames)
        if not self.placed and case.family == 4:
            self.places(case)
            self.placed = True
        for peer in self.peers:
            if isinstance(peer, lenscap.Lenscap):
                self.bench.count(peer.ifname)
        ready = self.load(case)
        for peer in ready:
            self.check(case, peer)
        timed = sum(not f.flags & traffic.PROBE for f in case.frames)
        for peer, figures in self.rounds(ready, timed).items():
            self.result(case, peer, figures)
        for peer in ready:
            if isinstance(peer, lenscap.Lenscap):
                self.exact(case, peer)
            peer.unload()
        print(f"  {time.monotonic() - begin:.1f} s", flush=True)

    def exact(self, case, peer):
        """Lenscap's counters against what was sent."""
        trouble = peer.verify(self.bench, case)
        if trouble:
            self.fail(f"{case.name}: counters: {trouble}")
        else:
            print("  counters of guard and devices are exactly what was sent",
                  flush=True)

    def result(self, case, peer, figures):
        """Keep and show one figure."""
        result = {"case": case.name, "peer": peer.name,
                  "variant": peer.variant(case), "unit": "ns/packet",
                  "median": round(statistics.median(figures), 2),
                  "min": round(min(figures), 2), "max": round(max(figures), 2),
                  "runs": len(figures),
                  "place": lcbench.PLACES[peer.place]}
        self.results.append(result)
        print(f"  {result['median']:9.1f} ns/packet  ({result['min']:.1f} to "
              f"{result['max']:.1f})  {peer.name} {result['variant']}",
              flush=True)

    def write(self):
        """The results, even of a run that failed in between."""
        notes = self.notes + [
            f"Skipped in {', '.join(cases)}: {why}."
            for why, cases in self.skips.items()] + [
            f"{self.disturbed:,} of {self.batches:,} batches were disturbed."]
        with open("/proc/cpuinfo", encoding="ascii") as file:
            model = next(line.split(":")[1].strip() for line in file
                         if line.startswith(("model name", "host")))
        text = {"part": "kernel",
                "kernel": f"{os.uname().release} UML bench",
                "date": datetime.date.today().isoformat(),
                "machine": self.options.machine or model,
                "quick": self.options.quick, "notes": notes,
                "results": self.results}
        with open(self.options.out, "w", encoding="utf-8") as file:
            json.dump(text, file, indent=1)
            file.write("\n")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true",
                        help="smaller tables, fewer rounds")
    parser.add_argument("--out", default="kernel.json", help="the results")
    parser.add_argument("--machine", help="what it runs on, for the results")
    parser.add_argument("cases", nargs="*", metavar="CASE",
                        help=" ".join(traffic.CASES))
    options = parser.parse_args()
    for name in options.cases:
        if name not in traffic.CASES:
            parser.error(f"no such case: {name}")
    if "LENSCAP_VM" not in os.environ:
        parser.error("it changes /etc, interfaces and firewalls: only in a "
                     "machine, by tests/bench/kernel/run")
    run = Run(options)
    for name in options.cases or traffic.CASES:
        run.case(name)
        run.write()
    for failure in run.failures:
        print(f"FAIL {failure}")
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
