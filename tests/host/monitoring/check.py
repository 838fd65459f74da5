# SPDX-License-Identifier: GPL-2.0-only
"""Rules, dashboard and runbooks, as TAP, and a last line that adds up.

Arguments select tests by name; --list shows them.
"""

import functools
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import promql

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, "tests", "selftests"))

from lib import tap                                         # noqa: E402

MONITORING = os.path.join(TOP, "monitoring")
RULES = os.path.join(MONITORING, "lenscap.rules.yml")
RULES_TEST = os.path.join(MONITORING, "lenscap_test.yml")
DASHBOARD = os.path.join(MONITORING, "lenscap-dashboard.json")
METRICS = os.path.join(MONITORING, "metrics.txt")
EXPORTER = os.path.join(TOP, "userspace", "exporter")

# What Prometheus adds to each target, and to each sample of it.
OF_PROMETHEUS = {"up": set()}
TARGET = {"job", "instance"}


def text_of(path):
    """A file's text."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def yaml_of(path):
    """A YAML file; without the module, the test is skipped."""
    try:
        import yaml
    except ImportError:
        raise tap.Skip("python3-yaml is not installed") from None
    return yaml.safe_load(text_of(path))


def promtool(*arguments):
    """Run promtool; it must be content."""
    cache = os.environ.get("LENSCAP_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or
        os.path.join(os.environ.get("HOME", "/root"), ".cache"), "lenscap")
    program = os.environ.get("LENSCAP_PROMTOOL") or shutil.which("promtool")
    if not program:
        program = os.path.join(cache, "tools", "prometheus", "usr", "bin",
                               "promtool")
        if not os.access(program, os.X_OK):
            raise tap.Skip('no promtool: "scripts/setup check" unpacks it')
    done = subprocess.run([program, *arguments], text=True, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def contract():
    """{name: (type, labels)} of metrics.txt."""
    metrics = {}
    for number, line in enumerate(text_of(METRICS).splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, kind, labels = line.split()
        assert name not in metrics, f"line {number}: {name} again"
        metrics[name] = (kind, set() if labels == "-" else
                         set(labels.split(",")))
    return metrics


def alerts():
    """The rules that alert, in order."""
    return [rule for group in yaml_of(RULES)["groups"]
            for rule in group["rules"] if "alert" in rule]


def panels():
    """The panels of the dashboard, those within rows too."""
    todo = list(json.loads(text_of(DASHBOARD))["panels"])
    while todo:
        panel = todo.pop(0)
        yield panel
        todo += panel.get("panels", [])


def variable_queries():
    """(name, selector, label) of the dashboard's variables."""
    for var in json.loads(text_of(DASHBOARD))["templating"]["list"]:
        if var["type"] != "query":
            continue
        query = var["query"]["query"]
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        assert match, f"variable {var['name']}: {query}"
        assert var["definition"] == query, var["name"]
        yield var["name"], match[1], match[2]


