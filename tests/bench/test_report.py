#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does the report say what made-up figures say, and nothing more? (TAP)"""

import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "selftests", "lib"))

import goals                                                # noqa: E402
import tap                                                  # noqa: E402


def result(case, peer, median, variant="", unit="ns/packet"):
    """A figure as a part writes it."""
    return {"case": case, "peer": peer, "variant": variant, "unit": unit,
            "median": median, "min": median, "max": median + 1, "runs": 3}


def part(name, results, **more):
    """A part's file."""
    return {"part": name, "kernel": "6.1-made-up", "date": "2000-01-01",
            "machine": "abacus", "notes": [f"note of {name}"],
            "results": results, **more}


# Debian's, which has matplotlib.
PYTHON = "/usr/bin/python3"

HOT = [result("hot", "empty", 100), result("hot", "lenscap", 120),
       result("hot", "nftables", 300, "exact"),
       result("hot", "nftables", 280, "interval")]


def report(*parts):
    """Exit status, page, plot, merged figures, messages."""
    with tempfile.TemporaryDirectory() as place:
        build = os.path.join(place, "build")
        docs = os.path.join(place, "docs")
        os.mkdir(build)
        for one in parts:
            with open(os.path.join(build, one["part"] + ".json"), "w",
                      encoding="utf-8") as file:
                json.dump(one, file)
        done = subprocess.run(
            [PYTHON, os.path.join(HERE, "report.py"),
             "--build", build, "--docs", docs],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)

        def text(path):
            if not os.path.exists(path):
                return ""
            with open(path, encoding="utf-8") as file:
                return file.read()
        return (done.returncode, text(os.path.join(docs, "performance.md")),
                text(os.path.join(docs, "performance.svg")),
                json.loads(text(os.path.join(build, "results.json")) or "[]"),
                done.stdout)


def goal_row(page, what, where="kernel"):
    """The goal's cells: measured and verdict."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 5 and what in cells[0] and cells[4].startswith(where):
            return cells[2], cells[3].strip("*")
    raise AssertionError(f"no goal about {what}")


def goal_of(what):
    """The kernel part's goal about it."""
    return next(goal for goal in goals.KERNEL if what in goal.title)


def test_ratios_of_added_cost():
    "the empty hook is subtracted from both"
    _, page, _, merged, _ = report(part("kernel", HOT))
    tap.equal(goal_row(page, "nftables, exact"), ("1/10.0", "met"))
    tap.equal(goal_row(page, "nftables, interval"), ("1/9.0", "missed"))
    tap.equal(len(merged), 4, "figures")
    tap.equal(merged[1]["kernel"], "6.1-made-up", "kernel of a figure")


def test_missing_is_said():
    "no part and no figure is made up"
    _, page, _, _, _ = report(part("kernel", HOT))
    tap.equal(goal_row(page, "`unshared`")[1], "missing")
    tap.equal(goal_row(page, "ipset restore", "load")[1], "missing")
    tap.true("`scripts/bench host` has not been run" in page, "host missing")
    tap.true("@" not in page, "placeholders are left")
    _, page, _, _, _ = report(part("kernel", HOT[1:]))
    tap.equal(goal_row(page, "nftables, exact"),
              ("no figure of the empty hook in case hot", "missing"))


def test_no_ratio_across_kernels():
    "figures of two kernels do not meet"
    other = [dict(result("hot", "nftables", 300, "exact"), kernel="6.12")]
    _, page, _, _, _ = report(part("kernel", HOT[:2] + other))
    tap.equal(goal_row(page, "nftables, exact")[1], "missing")


def test_the_best_peer_counts():
    "several variants of a peer"
    figures = goals.Figures(
        [result("hot", "dpdk", 100, "a, one by one", "decisions/s"),
         result("hot", "dpdk", 50, "b, one by one", "decisions/s"),
         result("hot", "lenscap", 90, "", "decisions/s")])
    goal = [goal for goal in goals.HOST if "`hot`" in goal.title][0]
    tap.equal(goal.judge(figures), ("0.90x as fast", "missed"))


