#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Captures: refused frames go to NFLOG, for tcpdump, ulogd2 and lenscapctl."""

import contextlib
import errno
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

from lib import daemon, frames, net, nl, policy, rig, tap
from lib.user import Child, NoUserns, own_namespaces

GROUP = 77
ALIEN = "02:00:5e:99:00:01"
V6, OTHER6 = "2001:db8:30::17", "2001:db8:99::7"
CTL = os.path.join(daemon.PROGRAMS, "lenscapctl")
INET, NETDEV = 2, 5
NETLINK_NETFILTER = 12
PAYLOAD, PREFIX, TIMESTAMP, VLAN, L2HDR = 9, 10, 3, 20, 21


def world(stack, **guard):
    "A camera with addresses of both families."
    one = stack.enter_context(rig.Rig())
    one.arm(**guard)
    text = rig.dome()
    text["devices"]["cam"]["addresses"].append(V6)
    one.load(text)
    return one


def listens(one, group=GROUP):
    "Whether a program listens to the group."
    def read():
        with open("/proc/thread-self/net/netfilter/nfnetlink_log",
                  encoding="ascii") as file:
            return [int(line.split()[0]) for line in file]
    return group in one.gw.call(read)


def start(one, argv, **options):
    "A program that listens to the group, listening; ended with the rig."
    if not shutil.which(argv[0]):
        raise tap.Skip(f"no {argv[0]}")
    process = one.gw.popen(argv, stdin=subprocess.DEVNULL, **options)
    one.net.stop(process)

    def ready():
        if process.poll() is not None:
            raise AssertionError(f"{argv[0]} ended: {process.returncode}")
        return listens(one)
    net.wait_for(ready, what=f"{argv[0]} to listen")
    return process


def captures(sock):
    "Captures by id."
    return {row["id"]: row for row in sock.dump("capture-get")}


def counts(sock, number):
    "Frames of a capture that were sent, and that were not."
    row = captures(sock)[number]
    return row["sent"], row["suppressed"]


class Listener:
    "What comes to the group, read here: quicker than to start a program."

    def __init__(self, one):
        self.sock = one.gw.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_NETFILTER)
        self.sock.bind((0, 0))
        self.seen = []
        # Bind the group, whole packets, one a message; ACK it.
        body = (struct.pack("!BBH", 0, 0, GROUP) +
                nl.attr(1, b"\x01") +
                nl.attr(2, struct.pack("!IBB", 0xffff, 2, 0)) +
                nl.attr(5, struct.pack("!I", 1)))
        self.sock.send(struct.pack("=IHHII", 16 + len(body), 0x401, 5, 1, 0)
                       + body)
        answer = self.sock.recv(65536)
        tap.equal(struct.unpack_from("=i", answer, 16)[0], 0, "bind a group")
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def rows(self):
        "(family, {attribute: bytes}) of each frame so far."
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.sock.recv(1 << 18)
                size, kind = struct.unpack_from("=IH", data)
                tap.equal(kind, 0x400, "a packet")
                self.seen.append((data[16], dict(nl.attrs_of(data[20:size]))))
        return self.seen

    def wait(self, count):
        "The first so many frames, once they are there; no more may be."
        net.wait_for(lambda: len(self.rows()) >= count,
                     what=f"{count} frames in the group")
        tap.equal(len(self.seen), count, "frames")
        return self.seen


def prefix(row):
    "What the kernel says of a frame."
    return row[1][PREFIX].rstrip(b"\0").decode()


def test_tcpdump():
    "tcpdump sees what is dropped, of both families, and nothing else"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        one.sock.do("capture-set", group=GROUP)
        dump = start(one, ["tcpdump", "-n", "-l", "-i", f"nflog:{GROUP}"],
                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                     text=True)
        one.good(2)
        one.bad()
        one.send(frames.eth(rig.GW_MAC, rig.CAM_MAC, frames.pack_ip(
            V6, OTHER6, frames.tcp(40001, 443, "S"))))
        one.good()
        first, second = dump.stdout.readline(), dump.stdout.readline()
        tap.true(f"IP {rig.CAM_IP}.40000 > {rig.OTHER_IP}.{rig.PEER_PORT}: "
                 "UDP, length 7" in first, first)
        tap.true(f"IP6 {V6}.40001 > {OTHER6}.443: Flags [S]" in second,
                 second)
        # It changes nothing.
        one.wait_passed(3)
        one.wait_dropped(2)
        dump.terminate()
        tap.equal(dump.stdout.read().strip(), "", "more of it")


