#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The interlock's life: who may change it, and what it outlives."""

import os
import signal
import subprocess
import tempfile
import threading

from lib import daemon, lock, net, policy, rig, tap
from lib.daemon import guard

OTHER = """
table inet mine {
    set s { type ipv4_addr; elements = { 192.0.2.1 } }
    chain forward { type filter hook forward priority 0; counter accept; }
}
table ip lenscap { chain c { }; }
table netdev mine { chain c { }; }
"""


def test_other_tables():
    "tables of others stay as they are, even one of the same name"
    site = lock.Site([guard("cams")], start=False)
    site.nft(OTHER)
    mine = ["inet mine", "ip lenscap", "netdev mine"]

    def seen():
        "Handles and all."
        return [site.gw.nft(f"-s -a list table {name}").stdout
                for name in mine]
    before = seen()
    site.daemon.start()
    site.warm()
    site.passes(site.frame())
    site.daemon.apply(lock.text(2, more=lock.others(50)))
    site.daemon.ask("reload")
    site.daemon.ask("disarm", open=True)
    tap.equal(seen(), before, "tables of others")
    site.daemon.ask("arm")
    site.daemon.stop()
    tap.equal(seen(), before, "tables of others")
    tap.equal(site.daemon.log().count("restored"), 0, "none of it was ours")


def test_flush():
    "nft flush ruleset: restored at once, and told by whom"
    site = lock.Site([guard("cams")], lock.text(more=lock.others(100)))
    before = site.shut("cams")
    site.blocked(site.frame(), "cams")
    site.gw.run(["nft", "flush ruleset; table inet mine { chain c { }; }"])
    site.daemon.wait_log("restored", 1)
    tap.equal(site.rules(), before, "tables")
    site.blocked(site.frame(), "cams")
    shown = site.interlock()
    tap.equal((shown["state"], shown["restored"]), ("in-place", 1), "status")
    gap = shown["last_gap"]
    tap.equal(gap["process"], "nft", "who")
    tap.true(0 < gap["seconds"] < net.TIMEOUT and gap["pid"] > 1, f"{gap}")
    tap.true(gap["at"].endswith("Z"), f"{gap}")
    tap.true(f"(nft, process {gap['pid']})" in site.daemon.log(), "log")


def test_small_changes():
    "whatever another program does to the tables is undone"
    site = lock.Site([guard("cams")])
    before, chain = site.rules(), f"on-{site.gw.index('trunk')}"
    changes = [
        "delete table netdev lenscap", "delete table bridge lenscap",
        "flush chain inet lenscap forward", "flush table netdev lenscap",
        "add element inet lenscap hosts4 { 192.0.2.1 }",
        f"delete element inet lenscap hosts4 {{ {rig.CAM_IP} }}",
        "insert rule inet lenscap prerouting accept",
        "flush chain inet lenscap prerouting",
        "insert rule inet lenscap input accept",
        f"add rule netdev lenscap {chain} accept",
        "add chain inet lenscap extra\n"
        "add rule inet lenscap forward jump extra",
        "add map inet lenscap m { type ipv4_addr : verdict; }",
        "add chain inet lenscap early { type filter hook forward priority "
        "-300; }",
        "add table inet lenscap { flags dormant; }",
        "add counter inet lenscap mine",
        # What belongs to a rule goes with it, and cannot be deleted then.
        "insert rule inet lenscap prerouting jump { accept; }",
        f"insert rule netdev lenscap {chain} jump {{ accept; }}",
        "insert rule inet lenscap input ip saddr { 192.0.2.1, 192.0.2.9 } "
        "accept",
        "insert rule inet lenscap forward ip saddr vmap { 192.0.2.1 : "
        "accept }",
        # The longest names, and one that a counter has.
        f"add chain inet lenscap {'c' * 255}",
        f"add set inet lenscap {'s' * 255} {{ type ipv4_addr; }}",
        "add limit inet lenscap forward { rate 1/second; }",
    ]
    for number, change in enumerate(changes, 1):
        site.nft(change)
        net.wait_for(lambda: site.interlock()["restored"] >= number,
                     what=f"{change!r} to be undone")
        tap.equal(site.rules(), before, f"tables after {change!r}")
    site.passes(site.frame())
    site.unguard("cams")
    site.blocked(site.frame(), "cams")


