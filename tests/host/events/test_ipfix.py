# SPDX-License-Identifier: GPL-2.0-only
"""Events as IPFIX, read by libfixbuf's ipfixDump and by tshark."""

import glob
import ipaddress
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time

from driver import tap, Driver, DROP

TIMEOUT = 60
BURST = 200
SHAPES = [
    DROP,
    DROP.replace(" 0 12", " 1 7"),
    "- - 2001:db8::17 2001:db8::9 58 128 1 0 1",
    "- - 10.0.0.1 10.0.0.2 1 8 1 0 1",
    "- - 10.0.0.1 10.0.0.2 99 - 1 0 1",
    "- 00:11:22:33:44:55 - - - - 5 0 3",
]
COMMON = {"flowStartMilliseconds": "2026-07-25 17:20:00.123",
          "flowEndMilliseconds": "2026-07-25 17:20:01.456",
          "interfaceName": "eth1", "vlanId": "30", "ethernetType": "2048"}
DENIED = {"forwardingStatus": "129", "firewallEvent": "3"}
CALL = {"sourceIPv4Address": "10.30.0.17",
        "destinationIPv4Address": "203.0.113.9",
        "sourceMacAddress": "02:00:5e:10:00:17", "protocolIdentifier": "6",
        "destinationTransportPort": "443"}
WANTED = [{**COMMON, **fields} for fields in (
    {**CALL, **DENIED, "packetDeltaCount": "12", "octetDeltaCount": "720"},
    {**CALL, "forwardingStatus": "64", "firewallEvent": "4",
     "packetDeltaCount": "7", "octetDeltaCount": "420"},
    {**DENIED, "sourceIPv6Address": "2001:db8::17",
     "destinationIPv6Address": "2001:db8::9", "protocolIdentifier": "58",
     "icmpTypeIPv6": "128", "packetDeltaCount": "1", "octetDeltaCount": "60"},
    {**DENIED, "sourceIPv4Address": "10.0.0.1",
     "destinationIPv4Address": "10.0.0.2", "protocolIdentifier": "1",
     "icmpTypeIPv4": "8", "packetDeltaCount": "1", "octetDeltaCount": "60"},
    {**DENIED, "sourceIPv4Address": "10.0.0.1",
     "destinationIPv4Address": "10.0.0.2", "protocolIdentifier": "99",
     "packetDeltaCount": "1", "octetDeltaCount": "60"},
    {**DENIED, "sourceMacAddress": "00:11:22:33:44:55",
     "packetDeltaCount": "3", "octetDeltaCount": "180"})]


def dump(path, sequence=True):
    "Records of a file, by ipfixDump, whose numbers must follow each other."
    if not shutil.which("ipfixDump"):
        raise tap.Skip("ipfixDump (package libfixbuf-tools) is not there: "
                       "scripts/setup check")
    done = subprocess.run(["ipfixDump", "--data", "--in", path],
                          capture_output=True, text=True, check=False,
                          timeout=TIMEOUT)
    said = [line for line in done.stderr.splitlines() if line and
            (sequence or "out of sequence" not in line)]
    tap.equal((done.returncode, said), (0, []), "ipfixDump")
    records = []
    for line in done.stdout.splitlines():
        field = re.match(r"\s+\(\d+\)\s+(\w+) : (?:\(len: \d+\) )?(.*)", line)
        if line.startswith("--- data record"):
            records.append({})
        elif field:
            value = field[2]
            if field[1].endswith("IPv6Address"):
                value = str(ipaddress.ip_address(value))
            records[-1][field[1]] = value
    return records


def records_in(data):
    "How many whole messages with a record there are, each with one."
    count = 0
    while len(data) >= 16:
        version, length = struct.unpack(">HH", data[:4])
        tap.equal(version, 10, "version")
        if len(data) < length:
            break
        count += struct.unpack(">H", data[16:18])[0] >= 256
        data = data[length:]
    return count


def receive(connection, count):
    "What a connection brings, until there are so many records."
    connection.settimeout(TIMEOUT)
    data = b""
    while records_in(data) < count:
        more = connection.recv(65536)
        tap.true(more, f"closed after {records_in(data)} of {count} records")
        data += more
    return data


def check(d, data, wanted, sequence=True):
    "What was received is what was wanted, to ipfixDump."
    path = d.path("received")
    with open(path, "wb") as file:
        file.write(data)
    tap.equal(dump(path, sequence), wanted, "records")


def listen(kind=socket.SOCK_STREAM, family=socket.AF_INET, **more):
    "A collector's socket on the loopback."
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for option, value in more.items():
        sock.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
    sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        sock.listen(1)
    sock.settimeout(TIMEOUT)
    return sock


