#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The interlock elsewhere: cameras' addresses and MACs without the tag."""

import itertools
import json
import os
import tempfile

from lib import daemon, frames, io, lock, net, rig, tap
from lib.daemon import guard


def elements(site, name, family="inet"):
    "How many elements a set has, as nft lists them."
    listed = json.loads(site.gw.nft(
        f"-j list set {family} lenscap {name}").stdout)
    found = next(item["set"] for item in listed["nftables"] if "set" in item)
    return len(found.get("elem", []))


def test_forward():
    "a camera's address from an unguarded interface is not forwarded"
    site = lock.Site([guard("cams")])
    site.passes(site.alien_frame(), link=site.alien_link)
    site.passes(site.alien_frame(src=lock.ALIEN6), link=site.alien_link)
    for src in (rig.CAM_IP, lock.CAM6):
        site.blocked(site.alien_frame(src=src), "prerouting",
                     link=site.alien_link, count=2)
    site.blocked(site.alien_frame(mac=rig.CAM_MAC), "prerouting",
                 link=site.alien_link)
    # The neighbours of a camera are not the camera.
    for src in ("10.30.0.18", "2001:db8:30::18"):
        site.passes(site.alien_frame(src=src), link=site.alien_link)
    site.passes(site.frame())


def test_lost_tag():
    "what loses its tag behind prerouting is held in forward and input"
    rules = json.loads(lock.text())
    rules["destinations"]["peer"].append("10.30.0.1")
    site = lock.Site([guard("cams")], json.dumps(rules) + "\n")
    to_self = {"dst": "10.30.0.1"}
    site.passes(site.frame())
    site.passes(site.frame(**to_self), at=site.near)
    site.nft("table inet mine { chain c {",
             "type filter hook prerouting priority -150;",
             "meta mark set 0", "}", "}")
    for src in (rig.CAM_IP, lock.CAM6):
        site.blocked(site.frame(src=src), "forward", count=2)
    site.blocked(site.frame(**to_self), "input", at=site.near)


def test_input():
    "nor let in to the gateway; the gateway itself is not hurt"
    site = lock.Site([guard("cams")])
    to = {"link": site.alien_link, "at": site.near}
    site.passes(site.alien_frame(dst="10.40.0.1"), **to)
    site.passes(site.alien_frame(src=lock.ALIEN6, dst="2001:db8:40::1"), **to)
    for frame in (site.alien_frame(src=rig.CAM_IP, dst="10.40.0.1"),
                  site.alien_frame(src=lock.CAM6, dst="2001:db8:40::1"),
                  site.alien_frame(mac=rig.CAM_MAC, dst="10.40.0.1")):
        site.blocked(frame, "prerouting", **to)
    before = site.counts()
    io.ping(site.gw, "127.0.0.1")
    io.ping(site.gw, "10.30.0.1")
    io.ping(site.gw, "2001:db8:30::1")
    tap.equal(site.counts(), before, "counters after the gateway's own")


def test_loopback():
    "an address of the gateway within a device's prefix: it hears itself"
    site = lock.Site([guard("cams")], lock.text(
        addresses=["10.30.0.0/24", "2001:db8:30::/64"]))
    for address in ("10.30.0.1", "2001:db8:30::1"):
        io.ping(site.gw, address, source=address)
    tap.equal(set(site.counts().values()), {0}, "nothing was counted")


def bridged(netfilter):
    "A gateway that bridges, and whether its packets take the way of routed ones."
    site = lock.Site([guard("cams")], devices=(), start=False)
    here = os.path.isdir("/proc/sys/net/bridge")
    if netfilter and not here:
        if net.run(["modprobe", "br_netfilter"], check=False).returncode:
            raise tap.Skip("no br_netfilter")
        site.net.defer(net.run, ["rmmod", "br_netfilter"], False)
    if netfilter or here:
        for family in ("ip", "ip6"):
            site.gw.sysctl(f"bridge/bridge-nf-call-{family}tables",
                           int(netfilter))
    site.gw.ip("addr flush dev lan")
    site.gw.ip("addr flush dev side")
    site.gw.bridge("br0", "trunk", "lan", "side")
    site.gw.addr("br0", "10.50.0.1/24")
    site.peer.addr("eth0", "10.30.0.10/24")
    site.daemon.start()
    return site, site.settle()


