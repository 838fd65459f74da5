# SPDX-License-Identifier: GPL-2.0-only
"""Hints from libloc's databases: Debian's, and ones that its writer made."""

import os
import subprocess
import time

from driver import tap, fits, place, Driver, DROP, SCHEMA
import mmdb

LOCDB = os.environ["LOCDB"]
DEBIAN = "/usr/share/libloc-location/location.db"

SMALL = """\
network 203.0.113.0/24 CN 64500
network 198.51.100.0/24 DE 0
network 192.0.2.0/24 - 64501
network 2001:db8::/32 US 64500
as 64500 Example Backbone \u4e2d
"""


def write(path, text=SMALL):
    "A database, written with libloc."
    done = subprocess.run([LOCDB, path], input=text, check=False,
                          stderr=subprocess.PIPE, text=True)
    tap.equal(done.returncode, 0, done.stderr)


def configure(d, country, asn):
    "Name databases."
    d.write(["FILE"], annotations={"vendors": [], "country": country,
                                   "asn": asn})
    d.ask("configure " + d.config)


def days(before):
    "Days that a database may have that was just written."
    return {time.strftime("%Y-%m-%d", time.gmtime(when))
            for when in (before, time.time())}


def test_libloc():
    "country, network and day by libloc, of IPv4 and IPv6"
    with Driver() as d:
        before = time.time()
        write(d.path("location.db"))
        after = days(before)
        configure(d, "location.db", "location.db")
        found = place(d, "203.0.113.9")
        tap.true(found.pop("country_date") in after, "day of the country")
        tap.true(found.pop("asn_date") in after, "day of the network")
        tap.equal(found, {"country": "CN", "asn": 64500,
                          "organization": "Example Backbone \u4e2d"}, "IPv4")
        found = place(d, "2001:db8::9")
        tap.equal((found["country"], found["asn"]), ("US", 64500), "IPv6")
        found = place(d, "198.51.100.1")
        tap.equal((found["country"], "asn" in found), ("DE", False),
                  "a country alone")
        found = place(d, "192.0.2.1")
        tap.equal((found["asn"], "organization" in found, "country" in found),
                  (64501, False, False), "a number alone")
        tap.equal(place(d, "10.20.0.10"), None, "not in it")
        made = d.ask("event " + DROP)
        fits(made, SCHEMA)
        tap.equal(made["lenscap"]["hints"]["destination"]["country"], "CN",
                  "event")
        tap.equal(d.log(), "", "complaints")


def test_libloc_debian():
    "the database of Debian's package"
    if not os.path.exists(DEBIAN):
        raise tap.Skip("libloc-database is not installed: scripts/setup check")
    with Driver() as d:
        configure(d, DEBIAN, DEBIAN)
        for address, country, asn in (("193.0.6.139", "NL", 3333),
                                      ("2001:67c:2e8:22::c100:68b", "NL",
                                       3333)):
            found = place(d, address)
            fits({"destination": found}, SCHEMA["lenscap"]["hints?"])
            tap.equal((found["country"], found["asn"]), (country, asn),
                      address)
            tap.true("RIPE" in found["organization"].upper(), f"{found}")
            tap.true("2020" < found["asn_date"] == found["country_date"],
                     f"{found}")
        tap.equal(place(d, "10.20.0.10"), None, "a private address")


def test_libloc_beside_maxmind():
    "each file is read by what is in it, not by its name"
    with Driver() as d:
        write(d.path("country.mmdb"))
        mmdb.write(d.path("asn.db"), {"203.0.113.0/24": {
            "autonomous_system_number": 64999}}, "x", 1785000000)
        configure(d, "country.mmdb", "asn.db")
        found = place(d, "203.0.113.9")
        tap.equal((found["country"], found["asn"], found["asn_date"]),
                  ("CN", 64999, "2026-07-25"), "both")


def test_libloc_change():
    "one that is cut or replaced: the old answer until a reload"
    with Driver() as d:
        path = d.path("location.db")
        write(path)
        configure(d, path, path)
        tap.equal(place(d, "203.0.113.9")["country"], "CN", "before")
        os.truncate(path, 10)
        tap.equal(place(d, "203.0.113.77")["country"], "CN", "after a cut")
        d.ask("reopen")
        tap.equal(place(d, "203.0.113.9"), None, "reloaded")
        place(d, "203.0.113.10")
        tap.equal(d.log().count("location.db"), 1, f"said once: {d.log()}")
        tap.true("libloc cannot read it" in d.log(), d.log())
        write(path, SMALL.replace("CN", "RU"))
        d.ask("reopen")
        tap.equal(place(d, "203.0.113.9")["country"], "RU", "a newer one")


def test_libloc_broken():
    "no part of one, changed or missing, can do more than spoil hints"
    with Driver() as d:
        path = d.path("location.db")
        write(path)
        configure(d, path, path)
        with open(path, "rb") as file:
            good = file.read()
        # Sections begin on pages: what is between them is zero.
        used = [at for at in range(len(good)) if good[at]]
        for at in used + list(range(8, 64)):
            for flip in (0xff, 0x80):
                data = bytearray(good)
                data[at] ^= flip
                with open(path, "wb") as file:
                    file.write(data)
                d.ask("reopen")
                place(d, "203.0.113.9")
                place(d, "2001:db8::9")
        for length in sorted({*range(0, 200, 9), *range(200, len(good), 499),
                              *(at - at % 4096 for at in used)}):
            with open(path, "wb") as file:
                file.write(good[:length])
            d.ask("reopen")
            place(d, "203.0.113.9")
            place(d, "2001:db8::9")
