# SPDX-License-Identifier: GPL-2.0-only
"""drops --follow: as they come, across restarts of the daemon."""

import json
import os
import signal
import subprocess

import state
from ctl import TIMEOUT, expect, line_of, path, run, running, tap
from fake import CLOSE, Fake

DROPS = state.drops()
READY = {"follow": {"ok": True},
         "drops": {"ok": True, "drops": DROPS[:2], "records_lost": 0,
                   "forgotten": 0}}


def stop(process, number=signal.SIGINT):
    """End it as Ctrl-C does; its errors."""
    process.send_signal(number)
    tap.equal(process.wait(TIMEOUT), 0, "exit code after a signal")
    return process.stderr.read().decode()


def test_follow():
    "each drop is a line at once, even into a pipe"
    with Fake(path("sock"), READY) as fake, \
            running("--socket", fake.path, "drops", "--follow") as process:
        fake.wait_followers()
        tap.true(line_of(process.stdout).startswith("LAST "), "no header")
        for packets in (3, 4567):
            fake.push({"drop": state.drop(packets=packets,
                                          last="2026-01-31T14:03:22.5Z")})
            line = line_of(process.stdout)
            tap.equal(line.split()[:6], ["14:03:22", "cams", "fence-017",
                                         "203.0.113.9", "tcp/443",
                                         "destination"], "row")
            tap.true(f" {packets} " in line, line)
        tap.equal(stop(process), "", "errors")
        tap.equal(fake.requests, [{"command": "follow"}], "requests")


def test_follow_json():
    "with --json each line is a record"
    with Fake(path("sock"), READY) as fake, \
            running("--socket", fake.path, "drops", "-f", "-j") as process:
        fake.wait_followers()
        for drop in DROPS:
            fake.push({"drop": drop})
            tap.equal(json.loads(line_of(process.stdout)), drop, "record")
        stop(process, signal.SIGTERM)


def test_follow_with_past():
    "--limit shows what was, first"
    with Fake(path("sock"), READY) as fake, \
            running("--socket", fake.path, "drops", "-f", "-n", "2",
                    "--json") as process:
        fake.wait_followers()
        tap.equal(fake.requests, [{"command": "drops", "limit": 2},
                                  {"command": "follow"}], "requests")
        for drop in DROPS[:2]:
            tap.equal(json.loads(line_of(process.stdout)), drop, "record")
        fake.push({"drop": DROPS[2]})
        tap.equal(json.loads(line_of(process.stdout)), DROPS[2],
                  "record")
        stop(process)


def test_follow_restart():
    "a daemon that restarts is followed again, with a word about it"
    where = path("sock")
    fake = Fake(where, READY)
    try:
        with running("--socket", where, "drops", "--follow",
                     "--json") as process:
            for number in range(3):
                fake.wait_followers()
                fake.push({"drop": state.drop(packets=number)})
                tap.equal(json.loads(line_of(process.stdout))["packets"],
                          number, "packets")
                fake.close()
                tap.true("the daemon went away" in line_of(process.stderr),
                         "no word about the end")
                fake = Fake(where, READY)
                tap.true("the daemon is back" in line_of(process.stderr),
                         "no word about the start")
            fake.wait_followers()
            stop(process)
    finally:
        fake.close()


def test_follow_interrupted_while_waiting():
    "Ctrl-C ends the waiting for a daemon as well"
    with Fake(path("sock"), READY) as fake, \
            running("--socket", fake.path, "drops", "--follow") as process:
        fake.wait_followers()
        line_of(process.stdout)
        fake.close()
        tap.true("went away" in line_of(process.stderr), "no word")
        stop(process)


def test_follow_refused_after_restart():
    "a daemon that refuses afterwards ends it: exit 1"
    where = path("sock")
    fake = Fake(where, READY)
    try:
        with running("--socket", where, "drops", "--follow") as process:
            fake.wait_followers()
            fake.close()
            fake = Fake(where, {"follow": {"ok": False, "error": "full"}})
            tap.equal(process.wait(TIMEOUT), 1, "exit code")
            tap.true(b"lenscapctl: full" in process.stderr.read(), "no reason")
    finally:
        fake.close()


def test_follow_other_lines():
    "lines of a kind that is not known are passed over; a refusal ends it"
    with Fake(path("sock"), READY) as fake, \
            running("--socket", fake.path, "drops", "-f", "-j") as process:
        fake.wait_followers()
        fake.push({"heartbeat": 1})
        fake.push({"drop": state.drop(packets=77)})
        tap.equal(json.loads(line_of(process.stdout))["packets"], 77,
                  "packets")
        fake.push({"ok": False, "error": "you read too slowly"})
        tap.equal(process.wait(TIMEOUT), 1, "exit code")
        tap.equal(json.loads(process.stdout.read())["error"],
                  "you read too slowly", "error")


def test_follow_garbage():
    "what is no JSON ends it: exit 3"
    with Fake(path("sock"), {"follow": b'{"ok": true}\n??\n'}) as fake:
        expect(run("--socket", fake.path, "drops", "-f"), 3,
               stderr="not a JSON object")


def test_follow_reader_goes_away():
    "when nobody reads, it ends"
    with Fake(path("sock"), READY) as fake, \
            running("--socket", fake.path, "drops", "-f") as process:
        fake.wait_followers()
        line_of(process.stdout)
        process.stdout.close()
        fake.push({"drop": state.drop()})
        status = process.wait(TIMEOUT)
        tap.true(status in (0, -signal.SIGPIPE), f"exit code {status}")
        process.stdout = open(os.devnull, "rb")


def test_follow_full_disk():
    "an output that takes no more: exit 1"
    with Fake(path("sock"), READY) as fake, \
            open("/dev/full", "w", encoding="ascii") as full:
        done = run("--socket", fake.path, "drops", "-f", "-n", "2",
                   stdout=full)
    expect(done, 1, stderr="cannot write the result")


def test_follow_daemon_never_ready():
    "a daemon that closes at once is tried again, and Ctrl-C ends it"
    with Fake(path("sock"), {"follow": CLOSE}) as fake, \
            running("--socket", fake.path, "drops", "-f") as process:
        fake.wait_requests(3)
        stop(process)


def test_follow_stdin_is_left_alone():
    "it can stand at the start of a pipeline"
    with Fake(path("sock"), READY) as fake:
        with running("--socket", fake.path, "drops", "-f", "-j") as process:
            done = subprocess.Popen(["head", "-n", "1"], encoding="utf-8",
                                    stdin=process.stdout,
                                    stdout=subprocess.PIPE)
            fake.wait_followers()
            fake.push({"drop": state.drop(packets=5)})
            text, _ = done.communicate(timeout=TIMEOUT)
            tap.equal(json.loads(text)["packets"], 5, "packets")
            stop(process)
