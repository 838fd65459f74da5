#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd and guards: reload, disarm and arm, changes without a hole."""

import signal

from lib import daemon, frames, net, policy, rig, tap
from lib.daemon import guard, world


def started(guards=None, **options):
    "A daemon that runs with policy revision 10."
    r, d = world(guards=guards, **options)
    d.write_policy(daemon.dome(revision=10))
    d.start()
    return r, d


def kernel(r):
    "Guards of the kernel: {name: (interface, vlan)}."
    return {name: (row["ifname"], row.get("vlan"))
            for name, row in policy.guards(r.sock).items()}


def test_reload_guards():
    "added, changed and removed; what stays is not touched"
    r, d = started([guard("one"), guard("two", vlan=2),
                    guard("three", vlan=3)])
    r.bad(2)
    r.wait_reason("one", "destination", 2)
    d.configure([guard("one"), guard("two", vlan=2, mode="audit",
                                     upkeep=["arp"],
                                     subnets=["10.2.0.0/16"]),
                 guard("four", vlan=4)])
    answer = d.ask("reload")
    tap.equal(answer["changed"], False, "policy changed")
    tap.equal(kernel(r), {"one": ("trunk", None), "two": ("trunk", 2),
                          "four": ("trunk", 4)}, "guards")
    rows = policy.guards(r.sock)
    tap.equal(rows["two"]["mode"], "audit", "mode")
    tap.equal(rows["one"]["reasons"]["destination"]["dropped_packets"], 2,
              "counters of what stays")
    shown = {g["name"]: g for g in d.ask("guards")["guards"]}
    tap.equal((shown["two"]["upkeep"], shown["two"]["vlan"],
               shown["one"]["vlan"]), (["arp"], 2, None), "as shown")
    log = d.log()
    d.ask("reload")
    said = d.log()[len(log):]
    tap.true("is set" not in said and "is removed" not in said, said)


def test_trading_places():
    "guards that exchange interfaces, or names, are all there afterwards"
    r, d = started([guard("a", vlan=1), guard("b", vlan=2),
                    guard("c", vlan=3)])
    d.configure([guard("a", vlan=2), guard("b", vlan=3),
                 guard("c", vlan=1)])
    d.ask("reload")
    tap.equal(kernel(r), {"a": ("trunk", 2), "b": ("trunk", 3),
                          "c": ("trunk", 1)}, "a ring")
    d.configure([guard("a", vlan=2), guard("x", vlan=3),
                 guard("c", vlan=9)])
    d.ask("reload")
    tap.equal(kernel(r), {"a": ("trunk", 2), "x": ("trunk", 3),
                          "c": ("trunk", 9)}, "another name")
    d.configure([guard("c", vlan=2), guard("a", vlan=5),
                 guard("x", vlan=9)])
    d.ask("reload")
    tap.equal(kernel(r), {"c": ("trunk", 2), "a": ("trunk", 5),
                          "x": ("trunk", 9)}, "a chain")


def test_reload_is_all_or_nothing():
    "an error in either file: nothing of the other is taken"
    r, d = started()
    before = policy.state(r.sock)
    d.configure([guard("cams"), guard("more", vlan=2)])
    d.write_policy("version: 1\nrevision: 11\ncolour: red\n")
    tap.equal(d.denied("reload")["code"], "policy", "code")
    tap.equal(policy.state(r.sock), before, "broken policy")
    d.configure([guard("cams", vlan=5000)])
    d.write_policy(daemon.dome(revision=11))
    tap.equal(d.denied("reload")["code"], "policy", "code")
    tap.equal(policy.state(r.sock), before, "broken configuration")
    d.configure([guard("cams"), guard("more", vlan=2)])
    d.write_policy(daemon.dome(revision=10, devices=2))
    answer = d.denied("reload")
    tap.true("11" in answer["diagnostics"][0]["message"], answer)
    tap.equal(policy.state(r.sock), before, "same revision, other content")
    d.write_policy(daemon.dome(revision=9))
    tap.equal(d.ask("reload")["revision"], 10, "an older file is passed over")
    tap.equal(sorted(kernel(r)), ["cams", "more"], "guards")


