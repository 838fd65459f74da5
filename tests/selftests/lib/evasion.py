# SPDX-License-Identifier: GPL-2.0-only
"""Known ways around a filter, each tried without and with a guard.

    @evasion("RFC 6946", reason="destination", arrives="route, bridge")
    def test_atomic():
        "a whole packet in a fragment"
        return [udp6(ELSE6, wrap=...)]

A test returns frames. They are sent from a camera's namespace, over a veth,
into a gateway that routes or bridges them to a far side, and what counts is
what arrives there: first in a place without a guard, which says whether the
frame is an evasion at all ("arrives" names the places, "some" before one where
not all of them did), then in its twin that is guarded. There nothing may
arrive but the frames marked ok(), and the guard must have dropped the others
for the reasons given, and no other frame.

With back=True what counts is what the gateway sends back to the camera: its
answers to what is sent to itself, and its errors.

Places are the same but for what the gateway does with frames:

    route     it routes untagged frames, and the guard is on the interface
    bridge    it bridges them, and the guard is on the bridge's port
    trunk     it routes VLAN 30, and the guard is on VLAN 30 of the trunk
    device    the same, and the guard is on the VLAN device
    tags      it bridges tagged frames as they are; the guard is on VLAN 30
    groups    it routes groups and broadcasts too; the guard is on the interface
    tap       it routes; the camera is a virtual machine's end of the interface

A frame that is permitted follows the others through the same queue, so that
what has not arrived before it does not arrive. Decorators hold literals only:
evasion/table.py reads them to write the list of evasions.
"""

import errno
import functools
import itertools
import os
from collections import namedtuple

from . import frames, io, mroute, net, nl, policy, tap

CAM_MAC, CAM4, CAM6 = "02:00:5e:10:00:17", "10.30.0.17", "2001:db8:30::17"
OTHER_MAC, OTHER4, OTHER6 = "02:00:5e:10:00:18", "10.30.0.18", \
    "2001:db8:30::18"
GW_MAC, GW4, GW6 = "02:00:5e:10:00:01", "10.30.0.1", "2001:db8:30::1"
WAN_MAC, FAR_MAC = "02:00:5e:20:00:01", "02:00:5e:20:00:fe"
PEER4, PEER6 = "10.20.0.10", "2001:db8:20::10"      # some services
BULK4, BULK6 = "10.20.0.20", "2001:db8:20::20"      # UDP without ports
PING4, PING6 = "10.20.0.30", "2001:db8:20::30"      # ICMP of all types
ELSE4, ELSE6 = "203.0.113.66", "2001:db8:bad::66"   # nothing
PORT, SERVED, VLAN = 5000, 554, 30
LAN = ["10.30.0.0/24", "2001:db8:30::/64"]
GROUPS4 = ["239.255.255.250", "239.192.7.7", "224.0.1.129", "232.1.2.3"]
GROUPS6 = ["ff05::c", "ff08::7", "ff0e::c", "ff0e::8:8"]
FAR_LAN = "192.0.2.1/24"                            # of groups alone
PROBE = b"is anybody there?"

POLICY = {
    "profiles": {"p": {"class": 1, "rules": [
        rule for peer, bulk in ((PEER4, BULK4), (PEER6, BULK6)) for rule in (
            policy.connects(peer, "udp", PORT),
            policy.serves(peer, "tcp", SERVED),
            policy.connects(peer, "gre"),
            policy.connects(bulk, "udp"))] + [
                policy.connects(PING4, "icmp"),
                policy.connects(PING6, "icmpv6")]}},
    "devices": {"cam": {"mac": CAM_MAC, "addresses": [CAM4, CAM6],
                        "profile": "p"},
                "other": {"mac": OTHER_MAC, "addresses": [OTHER4, OTHER6],
                          "profile": "p"}},
}

# header: the virtio header that comes with it, by the link "vnet".
Out = namedtuple("Out", "data link permitted header", defaults=[None])
MTU = 9000


def ok(frame):
    """A frame of an evasion that the policy permits."""
    if isinstance(frame, Out):
        return frame._replace(permitted=True)
    return Out(frame, "eth0", True)


