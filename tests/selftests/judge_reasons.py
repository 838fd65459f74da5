#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every reason for a drop has a test that proves it.

Read from the sources, so that it needs no module: the enumeration in the UAPI
header on one side, @proves(...) in the judge_*.py files on the other. That a
test with @proves really met its reasons is checked when it runs.
"""

import ast
import glob
import os
import re

from lib import tap

HERE = os.path.dirname(os.path.abspath(__file__))
HEADERS = [os.path.join(HERE, "../../kmod/uapi/linux/lenscap.h"),
           os.path.join(HERE, "../../../../include/uapi/linux/lenscap.h")]


def reasons():
    "The enumeration, in lower case."
    path = next((p for p in HEADERS if os.path.exists(p)), None)
    if path is None:
        raise tap.Skip("no lenscap.h beside the tests")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    body = re.search(r"enum lenscap_reason \{(.*?)private:", text, re.S)
    return [name.lower() for name in
            re.findall(r"^\s*LENSCAP_REASON_(\w+)", body.group(1), re.M)]


def claims():
    "{reason: [file:test]} of every @proves on a test_* function."
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, "judge_*.py"))):
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read(), path)
        for node in tree.body:
            if not (isinstance(node, ast.FunctionDef) and
                    node.name.startswith("test_")):
                continue
            for mark in node.decorator_list:
                if not (isinstance(mark, ast.Call) and
                        getattr(mark.func, "id", "") == "proves"):
                    continue
                for arg in mark.args:
                    found.setdefault(ast.literal_eval(arg), []).append(
                        f"{os.path.basename(path)[:-3]}.{node.name[5:]}")
    return found


def test_enumeration_is_read():
    "the header was understood"
    names = reasons()
    tap.equal(names[0], "none", "first reason")
    tap.true(len(names) >= 19 and len(set(names)) == len(names),
             f"strange enumeration: {names}")


def test_each_reason_has_a_test():
    "no reason in the header is without a test"
    found = claims()
    missing = [name for name in reasons() if name not in found]
    for name in reasons():
        tests = found.get(name, ["no test"])
        tap.diag(f"{name}: {', '.join(tests[:3])}" +
                 (f" and {len(tests) - 3} more" if len(tests) > 3 else ""))
    tap.true(not missing, f"no test proves {', '.join(missing)}")


def test_each_reason_is_audited():
    "no reason is without a test that audits it"
    found = claims()
    missing = [name for name in reasons()[1:]
               if f"audit {name}" not in found]
    tap.true(not missing, f"no test audits {', '.join(missing)}")


def test_no_test_proves_what_is_no_reason():
    "no @proves names an unknown reason"
    known = reasons()
    wrong = {name: where for name, where in claims().items()
             if name.removeprefix("audit ") not in known}
    tap.true(not wrong, f"not in the header: {wrong}")


if __name__ == "__main__":
    tap.main(globals())
