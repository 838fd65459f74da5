# SPDX-License-Identifier: GPL-2.0-only
"""Judging tests: send a frame, and know everything that became of it.

    scene = Scene()
    scene.guard("cams", vlan=30)
    scene.load({...})
    cam = scene.sender("cams", "cam", mac=..., vlan=30, cls=1,
                       addresses=["10.30.0.17", "2001:db8:30::17"])

    cam.passes(cam.udp("10.20.0.10", 5000))
    cam.drops(cam.udp("198.51.100.7", 5000), "destination")

Each of passes(), drops(), audits() and ignores() sends one frame and compares
every counter of every guard and device, in packets and bytes, with what must
have changed and what must not; and what a witness behind the guard saw: the
same frame with the right mark, or nothing. What does not fit is collected, so
that one run shows all of it; check(), for tap.main(each=...), fails the test.
"""

import functools
import time

from . import frames, io, net, nl, policy, tap, witness

CAM_MAC = "02:00:5e:10:00:17"
GW_MAC = "02:00:5e:10:00:01"
TIMEOUT = 10.0          # seconds until a frame counts as lost
GRACE = 3.0             # seconds for wrong counters to become right

_confirmed = set()


def proves(*reasons):
    """Say which reasons a test proves; judge_reasons.py reads this.

    The test fails unless a frame was really dropped for each of them, and
    for "none", was passed.
    """
    def wrap(func):
        @functools.wraps(func)
        def test():
            _confirmed.clear()
            func()
            missing = set(reasons) - _confirmed
            tap.true(not missing, f"no frame met {', '.join(missing)}")
        return test
    return wrap


def saw(reason):
    """For tests with @proves that do without a Scene: it was met."""
    _confirmed.add(reason)