def plain(frames_):
    """Frames of a test, all of them as Out."""
    return [frame if isinstance(frame, Out) else Out(frame, "eth0", False)
            for frame in frames_]


def by(link, frame):
    """A frame that is sent through another interface of the camera's."""
    return Out(frame, link, False)


def virtual(frame, header):
    """A frame with a virtio header, as a virtual machine sends it."""
    return Out(frame, "vnet", False, header)


def eth(packet, kind=None, vlans=(), to=GW_MAC, mac=CAM_MAC, pad=True):
    """A frame of the camera's."""
    return frames.eth(to, mac, packet, kind, vlans, pad)


def ip(dst, body, src=None, mac=CAM_MAC, to=GW_MAC, vlans=(), pad=True,
       **fields):
    """A frame with a packet of the camera's, of the family of dst."""
    if src is None:
        src = CAM4 if len(frames.ip(dst)) == 4 else CAM6
    packet = frames.pack_ip(src, dst, body, **fields)
    kind = frames.ETH_IPV4 if len(frames.ip(dst)) == 4 else frames.ETH_IPV6
    return frames.eth(to, mac, packet, kind, vlans, pad)


def udp(dst, port=PORT, data=b"evasion!", **how):
    """A UDP datagram of the camera's."""
    return ip(dst, frames.udp(40000, port, data), **how)


def both(make):
    """make(v4 address, v6 address of nobody's), for either family."""
    return [make(ELSE4), make(ELSE6)]