def test_hangup():
    "SIGHUP reloads, and tells the service manager when it is done"
    r, d = started()
    d.write_policy(daemon.dome(revision=11))
    d.configure([guard("cams"), guard("more", vlan=2)])
    d.process.send_signal(signal.SIGHUP)
    net.wait_for(lambda: d.notified().count("READY=1") == 2, what="READY=1")
    tap.true("RELOADING=1" in d.notified(), "RELOADING=1")
    tap.true(any(s.startswith("MONOTONIC_USEC=") for s in d.notified()),
             "MONOTONIC_USEC")
    tap.equal(policy.info(r.sock)["revision"], 11, "revision")
    tap.equal(sorted(kernel(r)), ["cams", "more"], "guards")
    d.write_policy("nonsense: [\n")
    d.process.send_signal(signal.SIGHUP)
    net.wait_for(lambda: d.notified().count("READY=1") == 3, what="READY=1")
    tap.true("reload failed" in d.ask("status")["daemon"]["last_error"],
             "last_error")
    tap.equal(policy.info(r.sock)["revision"], 11, "revision")


def test_disarm_and_arm():
    "out of the kernel and back; shown, and not undone by a look"
    r, d = started([guard("cams"), guard("more", vlan=2)])
    tap.equal(d.ask("disarm", guard="cams")["disarmed"], ["cams"], "answer")
    tap.equal(sorted(kernel(r)), ["more"], "guards")
    shown = {g["name"]: g["state"] for g in d.ask("guards")["guards"]}
    tap.equal(shown, {"cams": "disarmed", "more": "armed"}, "states")
    with_witness(r, 1)
    tap.equal(d.ask("disarm", guard="cams")["disarmed"], [], "again")
    tap.equal(d.ask("arm", guard="cams")["armed"], ["cams"], "answer")
    r.bad()
    r.wait_dropped(1)
    tap.equal(d.ask("arm")["armed"], [], "nothing to arm")
    tap.equal(sorted(d.ask("disarm")["disarmed"]), ["cams", "more"], "all")
    tap.equal(kernel(r), {}, "guards")
    d.ask("reload")
    tap.equal(sorted(kernel(r)), ["cams", "more"], "a reload arms")
    d.ask("disarm")
    d.stop()
    tap.equal(kernel(r), {}, "an ended daemon leaves them out")
    d.start()
    tap.equal(sorted(kernel(r)), ["cams", "more"], "a restart arms")
    tap.true("removed by another program" not in d.log(), d.log())


def with_witness(r, count):
    "Frames that no rule permits arrive now."
    before = r.gw.link_stats("trunk")["rx"]
    r.bad(count)
    net.wait_for(lambda: r.gw.link_stats("trunk")["rx"] >= before + count,
                 what="the frames")
    tap.equal(r.counter("dropped_packets"), 0, "dropped")


def test_foreign_guards():
    "a guard that another program made goes; one that it removed is missed"
    r, d = started()
    policy.guard(r.sock, "strange", "trunk", vlan=9)
    net.wait_for(lambda: '"strange"' in d.log(), what="a word about it")
    tap.true("strange" in {g["name"] for g in d.ask("guards")["guards"]},
             "it is shown")
    d.ask("reload")
    tap.equal(sorted(kernel(r)), ["cams"], "guards after a reload")
    policy.unguard(r.sock, "cams")
    d.wait_log("removed by another program")
    tap.equal(d.ask("guards")["guards"][0]["state"], "disarmed", "state")
    tap.equal(kernel(r), {}, "it is not set again behind one's back")
    tap.equal(d.ask("arm")["armed"], ["cams"], "armed")


def test_other_programs_guards_at_start():
    "at a start, guards that gateway.yaml does not name are removed"
    r, d = world()
    policy.guard(r.sock, "strange", "trunk", vlan=9)
    d.write_policy(daemon.dome(revision=1))
    d.start()
    tap.equal(sorted(kernel(r)), ["cams"], "guards")
    tap.true('"strange"' in d.log() and "is removed" in d.log(), d.log())


def test_tag():
    "the tag is set at the start; it does not change under armed guards"
    tag = {"value": 0x10, "mask": 0xf0, "class_mask": 0xf}
    r, d = started(tag=tag)
    about = policy.info(r.sock)
    tap.equal((about["tag_value"], about["tag_mask"], about["class_mask"]),
              (0x10, 0xf0, 0xf), "tag")
    other = {"value": 0x20, "mask": 0xf0, "class_mask": 0xf}
    d.configure([guard()], tag=other)
    answer = d.denied("reload")
    tap.true("lenscapctl disarm" in answer["diagnostics"][0]["message"],
             answer)
    d.stop()
    before = policy.state(r.sock)
    d.start()
    tap.equal(policy.state(r.sock), before, "state after a restart")
    tap.true("lenscapctl disarm" in d.log(), d.log())
    tap.true(d.ask("status")["daemon"]["last_error"], "last_error")
    d.ask("disarm")
    d.ask("reload")
    about = policy.info(r.sock)
    tap.equal((about["tag_value"], about["guards_armed"]), (0x20, 1), "tag")


