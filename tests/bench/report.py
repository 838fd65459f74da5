#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Merge what the benchmarks measured and say it in docs/performance.md.

Every part of the benchmark leaves build/bench/PART.json. This writes

    build/bench/results.json    every figure of every part, flat
    docs/performance.md         tests/bench/performance.md.in, its placeholders
                                (@NAME@) replaced by tables
    docs/performance.svg        added cost by case and peer

Nothing is estimated: a figure that no part holds is called missing, and a
ratio is only made of figures of one part and one kernel, that is, of one run.
"""

import argparse
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import goals                                                # noqa: E402

# The parts that there should be, in the order of the page, and what they are.
PARTS = {
    "kernel": "Packets through the kernel's hook",
    "icount": "Instructions, stock kernels",
    "host": "The core alone against DPDK",
    "load": "Loading and changing a policy",
}
PART_FIELDS = {"part": str, "kernel": str, "date": str, "machine": str,
               "notes": list, "results": list}
RESULT_FIELDS = {"case": str, "peer": str, "variant": str, "unit": str,
                 "median": (int, float), "min": (int, float),
                 "max": (int, float), "runs": int}


class Bad(Exception):
    """A result file is not what the benchmarks write; the text says why."""


def check_fields(where, value, fields):
    """Refuse a value that is not an object with these fields."""
    if not isinstance(value, dict):
        raise Bad(f"{where}: not an object: run that part again")
    for name, kind in fields.items():
        if name not in value:
            raise Bad(f'{where}: no "{name}": run that part again')
        if not isinstance(value[name], kind) or value[name] is True:
            raise Bad(f'{where}: "{name}" is {value[name]!r}, which is not of '
                      "the right type: run that part again")


def read_part(path):
    """One part's file, checked."""
    try:
        with open(path, encoding="utf-8") as file:
            part = json.load(file)
    except ValueError as err:
        raise Bad(f"{path}: {err}: run that part again") from err
    check_fields(path, part, PART_FIELDS)
    for number, result in enumerate(part["results"]):
        where = f"{path}: result {number}"
        check_fields(where, result, RESULT_FIELDS)
        if not result["min"] <= result["median"] <= result["max"]:
            raise Bad(f"{where}: min, median and max are out of order")
        if result["runs"] < 1:
            raise Bad(f"{where}: measured {result['runs']} times")
    return part


def read_parts(build):
    """All parts that were measured, by name, in the order of the page."""
    found = {}
    for name in sorted(os.listdir(build) if os.path.isdir(build) else ()):
        if not name.endswith(".json") or name == "results.json":
            continue
        part = read_part(os.path.join(build, name))
        if part["part"] + ".json" != name:
            raise Bad(f"{name}: says that it is part {part['part']!r}")
        found[part["part"]] = part
    order = list(PARTS)
    return dict(sorted(found.items(), key=lambda item: (
        order.index(item[0]) if item[0] in order else len(order), item[0])))


def flatten(parts):
    """Every figure, with its part and kernel. A result may name a kernel of
    its own, and the place of the hook that was measured."""
    return [{"part": part["part"], "date": part["date"],
             "kernel": result.get("kernel", part["kernel"]),
             **({"place": result["place"]} if "place" in result else {}),
             **{name: result[name] for name in RESULT_FIELDS}}
            for part in parts.values() for result in part["results"]]


def number(value):
    """As a person reads it: three digits count, thousands are grouped."""
    if value == 0:
        return "0"
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    if abs(value) >= 1:
        return f"{value:.3g}"
    text = f"{value:.6f}"
    return text.rstrip("0") if abs(value) >= 0.0005 else f"{value:.2e}"


def table(head, rows, right=()):
    """A Markdown table; the columns in right are aligned there."""
    marks = ["---:" if column in right else "---" for column in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |"
                     for cells in [head, marks, *rows])


def who(figure):
    """The peer, and which of its ways."""
    return figure["peer"] + (f", {figure['variant']}" if figure["variant"]
                             else "")


