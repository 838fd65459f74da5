#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The part of the load benchmark that runs in the bench kernel.

    inside.py WORK OUT RUNS RULES CASE...   one JSON line a figure, to OUT
    inside.py nft-change RULES COUNT        times of changes, one a line

WORK is tests/bench/load/run's directory: programs, and what they load, by
number of rules. CASE is one of those at the end of this file.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import peers                                                # noqa: E402
import policy                                               # noqa: E402

CHANGES = 200
ROOM = "/run/lenscap-bench"     # in memory
CLOCK = f"{ROOM}/clock"


class Bench:
    """What a case needs to know, and where its figures go."""

    def __init__(self, work, out, runs, rules):
        self.work = work
        self.out = out
        self.runs = runs
        self.rules = rules
        self.size = f"{rules // 1000}k" if rules < 1000000 else "1m"
        self.devices = rules // policy.RULES
        self.cameras = f"{self.devices // 1000}k" if self.devices >= 1000 \
            else str(self.devices)

    def path(self, name):
        """A file to load."""
        return f"{self.work}/{self.rules}/{name}"

    def program(self, name):
        """A program of the benchmark's, or of Lenscap's."""
        return f"{self.work}/bin/{name}"

    def say(self, case, peer, variant, unit, values):
        """Write a figure."""
        values = sorted(values)
        figure = {"case": case, "peer": peer, "variant": variant,
                  "unit": unit, "median": values[len(values) // 2],
                  "min": values[0], "max": values[-1], "runs": len(values)}
        with open(self.out, "a", encoding="ascii") as out:
            out.write(json.dumps(figure) + "\n")
        print(f"{case:16} {peer:9} {variant:28} "
              f"{figure['median']:14.6f} {unit}", flush=True)

    def environment(self, megabytes):
        """To run a program with its memory there (warm.c)."""
        return {**os.environ, "WARM_MB": str(megabytes), "WARM_CLOCK": CLOCK,
                "LD_PRELOAD": self.program("warm.so")}

    def timed(self, argv, megabytes, stdin=subprocess.DEVNULL):
        """Run a program: its output, and seconds from begin to end."""
        done = subprocess.run(argv, stdin=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              env=self.environment(megabytes), check=False)
        if done.returncode:
            sys.exit(f"{argv} ended with {done.returncode}:\n"
                     f"{done.stderr.decode()}")
        with open(CLOCK, encoding="ascii") as clock:
            begin, end = map(float, clock.read().split())
        return done.stdout.decode(), end - begin


def kernel_memory():
    """Bytes that the kernel cannot give back, page cache aside."""
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as drop:
        drop.write("3\n")
    with open("/proc/meminfo", encoding="ascii") as info:
        lines = dict(line.split(":") for line in info)
    return 1024 * sum(int(lines[key].split()[0]) for key in
                      ("SUnreclaim", "VmallocUsed", "Percpu"))


def insert_module(bench):
    """A kernel without policy."""
    subprocess.run(["insmod", bench.program("lenscap.ko")], check=True)


def remove_module():
    """Without guards, this takes the policy away."""
    subprocess.run(["rmmod", "lenscap"], check=True)


def lenscap_kernel(bench):
    "Lenscap's part in the kernel, from a policy in memory; and its memory"
    read, kernel, memory, own = [], [], [], []
    for _ in range(bench.runs):
        insert_module(bench)
        before = kernel_memory()
        out, _ = bench.timed([bench.program("client"), "load",
                              bench.path("plain/policy.yaml")],
                             100 + bench.rules // 1400)
        answer = json.loads(out)
        assert answer["devices"] == bench.devices, answer
        read.append(answer["read"])
        kernel.append(answer["send"] + answer["commit"])
        memory.append(kernel_memory() - before)
        own.append(answer["memory"])
        remove_module()
    bench.say(f"kernel-{bench.size}", "lenscap", "send and commit", "s", kernel)
    bench.say(f"read-{bench.size}", "lenscap", "file to checked policy", "s",
              read)
    for name, values in (("kernel memory", memory), ("own figure", own)):
        bench.say(f"memory-{bench.size}", "lenscap", name, "bytes", values)
        bench.say(f"memory-{bench.size}", "lenscap", name, "bytes/device",
                  [value / bench.devices for value in values])
        bench.say(f"memory-{bench.size}", "lenscap", name, "bytes/rule",
                  [value / bench.rules for value in values])


def lenscap_change(bench):
    "one device changed, of many"
    insert_module(bench)
    path = bench.path("plain/policy.yaml")
    megabytes = 100 + bench.rules // 1400
    bench.timed([bench.program("client"), "load", path], megabytes)
    out, _ = bench.timed([bench.program("client"), "change", path,
                          str(CHANGES)], megabytes)
    answer = json.loads(out)
    remove_module()
    for variant in ("address", "rule"):
        bench.say(f"change-{bench.cameras}", "lenscap", variant, "s",
                  answer[variant])


class Daemon:
    """lenscapd without guards, and its directory."""

    def __init__(self, bench, megabytes):
        self.bench = bench
        self.dir = f"{ROOM}/daemon"
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(f"{self.dir}/state")
        with open(f"{self.dir}/gateway.yaml", "w", encoding="ascii") as out:
            out.write("version: 1\nguards: []\npolicy: policy.yaml\n"
                      "state: state\ncontrol: { socket: sock, group: root }\n"
                      "log: stdout\n")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(f"{self.dir}/notify")
        notify.settimeout(300)
        with open(f"{self.dir}/log", "w", encoding="ascii") as log:
            self.process = subprocess.Popen(
                [bench.program("lenscapd"), "--config",
                 f"{self.dir}/gateway.yaml"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
                env={**(bench.environment(megabytes) if megabytes else
                        os.environ), "NOTIFY_SOCKET": f"{self.dir}/notify"})
        while b"READY=1" not in notify.recv(4096):
            pass
        notify.close()

    def write(self, style, revision, changed=None):
        """The policy file, with one device's address changed or not."""
        with open(self.bench.path("plain/cameras.csv"),
                  encoding="ascii") as csv:
            cameras = csv.read()
        if changed:
            assert f",{changed}," in cameras
            cameras = cameras.replace(f",{changed},", ",10.99.0.1,", 1)
        with open(self.bench.path(f"{style}/policy.yaml"),
                  encoding="ascii") as old:
            text = old.read().replace("revision: 1\n",
                                      f"revision: {revision}\n", 1)
        for name, content in (("policy.yaml", text), ("cameras.csv", cameras)):
            with open(f"{self.dir}/{name}", "w", encoding="ascii") as out:
                out.write(content)

    def ask(self, *words):
        """lenscapctl's time."""
        megabytes = 150 + self.bench.rules // 1400 if "apply" in words else 16
        _, took = self.bench.timed(
            [self.bench.program("lenscapctl"), "--socket", f"{self.dir}/sock",
             "--timeout", "600", *words], megabytes)
        return took

    def memory(self, key):
        """Bytes that it has (VmRSS), or ever had (VmHWM)."""
        with open(f"/proc/{self.process.pid}/status",
                  encoding="ascii") as status:
            for line in status:
                if line.startswith(f"{key}:"):
                    return 1024 * int(line.split()[1])
        raise AssertionError(f"no {key}")

    def stop(self):
        """It must end by itself."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(300) == 0
        shutil.rmtree(self.dir)


def lenscap_daemon(bench):
    "from the file to the kernel, by lenscapd, and a changed file after it"
    for style in ("plain", "grouped"):
        load, change, apply = [], [], []
        for _ in range(bench.runs):
            insert_module(bench)
            daemon = Daemon(bench, 150 + bench.rules // 500)
            daemon.write(style, 1)
            load.append(daemon.ask("reload"))
            daemon.write(style, 2, policy.Device(bench.devices // 2).address)
            change.append(daemon.ask("reload"))
            daemon.write(style, 3, policy.Device(bench.devices // 3).address)
            apply.append(daemon.ask("apply", f"{daemon.dir}/policy.yaml"))
            with open(f"{daemon.dir}/log", encoding="ascii") as log:
                text = log.read()
            assert "1 change(s) from the live generation" in text, text
            daemon.stop()
            remove_module()
        case = bench.size if style == "plain" else f"{bench.size}-grouped"
        bench.say(f"load-{case}", "lenscap", "reload of the file", "s", load)
        bench.say(f"reload-{case}", "lenscap",
                  "one device changed in the file", "s", change)
        bench.say(f"reload-{case}", "lenscap",
                  "the same, by lenscapctl apply", "s", apply)


def lenscap_peak(bench):
    "the memory of lenscapd: the most, on its first policy and on the next"
    insert_module(bench)
    daemon = Daemon(bench, 0)
    for revision, which in enumerate(("first", "second"), 1):
        daemon.write("plain", revision, policy.Device(revision).address)
        daemon.ask("reload")
        bench.say(f"peak-{bench.size}", "lenscap",
                  f"lenscapd, {which} policy", "bytes",
                  [daemon.memory("VmHWM")])
        bench.say(f"peak-{bench.size}", "lenscap",
                  f"lenscapd, after the {which}", "bytes",
                  [daemon.memory("VmRSS")])
    daemon.stop()
    remove_module()


def nft(bench, kind):
    "`nft -f`"
    load, memory = [], []
    for _ in range(bench.runs):
        before = kernel_memory()
        _, took = bench.timed(["nft", "-f", bench.path(f"{kind}.nft")],
                              200 + bench.rules // 500)
        load.append(took)
        memory.append(kernel_memory() - before)
        if kind == "exact" and len(load) == bench.runs:
            nft_change(bench)
        subprocess.run(["nft", "flush", "ruleset"], check=True)
    bench.say(f"load-{bench.size}", "nftables", f"{kind} sets", "s", load)
    bench.say(f"memory-{bench.size}", "nftables", f"{kind} sets", "bytes",
              memory)


def nft_exact(bench):
    "nftables, exact sets"
    nft(bench, "exact")


def nft_interval(bench):
    "nftables, concatenated interval sets"
    nft(bench, "interval")


def nft_change(bench):
    """One entry changed, through libnftables: no program's start is in it."""
    out, _ = bench.timed([sys.executable, __file__, "nft-change",
                          str(bench.rules), str(CHANGES)], 200)
    bench.say(f"change-{bench.cameras}", "nftables", "exact sets",
              "s", [float(line) for line in out.split()])


def nft_change_inside(rules, count):
    """As a program: each change's time."""
    library = ctypes.CDLL("libnftables.so.1")
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_run_cmd_from_buffer.argtypes = (ctypes.c_void_p,
                                                ctypes.c_char_p)
    context = library.nft_ctx_new(0)
    devices = [policy.Device(number * (rules // policy.RULES) // count)
               for number in range(count)]
    for command in peers.nft_changes(devices, count):
        begin = time.monotonic()
        assert not library.nft_run_cmd_from_buffer(context, command.encode())
        print(f"{time.monotonic() - begin:.9f}")


def ipset(bench):
    "`ipset restore`"
    load, memory, change = [], [], []
    for _ in range(bench.runs):
        before = kernel_memory()
        with open(bench.path("ipset"), encoding="ascii") as file:
            _, took = bench.timed(["ipset", "restore"], 64, stdin=file)
        load.append(took)
        memory.append(kernel_memory() - before)
        with open(bench.path("ipset-changes"), encoding="ascii") as file:
            _, took = bench.timed(["ipset", "restore"], 64, stdin=file)
        change.append(took / CHANGES)
        subprocess.run(["ipset", "destroy"], check=True)
    bench.say(f"load-{bench.size}", "ipset", "hash:ip,port,ip", "s", load)
    bench.say(f"memory-{bench.size}", "ipset", "hash:ip,port,ip", "bytes",
              memory)
    bench.say(f"change-{bench.cameras}", "ipset",
              f"mean of {CHANGES} in one file", "s", change)


CASES = {"kernel": lenscap_kernel, "change": lenscap_change,
         "daemon": lenscap_daemon, "peak": lenscap_peak,
         "nft-exact": nft_exact, "nft-interval": nft_interval, "ipset": ipset}


def main():
    if sys.argv[1] == "nft-change":
        nft_change_inside(int(sys.argv[2]), int(sys.argv[3]))
        return
    work, out, runs, rules, *cases = sys.argv[1:]
    os.makedirs(ROOM, exist_ok=True)
    for case in cases:
        CASES[case](Bench(work, out, int(runs), int(rules)))


if __name__ == "__main__":
    main()
