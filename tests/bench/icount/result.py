#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What count.py and change.py found, as the part's result.

Arguments: the result, then their files.
"""

import json
import os
import subprocess
import sys
import time

NOTES = [
    "One instruction is one nanosecond of the machine's clock (-icount "
    "shift=0). An instruction that repeats (rep movs) counts once for each "
    "step.",
    "Instructions say nothing of caches and of how many a processor does at "
    "once: a look-up in cold memory counts as a warm one does.",
    "Lenscap alone counts each packet by device and guard and tags it; the "
    "peers have no counters.",
]


def main():
    """Read, merge, write."""
    counted = []
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            counted.append(json.load(file))
    notes = list(NOTES)
    for one in counted:
        if "avx2" not in one:
            continue
        notes.append(f"{one['kernel']}: the processor shown "
                     f"{'has' if one['avx2'] else 'does not have'} AVX2, which "
                     f"nftables' pipapo uses; mitigations: {one['spectre']}.")
    notes += [f"{what} could not be counted: the messages of "
              "tests/bench/icount/run say why."
              for what in os.environ.get("MISSING", "").split(",") if what]
    version = subprocess.run(["qemu-system-x86_64", "--version"], text=True,
                             stdout=subprocess.PIPE, check=True).stdout
    part = {
        "part": "icount",
        "kernel": ", ".join(dict.fromkeys(one["kernel"] for one in counted)),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": version.splitlines()[0].split("(")[0].strip() +
        ", one emulated processor",
        "notes": notes,
        "results": [dict(result, kernel=one["kernel"])
                    for one in counted for result in one["results"]],
    }
    if os.environ.get("QUICK"):
        part["quick"] = True
    with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
        json.dump(part, file, indent=1)
        file.write("\n")
    os.replace(sys.argv[1] + ".new", sys.argv[1])


if __name__ == "__main__":
    main()
