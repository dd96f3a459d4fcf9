"""How many modules: as few as foresee held-out values as well as any number, and are told apart each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.temporal.consensus import LEAST_PROBABILITY, assigned, stability
from reguloom.temporal.held_out import Half, held_out
from reguloom.temporal.profile import Profile

#: Agreement (adjusted Rand index) of repeated groupings below which a number of modules is no candidate.
LEAST_STABLE = 0.6
#: Smallest gain of held-out log-likelihood per value (nats) that a further module has to bring.
LEAST_GAIN = 0.002
#: Share of all genes that the consensus has to assign to a module.
LEAST_ASSIGNED = 0.75
#: The sweep ends after so many numbers in a row that foresee held-out values no better than a smaller one.
PATIENCE = 3

Labels = Callable[[int, int], NDArray[np.int64]]
Shares = Callable[[int], NDArray[np.float64]]


class Folds:
    """Repeated splits of one time course into what is seen and what is held out.

    Parameters
    ----------
    pairs
        Halves from :func:`reguloom.temporal.thinning.thin`.
    """

    def __init__(self, pairs: Sequence[tuple[Half, Half]]) -> None:
        self.pairs = pairs
        self.profiles = [Profile.of(*train) for train, _ in pairs]

    def __len__(self) -> int:
        """Return the number of splits."""
        return len(self.pairs)

    def score(self, number: int, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the held-out log-likelihood of each gene under groups found in one split.

        Parameters
        ----------
        number
            Of the split.
        labels
            Group of each gene.
        """
        train, test = self.pairs[number]
        return held_out(train, test, self.profiles[number], labels)


def number_table(folds: Folds, labels: Labels, shares: Shares, most: int) -> pd.DataFrame:
    """Return what each number of modules is worth, and which is chosen.

    A number is a candidate if groupings of different splits agree (adjusted Rand index of at least 0.6). Of these, the
    smallest is taken whose held-out likelihood is within one standard error (over genes, of the difference) of the
    best. Its consensus has to tell the modules apart: each holds at least half of its genes in at least half of the
    groupings, and together they hold three quarters of all genes so. If it does not, the number is no candidate, and
    the choice is made anew without it. One module always is a candidate.

    Parameters
    ----------
    folds
        Splits of the data.
    labels
        Function from the number of a split and the number of modules to the group of each gene.
    shares
        Function from the number of modules to the memberships of their consensus.
    most
        Largest number of modules tried.

    Returns
    -------
    One row per number: ``n_modules``, ``held_out`` (mean log-likelihood per value), ``se`` (of its difference from the
    best), ``stability``, ``assigned`` (share of the genes that the consensus holds; NaN where none was needed),
    ``candidate``, ``chosen``.
    """
    table, values = _swept(folds, labels, most)
    table["candidate"] = (table["stability"] >= LEAST_STABLE) | (table["n_modules"] == 1)
    table["assigned"] = np.nan
    table.loc[0, "assigned"] = 1.0
    while True:
        best = int(table["held_out"].where(table["candidate"]).idxmax())
        behind = [values[best] - one for one in values]
        table["se"] = [float(one.std(ddof=1) / np.sqrt(len(one))) for one in behind]
        near = table["candidate"] & (
            table["held_out"][best] - table["held_out"] <= np.maximum(table["se"], LEAST_GAIN)
        )  # fmt: skip
        row = int(near.idxmax())
        if row == 0:
            break
        share = shares(int(table["n_modules"][row]))
        table.loc[row, "assigned"] = float((share.max(axis=1) >= LEAST_PROBABILITY).mean())
        if assigned(share).min() >= LEAST_PROBABILITY and table["assigned"][row] >= LEAST_ASSIGNED:
            break
        table.loc[row, "candidate"] = False
    table["chosen"] = table.index == row
    return table[["n_modules", "held_out", "se", "stability", "assigned", "candidate", "chosen"]]


def _swept(folds: Folds, labels: Labels, most: int) -> tuple[pd.DataFrame, list[NDArray[np.float64]]]:
    """Return the scores of each number, and of each gene under it, until more modules no longer help."""
    rows: list[dict[str, float]] = []
    values: list[NDArray[np.float64]] = []
    best = 0
    for k in range(1, most + 1):
        found = [labels(number, k) for number in range(len(folds))]
        values.append(np.mean([folds.score(number, one) for number, one in enumerate(found)], axis=0))
        rows.append({"n_modules": k, "held_out": float(values[-1].mean()), "stability": stability(found)})
        best = k if rows[-1]["held_out"] > rows[best - 1]["held_out"] or k == 1 else best
        if k - best >= PATIENCE:
            break
    return pd.DataFrame(rows), values


def refused(table: pd.DataFrame) -> list[int]:
    """Return the numbers that foresee held-out values well enough, but whose modules the consensus does not tell apart.

    Parameters
    ----------
    table
        From :func:`number_table`.
    """
    looked_at = table["assigned"].notna() & ~table["candidate"]
    return [int(number) for number in table.loc[looked_at, "n_modules"]]
