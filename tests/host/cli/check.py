# SPDX-License-Identifier: GPL-2.0-only
"""All tests of lenscapctl as one TAP stream, and a last line that adds up.

Arguments select tests by name; --list shows them.
"""

import functools
import importlib
import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from ctl import tap                                         # noqa: E402


def main():
    """Collect, run, add up."""
    totals = {"passed": 0, "failed": 0, "skipped": 0}

    def counted(func):
        @functools.wraps(func)
        def body():
            outcome = "failed"
            try:
                func()
                outcome = "passed"
            except tap.Skip:
                outcome = "skipped"
                raise
            finally:
                totals[outcome] += 1
        return body

    scope = {}
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for name, value in vars(module).items():
            if name.startswith("test_") and callable(value):
                if name in scope:
                    sys.exit(f"two tests are called {name}")
                scope[name] = counted(value)
    try:
        tap.main(scope)
    except SystemExit as end:
        if "--list" not in sys.argv[1:]:
            print(f"{totals['passed']} passed, {totals['failed']} failed")
        raise SystemExit(end.code) from None


if __name__ == "__main__":
    main()
