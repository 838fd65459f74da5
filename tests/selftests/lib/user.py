# SPDX-License-Identifier: GPL-2.0-only
"""Child processes that give up privileges, or gain them over nothing."""

import ctypes
import os
import pickle
import struct
import traceback

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))


class Child:
    """func(pipe to the parent, pipe from the parent) in a process of its own.

    The exit of the with statement waits for it.
    """

    def __init__(self, func):
        to_parent, to_child = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(to_parent[0])
            os.close(to_child[1])
            try:
                func(lambda value: os.write(to_parent[1], _pack(value)),
                     lambda: _unpack(to_child[0]))
            except BaseException:
                os.write(to_parent[1],
                         _pack(RuntimeError(traceback.format_exc())))
            os._exit(0)
        os.close(to_parent[1])
        os.close(to_child[0])
        self._in, self._out = to_parent[0], to_child[1]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self._out)
        os.close(self._in)
        os.waitpid(self.pid, 0)

    def get(self):
        """What the child sent; its exceptions are raised here."""
        value = _unpack(self._in)
        if isinstance(value, Exception):
            raise value
        return value

    def put(self, value=True):
        """Send to the child."""
        os.write(self._out, _pack(value))


def _pack(value):
    data = pickle.dumps(value)
    return struct.pack("=I", len(data)) + data


def _unpack(fd):
    head = os.read(fd, 4)
    if len(head) < 4:
        return EOFError("the other side is gone")
    size, = struct.unpack("=I", head)
    data = b""
    while len(data) < size:
        data += os.read(fd, size - len(data))
    return pickle.loads(data)


def drop_privileges():
    """Become nobody for good."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    _check(_libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))


class NoUserns(OSError):
    """The host lets nobody make user namespaces."""


def own_namespaces(flags):
    """Become root of a new user namespace, as anybody may."""
    drop_privileges()
    if _libc.unshare(CLONE_NEWUSER | flags) != 0:
        raise NoUserns(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {NOBODY} 1"),
                       ("gid_map", f"0 {NOBODY} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    if os.geteuid() != 0:
        raise RuntimeError("not root of the user namespace")
