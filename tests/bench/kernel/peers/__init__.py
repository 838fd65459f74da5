# SPDX-License-Identifier: GPL-2.0-only
"""What Lenscap is compared with, each as somebody who knows it would do it."""

import subprocess


class Skip(Exception):
    """A peer cannot do a case; the text says why."""


class Peer:
    """One way to enforce a case's policy on one interface."""

    name = ""
    place = 0

    def __init__(self, ifname):
        self.ifname = ifname

    def variant(self, case):
        """Which way it is, for the results."""
        raise NotImplementedError

    def load(self, case):
        """Enforce the case's policy; raises Skip."""
        raise NotImplementedError

    def unload(self):
        """Leave nothing behind."""

    def verify(self, bench, case):
        """Say what is wrong with its own counters, if it has any."""


def command(*argv, stdin=None):
    """Run a program; what it says becomes the error if it fails."""
    done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        shown = text.strip().splitlines()[:5]
        raise RuntimeError(f"{' '.join(argv)}: status {done.returncode}: "
                           + "; ".join(line[:200] for line in shown))
    return text
