#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Who a frame comes from: by MAC on the LAN, by address behind a hop."""

from lib import frames, tap
from lib.policy import connects
from lib.scene import Scene, proves

PEER4, PEER6 = "10.20.0.10", "2001:db8:20::10"
ROUTER = "02:00:5e:ff:00:01"
MACS = {name: f"02:00:5e:10:00:{number:02x}" for number, name in
        enumerate(("cam", "multi", "yard", "twin", "link", "nobody"), 1)}

RULES = [connects("10.20.0.0/24", "udp", 5000),
         connects("2001:db8:20::/64", "udp", 5000)]

POLICY = {
    "profiles": {
        "one": {"class": 1, "rules": RULES},
        "two": {"class": 2, "rules": RULES},
        "three": {"class": 3, "rules": RULES},
    },
    "devices": {
        "cam": {"mac": MACS["cam"], "profile": "one",
                "addresses": ["10.30.0.17", "2001:db8:30::17"]},
        "multi": {"mac": MACS["multi"], "profile": "two", "addresses": [
            "10.30.0.20", "10.30.0.22", "10.31.4.0/23", "2001:db8:30::20",
            "2001:db8:31::/60"]},
        "yardcam": {"mac": MACS["yard"], "profile": "one", "guard": "yard",
                    "addresses": ["10.30.0.30", "2001:db8:30::30"]},
        "twin-a": {"mac": MACS["twin"], "profile": "two", "guard": "cams",
                   "addresses": ["10.30.0.40"]},
        "twin-b": {"mac": MACS["twin"], "profile": "three", "guard": "yard",
                   "addresses": ["10.30.0.41"]},
        "linkcam": {"mac": MACS["link"], "profile": "one",
                    "addresses": ["fe80::30:50", "169.254.3.50"]},
        "far": {"profile": "one", "addresses": [
            "10.40.0.5", "10.40.0.7", "2001:db8:40::5"]},
        "farhop": {"profile": "two", "guard": "hop",
                   "addresses": ["10.40.0.9", "2001:db8:40::9"]},
    },
}

S = None


def setup():
    "One trunk, four guards: two LANs by MAC, two hops by address."
    global S
    S = Scene()
    S.watch()
    S.guard("cams", vlan=30)
    S.guard("yard", vlan=31)
    S.guard("hop", vlan=40, identity="ip")
    S.guard("hop2", vlan=41, identity="ip")
    S.load(POLICY)


def by_mac(name, guard="cams", vlan=30, cls=1, addresses=(), device=None):
    "A sender on a guard with identity mac."
    return S.sender(guard, device or name, mac=MACS[name.split("-")[0]],
                    vlan=vlan, cls=cls, addresses=addresses)


def cam():
    "The plain camera."
    return by_mac("cam", addresses=["10.30.0.17", "2001:db8:30::17"])


@proves("none")
def test_known_mac():
    "a known MAC with a bound source passes, either family, any guard"
    for guard, vlan in (("cams", 30), ("yard", 31)):
        one = by_mac("cam", guard, vlan,
                     addresses=["10.30.0.17", "2001:db8:30::17"])
        one.passes(one.udp(PEER4, 5000))
        one.passes(one.udp(PEER6, 5000))


@proves("unknown_device")
def test_unknown_mac():
    "an unknown MAC is dropped, whatever it sends and claims"
    who = S.sender("cams", None, mac=MACS["nobody"], vlan=30,
                   addresses=["10.30.0.17", "2001:db8:30::17"])
    who.drops(who.udp(PEER4, 5000), "unknown_device")
    who.drops(who.udp(PEER6, 5000), "unknown_device")
    who.drops(who.udp("198.51.100.7", 5000), "unknown_device")
    who.drops(frames.arp(1, who.mac, "10.30.0.17", bytes(6), "10.30.0.1"),
              "unknown_device")
    who.drops(who.ip("ff02::1", frames.nd_ns("fe80::1", who.mac),
                     src="fe80::1", hop=255), "unknown_device")
    # Before anything that is wrong with the frame itself.
    who.drops(b"\x4f" + bytes(10), "unknown_device")
    who.drops(b"lldp" * 12, "unknown_device", kind=0x88cc)
    for one_bit in ("02:00:5e:10:00:81", "03:00:5e:10:00:01",
                    "00:00:5e:10:00:01", "00:00:00:00:00:00",
                    "ff:ff:ff:ff:ff:ff"):
        who.mac = one_bit
        who.drops(who.udp(PEER4, 5000), "unknown_device")


