#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The interlock on guarded interfaces: what the module does not judge stays."""

import re
import socket

from lib import daemon, frames, io, lock, net, policy, rig, tap
from lib.daemon import guard


def hold(site, names=("cams",), v4=None, v6=None):
    "With the module nothing is counted; without it nothing passes."
    v4 = v4 or site.frame
    v6 = v6 or (lambda: site.frame(src=lock.CAM6))
    site.passes(v4())
    site.passes(v6())
    tap.equal(set(site.counts().values()), {0}, "nothing was counted")
    site.unguard(*names)
    site.blocked(v4(), names[0])
    site.blocked(v6(), names[0], count=3)


def test_routed():
    "a routed interface, IPv4 and IPv6; and back"
    site = lock.Site([guard("cams")])
    hold(site)
    site.blocked(site.frame(src="10.30.0.200", mac="02:00:5e:99:00:01"),
                 "cams")
    site.blocked(frames.eth(frames.BROADCAST, rig.CAM_MAC, frames.arp(
        1, rig.CAM_MAC, rig.CAM_IP, bytes(6), "10.30.0.1")), "cams")
    site.guarded()
    site.passes(site.frame())


def test_trunk():
    "VLANs of a trunk: theirs is held, others and untagged frames pass"
    site = lock.Site([guard("cams", vlan=30), guard("more", vlan=31)],
                     devices=())
    site.gw.vlan("trunk", 30, "v30")
    site.gw.vlan("trunk", 7, "v7")
    site.gw.addr("v30", lock.GW4["trunk"], lock.GW6["trunk"])
    site.gw.addr("v7", "10.77.0.1/24")
    hold(site, ("cams", "more"), lambda: site.frame(vlans=(30,)),
         lambda: site.frame(src=lock.CAM6, vlans=(30,)))
    site.blocked(site.frame(vlans=(31,)), "more")
    site.blocked(site.frame(vlans=((0x88a8, 30),)), "cams")
    host = {"src": "10.77.0.5", "mac": "02:00:5e:77:00:05"}
    site.passes(site.frame(vlans=(7,), **host))
    site.gw.addr("trunk", "10.78.0.1/24")
    site.passes(site.frame(**host))


def test_priority_tag():
    "priority tags before the VLAN id, which the kernel strips"
    site = lock.Site([guard("cams", vlan=30)], devices=())
    site.gw.vlan("trunk", 30, "v30")
    site.gw.addr("v30", lock.GW4["trunk"], lock.GW6["trunk"])
    site.gw.vlan("trunk", 7, "v7")
    site.unguard("cams")
    host = {"src": "10.77.0.5", "mac": "02:00:5e:77:00:05"}
    for first in (0, (0x88a8, 0)):
        for second in (30, (0x88a8, 30)):
            site.blocked(site.frame(vlans=(first, second), **host), "cams")
    site.blocked(site.frame(vlans=(0, 0, 30), **host), "cams")
    site.blocked(site.frame(vlans=(0, 0, 0, 0, 0, 30), **host), "cams")
    site.passes(site.frame(vlans=(0, 7), **host))
    # A priority tag alone is no VLAN.
    site.passes(site.frame(vlans=(0,), **host))


def test_trunk_with_untagged_guard():
    "a guard without VLAN has all that no other guard has"
    site = lock.Site([guard("cams", vlan=30), guard("rest")])
    site.unguard("cams", "rest")
    site.blocked(site.frame(), "rest")
    site.blocked(site.frame(vlans=(30,)), "cams")
    site.blocked(site.frame(vlans=(7,)), "rest")
    site.blocked(site.frame(vlans=(0,)), "rest")
    site.blocked(site.frame(vlans=(0, 30)), "cams")
    site.blocked(site.frame(vlans=(0, 7)), "rest")
    site.blocked(site.frame(vlans=(0, 0, 30)), "rest")


def beside_audited():
    "A VLAN's guard beside one that audits all else, and who is unknown."
    site = lock.Site([guard("cams", vlan=30), guard("rest", mode="audit")],
                     devices=())
    site.gw.vlan("trunk", 30, "v30")
    site.gw.addr("v30", lock.GW4["trunk"], lock.GW6["trunk"])
    site.gw.addr("trunk", "10.31.0.1/24")
    return site, {"src": "10.31.0.9", "mac": "02:00:5e:31:00:09"}


