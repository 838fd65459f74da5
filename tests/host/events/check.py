# SPDX-License-Identifier: GPL-2.0-only
"""Events, their outputs and their hints, as one TAP stream.

Arguments select tests by name; --list shows them.
"""

import functools
import glob
import importlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from driver import tap, fits, place, Driver, DROP, EPOCH, SCHEMA  # noqa: E402
import mmdb                                                 # noqa: E402


def test_eve_drop():
    "every field of an event"
    with Driver() as d:
        made = d.ask("event " + DROP)
        tap.equal(d.lines(), [made], "the file")
        fits(made, SCHEMA)
        tap.equal(made, {
            "timestamp": "2026-07-25T22:50:01.456000+0530", "host": "gw-17",
            "in_iface": "eth1", "event_type": "drop", "vlan": [30],
            "src_ip": "10.30.0.17", "dest_ip": "203.0.113.9",
            "dest_port": 443, "proto": "TCP", "pkt_src": "wire/pcap",
            "ether": {"src_mac": "02:00:5e:10:00:17"},
            "drop": {"reason": "destination"},
            "lenscap": {
                "device": "fence-017", "guard": "cams",
                "profile": "fence-dome", "reason": "destination",
                "audited": False, "ethertype": 2048, "packets": 12,
                "bytes": 720, "first": "2026-07-25T17:20:00.123Z",
                "last": "2026-07-25T17:20:01.456Z", "revision": 42,
                "generation": 7, "hints": {"mac": {"local": True}}}}, "event")


def test_eve_audited():
    "what was audited is no drop"
    with Driver() as d:
        made = d.ask("event " + DROP.replace(" 0 12", " 1 12"))
        fits(made, SCHEMA)
        tap.equal(made["event_type"], "alert", "event_type")
        tap.equal(made["alert"]["action"], "allowed", "action")
        tap.equal("drop" in made, False, "a drop object")
        tap.equal(made["lenscap"]["audited"], True, "audited")


def test_eve_shapes():
    "IPv6, ICMP, protocols without a name, and frames that are no IP"
    with Driver() as d:
        cases = {
            "- - 2001:db8::17 2001:db8::9 58 128 1 0 1":
                {"proto": "IPv6-ICMP", "icmp_type": 128,
                 "src_ip": "2001:db8::17"},
            "- - 10.0.0.1 10.0.0.2 1 8 1 0 1":
                {"proto": "ICMP", "icmp_type": 8},
            "- - 10.0.0.1 10.0.0.2 99 - 1 0 1": {"proto": "099"},
            "- - 10.0.0.1 10.0.0.2 17 53 1 0 1":
                {"proto": "UDP", "dest_port": 53},
            "- 00:11:22:33:44:55 - - - - 5 0 1":
                {"ether": {"src_mac": "00:11:22:33:44:55"}},
        }
        for words, wanted in cases.items():
            made = d.ask("event " + words)
            fits(made, SCHEMA)
            tap.equal({key: made[key] for key in wanted}, wanted, words)
        tap.equal([key for key in made if key in (
            "src_ip", "dest_ip", "proto", "dest_port", "icmp_type")], [],
            "what a frame without IP does not have")


def test_jq():
    "jq counts drops, and only drops"
    if not shutil.which("jq"):
        raise tap.Skip("jq is not there")
    with Driver() as d:
        for audit in (0, 1, 0):
            d.ask("event " + DROP.replace(" 0 12", f" {audit} 12"))
        done = subprocess.run(
            ["jq", "-s", '[.[] | select(.event_type == "drop") | '
             '.lenscap.packets] | add', d.file], check=True,
            stdout=subprocess.PIPE, text=True)
        tap.equal(done.stdout.strip(), "24", "packets")


def test_file_rotated():
    "a file that was renamed is written to until it is opened again"
    with Driver() as d:
        d.ask("event " + DROP)
        os.rename(d.file, d.file + ".1")
        d.ask("admit")
        d.ask("event " + DROP)
        tap.equal(os.path.exists(d.file), False, "another file, already")
        d.ask("reopen")
        d.ask("event " + DROP)
        tap.equal((len(d.lines(d.file + ".1")), len(d.lines())), (2, 1),
                  "events in the old and the new file")
        tap.equal(d.shown(), {"to": "file", "path": d.file, "written": 3,
                              "lost": 0, "error": None}, "state")


