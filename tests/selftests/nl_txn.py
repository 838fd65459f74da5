#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Transactions: what they start from, how they end, who may have one."""

import errno
import socket

from lib import net, nl, policy, tap
from lib.rig import CAM_MAC, Rig, dome

CAM2 = {"mac": "02:00:5e:10:00:18", "profile": "dome",
        "addresses": ["10.30.0.18"]}


def rig():
    """A rig without a link."""
    return Rig(link=False)


def names(r):
    """Live devices and profiles."""
    return set(policy.devices(r.sock)), set(policy.profiles(r.sock))


def refused(code, func, *args, **kwargs):
    """Refused with this errno and a text that is shown to people."""
    err = nl.fails(code, func, *args, **kwargs)
    tap.true(err.text, f"no extack text with {errno.errorcode[code]}")
    return err


def test_first():
    "nothing is live at first; the first commit makes generation 1 or more"
    with rig() as r:
        info = policy.info(r.sock)
        tap.equal(info["generation"], 0, "generation")
        tap.equal(info["txn"], 0, "txn")
        digest = bytes(range(32))
        begun = r.sock.do("txn-begin", base="empty")
        tap.equal(begun["generation"], 0, "answer to begin")
        tap.equal(policy.info(r.sock)["txn"], 1, "txn")
        r.sock.do_many(policy.requests(dome()))
        tap.equal(names(r), (set(), set()), "before the commit")
        done = r.sock.do("txn-commit", generation=0, revision=42,
                         digest=digest)
        info = policy.info(r.sock)
        tap.true(done["generation"] > 0, "a generation")
        tap.equal(info["generation"], done["generation"])
        tap.equal(info["revision"], 42)
        tap.equal(info["digest"], digest)
        tap.equal((info["devices"], info["profiles"], info["rulesets"],
                   info["rules"], info["txn"]), (1, 1, 1, 1, 0))
        tap.true(info["committed"] > 1_600_000_000_000, "commit time")
        tap.true(info["memory"] > 0, "memory")


def test_slots():
    "profiles that come and go leave no room behind them taken"
    with rig() as r:
        live = policy.load(r.sock, dome())
        sizes = set()
        for number in range(300):
            r.sock.do("txn-begin", base="live")
            if number:
                r.sock.do("profile-del", name=f"p{number - 1:03}")
            r.sock.do("profile-set", name=f"p{number:03}", mode="enforce",
                      **{"class": 0})
            live = r.sock.do("txn-commit", generation=live,
                             revision=number + 10)["generation"]
            sizes.add(policy.info(r.sock)["memory"])
        tap.true(len(sizes) <= 4 and max(sizes) < 2 * min(sizes),
                 f"memory {min(sizes)} to {max(sizes)}")


def test_contents():
    "a dump gives back what was set"
    text = {
        "profiles": {
            "all": {"class": 7, "mode": "audit", "rules": [
                policy.connects("10.20.0.0/24", "udp", (10000, 20000)),
                policy.serves("10.20.0.10", "tcp", 554, (1, 9)),
                policy.connects("fd00::/64", None),
                policy.connects("10.20.0.1", "icmp", 8),
                policy.connects("fd00::1", "icmpv6", 128),
                policy.connects("10.20.0.2", 47)]},
            "none": {"class": 0, "mode": "quarantine"}},
        "devices": {
            "a": {"mac": CAM_MAC, "guard": "cams", "profile": "all",
                  "addresses": ["10.30.0.17", "10.31.0.0/16", "fd00:30::/64",
                                "fd00::17"]},
            "b": {"addresses": ["10.40.0.1", "fd00:40::1"],
                  "profile": "none"}}}
    with rig() as r:
        r.load(text)
        devices = policy.devices(r.sock)
        for name, raw in text["devices"].items():
            seen = devices[name]
            tap.equal(sorted(policy.prefix_text(a) for a in seen["address"]),
                      sorted(raw["addresses"]), f"addresses of {name}")
            tap.equal(seen["profile"], raw["profile"])
            tap.equal(seen.get("guard"), raw.get("guard"))
            tap.equal(seen["last_seen"], 0)
        tap.equal(devices["a"]["mac"].hex(":"), CAM_MAC)
        tap.true("mac" not in devices["b"], "b has no MAC")
        tap.equal(policy.device(r.sock, "a"), devices["a"], "device-get")

        profiles = policy.profiles(r.sock)
        tap.equal(profiles["all"]["class"], 7)
        tap.equal(profiles["all"]["mode"], "audit")
        tap.equal(profiles["none"]["mode"], "quarantine")
        tap.equal((profiles["all"]["devices"], profiles["none"]["devices"]),
                  (1, 1))
        tap.equal(profiles["none"]["rule"], [])

        def canonical(rule):
            ports = rule.get("proto") in (6, 17, 1, 58)
            full = {"peer_port_low": 0, "peer_port_high":
                    255 if rule.get("proto") in (1, 58) else 65535,
                    "device_port_low": 0, "device_port_high": 65535}
            out = {"address": rule["address"], "length": rule["length"],
                   "proto": rule.get("proto"),
                   "initiator": rule["initiator"]}
            for key, value in full.items():
                seen = rule.get(key)
                seen = value if seen in (None, 65535) else seen
                out[key] = seen if ports else value
            return tuple(map(str, out.values()))
        tap.equal(sorted(map(canonical, profiles["all"]["rule"])),
                  sorted(map(canonical, text["profiles"]["all"]["rules"])),
                  "rules")


