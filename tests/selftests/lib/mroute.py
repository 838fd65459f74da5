# SPDX-License-Identifier: GPL-2.0-only
"""Multicast routing with fixed entries, as a routing daemon would set them.

    routes = mroute.Routes4(gw, "trunk", "wan", {4: [("10.30.0.17", "239.1.1.1")]})
    ...
    routes.close()

What a source sends to a group by the first interface goes out by the second,
for as long as the socket is open. See <linux/mroute.h>, <linux/mroute6.h>.
"""

import errno
import socket
import struct

from . import frames

IGMP, ICMPV6 = 2, 58
INIT, ADD_VIF, ADD_MFC = 200, 202, 204      # the same numbers for both
VIFF_USE_IFINDEX = 8
MAXVIFS = 32


class Missing(Exception):
    """The kernel has no multicast routing."""


class _Routes:
    family, proto, level, number = None, None, None, None

    def __init__(self, ns, source, target, entries):
        self.sock = ns.socket(self.family, socket.SOCK_RAW, self.proto)
        try:
            self._set(INIT, struct.pack("=i", 1))
            for vif, name in enumerate((source, target)):
                self._set(ADD_VIF, self.interface(vif, ns.index(name)))
            for sender, group in entries[self.number]:
                self._set(ADD_MFC, self.entry(frames.ip(sender),
                                              frames.ip(group)))
        except OSError as err:
            self.close()
            if err.errno in (errno.ENOPROTOOPT, errno.EOPNOTSUPP):
                raise Missing("this kernel has no multicast routing for "
                              f"IPv{self.number}") from err
            raise

    def _set(self, option, data):
        self.sock.setsockopt(self.level, option, data)

    def close(self):
        """Forget all of it."""
        self.sock.close()


class Routes4(_Routes):
    """Those of IPv4."""

    family, proto, level, number = socket.AF_INET, IGMP, socket.IPPROTO_IP, 4

    @staticmethod
    def interface(vif, index):
        """struct vifctl."""
        return struct.pack("=HBBIi4s", vif, VIFF_USE_IFINDEX, 1, 0, index,
                           bytes(4))

    @staticmethod
    def entry(sender, group):
        """struct mfcctl: from the first to the second, whatever the TTL."""
        return struct.pack(f"=4s4sH{MAXVIFS}s2xIIIi", sender, group, 0,
                           b"\0\1".ljust(MAXVIFS, b"\0"), 0, 0, 0, 0)


class Routes6(_Routes):
    """Those of IPv6."""

    family, proto, level, number = (socket.AF_INET6, ICMPV6,
                                    socket.IPPROTO_IPV6, 6)

    @staticmethod
    def interface(vif, index):
        """struct mif6ctl."""
        return struct.pack("=HBBHxxI", vif, 0, 1, index, 0)

    @staticmethod
    def entry(sender, group):
        """struct mf6cctl: out by the second alone."""
        def address(value):
            return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, value, 0)
        return (address(sender) + address(group) +
                struct.pack("=Hxx8I", 0, 1 << 1, *[0] * 7))