def test_unwritable():
    "tables that cannot be written: said, tried again, and the module goes on"
    site = lock.Site([guard("cams")])
    # What belongs to a process can be changed by nobody else.
    with site.gw.popen(["nft", "-i"], stdin=subprocess.PIPE, text=True,
                       stdout=subprocess.DEVNULL) as owner:
        owner.stdin.write("delete table inet lenscap; "
                          "add table inet lenscap { flags owner; }\n")
        owner.stdin.flush()
        site.wait_state("missing")
        # It is missing as soon as it was looked at, before it was tried to write it.
        net.wait_for(lambda: "in table inet lenscap" in
                     (site.interlock()["error"] or ""),
                     what="the interlock to say what is in the way")
        net.wait_for(lambda: "could not be written" in
                     (site.daemon.ask("status")["daemon"]["last_error"] or ""),
                     what="the daemon to say so")
        answer = site.daemon.apply(lock.text(2, more=lock.others(3)))
        tap.equal(answer.get("changed"), True, "a policy takes effect")
        site.passes(site.frame())
        site.unguard("cams")
        site.blocked(site.frame(), "cams")
        owner.kill()
    site.wait_state()
    tap.equal(site.interlock()["error"], None, "error")
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link)


def test_saved_ruleset():
    "nft list ruleset > FILE can be loaded again, with and without a daemon"
    site = lock.Site([guard("cams"), guard("30", "side", vlan=30)],
                     lock.text(1, [rig.CAM_IP, lock.CAM6, "10.90.0.0/25",
                                   "2001:db8:90::/64"], lock.others(50)))
    site.nft(OTHER)
    before, state = site.rules(), site.state()
    with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
        file.write(site.gw.nft("list ruleset").stdout)
        file.flush()

        def load(*options):
            "What nft has to say about the file: nothing."
            done = site.gw.run(["nft", *options, "-f", file.name],
                               check=False)
            tap.equal((done.returncode, done.stderr), (0, ""),
                      f"nft {' '.join(options)} -f")
        load("-c")
        # On top of what is there: every rule twice, until the daemon is done.
        load()
        site.daemon.wait_log("restored", 1)
        tap.equal((site.rules(), site.state()), (before, state), "on top")
        # Its own empty place, as after a boot: the tables hold by themselves.
        site.daemon.stop()
        site.nft("flush ruleset")
        tap.equal(site.rules(), [""] * 3, "flushed")
        load("-c")
        load()
        tap.equal(site.rules(), before, "loaded without a daemon")
        policy.unguard(site.rig.sock, "cams")
        # A frame that does not arrive shows by one behind it that does.
        stray, last = site.frame(), site.alien_frame()
        site.cam_link.send(stray)
        site.alien_link.send(last)
        net.wait_for(lambda: site.far.has(site.body(last)),
                     what="the last frame")
        tap.true(not site.far.has(site.body(stray)), "the camera's arrived")
        site.daemon.start()
        tap.equal(site.rules(), before, "after the daemon's return")
        site.passes(site.frame())
        # With a daemon, all is gone and loaded in between.
        site.nft("flush ruleset", f'include "{file.name}"')
        net.wait_for(lambda: site.interlock()["restored"] >= 1,
                     what="the daemon to see it")
        tap.equal((site.rules(), site.state()), (before, state),
                  "flushed and loaded at once")
        site.passes(site.frame())
        site.unguard("cams")
        site.blocked(site.frame(), "cams")


