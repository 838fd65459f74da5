# SPDX-License-Identifier: GPL-2.0-only
"""What Lenscap's performance should be, and whether figures say that it is.

A goal compares two figures of one part and one kernel. Where a hook is
measured, the cost that counts is what is added: the figure minus that of an
empty hook with the same traffic. Of a peer with several ways to do the same,
the best one counts; of Lenscap, the worst.
"""

import re

# What is measured but enforces no policy: hooks that do nothing, and those that
# stop after some of Lenscap's steps.
EMPTY = ("empty", "none")
STEPS = "steps"
NO_PEERS = (*EMPTY, STEPS)

# Of the steps, those that are none of Lenscap's: what any judge must do that
# keeps a count for each device.
FLOORS = ("one line", "two lines")


class Figures:
    """The figures of one part and one kernel, that is, of one run."""

    def __init__(self, figures):
        self.figures = figures

    def find(self, case, peer, variant="", unit=None):
        """The figures of a case (regular expression) and a peer's variant
        (the beginning, regular expression), in the given unit."""
        return [figure for figure in self.figures
                if re.fullmatch(case, figure["case"]) and
                figure["peer"] == peer and
                re.match(variant, figure["variant"]) and
                (unit is None or figure["unit"] == unit)]

    def added(self, figure):
        """A figure minus that of the empty hook in its case, or None. Hooks
        are in several places: that in the same place, if there is one."""
        empty = self.find(re.escape(figure["case"]), "empty",
                          unit=figure["unit"])
        same = [hook for hook in empty
                if hook.get("place") == figure.get("place")]
        costs = [hook["median"] for hook in same or empty]
        return figure["median"] - min(costs) if costs else None

    def times_ours(self, figure):
        """What a peer adds, divided by what Lenscap adds in the same case with
        the same policy (which the end of the variant tells, if a case has
        several); or None."""
        if figure["peer"] in ("lenscap", *NO_PEERS):
            return None
        ours = [mine for mine in self.find(re.escape(figure["case"]),
                                           "lenscap", unit=figure["unit"])
                if figure["variant"].endswith(mine["variant"])]
        theirs = self.added(figure)
        mine = self.added(max(ours, key=lambda one: len(one["variant"]))) \
            if ours else None
        return theirs / mine if theirs is not None and mine and mine > 0 \
            else None

    def added_by(self, case, peer, variant="", best=min):
        """The least that a peer adds in a case; or None, and what is missing."""
        found = self.find(re.escape(case), peer, variant)
        if not found:
            return None, f"{peer} {variant}".strip() + f" in case {case}"
        costs = [cost for cost in map(self.added, found) if cost is not None]
        if not costs:
            return None, f"the empty hook in case {case}"
        return best(costs), None

    def peers(self, case):
        """(peer, which kind of it, the least that it adds) in a case; kinds
        are those that goals tell apart."""
        rows = []
        for figure in self.figures:
            if figure["case"] == case and \
                    figure["peer"] not in ("lenscap", *NO_PEERS):
                rows.append((figure["peer"], next(
                    filter(figure["variant"].startswith, KINDS), "")))
        return [(*row, best) for row in dict.fromkeys(rows)
                if (best := self.added_by(case, *row)[0]) is not None]

    @staticmethod
    def goal_against(case, peer, kind):
        """The goal that compares what is added there, if there is one."""
        return next((goal for goal in KERNEL if isinstance(goal, Added) and
                     (goal.case, goal.peer, goal.variant) ==
                     (case, peer, kind)), None)


def ratio(value):
    """As text."""
    return f"{value:.2f}x" if value < 10 else f"{value:.1f}x"


def share_text(value):
    """A share of another's, as goals say it."""
    if value <= 0:
        return "nothing was added"
    return f"1/{1 / value:.1f}" if value < 1 else ratio(value)


class Added:
    """Lenscap's added cost against another's, or against its own elsewhere.

    Against its own, a variant of the policy meets the same variant there.
    """

    def __init__(self, case, limit, peer="lenscap", variant="", other=None):
        self.case = case
        self.limit = limit
        self.peer = peer
        self.variant = variant
        self.other = other or case
        against = f"`{self.other}`" if peer == "lenscap" else \
            f"{peer}, {variant} sets" if variant else peer
        self.title = f"`{case}`: added cost against {against}"
        self.wanted = f"at most 1/{round(1 / limit)}" if limit < 1 \
            else f"at most {limit}x"

    def judge(self, figures):
        """What was measured, and met, missed or missing."""
        if self.peer == "lenscap":
            share, lack = self.against_own(figures)
        else:
            share, lack = self.against_peer(figures)
        if share is None:
            return lack, "missing"
        seen = share_text(share) if self.limit < 1 else ratio(share)
        return seen, "met" if share <= self.limit else "missed"

    def against_peer(self, figures):
        """The worst of Lenscap's against the best of the peer's, or why not."""
        mine, lack = figures.added_by(self.case, "lenscap", best=max)
        theirs, lack2 = figures.added_by(self.other, self.peer, self.variant)
        return self.share(mine, theirs, lack or lack2)

    def against_own(self, figures):
        """The worst of all variants of the policy, or why not."""
        shares = []
        for mine in figures.find(re.escape(self.case), "lenscap"):
            same = [other for other in
                    figures.find(re.escape(self.other), "lenscap")
                    if other["variant"] == mine["variant"]]
            if not same:
                return None, f"no figure of lenscap {mine['variant']}".strip() \
                    + f" in case {self.other}"
            share, lack = self.share(
                figures.added(mine), figures.added(same[0]),
                f"the empty hook in case {self.case} or {self.other}")
            if share is None:
                return None, lack
            shares.append(share)
        if not shares:
            return None, f"no figure of lenscap in case {self.case}"
        return max(shares), None

    @staticmethod
    def share(mine, theirs, lack):
        """One divided by the other, or why not."""
        if mine is None or theirs is None:
            return None, f"no figure of {lack}"
        if theirs <= 0:
            return None, ("the other adds nothing that can be told from the "
                          "empty hook")
        return mine / theirs, None


