# SPDX-License-Identifier: GPL-2.0-only
"""A gateway whose interlock is to hold: camera, recorder, another host.

    site = lock.Site(guards=[guard("cams")])
    site.passes(site.frame())               # judged, and forwarded
    site.unguard("cams")                    # the module lets go
    site.blocked(site.frame(), "cams")      # the interlock does not

    cam ---- trunk [gw] lan ---- peer       10.30.0.17    10.20.0.10
                   [gw] side --- alien      10.40.0.9

What arrives is known by its payload, which no two frames share; what is
dropped by the counter that says so.
"""

import itertools
import json
import re
import shutil
import socket

from . import daemon, frames, io, net, nft, policy, rig, tap

CAM6 = "2001:db8:30::17"
PEER6 = "2001:db8:20::10"
ALIEN = "10.40.0.9"
ALIEN6 = "2001:db8:40::9"
ALIEN_MAC = "02:00:5e:40:00:09"
SIDE_MAC = "02:00:5e:40:00:01"
CAM_NET, CAM_NET6 = "10.30.0", "2001:db8:30::"
GW4 = {"trunk": "10.30.0.1/24", "lan": "10.20.0.1/24", "side": "10.40.0.1/24"}
GW6 = {"trunk": "2001:db8:30::1/64", "lan": "2001:db8:20::1/64",
       "side": "2001:db8:40::1/64"}
CHAIN = re.compile(r'chain (on|under)-\d+ ({\s+type filter hook ingress device '
                   r'"([^"]+)")')
PARTS = ("prerouting", "forward", "input", "bridge", "ports")


def text(revision=1, addresses=(rig.CAM_IP, CAM6), more=(), guard=None):
    """A policy: the camera may send UDP to the recorder."""
    cam = {"name": "cam", "mac": rig.CAM_MAC, "addresses": list(addresses),
           "profile": "dome"}
    if guard:
        cam["guard"] = guard
    return json.dumps({
        "version": 1, "revision": revision,
        "destinations": {"peer": [rig.PEER_IP, PEER6]},
        "profiles": {"dome": {"class": 1, "connects": [
            {"to": "peer", "udp": rig.PEER_PORT}]}},
        "devices": [cam, *more]}, indent=1) + "\n"


def others(count, first=0):
    """Many devices of a policy."""
    return [{"name": f"more-{i:06d}", "profile": "dome",
             "mac": ":".join(f"{b:02x}" for b in
                             b"\x02\x01" + i.to_bytes(4, "big")),
             "addresses": [f"10.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"]}
            for i in range(first, first + count)]


class Receiver:
    """Takes in UDP, and remembers the payloads."""

    def __init__(self, netns, port=rig.PEER_PORT):
        self.sock = net.call_in(netns, self._open, port)
        self.seen = []

    @staticmethod
    def _open(port):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # All that comes while nobody looks: what is lost was dropped.
        sock.setsockopt(socket.SOL_SOCKET, io.SO_RCVBUFFORCE, 64 << 20)
        sock.bind(("::", port))
        sock.setblocking(False)
        return sock

    def close(self):
        """Close the socket."""
        self.sock.close()

    def take(self):
        """All payloads that have arrived so far."""
        while True:
            try:
                self.seen.append(self.sock.recv(2048))
            except BlockingIOError:
                return self.seen

    def has(self, payload):
        """Has it arrived?"""
        return payload in self.take()


