#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Enforce, audit and quarantine, on profiles and guards; no policy at all.

Every combination of guard mode, profile mode, identity and family.
"""

from lib import frames, policy, tap
from lib.policy import connects
from lib.scene import GW_MAC, Scene, proves

PEER = {4: "10.20.0.10", 6: "2001:db8:20::10"}
ELSE = {4: "198.51.100.7", 6: "2001:db8:99::7"}
ROUTER = "02:00:5e:ff:00:01"
MODES = ["enforce", "audit", "quarantine"]

# guard: (VLAN, identity, mode)
GUARDS = {"lan": (30, "mac", "enforce"), "trial": (31, "mac", "audit"),
          "hop": (40, "ip", "enforce"), "trialhop": (41, "ip", "audit")}

RULES = [connects("10.20.0.0/24", "udp", 5000),
         connects("2001:db8:20::/64", "udp", 5000)]

S = None


def mac_of(mode):
    "The MAC of the camera whose profile has this mode."
    return f"02:00:5e:10:01:{MODES.index(mode):02x}"


def addresses_of(mode, identity):
    "Its addresses."
    net = 30 if identity == "mac" else 40
    host = 10 + MODES.index(mode)
    return [f"10.{net}.0.{host}", f"2001:db8:{net}::{host}"]


def policy_text():
    "A MAC device and an address device for each mode."
    text = {"profiles": {}, "devices": {}}
    for number, mode in enumerate(MODES, 1):
        text["profiles"][mode] = {"mode": mode, "class": number,
                                  "rules": RULES}
        text["devices"][f"mac-{mode}"] = {
            "mac": mac_of(mode), "profile": mode,
            "addresses": addresses_of(mode, "mac")}
        text["devices"][f"ip-{mode}"] = {
            "profile": mode, "addresses": addresses_of(mode, "ip")}
    return text


def setup():
    "One trunk, a guard for each identity and mode."
    global S
    S = Scene()
    S.watch()
    for name, (vlan, identity, mode) in GUARDS.items():
        S.guard(name, vlan=vlan, identity=identity, mode=mode)


def device(guard, mode):
    "The camera with a profile of this mode, at this guard."
    vlan, identity, _ = GUARDS[guard]
    return S.sender(guard, f"{identity}-{mode}", vlan=vlan,
                    mac=mac_of(mode) if identity == "mac" else ROUTER,
                    cls=MODES.index(mode) + 1,
                    addresses=addresses_of(mode, identity))


def stranger(guard):
    "A sender that no policy knows."
    vlan, _, _ = GUARDS[guard]
    return S.sender(guard, None, vlan=vlan, mac="02:00:5e:99:00:01",
                    addresses=["10.99.0.1", "2001:db8:99::1"])


def refused(sender, guard, mode, packet, reason, **how):
    "It is refused, or only audited, as the two modes say."
    if GUARDS[guard][2] == "audit" or mode == "audit":
        sender.audits(packet, reason, **how)
    else:
        sender.drops(packet, reason, **how)


@proves("no_policy", "audit no_policy")
def test_01_no_policy():
    "before the first policy everything is refused, upkeep too"
    tap.equal(policy.info(S.sock).get("generation", 0), 0, "generation")
    for guard, (vlan, _, _) in GUARDS.items():
        one = S.sender(guard, None, vlan=vlan, mac=mac_of("enforce"),
                       addresses=["10.30.0.10", "2001:db8:30::10"])
        for packet in (one.udp(PEER[4], 5000), one.udp(PEER[6], 5000),
                       frames.arp(1, one.mac, one.v4, bytes(6), "10.30.0.1"),
                       b"\x45" + bytes(8)):
            refused(one, guard, None, packet, "no_policy")
        refused(one, guard, None, b"lldp" * 12, "no_policy", kind=0x88cc)


def test_02_no_policy_elsewhere():
    "a VLAN without a guard is not touched meanwhile"
    one = S.sender(None, None, vlan=32, addresses=["10.30.0.10"])
    one.ignores(one.udp(PEER[4], 5000))


@proves("none", "destination", "quarantine", "audit destination",
        "audit quarantine")
def test_03_every_combination():
    "guard mode x profile mode x identity x family"
    S.load(policy_text())
    for guard in GUARDS:
        for mode in MODES:
            one = device(guard, mode)
            for family in (4, 6):
                good = one.udp(PEER[family], 5000)
                bad = one.udp(ELSE[family], 5000)
                if mode == "quarantine":
                    refused(one, guard, mode, good, "quarantine")
                    refused(one, guard, mode, bad, "quarantine")
                else:
                    one.passes(good)
                    refused(one, guard, mode, bad, "destination")


@proves("service", "audit service", "audit ethertype", "audit truncated",
        "audit fragment", "audit bad_header")
def test_04_every_kind_of_fault():
    "audit passes whatever the reason is, and enforce nothing"
    for guard in GUARDS:
        for mode in ("enforce", "audit"):
            one = device(guard, mode)
            for family in (4, 6):
                refused(one, guard, mode, one.udp(PEER[family], 5001),
                        "service")
                refused(one, guard, mode, one.ip(
                    PEER[family], frames.udp(1, 5000, length=7)),
                        "bad_header")
                refused(one, guard, mode, one.ip(
                    PEER[family], frames.proto(17, b"\0\1\0")),
                        "truncated", pad=False)
            refused(one, guard, mode, frames.ipv4(
                one.v4, PEER[4], b"later fragment..", proto=17, offset=64),
                    "fragment")
            refused(one, guard, mode, one.ip(
                PEER[6], frames.fragment(b"later fragment..", 64,
                                         nexthdr=17)), "fragment")
    for guard in ("lan", "trial"):
        for mode in ("enforce", "audit"):
            refused(device(guard, mode), guard, mode, b"lldp" * 12,
                    "ethertype", kind=0x88cc)


@proves("wrong_source", "audit wrong_source")
def test_05_wrong_source():
    "a wrong source counts for the device, quarantined or not"
    for guard in ("lan", "trial"):
        for mode in MODES:
            one = device(guard, mode)
            refused(one, guard, mode, one.udp(PEER[4], 5000, src="10.30.0.99"),
                    "wrong_source")
            refused(one, guard, mode,
                    one.udp(PEER[6], 5000, src="2001:db8:30::99"),
                    "wrong_source")


@proves("unknown_device", "audit unknown_device")
def test_06_unknown_device():
    "only a guard in audit lets a stranger through, tagged with class 0"
    for guard in GUARDS:
        who = stranger(guard)
        for family in (4, 6):
            refused(who, guard, None, who.udp(PEER[family], 5000),
                    "unknown_device")


@proves("none")
def test_07_upkeep_in_every_mode():
    "ARP passes in every profile mode, quarantine too"
    for guard in ("lan", "trial"):
        for mode in MODES:
            one = device(guard, mode)
            one.passes(frames.arp(1, one.mac, one.v4, bytes(6), "10.30.0.1"))
            one.passes(frames.arp(2, one.mac, one.v4, GW_MAC, "10.30.0.1"),
                       to=GW_MAC)
    for guard in ("hop", "trialhop"):
        vlan, _, _ = GUARDS[guard]
        router = S.sender(guard, None, vlan=vlan, mac=ROUTER)
        router.passes(frames.arp(1, router.mac, "10.255.0.2", bytes(6),
                                 "10.255.0.1"))


@proves("upkeep_spoof", "audit upkeep_spoof")
def test_08_upkeep_that_lies():
    "spoofed upkeep is refused in quarantine, and audited in audit"
    for guard in ("lan", "trial"):
        for mode in MODES:
            one = device(guard, mode)
            refused(one, guard, mode, frames.arp(
                1, one.mac, "10.30.0.1", bytes(6), "10.30.0.1"),
                    "upkeep_spoof")


def test_09_modes_change():
    "a guard's and a profile's mode take effect with the next frame"
    one = device("lan", "enforce")
    bad = one.udp(ELSE[4], 5000)
    one.drops(bad, "destination")
    S.guard("lan", vlan=30, identity="mac", mode="audit")
    one.audits(bad, "destination")
    S.guard("lan", vlan=30, identity="mac", mode="enforce")
    one.drops(bad, "destination")
    for mode, meets in (("audit", one.audits), ("enforce", one.drops)):
        S.load({"profiles": {"enforce": {"mode": mode, "class": 1,
                                         "rules": RULES}}}, base="live")
        meets(bad, "destination")
    S.load({"profiles": {"enforce": {"mode": "quarantine", "class": 1,
                                     "rules": RULES}}}, base="live")
    one.drops(one.udp(PEER[4], 5000), "quarantine")


@proves("unknown_device")
def test_10_empty_policy():
    "an empty policy is a policy: everybody is unknown"
    S.load({})
    one = S.sender("lan", None, mac=mac_of("enforce"), vlan=30,
                   addresses=addresses_of("enforce", "mac"))
    one.drops(one.udp(PEER[4], 5000), "unknown_device")
    one = S.sender("hop", None, mac=ROUTER, vlan=40,
                   addresses=addresses_of("enforce", "ip"))
    one.drops(one.udp(PEER[6], 5000), "unknown_device")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
