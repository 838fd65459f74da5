#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Guards follow their interfaces: here, gone, renamed, moved, back."""

import errno
import socket
import struct

from lib import net, nl, policy, tap
from lib.rig import CAM_MAC, GW_MAC, Rig


def judged(r, guard="cams"):
    """Whether a forbidden frame is counted by the guard, soon."""
    def dropped():
        return policy.reason(r.sock, guard, "destination")["dropped_packets"]
    before = dropped()
    r.cam.wait_up(r.eth)
    r.bad()
    net.wait_for(lambda: dropped() == before + 1, what="a drop to be counted")


def unlinked():
    """A rig with a camera, but no link yet."""
    r = Rig(link=False)
    r.cam = r.net.ns("cam", quiet=True)
    return r


def refused(code, func, *args, **kwargs):
    """Refused with this errno and a text."""
    err = nl.fails(code, func, *args, **kwargs)
    tap.true(err.text, "no extack text")
    return err


def test_waits():
    "a guard on a missing interface waits, and is armed when it comes"
    with unlinked() as r:
        r.load()
        r.arm(state="waiting")
        info = policy.info(r.sock)
        tap.equal((info["guards"], info["guards_armed"]), (1, 0))
        tap.true("ifindex" not in policy.guards(r.sock)["cams"], "an index")
        r.connect()
        policy.wait_guard(r.sock, "cams", "armed")
        tap.equal(policy.guards(r.sock)["cams"]["ifindex"],
                  r.gw.index("trunk"))
        tap.equal(policy.info(r.sock)["guards_armed"], 1)
        judged(r)


def test_never():
    "a guard whose interface never comes can be removed"
    with Rig(link=False) as r:
        r.arm(ifname="nonesuch", state="waiting")
        r.gw.ip("link add other type dummy")
        r.gw.ip("link del other")
        tap.equal(policy.guard_state(r.sock, "cams"), "waiting")
        policy.unguard(r.sock, "cams")
        tap.equal(policy.guards(r.sock), {})
        refused(errno.ENOENT, policy.unguard, r.sock, "cams")


def test_rename():
    "a guard follows its interface through a rename"
    with Rig() as r:
        r.load()
        r.arm()
        r.gw.ip("link set trunk down")
        r.gw.ip("link set trunk name uplink")
        r.gw.up("uplink")
        policy.wait_guard(r.sock, "cams", "armed")
        tap.equal(policy.guards(r.sock)["cams"]["ifname"], "uplink")
        judged(r)
        # The name that it had is free: another guard may have it.
        policy.guard(r.sock, "second", "trunk")
        tap.equal(policy.guard_state(r.sock, "second"), "waiting")
        refused(errno.EEXIST, policy.guard, r.sock, "third", "uplink")


def test_rename_then_gone():
    "after a rename it waits for the last name"
    with Rig() as r:
        r.load()
        r.arm()
        r.gw.ip("link set trunk down")
        r.gw.ip("link set trunk name uplink")
        r.gw.ip("link del uplink")
        policy.wait_guard(r.sock, "cams", "waiting")
        tap.equal(policy.guards(r.sock)["cams"]["ifname"], "uplink")
        r.connect("trunk", "eth1")
        tap.equal(policy.guard_state(r.sock, "cams"), "waiting")
        r.connect("uplink", "eth2")
        policy.wait_guard(r.sock, "cams", "armed")
        judged(r)


def test_rename_into():
    "an interface that is renamed to the awaited name is armed"
    with Rig() as r:
        r.load()
        r.arm(ifname="uplink", state="waiting")
        r.gw.ip("link set trunk down")
        r.gw.ip("link set trunk name uplink")
        r.gw.up("uplink")
        policy.wait_guard(r.sock, "cams", "armed")
        judged(r)


def test_rename_collision():
    "a rename into the name that another guard waits for leaves no hole"
    with Rig() as r:
        r.load()
        r.arm("cams", "trunk")
        r.arm("late", "uplink", state="waiting")
        r.gw.ip("link set trunk down")
        r.gw.ip("link set trunk name uplink")
        r.gw.up("uplink")
        net.wait_for(lambda: policy.guards(r.sock)["cams"]["ifname"] ==
                     "uplink", what="the rename")
        judged(r, "cams")
        tap.true(policy.guard_state(r.sock, "late") in ("waiting", "failed"),
                 "two guards armed in one place")
        # When the first goes, the other has its place.
        policy.unguard(r.sock, "cams")
        policy.wait_guard(r.sock, "late", "armed")
        judged(r, "late")


