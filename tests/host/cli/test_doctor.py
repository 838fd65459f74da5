# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor without a kernel module: what it takes and what it prints.

Guards stand on lo here, which is everywhere; what the kernel has to be asked
for is provoked in tests/selftests/cli_doctor*.py.
"""

import json
import os
import re
import subprocess

import state
from ctl import TOP, ask, environment, expect, path, run, tap
from fake import CLOSE, SILENCE

LOADED = os.path.exists("/sys/module/lenscap")
MODULE_CHECKS = {"no-guard", "guard-not-armed", "guard-audit", "no-policy",
                 "policy-old", "xdp", "vlan-unguarded"}


def guard(**changes):
    """A guard on the loopback interface."""
    return state.guard(**{"interface": "lo", "ifindex": 1, "vlan": None,
                          **changes})


def answers(guards=None, module=(), devices=("2001:db8::1",)):
    """A daemon's, with nothing to complain about."""
    guards = [guard()] if guards is None else guards
    return {"status": state.status(guards, module=module),
            "devices": {"ok": True, "devices": [
                state.device(addresses=list(devices))]},
            "profiles": {"ok": True, "profiles": [state.profile(rules=[])]}}


def examine(world, status, *args):
    """The result as an object; its parts agree with each other."""
    done = ask(world, "doctor", "--json", *args)
    tap.equal((done.returncode, done.stderr), (status, ""),
              f"exit code ({done.stdout})")
    result = json.loads(done.stdout)
    tap.equal(set(result), {"ok", "findings", "unchecked", "summary"}, "keys")
    for item in result["findings"]:
        tap.equal(set(item), {"name", "severity", "object", "risk", "fix"},
                  "keys of a finding")
        tap.equal(set(item["object"]), {"kind", "name"}, "keys of an object")
        for text in (item["risk"], item["fix"]):
            tap.true(re.fullmatch(r"[A-Z].*\.", text), f"a sentence: {text}")
    for item in result["unchecked"]:
        tap.equal(set(item), {"name", "object", "why"}, "keys of unchecked")
    severities = [item["severity"] for item in result["findings"]]
    tap.equal(result["summary"],
              {"problems": severities.count("problem"),
               "warnings": severities.count("warning"),
               "notes": severities.count("note"),
               "unchecked": len(result["unchecked"])}, "summary")
    tap.equal(result["ok"], not result["unchecked"], "ok")
    return result


def names(result, key="findings"):
    """Names only."""
    return sorted(item["name"] for item in result[key])


def privileged():
    """Others than root are not told everything, and that is not fine."""
    if os.geteuid() != 0:
        raise tap.Skip("needs root")


def test_doctor_finds_nothing():
    "nothing found: exit 0, and it says so"
    privileged()
    tap.equal(names(examine(answers(), 0)), [], "findings")
    expect(ask(answers(), "doctor"), 0,
           "0 problems, 0 warnings, 0 notes, 0 not checked\n", "")


def test_doctor_usage():
    "wrong usage: exit 2, nothing printed or asked"
    for args, words in ((["x"], "usage: lenscapctl doctor"),
                        (["--max-age", "0"], "a number of days"),
                        (["--max-age", "-3"], "a number of days"),
                        (["--max-age", "1y"], "a number of days"),
                        (["--max-age", "40000"], "a number of days"),
                        (["--max-age"], "requires an argument"),
                        (["--names"], '--names does not go with "doctor"')):
        done = ask(answers(), "doctor", *args)
        expect(done, 2, stderr=words)
        tap.equal((done.stdout, done.requests), ("", []), f"{args}")
    expect(ask(answers(), "status", "--max-age", "5"), 2,
           stderr='--max-age does not go with "status"')


def test_doctor_without_daemon():
    "no daemon: each check is named as not made, and the module is looked for"
    done = run("--socket", path("none"), "doctor", "--json")
    result = json.loads(done.stdout)
    tap.equal(names(result),
              ["no-daemon"] + ([] if LOADED else ["no-module"]), "findings")
    tap.equal(done.returncode, 6 if LOADED else 2, "exit code")
    tap.true(MODULE_CHECKS <= set(names(result, "unchecked")), result)
    for answer in (CLOSE, b"220 smtp ready\n", {"ok": False, "error": "no"}):
        result = examine({"status": answer}, 6 if LOADED else 2)
        tap.true("no-daemon" in names(result), result)
    examine({"status": SILENCE}, 6 if LOADED else 2, "--timeout", "1")


def test_doctor_without_module():
    "the daemon runs, the module is not loaded: a problem, guards not checked"
    result = examine(answers(module=None), 2)
    tap.equal(names(result), ["no-module"], "findings")
    result = examine({**answers(module=None),
                      "status": state.status([], module=None)}, 2)
    tap.equal(names(result), ["no-module"], "findings without guards")
    tap.true(MODULE_CHECKS <= set(names(result, "unchecked")), result)


def test_doctor_guards():
    "guards that are not armed, in audit mode, or not there at all"
    privileged()
    for changes, name, status in (({"state": "disarmed"}, "guard-not-armed", 2),
                                  ({"state": "failed"}, "guard-not-armed", 2),
                                  ({"state": "waiting", "interface": "none"},
                                   "guard-not-armed", 2),
                                  ({"mode": "audit"}, "guard-audit", 0)):
        result = examine(answers([guard(**changes)]), status)
        tap.equal(names(result), [name], f"findings with {changes}")
        tap.equal(result["findings"][0]["object"],
                  {"kind": "guard", "name": "cams"}, "object")
    tap.equal(names(examine(answers([]), 2)), ["no-guard"], "findings")


