# SPDX-License-Identifier: GPL-2.0-only
"""Frames as bytes, with right checksums unless a field is overridden.

    eth(dst, src, ipv4("10.30.0.17", "10.20.0.10", tcp(40000, 554, "S")))
    eth(dst, src, ipv6(a, b, hop_by_hop(fragment(udp(1, 2), offset=0))),
        vlans=[30])

What follows an IP header is bytes or a Part: something with a protocol
number that learns the addresses only when the IP header around it is built,
because of its checksum. The protocol and every length, checksum and offset
are computed; each can be overridden by a keyword. MAC and IP addresses are
text or bytes.
"""

import ipaddress
import os
import struct

ETH_IPV4, ETH_ARP, ETH_VLAN = 0x0800, 0x0806, 0x8100
ETH_IPV6, ETH_QINQ, ETH_PPPOE = 0x86dd, 0x88a8, 0x8864
BROADCAST = b"\xff" * 6

HOPOPTS, ICMP, IGMP, TCP, UDP = 0, 1, 2, 6, 17
ROUTING, FRAGMENT, ESP, AH, ICMP6, NONEXT, DSTOPTS = 43, 44, 50, 51, 58, 59, 60
MOBILITY, HIP, SHIM6 = 135, 139, 140

TCP_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}

ROUTER_ALERT4 = b"\x94\x04\x00\x00"
ROUTER_ALERT6 = b"\x05\x02\x00\x00"     # as a hop-by-hop option


def mac(value):
    """Six bytes of a MAC given as bytes or text."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return bytes.fromhex(value.replace(":", ""))


def ip(value):
    """4 or 16 bytes of an address given as bytes or text."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return ipaddress.ip_address(value).packed


