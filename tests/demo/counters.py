# SPDX-License-Identifier: GPL-2.0-only
"""Packets counted by nftables, which knows nothing of Lenscap."""

import json

from netns import run

# Ethernet header, which egress counts and Lenscap and ingress do not (bytes).
ETHERNET = 14


class Counters:
    """
    Named counters on eth0 of a namespace, each for what matches a condition.

    Every frame counts in the first counter that matches it; the last takes
    the rest, so that their sum is every frame.
    """

    def __init__(self, netns, hook, conditions, rest="rest"):
        self._netns = netns
        self._names = [*conditions, rest]
        lines = ["table netdev demo {"]
        lines += [f"counter c{i} {{ }}" for i in range(len(self._names))]
        lines += ["chain everything {",
                  f'type filter hook {hook} device "eth0" priority 0;']
        lines += [f'{condition} counter name "c{i}" accept'
                  for i, condition in enumerate(conditions.values())]
        lines += [f'counter name "c{len(conditions)}"', "}", "}"]
        run("nft", "-f", "-", netns=netns, stdin="\n".join(lines) + "\n")

    def read(self):
        """{name: (packets, bytes)}"""
        answer = json.loads(run("nft", "-j", "list", "counters", "table",
                                "netdev", "demo", netns=self._netns))
        found = {entry["counter"]["name"]: entry["counter"]
                 for entry in answer["nftables"] if "counter" in entry}
        return {name: (found[f"c{i}"]["packets"], found[f"c{i}"]["bytes"])
                for i, name in enumerate(self._names)}


def packets(reading, *names):
    """Packets of these counters together; of all, if none is named."""
    return sum(reading[name][0] for name in names or reading)


def network_bytes(reading, *names):
    """Bytes from the network header on, of frames counted at egress."""
    return sum(reading[name][1] - ETHERNET * reading[name][0]
               for name in names or reading)
