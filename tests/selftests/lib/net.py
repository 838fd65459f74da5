# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces, links between them, and waiting for conditions.

    with net.Net() as world:
        cam = world.ns("cam", quiet=True)
        gw = world.ns("gw")
        world.veth(cam, "eth0", gw, "trunk")
        gw.vlan("trunk", 30, "cams")
        gw.addr("cams", "10.30.0.1/24")

Namespaces have names that no other run uses, so interfaces in them may be
called anything. Everything made through a Net is gone when it is left. A
quiet namespace sends no frame of its own accord (no IPv6, no ARP answers),
so that counters at the other end are exact.
"""

import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from . import batch, nft, rtnl

CLONE_NEWNET = 0x40000000
RTM_GETLINK, IFLA_OPERSTATE, IF_OPER_UP = 18, 16, 6
TIMEOUT = 30.0          # seconds; generous: emulation is slow

_libc = ctypes.CDLL(None, use_errno=True)
_here = batch.Batch(["ip"])
_serial = 0
_serial_lock = threading.Lock()


class WaitTimeout(AssertionError):
    """A condition did not come true in time."""


def wait_for(condition, timeout=TIMEOUT, what="condition"):
    """Call condition() until it is true; return what it returned."""
    end = time.monotonic() + timeout
    pause = 0.001
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise WaitTimeout(f"waited {timeout:g} s for {what}, "
                              f"last saw {result!r}")
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def unique(label="n"):
    """A name that no other run uses, at most 15 characters long."""
    global _serial
    with _serial_lock:
        _serial += 1
        return f"{label[:4]}{os.getpid() % 1000000}-{_serial}"


def setns(path):
    """Move the calling thread into the network namespace at path."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(fd, CLONE_NEWNET) != 0:
            err = ctypes.get_errno()
            raise OSError(err, os.strerror(err), path)
    finally:
        os.close(fd)


def ns_path(netns):
    """The path of a namespace given as Ns, name or path."""
    if isinstance(netns, Ns):
        return netns.path
    return netns if "/" in netns else f"/run/netns/{netns}"