class Scene:
    """A gateway, a camera's end, a trunk between, and a witness."""

    def __init__(self, quiet=True, mtu=None):
        self.net = net.Net()
        self.problems = []
        self.before = self.now = {}
        self.links = {}
        self.tag = (policy.TAG_VALUE, policy.TAG_MASK, policy.CLASS_MASK)
        try:
            self.gw = self.net.ns("gw", quiet=quiet)
            self.cam = self.net.ns("cam", quiet=True)
            self.sock = self.open()
            self.witness = None
            self.link("eth0", "trunk", mtu)
        except BaseException:
            self.net.close()
            raise

    def close(self):
        """Take it down."""
        self.net.close()

    def open(self):
        """Another control socket in the gateway."""
        sock = nl.Genl(netns=self.gw)
        self.net.defer(sock.close)
        return sock

    def link(self, near, far, mtu=None):
        """A link: near is the camera's end, far the gateway's."""
        self.net.veth(self.cam, near, self.gw, far, None, GW_MAC)
        if mtu:
            self.cam.ip(f"link set {near} mtu {mtu}")
            self.gw.ip(f"link set {far} mtu {mtu}")
        self.outlet(near)

    def outlet(self, near):
        """Let frames be sent through an interface of the camera's end."""
        self.links[near] = io.Link(self.cam, near)
        self.net.defer(self.links[near].close)

    def watch(self, *interfaces):
        """Put the witness behind the guards of these interfaces."""
        self.witness = witness.Witness(self.gw, *interfaces or ["trunk"])
        self.net.defer(self.witness.sock.close)

    def guard(self, name, ifname="trunk", wait=True, **options):
        """Add or replace a guard, and wait until it is armed."""
        policy.guard(self.sock, name, ifname, **options)
        if wait:
            policy.wait_guard(self.sock, name, "armed")
        self.sync()

    def load(self, text, **options):
        """Load a policy."""
        generation = policy.load(self.sock, text, **options)
        self.sync()
        return generation

    def tagged(self, cls, base=0):
        """The mark that passes with a class, over an earlier one."""
        value, mask, class_mask = self.tag
        return base & ~(mask | class_mask) | value | cls

    def sender(self, guard, device=None, **options):
        """A sender of frames to a guard."""
        return Sender(self, guard, device, **options)

    def counters(self):
        """All packet and byte counters that are not zero."""
        flat = {}
        for name, row in policy.guards(self.sock).items():
            flat[f"guard {name} passed"] = (row["passed_packets"],
                                            row["passed_bytes"])
            for reason, total in row["reasons"].items():
                for kind in ("dropped", "would"):
                    flat[f"guard {name} {kind} {reason}"] = (
                        total[f"{kind}_packets"], total[f"{kind}_bytes"])
        for name, row in policy.devices(self.sock).items():
            for kind in ("passed", "dropped", "would"):
                flat[f"device {name} {kind}"] = (row[f"{kind}_packets"],
                                                 row[f"{kind}_bytes"])
        return {key: value for key, value in flat.items() if any(value)}

    def delta(self):
        """What changed since the last sync()."""
        now = self.now = self.counters()
        out = {}
        for key in now.keys() | self.before.keys():
            new, old = now.get(key, (0, 0)), self.before.get(key, (0, 0))
            if new != old:
                out[key] = (new[0] - old[0], new[1] - old[1])
        return out

    def sync(self):
        """Take the counters as they are for granted."""
        self.before = self.counters()

    def await_delta(self, want):
        """Wait until the counters changed as wanted; the last change."""
        end = None
        start = time.monotonic()
        # Once it is clear that the test has failed, do not take all day.
        haste = 10 if len(self.problems) > 4 else 1
        while True:
            delta = self.delta()
            if delta == want:
                return delta
            now = time.monotonic()
            if any(key.startswith("guard") for key in delta):
                end = end or now + GRACE / haste
            if now > (end or start + TIMEOUT / haste):
                return delta
            time.sleep(0.002)

    def judge(self, frame, want, marks, link="eth0", send=None, compare=True):
        """Send a frame; compare what happened, and the marks it came out with.

        There is a mark for each watched interface that lets it through.
        """
        (send or self.links[link].send)(frame)
        delta = self.await_delta(want)
        seen = self.witness.take(len(marks), TIMEOUT if delta == want else 0)
        wrong = []
        if delta != want:
            wrong.append(f"counters: saw {delta}, wanted {want}")
        if [one.mark for one in seen] != marks:
            wrong.append(f"came out with {[hex(one.mark) for one in seen]}, "
                         f"wanted {[hex(mark) for mark in marks]}")
        body = payload(frame)[:witness.SNAP]
        for one in seen:
            if compare and one.payload != body:
                wrong.append(f"came out as {one.payload.hex()}")
        if wrong:
            self.problem(f"{frame[:160].hex()}: " + "; ".join(wrong))
        self.before = self.now
        return not wrong

    def problem(self, text):
        """Remember what did not fit."""
        import traceback
        here = [f for f in traceback.extract_stack()
                if "/lib/" not in f.filename]
        line = next((f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}: {f.line}"
                     for f in reversed(here)), "?")
        self.problems.append(f"{line}\n    {text}")

    def check(self):
        """Fail if anything did not fit; for tap.main(each=)."""
        if self.witness and self.witness.take():
            self.problem("frames came out late")
        problems, self.problems = self.problems, []
        if problems:
            raise AssertionError(f"{len(problems)} frames misjudged:\n" +
                                 "\n".join(problems[:40]))


def tags_of(frame):
    """How many VLAN tags a frame carries."""
    count = 0
    while frame[12 + 4 * count:14 + 4 * count] in (b"\x81\x00", b"\x88\xa8"):
        count += 1
    return count


def payload(frame):
    """The frame as the hook sees it: the outermost tag is not counted."""
    return frame[14 + 4 * min(tags_of(frame), 1):]


def group_mac(packet):
    """The MAC that a packet's destination stands for, None for a host's."""
    if packet[:2] == b"\0\1":
        return frames.BROADCAST
    if packet[:1] and packet[0] >> 4 == 4 and len(packet) >= 20:
        return frames.mapped_mac(packet[16:20])
    if packet[:1] and packet[0] >> 4 == 6 and len(packet) >= 40:
        return frames.mapped_mac(packet[24:40])
    return None


