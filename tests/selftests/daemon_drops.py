#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd and drop records: complete, once each, whatever dies."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading

from lib import daemon, frames, net, policy, rig, tap
from lib.daemon import world

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def started(**options):
    "A daemon that runs with policy revision 10."
    r, d = world(**options)
    d.write_policy(daemon.dome(revision=10))
    d.start()
    return r, d


def packets(rows, **wanted):
    "Packets of all records with these values."
    return sum(row["packets"] for row in rows
               if all(row[key] == value for key, value in wanted.items()))


def wait_logged(d, count, **wanted):
    "Wait until lines for so many packets were written, and no more."
    net.wait_for(lambda: packets(d.drops(), **wanted) >= count,
                 what=f"{count} packets in lines of {wanted}")
    tap.equal(packets(d.drops(), **wanted), count, f"packets of {wanted}")


def spread(r, count, base="198.18"):
    "Frames to so many destinations."
    r.send(*[r.frame(f"{base}.{i >> 8}.{i & 255}") for i in range(count)])


def test_line():
    "every field of a line, for a device and for a stranger"
    r, d = started()
    r.bad(3)
    wait_logged(d, 3)
    row = d.drops()[0]
    first, last = row.pop("first"), row.pop("last")
    tap.true(ISO.match(first) and ISO.match(last), f"{first} {last}")
    total = sum(x["packets"] for x in d.drops())
    size = sum(x["bytes"] for x in d.drops())
    tap.equal(size % total, 0, "bytes")
    row.update(packets=3, bytes=3 * (20 + 8 + len(b"lenscap")))
    tap.equal(row, {
        "device": "cam", "mac": rig.CAM_MAC, "guard": "cams",
        "source": rig.CAM_IP, "destination": rig.OTHER_IP,
        "ethertype": 0x800, "protocol": "udp", "port": rig.PEER_PORT,
        "reason": "destination", "audited": False, "packets": 3,
        "bytes": 105, "revision": 10}, "line")
    stranger = "02:00:5e:99:00:01"
    r.send(r.frame(mac=stranger))
    wait_logged(d, 1, reason="unknown_device")
    row = next(x for x in d.drops() if x["reason"] == "unknown_device")
    tap.equal((row["device"], row["mac"]), (None, stranger), "stranger")
    r.send(frames.eth(rig.GW_MAC, rig.CAM_MAC, b"hello", kind=0x88b5))
    wait_logged(d, 1, reason="ethertype")
    row = next(x for x in d.drops() if x["reason"] == "ethertype")
    tap.equal([row[k] for k in ("source", "destination", "protocol", "port",
                                "ethertype")],
              [None, None, None, None, 0x88b5], "no IP")


def test_ipv6_and_icmp():
    "IPv6 addresses and ICMP types as text"
    r, d = started()
    r.send(frames.eth(rig.GW_MAC, rig.CAM_MAC, frames.pack_ip(
        "2001:db8::17", "2001:db8::99", frames.udp(1, 2, b"x"))))
    wait_logged(d, 1, reason="wrong_source")
    row = d.drops()[0]
    tap.equal((row["source"], row["destination"], row["protocol"],
               row["port"]), ("2001:db8::17", "2001:db8::99", "udp", 2),
              "IPv6")


def test_audit():
    "audited records say so"
    r, d = started(guards=[daemon.guard(mode="audit")])
    r.bad(2)
    wait_logged(d, 2, audited=True)
    row = d.ask("guards")["guards"][0]
    tap.equal((row["dropped"]["packets"], row["would_drop"]["packets"]),
              (0, 2), "dropped and would_drop")
    tap.equal(row["reasons"][0]["reason"], "destination", "reason")


def test_drops_and_follow():
    "drops adds up, follow tells each interval"
    r, d = started()
    with d.connect() as follower:
        tap.equal(follower.ask("follow"), {"ok": True}, "answer")
        r.bad(2)
        wait_logged(d, 2)
        r.bad(3)
        wait_logged(d, 5)
        seen = []
        while packets(seen) < 5:
            seen.append(follower.line()["drop"])
        tap.equal(packets(seen), 5, "packets that were told")
    answer = d.ask("drops")
    tap.equal(len(answer["drops"]), 1, "records")
    tap.equal(answer["drops"][0]["packets"], 5, "packets")
    tap.equal((answer["records_lost"], answer["forgotten"]), (0, 0), "lost")
    r.send(r.frame("198.51.100.8"))
    wait_logged(d, 1, destination="198.51.100.8")
    rows = d.ask("drops")["drops"]
    tap.equal([x["destination"] for x in rows],
              [rig.OTHER_IP, "198.51.100.8"], "newest last")
    tap.equal([x["destination"] for x in d.ask("drops", limit=1)["drops"]],
              ["198.51.100.8"], "the newest one")
    tap.equal(d.ask("drops", limit=0)["drops"], [], "none")
    for limit in (-1, "x", 1.5):
        d.denied("drops", limit=limit)