def test_hooks_in_several_places():
    "each is compared with the empty hook where it is"
    figures = [dict(one, place="netdev") for one in HOT] + [
        dict(result("hot", "empty", 500), place="ip"),
        dict(result("hot", "ipset", 620), place="ip")]
    hooks = goals.Figures(figures)
    tap.equal(hooks.added(figures[-1]), 120, "ipset")
    tap.equal(hooks.added(figures[1]), 20, "lenscap")


def test_peers_against_lenscap():
    "with the same policy"
    hooks = goals.Figures([
        result("big", "empty", 100), result("big", "lenscap", 120),
        result("big", "lenscap", 140, "ranges")])
    tap.equal(hooks.times_ours(result("big", "nftables", 180, "exact")), 4)
    tap.equal(hooks.times_ours(result("big", "nftables", 180, "x, ranges")), 2)
    tap.equal(hooks.times_ours(result("hot", "nftables", 180)), None)


def test_the_worst_of_our_own_counts():
    "big with two sorts of rules"
    figures = goals.Figures([
        result("big", "empty", 100), result("big", "lenscap", 120),
        result("big", "lenscap", 140, "prefixes and ranges"),
        result("big-20", "empty", 100), result("big-20", "lenscap", 120),
        result("big-20", "lenscap", 120, "prefixes and ranges")])
    tap.equal(goal_of("`big`").judge(figures), ("2.00x", "missed"))


def test_like_is_compared_with_like():
    "each variant of big with the same one of big-20"
    figures = [
        result("big", "empty", 100), result("big", "lenscap", 110),
        result("big", "lenscap", 160, "prefixes and ranges"),
        result("big-20", "empty", 100), result("big-20", "lenscap", 110),
        result("big-20", "lenscap", 150, "prefixes and ranges")]
    tap.equal(goal_of("`big`").judge(goals.Figures(figures)),
              ("1.20x", "met"))
    tap.equal(goal_of("`big`").judge(goals.Figures(figures[:-1])),
              ("no figure of lenscap prefixes and ranges in case big-20",
               "missing"))
    tap.equal(goal_of("`big`").judge(goals.Figures(figures[3:])),
              ("no figure of lenscap in case big", "missing"))
    tap.equal(goal_of("`big`").judge(goals.Figures(figures[1:])),
              ("no figure of the empty hook in case big or big-20", "missing"))


def test_the_naive_peer():
    "is a goal in hot and shared, without variants to choose from"
    figures = goals.Figures(HOT + [
        result("hot", "naive", 140, "chained hash, linear scan")])
    tap.equal(goal_of("`hot`: added cost against naive").judge(figures),
              ("0.50x", "met"))
    tap.equal(goal_of("`shared`: added cost against naive").judge(figures)[1],
              "missing")


STEPS = [result("hot", "steps", 100 + added, f"{step} {what}")
         for step, (what, added) in enumerate((
             ("frame", 2), ("read", 5), ("sender", 12), ("rules", 17),
             ("one line", 10), ("two lines", 24)), 1)]


def test_floors_and_steps():
    "what each step adds, and which goals lie below a floor"
    _, page, plot, _, out = report(part("kernel", HOT + STEPS + [
        result("hot", "naive", 112, "chained hash, linear scan")]))
    told = page[page.index("## Floors"):page.index("## What the figures")]
    for row in (
            "| case | frame | read | sender | rules | Lenscap | one line | "
            "two lines |",
            "| hot | 2 | 5 | 12 | 17 | 20 | 10 | 24 |",
            "| hot | nftables exact | 200 | 1/10.0 | 1/20.0 | 1/8.3 | "
            "at most 1/8 |  |",
            "| hot | nftables interval | 180 | 1/9.0 | 1/18.0 | 1/7.5 | "
            "at most 1/10 | **below two lines** |",
            "| hot | naive | 12 | 1.67x | 1/1.2 | 2.00x | at most 1x | "
            "**below two lines** |"):
        tap.true(row in told, f"no row {row!r} in {told}{out}")
    tap.true("frame" not in plot, "steps are in the plot")
    tap.true(not re.search(r"\| steps.*\| \d+\.\d\d \|$", page, re.M),
             "steps are compared as peers are")


