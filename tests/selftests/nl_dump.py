#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Dumps: complete when nothing changes, marked when something did."""

import errno

from lib import net, nl, policy, tap
from lib.rig import (Rig, dome, many_devices, many_rules, name_number,
                     profile_body)

BIG = 50_000


def big_policy(r, count=BIG):
    """Load count devices of one profile."""
    live = r.sock.do("txn-begin", base="empty")["generation"]
    r.sock.do("profile-set", name="dome", mode="enforce", **{"class": 1})
    r.sock.do_many(many_devices(count))
    r.sock.do("txn-commit", generation=live, revision=1)


class SlowDump:
    """A dump that is read one datagram at a time."""

    def __init__(self, sock, cmd, attrs=None):
        self.sock = sock
        self.rows = []
        self.interrupted = self.done = False
        self.error = None
        body = sock.encode(cmd, attrs or {})
        sock.send(sock.message(cmd, body, nl.NLM_F_REQUEST | nl.NLM_F_DUMP))

    def step(self):
        """Read one datagram."""
        for kind, flags, _, payload in self.sock.recv():
            if kind == nl.NLMSG_DONE:
                self.done = True
                code = int.from_bytes(payload[:4], "little", signed=True)
                self.error = -code if code < 0 else None
            elif kind == nl.NLMSG_ERROR:
                self.done = True
                self.error = -int.from_bytes(payload[:4], "little",
                                             signed=True)
            else:
                self.rows.append(self.sock.spec.decode(
                    self.sock.spec.op(payload[0]).reply, payload[4:]))
            if flags & nl.NLM_F_DUMP_INTR:
                self.interrupted = True

    def finish(self):
        """Read the rest."""
        while not self.done:
            self.step()
        return self


def test_empty():
    "nothing to dump is not an error"
    with Rig(link=False) as r:
        for cmd in ("guard-get", "device-get", "profile-get"):
            tap.equal(r.sock.dump(cmd), [], cmd)
        tap.equal(r.sock.dump("record-get", table="active"), [])
        tap.equal(r.sock.dump("record-get", table="retired"), [])
        tap.true(not r.sock.interrupted, "interrupted")


def test_devices():
    "50,000 devices, each once"
    with Rig(link=False) as r:
        big_policy(r)
        names = r.sock.dump_one("device-get", "name")
        tap.true(not r.sock.interrupted, "interrupted")
        tap.equal(len(names), BIG)
        tap.equal(set(names), {name_number(i) for i in range(BIG)})
        # One of them changes; the others are not sent again, and stay.
        text = {"devices": {name_number(77): {
            "mac": "02:00:00:00:00:99", "addresses": ["10.1.1.1"],
            "profile": "dome"}}}
        policy.load(r.sock, text, base="live")
        tap.equal(policy.info(r.sock)["devices"], BIG)
        tap.equal(policy.device(r.sock, name_number(77))["mac"],
                  bytes.fromhex("020000000099"))


def test_rules():
    "a profile of 10,000 rules comes in chunks that fit together"
    count = 10_000
    with Rig(link=False) as r:
        live = r.sock.do("txn-begin", base="empty")["generation"]
        r.sock.raw("profile-set", profile_body("big", many_rules(count)))
        r.sock.raw("profile-set", profile_body("small", many_rules(3)))
        r.sock.raw("profile-set", profile_body("none"))
        r.sock.do("txn-commit", generation=live, revision=1)
        rows = r.sock.dump("profile-get")
        tap.true(len(rows) > 3, "the big profile comes in one message")
        tap.true(all(row["rules"] == count for row in rows
                     if row["name"] == "big"), "rules in each chunk")
        whole = policy.profiles(r.sock)
        tap.equal({n: len(p["rule"]) for n, p in whole.items()},
                  {"big": count, "small": 3, "none": 0})
        hosts = {rule["address"] for rule in whole["big"]["rule"]}
        tap.equal(len(hosts), count, "distinct rules")


def interrupt(change, cmd="device-get", prepare=None):
    """A change in the middle of a dump marks it."""
    with Rig(link=False) as r:
        big_policy(r, 5000)
        if prepare:
            prepare(r)
        other = r.open(rcvbuf=8192)
        dump = SlowDump(other, cmd)
        dump.step()
        tap.true(not dump.done, "the dump came in one piece")
        change(r)
        dump.finish()
        return dump


def test_interrupted_devices():
    "a commit during a dump of devices"
    dump = interrupt(lambda r: r.load())
    tap.true(dump.interrupted or dump.error, "not marked as interrupted")
    tap.true(dump.error in (None, errno.EAGAIN, errno.EINTR),
             f"error {dump.error}")


def test_uninterrupted():
    "an open transaction during a dump of devices changes nothing"
    def change(r):
        r.sock.do("txn-begin", base="empty")
        r.sock.do_many(policy.requests(dome()))

    dump = interrupt(change)
    tap.equal((dump.interrupted, dump.error, len(dump.rows)),
              (False, None, 5000))


