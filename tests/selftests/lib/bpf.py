# SPDX-License-Identifier: GPL-2.0-only
"""BPF programs of a few instructions, without a library.

    detach = bpf.attach(gw, "trunk", bpf.XDP, bpf.ATTACH_XDP, bpf.XDP_SKB_MODE)
    detach = bpf.attach(..., code=bpf.redirect(gw.index("wan")))
"""

import ctypes
import os
import struct

from . import tap

# <linux/bpf.h>, which Python does not have.
SYS_BPF = 321
PROG_LOAD, LINK_CREATE = 5, 28
SCHED_CLS, XDP = 3, 6
ATTACH_XDP, ATTACH_TCX_INGRESS = 37, 46
XDP_SKB_MODE = 2
PASS = {XDP: 2, SCHED_CLS: 0}
CALL_REDIRECT = 23
_libc = ctypes.CDLL(None, use_errno=True)


def amd64():
    """Prerequisite: the number of bpf() is that of this machine."""
    if os.uname().machine != "x86_64":
        raise tap.Skip("needs an amd64 machine")


def call(command, attr):
    """The system call; a file descriptor that closes with the program."""
    data = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    fd = _libc.syscall(SYS_BPF, command, data, 128)
    if fd < 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err), "bpf")
    return fd


def insn(code, register=0, value=0):
    """One instruction."""
    return struct.pack("<BBhi", code, register, 0, value)


def give(value):
    """A program that returns a number."""
    return insn(0xb7, 0, value) + insn(0x95)


def redirect(index):
    """A program that sends everything out of another interface."""
    return (insn(0xb7, 1, index) + insn(0xb7, 2, 0) +
            insn(0x85, 0, CALL_REDIRECT) + insn(0x95))


def attach(ns, ifname, kind, where, flags=0, code=None):
    """Attach a program, one that passes all by default; what detaches it."""
    code = code or give(PASS[kind])
    insns = ctypes.create_string_buffer(code, len(code))
    license_ = ctypes.create_string_buffer(b"GPL")
    program = call(PROG_LOAD, struct.pack(
        "<IIQQ", kind, len(code) // 8, ctypes.addressof(insns),
        ctypes.addressof(license_)))
    try:
        link = ns.call(call, LINK_CREATE, struct.pack(
            "<IIII", program, ns.index(ifname), where, flags))
    finally:
        os.close(program)
    return lambda: os.close(link)
