# SPDX-License-Identifier: GPL-2.0-only
"""Which metrics and labels a PromQL expression names.

Not a parser: promtool says whether an expression is one. This splits it into
words and tells metrics from functions, keywords and labels by what stands
beside them.
"""

import re

WORD = re.compile(r"""
    (?P<blank>  \s+ | \#[^\n]* )
  | (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
  | (?P<range>  \[ [^\]]* \] )
  | (?P<name>   [A-Za-z_:][A-Za-z0-9_:]* )
  | (?P<number> \d[\w.]* | \.\d+ )
  | (?P<match>  =~ | !~ | != )
  | (?P<sign>   \$\w+ | . )
""", re.VERBOSE | re.DOTALL)

LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = LISTS | {"and", "or", "unless", "offset", "bool", "atan2", "inf", "nan",
                 "start", "end"}
# Labels that a function or aggregation makes: its first string.
MAKERS = {"count_values", "label_replace", "label_join"}


class Found:
    """What an expression names."""

    def __init__(self):
        self.selectors = []     # (name or None, {label: (operator, value)})
        self.listed = set()     # labels of by (...), on (...) and the like
        self.made = set()       # labels that the expression makes itself

    def metrics(self):
        """The names that stand for metrics."""
        return [name for name, _ in self.selectors if name]


def words(text):
    """(kind, word) of all that is not blank."""
    return [(match.lastgroup, match.group()) for match in WORD.finditer(text)
            if match.lastgroup != "blank"]


def read(text):
    """What an expression names."""
    todo = words(text) + [("sign", "")]
    found = Found()
    at = 0
    while at < len(todo) - 1:
        kind, word = todo[at]
        after = todo[at + 1][1]
        at += 1
        if kind == "name" and word.lower() in LISTS:
            if after == "(":
                end = _close(todo, at, ")")
                found.listed |= {w for k, w in todo[at:end] if k == "name"}
                at = end
        elif kind == "name" and word.lower() in WORDS:
            continue
        elif kind == "name" and (after == "(" or _is_aggregation(todo, at)):
            if word in MAKERS:
                found.made.add(next(w[1:-1] for k, w in todo[at:]
                                    if k == "string"))
        elif kind == "name" or word == "{":
            name = word if kind == "name" else None
            labels = {}
            if name is None or after == "{":
                start = at + 1 if name else at
                at = _close(todo, start, "}")
                labels = _matchers(todo[start:at - 1])
            found.selectors.append((name, labels))
    return found


def _is_aggregation(todo, at):
    """Is what comes "by (a, b) (", as after sum?"""
    if todo[at][1].lower() not in ("by", "without") or todo[at + 1][1] != "(":
        return False
    return todo[_close(todo, at + 2, ")")][1] == "("


def _close(todo, at, sign):
    """The place behind the next such sign; none of these lists nest."""
    while todo[at][1] != sign:
        at += 1
        if at >= len(todo):
            raise ValueError(f"no {sign}")
    return at + 1


def _matchers(todo):
    labels = {}
    for at, (kind, word) in enumerate(todo):
        if kind == "name":
            labels[word] = (todo[at + 1][1], todo[at + 2][1][1:-1])
    return labels
