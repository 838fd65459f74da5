#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor: module, guards, policy, interlock, and ways in beside a guard."""

import json
import subprocess

from lib import daemon, net, rig, tap
from lib.doctor import (PROGRAM, WIRE, built, cleanup, ctl, doctor, found,
                        guards, risk, world)


def test_nothing():
    "a gateway about which there is nothing to say: exit 0"
    r, d = world()
    tap.equal(found(r, d), {}, "findings")
    tap.equal(doctor(r, d)[0], 0, "exit code")
    # It only looked.
    tap.equal(found(r, d), {}, "findings the second time")


def test_guards():
    "disarmed, waiting, in audit mode, none"
    r, d = world()
    ctl(d, "disarm", "--yes")
    tap.equal(found(r, d), {("guard-not-armed", "cams"): "problem"},
              "disarmed")
    ctl(d, "arm")
    tap.equal(found(r, d), {}, "armed")
    guards(d, daemon.guard(), daemon.guard("yard", "eth7"))
    tap.equal(found(r, d), {("guard-not-armed", "yard"): "problem"},
              "waiting")
    guards(d, daemon.guard(mode="audit"))
    tap.equal(found(r, d), {("guard-audit", "cams"): "note"}, "audit")
    guards(d)
    tap.equal(found(r, d), {("no-guard", "gateway.yaml"): "problem"}, "none")
    guards(d, daemon.guard())
    tap.equal(found(r, d), {}, "a guard again")


def test_renamed():
    "the guard's interface has another name, and another has its name"
    r, d = world()
    key = ("guard-renamed", "cams")

    def rename(old, new):
        "An interface, which takes it down."
        r.gw.batch([f"link set {old} down", f"link set {old} name {new}",
                    f"link set {new} up"])
    rename("trunk", "lan0")
    tap.equal(found(r, d), {key: "note"}, "another name")
    r.gw.ip("link add other type dummy")
    rename("other", "trunk")
    tap.equal(found(r, d), {key: "warning"}, "another interface has it")
    tap.true("on interface lan0, which was called trunk," in
             risk(r, d, key[0]), "what is said")
    rename("trunk", "other")
    guards(d, daemon.guard(interface="lan0"))
    tap.equal(found(r, d), {}, "gateway.yaml has the new name")


def test_on_a_veth():
    "who sends there is on this machine; a dummy or a VLAN device is none"
    r, d = world()

    def veths():
        "Guards that are said to stand on one."
        return {item["object"]["name"]: item["severity"]
                for item in doctor(r, d)[1]["findings"]
                if item["name"] == WIRE}
    tap.equal(veths(), {"cams": "note"}, "the rig's link")
    r.gw.vlan("trunk", 30, "trunk.30")
    r.gw.ip("link add card type dummy")
    guards(d, daemon.guard(interface="trunk.30"),
           daemon.guard("cards", "card"))
    tap.equal(veths(), {}, "above it, and on something else")
    guards(d, daemon.guard(vlan=30))
    tap.equal(veths(), {"cams": "note"}, "for a VLAN on it")


def test_interlock():
    "left off, or taken away while nobody puts it back"
    r, d = world()
    d.configure([daemon.guard()], interlock=False)
    ctl(d, "reload")
    tap.equal(found(r, d), {("interlock-off", "gateway.yaml"): "note"}, "off")
    d.configure([daemon.guard()])
    ctl(d, "reload")
    tap.equal(found(r, d), {}, "on")
    # A table that belongs to a process can be changed by nobody else.
    with r.gw.popen(["nft", "-i"], stdin=subprocess.PIPE, text=True,
                    stdout=subprocess.DEVNULL) as owner:
        owner.stdin.write("delete table inet lenscap; "
                          "add table inet lenscap { flags owner; }\n")
        owner.stdin.flush()
        net.wait_for(lambda: ("interlock-missing", "lenscap") in found(r, d),
                     what="the interlock to be missed")
        owner.kill()
    net.wait_for(lambda: found(r, d) == {}, what="the interlock to be back")


def test_tag_rewritten():
    "rules that write the tag's bits, before the interlock has seen them"
    r, d = world()

    def rules(*lines):
        "A table of somebody else, instead of the last one."
        r.gw.nft(["-f", "-"], "\n".join(
            ["table inet mine { }", "delete table inet mine",
             "table inet mine {", *lines, "}"]) + "\n")
    early = "chain pre { type filter hook prerouting priority -150; "
    for harmless in ("meta mark & 0xff000000 == 0x4c000000 accept;",
                     "meta mark set meta mark & 0xffff00ff | 0x100;",
                     "meta mark & 0xff000000 == 0x4c000000 meta cpu 0 "
                     "meta mark set meta mark & 0xffff00ff | 0x100;"):
        rules(early + harmless + " }")
        tap.equal(found(r, d), {}, harmless)
    for harmful in ("meta mark set 0x1;", "meta mark set meta length;",
                    "meta mark set meta mark | 0x1000000;",
                    "meta mark & 0xff == 0 meta mark set meta cpu;",
                    "meta mark set meta mark & 0x00ffffff;"):
        rules(early + harmful + " }")
        tap.equal(found(r, d), {("tag-rewritten", "mine pre"): "warning"},
                  harmful)
    rules("chain out { type route hook output priority 0; "
          "meta mark set 0x1; }",
          "chain post { type filter hook postrouting priority 0; "
          "meta mark set 0x1; }")
    tap.equal(found(r, d), {}, "behind the interlock")
    rules("chain any { meta mark set 0x1; }")
    tap.equal(found(r, d), {("tag-rewritten", "mine any"): "warning"},
              "a chain that others jump to")