def test_none_lost_none_twice():
    "killed between retiring and reading: reported, and only once"
    r, d = started()
    r.bad(2)
    wait_logged(d, 2)
    d.kill()
    r.bad(3)
    r.wait_dropped(5)
    # As a daemon does that dies before it has read what it retired.
    net.wait_for(lambda: rotate(r), what="the rotation")
    r.bad(4)
    r.wait_dropped(9)
    d.start()
    wait_logged(d, 9)
    d.kill()
    d.start()
    r.send(r.frame("203.0.113.1"))
    wait_logged(d, 1, destination="203.0.113.1")
    wait_logged(d, 9, destination=rig.OTHER_IP)
    d.stop()
    d.start()
    r.send(r.frame("203.0.113.2"))
    wait_logged(d, 1, destination="203.0.113.2")
    wait_logged(d, 9, destination=rig.OTHER_IP)


def rotate(r):
    "Rotate the records; False for the moment in which that is refused."
    try:
        r.sock.do("record-rotate")
    except OSError:
        return False
    return True


def test_lines_agree_with_counters():
    "a flood to many destinations: lines, device and guard agree"
    r, d = started()
    for _ in range(3):
        spread(r, 300)
    r.wait_dropped(900)
    wait_logged(d, 900)
    rows = d.ask("drops")["drops"]
    tap.equal((len(rows), packets(rows)), (300, 900), "drops")
    device = d.ask("devices", name="cam")["devices"][0]
    tap.equal(device["dropped"]["packets"], 900, "device")
    tap.equal(device["dropped"]["bytes"], sum(x["bytes"] for x in rows),
              "bytes of the device")
    guard = d.ask("guards")["guards"][0]
    tap.equal(guard["dropped"]["packets"], 900, "guard")


def test_lost_records():
    "more destinations than places: the difference is counted and said"
    r, d = started()
    places = policy.info(r.sock)["records_max"]
    d.process.send_signal(signal.SIGSTOP)
    spread(r, places + 500)
    r.wait_dropped(places + 500)
    d.process.send_signal(signal.SIGCONT)
    d.wait_log("have no record")
    answer = d.ask("drops")
    tap.true(answer["records_lost"] >= 500, f"{answer['records_lost']}")
    net.wait_for(lambda: packets(d.drops()) + answer["records_lost"] >=
                 places + 500, what="the lines")
    tap.equal(packets(d.drops()) + answer["records_lost"], places + 500,
              "recorded and lost")


def test_forgotten():
    "the daemon's own list is bounded, and says what it let go"
    r, d = started()
    count = 10000 + 300
    for start in range(0, count, 2000):
        part = min(2000, count - start)
        r.send(*[r.frame(f"198.{18 + (i >> 16)}.{i >> 8 & 255}.{i & 255}")
                 for i in range(start, start + part)])
        r.wait_dropped(start + part)
        wait_logged(d, start + part)
    answer = d.ask("drops")
    tap.equal((len(answer["drops"]), answer["forgotten"]), (10000, 300),
              "held and forgotten")


def test_lost_events():
    "events that did not fit the socket: everything is read again"
    r, d = started()
    d.process.send_signal(signal.SIGSTOP)
    for _ in range(40):
        r.sock.do_many([("guard-set", {"name": "cams", "ifname": "trunk",
                                       "mode": mode})
                        for mode in ("audit", "enforce") * 100])
    policy.guard(r.sock, "extra", "nowhere")
    r.bad(2)
    r.wait_dropped(2)
    d.process.send_signal(signal.SIGCONT)
    d.wait_log("events of the kernel were lost")
    net.wait_for(lambda: d.ask("status")["daemon"]["resyncs"] >= 1,
                 what="resyncs")
    d.wait_log('guard "extra" (nowhere) waits')
    wait_logged(d, 2)
    before = policy.state(r.sock)
    tap.equal(policy.state(r.sock), before, "nothing was changed")
    r.bad(1)
    wait_logged(d, 3)


