# SPDX-License-Identifier: GPL-2.0-only
"""Histories to test with: written by the daemon's code, verified twice."""

import atexit
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, "tests", "selftests"))

from lib import tap                                         # noqa: E402

CTL = os.environ.get(
    "LENSCAPCTL", os.path.join(TOP, "build", "host", "history", "lenscapctl"))
WRITER = os.environ.get(
    "WRITER", os.path.join(TOP, "build", "host", "history", "writer"))
TIMEOUT = 120           # seconds; only a program that hangs takes that long

START = 1764150000000   # 2025-11-26T09:40:00Z, ms
MINUTE = 60 * 1000
DAY = 24 * 60 * MINUTE

# In memory where there is such a place: each seal is forced to disk.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
SCRATCH = tempfile.mkdtemp(prefix="lenscap-history-", dir=MEMORY)
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
ENV = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}


def directory():
    """A state directory that no test has used."""
    return tempfile.mkdtemp(dir=SCRATCH)


class Writer:
    """A daemon's history, with a clock that tests set."""

    def __init__(self, state, now=START, **kwargs):
        self.state = state
        self.now = now
        self.path = os.path.join(state, "history.db")
        self.process = subprocess.Popen(
            [WRITER, state], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8", env=ENV, bufsize=1,
            **kwargs)

    def __enter__(self):
        self.say(f"time {self.now}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def say(self, *lines):
        """Commands of writer.c."""
        for line in lines:
            self.process.stdin.write(line + "\n")

    def after(self, ms, *lines):
        """Commands at a later time."""
        self.now += ms
        self.say(f"time {self.now}", *lines)

    def show(self):
        """What status would show."""
        self.say("show")
        return json.loads(self.process.stdout.readline())

    def drop(self, device="fence-017", mac="02:00:5e:10:00:17",
             to="203.0.113.66", port=443, packets=3, reason="destination",
             guard="cams", audit=False):
        """A drop record."""
        self.say(f"drop {guard} {device} {mac} {to} {port} {reason} {packets}"
                 + (" audit" if audit else ""))

    def end(self, stop=True):
        """Let it end; returns what it logged."""
        if stop:
            self.say("stop")
        _, log = self.process.communicate(timeout=TIMEOUT)
        tap.equal(self.process.returncode, 0, f"exit code of writer: {log}")
        return log

    def kill(self):
        """As a crash would."""
        self.show()     # all before it was obeyed
        self.process.kill()
        self.process.wait(TIMEOUT)


def write(state=None, rounds=6, seals=2, now=START):
    """A history with some seals in it; returns its path."""
    state = state or directory()
    with Writer(state, now) as book:
        book.say("start")
        for number in range(rounds):
            book.drop(packets=number + 1)
            book.drop("gate-003", "02:00:5e:10:00:03", "198.51.100.9", 80)
            book.after(MINUTE, "tick")
            if number < seals:
                book.after(16 * MINUTE, "seal")
        book.end()
    return book.path


def rows(path, sql="SELECT seq, time, kind, body, hash FROM rows ORDER BY seq"):
    """What is in a history."""
    database = sqlite3.connect(path)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def change(path, *statements):
    """What somebody does who can write to the file; returns a copy."""
    copy = os.path.join(directory(), "history.db")
    source = sqlite3.connect(path)
    database = sqlite3.connect(copy)
    source.backup(database)
    source.close()
    for statement in statements:
        if isinstance(statement, tuple):
            database.execute(*statement)
        else:
            database.execute(statement)
    database.commit()
    database.close()
    return copy


def ctl(*args, **kwargs):
    """Run lenscapctl report."""
    return subprocess.run([CTL, "report", *args], stdin=subprocess.DEVNULL,
                          capture_output=True, encoding="utf-8", env=ENV,
                          check=False, timeout=TIMEOUT, **kwargs)


def report(path, *args):
    """A report as JSON, of all the time there is."""
    done = ctl("--database", path, "--json", "--from", "2020-01-01",
               "--to", "2036-01-01", *args)
    tap.equal(done.returncode, 0, f"exit code: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def judge(path, good, *words, key=None, seal=None):
    """Both verifiers must agree, and lenscapctl must say why."""
    args, more = [], []
    if key:
        args += ["--key", key]
        more += ["--key", key]
    if seal:
        args += ["--since-seal", seal]
        more += ["--seal", seal]
    done = ctl("--verify", "--database", path, *args)
    said = done.stdout + done.stderr
    other = subprocess.run(
        ["/usr/bin/python3", os.path.join(HERE, "verifier.py"), path, *more],
        capture_output=True, encoding="utf-8", check=False, timeout=TIMEOUT)
    for word in words:
        tap.true(word in said, f"{word!r} not in {said!r}")
    tap.equal(done.returncode, 0 if good else 1, f"lenscapctl: {said}")
    tap.equal(other.returncode, 0 if good else 1,
              f"verifier.py: {other.stdout}{other.stderr}")
    return said


def show(path, what):
    """The key, or the newest seal, as a file for the one, text for both."""
    done = ctl("--show", what, "--database", path)
    tap.equal(done.returncode, 0, done.stderr)
    file = os.path.join(directory(), what)
    with open(file, "w", encoding="ascii") as out:
        out.write(done.stdout)
    return done.stdout.strip(), file
