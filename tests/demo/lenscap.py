# SPDX-License-Identifier: GPL-2.0-only
"""Lenscap on the gateway: the module, the daemon, and its command line."""

import json
import os
import subprocess

import netns
import wait

CONFIG = "/etc/lenscap"

GATEWAY = """\
version: 1
guards:
  - name: cameras
    interface: trunk0
    vlan: 30
    subnets: [10.30.0.0/24, "2001:db8:30::/64"]
policy: policy.yaml
"""

POLICY = """\
version: 1
revision: 42
destinations:
  nvr:  [10.20.0.10]
  time: [10.20.0.123]
profiles:
  fence-dome:
    class: 1
    serves:                   # the recorder opens the connection
      - { to: nvr, tcp: [80, 554] }
    connects:                 # the camera opens it
      - { to: nvr,  udp: [10000-20000] }
      - { to: time, udp: 123 }
devices:
  - name: fence-017
    mac: "02:00:5e:10:00:17"
    addresses: [10.30.0.17, "2001:db8:30::17"]
    profile: fence-dome
  - name: gate-003
    mac: "02:00:5e:10:00:03"
    addresses: [10.30.0.3, "2001:db8:30::3"]
    profile: fence-dome
"""


class Lenscap:
    """Lenscap as built in this tree."""

    def __init__(self, programs, module, log):
        self.programs = programs
        self._module = module
        self._log = log
        self._daemon = None

    def write_files(self):
        """Put the two files where the daemon looks for them."""
        # As the package does: who may use the control socket.
        netns.run("groupadd", "--force", "--system", "lenscap")
        # Whatever Lenscap the host has of its own is no part of this.
        for directory in (CONFIG, "/var/lib/lenscap"):
            os.makedirs(directory, exist_ok=True)
            netns.run("mount", "-t", "tmpfs", "tmpfs", directory)
        for name, text in (("gateway.yaml", GATEWAY), ("policy.yaml", POLICY)):
            with open(f"{CONFIG}/{name}", "w", encoding="utf-8") as file:
                file.write(text)

    def load_module(self):
        """Load lenscap.ko and what it depends on."""
        wanted = netns.run("modinfo", "-F", "depends", self._module).strip()
        for name in filter(None, wanted.split(",")):
            netns.run("modprobe", name)
        netns.run("insmod", self._module)

    def start_daemon(self):
        """Start lenscapd on the gateway, and wait until it answers."""
        # It is ended with the machine, as it would be on a gateway.
        with open(self._log, "w", encoding="utf-8") as log:
            self._daemon = netns.start(
                os.path.join(self.programs, "lenscapd"), netns="gateway",
                stdout=log, stderr=subprocess.STDOUT)
        wait.until(self._answers, "lenscapd to answer")

    def log(self):
        """What the daemon has said."""
        if not os.path.exists(self._log):
            return ""
        with open(self._log, encoding="utf-8") as log:
            return log.read()

    def _answers(self):
        if self._daemon.poll() is not None:
            raise RuntimeError("lenscapd ended with exit status "
                               f"{self._daemon.returncode}")
        return not self._ctl("status").returncode

    def _ctl(self, *arguments):
        return subprocess.run(
            (os.path.join(self.programs, "lenscapctl"), *arguments),
            capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL)

    def text(self, *arguments):
        """What lenscapctl prints for people."""
        done = self._ctl(*arguments)
        if done.returncode:
            raise RuntimeError(f"lenscapctl {' '.join(arguments)}: exit "
                               f"status {done.returncode}: {done.stderr}")
        return done.stdout

    def json(self, *arguments):
        """What lenscapctl prints for programs."""
        return json.loads(self.text("--json", *arguments))

    def cut_off(self):
        """Packets that the interlock dropped on guards."""
        return sum(guard["dropped"]["packets"] for guard in
                   self.json("status")["interlock"]["guards"])

    def device(self, name):
        """A camera's counters: {"passed": (packets, bytes), "dropped": ...}"""
        answer = self.json("devices", name)
        found = [entry for entry in answer["devices"] if entry["name"] == name]
        return {key: (found[0][key]["packets"], found[0][key]["bytes"])
                for key in ("passed", "dropped", "would_drop")}

    def dropped(self, attempt):
        """Packets of the drop records that fit an attempt in every field."""
        return sum(drop["packets"] for drop in self.json("drops")["drops"]
                   if self._fits(drop, attempt))

    @staticmethod
    def _fits(drop, attempt):
        camera = attempt.camera
        return ((drop["device"], drop["mac"], drop["destination"],
                 drop["protocol"], drop["port"], drop["reason"],
                 drop["guard"], drop["audited"]) ==
                (camera.name if camera.known else None, camera.mac,
                 attempt.target, attempt.protocol, attempt.port,
                 attempt.reason, "cameras", False))