def test_discovery():
    "what a camera says to neighbours leaves its LAN by no route, judged or not"
    site = lock.Site([guard("cams", subnets=["2001:db8:30::/64"])])
    seen = io.Capture(site.alien, "eth0")
    site.net.defer(seen.close)
    site.gw.batch(["route add ::/0 via 2001:db8:40::9",
                   f"neigh replace 2001:db8:40::9 lladdr {lock.ALIEN_MAC} "
                   "dev side"])
    # As when the interface was down and up again.
    site.gw.ip("-6 addr flush dev trunk scope global")
    secret = b"0123456789abcdef"
    for body in (frames.nd_ns(secret, None, options=frames.nd_option(
            14, b"sixby!")), frames.nd_na(lock.CAM6, rig.CAM_MAC),
                 frames.nd_rs(rig.CAM_MAC)):
        site.blocked(frames.eth(rig.GW_MAC, rig.CAM_MAC, frames.ipv6(
            lock.CAM6, "2001:db8:30::6665:6564", body, hop=255)), "forward")
    tap.true(not any(secret in f.data for f in seen.seen()), "it left")


def test_bridge():
    "on a bridge: addresses, and the MAC in all that it sends"
    site, peer_mac = bridged(False)
    to, link = {"to": peer_mac}, site.alien_link
    site.passes(site.frame(**to))
    other = {"mac": lock.ALIEN_MAC, **to}
    site.passes(site.frame(src=lock.ALIEN, **other), link=link)
    site.blocked(site.frame(src=rig.CAM_IP, **other), "bridge", link=link)
    site.blocked(site.frame(src=lock.CAM6, **other), "bridge", link=link)
    # The camera itself, at another port and with another address.
    site.blocked(site.frame(src="10.30.0.99", **to), "bridge", link=link)
    site.blocked(frames.eth(peer_mac, rig.CAM_MAC, frames.arp(
        1, rig.CAM_MAC, "10.30.0.99", bytes(6), rig.PEER_IP)), "bridge",
        link=link)
    site.blocked(site.frame(src=rig.CAM_IP, vlans=(5,), **other), "bridge",
                 link=link)
    # To the gateway, which would route it: input of the bridge.
    bridge = ":".join(f"{b:02x}" for b in site.gw.mac("br0"))
    site.blocked(site.frame(src="10.50.0.9", to=bridge), "bridge", link=link)
    site.blocked(site.frame(src=rig.CAM_IP, to=bridge, mac=lock.ALIEN_MAC),
                 "bridge", link=link)
    site.passes(site.frame(**to))


def test_bridge_netfilter():
    "bridged packets that take the way of routed ones"
    site, peer_mac = bridged(True)
    to, link = {"to": peer_mac}, site.alien_link
    for src in (rig.CAM_IP, lock.CAM6):
        site.passes(site.frame(src=src, **to))
        site.blocked(site.frame(src=src, mac=lock.ALIEN_MAC, **to), "bridge",
                     link=link)
    site.blocked(site.frame(src="10.30.0.99", **to), "bridge", link=link)
    site.blocked(frames.eth(peer_mac, rig.CAM_MAC, frames.arp(
        1, rig.CAM_MAC, "10.30.0.99", bytes(6), rig.PEER_IP)), "bridge",
        link=link)
    site.passes(site.frame(src=lock.ALIEN, mac=lock.ALIEN_MAC, **to),
                link=link)


