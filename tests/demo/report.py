# SPDX-License-Identifier: GPL-2.0-only
"""What the demo says: sections, what programs printed, and claims."""

import time

import wait

_STYLES = {"bold": "1", "dim": "2", "good": "32", "bad": "1;31"}

# Where the figures stand, unless a claim is longer.
_COLUMN = 50


class Report:
    """Writes as things happen, and remembers which claims held."""

    def __init__(self, colour):
        self._colour = colour
        self._sections = 0
        self._held = 0
        self._failed = 0
        self._blank = False
        self._begun = time.monotonic()

    def _styled(self, style, text):
        if not self._colour:
            return text
        return f"\033[{_STYLES[style]}m{text}\033[0m"

    def title(self, text):
        """The first line."""
        print(self._styled("bold", text), flush=True)

    def section(self, title):
        """Begin the next part."""
        self._sections += 1
        print(f"\n{self._styled('bold', f'{self._sections}. {title}')}\n",
              flush=True)
        self._blank = True

    def say(self, *lines):
        """Plain sentences."""
        for line in lines:
            print(f"   {line}" if line else "", flush=True)
        self._blank = not lines[-1]

    def show(self, text, command=None):
        """A file's or a command's text, set apart."""
        if not self._blank:
            print()
        if command:
            print(f"   {self._styled('bold', f'# {command}')}")
        for line in text.rstrip("\n").split("\n"):
            print(f"   {self._styled('dim', f'| {line}'.rstrip())}")
        print(flush=True)
        self._blank = True

    def claim(self, text, check):
        """
        Check a claim and say whether it holds.

        `check` returns (whether it holds, the figures that show it), or
        raises wait.Late.
        """
        try:
            holds, evidence = check()
        except wait.Late as late:
            holds, evidence = False, str(late)
        if holds:
            self._held += 1
            mark = self._styled("good", "  ok")
        else:
            self._failed += 1
            mark = self._styled("bad", "FAIL")
        print(f" {mark}  {text + ':':<{_COLUMN}} {evidence}", flush=True)
        self._blank = False
        return holds

    def conclude(self, trouble=None):
        """The last line; returns the exit status."""
        total = self._held + self._failed
        print()
        if trouble:
            text = (f"demo: stopped after {total} claims, of which "
                    f"{self._held} held: {trouble}")
        elif self._failed:
            text = f"demo: {self._failed} of {total} claims did NOT hold"
        else:
            text = (f"demo: all {total} claims held "
                    f"({time.monotonic() - self._begun:.0f} seconds)")
        good = total and not self._failed and not trouble
        print(self._styled("good" if good else "bad", text), flush=True)
        return 0 if good else 1
