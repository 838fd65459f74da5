# SPDX-License-Identifier: GPL-2.0-only
"""/dev/lcbench, the bench's module: the other copy of lcbench.h."""

import array
import fcntl
import os
import socket
import struct

NONE, NETDEV, TC, IPV4, IPV6 = range(5)
PLACES = ("nowhere", "netdev ingress", "tc ingress", "PRE_ROUTING",
          "PRE_ROUTING")

DROP, PROBE = 1, 2                      # flags of a frame
ACCEPT, REFUSE, REMOVE = 1, 0, -1       # verdicts of the empty hook

_CHECK, _ROUND, _EMPTY = "=IIQQQQ", "=IIQQQQQQ", "=IIi"
_WRITE = 8 << 20


def _number(direction, number, layout):
    size = struct.calcsize(layout) if layout else 0
    return direction << 30 | size << 16 | ord("L") << 8 | number


class Bench:
    """The open device."""

    def __init__(self):
        self.fd = os.open("/dev/lcbench", os.O_RDWR)

    def _call(self, number, layout, *values):
        data = bytearray(struct.pack(layout, *values))
        fcntl.ioctl(self.fd, _number(3, number, layout), data)
        return struct.unpack(layout, data)

    def frames(self, frames):
        """Replace the frames: (flags, bytes) pairs."""
        fcntl.ioctl(self.fd, _number(0, 0, None))
        parts, size = [], 0
        for flags, data in frames:
            parts.append(struct.pack("=HH", len(data), flags) + data)
            size += len(data) + 4
            if size > _WRITE:
                os.write(self.fd, b"".join(parts))
                parts, size = [], 0
        if parts:
            os.write(self.fd, b"".join(parts))

    def count(self, ifname):
        """Count what is given to this interface's hooks."""
        fcntl.ioctl(self.fd, _number(0, 4, None),
                    socket.if_nametoindex(ifname))

    def sent(self):
        """How often each frame was given to a hook of count()'s interface."""
        os.lseek(self.fd, 0, os.SEEK_SET)
        counts = array.array("I")
        while data := os.read(self.fd, 1 << 20):
            counts.frombytes(data)
        return counts

    def check(self, ifname, place):
        """Every frame once: passed, dropped, wrong, and the first wrong."""
        return self._call(1, _CHECK, socket.if_nametoindex(ifname), place,
                          0, 0, 0, 0)[2:]

    def round(self, ifname, place, packets, warm):
        """Time a hook: ns a packet, disturbed batches, all batches."""
        *_, spent, counted, disturbed, batches = self._call(
            2, _ROUND, socket.if_nametoindex(ifname), place, warm, packets,
            0, 0, 0, 0)
        return spent / counted, disturbed, batches

    def empty(self, ifname, place, verdict):
        """Register the hook that does nothing, or remove it."""
        data = struct.pack(_EMPTY, socket.if_nametoindex(ifname), place,
                           verdict)
        fcntl.ioctl(self.fd, _number(1, 3, _EMPTY), data)
