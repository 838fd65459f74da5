# SPDX-License-Identifier: GPL-2.0-only
"""Sending and capturing raw frames in a namespace.

    with io.Link(cam, "eth0") as link:
        link.send(frames.eth(...))
    with io.Capture(gw, "wan") as seen:
        ...
        frame = seen.wait(lambda f: b"marker" in f.data)
"""

import ctypes
import fcntl
import os
import select
import socket
import struct
import time
from collections import namedtuple

from . import frames, net, tap

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_QDISC_BYPASS = 20
PACKET_VNET_HDR = 15
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SO_MARK = 36
SO_ATTACH_FILTER = 26

TUNSETIFF = 0x400454ca
IFF_TUN, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x0002, 0x1000, 0x4000

STATUS_VLAN_VALID, STATUS_VLAN_TPID_VALID = 0x10, 0x40

# tci and tpid are None when the kernel saw no hardware-accelerated tag.
Frame = namedtuple("Frame", "data tci tpid outgoing")


def _open(ifname, proto):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    if proto:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.bind((ifname, proto))      # in host order, unlike socket()'s
    return sock


class Link:
    """Sends frames through an interface.

    vnet=True lets send() give a virtio header, for segmentation packets.
    """

    def __init__(self, netns, ifname, bypass=False, vnet=False, mark=None):
        self.sock = net.call_in(netns, _open, ifname, 0)
        self.vnet = vnet
        if bypass:
            self.sock.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        if vnet:
            self.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        if mark is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Close the socket."""
        self.sock.close()

    def send(self, *frames, header=bytes(10)):
        """Send frames, in order; header is the virtio one, if vnet."""
        for frame in frames:
            data = header + frame if self.vnet else frame
            while True:
                try:
                    self.sock.send(data)
                    break
                except BlockingIOError:
                    select.select([], [self.sock], [], 1)
                except OSError as err:
                    if err.errno != 105:        # ENOBUFS: queue is full
                        raise
                    time.sleep(0.001)

    def flood(self, frame, count):
        """Send the same frame count times."""
        for _ in range(count):
            self.send(frame)


def _ping(address, source):
    six = ":" in address
    family, proto, kind, reply = \
        (socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129) if six else \
        (socket.AF_INET, socket.IPPROTO_ICMP, 8, 0)
    rest = struct.pack("!H", os.getpid() & 0xffff) + b"\0\1" + bytes(56)
    check = frames.checksum(bytes([kind, 0, 0, 0]) + rest)
    with socket.socket(family, socket.SOCK_RAW, proto) as sock:
        if source:
            sock.bind((source, 0))
        sock.connect((address, 0))
        sock.settimeout(net.TIMEOUT)
        # Of ICMPv6, the kernel makes the checksum.
        sock.send(struct.pack("!BBH", kind, 0, check) + rest)
        while True:
            data = sock.recv(2048)
            data = data if six else data[(data[0] & 15) * 4:]
            if data[0] == reply and data[4:] == rest:
                return


def ping(netns, address, source=None):
    """What ping -c 1 does: an echo request, and its answer."""
    net.call_in(netns, _ping, address, source)


class Tap:
    """An interface that is the other end of a file: what it is sent, it gets.

    Each frame has a virtio header, as a virtual machine's have.
    """

    KIND = IFF_TAP

    def __init__(self, netns, ifname):
        net.run(["modprobe", "-q", "tun"], check=False)
        if not os.path.exists("/dev/net/tun"):
            raise tap.Skip("needs /dev/net/tun")
        self.file = net.call_in(netns, self._open, ifname)

    def _open(self, ifname):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(fd, TUNSETIFF, struct.pack(
                "16sH22x", ifname.encode(), self.KIND | IFF_NO_PI |
                IFF_VNET_HDR))
        except OSError:
            os.close(fd)
            raise
        return fd

    def close(self):
        """Close the file; the interface goes."""
        os.close(self.file)

    def send(self, *frames, header=bytes(10)):
        """Have frames received, in order."""
        for frame in frames:
            os.write(self.file, header + frame)


class Tun(Tap):
    """The same for packets that have no Ethernet header."""

    KIND = IFF_TUN


def gso_header(kind, size, header_len, csum_start=0, csum_offset=0):
    """A virtio header: kind 1 TCPv4, 3 UDP, 4 TCPv6, 5 UDP L4 segments.

    With csum_offset, the checksum there is still to be made.
    """
    flags = 1 if csum_offset else 0
    return struct.pack("=BBHHHH", flags, kind, header_len, size,
                       csum_start, csum_offset)


class Capture:
    """Frames that an interface receives (and sends, if outgoing=True)."""

    def __init__(self, netns, ifname, outgoing=False):
        self.outgoing = outgoing
        self.frames = []
        self.sock = net.call_in(netns, _open, ifname, ETH_P_ALL)
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Close the socket."""
        self.sock.close()

    def _read(self):
        while True:
            try:
                data, ancillary, _, source = self.sock.recvmsg(1 << 17, 256)
            except BlockingIOError:
                return
            outgoing = source[2] == PACKET_OUTGOING
            if outgoing and not self.outgoing:
                continue
            tci = tpid = None
            for level, kind, body in ancillary:
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, _, _, _, _, tci_seen, tpid_seen = struct.unpack(
                        "=IIIHHHH", body[:20])
                    if status & STATUS_VLAN_VALID:
                        tci = tci_seen
                        tpid = (tpid_seen if status & STATUS_VLAN_TPID_VALID
                                else 0x8100)
            self.frames.append(Frame(data, tci, tpid, outgoing))

    def seen(self, match=None):
        """All frames so far (that match)."""
        self._read()
        return [f for f in self.frames if match is None or match(f)]

    def count(self, match=None):
        """How many."""
        return len(self.seen(match))

    def wait(self, match=None, count=1, timeout=net.TIMEOUT, what="a frame"):
        """Wait until count frames match; they are returned."""
        end = time.monotonic() + timeout
        while True:
            found = self.seen(match)
            if len(found) >= count:
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise net.WaitTimeout(
                    f"waited {timeout:g} s for {what}: {len(found)} of "
                    f"{count} among {len(self.frames)} frames")
            select.select([self.sock], [], [], left)

    def clear(self):
        """Forget what was seen."""
        self._read()
        self.frames.clear()


class _Insn(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8),
                ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_uint16), ("filter", ctypes.POINTER(_Insn))]


def attach_filter(sock, insns):
    """Attach classic BPF, (code, jt, jf, k) tuples, to a socket."""
    array = (_Insn * len(insns))(*[_Insn(*i) for i in insns])
    prog = _Prog(len(insns), array)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(prog))
