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
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import bpf, daemon, hwft, io, net, nl, rig, tap    # noqa: E402

PROGRAM = os.path.join(daemon.PROGRAMS, "lenscapctl")
WORLD = []
FIRST = -2 ** 31            # the guard's priority


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


def hard(*guarded):
    "A world with a port of a switch chip, \"hard\", and a guard on it."
    for tool in ("nft", "ethtool"):
        if not shutil.which(tool):
            raise tap.Skip(f"needs {tool}")
    r, d = world()
    hwft.load(r.net)
    hwft.add(r.gw, "hard", "address", rig.GW_MAC)
    guards(d, daemon.guard(), *guarded or [daemon.guard("hard", "hard")])
    return r, d


def test_hardware():
    "the feature hw-tc-offload, on and off"
    r, d = hard()
    tap.equal(found(r, d), {}, "as it was made")
    r.gw.run(["ethtool", "-K", "hard", "hw-tc-offload", "on"])
    tap.equal(found(r, d), {("hw-tc-offload", "hard"): "warning"}, "on")
    r.gw.run(["ethtool", "-K", "hard", "hw-tc-offload", "off"])
    tap.equal(found(r, d), {}, "off")


OFFLOAD = ("flow-offload", "t f")


def test_flow_offload():
    "a flowtable in hardware, of a guard's interface or of another"
    r, d = hard()
    hwft.add(r.gw, "other")
    hwft.flowtable(r.gw, "hard", "other")
    tap.equal(found(r, d), {OFFLOAD: "problem"}, "with the interface")
    tap.true("come in by hard," in risk(r, d, OFFLOAD[0]), "names")
    tap.equal([item["object"] for item in doctor(r, d)[1]["findings"]],
              [{"kind": "flowtable", "name": "t f"}], "object")
    hwft.flowtable(r.gw, "hard", "other", offload=False)
    tap.equal(found(r, d), {}, "in software")
    hwft.flowtable(r.gw, "other")
    tap.equal(found(r, d), {OFFLOAD: "warning"}, "another interface")
    tap.true("hardware of other is" in risk(r, d, OFFLOAD[0]), "names")
    guards(d, daemon.guard())
    hwft.flowtable(r.gw, "hard")
    tap.equal(found(r, d), {OFFLOAD: "warning"}, "no guard there any more")
    r.gw.run(["nft", "delete table inet t"])
    tap.equal(found(r, d), {}, "no flowtable")


def test_flow_offload_above():
    "a flowtable of a VLAN device or bridge above the guard, or below"
    def severity(device):
        hwft.flowtable(r.gw, device)
        return found(r, d).get(OFFLOAD)
    r, d = hard(daemon.guard("hard", "hard", vlan=30))
    r.gw.vlan("hard", 30, "cams30")
    r.gw.vlan("hard", 20, "office")
    r.gw.vlan("cams30", 7, "deep")
    tap.equal([severity(name) for name in ("cams30", "deep", "office")],
              ["problem", "problem", "warning"], "a guard of one VLAN")
    guards(d, daemon.guard(), daemon.guard("hard", "hard"))
    tap.equal(severity("office"), "problem", "a guard of all VLANs")
    guards(d, daemon.guard(), daemon.guard("hard", "cams30"))
    tap.equal([severity(name) for name in ("hard", "cams30", "office")],
              ["problem", "problem", "warning"], "a guard on a VLAN device")
    guards(d, daemon.guard(), daemon.guard("hard", "hard", vlan=30))
    r.gw.bridge("br0", "hard")
    r.gw.vlan("br0", 30, "br30")
    r.gw.vlan("br0", 20, "br20")
    tap.equal([severity(name) for name in ("br0", "br30", "br20")],
              ["problem", "problem", "warning"], "a bridge above")