def test_file_deleted():
    "a file that was deleted is made again, in the next batch"
    with Driver() as d:
        d.ask("event " + DROP)
        tap.equal(os.stat(d.file).st_mode & 0o777,
                  0o640 & ~os.umask(os.umask(0)), "mode")
        os.unlink(d.file)
        d.ask("admit")
        d.ask("event " + DROP)
        tap.equal(len(d.lines()), 1, "events in the new file")


def test_file_directory_vanishes():
    "without its directory events are counted; with it they are written"
    with Driver() as d:
        moved = d.path("moved")
        d.file = os.path.join(d.path("logs"), "events.json")
        d.write(["FILE"])
        d.ask("configure " + d.config)
        for _ in range(3):
            d.ask("event " + DROP)
        d.ask("admit")
        state = d.shown()
        tap.equal((state["written"], state["lost"]), (0, 3), "counts")
        tap.true("No such file" in state["error"], state)
        tap.true("3 event(s) were not written to file " + d.file in d.log(),
                 d.log())
        os.mkdir(d.path("logs"))
        d.ask("event " + DROP)
        tap.equal(len(d.lines()), 1, "events")
        os.rename(d.path("logs"), moved)
        d.ask("reopen")
        d.ask("event " + DROP)
        tap.equal(d.ask("show")["lost"], 4, "lost")


def test_rate():
    "no more than so many a second are written, and the others counted"
    with Driver(rate=3) as d:
        start = int(time.monotonic())
        for _ in range(60):
            d.ask("event " + DROP)
        state = d.shown()
        seconds = int(time.monotonic()) - start + 1
        tap.true(3 <= state["written"] <= 3 * seconds,
                 f"{state['written']} written in {seconds} s")
        tap.equal(len(d.lines()), state["written"], "lines")
        tap.equal(state["lost"], 60 - state["written"], "lost")
        if seconds < 10:
            tap.true("no more than 3 events a second" in state["error"], state)
            d.ask("admit")
            tap.true("it gets no more than 3" in d.log(), d.log())


def test_file_full():
    "a full disk costs whole lines, never half of one, and is survived"
    with Driver(limit=2000) as d:
        for _ in range(10):
            d.ask("event " + DROP)
        d.ask("admit")
        state = d.shown()
        kept = len(d.lines())
        tap.true(0 < kept < 10, f"{kept} lines")
        tap.equal((state["written"], state["lost"]), (kept, 10 - kept),
                  "counts")
        tap.true("cannot be written to" in d.log(), d.log())
        os.truncate(d.file, 0)
        d.ask("event " + DROP)
        tap.equal(len(d.lines()), 1, "events after there was room again")


def test_file_is_none():
    "a FIFO or a directory is refused, and keeps nobody waiting"
    with Driver() as d:
        os.mkfifo(d.file)
        d.ask("event " + DROP)
        tap.true(d.shown()["error"], d.shown())
        os.unlink(d.file)
        os.mkdir(d.file)
        d.ask("admit")
        d.ask("event " + DROP)
        tap.equal(d.shown()["lost"], 2, "lost")


def test_stdout_beside_file():
    "each output gets every event"
    with Driver(["stdout", "FILE"]) as d:
        made = d.ask("event " + DROP)
        tap.equal(d.lines(), [made], "file")
        tap.equal(d.lines(d.path("out")), [made], "stdout")


def test_syslog():
    "a datagram as of syslog(3); a reader that sleeps or goes costs events"
    with Driver() as d:
        path = d.path("log")
        d.write([{"to": "syslog", "facility": "local3", "socket": path}])
        d.ask("configure " + d.config)
        d.ask("event " + DROP)
        tap.equal(d.shown()["lost"], 1, "lost before there was a reader")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
            reader.bind(path)
            reader.settimeout(60)
            d.ask("admit")
            made = d.ask("event " + DROP)
            text = reader.recv(65536).decode()
            head = re.match(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
                            r"lenscapd\[\d+\]: ", text)
            tap.true(head, text)
            tap.equal(int(head[1]), 19 * 8 + 5, "local3.notice")
            tap.equal(json.loads(text[head.end():]), made, "event")
            # Nobody reads: the queue is full some time.
            while d.shown()["lost"] < 2:
                d.ask("event " + DROP)
        os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
            reader.bind(path)
            reader.settimeout(60)
            d.ask("event " + DROP)
            tap.true(reader.recv(65536), "an event for the new reader")


