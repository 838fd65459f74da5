#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd and policy: revisions, rollback, last-known-good, refusals."""

import json
import os
import shutil

from lib import daemon, net, policy, rig, tap
from lib.daemon import world


def started(text=None, **options):
    "A daemon that runs with a policy file (revision 10 unless told)."
    r, d = world(**options)
    d.write_policy(daemon.dome(revision=10) if text is None else text)
    d.start()
    return r, d


def spec(revision, devices, profiles=None):
    "A policy file from dictionaries."
    return json.dumps({
        "version": 1, "revision": revision,
        "destinations": {"peer": [rig.PEER_IP]},
        "profiles": profiles or {"dome": {"connects": [
            {"to": "peer", "udp": rig.PEER_PORT}]}},
        "devices": devices}) + "\n"


def device(name, number, address=None, profile="dome"):
    "A device with a MAC and an address of its own."
    return {"name": name, "mac": f"02:00:5e:20:00:{number:02x}",
            "addresses": [f"10.31.0.{address or number}"],
            "profile": profile}


def live(r):
    "(generation, revision) of the kernel."
    about = policy.info(r.sock)
    return about["generation"], about["revision"]


def test_apply():
    "a higher revision is live at once, and again after a restart"
    r, d = started()
    generation = live(r)[0]
    answer = d.apply(daemon.dome(revision=11, peers=[rig.OTHER_IP]))
    tap.true(answer["ok"] and answer["changed"], answer)
    tap.equal((answer["generation"], answer["revision"]), live(r), "live")
    tap.equal(live(r), (generation + 1, 11), "live")
    r.bad()
    r.wait_passed(1)
    d.kill()
    d.start()
    tap.equal(live(r), (generation + 1, 11), "live after a restart")
    tap.true("older than 11" in d.log(), "the log tells of the older file")
    tap.equal(d.ask("status")["daemon"]["last_good"], 11, "last_good")


def test_apply_twice():
    "the same content changes nothing"
    r, d = started()
    before = policy.state(r.sock)
    answer = d.apply(daemon.dome(revision=10))
    tap.equal(answer["changed"], False, "changed")
    tap.equal(answer["revision"], 10, "revision")
    tap.equal(policy.state(r.sock), before, "state")


def test_apply_refused():
    "old revisions, the same revision with other content, broken text"
    r, d = started()
    before = policy.state(r.sock)
    for text, code, wanted in (
            (daemon.dome(revision=9), "refused", "--rollback"),
            (daemon.dome(revision=10, devices=2), "refused",
             "use 11 or higher"),
            ("version: 1\nrevision: 11\nprofiles: {}\n"
             "devices:\n  - { name: a, profile: nonesuch }\n"
             "colour: red\n", "policy", "error"),
            ("version: 1\nrevision: [\n", "policy", "error"),
            ("", "policy", "error"),
            ("version: 1\nrevision: 11\0\n", "policy", "error")):
        answer = d.apply(text)
        tap.equal(answer["ok"], False, f"{answer}")
        if "\0" not in text:
            tap.equal(answer["code"], code, f"code of {answer}")
            tap.true(wanted in answer["error"], f"{wanted!r} in {answer}")
        if code == "policy" and "\0" not in text:
            tap.true(answer["diagnostics"], "there are diagnostics")
            tap.true(all(i["file"] == "policy.yaml" and i["line"] >= 0
                         for i in answer["diagnostics"]), answer)
    broken = d.apply("version: 1\nrevision: 11\nprofiles: {}\ndevices:\n"
                     "  - { name: a, profile: nonesuch }\ncolour: red\n")
    tap.true({5, 6} <= {i["line"] for i in broken["diagnostics"]},
             f"all errors with their lines: {broken}")
    tap.equal(policy.state(r.sock), before, "state")
    tap.equal(d.ask("status")["daemon"]["last_good"], 10, "last_good")


