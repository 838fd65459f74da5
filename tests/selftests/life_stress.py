#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Everything at once: traffic, commits, dumps, guards that come and go.

LENSCAP_ROUNDS scales the counts. What is asserted holds at any speed.
"""

import errno
import multiprocessing
import os
import traceback

from lib import frames, io, net, nl, policy, tap
from lib.rig import CAM_IP, CAM_MAC, GW_MAC, PEER_PORT, Rig, dome

ROUNDS = int(os.environ.get("LENSCAP_ROUNDS", "60"))
_fork = multiprocessing.get_context("fork")


class Worker:
    """func(*args) in a process; join() raises what it raised."""

    def __init__(self, func, *args):
        self.queue = _fork.SimpleQueue()

        def body():
            try:
                self.queue.put((True, func(*args)))
            except BaseException:
                self.queue.put((False, traceback.format_exc()))
            os._exit(0)
        self.process = _fork.Process(target=body)
        self.process.start()

    def join(self):
        """Wait for it; its result."""
        good, value = self.queue.get()
        self.process.join()
        if not good:
            raise RuntimeError(value)
        return value


def second_camera(r):
    """Another camera on another link."""
    cam2 = r.net.ns("cam", quiet=True)
    r.net.veth(cam2, "eth0", r.gw, "trunk2", "02:00:5e:10:00:18", GW_MAC)
    return cam2


def two_cameras():
    """A policy for both."""
    text = dome()
    text["devices"]["cam2"] = {"mac": "02:00:5e:10:00:18", "profile": "dome",
                               "addresses": ["10.30.0.18"]}
    return text


def traffic(netns, mac, src, count):
    """Send count permitted and count forbidden frames."""
    good = frames.eth(GW_MAC, mac, frames.ipv4(
        src, "10.20.0.10", frames.udp(40000, PEER_PORT, b"x" * 50)))
    bad = frames.eth(GW_MAC, mac, frames.ipv4(
        src, "198.51.100.7", frames.udp(40000, PEER_PORT, b"x" * 50)))
    with io.Link(netns, "eth0") as link:
        for _ in range(count):
            link.send(good, bad)


def commits(gw, count):
    """Swap policies that judge both cameras alike."""
    text = two_cameras()
    with nl.Genl(netns=gw) as sock:
        for i in range(count):
            text["profiles"][f"extra{i % 7}"] = {"rules": [
                policy.connects(f"10.{i % 250}.0.0/16", "tcp", 80)]}
            text["profiles"]["dome"]["class"] = i % 256
            base = "live" if i % 3 else "empty"
            policy.load(sock, text, base=base)


def dumps(gw, count):
    """Dump everything, again and again."""
    with nl.Genl(netns=gw) as sock:
        for _ in range(count):
            policy.info(sock)
            sock.dump("guard-get")
            sock.dump("device-get")
            sock.dump("profile-get")
            sock.dump("record-get", table="active")


def test_exact():
    "counters are exact under commits and dumps, from two processors"
    count = ROUNDS * 50
    with Rig() as r:
        cam2 = second_camera(r)
        r.load(two_cameras())
        r.arm()
        r.arm("second", "trunk2")
        workers = [Worker(traffic, r.cam, CAM_MAC, CAM_IP, count),
                   Worker(traffic, cam2, "02:00:5e:10:00:18", "10.30.0.18",
                          count),
                   Worker(commits, r.gw, ROUNDS),
                   Worker(dumps, r.gw, ROUNDS // 2)]
        for worker in workers:
            worker.join()
        for name, guard in (("cam", "cams"), ("cam2", "second")):
            r.wait_counter("passed_packets", count, name)
            r.wait_counter("dropped_packets", count, name)
            row = policy.guards(r.sock)[guard]
            tap.equal(row["passed_packets"], count, f"passed on {guard}")
            tap.equal({k: v["dropped_packets"]
                       for k, v in row["reasons"].items()},
                      {"destination": count}, f"reasons on {guard}")
        recorded = sum(x["packets"] for x in policy.records(r.sock))
        tap.equal(recorded + policy.info(r.sock)["records_lost"], 2 * count,
                  "recorded and lost")


def rotating(gw, count):
    """Rotate and read what was retired; packets in it."""
    total = 0
    with nl.Genl(netns=gw) as sock:
        for _ in range(count):
            total += rotate_once(sock)
    return total


def rotate_once(sock):
    """Rotate, wait until the retired table is final, add it up."""
    def attempt(func, *args, **kwargs):
        try:
            return [func(*args, **kwargs)]
        except nl.NlError as err:
            if err.errno != 11:         # EAGAIN
                raise
            return None
    net.wait_for(lambda: attempt(sock.do, "record-rotate"),
                 what="a rotation")
    rows = net.wait_for(lambda: attempt(sock.dump, "record-get",
                                        table="retired"),
                        what="the retired table")[0]
    return sum(x["packets"] for x in rows)


def test_rotation():
    "each frame is in exactly one table of records, however they rotate"
    count = ROUNDS * 50
    with Rig() as r:
        r.load()
        r.arm()
        reader = Worker(rotating, r.gw, ROUNDS // 2)
        sender = Worker(traffic, r.cam, CAM_MAC, CAM_IP, count)
        sender.join()
        total = reader.join()
        r.wait_dropped(count)
        total += rotate_once(r.sock)
        tap.equal(total + policy.info(r.sock)["records_lost"], count)


def flapping(gw, count):
    """Guards come, change, move and go."""
    with nl.Genl(netns=gw) as sock:
        for i in range(count):
            policy.guard(sock, "flap", "trunk", vlan=30 + i % 3)
            policy.guard(sock, "flap", "trunk", vlan=33, mode="audit")
            policy.guard(sock, "flap", "trunk2" if i % 2 else "nonesuch",
                         vlan=33)
            policy.unguard(sock, "flap")


def links(r_gw, cam, count):
    """An interface with a guard comes and goes."""
    for _ in range(count):
        net.run(["ip", "-n", cam.name, "link", "add", "name", "e9", "type",
                 "veth", "peer", "name", "t9", "netns", r_gw.name])
        r_gw.up("t9")
        r_gw.ip("link set t9 down")
        r_gw.ip("link set t9 name t8")
        r_gw.ip("link del t8")
        # The guard followed the rename: send it back to the first name.
        with nl.Genl(netns=r_gw) as sock:
            policy.guard(sock, "comes", "t9")


def test_everything():
    "traffic, commits, dumps, rotation, guards and interfaces at once"
    count = ROUNDS * 25
    with Rig() as r:
        cam2 = second_camera(r)
        r.load(two_cameras())
        r.arm()
        policy.guard(r.sock, "comes", "t9")
        workers = [Worker(traffic, r.cam, CAM_MAC, CAM_IP, count),
                   Worker(traffic, cam2, "02:00:5e:10:00:18", "10.30.0.18",
                          count),
                   Worker(commits, r.gw, ROUNDS),
                   Worker(dumps, r.gw, ROUNDS // 2),
                   Worker(rotating, r.gw, ROUNDS // 4),
                   Worker(flapping, r.gw, ROUNDS),
                   Worker(links, r.gw, cam2, ROUNDS // 6)]
        failed = []
        for worker in workers:
            try:
                worker.join()
            except RuntimeError as err:
                failed.append(str(err))
        tap.true(not failed, "\n".join(failed))
        # The guard that stood still judged every frame.
        r.wait_passed(count)
        r.wait_dropped(count)
        policy.unguard(r.sock)
        tap.equal(policy.info(r.sock)["guards"], 0)


def replacing(gw, count):
    """Change a guard's settings and the policy, which forbid all the time."""
    text = dome()
    with nl.Genl(netns=gw) as sock:
        for i in range(count):
            policy.guard(sock, "cams", "trunk", subnets=[f"10.{i % 250}.0.0/16"],
                         upkeep=i % 64)
            text["profiles"]["dome"]["class"] = i % 256
            policy.load(sock, text, base="live" if i % 2 else "empty")


