#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Documented limits: reached they hold, exceeded by one they refuse."""

import errno

from lib import nl, policy, tap
from lib.rig import (Rig, many_devices, many_rules, name_number,
                     profile_body)

LIMIT = nl.spec().consts


def refused(code, func, *args, **kwargs):
    """Refused with this errno and a text."""
    err = nl.fails(code, func, *args, **kwargs)
    tap.true(err.text, "no extack text")
    return err


def test_name():
    "names of 63 bytes pass, 64 do not"
    name = "n" * LIMIT["name_len"]
    with Rig(link=False) as r:
        policy.guard(r.sock, name, "nonesuch")
        r.load({"profiles": {name: {}}, "devices": {
            name: {"mac": "02:00:00:00:00:01", "addresses": ["10.0.0.1"],
                   "profile": name, "guard": name}}})
        row = policy.device(r.sock, name)
        tap.equal((row["name"], row["profile"], row["guard"]), (name,) * 3)
        before = policy.state(r.sock)
        refused((errno.ERANGE, errno.EINVAL), policy.guard, r.sock,
                name + "x", "nonesuch")
        tap.equal(policy.state(r.sock), before, "state")
        policy.unguard(r.sock, name)


def test_addresses():
    "64 addresses of a device"
    many = [f"10.0.{i}.1" for i in range(LIMIT["max_addresses"] // 2)]
    many += [f"fd00:{i + 1:x}::/64" for i in range(len(many))]
    with Rig(link=False) as r:
        text = {"profiles": {"p": {}}, "devices": {
            "d": {"mac": "02:00:00:00:00:01", "addresses": many}}}
        r.load(text)
        tap.equal(sorted(policy.prefix_text(a) for a in
                         policy.device(r.sock, "d")["address"]),
                  sorted(many))
        before = policy.state(r.sock)
        text["devices"]["d"]["addresses"] = many + ["10.1.0.1"]
        refused(errno.ENOSPC, r.load, text)
        tap.equal(policy.state(r.sock), before, "state")


def test_subnets():
    "16 subnets of a guard"
    many = [f"10.{i}.0.0/16" for i in range(LIMIT["max_subnets"])]
    with Rig(link=False) as r:
        policy.guard(r.sock, "g", "nonesuch", subnets=many)
        row = policy.guards(r.sock)["g"]
        tap.equal(sorted(policy.prefix_text(s) for s in row["subnet"]),
                  sorted(many))
        before = policy.state(r.sock)
        refused(errno.ENOSPC, policy.guard, r.sock, "g", "nonesuch",
                subnets=many + ["fd00::/64"])
        tap.equal(policy.state(r.sock), before, "state")


def test_guards():
    "256 guards of a namespace"
    with Rig(link=False) as r:
        for i in range(LIMIT["max_guards"]):
            policy.guard(r.sock, f"g{i}", "nonesuch", vlan=i + 1)
        tap.equal(policy.info(r.sock)["guards"], LIMIT["max_guards"])
        tap.equal(len(policy.guards(r.sock)), LIMIT["max_guards"])
        before = policy.state(r.sock)
        refused(errno.ENOSPC, policy.guard, r.sock, "more", "nonesuch",
                vlan=4000)
        tap.equal(policy.state(r.sock), before, "state")
        policy.guard(r.sock, "g7", "nonesuch", vlan=4000)   # replace: fine
        policy.unguard(r.sock, "g8")
        policy.guard(r.sock, "more", "nonesuch", vlan=9)
        policy.unguard(r.sock)


def test_guard_names():
    "1024 names of guards, then names must be used again"
    # The limit counts names ever given, so that numbers are never reused.
    with Rig(link=False) as r:
        # What is refused gives no name: one more than there can be.
        for i in range(LIMIT["max_guard_names"] + 1):
            refused(errno.ENOENT, r.sock.do, "device-set",
                    **policy.device_attrs("cam", "02:00:5e:10:00:17",
                                          ["10.30.0.17"], "dome", f"x{i}"))
        given = 0
        for i in range(LIMIT["max_guard_names"] + 1):
            try:
                policy.guard(r.sock, f"g{i}", "nonesuch")
            except nl.NlError as err:
                tap.equal(err.errno, errno.ENOSPC, str(err))
                tap.true(err.text, "no extack text")
                break
            policy.unguard(r.sock, f"g{i}")
            given += 1
        tap.equal(given, LIMIT["max_guard_names"], "names")
        policy.guard(r.sock, "g5", "nonesuch")      # an old name is free
        policy.unguard(r.sock, "g5")
    with Rig(link=False) as r:                      # and other namespaces
        policy.guard(r.sock, "fresh", "nonesuch")
        policy.unguard(r.sock)


def set_rules(sock, name, count):
    """Stage a profile of count rules, in one message of up to 64 KiB each.

    An nlattr cannot say more than 64 KiB, but rules are attributes of their
    own, so a message can hold them all.
    """
    sock.raw("profile-set", profile_body(name, many_rules(count)))


def test_profile_rules():
    "16384 rules of a profile"
    limit = LIMIT["max_profile_rules"]
    with Rig(link=False) as r:
        live = r.sock.do("txn-begin", base="empty")["generation"]
        set_rules(r.sock, "full", limit)
        refused(errno.ENOSPC, set_rules, r.sock, "full", limit + 1)
        refused(errno.ENOSPC, set_rules, r.sock, "more", limit + 1)
        r.sock.do("txn-commit", generation=live, revision=1)
        rows = policy.profiles(r.sock)
        tap.equal(list(rows), ["full"])
        tap.equal((rows["full"]["rules"], len(rows["full"]["rule"])),
                  (limit, limit))
        tap.equal(policy.info(r.sock)["rules"], limit)


def test_rules():
    "2097152 rules of a policy, counted for each profile"
    whole = LIMIT["max_rules"] // LIMIT["max_profile_rules"]
    body = many_rules(LIMIT["max_profile_rules"])
    with Rig(link=False) as r:
        r.load()
        before = policy.state(r.sock)
        r.sock.do("txn-begin", base="empty")
        for i in range(whole):
            # Profiles share one list of rules; the limit counts each use.
            r.sock.raw("profile-set", profile_body(f"p{i}", body))
        err = None
        try:
            r.sock.raw("profile-set", profile_body("more", many_rules(1)))
            live = before["info"]["generation"]
            r.sock.do("txn-commit", generation=live, revision=9)
        except nl.NlError as caught:
            err = caught
        tap.true(err and err.errno == errno.ENOSPC, f"one more rule: {err}")
        tap.true(err.text, "no extack text")
        r.sock.do("txn-abort")
        tap.equal(policy.state(r.sock), before, "state")


def test_devices():
    "131072 devices of a policy"
    limit = LIMIT["max_devices"]
    with Rig(link=False) as r:
        r.sock.do("txn-begin", base="empty")
        r.sock.do("profile-set", name="dome", mode="enforce", **{"class": 1})
        r.sock.do_many(many_devices(limit))
        refused(errno.ENOSPC, r.sock.do_many, many_devices(1, first=limit))
        # One can still be replaced, and one exchanged for another.
        r.sock.do_many(many_devices(1, first=5))
        r.sock.do("device-del", name=name_number(7))
        r.sock.do_many(many_devices(1, first=limit))
        r.sock.do("txn-commit", generation=0, revision=1)
        info = policy.info(r.sock)
        tap.equal(info["devices"], limit)
        policy.device(r.sock, name_number(limit))
        nl.fails(errno.ENOENT, policy.device, r.sock, name_number(7))


def test_profiles():
    "131072 profiles of a policy"
    limit = LIMIT["max_profiles"]

    def profiles(first, count):
        for i in range(first, first + count):
            yield "profile-set", profile_body(name_number(i, "p"))

    with Rig(link=False) as r:
        r.sock.do("txn-begin", base="empty")
        r.sock.do_many(profiles(0, limit))
        refused(errno.ENOSPC, r.sock.do_many, profiles(limit, 1))
        r.sock.do_many(profiles(5, 1))
        r.sock.do("profile-del", name=name_number(5, "p"))
        r.sock.do_many(profiles(limit, 1))
        r.sock.do("txn-commit", generation=0, revision=1)
        info = policy.info(r.sock)
        tap.equal((info["profiles"], info["rulesets"]), (limit, 1))


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