def test_frames():
    "what comes with a frame, as packets and as frames of the link"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        one.arm("thirty", vlan=30)
        sent = [one.frame(rig.OTHER_IP, data=b"x" * 90),
                one.frame(rig.OTHER_IP, vlans=(30,)),
                one.frame(rig.OTHER_IP, vlans=(30, 31)),
                one.frame(mac=ALIEN),
                frames.eth(rig.GW_MAC, rig.CAM_MAC, b"\x99" * 60, 0x88cc)]
        head = "lenscap dropped"
        texts = [f"{head} destination rev=1 len=118 device=cam guard=cams",
                 f"{head} destination rev=1 len=42 device=cam guard=thirty",
                 f"{head} vlan_stack rev=1 len=42 device=cam guard=thirty",
                 f"{head} unknown_device rev=1 len=46 guard=cams",
                 f"{head} ethertype rev=1 len=60 device=cam guard=cams"]
        log = stack.enter_context(Listener(one))
        with one.open() as sock:
            sock.do("capture-set", group=GROUP, snaplen=100)
            one.send(*sent)
            rows = log.wait(5)
        tap.equal([prefix(row) for row in rows], texts, "prefixes")
        tap.equal([row[0] for row in rows],
                  [INET, INET, NETDEV, INET, NETDEV], "families")
        tap.equal(rows[0][1][PAYLOAD], sent[0][14:114], "cut")
        tap.true(all(TIMESTAMP in row[1] for row in rows), "time of arrival")

        one.sock.do("capture-set", group=GROUP, link=True)
        one.send(*sent)
        rows = log.wait(10)[5:]
        tap.equal([prefix(row) for row in rows], texts, "prefixes")
        tap.equal([row[0] for row in rows], [NETDEV] * 5, "families")
        for raw, (_, attrs) in zip(sent, rows):
            tags = dict(nl.attrs_of(attrs.get(VLAN, b"")))
            whole = attrs[L2HDR][:12]
            if tags:
                whole += tags[1] + tags[2]
            whole += attrs[L2HDR][12:] + attrs[PAYLOAD]
            tap.equal(whole, raw, "the frame")


def test_filters():
    "only frames of the guard, device, sender and reason that were asked for"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        one.arm("thirty", vlan=30)
        wanted = {
            3: {}, 2: {"guard": "cams"}, 1: {"guard": "thirty"},
            0: {"guard": "cams", "device": "nobody"}}
        asked = [(count, what) for count, what in wanted.items()]
        asked += [(2, {"device": "cam"}), (1, {"mac": frames.mac(ALIEN)}),
                  (2, {"mac": frames.mac(rig.CAM_MAC)}),
                  (1, {"reason": "unknown_device"}),
                  (2, {"reason": "destination"}),
                  (1, {"reason": "destination", "guard": "thirty",
                       "device": "cam", "mac": frames.mac(rig.CAM_MAC)})]
        ids = [one.sock.do("capture-set", group=GROUP, **what)["id"]
               for _, what in asked]
        one.good()
        one.bad()
        one.send(one.frame(rig.OTHER_IP, vlans=(30,)))
        one.send(one.frame(mac=ALIEN))
        one.wait_passed(1)
        one.wait_reason("cams", "unknown_device", 1)
        tap.equal([(counts(one.sock, i)[0], what)
                   for i, (_, what) in zip(ids, asked)], asked, "sent")


def test_audit():
    "what is only audited says so, and passes; a prefix that is too long"
    guard, device = "g" * 63, "d" * 63
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(rig.Rig())
        one.arm(guard, mode="audit")
        text = rig.dome()
        text["devices"][device] = text["devices"].pop("cam")
        one.load(text)
        log = stack.enter_context(Listener(one))
        one.sock.do("capture-set", group=GROUP)
        one.bad()
        whole = (f"lenscap audited destination rev=1 len=46 device={device} "
                 f"guard={guard}")
        tap.equal(prefix(log.wait(1)[0]), whole[:127], "prefix")
        tap.equal(policy.device(one.sock, device)["would_packets"], 1,
                  "would drop")


def test_rate():
    "what exceeds the rate is counted, and dropped like the rest"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        number = one.sock.do("capture-set", group=GROUP, rate=1)["id"]
        one.bad(300)
        one.wait_dropped(300)
        sent, suppressed = counts(one.sock, number)
        tap.equal(sent + suppressed, 300, "all of them")
        tap.true(sent >= 1 and suppressed >= 1, f"{sent}, {suppressed}")


