# SPDX-License-Identifier: GPL-2.0-only
"""Judging files, applying policies, arming and disarming."""

import json
import os
import re

import state
from ctl import Terminal, ask, expect, path, run, tap, write
from fake import Fake

POLICY = """\
# SPDX-License-Identifier: GPL-2.0-only
version: 1
revision: 42
destinations:
  nvr: [10.20.0.10, "2001:db8:20::10"]
profiles:
  fence-dome:
    class: 1
    serves:
      - { to: nvr, tcp: [80, 554] }
    connects:
      - { to: nvr, udp: [10000-20000] }
devices:
  - { name: fence-017, mac: "02:00:5e:10:00:17", addresses: [10.30.0.17],
      profile: fence-dome }
  - { name: gate-01, mac: "02:00:5e:10:00:18", addresses: [10.30.0.18],
      profile: fence-dome }
"""

BAD = POLICY.replace("to: nvr, tcp", "to: nvrr, tcp").replace(
    "10.30.0.18", "10.30.0.17")

GATEWAY = """\
version: 1
guards:
  - { name: cams, interface: eth1, vlan: 30 }
"""

SUMMARY = "revision 42, 1 profile (6 rules), 2 devices: ok"

APPLIED = {"apply": {"ok": True, "generation": 8, "revision": 42,
                     "changed": True, "diagnostics": []},
           "status": state.status(module={"revision": 41})}


def test_check_policy():
    "a good policy is summed up"
    where = write("policy.yaml", POLICY)
    done = expect(run("check", where), 0)
    tap.equal(done.stdout, f"{where}: {SUMMARY}\n", "output")
    tap.equal(done.stderr, "", "errors")


def test_check_bad_policy():
    "all errors at once, with file, line and column: exit 1"
    where = write("policy.yaml", BAD)
    done = expect(run("check", where), 1)
    tap.equal(done.stdout, "", "output")
    lines = done.stderr.splitlines()
    tap.equal(lines[-1], f"{where}: 2 errors: refused", "summary")
    tap.equal([re.match(re.escape(where) + r":\d+:\d+: ", line) is not None
               for line in lines[:-1]], [True, True], done.stderr)
    tap.true('did you mean "nvr"?' in done.stderr, done.stderr)


def test_check_warnings():
    "warnings do not refuse a policy"
    text = POLICY.replace("profiles:\n", "  odd: 10.9.9.9\nprofiles:\n")
    expect(run("check", write("policy.yaml", text)), 0, "ok, 1 warning\n",
           "warning: ")


def test_check_gateway():
    "a gateway file is told by its keys"
    where = write("g.yaml", GATEWAY)
    done = expect(run("check", where), 0, ": 1 guard, policy ")
    tap.true(done.stdout.endswith("/policy.yaml: ok\n"), done.stdout)
    expect(run("check", write("g.yaml", GATEWAY + "nonsense: 1\n")), 1, "",
           'nonsense')


def test_check_kinds():
    "what decides is the top-level keys, or an option"
    for text, kind in ((POLICY, "policy"), (GATEWAY, "gateway"),
                       ("", "policy"), ("guards: {", "gateway"),
                       ("- a\n- b\n", "policy"), ("devices: [\n", "policy"),
                       ("x: {guards: 1, tag: 2}\n", "policy"),
                       ("x: &a guards\n*a : 1\n", "policy"),
                       ("\0\1\2", "policy"), ("guards", "policy"),
                       (b"\xff\xfe", "policy")):
        where = write("file.yaml", text)
        done = run("check", "--json", where)
        tap.equal(json.loads(done.stdout)["files"][0]["kind"], kind,
                  f"kind of {text[:30]!r}")
        for option in ("gateway", "policy"):
            done = run("check", "--json", f"--{option}", where)
            tap.equal(json.loads(done.stdout)["files"][0]["kind"], option,
                      f"kind of {text[:30]!r} with --{option}")


