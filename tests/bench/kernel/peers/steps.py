# SPDX-License-Identifier: GPL-2.0-only
"""The first steps of Lenscap's own hook, on its own tables: lcsteps.c."""

import lcbench

from . import Peer, Skip

ATTACH = "/sys/module/lcsteps/parameters/attach"
STEPS = ("frame", "read", "sender", "rules", "hits",
         "one line", "two lines")
WHOLE = 4                               # the step that is the whole verdict
CASES = ("hot", "shared", "unshared", "ipv6")


class Steps(Peer):
    """A hook that does the steps up to one of them, then says yes."""

    name = "steps"
    place = lcbench.NETDEV
    like = ""                           # Lenscap's interface

    def __init__(self, ifname, step):
        super().__init__(ifname)
        self.step = step

    def variant(self, case):
        return f"{self.step} {STEPS[self.step - 1]}"

    @staticmethod
    def _attach(text):
        with open(ATTACH, "w", encoding="ascii") as file:
            file.write(text)

    def load(self, case):
        if case.name not in CASES:
            raise Skip(f"measured in {', '.join(CASES)}")
        self._attach(f"{self.ifname} {self.like} {self.step}")

    def unload(self):
        self._attach(self.ifname)