def test_owner():
    "a capture ends with its socket, or when it is told to; a limit"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        with one.open() as other:
            kept = one.sock.do("capture-set", group=GROUP)["id"]
            gone = other.do("capture-set", group=GROUP, guard="cams",
                            device="cam", mac=frames.mac(rig.CAM_MAC),
                            reason="service", snaplen=96, rate=7,
                            link=True)["id"]
            tap.equal(captures(one.sock)[gone], {
                "id": gone, "owner": other.port, "guard": "cams",
                "device": "cam", "mac": frames.mac(rig.CAM_MAC),
                "reason": "service", "group": GROUP, "snaplen": 96,
                "rate": 7, "link": True, "sent": 0, "suppressed": 0},
                      "as it was asked for")
        tap.equal(list(captures(one.sock)), [kept], "after its socket")
        limit = one.sock.spec.consts["max_captures"]
        for _ in range(limit - 1):
            one.sock.do("capture-set", group=GROUP)
        err = nl.fails(errno.ENOSPC, one.sock.do, "capture-set", group=GROUP)
        tap.true(str(limit) in err.text, err.text)
        one.sock.do("capture-del", id=kept)
        nl.fails(errno.ENOENT, one.sock.do, "capture-del", id=kept)
        tap.true(one.sock.do("capture-set", group=GROUP)["id"] > kept,
                 "numbers are not used again")
        one.bad()
        one.wait_dropped(1)


def test_survives():
    "swaps, guards and interfaces that go and come back"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        number = one.sock.do("capture-set", group=GROUP, guard="cams",
                             device="cam")["id"]

        def drop(total):
            one.bad()
            net.wait_for(lambda: counts(one.sock, number)[0] >= total,
                         what=f"{total} frames")
        drop(1)
        one.load({})            # the device is unknown now
        one.bad()
        one.wait_reason("cams", "unknown_device", 1)
        one.load()
        drop(2)
        one.sock.do("guard-del", name="cams")
        one.arm()
        drop(3)
        one.gw.ip("link del trunk")
        policy.wait_guard(one.sock, "cams", "waiting")
        one.connect()
        policy.wait_guard(one.sock, "cams", "armed")
        drop(4)


def test_end():
    "a namespace ends while frames are captured; so does the module"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        log = stack.enter_context(Listener(one))
        one.sock.do("capture-set", group=GROUP)
        one.bad(3)
        log.wait(3)
        net.run(["ip", "netns", "del", one.gw.name])
        one.bad()
    path = os.environ.get("LENSCAP_MODULE")
    if not path:
        return
    with rig.Rig(link=False) as one:
        # Nothing holds the module: a capture alone does not.
        one.sock.do("capture-set", group=GROUP)

        def gone():
            return not subprocess.run(["rmmod", "lenscap"], check=False,
                                      stderr=subprocess.DEVNULL).returncode
        net.wait_for(gone, what="the module to go")
    tap.module()


def test_foreign():
    "not where another than the host's root could listen"
    def child(put, get):
        try:
            own_namespaces(net.CLONE_NEWNET)
        except NoUserns as err:
            put(f"no user namespaces: {err}")
            return
        put(os.getpid())
        get()
    with Child(child) as other:
        pid = other.get()
        if not isinstance(pid, int):
            raise tap.Skip(pid)
        with nl.Genl(netns=f"/proc/{pid}/ns/net") as sock:
            err = nl.fails(errno.EPERM, sock.do, "capture-set", group=GROUP)
            tap.true("user namespace" in (err.text or ""), err)
        other.put()


def test_ulogd():
    "ulogd2 writes what is dropped"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        where = one.net.tempdir()
        log = os.path.join(where, "frames")
        with open(os.path.join(where, "conf"), "w", encoding="ascii") as file:
            file.write(f"[global]\nlogfile={where}/log\nstack=one:NFLOG,"
                       "base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,print1:"
                       "PRINTPKT,emu1:LOGEMU\n"
                       f"[one]\ngroup={GROUP}\n"
                       f"[emu1]\nfile={log}\nsync=1\n")
        start(one, ["ulogd", "-c", file.name])
        one.sock.do("capture-set", group=GROUP)
        one.good()
        one.bad()

        def written():
            if not os.path.exists(log):
                return ""
            with open(log, encoding="utf-8") as text:
                return text.read()
        text = net.wait_for(written, what="a line of ulogd")
        for part in ("lenscap dropped destination rev=1", "device=cam",
                     "IN=trunk", f"SRC={rig.CAM_IP}", f"DST={rig.OTHER_IP}",
                     f"DPT={rig.PEER_PORT}"):
            tap.true(part in text, f"{part} in {text}")
        tap.equal(len(text.splitlines()), 1, "lines")


def gateway():
    "A running daemon with the policy of one camera."
    daemon.built()
    one, service = daemon.world()
    service.write_policy(daemon.dome(revision=42))
    service.start()
    policy.wait_guard(one.sock, "cams", "armed")
    return one, service


