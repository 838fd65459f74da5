# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor with the real daemon and module.

Every test begins with a gateway about which there is nothing to say, makes one
thing wrong, and puts it right again. What the program takes and prints is
tested in tests/host/cli.
"""

import json
import os

from . import daemon, net, rig, tap

PROGRAM = os.path.join(daemon.PROGRAMS, "lenscapctl")
WORLD = []


def built():
    "Prerequisite: lenscapctl was built."
    if not os.access(PROGRAM, os.X_OK):
        raise tap.Skip(f"no {PROGRAM}: build it with make userspace")


def world(*guards, policy=True):
    "A rig and a daemon with a live policy; gone after the test."
    made = rig.Rig()
    WORLD.append(made)
    d = daemon.Daemon(made.net, made.gw,
                      guards=list(guards) or [daemon.guard()])
    if policy:
        d.write_policy(daemon.dome(revision=1))
    d.start()
    return made, d


def cleanup():
    "Also when a test failed half-way."
    while WORLD:
        WORLD.pop().close()


def doctor(r, d, *args):
    "Run it where the daemon runs: exit code and result."
    done = r.gw.run([PROGRAM, "--socket", d.socket, "doctor", "--json", *args],
                    check=False)
    tap.equal(done.stderr, "", "errors")
    return done.returncode, json.loads(done.stdout)


# The rig's link to the camera is a veth.
WIRE = "guard-on-veth"


def found(r, d, *args):
    "What was found, as {(name, object): severity}; all was checked."
    status, result = doctor(r, d, *args)
    tap.equal(result["unchecked"], [], "unchecked")
    seen = {(item["name"], item["object"]["name"]): item["severity"]
            for item in result["findings"] if item["name"] != WIRE}
    worst = set(seen.values())
    tap.equal(status, 2 if "problem" in worst else
              1 if "warning" in worst else 0, "exit code")
    return seen


def risk(r, d, name):
    "The sentence of the one finding of this name."
    return [item["risk"] for item in doctor(r, d)[1]["findings"]
            if item["name"] == name][0]


def ctl(d, *args):
    "Another command, which must work."
    net.run([PROGRAM, "--socket", d.socket, *args])


def guards(d, *names):
    "Other guards from now on."
    d.configure(list(names))
    ctl(d, "reload")


def gone(r, d, key):
    "Wait until a finding is gone: a BPF link ends after its close."
    net.wait_for(lambda: key not in found(r, d), what=f"{key} to be gone")
