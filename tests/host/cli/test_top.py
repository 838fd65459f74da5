# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl top on a terminal: keys, screens, a daemon that comes and goes."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import state
from ctl import PROGRAM, TIMEOUT, ask, environment, expect, path, run, tap
from fake import SILENCE, Fake

try:
    import pyte
except ImportError:
    pyte = None

UNKNOWN = [" - "]       # a rate before the second round
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202ecam"


def drop(device, to, packets, **changes):
    """A drop record."""
    base = {"device": device, "mac": None, "guard": "cams", "source": None,
            "destination": to, "ethertype": 2048, "protocol": "tcp",
            "port": 443, "reason": "destination", "audited": False,
            "packets": packets, "bytes": packets * 60,
            "first": state.ago(90), "last": state.ago(3), "revision": 42}
    base.update(changes)
    return base


def hits(name="fence-dome"):
    """A profile with hits."""
    rule = {"peer": "10.20.0.10/32", "protocol": "udp", "initiator": "device",
            "peer_ports": [5000, 5000], "device_ports": [0, 65535]}
    return {"name": name, "mode": "enforce", "class": 1, "devices": 3,
            "since": state.ago(9000), "shared": 1, "rules": [
                dict(rule, hits=1234),
                dict(rule, peer_ports=[1, 2], hits=0)]}


class World:
    """Answers that grow with each round."""

    def __init__(self, names=("alpha", "beta", "gamma")):
        self.names = names
        self.rounds = 0

    def devices(self, _):
        """Beta is the loudest."""
        self.rounds += 1
        return {"ok": True, "devices": [
            state.device(name, dropped=state.count(
                (1 + 99 * (name == "beta")) * 10 * self.rounds, 1000),
                addresses=[f"10.30.0.{n + 1}"], last_seen=state.ago(1))
            for n, name in enumerate(self.names)]}

    def answers(self, **changes):
        """All of them."""
        base = {"status": state.status(), "devices": self.devices,
                "drops": {"ok": True, "records_lost": 0, "forgotten": 0,
                          "drops": [
                              drop("beta", "203.0.113.66", 70),
                              drop("gamma", "198.51.100.7", 5,
                                   reason="service", audited=True)]},
                "profiles": {"ok": True, "profiles": [hits()]}}
        base.update(changes)
        return base


