# SPDX-License-Identifier: GPL-2.0-only
"""What goes wrong: exit codes, and words that help."""

import json
import os
import shutil
import socket
import subprocess

import state
from ctl import (PROGRAM, TIMEOUT, ask, environment, expect, path, run, tap,
                 write)
from fake import CLOSE, SILENCE, Fake

COMMANDS = (["status"], ["devices"], ["profiles"], ["guards"], ["drops"],
            ["drops", "--follow"], ["reload"], ["disarm"], ["arm"])
NOBODY = 65534


def module_words():
    """What is said about the module depends on this machine."""
    return ("the module is loaded" if os.path.exists("/sys/module/lenscap")
            else "the module is not loaded either")


def test_no_socket():
    "no socket: exit 3, and what to start"
    for args in COMMANDS:
        expect(run("--socket", path("none"), *args), 3, "",
               ["cannot reach the daemon: there is no socket at", "lenscapd",
                module_words()])


def test_socket_left_behind():
    "a socket that nobody listens on: exit 3"
    where = path("stale")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(where)
    expect(run("--socket", where, "status"), 3, "", "nobody listens on")


def test_no_socket_but_a_file():
    "a path that is no socket: exit 3"
    expect(run("--socket", write("file", "x"), "status"), 3, "",
           "is not a socket")
    expect(run("--socket", write("file", "x") + "/below", "status"), 3, "",
           "there is no socket at")


def test_socket_path_too_long():
    "a path that no socket can have: exit 2"
    expect(run("--socket", "/" + "x" * 200, "status"), 2, "",
           "107 bytes are possible")


