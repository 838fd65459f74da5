# SPDX-License-Identifier: GPL-2.0-only
"""Ways around a filter that lie in the gateway, not in the frame.

    @path("nft(8): flowtables", reason="destination")
    def test_flowtable(here):
        "an established flow that the flowtable forwards"
        nft(here, "...")
        yield [denied(), permitted()]

A test gets a place (see evasion.py) of its own, first one without a guard,
then one that is guarded, makes of it the situation that its name says, and
yields frames. They are sent when it does, and it goes on when what became of
them was looked at. Frames say themselves what they are: where there is no
guard, each of a batch must arrive, or the test shows nothing; where there is
one, all permitted ones must, no other may, and the guard must have dropped the
others for the reasons given.

Some paths the module cannot see: it is not on them. doctor="NAME" says so:
there all frames must arrive in spite of the guard, which must not have counted
one, and `lenscapctl doctor` must report NAME; "" if it has nothing to say.
"""

import contextlib
import functools
import inspect
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from . import daemon, evasion, frames, io, net, tap, witness
from .evasion import BULK4, BULK6, ELSE4, ELSE6, Out, ok, udp
from .nft import need as need_nft

DENIED, PERMITTED = b"evasion!", b"permitted"
CTL = os.path.join(daemon.PROGRAMS, "lenscapctl")
# What doctor has to say of a place of a kind anyhow.
USUAL = {"route": {"guard-on-veth"},
         "bridge": {"guard-on-veth", "bridge-port-unguarded"},
         "trunk": {"guard-on-veth", "untagged-unguarded"},
         "device": {"untagged-unguarded"}}


def denied(to6=False, **how):
    """A datagram to nobody, of either family."""
    return udp(ELSE6 if to6 else ELSE4, data=DENIED, **how)


def permitted(to6=False, port=7, **how):
    """One that the policy permits."""
    return ok(udp(BULK6 if to6 else BULK4, port, PERMITTED, **how))


def mixed(**how):
    """Some of either kind."""
    return [frame(to6, **how) for to6 in (False, True)
            for frame in (denied, permitted, denied)]


def need(what, argv, **kwargs):
    """Run a command that works only if the kernel has what; else skip."""
    return _there(what, net.run(argv, check=False, **kwargs))


def _there(what, done):
    """What was done; Skip if the kernel cannot do it."""
    if done.returncode:
        tap.true("syntax error" not in done.stderr, done.stderr)
        raise tap.Skip(f"no {what} here: {done.stderr.strip()[:160]}")
    return done


def nft(here, text, optional=""):
    """Load rules in the gateway; optional says what a kernel may not have."""
    # A closing brace does not end a rule.
    text = re.sub(r" }(?= }|$)", "\n}", text, flags=re.M)
    need_nft()
    done = here.gw.nft(["-f", "-"], text, check=not optional)
    if optional:
        _there(optional, done)


def counter(here, name, table="t", family="inet"):
    """Packets of a named counter."""
    text = here.gw.nft(["-j", "list", "counter", family, table,
                        name]).stdout
    return [item["counter"]["packets"] for item in
            json.loads(text)["nftables"] if "counter" in item][0]


def link(here, what, line):
    """An ip link command for a kind of link that a kernel may not have."""
    need(what, ["ip", "-n", here.gw.name, "link", *line.split()])


def watch(here, ifname):
    """What an interface of the gateway receives has arrived as well."""
    capture = io.Capture(here.gw, ifname)
    here.world.defer(capture.close)
    here.others.append(capture)


class Local(witness.Witness):
    """Packets for the gateway itself, where a socket would get them."""

    def __init__(self, here):
        self.found = []
        super().__init__(here.gw)
        nft(here, f"""table inet local {{ chain in {{
            type filter hook input priority 0;
            log group {self.group} snaplen {witness.SNAP} }} }}""")
        here.world.defer(self.sock.close)
        here.others.append(self)

    def seen(self):
        """As a Capture has them: an Ethernet header before each."""
        self.found += self.take()
        return [io.Frame(bytes(14) + one.payload, None, None, False)
                for one in self.found]

    def clear(self):
        """Forget them."""
        self.take()
        self.found.clear()