def test_empty_base():
    "from nothing: what is not added is gone"
    with rig() as r:
        r.load()
        r.load({"profiles": {"dome": {}}, "devices": {"cam2": CAM2}})
        tap.equal(names(r), ({"cam2"}, {"dome"}))
        r.load({})
        tap.equal(names(r), (set(), set()))
        tap.true(policy.info(r.sock)["generation"] > 0,
                 "an empty policy is a policy")


def test_live_base():
    "from the live one: what is not touched stays; add, replace, delete"
    with rig() as r:
        first = r.load()
        text = {"profiles": {"late": {"class": 3}}, "devices": {"cam2": CAM2}}
        second = r.load(text, base="live")
        tap.true(second > first, "generations grow")
        tap.equal(names(r), ({"cam", "cam2"}, {"dome", "late"}))
        # Replace: another profile and address; the device is the same one.
        r.load({"devices": {"cam": {"mac": CAM_MAC, "profile": "late",
                                    "addresses": ["10.30.9.9"]}}},
               base="live")
        cam = policy.device(r.sock, "cam")
        tap.equal(cam["profile"], "late")
        tap.equal([policy.prefix_text(a) for a in cam["address"]],
                  ["10.30.9.9"])
        # Replace a profile: its devices follow.
        r.load({"profiles": {"late": {"class": 9, "mode": "audit"}}},
               base="live")
        late = policy.profiles(r.sock)["late"]
        tap.equal((late["class"], late["mode"], late["devices"]),
                  (9, "audit", 1))
        # Delete.
        r.load({}, base="live", delete=[("device-del", {"name": "cam"}),
                                        ("profile-del", {"name": "late"})])
        tap.equal(names(r), ({"cam2"}, {"dome"}))


def test_delete_and_add():
    "a device deleted and added again in one transaction"
    with rig() as r:
        r.load()
        live = r.sock.do("txn-begin", base="live")["generation"]
        r.sock.do("device-del", name="cam")
        refused(errno.ENOENT, r.sock.do, "device-del", name="cam")
        r.sock.do("device-set", policy.device_attrs("cam", **CAM2))
        # Its MAC is free for another name now.
        r.sock.do("device-set", policy.device_attrs(
            "cam3", CAM_MAC, ["10.30.0.17"], "dome"))
        r.sock.do("txn-commit", generation=live, revision=2)
        tap.equal(policy.device(r.sock, "cam")["mac"].hex(":"), CAM2["mac"])
        tap.equal(policy.device(r.sock, "cam3")["mac"].hex(":"), CAM_MAC)


def test_swap_macs():
    "two devices trade their MACs in one transaction"
    with rig() as r:
        r.load({**dome(), "devices": {**dome()["devices"], "cam2": CAM2}})
        r.load({"devices": {
            "cam": {**CAM2}, "cam2": dome()["devices"]["cam"]}}, base="live")
        tap.equal(policy.device(r.sock, "cam")["mac"].hex(":"), CAM2["mac"])
        tap.equal(policy.device(r.sock, "cam2")["mac"].hex(":"), CAM_MAC)


def test_abort():
    "abort throws everything away"
    with rig() as r:
        r.load()
        before = policy.state(r.sock)
        r.sock.do("txn-begin", base="empty")
        r.sock.do("profile-set", name="dome", mode="audit", **{"class": 9})
        r.sock.do("txn-abort")
        tap.equal(policy.state(r.sock), before, "state")
        refused(errno.ENOENT, r.sock.do, "txn-abort")


