# SPDX-License-Identifier: GPL-2.0-only
"""Whoever listens where the cameras should not talk to."""

import errno
import selectors
import socket
import threading
from collections import Counter

import netns


def family(address):
    """The socket family of an address in text."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Sink:
    """
    Listens on (host name, protocol, address, port), and counts arrivals.

    connections, datagrams and bytes are indexed by (protocol, address, port).
    """

    def __init__(self, places):
        self.connections = Counter()
        self.datagrams = Counter()
        self.bytes = Counter()
        self._selector = selectors.DefaultSelector()
        for host, protocol, address, port in places:
            kind = (socket.SOCK_STREAM if protocol == "tcp"
                    else socket.SOCK_DGRAM)
            sock = netns.open_socket(host, family(address), kind)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            if protocol == "tcp":
                sock.listen()
            sock.setblocking(False)
            self._selector.register(
                sock, selectors.EVENT_READ,
                (self._accept if protocol == "tcp" else self._datagram,
                 (protocol, address, port)))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            for key, _events in self._selector.select():
                handler, place = key.data
                handler(key.fileobj, place)

    def _accept(self, sock, place):
        connection, _peer = sock.accept()
        connection.setblocking(False)
        self.connections[place] += 1
        self._selector.register(connection, selectors.EVENT_READ,
                                (self._data, place))

    def _data(self, sock, place):
        try:
            data = sock.recv(65536)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return
            data = b""
        self.bytes[place] += len(data)
        if not data:
            self._selector.unregister(sock)
            sock.close()

    def _datagram(self, sock, place):
        self.bytes[place] += len(sock.recv(65536))
        self.datagrams[place] += 1

    def snapshot(self):
        """(connections, datagrams, bytes) in all."""
        return (self.connections.total(), self.datagrams.total(),
                self.bytes.total())