@proves("unknown_device", "none")
def test_device_of_one_guard():
    "a device with a guard is known there only"
    one = by_mac("yard", "yard", 31, addresses=["10.30.0.30",
                                                "2001:db8:30::30"],
                 device="yardcam")
    one.passes(one.udp(PEER4, 5000))
    one.passes(one.udp(PEER6, 5000))
    one.guard, one.vlan, one.device = "cams", 30, None
    one.drops(one.udp(PEER4, 5000), "unknown_device")
    one.drops(one.udp(PEER6, 5000), "unknown_device")


@proves("none", "wrong_source")
def test_one_mac_two_guards():
    "the same MAC may be two devices on two guards"
    one = by_mac("twin-a", "cams", 30, 2, ["10.30.0.40"])
    two = by_mac("twin-b", "yard", 31, 3, ["10.30.0.41"])
    one.passes(one.udp(PEER4, 5000))
    two.passes(two.udp(PEER4, 5000))
    one.drops(one.udp(PEER4, 5000, src="10.30.0.41"), "wrong_source")
    two.drops(two.udp(PEER4, 5000, src="10.30.0.40"), "wrong_source")


@proves("wrong_source")
def test_wrong_source():
    "a source that is not bound is dropped, though the rule would match"
    one = cam()
    for src in ("10.30.0.18", "10.30.0.16", "10.30.0.20", "11.30.0.17",
                "10.30.0.40", "10.20.0.10", "0.0.0.0", "127.0.0.1",
                "169.254.1.1", "224.0.0.1", "255.255.255.255", "10.40.0.5"):
        one.drops(one.udp(PEER4, 5000, src=src), "wrong_source")
    for src in ("2001:db8:30::18", "2001:db8:30::20", "2001:db9:30::17",
                "2001:db8:20::10", "::", "::1", "fe80::17", "ff02::1",
                "::ffff:10.30.0.17", "0a1e:11::", "2001:db8:40::5"):
        one.drops(one.udp(PEER6, 5000, src=src), "wrong_source")
    # Before rules and before fragments are thought of.
    one.drops(one.udp("198.51.100.7", 9, src="10.30.0.18"), "wrong_source")


@proves("none", "wrong_source")
def test_many_addresses():
    "each of several addresses and prefixes is bound, to their very edges"
    one = by_mac("multi", cls=2)
    for src in ("10.30.0.20", "10.30.0.22", "10.31.4.0", "10.31.4.1",
                "10.31.5.255"):
        one.passes(one.udp(PEER4, 5000, src=src))
    for src in ("2001:db8:30::20", "2001:db8:31::", "2001:db8:31::1",
                "2001:db8:31:f:ffff:ffff:ffff:ffff"):
        one.passes(one.udp(PEER6, 5000, src=src))
    for src in ("10.30.0.21", "10.31.3.255", "10.31.6.0", "10.30.0.17"):
        one.drops(one.udp(PEER4, 5000, src=src), "wrong_source")
    for src in ("2001:db8:30::21", "2001:db8:31:10::",
                "2001:db8:30:ffff:ffff:ffff:ffff:ffff"):
        one.drops(one.udp(PEER6, 5000, src=src), "wrong_source")


@proves("none", "wrong_source")
def test_bound_link_local():
    "a link-local source is for upkeep only, unless it is bound"
    one = by_mac("link", addresses=["169.254.3.50", "fe80::30:50"],
                 device="linkcam")
    one.passes(one.udp(PEER4, 5000))
    one.passes(one.udp(PEER6, 5000))
    one.drops(one.udp(PEER4, 5000, src="169.254.3.51"), "wrong_source")
    one.drops(one.udp(PEER6, 5000, src="fe80::30:51"), "wrong_source")


