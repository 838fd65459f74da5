# SPDX-License-Identifier: GPL-2.0-only
"""HTTP, and a daemon that does not answer as it should."""

import base64
import os
import select
import shutil
import socket
import subprocess
import threading
import time

from rig import (CLOSE, NOBODY, OPENMETRICS, SILENCE, TIMEOUT, Exporter, Fake,
                 fails, path, tap, values, world)

DOWN = {"lenscap_daemon_up": "0"}


def down(text):
    """The metrics without a daemon, but for the exporter's own."""
    found = values(text)
    tap.true(any(name.startswith("lenscap_exporter_info") for name in found),
             text)
    return {name: value for name, value in found.items()
            if "exporter_info" not in name}


def test_methods_and_paths():
    "GET and HEAD; 404 and 405 for all else"
    with Fake(path("sock"), world()) as fake, Exporter(fake.path) as exporter:
        answer = exporter.ask("/")
        tap.equal(answer.status, 200, "index")
        tap.true('href="/metrics"' in answer.text, answer.text)
        head = exporter.ask(method="HEAD")
        tap.equal((head.status, head.text), (200, ""), "HEAD")
        tap.equal(fake.requests, [], "HEAD asks nobody")
        tap.equal(exporter.ask("/", method="HEAD").status, 200, "HEAD /")
        for target in ("/metric", "/metrics/", "/../etc/passwd", "/api"):
            answer = exporter.ask(target)
            tap.equal(answer.status, 404, target)
            tap.true("/metrics" in answer.text, answer.text)
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = exporter.ask(method=method)
            tap.equal((answer.status, answer.headers["Allow"]),
                      (405, "GET, HEAD"), method)


def test_negotiation():
    "who gets which text"
    plain = "text/plain; version=0.0.4; charset=utf-8"
    openmetrics = OPENMETRICS + "; charset=utf-8"
    wanted = {
        None: plain, "*/*": plain, "text/plain;version=0.0.4": plain,
        "application/json": plain,
        "application/openmetrics-text": openmetrics,
        OPENMETRICS: openmetrics,
        "application/openmetrics-text;version=1.0.0,application/openmetrics"
        "-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1":
        openmetrics,
        "application/openmetrics-text;version=2.0.0, text/plain;q=0.1": plain,
        "application/openmetrics-text;q=0.1, text/plain;q=0.5": plain,
        "application/openmetrics-text;q=0": plain,
        ",,;;=,": plain, "x" * 3000: plain,
    }
    with Fake(path("sock"), world()) as fake, Exporter(fake.path) as exporter:
        for accept, kind in wanted.items():
            answer = exporter.ask(accept=accept)
            tap.equal(answer.headers["Content-Type"], kind, f"for {accept}")
            tap.equal(answer.text.endswith("# EOF\n"), kind == openmetrics,
                      "end")


def test_daemon_down_and_back():
    "no daemon: 200 with lenscap_daemon_up 0; told once; then it is back"
    where = path("sock")
    with Exporter(where, wrap=NOBODY) as exporter:
        for _ in range(3):
            tap.equal(down(exporter.metrics()), DOWN, "metrics")
        tap.true(exporter.metrics(OPENMETRICS).endswith("# EOF\n"), "end")
        exporter.wait_said("there is no socket")
        with Fake(where, world()):
            tap.equal(values(exporter.metrics())["lenscap_daemon_up"], "1",
                      "up")
        exporter.wait_said("answers again")
    tap.equal(exporter.said.count("there is no socket"), 1, "times told")


def test_bad_daemons():
    "a daemon that hangs, hangs up, refuses, or talks nonsense"
    cases = [
        (SILENCE, "did not answer in time"), (CLOSE, "closed the connection"),
        (b"garbage\n", "is not lenscapd"), (b"[1, 2]\n", "is not lenscapd"),
        (b"}\n", "is not lenscapd"), (b"[" * 99 + b"\n", "is not lenscapd"),
        (b"\n", "is not lenscapd"), (b"\xff\x00\xfe\n", "is not lenscapd"),
        ({"ok": False, "error": "no"}, "refused to answer"),
        (b'{"ok": true, "devices": [{"name": \n', "is not lenscapd"),
        (b'{"ok": true, "drops": [1, {]}\n', "is not lenscapd"),
    ]
    for command in ("status", "devices", "drops"):
        for answer, text in cases:
            with Fake(path("sock"), {**world(), command: answer}) as fake, \
                    Exporter(fake.path, "--timeout", "1") as exporter:
                tap.equal(down(exporter.metrics()), DOWN,
                          f"{command}: {answer}")
                exporter.wait_said(text)


def test_hanging_daemon_blocks_nobody():
    "the index is served while a scrape waits"
    with Fake(path("sock"), {"status": SILENCE}) as fake, \
            Exporter(fake.path, "--timeout", "5") as exporter:
        thread = threading.Thread(target=exporter.metrics)
        thread.start()
        fake.wait_requests()
        tap.equal(exporter.ask("/").status, 200, "index")
        tap.true(thread.is_alive(), "the scrape waits")
        thread.join()


