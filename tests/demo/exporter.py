# SPDX-License-Identifier: GPL-2.0-only
"""What a monitoring system would read: the exporter, scraped once."""

import http.client
import os
import re
import socket
import subprocess

import netns
import wait

SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="([^"]*)"')


class _Unix(http.client.HTTPConnection):
    """HTTP over a UNIX socket, which no network namespace is in the way of."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Exporter:
    """lenscap-exporter on the gateway, on a socket in a directory."""

    def __init__(self, programs, directory):
        self._path = os.path.join(directory, "metrics.sock")
        self._process = netns.start(
            os.path.join(programs, "lenscap-exporter"), "--unix", self._path,
            netns="gateway", stdout=subprocess.DEVNULL)
        self.text = ""
        wait.until(self.scrape, "the exporter to answer")

    def scrape(self):
        """Read /metrics; did it answer?"""
        if self._process.poll() is not None:
            raise RuntimeError("lenscap-exporter ended with exit status "
                               f"{self._process.returncode}")
        link = _Unix(self._path)
        try:
            link.request("GET", "/metrics")
            answer = link.getresponse()
            self.text = answer.read().decode()
            return answer.status == 200
        except OSError:
            return False
        finally:
            link.close()

    def value(self, name, **labels):
        """A sample's value; None if there is none."""
        for line in self.text.splitlines():
            found = SAMPLE.fullmatch(line)
            if found and found[1] == name and \
                    dict(LABEL.findall(found[2] or "")) == labels:
                return float(found[3])
        return None

    def excerpt(self, *patterns):
        """The lines of samples that fit one of some patterns."""
        return "\n".join(line for line in self.text.splitlines()
                         if any(re.match(one, line) for one in patterns))

    def close(self):
        """End it."""
        self._process.terminate()
        self._process.wait()
