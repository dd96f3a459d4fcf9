"""What AUCell's two published variants do differently, and the memberships in the form the kernel reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import EmptyResultError, InputError, warn
from reguloom._logging import logger

if TYPE_CHECKING:
    import pandas as pd

    from reguloom.core import Regulons

METHODS = ("pyscenic", "r")
TIES = ("shuffle", "random", "order")


@dataclass(frozen=True)
class Recipe:
    """A variant of AUCell with every default filled in.

    Parameters
    ----------
    method
        ``"pyscenic"`` or ``"r"``.
    weights
        Whether targets count by their weight.
    auc_threshold
        Share of the ranking that scores.
    ties
        ``"shuffle"``, ``"random"`` or ``"order"``.
    min_overlap
        Share of a regulon's targets that must be in the matrix.
    normalize
        Whether each regulon is divided by its largest value.
    """

    method: str
    weights: bool
    auc_threshold: float
    ties: str
    min_overlap: float
    normalize: bool

    @classmethod
    def of(
        cls,
        *,
        method: str,
        weights: bool,
        auc_threshold: float,
        ties: str | None,
        min_overlap: float | None,
        normalize: bool,
    ) -> Recipe:
        """Check the options and fill in what the method decides.

        Raises
        ------
        InputError
            If an option is not one of the accepted values.
        """
        if method not in METHODS:
            msg = f"method is {method!r}; accepted are 'pyscenic' and 'r'."
            raise InputError(msg)
        pyscenic = method == "pyscenic"
        ties = ties if ties is not None else "shuffle" if pyscenic else "random"
        if ties not in TIES:
            msg = f"ties is {ties!r}; accepted are 'shuffle', 'random' and 'order'."
            raise InputError(msg)
        if not 0 < auc_threshold <= 1:
            msg = f"auc_threshold is {auc_threshold}; it is a share of the ranking, above 0 and at most 1."
            raise InputError(msg)
        min_overlap = min_overlap if min_overlap is not None else 0.8 if pyscenic else 0.2
        if not 0 <= min_overlap <= 1:
            msg = f"min_overlap is {min_overlap}; it is a share of a regulon's targets, between 0 and 1."
            raise InputError(msg)
        return cls(method, weights, auc_threshold, ties, min_overlap, normalize)

    def depth(self, n_genes: int) -> int:
        """Return how many ranks score among `n_genes`.

        pySCENIC rounds half to even, R takes the ceiling; in both the last of these ranks scores nothing.

        Raises
        ------
        InputError
            If fewer than two ranks would count.
        """
        share = self.auc_threshold * n_genes
        n_ranks = round(share) if self.method == "pyscenic" else math.ceil(share)
        if n_ranks < 2:
            msg = (
                f"auc_threshold {self.auc_threshold:g} of {n_genes} genes is {n_ranks} rank(s), and at least 2 are "
                f"needed; use the full matrix, or an auc_threshold of {2 / n_genes:.2g} or more."
            )
            raise InputError(msg)
        return n_ranks - 1

    def passes(self, overlap: np.ndarray) -> np.ndarray:
        """Return which regulons have enough targets in the matrix, given the share of each that is there."""
        if self.method == "pyscenic":
            return overlap >= self.min_overlap
        return overlap > self.min_overlap


@dataclass(frozen=True)
class Members:
    """Memberships, genes × regulons, in the kernel's types, and what each regulon's sum is divided by.

    Parameters
    ----------
    names
        Names of the regulons that are scored, in order.
    indptr, regulons, weights
        For each gene, the regulons it belongs to; no weights at all stand for 1.
    denominators
        Shape ``(n_regulons,)``; infinite where the score is 0 by rule.
    """

    names: list[str]
    indptr: np.ndarray
    regulons: np.ndarray
    weights: np.ndarray
    denominators: np.ndarray

    @classmethod
    def of(cls, regulons: Regulons, genes: pd.Index, recipe: Recipe) -> Members:
        """Look the targets up in the matrix and apply the variant's rule for missing ones.

        Raises
        ------
        InputError
            If a weight that is used is negative or not a number.
        EmptyResultError
            If no regulon has enough targets in the matrix.
        """
        matrix = regulons.to_csr(list(genes), weighted=recipe.weights)
        if recipe.weights and not (matrix.data >= 0).all():
            msg = "some regulon weights are negative or not a number; give weights >= 0, or score with weights=False."
            raise InputError(msg)
        n_present = np.diff(matrix.indptr)
        n_targets = np.array([len(one) for one in regulons], dtype=np.int64)
        passing = recipe.passes(n_present / np.maximum(n_targets, 1)) & (n_present > 0)
        names = _report(regulons.names, passing, recipe)
        if recipe.method == "r":
            matrix, passing = matrix[passing], passing[passing]
        denominators = _denominators(matrix, recipe, recipe.depth(len(genes)))
        denominators[~passing | (denominators == 0)] = np.inf
        by_gene = matrix.T.tocsr()
        return cls(
            names=names,
            indptr=by_gene.indptr.astype(np.uint32),
            regulons=by_gene.indices.astype(np.uint32),
            weights=by_gene.data.astype(np.float64) if recipe.weights else np.empty(0),
            denominators=denominators,
        )


def _report(names: list[str], passing: np.ndarray, recipe: Recipe) -> list[str]:
    """Warn about regulons that lack targets in one summary; returns the names that stay."""
    if not passing.any():
        msg = (
            f"none of the {len(names)} regulons has {recipe.min_overlap:.0%} of its targets in the matrix; score the "
            "matrix that they were inferred from, or lower min_overlap."
        )
        raise EmptyResultError(msg)
    if passing.all():
        return names
    poor = [name for name, good in zip(names, passing, strict=True) if not good]
    fate = "score 0" if recipe.method == "pyscenic" else "are dropped"
    more = ", ..." if len(poor) > 5 else ""
    warn(
        f"{len(poor)} of {len(names)} regulons have too few of their targets in the matrix (the rule asks for "
        f"{recipe.min_overlap:.0%}) and {fate}: {', '.join(poor[:5])}{more}."
    )
    logger.debug("regulons with too few targets in the matrix: %s", ", ".join(poor))
    return names if recipe.method == "pyscenic" else [name for name in names if name not in set(poor)]


def _denominators(matrix: object, recipe: Recipe, depth: int) -> np.ndarray:
    """Return what the sums of ``weight * (depth - rank)`` are divided by.

    pySCENIC: the number of ranks times the sum of weights, which no regulon can reach. R: the largest sum possible,
    with the targets at the very top in the order of their weights.
    """
    data, indptr = matrix.data, matrix.indptr  # type: ignore[attr-defined]
    rows = [data[indptr[i] : indptr[i + 1]] for i in range(len(indptr) - 1)]
    if recipe.method == "pyscenic":
        return np.array([(depth + 1) * row.sum() for row in rows], dtype=np.float64)
    best = np.arange(depth, 0, -1, dtype=np.float64)
    return np.array([np.sort(row)[::-1][:depth] @ best[: len(row)] for row in rows], dtype=np.float64)
