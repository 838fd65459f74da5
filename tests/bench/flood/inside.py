#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The flood, in the bench kernel: see README.md beside this.

inside.py [--seconds N] --out FILE
"""

import argparse
import glob
import json
import os
import re
import sqlite3
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "../../selftests"))

from lib import daemon, net, policy, rig                    # noqa: E402

PHASES = {
    "idle": None,
    # One frame after the other is the same there: it may be received again.
    "one destination": (
        "burst 64", f"src_mac {rig.CAM_MAC}",
        "dst_min 198.51.100.7", "dst_max 198.51.100.7",
        "udp_dst_min 443", "udp_dst_max 443"),
    "random destinations": (
        "burst 1", f"src_mac {rig.CAM_MAC}", "flag IPDST_RND",
        "flag UDPDST_RND", "dst_min 198.0.0.0", "dst_max 203.255.255.255",
        "udp_dst_min 1", "udp_dst_max 65535"),
    "random senders": (
        "burst 1", "src_mac 06:00:00:00:00:00", "src_mac_count 16777216",
        "flag MACSRC_RND", "dst_min 198.51.100.7",
        "dst_max 198.51.100.7", "udp_dst_min 443", "udp_dst_max 443"),
}
PACKETS = re.compile(rb'"packets":(\d+)')
HZ = os.sysconf("SC_CLK_TCK")


class Generator:
    """pktgen: the interface receives its frames."""

    def __init__(self, netns):
        self.netns = netns

    def write(self, name, *lines):
        """Lines for one of its files."""
        def body():
            for line in lines:
                with open(f"/proc/thread-self/net/pktgen/{name}", "w",
                          encoding="ascii") as file:
                    file.write(line + "\n")
        self.netns.call(body)

    def begin(self, lines):
        """Flood until end()."""
        self.write("kpktgend_0", "rem_device_all", "add_device trunk@0")
        self.write("trunk@0", "count 0", "delay 0", "pkt_size 60",
                   f"dst_mac {rig.GW_MAC}", f"src_min {rig.CAM_IP}",
                   f"src_max {rig.CAM_IP}", "clone_skb 0",
                   "xmit_mode netif_receive", *lines)
        self.thread = threading.Thread(target=self.write,
                                       args=("pgctrl", "start"))
        self.thread.start()

    def end(self):
        """Stop. Return: frames that were received."""
        self.write("pgctrl", "stop")
        self.thread.join()

        def read():
            with open("/proc/thread-self/net/pktgen/trunk@0",
                      encoding="ascii") as file:
                return file.read()
        return int(re.search(r"pkts-sofar: (\d+)", self.netns.call(read))[1])


class Events:
    """The events' file, read once."""

    def __init__(self, path):
        self.path, self.at, self.lines, self.packets = path, 0, 0, 0

    def read(self):
        """Frames of which events tell so far."""
        if os.path.exists(self.path):
            with open(self.path, "rb") as file:
                file.seek(self.at)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self.at += len(line)
                    self.lines += 1
                    self.packets += int(PACKETS.search(line)[1])
        return self.packets


def size(pattern):
    """Bytes of files."""
    return sum(os.stat(path).st_size for path in glob.glob(pattern))


def history(path):
    """Frames that the history has dropped, with a row and in sums, and those
    that it says have no record."""
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    told = lost = rows = 0
    for kind, text in base.execute("SELECT kind, body FROM rows"):
        body = json.loads(text)
        rows += 1
        if kind == "drop":
            told += body["packets"]
        elif kind == "more":
            told += body["dropped"]["packets"]
        elif kind == "loss":
            lost += body.get("frames", 0)
    base.close()
    return told, lost, rows


