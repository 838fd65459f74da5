# SPDX-License-Identifier: GPL-2.0-only
"""What the commands that only read show to people and to programs."""

import json
import unicodedata

import state
from ctl import Terminal, ask, expect, golden, path, tap
from fake import Fake

EMPTY = {
    "devices": ({"devices": []}, "no devices"),
    "profiles": ({"profiles": []}, "no profiles"),
    "guards": ({"guards": []}, "no guards"),
    "drops": ({"drops": [], "records_lost": 0, "forgotten": 0},
              "no drops since the daemon started"),
}


def world():
    """Answers to everything."""
    return {
        "status": state.status(),
        "devices": {"ok": True, "devices": [
            state.device(),
            state.device("gate-01", guard="cams", mac=None,
                         addresses=["10.30.0.18", "2001:db8:30::18",
                                    "10.30.1.18"],
                         would_drop=state.count(7, 4000),
                         passed=state.count(0, 0),
                         dropped=state.count(0, 0), last_seen=None)]},
        "profiles": {"ok": True, "profiles": [
            state.profile(),
            state.profile("quarantined", mode="quarantine", devices=0,
                          rules=[])]},
        "guards": {"ok": True, "guards": [
            state.guard(),
            state.guard("hop", interface="wan0", vlan=None, identity="ip",
                        mode="audit", upkeep=["arp", "nd"], reasons=[
                            state.reason("unknown_device", would=(3, 180))],
                        dropped=state.count(0, 0),
                        would_drop=state.count(3, 180))]},
        "drops": {"ok": True, "drops": state.drops(), "records_lost": 5,
                  "forgotten": 1},
    }


def shown(*args):
    """What people see."""
    return expect(ask(world(), *args), 0, stderr="").stdout


def test_status_golden():
    "the dashboard of a gateway that is well"
    golden("status", shown("status"))


def test_guards_upkeep():
    "all kinds have one word, and those that are none of them, their own"
    kinds, more = state.guard()["upkeep"], ["client_id", "dhcp_unicast"]
    for listed, said in ((kinds, "all"),
                         (kinds + more[:1], "all, client_id"),
                         (kinds + more[1:], "all, dhcp_unicast"),
                         (kinds + more, "all, client_id, dhcp_unicast"),
                         (kinds[1:] + more, ", ".join(kinds[1:] + more)),
                         ([], "none")):
        text = expect(ask({"guards": {"ok": True, "guards": [
            state.guard(upkeep=listed)]}}, "guards"), 0).stdout
        tap.true(text.splitlines()[1].endswith("  " + said), text)


def test_drops_hints():
    "hints have a column of their own, and the days of their data a line"
    drops = state.drops()[:3]
    drops[0]["hints"] = {
        "mac": {"local": False, "vendor": "Test Cameras",
                "vendor_date": "2022-08-27"},
        "destination": {"country": "CN", "country_date": "2026-07-25",
                        "asn": 64500, "organization": "Example Backbone",
                        "asn_date": "2026-07-26"}}
    drops[1]["hints"] = {"mac": {"local": True}}
    text = expect(ask({"drops": {"ok": True, "drops": drops,
                                 "records_lost": 0, "forgotten": 0}},
                      "drops"), 0).stdout
    lines = text.splitlines()
    tap.true(lines[0].endswith("  HINTS"), lines[0])
    tap.true(lines[1].endswith("  Test Cameras; to CN, AS64500 "
                               "Example Backbone"), lines[1])
    tap.true(lines[2].endswith("  made-up MAC"), lines[2])
    tap.true(lines[3].rstrip().endswith(" B"), lines[3])
    tap.true("makers of 2022-08-27, countries of 2026-07-25, networks of "
             "2026-07-26" in text, text)


def test_devices_golden():
    "the table of devices"
    golden("devices", shown("devices"))


def test_device_golden():
    "one device"
    golden("device", shown("devices", "fence-017"))


def test_profiles_golden():
    "the table of profiles"
    golden("profiles", shown("profiles"))


def test_profile_golden():
    "the rules of a profile"
    golden("profile", shown("profiles", "fence-dome"))


def with_hits():
    """The world, as asked for with hits."""
    some = state.profile()
    rules = [dict(rule, hits=1234567 * (not n))
             for n, rule in enumerate(some["rules"])]
    return dict(world(), profiles={"ok": True, "profiles": [
        dict(some, rules=rules, since=state.ago(9000), shared=2)]})


