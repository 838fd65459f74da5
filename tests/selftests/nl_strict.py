#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every attribute is checked, every refusal explains itself, nothing changes.

Each case is one malformed request. It must be refused with an extack text,
and leave the live state and an open transaction as they were.
"""

import errno
import itertools

from lib import nl, policy, tap
from lib.rig import Rig, dome

V4, V6 = bytes([10, 0, 0, 1]), bytes.fromhex("fd" + "00" * 14 + "01")

# A complete, acceptable request of each operation that takes attributes.
GOOD = {
    "tag-set": {"value": 0x4c000000, "mask": 0xff000000, "class_mask": 0xff},
    "guard-set": {"name": "new", "ifname": "new0", "vlan": 30,
                  "identity": "mac", "mode": "enforce", "upkeep": 0x3f,
                  "subnet": [{"address": V4[:3] + b"\0", "length": 24}]},
    "guard-del": {"name": "cams"},
    "txn-begin": {"base": "live"},
    "txn-commit": {"generation": 1, "revision": 2, "digest": bytes(32),
                   "rollback": True},
    "profile-set": {"name": "new", "mode": "enforce", "class": 1,
                    "rule": [policy.connects("10.0.0.0/8", "udp", (1, 5),
                                             (7, 9))]},
    "profile-del": {"name": "spare"},
    "device-set": {"name": "new", "guard": "cams", "mac": b"\x02" * 6,
                   "address": [{"address": V4, "length": 32}],
                   "profile": "dome"},
    "device-del": {"name": "cam"},
    "device-get": {"name": "cam"},
    "capture-set": {"guard": "cams", "device": "cam", "mac": b"\x02" * 6,
                    "reason": "destination", "group": 5, "snaplen": 96,
                    "rate": 10, "link": True},
    "capture-del": {"id": 1},
}
# What of it may be left out.
OPTIONAL = {
    "guard-set": {"vlan", "identity", "mode", "upkeep", "subnet"},
    "txn-commit": {"digest", "rollback"},
    "profile-set": {"rule"},
    "device-set": {"guard", "mac"},
    "capture-set": {"guard", "device", "mac", "reason", "snaplen", "rate",
                    "link"},
}
MALFORMED = (errno.EINVAL, errno.ERANGE)


def start():
    """A rig with a live policy worth comparing."""
    r = Rig(link=False)
    text = dome()
    text["profiles"]["spare"] = {"class": 2, "mode": "quarantine"}
    text["devices"]["other"] = {"mac": "02:00:5e:10:00:18", "profile": "dome",
                                "addresses": ["10.30.0.18", "fd00:30::/64"]}
    r.arm(ifname="nonesuch", state="waiting", vlan=30,
          subnets=["10.30.0.0/24"])
    r.load(text)
    return r


def attribute_cases(spec, op, good):
    """(label, body) of requests with one attribute gone wrong."""
    aset = op.attrs
    name = op.name.replace("_", "-")

    def body(attr_name, value):
        return spec.encode(aset, {**good, attr_name: value})

    for attr_name in good:
        attr = spec.attr(aset, attr_name)
        here = f"{name} {attr_name}"
        if attr_name not in OPTIONAL.get(name, ()):
            yield f"{here} missing", spec.encode(
                aset, {k: v for k, v in good.items() if k != attr_name})
        if attr.type in ("u8", "u16", "u32", "u64"):
            right = int(attr.type[1:]) // 8
            for size in {0, right - 1, right + 1, right * 2} - {right}:
                yield f"{here} of {size} bytes", body(attr_name, bytes(size))
            yield from range_cases(spec, attr, here, body, attr_name)
        elif attr.type == "string":
            yield f"{here} empty", body(attr_name, b"\0")
            yield f"{here} of no bytes", body(attr_name, b"")
            yield f"{here} with a NUL inside", body(attr_name, b"a\0b\0")
            limit = attr.raw["checks"]["max-len"]
            limit = spec.consts.get(str(limit).replace("-", "_"), limit)
            yield f"{here} too long", body(attr_name,
                                           b"x" * (limit + 1) + b"\0")
            yield f"{here} much too long", body(attr_name, b"x" * 5000 + b"\0")
            yield f"{here} unterminated", body(attr_name, b"x" * (limit + 1))
            yield f"{here} with a space", body(attr_name, b"a b\0")
            yield f"{here} with a newline", body(attr_name, b"a\nb\0")
        elif attr.type == "flag":
            yield f"{here} with a value", body(attr_name, b"\1\0\0\0")
        elif attr.type == "binary":
            right = len(good[attr_name])
            for size in (0, right - 1, right + 1, 200):
                yield f"{here} of {size} bytes", body(attr_name, bytes(size))
        elif attr.nested:
            yield from nest_cases(spec, attr, here, good, aset, attr_name)


def range_cases(spec, attr, here, body, attr_name):
    """Values out of the range that the spec gives."""
    checks = attr.raw.get("checks", {})
    if "max" in checks:
        top = (1 << int(attr.type[1:])) - 1
        for value in {checks["max"] + 1, top}:
            yield f"{here} {value}", body(attr_name, value)
    if "min" in checks:
        yield f"{here} {checks['min'] - 1}", body(attr_name,
                                                  checks["min"] - 1)
    if "flags-mask" in checks:
        beyond = sum(spec.flags[checks["flags-mask"]].values()) + 1
        yield f"{here} 0x{beyond:x}", body(attr_name, beyond)
        yield f"{here} 0xffffffff", body(attr_name, 0xffffffff)


def nest_cases(spec, attr, here, good, aset, attr_name):
    """A nest that is garbage, cut, empty, not marked, or wrong inside."""
    rest = spec.encode(aset, {k: v for k, v in good.items()
                              if k != attr_name})
    inner = dict(good[attr_name][0])
    whole = spec.encode(attr.nested, inner)
    nested = attr.number | nl.NLA_F_NESTED

    def case(payload, number=nested, length=None):
        return rest + nl.attr(number, payload, length)

    yield f"{here} empty", case(b"")
    yield f"{here} not marked as a nest", case(whole, attr.number)
    yield f"{here} garbage", case(b"\xff" * 37)
    yield f"{here} cut short", case(whole[:-4])
    yield f"{here} inner length 3", case(nl.attr(1, b"", 3) + whole)
    yield f"{here} inner length beyond", case(whole + nl.attr(1, b"1234", 99))
    yield f"{here} outer length beyond", case(whole, nested, len(whole) + 40)
    yield f"{here} unknown inside", case(whole + nl.attr(77, b"1234"))
    yield f"{here} leftover inside", case(whole + b"\1\2")
    deep = whole
    for _ in range(200):
        deep = nl.attr(1 | nl.NLA_F_NESTED, deep)
    yield f"{here} 200 nests deep", case(deep)

    for key in inner:
        known = spec.attr(attr.nested, key)

        def with_inner(value, key=key):
            return case(spec.encode(attr.nested, {**inner, key: value}))
        if known.type == "binary":
            yield f"{here} without {key}", case(spec.encode(
                attr.nested, {k: v for k, v in inner.items() if k != key}))
            for size in (0, 3, 5, 15, 17, 64):
                yield f"{here} {key} of {size} bytes", with_inner(bytes(size))
        elif known.type in ("u8", "u16"):
            right = int(known.type[1:]) // 8
            for size in {0, right - 1, right + 1, 8}:
                yield f"{here} {key} of {size} bytes", with_inner(bytes(size))
        if key == "length":
            yield f"{here} IPv4 length 33", with_inner(33)
            yield f"{here} length 129", with_inner(129)
            yield f"{here} length 255", with_inner(255)
    yield f"{here} IPv6 length 129", case(spec.encode(
        attr.nested, {**inner, "address": V6, "length": 129}))


def check(r, cases, codes=MALFORMED):
    """Send every case; collect what was not refused properly."""
    wrong = []
    number = 0
    for number, (label, cmd, body) in enumerate(cases, 1):
        try:
            r.sock.raw(cmd, body)
        except nl.NlError as err:
            if err.errno not in codes:
                wrong.append(f"{label}: {err}")
            elif not err.text:
                wrong.append(f"{label}: refused without a text ({err})")
        else:
            wrong.append(f"{label}: accepted")
    tap.diag(f"{number} malformed requests")
    tap.true(number, "no cases")
    if wrong:
        raise AssertionError(f"{len(wrong)} of {number} cases:\n" +
                             "\n".join(wrong))


def compare(failures, seen, wanted, what):
    """Collect, so that the cases are shown as well as what they did."""
    try:
        tap.equal(seen, wanted, what)
    except AssertionError as err:
        failures.append(str(err))


def collect(r, cases, codes):
    """check(), its failure in a list."""
    try:
        check(r, cases(r), codes)
    except AssertionError as err:
        return [str(err)]
    return []


def in_transaction(cases, codes=MALFORMED):
    """check() in an open transaction; neither it nor the live state change."""
    with start() as r:
        before = policy.state(r.sock)
        live = r.sock.do("txn-begin", base="live")["generation"]
        during = policy.state(r.sock)
        failures = collect(r, cases, codes)
        compare(failures, policy.state(r.sock), during, "live state")
        if not failures:
            r.sock.do("txn-commit", generation=live,
                      revision=before["info"]["revision"])
            after = policy.state(r.sock)
            for key in ("guards", "devices", "profiles"):
                compare(failures, after[key], before[key], f"staged {key}")
        tap.true(not failures, "\n".join(failures))


def outside(cases, codes=MALFORMED):
    """check() without a transaction."""
    with start() as r:
        before = policy.state(r.sock)
        failures = collect(r, cases, codes)
        compare(failures, policy.state(r.sock), before, "state")
        tap.true(not failures, "\n".join(failures))


def cases_of(*names):
    """Attribute cases of some operations."""
    def cases(r):
        for name in names:
            for label, body in attribute_cases(
                    r.sock.spec, r.sock.spec.op(name), GOOD[name]):
                yield label, name, body
    return cases


def test_tag_set():
    "attributes of tag-set"
    outside(cases_of("tag-set"))


def test_guard_set():
    "attributes of guard-set"
    outside(cases_of("guard-set"))


def test_guard_del():
    "attributes of guard-del"
    outside(cases_of("guard-del"))


def test_capture():
    "attributes of capture-set and capture-del"
    outside(cases_of("capture-set", "capture-del"))


def test_txn_begin():
    "attributes of txn-begin"
    outside(cases_of("txn-begin"))


def test_txn_commit():
    "attributes of txn-commit"
    in_transaction(cases_of("txn-commit"))


def test_profile_set():
    "attributes of profile-set and its rules"
    in_transaction(cases_of("profile-set"))


def test_device_set():
    "attributes of device-set and its addresses"
    in_transaction(cases_of("device-set"))


def test_names():
    "attributes of profile-del, device-del and device-get"
    in_transaction(cases_of("profile-del", "device-del", "device-get"))


def test_foreign():
    "attributes that an operation does not take, or nobody knows"
    def cases(r):
        spec = r.sock.spec
        for op in spec.ops.values():
            if "do" not in op.raw:
                continue
            name = op.name.replace("_", "-")
            good = spec.encode(op.attrs, GOOD.get(name, {}))
            taken = {n.replace("-", "_") for n in
                     op.raw["do"].get("request", {}).get("attributes", ())}
            for attr in spec.sets[op.attrs].values():
                if attr.name in taken:
                    continue
                size = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}.get(
                    attr.type, 4)
                nested = nl.NLA_F_NESTED if attr.nested else 0
                yield (f"{name} with {attr.name}", name,
                       good + nl.attr(attr.number | nested, bytes(size)))
            top = max(spec.numbers[op.attrs])
            for number in (top + 1, 99, 0x3fff):
                yield (f"{name} with unknown {number}", name,
                       good + nl.attr(number, b"abcd"))
            yield f"{name} with leftover", name, good + b"\7\0\0"
            yield (f"{name} with attribute of length 2", name,
                   nl.attr(1, b"", 2) + good)
    in_transaction(cases, (errno.EINVAL, errno.ERANGE, errno.EALREADY))


def test_foreign_dumps():
    "dumps take no attributes, record-get only a table"
    with start() as r:
        before = policy.state(r.sock)
        wrong = []
        spec = r.sock.spec
        for name, number in itertools.product(
                ("guard-get", "profile-get", "device-get", "record-get"),
                (60, 0x3fff)):
            try:
                r.sock.raw(name, nl.attr(number, b"abcd"),
                           nl.NLM_F_REQUEST | nl.NLM_F_DUMP)
                wrong.append(f"{name} with unknown {number}: accepted")
            except nl.NlError as err:
                if err.errno not in MALFORMED or not err.text:
                    wrong.append(f"{name} with unknown {number}: {err}")
        for label, body in (("record-get without table", b""),
                            ("record-get table 2",
                             spec.encode("record", {"table": 2})),
                            ("record-get table of 2 bytes",
                             spec.encode("record", {"table": b"\0\0"}))):
            try:
                r.sock.raw("record-get", body,
                           nl.NLM_F_REQUEST | nl.NLM_F_DUMP)
                wrong.append(f"{label}: accepted")
            except nl.NlError as err:
                if err.errno not in MALFORMED or not err.text:
                    wrong.append(f"{label}: {err}")
        tap.equal(policy.state(r.sock), before, "state")
        tap.equal(wrong, [])


def test_tag_meaning():
    "tag masks that overlap, a value outside, a class mask with a hole"
    def cases(r):
        for label, value, mask, class_mask in (
                ("value outside its mask", 0x4c000001, 0xff000000, 0xff),
                ("masks that overlap", 0x4c000000, 0xff0000ff, 0xff),
                ("class mask with a hole", 0x4c000000, 0xff000000, 0xf7),
                ("class mask that does not start at bit 0", 0x4c000000,
                 0xff000000, 0xf0),
                ("no mask", 0, 0, 0xff),
                ("value 0", 0, 0xff000000, 0xff)):
            yield label, "tag-set", r.sock.encode("tag-set", {
                "value": value, "mask": mask, "class_mask": class_mask})

    with start() as r:
        policy.unguard(r.sock)
        before = policy.state(r.sock)
        check(r, cases(r), (errno.EINVAL,))
        tap.equal(policy.state(r.sock), before, "state")


def test_rule_meaning():
    "rules whose ranges or protocol make no sense"
    def cases(r):
        rules = {
            "peer ports the wrong way round":
                policy.connects("10.0.0.1", "tcp", (9, 8)),
            "device ports the wrong way round":
                policy.connects("10.0.0.1", "tcp", None, (9, 8)),
            "ports with protocol gre":
                policy.connects("10.0.0.1", "gre", (1, 2)),
            "ports with any protocol":
                policy.connects("10.0.0.1", None, (1, 2)),
            "device ports with any protocol":
                policy.connects("10.0.0.1", None, None, (1, 2)),
            "device ports with icmp":
                policy.connects("10.0.0.1", "icmp", None, (1, 2)),
            "icmp type 256":
                policy.connects("10.0.0.1", "icmp", (8, 256)),
            "icmp over IPv6":
                policy.connects("fd00::1", "icmp", 8),
            "icmpv6 over IPv4":
                policy.connects("10.0.0.1", "icmpv6", 128),
            "address bits behind the prefix":
                policy.connects("10.0.0.1/24", "tcp", 80),
        }
        for label, rule in rules.items():
            yield label, "profile-set", r.sock.encode("profile-set", {
                "name": "new", "mode": "enforce", "class": 1,
                "rule": [policy.connects("10.0.0.9", "udp", 1), rule]})
    in_transaction(cases)


def test_device_meaning():
    "devices that no frame could be, or that are everybody"
    def cases(r):
        mac = "02:00:00:00:00:77"
        for label, attrs in {
                "no address": policy.device_attrs("new", mac, [], "dome"),
                "no MAC and a prefix": policy.device_attrs(
                    "new", None, ["10.0.0.0/24"], "dome"),
                "multicast MAC": policy.device_attrs(
                    "new", "01:00:5e:00:00:01", ["10.0.0.1"], "dome"),
                "broadcast MAC": policy.device_attrs(
                    "new", "ff:ff:ff:ff:ff:ff", ["10.0.0.1"], "dome"),
                "zero MAC": policy.device_attrs(
                    "new", bytes(6), ["10.0.0.1"], "dome"),
                "address bits behind the prefix": policy.device_attrs(
                    "new", mac, ["10.0.0.1/24"], "dome"),
                "the same address twice": policy.device_attrs(
                    "new", mac, ["10.0.0.1", "10.0.0.1"], "dome"),
        }.items():
            yield label, "device-set", r.sock.encode("device-set", attrs)
    in_transaction(cases, (errno.EINVAL, errno.EEXIST))


def test_class():
    "a class that the class mask does not hold"
    with start() as r:
        before = policy.state(r.sock)
        r.sock.do("txn-begin", base="live")
        err = nl.fails(errno.EINVAL, r.sock.do, "profile-set", name="new",
                       mode="enforce", **{"class": 0x100})
        tap.true(err.text, "no extack text")
        r.sock.do("profile-set", name="new", mode="enforce",
                  **{"class": 0xff})
        r.sock.do("txn-abort")
        tap.equal(policy.state(r.sock), before, "state")


def test_unknown_names():
    "names that nothing has"
    with start() as r:
        before = policy.state(r.sock)
        for cmd in ("guard-del", "device-get"):
            err = nl.fails(errno.ENOENT, r.sock.do, cmd, name="ghost")
            tap.true(err.text, f"{cmd}: no extack text")
        r.sock.do("txn-begin", base="live")
        for cmd in ("profile-del", "device-del"):
            err = nl.fails(errno.ENOENT, r.sock.do, cmd, name="ghost")
            tap.true(err.text, f"{cmd}: no extack text")
        err = nl.fails(errno.ENOENT, r.sock.do, "device-set",
                       policy.device_attrs("new", "02:00:00:00:00:01",
                                           ["10.9.9.9"], "ghost"))
        tap.true(err.text, "device-set: no extack text")
        r.sock.do("txn-abort")
        tap.equal(policy.state(r.sock), before, "state")


def test_headers():
    "unknown commands, no command, events as requests, cut headers"
    with start() as r:
        before = policy.state(r.sock)
        top = max(r.sock.spec.op_numbers)
        for number in (0, 18, top + 1, top + 2, 255):
            nl.fails(errno.EOPNOTSUPP, r.sock.raw, number)
        for cmd in ("guard-get", "profile-get", "record-get"):
            nl.fails(errno.EOPNOTSUPP, r.sock.raw, cmd)     # not dumps
        for cmd in ("info-get", "guard-set", "txn-begin"):
            nl.fails(errno.EOPNOTSUPP, r.sock.raw, cmd, b"",
                     nl.NLM_F_REQUEST | nl.NLM_F_DUMP)
        # Shorter than its own headers: dropped or refused, never taken.
        message = r.sock.message("info-get")
        for size in range(0, 20):
            r.sock.send(message[:size] or b"\0")
            cut = size.to_bytes(4, "little") + message[4:]
            r.sock.send(cut)
        tap.equal(policy.state(r.sock), before, "state")


def test_good():
    "the requests that the cases are made from are fine themselves"
    with start() as r:
        r.sock.do("guard-set", GOOD["guard-set"])
        r.sock.do("guard-del", name="new")
        r.sock.do("tag-set", GOOD["tag-set"])   # equal: nothing to refuse
        r.sock.do("capture-del", r.sock.do("capture-set",
                                           GOOD["capture-set"]))
        live = r.sock.do("txn-begin", GOOD["txn-begin"])["generation"]
        r.sock.do("profile-set", GOOD["profile-set"])
        r.sock.do("profile-set", {"name": "nothing", "mode": "enforce",
                                  "class": 0})
        r.sock.do("device-set", GOOD["device-set"])
        r.sock.do("device-del", GOOD["device-del"])
        r.sock.do("profile-del", GOOD["profile-del"])
        r.sock.do("txn-commit", {**GOOD["txn-commit"], "generation": live})
        tap.equal(set(policy.devices(r.sock)), {"new", "other"}, "devices")
        tap.equal(policy.device(r.sock, "new")["mac"], b"\x02" * 6)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module])