def test_flow_offload_is_real():
    "what it finds: flows that a guard no longer sees, whatever the policy is"
    r, d = hard()
    hwft.add(r.gw, "other")
    r.gw.sysctl("ipv4/ip_forward", 1)
    r.gw.ip("link add past type dummy")
    r.gw.up("past")
    r.gw.addr("past", "10.20.0.1/24")
    r.gw.addr("hard", "10.30.0.1/24")
    r.gw.ip(f"neigh add {rig.CAM_IP} lladdr {rig.CAM_MAC} dev hard")
    link = io.Link(r.gw, "hard")
    r.net.defer(link.close)
    out = io.Capture(r.gw, "past", outgoing=True)
    r.net.defer(out.close)
    frame = r.frame(data=b"the camera's")

    def count():
        "Frames of the camera that left the gateway."
        return out.count(lambda seen: b"the camera's" in seen.data)

    def taken():
        "Whether the next frame gets out without being judged."
        left, judged = count(), r.counter("passed_packets")
        link.send(frame)
        net.wait_for(lambda: count() > left, what="a frame that is permitted")
        return r.counter("passed_packets") == judged

    # The second time, the chip is given the flow by its other port.
    for revision, device in ((2, "hard"), (4, "other")):
        hwft.flowtable(r.gw, device, rules="chain forward { type filter hook "
                       "forward priority 0; flow add @f; }")
        tap.true(not taken(), "the first frame is judged")
        net.wait_for(taken, what="the hardware to take the flow")
        tap.true(OFFLOAD in found(r, d), "found")
        # Permitted no longer: it goes on all the same.
        d.write_policy(daemon.dome(revision, peers=["10.20.0.11"]))
        ctl(d, "reload")
        left, dropped = count(), r.counter("dropped_packets")
        link.send(frame, frame, frame)
        net.wait_for(lambda left=left: count() >= left + 3,
                     what="three frames past the guard")
        tap.equal(r.counter("dropped_packets"), dropped, "dropped")
        r.gw.run(["nft", "delete table inet t"])
        link.send(frame)
        r.wait_dropped(dropped + 1)
        d.write_policy(daemon.dome(revision + 1))
        ctl(d, "reload")


def early(r, *rules, family="netdev", hook="ingress", priority=FIRST,
          device="trunk"):
    "A chain of somebody else, instead of the last one; its finding."
    r.gw.run(["nft", "-f", "-"], input="\n".join([
        f"table {family} mine {{ }}", f"delete table {family} mine",
        f"table {family} mine {{ chain first {{ type filter hook {hook} "
        f"device {device} priority {priority}; {'; '.join(rules)}; }}; }}"])
        + "\n")
    return {("hook-ahead", "mine first"): "warning"}


def listed(r):
    "Does the kernel list hooks? Debian's 6.1 does not."
    body = struct.pack("=BBH", 5, 0, 0) + nl.attr(1, bytes(4)) + \
        nl.attr(3, b"lo\0")
    with net.call_in(r.gw, socket.socket, socket.AF_NETLINK,
                     socket.SOCK_RAW, 12) as sock:
        sock.settimeout(net.TIMEOUT)
        sock.send(struct.pack("=IHHII", 16 + len(body), 12 << 8, 0x301, 1, 0)
                  + body)
        answer = struct.unpack_from("=IHHIIi", sock.recv(8192))
    # NLMSG_ERROR, and not that of somebody else's mistake.
    if answer[1] == 2:
        tap.equal(answer[5], -errno.EINVAL, "why hooks are not listed")
    return answer[1] != 2


def test_hook_ahead():
    "a chain of the guard's priority that was added later runs before it"
    r, d = world()
    want = early(r, "counter")
    tap.equal(found(r, d), want, "added later")
    text = risk(r, d, "hook-ahead")
    for part in ('"first"', '"mine"', "trunk", '"cams"'):
        tap.true(part in text, f"{part} in {text!r}")
    done = r.gw.run([PROGRAM, "--socket", d.socket, "doctor"], check=False)
    tap.equal(done.returncode, 1, "exit code")
    tap.true("warning: hook-ahead: chain mine first\n" in done.stdout,
             done.stdout)
    # The cure that the finding names.
    ctl(d, "disarm", "--yes")
    tap.equal(found(r, d), {("guard-not-armed", "cams"): "problem"},
              "disarmed")
    ctl(d, "arm")
    tap.equal("may run" in text, not listed(r), f"sure of {text!r}")
    tap.equal(found(r, d), {} if listed(r) else want,
              "the chain was there before the guard")
    for priority in (FIRST + 1, -500, 0):
        early(r, "counter", priority=priority)
        tap.equal(found(r, d), {}, f"priority {priority}")
    early(r, "counter")
    tap.equal(found(r, d), want, "first again")
    r.gw.run("nft delete table netdev mine")
    tap.equal(found(r, d), {}, "no chain")
    early(r, "counter", family="inet")
    tap.equal(found(r, d), want, "family inet")


