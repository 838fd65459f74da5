#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Real hosts and their real IP stacks on both sides of a guard.

The camera and the peer are namespaces, the gateway routes between a VLAN and
the outside. Nothing here is built by hand: ARP, neighbour discovery, TCP with
segmentation offload, fragments and pings are the kernel's own.
"""

import errno
import hashlib
import os
import shutil
import socket
import struct
import subprocess
import threading

from lib import io, net, nl, policy, tap
from lib.policy import connects, serves
from lib.scene import proves, saw

MAC = "02:00:5e:10:00:17"
CAM = {4: "10.30.0.17", 6: "2001:db8:30::17"}
GW = {4: "10.30.0.1", 6: "2001:db8:30::1"}
PEER = {4: "10.20.0.10", 6: "2001:db8:20::10"}
ELSE = {4: "10.20.0.99", 6: "2001:db8:20::99"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
UDP_SEGMENT = 103
CONNECT, SERVE, NOBODY, BULK, WHOLE = 8443, 554, 8444, 9000, 9001
SIZE = 4 << 20

L = None


def rules(**without):
    "What the camera may do; without=NAME leaves a rule out."
    out = []
    for family in (4, 6):
        peer, icmp = PEER[family], "icmp" if family == 4 else "icmpv6"
        for name, rule in (
                ("connect", connects(peer, "tcp", CONNECT)),
                ("bulk", connects(peer, "tcp", BULK)),
                ("udp", connects(peer, "udp", BULK)),
                ("serve", serves(peer, "tcp", SERVE)),
                ("icmp", connects(peer, icmp)),
                ("whole", connects(ELSE[family], "udp"))):
            if name not in without.values():
                out.append(rule)
        # The gateway's own pings and errors are answered.
        out.append(serves(GW[family], icmp))
    return out


class Live:
    """camera -- VLAN 30 on trunk -- gateway -- wan -- peer"""

    def __init__(self):
        self.net = net.Net()
        self.cam, self.gw, self.peer = (self.net.ns(n) for n in
                                        ("cam", "gw", "peer"))
        # With its own checks for duplicates and requests for routers.
        for ns in (self.cam, self.gw, self.peer):
            for where in ("all", "default"):
                ns.sysctl(f"ipv6/conf/{where}/accept_dad", 1)
                ns.sysctl(f"ipv6/conf/{where}/forwarding",
                          int(ns is self.gw))
        self.gw.sysctl("ipv4/ip_forward", 1)
        self.cam.sysctl("ipv6/conf/default/router_solicitations", 2)
        self.cam.sysctl("ipv6/conf/default/router_solicitation_delay", 0)
        self.sock = nl.Genl(netns=self.gw)
        self.net.defer(self.sock.close)
        self.net.veth(self.cam, "eth0", self.gw, "trunk", MAC)
        self.net.veth(self.peer, "eth0", self.gw, "wan")
        self.load()
        self.guard()
        policy.wait_guard(self.sock, "cams", "armed")
        self.gw.vlan("trunk", 30, "lan")
        self.gw.addr("lan", GW[4] + "/24", GW[6] + "/64")
        self.gw.addr("wan", "10.20.0.1/24", "2001:db8:20::1/64")
        self.peer.addr("eth0", PEER[4] + "/24", ELSE[4] + "/24",
                       PEER[6] + "/64")
        # Deprecated, so that nothing is sent from it unless asked for.
        self.peer.ip(f"addr add {ELSE[6]}/64 dev eth0 nodad preferred_lft 0")
        self.cam.vlan("eth0", 30, "eth0.30")
        # Not nodad: duplicates are looked for.
        self.cam.batch([f"addr add {CAM[4]}/24 dev eth0.30",
                        f"addr add {CAM[6]}/64 dev eth0.30"])
        for ns, via in ((self.cam, GW), (self.peer, {4: "10.20.0.1",
                                                     6: "2001:db8:20::1"})):
            ns.batch([f"route add 0.0.0.0/0 via {via[4]}",
                      f"route add ::/0 via {via[6]}"])
        net.wait_for(lambda: "tentative" not in self.cam.ip("-6 addr"),
                     what="the end of duplicate address detection")

    def guard(self, upkeep=None):
        "The guard; what upkeep it passes, if not the usual kinds."
        policy.guard(self.sock, "cams", "trunk", vlan=30, upkeep=upkeep,
                     subnets=["10.30.0.0/24", "2001:db8:30::/64"])

    def load(self, mode="enforce", **without):
        "Load the policy."
        policy.load(self.sock, {
            "profiles": {"dome": {"mode": mode, "class": 1,
                                  "rules": rules(**without)}},
            "devices": {"cam": {"mac": MAC, "profile": "dome",
                                "addresses": [CAM[4], CAM[6]]}}})

    def device(self):
        "The camera's counters."
        return policy.device(self.sock, "cam")

    def reasons(self):
        "{reason: packets dropped}."
        return {name: total["dropped_packets"] for name, total in
                policy.guards(self.sock)["cams"]["reasons"].items()
                if total["dropped_packets"]}

    def listen(self, ns, family, port, kind=socket.SOCK_STREAM, host=None):
        "A socket bound to all addresses of a host, or to one."
        sock = ns.socket(FAMILY[family], kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(net.TIMEOUT)
        sock.bind((host or ("0.0.0.0" if family == 4 else "::"), port))
        if kind == socket.SOCK_STREAM:
            sock.listen(8)
        return sock

    def connect(self, ns, to, port, sport=0, wait=True):
        "A TCP connection, or one that is on its way."
        family = 6 if ":" in to else 4
        sock = ns.socket(FAMILY[family], socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(net.TIMEOUT)
        if sport:
            sock.bind(("", sport))
        if not wait:
            sock.setblocking(False)
        code = sock.connect_ex((to, port))
        if wait and code:
            raise OSError(code, os.strerror(code))
        return sock


def setup():
    "Build it."
    global L
    L = Live()


def more(reason, what):
    "Wait until what() met a reason; for @proves."
    before = L.reasons().get(reason, 0)
    result = what()
    net.wait_for(lambda: L.reasons().get(reason, 0) > before,
                 what=f"a drop for {reason}")
    saw(reason)
    return result


@proves("none")
def test_01_coming_up():
    "a real host comes up on the LAN and pings, and nothing it needs is lost"
    before = L.reasons()
    tap.equal(before, {}, "drops while it came up")
    for ns, to in ((L.cam, PEER), (L.gw, CAM), (L.cam, PEER)):
        for family in (4, 6):
            ns.run(["ping", f"-{family}", "-n", "-c", "2", "-i", "0.2", "-W",
                    "20", to[family]])
        # Ask for everybody anew.
        for one in (L.cam, L.gw):
            one.run("ip neigh flush all")
    L.cam.run(["ping", "-6", "-n", "-c", "1", "-W", "20", "-I", "eth0.30",
               PEER[6]])
    tap.equal(L.reasons(), {}, "drops")
    passed = L.device()["passed_packets"]
    tap.true(passed >= 10, f"only {passed} packets counted")
    saw("none")


@proves("direction")
def test_02_ping_that_only_may_answer():
    "the gateway may ping the camera, the camera may not ping the gateway"
    for family in (4, 6):
        L.gw.run(["ping", f"-{family}", "-n", "-c", "1", "-W", "20",
                  CAM[family]])
        more("direction", lambda f=family: L.cam.run(
            ["ping", f"-{f}", "-n", "-c", "1", "-W", "1", GW[f]],
            check=False))


def exchange(a, b, size=20000):
    "Bytes both ways over a connection."
    for one, other in ((a, b), (b, a)):
        data = os.urandom(size)
        sender = threading.Thread(target=one.sendall, args=(data,))
        sender.start()
        seen = b""
        while len(seen) < size:
            seen += other.recv(size)
        sender.join()
        tap.equal(seen, data, "bytes")


@proves("none", "service", "destination")
def test_03_connects():
    "the camera opens what it may, and nothing else"
    for family in (4, 6):
        with L.listen(L.peer, family, CONNECT) as server, \
                L.listen(L.peer, family, NOBODY):
            with L.connect(L.cam, PEER[family], CONNECT) as sock:
                other, _ = server.accept()
                with other:
                    exchange(sock, other)
            for to, port, reason in ((PEER, NOBODY, "service"),
                                     (ELSE, CONNECT, "service"),
                                     (GW, CONNECT, "service")):
                more(reason, lambda t=to[family], p=port: L.connect(
                    L.cam, t, p, wait=False)).close()
            away = {4: "198.51.100.7", 6: "2001:db8:99::7"}[family]
            more("destination", lambda a=away: L.connect(
                L.cam, a, 443, wait=False)).close()
    saw("none")


@proves("none", "direction")
def test_04_serves():
    "the peer opens what the camera serves, the camera does not"
    for family in (4, 6):
        with L.listen(L.cam, family, SERVE, host=CAM[family]) as server:
            with L.connect(L.peer, CAM[family], SERVE) as sock:
                other, _ = server.accept()
                with other:
                    exchange(sock, other)
        with L.listen(L.peer, family, NOBODY):
            more("direction", lambda f=family: L.connect(
                L.cam, PEER[f], NOBODY, SERVE, wait=False)).close()
    saw("none")


def pour(family, watch=False):
    "SIZE bytes from the camera by sendfile; (packets, bytes) at the guard."
    digest = hashlib.sha256()
    before = L.device()
    with L.listen(L.peer, family, BULK) as server:
        sock = L.connect(L.cam, PEER[family], BULK)
        other, _ = server.accept()
        taps = [io.Capture(L.gw, "trunk")] if watch else []
        path = os.path.join(L.net.tempdir(), "bulk")
        with open(path, "wb+") as file:
            file.write(os.urandom(1 << 20) * (SIZE >> 20))
            file.seek(0)
            sender = threading.Thread(target=lambda: (sock.sendfile(file),
                                                      sock.close()))
            sender.start()
            count = 0
            while True:
                chunk = other.recv(1 << 17)
                if not chunk:
                    break
                count += len(chunk)
                digest.update(chunk)
            sender.join()
            file.seek(0)
            tap.equal(count, SIZE, "bytes")
            tap.equal(digest.digest(), hashlib.sha256(file.read()).digest(),
                      "digest")
        other.close()
        for one in taps:
            one.close()
    after = L.device()
    return (after["passed_packets"] - before["passed_packets"],
            after["passed_bytes"] - before["passed_bytes"])


@proves("none")
def test_05_bulk_with_segmentation_offload():
    "super-packets pass whole, and are counted as what they are"
    for family in (4, 6):
        for watch in (False, True):
            packets, size = pour(family, watch)
            tap.true(size > SIZE, f"only {size} bytes counted")
            tap.true(size / packets > 1500,
                     f"{packets} packets of {size} bytes: none was large")
    saw("none")


@proves("none")
def test_06_bulk_without():
    "the same bytes in segments that fit the link"
    L.cam.run("ethtool -K eth0 tso off gso off")
    L.cam.run("ethtool -K eth0.30 tso off gso off", check=False)
    packets, size = pour(4)
    tap.true(size / packets <= 1500 and size > SIZE,
             f"{packets} packets of {size} bytes")
    L.cam.run("ethtool -K eth0 tso on gso on")
    L.cam.run("ethtool -K eth0.30 tso on gso on", check=False)
    saw("none")


@proves("none", "service")
def test_07_udp_segmentation():
    "a UDP super-packet is one packet to the judge, and many to the peer"
    for family in (4, 6):
        sock = L.cam.socket(FAMILY[family], socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
        except OSError as err:
            raise tap.Skip(f"no UDP_SEGMENT: {err}") from err
        with sock, L.listen(L.peer, family, BULK,
                            socket.SOCK_DGRAM) as server:
            before = L.device()
            data = b"".join(bytes([n]) * 1000 for n in range(20)) + b"end"
            sock.sendto(data, (PEER[family], BULK))
            seen = b"".join(server.recv(2000) for _ in range(21))
            tap.equal(seen, data, "datagrams")
            after = L.device()
            tap.equal(after["passed_packets"] - before["passed_packets"], 1,
                      "packets")
            tap.true(after["passed_bytes"] - before["passed_bytes"] > 20000,
                     "bytes")
            more("service", lambda: sock.sendto(data, (PEER[family],
                                                       NOBODY)))
            tap.equal(L.device()["dropped_packets"] -
                      before["dropped_packets"], 1, "dropped packets")
    saw("none")


@proves("none", "fragment")
def test_08_fragments():
    "real fragments arrive, by rules without ports and with; others do not"
    for family in (4, 6):
        with L.cam.socket(FAMILY[family], socket.SOCK_DGRAM) as sock, \
                L.listen(L.peer, family, BULK, socket.SOCK_DGRAM) as server:
            data = os.urandom(5000)
            sock.sendto(data, (ELSE[family], BULK))
            tap.equal(server.recv(6000), data, "datagram")
            for size in (5000, 60000, 1500, 8):
                data = os.urandom(size)
                sock.sendto(data, (PEER[family], BULK))
                tap.equal(server.recv(65536), data, "datagram")
            # Its first fragment for the service, its others without a first.
            more("fragment", lambda: sock.sendto(data * 600,
                                                 (PEER[family], NOBODY)))
            sock.sendto(b"small", (PEER[family], BULK))
            tap.equal(server.recv(6000), b"small", "next datagram")
    saw("none")


@proves("none", "service")
def test_09_policy_cuts_a_live_flow():
    "a tighter policy stops a connection with its next packet"
    for family in (4, 6):
        with L.listen(L.peer, family, CONNECT) as server, \
                L.connect(L.cam, PEER[family], CONNECT) as sock:
            other, _ = server.accept()
            with other:
                exchange(sock, other)
                L.load(without="connect")
                more("service", lambda: sock.sendall(b"not any more"))
                other.setblocking(False)
                tap.equal(tap.raises(BlockingIOError, other.recv,
                                     100).errno, errno.EAGAIN, "recv")
                # Permitted again, what was lost is sent once more.
                L.load()
                other.settimeout(net.TIMEOUT)
                tap.equal(other.recv(100), b"not any more", "bytes")
                exchange(sock, other)
    saw("none")


@proves("quarantine")
def test_10_quarantine_cuts_a_live_flow():
    "so does quarantine, and the camera stays on its LAN"
    with L.listen(L.peer, 4, CONNECT) as server, \
            L.connect(L.cam, PEER[4], CONNECT) as sock:
        other, _ = server.accept()
        with other:
            exchange(sock, other)
            L.load(mode="quarantine")
            more("quarantine", lambda: sock.sendall(b"help"))
            L.gw.run("ip neigh flush all")
            # No answer to the ping, but to the question who it is.
            for family in (4, 6):
                L.gw.run(["ping", f"-{family}", "-n", "-c", "1", "-W", "1",
                          CAM[family]], check=False)
                net.wait_for(lambda f=family: MAC in L.gw.ip(
                    ["neigh", "show", CAM[f]]), what="the camera's MAC")
            L.load()
            other.settimeout(net.TIMEOUT)
            tap.equal(other.recv(100), b"help", "bytes")


@proves("audit service")
def test_11_audit_lets_it_through():
    "in audit the forbidden connection works, and is counted apart"
    before = L.device()
    L.load(mode="audit")
    with L.listen(L.peer, 4, NOBODY) as server, \
            L.connect(L.cam, PEER[4], NOBODY) as sock:
        # It ends at once: what is sent again later would be a drop then.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("=ii", 1, 0))
        other, _ = server.accept()
        with other:
            exchange(sock, other)
    after = L.device()
    L.load()
    tap.true(after["would_packets"] >= before["would_packets"] + 3,
             "would-drops")
    tap.equal(after["dropped_packets"], before["dropped_packets"], "drops")
    saw("audit service")


@proves("none")
def test_12_joining_groups():
    "the kernel's own IGMP and MLD messages pass"
    before = L.device()["passed_packets"]
    drops = L.reasons()
    index = L.cam.index("eth0.30")
    with L.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as four, \
            L.cam.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        struct.pack("=4s4si", socket.inet_aton("239.1.2.3"),
                                    bytes(4), index))
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                       struct.pack("=16si", socket.inet_pton(
                           socket.AF_INET6, "ff05::1234"), index))
        net.wait_for(lambda: L.device()["passed_packets"] >= before + 2,
                     what="two reports")
    # Leaving them says so again.
    net.wait_for(lambda: L.device()["passed_packets"] >= before + 4,
                 what="two more")
    tap.equal(L.reasons(), drops, "drops")
    saw("none")


def lease(where, upkeep, refused):
    "Get one, from everybody, and give it back, to the server alone."
    L.guard(upkeep)
    wanted = {**L.reasons(), **refused}
    count = L.device()["passed_packets"] + 3 - len(refused)
    with L.cam.popen(["busybox", "udhcpc", "-i", "eth0.30", "-f", "-n", "-R",
                      "-t", "30", "-T", "1", "-s", f"{where}/script"],
                     stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL) as client:
        net.wait_for(lambda: os.path.exists(f"{where}/bound"), what="a lease")
        client.terminate()
    os.unlink(f"{where}/bound")
    net.wait_for(lambda: L.reasons() == wanted, what=f"drops: {wanted}")
    net.wait_for(lambda: L.device()["passed_packets"] >= count,
                 what="discover, request, and a release that may pass")


@proves("none", "upkeep_off")
def test_13_dhcp():
    "a real DHCP client gets a lease, and gives one back where it may"
    if not shutil.which("busybox") or "udhcpd" not in net.run(
            ["busybox", "--list"]).stdout.split():
        raise tap.Skip("no busybox with udhcpc and udhcpd")
    where = L.net.tempdir()
    with open(f"{where}/conf", "w", encoding="ascii") as file:
        file.write(f"interface lan\nstart {CAM[4]}\nend {CAM[4]}\n"
                   f"lease_file {where}/leases\npidfile {where}/pid\n"
                   f"static_lease {MAC} {CAM[4]}\n"
                   "option subnet 255.255.255.0\nopt router 10.30.0.1\n")
    with open(f"{where}/leases", "w", encoding="ascii"):
        pass
    L.net.stop(L.gw.popen(["busybox", "udhcpd", "-f", f"{where}/conf"],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL))
    with open(f"{where}/script", "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\necho $1 >>{where}/$1\n")
    os.chmod(f"{where}/script", 0o755)
    lease(where, None, {"upkeep_off": 1})
    lease(where, [*policy.UPKEEP, "dhcp-unicast"], {})
    saw("none")
    saw("upkeep_off")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             teardown=lambda: L.net.close())