class Faster:
    """Lenscap's figure against the best of a peer's, in whole.

    more: figures where more is better (a rate); otherwise less is (a time).
    """

    def __init__(self, case, peer, limit, title, variant="", unit=None,
                 more=False, strict=False):
        self.case = case
        self.peer = peer
        self.variant = variant
        self.limit = limit
        self.unit = unit
        self.more = more
        self.strict = strict
        self.title = title
        self.wanted = f"at least {limit}x" if not strict else "faster"

    def judge(self, figures):
        """What was measured, and met, missed or missing."""
        mine = figures.find(self.case, "lenscap", unit=self.unit)
        theirs = figures.find(self.case, self.peer, self.variant, self.unit)
        if not mine or not theirs:
            lack = "lenscap" if not mine else self.peer
            return f"no figure of {lack} for this", "missing"
        best, worst = (max, min) if self.more else (min, max)
        ours = worst(figure["median"] for figure in mine)
        other = best(figure["median"] for figure in theirs)
        share = ours / other if self.more else other / ours
        good = share > self.limit if self.strict else share >= self.limit
        return f"{ratio(share)} as fast", "met" if good else "missed"


class Below:
    """One of Lenscap's figures against a limit, or against another of its own."""

    def __init__(self, case, unit, limit, title, other=None):
        self.case = case
        self.unit = unit
        self.limit = limit
        self.other = other
        self.title = title
        self.wanted = f"at most {limit}x" if other else \
            f"less than {limit * 1000:g} ms"

    def judge(self, figures):
        """What was measured, and met, missed or missing."""
        mine = figures.find(self.case, "lenscap", unit=self.unit)
        if not mine:
            return f"no figure in {self.unit} for this", "missing"
        if not self.other:
            value = max(figure["median"] for figure in mine)
            return f"{value * 1000:.3g} ms", \
                "met" if value < self.limit else "missed"
        shares = [figure["median"] / other["median"] for figure in mine
                  for other in figures.find(self.other, "lenscap",
                                            unit=self.unit)
                  if other["variant"] == figure["variant"]]
        if not shares:
            return "no figure to compare with", "missing"
        return ratio(max(shares)), \
            "met" if max(shares) <= self.limit else "missed"


# Of one peer, by how the variant begins; all other peers are of one kind.
KINDS = ("exact", "interval")

HOOK = [
    Added("hot", 1 / 8, "nftables", "exact"),
    Added("hot", 1 / 10, "nftables", "interval"),
]
KERNEL = HOOK + [
    Added("hot", 1, "naive"),
    Added("shared", 1, "naive"),
    Added("shared", 1 / 5, "nftables", "exact"),
    Added("shared", 1 / 7, "nftables", "interval"),
    Added("unshared", 1.5, other="shared"),
    Added("big", 1.5, other="big-20"),
    Added("big-ipv6", 1.5, other="big-ipv6-20"),
    Added("adversarial", 1.5, other="adversarial-random"),
    Added("denied", 1.2, other="shared"),
    Added("unknown", 1.2, other="shared"),
]
HOST = [Faster(case, "dpdk", 1, f"`{case}`: decisions a second against DPDK's "
               f"rte_hash and rte_acl, {way}", variant=f".*{way}",
               unit="decisions/s", more=True, strict=True)
        for way in ("one by one", "bursts of 32")
        for case in ("hot", "shared", "unshared", "big", "big-20", "denied",
                     "unknown", "adversarial", "adversarial-random", "ipv6")]
LOAD = [
    Faster("load-1m", "nftables", 20, "1,000,000 rules loaded, against "
           "nftables' interval set", variant="interval", unit="s"),
    Faster("load-1m", "ipset", 1, "1,000,000 rules loaded, against "
           "`ipset restore`", unit="s", strict=True),
    Below("change-50k", "s", 0.01, "one device of 50,000 changed"),
]
ICOUNT = HOOK + [
    Below("change-50k", "instructions", 1.2, "one device changed in 1,000,000 "
          "rules: instructions against one in 10,000", other="change-500"),
]


def of_part(part):
    """The goals that a part's figures can answer."""
    return {"kernel": KERNEL, "icount": ICOUNT, "host": HOST,
            "load": LOAD}.get(part, [])
