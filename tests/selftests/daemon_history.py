#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd and its history: drops, policy and guards, and proof of them."""

import json
import os
import subprocess

from lib import daemon, net, rig, tap
from lib.daemon import world

CTL = os.path.join(daemon.PROGRAMS, "lenscapctl")


def report(d, *args):
    "What lenscapctl report says of the daemon's history."
    done = subprocess.run(
        [CTL, "report", "--database", os.path.join(d.state, "history.db"),
         *args], capture_output=True, encoding="utf-8", check=False)
    tap.equal(done.returncode, 0, f"report: {done.stdout}{done.stderr}")
    return done.stdout


def test_history():
    "a drop, a stranger, two policies, a disarm: all in it, whole and sealed"
    r, d = world()
    d.write_policy(daemon.dome(revision=10))
    d.start()
    r.bad(3)
    r.send(r.frame(mac="02:00:5e:99:00:01"))
    net.wait_for(lambda: len(d.drops()) >= 2, what="two lines")
    d.apply(daemon.dome(revision=11))
    # Guards are compared once a second: before they are disarmed, too.
    net.wait_for(lambda: d.ask("status")["history"]["last_row"],
                 what="a first row")
    d.ask("disarm")
    status = d.ask("status")["history"]
    tap.equal((status["state"], status["error"]), ("ok", None), "status")
    d.stop()
    tap.true("whole" in report(d, "--verify"), "verified")
    seen = json.loads(report(d, "--json"))
    tap.equal(seen["proof"]["whole"], True, "proof")
    tap.equal(seen["proof"]["sealed"] + 1, seen["proof"]["last"], "sealed")
    sums = {c["device"] or c["mac"]: c["dropped"]["packets"]
            for c in seen["callers"]}
    tap.equal(sums, {"cam": 3, "02:00:5e:99:00:01": 1}, "callers")
    tap.equal([c["destination"] for c in seen["matrix"]
               if c["device"]], [rig.OTHER_IP], "destination")
    policies = " ".join(p["text"] for p in seen["policies"])
    tap.true("revision 10" in policies and "revision 11" in policies
             and "apply by pid" in policies, policies)
    events = " ".join(e["text"] for e in seen["events"])
    tap.true("disarm by pid" in events and "armed" in events, events)


def test_killed():
    "killed: the next daemon's history says what may be missing"
    r, d = world()
    d.write_policy(daemon.dome(revision=10))
    d.start()
    path = os.path.join(d.state, "history.db")
    net.wait_for(lambda: os.path.exists(path) and
                 d.ask("status")["history"]["last_row"], what="a first row")
    r.bad(2)
    d.kill()
    d.start()
    net.wait_for(lambda: d.ask("status")["history"]["last_row"],
                 what="a row of the second")
    d.stop()
    seen = json.loads(report(d, "--json"))
    tap.equal(seen["proof"]["whole"], True, "proof")
    tap.true(any("without saying so" in gap["text"] for gap in seen["gaps"]),
             f"{seen['gaps']}")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             each=daemon.cleanup)