def test_fight():
    "a program that does not give up is not met at full speed"
    site = lock.Site([guard("cams")])
    script = "while nft flush chain inet lenscap forward; do :; done"
    fight = site.gw.popen(["sh", "-c", script], stderr=subprocess.DEVNULL)
    site.net.stop(fight)
    net.wait_for(lambda: site.interlock()["restored"] >= 15,
                 what="some rounds")
    site.passes(site.frame())
    fight.kill()
    fight.wait()
    net.wait_for(lambda: "@hosts4" in site.rules()[1], what="the last round")
    site.wait_state()


def test_replacement_under_traffic():
    "policies and restorations under traffic: nothing is lost or let out"
    site = lock.Site([guard("cams", vlan=30), guard("away", vlan=31)],
                     devices=())
    site.gw.vlan("trunk", 30, "v30")
    site.gw.vlan("trunk", 31, "v31")
    site.gw.addr("v30", lock.GW4["trunk"])
    site.unguard("away")
    good, bad, stop = [], [], threading.Event()

    def traffic():
        "What is judged, and what is not."
        while not stop.is_set():
            for frame, into in ((site.frame(vlans=(30,)), good),
                                (site.frame(vlans=(31,)), bad)):
                site.cam_link.send(frame)
                into.append(site.body(frame))
            stop.wait(0.002)
    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        for revision in range(2, 12):
            # A range more each time: sets and rules are written anew.
            site.daemon.apply(lock.text(revision, [
                rig.CAM_IP, f"10.90.{revision}.0/25"],
                more=lock.others(revision * 20)))
    finally:
        stop.set()
        thread.join()
    net.wait_for(lambda: site.far.has(good[-1]), what="the last frame")
    net.wait_for(lambda: site.counts()["away"] >= len(bad), what="the count")
    arrived = set(site.far.take())
    tap.equal([one for one in good if one not in arrived], [], "lost")
    tap.equal([one for one in bad if one in arrived], [], "let out")
    tap.equal(site.counts(), {"cams": 0, "away": len(bad), "prerouting": 0,
                              "forward": 0, "input": 0, "bridge": 0,
                              "ports": 0},
              "counted")


def test_counters_survive():
    "policies, reloads, restarts and small restorations keep counters"
    site = lock.Site([guard("cams")])
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link, count=3)
    site.unguard("cams")
    site.blocked(site.frame(), "cams", count=2)
    want = site.counts()
    site.daemon.apply(lock.text(2, ["10.30.0.0/25"], lock.others(30)))
    tap.equal(site.counts(), want, "a policy")
    site.daemon.ask("reload")
    tap.equal(site.counts(), want, "a reload")
    site.daemon.stop()
    site.daemon.start()
    tap.equal(site.counts(), want, "a restart")
    site.nft("flush chain inet lenscap forward")
    site.daemon.wait_log("restored")
    tap.equal(site.counts(), want, "a restoration")


def test_older():
    "the tables of a daemon that knew nothing of prerouting are completed"
    site = lock.Site([guard("cams")])

    def lines():
        "What is added comes last."
        return [sorted(table.splitlines()) for table in site.rules()]
    before = lines()
    site.unguard("cams")
    site.blocked(site.frame(), "cams", count=2)
    site.daemon.stop()
    site.nft("flush chain inet lenscap prerouting",
             "delete chain inet lenscap prerouting",
             "delete counter inet lenscap prerouting")
    stray, last = site.alien_frame(src=rig.CAM_IP), site.alien_frame()
    site.alien_link.send(stray, last)
    net.wait_for(lambda: site.far.has(site.body(last)), what="the last frame")
    tap.true(not site.far.has(site.body(stray)), "held in forward, as it was")
    site.daemon.start()
    tap.equal((lines(), site.state()), (before, "in-place"), "completed")
    tap.equal(site.counts(), {"cams": 2, "prerouting": 0, "forward": 1,
                              "input": 0, "bridge": 0, "ports": 0},
              "counters stay")
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link)