def capture(one, service, *argv):
    "lenscapctl capture, begun; what was there before is gone."
    net.wait_for(lambda: not captures(one.sock), what="captures to end")
    process = one.gw.popen([CTL, "--socket", service.socket, "capture", *argv],
                           stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    one.net.stop(process)

    def begun():
        if process.poll() is not None:
            raise AssertionError(process.stderr.read())
        return captures(one.sock)
    net.wait_for(begun, what="the capture to begin")
    return process


def fields(path, *names):
    "Fields of each frame, as tshark reads them."
    if not shutil.which("tshark"):
        raise tap.Skip("no tshark")
    argv = ["tshark", "-n", "-r", path, "-T", "fields"]
    for name in names:
        argv += ["-e", name]
    return [tuple(line.split("\t")) for line in
            net.run(argv).stdout.splitlines()]


def test_capture():
    "lenscapctl capture writes pcapng with comments, tags and lengths"
    one, service = gateway()
    service.configure([daemon.guard(), daemon.guard("thirty", vlan=30)])
    service.ask("reload")
    path = service.path("frames.pcapng")
    process = capture(one, service, "--write", path, "--snaplen", "24")
    one.good()
    one.bad()
    one.send(one.frame(rig.OTHER_IP, vlans=(30,)))
    one.send(one.frame(mac=ALIEN))
    one.wait_reason("cams", "unknown_device", 1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=net.TIMEOUT * 4)[1]
    tap.equal((process.returncode, said.splitlines()[1:]),
              (0, ["lenscapctl: 3 frames written"]), "how it ended")
    net.wait_for(lambda: not captures(one.sock), what="the capture to end")
    tap.equal(os.stat(path).st_mode & 0o777, 0o600, "rights")
    tap.equal(fields(path, "frame.comment", "vlan.id", "ip.dst",
                     "frame.interface_name", "frame.len",
                     "frame.cap_len"), [
        ("dropped: destination; device cam, guard cams, revision 42", "",
         rig.OTHER_IP, "trunk", "60", "38"),
        ("dropped: destination; device cam, guard thirty, revision 42", "30",
         rig.OTHER_IP, "trunk", "60", "42"),
        ("dropped: unknown_device; device unknown, guard cams, revision 42",
         "", rig.PEER_IP, "trunk", "60", "38")], "the file")


def test_capture_ends():
    "lenscapctl capture by name, by number, in a group, until the daemon dies"
    one, service = gateway()
    path = service.path("frames.pcapng")
    for option, name, meant in (("--guard", "cam", 'did you mean "cams"'),
                                ("--device", "cma", 'did you mean "cam"'),
                                ("--reason", "destinaton",
                                 'did you mean "destination"')):
        done = one.gw.run([CTL, "--socket", service.socket, "capture",
                           "--group", "5", option, name], check=False)
        tap.equal(done.returncode, 1, f"{option} {name}")
        tap.true(meant in done.stderr, done.stderr)

    process = capture(one, service, "-w", path, "--count", "2", "--device",
                      "cam", "--reason", "destination", "--json")
    one.send(one.frame(mac=ALIEN))
    one.bad(2)
    tap.equal(process.wait(net.TIMEOUT * 4), 0, "exit code")
    tap.equal(json.loads(process.stdout.read()),
              {"ok": True, "written": 2, "suppressed": 0, "lost": 0},
              "summary")

    process = capture(one, service, "--group", str(GROUP), "--guard", "cams")
    with Listener(one) as log:
        one.bad()
        tap.equal(log.wait(1)[0][0], INET, "family")
        row, = service.ask("captures")["captures"]
        tap.equal((row["guard"], row["group"], row["sent"], row["link"]),
                  ("cams", GROUP, 1, False), "captures")
        tap.equal(service.ask("status")["captures"], [row], "status")
        shown = one.gw.run([CTL, "--socket", service.socket, "status"]).stdout
        tap.true(f"dropped frames of guard cams to NFLOG group {GROUP}: 1 sent"
                 in shown, shown)
    process.kill()

    process = capture(one, service, "-w", path, "--group", str(GROUP))
    tap.true(listens(one), "the group that was asked for")
    done = one.gw.run([CTL, "--socket", service.socket, "capture", "-w",
                       path + "2", "--group", str(GROUP)], check=False)
    tap.equal(done.returncode, 1, "a group that is taken")
    tap.true("another program listens" in done.stderr, done.stderr)
    service.kill()
    tap.equal(process.wait(net.TIMEOUT * 4), 3, "exit code")
    tap.true("the daemon went away" in process.stderr.read(), "why")
    net.wait_for(lambda: not captures(one.sock), what="the capture to end")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], each=daemon.cleanup)
