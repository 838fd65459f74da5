# SPDX-License-Identifier: GPL-2.0-only
"""A small generic netlink client that is driven by the YAML spec.

    with nl.Genl(netns=gw) as sock:         # family lenscap, its own socket
        sock.do("txn-begin", base="empty")
        sock.do("device-set", name="cam", mac=mac,
                address=[{"address": bytes(4)}], profile="p")
        rows = sock.dump("device-get")      # sock.interrupted: DUMP_INTR

Names of operations and attributes are those of the spec; dashes and
underscores are the same. Decoded attributes have underscores; repeated ones
are lists, enumerations their names ("no_policy"), flags True, binary bytes. A
refusal raises NlError with errno and the kernel's extack text. For malformed
input, build a message from message(), attr() and encode() and send it with
raw(). do_many() sends thousands of requests cheaply.
"""

import errno
import functools
import os
import select
import socket
import struct
import time

import yaml

from . import net

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11
NETLINK_GET_STRICT_CHK = 12
SO_RCVBUFFORCE = 33
SO_SNDBUFFORCE = 32

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR = 1, 2, 4, 0x10
NLM_F_DUMP = 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3fff

_SCALARS = {"u8": "=B", "u16": "=H", "u32": "=I", "u64": "=Q",
            "s8": "=b", "s16": "=h", "s32": "=i", "s64": "=q"}

_HEAD = struct.Struct("=HH").unpack_from

_HERE = os.path.dirname(os.path.abspath(__file__))

# What resolving a family takes; nlctrl predates the specs.
_NLCTRL = {
    "name": "nlctrl",
    "attribute-sets": [
        {"name": "ctrl", "attributes": [
            {"name": "family-id", "type": "u16"},
            {"name": "family-name", "type": "string"},
            {"name": "version", "type": "u32"},
            {"name": "hdrsize", "type": "u32"},
            {"name": "maxattr", "type": "u32"},
            {"name": "ops", "type": "nest-array", "nested-attributes": "op"},
            {"name": "mcast-groups", "type": "nest-array",
             "nested-attributes": "group"}]},
        {"name": "op", "attributes": [
            {"name": "id", "type": "u32"}, {"name": "flags", "type": "u32"}]},
        {"name": "group", "attributes": [
            {"name": "name", "type": "string"},
            {"name": "id", "type": "u32"}]}],
    "operations": {"list": [
        {"name": "newfamily", "attribute-set": "ctrl"},
        {"name": "delfamily", "attribute-set": "ctrl"},
        {"name": "getfamily", "attribute-set": "ctrl"}]},
}


class NlError(OSError):
    """The kernel refused: errno, extack text, offset of the attribute."""

    def __init__(self, err, text=None, offset=None, miss=None, seq=None):
        super().__init__(err, os.strerror(err))
        self.text = text        # None: no extack message
        self.offset = offset    # of the offending attribute in the request
        self.miss = miss        # type of a missing attribute
        self.seq = seq

    def __str__(self):
        name = errno.errorcode.get(self.errno, str(self.errno))
        return f"{name}: {self.text or '(no extack text)'}"


class Attr:
    """One attribute of a set."""

    def __init__(self, number, raw):
        self.number = number
        self.raw = raw
        self.name = raw["name"].replace("-", "_")
        self.type = raw["type"]
        self.nested = raw.get("nested-attributes")
        self.enum = raw.get("enum")
        self.is_flags = raw.get("enum-as-flags", False)
        self.multi = raw.get("multi-attr", False)


class Op:
    """One operation."""

    def __init__(self, number, raw):
        self.number = number
        self.raw = raw
        self.name = raw["name"].replace("-", "_")
        self.attrs = raw["attribute-set"]
        self.reply = raw.get("reply-set", self.attrs)