def test_check_many():
    "every file is judged; one bad one is enough for exit 1"
    good, bad = write("good.yaml", POLICY), write("bad.yaml", BAD)
    done = expect(run("check", bad, good, good), 1, stderr=f"{bad}: 2 errors")
    tap.equal(done.stdout.count(SUMMARY), 2, "good files")


def test_check_together():
    "a policy must fit the gateway file that is named before it"
    gateway = write("gateway.yaml", GATEWAY)
    policy = write("policy.yaml", POLICY.replace("class: 1", "class: 4096"))
    expect(run("check", policy, gateway), 0)
    expect(run("check", gateway, policy), 1, "1 guard", "class_mask")
    expect(run("check", gateway, write("p.yaml", POLICY), gateway), 0)


def test_check_json():
    "the result as JSON"
    good, bad = write("good.yaml", POLICY), write("bad.yaml", BAD)
    gateway = write("gateway.yaml", GATEWAY)
    done = expect(run("check", "--json", good, bad, gateway), 1)
    tap.equal(done.stderr, "", "errors")
    answer = json.loads(done.stdout)
    tap.equal(answer["ok"], False, "ok")
    answer["files"][0].pop("digest")
    tap.equal(answer["files"][0],
              {"file": good, "kind": "policy", "ok": True, "diagnostics": [],
               "revision": 42, "profiles": 1, "rules": 6, "devices": 2},
              "good file")
    errors = answer["files"][1]["diagnostics"]
    tap.equal([set(item) for item in errors],
              [{"severity", "file", "line", "column", "message"}] * 2,
              "fields")
    tap.equal(errors[0]["severity"], "error", "severity")
    tap.equal((answer["files"][2]["guards"], answer["files"][2]["kind"]),
              (1, "gateway"), "gateway")


def test_check_unreadable():
    "files that can not be read: exit 1, with a reason"
    directory = os.path.dirname(write("x", ""))
    for where in (path("none"), directory, "/dev/null", ""):
        done = expect(run("check", where), 1, "")
        tap.true(": refused" in done.stderr, done.stderr)


def test_apply():
    "what is sent is what the files hold, and the outcome is told"
    text = POLICY + "inventory: [more.csv]\n"
    csv = ("name,mac,addresses,profile\n"
           "yard-02,02:00:5e:10:00:19,10.30.0.19,fence-dome\n")
    where = write("policy.yaml", text)
    with open(os.path.join(os.path.dirname(where), "more.csv"), "w",
              encoding="ascii") as file:
        file.write(csv)
    done = expect(ask(APPLIED, "apply", where), 0, stderr="")
    tap.equal(done.stdout,
              "applied: revision 42 is live as generation 8\n", "output")
    tap.equal(done.stderr, "", "errors")
    tap.equal(len(done.requests), 1, "requests")
    sent = done.requests[0]
    tap.equal((sent["command"], "rollback" in sent), ("apply", False), "sent")
    tap.equal([item["text"] for item in sent["files"]], [text, csv], "texts")
    tap.equal([os.path.basename(item["name"]) for item in sent["files"]],
              ["policy.yaml", "more.csv"], "names")


def test_apply_already_live():
    "a policy that is live already changes nothing, and that is told"
    answers = {"apply": {**APPLIED["apply"], "changed": False}}
    done = expect(ask(answers, "apply", write("policy.yaml", POLICY)), 0)
    tap.equal(done.stdout, "already live: revision 42 as generation 8, "
              "nothing was changed\n", "output")


def test_apply_json():
    "the daemon's answer as JSON"
    done = expect(ask(APPLIED, "apply", "--json",
                      write("policy.yaml", POLICY)), 0)
    tap.equal(json.loads(done.stdout), APPLIED["apply"], "answer")


