#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions a packet, in a machine whose clock counts instructions.

The kernel part's bench (../kernel) does the work, with its module, policies,
frames and checks; only the case, the peers and what a nanosecond means differ.
Interrupts count too; batches that they made several times longer are left out.
"""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "kernel"))

import guest                                                # noqa: E402
from peers import nft                                       # noqa: E402

CASE = "hot"
PEERS = ("none", "empty", "lenscap", "nftables")
PACKETS, WARM, ROUNDS = 6400, 1280, 5


class Interval(nft.Interval):
    """Interval sets that 6.12 takes too, and that are a little faster.

    nft 1.0.6 turns "meta l4proto" round before it looks it up among intervals,
    a byte as if it were two, which newer kernels refuse. "ip protocol" is read
    from the header and needs no turning.
    """

    def body(self, case):
        return super().body(case).replace("meta l4proto", "ip protocol")


def vector():
    """Whether the processor that is shown has what pipapo wants."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        return "avx2" in file.read().split()


def spectre():
    """What calls through pointers cost more instructions for."""
    with open("/sys/devices/system/cpu/vulnerabilities/spectre_v2",
              encoding="ascii") as file:
        return file.read().strip()


def main():
    """Run the case, leave the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two rounds")
    parser.add_argument("--out", required=True, help="the results")
    options = parser.parse_args()
    options.machine = "counted"
    run = guest.Run(options)
    run.size = run.size._replace(packets=PACKETS, warm=WARM,
                                 rounds=2 if options.quick else ROUNDS)
    run.peers = [Interval(peer.ifname) if type(peer) is nft.Interval else peer
                 for peer in run.peers if peer.name in PEERS]
    run.case(CASE)
    for result in run.results:
        result["unit"] = "instructions/packet"
        if vector():
            result["variant"] = result["variant"].replace("C variant", "AVX2")
    if run.failures:
        sys.exit("\n".join(f"FAIL {failure}" for failure in run.failures))
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump({"kernel": os.uname().release, "avx2": vector(),
                   "spectre": spectre(), "results": run.results}, file)


if __name__ == "__main__":
    main()
