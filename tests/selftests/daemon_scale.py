#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd with as much policy as there may be."""

import json

from lib import daemon, net, policy, rig, tap
from lib.daemon import world

DEVICES = 50000
RULES = 16384


def test_many_devices():
    "50,000 devices: load, list, change one, restart"
    r, d = world()
    d.write_policy(daemon.dome(revision=1, devices=DEVICES))
    d.start(timeout=net.TIMEOUT * 20)
    tap.equal(policy.info(r.sock)["devices"], DEVICES, "devices")
    r.good()
    r.wait_passed(1)
    with d.connect() as client:
        client.sock.settimeout(net.TIMEOUT * 20)
        rows = client.ask("devices")["devices"]
        tap.equal(len({row["name"] for row in rows}), DEVICES, "listed")
        answer = client.ask("apply", files=[{
            "name": "policy.yaml",
            "text": daemon.dome(revision=2, devices=DEVICES + 1)}])
    tap.equal((answer["ok"], answer["changed"]), (True, True), "answer")
    tap.true("1 change(s) from the live generation" in d.log(), d.log())
    tap.equal(r.counter("passed_packets"), 1, "passed")
    about = policy.info(r.sock)
    tap.equal(about["devices"], DEVICES + 1, "devices")
    d.kill()
    d.start(timeout=net.TIMEOUT * 20)
    tap.equal(policy.info(r.sock)["generation"], about["generation"],
              "generation after a restart")


def test_large_profile():
    "a profile with as many rules as the kernel takes, in one message"
    r, d = world()
    peers = [f"10.{128 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"
             for i in range(RULES - 1)] + [rig.PEER_IP]
    d.write_policy(daemon.dome(revision=1, peers=peers))
    d.start(timeout=net.TIMEOUT * 20)
    r.good()
    r.send(r.frame(peers[-2]))
    r.wait_passed(2)
    r.bad()
    r.wait_dropped(1)
    with d.connect() as client:
        client.sock.settimeout(net.TIMEOUT * 20)
        shown = client.ask("profiles")["profiles"]
    tap.equal(len({rule["peer"] for rule in shown[0]["rules"]}), RULES,
              "rules")
    before = policy.info(r.sock)
    answer = d.apply(daemon.dome(revision=2,
                                 peers=peers + ["10.1.2.3"]))
    tap.equal(answer["ok"], False, f"{json.dumps(answer)[:300]}")
    tap.equal(policy.info(r.sock)["generation"], before["generation"],
              "generation")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             each=daemon.cleanup)
