# SPDX-License-Identifier: GPL-2.0-only
"""driver.c as tests see it, and the shape of an event."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, "tests", "selftests"))

from lib import tap                                         # noqa: E402

DRIVER = os.environ["DRIVER"]
EPOCH = 1785000000                  # 2026-07-25
DROP = "fence-017 02:00:5e:10:00:17 10.30.0.17 203.0.113.9 6 443 12 0 12"

# What must be there, and of which type; "?" is optional.
SCHEMA = {
    "timestamp": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4}$",
    "host?": str, "in_iface?": str, "event_type": r"^(drop|alert)$",
    "vlan?": [int], "src_ip?": r"^[0-9a-f.:]+$",
    "dest_ip?": r"^[0-9a-f.:]+$", "src_port?": int, "dest_port?": int,
    "icmp_type?": int, "proto?": str, "pkt_src": r"^wire/pcap$",
    "ether?": {"src_mac": r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"},
    "drop?": {"reason": str},
    "alert?": {"action": r"^allowed$", "gid": int, "signature_id": int,
               "rev": int, "signature": str, "category": str,
               "severity": int},
    "lenscap": {
        "device?": str, "guard": str, "profile?": str, "reason": str,
        "audited": bool, "ethertype": int, "packets": int, "bytes": int,
        "first": str, "last": str, "revision": int, "generation?": int,
        "hints?": {
            "mac?": {"local": bool, "vendor?": str,
                     "vendor_date?": r"^\d{4}-\d\d-\d\d$"},
            "destination?": {
                "country?": r"^[A-Z]{2}$",
                "country_date?": r"^\d{4}-\d\d-\d\d$", "asn?": int,
                "organization?": str, "asn_date?": r"^\d{4}-\d\d-\d\d$"}}},
}


def fits(value, schema, where="event"):
    """Does a value have the shape of SCHEMA, and nothing else?"""
    if isinstance(schema, dict):
        names = {name.rstrip("?"): name for name in schema}
        for name in value:
            tap.true(name in names, f"{where}: unknown key {name}")
            fits(value[name], schema[names[name]], f"{where}.{name}")
        for name in schema:
            tap.true(name.endswith("?") or name in value,
                     f"{where}: {name} is missing")
    elif isinstance(schema, list):
        tap.true(isinstance(value, list) and value, f"{where}: {value}")
        for item in value:
            fits(item, schema[0], where)
    elif isinstance(schema, str):
        tap.true(isinstance(value, str) and re.search(schema, value),
                 f"{where}: {value}")
    else:
        tap.true(type(value) is schema, f"{where}: {value}")


class Driver:
    """driver.c, in a directory of its own."""

    def __init__(self, outputs=(), limit=None, wrap=(), **more):
        self.dir = tempfile.mkdtemp(prefix="lenscap-events-")
        self.config = self.path("gateway.yaml")
        self.file = self.path("events.json")
        self.write(outputs, **more)
        reader, writer = os.pipe()

        def prepare():
            os.dup2(writer, 3)
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with open(self.path("out"), "wb") as out, \
                open(self.path("err"), "wb") as err:
            self.process = subprocess.Popen(
                [*wrap, DRIVER], stdin=subprocess.PIPE, stdout=out, stderr=err,
                pass_fds=[3], preexec_fn=prepare, text=True,
                env={**os.environ, "TZ": "Asia/Kolkata"})
        os.close(writer)
        self.answers = os.fdopen(reader)
        self.ask("configure " + self.config)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        status = self.process.wait(60)
        self.answers.close()
        said = self.log()
        shutil.rmtree(self.dir)
        if exc[0] is None:
            tap.equal(status, 0, f"status of the driver: {said}")

    def path(self, name):
        """A path in the directory."""
        return os.path.join(self.dir, name)

    def write(self, outputs, guards=None, **more):
        """Write gateway.yaml; "FILE" is the usual one."""
        text = json.dumps({
            "version": 1, "guards": guards or [
                {"name": "cams", "interface": "eth1", "vlan": 30}],
            "events": {"host": "gw-17", "outputs": list(outputs) or ["FILE"],
                       "rate": more.pop("rate", 1000000)},
            **({"annotations": {"vendors": []}} | more)}) + "\n"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text.replace('"FILE"', json.dumps(
                {"to": "file", "path": self.file})))

    def ask(self, command):
        """One command, one answer."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.answers.readline()
        if not line:
            raise AssertionError(f"the driver ended:\n{self.log()}")
        return json.loads(line)

    def log(self):
        """What it wrote to stderr."""
        with open(self.path("err"), encoding="utf-8") as file:
            return file.read()

    def lines(self, path=None):
        """The events in a file."""
        with open(path or self.file, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def shown(self):
        """The first output's state."""
        return self.ask("show")["outputs"][0]


def place(d, address):
    "What is said of an address."
    hints = d.ask(f"hints - {address}")
    return hints and hints["destination"]