class Place:
    """Three namespaces: camera, gateway, far side."""

    def __init__(self, world, kind, guarded):
        self.world = world
        self.kind = kind
        self.serial = itertools.count(1)
        self.others = []        # more captures of what counts as arrived
        self.vlans = [VLAN] if kind in ("trunk", "device", "tags") else []
        self.cam = world.ns("cam", quiet=True)
        self.gw = world.ns("gw", quiet=kind in ("bridge", "tags"))
        self.far = world.ns("far", quiet=True)
        self.refused = []       # frames that the kernel would not send
        self.settle = None      # waits for what is on its way otherwise
        self._link(world)
        world.veth(self.gw, "wan", self.far, "eth0", WAN_MAC, FAR_MAC,
                   mtu=MTU)
        if kind in ("bridge", "tags"):
            self._bridge()
        else:
            self._route()
        if kind == "groups":
            self._groups(world)
        if self.vlans:
            self.cam.vlan("eth0", VLAN, "eth0.30")
            self.links["eth0.30"] = io.Link(self.cam, "eth0.30")
        self.seen = io.Capture(self.far, "eth0")
        self.back = io.Capture(self.cam, "lo" if kind == "tap" else "eth0")
        for opened in {self.seen, self.back, *self.links.values()}:
            world.defer(opened.close)
        self.wait_open()
        self.sock = None
        if guarded:
            self._guard(world)

    def _link(self, world):
        if self.kind != "tap":
            world.veth(self.cam, "eth0", self.gw, "trunk", CAM_MAC, mtu=MTU)
            self.links = {"eth0": io.Link(self.cam, "eth0"),
                          "vnet": io.Link(self.cam, "eth0", vnet=True)}
            return
        end = io.Tap(self.gw, "trunk")
        self.links = {"eth0": end, "vnet": end}
        self.gw.batch([f"link set trunk mtu {MTU}", "link set trunk up"])

    def _bridge(self):
        self.gw.batch(["link add br0 type bridge mcast_snooping 0",
                       "link set br0 up"])
        for port in ("trunk", "wan"):
            self.gw.ip(f"link set {port} master br0")
            # What a frame claims of its sender must not steer the next one.
            self.gw.ip(f"link set {port} type bridge_slave learning off")

    def _route(self):
        gw, near = self.gw, "trunk"
        if self.vlans:
            gw.vlan("trunk", VLAN, "trunk.30")
            near = "trunk.30"
        gw.ip(f"link set {near} address {GW_MAC}")
        for key, value in (("ipv4/ip_forward", 1),
                           ("ipv6/conf/all/forwarding", 1),
                           ("ipv6/conf/all/accept_source_route", 1),
                           (f"ipv6/conf/{near}/accept_source_route", 1),
                           ("ipv4/conf/all/rp_filter", 0),
                           (f"ipv4/conf/{near}/rp_filter", 0),
                           ("ipv4/conf/all/accept_source_route", 1),
                           (f"ipv4/conf/{near}/accept_source_route", 1),
                           (f"ipv4/conf/{near}/accept_local", 1),
                           (f"ipv4/conf/{near}/route_localnet", 1),
                           ("ipv4/icmp_ratelimit", 0),
                           ("ipv6/icmp/ratelimit", 0)):
            # A VLAN device's name has a dot, which sysctl paths do not mind.
            gw.sysctl(key, value)
        gw.addr(near, f"{GW4}/24", f"{GW6}/64")
        gw.batch(["addr add 10.20.0.1/32 dev wan",
                  f"neigh replace {CAM4} lladdr {CAM_MAC} dev {near}",
                  f"neigh replace {CAM6} lladdr {CAM_MAC} dev {near}",
                  f"neigh replace 10.20.0.254 lladdr {FAR_MAC} dev wan",
                  f"neigh replace fe80::fe lladdr {FAR_MAC} dev wan",
                  "route add default via 10.20.0.254 dev wan onlink"])
        gw.ip("-6 route add default via fe80::fe dev wan onlink")

    def _groups(self, world):
        """What is sent to groups and networks goes on to the far side."""
        for name in ("all", "trunk", "wan"):
            self.gw.sysctl(f"ipv4/conf/{name}/bc_forwarding", 1)
        self.gw.addr("wan", FAR_LAN)
        for routes in (mroute.Routes4, mroute.Routes6):
            try:
                world.defer(routes(self.gw, "trunk", "wan", {
                    4: [(CAM4, group) for group in GROUPS4],
                    6: [(CAM6, group) for group in GROUPS6]}).close)
            except mroute.Missing as err:
                raise tap.Skip(str(err)) from err

    def wait_open(self):
        """A bridge's port forwards only once its link is known to be up."""
        self.seen.clear()

        def arrives():
            self.links["eth0"].send(udp(PEER4, data=PROBE, vlans=self.vlans))
            return self.seen.count(lambda frame: PROBE in frame.data)
        net.wait_for(arrives, what=f"{self.kind} to let frames through")

    def _guard(self, world):
        self.sock = nl.Genl(netns=self.gw)
        world.defer(self.sock.close)
        policy.guard(self.sock, "g", self.guarded, vlan=self.guarded_vlan,
                     subnets=LAN)
        policy.wait_guard(self.sock, "g", "armed")
        policy.load(self.sock, POLICY)

    @property
    def guarded(self):
        """The interface of the guard."""
        return "trunk.30" if self.kind == "device" else "trunk"

    @property
    def guarded_vlan(self):
        """Its VLAN id."""
        return VLAN if self.kind in ("trunk", "tags") else None

    def own(self, frame):
        """Did the gateway itself say it? Its groups' reports are not ours.

        Their hop limits are none that a forwarded frame of a test has.
        """
        data = frame.data
        return data[6:12] in (frames.mac(WAN_MAC), frames.mac(GW_MAC)) and \
            data[12:14] == b"\x86\xdd" and data[21] in (1, 255) and \
            (data[22:38] == bytes(16) or data[22:24] == b"\xfe\x80")

    def counted(self):
        """Passed frames, and dropped ones by reason."""
        row = policy.guards(self.sock)["g"]
        out = {name: total["dropped_packets"]
               for name, total in row["reasons"].items()}
        out["passed"] = row["passed_packets"]
        return out

    def _send(self, out):
        if out.header is None:
            self.links[out.link].send(out.data)
            return
        try:
            self.links[out.link].send(out.data, header=out.header)
        except OSError as err:
            # By the socket, or when the camera's end would cut it up.
            if err.errno not in (errno.EINVAL, errno.ENOMEM):
                raise
            self.refused.append(out)

    def run(self, outs, back=False):
        """Send frames; (those that arrived, what the guard counted).

        With back, those that the camera got.
        """
        before = self.counted() if self.sock else {}
        for capture in (self.seen, self.back, *self.others):
            capture.clear()
        for out in plain(outs):
            self._send(out)
        token = b"last of %d" % next(self.serial)
        self.links["eth0"].send(udp(PEER4, data=token, vlans=self.vlans))
        self.seen.wait(lambda f: token in f.data,
                       what=f"the permitted frame at {self.kind}")
        if self.settle:
            self.settle()
        arrived = [f for capture in (self.back if back else self.seen,
                                     *self.others) for f in capture.seen()
                   if token not in f.data and PROBE not in f.data and
                   not self.own(f)]
        after = self.counted() if self.sock else {}
        return arrived, {key: value - before.get(key, 0)
                         for key, value in after.items()
                         if value != before.get(key, 0)}


