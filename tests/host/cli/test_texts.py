# SPDX-License-Identifier: GPL-2.0-only
"""Completion and manual pages keep up with the program."""

import os
import re
import shutil
import subprocess

import state
from ctl import PROGRAM, TIMEOUT, TOP, environment, path, run, tap
from fake import Fake

COMPLETION = os.path.join(TOP, "userspace", "completion", "lenscapctl")
MAN = os.path.join(TOP, "userspace", "man")
PAGES = ("lenscapctl.8", "lenscap-policy.5", "lenscap-gateway.5", "lenscap.7")


def commands():
    """The commands that the program has."""
    text = run("help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in text.split("\n")]


def options(command):
    """The long options of a command, global ones included."""
    return set(re.findall(r"^  .{4}--([a-z-]+)", run("help", command).stdout,
                          re.MULTILINE))


def complete(*words, socket=None):
    """What bash would offer for the last word."""
    line = [PROGRAM, *(["--socket", socket] if socket else []), *words]
    script = ("source \"$1\"; shift; COMP_WORDS=(\"$@\"); "
              "COMP_CWORD=$(($# - 1)); _lenscapctl; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "--norc", "-c", script, "bash",
                           COMPLETION, *line], encoding="utf-8",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=TIMEOUT, cwd=TOP,
                          env=environment())
    tap.equal(done.stderr, "", f"errors of completing {words}")
    return set(done.stdout.split())


def test_completion_of_commands():
    "all commands, and those that begin so"
    tap.equal(complete(""), set(commands()), "commands")
    tap.equal(complete("de"), {"devices"}, "de")
    tap.equal(complete("help", ""), set(commands()), "help")
    tap.equal(complete("--json", "st"), {"status"}, "after an option")


def test_completion_of_options():
    "each command's options, and no others"
    for command in commands():
        wanted = {f"--{option}" for option in options(command)}
        tap.equal(complete(command, "--"), wanted | {"--json=compact"},
                  f"options of {command}")


def test_completion_of_names():
    "names come from the daemon; without one there are none"
    answers = {"devices": {"ok": True, "devices": [
                   state.device("fence-017"), state.device("gate-01")]},
               "profiles": {"ok": True, "profiles": [state.profile()]},
               "guards": {"ok": True, "guards": [state.guard()]}}
    with Fake(path("sock"), answers) as fake:
        for words, wanted in ((("devices", ""), {"fence-017", "gate-01"}),
                              (("devices", "g"), {"gate-01"}),
                              (("devices", "x", ""), set()),
                              (("profiles", ""), {"fence-dome"}),
                              (("disarm", ""), {"cams"}),
                              (("disarm", "--yes", ""), {"cams"}),
                              (("arm", "c"), {"cams"}),
                              (("status", ""), set())):
            tap.equal(complete(*words, socket=fake.path), wanted, words)
    tap.equal(complete("devices", "", socket=path("none")), set(), "names")


def test_completion_of_files():
    "files for check and apply"
    for command in ("check", "apply"):
        tap.equal(complete(command, "tests/host/cli/ctl"),
                  {"tests/host/cli/ctl.py"}, command)
    tap.true("tests/host/cli/ctl.py" in
             complete("check", "x", "tests/host/cli/c"), "a second file")
    tap.equal(complete("apply", "x", "tests/host/cli/c"), set(),
              "a second file")


def plain(page):
    """The text of a page."""
    with open(os.path.join(MAN, page), encoding="utf-8") as file:
        return file.read()


def test_manual_has_everything():
    "commands, options and exit codes are in lenscapctl(8)"
    text = plain("lenscapctl.8")
    for command in commands():
        tap.true(re.search(rf"^\.It Cm {command}\b", text, re.MULTILINE),
                 f"{command} is missing")
        for option in options(command):
            tap.true(rf"Fl \-{option}" in text, f"--{option} is missing")
    for code in range(7):
        tap.true(f"\n.It {code}\n" in text, f"exit code {code} is missing")


def reasons():
    """The reasons of the UAPI header."""
    header = os.path.join(TOP, "kmod", "uapi", "linux", "lenscap.h")
    with open(header, encoding="utf-8") as file:
        text = file.read()
    names = re.findall(r"^\tLENSCAP_REASON_([A-Z_]+),", text, re.MULTILINE)
    return [name.lower() for name in names if name != "NONE"]


def test_reasons_are_explained():
    "each reason is in lenscap(7) and in docs/operations.md"
    tap.true(len(reasons()) > 10, "no reasons were found")
    page = plain("lenscap.7")
    with open(os.path.join(TOP, "docs", "operations.md"),
              encoding="utf-8") as file:
        guide = file.read()
    for name in reasons():
        tap.true(f"\n.It Cm {name}\n" in page, f"{name}: not in lenscap.7")
        tap.true(re.search(rf"^\| `{name}` \|", guide, re.MULTILINE),
                 f"{name}: not in docs/operations.md")


def test_exit_codes_in_guide():
    "the guide's table of exit codes is that of the program"
    with open(os.path.join(TOP, "docs", "operations.md"),
              encoding="utf-8") as file:
        guide = file.read()
    for code in range(7):
        tap.true(f"| {code} | " in guide, f"exit code {code} is missing")


def test_manual_is_sound():
    "mandoc finds nothing wrong with the pages"
    if not shutil.which("mandoc"):
        raise tap.Skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-Tlint", *PAGES], cwd=MAN, check=False,
                          stdout=subprocess.PIPE, encoding="utf-8",
                          stderr=subprocess.STDOUT, timeout=TIMEOUT)
    # Pages that are not installed yet can not be found.
    wrong = [line for line in done.stdout.splitlines()
             if "referenced manual not found" not in line]
    tap.equal(wrong, [], "complaints")


def policy_example(text):
    """The first indented block of lines that begins with a version."""
    return re.search(r"^version: 1\n(?:.*\n)*?(?=\.Ed|```)", text,
                     re.MULTILINE).group(0)


def test_examples_are_valid():
    "the examples of manual pages and guide pass check"
    with open(os.path.join(TOP, "docs", "operations.md"),
              encoding="utf-8") as file:
        guide = file.read()
    examples = [policy_example(plain("lenscap-policy.5")),
                policy_example(plain("lenscap-gateway.5"))]
    examples += re.findall(r"^```yaml\n(version: 1\n.*?)^```", guide,
                           re.MULTILINE | re.DOTALL)
    tap.true(len(examples) >= 4, f"only {len(examples)} examples")
    for number, text in enumerate(examples):
        where = path(f"example-{number}.yaml")
        with open(where, "w", encoding="utf-8") as file:
            file.write(text)
        done = run("check", where)
        tap.equal((done.returncode, done.stderr), (0, ""),
                  f"check of\n{text}\n{done.stdout}")