def test_none_open():
    "what needs a transaction says that none is open"
    with rig() as r:
        r.load()
        before = policy.state(r.sock)
        for cmd, attrs in (
                ("profile-set", {"name": "p", "mode": "audit", "class": 1}),
                ("profile-del", {"name": "dome"}),
                ("device-set", policy.device_attrs("d", **CAM2)),
                ("device-del", {"name": "cam"}),
                ("txn-commit", {"generation": 1, "revision": 2}),
                ("txn-abort", {})):
            err = refused(errno.ENOENT, r.sock.do, cmd, attrs)
            tap.true("transaction" in err.text, f"{cmd}: {err.text}")
        tap.equal(policy.state(r.sock), before, "state")


def test_twice():
    "a second begin on the same socket is refused, the first goes on"
    with rig() as r:
        r.sock.do("txn-begin", base="empty")
        r.sock.do_many(policy.requests(dome()))
        refused(errno.EALREADY, r.sock.do, "txn-begin", base="empty")
        r.sock.do("txn-commit", generation=0, revision=1)
        tap.equal(names(r), ({"cam"}, {"dome"}))


def test_other_socket():
    "another socket can neither begin, nor touch, nor end it"
    with rig() as r:
        r.load()
        other = r.open()
        live = r.sock.do("txn-begin", base="live")["generation"]
        refused(errno.EBUSY, other.do, "txn-begin", base="live")
        for cmd, attrs in (
                ("profile-del", {"name": "dome"}),
                ("device-set", policy.device_attrs("d", **CAM2)),
                ("device-del", {"name": "cam"}),
                ("txn-commit", {"generation": live, "revision": 9}),
                ("txn-abort", {})):
            err = None
            try:
                other.do(cmd, attrs)
            except nl.NlError as caught:
                err = caught
            tap.true(err and err.errno in (errno.EBUSY, errno.ENOENT),
                     f"{cmd} from another socket: {err}")
            tap.true(err.text, f"{cmd}: no extack text")
        tap.equal(policy.info(other)["txn"], 1, "txn")
        tap.equal(set(policy.devices(other)), {"cam"}, "dumps work meanwhile")
        r.sock.do("device-set", policy.device_attrs("cam2", **CAM2))
        r.sock.do("txn-commit", generation=live, revision=2)
        other.do("txn-begin", base="live")
        other.do("txn-abort")


def test_closed_socket():
    "closing the socket aborts; another may begin at once"
    with rig() as r:
        r.load()
        before = policy.state(r.sock)
        other = r.open()
        other.do("txn-begin", base="empty")
        other.do("profile-set", name="x", mode="audit", **{"class": 1})
        tap.equal(policy.info(r.sock)["txn"], 1)
        other.close()
        net.wait_for(lambda: policy.info(r.sock)["txn"] == 0,
                     what="the transaction of a closed socket to end")
        tap.equal(policy.state(r.sock), before, "state")
        r.load({"devices": {"cam2": CAM2}}, base="live")


def test_same_port():
    "closing sockets that only share the port number aborts nothing"
    def close_one(protocol, port):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                           protocol) as stranger:
            stranger.bind((port, 0))

    with rig() as r, rig() as elsewhere:
        r.sock.do("txn-begin", base="empty")
        port = r.sock.port
        net.call_in(r.gw, close_one, socket.NETLINK_ROUTE, port)
        if elsewhere.sock.port == port:     # as a rule: it is the process id
            elsewhere.sock.close()
        else:
            net.call_in(elsewhere.gw, close_one, nl.NETLINK_GENERIC, port)
        r.open().close()
        r.sock.do_many(policy.requests(dome()))
        r.sock.do("txn-commit", generation=0, revision=1)


def test_stale_generation():
    "a commit that expects another generation is refused, and can be retried"
    with rig() as r:
        live = r.load()
        before = policy.state(r.sock)
        r.sock.do("txn-begin", base="live")
        r.sock.do("device-set", policy.device_attrs("cam2", **CAM2))
        for wrong in (0, live - 1, live + 1, 0xffffffff):
            if wrong != live:
                refused(errno.ESTALE, r.sock.do, "txn-commit",
                        generation=wrong, revision=9)
        tap.equal(policy.devices(r.sock), before["devices"], "devices")
        tap.equal(policy.info(r.sock)["generation"], live)
        tap.equal(policy.info(r.sock)["txn"], 1, "it is still open")
        r.sock.do("txn-commit", generation=live, revision=9)
        tap.equal(set(policy.devices(r.sock)), {"cam", "cam2"})