def test_nat_to_cameras():
    "source addresses that are translated by a guard's way out, or by any"
    r, d = world()
    key = ("nat-to-cameras", "mine post")
    r.gw.ip("link add wan type dummy")
    r.gw.vlan("trunk", 30, "trunk.30")

    def rule(text):
        "In a chain of somebody else, instead of the last one."
        r.gw.nft(["-f", "-"], "\n".join(
            ["table ip mine { }", "delete table ip mine", "table ip mine {",
             "chain post { type nat hook postrouting priority 100;", text,
             "}", "}"]) + "\n")
    for text, severity in (
            ("oifname \"wan\" masquerade", None), ("oif wan masquerade", None),
            ("ip saddr 10.30.0.0/24 oif wan snat to 192.0.2.1", None),
            ("oif trunk accept", None),
            ("oifname \"trunk\" masquerade", "warning"),
            ("oif trunk snat to 10.30.0.2", "warning"),
            ("oifname \"tr*\" masquerade", "warning"),
            ("oifname \"trunk.30\" masquerade", "warning"),
            ("masquerade", "note"),
            ("oifname != \"wan\" masquerade", "note")):
        rule(text)
        tap.equal(found(r, d), {key: severity} if severity else {}, text)


def test_no_policy():
    "no policy, then one"
    r, d = world(policy=False)
    tap.equal(found(r, d), {("no-policy", "lenscap"): "problem"}, "findings")
    d.write_policy(daemon.dome(revision=1))
    ctl(d, "reload")
    tap.equal(found(r, d), {}, "with a policy")


def test_vlans():
    "other VLAN devices of a trunk, and its frames without a tag"
    r, d = world(daemon.guard(vlan=30))
    untagged = ("untagged-unguarded", "trunk")
    r.gw.vlan("trunk", 30, "cams30")
    tap.equal(found(r, d), {untagged: "note"}, "no other VLAN")
    r.gw.addr("trunk", "192.0.2.1/24")
    tap.equal(found(r, d), {untagged: "warning"}, "with an address")
    r.gw.ip("addr flush dev trunk scope global")
    for family in ("ipv4", "ipv6"):
        r.gw.sysctl(f"{family}/conf/trunk/forwarding", 1)
        tap.equal(found(r, d), {untagged: "warning"}, f"{family} is routed")
        r.gw.sysctl(f"{family}/conf/trunk/forwarding", 0)
    r.gw.vlan("trunk", 20, "office")
    r.gw.vlan("trunk", 21, "lab")
    siblings = ("vlan-unguarded", "trunk")
    tap.equal(found(r, d), {untagged: "note", siblings: "warning"}, "two")
    tap.true("office, lab," in risk(r, d, "vlan-unguarded"), "names")
    guards(d, daemon.guard(vlan=30), daemon.guard("lab", "trunk", vlan=21))
    tap.true("by office," in risk(r, d, "vlan-unguarded"), "one is left")
    guards(d, daemon.guard(vlan=30), daemon.guard("lab", "trunk", vlan=21),
           daemon.guard("office", "office"))
    tap.equal(found(r, d), {untagged: "note"}, "a guard for each")
    guards(d, daemon.guard(vlan=30), daemon.guard("rest", "trunk"))
    tap.equal(found(r, d), {}, "a guard for the rest")


def test_vlan_device():
    "a guard on a VLAN device: the trunk below has others"
    r, d = world(daemon.guard())
    r.gw.vlan("trunk", 30, "cams30")
    r.gw.vlan("trunk", 20, "office")
    guards(d, daemon.guard(interface="cams30"))
    tap.true(("vlan-unguarded", "trunk") in found(r, d), "findings")
    r.gw.ip("link del office")
    tap.equal(found(r, d), {("untagged-unguarded", "trunk"): "note"},
              "the other is gone")


def test_bridge():
    "ports of a bridge, and the bridge itself"
    r, d = world()
    r.gw.ip("link add uplink type dummy")
    r.gw.ip("link add spare type dummy")
    r.gw.bridge("br0", "trunk", "uplink", "spare")
    tap.equal(found(r, d), {("bridge-port-unguarded", "br0"): "note"},
              "other ports")
    tap.true("uplink, spare" in risk(r, d, "bridge-port-unguarded"), "names")
    r.gw.ip("link set spare nomaster")
    guards(d, daemon.guard(), daemon.guard("up", "uplink"))
    tap.equal(found(r, d), {}, "all ports guarded")
    guards(d, daemon.guard(interface="br0"))
    tap.equal(found(r, d), {("guard-on-bridge", "br0"): "warning"},
              "a guard on the bridge")
    guards(d, daemon.guard())
    r.gw.ip("link del br0")
    tap.equal(found(r, d), {}, "no bridge")


