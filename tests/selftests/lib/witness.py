# SPDX-License-Identifier: GPL-2.0-only
"""What comes out behind a guard: every frame, with its mark.

A Witness puts an nftables chain on an interface, after the module's hook and
before everything else, that logs each frame to a socket of ours. A frame that
the module drops is never seen; one that it passes is seen with skb->mark as
it is then.
"""

import select
import socket
import struct
import time
from collections import namedtuple

NETLINK_NETFILTER = 12
NFNL_SUBSYS_ULOG = 4
NFULNL_MSG_PACKET = 0
NFULNL_MSG_CONFIG = 1
NFULA_CFG_CMD = 1
NFULA_CFG_MODE = 2
NFULA_CFG_QTHRESH = 5
NFULNL_CFG_CMD_BIND = 1
NFULNL_COPY_PACKET = 2
NFULA_PACKET_HDR = 1
NFULA_MARK = 2
NFULA_IFINDEX_INDEV = 4
NFULA_PAYLOAD = 9
NLM_F_REQUEST = 1
NLM_F_ACK = 4
NLMSG_ERROR = 2
SNAP = 192

Seen = namedtuple("Seen", "mark payload proto ifindex")


def _attr(kind, data):
    pad = -len(data) % 4
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * pad


def _attrs(data):
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        if size < 4:
            break
        found[kind & 0x3fff] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


class Witness:
    """Sees what passes the guards on some interfaces of a namespace.

    Without interfaces, it sees what other rules log to its group.
    It must be made before the frames are sent, and sees also what arrives on
    these interfaces and belongs to no guard.
    """

    def __init__(self, ns, *interfaces, priority=-400, group=1):
        self.group = group
        self.sock = ns.call(self._open)
        if not interfaces:
            return
        rules = ["table netdev witness {"]
        for number, name in enumerate(interfaces):
            rules.append(
                f"chain c{number} {{ type filter hook ingress device "
                f"\"{name}\" priority {priority}; "
                f"log group {group} snaplen {SNAP} queue-threshold 1; }}")
        rules.append("}")
        ns.nft(["-f", "-"], "\n".join(rules))

    def _config(self, sock, *attributes):
        body = struct.pack(">BBH", 0, 0, self.group) + b"".join(attributes)
        head = struct.pack("=IHHII", 16 + len(body),
                           NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
                           NLM_F_REQUEST | NLM_F_ACK, 1, 0)
        sock.send(head + body)
        answer = sock.recv(65536)
        kind, = struct.unpack_from("=H", answer, 4)
        error, = struct.unpack_from("=i", answer, 16)
        if kind != NLMSG_ERROR or error:
            raise OSError(-error, "nfnetlink_log refused")

    def _open(self):
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                             NETLINK_NETFILTER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind((0, 0))
        self._config(sock, _attr(NFULA_CFG_CMD, bytes([NFULNL_CFG_CMD_BIND])))
        self._config(sock, _attr(NFULA_CFG_MODE, struct.pack(
            ">IBB", SNAP, NFULNL_COPY_PACKET, 0)),
                     _attr(NFULA_CFG_QTHRESH, struct.pack(">I", 1)))
        sock.setblocking(False)
        return sock

    def _read(self):
        """One batch of what is there, or [] if nothing is."""
        try:
            data = self.sock.recv(1 << 20)
        except BlockingIOError:
            return []
        seen = []
        while len(data) >= 16:
            size, kind = struct.unpack_from("=IH", data)
            if kind == NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET:
                found = _attrs(data[20:size])
                mark = struct.unpack(">I", found.get(NFULA_MARK, bytes(4)))[0]
                head = found.get(NFULA_PACKET_HDR, bytes(4))
                index = found.get(NFULA_IFINDEX_INDEV, bytes(4))
                seen.append(Seen(mark, found.get(NFULA_PAYLOAD, b""),
                                 struct.unpack_from(">H", head)[0],
                                 struct.unpack(">I", index)[0]))
            data = data[(size + 3) & ~3:]
        return seen

    def take(self, count=0, timeout=5.0):
        """Wait for count frames; return all that are there by then."""
        seen = []
        end = time.monotonic() + timeout
        while True:
            batch = self._read()
            seen += batch
            if batch:
                continue
            left = end - time.monotonic()
            if len(seen) >= count or left <= 0:
                return seen
            select.select([self.sock], [], [], left)