def to(sock, transport="tcp"):
    "The output that leads to it."
    host, port = sock.getsockname()[:2]
    return {"to": "ipfix", "collector": host, "port": port,
            "transport": transport}


def until(d, condition, what):
    "Let batches end until it is so."
    deadline = time.monotonic() + TIMEOUT
    while not condition(d.shown()):
        tap.true(time.monotonic() < deadline, f"{what}: {d.shown()}")
        d.ask("admit")


def counts(d):
    "Written and lost."
    state = d.shown()
    return state["written"], state["lost"]


def test_ipfix_file():
    "every element, and none without a value"
    with Driver() as d:
        path = d.path("events.ipfix")
        d.write([{"to": "ipfix", "path": path}, "FILE"])
        d.ask("configure " + d.config)
        for words in SHAPES:
            d.ask("event " + words)
        tap.equal(dump(path), WANTED, "records")
        tap.equal(len(d.lines()), len(SHAPES), "events of the other output")
        tap.equal(d.shown(), {"to": "ipfix", "path": path,
                              "written": len(SHAPES), "lost": 0,
                              "error": None}, "state")


def test_ipfix_tshark():
    "another program reads the same from the file"
    if not shutil.which("tshark"):
        raise tap.Skip("tshark is not there: scripts/setup check")
    with Driver() as d:
        path = d.path("events.ipfix")
        d.write([{"to": "ipfix", "path": path}])
        d.ask("configure " + d.config)
        d.ask("event " + DROP)
        done = subprocess.run(
            ["tshark", "-r", path, "-T", "json", "-Y", "cflow.packets"],
            check=True, capture_output=True, text=True, timeout=TIMEOUT,
            env={**os.environ, "TZ": "UTC"})
        for name, value in (("cflow.srcaddr", "10.30.0.17"),
                            ("cflow.dstaddr", "203.0.113.9"),
                            ("cflow.srcmac", "02:00:5e:10:00:17"),
                            ("cflow.packets", "12"), ("cflow.octets", "720"),
                            ("cflow.dstport", "443")):
            tap.true(re.search(f'"{name}": "{value}"', done.stdout),
                     f"{name} is not {value}: {done.stdout}")
        tap.equal(len(json.loads(done.stdout)), 1, "messages with a record")


def test_ipfix_rotated():
    "each file is whole without the others; one that exists is added to"
    with Driver() as d:
        path = d.path("events.ipfix")
        d.write([{"to": "ipfix", "path": path}])
        d.ask("configure " + d.config)
        d.ask("event " + DROP)
        os.rename(path, path + ".1")
        d.ask("event " + DROP)
        d.ask("reopen")
        d.ask("event " + DROP)
        d.ask("reopen")
        d.ask("event " + DROP)
        tap.equal(dump(path + ".1"), [WANTED[0]] * 2, "the old file")
        # A session in each opening: numbers begin again.
        tap.equal(dump(path, sequence=False), [WANTED[0]] * 2,
                  "the new file")


def test_ipfix_file_full():
    "a full disk costs whole records, and the next file has its templates"
    with Driver(limit=1000) as d:
        path = d.path("events.ipfix")
        d.write([{"to": "ipfix", "path": path}])
        d.ask("configure " + d.config)
        for _ in range(30):
            d.ask("event " + DROP)
        kept = len(dump(path))
        tap.true(0 < kept < 30, f"{kept} records")
        tap.equal(counts(d), (kept, 30 - kept), "counts")
        os.truncate(path, 0)
        d.ask("event " + DROP)
        tap.equal(dump(path), [WANTED[0]], "records after there was room")


def test_ipfix_tcp():
    "a collector, of IPv4 and IPv6; one that starts again loses nothing after"
    for family in (socket.AF_INET, socket.AF_INET6):
        with Driver() as d, listen(family=family) as sock:
            d.write([to(sock)])
            d.ask("configure " + d.config)
            d.ask("event " + SHAPES[0])
            first, _ = sock.accept()
            for words in SHAPES[1:]:
                d.ask("event " + words)
            check(d, receive(first, len(SHAPES)), WANTED)
            until(d, lambda state: not state["error"], "no error")
            first.close()
            # What came in between may be lost, but is counted then.
            sent = len(SHAPES)
            sock.setblocking(False)
            deadline = time.monotonic() + TIMEOUT
            second = None
            while not second:
                tap.true(time.monotonic() < deadline, "no new connection")
                d.ask("event " + DROP)
                d.ask("admit")
                sent += 1
                try:
                    second, _ = sock.accept()
                except BlockingIOError:
                    pass
            got = counts(d)
            tap.equal(sum(got), sent, "all are counted")
            check(d, receive(second, got[0] - len(SHAPES)),
                  [WANTED[0]] * (got[0] - len(SHAPES)))
            second.close()


