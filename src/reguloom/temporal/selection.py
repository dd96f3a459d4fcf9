"""How many modules: as few as foresee held-out values as well as any number, and come out alike each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.temporal.consensus import stability
from reguloom.temporal.held_out import Half, held_out
from reguloom.temporal.profile import Profile

#: Agreement (adjusted Rand index) of repeated groupings below which a number of modules is no candidate.
LEAST_STABLE = 0.6
#: Smallest gain of held-out log-likelihood per value (nats) that a further module has to bring.
LEAST_GAIN = 0.002

Labels = Callable[[int, int], NDArray[np.int64]]


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


def number_table(folds: Folds, labels: Labels, most: int) -> pd.DataFrame:
    """Return what each number of modules is worth, and which is chosen.

    A number is a candidate if groupings of different splits agree (adjusted Rand index of at least 0.6). Of these, the
    smallest is chosen whose held-out likelihood is within one standard error (over genes, of the difference) of the
    best; one module always is a candidate.

    Parameters
    ----------
    folds
        Splits of the data.
    labels
        Function from the number of a split and the number of modules to the group of each gene.
    most
        Largest number of modules tried.

    Returns
    -------
    One row per number: ``n_modules``, ``held_out`` (mean log-likelihood per value), ``se`` (of its difference from the
    best), ``stability``, ``candidate``, ``chosen``.
    """
    rows, values = [], []
    for k in range(1, most + 1):
        found = [labels(number, k) for number in range(len(folds))]
        values.append(np.mean([folds.score(number, one) for number, one in enumerate(found)], axis=0))
        rows.append({"n_modules": k, "held_out": float(values[-1].mean()), "stability": stability(found)})
    table = pd.DataFrame(rows)
    table["candidate"] = (table["stability"] >= LEAST_STABLE) | (table["n_modules"] == 1)
    best = int(table["held_out"].where(table["candidate"]).idxmax())
    behind = [values[best] - one for one in values]
    table["se"] = [float(one.std(ddof=1) / np.sqrt(len(one))) for one in behind]
    near = table["candidate"] & (
        table["held_out"][best] - table["held_out"] <= np.maximum(table["se"], LEAST_GAIN)
    )  # fmt: skip
    table["chosen"] = table.index == int(near.idxmax())
    return table[["n_modules", "held_out", "se", "stability", "candidate", "chosen"]]