class Spec:
    """A parsed spec."""

    def __init__(self, raw):
        self.raw = raw
        self.name = raw["name"]
        self.enums, self.flags, self.consts = {}, {}, {}
        for item in raw.get("definitions", ()):
            entries = [e["name"] if isinstance(e, dict) else e
                       for e in item.get("entries", ())]
            entries = [e.replace("-", "_") for e in entries]
            if item["type"] == "const":
                self.consts[item["name"].replace("-", "_")] = item["value"]
            elif item["type"] == "flags":
                self.flags[item["name"]] = {
                    e: 1 << i for i, e in enumerate(entries)}
            else:
                self.enums[item["name"]] = {
                    e: i for i, e in enumerate(entries)}
        self.sets = {}          # set -> {name: Attr}
        self.numbers = {}       # set -> {number: Attr}
        for aset in raw["attribute-sets"]:
            attrs = [Attr(i, a) for i, a in enumerate(aset["attributes"], 1)]
            self.sets[aset["name"]] = {a.name: a for a in attrs}
            self.numbers[aset["name"]] = {a.number: a for a in attrs}
        # Looked up once: tens of thousands of attributes are decoded.
        self.decoders = {aset: {a.number: self._decoder(a) for a in
                                attrs.values()}
                         for aset, attrs in self.sets.items()}
        ops = [Op(i, o) for i, o in enumerate(raw["operations"]["list"], 1)]
        self.ops = {o.name: o for o in ops}
        self.op_numbers = {o.number: o for o in ops}

    def attr(self, aset, name):
        """An attribute of a set by name."""
        return self.sets[aset][name.replace("-", "_")]

    def op(self, name):
        """An operation by name or number."""
        if isinstance(name, int):
            return self.op_numbers[name]
        return self.ops[name.replace("-", "_")]

    def encode(self, aset, attrs):
        """attrs, a dict or list of (name, value), as bytes.

        None leaves an attribute out; an int instead of a name and bytes as
        its value makes a raw attribute.
        """
        out = []
        pairs = attrs.items() if isinstance(attrs, dict) else attrs
        for name, value in pairs:
            if value is None or value is False:
                continue
            if isinstance(name, int):
                out.append(attr(name, value))
                continue
            known = self.attr(aset, name)
            many = known.multi and isinstance(value, (list, tuple))
            for one in value if many else [value]:
                out.append(self._encode_one(known, one))
        return b"".join(out)

    def _encode_one(self, known, value):
        if known.nested and not isinstance(value, (bytes, bytearray)):
            return attr(known.number | NLA_F_NESTED,
                        self.encode(known.nested, value))
        if isinstance(value, (bytes, bytearray)):
            # Raw bytes are taken for any type: tests send wrong sizes.
            nested = NLA_F_NESTED if known.nested else 0
            return attr(known.number | nested, bytes(value))
        if known.type == "flag":
            return attr(known.number, b"")
        if known.type == "string":
            return attr(known.number, value.encode(errors="surrogateescape") + b"\0")
        if known.type in _SCALARS:
            return attr(known.number,
                        struct.pack(_SCALARS[known.type],
                                    self._number(known, value)))
        raise TypeError(f"{known.name}: {value!r} as {known.type}")

    def _number(self, known, value):
        if known.is_flags and isinstance(value, (list, tuple, set)):
            flags = self.flags[known.enum]
            return sum(flags[v.replace("-", "_")] for v in set(value))
        if isinstance(value, str):
            return self.enums[known.enum][value.replace("-", "_")]
        return int(value)

    def _decoder(self, known):
        """(name, whether there may be several, function of the payload)."""
        if known.type == "pad":
            return known.name, False, None
        if known.type == "nest-array" and not known.multi:
            return known.name, False, lambda payload: [
                self.decode(known.nested, body)
                for _, body in attrs_of(payload)]
        if known.nested:
            return known.name, known.multi, functools.partial(
                self.decode, known.nested)
        if known.type in _SCALARS:
            return known.name, known.multi, self._scalar(known)
        return known.name, known.multi, {
            "flag": lambda payload: True,
            "string": lambda payload: payload.rstrip(b"\0").decode(
                errors="surrogateescape")}.get(known.type, bytes)

    def _scalar(self, known):
        unpack = struct.Struct(_SCALARS[known.type]).unpack
        if not known.enum or known.is_flags:
            return lambda payload: unpack(payload)[0]
        names = {number: name
                 for name, number in self.enums[known.enum].items()}

        def name(payload):
            value, = unpack(payload)
            return names.get(value, value)
        return name

    def decode(self, aset, data):
        """The attributes in data as a dict."""
        out = {}
        decoders = self.decoders.get(aset, {})
        for number, payload in attrs_of(data):
            if number not in decoders:
                out[f"unknown_{number}"] = payload
                continue
            name, multi, value = decoders[number]
            if multi:
                out.setdefault(name, []).append(value(payload))
            elif value:
                out[name] = value(payload)
        return out


