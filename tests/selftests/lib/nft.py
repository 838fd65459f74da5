# SPDX-License-Identifier: GPL-2.0-only
"""nft(8) by its library: in an emulated machine a process costs more than a command.

    done = gw.nft("-s list table inet lenscap")
    done.returncode, done.stdout, done.stderr

What takes nft's options and words does with them what the program does. The
kernel tells others that this process made the change: where they are to see
another name, the program itself is started.
"""

import ctypes
import subprocess
import threading

from . import tap

STATELESS, HANDLE, JSON = 4, 8, 16
FLAGS = {"-s": STATELESS, "-a": HANDLE, "-j": JSON}

# Its parser has state that contexts share.
_lock = threading.Lock()
_loaded = []


def library():
    """libnftables; OSError if it is not there."""
    if not _loaded:
        lib = ctypes.CDLL("libnftables.so.1")
        lib.nft_ctx_new.restype = ctypes.c_void_p
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(lib, name).restype = ctypes.c_char_p
        _loaded.append(lib)
    return _loaded[0]


def need():
    """Prerequisite: the library."""
    try:
        library()
    except OSError as err:
        raise tap.Skip(f"needs nft: {err}") from err


def _command(text, flags, dry):
    """Run it where this thread is: (exit status, output, errors)."""
    lib = library()
    context = ctypes.c_void_p(lib.nft_ctx_new(0))
    if not context:
        raise OSError("libnftables: no context")
    try:
        if lib.nft_ctx_buffer_output(context) or \
                lib.nft_ctx_buffer_error(context):
            raise OSError("libnftables: no buffers")
        lib.nft_ctx_output_set_flags(context, flags)
        lib.nft_ctx_set_dry_run(context, dry)
        failed = lib.nft_run_cmd_from_buffer(context, text.encode())
        return (1 if failed else 0,
                lib.nft_ctx_get_output_buffer(context).decode(),
                lib.nft_ctx_get_error_buffer(context).decode())
    finally:
        lib.nft_ctx_free(context)


def run(argv, text=None, check=True):
    """nft ARGV; text is what "-f -" reads."""
    words, flags, dry = list(argv), 0, False
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "-f" and words == ["-"]:
            words = [text]
        elif word == "-c":
            dry = True
        else:
            flags |= FLAGS[word]
    with _lock:
        done = subprocess.CompletedProcess(
            ["nft", *argv], *_command(" ".join(words), flags, dry))
    if check and done.returncode:
        raise RuntimeError(f"nft {' '.join(argv)}: {done.stdout}{done.stderr}")
    return done