def test_daemon_dies():
    "killed or ended, the tables stay and hold; its return changes nothing"
    site = lock.Site([guard("cams")])
    before = site.rules()
    site.daemon.kill()
    policy.unguard(site.rig.sock, "cams")
    # A frame that does not arrive shows by one behind it that does.
    first = site.frame()
    site.cam_link.send(first)
    site.alien_link.send(site.alien_frame(src=rig.CAM_IP))
    last = site.alien_frame()
    site.alien_link.send(last)
    net.wait_for(lambda: site.far.has(site.body(last)), what="the last frame")
    tap.equal(len(site.far.take()), 1, "frames that arrived")
    tap.equal(site.rules(), before, "tables")
    site.daemon.start()
    tap.equal(site.rules(), before, "tables after a restart")
    tap.equal((site.counts()["cams"], site.counts()["prerouting"]), (1, 1),
              "what was counted without a daemon")
    site.passes(site.frame())
    site.daemon.stop()
    tap.equal(site.rules(), before, "tables after SIGTERM")


def test_disarm():
    "disarm cuts off, disarm --open lets through, arm closes"
    site = lock.Site([guard("cams")])
    answer = site.daemon.ask("disarm")
    tap.equal((answer["disarmed"], answer["opened"],
               answer["interlock"]["state"]), (["cams"], [], "in-place"),
              "disarm")
    site.blocked(site.frame(), "cams")
    answer = site.daemon.ask("disarm", open=True)
    tap.equal((answer["disarmed"], answer["opened"],
               answer["interlock"]["state"]), ([], ["cams"], "open"), "open")
    tap.equal(site.rules(), [""] * 3, "no tables are left")
    site.passes(site.frame(dst="10.20.0.10"))
    site.passes(site.alien_frame(src=rig.CAM_IP), link=site.alien_link)
    tap.equal(site.daemon.ask("disarm", open=True)["opened"], [], "again")
    answer = site.daemon.ask("arm")
    tap.equal((answer["armed"], answer["closed"]), (["cams"], ["cams"]),
              "arm")
    site.wait_state()
    site.passes(site.frame())
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link)
    tap.equal(site.daemon.denied("disarm", open="yes")["code"], "refused",
              "open is a boolean")


def test_open_one_guard():
    "one guard open: its frames pass, those of others do not"
    site = lock.Site([guard("cams", vlan=30), guard("away", vlan=31)],
                     devices=())
    site.gw.vlan("trunk", 30, "v30")
    site.gw.vlan("trunk", 31, "v31")
    site.gw.addr("v30", lock.GW4["trunk"])
    answer = site.daemon.ask("disarm", guard="cams", open=True)
    tap.equal(answer["interlock"]["state"], "in-place", "state")
    states = {row["name"]: row["state"] for row in site.interlock()["guards"]}
    tap.equal(states, {"cams": "open", "away": "in-place"}, "states")
    stranger = {"src": "10.30.0.99", "mac": "02:00:5e:99:00:09"}
    site.passes(site.frame(vlans=(30,)))
    site.passes(site.frame(vlans=(30,), **stranger))
    site.passes(site.frame(vlans=(0, 30), **stranger))
    site.daemon.ask("disarm", guard="away")
    site.blocked(site.frame(vlans=(31,)), "away")
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link)
    site.daemon.ask("disarm", guard="away", open=True)
    tap.equal(site.state(), "open", "all are open")
    site.daemon.ask("arm", guard="cams")
    site.wait_state()
    site.passes(site.frame(vlans=(30,)))
    states = {row["name"]: row["state"] for row in site.interlock()["guards"]}
    tap.equal(states, {"cams": "in-place", "away": "open"}, "states")


def test_open_ends():
    "a reload and a restart close what was open, as they arm"
    site = lock.Site([guard("cams")])
    site.daemon.ask("disarm", open=True)
    site.daemon.ask("reload")
    tap.equal(site.state(), "in-place", "after a reload")
    site.daemon.ask("disarm", open=True)
    site.daemon.stop()
    tap.equal(site.rules(), [""] * 3, "an ended daemon leaves it open")
    site.daemon.start()
    tap.equal(site.state(), "in-place", "after a restart")
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link)