def test_revision():
    "a lower revision needs rollback; the same one does not"
    with rig() as r:
        r.load(revision=42)
        before = policy.state(r.sock)
        live = before["info"]["generation"]
        r.sock.do("txn-begin", base="empty")
        refused(errno.ESTALE, r.sock.do, "txn-commit", generation=live,
                revision=41)
        tap.equal(policy.devices(r.sock), before["devices"])
        tap.equal(policy.info(r.sock)["revision"], 42)
        live = r.sock.do("txn-commit", generation=live, revision=42)
        tap.equal(names(r), (set(), set()), "the same revision again")
        r.load(revision=7, rollback=True)
        tap.equal(policy.info(r.sock)["revision"], 7)
        r.load(revision=2**64 - 1)
        tap.equal(policy.info(r.sock)["revision"], 2**64 - 1)
        nl.fails(errno.ESTALE, r.load, revision=1)


def test_digest():
    "the digest belongs to one generation"
    with rig() as r:
        r.load(digest=b"\xaa" * 32)
        tap.equal(policy.info(r.sock)["digest"], b"\xaa" * 32)
        r.load()
        seen = policy.info(r.sock).get("digest", bytes(32))
        tap.equal(seen, bytes(32), "digest of a commit without one")


def test_profile_in_use():
    "a profile goes only when no device uses it"
    with rig() as r:
        r.load()
        r.sock.do("txn-begin", base="live")
        refused(errno.EBUSY, r.sock.do, "profile-del", name="dome")
        r.sock.do("device-del", name="cam")
        r.sock.do("profile-del", name="dome")
        refused(errno.ENOENT, r.sock.do, "device-set",
                policy.device_attrs("cam", **CAM2))
        r.sock.do("txn-abort")
        tap.equal(names(r), ({"cam"}, {"dome"}))


def test_failed_set():
    "a refused replacement leaves what was staged"
    with rig() as r:
        r.load()
        live = r.sock.do("txn-begin", base="live")["generation"]
        r.sock.do("device-set", policy.device_attrs(
            "cam", CAM_MAC, ["10.30.0.99"], "dome"))
        refused(errno.ENOENT, r.sock.do, "device-set", policy.device_attrs(
            "cam", CAM_MAC, ["10.30.0.11"], "ghost"))
        refused(errno.EINVAL, r.sock.do, "profile-set", name="dome",
                mode="audit", rule=[policy.connects("10.0.0.1", "tcp", (2, 1))],
                **{"class": 1})
        r.sock.do("txn-commit", generation=live, revision=2)
        tap.equal([policy.prefix_text(a) for a in
                   policy.device(r.sock, "cam")["address"]], ["10.30.0.99"])
        dome_now = policy.profiles(r.sock)["dome"]
        tap.equal((dome_now["mode"], len(dome_now["rule"])), ("enforce", 1))


def duplicate(first, second):
    """Two devices that one frame could mean: refused, both named."""
    with rig() as r:
        r.load()
        before = policy.state(r.sock)
        text = {"profiles": {"dome": {}},
                "devices": {"first": {"profile": "dome", **first},
                            "second": {"profile": "dome", **second}}}
        err = refused(errno.EEXIST, r.load, text)
        tap.true("first" in err.text and "second" in err.text,
                 f"the text names not both: {err.text}")
        tap.equal(policy.state(r.sock), before, "state")


def distinct(first, second):
    """Two devices that no frame could mean both."""
    with rig() as r:
        r.load({"profiles": {"dome": {}},
                "devices": {"first": {"profile": "dome", **first},
                            "second": {"profile": "dome", **second}}})
        tap.equal(set(policy.devices(r.sock)), {"first", "second"})


MAC = {"mac": CAM_MAC, "addresses": ["10.0.0.1"]}
OTHER = {"addresses": ["10.0.0.2"]}


def test_duplicate_mac():
    "the same MAC twice on any guard"
    duplicate(MAC, {**MAC, **OTHER})


def test_duplicate_mac_guard():
    "the same MAC twice on one guard"
    duplicate({**MAC, "guard": "g"}, {**MAC, **OTHER, "guard": "g"})


def test_duplicate_mac_any():
    "the same MAC on one guard and on any guard"
    duplicate({**MAC, "guard": "g"}, {**MAC, **OTHER})


def test_duplicate_address():
    "the same address twice, of devices without a MAC"
    duplicate({"addresses": ["10.0.0.1", "10.0.0.9"]},
              {"addresses": ["10.0.0.8", "10.0.0.9"]})


def test_duplicate_address6():
    "the same IPv6 address twice, of devices without a MAC"
    duplicate({"addresses": ["fd00::1"]}, {"addresses": ["fd00::1"]})