class Flood:
    """All phases, one daemon."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.rig, self.daemon = daemon.world(log=None)
        d = self.daemon
        self.events = Events(d.path("events.json"))
        self.base = d.path("history.db")
        d.configure([daemon.guard()], log=None,
                    events={"outputs": [{"to": "file",
                                         "path": self.events.path}]},
                    history={"path": self.base})
        d.write_policy(daemon.dome(revision=10, devices=50))
        d.start()
        self.pktgen = Generator(self.rig.gw)
        self.sent = self.unwritten = 0

    def sample(self):
        """What must be bounded, now."""
        pid = self.daemon.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            about = dict(re.findall(r"(Vm\w+):\s+(\d+)", file.read()))
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            times = file.read().rpartition(")")[2].split()
        return {"at": time.monotonic(), "rss": int(about["VmRSS"]),
                "peak": int(about["VmHWM"]),
                "cpu": (int(times[11]) + int(times[12])) / HZ,
                "events": size(self.events.path),
                "history": size(self.base + "*")}

    def counters(self):
        """The kernel's: dropped by guard, by the device; frames lost."""
        guard = policy.guards(self.rig.sock)["cams"]["reasons"]
        return {"guard": sum(x["dropped_packets"] for x in guard.values()),
                "device": self.rig.counter("dropped_packets"),
                "lost": policy.info(self.rig.sock)["records_lost"]}

    def phase(self, name):
        """One of them. Return: all figures."""
        before, lines = self.counters(), self.events.lines
        unwritten = self.unwritten
        samples = [self.sample()]
        if PHASES[name]:
            self.pktgen.begin(PHASES[name])
        while samples[-1]["at"] - samples[0]["at"] < self.seconds:
            time.sleep(1)
            samples.append(self.sample())
        sent = self.pktgen.end() if PHASES[name] else 0
        self.sent += sent
        problems = self.compare(sent, name, before)
        after = self.counters()
        return {"phase": name, "sent": sent, "samples": samples,
                "dropped": after["guard"] - before["guard"],
                "lost": after["lost"] - before["lost"],
                "events": self.events.lines - lines,
                "unwritten": self.unwritten - unwritten,
                "problems": problems}

    def compare(self, sent, name, before):
        """Whether all sums are what was sent."""
        problems = []

        def equal(seen, wanted, what):
            if seen != wanted:
                problems.append(f"{name}: {what}: {seen}, not {wanted}")

        def settled():
            self.daemon.ask("history")
            told, lost, _ = history(self.base)
            return told + lost == self.sent
        try:
            net.wait_for(settled, 60, "the history of all frames")
        except net.WaitTimeout:
            pass
        now = self.counters()
        equal(now["guard"], self.sent, "dropped by the guard")
        equal(now["device"] - before["device"],
              0 if name == "random senders" else sent, "dropped of the device")
        self.events.read()
        status = self.daemon.ask("status")
        equal(status["module"]["records_lost"], now["lost"],
              "lost by lenscapctl status")
        equal(status["outputs"][0]["written"], self.events.lines,
              "events by lenscapctl status")
        told, lost, _ = history(self.base)
        equal(told, self.sent - now["lost"], "frames in the history")
        equal(lost, now["lost"], "lost by the history")
        self.unwritten = status["outputs"][0]["lost"]
        return problems


def third(samples, number):
    """One third of a phase's samples."""
    count = max(len(samples) // 3, 1)
    return samples[number * count:(number + 1) * count + 1]


def grown(samples, key, number):
    """By how much something grew in that third."""
    part = third(samples, number)
    return part[-1][key] - part[0][key]


def line_of(result):
    """Its line of the table."""
    samples = result["samples"]
    wall = samples[-1]["at"] - samples[0]["at"]
    cpu = samples[-1]["cpu"] - samples[0]["cpu"]
    peaks = [max(x["rss"] for x in third(samples, n)) for n in (1, 2)]
    events = [grown(samples, "events", n) // 1024 for n in (1, 2)]
    disk = [x["history"] // 1024 for x in (samples[0], samples[-1])]
    return (result["phase"], f"{wall:.0f}", f"{result['sent'] / wall:,.0f}",
            f"{result['sent']:,}", f"{result['lost']:,}",
            f"{100 * cpu / wall:.1f}", "{} / {}".format(*peaks),
            str(samples[-1]["peak"]), f"{result['events'] / wall:,.0f}",
            f"{result['unwritten'] / wall:,.0f}",
            "{} / {}".format(*events), "{} - {}".format(*disk),
            "WRONG" if result["problems"] else "exact")


HEAD = ("phase", "s", "frames/s", "sent", "lost", "CPU %", "RSS kB 2nd/3rd",
        "peak kB", "events/s", "withheld/s", "events kB 2nd/3rd", "history kB", "totals")


def main():
    """Run all phases, and say what came of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    flood = Flood(options.seconds)
    results = []
    try:
        for name in PHASES:
            results.append(flood.phase(name))
            for text in results[-1]["problems"]:
                print(text, flush=True)
    finally:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"kernel": os.uname().release, "results": results}, file,
                      indent=1)
        log = flood.daemon.log()
        daemon.cleanup()
    rows = [HEAD, *map(line_of, results)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(x.rjust(w) for x, w in zip(row, widths)))
    print(f"the daemon's log has {log.count(chr(10))} lines", flush=True)
    sys.exit(any(result["problems"] for result in results))


if __name__ == "__main__":
    main()
