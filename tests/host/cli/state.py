# SPDX-License-Identifier: GPL-2.0-only
"""The answers of a gateway with two cameras, as docs/control.md has them.

Times are ages in seconds, chosen in the middle of what is shown ("2 h ago" is
two and a half hours), so that golden output does not depend on the clock.
"""

import time

REASONS = ("no_policy unknown_device wrong_source vlan_stack ethertype "
           "truncated bad_header ip_option ext_header fragment tiny_fragment "
           "destination service direction quarantine upkeep_off "
           "upkeep_invalid upkeep_spoof icmp_size icmp_rate icmp_quote").split()


def ago(seconds):
    """The time that was so long ago."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                         time.gmtime(time.time() - seconds))


def count(packets, size):
    """A counter."""
    return {"packets": packets, "bytes": size}


def reason(name, dropped=(0, 0), would=(0, 0)):
    """Totals of one reason."""
    return {"reason": name, "dropped": count(*dropped),
            "would_drop": count(*would)}


def guard(name="cams", **changes):
    """A guard."""
    base = {
        "name": name, "interface": "eth1", "vlan": 30, "identity": "mac",
        "mode": "enforce",
        "upkeep": ["arp", "nd", "dhcp", "dhcp6", "igmp", "mld"],
        "state": "armed", "ifindex": 3,
        "passed": count(1234567, 1500000000), "dropped": count(412, 31000),
        "would_drop": count(0, 0),
        "reasons": [reason("destination", (350, 27000)),
                    reason("unknown_device", (60, 3800)),
                    reason("wrong_source", (2, 200))],
    }
    base.update(changes)
    return base


def interlock(of, state="in-place", **changes):
    """The interlock of guards."""
    held = state if state in ("off", "open") else "in-place"
    base = {
        "state": state,
        "guards": [{"name": g["name"], "interface": g["interface"],
                    "state": "waiting" if g["state"] == "waiting" else held,
                    "dropped": count(0, 0)} for g in of],
        "prerouting": count(0, 0), "forward": count(0, 0),
        "input": count(0, 0), "bridge": count(0, 0), "ports": count(0, 0),
        "restored": 0, "last_gap": None, "error": None,
    }
    base.update(changes)
    return base


def status(guards=None, module=(), daemon=(), lock=()):
    """An answer to `status`."""
    guards = [guard()] if guards is None else guards
    limits = {"guards": 256, "devices": 131072, "profiles": 131072,
              "rules": 2097152, "profile_rules": 16384, "addresses": 64}
    answer = {
        "ok": True,
        "daemon": {"version": "0.1.0", "pid": 4242, "started": ago(9000),
                   "config": "/etc/lenscap/gateway.yaml",
                   "config_last_good": None,
                   "state": "ok",
                   "policy_file": "/etc/lenscap/policy.yaml",
                   "last_good": 42, "superseded": None, "resyncs": 0,
                   "last_error": None, "last_error_at": None,
                   "records_unlogged": 0},
        "module": {"version": "0.1.0", "generation": 7, "revision": 42,
                   "digest": "ab" * 32, "committed": ago(250),
                   "tag": {"value": 0x4c000000, "mask": 0xff000000,
                           "class_mask": 0xff},
                   "guards": len(guards),
                   "guards_armed": sum(g["state"] == "armed" for g in guards),
                   "devices": 2, "profiles": 1, "rulesets": 1, "rules": 3,
                   "memory": 12800, "records": 3, "records_max": 4096,
                   "records_lost": 0, "events_suppressed": 0,
                   "fragments_max": 16384, "fragments_lost": 0,
                   "limits": limits},
        "guards": guards,
        "interlock": interlock(guards, **dict(lock)),
    }
    if module is None:
        answer["module"] = None
    else:
        answer["module"].update(dict(module))
    answer["daemon"].update(dict(daemon))
    return answer


def device(name="fence-017", **changes):
    """A device."""
    base = {
        "name": name, "guard": None, "mac": "02:00:5e:10:00:17",
        "addresses": ["10.30.0.17"], "profile": "fence-dome",
        "passed": count(98765, 123456789), "dropped": count(350, 27000),
        "would_drop": count(0, 0), "last_seen": ago(200),
    }
    base.update(changes)
    return base


def rule(peer, protocol, initiator="device", peer_ports=(0, 65535),
         device_ports=(0, 65535)):
    """A rule."""
    return {"peer": peer, "protocol": protocol, "initiator": initiator,
            "peer_ports": list(peer_ports),
            "device_ports": list(device_ports)}


def profile(name="fence-dome", **changes):
    """A profile."""
    base = {
        "name": name, "mode": "enforce", "class": 1, "devices": 2,
        "rules": [rule("10.20.0.10/32", "tcp", "peer",
                       device_ports=(554, 554)),
                  rule("10.20.0.10/32", "udp", peer_ports=(10000, 20000)),
                  rule("10.20.0.123/32", "udp", peer_ports=(123, 123)),
                  rule("2001:db8:20::10/128", "icmpv6",
                       peer_ports=(128, 128)),
                  rule("10.20.0.0/24", 47),
                  rule("10.20.0.1/32", "any")],
    }
    base.update(changes)
    return base


def drop(**changes):
    """A drop record."""
    base = {
        "device": "fence-017", "mac": "02:00:5e:10:00:17", "guard": "cams",
        "source": "10.30.0.17", "destination": "203.0.113.9",
        "ethertype": 0x0800, "protocol": "tcp", "port": 443,
        "reason": "destination", "audited": False, "packets": 12,
        "bytes": 720, "first": ago(9000), "last": ago(200), "revision": 42,
    }
    base.update(changes)
    return base


def drops():
    """One record of each shape."""
    return [
        drop(),
        drop(device=None, mac="02:00:5e:ff:00:01", source="10.30.0.99",
             reason="unknown_device", protocol="udp", port=53, packets=1,
             bytes=60),
        drop(source="198.51.100.4", reason="wrong_source", protocol="icmp",
             port=8, audited=True),
        drop(destination=None, source=None, ethertype=0x88cc, protocol=None,
             port=None, reason="ethertype"),
        drop(destination="2001:db8::1", source="2001:db8:30::17",
             ethertype=0x86dd, protocol=47, port=None, packets=1234567,
             bytes=98765432),
        drop(ethertype=0x0806, destination=None, source=None, protocol=None,
             port=None, reason="upkeep_spoof"),
        drop(ethertype=0x0800, protocol=None, port=None, reason="truncated"),
        drop(device=None, mac=None, guard="hop", reason="unknown_device",
             source="10.99.0.1"),
    ]
