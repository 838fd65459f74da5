#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The interlock on interfaces that change their names, or hand them on."""

import json
import os
import re
import signal

from lib import daemon, io, lock, net, policy, rig, tap
from lib.daemon import guard

ROUNDS = 5
STRANGER = {"src": "10.30.0.99", "mac": "02:00:5e:99:00:09"}


def chains(site):
    "The interfaces that have a chain, each of which is called after it."
    found = re.findall(r'chain on-(\S+) {\s+type filter hook ingress '
                       r'device "([^"]+)"', site.rules()[0])
    return [device for name, device in found if name == device]


def wait_chains(site, *names):
    "Chains stand on these interfaces, and status knows."
    net.wait_for(lambda: chains(site) == list(names),
                 what=f"the chain of {names}: {site.rules()[0]} "
                 f"{site.interlock()}")
    shown = site.interlock()
    tap.equal((shown["state"], [(row["interface"], row["state"])
                                for row in shown["guards"]]),
              ("in-place", [(name, "in-place") for name in names]), "status")


def rename(site, old, new, *more):
    "Give an interface another name, and do more at once."
    site.gw.batch([f"link set {old} down", f"link set {old} name {new}",
                   f"link set {new} up", *more])


def pause(site, number):
    "In every other round, the daemon is busy meanwhile."
    if number % 2:
        os.kill(site.daemon.process.pid, signal.SIGSTOP)


def resume(site):
    "It sees all that has happened since, in whatever order."
    os.kill(site.daemon.process.pid, signal.SIGCONT)


def anew(site):
    "Make the guarded interface anew."
    site.gw.ip("link del trunk")
    site.gw.ip(f"link add trunk address {rig.GW_MAC} type veth peer name "
               f"eth0 netns {site.rig.cam.name}")
    site.gw.ip("link set trunk up")


def test_back_and_anew():
    "renamed, renamed back and made anew: the chain is there again"
    site = lock.Site([guard("cams")])
    for number in range(ROUNDS):
        rename(site, "trunk", "x1")
        wait_chains(site, "x1")
        pause(site, number)
        rename(site, "x1", "trunk")
        anew(site)
        resume(site)
        wait_chains(site, "trunk")
    site.rig.cam.up("eth0")
    site.gw.addr("trunk", lock.GW4["trunk"])
    link = io.Link(site.rig.cam, "eth0")
    site.net.defer(link.close)
    site.unguard("cams")
    site.blocked(site.frame(), "cams", link=link)


def test_name_taken():
    "another interface takes the name at once: the chain stays with the guard"
    site = lock.Site([guard("cams")])
    for number in range(ROUNDS):
        pause(site, number)
        rename(site, "trunk", "lan0", "link add trunk type dummy")
        resume(site)
        wait_chains(site, "lan0")
        pause(site, number)
        rename(site, "lan0", "lan1", "link del trunk",
               "link set lan1 down", "link set lan1 name trunk",
               "link set trunk up")
        resume(site)
        wait_chains(site, "trunk")
    rename(site, "trunk", "lan0", "link add trunk type dummy")
    wait_chains(site, "lan0")
    site.passes(site.frame())
    site.unguard("cams")
    site.blocked(site.frame(**STRANGER), "cams")


def test_disarmed_then_policy():
    "disarm cuts off, under whatever name, until gateway.yaml says another"
    site = lock.Site([guard("cams")])
    rename(site, "trunk", "lan0", "link add trunk type dummy")
    wait_chains(site, "lan0")
    site.daemon.ask("disarm")
    site.blocked(site.frame(**STRANGER), "cams")
    site.daemon.apply(lock.text(2, more=lock.others(3)))
    wait_chains(site, "lan0")
    site.blocked(site.frame(**STRANGER), "cams")
    # Nobody is left who could tell, but what was written.
    rename(site, "lan0", "lan1", "link add lan0 type dummy")
    wait_chains(site, "lan1")
    site.nft("flush ruleset")
    wait_chains(site, "lan1")
    site.blocked(site.frame(**STRANGER), "cams")
    site.daemon.configure([guard("cams", "lan0")])
    site.daemon.ask("reload")
    wait_chains(site, "lan0")


def test_flushed_unheard():
    "a chain that a flush took is not taken for one that went with its interface"
    site = lock.Site([guard("cams")])
    rename(site, "trunk", "lan0", "link add trunk type dummy")
    wait_chains(site, "lan0")
    site.daemon.ask("disarm")
    for number in range(ROUNDS):
        # The change of an interface is heard first, and looked at.
        pause(site, 1)
        site.gw.ip(f"link add d{number} type dummy")
        site.nft("flush ruleset")
        resume(site)
        wait_chains(site, "lan0")
    tap.equal(site.interlock()["restored"], ROUNDS, "restored")
    site.blocked(site.frame(**STRANGER), "cams")


def test_disarmed_then_started():
    "a daemon that starts anew knows where a guard stood that was disarmed"
    site = lock.Site([guard("cams")])
    site.daemon.ask("disarm")
    rename(site, "trunk", "lan0")
    wait_chains(site, "lan0")
    for end, name in ((site.daemon.stop, "lan1"), (site.daemon.kill, "lan2")):
        end()
        rename(site, chains(site)[0], name)
        site.daemon.start()
        wait_chains(site, name)
        site.blocked(site.frame(**STRANGER), "cams")
    # It waits for the name in gateway.yaml, and is where that says at last.
    site.gw.ip("link add trunk type dummy")
    wait_chains(site, "trunk")


def test_another_boot():
    "what another boot or namespace knew of indices is not believed"
    site = lock.Site([guard("cams")])
    site.daemon.stop()
    path = site.daemon.path("state/interlock.json")
    with open(path, encoding="utf-8") as file:
        kept = json.load(file)
    tap.equal(kept["guards"], {"cams": {
        "configured": "trunk", "ifindex": site.gw.index("trunk")}}, "kept")
    rename(site, "trunk", "lan0")
    for change in ({"boot": "another"}, {"netns": 1}, {"guards": []},
                   {"guards": {"cams": 7}}, {"guards": {"cams": {
                       "configured": "trunk", "ifindex": -1}}}):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**kept, **change}, file)
        policy.unguard(site.rig.sock)
        site.daemon.start()
        tap.equal((chains(site), site.interlock()["guards"][0]["state"]),
                  ([], "waiting"), f"{change}")
        site.daemon.stop()


def handles(site):
    "The kernel's numbers of the interlock's chains on interfaces."
    listed = site.gw.nft("-a list table netdev lenscap").stdout
    return re.findall(r"chain (\S+) { # handle (\d+)", listed)


def test_one_chain():
    "an interface that is renamed keeps its chain: none is exchanged for another"
    site = lock.Site([guard("cams")])
    site.daemon.ask("disarm")
    chain = handles(site)
    tap.equal(len(chain), 1, "chains")
    for number in range(ROUNDS):
        rename(site, "trunk" if not number else f"lan{number - 1}",
               f"lan{number}")
        wait_chains(site, f"lan{number}")
        tap.equal(handles(site), chain, f"after renaming {number}")
    site.blocked(site.frame(**STRANGER), "cams")


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, daemon.built, lock.built, tap.module],
             each=daemon.cleanup)
