#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What host_bench printed, as the part's result. Arguments: from, to."""

import json
import os
import sys
import time

NOTES = [
    "A decision is parsing a frame in memory and judging it. Lenscap parses "
    "and judges in full (upkeep, options, fragments, a reason for each drop); "
    "DPDK's side reads only what these frames need.",
    "rte_acl picks its classify method for itself (AVX512X16 on a processor "
    "with AVX-512); the core is compiled as for the module, without vector "
    "instructions.",
    "DPDK takes frames one by one or in bursts of 32; the core takes them one "
    "by one, as a hook gets them.",
    "Rules that the peer initiates are left out: with rte_acl they would need "
    "TCP's flags as a field and two rules for each.",
    "Both sides have 4 KiB pages: DPDK without hugetlbfs has no others, and "
    "huge pages are switched off for the process. DPDK is usually run with "
    "huge pages and gains from them where its tables are large.",
]


def machine():
    """The processor's name and how many there are."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file
                 if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'}, {len(names)} processors"


def main():
    """Read, add, write."""
    with open(sys.argv[1], encoding="utf-8") as file:
        raw = json.load(file)
    part = {
        "part": "host",
        "kernel": f"gcc {os.environ['CC_VERSION']} -O2, {raw['dpdk']}",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
        "notes": NOTES + raw["notes"],
        "results": raw["results"],
    }
    if os.environ.get("QUICK"):
        part["quick"] = True
    with open(sys.argv[2] + ".new", "w", encoding="utf-8") as file:
        json.dump(part, file, indent=1)
        file.write("\n")
    os.replace(sys.argv[2] + ".new", sys.argv[2])


if __name__ == "__main__":
    main()
