#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The list of evasions in README.md, from the tests themselves.

    tests/selftests/evasion/table.py            is the list that of the tests?
    tests/selftests/evasion/table.py --write    write it

It reads the decorators of tests/selftests/evasion_*.py and runs none of them,
so that it needs neither kernel nor root.
"""

import ast
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "README.md")
BEGIN = "<!-- The list: written by table.py. -->\n"
HEAD = ("| evasion | source | test | arrives without a guard | Lenscap |\n"
        "| --- | --- | --- | --- | --- |\n")
DEFAULT_AT = "route, bridge"


def programs():
    "The files of the suite."
    return sorted(glob.glob(os.path.join(HERE, os.pardir, "evasion_*.py")))


ARGUMENTS = {"evasion": ("source", "reason", "arrives", "at", "back"),
             "path": ("source", "reason", "at", "doctor"),
             "answer": ("source", "held")}


def decorator(func):
    "The arguments of a test's @evasion, @path or @answer."
    for call in func.decorator_list:
        if not isinstance(call, ast.Call):
            continue
        kind = getattr(call.func, "attr", None) or call.func.id
        if kind in ARGUMENTS:
            given = dict(zip(ARGUMENTS[kind], map(ast.literal_eval,
                                                  call.args)))
            given.update((word.arg, ast.literal_eval(word.value))
                         for word in call.keywords)
            if kind == "path":      # where it is tried, all arrives
                given.setdefault("at", "route")
                given.setdefault("reason", "")
                given["arrives"] = given["at"]
            if kind == "answer":    # of a moved camera: the interlock's
                held = given.get("held", True)
                given.update({"at": "route", "arrives": "route",
                              "reason": "prerouting" if held else "",
                              "doctor": None if held else ""})
            return given
    raise SystemExit(f"{func.name}: a test of evasions without a decorator")


def tests(path):
    "Name, description and arguments of each test in a program."
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    for func in tree.body:
        if isinstance(func, ast.FunctionDef) and func.name.startswith("test_"):
            yield func.name[len("test_"):], ast.get_docstring(func), \
                decorator(func)


def does(given, permitted):
    "What becomes of the frames."
    told = " ".join(f"`{one.strip()}`" for one in given["reason"].split(",")
                    if one)
    if given.get("doctor") is not None:
        told += "; " if told else ""
        return told + "passes by, not seen; " + (
            f"doctor: `{given['doctor']}`" if given["doctor"] else
            "doctor does not tell")
    if permitted:
        return f"{told}; passes what is permitted" if told else \
            "passes: it is permitted"
    return told


def stops(given):
    "Where it arrives without a guard."
    there = given.get("arrives", "")
    tried = given.get("at", DEFAULT_AT).split(", ")
    missing = [kind for kind in tried if kind not in there]
    if not there:
        return f"no: the stack stops it ({', '.join(missing)})"
    if given.get("back"):
        there += ": the camera gets an answer"
    return there + (f"; the stack stops it at {', '.join(missing)}"
                    if missing else "")


def row(program, name, text, given, permitted):
    "A line of the table."
    cells = (text, given["source"], f"`{program} {name}`", stops(given),
             does(given, permitted))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + \
        " |\n"


def permits(path, name):
    "Does a test send frames that are permitted?"
    with open(path, encoding="utf-8") as file:
        body = re.search(rf"^def test_{name}\(.*?(?=^@|^def |^if |\Z)",
                         file.read(), re.S | re.M)[0]
    return bool(re.search(r"\b(ok|permitted|mixed|numbered)\(", body))


def table():
    "All of it."
    out = HEAD
    for path in programs():
        program = os.path.basename(path)[:-len(".py")]
        for name, text, given in tests(path):
            out += row(program, name, text, given, permits(path, name))
    return out


def main():
    "The command line."
    with open(README, encoding="utf-8") as file:
        before, begin, listed = file.read().partition(BEGIN)
    wanted = table()
    if sys.argv[1:] == ["--write"]:
        with open(README, "w", encoding="utf-8") as file:
            file.write(before + BEGIN + "\n" + wanted)
        return 0
    print("TAP version 13\n1..1")
    if begin and listed.strip() == wanted.strip():
        print("ok 1 the list of evasions is that of the tests")
        return 0
    old, new = set(listed.splitlines()), set(wanted.splitlines())
    for line in sorted((old ^ new) - {""}):
        print(f"# {'listed only' if line in old else 'not listed'}: {line}")
    print("not ok 1 the list of evasions is that of the tests "
          "(table.py --write)")
    return 1


if __name__ == "__main__":
    sys.exit(main())
