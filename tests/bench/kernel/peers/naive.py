# SPDX-License-Identifier: GPL-2.0-only
"""What one would write in an afternoon: lcnaive.ko, ../naive/naive.c."""

import os
import socket
import struct

import lcbench

from . import Peer, Skip

PATH = "/dev/lcnaive"
_HEAD = struct.Struct("=IHHII")         # struct naive_head
_COUNT = struct.Struct("=I")
_RULE = struct.Struct("=16sBBHHH")      # struct naive_rule_in
_DEVICE = struct.Struct("=6sH16sI")     # struct naive_device_in


class Naive(Peer):
    """A chained hash table by MAC, and all rules of a profile in turn."""

    name = "naive"
    place = lcbench.NETDEV
    fd = None

    def variant(self, case):
        about = "chained hash, linear scan"
        return about + (f", {case.variant}" if case.variant else "")

    def policy(self, case):
        """The policy as the module reads it."""
        yield _HEAD.pack(socket.if_nametoindex(self.ifname), case.vlan or 0,
                         case.family, len(case.profiles), len(case.devices))
        for rules in case.profiles:
            yield _COUNT.pack(len(rules))
            for rule in rules:
                yield _RULE.pack(rule.addr, rule.plen, rule.proto, rule.low,
                                 rule.high, 0)
        for device in case.devices:
            yield _DEVICE.pack(device.mac, 0, device.addr, device.profile)

    def load(self, case):
        if case.name == "fragments":
            raise Skip("it passes no fragments at all")
        self.fd = os.open(PATH, os.O_WRONLY | os.O_CLOEXEC)
        os.write(self.fd, b"".join(self.policy(case)))

    def unload(self):
        os.close(self.fd)
