# SPDX-License-Identifier: GPL-2.0-only
"""Reports with hints: vendors, countries and networks, in all three forms.

The files are named in /etc/lenscap/gateway.yaml, which each run gets from a
mount namespace of its own.
"""

import html.parser
import json
import os
import re
import shutil
import subprocess
import sys

import book
from book import directory, tap, Writer, CTL, HERE, MINUTE

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "events"))

import mmdb                                                 # noqa: E402

MADE = 1785000000               # 2026-07-25
CAMERA = "00:11:22:10:00:17"
ORGANIZATION = "Backbone <b>&\u4e2d"
COUNTRIES = {"203.0.113.0/24": {"country": {"iso_code": "CN"}},
             "198.51.100.0/24": {"country": {"iso_code": "DE"}}}
NETWORKS = {"203.0.113.0/24": {"autonomous_system_number": 64500,
                               "autonomous_system_organization": ORGANIZATION},
            "2001:db8::/32": {"autonomous_system_number": 64501}}

# Address: country, network.
WANTED = {"203.0.113.66": ("CN", "AS64500 " + ORGANIZATION),
          "198.51.100.9": ("DE", None),
          "2001:db8:bad::66": (None, "AS64501"),
          "192.0.2.80": (None, None)}
SOURCE = ("Hints, which decide nothing: vendors by the IEEE's list of "
          "2026-07-24, countries of 2026-07-25, networks of 2026-07-26")

INSIDE = ('mount -t tmpfs lenscap-etc /etc && mkdir /etc/lenscap && '
          'cp "$1" /etc/lenscap/gateway.yaml && shift && exec "$@"')


def gateway(**annotations):
    """gateway.yaml; its path."""
    path = os.path.join(directory(), "gateway.yaml")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"version": 1, "annotations": annotations, "guards": [
            {"name": "cams", "interface": "eth1"}]}, file)
        file.write("\n")
    return path


def databases():
    """Both databases and a list of vendors, each of another day."""
    where = directory()
    country, asn, vendors = (os.path.join(where, name) for name in
                             ("country.mmdb", "asn.mmdb", "oui.csv"))
    mmdb.write(country, COUNTRIES, "Test-Country", MADE)
    mmdb.write(asn, NETWORKS, "Test-ASN", MADE + 86400)
    with open(vendors, "w", encoding="ascii") as file:
        file.write("Registry,Assignment,Organization Name,x\n"
                   "MA-L,001122,Test Cameras,x\n")
    os.utime(vendors, (MADE - 86400, MADE - 86400))
    return gateway(country=country, asn=asn, vendors=[vendors])


def within(config, *args):
    """lenscapctl report on a machine with this gateway.yaml."""
    space = ["unshare", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run(
            [*space, "mount", "-t", "tmpfs", "x", "/etc"], check=False,
            capture_output=True).returncode:
        raise tap.Skip("no mount namespace can be made here: run it as root")
    done = subprocess.run(
        [*space, "sh", "-c", INSIDE, "sh", config, CTL, "report", *args,
         "--from", "2025-11-26", "--to", "2025-11-27"],
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
        env={**book.ENV, "LC_ALL": "C.UTF-8"}, check=False,
        timeout=book.TIMEOUT)
    tap.equal((done.returncode, done.stderr), (0, ""), "status and complaints")
    return done.stdout


def history():
    """A device that calls all of WANTED, each more often than the next."""
    with Writer(directory()) as writer:
        writer.say("start")
        for number, address in enumerate(WANTED):
            writer.drop("fence-017", CAMERA, address,
                        packets=20 - 5 * number)
        writer.drop("-", "02:11:22:33:44:55", "192.0.2.80", packets=1,
                    reason="unknown_device")
        writer.after(MINUTE, "tick")
        writer.end()
    return writer.path


class Page(html.parser.HTMLParser):
    """Tables of a page: rows of cells, as text."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.cell, self.text = [], None, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables:
            self.cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None:
            self.tables[-1][-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        self.text.append(data)
        if self.cell is not None:
            self.cell += data

    def table(self, first):
        """Rows of the table that begins with this cell, as mappings."""
        for table in self.tables:
            if table[0][0] == first:
                return [dict(zip(table[0], row)) for row in table[1:]]
        raise AssertionError(f"no table {first!r} in {self.tables}")

    def matrix(self):
        """Heads of the columns of the matrix."""
        for table in self.tables:
            if table[0][0] == "" and len(table[0]) > 1:
                return table[0][1:]
        raise AssertionError(f"no matrix in {self.tables}")


def test_hints_json():
    """Each destination has its own country and network, each day is told."""
    seen = json.loads(within(databases(), "--database", history(), "--json"))
    tap.equal({to["address"]: (to["country"], to["network"])
               for to in seen["destinations"]}, WANTED, "destinations")
    tap.equal({caller["mac"]: caller["vendor"]
               for caller in seen["callers"]},
              {CAMERA: "Test Cameras", "02:11:22:33:44:55": "made up"},
              "vendors")
    tap.equal(seen["hints"], {"vendors_of": "2026-07-24",
                              "countries_of": "2026-07-25",
                              "networks_of": "2026-07-26"}, "days")


def test_hints_text():
    """On the terminal: columns of the destinations, vendors, the days."""
    said = within(databases(), "--database", history())
    lines = said[said.index("Whom they called"):].splitlines()
    tap.equal(re.split(r"\s{2,}", lines[1].strip())[-2:],
              ["country", "network"], "heads")
    rows = {line.split()[0]: line for line in lines[2:] if line.strip()}
    for address, (country, network) in WANTED.items():
        tap.equal(re.split(r"\s{2,}", rows[address].strip())[-2:],
                  [country or "-", network or "-"], address)
    tap.true(re.search(r"fence-017 .*Test Cameras", said), said)
    tap.equal([line for line in said.splitlines() if "Hints" in line],
              [SOURCE], "where hints are from")


def test_hints_html():
    """On the page: destinations, heads of the matrix, vendors, the days."""
    page = Page(within(databases(), "--database", history(), "--html", "-"))
    tap.equal({row["address"]: (row["country"], row["network"])
               for row in page.table("address")},
              {address: tuple(hint or "-" for hint in hints)
               for address, hints in WANTED.items()}, "destinations")
    tap.equal(page.matrix(), [" ".join(filter(None, (address, *hints)))
                              for address, hints in WANTED.items()], "matrix")
    tap.equal([row["vendor"] for row in page.table("device")],
              ["Test Cameras"], "vendors")
    tap.equal([text for text in page.text if text.startswith("Hints")],
              [SOURCE + "."], "where hints are from")


def test_hints_none():
    """Without databases there are no such columns, and no days."""
    config, path = gateway(vendors=[]), history()
    seen = json.loads(within(config, "--database", path, "--json"))
    tap.equal({(to["country"], to["network"])
               for to in seen["destinations"]}, {(None, None)}, "JSON")
    tap.equal(set(seen["hints"].values()), {None}, "days")
    said = within(config, "--database", path)
    tap.true(not re.search("country|network", said), said)
    page = Page(within(config, "--database", path, "--html", "-"))
    tap.equal([name for name in page.table("address")[0]
               if name in ("country", "network")], [], "page")
    tap.equal(page.matrix(), list(WANTED), "matrix")