def test_recreated():
    "deleted and created again, several times"
    with Rig() as r:
        r.load()
        r.arm()
        for _ in range(3):
            judged(r)
            r.gw.ip("link del trunk")
            policy.wait_guard(r.sock, "cams", "waiting")
            r.connect()
            policy.wait_guard(r.sock, "cams", "armed")
        judged(r)
        tap.equal(policy.reason(r.sock, "cams",
                                "destination")["dropped_packets"], 4)


def test_moved():
    "moved to another namespace it is gone; the guard there is another"
    with Rig() as r, Rig(link=False) as other:
        r.load()
        r.arm()
        other.load()
        other.arm(state="waiting")
        r.gw.ip(["link", "set", "trunk", "netns", other.gw.name])
        policy.wait_guard(r.sock, "cams", "waiting")
        policy.wait_guard(other.sock, "cams", "armed")
        other.gw.up("trunk")
        r.cam.wait_up(r.eth)
        r.bad()
        net.wait_for(lambda: policy.reason(
            other.sock, "cams", "destination")["dropped_packets"] == 1,
            what="the drop in the other namespace")
        tap.equal(policy.reason(r.sock, "cams",
                                "destination")["dropped_packets"], 0)
        other.gw.ip(["link", "set", "trunk", "netns", r.gw.name])
        policy.wait_guard(other.sock, "cams", "waiting")
        policy.wait_guard(r.sock, "cams", "armed")
        r.gw.up("trunk")
        judged(r)


def test_moved_unguarded():
    "moved to a namespace without guards it is judged by nobody"
    with Rig() as r:
        r.load()
        r.arm()
        plain = r.net.ns("pl")
        r.gw.ip(["link", "set", "trunk", "netns", plain.name])
        policy.wait_guard(r.sock, "cams", "waiting")
        plain.up("trunk")
        r.cam.wait_up(r.eth)
        before = plain.link_stats("trunk")["rx"]
        r.bad()
        net.wait_for(lambda: plain.link_stats("trunk")["rx"] > before,
                     what="the frame to arrive")
        tap.equal(policy.reason(r.sock, "cams",
                                "destination")["dropped_packets"], 0)


def test_vlan_device():
    "a guard on a VLAN device, which is deleted while armed"
    with Rig() as r:
        r.load()
        r.gw.vlan("trunk", 30, "cams30")
        r.arm(ifname="cams30")
        r.send(r.frame("198.51.100.7", vlans=[30]))
        r.wait_dropped(1)
        r.gw.ip("link del cams30")
        policy.wait_guard(r.sock, "cams", "waiting")
        r.send(r.frame("198.51.100.7", vlans=[30]))
        r.gw.vlan("trunk", 30, "cams30")
        policy.wait_guard(r.sock, "cams", "armed")
        r.send(r.frame("198.51.100.7", vlans=[30]))
        r.wait_dropped(2)


def test_vlan_parent_gone():
    "the parent of a VLAN device is deleted, with guards on both"
    with Rig() as r:
        r.load()
        r.gw.vlan("trunk", 30, "cams30")
        r.arm("device", "cams30")
        r.arm("parent", "trunk", vlan=40)
        r.gw.ip("link del trunk")
        policy.wait_guard(r.sock, "device", "waiting")
        policy.wait_guard(r.sock, "parent", "waiting")
        r.connect()
        policy.wait_guard(r.sock, "parent", "armed")
        tap.equal(policy.guard_state(r.sock, "device"), "waiting")


def test_bridge_port():
    "a guard on a bridge port: joined, left, bridge deleted"
    with Rig() as r:
        r.load()
        r.arm()
        r.gw.bridge("br0", "trunk")
        judged(r)
        r.gw.ip("link set trunk nomaster")
        judged(r)
        r.gw.ip("link set trunk master br0")
        r.gw.ip("link del br0")
        judged(r)


def test_several():
    "several VLANs on one trunk, each its own guard"
    with Rig() as r:
        r.load()
        for vid in (30, 31, 32):
            r.arm(f"v{vid}", vlan=vid)
        r.arm("rest")
        r.send(r.frame("198.51.100.7", vlans=[31]))
        r.wait_reason("v31", "destination", 1)
        r.bad()
        r.wait_reason("rest", "destination", 1)
        policy.unguard(r.sock, "v31")
        # Its frames are the rest's now, which permits no tag.
        r.send(r.frame("198.51.100.7", vlans=[31]))
        r.wait_reason("rest", "vlan_stack", 1)
        policy.unguard(r.sock, "rest")
        r.send(r.frame("198.51.100.7", vlans=[32]))
        r.wait_reason("v32", "destination", 1)
        tap.equal(policy.reason(r.sock, "v30",
                                "destination")["dropped_packets"], 0)
        policy.unguard(r.sock)
        tap.equal(policy.info(r.sock)["guards"], 0)


