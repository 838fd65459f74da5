#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor: what takes frames before a guard's interface, or beside it.

A device takes the frames of its tag, and a macvlan those to its address, off
the interface that both stand on, whatever guard stands on another.
"""

from lib import daemon, tap
from lib.doctor import built, cleanup, found, guards, risk, world

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


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built, built],
             each=cleanup)
