#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by what becomes of the guard's interface.

It gets another name, goes to another namespace, is made anew, while frames come
all the time; and other interfaces are put on top of it. None of them may let a
frame past the guard.
"""

from lib import evasion, frames, io, tap
from lib.evasion import (BULK4, ELSE4, GW6, GW_MAC, PEER4, VLAN, udp)
from lib.path import (DENIED, denied, link, mixed, path, permitted, traffic,
                      watch)

SIDE_MAC = "02:00:5e:10:00:31"


# The interface changes

@path("ip-link(8): under traffic", "destination", at="route, bridge")
def test_renamed(here):
    "the guard's interface gets other names while frames come"
    old = "trunk"
    with traffic(here) as flow:
        for new in ("uplink", "spare", "trunk"):
            here.gw.batch([f"link set {old} down",
                           f"link set {old} name {new}",
                           f"link set {new} up"])
            old = new
            flow.flowing()
    yield mixed()


@path("ip-netns(8): under traffic", "destination")
def test_moved_away_and_back(here):
    "the guard's interface in another namespace and back, while frames come"
    other = here.world.ns("else")
    with traffic(here) as flow:
        for _ in range(2):
            here.gw.ip(f"link set trunk netns {other.name}")
            other.up("trunk")
            flow.more()
            other.ip(f"link set trunk netns {here.gw.name}")
            here.gw.up("trunk")
            flow.flowing()
    yield mixed()


@path("ip-link(8): under traffic", "destination", at="device")
def test_recreated_vlan_device(here):
    "the guarded VLAN device deleted and made again, while frames come"
    with traffic(here) as flow:
        for _ in range(3):
            here.gw.ip("link del trunk.30")
            flow.more()
            here.gw.batch(["link add link trunk name trunk.30 address "
                           f"{GW_MAC} type vlan id {VLAN}",
                           "link set trunk.30 up"])
            flow.flowing()
    yield mixed(vlans=[VLAN])


@path("ip-link(8): under traffic", "destination", at="route, bridge")
def test_recreated_link(here):
    "the guard's interface deleted and made again, while frames come"
    with traffic(here) as flow:
        for _ in range(3):
            here.gw.ip("link del trunk")
            here.world.veth(here.cam, "eth0", here.gw, "trunk",
                            evasion.CAM_MAC, up=False)
            here.gw.batch(["link set trunk master br0",
                           "link set trunk type bridge_slave learning off"]
                          if here.kind == "bridge" else
                          [f"link set trunk address {GW_MAC}"])
            here.gw.up("trunk")
            here.cam.up("eth0")
            flow.flowing()
    here.links["eth0"] = io.Link(here.cam, "eth0")
    here.back = io.Capture(here.cam, "eth0")
    for opened in (here.links["eth0"], here.back):
        here.world.defer(opened.close)
    yield mixed()


@path("sysctl disable_ipv6", "destination")
def test_ipv6_late(here):
    "IPv6 switched on late on the guard's interface"
    here.gw.sysctl("ipv6/conf/trunk/disable_ipv6", 1)
    tap.equal(len(here.run([denied(True)])[0]), 0, "arrived without IPv6")
    here.gw.sysctl("ipv6/conf/trunk/disable_ipv6", 0)
    here.gw.addr("trunk", f"{GW6}/64")
    yield mixed()


# Others on top of it

@path("ip-link(8): macvlan", "destination")
def test_macvlan(here):
    "a macvlan on top of the guard's interface, with a MAC of its own"
    link(here, "macvlan", f"add link trunk name side address {SIDE_MAC} "
         "type macvlan mode bridge")
    here.gw.up("side")
    yield mixed(to=SIDE_MAC)


@path("ip-link(8): macvtap", "destination")
def test_macvtap(here):
    "a macvtap on top of it: a virtual machine of the gateway"
    link(here, "macvtap", f"add link trunk name side address {SIDE_MAC} "
         "type macvtap mode bridge")
    here.gw.up("side")
    watch(here, "side")
    yield mixed(to=SIDE_MAC)


@path("ip-link(8): ipvlan", "destination, service")
def test_ipvlan(here):
    "an ipvlan on top of it: a container's address behind the same MAC"
    link(here, "ipvlan", "add link trunk name side type ipvlan mode l2")
    here.gw.up("side")
    here.gw.addr("side", ELSE4 + "/32", BULK4 + "/32")
    watch(here, "side")
    yield [denied(), permitted(), udp(PEER4, 9, DENIED)]


@path("ip-link(8): bond", "destination")
def test_bond(here):
    "the guard's interface becomes a port of a bond"
    enslave(here, "bond", "type bond mode active-backup")
    yield mixed()


@path("ip-link(8): team", "destination")
def test_team(here):
    "the guard's interface becomes a port of a team"
    enslave(here, "team", "type team")
    yield mixed()


def enslave(here, what, kind):
    "Put the trunk under another interface, which has its MAC."
    link(here, what, f"add upper address {GW_MAC} {kind}")
    here.gw.batch(["link set trunk down", "link set trunk master upper",
                   "link set trunk up", "link set upper up"])
    here.gw.addr("upper", "10.30.0.2/24")
    here.wait_open()


@path("networking/vrf.rst", "destination")
def test_vrf(here):
    "the guard's interface becomes a port of a VRF"
    link(here, "VRF", "add upper type vrf table 77")
    here.gw.batch(["link set upper up", "link set trunk master upper",
                   "route add default via 10.20.0.254 dev wan onlink table 77"])
    here.gw.ip("-6 route add default via fe80::fe dev wan onlink table 77")
    here.gw.ip("-6 addr add fd00::1/64 dev trunk nodad")
    here.wait_open()
    yield mixed()


@path("IEEE 802.1ad", "vlan_stack, destination", at="trunk")
def test_vlan_on_top(here):
    "a VLAN device on the guarded VLAN: tags in tags arrive there"
    here.gw.vlan("trunk.30", 40, "side")
    yield [denied(vlans=[VLAN, 40]), permitted(vlans=[VLAN]),
           denied(vlans=[VLAN])]


@path("IEEE 802.1ad", "vlan_stack, destination", at="trunk")
def test_service_vlan_beside(here):
    "an 802.1ad device of the same id beside the guarded VLAN"
    here.gw.vlan("trunk", VLAN, "side", "802.1ad")
    here.gw.ip(f"link set side address {GW_MAC}")
    yield [denied(vlans=[(frames.ETH_QINQ, VLAN)]), permitted(vlans=[VLAN]),
           denied(vlans=[VLAN])]


@path("ip-link(8): bridges", "destination", at="route")
def test_enslaved_to_a_bridge(here):
    "the guard's interface becomes a bridge's port, and leaves it"
    with traffic(here) as flow:
        for _ in range(2):
            here.gw.batch([f"link add br0 address {GW_MAC} type bridge",
                           "link set trunk master br0", "link set br0 up"])
            flow.flowing()
            here.gw.ip("link del br0")
            flow.flowing()
    yield mixed()


if __name__ == "__main__":
    evasion.main(globals())
