# SPDX-License-Identifier: GPL-2.0-only
"""Count the test points of TAP, and what is wrong with the stream itself.

    /usr/bin/python3 count.py [--status N] [NAME] <stream

copies nothing, prints "N passed, N failed, N skipped" preceded by the points
that failed, and exits with 1 if any did. A program that ends early, or fails
without saying where, counts as one more failure: nothing is lost silently.
"""

import re
import sys

_POINT = re.compile(r"^(not )?ok\b(.*)$")
_PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*SKIP\b(.*))?", re.I)
_SKIP = re.compile(r"#\s*SKIP\b\s*(.*)", re.I)
_TODO = re.compile(r"#\s*TODO\b", re.I)


class Count:
    """Feed it lines; several streams may follow one another."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []      # one text for each failure
        self.skips = []         # reasons
        self._points = 0        # of the current stream
        self._plan = None
        self._open = False
        self._bailed = False

    def line(self, text):
        """Take one line of output."""
        text = text.rstrip("\n")
        if text.startswith("TAP version"):
            self._end_stream()
            self._open = True
            return
        if text.startswith("Bail out!"):
            self._bailed = True
            self.fail(text)
            return
        plan = _PLAN.match(text)
        if plan:
            self._plan = int(plan.group(1))
            if self._plan == 0:
                self.skipped += 1
                self.skips.append((plan.group(2) or "no reason").strip())
            return
        point = _POINT.match(text)
        if not point:
            return
        self._points += 1
        skip = _SKIP.search(point.group(2))
        if point.group(1) and not _TODO.search(point.group(2)):
            self.fail(text)
        elif skip:
            self.skipped += 1
            self.skips.append(skip.group(1) or "no reason")
        else:
            self.passed += 1

    def fail(self, text):
        """Count a failure that is not a test point."""
        self.failed += 1
        self.failures.append(text)

    def _end_stream(self):
        # A plan may come first or last, but it must come and be kept.
        if (self._open or self._points) and not self._bailed:
            if self._plan is None:
                self.fail(f"no plan: ended after {self._points} points")
            elif self._points != self._plan:
                self.fail(f"{self._plan} points planned, "
                          f"{self._points} came")
        self._points, self._plan = 0, None
        self._open = self._bailed = False

    def end(self, status=0):
        """End of output; status as of waitpid: negative for a signal."""
        self._end_stream()
        total = self.passed + self.failed + self.skipped
        if status == 4 and not self.failed and not self.passed:
            if not self.skipped:
                self.skipped += 1
                self.skips.append("exit status 4")
        elif status != 0 and not self.failed:
            self.fail(f"exit status {status}" if status > 0
                      else f"killed by signal {-status}")
        elif total == 0:
            self.fail("no test points")

    def __str__(self):
        return (f"{self.passed} passed, {self.failed} failed, "
                f"{self.skipped} skipped")


def main(argv):
    """The command line."""
    status, count = 0, Count()
    if argv[:1] == ["--status"]:
        status, argv = int(argv[1]), argv[2:]
    for text in sys.stdin.buffer:
        count.line(text.decode(errors="replace"))
    count.end(status)
    for text in count.failures:
        print(f"  {text}")
    for text in sorted(set(count.skips)):
        print(f"  skipped: {text}")
    print(count)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