def test_fixed_keys():
    "what can not change while it runs is said, the rest is taken"
    r, d = started()
    d.configure([guard(), guard("more", vlan=2)],
                control={"socket": "elsewhere"}, state="else")
    answer = d.ask("reload")
    told = "\n".join(i["message"] for i in answer["diagnostics"])
    for key in ("socket", "state", "group"):
        tap.true(key in told, f"{key} in {told}")
    tap.equal(sorted(kernel(r)), ["cams", "more"], "guards")
    d.ask("status")
    d.stop()


def test_rename_then_other_device():
    "the old name returns: gateway.yaml counts again"
    r, d = started()
    r.gw.ip("link set trunk down")
    r.gw.ip("link set trunk name lan0")
    r.gw.up("lan0")
    d.wait_log("now called lan0")
    tap.equal(d.ask("reload")["ok"], True, "reload")
    tap.equal(kernel(r), {"cams": ("lan0", None)}, "guards")
    tap.equal(d.log().count('"cams" stays on interface lan0'), 1, "told")
    r.gw.ip("link add trunk type dummy")
    d.ask("reload")
    tap.equal(kernel(r), {"cams": ("trunk", None)}, "guards")


def test_rename_then_gone():
    "renamed, deleted, and there is one of the old name: that is guarded"
    r, d = started()
    r.gw.batch(["link set trunk down", "link set trunk name lan0"])
    d.wait_log("now called lan0")
    r.gw.ip("link del lan0")
    d.wait_log("waits for its interface")
    tap.equal(kernel(r), {"cams": ("lan0", None)}, "guards")
    r.connect()
    d.wait_log("is armed", 2)
    tap.equal(kernel(r), {"cams": ("trunk", None)}, "guards")
    r.bad()
    r.wait_dropped(1)
    # Away and back, twice: with the index that it had.
    other = r.net.ns("other")
    for armed in (3, 4):
        r.gw.batch(["link set trunk down", "link set trunk name lan0",
                    f"link set lan0 netns {other.name}"])
        d.wait_log("(lan0) waits for its interface", armed - 1)
        other.batch(["link set lan0 name trunk",
                     f"link set trunk netns {r.gw.name}"])
        d.wait_log("is armed", armed)
        tap.equal(kernel(r), {"cams": ("trunk", None)}, "guards")


def test_interface_comes_and_goes():
    "waiting, armed, waiting: each is logged"
    r, d = started()
    r.gw.ip("link del trunk")
    d.wait_log("waits for its interface")
    tap.equal(d.ask("status")["module"]["guards_armed"], 0, "armed")
    r.connect()
    d.wait_log("is armed", 2)
    r.bad()
    r.wait_dropped(1)


def test_identity_ip():
    "a routed guard, as gateway.yaml says it"
    r, d = world(guards=[guard(identity="ip")])
    d.write_policy("version: 1\nrevision: 1\n"
                   f"destinations: {{ peer: [{rig.PEER_IP}] }}\n"
                   "profiles: { dome: { connects: "
                   f"[{{ to: peer, udp: {rig.PEER_PORT} }}] }} }}\n"
                   "devices:\n  - { name: cam, "
                   f"addresses: [{rig.CAM_IP}], profile: dome }}\n")
    d.start()
    tap.equal(d.ask("guards")["guards"][0]["identity"], "ip", "identity")
    router = "02:00:5e:aa:00:01"
    r.send(r.frame(mac=router))
    r.wait_passed(1)
    r.send(frames.eth(rig.GW_MAC, router, frames.pack_ip(
        "10.30.0.99", rig.PEER_IP, frames.udp(1, 2, b"x"))))
    net.wait_for(lambda: d.ask("drops")["drops"], what="a record")
    row = d.ask("drops")["drops"][0]
    tap.equal((row["reason"], row["source"], row["device"]),
              ("unknown_device", "10.30.0.99", None), "record")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             each=daemon.cleanup)