def test_audited_beside():
    "the tag of a guard that audits does not open one that is disarmed"
    site, stranger = beside_audited()
    site.passes(site.frame(vlans=(30,)))
    site.passes(site.frame(**stranger))
    site.daemon.ask("disarm", guard="cams")
    for vlans in ((30,), (0, 30), ((0x88a8, 0), 30), (0, (0x88a8, 30)),
                  (0, 0, 30), (0, (0x88a8, 0), 30), ((0x88a8, 0), 0, 0, 30)):
        site.blocked(site.frame(vlans=vlans), "cams")
        site.blocked(site.frame(vlans=vlans, **stranger), "cams")
    site.passes(site.frame(**stranger))
    site.guarded()
    site.passes(site.frame(vlans=(30,)))


def test_audited_below():
    "nor does that of one on the interface below"
    site = lock.Site([guard("cams", "v30"), guard("more", "v31", vlan=5),
                      guard("rest", mode="audit")], devices=(), start=False)
    for vlan in (30, 31):
        site.gw.vlan("trunk", vlan, f"v{vlan}")
    site.gw.vlan("v31", 5, "v31.5")
    site.gw.addr("v30", lock.GW4["trunk"], lock.GW6["trunk"])
    site.gw.addr("v31", "10.31.0.1/24")
    site.daemon.start()
    site.warm()
    stranger = {"src": "10.31.0.9", "mac": "02:00:5e:31:00:09"}
    site.passes(site.frame(vlans=(30,)))
    site.passes(site.frame(vlans=(31,), **stranger))
    site.daemon.ask("disarm", guard="cams")
    site.daemon.ask("disarm", guard="more")
    site.blocked(site.frame(vlans=(30,)), "cams")
    site.blocked(site.frame(vlans=(30,), **stranger), "cams")
    site.blocked(site.frame(vlans=(31, 5), **stranger), "more")
    site.passes(site.frame(vlans=(31,), **stranger))
    site.guarded()
    site.passes(site.frame(vlans=(30,)))
    site.blocked(site.frame(vlans=(31, 5), **stranger), "more")
    # A guard that waits for another name judges here no more than none.
    site.daemon.ask("disarm", guard="cams")
    site.gw.batch(["link set v30 down", "link set v30 name x30",
                   "link set x30 up"])
    site.daemon.ask("arm", guard="cams")
    policy.wait_guard(site.rig.sock, "cams", "waiting")
    site.blocked(site.frame(vlans=(30,), **stranger), "cams")


def test_shut_beside():
    "a guard without a VLAN that is disarmed leaves those of VLANs as they are"
    site, stranger = beside_audited()
    site.daemon.ask("disarm", guard="rest")
    site.passes(site.frame(vlans=(30,)))
    site.passes(site.frame(src=lock.CAM6, vlans=(30,)))
    for vlans in ((), (0,), (31,), (0, 31)):
        site.blocked(site.frame(vlans=vlans, **stranger), "rest")


def test_vlan_device():
    "a guard on a VLAN device; the trunk below it is not touched"
    site = lock.Site([guard("cams", "v30")], devices=(), start=False)
    site.gw.vlan("trunk", 30, "v30")
    site.gw.addr("v30", lock.GW4["trunk"], lock.GW6["trunk"])
    site.gw.addr("trunk", "10.78.0.1/24")
    site.daemon.start()
    site.warm()
    hold(site, ("cams",), lambda: site.frame(vlans=(30,)),
         lambda: site.frame(src=lock.CAM6, vlans=(30,)))
    site.passes(site.frame(src="10.78.0.5", mac="02:00:5e:78:00:05"))


def test_macvlan():
    "the tag comes along to a device that has a MAC of its own on the guard's"
    site = lock.Site([guard("cams")], devices=(), start=False)
    mac = "02:00:5e:10:00:02"
    site.gw.ip(f"link add mv link trunk address {mac} type macvlan")
    site.gw.up("mv")
    site.gw.addr("mv", lock.GW4["trunk"], lock.GW6["trunk"])
    site.daemon.start()
    site.warm()
    hold(site, v4=lambda: site.frame(to=mac),
         v6=lambda: site.frame(src=lock.CAM6, to=mac))


