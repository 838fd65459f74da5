#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by how a frame lies in the gateway's memory.

Headers in page fragments, super-packets that are still to be cut up or were
put together, checksums that are still to be made, frames of which there are
several at once. A virtual camera, or a driver, may hand over any of these;
what they say must be judged the same, and what is permitted must arrive whole.
"""

import os
import re
import shutil
import socket
import struct

from lib import evasion, frames, io, net, path, policy, tap
from lib.evasion import (BULK4, BULK6, CAM4, CAM6, CAM_MAC, ELSE4, ELSE6, GW4,
                         GW_MAC, PEER4, PEER6, PING4, PING6, PORT, SERVED, ip,
                         ok, udp, virtual)
from lib.path import DENIED, PERMITTED, denied, mixed, need

PEERS, BULKS, ELSES = [PEER4, PEER6], [BULK4, BULK6], [ELSE4, ELSE6]
BIG = bytes(range(256)) * 20            # more than a page
TCP4, UFO, TCP6, USO, ECN = 1, 3, 4, 5, 0x80


def big(dst, port=PORT, **how):
    "A datagram of which only the Ethernet header is in linear memory."
    return udp(dst, port, BIG, **how)


def unsummed(frame, start, offset):
    "A frame whose checksum covers the pseudo header alone, so far."
    packet, proto = frame[14:], 17 if offset == 6 else 6
    src, dst = (packet[12:16], packet[16:20]) if packet[0] >> 4 == 4 else \
        (packet[8:24], packet[24:40])
    value = ~frames.checksum(frames.pseudo(src, dst, proto,
                                           len(frame) - start)) & 0xffff
    at = start + offset
    return frame[:at] + struct.pack("!H", value) + frame[at + 2:]


def tcp(dst, size=30000, segment=1400, sport=SERVED, dport=40000, flags="PA",
        kind=None, header=None):
    "A TCP super-packet; kind and header are what the virtio header says."
    start = 54 if ":" in dst else 34
    frame = unsummed(ip(dst, frames.tcp(sport, dport, flags, bytes(size)),
                        pad=False), start, 16)
    return virtual(frame, io.gso_header(
        kind or (TCP6 if ":" in dst else TCP4), segment,
        start + 20 if header is None else header, start, 16))


def segments(dst, port=PORT, size=12000, segment=1000, kind=USO, header=None):
    "A UDP super-packet."
    start = 54 if ":" in dst else 34
    frame = unsummed(udp(dst, port, bytes(size), pad=False), start, 6)
    return virtual(frame, io.gso_header(
        kind, segment, start + 8 if header is None else header, start, 6))


# Where headers lie

@evasion.evasion("skb_header_pointer(): page fragments",
                 "destination, service", "route, bridge, tap",
                 at="route, bridge, tap")
def test_page_fragments():
    "headers in page fragments, to nobody, to a port that is not permitted"
    return [big(dst) for dst in ELSES] + [big(dst, 5001) for dst in PEERS] + \
           [ok(big(dst)) for dst in PEERS]


@evasion.evasion("skb_header_pointer(): page fragments",
                 "service, ext_header, ip_option, destination", "bridge, tap",
                 at="bridge, tap")
def test_page_fragments_behind_headers():
    "the same behind options and extension headers"
    other, good = frames.udp(1, 5001, BIG), frames.udp(1, PORT, BIG)
    far = frames.dest_options(frames.dest_options(good, bytes(200)),
                              bytes(200))
    return [ip(PEER6, frames.hop_by_hop(other)),
            ip(PEER6, frames.dest_options(other)), ip(PEER6, far),
            ip(PEER6, frames.routing(good)),
            ip(PEER4, other, options=frames.ROUTER_ALERT4),
            ip(PEER4, good, options=b"\x83\x07\x04" + bytes(5)),
            ip(ELSE6, frames.dest_options(good)),
            ok(ip(PEER6, frames.dest_options(good)))]


@evasion.evasion("virtio_net_hdr: hdr_len", "destination, service",
                 "route, bridge, tap", at="route, bridge, tap")
def test_headers_across():
    "super-packets whose headers are cut in two at every byte"
    out = [tcp(dst, 6000, header=size) for dst in ELSES
           for size in range(14, 60, 3)] + \
          [tcp(dst, 6000, sport=80, header=size) for dst in PEERS
           for size in range(14, 60, 3)]
    return out + [ok(tcp(dst, 6000, header=size)) for dst in PEERS
                  for size in (14, 24, 34, 40)]


# Super-packets

@evasion.evasion("Linux: TSO", "destination, service, direction",
                 "route, bridge, tap", at="route, bridge, tap")
def test_tcp_super_packets():
    "TCP super-packets, of 3 KB to almost 64 KB"
    return [frame for size in (3000, 30000, 64000) for frame in (
        *(tcp(dst, size) for dst in ELSES),
        *(tcp(dst, size, sport=80) for dst in PEERS),
        *(tcp(dst, size, flags="S") for dst in PEERS),
        *(ok(tcp(dst, size)) for dst in PEERS))]


@evasion.evasion("Linux: USO", "destination, service", "route, bridge, tap",
                 at="route, bridge, tap")
def test_udp_super_packets():
    "UDP super-packets that become datagrams"
    return [segments(dst) for dst in ELSES] + \
           [segments(dst, 5001) for dst in PEERS] + \
           [ok(segments(dst)) for dst in PEERS]


@evasion.evasion("Linux: UFO", "destination, service", "tap", at="tap")
def test_ufo():
    "UDP super-packets that become IP fragments"
    return [segments(dst, kind=UFO) for dst in ELSES] + \
           [segments(dst, 5001, kind=UFO) for dst in PEERS]


@evasion.evasion("virtio_net_hdr: UFO, inet_gso_segment()", "bad_header",
                 "tap", at="tap")
def test_ufo_with_holes():
    "ones whose fragments are no multiple of 8 bytes, so that none is complete"
    return [segments(dst, size=3000, segment=size, kind=UFO)
            for dst in PEERS for size in (999, 1001, 1004)]


@evasion.evasion("virtio_net_hdr: UFO, ipv6_gso_segment()", "bad_header",
                 "tap", at="tap")
def test_ufo_that_begins_again():
    "of more than 64 KiB, in a jumbogram: the last fragment is at offset 0"
    again = frames.udp(40000, 5001, b"evasion!").build(frames.ip(CAM6),
                                                       frames.ip(PEER6))
    body = frames.udp(40000, PORT, bytes(65536 - 8) + again, check=0x1234,
                      length=0xffff).build(frames.ip(CAM6), frames.ip(PEER6))
    jumbo = struct.pack("!BBBBI", frames.UDP, 0, 0xc2, 4, 8 + len(body))
    return [virtual(ip(PEER6, jumbo + body, pad=False, nexthdr=0, length=0),
                    io.gso_header(UFO, 1024, 70, 62, 6))]


@evasion.evasion("virtio_net_hdr: UFO, ipv6_gso_segment()", "bad_header",
                 "tap", at="tap")
def test_ufo_behind_extension_headers():
    "behind destination options, whose length is added to each offset"
    header = io.gso_header(UFO, 1000, 70, 62, 6)
    return [virtual(ip(PEER6, frames.dest_options(frames.udp(
        40000, PORT, bytes(size))), pad=False), b"\0" + header[1:])
            for size in (3000, 60000)]


@evasion.evasion("virtio_net_hdr: UFO, net/ipv4/udp_offload.c", "bad_header",
                 "tap", at="tap")
def test_fragments_that_are_super_packets():
    "a later fragment that is cut up behind the guard, into ones from offset 0"
    out = []
    for ident, summed in ((0x7001, True), (0x7002, False)):
        evil = frames.udp(40000, 5001, b"evasion!" * 200).build(
            frames.ip(CAM4), frames.ip(PEER4))
        header = io.gso_header(UFO, 520, 42, 34, 6)
        out += [ok(ip(PEER4, frames.udp(40000, PORT, bytes(24), length=2000),
                      mf=True, ident=ident)),
                virtual(ip(PEER4, evil, proto=frames.UDP, ident=ident,
                           offset=100, pad=False),
                        header if summed else b"\0" + header[1:])]
    return out


@evasion.evasion("virtio_net_hdr, CVE-2024-43817", "destination",
                 "route, bridge, some tap", at="route, bridge, tap")
def test_super_packets_that_lie():
    "segments of 1 byte and of all, a kind of another protocol, odd lengths"
    return [tcp(dst, 3000, segment, kind=kind, header=header)
            for dst in ELSES for segment in (1, 8, 1400, 65535)
            for kind in (TCP4, TCP6, TCP4 | ECN, TCP6 | ECN)
            for header in (0, 14, 34, 3000)] + \
           [segments(dst, size=3000, kind=kind)
            for dst in ELSES for kind in (TCP4, TCP6, USO)]


@evasion.evasion("virtio_net_hdr: csum_start, csum_offset",
                 "bad_header, destination", "some route, bridge, some tap",
                 at="route, bridge, tap")
def test_checksums_that_lie():
    "a checksum that is still to be made, anywhere in the frame"
    return [virtual(udp(dst), io.gso_header(0, 0, 0, start, offset))
            for dst in ELSES for start in (14, 20, 26, 30, 34, 38, 54)
            for offset in (2, 6, 10, 12)]


def sums_by_software(here):
    "Checksums are made by skb_checksum_help(), where the frame leaves."
    need("ethtool", ["ip", "netns", "exec", here.gw.name, "ethtool", "-K",
                     "wan", "tx", "off"])


def rewritten(dst, start, offset, wanted, sport=40000, dport=PORT):
    """A permitted datagram that is another when its checksum has been made.

    The sum of all that is from start on lands at offset behind it; it includes
    what was there, and what the data are filled up with.
    """
    def build(fill):
        return ip(dst, frames.udp(sport, dport, DENIED + struct.pack("!H", fill)
                                  + bytes(20), check=0), pad=False)
    # A hop behind: the sum is made after the gateway has changed the limit.
    frame = build(0)
    total = frames.checksum(frame[start:])
    fill = (total - wanted) % 0xffff
    return virtual(build(fill), io.gso_header(0, 0, 0, start, offset))


@path.path("virtio_net_hdr: skb_checksum_help() writes at csum_offset",
           "bad_header", at="route, bridge")
def test_checksum_over_headers(here):
    "a checksum that is made behind the hook, over ports and addresses"
    sums_by_software(here)
    outs = [rewritten(PEER4, 34, 2, 53), rewritten(PEER4, 30, 4, 53),
            rewritten(PEER6, 54, 2, 53), rewritten(PEER6, 38, 14, 0x0066),
            # As DHCP it is wrong, but here it is none.
            rewritten(BULK4, 34, 2, 53, 68, 67),
            rewritten(BULK6, 38, 14, 0x0066, 546, 547)]
    yield outs
    if not here.sock:
        seen = [f.data for f in here.seen.frames if DENIED in f.data]
        tap.equal([data[36:38] for data in seen[:1]], [b"\0\x35"], "port")
        tap.true(frames.ip(PEER6) != seen[3][38:54], "an address as it was")
        tap.true(frames.ip(BULK6) != seen[5][38:54], "an address as it was")


@path.path("virtio_net_hdr: skb_checksum_help() writes at csum_offset",
           "bad_header", at="route, bridge")
def test_checksum_over_a_quote(here):
    "the same over the address that an ICMP error quotes: it is another then"
    sums_by_software(here)
    udp_part = frames.udp(4321, 5004, DENIED)
    # Where the destination of the quote ends.
    end4, end6 = 14 + 20 + 8 + 20, 14 + 40 + 8 + 40
    error4 = ip(PING4, frames.icmp(3, 3, bytes(4), frames.ipv4(
        PING4, CAM4, udp_part)), pad=False)
    error6 = ip(PING6, frames.icmp6(1, 4, bytes(4), frames.ipv6(
        PING6, CAM6, udp_part)), pad=False)
    yield [virtual(error4, io.gso_header(0, 0, 0, end4 - 4, 2)),
           virtual(error6, io.gso_header(0, 0, 0, end6 - 4, 2))]
    if not here.sock:
        seen = [f.data for f in here.seen.frames if DENIED in f.data]
        tap.true(frames.ip(CAM4) != seen[0][end4 - 4:end4], "as it was")
        tap.true(frames.ip(CAM6) != seen[1][end6 - 16:end6], "as it was")


@path.path("virtio_net_hdr: skb_checksum_help() writes at csum_offset",
           "upkeep_invalid", at="bridge")
def test_checksum_over_upkeep(here):
    "the same over what an ARP answer says"
    sums_by_software(here)
    claim = frames.eth(GW_MAC, CAM_MAC, frames.arp(
        2, CAM_MAC, CAM4, GW_MAC, GW4, extra=DENIED), pad=False)
    yield [virtual(claim, io.gso_header(0, 0, 0, 28, 2))]


# Put together by the gateway

def numbered(count=24):
    "Datagrams to nobody and to a peer by turns, each with a number."
    out = []
    for number in range(count):
        out += [udp(BULK4, 7, PERMITTED + b"%03d" % number),
                udp(ELSE4, 7, DENIED + b"%03d" % number)]
    return [ok(frame) if PERMITTED in frame else frame for frame in out]


def together(here, *features):
    "Frames come in bursts, and the trunk puts them together."
    if not shutil.which("ethtool") or not shutil.which("tc"):
        raise tap.Skip("needs ethtool and tc")
    here.gw.run(["ethtool", "-K", "trunk", "gro", "on"])
    for feature in features:
        need(feature, ["ip", "netns", "exec", here.gw.name, "ethtool", "-K",
                       "trunk", feature, "on"])
    need("netem", ["tc", "-n", here.cam.name, "qdisc", "add", "dev", "eth0",
                   "root", "netem", "delay", "100ms"])
    here.merges = True


def intact(here, count=24):
    "All of the permitted ones, once each."
    data = b"".join(frame.data for frame in here.seen.frames)
    tap.equal(sorted(re.findall(PERMITTED + rb"(\d{3})", data)),
              [b"%03d" % number for number in range(count)], "numbers")


@path.path("Linux: GRO by fragment lists (rx-gro-list)", "destination")
def test_gro_list(here):
    "datagrams that GRO puts into a list of fragments"
    together(here, "rx-gro-list")
    yield numbered()
    intact(here)


@path.path("Linux: UDP GRO for forwarding", "destination")
def test_gro_udp(here):
    "datagrams that GRO puts into one, for forwarding"
    together(here, "rx-udp-gro-forwarding")
    yield numbered()
    intact(here)


@path.path("Linux: GRO", "destination, service")
def test_gro_tcp(here):
    "TCP segments that GRO puts together, of permitted flows and of others"
    together(here)
    out, seq = [], 1
    for number in range(24):
        for dst, sport, mark in ((PEER4, SERVED, PERMITTED),
                                 (PEER4, 80, DENIED), (ELSE4, SERVED, DENIED)):
            frame = ip(dst, frames.tcp(sport, 40000, "A", mark + b"%03d" %
                                       number, seq, 1))
            out.append(ok(frame) if mark is PERMITTED else frame)
        seq += len(PERMITTED) + 3
    yield out
    intact(here)


@path.path("udp(7): UDP_SEGMENT", "destination, service")
def test_udp_segment(here):
    "super-packets of datagrams that a real socket sends"
    here.cam.batch([f"addr add {CAM4}/24 dev eth0",
                    f"neigh replace {GW4} lladdr {GW_MAC} dev eth0",
                    f"route add default via {GW4}"])
    sock = here.cam.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.world.defer(sock.close)
    sock.setsockopt(socket.IPPROTO_UDP, 103, 1000)          # UDP_SEGMENT

    class Socket:                   # pylint: disable=too-few-public-methods
        "A link that sends what is in a frame by the socket."
        @staticmethod
        def send(frame):
            "Cut up by the kernel."
            sock.sendto(frame[42:], (socket.inet_ntoa(frame[30:34]),
                                     int.from_bytes(frame[36:38], "big")))
    here.links["socket"] = Socket
    yield [evasion.Out(udp(dst, port, mark.ljust(10000, b".")), "socket",
                       mark is PERMITTED) for dst, port, mark in (
        (ELSE4, 7, DENIED), (PEER4, 7, DENIED), (BULK4, 7, PERMITTED),
        (ELSE4, PORT, DENIED), (PEER4, PORT, PERMITTED))]


# Several at once

def listeners(here):
    "Packet sockets on the gateway, which share all frames with the hook."
    for _ in range(2):
        capture = io.Capture(here.gw, "trunk")
        here.world.defer(capture.close)


@path.path("packet(7): the receive path shares frames with packet sockets",
           "destination, service", at="route, bridge")
def test_listeners(here):
    "packet sockets on the guard's interface: frames are shared"
    listeners(here)
    yield mixed() + [udp(PEER4, 9, DENIED + BIG),
                     ok(udp(BULK4, 9, PERMITTED + BIG))]


@path.path("tc-mirred(8)", "destination", at="route, bridge")
def test_mirrored_behind(here):
    "a tc filter behind the hook that copies what goes out: no more than that"
    if not shutil.which("tc"):
        raise tap.Skip("needs tc")
    here.gw.ip("link add copy type dummy")
    here.gw.up("copy")
    run = ["tc", "-n", here.gw.name]
    need("clsact", [*run, "qdisc", "add", "dev", "wan", "clsact"])
    need("mirred", [*run, "filter", "add", "dev", "wan", "egress", "matchall",
                    "action", "mirred", "egress", "mirror", "dev", "copy"])
    copies = io.Capture(here.gw, "copy", outgoing=True)
    here.world.defer(copies.close)
    here.others.append(copies)
    yield mixed()
    tap.true(copies.count(lambda f: PERMITTED in f.data), "copies")


@path.path("net/bridge/br_forward.c: flooding clones", at="bridge",
           reason="destination")
def test_flooded(here):
    "a frame for several ports: what becomes of one does not change the others"
    # Behind the second port, another guard, which does not know the camera.
    here.gw.batch(["link add again type veth peer name away",
                   "link set away master br0",
                   "link set away type bridge_slave learning off",
                   "link set away up", "link set again up"])
    path.nft(here, """table bridge t {
        counter tagged { }
        counter bare { }
        chain out { type filter hook postrouting priority 0;
            meta mark & 0xff000000 == 0x4c000000 counter name tagged
            meta mark & 0xff000000 != 0x4c000000 counter name bare } }""",
             "bridge family")
    everybody = frames.BROADCAST
    if here.sock:
        policy.load(here.sock, {**evasion.POLICY, "devices": {"cam": {
            **evasion.POLICY["devices"]["cam"], "guard": "g"}}})
        policy.guard(here.sock, "h", "again")
        policy.wait_guard(here.sock, "h", "armed")
    yield mixed(to=everybody)
    if here.sock:
        unknown = policy.reason(here.sock, "h", "unknown_device")
        tap.true(unknown["dropped_packets"] >= 2, unknown)
        tap.equal(path.counter(here, "bare", family="bridge"), 0,
                  "copies without the tag")
    tap.true(path.counter(here, "tagged" if here.sock else "bare",
                          family="bridge") >= 4, "copies")


def pktgen(here, name, *lines):
    "Write lines to a file of the gateway's packet generator."
    def write():
        for line in lines:
            with open(f"/proc/thread-self/net/pktgen/{name}", "w",
                      encoding="ascii") as file:
                file.write(line + "\n")
    here.gw.call(write)


@path.path("pktgen: xmit_mode netif_receive, burst", "destination")
def test_shared(here):
    "one frame that is received many times over, by a packet generator"
    net.run(["modprobe", "-q", "pktgen"], check=False)
    if not os.path.exists("/proc/net/pktgen"):
        raise tap.Skip("no pktgen in this kernel")
    cpu = min(os.sched_getaffinity(0))

    def generate(dst, count=64):
        pktgen(here, f"kpktgend_{cpu}", "rem_device_all", "add_device trunk")
        pktgen(here, "trunk", "xmit_mode netif_receive", f"count {count}",
               "burst 16", "delay 0", "pkt_size 80", f"dst_mac {GW_MAC}",
               f"src_mac {CAM_MAC}", f"src_min {CAM4}", f"src_max {CAM4}",
               f"dst_min {dst}", f"dst_max {dst}", f"udp_dst_min {PORT}",
               f"udp_dst_max {PORT}")
        before = here.counted() if here.sock else {}
        here.seen.clear()
        pktgen(here, "pgctrl", "start")
        pktgen(here, f"kpktgend_{cpu}", "rem_device_all")
        after = here.counted() if here.sock else {}
        return {key: value - before.get(key, 0) for key, value in
                after.items() if value != before.get(key, 0)}

    def arrived(dst):
        return here.seen.count(lambda f: f.data[30:34] == frames.ip(dst))
    for dst in (ELSE4, PEER4):
        counted = generate(dst)
        if here.sock:
            key = "passed" if dst == PEER4 else "destination"
            tap.equal(counted, {key: 64}, "counted")
        wanted = 0 if here.sock and dst == ELSE4 else 64
        net.wait_for(lambda d=dst, w=wanted: arrived(d) >= w,
                     what=f"{wanted} frames to {dst}")
        yield [denied(), ok(udp(PEER4, data=PERMITTED))]
        if here.sock:
            tap.equal(arrived(ELSE4), 0, "denied frames that arrived")


if __name__ == "__main__":
    evasion.main(globals())
