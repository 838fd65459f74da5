#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Only root of the host configures, dumps and listens."""

import ctypes
import errno
import os
import pickle
import struct
import traceback

from lib import net, nl, policy, tap
from lib.rig import Rig

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


def attempts(sock):
    """Try every operation, with bodies that would do; {label: errno}."""
    bodies = {
        "tag-set": {"value": 0x5c000000, "mask": 0xff000000,
                    "class_mask": 0xff},
        "guard-set": {"name": "evil", "ifname": "evil0"},
        "guard-del": {"name": "cams"}, "txn-begin": {"base": "live"},
        "txn-commit": {"generation": 1, "revision": 9},
        "profile-set": {"name": "evil", "mode": "audit", "class": 1},
        "profile-del": {"name": "dome"}, "device-del": {"name": "cam"},
        "device-set": policy.device_attrs("evil", "02:00:00:00:00:66",
                                          ["10.0.0.66"], "dome"),
        "device-get": {"name": "cam"},
    }
    out = {}
    for op in sock.spec.ops.values():
        name = op.name.replace("_", "-")
        for kind, flags in (("do", 0), ("dump", nl.NLM_F_DUMP)):
            if kind not in op.raw:
                continue
            attrs = bodies.get(name, {}) if kind == "do" else {}
            try:
                sock.raw(name, sock.encode(name, attrs),
                         nl.NLM_F_REQUEST | nl.NLM_F_ACK | flags)
                out[f"{name} {kind}"] = 0
            except nl.NlError as err:
                out[f"{name} {kind}"] = err.errno
    return out


def all_eperm(seen):
    """Every attempt must have been refused for lack of privilege."""
    tap.true(len(seen) >= 17, f"only {len(seen)} operations tried")
    tap.equal({k: errno.errorcode.get(v, "done") for k, v in seen.items()},
              dict.fromkeys(seen, "EPERM"))


def ready(r):
    """A gateway with something to lose; its state."""
    r.arm(ifname="nonesuch", state="waiting")
    r.load()
    return policy.state(r.sock)


def test_unprivileged():
    "an unprivileged user in the gateway's namespace"
    def child(put, _get):
        net.setns(r.gw.path)
        drop_privileges()
        put(attempts(nl.Genl()))

    with Rig(link=False) as r:
        before = ready(r)
        with Child(child) as other:
            all_eperm(other.get())
        tap.equal(policy.state(r.sock), before, "state")


def test_inherited_socket():
    "an unprivileged user with a socket that root opened"
    def child(put, _get):
        sock = nl.Genl(netns=r.gw)
        drop_privileges()
        put(attempts(sock))

    with Rig(link=False) as r:
        before = ready(r)
        with Child(child) as other:
            all_eperm(other.get())
        tap.equal(policy.state(r.sock), before, "state")


def user_ns(flags):
    """Attempts by root of an unprivileged user namespace, and its errno."""
    def child(put, _get):
        net.setns(r.gw.path)
        try:
            own_namespaces(flags)
        except NoUserns as err:
            put(err)
            return
        put(attempts(nl.Genl()))

    with Rig(link=False) as r:
        before = ready(r)
        with Child(child) as other:
            try:
                seen = other.get()
            except NoUserns as err:
                raise tap.Skip(f"no unprivileged user namespaces: {err}")
        all_eperm(seen)
        tap.equal(policy.state(r.sock), before, "state")


def test_userns_root():
    "root of an unprivileged user namespace, in the gateway's namespace"
    user_ns(0)


def test_userns_netns_root():
    "root of an unprivileged user namespace, in a network namespace of its own"
    user_ns(net.CLONE_NEWNET)


def test_group_unprivileged():
    "an unprivileged user cannot join the group of events"
    def child(put, _get):
        net.setns(r.gw.path)
        drop_privileges()
        sock = nl.Genl()
        try:
            sock.subscribe()
            put(0)
        except OSError as err:
            put(err.errno)

    with Rig(link=False) as r:
        with Child(child) as other:
            tap.equal(other.get(), errno.EPERM, "join")
        sock = r.open()
        sock.subscribe()        # root can


def test_group_userns():
    "in a user namespace's own network, nobody hears events"
    def child(put, get):
        try:
            own_namespaces(net.CLONE_NEWNET)
        except NoUserns as err:
            put(err)
            return
        sock = nl.Genl()
        try:
            sock.subscribe()
        except OSError as err:
            put(err.errno)
            return
        put(0)
        get()
        put(sock.events(timeout=2))

    with Child(child) as other:
        try:
            joined = other.get()
        except NoUserns as err:
            raise tap.Skip(f"no unprivileged user namespaces: {err}")
        if joined:
            tap.equal(joined, errno.EPERM, "join")
            return
        with nl.Genl(netns=f"/proc/{other.pid}/ns/net") as sock:
            policy.guard(sock, "g", "lo")
            policy.load(sock, {}, revision=7)
            policy.unguard(sock, "g")
        other.put()
        tap.equal(other.get(), [], "events")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