def test_hits():
    "rules that are used and those that never were, since when, and for whom"
    done = ask(with_hits(), "profiles", "--hits")
    expect(done, 0, ["NEVER", "2 h ago", "1.23 M"], stderr="")
    tap.equal(done.requests, [{"command": "profiles", "hits": True}], "asked")
    count = len(state.profile()["rules"])
    tap.true(f" {count} " in done.stdout and f" {count - 1} " in done.stdout,
             done.stdout)
    done = ask(with_hits(), "profiles", "--hits", "fence-dome")
    expect(done, 0, ["hits are counted since", "HITS", "1.23 M", "never",
                     "of 2 profiles with the same rules"], stderr="")
    tap.equal(done.stdout.count("never"), count - 1, "rules never used")
    tap.equal(done.requests[0]["name"], "fence-dome", "asked for one")


def test_profile_without_rules():
    "a profile without rules says so"
    expect(ask(world(), "profiles", "quarantined"), 0,
           "no rules: only upkeep passes")


def test_guards_golden():
    "guards and the reasons of their drops"
    golden("guards", shown("guards"))


def test_drops_golden():
    "drop records of every shape"
    golden("drops", shown("drops"))


def test_version_golden():
    "versions of all three"
    golden("version", shown("version"))


def test_names():
    "--names prints names and nothing else"
    tap.equal(shown("devices", "--names"), "fence-017\ngate-01\n", "devices")
    tap.equal(shown("profiles", "-1"), "fence-dome\nquarantined\n",
              "profiles")
    tap.equal(shown("guards", "--names"), "cams\nhop\n", "guards")


def test_order():
    "people see names in their natural order, programs what the daemon said"
    names = ["cam-10", "cam-9", "Gate", "cam-2"]
    for command, make in (("devices", state.device),
                          ("profiles", state.profile)):
        answers = {command: {"ok": True, command: [make(n) for n in names]}}
        done = ask(answers, command, "--names")
        tap.equal(done.stdout.split(), ["Gate", "cam-2", "cam-9", "cam-10"],
                  command)
        done = ask(answers, command, "--json")
        tap.equal([x["name"] for x in json.loads(done.stdout)[command]],
                  names, command)


def test_json():
    "--json prints what the daemon said, indented or on one line"
    for command in ("status", "devices", "profiles", "guards", "drops"):
        answers = world()
        for option, lines in (("--json", None), ("--json=compact", 1),
                              ("-j", None)):
            done = expect(ask(answers, command, option), 0, stderr="")
            tap.equal(json.loads(done.stdout), answers[command], command)
            tap.equal(list(json.loads(done.stdout)), list(answers[command]),
                      "order of keys")
            if lines:
                tap.equal(done.stdout.count("\n"), lines, "lines")
            else:
                tap.true(done.stdout.startswith('{\n  "ok": true,\n'),
                         "not indented")


def test_json_of_one():
    "a name selects in JSON as well"
    for command, name in (("devices", "gate-01"),
                          ("profiles", "quarantined")):
        done = expect(ask(world(), command, name, "--json"), 0)
        items = json.loads(done.stdout)[command]
        tap.equal([item["name"] for item in items], [name], command)


def test_no_such_name():
    "a name that nobody has: exit 1"
    for command, what in (("devices", "device"), ("profiles", "profile")):
        done = expect(ask(world(), command, "nemo"), 1, "",
                      f'the live policy has no {what} "nemo"')
        tap.equal(done.stdout, "", "output")
        done = expect(ask(world(), command, "nemo", "--json"), 1)
        tap.equal(json.loads(done.stdout)["ok"], False, "ok")
        tap.equal(done.stderr, "", "errors")


def test_device_name_is_sent():
    "the daemon is asked for one device only"
    done = ask(world(), "devices", "fence-017")
    tap.equal(done.requests, [{"command": "devices", "name": "fence-017"}],
              "requests")


def test_empty():
    "an empty list says so in a sentence"
    for command, (answer, text) in EMPTY.items():
        done = expect(ask({command: {"ok": True, **answer}}, command), 0,
                      text)
        tap.equal(done.stdout.count("\n"), 1, f"lines of {command}")