class Screen:
    """top on a terminal that is really emulated."""

    def __init__(self, socket, *args, term="xterm", size=(24, 80), **env):
        if pyte is None:
            raise tap.Skip("no python3-pyte")
        self.screen = pyte.Screen(size[1], size[0])
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self.resize(*size)
        self.process = subprocess.Popen(
            [PROGRAM, "--socket", socket, "top", "--delay", "1", *args],
            stdin=slave, stdout=slave, stderr=slave,
            env=environment(TERM=term, **env), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def resize(self, lines, columns):
        """Another size, as a window manager does it."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(TIMEOUT)
        os.close(self.master)

    def text(self):
        """What is on it."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds):
        """Take what has come; False: the program ended."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def until(self, *texts, gone=()):
        """Wait until all of this is on it, and none of that."""
        end = time.monotonic() + TIMEOUT
        while not (all(text in self.text() for text in texts) and
                   not any(text in self.text() for text in gone)):
            if not self.read(0.5) or time.monotonic() > end:
                raise AssertionError(f"waited for {texts}, without {gone}, "
                                     f"saw:\n{self.text()}")
        return self.text()

    def keys(self, text):
        """Press them."""
        os.write(self.master, text.encode())

    def finish(self):
        """The exit code."""
        while self.read(0.5):
            if self.process.poll() is not None:
                break
        return self.process.wait(TIMEOUT)


def rows(screen):
    """First words of the rows."""
    return [line[2:].split()[0] for line in screen.text().split("\n")[3:-1]
            if line.strip()]


def test_top_devices():
    "devices by drops a second, the loudest first, in 80 columns"
    with Fake(path("sock"), World().answers()) as fake, \
            Screen(fake.path) as screen:
        screen.until("3 of 3", "by drops/s", "DEVICE", "revision 42",
                     "> beta", gone=UNKNOWN)
        tap.equal(rows(screen)[0], "beta", "first row")
        screen.keys("q")
        tap.equal(screen.finish(), 0, "exit code")


def test_top_keys():
    "sort, filter, destinations, help and back"
    with Fake(path("sock"), World().answers()) as fake, \
            Screen(fake.path) as screen:
        screen.until("> beta", gone=UNKNOWN)
        screen.keys("S")
        screen.until("by name", "> alpha")
        screen.keys("r")
        screen.until("by name, reversed", "> gamma")
        screen.keys("/BET\n")
        screen.until("1 of 3", "filter: BET", "> beta", gone=["alpha"])
        screen.keys("\x1b")
        screen.until("3 of 3", "alpha", gone=["filter: BET"])
        screen.keys("/10.30.0.3\n")
        screen.until("1 of 3", "gamma", gone=["alpha"])
        screen.keys("\x1b")
        # Not at once: together they are the key Alt and t.
        screen.until("3 of 3", "alpha")
        screen.keys("t")
        screen.until("DENIED DESTINATION", "203.0.113.66 tcp/443",
                     "198.51.100.7 tcp/443")
        screen.keys("?")
        screen.until("all about the device")
        screen.keys("?d")
        screen.until("DEVICE", "> gamma")


def test_top_detail():
    "one device: profile, rules with hits and never, last drops"
    with Fake(path("sock"), World().answers()) as fake, \
            Screen(fake.path) as screen:
        screen.until("> beta", gone=UNKNOWN)
        screen.keys("\n")
        text = screen.until("device beta", "RULES of fence-dome", "1234",
                            "never", "203.0.113.66", "last seen")
        tap.true("198.51.100.7" not in text, "drops of another device")
        asked = [r for r in fake.requests if r["command"] == "profiles"]
        tap.equal(asked[0], {"command": "profiles", "hits": True,
                             "name": "fence-dome"}, "request")
        screen.keys("b")
        screen.until("3 of 3", "> beta")


def test_top_cursor_stays():
    "the cursor stays on its device, and scrolls to what is not on the screen"
    world = World([f"cam-{n:03d}" for n in range(60)])
    with Fake(path("sock"), world.answers()) as fake, \
            Screen(fake.path) as screen:
        screen.until("60 of 60", "> cam-000")
        screen.keys("j" * 30)
        screen.until("> cam-030", gone=["cam-005 "])
        screen.keys("k")
        screen.until("> cam-029")


def test_top_pause():
    "paused, figures stay; afterwards they go on"
    world = World()
    with Fake(path("sock"), world.answers()) as fake, \
            Screen(fake.path) as screen:
        screen.until("> beta")
        screen.keys("p")
        before = screen.until("PAUSED")
        fake.wait_requests(len(fake.requests) + 9)
        screen.read(0)
        tap.equal(screen.text().split("\n")[3][:70],
                  before.split("\n")[3][:70], "a row while it is paused")
        screen.keys("p")
        screen.until("> beta", gone=["PAUSED"])


def test_top_daemon_comes_and_goes():
    "without a daemon it says so, obeys keys, and goes on when there is one"
    socket = path("sock")
    with Screen(socket) as screen:
        screen.until("NO DAEMON", "trying again")
        screen.keys("?")
        screen.until("all about the device")
        screen.keys("?")
        with Fake(socket, World().answers()):
            screen.until("revision 42", "beta", gone=["NO DAEMON"])
        screen.until("NO DAEMON", "beta")
        with Fake(socket, World().answers()):
            screen.until("revision 42", gone=["NO DAEMON"])
        screen.keys("q")
        tap.equal(screen.finish(), 0, "exit code")


def test_top_silent_daemon():
    "a daemon that accepts and says nothing keeps nobody from the keys"
    with Fake(path("sock"), {"status": SILENCE}) as fake, \
            Screen(fake.path) as screen:
        fake.wait_requests()
        screen.keys("?")
        screen.until("all about the device")
        screen.keys("q")
        tap.equal(screen.finish(), 0, "exit code")


def test_top_no_module():
    "without the module it says that nothing is judged"
    world = World().answers(
        status=dict(state.status(), module=None),
        devices={"ok": False, "code": "module", "error": "not loaded"})
    with Fake(path("sock"), world) as fake, Screen(fake.path) as screen:
        screen.until("NO MODULE")


def test_top_resize():
    "the window may change, also to less than it should be"
    with Fake(path("sock"), World().answers()) as fake, \
            Screen(fake.path) as screen:
        screen.until("> beta", "? help")
        screen.resize(40, 120)
        screen.until("> beta", "? help")
        screen.resize(5, 30)
        screen.until("> beta")
        screen.resize(24, 80)
        screen.until("> beta", "? help", "alpha")
        screen.keys("q")
        tap.equal(screen.finish(), 0, "exit code")


def test_top_terminals():
    "terminals without colours or UTF-8 show the same"
    for term in ("vt100", "screen", "xterm"):
        with Fake(path("sock"), World().answers()) as fake, \
                Screen(fake.path, term=term, LC_ALL="POSIX") as screen:
            screen.until("> beta", "DEVICE")
            screen.keys("q")
            tap.equal(screen.finish(), 0, f"exit code on {term}")
            tap.true(all(byte < 128 for byte in screen.raw), "not ASCII")


def test_top_hostile_names():
    "names cannot give orders to the terminal"
    with Fake(path("sock"), World([HOSTILE, "beta"]).answers(
            drops={"ok": True, "drops": [drop(HOSTILE, HOSTILE, 3)]})) \
            as fake, Screen(fake.path) as screen:
        screen.until("> beta", "?]0;owned??[2J?cam")
        tap.true(b"\x1b]0;" not in screen.raw, "an escape got through")
        screen.keys("j\n")
        screen.until("LAST DROPS")
        tap.true(b"\x1b]0;" not in screen.raw, "an escape got through")
    done = ask(World([HOSTILE]).answers(), "top", "-b", "-n", "1")
    tap.true("\x1b" not in done.stdout, done.stdout)


def test_top_interrupt():
    "Ctrl-C leaves the terminal as it was"
    with Fake(path("sock"), World().answers()) as fake, \
            Screen(fake.path) as screen:
        screen.until("> beta")
        screen.keys("\x03")
        tap.equal(screen.finish(), 0, "exit code")
        tap.true(b"\x1b[?1049l" in screen.raw, "the screen is not given back")


def test_top_batch():
    "plain text, so many screens, with a filter"
    done = expect(ask(World().answers(), "top", "-b", "-n", "2", "-d", "1",
                      "beta"), 0, ["ok, revision 42", "DEVICE", "beta"],
                  stderr="")
    tap.equal(done.stdout.count("revision 42"), 2, "screens")
    tap.true("alpha" not in done.stdout, done.stdout)
    first, second = (next(line.split() for line in screen.splitlines()
                          if "beta" in line)
                     for screen in done.stdout.split("\n\n")[:2])
    # The rate depends on when it was asked; what was counted does not.
    tap.equal((first[2], first[5], second[5]), ("-", "1000", "2000"), "beta")
    tap.true(second[2].isdigit() and int(second[2]), done.stdout)


def test_top_refusals():
    "no terminal, no daemon, JSON: each with the way out"
    expect(run("top"), 2, stderr="--batch")
    expect(run("--socket", path("none"), "top", "-b", "-n", "1"), 3,
           "NO DAEMON")
    expect(run("--json", "top"), 2, '"ok": false')
