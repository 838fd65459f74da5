#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor with the real daemon and module: each finding provoked.

Every test begins with a gateway about which there is nothing to say, makes one
thing wrong, and puts it right again. What the program takes and prints is
tested in tests/host/cli.
"""

import errno
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import bpf, daemon, net, rig, tap                  # noqa: E402

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


def found(r, d, *args):
    "What was found, as {(name, object): severity}; all was checked."
    status, result = doctor(r, d, *args)
    tap.equal(result["unchecked"], [], "unchecked")
    seen = {(item["name"], item["object"]["name"]): item["severity"]
            for item in result["findings"]}
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
        r.gw.run(["nft", "-f", "-"], input="\n".join(
            ["table inet mine { }", "delete table inet mine",
             "table inet mine {", *lines, "}"]) + "\n")
    early = "chain pre { type filter hook prerouting priority -150; "
    for harmless in ("meta mark & 0xff000000 == 0x4c000000 accept;",
                     "meta mark set meta mark & 0xffff00ff | 0x100;"):
        rules(early + harmless + " }")
        tap.equal(found(r, d), {}, harmless)
    for harmful in ("meta mark set 0x1;", "meta mark set meta length;",
                    "meta mark set meta mark | 0x1000000;",
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


def test_no_policy():
    "no policy, then one"
    r, d = world(policy=False)
    tap.equal(found(r, d), {("no-policy", "lenscap"): "problem"}, "findings")
    d.write_policy(daemon.dome(revision=1))
    ctl(d, "reload")
    tap.equal(found(r, d), {}, "with a policy")


def test_xdp():
    "an XDP program on the guard's interface"
    bpf.amd64()
    r, d = world()
    detach = bpf.attach(r.gw, "trunk", bpf.XDP,
                        bpf.ATTACH_XDP, bpf.XDP_SKB_MODE)
    tap.equal(found(r, d), {("xdp", "trunk"): "warning"}, "findings")
    detach()
    gone(r, d, ("xdp", "trunk"))
    tap.equal(found(r, d), {}, "detached")


def test_xdp_below():
    "an XDP program on the trunk below a guarded VLAN device, and beside it"
    bpf.amd64()
    r, d = world(daemon.guard())
    r.gw.vlan("trunk", 30, "cams30")
    r.gw.ip("link add beside type dummy")
    guards(d, daemon.guard(interface="cams30"), daemon.guard("all", "trunk"))
    detach = bpf.attach(r.gw, "trunk", bpf.XDP,
                        bpf.ATTACH_XDP, bpf.XDP_SKB_MODE)
    ignored = bpf.attach(r.gw, "beside", bpf.XDP,
                         bpf.ATTACH_XDP, bpf.XDP_SKB_MODE)
    tap.equal(found(r, d), {("xdp", "trunk"): "warning"}, "both")
    guards(d, daemon.guard(interface="cams30"))
    tap.true(("xdp", "trunk") in found(r, d), "below only")
    tap.true(("xdp", "beside") not in found(r, d), "beside")
    detach()
    ignored()
    gone(r, d, ("xdp", "trunk"))


def test_tc():
    "filters of ingress and clsact, on the ingress side only"
    if not shutil.which("tc"):
        raise tap.Skip("needs tc")
    r, d = world()
    tc = ["tc", "-n", r.gw.name]
    accept = ["matchall", "action", "ok"]
    for qdisc, parent in (("clsact", "ingress"), ("ingress", "ingress")):
        net.run([*tc, "qdisc", "add", "dev", "trunk", qdisc])
        tap.equal(found(r, d), {}, f"{qdisc} without filters")
        if qdisc == "clsact":
            net.run([*tc, "filter", "add", "dev", "trunk", "egress", *accept])
            tap.equal(found(r, d), {}, "a filter on the egress side")
        net.run([*tc, "filter", "add", "dev", "trunk", parent, *accept])
        tap.equal(found(r, d), {("tc-ingress", "trunk"): "warning"}, qdisc)
        net.run([*tc, "filter", "del", "dev", "trunk", parent])
        tap.equal(found(r, d), {}, f"{qdisc}: the filter is gone")
        net.run([*tc, "qdisc", "del", "dev", "trunk", qdisc])


def test_tc_redirect_is_real():
    "what it warns of: a filter that takes a frame past the guard"
    if not shutil.which("tc"):
        raise tap.Skip("needs tc")
    r, d = world()
    r.gw.ip("link add past type dummy")
    r.gw.ip("link set past up")
    net.run(["tc", "-n", r.gw.name, "qdisc", "add", "dev", "trunk", "clsact"])
    net.run(["tc", "-n", r.gw.name, "filter", "add", "dev", "trunk",
             "ingress", "matchall", "action", "mirred", "egress", "redirect",
             "dev", "past"])
    before = r.gw.link_stats("past")["tx"]
    r.bad(3)
    net.wait_for(lambda: r.gw.link_stats("past")["tx"] >= before + 3,
                 what="three frames past the guard")
    tap.equal(r.counter("dropped_packets"), 0, "frames that the guard dropped")
    tap.equal(found(r, d), {("tc-ingress", "trunk"): "warning"}, "findings")


def test_tcx():
    "a tcx program, which no list of filters shows"
    bpf.amd64()
    r, d = world()
    try:
        detach = bpf.attach(r.gw, "trunk", bpf.SCHED_CLS,
                            bpf.ATTACH_TCX_INGRESS)
    except OSError as err:
        if err.errno != errno.EINVAL:
            raise
        raise tap.Skip("this kernel has no tcx") from err
    tap.equal(found(r, d), {("tcx-ingress", "trunk"): "warning"}, "findings")
    detach()
    gone(r, d, ("tcx-ingress", "trunk"))


def test_flowtable():
    "a flowtable in software comes after the guard: nothing to say"
    if not shutil.which("nft"):
        raise tap.Skip("needs nft")
    r, d = world()
    done = r.gw.run(["nft", "add table inet t; add flowtable inet t f "
                     "{ hook ingress priority 0; devices = { trunk }; }"],
                    check=False)
    if done.returncode:
        raise tap.Skip(f"no flowtable here: {done.stderr.strip()}")
    tap.equal(found(r, d), {}, "findings")


def netdevsim(r):
    "An interface whose hardware is simulated, in the gateway."
    subprocess.run(["modprobe", "-q", "netdevsim"], check=False)
    bus = "/sys/bus/netdevsim"
    if not os.path.isdir(bus) or not shutil.which("ethtool"):
        raise tap.Skip("needs netdevsim and ethtool")
    number = str(os.getpid())

    def write(name, text):
        with open(f"{bus}/{name}", "w", encoding="ascii") as file:
            file.write(text)
    write("new_device", f"{number} 1")
    r.net.defer(write, "del_device", number)
    where = f"{bus}/devices/netdevsim{number}/net"
    name = net.wait_for(lambda: os.path.isdir(where) and os.listdir(where),
                        what="the simulated interface")[0]
    net.run(["devlink", "dev", "reload", f"netdevsim/netdevsim{number}",
             "netns", r.gw.name])
    return net.wait_for(lambda: r.gw.has(name) and name, what=name)


def test_hardware():
    "the feature hw-tc-offload, on and off"
    r, d = world()
    name = netdevsim(r)
    guards(d, daemon.guard(), daemon.guard("hard", name))
    r.gw.run(["ethtool", "-K", name, "hw-tc-offload", "on"])
    tap.equal(found(r, d), {("hw-tc-offload", name): "warning"}, "on")
    r.gw.run(["ethtool", "-K", name, "hw-tc-offload", "off"])
    tap.equal(found(r, d), {}, "off")


def test_vlans():
    "other VLAN devices of a trunk, and its frames without a tag"
    r, d = world(daemon.guard(vlan=30))
    untagged = ("untagged-unguarded", "trunk")
    r.gw.vlan("trunk", 30, "cams30")
    tap.equal(found(r, d), {untagged: "note"}, "no other VLAN")
    r.gw.addr("trunk", "192.0.2.1/24")
    tap.equal(found(r, d), {untagged: "warning"}, "with an address")
    r.gw.ip("addr flush dev trunk scope global")
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