def test_distinct_guards():
    "the same MAC, or address, on two guards is two devices"
    distinct({**MAC, "guard": "g"}, {**MAC, "guard": "h"})
    distinct({"addresses": ["10.0.0.1"], "guard": "g"},
             {"addresses": ["10.0.0.1"], "guard": "h"})


def test_distinct_addresses():
    "MACs may share an address: redundant interfaces do"
    distinct(MAC, {"mac": CAM2["mac"], "addresses": MAC["addresses"]})


def test_shared_rules():
    "profiles that permit the same are stored once"
    rules = [policy.connects("10.20.0.10", "udp", 123),
             policy.serves("10.20.0.10", "tcp", 554),
             policy.connects("fd00::/64", "tcp", (80, 90))]
    with rig() as r:
        r.load({"profiles": {
            "a": {"class": 1, "rules": rules},
            "b": {"class": 2, "mode": "audit", "rules": rules[::-1]},
            "c": {"class": 1, "rules": rules + rules[:1]},
            "d": {"rules": rules[:2]}}})
        info = policy.info(r.sock)
        tap.equal((info["profiles"], info["rulesets"]), (4, 2))
        tap.equal(info["rules"], 5, "rules in distinct lists")
        # One goes its own way, and comes back.
        r.load({"profiles": {"b": {"rules": rules[1:]}}}, base="live")
        tap.equal(policy.info(r.sock)["rulesets"], 3)
        r.load({"profiles": {"b": {"rules": rules}}}, base="live")
        tap.equal(policy.info(r.sock)["rulesets"], 2)


def test_tag():
    "the tag changes only while no guard exists"
    with rig() as r:
        r.sock.do("tag-set", value=0x5d000000, mask=0xff000000,
                  class_mask=0xf)
        info = policy.info(r.sock)
        tap.equal((info["tag_value"], info["tag_mask"], info["class_mask"]),
                  (0x5d000000, 0xff000000, 0xf))
        policy.guard(r.sock, "g", "nonesuch")
        before = policy.state(r.sock)
        refused(errno.EBUSY, r.sock.do, "tag-set", value=0x4c000000,
                mask=0xff000000, class_mask=0xff)
        r.sock.do("tag-set", value=0x5d000000, mask=0xff000000,
                  class_mask=0xf)
        tap.equal(policy.state(r.sock), before, "state")
        policy.unguard(r.sock, "g")
        r.sock.do("tag-set", value=0x4c000000, mask=0xff000000,
                  class_mask=0xff)


def test_tag_class():
    "the class mask cannot shrink below a class in use"
    with rig() as r:
        r.load({"profiles": {"p": {"class": 0xff}}})
        before = policy.state(r.sock)
        narrow = {"value": 0x4c000000, "mask": 0xff000000, "class_mask": 0xf}
        err = None
        try:
            r.sock.do("tag-set", narrow)
        except nl.NlError as caught:
            err = caught
        tap.true(err and err.errno in (errno.EBUSY, errno.EINVAL),
                 f"narrower mask: {err}")
        tap.equal(policy.state(r.sock), before, "state")
        r.load({"profiles": {"p": {"class": 0xf}}})
        # Staged, then the mask shrinks, then commit: one of them fails.
        live = r.sock.do("txn-begin", base="live")["generation"]
        r.sock.do("profile-set", name="q", mode="enforce", **{"class": 0x1f})
        try:
            r.open().do("tag-set", narrow)
            r.sock.do("txn-commit", generation=live, revision=9)
        except nl.NlError as caught:
            tap.true(caught.errno in (errno.EBUSY, errno.EINVAL),
                     str(caught))
        mask = policy.info(r.sock)["class_mask"]
        classes = [p["class"] for p in policy.profiles(r.sock).values()]
        tap.true(not any(c & ~mask for c in classes),
                 f"live classes {classes} outside {mask:#x}")


def test_tag_default():
    "the tag's defaults are the documented ones"
    with rig() as r:
        info = policy.info(r.sock)
        tap.equal((info["tag_value"], info["tag_mask"], info["class_mask"]),
                  (policy.TAG_VALUE, policy.TAG_MASK, policy.CLASS_MASK))


def test_namespaces():
    "two namespaces have two policies and two transactions"
    with rig() as a, rig() as b:
        a.load(revision=5)
        a.sock.do("txn-begin", base="live")
        b.load({}, revision=3)
        tap.equal(policy.info(a.sock)["revision"], 5)
        tap.equal(policy.info(b.sock)["revision"], 3)
        tap.equal(names(b), (set(), set()))
        a.sock.do("txn-abort")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
