# SPDX-License-Identifier: GPL-2.0-only
"""ipset with iptables, in the raw table: the first place that iptables has.

One set says who has which address (hash:ip,mac). The permissions are one more
set, so that a frame costs two look-ups whatever the number of profiles: by
destination and port where there is one profile (hash:ip,port); otherwise with
the device's address too (hash:ip,port,ip), an entry for each device and rule,
because a set cannot lead to another set. Memory is what that costs.

The entries go in by netlink and not by `ipset restore`, which looks at
/etc/resolv.conf for each address: minutes for a million of them here.
"""

import re
import socket
import struct

import lcbench
from lib import nl

from . import Peer, Skip, command

NETLINK_NETFILTER, SUBSYS_IPSET, CMD_ADD, PROTOCOL = 12, 6, 9, 7
(A_PROTOCOL, A_SETNAME, A_DATA, A_ADT) = (1, 2, 7, 8)
(A_IP, A_PORT, A_PROTO, A_LINENO, A_ETHER, A_IP2) = (1, 4, 7, 9, 17, 20)
NET_BYTEORDER = 0x4000
CHUNK = 60000                           # bytes; an attribute holds 65,535


def power(count):
    """The next power of two: buckets for count entries."""
    return 1 << max(6, (count - 1).bit_length())


def address(number, addr):
    """An address of either family, as a nest."""
    kind = 1 if len(addr) == 4 else 2
    return nl.attr(number | nl.NLA_F_NESTED,
                   nl.attr(kind | NET_BYTEORDER, addr))


def service(rule):
    """Protocol and port."""
    return nl.attr(A_PORT | NET_BYTEORDER, struct.pack("!H", rule.low)) + \
        nl.attr(A_PROTO, bytes([rule.proto]))


class Filler:
    """Adds entries to a set."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_NETFILTER)
        self.sock.bind((0, 0))

    def add(self, name, family, entries):
        """Add encoded entries."""
        chunk, size = [], 0
        for entry in entries:
            data = nl.attr(A_DATA | nl.NLA_F_NESTED, entry)
            if size + len(data) > CHUNK:
                self._send(name, family, b"".join(chunk))
                chunk, size = [], 0
            chunk.append(data)
            size += len(data)
        self._send(name, family, b"".join(chunk))

    def _send(self, name, family, data):
        body = struct.pack("=BBH", family, 0, 0) + \
            nl.attr(A_PROTOCOL, bytes([PROTOCOL])) + \
            nl.attr(A_SETNAME, name.encode() + b"\0") + \
            nl.attr(A_LINENO | NET_BYTEORDER, bytes(4)) + \
            nl.attr(A_ADT | nl.NLA_F_NESTED, data)
        self.sock.sendto(struct.pack(
            "=IHHII", 16 + len(body), SUBSYS_IPSET << 8 | CMD_ADD,
            nl.NLM_F_REQUEST | nl.NLM_F_ACK, 1, 0) + body, (0, 0))
        err, = struct.unpack_from("=i", self.sock.recv(1 << 17), 16)
        if err:
            raise OSError(-err, f"ipset: adding to {name}: error {-err}")


class Ipset(Peer):
    """Two sets and two rules."""

    name = "ipset"

    def __init__(self, ifname):
        super().__init__(ifname)
        self.version = re.search(r"v([\d.]+)",
                                 command("ipset", "--version")).group(1)
        self.iptables = "iptables-legacy"
        self.filler = Filler()

    def variant(self, case):
        kind = "hash:ip,port" if len(case.profiles) == 1 else \
            "hash:ip,port,ip for each device and rule"
        return f"{self.version} in raw, hash:ip,mac and {kind}"

    def create(self, case, name, kind, count):
        """A set with room for count entries."""
        command("ipset", "create", name, kind, "family",
                "inet" if case.family == 4 else "inet6", "hashsize",
                str(power(count)), "maxelem", str(power(count) * 2))

    def fill(self, case):
        """Both sets."""
        family = socket.AF_INET if case.family == 4 else socket.AF_INET6
        line = nl.attr(A_LINENO | NET_BYTEORDER, bytes(4))
        shared = len(case.profiles) == 1
        self.create(case, "lcb_cameras", "hash:ip,mac", len(case.devices))
        self.filler.add("lcb_cameras", family, (
            address(A_IP, d.addr) + nl.attr(A_ETHER, d.mac) + line
            for d in case.devices))
        profiles = [[address(A_IP, r.addr) + service(r) for r in rules]
                    for rules in case.profiles]
        if shared:
            self.create(case, "lcb_rules", "hash:ip,port", case.rules())
            entries = (rule + line for rule in profiles[0])
        else:
            # The first address is the destination.
            self.create(case, "lcb_rules", "hash:ip,port,ip", sum(
                len(case.profiles[d.profile]) for d in case.devices))
            entries = (rule + address(A_IP2, d.addr) + line
                       for d in case.devices for rule in profiles[d.profile])
        self.filler.add("lcb_rules", family, entries)

    def load(self, case):
        if case.vlan:
            raise Skip("iptables sees frames of a VLAN only on the VLAN's own "
                       "interface, without the tag: as in case shared")
        if not case.exact:
            raise Skip("hash:net,port would hold prefixes, but each port of a "
                       "range as an entry of its own")
        self.place = lcbench.IPV4 if case.family == 4 else lcbench.IPV6
        self.iptables = ("iptables" if case.family == 4 else
                         "ip6tables") + "-legacy"
        self.fill(case)
        flags = "dst,dst" if len(case.profiles) == 1 else "dst,dst,src"
        rule = [self.iptables, "-w", "-t", "raw", "-A", "PREROUTING", "-i",
                self.ifname]
        command(*rule, "-m", "set", "--match-set", "lcb_cameras", "src,src",
                "-m", "set", "--match-set", "lcb_rules", flags, "-j", "ACCEPT")
        command(*rule, "-j", "DROP")

    def unload(self):
        command(self.iptables, "-w", "-t", "raw", "-F", "PREROUTING")
        command("ipset", "destroy", "lcb_rules")
        command("ipset", "destroy", "lcb_cameras")