def call_in(netns, func, *args, **kwargs):
    """func(*args) in a thread of its own inside netns (None: right here).

    A socket that func opens belongs to the namespace for ever, so "open and
    return it" is all that most callers need.
    """
    if netns is None:
        return func(*args, **kwargs)
    path = ns_path(netns)
    outcome = {}

    def body():
        try:
            setns(path)
            outcome["value"] = func(*args, **kwargs)
        except BaseException as err:    # handed to the caller below
            outcome["error"] = err

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def run(argv, check=True, timeout=120, **kwargs):
    """subprocess.run with text output captured and shown on failure."""
    kwargs.setdefault("stdin", None if "input" in kwargs
                      else subprocess.DEVNULL)
    if "input" in kwargs:
        kwargs.pop("stdin")
    kwargs.setdefault("text", True)
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=timeout,
                          stderr=subprocess.PIPE, check=False, **kwargs)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit status "
                           f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Ns:
    """One network namespace."""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        self._batch = batch.Batch(["ip", "-n", name])

    def ip(self, args, check=True):
        """ip -n NAME ARGS, what it shows; args is a list or a string to split."""
        argv = args.split() if isinstance(args, str) else list(args)
        line = " ".join(map(str, argv))
        # One that names a namespace would hold it for as long as it runs.
        if not rtnl.parse(line) and (
                argv[0].startswith("-") or "show" in argv or "netns" in argv):
            return run(["ip", "-n", self.name] + argv, check=check).stdout
        try:
            self.batch([line])
        except batch.Failed:
            if check:
                raise
        return ""

    def batch(self, lines):
        """ip commands that show nothing; they may use -batch's syntax."""
        lines = lines.splitlines() if isinstance(lines, str) else list(lines)
        known = [rtnl.parse(line) for line in lines]
        if all(known):
            self._known(lines, known)
        else:
            self._batch.run(lines)

    def _known(self, lines, known):
        """Do what takes no process, each whether or not one before failed."""
        def work():
            for line, todo in zip(lines, known):
                try:
                    todo()
                except OSError as err:
                    yield f"{line}: {err}"
        failed = self.call(lambda: list(work()))
        if failed:
            raise batch.Failed(f"in {self.name}: " + "\n".join(failed))

    def delete(self):
        """Delete it, if it is there."""
        self._batch.close()
        if os.path.exists(self.path):
            _here.run([f"netns del {self.name}"])

    def run(self, argv, check=True, **kwargs):
        """Run a program in the namespace, output captured."""
        argv = argv.split() if isinstance(argv, str) else list(argv)
        try:
            return self.call(run, argv, check=check, **kwargs)
        except FileNotFoundError as err:
            if check:
                raise RuntimeError(str(err)) from err
            return subprocess.CompletedProcess(argv, 127, "", str(err))

    def nft(self, argv, text=None, check=True):
        """nft ARGV in the namespace, by the library; text: for "-f -"."""
        argv = argv.split() if isinstance(argv, str) else list(argv)
        return self.call(nft.run, argv, text, check)

    def popen(self, argv, **kwargs):
        """Start a program in the namespace; the caller ends it.

        What a thread in the namespace starts is in it as well, and without
        the two programs and the mounts that `ip netns exec` takes. Its /sys
        is this process's.
        """
        argv = argv.split() if isinstance(argv, str) else list(argv)
        return self.call(subprocess.Popen, argv, **kwargs)

    def call(self, func, *args, **kwargs):
        """func(*args) in a thread inside the namespace; its result."""
        return call_in(self, func, *args, **kwargs)

    def socket(self, *args):
        """socket.socket(*args) opened in the namespace."""
        return self.call(socket.socket, *args)

    def sysctl(self, key, value):
        """Write one sysctl below /proc/sys/net, e.g. ipv4/ip_forward."""
        def write():
            # procfs shows the namespace of the thread that opens it.
            with open(f"/proc/sys/net/{key}", "w", encoding="ascii") as file:
                file.write(str(value))
        self.call(write)

    def index(self, ifname):
        """Interface index; OSError if there is no such interface."""
        return self.call(socket.if_nametoindex, ifname)

    def has(self, ifname):
        """Whether the interface exists."""
        try:
            return self.index(ifname) > 0
        except OSError:
            return False

    def mac(self, ifname):
        """MAC address of an interface as bytes."""
        with self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind((ifname, 0))
            return sock.getsockname()[4]

    def up(self, *ifnames):
        """Set interfaces up."""
        self.batch([f"link set {name} up" for name in ifnames])

    def oper_up(self, ifname):
        """Does the kernel know that the interface's link is up?

        It learns it by and by; until then, what is sent is thrown away. Asked
        under RTNL, under which it also begins to send.
        """
        def ask():
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as sock:
                sock.send(struct.pack("=IHHIIBxHiII", 32, RTM_GETLINK, 1, 1, 0,
                                      0, 0, socket.if_nametoindex(ifname),
                                      0, 0))
                return sock.recv(65536)
        data = self.call(ask)
        at = 32
        while at + 4 <= len(data):
            size, kind = struct.unpack_from("=HH", data, at)
            if kind == IFLA_OPERSTATE:
                return data[at + 4] == IF_OPER_UP
            at += max(size + 3 & ~3, 4)
        raise OSError(f"{ifname}: no state")

    def wait_up(self, ifname):
        """Wait until what is sent by the interface goes out."""
        wait_for(lambda: self.oper_up(ifname), what=f"{ifname} to be up")

    def addr(self, ifname, *addresses):
        """Add addresses (10.0.0.1/24, fd00::1/64), ready to use at once."""
        self.batch([f"addr add {a} dev {ifname}" +
                    (" nodad" if ":" in a else "") for a in addresses])

    def vlan(self, parent, vid, name, proto="802.1Q"):
        """Add a VLAN device and set it up."""
        self.batch([f"link add link {parent} name {name} type vlan "
                    f"proto {proto} id {vid}", f"link set {name} up"])

    def bridge(self, name, *ports):
        """Add a bridge over ports and set it up."""
        self.batch([f"link add {name} type bridge"] +
                   [f"link set {port} master {name}" for port in ports] +
                   [f"link set {name} up"])

    def snmp(self, proto, name):
        """A counter of /proc/net/snmp, e.g. snmp("Udp", "NoPorts")."""
        def read():
            with open("/proc/thread-self/net/snmp", encoding="ascii") as file:
                rows = [line.split() for line in file
                        if line.startswith(proto + ":")]
            return int(rows[1][rows[0].index(name)])
        return self.call(read)

    def link_stats(self, ifname):
        """rx/tx packets of an interface: {"rx": n, "tx": n}."""
        def read():
            with open("/proc/thread-self/net/dev", encoding="ascii") as file:
                for line in file:
                    left, _, right = line.partition(":")
                    if left.strip() == ifname:
                        cols = right.split()
                        return {"rx": int(cols[1]), "tx": int(cols[9])}
            raise OSError(f"no interface {ifname} in {self.name}")
        return self.call(read)


class Net:
    """What a test made; all of it is removed on exit, in reverse order."""

    def __init__(self):
        self._undo = contextlib.ExitStack()
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Remove everything; safe to call twice."""
        atexit.unregister(self.close)
        self._undo.close()

    def defer(self, func, *args):
        """Call func(*args) at the end, before older deferred calls."""
        self._undo.callback(func, *args)

    def ns(self, label="n", quiet=False):
        """A new namespace with loopback up."""
        ns = Ns(unique(label))
        _here.run([f"netns add {ns.name}"])
        self.defer(ns.delete)
        if quiet:
            ns.sysctl("ipv6/conf/all/disable_ipv6", 1)
            ns.sysctl("ipv6/conf/default/disable_ipv6", 1)
            ns.sysctl("ipv4/conf/all/arp_ignore", 8)
        else:
            ns.sysctl("ipv6/conf/default/accept_dad", 0)
            ns.sysctl("ipv6/conf/default/router_solicitations", 0)
        ns.ip("link set lo up")
        return ns

    def veth(self, ns_a, if_a, ns_b, if_b, mac_a=None, mac_b=None, up=True,
             mtu=None):
        """A pair of interfaces between two namespaces."""
        both = ["mtu", str(mtu)] if mtu else []
        extra_a = both + (["address", mac_a] if mac_a else [])
        extra_b = both + (["address", mac_b] if mac_b else [])
        ns_a.ip(["link", "add", "name", if_a] + extra_a +
                ["type", "veth", "peer", "name", if_b, "netns", ns_b.name] +
                extra_b)
        if up:
            ns_a.up(if_a)
            ns_b.up(if_b)
            ns_a.wait_up(if_a)

    def stop(self, process):
        """Have a process ended at the end."""
        def end():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.defer(end)
        return process

    def tempdir(self):
        """A directory that is removed at the end."""
        path = tempfile.mkdtemp(prefix="lenscap-")
        self.defer(shutil.rmtree, path, True)
        return path
