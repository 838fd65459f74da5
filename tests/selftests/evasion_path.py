#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by the gateway itself: paths around the hook, and things above it.

What else there is on a gateway may take frames before the hook, beside it or
behind it, and a camera may come in by another way. Where Lenscap is on the
path, all of that must make no difference. Where it is not, the test says so,
and whether doctor tells of it.
"""

import os
import shutil
import socket

from lib import bpf, evasion, frames, io, net, path, policy, tap
from lib.evasion import (BULK4, CAM4, CAM6, CAM_MAC, ELSE4, ELSE6, FAR_MAC,
                         GW4, GW6, GW_MAC, OTHER4, OTHER6, OTHER_MAC, PEER4,
                         PING4, PING6, SERVED, WAN_MAC, by, ip, ok, udp)
from lib.nft import need as need_nft
from lib.path import (DENIED, PERMITTED, denied, link, mixed, need, nft,
                      permitted)

SIDE_MAC = "02:00:5e:10:00:31"
# An address that says what a test looks for.
TARGET = socket.inet_ntop(socket.AF_INET6, DENIED + bytes(8))


def side(here, ifname, mac=GW_MAC):
    "Another port of the gateway, to which the camera moves."
    here.world.veth(here.cam, "eth1", here.gw, ifname, None, mac)
    here.links["eth1"] = io.Link(here.cam, "eth1")
    here.world.defer(here.links["eth1"].close)


def moved(to6=False):
    "A frame of the camera's from there."
    return by("eth1", denied(to6))


# The camera moves

@path.path("a cable in another socket", doctor="")
def test_other_port(here):
    "a camera moved to another interface of a gateway that routes"
    side(here, "office")
    yield [moved(), moved(True)]


@path.path("a cable in another socket", at="bridge",
           doctor="bridge-port-unguarded")
def test_other_bridge_port(here):
    "a camera moved to a port of the bridge that has no guard"
    side(here, "spare", SIDE_MAC)
    here.gw.ip("link set spare master br0")
    net.wait_for(lambda: here.run([moved()])[0], what="the port to forward")
    yield [moved(), moved(True)]


@path.path("IEEE 802.1Q: VLAN hopping by configuration", at="trunk, device",
           doctor="vlan-unguarded")
def test_other_vlan(here):
    "a camera moved to a VLAN that the gateway routes and nobody guards"
    here.gw.vlan("trunk", 20, "office")
    here.gw.ip(f"link set office address {GW_MAC}")
    yield [denied(vlans=[20]), denied(True, vlans=[20])]


@path.path("IEEE 802.1Q", at="trunk, device", doctor="untagged-unguarded")
def test_untagged(here):
    "a camera that leaves out the tag, where the trunk has an address"
    here.gw.ip(f"link set trunk address {GW_MAC}")
    here.gw.addr("trunk", "10.31.0.1/24")
    yield [denied(), denied(True)]


# Beside the guard, on what it stands on

@path.path("ip-link(8): a VLAN device of a bridge", at="device",
           doctor="guard-on-bridge")
def test_above_a_bridge(here):
    "a guard on the VLAN device of a bridge: what goes from port to port"
    here.gw.batch(["link del trunk.30", "link add br0 type bridge "
                   "vlan_filtering 1 vlan_default_pvid 0",
                   *(f"link set {port} master br0" for port in ("trunk",
                                                                "wan")),
                   "link set br0 up"])
    members(here, 30)
    here.gw.run("bridge vlan add dev br0 vid 30 self")
    here.gw.vlan("br0", 30, "trunk.30")
    here.wait_open()
    yield [denied(vlans=[30]), denied(True, vlans=[30])]


def members(here, vlan):
    "Both ports of the bridge carry a VLAN."
    for port in ("trunk", "wan"):
        here.gw.run(f"bridge vlan add dev {port} vid {vlan}")


@path.path("bridge(8): VLANs of a port", at="tags", doctor="vlan-unguarded")
def test_bridged_vlan(here):
    "a camera moved to another VLAN that the bridge carries by the same port"
    yield [denied(vlans=[40]), denied(True, vlans=[40])]
    for vlan in (30, 40):
        members(here, vlan)
    here.gw.ip("link set br0 type bridge vlan_filtering 1")
    yield [denied(vlans=[40]), denied(True, vlans=[40])]


@path.path("ip-link(8): macvlan", at="device", doctor="lower-unguarded")
def test_below_a_macvlan(here):
    "a guard on a macvlan: frames to the MAC of the interface below it"
    here.gw.ip("link del trunk.30")
    link(here, "macvlan", f"add link trunk name trunk.30 address {SIDE_MAC} "
         "type macvlan mode bridge")
    here.gw.batch(["link set trunk.30 up", f"link set trunk address {GW_MAC}"])
    here.vlans = []
    here.wait_open()
    yield [denied(), denied(True)]


@path.path("networking/bonding.rst", doctor="bond-port-unguarded")
def test_other_bond_port(here):
    "a guard on one port of a bond: the camera's frames by another"
    side(here, "spare")
    link(here, "bond", f"add upper address {GW_MAC} type bond mode balance-rr")
    here.gw.batch([f"link set {port} {what}" for port in ("trunk", "spare")
                   for what in ("down", "master upper", "up")])
    here.gw.up("upper")
    here.wait_open()
    net.wait_for(lambda: here.run([moved()])[0], what="the port to be used")
    yield [moved(), moved(True)]


# The gateway itself

def more_rules(here, *rules):
    "What the policy permits beside the usual."
    if here.sock:
        usual = evasion.POLICY["profiles"]["p"]
        policy.load(here.sock, {**evasion.POLICY, "profiles": {
            "p": {**usual, "rules": usual["rules"] + list(rules)}}})


@path.path("RFC 2131 section 4.1: answers of a server",
           "upkeep_invalid, upkeep_spoof")
def test_dhcp_server_as_relay(here):
    "a DHCP server on the gateway, told that the camera is a relay abroad"
    path.Dhcp(here)

    # Which network it is about: RFC 3011.
    lan = bytes([118, 4]) + frames.ip("10.30.0.0")
    every = "255.255.255.255"
    asks = [("0.0.0.0", every, 1, {"giaddr": ELSE4, "options": lan}),
            (CAM4, GW4, 1, {"giaddr": ELSE4, "options": lan}),
            ("0.0.0.0", every, 8, {"ciaddr": ELSE4})]
    yield [ip(dst, frames.udp(68, 67, frames.dhcp4(
        CAM_MAC, kind, behind=DENIED, **fields)), src,
              to=GW_MAC if src == CAM4 else frames.BROADCAST)
           for src, dst, kind, fields in asks]
    # Nothing else is wrong with it.
    if here.sock:
        yield [ip(every, frames.udp(68, 67, frames.dhcp4(
            CAM_MAC, 8, ciaddr=ELSE4)), "0.0.0.0", to=frames.BROADCAST)]


@path.path("RFC 2131 section 4.1: answers of a server", "upkeep_invalid")
def test_dhcp_server_by_a_rule(here):
    "the same by a rule: for renewals, or for those who poll cameras, gateway and all"
    path.Dhcp(here)
    more_rules(here, policy.connects(GW4, "udp", 67),
               policy.serves("10.20.0.0/24", "udp", 161),
               policy.connects("10.20.0.0/24", "udp", 67))
    lan = bytes([118, 4]) + frames.ip("10.30.0.0")
    yield [ip(dst, frames.udp(sport, 67, frames.dhcp4(
        CAM_MAC, giaddr=ELSE4, behind=DENIED, options=lan)))
           for dst, sport in (("10.20.0.1", 161), ("10.20.0.1", 68),
                              ("10.20.0.1", 40000), (GW4, 40000))]


@path.path("RFC 2131 section 2: a lease belongs to a name; dnsmasq: "
           "arp_inject", "upkeep_spoof")
def test_dhcp_lease_of_another(here):
    "a request with another's name, and what the gateway sends to that one then"
    server = path.Dhcp(here, knows=False)
    gateway = here.gw.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.world.defer(gateway.close)
    here.others.append(path.Taken(here, CAM_MAC))

    def settle():
        server.settle()
        gateway.sendto(DENIED, (OTHER4, 5004))
        here.back.wait(lambda f: DENIED in f.data and f.data[36:38] ==
                       (5004).to_bytes(2, "big"), what="the datagram")
    here.settle = settle

    def request(mac):
        name = bytes([61, 7, 1]) + frames.mac(OTHER_MAC)
        asked = bytes([50, 4]) + frames.ip(OTHER4)
        return ip("255.255.255.255", frames.udp(68, 67, frames.dhcp4(
            mac, 3, flags=0, options=name + asked)), "0.0.0.0", mac=mac,
                  to=frames.BROADCAST)
    here.links["eth0"].send(request(OTHER_MAC))
    net.wait_for(lambda: OTHER_MAC in here.gw.ip(f"neigh show {OTHER4}"),
                 what="the other's lease")
    yield [request(CAM_MAC)]


@path.path("Linux: packet(7), ISC dhcpd", "unknown_device, upkeep_invalid",
           doctor="packet-socket")
def test_dhcp_server_below(here):
    "a DHCP server that hears by a packet socket what the guard drops"
    server = path.RawDhcp(here)
    here.settle = lambda: server.wait(2)
    yield [ip("255.255.255.255", frames.udp(68, 67, frames.dhcp4(
        mac, giaddr=ELSE4, behind=DENIED)), "0.0.0.0", mac=mac,
              to=frames.BROADCAST) for mac in (CAM_MAC, "02:00:5e:10:66:66")]


@path.path("RFC 1122: services of the gateway", "destination, upkeep_invalid")
def test_gateway_services(here):
    "ssh, web, names, time of the gateway, by each of its addresses"
    path.Local(here)
    yield [ip(dst, frames.tcp(40000, port, "S", DENIED))
           for dst in (GW4, GW6, "10.20.0.1") for port in (22, 80, 443)] + \
        [udp(dst, port, DENIED) for dst in (GW4, GW6, "10.20.0.1", "127.0.0.1",
                                            "10.30.0.255")
         for port in (53, 67, 123)]


@path.path("RFC 1122", "destination, service")
def test_gateway_service_by_a_rule(here):
    "a rule for the gateway's resolver: that, and no other"
    path.Local(here)
    more_rules(here, policy.connects(GW4, "udp", 53),
               policy.connects(GW6, "udp", 53))
    for dst in (GW4, GW6):
        yield [ok(udp(dst, 53, PERMITTED)), udp(dst, 123, DENIED),
               ip(dst, frames.tcp(40000, 53, "S", DENIED))]
    yield [udp("10.20.0.1", 53, DENIED)]


@path.path("RFC 2003, RFC 4213: tunl0 and sit0 take packets from anybody",
           "destination")
def test_tunnel_end(here):
    "a tunnel's end on the gateway, which would unpack for anybody"
    link(here, "IPIP", f"add end4 type ipip local {GW4} remote any")
    link(here, "6in4", f"add end6 type sit local {GW4} remote any")
    here.gw.up("end4", "end6")
    for name in ("end4", "end6"):
        here.gw.sysctl(f"ipv4/conf/{name}/rp_filter", 0)
    inner4 = frames.ipv4(CAM4, ELSE4, frames.udp(40000, 5000, DENIED))
    inner6 = frames.ipv6(CAM6, evasion.ELSE6,
                         frames.udp(40000, 5000, DENIED))
    yield [ip(GW4, frames.proto(4, inner4)), ip(GW4, frames.proto(41, inner6)),
           permitted()]


@path.path("RFC 2473, net/ipv6/ip6_tunnel.c: ip6ip6_err() tells on", "icmp_quote")
def test_tunnel_end_by_error(here):
    "an ICMP error to a tunnel's end, which tells whom the packet inside names"
    link(here, "6in6", f"add end6 type ip6tnl mode any remote :: local {GW6}")
    here.gw.up("end6")
    more_rules(here, policy.connects(GW6, "icmpv6"))
    inner = frames.ipv6(ELSE6, GW6, frames.udp(40000, 5000, DENIED))
    yield [ip(GW6, frames.icmp6(kind, 0, bytes(4), frames.ipv6(
        GW6, CAM6, frames.proto(41, inner)))) for kind in (1, 3)]


def routed(here):
    "The place's guard is one behind a hop; without one, what gets on is waited for."
    if here.sock:
        policy.guard(here.sock, "g", "trunk", identity="ip")
        policy.load(here.sock, {**evasion.POLICY, "devices": {
            "cam": {"addresses": [CAM4, CAM6], "profile": "p"}}})
    return here.sock


@path.path("RFC 4861, RFC 4443 section 3.1", "upkeep_spoof")
def test_neighbour_that_is_not_there(here):
    "behind a routed hop, upkeep to nobody: whom it names gets it, undelivered"
    for key in ("mcast_solicit", "retrans_time_ms"):
        here.gw.sysctl(f"ipv6/neigh/trunk/{key}", 1)
    if not routed(here):
        here.settle = lambda: here.seen.wait(lambda f: DENIED in f.data, 2,
                                             what="what is undelivered")
    yield [ip(dst, message(TARGET), src=ELSE6, hop=255) for dst, message in (
        ("fe80::dead:1", frames.nd_ns), ("fe80::dead:2", frames.nd_na))]


@path.path("RFC 4861 section 6.2.6, dnsmasq(8): --enable-ra", "upkeep_spoof")
def test_router_that_is_asked(here):
    "behind a routed hop, for somebody beyond: the gateway's daemon answers him"
    path.advertise(here)
    if not routed(here):
        here.settle = lambda: here.seen.wait(lambda f: DENIED in f.data,
                                             what="the advertisement")
    yield [ip("ff02::2", frames.nd_rs(CAM_MAC), hop=255,
              src=socket.inet_ntop(socket.AF_INET6,
                                   frames.ip(ELSE6)[:8] + DENIED))]


# Before the hook

@path.path("tc-mirred(8): ingress runs before netfilter", doctor="tc-ingress")
def test_tc_redirect(here):
    "a tc filter that sends the guard's frames out of another interface"
    tc(here, "redirect")
    yield [denied(), denied(True)]


@path.path("tc-mirred(8)", "destination", doctor="tc-ingress")
def test_tc_mirror(here):
    "a tc filter that sends copies of them: the copies nobody judges"
    if here.sock:
        tc(here, "mirror")
    yield [denied(), denied(True)]


def tc(here, what):
    "clsact with an action on all that comes in by the trunk."
    if not shutil.which("tc"):
        raise tap.Skip("needs tc")
    run = ["tc", "-n", here.gw.name]
    need("clsact", [*run, "qdisc", "add", "dev", "trunk", "clsact"])
    need("mirred", [*run, "filter", "add", "dev", "trunk", "ingress",
                    "matchall", "action", "mirred", "egress", what, "dev",
                    "wan"])


@path.path("bpf-helpers(7): bpf_redirect; XDP runs first", doctor="xdp")
def test_xdp_redirect(here):
    "an XDP program that sends the guard's frames out of another interface"
    bpf.amd64()
    here.world.defer(bpf.attach(
        here.gw, "trunk", bpf.XDP, bpf.ATTACH_XDP, bpf.XDP_SKB_MODE,
        bpf.redirect(here.gw.index("wan"))))
    yield [denied(), denied(True)]


def forward_at(here, priority):
    "A netdev chain that forwards everything by itself."
    nft(here, f"""table netdev t {{ chain c {{
        type filter hook ingress device "trunk" priority {priority};
        fwd to "wan" }} }}""", "fwd")


@path.path("nft(8): fwd; nf_hook_entries_grow() puts a later one of the same "
           "priority first", doctor="hook-ahead")
def test_nft_forward_first(here):
    "a netdev chain of the first priority, added after the guard"
    forward_at(here, -2147483648)
    yield [denied(), denied(True)]


@path.path("nft(8): fwd", "destination")
def test_nft_forward_behind(here):
    "a netdev chain of the next priority that forwards by itself"
    forward_at(here, -2147483647)
    yield mixed()


# Behind the hook

@path.path("nft(8): flowtables, net/netfilter/nf_flow_table_ip.c",
           "destination")
def test_flowtable(here):
    "a flow in the flowtable is judged, and cut when the policy tightens"
    nft(here, """table inet t {
        flowtable f { hook ingress priority 0; devices = { trunk, wan }; }
        counter slow { }
        chain forward { type filter hook forward priority 0;
            udp dport 7 counter name slow
            ct state established flow add @f } }""", "flowtable")
    yield [permitted(), denied(), permitted()]
    answered(here, frames.eth(WAN_MAC, FAR_MAC, frames.ipv4(
        BULK4, CAM4, frames.udp(7, 40000, b"an answer"))), b"an answer")
    yield [permitted()]         # this one still takes the long way, or not
    slow = path.counter(here, "slow")
    yield [permitted(), permitted(), permitted()]
    by_table(here, slow + 1)
    if here.sock:
        policy.load(here.sock, {**evasion.POLICY, "profiles": {"p": {
            "class": 1, "rules": [policy.connects(PEER4, "udp",
                                                  evasion.PORT)]}}})
    slow = path.counter(here, "slow")
    yield [udp(BULK4, 7, DENIED), udp(BULK4, 7, DENIED)]
    by_table(here, slow + 1)


def by_table(here, most):
    "A change of the routes takes a flow out, for one frame."
    slow = path.counter(here, "slow")
    tap.true(slow <= most, f"{slow} frames beside the table, not {most}")


def answered(here, frame, mark):
    "Something from the far side, which the camera gets."
    with io.Link(here.far, "eth0") as back:
        back.send(frame)
    here.back.wait(lambda f: mark in f.data, what="what the far side sent")


@path.path("nft(8): flags offload", "destination")
def test_hardware_offload(here):
    "a flowtable in hardware: refused where the interface has none"
    need_nft()
    done = here.gw.nft("add table inet t; add flowtable inet t f "
                       "{ hook ingress priority 0; flags offload; "
                       "devices = { trunk, wan }; }", check=False)
    tap.true(done.returncode, "the kernel offloads to a veth")
    yield mixed()


@path.path("RFC 959: active FTP; conntrack helpers", "service")
def test_related(here):
    "a connection that a conntrack helper takes for related, from the camera"
    nft(here, f"""table ip t {{
        ct helper ftp {{ type "ftp" protocol tcp; }}
        chain pre {{ type filter hook prerouting priority 0;
            tcp dport {SERVED} ct helper set "ftp" }}
        chain forward {{ type filter hook forward priority 0; policy drop;
            ct state established,related accept
            tcp dport {SERVED} accept
            udp dport {{ {evasion.PORT}, 7 }} accept }} }}""", "FTP helper")

    def peer(flags, data=b"", seq=101, ack=501):
        frame = frames.eth(WAN_MAC, FAR_MAC, frames.ipv4(
            PEER4, CAM4, frames.tcp(45000, SERVED, flags, data, seq, ack)))
        here.back.clear()
        answered(here, frame, frames.ip(PEER4) + frames.ip(CAM4))

    def camera(flags, sport=SERVED, dport=45000, data=PERMITTED, seq=500,
               ack=101):
        return ip(PEER4, frames.tcp(sport, dport, flags, data, seq, ack))
    # Without a helper's word it would go no further.
    tap.equal(len(here.run([camera("S", 20, 51210)])[0]), 0, "arrived before")
    peer("S", seq=100, ack=0)
    yield [ok(camera("SA", data=PERMITTED))]
    peer("A", ack=501 + len(PERMITTED))
    # A helper reads a line only behind a line.
    peer("PA", b"USER me\r\n", ack=501 + len(PERMITTED))
    peer("PA", b"PORT 10,20,0,10,200,10\r\n", 110, 501 + len(PERMITTED))
    yield [camera("S", 20, 51210, DENIED, 900, 0)]


@path.path("nft(8): masquerade, RFC 2663", "destination, service")
def test_masquerade(here):
    "addresses that change behind the hook: the tag is still there to check"
    check = "meta mark & 0xff000000 != 0x4c000000 drop" if here.sock else "accept"
    nft(here, f"""table ip t {{
        chain forward {{ type filter hook forward priority 0; {check} }}
        chain post {{ type nat hook postrouting priority 100;
            oif "wan" masquerade }} }}""", "masquerade")
    yield [permitted(), denied(), permitted(port=8), udp(PEER4, 9, DENIED)]
    new = [frame for frame in here.seen.frames if PERMITTED in frame.data]
    tap.true(all(f.data[26:30] == frames.ip("10.20.0.1") for f in new), new)


def masked(here, family, other, mask, frame):
    "Somebody else's connection from the far side, which looks like the mask's."
    here.gw.ip(f"neigh replace {other} lladdr {OTHER_MAC} dev trunk")
    nft(here, f"""table {family} t {{
        chain forward {{ type filter hook forward priority 0;
            ct state invalid drop }}
        chain post {{ type nat hook postrouting priority 100;
            {family} daddr {other} snat to {mask} }} }}""", "snat")
    answered(here, frames.eth(WAN_MAC, FAR_MAC, frame), b"a viewer")


@path.path("RFC 5927, net/netfilter/nf_conntrack_proto_icmp.c: related",
           "icmp_quote")
def test_error_by_nat(here):
    "ICMP to a permitted peer, which somebody else's connection is masked by"
    masked(here, "ip", OTHER4, PING4, frames.ipv4(
        ELSE4, OTHER4, frames.udp(4321, 5004, b"a viewer")))
    quote = frames.ipv4(PING4, OTHER4, frames.udp(4321, 5004, bytes(8)))
    # Connection tracking makes of each: to ELSE4.
    yield [ip(PING4, frames.icmp(kind, code, bytes(4), quote + DENIED))
           for kind, code in ((3, 3), (3, 1), (4, 0), (11, 0), (12, 0))]


@path.path("RFC 2131 section 4.4.5, net/netfilter/nf_conntrack_core.c: replies",
           "upkeep_off")
def test_renewal_by_nat(here):
    "a renewal to the gateway, which somebody who called from port 67 is masked by"
    masked(here, "ip", CAM4, GW4, frames.ipv4(
        ELSE4, CAM4, frames.udp(67, 68, b"a viewer")))
    # Connection tracking makes of each: to ELSE4.
    yield [ip(GW4, frames.udp(68, 67, frames.dhcp4(
        CAM_MAC, kind, ciaddr=CAM4, options=bytes([12, len(DENIED)]) + DENIED)))
           for kind in (3, 7, 8)]


@path.path("RFC 4302, net/netfilter/nf_conntrack_proto_icmpv6.c: related",
           "ext_header")
def test_error_behind_ah(here):
    "the same behind AH, which a rule permits: connection tracking walks on"
    more_rules(here, policy.connects(PING6, "ah"))
    masked(here, "ip6", OTHER6, PING6, frames.ipv6(
        ELSE6, OTHER6, frames.udp(4321, 5004, b"a viewer")))
    quote = frames.ipv6(PING6, OTHER6, frames.udp(4321, 5004, bytes(8)))
    yield [ip(PING6, frames.authentication(
        frames.icmp6(kind, code, bytes(4), quote + DENIED)))
           for kind, code in ((1, 4), (2, 0), (3, 0), (4, 0))]


@path.path("nft(8): dnat, a transparent proxy", "destination, service")
def test_proxy_by_nat(here):
    "a proxy of the gateway that takes all connections: the old one counts"
    nft(here, f"""table ip t {{ chain pre {{
        type nat hook prerouting priority -100;
        ip daddr {{ {ELSE4}, {BULK4} }} udp dport {{ 7, 5000 }} dnat to {GW4}:3128
        ip daddr {PEER4} udp dport 5001 dnat to {BULK4}:7
        ip daddr {ELSE4} udp dport 5002 dnat to {BULK4}:7 }} }}""", "dnat")
    path.Local(here)
    yield [denied(), permitted(), udp(PEER4, 5001, DENIED),
           udp(ELSE4, 5002, DENIED)]


@path.path("nft(8): tproxy, networking/tproxy.rst", "destination")
def test_proxy_by_tproxy(here):
    "the same by tproxy, which leaves addresses as they are"
    here.gw.batch(["rule add fwmark 0x10000/0x10000 lookup 100",
                   "route add local default dev lo table 100"])
    take = "tproxy to 127.0.0.1:3128 meta mark set " \
        "meta mark & 0xfffeffff | 0x00010000 accept"
    nft(here, f"""table ip t {{ chain pre {{
        type filter hook prerouting priority -150;
        ip daddr {{ {ELSE4}, {BULK4} }} udp dport {{ 7, 5000 }} {take} }} }}""",
        "tproxy")
    proxy = here.gw.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.world.defer(proxy.close)
    proxy.setsockopt(socket.IPPROTO_IP, 19, 1)      # IP_TRANSPARENT
    proxy.bind(("127.0.0.1", 3128))
    path.Local(here)
    yield [denied(), permitted()]


@path.path("sysctl net.bridge.bridge-nf-call-iptables", "destination",
           at="bridge")
def test_br_netfilter(here):
    "bridged frames through the IP hooks, on and off"
    where = "/proc/sys/net/bridge"
    if not os.path.isdir(where):
        need("br_netfilter", ["modprobe", "br_netfilter"])
        here.world.defer(net.run, ["rmmod", "br_netfilter"], False)
    nft(here, """table inet t { counter seen { }
        chain forward { type filter hook forward priority 0;
            counter name seen } }""")
    for value in (1, 0, 1):
        for family in ("ip", "ip6"):
            here.gw.sysctl(f"bridge/bridge-nf-call-{family}tables", value)
        before = path.counter(here, "seen")
        yield mixed()
        tap.equal(path.counter(here, "seen") > before, bool(value),
                  "the IP hooks saw them")


if __name__ == "__main__":
    evasion.main(globals())
