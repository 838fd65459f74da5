# SPDX-License-Identifier: GPL-2.0-only
"""Added cost by case and peer, as SVG that is the same for the same figures."""

import io
import re

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot                               # noqa: E402

import goals                                                # noqa: E402

SPDX = "<!-- SPDX-License-Identifier: GPL-2.0-only -->"
# Told apart without colour too: each bar has its peer's name beside it.
COLOURS = {"lenscap": "#1b6ca8", "nftables": "#c8553d", "ipset": "#8e6c8a",
           "tc-bpf": "#6a994e", "dpdk": "#e09f3e", "naive": "#777777"}


def name(figure):
    """Peer and variant, without the peer's version, not too long."""
    parts = [part for part in figure["variant"].split(", ")
             if not part.startswith(figure["peer"])]
    text = f"{figure['peer']} {', '.join(parts)}".strip()
    return text if len(text) < 48 else text[:46].rstrip() + "\u2026"


def bars(figures):
    """(case, who, added cost, peer) from top to bottom."""
    hooks = goals.Figures(figures)
    return [(figure["case"], name(figure), added, figure["peer"])
            for figure in figures if figure["peer"] not in goals.NO_PEERS
            and figure["unit"] == "ns/packet"
            and (added := hooks.added(figure)) is not None]


def tidy(text):
    """One group a line, no trailing blanks, the license on line two."""
    head, _, rest = text.partition("?>")
    rest = re.sub(r"<!DOCTYPE[^>]*>", "", rest)
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.S)
    rest = re.sub(r"\s*\n\s*(?!<)", " ", re.sub(r"[ \t]+", " ", rest))
    rest = re.sub(r">\s+<", "><", rest).strip().replace("<g ", "\n<g ")
    return f"{head}?>\n{SPDX}\n{rest}\n"


def draw(figures):
    """The plot's text."""
    rows = bars(figures)
    cases = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: cases.index(row[0]))
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lenscap",
                            "font.family": "sans-serif", "font.size": 9})
    # A bar's place: one step a bar, and a gap before each case.
    places, ticks, place, case = [], {}, 0, None
    for row in rows:
        place += 1.8 if row[0] != case else 1
        case = row[0]
        places.append(place)
        ticks.setdefault(case, place)
    chart, axes = pyplot.subplots(figsize=(8, 1 + 0.2 * max(place, 4)))
    longest = max((row[2] for row in rows), default=1)
    for place, (_, text, added, peer) in zip(places, rows):
        axes.barh(place, max(added, 0), height=0.85,
                  color=COLOURS.get(peer, "#888888"))
        axes.text(max(added, 0) + longest / 100, place,
                  f"{added:.0f} {text}", va="center", fontsize=7)
    axes.set_yticks(list(ticks.values()), list(ticks))
    axes.set_ylim(max(places, default=1) + 1, 0.8)
    axes.set_xlim(0, longest * 1.45)
    axes.set_xlabel("ns a packet, added to an empty hook (median)")
    axes.set_title(", ".join(dict.fromkeys(f["kernel"] for f in figures)),
                   fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    chart.tight_layout()
    out = io.StringIO()
    chart.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(chart)
    return tidy(out.getvalue())
