# SPDX-License-Identifier: GPL-2.0-only
"""Waiting on conditions, with a bound."""

import time

# Seconds that no condition of the demo should come near, even emulated.
BOUND = 60


class Late(Exception):
    """A condition did not come true in time."""


def until(condition, what, bound=BOUND, every=0.1):
    """Ask until the answer is true, and return it; Late after the bound."""
    deadline = time.monotonic() + bound
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise Late(f"waited {bound} s for: {what}")
        time.sleep(every)


def settled(read, what, bound=BOUND, every=0.5):
    """Read until two readings in a row agree, and return that one."""
    last = [read()]

    def agrees():
        now = read()
        same = now == last[0]
        last[0] = now
        return (now,) if same else None

    return until(agrees, f"{what} to settle", bound, every)[0]
