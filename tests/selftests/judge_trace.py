#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tracepoints: lenscap:verdict for each frame, lenscap:drop for what is refused.

Read as tracing tools read them: in an instance of tracefs that the test makes, and
by bpftrace.
"""

import contextlib
import os
import re
import shutil
import subprocess

from lib import frames, net, nl, policy, rig, tap

TRACING = "/sys/kernel/tracing"
EVENTS = f"{TRACING}/events/lenscap"
V6, OTHER6 = "2001:db8:30::17", "2001:db8:99::7"
ALIEN = "02:00:5e:99:00:01"


def write(path, text):
    "Write to a file of tracefs."
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path):
    "Read one."
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def need_tracefs():
    "Mount it, if nobody has, for this program."
    if not os.path.isdir(TRACING):
        raise tap.Skip("no tracing in this kernel")
    if not os.path.isdir(f"{TRACING}/events"):
        net.run(["mount", "-t", "tracefs", "tracefs", TRACING])
    tap.true(os.path.isdir(EVENTS), "the module's events are there")


@contextlib.contextmanager
def trace(*events):
    "The text of events that come meanwhile, by a function."
    need_tracefs()
    here = f"{TRACING}/instances/{net.unique('lenscap')}"
    os.mkdir(here)
    try:
        for event in events:
            write(f"{here}/events/lenscap/{event}/enable", "1")
        yield lambda: [line for line in read(f"{here}/trace").splitlines()
                       if line and not line.startswith("#")]
        for event in events:
            write(f"{here}/events/lenscap/{event}/enable", "0")
    finally:
        os.rmdir(here)


def fields(line, event):
    "What a line says."
    assert f" {event}: " in line, line
    return dict(part.split("=", 1) for part in
                line.split(f" {event}: ", 1)[1].split())


def world(stack, **guard):
    "A camera with addresses of both families."
    one = stack.enter_context(rig.Rig())
    one.arm(**guard)
    text = rig.dome()
    text["devices"]["cam"]["addresses"].append(V6)
    one.load(text)
    return one


def test_formats():
    "the reasons have the names that they have everywhere"
    need_tracefs()
    wanted = nl.spec().enums["reason"]
    for event in ("verdict", "drop"):
        found = {name: int(number) for number, name in re.findall(
            r'\{ (\d+), "(\w+)" \}', read(f"{EVENTS}/{event}/format"))}
        tap.equal(found, wanted, f"reasons of {event}")


def test_drop():
    "what a frame said, whose it was, and why it was refused"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        lines = stack.enter_context(trace("drop"))
        one.good()
        one.bad()
        one.send(frames.eth(rig.GW_MAC, rig.CAM_MAC, frames.pack_ip(
            V6, OTHER6, frames.tcp(40001, 443, "S"))))
        one.send(one.frame(mac=ALIEN))
        one.send(frames.eth(rig.GW_MAC, rig.CAM_MAC, b"\x99" * 60, 0x88cc))
        one.good()
        one.wait_passed(2)
        saw = [fields(line, "drop") for line in lines()]
        for row in saw:
            tap.true(int(row.pop("skbaddr"), 16), "skbaddr")
        common = {"guard": "cams", "device": "cam", "mac": rig.CAM_MAC,
                  "audited": "0"}
        v4 = {**common, "ethertype": "0x0800", "proto": "17", "len": "46"}
        tap.equal(saw, [
            {**v4, "src": f"[::ffff:{rig.CAM_IP}]:40000", "dst":
             f"[::ffff:{rig.OTHER_IP}]:{rig.PEER_PORT}",
             "reason": "destination"},
            {**common, "ethertype": "0x86dd", "proto": "6", "len": "60",
             "src": f"[{V6}]:40001", "dst": f"[{OTHER6}]:443",
             "reason": "destination"},
            {**v4, "device": "", "mac": ALIEN,
             "src": f"[::ffff:{rig.CAM_IP}]:40000", "dst":
             f"[::ffff:{rig.PEER_IP}]:{rig.PEER_PORT}",
             "reason": "unknown_device"},
            {**common, "ethertype": "0x88cc", "proto": "0", "len": "60",
             "src": "[::]:0", "dst": "[::]:0", "reason": "ethertype"},
        ], "drops")


def test_verdict():
    "each frame, and nothing any more when nobody watches"
    with contextlib.ExitStack() as stack:
        one = world(stack)
        with trace("verdict") as lines:
            one.good(3)
            one.bad()
            one.send(frames.eth(frames.BROADCAST, rig.CAM_MAC, frames.arp(
                1, rig.CAM_MAC, rig.CAM_IP, bytes(6), "10.30.0.1")))
            one.wait_passed(4)
            saw = [fields(line, "verdict") for line in lines()]
            tap.equal([(row["device"], row["reason"], row["pass"],
                        row["class"]) for row in saw],
                      [("cam", "none", "1", "1")] * 3 +
                      [("cam", "destination", "0", "1"),
                       ("cam", "none", "1", "1")], "verdicts")
        with trace() as lines:
            one.good()
            one.bad()
            one.wait_passed(5)
            one.wait_dropped(2)
            tap.equal(lines(), [], "events of nobody's")


def test_audited():
    "what is only audited says so"
    with contextlib.ExitStack() as stack:
        one = world(stack, mode="audit")
        lines = stack.enter_context(trace("drop", "verdict"))
        one.bad()
        net.wait_for(lambda: policy.reason(
            one.sock, "cams", "destination").get("would_packets"),
                     what="the frame to be judged")
        saw = lines()
        tap.equal(len(saw), 2, "events")
        verdict, drop = fields(saw[0], "verdict"), fields(saw[1], "drop")
        tap.equal((verdict["reason"], verdict["pass"]), ("destination", "1"),
                  "verdict")
        tap.equal((drop["reason"], drop["audited"]), ("destination", "1"),
                  "drop")
        tap.equal(verdict["skbaddr"], drop["skbaddr"], "the same frame")


def test_bpftrace():
    "bpftrace reads names, addresses and reasons"
    if not shutil.which("bpftrace"):
        raise tap.Skip("no bpftrace")
    need_tracefs()
    with contextlib.ExitStack() as stack:
        one = world(stack)
        program = ('BEGIN { printf("ready\\n"); } tracepoint:lenscap:drop '
                   '{ printf("%s %s %s %d %d\\n", str(args->guard), '
                   'str(args->device), ntop(args->daddr), args->dport, '
                   'args->reason); exit(); }')
        process = subprocess.Popen(
            ["bpftrace", "-q", "-e", program], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "BPFTRACE_STRLEN": "64"})
        one.net.stop(process)
        line = process.stdout.readline()
        if line.strip() != "ready":
            raise tap.Skip("bpftrace does not start here: " + (
                line + process.stdout.read()).strip()[:200])
        one.bad()
        number = nl.spec().enums["reason"]["destination"]
        tap.equal(process.stdout.readline().split(),
                  ["cams", "cam", f"::ffff:{rig.OTHER_IP}", str(rig.PEER_PORT), str(number)],
                  "what bpftrace printed")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