def test_off():
    "interlock: no in gateway.yaml; yes again with a reload"
    site = lock.Site([guard("cams")])
    site.daemon.configure([guard("cams")], interlock=False)
    site.daemon.ask("reload")
    tap.equal((site.state(), site.rules()), ("off", [""] * 3), "off")
    site.passes(site.alien_frame(src=rig.CAM_IP), link=site.alien_link)
    site.passes(site.frame())
    site.nft("table inet lenscap { chain c { }; }")
    site.daemon.stop()
    site.daemon.start()
    tap.equal((site.state(), site.rules()), ("off", [""] * 3),
              "a start removes what is left of it")
    answer = site.daemon.ask("disarm")
    tap.equal(answer["interlock"]["state"], "off", "disarm says so")
    site.passes(site.frame())
    site.daemon.configure([guard("cams")], interlock="yes")
    site.daemon.ask("reload")
    tap.equal(site.state(), "in-place", "on")
    site.daemon.configure([])
    site.daemon.ask("reload")
    tap.equal((site.state(), site.rules()), ("off", [""] * 3), "no guards")


def test_guards_change():
    "a reload that adds, moves and removes guards"
    site = lock.Site([guard("cams")])
    site.daemon.configure([guard("cams"), guard("wide", "side")])
    site.daemon.ask("reload")
    site.unguard("wide")
    site.blocked(site.alien_frame(), "wide", link=site.alien_link)
    site.daemon.configure([guard("cams", vlan=30)])
    site.daemon.ask("reload")
    site.passes(site.alien_frame(), link=site.alien_link)
    site.passes(site.frame(src="10.30.0.99", mac="02:00:5e:99:00:09"))
    # Not of the guard's VLAN any more, but the camera's address.
    site.blocked(site.frame(), "prerouting")
    names = {row["name"] for row in site.interlock()["guards"]}
    tap.equal(names, {"cams"}, "guards")


def test_tag():
    "another tag in gateway.yaml"
    site = lock.Site([guard("cams")])
    site.daemon.configure([guard("cams")], tag={
        "value": 0x50000, "mask": 0xff0000, "class_mask": 0xf})
    site.daemon.denied("reload")
    site.passes(site.frame())
    site.daemon.ask("disarm")
    site.daemon.ask("reload")
    tap.true("0x00ff0000 == 0x00050000" in site.rules()[0],
             site.rules()[0])
    site.passes(site.frame())
    site.unguard("cams")
    site.blocked(site.frame(), "cams")


def unload():
    "Unload the module, if nobody uses it."
    return subprocess.run(["rmmod", "lenscap"], check=False,
                          capture_output=True).returncode == 0


def alone():
    "Prerequisite: nobody else uses the module."
    with open("/sys/module/lenscap/refcnt", encoding="ascii") as file:
        if int(file.read()):
            raise tap.Skip("the module is used elsewhere")


def test_module_gone():
    "without the module cameras are cut off, by a new daemon as well"
    alone()
    site = lock.Site([guard("cams")])
    site.daemon.ask("disarm")
    before = site.rules()
    site.rig.sock.close()
    net.wait_for(unload, what="the module to be unloaded")
    try:
        site.daemon.wait_log("was unloaded")
        tap.true("the interlock cuts cameras off" in site.daemon.log(), "log")
        tap.equal(site.state(), "in-place", "state")
        site.blocked(site.frame(), "cams", count=2)
        site.nft("flush ruleset")
        site.daemon.wait_log("restored")
        site.blocked(site.frame(), "cams")
        site.daemon.ask("disarm", open=True)
        site.passes(site.frame())
        tap.equal(site.daemon.denied("arm")["code"], "module", "arm")
        tap.equal(site.state(), "in-place", "arm closes nevertheless")
        site.blocked(site.frame(), "cams")
        site.daemon.stop()
        site.nft("flush ruleset")
        if not os.path.exists("/sys/module/lenscap"):
            site.daemon.start()
            tap.equal(site.rules(), before, "a start without the module")
            site.gw.ip("link del trunk")
            site.gw.ip("link add trunk type veth peer name tmp0")
            wait_rules(site, before, "an interface made anew, without it")
    finally:
        tap.module()