def expressions():
    """(where, expression) of everything that reads metrics."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel.get("targets", []):
            yield f"panel \"{panel['title']}\"", target["expr"]
    for name, selector, _ in variable_queries():
        yield f"variable {name}", selector


def complaints(text, metrics):
    """What an expression names that the contract does not have."""
    known = {name: labels for name, (_, labels) in metrics.items()}
    known.update(OF_PROMETHEUS)
    found = promql.read(text)
    usable = TARGET | found.made
    for name, matchers in found.selectors:
        names = [name]
        if name is None:
            operator, value = matchers.get("__name__", ("=", "{}"))
            names = [n for n in known if operator == "=~" and
                     re.fullmatch(value, n)] or [value]
        for one in names:
            if one not in known:
                yield f"no such metric: {one}"
                continue
            usable |= known[one]
            for label in set(matchers) - known[one] - TARGET - {"__name__"}:
                yield f"{one} has no label {label}"
    if not found.selectors:
        yield "no metric"
    for label in sorted(found.listed - usable):
        yield f"nothing here has the label {label}"


def counters_as_gauges(text, metrics):
    """Counters that are read without asking how much they grew."""
    for name, (kind, _) in metrics.items():
        if kind == "counter" and re.search(rf"\b{name}\b", text) and \
                not re.search(rf"(rate|increase|last_over_time)\({name}\b",
                              text):
            yield f"{name} is a counter"


def anchors(path):
    """The anchors of a page's headings, with the text below each."""
    found = {}
    for part in re.split(r"^#+ ", text_of(path), flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        anchor = re.sub(r"[^\w\- ]", "", title.strip().lower())
        found[anchor.replace(" ", "-")] = body.strip()
    return found


def test_reader():
    """the reader of expressions tells metrics from all else"""
    metrics = {"a_total": ("counter", {"x"}), "b": ("gauge", {"y"})}
    good = ["b", 'rate(a_total{x="b{c}"}[5m]) > 0 unless b offset 1d',
            "sum by (x, job) (increase(a_total[$__range]))",
            "sum(b) by (y)", "b / on (job) group_left (y) b  # nosuch",
            'count_values by (job) ("v", b)', '{__name__=~"a_.*|b",job="1"}',
            'max(count by (v) (count_values("v", b)))', "time() - b != 0"]
    for text in good:
        assert not list(complaints(text, metrics)), text
    for text, wrong in {
            "a": "no such metric: a",
            "rate(a_totals[5m])": "no such metric: a_totals",
            "b or c": "no such metric: c",
            "sum by (y) (c)": "no such metric: c",
            'b{x="1"}': "b has no label x",
            "sum by (x) (b)": "nothing here has the label x",
            'b and on (z) b{y=""}': "nothing here has the label z",
            '{__name__=~"c.*"}': "no such metric: c.*",
            "vector(1)": "no metric"}.items():
        assert wrong in complaints(text, metrics), text
    assert list(counters_as_gauges("sum(a_total) > b", metrics)) == \
        ["a_total is a counter"]
    assert not list(counters_as_gauges("increase(a_total[5m])", metrics))


def test_contract():
    """the list of metrics is well-formed"""
    metrics = contract()
    assert len(metrics) > 20
    for name, (kind, labels) in metrics.items():
        assert re.fullmatch(r"lenscap_[a-z]+(_[a-z]+)*", name), name
        assert kind in ("gauge", "counter"), f"{name}: {kind}"
        assert (kind == "counter") == name.endswith("_total"), name
        assert all(re.fullmatch("[a-z]+", label) for label in labels), name
        if name.endswith("_packets_total"):
            twin = name.replace("_packets_", "_bytes_")
            assert metrics.get(twin) == (kind, labels), f"no {twin}"


def test_names():
    """rules and dashboard use metrics and labels of the list only"""
    metrics = contract()
    wrong = [f"{where}: {what}" for where, text in expressions()
             for what in complaints(text, metrics)]
    wrong += [f"{where}: {what}" for where, text in expressions()
              if not where.startswith("variable")
              for what in counters_as_gauges(text, metrics)]
    assert not wrong, "\n".join(wrong)


def test_exporter():
    """the exporter has every metric of the list"""
    if not os.path.isdir(EXPORTER):
        raise tap.Skip("userspace/exporter does not exist")
    source = "".join(text_of(path) for path in
                     sorted(glob.glob(os.path.join(EXPORTER, "*.[ch]"))))
    missing = [name for name in contract() if not spelled(name, source)]
    assert not missing, "not in userspace/exporter: " + ", ".join(missing)


def spelled(name, source):
    """Is it there as a string? OpenMetrics names families without suffix."""
    return any(f'"{text}"' in source
               for text in (name, re.sub("_(total|info)$", "", name)))


def test_rules():
    """promtool: the rules are valid"""
    assert f"SUCCESS: {len(alerts())} rules" in \
        promtool("check", "rules", RULES)


def test_rules_fire():
    """promtool: alerts fire when they should, and only then"""
    assert "SUCCESS" in promtool("test", "rules", RULES_TEST)


def test_rules_tested():
    """each alert is tested firing and not firing"""
    cases = [case for test in yaml_of(RULES_TEST)["tests"]
             for case in test["alert_rule_test"]]
    wrong = []
    for name in (rule["alert"] for rule in alerts()):
        mine = [case for case in cases if case["alertname"] == name]
        if not any(case["exp_alerts"] for case in mine):
            wrong.append(f"{name} never fires in a test")
        if not any(not case["exp_alerts"] for case in mine):
            wrong.append(f"{name} always fires in a test")
    known = {rule["alert"] for rule in alerts()}
    # A name that no rule has can never fire: promtool does not mind.
    wrong += [f"no alert is called {case['alertname']}" for case in cases
              if case["alertname"] not in known]
    assert not wrong, "\n".join(wrong)


def test_rules_said():
    """each alert has a severity, a summary, a description, a runbook"""
    pages = {}
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)), names
    for rule in alerts():
        name, notes = rule["alert"], rule["annotations"]
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert "$labels.instance" in notes["summary"], name
        assert len(notes["description"]) > 40, name
        page, _, anchor = notes["runbook"].partition("#")
        if page not in pages:
            pages[page] = anchors(os.path.join(TOP, page))
        assert anchor == name.lower(), f"{name}: {notes['runbook']}"
        assert anchor in pages[page], f"{name}: no section in {page}"
        body = pages[page][anchor]
        assert len(body) > 100, f"{name}: {page} says too little"
        for part in ("**Look:**", "**Do:**"):
            assert part in body, f"{name}: no {part} in {page}"


