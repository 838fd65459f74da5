#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor: what takes frames before a guard's interface, or beside it.

A device takes the frames of its tag, and a macvlan those to its address, off
the interface that both stand on, whatever guard stands on another.
"""

from lib import daemon, tap
from lib.doctor import built, cleanup, found, guards, risk, world
from lib.path import need

VLANS = ("vlan-unguarded", "trunk")
UNTAGGED = ("untagged-unguarded", "trunk")


def test_service_tag():
    "VLAN devices of the same id, one of 802.1Q and one of 802.1ad"
    r, d = world()
    r.gw.vlan("trunk", 30, "cams30")
    r.gw.vlan("trunk", 30, "metro", proto="802.1ad")
    base = {UNTAGGED: "note"}
    for guard in (daemon.guard(interface="cams30"), daemon.guard(vlan=30)):
        guards(d, guard)
        tap.equal(found(r, d), {**base, VLANS: "warning"}, "802.1ad is left")
        tap.true("by metro," in risk(r, d, "vlan-unguarded"), "which")
    guards(d, daemon.guard(interface="metro"))
    tap.equal(found(r, d), {**base, VLANS: "warning"}, "802.1Q is left")
    tap.true("by cams30," in risk(r, d, "vlan-unguarded"), "which")
    guards(d, daemon.guard(interface="metro"), daemon.guard("q", vlan=30))
    tap.equal(found(r, d), base, "a guard for each")
    guards(d, daemon.guard())
    tap.equal(found(r, d), {}, "a guard for all")


def test_service_tag_of_a_bridge():
    "a guard on an 802.1ad device of a bridge: such tags are content to it"
    r, d = world()
    r.gw.batch(["link add lan type dummy", "link add br0 type bridge "
                "vlan_filtering 1 vlan_default_pvid 0",
                "link set trunk master br0", "link set lan master br0",
                "link set br0 up"])
    r.gw.vlan("br0", 30, "metro", proto="802.1ad")
    for port in ("trunk", "lan"):
        r.gw.run(f"bridge vlan add dev {port} vid 30")
    guards(d, daemon.guard(interface="metro"))
    bridge = ("guard-on-bridge", "br0")
    tap.true(bridge not in found(r, d), "frames of another kind pass")
    for port in ("trunk", "lan"):
        r.gw.run(f"bridge vlan add dev {port} vid 7 pvid untagged")
    tap.equal(found(r, d)[bridge], "warning", "its own pass")
    tap.true("frames of VLAN 30 between" in risk(r, d, bridge[0]), "which")


def port_vlan(r, d, upper):
    "A guard on what trunk is the only port of, and VLAN devices on trunk."
    r.gw.batch(["link set trunk down", f"link set trunk master {upper}",
                "link set trunk up", f"link set {upper} up"])
    guards(d, daemon.guard(interface=upper))
    tap.equal(found(r, d), {}, "no VLAN device")
    r.gw.vlan("trunk", 40, "office")
    tap.equal(found(r, d), {VLANS: "warning"}, "one on the port")
    tap.true("by office," in risk(r, d, VLANS[0]), "which")
    guards(d, daemon.guard(interface=upper),
           daemon.guard("office", "trunk", vlan=40))
    tap.true(VLANS not in found(r, d), "it has a guard")
    r.gw.vlan(upper, 40, "above")
    guards(d, daemon.guard(interface="above"))
    tap.true("by office," in risk(r, d, VLANS[0]),
             "a guard on the same VLAN above")


def test_vlan_on_a_port():
    "a VLAN device on the port of a guarded bridge"
    r, d = world()
    r.gw.ip("link add br0 type bridge")
    port_vlan(r, d, "br0")


def test_trunk_of_a_port():
    "a guarded bridge of a VLAN device: the trunk below has others"
    r, d = world()
    r.gw.vlan("trunk", 30, "cams30")
    r.gw.bridge("br0", "cams30")
    guards(d, daemon.guard(interface="br0"))
    tap.equal(found(r, d), {UNTAGGED: "note"}, "no other VLAN")
    r.gw.vlan("trunk", 40, "office")
    tap.equal(found(r, d), {UNTAGGED: "note", VLANS: "warning"}, "another")


def test_vlan_on_a_slave():
    "a VLAN device on the port of a guarded bond"
    r, d = world()
    need("bond", ["ip", "-n", r.gw.name, "link", "add", "bond0", "type",
                  "bond", "mode", "active-backup"])
    port_vlan(r, d, "bond0")


def test_macvlan():
    "a macvlan on the trunk of a guard, and VLAN devices on that"
    r, d = world()
    r.gw.vlan("trunk", 30, "cams30")
    guards(d, daemon.guard(interface="cams30"))
    tap.equal(found(r, d), {UNTAGGED: "note"}, "none")
    r.gw.batch(["link add link trunk name beside type macvlan mode bridge",
                "link set beside up"])
    tap.equal(found(r, d), {UNTAGGED: "warning"}, "one")
    tap.true("that it leaves to beside," in risk(r, d, UNTAGGED[0]), "which")
    r.gw.vlan("beside", 20, "office")
    tap.equal(found(r, d), {UNTAGGED: "warning", VLANS: "warning"},
              "a VLAN device on it")
    tap.true("by office," in risk(r, d, VLANS[0]), "which")
    guards(d, daemon.guard(interface="cams30"),
           daemon.guard("beside", "beside"))
    tap.equal(found(r, d), {UNTAGGED: "note",
                            ("lower-unguarded", "trunk"): "warning"},
              "a guard on the macvlan")
    guards(d, daemon.guard(interface="cams30"), daemon.guard("rest", "trunk"))
    tap.equal(found(r, d), {}, "a guard for the rest")


def test_hsr():
    "a guard on an HSR ring: frames without its tag stay on the ports"
    ring(0, {("lower-unguarded", name): "note" for name in ("trunk", "spare")})


def test_prp():
    "a guard on parallel redundancy, which takes frames without its tag too"
    ring(1, {})


def ring(proto, want):
    "Of trunk and spare; and then what comes in by trunk is routed."
    r, d = world()
    r.gw.batch(["link add spare type dummy", "link set spare up"])
    need("HSR", ["ip", "-n", r.gw.name, "link", "add", "ring", "type", "hsr",
                 "slave1", "trunk", "slave2", "spare", "proto", str(proto)])
    r.gw.up("ring")
    guards(d, daemon.guard(interface="ring"))
    tap.equal(found(r, d), want, "nothing is routed")
    r.gw.sysctl("ipv4/conf/trunk/forwarding", 1)
    key = ("lower-unguarded", "trunk")
    tap.equal(found(r, d), {**want, key: "warning"} if want else {}, "routed")
    r.gw.vlan("trunk", 20, "office")
    tap.equal(found(r, d).get(VLANS), "warning", "a VLAN device on a port")


def test_mpls():
    "MPLS on an interface without a guard, past the interlock"
    r, d = world()
    need("MPLS", ["modprobe", "mpls_router"])
    r.gw.ip("link add side type dummy")
    for name in ("side", "trunk"):
        r.gw.sysctl(f"mpls/conf/{name}/input", 1)
    key = ("mpls-unguarded", "side")
    tap.equal(found(r, d), {key: "warning"}, "on both")
    guards(d, daemon.guard(), daemon.guard("side", "side"))
    tap.equal(found(r, d), {}, "a guard on each")
    guards(d, daemon.guard(), daemon.guard("side", "side", vlan=30))
    tap.equal(found(r, d).get(key), "warning", "a guard for a VLAN of it")
    guards(d, daemon.guard())
    r.gw.sysctl("mpls/conf/side/input", 0)
    tap.equal(found(r, d), {}, "turned off")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built, built],
             each=cleanup)