def test_slow_follower():
    "a follower that does not read is told and dropped; others go on"
    r, d = started()
    slow = d.connect()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    tap.equal(slow.ask("follow"), {"ok": True}, "answer")
    with d.connect() as quick:
        quick.ask("follow")
        told = []
        reader = threading.Thread(target=lambda: told.extend(
            iter(quick.file.readline, b"")))
        reader.start()

        def dropped():
            spread(r, 1000)
            return d.ask("status")["daemon"]["followers_dropped"]
        tap.equal(net.wait_for(dropped, net.TIMEOUT * 8,
                               "the follower to be dropped"), 1,
                  "followers dropped")
        # Soon: the daemon waits a minute for who does not read at all.
        last = None
        for line in iter(slow.line, None):
            last = line
        tap.equal(last["ok"], False, f"last line: {last}")
        tap.true("too slow" in last["error"], last)
        seen = len(told)
        r.send(r.frame("203.0.113.5"))
        net.wait_for(lambda: len(told) > seen, what="a line for the other")
        quick.sock.shutdown(socket.SHUT_RDWR)
        reader.join()
    slow.close()


def test_journal_is_missing():
    "log: journal without a journal: stdout, and said so"
    if os.path.exists("/run/systemd/journal/socket"):
        raise tap.Skip("there is a journal here")
    r, d = started(log="journal")
    tap.true("there is no journal" in d.log(), d.log())
    r.bad(1)
    wait_logged(d, 1)


def events(path):
    "Events in a file, if it is there."
    return daemon.json_lines(path) if os.path.exists(path) else []


def wait_events(path, count):
    "Wait until there are events of so many packets in a file; they."
    net.wait_for(lambda: packets([e["lenscap"] for e in events(path)]) >=
                 count, what=f"events of {count} packets in {path}")
    return events(path)


def with_events(*more):
    "A daemon with events in a file, and more outputs."
    r, d = world()
    path = d.path("events.json")
    d.configure([daemon.guard()], log=None, events={
        "host": "gw-17", "outputs": [{"to": "file", "path": path}, *more]})
    d.write_policy(daemon.dome(revision=10))
    return r, d, path


JOURNAL = "/run/systemd/journal"


def journald(r):
    "A journal for this test, where the machine has none."
    program = "/lib/systemd/systemd-journald"
    if os.path.exists(JOURNAL):
        return
    if not os.access(program, os.X_OK):
        raise tap.Skip("there is no journal, and no systemd-journald")
    before = os.path.exists("/run/log")
    with open(os.devnull, "wb") as null:
        process = subprocess.Popen([program], stdout=null, stderr=null)

    def end():
        process.terminate()
        process.wait()
        shutil.rmtree(JOURNAL, ignore_errors=True)
        if not before:
            shutil.rmtree("/run/log", ignore_errors=True)
    r.net.defer(end)
    net.wait_for(lambda: os.path.exists(JOURNAL + "/socket"),
                 what="the journal's socket")


