# SPDX-License-Identifier: GPL-2.0-only
"""Policies, guards and counters in a line each, over nl.Genl.

    policy.guard(sock, "cams", "trunk", vlan=30)
    policy.load(sock, {
        "profiles": {"dome": {"class": 1, "rules": [
            policy.connects("10.20.0.0/24", "udp", 123),
            policy.serves("10.20.0.10", "tcp", 554)]}},
        "devices": {"cam": {"mac": "02:00:5e:10:00:17", "profile": "dome",
                            "addresses": ["10.30.0.17"]}}})
    policy.device(sock, "cam")["dropped_packets"]
    policy.reason(sock, "cams", "destination")["dropped_packets"]
"""

import ipaddress

from . import frames, net, nl

PROTOS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50,
          "ah": 51, "icmpv6": 58, "sctp": 132}
# Kinds that a guard passes of which nothing else is said.
UPKEEP = ["arp", "nd", "dhcp", "dhcp6", "igmp", "mld"]
TAG_VALUE, TAG_MASK, CLASS_MASK = 0x4c000000, 0xff000000, 0xff


def prefix(text):
    """"10.0.0.1", "10.0.0.0/8" or IPv6 as a nest of prefix attributes."""
    if isinstance(text, dict):
        return text
    address, _, length = str(text).partition("/")
    nest = {"address": ipaddress.ip_address(address).packed}
    if length:
        nest["length"] = int(length)
    return nest


def prefix_text(nest):
    """The other way round."""
    address = ipaddress.ip_address(nest["address"])
    length = nest.get("length", address.max_prefixlen)
    return (str(address) if length == address.max_prefixlen
            else f"{address}/{length}")


def _range(ports):
    if ports is None:
        return None, None
    if isinstance(ports, (tuple, list)):
        return ports[0], ports[1]
    return ports, ports


def rule(peer, proto=None, peer_ports=None, device_ports=None,
         initiator="device"):
    """A rule nest; proto is a name, a number or None, ports n or (n, m)."""
    nest = prefix(peer)
    address = ipaddress.ip_address(nest["address"])
    low, high = _range(peer_ports)
    dev_low, dev_high = _range(device_ports)
    return {"address": nest["address"],
            "length": nest.get("length", address.max_prefixlen),
            "proto": PROTOS.get(proto, proto), "initiator": initiator,
            "peer_port_low": low, "peer_port_high": high,
            "device_port_low": dev_low, "device_port_high": dev_high}


def connects(peer, proto=None, ports=None, device_ports=None):
    """The camera opens it; ports are the peer's (ICMP: types)."""
    return rule(peer, proto, ports, device_ports, "device")


def serves(peer, proto=None, ports=None, peer_ports=None):
    """The peer opens it; ports are the camera's (not for ICMP)."""
    return rule(peer, proto, peer_ports, ports, "peer")


def device_attrs(name, mac=None, addresses=(), profile="p", guard=None):
    """The attributes of one device-set."""
    return {"name": name, "guard": guard,
            "mac": None if mac is None else frames.mac(mac),
            "address": [prefix(a) for a in addresses], "profile": profile}


def requests(policy):
    """The messages that set a policy, as (cmd, attrs) pairs."""
    for name, raw in policy.get("profiles", {}).items():
        yield "profile-set", {"name": name, "mode": raw.get("mode", "enforce"),
                              "class": raw.get("class", 0),
                              "rule": list(raw.get("rules", ()))}
    for name, raw in policy.get("devices", {}).items():
        yield "device-set", device_attrs(name, **raw)


def info(sock):
    """info-get."""
    return sock.do("info-get")


def load(sock, policy, revision=None, base="empty", digest=None,
         rollback=False, delete=()):
    """Begin, fill and commit one transaction; the new generation.

    revision None is the live one plus one. delete are (cmd, attrs) pairs
    that go last. What fails aborts the transaction.
    """
    if revision is None:
        revision = info(sock).get("revision", 0) + 1
    live = sock.do("txn-begin", base=base)["generation"]
    try:
        sock.do_many(list(requests(policy)) + list(delete))
        return sock.do("txn-commit", generation=live, revision=revision,
                       digest=digest, rollback=rollback)["generation"]
    except BaseException:
        try:
            sock.do("txn-abort")
        except nl.NlError:
            pass
        raise


def guard(sock, name, ifname, vlan=None, identity=None, mode=None,
          upkeep=None, subnets=()):
    """guard-set."""
    sock.do("guard-set", name=name, ifname=ifname, vlan=vlan,
            identity=identity, mode=mode, upkeep=upkeep,
            subnet=[prefix(s) for s in subnets])


def unguard(sock, *names):
    """guard-del; without names: every guard."""
    for name in names or [g["name"] for g in sock.dump("guard-get")]:
        sock.do("guard-del", name=name)


def guards(sock):
    """Guards by name; reasons: {reason: totals}."""
    out = {}
    for row in sock.dump("guard-get"):
        row["reasons"] = {r["reason"]: r for r in row.get("reason", ())}
        out[row["name"]] = row
    return out


def guard_state(sock, name):
    """State of a guard by name, or None."""
    return guards(sock).get(name, {}).get("state")


def wait_guard(sock, name, state, timeout=net.TIMEOUT):
    """Wait until a guard is in a state."""
    net.wait_for(lambda: guard_state(sock, name) == state, timeout,
                 f"guard {name} to be {state}")


_NO_TOTAL = {"dropped_packets": 0, "dropped_bytes": 0,
             "would_packets": 0, "would_bytes": 0}


def reason(sock, guard_name, name):
    """Totals of one reason on one guard; zeros if it never occurred."""
    found = guards(sock)[guard_name]["reasons"].get(name, {})
    return {**_NO_TOTAL, **found}


def devices(sock):
    """Devices by name."""
    return {row["name"]: row for row in sock.dump("device-get")}


def device(sock, name):
    """One device with its counters."""
    return sock.do("device-get", name=name)


def profiles(sock):
    """Live profiles by name, their rules in one list again."""
    out = {}
    for row in sock.dump("profile-get"):
        whole = out.setdefault(row["name"], dict(row, rule=[]))
        if row.get("first", 0) != len(whole["rule"]):
            raise AssertionError(f"profile {row['name']}: first is "
                                 f"{row.get('first')} after "
                                 f"{len(whole['rule'])} rules")
        whole["rule"] += row.get("rule", [])
    return out


def records(sock, table="active"):
    """Drop records; addresses as text."""
    out = sock.dump("record-get", table=table)
    for row in out:
        for key in ("source", "destination"):
            if key in row:
                row[key] = str(ipaddress.ip_address(row[key]))
    return out


def state(sock):
    """Everything that a refused request must leave as it was."""
    about = info(sock)
    for volatile in ("memory", "records", "records_max", "records_lost",
                     "events_suppressed", "fragments_lost"):
        about.pop(volatile, None)
    return {"info": about, "guards": guards(sock), "devices": devices(sock),
            "profiles": profiles(sock)}


def reset(sock):
    """No guards, an empty live policy if there ever was one."""
    unguard(sock)
    try:
        sock.do("txn-abort")
    except nl.NlError:
        pass
    if info(sock).get("generation"):
        load(sock, {}, revision=0, rollback=True)
