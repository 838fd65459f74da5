#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Policies of any size, as netops would write them, and the same for others.

Each device has a profile of its own with 20 rules that no other profile has,
so that nothing can be shared: the worst case. The same entries are written
for nftables and ipset, so that all load the same.
"""

import argparse
import os
import sys

import peers

# What a camera does: (serves, destination, protocol, port). Destinations are
# a cluster of two recorders and a site's two time servers and collector.
RECORDER = [(True, "tcp", port) for port in (80, 443, 554, 8000, 8554)] + \
           [(False, "udp", port) for port in (10000, 10002, 10004)]
TIME = [(False, "udp", 123)]
LOG = [(False, "tcp", 514), (False, "tcp", 6514)]
RULES = 2 * len(RECORDER) + 2 * len(TIME) + len(LOG)

DEVICES_A_SITE = 250


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


class Device:
    """One camera, its addresses and those that it may talk to."""

    def __init__(self, number):
        site = number // DEVICES_A_SITE
        self.number = number
        self.name = f"cam-{number:05d}"
        self.address = dotted((10 << 24) + (64 << 16) + number)
        self.mac = ":".join(f"{byte:02x}" for byte in
                            (0x0200 << 32 | number).to_bytes(6, "big"))
        self.recorders = [dotted((10 << 24) + (128 << 16) + 2 * number + i)
                          for i in range(2)]
        self.times = [dotted((10 << 24) + (192 << 16) + 4 * site + i)
                      for i in range(2)]
        self.log = dotted((10 << 24) + (192 << 16) + 4 * site + 2)
        self.site = site

    def rules(self):
        """(address, protocol, port) of each of its rules."""
        for _, proto, port in RECORDER:
            for address in self.recorders:
                yield address, proto, port
        for _, proto, port in TIME:
            for address in self.times:
                yield address, proto, port
        for _, proto, port in LOG:
            yield self.log, proto, port


def write_profile_grouped(out, device):
    """A line for each destination and protocol: as a person writes it."""
    serves = [port for serves, _, port in RECORDER if serves]
    connects = [port for serves, _, port in RECORDER if not serves]
    logs = [port for _, _, port in LOG]
    out.write(f"  {device.name}:\n    class: 1\n    serves:\n"
              f"      - {{ to: nvr-{device.number:05d}, tcp: {serves} }}\n"
              f"    connects:\n"
              f"      - {{ to: nvr-{device.number:05d}, udp: {connects} }}\n"
              f"      - {{ to: time-{device.site:03d}, udp: 123 }}\n"
              f"      - {{ to: log-{device.site:03d}, tcp: {logs} }}\n")


def write_profile_plain(out, device):
    """A line for each rule: as a program writes it."""
    number, site = device.number, device.site
    lines = {True: [], False: []}
    for serves, proto, port in RECORDER:
        for side in "ab":
            lines[serves].append((f"nvr-{number:05d}-{side}", proto, port))
    for serves, proto, port in TIME:
        for side in "ab":
            lines[serves].append((f"time-{site:03d}-{side}", proto, port))
    for serves, proto, port in LOG:
        lines[serves].append((f"log-{site:03d}", proto, port))
    out.write(f"  {device.name}:\n    class: 1\n")
    for serves, key in ((True, "serves"), (False, "connects")):
        out.write(f"    {key}:\n")
        for name, proto, port in lines[serves]:
            out.write(f"      - {{ to: {name}, {proto}: {port} }}\n")


STYLES = {"plain": write_profile_plain, "grouped": write_profile_grouped}


def write_destinations(out, devices, style):
    out.write("destinations:\n")
    site = -1
    for device in devices:
        if device.site != site:
            site = device.site
            if style == "plain":
                for side, address in zip("ab", device.times):
                    out.write(f"  time-{site:03d}-{side}: [{address}]\n")
            else:
                out.write(f"  time-{site:03d}: "
                          f"[{', '.join(device.times)}]\n")
            out.write(f"  log-{site:03d}: [{device.log}]\n")
        if style == "plain":
            for side, address in zip("ab", device.recorders):
                out.write(f"  nvr-{device.number:05d}-{side}: [{address}]\n")
        else:
            out.write(f"  nvr-{device.number:05d}: "
                      f"[{', '.join(device.recorders)}]\n")


def write_policy(directory, devices, style):
    """policy.yaml and cameras.csv in a directory."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "policy.yaml"), "w",
              encoding="ascii") as out:
        out.write("version: 1\nrevision: 1\n")
        write_destinations(out, devices, style)
        out.write("profiles:\n")
        for device in devices:
            STYLES[style](out, device)
        out.write("inventory: [cameras.csv]\n")
    with open(os.path.join(directory, "cameras.csv"), "w",
              encoding="ascii") as out:
        out.write("name,mac,addresses,profile\n")
        for device in devices:
            out.write(f"{device.name},{device.mac},{device.address},"
                      f"{device.name}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", help="receives a directory a size")
    parser.add_argument("rules", type=int, nargs="+",
                        help=f"multiples of {RULES}")
    args = parser.parse_args()
    for rules in args.rules:
        if rules <= 0 or rules % RULES:
            sys.exit(f"policy.py: {rules} is not a multiple of {RULES}")
        devices = [Device(number) for number in range(rules // RULES)]
        top = os.path.join(args.directory, str(rules))
        for style in STYLES:
            write_policy(os.path.join(top, style), devices, style)
        peers.write_nft(os.path.join(top, "exact.nft"), devices, False)
        peers.write_nft(os.path.join(top, "interval.nft"), devices, True)
        peers.write_ipset(os.path.join(top, "ipset"), devices)
        peers.write_ipset_changes(os.path.join(top, "ipset-changes"), devices,
                                  min(200, len(devices)))


if __name__ == "__main__":
    main()
