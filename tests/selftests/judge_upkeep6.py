#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Neighbour discovery, DHCPv6 and MLD: what a camera needs on its LAN.

The profile is in quarantine for one camera and has rules for everything for
the other: neither makes a difference to upkeep.
"""

from lib import frames, tap
from lib.policy import UPKEEP, connects
from lib.scene import GW_MAC, Scene, proves

MAC, FREE, OTHER = ("02:00:5e:10:00:17", "02:00:5e:10:00:18",
                    "02:00:5e:10:00:99")
TRIAL = "02:00:5e:10:00:19"
GW_LL, ANY = "fe80::1", "::"
IP, FREE_IP, GW = "2001:db8:30::17", "2001:db8:30::18", "2001:db8:30::1"
PREFIX_IP, TRIAL_IP = "2001:db8:31::5", "2001:db8:30::19"
OUTSIDE = "2001:db8:99::7"
ALL_NODES, ALL_ROUTERS, SERVERS = "ff02::1", "ff02::2", "ff02::1:2"

S = None


def setup():
    "All upkeep on cams, none on bare; a hop; the LAN is 2001:db8:30::/48."
    global S
    S = Scene()
    S.watch()
    S.guard("cams", vlan=30, subnets=["2001:db8:30::/48"],
            upkeep=[*UPKEEP, "dhcp-unicast"])
    S.guard("bare", vlan=31, upkeep=0, subnets=["2001:db8:30::/48"])
    S.guard("hop", vlan=40, identity="ip")
    S.guard("barehop", vlan=41, identity="ip", upkeep=0)
    S.load({"profiles": {"still": {"mode": "quarantine", "class": 5},
                         "free": {"class": 6, "rules": [connects("::/0")]},
                         "trial": {"class": 7, "mode": "audit"}},
            "devices": {
                "cam": {"mac": MAC, "profile": "still",
                        "addresses": [IP, "2001:db8:31::/64"]},
                "free": {"mac": FREE, "profile": "free",
                         "addresses": [FREE_IP]},
                "trial": {"mac": TRIAL, "profile": "trial",
                          "addresses": [TRIAL_IP]},
                "far": {"profile": "free",
                        "addresses": ["2001:db8:40::5"]}}})


def cam(guard="cams", vlan=30):
    "The camera in quarantine."
    return S.sender(guard, "cam", mac=MAC, vlan=vlan, cls=5, addresses=[IP])


def free(guard="cams", vlan=30):
    "The camera to which the rules permit everything."
    return S.sender(guard, "free", mac=FREE, vlan=vlan, cls=6,
                    addresses=[FREE_IP])


def both():
    "Each of them."
    return cam(), free()


def hop(device=None, guard="hop", vlan=40, cls=0):
    "The router on the way to cameras behind it."
    return S.sender(guard, device, mac=OTHER, vlan=vlan, cls=cls,
                    addresses=["2001:db8:40::5"])


def nd(one, body, dst=None, src=None, hop_limit=255):
    "A neighbour discovery message."
    return one.ip(dst or ALL_NODES, body, src=src or one.v6, hop=hop_limit)


def soliciting(one, target=GW, lladdr=True, **how):
    "A neighbour solicitation."
    how.setdefault("dst", frames.solicited_node(target))
    return nd(one, frames.nd_ns(target, one.mac if lladdr else None), **how)


def advertising(one, target=None, lladdr=True, **how):
    "A neighbour advertisement."
    return nd(one, frames.nd_na(target or one.v6,
                                one.mac if lladdr else None), **how)


@proves("none")
def test_solicitations():
    "for routers and neighbours, from each address that a host has"
    for one in both():
        for src in (one.v6, one.ll):
            for lladdr in (True, False):
                one.passes(nd(one, frames.nd_rs(one.mac if lladdr else None),
                              ALL_ROUTERS, src))
                one.passes(soliciting(one, GW, lladdr, src=src))
                one.passes(soliciting(one, GW_LL, lladdr, src=src))
                # To find out whether a neighbour is still there.
                for dst in (GW, GW_LL, "2001:db8:30:ffff::1"):
                    one.passes(soliciting(one, dst, lladdr, src=src, dst=dst))
        # Before it has an address: asking for routers, and for duplicates.
        one.passes(nd(one, frames.nd_rs(), ALL_ROUTERS, ANY))
        for target in (one.v6, one.ll):
            one.passes(soliciting(one, target, False, src=ANY))
            one.passes(nd(one, frames.nd_ns(target, options=frames.nd_option(
                14, b"nonce!")), frames.solicited_node(target), ANY))
        # Whom it asks for is no claim.
        one.passes(soliciting(one, OUTSIDE))
    cam().passes(soliciting(cam(), PREFIX_IP, False, src=ANY))


@proves("none")
def test_advertisements():
    "of its own addresses, asked for or not"
    for one in both():
        for src in (one.v6, one.ll):
            for target in (one.v6, one.ll):
                for lladdr in (True, False):
                    for dst in (ALL_NODES, GW, GW_LL):
                        one.passes(advertising(one, target, lladdr, src=src,
                                               dst=dst))
    for target in (PREFIX_IP, "2001:db8:31::", "2001:db8:31::ffff"):
        cam().passes(advertising(cam(), target))
        cam().passes(advertising(cam(), target, src=target))


@proves("upkeep_spoof", "audit upkeep_spoof")
def test_nd_spoof():
    "other link addresses, targets and sources; routers' messages"
    for one in both():
        for lladdr in (OTHER, GW_MAC, bytes(6), frames.BROADCAST):
            for body in (frames.nd_rs(lladdr), frames.nd_ns(GW, lladdr),
                         frames.nd_na(one.v6, lladdr)):
                one.drops(nd(one, body), "upkeep_spoof")
                one.drops(nd(one, body, src=one.ll), "upkeep_spoof")
        for target in (GW, OUTSIDE, "2001:db8:30::99", "2001:db8:32::1",
                       GW_LL, frames.link_local(OTHER)):
            one.drops(advertising(one, target), "upkeep_spoof")
            one.drops(advertising(one, target, False), "upkeep_spoof")
            one.drops(advertising(one, target, src=one.ll), "upkeep_spoof")
            # A probe for a duplicate would keep its owner from using it.
            one.drops(soliciting(one, target, False, src=ANY),
                      "upkeep_spoof")
        for src in (GW, OUTSIDE, "2001:db8:30::99", GW_LL,
                    frames.link_local(OTHER)):
            one.drops(soliciting(one, src=src), "upkeep_spoof")
            one.drops(nd(one, frames.nd_rs(one.mac), ALL_ROUTERS, src),
                      "upkeep_spoof")
            one.drops(advertising(one, src=src), "upkeep_spoof")
        for src in (one.ll, one.v6):
            one.drops(nd(one, frames.nd_ra(one.mac), src=src), "upkeep_spoof")
            one.drops(nd(one, frames.nd_ra(), src=src, hop_limit=64),
                      "upkeep_spoof")
            one.drops(nd(one, frames.nd_redirect(GW_LL, OUTSIDE), src=src),
                      "upkeep_spoof")
            one.drops(nd(one, frames.nd_redirect(one.ll, OUTSIDE), GW, src),
                      "upkeep_spoof")
    trial = S.sender("cams", "trial", mac=TRIAL, vlan=30, cls=7,
                     addresses=[TRIAL_IP])
    trial.audits(advertising(trial, GW), "upkeep_spoof")
    trial.passes(advertising(trial))


@proves("upkeep_invalid")
def test_nd_invalid():
    "hop limits, codes, options, lengths, headers and far destinations"
    for one in both():
        mac = frames.mac(one.mac)
        bodies = [(frames.nd_rs(one.mac), ALL_ROUTERS),
                  (frames.nd_ns(GW, one.mac), frames.solicited_node(GW)),
                  (frames.nd_na(one.v6, one.mac), ALL_NODES)]
        for body, dst in bodies:
            for limit in (0, 1, 64, 254):
                one.drops(nd(one, body, dst, hop_limit=limit),
                          "upkeep_invalid")
            for wrap in (frames.hop_by_hop, frames.dest_options,
                         frames.fragment):
                one.drops(nd(one, wrap(body), dst), "upkeep_invalid")
            for far in (OUTSIDE, "2001:db9:30::1", "ff05::2", "ff0e::1",
                        "ff01::1"):
                one.drops(nd(one, body, far), "upkeep_invalid")
        for body in (frames.nd_rs(one.mac, code=1),
                     frames.nd_ns(GW, one.mac, code=1),
                     frames.nd_na(one.v6, one.mac, code=1)):
            one.drops(nd(one, body), "upkeep_invalid")
        for options in (frames.nd_option(5, bytes(6)),
                        frames.nd_option(3, bytes(30)),
                        frames.nd_option(25, bytes(22)),
                        frames.nd_option(255, bytes(6)),
                        frames.nd_option(1, mac, length=0),
                        frames.nd_option(1, mac, length=2),
                        frames.nd_option(1, mac + bytes(8)),
                        frames.nd_option(14, bytes(14)),
                        b"\x01\x01" + mac[:4], b"\x01", bytes(8)):
            one.drops(nd(one, frames.nd_rs(options=options), ALL_ROUTERS),
                      "upkeep_invalid")
            one.drops(nd(one, frames.nd_ns(GW, options=options)),
                      "upkeep_invalid")
            one.drops(nd(one, frames.nd_na(one.v6, options=options)),
                      "upkeep_invalid")
        # Room for a message of its own.
        one.drops(nd(one, frames.nd_ns(GW, one.mac, options=bytes(800))),
                  "upkeep_invalid")
        for size in (8, 16, 23):
            for kind in (135, 136):
                one.drops(nd(one, frames.icmp6(kind, data=bytes(size - 8))),
                          "upkeep_invalid")
        # Nobody advertises without an address.
        one.drops(advertising(one, src=ANY), "upkeep_invalid")


@proves("upkeep_off", "upkeep_spoof", "upkeep_invalid")
def test_off():
    "a kind that the guard does not pass, whatever the rules say"
    for one in (cam("bare", 31), free("bare", 31)):
        for packet in (soliciting(one), advertising(one),
                       nd(one, frames.nd_rs(one.mac), ALL_ROUTERS),
                       solicit(one), report(one)):
            one.drops(packet, "upkeep_off")
        one.drops(advertising(one, GW), "upkeep_spoof")
        one.drops(soliciting(one, hop_limit=64), "upkeep_invalid")
    one = hop(None, "barehop", 41)
    one.drops(soliciting(one, src=GW_LL), "upkeep_off")
    one.drops(report(one), "upkeep_off")


@proves("none", "upkeep_off")
def test_each_kind_alone():
    "one bit passes one kind"
    one = cam("bare", 31)
    kinds = {"nd": soliciting(one), "dhcp6": solicit(one),
             "mld": report(one)}
    for on in kinds:
        S.guard("bare", vlan=31, upkeep=[on], subnets=["2001:db8:30::/48"])
        for kind, packet in kinds.items():
            if kind == on:
                one.passes(packet)
            else:
                one.drops(packet, "upkeep_off")
    S.guard("bare", vlan=31, upkeep=0, subnets=["2001:db8:30::/48"])


@proves("none", "destination")
def test_not_nd():
    "echo and errors are for the rules, also on the LAN"
    S.load({"profiles": {"trial": {"class": 7}}}, base="live")
    trial = S.sender("cams", "trial", mac=TRIAL, vlan=30, cls=7,
                     addresses=[TRIAL_IP])
    for kind in (128, 129, 1, 3, 139, 140, 141, 148, 151, 155):
        free().passes(free().ping(GW, kind))
        trial.drops(trial.ping(GW, kind), "destination")
        trial.drops(trial.ping(ALL_NODES, kind, hop=255), "destination")


def dhcp6(one, kind=1, src=None, dst=SERVERS, sport=546, dport=547,
          options=b""):
    "A DHCPv6 message of a camera."
    return one.ip(dst, frames.udp(sport, dport, frames.dhcp6(
        kind, options=options)), src=src or one.ll)


def solicit(one):
    "The first of them, with a client identifier."
    return dhcp6(one, options=b"\0\1\0\x0a\0\3\0\1" + frames.mac(one.mac) +
                 b"\0\6\0\4\0\x17\0\x18\0\x08\0\2\0\0")


@proves("none")
def test_dhcp6():
    "each client message, to the servers or to one on the LAN"
    for one in both():
        one.passes(solicit(one))
        for kind in (1, 3, 4, 5, 6, 8, 9, 11):
            one.passes(dhcp6(one, kind))
            one.passes(dhcp6(one, kind, dst=GW))
        one.passes(dhcp6(one, options=bytes(572)))


@proves("upkeep_invalid", "upkeep_spoof")
def test_dhcp6_bad():
    "servers' and relays' messages, sizes, sources, headers"
    for one in both():
        for kind in (0, 2, 7, 10, 12, 13, 14, 31, 32, 33, 35, 255):
            one.drops(dhcp6(one, kind), "upkeep_invalid")
        one.drops(dhcp6(one, options=bytes(573)), "upkeep_invalid")
        one.drops(dhcp6(one, options=bytes(1200)), "upkeep_invalid")
        for src in (GW, OUTSIDE, one.v6, ANY):
            one.drops(dhcp6(one, src=src), "upkeep_invalid")
        one.drops(dhcp6(one, src=GW_LL), "upkeep_spoof")
        for duid in (b"\0\3\0\1" + frames.mac(OTHER), b"\0\3\0\6" +
                     frames.mac(one.mac), b"\0\2" + bytes(8), b""):
            for kind in (1, 3, 5, 8, 9, 11):
                one.drops(dhcp6(one, kind, options=b"\0\1" + len(
                    duid).to_bytes(2, "big") + duid), "upkeep_spoof")
        duid = b"\0\1\0\x0a\0\3\0\1" + frames.mac(one.mac)
        for options in (duid * 2, b"\0", duid + bytes(3), duid[:-1]):
            one.drops(dhcp6(one, options=options), "upkeep_invalid")
        for size in (0, 3):
            one.drops(one.ip(SERVERS, frames.udp(546, 547, bytes(size)),
                             src=one.ll), "upkeep_invalid")
        for wrap in (frames.hop_by_hop, frames.dest_options,
                     frames.fragment):
            one.drops(one.ip(SERVERS, wrap(frames.udp(
                546, 547, frames.dhcp6(1))), src=one.ll), "upkeep_invalid")


@proves("none", "quarantine", "wrong_source")
def test_dhcp6_elsewhere():
    "to a server beyond the LAN it is a datagram like any other"
    for dst in (OUTSIDE, "ff05::1:3"):
        free().drops(dhcp6(free(), dst=dst), "wrong_source")
        cam().drops(dhcp6(cam(), src=cam().ll, dst=dst), "wrong_source")
    for sport, dport in ((547, 546), (547, 547), (546, 546)):
        free().passes(dhcp6(free(), src=FREE_IP, dst=GW, sport=sport,
                            dport=dport))
        cam().drops(dhcp6(cam(), src=IP, dst=GW, sport=sport, dport=dport),
                    "quarantine")


@proves("none", "upkeep_off", "upkeep_invalid")
def test_dhcp6_to_one_server():
    "a renewal asks one server: only where that is permitted beside DHCPv6"
    one = cam("bare", 31)
    for more, reason in (({"upkeep": ["dhcp6", "dhcp-unicast"]}, None),
                         ({"upkeep": ["dhcp", "dhcp-unicast"]}, "upkeep_off"),
                         ({"upkeep": ["dhcp6"]}, "upkeep_off"),
                         ({}, "upkeep_off")):
        S.guard("bare", vlan=31, subnets=["2001:db8:30::/48"], **more)
        for kind in (3, 5, 8):
            packet = dhcp6(one, kind, dst=GW)
            if reason:
                one.drops(packet, reason)
            else:
                one.passes(packet)
        one.drops(dhcp6(one, 2, dst=GW), "upkeep_invalid")
    one.passes(dhcp6(one, 6))
    S.guard("bare", vlan=31, upkeep=0, subnets=["2001:db8:30::/48"])


def report(one, kind=131, group="ff02::1:ff00:17", dst=None, src=None,
           limit=1, **how):
    "An MLD message."
    return one.ip(dst or group, frames.mld(kind, group, **how),
                  src=src or one.ll, hop=limit)


@proves("none")
def test_mld():
    "reports of both versions, and dones"
    for one in both():
        for src in (one.ll, ANY):
            one.passes(report(one, src=src))
            one.passes(report(one, group="ff05::1234", src=src))
            one.passes(report(one, 132, dst="ff02::2", src=src))
            one.passes(one.ip("ff02::16", frames.mld2_report(
                ["ff02::1:ff00:17", "ff02::fb"]), src=src, hop=1))


@proves("upkeep_spoof", "upkeep_invalid")
def test_mld_bad():
    "queries, global sources, far hop limits, no router alert"
    for one in both():
        for alert in (True, False):
            one.drops(report(one, 130, "::", "ff02::1", alert=alert),
                      "upkeep_spoof")
        for limit in (0, 2, 64, 255):
            one.drops(report(one, limit=limit), "upkeep_invalid")
            one.drops(one.ip("ff02::16", frames.mld2_report(["ff02::fb"]),
                             src=one.ll, hop=limit), "upkeep_invalid")
        for src in (one.v6, GW, OUTSIDE):
            one.drops(report(one, src=src), "upkeep_invalid")
        one.drops(report(one, src=GW_LL), "upkeep_spoof")
        for dst in (GW, OUTSIDE, "fe80::1"):
            one.drops(report(one, dst=dst), "upkeep_invalid")
        one.drops(report(one, alert=False), "upkeep_invalid")
        for options in (b"", bytes(6), b"\x05\x02\x00\x01",
                        b"\x01\x02\0\0", frames.ROUTER_ALERT6 + b"\x3e\0"):
            one.drops(report(one, options=options), "upkeep_invalid")
        one.drops(report(one, options=frames.ROUTER_ALERT6 + b"\x01\x01"),
                  "bad_header")
        one.passes(report(one, options=frames.ROUTER_ALERT6 + bytes(2)))
        one.drops(one.ip("ff02::16", frames.mld2_report(
            ["ff02::fb"], alert=False), src=one.ll, hop=1), "upkeep_invalid")
        one.drops(one.ip("ff02::16", frames.dest_options(
            frames.icmp6(131, data=frames.ip("ff02::16"))), src=one.ll, hop=1),
                  "upkeep_invalid")
        one.drops(one.ip("ff02::16", frames.hop_by_hop(
            frames.icmp6(131, 0, bytes(4), bytes(200)),
            frames.ROUTER_ALERT6), src=one.ll, hop=1), "upkeep_invalid")


@proves("none", "upkeep_spoof", "upkeep_invalid", "unknown_device")
def test_hop():
    "behind a hop its ND and MLD pass, but not in a camera's name"
    one = hop()
    one.passes(soliciting(one, GW_LL, src=GW_LL))
    one.passes(nd(one, frames.nd_rs(), ALL_ROUTERS, ANY))
    one.passes(nd(one, frames.nd_na(GW_LL, one.mac), src=GW_LL))
    one.passes(report(one, src=GW_LL))
    one.drops(nd(one, frames.nd_na("2001:db8:40::5", one.mac), src=GW_LL),
              "upkeep_spoof")
    # Nor in that of somebody beyond, who would be answered, or told that nobody is
    # there.
    one.drops(soliciting(one, GW_LL, src="2001:db8:ff::2"), "upkeep_spoof")
    one.drops(nd(one, frames.nd_rs(one.mac), ALL_ROUTERS, "2001:db8:ff::2"),
              "upkeep_spoof")
    for body in (frames.nd_ns(GW_LL, one.mac), frames.nd_na(GW_LL, one.mac)):
        one.drops(nd(one, body, dst="fe80::dead", src="2001:db8:ff::2"),
                  "upkeep_spoof")
        one.passes(nd(one, body, dst="fe80::dead", src=GW_LL))
    known = hop("far", cls=6)
    for packet in (soliciting(known, GW_LL, src="2001:db8:40::5"),
                   advertising(known, "2001:db8:40::5")):
        S.problems += ([] if dropped(known, packet, "upkeep_spoof") else
                       ["upkeep in a camera's name"])
    one.drops(soliciting(one, GW_LL, src=GW_LL, hop_limit=64),
              "upkeep_invalid")
    one.drops(nd(one, frames.nd_ra(one.mac), src=GW_LL), "upkeep_spoof")
    one.drops(solicit(one), "unknown_device")


def dropped(one, packet, reason):
    "Whether it is dropped for a reason, counted for its device or not."
    size = len(one.wrap(packet)) - 18
    S.links["eth0"].send(one.wrap(packet))
    total = {f"guard {one.guard} dropped {reason}": (1, size)}
    own = dict(total, **{f"device {one.device} dropped": (1, size)})
    seen = S.await_delta(own)
    S.sync()
    return seen in (total, own)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
