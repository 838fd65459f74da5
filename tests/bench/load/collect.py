#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The figures of the load benchmark as one file: collect.py RESULTS OUT."""

import datetime
import json
import os
import sys

NOTES = [
    "1,000,000 rules are 50,000 devices with a profile each, of 20 rules that "
    "no other profile has; `load-*` has a line in the file for each rule, "
    "`load-*-grouped` one for each destination and protocol.",
    "Programs run under User Mode Linux, where a page's first touch and a "
    "system call cost some hundred times what they cost on the machine itself "
    "(150 us and 25 us were seen). All programs have their memory faulted in "
    "before the time begins, and ipset is spared the files that it looks for "
    "with each entry (tests/bench/load/warm.c).",
    "Lenscap's time is that of `lenscapctl reload`: read, parse, check, save "
    "the last-known-good copy, load. Files are in memory: forcing the copy to "
    "disk takes no time here. `read-*` is reading, parsing and checking "
    "alone, `kernel-*` the netlink requests alone.",
    "`reload-*` is a policy file in which one device changed: the whole file "
    "is read and parsed again, and one request is sent.",
    "nftables holds an entry per rule in a set of source, destination, "
    "protocol and port, and MACs in another; ipset as hash:ip,port,ip and "
    "hash:ip,mac, sized for them in advance.",
    "`change-*` is one device through the netlink library (begin, set, "
    "commit); nftables: one element deleted and added through libnftables; "
    "ipset: the same in a file of 200.",
]


def processor():
    """Model and number of cores."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="ascii") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    return f"{model}, {os.cpu_count()} cores"


def main():
    source, out = sys.argv[1:]
    with open(source, encoding="ascii") as lines:
        results = [json.loads(line) for line in lines]
    with open(out, "w", encoding="ascii") as file:
        json.dump({"part": "load", "kernel": "6.1 UML, bench",
                   "date": datetime.date.today().isoformat(),
                   "machine": processor(), "notes": NOTES,
                   "results": results}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
