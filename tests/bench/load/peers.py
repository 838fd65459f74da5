# SPDX-License-Identifier: GPL-2.0-only
"""The entries of a policy as nftables and ipset take them.

The form is that of somebody who knows both: a device is known by its MAC and
address in one set, and all permissions are one set of source, destination,
protocol and port. A rule for each would be far slower.
"""


def write_nft(path, devices, interval):
    """A file for `nft -f`."""
    flags = "flags interval; " if interval else ""
    with open(path, "w", encoding="ascii") as out:
        out.write("table ip cams {\n"
                  "set known { type ether_addr . ipv4_addr; elements = {\n")
        out.write(",\n".join(f"{device.mac} . {device.address}"
                             for device in devices))
        out.write("\n}\n}\nset allowed { type ipv4_addr . ipv4_addr . "
                  f"inet_proto . inet_service; {flags}elements = {{\n")
        out.write(",\n".join(f"{device.address} . {peer} . {proto} . {port}"
                             for device in devices
                             for peer, proto, port in device.rules()))
        out.write("\n}\n}\nchain judge {\n"
                  "type filter hook prerouting priority -450; "
                  "policy accept;\n"
                  "ether saddr . ip saddr != @known drop\n"
                  "ip saddr . ip daddr . meta l4proto . th dport != @allowed "
                  "drop\n}\n}\n")


def write_ipset(path, devices):
    """A file for `ipset restore`."""
    count = sum(1 for device in devices for _ in device.rules())
    with open(path, "w", encoding="ascii") as out:
        out.write(f"create known hash:ip,mac hashsize {len(devices)} "
                  f"maxelem {len(devices) + 1}\n"
                  f"create allowed hash:ip,port,ip hashsize {count} "
                  f"maxelem {count + 1}\n")
        for device in devices:
            out.write(f"add known {device.address},{device.mac}\n")
        for device in devices:
            for peer, proto, port in device.rules():
                out.write(f"add allowed {device.address},{proto}:{port},"
                          f"{peer}\n")


def changes(devices, count):
    """For `count` devices from all over: (an entry to go, one to come)."""
    for number in range(count):
        device = devices[number * len(devices) // count]
        peer, proto, port = next(device.rules())
        yield (device.address, peer, proto, port), \
            (device.address, peer, proto, port + 1)


def write_ipset_changes(path, devices, count):
    """A file for `ipset restore`: one entry changed, and so on."""
    with open(path, "w", encoding="ascii") as out:
        for old, new in changes(devices, count):
            for verb, entry in (("del", old), ("add", new)):
                source, peer, proto, port = entry
                out.write(f"{verb} allowed {source},{proto}:{port},{peer}\n")


def nft_changes(devices, count):
    """A command for nft each: one entry changed."""
    for old, new in changes(devices, count):
        yield "".join(f"{verb} element ip cams allowed "
                      f"{{ {' . '.join(str(part) for part in entry)} }}\n"
                      for verb, entry in (("delete", old), ("add", new)))
