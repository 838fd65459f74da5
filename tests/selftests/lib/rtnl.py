# SPDX-License-Identifier: GPL-2.0-only
"""The commonest commands of ip(8), without a process.

    todo = rtnl.parse("link set eth0 up")
    todo()          # in a thread that is in the namespace; OSError

A command is understood as a whole, or not at all: then parse() gives None, and
it is ip's. What it does is what ip does with it.
"""

import contextlib
import errno
import os
import socket
import struct

NETLINK_CAP_ACK, NETLINK_EXT_ACK, SOL_NETLINK = 10, 11, 270
NLMSG_ERROR = 2
NEWLINK, DELLINK, NEWADDR, NEWROUTE, NEWNEIGH = 16, 17, 20, 24, 28
REQUEST_ACK, CREATE, REPLACE = 5, 0x605, 0x505
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK = 1, 3, 4, 5
IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = 10, 18, 28
INFO_KIND, INFO_DATA, VETH_INFO_PEER = 1, 2, 1
INFO_SLAVE_KIND, INFO_SLAVE_DATA = 4, 5
BRIDGE = {"stp_state": (5, "=I"), "vlan_filtering": (7, "=B"),
          "mcast_snooping": (23, "=B")}
PORT = {"learning": 8, "isolated": 33}
VLAN_ID, VLAN_PROTOCOL = 1, 5
PROTOCOLS = {"802.1q": 0x8100, "802.1ad": 0x88a8}
IFA_F_NODAD = 2
TABLE_MAIN, PROTO_BOOT, UNICAST, ONLINK = 254, 3, 1, 4
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
NDA_DST, NDA_LLADDR, NUD_PERMANENT = 1, 2, 0x80


class _Unknown(Exception):
    """A command that is ip's."""


def _attr(number, data):
    return struct.pack("=HH", 4 + len(data), number) + data + \
        bytes(-len(data) % 4)


def _name(text):
    if not 0 < len(text) < 16 or text.startswith("-"):
        raise _Unknown
    return text


def _mac(text):
    try:
        data = bytes.fromhex(text.replace(":", ""))
    except ValueError as err:
        raise _Unknown from err
    if len(data) != 6:
        raise _Unknown
    return data


def _number(text):
    if not text.isdecimal():
        raise _Unknown
    return int(text)