def test_ipfix_tcp_away():
    "nobody listens: each event is lost, at once, and it is said"
    with Driver() as d:
        with listen() as sock:
            output = to(sock)
        d.write([output, "FILE"])
        d.ask("configure " + d.config)
        for _ in range(3):
            d.ask("event " + DROP)
        d.ask("admit")
        until(d, lambda state: state["lost"] == 3, "three are lost")
        tap.equal(counts(d), (0, 3), "counts")
        tap.true("refused" in d.shown()["error"], d.shown())
        name = f"tcp:127.0.0.1:{output['port']}"
        tap.equal(d.shown()["path"], name, "its name")
        tap.true(f"were not written to ipfix {name}: it cannot be reached"
                 in d.log(), d.log())
        tap.equal(len(d.lines()), 3, "events of the other output")


def test_ipfix_tcp_slow():
    "a collector that does not read holds nobody up; what breaks is counted"
    with Driver() as d, listen(SO_RCVBUF=4096) as sock:
        d.write([to(sock)])
        d.ask("configure " + d.config)
        # In bursts, which fill its queue long before TCP gives the collector
        # up; on a machine that is too busy for that it connects again.
        sent, errors = 0, []
        deadline = time.monotonic() + TIMEOUT
        while "is too slow" not in errors:
            before = time.monotonic()
            tap.true(before < deadline, f"never too slow: {errors}")
            d.ask(f"event {DROP} {BURST}")
            sent += BURST
            tap.true(time.monotonic() - before < TIMEOUT / 6, "held up")
            errors.append(d.shown()["error"])
        tap.equal(sum(counts(d)), sent, "all are counted")
        lost = counts(d)[1]
        tap.true(lost, "what found no room is lost")
        connection, _ = sock.accept()
        # Closed with data that was not read: the connection is reset.
        got = records_in(connection.recv(2000))
        connection.close()
        until(d, lambda state: state["lost"] > lost, "the rest is lost")
        written, lost = counts(d)
        tap.equal(written + lost, sent, "all are counted still")
        tap.true(got <= written, f"{got}, {written}, {lost}")


def test_ipfix_tcp_silent():
    "one that does not answer: events wait, and are lost when no more is sent"
    with Driver() as d, listen() as sock:
        # A full backlog: further connections get no answer.
        sock.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(sock.getsockname())
        d.write([to(sock)])
        d.ask("configure " + d.config)
        for _ in range(5):
            d.ask("event " + DROP)
        d.ask("admit")
        tap.equal(counts(d), (5, 0), "while they wait")
        d.ask("reopen")
        tap.equal(counts(d), (0, 5), "when it was shut")
        for other in waiting:
            other.close()


def test_ipfix_udp():
    "each datagram with a record has its template before it"
    with Driver() as d, listen(socket.SOCK_DGRAM) as sock:
        d.write([to(sock, "udp")])
        d.ask("configure " + d.config)
        for words in SHAPES:
            d.ask("event " + words)
        datagrams = [sock.recv(65536) for _ in range(2 * len(SHAPES))]
        check(d, b"".join(datagrams), WANTED)
        check(d, b"".join(datagrams[2:4]), WANTED[1:2], sequence=False)
        tap.true(max(map(len, datagrams)) <= 1200, "size")
        tap.equal(d.shown()["path"], f"udp:127.0.0.1:{sock.getsockname()[1]}",
                  "its name")


def test_ipfix_udp_away():
    "nobody listens: that is heard of with the next event, and both count"
    with Driver() as d:
        with listen(socket.SOCK_DGRAM) as sock:
            output = to(sock, "udp")
        d.write([output])
        d.ask("configure " + d.config)
        for _ in range(10):
            d.ask("event " + DROP)
        written, lost = counts(d)
        tap.equal(written + lost, 10, "all are counted")
        tap.true(lost >= 8, f"{written} written, {lost} lost")


def test_ipfix_no_library():
    "without libfixbuf all else goes on, and what to install is said"
    paths = glob.glob("/usr/lib/*/libfixbuf.so.9")
    space = ["unshare", "--map-root-user", "--mount", "sh", "-c",
             f"mount --bind /dev/null {paths[0]} && exec \"$0\" \"$@\""] \
        if paths else None
    if not space or subprocess.run([*space, "true"], check=False,
                                   capture_output=True).returncode:
        raise tap.Skip("the library cannot be hidden: run it as root")
    with Driver(wrap=space) as d:
        d.write([{"to": "ipfix", "path": d.path("x")}, "FILE"])
        d.ask("configure " + d.config)
        d.ask("event " + DROP)
        d.ask("admit")
        tap.equal(counts(d), (0, 1), "counts")
        tap.true("install Debian's package libfixbuf9" in d.log(), d.log())
        tap.equal(len(d.lines()), 1, "events of the other output")
