# SPDX-License-Identifier: GPL-2.0-only
"""Running lenscapctl: against a fake daemon, with golden output."""

import atexit
import contextlib
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, "tests", "selftests"))

from lib import tap                                         # noqa: E402
from fake import Fake                                       # noqa: E402

PROGRAM = os.environ.get(
    "LENSCAPCTL", os.path.join(TOP, "build", "userspace", "lenscapctl"))
TIMEOUT = 120           # seconds; only a program that hangs takes that long

DIRECTORY = tempfile.mkdtemp(prefix="lenscapctl-")
atexit.register(shutil.rmtree, DIRECTORY, ignore_errors=True)
os.chmod(DIRECTORY, 0o755)
_serial = 0


def path(name):
    """A path that no test has used."""
    global _serial
    _serial += 1
    return os.path.join(DIRECTORY, f"{_serial}-{name}")


def write(name, text):
    """A file with this text; its directory is its own."""
    directory = path("files")
    os.mkdir(directory)
    full = os.path.join(directory, name)
    with open(full, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return full


def environment(**changes):
    """No colours or time zones of whoever runs this."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("NO_COLOR", "TERM", "LANG", "LC_ALL")}
    env.update(TZ="UTC", LC_ALL="C")
    env.update(changes)
    return env


def run(*args, stdin=subprocess.DEVNULL, env=None, **kwargs):
    """Run lenscapctl to its end."""
    kwargs.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([PROGRAM, *args], stdin=stdin, encoding="utf-8",
                          stderr=subprocess.PIPE, check=False,
                          env=env or environment(), timeout=TIMEOUT, **kwargs)


def ask(answers, *args, **kwargs):
    """Run it against a daemon with these answers."""
    with Fake(path("sock"), answers) as fake:
        done = run("--socket", fake.path, *args, **kwargs)
        done.requests = fake.requests
    return done


def expect(done, status, stdout=None, stderr=None):
    """Check the exit code, and that the texts are contained."""
    shown = f"{done.stdout}{done.stderr}"
    tap.equal(done.returncode, status, f"exit code (output: {shown})")
    for wanted, seen, what in ((stdout, done.stdout, "output"),
                               (stderr, done.stderr, "errors")):
        for text in [wanted] if isinstance(wanted, str) else wanted or ():
            tap.true(text in seen, f"{what} lack {text!r}: {seen!r}")
    return done


def golden(name, text):
    """Compare with golden/NAME; UPDATE_GOLDEN=1 writes it instead."""
    full = os.path.join(HERE, "golden", name)
    if os.environ.get("UPDATE_GOLDEN"):
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        return
    with open(full, encoding="utf-8") as file:
        wanted = file.read()
    if text != wanted:
        tap.diag(f"golden/{name}:\n{wanted}\nseen:\n{text}")
    tap.true(text == wanted, f"output differs from golden/{name}")


class Terminal:
    """lenscapctl on a terminal."""

    def __init__(self, *args, **env):
        master, slave = pty.openpty()
        self.master = master
        self.text = ""
        self.process = subprocess.Popen(
            [PROGRAM, *args], stdin=slave, stdout=slave, stderr=slave,
            env=environment(**env), start_new_session=True)
        os.close(slave)

    def read_until(self, text):
        """Wait for text to be shown."""
        end = time.monotonic() + TIMEOUT
        while text is None or text not in self.text:
            left = end - time.monotonic()
            ready, _, _ = select.select([self.master], [], [], max(left, 0))
            if not ready:
                raise AssertionError(f"waited for {text!r}, saw "
                                     f"{self.text!r}")
            try:
                data = os.read(self.master, 65536)
            except OSError:     # the other side is closed
                data = b""
            if not data:
                break
            self.text += data.decode()
        if text is not None:
            tap.true(text in self.text, f"{text!r} not in {self.text!r}")

    def type(self, text):
        """Type text."""
        os.write(self.master, text.encode())

    def finish(self):
        """The exit code."""
        self.read_until(None)
        os.close(self.master)
        return self.process.wait(TIMEOUT)


@contextlib.contextmanager
def running(*args, **kwargs):
    """lenscapctl in the background; it is killed if it does not end."""
    # Unbuffered: select() must see what readline() has not taken yet.
    process = subprocess.Popen([PROGRAM, *args], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, bufsize=0,
                               stderr=subprocess.PIPE, env=environment(),
                               **kwargs)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line_of(stream):
    """The next line; fails when none comes."""
    ready, _, _ = select.select([stream], [], [], TIMEOUT)
    tap.true(ready, "no line came")
    return stream.readline().decode()
