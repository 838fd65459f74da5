#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd without the module: at the start, and when it goes and returns."""

import os
import subprocess

from lib import daemon, lock, net, policy, tap
from lib.daemon import guard, world

LOADED = "/sys/module/lenscap"


def unload():
    "Unload the module; skip if somebody else uses it."
    done = subprocess.run(["rmmod", "lenscap"], check=False,
                          capture_output=True, text=True)
    if done.returncode == 0:
        return True
    if "in use" in done.stderr or "busy" in done.stderr:
        return False
    raise AssertionError(done.stderr)


def wait_unloaded():
    "Guards of namespaces that are on their way out hold it for a moment."
    net.wait_for(unload, what="the module to be unloaded")


def after():
    "The next test wants the module."
    daemon.cleanup()
    tap.module()
    net.wait_for(lambda: os.path.exists(LOADED), what="the module")


def unused():
    "Prerequisite: nobody else has a guard."
    with open(LOADED + "/refcnt", encoding="ascii") as file:
        if int(file.read()):
            raise tap.Skip("the module is used elsewhere")


def test_absent():
    "no module: how to load it; the daemon waits, and begins when it comes"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    r.sock.close()
    wait_unloaded()
    # Where modprobe finds it, asking for the family loads it again.
    d.start()
    tap.true("modprobe lenscap" in d.log(), d.log())
    answer = d.ask("status")
    tap.equal((answer["daemon"]["state"], answer["module"]),
              ("no-module", None), "status")
    tap.true("modprobe lenscap" in answer["daemon"]["last_error"], "error")
    tap.true(any("module is not loaded" in line for line in d.notified()),
             "systemd's status")
    tap.module()
    net.wait_for(lambda: d.ask("status")["daemon"]["state"] == "ok",
                 what="the policy to be live")
    r.sock = r.open()
    tap.equal(policy.info(r.sock)["revision"], 1, "revision")
    r.bad()
    r.wait_dropped(1)


def test_unload_is_refused_while_armed():
    "an armed guard keeps the module; the daemon is not disturbed"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    tap.true(not unload(), "unloading must be refused")
    tap.equal(d.ask("status")["daemon"]["state"], "ok", "state")
    d.kill()
    tap.true(not unload(), "without the daemon, too")
    r.bad()
    r.wait_dropped(1)


def test_goes_and_returns():
    "unloaded after disarm, loaded again: guards and policy come back"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    d.apply(daemon.dome(revision=5))
    d.ask("disarm")
    r.sock.close()
    wait_unloaded()
    d.wait_log("was unloaded")
    answer = d.ask("status")
    tap.equal((answer["daemon"]["state"], answer["module"]),
              ("no-module", None), "status")
    for command in ("guards", "devices", "profiles", "reload", "arm"):
        tap.equal(d.denied(command)["code"], "module", command)
    tap.equal(d.apply(daemon.dome(revision=6))["code"], "module", "apply")
    d.ask("drops")
    tap.module()
    d.wait_log("module is there now")
    net.wait_for(lambda: d.ask("status")["daemon"]["state"] == "ok",
                 what="the policy to be back")
    r.sock = r.open()
    tap.equal(policy.info(r.sock)["revision"], 5, "revision")
    tap.equal(d.ask("guards")["guards"][0]["state"], "disarmed",
              "what was disarmed stays so")
    d.ask("arm")
    r.bad()
    r.wait_dropped(1)
    net.wait_for(lambda: d.ask("drops")["drops"], what="a record")


def test_closed_while_it_goes():
    "what disarm has closed stays closed while nobody knows that the module went"
    lock.built()
    site = lock.behind_trunk([guard("below"), guard("above", "v30")], (30,))
    site.daemon.ask("disarm", guard="below", open=True)
    site.daemon.ask("disarm", guard="above")
    site.rig.sock.close()
    wait_unloaded()
    # The interlock looks at each change of an interface.
    site.gw.ip("link add d0 type dummy")
    sent, told = [], False
    while not told:
        told = "was unloaded" in site.daemon.log()
        sent.append(site.frame(vlans=(30,), **lock.BEHIND))
        site.cam_link.send(sent[-1])
    site.daemon.ask("disarm", guard="above", open=True)
    site.passes(site.frame(vlans=(30,), **lock.BEHIND))
    for frame in sent:
        tap.true(not site.far.has(site.body(frame)), "a frame was let through")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module, unused],
             each=after)