def test_exists():
    "a second guard in the same place is refused"
    with Rig() as r:
        r.arm("a", vlan=30)
        r.arm("b")
        for name, vid in (("c", 30), ("c", None)):
            refused(errno.EEXIST, policy.guard, r.sock, name, "trunk", vid)
        refused(errno.EEXIST, policy.guard, r.sock, "b", "trunk", 30)
        rows = policy.guards(r.sock)
        tap.equal({n: g.get("vlan") for n, g in rows.items()},
                  {"a": 30, "b": None})
        policy.guard(r.sock, "d", "nonesuch")
        refused(errno.EEXIST, policy.guard, r.sock, "e", "nonesuch")


def test_moves():
    "replacing a guard may move it to another VLAN, interface, or nowhere"
    with Rig() as r:
        r.load()
        r.arm(vlan=30)
        r.send(r.frame("198.51.100.7", vlans=[30]))
        r.wait_reason("cams", "destination", 1)
        r.arm(vlan=31)
        r.send(r.frame("198.51.100.7", vlans=[31]))
        r.wait_reason("cams", "destination", 2)
        r.arm()
        r.bad()
        r.wait_reason("cams", "destination", 3)
        r.connect("second", "eth1")
        r.arm(ifname="second")
        r.bad()
        r.wait_reason("cams", "destination", 4)
        r.arm(ifname="nonesuch", state="waiting")
        tap.equal(policy.info(r.sock)["guards_armed"], 0)
        tap.equal(policy.info(r.sock)["guards"], 1)
        r.arm(ifname="second")
        r.bad()
        r.wait_reason("cams", "destination", 5)


def test_settings():
    "identity, mode, upkeep and subnets come back as set, defaults too"
    with Rig() as r:
        r.arm()
        row = policy.guards(r.sock)["cams"]
        tap.equal((row["identity"], row["mode"], row["upkeep"],
                   row.get("vlan"), row.get("subnet", [])),
                  ("mac", "enforce", 0x3f, None, []))
        r.arm(identity="ip", mode="audit", upkeep=["arp", "nd"], vlan=4094,
              subnets=["10.30.0.0/24", "fd00::/64"])
        row = policy.guards(r.sock)["cams"]
        tap.equal((row["identity"], row["mode"], row["upkeep"], row["vlan"],
                   [policy.prefix_text(s) for s in row["subnet"]]),
                  ("ip", "audit", 3, 4094, ["10.30.0.0/24", "fd00::/64"]))
        r.arm(upkeep=0)
        row = policy.guards(r.sock)["cams"]
        tap.equal((row["identity"], row["upkeep"]), ("mac", 0), "replaced")


def test_unfit():
    "interfaces that carry no camera are refused"
    with Rig(link=False) as r:
        before = policy.state(r.sock)
        refused(errno.EINVAL, policy.guard, r.sock, "lo", "lo")
        r.gw.ip("link add tun0 type ipip local 127.0.0.1 remote 127.0.0.2",
                check=False)
        if r.gw.has("tun0"):
            refused(errno.EINVAL, policy.guard, r.sock, "t", "tun0")
            refused(errno.EINVAL, policy.guard, r.sock, "t", "tun0", 30)
            tap.equal(policy.state(r.sock), before, "state")
            policy.guard(r.sock, "t", "tun0", identity="ip")
            policy.wait_guard(r.sock, "t", "armed")
            r.gw.ip("link del tun0")
            policy.wait_guard(r.sock, "t", "waiting")
        else:
            tap.equal(policy.state(r.sock), before, "state")


def attribute(kind, data):
    "An attribute of rtnetlink."
    return struct.pack("=HH", 4 + len(data), kind) + data + \
        bytes(-len(data) % 4)


def add_netkit(name):
    "Debian 12's ip(8) does not know it. The kernel names the other end."
    nested, info, data, mode = 0x8000, 18, 2, 5
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(
        3, name.encode() + b"\0") + attribute(info | nested, attribute(
            1, b"netkit\0") + attribute(data | nested, attribute(
                mode, bytes(4))))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), 16, 0x605, 1, 0) +
                  body)
        error = -struct.unpack_from("=i", sock.recv(4096), 16)[0]
    if error == errno.EOPNOTSUPP:
        raise tap.Skip("no netkit")
    tap.equal(error, 0, "the kernel's answer")


def test_netkit():
    "a netkit is refused: what is in its frames its sender says twice"
    with Rig(link=False) as r:
        net.call_in(r.gw, add_netkit, "kit")
        before = policy.state(r.sock)
        err = refused(errno.EINVAL, policy.guard, r.sock, "cams", "kit")
        tap.true("no guard can believe them" in err.text, f"text: {err.text}")
        tap.equal(policy.state(r.sock), before, "state")


