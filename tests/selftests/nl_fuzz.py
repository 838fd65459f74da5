#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Random mutations of valid messages: no crash, no change with an error.

LENSCAP_SEED repeats a run, LENSCAP_ROUNDS says how many batches there are.
"""

import errno
import os
import random
import struct

from lib import net, nl, policy, tap
from lib.rig import Rig, dome
from lib.user import Child, drop_privileges

SEED = int(os.environ.get("LENSCAP_SEED", "0")) or random.getrandbits(32)
ROUNDS = int(os.environ.get("LENSCAP_ROUNDS", "25"))
BATCH = 80
SENTINEL = 0xfffffff0

REQUESTS = (
    ("tag-set", {"value": 0x4c000000, "mask": 0xff000000,
                 "class_mask": 0xff}),
    ("guard-set", {"name": "cams", "ifname": "nonesuch", "vlan": 30,
                   "identity": "mac", "mode": "enforce", "upkeep": 0x3f,
                   "subnet": [{"address": b"\x0a\x1e\0\0", "length": 24},
                              {"address": bytes(16), "length": 0}]}),
    ("guard-del", {"name": "ghost"}),
    ("txn-commit", {"generation": 0xffff, "revision": 9, "digest": bytes(32),
                    "rollback": True}),
    ("profile-set", {"name": "spare", "mode": "audit", "class": 3, "rule": [
        policy.connects("10.0.0.0/8", "tcp", (80, 90), (1, 2)),
        policy.serves("fd00::/64", "icmpv6", 128),
        policy.connects("10.9.0.0/16")]}),
    ("profile-del", {"name": "dome"}),
    ("device-set", {"name": "extra", "guard": "cams", "mac": b"\2" * 6,
                    "address": [{"address": b"\x0a\0\0\1"},
                                {"address": bytes(15) + b"\1",
                                 "length": 128}], "profile": "dome"}),
    ("device-del", {"name": "ghost"}),
    ("device-get", {"name": "cam"}),
    ("record-rotate", {}),
    ("info-get", {}),
)
DUMPS = (("guard-get", {}), ("profile-get", {}), ("device-get", {}),
         ("record-get", {"table": "active"}))
INTERESTING = (0, 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 31, 32, 33, 63, 64,
               127, 128, 129, 254, 255)


def original(rand, sock):
    """A valid message and where its attributes start."""
    if rand.random() < 0.15:
        cmd, attrs = rand.choice(DUMPS)
        flags = nl.NLM_F_REQUEST | nl.NLM_F_DUMP
    else:
        cmd, attrs = rand.choice(REQUESTS)
        flags = nl.NLM_F_REQUEST | nl.NLM_F_ACK
    return bytearray(sock.message(cmd, sock.encode(cmd, attrs), flags,
                                  seq=rand.getrandbits(31)))


def mutate(rand, sock):
    """A valid message with a few things gone wrong.

    Type, sequence and length (as a rule) stay: the family is what is tried.
    """
    data = original(rand, sock)
    for _ in range(rand.choice((1, 1, 1, 2, 3, 8))):
        pos = rand.randrange(16, len(data))
        kind = rand.randrange(8)
        if kind == 0:
            data[pos] ^= 1 << rand.randrange(8)
        elif kind == 1:
            data[pos] = rand.choice(INTERESTING)
        elif kind == 2:         # cut
            del data[max(pos & ~3, 20):]
        elif kind == 3:         # double a piece
            end = min(len(data), pos + rand.choice((4, 8, 16, 40, 200)))
            data[end:end] = data[pos:end]
        elif kind == 4:         # lose a piece
            del data[max(pos, 20):pos + rand.choice((1, 2, 4, 8, 20))]
        elif kind == 5:         # an attribute header of any kind
            at = 20 + ((pos - 16) & ~3)
            data[at:at + 4] = (rand.choice(INTERESTING).to_bytes(2, "little")
                               + (rand.choice(INTERESTING) |
                                  rand.choice((0, 0x8000, 0x4000))
                                  ).to_bytes(2, "little"))
        elif kind == 6:         # junk at the end
            data += rand.randbytes(rand.choice((1, 4, 60, 3000)))
        else:                   # one command's body for another
            data[16] = rand.randrange(0, 24)
    if len(data) < 20:
        data += bytes(20 - len(data))
    data[0:4] = len(data).to_bytes(4, "little")
    if rand.random() < 0.05:    # a length that lies
        data[0:4] = rand.choice((0, 15, 16, 19, len(data) - 1, len(data) + 4,
                                 0xffffffff)).to_bytes(4, "little")
    if rand.random() < 0.05:
        data[6:8] = (rand.getrandbits(16) | 1).to_bytes(2, "little")
    return bytes(data)


def answers(sock, payload):
    """Whether this answers a request to the family.

    A length that lies makes netlink itself read a header out of an attribute, and
    acknowledge what says that it is no request, or a control message.
    """
    _, kind, flags = struct.unpack_from("=IHH", payload, 4)
    return kind == sock.family_id and flags & nl.NLM_F_REQUEST


def send(sock, data):
    """Send it and a harmless request; errnos of the first, [] for none."""
    sock.send(data)
    sock.send(sock.message("info-get", seq=SENTINEL))
    codes = []
    while True:
        for kind, _, seq, payload in sock.recv():
            if kind not in (nl.NLMSG_ERROR, nl.NLMSG_DONE):
                continue
            code = -int.from_bytes(payload[:4], "little", signed=True)
            if seq == SENTINEL:
                return codes
            if kind == nl.NLMSG_DONE or answers(sock, payload):
                codes.append(code)


def baseline(r):
    """The state to start from, again and again."""
    text = dome()
    text["profiles"]["spare"] = {"class": 2, "mode": "quarantine"}
    text["devices"]["other"] = {"mac": "02:00:5e:10:00:18",
                                "addresses": ["10.30.0.18", "fd00::/64"],
                                "profile": "dome"}
    policy.unguard(r.sock)
    r.sock.do("tag-set", value=policy.TAG_VALUE, mask=policy.TAG_MASK,
              class_mask=policy.CLASS_MASK)
    r.arm(ifname="nonesuch", state="waiting", vlan=30)
    r.load(text)


def state(r):
    """What must not change with an error: rotation is no change."""
    return policy.state(r.sock)


def refused(codes):
    """Whether answers say that nothing was taken."""
    return bool(codes) and all(codes)


def test_unprivileged():
    "from an unprivileged user: nothing is ever taken"
    def child(put, _get):
        net.setns(r.gw.path)
        drop_privileges()
        rand = random.Random(SEED)
        sock = nl.Genl()
        seen = {}
        for _ in range(ROUNDS * BATCH):
            sock.send(mutate(rand, sock))
            sock.send(sock.message("info-get", seq=SENTINEL))
            done = False
            while not done:
                for kind, _, seq, payload in sock.recv():
                    if kind == nl.NLMSG_ERROR:
                        code = -int.from_bytes(payload[:4], "little",
                                               signed=True)
                        if answers(sock, payload):
                            seen[code] = seen.get(code, 0) + 1
                        done = done or seq == SENTINEL
                    else:
                        seen["answers"] = seen.get("answers", 0) + 1
        put(seen)

    tap.diag(f"seed {SEED}")
    with Rig(link=False) as r:
        baseline(r)
        before = state(r)
        with Child(child) as other:
            seen = other.get()
        tap.diag({errno.errorcode.get(k, k): v for k, v in seen.items()})
        tap.true(0 not in seen, "something was acknowledged")
        tap.true("answers" not in seen, "something was answered")
        tap.true(seen.get(errno.EPERM, 0) >= ROUNDS * BATCH, "few EPERM")
        tap.equal(state(r), before, "state")


def privileged(in_txn, seed):
    """Batches on root's socket, in a transaction or not."""
    tap.diag(f"seed {SEED}")
    rand = random.Random(seed)
    counts = {"refused": 0, "taken": 0}
    with Rig(link=False) as r:
        fuzz = r.open()
        harmless = {fuzz.spec.op(n).number for n in (
            "info-get", "device-get", "guard-get", "profile-get",
            "record-get", "record-rotate", "capture-set", "capture-del",
            "capture-get")}
        for _ in range(ROUNDS):
            baseline(r)
            before = state(r)
            live = before["info"]["generation"]
            if in_txn:
                fuzz.do("txn-begin", base="live")
            taken = []
            for _ in range(BATCH):
                data = mutate(rand, fuzz)
                codes = send(fuzz, data)
                if refused(codes):
                    counts["refused"] += 1
                    continue
                counts["taken"] += 1
                if data[16] not in harmless:
                    taken.append(data)
            if in_txn:
                try:
                    fuzz.do("txn-commit", generation=live,
                            revision=before["info"]["revision"])
                except nl.NlError as err:
                    tap.true(taken, f"commit of an untouched copy: {err}")
                    try:
                        fuzz.do("txn-abort")
                    except nl.NlError:
                        pass        # a mutation ended it
            elif taken:
                try:
                    fuzz.do("txn-abort")
                except nl.NlError:
                    pass
            if not taken:
                after = state(r)
                for key in ("guards", "devices", "profiles"):
                    tap.equal(after[key], before[key], key)
                if not in_txn:
                    tap.equal(after, before, "state")
        tap.diag(counts)
        tap.true(counts["refused"] > ROUNDS * BATCH // 4, "few were refused")
        baseline(r)
        policy.unguard(r.sock)


def test_privileged():
    "from root, without a transaction"
    privileged(False, SEED + 1)


def test_transaction():
    "from root, in a transaction"
    privileged(True, SEED + 2)


def test_single():
    "from root, one at a time: each refusal leaves all dumps as they were"
    rand = random.Random(SEED + 3)
    checked = 0
    with Rig(link=False) as r:
        fuzz = r.open()
        baseline(r)
        before = state(r)
        for _ in range(ROUNDS * 8):
            data = mutate(rand, fuzz)
            codes = send(fuzz, data)
            after = state(r)
            if refused(codes):
                tap.equal(after, before, f"state after {data.hex()}")
                checked += 1
            elif after != before:
                try:
                    fuzz.do("txn-abort")
                except nl.NlError:
                    pass
                baseline(r)
                before = state(r)
        tap.true(checked > ROUNDS, f"only {checked} refusals")
        policy.unguard(r.sock)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