def test_hook_flowtable():
    "a flowtable of the first priority, which is a hook without a chain"
    r, d = world()
    for priority, wanted in ((FIRST, ["hook-ahead"]), (FIRST + 1, [])):
        done = r.gw.run(
            ["nft", "-f", "-"], check=False,
            input="table inet mine { }; delete table inet mine; "
            "table inet mine { flowtable early { hook ingress priority "
            f"{priority}; devices = {{ trunk }}; }}; }}\n")
        if done.returncode:
            raise tap.Skip(f"no flowtable here: {done.stderr.strip()}")
        seen = found(r, d)
        tap.equal([name for name, _ in seen], wanted, f"{priority}: {seen}")
        # The kernel names the function, and nftables the flowtable.
        for _, name in seen:
            tap.true(name.startswith("nf_flow_offload") if listed(r) else
                     name == "mine early", name)


def test_hook_elsewhere():
    "chains of other hooks and other interfaces are nobody's business"
    r, d = world()
    r.gw.ip("link add beside type dummy")
    early(r, "counter", device="beside")
    tap.equal(found(r, d), {}, "another interface")
    early(r, "counter", hook="egress")
    tap.equal(found(r, d), {}, "egress")


def test_hook_ahead_is_real():
    "what it warns of: a chain that takes a frame past the guard"
    r, d = world()
    r.gw.ip("link add past type dummy")
    r.gw.ip("link set past up")
    want = early(r, "fwd to past")
    before = r.gw.link_stats("past")["tx"]
    r.bad(3)
    net.wait_for(lambda: r.gw.link_stats("past")["tx"] >= before + 3,
                 what="three frames past the guard")
    tap.equal(r.counter("dropped_packets"), 0, "frames that the guard dropped")
    tap.equal(found(r, d), want, "findings")
    ctl(d, "disarm", "--yes")
    ctl(d, "arm")
    before = r.gw.link_stats("past")["tx"]
    r.bad(3)
    r.wait_counter("dropped_packets", 3)
    tap.equal(r.gw.link_stats("past")["tx"], before, "frames past the guard")
    tap.equal(found(r, d), {} if listed(r) else want, "after the cure")


def test_hook_below():
    "on the trunk below a guarded VLAN device, a chain of any priority"
    r, d = world()
    r.gw.vlan("trunk", 30, "cams30")
    guards(d, daemon.guard(interface="cams30"), daemon.guard("all", "trunk"))
    tap.equal(found(r, d), {}, "Lenscap's own")
    want = early(r, "counter", priority=0)
    tap.equal(found(r, d), want, "behind one guard, before the other")
    tap.true('"cams"' in risk(r, d, "hook-ahead"), "the guard above")
    guards(d, daemon.guard(interface="cams30"))
    tap.equal({k: v for k, v in found(r, d).items() if k in want}, want,
              "below only")
    early(r, "counter", priority=0, device="cams30")
    tap.true(not want.keys() & found(r, d).keys(), "on the VLAN device")


def test_hook_missing():
    "another namespace with an interface of the same name and index"
    r, d = world()
    if not listed(r):
        raise tap.Skip("this kernel does not list hooks")
    index = r.gw.run("cat /sys/class/net/trunk/ifindex").stdout.strip()
    other = r.net.ns("other")
    other.ip(f"link add trunk index {index} type dummy")
    done = other.run([PROGRAM, "--socket", d.socket, "doctor", "--json"],
                     check=False)
    tap.equal(done.returncode, 2, f"exit code of {done.stdout}")
    tap.true(("hook-missing", "cams", "problem") in [
        (x["name"], x["object"]["name"], x["severity"])
        for x in json.loads(done.stdout)["findings"]], done.stdout)


def test_packet_socket():
    "a program that gets frames before a guard, by a socket for all protocols"
    r, d = world()
    r.gw.ip("link add beside type dummy")
    every, only4 = 3, 0x0800
    for ifname, protocol, want in (("trunk", every, "trunk"), ("", every, "any"),
                                   ("beside", every, None),
                                   ("trunk", only4, None), ("trunk", 0, None)):
        with r.gw.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(protocol)) as sock:
            if ifname:
                sock.bind((ifname, protocol))
            tap.equal(found(r, d), {("packet-socket", want): "warning"}
                      if want else {}, f"{ifname!r}, {protocol:#x}")
            if want:
                tap.true(f"(process {os.getpid()})" in
                         risk(r, d, "packet-socket"), "whose it is")
    tap.equal(found(r, d), {}, "closed")


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
