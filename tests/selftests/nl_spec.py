#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The C header, the YAML spec and the loaded family agree."""

import os
import re

from lib import nl, tap
from lib.rig import Rig

HEADER = os.environ.get("LENSCAP_HEADER") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)),
    "../../kmod/uapi/linux/lenscap.h")

ADMIN_PERM, CAP_DO, CAP_DUMP = 1, 2, 4


def header():
    """The header without comments, or a skip where it is not at hand."""
    if not os.path.exists(HEADER):
        raise tap.Skip(f"no header at {HEADER} (set LENSCAP_HEADER)")
    with open(HEADER, encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)


def c_enum(name):
    """{NAME: number} of one enum of the header, without its end markers."""
    body = re.search(r"enum %s\s*\{(.*?)\}" % name, header(), re.S)
    tap.true(body, f"the header has no enum {name}")
    out, number = {}, 0
    for part in body.group(1).split(","):
        entry, _, value = part.strip().partition("=")
        if not entry:
            continue
        number = int(value, 0) if value else number
        if not entry.startswith("__"):
            out[entry.strip()] = number
        number += 1
    return out


def c_defines():
    """{NAME: text} of the header's #defines."""
    return dict(re.findall(r"^#define[ \t]+(\w+)[ \t]+(.+?)[ \t]*$", header(), re.M))


def upper(*parts):
    """LENSCAP_A_B of "a-b"."""
    return "_".join(parts).replace("-", "_").upper()


def test_attributes():
    "each attribute set has the names and numbers of its C enum"
    raw = nl.spec().raw
    for aset in raw["attribute-sets"]:
        name = aset["name"]
        wanted = {upper("lenscap", name, "a", a["name"]): i
                  for i, a in enumerate(aset["attributes"], 1)}
        seen = c_enum(f"lenscap_{name}_attr")
        tap.equal(seen.pop(upper("lenscap", name, "a", "unspec")), 0, name)
        tap.equal(seen, wanted, f"attribute set {name}")
    sets = re.findall(r"enum lenscap_(\w+)_attr\s*\{", header())
    tap.equal(sorted(sets), sorted(s["name"] for s in raw["attribute-sets"]),
              "attribute sets")


def test_commands():
    "commands have the same names and numbers"
    seen = c_enum("lenscap_cmd")
    tap.equal(seen.pop("LENSCAP_CMD_UNSPEC"), 0)
    tap.equal(seen, {upper("lenscap", "cmd", o.name): o.number
                     for o in nl.spec().ops.values()})


def test_enumerations():
    "enumerations have the same names and numbers"
    for item in nl.spec().raw["definitions"]:
        if item["type"] != "enum":
            continue
        prefix = item.get("name-prefix", f"lenscap-{item['name']}-")
        tap.equal(c_enum("lenscap_" + item["name"].replace("-", "_")),
                  {upper(prefix[:-1], e): i
                   for i, e in enumerate(item["entries"])}, item["name"])
    known = {"lenscap_" + n.replace("-", "_") for n in nl.spec().enums}
    in_c = set(re.findall(r"enum (lenscap_\w+)\s*\{", header()))
    tap.equal({n for n in in_c if not n.endswith(("_attr", "_cmd"))}, known)


def test_constants():
    "constants and flags have the same values"
    defines = c_defines()
    for name, value in nl.spec().consts.items():
        tap.equal(int(defines[upper("lenscap", name)], 0), value, name)
    limits = {n for n in defines if n.startswith("LENSCAP_MAX_")}
    tap.equal(limits, {upper("lenscap", n) for n in nl.spec().consts
                       if n.startswith("max_")}, "limits")
    for name, value in nl.spec().flags["upkeep"].items():
        text = defines[upper("lenscap", "upkeep", name)]
        shift = int(re.search(r"1U\s*<<\s*(\d+)", text).group(1))
        tap.equal(1 << shift, value, name)
    every = sum(nl.spec().flags["upkeep"].values())
    tap.equal(int(defines["LENSCAP_UPKEEP_ALL"].rstrip("U"), 0), every)


def test_names():
    "family and group have the names of the header"
    defines = c_defines()
    raw = nl.spec().raw
    tap.equal(defines["LENSCAP_GENL_NAME"], f'"{raw["name"]}"')
    tap.equal(defines["LENSCAP_MCGRP_EVENTS"],
              f'"{raw["mcast-groups"]["list"][0]["name"]}"')


def test_lists():
    "operations list only attributes that their set has"
    spec = nl.spec()
    for op in spec.ops.values():
        for kind in ("do", "dump", "event"):
            for side in (op.raw.get(kind, {}),
                         op.raw.get(kind, {}).get("request", {}),
                         op.raw.get(kind, {}).get("reply", {})):
                for name in side.get("attributes", ()):
                    tap.true(name.replace("-", "_") in spec.sets[op.attrs],
                             f"{op.name}: {name} is not in {op.attrs}")


def test_family():
    "the loaded family has these operations, all for the administrator"
    tap.root()
    tap.module()
    with Rig(link=False) as r:
        info = r.sock.info
        tap.equal(info["version"], 1, "version")
        tap.equal(list(r.sock.groups), ["events"], "multicast groups")
        seen = {op["id"]: op["flags"] for op in info["ops"]}
        wanted = {}
        for op in nl.spec().ops.values():
            caps = ((CAP_DO if "do" in op.raw else 0) |
                    (CAP_DUMP if "dump" in op.raw else 0))
            if caps:
                wanted[op.number] = caps | ADMIN_PERM
        tap.equal({k: v & 7 for k, v in seen.items()}, wanted, "operations")


def test_limits():
    "info-get tells the limits of the header"
    tap.root()
    tap.module()
    with Rig(link=False) as r:
        info = r.sock.do("info-get")
        for name in ("guards", "devices", "profiles", "rules",
                     "profile_rules", "addresses"):
            tap.equal(info[f"max_{name}"], nl.spec().consts[f"max_{name}"],
                      name)
        tap.true(info["version"], "the module tells no version")


if __name__ == "__main__":
    tap.main(globals())
