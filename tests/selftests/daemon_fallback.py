#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd's last good copy of gateway.yaml: a typo and a boot open nothing."""

import json
import os
import stat
import subprocess

from lib import daemon, lock, net, policy, tap
from lib.daemon import guard

CTL = os.path.join(daemon.PROGRAMS, "lenscapctl")


def copy(site, state=None):
    "Path of the copy."
    return os.path.join(state or site.daemon.state, "last-good-gateway.json")


def kept(site):
    "What the copy says."
    with open(copy(site), encoding="utf-8") as file:
        return json.load(file)


def config(site):
    "The text of gateway.yaml."
    with open(site.daemon.config, encoding="utf-8") as file:
        return file.read()


def reboot(site):
    "The daemon ends, and nothing of it is left in the kernel."
    site.daemon.stop()
    policy.unguard(site.rig.sock, "cams")
    site.nft("flush ruleset")
    tap.equal(site.rules(), [""] * 3, "tables after a boot")


def damage(site):
    "A typo in gateway.yaml; the text before it."
    good = config(site)
    site.daemon.write(site.daemon.config, good.replace('"guards"', '"gaurds"'))
    return good


def start(site, *argv):
    "Start it with arguments; what it says on the way."
    before = len(site.daemon.log())
    site.daemon.launch(argv)

    def ready():
        "READY=1, or its end."
        tap.equal(site.daemon.process.poll(), None,
                  f"exit status: {site.daemon.log()[before:]}")
        return "READY=1" in site.daemon.notified()
    net.wait_for(ready, what="READY=1 of lenscapd")
    return site.daemon.log()[before:]


def ctl(site, *args):
    "lenscapctl, at this daemon."
    done = site.gw.run([CTL, "--socket", site.daemon.socket, *args],
                       check=False)
    return done.stdout


def in_use(site):
    "What the status tells of the copy."
    return site.daemon.ask("status")["daemon"]["config_last_good"]


def held(site):
    "Guards are armed, and the interlock is there."
    answer = site.daemon.ask("status")
    tap.equal([(one["name"], one["state"]) for one in answer["guards"]],
              [("cams", "armed")], "guards")
    tap.equal(answer["interlock"]["state"], "in-place", "interlock")
    site.passes(site.frame())
    before = policy.info(site.rig.sock)["guards_armed"]
    tap.equal(before, 1, "guards armed")


def test_typo():
    "a typo, and a boot: the last good copy, and warnings until it is mended"
    site = lock.Site([guard("cams")])
    about = os.stat(copy(site))
    tap.equal((stat.S_IMODE(about.st_mode), about.st_uid), (0o600, 0), "mode")
    tap.equal(kept(site)["text"], config(site), "text of the copy")
    tap.equal(in_use(site), None, "while all is well")
    tap.true("gateway-last-good" not in ctl(site, "doctor"), "doctor")
    rules = site.rules()
    reboot(site)
    good = damage(site)
    copied = kept(site)
    said = start(site)
    tap.true('gateway.yaml:3:2: unknown key "gaurds"' in said and
             "starting with its last good copy" in said, said)
    tap.equal(site.rules(), rules, "tables")
    held(site)
    shown = in_use(site)
    tap.true("gateway.yaml:" in shown["error"] and
             shown["saved"].endswith("Z"), f"{shown}")
    tap.true("cannot be used: its last good copy" in ctl(site, "status"),
             "status warns")
    tap.true("warning: gateway-last-good: gateway gateway.yaml" in
             ctl(site, "doctor"), "doctor warns")
    tap.true(any("last good copy" in line for line in site.daemon.notified()),
             "the service manager is told")
    # As before: a reload refuses it, and changes nothing.
    tap.equal(site.daemon.denied("reload")["code"], "policy", "code")
    tap.true(in_use(site), "after a reload that was refused")
    held(site)
    tap.equal(kept(site), copied, "the copy")
    checked = subprocess.run([CTL, "check", site.daemon.config], check=False,
                             capture_output=True)
    tap.true(checked.returncode != 0, "lenscapctl check")
    # Once more: from the copy, none is made.
    site.daemon.stop()
    start(site)
    held(site)
    tap.equal(kept(site), copied, "the copy")
    site.daemon.write(site.daemon.config, good)
    site.daemon.ask("reload")
    tap.equal(in_use(site), None, "after it was mended")
    tap.true("last good copy" not in ctl(site, "status"), "status")
    tap.true("gateway-last-good" not in ctl(site, "doctor"), "doctor")
    held(site)


