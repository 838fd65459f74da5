# SPDX-License-Identifier: GPL-2.0-only
"""
The books: packets counted where they leave and where they arrive.

nftables counts at each camera's egress and at the ingress of recorder, time
server and "abroad"; Lenscap counts in between. The figures must agree.
"""

from collections import Counter

import topology
import wait
from counters import Counters, network_bytes, packets

_UPKEEP = {
    "ARP": "ether type arp",
    "ICMPv6": "meta l4proto ipv6-icmp",
    "IGMP": "meta l4proto igmp",
}


class CameraBook:
    """What one camera sends."""

    def __init__(self, camera, attempts):
        self.camera = camera
        conditions = {a.counter: a.condition for a in attempts
                      if a.camera is camera}
        conditions["recorder"] = f"ip daddr {topology.RECORDER.ipv4}"
        conditions["time"] = f"ip daddr {topology.TIME.ipv4}"
        self._counters = Counters(camera.name, "egress",
                                  {**conditions, **_UPKEEP})

    def read(self):
        """All its counters."""
        return self._counters.read()

    def sent(self, attempt):
        """Packets of an attempt, ever."""
        return packets(self.read(), attempt.counter)


class Account:
    """One camera's exact account: its books, Lenscap's, and the far side's."""

    def __init__(self, book, lenscap, far):
        self._book = book
        self._lenscap = lenscap
        self._far = far
        self._start = self._settled()

    def _read(self):
        name = self._book.camera.name
        egress = self._book.read()
        device = self._lenscap.device(name)
        far = [counters.read()[name] for counters in self._far]
        sums = {
            "sent": (packets(egress), network_bytes(egress)),
            "upkeep": (packets(egress, *_UPKEEP),
                       network_bytes(egress, *_UPKEEP)),
            "recorder": far[0],
            "time": far[1],
            **device,
        }
        return {f"{key} {unit}": value for key, pair in sums.items()
                for unit, value in zip(("packets", "bytes"), pair)}

    def _settled(self):
        return wait.settled(self._read, f"{self._book.camera.name}'s counters")

    def close(self):
        """{figure: value} since the account was opened, at a quiet moment."""
        end = self._settled()
        return {key: end[key] - self._start[key] for key in end}


class Rounds:
    """Attempts made while Lenscap judges, and what of them it must report."""

    def __init__(self, books, lenscap):
        self._books = {book.camera: book for book in books}
        self._lenscap = lenscap
        # Packets per attempt that were sent while the guard was armed.
        self.armed = Counter()

    def add(self, book):
        """One more camera."""
        self._books[book.camera] = book

    def _sent(self, attempts):
        readings = {camera: self._books[camera].read()
                    for camera in {a.camera for a in attempts}}
        return {a: packets(readings[a.camera], a.counter) for a in attempts}

    def hopeless(self, attempts, meanwhile=lambda: None):
        """
        Make attempts that must fail; returns the packets sent for each.

        A TCP connection is given up after its first retransmission, a
        datagram when it has left.
        """
        before = self._sent(attempts)
        for attempt in attempts:
            attempt.start()
        self._wait_sent(attempts, before)
        meanwhile()
        for attempt in attempts:
            attempt.close()
        return self._enter(attempts, before)

    def cut(self, attempt):
        """Send over an open connection that must be dead by now."""
        before = self._sent([attempt])
        attempt.send()
        self._wait_sent([attempt], before)
        attempt.close()
        return self._enter([attempt], before)[attempt]

    def _wait_sent(self, attempts, before):
        def left():
            now = self._sent(attempts)
            return all(now[a] - before[a] >= (a.datagrams or 2)
                       for a in attempts)

        wait.until(left, "the attempts to leave the cameras", every=0.3)

    def _enter(self, attempts, before):
        after = wait.settled(lambda: self._sent(attempts), "the attempts")
        made = {a: after[a] - before[a] for a in attempts}
        self.armed.update(made)
        return made

    def reported(self, attempt):
        """(whether Lenscap reports exactly what was sent, the figures)"""
        wanted = self.armed[attempt]
        seen = [0]

        def agrees():
            seen[0] = self._lenscap.dropped(attempt)
            return seen[0] >= wanted

        try:
            wait.until(agrees, "Lenscap's report", bound=20, every=0.3)
        except wait.Late:
            pass
        return (wanted > 0 and seen[0] == wanted,
                f"{wanted} sent, {seen[0]} dropped as {attempt.reason}")
