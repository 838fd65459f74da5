# SPDX-License-Identifier: GPL-2.0-only
"""The cases: a policy, and frames with the verdict that it implies.

A policy here is what all peers can say: devices, each a MAC bound to one
address, and profiles, each a list of permissions (destination, protocol,
destination port). Everything comes from fixed seeds.

The frames of a case are of two kinds: those that are timed, and probes, which
are only checked: near misses of every sort (a port, a protocol, a source
address, a MAC, another profile's server), so that a peer that forgot to look
at something is found out.
"""

import ipaddress
import random
import struct
from collections import namedtuple

from lcbench import DROP, PROBE

TCP, UDP = 6, 17
VLAN = 30
GATEWAY = bytes.fromhex("020000000001")
OUIS = [bytes.fromhex(text) for text in ("020011", "020022", "020033", "020044")]

# plen and low..high are more than one address and port only in the case of
# prefixes and ranges.
Rule = namedtuple("Rule", "addr plen proto low high")
Device = namedtuple("Device", "mac addr profile")
Frame = namedtuple("Frame", "flags data device")


class Case:
    """A policy and its frames."""

    def __init__(self, name, variant="", family=4, vlan=None):
        self.name = name
        self.variant = variant          # of the policy, if it has several
        self.family = family
        self.vlan = vlan
        self.profiles = []
        self.devices = []
        self.frames = []
        self.random = random.Random(f"lenscap {name}")
        self._permitted = {}

    @property
    def exact(self):
        """Are all rules single addresses and ports?"""
        return self.variant == ""

    @property
    def drops(self):
        """Is every timed frame dropped?"""
        return all(f.flags & DROP for f in self.frames if not f.flags & PROBE)

    def rules(self):
        """How many, unshared profiles or not."""
        return sum(map(len, self.profiles))

    def address(self, net, number):
        """An address: number within one of a few nets."""
        if self.family == 4:
            return struct.pack("!I", {"cam": 0x0a400000, "server": 0x0a140000,
                                      "site": 0xac100000,
                                      "abroad": 0x64400000}[net] + number)
        return struct.pack("!IHHII", 0x20010db8,
                           {"cam": 0x64, "server": 0x20, "site": 0x16,
                            "abroad": 0xffff}[net], 0, number >> 16,
                           number & 0xffff)

    def permits(self, profile, addr, proto, port):
        """Does a profile permit this? Slow for prefixes and ranges."""
        rules = self.profiles[profile]
        if self.exact:
            if profile not in self._permitted:
                if len(self._permitted) > 2000:
                    self._permitted.clear()
                self._permitted[profile] = {(r.addr, r.proto, r.low)
                                            for r in rules}
            return (addr, proto, port) in self._permitted[profile]
        number = int.from_bytes(addr, "big")
        return any(r.proto == proto and r.low <= port <= r.high and
                   (number ^ int.from_bytes(r.addr, "big")) >>
                   (len(addr) * 8 - r.plen) == 0 for r in rules)

    def frame(self, mac, src, dst, proto, port, ident=0, part=0x4000):
        """A frame of at least 60 bytes (64 with a VLAN tag); part is the word
        of an IPv4 header that says which fragment it is."""
        sport = self.random.randrange(32768, 61000)
        if proto == TCP:
            body = struct.pack("!HHIIBBHHH", sport, port, 1, 1, 0x50, 0x10,
                               8192, 0, 0)
        else:
            body = struct.pack("!HHHH", sport, port, 26, 0) + bytes(18)
        if self.family == 4:
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body),
                               ident,
                               part, 64, proto, 0, src, dst)
            total = sum(struct.unpack("!10H", head))
            total = (total & 0xffff) + (total >> 16)
            total = ~((total & 0xffff) + (total >> 16)) & 0xffff
            packet = b"\x08\x00" + head[:10] + struct.pack("!H", total) + \
                head[12:] + body
        else:
            packet = b"\x86\xdd" + struct.pack(
                "!IHBB16s16s", 0x60000000, len(body), proto, 64, src, dst) + \
                body
        if self.vlan:
            packet = struct.pack("!HH", 0x8100, self.vlan) + packet
        return (GATEWAY + mac + packet).ljust(64 if self.vlan else 60, b"\0")

    def add(self, device, dst, proto, port, flags=0, mac=None, src=None):
        """Add a frame of a device, or of somebody else who has its address
        (mac) or its MAC (src); the verdict follows from the policy."""
        about = self.devices[device]
        good = mac is None and src is None and self.permits(
            about.profile, dst, proto, port)
        self.frames.append(Frame(
            flags | (0 if good else DROP),
            self.frame(mac or about.mac, src or about.addr, dst, proto, port),
            None if mac else device))

    def within(self, rule):
        """A destination and port that a rule permits."""
        spare = len(rule.addr) * 8 - rule.plen
        number = int.from_bytes(rule.addr, "big") + \
            (self.random.getrandbits(spare) if spare else 0)
        return (number.to_bytes(len(rule.addr), "big"),
                self.random.randint(rule.low, rule.high))

    def permitted(self, device, rule=None, flags=0):
        """Add a frame that a rule of the device permits."""
        rule = rule or self.random.choice(
            self.profiles[self.devices[device].profile])
        dst, port = self.within(rule)
        self.add(device, dst, rule.proto, port, flags)

    def fragments(self, device):
        """Add a first fragment of a packet that is permitted, and a later one
        of a packet of which there is no first."""
        about = self.devices[device]
        rule = self.random.choice([r for r in self.profiles[about.profile]
                                   if r.proto == UDP])
        ident = self.random.randrange(0x8000)
        first = self.frame(about.mac, about.addr, rule.addr, UDP, rule.low,
                           ident, 0x2000)
        later = self.frame(about.mac, about.addr, rule.addr, UDP, rule.low,
                           ident | 0x8000, 0x2008)
        # Nothing that looks like ports.
        later = later[:34] + bytes(8) + later[42:]
        self.frames += [Frame(0, first, device), Frame(DROP, later, device)]

    def forbidden(self, device, flags=0):
        """Add a frame to an address that nobody may talk to."""
        self.add(device, self.address("abroad", self.random.getrandbits(20)),
                 self.random.choice((TCP, UDP)),
                 self.random.choice((53, 80, 443, 8000)), flags)

    def other_mac(self):
        """A MAC of nobody."""
        return b"\x06" + self.random.randbytes(5)

    def probes(self, count):
        """Add near misses, and as many hits."""
        for _ in range(count):
            number = self.random.randrange(len(self.devices))
            about = self.devices[number]
            rule = self.random.choice(self.profiles[about.profile])
            dst, port = self.within(rule)
            other = self.random.choice(
                self.profiles[self.random.randrange(len(self.profiles))])
            self.permitted(number, rule, PROBE)
            self.forbidden(number, PROBE)
            self.add(number, dst, rule.proto, port ^ 1, PROBE)
            self.add(number, dst, UDP + TCP - rule.proto, port, PROBE)
            self.add(number, *self.within(other)[:1], other.proto, other.low,
                     PROBE)
            self.add(number, dst, rule.proto, port, PROBE,
                     mac=self.other_mac())
            self.add(number, dst, rule.proto, port, PROBE,
                     src=self.devices[number - 1].addr)


