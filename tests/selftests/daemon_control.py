#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""lenscapd's control socket: garbage, limits, many clients."""

import os
import socket
import subprocess

from lib import daemon, net, policy, tap
from lib.daemon import world

MIB = 1 << 20


def started():
    "A daemon that runs with policy revision 10."
    r, d = world()
    d.write_policy(daemon.dome(revision=10))
    d.start()
    return r, d


def test_garbage():
    "what is no request gets an error, and the connection goes on"
    r, d = started()
    before = policy.state(r.sock)
    with d.connect() as client:
        for data in (b"\n", b"x\n", b"{\n", b"[]\n", b"{}\n", b"null\n",
                     b"\0\n", b"\xff\xfe\n", b'{"command": 1}\n',
                     b'{"command": "status", "command": "disarm"}\n',
                     b'{"command": "statu"}\n', b'{"command": "arms"}\n',
                     b"[" * 100000 + b"\n",
                     b'{"command": "disarm", "guard": 7}\n',
                     b'{"command": "disarm", "guard": "cam"}\n',
                     b'{"command": "arm", "guard": ""}\n',
                     b'{"command": "apply"}\n',
                     b'{"command": "apply", "files": []}\n',
                     b'{"command": "apply", "files": [{"name": "x"}]}\n',
                     b'{"command": "apply", "files": "policy"}\n',
                     b'{"command": "devices", "name": "nobody"}\n',
                     b'{"command": "devices", "name": "'
                     + b"n" * 100000 + b'"}\n'):
            client.send(data)
            answer = client.line()
            tap.equal(answer["ok"], False, f"{data[:60]}: {answer}")
            tap.true(answer["error"], f"{data[:60]}: no text")
        client.send(b'{"command": "statu"}\n')
        tap.true('"status"' in client.line()["error"], "a suggestion")
        client.send(b'{"command": "disarm", "guard": "cam"}\n')
        tap.true('"cams"' in client.line()["error"], "a suggestion")
        tap.equal(client.ask("status")["ok"], True, "then a request")
    tap.equal(policy.state(r.sock), before, "state")


def test_pieces_and_pipelines():
    "a request in single bytes, and many requests in one piece"
    _, d = started()
    with d.connect() as client:
        for byte in b'{"command": "guards"}\n':
            client.send(bytes([byte]))
        tap.equal(client.line()["guards"][0]["name"], "cams", "guards")
        count = 200
        client.send(b'{"command": "guards"}\n{"command": "nope"}\n' * count)
        answers = [client.line()["ok"] for _ in range(2 * count)]
        tap.equal(answers, [True, False] * count, "answers in order")
        client.send(b'{"command": "status"}\n{"command": "gu')
        client.sock.shutdown(socket.SHUT_WR)
        tap.equal(client.line()["ok"], True, "status")
        tap.true("newline" in client.line()["error"], "the unfinished one")
        tap.equal(client.line(), None, "the end")


def test_too_large():
    "a request of more than 64 MiB: an error, then the end"
    r, d = started()
    before = policy.state(r.sock)
    with d.connect() as client:
        piece = b" " * MIB
        try:
            for _ in range(66):
                client.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = client.line()
        tap.equal(answer["ok"], False, f"{answer}")
        tap.true("64 MiB" in answer["error"], answer)
    tap.equal(policy.state(r.sock), before, "state")
    tap.equal(d.ask("status")["ok"], True, "others are served")


def test_large_request():
    "a request of some MiB is no problem"
    _, d = started()
    text = daemon.dome(revision=11) + "#" * (8 * MIB) + "\n"
    answer = d.apply(text)
    tap.true(answer["ok"], f"{str(answer)[:200]}")


def test_many_clients():
    "64 connections at a time, the next is told so"
    _, d = started()
    clients = []
    try:
        while True:
            client = d.connect()
            clients.append(client)
            try:
                client.send({"command": "guards"})
            except BrokenPipeError:
                pass            # told and disconnected before it could ask
            answer = client.line()
            if not answer["ok"]:
                break
            tap.true(len(clients) <= 64, "a limit")
        tap.equal(len(clients), 65, "connections")
        tap.true("too many" in answer["error"], answer)
        for client in clients[:64]:
            tap.equal(client.ask("guards")["ok"], True, "each is served")
    finally:
        for client in clients:
            client.close()
    net.wait_for(lambda: connects(d), what="room for another")


def connects(d):
    "Whether there is room for another client."
    with d.connect() as client:
        try:
            return client.ask("guards")["ok"]
        except BrokenPipeError:
            return False


def test_clients_that_vanish():
    "clients that go away in the middle of anything"
    _, d = started()
    for data in (b"", b"{", b'{"command": "status"}\n',
                 b'{"command": "follow"}\n', b'{"command": "profiles"}\n' * 9):
        client = d.connect()
        client.send(data)
        client.close()
    net.wait_for(lambda: d.ask("status")["daemon"]["connections"] == 1,
                 what="all others to be gone")


def test_permission():
    "who is not in the group can not connect"
    _, d = started()
    os.chmod(d.dir, 0o755)
    program = ("import socket, sys\n"
               "s = socket.socket(socket.AF_UNIX)\n"
               f"s.connect({d.socket!r})\n")
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         "/usr/bin/python3", "-c", program],
        check=False, capture_output=True, text=True)
    tap.true("PermissionError" in done.stderr, done.stderr)


def test_who_did_it():
    "the log names process and user of changes"
    _, d = started()
    d.apply(daemon.dome(revision=11))
    d.ask("disarm")
    d.ask("arm")
    d.ask("reload")
    me = f"pid {os.getpid()}, uid 0"
    for what in ("apply", "disarm", "arm", "reload"):
        tap.true(f"{what} ({me})" in d.log(), f"{what}: {d.log()}")


def test_names_that_are_not_text():
    "file names and texts from a client end up in the log as one line each"
    _, d = started()
    name = "po\nlicy\x1b[31m"
    with d.connect() as client:
        answer = client.ask("apply", files=[{"name": name,
                                             "text": "version: 2\n"}])
    tap.equal(answer["ok"], False, f"{answer}")
    tap.equal(answer["diagnostics"][0]["severity"], "error", "severity")
    tap.true("\x1b" not in d.log(), "no escape in the log")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, tap.module],
             each=daemon.cleanup)