def test_counts_stay():
    "counts outlive a reload; those of an output that is gone stay in the sum"
    with Driver() as d:
        os.mkdir(d.file)
        d.ask("event " + DROP)
        d.ask("configure " + d.config)
        tap.equal(d.shown()["lost"], 1, "lost")
        d.write(["stdout"])
        d.ask("configure " + d.config)
        state = d.ask("show")
        tap.equal((state["lost"], state["outputs"][0]["lost"]), (1, 0), "sum")


VENDORS = {
    "oui.csv": ('MA-L,001122,"Hangzhou ""Test"" Cameras, Ltd",Street 1\r\n'
                "MA-L,70B3D5,IEEE Registration Authority,x\r\n"
                "MA-L,AABBCC,Large,x\r\n"),
    "mam.csv": "MA-M,AABBCC1,Medium,x\r\n",
    "oui36.csv": "MA-S,70B3D5719,2M Technology,x\r\nMA-S,nonsense,x,x\r\n",
}


def vendor_files(directory):
    "Lists as of the IEEE; their paths."
    paths = []
    for name, text in VENDORS.items():
        paths.append(os.path.join(directory, name))
        with open(paths[-1], "w", encoding="utf-8", newline="") as file:
            file.write("Registry,Assignment,Organization Name,"
                       "Organization Address\r\n" + text)
        os.utime(paths[-1], (EPOCH, EPOCH))
    return paths


def mac_hint(d, mac):
    "What is said of a MAC address."
    hints = d.ask(f"hints {mac} -")
    return hints and hints["mac"]


def test_vendor():
    "the longest prefix tells; a made-up address tells nothing"
    with Driver() as d:
        d.write(["FILE"], annotations={"vendors": vendor_files(d.dir)})
        d.ask("configure " + d.config)

        def named(vendor):
            return {"local": False, "vendor": vendor,
                    "vendor_date": "2026-07-25"}
        tap.equal(mac_hint(d, "00:11:22:00:00:01"),
                  named('Hangzhou "Test" Cameras, Ltd'), "24 bits")
        tap.equal(mac_hint(d, "aa:bb:cc:20:00:01"), {"local": True},
                  "locally administered, though it is in the list")
        tap.equal(mac_hint(d, "70:b3:d5:71:9f:ff"), named("2M Technology"),
                  "36 bits")
        tap.equal(mac_hint(d, "70:b3:d5:71:a0:00"), None,
                  "the registry is no maker")
        tap.equal(mac_hint(d, "00:11:23:00:00:01"), None, "in no list")
        tap.equal(mac_hint(d, "01:11:22:00:00:01"), None, "a group")
        tap.true("1 line(s) hold no assignment" in d.log(), d.log())


def test_vendor_debian():
    "the lists of Debian's ieee-data"
    if not os.path.exists("/usr/share/ieee-data/oui.csv"):
        raise tap.Skip("ieee-data is not installed")
    with Driver() as d:
        d.write(["FILE"], annotations={})
        d.ask("configure " + d.config)
        hint = mac_hint(d, "70:b3:d5:71:90:01")
        tap.equal(hint["vendor"], "2M Technology", "36 bits")
        fits({"mac": hint},
             SCHEMA["lenscap"]["hints?"])
        tap.equal(d.log(), "", "complaints")


COUNTRIES = {"203.0.113.0/24": {"country": {"iso_code": "CN"}},
             "198.51.100.0/24": {"registered_country": {"iso_code": "DE"}},
             "2001:db8::/32": {"country": {"iso_code": "US"}}}
NETWORKS = {"203.0.113.0/25": {
    "autonomous_system_number": 64500,
    "autonomous_system_organization": "Example Backbone \u4e2d"}}


def with_databases(d, **vendors):
    "A driver with both databases."
    mmdb.write(d.path("country.mmdb"), COUNTRIES, "Test-Country", EPOCH)
    mmdb.write(d.path("asn.mmdb"), NETWORKS, "Test-ASN", EPOCH + 86400)
    d.write(["FILE"], annotations={"vendors": [], "country": "country.mmdb",
                                   "asn": "asn.mmdb", **vendors})
    d.ask("configure " + d.config)