def test_doctor_gateway():
    "a daemon that started with the last good copy of gateway.yaml"
    privileged()
    world = answers()
    world["status"]["daemon"]["config_last_good"] = {
        "saved": state.ago(60), "error": "gateway.yaml:3:1: a typo"}
    result = examine(world, 1)
    tap.equal(names(result), ["gateway-last-good"], "findings")
    tap.equal(result["findings"][0]["severity"], "warning", "severity")
    tap.true("gateway.yaml:3:1: a typo" in result["findings"][0]["risk"],
             result)


def test_doctor_interlock():
    "an interlock that is missing, cannot be, is left off, or not known"
    privileged()
    for lock, name, status in (("missing", "interlock-missing", 2),
                               ("unavailable", "interlock-missing", 2),
                               ("off", "interlock-off", 0)):
        world = answers()
        world["status"]["interlock"]["state"] = lock
        tap.equal(names(examine(world, status)), [name], lock)
    world = answers()
    del world["status"]["interlock"]
    tap.equal(names(examine(world, 6), "unchecked"), ["interlock-missing"],
              "an older daemon")


def test_doctor_elsewhere():
    "a guard whose interface is not here: exit 6, not fine"
    for changes in ({"interface": "none7"}, {"ifindex": 77}):
        result = examine(answers([guard(**changes)]), 6)
        tap.equal(names(result, "unchecked"), ["interface"], "unchecked")
    done = expect(ask(answers([guard(ifindex=77)]), "doctor"), 6,
                  "1 not checked\n\nnot checked: interface: cams\n")
    tap.true("is not in this network namespace" in done.stdout, done.stdout)


def test_doctor_policy():
    "no policy; an old one, and what --max-age makes of it"
    privileged()
    result = examine(answers(module={"generation": 0, "revision": 0,
                                     "committed": None}), 2)
    tap.equal(names(result), ["no-policy"], "findings")
    old = answers(module={"committed": state.ago(181.5 * 86400)})
    tap.equal(names(examine(old, 1)), ["policy-old"], "findings")
    tap.equal(names(examine(old, 0, "--max-age", "182")), [], "findings")
    for since in (state.ago(-86400), None, "yesterday"):
        result = examine(answers(module={"committed": since}), 6)
        tap.equal(names(result, "unchecked"), ["policy-old"], "unchecked")


def at(seconds):
    """An environment in which the program's clock stands still, at a time."""
    clock = path("clock.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", clock, "-"],
                   input=f"long time(long *p) {{ if (p) *p = {seconds}; "
                         f"return {seconds}; }}", text=True, check=True)
    # The program may be built with AddressSanitizer, which wants to be first.
    return environment(LD_PRELOAD=clock,
                       ASAN_OPTIONS="verify_asan_link_order=0")


def test_doctor_clock():
    "a clock that nobody has set"
    privileged()
    for seconds, found in ((1000, ["clock-unset"]), (1735689600, [])):
        # Whatever the policy's age is by such a clock.
        done = ask(answers(), "doctor", "--json", env=at(seconds))
        result = json.loads(done.stdout)
        tap.equal((done.returncode, done.stderr), (6, ""), "exit code")
        tap.equal(names(result), found, "findings")
        tap.equal(names(result, "unchecked"), ["policy-old"], "unchecked")


def test_doctor_text():
    "the worst first; control characters do not reach the terminal"
    privileged()
    world = answers([guard(mode="audit"),
                     guard(name="y\x1b[2J", interface="none",
                           state="waiting", ifindex=None)],
                    module={"committed": state.ago(200 * 86400)})
    done = expect(ask(world, "doctor"), 2, [
        "1 problem, 1 warning, 1 note, 0 not checked\n",
        "\nproblem: guard-not-armed: guard y?[2J\n  The guard on interface "
        "none is waiting, so nothing is judged there.\n  Create",
        "\nwarning: policy-old: module lenscap\n",
        "\nnote: guard-audit: guard cams\n"], "")
    tap.true("\x1b" not in done.stdout, done.stdout)
    places = [done.stdout.index(f"\n{word}: ")
              for word in ("problem", "warning", "note")]
    tap.equal(places, sorted(places), "order")


def test_doctor_manual():
    "each finding of the sources is in lenscapctl(8)"
    with open(os.path.join(TOP, "userspace", "man", "lenscapctl.8"),
              encoding="utf-8") as file:
        page = file.read().split(".Sh DOCTOR\n")[1].split("\n.Sh ")[0]
    found = set()
    where = os.path.join(TOP, "userspace", "cli")
    for name in os.listdir(where):
        if not re.fullmatch(r"doctor.*\.c", name):
            continue
        with open(os.path.join(where, name), encoding="utf-8") as file:
            text = file.read()
        found |= set(re.findall(r'"([a-z0-9-]+)", SEVERITY_', text))
        found |= set(re.findall(r'\.name = "([a-z0-9-]+)"', text))
        found |= set(re.findall(r'found\(doctor, "([a-z0-9-]+)"', text))
    tap.true(len(found) >= 16, f"only {found}")
    items = set(" ".join(re.findall(r"^\.It Cm (.*) Pq", page,
                                    re.MULTILINE)).replace(",", "").split())
    tap.equal(items, found, "findings")