def test_apply_bad_policy():
    "nothing is sent when the policy has errors"
    where = write("policy.yaml", BAD)
    for args in ((), ("--dry-run",), ("--rollback",)):
        done = expect(ask(APPLIED, "apply", where, *args), 1, "",
                      "2 errors: nothing was applied")
        tap.equal(done.requests, [], "requests")
    done = expect(ask(APPLIED, "apply", where, "--json"), 1)
    answer = json.loads(done.stdout)
    tap.equal((answer["ok"], answer["code"], len(answer["diagnostics"])),
              (False, "policy", 2), "answer")
    tap.equal((done.stderr, done.requests), ("", []), "errors, requests")


def test_apply_gateway_file():
    "a gateway file is not applied: exit 2"
    done = expect(ask(APPLIED, "apply", write("g.yaml", GATEWAY)), 2, "",
                  "lenscapctl reload")
    tap.equal(done.requests, [], "requests")


def test_apply_rollback():
    "--rollback travels"
    where = write("policy.yaml", POLICY)
    done = expect(ask(APPLIED, "apply", "--rollback", where), 0)
    tap.equal(done.requests[0]["rollback"], True, "rollback")


def test_apply_warnings_once():
    "warnings that both sides find are shown once"
    where = write("policy.yaml", POLICY.replace(
        "profiles:\n", "  odd: 10.9.9.9\nprofiles:\n"))
    found = json.loads(run("check", "--json", where).stdout)
    own = found["files"][0]["diagnostics"]
    tap.equal(len(own), 1, "warnings found here")
    other = {"severity": "warning", "file": None, "line": 0, "column": 0,
             "message": "this gateway has no guard x"}
    answers = {"apply": {**APPLIED["apply"], "diagnostics": own + [other]}}
    done = expect(ask(answers, "apply", where), 0)
    tap.equal(done.stderr.count("odd"), 1, done.stderr)
    tap.equal(done.stderr.count("this gateway has no guard x"), 1,
              done.stderr)


def test_dry_run():
    "a dry run asks what is live and changes nothing"
    where = write("policy.yaml", POLICY)
    for module, words, status in (
            ({"revision": 41}, "42 would replace revision 41 (generation 7)",
             0),
            ({"revision": 43}, "older than the live revision 43", 1),
            ({"revision": 0, "generation": 0}, "the first policy", 0)):
        answers = {"status": state.status(module=module)}
        done = expect(ask(answers, "apply", "--dry-run", where), status)
        tap.true(words in done.stdout + done.stderr,
                 done.stdout + done.stderr)
        tap.equal(done.requests, [{"command": "status"}], "requests")
        done = ask(answers, "apply", "--dry-run", "--json", where)
        tap.equal(json.loads(done.stdout)["ok"], status == 0, "ok")
    answers = {"status": state.status(module={"revision": 43})}
    expect(ask(answers, "apply", "--dry-run", "--rollback", where), 0,
           "would replace")
    answers = {"status": state.status([], module=None)}
    expect(ask(answers, "apply", "--dry-run", where), 4, "",
           "the module is not loaded")


def test_dry_run_same():
    "a dry run sees by the digest that a policy is live already"
    where = write("policy.yaml", POLICY)
    checked = json.loads(run("check", "--json", where).stdout)
    digest = checked["files"][0]["digest"]
    tap.true(re.fullmatch("[0-9a-f]{64}", digest), digest)
    for args in ((), ("--rollback",)):
        answers = {"status": state.status(module={"digest": digest})}
        expect(ask(answers, "apply", "--dry-run", where, *args), 0,
               "revision 42 is live already as generation 7")
        answers = {"status": state.status(module={"digest": "00" * 32})}
        expect(ask(answers, "apply", "--dry-run", where, *args), 1, "",
               "revision 42 is live with other content")


def test_apply_too_large():
    "what does not fit into a request is not sent: exit 1"
    comment = "# " + "x" * 1000 + "\n"
    text = POLICY + comment * 67000
    done = ask(APPLIED, "apply", write("policy.yaml", text))
    tap.equal(done.returncode, 1, f"exit code ({done.stderr[-300:]})")
    tap.equal(done.requests, [], "requests")


