# SPDX-License-Identifier: GPL-2.0-only
"""What can go wrong with the file, and what becomes of it."""

import json
import os
import resource
import signal
import sqlite3
import stat

from book import directory, judge, report, rows, show, tap, write, Writer, \
    MINUTE


def kinds(path):
    """Kinds of rows, in order."""
    return [kind for _, _, kind, _, _ in rows(path)]


def bodies(path, kind):
    """Bodies of the rows of a kind."""
    return [json.loads(body) for _, _, this, body, _ in rows(path)
            if this == kind]


def test_private():
    """Only root may read the history and its key; the public key is a file."""
    state = directory()
    path = write(state)
    for name in ("history.db", "history.key"):
        mode = stat.S_IMODE(os.stat(os.path.join(state, name)).st_mode)
        tap.equal(oct(mode), oct(0o600), name)
    with open(os.path.join(state, "history.pub"), encoding="ascii") as file:
        tap.equal(file.read().strip(), show(path, "key")[0], "public key")


def test_added_up():
    """A minute's records of one kind are one row; audited stays apart."""
    state = directory()
    with Writer(state) as book:
        book.say("start")
        for _ in range(5):
            book.drop(packets=2)
            book.after(1000, "tick")
        book.drop(packets=1, audit=True)
        book.after(MINUTE, "tick")
        book.end()
    drops = bodies(book.path, "drop")
    tap.equal([(d["packets"], d["audited"]) for d in drops],
              [(10, False), (1, True)], "rows")


def test_flood():
    """A flood gets few rows, the sums are right, others keep theirs."""
    state = directory()
    with Writer(state) as book:
        book.say("start")
        for port in range(1000):
            book.drop(port=port + 1, packets=1)
        for number in range(300):
            book.drop("-", f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
                      reason="unknown_device", packets=1)
        book.drop("gate-003", "02:00:5e:10:00:03", packets=7)
        book.after(MINUTE, "tick")
        book.end()
    drops = bodies(book.path, "drop")
    tap.equal(len([d for d in drops if d["device"] == "fence-017"]), 16,
              "rows of the flood")
    tap.equal(len([d for d in drops if not d["device"]]), 64, "strangers")
    tap.equal(report(book.path)["totals"]["dropped"]["packets"], 1307, "sum")
    tap.equal(sum(m["dropped"]["packets"] for m in bodies(book.path, "more")),
              1000 - 16 + 300 - 64, "the rest")
    tap.equal([d["packets"] for d in drops if d["device"] == "gate-003"], [7],
              "another device")