def part_table(figures):
    """The figures of one part and kernel, with what is added to the hook."""
    rows = []
    hooks = goals.Figures(figures)
    for figure in figures:
        hook = figure["peer"] in goals.EMPTY
        added = None if hook else hooks.added(figure)
        times = None if hook else hooks.times_ours(figure)
        rows.append([
            figure["case"], who(figure), number(figure["median"]),
            f"{number(figure['min'])} to {number(figure['max'])}",
            str(figure["runs"]), figure["unit"],
            "" if added is None else number(added),
            "" if times is None else f"{times:.2f}"])
    head = ["case", "who", "median", "range", "runs", "unit",
            "added to the empty hook", "times Lenscap's"]
    if not any(row[-2] for row in rows):
        head, rows = head[:-2], [row[:-2] for row in rows]
    return table(head, rows, right=(2, 3, 4, 6, 7))


def kernels(figures):
    """The kernels that figures are of, in order."""
    return list(dict.fromkeys(figure["kernel"] for figure in figures))


def sections(parts, figures):
    """A section for each part: where and when, and tables."""
    text = []
    for name in [*PARTS, *(name for name in parts if name not in PARTS)]:
        text.append(f"### {PARTS.get(name, name)}\n")
        if name not in parts:
            text.append(f"Missing: `scripts/bench {name}` has not been run.\n")
            continue
        part = parts[name]
        if part.get("quick"):
            text.append("**A quick run, to try the benchmark out: not to be "
                        "quoted.**\n")
        text.append(f"{part['date']}, on {part['machine']}.\n")
        mine = [figure for figure in figures if figure["part"] == name]
        if not mine:
            text.append("It measured nothing.\n")
        for kernel in kernels(mine):
            text.append(f"{kernel}:\n")
            text.append(part_table([figure for figure in mine
                                    if figure["kernel"] == kernel]) + "\n")
    return "\n".join(text).rstrip("\n")


def notes(parts):
    """What must stand beside the ratios."""
    lines = [f"- {name}: {note}" for name, part in parts.items()
             for note in part["notes"]]
    lines += [f"- {name}: **a quick run, not to be quoted**"
              for name, part in parts.items() if part.get("quick")]
    return "\n".join(lines) or "- None of the parts that ran has one."


def goal_table(figures):
    """Each goal with what was measured of it."""
    rows = []
    for part in dict.fromkeys([*PARTS, *(f["part"] for f in figures)]):
        mine = [figure for figure in figures if figure["part"] == part]
        for kernel in kernels(mine) or [None]:
            here = goals.Figures([figure for figure in mine
                                  if figure["kernel"] == kernel])
            for goal in goals.of_part(part):
                seen, verdict = goal.judge(here)
                rows.append([goal.title, goal.wanted, seen,
                             f"**{verdict}**" if verdict == "missed"
                             else verdict,
                             f"{part}, {kernel}" if kernel else part])
    return table(["what", "goal", "measured", "", "part"], rows)


def summary(figures):
    """How many goals were met, missed, or not measured."""
    count = {"met": 0, "missed": 0, "missing": 0}
    for line in goal_table(figures).splitlines()[2:]:
        count[line.split("|")[4].strip().strip("*")] += 1
    return (f"{count['met']} goals met, {count['missed']} missed, "
            f"{count['missing']} not measured.")


def runs(parts):
    """When, where and on what each part ran."""
    rows = []
    for name in [*PARTS, *(name for name in parts if name not in PARTS)]:
        part = parts.get(name)
        if part:
            seen = list(dict.fromkeys(
                result.get("kernel", part["kernel"])
                for result in part["results"])) or [part["kernel"]]
            rows.append([name, part["date"], "; ".join(seen), part["machine"]])
        else:
            rows.append([name, "missing", "", ""])
    return table(["part", "date", "kernel or compiler", "machine"], rows)


def step_rows(case, hooks):
    """What each step adds, in their order, and Lenscap after the last."""
    added = {figure["variant"].split(" ", 1)[-1]: hooks.added(figure)
             for figure in hooks.find(re.escape(case), goals.STEPS)}
    added["Lenscap"] = hooks.added_by(case, "lenscap", best=max)[0]
    return added


