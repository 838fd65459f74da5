#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd's life: starting, ending, and what the kernel does meanwhile."""

import os
import signal
import socket
import stat
import subprocess

from lib import daemon, lock, net, policy, rig, tap
from lib.daemon import world


def test_start_and_status():
    "guards armed, policy live, status complete"
    r, d = world()
    d.write_policy(daemon.dome(revision=7))
    d.start()
    answer = d.ask("status")
    tap.equal(answer["daemon"]["state"], "ok", "state")
    tap.equal(answer["daemon"]["pid"], d.process.pid, "pid")
    tap.equal(answer["daemon"]["policy_file"], d.policy, "policy file")
    tap.equal(answer["module"]["revision"], 7, "revision")
    tap.equal(answer["module"]["devices"], 1, "devices")
    tap.equal(answer["module"]["guards_armed"], 1, "guards armed")
    tap.equal([g["state"] for g in answer["guards"]], ["armed"], "guards")
    tap.equal(answer["guards"], d.ask("guards")["guards"], "guards")
    r.good(2)
    r.bad(3)
    r.wait_passed(2)
    r.wait_dropped(3)
    row = d.ask("devices", name="cam")["devices"][0]
    tap.equal(row["passed"]["packets"], 2, "passed")
    tap.equal(row["dropped"]["packets"], 3, "dropped")
    tap.equal(row["mac"], rig.CAM_MAC, "mac")
    tap.equal(row["addresses"], [rig.CAM_IP], "addresses")
    tap.true(row["last_seen"].endswith("Z"), "last_seen is a UTC time")
    tap.equal(d.ask("devices")["devices"][0]["name"], "cam", "all devices")
    shown = d.ask("profiles")["profiles"]
    tap.equal(shown, [{"name": "dome", "mode": "enforce", "class": 1,
                       "devices": 1, "rules": [
                           {"peer": rig.PEER_IP, "protocol": "udp",
                            "initiator": "device",
                            "peer_ports": [rig.PEER_PORT] * 2,
                            "device_ports": [0, 65535]}]}], "profiles")
    tap.true(any(s.startswith("STATUS=revision 7") for s in d.notified()),
             "the service manager has a status")
    d.stop()
    tap.true("STOPPING=1" in d.notified(), "STOPPING=1")
    tap.true(not os.path.exists(d.socket), "the socket is gone")


def test_kill_and_restart_change_nothing():
    "SIGKILL: packets are judged on; restart: same generation, same counters"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    r.good()
    r.bad()
    r.wait_passed(1)
    r.wait_dropped(1)
    before = policy.state(r.sock)
    d.kill()
    tap.equal(policy.state(r.sock), before, "state after SIGKILL")
    r.good()
    r.bad()
    r.wait_passed(2)
    r.wait_dropped(2)
    before = policy.state(r.sock)
    d.start()
    tap.equal(policy.state(r.sock), before, "state after a restart")
    tap.equal(d.ask("status")["daemon"]["state"], "ok", "state")
    r.good()
    r.bad()
    r.wait_passed(3)
    r.wait_dropped(3)
    d.stop()
    tap.equal(policy.info(r.sock)["guards_armed"], 1,
              "guards armed after SIGTERM")
    r.bad()
    r.wait_dropped(4)


def test_second_daemon():
    "a second daemon in the namespace, or with the state, changes nothing"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    before = policy.state(r.sock)
    other = daemon.Daemon(r.net, r.gw, guards=[
        daemon.guard("others", "trunk", mode="audit")])
    said = other.refuse(daemon.BUSY)
    tap.true("network namespace" in said and str(d.process.pid) in said,
             f"names the reason and the process: {said}")
    elsewhere = r.net.ns("else")
    third = daemon.Daemon(r.net, elsewhere)
    third.configure([daemon.guard()], state=d.state)
    said = third.refuse(daemon.BUSY)
    tap.true("state directory" in said, said)
    fourth = daemon.Daemon(r.net, elsewhere)
    fourth.configure([daemon.guard()], control={"socket": d.socket})
    said = fourth.refuse(daemon.BUSY)
    tap.true("control socket" in said, said)
    tap.equal(policy.state(r.sock), before, "state")
    tap.equal(d.ask("status")["daemon"]["state"], "ok", "the first serves")


