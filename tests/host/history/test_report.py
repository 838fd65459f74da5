# SPDX-License-Identifier: GPL-2.0-only
"""Reports: what is added up, of which period, and what names cannot do."""

import json
import os

from book import ctl, change, directory, report, rows, show, tap, write, \
    Writer, MINUTE

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=http://192.0.2.1/x onerror=alert(1)>',
    "</style><link rel=stylesheet href=//192.0.2.1/x>",
    "</title>&amp;'\"",
    "a\u202egnp.exe",
    "line\u0085break\u200b",
]


def hostile():
    """A history with names that want to be more than names."""
    with Writer(directory()) as book:
        book.say("start")
        for number, name in enumerate(HOSTILE):
            drop = {"device": name, "guard": name, "mac": name,
                    "destination": name, "protocol": name, "port": 1,
                    "reason": name, "audited": bool(number & 1), "packets": 1,
                    "bytes": 1, "first": name, "last": None, "revision": 1}
            for kind, body in (
                    ("drop", drop), ("drop", {**drop, "device": None}),
                    ("policy", {"revision": 1, "by": name, "digest": name}),
                    ("guard", {"guard": name, "interface": name,
                               "state": name}),
                    ("command", {"what": name, "by": name, "guards": [name]}),
                    ("gap", {"reason": name}), ("stop", {"reason": name}),
                    ("start", {"gateway": name}),
                    ("interlock", {"state": name, "open": [name],
                                   "error": name, "changed_by": name}),
                    ("totals", {"guards": [{"name": name}]}),
                    ("nonsense", {"a": name})):
                book.say(f"event {kind} {json.dumps(body)}")
            book.after(MINUTE, "tick")
        for body in ('{"packets": -1}', '{"device": []}', "{}",
                     '{"packets": 9223372036854775807, "device": "x"}'):
            for kind in ("drop", "more", "loss", "totals", "gap", "policy",
                         "start", "stop", "clock", "command"):
                book.say(f"event {kind} {body}")
        book.after(MINUTE, "tick")
        book.end()
    return book.path


def page(path, *args):
    """A page, as text."""
    done = ctl("--database", path, "--html", "-", "--from", "2025-11-01",
               "--to", "2026-12-01", *args)
    tap.equal(done.returncode, 0, done.stderr)
    return done.stdout


def test_hostile_names():
    """They are text in all three forms; nothing is dropped for them."""
    path = hostile()
    text = page(path)
    for bad in ("<script", "<img", "<link", "\u202e", "\u0085", "\u200b"):
        tap.true(bad not in text, f"{bad!r} in the page")
    tap.equal(text.count("</title>"), text.count("<title>"), "titles")
    tap.equal(text.count("</style>"), 1, "styles")
    tap.true("&lt;script&gt;alert(1)&lt;/script&gt;" in text, "as text")
    done = ctl("--database", path, "--from", "2025-11-01")
    tap.equal(done.returncode, 0, done.stderr)
    tap.true("\x1b" not in done.stdout and "\u0085" not in done.stdout,
             "terminal")
    devices = {caller["device"] for caller in report(path)["callers"]}
    tap.true(devices >= set(HOSTILE), f"{devices}")


def test_self_contained():
    """The page names nothing that a browser would fetch."""
    text = page(write())
    for word in ("http:", "https:", "src=", "url(", "@import", "<script",
                 "<link", "javascript:"):
        tap.true(word not in text, f"{word!r} in the page")
    tap.true("default-src 'none'" in text, "policy of content")


def test_sums():
    """Totals, matrix, destinations and timeline agree."""
    path = write()
    seen = report(path)
    tap.equal(seen["totals"]["dropped"]["packets"], 21 + 18, "total")
    for part in ("callers", "destinations", "matrix", "timeline", "reasons"):
        tap.equal(sum(entry["dropped"]["packets"] for entry in seen[part]),
                  39, part)
    cells = {(cell["device"], cell["destination"]):
             cell["dropped"]["packets"] for cell in seen["matrix"]}
    tap.equal(cells, {("fence-017", "203.0.113.66"): 21,
                      ("gate-003", "198.51.100.9"): 18}, "matrix")
    tap.equal(seen["proof"]["whole"], True, "proof")


def test_period():
    """Only what is within; the rest is not there."""
    path = write()
    times = [time for _, time, kind, _, _ in rows(path) if kind == "drop"]
    middle = (times[0] + times[-1]) // 2 // 1000
    done = ctl("--database", path, "--json", "--from", "2025-11-26",
               "--to", "2025-11-26T09:42Z")
    tap.equal(json.loads(done.stdout)["totals"]["dropped"]["packets"], 4,
              f"until 09:42 (middle {middle})")
    done = ctl("--database", path, "--json", "--from", "2025-11-27",
               "--to", "2025-11-27")
    tap.equal(json.loads(done.stdout)["callers"], [], "the day after")


