# SPDX-License-Identifier: GPL-2.0-only
"""All tests of the history as one TAP stream.

Arguments select tests by name; --list shows them.
"""

import glob
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from book import tap                                        # noqa: E402


def main():
    """Collect and run."""
    scope = {}
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        scope.update({name: value for name, value in vars(module).items()
                      if name.startswith("test_") and callable(value)})
    tap.main(scope)


if __name__ == "__main__":
    main()
