# SPDX-License-Identifier: GPL-2.0-only
"""lenscap-exporter beside a fake daemon, and HTTP to it."""

import atexit
import http.client
import os
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, "tests", "selftests"))
sys.path.insert(1, os.path.join(TOP, "tests", "host", "cli"))

import state                                                # noqa: E402
from fake import CLOSE, SILENCE, Fake                       # noqa: E402
from lib import tap                                         # noqa: E402

__all__ = ["CLOSE", "SILENCE", "Fake", "tap", "state"]

BUILD = os.path.join(TOP, "build", "host", "exporter")
PROGRAM = os.environ.get("EXPORTER", os.path.join(BUILD, "lenscap-exporter"))
PLAIN = os.environ.get("EXPORTER_PLAIN", os.path.join(
    BUILD, "plain", "lenscap-exporter"))
# Not as root, which needs to know the socket's group when it starts.
NOBODY = ["setpriv", "--reuid=65534", f"--regid={os.getgid()}",
          "--clear-groups"] if not os.geteuid() else []
TIMEOUT = 120           # seconds; only a program that hangs takes that long
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

DIRECTORY = tempfile.mkdtemp(prefix="lenscap-exporter-")
atexit.register(shutil.rmtree, DIRECTORY, ignore_errors=True)
os.chmod(DIRECTORY, 0o755)
# Started by root, the exporter becomes nobody, in the group of the socket.
os.umask(0o002)
_serial = 0


def path(name):
    """A path that no test has used."""
    global _serial
    _serial += 1
    return os.path.join(DIRECTORY, f"{_serial}-{name}")


def tool(name):
    """promtool or prometheus; skips the test if there is none."""
    cache = os.environ.get("LENSCAP_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or
        os.path.join(os.environ.get("HOME", "/root"), ".cache"), "lenscap")
    found = shutil.which(name) or shutil.which(name, path=os.path.join(
        cache, "tools", "prometheus", "usr", "bin"))
    if not found:
        raise tap.Skip(f"no {name}: scripts/setup check unpacks it")
    return found


def world():
    """Answers of a gateway with three devices of two profiles."""
    guards = [
        state.guard(),
        state.guard("hop", interface="wan0", vlan=None, identity="ip",
                    mode="audit", state="waiting", reasons=[
                        state.reason("unknown_device", would=(3, 180))],
                    passed=state.count(0, 0), dropped=state.count(0, 0),
                    would_drop=state.count(3, 180))]
    status = state.status(guards, module={
        "committed": "2026-01-31T12:00:00.250Z", "devices": 3,
        "records_lost": 5, "events_suppressed": 6, "fragments_lost": 7})
    status["interlock"]["guards"][0]["dropped"] = state.count(8, 800)
    status["daemon"]["records_unlogged"] = 4
    status["interlock"]["input"] = state.count(9, 900)
    return {
        "status": status,
        "devices": {"ok": True, "devices": [
            state.device(last_seen="2026-01-31T12:00:01Z"),
            state.device("yard-01", profile="dome", last_seen=None,
                         passed=state.count(0, 0), dropped=state.count(0, 0)),
            state.device("fence-018", last_seen="2026-01-31T12:00:02.5Z",
                         passed=state.count(2 ** 63 - 1, 10),
                         would_drop=state.count(4, 400))]},
        "drops": {"ok": True, "records_lost": 5, "forgotten": 0, "drops": [
            state.drop(), state.drop(port=80), state.drop(destination="::1"),
            state.drop(device="fence-018"),
            state.drop(device="gone-01", destination="192.0.2.1"),
            state.drop(destination=None),
            *(state.drop(device=None, mac=mac, reason="unknown_device")
              for mac in ("02:00:5e:ff:00:01", "02:00:5e:ff:00:02",
                          "02:00:5e:ff:00:01"))]},
    }


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, where):
        super().__init__("localhost", timeout=TIMEOUT)
        self.where = where

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self.where)


class Exporter:
    """The program, from construction until the end of the block."""

    def __init__(self, sock, *args, program=PROGRAM, wrap=(), listen=True):
        where = ["--listen", "127.0.0.1:0"] if listen else []
        # Unbuffered: select() must see what readline() has not taken yet.
        self.process = subprocess.Popen(
            [*wrap, program, "--socket", sock, *where, *args], bufsize=0,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.said = ""
        try:
            said = self.wait_said("serving at ")
            self.url = said.split("serving at ")[1].split()[0]
        except BaseException:
            self.close()
            raise

    def wait_said(self, text):
        """Wait for a text in what it says; all that it said."""
        end = time.monotonic() + TIMEOUT
        while text not in self.said or not self.said.endswith("\n"):
            left = max(end - time.monotonic(), 0)
            ready, _, _ = select.select([self.process.stderr], [], [], left)
            data = os.read(self.process.stderr.fileno(), 65536) if ready \
                else b""
            if not data:
                raise AssertionError(f"waited for {text!r}, it said "
                                     f"{self.said!r}")
            self.said += data.decode()
        return self.said

    def connect(self):
        """A connection."""
        if self.url.startswith("/"):
            return UnixConnection(self.url)
        scheme, _, rest = self.url.partition("://")
        host = rest.partition("/")[0]
        if scheme == "https":
            # The test made the certificate a moment ago, and signed it itself.
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return http.client.HTTPSConnection(host, timeout=TIMEOUT,
                                               context=context)
        return http.client.HTTPConnection(host, timeout=TIMEOUT)

    def ask(self, target="/metrics", method="GET", accept=None, **headers):
        """A request: the answer, its text in `text`."""
        connection = self.connect()
        if accept:
            headers["Accept"] = accept
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    def metrics(self, accept=None):
        """The text of the metrics."""
        answer = self.ask(accept=accept)
        tap.equal(answer.status, 200, "status")
        return answer.text

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.close()
        if kind is None:
            tap.equal(self.process.returncode, 0, f"exit code: {self.said}")

    def close(self):
        """End it, and take what it said last."""
        if self.process.poll() is None and self.process.returncode is None:
            try:
                self.process.wait(TIMEOUT if self.said else 0.1)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.said += self.process.communicate()[1].decode()


def fails(*args):
    """Start it with options that it refuses; its exit code and words."""
    done = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL,
                          capture_output=True, encoding="utf-8", check=False,
                          timeout=TIMEOUT)
    return done.returncode, done.stderr


def values(text):
    """Samples as a dictionary; each sample must be there once."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            tap.true(name not in found, f"{name} is there twice")
            found[name] = value
    return found


def golden(name, text):
    """Compare with golden/NAME; UPDATE_GOLDEN=1 writes it instead."""
    full = os.path.join(HERE, "golden", name)
    if os.environ.get("UPDATE_GOLDEN"):
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
    with open(full, encoding="utf-8") as file:
        wanted = file.read()
    if text != wanted:
        tap.diag(f"seen instead of golden/{name}:\n{text}")
    tap.true(text == wanted, f"text differs from golden/{name}")
