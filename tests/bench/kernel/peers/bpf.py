# SPDX-License-Identifier: GPL-2.0-only
"""A BPF classifier in the interface's clsact: filter.bpf.c."""

import ctypes
import os
import struct
import tempfile

import lcbench

from . import Peer, Skip, command

HERE = os.path.dirname(os.path.abspath(__file__))
PINS = "/sys/fs/bpf/tc/globals"
_SYS_BPF = 321                          # x86-64
_OBJ_GET, _UPDATE_BATCH = 7, 26

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(number, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(64, b"\0"))
    result = _libc.syscall(_SYS_BPF, number, buffer, len(buffer))
    if result < 0:
        err = ctypes.get_errno()
        raise OSError(err, f"bpf({number}): {os.strerror(err)}")
    return result


def _address(buffer):
    return ctypes.addressof(buffer)


def fill(name, pairs, batch=65536):
    """Put (key, value) pairs into a pinned map."""
    path = ctypes.create_string_buffer(f"{PINS}/{name}".encode())
    fd = _bpf(_OBJ_GET, struct.pack("=QII", _address(path), 0, 0))
    try:
        for first in range(0, len(pairs), batch):
            part = pairs[first:first + batch]
            keys = ctypes.create_string_buffer(b"".join(k for k, _ in part))
            values = ctypes.create_string_buffer(b"".join(v for _, v in part))
            _bpf(_UPDATE_BATCH, struct.pack(
                "=QQQQIIQQ", 0, 0, _address(keys), _address(values),
                len(part), fd, 0, 0))
    finally:
        os.close(fd)


class Bpf(Peer):
    """Two hash maps."""

    name = "tc-bpf"
    place = lcbench.TC

    def variant(self, case):
        return "two hash maps, interpreter (no JIT)"

    def load(self, case):
        if not case.exact:
            raise Skip("its hash maps hold no prefixes and ranges, and an LPM "
                       "trie no ranges of ports")
        devices = [(d.mac + bytes(2) + d.addr, struct.pack("=I", d.profile))
                   for d in case.devices]
        rules = [(struct.pack("=I", number) + r.addr +
                  struct.pack("!HBx", r.low, r.proto), b"\1")
                 for number, rules in enumerate(case.profiles) for r in rules]
        with tempfile.TemporaryDirectory() as tmp:
            built = os.path.join(tmp, "filter.o")
            command("clang", "-O2", "-g", "-Wall", "-Werror", "-target", "bpf",
                    "-I/usr/include/x86_64-linux-gnu",
                    *(["-DIPV6"] if case.family == 6 else []),
                    f"-DVLAN={case.vlan or 0}", f"-DDEVICES={len(devices)}",
                    f"-DRULES={len(rules)}", "-c", "-o", built,
                    os.path.join(HERE, "filter.bpf.c"))
            command("tc", "qdisc", "add", "dev", self.ifname, "clsact")
            command("tc", "filter", "add", "dev", self.ifname, "ingress", "bpf",
                    "direct-action", "object-file", built, "section", "tc")
        fill("lcb_devices", devices)
        fill("lcb_rules", rules)

    def unload(self):
        command("tc", "qdisc", "del", "dev", self.ifname, "clsact")
        for name in ("lcb_devices", "lcb_rules"):
            os.unlink(f"{PINS}/{name}")