_world = net.Net()
_places = {}


def place(kind, guarded):
    """A place, made when it is first asked for."""
    if (kind, guarded) not in _places:
        _places[kind, guarded] = Place(_world, kind, guarded)
    return _places[kind, guarded]


def setup():
    """For tap.main()."""
    # One queue for all: frames must arrive in the order they are sent in.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def teardown():
    """For tap.main()."""
    _world.close()


def names(text):
    """The parts of a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _share(kind, arrived, sent):
    """A place, as "arrives" names it."""
    if not arrived:
        return []
    return [kind if arrived >= sent else f"some {kind}"]


def _tail(frame):
    """What does not change on the way: all behind the IP header, unpadded."""
    packet = frame[14:]
    if packet[0] >> 4 == 6:
        return packet[40:40 + int.from_bytes(packet[4:6], "big")]
    return packet[20:int.from_bytes(packet[2:4], "big")]


def _guarded(kind, outs, reasons, back):
    """What is wrong with what a guard did."""
    arrived, counted = place(kind, True).run(outs, back)
    permitted = [out for out in outs if out.permitted]
    if len(arrived) != len(permitted):
        yield (f"{kind}: {len(arrived)} frames arrived, {len(permitted)} are "
               f"permitted: {[f.data.hex() for f in arrived]}")
    for out in permitted:
        if not any(_tail(out.data) in frame.data for frame in arrived):
            yield f"{kind}: a permitted frame did not arrive"
    passed = counted.pop("passed", 0)
    if passed != len(permitted) + 1:
        yield f"{kind}: {passed - 1} passed, {len(permitted)} are permitted"
    if sorted(counted) != sorted(reasons):
        yield f"{kind}: dropped as {counted}, wanted {reasons}"
    wanted = len(outs) - len(permitted) if reasons else 0
    if sum(counted.values()) != wanted:
        yield f"{kind}: {counted} dropped, wanted {wanted}"


def evasion(source, reason, arrives="", at="route, bridge", back=False):
    """A test from a function that returns an evasion's frames.

    source says where it is known from; reason what the guard drops it for,
    several separated by commas, none if the guard does not see the frames;
    arrives where they come through without a guard; at where to try; back to
    look at what the camera gets for them instead.
    """
    assert source

    def wrap(func):
        @functools.wraps(func)
        def test():
            outs = plain(func())
            share, wrong = [], []
            for kind in names(at):
                here = place(kind, False)
                arrived, _ = here.run(outs, back)
                sent = [out for out in outs if out not in here.refused]
                if not sent:
                    raise tap.Skip("this kernel sends no such frames")
                share += _share(kind, len(arrived), len(sent))
                wrong += _guarded(kind, sent, names(reason), back)
            if share != names(arrives):
                wrong.append(f"without a guard: arrives=\"{', '.join(share)}\""
                             f", wanted \"{arrives}\"")
            if wrong:
                raise AssertionError("\n".join(wrong))
        return test
    return wrap


def main(scope):
    """Run a program's tests."""
    tap.main(scope, needs=[tap.root, tap.module], setup=setup,
             teardown=teardown)
