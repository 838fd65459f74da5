# SPDX-License-Identifier: GPL-2.0-only
"""The page in a real browser: it shows, prints, and asks nobody for anything."""

import glob
import json
import os
import shutil
import subprocess

import sample
from book import ctl, directory, tap, SCRATCH, TIMEOUT
from test_report import hostile

BROWSER = shutil.which("chromium")
KEEP = os.environ.get("SCREENSHOTS")    # a directory, to look at them


def browse(path, *args, **env):
    """Run it to its end, with a profile of its own and no network."""
    if not BROWSER:
        raise tap.Skip("chromium is not installed: scripts/setup check")
    profile = directory()
    log = os.path.join(profile, "net.json")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-default-apps", "--disable-sync",
         "--host-resolver-rules=MAP * ~NOTFOUND",
         "--proxy-server=127.0.0.1:9", f"--user-data-dir={profile}",
         f"--log-net-log={log}", "--net-log-capture-mode=Everything",
         *args, f"file://{path}"],
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
        env={**os.environ, "HOME": profile, "TZ": "UTC", **env},
        check=False, timeout=TIMEOUT)
    tap.equal(done.returncode, 0, f"chromium: {done.stderr[-2000:]}")
    return done.stdout, log


def asked(log):
    """URLs that pages tried to load, other than from files."""
    with open(log, encoding="utf-8") as file:
        text = file.read().rstrip().rstrip(",")
    if not text.endswith("}"):
        text += "]}"
    urls = set()
    for event in json.loads(text)["events"]:
        params = event.get("params", {})
        # The browser's own questions, which get no further than the proxy
        # that is not there, have no page as their origin.
        if params.get("initiator", "not an origin") != "not an origin":
            urls.add(params.get("url"))
    return {url for url in urls if url and not url.startswith("file:")}


def write(path, name):
    """The page of a history."""
    out = os.path.join(directory(), name)
    done = ctl("--database", path, "--from", "2025-11-26",
               "--to", "2025-12-03T12:00", "--html", out)
    tap.equal(done.returncode, 0, done.stderr)
    return out


def picture_size(path):
    """Width and height of a PNG."""
    with open(path, "rb") as file:
        head = file.read(24)
    tap.true(head.startswith(b"\x89PNG"), "a picture")
    return (int.from_bytes(head[16:20], "big"),
            int.from_bytes(head[20:24], "big"))


def test_requests_are_seen():
    """The check itself: a page that asks for something is found out."""
    page = os.path.join(directory(), "asks.html")
    with open(page, "w", encoding="ascii") as file:
        file.write("<!DOCTYPE html><img src=http://192.0.2.1/x>")
    _, log = browse(page, "--dump-dom")
    tap.equal(asked(log), {"http://192.0.2.1/x"}, "requests")


def test_page():
    """It shows what it should, on the screen and on paper."""
    page = write(sample.make(), "report.html")
    dom, log = browse(page, "--dump-dom")
    for text in ("fence-017", "203.0.113.66", "9c:8e:cd:12:34:56", "<svg",
                 "revision 42", "Unknown devices", "Not covered",
                 "37 dropped packet(s) have no record"):
        tap.true(text in dom, f"{text!r} is not shown")
    bars = dom.count('<rect class="d"')
    tap.true(bars > 20, f"{bars} bars in the timeline")
    tap.equal(asked(log), set(), "requests")
    shot = os.path.join(SCRATCH, "report.png")
    browse(page, f"--screenshot={shot}", "--window-size=1040,1500",
           "--hide-scrollbars")
    tap.equal(picture_size(shot), (1040, 1500), "size of the picture")
    tap.true(os.stat(shot).st_size > 40000, "there is much to be seen")
    paper = os.path.join(SCRATCH, "report.pdf")
    browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    text = subprocess.run(["pdftotext", "-layout", paper, "-"],
                          capture_output=True, encoding="utf-8", check=True,
                          timeout=TIMEOUT).stdout
    pages = text.count("\f")
    tap.true(2 <= pages <= 5, f"{pages} pages")
    # Columns that are squeezed would break names apart.
    for word in ("fence-017", "9c:8e:cd:12:34:56", "unknown_device",
                 "revision 42"):
        tap.true(word in text, f"{word!r} is not on paper")
    if KEEP:
        for file in glob.glob(os.path.join(SCRATCH, "report.p*")):
            shutil.copy(file, KEEP)


def test_hostile_page():
    """Hostile names: no element, no script, no request comes of them."""
    dom, log = browse(write(hostile(), "hostile.html"), "--dump-dom")
    tap.equal(asked(log), set(), "requests")
    for bad in ("<script", "<img", "<link", "onerror=\""):
        tap.true(bad not in dom, f"{bad!r} in the document")
    tap.true("&lt;script&gt;alert(1)&lt;/script&gt;" in dom, "as text")