def test_runbook():
    """the page has no alert that is none, no command that does not exist"""
    page = os.path.join(TOP, "docs", "monitoring.md")
    known = {rule["alert"].lower() for rule in alerts()}
    left = [a for a in anchors(page) if a.startswith("lenscap") and
            a not in known]
    assert not left, left
    manual = text_of(os.path.join(TOP, "userspace", "man", "lenscapctl.8"))
    commands = set(re.findall(r"^\.It Cm (\w+)", manual, re.MULTILINE))
    used = set(re.findall(r"lenscapctl (?:-\S+ )*([a-z]+)", text_of(page)))
    assert {"status", "drops", "doctor"} <= used, used
    assert used <= commands, used - commands


def test_dashboard():
    """valid JSON, ids are unique, panels lie beside each other"""
    board = json.loads(text_of(DASHBOARD))
    assert board["title"] == "Lenscap"
    ids = [panel["id"] for panel in panels()]
    assert len(ids) > 10 and len(ids) == len(set(ids)), ids
    taken = {}
    for panel in panels():
        title, pos = panel["title"], panel["gridPos"]
        assert pos["x"] + pos["w"] <= 24, title
        for x in range(pos["x"], pos["x"] + pos["w"]):
            for y in range(pos["y"], pos["y"] + pos["h"]):
                assert (x, y) not in taken, f"{title} on {taken[x, y]}"
                taken[x, y] = title
        refs = [target["refId"] for target in panel.get("targets", [])]
        assert len(refs) == len(set(refs)), title
        assert refs or panel["type"] == "row", f"{title} shows nothing"


def test_dashboard_source():
    """the data source is chosen, not built in; variables exist and are used"""
    board = json.loads(text_of(DASHBOARD))
    text = text_of(DASHBOARD)
    names = {var["name"] for var in board["templating"]["list"]}
    assert {"datasource", "instance", "guard", "profile"} <= names, names
    assert "__inputs" not in board and "http" not in text
    for uid in re.findall(r'"uid": "([^"]*)"', text):
        assert uid in ("lenscap", "${datasource}"), uid
    for panel in panels():
        for part in [panel, *panel.get("targets", [])]:
            if part.get("type") != "row":
                assert part["datasource"]["uid"] == "${datasource}", \
                    panel["title"]
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))
    assert used == names, used ^ names


def test_dashboard_promql():
    """promtool: the dashboard's expressions are valid"""
    rules = []
    for where, text in expressions():
        if where.startswith("panel"):
            text = re.sub(r"\$__(range|rate_interval)\b", "5m", text)
            assert "[$" not in text, text
            rules.append({"record": f"check:{len(rules)}", "expr": text})
    assert rules
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        assert f"SUCCESS: {len(rules)} rules" in \
            promtool("check", "rules", file.name)


def main():
    """Run, add up."""
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

    scope = {name: counted(value) for name, value in globals().items()
             if name.startswith("test_") and callable(value)}
    try:
        tap.main(scope)
    except SystemExit as end:
        if "--list" not in sys.argv[1:]:
            print(f"{totals['passed']} passed, {totals['failed']} failed")
        raise SystemExit(end.code) from None


if __name__ == "__main__":
    main()
