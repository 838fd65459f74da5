# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces whose hardware takes over flows: kmod/lenscap_hwft.c.

    hwft.load(r.net)                    # gone with r.net
    hwft.add(r.gw, "hard")
    hwft.flowtable(r.gw, "hard")        # flags offload
"""

import os

from . import net, tap

KIND = "lenscap_hwft"
VM = "/run/lenscap-vm"


def load(world):
    """Load the driver; it and its interfaces go at the end of world."""
    if not os.path.isdir(VM):
        raise tap.Skip(f"{KIND} is loaded only in a machine of scripts/vm or "
                       "scripts/uml")
    module = os.environ.get("LENSCAP_MODULE")
    if not module:
        raise tap.Skip(f"LENSCAP_MODULE does not say where {KIND}.ko is")
    path = os.path.join(os.path.dirname(module), "selftests", f"{KIND}.ko")
    if not os.path.exists(path):
        raise tap.Skip(f"no {path}: scripts/module builds it")
    net.run(["insmod", path])
    world.defer(net.run, ["rmmod", KIND])


def add(netns, name, *options):
    """A port of the chip, up. What is sent on it, it receives."""
    netns.ip(["link", "add", "name", name, *options, "type", KIND])
    netns.up(name)


def flowtable(netns, *devices, offload=True, rules=""):
    """Table t with flowtable f, instead of the last one.

    In two steps: a device belongs to one flowtable at a time.
    """
    netns.nft("add table inet t; delete table inet t")
    flags = "flags offload;" if offload else ""
    done = netns.nft(["-f", "-"], check=False, text=f"""
        table inet t {{
            flowtable f {{ hook ingress priority 0; {flags}
                devices = {{ {", ".join(devices)} }}; }}
            {rules}
        }}""")
    if done.returncode and "No such file" in done.stderr:
        raise tap.Skip(f"no flowtables here: {done.stderr.strip()}")
    tap.equal(done.returncode, 0, done.stderr)