def test_permission():
    "a socket that may not be opened: exit 5, and which group is missing"
    if os.geteuid() != 0:
        raise tap.Skip("needs root, to become somebody who may not")
    # The program's own directory may be closed to others: it is handed over
    # as an open file.
    program = os.open(PROGRAM, os.O_RDONLY)
    try:
        with Fake(path("sock"), {"status": state.status()}) as fake:
            os.chmod(fake.path, 0o600)
            done = subprocess.run(
                [f"/proc/self/fd/{program}", "--socket", fake.path, "status"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                encoding="utf-8", user=NOBODY, group=NOBODY, extra_groups=[],
                pass_fds=[program], env=environment(), timeout=TIMEOUT)
            tap.equal(fake.requests, [], "requests")
    finally:
        os.close(program)
    expect(done, 5, "", "no permission to open")
    tap.true("you are not in group lenscap" in done.stderr or
             "there is no group lenscap" in done.stderr, done.stderr)


def test_failures_as_json():
    "with --json a failure is an object on standard output"
    done = expect(run("--socket", path("none"), "status", "--json"), 3)
    answer = json.loads(done.stdout)
    tap.equal((answer["ok"], answer["code"]), (False, "unreachable"),
              "answer")
    tap.true("there is no socket" in answer["error"], answer["error"])
    tap.equal(done.stderr, "", "errors")


def test_refused():
    "a command that is refused: exit 1, with the daemon's words"
    for args in COMMANDS:
        refusal = {"ok": False, "error": "not today: try tomorrow"}
        command = "follow" if "--follow" in args else args[0]
        expect(ask({command: refusal}, *args), 1, "",
               "lenscapctl: not today: try tomorrow")
        done = expect(ask({command: refusal}, *args, "--json"), 1, stderr="")
        tap.equal(json.loads(done.stdout), refusal, "answer")
        tap.equal(done.stderr, "", "errors")


def test_refused_without_words():
    "a refusal without a reason is still told"
    expect(ask({"arm": {"ok": False}}, "arm"), 1, "", "gave no reason")
    expect(ask({"arm": {}}, "arm"), 1, "", "gave no reason")


def test_codes_of_answers():
    "module and permission have exit codes of their own"
    for code, status in (("module", 4), ("permission", 5), ("refused", 1),
                         ("policy", 1), ("novelty", 1), (5, 1)):
        answer = {"ok": False, "error": "no", "code": code}
        expect(ask({"reload": answer}, "reload"), status, "", "no")


def test_diagnostics_of_answers():
    "diagnostics of a refusal are printed as a compiler's"
    answer = {"ok": False, "error": "the policy has errors", "diagnostics": [
        {"severity": "error", "file": "policy.yaml", "line": 14, "column": 9,
         "message": 'unknown destination "nvrr"'},
        {"severity": "warning", "file": "policy.yaml", "line": 2,
         "column": 0, "message": "odd"},
        {"severity": "error", "file": None, "line": 0, "column": 0,
         "message": "nowhere"}]}
    done = expect(ask({"reload": answer}, "reload"), 1)
    tap.equal(done.stderr,
              'policy.yaml:14:9: unknown destination "nvrr"\n'
              "policy.yaml:2: warning: odd\nnowhere\n"
              "lenscapctl: the policy has errors\n", "errors")


def test_daemon_dies():
    "a daemon that closes the connection: exit 3"
    expect(ask({"status": CLOSE}, "status"), 3, "",
           "closed the connection before it answered")
    expect(ask({"status": b'{"ok": tr'}, "status", "--timeout", "1"), 3, "",
           "did not answer within 1 s")


def test_daemon_is_silent():
    "a daemon that does not answer: exit 3 after --timeout"
    expect(ask({"status": SILENCE}, "status", "-t", "1"), 3, "",
           "did not answer within 1 s")


def test_garbage():
    "answers that are no JSON objects: exit 3"
    for raw in (b"220 smtp ready\n", b"\n", b"[1]\n", b"\xff\xfe\n",
                b'{"ok": true} {"ok": true}\n', b"null\n", b"\0\0\n"):
        expect(ask({"status": raw}, "status"), 3, "",
               "the answer is not a JSON object")


def test_endless_answer():
    "an answer without end is not read for ever"
    with socket.socket(socket.AF_UNIX) as listener:
        where = path("sock")
        listener.bind(where)
        listener.listen(1)
        with subprocess.Popen([PROGRAM, "--socket", where, "status"],
                              stderr=subprocess.PIPE, encoding="utf-8",
                              env=environment()) as process:
            client, _ = listener.accept()
            block = b"x" * (1 << 20)
            sent = 0
            with client:
                try:
                    while sent < 2048:
                        client.sendall(block)
                        sent += 1
                except OSError:
                    pass
            errors = process.stderr.read()
            tap.equal(process.wait(TIMEOUT), 3, "exit code")
    tap.true("longer than 512 MiB" in errors, errors)
    tap.true(500 <= sent < 600, f"{sent} MiB were read")


def test_large_answer():
    "fifty thousand devices are shown"
    devices = [state.device(f"cam-{i:05}") for i in range(50000)]
    done = expect(ask({"devices": {"ok": True, "devices": devices}},
                      "devices"), 0)
    lines = done.stdout.splitlines()
    tap.equal(len(lines), 50001, "lines")
    tap.true(lines[-1].startswith("cam-49999"), lines[-1])


def test_usage():
    "wrong usage: exit 2, nothing on standard output, nothing asked"
    for args, words in (
            ([], "Usage: lenscapctl"),
            (["statsu"], 'did you mean "status"?'),
            (["\x1b[2J"], "there is no command"),
            (["status", "extra"], "usage: lenscapctl status"),
            (["check"], "usage: lenscapctl check FILE..."),
            (["apply"], "usage: lenscapctl apply FILE"),
            (["apply", "a", "b"], "usage: lenscapctl apply FILE"),
            (["devices", "a", "b"], "usage: lenscapctl devices [NAME]"),
            (["disarm", "a", "b"], "usage: lenscapctl disarm [GUARD]"),
            (["status", "--follow"], '--follow does not go with "status"'),
            (["reload", "--rollback"], '--rollback does not go with'),
            (["arm", "-y"], '--yes does not go with "arm"'),
            (["drops", "--limit", "0"], "a number of records"),
            (["drops", "--limit", "-1"], "a number of records"),
            (["drops", "--limit", "5x"], "a number of records"),
            (["drops", "--limit", "99999999999999999999"], "of records"),
            (["drops", "--limit"], "requires an argument"),
            (["status", "--timeout", "0"], "a number of seconds"),
            (["status", "--json=nice"], "nothing, or =compact"),
            (["status", "--socket", ""], "a path"),
            (["status", "--nope"], "unrecognized option"),
            (["check", "--gateway", "--policy", "x"], "exclude each other"),
            (["capture"], "where are the frames to go?"),
            (["capture", "--group", "5", "--count", "3"],
             "--count goes with --write"),
            (["capture", "--write", "-", "--json"],
             "--json does not go with --write -"),
            (["capture", "--write", ""], "a path, or -"),
            (["capture", "--group", "0"], "an NFLOG group"),
            (["capture", "--group", "65536"], "an NFLOG group"),
            (["capture", "--rate", "0"], "frames a second"),
            (["capture", "--snaplen", "65536"], "a number of bytes"),
            (["capture", "--guard", ""], "a name"),
            (["drops", "--guard", "cams"], '--guard does not go with "drops"'),
            (["help", "nope"], "there is no command")):
        done = ask({"status": state.status()}, *args)
        expect(done, 2, stderr=words)
        tap.equal(done.stdout, "", f"output of {args}")
        tap.equal(done.requests, [], f"requests of {args}")


def test_help():
    "help of all and of each command, exit codes included"
    done = expect(run("help"), 0)
    for code in range(7):
        tap.true(f"\n  {code}  " in done.stdout, f"exit code {code}")
    tap.equal(run("--help").stdout, done.stdout, "--help")
    tap.equal(run("-h").stdout, done.stdout, "-h")
    names = [line.split()[0] for line in
             done.stdout.split("Commands:\n")[1].split("\n\n")[0].split("\n")]
    tap.equal(len(names), 16, f"commands {names}")
    for name in names:
        one = expect(run("help", name), 0, f"Usage: lenscapctl {name}")
        tap.equal(run(name, "--help").stdout, one.stdout, f"{name} --help")


def test_version_alone():
    "the version is told without a daemon"
    done = expect(run("--socket", path("none"), "version"), 0,
                  ["lenscapctl ", "(not reached)"])
    tap.equal(run("--socket", path("none"), "--version").stdout, done.stdout,
              "--version")
    done = expect(run("--socket", path("none"), "version", "--json"), 0)
    tap.equal(json.loads(done.stdout)["lenscapd"], None, "daemon")


def test_pcapng_library():
    "what writes pcapng is loaded by a capture only, and found where it belongs"
    linked = subprocess.run(["ldd", PROGRAM], stdout=subprocess.PIPE,
                            check=True, encoding="utf-8").stdout
    tap.true("libwiretap" not in linked, linked)
    name = "lenscap-pcapng.so"
    library = os.path.join(os.path.dirname(PROGRAM), name)
    prefix = path("usr")
    places = [os.path.join(prefix, "bin"), os.path.join(prefix, "lib", "lenscap")]
    for place in places:
        os.makedirs(place)
    program = shutil.copy(PROGRAM, places[0])

    def capture():
        return subprocess.run([program, "--socket", path("none"), "capture",
                               "--write", path("frames")], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", env=environment(),
                              timeout=TIMEOUT)
    expect(capture(), 1, "", ["cannot write pcapng", f"lenscap/{name}",
                              "libwiretap", "--group"])
    for place in reversed(places):
        copy = shutil.copy(library, place)
        done = capture()
        # How it goes on depends on who runs this, and on the kernel.
        tap.true(done.returncode and "cannot write pcapng" not in done.stderr,
                 f"{place}: {done.stderr}")
        with open(copy, "wb") as file:
            file.write(b"something else")
        expect(capture(), 1, "", ["cannot write pcapng", name])
        os.unlink(copy)


def test_full_disk():
    "a result that can not be written: exit 1"
    with open("/dev/full", "w", encoding="ascii") as full:
        done = ask({"status": state.status()}, "status", stdout=full)
    expect(done, 1, stderr="cannot write the result")


def test_reader_goes_away():
    "head is allowed to stop reading"
    devices = [state.device(f"cam-{i:05}") for i in range(20000)]
    with Fake(path("sock"), {"devices": {"ok": True,
                                         "devices": devices}}) as fake:
        with subprocess.Popen([PROGRAM, "--socket", fake.path, "devices"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment()) as process:
            process.stdout.readline()
            process.stdout.close()
            errors = process.stderr.read()
            process.wait(TIMEOUT)
    tap.equal(errors, b"", "errors")


def test_other_language():
    "the output does not depend on the locale"
    first = ask({"status": state.status()}, "status")
    for locale in ("C.UTF-8", "de_DE.UTF-8", "nonsense"):
        done = ask({"status": state.status()}, "status",
                   env=environment(LC_ALL=locale))
        tap.equal(done.stdout, first.stdout, f"output with {locale}")
