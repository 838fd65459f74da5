# SPDX-License-Identifier: GPL-2.0-only
"""The kernel log since some moment, and which of its lines mean trouble."""

import os
import re

TROUBLE = re.compile(
    r"\bWARNING: |\bBUG: |\bBUG\b.* at |kernel BUG|KASAN|UBSAN|KCSAN|KFENCE|"
    r"\bOops\b|general protection fault|stack segment|double fault|"
    r"unable to handle|Unable to handle|"
    r"refcount_t: |suspicious RCU|ODEBUG: |DEBUG_LOCKS_WARN_ON|"
    r"INFO: possible |INFO: inconsistent|inconsistent lock|"
    r"INFO: trying to register|INFO: task .* blocked|INFO: rcu|rcu: INFO|"
    r"soft lockup|hard LOCKUP|workqueue lockup|"
    r"unregister_netdevice: waiting|leaked reference|ref_tracker|"
    r"corruption|scheduling while atomic|sleeping function called|"
    r"illegal context switch|Voluntary context switch within RCU|"
    r"page allocation failure|Objects remaining in|"
    r"Out of memory|oom-kill|invoked oom-killer|"
    r"kmemleak: \d+ new|percpu: .* unbalanced|"
    r"lenscap.*(leak|still in use)")


class Log:
    """What the kernel says from now on."""

    def __init__(self):
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)
        self.lost = False

    def read(self):
        """The new lines, continuation lines with a blank in front."""
        lines = []
        while True:
            try:
                record = os.read(self._fd, 16384)
            except BlockingIOError:
                return lines
            except BrokenPipeError:     # overwritten before we came
                self.lost = True
                continue
            text = record.decode(errors="replace")
            lines += text.partition(";")[2].splitlines()

    def close(self):
        """No more reading."""
        os.close(self._fd)


def say(text):
    """Leave a mark in the log, so that a reader finds what belongs where."""
    with open("/dev/kmsg", "w", encoding="ascii", errors="replace") as file:
        file.write(f"<6>selftests: {text}\n")


def trouble(lines):
    """Those lines that mean trouble."""
    return [line for line in lines if TROUBLE.search(line)
            and "selftests: " not in line]
