#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ARP, DHCP and IGMP: what a camera needs on its LAN, and nothing more.

The profile is in quarantine for one camera and has rules for everything for
the other: neither makes a difference to upkeep.
"""

from lib import frames, tap
from lib.policy import UPKEEP, connects
from lib.scene import GW_MAC, Scene, proves

MAC, FREE, ROUTER = "02:00:5e:10:00:17", "02:00:5e:10:00:18", GW_MAC
OTHER = "02:00:5e:10:00:99"
IP, IP2, GW = "10.30.0.17", "10.30.8.1", "10.30.0.1"
FREE_IP, TRIAL_IP = "10.30.0.18", "10.30.0.19"
TRIAL = "02:00:5e:10:00:19"
ZERO, ONES = "0.0.0.0", "255.255.255.255"
NOBODY = bytes(6)

S = None


def setup():
    "All upkeep on cams, none on bare; a hop; the LAN is 10.30.0.0/16."
    global S
    S = Scene()
    S.watch()
    S.guard("cams", vlan=30, subnets=["10.30.0.0/16", "192.0.2.67"],
            upkeep=[*UPKEEP, "dhcp-unicast"])
    S.guard("bare", vlan=31, upkeep=0, subnets=["10.30.0.0/16"])
    S.guard("hop", vlan=40, identity="ip")
    S.guard("barehop", vlan=41, identity="ip", upkeep=0)
    S.load({"profiles": {"still": {"mode": "quarantine", "class": 5},
                         "free": {"class": 6, "rules": [
                             connects("0.0.0.0/0")]},
                         "trial": {"class": 7, "mode": "audit"}},
            "devices": {
                "cam": {"mac": MAC, "profile": "still",
                        "addresses": [IP, "10.30.8.0/24"]},
                "free": {"mac": FREE, "profile": "free",
                         "addresses": [FREE_IP]},
                "trial": {"mac": TRIAL, "profile": "trial",
                          "addresses": [TRIAL_IP]},
                "far": {"profile": "free", "addresses": ["10.40.0.5"]}}})


def cam(guard="cams", vlan=30):
    "The camera in quarantine."
    return S.sender(guard, "cam", mac=MAC, vlan=vlan, cls=5, addresses=[IP])


def free(guard="cams", vlan=30):
    "The camera to which the rules permit everything."
    return S.sender(guard, "free", mac=FREE, vlan=vlan, cls=6,
                    addresses=[FREE_IP])


def hop(device=None, guard="hop", vlan=40, cls=0):
    "The router on the way to cameras behind it."
    return S.sender(guard, device, mac=OTHER, vlan=vlan, cls=cls,
                    addresses=["10.40.0.5"])


def arp(op=1, hw=MAC, ip=IP, target=GW, target_hw=NOBODY, **fields):
    "An ARP packet of the camera."
    return frames.arp(op, hw, ip, target_hw, target, **fields)


@proves("none")
def test_arp():
    "requests, answers, probes and announcements for bound addresses"
    one = cam()
    for op in (1, 2):
        for ip in (IP, IP2, "10.30.8.255"):
            one.passes(arp(op, ip=ip))
            one.passes(arp(op, ip=ip, target="198.51.100.7"))
            one.passes(arp(op, ip=ip, target_hw=GW_MAC), to=GW_MAC)
    one.passes(arp(target=IP))              # gratuitous
    for ip in (IP, IP2):                    # probe, RFC 5227
        one.passes(arp(ip=ZERO, target=ip))
        one.passes(arp(ip=ZERO, target=ip, target_hw=GW_MAC), to=GW_MAC)
    one.passes(arp(), pad=False)
    for extra in (18, 22):                  # 46 and 50 bytes
        one.passes(arp(extra=bytes(extra)))
    one.passes(arp(extra=b"\xff" * 18))     # drivers leave rubbish there


@proves("upkeep_spoof", "audit upkeep_spoof")
def test_arp_spoof():
    "another hardware or protocol address of the sender"
    for one in (cam(), free()):
        own = one.v4
        for hw in (OTHER, GW_MAC, NOBODY, frames.BROADCAST):
            one.drops(arp(hw=hw, ip=own), "upkeep_spoof")
            one.drops(arp(2, hw=hw, ip=own), "upkeep_spoof")
        for ip in (GW, "10.30.0.16", "10.30.7.255", "10.30.9.0", ONES,
                   "198.51.100.7", "10.40.0.5"):
            for op in (1, 2):
                one.drops(arp(op, hw=one.mac, ip=ip), "upkeep_spoof")
                # Who is about to take it would give it up.
                one.drops(arp(op, hw=one.mac, ip=ZERO, target=ip),
                          "upkeep_spoof")
    cam().drops(arp(ip=FREE_IP), "upkeep_spoof")
    cam().drops(arp(hw=FREE, ip=FREE_IP), "upkeep_spoof")
    trial = S.sender("cams", "trial", mac=TRIAL, vlan=30, cls=7)
    trial.audits(arp(hw=TRIAL, ip=GW), "upkeep_spoof")
    trial.passes(arp(hw=TRIAL, ip=TRIAL_IP))


@proves("upkeep_invalid", "audit upkeep_invalid", "truncated")
def test_arp_invalid():
    "other hardware, protocols, operations and lengths"
    trial = S.sender("cams", "trial", mac=TRIAL, vlan=30, cls=7)
    for fields in ({"htype": 6}, {"htype": 0}, {"ptype": 0x86dd},
                   {"ptype": 0x0806}, {"hlen": 8}, {"hlen": 0}, {"plen": 16},
                   {"plen": 0}, {"extra": bytes(23)}, {"extra": bytes(100)},
                   {"extra": bytes(1000)}):
        cam().drops(arp(**fields), "upkeep_invalid", kind=0x0806)
        trial.audits(arp(hw=TRIAL, ip=TRIAL_IP, **fields), "upkeep_invalid",
                     kind=0x0806)
    for op in (0, 3, 4, 8, 9, 0x0100, 0xffff):
        cam().drops(arp(op), "upkeep_invalid")
    for size in (2, 8, 27):
        cam().drops(arp()[:size], "truncated", kind=0x0806, pad=False)


@proves("upkeep_off", "audit upkeep_off", "upkeep_spoof", "upkeep_invalid")
def test_off():
    "a kind that the guard does not pass, whatever the rules say"
    trial = S.sender("bare", "trial", mac=TRIAL, vlan=31, cls=7)
    for one in (cam("bare", 31), free("bare", 31)):
        ip, hw = one.v4, one.mac
        one.drops(arp(hw=hw, ip=ip), "upkeep_off")
        one.drops(discover(one), "upkeep_off")
        one.drops(dhcp(one, src=ip, dst=GW), "upkeep_off")
        one.drops(report(one), "upkeep_off")
        one.drops(arp(hw=hw, ip=GW), "upkeep_spoof")
        one.drops(arp(3, hw=hw, ip=ip), "upkeep_invalid")
    trial.audits(arp(hw=TRIAL, ip=TRIAL_IP), "upkeep_off")
    barehop = hop(None, "barehop", 41)
    barehop.drops(arp(hw=OTHER, ip="10.255.0.2"), "upkeep_off")
    barehop.drops(report(barehop, src="10.255.0.2"), "upkeep_off")


@proves("none", "upkeep_off")
def test_each_kind_alone():
    "one bit passes one kind"
    one = cam("bare", 31)
    kinds = {"arp": arp(), "dhcp": discover(one), "igmp": report(one)}
    for on in kinds:
        S.guard("bare", vlan=31, upkeep=[on], subnets=["10.30.0.0/16"])
        for kind, packet in kinds.items():
            if kind == on:
                one.passes(packet)
            else:
                one.drops(packet, "upkeep_off")
    S.guard("bare", vlan=31, upkeep=0, subnets=["10.30.0.0/16"])


@proves("none", "upkeep_off", "upkeep_spoof", "upkeep_invalid")
def test_dhcp_to_one_server():
    "a renewal asks one server: only where that is permitted beside DHCP"
    one = cam("bare", 31)
    for more, reason in (({"upkeep": ["dhcp", "dhcp-unicast"]}, None),
                         ({"upkeep": ["dhcp-unicast"]}, "upkeep_off"),
                         ({"upkeep": ["dhcp"]}, "upkeep_off"),
                         ({}, "upkeep_off")):
        S.guard("bare", vlan=31, subnets=["10.30.0.0/16"], **more)
        for dst in (GW, "10.30.255.255"):
            for kind in (3, 7, 8):
                packet = dhcp(one, src=one.v4, dst=dst, kind=kind,
                              ciaddr=one.v4)
                if reason:
                    one.drops(packet, reason)
                else:
                    one.passes(packet)
            one.drops(dhcp(one, src=GW, dst=dst), "upkeep_spoof")
            one.drops(dhcp(one, src=one.v4, dst=dst, op=2), "upkeep_invalid")
    one.passes(dhcp(one, src=one.v4, kind=3, ciaddr=one.v4))
    S.guard("bare", vlan=31, upkeep=0, subnets=["10.30.0.0/16"])


def dhcp(one, src=ZERO, dst=ONES, sport=68, dport=67, chaddr=None, **fields):
    "A DHCP message of a camera."
    return one.ip(dst, frames.udp(sport, dport, frames.dhcp4(
        chaddr or one.mac, **fields)), src=src)


def discover(one):
    "The first of them."
    return dhcp(one, options=b"\x37\x04\x01\x03\x06\x0f\x3d\x07\x01" +
                frames.mac(one.mac))


def name(mac, kind=1):
    "The option by which a client calls itself, by a MAC."
    return bytes([61, 7, kind]) + frames.mac(mac)


def wanted(addr):
    "The option by which it asks for an address."
    return bytes([50, 4]) + frames.ip(addr)


@proves("none")
def test_dhcp():
    "discover, request, renewal, inform, release, decline"
    for one in (cam(), free()):
        one.passes(discover(one))
        for kind in (1, 3, 4):
            one.passes(dhcp(one, kind=kind))
            one.passes(dhcp(one, kind=kind, options=name(one.mac) +
                            wanted(one.v4)))
        one.passes(dhcp(one, src=one.v4, kind=3, ciaddr=one.v4))
        for dst in (GW, "10.30.255.254", "192.0.2.67"):
            for kind in (3, 7, 8):
                one.passes(dhcp(one, src=one.v4, dst=dst, kind=kind,
                                ciaddr=one.v4))
        one.passes(dhcp(one, pad=576 - 244))
        one.passes(dhcp(one, pad=300 - 244))


@proves("upkeep_spoof")
def test_dhcp_spoof():
    "for another's hardware address, from another's address"
    for one in (cam(), free()):
        for chaddr in (OTHER, GW_MAC, NOBODY, frames.BROADCAST):
            one.drops(dhcp(one, chaddr=chaddr), "upkeep_spoof")
            one.drops(dhcp(one, src=one.v4, dst=GW, chaddr=chaddr),
                      "upkeep_spoof")
        for option in (name(OTHER), name(one.mac, 6), b"\x3d\x04\0cam",
                       b"\x3d\x0b\xff" + bytes(4) + b"\0\2" + bytes(4)):
            for kind in (1, 3, 4, 7, 8):
                one.drops(dhcp(one, kind=kind, options=option),
                          "upkeep_spoof")
        for src in (GW, "10.30.0.99", "198.51.100.7"):
            one.drops(dhcp(one, src=src), "upkeep_spoof")
            one.drops(dhcp(one, options=wanted(src)), "upkeep_spoof")
            one.drops(dhcp(one, src=src, dst=GW), "upkeep_spoof")
            # Where the answer would go.
            one.drops(dhcp(one, kind=8, ciaddr=src), "upkeep_spoof")
            one.drops(dhcp(one, kind=8, src=one.v4, dst=GW, ciaddr=src),
                      "upkeep_spoof")


@proves("upkeep_invalid")
def test_dhcp_invalid():
    "answers, other hardware, a relay's, no cookie, too short, too long"
    for one in (cam(), free()):
        for fields in ({"op": 2}, {"op": 0}, {"htype": 6}, {"hlen": 16},
                       {"hlen": 0}, {"cookie": bytes(4)},
                       {"cookie": b"\x63\x82\x53\x64"},
                       {"hops": 1}, {"yiaddr": one.v4}, {"siaddr": GW},
                       {"giaddr": GW}, {"giaddr": one.v4},
                       {"giaddr": "203.0.113.66"}, {"behind": b"\1"},
                       {"behind": bytes(9) + b"\1"},
                       {"pad": 577 - 244}, {"pad": 1000}):
            one.drops(dhcp(one, **fields), "upkeep_invalid")
        for kind in (0, 2, 5, 6, 9, 10, 255):
            one.drops(dhcp(one, kind=kind), "upkeep_invalid")
        for option in (b"\x34\1\1", b"\x52\4\1\2\0\0", b"\x76" +
                       wanted(GW)[1:], b"\x35\1\1", name(one.mac) * 2,
                       wanted(one.v4) * 2, b"\x32\3\0\0\0", b"\x0c\xfe"):
            one.drops(dhcp(one, options=option), "upkeep_invalid")
        one.drops(one.ip(ONES, frames.udp(68, 67, frames.dhcp4(one.mac)),
                         src=ZERO, options=b"\1" * 4), "upkeep_invalid")
        for size in (0, 28, 236, 239, 240, 243):
            one.drops(one.ip(ONES, frames.udp(
                68, 67, frames.dhcp4(one.mac)[:size]), src=ZERO),
                      "upkeep_invalid")


@proves("none", "quarantine", "wrong_source", "upkeep_invalid",
        "upkeep_spoof")
def test_dhcp_elsewhere():
    "to a server beyond the LAN it needs a rule"
    for dst in ("198.51.100.67", "10.31.0.1", "192.0.2.68", "10.20.0.67"):
        cam().drops(dhcp(cam(), src=IP, dst=dst), "quarantine")
        free().passes(dhcp(free(), src=FREE_IP, dst=dst))
        free().drops(dhcp(free(), dst=dst), "wrong_source")
        # A client's even so: a server answers to wherever it says.
        for fields in ({"op": 2}, {"cookie": bytes(4)}, {"pad": 1000},
                       {"giaddr": "203.0.113.66"}, {"hops": 1}):
            free().drops(dhcp(free(), src=FREE_IP, dst=dst, **fields),
                         "upkeep_invalid")
        for sport in (67, 69, 161, 40000):
            free().drops(dhcp(free(), src=FREE_IP, dst=dst, sport=sport),
                         "upkeep_invalid")
        for fields in ({"chaddr": OTHER}, {"ciaddr": "203.0.113.66"},
                       {"options": name(OTHER)}):
            free().drops(dhcp(free(), src=FREE_IP, dst=dst, **fields),
                         "upkeep_spoof")


@proves("quarantine", "wrong_source", "none", "upkeep_invalid")
def test_not_dhcp():
    "other ports are not DHCP: a client's own; a server's is a client's alone"
    for sport in (67, 69):
        for one in (cam(), free()):
            one.drops(dhcp(one, src=one.v4, dst=GW, sport=sport),
                      "upkeep_invalid")
            one.drops(dhcp(one, sport=sport), "upkeep_invalid")
    for sport, dport in ((67, 68), (68, 68), (68, 69)):
        cam().drops(dhcp(cam(), src=IP, dst=GW, sport=sport, dport=dport),
                    "quarantine")
        free().passes(dhcp(free(), src=FREE_IP, dst=GW, sport=sport,
                           dport=dport))
        cam().drops(dhcp(cam(), sport=sport, dport=dport), "wrong_source")


def report(one, kind=0x16, group="239.1.2.3", dst=None, src=None, ttl=1,
           options=frames.ROUTER_ALERT4, **fields):
    "An IGMP message."
    return one.ip(dst or group, frames.igmp(kind, group, **fields), src=src,
                  ttl=ttl, options=options)


@proves("none")
def test_igmp():
    "reports of all versions, and leaves"
    for one in (cam(), free()):
        for src in (one.v4, ZERO):
            for kind in (0x12, 0x16):
                one.passes(report(one, kind, src=src))
            one.passes(report(one, 0x17, dst="224.0.0.2", src=src))
            one.passes(one.ip("224.0.0.22", frames.igmp3_report(
                ["239.1.2.3", "239.1.2.4"]), src=src, ttl=1,
                              options=frames.ROUTER_ALERT4))
        one.passes(report(one, options=b""))
        one.passes(report(one, group="224.0.0.251"))


@proves("upkeep_spoof", "upkeep_invalid")
def test_igmp_bad():
    "queries, another's reports, and what would leave the LAN"
    for one in (cam(), free()):
        for resp in (0, 100):
            one.drops(report(one, 0x11, "224.0.0.1", resp=resp),
                      "upkeep_spoof")
        one.drops(report(one, 0x11, "224.0.0.1", extra=bytes(4)),
                  "upkeep_spoof")
        for src in (GW, "10.30.0.99", "198.51.100.7"):
            one.drops(report(one, src=src), "upkeep_spoof")
        for kind in (0, 0x10, 0x13, 0x14, 0x15, 0x1f, 0x23, 0xff):
            one.drops(report(one, kind), "upkeep_invalid")
        for ttl in (0, 2, 64, 255):
            one.drops(report(one, ttl=ttl), "upkeep_invalid")
        for dst in (GW, "198.51.100.7", "240.0.0.1", ONES):
            one.drops(report(one, dst=dst), "upkeep_invalid")
        for size in (0, 7):
            one.drops(one.ip("239.1.2.3", frames.proto(2, bytes(size)),
                             ttl=1), "upkeep_invalid")


@proves("none", "upkeep_spoof", "unknown_device")
def test_hop():
    "behind a hop its ARP and IGMP pass, but not in a camera's name"
    one = hop()
    for op in (1, 2):
        one.passes(arp(op, hw=OTHER, ip="10.255.0.2", target="10.255.0.1"))
        one.drops(arp(op, hw=OTHER, ip="10.40.0.5"), "upkeep_spoof")
    one.passes(report(one, src="10.255.0.2"))
    one.drops(arp(hw=GW_MAC, ip="10.255.0.2"), "upkeep_spoof")
    stranger = hop()
    stranger.drops(dhcp(stranger), "unknown_device")
    known = hop("far", cls=6)
    known.passes(dhcp(known, src="10.40.0.5", dst="10.20.0.67"))


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
