# SPDX-License-Identifier: GPL-2.0-only
"""Lenscap itself, loaded with the selftests' netlink client."""

import struct

import lcbench
from lib import nl, policy

from . import Peer

GUARD = "bench"


def rule_layout(family):
    """A packer for one rule of a profile: addr, plen, proto, low, high."""
    spec = nl.spec()
    number = {n: spec.attr("rule", n).number for n in
              ("address", "length", "proto", "initiator", "peer_port_low",
               "peer_port_high")}
    size = 4 if family == 4 else 16
    layout = struct.Struct(f"=HH HH{size}s HHB3x HHB3x HHB3x HHH2x HHH2x")
    outer = spec.attr("profile", "rule").number | nl.NLA_F_NESTED

    def pack(rule):
        return layout.pack(
            layout.size, outer, 4 + size, number["address"], rule.addr,
            5, number["length"], rule.plen, 5, number["proto"], rule.proto,
            5, number["initiator"], 0, 6, number["peer_port_low"], rule.low,
            6, number["peer_port_high"], rule.high)
    return pack


def kernel_memory():
    """Bytes that the kernel has allocated for itself."""
    with open("/proc/meminfo", encoding="ascii") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return 1024 * (sizes["SUnreclaim"] + sizes["VmallocUsed"] +
                   sizes["Percpu"])


class Lenscap(Peer):
    """A guard on the interface (or on its VLAN)."""

    name = "lenscap"
    place = lcbench.NETDEV

    def __init__(self, ifname):
        super().__init__(ifname)
        self.sock = nl.Genl()
        self.cases = 0
        self.memory = ""

    def variant(self, case):
        return case.variant

    def requests(self, case):
        """The policy as encoded requests."""
        spec = nl.spec()
        pack = rule_layout(case.family)
        for number, rules in enumerate(case.profiles):
            yield "profile-set", spec.encode("profile", {
                "name": f"p{number}", "mode": "enforce",
                "class": number % 200}) + b"".join(map(pack, rules))
        for number, device in enumerate(case.devices):
            yield "device-set", spec.encode("device", {
                "name": self.device_name(number), "mac": device.mac,
                "address": [{"address": device.addr}],
                "profile": f"p{device.profile}"})

    def device_name(self, number):
        """Another in each case, so that counters begin at 0."""
        return f"c{self.cases}-{number}"

    def load(self, case):
        self.cases += 1
        policy.guard(self.sock, GUARD, self.ifname, vlan=case.vlan)
        policy.wait_guard(self.sock, GUARD, "armed")
        # The first guard brings the tables of drop records with it.
        before = kernel_memory()
        live = self.sock.do("txn-begin", base="empty")["generation"]
        # A profile of 10,000 rules is a message of half a megabyte.
        self.sock.do_many(self.requests(case))
        self.sock.do("txn-commit", generation=live,
                     revision=policy.info(self.sock).get("revision", 0) + 1)
        self.memory = ""
        if len(case.devices) >= 1000:
            spent = kernel_memory() - before
            own = policy.info(self.sock)["memory"]
            self.memory = (
                f"{len(case.devices):,} devices and {case.rules():,} rules take "
                f"{spent / 1e6:.1f} MB of the kernel's memory, "
                f"{spent / len(case.devices):.0f} bytes a device with all it "
                f"uses ({own / 1e6:.1f} MB by Lenscap's own count); what the "
                "guard itself allocates, tables of drop records among it, was "
                "there before")

    def unload(self):
        policy.unguard(self.sock)
        policy.load(self.sock, {})

    def verify(self, bench, case):
        """Are the totals of guard and devices exactly what was sent?"""
        wanted = [[0, 0] for _ in case.devices]
        passed = dropped = 0
        for frame, count in zip(case.frames, bench.sent()):
            bad = frame.flags & lcbench.DROP
            passed += 0 if bad else count
            dropped += count if bad else 0
            if frame.device is not None:
                wanted[frame.device][1 if bad else 0] += count
        seen = {row["name"]: [row["passed_packets"], row["dropped_packets"]]
                for row in policy.devices(self.sock).values()}
        for number, pair in enumerate(wanted):
            if seen[self.device_name(number)] != pair:
                return (f"device {number}: passed, dropped are "
                        f"{seen[self.device_name(number)]}, sent were {pair}")
        guard = policy.guards(self.sock)[GUARD]
        total = [guard["passed_packets"],
                 sum(r["dropped_packets"] for r in guard["reasons"].values())]
        if total != [passed, dropped]:
            return f"guard: passed, dropped are {total}, sent were " \
                   f"{[passed, dropped]}"
        return None
