#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by tunnels and relays.

A packet in a packet, a protocol that carries others, a service that passes on
what it is told: the camera may do it with the peers and services that the
policy names, and with nobody else. What is in a permitted packet is not looked
at; the tests that say so pass frames on purpose.
"""

import struct

from lib import frames
from lib.evasion import (BULK4, BULK6, CAM4, CAM6, CAM_MAC, ELSE4, ELSE6,
                         GROUPS4, GROUPS6, GW4, GW6, OTHER4, PEER4, PEER6,
                         both, evasion, ip, main, ok, udp)

PEERS, BULKS, ELSES = [PEER4, PEER6], [BULK4, BULK6], [ELSE4, ELSE6]
UDP = frames.udp(40000, 5000, b"evasion!")
INNER = {4: frames.ipv4(CAM4, ELSE4, UDP), 6: frames.ipv6(CAM6, ELSE6, UDP)}
PERMITTED = {4: frames.ipv4(CAM4, PEER4, UDP), 6: frames.ipv6(CAM6, PEER6, UDP)}
ETHER = frames.eth("02:00:5e:20:00:fe", CAM_MAC, INNER[4])
# Broadcasts of: everybody, the LAN, a LAN at the gateway's far side.
LIMITED, LAN, DIRECTED = "255.255.255.255", "10.30.0.255", "192.0.2.255"
PROBE = b"<Probe/>evasion!"


def carry(dst, number, data):
    "A packet of any protocol."
    return ip(dst, frames.proto(number, data))


def group(dst, body, **fields):
    "A packet to a group or everybody, to the MAC that stands for it."
    return ip(dst, body, to=frames.mapped_mac(dst) or frames.BROADCAST,
              **fields)


def gre(inner, kind):
    "GRE without options around a packet."
    return struct.pack("!HH", 0, kind) + inner


GRES = [gre(INNER[4], frames.ETH_IPV4), gre(INNER[6], frames.ETH_IPV6),
        gre(ETHER, 0x6558),                             # NVGRE and the like
        b"\x20\x00\x88\xbe" + bytes(4) + ETHER,         # ERSPAN
        b"\x30\x01\x88\x0b\0\x08" + bytes(10)]          # PPTP


@evasion("RFC 2003, RFC 4213, RFC 2473", "service", "route, bridge")
def test_ip_in_ip():
    "IPIP, 6in4, 4in6, IPv6 in IPv6, to a peer that may have UDP"
    return [carry(peer, number, inner[family])
            for peer in PEERS + BULKS for inner in (INNER, PERMITTED)
            for number, family in ((4, 4), (41, 6))]


@evasion("RFC 2003, RFC 4213, RFC 5214, RFC 3056", "destination",
         "route, bridge")
def test_ip_in_ip_to_nobody():
    "the same to a broker abroad, 6to4's anycast, ISATAP"
    return [carry(dst, 41, INNER[6])
            for dst in (ELSE4, ELSE6, "192.88.99.1")] + \
           both(lambda dst: carry(dst, 4, PERMITTED[4])) + \
           [carry(ELSE4, 41, frames.ipv6("fe80::5efe:10.30.0.17",
                                         "fe80::5efe:203.0.113.66", UDP))]


@evasion("RFC 2784, RFC 7637, RFC 2637", "service, destination",
         "route, bridge")
def test_gre_without_a_rule():
    "GRE, NVGRE, ERSPAN, PPTP where no rule permits GRE"
    return [carry(dst, 47, body) for dst in BULKS + ELSES for body in GRES]


@evasion("RFC 2784", "", "route, bridge")
def test_gre_by_a_rule():
    "GRE that a rule permits: what is in it is not looked at"
    return [ok(carry(peer, 47, body)) for peer in PEERS for body in GRES]


@evasion("RFC 4303, RFC 4302, RFC 3948", "service, destination",
         "route, bridge")
def test_ipsec():
    "ESP, AH around a permitted datagram, IKE, ESP in UDP"
    esp = struct.pack("!II", 0x1234, 1) + bytes(40)
    return [frame for dst in PEERS + ELSES for frame in (
        carry(dst, frames.ESP, esp), ip(dst, frames.authentication(UDP)),
        udp(dst, 500), udp(dst, 4500, esp))]


@evasion("RFC 3931, RFC 2661", "service, destination", "route, bridge")
def test_l2tp():
    "L2TP in IP and in UDP"
    return [frame for dst in PEERS + ELSES for frame in (
        carry(dst, 115, struct.pack("!II", 1, 0) + ETHER),
        udp(dst, 1701, b"\0\x02\0\1\0\1" + INNER[4]))]


@evasion("RFC 3378, RFC 4023, RFC 7761, IANA: protocol numbers",
         "service, destination", "route, bridge")
def test_other_carriers():
    "EtherIP, MPLS in IP, PIM registers, minimal and Ethernet encapsulation"
    return [carry(dst, number, body) for dst in PEERS + BULKS + ELSES
            for number, body in (
                (97, b"\x30\0" + ETHER), (137, b"\0\1\1\x40" + INNER[4]),
                (103, b"\x21\0\xde\xff\0\0\0\0" + INNER[4]),
                (55, b"\x11\0\0\0" + frames.ip(ELSE4) + bytes(12)),
                (143, ETHER), (98, INNER[4]), (94, INNER[4]))]


@evasion("RFC 4960, RFC 4340, RFC 3828", "service, destination",
         "route, bridge")
def test_transports_with_permitted_ports():
    "SCTP, DCCP, UDP-Lite with ports that rules for UDP and TCP permit"
    return [ip(dst, frames.udp(sport, dport, b"evasion!" * 2, number=number))
            for dst in PEERS + BULKS + ELSES for number in (132, 33, 136)
            for sport, dport in ((40000, 5000), (554, 40000))]


OVERLAYS = [(4789, b"\x08\0\0\0\0\0\1\0" + ETHER),          # VXLAN
            (8472, b"\x08\0\0\0\0\0\1\0" + ETHER),
            (6081, b"\0\0\x65\x58\0\0\1\0" + ETHER),        # GENEVE
            (2152, b"\x30\xff\0\x24\0\0\0\1" + INNER[4]),   # GTP-U
            (51820, b"\x01\0\0\0" + bytes(144)),            # WireGuard
            (1194, b"\x38" + bytes(13)),                    # OpenVPN
            (3544, INNER[6]),                               # Teredo
            (4754, gre(INNER[4], frames.ETH_IPV4)),         # GRE in UDP
            (6635, b"\0\1\1\x40" + INNER[4])]               # MPLS in UDP


@evasion("RFC 7348, RFC 8926, RFC 8086, RFC 4380, 3GPP TS 29.281",
         "destination, service", "route, bridge")
def test_tunnels_in_udp():
    "VXLAN, GENEVE, GTP, WireGuard, OpenVPN, Teredo, GRE and MPLS in UDP"
    return [udp(dst, port, body) for dst in PEERS + ELSES
            for port, body in OVERLAYS] + \
           both(lambda dst: udp(dst, data=OVERLAYS[0][1]))


@evasion("RFC 7348", "", "route, bridge")
def test_tunnels_by_a_rule():
    "tunnels in UDP to a peer that may have all of UDP: permitted"
    return [ok(udp(peer, port, body)) for peer in BULKS
            for port, body in OVERLAYS[:5]]


def message(dst, kind, code=0, rest=bytes(4), data=b""):
    "An ICMP message of the destination's family."
    make = frames.icmp6 if ":" in dst else frames.icmp
    return ip(dst, make(kind, code, rest, data))


def echo(dst, data=b"evasion!" * 8):
    "An echo request."
    return message(dst, 128 if ":" in dst else 8, 0, b"\x4c\x63\0\1", data)


@evasion("RFC 792, RFC 4443: ICMP tunnels (Loki, ptunnel)",
         "service, destination", "route, bridge")
def test_icmp_echo():
    "echo requests and answers to nobody's question, with data"
    return [frame for dst in PEERS + BULKS + ELSES for frame in (
        echo(dst), echo(dst, bytes(1200)), echo(dst, b""),
        message(dst, 129 if ":" in dst else 0, 0, b"\x4c\x63\0\1",
                b"evasion!"))]


@evasion("RFC 792, RFC 1812", "service, destination", "route, bridge")
def test_icmp_errors():
    "unreachable, time exceeded, parameter problem, redirect, with payload"
    return [message(dst, kind, code, rest, body)
            for dst in (PEER4, BULK4, ELSE4) for kind, code, rest in (
                (3, 0, bytes(4)), (3, 3, bytes(4)), (3, 4, b"\0\0\5\0"),
                (3, 13, bytes(4)), (4, 0, bytes(4)), (11, 0, bytes(4)),
                (11, 1, bytes(4)), (12, 0, b"\x14\0\0\0"),
                (5, 1, frames.ip(ELSE4)))
            for body in (frames.ipv4(dst, CAM4, UDP), b"evasion!" * 16)]


@evasion("RFC 4443", "service, destination", "route, bridge")
def test_icmp6_errors():
    "the same of ICMPv6, and packet too big"
    return [message(dst, kind, code, rest, body)
            for dst in (PEER6, BULK6, ELSE6) for kind, code, rest in (
                (1, 0, bytes(4)), (1, 4, bytes(4)), (2, 0, b"\0\0\5\0"),
                (3, 0, bytes(4)), (3, 1, bytes(4)), (4, 1, b"\0\0\0\6"),
                (100, 0, bytes(4)), (127, 0, bytes(4)))
            for body in (frames.ipv6(dst, CAM6, UDP), b"evasion!" * 16)]


@evasion("RFC 792, RFC 8335, RFC 950, RFC 4620", "service, destination",
         "route, bridge")
def test_icmp_questions():
    "timestamp, information, address mask, extended echo, node information"
    return [message(dst, kind, 0, b"\x4c\x63\0\1", bytes(12) + b"evasion!")
            for dst in (PEER4, ELSE4)
            for kind in (13, 14, 15, 16, 17, 18, 30, 40, 42, 43)] + \
           [message(dst, kind, 0, b"\x4c\x63\0\1", bytes(12) + b"evasion!")
            for dst in (PEER6, ELSE6)
            for kind in (139, 140, 144, 145, 160, 161, 200, 255)]


def query(dst, port):
    "A DNS question over UDP."
    return udp(dst, port, b"\x4c\x63\1\0\0\1\0\0\0\0\0\0"
                          b"\x08evasion1\x07example\0\0\x10\0\1")


@evasion("RFC 1035, RFC 7858, RFC 8484, RFC 9250: DNS tunnels (iodine)",
         "destination, service", "route, bridge")
def test_dns_elsewhere():
    "DNS, over TLS, HTTPS and QUIC, to resolvers that the policy does not name"
    return [frame for dst in (ELSE4, ELSE6, "192.0.2.53", "2001:db8:53::53",
                              PEER4, PEER6) for frame in (
        query(dst, 53), query(dst, 443), query(dst, 853), query(dst, 784),
        *(ip(dst, frames.tcp(40000, port, "S")) for port in (53, 443, 853)))]


@evasion("RFC 5905, RFC 3261, RFC 8489, RFC 1928", "service", "route, bridge")
def test_other_services_of_a_peer():
    "a permitted peer as a relay: time, names, SIP, STUN, SNMP, syslog, proxies"
    return [udp(dst, port) for dst in PEERS for port in (
        53, 123, 161, 514, 1080, 1900, 3478, 5060, 5353, 49152)] + \
           [ip(dst, frames.tcp(40000, port, "S")) for dst in PEERS
            for port in (80, 554, 1080, 3128, 3478, 5000, 8080)]


@evasion("RFC 5905: NTP, CVE-2013-5211", "service, destination",
         "route, bridge")
def test_permitted_port_as_the_source():
    "the permitted port at the wrong end, as servers' answers have it"
    return [ip(dst, frames.udp(sport, dport, b"evasion!"))
            for dst in PEERS + ELSES
            for sport, dport in ((5000, 123), (123, 123), (5000, 53),
                                 (554, 554))]


DISCOVERY = [("239.255.255.250", 3702), ("224.0.0.251", 5353),
             ("224.0.0.252", 5355), ("239.255.255.250", 1900),
             ("224.0.0.1", 5000), (LIMITED, 3702), (LIMITED, 5000),
             (LAN, 5000), (LAN, 137), (DIRECTED, 5000),
             ("ff02::c", 3702), ("ff02::fb", 5353), ("ff02::1:3", 5355),
             ("ff02::1", 5000), ("ff02::2", 5000), ("ff05::c", 3702),
             ("ff08::1", 5000), ("ff0e::c", 1900), ("ff01::1", 5000)]


@evasion("WS-Discovery, RFC 6762, RFC 4795, UPnP, RFC 919", "destination",
         "bridge")
def test_discovery():
    "WS-Discovery, mDNS, LLMNR, SSDP, broadcasts, all nodes: the whole LAN"
    return [group(dst, frames.udp(port, port, PROBE))
            for dst, port in DISCOVERY]


@evasion("RFC 1112, RFC 4291 section 2.7, RFC 2365", "destination", "groups",
         at="groups")
def test_routed_groups():
    "groups beyond the LAN where the gateway routes them"
    return [group(dst, frames.udp(port, port, PROBE))
            for dst in GROUPS4 + GROUPS6 for port in (3702, 5000)] + \
           [group(GROUPS4[0], frames.proto(47, GRES[0])),
            group(GROUPS6[0], frames.proto(47, GRES[0]))]


@evasion("RFC 4291 section 2.7, RFC 5771", "destination", at="groups")
def test_groups_of_the_link():
    "groups of the link where the gateway routes others"
    return [group(dst, frames.udp(5000, 5000, PROBE)) for dst in (
        "224.0.0.1", "224.0.0.251", "ff02::1", "ff02::c", "ff02::fb",
        "ff01::1", LIMITED, LAN)]


@evasion("RFC 2644, RFC 919", "destination", "groups", at="groups")
def test_directed_broadcast():
    "the broadcast address of another LAN of the gateway"
    return [ip(DIRECTED, frames.udp(5000, port, PROBE))
            for port in (5000, 137, 1900)] + \
           [ip(DIRECTED, frames.icmp(8, data=b"evasion!"))]


@evasion("RFC 4541, RFC 3376, RFC 3810",
         "upkeep_invalid, destination, ip_option, ext_header", "bridge")
def test_data_of_groups():
    "group reports with data behind them, and other things to their groups"
    report = b"\x22\0" + bytes(4) + b"\0\1" + b"\4\0\0\0" + frames.ip(
        "239.1.2.3")
    alert = frames.ROUTER_ALERT4
    return [group("224.0.0.22", frames.proto(2, report + b"evasion!"), hop=1,
                  options=alert),
            group("224.0.0.22", UDP, hop=1, options=alert),
            group("224.0.0.22", UDP, hop=1),
            group("ff02::16", frames.hop_by_hop(UDP, frames.ROUTER_ALERT6),
                  hop=1)]


@evasion("RFC 4861 section 7.1, RFC 3376, RFC 3810, RFC 5082",
         "upkeep_invalid", "bridge")
def test_upkeep_from_afar():
    "upkeep with a hop limit that a router may have left"
    def mld(hop):
        return group("ff02::16", frames.hop_by_hop(
            frames.icmp6(143, 0, b"\0\0\0\1", b"\4\0\0\0" +
                         frames.ip("ff02::1:ff00:17")),
            frames.ROUTER_ALERT6), src="fe80::17", hop=hop)
    return [group("ff02::1:ff00:1", frames.nd_ns(GW6, CAM_MAC), hop=hop)
            for hop in (0, 1, 64, 254)] + \
           [group("ff02::1", frames.nd_na(CAM6, CAM_MAC, 0x20), hop=hop)
            for hop in (1, 254)] + \
           [group("ff02::2", frames.nd_rs(CAM_MAC), hop=64),
            mld(2), mld(64), mld(255)] + \
           [group("239.1.2.3", frames.proto(2, frames.icmp(0x16, rest=frames.ip(
               "239.1.2.3")).build(b"", b"")), hop=hop) for hop in (0, 2, 64)]


def expiring(dst, hop):
    "Datagrams that would not get beyond the gateway."
    return [udp(dst, port, hop=hop) for port in (5001, 33434)]


@evasion("traceroute: RFC 1393, RFC 1812 section 5.3.1",
         "destination, service", "route", at="route", back=True)
def test_time_exceeded_as_an_oracle():
    "hop limit 1: the gateway's own error says that it would have sent it on"
    return [frame for dst in (ELSE4, ELSE6, PEER4, PEER6)
            for frame in expiring(dst, 1)]


@evasion("RFC 1812, RFC 8200", "destination, service", "some route, bridge")
def test_hop_limits():
    "hop limits of 0, 1 and 255 to a peer's other ports and to nobody"
    return [frame for dst in PEERS + ELSES for hop in (0, 1, 2, 255)
            for frame in expiring(dst, hop)]


@evasion("RFC 1812 section 4.3.2.7, RFC 4443 section 2.4",
         "destination, service, wrong_source", "some route", at="route",
         back=True)
def test_errors_as_an_oracle():
    "what the gateway would answer to packets that it cannot send on"
    return [ip("10.30.0.99", UDP, hop=1), ip("240.1.2.3", UDP),
            ip("2001:db8:30::99", UDP, hop=1),
            ip(ELSE4, frames.icmp(8, data=b"evasion!"), hop=1),
            ip(PEER4, frames.tcp(40000, 80, "S"), hop=1),
            ip(PEER6, frames.tcp(40000, 80, "S"), hop=1),
            ip(ELSE4, UDP, src=OTHER4, hop=1)]


@evasion("RFC 1122, RFC 4443", "destination", "route", at="route", back=True)
def test_questions_to_the_gateway():
    "the gateway itself: echo, a closed UDP port, a closed TCP port"
    return [frame for dst in (GW4, GW6, "10.20.0.1") for frame in (
        echo(dst), query(dst, 53), ip(dst, frames.tcp(40000, 22, "S")),
        ip(dst, frames.tcp(40000, 80, "S")))]


if __name__ == "__main__":
    main(globals())
