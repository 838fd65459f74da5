#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that it takes to change one device of many.

    change.py MODULE CLIENT POLICIES OUT RULES...

In a machine whose clock counts instructions, the load part's client says how
many of them passed between the first request of a change and the answer to its
commit, its own included. Every device has a profile of its own with 20 rules.
"""

import json
import os
import subprocess
import sys

CHANGES = 200
RULES_A_DEVICE = 20


def client(program, *argv):
    """What the load part's client says."""
    done = subprocess.run([program, *argv], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def count(module, program, path, devices):
    """Figures of one size."""
    subprocess.run(["insmod", module], check=True)
    client(program, "load", path)
    answer = client(program, "change", path, str(CHANGES))
    subprocess.run(["rmmod", "lenscap"], check=True)
    if answer["devices"] != devices:
        sys.exit(f"{answer['devices']} devices instead of {devices}")
    for variant in ("address", "rule"):
        counts = sorted(round(seconds * 1e9) for seconds in answer[variant])
        size = f"{devices // 1000}k" if devices >= 1000 else devices
        yield {"case": f"change-{size}", "peer": "lenscap",
               "variant": variant, "unit": "instructions",
               "median": counts[len(counts) // 2], "min": counts[0],
               "max": counts[-1], "runs": len(counts)}


def main():
    """All sizes."""
    module, program, policies, out, *sizes = sys.argv[1:]
    results = []
    for rules in map(int, sizes):
        for result in count(module, program,
                            f"{policies}/{rules}/plain/policy.yaml",
                            rules // RULES_A_DEVICE):
            print(f"  {result['median']:12,} instructions "
                  f"({result['min']:,} to {result['max']:,})  "
                  f"{result['case']} {result['variant']}", flush=True)
            results.append(result)
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"kernel": os.uname().release, "results": results}, file)


if __name__ == "__main__":
    main()