def test_rollback():
    "a rollback stays over restarts and reloads, until something newer comes"
    r, d = started()
    d.write_policy(daemon.dome(revision=12, devices=2))
    tap.equal(d.ask("reload")["revision"], 12, "revision")
    answer = d.apply(daemon.dome(revision=11), rollback=True)
    tap.equal((answer["changed"], answer["revision"]), (True, 11), "answer")
    generation = live(r)
    answer = d.ask("reload")
    tap.equal(answer["changed"], False, "changed")
    tap.true("rolled back" in answer["diagnostics"][0]["message"], answer)
    d.kill()
    d.start()
    tap.equal(live(r), generation, "live after a restart")
    answer = d.apply(daemon.dome(revision=12, devices=2))
    tap.equal(answer["changed"], True, "applied by hand it comes back")
    d.write_policy(daemon.dome(revision=13))
    answer = d.ask("reload")
    tap.equal((answer["changed"], answer["revision"]), (True, 13), "answer")
    tap.equal(d.ask("status")["daemon"]["superseded"], None, "superseded")


def test_broken_file_keeps_last_good():
    "a broken policy.yaml: all errors told, the live policy stays"
    r, d = started()
    d.apply(daemon.dome(revision=11))
    before = policy.state(r.sock)
    d.write_policy("version: 1\nrevision: 12\ncolour: red\nshape: round\n")
    answer = d.denied("reload")
    tap.equal(answer["code"], "policy", "code")
    d.kill()
    d.start()
    for line in (3, 4):
        tap.true(f"policy.yaml:{line}:" in d.log(), d.log())
    tap.equal(policy.state(r.sock), before, "state")
    tap.equal(d.ask("status")["daemon"]["state"], "ok", "state")


def test_last_good_after_reboot():
    "a kernel without policy gets the last-known-good one"
    r, d = started()
    d.apply(daemon.dome(revision=11))
    d.stop()
    d.write_policy("nonsense: [\n")
    # A namespace that never had a policy is what a reboot leaves.
    other = r.net.ns("boot")
    again = daemon.Daemon(r.net, other)
    again.configure([daemon.guard()], state=d.state, policy=d.policy)
    again.start()
    tap.true("policy.yaml:" in again.log(), again.log())
    answer = again.ask("status")
    tap.equal(answer["module"]["revision"], 11, "revision")
    tap.equal(answer["daemon"]["state"], "ok", "state")
    tap.equal(answer["guards"][0]["state"], "waiting", "guard")
    again.stop()
    os.unlink(d.policy)
    again.start()
    tap.equal(again.ask("status")["module"]["revision"], 11, "revision")


def test_committed_but_not_saved():
    "a daemon that died between commit and saving: the policy is known again"
    r, d = started()
    d.apply(daemon.dome(revision=11))
    d.kill()
    good = os.path.join(d.state, "last-good.json")
    os.rename(good, good + ".new")
    before = policy.state(r.sock)
    d.start()
    tap.equal(policy.state(r.sock), before, "state")
    tap.equal(d.ask("status")["daemon"]["state"], "ok", "state")
    tap.true(os.path.exists(good), "it is saved now")
    d.kill()
    # Staged, but never committed: forgotten.
    shutil.copy(good, good + ".new")
    with open(good + ".new", encoding="utf-8") as file:
        staged = json.load(file)
    staged["digest"] = "00" * 32
    d.write(good + ".new", json.dumps(staged))
    d.start()
    tap.equal(policy.state(r.sock), before, "state")
    tap.true(not os.path.exists(good + ".new"), "the staged one is gone")