def _host(text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return family, socket.inet_pton(family, text)
    except OSError as err:
        raise _Unknown from err


def _prefix(text):
    host, _, length = text.partition("/")
    family, data = _host(host)
    return family, data, _number(length) if length else len(data) * 8


def _ask(kind, flags, body):
    """One request, and its answer."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as sock:
        sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) +
                  body)
        data = sock.recv(65536)
    _, what, _, _, _, error = struct.unpack_from("=IHHIIi", data)
    if what != NLMSG_ERROR:
        raise OSError(errno.EPROTO, f"netlink answers with {what}")
    if error:
        # Behind the request's header: text, if the kernel says more.
        text = data[40:].split(b"\0")[0].decode(errors="replace")
        raise OSError(-error, f"{os.strerror(-error)}: {text}")


def _index(name):
    return struct.pack("=I", socket.if_nametoindex(name))


def _info(index=0, flags=0, change=0):
    return struct.pack("=BxHiII", 0, 0, index, flags, change)


def _netns(name):
    """A namespace by name, for as long as a message is on its way."""
    return os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)


class _Link:
    """Options of a link; attributes are made when the command is run."""

    def __init__(self, words, ends=()):
        self.make, self.netns = [], None
        self.flags = self.change = self.index = 0
        while words and words[0] not in ends:
            self._option(words)

    def _option(self, words):
        word = words.pop(0)
        if word in ("up", "down"):
            self.flags, self.change = int(word == "up"), 1
            return
        if word == "nomaster":
            self.make.append(lambda: _attr(IFLA_MASTER, bytes(4)))
            return
        if not words:
            raise _Unknown
        value = words.pop(0)
        if word == "mtu":
            self._add(IFLA_MTU, struct.pack("=I", _number(value)))
        elif word == "address":
            self._add(IFLA_ADDRESS, _mac(value))
        elif word == "name":
            self._add(IFLA_IFNAME, _name(value).encode() + b"\0")
        elif word == "index":
            self.index = _number(value)
        elif word in ("master", "link"):
            number = IFLA_LINK if word == "link" else IFLA_MASTER
            self.make.append(lambda: _attr(number, _index(_name(value))))
        elif word == "netns" and value.replace("-", "").isalnum() and \
                not value.isdecimal():
            self.netns = value
        else:
            raise _Unknown

    def _add(self, number, data):
        self.make.append(lambda: _attr(number, data))

    def send(self, kind, flags, index, more=lambda: b""):
        """Do it."""
        with contextlib.ExitStack() as stack:
            body = _info(index or self.index, self.flags, self.change) + \
                b"".join(make() for make in self.make) + more()
            if self.netns:
                file = _netns(self.netns)
                stack.callback(os.close, file)
                body += _attr(IFLA_NET_NS_FD, struct.pack("=i", file))
            _ask(kind, flags, body)


def _pairs(words):
    """Options with a value each."""
    if len(words) % 2:
        raise _Unknown
    return list(zip(words[::2], words[1::2]))


def _bridge(words):
    """Options of a bridge."""
    out = b""
    for word, value in _pairs(words):
        if word not in BRIDGE:
            raise _Unknown
        number, form = BRIDGE[word]
        out += _attr(number, struct.pack(form, _number(value)))
    return out


def _port(words):
    """Options of a bridge's port."""
    out = b""
    for word, value in _pairs(words):
        if word not in PORT or value not in ("on", "off"):
            raise _Unknown
        out += _attr(PORT[word], bytes([value == "on"]))
    return out


def _link_set(words):
    name, link, data = _name(words.pop(0)), _Link(words, ["type"]), b""
    if words[1:2] == ["bridge"]:
        data = _attr(INFO_KIND, b"bridge") + _attr(INFO_DATA,
                                                   _bridge(words[2:]))
    elif words[1:2] == ["bridge_slave"]:
        data = _attr(INFO_SLAVE_KIND, b"bridge") + _attr(INFO_SLAVE_DATA,
                                                         _port(words[2:]))
    elif words:
        raise _Unknown
    if data:
        data = _attr(IFLA_LINKINFO, data)
    return lambda: link.send(NEWLINK, REQUEST_ACK, socket.if_nametoindex(name),
                             lambda: data)


def _link_del(words):
    if len(words) != 1:
        raise _Unknown
    return lambda: _ask(DELLINK, REQUEST_ACK,
                        _info(socket.if_nametoindex(words[0])))


def _vlan(words):
    """What a VLAN device is."""
    options = dict(_pairs(words))
    proto = PROTOCOLS.get(options.pop("proto", "802.1Q").lower())
    if set(options) != {"id"} or not proto:
        raise _Unknown
    return _attr(VLAN_ID, struct.pack("=H", _number(options["id"]))) + \
        _attr(VLAN_PROTOCOL, struct.pack(">H", proto))


def _link_add(words):
    if words[0] not in ("link", "name"):
        words.insert(0, "name")
    link = _Link(words, ["type"])
    kind, peer, data = words[1], None, b""
    del words[:2]
    if kind == "vlan":
        data = _vlan(words)
    elif kind == "veth" and words[:1] == ["peer"]:
        peer = _Link(words[1:])
    elif kind == "bridge":
        data = _bridge(words)
    elif kind != "dummy" or words:
        raise _Unknown

    def info(peer_data=b""):
        return _attr(IFLA_LINKINFO, _attr(INFO_KIND, kind.encode()) +
                     _attr(INFO_DATA, data or peer_data))

    def add():
        with contextlib.ExitStack() as stack:
            more = b""
            if peer:
                more = _info(peer.index) + b"".join(
                    make() for make in peer.make)
                if peer.netns:
                    file = _netns(peer.netns)
                    stack.callback(os.close, file)
                    more += _attr(IFLA_NET_NS_FD, struct.pack("=i", file))
                more = _attr(VETH_INFO_PEER, more)
            link.send(NEWLINK, CREATE, 0, lambda: info(more))
    return add


def _addr_add(words):
    family, host, length = _prefix(words.pop(0))
    flags = IFA_F_NODAD if words[2:] == ["nodad"] else 0
    if words[:1] != ["dev"] or len(words) != (3 if flags else 2):
        raise _Unknown
    name = words[1]
    return lambda: _ask(NEWADDR, CREATE, struct.pack(
        "=BBBBI", family, length, flags, 0, socket.if_nametoindex(name)) +
        _attr(IFA_LOCAL, host) + _attr(IFA_ADDRESS, host))


def _route_add(words):
    flags = ONLINK if words[-1] == "onlink" else 0
    if flags:
        words.pop()
    to, options = words[0], dict(_pairs(words[1:]))
    if not {"via"} <= set(options) <= {"via", "dev"}:
        raise _Unknown
    gateway, via = _host(options["via"])
    family, host, length = (gateway, b"", 0) if to == "default" else \
        _prefix(to)
    if family != gateway:
        raise _Unknown

    def add():
        body = struct.pack("=BBBBBBBBI", family, length, 0, 0, TABLE_MAIN,
                           PROTO_BOOT, 0, UNICAST, flags)
        body += _attr(RTA_DST, host) if length else b""
        body += _attr(RTA_GATEWAY, via)
        if "dev" in options:
            body += _attr(RTA_OIF, _index(options["dev"]))
        _ask(NEWROUTE, CREATE, body)
    return add


def _neigh(words, how):
    (family, host), options = _host(words[0]), dict(_pairs(words[1:]))
    if set(options) != {"lladdr", "dev"}:
        raise _Unknown
    mac = _mac(options["lladdr"])
    return lambda: _ask(NEWNEIGH, how, struct.pack(
        "=BxxxIHBB", family, socket.if_nametoindex(options["dev"]),
        NUD_PERMANENT, 0, 0) + _attr(NDA_DST, host) + _attr(NDA_LLADDR, mac))


_COMMANDS = {("link", "set"): _link_set, ("link", "add"): _link_add,
             ("link", "del"): _link_del, ("addr", "add"): _addr_add,
             ("route", "add"): _route_add,
             ("neigh", "add"): lambda words: _neigh(words, CREATE),
             ("neigh", "replace"): lambda words: _neigh(words, REPLACE)}


def parse(line):
    """A function that does what the command says; None: leave it to ip."""
    words = line.split()
    if words[:1] == ["-6"] and ":" in line:
        words.pop(0)
    make = _COMMANDS.get(tuple(words[:2]))
    if make is None or len(words) < 3 or not line.isprintable() or \
            set(line) & set("#\\\"'"):
        return None
    try:
        return make(words[2:])
    except (_Unknown, IndexError):
        return None