def test_bridge_that_tracks_connections():
    "a bridge that keeps fragments, joins them, and tells who sent them"
    site, peer_mac = bridged(False)
    site.gw.sysctl("ipv4/ipfrag_time", 1)
    site.nft("table bridge admin { chain forward {",
             "type filter hook forward priority 0;",
             "ct state established accept; }; }")
    link, data = site.alien_link, site.payload().ljust(64, b".")
    for ident in (1, 2):
        first, later = frames.fragments4(
            rig.CAM_IP, rig.PEER_IP, frames.udp(40000, rig.PEER_PORT, data * 2),
            72, ident=ident)
        if ident == 1:
            # It would be kept, and quoted when no other came.
            site.blocked(frames.eth(peer_mac, rig.CAM_MAC, first), "bridge",
                         link=link)
        else:
            # It would be joined to one that was judged, and have its tag.
            site.cam_link.send(frames.eth(peer_mac, rig.CAM_MAC, first))
        for mac in (rig.CAM_MAC, lock.ALIEN_MAC):
            site.blocked(frames.eth(peer_mac, mac, later), "bridge", link=link)
    tap.equal(site.far.take(), [], "arrived")


def test_prefixes():
    "devices bound to prefixes that overlap, touch, and end the world"
    bound = ["10.30.0.0/24", "10.30.0.128/25", "10.30.1.0/24",
             "255.0.0.0/9", "2001:db8:30::/64", "2001:db8:30:1::/64",
             rig.CAM_IP]
    site = lock.Site([guard("cams")], lock.text(addresses=bound))
    link = site.alien_link
    for src in ("10.30.0.0", "10.30.0.200", "10.30.1.255", rig.CAM_IP,
                "2001:db8:30::", "2001:db8:30:1:ffff:ffff:ffff:ffff"):
        site.blocked(site.alien_frame(src=src), "prerouting", link=link)
    for src in ("10.29.255.255", "10.30.2.0", "2001:db8:30:2::",
                "2001:db8:2f:ffff::1"):
        site.passes(site.alien_frame(src=src), link=link)
    site.daemon.apply(lock.text(2, ["10.30.1.0/24", "2001:db8:30:1::/64"]))
    for src in ("10.30.0.255", rig.CAM_IP, "2001:db8:30::1", "10.30.2.0"):
        site.passes(site.alien_frame(src=src), link=link)
    for src in ("10.30.1.0", "2001:db8:30:1::"):
        site.blocked(site.alien_frame(src=src), "prerouting", link=link)
    tap.equal(site.counts()["prerouting"], 8, "what was counted before stays")


def test_many():
    "2,500 devices: all are there, and only differences travel"
    count = 2500
    site = lock.Site([guard("cams")], lock.text(more=lock.others(count)))
    for name, more in (("macs", 1), ("hosts4", 1), ("hosts6", -count + 1)):
        for family in ("inet", "bridge"):
            tap.equal(elements(site, name, family), count + more,
                      f"elements of {name}")
    link = site.alien_link
    for number in (0, 1, 1365, count - 1):
        src = f"10.64.{number >> 8}.{number & 255}"
        site.blocked(site.alien_frame(src=src), "prerouting", link=link)
    chain = "-s -a list chain inet lenscap forward"
    handles = site.gw.nft(chain).stdout
    site.daemon.apply(lock.text(2, more=lock.others(count - 1, 1)))
    tap.equal(elements(site, "hosts4"), count, "elements")
    site.passes(site.alien_frame(src="10.64.0.0"), link=link)
    site.blocked(site.alien_frame(src="10.64.0.1"), "prerouting", link=link)
    site.daemon.apply(lock.text(3, more=lock.others(count + 700)))
    tap.equal(elements(site, "hosts4"), count + 701, "elements")
    tap.equal(elements(site, "macs", "bridge"), count + 701, "elements")
    site.blocked(site.alien_frame(src="10.64.0.0"), "prerouting", link=link)
    tap.true("written anew" not in site.daemon.log(), site.daemon.log())
    tap.equal(site.gw.nft(chain).stdout, handles, "the very same rules")
    tap.equal(site.interlock()["restored"], 0, "nobody disturbed it")