def test_interrupted_profiles():
    "a commit during a dump of profiles"
    def prepare(r):
        r.sock.do("txn-begin", base="empty")
        for i in range(5):
            r.sock.raw("profile-set", profile_body(f"p{i}",
                                                   many_rules(10_000)))
        live = policy.info(r.sock)["generation"]
        r.sock.do("txn-commit", generation=live, revision=2)

    dump = interrupt(lambda r: r.load(), "profile-get", prepare)
    tap.true(dump.interrupted or dump.error, "not marked as interrupted")


def test_interrupted_guards():
    "a guard removed during a dump of guards"
    def prepare(r):
        for i in range(200):
            policy.guard(r.sock, f"g{i}", "nonesuch", vlan=i + 1,
                         subnets=[f"10.{j}.0.0/16" for j in range(16)])

    def change(r):
        policy.unguard(r.sock, "g199")
        policy.unguard(r.sock, "g3")

    dump = interrupt(change, "guard-get", prepare)
    tap.true(dump.interrupted or dump.error, "not marked as interrupted")


def test_abandoned():
    "a reader that goes away in the middle of a dump"
    with Rig(link=False) as r:
        big_policy(r, 5000)
        for cmd in ("device-get", "profile-get", "guard-get"):
            other = r.open(rcvbuf=8192)
            SlowDump(other, cmd).step()
            other.close()
        r.load()        # what the dump held on to can go
        tap.equal(set(policy.devices(r.sock)), {"cam"})


def test_slow_reader():
    "a slow reader of a dump does not hold up a commit"
    with Rig(link=False) as r:
        big_policy(r, 5000)
        other = r.open(rcvbuf=8192)
        dump = SlowDump(other, "device-get")
        dump.step()
        for _ in range(20):
            r.load()
        dump.finish()
        tap.true(dump.interrupted or dump.error, "not marked")


def test_records():
    "records: active, rotated, retired; the active table starts anew"
    with Rig() as r:
        r.arm()
        r.load()
        for i in range(200):
            r.send(r.frame(f"198.51.{i}.7", 1000 + i))
        r.send(r.frame("198.51.0.7", 1000), count=4)
        r.wait_dropped(204)
        rows = policy.records(r.sock)
        tap.equal(len(rows), 200)
        tap.equal(policy.info(r.sock)["records"], 200)
        one = [row for row in rows if row["destination"] == "198.51.0.7"][0]
        tap.equal((one["device"], one["guard"], one["proto"], one["port"],
                   one["reason"], one["packets"], one["source"],
                   one["ethertype"], one["mac"].hex(":")),
                  ("cam", "cams", 17, 1000, "destination", 5, "10.30.0.17",
                   0x800, "02:00:5e:10:00:17"))
        tap.true("audit" not in one, "not audited")
        tap.true(0 < one["first"] <= one["last"], "times")

        answer = r.sock.do("record-rotate")
        tap.equal((answer["records"], answer["lost"]), (200, 0))
        tap.equal(policy.records(r.sock), [], "active after rotation")
        old = []

        def retired():
            try:
                old[:] = policy.records(r.sock, "retired")
            except nl.NlError as err:
                tap.equal(err.errno, errno.EAGAIN, "the moment after")
                return False
            return True
        net.wait_for(retired, what="the retired table")

        def by_key(found):
            return sorted((x["destination"], x["packets"]) for x in found)
        tap.equal(by_key(old), by_key(rows), "retired records")
        r.bad(2)
        r.wait_dropped(206)
        tap.equal([(x["destination"], x["packets"])
                   for x in policy.records(r.sock)], [("198.51.100.7", 2)])
        net.wait_for(lambda: _rotated(r.sock), what="the next rotation")
        net.wait_for(retired, what="the retired table")
        tap.equal(by_key(old), [("198.51.100.7", 2)])


def _rotated(sock):
    """Rotate; false for the moment in which the other table is in use."""
    try:
        return sock.do("record-rotate")["records"] == 1
    except nl.NlError as err:
        tap.equal(err.errno, errno.EAGAIN, str(err))
        return False


def test_records_lost():
    "frames that find no place are counted, and still counted by device"
    with Rig() as r:
        r.arm()
        r.load()
        places = policy.info(r.sock)["records_max"]
        count = places + 500
        for i in range(count):
            r.send(r.frame(f"198.18.{i >> 8}.{i & 255}"))
        r.wait_dropped(count)
        info = policy.info(r.sock)
        rows = policy.records(r.sock)
        tap.true(info["records"] <= places, "more records than places")
        tap.equal(len(rows), info["records"])
        tap.equal(sum(x["packets"] for x in rows) + info["records_lost"],
                  count, "recorded and lost")
        tap.true(info["records"] > places * 3 // 4,
                 f"only {info['records']} of {places} places used")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