class Sender:
    """Frames of one MAC on one VLAN, and what is to become of them."""

    def __init__(self, scene, guard, device=None, mac=CAM_MAC, vlan=None,
                 cls=0, addresses=(), link="eth0", before=()):
        self.scene = scene
        self.guard = guard
        self.device = device
        self.mac = mac
        self.vlan = vlan
        self.cls = cls
        self.link = link
        self.before = list(before)  # marks seen on interfaces below
        self.v4 = next((a for a in addresses if ":" not in a), None)
        self.v6 = next((a for a in addresses if ":" in a), None)
        self.ll = frames.link_local(mac)

    def addr(self, other):
        """Our address of the family of another."""
        return self.v4 if len(frames.ip(other)) == 4 else self.v6

    def ip(self, dst, body, src=None, **fields):
        """A packet from us."""
        return frames.pack_ip(src or self.addr(dst), dst, body, **fields)

    def udp(self, dst, dport, sport=40000, data=b"lenscap", src=None,
            **fields):
        """A UDP packet from us."""
        return self.ip(dst, frames.udp(sport, dport, data), src, **fields)

    def tcp(self, dst, dport, flags="S", sport=40000, data=b"", src=None,
            **fields):
        """A TCP packet from us."""
        return self.ip(dst, frames.tcp(sport, dport, flags, data), src,
                       **fields)

    def ping(self, dst, kind=None, src=None, **fields):
        """An ICMP or ICMPv6 message from us: an echo request by default.

        An error is about a datagram that we got.
        """
        four = len(frames.ip(dst)) == 4
        if kind is None:
            kind = 8 if four else 128
        data = b""
        if kind in (3, 4, 11, 12) if four else kind < 128:
            data = frames.pack_ip(dst, src or self.addr(dst),
                                  frames.udp(40000, 554))
        make = frames.icmp if four else frames.icmp6
        return self.ip(dst, make(kind, data=data), src, **fields)

    def wrap(self, packet, kind=None, vlans=None, to=None, pad=True):
        """A packet as our frame, to the gateway or its group's MAC."""
        if to is None and kind is None:
            to = group_mac(packet)
        if vlans is None:
            vlans = [] if self.vlan is None else [self.vlan]
        return frames.eth(to or GW_MAC, self.mac, packet, kind, vlans, pad)

    def _want(self, size, guard, device):
        want = {f"guard {self.guard} {guard}": (1, size)}
        if self.device:
            want[f"device {self.device} {device}"] = (1, size)
        return want

    def _judge(self, packet, guard, device, passed, raw=False, size=None,
               send=None, compare=True, base=0, **wrap):
        frame = packet if raw else self.wrap(packet, **wrap)
        if size is None:
            size = len(payload(frame))
        marks = list(self.before)
        if passed:
            marks.append(self.scene.tagged(self.cls, base))
        return self.scene.judge(frame, self._want(size, guard, device), marks,
                                self.link, send, compare)

    def passes(self, packet, **how):
        """It is permitted, and tagged; base is the mark it came with."""
        if self._judge(packet, "passed", "passed", True, **how):
            _confirmed.add("none")

    def drops(self, packet, reason, **how):
        """It is dropped for a reason."""
        if self._judge(packet, f"dropped {reason}", "dropped", False, **how):
            _confirmed.add(reason)

    def audits(self, packet, reason, **how):
        """It would be dropped for a reason, but passes, tagged."""
        if self._judge(packet, f"would {reason}", "would", True, **how):
            _confirmed.add(f"audit {reason}")

    def ignores(self, packet, raw=False, mark=0, **wrap):
        """It belongs to no guard: not counted, not tagged."""
        frame = packet if raw else self.wrap(packet, **wrap)
        self.scene.judge(frame, {}, [mark], self.link,
                         compare=tags_of(frame) < 2)
