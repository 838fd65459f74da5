#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The tag on what passes: its bits, its class, what it leaves alone.

Marks that a frame has before the module sees it are set by tc, the only thing
but XDP that runs earlier.
"""

import json

from lib import frames, nl, policy, tap
from lib.policy import connects
from lib.scene import GW_MAC, Scene, proves

PEER4, PEER6, ELSE4 = "10.20.0.10", "2001:db8:20::10", "198.51.100.7"
V4, V6 = "10.30.0.17", "2001:db8:30::17"
CLASSES = [0, 1, 2, 0x80, 0xff]
MARKS = [0, 0x4c000000, 0x4c000002, 0x4c0000ff, 0x00ffff00, 0xffffffff,
         0x00000100, 0x000000ff, 0x12345678, 0xb3000001, 0x00120005,
         0x7fffffff]
RULES = [connects(PEER4, "udp", 5000), connects(PEER6, "udp", 5000)]

S = None


def mac_of(cls):
    "The MAC of the camera whose profile has this class."
    return f"02:00:5e:10:02:{cls:02x}"


def load(classes):
    "A device and a profile for each class, and one that is only audited."
    text = {"profiles": {"trial": {"mode": "audit", "class": classes[-1],
                                   "rules": RULES},
                         "still": {"mode": "quarantine", "class": classes[1],
                                   "rules": RULES}},
            "devices": {
                "trial": {"mac": "02:00:5e:10:03:01", "profile": "trial",
                          "addresses": [V4, V6]},
                "still": {"mac": "02:00:5e:10:03:02", "profile": "still",
                          "addresses": [V4, V6]}}}
    for cls in classes:
        text["profiles"][f"c{cls}"] = {"class": cls, "rules": RULES}
        text["devices"][f"d{cls}"] = {"mac": mac_of(cls), "profile": f"c{cls}",
                                      "addresses": [V4, V6]}
    S.load(text)


def setup():
    "Guards on 30 (mac), 31 (mac, audit), 40 (ip), and a place for marks."
    global S
    S = Scene()
    S.watch()
    arm()
    load(CLASSES)
    S.gw.run(["tc", "-batch", "-"], input="qdisc add dev trunk clsact\n" +
             "".join("filter add dev trunk ingress protocol all flower "
                     f"dst_mac {marked(mark)} action skbedit mark {mark:#x}\n"
                     for mark in MARKS))


def arm():
    "All guards."
    S.guard("cams", vlan=30)
    S.guard("trial", vlan=31, mode="audit")
    S.guard("hop", vlan=40, identity="ip")


def marked(mark):
    "The destination MAC with which frames arrive with a mark."
    return f"02:00:00:00:ee:{MARKS.index(mark):02x}"


def cam(cls, vlan=30, guard="cams"):
    "The camera of a class."
    return S.sender(guard, f"d{cls}", mac=mac_of(cls), vlan=vlan, cls=cls,
                    addresses=[V4, V6])


@proves("none", "destination")
def test_class():
    "the class of the profile is in the low bits, 0 too"
    for cls in CLASSES:
        one = cam(cls)
        one.passes(one.udp(PEER4, 5000))
        one.passes(one.udp(PEER6, 5000))
        one.drops(one.udp(ELSE4, 5000), "destination")


@proves("none")
def test_upkeep_is_tagged():
    "upkeep carries the class of its device, behind a hop class 0"
    one = cam(0x80)
    one.passes(frames.arp(1, one.mac, V4, bytes(6), "10.30.0.1"))
    one.passes(one.ip("fe80::1", frames.nd_na(V6, one.mac), src=V6, hop=255))
    still = S.sender("cams", "still", mac="02:00:5e:10:03:02", vlan=30,
                     cls=CLASSES[1])
    still.passes(frames.arp(2, still.mac, V4, GW_MAC, "10.30.0.1"))
    hop = S.sender("hop", None, mac="02:00:5e:ff:00:01", vlan=40)
    hop.passes(frames.arp(1, hop.mac, "10.255.0.2", bytes(6), "10.255.0.1"))


@proves("audit destination", "audit unknown_device")
def test_audited_is_tagged():
    "what is only audited is tagged as well: the interlock must let it pass"
    one = S.sender("cams", "trial", mac="02:00:5e:10:03:01", vlan=30,
                   cls=CLASSES[-1], addresses=[V4, V6])
    one.passes(one.udp(PEER4, 5000))
    one.audits(one.udp(ELSE4, 5000), "destination")
    one = cam(2, 31, "trial")
    one.audits(one.udp(ELSE4, 5000), "destination")
    who = S.sender("trial", None, mac="02:00:5e:99:00:01", vlan=31,
                   addresses=[V4])
    who.audits(who.udp(PEER4, 5000), "unknown_device")


@proves("none", "destination", "unknown_device", "wrong_source")
def test_earlier_marks():
    "bits outside the masks stay; a forged tag changes no verdict"
    one, who = cam(2), S.sender("cams", None, mac="02:00:5e:99:00:01",
                                vlan=30, addresses=[V4])
    elsewhere = S.sender(None, None, vlan=32, addresses=[V4])
    for mark in MARKS:
        to = marked(mark)
        one.passes(one.udp(PEER4, 5000), base=mark, to=to)
        one.passes(one.udp(PEER6, 5000), base=mark, to=to)
        one.passes(frames.arp(1, one.mac, V4, bytes(6), "10.30.0.1"),
                   base=mark, to=to)
        one.drops(one.udp(ELSE4, 5000), "destination", to=to)
        one.drops(one.udp(PEER4, 5000, src="10.30.0.99"), "wrong_source",
                  to=to)
        who.drops(who.udp(PEER4, 5000), "unknown_device", to=to)
        elsewhere.ignores(elsewhere.udp(ELSE4, 9), mark=mark, to=to)


def counters(table):
    "{name: (packets, bytes)} of the named counters of an nft table."
    listing = json.loads(S.gw.nft(f"-j list counters table inet {table}").stdout)
    return {item["counter"]["name"]: item["counter"]["packets"]
            for item in listing["nftables"] if "counter" in item}


@proves("none", "destination")
def test_mark_in_prerouting():
    "routing sees the exact mark, and never what was dropped"
    S.gw.vlan("trunk", 30, "cams30")
    S.gw.addr("cams30", "10.30.0.1/24", "10.20.0.10/32")
    S.gw.nft(["-f", "-"], """
        table inet later {
            counter class2 {}
            counter class255 {}
            counter tagged {}
            counter other {}
            counter forbidden {}
            chain first {
                type filter hook prerouting priority raw
                iifname != "cams30" return
                ip daddr 198.51.100.7 counter name forbidden
                meta mark 0x4c000002 counter name class2 return
                meta mark 0x4c0000ff counter name class255 return
                meta mark & 0xff000000 == 0x4c000000 counter name tagged return
                counter name other
            }
        }""")
    two, many, zero = cam(2), cam(0xff), cam(0)
    for one, count in ((two, 3), (many, 2), (zero, 1)):
        for _ in range(count):
            one.passes(one.udp(PEER4, 5000), to=GW_MAC)
        one.drops(one.udp(ELSE4, 5000), "destination", to=GW_MAC)
    tap.equal(counters("later"), {"class2": 3, "class255": 2, "tagged": 1,
                                  "other": 0, "forbidden": 0}, "nft counters")
    # The guard gone, the same frame arrives: the drop was the guard's.
    S.sock.do("guard-del", name="cams")
    S.sync()
    two.ignores(two.udp(ELSE4, 5000), to=GW_MAC)
    tap.equal(counters("later")["forbidden"], 1, "without the guard")
    S.gw.nft("delete table inet later")
    S.guard("cams", vlan=30)


@proves("none", "destination")
def test_other_masks():
    "a tag of other bits, and a class of fewer"
    policy.unguard(S.sock)
    policy.reset(S.sock)
    S.sock.do("tag-set", value=0x00120000, mask=0x00ff0000, class_mask=0xf)
    S.tag = (0x00120000, 0x00ff0000, 0xf)
    arm()
    load([0, 3, 0xf])
    for mark in MARKS:
        for cls in (0, 3, 0xf):
            one = cam(cls)
            one.passes(one.udp(PEER4, 5000), base=mark, to=marked(mark))
            one.drops(one.udp(ELSE4, 5000), "destination", to=marked(mark))


@proves("none")
def test_no_class_bits():
    "a class mask of 0 leaves the low bits alone"
    policy.unguard(S.sock)
    policy.reset(S.sock)
    S.sock.do("tag-set", value=0x80000000, mask=0x80000000, class_mask=0)
    S.tag = (0x80000000, 0x80000000, 0)
    arm()
    S.load({"profiles": {"c0": {"rules": RULES}}, "devices": {
        "d0": {"mac": mac_of(0), "profile": "c0", "addresses": [V4, V6]}}})
    for mark in MARKS:
        one = cam(0)
        one.passes(one.udp(PEER4, 5000), base=mark, to=marked(mark))
    nl.fails(22, S.load, {"profiles": {"c1": {"class": 1}}})


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