def test_no_floors_are_made_up():
    "where no part has steps, or they have no empty hook"
    _, page, _, _, _ = report(part("kernel", HOT))
    tap.true("no part that ran has measured steps" in page, "not said")
    status, page, _, _, out = report(part("kernel", HOT[1:] + STEPS))
    tap.equal(status, 0, out)
    tap.true("| hot |  |  |  |  |  |  |  |" in page, "figures without a hook")


def test_all_goals_can_be_met():
    "host, load, instructions"
    host = part("host", [result(case, peer, speed, "contexts, one by one",
                                "decisions/s")
                         for case in ("hot", "ipv6")
                         for peer, speed in (("lenscap", 3), ("dpdk", 2))] +
                [result("hot", "dpdk", 4, "contexts, bursts of 32",
                        "decisions/s")])
    load = part("load", [
        result("load-1m", "lenscap", 1, "", "s"),
        result("load-1m", "nftables", 20, "interval", "s"),
        result("load-1m", "ipset", 1.5, "", "s"),
        result("change-50k", "lenscap", 0.004, "", "s")])
    icount = part("icount", [
        result(f"change-{size}", "lenscap", count, variant, "instructions")
        for size, variant, count in (("50k", "rule", 119), ("500", "rule", 100),
                                     ("50k", "address", 9),
                                     ("500", "address", 10))])
    _, page, _, _, out = report(part("kernel", HOT), host, load, icount)
    tap.equal(goal_row(page, "rte_acl, one by one", "host"),
              ("1.50x as fast", "met"), out)
    tap.equal(goal_row(page, "rte_acl, bursts of 32", "host"),
              ("0.75x as fast", "missed"), out)
    tap.equal(goal_row(page, "nftables' interval", "load")[1], "met")
    tap.equal(goal_row(page, "ipset restore", "load")[1], "met")
    tap.equal(goal_row(page, "one device of", "load"), ("4 ms", "met"))
    tap.equal(goal_row(page, "instructions against", "icount"), ("1.19x", "met"))


def test_notes_stand_beside():
    "notes, and that a run was a quick one"
    _, page, _, _, _ = report(part("kernel", HOT, quick=True))
    beside = page[:page.index("## What the figures")]
    tap.true("note of kernel" in beside, "the note is not beside the ratios")
    tap.true("quick run" in beside, "a quick run is not called so")


def test_bad_files_are_refused():
    "with the file's name and what is wrong"
    bad = part("kernel", [dict(HOT[0], median=-1)])
    status, page, _, _, out = report(bad)
    tap.true(status != 0 and not page, "accepted")
    tap.true("kernel.json: result 0" in out and "order" in out, out)
    status, _, _, _, out = report(dict(part("load", []), notes="x"))
    tap.true(status != 0 and '"notes"' in out, out)
    status, _, _, _, out = report()
    tap.true(status != 0 and "make bench" in out, out)


def test_the_plot():
    "is the same each time, small, licensed, with all bars"
    if subprocess.run([PYTHON, "-c", "import matplotlib"],
                      stderr=subprocess.DEVNULL, check=False).returncode:
        raise tap.Skip("no python3-matplotlib: scripts/setup bench")
    status, _, one, _, out = report(part("kernel", HOT))
    tap.equal(status, 0, out)
    _, _, two, _, _ = report(part("kernel", HOT))
    tap.true(one == two, "two plots of the same differ")
    tap.true(len(one) < 100_000, f"{len(one)} characters")
    tap.true("SPDX-License-Identifier" in "".join(one.splitlines()[:5]), one[:300])
    for wanted in ("20 lenscap", "200 nftables exact"):
        tap.true(wanted in one, f"no bar {wanted}")
    tap.true(not re.search(r"[ \t]$", one, re.M), "trailing blanks")


if __name__ == "__main__":
    tap.main(globals())
