# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces: make them, run programs in them, open sockets in them."""

import contextlib
import ctypes
import os
import socket
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


@contextlib.contextmanager
def entered(netns):
    """The calling thread is in the namespace until the block ends."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def open_socket(netns, *args):
    """A socket belongs to the namespace in which it was made, for good."""
    with entered(netns):
        return socket.socket(*args)


def run(*argv, netns=None, stdin=None, check=True):
    """Run a program to its end; returns what it wrote to standard output."""
    with entered(netns) if netns else contextlib.nullcontext():
        done = subprocess.run(argv, input=stdin, capture_output=True,
                              text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit status {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()}")
    return done.stdout


def start(*argv, netns, **options):
    """Start a program in a namespace; the caller ends it."""
    with entered(netns):
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, text=True,
                                **options)


def set_sysctl(netns, settings):
    """Set {path below /proc/sys/net: value} in a namespace."""
    with entered(netns):
        for path, value in settings.items():
            with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as file:
                file.write(str(value))
