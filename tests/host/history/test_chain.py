# SPDX-License-Identifier: GPL-2.0-only
"""Was anything altered or removed? Both verifiers are asked each time."""

import hashlib
import json
import struct

import nacl.signing

from book import change, directory, judge, rows, show, tap, write, Writer, \
    DAY, MINUTE


def test_whole():
    """A history that nobody touched, with and without the key."""
    path = write()
    key, _ = show(path, "key")
    _, seal = show(path, "seal")
    judge(path, True, "whole", "as the history itself says")
    judge(path, True, "the given one", key=key, seal=seal)
    kinds = [kind for _, _, kind, _, _ in rows(path)]
    tap.equal(kinds.count("seal"), 4, f"seals in {kinds}")


def test_altered():
    """Each column of a row, and which row it was is said."""
    path = write()
    for column, value in (("body", "replace(body, 'cams', 'cans')"),
                          ("time", "time + 1"), ("kind", "'more'"),
                          ("hash", "zeroblob(32)"), ("hash", "x'00'")):
        copy = change(path, f"UPDATE rows SET {column} = {value} "
                            "WHERE seq = 4")
        judge(copy, False, "row 4")


def test_removed():
    """In the middle, at the start, at the end, and a block."""
    path = write()
    last = rows(path)[-1][0]
    _, seal = show(path, "seal")
    judge(change(path, "DELETE FROM rows WHERE seq = 5"), False,
          "row 6 follows row 4")
    judge(change(path, "DELETE FROM rows WHERE seq IN (5, 6, 7)"), False,
          "row 8 follows row 4")
    judge(change(path, "DELETE FROM rows WHERE seq <= 3"), False,
          "begins at row 4", "removed")
    judge(change(path, "DELETE FROM rows"), False, "no row at all")
    # The end can be cut where a seal is not known elsewhere: as documented.
    cut = change(path, f"DELETE FROM rows WHERE seq > {last - 2}")
    judge(cut, True)
    judge(cut, False, "its end was removed", seal=seal)


def test_reordered():
    """Two rows changed places."""
    path = change(write(), "UPDATE rows SET seq = 1000 WHERE seq = 4",
                  "UPDATE rows SET seq = 4 WHERE seq = 5",
                  "UPDATE rows SET seq = 5 WHERE seq = 1000")
    judge(path, False, "row 4 was altered")


def hash_again(path, begin):
    """What somebody does who knows the format, but not the key."""
    previous, updates = None, []
    for seq, time, kind, body, stored in rows(path):
        if seq >= begin:
            kind, body = kind.encode(), body.encode()
            stored = hashlib.blake2b(
                previous + struct.pack(">Qq", seq, time)
                + struct.pack(">I", len(kind)) + kind
                + struct.pack(">I", len(body)) + body,
                digest_size=32).digest()
            updates.append(("UPDATE rows SET hash = ? WHERE seq = ?",
                            (stored, seq)))
        previous = stored
    return change(path, *updates)


def test_hashed_again():
    """All hashes fit: the next seal does not."""
    path = change(write(), "UPDATE rows SET body = replace(body, '203', '204')"
                           " WHERE seq = 3")
    path = hash_again(path, 3)
    seal = next(seq for seq, _, kind, _, _ in rows(path)
                if kind == "seal" and seq > 3)
    judge(path, False, f"row {seal}", "hashed again")


def forge(path, key):
    """Sign all seals anew."""
    path = hash_again(path, 2)
    for seq, time, kind, _, _ in rows(path):
        if kind != "seal":
            continue
        before = rows(path)[seq - 2][4].hex()
        text = (f"lenscap-history-seal-1\ngateway forged\nseq {seq - 1}\n"
                f"hash {before}\ntime {time}\n")
        body = json.dumps({
            "gateway": "forged", "seq": seq - 1, "hash": before, "time": time,
            "key": key.verify_key.encode().hex(),
            "signature": key.sign(text.encode()).signature.hex()})
        path = hash_again(change(path, (
            "UPDATE rows SET body = ? WHERE seq = ?", (body, seq))), seq)
    return path


def test_seal_forged():
    """A bad signature; and good ones by another key."""
    path = write()
    key, file = show(path, "key")
    _, seal = show(path, "seal")
    spoilt = change(path, "UPDATE rows SET body = replace(body, "
                          "'\"signature\":\"', '\"signature\":\"00') "
                          "WHERE kind = 'seal'")
    judge(hash_again(spoilt, 2), False, "the seal cannot be read")
    other = change(path, "UPDATE rows SET body = replace(body, "
                         "'\"gateway\":\"', '\"gateway\":\"x') "
                         "WHERE kind = 'seal'")
    judge(hash_again(other, 2), False, "forged, or altered")
    forged = forge(path, nacl.signing.SigningKey.generate())
    judge(forged, True, "as the history itself says")
    judge(forged, False, "another key", key=key)
    judge(forged, False, "another key", seal=seal)
    tap.equal(len(open(file, encoding="ascii").read().split()), 1, "keys")


def test_since_seal():
    """A kept seal of another history, and a spoilt one."""
    path, other = write(), write()
    _, seal = show(other, "seal")
    judge(path, False, "kept seal", key=show(path, "key")[0], seal=seal)
    with open(seal, encoding="ascii") as file:
        text = json.load(file)
    text["time"] += 1
    with open(seal, "w", encoding="ascii") as file:
        json.dump(text, file)
    judge(other, False, "kept seal", seal=seal)


def test_other_table():
    """A view in the table's place shows what it likes."""
    path = change(write(), "ALTER TABLE rows RENAME TO real",
                  "CREATE VIEW rows AS SELECT * FROM real")
    judge(path, False, "not the one that Lenscap makes")


def test_retention_by_age():
    """Rows are let go up to a seal, and that is signed."""
    state = directory()
    with Writer(state) as book:
        book.say("limits 2 256", "start")
        kept = None
        for day in range(6):
            book.drop(packets=day + 1)
            book.after(DAY, "seal")
            book.show()
            if not day:
                kept = show(book.path, "seal")[1]
        newest = show(book.path, "seal")[1]
        book.end()
    first = rows(book.path)[0][0]
    tap.true(first > 1, f"nothing was let go: first row {first}")
    judge(book.path, True, "let go by retention", seal=newest)
    judge(book.path, True, seal=kept)
    judge(change(book.path, f"DELETE FROM rows WHERE seq = {first}"), False,
          "no anchor says")
    judge(change(book.path, "DELETE FROM rows WHERE kind = 'anchor'"), False)
    judge(change(book.path, "UPDATE rows SET body = replace(body, '\"seq\":',"
                            " '\"seq\":1') WHERE kind = 'anchor'"), False)


def test_retention_by_size():
    """A flood of many devices: the file stays within its limit."""
    state = directory()
    limit = 16 << 20
    with Writer(state) as book:
        book.say("limits 90 16", "start")
        for minute in range(26):
            for number in range(125):
                for port in range(16):
                    book.drop(f"camera-{number:04}-{'x' * 30}",
                              to=f"203.0.113.{minute}", port=port)
            book.after(MINUTE, "tick")
        shown = book.show()
        tap.equal(shown["failures"], 0, f"failures: {shown}")
        tap.true(0 < shown["bytes"] <= limit, f"bytes: {shown}")
        book.end()
    tap.true(rows(book.path)[0][0] > 1, "nothing was let go")
    judge(book.path, True, "let go by retention")