def journal(*fields):
    "What journalctl tells of entries with these fields."
    done = subprocess.run(["journalctl", "--output=json", *fields],
                          stdout=subprocess.PIPE, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_events():
    "an event in a file, the journal and syslog; drops has its hints"
    r, d, path = with_events("journal", {
        "to": "syslog", "socket": JOURNAL + "/dev-log"})
    journald(r)
    d.start()
    r.bad(3)
    made = wait_events(path, 3)[-1]
    pid = f"_PID={d.process.pid}"
    net.wait_for(lambda: packets([json.loads(e["MESSAGE"])["lenscap"]
                 for e in journal(pid, "LENSCAP_DEVICE=cam")]) == 3,
                 what="events in the journal")
    entry = journal(pid, "LENSCAP_DEVICE=cam")[-1]
    tap.equal(json.loads(entry["MESSAGE"]), made, "event in the journal")
    tap.equal([entry[key] for key in ("LENSCAP_REASON", "PRIORITY")],
              ["destination", "5"], "fields")
    net.wait_for(lambda: [json.loads(e["MESSAGE"]) for e in journal(
        pid, "_TRANSPORT=syslog", "SYSLOG_IDENTIFIER=lenscapd")][-1:] ==
        [made], what="the event of syslog")
    own = made.pop("lenscap")
    tap.true(re.match(r"^[-0-9]{10}T[:0-9]{8}\.\d{6}[+-]\d{4}$",
                      made.pop("timestamp")), "timestamp")
    tap.equal(made, {
        "host": "gw-17", "in_iface": "trunk", "event_type": "drop",
        "src_ip": rig.CAM_IP, "dest_ip": rig.OTHER_IP,
        "dest_port": rig.PEER_PORT, "proto": "UDP", "pkt_src": "wire/pcap",
        "ether": {"src_mac": rig.CAM_MAC},
        "drop": {"reason": "destination"}}, "event")
    tap.equal([own[k] for k in ("device", "guard", "profile", "revision",
                                "generation", "audited")],
              ["cam", "cams", "dome", 10,
               d.ask("status")["module"]["generation"], False], "lenscap")
    tap.equal(own["hints"]["mac"], {"local": True}, "hints")
    tap.equal(d.ask("drops")["drops"][0]["hints"], own["hints"], "drops")
    tap.equal(d.drops(), [], "lines in standard output")


def flows(data):
    "Packets in messages of IPFIX, whose third element they are."
    total = 0
    while data:
        version, length, kind = struct.unpack_from(">HH12xH", data)
        tap.equal(version, 10, "version of IPFIX")
        if kind >= 256:
            total += struct.unpack_from(">Q", data, 16 + 4 + 16)[0]
        data = data[length:]
    return total


def test_events_ipfix():
    "flow records to collectors, over TCP and UDP; one that goes is counted"
    r, d, path = with_events()
    d.netns.up("lo")
    tcp = d.netns.socket(socket.AF_INET, socket.SOCK_STREAM)
    udp = d.netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    r.net.defer(tcp.close)
    r.net.defer(udp.close)
    outputs = [{"to": "file", "path": path}]
    for name, sock in (("tcp", tcp), ("udp", udp)):
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(net.TIMEOUT)
        outputs.append({"to": "ipfix", "collector": "127.0.0.1",
                        "port": sock.getsockname()[1], "transport": name})
    tcp.listen()
    d.configure([daemon.guard()], log=None, events={"outputs": outputs})
    d.start()
    r.bad(3)
    peer, _ = tcp.accept()
    peer.settimeout(net.TIMEOUT)
    wait_events(path, 3)
    streamed, datagrams = b"", b""
    while flows(streamed) < 3:
        more = peer.recv(65536)
        tap.true(more, "the connection stays")
        streamed += more
    while flows(datagrams) < 3:
        datagrams += udp.recv(65536)
    tap.equal((flows(streamed), flows(datagrams)), (3, 3), "packets")
    peer.close()
    tcp.close()
    udp.close()
    before = {o["path"]: o["lost"] for o in d.ask("status")["outputs"]}

    def all_lost():
        r.bad(1)
        return all(o["lost"] > before[o["path"]]
                   for o in d.ask("status")["outputs"][1:])
    net.wait_for(all_lost, what="losses of both collectors")
    tap.equal(d.ask("status")["outputs"][0]["lost"], 0, "lost of the file")


def test_events_logrotate():
    "logrotate renames, compresses and signals: no event is lost"
    logrotate = shutil.which("logrotate", path=os.environ["PATH"] +
                             ":/usr/sbin:/sbin")
    if not logrotate:
        raise tap.Skip("logrotate is not there")
    r, d, path = with_events()
    d.start()
    r.bad(2)
    wait_events(path, 2)
    d.write(d.path("rotate.conf"), f"""{path} {{
    rotate 3
    compress
    delaycompress
    create 0640 root root
    postrotate
        kill -HUP {d.process.pid}
    endscript
}}
""")
    for number in (1, 2):
        subprocess.run([logrotate, "--force", "--state", d.path("rotated"),
                        d.path("rotate.conf")], check=True)
        d.wait_log("were read again", number)
        r.bad(3)
        wait_events(path, 3)
    tap.equal(packets([e["lenscap"] for e in events(path + ".1")]), 3, "old")
    tap.true(os.path.exists(path + ".2.gz"), os.listdir(d.dir))
    tap.equal(d.ask("status")["outputs"][0]["lost"], 0, "lost")


def test_events_full_disk():
    "a disk that is full: counted, shown, and over when there is room"
    r, d, path = with_events()
    disk = d.path("disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", disk],
                   check=True)
    r.net.defer(subprocess.run, ["umount", "-l", disk])
    path = os.path.join(disk, "events.json")
    d.configure([daemon.guard()], log=None, events={"outputs": [
        {"to": "file", "path": path}]})
    d.start()
    spread(r, 100)

    def lost():
        return d.ask("status")["outputs"][0]["lost"]
    net.wait_for(lost, what="an event that was lost")
    d.wait_log("No space left on device")
    net.wait_for(lambda: lost() + len(events(path)) == 100,
                 what="100 events, written or lost")
    os.truncate(path, 0)
    r.bad(1)
    wait_events(path, 1)
    tap.equal(d.ask("status")["outputs"][0]["error"], None, "error")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             each=daemon.cleanup)