def twenty(case, own, site):
    """The mix that an operator has: 20 rules, 9 destinations; the recorders
    and the management are the profile's own, the rest its site's."""
    nvr, spare, vms = (case.address("server", own * 4 + i) for i in range(3))
    ntp, ntp2, dns, dns2, log, broker = (case.address("site", site * 8 + i)
                                         for i in range(6))
    full = 32 if case.family == 4 else 128
    return [Rule(addr, full, proto, port, port) for addr, proto, port in (
        (nvr, TCP, 80), (nvr, TCP, 443), (nvr, TCP, 554), (nvr, UDP, 5004),
        (nvr, UDP, 5006), (spare, TCP, 443), (spare, TCP, 554),
        (spare, UDP, 5004), (spare, UDP, 5006), (vms, TCP, 443),
        (vms, TCP, 8554), (vms, TCP, 9000), (ntp, UDP, 123), (ntp2, UDP, 123),
        (dns, UDP, 53), (dns, TCP, 53), (dns2, UDP, 53), (log, UDP, 514),
        (log, TCP, 6514), (broker, TCP, 8883))]


def macs(case, count):
    """MACs as they are bought: a few vendors, the rest random."""
    seen = {}
    while len(seen) < count:
        seen[case.random.choice(OUIS) + case.random.randbytes(3)] = True
    return list(seen)


def fill(case, devices, profiles, addresses=None):
    """Profiles of twenty rules, and devices that use them in turn."""
    case.profiles = [twenty(case, p, p % 10) for p in range(profiles)]
    add_devices(case, addresses or macs(case, devices))


def add_devices(case, addresses):
    """Devices with these MACs."""
    case.devices = [Device(mac, case.address("cam", i),
                           i % len(case.profiles))
                    for i, mac in enumerate(addresses)]


def hot(size, name="hot"):
    """50 devices, one profile: everything is in the cache."""
    case = Case(name)
    fill(case, 50, 1)
    for device in range(50):
        for rule in case.profiles[0]:
            case.permitted(device, rule)
    return case


def shared(size, name="shared", **options):
    """Many devices share 100 profiles; two frames of each."""
    case = Case(name, **options)
    fill(case, size.devices, 100)
    for device in range(size.devices):
        case.permitted(device)
        case.permitted(device)
    return case


def unshared(size):
    """Each device has a profile of its own."""
    case = Case("unshared")
    fill(case, size.devices, size.devices)
    for device in range(size.devices):
        case.permitted(device)
        case.permitted(device)
    return case