def test_many_connections():
    "more connections than there are places are closed, and it goes on"
    with Fake(path("sock"), world()) as fake, Exporter(fake.path) as exporter:
        host, _, port = exporter.url.split("/")[2].partition(":")
        idle = [socket.create_connection((host, int(port)))
                for _ in range(40)]
        # Sooner than those that have a place are closed for being idle.
        end, closed = time.monotonic() + 10, []
        while len(closed) < 24 and time.monotonic() < end:
            closed = select.select(idle, [], [], 0.1)[0]
        for sock in closed:
            try:
                tap.equal(sock.recv(1), b"", "what a refused one hears")
            except ConnectionResetError:
                pass
        tap.equal(len(closed), 24, "connections of 40 that were refused")
        for sock in idle:
            sock.close()

        def answered():
            try:
                return exporter.ask("/").status == 200
            except OSError:
                return False
        end = time.monotonic() + TIMEOUT
        while not answered():
            tap.true(time.monotonic() < end, "it serves again")


def test_unix():
    "served on a UNIX socket, which may be taken over but not be stolen"
    where = path("http")
    with Fake(path("sock"), world()) as fake:
        with Exporter(fake.path, "--unix", where, listen=False) as exporter:
            tap.equal(os.stat(where).st_mode & 0o777, 0o660, "mode")
            tap.equal(values(exporter.metrics())["lenscap_daemon_up"], "1",
                      "up")
            status, said = fails("--unix", where)
            tap.true(status == 1 and "another program listens" in said, said)
        stale = path("stale")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(stale)
        with Exporter(fake.path, "--unix", stale, listen=False) as exporter:
            tap.equal(exporter.ask("/").status, 200, "index")
    status, said = fails("--unix", __file__)
    tap.true(status == 1 and "no socket" in said, said)
    tap.true(os.path.exists(__file__), "what is no socket stays")


def test_basic_auth():
    "only who knows a password"
    users = path("users")
    done = subprocess.run(
        ["/usr/bin/perl", "-e", 'print crypt("secret", "\\$6\\$saltsalt")'],
        capture_output=True, encoding="ascii", check=True)
    with open(users, "w", encoding="ascii") as file:
        file.write(f"# who scrapes\nprom:{done.stdout}\n")
    with Fake(path("sock"), world()) as fake, \
            Exporter(fake.path, "--basic-auth", users) as exporter:
        for user, status in (("prom:secret", 200), ("prom:secre", 401),
                             ("prom:", 401), ("other:secret", 401), (":", 401),
                             ("prom", 401)):
            token = base64.b64encode(user.encode()).decode()
            answer = exporter.ask(Authorization=f"Basic {token}")
            tap.equal(answer.status, status, user)
        answer = exporter.ask()
        tap.equal(answer.status, 401, "without any")
        tap.true("Basic" in answer.headers["WWW-Authenticate"], "challenge")
    with open(users, "w", encoding="ascii") as file:
        file.write("prom:secret\n")
    status, said = fails("--basic-auth", users)
    tap.true(status == 1 and f"{users}:1:" in said and "htpasswd" in said,
             said)


def test_tls():
    "HTTPS with a certificate"
    if not shutil.which("openssl"):
        raise tap.Skip("no openssl to make a certificate with")
    cert, key = path("cert"), path("key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                    "-out", cert, "-subj", "/CN=localhost"],
                   capture_output=True, check=True)
    with Fake(path("sock"), world()) as fake, \
            Exporter(fake.path, "--tls-cert", cert, "--tls-key",
                     key) as exporter:
        tap.true(exporter.url.startswith("https://"), exporter.url)
        tap.equal(values(exporter.metrics())["lenscap_daemon_up"], "1", "up")
        status, said = fails("--socket", fake.path, "--listen", "127.0.0.1:0",
                             "--tls-cert", key, "--tls-key", cert)
    tap.true(status == 1 and "belong together" in said, said)


def test_options():
    "what is wrong with an option, and what would be right"
    for args, text in (
            (["--listen", "9477"], "127.0.0.1:9477"),
            (["--listen", "localhost:9477"], "must be an address"),
            (["--listen", "::1:9477"], "[::1]:9477"),
            (["--aggregate", "site"], '"profile" is all'),
            (["--tls-cert", "x"], "give both"),
            (["--timeout", "0"], "1 to 600"),
            (["--unix", "/x", "--listen", "127.0.0.1:0"], "choose one"),
            (["--basic-auth", "/nowhere"], "No such file"),
            (["--nonsense"], "usage:"), (["operand"], "no arguments")):
        status, said = fails(*args)
        tap.true(status in (1, 2) and text in said, f"{args}: {said}")
    with Exporter(path("sock"), "--listen", "[::1]:0", wrap=NOBODY,
                  listen=False) as exporter:
        tap.true(exporter.url.startswith("http://[::1]:"), exporter.url)
    status, said = fails("--listen", "192.0.2.1:9477")
    tap.equal(status, 1, f"an address that is not here: {said}")


def test_privileges():
    "started by root, it goes on as nobody, with no capability"
    if os.geteuid():
        raise tap.Skip("not root")
    with Fake(path("sock"), world()) as fake:
        os.chmod(fake.path, 0o660)
        with Exporter(fake.path) as exporter:
            tap.equal(values(exporter.metrics())["lenscap_daemon_up"], "1",
                      "up")
            with open(f"/proc/{exporter.process.pid}/status",
                      encoding="ascii") as file:
                said = dict(line.rstrip("\n").split(":", 1) for line in file)
    tap.true("0" not in said["Uid"].split(), said["Uid"])
    for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
        tap.equal(int(said[name], 16), 0, name)
    tap.equal(said["NoNewPrivs"].strip(), "1", "no_new_privs")
