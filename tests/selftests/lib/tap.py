# SPDX-License-Identifier: GPL-2.0-only
"""TAP for test programs: one function, one test point.

    def test_something():
        "what is shown beside ok"
        tap.equal(1 + 1, 2, "sum")

    if __name__ == "__main__":
        tap.main(globals(), needs=[tap.root, tap.module])

Functions named test_* run in the order of their definition. An exception
fails the point, with the traceback as diagnostics; tap.Skip("reason") skips
it. Exit status: 0 all passed or skipped, 1 something failed, 4 all skipped.
Arguments select tests by name; --list shows them.
"""

import atexit
import os
import signal
import subprocess
import sys
import traceback

PASS, FAIL, SKIP = 0, 1, 4
FRAGMENT_WAIT = "/sys/module/lenscap/parameters/fragment_wait"


class Skip(Exception):
    """The test can not run here; the text says why."""


def root():
    """Prerequisite: run by root of the initial user namespace."""
    if os.geteuid() != 0:
        raise Skip("needs root")
    with open("/proc/self/uid_map", encoding="ascii") as file:
        if file.read().split() != ["0", "0", "4294967295"]:
            raise Skip("needs the initial user namespace")


def module(*parameters):
    """Prerequisite: lenscap.ko is loaded, or can be (with parameters).

    LENSCAP_MODULE names the file to load; else modprobe finds it. A policy is
    hardly loaded when its fragments are sent, so these do not wait.
    """
    if not os.path.exists("/sys/module/lenscap"):
        _load(parameters)
    before = fragment_wait(0)
    atexit.register(lambda: os.path.exists(FRAGMENT_WAIT) and
                    fragment_wait(before))


def _load(parameters):
    path = os.environ.get("LENSCAP_MODULE")
    argv = ["insmod", path] if path else ["modprobe", "lenscap"]
    argv += parameters
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False)
    except OSError as err:
        raise Skip(f"no module lenscap: {err}") from err
    if done.returncode != 0:
        if path:        # it was built for this run: no excuse
            raise RuntimeError(f"insmod {path}: {done.stdout.strip()}")
        raise Skip(f"no module lenscap: {done.stdout.strip()}")


def fragment_wait(seconds):
    """Set how long fragments wait after a change; how long it was before."""
    with open(FRAGMENT_WAIT, "r+", encoding="ascii") as file:
        before = int(file.read())
        file.write(f"{seconds}\n")
    return before


def diag(text):
    """Print diagnostics."""
    for line in str(text).splitlines() or [""]:
        print(f"# {line}", flush=True)


def _differences(seen, wanted, what):
    if isinstance(seen, dict) and isinstance(wanted, dict):
        for key in {**seen, **wanted}:
            if key not in seen:
                yield f"{what}: {key!r} is missing ({wanted[key]!r})"
            elif key not in wanted:
                yield f"{what}: {key!r} is there ({seen[key]!r})"
            elif seen[key] != wanted[key]:
                yield from _differences(seen[key], wanted[key],
                                        f"{what}[{key!r}]")
    else:
        yield f"{what}: saw {seen!r}, wanted {wanted!r}"


def equal(seen, wanted, what="value"):
    """Fail unless seen == wanted; of dicts, say what differs."""
    if seen != wanted:
        raise AssertionError("\n".join(_differences(seen, wanted, what)))


def true(condition, what):
    """Fail unless the condition holds."""
    if not condition:
        raise AssertionError(what)


def raises(kind, func, *args, **kwargs):
    """Fail unless func raises kind; the exception is returned."""
    try:
        result = func(*args, **kwargs)
    except kind as err:
        return err
    raise AssertionError(f"{getattr(func, '__name__', func)} returned "
                         f"{result!r} instead of raising {kind.__name__}")


def _title(name, func):
    doc = (func.__doc__ or "").strip().splitlines()
    title = name[len("test_"):] + (f": {doc[0]}" if doc else "")
    return title.replace("#", "no.")


def _run_one(number, name, func, teardown):
    title = _title(name, func)
    try:
        try:
            func()
        finally:
            if teardown:
                teardown()
    except Skip as skip:
        print(f"ok {number} {title} # SKIP {skip}", flush=True)
        return SKIP
    except KeyboardInterrupt:
        raise
    except BaseException:       # SystemExit too: the plan must be kept
        diag(traceback.format_exc())
        print(f"not ok {number} {title}", flush=True)
        return FAIL
    print(f"ok {number} {title}", flush=True)
    return PASS


def main(scope, needs=(), setup=None, teardown=None, each=None):
    """Run the test_* functions of scope (globals()) and exit.

    setup() runs once before them, teardown() once after, each() after every
    one (a failure in it fails the point).
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAIL))
    tests = {name: func for name, func in scope.items()
             if name.startswith("test_") and callable(func)}
    if "--list" in sys.argv[1:]:
        print("\n".join(tests))
        sys.exit(PASS)
    wanted = [n if n.startswith("test_") else f"test_{n}"
              for n in sys.argv[1:]]
    missing = [name for name in wanted if name not in tests]
    if missing:
        sys.exit(f"no such test: {', '.join(missing)} (try --list)")
    if wanted:
        tests = {name: tests[name] for name in wanted}

    print("TAP version 13", flush=True)
    try:
        for need in needs:
            need()
        if setup:
            setup()
    except Skip as skip:
        print(f"1..0 # SKIP {skip}", flush=True)
        sys.exit(SKIP)
    except Exception:
        print("1..1")
        diag(traceback.format_exc())
        print("not ok 1 setup", flush=True)
        sys.exit(FAIL)

    print(f"1..{len(tests)}", flush=True)
    results = [_run_one(number, name, func, each)
               for number, (name, func) in enumerate(tests.items(), 1)]
    failed = FAIL in results
    if teardown:
        try:
            teardown()
        except Exception:
            diag("teardown failed")
            diag(traceback.format_exc())
            failed = True
    diag(f"{results.count(PASS)} passed, {results.count(FAIL)} failed, "
         f"{results.count(SKIP)} skipped")
    if failed:
        sys.exit(FAIL)
    sys.exit(SKIP if results and results.count(SKIP) == len(results)
             else PASS)