def test_stale_socket():
    "what a killed daemon left behind is no obstacle; a file is"
    _, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    d.kill()
    tap.true(os.path.exists(d.socket), "the socket was left behind")
    d.start()
    d.stop()
    d.write(d.socket, "precious")
    said = d.refuse(daemon.FAILED)
    tap.true("something else" in said, said)
    with open(d.socket, encoding="ascii") as file:
        tap.equal(file.read(), "precious", "the file")


def test_socket_permissions():
    "mode 0660, the group of gateway.yaml; a missing group leaves root only"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.configure([daemon.guard()], control={"socket": "sock",
                                           "group": "daemon"})
    d.start()
    about = os.stat(d.socket)
    tap.equal(stat.S_IMODE(about.st_mode), 0o660, "mode")
    tap.true(about.st_gid != 0, "not root's group")
    d.stop()
    missing = net.unique("grp")
    d.configure([daemon.guard()], control={"socket": "sock",
                                           "group": missing})
    d.start()
    tap.equal(os.stat(d.socket).st_gid, 0, "group")
    tap.true(missing in d.log(), "the log names the missing group")
    d.ask("status")
    del r


def status_fields(pid):
    "/proc/PID/status as a dictionary."
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def test_capabilities():
    "nothing but CAP_NET_ADMIN is kept, and nothing can be gained"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    fields = status_fields(d.process.pid)
    net_admin = f"{1 << 12:016x}"
    for field in ("CapEff", "CapPrm", "CapBnd"):
        tap.equal(fields[field], net_admin, field)
    for field in ("CapInh", "CapAmb"):
        tap.equal(fields[field], f"{0:016x}", field)
    tap.equal(fields["NoNewPrivs"], "1", "NoNewPrivs")
    # It still does all that it must.
    d.write_policy(daemon.dome(revision=2))
    tap.equal(d.ask("reload")["revision"], 2, "revision")
    d.ask("disarm")
    d.ask("arm")
    tap.equal(policy.info(r.sock)["guards_armed"], 1, "guards armed")


def test_privileges_needed():
    "another user, or root without CAP_NET_ADMIN: refused, nothing changes"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    said = d.refuse(daemon.PRIVILEGES, wrap=[
        "setpriv", "--reuid=65534", "--clear-groups"])
    tap.true("root" in said, said)
    said = d.refuse(daemon.PRIVILEGES, wrap=[
        "setpriv", "--bounding-set=-net_admin"])
    tap.true("CAP_NET_ADMIN" in said, said)
    tap.equal(policy.info(r.sock)["guards"], 0, "guards")
    tap.true(not os.path.exists(d.state), "no state directory")


def test_user_namespace():
    "root of a user namespace is not root of the host: refused"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    os.chmod(d.dir, 0o777)
    d.refuse(daemon.PRIVILEGES, wrap=["unshare", "--user",
                                      "--map-root-user"])
    tap.equal(policy.info(r.sock)["guards"], 0, "guards")


def test_arguments():
    "help, version, unknown options"
    def run(*argv):
        return subprocess.run([daemon.PROGRAM, *argv], check=False,
                              capture_output=True, text=True)
    done = run("--help")
    tap.equal(done.returncode, 0, "--help")
    tap.true("--config" in done.stdout, done.stdout)
    done = run("--version")
    tap.equal(done.returncode, 0, "--version")
    tap.true(done.stdout.startswith("lenscapd "), done.stdout)
    tap.equal(run("--nonsense").returncode, daemon.CONFIG, "--nonsense")
    tap.equal(run("surplus").returncode, daemon.CONFIG, "surplus")


def test_bad_configuration():
    "every mistake of gateway.yaml is told, and nothing is touched"
    r, d = world()
    d.write(d.config, """version: 1
guards:
  - { name: cams, interface: trunk, vlan: 5000 }
  - { name: cams, interface: a-name-that-is-too-long }
colour: red
""")
    said = d.refuse(daemon.CONFIG)
    for place in (":3:", ":4:", ":5:"):
        tap.true("gateway.yaml" + place in said, f"{place} in {said}")
    tap.equal(policy.info(r.sock)["guards"], 0, "guards")
    os.unlink(d.config)
    tap.true("gateway.yaml" in d.refuse(daemon.CONFIG), "names the file")


def test_no_policy():
    "without any policy: guards armed, everything dropped, loudly said"
    r, d = world()
    d.start()
    tap.equal(d.ask("status")["daemon"]["state"], "no-policy", "state")
    tap.true("there is no policy" in d.log(), d.log())
    r.good(2)
    r.wait_reason("cams", "no_policy", 2)
    tap.equal(d.apply(daemon.dome(revision=1))["changed"], True, "apply")
    r.good()
    r.wait_passed(1)


