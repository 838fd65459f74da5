#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Only root of the host configures, dumps and listens."""

import errno

from lib import net, nl, policy, tap
from lib.rig import Rig
from lib.user import Child, NoUserns, drop_privileges, own_namespaces


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
        "device-get": {"name": "cam"}, "capture-set": {"group": 5},
        "capture-del": {"id": 1},
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
            policy.guard(sock, "g", "nonesuch")
            policy.load(sock, {}, revision=7)
            policy.unguard(sock, "g")
        other.put()
        tap.equal(other.get(), [], "events")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
