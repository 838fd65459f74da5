# SPDX-License-Identifier: GPL-2.0-only
"""ip(8), kept running: in an emulated machine a process costs more than a command.

    batch = Batch("/run/netns/gw", ["ip", "-n", "gw"])
    batch.run(["link set lo up", "addr add 10.0.0.1/24 dev lo"])
    batch.close()

It reads commands as `ip -batch` does, and goes on after one that fails. A command
that does not exist marks the end of those that are waited for: what ip says of it
comes by a stream that it does not buffer, and names its line.
"""

import os
import re
import subprocess
import threading
import weakref

MARK = "end-of-commands"
END = re.compile(rb"Command failed -:(\d+)\n")


_batches = weakref.WeakSet()


def _forget():
    """A process that was forked has none yet: these are its parent's."""
    for batch in _batches:
        batch.forget()


os.register_at_fork(after_in_child=_forget)


class Failed(RuntimeError):
    """Commands failed; the text is what ip said."""


class Batch:
    """One process; it ends with its input, and so with this one."""

    def __init__(self, where):
        self._argv = [*where, "-force", "-batch", "-"]
        self._lock = threading.Lock()
        self._process = None
        self._line = 0
        _batches.add(self)

    def _start(self):
        self._process = subprocess.Popen(
            self._argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        self._line = 0

    def _answer(self):
        """What it says until the mark, or until it ends; did it?"""
        text = b""
        while True:
            data = self._process.stderr.readline()
            text += data
            found = END.fullmatch(data)
            if not data or found and int(found[1]) == self._line:
                return text, not data

    def run(self, lines):
        """Run commands and wait for them; Failed if any fails."""
        text = "".join(f"{line}\n" for line in [*lines, MARK])
        with self._lock:
            if self._process is None:
                self._start()
            self._line += text.count("\n")
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
            said, ended = self._answer()
            if ended:           # some errors are the end of ip
                self._stop()
        said = [line for line in said.decode(errors="replace").splitlines()
                if MARK not in line and "Command failed" not in line]
        if ended or said:
            raise Failed(f"{' '.join(self._argv)}: {'; '.join(lines)}\n" +
                         "\n".join(said))

    def _stop(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stderr.close()
        self._process = None

    def forget(self):
        """Leave it to the parent, which alone decides when it ends."""
        process, self._process = self._process, None
        self._lock = threading.Lock()
        if process is not None:
            process.stdin.close()
            process.stderr.close()
            process.returncode = 0

    def close(self):
        """End it. Until then it holds its namespace."""
        with self._lock:
            if self._process is not None:
                self._stop()
