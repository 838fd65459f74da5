#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Rules: prefixes, protocols, ports of both sides, direction, ICMP types.

Each case runs for a camera on the LAN (identity mac) and for one behind a hop
(identity ip): the rules are the same, how the camera was found is not.
"""

from lib import frames, tap
from lib.policy import connects, rule, serves
from lib.scene import Scene, proves

MAC, ROUTER = "02:00:5e:10:00:17", "02:00:5e:ff:00:01"
ADDRESSES = {"mac": ["10.30.0.17", "2001:db8:30::17"],
             "ip": ["10.40.0.17", "2001:db8:40::17"]}
GUARDS = {"mac": ("cams", 30), "ip": ("hop", 40)}
FLAGS = ["", "S", "SA", "A", "F", "FA", "R", "RA", "PA", "SF", "SR", "SFRPAU",
         "U", "SP", "SU"]

S = None


def setup():
    "A guard for each identity."
    global S
    S = Scene()
    S.watch()
    for identity, (guard, vlan) in GUARDS.items():
        S.guard(guard, vlan=vlan, identity=identity)


def cameras(*rules, mode="enforce"):
    "Load the rules; the two cameras that have them."
    S.load({"profiles": {"p": {"class": 1, "mode": mode,
                               "rules": list(rules)}},
            "devices": {
                "mac": {"mac": MAC, "profile": "p",
                        "addresses": ADDRESSES["mac"]},
                "ip": {"profile": "p", "addresses": ADDRESSES["ip"]}}})
    return [S.sender(guard, identity, vlan=vlan, cls=1,
                     mac=MAC if identity == "mac" else ROUTER,
                     addresses=ADDRESSES[identity])
            for identity, (guard, vlan) in GUARDS.items()]


@proves("none", "destination")
def test_prefixes():
    "a prefix holds its first and last address and not their neighbours"
    inside = {
        "10.20.0.10/32": ("10.20.0.10", "10.20.0.10"),
        "10.21.0.8/31": ("10.21.0.8", "10.21.0.9"),
        "10.22.0.0/24": ("10.22.0.0", "10.22.0.255"),
        "10.24.0.0/15": ("10.24.0.0", "10.25.255.255"),
        "2001:db8:20::10/128": ("2001:db8:20::10", "2001:db8:20::10"),
        "2001:db8:21::/127": ("2001:db8:21::", "2001:db8:21::1"),
        "2001:db8:22::/64": ("2001:db8:22::",
                             "2001:db8:22::ffff:ffff:ffff:ffff"),
        "2001:db8:24::/47": ("2001:db8:24::",
                             "2001:db8:25:ffff:ffff:ffff:ffff:ffff"),
    }
    outside = ["10.20.0.9", "10.20.0.11", "10.21.0.7", "10.21.0.10",
               "10.21.255.255", "10.22.1.0", "10.23.255.255", "10.26.0.0",
               "0.0.0.0", "255.255.255.255", "224.0.0.1", "32.1.13.184",
               "2001:db8:20::f", "2001:db8:20::11", "2001:db8:21::2",
               "2001:db8:20:ffff:ffff:ffff:ffff:ffff", "2001:db8:22:1::",
               "2001:db8:21:ffff:ffff:ffff:ffff:ffff", "2001:db8:26::",
               "2001:db8:23:ffff:ffff:ffff:ffff:ffff", "::", "ff02::1",
               "::ffff:10.20.0.10", "::10.20.0.10", "a14:a::"]
    for one in cameras(*[connects(p, "udp", 5000) for p in inside]):
        for edges in inside.values():
            for dst in edges:
                one.passes(one.udp(dst, 5000))
        for dst in outside:
            one.drops(one.udp(dst, 5000), "destination")


@proves("none", "destination")
def test_everything_of_a_family():
    "a prefix of length 0 holds its family and nothing of the other"
    for one in cameras(connects("0.0.0.0/0", "udp", 5000)):
        one.passes(one.udp("8.8.8.8", 5000))
        one.passes(one.udp("255.255.255.255", 5000))
        one.drops(one.udp("2001:db8::1", 5000), "destination")
    for one in cameras(connects("::/0", "udp", 5000)):
        one.passes(one.udp("2001:db8::1", 5000))
        one.passes(one.udp("ff05::1", 5000))
        one.drops(one.udp("8.8.8.8", 5000), "destination")


@proves("destination")
def test_no_rules():
    "a profile without rules permits nothing"
    for one in cameras():
        one.drops(one.udp("10.20.0.10", 5000), "destination")
        one.drops(one.udp("2001:db8:20::10", 5000), "destination")


@proves("none", "service")
def test_port_edges():
    "a range of ports at the peer, from its first to its last"
    for proto in ("udp", "tcp"):
        for peer in ("10.20.0.10", "2001:db8:20::10"):
            for one in cameras(connects(peer, proto, (1000, 2000)),
                               connects(peer, proto, 0),
                               connects(peer, proto, 65535)):
                send = getattr(one, proto)
                for port in (0, 1000, 1001, 1999, 2000, 65535):
                    one.passes(send(peer, port))
                for port in (1, 999, 2001, 65534, 1000 ^ 0x8000):
                    one.drops(send(peer, port), "service")


@proves("none", "service")
def test_device_ports():
    "a range of ports at the camera, alone and with one at the peer"
    for proto in ("udp", "tcp"):
        for peer in ("10.20.0.10", "2001:db8:20::10"):
            for one in cameras(
                    rule(peer, proto, None, (6000, 6001)),
                    rule(peer, proto, 700, (800, 900))):
                send = getattr(one, proto)
                for dport, sport in ((1, 6000), (65535, 6001), (700, 6000),
                                     (700, 800), (700, 900)):
                    one.passes(send(peer, dport, sport=sport))
                for dport, sport in ((6000, 1), (1, 5999), (1, 6002),
                                     (700, 799), (700, 901), (699, 800),
                                     (701, 900), (800, 700)):
                    one.drops(send(peer, dport, sport=sport), "service")


@proves("none", "service")
def test_rules_do_not_mix():
    "destination, protocol and port must come from one and the same rule"
    for a, b in (("10.20.0.1", "10.20.0.2"),
                 ("2001:db8:20::1", "2001:db8:20::2")):
        for one in cameras(connects(a, "tcp", 80), connects(b, "udp", 53)):
            one.passes(one.tcp(a, 80))
            one.passes(one.udp(b, 53))
            one.drops(one.udp(a, 53), "service")
            one.drops(one.udp(a, 80), "service")
            one.drops(one.tcp(a, 53), "service")
            one.drops(one.tcp(b, 80), "service")
            one.drops(one.tcp(b, 53), "service")
            one.drops(one.ping(a), "service")


@proves("none", "service")
def test_numbered_protocols():
    "any protocol by its number: GRE, SCTP, ESP, AH, UDP-Lite, and the rest"
    numbers = [47, 132, 50, 51, 136, 4, 41, 89, 103, 33, 252]
    # What AH names must not be an extension header: say "no next header".
    data = bytes([59]) + bytes(23)
    for number in numbers:
        for peer in ("10.20.0.10", "2001:db8:20::10"):
            for one in cameras(connects(peer, number)):
                one.passes(one.ip(peer, frames.proto(number, data)))
                for other in (number - 1, 17, 6):
                    if other in (number, 135, 139, 140):
                        continue
                    body = {17: frames.udp(number, number),
                            6: frames.tcp(number, number)}.get(
                                other, frames.proto(other, data))
                    one.drops(one.ip(peer, body), "service")


@proves("none", "service")
def test_whole_protocol():
    "a protocol without ports permits all of its ports"
    for proto, other in (("udp", "tcp"), ("tcp", "udp")):
        for peer in ("10.20.0.10", "2001:db8:20::10"):
            for one in cameras(connects(peer, proto)):
                for dport, sport in ((0, 0), (1, 65535), (65535, 1)):
                    one.passes(getattr(one, proto)(peer, dport, sport=sport))
                    one.drops(getattr(one, other)(peer, dport, sport=sport),
                              "service")


@proves("none", "destination")
def test_any_protocol():
    "a rule of any protocol permits whatever can be parsed"
    for peer, else_ in (("10.20.0.10", "10.20.0.11"),
                        ("2001:db8:20::10", "2001:db8:20::11")):
        for one in cameras(connects(peer)):
            for dst, to in ((peer, one.passes),
                            (else_, lambda p, o=one: o.drops(
                                p, "destination"))):
                to(one.udp(dst, 1))
                to(one.tcp(dst, 1, "S"))
                to(one.tcp(dst, 1, "A"))
                to(one.ping(dst))
                to(one.ip(dst, frames.proto(47, bytes(8))))
                to(one.ip(dst, frames.proto(59)))
                to(one.ip(dst, frames.proto(50, bytes(2))))


@proves("none", "service")
def test_icmp_types():
    "for ICMP the range holds types"
    for one in cameras(connects("10.20.0.10", "icmp", (13, 14)),
                       connects("2001:db8:20::10", "icmpv6", (128, 129))):
        for kind in (13, 14):
            one.passes(one.ping("10.20.0.10", kind))
        for kind in (0, 3, 7, 8, 12, 15, 255):
            one.drops(one.ping("10.20.0.10", kind), "service")
        for kind in (128, 129):
            one.passes(one.ping("2001:db8:20::10", kind))
        for kind in (1, 2, 127, 139, 140, 255):
            one.drops(one.ping("2001:db8:20::10", kind), "service")


@proves("service")
def test_icmp_of_the_other_family():
    "ICMP in IPv6 and ICMPv6 in IPv4 are just protocol numbers"
    for one in cameras(connects("10.20.0.10", "icmp"),
                       connects("2001:db8:20::10", "icmpv6")):
        one.drops(one.ip("2001:db8:20::10", frames.icmp(8)), "service")
        one.drops(one.ip("10.20.0.10", frames.icmp6(128)), "service")


@proves("none", "direction")
def test_direction_tcp():
    "a served port never sees a SYN without ACK from the camera"
    for peer in ("10.20.0.10", "2001:db8:20::10"):
        for one in cameras(serves(peer, "tcp", 554)):
            for flags in FLAGS:
                packet = one.tcp(peer, 40000, flags, sport=554)
                if "S" in flags and "A" not in flags:
                    one.drops(packet, "direction")
                else:
                    one.passes(packet)
            one.drops(one.tcp(peer, 40000, "S", sport=554, data=b"in SYN"),
                      "direction")


@proves("service", "destination")
def test_direction_is_the_last_question():
    "service and destination are asked before the direction"
    for peer, else_ in (("10.20.0.10", "10.20.0.11"),
                        ("2001:db8:20::10", "2001:db8:20::11")):
        for one in cameras(serves(peer, "tcp", 554)):
            one.drops(one.tcp(peer, 554, "S", sport=40000), "service")
            one.drops(one.tcp(peer, 554, "A", sport=40000), "service")
            one.drops(one.tcp(else_, 1, "S", sport=554), "destination")
            one.drops(one.udp(peer, 1, sport=554), "service")


@proves("none", "direction")
def test_direction_any():
    "nor does a served any-protocol rule, nor one without ports"
    for peer in ("10.20.0.10", "2001:db8:20::10"):
        for rules in ([serves(peer)], [serves(peer, "tcp")]):
            for one in cameras(*rules):
                one.drops(one.tcp(peer, 1, "S"), "direction")
                one.drops(one.tcp(peer, 1, "SU"), "direction")
                one.passes(one.tcp(peer, 1, "SA"))
                one.passes(one.tcp(peer, 1, "A"))
        for one in cameras(serves(peer)):
            one.passes(one.udp(peer, 1))
            one.drops(one.ping(peer), "direction")


@proves("none")
def test_direction_one_of_many():
    "one rule that connects is enough, wherever it stands"
    for peer in ("10.20.0.10", "2001:db8:20::10"):
        first, second = serves(peer, "tcp", 554), connects(peer, "tcp")
        for rules in ([first, second], [second, first]):
            for one in cameras(*rules):
                one.passes(one.tcp(peer, 1, "S", sport=554))


@proves("none", "direction")
def test_direction_icmp():
    "served ICMP: answers pass, requests do not"
    requests = {4: (8, 13, 15, 17), 6: (128, 139)}
    answers = {4: (0, 3, 11, 14, 16, 18), 6: (1, 2, 3, 4, 129, 140)}
    for peer, family in (("10.20.0.10", 4), ("2001:db8:20::10", 6)):
        for one in cameras(serves(peer, "icmp" if family == 4 else "icmpv6")):
            for kind in requests[family]:
                one.drops(one.ping(peer, kind), "direction")
            for kind in answers[family]:
                one.passes(one.ping(peer, kind))


@proves("none")
def test_direction_udp():
    "UDP has no direction that one datagram could show"
    for peer in ("10.20.0.10", "2001:db8:20::10"):
        for one in cameras(serves(peer, "udp", 161)):
            one.passes(one.udp(peer, 40000, sport=161))


@proves("audit service", "audit direction", "audit destination")
def test_audit():
    "the same reasons when the profile is only audited"
    for peer, else_ in (("10.20.0.10", "10.20.0.11"),
                        ("2001:db8:20::10", "2001:db8:20::11")):
        for one in cameras(serves(peer, "tcp", 554), mode="audit"):
            one.passes(one.tcp(peer, 1, "A", sport=554))
            one.audits(one.tcp(peer, 1, "S", sport=554), "direction")
            one.audits(one.tcp(peer, 1, "A", sport=555), "service")
            one.audits(one.tcp(else_, 1, "A", sport=554), "destination")


@proves("none", "service")
def test_many_rules():
    "a thousand rules: the first, the last, and the gaps"
    rules = [connects(f"10.{n >> 8}.{n & 255}.1", "udp", 1000 + n)
             for n in range(500)]
    rules += [connects(f"2001:db8:{n:x}::1", "udp", 1000 + n)
              for n in range(500)]
    for one in cameras(*rules):
        for n in (0, 1, 249, 250, 498, 499):
            for dst in (f"10.{n >> 8}.{n & 255}.1", f"2001:db8:{n:x}::1"):
                one.passes(one.udp(dst, 1000 + n))
                one.drops(one.udp(dst, 1001 + n), "service")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