def test_no_hole():
    "no frame slips through while guard and policy are replaced under it"
    with Rig() as r:
        r.gw.addr("trunk", "198.51.100.7/24")
        r.gw.ip(f"neigh add {CAM_IP} lladdr {CAM_MAC} dev trunk")
        for name in ("all", "trunk"):
            r.gw.sysctl(f"ipv4/conf/{name}/rp_filter", 0)
        r.gw.ip("route add default dev trunk")
        frame = r.frame("198.51.100.7")
        r.send(frame)
        net.wait_for(lambda: r.gw.snmp("Udp", "NoPorts") == 1,
                     what="a frame without a guard")
        r.load()
        r.arm()
        changer = Worker(replacing, r.gw, ROUNDS)
        sent = 0
        while changer.process.is_alive() or sent < 1000:
            r.send(frame, count=100)
            sent += 100
        changer.join()
        r.wait_dropped(sent)
        tap.equal(r.gw.snmp("Udp", "NoPorts"), 1, "frames past the guard")
        tap.diag(f"{sent} frames under {ROUNDS} replacements")


def contending(gw, number, count):
    """Commit count times, against others who want to, and drop some."""
    done = 0
    while done < count:
        with nl.Genl(netns=gw) as sock:
            for _ in range(5):
                if done == count:
                    break
                try:
                    live = sock.do("txn-begin", base="live")["generation"]
                except nl.NlError as err:
                    tap.equal(err.errno, errno.EBUSY, str(err))
                    continue
                sock.do("profile-set", name=f"p{number}", mode="audit",
                        **{"class": done % 256})
                sock.do("txn-commit", generation=live, revision=1)
                done += 1
                if done % 3 == 0:
                    break               # closed with nothing open
            else:
                try:                    # closed with one open
                    sock.do("txn-begin", base="empty")
                except nl.NlError as err:
                    tap.equal(err.errno, errno.EBUSY, str(err))


def test_contention():
    "sockets that fight over the transaction lose none, and add up"
    with Rig(link=False) as r:
        first = r.load({}, revision=1)
        workers = [Worker(contending, r.gw, n, ROUNDS) for n in range(4)]
        for worker in workers:
            worker.join()
        info = policy.info(r.sock)
        tap.equal(info["generation"], first + 4 * ROUNDS, "generations")
        tap.equal(info["txn"], 0, "an open transaction")
        tap.equal({n: p["class"] for n, p in
                   policy.profiles(r.sock).items()},
                  {f"p{n}": (ROUNDS - 1) % 256 for n in range(4)})


def test_namespaces():
    "namespaces with guards come and go beside each other"
    def churn(number):
        for _ in range(max(2, ROUNDS // 20)):
            with Rig() as r:
                r.load()
                r.arm()
                r.bad(50)
                r.wait_dropped(50)
                if number % 2:
                    policy.unguard(r.sock)
    workers = [Worker(churn, n) for n in range(3)]
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
