#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapctl with the real daemon and module: what an operator does.

What it prints in every case is tested without a kernel in tests/host/cli; here
it has to agree with what the kernel did.
"""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import daemon, net, policy, rig, tap               # noqa: E402

PROGRAM = os.path.join(daemon.PROGRAMS, "lenscapctl")
TIMEOUT = net.TIMEOUT * 4
WORLD = []

# Two cameras, as in docs/operations.md; the first is that of rig.
POLICY = f"""\
version: 1
revision: {{revision}}
destinations:
  nvr: {rig.PEER_IP}
profiles:
  fence-dome:
    mode: {{mode}}
    class: 1
    serves:
      - {{{{ to: nvr, tcp: 554 }}}}
    connects:
      - {{{{ to: nvr, udp: {rig.PEER_PORT} }}}}
devices:
  - {{{{ name: fence-017, mac: "{rig.CAM_MAC}", addresses: {rig.CAM_IP},
       profile: fence-dome }}}}
  - {{{{ name: fence-018, mac: "02:00:5e:10:00:18", addresses: 10.30.0.18,
       profile: fence-dome }}}}
"""


def built():
    "Prerequisite: lenscapctl was built."
    if not os.access(PROGRAM, os.X_OK):
        raise tap.Skip(f"no {PROGRAM}: build it with make userspace")


def world(**options):
    "A rig and a running daemon without a policy; gone after the test."
    r = rig.Rig()
    WORLD.append(r)
    return r, daemon.Daemon(r.net, r.gw, **options).start()


def cleanup():
    "Also when a test failed half-way."
    while WORLD:
        WORLD.pop().close()


def ctl(d, *args, status=0):
    "Run lenscapctl and expect an exit code; what it printed."
    done = subprocess.run([PROGRAM, "--socket", d.socket, *args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8",
                          check=False, timeout=TIMEOUT,
                          env={**os.environ, "TZ": "UTC"})
    if done.returncode != status:
        raise AssertionError(f"{args}: exit code {done.returncode}, wanted "
                             f"{status}:\n{done.stdout}{done.stderr}"
                             f"{d.log()}")
    return done


def ask(d, *args):
    "The result as an object."
    return json.loads(ctl(d, *args, "--json").stdout)


def write(d, name="first.yaml", revision=1, mode="enforce"):
    "A policy file of two cameras."
    d.write(d.path(name), POLICY.format(revision=revision, mode=mode))
    return d.path(name)


def wait_drops(d, count):
    "Wait until so many frames are in drop records."
    def enough():
        drops = ask(d, "drops")["drops"]
        return drops if sum(x["packets"] for x in drops) >= count else None
    return net.wait_for(enough, what=f"{count} frames in drop records")


def test_first_policy():
    "from no policy to a listed drop, as in the guide"
    r, d = world()
    said = ctl(d, "status").stdout
    tap.true(said.startswith("Lenscap drops everything: no policy"), said)
    tap.true("no devices" in ctl(d, "devices").stdout, "no devices")
    tap.equal(ctl(d, "drops").stdout,
              "no drops since the daemon started\n", "drops")

    where = write(d)
    tap.true("2 devices: ok" in ctl(d, "check", d.config, where).stdout,
             "check")
    tap.true("first policy" in ctl(d, "apply", "--dry-run", where).stdout,
             "dry run")
    tap.equal(policy.info(r.sock)["generation"], 0, "generation")
    tap.equal(ctl(d, "apply", where).stdout,
              "applied: revision 1 is live as generation 1\n", "apply")
    said = ctl(d, "status").stdout
    tap.true(said.startswith("Lenscap is enforcing\n"), said)
    tap.true("2 devices, 1 profile, 2 rules" in said, said)
    tap.equal(ctl(d, "devices", "--names").stdout.split(),
              ["fence-017", "fence-018"], "devices")

    r.good(3)
    r.bad(4)
    r.send(r.frame(mac="02:00:5e:ff:00:01"), count=2)
    r.wait_counter("passed_packets", 3, "fence-017")
    r.wait_counter("dropped_packets", 4, "fence-017")
    drops = wait_drops(d, 6)
    tap.equal([(x["device"], x["mac"], x["destination"], x["protocol"],
                x["port"], x["reason"], x["audited"], x["packets"])
               for x in sorted(drops, key=lambda x: x["reason"])],
              [("fence-017", rig.CAM_MAC, rig.OTHER_IP, "udp", rig.PEER_PORT,
                "destination", False, 4),
               (None, "02:00:5e:ff:00:01", rig.PEER_IP, "udp", rig.PEER_PORT,
                "unknown_device", False, 2)], "records")
    lines = ctl(d, "drops").stdout.splitlines()
    for words in (["fence-017", rig.OTHER_IP, f"udp/{rig.PEER_PORT}",
                   "destination", "dropped", "4"],
                  ["02:00:5e:ff:00:01", rig.PEER_IP, "unknown_device"]):
        tap.true(any(all(word in line for word in words) for line in lines),
                 f"{words} in {lines}")
    device = ask(d, "devices", "fence-017")["devices"][0]
    tap.equal((device["passed"]["packets"], device["dropped"]["packets"]),
              (3, 4), "counters of the device")
    guard = ask(d, "guards")["guards"][0]
    tap.equal((guard["passed"]["packets"], guard["dropped"]["packets"]),
              (3, 6), "counters of the guard")
    said = ctl(d, "status").stdout
    tap.true("destination: 4 packets" in said, said)


def test_bad_policy_changes_nothing():
    "errors with their places; the kernel is not even asked"
    r, d = world()
    ctl(d, "apply", write(d))
    before = policy.state(r.sock)
    where = write(d, "bad.yaml", revision=2)
    with open(where, encoding="ascii") as file:
        text = file.read()
    d.write(where, text.replace("to: nvr, tcp", "to: nvrr, tcp"))
    said = ctl(d, "apply", where, status=1).stderr
    tap.true(f'{where}:10:15: profile "fence-dome": unknown destination '
             '"nvrr" (did you mean "nvr"?)' in said, said)
    # What only this gateway can not do is refused by the daemon.
    d.write(where, text.replace("class: 1", "class: 4096"))
    said = ctl(d, "apply", where, status=1).stderr
    tap.true("class" in said, said)
    tap.equal(policy.state(r.sock), before, "state")


def test_revisions():
    "the same again, an older one, a rollback"
    r, d = world()
    ctl(d, "apply", write(d, revision=5))
    tap.true("already live: revision 5 as generation 1" in
             ctl(d, "apply", write(d, revision=5)).stdout, "the same again")
    older = write(d, "older.yaml", revision=4)
    before = policy.state(r.sock)
    tap.true("--rollback" in ctl(d, "apply", older, status=1).stderr,
             "a refusal that names the way out")
    ctl(d, "apply", "--dry-run", older, status=1)
    other = write(d, "other.yaml", revision=5, mode="audit")
    ctl(d, "apply", "--dry-run", other, status=1)
    ctl(d, "apply", other, status=1)
    tap.equal(policy.state(r.sock), before, "state")
    tap.true("already" in ctl(d, "apply", "--dry-run",
                              write(d, revision=5)).stdout,
             "the digest of file and kernel agree")
    ctl(d, "apply", "--rollback", older)
    tap.equal(policy.info(r.sock)["revision"], 4, "revision")
    tap.true("revision 5 was rolled back from" in ctl(d, "status").stdout,
             "a warning")


def test_audit():
    "a guard in audit mode passes all and lists it; then it enforces"
    r, d = world(guards=[daemon.guard(mode="audit")])
    ctl(d, "apply", write(d))
    said = ctl(d, "status").stdout
    tap.true(said.startswith("Lenscap is auditing"), said)
    tap.true('guard "cams" on interface trunk is in audit mode' in said, said)
    r.bad(3)
    r.wait_counter("would_packets", 3, "fence-017")
    wait_drops(d, 3)
    said = ctl(d, "drops").stdout
    tap.true(" audited " in said and " dropped " not in said, said)
    d.configure([daemon.guard()])
    ctl(d, "reload")
    said = ctl(d, "status").stdout
    tap.true(said.startswith("Lenscap is enforcing\n"), said)
    r.bad(2)
    r.wait_counter("dropped_packets", 2, "fence-017")


def test_disarm_and_arm():
    "what was disarmed is not judged, and status says so"
    r, d = world()
    ctl(d, "apply", write(d))
    tap.true("did you mean" in ctl(d, "disarm", "cam", status=1).stderr,
             "a suggestion")
    tap.true("disarmed: cams" in ctl(d, "disarm", "cams").stdout, "disarmed")
    tap.equal(policy.info(r.sock)["guards"], 0, "guards in the kernel")
    said = ctl(d, "status").stdout
    tap.true(said.startswith("Lenscap is NOT enforcing"), said)
    tap.true('guard "cams" on interface trunk is disarmed' in said, said)
    tap.true("the interlock cuts its cameras off" in said, said)
    tap.true("nothing to disarm" in ctl(d, "disarm").stdout, "again")
    tap.equal(ctl(d, "arm").stdout, "armed: cams\n", "armed")
    tap.true("nothing to arm" in ctl(d, "arm").stdout, "again")
    r.bad(2)
    r.wait_counter("dropped_packets", 2, "fence-017")


def test_waiting_guard():
    "a guard on an interface that never comes is named"
    _, d = world(guards=[daemon.guard(), daemon.guard("yard", "eth7")])
    ctl(d, "apply", write(d))
    said = ctl(d, "status").stdout
    tap.true(said.startswith("Lenscap is enforcing in part: 1 of 2"), said)
    tap.true('guard "yard" waits for interface eth7' in said, said)


def test_follow():
    "drops as they come, across a restart of the daemon"
    r, d = world()
    ctl(d, "apply", write(d))
    with open(d.path("followed"), "wb") as out, \
            open(d.path("said"), "wb") as err:
        process = r.net.stop(subprocess.Popen(
            [PROGRAM, "--socket", d.socket, "drops", "--follow", "--json"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=err))

    def packets():
        return sum(row["packets"]
                   for row in daemon.json_lines(d.path("followed")))

    def said(text):
        with open(d.path("said"), encoding="utf-8") as file:
            return text in file.read()

    # It is listening when it has what was dropped meanwhile.
    sent = 0

    def heard():
        nonlocal sent
        r.bad()
        sent += 1
        return packets()
    net.wait_for(heard, what="a first record")
    d.kill()
    net.wait_for(lambda: said("the daemon went away"), what="word of the end")
    d.start()
    net.wait_for(lambda: said("the daemon is back"), what="word of the start")
    before = packets()
    net.wait_for(lambda: heard() > before, what="a record after the restart")
    process.send_signal(signal.SIGINT)
    tap.equal(process.wait(TIMEOUT), 0, "exit code")
    tap.true(packets() <= sent, "no frame was told twice")


def test_without_daemon():
    "the daemon is gone: exit 3, and the module's part is told"
    r, d = world()
    ctl(d, "apply", write(d))
    d.kill()
    said = ctl(d, "status", status=3).stderr
    tap.true("nobody listens on" in said and "the module is loaded" in said,
             said)
    d.start()
    d.stop()
    said = ctl(d, "status", status=3).stderr
    tap.true("there is no socket at" in said, said)
    r.bad()
    r.wait_counter("dropped_packets", 1, "fence-017")


def test_without_module():
    "the module is gone: exit 4 from what needs it, and it comes back"
    _, d = world()
    ctl(d, "apply", write(d))
    ctl(d, "disarm")
    with open("/sys/module/lenscap/refcnt", encoding="ascii") as file:
        if int(file.read()):
            raise tap.Skip("the module is used elsewhere")
    net.run(["rmmod", "lenscap"])
    try:
        said = ctl(d, "status", status=4).stderr
        tap.true("the module is not loaded" in said and "modprobe" in said,
                 said)
        for command in ("guards", "devices", "arm", "reload"):
            ctl(d, command, status=4)
        ctl(d, "apply", d.path("first.yaml"), status=4)
        ctl(d, "apply", "--dry-run", d.path("first.yaml"), status=4)
        ctl(d, "drops")
        tap.equal(ask(d, "version")["module"], None, "module's version")
    finally:
        tap.module()
    net.wait_for(lambda: (d.ask("status")["module"] or {}).get("revision"),
                 what="the module and the policy to be back")
    said = ctl(d, "status").stdout
    tap.true("revision 1, generation 1" in said, said)


def test_versions():
    "all three tell their versions"
    _, d = world()
    answer = ask(d, "version")
    tap.true(all(answer[key] for key in ("lenscapctl", "lenscapd", "module")),
             answer)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module, daemon.built, built],
             each=cleanup)