def many_rules(case, count):
    """Distinct destinations and ports: 3 ports on each address or so."""
    seen = {}
    while len(seen) < count:
        rule = Rule(case.address("server", case.random.randrange(count // 3)),
                    32 if case.family == 4 else 128,
                    case.random.choice((TCP, UDP)),
                    *[case.random.randrange(1, 65000)] * 2)
        seen[rule] = True
    return list(seen)


def many_ranges(case, count):
    """Prefixes /24 to /32 that do not overlap, with one or two ranges of
    ports: pipapo refuses what overlaps in part."""
    rules, at = [], 0x0a140000
    while len(rules) < count:
        plen = case.random.choice((32, 32, 32, 30, 28, 27, 26, 24))
        size = 1 << (32 - plen)
        at = (at + size - 1) // size * size
        addr, proto = struct.pack("!I", at), case.random.choice((TCP, UDP))
        low = case.random.randrange(1, 30000)
        rules.append(Rule(addr, plen, proto, low, low + case.random.choice(
            (0, 0, 0, 1, 9, 99, 1000, 10000))))
        rules.append(Rule(addr, plen, proto, low + 20000, low + 20000))
        at += size * case.random.choice((1, 2, 5))
    return rules[:count]


def big(size, name="big", variant="", family=4):
    """50 devices share one profile of thousands of rules (of 20, by its name),
    of one address and port each or, in the variant, of prefixes and ranges."""
    case = Case(name, variant, family)
    few = name.endswith("-20")
    count = 20 if few else size.big
    if variant:
        case.profiles = [many_ranges(case, count)]
    elif few:
        case.profiles = [twenty(case, 0, 0)]
    else:
        case.profiles = [many_rules(case, count)]
    add_devices(case, macs(case, 50))
    for _ in range(2 * size.big):
        case.permitted(case.random.randrange(50))
    return case


def denied(size):
    """Known devices, every frame to a forbidden destination."""
    case = Case("denied")
    fill(case, size.devices, 100)
    for device in range(size.devices):
        case.forbidden(device)
        case.forbidden(device)
    return case


def fragments(size):
    """50 devices flood with fragments that do not belong together."""
    case = Case("fragments")
    fill(case, 50, 1)
    for number in range(size.packets // 4):
        case.fragments(number % 50)
    return case


def unknown(size):
    """MACs that are in no policy; the addresses are those of devices."""
    case = Case("unknown")
    fill(case, size.devices, 100)
    for number in range(2 * size.devices):
        device = number % size.devices
        rule = case.random.choice(case.profiles[case.devices[device].profile])
        case.add(device, rule.addr, rule.proto, rule.low, mac=case.other_mac())
    return case


def chosen(case, count):
    """MACs that an attacker chooses: in sequence, one and two bits apart, and
    equal in the half that most MACs differ in."""
    seen = {}
    for i in range(count // 2):
        seen[b"\x02\x5e\0" + i.to_bytes(3, "big")] = True
    base = int.from_bytes(b"\x02\x5f\x10\x20\x30\x40", "big")
    for i in range(46):
        for j in range(46):
            for k in range(46):
                if len(seen) >= count * 3 // 4:
                    break
                number = base ^ 1 << i ^ 1 << j ^ 1 << k
                if not number >> 40 & 1:
                    seen[number.to_bytes(6, "big")] = True
    i = 0
    while len(seen) < count:
        i += 1
        seen[b"\x02" + i.to_bytes(2, "big") + b"\x11\x22\x33"] = True
    return list(seen)


def adversarial(size, name="adversarial"):
    """Two frames of each device, and one of a stranger: with the device's
    MAC but for one bit, or (adversarial-random) any."""
    case = Case(name)
    own = chosen(case, size.devices) if name == "adversarial" else \
        [b"\x02" + case.random.randbytes(5) for _ in range(size.devices)]
    known = set(own)
    if len(known) != size.devices:
        raise AssertionError("the same MAC twice: choose another seed")
    fill(case, size.devices, 100, own)
    for device, mac in enumerate(own):
        case.permitted(device)
        case.permitted(device)
        while True:
            if name == "adversarial":
                other = (int.from_bytes(mac, "big") ^
                         1 << case.random.randrange(40)).to_bytes(6, "big")
            else:
                other = b"\x02" + case.random.randbytes(5)
            if other not in known:
                break
        rule = case.random.choice(case.profiles[case.devices[device].profile])
        case.add(device, rule.addr, rule.proto, rule.low, mac=other)
    return case


RANGES = "prefixes and ranges"

# What goals compare stands together: then the machine is the same for both.
CASES = {
    "hot": hot,
    "unshared": unshared,
    "shared": shared,
    "denied": denied,
    "unknown": unknown,
    "fragments": fragments,
    "big": big,
    "big-20": lambda size: big(size, "big-20"),
    "big-ranges": lambda size: big(size, "big", RANGES),
    "big-20-ranges": lambda size: big(size, "big-20", RANGES),
    "big-ipv6": lambda size: big(size, "big-ipv6", family=6),
    "big-ipv6-20": lambda size: big(size, "big-ipv6-20", family=6),
    "ipv6": lambda size: shared(size, "ipv6", family=6),
    "vlan": lambda size: shared(size, "vlan", vlan=VLAN),
    "adversarial": adversarial,
    "adversarial-random": lambda size: adversarial(size, "adversarial-random"),
}


def text(addr):
    """An address as people write it."""
    return str(ipaddress.ip_address(addr))


def mac_text(mac):
    """A MAC as people write it."""
    return mac.hex(":")