def test_opened_without_module():
    "what was opened without the module is closed when that comes, and arms"
    alone()
    site = lock.Site([guard("cams")])
    site.daemon.ask("disarm")
    site.rig.sock.close()
    net.wait_for(unload, what="the module to be unloaded")
    try:
        site.daemon.wait_log("was unloaded")
        site.daemon.ask("disarm", open=True)
        # Who disarmed it wants it disarmed, and a reload would arm.
        site.daemon.stop()
        site.daemon.start()
        site.daemon.ask("disarm", open=True)
        site.passes(site.frame())
    finally:
        tap.module()
    site.daemon.wait_log("is armed", 2)
    site.wait_state()
    tap.equal(site.daemon.ask("disarm")["opened"], [], "opened")
    site.blocked(site.frame(), "cams")


def elsewhere(site, other):
    "The interface of the guards goes to another namespace and comes back."
    before = site.gw.index("trunk")
    net.run(["ip", "-n", site.gw.name, "link", "set", "trunk", "netns",
             other.name])
    net.run(["ip", "-n", other.name, "link", "set", "trunk", "netns",
             site.gw.name])
    tap.equal(site.gw.index("trunk"), before, "index")


def wait_rules(site, rules, what):
    "The tables become what they were."
    net.wait_for(lambda: site.rules() == rules, what=f"the chain, {what}")
    tap.equal(site.state(), "in-place", f"state, {what}")


def test_away_and_back():
    "an interface that was in another namespace gets its chain again"
    site = lock.Site([guard("cams"), guard("tagged", vlan=40)])
    other, rules = site.net.ns("else"), site.rules()
    pid = site.daemon.process.pid
    for number in range(5):
        elsewhere(site, other)
        wait_rules(site, rules, f"round {number}")
    # All that the daemon hears of it, it hears when it is over.
    os.kill(pid, signal.SIGSTOP)
    elsewhere(site, other)
    os.kill(pid, signal.SIGCONT)
    wait_rules(site, rules, "after a daemon that was busy")
    tap.equal(site.interlock()["restored"], 0, "nobody else was it")
    site.gw.ip("link set trunk up")
    site.gw.addr("trunk", lock.GW4["trunk"], lock.GW6["trunk"])
    site.passes(site.frame())
    site.unguard("cams")
    site.blocked(site.frame(), "cams")


def test_index_kept():
    "an interface that was made anew with the index of the old one"
    site = lock.Site([guard("cams")])
    site.daemon.ask("disarm")
    shut = site.rules()
    site.guarded()
    rules, index = site.rules(), site.gw.index("trunk")
    tap.true(shut != rules, "a guard that is not there shows")
    pid = site.daemon.process.pid
    os.kill(pid, signal.SIGSTOP)
    site.gw.ip("link del trunk")
    site.gw.ip(f"link add trunk index {index} type veth peer name tmp0")
    os.kill(pid, signal.SIGCONT)
    wait_rules(site, rules, "after a daemon that was busy")
    # A policy alone would not have written it.
    os.kill(pid, signal.SIGSTOP)
    site.gw.ip("link del trunk")
    site.gw.ip(f"link add trunk index {index} type veth peer name tmp0")
    with site.daemon.connect() as client:
        client.send({"command": "disarm"})
        os.kill(pid, signal.SIGCONT)
        tap.equal(client.line()["interlock"]["state"], "in-place",
                  "when the module has let go")
    tap.equal(site.rules(), shut, "tables")


def test_capabilities():
    "the daemon does it with CAP_NET_ADMIN alone, as it does all else"
    site = lock.Site([guard("cams")])
    with open(f"/proc/{site.daemon.process.pid}/status",
              encoding="ascii") as file:
        fields = dict(line.split(":\t") for line in file)
    tap.equal(int(fields["CapEff"], 16), 1 << 12, "CapEff")
    site.nft("flush ruleset")
    site.daemon.wait_log("restored")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, lock.built, tap.module],
             each=daemon.cleanup)