def test_nothing_to_read():
    "YAML that cannot be parsed, no file: the copy where --state says"
    site = lock.Site([guard("cams")])
    tap.true(f'"--state {site.daemon.state}"' in site.daemon.log(),
             "the log tells how it will be found")
    good = config(site)
    reboot(site)
    for break_it in (lambda: site.daemon.write(site.daemon.config,
                                               good[:len(good) // 2] + "\n"),
                     lambda: os.unlink(site.daemon.config)):
        break_it()
        said = site.daemon.refuse(daemon.CONFIG)
        tap.true("there is no last good copy of it in /var/lib/lenscap" in
                 said, said)
        tap.equal(policy.info(site.rig.sock)["guards"], 0, "guards")
        start(site, "--state", site.daemon.state)
        held(site)
        tap.true(in_use(site), "the copy is in use")
        reboot(site)
    site.daemon.write(site.daemon.config, good)
    said = start(site, "--state", site.daemon.state)
    tap.true("--state" not in said, f"nothing to tell: {said}")
    tap.equal(in_use(site), None, "the file is in use")


def test_without_copy():
    "a gateway that never ran: status 2, and nothing is changed"
    site = lock.Site([guard("cams")], start=False)
    damage(site)
    said = site.daemon.refuse(daemon.CONFIG)
    tap.true('"gaurds"' in said and f"no last good copy of it in "
             f"{site.daemon.state} or /var/lib/lenscap" in said, said)
    tap.equal((policy.info(site.rig.sock)["guards"], site.rules()),
              (0, [""] * 3), "guards and tables")
    tap.true(not os.path.exists(site.daemon.state), "no directory is made")


def test_damaged_copy():
    "a copy that is not what was written, or of another file: status 2"
    site = lock.Site([guard("cams")])
    reboot(site)
    good, sound = damage(site), kept(site)
    whole = json.dumps(sound)
    damaged = {
        "": "the file is ignored",
        whole[:len(whole) // 2]: "the file is ignored",
        json.dumps({**sound, "text": good.replace("trunk", "lan")}):
            "is damaged: its text has another digest",
        json.dumps({**sound, "digest": "00" * 32}):
            "is damaged: its text has another digest",
        json.dumps({**sound, "config": "/etc/lenscap/gateway.yaml"}):
            "is a copy of another file",
        json.dumps({**sound, "format": 2}):
            "is not a copy that this release has written",
        "[]": "is not a copy that this release has written",
    }
    for text, words in damaged.items():
        site.daemon.write(copy(site), text)
        said = site.daemon.refuse(daemon.CONFIG)
        tap.true(copy(site) in said and words in said and
                 "neither can its last good copy" in said,
                 f"{text[:40]!r}: {said}")
        tap.equal((policy.info(site.rig.sock)["guards"], site.rules()),
                  (0, [""] * 3), "guards and tables")
    site.daemon.write(copy(site), whole)
    start(site)
    held(site)


def test_what_is_kept():
    "the text that is in effect, and only when all of it is"
    site = lock.Site([guard("cams")])
    first = kept(site)
    damage(site)
    site.daemon.denied("reload")
    tap.equal(kept(site), first, "after a reload that was refused")
    # Good in itself, but the tag cannot change under a guard.
    site.daemon.configure([guard("cams")], tag={
        "value": 0x50000, "mask": 0xff0000, "class_mask": 0xf})
    site.daemon.denied("reload")
    tap.equal(kept(site), first, "after a tag that was refused")
    site.daemon.stop()
    start(site)
    site.daemon.wait_log("could be put into effect")
    tap.equal(kept(site), first, "after a start that was not complete")
    site.daemon.ask("disarm")
    site.daemon.ask("reload")
    tap.equal(kept(site)["text"], config(site), "after a reload")
    reboot_with = [guard("cams"), guard("wide", "side")]
    site.daemon.stop()
    site.daemon.configure(reboot_with)
    policy.unguard(site.rig.sock, "cams")
    start(site)
    tap.equal(kept(site)["text"], config(site), "after a start")
    damage(site)
    site.daemon.stop()
    policy.unguard(site.rig.sock, "cams", "wide")
    start(site)
    tap.equal({one["name"] for one in site.daemon.ask("guards")["guards"]},
              {"cams", "wide"}, "the guards of the last one")


def test_unwritable():
    "a copy that cannot be kept is said, and keeps nothing from taking effect"
    site = lock.Site([guard("cams")], start=False)
    os.makedirs(copy(site))
    site.daemon.start()
    net.wait_for(lambda: "was not kept" in
                 (site.daemon.ask("status")["daemon"]["last_error"] or ""),
                 what="the daemon to say so")
    site.warm()
    held(site)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, lock.built, tap.module],
             each=daemon.cleanup)