def test_damaged_last_good():
    "a damaged last-known-good file is said to be, and ignored"
    r, d = started()
    d.kill()
    good = os.path.join(d.state, "last-good.json")
    with open(good, encoding="utf-8") as file:
        whole = file.read()
    before = policy.state(r.sock)
    for damage in (whole[:len(whole) // 2], "", "[]", "{}",
                   whole.replace("dome", "dune")):
        d.write(good, damage)
        d.start()
        tap.true("ignored" in d.log(), d.log())
        tap.equal(policy.state(r.sock), before, "state")
        d.kill()
        os.unlink(d.path("err"))


def test_state_not_writable():
    "a policy that can not be saved is not applied"
    r, d = started()
    before = policy.state(r.sock)
    os.mkdir(os.path.join(d.state, "last-good.json.new"))
    answer = d.apply(daemon.dome(revision=11))
    tap.equal(answer["ok"], False, f"{answer}")
    tap.true("could not be saved" in answer["error"], answer)
    tap.equal(policy.state(r.sock), before, "state")


def test_only_changes_travel():
    "one device more is one message; counters of the others survive"
    r, d = started(daemon.dome(revision=10, devices=100))
    r.good(3)
    r.wait_passed(3)
    d.apply(daemon.dome(revision=11, devices=101))
    tap.true("1 change(s) from the live generation" in d.log(), d.log())
    tap.equal(r.counter("passed_packets"), 3, "passed")
    d.apply(daemon.dome(revision=12, devices=99))
    tap.true("2 change(s) from the live generation" in d.log(), d.log())
    d.apply(daemon.dome(revision=13, devices=99, peers=[rig.OTHER_IP]))
    tap.equal(d.log().count("1 change(s) from the live generation"), 2,
              "changes of one message")
    tap.equal(policy.info(r.sock)["devices"], 99, "devices")


def test_things_that_change_hands():
    "MACs, addresses and names are exchanged within one policy"
    r, d = started(spec(1, [device("a", 1), device("b", 2),
                            device("c", 3)]))
    d.apply(spec(2, [device("a", 2, 1), device("b", 1, 2),
                     device("c", 3)]))
    rows = policy.devices(r.sock)
    tap.equal(rows["a"]["mac"][-1], 2, "MAC of a")
    tap.equal(rows["b"]["mac"][-1], 1, "MAC of b")
    # The name c goes; its MAC and address go to another.
    answer = d.apply(spec(3, [device("a", 2, 1), device("d", 3)]))
    tap.true(answer["ok"], answer)
    tap.equal(sorted(policy.devices(r.sock)), ["a", "d"], "devices")
    profiles = {"turret": {"mode": "quarantine"}}
    answer = d.apply(spec(4, [device("a", 2, 1, "turret")], profiles))
    tap.true(answer["ok"], answer)
    tap.equal(sorted(policy.profiles(r.sock)), ["turret"], "profiles")
    answer = d.apply(spec(5, []))
    tap.true(answer["ok"], answer)
    tap.equal(policy.info(r.sock)["devices"], 0, "devices")


def test_kernel_refusal():
    "what only the kernel can refuse names the profile; nothing changes"
    r, d = world(tag={"value": 0x4c000000, "mask": 0xff000000,
                      "class_mask": 3})
    d.write_policy(daemon.dome(revision=10))
    d.start()
    before = policy.state(r.sock)
    profiles = {name: {"class": number} for name, number in
                (("good", 2), ("bad", 5), ("worse", 9))}
    answer = d.apply(spec(11, [device("a", 1, profile="good")], profiles))
    tap.equal((answer["ok"], answer["code"]), (False, "refused"),
              f"{answer}")
    told = [i["message"] for i in answer["diagnostics"]
            if i["severity"] == "error"]
    tap.equal(len(told), 2, f"errors: {told}")
    for name in ("bad", "worse"):
        tap.true(any(f'profile "{name}"' in t and "class" in t
                     for t in told), f"{name} in {told}")
    tap.equal(policy.state(r.sock), before, "state")
    tap.true(not os.path.exists(os.path.join(d.state,
                                             "last-good.json.new")),
             "nothing stays staged")
    tap.true(d.apply(daemon.dome(revision=11))["ok"], "goes on")


def test_busy_transaction():
    "another program's open transaction: refused, then possible"
    r, d = started()
    r.sock.do("txn-begin", base="live")
    answer = d.apply(daemon.dome(revision=11))
    tap.equal(answer["ok"], False, f"{answer}")
    tap.true("another" in answer["error"], answer)
    tap.equal(live(r)[1], 10, "revision")
    r.sock.do("txn-abort")
    tap.true(d.apply(daemon.dome(revision=11))["ok"], "applied")


def test_foreign_policy():
    "another program's policy: noticed, kept over a restart, replaced whole"
    r, d = started()
    policy.load(r.sock, rig.dome(), revision=20)
    d.wait_log("another program has replaced the policy")
    tap.equal(d.ask("status")["daemon"]["state"], "foreign-policy", "state")
    before = policy.state(r.sock)
    d.stop()
    d.start()
    tap.equal(policy.state(r.sock), before, "state after a restart")
    tap.true("not one that this daemon has" in d.log(), d.log())
    answer = d.apply(daemon.dome(revision=20))
    tap.true("20" in answer["error"], answer)
    answer = d.apply(daemon.dome(revision=21))
    tap.true(answer["ok"], answer)
    tap.true("from nothing" in d.log(), "everything was sent")
    tap.equal(d.ask("status")["daemon"]["state"], "ok", "state")


def test_killed_in_a_transaction():
    "SIGKILL in the middle of a transaction: aborted, the live one stays"
    r, d = started()
    # Large enough to be caught in the middle, small enough to be quick.
    count = 4000
    for attempt in range(8):
        before = policy.state(r.sock)
        with d.connect() as client:
            client.send({"command": "apply", "files": [
                {"name": "p", "text": daemon.dome(100 + attempt,
                                                  devices=count)}]})
            net.wait_for(lambda: policy.info(r.sock)["txn"] or
                         live(r)[1] >= 100,
                         what="the transaction")
            d.kill()
        about = policy.info(r.sock)
        tap.equal(about["txn"], 0, "transaction open after SIGKILL")
        if about["revision"] < 100:
            tap.equal(policy.state(r.sock), before, "state")
            d.start()
            tap.equal(policy.state(r.sock), before, "after a restart")
            return
        policy.load(r.sock, {}, revision=1, rollback=True)
        shutil.rmtree(d.state)
        d.write_policy(daemon.dome(revision=10))
        d.start()
        count *= 2
    raise AssertionError("never caught it in the middle")


def test_strange_guard():
    "devices of guards that this gateway lacks are warned about"
    _, d = started()
    device_there = dict(device("a", 1), guard="cams")
    device_lost = dict(device("b", 2), guard="campus")
    answer = d.apply(spec(11, [device_there, device_lost]))
    tap.true(answer["ok"], answer)
    told = [i for i in answer["diagnostics"]]
    tap.equal([i["severity"] for i in told], ["warning"], f"{told}")
    tap.true('"campus"' in told[0]["message"], told)


def test_inventory():
    "inventories travel with the policy, and are kept with it"
    r, d = world()
    d.write_policy(json.dumps({
        "version": 1, "revision": 1, "destinations": {},
        "profiles": {"dome": {}}, "inventory": ["cams.csv"]}) + "\n")
    d.write(d.path("cams.csv"), "name,mac,addresses,profile\n"
            "one,02:00:5e:00:00:01,10.30.0.1,dome\n"
            "two,02:00:5e:00:00:02,10.30.0.2,dome\n")
    d.start()
    tap.equal(sorted(policy.devices(r.sock)), ["one", "two"], "devices")
    with open(os.path.join(d.state, "last-good.json"),
              encoding="utf-8") as file:
        tap.equal(len(json.load(file)["files"]), 2, "files kept")
    before = policy.state(r.sock)
    d.stop()
    d.start()
    tap.equal(policy.state(r.sock), before, "state after a restart")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             each=daemon.cleanup)