def test_apply_not_utf8():
    "bytes that are no text are refused with their place"
    where = write("policy.yaml", POLICY.encode() + b"# \xff\xfe\n")
    done = ask(APPLIED, "apply", where)
    tap.equal((done.returncode, done.requests), (1, []), "outcome")
    tap.true(where in done.stderr, done.stderr)


def test_reload():
    "reload tells what apply tells"
    answers = {"reload": {**APPLIED["apply"], "diagnostics": [
        {"severity": "warning", "file": "p.yaml", "line": 3, "column": 1,
         "message": "odd"}]}}
    done = expect(ask(answers, "reload"), 0, "applied: revision 42")
    tap.equal(done.stderr, "p.yaml:3:1: warning: odd\n", "errors")
    tap.equal(done.requests, [{"command": "reload"}], "requests")


def test_arm_and_disarm():
    "one guard or all; what was done is told"
    answers = {"disarm": {"ok": True, "disarmed": ["cams", "yard"]},
               "arm": {"ok": True, "armed": ["cams"]}}
    done = expect(ask(answers, "disarm"), 0, "disarmed: cams, yard\n")
    tap.true("Nothing is judged there" in done.stdout, done.stdout)
    tap.equal(done.requests, [{"command": "disarm"}], "requests")
    done = expect(ask(answers, "disarm", "cams", "--yes"), 0)
    tap.equal(done.requests, [{"command": "disarm", "guard": "cams"}],
              "requests")
    done = expect(ask(answers, "arm", "cams"), 0)
    tap.equal(done.stdout, "armed: cams\n", "output")
    tap.equal(done.requests, [{"command": "arm", "guard": "cams"}],
              "requests")
    for command in ("arm", "disarm"):
        done = expect(ask(answers, command, "--json"), 0)
        tap.equal(json.loads(done.stdout), answers[command], "answer")
    for lock, words in (("in-place", "the interlock cuts their cameras off"),
                        ("off", "may talk to anyone, because no interlock")):
        answers["disarm"]["interlock"] = {"state": lock}
        expect(ask(answers, "disarm"), 0, words)
    answers = {"disarm": {"ok": True, "disarmed": [], "opened": ["cams"],
                          "interlock": {"state": "open"}},
               "arm": {"ok": True, "armed": [], "closed": ["cams"]}}
    done = expect(ask(answers, "disarm", "cams", "--open"), 0,
                  "opened: cams\nTheir cameras may talk to anyone until")
    tap.equal(done.requests, [{"command": "disarm", "guard": "cams",
                               "open": True}], "requests")
    expect(ask(answers, "arm"), 0, "interlock closed: cams\n")
    nothing = {"disarm": {"ok": True, "disarmed": []},
               "arm": {"ok": True, "armed": []}}
    expect(ask(nothing, "disarm"), 0, "nothing to disarm")
    expect(ask(nothing, "arm"), 0, "nothing to arm")


def test_disarm_asks():
    "on a terminal disarming is confirmed"
    answers = {"disarm": {"ok": True, "disarmed": ["cams"]}}
    for typed, status, requests in (("y\n", 0, 1), ("yes\n", 0, 1),
                                    ("n\n", 1, 0), ("\n", 1, 0),
                                    ("\x04", 1, 0), ("maybe\n", 1, 0)):
        with Fake(path("sock"), answers) as fake:
            terminal = Terminal("--socket", fake.path, "disarm", "cams",
                                TERM="xterm")
            terminal.read_until("[y/N]")
            terminal.type(typed)
            tap.equal(terminal.finish(), status, f"exit code after {typed!r}")
            tap.equal(len(fake.requests), requests, f"requests ({typed!r})")
    with Fake(path("sock"), answers) as fake:
        terminal = Terminal("--socket", fake.path, "disarm", "--yes",
                            TERM="xterm")
        tap.equal(terminal.finish(), 0, "exit code")
        tap.true("[y/N]" not in terminal.text, terminal.text)
