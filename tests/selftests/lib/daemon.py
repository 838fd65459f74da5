# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd in a namespace, its files, its control socket and its output.

    r, d = daemon.world()       # a rig and a daemon, not started
    d.write_policy(daemon.dome(revision=1))
    d.start()
    d.ask("status")["daemon"]["state"]
    ...
    tap.main(globals(), needs=[...], each=daemon.cleanup)

The program is lenscapd in LENSCAP_PROGRAMS, or in build/userspace of the tree.
Everything of a Daemon lies in a directory of its own.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from . import net, rig, tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
PROGRAMS = os.environ.get("LENSCAP_PROGRAMS",
                          os.path.join(TOP, "build", "userspace"))
PROGRAM = os.path.join(PROGRAMS, "lenscapd")

OK, FAILED, CONFIG, MODULE, BUSY, PRIVILEGES = range(6)

_WORLDS = []


def world(**options):
    """A rig and a daemon that is not started, for one test."""
    made = rig.Rig()
    _WORLDS.append(made)
    return made, Daemon(made.net, made.gw, **options)


def cleanup():
    """Ends what world() made; to be called after each test."""
    while _WORLDS:
        _WORLDS.pop().close()


def built():
    """Prerequisite: the daemon was built."""
    if not os.access(PROGRAM, os.X_OK):
        raise tap.Skip(f"no {PROGRAM}: build it with make userspace")


def dome(revision, peers=(rig.PEER_IP,), devices=1):
    """A policy file: profile dome, device cam (of rig) and others."""
    names = [{"name": "cam", "mac": rig.CAM_MAC, "addresses": [rig.CAM_IP],
              "profile": "dome"}]
    for i in range(1, devices):
        names.append({"name": rig.name_number(i, "more"),
                      "mac": ":".join(f"{b:02x}" for b in
                                      b"\x02\x01" + i.to_bytes(4, "big")),
                      "addresses": [f"10.{64 + (i >> 16)}."
                                    f"{i >> 8 & 255}.{i & 255}"],
                      "profile": "dome"})
    return json.dumps({
        "version": 1, "revision": revision,
        "destinations": {"peer": list(peers)},
        "profiles": {"dome": {"mode": "enforce", "class": 1, "connects": [
            {"to": "peer", "udp": rig.PEER_PORT}]}},
        "devices": names}, indent=1) + "\n"


def json_lines(path):
    """The objects in a file that is still being written, whole lines only.

    In one piece: to walk the lines of a file that grows may give the end of a
    line as a line of its own, after its beginning was the last.
    """
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    return [json.loads(line) for line in lines[:-1]]


def guard(name="cams", interface="trunk", **options):
    """A guard of gateway.yaml."""
    return {"name": name, "interface": interface, **options}


class Client:
    """One connection to a control socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(net.TIMEOUT * 4)
        self.sock.connect(path)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Disconnect."""
        self.file.close()
        self.sock.close()

    def send(self, data):
        """Send bytes, or an object as a line."""
        if not isinstance(data, bytes):
            data = json.dumps(data).encode() + b"\n"
        self.sock.sendall(data)

    def line(self):
        """The next line as an object; None at the end."""
        text = self.file.readline()
        return json.loads(text) if text else None

    def ask(self, command, **arguments):
        """A request and its answer."""
        self.send({"command": command, **arguments})
        return self.line()


class Daemon:
    """The daemon and its directory; see the module's docstring."""

    def __init__(self, world, netns, guards=None, log="stdout", **more):
        self.netns = netns
        self.dir = tempfile.mkdtemp(prefix="lenscapd-")
        world.defer(shutil.rmtree, self.dir, True)
        self.config = self.path("gateway.yaml")
        self.policy = self.path("policy.yaml")
        self.socket = self.path("sock")
        self.state = self.path("state")
        self.process = None
        self.status = []
        self.notify = None
        world.defer(self.kill)
        self.configure([guard()] if guards is None else guards, log, **more)

    def path(self, name):
        """A path in the directory."""
        return os.path.join(self.dir, name)

    def configure(self, guards, log="stdout", **more):
        """Write gateway.yaml (JSON is YAML); log None: without the key."""
        if log:
            more["log"] = log
        self.write(self.config, json.dumps({
            "version": 1, "guards": guards, "policy": "policy.yaml",
            "state": "state", "control": {"socket": "sock",
                                          "group": "root"},
            **more}, indent=1) + "\n")

    @staticmethod
    def write(path, text):
        """Replace a file, in one step."""
        data = text if isinstance(text, bytes) else text.encode()
        with open(path + ".tmp", "wb") as file:
            file.write(data)
        os.replace(path + ".tmp", path)

    def write_policy(self, text):
        """Replace policy.yaml."""
        self.write(self.policy, text)

    def launch(self, argv=(), wrap=()):
        """Start it without waiting for anything."""
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.path("notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify.bind(path)
        self.notify.setblocking(False)
        self.status = []
        with open(self.path("out"), "ab") as out, \
                open(self.path("err"), "ab") as err:
            self.process = self.netns.popen(
                [*wrap, PROGRAM, "--config", self.config, *argv],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**os.environ, "NOTIFY_SOCKET": path})
        return self.process

    def notified(self):
        """What it told the service manager so far, line by line."""
        while True:
            try:
                data = self.notify.recv(4096)
            except BlockingIOError:
                return self.status
            self.status += data.decode().splitlines()

    def start(self, timeout=net.TIMEOUT * 4):
        """Start it and wait until it says READY=1."""
        self.launch()

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"lenscapd ended with {self.process.returncode}:\n"
                    f"{self.log()}")
            return "READY=1" in self.notified()
        net.wait_for(ready, timeout, "READY=1 of lenscapd")
        return self

    def refuse(self, status, argv=(), wrap=()):
        """Start it and expect it to end at once; what it said."""
        before = len(self.log())
        self.launch(argv, wrap)
        seen = self.process.wait(net.TIMEOUT * 4)
        said = self.log()[before:]
        if seen != status:
            raise AssertionError(f"lenscapd ended with {seen}, wanted "
                                 f"{status}:\n{said}")
        return said

    def kill(self):
        """SIGKILL, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """SIGTERM; it must end with 0."""
        self.process.send_signal(signal.SIGTERM)
        tap.equal(self.process.wait(net.TIMEOUT), 0, "exit status")

    def log(self):
        """What it wrote to stderr."""
        if not os.path.exists(self.path("err")):
            return ""
        with open(self.path("err"), encoding="utf-8") as file:
            return file.read()

    def wait_log(self, text, count=1):
        """Wait for a text in stderr."""
        net.wait_for(lambda: self.log().count(text) >= count,
                     what=f"{text!r} in:\n{self.log()}")

    def drops(self):
        """Drop records that it wrote to stdout, as objects."""
        return json_lines(self.path("out"))

    def connect(self):
        """A connection to the control socket."""
        return Client(self.socket)

    def ask(self, command, **arguments):
        """One request over a connection of its own; must be ok."""
        with self.connect() as client:
            answer = client.ask(command, **arguments)
        if not answer or not answer.get("ok"):
            raise AssertionError(f"{command}: {answer}\n{self.log()}")
        return answer

    def denied(self, command, **arguments):
        """One request that must fail; the answer."""
        with self.connect() as client:
            answer = client.ask(command, **arguments)
        if not answer or answer.get("ok") is not False:
            raise AssertionError(f"{command}: {answer}")
        return answer

    def apply(self, text, **arguments):
        """apply; the answer, whatever it is."""
        with self.connect() as client:
            return client.ask("apply", files=[{"name": "policy.yaml",
                                               "text": text}], **arguments)