def test_places():
    "country and network, of IPv4 and IPv6, with the day of each database"
    with Driver() as d:
        with_databases(d)
        wanted = {"country": "CN", "country_date": "2026-07-25",
                  "asn": 64500, "organization": "Example Backbone \u4e2d",
                  "asn_date": "2026-07-26"}
        tap.equal(place(d, "203.0.113.9"), wanted, "both")
        tap.equal(place(d, "203.0.113.9"), wanted, "from memory")
        tap.equal(place(d, "203.0.113.200"),
                  {"country": "CN", "country_date": "2026-07-25"}, "country")
        tap.equal(place(d, "198.51.100.1")["country"], "DE", "registered")
        tap.equal(place(d, "2001:db8::9")["country"], "US", "IPv6")
        tap.equal(place(d, "10.20.0.10"), None, "in neither")
        made = d.ask("event " + DROP)
        fits(made, SCHEMA)
        tap.equal(made["lenscap"]["hints"]["destination"], wanted, "event")


def test_places_by_mmdblookup():
    "another program reads the same from the databases"
    if not shutil.which("mmdblookup"):
        raise tap.Skip("mmdblookup (package mmdb-bin) is not there")
    with Driver() as d:
        with_databases(d)
        done = subprocess.run(
            ["mmdblookup", "--file", d.path("country.mmdb"), "--ip",
             "203.0.113.9", "country", "iso_code"], check=True,
            stdout=subprocess.PIPE, text=True)
        tap.true('"CN"' in done.stdout, done.stdout)


def test_places_change():
    "databases that are cut or replaced: the old answer until a reload"
    with Driver() as d:
        with_databases(d)
        tap.equal(place(d, "203.0.113.9")["country"], "CN", "before")
        os.truncate(d.path("country.mmdb"), 0)
        tap.equal(place(d, "203.0.113.77")["country"], "CN", "after a cut")
        d.ask("reopen")
        tap.equal(place(d, "203.0.113.9").get("country"), None, "reloaded")
        place(d, "203.0.113.10")
        tap.equal(d.log().count("country.mmdb"), 1, f"said once: {d.log()}")
        mmdb.write(d.path("country.mmdb"), {
            "203.0.113.0/24": {"country": {"iso_code": "RU"}}}, "x", EPOCH)
        d.ask("reopen")
        tap.equal(place(d, "203.0.113.9")["country"], "RU", "a newer one")


def test_missing_files():
    "files that are not there, or are nonsense: said once, and survived"
    with Driver() as d:
        with open(d.path("asn.mmdb"), "wb") as file:
            file.write(b"nonsense" * 100)
        with open(d.path("oui.csv"), "wb") as file:
            file.write(b"nonsense\n" * 100)
        d.write(["FILE"], annotations={
            "vendors": [d.path("absent.csv"), d.path("oui.csv")],
            "country": "absent.mmdb", "asn": "asn.mmdb"})
        d.ask("configure " + d.config)
        for _ in range(2):
            fits(d.ask("event " + DROP), SCHEMA)
        for name in ("absent.csv", "oui.csv", "absent.mmdb", "asn.mmdb"):
            tap.equal(d.log().count("/" + name + ":"), 1,
                      f"lines about {name}: {d.log()}")


def test_broken_databases():
    "no byte of a database, changed, can do more than spoil hints"
    with Driver() as d:
        with_databases(d)
        with open(d.path("asn.mmdb"), "rb") as file:
            good = file.read()
        for at in range(0, len(good), 7):
            data = bytearray(good)
            data[at] ^= 0xff
            with open(d.path("asn.mmdb"), "wb") as file:
                file.write(data)
            d.ask("reopen")
            place(d, "203.0.113.9")


def main():
    """Run, and add up."""
    totals = {"passed": 0, "failed": 0}

    def counted(func):
        @functools.wraps(func)
        def body():
            try:
                func()
            except tap.Skip:
                raise
            except BaseException:
                totals["failed"] += 1
                raise
            totals["passed"] += 1
        return body
    scope = dict(globals())
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        scope.update(vars(importlib.import_module(
            os.path.basename(path)[:-3])))
    try:
        tap.main({name: counted(value) for name, value in scope.items()
                  if name.startswith("test_")})
    except SystemExit as end:
        if "--list" not in sys.argv[1:]:
            print(f"{totals['passed']} passed, {totals['failed']} failed")
        raise SystemExit(end.code) from None


if __name__ == "__main__":
    main()
