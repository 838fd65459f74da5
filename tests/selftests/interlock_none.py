#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd where the kernel has no nf_tables: said, and nothing else is lost."""

import os
import subprocess

from lib import daemon, net, tap
from lib.daemon import world

HELPER = "/proc/sys/kernel/modprobe"
CTL = os.path.join(daemon.PROGRAMS, "lenscapctl")
SAVED = []


def modules():
    "What is loaded: {name: names of those that use it}."
    with open("/proc/modules", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return {row[0]: [x for x in row[3].split(",") if x.strip("-")]
            for row in rows}


def unload(name):
    "A module, and those that use it, first."
    for user in modules().get(name, []):
        unload(user)
    return name not in modules() or subprocess.run(
        ["rmmod", name], check=False, capture_output=True).returncode == 0


def without():
    "Take nf_tables away, and have nobody load it again."
    if not os.path.exists(HELPER):
        raise tap.Skip("this kernel loads no modules by itself")
    if os.path.exists("/sys/module/nf_tables") and \
            "nf_tables" not in modules():
        raise tap.Skip("nf_tables is built in")
    if subprocess.run(["modinfo", "nf_tables"], check=False,
                      capture_output=True).returncode:
        raise tap.Skip("nf_tables is no module of this kernel")
    net.wait_for(lambda: unload("nf_tables"), what="nf_tables to be unloaded")
    with open(HELPER, encoding="ascii") as file:
        SAVED.append(file.read().strip())
    allow("/bin/false")


def allow(helper):
    "Who loads modules."
    with open(HELPER, "w", encoding="ascii") as file:
        file.write(helper)


def again():
    "As it was."
    if SAVED:
        allow(SAVED.pop())


def test_unavailable():
    "status and doctor say so; the module judges; it comes, and all is well"
    # What the rig is made of is loaded before.
    r, d = world()
    without()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    shown = d.ask("status")["interlock"]
    tap.equal((shown["state"], shown["error"]),
              ("unavailable", "this kernel has no nf_tables"), "status")
    done = r.gw.run([CTL, "--socket", d.socket, "doctor"], check=False)
    tap.true("interlock-missing" in done.stdout, done.stdout)
    r.good()
    r.bad()
    r.wait_passed(1)
    r.wait_dropped(1)
    tap.true("may talk to anyone" in r.gw.run(
        [CTL, "--socket", d.socket, "disarm"]).stdout, "disarm")
    d.ask("arm")
    tap.equal(d.apply(daemon.dome(revision=2))["changed"], True, "a policy")
    tap.equal(d.log().count("this kernel has no nf_tables"), 1,
              "it is said once")
    d.configure([daemon.guard()], interlock=False)
    d.ask("reload")
    tap.equal(d.ask("status")["interlock"]["state"], "off", "left off")
    d.configure([daemon.guard()])
    d.ask("reload")
    again()
    # By itself it is tried within a minute; a reload does not wait.
    d.ask("reload")
    net.wait_for(lambda: d.ask("status")["interlock"]["state"] == "in-place",
                 what="the interlock to be in place")
    r.good()
    r.wait_passed(2)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             teardown=again, each=daemon.cleanup)