def test_time_arguments():
    """Forms that are understood, and those that are refused."""
    path = write()
    for text, wanted in (
            ("2025-11-26", "2025-11-26T00:00:00.000Z"),
            ("2025-11-26T10:11", "2025-11-26T10:11:00.000Z"),
            ("2025-11-26 10:11:12", "2025-11-26T10:11:12.000Z"),
            ("2025-11-26T10:11Z", "2025-11-26T10:11:00.000Z"),
            ("2025-11-26T10:11:12+01:00", "2025-11-26T09:11:12.000Z"),
            ("2025-11-26T10:11-0230", "2025-11-26T12:41:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z")):
        done = ctl("--database", path, "--json", "--from", text)
        tap.equal(json.loads(done.stdout)["from"], wanted, text)
    done = ctl("--database", path, "--json", "--from", "2025-11-26", "--to",
               "2025-11-26")
    tap.equal(json.loads(done.stdout)["to"], "2025-11-27T00:00:00.000Z",
              "a whole day")
    for text in ("now", "today", "yesterday", "-7d", "-12h", "-30min", "-2w",
                 "-5m", "-90s"):
        done = ctl("--database", path, "--json", "--from", text,
                   "--to", "2100-01-01")
        tap.equal(done.returncode, 0, f"{text}: {done.stdout}")
    for text in ("", "tomorrow", "7d", "-7", "-7y", "-d", "2025-13-01",
                 "2025-02-30", "2025-11-26T25:00", "2025-11-26T10:11X",
                 "26.11.2025", "2025-11-26T10:11+1", "25-11-26",
                 "-99999999999999999999d", "2025-11-26T"):
        for option in ("--from", "--to"):
            done = ctl("--database", path, option, text)
            tap.equal(done.returncode, 2, f"{option} {text!r}: {done.stdout}")
            tap.true("it takes" in done.stderr, done.stderr)
    done = ctl("--database", path, "--from", "-1d", "--to", "-2d")
    tap.equal(done.returncode, 2, "the wrong way round")


def test_bounds():
    """Many devices and destinations: some are listed, the others counted."""
    with Writer(directory()) as book:
        book.say("start")
        for number in range(120):
            book.drop(f"camera-{number:03}", f"02:00:00:00:00:{number:02x}",
                      f"198.51.100.{number}", packets=200 - number)
        book.after(MINUTE, "tick")
        book.end()
    text = page(book.path)
    tap.true("and 96 more callers" in text, "matrix, callers")
    tap.true("and 108 more destinations" in text, "matrix, destinations")
    tap.true("and 70 more devices" in text, "devices")
    tap.true("camera-000" in text and "camera-119" not in text, "order")
    tap.equal(len(report(book.path)["callers"]), 120, "--json has all")


def test_altered_history():
    """A report of an altered history says so first, and fails."""
    path = change(write(), "UPDATE rows SET body = replace(body, '203', '204')"
                           " WHERE seq = 3")
    done = ctl("--database", path, "--from", "2025-11-01")
    tap.equal(done.returncode, 1, "exit code")
    tap.true("ALTERED: row 3" in done.stdout, done.stdout)
    out = os.path.join(directory(), "page.html")
    done = ctl("--database", path, "--from", "2025-11-01", "--html", out)
    tap.equal(done.returncode, 1, "exit code")
    with open(out, encoding="utf-8") as file:
        tap.true('class="proof bad"' in file.read(), "in the page")
    done = ctl("--database", path, "--show", "seal")
    tap.equal(done.returncode, 1, "no seal of it is given out")


def test_not_there():
    """What cannot be read or written is said, with the way out."""
    path = write()
    for args, status, words in (
            (("--database", "/nonexistent/history.db"), 1, "no such file"),
            (("--database", __file__), 1, "not a database"),
            (("--verify", "--database", __file__), 1, "not a database"),
            (("--database", path, "--html", "/nonexistent/x.html"), 1,
             "cannot write"),
            (("--database", path, "--verify", "--key", "/nonexistent"), 2,
             "public key"),
            (("--database", path, "--verify", "--key", __file__), 2,
             "not a public key"),
            (("--database", path, "--verify", "--since-seal", __file__), 2,
             "--since-seal"),
            (("--verify", "--from", "today"), 2, "do not go with it"),
            (("--show", "nothing"), 2, "it takes"),
            (("--show", "key", "--verify"), 2, "--show goes with"),
            (("--database", path, "--html", "-", "--json"), 2, "both")):
        done = ctl(*args)
        said = done.stdout + done.stderr
        tap.equal(done.returncode, status, f"{args}: {said}")
        tap.true(words in said, f"{args}: {words!r} not in {said!r}")


def test_read_only():
    """A copy on a medium that nobody can write to is read, and kept as is."""
    source = change(write())
    copy = os.path.join(directory(), "a copy? 100%#.db")
    os.rename(source, copy)
    with open(copy, "rb") as file:
        before = file.read()
    key, _ = show(copy, "key")
    done = ctl("--verify", "--database", copy, "--key", key)
    tap.equal(done.returncode, 0, done.stdout + done.stderr)
    with open(copy, "rb") as file:
        tap.true(file.read() == before, "the file was changed")
