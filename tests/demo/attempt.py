# SPDX-License-Identifier: GPL-2.0-only
"""What a camera does that it should not."""

import errno
import socket
import struct

import netns
from sink import family

FOOTAGE = b"\xff\xd8 footage that nobody should see \xff\xd9"


class Attempt:
    """
    One way of a camera to reach somewhere.

    `counter` names the counter, at the camera's egress, of its packets, and
    `condition` is that counter's condition.
    """

    def __init__(self, camera, protocol, target, port, reason,
                 datagrams=0, source=None, source_port=None):
        self.camera = camera
        self.protocol = protocol
        self.target = target
        self.port = port
        self.reason = reason
        self.datagrams = datagrams
        self._source = source
        self._source_port = source_port
        self._socket = None
        self.place = (protocol, target, port)
        self.counter = f"{protocol} {target} {port}"
        ip = "ip6" if ":" in target else "ip"
        self.condition = f"{ip} daddr {target} {protocol} dport {port}"

    def __str__(self):
        address = f"[{self.target}]" if ":" in self.target else self.target
        text = (f"{self.camera.name} -> {self.protocol.upper()} "
                f"{address}:{self.port}")
        if self._source:
            text += f" as {self._source}"
        if self._source_port:
            text += f" from port {self._source_port}"
        return text

    def start(self):
        """Send the datagrams, or begin to connect."""
        if self._source:
            self._send_spoofed()
        elif self.protocol == "udp":
            with netns.open_socket(self.camera.name, family(self.target),
                                   socket.SOCK_DGRAM) as sock:
                for _ in range(self.datagrams):
                    sock.sendto(FOOTAGE, (self.target, self.port))
        else:
            self._socket = netns.open_socket(
                self.camera.name, family(self.target), socket.SOCK_STREAM)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._source_port:
                self._socket.bind(("", self._source_port))
            self._socket.setblocking(False)
            self._socket.connect_ex((self.target, self.port))

    def _send_spoofed(self):
        """UDP under somebody else's address; the kernel fills in the rest."""
        udp = struct.pack("!HHHH", 40000, self.port, 8 + len(FOOTAGE), 0)
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64,
                             socket.IPPROTO_UDP, 0,
                             socket.inet_aton(self._source),
                             socket.inet_aton(self.target))
        with netns.open_socket(self.camera.name, socket.AF_INET,
                               socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
            for _ in range(self.datagrams):
                sock.sendto(header + udp + FOOTAGE, (self.target, 0))

    def connected(self):
        """Whether the other side answered."""
        try:
            self._socket.getpeername()
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            return False
        return True

    def send(self):
        """Send footage over the connection."""
        self._socket.send(FOOTAGE)

    def close(self):
        """Let go at once: with a reset, not with a farewell that repeats."""
        if self._socket:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                    struct.pack("ii", 1, 0))
            self._socket.close()
            self._socket = None
