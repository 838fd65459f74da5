# SPDX-License-Identifier: GPL-2.0-only
"""A week on a site, for the page: made up, but the same each time."""

import json

from book import Writer, MINUTE, directory

HOUR = 60 * MINUTE


def event(book, kind, **body):
    """A row that is no drop."""
    book.say(f"event {kind} {json.dumps(body)}")


def totals(book, passed, dropped):
    """The guard's counters."""
    event(book, "totals", guards=[{
        "name": "cams", "state": "armed",
        "passed": {"packets": passed, "bytes": 900 * passed},
        "dropped": {"packets": dropped, "bytes": 60 * dropped},
        "would_drop": {"packets": 0, "bytes": 0}}])


def policy(book, revision, generation, devices):
    """A policy was applied."""
    event(book, "policy", revision=revision, generation=generation,
          digest=f"{revision:02x}" * 32, by="apply by pid 4711, uid 0",
          devices=devices, profiles=3, rules=11)


def hour(book, number):
    """What cameras try in an hour."""
    for camera in range(4):
        if (number + camera) % 3 == 0:
            book.drop(f"fence-{17 + camera:03}", f"02:00:5e:10:00:{17 + camera}",
                      "203.0.113.66", 443, 3 + number % 40)
    if number % 24 in (2, 3):
        book.drop("gate-003", "02:00:5e:10:00:03", "2001:db8:bad::66", 5000,
                  400 + 10 * number)
    if number % 6 == 1:
        book.drop("gate-003", "02:00:5e:10:00:03", "198.51.100.9", 123, 2)
        book.drop("lobby-001", "02:00:5e:10:01:01", "192.0.2.80", 80, 9,
                  audit=True)
    if 60 < number < 70:
        book.drop("-", "9c:8e:cd:12:34:56", "203.0.113.66", 443, 12,
                  reason="unknown_device")
        book.drop("-", "02:11:22:33:44:55", "192.0.2.80", 80, 1,
                  reason="unknown_device")


def make():
    """Returns the path of the history."""
    with Writer(directory()) as book:
        book.say("start")
        event(book, "guard", guard="cams", interface="eth1", state="armed")
        event(book, "interlock", state="in-place", open=[], restored=0)
        policy(book, 41, 1, 212)
        totals(book, 1000, 20)
        for number in range(7 * 24):
            hour(book, number)
            if number == 30:
                policy(book, 42, 2, 214)
            if number == 62:
                policy(book, 43, 3, 213)
                book.say("lost 37")
            if number == 90:
                event(book, "command", what="disarm", guards=["cams"],
                      by="pid 4803, uid 0", opened=[])
                event(book, "guard", guard="cams", interface="eth1",
                      state="removed")
            if number == 91:
                event(book, "command", what="arm", guards=["cams"],
                      by="pid 4811, uid 0", opened=[])
                event(book, "guard", guard="cams", interface="eth1",
                      state="armed")
            book.after(HOUR, "tick")
            if number == 100:
                book.say("stop")
                book.after(40 * MINUTE, "start")
        totals(book, 48211003, 31022)
        book.say("seal")
        # One row more, which no seal vouches for yet.
        hour(book, 171)
        book.after(MINUTE, "tick")
        book.show()
        book.kill()
    return book.path
