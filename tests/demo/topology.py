# SPDX-License-Identifier: GPL-2.0-only
"""
The site: cameras on a VLAN, a gateway, servers behind it, and the world.

    fence-017 --+
    gate-003  --+-- switch == trunk0, VLAN 30 == gateway --+-- recorder, time
    stranger  --+                                          +-- abroad
"""

from netns import run, set_sysctl

VLAN = 30
ABROAD4 = "203.0.113.66"
ABROAD6 = "2001:db8:bad::66"
CAMERAS4 = "10.30.0.0/24"
CAMERAS6 = "2001:db8:30::/64"


class Host:
    """A machine with one interface, eth0, in a namespace of its own."""

    # Whether the policy names it; of no meaning for what is no camera.
    known = True

    def __init__(self, name, mac, ipv4, ipv6):
        self.name = name
        self.mac = mac
        self.ipv4 = ipv4
        self.ipv6 = ipv6


FENCE = Host("fence-017", "02:00:5e:10:00:17", "10.30.0.17", "2001:db8:30::17")
GATE = Host("gate-003", "02:00:5e:10:00:03", "10.30.0.3", "2001:db8:30::3")
STRANGER = Host("stranger", "02:00:5e:66:66:66", "10.30.0.66",
                "2001:db8:30::66")
RECORDER = Host("recorder", "02:00:5e:20:00:10", "10.20.0.10",
                "2001:db8:20::10")
TIME = Host("time", "02:00:5e:20:01:23", "10.20.0.123", "2001:db8:20::123")
STRANGER.known = False
ABROAD = Host("abroad", "02:00:5e:bb:bb:66", ABROAD4, ABROAD6)

CAMERAS = (FENCE, GATE)
TRUNK_MAC = "02:00:5e:30:00:01"


def _namespace(name, sysctls=()):
    run("ip", "netns", "add", name)
    # Addresses are given by hand; nothing is learnt from routers.
    set_sysctl(name, {"ipv6/conf/all/accept_ra": 0,
                      "ipv6/conf/default/accept_ra": 0,
                      "ipv6/conf/default/accept_dad": 0, **dict(sysctls)})
    _ip(name, "link set lo up")


def _ip(netns, *commands):
    run("ip", "-batch", "-", netns=netns, stdin="\n".join(commands) + "\n")


def _cable(ns_a, if_a, ns_b, if_b, mac):
    """Two plugs and a wire between them."""
    run("ip", "link", "add", if_a, "netns", ns_a, "address", mac, "type",
        "veth", "peer", "name", if_b, "netns", ns_b)
    # As on a real wire, a frame is a frame: no super-packets, so that
    # whoever counts counts the same.
    for netns, name in ((ns_a, if_a), (ns_b, if_b)):
        run("ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off",
            netns=netns)


def _plug(host, where, port):
    """Make a host and plug its eth0 into a port of the namespace `where`."""
    _namespace(host.name)
    _cable(host.name, "eth0", where, port, host.mac)
    routers = [address[:max(address.rfind("."), address.rfind(":")) + 1] + "1"
               for address in (host.ipv4, host.ipv6)]
    _ip(where, f"link set {port} up")
    _ip(host.name,
        f"addr add {host.ipv4}/24 dev eth0",
        f"addr add {host.ipv6}/64 dev eth0 nodad",
        "link set eth0 up",
        f"route add 0.0.0.0/0 via {routers[0]}",
        f"route add ::/0 via {routers[1]}")


def _access_port(port):
    """An untagged switch port in the camera VLAN."""
    _ip("switch", f"link set {port} master br0")
    run("bridge", "-batch", "-", netns="switch",
        stdin=f"vlan del dev {port} vid 1\n"
              f"vlan add dev {port} vid {VLAN} pvid untagged\n")


def build():
    """Build the site, with all but the stranger's camera."""
    _namespace("switch")
    _namespace("gateway", {"ipv4/ip_forward": 1,
                           "ipv6/conf/all/forwarding": 1})

    _cable("gateway", "trunk0", "switch", "trunk", TRUNK_MAC)
    _ip("switch",
        "link add name br0 type bridge vlan_filtering 1 mcast_snooping 0",
        "link set br0 up",
        "link set trunk master br0 up")
    run("bridge", "vlan", "add", "dev", "trunk", "vid", str(VLAN),
        netns="switch")
    _ip("gateway",
        "link set trunk0 up",
        f"link add link trunk0 name cameras type vlan id {VLAN}",
        "link set cameras up",
        "addr add 10.30.0.1/24 dev cameras",
        "addr add 2001:db8:30::1/64 dev cameras nodad",
        "link add name servers type bridge mcast_snooping 0",
        "link set servers up",
        "addr add 10.20.0.1/24 dev servers",
        "addr add 2001:db8:20::1/64 dev servers nodad")
    for camera in CAMERAS:
        _plug(camera, "switch", camera.name)
        _access_port(camera.name)
    for server in (RECORDER, TIME):
        _plug(server, "gateway", server.name)
        _ip("gateway", f"link set {server.name} master servers")
    _plug(ABROAD, "gateway", "wan0")
    _ip("gateway",
        "addr add 203.0.113.1/24 dev wan0",
        "addr add 2001:db8:bad::1/64 dev wan0 nodad")


def plug_stranger():
    """
    Somebody plugs a camera of their own into the switch.

    It knows the gateway's MAC, as whoever once listened there does: asking
    for it would already be refused.
    """
    _plug(STRANGER, "switch", STRANGER.name)
    _access_port(STRANGER.name)
    _ip(STRANGER.name, *(f"neigh replace {router} lladdr {TRUNK_MAC} dev eth0 "
                         "nud permanent"
                         for router in ("10.30.0.1", "2001:db8:30::1")))