def test_vrf():
    "packets pass prerouting twice, of the port and of the VRF"
    site = lock.Site([guard("cams")], start=False)
    done = site.gw.run("ip link add red type vrf table 10", check=False)
    if done.returncode:
        raise tap.Skip(f"no VRF: {done.stderr.strip()}")
    site.gw.up("red")
    for port in ("trunk", "lan", "side"):
        site.gw.ip(f"link set {port} master red")
        site.gw.addr(port, lock.GW6[port])      # those of IPv6 are gone
    site.daemon.start()
    for src in (lock.ALIEN, lock.ALIEN6):
        site.passes(site.alien_frame(src=src), link=site.alien_link)
    for src in (rig.CAM_IP, lock.CAM6):
        site.blocked(site.alien_frame(src=src), "prerouting",
                     link=site.alien_link)
    before = site.counts()
    site.passes(site.frame())
    site.passes(site.frame(src=lock.CAM6))
    tap.equal(site.counts(), before, "of what was judged")


def test_bridged():
    "ports of a bridge: the camera's is held, the others are not"
    site = lock.Site([guard("cams")], devices=(), start=False)
    site.gw.ip("addr flush dev lan")
    site.gw.ip("addr flush dev side")
    site.gw.bridge("br0", "trunk", "lan", "side")
    peer_mac = site.settle()
    site.peer.addr("eth0", "10.30.0.10/24")
    site.daemon.start()
    to = {"to": peer_mac}
    hold(site, ("cams",), lambda: site.frame(**to),
         lambda: site.frame(src=lock.CAM6, **to))
    site.passes(site.frame(src=lock.ALIEN, mac=lock.ALIEN_MAC, **to),
                link=site.alien_link)


def test_flowtable():
    "a flow that sits in a software flowtable is cut as well"
    site = lock.Site([guard("cams")])
    done = site.gw.nft(["-f", "-"], check=False, text="""
table inet fast {
    counter slow { }
    flowtable f { hook ingress priority 0; devices = { lan, trunk }; }
    chain forward {
        type filter hook forward priority 0;
        udp dport 5000 counter name slow flow add @f
    }
}
""")
    if done.returncode:
        raise tap.Skip(f"no flowtables: {done.stderr.strip()}")

    def slow():
        "Packets that took the slow path."
        listed = site.gw.nft("list counter inet fast slow").stdout
        return int(listed.split("packets")[1].split()[0])

    def offloaded():
        "Send one; did the flow's table forward it?"
        before = slow()
        site.passes(site.frame())
        return slow() == before

    site.passes(site.frame())
    # An answer makes the flow one of both directions.
    site.peer.run(["python3", "-c",
                   "import socket; s = socket.socket(2, 2); "
                   "s.bind(('10.20.0.10', 5001)); "
                   "s.sendto(b'x', ('10.30.0.17', 40000))"])
    net.wait_for(offloaded, what="the flow to be in the table")
    tap.equal(set(site.counts().values()), {0}, "nothing was counted")
    before = slow()
    site.unguard("cams")
    site.blocked(site.frame(), "cams", count=5)
    tap.equal(slow(), before, "packets of the slow path")
    site.guarded()
    site.passes(site.frame())


FORGED = "02:00:5e:99:00:09"
LLDP = 0x88cc
UNKNOWN_OPTION = bytes([0x9e, 4, 0, 0, 0, 0])   # RFC 8200, 4.2: 10: answer


def answers(site):
    "How often the gateway said that it does not know an option."
    for line in site.gw.run("cat /proc/net/snmp6").stdout.splitlines():
        name, value = line.split()
        if name == "Icmp6OutParmProblems":
            return int(value)
    raise AssertionError("nobody counts answers")


def to_groups(site, groups, vlans=()):
    "IP and ARP to the groups of IEEE 802.1Q, from who says to be anybody."
    for last in groups:
        to = f"01:80:c2:00:00:{last:02x}"
        for gateway, src in (("10.30.0.1", "10.30.0.99"),
                             ("2001:db8:30::1", "2001:db8:30::99")):
            yield site.frame(src=src, dst=gateway, mac=FORGED, to=to,
                             vlans=vlans)
        yield frames.eth(to, FORGED, frames.ipv6(
            lock.PEER6, "2001:db8:30::1", frames.hop_by_hop(
                frames.udp(40000, rig.PEER_PORT, site.payload()),
                UNKNOWN_OPTION)), vlans=vlans)
        yield frames.eth(to, FORGED, frames.arp(
            1, FORGED, "10.30.0.99", bytes(6), "10.30.0.1"), vlans=vlans)