@proves("unknown_device", "none")
def test_by_address():
    "behind a hop a device is its address, whatever the MAC"
    for mac in (ROUTER, MACS["cam"], MACS["nobody"]):
        for guard, vlan in (("hop", 40), ("hop2", 41)):
            one = S.sender(guard, "far", mac=mac, vlan=vlan, cls=1,
                           addresses=["10.40.0.5", "2001:db8:40::5"])
            one.passes(one.udp(PEER4, 5000))
            one.passes(one.udp(PEER6, 5000))
            one.passes(one.udp(PEER4, 5000, src="10.40.0.7"))
    who = S.sender("hop", None, mac=ROUTER, vlan=40)
    for src in ("10.40.0.4", "10.40.0.6", "10.40.1.5", "0.0.0.0",
                "10.20.0.10", "0.0.0.5"):
        who.drops(who.udp(PEER4, 5000, src=src), "unknown_device")
    for src in ("2001:db8:40::6", "::", "::5", "fe80::5",
                "2001:db8:40:0:8000::5", "::ffff:10.40.0.5", "0a28:5::"):
        who.drops(who.udp(PEER6, 5000, src=src), "unknown_device")


@proves("unknown_device", "none", "destination", "service")
def test_by_address_one_guard():
    "a device of one hop is unknown at another; its profile applies"
    one = S.sender("hop", "farhop", mac=ROUTER, vlan=40, cls=2,
                   addresses=["10.40.0.9", "2001:db8:40::9"])
    one.passes(one.udp(PEER4, 5000))
    one.passes(one.udp(PEER6, 5000))
    one.drops(one.udp("198.51.100.7", 5000), "destination")
    one.drops(one.udp("2001:db8:99::7", 5000), "destination")
    one.drops(one.udp(PEER4, 5001), "service")
    one.drops(one.udp(PEER6, 5001), "service")
    one.guard, one.vlan, one.device = "hop2", 41, None
    one.drops(one.udp(PEER4, 5000), "unknown_device")
    one.drops(one.udp(PEER6, 5000), "unknown_device")


@proves("unknown_device")
def test_identities_do_not_mix():
    "a MAC device is unknown behind a hop, an address device on the LAN"
    who = S.sender("hop", None, mac=MACS["cam"], vlan=40,
                   addresses=["10.30.0.17", "2001:db8:30::17"])
    who.drops(who.udp(PEER4, 5000), "unknown_device")
    who.drops(who.udp(PEER6, 5000), "unknown_device")
    who = S.sender("cams", None, mac=ROUTER, vlan=30,
                   addresses=["10.40.0.5", "2001:db8:40::5"])
    who.drops(who.udp(PEER4, 5000), "unknown_device")
    who.drops(who.udp(PEER6, 5000), "unknown_device")


@proves("ethertype", "truncated", "bad_header")
def test_no_source_behind_hop():
    "behind a hop, what has no readable source is dropped for that"
    who = S.sender("hop", None, mac=ROUTER, vlan=40)
    who.drops(b"lldp" * 12, "ethertype", kind=0x88cc)
    who.drops(frames.ipv4("10.40.0.5", PEER4, frames.udp(1, 5000))[:12],
              "truncated", kind=0x0800, pad=False)
    who.drops(frames.ipv6("2001:db8:40::5", PEER6, frames.udp(1, 5000))[:20],
              "truncated", kind=0x86dd, pad=False)
    who.drops(frames.ipv4("10.40.0.5", PEER4, frames.udp(1, 5000),
                          version=6), "bad_header", kind=0x0800)


@proves("bad_header", "truncated")
def test_source_known_but_rest_bad():
    "behind a hop, a bad packet of a known source counts for the device"
    one = S.sender("hop", "far", mac=ROUTER, vlan=40, cls=1,
                   addresses=["10.40.0.5", "2001:db8:40::5"])
    one.drops(one.ip(PEER4, frames.udp(1, 5000, length=4)), "bad_header")
    one.drops(one.ip(PEER6, frames.udp(1, 5000, length=4)), "bad_header")
    one.drops(one.ip(PEER6, frames.proto(17, b"\0\1\0")), "truncated",
              pad=False)


def test_destination_mac_is_no_matter():
    "broadcast, group, foreign and our own MAC: all the same"
    one = cam()
    for to in (frames.BROADCAST, "01:00:5e:00:00:01", "33:33:00:00:00:01",
               "02:99:99:99:99:99"):
        one.passes(one.udp(PEER4, 5000), to=to)
        one.drops(one.udp("198.51.100.7", 5000), "destination", to=to)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