def floor_rows(case, hooks, added):
    """For each peer of a case what Lenscap and the floors are of it."""
    rows = []
    for peer, variant, best in hooks.peers(case):
        goal = hooks.goal_against(case, peer, variant)
        under = [floor for floor in goals.FLOORS if goal and
                 added.get(floor) is not None and
                 added[floor] > goal.limit * best]
        rows.append([
            case, f"{peer} {variant}".strip(), number(best),
            *("" if added.get(column) is None or best <= 0 else
              goals.share_text(added[column] / best)
              for column in ("Lenscap", *goals.FLOORS)),
            goal.wanted if goal else "",
            f"**below {' and '.join(under)}**" if under else ""])
    return rows


def floors(figures):
    """Two tables: what steps and floors add, and peers against the floors."""
    text = []
    for part, kernel in dict.fromkeys(
            (figure["part"], figure["kernel"]) for figure in figures
            if figure["peer"] == goals.STEPS):
        hooks = goals.Figures([figure for figure in figures
                               if figure["part"] == part and
                               figure["kernel"] == kernel])
        steps = {figure["case"]: step_rows(figure["case"], hooks)
                 for figure in hooks.find(".*", goals.STEPS)}
        columns = list(dict.fromkeys(
            name for added in steps.values() for name in added
            if name not in goals.FLOORS)) + list(goals.FLOORS)
        text += [f"{part}, {kernel}, ns a packet added to the empty hook:\n",
                 table(["case", *columns],
                       [[case] + ["" if added.get(name) is None
                                  else number(added[name]) for name in columns]
                        for case, added in steps.items()],
                       right=range(1, len(columns) + 1)) + "\n",
                 "The best of each peer, and what Lenscap and the floors are "
                 "of it:\n",
                 table(["case", "peer", "adds", "Lenscap", *goals.FLOORS,
                        "goal", ""],
                       [row for case, added in steps.items()
                        for row in floor_rows(case, hooks, added)],
                       right=(2, 3, 4, 5)) + "\n"]
    return "\n".join(text).rstrip("\n") or \
        "Missing: no part that ran has measured steps."


def page(template, parts):
    """The template with its placeholders replaced."""
    figures = flatten(parts)
    values = {"RUNS": runs(parts), "GOALS": goal_table(figures),
              "SUMMARY": summary(figures), "NOTES": notes(parts),
              "STEPS": floors(figures), "SECTIONS": sections(parts, figures)}

    def value(match):
        if match[1] not in values:
            raise Bad(f"the template wants @{match[1]}@; there are: "
                      f"{', '.join(values)}")
        return values[match[1]]
    return re.sub(r"@([A-Z]+)@", value, template)


def write(path, text):
    """Whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
    print(os.path.relpath(path))


def main():
    """Merge, tell, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(TOP, "build", "bench"),
                        help="where the parts' files are (build/bench)")
    parser.add_argument("--docs", default=os.path.join(TOP, "docs"),
                        help="where the page goes (docs)")
    parser.add_argument("--template",
                        default=os.path.join(HERE, "performance.md.in"))
    options = parser.parse_args()
    try:
        parts = read_parts(options.build)
        if not parts:
            raise Bad(f"{options.build}: nothing was measured: run make bench")
        with open(options.template, encoding="utf-8") as file:
            text = page(file.read(), parts)
        write(os.path.join(options.build, "results.json"),
              json.dumps(flatten(parts), indent=1) + "\n")
        write(os.path.join(options.docs, "performance.md"), text)
        kernel = [figure for figure in flatten(parts)
                  if figure["part"] == "kernel"]
        if not kernel:
            print("report.py: no performance.svg: part kernel is missing",
                  file=sys.stderr)
            return
        try:
            import plot
        except ImportError as err:
            raise Bad(f"{err}: python3-matplotlib is needed for the plot: "
                      "run scripts/setup bench") from err
        write(os.path.join(options.docs, "performance.svg"),
              plot.draw(kernel))
    except (Bad, OSError) as err:
        sys.exit(f"report.py: {err}")


if __name__ == "__main__":
    main()