def test_twins():
    "two devices with one address; one of them leaves"
    twin = {"name": "twin", "mac": "02:00:5e:10:00:18", "guard": "more",
            "addresses": [rig.CAM_IP], "profile": "dome"}
    guards = [guard("cams"), guard("more", vlan=5)]
    site = lock.Site(guards, lock.text(guard="cams", more=[twin]))
    site.daemon.apply(lock.text(2, guard="cams"))
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link)
    site.passes(site.alien_frame(mac="02:00:5e:10:00:18"),
                link=site.alien_link)


def test_other_gateways_cameras():
    "a device that only another gateway's guard has passes through here"
    away = {"name": "away", "mac": "02:00:5e:10:00:19", "guard": "elsewhere",
            "addresses": ["10.60.0.17"], "profile": "dome"}
    site = lock.Site([guard("cams")], lock.text(more=[away]))
    site.passes(site.alien_frame(src="10.60.0.17"), link=site.alien_link)
    site.daemon.configure([guard("cams"), guard("elsewhere", vlan=9)])
    site.daemon.ask("reload")
    site.blocked(site.alien_frame(src="10.60.0.17"), "prerouting",
                 link=site.alien_link)


def listens(pid):
    "Does a process listen to nftables?"
    with open("/proc/thread-self/net/netlink", encoding="ascii") as file:
        sockets = [line.split()[1:4] for line in file][1:]
    return any(kind == "12" and owner == str(pid) and int(groups, 16)
               for kind, owner, groups in sockets)


def test_guard_and_policy_renamed():
    "a guard gets another name, in both files: its devices are never let go"
    site = lock.Site([guard("a")], lock.text(guard="a"))
    serial = itertools.count(1)
    with tempfile.NamedTemporaryFile() as file, \
            open(file.name, encoding="ascii") as heard:
        monitor = site.gw.popen(["nft", "monitor"], stdout=file)
        site.net.stop(monitor)

        def told(name):
            # What is there already is not told again.
            site.nft(f"add table ip {name}{next(serial)}")
            heard.seek(0)
            return name in heard.read()
        # To change something meanwhile would have it begin anew.
        net.wait_for(lambda: site.gw.call(listens, monitor.pid),
                     what="nft to listen")
        site.daemon.configure([guard("b")])
        site.daemon.write_policy(lock.text(2, guard="b"))
        site.daemon.ask("reload")
        net.wait_for(lambda: told("end"), what="nft to tell all")
        heard.seek(0)
        tap.equal([line for line in heard if "delete element" in line], [],
                  "removed for a while")
    site.passes(site.frame())
    site.blocked(site.alien_frame(src=rig.CAM_IP), "prerouting",
                 link=site.alien_link)


def test_refused_policy():
    "what the kernel or the daemon refuses leaves no trace"
    site = lock.Site([guard("cams")])
    before = site.rules()
    answer = site.daemon.apply(lock.text(1, more=lock.others(5)))
    tap.equal(answer["ok"], False, "same revision, other content")
    tap.equal(site.rules(), before, "tables")
    site.daemon.apply(lock.text(2, more=lock.others(5)))
    tap.true(site.rules() != before, "a new policy shows")
    site.daemon.apply(lock.text(3))
    tap.equal(site.rules(), before, "and goes")


def test_foreign_policy():
    "a policy that another program has made live is covered as well"
    site = lock.Site([guard("cams")])
    policy_ = rig.dome()
    policy_["devices"]["cam"]["addresses"] = ["10.30.0.44"]
    site.rig.load(policy_, revision=50)
    net.wait_for(lambda: "10.30.0.44" in site.rules()[1],
                 what="the address to be covered")
    site.blocked(site.alien_frame(src="10.30.0.44"), "prerouting",
                 link=site.alien_link)


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, lock.built, tap.module],
             each=daemon.cleanup)