def listen(ifname, kind):
    "Hear frames of one protocol where the kernel's protocols do."
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.settimeout(net.TIMEOUT)
    sock.bind((ifname, kind))
    return sock


def under(site):
    "Ports on which the interlock stands."
    return re.findall(r"chain under-(\S+) {", site.rules()[0])


def reserved(site, link, groups):
    "Whatever tags of priority there are, they do not leave the port."
    for vlans in ((), (0,), (0, 0)):
        for frame in to_groups(site, groups, vlans):
            site.blocked(frame, "ports", link=link, at=site.near)
    tap.equal(answers(site), 0, "answers")


def test_reserved_groups_at_a_bridge():
    "what a guarded bridge leaves on its port"
    site = lock.Site([guard("cams", "br0")], devices=(), start=False)
    site.gw.bridge("br0", "trunk")
    site.gw.ip(f"link set br0 address {rig.GW_MAC}")
    site.gw.addr("br0", lock.GW4["trunk"], lock.GW6["trunk"])
    site.daemon.start()
    site.warm()
    # 0 it forwards without STP, and the guard judges it; 1 it drops.
    reserved(site, site.cam_link, (2, 3, 14, 15))
    control = frames.eth("01:80:c2:00:00:0e", FORGED, bytes(46), kind=LLDP)
    with net.call_in(site.gw, listen, "trunk", LLDP) as heard:
        site.cam_link.send(control)
        tap.equal(heard.recv(2048), control, "heard on the port")
    # An interface without a guard above it has the same in prerouting.
    site.blocked(site.frame(src=lock.ALIEN, mac=lock.ALIEN_MAC,
                            dst="10.40.0.1", to="01:80:c2:00:00:0e"),
                 "prerouting", link=site.alien_link, at=site.near)


def test_reserved_groups_and_audit():
    "a guard on the port that audits opens none of this"
    guards = [guard("cams", "br0"), guard("port", mode="audit")]
    site = lock.Site(guards, devices=(), start=False)
    site.gw.bridge("br0", "trunk")
    site.gw.ip(f"link set br0 address {rig.GW_MAC}")
    site.gw.addr("br0", lock.GW4["trunk"], lock.GW6["trunk"])
    site.daemon.start()
    site.warm()
    site.passes(site.frame())
    reserved(site, site.cam_link, (2, 3, 14, 15))


def test_ports_come_and_go():
    "the interlock follows the ports of a guarded bridge"
    site = lock.Site([guard("cams", "br0"), guard("deep", "v40"),
                      guard("late", "br9")], devices=(), start=False)
    site.gw.bridge("br0", "trunk")
    site.gw.bridge("br1")
    site.gw.vlan("br1", 40, "v40")
    site.daemon.start()

    def stands(*ports):
        net.wait_for(lambda: sorted(under(site)) == sorted(ports),
                     what=f"chains on {ports}: {under(site)}")
        site.wait_state()
    stands("trunk")
    site.gw.ip("link set side master br1")
    stands("trunk", "side")
    site.gw.ip("link set lan master br0")
    stands("trunk", "side", "lan")
    site.gw.batch(["link set lan down", "link set lan name lan.2@x"])
    stands("trunk", "side", "lan.2@x")
    site.gw.ip("link set lan.2@x nomaster")
    stands("trunk", "side", "lan.2@x")
    site.daemon.ask("reload")
    stands("trunk", "side")
    site.gw.ip("link set side nomaster")
    stands("trunk", "side")
    site.gw.ip("link del side")
    stands("trunk")
    site.gw.bridge("br9", "lan.2@x")
    stands("trunk", "lan.2@x")
    site.daemon.ask("disarm", guard="cams", open=True)
    stands("lan.2@x")
    site.daemon.ask("arm", guard="cams")
    stands("trunk", "lan.2@x")
    site.daemon.stop()
    site.gw.ip("link set trunk nomaster")
    site.daemon.start()
    stands("lan.2@x")
    chain = f"under-{site.gw.index('lan.2@x')}"
    site.nft(f"flush chain netdev lenscap {chain}")
    net.wait_for(lambda: site.interlock()["restored"] == 1,
                 what="the rules to be back")
    site.nft(f"delete chain netdev lenscap {chain}")
    stands("lan.2@x")


