"""Many groupings of the same genes made one: names matched, shares averaged, agreement measured."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

_ROUNDS = 20
#: A gene is assigned to a module that holds it in so large a share of the groupings; else it is unassigned.
LEAST_PROBABILITY = 0.5


def adjusted_rand(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return how far two groupings agree beyond chance (Hubert & Arabie 1985); 1 if both have one group.

    Parameters
    ----------
    one, other
        Groups of the same genes.
    """
    table = contingency(one, other).astype(np.float64)
    pairs = (table * (table - 1) / 2).sum()
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    in_rows, in_columns = (rows * (rows - 1) / 2).sum(), (columns * (columns - 1) / 2).sum()
    total = max(len(one) * (len(one) - 1) / 2, 1.0)
    chance = in_rows * in_columns / total
    most = (in_rows + in_columns) / 2
    return 1.0 if most == chance else float((pairs - chance) / (most - chance))


def contingency(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many genes are in each group of `one` and each of `other`."""
    table = np.zeros((int(one.max(initial=0)) + 1, int(other.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(table, (one, other), 1)
    return table


def stability(partitions: Sequence[NDArray[np.int64]]) -> float:
    """Return the mean agreement (adjusted Rand index) of all pairs of `partitions`."""
    found = [adjusted_rand(one, other) for one, other in combinations(partitions, 2)]
    return float(np.mean(found)) if found else float("nan")


def consensus(partitions: Sequence[NDArray[np.int64]], n_groups: int) -> NDArray[np.float64]:
    """Return the share of groupings that put each gene in each group, ``(n_genes, n_groups)``.

    Group numbers are matched to those of the average so far, which starts from the grouping that agrees best with the
    others, until nothing changes (after Dimitriadou et al. 2002). The cost grows with genes, not with pairs of them.

    Parameters
    ----------
    partitions
        Groups of the same genes, each ``(n_genes,)``.
    n_groups
        Number of groups.
    """
    eye = np.eye(n_groups)
    share = eye[partitions[_most_central(partitions)]]
    for _ in range(_ROUNDS):
        total = np.zeros_like(share)
        for one in partitions:
            total += eye[_matched(one, share)[one]]
        total /= len(partitions)
        if np.allclose(total, share):
            break
        share = total
    return share


def assigned(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of its genes that each module holds in at least half of the groupings, ``(n_groups,)``.

    The genes of a module are those that no other holds more often; a module without any gets 0.

    Parameters
    ----------
    share
        From :func:`consensus`.
    """
    label, held = share.argmax(axis=1), share.max(axis=1) >= LEAST_PROBABILITY
    size = np.bincount(label, minlength=share.shape[1])
    return np.bincount(label[held], minlength=share.shape[1]) / np.maximum(size, 1)


def joined(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return memberships in which modules that are not told apart are one.

    As long as some module holds less than half of its genes (see :func:`assigned`), that which holds the least is
    joined to the module that its genes are put in most often besides. Memberships are added, so that no gene is lost
    because groupings split it between two modules of one kind.

    Parameters
    ----------
    share
        From :func:`consensus`.
    """
    while share.shape[1] > 1:
        held = assigned(share)
        weak = int(held.argmin())
        if held[weak] >= LEAST_PROBABILITY:
            break
        # Of a module that is no gene's first, those genes that it has a part of say where it belongs.
        weight = np.where(share.argmax(axis=1) == weak, 1.0, 0.0)
        together = (weight if weight.any() else share[:, weak]) @ share
        together[weak] = -np.inf
        other = int(together.argmax())
        share = share.copy()
        share[:, other] += share[:, weak]
        share = np.delete(share, weak, axis=1)
    return share


def _most_central(partitions: Sequence[NDArray[np.int64]]) -> int:
    """Return the number of the grouping with the highest mean agreement; of many, among a sample of them."""
    chosen = np.unique(np.linspace(0, len(partitions) - 1, 25).astype(int))
    table = np.array([[adjusted_rand(partitions[i], partitions[j]) for j in chosen] for i in chosen])
    return int(chosen[table.mean(axis=1).argmax()])


def _matched(one: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number in `share` that each group of `one` corresponds to."""
    n = share.shape[1]
    overlap = np.stack([share[one == group].sum(axis=0) for group in range(n)])
    return np.asarray(linear_sum_assignment(-overlap)[1], dtype=np.int64)


def explained(labels: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Return the share of the variance of `values` between groups (eta squared).

    Parameters
    ----------
    labels
        Groups, ``(n_genes,)``.
    values
        ``(n_genes,)`` or ``(n_genes, n_values)``.
    """
    table = values.reshape(len(labels), -1)
    total = ((table - table.mean(axis=0)) ** 2).sum()
    within = 0.0
    for one in np.unique(labels):
        part = table[labels == one]
        within += ((part - part.mean(axis=0)) ** 2).sum()
    return float(1.0 - within / total) if total > 0 else 0.0
