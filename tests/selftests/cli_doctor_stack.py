#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl doctor: guards on interfaces that stand on others, or under them.

What comes in by a bridge, a bond or the interface below a macvlan need not get
to the guard.
"""

from lib import daemon, tap
from lib.doctor import (built, cleanup, doctor, found, guards, risk, world)
from lib.path import need

BRIDGE = ("guard-on-bridge", "br0")
VLANS = ("vlan-unguarded", "trunk")
UNTAGGED = ("untagged-unguarded", "trunk")


def bridge(r, *ports):
    "A bridge that tells VLANs apart over trunk and others, which carries none."
    r.gw.batch([*(f"link add {name} type dummy" for name in ports),
                "link add br0 type bridge vlan_filtering 1 "
                "vlan_default_pvid 0",
                *(f"link set {name} master br0" for name in ("trunk", *ports)),
                "link set br0 up"])


def vlan(r, vid, *ports, what="add", tags=""):
    "Have ports carry a VLAN."
    for port in ports:
        r.gw.run(f"bridge vlan {what} dev {port} vid {vid} "
                 f"{tags}{'self' if port == 'br0' else ''}")


def link(r, what, line):
    "An ip link command for a kind of link that a kernel may not have."
    need(what, ["ip", "-n", r.gw.name, "link", *line.split()])


def test_above_a_bridge():
    "a guard on the VLAN device of a bridge: its VLAN from port to port"
    r, d = world()
    base = {("untagged-unguarded", "br0"): "note"}
    bridge(r, "lan", "spare")
    vlan(r, 30, "trunk", "br0")
    r.gw.vlan("br0", 30, "br0.30")
    guards(d, daemon.guard(interface="br0.30"))
    tap.equal(found(r, d), base, "one port has the VLAN")
    vlan(r, 30, "lan", tags="pvid untagged ")
    tap.equal(found(r, d), {**base, BRIDGE: "warning"}, "two have it")
    text = risk(r, d, "guard-on-bridge")
    tap.true("of VLAN 30 between" in text and '"cams" on br0.30' in text and
             text.endswith(" trunk, lan."), text)
    for name in ("trunk", "lan"):
        r.gw.ip(f"link set {name} type bridge_slave isolated on")
    tap.equal(found(r, d), base, "kept apart from each other")
    r.gw.ip("link set lan type bridge_slave isolated off")
    tap.true(BRIDGE in found(r, d), "one of them is")
    guards(d, daemon.guard(interface="br0.30"),
           daemon.guard("port", "trunk", vlan=30))
    tap.equal(found(r, d), {**base, BRIDGE: "warning", UNTAGGED: "note"},
              "one of them has a guard")
    tap.true(risk(r, d, "guard-on-bridge").endswith(" by lan."), "the other")
    guards(d, daemon.guard(interface="br0.30"),
           daemon.guard("port", "trunk", vlan=30), daemon.guard("lan", "lan"))
    tap.equal(found(r, d), {**base, UNTAGGED: "note",
                            ("bridge-port-unguarded", "br0"): "note"},
              "both have one")


def test_on_a_bridge():
    "a guard on the bridge, by itself or by VLAN; one that knows no VLANs"
    r, d = world()
    bridge(r, "lan")
    guards(d, daemon.guard(interface="br0"))
    tap.equal(found(r, d), {}, "no VLAN that both have")
    vlan(r, 30, "trunk", "lan")
    tap.equal(found(r, d), {BRIDGE: "warning"}, "one")
    guards(d, daemon.guard(interface="br0", vlan=40))
    tap.true(BRIDGE not in found(r, d), "another")
    guards(d, daemon.guard(interface="br0", vlan=30))
    tap.true(BRIDGE in found(r, d), "of the guard")
    guards(d, daemon.guard(interface="br0", vlan=40))
    r.gw.ip("link set br0 type bridge vlan_filtering 0")
    tap.true(BRIDGE in found(r, d), "VLANs are not told apart")
    r.gw.ip("link set lan nomaster")
    tap.true(BRIDGE not in found(r, d), "one port")
    r.gw.ip("link set trunk type bridge_slave hairpin on")
    tap.true(BRIDGE in found(r, d), "which sends out what came in")


AHEAD = ("bridge-ahead", "br0")


def ahead(r, d, word):
    "It is named, with what it is."
    tap.equal(found(r, d).get(AHEAD), "warning", word)
    text = risk(r, d, AHEAD[0])
    tap.true(word in text and "gets what comes in by trunk behind" in text,
             text)


def test_ahead_of_a_guard():
    "what a bridge does before the guard on it, or on its VLAN device, sees it"
    r, d = world()
    bridge(r)
    r.gw.ip("link set br0 type bridge vlan_filtering 0")
    r.gw.vlan("br0", 30, "br0.30")
    for upper in ("br0", "br0.30"):
        guards(d, daemon.guard(interface=upper))
        tap.true(AHEAD not in found(r, d), "it does nothing")
        r.gw.ip("link set br0 type bridge stp_state 1")
        ahead(r, d, "spanning tree")
        r.gw.ip("link set br0 type bridge stp_state 0")
        r.gw.nft("table bridge admin { chain f { type filter hook forward "
                 "priority 0; ct state new accept; }; }")
        ahead(r, d, "connection tracking")
        r.gw.nft("delete table bridge admin")
    r.gw.ip("link set br0 type bridge stp_state 1")
    guards(d, daemon.guard(interface="br0"), daemon.guard("port", "trunk"))
    tap.true(AHEAD not in found(r, d), "the port has a guard")


def test_netfilter_ahead_of_a_guard():
    "br_netfilter, switched on for the one bridge"
    r, d = world()
    bridge(r)
    guards(d, daemon.guard(interface="br0"))
    tap.true(AHEAD not in found(r, d), "it does nothing")
    r.gw.ip("link set br0 type bridge nf_call_ip6tables 1")
    if "nf_call_ip6tables 1" not in r.gw.ip("-d link show br0"):
        raise tap.Skip("no br_netfilter in this kernel")
    ahead(r, d, "br_netfilter")


def test_way_to_a_bridge():
    "a guard on the VLAN device of a bridge: other VLANs by the same port"
    r, d = world()
    bridge(r, "lan")
    vlan(r, 30, "trunk", "br0")
    r.gw.vlan("br0", 30, "br0.30")
    guards(d, daemon.guard(interface="br0.30"))
    base = {("untagged-unguarded", "br0"): "note"}
    vlan(r, 40, "trunk")
    tap.equal(found(r, d), base, "it goes nowhere")
    vlan(r, 40, "lan")
    tap.equal(found(r, d), {**base, VLANS: "warning"}, "to another port")
    tap.true("by VLAN 40 of bridge br0," in risk(r, d, "vlan-unguarded"),
             "what is said")
    vlan(r, 40, "lan", what="del")
    r.gw.vlan("br0", 40, "br0.40")
    tap.equal(found(r, d), base, "a VLAN device that it does not get to")
    vlan(r, 40, "br0")
    tap.equal(found(r, d), {**base, ("vlan-unguarded", "br0"): "warning"},
              "one that it gets to")


def test_vlans_of_a_port():
    "a guard for a VLAN of a bridge's port: others that the bridge passes"
    r, d = world(daemon.guard(vlan=30))
    bridge(r, "lan")
    note = {("bridge-port-unguarded", "br0"): "note"}
    base = {**note, UNTAGGED: "note"}
    vlan(r, 30, "trunk", "lan")
    vlan(r, "40-45", "trunk")
    tap.equal(found(r, d), base, "they go nowhere")
    for vid in (40, "42-44"):
        vlan(r, vid, "lan")
    tap.equal(found(r, d), {**base, VLANS: "warning"}, "to another port")
    tap.true("by VLAN 40 of bridge br0, VLANs 42 to 44 of bridge br0," in
             risk(r, d, "vlan-unguarded"), "what is said")
    guards(d, daemon.guard(vlan=30), daemon.guard("other", vlan=40))
    tap.true("by VLANs 42 to 44 of" in risk(r, d, "vlan-unguarded"),
             "a guard for one")
    r.gw.vlan("trunk", 43, "taken")
    tap.true("by taken, VLAN 42 of bridge br0, VLAN 44 of" in
             risk(r, d, "vlan-unguarded"), "a VLAN device before the bridge")
    r.gw.ip("link del taken")
    vlan(r, "42-44", "trunk", what="del")
    tap.equal(found(r, d), base, "no more of them")
    vlan(r, 45, "br0")
    r.gw.vlan("br0", 45, "br0.45")
    tap.true("by br0.45," in risk(r, d, "vlan-unguarded"),
             "a VLAN device of the bridge")
    vlan(r, 30, "trunk", tags="pvid untagged ")
    tap.equal(found(r, d), {**note, VLANS: "warning", UNTAGGED: "warning"},
              "frames without a tag get in")
    guards(d, daemon.guard(vlan=30), daemon.guard("rest", "trunk"))
    tap.equal(found(r, d), note, "a guard for the rest")


def test_port_of_any_bridge():
    "a guard for a VLAN of a port, and a bridge that knows no VLANs"
    r, d = world(daemon.guard(vlan=30))
    r.gw.bridge("br0", "trunk")
    tap.equal(found(r, d), {UNTAGGED: "warning"}, "no other port")
    r.gw.batch(["link add lan type dummy", "link set lan master br0"])
    tap.equal(found(r, d), {UNTAGGED: "warning", VLANS: "warning",
                            ("bridge-port-unguarded", "br0"): "note"}, "one")
    tap.true("by any other VLAN of bridge br0," in
             risk(r, d, "vlan-unguarded"), "what is said")
    r.gw.ip("link set lan nomaster")
    r.gw.vlan("br0", 40, "br0.40")
    tap.true("by br0.40," in risk(r, d, "vlan-unguarded"), "a VLAN device")
    guards(d, daemon.guard(vlan=30), daemon.guard("rest", "trunk"))
    tap.equal(found(r, d), {}, "a guard for the rest")


def test_many_vlans():
    "more of them than fit into a page"
    r, d = world(daemon.guard(vlan=30))
    bridge(r, "lan")
    for port in ("trunk", "lan"):
        r.gw.run(["bridge", "-batch", "-"], input="".join(
            f"vlan add dev {port} vid {vid}\n" for vid in range(2, 4095, 2)))
    text = risk(r, d, "vlan-unguarded")
    tap.equal(text.count(" of bridge br0"), 2046, text)
    tap.true(text.startswith("No guard judges what comes in by VLAN 2 of") and
             "VLAN 4094 of bridge br0, so" in text, text)


def test_macvlan():
    "a guard on a macvlan: frames to others than its MAC address"
    below(*macvlan("mode private"))


def test_macvtap():
    "a guard on a macvtap"
    below(*macvlan("mode bridge", "macvtap"))


def test_ipvlan():
    "a guard on an ipvlan: packets to others than its addresses"
    r, d = world()
    link(r, "ipvlan", "add link trunk name above type ipvlan mode l2")
    # It carries no VLAN devices.
    below(r, d, higher=False)


def macvlan(mode, kind="macvlan"):
    "One on top of trunk."
    r, d = world()
    link(r, kind, f"add link trunk name above type {kind} {mode}")
    return r, d


def below(r, d, higher=True):
    "One finding, and none with a guard on the interface below."
    r.gw.up("above")
    guards(d, daemon.guard(interface="above"))
    tap.equal(found(r, d), {("lower-unguarded", "trunk"): "warning"}, "above")
    tap.true("what above takes of" in risk(r, d, "lower-unguarded") and
             "in by trunk," in risk(r, d, "lower-unguarded"), "what is said")
    r.gw.vlan("trunk", 20, "office")
    tap.equal(found(r, d), {("lower-unguarded", "trunk"): "warning",
                            VLANS: "warning"}, "a VLAN device beside it")
    r.gw.ip("link del office")
    if higher:
        r.gw.vlan("above", 30, "higher")
        guards(d, daemon.guard(interface="higher"))
        tap.equal(found(r, d), {("lower-unguarded", "trunk"): "warning",
                                ("untagged-unguarded", "above"): "note"},
                  "on what is above it")
    guards(d, daemon.guard())
    tap.equal(found(r, d), {}, "on the interface below")


def test_macvlan_passthru():
    "a macvlan that takes all there is, but for groups"
    r, d = macvlan("mode passthru")
    r.gw.up("above")
    guards(d, daemon.guard(interface="above"))
    tap.equal(found(r, d), {("lower-unguarded", "trunk"): "warning"},
              "findings")


def test_macsec():
    "a guard on MACsec: frames without it, if they get anywhere"
    r, d = world()
    link(r, "MACsec", "add link trunk name above type macsec")
    r.gw.up("above")
    guards(d, daemon.guard(interface="above"))
    key = ("lower-unguarded", "trunk")
    tap.equal(found(r, d), {key: "note"}, "no address")
    r.gw.sysctl("ipv4/conf/trunk/forwarding", 1)
    tap.equal(found(r, d), {key: "warning"}, "routed")
    r.gw.sysctl("ipv4/conf/trunk/forwarding", 0)
    r.gw.addr("trunk", "192.0.2.1/24")
    tap.equal(found(r, d), {key: "warning"}, "an address")


def test_bond():
    "a guard on one port of a bond"
    one_port("bond", "type bond mode active-backup")


def test_team():
    "a guard on one port of a team"
    one_port("team", "type team")


def one_port(kind, line):
    "Another port, and then a guard that judges both."
    r, d = world()
    link(r, kind, f"add upper {line}")
    r.gw.batch(["link add spare type dummy", "link set trunk down",
                "link set trunk master upper", "link set trunk up",
                "link set upper up"])
    key = ("bond-port-unguarded", "upper")
    tap.equal(found(r, d), {}, "one port")
    r.gw.ip("link set spare master upper")
    tap.equal(found(r, d), {key: "warning"}, "two ports")
    tap.true("in by spare as" in risk(r, d, "bond-port-unguarded"), "which")
    guards(d, daemon.guard(vlan=30))
    r.gw.vlan("upper", 40, "upper.40")
    tap.equal(found(r, d), {key: "warning", UNTAGGED: "warning",
                            VLANS: "warning"}, "a guard for a VLAN of one")
    tap.true("by upper.40," in risk(r, d, "vlan-unguarded"), "another VLAN")
    guards(d, daemon.guard(), daemon.guard("spare", "spare"))
    tap.equal(found(r, d), {}, "a guard for each")
    guards(d, daemon.guard(interface="upper"))
    tap.equal(found(r, d), {}, "a guard for both")
    r.gw.bridge("br0", "upper")
    r.gw.batch(["link add lan type dummy", "link set lan master br0"])
    guards(d, daemon.guard(), daemon.guard("spare", "spare"))
    tap.equal(found(r, d), {("bridge-port-unguarded", "br0"): "note"},
              "as a port of a bridge")
    tap.equal(doctor(r, d)[0], 0, "exit code")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built, built],
             each=cleanup)
