# SPDX-License-Identifier: GPL-2.0-only
"""nftables in the netdev family: where Lenscap is too.

Device and address are one key of a verdict map, which goes to the chain of the
device's profile; there, one look-up in the profile's set. Or all in one set:
device, address, destination, protocol and port. No counters.
"""

import re

import lcbench
from traffic import TCP, mac_text, text

from . import Peer, Skip, command

# 10,000 chains and sets took half a minute to load in this kernel, 20,000 one
# minute. A single interval set of 40,000 elements took 4 s, of 80,000 19 s.
MAX_PROFILES = 10000
MAX_ELEMENTS = 20000                    # of one set, unless nothing else goes


def protocol(number):
    """As nft writes it."""
    return "tcp" if number == TCP else "udp"


class Nftables(Peer):
    """What both kinds of sets have in common."""

    name = "nftables"
    place = lcbench.NETDEV
    table = ""

    def __init__(self, ifname):
        super().__init__(ifname)
        self.version = re.search(r"v([\d.]+)",
                                 command("nft", "--version")).group(1)

    def rule_text(self, rule):
        """A rule as an element."""
        raise NotImplementedError

    def words(self, case):
        """Words that depend on the family."""
        tag = f"vlan id {case.vlan} " if case.vlan else ""
        return ("ip", "ipv4_addr", tag) if case.family == 4 else \
            ("ip6", "ipv6_addr", tag)

    def set_of(self, name, kind, elements, flags=""):
        """A set with its elements."""
        return (f"set {name} {{\ntype {kind}; {flags}\n"
                f"elements = {{ {', '.join(elements)} }}\n}}\n")

    def profile_chains(self, case, flags=""):
        """A verdict map to a chain with a set, for each profile."""
        ip, kind, tag = self.words(case)
        parts = []
        for number, rules in enumerate(case.profiles):
            parts.append(self.set_of(
                f"s{number}", f"{kind} . inet_proto . inet_service",
                map(self.rule_text, rules), flags))
            parts.append(f"chain p{number} {{\n{ip} daddr . meta l4proto . "
                         f"th dport @s{number} accept\n}}\n")
        elements = ", ".join(
            f"{mac_text(d.mac)} . {text(d.addr)} : goto p{d.profile}"
            for d in case.devices)
        parts.append(f"map cameras {{\ntype ether_addr . {kind} : verdict\n"
                     f"elements = {{ {elements} }}\n}}\n")
        parts.append(self.base(f"{tag}ether saddr . {ip} saddr vmap @cameras"))
        return "".join(parts)

    def base(self, rule):
        """The base chain."""
        return (f"chain in {{\ntype filter hook ingress device "
                f"\"{self.ifname}\" priority 0; policy drop;\n{rule}\n}}\n")

    def body(self, case):
        """What stands in the table."""
        raise NotImplementedError

    def load(self, case):
        command("nft", "-f", "-", stdin=(
            f"table netdev {self.table} {{\n{self.body(case)}}}\n").encode())

    def unload(self):
        command("nft", "-f", "-", stdin=(
            f"table netdev {self.table}\n"
            f"delete table netdev {self.table}\n").encode())


class Exact(Nftables):
    """Hash sets of single addresses and ports."""

    table = "bench_exact"

    def variant(self, case):
        return f"exact, nftables {self.version}, hash sets"

    def rule_text(self, rule):
        return f"{text(rule.addr)} . {protocol(rule.proto)} . {rule.low}"

    def body(self, case):
        if not case.exact:
            raise Skip("exact sets hold no prefixes and ranges")
        if len(case.profiles) > MAX_PROFILES:
            raise Skip(f"{len(case.profiles):,} chains and sets take minutes "
                       "to load (20,000: one); the other way is one set")
        return self.profile_chains(case)


class OneSet(Exact):
    """One hash set of all that any device may do."""

    table = "bench_one"

    def variant(self, case):
        return f"exact, nftables {self.version}, one hash set for all"

    def body(self, case):
        if not case.exact:
            raise Skip("exact sets hold no prefixes and ranges")
        count = sum(len(case.profiles[d.profile]) for d in case.devices)
        if count > MAX_ELEMENTS and len(case.profiles) < len(case.devices):
            raise Skip(f"one set of {count:,} elements takes long to load; "
                       "such a set is measured in case unshared")
        ip, kind, tag = self.words(case)
        return self.set_of(
            "allowed",
            f"ether_addr . {kind} . {kind} . inet_proto . inet_service",
            (f"{mac_text(d.mac)} . {text(d.addr)} . {self.rule_text(rule)}"
             for d in case.devices for rule in case.profiles[d.profile])
        ) + self.base(f"{tag}ether saddr . {ip} saddr . {ip} daddr . "
                      "meta l4proto . th dport @allowed accept")


class Interval(Nftables):
    """Concatenated sets of prefixes and ranges."""

    table = "bench_interval"

    def variant(self, case):
        about = f"interval, nftables {self.version}, pipapo (C variant)"
        return about + (f", {case.variant}" if case.variant else "")

    def rule_text(self, rule):
        full = len(rule.addr) * 8
        plen = "" if rule.plen == full else f"/{rule.plen}"
        high = "" if rule.low == rule.high else f"-{rule.high}"
        return (f"{text(rule.addr)}{plen} . {protocol(rule.proto)} . "
                f"{rule.low}{high}")

    def body(self, case):
        if len(case.profiles) > MAX_PROFILES:
            raise Skip(f"{len(case.profiles):,} chains and sets take minutes "
                       "to load (20,000: one), and the time for one set grows "
                       "with its square (80,000 elements: 19 s)")
        return self.profile_chains(case, "flags interval;")
