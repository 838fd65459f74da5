# SPDX-License-Identifier: GPL-2.0-only
"""A time server and a camera asking it: chronyd at both ends."""

import os
import re
import shutil
import subprocess

import netns
import wait

# The client measures and prints; neither touches the machine's clock.
_SERVER = """
local stratum 3
allow
cmdport 0
bindcmdaddress /
pidfile /run/lenscap-demo-chronyd.pid
"""


def chronyd():
    """Where chronyd is: where the set-up put it, or installed."""
    cache = os.environ.get("LENSCAP_CHRONYD")
    if cache and os.access(cache, os.X_OK):
        return cache
    found = shutil.which("chronyd")
    if not found:
        raise RuntimeError("chronyd is missing: run scripts/setup demo")
    return found


def start_server(host, directory):
    """Start the time server; returns the process."""
    conf = os.path.join(directory, "chrony.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(_SERVER)
    return netns.start(chronyd(), "-x", "-d", "-u", "root", "-f", conf,
                       netns=host.name, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def ask(camera, server):
    """
    One NTP measurement by a camera.

    Returns the offset in seconds as text, None without an answer.
    """
    process = netns.start(
        chronyd(), "-Q", "-t", str(wait.BOUND), "-u", "root",
        f"server {server.ipv4} iburst maxsamples 1", "cmdport 0",
        "bindcmdaddress /", "pidfile /run/lenscap-demo-client.pid",
        netns=camera.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    offset = re.search(r"wrong by (\S+) seconds", process.communicate()[0])
    return offset.group(1) if offset else None