def test_waiting_guard():
    "an interface that does not exist yet: logged, then armed"
    r, d = world(guards=[daemon.guard("cams", "later")])
    d.write_policy(daemon.dome(revision=1))
    d.start()
    tap.equal(d.ask("guards")["guards"][0]["state"], "waiting", "state")
    tap.true("waits for its interface" in d.log(), d.log())
    r.gw.ip("link set trunk down")
    r.gw.ip("link set trunk name later")
    r.gw.up("later")
    net.wait_for(lambda: d.ask("guards")["guards"][0]["state"] == "armed",
                 what="the guard to be armed")
    d.wait_log("is armed")
    r.good()
    r.wait_passed(1)


def test_renamed_interface():
    "a restart leaves a guard with its renamed interface"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.start()
    r.gw.ip("link set trunk down")
    r.gw.ip("link set trunk name lan0")
    r.gw.up("lan0")
    d.wait_log("now called lan0")
    before = policy.state(r.sock)
    d.stop()
    d.start()
    tap.equal(policy.state(r.sock), before, "state after a restart")
    tap.true("give gateway.yaml the new name" in d.log(), d.log())
    r.bad()
    r.wait_dropped(1)


def test_slow_stdout():
    "a reader of stdout that does not read costs lines, not the daemon"
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    left, right = socket.socketpair()
    d.launch()
    d.kill()
    d.process = r.gw.popen([daemon.PROGRAM, "--config", d.config],
                           stdin=subprocess.DEVNULL, stdout=right.fileno(),
                           stderr=subprocess.DEVNULL)
    right.close()

    def answers():
        try:
            return d.ask("status")
        except (ConnectionRefusedError, FileNotFoundError):
            return None     # the socket is still that of the killed one
    net.wait_for(answers, what="an answer")

    def unlogged():
        r.send(*[r.frame(f"198.51.{i >> 8}.{i & 255}")
                 for i in range(1024)])
        return d.ask("status")["daemon"]["records_unlogged"]
    net.wait_for(unlogged, net.TIMEOUT * 2, "lines that were not logged")
    left.close()
    r.send(r.frame("203.0.113.9"))
    net.wait_for(lambda: any(row["destination"] == "203.0.113.9" for row in
                             d.ask("drops")["drops"]), what="the record")


# Runs a program whose service manager has more to read than it can hold.
FLOOD = """
import os, socket, sys
teller = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
teller.setblocking(False)
try:
    while True:
        teller.sendto(b"FLOOD=1", os.environ["NOTIFY_SOCKET"])
except BlockingIOError:
    os.execv(sys.argv[1], sys.argv[1:])
"""


def told(d):
    "What the service manager was told, without the flood and statuses."
    return [line for line in d.notified()
            if not line.startswith(("FLOOD", "STATUS"))]


def test_service_manager_does_not_read():
    "nothing waits for it; it hears the rest in order when it reads again"
    lock.built()
    r, d = world()
    d.write_policy(daemon.dome(revision=1))
    d.launch(wrap=["python3", "-c", FLOOD])
    d.wait_log("the service manager cannot be told")
    tap.equal(d.ask("status")["daemon"]["state"], "ok", "not told READY=1")
    net.wait_for(lambda: told(d) == ["READY=1"], what="READY=1")
    net.wait_for(lambda: any(line.startswith("STATUS=revision 1, 1 of 1")
                             for line in d.notified()), what="a status")
    d.status.clear()
    r.gw.run(["python3", "-c", FLOOD, "/bin/true"],
             env={**os.environ, "NOTIFY_SOCKET": d.path("notify")})
    d.process.send_signal(signal.SIGHUP)
    d.wait_log("were read again")
    # More statuses than one.
    for state in ("waiting", "armed") * 2:
        if state == "waiting":
            r.gw.ip("link del trunk")
        else:
            r.connect()
        net.wait_for(lambda: d.ask("status")["guards"][0]["state"] == state,
                     what=f"a guard that is {state}")
    r.gw.nft("flush ruleset")
    net.wait_for(lambda: d.ask("status")["interlock"]["restored"] == 1,
                 what="the interlock to be restored")
    net.wait_for(lambda: told(d)[-1:] == ["READY=1"], what="the reload")
    said = told(d)
    tap.equal((said[0], said[1][:15], said[2:]),
              ("RELOADING=1", "MONOTONIC_USEC=", ["READY=1"]), "in order")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             each=daemon.cleanup)