def test_drops_limit():
    "--limit travels to the daemon"
    for args in (("--limit", "5"), ("-n", "5"), ("-n5",), ("--limit=5",)):
        done = expect(ask(world(), "drops", *args), 0)
        tap.equal(done.requests, [{"command": "drops", "limit": 5}],
                  "requests")
    tap.equal(ask(world(), "drops").requests, [{"command": "drops"}],
              "requests")


def cells(text):
    """Width on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else
               0 if unicodedata.combining(c) else 1 for c in text)


def test_wide_characters():
    "columns stay aligned with wide and combining characters"
    names = ["plain", "\u9580\u53e3\u30ab\u30e1\u30e9", "caf\u00e9",
             "cafe\u0301-2"]
    devices = [state.device(name) for name in names]
    done = ask({"devices": {"ok": True, "devices": devices}}, "devices")
    lines = expect(done, 0).stdout.splitlines()
    starts = {cells(line[:line.index("02:00")]) for line in lines[1:]}
    tap.equal(len(starts), 1, f"columns at which the MAC starts: {starts}")
    for name, line in zip(sorted(names), lines[1:]):
        tap.true(line.startswith(name), f"{name} is missing")


def test_control_characters():
    "what came from elsewhere can not drive the terminal"
    evil = "a\x1b[2Jb\x9bc\nd"
    answers = {
        "devices": {"ok": True, "devices": [state.device(evil)]},
        "guards": {"ok": True, "guards": [state.guard(evil)]},
        "drops": {"ok": True, "drops": [state.drop(device=evil)],
                  "records_lost": 0, "forgotten": 0},
        "status": state.status([state.guard(evil, state="failed")],
                               daemon={"last_error": evil}),
        "disarm": {"ok": False, "error": evil},
        "arm": {"ok": True, "armed": [evil]},
    }
    for args in (["devices"], ["devices", evil], ["guards"], ["drops"],
                 ["status"], ["disarm"], ["arm"], ["devices", "--names"]):
        done = ask(answers, *args)
        for text in (done.stdout, done.stderr):
            bad = [c for c in text
                   if unicodedata.category(c) == "Cc" and c != "\n"]
            tap.equal(bad, [], f"control characters of {args[0]}")


def test_large_numbers():
    "numbers are short for people and exact in JSON"
    big = 9007199254740993
    answers = {"devices": {"ok": True, "devices": [
        state.device(passed=state.count(big, big),
                     dropped=state.count(99999, 1023),
                     would_drop=state.count(100000, 1024))]}}
    done = expect(ask(answers, "devices", "fence-017"), 0,
                  ["9.01 P packets, 8.00 PiB", "99999 packets, 1023 B",
                   "100 k packets, 1.00 KiB"])
    done = expect(ask(answers, "devices", "--json"), 0, str(big))


def test_sparse_answers():
    "an older daemon that leaves fields out does no harm"
    for command, answer in (("status", {"module": {}}), ("guards", {}),
                            ("devices", {"devices": [{}]}),
                            ("profiles", {"profiles": [{"rules": [{}]}]}),
                            ("guards", {"guards": [{"reasons": [{}]}]}),
                            ("drops", {"drops": [{}, {"last": "soon"}]}),
                            ("drops", {}), ("arm", {}), ("disarm", {})):
        expect(ask({command: {"ok": True, **answer}}, command), 0)


def test_wrong_kinds():
    "fields of another kind do no harm"
    for command, answer in (("status", {"module": {"generation": "x"},
                                        "guards": 5, "daemon": []}),
                            ("devices", {"devices": [5, None, "x"]}),
                            ("drops", {"drops": {"a": 1}}),
                            ("arm", {"armed": [1, None]})):
        expect(ask({command: {"ok": True, **answer}}, command), 0)


TROUBLE = {
    "no guard": (state.status([]), "NOT enforcing: no guard is armed",
                 "no guard is configured: nothing is judged"),
    "no policy": (state.status(module={"generation": 0, "revision": 0}),
                  "drops everything: no policy is loaded",
                  "no policy is loaded: every frame"),
    "no device": (state.status(module={"devices": 0}), "is enforcing",
                  "names no device"),
    "waiting": (state.status([state.guard(),
                              state.guard("yard", state="waiting",
                                          interface="eth7")]),
                "enforcing in part: 1 of 2 guards",
                '"yard" waits for interface eth7, which does not exist'),
    "failed": (state.status([state.guard(state="failed")]),
               "NOT enforcing", "could not be armed on interface eth1"),
    "disarmed": (state.status([state.guard(state="disarmed")]),
                 "NOT enforcing", "is disarmed: the interlock cuts its"),
    "audit": (state.status([state.guard(mode="audit")]),
              "auditing: it reports, but drops nothing",
              "is in audit mode: nothing is dropped there"),
    "audit in part": (state.status([state.guard(),
                                    state.guard("b", mode="audit")]),
                      "enforcing in part: 1 of 2",
                      'guard "b" on interface eth1 is in audit mode'),
    "another state": (state.status([state.guard(state="moving")]),
                      "NOT enforcing", "is moving"),
    "records lost": (state.status(module={"records_lost": 12}),
                     "is enforcing", "12 frames found no place"),
    "fragments lost": (state.status(module={"fragments_lost": 3}),
                       "is enforcing", "3 packets in fragments had no place"),
    "last error": (state.status(daemon={"last_error": "line 3 is wrong",
                                        "last_error_at": state.ago(9000)}),
                   "is enforcing",
                   "the daemon's last error, 2 h ago: line 3 is wrong"),
    "foreign policy": (state.status(daemon={"state": "foreign-policy"}),
                       "is enforcing", "was not loaded by this daemon"),
    "rolled back": (state.status(daemon={"superseded": 43}), "is enforcing",
                    "revision 43 was rolled back from"),
    "last good gateway": (
        state.status(daemon={"config_last_good": {
            "saved": state.ago(9000), "error": "gateway.yaml:3:1: a typo"}}),
        "is enforcing", "/etc/lenscap/gateway.yaml cannot be used: its last "
        "good copy, kept 2 h ago, is in effect until the file is mended and "
        '"lenscapctl reload" has read it: gateway.yaml:3:1: a typo'),
    "unlogged": (state.status(daemon={"records_unlogged": 2}),
                 "is enforcing", "2 drop records could not be logged"),
    "events lost": ({**state.status(daemon={"records_unlogged": 2}),
                     "outputs": [{"to": "file", "path": "/a.json",
                                  "written": 1, "lost": 2,
                                  "error": "cannot be opened: sand"}]},
                    "is enforcing", "2 events were not written to file "
                    "/a.json: it cannot be opened: sand"),
}


def test_status_warnings():
    "what is not right is said in plain words"
    quiet = expect(ask({"status": state.status()}, "status"), 0).stdout
    tap.true("\n! " not in quiet, "a warning without cause")
    for name, (answer, head, warning) in TROUBLE.items():
        done = expect(ask({"status": answer}, "status"), 0)
        lines = done.stdout.splitlines()
        tap.true(head in lines[0], f"{name}: {lines[0]!r} lacks {head!r}")
        tap.true(any(line.startswith("! ") and warning in line
                     for line in lines),
                 f"{name}: no warning {warning!r} in {done.stdout}")


def locked(of=None, **lock):
    """A status with another interlock, as people read it."""
    return expect(ask({"status": state.status(of, lock=lock)}, "status"),
                  0).stdout


def test_status_interlock():
    "each state of the interlock, what it dropped, and who disturbed it"
    for name, row, warning in (
            ("in-place", "in place, dropped 0 packets", None),
            ("missing", "missing, dropped", "the daemon tries again: sand"),
            ("off", "off, dropped", "gateway.yaml leaves the interlock off"),
            ("open", "open, dropped", '"lenscapctl arm" closes it'),
            ("unavailable", "no nf_tables", "this kernel has no nf_tables")):
        text = locked(state=name, error="sand" if name == "missing" else None)
        tap.true(f"  Interlock    {row}" in text or
                 f"  Interlock    this kernel has {row}" in text, text)
        tap.equal("\n! " in text, bool(warning), text)
        tap.true(not warning or warning in text, text)
    guards = [state.guard(f"g{i:02}") for i in range(12)]
    held = state.interlock(guards)["guards"]
    for row in held:
        row["dropped"] = state.count(7, 700)
    text = locked(guards, guards=held, prerouting=state.count(4, 90),
                  forward=state.count(1, 90), input=state.count(2, 90),
                  bridge=state.count(3, 90), ports=state.count(5, 90))
    tap.true("in place, dropped 99 packets" in text, text)
    tap.equal(text.count("the module had not judged them"), 8, text)
    for words in ("of 4 more guards",
                  "4 packets, 90 B, that came in with the address",
                  "1 packet, 90 B, that were to be forw",
                  "2 packets, 90 B, that were sent to the gateway",
                  "3 packets, 90 B, that came to a bridge",
                  "5 packets, 90 B, that were sent past a guard"):
        tap.true(words in text, text)
    gap = {"seconds": 0.0123, "at": state.ago(250), "pid": 77,
           "process": "nft"}
    text = locked(restored=3, last_gap=gap)
    tap.true("restored 3 times, last 4 min ago (nft, process 77): it was not "
             "whole for 12.3 ms" in text, text)
    text = locked(restored=1, last_gap={**gap, "pid": None, "process": None})
    tap.true("restored 1 time, last 4 min ago (it is not known by whom)"
             in text, text)
    text = locked([state.guard(state="disarmed")])
    tap.true("the interlock cuts its cameras off" in text, text)
    text = locked([state.guard(state="disarmed")], state="open")
    tap.true("its cameras may talk to anyone" in text, text)


def test_status_captures():
    "captures that are on are shown, with what was above the rate"
    one = {"id": 3, "guard": "cams", "device": "fence-017", "mac": None,
           "reason": "destination", "group": 5, "snaplen": None, "rate": 1000,
           "link": False, "sent": 1234, "suppressed": 17}
    every = dict(one, id=4, guard=None, device=None, reason=None, group=65535,
                 rate=7, sent=0, suppressed=0)
    answer = state.status()
    expect(ask({"status": answer}, "status"), 0)
    answer["captures"] = [one, every]
    done = expect(ask({"status": answer}, "status"), 0, [
        "Captures", "dropped frames of guard cams of device fence-017 for "
        "destination to NFLOG group 5: 1234 sent, 17 above 1000 a second",
        "dropped frames to NFLOG group 65535: 0 sent, 0 above 7 a second"])
    tap.equal(done.stdout.count("NFLOG"), 2, "captures")
    done = expect(ask({"status": answer}, "status", "--json"), 0)
    tap.equal(json.loads(done.stdout)["captures"], [one, every], "as JSON")


def test_status_many_guards():
    "hundreds of guards in trouble do not flood the dashboard"
    guards = [state.guard(f"g{i}", state="waiting") for i in range(200)]
    done = expect(ask({"status": state.status(guards)}, "status"), 0,
                  "192 more guards are not enforcing")
    tap.true(done.stdout.count("\n! ") == 9, done.stdout)


def test_status_without_module():
    "no module: exit 4, with JSON too"
    answer = {"status": state.status([], module=None)}
    expect(ask(answer, "status"), 4, "", "the module is not loaded")
    done = expect(ask(answer, "status", "--json"), 4)
    tap.equal(json.loads(done.stdout)["module"], None, "module")
    for lock, words in (("in-place", "the interlock cuts cameras off"),
                        ("open", "the interlock is open"),
                        ("off", "there is no interlock")):
        answer = {"status": state.status(module=None, lock={"state": lock})}
        expect(ask(answer, "status"), 4, "", words)


def test_colors():
    "colours on a terminal only, and not when they are unwanted"
    with Fake(path("sock"), world()) as fake:
        base = ("--socket", fake.path)
        for args, env, wanted in ((("status",), {}, True),
                                  (("drops",), {}, True),
                                  (("status", "--no-color"), {}, False),
                                  (("status",), {"NO_COLOR": "1"}, False),
                                  (("status",), {"NO_COLOR": ""}, True),
                                  (("status",), {"TERM": "dumb"}, False),
                                  (("status", "--json"), {}, False)):
            env = {"TERM": "xterm", **env}
            terminal = Terminal(*base, *args, **env)
            tap.equal(terminal.finish(), 0, "exit code")
            tap.equal("\x1b[" in terminal.text, wanted,
                      f"colours of {args} with {env}")
    for command in world():
        tap.true("\x1b" not in shown(command), f"colours in {command}")