class Traffic:
    """Frames of either kind that are sent the whole time."""

    def __init__(self, here, link_name):
        self.here, self.link_name = here, link_name
        self.sent = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._send)

    def _send(self):
        frames = [out.data if isinstance(out, Out) else out
                  for out in mixed(vlans=self.here.vlans)]
        out = None
        for frame in itertools.cycle(frames):
            if self.stop.is_set():
                break
            try:
                out = out or io.Link(self.here.cam, self.link_name)
                out.send(frame)
                self.sent += 1
            except OSError:         # it is gone: there may be another
                if out:
                    out.close()
                    out = None
            time.sleep(0.0005)      # not to fill what captures can hold
        if out:
            out.close()

    def more(self, count=30):
        """Wait until that many more have been sent."""
        goal = self.sent + count
        net.wait_for(lambda: self.sent >= goal, what=f"{count} more frames")

    def arrived(self, mark):
        """How many did."""
        return self.here.seen.count(lambda frame: mark in frame.data)

    def flowing(self):
        """Wait until permitted frames, and so all others, get through."""
        goal = self.arrived(PERMITTED) + 10
        net.wait_for(lambda: self.arrived(PERMITTED) >= goal,
                     what="traffic to go on")


@contextlib.contextmanager
def traffic(here, link_name="eth0"):
    """Send while the situation changes; no denied frame may get through."""
    here.seen.clear()
    flow = Traffic(here, link_name)
    flow.thread.start()
    try:
        flow.flowing()
        yield flow
        flow.flowing()
    finally:
        flow.stop.set()
        flow.thread.join()
    leaked = flow.arrived(DENIED)
    if here.sock:
        tap.equal(leaked, 0, f"of {flow.sent} frames sent, denied ones that "
                  "arrived meanwhile")
    else:
        tap.true(leaked, "without a guard, denied frames arrive")


def diagnose(here):
    """Names of what doctor finds in the gateway, guarded by a daemon."""
    if not os.access(CTL, os.X_OK):
        raise tap.Skip(f"no {CTL}: build it with make userspace")
    guard = daemon.guard("g", here.guarded)
    if here.guarded_vlan:
        guard["vlan"] = here.guarded_vlan
    served = daemon.Daemon(here.world, here.gw, guards=[guard])
    served.write_policy(daemon.dome(revision=1000, peers=(
        evasion.PEER4, evasion.PEER6)))
    served.start()
    done = here.gw.run([CTL, "--socket", served.socket, "doctor", "--json"],
                       check=False)
    return {item["name"] for item in json.loads(done.stdout)["findings"]}


