# SPDX-License-Identifier: GPL-2.0-only
"""What the metrics say, in both formats."""

import subprocess

from rig import (OPENMETRICS, Exporter, Fake, golden, path, state, tap, tool,
                 values, world)


def text_of(answers, *args, accept=None):
    """The metrics of a daemon with these answers."""
    with Fake(path("sock"), answers) as fake, \
            Exporter(fake.path, *args) as exporter:
        return exporter.metrics(accept)


def check_promtool(text):
    """promtool must have nothing to say."""
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=text,
                          capture_output=True, encoding="utf-8", check=False)
    tap.equal((done.returncode, done.stdout + done.stderr), (0, ""),
              "promtool check metrics")


def test_text_golden():
    "Prometheus' text, to the letter"
    golden("text", text_of(world()))


def test_openmetrics_golden():
    "OpenMetrics, to the letter"
    golden("openmetrics", text_of(world(), accept=OPENMETRICS))


def test_aggregate_golden():
    "devices added up by profile"
    golden("aggregate", text_of(world(), "--aggregate", "profile"))


def test_help_and_type():
    "each metric has both, once, before its samples"
    for accept in (None, OPENMETRICS):
        seen = {}
        for line in text_of(world(), accept=accept).splitlines():
            words = line.split(" ")
            if line == "# EOF":
                continue
            if words[0] == "#":
                about = seen.setdefault(words[2], [])
                tap.true(words[1] not in about, f"{line} again")
                about.append(words[1])
                last = words[2]
                continue
            name = words[0].partition("{")[0]
            if accept:
                tap.true(name in (last, f"{last}_total", f"{last}_info"),
                         f"{name} under {last}")
            else:
                tap.equal(name, last, "name of the header")
            tap.equal(seen[last][:2], ["HELP", "TYPE"], f"of {last}")


def test_promtool():
    "promtool check metrics finds nothing to object to"
    check_promtool(text_of(world()))
    check_promtool(text_of(world(), "--aggregate", "profile"))


def test_escaping():
    "quotes, backslashes and line ends in names"
    answers = world()
    answers["devices"]["devices"] = [
        state.device('a"b\\c\nd ü }{', profile='x\\n"', last_seen=None)]
    for accept in (None, OPENMETRICS):
        found = values(text_of(answers, accept=accept))
        tap.equal(found['lenscap_device_passed_packets_total{device='
                        '"a\\"b\\\\c\\nd ü }{",profile="x\\\\n\\""}'],
                  "98765", "value")


def test_no_label_is_a_destination():
    "however many destinations there are, the series stay the same"
    few, many = world(), world()
    many["drops"]["drops"] = [
        state.drop(destination=f"203.0.{i >> 8}.{i & 255}")
        for i in range(5000)]
    before, after = values(text_of(few)), values(text_of(many))
    name = ('lenscap_device_denied_destinations{device="fence-017",'
            'profile="fence-dome"}')
    tap.equal(before[name], "2", "few")
    tap.equal(after[name], "5000", "many")
    tap.equal(sorted(set(after) - set(before)), [], "new series")


def test_no_module():
    "the daemon answers, the module is not loaded"
    answers = world()
    answers["status"] = state.status([], module=None)
    answers["devices"] = {"ok": False, "code": "module", "error": "gone"}
    found = values(text_of(answers))
    tap.equal((found["lenscap_daemon_up"], found["lenscap_module_loaded"]),
              ("1", "0"), "up and loaded")
    tap.true(not any("module_info" in name or "device_" in name
                     for name in found), found)
    tap.equal(found["lenscap_unknown_devices"], "2", "drops are still known")


def test_last_good():
    "a broken gateway.yaml is told; nothing by a daemon that does not know"
    for shown, value in ((None, "0"), ({"saved": None, "error": "x"}, "1"),
                         (..., None)):
        answers = world()
        if shown is ...:
            answers["status"]["daemon"].pop("config_last_good")
        else:
            answers["status"]["daemon"]["config_last_good"] = shown
        tap.equal(values(text_of(answers)).get("lenscap_config_last_good"),
                  value, f"{shown}")


def test_interlock():
    "not in place is told, and nothing where none is wanted"
    for name, value in (("in-place", "1"), ("missing", "0"), ("open", "0"),
                        ("unavailable", "0"), ("off", None)):
        answers = world()
        answers["status"]["interlock"]["state"] = name
        tap.equal(values(text_of(answers)).get("lenscap_interlock_in_place"),
                  value, name)


def test_unknown_reason():
    "a reason of a newer module is told"
    answers = world()
    answers["status"]["guards"][0]["reasons"].append(
        state.reason("tomorrow", (1, 2)))
    found = values(text_of(answers))
    tap.equal(found['lenscap_guard_dropped_bytes_total{guard="cams",'
                    'reason="tomorrow"}'], "2", "bytes")


def test_strange_answers():
    "fields that are absent or of another kind are no reason to end"
    found = values(text_of({
        "status": {"ok": True, "guards": [{}, {"name": 5}, {"name": "g"}], "module": {},
                   "interlock": 7},
        "devices": {"ok": True, "devices": [{"name": "a", "passed": []}]},
        "drops": {"ok": True, "drops": [{}, {"device": 1}]}}))
    tap.equal(found["lenscap_daemon_up"], "1", "up")
    tap.equal(found["lenscap_guards"], "1", "guards that have a name")