def test_vrf():
    "a VRF is refused: frames come in by its ports only"
    with Rig(link=False) as r:
        done = net.run(["ip", "-n", r.gw.name, "link", "add", "vrf0", "type",
                        "vrf", "table", "10"], check=False)
        if done.returncode:
            raise tap.Skip(f"no VRF here: {done.stderr.strip()}")
        before = policy.state(r.sock)
        for identity in ("mac", "ip"):
            err = refused(errno.EINVAL, policy.guard, r.sock, "cams", "vrf0",
                          identity=identity)
            tap.true("guard its ports" in err.text, f"text: {err.text}")
        tap.equal(policy.state(r.sock), before, "state")
        # One that waited for it.
        r.gw.ip("link del vrf0")
        policy.guard(r.sock, "cams", "vrf0")
        r.gw.ip("link add vrf0 type vrf table 10")
        policy.wait_guard(r.sock, "cams", "failed")
        r.gw.batch(["link set vrf0 up", "link add port type dummy",
                    "link set port master vrf0"])
        policy.guard(r.sock, "cams", "port")
        policy.wait_guard(r.sock, "cams", "armed")


def test_altname():
    "a guard is set by its interface's own name, by which it comes back"
    with Rig() as r:
        before = policy.state(r.sock)
        r.gw.ip("link property add dev trunk altname enp9s0trunk")
        err = refused(errno.EINVAL, policy.guard, r.sock, "cams", "enp9s0trunk")
        tap.true("trunk" in err.text, f"text: {err.text}")
        tap.equal(policy.state(r.sock), before, "state")


def test_namespace_deleted():
    "a namespace is deleted while guards in it are armed and waiting"
    with Rig() as r:
        r.load()
        r.arm()
        r.arm("other", vlan=30)
        r.arm("third", "nonesuch", state="waiting")
        r.bad(20)
        r.wait_dropped(20)
        r.sock.do("txn-begin", base="live")
        # The camera's end vanishes when the namespace was taken down.
        r.sock.close()
        r.gw.delete()
        net.wait_for(lambda: not r.cam.has("eth0"),
                     what="the namespace to be taken down")


def test_namespace_deleted_hot():
    "a namespace is deleted under traffic"
    with Rig() as r:
        r.load()
        r.arm()
        frame = r.frame("198.51.100.7")
        r.send(frame, count=500)
        r.sock.close()
        r.gw.delete()

        def gone():
            try:
                r.send(frame, count=20)
            except OSError as err:      # no such device: that is it
                tap.true(err.errno in (errno.ENXIO, errno.ENETDOWN,
                                       errno.ENODEV), str(err))
            return not r.cam.has("eth0")
        net.wait_for(gone, what="the namespace to be taken down")


def test_isolated():
    "guards of the same name in two namespaces know nothing of each other"
    with Rig() as a, Rig() as b:
        a.load()
        b.load()
        a.arm()
        b.arm(mode="audit")
        a.bad(3)
        a.wait_dropped(3)
        b.bad(2)
        b.wait_counter("would_packets", 2)
        tap.equal(policy.reason(a.sock, "cams", "destination"), {
            **policy.reason(a.sock, "cams", "destination"),
            "dropped_packets": 3, "would_packets": 0})
        tap.equal(policy.reason(b.sock, "cams",
                                "destination")["dropped_packets"], 0)
        tap.equal(len(policy.records(b.sock)), 1)
        policy.unguard(a.sock)
        b.bad(1)
        b.wait_counter("would_packets", 3)


def test_disarmed():
    "without its guard a frame passes untouched"
    with Rig() as r:
        r.load()
        r.gw.addr("trunk", "198.51.100.7/24")
        r.gw.ip(f"neigh add 10.30.0.17 lladdr {CAM_MAC} dev trunk")
        r.gw.sysctl("ipv4/conf/all/rp_filter", 0)
        r.gw.sysctl("ipv4/conf/trunk/rp_filter", 0)
        tap.equal(r.gw.mac("trunk").hex(":"), GW_MAC)

        def received():
            return r.gw.snmp("Udp", "NoPorts")
        before = received()
        r.arm()
        r.bad(5)
        r.wait_dropped(5)
        tap.equal(received(), before, "datagrams past the guard")
        policy.unguard(r.sock, "cams")
        r.bad(5)
        net.wait_for(lambda: received() == before + 5,
                     what="datagrams without the guard")
        tap.equal(r.counter("dropped_packets"), 5)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
