#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Unloading: refused while a guard exists, clean otherwise."""

import ctypes
import errno
import os

from lib import net, nl, policy, tap
from lib.rig import Rig

O_NONBLOCK = os.O_NONBLOCK
_libc = ctypes.CDLL(None, use_errno=True)
_was_loaded = os.path.exists("/sys/module/lenscap")


def unload():
    """Try to unload; 0 or an errno."""
    if _libc.syscall(_delete_module(), b"lenscap", O_NONBLOCK) == 0:
        return 0
    return ctypes.get_errno()


def _delete_module():
    machine = os.uname().machine
    return {"x86_64": 176, "aarch64": 106}[machine]


def load():
    """Load it again."""
    tap.module()
    net.wait_for(lambda: os.path.exists("/sys/module/lenscap"),
                 what="the module")


# What the kernel answers for a module in use is its own: EAGAIN from the
# system call, which rmmod and modprobe report as "in use".
BUSY = (errno.EBUSY, errno.EAGAIN)


def stays():
    """Unloading must be refused."""
    code = unload()
    tap.true(code in BUSY, f"unloading: {errno.errorcode.get(code, code)}")
    tap.true(os.path.exists("/sys/module/lenscap"), "it is gone")


def goes():
    """Unloading must succeed, once what is on its way out is out."""
    net.wait_for(lambda: unload() == 0, what="the module to go")
    tap.true(not os.path.exists("/sys/module/lenscap"), "it is still there")


def reload_again():
    """After each test: loaded, as the next one wants it."""
    load()


def idle():
    """Skip if somebody else's guards keep the module."""
    with open("/sys/module/lenscap/refcnt", encoding="ascii") as file:
        count = int(file.read())
    if count:
        raise tap.Skip(f"the module is used elsewhere ({count} references)")


def test_idle():
    "without guards it unloads and loads again"
    idle()
    for _ in range(3):
        goes()
        load()


def test_waiting():
    "a guard that waits keeps it"
    with Rig(link=False) as r:
        r.arm(ifname="nonesuch", state="waiting")
        stays()
        tap.equal(policy.guard_state(r.sock, "cams"), "waiting")
        policy.unguard(r.sock)


def test_armed():
    "an armed guard keeps it, and judges on; after disarming it goes"
    idle()
    with Rig() as r:
        r.load()
        r.arm()
        r.bad(3)
        r.wait_dropped(3)
        stays()
        r.bad(2)
        r.wait_dropped(5)
        policy.unguard(r.sock)
        goes()


def test_replaced():
    "replacing and moving guards leaves no reference behind"
    idle()
    with Rig() as r:
        for i in range(5):
            r.arm(vlan=30 + i)
            r.arm("late", "nonesuch", state="waiting", vlan=7 + i)
        try:
            policy.guard(r.sock, "more", "nonesuch", vlan=11)
        except nl.NlError:
            pass
        r.gw.ip("link del trunk")
        policy.wait_guard(r.sock, "cams", "waiting")
        stays()
        policy.unguard(r.sock)
        goes()


def test_policy_loaded():
    "a live policy and an open transaction do not keep it"
    idle()
    with Rig() as r:
        r.load()
        r.arm()
        r.bad(3)
        r.wait_dropped(3)
        policy.unguard(r.sock)
        r.sock.do("txn-begin", base="live")
        r.sock.do("device-del", name="cam")
        goes()
    load()
    with Rig() as r:
        tap.equal(policy.info(r.sock)["generation"], 0, "a fresh start")


def test_namespace_deleted():
    "the guards of a deleted namespace let go of it"
    idle()
    with Rig() as r:
        r.load()
        r.arm()
        r.arm("late", "nonesuch", state="waiting")
        stays()
        r.sock.close()
        r.gw.delete()
        goes()


def test_other_namespace():
    "a guard in any namespace keeps it"
    idle()
    with Rig() as a, Rig() as b:
        a.arm()
        b.arm()
        policy.unguard(a.sock)
        stays()
        policy.unguard(b.sock)
        goes()


def test_after_traffic():
    "right after heavy traffic it goes without a trace"
    idle()
    for _ in range(3):
        with Rig() as r:
            r.load()
            r.arm()
            frames = [r.frame(f"198.18.{i >> 8}.{i & 255}")
                      for i in range(500)] + [r.frame()] * 100
            r.send(*frames)
            policy.unguard(r.sock)      # some are still on their way
            goes()
            r.send(*frames[:50])
        load()


def test_listener():
    "somebody who listens for events does not keep it"
    idle()
    with Rig() as r:
        ear = r.open()
        ear.subscribe()
        r.load()
        r.arm()
        r.bad(5)
        r.wait_dropped(5)
        policy.unguard(r.sock)
        goes()


def test_records_parameter():
    "the parameter records: rounded up, kept in its limits, and it holds"
    idle()
    for value, places in ((20, 32), (1, 16), (10**6, 65536)):
        goes()
        tap.module(f"records={value}")
        with Rig() as r:
            r.load()
            r.arm()
            tap.equal(policy.info(r.sock)["records_max"], places, value)
            if places > 32:
                continue
            for i in range(100):
                r.send(r.frame(f"198.18.0.{i}"))
            r.wait_dropped(100)
            info = policy.info(r.sock)
            tap.equal(info["records"], places, "records")
            tap.equal(info["records"] + info["records_lost"], 100)
    goes()


def test_hits_parameter():
    "hits=0: nothing is counted for rules, and who asks is told so, not 0"
    idle()
    goes()
    tap.module("hits=0")
    with Rig() as r:
        r.load()
        r.arm()
        r.send(*[r.frame()] * 20)
        net.wait_for(lambda: policy.guards(r.sock)["cams"]["passed_packets"]
                     == 20, what="frames to pass")
        tap.equal(len(r.sock.dump("profile-get")), 1, "profiles")
        try:
            r.sock.dump("profile-get", hits=True)
        except nl.NlError as err:
            tap.equal(err.errno, errno.EOPNOTSUPP, "errno")
            tap.true("hits=0" in str(err), f"{err}")
        else:
            raise AssertionError("hits of a module that counts none")
        policy.unguard(r.sock)
    goes()


def restore():
    """Leave the host as it was."""
    if not _was_loaded and os.path.exists("/sys/module/lenscap"):
        net.wait_for(lambda: unload() == 0, what="the module to go")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], each=reload_again,
             teardown=restore)
