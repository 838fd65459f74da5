#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""An independent verifier of histories, written from docs/history.md alone.

    verifier.py DATABASE [--key HEX]... [--seal FILE]

Needs nothing of Lenscap: Python, and python3-nacl for the signatures. Prints
what it found and exits with 0 if nothing was altered or removed, else with 1.
"""

import argparse
import hashlib
import json
import sqlite3
import struct
import sys

import nacl.exceptions
import nacl.signing

TABLE = ("CREATE TABLE rows (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
         " kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT")


class Bad(Exception):
    """Something was altered or removed."""


def row_hash(previous, seq, time, kind, body):
    """Section "The hash"."""
    text = (previous + struct.pack(">Qq", seq, time)
            + struct.pack(">I", len(kind)) + kind
            + struct.pack(">I", len(body)) + body)
    return hashlib.blake2b(text, digest_size=32).digest()


def check_signature(what, mark, keys):
    """Section "Seals"; returns the key."""
    key = mark["key"]
    if keys and key not in keys:
        raise Bad(f"a {what} by the unknown key {key}")
    text = (f"lenscap-history-{what}-1\ngateway {mark['gateway']}\n"
            f"seq {mark['seq']}\nhash {mark['hash']}\ntime {mark['time']}\n")
    try:
        nacl.signing.VerifyKey(bytes.fromhex(key)).verify(
            text.encode(), bytes.fromhex(mark["signature"]))
    except (nacl.exceptions.BadSignatureError, ValueError) as err:
        raise Bad(f"the {what} about row {mark['seq']} is forged: {err}") \
            from err
    return key


def verify(path, keys=(), since=None):
    """Section "How to check"; returns (rows, seals, rows let go)."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    database.text_factory = bytes
    if database.execute("PRAGMA application_id").fetchone()[0] != 0x4c656e73:
        raise Bad("not a history")
    schema = database.execute("SELECT sql FROM sqlite_schema WHERE "
                              "name = 'rows' AND type = 'table'").fetchone()
    if not schema or schema[0].decode() != TABLE:
        raise Bad("another table")
    keys = list(keys)
    if since:
        keys = keys or [since["key"]]
        check_signature("seal", since, keys)
    rows = database.execute("SELECT seq, time, kind, body, hash FROM rows "
                            "ORDER BY seq").fetchall()
    if not rows:
        raise Bad("no rows")
    seals, anchor, first = 0, {"seq": 0, "hash": "00" * 32}, rows[0][0]
    for index, (seq, time, kind, body, _) in enumerate(rows):
        if seq != first + index:
            raise Bad(f"row {first + index} is missing")
        if kind not in (b"seal", b"anchor"):
            continue
        mark = json.loads(body)
        keys = keys or [mark["key"]]
        check_signature(kind.decode(), mark, keys)
        if mark["time"] != time:
            raise Bad(f"row {seq}: another time than its signature")
        if kind == b"anchor":
            if mark["seq"] >= first:
                raise Bad(f"row {seq}: an anchor about rows that are there")
            if mark["seq"] > anchor["seq"]:
                anchor = mark
        elif index:
            if (mark["seq"] != seq - 1
                    or mark["hash"] != rows[index - 1][4].hex()):
                raise Bad(f"row {seq}: a seal of another history")
            seals += 1
    if first != 1 and anchor["seq"] != first - 1:
        raise Bad(f"rows before {first} were removed")
    previous = bytes.fromhex(anchor["hash"])
    for seq, time, kind, body, stored in rows:
        previous = row_hash(previous, seq, time, kind, body)
        if previous != stored:
            raise Bad(f"row {seq} was altered")
    if since:
        check_since(since, rows, anchor)
    return len(rows), seals, anchor["seq"]


def check_since(since, rows, anchor):
    """A seal that was kept elsewhere."""
    first, last = rows[0][0], rows[-1][0]
    if since["seq"] > last:
        raise Bad(f"the end is missing: row {since['seq']}")
    if since["seq"] >= first:
        stored = rows[since["seq"] - first][4].hex()
    elif since["seq"] == anchor["seq"]:
        stored = anchor["hash"]
    else:
        return
    if stored != since["hash"]:
        raise Bad(f"row {since['seq']} is not the sealed one")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--seal")
    args = parser.parse_args()
    since = None
    if args.seal:
        with open(args.seal, encoding="ascii") as file:
            since = json.load(file)
    try:
        rows, seals, gone = verify(args.database, args.key, since)
    except Bad as bad:
        print(f"BAD: {bad}")
        sys.exit(1)
    except (sqlite3.DatabaseError, ValueError, KeyError) as err:
        print(f"BAD: cannot be read: {err!r}")
        sys.exit(1)
    print(f"good: {rows} rows, {seals} seals, {gone} rows let go")


if __name__ == "__main__":
    main()
