#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor: what runs before a guard, and may let frames pass by it."""

import errno
import json
import os
import shutil
import socket
import struct

from lib import bpf, daemon, hwft, io, net, nft, nl, rig, tap
from lib.doctor import (PROGRAM, built, cleanup, ctl, doctor, found, gone,
                        guards, risk, world)

FIRST = -2 ** 31            # the guard's priority


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


def test_esp_offload():
    "GRO that decrypts ESP: only with the module, and where GRO is on"
    if not shutil.which("ethtool"):
        raise tap.Skip("needs ethtool")
    done = net.run(["modprobe", "esp4_offload"], check=False)
    if done.returncode:
        raise tap.Skip(f"no esp4_offload here: {done.stderr.strip()[:160]}")
    try:
        r, d = world()
        for gro in ("on", "off"):
            r.gw.run(["ethtool", "-K", "trunk", "gro", gro])
            tap.equal(found(r, d), {("esp-offload", "trunk"): "warning"}
                      if gro == "on" else {}, f"gro {gro}")
        r.gw.run(["ethtool", "-K", "trunk", "gro", "on"])
    finally:
        net.run(["rmmod", "esp4_offload"])
    tap.equal(found(r, d), {}, "without the module")


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


OFFLOAD = ("flow-offload", "t f")
SOFTWARE = ("flowtable-unguarded", "t f")
AHEAD = ("flowtable-ahead", "t f")


def test_flowtable():
    "a flowtable in software comes after a guard, and before the interlock"
    nft.need()
    r, d = world()
    hwft.flowtable(r.gw, "trunk", offload=False)
    tap.equal(found(r, d), {}, "of the guard's interface")
    r.gw.ip("link add lan type dummy")
    hwft.flowtable(r.gw, "trunk", "lan", offload=False)
    tap.equal(found(r, d), {SOFTWARE: "note"}, "of another")
    tap.true("come in by lan are" in risk(r, d, SOFTWARE[0]), "which")
    r.gw.vlan("trunk", 30, "cams30")
    hwft.flowtable(r.gw, "cams30", offload=False)
    tap.equal(found(r, d), {}, "of what stands on it")


def test_flowtable_below():
    "a flowtable in software of an interface below a guard, which comes first"
    nft.need()
    r, d = world()
    r.gw.vlan("trunk", 30, "cams30")
    guards(d, daemon.guard(interface="cams30"))
    for devices, wanted in ((["cams30"], {}), (["trunk"], {AHEAD: "problem"}),
                            (["cams30", "trunk"], {AHEAD: "problem"})):
        hwft.flowtable(r.gw, *devices, offload=False)
        seen = found(r, d)
        tap.equal({key: seen[key] for key in (AHEAD, SOFTWARE) if key in seen},
                  wanted, f"of {devices}")
    tap.true("come in by trunk are" in risk(r, d, AHEAD[0]), "which")
    guards(d, daemon.guard(vlan=30))
    tap.true(AHEAD not in found(r, d), "guarded itself")


def hard(*guarded):
    "A world with a port of a switch chip, \"hard\", and a guard on it."
    nft.need()
    if not shutil.which("ethtool"):
        raise tap.Skip("needs ethtool")
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


def test_flow_offload():
    "a flowtable in hardware, of a guard's interface or of another"
    r, d = hard()
    hwft.add(r.gw, "other")
    hwft.flowtable(r.gw, "hard", "other")
    tap.equal(found(r, d), {OFFLOAD: "problem"}, "with the interface")
    tap.true("come in by hard," in risk(r, d, OFFLOAD[0]), "names")
    tap.equal([item["object"] for item in doctor(r, d)[1]["findings"]
               if item["name"] == OFFLOAD[0]],
              [{"kind": "flowtable", "name": "t f"}], "object")
    hwft.flowtable(r.gw, "hard", "other", offload=False)
    tap.equal(found(r, d), {SOFTWARE: "note"}, "in software")
    hwft.flowtable(r.gw, "other")
    tap.equal(found(r, d), {OFFLOAD: "warning"}, "another interface")
    tap.true("hardware of other is" in risk(r, d, OFFLOAD[0]), "names")
    guards(d, daemon.guard())
    hwft.flowtable(r.gw, "hard")
    tap.equal(found(r, d), {OFFLOAD: "warning"}, "no guard there any more")
    r.gw.nft("delete table inet t")
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
        r.gw.nft("delete table inet t")
        link.send(frame)
        r.wait_dropped(dropped + 1)
        d.write_policy(daemon.dome(revision + 1))
        ctl(d, "reload")


def early(r, *rules, family="netdev", hook="ingress", priority=FIRST,
          device="trunk"):
    "A chain of somebody else, instead of the last one; its finding."
    r.gw.nft(["-f", "-"], "\n".join([
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
    r.gw.nft("delete table netdev mine")
    tap.equal(found(r, d), {}, "no chain")
    early(r, "counter", family="inet")
    tap.equal(found(r, d), want, "family inet")


def test_hook_flowtable():
    "a flowtable of the first priority, which is a hook without a chain"
    r, d = world()
    for priority, wanted in ((FIRST, ["hook-ahead"]), (FIRST + 1, [])):
        done = r.gw.nft(
            ["-f", "-"], check=False, text="table inet mine { }; delete table inet mine; "
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
    index = r.gw.index("trunk")
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


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built, built],
             each=cleanup)