def ignore_limit():
    """Writing beyond the limit is an error, not the end."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_disk_full():
    """Nothing can be written: counted, shown, told of, and nothing is lost."""
    state = directory()
    with Writer(state, preexec_fn=ignore_limit) as book:
        book.say("start")
        book.drop(packets=1)
        book.after(MINUTE, "tick")
        tap.equal(book.show()["state"], "ok", "before")
        resource.prlimit(book.process.pid, resource.RLIMIT_FSIZE, (512, -1))
        for _ in range(3):
            book.drop(packets=10)
            book.after(MINUTE, "tick")
        shown = book.show()
        tap.equal(shown["state"], "failing", f"{shown}")
        tap.true(shown["failures"] >= 3 and shown["error"], f"{shown}")
        for number in range(300):
            book.say(f'event guard {{"guard": "g{number}"}}')
        tap.true(book.show()["rows_lost"] > 0, "too many events")
        resource.prlimit(book.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        book.after(MINUTE, "tick")
        shown = book.show()
        tap.equal((shown["state"], shown["error"]), ("ok", None), f"{shown}")
        log = book.end()
    tap.true("nothing can be written" in log and "written again" in log, log)
    judge(book.path, True)
    gap = bodies(book.path, "gap")
    tap.true(len(gap) == 1 and gap[0]["tries"] >= 3, f"gap: {gap}")
    seen = report(book.path)
    tap.equal(seen["totals"]["dropped"]["packets"], 31, "packets")
    tap.true(seen["lost_rows"] > 0 and seen["gaps"], f"{seen['gaps']}")


def test_max_size():
    """Without a key nothing may be let go: the limit holds nevertheless."""
    state = directory()
    with open(os.path.join(state, "history.key"), "w", encoding="ascii") as key:
        key.write("no key\n")
    with Writer(state) as book:
        book.say("limits 90 1", "start")
        tap.equal(book.show()["state"], "unsealed", "state")
        for minute in range(3):
            for number in range(125):
                for port in range(16):
                    book.drop(f"camera-{number:04}-{'x' * 30}",
                              to=f"203.0.113.{minute}", port=port)
            book.after(MINUTE, "tick")
        shown = book.show()
        tap.equal(shown["state"], "failing", f"{shown}")
        tap.true("max_size" in shown["error"], f"{shown}")
        book.end()
    tap.true(os.stat(book.path).st_size <= 1 << 20, "size")
    judge(book.path, True)
    with open(os.path.join(state, "history.key"), encoding="ascii") as key:
        tap.equal(key.read(), "no key\n", "the file that is no key")


def test_crash():
    """Killed while it writes: what is there is whole, what is missing told."""
    state = directory()
    for count in (1, 50, 400):
        with Writer(state) as book:
            book.say("start")
            book.show()
            for number in range(count):
                book.drop(port=number, packets=1)
                book.after(MINUTE, "seal")
            book.process.stdin.flush()
            book.process.kill()
            book.process.wait()
    with Writer(state, book.now + MINUTE) as book:
        book.say("start")
        book.end()
    judge(book.path, True)
    tap.equal(len(bodies(book.path, "gap")), 3, f"{kinds(book.path)[-8:]}")
    tap.true(any("without saying so" in gap["text"]
                 for gap in report(book.path)["gaps"]), "gap in the report")


def test_clock_back():
    """The clock goes back two hours: a row tells, and the chain holds."""
    state = directory()
    with Writer(state) as book:
        book.say("start")
        book.drop()
        book.after(MINUTE, "tick")
        book.drop()
        book.after(-120 * MINUTE, "tick")
        book.drop()
        book.after(MINUTE, "tick")
        book.end()
    tap.equal(len(bodies(book.path, "clock")), 1, f"{kinds(book.path)}")
    judge(book.path, True)
    tap.true(any(gap["kind"] == "clock" for gap in report(book.path)["gaps"]),
             "the report tells")


def test_clock_wrong():
    """A clock ten years ahead for a moment: most of the history stays."""
    state = directory()
    with Writer(state) as book:
        book.say("start")
        for _ in range(30):
            book.drop()
            book.after(16 * MINUTE, "seal")
        book.show()
        before = len(rows(book.path))
        ten = 10 * 365 * 24 * 60 * MINUTE
        book.drop()
        book.after(ten, "seal")
        book.after(-ten, "tick")
        book.end()
    tap.true(len(rows(book.path)) > before * 2 // 3,
             f"{before} rows, then {len(rows(book.path))}")
    judge(book.path, True)


def test_broken():
    """What is no database is put aside, before the start and meanwhile."""
    state = directory()
    path = os.path.join(state, "history.db")
    with open(path, "wb") as file:
        file.write(b"this is no database" * 1000)
    with Writer(state) as book:
        book.say("start")
        tap.equal(book.show()["put_aside"], 1, "put aside")
        book.end()
    judge(path, True)
    with open(path + ".bad", "rb") as file:
        tap.true(file.read(7) == b"this is", "what was there is kept")
    tap.true("put aside" in str(bodies(path, "gap"))
             or ".bad" in str(bodies(path, "gap")), "gap")


def test_removed_file():
    """The file is removed under the daemon: a new history says so."""
    state = directory()
    with Writer(state) as book:
        book.say("start")
        book.drop()
        book.after(MINUTE, "seal")
        book.show()
        _, seal = show(book.path, "seal")
        for name in ("", "-wal", "-shm"):
            os.unlink(book.path + name)
        book.drop()
        book.after(MINUTE, "tick")
        book.end()
    judge(book.path, True)
    tap.true("removed" in str(bodies(book.path, "gap")), "gap")
    judge(book.path, False, "kept seal", seal=seal)


def test_locked():
    """Another program holds the lock: nobody waits, nothing is lost."""
    state = directory()
    with Writer(state) as book:
        book.say("start")
        book.show()
        other = sqlite3.connect(book.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        book.drop(packets=5)
        book.after(MINUTE, "tick")
        shown = book.show()
        tap.true("locked" in (shown["error"] or ""), f"{shown}")
        other.execute("ROLLBACK")
        other.close()
        book.after(MINUTE, "tick")
        tap.equal(book.show()["state"], "ok", "afterwards")
        book.end()
    tap.equal([d["packets"] for d in bodies(book.path, "drop")], [5], "drops")
    judge(book.path, True)


def test_cut_under_the_daemon():
    """Rows at the end are removed while it runs: the history tells."""
    state = directory()
    with Writer(state) as book:
        book.say("start")
        for _ in range(3):
            book.drop()
            book.after(MINUTE, "tick")
        book.show()
        other = sqlite3.connect(book.path)
        other.execute("DELETE FROM rows WHERE seq >= 4")
        other.commit()
        other.close()
        book.drop()
        book.after(MINUTE, "tick")
        book.end()
    judge(book.path, False, "follows row 3")


def test_ended_at_once():
    """A daemon that ends before its first tick leaves no rows."""
    state = directory()
    with Writer(state) as book:
        book.say("begin")
        book.end()
    tap.equal(os.path.exists(book.path), False, "a file")


def test_short():
    """A daemon that ends before its first tick, but has seen a drop."""
    state = directory()
    with Writer(state) as book:
        book.say("begin")
        book.drop(packets=4)
        book.end()
    tap.equal(report(book.path)["totals"]["dropped"]["packets"], 4, "packets")
    judge(book.path, True)


def test_configure():
    """Other limits while it runs."""
    path = write()
    state = os.path.dirname(path)
    with Writer(state) as book:
        book.say("start", "limits 30 64", "configure")
        book.drop(packets=2)
        book.after(MINUTE, "tick")
        tap.equal(book.show()["state"], "ok", "state")
        book.end()
    judge(path, True)
    tap.equal(kinds(path).count("start"), 2, "starts")
