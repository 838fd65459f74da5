#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscap-exporter with the real daemon and module.

What it says in every case is tested without a kernel in tests/host/exporter;
here it has to agree with what the kernel counted.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import daemon, net, rig, tap                       # noqa: E402

PROGRAM = os.path.join(daemon.PROGRAMS, "lenscap-exporter")
URL = "http://127.0.0.1:9477/metrics"
FETCH = ("import sys, urllib.request; sys.stdout.write("
         "urllib.request.urlopen(sys.argv[1], timeout=30).read().decode())")


def built():
    "Prerequisite: lenscap-exporter was built."
    if not os.access(PROGRAM, os.X_OK):
        raise tap.Skip(f"no {PROGRAM}: build it with make userspace")


def start(r, d):
    "The exporter in the gateway's namespace; it becomes nobody."
    os.chmod(d.dir, 0o755)
    r.gw.run(["ip", "link", "set", "lo", "up"])
    return r.net.stop(r.gw.popen([PROGRAM, "--socket", d.socket],
                                 stdin=subprocess.DEVNULL))


def scrape(r):
    "All samples; None while nobody listens."
    done = r.gw.popen(["/usr/bin/python3", "-c", FETCH, URL],
                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                      encoding="utf-8")
    text = done.communicate()[0]
    return None if done.returncode else {
        line.rpartition(" ")[0]: line.rpartition(" ")[2]
        for line in text.splitlines() if not line.startswith("#")}


def wait_sample(r, name, value):
    "Wait until a sample has a value; all samples."
    def there():
        found = scrape(r)
        return found if found and found.get(name) == value else None
    return net.wait_for(there, net.TIMEOUT * 4, f"{name} {value}")


def test_counts():
    "what the kernel counted, by device, guard and reason"
    r, d = daemon.world()
    d.write_policy(daemon.dome(revision=3))
    before = time.time()
    d.start()
    start(r, d)
    found = wait_sample(r, "lenscap_policy_revision", "3")
    applied = float(found["lenscap_policy_applied_timestamp_seconds"])
    tap.true(before - 5 < applied < time.time() + 5, f"applied at {applied}")
    tap.equal((found["lenscap_guards"], found["lenscap_guards_armed"],
               found["lenscap_devices"], found["lenscap_module_loaded"]),
              ("1", "1", "1", "1"), "guards, devices, module")
    dropped = ('lenscap_guard_dropped_packets_total{guard="cams",'
               'reason="destination"}')
    tap.equal(found[dropped], "0", "a reason without frames")
    r.good(3)
    r.bad(4)
    r.send(r.frame(mac="02:00:5e:ff:00:01"), count=2)
    r.wait_counter("passed_packets", 3, "cam")
    r.wait_counter("dropped_packets", 4, "cam")
    labels = '{device="cam",profile="dome"}'
    found = wait_sample(r, f"lenscap_device_denied_destinations{labels}", "1")
    found = wait_sample(r, "lenscap_unknown_devices", "1")
    tap.equal((found[f"lenscap_device_passed_packets_total{labels}"],
               found[f"lenscap_device_dropped_packets_total{labels}"],
               found[dropped],
               found['lenscap_guard_passed_packets_total{guard="cams"}']),
              ("3", "4", "4", "3"), "counters")
    tap.equal(found['lenscap_guard_dropped_packets_total{guard="cams",'
                    'reason="unknown_device"}'], "2", "unknown")
    seen = float(found[f"lenscap_device_last_seen_timestamp_seconds{labels}"])
    tap.true(before - 5 < seen < time.time() + 5, f"seen at {seen}")


def test_restart():
    "the daemon goes and comes back; counters go on"
    r, d = daemon.world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    start(r, d)
    wait_sample(r, "lenscap_daemon_up", "1")
    r.bad(2)
    r.wait_counter("dropped_packets", 2, "cam")
    d.stop()
    found = wait_sample(r, "lenscap_daemon_up", "0")
    tap.equal(len(found), 2, "nothing but up and the exporter's version")
    d.start()
    wait_sample(r, "lenscap_daemon_up", "1")
    wait_sample(r, 'lenscap_device_dropped_packets_total{device="cam",'
                'profile="dome"}', "2")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built, built],
             each=daemon.cleanup)