def test_bridge_that_goes():
    "its ports route no stranger, until another bridge has them, or a reload"
    site = lock.Site([guard("cams", "br0")], devices=(), start=False)

    def bridge():
        site.gw.bridge("br0", "trunk")
        site.gw.addr("br0", lock.GW4["trunk"], lock.GW6["trunk"])
        policy.wait_guard(site.rig.sock, "cams", "armed")
        site.wait_state()
        net.wait_for(lambda: under(site) == ["trunk"], what="the port's chain")
    stranger = {"mac": FORGED}
    sources = ("10.30.0.99", "2001:db8:30::99")
    site.daemon.start()
    for change in ("link del br0", "link set trunk nomaster"):
        bridge()
        site.gw.ip(change)
        for src in sources:
            site.blocked(site.frame(src=src, **stranger), "prerouting")
        site.gw.ip("link del br0", check=False)
    # What judges one VLAN of it, or does not take its frames over, is no help.
    bridge()
    site.daemon.configure([guard("cams", "br0"), guard("more", vlan=40)])
    site.daemon.ask("reload")
    site.gw.ip("link del br0")
    for src in sources:
        site.blocked(site.frame(src=src, **stranger), "prerouting")
    if not net.run(["ip", "-n", site.gw.name, "link", "add", "vrf0", "type",
                    "vrf", "table", "100"], check=False).returncode:
        site.gw.batch(["link set vrf0 up", "link set trunk master vrf0"])
        tap.equal(under(site), ["trunk"], "ports in a VRF")
        net.wait_for(lambda: site.daemon.ask("status")["ok"], what="an answer")
        tap.equal(under(site), ["trunk"], "ports in a VRF, when it was heard")
        site.gw.ip("link set trunk nomaster")
    site.gw.batch(["addr add 10.30.0.1/24 dev trunk"])
    site.daemon.ask("reload")
    tap.equal(under(site), [], "ports that are held")
    for src in sources:
        site.passes(site.frame(src=src, **stranger))


def test_brouted():
    "a rule that has the bridge route what came by a port, past the guard"
    site = lock.Site([guard("cams", "br0")], devices=(), start=False)
    site.gw.bridge("br0", "trunk")
    site.gw.addr("br0", lock.GW4["trunk"], lock.GW6["trunk"])
    done = site.gw.run("ebtables-legacy -t broute -P BROUTING DROP",
                       check=False)
    if done.returncode:
        raise tap.Skip(f"no broute: {done.stderr.strip()}")
    for family in ("ip", "ip6"):
        stranger = site.frame(src={"ip": "10.30.0.99", "ip6":
                                   "2001:db8:30::99"}[family], mac=FORGED)
        site.cam_link.send(stranger)
        net.wait_for(lambda f=stranger: site.far.has(site.body(f)),
                     what="a stranger, without a guard")
    site.daemon.start()
    net.wait_for(lambda: under(site) == ["trunk"], what="the port's chain")
    for src in ("10.30.0.99", "2001:db8:30::99"):
        site.blocked(site.frame(src=src, mac=FORGED), "prerouting")


def test_guard_on_a_bridge():
    "what enters the bridge is judged behind it, and held if it is not"
    site = lock.Site([guard("cams", "br0"), guard("tagged", "br1", vlan=30),
                      guard("device", "v31")], devices=(), start=False)
    site.gw.bridge("br0", "trunk")
    site.gw.ip(f"link set br0 address {rig.GW_MAC}")
    site.gw.addr("br0", lock.GW4["trunk"], lock.GW6["trunk"])
    site.daemon.start()
    site.warm()
    hold(site)
    # A bridge of which only VLANs are guarded: others may not speak for them.
    site.gw.ip("link set trunk nomaster")
    site.gw.bridge("br1", "trunk")
    site.gw.vlan("br1", 31, "v31")
    site.gw.vlan("br1", 30, "v30")
    policy.wait_guard(site.rig.sock, "device", "armed")
    policy.wait_guard(site.rig.sock, "tagged", "armed")
    site.wait_state()
    net.wait_for(lambda: site.rules()[2].count('ibrname "br1"') == 4,
                 what="the bridge's input to let guards judge")
    arp = frames.arp(1, rig.CAM_MAC, "10.30.0.99", bytes(6), "10.30.0.1")
    for vlans in ((), (32,), ((0x88a8, 31),)):
        site.blocked(frames.eth(frames.BROADCAST, rig.CAM_MAC, arp,
                                vlans=vlans), "bridge")
    site.unguard("tagged", "device")
    for vlan, name in ((30, "tagged"), (31, "device"), ((0x88a8, 30), "tagged")):
        site.blocked(frames.eth(frames.BROADCAST, rig.CAM_MAC, arp,
                                vlans=(vlan,)), name)
    # The bridge under a VLAN device has another name: so have its rules.
    site.gw.batch(["link set br1 down", "link set br1 name br2",
                   "link set br2 up"])
    net.wait_for(lambda: site.rules()[2].count('ibrname "br2"') == 4,
                 what="the new name")
    for text in site.rules():
        site.gw.nft(["-c", "-f", "-"], text)


