# SPDX-License-Identifier: GPL-2.0-only
"""Writes databases in MaxMind's format, as its specification 2.0 says.

    mmdb.write(path, {"203.0.113.0/24": {"country": {"iso_code": "CN"}}},
               kind="Test-Country", epoch=1785000000)

https://maxmind.github.io/MaxMind-DB/
"""

import ipaddress

MARKER = b"\xab\xcd\xefMaxMind.com"


class Wide(int):
    """A number of 64 bits."""


class Short(int):
    """A number of 16 bits."""


def control(kind, size):
    """The first bytes of a value."""
    assert size < 29 + 256, "longer values are not written"
    head = min(size, 29)
    first = bytes([kind << 5 | head]) if kind < 8 else \
        bytes([head, kind - 7])
    return first + (bytes([size - 29]) if size >= 29 else b"")


def encode(value):
    """A value of the data section."""
    if isinstance(value, dict):
        return control(7, len(value)) + b"".join(
            encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        data = value.encode()
        return control(2, len(data)) + data
    kind = 9 if isinstance(value, Wide) else \
        5 if isinstance(value, Short) else 6
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(kind, len(data)) + data


def bits_of(prefix):
    """The way to a prefix through a tree of IPv6."""
    net = ipaddress.ip_network(prefix)
    number, length = int(net.network_address), net.prefixlen
    if net.version == 4:
        length += 96
    return [number >> (127 - i) & 1 for i in range(length)]


def write(path, entries, kind, epoch):
    """Write a database; prefixes must not lie in each other."""
    nodes, data, leaves = [[None, None]], b"", []
    for prefix, value in entries.items():
        way = bits_of(prefix)
        node = 0
        for bit in way[:-1]:
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]
        leaves.append((node, way[-1], len(data)))
        data += encode(value)
    count = len(nodes)
    for node, bit, offset in leaves:
        nodes[node][bit] = count + 16 + offset
    tree = b"".join((count if side is None else side).to_bytes(3, "big")
                    for node in nodes for side in node)
    metadata = encode({
        "binary_format_major_version": Short(2),
        "binary_format_minor_version": Short(0),
        "build_epoch": Wide(epoch), "database_type": kind,
        "description": {"en": "made by a test"}, "ip_version": Short(6),
        "languages": ["en"], "node_count": count,
        "record_size": Short(24)})
    with open(path, "wb") as file:
        file.write(tree + bytes(16) + data + MARKER + metadata)