class Site:
    """The gateway and who is around it; see the module's docstring."""

    def __init__(self, guards, policy_text=None, devices=("trunk",),
                 start=True, **options):
        self.rig, self.daemon = daemon.world(guards=guards, **options)
        self.gw, self.net = self.rig.gw, self.rig.net
        self.serial = itertools.count(1)
        self.peer, self.alien = self.net.ns("peer"), self.net.ns("alien")
        self.net.veth(self.peer, "eth0", self.gw, "lan")
        self.net.veth(self.alien, "eth0", self.gw, "side", ALIEN_MAC,
                      SIDE_MAC)
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.gw.sysctl(key, 1)
        for key in ("all", "default", "side", "trunk"):
            self.gw.sysctl(f"ipv4/conf/{key}/rp_filter", 0)
        self.gw.addr("lan", GW4["lan"], GW6["lan"])
        self.gw.addr("side", GW4["side"], GW6["side"])
        if "trunk" in devices:
            self.gw.addr("trunk", GW4["trunk"], GW6["trunk"])
        self.peer.addr("eth0", "10.20.0.10/24", "2001:db8:20::10/64")
        self.peer.batch(["route add default via 10.20.0.1",
                         "route add ::/0 via 2001:db8:20::1"])
        self.far = Receiver(self.peer)
        self.near = Receiver(self.gw)
        self.cam_link = self.rig.link
        self.alien_link = io.Link(self.alien, "eth0")
        for one in (self.far, self.near, self.alien_link):
            self.net.defer(one.close)
        self.daemon.write_policy(policy_text or text())
        if start:
            self.daemon.start()
            self.warm()

    def warm(self):
        """Have the gateway and the recorder know one another."""
        io.ping(self.gw, rig.PEER_IP)
        io.ping(self.gw, PEER6)

    def payload(self):
        """One that nobody else has."""
        return b"lenscap-%06d" % next(self.serial)

    def frame(self, data=None, src=rig.CAM_IP, dst=None, mac=rig.CAM_MAC,
              to=rig.GW_MAC, vlans=()):
        """A UDP frame for the recorder, from the camera by default."""
        if dst is None:
            dst = PEER6 if ":" in src else rig.PEER_IP
        return frames.eth(to, mac, frames.pack_ip(
            src, dst, frames.udp(40000, rig.PEER_PORT,
                                 data or self.payload())), vlans=vlans)

    def alien_frame(self, **options):
        """The same from the unguarded interface's host."""
        options.setdefault("src", ALIEN)
        options.setdefault("mac", ALIEN_MAC)
        return self.frame(to=SIDE_MAC, **options)

    def interlock(self):
        """As status shows it."""
        return self.daemon.ask("status")["interlock"]

    def state(self):
        """In one word."""
        return self.interlock()["state"]

    def counts(self):
        """Dropped packets of all parts: {"cams": 0, "input": 0, ..}."""
        shown = self.interlock()
        found = {row["name"]: row["dropped"]["packets"]
                 for row in shown["guards"]}
        found.update({part: shown[part]["packets"] for part in PARTS})
        return found

    @staticmethod
    def body(frame):
        """The payload of a frame from frame()."""
        at = frame.index(b"lenscap-")
        return frame[at:at + 14]

    def passes(self, frame, link=None, at=None):
        """A frame arrives, and the interlock counts nothing."""
        before = self.counts()
        (link or self.cam_link).send(frame)
        net.wait_for(lambda: (at or self.far).has(self.body(frame)),
                     what="the frame to arrive")
        tap.equal(self.counts(), before, "counters of the interlock")

    def blocked(self, frame, part, link=None, at=None, count=1):
        """A frame does not arrive, and the interlock's part counted it."""
        before = self.counts()
        for _ in range(count):
            (link or self.cam_link).send(frame)
        wanted = dict(before)
        wanted[part] += count
        net.wait_for(lambda: self.counts()[part] >= wanted[part],
                     what=f"part {part} to count {count}: {before}")
        tap.equal(self.counts(), wanted, "counters of the interlock")
        if b"lenscap-" in frame:
            tap.true(not (at or self.far).has(self.body(frame)),
                     "it arrived nevertheless")

    def settle(self, port="lan"):
        """The bridge knows where the recorder is: it floods nothing to it."""
        mac = ":".join(f"{b:02x}" for b in self.peer.mac("eth0"))
        self.gw.run(["bridge", "fdb", "replace", mac, "dev", port, "master",
                     "static"])
        return mac

    def unguard(self, *names):
        """The module lets go of guards, and the daemon hears of it."""
        policy.unguard(self.rig.sock, *names)
        for name in names:
            self.daemon.wait_log(f'guard "{name}" was removed by another')

    def guarded(self, name="cams"):
        """Put the guard back."""
        self.daemon.ask("arm", guard=name)
        policy.wait_guard(self.rig.sock, name, "armed")

    def nft(self, *lines, check=True):
        """Run nft in the gateway's namespace."""
        return self.gw.nft(["-f", "-"], "\n".join(lines) + "\n", check).stdout

    def rules(self):
        """What nft lists of the interlock's tables, without counters.

        Chains are called after their interfaces here, not by their index.
        """
        return [CHAIN.sub(r"chain \1-\3 \2", self.gw.nft(
                    f"-s list table {family} lenscap", check=False).stdout)
                for family in ("netdev", "inet", "bridge")]

    def shut(self, *names):
        """Unguard, and what is listed once the interlock has followed."""
        before = self.rules()
        self.unguard(*names)
        return net.wait_for(lambda: self.rules() != before and self.rules(),
                            what="the interlock to shut what nobody judges")

    def wait_state(self, state="in-place"):
        """Wait for a state of the interlock."""
        net.wait_for(lambda: self.state() == state,
                     what=f"the interlock to be {state}")


# Somebody behind the trunk whom no policy knows.
BEHIND = {"src": "10.31.0.9", "mac": "02:00:5e:31:00:09"}


def behind_trunk(guards, vlans):
    """A site on whose trunk a stranger could speak, if it were let."""
    site = Site(guards, devices=())
    site.gw.addr("trunk", "10.31.0.1/24")
    for vlan in vlans:
        site.gw.vlan("trunk", vlan, f"v{vlan}")
        site.gw.up(f"v{vlan}")
        site.gw.sysctl(f"ipv4/conf/v{vlan}/rp_filter", 0)
    return site


def built():
    """Prerequisite: nftables' own program, for foreign changes."""
    nft.need()
    if not shutil.which("nft"):
        raise tap.Skip("needs nft")