class Dhcp:
    """A server for the cameras on a gateway that routes.

    What it was sent before a request of a camera's, it has answered before that.
    With knows, it keeps an address for the camera; otherwise it gives it any.
    """

    def __init__(self, here, knows=True):
        if not shutil.which("dnsmasq"):
            raise tap.Skip("no dnsmasq")
        self.here = here
        where = here.world.tempdir()
        here.world.stop(here.gw.popen(
            ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0",
             "--user=root", "--interface=trunk", "--dhcp-authoritative",
             f"--dhcp-leasefile={where}/leases", f"--pid-file={where}/pid",
             "--no-ping", "--dhcp-range=10.30.0.10,10.30.0.20,255.255.255.0"] +
            [f"--dhcp-host={evasion.CAM_MAC},{evasion.CAM4}"] * knows,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        here.settle, here.asked = self.settle, 1
        net.wait_for(self._ask, what="the DHCP server to answer")

    def _ask(self, timeout=0.2):
        """Does it answer one more discover?"""
        xid = next(self.here.serial) + 0x4c000000
        self.here.links["eth0"].send(evasion.ip(
            "255.255.255.255", frames.udp(68, 67, frames.dhcp4(
                evasion.CAM_MAC, xid=xid)), "0.0.0.0", to=frames.BROADCAST))
        answer = bytes([2, 1, 6, 0]) + xid.to_bytes(4, "big")
        with contextlib.suppress(net.WaitTimeout):
            self.here.back.wait(lambda f: answer in f.data, timeout=timeout,
                                what="the answer of the DHCP server")
            return True
        return False

    def settle(self):
        """Wait until it has answered what it was asked."""
        tap.true(self._ask(10), "the DHCP server answers a camera")


def advertise(here):
    """A daemon on a gateway that routes, which tells cameras of routes."""
    if not shutil.which("dnsmasq"):
        raise tap.Skip("no dnsmasq")
    where = here.world.tempdir()
    here.world.stop(here.gw.popen(
        ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0",
         "--user=root", "--interface=trunk", "--enable-ra",
         f"--dhcp-leasefile={where}/leases", f"--pid-file={where}/pid",
         "--dhcp-range=2001:db8:30::100,2001:db8:30::200,64"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    here.back.wait(lambda f: f.data[12:14] == b"\x86\xdd" and
                   f.data[20] == frames.ICMP6 and f.data[54] == 134,
                   what="the first advertisement")


class Taken:
    """What an interface of the camera's gets for itself, as arrived."""

    def __init__(self, here, mac):
        self.here, self.mac = here, frames.mac(mac)

    def seen(self):
        """As a Capture has them."""
        return [f for f in self.here.back.seen()
                if f.data[:6] == self.mac and DENIED in f.data]

    def clear(self):
        """The capture is cleared by others."""


class RawDhcp:
    """A DHCP server that listens by a packet socket, as ISC's does.

    It answers relays alone, with what the request has behind the hardware address.
    """

    def __init__(self, here):
        self.here = here
        self.heard = here.gw.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(3))
        self.heard.bind(("trunk", 0))
        self.heard.settimeout(0.1)
        self.says = here.gw.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.says.bind(("", 67))
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        here.world.defer(self.close)

    def _serve(self):
        while not self.stop.is_set():
            try:
                frame, where = self.heard.recvfrom(2000)
            except TimeoutError:
                continue
            request = frame[42:]
            if where[2] == 4 or frame[36:38] != b"\0\x43":
                continue        # what the gateway sends, and other ports
            self.says.sendto(b"\2" + request[1:],
                             (socket.inet_ntoa(request[24:28]), 67))

    def wait(self, count):
        """Wait until so many answers have arrived on the far side."""
        self.here.seen.wait(lambda f: f.data[34:38] == b"\0\x43\0\x43", count,
                            what="answers")

    def close(self):
        """End it."""
        self.stop.set()
        self.thread.join()
        self.heard.close()
        self.says.close()


def _arrived(frames, mark):
    return sum(frame.data.count(mark) for frame in frames)


def _unguarded(outs, arrived):
    """What is wrong where there is no guard."""
    for mark, count in ((DENIED, sum(not out.permitted for out in outs)),
                        (PERMITTED, sum(out.permitted for out in outs))):
        if _arrived(arrived, mark) < count:
            yield (f"{_arrived(arrived, mark)} of {count} frames with {mark} "
                   "arrived")


def _judged(outs, arrived, counted, reasons, here):
    """What is wrong where the guard judges."""
    permit = sum(out.permitted for out in outs)
    passes = permit + 1 + here.asked
    if _arrived(arrived, DENIED):
        yield f"{_arrived(arrived, DENIED)} denied frames arrived"
    if _arrived(arrived, PERMITTED) < permit:
        yield f"{_arrived(arrived, PERMITTED)} of {permit} permitted arrived"
    passed = counted.pop("passed", 0)
    dropped = sum(counted.values())
    wanted = len(outs) - permit
    if here.merges:
        good = 1 <= passed <= passes and bool(dropped) == bool(wanted)
    else:
        good = passed == passes and dropped == wanted
    if not good or not set(counted) <= set(reasons):
        yield (f"passed {passed}, dropped {counted}; wanted {passes} and "
               f"{wanted} for {reasons}")


def _unseen(outs, arrived, counted, reasons):
    """What is wrong where the guard is known not to be on the path.

    With reasons, it is on another, which copies take.
    """
    yield from _unguarded(outs, arrived)
    counted.pop("passed", 0)
    if not set(counted) <= set(reasons):
        yield f"the guard saw some of it: {counted}"


def _one(func, kind, guarded, reasons, finds):
    """What is wrong with a place of a kind."""
    met = set()
    with net.Net() as world:
        here = evasion.Place(world, kind, guarded)
        here.merges, here.asked = False, 0
        for batch in func(here):
            outs = evasion.plain(batch)
            arrived, counted = here.run(outs)
            met |= set(counted) - {"passed"}
            if not guarded:
                yield from _unguarded(outs, arrived)
            elif finds is None:
                yield from _judged(outs, arrived, counted, reasons, here)
            else:
                yield from _unseen(outs, arrived, counted, reasons)
        if guarded and met != set(reasons):
            yield f"dropped for {sorted(met)}, wanted {reasons}"
        if guarded and finds is not None:
            found = diagnose(here) - (set() if finds else USUAL[kind])
            if not set(evasion.names(finds)) <= found or found and not finds:
                yield f"doctor found {sorted(found)}, wanted {finds!r}"


def path(source, reason="", at="route", doctor=None):
    """A test from a function that makes a situation and yields frames."""
    assert source and (reason or doctor is not None)

    def wrap(func):
        assert inspect.isgeneratorfunction(func)

        @functools.wraps(func)
        def test():
            wrong = [f"{kind}, {'guarded' if guarded else 'no guard'}: {text}"
                     for kind in evasion.names(at)
                     for guarded in (False, True)
                     for text in _one(func, kind, guarded,
                                      evasion.names(reason), doctor)]
            if wrong:
                raise AssertionError("\n".join(wrong))
        return test
    return wrap
