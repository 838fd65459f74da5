# SPDX-License-Identifier: GPL-2.0-only
"""A real Prometheus, and a very large site."""

import json
import os
import subprocess
import time
import urllib.parse

from rig import (PLAIN, TIMEOUT, Exporter, Fake, path, state, tap, tool,
                 world)


DEVICES = 50000


def namespaced():
    """unshare, if this may make network namespaces."""
    done = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"],
                          capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise tap.Skip(f"no network namespace: {done.stderr.strip()}")


def within(process, *command):
    """Run a command in the network namespace of a process."""
    return subprocess.run(
        ["nsenter", "-n", "-t", str(process.pid), *command],
        capture_output=True, encoding="utf-8", check=False)


def query(process, text):
    """Samples that Prometheus has; None while it does not answer."""
    url = "http://127.0.0.1:9090/api/v1/query?query=" + \
        urllib.parse.quote(text)
    done = within(process, "/usr/bin/python3", "-c",
                  "import sys, urllib.request; print(urllib.request.urlopen("
                  "sys.argv[1], timeout=10).read().decode())", url)
    if done.returncode:
        return None
    return {tuple(sorted(row["metric"].items())): row["value"][1]
            for row in json.loads(done.stdout)["data"]["result"]}


def wait_for(what, condition, *processes):
    """Poll; between looks it waits for a moment, or a process that ended."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        for process in processes:
            tap.true(process.poll() is None, f"{process.args} ended")
        time.sleep(0.05)
    raise AssertionError(f"waited for {what}")


def test_prometheus():
    "Debian's Prometheus scrapes it, and its API returns the values"
    program = tool("prometheus")
    namespaced()
    directory = path("prometheus")
    os.mkdir(directory)
    config = os.path.join(directory, "prometheus.yml")
    with open(config, "w", encoding="ascii") as file:
        json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                   "scrape_configs": [{
                       "job_name": "lenscap", "static_configs": [
                           {"targets": ["127.0.0.1:9477"]}]}]}, file)
    log = os.path.join(directory, "log")
    with Fake(path("sock"), world()) as fake, \
            Exporter(fake.path, wrap=["unshare", "-n", "sh", "-c",
                     'ip link set lo up; exec "$@"', "-"],
                     listen=False) as exporter, open(log, "wb") as out:
        tap.equal(exporter.url, "http://127.0.0.1:9477/metrics", "default")
        prometheus = subprocess.Popen(
            ["nsenter", "-n", "-t", str(exporter.process.pid), program,
             f"--config.file={config}",
             f"--storage.tsdb.path={directory}/data",
             "--web.listen-address=127.0.0.1:9090"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            found = wait_for(
                "a scrape", lambda: query(prometheus, '{job="lenscap"}'),
                prometheus)
        except AssertionError:
            with open(log, encoding="utf-8") as file:
                tap.diag(file.read())
            raise
        finally:
            prometheus.terminate()
            prometheus.wait(TIMEOUT)

    def value(name, **labels):
        labels.update(__name__=name, instance="127.0.0.1:9477", job="lenscap")
        return found[tuple(sorted(labels.items()))]

    tap.equal(value("up"), "1", "up")
    tap.equal(value("lenscap_daemon_up"), "1", "daemon")
    tap.equal(value("lenscap_policy_revision"), "42", "revision")
    tap.equal(value("lenscap_policy_applied_timestamp_seconds"),
              "1769860800.25", "applied")
    tap.equal(value("lenscap_device_dropped_bytes_total", device="fence-017",
                    profile="fence-dome"), "27000", "device")
    tap.equal(value("lenscap_guard_dropped_packets_total", guard="cams",
                    reason="destination"), "350", "guard")
    tap.equal(value("lenscap_guard_info", guard="cams", interface="eth1",
                    vlan="30", identity="mac", mode="enforce"), "1", "guard")
    tap.equal(value("lenscap_interlock_dropped_packets_total",
                    chain="guard:cams"), "8", "interlock")


def peak(pid):
    """The most memory that a process had, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_large_site():
    "50,000 devices: all are told; time and memory are printed"
    answers = world()
    devices = {"ok": True, "devices": [
        state.device(f"camera-{i:05}", profile=f"profile-{i % 40}",
                     addresses=[f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"],
                     last_seen="2026-01-31T12:00:01.250Z")
        for i in range(DEVICES)]}
    # As the daemon has it, ready to be sent: the fake is not what is timed.
    answers["devices"] = json.dumps(devices).encode() + b"\n"
    answers["drops"]["drops"] = [
        state.drop(device=f"camera-{i % DEVICES:05}",
                   destination=f"203.0.{i >> 8}.{i & 255}")
        for i in range(10000)]
    for args, lines in (([], DEVICES * 7), (["--aggregate", "profile"], 40)):
        with Fake(path("sock"), answers) as fake, \
                Exporter(fake.path, *args, program=PLAIN) as exporter:
            times, size = [], 0
            for _ in range(3):
                start = time.monotonic()
                text = exporter.metrics()
                times.append(time.monotonic() - start)
                size = len(text)
            tap.true(text.count("\n") > lines, "lines")
            if args:
                tap.true('lenscap_profile_devices{profile="profile-0"} 1250\n'
                         in text, "devices of a profile")
            tap.diag(f"{DEVICES} devices {' '.join(args)}: scrapes of "
                     f"{', '.join(f'{t:.2f}' for t in times)} s, "
                     f"{size / 1e6:.1f} MB of text, at most "
                     f"{peak(exporter.process.pid) / 1e6:.1f} MB of memory")