_spec = None


def spec():
    """The spec of Lenscap: LENSCAP_SPEC, or the one in the tree."""
    global _spec
    if _spec is None:
        path = os.environ.get("LENSCAP_SPEC") or os.path.join(
            _HERE, "../../../kmod/uapi/lenscap.yaml")
        with open(path, encoding="utf-8") as file:
            _spec = Spec(yaml.load(file, getattr(yaml, "CSafeLoader",
                                                 yaml.SafeLoader)))
    return _spec


def attr(number, payload=b"", length=None):
    """One attribute, padded; length overrides what its header says."""
    size = 4 + len(payload) if length is None else length
    return (struct.pack("=HH", size & 0xffff, number) + payload +
            bytes(-len(payload) % 4))


def attrs_of(data):
    """(number, payload) of each attribute in data."""
    pos, end = 0, len(data)
    while pos + 4 <= end:
        size, number = _HEAD(data, pos)
        if size < 4 or pos + size > end:
            raise ValueError(f"attribute {number} of {size} bytes at {pos} "
                             f"of {end}")
        yield number & NLA_TYPE_MASK, data[pos + 4:pos + size]
        pos += (size + 3) & ~3


class Genl:
    """A generic netlink socket, talking to one family."""

    def __init__(self, family="lenscap", netns=None, spec_=None,
                 strict=True, rcvbuf=16 << 20, timeout=120):
        self.spec = spec_ or (spec() if family == "lenscap"
                              else Spec(_NLCTRL))
        self.timeout = timeout
        self.interrupted = False
        self.family_id = None
        self.groups = {}
        self._seq = int(time.time()) & 0xffffff
        self.sock = net.call_in(netns, socket.socket, socket.AF_NETLINK,
                                socket.SOCK_RAW, NETLINK_GENERIC)
        try:
            self._setup(family, strict, rcvbuf)
        except BaseException:
            self.sock.close()
            raise

    def _setup(self, family, strict, rcvbuf):
        self.sock.bind((0, 0))
        for opt in [NETLINK_CAP_ACK, NETLINK_EXT_ACK] + (
                [NETLINK_GET_STRICT_CHK] if strict else []):
            self.sock.setsockopt(SOL_NETLINK, opt, 1)
        for opt in (SO_RCVBUFFORCE, SO_SNDBUFFORCE):
            try:
                self.sock.setsockopt(socket.SOL_SOCKET, opt, rcvbuf)
            except PermissionError:
                pass            # an unprivileged sender makes do
        self._resolve(family)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Close the socket; an open transaction is aborted by that."""
        self.sock.close()

    def fileno(self):
        """For select()."""
        return self.sock.fileno()

    @property
    def port(self):
        """The socket's netlink port id."""
        return self.sock.getsockname()[0]

    def _resolve(self, family):
        self.family_id = 16     # GENL_ID_CTRL
        own, self.spec = self.spec, Spec(_NLCTRL)
        try:
            info = self.do("getfamily", family_name=family)
        finally:
            self.spec = own
        self.info = info
        self.family_id = info["family_id"]
        self.groups = {g["name"]: g["id"]
                       for g in info.get("mcast_groups", ())}

    # Building and sending

    def message(self, cmd, body=b"", flags=NLM_F_REQUEST | NLM_F_ACK,
                version=1, seq=None, length=None, family=None):
        """A whole message as bytes; every header field can be given."""
        number = cmd if isinstance(cmd, int) else self.spec.op(cmd).number
        if seq is None:
            self._seq += 1
            seq = self._seq
        size = 20 + len(body) if length is None else length
        return struct.pack("=IHHIIBBH", size,
                           self.family_id if family is None else family,
                           flags, seq & 0xffffffff, 0,
                           number & 0xff, version, 0) + body

    def encode(self, cmd, attrs):
        """The attributes of a request as bytes; bytes stay as they are."""
        if isinstance(attrs, bytes):
            return attrs
        return self.spec.encode(self.spec.op(cmd).attrs, attrs)

    def send(self, data):
        """Send bytes to the kernel as they are."""
        self.sock.sendto(data, (0, 0))

    def recv(self, timeout=None):
        """The messages of one datagram: (type, flags, seq, payload)."""
        limit = self.timeout if timeout is None else timeout
        if not select.select([self.sock], [], [], limit)[0]:
            raise TimeoutError(f"no netlink answer within {limit} s")
        data = self.sock.recv(1 << 18)
        out = []
        pos = 0
        while pos + 16 <= len(data):
            size, kind, flags, seq, _ = struct.unpack_from("=IHHII", data, pos)
            if size < 16 or pos + size > len(data):
                raise ValueError("malformed netlink answer")
            out.append((kind, flags, seq, data[pos + 16:pos + size]))
            pos += (size + 3) & ~3
        return out

    def _error(self, flags, seq, payload, done=False):
        """An NlError for an ACK or DONE payload, or None for success."""
        code, = struct.unpack_from("=i", payload)
        if code >= 0:
            return None
        text = offset = miss = None
        if flags & NLM_F_ACK_TLVS:
            if done:
                start = 4
            else:
                size, = struct.unpack_from("=I", payload, 4)
                start = 20 if flags & NLM_F_CAPPED else 4 + ((size + 3) & ~3)
            for number, body in attrs_of(payload[start:]):
                if number == 1:
                    text = body.rstrip(b"\0").decode(errors="replace")
                elif number == 2:
                    offset, = struct.unpack("=I", body)
                elif number == 5:
                    miss, = struct.unpack("=I", body)
        return NlError(-code, text, offset, miss, seq)

    def _decode(self, payload):
        op = self.spec.op_numbers.get(payload[0])
        aset = op.reply if op else ""
        return self.spec.decode(aset, payload[4:])

    def transact(self, data, seq, decode=None):
        """Send data; the decoded replies to seq, up to its ACK or error."""
        self.send(data)
        replies, decode = [], decode or self._decode
        while True:
            for kind, flags, got, payload in self.recv():
                if got != seq:
                    continue    # an event, or an older request's answer
                if kind == NLMSG_ERROR:
                    error = self._error(flags, got, payload)
                    if error:
                        raise error
                    return replies
                if kind == NLMSG_DONE:
                    error = self._error(flags, got, payload, done=True)
                    if error:
                        raise error
                    return replies
                if flags & NLM_F_DUMP_INTR:
                    self.interrupted = True
                if kind == self.family_id:
                    replies.append(decode(payload))

    def raw(self, cmd, body=b"", flags=NLM_F_REQUEST | NLM_F_ACK, **header):
        """Send a request with any body; decoded replies, or NlError."""
        data = self.message(cmd, body, flags, **header)
        return self.transact(data, header.get("seq", self._seq))

    def do(self, cmd, attrs=None, **more):
        """One request; its reply as a dict ({} if only acknowledged)."""
        body = self.encode(cmd, _merge(attrs, more))
        replies = self.raw(cmd, body)
        return replies[0] if replies else {}

    def dump(self, cmd, attrs=None, **more):
        """All replies of a dump; self.interrupted tells of DUMP_INTR."""
        self.interrupted = False
        body = self.encode(cmd, _merge(attrs, more))
        return self.raw(cmd, body, NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP)

    def dump_one(self, cmd, name):
        """An attribute that all replies of a dump have: so, many are quick."""
        self.interrupted = False
        reply = self.spec.op(cmd).reply
        number = self.spec.attr(reply, name).number
        value = self.spec.decoders[reply][number][2]
        data = self.message(cmd, b"", NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP)
        return self.transact(data, self._seq, lambda payload: next(
            value(body) for found, body in attrs_of(payload[4:])
            if found == number))

    def do_many(self, requests, batch=48 << 10):
        """Send (cmd, attrs) pairs in batches; raise the first refusal.

        Only the last message of a batch asks for an ACK. Those before a
        refused one took effect, and so do those behind it in its batch.
        """
        parts, size = [], 0
        for cmd, attrs in requests:
            body = self.encode(cmd, attrs)
            if size and size + len(body) + 20 > batch:
                self._flush(parts)
                parts, size = [], 0
            parts.append((cmd, body))
            size += len(body) + 20
        if parts:
            self._flush(parts)

    def _flush(self, parts):
        data = [self.message(cmd, body, NLM_F_REQUEST)
                for cmd, body in parts[:-1]]
        first = self._seq - len(data) + 1
        data.append(self.message(*parts[-1]))
        last = self._seq
        self.send(b"".join(m + bytes(-len(m) % 4) for m in data))
        error = None
        while True:
            for kind, flags, got, payload in self.recv():
                if kind != NLMSG_ERROR or not first <= got <= last:
                    continue
                error = error or self._error(flags, got, payload)
                if got == last:
                    if error:
                        raise error
                    return

    # Events

    def subscribe(self, group="events"):
        """Join a multicast group; read it with event() or events()."""
        self.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
                             self.groups[group])

    def events(self, timeout=0):
        """(operation name, attributes) of what one datagram brought.

        Best on a socket that sends no requests: do() skips events.
        """
        try:
            messages = self.recv(timeout)
        except TimeoutError:
            return []
        return [(self.spec.op(payload[0]).name, self._decode(payload))
                for kind, _, _, payload in messages
                if kind == self.family_id]

    def drain(self):
        """All events that are there now."""
        out = []
        while True:
            more = self.events(0)
            if not more:
                return out
            out += more

    def event(self, name, match=None, timeout=net.TIMEOUT):
        """Wait for an event; match(attributes) tells whether it is meant."""
        name = name.replace("-", "_")
        end = time.monotonic() + timeout
        seen = []
        while True:
            left = end - time.monotonic()
            for got, attrs in self.events(max(left, 0)):
                if got == name and (match is None or match(attrs)):
                    return attrs
                seen.append((got, attrs))
            if left <= 0:
                raise net.WaitTimeout(f"no {name} within {timeout:g} s, "
                                      f"saw {seen}")


def _merge(attrs, more):
    if not more:
        return {} if attrs is None else attrs
    if attrs is None:
        return more
    pairs = attrs.items() if isinstance(attrs, dict) else attrs
    return list(pairs) + list(more.items())


def fails(code, func, *args, **kwargs):
    """func must be refused with an errno (or one of several); the NlError."""
    codes = (code,) if isinstance(code, int) else tuple(code)
    wanted = " or ".join(errno.errorcode[c] for c in codes)
    try:
        result = func(*args, **kwargs)
    except NlError as err:
        if err.errno not in codes:
            raise AssertionError(f"refused with {err}, wanted "
                                 f"{wanted}") from err
        return err
    raise AssertionError(f"not refused ({result!r}), wanted {wanted}")