def checksum(data):
    """The Internet checksum of data."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo(src, dst, proto, length):
    """The pseudo header of either family."""
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, proto, length)
    return src + dst + struct.pack("!II", length, proto)


def mapped_mac(dst):
    """The multicast MAC of a group address; None for a unicast address."""
    dst = ip(dst)
    if len(dst) == 4:
        if dst == b"\xff" * 4:
            return BROADCAST
        if dst[0] >> 4 == 14:
            return b"\x01\x00\x5e" + bytes([dst[1] & 0x7f]) + dst[2:]
    elif dst[0] == 0xff:
        return b"\x33\x33" + dst[12:]
    return None


class Part:
    """What follows an IP header: a protocol and a builder."""

    def __init__(self, proto, build):
        self.proto = proto
        self.build = build      # (src, dst) -> bytes


def _part(body):
    if isinstance(body, Part):
        return body
    return Part(None, lambda src, dst: bytes(body))


def _pick(value, computed):
    return computed if value is None else value


# Link layer

def eth(dst, src, body, kind=None, vlans=(), pad=True):
    """An Ethernet frame.

    kind is found from an IP or ARP body. vlans are ids or (TPID, TCI) pairs,
    outermost first. pad fills to 60 bytes, as a wire would.
    """
    if kind is None:
        kind = _kind(body)
    tags = b""
    for tag in vlans:
        tpid, tci = tag if isinstance(tag, tuple) else (ETH_VLAN, tag)
        tags += struct.pack("!HH", tpid, tci)
    frame = mac(dst) + mac(src) + tags + struct.pack("!H", kind) + body
    return frame + bytes(max(0, 60 - len(frame))) if pad else frame


def _kind(body):
    if body[:1] and body[0] >> 4 == 4:
        return ETH_IPV4
    if body[:1] and body[0] >> 4 == 6:
        return ETH_IPV6
    if body[:2] == b"\0\1":
        return ETH_ARP
    raise ValueError("eth(): give kind for a body that is not IP or ARP")


def arp(op, sender_mac, sender_ip, target_mac, target_ip, htype=1,
        ptype=ETH_IPV4, hlen=6, plen=4, extra=b""):
    """An ARP body: op 1 asks, 2 answers."""
    return (struct.pack("!HHBBH", htype, ptype, hlen, plen, op) +
            mac(sender_mac) + ip(sender_ip) + mac(target_mac) +
            ip(target_ip) + extra)


# Network layer

def ipv4(src, dst, body, proto=None, ihl=None, version=4, tos=0, total=None,
         ident=0x4c63, df=False, mf=False, offset=0, ttl=64, check=None,
         options=b""):
    """An IPv4 packet; offset is in units of 8 bytes."""
    src, dst = ip(src), ip(dst)
    part = _part(body)
    payload = part.build(src, dst)
    options = options + bytes(-len(options) % 4)
    head_len = 20 + len(options)
    frag = (int(df) << 14) | (int(mf) << 13) | offset
    head = struct.pack("!BBHHHBBH4s4s",
                       version << 4 | _pick(ihl, head_len // 4), tos,
                       _pick(total, min(head_len + len(payload), 0xffff)),
                       ident, frag, ttl,
                       _pick(_pick(proto, part.proto), 255), 0,
                       src, dst) + options
    value = _pick(check, checksum(head))
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def ipv6(src, dst, body, nexthdr=None, hop=64, version=6, tclass=0, flow=0,
         length=None):
    """An IPv6 packet."""
    src, dst = ip(src), ip(dst)
    part = _part(body)
    payload = part.build(src, dst)
    return struct.pack("!IHBB16s16s", version << 28 | tclass << 20 | flow,
                       _pick(length, min(len(payload), 0xffff)),
                       _pick(_pick(nexthdr, part.proto), NONEXT), hop,
                       src, dst) + payload


def pack_ip(src, dst, body, **fields):
    """ipv4() or ipv6(), by the addresses; hop= and nexthdr= fit both."""
    if len(ip(src)) == 4:
        for new, old in (("ttl", "hop"), ("proto", "nexthdr")):
            if old in fields:
                fields[new] = fields.pop(old)
        return ipv4(src, dst, body, **fields)
    return ipv6(src, dst, body, **fields)


def fragments4(src, dst, body, size, proto=None, **fields):
    """An IPv4 packet in fragments of size payload bytes (times 8)."""
    part = _part(body)
    data = part.build(ip(src), ip(dst))
    out = []
    for pos in range(0, len(data), size):
        out.append(ipv4(src, dst, data[pos:pos + size],
                        proto=_pick(proto, part.proto), offset=pos // 8,
                        mf=pos + size < len(data), **fields))
    return out


# IPv6 extension headers

def _ext(number, body, data, nexthdr=None, length=None):
    inner = _part(body)
    data = data + bytes(-(len(data) + 2) % 8)

    def build(src, dst):
        return (bytes([_pick(_pick(nexthdr, inner.proto), NONEXT),
                       _pick(length, (len(data) + 2) // 8 - 1)]) + data +
                inner.build(src, dst))
    return Part(number, build)


def _options(options):
    room = -(len(options) + 2) % 8      # padding after the options
    if room == 1:
        return options + b"\0"
    return options + (bytes([1, room - 2]) + bytes(room - 2) if room else b"")


def hop_by_hop(body, options=b"", **over):
    """Hop-by-hop options (padded) before body."""
    return _ext(HOPOPTS, body, _options(options), **over)


def dest_options(body, options=b"", **over):
    """Destination options (padded) before body."""
    return _ext(DSTOPTS, body, _options(options), **over)


def routing(body, kind=0, left=0, data=bytes(4), **over):
    """A routing header."""
    return _ext(ROUTING, body, bytes([kind, left]) + data, **over)


def extension(number, body, data=bytes(6), **over):
    """Any other header of the common shape (mobility, HIP, shim6)."""
    return _ext(number, body, data, **over)


def fragment(body, offset=0, more=False, ident=0x4c63, nexthdr=None,
             reserved=0):
    """A fragment header; offset is in units of 8 bytes."""
    inner = _part(body)

    def build(src, dst):
        return struct.pack("!BBHI", _pick(_pick(nexthdr, inner.proto), NONEXT),
                           reserved, offset << 3 | int(more),
                           ident) + inner.build(src, dst)
    return Part(FRAGMENT, build)


def fragments6(src, dst, body, size, ident=0x4c63, **fields):
    """An IPv6 packet in fragments of size payload bytes (times 8)."""
    part = _part(body)
    data = part.build(ip(src), ip(dst))
    return [ipv6(src, dst, fragment(data[pos:pos + size], offset=pos // 8,
                                    more=pos + size < len(data), ident=ident,
                                    nexthdr=part.proto), **fields)
            for pos in range(0, len(data), size)]


def authentication(body, length=4, spi=1, icv=bytes(12)):
    """An AH header (its length is in units of 4 bytes, minus 2)."""
    inner = _part(body)

    def build(src, dst):
        return struct.pack("!BBHII", _pick(inner.proto, NONEXT), length, 0,
                           spi, 1) + icv + inner.build(src, dst)
    return Part(AH, build)


def proto(number, data=b""):
    """Bytes of any protocol."""
    return Part(number, lambda src, dst: bytes(data))


# Transport layer

def tcp(sport, dport, flags="S", data=b"", seq=1, ack=0, window=64240,
        off=None, options=b"", check=None, urgent=0):
    """A TCP segment; flags are letters of FSRPAU or a number."""
    if isinstance(flags, str):
        flags = sum(TCP_FLAGS[letter] for letter in flags)
    options = options + bytes(-len(options) % 4)

    def build(src, dst):
        head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack,
                           _pick(off, (20 + len(options)) // 4) << 4, flags,
                           window, 0, urgent) + options
        whole = head + data
        value = _pick(check, checksum(
            pseudo(src, dst, TCP, len(whole)) + whole))
        return whole[:16] + struct.pack("!H", value) + whole[18:]
    return Part(TCP, build)


def udp(sport, dport, data=b"", length=None, check=None, number=UDP):
    """A UDP datagram."""
    def build(src, dst):
        whole = struct.pack("!HHHH", sport, dport,
                            _pick(length, min(8 + len(data), 0xffff)),
                            0) + data
        value = check
        if value is None:
            value = checksum(pseudo(src, dst, number, len(whole)) +
                             whole) or 0xffff
        return whole[:6] + struct.pack("!H", value) + whole[8:]
    return Part(number, build)


def icmp(kind=8, code=0, rest=b"\x4c\x63\x00\x01", data=b"", check=None):
    """An ICMP message: an echo request unless told otherwise."""
    def build(_src, _dst):
        whole = bytes([kind, code, 0, 0]) + rest + data
        return whole[:2] + struct.pack(
            "!H", _pick(check, checksum(whole))) + whole[4:]
    return Part(ICMP, build)


def icmp6(kind=128, code=0, rest=b"\x4c\x63\x00\x01", data=b"", check=None):
    """An ICMPv6 message: an echo request unless told otherwise."""
    def build(src, dst):
        whole = bytes([kind, code, 0, 0]) + rest + data
        value = checksum(pseudo(src, dst, ICMP6, len(whole)) + whole)
        return whole[:2] + struct.pack("!H", _pick(check, value)) + whole[4:]
    return Part(ICMP6, build)


# Neighbour discovery

def nd_option(kind, data, length=None):
    """An ND option; data is padded to units of 8 bytes."""
    data = data + bytes(-(len(data) + 2) % 8)
    return bytes([kind, _pick(length, (len(data) + 2) // 8)]) + data


def _link_option(kind, address):
    return nd_option(kind, mac(address)) if address else b""


def link_local(lladdr):
    """The link-local address that a host makes of its MAC: RFC 4291."""
    made = mac(lladdr)
    made = bytes([made[0] ^ 2]) + made[1:3] + b"\xff\xfe" + made[3:]
    return str(ipaddress.IPv6Address(ip("fe80::")[:8] + made))


def solicited_node(target):
    """The multicast group in which a neighbour is asked for."""
    return ip("ff02::1:ff00:0")[:13] + ip(target)[13:]


def nd_rs(lladdr=None, options=b"", code=0):
    """Router solicitation; lladdr becomes the source option."""
    return icmp6(133, code, bytes(4), _link_option(1, lladdr) + options)


def nd_ra(lladdr=None, options=b""):
    """Router advertisement."""
    return icmp6(134, 0, b"\x40\x00\x07\x08",
                 bytes(8) + _link_option(1, lladdr) + options)


def nd_ns(target, lladdr=None, options=b"", code=0):
    """Neighbour solicitation; lladdr becomes the source option."""
    return icmp6(135, code, bytes(4),
                 ip(target) + _link_option(1, lladdr) + options)


def nd_na(target, lladdr=None, flags=0x60, options=b"", code=0):
    """Neighbour advertisement; lladdr becomes the target option."""
    return icmp6(136, code, bytes([flags, 0, 0, 0]),
                 ip(target) + _link_option(2, lladdr) + options)


def nd_redirect(target, destination, options=b""):
    """Redirect."""
    return icmp6(137, 0, bytes(4), ip(target) + ip(destination) + options)


# DHCP

def dhcp4(chaddr, kind=1, xid=0x4c635f01, op=1, htype=1, hlen=6,
          hops=0, ciaddr="0.0.0.0", yiaddr="0.0.0.0", siaddr="0.0.0.0",
          giaddr="0.0.0.0", behind=b"", cookie=b"\x63\x82\x53\x63",
          options=b"", pad=0, flags=0x8000):
    """A DHCPv4 message (kind 1 discover, 3 request, 8 inform), for udp()."""
    body = struct.pack("!BBBBIHH", op, htype, hlen, hops, xid, 0, flags)
    body += ip(ciaddr) + ip(yiaddr) + ip(siaddr) + ip(giaddr)
    body += (mac(chaddr) + behind).ljust(16, b"\0") + bytes(192)
    body += cookie + bytes([53, 1, kind]) + options + b"\xff"
    return body + bytes(pad)


def dhcp6(kind=1, xid=0x4c6301, options=b""):
    """A DHCPv6 client message (1 solicit, 3 request, ...), for udp()."""
    return bytes([kind]) + xid.to_bytes(3, "big") + options


# Group membership

def igmp(kind, group="0.0.0.0", resp=0, extra=b"", check=None):
    """IGMP: 0x11 query, 0x12 and 0x16 report, 0x17 leave."""
    whole = bytes([kind, resp, 0, 0]) + ip(group) + extra
    whole = whole[:2] + struct.pack(
        "!H", _pick(check, checksum(whole))) + whole[4:]
    return Part(IGMP, lambda src, dst: whole)


def igmp3_report(groups, kind=4, check=None):
    """An IGMPv3 report: a change record for each group."""
    records = b"".join(struct.pack("!BBH", kind, 0, 0) + ip(g)
                       for g in groups)
    whole = struct.pack("!BBHHH", 0x22, 0, 0, 0, len(groups)) + records
    whole = whole[:2] + struct.pack(
        "!H", _pick(check, checksum(whole))) + whole[4:]
    return Part(IGMP, lambda src, dst: whole)


def mld(kind, group="::", alert=True, options=None):
    """MLD: 130 query, 131 report, 132 done; with its router alert."""
    inner = icmp6(kind, 0, bytes(4), ip(group))
    if not alert:
        return inner
    return hop_by_hop(inner, ROUTER_ALERT6 if options is None else options)


def mld2_report(groups, kind=4, alert=True):
    """An MLDv2 report: a change record for each group."""
    records = b"".join(struct.pack("!BBH", kind, 0, 0) + ip(g)
                       for g in groups)
    inner = icmp6(143, 0, struct.pack("!HH", 0, len(groups)), records)
    return hop_by_hop(inner, ROUTER_ALERT6) if alert else inner


def noise(size):
    """Random bytes."""
    return os.urandom(size)