def test_ipv6():
    "IPv6 is forwarded and the policy names none"
    r, d = world()
    try:
        r.gw.sysctl("ipv6/conf/all/forwarding", 1)
    except FileNotFoundError as err:
        raise tap.Skip("this kernel has no IPv6") from err
    tap.equal(found(r, d), {("ipv6-forwarding", "ipv6"): "note"}, "findings")
    d.write_policy(daemon.dome(revision=2, peers=(rig.PEER_IP,
                                                  "2001:db8:20::10")))
    ctl(d, "reload")
    tap.equal(found(r, d), {}, "a rule for IPv6")
    d.write_policy(daemon.dome(revision=3))
    ctl(d, "reload")
    tap.true(found(r, d), "no rule for IPv6")
    r.gw.sysctl("ipv6/conf/all/forwarding", 0)
    tap.equal(found(r, d), {}, "not forwarded")


def test_routes():
    "a subnet of a guard is routed elsewhere, in part or as a whole"
    r, d = world(daemon.guard(subnets=["10.30.0.0/24", "2001:db8:30::/64"]))
    gw, key = r.gw, {("subnet-elsewhere", "cams"): "warning"}
    gw.batch(["link add out type dummy", "link set out up",
              "addr add 10.30.0.1/24 dev trunk",
              "route add default dev out"])
    gw.sysctl("ipv4/ip_forward", 1)
    tap.equal(found(r, d), {}, "the cameras' LAN is on the guard's interface")
    gw.ip("route add 10.30.0.64/26 dev out")
    tap.equal(found(r, d), key, "a part of it is elsewhere")
    tap.true("10.30.0.64/26" in risk(r, d, "subnet-elsewhere") and
             "leads to out" in risk(r, d, "subnet-elsewhere"), "what is said")
    gw.sysctl("ipv4/ip_forward", 0)
    tap.equal(found(r, d), {}, "nothing is forwarded")
    gw.sysctl("ipv4/ip_forward", 1)
    gw.ip("route del 10.30.0.64/26 dev out")
    tap.equal(found(r, d), {}, "the route is gone")
    # Of several ways, one leads elsewhere.
    d.write_policy(daemon.dome(revision=2, peers=(rig.PEER_IP,
                                                  "2001:db8:20::10")))
    ctl(d, "reload")
    gw.sysctl("ipv6/conf/all/forwarding", 1)
    ways = "nexthop via fe80::1 dev trunk nexthop via fe80::2 dev out"
    gw.ip(f"-6 route add 2001:db8:30:0:1::/80 {ways}")
    tap.equal(found(r, d), key, "half the way leads elsewhere")
    gw.ip("-6 route del 2001:db8:30:0:1::/80")
    tap.equal(found(r, d), {}, "both ways are gone")
    gw.ip("addr del 10.30.0.1/24 dev trunk")
    tap.equal(found(r, d), key, "all of it is")
    tap.true("is routed to out" in risk(r, d, "subnet-elsewhere"), "as a whole")
    # What stands on the guard's interface leads to the cameras as well.
    gw.batch(["link add link trunk name above type macvlan",
              "link set above up", "addr add 10.30.0.1/24 dev above"])
    tap.equal(found(r, d), {}, "an interface above it")
    gw.ip("link del out")


def test_elsewhere():
    "run in another network namespace: not checked, which is not fine"
    r, d = world()
    done = r.cam.run([PROGRAM, "--socket", d.socket, "doctor", "--json"],
                     check=False)
    tap.equal(done.returncode, 6, f"exit code of {done.stdout}")
    tap.equal([(x["name"], x["object"])
               for x in json.loads(done.stdout)["unchecked"]],
              [("interface", "cams")], "unchecked")


def test_without_daemon():
    "the daemon is gone: exit 6, and back"
    r, d = world()
    d.kill()
    status, result = doctor(r, d)
    tap.equal((status, [x["name"] for x in result["findings"]]),
              (6, ["no-daemon"]), "result")
    d.start()
    tap.equal(found(r, d), {}, "the daemon is back")


def test_without_module():
    "the module is gone: a problem, and it comes back"
    r, d = world()
    ctl(d, "disarm", "--yes")
    with open("/sys/module/lenscap/refcnt", encoding="ascii") as file:
        if int(file.read()):
            raise tap.Skip("the module is used elsewhere")
    net.run(["rmmod", "lenscap"])
    try:
        status, result = doctor(r, d)
        tap.equal((status, [x["name"] for x in result["findings"]]),
                  (2, ["no-module"]), "result")
        tap.true("guard-not-armed" in [x["name"] for x in
                                       result["unchecked"]], result)
    finally:
        tap.module()
    net.wait_for(lambda: (d.ask("status")["module"] or {}).get("revision"),
                 what="the module and the policy to be back")
    ctl(d, "arm")
    tap.equal(found(r, d), {}, "the module is back")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built, built],
             each=cleanup)
