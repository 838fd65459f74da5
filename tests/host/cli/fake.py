# SPDX-License-Identifier: GPL-2.0-only
"""A daemon that says what a test wants, on a control socket of its own.

    with Fake(path, {"status": {"ok": True}, "apply": lambda request: ...}):

An answer is a dictionary; bytes, sent as they are; CLOSE, which ends the
connection; SILENCE, which keeps it open and says nothing; or a function of the
request that returns one of these. What came in is in `requests`.
"""

import json
import os
import socket
import threading

CLOSE = object()
SILENCE = object()


class Fake:
    """Listens from construction until close() or the end of the block."""

    def __init__(self, path, answers=None):
        self.path = path
        self.answers = dict(answers or {})
        self.requests = []
        self.followers = []
        self._clients = []
        self._lock = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,),
                             daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as lines:
            try:
                for line in lines:
                    if not self._answer(client, json.loads(line)):
                        return
            except OSError:     # the client went away: its good right
                return

    def _answer(self, client, request):
        command = request["command"]
        answer = self.answers.get(
            command, {"ok": False, "error": f"the fake knows no {command}"})
        if callable(answer):
            answer = answer(request)
        with self._lock:
            self.requests.append(request)
            self._lock.notify_all()
        if answer is SILENCE:
            return True
        if answer is CLOSE:
            client.shutdown(socket.SHUT_RDWR)
            return False
        if not isinstance(answer, bytes):
            answer = json.dumps(answer, ensure_ascii=False).encode() + b"\n"
        client.sendall(answer)
        if command == "follow" and answer.startswith(b'{"ok": true'):
            with self._lock:
                self.followers.append(client)
                self._lock.notify_all()
        return True

    def wait_followers(self, count=1, timeout=30):
        """Wait until that many clients follow."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.followers) >= count,
                                       timeout):
                raise AssertionError(f"{len(self.followers)} clients follow, "
                                     f"wanted {count}")

    def wait_requests(self, count=1, timeout=30):
        """Wait until that many requests came."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.requests) >= count,
                                       timeout):
                raise AssertionError(f"{len(self.requests)} requests, "
                                     f"wanted {count}")

    def push(self, line):
        """Send an object to who follows."""
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        for client in self.followers:
            client.sendall(data)

    def close(self):
        """End as a daemon does that is stopped: no socket stays."""
        if self._listener is None:
            return
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._thread.join()
        self._listener = None
        with self._lock:
            for client in self._clients:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        if os.path.exists(self.path):
            os.unlink(self.path)