def test_reserved_groups_at_a_bond():
    "what a guarded bond leaves on a port that rests"
    site = lock.Site([guard("cams", "bond0")], devices=(), start=False)
    site.net.veth(site.rig.cam, "eth1", site.gw, "spare")
    ports = [f"link set {port} {what}" for port in ("trunk", "spare")
             for what in ("down", "master bond0", "up")]
    done = site.gw.run(["ip", "link", "add", "bond0", "type", "bond", "mode",
                        "active-backup"], check=False)
    if done.returncode:
        raise tap.Skip(f"no bonds: {done.stderr.strip()}")
    site.gw.batch([*ports, f"link set bond0 address {rig.GW_MAC} up",
                   "link set bond0 type bond active_slave trunk"])
    site.gw.sysctl("ipv4/conf/spare/rp_filter", 0)
    site.gw.addr("bond0", lock.GW4["trunk"], lock.GW6["trunk"])
    site.daemon.start()
    site.warm()
    known = site.frame()

    def arrives():
        site.cam_link.send(known)
        return site.far.has(site.body(known))
    net.wait_for(arrives, what="the port to let frames through")
    link = io.Link(site.rig.cam, "eth1")
    site.net.defer(link.close)
    reserved(site, link, (0, 1, 2, 3, 14, 15))


def test_interface_returns():
    "deleted and made again: the chain is there again, module or not"
    site = lock.Site([guard("cams"), guard("late", "later")])
    shown = {row["name"]: row["state"] for row in site.interlock()["guards"]}
    tap.equal(shown, {"cams": "in-place", "late": "waiting"}, "states")
    tap.equal(site.state(), "in-place", "state")
    site.unguard("cams")
    site.blocked(site.frame(), "cams")
    for _ in range(3):
        site.gw.ip("link del trunk")
        net.wait_for(lambda: [row["state"] for row in
                              site.interlock()["guards"]][0] == "waiting",
                     what="the chain to be gone")
        site.rig.connect()
        site.cam_link = site.rig.link
        site.gw.addr("trunk", lock.GW4["trunk"], lock.GW6["trunk"])
        net.wait_for(lambda: [row["state"] for row in
                              site.interlock()["guards"]][0] == "in-place",
                     what="the chain to be back")
        site.blocked(site.frame(), "cams")
    tap.equal(site.interlock()["restored"], 0, "nobody else was to blame")


def test_interface_renamed():
    "the chain stays on the interface, whatever that is called"
    site = lock.Site([guard("cams")])
    site.gw.batch(["link set trunk down", "link set trunk name camera@0",
                   "link set camera@0 up"])
    site.gw.addr("camera@0", lock.GW6["trunk"])
    net.wait_for(lambda: site.interlock()["guards"][0]["interface"] ==
                 "camera@0", what="the new name")
    site.wait_state()
    site.passes(site.frame())
    site.unguard("cams")
    site.blocked(site.frame(), "cams")


def test_upkeep_and_audit():
    "whatever the module passes carries the tag: upkeep and audit too"
    site = lock.Site([guard("cams", mode="audit")])
    site.passes(site.frame(src="10.30.0.99", mac="02:00:5e:99:00:09"))
    tap.equal(policy.guards(site.rig.sock)["cams"]["mode"], "audit", "mode")
    site.gw.run(["ip", "neigh", "flush", "dev", "trunk"], check=False)
    site.cam_link.send(frames.eth(frames.BROADCAST, rig.CAM_MAC, frames.arp(
        1, rig.CAM_MAC, rig.CAM_IP, bytes(6), "10.30.0.1")))
    net.wait_for(lambda: rig.CAM_MAC in
                 site.gw.ip("neigh show dev trunk"), what="upkeep to pass")
    tap.equal(set(site.counts().values()), {0}, "nothing was counted")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, lock.built, tap.module],
             each=daemon.cleanup)
